//! A whole Orgate on loopback, on a database of its own, and the browsers and clients that use it.

#![expect(clippy::missing_panics_doc, reason = "a harness fails its test where it fails itself")]

use std::net::SocketAddr;
use std::sync::Arc;

use orgate_domain::names::Slug;
use orgate_flows::apply::{Applied, ApplyError, Plan};
use orgate_flows::{Env, apply};
use orgate_server::http::{Bounds, router};
use orgate_server::settings::Settings;
use orgate_server::{apply_file, jobs, wiring};
use orgate_storage::OrgScope;
use orgate_storage::system::OrgHint;
use reqwest::header::HeaderName;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

pub use crate::answers::{Page, Reply, claims};
pub use crate::browser::{Browser, USER_AGENT, authorization_url, client};
use crate::clock::TestClock;
use crate::contract::assert_contract;
use crate::database::Database;
use crate::wire::Wire;

/// Where the sample client's answers go; nothing listens there.
pub const CALLBACK: &str = "http://localhost:9/callback";
/// Where the sample client's sign-outs lead.
pub const SIGNED_OUT: &str = "http://localhost:9/";
/// The sample client's secret.
pub const SECRET: &str = "notes-secret-with-enough-entropy-for-a-test";
/// What a webhook of a test signs by.
pub const HOOK: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Every sample user's password.
pub const PASSWORD: &str = "correct horse battery staple";
/// The master key of every test's installation.
pub const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Another one.
pub const NEXT_MASTER_KEY: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";
/// A PKCE verifier and its challenge (RFC 7636 Appendix B).
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The challenge of [`VERIFIER`].
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Two organizations, and a third that may not use every client; the operator's clients.
pub const SAMPLES: &str = include_str!("samples.yaml");

/// A running Orgate.
#[derive(Debug)]
pub struct App {
    /// Its address, and its issuer.
    pub base: Url,
    /// What its use cases are given.
    pub env: Env,
    /// Its database.
    pub database: Database,
    /// Its clock.
    pub clock: Arc<TestClock>,
    jobs: Jobs,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl App {
    /// Orgate with [`SAMPLES`] applied.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same, with settings changed.
    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_as(Jobs::Running, change).await
    }

    /// The same, without what runs beside requests: the test does that.
    pub async fn start_without_jobs(change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_as(Jobs::None, change).await
    }

    /// The same, with what it asks its database read off the wire.
    pub async fn start_on_a_wire(change: impl FnOnce(&mut Settings)) -> (Self, Wire) {
        let mut wire = None;
        let app = Self::start_without_jobs(|settings| {
            change(settings);
            let between = Wire::in_front_of(settings.database.url.reveal());
            settings.database.url = between.url().to_owned().into();
            wire = Some(between);
        });
        (app.await, wire.expect("it was started with"))
    }

    async fn start_as(jobs: Jobs, change: impl FnOnce(&mut Settings)) -> Self {
        let database = Database::fresh().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let base = Url::parse(&format!("http://localhost:{}/", address.port())).expect("an address");
        let mut settings = settings(&base, &database);
        change(&mut settings);
        let clock = Arc::new(TestClock::default());
        let (env, tasks, stop) = serve((&settings, &database), Arc::clone(&clock), (listener, jobs)).await;
        let app = Self { base, env, database, clock, jobs, tasks, stop };
        app.apply(SAMPLES).await;
        app
    }

    /// Brings the installation to the state that `yaml` describes.
    pub async fn apply(&self, yaml: &str) -> Applied {
        let plan = self.plan(yaml).await.expect("planned");
        let applied = apply::execute(&self.env, plan, |_| ()).await.expect("applied");
        self.env.configuration.forget();
        self.settle().await;
        applied
    }

    /// What a file would change.
    pub async fn plan(&self, yaml: &str) -> Result<Plan, ApplyError> {
        let lookup = |name: &str| match name {
            "HOOK" => Some(HOOK.to_owned()),
            "PASSWORD" => Some(PASSWORD.to_owned()),
            "SECRET" => Some(SECRET.to_owned()),
            _ => None,
        };
        let wanted = apply_file::load_str("test.yaml", yaml, &lookup).map_err(ApplyError::from)?;
        apply::plan(&self.env, &wanted).await
    }

    /// Waits until it has heard of every change so far, by having it hear of one more: what it caches from then on, it
    /// has no reason to forget.
    async fn settle(&self) {
        let globex = Slug::parse("globex").expect("a slug");
        let found = self.env.store.resolve(OrgHint::Slug(&globex)).await.expect("resolved");
        let Some(globex) = found.filter(|_| self.jobs == Jobs::Running) else { return };
        let id = globex.scope.org_id();
        let (issuer, keys) = (self.env.issuer.of(id), &self.env.keys);
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
        let in_time = || assert!(std::time::Instant::now() < deadline, "it hears of nothing");
        while !keys.is_loaded(issuer.as_str()) {
            keys.of(&self.env, issuer.as_str()).await.expect("read");
            in_time();
        }
        let notify = "select pg_notify('orgate_configuration', 'signing_keys:' || $1::text)";
        sqlx::query(notify).bind(id.as_uuid()).execute(self.database.superuser()).await.expect("told");
        while keys.is_loaded(issuer.as_str()) {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            in_time();
        }
    }

    /// The organization with this slug.
    pub async fn org(&self, slug: &str) -> OrgScope {
        let slug = orgate_domain::names::Slug::parse(slug).expect("a slug");
        let resolved = self.env.store.resolve(OrgHint::Slug(&slug)).await.expect("resolved");
        resolved.expect("the organization exists").scope
    }

    /// A browser without cookies.
    pub fn browser(&self) -> Browser {
        Browser::at(&self.base)
    }

    /// A browser that already has this cookie, and takes no other.
    pub fn browser_with(&self, cookie: &str) -> Browser {
        self.browser_of(false, &[("cookie", cookie)])
    }

    /// The same, whose requests say that they were forwarded for these addresses.
    pub fn browser_with_behind(&self, cookie: &str, forwarded_for: &str) -> Browser {
        self.browser_of(false, &[("cookie", cookie), ("x-forwarded-for", forwarded_for)])
    }

    /// A browser whose requests say that they were forwarded for these addresses.
    pub fn browser_behind(&self, forwarded_for: &str) -> Browser {
        self.browser_saying("x-forwarded-for", forwarded_for)
    }

    /// A browser whose requests have this header.
    pub fn browser_saying(&self, name: &'static str, value: &str) -> Browser {
        self.browser_of(true, &[(name, value)])
    }

    fn browser_of(&self, keeps: bool, says: &[(&'static str, &str)]) -> Browser {
        let says = says
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().expect("a header")));
        Browser::with(&self.base, keeps, says.collect())
    }

    /// The address of a path.
    pub fn at(&self, path: &str) -> Url {
        self.base.join(path).expect("a path")
    }

    /// Redeems a code as the client `notes`, with the right verifier.
    pub async fn redeem(&self, code: &str) -> Reply {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    /// Refreshes as the client `notes`.
    pub async fn refresh(&self, refresh_token: &str) -> Reply {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    /// Calls the token endpoint as the client `notes`.
    pub async fn token(&self, form: &[(&str, &str)]) -> Reply {
        self.token_as("notes", SECRET, form).await
    }

    /// Calls the token endpoint with `client_secret_basic`.
    pub async fn token_as(&self, client_id: &str, secret: &str, form: &[(&str, &str)]) -> Reply {
        self.post_as("/token", (client_id, secret), form).await
    }

    /// Posts a form with `client_secret_basic`.
    pub async fn post_as(
        &self,
        path: &str,
        (client_id, secret): (&str, &str),
        form: &[(&str, &str)],
    ) -> Reply {
        let request = client().post(self.at(path)).basic_auth(client_id, Some(secret)).form(form);
        Reply::of(request.send().await.expect("answered")).await
    }

    /// Gets a JSON document.
    pub async fn get(&self, path: &str) -> Reply {
        Reply::of(client().get(self.at(path)).send().await.expect("answered")).await
    }

    /// Posts a form as a program that is not known here.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        Reply::of(client().post(self.at(path)).form(form).send().await.expect("answered")).await
    }

    /// Asks for the claims behind an access token.
    pub async fn userinfo(&self, access_token: &str) -> Reply {
        let request = client().get(self.at("/userinfo")).bearer_auth(access_token);
        let reply = Reply::of(request.send().await.expect("answered")).await;
        if reply.status == 200 && reply.body.is_object() {
            assert_contract("userinfo.json", &reply.body);
        }
        reply
    }

    /// Signs `email` in to an organization in a browser of their own and redeems the code.
    pub async fn sign_in(&self, organization: &str, email: &str) -> Reply {
        let browser = self.browser();
        let code = browser.sign_in_to(organization, email).await;
        self.redeem(&code).await
    }

    /// The actions in an organization's audit log, oldest first, as `action outcome reason`.
    pub async fn events(&self, slug: &str) -> Vec<String> {
        let org = self.org(slug).await.org_id().as_uuid();
        let rows: Vec<(String, String, Option<String>)> = sqlx::query_as(
            "select action, outcome, reason from audit_events where org_id = $1 order by occurred_at, id",
        )
        .bind(org)
        .fetch_all(self.database.superuser())
        .await
        .expect("the log can be read");
        rows.into_iter()
            .map(|(action, outcome, reason)| {
                [Some(action), Some(outcome), reason].into_iter().flatten().collect::<Vec<_>>().join(" ")
            })
            .collect()
    }

    /// Waits until somebody in its database waits for somebody else.
    pub async fn blocked(&self) {
        self.blocked_by(1).await;
    }

    /// The same of as many statements.
    pub async fn blocked_by(&self, statements: i64) {
        let waiting = "select count(*) from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'";
        for _ in 0..400 {
            let count: i64 =
                sqlx::query_scalar(waiting).fetch_one(self.database.superuser()).await.expect("asked");
            if count >= statements {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
    }

    /// Stops it, and waits until everything has stopped.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What runs beside a node's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jobs {
    None,
    Running,
}

/// The nodes that hear of changes to this database, by their connections.
async fn listeners(database: &Database) -> Vec<i32> {
    let listening = "select pid from pg_stat_activity
                     where datname = current_database() and application_name = 'orgate' and query ilike 'listen %'";
    sqlx::query_scalar(listening).fetch_all(database.superuser()).await.expect("listed")
}

/// Serves an installation, until it is told to stop. One that has jobs hears of changes when this returns: whatever it
/// forgets because it begins to listen is forgotten.
pub(crate) async fn serve(
    (settings, database): (&Settings, &Database),
    clock: Arc<TestClock>,
    (listener, beside): (TcpListener, Jobs),
) -> (Env, TaskTracker, CancellationToken) {
    let store = wiring::store(settings).expect("a pool");
    let env = wiring::env(settings, store, clock as _).expect("wired");
    orgate_flows::bootstrap::bootstrap(&env).await.expect("bootstrapped");
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    if beside == Jobs::Running {
        let before = listeners(database).await;
        jobs::spawn(&env, wiring::mailer(settings).expect("a mailer"), &tasks, &stop);
        let listens = async {
            while listeners(database).await.iter().all(|pid| before.contains(pid)) {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), listens).await.expect("it listens");
    }
    let bounds = Bounds { body: settings.server.max_body_bytes, timeout: std::time::Duration::from_secs(30) };
    let routes = router(wiring::state(settings, env.clone()), bounds);
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    let stopped = stop.clone();
    tasks.spawn(async move {
        let served = axum::serve(listener, service).with_graceful_shutdown(stopped.cancelled_owned());
        served.await.expect("served");
    });
    (env, tasks, stop)
}

/// What a node of an installation on this database is started with: no limit that a test could hit.
pub fn settings(base: &Url, database: &Database) -> Settings {
    let mut settings = Settings::load(None).expect("the defaults");
    settings.server.issuer = base.clone();
    settings.database.url = database.url().to_owned().into();
    settings.secrets.master_key = MASTER_KEY.to_owned().into();
    settings.limits.api_per_minute = 100_000;
    settings.limits.credentials_per_minute = 100_000;
    settings.limits.pages_per_minute = 100_000;
    settings.limits.refusals_per_minute = 100_000;
    settings.limits.receivers_per_minute = 100_000;
    settings.limits.sign_ins_per_minute = 100_000;
    settings
}
