//! `orgate keys`, as an operator runs it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use orgate_protocol::jose::{SigningAlgorithm, SigningKey};
use orgate_tests::app::{App, MASTER_KEY, NEXT_MASTER_KEY, SECRET, claims};
use orgate_tests::program::{Directory, Ended, orgate};
use serde_json::Value;

/// The program, beside a server that runs.
struct Operator {
    directory: Directory,
    toml: String,
}

impl Operator {
    fn of(app: &App) -> Self {
        let directory = Directory::fresh();
        let key = directory.file("master.key", MASTER_KEY);
        let toml = format!(
            "server.issuer = '{}'\ndatabase.url = '{}'\nsecrets.master_key_file = '{}'\n",
            app.base,
            app.database.url(),
            key.display()
        );
        Self { toml: directory.file("orgate.toml", &toml).display().to_string(), directory }
    }

    /// The same, with another line in its configuration.
    fn with(&self, line: &str) -> Self {
        let toml = std::fs::read_to_string(&self.toml).expect("the configuration");
        let directory = Directory::fresh();
        let toml = directory.file("orgate.toml", &format!("{line}\n{toml}")).display().to_string();
        Self { directory, toml }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = orgate();
        command.arg("keys").args(arguments).env("ORGATE_CONFIG", &self.toml);
        Ended::of(&mut command)
    }

    fn done(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended.stdout
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{arguments:?}: {ended:?}");
        ended.stderr
    }

    /// The ring, as `kid` and `state`.
    fn states(&self, arguments: &[&str]) -> Vec<(String, String)> {
        let list = [&["list", "--output", "json"], arguments].concat();
        let keys: Value = serde_json::from_str(&self.done(&list)).expect("JSON");
        let text = |key: &Value, name: &str| key[name].as_str().expect("text").to_owned();
        let keys = keys.as_array().expect("a list");
        keys.iter()
            .filter(|key| key["algorithm"] == "ES256")
            .map(|key| (text(key, "kid"), text(key, "state")))
            .collect()
    }

    fn pem(&self, algorithm: SigningAlgorithm) -> (String, String) {
        let key = SigningKey::generate(algorithm).expect("a key");
        let der = BASE64_STANDARD.encode(key.to_pkcs8().expect("PKCS#8").as_slice());
        let lines: Vec<_> =
            der.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
        (self.directory.file(&format!("{}.pem", key.kid()), &pem).display().to_string(), key.kid().to_owned())
    }
}

async fn signs(app: &App) -> String {
    let token = app.sign_in("acme", "ada@acme.test").await.text("access_token");
    let header = claims(&format!(".{}", token.split('.').next().expect("a header")));
    header["kid"].as_str().expect("text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_and_rotated_and_the_server_follows() {
    let app = App::start().await;
    let operator = Operator::of(&app);
    let first = signs(&app).await;

    let table = operator.done(&["list"]);
    let published = operator.done(&["rotate", "--algorithm", "ES256"]);
    let again = operator.done(&["rotate", "--algorithm", "ES256"]);
    let states = operator.states(&[]);
    let at_once = operator.done(&["rotate", "--algorithm", "ES256", "--now"]);
    super::soon("the server heard of it", async || signs(&app).await != first).await;

    assert!(table.contains(&first) && table.contains("current") && table.contains("signs until"), "{table}");
    let [(next, state), (old, of_old)] = states.as_slice() else { panic!("{states:?}") };
    assert_eq!((state.as_str(), of_old.as_str(), old), ("next", "current", &first));
    assert!(
        published.contains(next) && published.contains("signs for the shared issuer from"),
        "{published}"
    );
    assert_eq!(published, again, "one waits already");
    assert!(at_once.contains(&format!("{next} signs for the shared issuer now.")), "{at_once}");
    assert_eq!(signs(&app).await, *next);
    assert_eq!(operator.states(&[])[1], (first, "retired".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_says_what_dies() {
    let app = App::start().await;
    let operator = Operator::of(&app);
    let first = signs(&app).await;

    let alone = operator.run(&["rotate", "--revoke-old"]);
    let said = operator.done(&["rotate", "--algorithm", "ES256", "--now", "--revoke-old"]);

    assert_eq!(alone.code, Some(2), "{alone:?}");
    assert!(said.contains(&format!("withdrawn: {first}")), "{said}");
    assert!(
        said.contains("tokens that withdrawn keys signed are dead") && said.contains("stay signed in"),
        "{said}"
    );
    let of_first = operator.states(&[]).into_iter().find(|(kid, _)| *kid == first).expect("it is listed");
    assert_eq!(of_first.1, "revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_made_elsewhere_signs() {
    let app = App::start().await;
    let operator = Operator::of(&app);
    let (next, next_kid) = operator.pem(SigningAlgorithm::Es256);
    let (other, _) = operator.pem(SigningAlgorithm::Es256);
    let (rsa, rsa_kid) = operator.pem(SigningAlgorithm::Rs256);
    let import = |algorithm: &str, file: &str, more: &[&str]| {
        [&["import", "--algorithm", algorithm, "--file", file], more]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let arguments = |list: &[String]| list.iter().map(String::as_str).map(str::to_owned).collect::<Vec<_>>();
    let run =
        |list: Vec<String>| operator.done(&arguments(&list).iter().map(String::as_str).collect::<Vec<_>>());
    let refuse = |list: Vec<String>| {
        operator.refused(&arguments(&list).iter().map(String::as_str).collect::<Vec<_>>())
    };

    let imported = run(import("ES256", &next, &[]));
    let known = refuse(import("ES256", &next, &["--now"]));
    let waiting = refuse(import("ES256", &other, &["--now"]));
    let unsuited = refuse(import("EdDSA", &rsa, &[]));
    let at_once = run(import("RS256", &rsa, &["--now"]));
    let reused = refuse(import("PS256", &rsa, &[]));
    let nonsense = operator.directory.file("nonsense.pem", SECRET).display().to_string();
    let not_a_key = refuse(import("ES256", &nonsense, &[]));

    assert!(imported.contains(&next_kid) && imported.contains("is published since"), "{imported}");
    assert!(known.contains(&format!("the key {next_kid} is known here")), "{known}");
    assert!(waiting.contains("a key waits to sign ES256 already"), "{waiting}");
    assert!(unsuited.contains("cannot sign EdDSA: that takes an Ed25519 key"), "{unsuited}");
    assert!(at_once.contains(&format!("{rsa_kid} signs for the shared issuer now")), "{at_once}");
    assert!(reused.contains("a key is used once"), "{reused}");
    assert!(
        not_a_key.contains("openssl pkcs8 -topk8 -nocrypt") && !not_a_key.contains(SECRET),
        "{not_a_key}"
    );
    let events = app.events("operator").await;
    assert_eq!(events.iter().filter(|event| event.starts_with("key.imported")).count(), 2, "{events:?}");
    operator.done(&["rotate", "--algorithm", "ES256", "--now"]);
    super::soon("it signs", async || signs(&app).await == next_kid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_has_a_ring_of_its_own() {
    let app = App::start().await;
    let operator = Operator::of(&app);

    let none = operator.done(&["list", "--org", "acme"]);
    let made = operator.done(&["rotate", "--org", "acme"]);
    let states = operator.states(&["--org", "acme"]);
    let unknown = operator.refused(&["list", "--org", "nobody"]);

    assert_eq!(none, "acme has no keys: the first are made when it signs.\n");
    assert!(made.contains("signs for acme now."), "{made}");
    assert_eq!(states.len(), 1);
    assert!(!operator.states(&[]).iter().any(|(kid, _)| *kid == states[0].0), "it is nobody else's");
    assert!(unknown.contains("there is no organization nobody"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rests_under_another_master_key_is_brought_over() {
    let app = App::start().await;
    app.sign_in("acme", "ada@acme.test").await;
    let operator = Operator::of(&app);
    let after = {
        let toml = std::fs::read_to_string(&operator.toml).expect("the configuration");
        let former = toml.lines().find(|line| line.starts_with("secrets.master_key_file")).expect("a line");
        let next = operator.directory.file("next.key", NEXT_MASTER_KEY);
        let toml = toml.replace(former, &format!("secrets.master_key_file = '{}'", next.display()));
        let toml = operator.directory.file("next.toml", &toml).display().to_string();
        Operator { directory: Directory::fresh(), toml }
    };
    let during = after.with(&format!("secrets.previous_master_key = '{MASTER_KEY}'"));

    let nothing = operator.refused(&["rewrap"]);
    let too_early = after.refused(&["list"]);
    let first = during.run(&["rewrap"]);
    let second = during.done(&["rewrap"]);

    assert!(nothing.contains("secrets.previous_master_key is not set"), "{nothing}");
    assert!(too_early.contains("is the master key the one they were encrypted under?"), "{too_early}");
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.stderr.contains("3 organizations, "), "progress: {first:?}");
    assert!(first.stdout.contains("data keys were wrapped anew, and 5 addresses hashed anew"), "{first:?}");
    assert!(first.stdout.contains("Run it once more"), "{first:?}");
    assert!(second.contains("Nothing is left under the previous one"), "{second}");
    assert!(after.done(&["list"]).contains("current"));
    assert!(operator.refused(&["list"]).contains("is the master key the one"));
    for said in [&first.stdout, &first.stderr, &second] {
        assert!(!said.contains(MASTER_KEY) && !said.contains(NEXT_MASTER_KEY), "{said}");
    }
}
