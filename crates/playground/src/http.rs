//! What both applications share: serving until told to stop, security headers, pages and embedded files.

use std::{future::ready, io, time::Duration};

use askama::Template;
use axum::{
    Router,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::map_response,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use tokio::{net::TcpListener, sync::oneshot, time::sleep};

/// How long requests that are under way may take once the end has been asked for.
const GRACE: Duration = Duration::from_secs(2);

/// Serves until `shutdown` is done, and at most [`GRACE`] longer.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (signal, signalled) = oneshot::channel();
    let end = async move {
        shutdown.await;
        let _ = signal.send(());
    };
    let deadline = async {
        let _ = signalled.await;
        sleep(GRACE).await;
    };
    tokio::select! {
        result = axum::serve(listener, router).with_graceful_shutdown(end).into_future() => result,
        () = deadline => Ok(()),
    }
}

/// Adds the security headers to every answer. Of a header that a handler has set itself, the handler's stays.
pub(crate) fn with_security_headers(router: Router, content_security_policy: HeaderValue) -> Router {
    router.layer(map_response(move |mut response: Response| {
        for (name, value) in [
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (CONTENT_SECURITY_POLICY, content_security_policy.clone()),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        ] {
            response.headers_mut().entry(name).or_insert(value);
        }
        ready(response)
    }))
}

/// A route that answers with an embedded file.
pub(crate) fn with_asset(
    router: Router,
    path: &'static str,
    content_type: &'static str,
    body: &'static str,
) -> Router {
    let headers = [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "max-age=300")];
    router.route(path, get(move || ready((headers, body))))
}

/// The page, or 500.
pub(crate) fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
