//! The application that the pages are: Orgate's own, which no file describes and none takes away.

use orgate_domain::clients::{ADMINISTRATION, parse_client_id};
use orgate_flows::apply::{Pruning, execute, plan_pruning};
use orgate_flows::export::{self, Secrets};
use orgate_server::apply_file;
use orgate_tests::app::{App, PASSWORD, SAMPLES, SECRET};

use super::administrator;

#[test]
fn nobody_else_is_called_so() {
    let file = format!(
        "organizations: [{{ slug: acme, name: Acme Inc }}]\nclients:\n  - {{ client_id: {ADMINISTRATION}, organization: acme, \
         name: Mine, type: spa, audience: owner, redirect_uris: [\"http://localhost:9/callback\"] }}\n"
    );

    let problems = apply_file::load_str("test.yaml", &file, &|_: &str| None).expect_err("refused");

    assert!(problems.to_string().contains("`orgate-admin` is Orgate's own"), "{problems}");
    assert!(parse_client_id(ADMINISTRATION).is_err() && parse_client_id("orgate-admins").is_ok());
}

#[tokio::test]
async fn an_export_leaves_it_out_and_pruning_leaves_it_alone() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let lookup = |name: &str| match name {
        "PASSWORD" => Some(PASSWORD.to_owned()),
        "SECRET" => Some(SECRET.to_owned()),
        _ => None,
    };
    let described = "  - slug: operator\n    name: Operator\nclients:\n";
    let wanted = SAMPLES.replacen("clients:\n", described, 1);
    let wanted = apply_file::load_str("test.yaml", &wanted, &lookup).expect("the file is right");

    let exported = export::installation(&app.env, Secrets::Kept, || ()).await.expect("described");
    let plan = plan_pruning(&app.env, &wanted, Pruning::On).await.expect("planned");
    let said = plan.to_string();
    execute(&app.env, plan, |_| ()).await.expect("applied");

    let names: Vec<_> =
        exported.wanted.clients.iter().map(|client| client.client_id.value.as_str()).collect();
    assert!(names.contains(&"notes") && !names.contains(&ADMINISTRATION), "{names:?}");
    assert!(!said.contains(ADMINISTRATION), "{said}");
    assert_eq!(ada.get("/admin/acme").await.status, 200);
}

#[tokio::test]
async fn what_somebody_changed_of_it_is_set_right_but_for_its_status() {
    let app = App::start().await;
    administrator(&app, "acme", "ada@acme.test").await;
    sqlx::query("update client_directory set name = 'Mine', redirect_uris = '{http://localhost:9/admin/-/callback}' where client_id = $1")
        .bind(ADMINISTRATION)
        .execute(app.database.superuser())
        .await
        .expect("changed");
    app.env.configuration.forget();

    administrator(&app, "acme", "ada@acme.test").await;

    let kept: (String, Vec<String>) =
        sqlx::query_as("select name, redirect_uris from client_directory where client_id = $1")
            .bind(ADMINISTRATION)
            .fetch_one(app.database.superuser())
            .await
            .expect("one");
    assert_eq!(kept, ("Administration".to_owned(), vec![app.at("/admin/-/callback").to_string()]));
}

#[tokio::test]
async fn another_application_of_its_name_stays_as_it_is_and_nobody_is_sent_there() {
    let app = App::start().await;
    let rename = async |from: &str| {
        sqlx::query("update client_directory set client_id = $1 where client_id = $2")
            .bind(ADMINISTRATION)
            .bind(from)
            .execute(app.database.superuser())
            .await
            .expect("renamed");
        app.env.configuration.forget();
    };
    let undo = async |to: &str| {
        sqlx::query("update client_directory set client_id = $1 where client_id = $2")
            .bind(to)
            .bind(ADMINISTRATION)
            .execute(app.database.superuser())
            .await
            .expect("renamed");
    };

    for (of, name) in [("the operator's own", "public"), ("another organization's", "acme-only")] {
        rename(name).await;
        let page = app.browser().get("/admin/acme").await;
        assert_eq!(page.status, 409, "{of}");
        assert!(page.body.contains("another application has that name already"), "{of}: {}", page.body);
        let kept: Vec<String> =
            sqlx::query_scalar("select redirect_uris from client_directory where client_id = $1")
                .bind(ADMINISTRATION)
                .fetch_one(app.database.superuser())
                .await
                .expect("one");
        assert_eq!(kept, ["http://localhost:9/callback"], "{of}");
        undo(name).await;
    }
}

#[tokio::test]
async fn of_several_who_come_first_at_once_one_makes_it_and_all_get_in() {
    let app = App::start().await;
    let browser = app.browser();
    let ask = || browser.get("/admin/acme");

    let (one, two, three, four) = tokio::join!(ask(), ask(), ask(), ask());

    assert_eq!([one, two, three, four].map(|page| page.leads_to()), ["/authorize"; 4]);
    let made = sqlx::query_scalar::<_, i64>("select count(*) from client_directory where client_id = $1")
        .bind(ADMINISTRATION)
        .fetch_one(app.database.superuser())
        .await
        .expect("counted");
    assert_eq!(made, 1);
}
