//! `GET` and `POST /userinfo` (OIDC Core §5.3).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orgate_edge::{CalledIssuer, FormParams, ParamsRejection};
use orgate_flows::dpop::PresentedProof;
use orgate_flows::userinfo::{Userinfo, userinfo};
use orgate_flows::{Called, Env};
use orgate_protocol::bearer::{self, Challenge, Scheme};
use orgate_protocol::oauth::{ErrorCode, RequestError, ScopeSet};
use orgate_protocol::params::Params;

use crate::error::OAuthError;

/// The token in the `Authorization` header.
pub(crate) async fn get(
    State(env): State<Env>,
    CalledIssuer(called): CalledIssuer,
    headers: HeaderMap,
) -> Result<Response, OAuthError> {
    answer(&env, called, (&headers, "GET"), None).await
}

/// The token in the header or in the body (RFC 6750 §2.2).
pub(crate) async fn post(
    State(env): State<Env>,
    CalledIssuer(called): CalledIssuer,
    headers: HeaderMap,
    form: Result<FormParams, ParamsRejection>,
) -> Result<Response, OAuthError> {
    let form = match form {
        Ok(FormParams(params)) => Some(params),
        Err(ParamsRejection::MediaType) => None, // a POST without a form: the header alone counts
        Err(rejection) => return Err(rejection.into()),
    };
    answer(&env, called, (&headers, "POST"), form.as_ref()).await
}

async fn answer(
    env: &Env,
    called: Called,
    (headers, method): (&HeaderMap, &str),
    form: Option<&Params>,
) -> Result<Response, OAuthError> {
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let presented = match bearer::parse(authorization, form) {
        Ok(Some(presented)) => presented,
        Ok(None) => return Ok(challenge(StatusCode::UNAUTHORIZED, Scheme::Bearer, None)),
        Err(error) => return Ok(challenge(StatusCode::BAD_REQUEST, Scheme::Bearer, Some(&error))),
    };
    let scheme = presented.scheme;
    let invalid_proof = |code| {
        let error = RequestError::new(code, "the access token needs a DPoP proof of its key");
        challenge(StatusCode::UNAUTHORIZED, Scheme::Dpop, Some(&error))
    };
    let mut proofs = headers.get_all("dpop").iter();
    let proof = match (scheme, proofs.next(), proofs.next()) {
        (Scheme::Dpop, Some(proof), None) => {
            let proof = proof.to_str().unwrap_or_default();
            Some(PresentedProof { proof, method, called, path: "/userinfo" })
        }
        (Scheme::Dpop, _, _) => return Ok(invalid_proof(ErrorCode::InvalidDpopProof)),
        (Scheme::Bearer, _, _) => None,
    };
    Ok(match userinfo(env, called, presented.token, proof.as_ref()).await? {
        Userinfo::Claims(claims) => {
            ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(claims)).into_response()
        }
        Userinfo::Signed(token) => {
            let media_type = HeaderValue::from_static("application/jwt");
            let no_store = HeaderValue::from_static("no-store");
            ([(header::CACHE_CONTROL, no_store), (header::CONTENT_TYPE, media_type)], token).into_response()
        }
        Userinfo::InvalidProof if scheme == Scheme::Dpop => invalid_proof(ErrorCode::InvalidDpopProof),
        Userinfo::InvalidProof => invalid_proof(ErrorCode::InvalidToken),
        Userinfo::NonceNeeded(nonce) => {
            let mut response = invalid_proof(ErrorCode::UseDpopNonce);
            if let Ok(nonce) = HeaderValue::from_str(&nonce) {
                response.headers_mut().insert("dpop-nonce", nonce);
            }
            response
        }
        Userinfo::InvalidToken => {
            let error = RequestError::new(ErrorCode::InvalidToken, "the access token is not valid");
            challenge(StatusCode::UNAUTHORIZED, scheme, Some(&error))
        }
        Userinfo::InsufficientScope => {
            let error = RequestError::new(ErrorCode::InsufficientScope, "the scope openid is needed");
            challenge(StatusCode::FORBIDDEN, scheme, Some(&error))
        }
    })
}

/// RFC 6750 §3: with no token given, the challenge says nothing more.
fn challenge(status: StatusCode, scheme: Scheme, error: Option<&RequestError>) -> Response {
    let needed = ScopeSet::parse("openid").ok();
    let scope = needed.as_ref().filter(|_| status == StatusCode::FORBIDDEN);
    let challenge = Challenge { scheme, realm: "userinfo", error, scope }.to_string();
    let value = HeaderValue::from_str(&challenge).unwrap_or(HeaderValue::from_static("Bearer"));
    let headers =
        [(header::WWW_AUTHENTICATE, value), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    match error {
        Some(error) => (status, headers, Json(error.clone())).into_response(),
        None => (status, headers).into_response(),
    }
}
