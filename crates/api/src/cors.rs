//! Which scripts in browsers may read our answers (Fetch §3.2): anybody's the public documents, those of single-page
//! clients what `/token`, `/userinfo` and `/revoke` answer, and nobody's anything else.
//!
//! **Invariant:** never with credentials, so no cookie is sent or set; and an origin that is not admitted is answered
//! as if there were no such thing as other origins.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use orgate_edge::{AppState, CalledIssuer, RequestId, RequestOrigin};
use orgate_flows::origins::admits_origin;
use tower_http::cors::{Any, CorsLayer};

/// What those endpoints take, and a script has to name first.
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
const HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type, dpop");

/// What a client reads beside the body: the challenge, the next nonce (RFC 9449 §8), when to try again, and what to
/// tell whoever runs this server.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("www-authenticate, dpop-nonce, retry-after, x-request-id");

/// Seconds for which a browser need not ask again; short, because a client can be disabled.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// For documents that are the same for everybody.
pub(crate) fn public() -> CorsLayer {
    CorsLayer::new().allow_origin(Any).allow_methods([Method::GET]).expose_headers([RequestId::HEADER])
}

/// Names the origin of a single-page client in the answer, and answers its preflights.
pub(crate) async fn admit(
    State(state): State<AppState>,
    RequestOrigin(from): RequestOrigin,
    CalledIssuer(called): CalledIssuer,
    request: Request,
    next: Next,
) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let admitted = match origin.as_ref().and_then(|origin| origin.to_str().ok()) {
        Some(origin) => {
            admits_origin(&state.env, (called, origin), from.address).await.unwrap_or_else(|error| {
                tracing::warn!(error = &error as &dyn std::error::Error, "an origin cannot be looked up");
                false
            })
        }
        None => false,
    };
    let asks = is_preflight(&request);
    let mut response = match (&origin, admitted, asks) {
        (Some(_), true, true) => preflight(),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let (Some(origin), true) = (origin, admitted) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

/// Fetch §4.8: what a browser asks before it sends what a form could not.
fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight() -> Response {
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ];
    (StatusCode::NO_CONTENT, HeaderMap::from_iter(headers), Body::empty()).into_response()
}
