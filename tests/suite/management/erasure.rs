//! An organization is deleted, restored, and in the end erased.

use chrono::{DateTime, Duration, Utc};
use orgate_flows::Clock;
use orgate_flows::erase::erase_due;
use orgate_tests::app::{App, Reply};
use serde_json::{Value, json};

use super::{call, machines, token_of};

const GRACE_DAYS: i64 = 30;

async fn app() -> App {
    let app = App::start_without_jobs(|_| {}).await;
    app.apply(&machines(&app)).await;
    app
}

async fn operate(app: &App, (method, path): (&str, &str), body: Option<Value>) -> Reply {
    let token = token_of(app, "operator-all").await;
    call(app, Some(&token), (method, path), body.as_ref()).await
}

async fn set_status(app: &App, slug: &str, status: &str) -> Reply {
    operate(app, ("PUT", &format!("/organizations/{slug}/status")), Some(json!({ "status": status }))).await
}

/// Rows of an organization in the tables that a batch of few rows leaves for later.
async fn rows_of(app: &App, org_id: uuid::Uuid, table: &str) -> i64 {
    let rows = format!("select count(*) from {table} where org_id = '{org_id}'");
    sqlx::query_scalar(sqlx::AssertSqlSafe(rows)).fetch_one(app.database.superuser()).await.expect("counted")
}

/// Changes something behind Orgate's back.
async fn plainly(app: &App, statement: &'static str) {
    let done = sqlx::query(statement).execute(app.database.superuser()).await.expect("changed");
    assert_eq!(done.rows_affected(), 1);
    app.env.configuration.forget();
}

#[tokio::test]
async fn a_deleted_organization_can_be_restored_for_a_while_and_is_erased_after_that() {
    let app = app().await;
    let globex = app.org("globex").await.org_id().as_uuid();
    app.sign_in("globex", "gus@globex.test").await;
    let (acme_users, acme_events) = {
        let acme = app.org("acme").await.org_id().as_uuid();
        (rows_of(&app, acme, "users").await, rows_of(&app, acme, "audit_events").await)
    };

    let deleted = set_status(&app, "globex", "deleted").await;

    assert_eq!((deleted.status, deleted.text("status")), (200, "deleted".to_owned()), "{:?}", deleted.body);
    let until: DateTime<Utc> = deleted.text("erase_after").parse().expect("a time");
    let days = (until - Clock::now(&*app.clock)).num_hours() / 24;
    assert!((GRACE_DAYS - 1..=GRACE_DAYS).contains(&days), "{until}");
    assert_eq!(erase_due(&app.env).await.expect("asked"), 0, "not yet");
    let restored = set_status(&app, "globex", "active").await;
    assert_eq!((restored.status, &restored.body["erase_after"]), (200, &Value::Null));
    app.sign_in("globex", "gus@globex.test").await;
    app.clock.advance(Duration::days(GRACE_DAYS + 1));
    assert_eq!(erase_due(&app.env).await.expect("asked"), 0, "it was restored");

    let tokens = app.sign_in("globex", "gus@globex.test").await;
    set_status(&app, "globex", "deleted").await;
    app.clock.advance(Duration::days(GRACE_DAYS + 1));
    // Node after node: whoever is killed leaves the rest to the next.
    assert_eq!(erase_due(&app.env).await.expect("erased"), 1);
    assert_eq!(rows_of(&app, globex, "data_keys").await, 0, "what rests encrypted is nobody's to read");
    assert!(rows_of(&app, globex, "users").await > 0, "it takes its time");
    assert_eq!(set_status(&app, "globex", "active").await.status, 404, "and there is no way back");
    let mut turns = 0;
    while erase_due(&app.env).await.expect("erased") > 0 {
        turns += 1;
        assert!(turns < 500, "it does not end");
    }

    let told =
        async || app.events("operator").await.iter().any(|event| event == "organization.erased success");
    assert!(!told().await, "what is under way at its beginning may still be written");
    app.clock.advance(Duration::minutes(16));
    while erase_due(&app.env).await.expect("erased") > 0 {}
    app.env.configuration.forget();
    let refused = app.refresh(&tokens.text("refresh_token")).await;
    assert_eq!(refused.outcome(), "400 invalid_grant", "what leads there leads nowhere, and leaves nothing");
    for table in ["users", "sessions", "roles", "audit_events", "clients", "domains", "outbox"] {
        assert_eq!(rows_of(&app, globex, table).await, 0, "{table}");
    }
    assert_eq!(operate(&app, ("GET", "/organizations/globex"), None).await.status, 404);
    let all = operate(&app, ("GET", "/organizations?limit=200"), None).await;
    let slugs: Vec<_> =
        all.body["items"].as_array().expect("a list").iter().map(|item| &item["slug"]).collect();
    assert!(slugs.contains(&&json!("acme")) && !slugs.contains(&&json!("globex")), "{slugs:?}");
    let again = json!({ "slug": "globex", "name": "Another" });
    let again = operate(&app, ("POST", "/organizations"), Some(again)).await;
    assert_eq!((again.status, &again.body["errors"][0]["pointer"]), (409, &json!("/slug")));
    let events = app.events("operator").await;
    let erased = events.iter().filter(|event| *event == "organization.erased success").count();
    assert_eq!(erased, 1, "{events:?}");
    let acme = app.org("acme").await.org_id().as_uuid();
    assert_eq!(rows_of(&app, acme, "users").await, acme_users);
    assert!(rows_of(&app, acme, "audit_events").await >= acme_events);
    app.sign_in("acme", "ada@acme.test").await;
}

#[tokio::test]
async fn none_is_deleted_above_others_or_restored_below_one_that_is() {
    let app = app().await;
    for body in [
        json!({ "slug": "holding", "name": "Holding" }),
        json!({ "slug": "part", "name": "Part", "parent": "holding" }),
    ] {
        assert_eq!(operate(&app, ("POST", "/organizations"), Some(body)).await.status, 201);
    }
    let problem = |reply: &Reply| (reply.status, reply.text("type").replace("urn:orgate:problem:", ""));

    assert_eq!(problem(&set_status(&app, "operator", "deleted").await), (409, "in_use".to_owned()));
    assert_eq!(problem(&set_status(&app, "holding", "deleted").await), (409, "in_use".to_owned()));
    assert_eq!(set_status(&app, "holding", "suspended").await.status, 200, "that takes nothing from it");
    assert_eq!(set_status(&app, "part", "deleted").await.status, 200);
    assert_eq!(set_status(&app, "holding", "deleted").await.status, 200);
    assert_eq!(problem(&set_status(&app, "part", "active").await), (409, "in_use".to_owned()));
    let below = json!({ "slug": "late", "name": "Late", "parent": "holding" });
    let below = operate(&app, ("POST", "/organizations"), Some(below)).await;
    assert_eq!((below.status, &below.body["errors"][0]["pointer"]), (422, &json!("/parent")));

    assert_eq!(set_status(&app, "holding", "active").await.status, 200);
    assert_eq!(set_status(&app, "part", "active").await.status, 200);
}

/// The release before changes the status, and knows nothing of times.
#[tokio::test]
async fn what_says_until_when_one_can_be_restored_is_the_last_deletion_and_not_an_earlier_one() {
    let app = app().await;
    let globex = app.org("globex").await.org_id().as_uuid();
    assert_eq!(set_status(&app, "globex", "deleted").await.status, 200);
    plainly(&app, "update organizations set status = 'active' where slug = 'globex'").await;
    plainly(&app, "update organizations set status = 'deleted' where slug = 'globex'").await;

    app.clock.advance(Duration::days(10 * GRACE_DAYS));

    assert_eq!(erase_due(&app.env).await.expect("asked"), 0);
    assert!(rows_of(&app, globex, "users").await > 0);
    let read = operate(&app, ("GET", "/organizations/globex"), None).await;
    assert_eq!((read.status, &read.body["erase_after"]), (200, &Value::Null), "{:?}", read.body);
    // Deleted by somebody who says until when, it is.
    assert_eq!(set_status(&app, "globex", "active").await.status, 200);
    assert_eq!(set_status(&app, "globex", "deleted").await.status, 200);
    assert_eq!(erase_due(&app.env).await.expect("asked"), 0, "not yet");
    app.clock.advance(Duration::days(GRACE_DAYS + 1));
    assert_eq!(erase_due(&app.env).await.expect("erased"), 1);
}

/// What the release before restores is not looked at from above.
#[tokio::test]
async fn none_is_erased_while_one_below_it_is_in_use() {
    let app = app().await;
    for body in [
        json!({ "slug": "holding", "name": "Holding" }),
        json!({ "slug": "part", "name": "Part", "parent": "holding" }),
    ] {
        assert_eq!(operate(&app, ("POST", "/organizations"), Some(body)).await.status, 201);
    }
    let holding = app.org("holding").await.org_id().as_uuid();
    for slug in ["part", "holding"] {
        assert_eq!(set_status(&app, slug, "deleted").await.status, 200);
    }
    plainly(&app, "update organizations set status = 'active' where slug = 'part'").await;
    app.clock.advance(Duration::days(GRACE_DAYS + 1));
    let roles = rows_of(&app, holding, "roles").await;

    assert_eq!(erase_due(&app.env).await.expect("asked"), 0);

    assert_eq!(rows_of(&app, holding, "roles").await, roles);
    let read = operate(&app, ("GET", "/organizations/holding"), None).await;
    assert_eq!(
        (read.status, &read.body["status"], &read.body["name"]),
        (200, &json!("deleted"), &json!("Holding"))
    );
    assert_eq!(set_status(&app, "part", "deleted").await.status, 200);
    assert_eq!(erase_due(&app.env).await.expect("asked"), 0, "it was postponed");
    app.clock.advance(Duration::hours(1));
    assert_eq!(erase_due(&app.env).await.expect("erased"), 1, "now there is none");
    assert_eq!(operate(&app, ("GET", "/organizations/holding"), None).await.status, 404);
    assert_eq!(
        operate(&app, ("GET", "/organizations/part"), None).await.status,
        200,
        "its own time is not over"
    );
}

/// Its own log is erased with it.
#[tokio::test]
async fn who_deleted_an_organization_and_why_stands_in_the_operators_log_for_good() {
    let app = app().await;
    let globex = app.org("globex").await.org_id();
    let told = async || {
        let about_it = "select detail from audit_events event join organizations own on own.org_id = event.org_id
                        where own.is_operator and action = 'organization.configured' and detail ->> 'organization' = $1";
        let rows: Vec<Value> = sqlx::query_scalar(about_it)
            .bind(globex.to_string())
            .fetch_all(app.database.superuser())
            .await
            .expect("the log");
        rows
    };

    for status in ["suspended", "active"] {
        assert_eq!(set_status(&app, "globex", status).await.status, 200);
    }
    assert_eq!(told().await, [] as [Value; 0], "that stays in its own log");
    assert_eq!(set_status(&app, "globex", "deleted").await.status, 200);
    app.clock.advance(Duration::days(GRACE_DAYS + 1));
    while erase_due(&app.env).await.expect("erased") > 0 {}

    assert_eq!(rows_of(&app, globex.as_uuid(), "audit_events").await, 0);
    let told = told().await;
    let [detail] = told.as_slice() else { panic!("once: {told:?}") };
    assert_eq!(detail["change"], "deleting");
    assert!(detail["operator"].as_str().is_some_and(|id| id.starts_with("cli_")), "{detail}");
    assert_eq!(detail["operator_reason"], "to try what happens");
}

/// More than are looked at in one go: those that only wait to settle keep nobody's data.
#[tokio::test]
async fn those_that_settle_hold_up_no_others() {
    let app = app().await;
    let made = "with made as (
                    insert into organizations (org_id, slug, name, status, created_at, updated_at, erase_after)
                    select gen_random_uuid(), 'gone-' || n, 'Gone', 'deleted', now(), now(), now() - n * interval '1 minute'
                    from generate_series(1, 45) n returning org_id)
                insert into policies (org_id, updated_at) select org_id, now() from made";
    sqlx::query(made).execute(app.database.superuser()).await.expect("made");

    while erase_due(&app.env).await.expect("erased") > 0 {}

    let left = "select count(*) from policies join organizations using (org_id) where slug like 'gone-%'";
    let left: i64 = sqlx::query_scalar(left).fetch_one(app.database.superuser()).await.expect("counted");
    assert_eq!(left, 0);
    app.clock.advance(Duration::minutes(16));
    while erase_due(&app.env).await.expect("erased") > 0 {}
    let erased = "select count(*) from organizations where slug like 'gone-%' and erased_at is not null";
    let erased: i64 = sqlx::query_scalar(erased).fetch_one(app.database.superuser()).await.expect("counted");
    assert_eq!(erased, 45);
}
