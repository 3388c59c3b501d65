//! Claims of a client's own: from where they were said to come, where they were said to go, and never
//! over what Orgate says itself.

use orgate_server::apply_file;
use orgate_tests::app::{App, Reply, SECRET};
use serde_json::{Value, json};

const MAPPED: &str = r#"
organizations:
  - slug: acme
    name: Acme Inc
    attributes: { plan: enterprise, seats: 50, trial: false, regions: [eu, us] }
    users:
      - { email: ada@acme.test, name: Ada Adler, attributes: { department: R&D, badge: [A7, A8] } }
      - { email: vic@acme.test, name: Vic Viewer }
  - slug: globex
    name: Globex Corporation
    attributes: { plan: free }
    users:
      - { email: gus@globex.test, name: Gus Globe, attributes: { department: Sales } }
clients:
  - client_id: notes
    organization: operator
    name: Notes
    type: web
    audience: all
    client_secret: "${SECRET}"
    redirect_uris: ["http://localhost:9/callback"]
    resource: notes
    claims:
      - { name: department, from: user.attributes.department }
      - { name: "https://notes.test/badges", from: user.attributes.badge, type: list, in: [id_token] }
      - { name: "https://notes.test/plan", from: organization.attributes.plan, in: [access_token] }
      - { name: "https://notes.test/seats", from: organization.attributes.seats, type: integer, in: [] }
      - { name: "https://notes.test/trial", from: organization.attributes.trial, type: boolean, scope: profile }
      - { name: "https://notes.test/regions", from: organization.attributes.regions, type: list }
      - { name: groups, from: user.groups }
  - client_id: robot
    organization: acme
    name: Robot
    type: machine
    audience: owner
    client_secret: "${SECRET}"
    claims:
      - { name: "https://notes.test/plan", from: organization.attributes.plan }
      - { name: department, from: user.attributes.department }
      - { name: groups, from: user.groups }
"#;

async fn mapped(yaml: &str) -> App {
    let app = App::start().await;
    app.apply(yaml).await;
    app
}

/// The claims of a token, or an answer, that are the client's own.
fn own(claims: &Value) -> Value {
    let known = ["department", "groups", "_claim_names", "_claim_sources"];
    let members = claims.as_object().expect("an object").iter();
    members
        .filter(|(name, _)| known.contains(&name.as_str()) || name.starts_with("https:"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

async fn told(app: &App, tokens: &Reply) -> [Value; 3] {
    let userinfo = app.userinfo(&tokens.text("access_token")).await;
    assert_eq!(userinfo.status, 200);
    [own(&tokens.claims("access_token")), own(&tokens.claims("id_token")), own(&userinfo.body)]
}

#[tokio::test]
async fn claims_come_from_the_tokens_own_user_and_organization_and_go_where_they_were_put() {
    let app = mapped(MAPPED).await;

    let [access, id, userinfo] = told(&app, &app.sign_in("acme", "ada@acme.test").await).await;

    let regions = json!(["eu", "us"]);
    assert_eq!(
        access,
        json!({ "department": "R&D", "https://notes.test/plan": "enterprise", "https://notes.test/trial": false,
                "https://notes.test/regions": regions, "groups": [] })
    );
    assert_eq!(
        id,
        json!({ "department": "R&D", "https://notes.test/badges": ["A7", "A8"], "https://notes.test/trial": false,
                "https://notes.test/regions": regions, "groups": [] })
    );
    assert_eq!(
        userinfo,
        json!({ "department": "R&D", "https://notes.test/badges": ["A7", "A8"],
                "https://notes.test/plan": "enterprise", "https://notes.test/seats": 50,
                "https://notes.test/trial": false, "https://notes.test/regions": regions, "groups": [] })
    );
    let [access, id, _] = told(&app, &app.sign_in("acme", "vic@acme.test").await).await;
    assert_eq!((access.get("department"), id.get("https://notes.test/badges")), (None, None));
    let [access, id, _] = told(&app, &app.sign_in("globex", "gus@globex.test").await).await;
    assert_eq!(
        access,
        json!({ "department": "Sales", "https://notes.test/plan": "free", "groups": [] }),
        "nothing of another organization's"
    );
    assert_eq!(id, json!({ "department": "Sales", "groups": [] }));
}

#[tokio::test]
async fn a_claim_is_as_of_the_moment_that_its_token_is_made() {
    let app = mapped(MAPPED).await;
    let before = app.sign_in("acme", "ada@acme.test").await;

    app.apply(
        &MAPPED.replace("department: R&D", "department: Board").replace("plan: enterprise", "plan: pro"),
    )
    .await;
    let after = app.refresh(&before.text("refresh_token")).await;
    app.apply(&MAPPED.replace("attributes: { department: R&D, badge: [A7, A8] }", "attributes: {}")).await;
    let gone = app.refresh(&after.text("refresh_token")).await;

    assert_eq!(before.claims("access_token")["department"], "R&D");
    assert_eq!(after.claims("access_token")["department"], "Board");
    assert_eq!(after.claims("access_token")["https://notes.test/plan"], "pro");
    assert_eq!(gone.claims("access_token").get("department"), None);
    assert!(app.events("acme").await.contains(&"user.configured success".to_owned()));
}

/// Whoever stops telling something has it untold at once.
#[tokio::test]
async fn a_change_of_the_mapping_alone_is_applied() {
    let app = mapped(MAPPED).await;
    let before = app.sign_in("acme", "ada@acme.test").await;

    let plan = r#"      - { name: "https://notes.test/plan", from: organization.attributes.plan, in: [access_token] }
"#;
    app.apply(&MAPPED.replace(plan, "")).await;
    let untold = app.refresh(&before.text("refresh_token")).await;
    app.apply(&MAPPED.replace(
        "    claims:\n      - { name: department",
        "    claims_budget_bytes: 0\n    claims:\n      - { name: department",
    ))
    .await;
    let bare = app.refresh(&untold.text("refresh_token")).await;

    let plan_of = |tokens: &Reply| tokens.claims("access_token").get("https://notes.test/plan").cloned();
    assert_eq!((plan_of(&before), plan_of(&untold)), (Some(json!("enterprise")), None));
    assert_eq!(
        own(&bare.claims("id_token")).as_object().map(|told| told.contains_key("department")),
        Some(false)
    );
}

/// What names the claims that found no place is bounded itself, and said only to whom `/userinfo` answers.
#[tokio::test]
async fn claims_without_a_place_take_little_place() {
    let long: Vec<String> = (0..40)
        .map(|n| format!("      - {{ name: \"urn:notes:{n:0>200}\", from: organization.name }}\n"))
        .collect();
    let long = long.concat();
    let app = mapped(&MAPPED.replace(
        "    claims:\n      - { name: department",
        &format!("    claims_budget_bytes: 0\n    claims:\n{long}      - {{ name: department"),
    ))
    .await;

    let tokens = app.sign_in("acme", "ada@acme.test").await;
    let narrow = app
        .token(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", &tokens.text("refresh_token")),
            ("scope", "profile"),
        ])
        .await;

    let access = tokens.claims("access_token");
    let named = access["_claim_names"].as_object().expect("some are named");
    assert_eq!((named.len(), access["_claim_names"].to_string().len() < 1024), (4, true));
    assert_eq!(narrow.claims("access_token").get("_claim_names"), None, "/userinfo would not answer");
}

#[tokio::test]
async fn what_a_token_has_no_room_for_is_named_in_it_and_told_by_userinfo() {
    let app = mapped(&MAPPED.replace(
        "    claims:\n      - { name: department",
        "    claims_budget_bytes: 40\n    claims:\n      - { name: department",
    ))
    .await;

    let tokens = app.sign_in("acme", "ada@acme.test").await;

    let access = tokens.claims("access_token");
    assert_eq!(access["department"], "R&D", "the first has precedence");
    assert_eq!(access["groups"], json!([]), "and what is small still finds its place");
    assert_eq!(
        access["_claim_names"],
        json!({ "https://notes.test/plan": "userinfo", "https://notes.test/trial": "userinfo",
                "https://notes.test/regions": "userinfo" })
    );
    let endpoint = access["_claim_sources"]["userinfo"]["endpoint"].as_str().expect("where they are");
    assert_eq!(endpoint, app.at("/userinfo").as_str());
    let userinfo = app.userinfo(&tokens.text("access_token")).await;
    assert_eq!(userinfo.body["https://notes.test/plan"], "enterprise");
    assert_eq!(userinfo.body.get("_claim_names"), None);
}

#[tokio::test]
async fn a_machines_token_says_what_is_known_of_its_organization() {
    let app = mapped(MAPPED).await;

    let token = app.token_as("robot", SECRET, &[("grant_type", "client_credentials")]).await;

    assert_eq!(own(&token.claims("access_token")), json!({ "https://notes.test/plan": "enterprise" }));
}

#[tokio::test]
async fn introspection_says_what_the_token_says() {
    let app = mapped(MAPPED).await;
    let token = app.sign_in("acme", "ada@acme.test").await;

    let seen = app.post_as("/introspect", ("notes", SECRET), &[("token", &token.text("access_token"))]).await;

    assert_eq!(own(&seen.body), own(&token.claims("access_token")));
}

#[test]
fn no_file_maps_a_claim_that_has_a_meaning_of_its_own() {
    let refused = |claim: &str| {
        let yaml = MAPPED.replace("{ name: department, from: user.attributes.department }", claim);
        let secret = |_: &str| Some(SECRET.to_owned());
        apply_file::load_str("claims.yaml", &yaml, &secret)
            .map(|_| ())
            .map_err(|problems| problems.to_string())
    };
    for name in
        ["iss", "sub", "aud", "sid", "org_id", "org_name", "roles", "permissions", "act", "cnf", "tenant"]
    {
        let error = refused(&format!("{{ name: {name}, from: user.name }}")).expect_err(name);
        assert!(error.contains("it has a meaning of its own"), "{name}: {error}");
        assert!(error.contains("claims.yaml:"), "with its place: {error}");
    }
    for (claim, why) in [
        ("{ name: plan, from: user.name }", "neither an https: or urn: URI"),
        ("{ name: groups, from: user.name }", "claims: groups is mapped twice"),
        ("{ name: title, from: user.password }", "one of user.name"),
        ("{ name: title, from: user.name, in: [cookie] }", "unknown variant `cookie`"),
        ("{ name: title, from: user.name, when: always }", "unknown field `when`"),
    ] {
        let error = refused(claim).expect_err(claim);
        assert!(error.contains(why), "{claim}: {error}");
    }
    assert_eq!(refused("{ name: title, from: user.name }"), Ok(()));
}
