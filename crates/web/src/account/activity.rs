//! What happened with one's account.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};
use orgate_flows::account::{EventPlace, Own, PageOf, StoredEvent, list_activity};

use super::Member;
use super::frame::Part;
use crate::events::EventLine;
use crate::frame::{Frame, Pager};
use crate::language::Language;
use crate::moment::Moment;
use crate::page::Page;
use crate::words::words;

/// Events on one page.
const ON_A_PAGE: usize = 50;

/// `templates/account/activity.html`.
#[derive(Template)]
#[template(path = "account/activity.html")]
struct ActivityTemplate {
    page: Page,
    frame: Frame,
    events: Vec<EventLine>,
    pager: Pager,
}

/// The event, as the person reads it whom it happened to.
fn line(language: Language, event: &StoredEvent, own: &Own, now: DateTime<Utc>) -> EventLine {
    let from = seen_from(event, own).map(|(agent, address)| match address {
        Some(address) => format!("{}, {address}", language.software(agent)),
        None => language.software(agent),
    });
    let said = (what(language, event), event.reason.as_deref().map(|reason| why(language, reason)));
    let told = (who(language, event, own), Moment::said(language, event.place.at, now));
    EventLine { is_here: event.session_id == Some(own.session.id), from, ..EventLine::new(event, said, told) }
}

/// `GET /account/activity`: a page of it, the latest first.
pub(crate) async fn get(member: Member) -> Response {
    let after = member.params.get("after").and_then(|text| text.parse::<EventPlace>().ok());
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = match list_activity(&member.env, &member.own, page).await {
        Ok(found) => found,
        Err(failure) => return member.failed(&failure),
    };
    let (here, now, language) = (member.href("/activity"), member.env.clock.now(), member.language());
    let template = ActivityTemplate {
        page: member.page(),
        frame: member.frame(Part::Activity),
        events: found.items.iter().map(|event| line(language, event, &member.own, now)).collect(),
        pager: Pager {
            next: found.next.map(|next| format!("{here}&after={next}")),
            first: after.map(|_| here),
        },
    };
    member.render(&template)
}

/// Whether the user did it.
pub(super) fn is_own(event: &StoredEvent, own: &Own) -> bool {
    let (kind, id) = &event.actor;
    kind == "user" && *id == Some(own.session.user_id.to_string())
}

/// By which software and from which address it was done, if it was by the user, or by somebody who tried to be them: where
/// administrators and applications are is not theirs to know.
pub(super) fn seen_from<'e>(event: &'e StoredEvent, own: &Own) -> Option<(Option<&'e str>, Option<String>)> {
    let told = is_own(event, own) || event.actor.0 == "anonymous";
    let address = event.address.map(|address| address.to_string());
    (told && (event.user_agent.is_some() || address.is_some()))
        .then_some((event.user_agent.as_deref(), address))
}

/// Who did it.
pub(super) fn who(language: Language, event: &StoredEvent, own: &Own) -> String {
    language.actor(if is_own(event, own) { "own" } else { &event.actor.0 })
}

/// What happened.
fn what(language: Language, event: &StoredEvent) -> String {
    let action = event.action.as_str();
    let change = event.detail.get("change").and_then(|change| change.as_str()).unwrap_or_default();
    match (action, change) {
        ("user.configured", "created") => language.say("account-event-made"),
        ("user.configured", parts) if !parts.is_empty() => {
            let parts = parts.split(' ').map(|part| changed(language, part)).collect::<Vec<_>>().join(", ");
            language.say_with("account-event-changed", &[("parts", &parts)])
        }
        _ => {
            let (action, words) = (action.replace('.', "-"), words(action));
            language.say_with("account-event", &[("action", &action), ("words", &words)])
        }
    }
}

/// What of the user was changed.
fn changed(language: Language, part: &str) -> String {
    language.say_with("account-part", &[("part", part), ("words", &part.replace('_', " "))])
}

fn why(language: Language, reason: &str) -> String {
    language.say_with("account-reason", &[("reason", reason), ("words", &words(reason))])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the log says of a user (`Audit::list_of_user`).
    const ACTIONS: [&str; 26] = [
        "api.refused",
        "api_key.created",
        "api_key.revoked",
        "assertion.redeemed",
        "assertion.refused",
        "authorization.refused",
        "break_glass.used",
        "code.refused",
        "code.replayed",
        "consent.denied",
        "consent.given",
        "consent.revoked",
        "device.approved",
        "device.denied",
        "device.refused",
        "identity.linked",
        "invitation.accepted",
        "password.rehashed",
        "recovery_codes.created",
        "refresh_token.refused",
        "refresh_token.reused",
        "session.ended",
        "sign_in.failed",
        "sign_in.succeeded",
        "token.refused",
        "token.revoked",
    ];

    /// And why.
    const REASONS: [&str; 45] = [
        "acr_unmet",
        "already_redeemed",
        "another_user",
        "beyond_ceiling",
        "by_address",
        "by_user",
        "cancelled",
        "changed_by_user",
        "changed_meanwhile",
        "client_disabled",
        "client_not_admitted",
        "connection_disabled",
        "connection_inactive",
        "consent_missing",
        "denied",
        "displaced",
        "ended_by_admin",
        "ended_by_user",
        "expired",
        "family_revoked",
        "first_sign_in",
        "group_removed",
        "key_mismatch",
        "malformed_code",
        "mapped",
        "master_key_changed",
        "organization_inactive",
        "organization_suspended",
        "organization_throttled",
        "other_client",
        "other_resource",
        "password_changed",
        "permission_missing",
        "pkce_mismatch",
        "redirect_uri_mismatch",
        "replaced",
        "revoked",
        "role_removed",
        "scope_too_wide",
        "session_ended",
        "signed_out",
        "sso_enforced",
        "throttled",
        "wrong_code",
        "wrong_password",
    ];

    #[test]
    fn what_happens_to_somebody_has_words_in_every_language() {
        for language in Language::ALL.into_iter().filter(|language| *language != Language::En) {
            for action in ACTIONS {
                let (name, words) = (action.replace('.', "-"), words(action));
                let said = language.say_with("account-event", &[("action", &name), ("words", &words)]);
                assert_ne!(said, words, "{language:?}");
            }
            for reason in REASONS {
                assert_ne!(why(language, reason), words(reason), "{language:?}");
            }
        }
    }
}
