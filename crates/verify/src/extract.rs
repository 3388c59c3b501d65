//! axum extractors that demand the organization.
//!
//! **Invariant:** a handler that takes one of them runs only for a verified token, and for no organization but the
//! token's: where the request names one, in its path or in a header, every mention must agree.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts, RawPathParams, rejection::RawPathParamsRejection},
    http::{
        HeaderMap, HeaderName, StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    access_token::{AccessToken, MissingPermission},
    builder::VerifierBuilder,
    verifier::{Verifier, VerifyError},
};

/// Where a request may name an organization.
#[derive(Clone, Debug)]
pub(crate) struct OrganizationPlaces {
    path_parameters: Vec<String>,
    headers: Vec<HeaderName>,
}

impl Default for OrganizationPlaces {
    fn default() -> Self {
        Self {
            path_parameters: ["org", "org_id", "organization", "organization_id"].map(str::to_owned).to_vec(),
            headers: ["orgate-organization", "x-org-id"].map(HeaderName::from_static).to_vec(),
        }
    }
}

impl VerifierBuilder {
    /// Which path parameters name an organization, by id or slug; `org`, `org_id`, `organization` and
    /// `organization_id` unless told.
    pub fn organization_path_parameters<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.places.path_parameters = names.into_iter().map(Into::into).collect();
        self
    }

    /// Which headers name an organization, by id or slug; `Orgate-Organization` and `X-Org-Id` unless told.
    pub fn organization_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.places.headers = names.into_iter().collect();
        self
    }
}

/// A request with a verified bearer token. It need not name an organization; if it does, it is the token's.
///
/// Path parameters are seen in handlers and in middleware added to a `Router`, not in a service around one.
#[derive(Clone, Debug)]
pub struct OrgToken(pub AccessToken);

/// A request with a verified bearer token that names the token's organization, in its path or in a header.
#[derive(Clone, Debug)]
pub struct RequestOrg(pub AccessToken);

impl<S> FromRequestParts<S> for OrgToken
where
    S: Send + Sync,
    Arc<Verifier>: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let (token, _) = authorize(parts, &Arc::from_ref(state)).await?;
        Ok(Self(token))
    }
}

impl<S> FromRequestParts<S> for RequestOrg
where
    S: Send + Sync,
    Arc<Verifier>: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        match authorize(parts, &Arc::from_ref(state)).await? {
            (token, Mention::Matching) => Ok(Self(token)),
            (_, Mention::None) => Err(Rejection::OrganizationMissing),
        }
    }
}

/// How a request speaks of the token's organization.
enum Mention {
    Matching,
    None,
}

async fn authorize(parts: &mut Parts, verifier: &Verifier) -> Result<(AccessToken, Mention), Rejection> {
    let token = verifier.verify(bearer_token(&parts.headers)?).await.map_err(Rejection::from_refusal)?;
    check_not_dpop_bound(&token)?;
    let mentioned = mentioned_organizations(parts, &verifier.places).await?;
    if !mentioned.iter().all(|organization| token.is_in(organization)) {
        tracing::warn!(org.id = %token.org_id(), "a request named another organization than its token");
        return Err(Rejection::OrganizationMismatch);
    }
    Ok((token, if mentioned.is_empty() { Mention::None } else { Mention::Matching }))
}

/// The credentials of the one `Authorization` header (RFC 6750 §2.1). A token in the query or the body is not seen.
fn bearer_token(headers: &HeaderMap) -> Result<&str, Rejection> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Rejection::TokenMissing)?;
    if values.next().is_some() {
        return Err(Rejection::InvalidRequest);
    }
    let value = value.to_str().map_err(|_| Rejection::InvalidRequest)?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Rejection::TokenMissing);
    }
    match token.trim_start_matches(' ') {
        "" => Err(Rejection::InvalidRequest),
        token => Ok(token),
    }
}

/// RFC 9449 §7.2: a DPoP-bound token is never a bearer token, not even where bound tokens are accepted.
fn check_not_dpop_bound(token: &AccessToken) -> Result<(), Rejection> {
    let bound = token.cnf().is_some_and(|cnf| cnf.contains_key("jkt"));
    if bound { Err(Rejection::InvalidToken) } else { Ok(()) }
}

/// Every organization that the request names, by id or slug.
async fn mentioned_organizations(
    parts: &mut Parts,
    places: &OrganizationPlaces,
) -> Result<Vec<String>, Rejection> {
    let mut mentioned = Vec::new();
    for value in places.headers.iter().flat_map(|name| parts.headers.get_all(name)) {
        mentioned.push(value.to_str().map_err(|_| Rejection::OrganizationMismatch)?.to_owned());
    }
    match RawPathParams::from_request_parts(parts, &()).await {
        Ok(parameters) => {
            let named = |name: &str| places.path_parameters.iter().any(|known| known == name);
            mentioned
                .extend(parameters.iter().filter(|(name, _)| named(name)).map(|(_, value)| value.to_owned()));
        }
        // Not matched by a route: there is no path to have parameters.
        Err(RawPathParamsRejection::MissingPathParams(_)) => {}
        Err(_) => return Err(Rejection::InvalidRequest),
    }
    Ok(mentioned)
}

/// Why a request was not let through, and its answer: the status, `WWW-Authenticate` where RFC 6750 §3 asks for
/// it, and a problem document (RFC 9457) that says no more than the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// 400: several `Authorization` headers, an empty token, or a path that is not UTF-8.
    #[error("the request is malformed")]
    InvalidRequest,
    /// 401: the token is not valid.
    #[error("the access token is not valid")]
    InvalidToken,
    /// 403: the request names another organization than the token.
    #[error("the request is about another organization than its token")]
    OrganizationMismatch,
    /// 400: [`RequestOrg`] was asked for, and the request names no organization.
    #[error("the request names no organization")]
    OrganizationMissing,
    /// 401: no bearer token.
    #[error("the request has no bearer token")]
    TokenMissing,
    /// 503: the issuer's keys are not available.
    #[error("access tokens cannot be verified at the moment")]
    Unavailable,
}

impl Rejection {
    fn from_refusal(error: VerifyError) -> Self {
        tracing::debug!(%error, "an access token was refused");
        match error {
            VerifyError::KeysUnavailable => Self::Unavailable,
            _ => Self::InvalidToken,
        }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let challenge = |value: &'static str| [(WWW_AUTHENTICATE, value)];
        match self {
            Self::InvalidRequest => {
                (challenge("Bearer error=\"invalid_request\""), problem(StatusCode::BAD_REQUEST))
                    .into_response()
            }
            Self::InvalidToken => {
                (challenge("Bearer error=\"invalid_token\""), problem(StatusCode::UNAUTHORIZED))
                    .into_response()
            }
            Self::OrganizationMismatch => problem(StatusCode::FORBIDDEN),
            Self::OrganizationMissing => problem(StatusCode::BAD_REQUEST),
            Self::TokenMissing => (challenge("Bearer"), problem(StatusCode::UNAUTHORIZED)).into_response(),
            Self::Unavailable => {
                ([(RETRY_AFTER, "10")], problem(StatusCode::SERVICE_UNAVAILABLE)).into_response()
            }
        }
    }
}

/// 403 with `insufficient_scope` (RFC 6750 §3.1).
impl IntoResponse for MissingPermission {
    fn into_response(self) -> Response {
        let challenge = [(WWW_AUTHENTICATE, "Bearer error=\"insufficient_scope\"")];
        (challenge, problem(StatusCode::FORBIDDEN)).into_response()
    }
}

fn problem(status: StatusCode) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let body = json!({ "type": "about:blank", "title": title, "status": status.as_u16() }).to_string();
    (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response()
}
