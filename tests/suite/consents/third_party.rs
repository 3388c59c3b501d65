//! What a third party gets, and only that: the claims that people were asked for, assertions of who they are, and answers
//! within its own limits.

use orgate_server::apply_file;
use orgate_tests::app::{PASSWORD, SECRET};
use serde_json::json;

use super::{ADA, GUEST, app, asked, begin, guest, redeem, revoke, say, user_of};

const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// Another server, which takes assertions of who somebody is.
const ELSEWHERE: &str = "https://other.example.test";

/// Acme's people, as its own files describe them.
const PEOPLE: &str = "organizations:
  - slug: acme
    name: Acme Inc
    users: [{ email: ada@acme.test, name: Ada Adler, attributes: { department: R&D } }]
";

fn mapping(scope: &str) -> String {
    format!("{GUEST}    claims: [{{ name: department, from: user.attributes.department{scope} }}]\n")
}

#[test]
fn what_a_third_partys_claims_are_let_out_by_is_named_to_people() {
    let refused = |scope: &str| {
        let secret = |_: &str| Some(SECRET.to_owned());
        let read = apply_file::load_str("guest.yaml", &mapping(scope), &secret);
        read.map(|_| ()).map_err(|problems| problems.to_string())
    };

    for scope in ["", ", scope: openid", ", scope: profile", ", scope: email", ", scope: offline_access"] {
        let error = refused(scope).expect_err("their words say nothing of a department");
        assert!(error.contains("claims: a third party's have a scope of its own"), "{scope}: {error}");
    }
    assert_eq!(refused(", scope: chat"), Ok(()));
}

#[tokio::test]
async fn a_claim_is_told_a_third_party_by_the_scope_that_people_were_asked_for() {
    let app = app().await;
    app.apply(&format!("{PEOPLE}{}", mapping(", scope: chat"))).await;

    let (browser, page) = asked(&app, &[]).await;
    assert!(!page.body.contains("chat"), "{}", page.body);
    let without = redeem(&app, &say(&browser, &page, "allow").await.answer("code")).await;
    let page = begin(&browser, &[("scope", "openid chat")]).await;
    assert_eq!(page.leads_to(), "/consent");
    let page = browser.follow(page).await;
    assert!(page.body.contains("chat"), "{}", page.body);
    let with = redeem(&app, &say(&browser, &page, "allow").await.answer("code")).await;

    for (tokens, department) in [(&without, None), (&with, Some(&json!("R&D")))] {
        for token in ["access_token", "id_token"] {
            assert_eq!(tokens.claims(token).get("department"), department, "{token}");
        }
        let userinfo = app.userinfo(&tokens.text("access_token")).await;
        assert_eq!(userinfo.body.get("department"), department);
    }
}

/// As a release before this one could have kept it.
#[tokio::test]
async fn a_claim_that_no_scope_of_its_own_lets_out_is_told_no_third_party() {
    let app = app().await;
    app.apply(&format!("{PEOPLE}{}", mapping(", scope: chat"))).await;
    for scope in ["claims = jsonb_set(claims, '{0,scope}', '\"profile\"')", "claims = claims #- '{0,scope}'"]
    {
        let statement = format!("update clients set {scope} where id = $1");
        let changed = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(guest(&app).await.1.as_uuid());
        changed.execute(app.database.superuser()).await.expect("changed");
        app.env.configuration.forget();

        let (browser, page) = asked(&app, &[("prompt", "consent")]).await;
        let tokens = redeem(&app, &say(&browser, &page, "allow").await.answer("code")).await;

        for token in ["access_token", "id_token"] {
            assert_eq!(tokens.claims(token).get("department"), None, "{scope} {token}");
        }
        assert_eq!(app.userinfo(&tokens.text("access_token")).await.body.get("department"), None, "{scope}");
    }
}

/// To say to another server who they are is what people let a client do by `openid`, and what is said beside it by the
/// scope itself.
#[tokio::test]
async fn an_assertion_of_who_somebody_is_needs_their_consent() {
    let app = app().await;
    app.apply(
        &GUEST.replace("resource: guest", &format!("resource: guest\n    resources: [\"{ELSEWHERE}\"]")),
    )
    .await;
    let ask = async |token: &str, scope: &str| {
        let form = [
            ("grant_type", EXCHANGE),
            ("subject_token", token),
            ("subject_token_type", ID_TOKEN),
            ("requested_token_type", ID_JAG),
            ("audience", ELSEWHERE),
            ("scope", scope),
        ];
        app.token_as("guest", SECRET, &form).await.outcome()
    };
    let (browser, page) = asked(&app, &[("scope", "openid email")]).await;
    let tokens = redeem(&app, &say(&browser, &page, "allow").await.answer("code")).await;
    let token = tokens.text("id_token");

    assert_eq!(ask(&token, "email").await, "200");
    assert_eq!(ask(&token, "chat").await, "400 invalid_request", "nobody let it have that");
    let page = browser.follow(begin(&browser, &[("scope", "openid chat")]).await).await;
    say(&browser, &page, "allow").await.answer("code");
    assert_eq!(ask(&token, "chat").await, "200");
    assert!(revoke(&app, user_of(&tokens)).await);
    assert_eq!(ask(&token, "email").await, "400 invalid_request", "taken back");
}

/// RFC 9700 §4.11.2: whoever registered it does not stand by it any more.
#[tokio::test]
async fn nobody_is_sent_to_a_third_party_whose_own_organization_shuts_such_clients_out() {
    let app = app().await;
    let wrong = [("response_type", "token")];
    for (allowance, told) in [("forbidden", false), ("allowed", true)] {
        let policy = format!("policy: {{ third_party_clients: {allowance} }}");
        app.apply(&format!("organizations: [{{ slug: operator, name: Operator, {policy} }}]")).await;

        let page = begin(&app.browser(), &wrong).await;

        if told {
            assert_eq!(page.answer("error"), "unsupported_response_type");
        } else {
            assert_eq!((page.status.as_u16(), page.location()), (403, None), "{}", page.body);
            assert!(page.body.contains("client_not_admitted"), "{}", page.body);
        }
    }
}

/// Reading a page takes a while.
#[tokio::test]
async fn a_consent_that_comes_after_the_clients_own_limits_is_not_taken() {
    let app = app().await;
    for (limits, why) in [
        ("    session_absolute_secs: 300\n", "since the sign-in"),
        ("    session_idle_secs: 300\n", "since it was used"),
    ] {
        app.apply(&format!("{GUEST}{limits}")).await;
        let (browser, page) = asked(&app, &[("prompt", "consent")]).await;
        app.clock.advance(chrono::Duration::seconds(301));

        let late = say(&browser, &page, "allow").await;

        assert_eq!((late.status.as_u16(), late.location()), (400, None), "{why}: {}", late.body);
        let (browser, page) = asked(&app, &[("prompt", "consent")]).await;
        app.clock.advance(chrono::Duration::seconds(200));
        say(&browser, &page, "allow").await.answer("code");
    }
}

/// A request names 64 scopes, and claims beside them.
#[tokio::test]
async fn the_page_names_all_that_is_asked_for_however_much_it_is() {
    let app = app().await;
    let own: Vec<String> = (0..63).map(|number| format!("zz{number:02}")).collect();
    let scopes = GUEST.replace("offline_access, chat]", &format!("offline_access, {}]", own.join(", ")));
    app.apply(&scopes).await;
    let scope = format!("openid {}", own.join(" "));
    let wanted = [("scope", &*scope), ("claims", r#"{"userinfo":{"email":null,"name":null}}"#)];

    let (browser, page) = asked(&app, &wanted).await;

    let named = ["see your e-mail address", "see your name and your language", "know who you are here"];
    for text in named.into_iter().chain(own.iter().map(String::as_str)) {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    say(&browser, &page, "allow").await.answer("code");
    let again = [&wanted[..], &[("prompt", "consent")]].concat();
    let page = browser.follow(begin(&browser, &again).await).await;
    assert_eq!(page.body.matches("you allowed this before").count(), 66, "{}", page.body);
}

/// Who lets a device in consents, and reads the same.
#[tokio::test]
async fn the_page_for_a_device_says_whose_it_is_what_is_new_and_that_roles_are_in_it() {
    let app = app().await;
    let grants = "\"urn:ietf:params:oauth:grant-type:token-exchange\"]";
    let device = grants.replace(']', ", \"urn:ietf:params:oauth:grant-type:device_code\"]");
    app.apply(&GUEST.replace(grants, &device)).await;
    let (browser, page) = asked(&app, &[("scope", "openid")]).await;
    say(&browser, &page, "allow").await.answer("code");
    let form = [("scope", "openid email"), ("organization", "acme")];
    let begun = app.post_as("/device_authorization", ("guest", SECRET), &form).await;
    assert_eq!(begun.status, 200, "{:?}", begun.body);
    let code = begun.text("user_code");

    let typed = browser.get("/device").await;
    let found = browser.post("/device", &[("csrf", &typed.field("csrf")), ("user_code", &code)]).await;
    let (csrf, code) = (found.field("csrf"), found.field("user_code"));
    let page = browser.post("/device/continue", &[("csrf", &csrf), ("user_code", &code)]).await;
    let page = match page.leads_to().as_str() {
        "/sign-in" => browser.sign_in(page, ADA, PASSWORD).await,
        _ => page,
    };
    let page = browser.follow(page).await;

    for text in [
        "It was registered by the people who run this sign-in service, and its home is guest.example.test.",
        "<bdi>know who you are here</bdi> <span class=\"muted\">(you allowed this before)</span>",
        "<li><bdi>see your e-mail address</bdi></li>",
        "and which roles you have there",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
}
