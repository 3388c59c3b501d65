//! Connections: the set-up in one click, how each does, switched off and on.

use orgate_tests::app::{App, Browser, Page, SAMPLES};
use orgate_tests::openid_provider::{CLIENT_ID, CLIENT_SECRET, OpenIdProvider};
use serde_json::json;

use super::{administrator, csrf, send};

const LIST: &str = "/admin/acme/connections";
const SET_UP: &str = "/admin/acme/connections/set-up";

/// Orgate, and an OpenID provider that it reaches.
async fn world() -> (App, OpenIdProvider) {
    let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
    (app, OpenIdProvider::start().await)
}

/// The same, with a connection of an organization's in this state; the address of its page.
async fn connected(app: &App, provider: &OpenIdProvider, (slug, state): (&str, &'static str)) -> String {
    let connection = provider.connection("workforce", &format!("{slug}.test"), "");
    let name = if slug == "acme" { "Acme Inc" } else { "Globex Corporation" };
    app.apply(&format!("organizations:\n  - slug: {slug}\n    name: {name}\n    connections:\n{connection}"))
        .await;
    let id: uuid::Uuid =
        sqlx::query_scalar("update connections set state = $1 where slug = 'workforce' returning id")
            .bind(state)
            .fetch_one(app.database.superuser())
            .await
            .expect("a connection");
    app.env.configuration.forget();
    format!("/admin/{slug}/connections/{}", orgate_domain::ids::ConnectionId::from_uuid(id))
}

/// Posts a form of the set-up, with its token.
async fn post(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    let csrf = browser.get("/setup/connections").await.field("csrf");
    browser.post(path, &[&[("csrf", csrf.as_str())], fields].concat()).await
}

fn says(page: &Page, status: u16, texts: &[&str]) {
    assert_eq!(page.status.as_u16(), status, "{}", page.body);
    for text in texts {
        assert!(page.body.contains(text), "no {text:?}: {}", page.body);
    }
}

#[tokio::test]
async fn an_administrator_is_in_the_set_up_by_one_click_and_connects_and_tests_a_provider() {
    let (app, provider) = world().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let empty = ada.get(LIST).await;
    let begun = send(&ada, &empty, SET_UP, &[]).await;
    let vendors = ada.follow(begun.clone()).await;
    let made =
        post(&ada, "/setup/new", &[("vendor", "custom"), ("protocol", "oidc"), ("name", "Workforce")]).await;
    let base = made.leads_to().strip_suffix("/values").expect("made").to_owned();
    let seen = ada.get(format!("{base}/provider")).await.field("seen");
    let fields = [
        ("seen", seen.as_str()),
        ("issuer", provider.issuer()),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
    ];
    let saved = post(&ada, &format!("{base}/provider"), &fields).await;
    let mapping = ada.follow(saved).await;
    let list = ada.get(LIST).await;
    let id = base.rsplit('/').next().expect("an id");
    let at_test = send(&ada, &list, SET_UP, &[("connection", id), ("step", "test")]).await;
    let step = ada.follow(at_test.clone()).await;
    provider.user(json!({ "sub": "ada", "email": "ada@acme.test", "email_verified": true, "name": "Ada" }));
    let (_, rest) = step.body.split_once(&format!("href=\"{base}/test/begin?token=")).expect("a test");
    let to_test = format!("{base}/test/begin?token={}", rest.split('"').next().expect("a token"));
    let departure = ada.get(to_test).await.location().expect("on the way to the provider");
    let trace = ada.follow(ada.get(provider.answer(&departure)).await).await;
    let page = ada.get(format!("{LIST}/{id}")).await;

    says(&empty, 200, &["No identity provider is connected yet", "Connect an identity provider"]);
    assert_eq!(begun.leads_to(), "/setup/new", "{}", begun.body);
    let cookies = begun.cookies().join("\n");
    assert!(cookies.contains("orgate_setup=stl_") && cookies.contains("HttpOnly"), "{cookies}");
    for (what, text) in [("cookies", &cookies), ("page", &vendors.body)] {
        assert!(!text.contains("ogsl_"), "nobody is shown the link: {what}");
    }
    says(&vendors, 200, &["Which identity provider do you use?", "href=\"/admin/acme/connections\""]);
    says(&mapping, 200, &["Back to the administration", "value=\"viewer\"", "value=\"admin\""]);
    says(&list, 200, &["Workforce", "OpenID Connect", ">Draft<", "Not known"]);
    assert_eq!(at_test.leads_to(), format!("{base}/test"));
    assert!(!at_test.cookies().iter().any(|cookie| cookie.starts_with("orgate_setup=")), "it goes on");
    says(&trace, 200, &["The test passed"]);
    says(&page, 200, &["Tested, not live", ">Passed<", provider.issuer(), "version 1", "Nobody yet"]);
    let events = app.events("acme").await;
    let count = |wanted: &str| events.iter().filter(|event| *event == wanted).count();
    assert_eq!(
        (count("setup_link.created success"), count("setup_link.opened success")),
        (1, 1),
        "{events:?}"
    );
}

#[tokio::test]
async fn what_was_opened_is_over_once_it_is_left_or_its_administrator_signs_out() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let page = ada.get(LIST).await;

    send(&ada, &page, SET_UP, &[]).await;
    let left = post(&ada, "/setup/leave", &[]).await;
    let after = ada.get("/setup/connections").await;
    let again = send(&ada, &page, SET_UP, &[]).await;
    let open = ada.get("/setup/connections").await;
    let token = csrf(&page, "/admin/acme/sign-out");
    ada.post("/admin/acme/sign-out", &[("csrf", &token)]).await;
    let out = ada.get("/setup/connections").await;

    says(&left, 200, &["You have left the set-up", "href=\"/admin/acme/connections\""]);
    assert_eq!((after.status.as_u16(), again.leads_to().as_str()), (404, "/setup/new"));
    says(&open, 200, &["Close the set-up"]);
    assert_eq!(out.status, 404, "{}", out.body);
    let events = app.events("acme").await;
    assert_eq!(events.iter().filter(|event| *event == "setup_link.revoked success").count(), 2, "{events:?}");
}

/// Nobody keeps a way in that they lost: neither whoever was deactivated, nor whoever lost a role.
#[tokio::test]
async fn what_was_opened_gives_no_more_than_its_administrator_has_now() {
    let app = App::start().await;
    app.apply(
        &SAMPLES
            .replace("roles: [viewer] }\n      - { email: casey", "roles: [admin] }\n      - { email: casey"),
    )
    .await;
    let vic = administrator(&app, "acme", "vic@acme.test").await;
    let page = vic.get(LIST).await;
    send(&vic, &page, SET_UP, &[]).await;
    let before = vic.get("/setup/connections").await;

    app.apply(SAMPLES).await;
    let after = vic.get("/setup/connections").await;

    assert_eq!((before.status.as_u16(), after.status.as_u16()), (200, 410), "{}", after.body);
    says(&after, 410, &["The set-up is closed", "href=\"/admin\""]);
}

#[tokio::test]
async fn who_may_not_set_up_is_offered_no_set_up_and_refused() {
    let app = App::start().await;
    let may = async |permissions: &str| {
        let held = format!("permissions: [\"orgate:organization:read\", {permissions}] }}\n    users:");
        app.apply(&SAMPLES.replacen("permissions: [\"notes:read\"] }\n    users:", &held, 1)).await;
    };

    may("\"orgate:connections:read\", \"orgate:connections:manage\"").await;
    let vic = administrator(&app, "acme", "vic@acme.test").await;
    let no_links = vic.get(LIST).await;
    let closed = vic.post(SET_UP, &[("csrf", "x")]).await;
    may("\"orgate:connections:read\", \"orgate:setup_links:manage\"").await;
    let casey = administrator(&app, "acme", "casey@consult.test").await;
    let no_connections = casey.get(LIST).await;
    let token = csrf(&casey.get("/admin/acme/setup-links/new").await, "/admin/acme/setup-links/new");
    let refused = casey.post(SET_UP, &[("csrf", &token)]).await;

    for page in [&no_links, &no_connections] {
        says(page, 200, &["No identity provider is connected yet"]);
        assert!(!page.body.contains("set-up\""), "{}", page.body);
    }
    says(&closed, 403, &["You may not open this page", "orgate:setup_links:manage"]);
    says(&refused, 403, &["That was not done", "orgate:connections:manage is needed"]);
    assert!(!refused.cookies().iter().any(|cookie| cookie.starts_with("orgate_setup=")));
    let events = app.events("acme").await;
    assert!(!events.iter().any(|event| event.starts_with("setup_link.")), "{events:?}");
    assert!(events.contains(&"api.refused refused beyond_caller".to_owned()), "{events:?}");
}

#[tokio::test]
async fn a_connection_is_switched_off_once_its_name_was_typed_and_on_again_as_chosen() {
    let (app, provider) = world().await;
    let of = connected(&app, &provider, ("acme", "active")).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (off, on) = (format!("{of}/switch-off"), format!("{of}/switch-on"));

    let page = ada.get(&of).await;
    let confirm = ada.get(&off).await;
    let version = confirm.field("version");
    let wrong = send(&ada, &confirm, &off, &[("version", &version), ("word", "Something")]).await;
    let stale = send(&ada, &confirm, &off, &[("version", "0"), ("word", "Provider of workforce")]).await;
    let done = send(&ada, &confirm, &off, &[("version", &version), ("word", "provider of workforce")]).await;
    let gone = ada.follow(done).await;
    let again = ada.get(&off).await;
    let choose = ada.get(&on).await;
    let nothing = send(&ada, &choose, &on, &[("version", &version)]).await;
    let draft = send(&ada, &choose, &on, &[("version", &version), ("state", "draft")]).await;
    let back = ada.follow(draft).await;

    says(
        &page,
        200,
        &[
            "Provider of workforce",
            ">Live<",
            "acme.test",
            "Everybody whom the provider lets in",
            "Switch off",
        ],
    );
    says(&wrong, 422, &["Nothing was changed", "Type it as it stands above"]);
    says(&stale, 409, &["Somebody saved a newer version meanwhile"]);
    says(&gone, 200, &["It is switched off", ">Switched off<", "/switch-on\""]);
    assert_eq!(again.leads_to(), of, "it is already");
    says(&choose, 200, &["As a draft"]);
    says(&nothing, 422, &["Choose for whom."]);
    says(&back, 200, &["It is a draft again", ">Draft<"]);
    let events = app.events("acme").await;
    assert!(
        events.iter().filter(|event| *event == "connection.configured success").count() >= 2,
        "{events:?}"
    );
}

/// What was tested goes live again at once, for everybody or for its pilot.
#[tokio::test]
async fn what_was_tested_is_switched_on_for_everybody_again() {
    let (app, provider) = world().await;
    let of = connected(&app, &provider, ("acme", "disabled")).await;
    sqlx::query("update connections set tested_version = 1, live_version = 1 where slug = 'workforce'")
        .execute(app.database.superuser())
        .await
        .expect("changed");
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let on = format!("{of}/switch-on");

    let choose = ada.get(&on).await;
    let done = send(&ada, &choose, &on, &[("version", "1"), ("state", "active")]).await;

    says(&choose, 200, &["For everybody", "For its pilot", "As a draft"]);
    assert!(!choose.body.contains(" checked"), "for whom is theirs to say: {}", choose.body);
    says(&ada.follow(done).await, 200, &["It is on again, for everybody", ">Live<"]);
}

#[tokio::test]
async fn a_connection_of_another_organization_is_none() {
    let (app, provider) = world().await;
    let of_globex = connected(&app, &provider, ("globex", "active")).await;
    let foreign = of_globex.replace("globex", "acme");
    let missing = format!("{LIST}/con_00000000000000000000000000");
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let token = csrf(&ada.get(LIST).await, SET_UP);

    for of in [foreign.as_str(), missing.as_str(), "/admin/acme/connections/workforce"] {
        for below in ["", "/switch-off", "/switch-on"] {
            let page = ada.get(format!("{of}{below}")).await;
            says(&page, 404, &["There is no such page"]);
            assert!(!page.body.contains("workforce"), "{of}{below}: {}", page.body);
        }
        for (below, state) in [("/switch-off", "disabled"), ("/switch-on", "draft")] {
            let fields = [
                ("csrf", token.as_str()),
                ("version", "1"),
                ("word", "Provider of workforce"),
                ("state", state),
            ];
            says(&ada.post(format!("{of}{below}"), &fields).await, 404, &["There is no such page"]);
        }
    }
    let id = foreign.rsplit('/').next().expect("an id");
    let led = ada.post(SET_UP, &[("csrf", token.as_str()), ("connection", id), ("step", "test")]).await;
    says(&ada.follow(led).await, 404, &["There is no such page"]);
    let astray = [("csrf", token.as_str()), ("connection", id), ("step", "../../admin")];
    says(&ada.post(SET_UP, &astray).await, 404, &["There is no such page"]);
    let gus = administrator(&app, "globex", "gus@globex.test").await;
    says(&gus.get(&of_globex).await, 200, &[">Live<"]);
}

#[tokio::test]
async fn what_failed_last_and_what_expires_is_seen_in_the_list() {
    let (app, provider) = world().await;
    let of = connected(&app, &provider, ("acme", "active")).await;
    for (purpose, failed, hours) in [("test", None, 30), ("sign_in", Some("signature"), 2)] {
        sqlx::query(
            "insert into sign_in_traces (org_id, id, connection_id, version, purpose, outcome, failed_check, trace, occurred_at)
             select org_id, gen_random_uuid(), id, 1, $1, case when $2::text is null then 'success' else 'refused' end, $2, '{}',
                    now() - $3::float8 * interval '1 hour'
             from connections where slug = 'workforce'",
        )
        .bind(purpose)
        .bind(failed)
        .bind(f64::from(hours))
        .execute(app.database.superuser())
        .await
        .expect("kept");
    }
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let list = ada.get(LIST).await;
    let page = ada.get(&of).await;

    says(&list, 200, &[">Failed<", "Signature,", "2 hours ago"]);
    says(&page, 200, &[">Passed<", "1 day ago", "Last failed sign-in", "Signature"]);
}

/// However it ends: a set-up stands in for the session that it was opened by.
#[tokio::test]
async fn a_set_up_is_over_with_the_session_that_opened_it() {
    let (app, _provider) = world().await;
    app.apply(&SAMPLES.replace("roles: [viewer] }", "roles: [admin] }")).await;
    let (ada, vic) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "acme", "vic@acme.test").await,
    );
    let begun = send(&ada, &ada.get(LIST).await, SET_UP, &[]).await;
    let open = ada.follow(begun).await;

    let of_ada = super::page_of(&vic, "acme", "ada@acme.test").await;
    let page = vic.get(&of_ada).await;
    let ended = send(&vic, &page, &format!("{of_ada}/sessions"), &[]).await;
    let over = ada.get("/setup/connections").await;

    assert_eq!((open.status.as_u16(), ended.status.as_u16()), (200, 303), "{}", open.body);
    assert!(over.status.is_client_error(), "{} {}", over.status, over.body);
}

/// By which they would not be let in any more: a password, where identity providers are to be used.
#[tokio::test]
async fn a_set_up_is_over_once_its_administrator_would_have_to_sign_in_otherwise() {
    let (app, provider) = world().await;
    connected(&app, &provider, ("acme", "active")).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let gus = administrator(&app, "globex", "gus@globex.test").await;
    send(&ada, &ada.get(LIST).await, SET_UP, &[]).await;
    let of_globex = "/admin/globex/connections";
    send(&gus, &gus.get(of_globex).await, &format!("{of_globex}/set-up"), &[]).await;
    let before = ada.get("/setup/connections").await;

    app.apply("organizations: [{ slug: acme, name: Acme Inc, policy: { sso_enforcement: organization } }]")
        .await;
    let (out, over) = (ada.get("/admin/acme").await, ada.get("/setup/connections").await);
    let other = gus.get("/setup/connections").await;

    says(&before, 200, &["Close the set-up"]);
    assert_eq!((out.status.as_u16(), out.leads_to().as_str()), (303, "/authorize"), "{}", out.body);
    says(&over, 410, &["The set-up is closed"]);
    says(&other, 200, &["Close the set-up"]);
}

/// Once nobody was there for so long that they would have to sign in again, what they left open is over too.
#[tokio::test]
async fn a_set_up_is_open_no_longer_than_whoever_left_it_stays_signed_in() {
    let app = App::start().await;
    for (idle, other) in
        [("session_idle_secs", "refresh_idle_secs"), ("refresh_idle_secs", "session_idle_secs")]
    {
        app.apply(&format!(
            "organizations: [{{ slug: acme, name: Acme Inc, policy: {{ {idle}: 3600, {other}: 1200 }} }}]"
        ))
        .await;
        let ada = administrator(&app, "acme", "ada@acme.test").await;
        send(&ada, &ada.get(LIST).await, SET_UP, &[]).await;

        app.clock.advance(chrono::Duration::minutes(55));
        let open = ada.get("/setup/connections").await;
        app.clock.advance(chrono::Duration::minutes(6));
        let over = ada.get("/setup/connections").await;
        let page = ada.get("/admin/acme").await;
        let out = ada.follow(page).await;

        says(&open, 200, &["Close the set-up"]);
        says(&over, 410, &["The set-up is closed"]);
        assert!(out.body.contains("name=\"password\""), "they sign in first: {}", out.body);
    }
}

/// However often they were there.
#[tokio::test]
async fn a_set_up_ends_with_the_longest_that_its_administrator_may_be_signed_in() {
    let app = App::start().await;
    app.apply(
        "organizations: [{ slug: acme, name: Acme Inc, policy: { session_absolute_secs: 3600, refresh_absolute_secs: 3600 } }]",
    )
    .await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    app.clock.advance(chrono::Duration::minutes(50));
    send(&ada, &ada.get(LIST).await, SET_UP, &[]).await;
    let open = ada.get("/setup/connections").await;
    app.clock.advance(chrono::Duration::minutes(11));

    let over = ada.get("/setup/connections").await;
    let page = ada.get("/admin/acme").await;
    let out = ada.follow(page).await;

    says(&open, 200, &["Close the set-up"]);
    assert!(out.body.contains("name=\"password\""), "they sign in first: {}", out.body);
    says(&over, 410, &["The set-up is closed"]);
}
