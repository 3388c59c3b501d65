//! Changes: what is sent once and made once, and what is changed only as it was read.

use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orgate_domain::credentials::{SecretHash, base32};
use orgate_edge::AppState;
use orgate_flows::manage::{ChangeError, Once};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::body::{self, private};
use super::problem::Problem;

/// A request's own key.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Characters of a key at most.
pub(super) const MAX_KEY: usize = 255;

/// Something to be made, and by which key the request is told from others, if it has one.
pub(crate) struct New<T>(pub(crate) T, pub(crate) Option<Once>);

impl<T: DeserializeOwned> FromRequest<AppState> for New<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (mut parts, content) = request.into_parts();
        let Ok(OriginalUri(uri)) = OriginalUri::from_request_parts(&mut parts, state).await;
        let key = read_key(&parts.headers)?.map(str::to_owned);
        let operation = format!("{} {}", parts.method, uri.path());
        let bytes = body::read(Request::from_parts(parts, content), state, &[body::JSON]).await?;
        let once = key.map(|key| Once::new(&key, &operation, &bytes));
        Ok(Self(body::parse(&bytes)?, once))
    }
}

fn read_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let wrong = || Problem::parameter(format!("Idempotency-Key is one of 1 to {MAX_KEY} visible characters"));
    match (keys.next(), keys.next()) {
        (None, _) => Ok(None),
        (Some(key), None) => {
            let key = key.to_str().ok().filter(|key| (1..=MAX_KEY).contains(&key.len()));
            key.map(Some).ok_or_else(wrong)
        }
        (Some(_), Some(_)) => Err(wrong()),
    }
}

/// Of what is read before it is changed: which of its states is meant (RFC 9110 §13.1.1).
pub(crate) struct IfMatch(Vec<String>);

impl IfMatch {
    fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(header::IF_MATCH).iter();
        let tags = lines.flat_map(|line| line.to_str().unwrap_or_default().split(',')).map(str::trim);
        Self(tags.map(str::to_owned).collect())
    }

    /// Whether this is the state that is meant, or none was named.
    ///
    /// # Errors
    /// [`ChangeError::Stale`].
    pub(crate) fn check(&self, view: &impl Serialize) -> Result<(), ChangeError> {
        let meant = self.0.is_empty() || self.0.iter().any(|wanted| wanted == "*" || *wanted == tag(view));
        if meant { Ok(()) } else { Err(ChangeError::Stale) }
    }
}

impl IfMatch {
    /// The same of what may not be there: that is no state that could be meant, not even by `*`.
    ///
    /// # Errors
    /// [`ChangeError::Stale`].
    pub(crate) fn check_if_any(&self, view: Option<&impl Serialize>) -> Result<(), ChangeError> {
        match view {
            Some(view) => self.check(view),
            None if self.0.is_empty() => Ok(()),
            None => Err(ChangeError::Stale),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self::of(&parts.headers))
    }
}

/// A partial update (RFC 7396).
pub(crate) struct Patch {
    merge: Value,
    only: IfMatch,
}

impl FromRequest<AppState> for Patch {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let only = IfMatch::of(request.headers());
        let bytes = body::read(request, state, &[body::MERGE_PATCH, body::JSON]).await?;
        let merge: Value = body::parse(&bytes)?;
        if !merge.is_object() {
            return Err(Problem::fault("", "a patch is an object of what is to be changed"));
        }
        Ok(Self { merge, only })
    }
}

impl Patch {
    /// Whether it says anything of this member.
    pub(crate) fn names(&self, member: &str) -> bool {
        self.merge.get(member).is_some()
    }

    /// What somebody wants, of `view` as it is shown and `settings` as they may be changed.
    ///
    /// # Errors
    /// [`ChangeError::Stale`], or what is wrong with it and where.
    pub(crate) fn onto<Settings: Serialize + DeserializeOwned>(
        &self,
        view: &impl Serialize,
        settings: &Settings,
    ) -> Result<Settings, ChangeError> {
        self.only.check(view)?;
        merged(serde_json::to_value(settings).unwrap_or_default(), self.merge.clone())
    }
}

/// What somebody wants who wants everything else as it is usually.
///
/// # Errors
/// What is wrong with it and where.
pub(crate) fn merged<Settings: DeserializeOwned>(
    mut usual: Value,
    wanted: Value,
) -> Result<Settings, ChangeError> {
    merge(&mut usual, wanted);
    serde_path_to_error::deserialize(usual).map_err(|error| {
        let pointer = body::pointer(error.path());
        ChangeError::invalid(pointer, error.into_inner().to_string())
    })
}

/// RFC 7396 §2.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(members) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(into) = target else { return };
    for (name, value) in members {
        if value.is_null() {
            into.remove(&name);
        } else {
            merge(into.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// An answer with the tag of the state that it shows.
pub(crate) struct Tagged<View>(pub(crate) View);

impl<View: Serialize> IntoResponse for Tagged<View> {
    fn into_response(self) -> Response {
        private(([(header::ETAG, tag(&self.0))], axum::Json(self.0)))
    }
}

/// An answer with the tag of those of its parts that may be changed: others change by themselves.
pub(crate) struct TaggedBy<Settled, View>(pub(crate) Settled, pub(crate) View);

impl<Settled: Serialize, View: Serialize> IntoResponse for TaggedBy<Settled, View> {
    fn into_response(self) -> Response {
        private(([(header::ETAG, tag(&self.0))], axum::Json(self.1)))
    }
}

/// Something that was made just now, or by the same request before, with where it is read.
pub(crate) fn created(at: String, answer: impl IntoResponse) -> Response {
    (StatusCode::CREATED, [(header::LOCATION, at)], answer).into_response()
}

/// The entity tag of what is shown: a strong one, of all of it.
fn tag(view: &impl Serialize) -> String {
    let shown = serde_json::to_vec(view).unwrap_or_default();
    format!("\"{}\"", base32::encode(&SecretHash::of(&shown).as_bytes()[..15]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// RFC 7396, appendix A.
    #[test]
    fn a_patch_is_merged_as_the_rfc_shows() {
        for (target, patch, result) in [
            (json!({ "a": "b" }), json!({ "a": "c" }), json!({ "a": "c" })),
            (json!({ "a": "b" }), json!({ "b": "c" }), json!({ "a": "b", "b": "c" })),
            (json!({ "a": "b" }), json!({ "a": null }), json!({})),
            (json!({ "a": "b", "b": "c" }), json!({ "a": null }), json!({ "b": "c" })),
            (json!({ "a": ["b"] }), json!({ "a": "c" }), json!({ "a": "c" })),
            (json!({ "a": "c" }), json!({ "a": ["b"] }), json!({ "a": ["b"] })),
            (
                json!({ "a": { "b": "c" } }),
                json!({ "a": { "b": "d", "c": null } }),
                json!({ "a": { "b": "d" } }),
            ),
            (json!({ "a": [{ "b": "c" }] }), json!({ "a": [1] }), json!({ "a": [1] })),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({ "a": "b" }), json!(["c"]), json!(["c"])),
            (json!({ "a": "foo" }), json!(null), json!(null)),
            (json!({ "a": "foo" }), json!("bar"), json!("bar")),
            (json!({ "e": null }), json!({ "a": 1 }), json!({ "e": null, "a": 1 })),
            (json!([1, 2]), json!({ "a": "b", "c": null }), json!({ "a": "b" })),
            (json!({}), json!({ "a": { "bb": { "ccc": null } } }), json!({ "a": { "bb": {} } })),
        ] {
            let mut merged = target.clone();
            merge(&mut merged, patch.clone());
            assert_eq!(merged, result, "{target} and {patch}");
        }
    }
}
