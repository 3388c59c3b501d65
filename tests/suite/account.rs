//! A user's own account: what they see of themselves, where they are signed in, and what they can end.

mod cost;
mod pages;
mod password;

use chrono::Duration;
use orgate_tests::app::{App, Browser, PASSWORD, Page, Reply};

/// A browser in which somebody is signed in, and their tokens.
struct SignedIn {
    browser: Browser,
    tokens: Reply,
}

impl SignedIn {
    async fn of(app: &App, organization: &str, email: &str) -> Self {
        let browser = app.browser();
        let tokens = app.redeem(&browser.sign_in_to(organization, email).await).await;
        Self { browser, tokens }
    }

    fn sid(&self) -> String {
        self.tokens.claims("id_token")["sid"].as_str().expect("a sid").to_owned()
    }

    async fn page(&self) -> Page {
        self.browser.get("/account/sessions").await
    }

    /// Presses a button of the page.
    async fn press(&self, page: &Page, button: (&str, &str)) -> Page {
        let (csrf, organization) = (page.field("csrf"), page.field("organization"));
        let form = [("csrf", csrf.as_str()), ("organization", &organization), button];
        self.browser.post("/account/sessions", &form).await
    }

    /// Whether the browser is still signed in, and whether the application still is.
    async fn stands(&self, app: &App, organization: &str) -> (bool, bool) {
        let silent = self.browser.authorize(&[("organization", organization), ("prompt", "none")]).await;
        let code = silent.location().is_some_and(|to| to.as_str().contains("code="));
        (code, app.refresh(&self.tokens.text("refresh_token")).await.status == 200)
    }
}

/// Casey's in Acme, in two browsers; Vic's there; and Casey's in Globex.
async fn four_sessions(app: &App) -> [SignedIn; 4] {
    [
        SignedIn::of(app, "acme", "casey@consult.test").await,
        SignedIn::of(app, "acme", "casey@consult.test").await,
        SignedIn::of(app, "acme", "vic@acme.test").await,
        SignedIn::of(app, "globex", "casey@consult.test").await,
    ]
}

/// The sessions on the page.
fn listed(page: &Page) -> Vec<String> {
    let buttons = page.body.split("name=\"session\" value=\"").skip(1);
    buttons.map(|rest| rest.split('"').next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_user_sees_their_own_sessions_here_and_ends_one() {
    let app = App::start().await;
    let [mine, other, vic, elsewhere] = four_sessions(&app).await;
    app.clock.advance(Duration::hours(2));

    let page = mine.page().await;

    assert_eq!(page.status, 200);
    assert_eq!(listed(&page).len(), 2, "{}", page.body);
    assert!([&mine, &other].iter().all(|own| listed(&page).contains(&own.sid())));
    for text in ["Acme Inc", "casey@consult.test", "orgate-tests", "Notes", "127.0.0.1", "2 hours ago"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert_eq!(page.body.matches("This browser").count(), 1);
    for foreign in [vic.sid(), elsewhere.sid()] {
        assert_eq!(
            mine.press(&page, ("session", &foreign)).await.status,
            303,
            "nothing of theirs, nothing said"
        );
    }
    let done = mine.press(&page, ("session", &other.sid())).await;
    let after = mine.browser.follow(done).await;
    assert_eq!(listed(&after), [mine.sid()]);
    assert!(!after.body.contains("everywhere else"), "there is nothing else");
    assert_eq!(other.stands(&app, "acme").await, (false, false));
    assert_eq!(mine.stands(&app, "acme").await, (true, true));
    assert_eq!(vic.stands(&app, "acme").await, (true, true));
    assert_eq!(elsewhere.stands(&app, "globex").await, (true, true));
    let ended = app.events("acme").await;
    assert_eq!(ended.iter().filter(|event| *event == "session.ended success ended_by_user").count(), 1);
}

#[tokio::test]
async fn all_others_end_at_once_and_so_do_applications_that_outlive_their_browser() {
    let app = App::start().await;
    let forgotten = SignedIn::of(&app, "acme", "ada@acme.test").await;
    app.clock.advance(Duration::days(8));
    let (mine, other) = (
        SignedIn::of(&app, "acme", "ada@acme.test").await,
        SignedIn::of(&app, "acme", "ada@acme.test").await,
    );

    let page = mine.page().await;

    assert_eq!(listed(&page).len(), 3, "an application can still refresh: {}", page.body);
    assert!(page.body.contains("everywhere else"));
    mine.press(&page, ("others", "1")).await;
    assert_eq!(forgotten.stands(&app, "acme").await, (false, false));
    assert_eq!(other.stands(&app, "acme").await, (false, false));
    assert_eq!(mine.stands(&app, "acme").await, (true, true));
}

#[tokio::test]
async fn who_ends_the_session_of_this_browser_is_signed_out_of_this_organization_alone() {
    let app = App::start().await;
    let mine = SignedIn::of(&app, "acme", "ada@acme.test").await;
    mine.browser.sign_in_to("globex", "gus@globex.test").await;

    let several = mine.page().await;
    let acme = app.org("acme").await.org_id();
    let page = mine.browser.get(format!("/account/sessions?organization={acme}")).await;
    let done = mine.press(&page, ("session", &mine.sid())).await;

    assert!(
        several.body.contains("Acme Inc") && several.body.contains("Globex Corporation"),
        "{}",
        several.body
    );
    assert!(several.body.contains(&format!("/account/sessions?organization={acme}")));
    assert_eq!((done.status.as_u16(), done.body.contains("You are signed out")), (200, true));
    assert!(
        done.cookies().iter().any(|line| line.starts_with("orgate_session_") && line.contains("Max-Age=0"))
    );
    assert_eq!(mine.stands(&app, "acme").await, (false, false));
    let silent = mine.browser.authorize(&[("organization", "globex"), ("prompt", "none")]).await;
    assert!(!silent.answer("code").is_empty());
}

#[tokio::test]
async fn nothing_ends_for_who_is_not_signed_in_here_or_sends_a_form_that_is_not_ours() {
    let app = App::start().await;
    let (mine, stranger) = (SignedIn::of(&app, "acme", "ada@acme.test").await, app.browser());
    let page = mine.page().await;
    let (csrf, acme) = (page.field("csrf"), page.field("organization"));
    let victim = mine.sid();
    let vic = SignedIn::of(&app, "acme", "vic@acme.test").await;

    let forms = [
        (&stranger, [("csrf", csrf.as_str()), ("organization", &acme), ("session", &victim)], 403),
        (&vic.browser, [("csrf", &csrf), ("organization", &acme), ("session", &victim)], 400),
        (&mine.browser, [("csrf", "x"), ("organization", &acme), ("session", &victim)], 400),
        (&mine.browser, [("csrf", &csrf), ("organization", "globex"), ("session", &victim)], 403),
        (&mine.browser, [("csrf", &csrf), ("organization", "nowhere"), ("others", "1")], 403),
        (&mine.browser, [("csrf", &csrf), ("organization", &acme), ("session", "ses_x")], 400),
    ];
    for (browser, form, status) in forms {
        assert_eq!(browser.post("/account/sessions", &form).await.status, status, "{form:?}");
    }
    for path in
        ["/account/sessions", "/account/sessions?organization=acme", "/account/sessions?organization=nowhere"]
    {
        let page = stranger.get(path).await;
        assert_eq!(page.status, 403, "{path}");
        assert!(page.body.contains("Sign in first") && !page.body.contains("Acme"), "{}", page.body);
    }
    assert_eq!(mine.stands(&app, "acme").await, (true, true));
    let again = mine.browser.authorize(&[("organization", "acme"), ("prompt", "login")]).await;
    assert!(!mine.browser.sign_in(again, "ada@acme.test", PASSWORD).await.answer("code").is_empty());
}
