//! Devices, and the people who let them in.

use orgate_tests::app::{App, Browser, PASSWORD, Page, Reply, SECRET};
use orgate_tests::node::Node;
use url::Url;

/// The value of `grant_type`.
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Applications on devices: anybody's, one that proves itself and is Acme's to use, and Acme's own.
pub(super) const CLIENTS: &str = r#"
clients:
  - client_id: tv
    organization: operator
    name: Notes on TV
    type: native
    audience: all
    grants: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token]
    home_url: "https://notes.example"
    resource: notes
  - client_id: box
    organization: operator
    name: Box
    type: web
    audience: granted
    granted_to: [acme]
    client_secret: "${SECRET}"
    grants: ["urn:ietf:params:oauth:grant-type:device_code", authorization_code]
    redirect_uris: ["http://localhost:9/callback"]
    require_pkce: false
    resources: ["https://api.test/"]
  - client_id: acme-tv
    organization: acme
    name: Acme TV
    type: native
    audience: owner
    grants: ["urn:ietf:params:oauth:grant-type:device_code"]
"#;

pub(super) async fn app() -> App {
    let app = App::start().await;
    app.apply(CLIENTS).await;
    app
}

/// What a device was told.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) client_id: &'static str,
    pub(super) code: String,
    pub(super) user_code: String,
    pub(super) complete: String,
}

/// Has a device ask, as the client, for what an application usually wants.
pub(super) async fn ask(app: &App, client_id: &'static str, more: &[(&str, &str)]) -> Device {
    let reply = request(app, client_id, &[&[("scope", "openid email offline_access")], more].concat()).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    Device {
        client_id,
        code: reply.text("device_code"),
        user_code: reply.text("user_code"),
        complete: reply.text("verification_uri_complete"),
    }
}

/// Posts to the device authorization endpoint as the client.
pub(super) async fn request(app: &App, client_id: &str, form: &[(&str, &str)]) -> Reply {
    match client_id {
        "box" => app.post_as("/device_authorization", (client_id, SECRET), form).await,
        _ => app.post("/device_authorization", &[&[("client_id", client_id)], form].concat()).await,
    }
}

impl Device {
    /// Asks what came of it.
    pub(super) async fn poll(&self, app: &App) -> Reply {
        self.poll_as(app, self.client_id, &[]).await
    }

    pub(super) async fn poll_as(&self, app: &App, client_id: &str, more: &[(&str, &str)]) -> Reply {
        let form = [&[("grant_type", GRANT), ("device_code", &self.code)], more].concat();
        match client_id {
            "box" | "notes" => app.token_as(client_id, SECRET, &form).await,
            _ => app.post("/token", &[&[("client_id", client_id)], form.as_slice()].concat()).await,
        }
    }

    /// Asks at one node or another.
    pub(super) async fn poll_at(&self, url: Url) -> Reply {
        let form = [("grant_type", GRANT), ("device_code", &*self.code), ("client_id", self.client_id)];
        Reply::of(orgate_tests::app::client().post(url).form(&form).send().await.expect("answered")).await
    }

    /// Types the code, and goes on past the page that says what asks.
    pub(super) async fn go_on(&self, browser: &Browser) -> Page {
        let found = type_code(browser, &self.user_code).await;
        go_on(browser, &found).await
    }

    /// The page that asks whether the device may come in, once `email` has signed in.
    pub(super) async fn sign_in(&self, browser: &Browser, email: &str) -> Page {
        let begun = self.go_on(browser).await;
        let signed_in = browser.sign_in(begun, email, PASSWORD).await;
        assert_eq!(signed_in.leads_to(), "/device/approve", "{} {}", signed_in.status, signed_in.body);
        browser.follow(signed_in).await
    }

    /// The same, and allows it.
    pub(super) async fn let_in(&self, browser: &Browser, email: &str) -> Page {
        let question = self.sign_in(browser, email).await;
        decide(browser, &question, "allow").await
    }
}

/// Types a code into the page.
pub(super) async fn type_code(browser: &Browser, code: &str) -> Page {
    let form = browser.get("/device").await;
    browser.post("/device", &[("csrf", &form.field("csrf")), ("user_code", code)]).await
}

/// Presses the button of the page that says what asks.
pub(super) async fn go_on(browser: &Browser, found: &Page) -> Page {
    let (csrf, code) = (found.field("csrf"), found.field("user_code"));
    browser.post("/device/continue", &[("csrf", &csrf), ("user_code", &code)]).await
}

/// Presses a button of the page that asks whether the device may come in.
pub(super) async fn decide(browser: &Browser, question: &Page, decision: &str) -> Page {
    let (request, csrf) = (question.field("request"), question.field("csrf"));
    browser.post("/device/approve", &[("request", &request), ("csrf", &csrf), ("decision", decision)]).await
}

/// The heading of a page, without its markup.
pub(super) fn heading(page: &Page) -> String {
    let (_, rest) = page.body.split_once("<h1>").unwrap_or_else(|| panic!("no heading: {}", page.body));
    let heading = rest.split("</h1>").next().unwrap_or_default();
    heading.replace("<bdi>", "").replace("</bdi>", "")
}

/// The token endpoint of each node.
pub(super) fn token_endpoints(app: &App, other: &Node) -> [Url; 2] {
    let here = app.at("/token");
    let there = other.at(here.as_str());
    [here, there]
}

/// Lets `seconds` pass.
pub(super) fn wait(app: &App, seconds: i64) {
    app.clock.advance(chrono::Duration::seconds(seconds));
}
