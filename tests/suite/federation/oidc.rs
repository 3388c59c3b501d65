//! An OpenID provider: users, roles, and everything that it can say wrong.

use std::sync::Arc;

use orgate_tests::openid_provider::{Failing, Faults};
use serde_json::{Map, Value, json};

use super::world::{JIT, World, all, button, member};

const NOTES: &str = "clients:
  - client_id: notes
    organization: operator
    name: Notes
    type: web
    audience: all
    redirect_uris: [\"http://localhost:9/callback\"]
    resource: notes
";

#[tokio::test]
async fn a_first_sign_in_makes_a_user_and_the_second_finds_them() {
    let world = World::start().await;

    let first = world.sign_in(member("new", "new@acme.test")).await;
    let second = world.sign_in(json!({ "sub": "new", "email": "new@acme.test", "name": "Renamed" })).await;

    let (first, second) = (first.claims("id_token"), second.claims("id_token"));
    assert_eq!(first["sub"], second["sub"]);
    assert_eq!((&first["email"], &first["email_verified"]), (&json!("new@acme.test"), &json!(true)));
    assert_eq!(second["name"], "Renamed", "the profile is refreshed");
    assert_eq!(first["org_name"], "acme");
}

#[tokio::test]
async fn a_mapped_role_goes_with_what_gave_it_and_one_given_by_hand_stays() {
    // By hand Ada is an admin, and Vic a viewer; the connection itself gives nothing.
    let settings = "          jit: { enabled: true }\n          rules: [{ value: staff, roles: [admin] }]\n";
    let world = World::with(settings).await;
    let roles = async |sub: &str, groups: &[&str]| {
        let mut claims = member(sub, &format!("{sub}@acme.test"));
        claims["groups"] = json!(groups);
        let tokens = world.sign_in(claims).await;
        let claims = tokens.claims("access_token");
        serde_json::from_value::<Vec<String>>(claims["roles"].clone()).expect("roles")
    };

    assert_eq!(roles("vic", &["staff", "other"]).await, ["admin", "viewer"]);
    assert_eq!(roles("vic", &["other", "STAFF", "staff "]).await, ["viewer"]);
    assert_eq!(roles("ada", &["staff"]).await, ["admin"]);
    assert_eq!(roles("ada", &[]).await, ["admin"]);
    assert_eq!(roles("new", &["staff"]).await, ["admin"]);
    assert_eq!(roles("new", &[]).await, [] as [&str; 0]);
}

#[tokio::test]
async fn what_a_connection_keeps_of_its_word_reaches_the_claims_and_nothing_else_does() {
    let world = World::start().await;
    let keep =
        format!("{JIT}          mapping: {{ email: [email], groups: [groups], keep: [department, cost] }}\n");
    let groups = "    groups: [{ slug: engineering, roles: [] }]\n";
    world.configure(groups, &keep.replace("roles: [admin]", "groups: [engineering]")).await;
    world
        .app
        .apply(&format!(
            "{NOTES}    claims:
      - {{ name: department, from: connection.attributes.department }}
      - {{ name: \"urn:cost\", from: connection.attributes.cost, type: list }}
      - {{ name: \"urn:salary\", from: connection.attributes.salary }}
      - {{ name: \"urn:by\", from: connection.slug }}
      - {{ name: groups, from: user.groups }}
"
        ))
        .await;
    let told = async |more: Value| {
        let mut claims = member("new", "new@acme.test");
        claims.as_object_mut().expect("claims").extend(more.as_object().expect("claims").clone());
        let tokens = world.sign_in(claims).await.claims("id_token");
        let names = ["department", "urn:cost", "urn:salary", "urn:by", "groups"];
        Value::from_iter(names.map(|name| (name.to_owned(), tokens[name].clone())))
    };

    let first =
        told(json!({ "department": "R&D", "cost": ["1", "2"], "salary": "1", "groups": ["staff"] })).await;
    let second = told(json!({ "department": "Board" })).await;

    let expected = json!({ "department": "R&D", "urn:cost": ["1", "2"], "urn:salary": null, "urn:by": "workforce",
                           "groups": ["engineering"] });
    assert_eq!(first, expected);
    let expected = json!({ "department": "Board", "urn:cost": null, "urn:salary": null, "urn:by": "workforce",
                           "groups": [] });
    assert_eq!(second, expected, "what it no longer says is gone");
    let kept: String = sqlx::query_scalar("select string_agg(attributes::text, ' ') from identity_links")
        .fetch_one(world.app.database.superuser())
        .await
        .expect("what is kept");
    assert_eq!(kept, r#"{"department": ["Board"]}"#, "and only what the connection keeps is stored");

    let back = told(json!({ "department": "R&D", "cost": ["3"], "groups": ["staff"] })).await;
    assert_eq!((&back["urn:cost"], &back["groups"]), (&json!(["3"]), &json!(["engineering"])));
    let mut claims = member("new", "new@acme.test");
    claims["cost"] = json!(["4"]);
    let tokens = world.sign_in(claims).await.text("access_token");
    let before = world.app.userinfo(&tokens).await;
    world.configure(groups, &keep.replace(", cost", "")).await;
    let after = world.app.userinfo(&tokens).await;
    assert_eq!(
        (&before.body["urn:cost"], after.body.get("urn:cost")),
        (&json!(["4"]), None),
        "untold at once"
    );
}

#[tokio::test]
async fn a_group_is_claimed_as_long_as_the_connection_that_gives_it_is_in_use() {
    let world = World::start().await;
    let rules =
        "          jit: { enabled: true }\n          rules: [{ value: staff, groups: [engineering] }]\n";
    world.configure("    groups: [{ slug: engineering, roles: [] }]\n", rules).await;
    world.app.apply(&format!("{NOTES}    claims: [{{ name: groups, from: user.groups }}]\n")).await;
    let mut claims = member("ada", "ada@acme.test");
    claims["groups"] = json!(["staff"]);
    let given = world.sign_in(claims).await.claims("id_token")["groups"].clone();

    sqlx::query("update connections set state = 'disabled'")
        .execute(world.app.database.superuser())
        .await
        .expect("switched off");
    let by_password = world.app.sign_in("acme", "ada@acme.test").await;

    assert_eq!(given, json!(["engineering"]));
    assert_eq!(by_password.claims("id_token")["groups"], json!([]), "like roles");
}

#[tokio::test]
async fn a_mapped_group_gives_its_roles_as_long_as_it_is_given() {
    let world = World::start().await;
    let rules =
        "          jit: { enabled: true }\n          rules: [{ value: staff, groups: [engineering] }]\n";
    world.configure("    groups: [{ slug: engineering, roles: [admin] }]\n", rules).await;
    let given = async |groups: &[&str]| {
        let mut claims = member("new", "new@acme.test");
        claims["groups"] = json!(groups);
        world.sign_in(claims).await.claims("access_token")["roles"].clone()
    };

    let by_the_group = given(&["staff"]).await;
    world.configure("    groups: [{ slug: engineering, roles: [viewer, admin] }]\n", rules).await;
    let by_more_of_it = given(&["staff"]).await;
    world.configure("    groups: [{ slug: engineering, roles: [] }]\n", rules).await;
    let by_none_of_it = given(&["staff"]).await;
    world.configure("    groups: [{ slug: engineering, roles: [admin] }]\n", rules).await;
    let without_the_group = given(&["other"]).await;

    assert_eq!(by_the_group, json!(["admin"]));
    assert_eq!(by_more_of_it, json!(["admin", "viewer"]));
    assert_eq!(by_none_of_it, json!([]));
    assert_eq!(without_the_group, json!([]));
}

#[tokio::test]
async fn a_group_that_comes_to_give_more_than_the_connections_ceiling_loses_whom_it_put_there() {
    let world = World::start().await;
    let rules =
        "          jit: { enabled: true }\n          rules: [{ value: staff, groups: [engineering] }]\n";
    world.configure("    groups: [{ slug: engineering, roles: [viewer] }]\n", rules).await;
    world.run("update connection_versions set role_ceiling = '{viewer}'").await;
    world.app.env.configuration.forget();
    let mut claims = member("new", "new@acme.test");
    claims["groups"] = json!(["staff"]);
    let before = world.sign_in(claims).await;

    world.configure("    groups: [{ slug: engineering, roles: [viewer, admin] }]\n", rules).await;
    let after = world.app.refresh(&before.text("refresh_token")).await;

    assert_eq!(before.claims("access_token")["roles"], json!(["viewer"]));
    assert_eq!(after.claims("access_token")["roles"], json!([]));
}

#[tokio::test]
async fn a_role_that_a_connection_gives_everybody_goes_with_the_setting() {
    let world = World::start().await;
    let roles = async || {
        let tokens = world.sign_in(member("new", "new@acme.test")).await;
        tokens.claims("access_token")["roles"].clone()
    };

    let with = roles().await;
    world.configure("", "          jit: { enabled: true }\n").await;
    let without = roles().await;

    assert_eq!((with, without), (json!(["viewer"]), json!([])));
}

#[tokio::test]
async fn an_address_links_only_where_domain_and_provider_both_vouch_for_it() {
    let world = World::start().await;
    let ada: String = sqlx::query_scalar("select id::text from users where email = 'ada@acme.test'")
        .fetch_one(world.app.database.superuser())
        .await
        .expect("ada");
    let id_of = async |tokens: orgate_tests::app::Reply| {
        let sub = tokens.claims("id_token")["sub"].as_str().expect("a subject").to_owned();
        let id: orgate_domain::ids::UserId = sub.parse().expect("an id");
        id.as_uuid().to_string()
    };

    let unverified = world.sign_in(json!({ "sub": "1", "email": "ada@acme.test" })).await;
    let elsewhere = world.sign_in(member("2", "casey@consult.test")).await;
    let vouched = world.sign_in(member("3", "ada@acme.test")).await;

    assert!(unverified.claims("id_token").get("email").is_none(), "it is not theirs");
    assert!(elsewhere.claims("id_token").get("email").is_none());
    assert_ne!(id_of(unverified).await, ada);
    assert_eq!(id_of(vouched).await, ada);
    let events = world.app.events("acme").await;
    assert_eq!(events.iter().filter(|event| event.starts_with("identity.linked")).count(), 1, "{events:?}");
    let namespaced: Option<String> =
        sqlx::query_scalar("select asserted_email from identity_links where subject = '2'")
            .fetch_one(world.app.database.superuser())
            .await
            .expect("the link");
    assert_eq!(namespaced.as_deref(), Some("casey@consult.test"));
}

#[tokio::test]
async fn an_address_of_a_domain_that_is_not_served_or_not_verified_any_more_links_nothing() {
    let world = World::start().await;

    world.run("delete from connection_domains").await;
    let unserved = world.sign_in(member("1", "ada@acme.test")).await;
    world.configure("", JIT).await;
    world.run("update domains set verified_at = null where domain = 'acme.test'").await;
    let unverified = world.sign_in(member("2", "ada@acme.test")).await;

    for tokens in [&unserved, &unverified] {
        assert!(tokens.claims("id_token").get("email").is_none(), "{}", tokens.claims("id_token"));
        assert_eq!(tokens.claims("access_token")["roles"], json!(["viewer"]), "and not Ada's");
    }
    let events = world.app.events("acme").await;
    assert!(!events.iter().any(|event| event.starts_with("identity.linked")), "{events:?}");
}

#[tokio::test]
async fn userinfo_vouches_for_the_address_that_it_says_and_for_no_other() {
    let world = World::start().await;
    world.provider.user(json!({ "sub": "mallory", "email": "ada@acme.test" }));
    world.provider.userinfo(member("mallory", "mallory@acme.test"));

    let code = world.arrive(&world.app.browser()).await.answer("code");
    let claims = world.app.redeem(&code).await.claims("id_token");

    assert!(claims.get("email").is_none(), "nobody vouched for {claims}");
    let events = world.app.events("acme").await;
    assert!(!events.iter().any(|event| event.starts_with("identity.linked")), "{events:?}");
}

#[tokio::test]
async fn what_is_said_of_the_email_claim_is_said_of_no_other() {
    let world = World::start().await;
    let beside = json!({ "sub": "1", "email_verified": true, "mail": "ada@acme.test" });
    let blank = json!({ "sub": "2", "email_verified": true, "email": " ", "mail": "ada@acme.test" });

    for claims in [beside, blank] {
        let tokens = world.sign_in(claims).await.claims("id_token");
        assert!(tokens.get("email").is_none(), "nobody vouched for {tokens}");
    }
    let trusting = format!("          trusts_addresses: true\n{JIT}");
    world.configure("", &trusting).await;
    let trusted = world.sign_in(json!({ "sub": "3", "mail": "ada@acme.test" })).await;

    assert_eq!(trusted.claims("id_token")["email"], "ada@acme.test");
}

#[tokio::test]
async fn of_many_first_sign_ins_of_a_person_at_once_all_end_at_the_same_user() {
    let world = World::start().await;
    for email in ["new@acme.test", "vic@acme.test"] {
        world.provider.user(member(email, email));
        let mut answers = Vec::new();
        for _ in 0..8 {
            let browser = world.app.browser();
            let departure = world.depart(&browser).await;
            answers.push((browser, world.provider.answer(&departure)));
        }

        let pages = all(answers.iter().map(|(browser, answer)| browser.get(answer.clone()))).await;

        let statuses: Vec<_> = pages.iter().map(|page| page.status.as_u16()).collect();
        assert_eq!(statuses, [303; 8], "{email}");
        let users = "select count(*) from users where email = $1
                       and id in (select user_id from identity_links where subject = $1)";
        let users: i64 = sqlx::query_scalar(users)
            .bind(email)
            .fetch_one(world.app.database.superuser())
            .await
            .expect("a count");
        assert_eq!(users, 1);
    }
    assert_eq!(world.sessions().await, 16);
}

#[tokio::test]
async fn an_address_under_a_new_subject_is_not_the_old_users() {
    let world = World::start().await;
    world.sign_in(member("old", "ada@acme.test")).await;

    world.provider.user(member("new", "ada@acme.test"));
    let page = world.arrive(&world.app.browser()).await;

    assert_eq!(page.status, 403);
    assert_eq!(world.failed_check().await.as_deref(), Some("identity_changed"));
}

#[tokio::test]
async fn without_jit_nobody_new_gets_in_and_a_deactivated_user_stays_out() {
    let world = World::with("").await;
    world.provider.user(member("new", "new@acme.test"));
    let stranger = world.arrive(&world.app.browser()).await;
    let no_user = world.failed_check().await;
    sqlx::query("update users set status = 'deactivated' where email = 'ada@acme.test'")
        .execute(world.app.database.superuser())
        .await
        .expect("deactivated");

    world.provider.user(member("ada", "ada@acme.test"));
    let deactivated = world.arrive(&world.app.browser()).await;

    assert_eq!((stranger.status.as_u16(), no_user.as_deref()), (403, Some("user_unknown")));
    assert!(stranger.body.contains("You have no access yet"), "{}", stranger.body);
    assert_eq!(deactivated.status, 403);
    assert_eq!(world.failed_check().await.as_deref(), Some("user"));
    assert_eq!(world.sessions().await, 0);
}

#[tokio::test]
async fn a_thin_token_is_filled_up_by_userinfo_about_the_same_subject() {
    let world = World::start().await;
    world.provider.user(json!({ "sub": "thin" }));
    world.provider.userinfo(member("thin", "thin@acme.test"));

    let code = world.arrive(&world.app.browser()).await.answer("code");
    let filled = world.app.redeem(&code).await;
    world.provider.fault(|faults| faults.userinfo_sub = Some("another".to_owned()));
    let code = world.arrive(&world.app.browser()).await.answer("code");
    let alone = world.app.redeem(&code).await;

    assert_eq!(filled.claims("id_token")["email"], "thin@acme.test");
    assert_eq!(filled.claims("id_token")["sub"], alone.claims("id_token")["sub"]);
    assert_eq!(world.provider.asked().userinfo, 2);
}

#[tokio::test]
async fn what_the_application_asks_for_is_passed_on() {
    let world = World::start().await;
    let asked =
        [("prompt", "login"), ("max_age", "60"), ("acr_values", "mfa"), ("login_hint", "vic@acme.test")];

    let departure = world.depart_with(&world.app.browser(), &asked).await;

    let said = |name: &str| {
        let found = departure.query_pairs().find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    assert_eq!(
        ["prompt", "max_age", "acr_values", "login_hint"].map(said),
        ["login", "60", "mfa", "vic@acme.test"]
    );
    assert_eq!(said("code_challenge_method"), "S256");
    assert_eq!(said("scope"), "openid profile email");
    let state = said("state");
    assert!(state.starts_with("ogus_") && !departure.as_str().contains(&format!("nonce={state}")));
}

/// A fault, and the check that finds it.
type Case = (&'static str, Box<dyn Fn(&mut Faults)>);

fn claim(
    check: &'static str,
    change: impl Fn(&mut Map<String, Value>) + Send + Sync + Clone + 'static,
) -> Case {
    (check, Box::new(move |faults| faults.claims = Some(Arc::new(change.clone()))))
}

fn faults() -> Vec<Case> {
    let now = || orgate_flows::Clock::now(&orgate_flows::SystemClock).timestamp();
    let header = |value: Value| -> Box<dyn Fn(&mut Faults)> {
        Box::new(move |faults| faults.header = Some(value.clone()))
    };
    let set = |name: &'static str, value: Value| {
        move |claims: &mut Map<String, Value>| drop(claims.insert(name.to_owned(), value.clone()))
    };
    let without = |name: &'static str| move |claims: &mut Map<String, Value>| drop(claims.remove(name));
    let doubled =
        r#"{"iss":"{iss}","aud":"other","aud":"orgate-at-the-provider","sub":"ada","nonce":"{nonce}"}"#;
    vec![
        claim("iss", set("iss", json!("https://evil.test"))),
        claim("iss", without("iss")),
        claim("aud", set("aud", json!("another"))),
        claim("aud", set("aud", json!([orgate_tests::openid_provider::CLIENT_ID, "another"]))),
        claim("aud", set("aud", json!([]))),
        claim("aud", without("aud")),
        claim("azp", set("azp", json!("another"))),
        claim("nonce", set("nonce", json!("another"))),
        claim("nonce", without("nonce")),
        claim("exp", set("exp", json!(now() - 600))),
        claim("exp", without("exp")),
        claim("exp", set("exp", json!(1e300))),
        claim("iat", set("iat", json!(now() - 86_400))),
        claim("iat", set("iat", json!(now() + 86_400))),
        claim("nbf", set("nbf", json!(now() + 86_400))),
        claim("sub", without("sub")),
        claim("sub", set("sub", json!(""))),
        claim("sub", set("sub", json!("x".repeat(256)))),
        ("alg", header(json!({ "alg": "none" }))),
        ("alg", header(json!({ "alg": "HS256" }))),
        ("alg", header(json!({ "alg": "RS256" }))),
        ("signature", header(json!({ "kid": "../../dev/null" }))),
        ("signature", header(json!({ "kid": "' or '1'='1" }))),
        ("id_token", header(json!({ "crit": ["exp"], "exp": 1 }))),
        ("id_token", header(json!({ "jku": "https://evil.test/keys" }))),
        ("id_token", header(json!({ "jwk": { "kty": "oct", "k": "AA" } }))),
        ("signature", Box::new(|faults| faults.foreign_key = true)),
        ("id_token", Box::new(move |faults| faults.payload = Some(doubled.to_owned()))),
        ("id_token", Box::new(|faults| faults.payload = Some("[]".to_owned()))),
        (
            "token_endpoint",
            Box::new(|faults| faults.token = Some(Failing::Says(400, json!({ "error": "invalid_grant" })))),
        ),
    ]
}

#[tokio::test]
async fn whatever_is_wrong_is_named_to_the_administrators_and_signs_nobody_in() {
    let world = World::start().await;
    world.provider.user(member("ada", "ada@acme.test"));
    let faults = faults();

    for (number, (check, fault)) in faults.iter().enumerate() {
        world.provider.fault(|faults| fault(faults));
        let page = world.arrive(&world.app.browser()).await;

        assert_eq!(page.status, 403, "{number} {check}: {}", page.body);
        assert!(page.body.contains("req_") && page.body.contains("sso_refused"), "{}", page.body);
        assert!(page.cookies().is_empty(), "{:?}", page.cookies());
        assert_eq!(world.failed_check().await.as_deref(), Some(*check), "{number}");
        assert_eq!(world.last_event().await, format!("sign_in.failed refused {check}"), "{number}");
    }
    assert_eq!(world.sessions().await, 0);
    let events = world.app.events("acme").await;
    let refused = events.iter().filter(|event| event.starts_with("sign_in.failed refused")).count();
    assert_eq!(refused, faults.len(), "{events:?}");
    let traces = world.traces().await;
    for secret in ["code for", "ogus_", "ogrq_", orgate_tests::openid_provider::CLIENT_SECRET, "eyJ"] {
        assert!(!traces.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_sign_in_that_was_refused_can_go_on_another_way() {
    let world = World::start().await;
    world.provider.user(member("ada", "ada@acme.test"));
    world.provider.fault(|faults| faults.foreign_key = true);
    let browser = world.app.browser();

    let refused = world.arrive(&browser).await;
    let again = refused.body.split("href=\"/sign-in?").nth(1).expect("a way on");
    let again = format!("/sign-in?{}", again.split('"').next().unwrap_or_default().replace("&#38;", "&"));
    let page = browser.get(&again).await;
    world.provider.fault(|_| {});
    let departure = browser.get(button(&page)).await.location().expect("a departure");
    let arrived = browser.get(world.provider.answer(&departure)).await;

    assert!(page.body.contains("type=\"password\""), "other ways stay open");
    assert!(!arrived.answer("code").is_empty());
}

#[tokio::test]
async fn an_issuer_in_the_answer_must_be_the_providers() {
    let world = World::start().await;
    world.provider.fault(|faults| faults.promises_iss = true);
    let browser = world.app.browser();

    let departure = world.depart(&browser).await;
    let without = browser.get(world.provider.answer(&departure)).await;
    let without_check = world.failed_check().await;
    let departure = world.depart(&browser).await;
    let mut answer = world.provider.answer(&departure);
    answer.query_pairs_mut().append_pair("iss", "https://evil.test");
    let other = browser.get(answer).await;
    let other_check = world.failed_check().await;
    let departure = world.depart(&browser).await;
    let mut answer = world.provider.answer(&departure);
    answer.query_pairs_mut().append_pair("iss", world.provider.issuer());
    let right = browser.get(answer).await;

    assert_eq!((without.status.as_u16(), without_check.as_deref()), (403, Some("iss_parameter")));
    assert_eq!((other.status.as_u16(), other_check.as_deref()), (403, Some("iss_parameter")));
    assert!(!right.answer("code").is_empty());
}
