//! Signing keys of an organization's own issuer, and of the shared one.

use std::collections::BTreeSet;

use orgate_tests::app::{App, Reply, SECRET, client};
use serde_json::{Value, json};

use super::{PATH, app, call, token_of};

const ROTATE: &str = "/organizations/acme/signing-keys/rotate";

async fn keys(app: &App, token: &str, organization: &str) -> Vec<Value> {
    let path = format!("/organizations/{organization}/signing-keys");
    let listed = call(app, Some(token), ("GET", &path), None).await;
    assert_eq!(listed.status, 200, "{:?}", listed.body);
    listed.body["items"].as_array().expect("a list").clone()
}

fn kids(keys: &[Value]) -> BTreeSet<String> {
    keys.iter().map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

fn of_state(keys: &[Value], state: &str) -> usize {
    keys.iter().filter(|key| key["algorithm"] == "ES256" && key["state"] == state).count()
}

/// Makes an organization its own issuer: somebody is issued a token by it.
async fn issue(app: &App, organization: &str, machine: &str) {
    let path = format!("/o/{}/token", app.org(organization).await.org_id());
    let api = app.env.issuer.api();
    let form = [("grant_type", "client_credentials"), ("resource", api.as_str())];
    let issued = app.post_as(&path, (machine, SECRET), &form).await;
    assert_eq!(issued.status, 200, "{:?}", issued.body);
}

async fn jwks(app: &App, organization: Option<&str>) -> BTreeSet<String> {
    let path = match organization {
        Some(slug) => format!("/o/{}/jwks.json", app.org(slug).await.org_id()),
        None => "/jwks.json".to_owned(),
    };
    let served = app.get(&path).await;
    assert_eq!(served.status, 200, "{path}");
    kids(served.body["keys"].as_array().expect("keys"))
}

#[tokio::test]
async fn whoever_may_replaces_their_own_issuers_keys_and_no_others() {
    let app = app().await;
    let (acme, operator) = (token_of(&app, "all").await, token_of(&app, "operator-all").await);
    issue(&app, "acme", "all").await;
    let shared = keys(&app, &operator, "operator").await;
    assert_eq!(kids(&shared), jwks(&app, None).await);
    let before = keys(&app, &acme, "acme").await;
    assert_eq!(kids(&before), jwks(&app, Some("acme")).await);
    assert!(kids(&before).is_disjoint(&kids(&shared)));
    let members: BTreeSet<_> = before[0].as_object().expect("a key").keys().map(String::as_str).collect();
    let shown = ["algorithm", "expires_at", "kid", "promoted_at", "published_at", "retired_at", "state"];
    assert_eq!(members, shown.into(), "nothing private");

    let es256 = json!({ "algorithm": "ES256" });
    for _ in 0..2 {
        let rotated = call(&app, Some(&acme), ("POST", ROTATE), Some(&es256)).await;
        assert_eq!(rotated.status, 200, "{:?}", rotated.body);
        let now = rotated.body["items"].as_array().expect("keys").clone();
        assert_eq!((of_state(&now, "next"), of_state(&now, "current")), (1, 1), "{now:?}");
    }
    let at_once = json!({ "algorithm": "ES256", "now": true });
    assert_eq!(call(&app, Some(&acme), ("POST", ROTATE), Some(&at_once)).await.status, 200);
    let after = keys(&app, &acme, "acme").await;

    assert_eq!((of_state(&after, "current"), of_state(&after, "retired")), (1, 1), "{after:?}");
    assert_eq!(keys(&app, &operator, "operator").await, shared, "the shared ones are not theirs");
    let elsewhere = ("POST", "/organizations/operator/signing-keys/rotate");
    assert_eq!(call(&app, Some(&acme), elsewhere, Some(&es256)).await.status, 404);
    let told: Vec<(String, Option<String>)> = sqlx::query_as(
        "select actor_kind, actor_id from audit_events event
         join organizations organization on organization.org_id = event.org_id
         where slug = 'acme' and action in ('key.created', 'key.promoted', 'key.retired') and actor_kind <> 'system'",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the log");
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.iter().all(|(kind, id)| kind == "application" && id.is_some()), "{told:?}");
}

#[tokio::test]
async fn a_rotation_that_cannot_be_is_told_so_and_a_lost_answer_replaces_nothing_twice() {
    let app = app().await;
    let acme = token_of(&app, "all").await;
    issue(&app, "acme", "all").await;
    for (wrong, pointer) in [
        (json!({ "algorithm": "HS256" }), "/algorithm"),
        (json!({ "algorithm": "none" }), "/algorithm"),
        (json!({ "algorithm": "EdDSA" }), "/algorithm"),
        (json!({ "revoke_old": true }), "/revoke_old"),
    ] {
        let refused = call(&app, Some(&acme), ("POST", ROTATE), Some(&wrong)).await;
        let found = (refused.status, refused.body["errors"][0]["pointer"].as_str());
        assert_eq!(found, (422, Some(pointer)), "{wrong}");
    }
    let post = async |key: &str| {
        let request = client().post(app.at(&format!("{PATH}{ROTATE}"))).bearer_auth(&acme);
        let request = request.header("idempotency-key", key);
        let wanted = json!({ "algorithm": "ES256", "now": true });
        Reply::of(request.json(&wanted).send().await.expect("answered")).await
    };

    let (first, second) = (post("once").await, post("once").await);

    assert_eq!((first.status, second.status), (200, 200), "{:?}", first.body);
    assert_eq!(first.body, second.body);
    let mut statuses = Vec::new();
    for number in 0..8 {
        statuses.push(post(&format!("more-{number}")).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 409, 409], "what is published is bounded");
    assert_eq!(post("more-7").await.status, 409, "what was refused is not told as done");
}
