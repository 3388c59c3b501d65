//! Invitations by the thousand.

use std::fmt::Write as _;

use orgate_api::v1::PATH;
use orgate_tests::app::{App, Reply, client};
use serde_json::{Value, json};

use super::{app, token_of};

async fn import(app: &App, token: &str, query: &str, file: String) -> Reply {
    let path = app.at(&format!("{PATH}/organizations/acme/invitations/import{query}"));
    let request = client().post(path).bearer_auth(token).header("content-type", "text/csv; charset=utf-8");
    Reply::of(request.body(file).send().await.expect("answered")).await
}

async fn counts(app: &App) -> (i64, i64, i64) {
    let counts = "select (select count(*) from invitations),
                         (select count(*) from outbox where kind = 'invitation'),
                         (select count(*) from audit_events where action = 'invitation.created')";
    sqlx::query_as(counts).fetch_one(app.database.superuser()).await.expect("counted")
}

/// So many rows, of which seven are wrong.
fn file(rows: usize) -> String {
    let mut file = "email,name,roles\n".to_owned();
    for row in 1..=rows {
        let line = match row {
            2 => "nobody,Nobody,viewer".to_owned(),
            30 => "person1@many.test,Again,viewer".to_owned(),
            31 => "\"a\u{0}b\"@many.test,Control,".to_owned(),
            40 => format!("person{row}@many.test,Person {row},no-such-role"),
            41 => format!("person{row}@many.test,Person {row}"),
            50 => ",Without,viewer".to_owned(),
            51 => format!("person{row}@many.test,Person {row},Bad_Slug"),
            _ => format!("person{row}@many.test,Person {row},viewer"),
        };
        writeln!(file, "{line}").expect("written");
    }
    file
}

#[tokio::test]
async fn ten_thousand_rows_of_which_seven_are_wrong_invite_all_the_others_and_list_the_seven() {
    let app = App::start_without_jobs(|_| {}).await;
    app.apply(&super::machines(&app)).await;
    let token = token_of(&app, "all").await;

    let report = import(&app, &token, "", file(10_000)).await;

    assert_eq!(report.status, 200, "{:?}", report.body);
    insta::assert_json_snapshot!(report.body, @r#"
    {
      "applied": true,
      "errors": [
        {
          "detail": "not an e-mail address, like name@example.com",
          "field": "email",
          "row": 2
        },
        {
          "detail": "the address is in row 1 already",
          "field": "email",
          "row": 30
        },
        {
          "detail": "not an e-mail address, like name@example.com",
          "field": "email",
          "row": 31
        },
        {
          "detail": "the organization has no role no-such-role",
          "field": "roles/0",
          "row": 40
        },
        {
          "detail": "it has 2 fields, and the header 3",
          "field": "",
          "row": 41
        },
        {
          "detail": "there is none",
          "field": "email",
          "row": 50
        },
        {
          "detail": "a slug is 1 to 63 lower-case letters, digits and inner hyphens, and does not start with `org_`",
          "field": "roles",
          "row": 51
        }
      ],
      "invited": 9993,
      "rows": 10000,
      "unchanged": 0
    }
    "#);
    assert_eq!(counts(&app).await, (9_993, 9_993, 9_993));

    // The same again: nobody is invited twice.
    let again = import(&app, &token, "", file(10_000)).await;
    let told = |name: &str| again.body[name].as_u64();
    assert_eq!((told("invited"), told("unchanged")), (Some(0), Some(9_993)));
    assert_eq!(counts(&app).await.0, 9_993);
}

#[tokio::test]
async fn all_or_nothing_is_nothing_where_a_row_is_wrong_and_a_dry_run_is_nothing_at_all() {
    let app = app().await;
    let token = token_of(&app, "all").await;

    let refused = import(&app, &token, "?atomic=true", file(600)).await;
    assert_eq!(refused.body["errors"].as_array().map(Vec::len), Some(7));
    assert_eq!((refused.status, refused.body["applied"].clone()), (200, json!(false)));
    let dry = import(&app, &token, "?dry_run=true", "email\none@many.test\n".to_owned()).await;
    assert_eq!((dry.body["invited"].as_u64(), dry.body["applied"].clone()), (Some(1), json!(false)));
    assert_eq!(counts(&app).await, (0, 0, 0));

    let good = "email,groups\none@many.test,\ntwo@many.test,\n".to_owned();
    let done = import(&app, &token, "?atomic=true", good).await;
    assert_eq!((done.body["invited"].as_u64(), done.body["applied"].clone()), (Some(2), json!(true)));
    assert_eq!(counts(&app).await, (2, 2, 2));
}

#[tokio::test]
async fn a_file_that_is_none_is_refused_as_a_whole() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let refused = async |query: &str, file: String| {
        let reply = import(&app, &token, query, file).await;
        format!("{} {}", reply.status, reply.text("detail"))
    };
    let mut seen = Vec::new();

    seen.push(refused("", String::new()).await);
    seen.push(refused("", "name\nAda\n".to_owned()).await);
    seen.push(refused("", "email,org_id\na@b.test,org_x\n".to_owned()).await);
    seen.push(refused("", format!("email\n{}", "a@b.test\n".repeat(10_001))).await);
    seen.push(refused("?atomic=yes", "email\na@b.test\n".to_owned()).await);
    seen.push(refused("?force=true", "email\na@b.test\n".to_owned()).await);
    seen.push(refused("", "x".repeat(8 * 1024 * 1024 + 1)).await);

    insta::assert_snapshot!(seen.join("\n"), @r#"
    422 the first row names the columns: email, and of name, roles, groups, locale, client_id, expires_in_hours any
    422 the first row names the columns: email, and of name, roles, groups, locale, client_id, expires_in_hours any
    422 there is no column "org_id" here, or it is there twice; there are email, name, roles, groups, locale, client_id, expires_in_hours
    422 a file has up to 10000 rows; split it
    400 atomic is true or false
    400 the parameters here are atomic, dry_run, and no other
    413
    "#);
    assert_eq!(counts(&app).await, (0, 0, 0));
}

/// A row gives no more than whoever imports it may give: the others are not worse for it.
#[tokio::test]
async fn a_row_that_would_give_too_much_is_told_and_gives_nothing() {
    let app = app().await;
    let token = token_of(&app, "only-orgate-invitations-manage").await;

    let report =
        import(&app, &token, "", "email,roles\none@many.test,admin\ntwo@many.test,\n".to_owned()).await;

    assert_eq!(report.body["invited"].as_u64(), Some(1), "{:?}", report.body);
    assert_eq!(
        (&report.body["errors"][0]["row"], &report.body["errors"][0]["field"]),
        (&json!(1), &Value::from("roles"))
    );
}
