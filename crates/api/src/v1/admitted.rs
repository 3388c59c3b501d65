//! Who may call: the bearer of a token or API key of the organization that the path names, with what the operation takes.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, OriginalUri, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use orgate_edge::{AppState, RequestOrigin};
use orgate_flows::Called;
use orgate_flows::limits::Budget;
use orgate_flows::manage::Caller;
use orgate_flows::manage::access::{Access, Asked, MAX_REASON, admit};

use super::operations::{self, Operation};
use super::problem::{Kind, Problem};
use crate::resource::Resource;

/// A caller that may do what is asked, in the organization of the path.
pub(crate) struct Admitted(pub(crate) Arc<Caller>);

/// Why somebody asks about an organization that is not theirs.
pub(super) const REASON: &str = "orgate-reason";

/// Lets a request through to its operation only if its caller may do that; every operation is behind it.
pub(super) async fn admitted(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let (admitted, budget) = match admission(&mut parts, &state).await {
        Ok((admitted, budget)) => (admitted, budget),
        Err(problem) => (Err(problem), None),
    };
    let mut response = match admitted {
        Ok(caller) => {
            parts.extensions.insert(Arc::new(caller));
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    };
    if let Some(budget) = budget {
        tell(&mut response, budget);
    }
    response
}

/// Says what is left of the caller's budget (draft-ietf-httpapi-ratelimit-headers-10): so many requests at once, and in how many
/// seconds all of them again.
fn tell(response: &mut Response, Budget { a_minute, left }: Budget) {
    let whole = u64::from(a_minute - left.min(a_minute)) * 60;
    let policy = format!("\"api\";q={a_minute};w=60");
    let state = format!("\"api\";r={left};t={}", whole.div_ceil(u64::from(a_minute.max(1))));
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Admitted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Arc<Caller>>().map(Arc::clone);
        caller.map(Self).ok_or_else(|| unlisted("a handler is not behind its admission"))
    }
}

type Answered = (Result<Caller, Problem>, Option<Budget>);

async fn admission(parts: &mut Parts, state: &AppState) -> Result<Answered, Problem> {
    let matched = MatchedPath::from_request_parts(parts, state).await.ok();
    let operation = matched.and_then(|path| operations::find(&parts.method, path.as_str()));
    let operation = operation.ok_or_else(|| unlisted("an operation is not in the table"))?;
    let path = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
    let Path(path) = path.map_err(|_| Problem::not_found())?;
    let organization = path.iter().find(|(name, _)| name == "organization").map(|(_, text)| text.as_str());
    let Ok(RequestOrigin(origin)) = RequestOrigin::from_request_parts(parts, state).await;
    let resource = Resource { realm: "api", scope: operation.permission.as_str() };
    // As it was called: below a nested router, the rest alone is left of the address.
    let Ok(OriginalUri(uri)) = OriginalUri::from_request_parts(parts, state).await;
    let request = (&parts.headers, parts.method.as_str(), uri.path());
    let shown = resource.read(Called::default(), request, None).map_err(|answer| refused(&answer))?;
    let reason = read_reason(&parts.headers)?;
    if !operation.is_conditional && operation.method != "GET" && parts.headers.contains_key(header::IF_MATCH)
    {
        return Err(Problem::parameter("If-Match: nothing is read here that could have been changed since"));
    }
    let asked = Asked { organization, permission: operation.permission, holder: operation.holder, reason };
    let admission = admit(&state.env, (shown.token, shown.proof.as_ref()), asked, &origin).await?;
    let admitted = match admission.access {
        Access::Granted(caller) => Ok(*caller),
        Access::BeyondKey => {
            Err(beyond_key(operation).with_headers_of(&resource.insufficient_scope(shown.scheme)))
        }
        Access::Forbidden => Err(forbidden(operation)),
        Access::InsufficientScope => {
            Err(lacking_scope(operation).with_headers_of(&resource.insufficient_scope(shown.scheme)))
        }
        Access::InvalidProof => Err(refused(&resource.invalid_proof(shown.scheme))),
        Access::InvalidToken => Err(refused(&resource.invalid_token(shown.scheme))),
        Access::NonceNeeded(nonce) => Err(refused(&resource.nonce_needed(&nonce))),
        Access::NotDelegated => Err(not_delegated(operation)),
        Access::NotYetLent => Err(not_yet_lent(operation)),
        Access::OtherOrganization => Err(Problem::not_found()),
        Access::ReasonMissing => Err(reason_missing()),
    };
    Ok((admitted, admission.budget))
}

/// Why somebody asks, if they say so.
fn read_reason(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(REASON) else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes()).ok();
    let text = text.filter(|text| text.chars().count() <= MAX_REASON);
    let wrong = || Problem::parameter(format!("{REASON} is up to {MAX_REASON} characters, in UTF-8"));
    text.map(Some).ok_or_else(wrong)
}

/// What nobody is let in to.
fn unlisted(why: &'static str) -> Problem {
    tracing::error!(why, "an operation was refused to everybody");
    Problem::with_status(StatusCode::INTERNAL_SERVER_ERROR, Kind::Server)
}

/// With the challenge that says why.
fn refused(answer: &Response) -> Problem {
    let kind =
        if answer.status() == StatusCode::BAD_REQUEST { Kind::InvalidRequest } else { Kind::Unauthorized };
    Problem::with_status(answer.status(), kind).with_headers_of(answer)
}

fn forbidden(operation: &Operation) -> Problem {
    let detail = format!(
        "This takes the permission {}. An administrator of the organization can give you a role that has it.",
        operation.permission.as_str()
    );
    Problem::with_status(StatusCode::FORBIDDEN, Kind::Forbidden).saying(detail)
}

fn lacking_scope(operation: &Operation) -> Problem {
    let detail = format!(
        "The access token does not lend this. Ask for one with the scope {}.",
        operation.permission.as_str()
    );
    Problem::with_status(StatusCode::FORBIDDEN, Kind::Forbidden).saying(detail)
}

fn beyond_key(operation: &Operation) -> Problem {
    let detail = format!(
        "The API key was not made for this. It takes one with the permission {}.",
        operation.permission.as_str()
    );
    Problem::with_status(StatusCode::FORBIDDEN, Kind::Forbidden).saying(detail)
}

fn not_yet_lent(operation: &Operation) -> Problem {
    let detail = format!(
        "The permission {} is newer than the access token, or than the one that it was exchanged for. Get a new one.",
        operation.permission.as_str()
    );
    Problem::with_status(StatusCode::FORBIDDEN, Kind::Forbidden).saying(detail)
}

fn not_delegated(operation: &Operation) -> Problem {
    let detail = format!(
        "The organization lets yours act in it, but not do what takes {}. Its administrators can let it.",
        operation.permission.as_str()
    );
    Problem::with_status(StatusCode::FORBIDDEN, Kind::Forbidden).saying(detail)
}

fn reason_missing() -> Problem {
    let detail = format!(
        "This organization is not yours. Say why you ask, in up to {MAX_REASON} characters, in the header {REASON}: \
         its audit log keeps it."
    );
    Problem::with_status(StatusCode::FORBIDDEN, Kind::ReasonMissing).saying(detail)
}
