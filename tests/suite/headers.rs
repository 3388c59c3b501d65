//! What is true of every answer: how long it is kept, what it may load, where it came from.

use orgate_tests::app::{App, PASSWORD, Reply, SECRET, authorization_url, client};
use orgate_web::{ADMIN_PAGES, AdminPage};
use reqwest::{Method, Response, StatusCode};
use url::Url;

use crate::admin::nowhere;

/// Every route of the front channel that answers a page to a bare GET, and with what.
const PAGES: [(&str, u16); 46] = [
    ("/", 200),
    ("/admin/-/callback", 400),
    ("/account", 403),
    ("/account/activity", 403),
    ("/account/applications", 403),
    ("/account/export", 403),
    ("/account/organizations", 403),
    ("/account/sessions", 403),
    ("/account/sign-in", 403),
    ("/authorize", 400),
    ("/sign-in", 400),
    ("/choose", 400),
    ("/device", 200),
    ("/device/approve", 400),
    ("/discover", 400),
    ("/discover/link", 400),
    ("/invitations", 404),
    ("/join", 400),
    ("/join/confirm", 404),
    ("/join/continue", 400),
    ("/logout", 200),
    ("/setup", 404),
    ("/setup/connections", 404),
    ("/setup/new", 404),
    ("/setup/domains", 404),
    ("/setup/connections/con_x/values", 404),
    ("/setup/connections/con_x/provider", 404),
    ("/setup/connections/con_x/proposal", 404),
    ("/setup/connections/con_x/mapping", 404),
    ("/setup/connections/con_x/domains", 404),
    ("/setup/connections/con_x/test", 404),
    ("/setup/connections/con_x/test/begin", 404),
    ("/setup/connections/con_x/pilot", 404),
    ("/setup/connections/con_x/activate", 404),
    ("/setup/test/trc_x", 404),
    ("/sign-in/connection", 400),
    ("/sign-in/recovery", 400),
    ("/sso/org_x/con_x/callback", 400),
    ("/sso/org_x/con_x/finish", 400),
    ("/sso/org_x/con_x/slo", 404),
    ("/sso/org_x/con_x/metadata", 404),
    ("/sso/org_x/con_x/link", 400),
    ("/sso/signed-out", 200),
    ("/no/such/page", 404),
    ("/../../etc/passwd", 404),
    ("/.well-known/other", 404),
];

/// Every route of the back channel.
const DOCUMENTS: [&str; 4] = [
    "/jwks.json",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/ssf-configuration",
];

async fn send(app: &App, method: Method, path: &str) -> Response {
    client().request(method, app.at(path)).send().await.expect("answered")
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

fn check_request_id(response: &Response, path: &str) {
    let id = header(response, "x-request-id");
    assert!(id.starts_with("req_") && id.len() == 30, "{path}: {id:?}");
}

#[tokio::test]
async fn every_page_is_not_kept_not_framed_not_sniffed_and_loads_nothing_foreign() {
    let app = App::start().await;
    let resolved = authorization_url(&app.base, &[("organization", "acme")]);
    let browser = app.browser();
    let sign_in = browser.get(resolved.as_str()).await.location().expect("the sign-in page");
    let form_post = browser.sign_in_to("acme", "ada@acme.test").await;
    assert!(!form_post.is_empty());
    let form_post = browser.authorize(&[("organization", "acme"), ("response_mode", "form_post")]).await;

    let mut answers = vec![
        ("sign-in".to_owned(), browser.get(sign_in.as_str()).await.headers),
        ("form post".to_owned(), form_post.headers),
    ];
    for (path, status) in PAGES {
        let response = send(&app, Method::GET, path).await;
        assert_eq!(response.status(), status, "{path}");
        answers.push((path.to_owned(), response.headers().clone()));
    }
    let post = send(&app, Method::POST, "/sso/org_x/con_x/acs").await;
    assert_eq!(post.status(), 400);
    answers.push(("acs".to_owned(), post.headers().clone()));

    for (path, headers) in answers {
        let value = |name: &str| headers.get(name).map_or("", |value| value.to_str().expect("text"));
        assert_eq!(value("cache-control"), "no-store", "{path}");
        assert_eq!(value("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(value("x-frame-options"), "DENY", "{path}");
        assert_eq!(value("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(value("content-type"), "text/html; charset=utf-8", "{path}");
        let policy = value("content-security-policy");
        for directive in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "script-src 'self'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(directive), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
        assert!(value("x-request-id").starts_with("req_"), "{path}");
        assert_eq!(value("access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_kept_and_names_no_referrer() {
    let app = App::start().await;

    let page = app.browser().authorize(&[("organization", "acme")]).await;

    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    assert!(page.headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn an_answer_with_a_token_is_not_kept_and_a_public_document_is() {
    let app = App::start().await;
    let granted = app.sign_in("acme", "ada@acme.test").await;
    let refused = app.refresh("none").await;
    let unproven =
        app.token_as("notes", "wrong", &[("grant_type", "refresh_token"), ("refresh_token", "x")]).await;
    let unnamed = app.get("/userinfo").await;
    let claims = app.userinfo(&granted.text("access_token")).await;

    for (Reply { status, headers, .. }, expected) in
        [(&granted, 200), (&refused, 400), (&unproven, 401), (&unnamed, 401), (&claims, 200)]
    {
        assert_eq!(*status, expected);
        assert_eq!(headers["cache-control"], "no-store", "{expected}");
        assert!(headers.contains_key("x-request-id"));
        assert!(!headers.contains_key("set-cookie"));
    }
    for path in DOCUMENTS {
        let response = send(&app, Method::GET, path).await;
        assert_eq!(header(&response, "cache-control"), "public, max-age=300", "{path}");
        assert!(header(&response, "content-type").starts_with("application/"), "{path}");
        check_request_id(&response, path);
    }
    let asset = send(&app, Method::GET, "/assets/app.css").await;
    assert_eq!(header(&asset, "cache-control"), "public, max-age=86400");
    assert_eq!(header(&asset, "x-content-type-options"), "nosniff");
    assert!(!asset.headers().contains_key("content-encoding"));
    let plain = asset.bytes().await.expect("sent").len();
    let smaller = client().get(app.at("/assets/app.css")).header("accept-encoding", "gzip").send();
    let smaller = smaller.await.expect("answered");
    assert_eq!(header(&smaller, "content-encoding"), "gzip");
    assert_eq!(header(&smaller, "vary"), "accept-encoding");
    assert!(smaller.bytes().await.expect("sent").len() < plain / 2);
    let page = client().get(app.at("/")).header("accept-encoding", "gzip").send().await.expect("answered");
    assert!(!page.headers().contains_key("content-encoding"), "what is secret has one length");
    for path in
        ["/assets/none.css", "/assets/..%2Fsrc%2Flib.rs", "/assets/brand/red.css", "/assets/brand/%22.css"]
    {
        assert_eq!(send(&app, Method::GET, path).await.status(), 404, "{path}");
    }
}

/// Script that asks for pages is where a form answers while it is filled in, and nowhere else.
#[tokio::test]
async fn only_pages_whose_forms_answer_ask_for_pages_by_script() {
    let app = App::start().await;
    let browser = app.browser();
    browser.sign_in_to("acme", "ada@acme.test").await;
    browser.follow(browser.get("/admin/acme").await).await;

    for (path, asks) in [
        ("/admin/acme/users", true),
        ("/admin/acme/look", true),
        ("/admin/acme/mails/invitation/default", true),
        ("/admin/acme", false),
        ("/admin/acme/groups", false),
        ("/account", false),
        ("/account/sign-in", false),
        ("/discover", false),
        ("/", false),
    ] {
        let page = browser.get(path).await;
        let policy = page.headers["content-security-policy"].to_str().expect("text");
        assert_eq!(page.body.contains("/assets/htmx.min.js"), asks, "{path}: {}", page.body);
        assert_eq!(policy.contains("connect-src 'self'"), asks, "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
    }
}

#[tokio::test]
async fn a_request_id_is_new_each_time_and_never_the_callers() {
    let app = App::start().await;
    let request = || client().get(app.at("/jwks.json")).header("x-request-id", "req_mine").send();

    let (one, other) = (request().await.expect("answered"), request().await.expect("answered"));

    check_request_id(&one, "one");
    assert_ne!(header(&one, "x-request-id"), header(&other, "x-request-id"));
}

/// A page of the administration's address, of something that there is not.
fn admin_path(page: &AdminPage) -> String {
    format!("/admin/acme{}", nowhere(page.path))
}

#[tokio::test]
async fn a_method_that_a_page_of_the_administration_does_not_have_is_refused_as_such() {
    let app = App::start().await;
    for page in ADMIN_PAGES {
        let path = admin_path(page);
        let known = |method: &Method| {
            ADMIN_PAGES.iter().any(|other| {
                let asked = if *method == Method::HEAD { "GET" } else { method.as_str() };
                other.path == page.path && other.method == asked
            })
        };
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::TRACE] {
            if !known(&method) {
                assert_eq!(send(&app, method.clone(), &path).await.status(), 405, "{method} {path}");
            }
        }
    }
    for path in ["/admin/%ff", "/admin/acme/users/%ff", "/admin/acme/nowhere"] {
        assert_eq!(send(&app, Method::GET, path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn a_method_that_a_route_does_not_have_is_refused_and_fails_nothing() {
    let app = App::start().await;
    let routes = PAGES.map(|(path, _)| path);
    let all = routes.into_iter().chain(DOCUMENTS).chain([
        "/token",
        "/device_authorization",
        "/userinfo",
        "/healthz",
        "/readyz",
        "/assets/app.css",
    ]);
    for path in all {
        for method in
            [Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE, Method::PATCH, Method::TRACE]
        {
            let response = send(&app, method.clone(), path).await;
            assert!(!response.status().is_server_error(), "{method} {path}: {}", response.status());
        }
    }
    for path in DOCUMENTS.into_iter().chain(["/", "/assets/app.css"]) {
        let head = send(&app, Method::HEAD, path).await;
        assert_eq!(head.status(), 200, "{path}");
        assert_eq!(head.text().await.expect("text"), "", "{path}");
    }
    for path in ["/token", "/device_authorization", "/device/continue", "/discover/code", "/logout/confirm"] {
        assert_eq!(send(&app, Method::GET, path).await.status(), 405, "{path}");
    }
}

/// Behind TLS, which ends at a proxy: cookies are the browser's and this host's alone.
#[tokio::test]
async fn over_https_cookies_are_secure_and_plain_http_is_over() {
    let app = App::start_with(|settings| {
        settings.server.issuer = Url::parse("https://id.orgate.test").expect("an address");
    })
    .await;
    let url = authorization_url(&app.base, &[("organization", "acme")]);
    let begun = client().get(url).send().await.expect("answered");
    assert_eq!(header(&begun, "strict-transport-security"), "max-age=63072000; includeSubDomains");
    let binding = header(&begun, "set-cookie").to_owned();
    check_cookie(&binding, "__Host-orgate_browser=");
    let to = Url::parse(header(&begun, "location")).expect("an address");
    assert_eq!(to.origin().ascii_serialization(), "https://id.orgate.test");
    let path = format!("{}?{}", to.path(), to.query().expect("a handle"));
    let cookie = binding.split(';').next().expect("a cookie").to_owned();
    let form = client().get(app.at(&path)).header("cookie", &cookie).send().await.expect("answered");
    let form = form.text().await.expect("a page");
    let field = |name: &str| {
        let (_, rest) = form.split_once(&format!("name=\"{name}\" value=\"")).expect(name);
        rest.split('"').next().expect("a value").to_owned()
    };
    let (request, csrf) = (field("request"), field("csrf"));
    let fields =
        [("request", &*request), ("csrf", &*csrf), ("email", "ada@acme.test"), ("password", PASSWORD)];

    let tossed = cookie.replace("__Host-", "");
    let without = client().post(app.at("/sign-in")).header("cookie", tossed).form(&fields).send().await;
    let signed_in = client().post(app.at("/sign-in")).header("cookie", &cookie).form(&fields).send().await;

    assert_eq!(without.expect("answered").status(), 400, "a cookie that a sub-domain could set is none");
    let signed_in = signed_in.expect("answered");
    assert_eq!(signed_in.status(), 303);
    check_cookie(header(&signed_in, "set-cookie"), "__Host-orgate_session_");
    let to = Url::parse(header(&signed_in, "location")).expect("an address");
    let answer =
        |name: &str| to.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    assert_eq!(answer("iss").as_deref(), Some("https://id.orgate.test"));
    let tokens = app.redeem(&answer("code").expect("a code")).await;
    assert_eq!(tokens.claims("id_token")["iss"], "https://id.orgate.test");
    for path in ["/", "/jwks.json", "/healthz", "/no/such/page"] {
        let response = send(&app, Method::GET, path).await;
        assert_ne!(header(&response, "strict-transport-security"), "", "{path}");
    }
}

/// RFC 6265bis §4.1.3.2: `__Host-` demands `Secure`, `Path=/` and no `Domain`.
fn check_cookie(line: &str, name: &str) {
    assert!(line.starts_with(name), "{line}");
    for attribute in ["; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/"] {
        assert!(line.contains(attribute), "{line}");
    }
    assert!(!line.contains("Domain"), "{line}");
}

#[tokio::test]
async fn over_http_on_this_machine_nothing_is_promised_that_would_not_hold() {
    let app = App::start().await;

    let response = client().get(authorization_url(&app.base, &[("organization", "acme")])).send().await;

    let response = response.expect("answered");
    assert_eq!(header(&response, "strict-transport-security"), "");
    let cookie = header(&response, "set-cookie");
    assert!(cookie.starts_with("orgate_browser=") && cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
    assert!(!cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
    let discovery = app.get("/.well-known/openid-configuration").await;
    assert_eq!(discovery.body["issuer"], app.base.as_str().trim_end_matches('/'));
    assert!(!discovery.body.to_string().contains(SECRET));
}
