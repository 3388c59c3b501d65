//! The look: seen before it is saved, kept where it is refused or somebody was first.

use orgate_tests::app::{App, Browser, Page, SAMPLES, authorization_url};

use super::{administrator, csrf, send};

const LOOK: &str = "/admin/acme/look";
const FIELDS: [&str; 5] = ["name", "logo_url", "primary_color", "locale", "contact_email"];

/// What stands in a field, visible or not.
fn value(body: &str, name: &str) -> String {
    let (_, rest) = body.split_once(&format!("name=\"{name}\"")).unwrap_or_else(|| panic!("{name}: {body}"));
    let (tag, rest) = rest.split_once('>').expect("the end of a tag");
    if name == "locale" {
        let (options, _) = rest.split_once("</select>").expect("the end of a choice");
        let chosen = options.split("<option value=\"").find(|option| option.contains("\" selected>"));
        return chosen.and_then(|option| option.split('"').next()).unwrap_or_default().to_owned();
    }
    let (_, value) = tag.split_once("value=\"").unwrap_or_else(|| panic!("{name}: {tag}"));
    value.split('"').next().unwrap_or_default().to_owned()
}

/// Sends the form as it was shown, but for these fields.
async fn save(browser: &Browser, page: &Page, changes: &[(&str, &str)]) -> Page {
    let seen = FIELDS.map(|name| (format!("seen.{name}"), value(&page.body, &format!("seen.{name}"))));
    let shown = FIELDS.map(|name| (name.to_owned(), value(&page.body, name)));
    let mut fields: Vec<(String, String)> = seen.into_iter().chain(shown).collect();
    for (name, text) in [&[("action", "save")], changes].concat() {
        fields.retain(|(known, _)| known != name);
        fields.push((name.to_owned(), text.to_owned()));
    }
    let fields: Vec<_> = fields.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    send(browser, page, LOOK, &fields).await
}

#[tokio::test]
async fn what_is_saved_is_what_the_sign_in_page_shows() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let form = ada.get(LOOK).await;
    let changes = [
        ("name", "Acme Ltd"),
        ("logo_url", "https://acme.test/logo.svg"),
        ("primary_color", "FFD400"),
        ("locale", "fr"),
        ("contact_email", "it@acme.test"),
    ];
    let saved = save(&ada, &form, &changes).await;

    let page = ada.follow(saved).await;
    assert!(page.body.contains("The look is saved"), "{}", page.body);
    assert_eq!(value(&page.body, "contact_email"), "it@acme.test");
    let stranger = app.browser();
    let sign_in = stranger.get(authorization_url(&app.base, &[("organization", "acme")]).as_str()).await;
    let sign_in = stranger.follow(sign_in).await;
    for text in [
        "<html lang=\"fr\"",
        "Se connecter à <bdi>Acme Ltd</bdi>",
        "src=\"https://acme.test/logo.svg\"",
        "/assets/brand/ffd400.css",
    ] {
        assert!(sign_in.body.contains(text), "{text}: {}", sign_in.body);
    }
    assert!(!sign_in.body.contains("it@acme.test"), "{}", sign_in.body);
    let cleared =
        save(&ada, &page, &[("logo_url", ""), ("primary_color", ""), ("locale", ""), ("contact_email", "")])
            .await;
    let page = ada.follow(cleared).await;
    let emptied =
        ["logo_url", "primary_color", "locale", "contact_email"].map(|name| value(&page.body, name));
    assert_eq!(emptied.concat(), "", "{}", page.body);
    assert!(page.body.contains("Orgate’s blue"), "{}", page.body);
}

#[tokio::test]
async fn a_preview_shows_what_would_be_and_what_can_be_read_and_saves_nothing() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = ada.get(LOOK).await;

    let changes =
        [("name", "<b>Pale</b>"), ("primary_color", "#ffd400"), ("locale", "de"), ("action", "preview")];
    let preview = save(&ada, &form, &changes).await;
    let unsaid = save(&ada, &form, &[("name", "Unsaid"), ("action", "")]).await;
    let style = ada.get("/assets/brand/ffd400.sample.css").await;

    assert_eq!(preview.status, 200);
    assert_eq!(unsaid.status, 200, "only who says so saves: {}", unsaid.body);
    for text in [
        "/assets/brand/ffd400.sample.css",
        "Bei <bdi>&#60;b&#62;Pale&#60;/b&#62;</bdi> anmelden",
        "WCAG 2.2 asks for at least 4.5:1",
        "too pale for links on light pages (1.4:1)",
        "black on #ffd400",
    ] {
        assert!(preview.body.contains(text), "{text}: {}", preview.body);
    }
    assert_eq!(value(&preview.body, "primary_color"), "#ffd400", "what was typed is kept");
    let policy = preview.headers["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("connect-src 'self'"), "a script may ask for it too: {policy}");
    assert!(style.body.starts_with(".branded{--brand:#ffd400;"), "of a part alone: {}", style.body);
    let page = ada.get(LOOK).await;
    assert_eq!(
        (value(&page.body, "name"), value(&page.body, "primary_color")),
        ("Acme Inc".into(), "#0b5fff".into())
    );
    for nothing in ["/assets/brand/red.sample.css", "/assets/brand/sample.css", "/assets/brand/ffd400.sample"]
    {
        assert_eq!(ada.get(nothing).await.status, 404, "{nothing}");
    }
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_beside_its_field_and_above_and_what_was_typed_is_kept() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = ada.get(LOOK).await;
    let wrong = [
        ("name", "A\u{202e}"),
        ("logo_url", "http://acme.test/logo.svg"),
        ("primary_color", "reddish"),
        ("contact_email", "nobody"),
    ];

    let refused = save(&ada, &form, &wrong).await;
    let foreign = ada.post(LOOK, &[("csrf", &csrf(&form, "/admin/acme/sign-out")), ("name", "Evil")]).await;

    assert_eq!(refused.status, 422);
    for (field, text) in wrong {
        assert!(refused.body.contains(&format!("<a href=\"#{field}\">")), "{field}: {}", refused.body);
        assert!(refused.body.contains(&format!("id=\"{field}-error\"")), "{field}: {}", refused.body);
        assert_eq!(value(&refused.body, field), text, "{field}");
    }
    assert!(refused.body.contains("like #0b5fff") && refused.body.contains("like name@example.com"));
    assert!(foreign.status == 403 && foreign.body.contains("grown old"), "{}", foreign.body);
    assert_eq!(value(&ada.get(LOOK).await.body, "name"), "Acme Inc");
}

#[tokio::test]
async fn who_is_second_is_told_who_was_first_and_has_what_both_changed() {
    let app = App::start().await;
    app.apply(&SAMPLES.replace("roles: [viewer] }", "roles: [admin] }")).await;
    let (ada, vic) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "acme", "vic@acme.test").await,
    );
    let (first, second) = (ada.get(LOOK).await, vic.get(LOOK).await);
    save(&ada, &first, &[("name", "Acme Ltd"), ("primary_color", "#ff0000")]).await;

    let late = save(&vic, &second, &[("name", "Acme GmbH"), ("contact_email", "it@acme.test")]).await;
    let again = save(&vic, &late, &[]).await;

    assert_eq!(late.status, 409);
    for text in [
        "<bdi>Ada Adler</bdi></a> changed it",
        "Now <b><bdi>Acme Ltd</bdi></b>; you asked for <b><bdi>Acme GmbH",
    ] {
        assert!(late.body.contains(text), "{text}: {}", late.body);
    }
    let stands = FIELDS.map(|name| value(&late.body, name));
    assert_eq!(stands, ["Acme GmbH", "", "#ff0000", "", "it@acme.test"], "theirs, where it was not touched");
    let page = vic.follow(again).await;
    assert!(page.body.contains("The look is saved"), "{}", page.body);
    assert_eq!(FIELDS.map(|name| value(&page.body, name)), stands);
}

#[tokio::test]
async fn who_may_read_and_not_change_has_no_form_and_changes_nothing() {
    let app = App::start().await;
    let reading = "permissions: [\"orgate:organization:read\"] }";
    app.apply(&SAMPLES.replacen("permissions: [\"notes:read\"] }", reading, 1)).await;
    let vic = administrator(&app, "acme", "vic@acme.test").await;

    let page = vic.get(LOOK).await;
    let refused = vic.post(LOOK, &[("csrf", "x"), ("name", "Evil")]).await;

    assert!(page.status == 200 && page.body.contains("Preview of the sign-in page"), "{}", page.body);
    assert!(!page.body.contains("name=\"primary_color\"") && !page.body.contains("<script"), "{}", page.body);
    assert!(page.body.contains("orgate:organization:manage"), "{}", page.body);
    assert!(refused.status == 403 && refused.body.contains("orgate:organization:manage"), "{}", refused.body);
    assert!(vic.get(LOOK).await.body.contains("Acme Inc"));
}
