//! The listeners: routes, bounds and health.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use metrics_exporter_prometheus::PrometheusHandle;
use orgate_edge::{AppState, observe};
use orgate_flows::Env;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

/// Bounds on every request.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes of a body.
    pub body: usize,
    /// Time for an answer.
    pub timeout: Duration,
}

/// The public routes, within bounds.
pub fn router(state: AppState, bounds: Bounds) -> Router {
    let https = state.env.issuer.is_https();
    let router = orgate_api::router()
        .merge(orgate_web::router())
        .layer(DefaultBodyLimit::max(bounds.body))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, bounds.timeout))
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn_with_state(state.env.clone(), observe))
        .merge(health())
        .with_state(state);
    if https {
        let value = HeaderValue::from_static("max-age=63072000; includeSubDomains");
        router.layer(SetResponseHeaderLayer::overriding(header::STRICT_TRANSPORT_SECURITY, value))
    } else {
        router
    }
}

/// The routes for whoever runs the server.
pub fn internal_router(state: AppState, metrics: PrometheusHandle) -> Router {
    let metrics = get(move || {
        let text = metrics.render();
        async move { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text) }
    });
    health().with_state(state).route("/metrics", metrics)
}

fn health() -> Router<AppState> {
    // Alive: the process answers. Ready: it can also reach its database and sign.
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(ready))
}

async fn ready(State(env): State<Env>) -> Response {
    let ping = tokio::time::timeout(Duration::from_secs(2), env.store.ping()).await;
    match ping {
        Ok(Ok(())) if env.keys.is_ready() => "ready\n".into_response(),
        Ok(Ok(())) => unready("there is no signing key yet\n"),
        Ok(Err(_)) | Err(_) => unready("the database does not answer\n"),
    }
}

fn unready(why: &'static str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], why).into_response()
}

/// Serves `router` until `stop` completes, then lets requests under way finish.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop).await
}
