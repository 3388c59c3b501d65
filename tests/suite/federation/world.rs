//! Two organizations, an OpenID provider for each, and browsers between them.

use std::future::poll_fn;
use std::task::Poll;

use orgate_domain::ids::ConnectionId;
use orgate_tests::app::{App, Browser, Page, Reply};
use orgate_tests::openid_provider::OpenIdProvider;
use serde_json::{Value, json};
use url::Url;

/// What most connections of these tests do.
pub(super) const JIT: &str = "          jit: { enabled: true, default_roles: [viewer] }
          rules:
            - { value: staff, roles: [admin] }
";

/// Orgate, and Acme's identity provider.
pub(super) struct World {
    pub(super) app: App,
    pub(super) provider: OpenIdProvider,
}

impl World {
    /// Acme signs in through its provider as well as by passwords.
    pub(super) async fn start() -> Self {
        Self::with(JIT).await
    }

    /// The same; `settings` are further lines of the connection's.
    pub(super) async fn with(settings: &str) -> Self {
        let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
        let provider = OpenIdProvider::start().await;
        let world = Self { app, provider };
        world.configure("", settings).await;
        world
    }

    /// Describes Acme again; `policy` is a line of it, `settings` of its connection's.
    pub(super) async fn configure(&self, policy: &str, settings: &str) {
        let connection = self.provider.connection("workforce", "acme.test", settings);
        self.app.apply(&acme(policy, &connection)).await;
    }

    /// The id of a connection.
    pub(super) async fn connection(&self, slug: &str) -> ConnectionId {
        let id = sqlx::query_scalar("select id from connections where slug = $1");
        let id: uuid::Uuid =
            id.bind(slug).fetch_one(self.app.database.superuser()).await.expect("the connection");
        ConnectionId::from_uuid(id)
    }

    /// Puts a connection into a state, as its administrators would.
    pub(super) async fn set_state(&self, state: &str) {
        let change = sqlx::query("update connections set state = $1 where slug = 'workforce'");
        change.bind(state).execute(self.app.database.superuser()).await.expect("changed");
        self.app.env.configuration.forget();
    }

    /// A browser on the way to Acme's provider.
    pub(super) async fn depart(&self, browser: &Browser) -> Url {
        self.depart_with(browser, &[]).await
    }

    /// The same, with parameters of the application's request.
    pub(super) async fn depart_with(&self, browser: &Browser, params: &[(&str, &str)]) -> Url {
        let params = [&[("organization", "acme")], params].concat();
        let page = browser.follow(browser.authorize(&params).await).await;
        if let Some(away) = page.location() {
            return away;
        }
        let left = browser.get(button(&page)).await;
        left.location().unwrap_or_else(|| panic!("no departure: {} {}", left.status, left.body))
    }

    /// Signs in through the provider; what the browser gets.
    pub(super) async fn arrive(&self, browser: &Browser) -> Page {
        let departure = self.depart(browser).await;
        browser.get(self.provider.answer(&departure)).await
    }

    /// The same, where the page has to be told who it is to offer the provider.
    pub(super) async fn arrive_by_hint(&self, browser: &Browser, email: &str) -> Page {
        let departure = self.depart_with(browser, &[("login_hint", email)]).await;
        browser.get(self.provider.answer(&departure)).await
    }

    /// Signs this user in through the provider, in a browser of their own; the tokens.
    pub(super) async fn sign_in(&self, user: Value) -> Reply {
        self.provider.user(user);
        let code = self.arrive(&self.app.browser()).await.answer("code");
        let tokens = self.app.redeem(&code).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        tokens
    }

    /// The check that the last trace of Acme says failed.
    pub(super) async fn failed_check(&self) -> Option<String> {
        let last = sqlx::query_scalar(
            "select failed_check from sign_in_traces order by occurred_at desc, id desc limit 1",
        );
        last.fetch_one(self.app.database.superuser()).await.expect("a trace")
    }

    /// Everything that the traces say.
    pub(super) async fn traces(&self) -> String {
        let all = sqlx::query_scalar("select coalesce(string_agg(trace::text, ' '), '') from sign_in_traces");
        all.fetch_one(self.app.database.superuser()).await.expect("the traces")
    }

    /// The last of Acme's events, as `action outcome reason`.
    pub(super) async fn last_event(&self) -> String {
        self.app.events("acme").await.pop().expect("an event")
    }

    /// Runs statements behind Orgate's back.
    pub(super) async fn run(&self, statements: &'static str) {
        sqlx::raw_sql(statements).execute(self.app.database.superuser()).await.expect("a superuser may");
    }

    /// Sessions that are live.
    pub(super) async fn sessions(&self) -> i64 {
        let count = sqlx::query_scalar("select count(*) from sessions where ended_at is null");
        count.fetch_one(self.app.database.superuser()).await.expect("a count")
    }
}

/// Acme, as a file describes it.
pub(super) fn acme(policy: &str, connection: &str) -> String {
    format!(
        "organizations:
  - slug: acme
    name: Acme Inc
    domains: [acme.test]
{policy}    roles:
      - {{ slug: admin, permissions: [\"orgate:*\", \"notes:read\", \"notes:write\"] }}
      - {{ slug: viewer, permissions: [\"notes:read\"] }}
    connections:
{connection}"
    )
}

/// The address of the first provider's button on a page.
pub(super) fn button(page: &Page) -> String {
    let found = page.body.split("href=\"/sign-in/connection").nth(1);
    let rest = found.unwrap_or_else(|| panic!("no button: {} {}", page.status, page.body));
    let rest = rest.split('"').next().unwrap_or_default();
    format!("/sign-in/connection{}", rest.replace("&#38;", "&").replace("&amp;", "&"))
}

/// Somebody with an address of Acme's.
pub(super) fn member(sub: &str, email: &str) -> Value {
    json!({ "sub": sub, "email": email, "email_verified": true, "name": format!("Name of {sub}") })
}

/// What each of these futures comes to, all being polled.
pub(super) async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    poll_fn(|context| {
        for (future, output) in running.iter_mut().filter(|(_, output)| output.is_none()) {
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                *output = Some(value);
            }
        }
        if running.iter().all(|(_, output)| output.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, output)| output).collect()
}
