//! Organizations, roles and users of a file, checked.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::str::FromStr as _;

use chrono::Duration;
use orgate_domain::email::{DomainName, Email};
use orgate_domain::joining::Entry;
use orgate_domain::locales::Locale;
use orgate_domain::mail_templates::{MailKind, MailLocale, Wording};
use orgate_domain::names::{DisplayName, ExternalId, Slug};
use orgate_domain::organizations::{Branding, Color, OrgStatus, parse_logo_url};
use orgate_domain::permissions::parse_for_delegate;
use orgate_domain::policies::{
    Allowance, LOCKOUT_TRIES, LONGEST_SECS, PolicySettings, SsoEnforcement, TOKEN_SECS,
};
use orgate_domain::quotas::Quota;
use orgate_domain::roles::Permission;
use orgate_domain::standing::UserStatus;
use orgate_flows::apply::{
    Kind, Placed, QuotaSettings, WantedDelegation, WantedGroup, WantedJoining, WantedMailTemplate,
    WantedOrganization, WantedRole, WantedUser,
};
use orgate_flows::passwords::MAX_PASSWORD_BYTES;
use serde_saphyr::Spanned;

use super::format::{self, Text};
use super::reader::Reader;

const STATUSES: [(&str, OrgStatus); 2] = [("active", OrgStatus::Active), ("suspended", OrgStatus::Suspended)];

impl Reader<'_> {
    pub(super) fn organization(&mut self, file: &format::Organization) -> Option<WantedOrganization> {
        let slug = self.placed("slug", &file.slug, Slug::parse);
        let name = self.plain("name", &file.name, DisplayName::parse);
        let parent = self.optional(file.parent.as_ref(), |r, text| r.placed("parent", text, Slug::parse));
        let status = self.optional(file.status.as_ref(), |r, text| {
            let value = r.choice("status", text, &STATUSES)?;
            Some(Placed { value, place: r.place(&text.referenced) })
        });
        let external_id = self
            .optional(file.external_id.as_ref(), |r, text| r.plain("external_id", text, ExternalId::parse));
        let contact = self.optional(file.contact.as_ref(), |r, text| {
            r.plain("contact", text, |text| {
                Email::parse(text).map_err(|error| format!("{error}, like name@example.com"))
            })
        });
        let attributes = self.optional(file.attributes.as_ref(), Self::attributes);
        let domains = self.optional(file.domains.as_ref(), |r, list| {
            r.each(list, |r, text| r.placed("domains", text, read_domain))
        });
        let delegations = self.optional(file.delegations.as_ref(), |r, list| r.each(list, Self::delegation));
        let branding = self.optional(file.branding.as_ref(), Self::branding);
        let mail_templates =
            self.optional(file.mail_templates.as_ref(), |r, list| r.each(list, Self::mail_template));
        let policy = self.optional(file.policy.as_ref(), Self::policy);
        let quotas = self.optional(file.quotas.as_ref(), Self::quotas);
        let blueprints = self.optional(file.role_blueprints.as_ref(), |r, list| r.each(list, Self::role));
        let joining = self.optional(file.joining.as_ref(), Self::joining);
        let roles = self.each(file.roles.as_deref().unwrap_or_default(), Self::role);
        let groups = self.each(file.groups.as_deref().unwrap_or_default(), Self::group);
        let users = self.each(file.users.as_deref().unwrap_or_default(), Self::user);
        let connections = self.each(file.connections.as_deref().unwrap_or_default(), Self::connection);
        let webhooks = self.each(file.webhooks.as_deref().unwrap_or_default(), Self::webhook);
        let invitations = self.each(&file.invitations, Self::invitation);
        Some(WantedOrganization {
            slug: slug?,
            name: name?,
            parent: parent?,
            status: status?,
            contact: contact?,
            external_id: external_id?,
            attributes: attributes?,
            domains: domains?,
            delegations: delegations?,
            branding: branding?,
            mail_templates: mail_templates?,
            policy: policy?,
            quotas: quotas?,
            blueprints: blueprints?,
            joining: joining?,
            ready_roles: file.ready_roles.unwrap_or(true),
            lists: listed(file),
            roles: roles?,
            groups: groups?,
            users: users?,
            connections: connections?,
            webhooks: webhooks?,
            invitations: invitations?,
        })
    }

    fn branding(&mut self, file: &format::Branding) -> Option<Branding> {
        let logo_url =
            self.optional(file.logo_url.as_ref(), |r, text| r.plain("logo_url", text, parse_logo_url));
        let primary_color = self
            .optional(file.primary_color.as_ref(), |r, text| r.plain("primary_color", text, Color::parse));
        let locale = self.optional(file.locale.as_ref(), |r, text| r.plain("locale", text, Locale::from_str));
        Some(Branding { logo_url: logo_url?, primary_color: primary_color?, locale: locale? })
    }

    fn policy(&mut self, file: &format::Policy) -> Option<PolicySettings> {
        let mut seconds = |key, number: &Option<Spanned<i64>>, least, most| {
            self.optional(number.as_ref(), |r, number| {
                r.number(key, number, (least, most)).and_then(Duration::try_seconds)
            })
        };
        let session_idle = seconds("session_idle_secs", &file.session_idle_secs, 1, LONGEST_SECS);
        let session_absolute = seconds("session_absolute_secs", &file.session_absolute_secs, 1, LONGEST_SECS);
        let access_token =
            seconds("access_token_secs", &file.access_token_secs, *TOKEN_SECS.start(), *TOKEN_SECS.end());
        let refresh_idle = seconds("refresh_idle_secs", &file.refresh_idle_secs, 1, LONGEST_SECS);
        let refresh_absolute = seconds("refresh_absolute_secs", &file.refresh_absolute_secs, 1, LONGEST_SECS);
        let lockout_attempts = self.optional(file.lockout_attempts.as_ref(), |r, number| {
            let bounds = (i64::from(*LOCKOUT_TRIES.start()), i64::from(*LOCKOUT_TRIES.end()));
            r.number("lockout_attempts", number, bounds).and_then(|number| u32::try_from(number).ok())
        });
        let sso_enforcement = self.optional(file.sso_enforcement.as_ref(), |r, text| {
            let allowed = SsoEnforcement::ALL.map(|enforcement| (enforcement.as_str(), enforcement));
            r.choice("sso_enforcement", text, &allowed)
        });
        let third_party_clients = self.optional(file.third_party_clients.as_ref(), |r, text| {
            let allowed = Allowance::ALL.map(|allowance| (allowance.as_str(), allowance));
            r.choice("third_party_clients", text, &allowed)
        });
        let client_registration = self.optional(file.client_registration.as_ref(), |r, text| {
            let allowed = Allowance::ALL.map(|allowance| (allowance.as_str(), allowance));
            r.choice("client_registration", text, &allowed)
        });
        let client_id_metadata = self.optional(file.client_id_metadata.as_ref(), |r, text| {
            let allowed = Allowance::ALL.map(|allowance| (allowance.as_str(), allowance));
            r.choice("client_id_metadata", text, &allowed)
        });
        Some(PolicySettings {
            session_idle: session_idle?,
            session_absolute: session_absolute?,
            access_token: access_token?,
            refresh_idle: refresh_idle?,
            refresh_absolute: refresh_absolute?,
            lockout_attempts: lockout_attempts?,
            sso_enforcement: sso_enforcement?,
            third_party_clients: third_party_clients?,
            client_registration: client_registration?,
            client_id_metadata: client_id_metadata?,
        })
    }

    fn quotas(&mut self, file: &format::Quotas) -> Option<QuotaSettings> {
        let seats = self.optional(file.seats.as_ref(), |r, number| {
            r.number("seats", number, (0, i32::MAX.into())).and_then(|seats| u32::try_from(seats).ok())
        });
        let said = Quota::ALL.into_iter().filter_map(|quota| Some((quota, file.of(quota)?)));
        let limits = self.each::<_, _, BTreeMap<_, _>>(&said.collect::<Vec<_>>(), |r, (quota, number)| {
            let limit = r.number(quota.as_str(), number, (0, quota.most().into()))?;
            Some((*quota, u32::try_from(limit).ok()?))
        });
        Some(QuotaSettings { seats: seats?, limits: limits? })
    }

    fn joining(&mut self, file: &format::Joining) -> Option<WantedJoining> {
        let allowed = Entry::ALL.map(|entry| (entry.as_str(), entry));
        let domains = self.optional(file.domains.as_ref(), |r, text| r.choice("domains", text, &allowed));
        // Nobody's word is behind an address elsewhere.
        let asking = [Entry::Closed, Entry::Request].map(|entry| (entry.as_str(), entry));
        let others = self.optional(file.others.as_ref(), |r, text| r.choice("others", text, &asking));
        let roles = file.roles.as_deref().unwrap_or_default();
        let roles = self.each(roles, |r, text| r.placed("roles", text, Slug::parse));
        Some(WantedJoining {
            domains: domains?.unwrap_or_default(),
            others: others?.unwrap_or_default(),
            roles: roles?,
        })
    }

    fn delegation(&mut self, file: &format::Delegation) -> Option<WantedDelegation> {
        let organization = self.placed("organization", &file.organization, Slug::parse);
        let permissions = self.each::<_, _, BTreeSet<_>>(&file.permissions, |r, text| {
            r.plain("permissions", text, parse_for_delegate).map(|permission| permission.to_string())
        });
        Some(WantedDelegation { organization: organization?, permissions: permissions? })
    }

    fn mail_template(&mut self, file: &format::MailTemplate) -> Option<WantedMailTemplate> {
        let kind = self.placed("mail", &file.mail, MailKind::from_str);
        let locale = self.plain("locale", &file.locale, MailLocale::from_str);
        let subject = self.plain("subject", &file.subject, |text| Ok::<_, Infallible>(text.to_owned()));
        let text = self.plain("text", &file.text, |text| Ok::<_, Infallible>(text.to_owned()));
        let wording = Wording { subject: subject?, text: text? };
        Some(WantedMailTemplate { kind: kind?, locale: locale?, wording })
    }

    fn role(&mut self, file: &format::Role) -> Option<WantedRole> {
        let slug = self.placed("slug", &file.slug, Slug::parse);
        let name = self.optional(file.name.as_ref(), |r, text| r.plain("name", text, DisplayName::parse));
        let permissions = self.optional(file.permissions.as_ref(), |r, list| {
            r.each::<_, _, BTreeSet<_>>(list, |r, text| {
                r.plain("permissions", text, Permission::parse).map(|permission| permission.to_string())
            })
        });
        Some(WantedRole { slug: slug?, name: name?, permissions: permissions? })
    }

    fn group(&mut self, file: &format::Group) -> Option<WantedGroup> {
        let slug = self.placed("slug", &file.slug, Slug::parse);
        let name = self.optional(file.name.as_ref(), |r, text| r.plain("name", text, DisplayName::parse));
        let roles = self.optional(file.roles.as_ref(), |r, list| {
            r.each(list, |r, text| r.placed("roles", text, Slug::parse))
        });
        let parents = self.optional(file.parents.as_ref(), |r, list| {
            r.each(list, |r, text| r.placed("parents", text, Slug::parse))
        });
        Some(WantedGroup { slug: slug?, name: name?, roles: roles?, parents: parents? })
    }

    fn user(&mut self, file: &format::User) -> Option<WantedUser> {
        let email = self.placed("email", &file.email, |text| {
            Email::parse(text).map_err(|error| format!("{error}, like name@example.com"))
        });
        let name = self.plain("name", &file.name, DisplayName::parse);
        let status = self.optional(file.status.as_ref(), |r, text| {
            let allowed =
                [UserStatus::Active, UserStatus::Deactivated].map(|status| (status.as_str(), status));
            r.choice("status", text, &allowed)
        });
        let attributes = self.optional(file.attributes.as_ref(), Self::attributes);
        let external_id = self
            .optional(file.external_id.as_ref(), |r, text| r.plain("external_id", text, ExternalId::parse));
        let password =
            self.optional(file.password.as_ref(), |r, text| r.secret("password", text, check_password));
        let mut slugs = |key, list: Option<&Vec<Text>>| {
            self.optional(list, |r, list| r.each(list, |r, text| r.placed(key, text, Slug::parse)))
        };
        let roles = slugs("roles", file.roles.as_ref());
        let groups = slugs("groups", file.groups.as_ref());
        Some(WantedUser {
            email: email?,
            name: name?,
            vouched: file.email_verified.unwrap_or(true),
            status: status?,
            password: password?,
            break_glass: file.break_glass,
            attributes: attributes?,
            external_id: external_id?,
            roles: roles?,
            groups: groups?,
        })
    }
}

/// What is listed, be the list empty.
fn listed(file: &format::Organization) -> BTreeSet<Kind> {
    let lists = [
        (Kind::Roles, file.roles.is_some()),
        (Kind::Groups, file.groups.is_some()),
        (Kind::Users, file.users.is_some()),
        (Kind::Connections, file.connections.is_some()),
        (Kind::Webhooks, file.webhooks.is_some()),
    ];
    lists.into_iter().filter(|(_, listed)| *listed).map(|(kind, _)| kind).collect()
}

pub(super) fn read_domain(text: &str) -> Result<DomainName, String> {
    DomainName::parse(text).map_err(|error| format!("{error}, like example.com"))
}

fn check_password(password: &str) -> Result<(), String> {
    if password.is_empty() {
        Err("it is empty; leave the key out for a user who has no password".to_owned())
    } else if password.len() > MAX_PASSWORD_BYTES {
        Err(format!("at most {MAX_PASSWORD_BYTES} bytes"))
    } else {
        Ok(())
    }
}
