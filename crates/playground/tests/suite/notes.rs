//! Notes, seen from a browser.

use std::future::pending;

use orgate_playground::{NotesConfig, serve_notes};
use reqwest::{Client, StatusCode, header::AUTHORIZATION, redirect::Policy};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use crate::provider::{ACME, AUDIENCE, CLIENT_ID, CLIENT_SECRET, GLOBEX, Mischief, Provider};

/// A browser that follows no redirect by itself.
struct Browser {
    http: Client,
    notes: Url,
}

#[derive(Debug)]
struct Page {
    status: StatusCode,
    location: Option<Url>,
    cookies: Vec<String>,
    headers: reqwest::header::HeaderMap,
    body: String,
}

impl Page {
    /// The session cookie that it sets, as a browser sends it.
    fn session_cookie(&self) -> String {
        let cookie = self.cookies.iter().find(|cookie| cookie.starts_with("notes_session=")).unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }
}

impl Browser {
    fn new(notes: &Url) -> Self {
        let http = Client::builder().cookie_store(true).redirect(Policy::none()).no_proxy().build().unwrap();
        Self { http, notes: notes.clone() }
    }

    async fn get(&self, url: impl AsRef<str>) -> Page {
        self.send(self.http.get(self.notes.join(url.as_ref()).unwrap())).await
    }

    /// Posts a form with the CSRF token of the page that is open.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let home = self.get("/").await;
        let (_, rest) = home.body.split_once(r#"name="csrf_token" value=""#).expect("a form");
        let token = rest.split('"').next().unwrap();
        self.post_raw(path, &[&[("csrf_token", token)], fields].concat()).await
    }

    async fn post_raw(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.send(self.http.post(self.notes.join(path).unwrap()).form(fields)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Page {
        let response = request.send().await.unwrap();
        let headers = response.headers().clone();
        let location = headers.get("location").map(|to| response.url().join(to.to_str().unwrap()).unwrap());
        let cookies =
            headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned()).collect();
        Page { status: response.status(), location, cookies, headers, body: response.text().await.unwrap() }
    }

    /// Follows the link to the provider and back: the URL of the callback, not yet opened.
    async fn go_to_provider(&self, path: &str) -> Url {
        let start = self.get(path).await;
        let authorize = start.location.unwrap_or_else(|| panic!("no redirect: {}", start.body));
        self.get(authorize).await.location.unwrap()
    }

    async fn sign_in(&self, path: &str) -> Page {
        let callback = self.go_to_provider(path).await;
        self.get(callback).await
    }

    async fn is_signed_in(&self) -> bool {
        self.get("/").await.body.contains("Sign out")
    }

    /// Whether a thief could use the session cookie.
    async fn is_good(&self, cookie: &str) -> bool {
        let thief = Client::builder().no_proxy().build().unwrap();
        let page = self.send(thief.get(self.notes.clone()).header("cookie", cookie)).await;
        page.body.contains("Sign out")
    }
}

/// Starts a provider and Notes, and opens a browser.
async fn start() -> (Provider, Browser) {
    let provider = Provider::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let config = NotesConfig {
        issuer: provider.issuer(),
        client_id: CLIENT_ID.into(),
        client_secret: CLIENT_SECRET.into(),
        base_url: base_url.clone(),
        audience: AUDIENCE.into(),
        organizations: vec![("acme".into(), "Acme Inc".into()), ("globex".into(), "Globex Corp".into())],
    };
    tokio::spawn(serve_notes(config, listener, pending()));
    (provider, Browser::new(&base_url))
}

/// Signs in at a provider that misbehaves so, and expects to be refused with these words.
async fn refused(mischief: Mischief, path: &str, words: &str) {
    let (provider, browser) = start().await;
    provider.misbehave(mischief);

    let page = browser.sign_in(path).await;

    assert!(page.status.is_client_error() || page.status == StatusCode::BAD_GATEWAY, "{page:?}");
    assert!(page.body.contains(words), "{words:?} is not in {}", page.body);
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn a_user_signs_in_and_sees_the_organization() {
    let (_provider, browser) = start().await;
    assert!(browser.get("/").await.body.contains("/sign-in?organization=acme"));

    let page = browser.sign_in("/sign-in?organization=acme").await;

    assert_eq!((page.status, page.location.unwrap().path()), (StatusCode::SEE_OTHER, "/"));
    let cookie = page.cookies.iter().find(|cookie| cookie.starts_with("notes_session=")).unwrap();
    assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/"), "{cookie}");
    let home = browser.get("/").await;
    for words in
        ["Notes of Acme Inc", ACME, "ann@acme.test", "usr_01ann", "<li>admin</li>", "<li>notes:write</li>"]
    {
        assert!(home.body.contains(words), "{words:?} is not in {}", home.body);
    }
    assert!(home.body.contains("Ann &#60;Example&#62;") && !home.body.contains("Ann <Example>"));
}

#[tokio::test]
async fn pages_let_nothing_in_and_are_not_kept() {
    let (provider, browser) = start().await;

    let page = browser.get("/").await;

    let issuer = provider.issuer().origin().ascii_serialization();
    assert_eq!(
        page.headers["content-security-policy"],
        format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {issuer}; base-uri 'none'; \
             frame-ancestors 'none'"
        )
    );
    for (name, value) in [("cache-control", "no-store"), ("x-content-type-options", "nosniff")] {
        assert_eq!(page.headers[name], value);
    }
}

#[tokio::test]
async fn an_answer_works_only_in_the_browser_that_asked() {
    let (_provider, browser) = start().await;
    let (victim, bystander) = (Browser::new(&browser.notes), Browser::new(&browser.notes));
    victim.get("/sign-in").await;
    let callback = browser.go_to_provider("/sign-in").await;

    for other in [&victim, &bystander] {
        let page = other.get(&callback).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(!other.is_signed_in().await);
    }

    browser.get(&callback).await;
    assert!(browser.is_signed_in().await, "others cannot use the answer up");
}

#[tokio::test]
async fn an_answer_works_once() {
    let (_provider, browser) = start().await;
    let callback = browser.go_to_provider("/sign-in").await;

    let (first, second) = (browser.get(&callback).await, browser.get(&callback).await);

    assert_eq!((first.status, second.status), (StatusCode::SEE_OTHER, StatusCode::BAD_REQUEST));
}

#[tokio::test]
async fn two_tabs_sign_in_side_by_side() {
    let (_provider, browser) = start().await;
    let first = browser.go_to_provider("/sign-in?organization=acme").await;
    let second = browser.go_to_provider("/sign-in?organization=globex").await;

    let (first, second) = (browser.get(&first).await, browser.get(&second).await);

    assert_eq!((first.status, second.status), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
    assert!(browser.get("/").await.body.contains("Notes of Globex Corp"));
}

#[tokio::test]
async fn an_unknown_or_missing_state_is_refused() {
    for change in [json!({ "state": "forged" }), json!({ "state": null })] {
        refused(Mischief { answer: change, ..Mischief::default() }, "/sign-in", "(state)").await;
    }
}

#[tokio::test]
async fn an_answer_from_another_issuer_is_refused() {
    for change in [json!({ "iss": "https://attacker.test" }), json!({ "iss": null })] {
        refused(Mischief { answer: change, ..Mischief::default() }, "/sign-in", "(iss)").await;
    }
    let error = json!({ "iss": "https://attacker.test", "error": "call_me", "error_description": "at 555" });
    refused(Mischief { answer: error, ..Mischief::default() }, "/sign-in", "(iss)").await;
}

#[tokio::test]
async fn parameters_given_twice_are_refused() {
    let (_provider, browser) = start().await;
    let callback = browser.go_to_provider("/sign-in").await;

    let page = browser.get(format!("{callback}&code=another")).await;

    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn an_id_token_that_is_not_for_this_sign_in_is_refused() {
    for (change, words) in [
        (json!({ "nonce": "another" }), "another sign-in"),
        (json!({ "nonce": null }), "another sign-in"),
        (json!({ "aud": "other-client" }), "another application"),
        (json!({ "aud": [CLIENT_ID, "other-client"] }), "cannot be accepted"),
        (json!({ "azp": "other-client" }), "another application"),
        (json!({ "iss": "https://attacker.test" }), "another issuer"),
        (json!({ "exp": 1_000_000_000 }), "ExpiredSignature"),
        (json!({ "exp": null }), "cannot be accepted"),
        (json!({ "org_id": null }), "cannot be accepted"),
        (json!({ "org_id": GLOBEX }), "not of one user in one organization"),
        (json!({ "sub": "usr_01eve" }), "not of one user in one organization"),
    ] {
        refused(Mischief { id_token: change, ..Mischief::default() }, "/sign-in", words).await;
    }
    refused(Mischief { id_token_type: Some("at+jwt"), ..Mischief::default() }, "/sign-in", "its header")
        .await;
}

#[tokio::test]
async fn an_access_token_that_is_not_for_notes_is_refused() {
    for (change, words) in [
        (json!({ "aud": "https://api.other.test" }), "another audience"),
        (json!({ "iss": "https://attacker.test" }), "another issuer"),
        (json!({ "org_id": null }), "org_id is missing"),
    ] {
        refused(Mischief { access_token: change, ..Mischief::default() }, "/sign-in", words).await;
    }
}

#[tokio::test]
async fn tokens_signed_with_another_key_are_refused() {
    refused(Mischief { foreign_key: true, ..Mischief::default() }, "/sign-in", "InvalidSignature").await;
}

#[tokio::test]
async fn another_organization_than_the_one_asked_for_is_refused() {
    let globex = json!({ "org_id": GLOBEX, "org_name": "globex" });
    let mischief = Mischief { id_token: globex.clone(), access_token: globex, ..Mischief::default() };

    refused(mischief, "/sign-in?organization=acme", "another organization").await;
}

#[tokio::test]
async fn the_providers_error_is_shown_to_who_asked_and_to_nobody_else() {
    let error = json!({ "code": null, "error": "access_denied", "error_description": "<b>no</b>" });
    let (provider, browser) = start().await;
    provider.misbehave(Mischief { answer: error, ..Mischief::default() });
    let callback = browser.go_to_provider("/sign-in").await;

    let elsewhere = Browser::new(&browser.notes).get(&callback).await;
    let page = browser.get(&callback).await;

    assert_eq!((elsewhere.status, page.status), (StatusCode::BAD_REQUEST, StatusCode::BAD_REQUEST));
    assert!(!elsewhere.body.contains("access_denied"));
    assert!(page.body.contains("access_denied: &#60;b&#62;no&#60;/b&#62;"), "{}", page.body);
    assert!(page.body.contains("ask an administrator"));
}

#[tokio::test]
async fn a_failed_switch_leaves_the_session_as_it_was() {
    let (provider, browser) = start().await;
    browser.sign_in("/sign-in?organization=acme").await;
    provider.misbehave(Mischief { token_error: Some("server_error"), ..Mischief::default() });

    let page = browser.sign_in("/sign-in?organization=globex").await;

    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(browser.get("/").await.body.contains("Notes of Acme Inc"));
}

#[tokio::test]
async fn switching_replaces_the_session() {
    let (_provider, browser) = start().await;
    let first = browser.sign_in("/sign-in?organization=acme").await;

    browser.sign_in("/sign-in?organization=globex").await;

    assert!(browser.get("/").await.body.contains("Notes of Globex Corp"));
    assert!(!browser.is_good(&first.session_cookie()).await, "the first session is over");
}

#[tokio::test]
async fn choosing_an_organization_again_asks_the_provider_to_let_choose() {
    let (_provider, browser) = start().await;

    let page = browser.get("/sign-in?prompt=select_account").await;

    let url = page.location.unwrap();
    assert!(url.query_pairs().any(|(name, value)| name == "prompt" && value == "select_account"), "{url}");
    assert_eq!(browser.get("/sign-in?prompt=none").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn notes_are_written_by_those_who_may_and_stay_in_their_organization() {
    let (_provider, browser) = start().await;
    browser.sign_in("/sign-in?organization=acme").await;

    let page = browser.post("/notes", &[("text", "The <wifi> password")]).await;

    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert!(browser.get("/").await.body.contains("The &#60;wifi&#62; password"));
    browser.sign_in("/sign-in?organization=globex").await;
    let globex = browser.get("/").await.body;
    assert!(globex.contains("No notes yet") && globex.contains("do not let you write"));
    let page = browser.post("/notes", &[("text", "Globex was here")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("lacks the permission notes:write"));
    assert!(browser.get("/").await.body.contains("No notes yet"));
}

#[tokio::test]
async fn empty_and_oversized_notes_are_refused() {
    let (_provider, browser) = start().await;
    browser.sign_in("/sign-in").await;

    for text in ["", " \n ", &"x".repeat(501), &"x".repeat(100_000)] {
        assert_eq!(browser.post("/notes", &[("text", text)]).await.status, StatusCode::BAD_REQUEST);
    }

    assert!(browser.get("/").await.body.contains("No notes yet"));
}

#[tokio::test]
async fn who_may_not_read_notes_sees_none() {
    let (provider, browser) = start().await;
    let change = json!({ "permissions": ["notes:write"] });
    provider.misbehave(Mischief { access_token: change, ..Mischief::default() });
    browser.sign_in("/sign-in").await;

    browser.post("/notes", &[("text", "written blindly")]).await;

    let home = browser.get("/").await.body;
    assert!(home.contains("do not let you read") && !home.contains("written blindly"));
}

#[tokio::test]
async fn forms_from_elsewhere_change_nothing() {
    let (provider, browser) = start().await;
    browser.sign_in("/sign-in").await;

    for path in ["/notes", "/refresh", "/sign-out"] {
        let forged = [("csrf_token", "forged"), ("text", "forged")];
        assert_eq!(browser.post_raw(path, &forged).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(
            browser.post_raw(path, &[("text", "forged")]).await.status,
            StatusCode::BAD_REQUEST,
            "{path}"
        );
        let signed_out = Browser::new(&browser.notes).post_raw(path, &forged).await;
        assert_eq!(signed_out.status, StatusCode::FORBIDDEN, "{path}");
        assert!(!browser.get(path).await.status.is_success(), "{path}");
    }

    assert!(browser.get("/").await.body.contains("No notes yet"));
    assert_eq!(provider.refreshed(), 0);
}

#[tokio::test]
async fn tokens_are_refreshed_on_request() {
    let (provider, browser) = start().await;
    browser.sign_in("/sign-in").await;
    let change = json!({ "roles": ["auditor"] });
    provider.misbehave(Mischief { access_token: change, ..Mischief::default() });

    let page = browser.post("/refresh", &[]).await;

    let home = browser.get(page.location.unwrap()).await.body;
    assert!(home.contains("The access token was renewed") && home.contains("<li>auditor</li>"));
    assert_eq!(provider.refreshed(), 1);
    browser.post("/refresh", &[]).await;
    assert_eq!(provider.refreshed(), 2, "with the refresh token that the first refresh gave");
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn an_expired_access_token_is_renewed_once_for_all_who_wait() {
    let (provider, browser) = start().await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    // Within the leeway, so that it is still accepted.
    provider.misbehave(Mischief { access_token: json!({ "exp": now - 5 }), ..Mischief::default() });
    browser.sign_in("/sign-in").await;
    provider.misbehave(Mischief::default());

    let pages = tokio::join!(browser.get("/"), browser.get("/"), browser.get("/"));

    assert!([pages.0, pages.1, pages.2].iter().all(|page| page.body.contains("Notes of Acme Inc")));
    assert_eq!(provider.refreshed(), 1);
}

#[tokio::test]
async fn a_session_that_the_provider_ended_is_over() {
    let (provider, browser) = start().await;
    browser.sign_in("/sign-in").await;
    provider.misbehave(Mischief { token_error: Some("invalid_grant"), ..Mischief::default() });

    let page = browser.post("/refresh", &[]).await;

    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("Your session has ended"));
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn a_refresh_never_moves_a_session() {
    for change in [json!({ "org_id": GLOBEX, "org_name": "globex" }), json!({ "sub": "usr_01eve" })] {
        let (provider, browser) = start().await;
        browser.sign_in("/sign-in?organization=acme").await;
        provider.misbehave(Mischief { access_token: change, ..Mischief::default() });

        let page = browser.post("/refresh", &[]).await;

        assert!(page.body.contains("Your session has ended"), "{}", page.body);
        assert!(!browser.is_signed_in().await);
    }
}

#[tokio::test]
async fn signing_out_ends_both_sessions() {
    let (_provider, browser) = start().await;
    let cookie = browser.sign_in("/sign-in").await.session_cookie();
    assert!(browser.is_good(&cookie).await);

    let page = browser.post("/sign-out", &[]).await;

    let url = page.location.unwrap();
    let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(url.path(), "/logout");
    assert_eq!(query["client_id"], CLIENT_ID);
    assert_eq!(query["post_logout_redirect_uri"], browser.notes.as_str());
    assert_eq!(query["id_token_hint"].split('.').count(), 3);
    assert!(!browser.is_signed_in().await);
    assert!(!browser.is_good(&cookie).await);
    let back = browser.get(format!("/?state={}", query["state"])).await.body;
    assert!(back.contains("You have signed out"));
    assert!(!browser.get("/?state=forged").await.body.contains("You have signed out"));
}

#[tokio::test]
async fn the_api_answers_only_about_the_tokens_organization() {
    let (_provider, browser) = start().await;
    browser.sign_in("/sign-in?organization=acme").await;
    browser.post("/notes", &[("text", "by the API")]).await;
    let home = browser.get("/").await.body;
    let token = home.split_once("TOKEN=").unwrap().1.split_whitespace().next().unwrap().to_owned();
    let ask = async |organization: &str| {
        let url = browser.notes.join(&format!("/api/orgs/{organization}/notes")).unwrap();
        browser.send(browser.http.get(url).header(AUTHORIZATION, format!("Bearer {token}"))).await
    };

    for own in ["acme", ACME] {
        let answer = ask(own).await;
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(
            (body["org_id"].as_str(), body["notes"][0]["text"].as_str()),
            (Some(ACME), Some("by the API"))
        );
    }
    for foreign in ["globex", GLOBEX, "unknown"] {
        assert_eq!(ask(foreign).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(
        browser.get("/api/orgs/acme/notes").await.status,
        StatusCode::UNAUTHORIZED,
        "a cookie is no token"
    );
}

#[tokio::test]
async fn nobody_is_sent_to_another_issuers_endpoints() {
    let (provider, browser) = start().await;
    provider.misbehave(Mischief {
        discovery: json!({ "issuer": "https://attacker.test" }),
        ..Mischief::default()
    });

    let page = browser.get("/sign-in").await;

    assert_eq!((page.status, page.location), (StatusCode::BAD_GATEWAY, None));
}

#[tokio::test]
async fn notes_starts_before_its_provider() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let config = NotesConfig {
        issuer: format!("http://{unused}").parse().unwrap(),
        client_id: CLIENT_ID.into(),
        client_secret: CLIENT_SECRET.into(),
        base_url: base_url.clone(),
        audience: AUDIENCE.into(),
        organizations: Vec::new(),
    };
    tokio::spawn(serve_notes(config, listener, pending()));
    let browser = Browser::new(&base_url);

    assert_eq!(browser.get("/").await.status, StatusCode::OK);
    let page = browser.get("/sign-in").await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(page.body.contains("the provider cannot be reached"));
}
