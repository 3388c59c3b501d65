//! The backends in other languages, as `examples/` has them, with tokens of a real Orgate.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use orgate_flows::bootstrap::bootstrap;
use orgate_protocol::jose::SigningAlgorithm;
use orgate_tests::app::{App, SECRET, client};
use orgate_tests::program::Running;
use serde_json::{Value, json};

/// A machine of Acme's that may read notes.
const ROBOT: &str = r#"
organizations:
  - slug: acme
    name: Acme Inc
    roles:
      - { slug: robot, permissions: ["notes:read"] }
clients:
  - client_id: robot
    organization: acme
    name: Robot
    type: machine
    audience: owner
    client_secret: "${SECRET}"
    resource: notes
    roles: [robot]
"#;

const ALGORITHMS: [SigningAlgorithm; 4] =
    [SigningAlgorithm::Es256, SigningAlgorithm::Rs256, SigningAlgorithm::Ps256, SigningAlgorithm::EdDsa];

/// An example, running beside an Orgate.
struct Backend {
    app: App,
    url: String,
    /// Stopped when dropped.
    _program: Running,
}

impl Backend {
    async fn start(mut program: Command) -> Self {
        let app = App::start().await;
        app.apply(ROBOT).await;
        for algorithm in ALGORITHMS {
            app.env.keys.prepare(&app.env, app.env.issuer.as_str(), algorithm).await.expect("a key");
        }
        bootstrap(&app.env).await.expect("published");
        let issuer = app.base.as_str().trim_end_matches('/');
        program.env("ORGATE_ISSUER", issuer).env("ORGATE_AUDIENCE", "notes").env("PORT", "0");
        let started =
            tokio::task::spawn_blocking(move || Running::start(&mut program, "listening on http://"));
        let program = started.await.expect("it starts");
        let said = program.said();
        let (_, port) = said.split_once("listening on http://127.0.0.1:").expect("its address");
        let url = format!("http://127.0.0.1:{}", port.lines().next().unwrap_or_default());
        Self { app, url, _program: program }
    }

    /// The status, and the challenge.
    async fn get(&self, org: &str, token: Option<&str>) -> (u16, String, Value) {
        let request = client().get(format!("{}/orgs/{org}/notes", self.url));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let reply = request.send().await.expect("answered");
        let challenge = reply.headers().get("www-authenticate");
        let challenge = challenge.map_or_else(String::new, |value| value.to_str().expect("text").to_owned());
        let status = reply.status().as_u16();
        let body = reply.text().await.expect("text");
        (status, challenge, serde_json::from_str(&body).unwrap_or_default())
    }

    async fn status(&self, org: &str, token: &str) -> u16 {
        self.get(org, Some(token)).await.0
    }

    async fn check(&self, algorithms: &[SigningAlgorithm]) {
        self.check_organizations().await;
        let good = self.app.sign_in("acme", "ada@acme.test").await;
        self.check_tokens(&good.text("access_token"), &good.text("id_token")).await;
        self.check_claims(&good.claims("access_token")).await;
        for algorithm in ALGORITHMS {
            let token = self.sign(algorithm, "at+jwt", &good.claims("access_token")).await;
            let expected = if algorithms.contains(&algorithm) { 200 } else { 401 };
            assert_eq!(self.status("acme", &token).await, expected, "{algorithm:?}");
        }
    }

    async fn check_organizations(&self) {
        let (acme, globex) = (self.app.org("acme").await.org_id(), self.app.org("globex").await.org_id());
        let ada = self.app.sign_in("acme", "ada@acme.test").await.text("access_token");
        let gus = self.app.sign_in("globex", "gus@globex.test").await.text("access_token");
        let casey = self.app.sign_in("globex", "casey@consult.test").await.text("access_token");
        let form = [("grant_type", "client_credentials")];
        let robot = self.app.token_as("robot", SECRET, &form).await.text("access_token");

        let (status, _, body) = self.get("acme", Some(&ada)).await;
        assert_eq!((status, &body["org_id"]), (200, &json!(acme.to_string())));
        assert!(body["sub"].as_str().is_some_and(|sub| sub.starts_with("usr_")), "{body}");
        let (status, _, body) = self.get(&acme.to_string(), Some(&robot)).await;
        assert_eq!((status, &body["org_id"]), (200, &json!(acme.to_string())));
        assert!(body["sub"].as_str().is_some_and(|sub| sub.starts_with("cli_")), "{body}");
        assert_eq!(self.status("globex", &gus).await, 200);
        for (token, foreign) in
            [(&ada, "globex"), (&robot, "globex"), (&gus, "acme"), (&ada, "ACME"), (&ada, "acme%20")]
        {
            assert_eq!(self.status(foreign, token).await, 403, "{foreign}");
        }
        let upper = acme.to_string().to_uppercase();
        for foreign in [globex.to_string(), upper] {
            assert_eq!(self.status(&foreign, &ada).await, 403, "{foreign}");
        }
        let (status, challenge, _) = self.get("globex", Some(&casey)).await;
        assert_eq!((status, challenge.as_str()), (403, "Bearer error=\"insufficient_scope\""));
    }

    async fn check_tokens(&self, good: &str, id_token: &str) {
        let parts: Vec<_> = good.split('.').collect();
        let [header, payload, signature] = parts[..] else { panic!("a token") };
        let encode = |header: &Value| BASE64_URL_SAFE_NO_PAD.encode(header.to_string());
        let none = encode(&json!({ "typ": "at+jwt", "alg": "none" }));
        let hmac = encode(&json!({ "typ": "at+jwt", "alg": "HS256", "kid": "x" }));
        let flipped = if signature.starts_with('A') { "B" } else { "A" };
        let other = self.app.sign_in("acme", "vic@acme.test").await.text("access_token");
        let others_payload = other.split('.').nth(1).expect("a payload");

        assert_eq!(self.get("acme", None).await.1, "Bearer");
        for forged in [
            format!("{header}.{payload}.{flipped}{}", &signature[1..]),
            format!("{header}.{others_payload}.{signature}"),
            format!("{none}.{payload}."),
            format!("{none}.{payload}.{signature}"),
            format!("{hmac}.{payload}.{signature}"),
            format!("{header}.{payload}"),
            id_token.to_owned(),
            "nonsense".to_owned(),
        ] {
            let (status, challenge, _) = self.get("acme", Some(&forged)).await;
            assert_eq!((status, challenge.as_str()), (401, "Bearer error=\"invalid_token\""), "{forged}");
        }
    }

    /// What Orgate's own key has signed, but for one claim.
    async fn check_claims(&self, good: &Value) {
        let iat = good["iat"].as_i64().expect("a time");
        for (claim, value) in [
            ("exp", json!(iat - 31)),
            ("exp", Value::Null),
            ("iss", json!("https://evil.example")),
            ("aud", json!("billing")),
            ("org_id", Value::Null),
            ("org_name", Value::Null),
            ("sub", Value::Null),
            ("client_id", Value::Null),
            ("jti", Value::Null),
            ("nbf", json!(iat + 3600)),
            ("cnf", json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" })),
        ] {
            let mut claims = good.clone();
            let members = claims.as_object_mut().expect("claims");
            match value {
                Value::Null => _ = members.remove(claim),
                value => _ = members.insert(claim.to_owned(), value),
            }
            let token = self.sign(SigningAlgorithm::Es256, "at+jwt", &claims).await;
            assert_eq!(self.status("acme", &token).await, 401, "{claim}: {claims}");
        }
        for typ in ["JWT", "token-introspection+jwt"] {
            let token = self.sign(SigningAlgorithm::Es256, typ, good).await;
            assert_eq!(self.status("acme", &token).await, 401, "{typ}");
        }
        let token = self.sign(SigningAlgorithm::Es256, "at+jwt", good).await;
        assert_eq!(self.status("acme", &token).await, 200, "unchanged, it is good");
    }

    async fn sign(&self, algorithm: SigningAlgorithm, typ: &'static str, claims: &Value) -> String {
        let (env, payload) = (&self.app.env, claims.to_string().into_bytes());
        env.keys.sign(env, env.issuer.as_str(), algorithm, (typ, payload)).await.expect("signed")
    }
}

/// The test cannot run here, and does not count as passed.
fn skip(why: &str) {
    let _ = writeln!(io::stderr(), "SKIPPED: examples: {why}");
}

/// A copy of the example below the target directory, where it may be built.
fn copy(language: &str) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(language);
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples").join(language);
    copy_directory(&from, &to);
    to
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("the example") {
        let entry = entry.expect("an entry");
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().expect("its type").is_dir() {
            copy_directory(&source, &target);
        } else {
            fs::copy(&source, &target).expect("copied");
        }
    }
}

fn exists(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

fn succeeds(command: &mut Command) -> bool {
    let output = command.output().expect("the program runs");
    if !output.status.success() {
        let said =
            String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        println!("{command:?}: {said}");
    }
    output.status.success()
}

/// Where the examples for Node are, with their packages.
pub(crate) fn node() -> Option<PathBuf> {
    static INSTALLED: Mutex<()> = Mutex::new(());
    if !exists("npm") {
        skip("there is no npm");
        return None;
    }
    let _one_at_a_time = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = copy("node");
    let installs = succeeds(
        Command::new("npm").args(["install", "--no-audit", "--no-fund", "--silent"]).current_dir(&directory),
    );
    assert!(installs, "its packages");
    Some(directory)
}

#[tokio::test]
async fn the_example_for_node_serves_the_organization_of_the_token_alone() {
    let Some(directory) = node() else { return };
    let mut node = Command::new("node");
    node.arg("server.mjs").current_dir(&directory);

    Backend::start(node).await.check(&ALGORITHMS).await;
}

#[tokio::test]
async fn the_example_for_python_serves_the_organization_of_the_token_alone() {
    if !exists("python3") {
        return skip("there is no python3");
    }
    let directory = copy("python");
    let packages = directory.join("packages");
    if !packages.join("jwt").exists() {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--only-binary=:all:", "--disable-pip-version-check"]);
        pip.args(["--requirement", "requirements.txt", "--target"]).arg(&packages);
        assert!(succeeds(pip.current_dir(&directory).env("PIP_ROOT_USER_ACTION", "ignore")), "its packages");
    }
    let mut python = Command::new("python3");
    python.arg("server.py").current_dir(&directory).env("PYTHONPATH", packages);

    Backend::start(python).await.check(&ALGORITHMS).await;
}

/// Where Debian puts `golang-jwt`: its 4.4, which has what the example uses of 4.5.
const GOLANG_JWT: &str = "/usr/share/gocode/src/github.com/golang-jwt/jwt";

#[tokio::test]
async fn the_example_for_go_serves_the_organization_of_the_token_alone() {
    if !exists("go") || !Path::new(GOLANG_JWT).exists() {
        return skip("golang-go and golang-github-golang-jwt-jwt-dev are missing");
    }
    let directory = copy("go");
    let go = |arguments: &[&str]| {
        let mut go = Command::new("go");
        go.args(arguments).current_dir(&directory).env("GOPROXY", "off").env("GOFLAGS", "-mod=mod");
        succeeds(&mut go)
    };
    assert!(go(&["mod", "edit", "-replace", &format!("github.com/golang-jwt/jwt/v4={GOLANG_JWT}")]));
    assert!(go(&["vet", "."]) && go(&["build", "-o", "server", "."]), "it builds");

    Backend::start(Command::new(directory.join("server"))).await.check(&ALGORITHMS).await;
}

/// Its library is nowhere but at Maven Central: where that is out of reach, this says so and shows nothing.
#[tokio::test]
async fn the_example_for_java_serves_the_organization_of_the_token_alone() {
    let directory = copy("java");
    let maven = |arguments: &[&str]| {
        let mut maven = Command::new("mvn");
        maven.args(["--quiet", "--batch-mode"]).args(arguments).current_dir(&directory);
        maven
    };
    if !exists("mvn") || !succeeds(&mut maven(&["dependency:resolve"])) {
        let _ = writeln!(io::stderr(), "NOT RUN: examples/java: there is no Maven, or no Maven Central");
        return;
    }
    assert!(succeeds(&mut maven(&["compile"])), "it compiles");
    let without_eddsa = &ALGORITHMS[..3];

    Backend::start(maven(&["exec:java"])).await.check(without_eddsa).await;
}
