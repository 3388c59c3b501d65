//! The audit log as a file: what a page looks for, and nothing that is somebody else's or works in a spreadsheet.

use std::collections::BTreeSet;

use chrono::Duration;
use orgate_flows::Clock as _;
use orgate_tests::app::{App, Page};
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

#[tokio::test]
async fn who_exported_how_much_is_in_the_log_and_whoever_may_not_read_it_exports_nothing() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let vic = super::open_as(&app.browser(), "/admin/acme/audit/export", "vic@acme.test").await;
    let gus = administrator(&app, "globex", "gus@globex.test").await;

    ada.get("/admin/acme/audit/export?kind=changes&format=jsonl").await;
    let elsewhere = gus.get("/admin/acme/audit/export").await;

    assert!(vic.status == 403 && vic.body.contains("orgate:audit:read"), "{} {}", vic.status, vic.body);
    assert!(!elsewhere.body.contains("occurred_at,"), "{}", elsewhere.body);
    let told: Vec<Value> =
        sqlx::query_scalar("select detail from audit_events where action = 'audit_log.exported'")
            .fetch_all(app.database.superuser())
            .await
            .expect("read");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["format"], &told[0]["kind"]), (&"jsonl".into(), &"changes".into()));
    assert!(told[0]["events"].as_str().is_some_and(|events| events != "0"), "{told:?}");
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
