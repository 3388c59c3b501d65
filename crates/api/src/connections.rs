//! `/sso/{organization}/{connection}`, as far as an identity provider calls it itself.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use orgate_edge::{FormParams, ParamsRejection, RequestOrigin};
use orgate_flows::Env;
use orgate_flows::federation::logout_received::{BackChannelError, receive_logout_token};
use orgate_flows::federation::public_keys;
use serde_json::{Value, json};

const NO_STORE: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

type Refusal = (StatusCode, [(HeaderName, HeaderValue); 1], Json<Value>);

/// `POST …/backchannel-logout` (OIDC Back-Channel Logout §2.5).
pub(crate) async fn post_logout(
    State(env): State<Env>,
    Path((org_id, connection)): Path<(String, String)>,
    RequestOrigin(origin): RequestOrigin,
    form: Result<FormParams, ParamsRejection>,
) -> Result<[(HeaderName, HeaderValue); 1], Refusal> {
    let (Ok(org_id), Ok(connection)) = (org_id.parse(), connection.parse()) else {
        return Err(refuse(StatusCode::NOT_FOUND, "invalid_request", "there is no such connection"));
    };
    let Ok(FormParams(params)) = form else {
        return Err(refuse(StatusCode::BAD_REQUEST, "invalid_request", "the body is not a form"));
    };
    let token = params.get("logout_token").unwrap_or_default();
    match receive_logout_token(&env, (org_id, connection), token, &origin).await {
        Ok(()) => Ok(NO_STORE),
        Err(BackChannelError::Invalid) => {
            Err(refuse(StatusCode::BAD_REQUEST, "invalid_request", "the logout token is not valid"))
        }
        Err(BackChannelError::Failure(failure)) => {
            tracing::error!(error = &failure as &dyn std::error::Error, "a logout token could not be taken");
            let status = match failure.retry_after() {
                Some(_) => StatusCode::SERVICE_UNAVAILABLE,
                None => StatusCode::INTERNAL_SERVER_ERROR,
            };
            Err(refuse(status, "server_error", "the logout could not be carried out; try again"))
        }
    }
}

/// `GET …/jwks`: the key that signs our client assertions to the connection's provider (RFC 7523).
pub(crate) async fn get_keys(
    State(env): State<Env>,
    Path((org_id, connection)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let unknown = || refuse(StatusCode::NOT_FOUND, "invalid_request", "there is no such connection");
    let (Ok(org_id), Ok(connection)) = (org_id.parse(), connection.parse()) else { return Err(unknown()) };
    match public_keys(&env, org_id, connection).await {
        Ok(Some(keys)) => Ok(Json(keys)),
        Ok(None) => Err(unknown()),
        Err(failure) => {
            tracing::error!(error = &failure as &dyn std::error::Error, "keys could not be read");
            Err(refuse(StatusCode::SERVICE_UNAVAILABLE, "server_error", "try again"))
        }
    }
}

fn refuse(status: StatusCode, error: &str, description: &str) -> Refusal {
    (status, NO_STORE, Json(json!({ "error": error, "error_description": description })))
}
