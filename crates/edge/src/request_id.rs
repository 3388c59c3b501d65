//! One id and one span a request: in the log lines, the answer and the events.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use orgate_domain::credentials::base32;
use orgate_flows::Env;
use tracing::Instrument as _;

/// The id of a request: ours, never the caller's, so that no caller can collide with another's.
#[derive(Debug, Clone)]
pub struct RequestId(String);

impl RequestId {
    /// The header that tells the caller.
    pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    /// A new one.
    pub fn new(env: &Env) -> Self {
        let uuid = env.random.uuid(env.clock.now()).unwrap_or_default();
        Self(format!("req_{}", base32::encode_u128(uuid.as_u128())))
    }

    /// The value of [`RequestId::HEADER`].
    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// The text: `req_` and 26 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The method, if it is one of HTTP's own: a stranger's words become no label, or each would live on
/// in the metrics.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// Gives the request its id, measures it, and logs how it ended.
pub async fn observe(State(env): State<Env>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::new(&env);
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let method = known_method(request.method());
    let span = tracing::info_span!(
        "request",
        request.id = id.as_str(),
        http.method = method,
        http.route = route,
        org.id = tracing::field::Empty,
    );
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).instrument(span.clone()).await;
    response.headers_mut().insert(RequestId::HEADER, id.header());
    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    let labels = [("method", method.to_owned()), ("route", route), ("status", status.to_string())];
    metrics::counter!("orgate_http_requests_total", &labels).increment(1);
    metrics::histogram!("orgate_http_request_duration_seconds", &labels).record(elapsed.as_secs_f64());
    let duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::info!(http.status = status, duration_ms, "answered"));
    response
}
