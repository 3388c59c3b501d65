//! Which scripts may read our answers (Fetch §3.2): those of single-page clients, at the endpoints that they need.

use orgate_domain::ids::OrgId;
use orgate_tests::app::{App, CALLBACK, PASSWORD, Reply, VERIFIER, client};
use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Method, Response};

/// Where the sample single-page client's pages are.
const OURS: &str = "http://localhost:9";

/// Those of anybody who has no single-page client here: also `notes`, which runs on a server, and near misses.
const CLIENTS: &str = r#"
clients:
  - client_id: on-a-server
    organization: operator
    name: On A Server
    type: web
    audience: all
    client_secret: "${SECRET}"
    redirect_uris: ["https://server.test/callback"]
  - client_id: on-a-device
    organization: operator
    name: On A Device
    type: native
    audience: all
    redirect_uris: ["https://device.test/callback", "com.example.app:/callback"]
  - client_id: in-a-browser
    organization: acme
    name: In A Browser
    type: spa
    audience: owner
    redirect_uris: ["https://spa.test/callback?a=1", "https://other.spa.test:8443"]
"#;

const STRANGERS: [&str; 14] = [
    "https://server.test",
    "https://device.test",
    "com.example.app://",
    "https://evil.test",
    "http://spa.test",
    "https://spa.test:8443",
    "https://spa.test:443",
    "https://spa.test/",
    "https://SPA.test",
    "https://spa.test.evil.test",
    "https://sub.spa.test",
    "http://localhost:90",
    "null",
    "*",
];

/// What scripts may call, each with its method.
const CALLED: [(&str, &str); 4] =
    [("/token", "POST"), ("/revoke", "POST"), ("/userinfo", "GET"), ("/userinfo", "POST")];

const DOCUMENTS: [&str; 3] =
    ["/jwks.json", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

/// Each with the paths of every issuer: the shared one's, and an organization's.
async fn all<'a, const N: usize>(app: &App, origins: [&'a str; N]) -> Vec<(String, &'a str)> {
    let own = format!("/o/{}", app.org("acme").await.org_id());
    origins.into_iter().flat_map(|origin| [(String::new(), origin), (own.clone(), origin)]).collect()
}

async fn preflight(app: &App, path: &str, method: &str, origin: &str) -> Response {
    let request = client()
        .request(Method::OPTIONS, app.at(path))
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", "authorization,content-type,dpop");
    request.send().await.expect("answered")
}

/// A call to the token endpoint by a script of `origin`.
async fn call(app: &App, path: &str, origin: &str, form: &[(&str, &str)]) -> Reply {
    let request = client().post(app.at(path)).header("origin", origin).form(form);
    Reply::of(request.send().await.expect("answered")).await
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

/// All that is said about other origins, but that answers differ by them.
fn said(headers: &HeaderMap) -> Vec<&str> {
    headers.keys().map(HeaderName::as_str).filter(|name| name.starts_with("access-control-")).collect()
}

#[tokio::test]
async fn scripts_of_single_page_clients_may_call_what_they_need() {
    let app = App::start().await;
    app.apply(CLIENTS).await;

    for (issuer, origin) in all(&app, [OURS, "https://spa.test", "https://other.spa.test:8443"]).await {
        for (path, method) in CALLED {
            let path = format!("{issuer}{path}");
            let response = preflight(&app, &path, method, origin).await;
            let headers = response.headers();
            assert_eq!(response.status(), 204, "{path}");
            assert_eq!(header(headers, "access-control-allow-origin"), origin, "{path}");
            assert_eq!(header(headers, "access-control-allow-credentials"), "", "{path}");
            assert_eq!(header(headers, "vary"), "origin", "{path}");
            assert!(header(headers, "access-control-allow-methods").contains(method), "{path}");
            for name in ["authorization", "content-type", "dpop"] {
                assert!(header(headers, "access-control-allow-headers").contains(name), "{path} {name}");
            }
            assert!(!headers.contains_key("set-cookie"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_script_signs_in_refreshes_reads_errors_and_revokes() {
    let app = App::start().await;
    let browser = app.browser();
    let page = browser.authorize(&[("organization", "acme"), ("client_id", "public")]).await;
    let code = browser.sign_in(page, "ada@acme.test", PASSWORD).await.answer("code");

    let redeem = [
        ("grant_type", "authorization_code"),
        ("client_id", "public"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let granted = call(&app, "/token", OURS, &redeem).await;
    let refused = call(&app, "/token", OURS, &[("grant_type", "x"), ("client_id", "public")]).await;
    let unknown = call(&app, "/token", OURS, &[("grant_type", "x"), ("client_id", "nobody")]).await;
    let token = granted.text("access_token");
    let userinfo = client().get(app.at("/userinfo")).header("origin", OURS).bearer_auth(&token);
    let userinfo = Reply::of(userinfo.send().await.expect("answered")).await;
    let unproven = client().get(app.at("/userinfo")).header("origin", OURS).bearer_auth("x");
    let unproven = Reply::of(unproven.send().await.expect("answered")).await;
    let refresh_token = granted.text("refresh_token");
    let revoked = call(&app, "/revoke", OURS, &[("token", &refresh_token), ("client_id", "public")]).await;

    for (reply, outcome) in [
        (&granted, "200"),
        (&refused, "400 unsupported_grant_type"),
        (&unknown, "401 invalid_client"),
        (&userinfo, "200"),
        (&unproven, "401 invalid_token"),
        (&revoked, "200"),
    ] {
        assert_eq!(reply.outcome(), outcome);
        assert_eq!(header(&reply.headers, "access-control-allow-origin"), OURS, "{outcome}");
        assert_eq!(header(&reply.headers, "access-control-allow-credentials"), "", "{outcome}");
        let exposed = header(&reply.headers, "access-control-expose-headers");
        assert!(exposed.contains("www-authenticate") && exposed.contains("dpop-nonce"), "{exposed}");
        assert_eq!(header(&reply.headers, "vary"), "origin", "{outcome}");
    }
}

#[tokio::test]
async fn other_origins_get_nothing() {
    let app = App::start().await;
    app.apply(CLIENTS).await;

    for (issuer, origin) in all(&app, STRANGERS).await {
        for (path, method) in CALLED {
            let path = format!("{issuer}{path}");
            let asked = preflight(&app, &path, method, origin).await;
            assert_eq!(asked.status(), 405, "{origin} {path}");
            assert_eq!(said(asked.headers()), Vec::<&str>::new(), "{origin} {path}");
            assert_eq!(header(asked.headers(), "vary"), "origin", "a cache keeps them apart");
        }
        let form = [("grant_type", "x"), ("client_id", "public")];
        let answer = call(&app, &format!("{issuer}/token"), origin, &form).await;
        assert_eq!(answer.outcome(), "400 unsupported_grant_type", "{origin}");
        assert_eq!(said(&answer.headers), Vec::<&str>::new(), "{origin}");
    }
    let long = format!("https://{}.test", "a".repeat(4000));
    assert_eq!(said(preflight(&app, "/token", "POST", &long).await.headers()), Vec::<&str>::new());
}

#[tokio::test]
async fn documents_are_anybodys_and_everything_else_is_nobodys() {
    let app = App::start().await;

    let own = format!("/o/{}", app.org("acme").await.org_id());
    let below = DOCUMENTS.map(|path| format!("{own}{path}"));
    let beside = format!("/.well-known/oauth-authorization-server{own}");
    for path in DOCUMENTS.map(str::to_owned).into_iter().chain(below).chain([beside]) {
        let document = client().get(app.at(&path)).header("origin", "https://evil.test").send().await;
        let document = document.expect("answered");
        assert_eq!(document.status(), 200, "{path}");
        assert_eq!(header(document.headers(), "access-control-allow-origin"), "*", "{path}");
        assert_eq!(header(document.headers(), "access-control-allow-credentials"), "", "{path}");
    }
    for path in [
        "/par",
        "/device_authorization",
        "/introspect",
        "/authorize",
        "/sign-in",
        "/choose",
        "/discover",
        "/logout",
        "/sso/org_x/con_x/jwks",
        "/sso/org_x/con_x/backchannel-logout",
        "/healthz",
        "/no/such/page",
    ] {
        for method in ["GET", "POST"] {
            let asked = preflight(&app, path, method, OURS).await;
            assert_eq!(said(asked.headers()), Vec::<&str>::new(), "{path}");
            assert!(!asked.status().is_success(), "{path}: {}", asked.status());
        }
    }
}

#[tokio::test]
async fn an_origin_is_admitted_as_long_as_its_client_is() {
    let app = App::start().await;
    app.apply(CLIENTS).await;
    let admitted = async |origin: &str| {
        let response = preflight(&app, "/token", "POST", origin).await;
        response.headers().contains_key("access-control-allow-origin")
    };
    assert!(admitted("https://spa.test").await);

    app.apply(&CLIENTS.replace("https://spa.test/callback?a=1", "https://moved.test/")).await;
    assert!(!admitted("https://spa.test").await, "its pages are elsewhere now");
    assert!(admitted("https://moved.test").await);

    app.apply(&CLIENTS.replace("type: spa", "type: spa\n    status: disabled")).await;
    for origin in ["https://spa.test", "https://moved.test", "https://other.spa.test:8443"] {
        assert!(!admitted(origin).await, "{origin}");
    }
}

/// At its issuer, an organization's own clients count, and those that it lets in.
#[tokio::test]
async fn an_organizations_issuer_admits_the_origins_of_its_clients_alone() {
    let app = App::start().await;
    let others = "  - { client_id: someone-elses, organization: operator, name: Guest, type: spa, audience: all, party: third, redirect_uris: [\"https://guest.test/cb\"] }\n";
    app.apply(&format!("{CLIENTS}{others}")).await;
    let (acme, globex) = (app.org("acme").await.org_id(), app.org("globex").await.org_id());
    let admitted = async |organization: OrgId, origin: &str| {
        let response = preflight(&app, &format!("/o/{organization}/token"), "POST", origin).await;
        response.headers().contains_key("access-control-allow-origin")
    };
    let policy = async |allowance: &str| {
        let policy = format!("policy: {{ third_party_clients: {allowance} }}");
        app.apply(&format!("organizations: [{{ slug: globex, name: Globex Corporation, {policy} }}]")).await;
    };

    assert_eq!(
        (admitted(acme, "https://spa.test").await, admitted(globex, "https://spa.test").await),
        (true, false)
    );
    for organization in [acme, globex] {
        assert!(admitted(organization, OURS).await && admitted(organization, "https://guest.test").await);
    }
    policy("forbidden").await;
    assert_eq!(
        (admitted(acme, "https://guest.test").await, admitted(globex, "https://guest.test").await),
        (true, false)
    );
    assert!(admitted(globex, OURS).await, "the product's own go on");
    policy("allowed").await;
    assert!(admitted(globex, "https://guest.test").await);
}

#[tokio::test]
async fn who_asks_for_many_origins_learns_of_no_more() {
    let app = App::start_with(|settings| settings.limits.pages_per_minute = 4).await;
    app.apply(CLIENTS).await;
    let admitted = async |origin: &str| {
        let response = preflight(&app, "/token", "POST", origin).await;
        response.headers().contains_key("access-control-allow-origin")
    };
    assert!(admitted(OURS).await);

    for number in 0..3 {
        assert!(!admitted(&format!("https://guess{number}.test")).await);
    }

    assert!(!admitted("https://spa.test").await, "it is not looked up any more");
    assert!(admitted(OURS).await, "what is known costs nothing");
}
