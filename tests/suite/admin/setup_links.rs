//! Set-up links for somebody else: made, shown once, taken back.

use chrono::Duration;
use orgate_tests::app::{App, SAMPLES};

use super::{administrator, copied, csrf, send};

const LIST: &str = "/admin/acme/setup-links";
const NEW: &str = "/admin/acme/setup-links/new";

#[tokio::test]
async fn a_link_is_shown_once_opens_the_set_up_and_is_taken_back() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let empty = ada.get(LIST).await;
    let form = ada.get(NEW).await;
    let fields = [("purpose", "sso"), ("role", "viewer"), ("expires_in_hours", "24")];
    let made = send(&ada, &form, NEW, &fields).await;
    let url = copied(&made, "link").replace("&#38;", "&");
    let landing = app.browser().get(&url).await;
    let list = ada.get(LIST).await;
    let (_, id) = list.body.split_once("/setup-links/stl_").expect("a link");
    let revoke = format!("{LIST}/stl_{}/revoke", id.split('/').next().expect("an id"));
    let taken = send(&ada, &list, &revoke, &[]).await;
    let after = ada.follow(taken).await;
    let closed = app.browser().get(&url).await;

    assert!(empty.body.contains("There is no set-up link"), "{}", empty.body);
    for text in ["not shown again", "data-copy=\"link\"", "Identity providers"] {
        assert!(made.body.contains(text), "{text}: {}", made.body);
    }
    assert!(!made.body.contains("It can make administrators"), "{}", made.body);
    assert_eq!(landing.status, 200, "{}", landing.body);
    for text in [">Open<", "May give viewer", ">You ", "Take back"] {
        assert!(list.body.contains(text), "{text}: {}", list.body);
    }
    assert!(!list.body.contains("ogsl_"), "{}", list.body);
    assert!(
        after.body.contains("The link is taken back") && after.body.contains(">Taken back<"),
        "{}",
        after.body
    );
    assert_eq!(closed.status, 410);
    app.clock.advance(Duration::days(2));
    let events = app.events("acme").await;
    for action in ["setup_link.created success", "setup_link.revoked success"] {
        assert!(events.iter().any(|event| event == action), "{action}: {events:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_and_what_was_ticked_is_kept() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = ada.get(NEW).await;

    let for_nothing = send(&ada, &form, NEW, &[("role", "viewer"), ("expires_in_hours", "72")]).await;
    let for_ever = send(&ada, &form, NEW, &[("purpose", "sso"), ("expires_in_hours", "100000")]).await;
    let unknown = [("purpose", "sso"), ("role", "nothing"), ("expires_in_hours", "72")];
    let unknown = send(&ada, &form, NEW, &unknown).await;
    let strong = [("purpose", "sso"), ("role", "admin"), ("expires_in_hours", "72")];
    let strong = send(&ada, &form, NEW, &strong).await;

    for (page, field, why) in [
        (&for_nothing, "purposes", "Say what the link is for"),
        (&for_ever, "expires_in_hours", "A link lives for one hour to 30 days"),
        (&unknown, "roles", "The organization has no role nothing"),
    ] {
        assert_eq!(page.status, 422, "{}", page.body);
        assert!(page.body.matches(why).count() == 2, "{why}: {}", page.body);
        assert!(page.body.contains(&format!("<a href=\"#{field}\">")), "{field}: {}", page.body);
    }
    assert!(for_nothing.body.contains("value=\"viewer\" checked"), "{}", for_nothing.body);
    assert!(!for_nothing.body.contains("value=\"sso\" checked"), "{}", for_nothing.body);
    assert!(strong.status == 200 && strong.body.contains("It can make administrators"), "{}", strong.body);
}

/// By the page as by the API: nobody makes a link for what they may not do, or with a role that is not theirs to give.
#[tokio::test]
async fn a_link_gives_no_more_than_its_maker_has() {
    let app = App::start().await;
    let held = "permissions: [\"orgate:organization:read\", \"orgate:roles:read\", \"orgate:setup_links:manage\", \"orgate:domains:manage\"] }\n    users:";
    app.apply(&SAMPLES.replacen("permissions: [\"notes:read\"] }\n    users:", held, 1)).await;
    let vic = administrator(&app, "acme", "vic@acme.test").await;

    let form = vic.get(NEW).await;
    let beyond = send(&vic, &form, NEW, &[("purpose", "sso"), ("expires_in_hours", "72")]).await;
    let above = [("purpose", "domains"), ("role", "admin"), ("expires_in_hours", "72")];
    let above = send(&vic, &form, NEW, &above).await;
    let own = send(&vic, &form, NEW, &[("purpose", "domains"), ("expires_in_hours", "72")]).await;

    assert!(form.body.contains("value=\"domains\"") && !form.body.contains("value=\"sso\""), "{}", form.body);
    assert!(!form.body.contains("value=\"admin\""), "{}", form.body);
    assert_eq!((beyond.status.as_u16(), above.status.as_u16(), own.status.as_u16()), (403, 403, 200));
    assert!(above.body.contains("The role admin is not yours to give"), "{}", above.body);
    assert!(own.body.contains("href=\"/admin/acme\">Done"), "they may not see the list: {}", own.body);
}

#[tokio::test]
async fn a_link_of_another_organization_is_none() {
    let app = App::start().await;
    let gus = administrator(&app, "globex", "gus@globex.test").await;
    let new = "/admin/globex/setup-links/new";
    let form = gus.get(new).await;
    send(&gus, &form, new, &[("purpose", "sso"), ("expires_in_hours", "72")]).await;
    let list = gus.get("/admin/globex/setup-links").await;
    let (_, id) = list.body.split_once("/setup-links/stl_").expect("a link");
    let id = id.split('/').next().expect("an id");
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let token = csrf(&ada.get(NEW).await, NEW);

    for id in [id, "00000000000000000000000000"] {
        let page = ada.post(format!("{LIST}/stl_{id}/revoke"), &[("csrf", token.as_str())]).await;
        assert!(page.status == 404 && page.body.contains("There is no such page"), "{}", page.body);
    }
    assert!(gus.get("/admin/globex/setup-links").await.body.contains(">Open<"));
}
