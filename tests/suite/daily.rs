//! `orgate org`, `orgate user` and `orgate api-key`: what an operator does by hand every day.

use orgate_tests::app::{Browser, PASSWORD, authorization_url};
use orgate_tests::program::Running;
use serde_json::Value;
use url::Url;

use crate::command_line::Installation;

async fn installation() -> Installation {
    let installation = Installation::new().await;
    installation.done(&["migrate"]);
    installation.done(&["apply", "-f", "samples.yaml"]);
    installation
}

fn json(said: &str) -> Value {
    serde_json::from_str(said).expect("JSON")
}

#[tokio::test]
async fn organizations_are_listed_shown_made_suspended_and_reactivated() {
    let installation = installation().await;

    let made = installation.done(&["org", "create", "initech", "--name", "Initech", "--parent", "acme"]);
    let twice = installation.refused(&["org", "create", "initech", "--name", "Initech"]);
    let table = installation.done(&["org", "list"]);
    let listed = json(&installation.done(&["org", "list", "--output", "json"]));
    let suspended = installation.done(&["org", "suspend", "initech"]);
    let shown = json(&installation.done(&["org", "show", "initech", "--output", "json"]));
    let operator = installation.refused(&["org", "suspend", "operator"]);
    installation.done(&["org", "reactivate", "initech"]);
    let again = json(&installation.done(&["org", "show", "initech", "--output", "json"]));

    assert!(made.starts_with("+ organization initech \"Initech\"\n"), "{made}");
    assert!(twice.contains("the slug initech is, or was, an organization's"), "{twice}");
    assert!(table.starts_with("SLUG") && table.lines().count() == 5, "{table}");
    let slugs: Vec<_> = listed.as_array().expect("a list").iter().map(|one| one["slug"].clone()).collect();
    assert_eq!(slugs, ["operator", "acme", "globex", "initech"]);
    assert!(suspended.starts_with("~ organization initech: status"), "{suspended}");
    assert_eq!((&shown[0]["status"], &shown[0]["parent"]), (&"suspended".into(), &"acme".into()));
    assert!(operator.contains("the operator organization is always active"), "{operator}");
    assert_eq!(again[0]["status"], "active");
    assert!(installation.refused(&["org", "show", "nobody"]).contains("there is no organization nobody"));
}

#[tokio::test]
async fn users_are_listed_shown_made_deactivated_and_reactivated() {
    let installation = installation().await;
    let at_acme =
        |verb: &str, more: &[&str]| installation.run(&[&["user", verb, "--org", "acme"], more].concat());

    let made = at_acme("create", &["zoe@acme.test", "--name", "Zoe Zeit", "--role", "viewer"]);
    let twice = at_acme("create", &["ZOE@acme.test", "--name", "Zoe"]);
    let unknown = at_acme("create", &["yan@acme.test", "--name", "Yan", "--role", "ruler"]);
    let listed = json(&at_acme("list", &["--output", "json"]).stdout);
    let off = at_acme("deactivate", &["vic@acme.test"]);
    let shown = json(&at_acme("show", &["vic@acme.test", "--output", "json"]).stdout);
    let last = at_acme("deactivate", &["ada@acme.test"]);
    let foreign = at_acme("show", &["gus@globex.test"]);

    assert!(made.stdout.starts_with("+ user zoe@acme.test in acme"), "{made:?}");
    assert!(twice.stderr.contains("there is a user \"ZOE@acme.test\" in acme already"), "{twice:?}");
    assert!(unknown.stderr.contains("acme has no role ruler"), "{unknown:?}");
    let emails: Vec<_> = listed.as_array().expect("a list").iter().map(|one| one["email"].clone()).collect();
    assert_eq!(emails, ["ada@acme.test", "casey@consult.test", "vic@acme.test", "zoe@acme.test"]);
    assert_eq!((&listed[3]["email_verified"], &listed[3]["roles"]), (&"false".into(), &"viewer".into()));
    assert!(off.stdout.contains("(ends their sessions)"), "{off:?}");
    assert_eq!((&shown[0]["status"], &shown[0]["roles"]), (&"deactivated".into(), &"viewer".into()));
    assert!(last.stderr.contains("acme would be left without an owner"), "{last:?}");
    assert!(foreign.stderr.contains("there is no user"), "{foreign:?}");
    at_acme("reactivate", &["vic@acme.test"]);
    let running = Running::start(&mut installation.command(&["serve"]), "ready");
    let base = Url::parse(&format!("http://localhost:{}", installation.port)).expect("an address");
    let browser = Browser::at(&base);
    let page = browser.get(authorization_url(&base, &[("organization", "acme")])).await;
    let page = browser.sign_in(page, "vic@acme.test", PASSWORD).await;
    assert!(page.location().is_some_and(|to| to.query_pairs().any(|(name, _)| name == "code")), "in again");
    tokio::task::spawn_blocking(|| running.interrupt()).await.expect("it ends");
}

#[tokio::test]
async fn api_keys_are_listed_and_taken_back() {
    let installation = installation().await;
    let made = "insert into api_keys (org_id, id, key_hash, name, permitted, client_org_id, client_id, created_at, expires_at)
                select organizations.org_id, gen_random_uuid(), sha256('key'), 'Nightly', '{orgate:users:read}', directory.org_id, directory.id,
                       now(), now() + interval '1 day'
                from organizations, (select org_id, id from client_directory limit 1) directory
                where slug = 'acme'";
    let superuser = installation.database.superuser();
    sqlx::query(made).execute(superuser).await.expect("a key");
    let at_acme =
        |verb: &str, more: &[&str]| installation.run(&[&["api-key", verb, "--org", "acme"], more].concat());

    let listed = json(&at_acme("list", &["--output", "json"]).stdout);
    let id = listed[0]["id"].as_str().expect("an id").to_owned();
    let foreign = installation.run(&["api-key", "revoke", &id, "--org", "globex"]);
    let revoked = at_acme("revoke", &[&id]);
    let again = at_acme("revoke", &[&id]);
    let after = json(&at_acme("list", &["--output", "json"]).stdout);

    assert_eq!(
        (&listed[0]["state"], &listed[0]["name"], &listed[0]["permissions"]),
        (&"good".into(), &"Nightly".into(), &"orgate:users:read".into())
    );
    assert!(foreign.stderr.contains("globex has no such API key"), "{foreign:?}");
    assert!(revoked.stdout.contains("is worth nothing any more"), "{revoked:?}");
    assert!(again.stderr.contains("taken back before"), "{again:?}");
    assert_eq!(after[0]["state"], "revoked");
    let told =
        "select count(*) from audit_events where action = 'api_key.revoked' and actor_kind = 'operator'";
    let told: i64 = sqlx::query_scalar(told).fetch_one(superuser).await.expect("the log");
    assert_eq!(told, 1);
}

#[tokio::test]
async fn shells_are_told_how_to_complete_a_command() {
    let installation = Installation::new().await;

    for (shell, tells) in
        [("bash", "complete -F _orgate"), ("zsh", "#compdef orgate"), ("fish", "complete -c orgate")]
    {
        let said = installation.done(&["completions", shell]);
        assert!(said.contains(tells) && said.contains("export"), "{shell}");
    }
}
