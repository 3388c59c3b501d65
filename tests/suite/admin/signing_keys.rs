//! Signing keys: seen, and the next ones published, without anything that was signed being lost.

use orgate_tests::app::{App, PASSWORD, SECRET};

use super::console::operator;
use super::{administrator, open_as, send};

const LIST: &str = "/admin/acme/signing-keys";
const ROTATE: &str = "/admin/acme/signing-keys/rotate";

/// Acme, which has issued a token by its own issuer.
async fn issuing() -> App {
    let app = App::start().await;
    let api = app.env.issuer.api();
    app.apply(&format!(
        "organizations: [{{ slug: acme, name: Acme Inc, 
    roles: [{{ slug: reader, permissions: [\"orgate:users:read\"] }}, {{ slug: key-reader, permissions: [\"orgate:organization:read\", \"orgate:signing_keys:read\"] }}],
    users: [{{ email: kim@acme.test, name: Kim, password: {PASSWORD}, roles: [key-reader] }}] }}]
clients:
  - {{ client_id: robot, organization: acme, name: Robot, type: machine, audience: owner, client_secret: \"${{SECRET}}\",
      resources: [\"{api}\"], scopes: [\"orgate:*\"], roles: [reader] }}"
    ))
    .await;
    let form = [("grant_type", "client_credentials"), ("resource", api.as_str())];
    let path = format!("/o/{}/token", app.org("acme").await.org_id());
    let issued = app.post_as(&path, ("robot", SECRET), &form).await;
    assert_eq!(issued.status, 200, "{:?}", issued.body);
    app
}

fn count(body: &str, state: &str) -> usize {
    body.matches(&format!("\">{state}</span>")).count()
}

#[tokio::test]
async fn the_next_keys_are_published_and_sign_later() {
    let app = issuing().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let before = ada.get(LIST).await;

    let done = send(&ada, &before, ROTATE, &[]).await;
    let after = ada.follow(done).await;
    let again = ada.follow(send(&ada, &after, ROTATE, &[]).await).await;

    let document = format!("/o/{}/jwks.json", app.org("acme").await.org_id());
    assert!(before.body.contains(&format!("{document}\">")), "{}", before.body);
    let signing = count(&before.body, "Signs");
    assert!(signing > 0 && after.body.contains("The next keys are published."), "{}", after.body);
    for page in [&after, &again] {
        assert_eq!(
            (count(&page.body, "Signs"), count(&page.body, "Next")),
            (signing, signing),
            "{}",
            page.body
        );
        assert_eq!(count(&page.body, "Retired"), 0, "{}", page.body);
    }
    let known = app.get(&document).await;
    assert_eq!(known.body["keys"].as_array().map(Vec::len), Some(2 * signing), "{:?}", known.body);
}

#[tokio::test]
async fn who_may_only_read_replaces_none_and_operators_see_the_shared_ones() {
    let app = issuing().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let kim = administrator(&app, "acme", "kim@acme.test").await;
    let gus = administrator(&app, "globex", "gus@globex.test").await;
    let ruth = operator(&app).await;
    let vic = open_as(&app.browser(), LIST, "vic@acme.test").await;

    let seen = kim.get(LIST).await;
    let refused = kim.post(ROTATE, &[("csrf", "x")]).await;
    let forged = ada.post(ROTATE, &[("csrf", "x")]).await;
    let elsewhere = gus.post(ROTATE, &[("csrf", "x")]).await;
    let after = ada.get(LIST).await;
    let empty = gus.get("/admin/globex/signing-keys").await;
    let shared = ruth.get("/admin/operator/signing-keys").await;

    assert!(seen.status == 200 && count(&seen.body, "Signs") > 0, "{}", seen.body);
    assert!(!seen.body.contains("/rotate"), "{}", seen.body);
    assert!(after.body.contains("/rotate") && count(&after.body, "Next") == 0, "{}", after.body);
    assert!(refused.status == 403 && refused.body.contains("orgate:signing_keys:manage"), "{}", refused.body);
    assert!(forged.status == 403 && forged.body.contains("grown old"), "{}", forged.body);
    assert!(elsewhere.status != 200 && !elsewhere.body.contains("published"), "{}", elsewhere.body);
    assert!(vic.status == 403 && vic.body.contains("orgate:signing_keys:read"), "{}", vic.body);
    assert!(empty.body.contains("no key of its own yet") && !empty.body.contains("rotate"), "{}", empty.body);
    assert!(count(&shared.body, "Signs") > 0 && shared.body.contains("/jwks.json\">"), "{}", shared.body);
}
