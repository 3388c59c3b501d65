//! What requests carry, and answers.

use std::str::FromStr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use orgate_edge::AppState;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::{Kind, Problem};

/// A body that was read. What it does not know is an error.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.and_then(|value| value.split(';').next());
        if !media.is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json")) {
            return Err(Problem::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, Kind::MediaType)
                .saying("send the body as application/json"));
        }
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| Problem::with_status(rejection.status(), Kind::TooLarge))?;
        let mut json = serde_json::Deserializer::from_slice(&body);
        let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let pointer = pointer(error.path());
            Problem::fault(pointer, error.into_inner().to_string())
        })?;
        json.end().map_err(|error| Problem::fault("", error.to_string()))?;
        Ok(Self(read))
    }
}

/// A path as RFC 6901 writes it.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } | Segment::Enum { variant: key } => {
            format!("/{}", key.replace('~', "~0").replace('/', "~1"))
        }
        Segment::Unknown => String::new(),
    };
    path.iter().map(segment).collect()
}

/// What the last part of the path names, by its id. What is no such id names nothing.
pub(crate) struct Named<Id>(pub(crate) Id);

impl<Id: FromStr> FromRequestParts<AppState> for Named<Id> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let last = path.ok().and_then(|Path(mut path)| path.pop());
        let id = last.and_then(|(_, text)| text.parse().ok());
        id.map(Self).ok_or_else(Problem::not_found)
    }
}

/// An answer that is nobody else's.
pub(crate) fn private(answer: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], answer).into_response()
}

/// What was found, as JSON, and nobody else's; or that there is none.
pub(crate) fn found<T, View: From<T> + Serialize>(found: Option<T>) -> Result<Private<View>, Problem> {
    found.map(|found| Private(found.into())).ok_or_else(Problem::not_found)
}

/// An answer of JSON that is nobody else's.
pub(crate) struct Private<View>(pub(crate) View);

impl<View: Serialize> IntoResponse for Private<View> {
    fn into_response(self) -> Response {
        private(Json(self.0))
    }
}
