//! Orgate's own permissions: what an organization's administrators may do in it.
//!
//! **Invariant:** the catalogue is this enum. Each begins with `orgate:`, which no client and no organization can declare;
//! what anybody holds is text, and counts for what it covers of the catalogue.

use std::collections::BTreeSet;

use crate::roles::{InvalidPermission, Permission};

macro_rules! catalogue {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal;)+) => {
        /// One of Orgate's own permissions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum OrgatePermission { $($(#[doc = $doc])+ $name,)+ }

        impl OrgatePermission {
            /// Each of them, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// As roles hold it, and scopes name it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// What it lets its holder do, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii_start(),)+ }
            }
        }
    };
}

catalogue! {
    /// Make API keys for oneself, for what one may do oneself, and take back anybody's.
    ApiKeysManage = "orgate:api_keys:manage";
    /// See API keys, without their secrets: whose they are, what they may do, and when they were last used.
    ApiKeysRead = "orgate:api_keys:read";
    /// Give others permissions of applications, and roles, that one does not have oneself.
    ApplicationsGrant = "orgate:applications:grant";
    /// Read the audit log.
    AuditRead = "orgate:audit:read";
    /// Make and change applications and machines, and their secrets, as far as one holds what they may ask for: in the operator's
    /// organization also which others use them.
    ClientsManage = "orgate:clients:manage";
    /// See applications and machines, without their secrets.
    ClientsRead = "orgate:clients:read";
    /// Set up and change connections to identity providers, which decide who people are: as much as to administer everything.
    ConnectionsManage = "orgate:connections:manage";
    /// See connections to identity providers, without their secrets.
    ConnectionsRead = "orgate:connections:read";
    /// Let organizations above one's own act in it, as far as one holds what they may do.
    DelegationsManage = "orgate:delegations:manage";
    /// See which organizations above one's own may act in it, and what they may do.
    DelegationsRead = "orgate:delegations:read";
    /// Claim, prove and give up e-mail domains.
    DomainsManage = "orgate:domains:manage";
    /// See e-mail domains, and what proves them.
    DomainsRead = "orgate:domains:read";
    /// Make and change groups, and say who is in them, as far as one could give their roles.
    GroupsManage = "orgate:groups:manage";
    /// See groups and who is in them.
    GroupsRead = "orgate:groups:read";
    /// Invite people, with roles and groups that one could give them, and take that back.
    InvitationsManage = "orgate:invitations:manage";
    /// See who is invited, and with what.
    InvitationsRead = "orgate:invitations:read";
    /// Change the organization's name, look and contact, and word its mails.
    OrganizationManage = "orgate:organization:manage";
    /// See the organization's name, slug, status, look and contact, how it words its mails, and how much it may have, and has.
    OrganizationRead = "orgate:organization:read";
    /// In the operator's organization: do in every organization what one may do in one's own, for a reason that is told.
    OrganizationsAct = "orgate:organizations:act";
    /// In the operator's organization: make, suspend, delete and restore organizations, say which roles they begin with, and how much they may have.
    OrganizationsManage = "orgate:organizations:manage";
    /// In the operator's organization: see which organizations there are, with which roles they begin, and what waits to be done.
    OrganizationsRead = "orgate:organizations:read";
    /// Change what the organization allows, and for how long.
    PoliciesManage = "orgate:policies:manage";
    /// See what the organization allows, and for how long.
    PoliciesRead = "orgate:policies:read";
    /// Give and take away roles, as far as one holds what is in them.
    RolesAssign = "orgate:roles:assign";
    /// Make, change and take away roles, as far as one holds what is in them.
    RolesManage = "orgate:roles:manage";
    /// See roles and what is in them.
    RolesRead = "orgate:roles:read";
    /// End sessions.
    SessionsManage = "orgate:sessions:manage";
    /// See who is signed in, and from where.
    SessionsRead = "orgate:sessions:read";
    /// Make and take back set-up links, for what one may set up oneself and roles that one could grant.
    SetupLinksManage = "orgate:setup_links:manage";
    /// See set-up links, without their secrets.
    SetupLinksRead = "orgate:setup_links:read";
    /// Replace the keys by which the organization's own issuer signs: in the operator's organization, those of the shared issuer.
    SigningKeysManage = "orgate:signing_keys:manage";
    /// See these keys, without what is private of them, and where each is in its life.
    SigningKeysRead = "orgate:signing_keys:read";
    /// In organizations below one's own that let it: do what one may do in one's own, as far as they let it.
    SuborganizationsAct = "orgate:suborganizations:act";
    /// Make users, change their names, addresses and languages, have them sign in or not, and erase them for good.
    UsersManage = "orgate:users:manage";
    /// See users: their names, addresses, languages, roles, and whether they are active.
    UsersRead = "orgate:users:read";
    /// Make, change and try out webhooks, with the permission to read the audit log: what happens is sent to them.
    WebhooksManage = "orgate:webhooks:manage";
    /// See webhooks, without their secrets, and what became of what they were sent.
    WebhooksRead = "orgate:webhooks:read";
}

/// What an owner holds: all that there is, and what will be.
pub const EVERYTHING: &str = "orgate:*";

/// The slug of the role that holds [`EVERYTHING`] in every organization that begins with it.
pub const OWNER: &str = "owner";

/// A role that every new organization has, and may change like any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadyRole {
    /// Its slug.
    pub slug: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What is in it.
    pub permissions: &'static [&'static str],
}

/// The roles that every new organization has, those that may do most first.
pub const READY_ROLES: &[ReadyRole] = &[
    ReadyRole { slug: OWNER, name: "Owner", permissions: &[EVERYTHING] },
    ReadyRole {
        slug: "admin",
        name: "Admin",
        permissions: &[
            "orgate:api_keys:*",
            "orgate:applications:grant",
            "orgate:audit:*",
            "orgate:clients:*",
            "orgate:connections:*",
            "orgate:delegations:*",
            "orgate:domains:*",
            "orgate:groups:*",
            "orgate:invitations:*",
            "orgate:organization:*",
            "orgate:policies:*",
            "orgate:roles:*",
            "orgate:sessions:*",
            "orgate:setup_links:*",
            "orgate:signing_keys:*",
            "orgate:suborganizations:*",
            "orgate:users:*",
            "orgate:webhooks:*",
        ],
    },
    ReadyRole {
        slug: "user-manager",
        name: "User manager",
        permissions: &[
            "orgate:applications:grant",
            "orgate:groups:*",
            "orgate:invitations:*",
            "orgate:organization:read",
            "orgate:roles:assign",
            "orgate:roles:read",
            "orgate:sessions:*",
            "orgate:users:*",
        ],
    },
    ReadyRole {
        slug: "sso-manager",
        name: "SSO manager",
        permissions: &[
            "orgate:connections:*",
            "orgate:domains:*",
            "orgate:groups:read",
            "orgate:organization:read",
            "orgate:policies:read",
            "orgate:roles:read",
            "orgate:setup_links:*",
        ],
    },
    ReadyRole {
        slug: "help-desk",
        name: "Help desk",
        permissions: &[
            "orgate:groups:read",
            "orgate:invitations:read",
            "orgate:organization:read",
            "orgate:roles:read",
            "orgate:sessions:*",
            "orgate:users:read",
        ],
    },
    ReadyRole {
        slug: "auditor",
        name: "Auditor",
        permissions: &[
            "orgate:api_keys:read",
            "orgate:audit:read",
            "orgate:clients:read",
            "orgate:connections:read",
            "orgate:delegations:read",
            "orgate:domains:read",
            "orgate:groups:read",
            "orgate:invitations:read",
            "orgate:organization:read",
            "orgate:policies:read",
            "orgate:roles:read",
            "orgate:sessions:read",
            "orgate:setup_links:read",
            "orgate:signing_keys:read",
            "orgate:users:read",
            "orgate:webhooks:read",
        ],
    },
    ReadyRole {
        slug: "reader",
        name: "Reader",
        permissions: &[
            "orgate:groups:read",
            "orgate:invitations:read",
            "orgate:organization:read",
            "orgate:roles:read",
            "orgate:users:read",
        ],
    },
];

/// Text that is no permission for a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PermissionProblem {
    /// See [`InvalidPermission`].
    #[error(transparent)]
    Invalid(#[from] InvalidPermission),
    /// It is an application's.
    #[error("an application's permission; those of Orgate's own begin with `orgate:`")]
    Foreign,
    /// It is for nobody from above: each organization is asked for itself.
    #[error("whoever acts below an organization is let in by each of those there for itself")]
    NotDelegated,
    /// It begins with `orgate:`, and is none of the catalogue, nor a wildcard of any.
    #[error("what begins with `orgate:` is Orgate's own, and there is no such permission")]
    Unknown,
}

/// Reads a permission for a role: one of an application's, or one of the catalogue or a wildcard of some of it.
///
/// # Errors
/// [`PermissionProblem`].
pub fn parse_for_role(text: &str) -> Result<Permission, PermissionProblem> {
    let permission = Permission::parse(text)?;
    let known = |known: &OrgatePermission| {
        Permission::parse(known.as_str()).is_ok_and(|known| permission.covers(&known))
    };
    if permission.is_reserved() && !OrgatePermission::ALL.iter().any(known) {
        return Err(PermissionProblem::Unknown);
    }
    Ok(permission)
}

/// Reads one of Orgate's own, or a wildcard of some of them.
///
/// # Errors
/// [`PermissionProblem`].
pub fn parse_own(text: &str) -> Result<Permission, PermissionProblem> {
    let permission = parse_for_role(text)?;
    if permission.is_reserved() { Ok(permission) } else { Err(PermissionProblem::Foreign) }
}

impl OrgatePermission {
    /// Whether it is about all organizations, and so of use in the operator's alone.
    pub const fn is_about_all(self) -> bool {
        matches!(self, Self::OrganizationsAct | Self::OrganizationsManage | Self::OrganizationsRead)
    }

    /// Whether it is of use to somebody from above: each organization below lets them in for itself.
    pub const fn is_of_use_from_above(self) -> bool {
        !self.is_about_all() && !matches!(self, Self::SuborganizationsAct)
    }
}

/// Reads one that an organization above can be let use: of Orgate's own, and not to act further down.
///
/// # Errors
/// [`PermissionProblem`].
pub fn parse_for_delegate(text: &str) -> Result<Permission, PermissionProblem> {
    let permission = parse_own(text)?;
    if permission.as_str() == OrgatePermission::SuborganizationsAct.as_str() {
        return Err(PermissionProblem::NotDelegated);
    }
    Ok(permission)
}

/// Whether this text is a permission of Orgate's own, or a wildcard of some.
pub fn is_reserved(text: &str) -> bool {
    Permission::parse(text).is_ok_and(|permission| permission.is_reserved())
}

/// What somebody holds, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held(BTreeSet<Permission>);

impl Held {
    /// What can be read of these texts; anything else is held by nobody.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(texts.into_iter().filter_map(|text| Permission::parse(text).ok()).collect())
    }

    /// Whether what is held is enough for `wanted`.
    pub fn has(&self, wanted: OrgatePermission) -> bool {
        self.covers(wanted.as_str())
    }

    /// Whether what is held is enough for what this text is: a permission, or a wildcard. What is no permission at all
    /// is covered by nothing.
    pub fn covers(&self, wanted: &str) -> bool {
        Permission::parse(wanted).is_ok_and(|wanted| self.0.iter().any(|held| held.covers(&wanted)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_is_reserved_and_covered_by_the_wildcards_above_it_alone() {
        for permission in OrgatePermission::ALL {
            let parsed = Permission::parse(permission.as_str()).expect("a permission");
            assert!(parsed.is_reserved(), "{parsed}");

            assert!(Held::of(["orgate:*"]).has(*permission));
            assert!(Held::of([permission.as_str()]).has(*permission));
            assert!(!Held::of(["orgat:*", "notes:*", "*", "orgate", ""]).has(*permission));
        }
        assert!(Held::of(["orgate:users:*"]).has(OrgatePermission::UsersRead));
        assert!(!Held::of(["orgate:users:*"]).has(OrgatePermission::OrganizationRead));
    }

    #[test]
    fn the_roles_of_new_organizations_hold_what_there_is_and_nobody_but_an_owner_all_of_it() {
        for role in READY_ROLES {
            assert!(crate::names::Slug::parse(role.slug).is_ok(), "{}", role.slug);
            assert!(crate::names::DisplayName::parse(role.name).is_ok(), "{}", role.slug);
            for permission in role.permissions {
                assert!(parse_for_role(permission).is_ok(), "{}: {permission}", role.slug);
            }
            let held = Held::of(role.permissions.iter().copied());
            assert_eq!(held.covers(EVERYTHING), role.slug == "owner", "{}", role.slug);
            let operators = [OrgatePermission::OrganizationsAct, OrgatePermission::OrganizationsManage];
            assert!(role.slug == "owner" || operators.iter().all(|one| !held.has(*one)), "{}", role.slug);
        }
    }

    #[test]
    fn a_role_holds_no_permission_of_orgates_that_there_is_not() {
        assert!(parse_for_role("notes:write").is_ok());
        assert!(parse_for_role("orgate:users:*").is_ok());
        for unknown in ["orgate:users:fly", "orgate:notes:*", "orgate:users", "Orgate:users:read"] {
            assert!(parse_for_role(unknown).is_err(), "{unknown}");
        }
    }

    #[test]
    fn a_wildcard_is_covered_by_none_but_a_wider_one() {
        let narrow = Held::of(["orgate:users:read", "orgate:users:manage"]);

        assert!(!narrow.covers("orgate:users:*"));
        assert!(!Held::of(["orgate:users:*"]).covers("orgate:*"));
        assert!(Held::of(["orgate:*"]).covers("orgate:users:*"));
    }
}
