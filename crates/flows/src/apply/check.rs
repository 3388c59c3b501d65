//! What is wrong with a wanted state, whatever the database holds.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use orgate_domain::mail_templates::MAX_TEMPLATES;
use orgate_domain::organizations::OrgStatus;
use orgate_domain::permissions::OWNER;
use orgate_storage::WebhookScope;

use super::wanted::{Place, Placed, Problems, Wanted, WantedOrganization, WantedWebhook};
use crate::bootstrap::OPERATOR_SLUG;
use crate::invitations::make::check;
use crate::manage::delegations::MAX_DELEGATED;
use crate::manage::role_blueprints::MAX_BLUEPRINTS;
use crate::manage::roles::MAX_PERMISSIONS;

/// Invitations of one organization that files list at most: they are made in one transaction.
const MAX_INVITED: usize = 1_000;

impl Wanted {
    /// What the files cannot mean, whatever the database holds: things described twice, and an
    /// installation without its operator.
    ///
    /// # Errors
    /// [`Problems`]: every one.
    pub fn check(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let (mut slugs, mut domains, mut client_ids) = (Seen::new(), Seen::new(), Seen::new());
        let mut external_ids = Seen::new();
        for organization in &self.organizations {
            let slug = &organization.slug;
            first(&mut slugs, "the organization", slug.value.as_str(), &slug.place, &mut problems);
            if let Some(id) = &organization.external_id {
                first(&mut external_ids, "the external_id", id.as_str(), &slug.place, &mut problems);
            }
            for domain in organization.domains.iter().flatten() {
                first(&mut domains, "the domain", domain.value.as_str(), &domain.place, &mut problems);
            }
            organization.check(&mut problems);
        }
        for client in &self.clients {
            let id = &client.client_id;
            first(&mut client_ids, "the client", &id.value, &id.place, &mut problems);
        }
        problems.or(())
    }
}

/// What was described so far, and where.
type Seen<'a> = BTreeMap<&'a str, &'a Place>;

fn first<'a>(seen: &mut Seen<'a>, what: &str, name: &'a str, place: &'a Place, problems: &mut Problems) {
    match seen.entry(name) {
        Entry::Occupied(other) => {
            problems.add(place, format!("{what} {name} was already described at {}", other.get()));
        }
        Entry::Vacant(vacant) => {
            vacant.insert(place);
        }
    }
}

impl WantedOrganization {
    fn check(&self, problems: &mut Problems) {
        let (mut roles, mut groups) = (Seen::new(), Seen::new());
        let (mut emails, mut connections) = (Seen::new(), Seen::new());
        for connection in &self.connections {
            let slug = &connection.slug;
            first(&mut connections, "the connection", slug.value.as_str(), &slug.place, problems);
            if connection.secret().is_some() && !connection.takes_secret() {
                problems.add(
                    &slug.place,
                    "a client_secret is for `oidc` with a secret: this connection has no use for it",
                );
            }
        }
        let mut delegates = Seen::new();
        for delegation in self.delegations.iter().flatten() {
            let slug = &delegation.organization;
            first(&mut delegates, "the delegation to", slug.value.as_str(), &slug.place, problems);
            if !(1..=MAX_DELEGATED).contains(&delegation.permissions.len()) {
                problems.add(&slug.place, format!("permissions: 1 to {MAX_DELEGATED}"));
            }
        }
        self.check_blueprints(problems);
        self.check_mail_templates(problems);
        self.check_webhooks(problems);
        self.check_invitations(problems);
        for role in &self.roles {
            first(&mut roles, "the role", role.slug.value.as_str(), &role.slug.place, problems);
        }
        for group in &self.groups {
            first(&mut groups, "the group", group.slug.value.as_str(), &group.slug.place, problems);
        }
        let mut external_ids = Seen::new();
        for user in &self.users {
            first(&mut emails, "the user", user.email.value.normalized(), &user.email.place, problems);
            if let Some(id) = &user.external_id {
                first(&mut external_ids, "the external_id", id.as_str(), &user.email.place, problems);
            }
        }
        if let Some(status) = &self.status {
            let operator = self.is_operator();
            if status.value == OrgStatus::Deleted {
                problems.add(&status.place, "an organization cannot be deleted by a file; suspend it");
            } else if operator && status.value != OrgStatus::Active {
                problems.add(&status.place, "the operator organization is always active");
            }
        }
    }

    /// Whether it is the operator's.
    pub(super) fn is_operator(&self) -> bool {
        self.slug.value.as_str() == OPERATOR_SLUG
    }

    fn check_webhooks(&self, problems: &mut Problems) {
        let mut urls = Seen::new();
        for WantedWebhook { url, scope, .. } in &self.webhooks {
            // Without the address, which may hold what nobody else is to know.
            match urls.entry(&url.value) {
                Entry::Occupied(other) => {
                    problems
                        .add(&url.place, format!("this webhook was already described at {}", other.get()));
                }
                Entry::Vacant(vacant) => {
                    vacant.insert(&url.place);
                }
            }
            if *scope == WebhookScope::All && !self.is_operator() {
                problems.add(&url.place, format!("scope: only {OPERATOR_SLUG} hears of all organizations"));
            }
        }
    }

    fn check_invitations(&self, problems: &mut Problems) {
        if let Some(more) = self.invitations.get(MAX_INVITED) {
            let text = format!(
                "invitations: at most {MAX_INVITED} of an organization; `orgate invite --file` takes more"
            );
            problems.add(&more.place, text);
        }
        let mut emails = Seen::new();
        for Placed { value: wanted, place } in &self.invitations {
            first(&mut emails, "the invitation to", wanted.email.normalized(), place, problems);
            if let Err(fault) = check(wanted) {
                problems.add(place, format!("{}: {}", fault.field, fault.detail));
            }
        }
    }

    fn check_blueprints(&self, problems: &mut Problems) {
        let Some(blueprints) = &self.blueprints else { return };
        if !self.is_operator() {
            problems
                .add(&self.slug.place, format!("role_blueprints: they are kept by {OPERATOR_SLUG} alone"));
        }
        if blueprints.len() > MAX_BLUEPRINTS {
            problems.add(&self.slug.place, format!("role_blueprints: at most {MAX_BLUEPRINTS}"));
        }
        let mut seen = Seen::new();
        for blueprint in blueprints {
            let Placed { value: slug, place } = &blueprint.slug;
            if blueprint.permissions.as_ref().is_some_and(|given| given.len() > MAX_PERMISSIONS) {
                problems.add(place, format!("permissions: at most {MAX_PERMISSIONS}"));
            }
            first(&mut seen, "the blueprint", slug.as_str(), place, problems);
            if slug.as_str() == OWNER {
                problems.add(place, format!("whoever is {OWNER} may do everything, in each organization"));
            }
        }
    }

    fn check_mail_templates(&self, problems: &mut Problems) {
        let mut seen = BTreeSet::new();
        for (count, template) in self.mail_templates.iter().flatten().enumerate() {
            let (kind, locale, place) = (template.kind.value, &template.locale, &template.kind.place);
            if !seen.insert((kind, locale)) {
                problems.add(place, format!("the mail {kind} ({locale}) was already described"));
            }
            if count == MAX_TEMPLATES {
                problems.add(place, format!("an organization has up to {MAX_TEMPLATES} mail_templates"));
            }
        }
    }
}
