//! `/ssf`: the management of streams of security events (SSF §8.1), and polling (RFC 8936).

mod poll;
mod status;
mod streams;
mod subjects;
mod verify;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use orgate_edge::{AppState, CalledIssuer, ParamsRejection, RequestOrigin};
use orgate_flows::ssf::access::{Access, Need, admit};
use orgate_flows::ssf::{Managed, Receiver};
use orgate_protocol::oauth::ErrorCode;

use crate::error::OAuthError;
use crate::resource::Resource;

/// The routes.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route(
            "/ssf/streams",
            get(streams::get)
                .post(streams::post)
                .patch(streams::patch)
                .put(streams::put)
                .delete(streams::delete),
        )
        .route("/ssf/status", get(status::get).post(status::post))
        .route("/ssf/subjects/add", post(subjects::post_add))
        .route("/ssf/subjects/remove", post(subjects::post_remove))
        .route("/ssf/verify", post(verify::post))
        .route("/ssf/poll/{stream_id}", post(poll::post))
}

/// A receiver that may change its streams.
pub(crate) struct Managing(pub(crate) Receiver);

/// A receiver that may look at its streams, and poll.
pub(crate) struct Reading(pub(crate) Receiver);

/// The body, unread.
pub(crate) struct Body(pub(crate) Bytes);

impl FromRequestParts<AppState> for Managing {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        receiver(parts, state, Need::Manage).await.map(Self)
    }
}

impl FromRequestParts<AppState> for Reading {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        receiver(parts, state, Need::Read).await.map(Self)
    }
}

impl FromRequest<AppState> for Body {
    type Rejection = OAuthError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, OAuthError> {
        let read = Bytes::from_request(request, state).await;
        read.map(Self).map_err(|rejection| ParamsRejection::Body(rejection.status()).into())
    }
}

async fn receiver(parts: &mut Parts, state: &AppState, need: Need) -> Result<Receiver, Response> {
    let resource = Resource { realm: "ssf", scope: need.scope() };
    let Ok(RequestOrigin(origin)) = RequestOrigin::from_request_parts(parts, state).await;
    let Ok(CalledIssuer(called)) = CalledIssuer::from_request_parts(parts, state).await;
    let request = (&parts.headers, parts.method.as_str(), parts.uri.path());
    let shown = resource.read(called, request, None).map_err(|answer| *answer)?;
    let access = admit(&state.env, called, (shown.token, shown.proof.as_ref()), (need, &origin)).await;
    match access.map_err(|failure| OAuthError::from(failure).into_response())? {
        Access::Granted(receiver) => Ok(receiver),
        Access::InsufficientScope => Err(resource.insufficient_scope(shown.scheme)),
        Access::InvalidProof => Err(resource.invalid_proof(shown.scheme)),
        Access::InvalidToken => Err(resource.invalid_token(shown.scheme)),
        Access::NonceNeeded(nonce) => Err(resource.nonce_needed(&nonce)),
    }
}

/// What a receiver hears of its request. Another's stream is answered like one that does not exist.
fn of_managed<T>(managed: Managed<T>) -> Result<T, OAuthError> {
    match managed {
        Managed::Done(done) => Ok(done),
        Managed::Refused(error) => Err(error.into()),
        Managed::TooEarly(wait) => Err(OAuthError::too_early(wait.num_seconds().unsigned_abs())),
        Managed::TooManyStreams => Err(OAuthError::with_status(
            StatusCode::CONFLICT,
            ErrorCode::InvalidRequest,
            "the receiver has as many streams as it may have",
        )),
        Managed::TooManySubjects => Err(OAuthError::with_status(
            StatusCode::FORBIDDEN,
            ErrorCode::AccessDenied,
            "the stream passes over as many subjects as it may",
        )),
        Managed::Unknown => Err(OAuthError::with_status(
            StatusCode::NOT_FOUND,
            ErrorCode::InvalidRequest,
            "the receiver has no such stream",
        )),
    }
}

/// An answer that is nobody else's.
fn private(answer: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], answer).into_response()
}
