//! The pages that say why a step was not done.

use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::audit::Origin;
use orgate_domain::setup::SetupLinkRefusal;
use orgate_flows::Env;
use orgate_flows::NoWayIn;
use orgate_flows::administration::PATH;
use orgate_flows::setup::{Closed, NotYet, SetupError};

use super::Open;
use crate::page::{Link, Problem, failed, problem_with};

/// A link that opens nothing.
pub(crate) fn closed(env: &Env, origin: &Origin, closed: Closed) -> Response {
    let (status, code, headline, what_happened, what_next) = match closed {
        Closed::Link(SetupLinkRefusal::Expired) => (
            StatusCode::GONE,
            "setup_link_expired",
            "This set-up link has expired",
            "Set-up links are good for a few days only. What was saved is kept.",
            "Ask whoever sent it to you for a new one, and go on where you stopped.",
        ),
        Closed::Link(SetupLinkRefusal::MakerFallen) => (
            StatusCode::GONE,
            "setup_link_maker_fallen",
            "This set-up link opens nothing any more",
            "Whoever made it may not set this up themselves any more. What was saved is kept.",
            "Ask an administrator of the organization for a new one.",
        ),
        Closed::Link(SetupLinkRefusal::Revoked) => (
            StatusCode::GONE,
            "setup_link_revoked",
            "This set-up link was taken back",
            "It opens nothing any more. What was saved is kept.",
            "If you still have something to set up, ask whoever sent it to you for a new one.",
        ),
        Closed::Suspended => (
            StatusCode::FORBIDDEN,
            "organization_suspended",
            "This organization is suspended",
            "Nothing can be set up for it at the moment.",
            "Ask whoever sent you the link.",
        ),
        Closed::Unknown => (
            StatusCode::NOT_FOUND,
            "setup_link_unknown",
            "This link opens nothing here",
            "It may be incomplete, or it was opened in another browser.",
            "Open the whole link from the message that you got, in this browser. If it does not work, ask for a new one.",
        ),
    };
    let problem = Problem { status, code, headline, what_happened, what_next };
    problem_with(env, origin, &problem, None)
}

/// A set-up that an administrator had opened for themselves, and that is over: they know where to open it again.
pub(crate) fn closed_own(env: &Env, origin: &Origin, why: Closed) -> Response {
    let problem = Problem {
        status: if matches!(why, Closed::Link(_)) { StatusCode::GONE } else { StatusCode::NOT_FOUND },
        code: "setup_closed",
        headline: "The set-up is closed",
        what_happened: "It stays open for some hours, unless it is closed before. What was saved is kept.",
        what_next: "Open it again from the administration, and go on where you stopped.",
    };
    let again = Link { label: "To the administration".to_owned(), href: PATH.to_owned() };
    problem_with(env, origin, &problem, Some(again))
}

/// Any refusal, with a way back.
pub(crate) fn refused(env: &Env, origin: &Origin, error: &SetupError, back: Option<&str>) -> Response {
    let (status, code, headline, what) = match error {
        SetupError::Closed(why) => return closed(env, origin, *why),
        SetupError::Failure(failure) => return failed(env, origin, failure),
        SetupError::Invalid(problems) => {
            let what = problems.iter().map(|problem| problem.why.as_str()).collect::<Vec<_>>().join(" ");
            (StatusCode::UNPROCESSABLE_ENTITY, "invalid_settings", "That cannot be saved", what)
        }
        SetupError::Missing => (
            StatusCode::NOT_FOUND,
            "not_found",
            "There is no such page",
            "Your organization has no such connection, or it was opened with another link.".to_owned(),
        ),
        SetupError::NotYet(why) => {
            (StatusCode::CONFLICT, "not_possible_yet", "That is not possible yet", not_yet(*why).to_owned())
        }
        SetupError::Stale(_) => (
            StatusCode::CONFLICT,
            "changed_meanwhile",
            "Somebody changed this meanwhile",
            "What you saw was not the latest any more, so nothing was done.".to_owned(),
        ),
    };
    let problem = Problem {
        status,
        code,
        headline,
        what_happened: &what,
        what_next: "Go back, look at how things are now, and try again.",
    };
    let again = back.map(|href| Link { label: "Back to the set-up".to_owned(), href: href.to_owned() });
    problem_with(env, origin, &problem, again)
}

/// Why a step has to wait.
pub(crate) const fn not_yet(why: NotYet) -> &'static str {
    match why {
        NotYet::BeyondLink => {
            "The connection gives roles that your link may not give. Ask whoever sent it for one that may, or to do it for you."
        }
        NotYet::NeverLive => "Only a version that was live before can be made live again without a new test.",
        NotYet::NoSettings => {
            "Your identity provider’s side is not saved yet: give its metadata or credentials first."
        }
        NotYet::OtherPurpose => {
            "Your link is for something else. Ask whoever sent it for one that covers this."
        }
        NotYet::State => "The connection is in a state from which that is not possible.",
        NotYet::NoRoom(_) => {
            "Your organization has as many connections as it may. Ask whoever sent the link to allow more."
        }
        NotYet::WayIn(NoWayIn::Anybody) => {
            "Your organization has people sign in through a connection alone, and no other one is active: nobody could sign in any more. Make another connection active first, or ask an administrator to enforce SSO no longer."
        }
        NotYet::WayIn(NoWayIn::Owner) => {
            "Your organization has people sign in through a connection alone, and no owner could sign in through another one. Have one of them do so first, or ask an administrator to enforce SSO no longer."
        }
        NotYet::Untested => "Test the latest version first: only what was tested goes live.",
    }
}

/// The form was not sent from a page of ours, or from one of long ago.
pub(crate) fn old_page(open: &Open) -> Response {
    let problem = Problem {
        status: StatusCode::FORBIDDEN,
        code: "form_expired",
        headline: "This page had grown old",
        what_happened: "What you sent did not come from a page of this set-up, so nothing was done.",
        what_next: "Go back to the set-up, and do it again from there.",
    };
    let again = Link { label: "Back to the set-up".to_owned(), href: "/setup/connections".to_owned() };
    problem_with(&open.env, open.origin(), &problem, Some(again))
}

/// What was sent is too large, or no form.
pub(crate) fn unreadable(open: &Open, status: StatusCode) -> Response {
    let what_happened = if status == StatusCode::PAYLOAD_TOO_LARGE {
        "It is larger than a form here may be; metadata may have 512 KiB."
    } else {
        "Your browser sent something that is no form."
    };
    let problem = Problem {
        status,
        code: "invalid_request",
        headline: "This cannot be read",
        what_happened,
        what_next: "Go back and try again with less.",
    };
    let again = Link { label: "Back to the set-up".to_owned(), href: "/setup/connections".to_owned() };
    problem_with(&open.env, open.origin(), &problem, Some(again))
}
