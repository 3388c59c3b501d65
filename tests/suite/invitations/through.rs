//! An invitation is accepted at the organization's identity provider.

use orgate_tests::app::{App, Browser, Page};
use orgate_tests::openid_provider::OpenIdProvider;
use serde_json::json;

use super::{CHOSEN, World};

const ENFORCED: &str = "    policy: { sso_enforcement: domains }\n";

/// Acme signs in through a provider that makes no users by itself.
async fn world(policy: &str) -> (World, OpenIdProvider) {
    let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
    let provider = OpenIdProvider::start().await;
    configure(&app, &provider, policy).await;
    (World::of(app).await, provider)
}

async fn configure(app: &App, provider: &OpenIdProvider, policy: &str) {
    let connection = provider.connection("workforce", "acme.test", "          jit: { enabled: false }\n");
    app.apply(&format!(
        "organizations:\n  - slug: acme\n    name: Acme Inc\n    domains: [acme.test]\n{policy}    connections:\n{connection}"
    ))
    .await;
}

/// Accepts at the provider, as whoever signs in there.
async fn accept_at(world: &World, provider: &OpenIdProvider, browser: &Browser, link: &str) -> Page {
    let page = browser.get(link).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let fields = ["invitation", "csrf", "connection"].map(|name| (name, page.field(name)));
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let left = browser.post("/invitations/connection", &fields).await;
    assert_eq!(left.status, 200, "{}", left.body);
    let from = left.body.find("http").map(|at| &left.body[at..]).expect("an address");
    let onward = left.body.split("href=\"").find(|part| part.starts_with("http")).unwrap_or(from);
    let onward = onward.split('"').next().unwrap_or_default().replace("&#38;", "&").replace("&amp;", "&");
    let departure = onward.parse().expect("an address");
    assert_eq!(world.count("select count(*) from invitations where accepted_at is not null").await, 0);
    browser.get(provider.answer(&departure)).await
}

#[tokio::test]
async fn where_sso_is_enforced_only_whoever_the_provider_says_has_the_address_accepts() {
    let (world, provider) = world(ENFORCED).await;
    let link =
        world.invite(json!({ "email": "new@acme.test", "roles": ["viewer"], "client_id": "landing" })).await;
    let browser = world.app.browser();
    let page = browser.get(&link).await;
    assert!(!page.body.contains("name=\"password\""), "there is no password to choose");
    let forced = world.send(&browser, &page, CHOSEN).await;
    assert_eq!(forced.status, 422, "nor by a form that somebody made");
    assert_eq!(world.count("select count(*) from users where email = 'new@acme.test'").await, 0);

    provider.user(json!({ "sub": "eve", "email": "eve@acme.test", "email_verified": true }));
    let other = accept_at(&world, &provider, &browser, &link).await;
    assert_eq!(other.status, 403);
    assert!(other.body.contains("Somebody else was invited"), "{}", other.body);
    provider.user(json!({ "sub": "liar", "email": "new@acme.test", "email_verified": false }));
    assert_eq!(accept_at(&world, &provider, &browser, &link).await.status, 403, "it does not vouch for it");
    assert_eq!(world.count("select count(*) from users where email like '%new@acme.test'").await, 0);

    provider
        .user(json!({ "sub": "new", "email": "New@acme.test", "email_verified": true, "name": "Nora New" }));
    let joined = accept_at(&world, &provider, &browser, &link).await;
    assert_eq!(joined.status, 303, "{}", joined.body);
    assert!(joined.location().expect("on").as_str().starts_with("https://app.acme.test/login?iss="));
    let user = world.user("new@acme.test").await;
    assert_eq!((&user["roles"], &user["name"]), (&json!(["viewer"]), &json!("Nora New")));
    let code = browser.authorize(&[("organization", "acme")]).await.answer("code");
    assert_eq!(world.app.redeem(&code).await.status, 200, "they are signed in");
    let linked = "select count(*) from identity_links where subject = 'new'";
    assert_eq!(world.count(linked).await, 1, "and known to the connection");
    let again = accept_page(&world, &link).await;
    assert_eq!(again.status, 410);
}

async fn accept_page(world: &World, link: &str) -> Page {
    world.app.browser().get(link).await
}

/// Where SSO is not enforced, the link proves the address, and the provider who they are: of another address they are not.
#[tokio::test]
async fn somebody_from_outside_accepts_through_a_connection_only_as_who_was_invited() {
    let (world, provider) = world("").await;
    let link = world.invite(json!({ "email": "guest@partner.test" })).await;
    let browser = world.app.browser();
    provider.user(json!({ "sub": "eve", "email": "eve@partner.test", "email_verified": true }));

    assert_eq!(accept_at(&world, &provider, &browser, &link).await.status, 403);
    provider.user(json!({ "sub": "none" }));
    assert_eq!(accept_at(&world, &provider, &browser, &link).await.status, 403);
    provider.user(json!({ "sub": "guest", "email": "guest@partner.test", "email_verified": true }));
    let joined = accept_at(&world, &provider, &browser, &link).await;

    assert_eq!(joined.status, 200, "{}", joined.body);
    assert!(joined.body.contains("You have joined"), "{}", joined.body);
    assert_eq!(world.user("guest@partner.test").await["email_verified"], true);
}

/// Whoever is invited and signs in from the application, and not by the link, is who was invited as well.
#[tokio::test]
async fn a_first_sign_in_of_whoever_is_invited_uses_the_invitation() {
    let (world, provider) = world(ENFORCED).await;
    let link = world.invite(json!({ "email": "new@acme.test", "roles": ["viewer"] })).await;
    let sign_in = async |user: serde_json::Value| {
        provider.user(user);
        let browser = world.app.browser();
        let page = browser.authorize(&[("organization", "acme"), ("login_hint", "x@acme.test")]).await;
        let departure = browser.follow(page).await.location().expect("to the provider");
        browser.get(provider.answer(&departure)).await
    };

    let nobody = sign_in(json!({ "sub": "eve", "email": "eve@acme.test", "email_verified": true })).await;
    let invited = sign_in(json!({ "sub": "new", "email": "new@acme.test", "email_verified": true })).await;

    assert_eq!(nobody.status, 403, "JIT is off");
    let tokens = world.app.redeem(&invited.answer("code")).await;
    assert_eq!(tokens.claims("access_token")["roles"], json!(["viewer"]));
    assert_eq!(accept_page(&world, &link).await.status, 410);
    let events = world.app.events("acme").await;
    assert!(events.contains(&"invitation.accepted success".to_owned()), "{events:?}");
}

/// The operator says how many there may be, whichever way they come.
#[tokio::test]
async fn a_first_sign_in_takes_a_seat_and_who_is_invited_has_one() {
    let (world, provider) = world(ENFORCED).await;
    let jit = provider.connection("workforce", "acme.test", "          jit: { enabled: true }\n");
    world
        .app
        .apply(&format!("organizations:\n  - slug: acme\n    name: Acme Inc\n    domains: [acme.test]\n    connections:\n{jit}"))
        .await;
    world.invite(json!({ "email": "new@acme.test" })).await;
    world.run("update organizations set seats = 4 where slug = 'acme'").await;
    let sign_in = async |sub: &str| {
        provider.user(json!({ "sub": sub, "email": format!("{sub}@acme.test"), "email_verified": true }));
        let browser = world.app.browser();
        let page = browser.authorize(&[("organization", "acme"), ("login_hint", "x@acme.test")]).await;
        let departure = browser.follow(page).await.location().expect("to the provider");
        browser.get(provider.answer(&departure)).await
    };

    let refused = sign_in("eve").await;
    let invited = sign_in("new").await;

    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("no room"), "{}", refused.body);
    assert!(!invited.answer("code").is_empty());
    assert_eq!(world.count("select count(*) from users where email = 'eve@acme.test'").await, 0);
}
