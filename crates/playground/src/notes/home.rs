//! The one page that Notes has, and writing a note on it.

use askama::Template;
use axum::{
    extract::{Query, State},
    http::{HeaderMap, header::SET_COOKIE},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use super::{
    App,
    error_page::PageError,
    notebooks::{MAX_CHARS, Note},
    session::{Session, SessionForm, SignedIn, Tokens},
};
use crate::{browser::CookieName, http::page, timestamp::Timestamp};

const READ: &str = "notes:read";
const WRITE: &str = "notes:write";

/// Nobody is signed in: `templates/notes/welcome.html`.
#[derive(Template)]
#[template(path = "notes/welcome.html")]
struct WelcomePage<'a> {
    organizations: &'a [(String, String)],
    issuer: &'a str,
    signed_out: bool,
}

/// Somebody is: `templates/notes/home.html`.
#[derive(Template)]
#[template(path = "notes/home.html")]
struct HomePage<'a> {
    session: &'a Session,
    tokens: &'a Tokens,
    organizations: &'a [(String, String)],
    org_name: &'a str,
    base_url: &'a str,
    /// `None` if the user may not read them.
    notes: Option<Vec<Note>>,
    may_write: bool,
    max_chars: usize,
    refreshed: bool,
}

impl HomePage<'_> {
    fn user_name(&self) -> &str {
        user_name(self.session)
    }

    /// Minutes and seconds until the access token expires.
    fn expires_in(&self) -> String {
        let seconds = self.tokens.expires_at().0.saturating_sub(Timestamp::now().0);
        format!("{} min {} s", seconds / 60, seconds % 60)
    }

    fn slug(&self) -> &str {
        self.tokens.claims.org_name()
    }

    fn access_token_claims(&self) -> String {
        claims_of(&self.tokens.access_token)
    }

    fn id_token_claims(&self) -> String {
        claims_of(&self.session.user.jwt)
    }

    /// Paths to ask with this access token, and what comes of it.
    fn api_examples(&self) -> Vec<(String, &'static str)> {
        let own = self.slug();
        let foreign = self.organizations.iter().map(|(slug, _)| slug.as_str()).find(|slug| *slug != own);
        let allowed = if self.notes.is_some() { "200: the notes" } else { "403: notes:read is missing" };
        let examples = [Some((own, allowed)), foreign.map(|slug| (slug, "403: another organization"))];
        examples.into_iter().flatten().map(|(slug, then)| (format!("api/orgs/{slug}/notes"), then)).collect()
    }
}

/// What brought the browser here.
#[derive(Default, Deserialize)]
pub(super) struct HomeQuery {
    /// The provider's, after signing out.
    state: Option<String>,
    done: Option<String>,
}

pub(super) async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    Query(query): Query<HomeQuery>,
) -> Result<Response, PageError> {
    let Some(signed_in) = SignedIn::find(&app, &headers).await else {
        return Ok(welcome(&app, &headers, &query));
    };
    let tokens = signed_in.tokens(&app).await?;
    let claims = &tokens.claims;
    let slug = claims.org_name();
    let known = app.config.organizations.iter().find(|(known, _)| known == slug);
    Ok(page(&HomePage {
        session: &signed_in.session,
        tokens: &tokens,
        organizations: &app.config.organizations,
        org_name: known.map_or(slug, |(_, name)| name),
        base_url: app.config.base_url.as_str(),
        notes: claims.has_permission(READ).then(|| app.notebooks.list(claims.org_id())),
        may_write: claims.has_permission(WRITE),
        max_chars: MAX_CHARS,
        refreshed: query.done.as_deref() == Some("refreshed"),
    }))
}

fn welcome(app: &App, headers: &HeaderMap, query: &HomeQuery) -> Response {
    let sign_out = app.cookies.find(headers, CookieName::NotesSignOut);
    let signed_out = sign_out.is_some() && sign_out == query.state;
    let page = page(&WelcomePage {
        organizations: &app.config.organizations,
        issuer: app.provider.issuer(),
        signed_out,
    });
    if signed_out {
        ([(SET_COOKIE, app.cookies.remove(CookieName::NotesSignOut))], page).into_response()
    } else {
        page
    }
}

#[derive(Deserialize)]
pub(super) struct NewNote {
    text: String,
}

/// The page offers this to those who may; what counts is the check here.
pub(super) async fn add_note(
    State(app): State<App>,
    SessionForm { signed_in, fields: NewNote { text } }: SessionForm<NewNote>,
) -> Result<Redirect, PageError> {
    let tokens = signed_in.tokens(&app).await?;
    tokens.claims.require_permission(WRITE)?;
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_CHARS {
        return Err(PageError::MalformedForm);
    }
    let author = user_name(&signed_in.session).to_owned();
    let note = Note { text: text.to_owned(), author, written_at: Timestamp::now() };
    app.notebooks.add(tokens.claims.org_id(), note);
    Ok(Redirect::to("/"))
}

fn user_name(session: &Session) -> &str {
    let user = &session.user;
    user.name.as_deref().or(user.email.as_deref()).unwrap_or(&user.sub)
}

/// A verified token's claims, to look at.
fn claims_of(jwt: &str) -> String {
    let payload = jwt.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    let claims = payload.and_then(|payload| serde_json::from_slice::<Value>(&payload).ok());
    claims.map(|claims| format!("{claims:#}")).unwrap_or_default()
}
