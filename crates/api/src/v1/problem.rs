//! What goes wrong, as problem details (RFC 9457).

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orgate_edge::ParamsRejection;
use orgate_flows::Failure;
use orgate_flows::manage::ChangeError;
use serde::Serialize;
use utoipa::ToSchema;

/// A problem. Its `type` never changes its meaning.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// What kind of problem it is.
    #[serde(rename = "type")]
    #[schema(example = "urn:orgate:problem:not_found")]
    kind: &'static str,
    /// The kind, in a few words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What is wrong this time, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// What is wrong in the body, each with where.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Something wrong in a body.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Fault {
    /// Where it is (RFC 6901).
    #[schema(example = "/expires_in_hours")]
    pointer: String,
    /// What is wrong.
    detail: String,
}

macro_rules! kinds {
    ($($name:ident = $type:literal, $title:literal;)+) => {
        /// The kinds of problems.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind { $($name,)+ }

        impl Kind {
            const fn parts(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$name => (concat!("urn:orgate:problem:", $type), $title),)+
                }
            }
        }
    };
}

kinds! {
    Changed = "precondition_failed", "It was changed since you read it";
    Forbidden = "forbidden", "You may not do this";
    Gone = "gone", "What the request made has gone since";
    InUse = "in_use", "Something else needs it as it is";
    InvalidBody = "invalid_body", "The body is not what is asked for";
    InvalidRequest = "invalid_request", "The access token is not presented as it should be";
    InvalidParameter = "invalid_parameter", "A parameter is not what is asked for";
    KeyReused = "idempotency_key_reused", "The Idempotency-Key belongs to another request";
    LastOwner = "last_owner", "The organization would have no owner";
    Limit = "limit_reached", "There are as many as there may be";
    MediaType = "media_type", "The body is not JSON";
    MethodNotAllowed = "method_not_allowed", "There is no such operation here";
    NotFound = "not_found", "There is nothing here";
    ReasonMissing = "reason_missing", "Say why you ask about an organization that is not yours";
    Server = "server_error", "The request could not be answered";
    Taken = "taken", "The name is another's";
    TooLarge = "too_large", "The body is too large, or was cut off";
    TooMany = "too_many_requests", "Too many requests";
    Unauthorized = "unauthorized", "A valid access token or API key is needed";
    Unavailable = "unavailable", "Not now";
}

impl Problem {
    pub(crate) fn with_status(status: StatusCode, kind: Kind) -> Self {
        let (kind, title) = kind.parts();
        let (errors, headers) = (Vec::new(), Vec::new());
        Self { kind, title, status: status.as_u16(), detail: None, errors, headers }
    }

    /// There is no such thing, in the caller's organization; or it is another's.
    pub(crate) fn not_found() -> Self {
        Self::with_status(StatusCode::NOT_FOUND, Kind::NotFound)
            .saying("There is no such thing in your organization, or no such organization that is yours.")
    }

    /// A parameter of the query.
    pub(crate) fn parameter(detail: impl Into<String>) -> Self {
        Self::with_status(StatusCode::BAD_REQUEST, Kind::InvalidParameter).saying(detail)
    }

    /// What is wrong at one place of the body.
    pub(crate) fn fault(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::with_status(StatusCode::UNPROCESSABLE_ENTITY, Kind::InvalidBody)
            .with_fault(pointer.into(), detail.into())
    }

    /// With what is wrong, and where, if it is at one place of the body.
    fn with_fault(mut self, pointer: String, detail: String) -> Self {
        self.detail = Some(detail.clone());
        self.errors.push(Fault { pointer, detail });
        self
    }

    pub(crate) fn saying(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// The problem with the headers of another answer, such as its challenge.
    pub(crate) fn with_headers_of(mut self, answer: &Response) -> Self {
        for name in [header::WWW_AUTHENTICATE, HeaderName::from_static("dpop-nonce")] {
            let value = answer.headers().get(&name).cloned();
            self.headers.extend(value.map(|value| (name, value)));
        }
        self
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let retry_after = failure.retry_after();
        let (status, kind) = match (&failure, retry_after) {
            (Failure::NoSeat(none), _) => {
                return Self::with_status(StatusCode::CONFLICT, Kind::Limit).saying(none.to_string());
            }
            (Failure::TooMany(_), _) => (StatusCode::TOO_MANY_REQUESTS, Kind::TooMany),
            (_, Some(_)) => (StatusCode::SERVICE_UNAVAILABLE, Kind::Unavailable),
            (_, None) => (StatusCode::INTERNAL_SERVER_ERROR, Kind::Server),
        };
        if status.is_server_error() {
            tracing::error!(error = &failure as &dyn std::error::Error, "a request failed");
        }
        let mut problem = Self::with_status(status, kind);
        problem.headers.extend(retry_after.map(|seconds| (header::RETRY_AFTER, seconds.into())));
        problem
    }
}

impl From<ParamsRejection> for Problem {
    fn from(rejection: ParamsRejection) -> Self {
        Self::parameter(rejection.to_string())
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let text = error.to_string();
        let conflict = |kind| Self::with_status(StatusCode::CONFLICT, kind);
        match error {
            ChangeError::Above { pointer, .. } => {
                Self::with_status(StatusCode::FORBIDDEN, Kind::Forbidden).with_fault(pointer, text)
            }
            ChangeError::Failure(failure) => failure.into(),
            ChangeError::Gone => conflict(Kind::Gone).saying(text),
            ChangeError::InUse(_) => conflict(Kind::InUse).saying(text),
            ChangeError::Invalid { pointer, .. } => Self::fault(pointer, text),
            ChangeError::KeyReused(_) => {
                Self::with_status(StatusCode::UNPROCESSABLE_ENTITY, Kind::KeyReused).saying(text)
            }
            ChangeError::LastOwner => conflict(Kind::LastOwner).saying(text),
            ChangeError::Missing => Self::not_found(),
            ChangeError::Stale => {
                Self::with_status(StatusCode::PRECONDITION_FAILED, Kind::Changed).saying(text)
            }
            ChangeError::Taken { pointer, .. } => conflict(Kind::Taken).with_fault(pointer, text),
            ChangeError::TooMany(_) => conflict(Kind::Limit).saying(text),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut headers: HeaderMap = self.headers.iter().cloned().collect();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let body = Json(self).into_response().into_body();
        (status, headers, body).into_response()
    }
}
