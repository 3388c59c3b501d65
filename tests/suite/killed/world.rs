//! Two nodes on one database, each a process of its own that is killed and started again.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use orgate_tests::app::{
    Browser, MASTER_KEY, PASSWORD, Page, Reply, SAMPLES, SECRET, authorization_url, client,
};
use orgate_tests::database::Database;
use orgate_tests::mailbox::Mailbox;
use orgate_tests::program::{Directory, Ended, Running, free_ports, orgate};
use orgate_tests::webhook_receiver::WebhookReceiver;
use reqwest::RequestBuilder;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use url::Url;
use uuid::Uuid;

/// An application that keeps tokens on a device, a machine that may act anywhere, and one that runs Acme.
const CLIENTS: &str = r#"
  - client_id: tv
    organization: operator
    name: Notes on TV
    type: native
    audience: all
    grants: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token]
    home_url: "https://notes.example"
    resource: notes
  - client_id: worker
    organization: operator
    name: Worker
    type: machine
    audience: all
    client_secret: "${SECRET}"
    resource: notes
    scopes: [sync]
  - client_id: steward
    organization: acme
    name: Steward
    type: machine
    audience: owner
    client_secret: "${SECRET}"
    resources: ["${API}"]
    scopes: ["orgate:*"]
    roles: [admin]
"#;

/// How often an unanswered request is sent again before the test gives up.
const PATIENCE: usize = 500;

/// The installation.
pub(super) struct World {
    pub(super) database: Database,
    pub(super) mailbox: Mailbox,
    nodes: [Node; 2],
    /// Whoever holds it may kill one: the other goes on.
    one_at_a_time: Mutex<()>,
    kills: AtomicUsize,
    enough: usize,
    _directory: Directory,
}

struct Node {
    ports: (u16, u16),
    base: Url,
    issuer: Url,
    database: String,
    smtp: String,
    running: Mutex<Option<Running>>,
}

impl World {
    /// Both nodes run, and are to be killed so many times.
    pub(super) async fn start(kills: usize) -> Arc<Self> {
        let (database, directory) = (Database::fresh().await, Directory::fresh());
        let mailbox = Mailbox::open().await;
        let [first, second, third, fourth] = free_ports();
        let issuer = base(first);
        let node = |ports: (u16, u16)| Node {
            ports,
            base: base(ports.0),
            issuer: issuer.clone(),
            database: database.url().to_owned(),
            smtp: mailbox.smtp.clone(),
            running: Mutex::default(),
        };
        let nodes = [node((first, third)), node((second, fourth))];
        let file = directory.file("samples.yaml", &format!("{SAMPLES}{CLIENTS}"));
        let mut apply = nodes[0].command("apply");
        apply.arg("--file").arg(file).envs([("PASSWORD", PASSWORD), ("SECRET", SECRET)]);
        apply.env("API", format!("{issuer}api"));
        let applied = Ended::of(&mut apply);
        assert_eq!(applied.code, Some(0), "{}", applied.everything());
        for node in &nodes {
            *node.running.lock().await = Some(node.run().await);
        }
        let (one_at_a_time, kills, enough) = (Mutex::default(), AtomicUsize::new(0), kills);
        Arc::new(Self { database, mailbox, nodes, one_at_a_time, kills, enough, _directory: directory })
    }

    /// Whether there is more killing to come.
    pub(super) fn goes_on(&self) -> bool {
        self.kills.load(Ordering::Relaxed) < self.enough
    }

    /// Kills a node at once and starts it anew, while the other goes on.
    pub(super) async fn kill(&self, node: usize) {
        let _one = self.one_at_a_time.lock().await;
        let node = &self.nodes[node % 2];
        let mut running = node.running.lock().await;
        running.take().expect("it runs").kill();
        *running = Some(node.run().await);
        self.kills.fetch_add(1, Ordering::Relaxed);
    }

    /// An address of a node.
    pub(super) fn at(&self, node: usize, path: &str) -> Url {
        self.nodes[node % 2].base.join(path).expect("an address")
    }

    /// Has Acme tell `receiver` of every token that a machine is given; the secret by which it signs.
    pub(super) async fn tell(&self, receiver: &WebhookReceiver) -> String {
        let token = self.steward().await;
        let wanted = json!({ "url": receiver.url, "events": ["token.issued"] });
        let request = client().post(self.at(0, "/api/v1/organizations/acme/webhooks")).json(&wanted);
        let made = request.bearer_auth(token).send().await.expect("answered");
        let made = Reply::of(made).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        made.text("secret")
    }

    /// A token of whoever runs Acme.
    async fn steward(&self) -> String {
        let resource = format!("{}api", self.nodes[0].issuer);
        let form = [("grant_type", "client_credentials"), ("resource", resource.as_str())];
        let (given, _) = self.insist(&Ask::new("/token", "steward", &form)).await;
        given.text("access_token")
    }

    /// Has Acme invite somebody: the same request, until it is answered.
    pub(super) async fn invite(&self, email: &str) {
        let token = self.steward().await;
        let first = below(2);
        for node in first..first + PATIENCE {
            let request = client().post(self.at(node, "/api/v1/organizations/acme/invitations"));
            let request = request.bearer_auth(&token).header("idempotency-key", email);
            if let Ok(response) = request.json(&json!({ "email": email })).send().await
                && let status = response.status().as_u16()
                && let Ok(body) = response.bytes().await
            {
                assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nobody answers {email}")
    }

    /// A browser in which `email` is signed in to Acme. Cookies do not tell ports apart: it is, at both nodes.
    pub(super) async fn browser(&self, email: &str) -> Browser {
        let browser = Browser::at(&self.nodes[0].base);
        browser.sign_in_to("acme", email).await;
        browser
    }

    /// Asks a node; `None` if no whole answer came.
    pub(super) async fn ask(&self, node: usize, request: &Ask) -> Option<Reply> {
        let response = request.to(self.at(node, request.path)).send().await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.ok()?;
        assert!(status < 500, "{}: {status} {}", request.path, String::from_utf8_lossy(&body));
        Some(Reply { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
    }

    /// Asks one node and the other until there is an answer; with it, which node gave it.
    pub(super) async fn insist(&self, request: &Ask) -> (Reply, usize) {
        let first = below(2);
        for node in first..first + PATIENCE {
            if let Some(reply) = self.ask(node, request).await {
                return (reply, node);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nobody answers {}", request.path)
    }

    /// Sends it `times` times at once, to both nodes in turn; the answers that came.
    pub(super) async fn at_once(self: &Arc<Self>, times: usize, request: &Ask) -> Vec<Reply> {
        let mut racing = JoinSet::new();
        for node in 0..times {
            let (world, request) = (Arc::clone(self), request.clone());
            racing.spawn(async move { world.ask(node, &request).await });
        }
        racing.join_all().await.into_iter().flatten().collect()
    }

    /// A code, for a browser in which somebody is signed in.
    pub(super) async fn code(&self, browser: &Browser) -> String {
        let first = below(2);
        for node in first..first + PATIENCE {
            let url = authorization_url(&self.nodes[node % 2].base, &[("organization", "acme")]);
            match browser.try_get(url).await {
                Some(page) => return page.answer("code"),
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
        panic!("nobody answers /authorize")
    }
}

impl Node {
    async fn run(&self) -> Running {
        let mut command = self.command("serve");
        let started = tokio::task::spawn_blocking(move || Running::start(&mut command, "ready"));
        started.await.expect("it starts")
    }

    fn command(&self, name: &str) -> Command {
        let mut command = orgate();
        command
            .arg(name)
            .env("ORGATE__SERVER__ISSUER", self.issuer.as_str())
            .env("ORGATE__SERVER__LISTEN", format!("127.0.0.1:{}", self.ports.0))
            .env("ORGATE__SERVER__INTERNAL_LISTEN", format!("127.0.0.1:{}", self.ports.1))
            .env("ORGATE__DATABASE__URL", &self.database)
            .env("ORGATE__SECRETS__MASTER_KEY", MASTER_KEY)
            .env("ORGATE__MAIL__SMTP_URL", &self.smtp)
            .env("ORGATE__OUTGOING__ALLOW_PRIVATE_ADDRESSES", "true");
        for limit in ["API", "CREDENTIALS", "PAGES", "REFUSALS", "SIGN_INS"] {
            command.env(format!("ORGATE__LIMITS__{limit}_PER_MINUTE"), "1000000");
        }
        command
    }
}

/// A request that can be sent to either node, and again.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    path: &'static str,
    client_id: &'static str,
    proof: Option<String>,
    form: Vec<(&'static str, String)>,
}

impl Ask {
    /// A form, posted by a client.
    pub(super) fn new(path: &'static str, client_id: &'static str, form: &[(&'static str, &str)]) -> Self {
        let form = form.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { path, client_id, proof: None, form }
    }

    /// With a proof of possession (RFC 9449).
    pub(super) fn proven(self, proof: String) -> Self {
        Self { proof: Some(proof), ..self }
    }

    pub(super) fn refresh(client_id: &'static str, token: &str) -> Self {
        Self::new("/token", client_id, &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    fn to(&self, url: Url) -> RequestBuilder {
        let request = client().post(url);
        let request = match self.client_id {
            "tv" => request.form(&[self.form.as_slice(), &[("client_id", "tv".to_owned())]].concat()),
            confidential => request.basic_auth(confidential, Some(SECRET)).form(&self.form),
        };
        match &self.proof {
            Some(proof) => request.header("DPoP", proof),
            None => request,
        }
    }
}

/// Anything below `limit`.
pub(super) fn below(limit: usize) -> usize {
    usize::try_from(Uuid::now_v7().as_u128() & 0xffff_ffff).expect("32 bits") % limit
}

/// The answer's code, if it leads to the application with one.
pub(super) fn code_of(page: &Page) -> Option<String> {
    let to = page.location().filter(|to| to.as_str().starts_with(orgate_tests::app::CALLBACK))?;
    to.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned())
}

fn base(port: u16) -> Url {
    Url::parse(&format!("http://localhost:{port}/")).expect("an address")
}
