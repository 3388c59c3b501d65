//! The authorization endpoint (OIDC Core §3.1.2), and the form that it may take to answer.
//!
//! **Invariant:** an answer goes only to a redirect URI that the client has registered.

use std::sync::Arc;

use axum::{
    Form,
    extract::{
        Query, State,
        rejection::{FormRejection, QueryRejection},
    },
    http::{HeaderMap, header::SET_COOKIE},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use url::Url;

use crate::identity_providers::saml::recipients::is_below;

use super::{Grant, OpenIdProvider, OwnForm, PageError};
use crate::{
    browser::random_token,
    identity_providers::{
        accounts::Session,
        sign_in_page::{Protocol, SignInPage},
    },
    timestamp::Timestamp,
};

/// The request as it came. What is not in here is ignored (OIDC Core §3.1.2.2); what comes twice is refused.
#[derive(Clone, Deserialize)]
pub(super) struct Params {
    response_type: Option<String>,
    response_mode: Option<String>,
    client_id: Option<String>,
    redirect_uri: Option<String>,
    scope: Option<String>,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    login_hint: Option<String>,
    prompt: Option<String>,
    max_age: Option<String>,
    request: Option<String>,
    request_uri: Option<String>,
}

impl Params {
    /// For the sign-in form, which asks once more. `prompt` and `max_age` have done their work by then.
    fn fields(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("response_type", &self.response_type),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scope),
            ("state", &self.state),
            ("nonce", &self.nonce),
            ("code_challenge", &self.code_challenge),
            ("code_challenge_method", &self.code_challenge_method),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }
}

/// Where the answer goes. Only [`Recipient::check`] makes one.
struct Recipient {
    client_id: String,
    redirect_uri: String,
    url: Url,
    state: Option<String>,
}

/// An error that the client is told (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6).
struct ClientError(&'static str, &'static str);

/// A request that can be answered.
struct AuthorizationRequest {
    scope: String,
    nonce: Option<String>,
    code_challenge: String,
    prompt: Vec<String>,
    max_age: Option<u64>,
}

pub(super) async fn get(
    State(provider): State<Arc<OpenIdProvider>>,
    headers: HeaderMap,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, PageError> {
    let Query(params) = params.map_err(|_| PageError::MalformedRequest)?;
    authorize(&provider, &headers, &params).await
}

pub(super) async fn post(
    State(provider): State<Arc<OpenIdProvider>>,
    headers: HeaderMap,
    params: Result<Form<Params>, FormRejection>,
) -> Result<Response, PageError> {
    let Form(params) = params.map_err(|_| PageError::MalformedRequest)?;
    authorize(&provider, &headers, &params).await
}

/// Answers at once if somebody is signed in who will do, and asks otherwise.
async fn authorize(
    provider: &OpenIdProvider,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Response, PageError> {
    let recipient = Recipient::check(provider, params)?;
    let request = match AuthorizationRequest::parse(params) {
        Ok(request) => request,
        Err(error) => return Ok(recipient.refuse(provider, &error)),
    };
    let hinted = provider.accounts.find_hinted(params.login_hint.as_deref());
    let session = provider.accounts.session(headers).await.filter(|session| {
        let is_expected = hinted.is_none_or(|hinted| hinted.username == session.user.username);
        is_expected && request.admits(session)
    });
    match session {
        Some(session) => recipient.grant(provider, request, &session).await,
        None if request.has_prompt("none") => {
            let error = ClientError("login_required", "nobody who will do is signed in");
            Ok(recipient.refuse(provider, &error))
        }
        None => {
            let page = SignInPage {
                protocol: Protocol::Oidc,
                provider: &provider.name,
                users: provider.accounts.list(params.login_hint.as_deref()),
                hinted,
                destination: recipient.url.origin().ascii_serialization(),
                fields: params.fields(),
            };
            Ok(page.show())
        }
    }
}

#[derive(Deserialize)]
pub(super) struct SignInForm {
    username: String,
    #[serde(flatten)]
    params: Params,
}

/// Somebody has said who they are.
pub(super) async fn sign_in(
    State(provider): State<Arc<OpenIdProvider>>,
    headers: HeaderMap,
    OwnForm(SignInForm { username, params }): OwnForm<SignInForm>,
) -> Result<Response, PageError> {
    let recipient = Recipient::check(&provider, &params)?;
    let request = match AuthorizationRequest::parse(&params) {
        Ok(request) => request,
        Err(error) => return Ok(recipient.refuse(&provider, &error)),
    };
    let signed_in = provider.sign_in(&headers, &username).await?;
    let answer = recipient.grant(&provider, request, &signed_in.session).await?;
    Ok(([(SET_COOKIE, signed_in.set_cookie)], answer).into_response())
}

impl Recipient {
    /// Until this has passed there is nobody to send an error to.
    fn check(provider: &OpenIdProvider, params: &Params) -> Result<Self, PageError> {
        let client_id = params.client_id.as_deref().unwrap_or_default();
        let client = provider.find_client(client_id);
        let client = client.ok_or_else(|| PageError::UnknownClient(client_id.to_owned()))?;
        let redirect_uri = params.redirect_uri.as_deref().unwrap_or_default();
        let prefix = client.redirect_uri_prefix.as_ref();
        let is_registered = client.redirect_uris.iter().any(|registered| registered == redirect_uri)
            || prefix.is_some_and(|prefix| is_below(redirect_uri, prefix));
        let url = is_registered.then(|| redirect_uri.parse().ok()).flatten();
        let url = url.ok_or_else(|| PageError::UnknownRedirectUri(redirect_uri.to_owned()))?;
        let (client_id, redirect_uri) = (client_id.to_owned(), redirect_uri.to_owned());
        Ok(Self { client_id, redirect_uri, url, state: params.state.clone() })
    }

    async fn grant(
        &self,
        provider: &OpenIdProvider,
        request: AuthorizationRequest,
        session: &Session,
    ) -> Result<Response, PageError> {
        let code = random_token()?;
        let grant = Grant {
            client_id: self.client_id.clone(),
            redirect_uri: self.redirect_uri.clone(),
            scope: request.scope,
            nonce: request.nonce,
            code_challenge: request.code_challenge,
            user: session.user.clone(),
            sid: session.sid.clone(),
            authenticated_at: session.authenticated_at,
        };
        provider.codes.insert(code.clone(), Arc::new(grant)).await;
        session.add_participant(&self.client_id);
        Ok(self.answer(provider, &[("code", &code)]))
    }

    fn refuse(&self, provider: &OpenIdProvider, &ClientError(error, description): &ClientError) -> Response {
        self.answer(provider, &[("error", error), ("error_description", description)])
    }

    /// `iss` tells the client whose answer it is (RFC 9207 §2).
    fn answer(&self, provider: &OpenIdProvider, parameters: &[(&str, &str)]) -> Response {
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .extend_pairs(parameters)
            .extend_pairs(self.state.as_ref().map(|state| ("state", state)))
            .append_pair("iss", &provider.issuer);
        Redirect::to(url.as_str()).into_response()
    }
}

impl AuthorizationRequest {
    fn parse(params: &Params) -> Result<Self, ClientError> {
        check_no_request_object(params)?;
        check_response_type(params)?;
        Ok(Self {
            scope: check_scope(params)?,
            nonce: params.nonce.clone(),
            code_challenge: check_code_challenge(params)?,
            prompt: check_prompt(params)?,
            max_age: check_max_age(params)?,
        })
    }

    fn has_prompt(&self, value: &str) -> bool {
        self.prompt.iter().any(|prompt| prompt == value)
    }

    /// Whether the session answers the request without another look at the person.
    fn admits(&self, session: &Session) -> bool {
        let age = Timestamp::now().0.saturating_sub(session.authenticated_at.0);
        let is_recent = self.max_age.is_none_or(|max_age| age <= max_age && max_age > 0);
        is_recent && !self.has_prompt("login") && !self.has_prompt("select_account")
    }
}

fn check_no_request_object(params: &Params) -> Result<(), ClientError> {
    if params.request.is_some() {
        return Err(ClientError("request_not_supported", "request objects are not supported"));
    }
    if params.request_uri.is_some() {
        return Err(ClientError("request_uri_not_supported", "request objects are not supported"));
    }
    Ok(())
}

fn check_response_type(params: &Params) -> Result<(), ClientError> {
    if params.response_type.as_deref() != Some("code") {
        return Err(ClientError("unsupported_response_type", "response_type must be code"));
    }
    if params.response_mode.as_deref().is_some_and(|mode| mode != "query") {
        return Err(ClientError("invalid_request", "response_mode must be query"));
    }
    Ok(())
}

fn check_scope(params: &Params) -> Result<String, ClientError> {
    let scope = params.scope.as_deref().unwrap_or_default();
    if scope.split(' ').any(|scope| scope == "openid") {
        Ok(scope.to_owned())
    } else {
        Err(ClientError("invalid_scope", "scope must contain openid"))
    }
}

/// Demanded of everybody (RFC 9700 §2.1.1), and never `plain`.
fn check_code_challenge(params: &Params) -> Result<String, ClientError> {
    let challenge = params.code_challenge.as_deref().filter(|challenge| challenge.len() == 43);
    match (challenge, params.code_challenge_method.as_deref()) {
        (Some(challenge), Some("S256")) => Ok(challenge.to_owned()),
        _ => Err(ClientError("invalid_request", "a code_challenge is needed, with the method S256")),
    }
}

fn check_prompt(params: &Params) -> Result<Vec<String>, ClientError> {
    let prompt = params.prompt.as_deref().unwrap_or_default();
    let prompt: Vec<_> = prompt.split(' ').filter(|value| !value.is_empty()).map(str::to_owned).collect();
    if prompt.len() > 1 && prompt.iter().any(|value| value == "none") {
        return Err(ClientError("invalid_request", "prompt=none goes with nothing else"));
    }
    Ok(prompt)
}

fn check_max_age(params: &Params) -> Result<Option<u64>, ClientError> {
    let max_age = params.max_age.as_deref().map(str::parse).transpose();
    max_age.map_err(|_| ClientError("invalid_request", "max_age must be a number of seconds"))
}
