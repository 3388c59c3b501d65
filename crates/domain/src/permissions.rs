//! Orgate's own permissions: what an organization's administrators may do in it.
//!
//! **Invariant:** the catalogue is this enum. Each begins with `orgate:`, which no client and no organization can declare;
//! what anybody holds is text, and counts for what it covers of the catalogue.

use std::collections::BTreeSet;

use crate::roles::Permission;

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
    /// Set up and change connections to identity providers, which decide who people are: as much as to administer everything.
    ConnectionsManage = "orgate:connections:manage";
    /// Claim, prove and give up e-mail domains.
    DomainsManage = "orgate:domains:manage";
    /// See the organization's name, slug, status, look and contact.
    OrganizationRead = "orgate:organization:read";
    /// Make and take back set-up links, for what one may set up oneself and roles that one could grant.
    SetupLinksManage = "orgate:setup_links:manage";
    /// See set-up links, without their secrets.
    SetupLinksRead = "orgate:setup_links:read";
    /// See users: their names, addresses, languages, and whether they are active.
    UsersRead = "orgate:users:read";
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
    fn a_wildcard_is_covered_by_none_but_a_wider_one() {
        let narrow = Held::of(["orgate:users:read", "orgate:users:manage"]);

        assert!(!narrow.covers("orgate:users:*"));
        assert!(!Held::of(["orgate:users:*"]).covers("orgate:*"));
        assert!(Held::of(["orgate:*"]).covers("orgate:users:*"));
    }
}
