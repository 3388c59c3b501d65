//! Policies: what is in force and who says so, asked once more where something ends, and only stricter below.

use chrono::Duration;
use orgate_tests::app::{App, Browser, Page, SAMPLES};

use super::{administrator, csrf, open_as, send};

const POLICIES: &str = "/admin/acme/policies";

/// What the page says of a setting below its field.
fn force(body: &str, name: &str) -> String {
    let marker = format!("id=\"{name}-force\">");
    let (_, rest) = body.split_once(&marker).unwrap_or_else(|| panic!("{name}: {body}"));
    rest.split("</p>").next().unwrap_or_default().replace("<b>", "").replace("</b>", "")
}

/// What stands in a field that is typed or hidden.
fn value(body: &str, name: &str) -> String {
    let (_, rest) = body.split_once(&format!("name=\"{name}\"")).unwrap_or_else(|| panic!("{name}: {body}"));
    let (tag, _) = rest.split_once('>').expect("the end of a tag");
    let (_, value) = tag.split_once("value=\"").unwrap_or_else(|| panic!("{name}: {tag}"));
    value.split('"').next().unwrap_or_default().to_owned()
}

/// Sends these fields with what the form keeps of what it was shown with.
async fn save(browser: &Browser, page: &Page, at: &str, fields: &[(&str, &str)]) -> Page {
    let seen = value(&page.body, "seen");
    send(browser, page, at, &[&[("seen", seen.as_str())], fields].concat()).await
}

#[tokio::test]
async fn each_setting_says_what_is_in_force_and_what_is_set_counts() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let form = ada.get(POLICIES).await;
    let fields = [
        ("session_absolute_secs", "36"),
        ("session_absolute_secs_unit", "hours"),
        ("lockout_attempts", "4"),
        ("client_registration", "forbidden"),
    ];
    let saved = save(&ada, &form, POLICIES, &fields).await;

    assert_eq!(force(&form.body, "session_idle_secs"), "In force: 12 hours, as usual");
    assert_eq!(force(&form.body, "sso_enforcement"), "In force: Nobody has to, as usual");
    assert!(form.body.contains("From 5 minutes to 10 years. Empty: 7 days, as usual."), "{}", form.body);
    let page = ada.follow(saved).await;
    assert!(page.body.contains("The policies are saved"), "nothing ends, so nothing is asked: {}", page.body);
    assert_eq!(force(&page.body, "session_absolute_secs"), "In force: 36 hours, set here");
    assert_eq!(value(&page.body, "session_absolute_secs"), "36");
    assert_eq!(force(&page.body, "lockout_attempts"), "In force: 4, set here");
    let cleared = save(&ada, &page, POLICIES, &[("client_registration", "forbidden")]).await;
    let page = ada.follow(cleared).await;
    assert_eq!(force(&page.body, "session_absolute_secs"), "In force: 7 days, as usual");
    assert_eq!(force(&page.body, "client_registration"), "In force: Forbidden, set here");
}

#[tokio::test]
async fn where_something_ends_it_is_asked_once_more_and_nothing_is_saved_before() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let vic = app.browser();
    vic.sign_in_to("acme", "vic@acme.test").await;
    let form = ada.get(POLICIES).await;
    let fields = [
        ("session_idle_secs", "1"),
        ("session_idle_secs_unit", "hours"),
        ("third_party_clients", "forbidden"),
        ("lockout_attempts", "7"),
    ];

    let asked = save(&ada, &form, POLICIES, &fields).await;
    let before = ada.get(POLICIES).await;
    let edited = save(&ada, &asked, POLICIES, &[&fields[..], &[("action", "edit")]].concat()).await;
    let confirmed = save(&ada, &asked, POLICIES, &[&fields[..], &[("action", "confirm")]].concat()).await;

    assert_eq!(asked.status, 200);
    for text in [
        "Whoever last used a browser more than 1 hour ago is signed out there",
        "Other people’s applications cannot be used any more",
        "<b>1 hour</b><span class=\"aside\">Before: 12 hours</span>",
        "name=\"lockout_attempts\" value=\"7\"",
    ] {
        assert!(asked.body.contains(text), "{text}: {}", asked.body);
    }
    assert_eq!(force(&before.body, "session_idle_secs"), "In force: 12 hours, as usual");
    assert_eq!((value(&edited.body, "session_idle_secs").as_str(), edited.status.as_u16()), ("1", 200));
    assert!(edited.body.contains("value=\"forbidden\" checked"), "{}", edited.body);
    let page = ada.follow(confirmed).await;
    assert_eq!(force(&page.body, "session_idle_secs"), "In force: 1 hour, set here");
    assert_eq!(force(&page.body, "lockout_attempts"), "In force: 7, set here");
    app.clock.advance(Duration::minutes(61));
    let silent = vic.authorize(&[("organization", "acme"), ("prompt", "none")]).await;
    assert_eq!(silent.answer("error"), "login_required", "as the page said");
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_beside_its_field_and_above_and_what_was_typed_is_kept() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = ada.get(POLICIES).await;

    let many = [
        ("session_idle_secs", "soon"),
        ("session_idle_secs_unit", "hours"),
        ("access_token_secs", "2"),
        ("access_token_secs_unit", "hours"),
        ("lockout_attempts", "0"),
    ];
    let wrong = save(&ada, &form, POLICIES, &many).await;
    let short =
        [("session_idle_secs", "4"), ("session_idle_secs_unit", "minutes"), ("lockout_attempts", "9")];
    let too_short = save(&ada, &form, POLICIES, &short).await;
    let no_way_in = save(&ada, &form, POLICIES, &[("sso_enforcement", "organization")]).await;
    let foreign = ada.post(POLICIES, &[("csrf", &csrf(&form, "/admin/acme/sign-out"))]).await;

    for (page, field) in [
        (&wrong, "session_idle_secs"),
        (&wrong, "access_token_secs"),
        (&wrong, "lockout_attempts"),
        (&too_short, "session_idle_secs"),
        (&no_way_in, "sso_enforcement"),
    ] {
        assert_eq!(page.status, 422, "{field}");
        assert!(page.body.contains(&format!("<a href=\"#{field}\">")), "{field}: {}", page.body);
        assert!(page.body.contains(&format!("id=\"{field}-error\"")), "{field}: {}", page.body);
    }
    assert!(
        wrong.body.contains("From 30 seconds to 1 hour, as a whole number; or nothing."),
        "{}",
        wrong.body
    );
    assert_eq!(value(&wrong.body, "session_idle_secs"), "soon");
    assert!(too_short.body.matches("At least 5 minutes").count() == 2, "{}", too_short.body);
    assert_eq!(value(&too_short.body, "lockout_attempts"), "9");
    assert!(no_way_in.body.contains("No connection of the organization is active"), "{}", no_way_in.body);
    assert!(no_way_in.body.contains("value=\"organization\" checked"), "{}", no_way_in.body);
    assert!(foreign.status == 403 && foreign.body.contains("grown old"), "{}", foreign.body);
    assert_eq!(value(&ada.get(POLICIES).await.body, "seen"), "", "nothing was saved");
}

/// Whoever enforces SSO reads how many are signed in otherwise; whose own session ends is not sent on by the form.
#[tokio::test]
async fn who_enforces_sso_reads_how_many_sessions_end_and_that_theirs_is_one() {
    let app = App::start().await;
    app.apply(
        "organizations:\n  - slug: acme\n    name: Acme Inc\n    connections:\n      - slug: own\n        client_secret: x\n        \
         settings: { provider: { oidc: { issuer: \"https://idp.test\", client_id: orgate } } }\n    \
         users: [{ email: ada@acme.test, name: Ada, break_glass: true }]\n",
    )
    .await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    app.sign_in("acme", "vic@acme.test").await;
    app.sign_in("acme", "casey@consult.test").await;
    let form = ada.get(POLICIES).await;
    let domains = [("sso_enforcement", "domains")];
    let everybody = [("sso_enforcement", "organization")];

    let of_domains = save(&ada, &form, POLICIES, &domains).await;
    let of_all = save(&ada, &form, POLICIES, &everybody).await;
    let done = save(&ada, &of_all, POLICIES, &[everybody[0], ("action", "confirm")]).await;

    assert!(of_domains.body.contains("2 sessions that began with such a password"), "{}", of_domains.body);
    for text in [
        "Everybody signs in through your identity provider",
        "3 sessions that began with such a password end at once",
        "One of them is yours",
    ] {
        assert!(of_all.body.contains(text), "{text}: {}", of_all.body);
    }
    assert!(
        done.status == 200 && done.body.contains("You signed yourself out"),
        "{} {}",
        done.status,
        done.body
    );
    let ended = app.events("acme").await;
    assert_eq!(ended.iter().filter(|event| *event == "session.ended success sso_enforced").count(), 3);
    assert_eq!(ada.get(POLICIES).await.leads_to(), "/authorize");
}

#[tokio::test]
async fn below_another_organization_only_what_is_stricter_counts_and_the_page_says_so() {
    let app = App::start().await;
    app.apply(
        "organizations:
  - { slug: acme, name: Acme Inc, policy: { session_idle_secs: 3600, third_party_clients: forbidden } }
  - slug: labs
    name: Labs
    parent: acme
    domains: [labs.test]
    users: [{ email: olga@labs.test, name: Olga, password: \"${PASSWORD}\", roles: [owner] }]
",
    )
    .await;
    let (olga, at) = (app.browser(), "/admin/labs/policies");
    open_as(&olga, at, "olga@labs.test").await;

    let form = olga.get(at).await;
    let looser =
        [("session_idle_secs", "2"), ("session_idle_secs_unit", "hours"), ("third_party_clients", "allowed")];
    let saved = save(&olga, &form, at, &looser).await;
    let page = olga.follow(saved).await;
    let stricter =
        [("session_idle_secs", "30"), ("session_idle_secs_unit", "minutes"), ("action", "confirm")];
    let tightened = save(&olga, &page, at, &stricter).await;

    assert_eq!(force(&form.body, "session_idle_secs"), "In force: 1 hour, as the organization above has it");
    assert!(form.body.contains("Only what is stricter counts"), "{}", form.body);
    assert!(form.body.contains("name=\"third_party_clients\" value=\"allowed\" disabled"), "{}", form.body);
    assert_eq!(
        force(&page.body, "session_idle_secs"),
        "In force: 1 hour, as the organization above has it: what is set here (2 hours) is looser"
    );
    assert!(
        force(&page.body, "third_party_clients")
            .starts_with("In force: Forbidden, as the organization above")
    );
    let page = olga.follow(tightened).await;
    assert_eq!(force(&page.body, "session_idle_secs"), "In force: 30 minutes, set here");
}

#[tokio::test]
async fn who_is_second_is_told_who_was_first_and_has_what_both_changed() {
    let app = App::start().await;
    app.apply(&SAMPLES.replace("roles: [viewer] }", "roles: [admin] }")).await;
    let (ada, vic) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "acme", "vic@acme.test").await,
    );
    let (first, second) = (ada.get(POLICIES).await, vic.get(POLICIES).await);
    let hers =
        [("session_absolute_secs", "2"), ("session_absolute_secs_unit", "days"), ("lockout_attempts", "5")];
    save(&ada, &first, POLICIES, &hers).await;

    let his = [("session_absolute_secs", "3"), ("session_absolute_secs_unit", "days")];
    let late = save(&vic, &second, POLICIES, &his).await;

    assert_eq!(late.status, 409);
    for text in
        ["<bdi>Ada Adler</bdi></a> changed it", "Now <b><bdi>2 days</bdi></b>; you asked for <b><bdi>3 days"]
    {
        assert!(late.body.contains(text), "{text}: {}", late.body);
    }
    assert_eq!(value(&late.body, "session_absolute_secs"), "3", "what was typed stays");
    assert_eq!(value(&late.body, "lockout_attempts"), "5", "theirs, where it was not touched");
    let fields = [his[0], his[1], ("lockout_attempts", "5")];
    let again = save(&vic, &late, POLICIES, &fields).await;
    let page = vic.follow(again).await;
    assert_eq!(force(&page.body, "session_absolute_secs"), "In force: 3 days, set here");
    assert_eq!(force(&page.body, "lockout_attempts"), "In force: 5, set here");
}

#[tokio::test]
async fn who_may_read_and_not_change_has_no_form_and_changes_nothing() {
    let app = App::start().await;
    let reading = "permissions: [\"orgate:organization:read\", \"orgate:policies:read\"] }";
    app.apply(&SAMPLES.replacen("permissions: [\"notes:read\"] }", reading, 1)).await;
    let vic = administrator(&app, "acme", "vic@acme.test").await;

    let page = vic.get(POLICIES).await;
    let refused = vic.post(POLICIES, &[("csrf", "x"), ("lockout_attempts", "1")]).await;

    assert!(page.status == 200 && page.body.contains("<b>12 hours</b>, as usual"), "{}", page.body);
    assert!(!page.body.contains("name=\"lockout_attempts\""), "{}", page.body);
    assert!(refused.status == 403 && refused.body.contains("orgate:policies:manage"), "{}", refused.body);
}
