//! Query and form parameters, bounded and without duplicates.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use orgate_protocol::params::{Params, ParamsError};

use crate::AppState;

/// The query's parameters.
#[derive(Debug)]
pub struct QueryParams(pub Params);

/// The parameters of an `application/x-www-form-urlencoded` body.
#[derive(Debug)]
pub struct FormParams(pub Params);

/// Parameters that cannot be read. The channel decides how to say so.
#[derive(Debug)]
pub enum ParamsRejection {
    /// Another media type (415).
    MediaType,
    /// Malformed or over a bound (400).
    Params(ParamsError),
    /// The body is too large or was cut off.
    Body(StatusCode),
}

impl ParamsRejection {
    /// The status to answer with.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Params(_) => StatusCode::BAD_REQUEST,
            Self::Body(status) => *status,
        }
    }
}

impl std::fmt::Display for ParamsRejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MediaType => f.write_str("the body must be application/x-www-form-urlencoded"),
            Self::Params(error) => error.fmt(f),
            Self::Body(_) => f.write_str("the body is too large or incomplete"),
        }
    }
}

/// For a handler that has no better way to say it.
impl IntoResponse for ParamsRejection {
    fn into_response(self) -> Response {
        (self.status(), self.to_string()).into_response()
    }
}

impl FromRequestParts<AppState> for QueryParams {
    type Rejection = ParamsRejection;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ParamsRejection> {
        Params::parse(parts.uri.query().unwrap_or_default()).map(Self).map_err(ParamsRejection::Params)
    }
}

impl FromRequest<AppState> for FormParams {
    type Rejection = ParamsRejection;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ParamsRejection> {
        let is_form = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
        if !is_form {
            return Err(ParamsRejection::MediaType);
        }
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| ParamsRejection::Body(rejection.status()))?;
        let text = std::str::from_utf8(&body).unwrap_or("%"); // refused as malformed
        Params::parse(text).map(Self).map_err(ParamsRejection::Params)
    }
}
