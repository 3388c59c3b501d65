//! Pages are in a language that whoever signs in reads.

use orgate_tests::app::{App, Browser, PASSWORD, Page, SAMPLES};
use serde_json::{Value, json};

const ADA: &str = "ada@acme.test";

const ACCEPT_LANGUAGE: &str = "accept-language";

fn is_in(page: &Page, language: &str) -> bool {
    page.body.contains(&format!("<html lang=\"{language}\" dir=\"ltr\">"))
}

/// The sign-in page of Acme.
async fn sign_in_page(browser: &Browser, changes: &[(&str, &str)]) -> Page {
    let changes = [&[("organization", "acme")], changes].concat();
    browser.follow(browser.authorize(&changes).await).await
}

#[tokio::test]
async fn the_first_language_that_the_application_asks_for_and_there_is_comes_before_the_browser_s() {
    let app = App::start().await;
    let french = app.browser_saying(ACCEPT_LANGUAGE, "fr");

    let german = sign_in_page(&french, &[("ui_locales", "se de-CH es")]).await;
    let unsupported = sign_in_page(&french, &[("ui_locales", "se nl")]).await;

    assert_eq!(german.status, 200);
    assert!(is_in(&german, "de"), "{}", german.body);
    assert!(german.body.contains("<h1>Bei <bdi>Acme Inc</bdi> anmelden</h1>"), "{}", german.body);
    assert!(german.body.contains("weiter zu <strong><bdi>Notes</bdi></strong>"), "{}", german.body);
    assert!(german.body.contains(">Passwort</label>") && german.body.contains("Gesichert durch Orgate"));
    assert_eq!(german.headers["cache-control"], "no-store");
    assert!(is_in(&unsupported, "fr"), "{}", unsupported.body);
}

/// Acme's pages are in French, for whom nothing closer is known.
async fn french_acme(app: &App) {
    let branding = "branding: { primary_color: \"#0b5fff\" }";
    app.apply(&SAMPLES.replace(branding, "branding: { locale: FR-ca }")).await;
}

#[tokio::test]
async fn the_organization_s_language_comes_before_the_browser_s_and_after_what_the_application_asks_for() {
    let app = App::start().await;
    french_acme(&app).await;
    let spanish = app.browser_saying(ACCEPT_LANGUAGE, "es");

    let acme = sign_in_page(&spanish, &[]).await;
    let wrong = spanish.sign_in(acme.clone(), ADA, "wrong").await;
    let asked = sign_in_page(&spanish, &[("ui_locales", "se de")]).await;
    let other = sign_in_page(&spanish, &[("organization", "globex")]).await;
    let nobodys = spanish.follow(spanish.authorize(&[]).await).await;

    assert!(is_in(&acme, "fr"), "{}", acme.body);
    assert!(wrong.status == 422 && is_in(&wrong, "fr"), "{}", wrong.body);
    assert!(is_in(&asked, "de"), "{}", asked.body);
    assert!(is_in(&other, "es"), "{}", other.body);
    assert!(is_in(&nobodys, "es"), "whose they are is not decided yet: {}", nobodys.body);
}

#[tokio::test]
async fn the_language_of_an_organization_that_is_closed_tells_nothing_of_it() {
    let app = App::start().await;
    french_acme(&app).await;
    let branding = "branding: { primary_color: \"#0b5fff\" }";
    let closed = SAMPLES.replace(branding, "branding: { locale: fr }\n    status: suspended");
    let browser = app.browser_saying(ACCEPT_LANGUAGE, "es");
    let begun = sign_in_page(&browser, &[]).await;
    app.apply(&closed).await;

    let page = browser.get(&format!("/sign-in?request={}", begun.field("request"))).await;
    let (suspended, unknown) = (
        browser.authorize(&[("organization", "acme")]).await,
        browser.authorize(&[("organization", "nobody")]).await,
    );

    assert!(is_in(&begun, "fr"), "{}", begun.body);
    for page in [page, suspended, unknown] {
        assert!(is_in(&page, "es"), "{}", page.body);
    }
}

#[tokio::test]
async fn what_the_browser_says_is_weighed() {
    let app = App::start().await;
    let huge = format!("de,{}", "de,".repeat(3_000));
    let said = [
        ("fr;q=0.9, es", "es"),
        ("fr;q=0.9, es;q=0.1", "fr"),
        ("nl, de-AT;q=0.5", "de"),
        ("de;q=0, *", "en"),
        ("<script>, {$x}, ;;;", "en"),
        ("ja", "en"),
        (&huge, "en"),
    ];

    for (accept_language, language) in said {
        let page = sign_in_page(&app.browser_saying(ACCEPT_LANGUAGE, accept_language), &[]).await;
        assert_eq!(page.status, 200);
        assert!(is_in(&page, language), "{accept_language:.40}");
    }
    assert!(is_in(&sign_in_page(&app.browser(), &[]).await, "en"));
}

#[tokio::test]
async fn the_languages_that_discovery_names_are_those_that_there_are() {
    let app = App::start().await;

    let metadata = app.get("/.well-known/openid-configuration").await;

    assert_eq!(metadata.body["ui_locales_supported"], json!(["en", "de", "fr", "es"]));
    let named = metadata.body["ui_locales_supported"].as_array().expect("a list");
    for language in named.iter().filter_map(Value::as_str) {
        let page = sign_in_page(&app.browser(), &[("ui_locales", language)]).await;
        assert!(is_in(&page, language), "{language}");
    }
}

#[tokio::test]
async fn a_form_that_is_sent_again_stays_in_its_language_and_keeps_what_was_typed() {
    let app = App::start().await;
    let browser = app.browser_saying(ACCEPT_LANGUAGE, "es");
    let page = browser.authorize(&[("organization", "acme"), ("ui_locales", "fr")]).await;

    let wrong = browser.sign_in(page, ADA, "wrong").await;

    assert_eq!(wrong.status, 422);
    assert!(is_in(&wrong, "fr"), "{}", wrong.body);
    assert!(wrong.body.contains("<title>Erreur\u{a0}: Se connecter à Acme Inc</title>"), "{}", wrong.body);
    assert!(wrong.body.contains("L’adresse e-mail ou le mot de passe n’est pas correct."), "{}", wrong.body);
    assert!(wrong.body.contains(&format!("value=\"{ADA}\"")), "{}", wrong.body);
    let answer = browser.sign_in(wrong, ADA, PASSWORD).await;
    assert!(!answer.answer("code").is_empty());
}

#[tokio::test]
async fn what_goes_wrong_is_said_in_the_language_of_the_request_or_of_the_browser() {
    let app = App::start().await;

    let asked = app.browser().authorize(&[("client_id", "nobody"), ("ui_locales", "es")]).await;
    let said = app.browser_saying(ACCEPT_LANGUAGE, "es-MX").get("/sign-in?request=x").await;
    let nowhere = app.browser_saying(ACCEPT_LANGUAGE, "fr").get("/nowhere").await;
    let unknown = app.browser_saying(ACCEPT_LANGUAGE, "de").authorize(&[("organization", "nobody")]).await;
    let neither = app.browser().get("/sign-in?request=x").await;

    assert_eq!(asked.status, 400);
    assert!(is_in(&asked, "es") && asked.body.contains("Este enlace de inicio de sesión no funciona"));
    assert!(asked.body.contains("<dd>invalid_client</dd>"), "{}", asked.body);
    assert!(is_in(&said, "es") && said.body.contains("Este inicio de sesión ha terminado"), "{}", said.body);
    assert!(is_in(&nowhere, "fr") && nowhere.body.contains("Cette page n’existe pas"), "{}", nowhere.body);
    assert!(is_in(&unknown, "de"), "{}", unknown.body);
    assert!(unknown.body.contains("Diese Organisation kann Notes nicht nutzen"), "{}", unknown.body);
    assert!(unknown.body.contains("Zurück zu Notes"), "{}", unknown.body);
    assert!(is_in(&neither, "en") && neither.body.contains("This sign-in is over"));
}

#[tokio::test]
async fn a_name_is_no_message_and_no_markup_in_any_language() {
    let app = App::start().await;
    let hostile = "{ $x } <script>alert(1)</script> { sign-in }";
    let renamed = "update organizations set name = $1 where slug = 'acme'";
    sqlx::query(renamed).bind(hostile).execute(app.database.superuser()).await.expect("renamed");

    for language in ["en", "de", "fr", "es"] {
        let page = sign_in_page(&app.browser(), &[("ui_locales", language)]).await;

        assert!(is_in(&page, language));
        let shown = "<bdi>{ $x } &#60;script&#62;alert(1)&#60;/script&#62; { sign-in }</bdi>";
        assert!(page.body.contains(shown), "{}", page.body);
        assert!(!page.body.contains("<script>alert"), "{}", page.body);
    }
}

#[tokio::test]
async fn discovery_the_chooser_and_the_way_out_are_in_the_same_language() {
    let app = App::start().await;
    let browser = app.browser_saying(ACCEPT_LANGUAGE, "de");
    browser.sign_in_to("acme", ADA).await;
    browser.sign_in_to("globex", "gus@globex.test").await;

    let home = browser.get("/").await;
    let chooser = browser.follow(browser.authorize(&[]).await).await;
    let stranger = app.browser_saying(ACCEPT_LANGUAGE, "de");
    let discovery = stranger.follow(stranger.authorize(&[]).await).await;
    let (request, csrf) = (discovery.field("request"), discovery.field("csrf"));
    let empty = stranger.post("/discover", &[("request", &request), ("csrf", &csrf), ("q", "")]).await;
    let sign_out = browser.get("/logout").await;

    assert!(home.body.contains("Hier melden Sie sich bei Ihren Anwendungen an"), "{}", home.body);
    assert!(is_in(&chooser, "de") && chooser.body.contains("Organisation auswählen"), "{}", chooser.body);
    assert!(chooser.body.contains("Zuletzt verwendet"), "{}", chooser.body);
    assert!(is_in(&discovery, "de") && discovery.body.contains("Wo arbeiten Sie?"), "{}", discovery.body);
    assert!(is_in(&empty, "de") && empty.body.contains("oder den Namen Ihrer Organisation ein."));
    assert!(is_in(&sign_out, "de") && sign_out.body.contains(">Abmelden</button>"), "{}", sign_out.body);
}

#[tokio::test]
async fn the_way_out_heeds_what_its_application_asks_for() {
    let app = App::start().await;
    let browser = app.browser_saying(ACCEPT_LANGUAGE, "fr");
    browser.sign_in_to("acme", ADA).await;

    let asked = browser.get("/logout?ui_locales=es").await;
    let done = {
        let (request, csrf) = (asked.field("request"), asked.field("csrf"));
        browser.post("/logout/confirm", &[("request", &request), ("csrf", &csrf)]).await
    };

    assert!(is_in(&asked, "es") && asked.body.contains("¿Cerrar sesión en <bdi>Acme Inc</bdi>?"));
    assert!(is_in(&done, "es") && done.body.contains("Ha cerrado sesión"), "{}", done.body);
}

#[tokio::test]
async fn consent_is_asked_for_in_sentences_of_the_language() {
    let app = App::start().await;
    app.apply(
        "clients:\n  - { client_id: guest, organization: operator, name: Guest, type: web, audience: all, party: third, \
         client_secret: \"${SECRET}\", redirect_uris: [\"http://localhost:9/callback\"], \
         home_url: \"https://guest.example.test/\", scopes: [openid, profile, email, offline_access], \
         grants: [authorization_code, refresh_token] }\n",
    )
    .await;
    let browser = app.browser();
    let changes = [("client_id", "guest"), ("organization", "acme"), ("ui_locales", "de")];
    let page = browser.authorize(&changes).await;

    let page = browser.follow(browser.sign_in(page, ADA, PASSWORD).await).await;

    assert!(is_in(&page, "de"), "{}", page.body);
    assert!(page.body.contains("<h1><bdi>Guest</bdi> bittet um Zugriff</h1>"), "{}", page.body);
    assert!(page.body.contains("<bdi>Ihre E-Mail-Adresse sehen</bdi>"), "{}", page.body);
    let provenance = "Diese Anwendung wurde registriert von den Betreibern dieses Anmeldedienstes; zu Hause ist sie unter \
                      guest.example.test.";
    assert!(page.body.contains(provenance), "{}", page.body);
    assert!(page.body.contains(">Nicht erlauben</button>"), "{}", page.body);
}

#[tokio::test]
async fn the_pages_of_the_administration_are_in_english() {
    let app = App::start().await;
    let browser = app.browser_saying(ACCEPT_LANGUAGE, "de");
    browser.sign_in_to("acme", ADA).await;

    let administration = browser.follow(browser.get("/admin/acme").await).await;

    assert!(administration.status == 200 && is_in(&administration, "en"), "{}", administration.body);
}

/// The pages of one's account, and what each says in German.
const ACCOUNT: [(&str, &str); 6] = [
    ("", "<dt>Rollen</dt>"),
    ("/sessions", ">Dieser Browser</span>"),
    ("/sign-in", ">Ihr aktuelles Passwort</label>"),
    ("/applications", "<h2 id=\"access\">Anwendungen mit Zugriff</h2>"),
    ("/activity", "<b>Sie haben sich angemeldet</b>"),
    ("/organizations", ">Sie sind hier</span>"),
];

#[tokio::test]
async fn the_pages_of_the_account_are_in_a_language_that_their_user_reads() {
    let app = App::start().await;
    let browser = app.browser_saying(ACCEPT_LANGUAGE, "de");
    browser.sign_in_to("acme", ADA).await;
    let other = app.browser();
    other.sign_in(sign_in_page(&other, &[]).await, ADA, "wrong").await;
    app.apply(
        "organizations: [{ slug: acme, name: Acme Inc, users: [{ email: ada@acme.test, name: Ada L }] }]",
    )
    .await;
    let activity = browser.get("/account/activity").await;
    for says in ["Eine Anmeldung schlug fehl", ">Falsches Passwort<", "An Ihrem Konto geändert: Name<"] {
        assert!(activity.body.contains(says), "{says}: {}", activity.body);
    }

    for (below, says) in ACCOUNT {
        let page = browser.get(format!("/account{below}")).await;

        assert!(page.status == 200 && is_in(&page, "de"), "{below}: {} {}", page.status, page.body);
        assert!(page.body.contains(says), "{below}: {}", page.body);
        assert!(page.body.contains(">Abmelden</button>"), "{below}: {}", page.body);
        for english in
            ["Sign out", "Your account", " ago<", "You signed in", "Wrong password", "Changed about you"]
        {
            assert!(!page.body.contains(english), "{below}: {english}: {}", page.body);
        }
    }
}

#[tokio::test]
async fn in_one_s_account_what_was_asked_for_comes_first_then_one_s_own_language_and_then_the_organization_s()
{
    let app = App::start().await;
    french_acme(&app).await;
    let browser = app.browser_saying(ACCEPT_LANGUAGE, "de");
    browser.sign_in_to("acme", ADA).await;

    let of_acme = browser.get("/account").await;
    let hers = "update users set locale = 'es-MX' where email = $1";
    let done = sqlx::query(hers).bind(ADA).execute(app.database.superuser()).await.expect("changed");
    let of_hers = browser.get("/account").await;
    let asked = browser.get("/account/sign-in?ui_locales=se+de-CH").await;

    assert_eq!(done.rows_affected(), 1);
    assert!(is_in(&of_acme, "fr"), "{}", of_acme.body);
    assert!(is_in(&of_hers, "es"), "{}", of_hers.body);
    assert!(is_in(&asked, "de"), "{}", asked.body);
    let kept = "/account/sessions?organization=";
    let (_, rest) = asked.body.split_once(&format!("href=\"{kept}")).expect("a link");
    let link = rest.split('"').next().expect("an address").replace("&#38;", "&");
    assert!(is_in(&browser.get(format!("{kept}{link}")).await, "de"), "{link}");
}

/// What comes of a form is in the language of the page that it was on, whatever comes of it.
#[tokio::test]
async fn what_comes_of_a_form_of_one_s_account_is_in_the_language_of_its_page() {
    let app = App::start().await;
    let browser = app.browser_saying(ACCEPT_LANGUAGE, "de");
    browser.sign_in_to("acme", ADA).await;
    let page = browser.get("/account/sign-in?ui_locales=fr").await;
    let fields = ["csrf", "organization", "ui_locales"].map(|name| (name, page.field(name)));
    let send = async |csrf: Option<&str>, current: &str| {
        let mut form: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        form[0].1 = csrf.unwrap_or(form[0].1);
        form.extend([
            ("current", current),
            ("password", "quatre mots en tout"),
            ("again", "quatre mots en tout"),
        ]);
        browser.post("/account/sign-in", &form).await
    };

    let wrong = send(None, "wrong").await;
    let old = send(Some("elsewhere"), PASSWORD).await;
    let done = browser.follow(send(None, PASSWORD).await).await;
    let nobodys = app.browser_saying(ACCEPT_LANGUAGE, "de").get("/account?ui_locales=fr").await;

    assert!(wrong.status == 422 && is_in(&wrong, "fr"), "{} {}", wrong.status, wrong.body);
    assert!(wrong.body.contains("Ce n’est pas votre mot de passe actuel."), "{}", wrong.body);
    assert!(wrong.body.contains("<title>Non modifié\u{a0}: Moyens de connexion"), "{}", wrong.body);
    assert!(old.status == 400 && is_in(&old, "fr"), "{} {}", old.status, old.body);
    assert!(old.body.contains(">Vers votre compte</a>"), "{}", old.body);
    assert!(is_in(&done, "fr") && done.body.contains("Votre mot de passe est modifié."), "{}", done.body);
    assert!(nobodys.status == 403 && is_in(&nobodys, "fr"), "{}", nobodys.body);
}
