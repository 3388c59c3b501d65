//! `orgate dev`: one command, everything running; Ctrl-C, and nothing is.

use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{fs, net};

use orgate_tests::app::{Browser, VERIFIER, claims, client};
use orgate_tests::database::Database;
use orgate_tests::program::{Directory, Ended, Running, free_ports, orgate};
use serde_json::Value;
use url::Url;

/// Where everything is to run.
struct Places {
    directory: Directory,
    orgate: u16,
    app: u16,
    idp: u16,
    mailbox: u16,
}

impl Places {
    fn new() -> Self {
        let [orgate, app, idp, mailbox] = free_ports();
        Self { directory: Directory::fresh(), orgate, app, idp, mailbox }
    }

    fn command(&self, more: &[&str]) -> Command {
        self.command_in(&self.directory.path("data-dir"), more)
    }

    fn command_in(&self, data_dir: &Path, more: &[&str]) -> Command {
        let mut command = orgate();
        command.arg("dev").arg("--data-dir").arg(data_dir).args(more);
        for (option, port) in [
            ("--port", self.orgate),
            ("--app-port", self.app),
            ("--idp-port", self.idp),
            ("--mailbox-port", self.mailbox),
        ] {
            command.arg(option).arg(port.to_string());
        }
        command
    }

    async fn start(&self, more: &[&str]) -> Running {
        let mut command = self.command(more);
        let started = tokio::task::spawn_blocking(move || Running::start(&mut command, "Try first"));
        started.await.expect("it starts")
    }

    fn base(&self) -> Url {
        Url::parse(&format!("http://localhost:{}/", self.orgate)).expect("an address")
    }

    async fn get(&self, port: u16, path: &str) -> (u16, String) {
        let reply = client().get(format!("http://localhost:{port}{path}")).send().await.expect("answered");
        (reply.status().as_u16(), reply.text().await.expect("text"))
    }

    /// Signs Acme's admin in to the sample application; the ID token's claims.
    async fn sign_in(&self, data_dir: &Path) -> Value {
        let callback = format!("http://localhost:{}/callback", self.app);
        let browser = Browser::at(&self.base());
        let page = browser.authorize(&[("organization", "acme"), ("redirect_uri", &callback)]).await;
        let page = browser.sign_in(page, "admin@acme.test", "orgate-dev").await;
        let to = page.location().unwrap_or_else(|| panic!("{} {}", page.status, page.body));
        let code = to.query_pairs().find(|(name, _)| name == "code").map(|(_, value)| value.into_owned());
        let secret = fs::read_to_string(data_dir.join("notes.secret")).expect("the application's secret");
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code.expect("a code")),
            ("redirect_uri", &callback),
            ("code_verifier", VERIFIER),
        ];
        let url = self.base().join("token").expect("an address");
        let reply = client().post(url).basic_auth("notes", Some(secret.trim())).form(&form).send().await;
        let tokens: Value = reply.expect("answered").json().await.expect("JSON");
        claims(tokens["id_token"].as_str().unwrap_or_else(|| panic!("{tokens}")))
    }
}

/// The last thing that it complained about.
fn refusal(command: &mut Command) -> String {
    let ended = Ended::of(command);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let last = ended.stderr.lines().last().unwrap_or_default().to_owned();
    assert!(last.starts_with("orgate: "), "{ended:?}");
    assert!(!ended.everything().contains("panicked"), "{ended:?}");
    last
}

async fn interrupt(running: Running) -> (std::process::ExitStatus, Duration, String) {
    tokio::task::spawn_blocking(|| running.interrupt()).await.expect("it ends")
}

/// The postmaster of this directory, if one has not left in order.
fn postmaster(data_dir: &Path) -> Option<String> {
    let text = fs::read_to_string(data_dir.join("data/postmaster.pid")).ok()?;
    text.lines().next().map(str::to_owned)
}

fn is_alive(pid: &str) -> bool {
    Command::new("kill").args(["-0", pid]).output().expect("kill runs").status.success()
}

#[tokio::test]
async fn it_runs_stops_and_starts_again_with_what_it_had() {
    let places = Places::new();
    let data_dir = places.directory.path("data-dir");
    let running = places.start(&[]).await;
    let table = running.said();
    for shown in [
        format!("http://localhost:{}/", places.orgate),
        format!("http://localhost:{}/", places.app),
        format!("http://localhost:{}/", places.mailbox),
        "admin@acme.test".to_owned(),
        "orgate-dev".to_owned(),
    ] {
        assert!(table.contains(&shown), "{shown}: {table}");
    }
    for (port, path) in
        [(places.orgate, "/readyz"), (places.app, "/"), (places.idp, "/"), (places.mailbox, "/mails.json")]
    {
        assert_eq!(places.get(port, path).await.0, 200, "{port} {path}");
    }
    let (_, keys) = places.get(places.orgate, "/jwks.json").await;
    let user = places.sign_in(&data_dir).await;
    let pid = postmaster(&data_dir).expect("its Postgres runs");
    assert!(is_alive(&pid));
    let second = refusal(&mut Places::new().command_in(&data_dir, &[]));
    assert!(second.contains("already running on this data directory"), "{second}");

    let (status, took, said) = interrupt(running).await;

    assert!(status.success() && took < Duration::from_secs(10), "{status} after {took:?}: {said}");
    assert!(!is_alive(&pid) && postmaster(&data_dir).is_none(), "Postgres has stopped with it");
    for port in [places.orgate, places.app, places.idp, places.mailbox] {
        assert!(net::TcpStream::connect(("127.0.0.1", port)).is_err(), "{port}");
    }
    let running = places.start(&[]).await;
    assert_eq!(places.get(places.orgate, "/jwks.json").await.1, keys);
    let same = places.sign_in(&data_dir).await;
    assert_eq!((&same["sub"], &same["org_id"]), (&user["sub"], &user["org_id"]));
    assert_ne!(same["sid"], user["sid"]);
    assert!(interrupt(running).await.0.success());

    let running = places.start(&["--fresh"]).await;

    assert_ne!(places.get(places.orgate, "/jwks.json").await.1, keys, "what was kept is forgotten");
    assert_ne!(places.sign_in(&data_dir).await["sub"], user["sub"]);
    assert!(interrupt(running).await.0.success());
}

#[tokio::test]
async fn a_given_database_is_used_and_none_is_started() {
    let (places, database) = (Places::new(), Database::fresh().await);
    let data_dir = places.directory.path("data-dir");
    let mut command = places.command(&[]);
    command.env("DATABASE_URL", database.url());
    let forget = refusal(places.command(&["--fresh"]).env("DATABASE_URL", database.url()));
    let started = tokio::task::spawn_blocking(move || Running::start(&mut command, "Try first"));

    let running = started.await.expect("it starts");

    assert!(forget.contains("--fresh") && forget.contains("DATABASE_URL"), "{forget}");
    assert_eq!(places.get(places.orgate, "/readyz").await.0, 200);
    let mut kept: Vec<_> = fs::read_dir(&data_dir)
        .expect("the directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    kept.sort();
    assert_eq!(kept, ["idp.pem", "idp.secret", "master.key", "notes.secret", "robot.secret"]);
    let slugs = sqlx::query_scalar::<_, String>("select slug from organizations order by slug");
    let slugs = slugs.fetch_all(database.superuser()).await.expect("the organizations");
    assert_eq!(slugs, ["acme", "globex", "initech", "operator", "umbrella", "vandelay"]);
    assert!(interrupt(running).await.0.success());
}

#[tokio::test]
async fn a_busy_port_is_named_with_the_option_that_chooses_another() {
    let (places, database) = (Places::new(), Database::fresh().await);
    for (port, option) in [
        (places.orgate, "--port"),
        (places.app, "--app-port"),
        (places.idp, "--idp-port"),
        (places.mailbox, "--mailbox-port"),
    ] {
        let _busy = net::TcpListener::bind(("127.0.0.1", port)).expect("the port is free");

        let refused = refusal(places.command(&[]).env("DATABASE_URL", database.url()));

        assert!(refused.contains(&format!("port {port} is in use")) && refused.contains(option), "{refused}");
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_named_with_what_to_do() {
    let places = Places::new();
    let file = places.directory.file("file", "");
    let below = file.join("data-dir");

    let refused = refusal(&mut places.command_in(&below, &[]));

    assert!(refused.contains(&file.display().to_string()), "{refused}");
    assert!(refused.contains("choose another data directory"), "{refused}");
}

#[test]
fn a_missing_database_program_is_named_with_what_to_do() {
    let places = Places::new();
    let nowhere = places.directory.path("nowhere");

    let refused = refusal(places.command(&[]).env("ORGATE_PG_BIN", &nowhere));

    assert!(refused.contains(&format!("ORGATE_PG_BIN names {}", nowhere.display())), "{refused}");
    assert!(refused.contains("name a PostgreSQL that fits, or unset it"), "{refused}");
}

#[tokio::test]
async fn a_seed_of_ones_own_takes_the_place_of_the_samples_and_is_checked() {
    let (places, database) = (Places::new(), Database::fresh().await);
    let seed = places.directory.file("seed.yaml", "organizations:\n  - slug: umbrella\n    nam: Umbrella\n");

    let refused =
        refusal(places.command(&["--seed", &seed.display().to_string()]).env("DATABASE_URL", database.url()));

    assert!(refused.contains("seed.yaml:3:5: unknown key \"nam\""), "{refused}");
}
