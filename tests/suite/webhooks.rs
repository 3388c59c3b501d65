//! Events out: the log in the order of commits, for programs that ask and for webhooks that are told.

mod access;
mod deliveries;
mod files;
mod follow;
mod order;
mod receivers;

use orgate_api::v1::PATH;
use orgate_flows::webhooks::{claim_due, sequence};
use orgate_tests::app::{App, Reply, SECRET, client};
use orgate_tests::webhook_receiver::WebhookReceiver;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::management::as_described;

/// Machines: Acme's, which may do all, or only something of webhooks; Globex' and the operator's.
fn machines(app: &App) -> String {
    let api = app.env.issuer.api();
    let client = |organization: &str, name: &str| {
        format!(
            "  - {{ client_id: {name}, organization: {organization}, name: {name}, type: machine, audience: owner, \
             client_secret: \"${{SECRET}}\", resources: [\"{api}\"], scopes: [\"orgate:*\"], roles: [{name}] }}\n"
        )
    };
    format!(
        "organizations:\n\
         \x20 - slug: acme\n    name: Acme Inc\n    roles:\n\
         \x20     - {{ slug: acme-all, permissions: [\"orgate:*\"] }}\n\
         \x20     - {{ slug: blind, permissions: [\"orgate:webhooks:*\", \"orgate:users:*\"] }}\n\
         \x20 - slug: globex\n    name: Globex Corporation\n    roles: [{{ slug: globex-all, permissions: [\"orgate:*\"] }}]\n\
         \x20 - slug: operator\n    name: Operator\n    roles:\n\
         \x20     - {{ slug: operator-all, permissions: [\"orgate:*\"] }}\n\
         \x20     - {{ slug: clerk, permissions: [\"orgate:webhooks:*\", \"orgate:audit:*\"] }}\n\
         clients:\n{}{}{}{}{}",
        client("acme", "acme-all"),
        client("acme", "blind"),
        client("globex", "globex-all"),
        client("operator", "operator-all"),
        client("operator", "clerk"),
    )
}

/// Without jobs: tests take turns themselves, and time passes when they say so.
async fn app() -> App {
    let app = App::start_without_jobs(|settings| settings.outgoing.allow_private_addresses = true).await;
    app.apply(&machines(&app)).await;
    app
}

/// A program that calls the API.
struct Program<'a> {
    app: &'a App,
    token: String,
    organization: &'a str,
}

impl<'a> Program<'a> {
    async fn of(app: &'a App, client_id: &str, organization: &'a str) -> Self {
        let api = app.env.issuer.api();
        let form = [("grant_type", "client_credentials"), ("resource", api.as_str())];
        let reply = app.token_as(client_id, SECRET, &form).await;
        assert_eq!(reply.status, 200, "{:?}", reply.body);
        Self { app, token: reply.text("access_token"), organization }
    }

    async fn call(&self, method: &str, below: &str, body: Option<&Value>) -> Reply {
        let path = format!("/organizations/{}/{below}", self.organization);
        let url = self.app.at(&format!("{PATH}{path}"));
        let request = client().request(method.parse().expect("a method"), url).bearer_auth(&self.token);
        let request = request.header("orgate-reason", "to try what happens");
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        as_described((method, &path), Reply::of(request.send().await.expect("answered")).await)
    }

    async fn get(&self, below: &str) -> Reply {
        self.call("GET", below, None).await
    }

    async fn post(&self, below: &str, body: Value) -> Reply {
        self.call("POST", below, Some(&body)).await
    }

    /// Makes a webhook at `receiver`; its id and its secret.
    async fn webhook(&self, receiver: &WebhookReceiver, more: Value) -> (String, String) {
        let mut wanted = json!({ "url": receiver.url });
        let members = wanted.as_object_mut().expect("an object");
        members.extend(more.as_object().expect("an object").clone());
        let made = self.post("webhooks", wanted).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        (made.text("id"), made.text("secret"))
    }

    /// Makes a group, which is an event; its id.
    async fn group(&self, slug: &str) -> String {
        let made = self.post("groups", json!({ "slug": slug, "name": slug })).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        made.text("id")
    }
}

/// Gives what was committed its positions, and serves all webhooks that are due.
pub(crate) async fn pass(app: &App) {
    while sequence(&app.env).await.expect("sequenced") {}
    loop {
        let turns = claim_due(&app.env, 100, &CancellationToken::new()).await.expect("claimed");
        if turns.is_empty() {
            return;
        }
        for turn in turns {
            turn.await;
        }
    }
}
