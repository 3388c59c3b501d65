//! Health: what waits in the background, and what of it is late.

use orgate_tests::app::App;

use super::administrator;
use super::console::operator;

const HEALTH: &str = "/admin/operator/health";

/// The row of a kind of work: how much waits, and whether it is late.
fn row(body: &str, work: &str) -> (String, bool) {
    let (_, rest) = body.split_once(&format!("<b>{work}</b>")).unwrap_or_else(|| panic!("{work}: {body}"));
    let (row, _) = rest.split_once("</tr>").expect("the end of a row");
    let (_, due) = row.split_once("data-label=\"Waits\">").expect("how much");
    (due.split('<').next().unwrap_or_default().to_owned(), row.contains(">Late<"))
}

#[tokio::test]
async fn what_waits_is_counted_and_late_once_it_has_waited_too_long() {
    let app = App::start_without_jobs(|_| {}).await;
    let ruth = operator(&app).await;
    let acme = app.org("acme").await.org_id();
    let calm = ruth.get(HEALTH).await;
    let waiting = "insert into outbox (org_id, id, kind, payload, created_at, available_at)
                   select $1, gen_random_uuid(), kind, 'x', at, at from unnest($2::text[], $3::timestamptz[]) as new (kind, at)";
    let (now, long_ago) = (app.env.clock.now(), app.env.clock.now() - chrono::Duration::minutes(6));
    let new = (vec!["notice", "notice", "backchannel_logout"], vec![now, now, long_ago]);
    let added = sqlx::query(waiting).bind(acme.as_uuid()).bind(new.0).bind(new.1);
    added.execute(app.database.superuser()).await.expect("added");

    let page = ruth.get(HEALTH).await;
    let sent = "update outbox set delivered_at = created_at";
    sqlx::query(sent).execute(app.database.superuser()).await.expect("sent");
    let over = ruth.get(HEALTH).await;

    assert_eq!(row(&calm.body, "Mails"), ("0".to_owned(), false));
    assert_eq!(row(&page.body, "Mails"), ("2".to_owned(), false), "{}", page.body);
    assert_eq!(row(&page.body, "Back-channel logouts"), ("1".to_owned(), true), "{}", page.body);
    assert!(page.body.contains("One kind of work is late"), "{}", page.body);
    assert!(page.body.contains("6 minutes ago"), "{}", page.body);
    assert_eq!(row(&over.body, "Back-channel logouts"), ("0".to_owned(), false), "{}", over.body);
    assert!(over.body.contains("All is well"), "{}", over.body);
}

#[tokio::test]
async fn only_the_operator_s_people_see_it() {
    let app = App::start().await;
    operator(&app).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let own = ada.get("/admin/acme/health").await;
    let overview = ada.get("/admin/acme").await;

    assert_eq!(own.status, 404, "{}", own.body);
    assert!(!overview.body.contains("/health"), "{}", overview.body);
}

#[tokio::test]
async fn every_kind_of_work_that_the_api_tells_has_a_name() {
    let app = App::start().await;
    let ruth = operator(&app).await;
    let waiting = app.env.store.survey_backlog(app.env.clock.now(), 1).await.expect("counted");

    let page = ruth.get(HEALTH).await;

    let kinds: Vec<_> = waiting.iter().map(|waiting| waiting.work.as_str()).collect();
    insta::assert_snapshot!(kinds.join(" "), @"mails logouts webhooks event_streams connections domains signing_keys erasures sign_in_counts");
    assert_eq!(page.status, 200);
    assert_eq!(page.body.matches("data-label=\"Waits\">").count(), kinds.len(), "{}", page.body);
    for kind in kinds {
        assert!(!page.body.contains(&format!("<b>{kind}</b>")), "{kind}");
    }
}

/// However many wait of one kind, the oldest of the other are found by an index.
#[tokio::test]
async fn what_waits_is_found_by_an_index_of_its_kind() {
    let app = App::start_without_jobs(|_| {}).await;
    let mut connection = app.database.superuser().acquire().await.expect("a connection");
    for setting in ["set enable_seqscan = off", "set enable_sort = off", "set enable_bitmapscan = off"] {
        sqlx::query(setting).execute(&mut *connection).await.expect("set");
    }

    for (comparison, index) in [("<>", "outbox_mails_by_age"), ("=", "outbox_logouts_by_age")] {
        let waiting = format!(
            "explain select created_at from outbox where delivered_at is null and failed_at is null
             and kind {comparison} 'backchannel_logout' order by created_at limit 10"
        );
        let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(waiting))
            .fetch_all(&mut *connection)
            .await
            .expect("a plan");
        assert!(plan.iter().any(|line| line.contains(&format!("using {index}"))), "{plan:#?}");
    }
}
