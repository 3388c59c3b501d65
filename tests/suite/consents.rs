//! Consent: a third party gets what each user lets it have, in each organization by itself, until it is taken back.

use orgate_domain::audit::{Actor, Origin};
use orgate_domain::clients::{Audience, ClientStatus};
use orgate_domain::ids::{ClientId, OrgId, UserId};
use orgate_flows::consents;
use orgate_tests::app::{App, Browser, CALLBACK, PASSWORD, Page, Reply, SECRET, VERIFIER, claims};
use orgate_tests::logout_receiver::LogoutReceiver;
use serde_json::json;

mod third_party;

/// Another company's application, for every organization.
const GUEST: &str = r#"
clients:
  - client_id: guest
    organization: operator
    name: Guest & Co
    type: web
    audience: all
    party: third
    client_secret: "${SECRET}"
    redirect_uris: ["http://localhost:9/callback"]
    home_url: "https://guest.example.test/"
    resource: guest
    scopes: [openid, profile, email, offline_access, chat]
    grants: [authorization_code, refresh_token, "urn:ietf:params:oauth:grant-type:token-exchange"]
"#;

const ADA: &str = "ada@acme.test";

async fn app() -> App {
    let app = App::start().await;
    app.apply(GUEST).await;
    app
}

/// What an organization thinks of third parties.
async fn policy(app: &App, allowance: &str) {
    app.apply(&format!(
        "organizations:\n  - {{ slug: acme, name: Acme Inc, policy: {{ third_party_clients: {allowance} }} }}\n"
    ))
    .await;
}

async fn begin(browser: &Browser, changes: &[(&str, &str)]) -> Page {
    let changes: Vec<_> = [("client_id", "guest"), ("organization", "acme")]
        .into_iter()
        .chain(changes.iter().copied())
        .collect();
    browser.authorize(&changes).await
}

/// Signs in, up to the page that asks.
async fn asked(app: &App, changes: &[(&str, &str)]) -> (Browser, Page) {
    let browser = app.browser();
    let page = begin(&browser, changes).await;
    let page = browser.sign_in(page, ADA, PASSWORD).await;
    assert_eq!(page.leads_to(), "/consent", "{} {}", page.status, page.body);
    let page = browser.follow(page).await;
    assert_eq!(page.status, 200, "{}", page.body);
    (browser, page)
}

async fn say(browser: &Browser, page: &Page, answer: &str) -> Page {
    let (request, csrf) = (page.field("request"), page.field("csrf"));
    browser.post("/consent", &[("request", &request), ("csrf", &csrf), ("answer", answer)]).await
}

async fn redeem(app: &App, code: &str) -> Reply {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    app.token_as("guest", SECRET, &form).await
}

async fn refresh(app: &App, token: &str) -> Reply {
    app.token_as("guest", SECRET, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

/// A browser whose user let the client have everything that it usually asks for, and the tokens.
async fn allowed(app: &App) -> (Browser, Reply) {
    let (browser, page) = asked(app, &[]).await;
    let code = say(&browser, &page, "allow").await.answer("code");
    (browser, redeem(app, &code).await)
}

fn user_of(tokens: &Reply) -> UserId {
    tokens.claims("access_token")["sub"].as_str().and_then(|sub| sub.parse().ok()).expect("a user")
}

async fn guest(app: &App) -> (OrgId, ClientId) {
    app.env.configuration.client(&app.env.store, "guest").await.expect("read").expect("known").key()
}

async fn revoke(app: &App, user: UserId) -> bool {
    let (scope, client) = (app.org("acme").await, guest(app).await);
    consents::revoke(&app.env, &scope, (user, client), (Actor::User(user), &Origin::default()))
        .await
        .expect("revoked")
}

#[tokio::test]
async fn a_third_party_is_answered_once_its_user_consents_and_is_not_asked_for_again() {
    let app = app().await;

    let (browser, page) = asked(&app, &[]).await;
    for text in
        ["Guest &#38; Co", "guest.example.test", "localhost", "Acme Inc", ADA, "see your e-mail address"]
    {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    let csp = page.headers["content-security-policy"].to_str().expect("text").to_owned();
    assert!(csp.contains("form-action 'self' http://localhost:9;"), "{csp}");
    let answer = say(&browser, &page, "allow").await;
    assert_eq!(
        (answer.answer("state"), answer.answer("iss")),
        ("the-state".to_owned(), app.base.as_str().trim_end_matches('/').to_owned())
    );
    let tokens = redeem(&app, &answer.answer("code")).await;
    assert_eq!(tokens.status, 200, "{:?}", tokens.body);
    assert_eq!(tokens.claims("access_token")["org_name"], "acme");

    let again = begin(&browser, &[]).await;
    assert_eq!(redeem(&app, &again.answer("code")).await.status, 200, "in the session, nobody is asked");
    let silent = begin(&browser, &[("prompt", "none")]).await;
    assert_eq!(redeem(&app, &silent.answer("code")).await.status, 200);
    let elsewhere = app.browser();
    let page = begin(&elsewhere, &[]).await;
    let answer = elsewhere.sign_in(page, ADA, PASSWORD).await;
    assert_eq!(redeem(&app, &answer.answer("code")).await.status, 200, "nor after another sign-in");
    let events = app.events("acme").await;
    assert_eq!(events.iter().filter(|event| *event == "consent.given success").count(), 1);
}

#[tokio::test]
async fn the_products_own_applications_ask_nobody() {
    let app = app().await;
    let browser = app.browser();

    let page = browser.authorize(&[("organization", "acme"), ("prompt", "consent")]).await;

    assert_eq!(app.redeem(&browser.sign_in(page, ADA, PASSWORD).await.answer("code")).await.status, 200);
}

#[tokio::test]
async fn only_what_is_new_is_asked_for_again() {
    let app = app().await;
    let (browser, page) = asked(&app, &[("scope", "openid")]).await;
    say(&browser, &page, "allow").await.answer("code");

    let wider = begin(&browser, &[("scope", "openid email chat")]).await;
    assert_eq!(wider.leads_to(), "/consent");
    let page = browser.follow(wider).await;
    assert!(page.body.contains("you allowed this before") && page.body.contains("chat"), "{}", page.body);
    let code = say(&browser, &page, "allow").await.answer("code");
    assert_eq!(redeem(&app, &code).await.claims("access_token")["scope"], json!("chat email openid"));

    for narrower in ["openid", "email", "chat openid email"] {
        assert_eq!(begin(&browser, &[("scope", narrower)]).await.leads_to(), "/callback", "{narrower}");
    }
    let page = begin(&browser, &[("scope", "openid profile")]).await;
    assert_eq!(page.leads_to(), "/consent", "what was allowed adds up, and to no more");
}

/// OIDC Core §5.5: what `claims` asks for is what the scope of each claim would let out.
#[tokio::test]
async fn a_claim_cannot_be_had_past_the_person() {
    let app = app().await;
    let (browser, page) = asked(&app, &[("scope", "openid")]).await;
    say(&browser, &page, "allow").await.answer("code");
    let by_claim = [("scope", "openid"), ("claims", r#"{"userinfo":{"email":null}}"#)];

    let silent = begin(&browser, &[by_claim[0], by_claim[1], ("prompt", "none")]).await;
    let page = browser.follow(begin(&browser, &by_claim).await).await;

    assert_eq!(silent.answer("error"), "consent_required");
    assert!(page.body.contains("see your e-mail address"), "{}", page.body);
    let tokens = redeem(&app, &say(&browser, &page, "allow").await.answer("code")).await;
    let userinfo = app.userinfo(&tokens.text("access_token")).await;
    assert_eq!(userinfo.text("email"), ADA);
}

#[tokio::test]
async fn without_a_page_there_is_no_consent() {
    let app = app().await;
    let (browser, _) = asked(&app, &[]).await;

    let silent = begin(&browser, &[("prompt", "none")]).await;

    assert_eq!(silent.answer("error"), "consent_required");
    assert_eq!(silent.answer("state"), "the-state");
    app.env.refusals.flush(&app.env).await.expect("written");
    assert!(app.events("acme").await.contains(&"authorization.refused refused consent_required".to_owned()));
}

#[tokio::test]
async fn who_refuses_is_taken_back_and_what_was_allowed_before_stays() {
    let app = app().await;
    let (browser, tokens) = allowed(&app).await;

    let page = begin(&browser, &[("prompt", "consent")]).await;
    assert_eq!(page.leads_to(), "/consent", "it is asked for on demand");
    let page = browser.follow(page).await;
    let answer = say(&browser, &page, "deny").await;

    assert_eq!(answer.answer("error"), "access_denied");
    assert_eq!(
        (answer.answer("state"), answer.answer("iss")),
        ("the-state".to_owned(), app.base.as_str().trim_end_matches('/').to_owned())
    );
    assert_eq!(refresh(&app, &tokens.text("refresh_token")).await.status, 200);
    assert!(app.events("acme").await.contains(&"consent.denied refused denied".to_owned()));
    assert_eq!(say(&browser, &page, "allow").await.status, 400, "an answer is an answer");
}

#[tokio::test]
async fn a_consent_is_given_by_its_person_in_their_browser_and_once() {
    let app = app().await;
    let (browser, page) = asked(&app, &[]).await;
    let (request, csrf) = (page.field("request"), page.field("csrf"));
    let post = async |browser: &Browser, csrf: &str, answer: &str| {
        let fields = [("request", request.as_str()), ("csrf", csrf), ("answer", answer)];
        browser.post("/consent", &fields).await.status.as_u16()
    };

    assert_eq!(post(&browser, "", "allow").await, 400, "no token");
    assert_eq!(post(&browser, &csrf, "maybe").await, 400, "no answer");
    assert_eq!(post(&app.browser(), &csrf, "allow").await, 400, "another browser");
    assert_eq!(app.browser().get(format!("/consent?request={request}")).await.status, 400);
    // The same browser, in which somebody else has signed in meanwhile.
    let other = browser.authorize(&[("organization", "acme"), ("prompt", "login")]).await;
    browser.sign_in(other, "vic@acme.test", PASSWORD).await.answer("code");
    assert_eq!(post(&browser, &csrf, "allow").await, 400, "another user");
    assert_eq!(browser.get(format!("/consent?request={request}")).await.status, 400);

    let (browser, page) = asked(&app, &[]).await;
    let answers = at_once(8, &browser, &page).await;
    let granted = answers.iter().filter(|answer| answer.leads_to() == "/callback").count();
    assert_eq!(granted, 1);
    let events = app.events("acme").await;
    assert_eq!(events.iter().filter(|event| *event == "consent.given success").count(), 1);
}

async fn at_once(count: usize, browser: &Browser, page: &Page) -> Vec<Page> {
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..count {
        let (browser, page) = (browser.clone(), page.clone());
        set.spawn(async move { say(&browser, &page, "allow").await });
    }
    set.join_all().await
}

/// A request that waits for a sign-in is not one that waits for consent, whoever is signed in.
#[tokio::test]
async fn the_page_answers_no_request_that_waits_for_something_else() {
    let app = app().await;
    let (browser, _) = allowed(&app).await;
    let page = begin(&browser, &[("prompt", "login")]).await;
    let page = browser.follow(page).await;

    let answer = say(&browser, &page, "allow").await;

    assert_eq!(answer.status, 400, "{}", answer.body);
}

#[tokio::test]
async fn each_organization_and_each_user_is_asked() {
    let app = app().await;
    allowed(&app).await;

    for (organization, email) in [("globex", "gus@globex.test"), ("acme", "vic@acme.test")] {
        let browser = app.browser();
        let page = browser.authorize(&[("client_id", "guest"), ("organization", organization)]).await;
        let page = browser.sign_in(page, email, PASSWORD).await;
        assert_eq!(page.leads_to(), "/consent", "{organization} {email}");
    }
}

#[tokio::test]
async fn a_consent_taken_back_ends_what_was_granted_by_it_and_the_client_is_told() {
    let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
    let receiver = LogoutReceiver::start().await;
    app.apply(&GUEST.replace("resource: guest", &format!("backchannel_logout_uri: \"{}\"", receiver.url)))
        .await;
    let (browser, tokens) = allowed(&app).await;
    let waiting = begin(&browser, &[]).await.answer("code");
    let user = user_of(&tokens);
    let mine = consents::list(&app.env, &app.org("acme").await, user).await.expect("listed");
    assert_eq!(mine.len(), 1);
    assert_eq!(mine[0].client.client_id, "guest");
    assert_eq!(mine[0].consent.scope.to_string(), "email offline_access openid profile");
    assert!(!revoke(&app, "usr_00000000000000000000000001".parse().expect("an id")).await, "nobody else's");

    assert!(revoke(&app, user).await);

    assert_eq!(refresh(&app, &tokens.text("refresh_token")).await.outcome(), "400 invalid_grant");
    assert_eq!(redeem(&app, &waiting).await.outcome(), "400 invalid_grant", "nor a code that waited");
    assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 401);
    let [told] = receiver.wait(1).await.try_into().expect("one");
    assert_eq!(claims(&told)["sid"], tokens.claims("id_token")["sid"]);
    assert_eq!(begin(&browser, &[]).await.leads_to(), "/consent", "and is asked for again");
    assert!(!revoke(&app, user).await, "once");
    let events = app.events("acme").await;
    assert!(events.contains(&"consent.revoked success".to_owned()), "{events:?}");
    assert!(events.contains(&"code.refused refused consent_missing".to_owned()), "{events:?}");
    assert!(consents::list(&app.env, &app.org("acme").await, user).await.expect("listed").is_empty());
}

/// A client that becomes somebody else's keeps nothing that nobody consented to.
#[tokio::test]
async fn what_was_granted_to_the_products_own_is_not_a_third_partys() {
    let app = App::start().await;
    app.apply(&GUEST.replace("party: third", "party: first")).await;
    let browser = app.browser();
    let page = begin(&browser, &[]).await;
    let tokens = redeem(&app, &browser.sign_in(page, ADA, PASSWORD).await.answer("code")).await;

    app.apply(GUEST).await;

    let refused = refresh(&app, &tokens.text("refresh_token")).await;
    assert_eq!(refused.outcome(), "400 invalid_grant");
    assert!(app.events("acme").await.contains(&"refresh_token.refused refused consent_missing".to_owned()));
}

/// Nobody consented to that.
#[tokio::test]
async fn a_third_party_exchanges_no_token_of_another_client() {
    let app = app().await;
    app.apply(&GUEST.replace("resource: guest", "resource: notes")).await;
    let token = app.sign_in("acme", ADA).await.text("access_token");
    let exchange = async |token: &str| {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", token),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ];
        app.token_as("guest", SECRET, &form).await.outcome()
    };

    let own = allowed(&app).await.1.text("access_token");

    assert_eq!(exchange(&token).await, "400 invalid_request");
    assert_eq!(exchange(&own).await, "200");
}

#[tokio::test]
async fn an_organization_that_forbids_third_parties_is_as_one_that_is_not_there() {
    let app = app().await;
    let (browser, tokens) = allowed(&app).await;
    let waiting = begin(&browser, &[]).await.answer("code");
    let (asked_browser, asked_page) = asked(&app, &[("prompt", "consent")]).await;
    let entering = app.browser();
    let sign_in = entering.follow(begin(&entering, &[]).await).await;

    policy(&app, "forbidden").await;

    assert_eq!(refresh(&app, &tokens.text("refresh_token")).await.outcome(), "400 invalid_grant");
    assert_eq!(redeem(&app, &waiting).await.outcome(), "400 invalid_grant");
    assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 401);
    assert_eq!(say(&asked_browser, &asked_page, "allow").await.answer("error"), "access_denied");
    assert_eq!(entering.sign_in(sign_in, ADA, PASSWORD).await.answer("error"), "access_denied");
    assert_eq!(begin(&browser, &[("prompt", "none")]).await.answer("error"), "access_denied");
    let refused = begin(&browser, &[]).await;
    let unknown = browser.authorize(&[("client_id", "guest"), ("organization", "nowhere")]).await;
    let sentence =
        |page: &Page| page.body.split("<h1").nth(1).map(|rest| rest.split("</h1>").next().map(str::to_owned));
    assert_eq!((refused.status, sentence(&refused)), (unknown.status, sentence(&unknown)));
    assert!(refused.body.contains("organization_unavailable") && !refused.body.contains("Acme"));
    assert_eq!(app.sign_in("acme", ADA).await.status, 200, "the product's own go on");
    let globex = app.browser();
    let page = globex.authorize(&[("client_id", "guest"), ("organization", "globex")]).await;
    assert_eq!(page.leads_to(), "/sign-in", "and so do the others");

    policy(&app, "allowed").await;
    assert_eq!(redeem(&app, &begin(&browser, &[]).await.answer("code")).await.status, 200);
}

#[tokio::test]
async fn a_machine_of_somebody_elses_is_forbidden_too() {
    let app = app().await;
    app.apply(
        "clients:
  - client_id: robot
    organization: operator
    name: Robot
    type: machine
    audience: all
    party: third
    client_secret: \"${SECRET}\"
    scopes: [sync]
",
    )
    .await;
    let form = [("grant_type", "client_credentials"), ("organization", "acme")];
    assert_eq!(app.token_as("robot", SECRET, &form).await.status, 200);

    policy(&app, "forbidden").await;

    assert_eq!(app.token_as("robot", SECRET, &form).await.outcome(), "400 unauthorized_client");
    let globex = [("grant_type", "client_credentials"), ("organization", "globex")];
    assert_eq!(app.token_as("robot", SECRET, &globex).await.status, 200);
}

/// Of two racing calls, the consent that is taken back or the code that is redeemed by it, the taking back wins in
/// the end: no family outlives it.
#[tokio::test]
async fn no_family_outlives_the_consent_that_it_came_from() {
    let app = app().await;
    let (browser, tokens) = allowed(&app).await;
    let user = user_of(&tokens);
    for _ in 0..10 {
        let page = browser.follow(begin(&browser, &[("prompt", "consent")]).await).await;
        let code = say(&browser, &page, "allow").await.answer("code");

        let (redeemed, revoked) = tokio::join!(redeem(&app, &code), revoke(&app, user));

        assert!(revoked);
        if redeemed.status == 200 {
            assert_eq!(app.userinfo(&redeemed.text("access_token")).await.status, 401);
        }
        let alive: i64 = sqlx::query_scalar(
            "select count(*) from grants where user_id = $1 and client_id = $2 and revoked_at is null",
        )
        .bind(user.as_uuid())
        .bind(guest(&app).await.1.as_uuid())
        .fetch_one(app.database.superuser())
        .await
        .expect("counted");
        assert_eq!(alive, 0);
    }
}

#[tokio::test]
async fn a_disabled_third_party_is_not_consented_to() {
    let app = app().await;
    let (browser, page) = asked(&app, &[]).await;

    app.apply(&format!("{GUEST}    status: disabled\n")).await;

    let answer = say(&browser, &page, "allow").await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(!app.events("acme").await.contains(&"consent.given success".to_owned()));
    let client = app.env.configuration.client(&app.env.store, "guest").await.expect("read").expect("known");
    assert_eq!((client.audience, client.status), (Audience::All, ClientStatus::Disabled));
}

#[tokio::test]
async fn a_user_sees_which_applications_have_access_and_takes_it_back() {
    let app = app().await;
    let (browser, tokens) = allowed(&app).await;
    let page = browser.get("/account/sessions").await;
    assert!(
        page.body.contains("Applications with access") && page.body.contains("Guest &#38; Co"),
        "{}",
        page.body
    );
    let (csrf, organization) = (page.field("csrf"), page.field("organization"));
    let post = async |csrf: &str, client: &str| {
        let fields = [("csrf", csrf), ("organization", organization.as_str()), ("client", client)];
        browser.post("/account/applications", &fields).await
    };

    assert_eq!(post("", "guest").await.status, 400, "no token");
    assert_eq!(post(&csrf, "notes").await.leads_to(), "/account/sessions", "which never had any");
    assert_eq!(refresh(&app, &tokens.text("refresh_token")).await.status, 200);
    let done = post(&csrf, "guest").await;

    let page = browser.follow(done).await;
    assert!(
        page.body.contains("no access any more") && !page.body.contains("Applications with access"),
        "{}",
        page.body
    );
    assert_eq!(begin(&browser, &[]).await.leads_to(), "/consent");
    let other = app.browser();
    let fields = [("csrf", csrf.as_str()), ("organization", organization.as_str()), ("client", "guest")];
    assert_eq!(other.post("/account/applications", &fields).await.status, 403);
}
