//! Who gets in to which page.

use chrono::Duration;
use orgate_tests::app::{App, Browser, Page, SAMPLES};
use orgate_web::{ADMIN_PAGES, About};
use reqwest::StatusCode;

use super::{BINDING, Kept, SESSION, administrator, csrf, nowhere, open_as, page_of, send};

/// A page's address, of something that there is not.
fn path(page: &orgate_web::AdminPage) -> String {
    format!("/admin/acme{}", nowhere(page.path))
}

#[tokio::test]
async fn who_is_not_signed_in_is_sent_to_sign_in_from_every_page() {
    let app = App::start().await;
    let stranger = app.browser();
    let script = app.browser_saying("hx-request", "true");

    for page in ADMIN_PAGES {
        let path = path(page);
        if page.method == "GET" {
            let answer = stranger.get(&path).await;
            assert_eq!((answer.status.as_u16(), answer.leads_to().as_str()), (303, "/authorize"), "{path}");
            assert_eq!(
                script.get(&path).await.status,
                403,
                "{path}: a page of a sign-in is not put into a page"
            );
        } else {
            let answer = stranger.post(&path, &[("csrf", "x")]).await;
            assert_eq!(answer.status, 403, "{path}");
            assert!(answer.body.contains("signed out meanwhile"), "{path}: {}", answer.body);
            assert!(answer.body.contains("href=\"/admin/acme"), "{path}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn who_holds_nothing_reads_what_each_page_takes_and_who_has_it() {
    let app = App::start().await;
    let vic = app.browser();
    open_as(&vic, "/admin/acme", "vic@acme.test").await;

    for page in ADMIN_PAGES {
        let path = path(page);
        let answer = match page.method {
            "GET" => vic.get(&path).await,
            _ => vic.post(&path, &[("csrf", "x")]).await,
        };
        if page.about != About::Own {
            assert_eq!(answer.status, 404, "{path}: who is not of the operator's learns of no such page");
            continue;
        }
        assert_eq!(answer.status, 403, "{path}");
        for text in ["You may not open this page", page.permission.as_str(), "have it: admin, "] {
            assert!(answer.body.contains(text), "{path}: {text}: {}", answer.body);
        }
    }
    assert!(app.events("acme").await.contains(&"api.refused refused permission_missing".to_owned()));
}

#[tokio::test]
async fn every_page_and_form_answers_who_may_open_it_under_the_strict_policy() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    for page in ADMIN_PAGES.iter().filter(|page| page.method == "GET") {
        let path = path(page);
        let answer = ada.get(&path).await;
        let is_nowhere = page.path.contains('{') || page.about != About::Own;
        let expected = if is_nowhere { StatusCode::NOT_FOUND } else { StatusCode::OK };
        assert_eq!(answer.status, expected, "{path}: {}", answer.body);
        let header = |name: &str| answer.headers[name].to_str().expect("text").to_owned();
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
        for inline in ["<script>", "<style", " style=", " onclick="] {
            assert!(!answer.body.contains(inline), "{path}: {inline}");
        }
        let (scripts, files) = ("<script", "<script src=\"/assets/");
        assert_eq!(answer.body.matches(scripts).count(), answer.body.matches(files).count(), "{path}");
    }
    let form = ada.get("/admin/acme/invitations/new").await;
    let sent = send(&ada, &form, "/admin/acme/invitations/new", &[("email", "new@acme.test")]).await;
    let invitations = ada.follow(sent).await;
    let (_, rest) = invitations.body.split_once("/invitations/inv_").expect("an invitation");
    let invitation = format!("inv_{}", rest.split('/').next().expect("an id"));
    let of_vic = page_of(&ada, "acme", "vic@acme.test").await;
    let user = of_vic.rsplit('/').next().expect("an id");
    let forms = ADMIN_PAGES.iter().filter(|page| page.method == "POST" && page.about == About::Own);
    for page in forms {
        let below = nowhere(&page.path.replace("{user}", user).replace("{invitation}", &invitation));
        let answer = ada.post(format!("/admin/acme{below}"), &[("csrf", "x")]).await;
        assert_eq!(answer.status, 403, "{below}");
        assert!(answer.body.contains("grown old"), "{below}: {}", answer.body);
    }
}

/// Who may do something, and not see what came of it, is told that it was done.
#[tokio::test]
async fn who_may_do_and_not_read_is_told_that_it_was_done() {
    let app = App::start().await;
    let doing = "[\"orgate:organization:read\", \"orgate:invitations:manage\", \"orgate:roles:assign\"]";
    let narrow = SAMPLES.replacen("permissions: [\"notes:read\"] }", &format!("permissions: {doing} }}"), 1);
    app.apply(&narrow).await;
    let of_casey = {
        let ada = administrator(&app, "acme", "ada@acme.test").await;
        page_of(&ada, "acme", "casey@consult.test").await
    };
    let vic = administrator(&app, "acme", "vic@acme.test").await;

    let form = vic.get("/admin/acme/invitations/new").await;
    let sent = send(&vic, &form, "/admin/acme/invitations/new", &[("email", "new@acme.test")]).await;
    let token = csrf(&form, "/admin/acme/invitations/new");
    let nothing = vic.post(format!("{of_casey}/roles"), &[("csrf", &token)]).await;

    for page in [sent, nothing] {
        assert!(page.status == 200 && page.body.contains("<h1>Done</h1>"), "{} {}", page.status, page.body);
    }
    assert!(form.body.contains("class=\"button plain\" href=\"/admin/acme\""), "{}", form.body);
    let events = app.events("acme").await;
    assert!(events.contains(&"invitation.created success".to_owned()), "{events:?}");
    assert!(!events.contains(&"api.refused refused permission_missing".to_owned()), "{events:?}");
}

/// To let somebody in or not shows who they are.
#[tokio::test]
async fn who_may_not_read_of_users_reads_of_nobody_where_they_could_be_shut_out() {
    let app = App::start().await;
    let managing = "permissions: [\"orgate:organization:read\", \"orgate:users:manage\"] }";
    app.apply(&SAMPLES.replacen("permissions: [\"notes:read\"] }", managing, 1)).await;
    let of_casey = {
        let ada = administrator(&app, "acme", "ada@acme.test").await;
        page_of(&ada, "acme", "casey@consult.test").await
    };
    let vic = administrator(&app, "acme", "vic@acme.test").await;

    let page = vic.get(format!("{of_casey}/deactivate")).await;

    assert_eq!(page.status, 403);
    assert!(page.body.contains("orgate:users:read") && !page.body.contains("Casey"), "{}", page.body);
}

#[tokio::test]
async fn a_cookie_of_elsewhere_opens_nothing() {
    let app = App::start().await;
    let acme = Kept::of(&app, "acme", "ada@acme.test").await;
    let (globex, vic) =
        (Kept::of(&app, "globex", "gus@globex.test").await, Kept::of(&app, "acme", "vic@acme.test").await);
    let sealed = acme.value(SESSION);
    assert!(sealed.starts_with("1."), "{sealed}");
    let flipped = format!("1.{}{}", if sealed[2..].starts_with('A') { "B" } else { "A" }, &sealed[3..]);
    let more = sealed.replacen("1.", "2.", 1);
    let spliced = format!("{}{}", &sealed[..sealed.len() / 2], &globex.value(SESSION)[sealed.len() / 2..]);
    let cut = &sealed[..sealed.len() - 4];

    assert_eq!(acme.browser(&app, &[]).get("/admin/acme").await.status, 200);
    for (what, name, value) in [
        ("another organization's", SESSION, globex.value(SESSION)),
        ("one changed", SESSION, &flipped),
        ("two spliced", SESSION, &spliced),
        ("one cut off", SESSION, cut),
        ("none at all", SESSION, "x"),
        ("in another browser", BINDING, vic.value(BINDING)),
        ("one that lacks a part", SESSION, &more),
    ] {
        let page = acme.browser(&app, &[(name, value)]).get("/admin/acme").await;
        assert_eq!((page.status.as_u16(), page.leads_to().as_str()), (303, "/authorize"), "{what}");
        let dropped =
            |line: &String| line.starts_with("orgate_admin_0=;") && line.contains("Path=/admin/acme");
        assert!(page.cookies().iter().any(dropped), "{what}: {:?}", page.cookies());
    }
    let left_over = acme.browser(&app, &[("orgate_admin_1", "AAAA")]).get("/admin/acme").await;
    assert_eq!(left_over.status, 200, "a part more than there are");
    let elsewhere = acme.browser(&app, &[]).get("/admin/globex").await;
    assert_eq!(elsewhere.leads_to(), "/authorize", "where it is not of");
}

#[tokio::test]
async fn who_is_deactivated_or_whose_session_ends_is_out_at_once() {
    let app = App::start().await;
    let both = SAMPLES.replace("roles: [viewer] }", "roles: [admin] }");
    app.apply(&both).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (vic, casey) = (
        administrator(&app, "acme", "vic@acme.test").await,
        administrator(&app, "acme", "casey@consult.test").await,
    );

    let of_vic = page_of(&ada, "acme", "vic@acme.test").await;
    let confirm = ada.get(format!("{of_vic}/deactivate")).await;
    let done = send(&ada, &confirm, &format!("{of_vic}/deactivate"), &[("word", "vic@acme.test")]).await;
    let of_casey = page_of(&ada, "acme", "casey@consult.test").await;
    let page = ada.get(&of_casey).await;
    let ended = send(&ada, &page, &format!("{of_casey}/sessions"), &[]).await;

    assert_eq!((done.status.as_u16(), ended.status.as_u16()), (303, 303), "{} {}", done.body, ended.body);
    for browser in [&vic, &casey] {
        assert_eq!(browser.get("/admin/acme").await.leads_to(), "/authorize");
    }
    assert_eq!(ada.get("/admin/acme").await.status, 200);
}

/// The way on after a form is the browser's: it may lead nowhere that the page's policy does not name.
#[tokio::test]
async fn who_ends_their_own_session_or_deactivates_themselves_reads_so_and_is_led_on_by_a_link() {
    let app = App::start().await;
    app.apply(&SAMPLES.replace("roles: [viewer] }", "roles: [admin] }")).await;
    let ada = app.browser();
    let of_session = async || {
        let overview = open_as_ada(&ada).await;
        assert_eq!(overview.status, 200, "{}", overview.body);
        let own = page_of(&ada, "acme", "ada@acme.test").await;
        let page = ada.get(&own).await;
        (own, page)
    };
    let is_said = |page: &Page, what: &str| {
        assert_eq!(page.status, 200, "{what}: {}", page.body);
        assert!(page.body.contains("You signed yourself out"), "{what}: {}", page.body);
        assert!(page.body.contains("href=\"/admin\""), "{what}: {}", page.body);
    };

    let (own, page) = of_session().await;
    let (_, rest) = page.body.split_once("name=\"session\" value=\"").expect("a session");
    let session = rest.split('"').next().expect("an id");
    let one = send(&ada, &page, &format!("{own}/sessions"), &[("session", session)]).await;
    is_said(&one, "one");
    assert_eq!(ada.get("/admin/acme").await.leads_to(), "/authorize");

    let (own, page) = of_session().await;
    is_said(&send(&ada, &page, &format!("{own}/sessions"), &[]).await, "all");

    let (own, _) = of_session().await;
    let off = format!("{own}/deactivate");
    let confirm = ada.get(&off).await;
    is_said(&send(&ada, &confirm, &off, &[("word", "ada@acme.test")]).await, "deactivated");
}

async fn open_as_ada(browser: &Browser) -> Page {
    open_as(browser, "/admin/acme", "ada@acme.test").await
}

#[tokio::test]
async fn while_the_application_is_switched_off_nobody_is_in_and_then_everybody_again() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let switch = async |status: &str| {
        sqlx::query("update client_directory set status = $1 where client_id = 'orgate-admin'")
            .bind(status)
            .execute(app.database.superuser())
            .await
            .expect("switched");
        app.env.configuration.forget();
    };

    switch("disabled").await;
    let off = ada.get("/admin/acme").await;
    let sign_in = ada.follow(ada.get("/admin/acme").await).await;
    switch("active").await;
    let on = ada.follow(ada.get("/admin/acme").await).await;

    assert_eq!(off.leads_to(), "/authorize");
    assert!(sign_in.body.contains("Administration is switched off"), "{}", sign_in.body);
    assert!(on.status == 200 && on.body.contains("<h1>Overview</h1>"), "{}", on.body);
}

#[tokio::test]
async fn a_role_that_is_given_opens_pages_without_a_new_sign_in_and_one_taken_closes_them() {
    let app = App::start().await;
    let (ada, vic) = (administrator(&app, "acme", "ada@acme.test").await, app.browser());
    let before = open_as(&vic, "/admin/acme", "vic@acme.test").await;
    app.apply(
        &SAMPLES.replace("permissions: [\"notes:read\"] }", "permissions: [\"orgate:organization:read\"] }"),
    )
    .await;

    let after = vic.get("/admin/acme").await;
    app.apply(SAMPLES).await;
    let closed = vic.get("/admin/acme").await;

    assert_eq!((before.status.as_u16(), after.status.as_u16(), closed.status.as_u16()), (403, 200, 403));
    assert!(!after.body.contains("/admin/acme/users"), "nothing that they may not open: {}", after.body);
    assert_eq!(ada.get("/admin/acme").await.status, 200);
}

#[tokio::test]
async fn a_form_counts_only_for_whom_it_was_shown_to() {
    let app = App::start().await;
    let both = SAMPLES.replace("roles: [viewer] }", "roles: [admin] }");
    app.apply(&both).await;
    let (ada, casey) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "acme", "casey@consult.test").await,
    );
    let of_vic = page_of(&ada, "acme", "vic@acme.test").await;
    let action = format!("{of_vic}/sessions");
    administrator(&app, "acme", "vic@acme.test").await;
    let token = csrf(&ada.get(&of_vic).await, &action);
    let out = csrf(&ada.get(&of_vic).await, "/admin/acme/sign-out");

    for (who, browser, token) in
        [("none", &ada, ""), ("another form's", &ada, out.as_str()), ("another user's", &casey, &token)]
    {
        let page = browser.post(&action, &[("csrf", token)]).await;
        assert!(page.status == 403 && page.body.contains("grown old"), "{who}: {}", page.body);
    }
    assert_eq!(ada.post(&action, &[("csrf", &token)]).await.status, 303);
}

#[tokio::test]
async fn a_form_of_a_session_that_is_over_changes_nothing_and_leads_back() {
    let app = App::start().await;
    let kept = Kept::of(&app, "acme", "ada@acme.test").await;
    let browser = kept.browser(&app, &[]);
    let of_vic = page_of(&browser, "acme", "vic@acme.test").await;
    let page = browser.get(&of_vic).await;
    let token = csrf(&page, &format!("{of_vic}/roles"));
    app.clock.advance(Duration::days(40));

    let late = browser.post(format!("{of_vic}/roles"), &[("csrf", &token)]).await;

    assert_eq!(late.status, 403);
    assert!(late.body.contains(&format!("href=\"{of_vic}\"")), "{}", late.body);
}

#[tokio::test]
async fn names_are_shown_as_they_are_and_do_nothing() {
    let app = App::start().await;
    let payload = "<img src=x onerror=alert(1)>\\\"'";
    let hostile = SAMPLES
        .replace("name: Acme Inc", &format!("name: \"{payload}\""))
        .replace("name: Vic Viewer", &format!("name: \"{payload}\""))
        .replace("name: Ada Adler", &format!("name: \"{payload}\""));
    app.apply(&hostile).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let of_vic = page_of(&ada, "acme", "vic@acme.test").await;

    for path in ["/admin/acme", "/admin/acme/users", &of_vic, &format!("{of_vic}/deactivate")] {
        let page = ada.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.body.contains("<img src=x") && !page.body.contains("(1)>\"'"), "{path}: {}", page.body);
        assert!(
            page.body.contains("&#60;img src=x onerror=alert(1)&#62;&#34;&#39;"),
            "{path}: {}",
            page.body
        );
    }
    let found = ada.get("/admin/acme/users?search=%22%3E%3Cscript%3E").await;
    assert!(found.status == 200 && !found.body.contains("<script>"), "{}", found.body);
}
