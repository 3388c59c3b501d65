//! Notes: a sample product whose customers are organizations, and which leaves signing in to Orgate.
//!
//! It is a confidential client that runs on the server (OAuth 2.0 for Browser-Based Apps calls it a BFF): the browser
//! gets a session cookie and never a refresh token.
//!
//! **Invariant:** a note is read or written only in the organization, and by the permissions, of an access token
//! that `orgate-verify` has accepted.

use std::{io, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef},
    http::HeaderValue,
    routing::{get, post},
};
use moka::{future::Cache, policy::EvictionPolicy};
use orgate_verify::Verifier;
use tokio::net::TcpListener;
use url::Url;

use crate::{
    browser::Cookies,
    http::{serve, with_asset, with_security_headers},
};

mod api;
mod error_page;
mod home;
mod id_token;
mod notebooks;
mod provider;
mod session;
mod sign_in;

use error_page::PageError;
use notebooks::Notebooks;
use provider::Provider;
use session::Session;
use sign_in::PendingSignIn;

/// How long a user stays signed in, whatever the provider says.
const SESSION_LIFETIME: Duration = Duration::from_hours(12);
/// Time enough to wait for a mail and find the second factor.
const SIGN_IN_LIFETIME: Duration = Duration::from_hours(1);
/// Of either: the ones used longest ago go first.
const MAX_ENTRIES: u64 = 10_000;
const MAX_FORM_BYTES: usize = 16 * 1024;

/// What Notes needs to know.
#[derive(Clone)]
pub struct NotesConfig {
    /// The provider. Its identifier is this URL without a slash at the end.
    pub issuer: Url,
    /// Notes' name at the provider.
    pub client_id: String,
    /// Notes' secret there.
    pub client_secret: String,
    /// Where browsers find Notes, without a path: `http://localhost:8090/`. The client is registered with this as
    /// its post-logout redirect URI, and with `callback` below it as its redirect URI.
    pub base_url: Url,
    /// The `aud` of access tokens for Notes.
    pub audience: String,
    /// The organizations that the pages offer to sign in to, each as its slug and its name. Others can sign in too.
    pub organizations: Vec<(String, String)>,
}

/// Serves Notes on `listener` until `shutdown` is done. The provider need not be up yet.
///
/// # Errors
/// If a URL is none that can be used (`http` is for loopback only), or the HTTP server fails.
pub async fn serve_notes(
    config: NotesConfig,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let policy = content_security_policy(&config)?;
    let app = App::new(config)?;
    serve(listener, with_security_headers(router(app), policy), shutdown).await
}

/// What every handler can ask for; the extractors of `orgate-verify` ask for the verifier.
#[derive(Clone, FromRef)]
struct App {
    config: Arc<NotesConfig>,
    cookies: Cookies,
    notebooks: Arc<Notebooks>,
    provider: Arc<Provider>,
    /// By cookie.
    sessions: Cache<String, Arc<Session>>,
    /// By `state`.
    sign_ins: Cache<String, Arc<PendingSignIn>>,
    verifier: Arc<Verifier>,
}

impl App {
    fn new(config: NotesConfig) -> io::Result<Self> {
        let provider = Provider::new(&config).map_err(io::Error::other)?;
        let verifier = Verifier::builder(provider.issuer()).audience(&config.audience).build();
        Ok(Self {
            cookies: Cookies::for_url(&config.base_url),
            notebooks: Arc::default(),
            provider: Arc::new(provider),
            sessions: cache(SESSION_LIFETIME),
            sign_ins: cache(SIGN_IN_LIFETIME),
            verifier: Arc::new(verifier.map_err(io::Error::other)?),
            config: Arc::new(config),
        })
    }
}

fn cache<V: Clone + Send + Sync + 'static>(lifetime: Duration) -> Cache<String, V> {
    let builder = Cache::builder().max_capacity(MAX_ENTRIES).eviction_policy(EvictionPolicy::lru());
    builder.time_to_live(lifetime).build()
}

fn router(app: App) -> Router {
    let router = Router::new()
        .route("/", get(home::show))
        .route("/sign-in", get(sign_in::start))
        .route("/callback", get(sign_in::finish))
        .route("/notes", post(home::add_note))
        .route("/refresh", post(session::refresh))
        .route("/sign-out", post(session::sign_out))
        .route("/api/orgs/{org}/notes", get(api::list_notes))
        .fallback(async || PageError::NotFound)
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .with_state(app);
    let router = with_asset(router, "/notes.css", "text/css", include_str!("../assets/notes.css"));
    with_asset(router, "/notes.svg", "image/svg+xml", include_str!("../assets/notes.svg"))
}

/// `form-action` admits the provider, because signing out is a form whose answer leads there.
fn content_security_policy(config: &NotesConfig) -> io::Result<HeaderValue> {
    let provider = config.issuer.origin().ascii_serialization();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {provider}; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).map_err(io::Error::other)
}
