//! The audit log as a file: what a page looks for, and nothing that is somebody else's or works in a spreadsheet.

use std::collections::BTreeSet;

use chrono::Duration;
use orgate_flows::Clock as _;
use orgate_tests::app::{App, Page, Reply, SECRET, client};
use reqwest::Method;
use serde_json::Value;

use super::administrator;
use super::console::{look, operator};

/// Events of a program that says this of itself, in an organization.
async fn said(app: &App, organization: &str, (user_agent, count): (&str, i32)) {
    sqlx::query(
        "insert into audit_events (org_id, id, occurred_at, action, outcome, actor_kind, user_agent, detail)
         select org_id, gen_random_uuid(), now() - n * interval '1 millisecond', 'sign_in.failed', 'refused', 'anonymous', $2, '{}'
         from organizations, generate_series(1, $3) n where slug = $1",
    )
    .bind(organization)
    .bind(user_agent)
    .bind(count)
    .execute(app.database.superuser())
    .await
    .expect("written");
}

fn header<'a>(page: &'a Page, name: &str) -> &'a str {
    page.headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

/// What happened, by the lines of a file of JSON.
fn lines(file: &Page) -> Vec<Value> {
    file.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn a_file_is_what_the_page_looks_for_and_no_formula() {
    let app = App::start().await;
    said(&app, "acme", ("=HYPERLINK(\"http://evil.example\",\"x\")", 1)).await;
    said(&app, "globex", ("globex-agent", 1)).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let page = ada.get("/admin/acme/audit?kind=failed-sign-ins").await;
    let link = "href=\"/admin/acme/audit/export?kind=failed-sign-ins&#38;format=";
    assert!(page.body.matches(link).count() == 2 && !page.body.contains("<script"), "{}", page.body);
    let csv = ada.get("/admin/acme/audit/export?kind=failed-sign-ins&format=csv").await;
    let json = ada.get("/admin/acme/audit/export?kind=failed-sign-ins&format=jsonl").await;
    let all = ada.get("/admin/acme/audit/export").await;
    let later = app.clock.now().date_naive() + Duration::days(1);
    let later = ada.get(format!("/admin/acme/audit/export?from={later}")).await;

    let day = app.clock.now().format("%Y-%m-%d");
    for (file, media, ending) in [
        (&csv, "text/csv; charset=utf-8; header=present", "csv"),
        (&json, "application/jsonl", "jsonl"),
        (&all, "text/csv; charset=utf-8; header=present", "csv"),
    ] {
        let named = format!("attachment; filename=\"audit-acme-{day}.{ending}\"");
        assert_eq!((file.status.as_u16(), header(file, "content-type")), (200, media), "{}", file.body);
        assert_eq!(header(file, "content-disposition"), named);
        let kept = (header(file, "cache-control"), header(file, "x-content-type-options"));
        assert_eq!(kept, ("no-store", "nosniff"));
        assert!(!file.body.contains("globex-agent"), "{}", file.body);
    }
    let rows: Vec<_> = csv.body.split_terminator("\r\n").collect();
    assert!(rows.len() == 2 && rows[0].starts_with("occurred_at,action,outcome,"), "{}", csv.body);
    assert!(
        rows[1].contains(",\"'=HYPERLINK(\"\"http://evil.example\"\",\"\"x\"\")\","),
        "no cell begins with what a spreadsheet works out: {}",
        csv.body
    );
    let found = lines(&json);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0]["action"], &found[0]["user_agent"], &found[0]["actor"]["type"]),
        (&"sign_in.failed".into(), &"=HYPERLINK(\"http://evil.example\",\"x\")".into(), &"anonymous".into())
    );
    assert!(
        all.body.contains(",sign_in.succeeded,") && all.body.contains(",audit_log.exported,"),
        "{}",
        all.body
    );
    assert_eq!(later.body.lines().count(), 1, "names alone: {}", later.body);
    let wrong = ada.get("/admin/acme/audit/export?from=yesterday").await;
    let told = wrong.location().expect("where it is told");
    assert_eq!((told.path(), told.query()), ("/admin/acme/audit", Some("from=yesterday")));
}

/// What somebody else's page leads to, or asks about without having it, is not exported, and the log does not say that it was.
#[tokio::test]
async fn nobody_is_led_into_an_export() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let at = "/admin/acme/audit/export?kind=sign-ins&format=jsonl";

    let head = ada.led((Method::HEAD, "same-origin"), at).await;
    let cross = ada.led((Method::GET, "cross-site"), at).await;
    let sibling = ada.led((Method::GET, "same-site"), at).await;
    let told: i64 =
        sqlx::query_scalar("select count(*) from audit_events where action = 'audit_log.exported'")
            .fetch_one(app.database.superuser())
            .await
            .expect("read");
    let own = ada.led((Method::GET, "same-origin"), at).await;
    let typed = ada.led((Method::GET, "none"), at).await;

    assert_eq!((head.status.as_u16(), header(&head, "allow")), (405, "GET"));
    for led in [&cross, &sibling] {
        let leads = led.location().expect("to the page");
        assert_eq!((leads.path(), leads.query()), ("/admin/acme/audit", Some("kind=sign-ins")));
    }
    assert_eq!(told, 0);
    assert!(own.status == 200 && typed.status == 200, "{} {}", own.body, typed.body);
}

#[tokio::test]
async fn who_exported_how_much_is_in_the_log_and_whoever_may_not_read_it_exports_nothing() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let vic = super::open_as(&app.browser(), "/admin/acme/audit/export", "vic@acme.test").await;
    let gus = administrator(&app, "globex", "gus@globex.test").await;

    let file = ada.get("/admin/acme/audit/export?kind=changes&format=jsonl").await;
    let elsewhere = gus.get("/admin/acme/audit/export").await;

    assert!(vic.status == 403 && vic.body.contains("orgate:audit:read"), "{} {}", vic.status, vic.body);
    assert_eq!(
        (elsewhere.status.as_u16(), elsewhere.leads_to().as_str()),
        (303, "/authorize"),
        "{}",
        elsewhere.body
    );
    assert!(elsewhere.body.is_empty(), "{}", elsewhere.body);
    let told: Vec<Value> =
        sqlx::query_scalar("select detail from audit_events where action = 'audit_log.exported'")
            .fetch_all(app.database.superuser())
            .await
            .expect("read");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["format"], &told[0]["kind"]), (&"jsonl".into(), &"changes".into()));
    let events = lines(&file).len();
    assert!(events > 0, "{}", file.body);
    assert_eq!(told[0]["events"], events.to_string());
}

/// More than a file has room for is in the next, whose address is its last line.
#[tokio::test]
async fn what_one_file_has_no_room_for_is_in_the_next() {
    let app = App::start().await;
    said(&app, "acme", ("rare", 10_050)).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let path = |address: &str| address.replace(app.base.as_str(), "/");

    let first = ada.get("/admin/acme/audit/export?kind=failed-sign-ins&format=jsonl").await;
    let mut found = lines(&first);
    let more = found.pop().expect("a last line");
    let second = ada.get(path(more["more"].as_str().expect("an address"))).await;
    let csv = ada.get("/admin/acme/audit/export?kind=failed-sign-ins").await;

    assert_eq!(found.len(), 10_000);
    let rest = lines(&second);
    assert!(rest.len() == 50 && rest.iter().all(|line| line["more"].is_null()), "{}", second.body);
    let ids: BTreeSet<_> = found.iter().chain(&rest).filter_map(|line| line["id"].as_str()).collect();
    assert_eq!(ids.len(), 10_050, "each is in one of them");
    let last = csv.body.lines().last().expect("a line");
    assert!(last.starts_with("There is more: http") && last.contains("&after="), "{last}");
    assert_eq!(last.matches(',').count(), 13, "{last}");
    let rest = last.trim_start_matches("There is more: ").trim_end_matches(',');
    let rest = ada.get(path(rest)).await;
    assert_eq!(
        (csv.body.matches("\r\n").count(), rest.body.matches("\r\n").count()),
        (1 + 10_000 + 1, 1 + 50)
    );
}

/// However few events that is: a file is told to whoever asked once it is whole.
#[tokio::test]
async fn a_file_ends_at_8_mb_and_the_next_goes_on_where_it_ended() {
    const MOST: usize = 8 * 1024 * 1024;
    let app = App::start().await;
    said(&app, "acme", (&"x".repeat(1_024), 10_000)).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let mut files = Vec::new();
    let mut at = "/admin/acme/audit/export?kind=failed-sign-ins&format=jsonl".to_owned();
    let found = loop {
        let file = ada.get(&at).await;
        assert_eq!(file.status, 200, "{}", file.body);
        let mut events = lines(&file);
        let more = events
            .last()
            .and_then(|line| line["more"].as_str())
            .map(|more| more.replace(app.base.as_str(), "/"));
        events.truncate(events.len() - usize::from(more.is_some()));
        files.push((file.body.len(), events));
        match more {
            Some(more) => at = more,
            None => break files,
        }
    };

    assert_eq!(
        found.len(),
        2,
        "{:?}",
        found.iter().map(|(bytes, events)| (bytes, events.len())).collect::<Vec<_>>()
    );
    let (bytes, first) = &found[0];
    // It is asked after each page whether there is room for another one.
    assert!((MOST..MOST + 400 * 1_024).contains(bytes), "{bytes}");
    assert!(first.len() < 7_000, "{}", first.len());
    let events: Vec<_> = found.iter().flat_map(|(_, events)| events).collect();
    let ids: BTreeSet<_> = events.iter().filter_map(|event| event["id"].as_str()).collect();
    assert_eq!((events.len(), ids.len()), (10_000, 10_000), "each is in one of them, once");
    assert!(events.is_sorted_by(|one, next| one["occurred_at"].as_str() >= next["occurred_at"].as_str()));
    let told: Vec<Value> = sqlx::query_scalar(
        "select detail from audit_events where action = 'audit_log.exported' order by occurred_at",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("read");
    let told: Vec<_> = told.iter().filter_map(|detail| detail["events"].as_str()).collect();
    assert_eq!(told, [first.len().to_string(), (10_000 - first.len()).to_string()]);
}

/// Each is in memory until it is read: nobody asks for another one meanwhile.
#[tokio::test]
async fn somebody_reads_one_file_before_they_get_the_next() {
    let app = App::start().await;
    said(&app, "acme", (&"x".repeat(1_024), 10_000)).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let at = "/admin/acme/audit/export?kind=failed-sign-ins&format=jsonl";

    let unread = ada.open(at).await;
    let second = ada.get(at).await;
    let read = unread.bytes().await.expect("the whole file").len();
    let third = ada.get("/admin/acme/audit/export?kind=changes").await;

    assert_eq!(second.status, 429, "{}", second.body);
    assert!(read > 8 * 1024 * 1024 && third.status == 200, "{read} {}", third.body);
}

/// Whoever reads one reads the other, with the same program.
#[tokio::test]
async fn a_line_is_the_event_as_the_management_api_has_it() {
    let app = App::start().await;
    let api = app.env.issuer.api();
    app.apply(&format!(
        "organizations: [{{ slug: acme, name: Acme Inc, roles: [{{ slug: auditor, permissions: [\"orgate:audit:read\"] }}] }}]
clients:
  - {{ client_id: auditor, organization: acme, name: Auditor, type: machine, audience: owner, client_secret: \"${{SECRET}}\",
      resources: [\"{api}\"], scopes: [\"orgate:*\"], roles: [auditor] }}"
    ))
    .await;
    // Times of every precision that there is.
    for fraction in ["second", "milliseconds", "microseconds"] {
        sqlx::query(
            "insert into audit_events (org_id, id, occurred_at, action, outcome, actor_kind, user_agent, detail)
             select org_id, gen_random_uuid(), date_trunc($1, now()), 'sign_in.failed', 'refused', 'anonymous', $1, '{}'
             from organizations where slug = 'acme'",
        )
        .bind(fraction)
        .execute(app.database.superuser())
        .await
        .expect("written");
    }
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = [("grant_type", "client_credentials"), ("resource", api.as_str())];
    let token = app.token_as("auditor", SECRET, &form).await.text("access_token");

    let url = app.at("/api/v1/organizations/acme/audit-events?limit=200");
    let reply = Reply::of(client().get(url).bearer_auth(token).send().await.expect("answered")).await;
    let file = ada.get("/admin/acme/audit/export?format=jsonl").await;

    assert_eq!(reply.status, 200, "{:?}", reply.body);
    let (items, lines) = (reply.body["items"].as_array().expect("items"), lines(&file));
    let kinds: BTreeSet<_> = items.iter().filter_map(|item| item["actor"]["type"].as_str()).collect();
    assert!(items.len() > 10 && kinds.len() > 2, "{kinds:?}");
    for item in items {
        let line = lines.iter().find(|line| line["id"] == item["id"]);
        assert_eq!(line, Some(item));
    }
}

/// The operator's people look for a reason, which the organization's log has, as it has that they took it along.
#[tokio::test]
async fn an_operator_exports_for_a_reason_that_the_log_has() {
    let app = App::start().await;
    let acme = app.org("acme").await.org_id().to_string();
    said(&app, "acme", ("acme-agent", 1)).await;
    said(&app, "globex", ("globex-agent", 1)).await;
    let ruth = operator(&app).await;
    let path = format!("/admin/operator/organizations/{acme}/audit/export?format=jsonl");

    let unsaid = ruth.get(&path).await;
    look(&ruth, &acme, "TICKET-7").await;
    let file = ruth.get(&path).await;

    assert!(unsaid.status == 403 && unsaid.body.contains("Why do you look"), "{}", unsaid.body);
    assert!(file.body.contains("acme-agent") && !file.body.contains("globex-agent"), "{}", file.body);
    assert!(header(&file, "content-disposition").contains("audit-acme-"));
    let entered = lines(&file).iter().any(|line| {
        line["action"] == "operator.entered" && line["detail"]["permission"] == "orgate:audit:read"
    });
    assert!(entered, "{}", file.body);
    let told: Value = sqlx::query_scalar(
        "select event.detail from audit_events event join organizations org on org.org_id = event.org_id
         where event.action = 'audit_log.exported' and org.slug = 'acme' and event.actor_kind = 'operator'",
    )
    .fetch_one(app.database.superuser())
    .await
    .expect("one event");
    assert_eq!(told["operator_reason"], "TICKET-7");
}
