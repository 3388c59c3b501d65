//! Roles: listed, made, changed, deleted; and what is not the reader's to give.

use orgate_tests::app::{App, Browser, Page, SAMPLES};

use super::{administrator, csrf, hidden, send, ticked};

const NEW: &str = "/admin/acme/roles/new";

/// The sample file, with these permissions of Acme's viewers.
fn viewers(permissions: &str) -> String {
    SAMPLES.replacen("permissions: [\"notes:read\"] }", &format!("permissions: [{permissions}] }}"), 1)
}

/// The address of a role's page, by its short name.
async fn role_page(browser: &Browser, slug: &str) -> String {
    let list = browser.get("/admin/acme/roles").await;
    let cell = [format!("<span class=\"muted\">{slug}</span>"), format!("<b><bdi>{slug}</bdi></b>")];
    let found = cell.iter().find_map(|cell| list.body.split_once(cell.as_str()));
    let (before, _) = found.unwrap_or_else(|| panic!("{slug}: {}", list.body));
    let (_, rest) = before.rsplit_once("href=\"").expect("a link");
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// Sends the form of a role's page as it was shown, but for its name and what is ticked.
async fn save(browser: &Browser, page: &Page, (action, name): (&str, &str), permissions: &[&str]) -> Page {
    let (base, base_name) = (hidden(page, "base").concat(), hidden(page, "base_name").concat());
    let mut fields = vec![("name", name), ("base", base.as_str()), ("base_name", base_name.as_str())];
    fields.extend(permissions.iter().map(|permission| ("permission", *permission)));
    send(browser, page, action, &fields).await
}

#[tokio::test]
async fn roles_are_listed_with_what_they_are_for_and_how_much_is_in_them() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let list = ada.get("/admin/acme/roles").await;

    for text in [
        "Ready-made",
        "Sees everything, and changes nothing",
        "Everything here; uses notes",
        ">Uses notes",
        ">All</td>",
        ">16</td>",
        ">Yours</span>",
        "href=\"/admin/acme/roles/new\"",
    ] {
        assert!(list.body.contains(text), "{text}: {}", list.body);
    }
}

#[tokio::test]
async fn a_role_is_made_and_changed_and_its_boxes_are_as_it_is() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = ada.get(NEW).await;

    let fields = [
        ("name", "Support lead"),
        ("permission", "orgate:users:read"),
        ("permission", "orgate:groups:*"),
        ("more", "notes:write\nmail:send"),
    ];
    let made = send(&ada, &form, NEW, &fields).await;
    let path = made.leads_to();
    let page = ada.follow(made).await;
    let saved = save(&ada, &page, (&path, "Support"), &["orgate:users:manage", "notes:write"]).await;
    let after = ada.follow(saved).await;

    assert!(page.body.contains("The role is made") && page.body.contains("<code>support-lead</code>"));
    for held in ["orgate:users:read", "orgate:groups:*", "notes:write", "mail:send"] {
        assert_eq!(ticked(&page, "permission", held), Some(true), "{held}");
    }
    for none in ["orgate:users:manage", "orgate:groups:read", "orgate:*", "notes:*"] {
        assert_eq!(ticked(&page, "permission", none), Some(false), "{none}");
    }
    assert!(page.body.contains("See users: their names, addresses"), "each with its sentence");
    assert!(after.body.contains("<h1><bdi>Support</bdi></h1>") && after.body.contains("The role is saved"));
    assert_eq!(ticked(&after, "permission", "orgate:users:manage"), Some(true));
    assert_eq!(
        (ticked(&after, "permission", "orgate:users:read"), ticked(&after, "permission", "mail:send")),
        (Some(false), None)
    );
    let events = app.events("acme").await;
    assert!(events.iter().filter(|event| *event == "role.configured success").count() >= 2, "{events:?}");
}

#[tokio::test]
async fn what_applications_declare_can_be_ticked() {
    let app = App::start().await;
    let declares = "    resource: notes\n    permissions: [\"notes:read\", \"notes:archive\"]\n";
    let own = "    audience: owner\n    permissions: [\"intranet:post\"]\n";
    app.apply(&SAMPLES.replacen("    resource: notes\n", declares, 1).replacen(
        "    audience: owner\n",
        own,
        1,
    ))
    .await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let page = ada.get(NEW).await;

    assert_eq!(ticked(&page, "permission", "notes:archive"), Some(false), "{}", page.body);
    assert_eq!(ticked(&page, "permission", "intranet:post"), Some(false), "{}", page.body);
    assert!(page.body.contains("<bdi>Notes</bdi>") && page.body.contains("<bdi>Acme Intranet</bdi>"));
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_and_above_and_ticks_are_kept() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = ada.get(NEW).await;

    for (name, slug, more, status, field, why) in [
        ("", "", "", 422, "name", "a name is 1 to 200 characters"),
        ("経理", "", "", 422, "slug", "a slug is 1 to 63"),
        ("Viewer", "viewer", "", 409, "slug", "another role of the organization"),
        ("New", "new", "Fly", 422, "more", "written resource:action"),
        ("New", "new", "orgate:users:fly", 422, "more", "there is no such permission"),
    ] {
        let fields = [("name", name), ("slug", slug), ("permission", "orgate:audit:read"), ("more", more)];
        let refused = send(&ada, &form, NEW, &fields).await;
        assert_eq!(refused.status, status, "{name} {more}: {}", refused.body);
        let lowered = refused.body.to_lowercase();
        assert!(lowered.matches(why).count() >= 2, "{why}: {}", refused.body);
        assert!(refused.body.contains(&format!("<a href=\"#{field}\">")), "{why}: {}", refused.body);
        assert!(refused.body.contains(&format!("id=\"{field}-error\"")), "{why}");
        assert!(refused.body.contains(&format!(">{more}</textarea>")), "{why}: {}", refused.body);
        assert_eq!(ticked(&refused, "permission", "orgate:audit:read"), Some(true), "{why}");
    }
}

#[tokio::test]
async fn who_may_only_read_sees_what_is_in_a_role_and_no_form() {
    let app = App::start().await;
    app.apply(&viewers("\"orgate:organization:read\", \"orgate:roles:read\", \"orgate:groups:*\"")).await;
    let vic = administrator(&app, "acme", "vic@acme.test").await;

    let list = vic.get("/admin/acme/roles").await;
    let own = vic.get(role_page(&vic, "viewer").await).await;

    assert!(!list.body.contains("/roles/new") && list.body.contains("/admin/acme/groups"), "{}", list.body);
    assert!(
        !own.body.contains("<input type=\"checkbox\"") && !own.body.contains("/delete\""),
        "{}",
        own.body
    );
    assert_eq!(own.body.matches(": yes</span>").count(), 3, "{}", own.body);
    assert_eq!(own.body.matches(">Included</span>").count(), 2, "{}", own.body);
}

#[tokio::test]
async fn what_one_does_not_hold_is_closed_and_refused_and_the_other_ticks_stay() {
    let app = App::start().await;
    app.apply(&viewers("\"orgate:organization:read\", \"orgate:roles:*\", \"notes:read\"")).await;
    let vic = administrator(&app, "acme", "vic@acme.test").await;
    let form = vic.get(NEW).await;

    let fields = [
        ("name", "Mine"),
        ("permission", "orgate:roles:read"),
        ("permission", "orgate:users:manage"),
        ("permission", "orgate:organization:read"),
    ];
    let refused = send(&vic, &form, NEW, &fields).await;
    let mended = [("name", "Mine"), ("permission", "orgate:roles:read")];
    let made = send(&vic, &refused, NEW, &mended).await;

    assert_eq!(
        (ticked(&form, "permission", "orgate:users:manage"), ticked(&form, "permission", "orgate:*")),
        (None, None)
    );
    assert!(form.body.contains("Not yours to give"), "{}", form.body);
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("<a href=\"#wrong-permission\">You do not hold orgate:users:manage"));
    assert!(refused.body.contains("disabled id=\"wrong-permission\" aria-invalid"), "{}", refused.body);
    for kept in ["orgate:roles:read", "orgate:organization:read"] {
        assert_eq!(ticked(&refused, "permission", kept), Some(true), "{kept}");
    }
    assert_eq!(made.status, 303, "{}", made.body);
}

#[tokio::test]
async fn a_role_that_gives_what_one_does_not_hold_is_shown_and_says_so() {
    let app = App::start().await;
    app.apply(&viewers("\"orgate:organization:read\", \"orgate:roles:*\"")).await;
    let (ada, vic) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "acme", "vic@acme.test").await,
    );
    let path = role_page(&vic, "auditor").await;

    let page = vic.get(&path).await;
    let shown = ada.get(&path).await;
    let (base, token) = (hidden(&shown, "base").concat(), csrf(&vic.get(NEW).await, NEW));
    let fields = [("csrf", token.as_str()), ("name", "Mine"), ("base_name", "Auditor"), ("base", &base)];
    let refused = vic.post(&path, &fields).await;

    assert!(page.body.contains("which you do not hold") && !page.body.contains("type=\"checkbox\""));
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("which you do not hold; who does can change it"), "{}", refused.body);
    assert!(ada.get(&path).await.body.contains("<h1><bdi>Auditor</bdi></h1>"));
}

#[tokio::test]
async fn a_form_that_is_stale_says_who_changed_what_and_offers_both() {
    let app = App::start().await;
    app.apply(&SAMPLES.replace("roles: [viewer] }", "roles: [admin] }")).await;
    let (ada, vic) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "acme", "vic@acme.test").await,
    );
    let path = role_page(&ada, "reader").await;
    let (of_ada, of_vic) = (ada.get(&path).await, vic.get(&path).await);
    let theirs = ["orgate:users:read", "orgate:audit:read"];
    let first = save(&vic, &of_vic, (&path, "Looker"), &theirs).await;
    assert_eq!(first.status, 303, "{}", first.body);

    let stale = save(&ada, &of_ada, (&path, "Reader"), &["orgate:users:read", "orgate:groups:read"]).await;
    let same = ada.get(&path).await;
    let mine = save(&ada, &stale, (&path, "Reader"), &["orgate:users:read", "orgate:groups:read"]).await;

    assert_eq!(stale.status, 409);
    for text in [
        "It was changed while you had it open",
        "<bdi>Vic Viewer</bdi></a> saved it just now",
        "It is called now: <bdi>Looker</bdi>",
        "Put into it: <bdi>orgate:audit:read</bdi>",
        "Taken out of it: <bdi>orgate:groups:read, ",
        "Leave it as it is now",
        "Save mine",
        "value=\"Reader\"",
        "Changed by somebody else",
    ] {
        assert!(stale.body.contains(text), "{text}: {}", stale.body);
    }
    assert_eq!(ticked(&stale, "permission", "orgate:groups:read"), Some(true), "as it was ticked");
    assert_eq!(ticked(&stale, "permission", "orgate:audit:read"), Some(false), "as it was not");
    assert_eq!(ticked(&same, "permission", "orgate:audit:read"), Some(true), "nothing was changed");
    let after = ada.follow(mine).await;
    assert_eq!(
        (
            ticked(&after, "permission", "orgate:groups:read"),
            ticked(&after, "permission", "orgate:audit:read")
        ),
        (Some(true), Some(false))
    );
}

#[tokio::test]
async fn a_role_is_deleted_once_its_short_name_was_typed_and_nobody_has_it() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let delete = |path: String| format!("{path}/delete");
    let (viewer, reader) = (delete(role_page(&ada, "viewer").await), delete(role_page(&ada, "reader").await));

    let confirm = ada.get(&reader).await;
    let wrong = send(&ada, &confirm, &reader, &[("word", "viewer")]).await;
    let done = send(&ada, &confirm, &reader, &[("word", "Reader")]).await;
    let confirm = ada.get(&viewer).await;
    let in_use = send(&ada, &confirm, &viewer, &[("word", "viewer")]).await;

    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("Type it as it stands above"), "{}", wrong.body);
    let list = ada.follow(done).await;
    assert!(list.body.contains("The role is gone") && !list.body.contains("Reader"), "{}", list.body);
    assert_eq!(in_use.status, 409);
    assert!(in_use.body.contains("give this role; take it from them first"), "{}", in_use.body);
    assert_eq!(ada.get(&reader).await.status, 404);
}

#[tokio::test]
async fn there_is_no_page_of_a_role_of_another_organization() {
    let app = App::start().await;
    let (ada, gus) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "globex", "gus@globex.test").await,
    );
    let list = gus.get("/admin/globex/roles").await;
    let (_, rest) = list.body.split_once("href=\"/admin/globex/roles/rol_").expect("a role");
    let path = format!("/admin/acme/roles/rol_{}", rest.split('"').next().expect("an id"));
    let token = csrf(&ada.get(NEW).await, NEW);

    for below in ["", "/delete"] {
        assert_eq!(ada.get(format!("{path}{below}")).await.status, 404, "{below}");
        for word in ["admin", "owner"] {
            let fields = [("csrf", token.as_str()), ("name", "Mine"), ("word", word)];
            assert_eq!(ada.post(format!("{path}{below}"), &fields).await.status, 404, "{below}");
        }
    }
}

#[tokio::test]
async fn a_form_of_a_role_counts_only_for_whom_it_was_shown_to() {
    let app = App::start().await;
    app.apply(&SAMPLES.replace("roles: [viewer] }", "roles: [admin] }")).await;
    let (ada, vic) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "acme", "vic@acme.test").await,
    );
    let path = role_page(&ada, "reader").await;
    let theirs = csrf(&vic.get(NEW).await, NEW);

    for token in ["", theirs.as_str()] {
        for action in [NEW, path.as_str(), &format!("{path}/delete")] {
            let page = ada.post(action, &[("csrf", token), ("name", "Mine"), ("word", "reader")]).await;
            assert!(page.status == 403 && page.body.contains("grown old"), "{action}: {}", page.body);
        }
    }
    assert!(ada.get(&path).await.body.contains("<h1><bdi>Reader</bdi></h1>"));
}

#[tokio::test]
async fn the_largest_role_has_a_page_of_bounded_size() {
    let app = App::start().await;
    let many: Vec<_> = (0..200).map(|n| format!("\"a-long-name-of-a-resource:action-number-{n}\"")).collect();
    app.apply(&viewers(&many.join(", "))).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let page = ada.get(role_page(&ada, "viewer").await).await;

    assert_eq!(page.body.matches(" checked").count(), 200);
    assert!(page.body.len() <= 100_000, "{}", page.body.len());
}

#[tokio::test]
async fn names_of_roles_and_groups_are_shown_as_they_are_and_do_nothing() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let payload = "<img src=x onerror=alert(1)>\"'";

    for (part, new) in [("roles", NEW), ("groups", "/admin/acme/groups/new")] {
        let form = ada.get(new).await;
        let made = send(&ada, &form, new, &[("name", payload), ("slug", "hostile")]).await;
        let path = made.leads_to();
        for page in [&path, &format!("{path}/delete"), &format!("/admin/acme/{part}")] {
            let page = ada.get(page).await;
            assert!(page.status == 200 && !page.body.contains("<img src=x"), "{part}: {}", page.body);
            assert!(
                page.body.contains("&#60;img src=x onerror=alert(1)&#62;&#34;&#39;"),
                "{part}: {}",
                page.body
            );
        }
    }
}

/// Each is compared with each box: more than a role may hold are not looked at.
#[tokio::test]
async fn a_role_of_thousands_of_permissions_is_refused_at_once_and_shown_without_them() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = ada.get("/admin/acme/roles/new").await;
    let many = (0..6000).map(|number| format!("a{number}:b")).collect::<Vec<_>>().join(" ");

    let refused = send(&ada, &form, "/admin/acme/roles/new", &[("name", "Huge"), ("more", &many)]).await;

    assert!(refused.status == 422 && refused.body.contains("At most 200"), "{}", refused.status);
    assert!(refused.body.len() < 500_000 && !refused.body.contains("a5999:b"), "{}", refused.body.len());
}
