//! Which attribute is what, and what it gives.

use std::collections::BTreeSet;

use orgate_domain::audit::Origin;
use orgate_domain::connections::{
    Asserted, AttributeMapping, Attributes, ConnectionSettings, Jit, Mapped, RoleRule, Withheld,
};

use super::connections::{Detail, NewSettings, save_settings};
use super::provider::secrets_of;
use super::traces::TraceDocument;
use super::{NotYet, Problem, Setup, SetupError};
use crate::Env;
use crate::federation::ceiling::group_roles;

/// A mapping as the form says it.
#[derive(Debug, Clone)]
pub struct MappingInput {
    /// Names of attributes.
    pub mapping: AttributeMapping,
    /// Which values give what.
    pub rules: Vec<RoleRule>,
    /// Whether a first sign-in makes a user, and with which roles.
    pub jit: Jit,
    /// Takes the provider's word for addresses of the served domains.
    pub trusts_addresses: bool,
}

/// A mapping, tried on what the last test brought.
#[derive(Debug)]
pub struct Preview {
    /// What would be made of it; `None` without a subject.
    pub mapped: Option<Mapped>,
    /// What would be mapped and not be given.
    pub withheld: Withheld,
    /// What it was tried on.
    pub attributes: Attributes,
}

impl MappingInput {
    /// The latest version's.
    pub fn of(settings: &ConnectionSettings) -> Self {
        Self {
            mapping: settings.mapping.clone(),
            rules: settings.rules.clone(),
            jit: settings.jit.clone(),
            trusts_addresses: settings.trusts_addresses,
        }
    }

    fn on(self, settings: &ConnectionSettings) -> ConnectionSettings {
        ConnectionSettings {
            provider: settings.provider.clone(),
            mapping: self.mapping,
            rules: self.rules,
            jit: self.jit,
            trusts_addresses: self.trusts_addresses,
        }
    }
}

/// Saves a mapping, if it gives nothing beyond the link's ceiling.
///
/// # Errors
/// [`SetupError`].
pub async fn save_mapping(
    env: &Env,
    setup: &Setup,
    (detail, seen): (&Detail, i32),
    input: MappingInput,
    origin: &Origin,
) -> Result<bool, SetupError> {
    let latest = detail.latest.as_ref().ok_or(SetupError::NotYet(NotYet::NoSettings))?;
    let settings = input.on(&latest.settings);
    let problems = problems_of(setup, detail, &settings);
    if !problems.is_empty() {
        return Err(SetupError::Invalid(problems));
    }
    let (id, secrets) = (detail.connection.id, secrets_of(detail.latest.as_deref()));
    let new = NewSettings { id, seen, settings, secrets, changed: &["mapping"] };
    save_settings(env, setup, &new, origin).await
}

fn problems_of(setup: &Setup, detail: &Detail, settings: &ConnectionSettings) -> Vec<Problem> {
    let known = group_roles(&detail.groups);
    let beyond = settings.beyond(setup.ceiling(), &known);
    let list = |slugs: &BTreeSet<String>| slugs.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let mut problems = Vec::new();
    if !beyond.roles.is_empty() {
        let why = format!("This link may not give these roles: {}.", list(&beyond.roles));
        problems.push(Problem { field: "rules", why });
    }
    if !beyond.groups.is_empty() {
        let why = format!(
            "These groups do not exist, or come with roles that this link may not give: {}.",
            list(&beyond.groups)
        );
        problems.push(Problem { field: "rules", why });
    }
    problems
}

/// Tries a mapping on what the last test brought; `None` before there was one.
pub fn preview(setup: &Setup, detail: &Detail, input: MappingInput) -> Option<Preview> {
    let latest = detail.latest.as_ref()?;
    let settings = input.on(&latest.settings);
    let asserted = last_asserted(detail)?;
    let serves = |domain: &_| detail.connection.domains.iter().any(|verified| verified.covers(domain));
    let mut mapped = settings.map(&asserted, serves).ok();
    let withheld = mapped
        .as_mut()
        .map_or_else(Withheld::default, |mapped| mapped.cut(setup.ceiling(), &group_roles(&detail.groups)));
    Some(Preview { mapped, withheld, attributes: asserted.attributes })
}

fn last_asserted(detail: &Detail) -> Option<Asserted> {
    let mut tests = detail.traces.iter().filter(|trace| trace.purpose == "test");
    tests.find_map(|trace| TraceDocument::read(&trace.trace).asserted())
}
