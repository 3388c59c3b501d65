//! `POST /token`: the token endpoint (RFC 6749 §3.2). What is presented names its organization.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use orgate_edge::{FormParams, ParamsRejection, RequestOrigin};
use orgate_flows::Env;
use orgate_flows::authenticate_client::{Authentication, authenticate_client};
use orgate_flows::redeem_code::{RedeemCode, redeem_code};
use orgate_flows::refresh::{Refresh, refresh};
use orgate_protocol::oauth::client_auth;
use orgate_protocol::oauth::token::{self, GrantRequest, TokenResponse, TokenType};

use crate::error::{OAuthError, of_redemption, of_refresh};

/// Authenticates the client, then follows the grant: no grant can forget the former.
pub(crate) async fn post(
    State(env): State<Env>,
    RequestOrigin(origin): RequestOrigin,
    headers: HeaderMap,
    form: Result<FormParams, ParamsRejection>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<TokenResponse>), OAuthError> {
    let FormParams(params) = form?;
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let presented = client_auth::parse(authorization, &params)?;
    let client = match authenticate_client(&env, &presented, &origin).await? {
        Authentication::Proven(client) => client,
        Authentication::Refused => return Err(OAuthError::invalid_client()),
    };
    let request = token::parse(&params)?;
    let tokens = match &request.grant {
        GrantRequest::AuthorizationCode { code, redirect_uri, code_verifier } => {
            let request =
                RedeemCode { client: &client, code, redirect_uri, verifier: code_verifier, origin: &origin };
            of_redemption(redeem_code(&env, &request).await?)?
        }
        GrantRequest::RefreshToken { refresh_token, scope } => {
            let scope = scope.as_ref();
            let request = Refresh { client: &client, refresh_token, scope, origin: &origin };
            of_refresh(refresh(&env, &request).await?)?
        }
    };
    let answer = TokenResponse {
        access_token: tokens.access_token,
        token_type: TokenType::Bearer,
        expires_in: tokens.expires_in,
        refresh_token: tokens.refresh_token,
        id_token: tokens.id_token,
        scope: tokens.scope,
    };
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(answer)))
}
