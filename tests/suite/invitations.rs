//! Invitations, as whoever is invited meets them.

mod accept;
mod files;
mod joining;
mod requests;
mod through;

use std::future::poll_fn;
use std::task::Poll;

use orgate_tests::app::{App, Browser, Page, Reply, SECRET, client};
use orgate_tests::mailbox::Mailbox;
use serde_json::{Value, json};

use super::management::as_described;

/// What people choose here.
const CHOSEN: &str = "a few words that i will remember";

/// Orgate with a machine of Acme's that invites, and a mailbox.
struct World {
    app: App,
    mailbox: Mailbox,
}

impl World {
    async fn of(app: App) -> Self {
        let world = Self { app, mailbox: Mailbox::open().await };
        let api = world.app.env.issuer.api();
        world
            .app
            .apply(&format!(
                "clients:\n  - {{ client_id: inviter, organization: acme, name: Inviter, type: machine, audience: owner, \
                 client_secret: \"${{SECRET}}\", resources: [\"{api}\"], scopes: [\"orgate:*\"], roles: [admin] }}\n  \
                 - {{ client_id: landing, organization: acme, name: Landing, type: web, audience: owner, \
                 client_secret: \"${{SECRET}}\", redirect_uris: [\"http://localhost:9/callback\"], \
                 initiate_login_uri: \"https://app.acme.test/login\" }}\n"
            ))
            .await;
        world
    }

    async fn start() -> Self {
        Self::of(App::start_without_jobs(|_| {}).await).await
    }

    /// Calls the management API of Acme.
    async fn call(&self, (method, path): (&str, &str), body: &Value) -> Reply {
        let api = self.app.env.issuer.api();
        let form = [("grant_type", "client_credentials"), ("resource", api.as_str())];
        let token = self.app.token_as("inviter", SECRET, &form).await.text("access_token");
        let path = format!("/organizations/acme{path}");
        let url = self.app.at(&format!("/api/v1{path}"));
        let request = client().request(method.parse().expect("a method"), url).bearer_auth(token).json(body);
        as_described((method, &path), Reply::of(request.send().await.expect("answered")).await)
    }

    /// Invites somebody; the link in their mail.
    async fn invite(&self, wanted: Value) -> String {
        let made = self.call(("POST", "/invitations"), &wanted).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        while self.mailbox.collect(&self.app).await > 0 {}
        let mails = self.mailbox.mails().await;
        let text = mails.first().and_then(|mail| mail["text"].as_str()).expect("a mail").to_owned();
        let from = text.find("http://").expect("a link");
        text[from..].split_whitespace().next().expect("a link").to_owned()
    }

    /// Accepts an invitation with a password, in this browser.
    async fn accept(&self, browser: &Browser, link: &str) -> Page {
        let page = browser.get(link).await;
        assert_eq!(page.status, 200, "{}", page.body);
        self.send(browser, &page, CHOSEN).await
    }

    async fn send(&self, browser: &Browser, page: &Page, password: &str) -> Page {
        let (invitation, csrf) = (page.field("invitation"), page.field("csrf"));
        let fields = [
            ("invitation", invitation.as_str()),
            ("csrf", csrf.as_str()),
            ("name", "Nora New"),
            ("password", password),
            ("again", password),
        ];
        browser.post("/invitations/accept", &fields).await
    }

    async fn count(&self, what: &'static str) -> i64 {
        sqlx::query_scalar(what).fetch_one(self.app.database.superuser()).await.expect("counted")
    }

    async fn run(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(self.app.database.superuser()).await.expect("a superuser may");
        self.app.env.configuration.forget();
    }

    /// Who somebody is to Acme, as its API says.
    async fn user(&self, email: &str) -> Value {
        let found = self.call(("GET", &format!("/users?email={email}")), &json!({})).await;
        found.body["items"][0].clone()
    }
}

/// What each of these futures comes to, all being polled.
pub(crate) async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
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
