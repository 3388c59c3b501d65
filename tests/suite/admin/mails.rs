//! Mails: which there are, and in whose words, worded and previewed and given back in the administration.

use orgate_tests::app::{App, Browser, Page, SAMPLES};

use super::{administrator, csrf, send};

const LIST: &str = "/admin/acme/mails";
const GERMAN: &str = "/admin/acme/mails/invitation/de";

/// Which words a form was made of.
fn seen(page: &Page) -> String {
    let (_, rest) = page.body.split_once("name=\"seen\" value=\"").unwrap_or_else(|| panic!("{}", page.body));
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// Sends the form of a page, with these words.
async fn say(
    browser: &Browser,
    (page, path): (&Page, &str),
    action: &str,
    (subject, text): (&str, &str),
) -> Page {
    let seen = seen(page);
    let fields = [("action", action), ("seen", &seen), ("subject", subject), ("text", text)];
    send(browser, page, path, &fields).await
}

/// What the page says of the mail as it would go out.
fn preview(page: &Page) -> &str {
    let (_, rest) = page.body.split_once("id=\"preview\"").unwrap_or_else(|| panic!("{}", page.body));
    rest.split("</section>").next().unwrap_or_default()
}

#[tokio::test]
async fn a_mail_is_worded_previewed_and_given_back() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let words = ("{{ organization }} wartet", "Moin {{ name }},\r\n\r\n{{ inviter }} <b>lädt</b> Sie ein.");

    let (list, page) = (ada.get(LIST).await, ada.get(GERMAN).await);
    let draft = say(&ada, (&page, GERMAN), "preview", words).await;
    let before = ada.get(GERMAN).await;
    let saved = say(&ada, (&draft, GERMAN), "save", words).await;
    let saved = ada.follow(saved).await;
    let listed = ada.get(LIST).await;
    let reset = format!("{GERMAN}/reset");
    let confirm = ada.get(&reset).await;
    let version = confirm.field("version");
    say(&ada, (&ada.get(GERMAN).await, GERMAN), "save", ("{{ organization }} wartet", "Neu.")).await;
    let stale = send(&ada, &confirm, &reset, &[("version", &version)]).await;
    let version = stale.field("version");
    let given_back = send(&ada, &stale, &reset, &[("version", &version)]).await;
    let given_back = ada.follow(given_back).await;

    for text in ["Invitation", "Change of address", "German", "All other languages", "Orgate’s"] {
        assert!(list.body.contains(text), "{text}: {}", list.body);
    }
    assert!(!list.body.contains(">Yours<"), "{}", list.body);
    assert!(page.body.contains("Ihre Einladung zu {{ organization }}"), "{}", page.body);
    assert!(preview(&page).contains("Ihre Einladung zu Acme Inc"), "{}", page.body);
    for text in ["Acme Inc wartet", "Moin Grace Hopper,", "Ada Lovelace &#60;b&#62;lädt&#60;/b&#62; Sie ein."]
    {
        assert!(preview(&draft).contains(text), "{text}: {}", preview(&draft));
    }
    assert!(seen(&before).is_empty(), "nothing is saved by looking at it");
    assert!(
        saved.body.contains("The mail is saved") && saved.body.contains(">Your words<"),
        "{}",
        saved.body
    );
    assert!(preview(&saved).contains("As it goes out now") && preview(&saved).contains("Acme Inc wartet"));
    assert!(listed.body.contains(">Yours<"), "{}", listed.body);
    assert!(stale.status == 409 && stale.body.contains("Nothing was changed"), "{}", stale.body);
    assert!(given_back.body.contains("Your words are gone") && !given_back.body.contains(">Yours<"));
    assert_eq!(ada.get(&reset).await.status, 404);
    let events = app.events("acme").await;
    let worded = events.iter().filter(|event| *event == "mail_template.configured success").count();
    assert_eq!(worded, 3, "{events:?}");
}

#[tokio::test]
async fn what_cannot_be_used_is_said_beside_its_field_and_what_was_typed_is_kept() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let page = ada.get(GERMAN).await;

    let unknown = say(&ada, (&page, GERMAN), "save", ("Hallo", "Guten Tag,\n{{ password }}")).await;
    let header = say(&ada, (&page, GERMAN), "save", ("Hallo\r\nBcc: eve@evil.test", "Guten Tag")).await;
    let drafted = say(&ada, (&page, GERMAN), "preview", ("{{ name }}", "Guten Tag")).await;

    assert!(unknown.status == 422 && unknown.body.contains("id=\"text-error\""), "{}", unknown.body);
    assert!(unknown.body.contains("Line 2: there is no password here"), "{}", unknown.body);
    assert!(unknown.body.contains("\nGuten Tag,\n{{ password }}</textarea>"), "{}", unknown.body);
    assert!(preview(&unknown).contains("there is no password here"), "{}", unknown.body);
    assert!(header.status == 422 && header.body.contains("id=\"subject-error\""), "{}", header.body);
    assert!(drafted.status == 422 && drafted.body.contains("It says nothing, where a name is missing"));
    assert!(seen(&ada.get(GERMAN).await).is_empty());
}

#[tokio::test]
async fn a_form_that_is_stale_says_what_changed_and_can_be_saved_once_more() {
    let app = App::start().await;
    app.apply(&SAMPLES.replace("roles: [viewer] }", "roles: [admin] }")).await;
    let (ada, vic) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "acme", "vic@acme.test").await,
    );
    let (of_ada, of_vic) = (ada.get(GERMAN).await, vic.get(GERMAN).await);
    let first = say(&vic, (&of_vic, GERMAN), "save", ("Von Vic", "Guten Tag")).await;
    assert_eq!(first.status, 303, "{}", first.body);

    let stale = say(&ada, (&of_ada, GERMAN), "save", ("Von Ada", "Guten Tag")).await;
    let saved = say(&ada, (&stale, GERMAN), "save", ("Von Ada", "Guten Tag")).await;

    assert_eq!(stale.status, 409);
    for text in
        ["<bdi>Vic Viewer</bdi></a> saved it", "Its subject is now: <bdi>Von Vic</bdi>", "value=\"Von Ada\""]
    {
        assert!(stale.body.contains(text), "{text}: {}", stale.body);
    }
    assert!(ada.follow(saved).await.body.contains("value=\"Von Ada\""));
}

#[tokio::test]
async fn a_language_is_asked_for_by_its_tag_and_those_near_it_say_whose_words_they_get() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let asked = |language: &'static str| format!("{LIST}?mail=invitation&language={language}");

    let found = ada.get(asked("PT-br")).await;
    let wrong = ada.get(asked("portuguese!")).await;
    let brazil = "/admin/acme/mails/invitation/pt-BR";
    assert_eq!(found.leads_to(), brazil);
    let page = ada.get(brazil).await;
    say(&ada, (&page, brazil), "save", ("Convite", "Venha.")).await;
    let other = "/admin/acme/mails/invitation/default";
    say(&ada, (&ada.get(other).await, other), "save", ("Come", "Come in.")).await;
    let list = ada.get(LIST).await;

    assert!(wrong.status == 422 && wrong.body.contains("id=\"language-error\""), "{}", wrong.body);
    assert!(wrong.body.contains("value=\"portuguese!\""), "{}", wrong.body);
    assert!(list.body.contains("Portuguese (pt-BR)"), "{}", list.body);
    assert_eq!(list.body.matches(">Yours for all other languages<").count(), 4, "{}", list.body);
    assert_eq!(ada.get("/admin/acme/mails/invitation/PT-br").await.status, 404, "there is one address");
}

#[tokio::test]
async fn who_may_only_read_sees_a_mail_and_changes_none() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    say(&ada, (&ada.get(GERMAN).await, GERMAN), "save", ("Hallo", "Guten Tag")).await;
    app.apply(&SAMPLES.replacen("[\"notes:read\"]", "[\"orgate:organization:read\"]", 1)).await;
    let vic = administrator(&app, "acme", "vic@acme.test").await;

    let (list, page) = (vic.get(LIST).await, vic.get(GERMAN).await);
    let overview = vic.get("/admin/acme").await;
    let token = csrf(&overview, "/admin/acme/sign-out");
    let fields = [("csrf", token.as_str()), ("subject", "Mine"), ("text", "Mine")];

    assert!(!list.body.contains("name=\"language\""), "{}", list.body);
    assert!(page.body.contains("<dd dir=\"auto\" lang=\"de\">Hallo</dd>"), "{}", page.body);
    assert!(!page.body.contains("<textarea") && !page.body.contains("/reset"), "{}", page.body);
    assert_eq!(vic.post(GERMAN, &fields).await.status, 403);
    assert_eq!(vic.get(format!("{GERMAN}/reset")).await.status, 403);
    assert!(ada.get(GERMAN).await.body.contains("value=\"Hallo\""));
}

#[tokio::test]
async fn words_are_their_organizations_alone() {
    let app = App::start().await;
    let (ada, gus) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "globex", "gus@globex.test").await,
    );
    say(&ada, (&ada.get(GERMAN).await, GERMAN), "save", ("Geheim", "Guten Tag")).await;

    let theirs = gus.get(GERMAN.replace("acme", "globex")).await;
    let list = gus.get(LIST.replace("acme", "globex")).await;

    assert!(!theirs.body.contains("Geheim") && seen(&theirs).is_empty(), "{}", theirs.body);
    assert!(!list.body.contains(">Yours<"), "{}", list.body);
    assert_eq!(gus.get(format!("{}/reset", GERMAN.replace("acme", "globex"))).await.status, 404);
}
