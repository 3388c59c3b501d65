//! Enforced SSO, break-glass, and connections that are closed: what a user still has is worth nothing.

use orgate_domain::email::Email;
use orgate_flows::recover::make_codes;
use orgate_tests::app::PASSWORD;

use super::world::{JIT, World, member};

const DOMAINS: &str = "    policy: { sso_enforcement: domains }\n";
const ORGANIZATION: &str = "    policy: { sso_enforcement: organization }\n";

/// A page without what differs each time: what was typed, what its forms are bound by, and whatever is long enough to
/// be random.
fn template(body: &str, email: &str) -> String {
    let mut masked = body.replace(email, "EMAIL").replace(&email.replace('@', "%40"), "EMAIL");
    for name in ["name=\"csrf\" value=\"", "name=\"request\" value=\""] {
        let mut parts = masked.split(name);
        let mut rest = String::from(parts.next().unwrap_or_default());
        for part in parts {
            rest = rest + name + part.split_once('"').map_or(part, |(_, after)| after);
        }
        masked = rest;
    }
    let mut words = Vec::new();
    for word in masked.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
        words.push(if word.len() >= 26 { "RANDOM" } else { word });
    }
    words.join(" ")
}

/// Tries a password; the status, and whether the page leads to the provider instead.
async fn try_password(world: &World, email: &str) -> (u16, bool) {
    let browser = world.app.browser();
    let page = browser.follow(browser.authorize(&[("organization", "acme")]).await).await;
    if page.location().is_some() {
        return (303, true); // there is no password to type at all
    }
    let page = browser.sign_in(page, email, PASSWORD).await;
    (page.status.as_u16(), page.body.contains("own identity provider"))
}

#[tokio::test]
async fn a_password_is_refused_for_the_enforced_domain_whoever_it_is_and_for_nobody_else() {
    let world = World::start().await;
    world.configure(DOMAINS, JIT).await;

    let known = try_password(&world, "ada@acme.test").await;
    let unknown = try_password(&world, "nobody@acme.test").await;
    let outside = try_password(&world, "casey@consult.test").await;
    world.configure(ORGANIZATION, JIT).await;
    let everybody = try_password(&world, "casey@consult.test").await;

    assert_eq!(known, (422, true));
    assert_eq!(known, unknown, "nothing tells who exists");
    assert_eq!(outside.0, 303);
    assert_eq!(everybody, (303, true));
}

#[tokio::test]
async fn where_sso_is_enforced_the_page_is_the_same_for_everybody_of_the_domain() {
    let world = World::start().await;
    world.run("update users set status = 'deactivated' where email = 'vic@acme.test'").await;
    world.configure(DOMAINS, JIT).await;
    let tried = async |email: &str, password: &str| {
        let browser = world.app.browser();
        let page = browser.follow(browser.authorize(&[("organization", "acme")]).await).await;
        let page = browser.sign_in(page, email, password).await;
        (page.status, template(&page.body, email))
    };

    let known = tried("ada@acme.test", PASSWORD).await;

    assert_eq!(tried("ada@acme.test", "wrong").await, known);
    assert_eq!(tried("bob@acme.test", PASSWORD).await, known);
    assert_eq!(tried("vic@acme.test", PASSWORD).await, known);
    let events = world.app.events("acme").await;
    assert!(events.contains(&"sign_in.failed refused sso_required".to_owned()), "{events:?}");
    assert_eq!(world.sessions().await, 0);
}

#[tokio::test]
async fn what_a_password_began_ends_when_sso_is_enforced() {
    let world = World::start().await;
    let browser = world.app.browser();
    let code = browser.sign_in_to("acme", "ada@acme.test").await;
    let tokens = world.app.redeem(&code).await;
    let pending = browser.authorize(&[("organization", "acme")]).await.answer("code");
    let federated = world.sign_in(member("vic", "vic@acme.test")).await;

    world.configure(DOMAINS, JIT).await;

    let silent = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await;
    assert_eq!(silent.answer("error"), "login_required");
    assert_eq!(world.app.redeem(&pending).await.outcome(), "400 invalid_grant");
    assert_eq!(world.app.userinfo(&tokens.text("access_token")).await.status, 401);
    assert_eq!(world.app.refresh(&tokens.text("refresh_token")).await.outcome(), "400 invalid_grant");
    assert_eq!(world.app.refresh(&federated.text("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn what_a_connection_began_ends_with_it() {
    let world = World::start().await;
    let tokens = world.sign_in(member("vic", "vic@acme.test")).await;
    let mut refresh_token = tokens.text("refresh_token");

    world.set_state("pilot").await;
    let unlisted = world.app.refresh(&refresh_token).await;
    let listed = "insert into connection_pilots (org_id, connection_id, email_normalized)
                  select org_id, id, 'vic@acme.test' from connections where slug = 'workforce'";
    sqlx::query(listed).execute(world.app.database.superuser()).await.expect("listed");
    let piloted = world.app.refresh(&refresh_token).await;
    refresh_token = piloted.text("refresh_token");
    let access_token = piloted.text("access_token");
    let mut fallen = Vec::new();
    for state in ["disabled", "draft", "tested"] {
        world.set_state(state).await;
        let refreshed = world.app.refresh(&refresh_token).await.outcome();
        let userinfo = world.app.userinfo(&access_token).await.status;
        fallen.push((refreshed, userinfo));
    }
    world.set_state("active").await;
    let again = world.app.refresh(&refresh_token).await;

    assert_eq!(unlisted.outcome(), "400 invalid_grant");
    assert_eq!(piloted.status, 200, "{}", piloted.body);
    assert_eq!(fallen, vec![("400 invalid_grant".to_owned(), 401); 3]);
    assert_eq!(again.status, 200, "what was refused for the connection's sake is not used up");
}

#[tokio::test]
async fn a_browsers_session_and_a_code_that_a_connection_began_end_with_it() {
    let world = World::start().await;
    world.provider.user(member("vic", "vic@acme.test"));
    let browser = world.app.browser();
    world.arrive(&browser).await.answer("code");
    let silent = [("organization", "acme"), ("prompt", "none")];

    for state in ["disabled", "draft", "tested", "pilot"] {
        let pending = browser.authorize(&silent).await.answer("code");
        world.set_state(state).await;
        let answer = browser.authorize(&silent).await;
        let asked = browser.authorize(&[("organization", "acme")]).await;
        let redeemed = world.app.redeem(&pending).await;
        world.set_state("active").await;

        assert_eq!(answer.answer("error"), "login_required", "{state}");
        assert_eq!(asked.leads_to(), "/sign-in", "{state}");
        assert_eq!(redeemed.outcome(), "400 invalid_grant", "{state}");
    }
}

#[tokio::test]
async fn a_pilot_is_for_those_whose_own_address_it_lists() {
    let world = World::start().await;
    world
        .run(
            "insert into connection_pilots (org_id, connection_id, email_normalized)
         select org_id, id, 'ada@acme.test' from connections where slug = 'workforce'",
        )
        .await;
    world.set_state("pilot").await;

    world.provider.user(serde_json::json!({ "sub": "mallory", "email": "ada@acme.test" }));
    let claimed = world.arrive_by_hint(&world.app.browser(), "ada@acme.test").await;
    let check = world.failed_check().await;
    world.provider.user(member("ada", "ada@acme.test"));
    let own = world.arrive_by_hint(&world.app.browser(), "ada@acme.test").await;

    assert_eq!((claimed.status.as_u16(), check.as_deref()), (403, Some("not_in_pilot")), "{}", claimed.body);
    assert_eq!(world.app.redeem(&own.answer("code")).await.status, 200);
    assert_eq!(world.sessions().await, 1);
}

#[tokio::test]
async fn a_sub_organization_can_enforce_sso_for_itself_and_what_its_parent_enforces_ends_what_it_has() {
    let labs = |policy: &str| {
        format!(
            "organizations:
  - slug: acme-labs
    name: Acme Labs
    parent: acme
    policy: {{ sso_enforcement: {policy} }}
    users: [{{ email: lab@labs.test, name: Lab, password: \"${{PASSWORD}}\" }}]
"
        )
    };
    let world = World::start().await;
    world.app.apply(&labs("\"off\"")).await;
    let browser = world.app.browser();
    let tokens = world.app.redeem(&browser.sign_in_to("acme-labs", "lab@labs.test").await).await;
    let silent = [("organization", "acme-labs"), ("prompt", "none")];

    world.app.apply(&labs("organization")).await;
    let tightened = (
        browser.authorize(&silent).await.answer("error"),
        world.app.userinfo(&tokens.text("access_token")).await.status,
    );
    let parents = world.app.sign_in("acme", "ada@acme.test").await;
    world.app.apply(&labs("\"off\"")).await;
    let loosened = browser.authorize(&silent).await;
    let browser = world.app.browser();
    let tokens = world.app.redeem(&browser.sign_in_to("acme-labs", "lab@labs.test").await).await;
    let open = browser.authorize(&silent).await;
    world.configure(ORGANIZATION, JIT).await;
    let inherited = browser.authorize(&silent).await;

    assert_eq!(tightened, ("login_required".to_owned(), 401));
    assert_eq!(parents.status, 200, "a policy does not climb");
    assert_eq!(loosened.answer("error"), "login_required", "what ended has ended");
    assert!(!open.answer("code").is_empty(), "and what began since goes on");
    assert_eq!(inherited.answer("error"), "login_required");
    assert_eq!(world.app.refresh(&tokens.text("refresh_token")).await.outcome(), "400 invalid_grant");
    assert_eq!(world.app.refresh(&parents.text("refresh_token")).await.outcome(), "400 invalid_grant");
}

#[tokio::test]
async fn a_sub_organization_can_only_enforce_more() {
    let world = World::start().await;
    world.configure(ORGANIZATION, JIT).await;
    world
        .app
        .apply(
            "organizations:
  - slug: acme-labs
    name: Acme Labs
    parent: acme
    policy: { sso_enforcement: \"off\" }
    users: [{ email: lab@labs.test, name: Lab, password: \"${PASSWORD}\" }]
",
        )
        .await;
    let browser = world.app.browser();

    let page = browser.follow(browser.authorize(&[("organization", "acme-labs")]).await).await;

    assert!(!page.body.contains("type=\"password\""), "{}", page.body);
    assert!(page.body.contains("There is no way to sign in"));
}

#[tokio::test]
async fn a_break_glass_user_gets_in_with_a_code_once_and_it_raises_an_alert() {
    let world = World::start().await;
    world.configure(ORGANIZATION, JIT).await;
    let scope = world.app.org("acme").await;
    let email = Email::parse("ada@acme.test").expect("an address");
    let unnamed = make_codes(&world.app.env, &scope, &email).await;
    world
        .app
        .apply("organizations:\n  - slug: acme\n    name: Acme Inc\n    users: [{ email: ada@acme.test, name: Ada Adler, break_glass: true }]\n")
        .await;
    let codes = make_codes(&world.app.env, &scope, &email).await.expect("named break-glass");
    let recover = async |email: &str, code: &str| {
        let browser = world.app.browser();
        let page = browser.authorize(&[("organization", "acme")]).await;
        let request = page.location().and_then(|to| {
            to.query_pairs().find(|(name, _)| name == "request").map(|(_, value)| value.into_owned())
        });
        let request = request.expect("a request");
        let form = browser.get(format!("/sign-in/recovery?request={request}")).await;
        let csrf = form.field("csrf");
        let fields = [("request", &*request), ("csrf", &csrf), ("email", email), ("code", code)];
        browser.post("/sign-in/recovery", &fields).await
    };

    let (first, second) = (codes[0].reveal(), codes[1].reveal());
    let wrong_user = recover("vic@acme.test", first).await;
    let signed_in = recover("ada@acme.test", first).await;
    let again = recover("ada@acme.test", first).await;
    let tokens = world.app.redeem(&signed_in.answer("code")).await;
    let refreshed = world.app.refresh(&tokens.text("refresh_token")).await;
    world
        .app
        .apply("organizations:\n  - slug: acme\n    name: Acme Inc\n    users: [{ email: ada@acme.test, name: Ada Adler, break_glass: false }]\n")
        .await;
    let unnamed_again = recover("ada@acme.test", second).await;

    assert!(unnamed.is_err());
    assert_eq!([&wrong_user, &again, &unnamed_again].map(|page| page.status.as_u16()), [422; 3]);
    assert_eq!((tokens.status, refreshed.status), (200, 200));
    assert_eq!(world.app.refresh(&refreshed.text("refresh_token")).await.outcome(), "400 invalid_grant");
    let events = world.app.events("acme").await;
    assert_eq!(events.iter().filter(|event| *event == "break_glass.used success").count(), 1, "{events:?}");
}

/// Whoever is signed in through the provider may still have a password, which nothing takes any more.
#[tokio::test]
async fn a_password_that_nothing_takes_is_not_changed() {
    let world = World::start().await;
    world.provider.user(member("ada", "ada@acme.test"));
    let browser = world.app.browser();
    world.app.redeem(&world.arrive(&browser).await.answer("code")).await;
    let before = browser.get("/account/sign-in").await;
    world.configure(DOMAINS, JIT).await;

    let page = browser.get("/account/sign-in").await;
    let (csrf, organization) = (before.field("csrf"), before.field("organization"));
    let form = [
        ("csrf", csrf.as_str()),
        ("organization", &organization),
        ("current", PASSWORD),
        ("password", "another one that is long"),
        ("again", "another one that is long"),
    ];
    let sent = browser.post("/account/sign-in", &form).await;
    world.configure("    policy: { sso_enforcement: \"off\" }\n", JIT).await;

    assert!(before.body.contains("Change the password"), "{}", before.body);
    assert!(page.status == 200 && !page.body.contains("name=\"current\""), "{} {}", page.status, page.body);
    assert!(
        sent.status == 403 && sent.body.contains("no password to change"),
        "{} {}",
        sent.status,
        sent.body
    );
    assert_eq!(try_password(&world, "ada@acme.test").await.0, 303, "it is as it was");
}
