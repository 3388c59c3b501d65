//! What happened with one's account.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};
use orgate_domain::user_agents::describe;
use orgate_flows::account::{EventPlace, Own, PageOf, StoredEvent, list_activity};

use super::Member;
use super::frame::Part;
use crate::events::{EventLine, actor};
use crate::frame::{Frame, Pager};
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
fn line(event: &StoredEvent, own: &Own, now: DateTime<Utc>) -> EventLine {
    let from = seen_from(event, own).map(|(agent, address)| match address {
        Some(address) => format!("{}, {address}", describe(agent)),
        None => describe(agent),
    });
    EventLine {
        what: what(event),
        is_here: event.session_id == Some(own.session.id),
        reason: why(event),
        from,
        ..EventLine::new(event, who(event, own), now)
    }
}

/// `GET /account/activity`: a page of it, the latest first.
pub(crate) async fn get(member: Member) -> Response {
    let after = member.params.get("after").and_then(|text| text.parse::<EventPlace>().ok());
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = match list_activity(&member.env, &member.own, page).await {
        Ok(found) => found,
        Err(failure) => return member.failed(&failure),
    };
    let (here, now) = (member.href("/activity"), member.env.clock.now());
    let template = ActivityTemplate {
        page: member.page(),
        frame: member.frame(Part::Activity),
        events: found.items.iter().map(|event| line(event, &member.own, now)).collect(),
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
pub(super) fn who(event: &StoredEvent, own: &Own) -> &'static str {
    if is_own(event, own) { "You" } else { actor(&event.actor.0, "Somebody of your organization") }
}

/// What happened.
fn what(event: &StoredEvent) -> String {
    let said = match event.action.as_str() {
        "api.refused" => "A request of yours was refused",
        "break_glass.used" => "You signed in with a recovery code",
        "code.replayed" => "A sign-in was presented twice, and ended",
        "consent.denied" => "You refused an application access",
        "consent.given" => "You let an application have access",
        "consent.revoked" => "An application’s access was taken back",
        "device.approved" => "You let a device in",
        "device.denied" => "You turned a device away",
        "identity.linked" => "Another way to sign in was linked",
        "invitation.accepted" => "You joined the organization",
        "password.rehashed" => "Your password is stored more safely now",
        "recovery_codes.created" => "New recovery codes were made for you",
        "refresh_token.reused" => "An application was signed out: its token was used twice",
        "session.ended" => "A session ended",
        "sign_in.failed" => "A sign-in failed",
        "sign_in.succeeded" => "You signed in",
        "user.configured" => return changed(event),
        other => return words(other),
    };
    said.to_owned()
}

/// What of the user was changed.
fn changed(event: &StoredEvent) -> String {
    match event.detail.get("change").and_then(|change| change.as_str()) {
        Some("created") => "You were made a user".to_owned(),
        Some(parts) if !parts.is_empty() => {
            let parts: Vec<_> = parts.split(' ').map(|part| part.replace('_', " ")).collect();
            format!("Changed about you: {}", parts.join(", "))
        }
        _ => "Something about you was changed".to_owned(),
    }
}

fn why(event: &StoredEvent) -> Option<String> {
    Some(match event.reason.as_deref()? {
        "ended_by_admin" => "An administrator ended it".to_owned(),
        "changed_by_user" => "You changed it".to_owned(),
        "ended_by_user" => "You ended it elsewhere".to_owned(),
        "mapped" => "As your identity provider says".to_owned(),
        "signed_out" => "You signed out".to_owned(),
        other => words(other),
    })
}
