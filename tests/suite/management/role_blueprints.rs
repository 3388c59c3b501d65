//! Blueprints: the roles that new organizations begin with, as operators say.

use orgate_tests::app::{App, Reply};
use serde_json::{Value, json};

use super::{app, but, call, of_operator, only, token_of};

async fn put(app: &App, token: &str, slug: &str, body: Value) -> Reply {
    call(app, Some(token), ("PUT", &format!("/role-blueprints/{slug}")), Some(&body)).await
}

/// Slugs and permissions of an organization's roles.
async fn roles_of(app: &App, operator: &str, organization: &str) -> Vec<(String, Value)> {
    let path = format!("/organizations/{organization}/roles?limit=200");
    let reply = call(app, Some(operator), ("GET", &path), None).await;
    let roles = reply.body["items"].as_array().expect("roles").clone();
    roles
        .iter()
        .map(|role| (role["slug"].as_str().expect("a slug").to_owned(), role["permissions"].clone()))
        .collect()
}

async fn make(app: &App, operator: &str, slug: &str) {
    let wanted = json!({ "slug": slug, "name": slug });
    assert_eq!(call(app, Some(operator), ("POST", "/organizations"), Some(&wanted)).await.status, 201);
}

#[tokio::test]
async fn new_organizations_begin_with_them_and_change_them_as_they_like() {
    let app = app().await;
    let operator = token_of(&app, "operator-all").await;
    let list = async || call(&app, Some(&operator), ("GET", "/role-blueprints"), None).await.body;
    let before = list().await;
    assert_eq!(before["items"].as_array().map(Vec::len), Some(7), "{before}");
    assert!(before["items"].as_array().expect("roles").iter().all(|role| role["ready_made"] == true));
    make(&app, &operator, "early").await;
    let editor = json!({ "name": "Editor", "permissions": ["notes:read", "notes:write"] });
    let reader = json!({ "name": "Reader", "permissions": ["orgate:users:read"] });

    let made = put(&app, &operator, "editor", editor.clone()).await;
    assert_eq!(made.status, 200, "{:?}", made.body);
    assert_eq!(put(&app, &operator, "reader", reader).await.status, 200);

    assert_eq!(
        made.body,
        json!({ "slug": "editor", "name": "Editor", "permissions": ["notes:read", "notes:write"], "ready_made": false })
    );
    make(&app, &operator, "late").await;
    let late = roles_of(&app, &operator, "late").await;
    assert_eq!(late.len(), 8, "{late:?}");
    assert!(late.contains(&("editor".to_owned(), editor["permissions"].clone())));
    assert!(late.contains(&("reader".to_owned(), json!(["orgate:users:read"]))), "in place of Orgate's own");
    assert_eq!(roles_of(&app, &operator, "early").await.len(), 7, "what is there stays");
    // It is theirs from then on.
    assert_eq!(call(&app, Some(&operator), ("DELETE", "/role-blueprints/editor"), None).await.status, 204);
    assert_eq!(call(&app, Some(&operator), ("DELETE", "/role-blueprints/editor"), None).await.status, 404);
    assert_eq!(call(&app, Some(&operator), ("DELETE", "/role-blueprints/reader"), None).await.status, 204);
    assert_eq!(roles_of(&app, &operator, "late").await, late);
    assert_eq!(list().await, before);
    let told: Vec<String> = sqlx::query_scalar(
        "select concat_ws(' ', detail ->> 'change', detail ->> 'role') from audit_events
         where action = 'role_blueprint.configured' order by occurred_at, id",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the log");
    assert_eq!(told, ["created editor", "created reader", "removed editor", "removed reader"]);
}

#[tokio::test]
async fn nobody_but_an_operator_sets_them_and_of_nothing_that_they_could_not_give() {
    let app = app().await;
    let operator = token_of(&app, "operator-all").await;
    let some = json!({ "name": "Some", "permissions": ["orgate:users:read"] });
    let but_that = of_operator(&but("orgate:organizations:manage"));
    for (machine, status) in [("all", 404), ("globex-all", 404), (&but_that, 403)] {
        let token = token_of(&app, machine).await;
        assert_eq!(put(&app, &token, "some", some.clone()).await.status, status, "{machine}");
    }
    let modest = token_of(&app, &of_operator(&only("orgate:organizations:manage"))).await;
    for beyond in ["orgate:users:read", "orgate:*", "notes:write"] {
        let wanted = json!({ "name": "Beyond", "permissions": [beyond] });
        let refused = put(&app, &modest, "beyond", wanted).await;
        assert_eq!(
            (refused.status, refused.body["errors"][0]["pointer"].as_str()),
            (403, Some("/permissions/0")),
            "{beyond}"
        );
    }
    assert_eq!(put(&app, &operator, "some", some.clone()).await.status, 200);
    let less = json!({ "name": "Some", "permissions": [] });
    assert_eq!(put(&app, &modest, "some", less).await.status, 403, "what it gave is above them too");
    let path = ("DELETE", "/role-blueprints/some");
    assert_eq!(call(&app, Some(&modest), path, None).await.status, 403);

    // In the place of Orgate's own, and it again in theirs.
    let none = json!({ "name": "None", "permissions": [] });
    assert_eq!(put(&app, &modest, "auditor", none.clone()).await.status, 403);
    assert_eq!(put(&app, &operator, "auditor", none.clone()).await.status, 200);
    assert_eq!(put(&app, &modest, "auditor", none).await.status, 200);
    let path = ("DELETE", "/role-blueprints/auditor");
    assert_eq!(call(&app, Some(&modest), path, None).await.status, 403);

    for (slug, wrong, status) in [
        ("owner", some.clone(), 409),
        ("So%20me", some.clone(), 422),
        ("some", json!({ "name": "", "permissions": [] }), 422),
        ("some", json!({ "name": "Some", "permissions": ["orgate:nothing"] }), 422),
        ("some", json!({ "name": "Some" }), 422),
        ("some", json!({ "name": "Some", "permissions": vec!["notes:read"; 201] }), 422),
        ("some", json!({ "name": "Some", "permissions": [], "slug": "other" }), 422),
    ] {
        let refused = put(&app, &operator, slug, wrong).await;
        assert_eq!(refused.status, status, "{slug}: {:?}", refused.body);
    }
}

#[tokio::test]
async fn there_are_so_many_of_them_and_no_more() {
    let app = app().await;
    let operator = token_of(&app, "operator-all").await;
    sqlx::query(
        "insert into role_blueprints (org_id, slug, name, bundled, created_at, updated_at)
         select org_id, 'made-' || number, 'Made', array['notes:read'], now(), now()
         from organizations, generate_series(1, 100) number where slug = 'operator'",
    )
    .execute(app.database.superuser())
    .await
    .expect("made");
    let wanted = json!({ "name": "Made", "permissions": ["notes:write"] });

    let refused = put(&app, &operator, "another", wanted.clone()).await;

    assert_eq!((refused.status, refused.text("type")), (409, "urn:orgate:problem:limit_reached".to_owned()));
    assert_eq!(put(&app, &operator, "made-1", wanted).await.status, 200, "one that is there is changed");
}

#[tokio::test]
async fn files_say_exactly_which_there_are_and_what_they_make_begins_with_them() {
    let app = app().await;
    let operator = token_of(&app, "operator-all").await;
    put(&app, &operator, "gone", json!({ "name": "Gone", "permissions": [] })).await;
    put(&app, &operator, "kept", json!({ "name": "Kept", "permissions": ["notes:read"] })).await;

    // The organization that is made comes before the entry of the operator's.
    app.apply(
        "organizations:
  - { slug: unit, name: Unit }
  - slug: operator
    name: Operator
    role_blueprints: [{ slug: kept }, { slug: editor, name: Editor, permissions: [\"notes:write\"] }]
  - { slug: bare, name: Bare, ready_roles: false }
",
    )
    .await;

    let unit = roles_of(&app, &operator, "unit").await;
    assert!(unit.contains(&("editor".to_owned(), json!(["notes:write"]))), "{unit:?}");
    assert!(unit.contains(&("kept".to_owned(), json!(["notes:read"]))), "{unit:?}");
    assert_eq!(unit.len(), 9);
    assert_eq!(roles_of(&app, &operator, "bare").await, []);
    let kept = call(&app, Some(&operator), ("GET", "/role-blueprints"), None).await.body;
    let kept = kept["items"].as_array().expect("roles").iter().filter(|role| role["ready_made"] == false);
    assert_eq!(kept.map(|role| role["name"].clone()).collect::<Vec<_>>(), ["Editor", "Kept"]);
    app.apply("organizations: [{ slug: operator, name: Operator }]").await;
    make(&app, &operator, "later").await;
    assert_eq!(
        roles_of(&app, &operator, "later").await.len(),
        9,
        "a file that says nothing of them changes none"
    );
}
