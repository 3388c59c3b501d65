//! Organizations above: which may act here, and what they may do.

use orgate_tests::app::{App, Browser, Page};

use super::{administrator, csrf, open_as, send, ticked};

const LIST: &str = "/admin/east/delegations";

/// Above East: Acme, and Globex beside that. East's Eve may everything, and Rita reads.
async fn tree(app: &App) {
    app.apply(
        "organizations:
  - slug: east
    name: East
    parent: acme
    roles: [{ slug: lesser, permissions: [\"orgate:organization:read\", \"orgate:delegations:*\"] }, { slug: looker, permissions: [\"orgate:delegations:read\"] }]
    users:
      - { email: eve@east.test, name: Eve East, password: \"${PASSWORD}\", roles: [owner] }
      - { email: len@east.test, name: Len Less, password: \"${PASSWORD}\", roles: [lesser] }
      - { email: rita@east.test, name: Rita Read, password: \"${PASSWORD}\", roles: [looker] }
      - { email: oda@east.test, name: Oda Other, password: \"${PASSWORD}\", roles: [owner] }
      - { email: nil@east.test, name: Nil None, password: \"${PASSWORD}\", roles: [] }\n",
    )
    .await;
}

/// The page of Acme, as of one above East.
async fn of_acme(app: &App) -> String {
    format!("{LIST}/{}", app.org("acme").await.org_id())
}

/// Saves the form as it was shown, but for what is ticked.
async fn save(browser: &Browser, page: &Page, path: &str, ticks: &[&str]) -> Page {
    let (_, rest) = page.body.split_once("name=\"base\" value=\"").unwrap_or_else(|| panic!("{}", page.body));
    let base = rest.split('"').next().unwrap_or_default().to_owned();
    let ticks = ticks.iter().map(|tick| ("permission", *tick));
    let fields: Vec<_> = [("base", base.as_str())].into_iter().chain(ticks).collect();
    send(browser, page, path, &fields).await
}

#[tokio::test]
async fn one_above_is_let_in_changed_and_let_in_no_more() {
    let app = App::start().await;
    tree(&app).await;
    let (path, eve) = (of_acme(&app).await, administrator(&app, "east", "eve@east.test").await);
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let east = app.org("east").await.org_id().to_string();
    let below = format!("/admin/acme/organizations/{east}/users");
    let end = format!("{path}/end");

    let (list, form, before) = (eve.get(LIST).await, eve.get(&path).await, ada.get(&below).await);
    let none_to_end = eve.get(&end).await;
    let saved = save(&eve, &form, &path, &["orgate:users:read", "orgate:roles:read"]).await;
    let page = eve.follow(saved).await;
    let let_in = ada.get(&below).await;
    let changed = save(&eve, &page, &path, &["orgate:roles:read"]).await;
    let (changed, list_after) = (eve.follow(changed).await, eve.get(LIST).await);
    let confirm = eve.get(&end).await;
    let wrong = send(&eve, &confirm, &end, &[("word", "east")]).await;
    let ended = send(&eve, &confirm, &end, &[("word", "acme")]).await;
    let gone = eve.follow(ended).await;

    assert!(list.body.contains("Acme Inc") && list.body.contains("Not let in"), "{}", list.body);
    assert!(!list.body.contains("Globex"), "what is beside is not above: {}", list.body);
    assert_eq!((before.status.as_u16(), none_to_end.status.as_u16()), (404, 404));
    assert!(form.body.contains("It can do nothing here yet") && form.body.contains("Let it in</button>"));
    assert!(!form.body.contains("In your applications") && !form.body.contains("orgate:suborganizations"));
    assert!(page.body.contains("It is saved"), "{}", page.body);
    assert_eq!(
        (
            ticked(&page, "permission", "orgate:users:read"),
            ticked(&page, "permission", "orgate:users:manage")
        ),
        (Some(true), Some(false))
    );
    assert_eq!(let_in.status, 200, "{}", let_in.body);
    assert_eq!(
        (
            ticked(&changed, "permission", "orgate:users:read"),
            ticked(&changed, "permission", "orgate:roles:read")
        ),
        (Some(false), Some(true))
    );
    assert!(list_after.body.contains("Sees roles"), "{}", list_after.body);
    assert!(wrong.status == 422 && wrong.body.contains("id=\"word-error\""), "{}", wrong.body);
    assert!(gone.body.contains("Its access has ended") && gone.body.contains("Not let in"), "{}", gone.body);
    assert_eq!(ada.get(&below).await.status, 404);
    let events = app.events("east").await;
    let told = events.iter().filter(|event| *event == "delegation.configured success").count();
    assert_eq!(told, 3, "{events:?}");
}

#[tokio::test]
async fn what_cannot_be_let_is_said_and_what_was_ticked_is_kept() {
    let app = App::start().await;
    tree(&app).await;
    let (path, eve) = (of_acme(&app).await, administrator(&app, "east", "eve@east.test").await);
    let form = eve.get(&path).await;

    let nothing = save(&eve, &form, &path, &[]).await;
    let further = save(&eve, &form, &path, &["orgate:users:read", "orgate:suborganizations:act"]).await;
    let foreign = save(&eve, &form, &path, &["notes:read", "orgate:users:read"]).await;

    assert_eq!(nothing.status, 422);
    assert_eq!(
        nothing.body.matches("1 to 100 permissions; to let it do nothing, end its access.").count(),
        2
    );
    assert!(nothing.body.contains("<a href=\"#permissions\">"), "{}", nothing.body);
    for refused in [&further, &foreign] {
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(refused.body.contains("Nothing was saved"), "{}", refused.body);
        assert_eq!(ticked(refused, "permission", "orgate:users:read"), Some(true), "{}", refused.body);
    }
    assert!(eve.get(LIST).await.body.contains("Not let in"));
}

#[tokio::test]
async fn what_one_does_not_hold_is_closed_and_locks_what_others_let() {
    let app = App::start().await;
    tree(&app).await;
    let (path, eve) = (of_acme(&app).await, administrator(&app, "east", "eve@east.test").await);
    let len = administrator(&app, "east", "len@east.test").await;

    let mine = len.get(&path).await;
    let above = save(&len, &mine, &path, &["orgate:users:read"]).await;
    let form = eve.get(&path).await;
    save(&eve, &form, &path, &["orgate:users:read"]).await;
    let locked = len.get(&path).await;
    let confirm = len.get(format!("{path}/end")).await;
    let ended = send(&len, &confirm, &format!("{path}/end"), &[("word", "acme")]).await;

    let boxes = (
        ticked(&mine, "permission", "orgate:users:read"),
        ticked(&mine, "permission", "orgate:delegations:read"),
    );
    assert_eq!(boxes, (None, Some(false)));
    assert_eq!(above.status, 403);
    assert!(
        above.body.contains("<a href=\"#wrong-permission\">You do not hold orgate:users:read"),
        "{}",
        above.body
    );
    assert!(
        locked.body.contains("<code>orgate:users:read</code>, which you do not hold yourself"),
        "{}",
        locked.body
    );
    assert!(
        !locked.body.contains("name=\"permission\"") && !locked.body.contains("/end\""),
        "{}",
        locked.body
    );
    assert!(ended.status == 403 && ended.body.contains("which you do not hold"), "{}", ended.body);
    assert!(eve.get(LIST).await.body.contains("Sees users"));
}

#[tokio::test]
async fn a_form_that_is_stale_says_what_changed_and_can_be_saved_once_more() {
    let app = App::start().await;
    tree(&app).await;
    let (path, eve) = (of_acme(&app).await, administrator(&app, "east", "eve@east.test").await);
    let oda = administrator(&app, "east", "oda@east.test").await;
    let (of_eve, of_oda) = (eve.get(&path).await, oda.get(&path).await);
    save(&oda, &of_oda, &path, &["orgate:users:*"]).await;

    let stale = save(&eve, &of_eve, &path, &["orgate:roles:read"]).await;
    let mine = save(&eve, &stale, &path, &["orgate:roles:read"]).await;

    assert_eq!(stale.status, 409, "{}", stale.body);
    for text in [
        "<bdi>Oda Other</bdi></a> saved it just now",
        "It may now: <bdi>orgate:users:*</bdi>",
        "Leave it as it is now",
    ] {
        assert!(stale.body.contains(text), "{text}: {}", stale.body);
    }
    assert_eq!(
        (ticked(&stale, "permission", "orgate:users:*"), ticked(&stale, "permission", "orgate:roles:read")),
        (Some(false), Some(true))
    );
    let after = eve.follow(mine).await;
    assert_eq!(
        (ticked(&after, "permission", "orgate:users:*"), ticked(&after, "permission", "orgate:roles:read")),
        (Some(false), Some(true))
    );
}

#[tokio::test]
async fn who_may_only_read_sees_it_and_nobody_sees_what_is_not_above() {
    let app = App::start().await;
    tree(&app).await;
    let (path, eve) = (of_acme(&app).await, administrator(&app, "east", "eve@east.test").await);
    let form = eve.get(&path).await;
    save(&eve, &form, &path, &["orgate:users:read"]).await;
    let rita = open_as(&app.browser(), LIST, "rita@east.test").await;
    let nil = open_as(&app.browser(), LIST, "nil@east.test").await;
    let browser = app.browser();
    let read = open_as(&browser, &path, "rita@east.test").await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let token = csrf(&form, &path);

    let globex = format!("{LIST}/{}", app.org("globex").await.org_id());
    let nowhere = super::nowhere("/admin/east/delegations/{other}");
    let none_above = ada.get("/admin/acme/delegations").await;

    assert!(rita.body.contains("Sees users") && !rita.body.contains("/end\""), "{}", rita.body);
    assert!(read.body.contains("<h1><bdi>Acme Inc</bdi></h1>") && !read.body.contains("name=\"permission\""));
    assert!(nil.status == 403 && nil.body.contains("orgate:delegations:read"), "{}", nil.body);
    for at in [&globex, &nowhere] {
        for below in ["", "/end"] {
            assert_eq!(eve.get(format!("{at}{below}")).await.status, 404, "{at}{below}");
            let fields = [("csrf", token.as_str()), ("word", "globex"), ("permission", "orgate:users:read")];
            assert_eq!(eve.post(format!("{at}{below}"), &fields).await.status, 404, "{at}{below}");
        }
    }
    assert!(none_above.body.contains("No organization is above yours"), "{}", none_above.body);
}
