//! Who may join without an invitation, as administrators say.

use orgate_tests::app::{App, Browser, Page, SAMPLES};

use super::{administrator, hidden, open_as, send, ticked};

const JOINING: &str = "/admin/acme/joining";

/// Saves the form as it was shown, but for what is chosen and ticked.
async fn save(browser: &Browser, page: &Page, (domains, others): (&str, &str), roles: &[&str]) -> Page {
    let mut fields = vec![("domains", domains.to_owned()), ("others", others.to_owned())];
    for field in ["base_domains", "base_others", "base_roles", "held_role"] {
        fields.extend(hidden(page, field).into_iter().map(|value| (field, value)));
    }
    fields.extend(roles.iter().map(|role| ("role", (*role).to_owned())));
    let fields: Vec<_> = fields.iter().map(|(field, value)| (*field, value.as_str())).collect();
    send(browser, page, JOINING, &fields).await
}

/// What is chosen of a field.
fn chosen(page: &Page, field: &str) -> String {
    let begins = format!("type=\"radio\" name=\"{field}\" value=\"");
    let found = page.body.split(&begins).skip(1).find(|rest| {
        let of_it = rest.split('>').next().unwrap_or_default();
        of_it.contains("checked")
    });
    found.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_administrator_says_who_may_join_and_with_which_roles() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let closed = ada.get(JOINING).await;
    let saved = save(&ada, &closed, ("automatic", "request"), &["viewer"]).await;
    let page = ada.follow(saved).await;

    assert_eq!(
        (chosen(&closed, "domains").as_str(), chosen(&closed, "others").as_str()),
        ("closed", "closed")
    );
    assert!(closed.body.contains("Verified: <bdi>acme.test</bdi>"), "{}", closed.body);
    assert!(closed.body.contains("href=\"/admin/acme/joining\" aria-current=\"page\""), "{}", closed.body);
    assert!(page.body.contains("It is saved, and counts from now on"), "{}", page.body);
    assert!(page.body.contains("Last saved by: You, <time"), "{}", page.body);
    assert_eq!(
        (chosen(&page, "domains").as_str(), chosen(&page, "others").as_str()),
        ("automatic", "request")
    );
    assert_eq!((ticked(&page, "role", "viewer"), ticked(&page, "role", "reader")), (Some(true), Some(false)));
    let events = app.events("acme").await;
    assert!(events.contains(&"joining.configured success".to_owned()), "{events:?}");
}

#[tokio::test]
async fn what_cannot_be_is_said_beside_its_field_and_what_was_chosen_is_kept() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let page = ada.get(JOINING).await;

    let anybody = save(&ada, &page, ("request", "automatic"), &["viewer"]).await;
    let unknown = save(&ada, &page, ("automatic", "request"), &["viewer", "nothing"]).await;
    let nonsense = save(&ada, &page, ("perhaps", "request"), &["viewer"]).await;

    for (refused, field, why) in [
        (&anybody, "others", "nobody's word is behind an address elsewhere"),
        (&unknown, "roles", "has no role nothing"),
        (&nonsense, "domains", "hoose one of these"),
    ] {
        assert_eq!(refused.status, 422, "{field}: {}", refused.body);
        assert!(refused.body.contains(&format!("<a href=\"#{field}\">")), "{field}: {}", refused.body);
        assert!(refused.body.contains(&format!("id=\"{field}-error\"")), "{field}: {}", refused.body);
        let said = refused.body.replace("&#39;", "'");
        assert_eq!(said.matches(why).count(), 2, "{field}: {}", refused.body);
        assert_eq!(ticked(refused, "role", "viewer"), Some(true), "{field}");
    }
    assert_eq!(chosen(&anybody, "domains"), "request");
    assert_eq!(chosen(&unknown, "others"), "request");
    assert_eq!(chosen(&ada.get(JOINING).await, "domains"), "closed");
}

#[tokio::test]
async fn a_form_that_is_stale_says_what_changed_and_can_be_saved_once_more() {
    let app = App::start().await;
    app.apply(&SAMPLES.replace("roles: [viewer] }", "roles: [admin] }")).await;
    let (ada, vic) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "acme", "vic@acme.test").await,
    );
    let (of_ada, of_vic) = (ada.get(JOINING).await, vic.get(JOINING).await);
    let first = save(&vic, &of_vic, ("request", "closed"), &["viewer"]).await;
    assert_eq!(first.status, 303, "{}", first.body);

    let stale = save(&ada, &of_ada, ("automatic", "request"), &[]).await;
    let mine = save(&ada, &stale, ("automatic", "request"), &[]).await;

    assert_eq!(stale.status, 409);
    for text in [
        "<bdi>Vic Viewer</bdi></a> saved it just now",
        "With an address of your domains, people join now: <bdi>On request</bdi>",
        "Roles put in: <bdi>viewer</bdi>",
        "Changed by somebody else",
        "Leave it as it is now",
    ] {
        assert!(stale.body.contains(text), "{text}: {}", stale.body);
    }
    assert_eq!(
        (chosen(&stale, "domains").as_str(), ticked(&stale, "role", "viewer")),
        ("automatic", Some(false))
    );
    let after = ada.follow(mine).await;
    assert_eq!(
        (chosen(&after, "domains").as_str(), ticked(&after, "role", "viewer")),
        ("automatic", Some(false))
    );
}

#[tokio::test]
async fn a_domain_that_came_later_is_named_until_it_is_saved_once_more() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let page = ada.get(JOINING).await;
    let saved = save(&ada, &page, ("automatic", "closed"), &[]).await;
    let before = ada.follow(saved).await;
    app.clock.advance(chrono::Duration::minutes(2));
    app.apply("organizations: [{ slug: acme, name: Acme Inc, domains: [acme.test, later.test] }]\n").await;

    let page = ada.get(JOINING).await;
    let saved = save(&ada, &page, ("automatic", "closed"), &[]).await;
    let after = ada.follow(saved).await;

    let told = "<b><bdi>later.test</bdi></b> came after this was last saved";
    assert!(!before.body.contains("came after") && page.body.contains(told), "{}", page.body);
    assert!(after.body.contains("later.test") && !after.body.contains("came after"), "{}", after.body);
}

#[tokio::test]
async fn who_may_only_read_sees_it_and_no_form_and_nobody_gives_what_is_not_theirs() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let page = ada.get(JOINING).await;
    save(&ada, &page, ("request", "closed"), &["admin"]).await;
    let nobody = open_as(&app.browser(), JOINING, "vic@acme.test").await;
    let lesser = "{ slug: lesser, permissions: [\"orgate:organization:read\", \"orgate:invitations:*\", \"orgate:roles:read\"] }";
    let viewer = "{ slug: viewer, permissions: [\"orgate:organization:read\", \"orgate:invitations:read\"] }";
    let roles = format!("{viewer}\n      - {lesser}");
    let seed = SAMPLES.replacen("{ slug: viewer, permissions: [\"notes:read\"] }", &roles, 1);
    let casey = "name: Casey, password: \"${PASSWORD}\", roles: ";
    app.apply(&seed.replacen(&format!("{casey}[viewer]"), &format!("{casey}[lesser]"), 1)).await;
    let vic = administrator(&app, "acme", "vic@acme.test").await;
    let casey = administrator(&app, "acme", "casey@consult.test").await;

    let read = vic.get(JOINING).await;
    let lesser = casey.get(JOINING).await;
    let automatic = save(&casey, &lesser, ("automatic", "closed"), &["admin"]).await;
    let without = save(&casey, &lesser, ("automatic", "closed"), &[]).await;

    assert!(nobody.status == 403 && nobody.body.contains("orgate:invitations:read"), "{}", nobody.body);
    assert!(read.body.contains("<b>On request</b>") && read.body.contains("<dd>admin</dd>"), "{}", read.body);
    assert!(!read.body.contains("action=\"/admin/acme/joining\""), "{}", read.body);
    assert!(read.body.contains("takes the permission orgate:invitations:manage"), "{}", read.body);
    assert_eq!((ticked(&lesser, "role", "admin"), ticked(&lesser, "role", "viewer")), (Some(true), None));
    assert!(lesser.body.contains("Yours to take away, and not to give"), "{}", lesser.body);
    assert_eq!(automatic.status, 403, "{}", automatic.body);
    assert!(automatic.body.contains("<a href=\"#roles\">"), "{}", automatic.body);
    assert_eq!(without.status, 303, "{}", without.body);
}
