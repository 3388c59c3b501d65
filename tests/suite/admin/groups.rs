//! Groups: listed, made, changed, deleted; and who is in them.

use orgate_tests::app::{App, Browser, Page, SAMPLES};

use super::{administrator, csrf, hidden, send, ticked};

const NEW: &str = "/admin/acme/groups/new";

/// Makes a group: its page, and the address of that.
async fn make(browser: &Browser, name: &str, more: &[(&str, &str)]) -> (String, Page) {
    let form = browser.get(NEW).await;
    let made = send(browser, &form, NEW, &[&[("name", name)], more].concat()).await;
    assert_eq!(made.status, 303, "{}", made.body);
    let path = made.leads_to();
    let page = browser.follow(made).await;
    (path, page)
}

/// Sends the form of a group's page as it was shown, but for its name and what is ticked.
async fn save(browser: &Browser, page: &Page, (action, name): (&str, &str), ticks: &[(&str, &str)]) -> Page {
    let mut fields = vec![("name".to_owned(), name.to_owned())];
    for field in ["base_name", "base_roles", "base_parents", "held_role", "held_parent"] {
        fields.extend(hidden(page, field).into_iter().map(|value| (field.to_owned(), value)));
    }
    let shown = fields.iter().map(|(field, value)| (field.as_str(), value.as_str()));
    send(browser, page, action, &shown.chain(ticks.iter().copied()).collect::<Vec<_>>()).await
}

#[tokio::test]
async fn a_group_is_made_inside_of_another_and_changed() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let empty = ada.get("/admin/acme/groups").await;
    let (staff, _) = make(&ada, "Staff", &[("role", "viewer")]).await;
    let (team, page) = make(&ada, "Support team", &[("slug", "support"), ("parent", "staff")]).await;
    let list = ada.get("/admin/acme/groups").await;
    let saved = save(&ada, &page, (&team, "Support"), &[("role", "reader"), ("parent", "staff")]).await;
    let after = ada.follow(saved).await;
    let above = ada.get(&staff).await;

    assert!(empty.body.contains("There are no groups yet"), "{}", empty.body);
    assert!(page.body.contains("The group is made") && page.body.contains("they also have: viewer"));
    for text in ["<bdi>Support team</bdi>", ">support</span>", "data-label=\"Inside of\">staff<"] {
        assert!(list.body.contains(text), "{text}: {}", list.body);
    }
    assert!(after.body.contains("The group is saved") && after.body.contains("<h1><bdi>Support</bdi></h1>"));
    let is_ticked = (ticked(&after, "role", "reader"), ticked(&after, "parent", "staff"));
    assert_eq!(is_ticked, (Some(true), Some(true)));
    assert!(above.body.contains("Groups inside of it") && above.body.contains(&format!("href=\"{team}\"")));
    let circle = save(&ada, &above, (&staff, "Staff"), &[("role", "viewer"), ("parent", "support")]).await;
    assert_eq!(circle.status, 422);
    assert!(circle.body.contains("<a href=\"#parents\">The group, or one in it,"), "{}", circle.body);
    assert_eq!(ticked(&circle, "parent", "support"), Some(true), "what was ticked stays");
}

#[tokio::test]
async fn somebody_is_put_into_a_group_by_their_address_and_taken_out() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (path, page) = make(&ada, "Staff", &[("role", "viewer")]).await;
    let members = format!("{path}/members");

    let nobody = send(&ada, &page, &members, &[("email", "nobody@acme.test")]).await;
    let wrong = send(&ada, &page, &members, &[("email", "vic")]).await;
    let added = send(&ada, &page, &members, &[("email", "VIC@acme.test")]).await;
    let with_vic = ada.follow(added).await;
    let (_, rest) = with_vic.body.split_once("name=\"user\" value=\"").expect("a member");
    let user = rest.split('"').next().expect("an id").to_owned();
    let of_vic = ada.get(format!("/admin/acme/users/{user}/groups")).await;
    let removed = send(&ada, &with_vic, &format!("{members}/remove"), &[("user", &user)]).await;
    let without = ada.follow(removed).await;
    let of_nobody = ada.get(format!("/admin/acme/users/{user}/groups")).await;

    assert_eq!((nobody.status.as_u16(), wrong.status.as_u16()), (422, 422));
    assert_eq!(
        nobody.body.matches("No user of the organization has this address.").count(),
        2,
        "{}",
        nobody.body
    );
    assert!(nobody.body.contains("value=\"nobody@acme.test\"") && nobody.body.contains("Invite them"));
    assert!(wrong.body.contains("like name@example.com"), "{}", wrong.body);
    assert!(with_vic.body.contains("They are in the group") && with_vic.body.contains("Vic Viewer"));
    assert!(with_vic.body.contains(&format!("href=\"/admin/acme/users/{user}\"")), "{}", with_vic.body);
    assert!(without.body.contains("They are out of the group") && !without.body.contains("Vic Viewer"));
    assert!(of_vic.body.contains(&format!("href=\"{path}\"")) && of_vic.body.contains("\"Roles\">viewer<"));
    assert!(of_nobody.body.contains("They were put into no group"), "{}", of_nobody.body);
    let events = app.events("acme").await;
    assert!(events.iter().any(|event| event == "group.configured success"), "{events:?}");
}

#[tokio::test]
async fn members_are_shown_page_by_page() {
    let app = App::start().await;
    let user =
        |n| format!("      - {{ email: user{n}@acme.test, name: User {n}, roles: [], groups: [staff] }}\n");
    let more = (0..52).map(user).collect::<Vec<_>>().concat();
    let groups = "    groups: [{ slug: staff, name: Staff }]\n";
    let seed = SAMPLES.replacen("  - slug: globex", &format!("{more}  - slug: globex"), 1);
    app.apply(&seed.replacen("    users:\n", &format!("{groups}    users:\n"), 1)).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let list = ada.get("/admin/acme/groups").await;
    let (_, rest) = list.body.split_once("href=\"/admin/acme/groups/grp_").expect("a group");
    let path = format!("/admin/acme/groups/grp_{}", rest.split('"').next().expect("an id"));

    let first = ada.get(&path).await;
    let (_, rest) = first.body.split_once("?after=").expect("another page");
    let after = rest.split('#').next().expect("a user").trim_end_matches('&');
    let second = ada.get(format!("{path}?after={after}")).await;

    let rows = |page: &Page| page.body.matches("name=\"user\" value=").count();
    assert_eq!((rows(&first), rows(&second)), (50, 2));
    assert!(second.body.contains("First page"), "{}", second.body);
    assert!(first.body.len() <= 100_000, "{}", first.body.len());
}

#[tokio::test]
async fn a_role_that_is_not_ones_own_to_give_is_closed_and_locks_a_group_that_gives_it() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (bosses, _) = make(&ada, "Bosses", &[("role", "admin")]).await;
    let (team, _) = make(&ada, "Team", &[]).await;
    let holds =
        "\"orgate:organization:read\", \"orgate:groups:*\", \"orgate:roles:read\", \"orgate:users:read\"";
    app.apply(&SAMPLES.replacen("[\"notes:read\"]", &format!("[{holds}]"), 1)).await;
    let vic = administrator(&app, "acme", "vic@acme.test").await;

    let (locked, page) = (vic.get(&bosses).await, vic.get(&team).await);
    let refused = save(&vic, &page, (&team, "Crew"), &[("role", "admin"), ("role", "viewer")]).await;
    let token = csrf(&page, &team);
    let add = [("csrf", token.as_str()), ("email", "vic@acme.test")];
    let added = vic.post(format!("{bosses}/members"), &add).await;

    assert!(locked.body.contains("which is not yours to give") && !locked.body.contains("name=\"role\""));
    assert!(!locked.body.contains("/delete\"") && !locked.body.contains("name=\"email\""), "{}", locked.body);
    assert_eq!((ticked(&page, "role", "admin"), ticked(&page, "role", "viewer")), (None, Some(false)));
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(refused.body.contains("has the role admin, which is not yours to give"), "{}", refused.body);
    assert!(refused.body.contains("value=\"Crew\"") && ticked(&refused, "role", "viewer") == Some(true));
    assert_eq!(added.status, 403, "{}", added.body);
    assert!(added.body.contains("which is not yours to give"), "{}", added.body);
}

#[tokio::test]
async fn who_may_only_read_sees_a_group_and_no_form() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (path, page) = make(&ada, "Staff", &[("role", "viewer")]).await;
    send(&ada, &page, &format!("{path}/members"), &[("email", "casey@consult.test")]).await;
    let holds = "\"orgate:organization:read\", \"orgate:groups:read\"";
    app.apply(&SAMPLES.replacen("[\"notes:read\"]", &format!("[{holds}]"), 1)).await;
    let vic = administrator(&app, "acme", "vic@acme.test").await;

    let (list, page) = (vic.get("/admin/acme/groups").await, vic.get(&path).await);

    assert!(!list.body.contains("/groups/new"), "{}", list.body);
    assert!(page.body.contains("<dd>viewer</dd>") && page.body.contains("Casey"), "{}", page.body);
    assert!(!page.body.contains("Take out") && !page.body.contains("/users/"), "{}", page.body);
    assert!(!page.body.contains(&format!("action=\"{path}")), "{}", page.body);
}

#[tokio::test]
async fn a_form_that_is_stale_says_what_changed_and_can_be_saved_once_more() {
    let app = App::start().await;
    app.apply(&SAMPLES.replace("roles: [viewer] }", "roles: [admin] }")).await;
    let (ada, vic) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "acme", "vic@acme.test").await,
    );
    let (path, of_ada) = make(&ada, "Staff", &[("role", "viewer")]).await;
    let of_vic = vic.get(&path).await;
    let first = save(&vic, &of_vic, (&path, "Everybody"), &[("role", "reader")]).await;
    assert_eq!(first.status, 303, "{}", first.body);

    let ticks = [("role", "viewer"), ("role", "auditor")];
    let stale = save(&ada, &of_ada, (&path, "Staff"), &ticks).await;
    let mine = save(&ada, &stale, (&path, "Staff"), &ticks).await;

    assert_eq!(stale.status, 409);
    for text in [
        "<bdi>Vic Viewer</bdi></a> saved it just now",
        "It is called now: <bdi>Everybody</bdi>",
        "Roles it gives now: <bdi>reader</bdi>",
        "Roles it gives no more: <bdi>viewer</bdi>",
        "Leave it as it is now",
    ] {
        assert!(stale.body.contains(text), "{text}: {}", stale.body);
    }
    assert_eq!(
        (ticked(&stale, "role", "viewer"), ticked(&stale, "role", "reader")),
        (Some(true), Some(false))
    );
    let after = ada.follow(mine).await;
    let roles = ["viewer", "auditor", "reader"].map(|slug| ticked(&after, "role", slug));
    assert_eq!(roles, [Some(true), Some(true), Some(false)]);
}

#[tokio::test]
async fn a_group_is_deleted_once_its_short_name_was_typed_and_nobody_is_in_it() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (path, page) = make(&ada, "Staff", &[("role", "viewer")]).await;
    let delete = format!("{path}/delete");
    send(&ada, &page, &format!("{path}/members"), &[("email", "vic@acme.test")]).await;

    let confirm = ada.get(&delete).await;
    let wrong = send(&ada, &confirm, &delete, &[("word", "viewer")]).await;
    let in_use = send(&ada, &confirm, &delete, &[("word", "staff")]).await;
    let page = ada.get(&path).await;
    let (_, rest) = page.body.split_once("name=\"user\" value=\"").expect("a member");
    let user = rest.split('"').next().expect("an id");
    send(&ada, &page, &format!("{path}/members/remove"), &[("user", user)]).await;
    let done = send(&ada, &confirm, &delete, &[("word", "staff")]).await;

    assert_eq!((wrong.status.as_u16(), in_use.status.as_u16()), (422, 409));
    assert!(in_use.body.contains("Somebody is in it"), "{}", in_use.body);
    assert!(ada.follow(done).await.body.contains("The group is gone"));
    assert_eq!(ada.get(&path).await.status, 404);
}

#[tokio::test]
async fn there_is_no_page_of_a_group_of_another_organization_and_no_form_of_anothers() {
    let app = App::start().await;
    let (ada, gus) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "globex", "gus@globex.test").await,
    );
    let new = "/admin/globex/groups/new";
    let form = gus.get(new).await;
    let made = send(&gus, &form, new, &[("name", "Staff")]).await;
    let path = made.leads_to().replace("globex", "acme");
    let (own, page) = make(&ada, "Own", &[]).await;
    let (token, theirs) = (csrf(&page, &own), csrf(&form, new));

    for below in ["", "/delete", "/members", "/members/remove"] {
        if matches!(below, "" | "/delete") {
            assert_eq!(ada.get(format!("{path}{below}")).await.status, 404, "{below}");
        }
        let fields = [
            ("csrf", token.as_str()),
            ("name", "Mine"),
            ("word", "staff"),
            ("email", "vic@acme.test"),
            ("user", "usr_00000000000000000000000000"),
        ];
        assert_eq!(ada.post(format!("{path}{below}"), &fields).await.status, 404, "{below}");
        for token in ["", theirs.as_str()] {
            let page = ada.post(format!("{own}{below}"), &[("csrf", token), ("name", "Mine")]).await;
            assert!(page.status == 403 && page.body.contains("grown old"), "{below}: {}", page.body);
        }
    }
    let of_gus = gus.get(made.leads_to()).await;
    assert!(of_gus.body.contains("<h1><bdi>Staff</bdi></h1>"), "{}", of_gus.body);
}
