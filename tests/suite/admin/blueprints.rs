//! What the roles of new organizations begin as: listed, made, changed, and done away with.

use orgate_tests::app::{App, Browser, PASSWORD, Page};

use super::console::operator;
use super::{administrator, csrf, hidden, send, ticked};

const LIST: &str = "/admin/operator/role-blueprints";
const NEW: &str = "/admin/operator/new-role-blueprint";

/// Sends the form of a page as it was shown, but for its name and what is ticked.
async fn save(browser: &Browser, page: &Page, (path, name): (&str, &str), permissions: &[&str]) -> Page {
    let (base, base_name) = (hidden(page, "base").concat(), hidden(page, "base_name").concat());
    let mut fields = vec![("name", name), ("base", base.as_str()), ("base_name", base_name.as_str())];
    fields.extend(permissions.iter().map(|permission| ("permission", *permission)));
    send(browser, page, path, &fields).await
}

/// The roles of a new organization: short name, name and permissions.
async fn begun(app: &App, slug: &str) -> Vec<String> {
    app.apply(&format!("organizations: [{{ slug: {slug}, name: New }}]")).await;
    sqlx::query_scalar(
        "select concat_ws(' ', role.slug, role.name, string_agg(held.permission, ' ' order by held.permission))
         from roles role join organizations on organizations.org_id = role.org_id
              left join role_permissions held on held.org_id = role.org_id and held.role_id = role.id
         where organizations.slug = $1 group by role.slug, role.name",
    )
    .bind(slug)
    .fetch_all(app.database.superuser())
    .await
    .expect("roles")
}

#[tokio::test]
async fn what_is_made_changed_and_taken_back_counts_for_organizations_that_are_made_from_then_on() {
    let app = App::start().await;
    let ruth = operator(&app).await;
    let list = ruth.get(LIST).await;
    let form = ruth.get(NEW).await;
    let fields = [("name", "Desk lead"), ("permission", "orgate:users:read")];

    let made = send(&ruth, &form, NEW, &fields).await;
    let path = made.leads_to();
    let page = ruth.follow(made).await;
    let saved = save(&ruth, &page, (&path, "Lead"), &["orgate:groups:read"]).await;
    let said = ruth.follow(saved).await;
    let first = begun(&app, "first").await;
    let delete = format!("{path}/delete");
    let asked = ruth.get(&delete).await;
    let wrong = send(&ruth, &asked, &delete, &[("word", "lead")]).await;
    let gone = send(&ruth, &asked, &delete, &[("word", "desk-lead")]).await;
    let gone = ruth.follow(gone).await;
    let second = begun(&app, "second").await;

    assert_eq!(list.body.matches(">Orgate’s own</span>").count(), 7, "{}", list.body);
    assert!(path.ends_with("/role-blueprints/desk-lead"), "{path}");
    assert!(!form.body.contains("orgate:organizations:"), "of no use where it counts: {}", form.body);
    let of_operator = ruth.get("/admin/operator/roles/new").await;
    assert!(of_operator.body.contains("orgate:organizations:act"), "{}", of_operator.body);
    assert!(
        page.body.contains("The blueprint is made.") && page.body.contains(">Yours</span>"),
        "{}",
        page.body
    );
    assert_eq!(ticked(&page, "permission", "orgate:users:read"), Some(true));
    assert!(said.body.contains("The blueprint is saved"), "{}", said.body);
    assert!(first.iter().any(|role| role == "desk-lead Lead orgate:groups:read"), "{first:?}");
    assert!(asked.body.contains("Organizations that there are keep their roles"), "{}", asked.body);
    assert_eq!(wrong.status, 422, "{}", wrong.body);
    assert!(
        gone.body.contains("The blueprint is gone.") && !gone.body.contains("desk-lead"),
        "{}",
        gone.body
    );
    assert_eq!((first.len(), second.len()), (8, 7), "{second:?}");
    assert_eq!(ruth.get(&path).await.status, 404);
}

#[tokio::test]
async fn one_of_orgate_s_own_is_replaced_and_comes_back_and_the_owner_s_is_the_same_everywhere() {
    let app = App::start().await;
    let ruth = operator(&app).await;
    let (reader, owner) = (format!("{LIST}/reader"), format!("{LIST}/owner"));
    let before = ruth.get(&reader).await;

    let changed = save(&ruth, &before, (&reader, "Reader"), &["orgate:users:read"]).await;
    let changed = ruth.follow(changed).await;
    let replaced = begun(&app, "first").await;
    let asked = ruth.get(format!("{reader}/delete")).await;
    let back = send(&ruth, &asked, &format!("{reader}/delete"), &[("word", "reader")]).await;
    let back = ruth.follow(back).await;
    let after = ruth.get(&reader).await;
    let owners = ruth.get(&owner).await;
    let (token, base) = (csrf(&before, &reader), hidden(&owners, "base").concat());
    let fields = [("csrf", token.as_str()), ("name", "Owner"), ("base_name", "Owner"), ("base", &base)];
    let refused = ruth.post(&owner, &fields).await;

    assert!(before.body.contains("Orgate comes with this one."), "{}", before.body);
    assert!(!before.body.contains("/delete\""), "there is nothing to go back to: {}", before.body);
    assert!(changed.body.contains("Go back to Orgate’s own"), "{}", changed.body);
    assert!(replaced.iter().any(|role| role == "reader Reader orgate:users:read"), "{replaced:?}");
    assert!(asked.body.contains(">Go back to Orgate’s own</button>"), "{}", asked.body);
    assert!(back.body.contains("begin with Orgate’s own role again"), "{}", back.body);
    assert_eq!(hidden(&after, "base"), hidden(&before, "base"), "{}", after.body);
    assert!(owners.body.contains("the same in every organization"), "{}", owners.body);
    assert!(!owners.body.contains("<form class=\"matrix-of\""), "{}", owners.body);
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert_eq!(ruth.get(format!("{owner}/delete")).await.status, 404);
}

#[tokio::test]
async fn what_somebody_else_changed_meanwhile_is_said_and_nothing_is_overwritten() {
    let app = App::start().await;
    let ruth = operator(&app).await;
    app.apply(&format!(
        "organizations: [{{ slug: operator, name: Operator, \
         users: [{{ email: olga@operator.test, name: Olga, password: \"{PASSWORD}\", roles: [operators] }}] }}]\n",
    ))
    .await;
    let olga = administrator(&app, "operator", "olga@operator.test").await;
    let reader = format!("{LIST}/reader");
    let form = ruth.get(&reader).await;
    save(&olga, &olga.get(&reader).await, (&reader, "Reader"), &["orgate:users:read"]).await;

    let stale = save(&ruth, &form, (&reader, "Guest"), &["orgate:groups:read"]).await;
    let mine = save(&ruth, &stale, (&reader, "Guest"), &["orgate:groups:read"]).await;

    assert_eq!(stale.status, 409, "{}", stale.body);
    assert!(stale.body.contains("<bdi>Olga</bdi></a> saved it just now"), "{}", stale.body);
    assert!(
        stale.body.contains("Taken out of it") && stale.body.contains(">Save mine</button>"),
        "{}",
        stale.body
    );
    assert!(stale.body.contains("value=\"Guest\""), "what was typed is kept: {}", stale.body);
    assert_eq!(mine.status, 303, "{}", mine.body);
    assert!(begun(&app, "first").await.iter().any(|role| role == "reader Guest orgate:groups:read"));
}

#[tokio::test]
async fn a_name_that_is_taken_and_what_is_not_theirs_to_give_is_refused_beside_its_field() {
    let app = App::start().await;
    let ruth = operator(&app).await;
    let form = ruth.get(NEW).await;
    for (slug, more, status, says) in [
        ("reader", "", 409, "id=\"slug-error\""),
        ("owner", "", 409, "id=\"slug-error\""),
        ("No slug", "", 422, "id=\"slug-error\""),
        ("some", "orgate:users:fly", 422, "id=\"more-error\""),
    ] {
        let fields = [("name", "Some"), ("slug", slug), ("more", more)];
        let refused = send(&ruth, &form, NEW, &fields).await;
        assert_eq!(refused.status, status, "{slug} {more}: {}", refused.body);
        let body = refused.body.to_lowercase();
        assert!(
            body.contains(says) && body.contains("the blueprint was not made"),
            "{says}: {}",
            refused.body
        );
    }
    assert!(!ruth.get(LIST).await.body.contains(">Yours</span>"));
}

#[tokio::test]
async fn what_one_gives_that_they_do_not_hold_they_see_and_do_not_change() {
    let app = App::start().await;
    operator(&app).await;
    app.apply(&format!(
        "organizations: [{{ slug: operator, name: Operator, \
         roles: [{{ slug: sales, permissions: [\"orgate:organization:read\", \"orgate:organizations:*\"] }}], \
         users: [{{ email: sam@operator.test, name: Sam, password: \"{PASSWORD}\", roles: [sales] }}] }}]\n",
    ))
    .await;
    let sam = administrator(&app, "operator", "sam@operator.test").await;
    let (form, reader) = (sam.get(NEW).await, sam.get(format!("{LIST}/reader")).await);

    let fields = [("name", "Some"), ("permission", "orgate:users:read")];
    let refused = send(&sam, &form, NEW, &fields).await;
    let own = send(&sam, &form, NEW, &[("name", "Some"), ("more", "orgate:organizations:read")]).await;
    let token = csrf(&form, NEW);
    let base = "orgate:groups:read orgate:invitations:read orgate:organization:read orgate:roles:read orgate:users:read";
    let fields = [("csrf", token.as_str()), ("name", "Reader"), ("base_name", "Reader"), ("base", base)];
    let posted = sam.post(&format!("{LIST}/reader"), &fields).await;

    assert!(reader.body.contains("This blueprint gives <code>orgate:"), "{}", reader.body);
    assert!(!reader.body.contains("<form class=\"matrix-of\""), "{}", reader.body);
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert_eq!(own.status, 303, "{}", own.body);
    assert_eq!(posted.status, 403, "{}", posted.body);
    assert!(begun(&app, "first").await.contains(&format!("reader Reader {base}")));
}

#[tokio::test]
async fn they_are_the_operator_s_alone() {
    let app = App::start().await;
    let ruth = operator(&app).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    for below in
        ["role-blueprints", "role-blueprints/reader", "role-blueprints/reader/delete", "new-role-blueprint"]
    {
        let page = ada.get(format!("/admin/acme/{below}")).await;
        assert_eq!(page.status, 404, "{below}: {}", page.body);
    }
    assert!(!ada.get("/admin/acme").await.body.contains("role-blueprints"));
    assert_eq!(ruth.get(format!("{LIST}/nothing")).await.status, 404);
    assert_eq!(ruth.get(format!("{LIST}/No%20slug")).await.status, 404);
}
