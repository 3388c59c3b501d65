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
        let bytes = read(request, state, &[JSON]).await?;
        Ok(Self(parse(&bytes)?))
    }
}

/// The media type of bodies.
pub(super) const JSON: &str = "application/json";

/// That of partial updates (RFC 7396).
pub(super) const MERGE_PATCH: &str = "application/merge-patch+json";

/// The bytes of a body of one of these media types.
pub(super) async fn read(request: Request, state: &AppState, media_types: &[&str]) -> Result<Bytes, Problem> {
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if !media_types.iter().any(|wanted| media.eq_ignore_ascii_case(wanted)) {
        let detail = format!("send the body as {}", media_types.join(" or "));
        return Err(Problem::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, Kind::MediaType).saying(detail));
    }
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| Problem::with_status(rejection.status(), Kind::TooLarge))
}

/// What a body says: one JSON text, and nothing after it.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let pointer = pointer(error.path());
        Problem::fault(pointer, error.into_inner().to_string())
    })?;
    json.end().map_err(|error| Problem::fault("", error.to_string()))?;
    Ok(read)
}

/// A path as RFC 6901 writes it.
pub(super) fn pointer(path: &serde_path_to_error::Path) -> String {
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

/// What two of the path's parts name, each by its id.
pub(crate) struct NamedPair<First, Second>(pub(crate) First, pub(crate) Second);

impl<First: FromStr, Second: FromStr> FromRequestParts<AppState> for NamedPair<First, Second> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let names: Vec<_> = path.map_err(|_| Problem::not_found())?.0;
        let [_, (_, first), (_, second)] = names.as_slice() else { return Err(Problem::not_found()) };
        let pair = first.parse().ok().zip(second.parse().ok());
        pair.map(|(first, second)| Self(first, second)).ok_or_else(Problem::not_found)
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
