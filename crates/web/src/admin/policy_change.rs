//! A change of policies that ends something, asked once more before it is made.

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::clients::Party;
use orgate_domain::policies::{Policy, SsoEnforcement};
use orgate_flows::manage::policy::PolicyPreview;

use super::answers::Answer;
use super::frame::{Frame, Part};
use super::policies::SHOWN;
use super::policy_fields::{Typed, length_of, seen_text, settings};
use super::{Admin, entry};
use crate::page::Page;

/// `templates/admin/policy_change.html`.
#[derive(Template)]
#[template(path = "admin/policy_change.html")]
struct ChangeTemplate<'a> {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    seen: String,
    typed: &'a Typed,
    /// What ends, in sentences.
    ends: Vec<String>,
    changes: Vec<Change>,
}

/// A setting of which something else is in force.
struct Change {
    label: &'static str,
    before: String,
    after: String,
}

/// Asks whether it is to be made.
pub(super) fn ask(admin: &Admin, preview: &PolicyPreview, (ends, typed): (Vec<String>, &Typed)) -> Answer {
    // It shows what is in force.
    if admin.caller.asking(SHOWN.1).is_none() {
        return Err(entry::lacks(admin, SHOWN.1).into());
    }
    let (before, after) = (&preview.before.effective, &preview.after.effective);
    let touched = settings().filter(|setting| setting.in_force(before) != setting.in_force(after));
    let changes = touched.map(|setting| Change {
        label: setting.label,
        before: setting.words(&setting.in_force(before)),
        after: setting.words(&setting.in_force(after)),
    });
    let template = ChangeTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Policies, Vec::new()),
        csrf: admin.token(),
        here: admin.href(SHOWN.0),
        seen: seen_text(&preview.before.own),
        typed,
        ends,
        changes: changes.collect(),
    };
    Ok(admin.render(StatusCode::OK, &template))
}

/// What ends with a change, in sentences; none: nothing does.
pub(super) fn ends(preview: &PolicyPreview) -> Vec<String> {
    let (before, after) = (&preview.before.effective, &preview.after.effective);
    let lost = |admits: fn(&Policy) -> bool| admits(before) && !admits(after);
    let other = lost(|policy| policy.admits(Party::Third));
    let unregistered = lost(|policy| policy.admits(Party::Unregistered));
    let of = [
        (after.sso_enforcement > before.sso_enforcement).then(|| passwords(after.sso_enforcement)),
        (after.sso_enforcement > before.sso_enforcement || preview.ended > 0).then(|| sessions(preview)),
        (after.session_idle < before.session_idle).then(|| {
            let idle = length_of(after.session_idle);
            format!("Whoever last used a browser more than {idle} ago is signed out there, from this moment on.")
        }),
        other.then(|| {
            "Other people’s applications cannot be used any more, and what they have of your users stops working at once."
                .to_owned()
        }),
        (unregistered && !other).then(|| {
            "Applications that nobody registered cannot be used any more, and what they have of your users stops working at once."
                .to_owned()
        }),
        lost(Policy::lets_register)
            .then(|| "Applications cannot register themselves any more. Those that did stay.".to_owned()),
    ];
    of.into_iter().flatten().collect()
}

/// Whose passwords are worth nothing any more.
fn passwords(enforcement: SsoEnforcement) -> String {
    let whoever = match enforcement {
        SsoEnforcement::Off => "Nobody",
        SsoEnforcement::Domains => "Whoever has an address of a domain that you proved",
        SsoEnforcement::Organization => "Everybody",
    };
    format!(
        "{whoever} signs in through your identity provider from now on, and no password of theirs is accepted."
    )
}

/// Which sessions end at once.
fn sessions(preview: &PolicyPreview) -> String {
    let own = match (preview.ends_own, preview.ended) {
        (false, _) => "",
        (true, 1) => " It is yours: you sign in again after this.",
        (true, _) => " One of them is yours: you sign in again after this.",
    };
    match preview.ended {
        0 => "No session that is open now began with a password of theirs, so none ends.".to_owned(),
        1 => format!(
            "1 session that began with such a password ends at once, and applications are told within seconds.{own}"
        ),
        many => format!(
            "{many} sessions that began with such a password end at once, and applications are told within seconds.{own}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use orgate_domain::policies::{Allowance, PolicySettings};
    use orgate_flows::manage::policy::PolicyInForce;

    use super::*;

    fn preview(
        before: PolicySettings,
        after: PolicySettings,
        (ended, ends_own): (i64, bool),
    ) -> PolicyPreview {
        let force =
            |own: PolicySettings| PolicyInForce { own, effective: Policy::effective([&own]), above: None };
        PolicyPreview { before: force(before), after: force(after), ended, ends_own }
    }

    #[test]
    fn what_ends_is_said_and_what_only_counts_later_is_not() {
        let own = PolicySettings::default();
        let ended = |after: PolicySettings, count| ends(&preview(own, after, count));

        let later = PolicySettings {
            session_absolute: Some(Duration::hours(1)),
            refresh_idle: Some(Duration::hours(1)),
            refresh_absolute: Some(Duration::hours(1)),
            access_token: Some(Duration::minutes(1)),
            lockout_attempts: Some(1),
            session_idle: Some(Duration::days(1)),
            ..own
        };
        let idle = PolicySettings { session_idle: Some(Duration::hours(1)), ..own };
        let sso = PolicySettings { sso_enforcement: Some(SsoEnforcement::Organization), ..own };
        let closed = PolicySettings { third_party_clients: Some(Allowance::Forbidden), ..own };

        assert_eq!(ended(later, (0, false)), Vec::<String>::new());
        assert!(ended(idle, (0, false))[0].contains("more than 1 hour ago"));
        let said = ended(sso, (3, true)).join(" ");
        assert!(said.contains("Everybody signs in") && said.contains("3 sessions"), "{said}");
        assert!(said.contains("One of them is yours"), "{said}");
        assert!(ended(sso, (0, false)).join(" ").contains("so none ends"));
        assert_eq!(ended(closed, (0, false)).len(), 1);
    }

    #[test]
    fn who_shuts_out_all_others_is_told_once_and_also_that_none_registers_any_more() {
        let own = PolicySettings {
            client_registration: Some(Allowance::Allowed),
            client_id_metadata: Some(Allowance::Allowed),
            ..PolicySettings::default()
        };
        let closed = PolicySettings { third_party_clients: Some(Allowance::Forbidden), ..own };

        let said = ends(&preview(own, closed, (0, false)));

        assert_eq!(said.len(), 2, "{said:?}");
    }
}
