//! The overview: how things stand, and what happened last.

use chrono::{DateTime, Datelike as _, Duration, NaiveDate, Utc};
use orgate_flows::{Clock as _, SystemClock};
use orgate_tests::app::{App, PASSWORD, SAMPLES};
use orgate_tests::saml_provider::SamlProvider;

use super::{administrator, open_as};
use crate::management::count_sign_ins;

/// The panel of a number.
fn panel<'a>(body: &'a str, label: &str) -> &'a str {
    let marker = format!("<span class=\"label\">{label}</span>");
    let found = body.split("<li>").find(|panel| panel.contains(&marker));
    let panel = found.unwrap_or_else(|| panic!("{label}: {body}"));
    panel.split("</li>").next().unwrap_or_default()
}

/// The number that stands in it.
fn number(body: &str, label: &str) -> String {
    let (_, rest) = panel(body, label).split_once("<b>").expect("a number");
    rest.split("</b>").next().unwrap_or_default().to_owned()
}

/// The list of what somebody should look at, if there is anything.
fn concerns(body: &str) -> Option<&str> {
    let (_, rest) = body.split_once("<h2 id=\"concerns\">To look at</h2>")?;
    rest.split("</section>").next()
}

/// Organizations with a connection each, to a provider with this certificate.
async fn connected(until: DateTime<Utc>) -> App {
    let app = App::start_without_jobs(|settings| settings.outgoing.allow_private_addresses = true).await;
    let provider = SamlProvider::lasting_until(until).await;
    for (slug, name) in [("acme", "Acme Inc"), ("globex", "Globex Corporation")] {
        let connection = provider.connection("workforce", &format!("{slug}.test"), ("", ""));
        app.apply(&format!(
            "organizations:\n  - slug: {slug}\n    name: {name}\n    connections:\n{connection}        name: Provider of {slug}\n"
        ))
        .await;
    }
    app
}

/// Puts an organization's connection into a state.
async fn set_state(app: &App, slug: &str, state: &str) {
    let changed = sqlx::query(
        "update connections connection set state = $1 from organizations organization
         where organization.org_id = connection.org_id and organization.slug = $2",
    )
    .bind(state)
    .bind(slug)
    .execute(app.database.superuser())
    .await
    .expect("changed");
    assert_eq!(changed.rows_affected(), 1);
    app.env.configuration.forget();
}

/// A sign-in through the connection of an organization that failed at this time.
async fn failed(app: &App, slug: &str, at: DateTime<Utc>) {
    sqlx::query(
        "insert into sign_in_traces (org_id, id, connection_id, version, purpose, outcome, failed_check, trace, occurred_at)
         select connection.org_id, gen_random_uuid(), connection.id, 1, 'sign_in', 'refused', 'signature', '{}', $1
         from connections connection join organizations organization using (org_id) where organization.slug = $2",
    )
    .bind(at)
    .bind(slug)
    .execute(app.database.superuser())
    .await
    .expect("kept");
}

/// What the overview says that should be looked at, to whoever signs in now.
async fn to_look_at(app: &App) -> Option<String> {
    let ada = administrator(app, "acme", "ada@acme.test").await;
    concerns(&ada.get("/admin/acme").await.body).map(str::to_owned)
}

/// A day, as the chart says it.
fn said(day: NaiveDate) -> String {
    format!("{} {}", day.day(), day.format("%B"))
}

/// Signs in to an organization.
async fn sign_in(app: &App, organization: &str, (email, password): (&str, &str)) {
    let browser = app.browser();
    let page = browser.authorize(&[("organization", organization)]).await;
    browser.sign_in(page, email, password).await;
}

#[tokio::test]
async fn numbers_are_as_things_stand_and_lead_where_one_may_go() {
    let app = App::start().await;
    app.apply(
        "organizations: [{ slug: acme, name: Acme Inc, quotas: { seats: 7 }, invitations: [{ email: new@acme.test }],
         users: [{ email: gone@acme.test, name: Gone, status: deactivated }] }]",
    )
    .await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let page = ada.get("/admin/acme").await;

    assert_eq!(number(&page.body, "Active users"), "3");
    assert_eq!(number(&page.body, "Open invitations"), "1");
    assert_eq!(number(&page.body, "Identity providers"), "0");
    for text in
        ["7 seats in all", "None connected yet", "href=\"/admin/acme/users\"", "href=\"/admin/acme/audit\""]
    {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(!page.body.contains("It is only you so far"), "{}", page.body);
}

#[tokio::test]
async fn who_is_alone_is_told_what_to_do_first() {
    let app = App::start().await;
    app.apply(
        "organizations: [{ slug: fresh, name: Fresh, users: [{ email: olga@fresh.test, name: Olga,
         password: \"${PASSWORD}\", roles: [owner] }], domains: [fresh.test] }]",
    )
    .await;
    let olga = app.browser();

    let page = open_as(&olga, "/admin/fresh", "olga@fresh.test").await;

    assert!(page.body.contains("It is only you so far"), "{}", page.body);
    assert!(page.body.contains("href=\"/admin/fresh/invitations/new\""), "{}", page.body);
}

/// What happens by itself, thousands of times a day, hides nothing that somebody did.
#[tokio::test]
async fn what_happened_last_is_found_among_what_happens_all_day() {
    let app = App::start().await;
    app.apply(&SAMPLES.replace("name: Vic Viewer", "name: Vic Anew")).await;
    let busy = "insert into audit_events (org_id, id, occurred_at, action, outcome, actor_kind, detail)
                select org_id, gen_random_uuid(), now() + n * interval '1 millisecond', 'token.issued', 'success', 'system', '{}'
                from organizations, generate_series(1, $1) n where slug = 'acme'";
    let issue = async |count: i32| {
        sqlx::query(busy).bind(count).execute(app.database.superuser()).await.expect("written");
    };
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    issue(500).await;
    let found = ada.get("/admin/acme").await;
    issue(1_000).await;
    let buried = ada.get("/admin/acme").await;

    assert!(found.body.contains("Sign-in succeeded"), "{}", found.body);
    assert!(!found.body.contains("Token issued"), "{}", found.body);
    assert!(buried.body.contains("Nothing but what happens by itself"), "{}", buried.body);
    assert!(buried.body.contains("The whole audit log"), "{}", buried.body);
}

/// For a week; and neither of a connection that nobody signs in through, nor of another organization's.
#[tokio::test]
async fn a_connection_through_which_somebody_could_not_sign_in_is_named_for_a_week() {
    let app = connected(SystemClock.now() + Duration::days(3650)).await;
    let now = app.clock.now();
    set_state(&app, "globex", "active").await;
    set_state(&app, "acme", "draft").await;
    failed(&app, "globex", now).await;

    let others = to_look_at(&app).await;
    failed(&app, "acme", now - Duration::hours(7 * 24 - 1)).await;
    let draft = to_look_at(&app).await;
    let mut open = Vec::new();
    for state in ["pilot", "active"] {
        set_state(&app, "acme", state).await;
        open.push(to_look_at(&app).await.unwrap_or_default());
    }
    app.clock.advance(Duration::hours(2));
    let later = to_look_at(&app).await;

    assert_eq!((others, draft), (None, None));
    for named in open {
        assert_eq!(named.matches("<li>").count(), 1, "{named}");
        let told = [
            "/admin/acme/connections/con_",
            ">Provider of acme<",
            "A sign-in failed",
            "6 days ago",
            ": Signature",
        ];
        for text in told {
            assert!(named.contains(text), "{text}: {named}");
        }
        assert!(!named.contains("certificate"), "that one lasts: {named}");
    }
    assert_eq!(later, None);
}

#[tokio::test]
async fn a_connection_is_named_from_a_month_before_its_certificate_ends() {
    let until = SystemClock.now() + Duration::days(31);
    let app = connected(until).await;
    set_state(&app, "acme", "active").await;

    let early = to_look_at(&app).await;
    app.clock.advance(Duration::days(1) + Duration::hours(1));
    let soon = to_look_at(&app).await.unwrap_or_default();
    set_state(&app, "acme", "draft").await;
    let draft = to_look_at(&app).await;
    set_state(&app, "acme", "active").await;
    app.clock.advance(Duration::days(30));
    let over = to_look_at(&app).await.unwrap_or_default();

    assert_eq!((early, draft), (None, None));
    let day = until.format("%-d %B %Y");
    for (named, what) in [(&soon, "ends on"), (&over, "ended on")] {
        assert_eq!(named.matches("<li>").count(), 1, "{named}");
        assert!(named.contains(">Provider of acme<"), "{named}");
        assert!(named.contains(&format!("Its certificate {what} {day}<")), "{what} {day}: {named}");
        assert!(!named.contains("A sign-in failed"), "{named}");
    }
}

/// As bars, and in a table: each day's, and those of this organization.
#[tokio::test]
async fn the_chart_shows_how_often_people_signed_in_on_which_day() {
    let app = App::start_without_jobs(|_| {}).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let nothing = ada.get("/admin/acme").await;
    sign_in(&app, "acme", ("vic@acme.test", "wrong")).await;
    let yesterday = app.clock.now().date_naive();
    app.clock.advance(Duration::days(1));
    for (organization, email) in
        [("acme", "vic@acme.test"), ("acme", "vic@acme.test"), ("globex", "gus@globex.test")]
    {
        sign_in(&app, organization, (email, PASSWORD)).await;
    }
    let today = app.clock.now().date_naive();
    count_sign_ins(&app).await;

    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let uncounted = ada.get("/admin/acme").await;
    count_sign_ins(&app).await;
    let page = ada.get("/admin/acme").await;

    assert!(nothing.body.contains("In the last 30 days, nobody signed in, or tried to."), "{}", nothing.body);
    assert!(
        !nothing.body.contains("<rect class=") && !nothing.body.contains("As a table"),
        "{}",
        nothing.body
    );
    assert!(uncounted.body.contains("people signed in 3 times"), "{}", uncounted.body);
    assert!(
        page.body.contains("In the last 30 days, people signed in 4 times, and could not 1 time."),
        "{}",
        page.body
    );
    let (yesterday, today) = (said(yesterday), said(today));
    // The last day is on the right; three are the whole height.
    let bars = [
        format!(
            "<rect class=\"by-password\" x=\"563\" y=\"80\" width=\"14\" height=\"40\"><title>{yesterday}: 1, password</title>"
        ),
        format!(
            "<rect class=\"failed\" x=\"563\" y=\"40\" width=\"14\" height=\"40\"><title>{yesterday}: 1, failed</title>"
        ),
        format!(
            "<rect class=\"by-password\" x=\"583\" y=\"0\" width=\"14\" height=\"120\"><title>{today}: 3, password</title>"
        ),
    ];
    let row = |day: &str, password: u8, failed: u8| {
        format!(
            "<tr><th scope=\"row\">{day}</th><td data-label=\"Password\">{password}</td><td data-label=\"Failed\">{failed}</td></tr>"
        )
    };
    for text in bars.into_iter().chain([row(&today, 3, 0), row(&yesterday, 1, 1)]) {
        assert!(page.body.contains(&text), "{text}: {}", page.body);
    }
    let (_, table) = page.body.split_once("Sign-ins by day").expect("a table");
    let days = table.split("</table>").next().unwrap_or_default().matches("<th scope=\"row\">").count();
    assert_eq!((page.body.matches("<rect class=").count(), days), (3, 2), "{}", page.body);
}

#[tokio::test]
async fn who_signed_in_lately_and_who_has_not_for_long_are_numbers_of_which_the_second_leads_to_them() {
    let app = App::start_without_jobs(|_| {}).await;
    let limited = "permissions: [\"orgate:organization:read\"] }\n    users:";
    app.apply(&SAMPLES.replacen("permissions: [\"notes:read\"] }\n    users:", limited, 1)).await;
    let numbers = |body: &str| (number(body, "Signed in lately"), number(body, "Inactive users"));
    let overview = async || {
        let ada = administrator(&app, "acme", "ada@acme.test").await;
        count_sign_ins(&app).await;
        (ada.get("/admin/acme").await.body, ada)
    };
    sign_in(&app, "acme", ("vic@acme.test", PASSWORD)).await;

    let (first, _) = overview().await;
    app.clock.advance(Duration::days(31));
    let (second, _) = overview().await;
    app.clock.advance(Duration::days(60));
    let (third, ada) = overview().await;
    let link = "href=\"/admin/acme/users?show=inactive\"";
    let they = ada.get("/admin/acme/users?show=inactive").await;
    let of_casey = administrator(&app, "acme", "casey@consult.test").await.get("/admin/acme").await;

    let expected = |lately: &str, inactive: &str| (lately.to_owned(), inactive.to_owned());
    assert_eq!(numbers(&first), expected("2", "0"));
    assert_eq!(numbers(&second), expected("1", "0"));
    assert_eq!(numbers(&third), expected("1", "2"));
    let inactive = panel(&third, "Inactive users");
    assert!(inactive.contains(link) && inactive.contains("Not for 90 days"), "{inactive}");
    let lately = panel(&third, "Signed in lately");
    assert!(!lately.contains("href=") && lately.contains("Within 30 days"), "{lately}");
    let is_there = |name: &str| they.body.contains(&format!("<b><bdi>{name}</bdi></b> <span"));
    assert!(is_there("Vic Viewer") && is_there("Casey") && !is_there("Ada Adler"), "{}", they.body);
    assert!(
        !panel(&of_casey.body, "Inactive users").contains("href="),
        "who may not see users is led nowhere"
    );
}
