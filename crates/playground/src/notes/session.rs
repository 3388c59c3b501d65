//! Who is signed in: sessions, their tokens, and how both end.
//!
//! **Invariant:** a session belongs to one user of one organization for as long as it lives: refreshed tokens that
//! say otherwise end it.

use std::sync::Arc;

use axum::{
    Form,
    extract::{FromRequest, Request, State},
    http::{HeaderMap, header::SET_COOKIE},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use orgate_verify::{AccessToken, Verifier};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::Mutex;

use super::{
    App,
    error_page::PageError,
    id_token::IdToken,
    provider::{ProviderError, TokenResponse},
};
use crate::{
    browser::{CookieName, is_same_secret, random_token},
    timestamp::Timestamp,
};

/// A user of an organization, signed in.
pub(super) struct Session {
    pub(super) user: IdToken,
    /// What forms of this session carry.
    pub(super) csrf_token: String,
    /// Locked while they are renewed, so that each refresh token is used once.
    tokens: Mutex<Arc<Tokens>>,
}

/// What the token endpoint gave for the session.
pub(super) struct Tokens {
    pub(super) access_token: String,
    /// `access_token`, verified.
    pub(super) claims: AccessToken,
    refresh_token: Option<String>,
}

impl Tokens {
    pub(super) async fn verify(response: TokenResponse, verifier: &Verifier) -> Result<Self, PageError> {
        let claims = verifier.verify(&response.access_token).await?;
        Ok(Self { access_token: response.access_token, claims, refresh_token: response.refresh_token })
    }

    /// Whether they are for this user of this organization.
    pub(super) fn belong_to(&self, user: &IdToken) -> bool {
        self.claims.sub() == user.sub && self.claims.org_id().as_str() == user.org_id
    }

    pub(super) fn expires_at(&self) -> Timestamp {
        Timestamp(self.claims.exp())
    }
}

impl Session {
    pub(super) fn new(user: IdToken, tokens: Tokens) -> Result<Self, PageError> {
        Ok(Self { user, csrf_token: random_token()?, tokens: Mutex::new(Arc::new(tokens)) })
    }
}

/// The session of the browser that asks.
pub(super) struct SignedIn {
    key: String,
    pub(super) session: Arc<Session>,
}

impl SignedIn {
    pub(super) async fn find(app: &App, headers: &HeaderMap) -> Option<Self> {
        let key = app.cookies.find(headers, CookieName::NotesSession)?;
        let session = app.sessions.get(&key).await?;
        Some(Self { key, session })
    }

    /// The session's tokens; renewed first, if they have expired.
    ///
    /// # Errors
    /// [`PageError::SessionEnded`] if the provider gives no more: the session is gone then.
    pub(super) async fn tokens(&self, app: &App) -> Result<Arc<Tokens>, PageError> {
        let mut tokens = self.session.tokens.lock().await;
        if tokens.expires_at() <= Timestamp::now() {
            *tokens = self.renew(app, &tokens).await?;
        }
        Ok(Arc::clone(&tokens))
    }

    async fn renew(&self, app: &App, tokens: &Tokens) -> Result<Arc<Tokens>, PageError> {
        let Some(refresh_token) = &tokens.refresh_token else { return self.end(app).await };
        let mut response = match app.provider.refresh(refresh_token).await {
            Err(ProviderError::Refused { error, .. }) if error == "invalid_grant" => {
                return self.end(app).await;
            }
            response => response?,
        };
        // Without a new one the old one stays good (RFC 6749 §6).
        response.refresh_token.get_or_insert_with(|| refresh_token.clone());
        let tokens = Tokens::verify(response, &app.verifier).await?;
        if tokens.belong_to(&self.session.user) { Ok(Arc::new(tokens)) } else { self.end(app).await }
    }

    pub(super) async fn forget(&self, app: &App) {
        app.sessions.invalidate(&self.key).await;
    }

    async fn end<T>(&self, app: &App) -> Result<T, PageError> {
        self.forget(app).await;
        Err(PageError::SessionEnded)
    }
}

/// A form, posted from a page of the session that it acts for: the only way in for what changes something.
pub(super) struct SessionForm<T> {
    pub(super) signed_in: SignedIn,
    pub(super) fields: T,
}

#[derive(Deserialize)]
struct CsrfForm<T> {
    csrf_token: String,
    #[serde(flatten)]
    fields: T,
}

/// For forms that are only a button.
#[derive(Deserialize)]
pub(super) struct NoFields {}

impl<T: DeserializeOwned> FromRequest<App> for SessionForm<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &App) -> Result<Self, PageError> {
        let signed_in = SignedIn::find(app, request.headers()).await.ok_or(PageError::NotSignedIn)?;
        let form = Form::<CsrfForm<T>>::from_request(request, app).await;
        let Form(form) = form.map_err(|_| PageError::MalformedForm)?;
        if is_same_secret(&form.csrf_token, &signed_in.session.csrf_token) {
            Ok(Self { signed_in, fields: form.fields })
        } else {
            Err(PageError::ForeignForm)
        }
    }
}

/// Renews the tokens whether or not they have expired, to show how that is done.
pub(super) async fn refresh(
    State(app): State<App>,
    SessionForm { signed_in, .. }: SessionForm<NoFields>,
) -> Result<Redirect, PageError> {
    let mut tokens = signed_in.session.tokens.lock().await;
    *tokens = signed_in.renew(&app, &tokens).await?;
    Ok(Redirect::to("/?done=refreshed"))
}

/// Signs out here, then at the provider.
pub(super) async fn sign_out(
    State(app): State<App>,
    SessionForm { signed_in, .. }: SessionForm<NoFields>,
) -> Result<Response, PageError> {
    signed_in.forget(&app).await;
    let state = random_token()?;
    let url = app.provider.end_session_url(&signed_in.session.user.jwt, &state).await?;
    let cookies = AppendHeaders([
        (SET_COOKIE, app.cookies.remove(CookieName::NotesSession)),
        (SET_COOKIE, app.cookies.set(CookieName::NotesSignOut, &state)),
    ]);
    let destination = url.map_or_else(|| "/".to_owned(), Into::into);
    Ok((cookies, Redirect::to(&destination)).into_response())
}
