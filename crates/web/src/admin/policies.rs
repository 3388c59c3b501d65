//! What the organization allows, and for how long.

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::permissions::OrgatePermission;
use orgate_domain::policies::{Policy, PolicySettings};
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::policy::{PolicyInForce, find_policy, preview_policy, update_policy};

use super::answers::Answer;
use super::change::{Wrongs, answer, done, refusal_on};
use super::frame::{Frame, Part};
use super::meanwhile::{ChangedField, ChangedFields, Unsaved};
use super::policy_change;
use super::policy_fields::{GROUPS, Setting, Typed, read_seen, seen_text, settings};
use super::{Admin, Submitted, entry};
use crate::form::LinkQuery;
use crate::page::Page;

/// Where they are shown, and what that takes.
pub(super) const SHOWN: (&str, OrgatePermission) = ("/policies", OrgatePermission::PoliciesRead);

/// `templates/admin/policies.html`.
#[derive(Template)]
#[template(path = "admin/policies.html")]
struct PoliciesTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    /// Whether they can be changed.
    manages: bool,
    /// Whether there is an organization above.
    is_below: bool,
    /// What was set when the form was shown first.
    seen: String,
    groups: Vec<FieldGroup>,
    wrongs: Wrongs,
    meanwhile: Option<ChangedFields>,
}

struct FieldGroup {
    id: &'static str,
    title: &'static str,
    fields: Vec<Field>,
}

/// A setting in the form.
struct Field {
    name: &'static str,
    label: &'static str,
    /// What it does.
    says: &'static str,
    /// What can be set, and what comes of setting nothing.
    hint: Option<String>,
    /// What is in force, and who says so.
    in_force: String,
    source: String,
    input: Input,
    wrong: Option<String>,
}

/// How it is set.
enum Input {
    Choice { options: Vec<Choice> },
    Length { number: String, unit: String, units: Vec<Choice> },
    Number { number: String },
}

struct Choice {
    value: &'static str,
    label: String,
    is_chosen: bool,
    /// Whether the organization above is stricter.
    is_closed: bool,
}

impl Field {
    fn of(setting: &Setting, policy: &PolicyInForce, (typed, wrongs): (&Typed, &Wrongs)) -> Self {
        let usual = usual(policy);
        let (own, force) = (setting.own(&policy.own), setting.in_force(&policy.effective));
        let source = match (&own, policy.above) {
            (Some(own), _) if *own == force => "set here".to_owned(),
            (Some(own), _) => {
                format!(
                    "as the organization above has it: what is set here ({}) is looser",
                    setting.words(own)
                )
            }
            (None, Some(_)) => "as the organization above has it".to_owned(),
            (None, None) => "as usual".to_owned(),
        };
        let inherited = setting.words(&setting.in_force(&usual));
        let empty = match policy.above {
            Some(_) => format!("{inherited}, as the organization above has it. Only what is stricter counts"),
            None => format!("{inherited}, as usual"),
        };
        Self {
            name: setting.name,
            label: setting.label,
            says: setting.says,
            hint: setting.bounds().map(|bounds| format!("{bounds}. Empty: {empty}.")),
            in_force: setting.words(&force),
            source,
            input: Input::of(setting, policy, typed),
            wrong: wrongs.with(setting.name).map(str::to_owned),
        }
    }
}

impl Input {
    fn of(setting: &Setting, policy: &PolicyInForce, typed: &Typed) -> Self {
        let (text, unit) = (typed.get(setting.name), typed.get(&setting.unit_name()));
        let (options, units) = (setting.options(), setting.units(typed));
        let number = text.to_owned();
        if !units.is_empty() {
            let of_unit = |value: &'static str| Choice {
                value,
                label: value.to_owned(),
                is_chosen: value == unit,
                is_closed: false,
            };
            return Self::Length {
                number,
                unit: setting.unit_name(),
                units: units.into_iter().map(of_unit).collect(),
            };
        }
        if options.is_empty() {
            return Self::Number { number };
        }
        let inherited = setting.in_force(&usual(policy));
        let left = if policy.above.is_some() { "As the organization above has it" } else { "As usual" };
        let place = |value: &str| options.iter().position(|option| *option == value);
        let strictest = policy.above.and_then(|above| place(&setting.in_force(&above)));
        let none = Choice {
            value: "",
            label: format!("{left}: {}", setting.words(&inherited).to_lowercase()),
            is_chosen: text.is_empty(),
            is_closed: false,
        };
        let some = options.iter().map(|value| Choice {
            value,
            label: setting.words(value),
            is_chosen: *value == text,
            is_closed: place(value) < strictest && *value != text,
        });
        Self::Choice { options: std::iter::once(none).chain(some).collect() }
    }
}

/// What is in force where the organization itself says nothing.
fn usual(policy: &PolicyInForce) -> Policy {
    policy.above.unwrap_or_default()
}

impl PoliciesTemplate {
    /// What is wrong, and the field that the summary leads to.
    fn summary(&self) -> impl Iterator<Item = (&str, String)> {
        self.wrongs.0.iter().map(|wrong| match settings().find(|setting| setting.name == wrong.field) {
            Some(setting) => (setting.name, format!("{}: {}", setting.label, wrong.why)),
            None => ("policies", wrong.why.clone()),
        })
    }
}

/// `GET …/policies`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let done =
        (params.get("done") == Some("saved")).then_some("The policies are saved, and count from now on.");
    show(&admin, done, None).await
}

/// `POST …/policies`: saves them; once more, where something ends.
pub(crate) async fn post(Submitted { admin, form }: Submitted) -> Answer {
    let (typed, seen, action) = (Typed::read(&form), read_seen(form.text("seen")), form.text("action"));
    let unsaved = Unsaved::of(typed, seen);
    if action == "edit" {
        return unsaved.show(&admin).await;
    }
    let wanted = match unsaved.typed.parse() {
        Ok(wanted) => wanted,
        Err(wrongs) => {
            return unsaved.wrong(StatusCode::UNPROCESSABLE_ENTITY, wrongs).show(&admin).await;
        }
    };
    let mut now = None;
    let mut edit = |policy: &PolicyInForce| {
        now = Some(policy.own);
        if policy.own == seen { Ok(wanted) } else { Err(ChangeError::Stale) }
    };
    let error = match preview_policy(&admin.env, &admin.caller, &mut edit).await {
        Ok(preview) => {
            let ends = policy_change::ends(&preview);
            if !ends.is_empty() && action != "confirm" {
                return policy_change::ask(&admin, &preview, (ends, &unsaved.typed));
            }
            match update_policy(&admin.env, &admin.caller, &mut edit).await {
                Ok(_) if preview.ends_own => return Ok(admin.signed_out()),
                Ok(_) => return Ok(done(&admin, SHOWN, "saved")),
                Err(error) => error,
            }
        }
        Err(error) => error,
    };
    refused(&admin, &error, (unsaved, wanted, now.unwrap_or(seen))).await
}

/// Says why they were not saved, in the form.
async fn refused(
    admin: &Admin,
    error: &ChangeError,
    (unsaved, wanted, now): (Unsaved<Typed, PolicySettings>, PolicySettings, PolicySettings),
) -> Answer {
    let refusal = refusal_on(SHOWN.1, admin, error)?;
    if !matches!(error, ChangeError::Stale) {
        return unsaved.refused(refusal).show(admin).await;
    }
    let (own, changes) = merged(&wanted, &unsaved.seen, &now);
    let theirs = (changes, admin.href(SHOWN.0));
    let meanwhile = admin.read(ChangedFields::of(admin, &["policy"], theirs).await)?;
    Unsaved::of(Typed::of(&own, &Policy::default()), now).stale(now, meanwhile).show(admin).await
}

/// What is wanted, with what others changed since it was seen where it was not touched; and what that was.
fn merged(
    wanted: &PolicySettings,
    seen: &PolicySettings,
    now: &PolicySettings,
) -> (PolicySettings, Vec<ChangedField>) {
    let (mut own, mut changes) = (*wanted, Vec::new());
    for setting in settings() {
        let [mine, before, theirs] = [wanted, seen, now].map(|own| setting.own(own));
        if before == theirs {
            continue;
        }
        let is_touched = mine != before && mine != theirs;
        let words =
            |text: Option<&str>| text.map_or_else(|| "nothing".to_owned(), |text| setting.words(text));
        changes.push(ChangedField {
            field: setting.name,
            label: setting.label,
            now: words(theirs.as_deref()),
            yours: is_touched.then(|| words(mine.as_deref())),
        });
        if !is_touched {
            setting.set(&mut own, theirs.as_deref());
        }
    }
    (own, changes)
}

impl Unsaved<Typed, PolicySettings> {
    async fn show(self, admin: &Admin) -> Answer {
        show(admin, None, Some(self)).await
    }
}

async fn show(
    admin: &Admin,
    done: Option<&'static str>,
    unsaved: Option<Unsaved<Typed, PolicySettings>>,
) -> Answer {
    // To change them is another permission than to read them.
    let Some(reader) = admin.caller.asking(SHOWN.1) else {
        return match unsaved.and_then(|unsaved| unsaved.wrongs.0.into_iter().next()) {
            Some(wrong) => answer(admin, Err(ChangeError::invalid("", wrong.why)), SHOWN, ""),
            None => Err(entry::lacks(admin, SHOWN.1).into()),
        };
    };
    let policy = admin.read(find_policy(&admin.env, &reader).await)?;
    let shown = unsaved.unwrap_or_else(|| Unsaved::of(Typed::of(&policy.own, &usual(&policy)), policy.own));
    let groups = GROUPS.iter().map(|group| {
        let field = |setting| Field::of(setting, &policy, (&shown.typed, &shown.wrongs));
        FieldGroup { id: group.id, title: group.title, fields: group.settings.iter().map(field).collect() }
    });
    let template = PoliciesTemplate {
        page: admin.page(),
        frame: Frame::of(admin, Part::Policies).saying(done),
        csrf: admin.token(),
        here: admin.href(SHOWN.0),
        manages: admin.caller.asking(OrgatePermission::PoliciesManage).is_some(),
        is_below: policy.above.is_some(),
        seen: seen_text(&shown.seen),
        groups: groups.collect(),
        wrongs: shown.wrongs,
        meanwhile: shown.meanwhile,
    };
    Ok(admin.render(shown.status, &template))
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    #[test]
    fn of_what_two_changed_each_keeps_their_own_and_is_told_where_both_did() {
        let hours = |idle: i64, absolute: i64| PolicySettings {
            session_idle: Some(Duration::hours(idle)),
            session_absolute: Some(Duration::hours(absolute)),
            ..PolicySettings::default()
        };
        let wanted = PolicySettings { lockout_attempts: Some(3), ..hours(2, 48) };

        let (own, changes) = merged(&wanted, &hours(1, 48), &hours(4, 24));

        assert_eq!(own, PolicySettings { lockout_attempts: Some(3), ..hours(2, 24) });
        let told: Vec<_> = changes
            .iter()
            .map(|change| (change.field, change.now.as_str(), change.yours.as_deref()))
            .collect();
        assert_eq!(
            told,
            [("session_idle_secs", "4 hours", Some("2 hours")), ("session_absolute_secs", "1 day", None)]
        );
    }
}
