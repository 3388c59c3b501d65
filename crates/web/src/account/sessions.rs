//! Where one is signed in, and how to end that.

use askama::Template;
use axum::response::Response;
use orgate_domain::ids::SessionId;
use orgate_flows::Failure;
use orgate_flows::account::{OpenSession, OwnEnding, end_own, list_sessions};
use orgate_flows::consents::list_own;

use super::applications::Allowed;
use super::frame::Part;
use super::{Member, Submitted};
use crate::frame::Frame;
use crate::moment::Moment;
use crate::page::Page;
use crate::sign_out;

/// `templates/account/sessions.html`.
#[derive(Template)]
#[template(path = "account/sessions.html")]
struct SessionsTemplate {
    page: Page,
    frame: Frame,
    sessions: Vec<Line>,
    /// How many there are beside those.
    more: usize,
    others: bool,
    allowed: Vec<Allowed>,
    /// How many there are beside those, and where all are.
    allowed_more: usize,
    applications: String,
}

/// Sessions on the page: that of this browser, and those that were used last.
const SHOWN: usize = 80;

/// Applications with access on the page: those that were allowed last. There is a page of their own.
const ALLOWED: usize = 20;

/// One session.
struct Line {
    id: String,
    device: String,
    here: bool,
    address: Option<String>,
    clients: String,
    signed_in: Moment,
    last_seen: Moment,
}

impl Line {
    fn of(member: &Member, session: &OpenSession) -> Self {
        Self {
            id: session.id.to_string(),
            device: member.language().software(session.user_agent.as_deref()),
            here: session.id == member.own.session.id,
            address: session.address.map(|address| address.to_string()),
            clients: session.clients.join(", "),
            signed_in: member.moment(session.signed_in_at),
            last_seen: member.moment(session.last_seen_at),
        }
    }
}

/// `GET /account/sessions`.
pub(crate) async fn get(member: Member) -> Response {
    match page(&member).await {
        Ok(template) => member.render(&template),
        Err(failure) => member.failed(&failure),
    }
}

async fn page(member: &Member) -> Result<SessionsTemplate, Failure> {
    let (env, own, language) = (&member.env, &member.own, member.language());
    let mut sessions = list_sessions(env, own).await?;
    sessions.sort_by_key(|session| session.id != own.session.id);
    let given = list_own(env, own).await?;
    let said = match member.params.get("done") {
        Some("access") => Some(language.say("account-access-gone")),
        Some(_) => Some(language.say("account-ended")),
        None => None,
    };
    Ok(SessionsTemplate {
        page: member.page(),
        frame: member.frame(Part::Sessions).saying(said),
        sessions: sessions.iter().take(SHOWN).map(|session| Line::of(member, session)).collect(),
        more: sessions.len().saturating_sub(SHOWN),
        others: sessions.iter().any(|session| session.id != own.session.id),
        allowed: given.iter().take(ALLOWED).map(|given| Allowed::of(member, given)).collect(),
        allowed_more: given.len().saturating_sub(ALLOWED),
        applications: member.href("/applications"),
    })
}

/// `POST /account/sessions`: ends one of them, or all but this browser's.
pub(crate) async fn post(Submitted { member, form }: Submitted) -> Response {
    let one = form.get("session").and_then(|text| text.parse::<SessionId>().ok()).map(OwnEnding::One);
    let Some(ending) = one.or_else(|| form.get("others").map(|_| OwnEnding::Others)) else {
        return member.old_page();
    };
    end(&member, ending).await
}

/// `POST /account/sign-out`: ends that of this browser.
pub(crate) async fn post_sign_out(Submitted { member, .. }: Submitted) -> Response {
    end(&member, OwnEnding::One(member.own.session.id)).await
}

async fn end(member: &Member, ending: OwnEnding) -> Response {
    match end_own(&member.env, &member.own, ending, &member.cookies.browser).await {
        Ok(Some(done)) => sign_out::done(&member.env, &member.cookies, &done),
        Ok(None) => member.done("/sessions", "1"),
        Err(failure) => member.failed(&failure),
    }
}
