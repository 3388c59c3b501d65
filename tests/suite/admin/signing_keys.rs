//! Signing keys: seen, and the next ones published, without anything that was signed being lost.

use orgate_tests::app::{App, SECRET};

use super::console::operator;
use super::{administrator, open_as, send};

const LIST: &str = "/admin/acme/signing-keys";
const ROTATE: &str = "/admin/acme/signing-keys/rotate";

/// Acme, which has issued a token by its own issuer.
async fn issuing() -> App {
    let app = App::start().await;
    let api = app.env.issuer.api();
    app.apply(&format!(
        "organizations: [{{ slug: acme, name: Acme Inc, roles: [{{ slug: reader, permissions: [\"orgate:users:read\"] }}] }}]
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
    let gus = administrator(&app, "globex", "gus@globex.test").await;
    let ruth = operator(&app).await;
    let vic = open_as(&app.browser(), LIST, "vic@acme.test").await;

    let empty = gus.get("/admin/globex/signing-keys").await;
    let shared = ruth.get("/admin/operator/signing-keys").await;
    let forged = ruth.post(ROTATE, &[("csrf", "x")]).await;

    assert!(vic.status == 403 && vic.body.contains("orgate:signing_keys:read"), "{}", vic.body);
    assert!(empty.body.contains("no key of its own yet") && !empty.body.contains("rotate"), "{}", empty.body);
    assert!(count(&shared.body, "Signs") > 0 && shared.body.contains("/jwks.json\">"), "{}", shared.body);
    assert_ne!(forged.status, 200);
}
