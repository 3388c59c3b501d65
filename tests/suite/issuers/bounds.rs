//! What stays out of an organization's issuer: other organizations' clients, keys, requests and names.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use orgate_flows::keys::{Replacement, import, replace};
use orgate_protocol::jose::{SigningAlgorithm, SigningKey};
use orgate_tests::app::{App, CALLBACK, Reply, SECRET, VERIFIER, claims, client};
use serde_json::{Value, json};

use super::{Issuer, keys, verifies};

const OTHERS: &str = r#"
clients:
  - client_id: globex-api
    organization: globex
    name: API
    type: machine
    audience: owner
    client_secret: "${SECRET}"
    resource: notes
  - client_id: worker
    organization: operator
    name: Worker
    type: machine
    audience: all
    client_secret: "${SECRET}"
    resource: notes
"#;

const MACHINE: (&str, &str) = ("grant_type", "client_credentials");

/// How many rows of Acme's there are in each table that keys leave something in.
async fn traces(app: &App, slug: &str) -> Vec<i64> {
    let org_id = app.org(slug).await.org_id().as_uuid();
    let mut counts = Vec::new();
    for table in ["key_rings", "signing_keys", "data_keys"] {
        let count = format!("select count(*) from {table} where org_id = $1");
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).bind(org_id);
        counts.push(count.fetch_one(app.database.superuser()).await.expect("counted"));
    }
    counts
}

/// Asks an issuer about a token, and for a signed answer; the status, and what is said.
async fn ask(app: &App, issuer: &Issuer<'_>, client_id: &str, token: &str) -> (u16, String) {
    let request = client()
        .post(app.at(&issuer.at("/introspect")))
        .basic_auth(client_id, Some(SECRET))
        .header("accept", "application/token-introspection+jwt")
        .form(&[("token", token)]);
    let reply = request.send().await.expect("answered");
    (reply.status().as_u16(), reply.text().await.expect("text"))
}

/// Anyone's client would otherwise have keys made in every organization, by asking about nonsense.
#[tokio::test]
async fn a_client_that_is_not_admitted_asks_nothing_and_leaves_nothing() {
    let app = App::start().await;
    app.apply(OTHERS).await;
    let acme = Issuer::of(&app, "acme").await;
    let before = app.events("acme").await;

    let (refused, said) = ask(&app, &acme, "globex-api", "nonsense").await;
    let (unknown, told) = ask(&app, &acme, "nobody", "nonsense").await;
    let plain = app.post_as(&acme.at("/introspect"), ("globex-api", SECRET), &[("token", "x")]).await;

    assert_eq!((refused, &said), (unknown, &told), "as one that does not exist");
    assert_eq!((refused, plain.outcome()), (401, "401 invalid_client".to_owned()));
    assert_eq!(traces(&app, "acme").await, [0, 0, 0]);
    assert_eq!(app.events("acme").await, before);
    let known = "token.refused refused other_issuer".to_owned();
    assert!(app.events("globex").await.contains(&known), "the client's owner hears of it");
    let globex = Issuer::of(&app, "globex").await;
    assert_eq!(ask(&app, &globex, "globex-api", "nonsense").await.0, 200, "at home it may");
}

#[tokio::test]
async fn a_question_makes_no_keys_and_is_answered_by_those_that_are_there() {
    let app = App::start().await;
    app.apply(OTHERS).await;
    let acme = Issuer::of(&app, "acme").await;

    let (status, signed) = ask(&app, &acme, "notes", "nonsense").await;

    assert_eq!((status, traces(&app, "acme").await), (200, vec![0, 0, 0]));
    let shared = app.base.as_str().trim_end_matches('/');
    assert_eq!(claims(&signed)["iss"], shared, "who signs says who it is");
    assert_eq!(claims(&signed)["token_introspection"], json!({ "active": false }));
    acme.redeem(&acme.sign_in("ada@acme.test").await.answer("code")).await;
    let (_, signed) = ask(&app, &acme, "notes", "nonsense").await;
    assert_eq!(claims(&signed)["iss"], acme.identifier());
}

/// A change of keys is told to every node. It is none of the configuration, which would be read anew by all of them.
#[tokio::test]
async fn a_change_of_keys_forgets_no_configuration() {
    let app = App::start().await;
    let (operator, store) = (app.org("operator").await, &app.env.store);
    let before = app.env.configuration.client(store, "notes").await.expect("read").expect("a client");
    // Both in one transaction, which no trigger hears of.
    let unheard = "set local session_replication_role = replica;
         update client_directory set name = 'Other' where client_id = 'notes'";
    sqlx::raw_sql(unheard).execute(app.database.superuser()).await.expect("done");

    let replaced =
        replace(&app.env, &operator, SigningAlgorithm::Es256, Replacement::Now).await.expect("replaced");
    while !app.env.keys.shared().published().contains(&replaced.kid) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let after = app.env.configuration.client(store, "notes").await.expect("read").expect("a client");
    assert_eq!(after.name, before.name, "it is still known");
}

/// Takes a key over for Acme that the test knows, too.
async fn known_key(app: &App) -> SigningKey {
    let key = SigningKey::generate(SigningAlgorithm::Es256).expect("a key");
    let base64 = BASE64_STANDARD.encode(key.to_pkcs8().expect("a private key"));
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n");
    let acme = app.org("acme").await;
    import(&app.env, &acme, SigningAlgorithm::Es256, (&pem, Replacement::Now)).await.expect("taken over");
    key
}

fn with(claims: &Value, changes: &[(&str, &Value)]) -> Vec<u8> {
    let mut claims = claims.clone();
    for (name, value) in changes {
        claims[*name] = (*value).clone();
    }
    claims.to_string().into_bytes()
}

/// Whoever has an organization's key speaks for that organization.
#[tokio::test]
async fn an_organizations_key_vouches_for_no_other_organization() {
    let app = App::start().await;
    app.apply(OTHERS).await;
    let (acme, globex) = (Issuer::of(&app, "acme").await, Issuer::of(&app, "globex").await);
    let key = known_key(&app).await;
    let own = acme.redeem(&acme.sign_in("ada@acme.test").await.answer("code")).await;
    let victim = app.sign_in("globex", "gus@globex.test").await.claims("access_token");
    let machine = app.token_as("worker", SECRET, &[MACHINE, ("organization", "globex")]).await;
    let issuer = json!(acme.identifier());

    let genuine = key.sign("at+jwt", &with(&own.claims("access_token"), &[])).expect("signed");
    let person = key.sign("at+jwt", &with(&victim, &[("iss", &issuer)])).expect("signed");
    let robot = with(&machine.claims("access_token"), &[("iss", &issuer)]);
    let robot = key.sign("at+jwt", &robot).expect("signed");

    assert_eq!(app.userinfo(&genuine).await.status, 200, "the key is Acme's");
    let introspect = async |path: &str, client_id: &str, token: &str| {
        app.post_as(path, (client_id, SECRET), &[("token", token)]).await.body
    };
    assert_eq!(introspect("/introspect", "notes", &genuine).await["active"], json!(true));
    for forged in [&person, &robot] {
        assert_eq!(app.userinfo(forged).await.status, 401);
        for issuer in [&acme, &globex] {
            assert_eq!(issuer.userinfo(forged).await, 401, "{}", issuer.path);
        }
    }
    for path in ["/introspect".to_owned(), acme.at("/introspect"), globex.at("/introspect")] {
        assert_eq!(introspect(&path, "notes", &person).await, json!({ "active": false }), "{path}");
        assert_eq!(introspect(&path, "worker", &robot).await, json!({ "active": false }), "{path}");
    }
    assert!(verifies(&keys(&app, &acme.at("/jwks.json")).await, &person), "its signature is right");
}

#[tokio::test]
async fn what_was_pushed_to_one_issuer_is_unknown_to_every_other() {
    let app = App::start().await;
    let (acme, globex) = (Issuer::of(&app, "acme").await, Issuer::of(&app, "globex").await);
    let shared = Issuer { app: &app, path: String::new() };
    let push = async |issuer: &Issuer<'_>| -> String {
        let challenge = super::authorization_url(&app.base, &[]);
        let form: Vec<(String, String)> = challenge.query_pairs().into_owned().collect();
        let form: Vec<_> = form.iter().map(|(name, value)| (&**name, &**value)).collect();
        let pushed: Reply = app.post_as(&issuer.at("/par"), ("notes", SECRET), &form).await;
        assert_eq!(pushed.status, 201, "{}", pushed.body);
        pushed.text("request_uri")
    };

    for (pushed_to, others) in [(&acme, [&globex, &shared]), (&shared, [&acme, &globex])] {
        let request_uri = push(pushed_to).await;
        for other in others {
            let refused = other.authorize(&app.browser(), &[("request_uri", &request_uri)]).await;
            assert_eq!(
                refused.answer("error"),
                "invalid_request_uri",
                "{:?} {:?}",
                pushed_to.path,
                other.path
            );
        }
        let begun = pushed_to.authorize(&app.browser(), &[("request_uri", &request_uri)]).await;
        assert!(["/sign-in", "/discover"].contains(&&*begun.leads_to()), "{}", begun.body);
    }
}

/// What names no organization is answered as what names another one, or each name could be tried.
#[tokio::test]
async fn an_issuer_tells_nobody_which_other_organizations_there_are() {
    let app = App::start().await;
    app.apply(OTHERS).await;
    let acme = Issuer::of(&app, "acme").await;
    let hint = app.sign_in("acme", "ada@acme.test").await.text("id_token");
    let globex = app.org("globex").await.org_id().to_string();

    for named in ["globex", &globex, "nowhere", "org_x"] {
        let machine =
            app.post_as(&acme.at("/token"), ("worker", SECRET), &[MACHINE, ("organization", named)]).await;
        let person = acme.authorize(&app.browser(), &[("organization", named)]).await;
        let hinted = app.browser().authorize(&[("organization", named), ("id_token_hint", &hint)]).await;
        let own = app.browser().authorize(&[("organization", named), ("client_id", "acme-only")]).await;

        assert_eq!(machine.outcome(), "400 organization_mismatch", "{named}");
        for page in [person, hinted, own] {
            assert_eq!(page.answer("error"), "organization_mismatch", "{named}");
        }
    }
}

/// Keys that change all the time, so that none is ever at hand, keep nobody waiting for ever.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_prepared_keys_goes_on_with_them() {
    let app = App::start().await;
    let acme = Issuer::of(&app, "acme").await;
    let code = acme.sign_in("ada@acme.test").await.answer("code");
    let env = app.env.clone();
    let forgetting = tokio::spawn(async move {
        loop {
            env.keys.forget(Some("signing_keys:00000000-0000-0000-0000-000000000000"));
            env.keys.forget(None);
            tokio::task::yield_now().await;
        }
    });

    let limit = Duration::from_secs(20);
    let tokens = tokio::time::timeout(limit, acme.redeem(&code)).await.expect("redeemed");
    let refresh_token = tokens.text("refresh_token");
    let refreshed = tokio::time::timeout(limit, acme.refresh(&refresh_token)).await.expect("refreshed");
    forgetting.abort();

    assert_eq!((tokens.status, refreshed.status), (200, 200), "{} {}", tokens.body, refreshed.body);
}

/// Whose a token is, is known before keys are made for its answer.
#[tokio::test]
async fn another_clients_token_makes_no_keys() {
    let app = App::start().await;
    app.apply(&format!(
        "
clients:
  - client_id: other
    organization: operator
    name: Other
    type: web
    audience: all
    client_secret: \"${{SECRET}}\"
    signing_algorithm: EdDSA
    redirect_uris: [\"{CALLBACK}\"]
    resource: notes
"
    ))
    .await;
    let acme = Issuer::of(&app, "acme").await;
    let code = acme.sign_in("ada@acme.test").await.answer("code");
    let tokens = acme.redeem(&code).await;
    let before = traces(&app, "acme").await;

    let form = [("grant_type", "refresh_token"), ("refresh_token", &*tokens.text("refresh_token"))];
    let foreign = app.post_as(&acme.at("/token"), ("other", SECRET), &form).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let stolen = app.post_as(&acme.at("/token"), ("other", SECRET), &form).await;

    assert_eq!(
        (foreign.outcome(), stolen.outcome()),
        ("400 invalid_grant".into(), "400 invalid_grant".into())
    );
    assert_eq!(traces(&app, "acme").await, before);
    assert_eq!(acme.refresh(&tokens.text("refresh_token")).await.status, 200);
}
