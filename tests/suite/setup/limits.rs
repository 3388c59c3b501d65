//! What a link's holder cannot do: take a secret along, or bring back what gave more.

use orgate_tests::openid_provider::{CLIENT_ID, OpenIdProvider};
use serde_json::json;

use super::world::{World, member};

#[tokio::test]
async fn a_secret_goes_to_the_provider_that_it_was_saved_for_and_to_no_other() {
    let world = World::start().await;
    let (wizard, base) = world.draft(&[]).await;
    let evil = OpenIdProvider::start().await;
    let seen = wizard.browser.get(format!("{base}/provider")).await.field("seen");
    let save = async |issuer: &str, client_id: &str| {
        let fields =
            [("seen", seen.as_str()), ("issuer", issuer), ("client_id", client_id), ("client_secret", "")];
        wizard.post(&format!("{base}/provider"), &fields).await
    };

    let elsewhere = save(evil.issuer(), CLIENT_ID).await;
    let other_client = save(world.provider.issuer(), "another").await;
    let kept = save(world.provider.issuer(), CLIENT_ID).await;

    for refused in [elsewhere, other_client] {
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(refused.body.contains("Paste the client secret"), "{}", refused.body);
    }
    assert_eq!(kept.leads_to(), format!("{base}/mapping"), "{}", kept.body);
}

#[tokio::test]
async fn what_is_brought_back_gives_no_more_than_the_link_may() {
    let world = World::start().await;
    let (generous, base) = world.draft(&["admin"]).await;
    generous.save_mapping(&base, &[("default_role", "admin")]).await;
    world.test(&generous, &base, member("ada", &[])).await;
    generous.activate(&base, "2").await;
    let strict = world.open(&world.link("acme", &["viewer"]).await).await;
    strict.save_mapping(&base, &[("default_role", "viewer")]).await;
    world.test(&strict, &base, member("ada", &[])).await;
    strict.activate(&base, "3").await;

    let done = strict.post(&format!("{base}/roll-back"), &[("version", "3"), ("to", "2")]).await;

    assert_eq!(done.leads_to(), format!("{base}/activate"), "{}", done.body);
    assert_eq!(world.connection("live_version").await, "4", "a new version under the link's own ceiling");
    assert_eq!(world.roles_of(member("newcomer", &[])).await, json!([]));
}

#[tokio::test]
async fn a_link_does_not_change_how_far_a_verified_domain_reaches() {
    let world = World::start().await;
    let wizard = world.open(&world.link("acme", &[]).await).await;
    let verify = async |more: &[(&str, &str)]| {
        wizard.post("/setup/domains/verify", &[&[("domain", "acme.test")], more].concat()).await
    };

    let wider = verify(&[("subdomains", "1"), ("shared", "1")]).await;
    let same = verify(&[]).await;

    assert!(wider.status.is_client_error(), "{}", wider.body);
    assert!(wider.body.contains("verified already"), "{}", wider.body);
    assert!(!same.status.is_client_error(), "{}", same.body);
    let reach = "select bool_or(subdomains or shared) from domains where domain = 'acme.test'";
    let wider: bool =
        sqlx::query_scalar(reach).fetch_one(world.app.database.superuser()).await.expect("read");
    assert!(!wider);
}
