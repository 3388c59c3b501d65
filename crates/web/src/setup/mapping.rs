//! Step 4: which attribute is what, which values give what, and a preview of it.

use std::collections::BTreeSet;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::connections::{AddressVerdict, AttributeMapping, Jit, RoleRule};
use orgate_flows::setup::Problem;
use orgate_flows::setup::mapping::{MappingInput, Preview, preview, save_mapping};

use super::frame::{Frame, Notice, Step, page, retry};
use super::provider::Errors;
use super::{OfConnection, Submitted};
use crate::fields::Form;
use crate::page::{Page, render_live};
use crate::present::see_other;

/// Empty rows that wait for rules.
const SPARE: usize = 2;

/// Rows that one form may have.
const MAX_ROWS: usize = 200;

/// Values of one attribute that are shown.
const SHOWN: usize = 8;

/// `templates/setup/mapping.html`.
#[derive(Template)]
#[template(path = "setup/mapping.html")]
#[expect(clippy::struct_excessive_bools, reason = "what a page shows and what it does not")]
struct MappingPage {
    page: Page,
    frame: Frame,
    seen: i32,
    has_settings: bool,
    test_href: String,
    provider_href: String,
    attributes: Vec<Attribute>,
    rules: Vec<Rule>,
    jit: bool,
    trusts_addresses: bool,
    default_roles: Vec<Choice>,
    has_choices: bool,
    domains: String,
    preview: Option<Shown>,
    errors: Errors,
}

/// A field of the mapping: mostly one of a user's attributes, and the names that it is looked for under.
struct Attribute {
    field: &'static str,
    label: &'static str,
    hint: &'static str,
    names: String,
}

struct Rule {
    index: usize,
    attribute: String,
    value: String,
    roles: Vec<Choice>,
    groups: Vec<Choice>,
}

/// A role or group to tick.
struct Choice {
    slug: String,
    name: String,
    is_chosen: bool,
    /// Beyond what the link may give.
    is_beyond: bool,
}

/// A preview for people.
struct Shown {
    mapped: Option<ShownUser>,
    withheld: String,
    attributes: Vec<(String, String)>,
}

struct ShownUser {
    subject: String,
    email: String,
    verdict: &'static str,
    name: String,
    roles: String,
    groups: String,
}

/// Shows the mapping.
pub(crate) async fn get(of: OfConnection) -> Response {
    let seen = of.detail.connection.latest_version;
    let input = of.detail.latest.as_ref().map(|version| MappingInput::of(&version.settings));
    show(&of, (StatusCode::OK, seen), input, (Vec::new(), Vec::new()))
}

/// Saves it, or shows what would come of it.
pub(crate) async fn post(submitted: Submitted<OfConnection>) -> Response {
    let Submitted { of, form } = submitted;
    let (seen, input) = (form.number("seen"), read(&form));
    if form.text("action") != "save" {
        return show(&of, (StatusCode::OK, seen), Some(input), (Vec::new(), Vec::new()));
    }
    let saving = input.clone();
    let saved = save_mapping(&of.open.env, &of.open.setup, (&of.detail, seen), saving, of.open.origin());
    let Err(error) = saved.await else {
        return see_other(&of.open.env.issuer.at(&Step::Domains.href(&of.detail)));
    };
    match retry(&of.open, error) {
        Ok(again) => {
            let place = (again.status, again.seen.unwrap_or(seen));
            show(&of, place, Some(input), (vec![again.notice], again.problems))
        }
        Err(response) => *response,
    }
}

fn read(form: &Form) -> MappingInput {
    let names = |field: &str| {
        let names = form.text(field).split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let slugs = |field: &str| form.all(field).map(str::to_owned).collect::<BTreeSet<_>>();
    let rules = (0..MAX_ROWS).filter_map(|index| {
        let value = form.get(&format!("rule.{index}.value"))?;
        Some(RoleRule {
            attribute: form.get(&format!("rule.{index}.attribute")).map(str::to_owned),
            value: value.to_owned(),
            roles: slugs(&format!("rule.{index}.role")),
            groups: slugs(&format!("rule.{index}.group")),
        })
    });
    MappingInput {
        mapping: AttributeMapping {
            subject: names("subject"),
            email: names("email"),
            name: names("name"),
            first_name: names("first_name"),
            last_name: names("last_name"),
            groups: names("groups"),
            groups_separator: form.get("groups_separator").map(str::to_owned),
            keep: names("keep").into_iter().collect(),
        },
        rules: rules.collect(),
        jit: Jit { enabled: form.is_ticked("jit"), default_roles: slugs("default_role") },
        trusts_addresses: form.is_ticked("trusts_addresses"),
    }
}

fn show(
    of: &OfConnection,
    (status, seen): (StatusCode, i32),
    input: Option<MappingInput>,
    (notices, problems): (Vec<Notice>, Vec<Problem>),
) -> Response {
    let has_settings = input.is_some() && of.detail.latest.is_some();
    let input = input.unwrap_or_else(|| read(&Form::default()));
    let default_roles = roles(of, &input.jit.default_roles);
    let domains = of.detail.connection.domains.iter().map(ToString::to_string).collect::<Vec<_>>();
    let template = MappingPage {
        page: page(&of.open),
        frame: Frame::of_step(of, Step::Mapping).with(notices),
        seen,
        has_settings,
        test_href: Step::Test.href(&of.detail),
        provider_href: Step::Provider.href(&of.detail),
        attributes: attributes(&input.mapping),
        rules: rules(of, &input.rules),
        jit: input.jit.enabled,
        trusts_addresses: input.trusts_addresses,
        has_choices: !default_roles.is_empty() || !groups(of, &BTreeSet::new()).is_empty(),
        default_roles,
        domains: domains.join(", "),
        preview: preview(&of.open.setup, &of.detail, input).map(shown),
        errors: Errors::new(problems),
    };
    render_live(status, &template)
}

fn attributes(mapping: &AttributeMapping) -> Vec<Attribute> {
    let of = |field, label, hint, names: &[String]| Attribute { field, label, hint, names: names.join(", ") };
    let separator = mapping.groups_separator.iter().cloned().collect::<Vec<_>>();
    let kept = mapping.keep.iter().cloned().collect::<Vec<_>>();
    vec![
        of("email", "E-mail address", "", &mapping.email),
        of("name", "Full name", "", &mapping.name),
        of("first_name", "First name", "Used where there is no full name.", &mapping.first_name),
        of("last_name", "Last name", "", &mapping.last_name),
        of("groups", "Groups", "What the rules below look at.", &mapping.groups),
        of(
            "groups_separator",
            "Between groups",
            "What stands between them where several come as one text, like the semicolon of staff;admins. Leave it empty otherwise.",
            &separator,
        ),
        of(
            "subject",
            "Identifier",
            "Leave it empty for the NameID or sub: what never changes for a person. Changing it later unlinks everybody.",
            &mapping.subject,
        ),
        of(
            "keep",
            "Kept for applications",
            "Attributes that applications may be told, such as department. Nothing else is kept.",
            &kept,
        ),
    ]
}

fn rules(of: &OfConnection, rules: &[RoleRule]) -> Vec<Rule> {
    let blank =
        RoleRule { attribute: None, value: String::new(), roles: BTreeSet::new(), groups: BTreeSet::new() };
    let spare = std::iter::repeat_n(&blank, SPARE);
    rules
        .iter()
        .chain(spare)
        .take(MAX_ROWS)
        .enumerate()
        .map(|(index, rule)| Rule {
            index,
            attribute: rule.attribute.clone().unwrap_or_default(),
            value: rule.value.clone(),
            roles: roles(of, &rule.roles),
            groups: groups(of, &rule.groups),
        })
        .collect()
}

/// The roles that the link may give, and those that are chosen already.
fn roles(of: &OfConnection, chosen: &BTreeSet<String>) -> Vec<Choice> {
    let ceiling = of.open.setup.ceiling();
    let mut choices: Vec<Choice> = of
        .detail
        .roles
        .iter()
        .map(|role| (role.slug.as_str(), role.name.as_str()))
        .filter(|(slug, _)| ceiling.contains(*slug) || chosen.contains(*slug))
        .map(|(slug, name)| Choice {
            slug: slug.to_owned(),
            name: name.to_owned(),
            is_chosen: chosen.contains(slug),
            is_beyond: !ceiling.contains(slug),
        })
        .collect();
    choices.extend(unknown(chosen, &choices));
    choices
}

/// The same of groups: those whose members have no role beyond the ceiling.
fn groups(of: &OfConnection, chosen: &BTreeSet<String>) -> Vec<Choice> {
    let ceiling = of.open.setup.ceiling();
    let mut choices: Vec<Choice> = of
        .detail
        .groups
        .iter()
        .filter(|group| group.role_slugs().is_subset(ceiling) || chosen.contains(group.slug.as_str()))
        .map(|group| Choice {
            slug: group.slug.to_string(),
            name: group.name.as_str().to_owned(),
            is_chosen: chosen.contains(group.slug.as_str()),
            is_beyond: !group.role_slugs().is_subset(ceiling),
        })
        .collect();
    choices.extend(unknown(chosen, &choices));
    choices
}

/// What is chosen and does not exist any more.
fn unknown(chosen: &BTreeSet<String>, known: &[Choice]) -> Vec<Choice> {
    let missing = chosen.iter().filter(|slug| known.iter().all(|choice| choice.slug != **slug));
    missing
        .map(|slug| Choice { slug: slug.clone(), name: slug.clone(), is_chosen: true, is_beyond: true })
        .collect()
}

fn shown(preview: Preview) -> Shown {
    let list = |slugs: &BTreeSet<String>| slugs.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let withheld = [list(&preview.withheld.roles), list(&preview.withheld.groups)];
    let mapped = preview.mapped.map(|mapped| ShownUser {
        verdict: match &mapped.address {
            AddressVerdict::Absent => "No address: the user gets none.",
            AddressVerdict::Own(_) => "Of a domain that this connection serves: it is the user’s own.",
            AddressVerdict::Foreign(_) => {
                "Not of a domain that this connection serves, or not vouched for: it is kept as a remark only."
            }
        },
        email: mapped.address.email().map_or_else(String::new, |email| email.as_str().to_owned()),
        name: mapped.name.as_ref().map_or_else(String::new, |name| name.as_str().to_owned()),
        roles: list(&mapped.roles),
        groups: list(&mapped.groups),
        subject: mapped.subject,
    });
    let attributes = preview.attributes.into_iter().map(|(name, values)| {
        let mut text = values.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
        if values.len() > SHOWN {
            text.push_str(", …");
        }
        (name, text)
    });
    Shown {
        mapped,
        withheld: withheld.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "),
        attributes: attributes.collect(),
    }
}
