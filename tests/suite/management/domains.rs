//! Domains, claimed and proven by an organization's own administrators.

use orgate_tests::app::{App, Reply};
use orgate_tests::name_server::NameServer;
use serde_json::{Value, json};

use super::changes::call_with;
use super::{call, machines, token_of};

const DOMAINS: &str = "/organizations/acme/domains";

async fn world() -> (App, NameServer) {
    let dns = NameServer::start().await;
    let app = App::start_with(|settings| settings.dns.servers = vec![dns.address]).await;
    app.apply(&machines(&app)).await;
    (app, dns)
}

async fn claim(app: &App, token: &str, organization: &str, name: &str) -> Reply {
    let path = format!("/organizations/{organization}/domains");
    call(app, Some(token), ("POST", &path), Some(&json!({ "name": name }))).await
}

#[tokio::test]
async fn an_administrator_claims_a_domain_proves_it_and_gives_it_up() {
    let (app, dns) = world().await;
    let token = token_of(&app, "all").await;

    let claimed = claim(&app, &token, "acme", "Proven.test").await;

    assert_eq!(claimed.status, 201, "{:?}", claimed.body);
    insta::assert_json_snapshot!(claimed.body, { ".id" => "dom_…", ".record.value" => "orgate-verification=…" }, @r#"
    {
      "checked_at": null,
      "id": "dom_…",
      "lapses_at": null,
      "name": "proven.test",
      "record": {
        "name": "_orgate-challenge.proven.test",
        "type": "TXT",
        "value": "orgate-verification=…"
      },
      "shared": false,
      "subdomains": false,
      "verified_at": null
    }
    "#);
    assert_eq!(claim(&app, &token, "acme", "proven.test").await.body, claimed.body, "it stays as it is");
    let path = format!("{DOMAINS}/{}", claimed.text("id"));
    let verify = async |terms: Value| {
        call(&app, Some(&token), ("POST", &format!("{path}/verify")), Some(&terms)).await
    };
    let missing = verify(json!({})).await;
    assert_eq!((missing.status, &missing.body["outcome"]), (200, &json!("no_record")), "{:?}", missing.body);
    dns.fail(true);
    assert_eq!(verify(json!({})).await.body["outcome"], "unreachable");
    dns.fail(false);
    let record = &claimed.body["record"];
    dns.set(record["name"].as_str().expect("a name"), record["value"].as_str().expect("a value"));
    let verified = verify(json!({ "subdomains": true })).await;
    assert_eq!(verified.body["outcome"], "verified", "{:?}", verified.body);
    assert!(verified.body["domain"]["verified_at"].is_string());
    let other = verify(json!({ "subdomains": false })).await;
    assert_eq!((other.status, &other.body["errors"][0]["pointer"]), (422, &json!("/subdomains")));

    let read = call(&app, Some(&token), ("GET", &path), None).await;
    assert_eq!(read.body, verified.body["domain"]);
    let listed = call(&app, Some(&token), ("GET", DOMAINS), None).await;
    let names: Vec<_> =
        listed.body["items"].as_array().expect("domains").iter().map(|item| &item["name"]).collect();
    assert!(names.contains(&&json!("proven.test")) && names.contains(&&json!("acme.test")), "{names:?}");
    let old = claimed.headers["etag"].to_str().expect("text");
    let stale = call_with(&app, &token, ("DELETE", &path), (&[("if-match", old)], &Value::Null)).await;
    assert_eq!(stale.status, 412);
    assert_eq!(call(&app, Some(&token), ("DELETE", &path), None).await.status, 204);
    assert_eq!(call(&app, Some(&token), ("DELETE", &path), None).await.status, 404);
    let by: Vec<(String, String, String)> = sqlx::query_as(
        "select action, coalesce(reason, ''), actor_kind from audit_events
         where action like 'domain.%' and actor_kind <> 'operator' order by id",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the log");
    let told = |action: &str, reason: &str| (action.to_owned(), reason.to_owned(), "application".to_owned());
    assert_eq!(
        by,
        [
            told("domain.claimed", ""),
            told("domain.refused", "no_record"),
            told("domain.refused", "unreachable"),
            told("domain.verified", ""),
            told("domain.released", ""),
        ]
    );
}

#[tokio::test]
async fn nobody_gets_what_is_anybodys_or_another_organizations() {
    let (app, dns) = world().await;
    let (acme, globex) = (token_of(&app, "all").await, token_of(&app, "globex-all").await);

    for name in ["gmail.com", "co.uk", "no domain", ""] {
        let refused = claim(&app, &acme, "acme", name).await;
        assert_eq!((refused.status, &refused.body["errors"][0]["pointer"]), (422, &json!("/name")), "{name}");
    }
    // Nothing tells that it is another's before the zone says who asks.
    let (own, theirs) =
        (claim(&app, &acme, "acme", "both.test").await, claim(&app, &globex, "globex", "both.test").await);
    let value = |reply: &Reply| vec![reply.body["record"]["value"].as_str().expect("a value").to_owned()];
    let verify = async |token: &str, organization: &str, claimed: &Reply| {
        let path = format!("/organizations/{organization}/domains/{}/verify", claimed.text("id"));
        call(&app, Some(token), ("POST", &path), Some(&json!({}))).await.body["outcome"].clone()
    };
    dns.set_all("_orgate-challenge.both.test", vec![value(&own)]);
    assert_eq!(verify(&acme, "acme", &own).await, "verified");
    assert_eq!(verify(&globex, "globex", &theirs).await, "no_record");
    dns.set_all("_orgate-challenge.both.test", vec![value(&own), value(&theirs)]);
    assert_eq!(verify(&globex, "globex", &theirs).await, "held_elsewhere");
}

#[tokio::test]
async fn a_domain_is_claimed_once_by_a_key() {
    let (app, _) = world().await;
    let token = token_of(&app, "all").await;
    let post = async |name: &str| {
        let body = json!({ "name": name });
        call_with(&app, &token, ("POST", DOMAINS), (&[("idempotency-key", "k")], &body)).await
    };

    let (first, again, other) = (post("once.test").await, post("once.test").await, post("other.test").await);

    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.body, again.body);
    assert_eq!(other.text("type"), "urn:orgate:problem:idempotency_key_reused");
    let listed = call(&app, Some(&token), ("GET", DOMAINS), None).await;
    assert!(!listed.body.to_string().contains("other.test"), "nothing was claimed by a key that was used");
}
