//! Signing in: the authorization code flow with PKCE (OIDC Core §3.1, RFC 7636, RFC 9700 §2.1).
//!
//! **Invariant:** an answer of the provider is looked at only in the browser that asked for it, and once.

use std::sync::Arc;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, header::SET_COOKIE},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    App,
    error_page::PageError,
    id_token::{Expected, IdToken},
    provider::{AuthorizationRequest, TokenResponse},
    session::{Session, SignedIn, Tokens},
};
use crate::browser::{CookieName, is_same_secret, random_token};

/// A sign-in that is under way, filed under its `state`.
pub(super) struct PendingSignIn {
    /// The cookie of the browser that began it.
    browser: String,
    nonce: String,
    code_verifier: String,
    organization: Option<String>,
}

/// How to sign in: all of it is optional.
#[derive(Deserialize)]
pub(super) struct SignInQuery {
    organization: Option<String>,
    /// `select_account`, to let the person choose another organization.
    prompt: Option<String>,
}

/// Sends the browser to the provider. Nobody is signed in or out by that, so a link may lead here.
pub(super) async fn start(
    State(app): State<App>,
    headers: HeaderMap,
    query: Result<Query<SignInQuery>, QueryRejection>,
) -> Result<Response, PageError> {
    let Query(SignInQuery { organization, prompt }) = query.map_err(|_| PageError::MalformedForm)?;
    if prompt.as_ref().is_some_and(|prompt| prompt != "select_account") {
        return Err(PageError::MalformedForm);
    }
    let (state, nonce, code_verifier) = (random_token()?, random_token()?, random_token()?);
    let request = AuthorizationRequest {
        state: &state,
        nonce: &nonce,
        code_verifier: &code_verifier,
        organization: organization.as_deref(),
        prompt: prompt.as_deref(),
    };
    let url = app.provider.authorization_url(&request).await?;
    // One for all its sign-ins: it may have several under way, one a tab.
    let browser = app.cookies.find(&headers, CookieName::NotesBrowser).map_or_else(random_token, Ok)?;
    let cookie = [(SET_COOKIE, app.cookies.set(CookieName::NotesBrowser, &browser))];
    let pending = PendingSignIn { browser, nonce, code_verifier, organization };
    app.sign_ins.insert(state, Arc::new(pending)).await;
    Ok((cookie, Redirect::to(url.as_str())).into_response())
}

/// The provider's answer (RFC 6749 §4.1.2, RFC 9207 §2). Parameters given twice are refused (RFC 6749 §3.1).
#[derive(Deserialize)]
pub(super) struct Answer {
    state: Option<String>,
    iss: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Takes the provider's answer and opens the session.
pub(super) async fn finish(
    State(app): State<App>,
    headers: HeaderMap,
    answer: Result<Query<Answer>, QueryRejection>,
) -> Result<Response, PageError> {
    let Query(answer) = answer.map_err(|_| PageError::UnexpectedAnswer)?;
    let pending = check_state(&app, &headers, &answer).await?;
    check_iss(&app, &answer)?;
    let code = check_code(answer)?;
    let response = app.provider.redeem_code(&code, &pending.code_verifier).await?;
    let session = open_session(&app, &pending, response).await?;

    // A new name for the new session: what the browser had before says nothing about it.
    if let Some(before) = SignedIn::find(&app, &headers).await {
        before.forget(&app).await;
    }
    let key = random_token()?;
    let cookies = AppendHeaders([
        (SET_COOKIE, app.cookies.set(CookieName::NotesSession, &key)),
        (SET_COOKIE, app.cookies.remove(CookieName::NotesSignOut)),
    ]);
    app.sessions.insert(key, Arc::new(session)).await;
    Ok((cookies, Redirect::to("/")).into_response())
}

/// The sign-in that the answer is for. Until this is known nothing else of the answer is used, not even to show its
/// error: anybody can make a link to here.
async fn check_state(
    app: &App,
    headers: &HeaderMap,
    answer: &Answer,
) -> Result<Arc<PendingSignIn>, PageError> {
    let state = answer.state.as_deref().ok_or(PageError::UnexpectedAnswer)?;
    let browser = app.cookies.find(headers, CookieName::NotesBrowser).ok_or(PageError::UnexpectedAnswer)?;
    match app.sign_ins.get(state).await {
        Some(pending) if is_same_secret(&pending.browser, &browser) => {
            app.sign_ins.remove(state).await.ok_or(PageError::UnexpectedAnswer)
        }
        _ => Err(PageError::UnexpectedAnswer),
    }
}

/// RFC 9207 §2.4: another server's answer must not get this server's code, or its client secret, anywhere.
fn check_iss(app: &App, answer: &Answer) -> Result<(), PageError> {
    if answer.iss.as_deref() == Some(app.provider.issuer()) { Ok(()) } else { Err(PageError::ForeignAnswer) }
}

fn check_code(answer: Answer) -> Result<String, PageError> {
    match (answer.error, answer.code) {
        (Some(error), _) => Err(PageError::SignInRefused { error, description: answer.error_description }),
        (None, Some(code)) => Ok(code),
        (None, None) => Err(PageError::UnexpectedAnswer),
    }
}

/// Verifies the tokens: each by itself, that they are of one user in one organization, and that it is the
/// organization that was asked for. Without the last check a link to one organization could sign in to another.
async fn open_session(
    app: &App,
    pending: &PendingSignIn,
    mut response: TokenResponse,
) -> Result<Session, PageError> {
    let jwt = response.id_token.take().ok_or(PageError::NoIdToken)?;
    let expected =
        Expected { issuer: app.provider.issuer(), client_id: &app.config.client_id, nonce: &pending.nonce };
    let user = IdToken::verify(jwt, &app.provider.keys().await?, &expected)?;
    let tokens = Tokens::verify(response, &app.verifier).await?;
    if !tokens.belong_to(&user) {
        return Err(PageError::TokensDiffer);
    }
    match &pending.organization {
        Some(organization) if !tokens.claims.is_in(organization) => Err(PageError::OtherOrganization),
        _ => Session::new(user, tokens),
    }
}
