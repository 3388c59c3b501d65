//! `POST /token`: the token endpoint (RFC 6749 §3.2). What is presented names its organization.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use orgate_edge::{CalledIssuer, FormParams, ParamsRejection, RequestOrigin};
use orgate_flows::Env;
use orgate_flows::token::{TokenCall, exchange};
use orgate_protocol::oauth::token::{self, TokenResponse, TokenType};
use orgate_protocol::oauth::token_exchange::TokenTypeId;

use crate::client::{authenticated, proven_key};
use crate::error::{OAuthError, of_token};

/// Authenticates the client, then follows the grant: no grant can forget the former.
pub(crate) async fn post(
    State(env): State<Env>,
    CalledIssuer(called): CalledIssuer,
    RequestOrigin(origin): RequestOrigin,
    headers: HeaderMap,
    form: Result<FormParams, ParamsRejection>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<TokenResponse>), OAuthError> {
    let FormParams(params) = form?;
    let client = authenticated((&env, called), (&headers, &params), &origin).await?;
    let request = token::parse(&params)?;
    let key = proven_key((&env, called), &client, (&headers, "/token"), &origin).await?;
    let call = TokenCall {
        called,
        client: &client,
        resource: request.resource.as_deref(),
        key: key.as_deref(),
        origin: &origin,
    };
    let (tokens, issued_token_type) = of_token(exchange(&env, &call, &request.grant).await?)?;
    let answer = TokenResponse {
        access_token: tokens.access_token,
        issued_token_type,
        token_type: match issued_token_type {
            Some(TokenTypeId::IdentityAssertion) => TokenType::NotApplicable,
            _ if tokens.bound => TokenType::Dpop,
            _ => TokenType::Bearer,
        },
        expires_in: tokens.expires_in,
        refresh_token: tokens.refresh_token,
        id_token: tokens.id_token,
        scope: tokens.scope,
    };
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(answer)))
}
