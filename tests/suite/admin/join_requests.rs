//! Requests to join: listed, approved with roles, denied.

use orgate_domain::ids::JoinRequestId;
use orgate_tests::app::{App, SAMPLES};
use uuid::Uuid;

use super::{administrator, csrf, open_as, send};

const LIST: &str = "/admin/acme/join-requests";

/// Somebody asked an organization to let them in, and has proven their address: where that is decided.
pub(super) async fn ask(app: &App, organization: &str, (email, message): (&str, Option<&str>)) -> String {
    let now = app.env.clock.now();
    let id: Uuid = sqlx::query_scalar(
        "insert into join_requests (org_id, id, token_hash, email, email_normalized, source, name, message, created_at,
                                    proven_at, expires_at)
         select org_id, gen_random_uuid(), sha256($2::bytea), $3, lower($3), sha256($2::bytea), 'Nora <b>New</b>', $4::text,
                $5::timestamptz, $5, $5 + interval '30 days'
         from organizations where slug = $1 returning id",
    )
    .bind(organization)
    .bind(email.as_bytes())
    .bind(email)
    .bind(message)
    .bind(now)
    .fetch_one(app.database.superuser())
    .await
    .expect("a request");
    format!("/admin/{organization}/join-requests/{}", JoinRequestId::from_uuid(id))
}

#[tokio::test]
async fn somebody_who_asked_is_let_in_with_a_role_and_somebody_else_is_denied() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let empty = ada.get(LIST).await;
    let nora = ask(&app, "acme", ("nora@partner.test", Some("I work\nwith <b>Ada</b>"))).await;
    let other = ask(&app, "acme", ("other@partner.test", None)).await;

    let list = ada.get(LIST).await;
    let (approve, deny) = (format!("{nora}/approve"), format!("{other}/deny"));
    let form = ada.get(&approve).await;
    let approved = send(&ada, &form, &approve, &[("role", "viewer")]).await;
    let list_after = ada.follow(approved).await;
    let denied = send(&ada, &list, &deny, &[]).await;
    let none_waits = ada.follow(denied).await;
    let all = ada.get(format!("{LIST}?show=all")).await;
    let again = ada.get(&approve).await;

    assert!(empty.body.contains("Nobody waits to be let in"), "{}", empty.body);
    for text in ["nora@partner.test", "Nora &#60;b&#62;New", "I work\nwith &#60;b&#62;Ada", "Asked <time"] {
        assert!(list.body.contains(text), "{text}: {}", list.body);
    }
    assert!(list.body.contains(&format!("href=\"{approve}\"")) && list.body.contains("other@partner.test"));
    assert!(form.body.contains("Let <bdi>nora@partner.test</bdi> in?"), "{}", form.body);
    assert!(list_after.body.contains("They are invited") && !list_after.body.contains("nora@"));
    assert!(none_waits.body.contains("The request is denied") && none_waits.body.contains("Nobody waits"));
    assert!(all.body.contains(">Approved<") && all.body.contains(">Denied<"), "{}", all.body);
    assert!(!all.body.contains("/approve\"") && !all.body.contains("/deny\""), "{}", all.body);
    assert_eq!(again.leads_to(), LIST, "somebody was first");
    let invited = ada.get("/admin/acme/invitations").await;
    assert!(
        invited.body.contains("nora@partner.test") && invited.body.contains("viewer"),
        "{}",
        invited.body
    );
    let events = app.events("acme").await;
    for expected in ["join.approved success", "join.denied success", "invitation.created success"] {
        assert!(events.contains(&expected.to_owned()), "{expected}: {events:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_given_is_said_beside_the_roles_and_one_that_was_decided_meanwhile_says_so() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let nora = ask(&app, "acme", ("nora@partner.test", None)).await;
    let approve = format!("{nora}/approve");
    let (form, list) = (ada.get(&approve).await, ada.get(LIST).await);

    let unknown = send(&ada, &form, &approve, &[("role", "viewer"), ("role", "nothing")]).await;
    send(&ada, &list, &format!("{nora}/deny"), &[]).await;
    let late = send(&ada, &form, &approve, &[("role", "viewer")]).await;
    let user = ask(&app, "acme", ("vic@acme.test", None)).await;
    let form = ada.get(format!("{user}/approve")).await;
    let taken = send(&ada, &form, &format!("{user}/approve"), &[]).await;

    assert_eq!(unknown.status, 422);
    assert!(unknown.body.contains("<a href=\"#roles\">") && unknown.body.contains("id=\"roles-error\""));
    assert!(unknown.body.contains("value=\"viewer\" checked"), "{}", unknown.body);
    assert_eq!((late.status.as_u16(), taken.status.as_u16()), (409, 409), "{}", taken.body);
    assert!(late.body.contains("It was denied already"), "{}", late.body);
    assert!(taken.body.contains("They were not let in"), "{}", taken.body);
    assert!(ada.get("/admin/acme/invitations").await.body.contains("Nobody was invited yet"));
}

#[tokio::test]
async fn who_may_only_read_sees_them_and_decides_nothing() {
    let app = App::start().await;
    let nora = ask(&app, "acme", ("nora@partner.test", None)).await;
    let nobody = open_as(&app.browser(), LIST, "vic@acme.test").await;
    let holds = "\"orgate:organization:read\", \"orgate:invitations:read\"";
    app.apply(&SAMPLES.replacen("[\"notes:read\"]", &format!("[{holds}]"), 1)).await;
    let vic = administrator(&app, "acme", "vic@acme.test").await;

    let list = vic.get(LIST).await;
    let page = vic.get("/admin/acme").await;
    let token = csrf(&page, "/admin/acme/sign-out");
    let form = vic.get(format!("{nora}/approve")).await;
    let denied = vic.post(format!("{nora}/deny"), &[("csrf", token.as_str())]).await;

    assert!(nobody.status == 403 && nobody.body.contains("orgate:invitations:read"), "{}", nobody.body);
    assert!(list.body.contains("nora@partner.test"), "{}", list.body);
    assert!(!list.body.contains("/approve") && !list.body.contains("/deny"), "{}", list.body);
    assert_eq!((form.status.as_u16(), denied.status.as_u16()), (403, 403));
    assert!(vic.get(LIST).await.body.contains("nora@partner.test"), "it waits still");
}

#[tokio::test]
async fn there_is_no_request_of_another_organization() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let theirs = ask(&app, "globex", ("nora@partner.test", None)).await.replace("globex", "acme");
    let own = ask(&app, "acme", ("own@partner.test", None)).await;
    let form = ada.get(format!("{own}/approve")).await;
    let token = csrf(&form, &format!("{own}/approve"));
    let nowhere = super::nowhere("/admin/acme/join-requests/{join_request}/approve");

    let (of_globex, of_nobody) = (ada.get(format!("{theirs}/approve")).await, ada.get(&nowhere).await);
    let fields = [("csrf", token.as_str()), ("role", "viewer")];
    let approved = ada.post(format!("{theirs}/approve"), &fields).await;
    let denied = ada.post(format!("{theirs}/deny"), &fields).await;

    assert_eq!((of_globex.status.as_u16(), of_nobody.status.as_u16()), (404, 404));
    assert_eq!((approved.status.as_u16(), denied.status.as_u16()), (404, 404));
    let gus = administrator(&app, "globex", "gus@globex.test").await;
    assert!(gus.get("/admin/globex/join-requests").await.body.contains("nora@partner.test"));
}

#[tokio::test]
async fn they_are_shown_page_by_page() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let message = "<>&\"".repeat(125);
    for number in 0..32 {
        ask(&app, "acme", (&format!("asker{number}@partner.test"), Some(&message))).await;
    }

    let first = ada.get(LIST).await;
    let (_, rest) = first.body.split_once("?after=").expect("another page");
    let after = rest.split('"').next().expect("a request");
    let second = ada.get(format!("{LIST}?after={after}")).await;

    let rows = |body: &str| body.matches("/approve\"").count();
    assert_eq!((rows(&first.body), rows(&second.body)), (30, 2));
    assert!(second.body.contains("First page"), "{}", second.body);
}
