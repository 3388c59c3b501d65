//! The database goes away and comes back, and Orgate with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use orgate_server::settings::Settings;
use orgate_tests::app::{App, SECRET, client};
use reqwest::{Method, Response};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use url::Url;

/// The way to the database, which can be cut.
#[derive(Clone)]
struct Line(Arc<watch::Sender<State>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    /// What is connected is cut off, and who connects is sent away.
    Cut,
}

impl Line {
    /// Puts itself between Orgate and its database.
    fn between(settings: &mut Settings) -> Self {
        let mut url: Url = settings.database.url.reveal().parse().expect("a URL");
        let far = far_end(&url);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("an option");
        let port = listener.local_addr().expect("an address").port();
        let query: Vec<_> = url.query_pairs().into_owned().filter(|(name, _)| name != "host").collect();
        url.query_pairs_mut().clear().extend_pairs(query).append_pair("sslmode", "disable");
        url.set_host(Some("127.0.0.1")).expect("a host");
        url.set_port(Some(port)).expect("a port");
        settings.database.url = String::from(url).into();
        let line = Self(Arc::new(watch::Sender::new(State::Whole)));
        tokio::spawn(line.clone().carry(TcpListener::from_std(listener).expect("a runtime"), far));
        line
    }

    fn set(&self, state: State) {
        self.0.send_replace(state);
    }

    async fn carry(self, listener: TcpListener, far: String) {
        while let Ok((near, _)) = listener.accept().await {
            let (mut state, far) = (self.0.subscribe(), far.clone());
            if *state.borrow() == State::Cut {
                continue;
            }
            tokio::spawn(async move {
                tokio::select! {
                    () = connect(near, &far) => {}
                    _ = state.wait_for(|state| *state == State::Cut) => {}
                }
            });
        }
    }
}

/// Where the database listens: a socket's path, or `host:port`.
fn far_end(url: &Url) -> String {
    let port = url.port().unwrap_or(5432);
    let named = url.query_pairs().find(|(name, _)| name == "host").map(|(_, host)| host.into_owned());
    match named.or_else(|| url.host_str().map(str::to_owned)) {
        Some(directory) if directory.starts_with('/') => format!("{directory}/.s.PGSQL.{port}"),
        host => format!("{}:{port}", host.unwrap_or_default()),
    }
}

async fn connect(near: TcpStream, far: &str) {
    if far.starts_with('/') {
        join(near, UnixStream::connect(far).await.expect("the database")).await;
    } else {
        join(near, TcpStream::connect(far).await.expect("the database")).await;
    }
}

async fn join(mut near: TcpStream, mut far: impl AsyncRead + AsyncWrite + Unpin) {
    // How it ends, and why, is between the two.
    let _ = copy_bidirectional(&mut near, &mut far).await;
}

async fn start() -> (App, Line) {
    let mut line = None;
    let app = App::start_with(|settings| {
        settings.database.acquire_timeout_secs = 1;
        line = Some(Line::between(settings));
    })
    .await;
    (app, line.expect("a line"))
}

async fn send(app: &App, method: Method, path: &str) -> Response {
    let request = client().request(method.clone(), app.at(path));
    let request = if method == Method::POST {
        request
            .basic_auth("notes", Some(SECRET))
            .form(&[("grant_type", "refresh_token"), ("refresh_token", "none")])
    } else {
        request
    };
    request.send().await.expect("answered")
}

#[tokio::test]
async fn without_its_database_orgate_says_so_soon_and_with_it_goes_on_as_before() {
    let (app, line) = start().await;
    let browser = app.browser();
    let tokens = app.redeem(&browser.sign_in_to("acme", "ada@acme.test").await).await;
    let waiting = app.browser();
    let page = waiting.authorize(&[("organization", "globex")]).await;
    let authorize = orgate_tests::app::authorization_url(&app.base, &[("organization", "acme")]).to_string();
    assert_eq!(send(&app, Method::GET, "/readyz").await.status(), 200);

    line.set(State::Cut);

    let begun = Instant::now();
    let refresh = app.refresh(&tokens.text("refresh_token")).await;
    assert_eq!(refresh.outcome(), "503 temporarily_unavailable");
    assert_eq!(refresh.headers["retry-after"], "1");
    let userinfo = app.userinfo(&tokens.text("access_token")).await;
    assert_eq!((userinfo.status, userinfo.headers["retry-after"].to_str().ok()), (503, Some("1")));
    for path in [authorize.as_str(), "/readyz"] {
        let reply = send(&app, Method::GET, path).await;
        assert_eq!(
            (reply.status().as_u16(), reply.headers()["retry-after"].to_str().ok()),
            (503, Some("1")),
            "{path}"
        );
    }
    let form = waiting.follow(page.clone()).await;
    assert_eq!((form.status.as_u16(), form.headers["retry-after"].to_str().ok()), (503, Some("1")));
    assert!(form.body.contains("We cannot answer just now") && form.body.contains("req_"), "{}", form.body);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    for path in ["/healthz", "/jwks.json", "/.well-known/openid-configuration", "/assets/app.css"] {
        assert_eq!(send(&app, Method::GET, path).await.status(), 200, "{path} needs no database");
    }

    line.set(State::Whole);

    // On a busy machine the first connection may take longer than the second that it is waited for here.
    let back = Instant::now();
    while send(&app, Method::GET, "/readyz").await.status() != 200 {
        assert!(back.elapsed() < Duration::from_secs(10), "it does not come back");
    }
    let renewed = app.refresh(&tokens.text("refresh_token")).await;
    assert_eq!(renewed.status, 200, "nothing was spent: {:?}", renewed.body);
    let code = waiting.sign_in(page, "gus@globex.test", orgate_tests::app::PASSWORD).await.answer("code");
    assert_eq!(app.redeem(&code).await.status, 200);
    let silent = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await;
    assert!(!silent.answer("code").is_empty());
}

/// As when Postgres is restarted at a quiet hour: every connection is dead, and no request noticed.
#[tokio::test]
async fn connections_that_died_unnoticed_fail_no_request() {
    let (app, line) = start().await;
    let one = || app.sign_in("acme", "vic@acme.test");
    let (a, b, c, d) = tokio::join!(one(), one(), one(), one());
    assert!([a, b, c, d].iter().all(|tokens| tokens.status == 200), "the pool is warm");

    line.set(State::Cut);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    line.set(State::Whole);

    assert_eq!(app.sign_in("acme", "ada@acme.test").await.status, 200);
    assert_eq!(send(&app, Method::GET, "/readyz").await.status(), 200);
}
