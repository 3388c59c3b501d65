//! The listeners: routes, bounds and health.
//!
//! **Invariant:** whoever connects gets a bounded share: so many connections in all, so long for a
//! request's head, so long for an answer, so many bytes of a body.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use metrics_exporter_prometheus::PrometheusHandle;
use orgate_edge::{AppState, observe};
use orgate_flows::Env;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tower::Service as _;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use crate::issuers::issuers;

/// How long the head of a request may take, and a connection may be idle before its next one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How often the other end of an idle HTTP/2 connection is asked for a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);

/// How long requests under way may take when the server stops.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait when the system lets no connection in, as when it is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

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
    let router = orgate_api::router(&state)
        .merge(orgate_web::router(&state))
        .merge(orgate_web::api_docs(&orgate_api::v1::document(&state.env.issuer.at(orgate_api::v1::PATH))))
        .merge(issuers(&state))
        .layer(DefaultBodyLimit::max(bounds.body))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, bounds.timeout))
        .layer(CatchPanicLayer::new())
        .layer(SetResponseHeaderLayer::if_not_present(header::RETRY_AFTER, again))
        .layer(middleware::from_fn_with_state(state.env.clone(), observe))
        .merge(orgate_api::documents())
        .merge(health())
        .with_state(state);
    if https {
        let value = HeaderValue::from_static("max-age=63072000; includeSubDomains");
        router.layer(SetResponseHeaderLayer::overriding(header::STRICT_TRANSPORT_SECURITY, value))
    } else {
        router
    }
}

/// Whoever is told that the server is busy is told when to try again.
fn again(response: &Response) -> Option<HeaderValue> {
    (response.status() == StatusCode::SERVICE_UNAVAILABLE).then(|| HeaderValue::from_static("1"))
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
        Ok(Ok(())) if env.keys.shared().is_ready() => "ready\n".into_response(),
        Ok(Ok(())) => unready("there is no signing key yet\n"),
        Ok(Err(_)) | Err(_) => unready("the database does not answer\n"),
    }
}

fn unready(why: &'static str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], why).into_response()
}

/// Serves `router` over HTTP/1 and HTTP/2, on at most `connections` at once, until `stop` completes;
/// then lets requests under way finish, within half a minute. Handlers see the peer's address as
/// [`ConnectInfo`].
///
/// `connections` is from 1 to [`Semaphore::MAX_PERMITS`].
pub async fn serve(
    listener: TcpListener,
    router: Router,
    connections: usize,
    stop: impl Future<Output = ()> + Send,
) {
    let builder = Arc::new(builder());
    let free = Arc::new(Semaphore::new(connections));
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let (stream, peer, permit) = tokio::select! {
            accepted = accept(&listener, &free) => accepted,
            () = stop.as_mut() => break,
        };
        let (builder, router, watcher) = (Arc::clone(&builder), router.clone(), graceful.watcher());
        tokio::spawn(async move {
            converse(&builder, (stream, peer), router, watcher).await;
            drop(permit);
        });
    }
    drop(listener);
    if timeout(STOP_PATIENCE, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were cut off that did not end in time");
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(SIGN_OF_LIFE);
    builder
}

/// The next connection, once there is room for one.
async fn accept(
    listener: &TcpListener,
    free: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    let permit = Arc::clone(free).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            // The other end has gone already.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Answers the requests of one connection.
async fn converse(
    builder: &Builder<TokioExecutor>,
    (stream, peer): (TcpStream, SocketAddr),
    router: Router,
    watcher: Watcher,
) {
    let heard = Arc::new(AtomicBool::new(false));
    let service = hyper::service::service_fn({
        let heard = Arc::clone(&heard);
        move |request: hyper::Request<Incoming>| {
            heard.store(true, Ordering::Relaxed);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().call(request)
        }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(watcher.watch(connection));
    // The timeout of heads begins only when it is known whether they are HTTP/1's: a connection that
    // says nothing, or HTTP/2 and then nothing, ends here.
    let ended = timeout(HEAD_TIMEOUT, connection.as_mut()).await;
    let ended = match ended {
        Err(_) if heard.load(Ordering::Relaxed) => connection.await,
        Err(_) => return,
        Ok(ended) => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_util::sync::CancellationToken;

    use super::*;

    async fn ask(stream: &mut TcpStream) {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    }

    async fn answer(stream: &mut TcpStream) -> String {
        let mut bytes = [0; 1024];
        let length = stream.read(&mut bytes).await.expect("received");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[tokio::test]
    async fn who_comes_beyond_the_limit_waits_and_everyone_is_known_by_their_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let peer = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() };
        let stop = CancellationToken::new();
        let router = Router::new().route("/", get(peer));
        let server = tokio::spawn(serve(listener, router, 1, stop.clone().cancelled_owned()));
        let mut first = TcpStream::connect(address).await.expect("connected");
        let mut second = TcpStream::connect(address).await.expect("connected");

        ask(&mut first).await;
        let to_first = answer(&mut first).await;
        ask(&mut second).await;
        let waited = timeout(Duration::from_millis(100), second.readable()).await.is_err();
        let (first_peer, second_peer) = (first.local_addr(), second.local_addr());
        drop(first);
        let to_second = answer(&mut second).await;

        assert!(to_first.ends_with(&first_peer.expect("an address").to_string()), "{to_first}");
        assert!(waited, "there is room for one");
        assert!(to_second.ends_with(&second_peer.expect("an address").to_string()), "{to_second}");
        stop.cancel();
        timeout(Duration::from_secs(5), server).await.expect("idle connections end").expect("no panic");
    }
}
