//! The console: operators find, make, look at and suspend organizations.

use orgate_tests::app::{App, Browser, Page};
use serde_json::json;

use super::{administrator, csrf, open_as, send};

/// Ruth, who operates, signed in to administer.
pub(super) async fn operator(app: &App) -> Browser {
    app.apply(
        "organizations: [{ slug: operator, name: Operator, roles: [{ slug: operators, permissions: [\"orgate:*\"] }], \
         users: [{ email: ruth@operator.test, name: Ruth, password: \"${PASSWORD}\", roles: [operators] }] }]\n",
    )
    .await;
    administrator(app, "operator", "ruth@operator.test").await
}

/// Opens an organization's first page, and says why when asked.
pub(super) async fn look(browser: &Browser, org: &str, reason: &str) -> Page {
    let at = format!("/admin/operator/organizations/{org}");
    let asked = browser.get(&at).await;
    assert!(asked.status == 403 && asked.body.contains("Why do you look"), "{} {}", asked.status, asked.body);
    let answer = send(browser, &asked, &format!("{at}/reason"), &[("to", &at), ("reason", reason)]).await;
    browser.follow(answer).await
}

#[tokio::test]
async fn organizations_are_found_by_what_they_are_called() {
    let app = App::start().await;
    let ruth = operator(&app).await;
    let acme = app.org("acme").await.org_id().to_string();
    let names = async |find: &str| {
        let page = ruth.get(format!("/admin/operator/organizations?find={find}")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let found = ["Acme Inc", "Globex Corporation", "Operator"];
        found
            .into_iter()
            .filter(|name| page.body.contains(&format!("<b><bdi>{name}</bdi></b>")))
            .collect::<Vec<_>>()
    };
    app.apply("organizations: [{ slug: globex, name: Globex Corporation, external_id: CRM-7 }]\n").await;

    let console = ruth.get("/console").await;

    assert_eq!(console.leads_to(), "/admin/operator/organizations");
    assert!(names("").await.len() == 3);
    assert_eq!(names("ACME").await, ["Acme Inc"]);
    assert_eq!(names("corp").await, ["Globex Corporation"]);
    assert_eq!(names("crm-7").await, ["Globex Corporation"]);
    assert_eq!(names(&acme).await, ["Acme Inc"]);
    assert_eq!(names("%25").await, [] as [&str; 0]);
    assert_eq!(names("%3Cb%3E").await, [] as [&str; 0]);
}

#[tokio::test]
async fn an_organization_is_made_once_all_is_right_and_what_was_typed_is_kept() {
    let app = App::start().await;
    let ruth = operator(&app).await;
    let at = "/admin/operator/organizations/new";
    let form = ruth.get(at).await;

    let taken = send(&ruth, &form, at, &[("name", "Initech <b>"), ("slug", "acme")]).await;
    let below =
        send(&ruth, &form, at, &[("name", "Initech"), ("slug", "initech"), ("parent", "nowhere")]).await;
    let made = send(&ruth, &form, at, &[("name", "Initech"), ("slug", "initech"), ("parent", "acme")]).await;
    let list = ruth.follow(made).await;

    assert!(
        taken.status == 409 && taken.body.contains("id=\"slug-error\""),
        "{} {}",
        taken.status,
        taken.body
    );
    assert!(taken.body.contains("value=\"Initech &#60;b&#62;\""), "{}", taken.body);
    assert!(below.status == 422 && below.body.contains("id=\"parent-error\""), "{}", below.body);
    assert!(
        list.body.contains("The organization is there") && list.body.contains("Initech"),
        "{}",
        list.body
    );
    assert_eq!(
        app.events("initech").await.first().map(String::as_str),
        Some("organization.configured success")
    );
}

/// It is told, with the reason; nothing can be changed from there.
#[tokio::test]
async fn an_operator_sees_what_administrators_see_once_they_say_why() {
    let app = App::start().await;
    let ruth = operator(&app).await;
    let acme = app.org("acme").await.org_id().to_string();
    let at = format!("/admin/operator/organizations/{acme}");

    let asked = ruth.get(format!("{at}/users")).await;
    let silent =
        send(&ruth, &asked, &format!("{at}/reason"), &[("to", &format!("{at}/users")), ("reason", "  ")])
            .await;
    let to = format!("{at}/users");
    let told = send(
        &ruth,
        &asked,
        &format!("{at}/reason"),
        &[("to", &to), ("reason", "Ticket 7: ärger; \u{1f511}")],
    )
    .await;
    let users = ruth.follow(told).await;
    let (_, rest) = users.body.split_once(&format!("{at}/users/usr_")).expect("a user");
    let user = ruth.get(format!("{at}/users/usr_{}", rest.split('"').next().expect("an id"))).await;
    let elsewhere =
        send(&ruth, &asked, &format!("{at}/reason"), &[("to", "/admin/operator/users"), ("reason", "x")])
            .await;

    assert_eq!((asked.status.as_u16(), silent.status.as_u16()), (403, 422));
    assert!(users.status == 200 && users.body.contains("Ada Adler"), "{} {}", users.status, users.body);
    assert!(
        users.body.contains("Ticket 7: ärger; \u{1f511}") && users.body.contains("Acme Inc"),
        "{}",
        users.body
    );
    assert!(user.status == 200 && user.body.contains("<h1>"), "{} {}", user.status, user.body);
    for page in [&users, &user] {
        let forms: Vec<_> = page.body.split("method=\"post\" action=\"").skip(1).collect();
        assert!(forms.iter().all(|form| form.starts_with("/admin/operator/sign-out")), "{}", page.body);
        assert!(
            !page.body.contains("/invitations/new") && !page.body.contains("/deactivate"),
            "{}",
            page.body
        );
    }
    assert_eq!(elsewhere.leads_to(), at, "nowhere but to pages about this organization");
    for below in ["/invitations/new", "/organizations", "/users/usr_00000000000000000000000000/deactivate"] {
        assert_eq!(ruth.get(format!("{at}{below}")).await.status, 404, "{below}");
    }
    let entered: Vec<serde_json::Value> = sqlx::query_scalar(
        "select detail from audit_events join organizations using (org_id) where slug = 'acme' and action = 'operator.entered'",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("read");
    assert!(
        !entered.is_empty() && entered.iter().all(|detail| detail["operator_reason"].is_string()),
        "{entered:?}"
    );
}

/// The reason is a browser's own, and of one organization.
#[tokio::test]
async fn a_reason_counts_for_whom_and_where_it_was_given() {
    let app = App::start().await;
    let ruth = operator(&app).await;
    let (acme, globex) =
        (app.org("acme").await.org_id().to_string(), app.org("globex").await.org_id().to_string());
    look(&ruth, &acme, "a ticket").await;

    let other = ruth.get(format!("/admin/operator/organizations/{globex}")).await;
    let nowhere = ruth.get("/admin/operator/organizations/org_00000000000000000000000000").await;
    let users = ruth.get(format!("/admin/operator/organizations/{acme}/users")).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let stranger = ada.get(format!("/admin/acme/organizations/{globex}/users")).await;
    let listed = ada.get("/admin/acme/organizations").await;

    assert_eq!((other.status.as_u16(), nowhere.status.as_u16()), (403, 404));
    assert_eq!((stranger.status.as_u16(), listed.status.as_u16()), (404, 404));
    assert!(!users.body.contains("data-hx-"), "each page that is asked for is told of: {}", users.body);
    assert!(!stranger.body.contains("Globex"), "{}", stranger.body);
    assert!(!ada.get("/admin/acme").await.body.contains("/admin/acme/organizations"));
}

#[tokio::test]
async fn a_reason_counts_for_an_hour() {
    let app = App::start().await;
    let ruth = operator(&app).await;
    let acme = app.org("acme").await.org_id().to_string();
    look(&ruth, &acme, "a ticket").await;
    let at = format!("/admin/operator/organizations/{acme}");

    app.clock.advance(chrono::Duration::minutes(59));
    let within = ruth.get(&at).await;
    app.clock.advance(chrono::Duration::minutes(2));
    let after = ruth.get(&at).await;

    assert_eq!((within.status.as_u16(), after.status.as_u16()), (200, 403), "{}", after.body);
    assert!(after.body.contains("Why do you look"), "{}", after.body);
}

/// Whoever is signed in next has not said why, whatever somebody said in the same browser before.
#[tokio::test]
async fn a_reason_is_asked_anew_after_signing_out_and_once_somebody_else_is_signed_in() {
    let app = App::start().await;
    let browser = operator(&app).await;
    app.apply(
        "organizations: [{ slug: operator, name: Operator, \
         users: [{ email: olga@operator.test, name: Olga, password: \"${PASSWORD}\", roles: [operators] }] }]\n",
    )
    .await;
    let acme = app.org("acme").await.org_id().to_string();
    let at = format!("/admin/operator/organizations/{acme}");
    look(&browser, &acme, "a ticket").await;
    let kept = browser.get(&at).await;

    // Ruth's session ends elsewhere, so that nothing of the administration's is dropped.
    let account = browser.get("/account?organization=operator").await;
    let (csrf, operator) = (account.field("csrf"), account.field("organization"));
    let form = [("csrf", csrf.as_str()), ("organization", &operator)];
    let ended = browser.post("/account/sign-out", &form).await;
    let olgas = open_as(&browser, "/admin/operator", "olga@operator.test").await;
    let of_olga = look(&browser, &acme, "another ticket").await;
    let left = send(&browser, &of_olga, "/admin/operator/sign-out", &[]).await;
    let signed_out = browser.get(&at).await;
    let again = browser.follow(browser.get("/admin/operator").await).await; // her session is still there
    let asked = browser.get(&at).await;

    assert_eq!((kept.status.as_u16(), ended.status.as_u16()), (200, 200), "{}", ended.body);
    assert!(olgas.status == 200 && olgas.body.contains("Olga"), "{} {}", olgas.status, olgas.body);
    assert!(
        of_olga.body.contains("another ticket") && !of_olga.body.contains("a ticket"),
        "{}",
        of_olga.body
    );
    let dropped = |line: &String| line.starts_with("orgate_admin_reason=;") && line.contains("Max-Age=0");
    assert!(left.status == 303 && left.cookies().iter().any(dropped), "{:?}", left.cookies());
    assert_eq!(signed_out.status, 303, "{}", signed_out.body);
    assert_eq!((again.status.as_u16(), asked.status.as_u16()), (200, 403), "{}", asked.body);
    assert!(asked.body.contains("Why do you look"), "{}", asked.body);
}

/// Names are an organization's own to choose, and ids are no secret.
#[tokio::test]
async fn an_organization_that_calls_itself_by_anothers_id_is_not_taken_for_it() {
    let app = App::start().await;
    let ruth = operator(&app).await;
    let globex = app.org("globex").await.org_id().to_string();
    app.apply(&format!("organizations: [{{ slug: acme, name: {globex} }}]\n")).await;
    look(&ruth, &globex, "a ticket").await;

    let page = ruth.get(format!("/admin/operator/organizations/{globex}/standing")).await;

    assert!(page.status == 200 && page.body.contains("<dd>globex</dd>"), "{}", page.body);
    assert!(!page.body.contains("<dd>acme</dd>"), "{}", page.body);
}

#[tokio::test]
async fn an_organization_is_suspended_once_its_slug_was_typed_and_let_in_again() {
    let app = App::start().await;
    let ruth = operator(&app).await;
    let acme = app.org("acme").await.org_id().to_string();
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    look(&ruth, &acme, "unpaid").await;
    let at = format!("/admin/operator/organizations/{acme}/standing");
    let status = format!("{at}/status");
    let page = ruth.get(&at).await;
    let token = csrf(&page, &status);
    let post = async |fields: &[(&str, &str)]| {
        ruth.post(&status, &[&[("csrf", token.as_str())], fields].concat()).await
    };

    let untyped = post(&[("was", "active"), ("status", "suspended"), ("word", "globex")]).await;
    let suspended = post(&[("was", "active"), ("status", "suspended"), ("word", "acme")]).await;
    let out = ada.get("/admin/acme").await;
    let page = ruth.follow(suspended).await;
    let restored = ruth.follow(post(&[("was", "suspended"), ("status", "active")]).await).await;
    let deleted =
        ruth.follow(post(&[("was", "active"), ("status", "deleted"), ("word", "acme")]).await).await;
    let stale = post(&[("was", "active"), ("status", "suspended"), ("word", "acme")]).await;
    let again = ruth.follow(post(&[("was", "deleted"), ("status", "active")]).await).await;

    assert!(untyped.status == 422 && untyped.body.contains("suspend-word-error"), "{}", untyped.body);
    assert!(page.body.contains("Suspended") && page.body.contains("Let it in again"), "{}", page.body);
    assert_eq!(out.status, 303, "nobody is signed in there any more");
    assert!(restored.body.contains(">Active<"), "{}", restored.body);
    assert!(deleted.body.contains("erased after"), "{}", deleted.body);
    assert_eq!(stale.status, 409, "whoever saw it active does not undo that it was deleted: {}", stale.body);
    assert!(stale.body.contains("erased after"), "{}", stale.body);
    assert!(again.body.contains(">Active<"), "{}", again.body);
    let foreign = ada.post(&status, &[("csrf", "x"), ("status", "suspended"), ("word", "acme")]).await;
    assert_eq!(foreign.status, 403);
}

#[tokio::test]
async fn limits_are_set_where_they_were_changed_and_lifted_where_they_are_emptied() {
    let app = App::start().await;
    let ruth = operator(&app).await;
    let acme = app.org("acme").await.org_id().to_string();
    look(&ruth, &acme, "a contract").await;
    let at = format!("/admin/operator/organizations/{acme}/standing");
    let to = format!("{at}/limits");
    let page = ruth.get(&at).await;

    let wrong =
        send(&ruth, &page, &to, &[("seats", "ten"), ("was-seats", ""), ("roles", "7"), ("was-roles", "")])
            .await;
    let many = send(
        &ruth,
        &page,
        &to,
        &[("seats", "9"), ("was-seats", ""), ("roles", "99999999"), ("was-roles", "")],
    )
    .await;
    let saved =
        send(&ruth, &page, &to, &[("seats", "25"), ("was-seats", ""), ("roles", "7"), ("was-roles", "")])
            .await;
    let page = ruth.follow(saved).await;
    let lifted =
        send(&ruth, &page, &to, &[("seats", ""), ("was-seats", "25"), ("roles", "7"), ("was-roles", "7")])
            .await;
    let lifted = ruth.follow(lifted).await;

    assert!(
        wrong.status == 422 && wrong.body.contains("id=\"seats-error\""),
        "{} {}",
        wrong.status,
        wrong.body
    );
    assert!(wrong.body.contains("value=\"ten\""), "what was typed is kept: {}", wrong.body);
    assert!(many.status == 422 && many.body.contains("id=\"roles-error\""), "{} {}", many.status, many.body);
    assert!(
        page.body
            .contains("name=\"seats\" type=\"text\" inputmode=\"numeric\" autocomplete=\"off\" value=\"25\"")
    );
    assert!(
        lifted.body.contains("name=\"was-seats\" value=\"\"")
            && lifted.body.contains("name=\"was-roles\" value=\"7\"")
    );
    let set: Vec<serde_json::Value> = sqlx::query_scalar(
        "select to_jsonb(quota) from quotas join organizations using (org_id) where slug = 'acme' order by 1",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("read");
    assert_eq!(set, [json!("roles")]);
}
