//! What is shown once: a form that comes again makes nothing twice.

use orgate_tests::app::{App, Browser, Page};

use super::{administrator, copied, send};

/// Sends a form as it was shown, with what is asked for.
async fn ask(browser: &Browser, form: &Page, path: &str, fields: &[(&str, &str)]) -> Page {
    let once = form.field("once");
    send(browser, form, path, &[&[("once", once.as_str())], fields].concat()).await
}

/// What a page shows once.
fn shown(page: &Page) -> String {
    let id = ["key", "link"].into_iter().find(|id| page.body.contains(&format!("<code id=\"{id}\">")));
    copied(page, id.unwrap_or("secret"))
}

/// The first address on a page that begins so.
fn first(page: &Page, begins: &str) -> String {
    let (_, rest) = page
        .body
        .split_once(&format!("href=\"{begins}"))
        .unwrap_or_else(|| panic!("{begins}: {}", page.body));
    format!("{begins}{}", rest.split('"').next().unwrap_or_default())
}

#[tokio::test]
async fn an_answer_that_is_reloaded_makes_nothing_twice_and_shows_no_secret_again() {
    let app = App::start_without_jobs(|settings| settings.outgoing.allow_private_addresses = true).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let client = [
        ("type", "web"),
        ("name", "Wiki"),
        ("party", "first"),
        ("authentication", "client_secret"),
        ("redirect_uris", "https://wiki.test/callback"),
    ];
    let forms: [(&str, &[(&str, &str)]); 4] = [
        (
            "/admin/acme/api-keys/new",
            &[("name", "Hiring"), ("permission", "orgate:users:read"), ("expires_in_days", "30")],
        ),
        ("/admin/acme/setup-links/new", &[("purpose", "sso"), ("expires_in_hours", "24")]),
        ("/admin/acme/clients/new", &client),
        ("/admin/acme/webhooks/new", &[("url", "http://localhost:9/hook"), ("which", "all")]),
    ];
    for (path, fields) in forms {
        let form = ada.get(path).await;
        let made = ask(&ada, &form, path, fields).await;
        let events = app.events("acme").await;

        let again = ask(&ada, &form, path, fields).await;
        let told = ada.follow(again).await;

        assert!(!shown(&made).is_empty(), "{path}");
        assert!(told.body.contains("That was done already"), "{path}: {}", told.body);
        assert!(!told.body.contains(&shown(&made)), "{path}");
        assert_eq!(app.events("acme").await, events, "{path}");
    }
    let another = ada.get("/admin/acme/api-keys/new").await;
    ask(&ada, &another, "/admin/acme/api-keys/new", forms[0].1).await;
    assert_eq!(
        ada.get("/admin/acme/api-keys").await.body.matches("<b><bdi>Hiring</bdi></b>").count(),
        2,
        "by a form of its own"
    );
}

#[tokio::test]
async fn a_secret_that_replaced_another_is_not_replaced_by_whoever_reloads_its_page() {
    let app = App::start_without_jobs(|settings| settings.outgoing.allow_private_addresses = true).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let client = [("type", "machine"), ("name", "Robot"), ("authentication", "client_secret")];
    let hook = [("url", "http://localhost:9/hook"), ("which", "all")];
    for (path, fields) in [("/admin/acme/clients/new", &client[..]), ("/admin/acme/webhooks/new", &hook)] {
        send(&ada, &ada.get(path).await, path, fields).await;
    }
    let robot = first(&ada.get("/admin/acme/clients").await, "/admin/acme/clients/cli_");
    let hook = first(&ada.get("/admin/acme/webhooks").await, "/admin/acme/webhooks/whk_");
    let (another, rotate) = (format!("{robot}/secret"), format!("{hook}/rotate-secret"));

    for (shown_at, path, field) in
        [(&another, &another, ("overlap_secs", "0")), (&hook, &rotate, ("overlap_hours", "0"))]
    {
        let form = ada.get(shown_at).await;
        let replaced = ask(&ada, &form, path, &[field]).await;
        let events = app.events("acme").await;

        let again = ask(&ada, &form, path, &[field]).await;
        let told = ada.follow(again).await;

        assert!(!shown(&replaced).is_empty(), "{path}");
        assert!(told.body.contains("That was done already"), "{path}: {}", told.body);
        assert_eq!(app.events("acme").await, events, "{path}");
    }
}
