//! The program as an operator runs it: what it says, how it ends, and what it never prints.

mod invite;

use std::process::Command;

use orgate_tests::app::{Browser, HOOK, MASTER_KEY, PASSWORD, SAMPLES, SECRET, authorization_url};
use orgate_tests::database::Database;
use orgate_tests::program::{Directory, Ended, Running, free_ports, orgate};
use url::Url;

/// An installation on a database of its own, configured by a file.
pub(crate) struct Installation {
    pub(crate) directory: Directory,
    pub(crate) database: Database,
    pub(crate) port: u16,
}

impl Installation {
    pub(crate) async fn new() -> Self {
        let (directory, database, [port]) = (Directory::fresh(), Database::fresh().await, free_ports());
        directory.file("samples.yaml", SAMPLES);
        let key = directory.file("master.key", MASTER_KEY);
        let (key, url) = (key.display(), database.url());
        let toml = format!(
            "server.issuer = 'http://localhost:{port}'\nserver.listen = '127.0.0.1:{port}'\n\
             server.internal_listen = ''\ndatabase.url = '{url}'\nsecrets.master_key_file = '{key}'\n"
        );
        directory.file("orgate.toml", &toml);
        Self { directory, database, port }
    }

    /// The program with these arguments, the configuration and the files' variables.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = orgate();
        command.args(arguments).current_dir(self.directory.path(""));
        command
            .env("ORGATE_CONFIG", "orgate.toml")
            .env("PASSWORD", PASSWORD)
            .env("SECRET", SECRET)
            .env("HOOK", HOOK);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let ended = Ended::of(&mut self.command(arguments));
        for secret in [MASTER_KEY, PASSWORD, SECRET] {
            assert!(!ended.everything().contains(secret), "{arguments:?}: {ended:?}");
        }
        ended
    }

    /// What it printed, and that it went well.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended.stdout
    }

    /// What it complained about: one line, and nothing else.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(1), "{arguments:?}: {ended:?}");
        let text = ended.stderr.trim_end();
        assert!(text.starts_with("orgate: ") && !text.contains('\n'), "{arguments:?}: {ended:?}");
        text.to_owned()
    }

    async fn set_newest_migration_applied(&self, applied: bool) {
        let newest = "update _sqlx_migrations set success = $1 where version = (select max(version) from _sqlx_migrations)";
        sqlx::query(newest).bind(applied).execute(self.database.superuser()).await.expect("updated");
    }

    async fn organizations(&self) -> i64 {
        let count = sqlx::query_scalar("select count(*) from organizations");
        count.fetch_one(self.database.superuser()).await.expect("counted")
    }
}

#[tokio::test]
async fn config_check_says_what_is_wrong_or_that_nothing_is() {
    let installation = Installation::new().await;
    assert_eq!(installation.done(&["config", "check"]), "The configuration is complete.\n");
    let attempts = [
        ("server.issuerr = 'https://a.test'", "issuerr"),
        ("server.issuer = 'http://id.test'", "server.issuer: an issuer is https; http is for localhost only"),
        ("server.listen = 'nowhere'", "listen"),
        ("limits.pages_per_minute = -1", "pages_per_minute"),
        ("secrets.master_key = 'hunter2'", "a master key is 32 random bytes in base64"),
        ("secrets.master_key_file = 'missing.key'", "secrets.master_key_file: cannot read missing.key"),
        ("", "secrets.master_key is not set: make one with `openssl rand -base64 32`"),
        ("secrets = { master_key = 'hunter2', master_key_file = 'b' }", "are both set; keep one"),
        ("mail.smtp_url = 'ftp://hunter2@mail.test'", "mail.smtp_url is not an smtp:// or smtps:// address"),
        ("no toml", "toml"),
    ];
    for (line, says) in attempts {
        let file = installation.directory.file("bad.toml", line);
        let file = file.display().to_string();
        let mut command = installation.command(&["config", "check", "--config", &file]);
        command.env("DATABASE_URL", "postgres://localhost/x");

        let ended = Ended::of(&mut command);

        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{line}");
        assert!(ended.stderr.contains(says), "{line}: {}", ended.stderr);
        assert!(!ended.stderr.contains("hunter2") && !ended.stderr.contains(MASTER_KEY), "{}", ended.stderr);
    }
    let missing = installation.refused(&["config", "check", "--config", "nowhere.toml"]);
    assert!(missing.contains("nowhere.toml"), "{missing}");
}

#[tokio::test]
async fn serve_refuses_to_start_with_what_it_cannot_work_with() {
    let installation = Installation::new().await;
    let serve = |name: &str, value: &str| {
        let ended =
            Ended::of(installation.command(&["serve"]).env(name, value).env("ORGATE__LOG__FILTER", "off"));
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        ended.stderr
    };

    let keyless = serve("ORGATE__SECRETS__MASTER_KEY_FILE", "");
    installation.set_newest_migration_applied(false).await;
    let unmigrated = serve("ORGATE__DATABASE__MIGRATE_ON_START", "false");
    installation.set_newest_migration_applied(true).await;
    installation.done(&["apply", "-f", "samples.yaml"]);
    let other = installation.directory.file("other.key", "HxwdHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=");
    let stranger = serve("ORGATE__SECRETS__MASTER_KEY_FILE", &other.display().to_string());
    let listener = std::net::TcpListener::bind(("127.0.0.1", installation.port)).expect("the port is free");
    let busy = serve("ORGATE__SERVER__REQUEST_TIMEOUT_SECS", "30");
    drop(listener);

    assert!(keyless.starts_with("orgate: secrets.master_key is not set: make one with"), "{keyless}");
    assert!(unmigrated.contains("run `orgate migrate` first"), "{unmigrated}");
    assert!(stranger.contains("is the master key the one they were encrypted under?"), "{stranger}");
    assert!(busy.contains(&format!("port {} is in use", installation.port)), "{busy}");
}

#[tokio::test]
async fn a_server_starts_answers_and_stops_when_told() {
    let installation = Installation::new().await;

    let mut command = installation.command(&["serve"]);
    let [internal] = free_ports();
    command
        .env("ORGATE__SERVER__INTERNAL_LISTEN", format!("127.0.0.1:{internal}"))
        .env("ORGATE__LOG__FORMAT", "json");
    let running = Running::start(&mut command, "ready");

    let at = |port: u16, path: &str| reqwest::get(format!("http://localhost:{port}{path}"));
    let answer = at(installation.port, "/readyz").await.expect("answered");
    assert_eq!(answer.status(), 200);
    let unknown = at(installation.port, "/authorize?client_id=nobody").await.expect("answered");
    let id = unknown.headers()["x-request-id"].to_str().expect("text").to_owned();
    let metrics = at(internal, "/metrics").await.expect("answered").text().await.expect("text");
    assert!(
        metrics.contains(r#"orgate_http_requests_total{method="GET",route="/authorize",status="400"} 1"#),
        "{metrics}"
    );
    assert_eq!(
        at(installation.port, "/metrics").await.expect("answered").status(),
        404,
        "nobody else's to see"
    );
    let line = running.says(|said| said.contains(&id)).await;
    let line = line.lines().find(|line| line.contains(&id)).expect("a line of the request").to_owned();
    let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(line["span"]["request.id"], id.as_str());
    assert!(
        line["span"]["org.id"].as_str().is_some_and(|org| org.starts_with("org_")),
        "the operator's: {line}"
    );
    let (status, took, said) = tokio::task::spawn_blocking(|| running.interrupt()).await.expect("it ends");
    assert!(status.success() && took.as_secs() < 5, "{status} after {took:?}: {said}");
    assert!(!said.contains(MASTER_KEY));
}

#[tokio::test]
async fn apply_says_what_it_would_do_does_it_and_then_has_nothing_to_do() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]);

    let early = installation.refused(&["apply", "--dry-run", "-f", "samples.yaml"]);
    let made_early = installation.organizations().await;
    installation.done(&["apply", "-f", "samples.yaml"]);
    let made = installation.organizations().await;
    installation
        .directory
        .file("more.yaml", "organizations: [{ slug: initech, name: Initech, domains: [initech.test] }]");
    let more = ["apply", "-f", "samples.yaml", "-f", "more.yaml"];
    let planned = installation.done(&[&more[..], &["--dry-run"]].concat());
    let made_by_planning = installation.organizations().await;
    let applied = installation.done(&more);
    let made_at_last = installation.organizations().await;
    let again = installation.done(&more);

    assert!(early.contains("there is nothing in this database yet"), "{early}");
    assert_eq!((made_early, made), (0, 3), "the operator, Acme and Globex");
    assert!(planned.contains("initech.test") && !planned.contains("acme.test"), "{planned}");
    assert!(planned.ends_with("Nothing was changed: this was a dry run.\n"), "{planned}");
    assert!(planned.starts_with(applied.trim_end()), "{planned}\n{applied}");
    assert_eq!((made_by_planning, made_at_last), (3, 4));
    assert!(!again.contains("initech.test"), "{again}");
}

#[tokio::test]
async fn a_secret_that_was_made_is_printed_once() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]);
    let yaml = "clients: [{ client_id: reports, organization: operator, name: Reports, type: machine, audience: all }]";
    installation.directory.file("reports.yaml", yaml);

    let first = installation.done(&["apply", "-f", "reports.yaml"]);
    let second = installation.done(&["apply", "-f", "reports.yaml"]);

    let secret = first.split_once("The secret of reports, shown only now: ").map(|(_, rest)| rest.trim_end());
    assert!(secret.is_some_and(|secret| secret.starts_with("ogcs_") && secret.len() == 57), "{first}");
    assert!(!second.contains("ogcs_"), "{second}");
}

#[tokio::test]
async fn what_is_wrong_in_a_file_is_told_with_its_line_and_nothing_is_changed() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]);
    let yaml = "organizations:\n  - slug: acme\n    name: Acme Inc\n    colour: red\n";
    installation.directory.file("typo.yaml", yaml);
    let yaml = "organizations:\n  - slug: acme\n    name: Acme\n    users:\n      - { email: a@b.test, name: A, roles: [gone] }\n";
    installation.directory.file("role.yaml", yaml);
    let yaml = "organizations: [{ slug: a, name: A, users: [{ email: a@b.test, name: A, password: \"${UNSET_HERE}\" }] }]";
    installation.directory.file("variable.yaml", yaml);

    let typo = installation.refused(&["apply", "-f", "samples.yaml", "-f", "typo.yaml"]);
    let role = installation.refused(&["apply", "-f", "role.yaml"]);
    let variable = installation.refused(&["apply", "-f", "variable.yaml"]);
    let missing = installation.refused(&["apply", "-f", "nowhere.yaml"]);

    assert!(typo.contains("typo.yaml:4:5: unknown key \"colour\"; the keys here are slug"), "{typo}");
    assert!(role.contains("role.yaml:5:"), "{role}");
    assert!(variable.contains("password: the variable UNSET_HERE is not set"), "{variable}");
    assert!(missing.contains("nowhere.yaml: cannot be read"), "{missing}");
    assert!(installation.organizations().await <= 1, "at most the operator");
}

#[tokio::test]
async fn explain_says_which_organization_and_why() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]);
    installation.done(&["apply", "-f", "samples.yaml"]);
    let issuer = Url::parse(&format!("http://localhost:{}/", installation.port)).expect("an address");
    let explain = |changes: &[(&str, &str)]| {
        installation.done(&["explain", "authorize", authorization_url(&issuer, changes).as_str()])
    };

    let named = explain(&[("organization", "acme")]);
    let hinted = explain(&[("login_hint", "gus@globex.test")]);
    let silent = explain(&[]);
    let both = explain(&[("organization", "acme"), ("client_id", "nobody")]);

    assert!(
        named.contains("organization   acme (org_") && named.contains("The organization is acme"),
        "{named}"
    );
    assert!(hinted.contains("The organization is globex"), "{hinted}");
    assert!(silent.contains("The person is asked where they work."), "{silent}");
    assert!(both.contains("An error page, and no redirect"), "{both}");
}

#[tokio::test]
async fn doctor_says_what_stands_and_what_does_not() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]);

    let new = installation.done(&["doctor"]);
    installation.done(&["apply", "-f", "samples.yaml"]);
    let healthy = installation.done(&["doctor"]);
    let mut command = installation.command(&["doctor"]);
    let [nobody_there] = free_ports();
    command.env("ORGATE__DATABASE__URL", format!("postgres://postgres:hunter2@127.0.0.1:{nobody_there}/x"));
    let unreachable = Ended::of(&mut command);

    for line in
        ["ok    configuration", "ok    database", "ok    schema", "ok    master key", "ok    signing keys"]
    {
        assert!(healthy.contains(line), "{healthy}");
    }
    assert!(new.contains("note  signing keys: there are none yet") && !new.contains("FAIL"), "{new}");
    assert_eq!(unreachable.code, Some(1));
    assert!(unreachable.stdout.contains("FAIL  database"), "{unreachable:?}");
    assert!(!unreachable.everything().contains("hunter2"), "{unreachable:?}");
}

#[tokio::test]
async fn a_database_that_is_not_ready_is_told_apart_from_one_that_is_not_there() {
    let installation = Installation::new().await;
    let [nobody_there] = free_ports();
    let mut command = installation.command(&["apply", "-f", "samples.yaml"]);
    command.env("ORGATE__DATABASE__URL", format!("postgres://postgres@127.0.0.1:{nobody_there}/x"));

    let ended = Ended::of(&mut command);

    assert_eq!(ended.code, Some(1));
    let says = "orgate: the database cannot be reached; check database.url, and that PostgreSQL runs there";
    assert!(ended.stderr.starts_with(says), "{}", ended.stderr);
}

#[test]
fn what_is_mistyped_is_a_usage_error() {
    for arguments in [&["serv"][..], &["apply"], &["dev", "--port", "high"], &["serve", "--nonsense"]] {
        let ended = Ended::of(orgate().args(arguments));
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains("--help"), "{}", ended.stderr);
    }
    let help = Ended::of(orgate().arg("--help"));
    assert_eq!(help.code, Some(0));
    for command in ["dev", "serve", "migrate", "apply", "config", "explain", "doctor"] {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{}", help.stdout);
    }
}

#[tokio::test]
async fn a_set_up_link_is_printed_once_listed_without_its_secret_and_taken_back() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]);
    installation.done(&["apply", "-f", "samples.yaml"]);

    let made = installation.done(&["setup-link", "--org", "acme", "--for", "sso,domains"]);
    let ruled =
        installation.done(&["setup-link", "create", "--org", "acme", "--for", "sso", "--role", "admin"]);
    let listed = installation.done(&["setup-link", "list", "--org", "acme"]);
    let id = made.split_whitespace().find(|word| word.starts_with("stl_")).expect("an id").to_owned();
    let revoked = installation.done(&["setup-link", "revoke", "--org", "acme", &id]);
    let after = installation.done(&["setup-link", "list", "--org", "acme"]);

    assert!(made.contains("/setup?link=ogsl_") && made.contains("gives no roles"), "{made}");
    assert!(ruled.contains("admin administers the organization itself"), "{ruled}");
    assert!(
        listed.contains(&id) && !listed.contains("ogsl_") && listed.matches("open").count() == 2,
        "{listed}"
    );
    assert!(revoked.contains("opens nothing any more"), "{revoked}");
    assert!(after.contains("revoked"), "{after}");
    let unknown = installation.refused(&["setup-link", "--org", "acme", "--role", "nobody"]);
    assert!(unknown.contains("has no role nobody"), "{unknown}");
    let long = installation.refused(&["setup-link", "--org", "acme", "--expires-in-hours", "721"]);
    assert!(long.contains("1 hour") || long.contains("one hour"), "{long}");
    installation.refused(&["setup-link", "revoke", "--org", "globex", &id]);
}

#[tokio::test]
async fn claims_of_a_client_are_shown_before_they_are_applied() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]);
    installation.done(&["apply", "-f", "samples.yaml"]);
    installation.directory.file(
        "claims.yaml",
        r#"
organizations:
  - slug: acme
    name: Acme Inc
    attributes: { plan: enterprise }
clients:
  - client_id: notes
    organization: operator
    name: Notes
    type: web
    audience: all
    client_secret: "${SECRET}"
    redirect_uris: ["http://localhost:9/callback"]
    claims_budget_bytes: 40
    claims:
      - { name: "urn:notes:who", from: user.name }
      - { name: "urn:notes:organization", from: organization.name, in: [id_token] }
      - { name: "urn:notes:language", from: user.locale, scope: profile }
"#,
    );
    let show =
        |more: &[&str]| installation.done(&[&["client", "claims", "notes", "--org", "acme"], more].concat());

    let before = show(&["--user", "ada@acme.test"]);
    let described = show(&["--user", "ada@acme.test", "-f", "claims.yaml"]);
    let machine = show(&["-f", "claims.yaml"]);
    let after = show(&["--user", "ada@acme.test"]);

    assert_eq!(
        before,
        "access token: 2 of 2048 bytes\n{}\nID token: 2 of 2048 bytes\n{}\n/userinfo: 2 bytes\n{}\n"
    );
    assert_eq!(after, before, "nothing was applied");
    assert!(described.contains("access token: 29 of 40 bytes\n"), "{described}");
    assert!(described.contains("no room for urn:notes:organization: /userinfo has them"), "{described}");
    assert!(!machine.contains("ID token") && !machine.contains("userinfo"), "{machine}");
    let unknown = installation.refused(&["client", "claims", "nothing", "--org", "acme"]);
    assert!(unknown.contains("there is no client nothing"), "{unknown}");
    let nobody =
        installation.refused(&["client", "claims", "notes", "--org", "globex", "--user", "ada@acme.test"]);
    assert!(nobody.contains("there is no user"), "{nobody}");
}

#[tokio::test]
async fn a_registration_token_is_printed_once_with_what_it_is_good_for() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]);
    installation.done(&["apply", "-f", "samples.yaml"]);

    let made = installation.done(&["client", "registration-token", "--org", "acme", "--uses", "3"]);
    let unknown = installation.refused(&["client", "registration-token", "--org", "nowhere"]);

    assert!(made.contains(": ogri_") && made.contains("3 application(s) at"), "{made}");
    assert!(made.contains("the organization's policy forbids it"), "{made}");
    assert!(unknown.contains("there is no organization nowhere"), "{unknown}");
}

#[tokio::test]
async fn registration_tokens_are_listed_without_their_secret_and_taken_back() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]);
    installation.done(&["apply", "-f", "samples.yaml"]);
    let verb = ["client", "registration-token"];
    let made = installation.done(&[&verb[..], &["--org", "acme", "--uses", "3"]].concat());
    let secret = made.split(": ").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a token");
    let list = |org: &str| installation.done(&[&verb[..], &["list", "--org", org]].concat());

    let listed = list("acme");
    let id = listed.split_whitespace().next().expect("an id").to_owned();
    assert!(made.contains(&id) && listed.contains("3 use(s) left, 0 active application(s)"), "{listed}");
    assert!(!listed.contains(secret), "{listed}");
    assert!(list("globex").contains("No token registers applications of globex"), "{}", list("globex"));
    let elsewhere = installation.refused(&[&verb[..], &["revoke", &id, "--org", "globex"]].concat());
    assert!(elsewhere.contains("globex has no token"), "{elsewhere}");
    let revoked = installation.done(&[&verb[..], &["revoke", &id, "--org", "acme"]].concat());
    assert!(revoked.contains("registers nothing any more"), "{revoked}");
    assert!(list("acme").contains("No token"), "{}", list("acme"));
    let again = installation.refused(&[&verb[..], &["revoke", &id, "--org", "acme"]].concat());
    assert!(again.contains("acme has no token"), "{again}");
    let nobodys = installation.refused(&verb);
    assert!(nobodys.contains("--org"), "{nobodys}");
}

#[tokio::test]
async fn a_client_is_switched_off_and_on_again() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]);
    installation.done(&["apply", "-f", "samples.yaml"]);

    let off = installation.done(&["client", "disable", "notes"]);
    let twice = installation.done(&["client", "disable", "notes"]);
    let on = installation.done(&["client", "enable", "notes"]);
    let unknown = installation.refused(&["client", "disable", "nobody"]);

    assert!(off.contains("notes is answered nothing any more"), "{off}");
    assert!(twice.contains("notes is disabled already"), "{twice}");
    assert!(on.contains("notes is answered again"), "{on}");
    assert!(unknown.contains("there is no client nobody"), "{unknown}");
    let logged = "select array_agg(action order by occurred_at, id) from audit_events where action like 'client.%abled'";
    let logged: Vec<String> =
        sqlx::query_scalar(logged).fetch_one(installation.database.superuser()).await.expect("read");
    assert_eq!(logged, ["client.disabled", "client.enabled"], "once each");
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_by_user_and_all() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]);
    installation.done(&["apply", "-f", "samples.yaml"]);
    let _server = Running::start(&mut installation.command(&["serve"]), "ready");
    let base = Url::parse(&format!("http://localhost:{}/", installation.port)).expect("an address");
    for email in ["ada@acme.test", "ada@acme.test", "vic@acme.test", "vic@acme.test", "casey@consult.test"] {
        Browser::at(&base).sign_in_to("acme", email).await;
    }
    let list = |more: &[&str]| installation.done(&[&["session", "list", "--org", "acme"], more].concat());
    let end = |more: &[&str]| installation.done(&[&["session", "end", "--org", "acme"], more].concat());

    let everybody = list(&[]);
    let ada = list(&["--user", "ada@acme.test"]);
    let id = ada.lines().last().and_then(|line| line.split(' ').next()).expect("an id").to_owned();

    assert_eq!((everybody.lines().count(), ada.lines().count()), (6, 3), "{everybody}");
    assert!(everybody.contains("casey@consult.test") && everybody.contains("orgate-tests"), "{everybody}");
    assert_eq!(end(&["--session", &id]), "1 session ended.\n");
    assert_eq!(end(&["--session", &id]), "There was no such session.\n");
    assert_eq!(end(&["--user", "vic@acme.test"]), "2 sessions ended.\n");
    assert_eq!(list(&[]).lines().count(), 3);
    let foreign = installation.done(&["session", "end", "--org", "globex", "--all"]);
    assert_eq!(foreign, "There was no such session.\n");
    assert_eq!(end(&["--all"]), "2 sessions ended.\n");
    assert_eq!(list(&[]), "Nobody is signed in.\n");
    let unknown = installation.refused(&["session", "end", "--org", "acme", "--user", "nobody@acme.test"]);
    assert!(unknown.contains("there is no user"), "{unknown}");
    let id = "usr_00000000000000000000000000";
    let foreign = installation.refused(&["session", "list", "--org", "acme", "--user", id]);
    assert!(foreign.contains("there is no user"), "an id of nobody here: {foreign}");
    let nothing = installation.run(&["session", "end", "--org", "acme"]);
    assert_eq!(nothing.code, Some(2), "which sessions has to be said: {nothing:?}");
}
