//! The token endpoint (RFC 6749 §4.1.3, OIDC Core §3.1.3).

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Form, Json,
    extract::{State, rejection::FormRejection},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{ACCESS_TOKEN_LIFETIME, Grant, OpenIdProvider};
use crate::{
    browser::{is_same_secret, random_token},
    identity_providers::OpenIdClient,
};

#[derive(Deserialize)]
pub(super) struct TokenForm {
    grant_type: String,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// RFC 6749 §5.2.
pub(super) enum TokenError {
    InvalidClient,
    InvalidGrant(&'static str),
    InvalidRequest(&'static str),
    ServerError,
    UnsupportedGrantType,
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let (status, error, description) = match self {
            Self::InvalidClient => {
                (StatusCode::UNAUTHORIZED, "invalid_client", "the client is unknown, or its secret is wrong")
            }
            Self::InvalidGrant(description) => (StatusCode::BAD_REQUEST, "invalid_grant", description),
            Self::InvalidRequest(description) => (StatusCode::BAD_REQUEST, "invalid_request", description),
            Self::ServerError => {
                (StatusCode::INTERNAL_SERVER_ERROR, "server_error", "the tokens could not be made")
            }
            Self::UnsupportedGrantType => {
                (StatusCode::BAD_REQUEST, "unsupported_grant_type", "only authorization_code is supported")
            }
        };
        let challenge =
            (status == StatusCode::UNAUTHORIZED).then_some([(WWW_AUTHENTICATE, "Basic realm=\"clients\"")]);
        let body = Json(json!({ "error": error, "error_description": description }));
        match challenge {
            Some(challenge) => (status, challenge, body).into_response(),
            None => (status, body).into_response(),
        }
    }
}

pub(super) async fn post(
    State(provider): State<Arc<OpenIdProvider>>,
    headers: HeaderMap,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<Json<Value>, TokenError> {
    let Form(form) = form.map_err(|_| TokenError::InvalidRequest("the form is malformed"))?;
    let client = authenticate(&provider, &headers, &form)?;
    if form.grant_type != "authorization_code" {
        return Err(TokenError::UnsupportedGrantType);
    }
    let grant = redeem(&provider, client, &form).await?;
    let lifetime_secs = ACCESS_TOKEN_LIFETIME.as_secs();
    let access_token = random_token().map_err(|_| TokenError::ServerError)?;
    let claims = grant.id_token_claims(&provider.issuer, lifetime_secs);
    let id_token = provider.signer.sign("JWT", &claims).map_err(|_| TokenError::ServerError)?;
    let answer = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": lifetime_secs,
        "scope": grant.scope,
        "id_token": id_token,
    });
    provider.access_tokens.insert(access_token, grant).await;
    Ok(Json(answer))
}

/// Takes the code away first, so that it is good for one try.
async fn redeem(
    provider: &OpenIdProvider,
    client: &OpenIdClient,
    form: &TokenForm,
) -> Result<Arc<Grant>, TokenError> {
    let code = form.code.as_deref().ok_or(TokenError::InvalidRequest("code is missing"))?;
    let grant = provider.codes.remove(code).await;
    let grant = grant.ok_or(TokenError::InvalidGrant("the code is unknown, used or expired"))?;
    if grant.client_id != client.client_id || form.redirect_uri.as_deref() != Some(&grant.redirect_uri) {
        return Err(TokenError::InvalidGrant("the code was not issued for this request"));
    }
    let verifier = form.code_verifier.as_deref().unwrap_or_default();
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    if is_same_secret(&challenge, &grant.code_challenge) {
        Ok(grant)
    } else {
        Err(TokenError::InvalidGrant("code_verifier does not match"))
    }
}

/// By `client_secret_basic` or `client_secret_post`, not both (RFC 6749 §2.3).
fn authenticate<'p>(
    provider: &'p OpenIdProvider,
    headers: &HeaderMap,
    form: &TokenForm,
) -> Result<&'p OpenIdClient, TokenError> {
    let basic = headers.get(AUTHORIZATION);
    let (client_id, client_secret) = match (basic, &form.client_id, &form.client_secret) {
        (Some(_), _, Some(_)) => {
            return Err(TokenError::InvalidRequest("there are two ways of client authentication"));
        }
        (Some(basic), id, None) => {
            let credentials = basic.to_str().ok().and_then(parse_basic).ok_or(TokenError::InvalidClient)?;
            if id.as_ref().is_some_and(|id| *id != credentials.0) {
                return Err(TokenError::InvalidRequest("there are two client IDs"));
            }
            credentials
        }
        (None, Some(id), Some(secret)) => (id.clone(), secret.clone()),
        (None, ..) => return Err(TokenError::InvalidClient),
    };
    let client = provider.find_client(&client_id);
    client
        .filter(|client| is_same_secret(&client.client_secret, &client_secret))
        .ok_or(TokenError::InvalidClient)
}

/// Both halves are form-encoded (RFC 6749 §2.3.1).
fn parse_basic(header: &str) -> Option<(String, String)> {
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let credentials = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (id, secret) = credentials.split_once(':')?;
    Some((form_decode(id)?, form_decode(secret)?))
}

fn form_decode(text: &str) -> Option<String> {
    // Neither separator can be in an encoded value, and parsing would cut there.
    if text.contains(['&', '=']) {
        return None;
    }
    form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_form_encoded() {
        let header = |credentials: &str| format!("Basic {}", STANDARD.encode(credentials));
        let pair = |id: &str, secret: &str| Some((id.to_owned(), secret.to_owned()));

        assert_eq!(parse_basic(&header("a%3Ab:s%26+c")), pair("a:b", "s& c"));
        assert_eq!(parse_basic(&header("a:b=")), None);
        assert_eq!(parse_basic("Bearer x"), None);
    }
}
