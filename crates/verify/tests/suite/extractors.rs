//! What reaches an axum handler.

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    routing::get,
};
use orgate_verify::{OrgToken, Rejection, RequestOrg, Verifier};
use serde_json::{Value, json};

use crate::issuer::{ACME, GLOBEX, Issuer, SigningKey};

/// A backend with a token of Acme's.
struct Backend {
    url: String,
    issuer: Issuer,
    key: SigningKey,
}

async fn any_org(OrgToken(token): OrgToken) -> String {
    token.org_id().to_string()
}

async fn named_org(RequestOrg(token): RequestOrg) -> String {
    token.org_id().to_string()
}

async fn delete(RequestOrg(token): RequestOrg) -> Result<(), Rejection> {
    token.require_permission("notes:delete")
}

impl Backend {
    async fn start(configure: impl FnOnce(&Issuer) -> Arc<Verifier>) -> Self {
        let key = SigningKey::es256("k1");
        let issuer = Issuer::start(&[&key]).await;
        let router = Router::new()
            .route("/me", get(any_org))
            .route("/orgs/{org}/me", get(any_org))
            .route("/orgs/{org}/notes", get(named_org).delete(delete))
            .route("/by-id/{org_id}", get(named_org))
            .route("/both/{org}/{org_id}", get(named_org))
            .route("/tenants/{tenant}", get(named_org))
            .route("/notes", get(named_org))
            .nest("/nested/{organization}", Router::new().route("/notes", get(any_org)))
            .fallback(named_org)
            .with_state(configure(&issuer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, issuer, key }
    }

    async fn get(&self, path: &str, headers: &[(&'static str, &str)]) -> reqwest::Response {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.get(format!("{}{path}", self.url)).headers(map).send().await.unwrap()
    }

    /// The status of a request with Acme's token.
    async fn status(&self, path: &str, headers: &[(&'static str, &str)]) -> u16 {
        let bearer = format!("Bearer {}", self.key.sign(&self.issuer.claims()));
        let headers: Vec<_> = [("authorization", bearer.as_str())].iter().chain(headers).copied().collect();
        self.get(path, &headers).await.status().as_u16()
    }
}

async fn backend() -> Backend {
    Backend::start(Issuer::verifier).await
}

/// Status, `WWW-Authenticate` and body.
async fn seen(response: reqwest::Response) -> (u16, Option<String>, Value) {
    let status = response.status().as_u16();
    let challenge =
        response.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    (status, challenge, serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

#[tokio::test]
async fn a_request_reaches_the_tokens_organization_by_id_or_slug() {
    let backend = backend().await;
    for path in [
        "/me".to_owned(),
        format!("/orgs/{ACME}/me"),
        format!("/orgs/{ACME}/notes"),
        format!("/by-id/{ACME}"),
        format!("/both/acme/{ACME}"),
        "/orgs/acme/notes".to_owned(),
        "/orgs/%61cme/notes".to_owned(),
        "/nested/acme/notes".to_owned(),
    ] {
        assert_eq!(backend.status(&path, &[]).await, 200, "{path}");
    }
    for header in ["orgate-organization", "x-org-id"] {
        for value in [ACME, "acme"] {
            assert_eq!(backend.status("/notes", &[(header, value)]).await, 200, "{header}: {value}");
        }
    }
}

#[tokio::test]
async fn another_organization_in_the_path_or_a_header_is_forbidden() {
    let backend = backend().await;
    for path in [
        format!("/orgs/{GLOBEX}/me"),
        format!("/orgs/{GLOBEX}/notes"),
        format!("/by-id/{GLOBEX}"),
        format!("/both/{ACME}/{GLOBEX}"),
        format!("/both/globex/{ACME}"),
        format!("/nested/{GLOBEX}/notes"),
        "/orgs/globex/notes".to_owned(),
        "/orgs/ACME/notes".to_owned(),
        "/orgs/acme%20/notes".to_owned(),
        format!("/orgs/{}/notes", ACME.to_uppercase()),
    ] {
        assert_eq!(backend.status(&path, &[]).await, 403, "{path}");
    }
    let path = format!("/orgs/{ACME}/notes");
    for headers in [
        &[("orgate-organization", GLOBEX)][..],
        &[("orgate-organization", "")],
        &[("orgate-organization", "acme, globex")],
        &[("orgate-organization", "acm\u{e9}")],
        &[("orgate-organization", ACME), ("orgate-organization", GLOBEX)],
        &[("orgate-organization", ACME), ("x-org-id", GLOBEX)],
        &[("x-org-id", "globex")],
    ] {
        assert_eq!(backend.status(&path, headers).await, 403, "{headers:?}");
        assert_eq!(backend.status("/me", headers).await, 403, "{headers:?}");
    }
}

#[tokio::test]
async fn a_slug_that_looks_like_anothers_id_opens_nothing() {
    let backend = backend().await;
    let bearer = format!("Bearer {}", backend.issuer.token_with(&backend.key, "org_name", json!(GLOBEX)));

    let response = backend.get(&format!("/orgs/{GLOBEX}/notes"), &[("authorization", &bearer)]).await;

    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_request_that_names_no_organization_is_refused_where_one_is_required() {
    let backend = backend().await;
    for path in ["/notes", "/tenants/globex", "/no/such/route"] {
        assert_eq!(backend.status(path, &[]).await, 400, "{path}");
    }
    for path in ["/orgs/%ff/me", "/orgs/%ff/notes"] {
        assert_eq!(backend.status(path, &[]).await, 400, "{path}");
    }
}

#[tokio::test]
async fn other_names_can_be_configured() {
    let backend = Backend::start(|issuer| {
        let builder = issuer
            .builder()
            .organization_path_parameters(["tenant"])
            .organization_headers([HeaderName::from_static("x-tenant")]);
        Arc::new(builder.build().unwrap())
    })
    .await;

    assert_eq!(backend.status("/tenants/acme", &[]).await, 200);
    assert_eq!(backend.status("/tenants/globex", &[]).await, 403);
    assert_eq!(backend.status("/notes", &[("x-tenant", "acme")]).await, 200);
    assert_eq!(backend.status("/me", &[("x-tenant", "globex")]).await, 403);
    assert_eq!(backend.status("/notes", &[("x-org-id", "acme")]).await, 400);
}

#[tokio::test]
async fn refusals_are_those_of_rfc_6750_and_say_nothing_more() {
    let backend = backend().await;
    let good = format!("Bearer {}", backend.key.sign(&backend.issuer.claims()));
    let expired = format!("Bearer {}", backend.issuer.token_with(&backend.key, "exp", json!(1)));
    let no_org = format!("Bearer {}", backend.issuer.token_with(&backend.key, "org_id", json!("acme")));

    let unauthorized = json!({ "type": "about:blank", "title": "Unauthorized", "status": 401 });
    let bad_request = json!({ "type": "about:blank", "title": "Bad Request", "status": 400 });
    let (none, invalid) = ("Bearer", "Bearer error=\"invalid_token\"");
    let malformed = "Bearer error=\"invalid_request\"";
    for (headers, status, challenge, body) in [
        (&[][..], 401, none, &unauthorized),
        (&[("authorization", "Basic YTpi")], 401, none, &unauthorized),
        (&[("authorization", "DPoP abc")], 401, none, &unauthorized),
        (&[("authorization", "Bearer abc")], 401, invalid, &unauthorized),
        (&[("authorization", &expired)], 401, invalid, &unauthorized),
        (&[("authorization", &no_org)], 401, invalid, &unauthorized),
        (&[("authorization", &format!("{good}, {good}"))], 401, invalid, &unauthorized),
        (&[("authorization", "Bearer")], 400, malformed, &bad_request),
        (&[("authorization", &good), ("authorization", &good)], 400, malformed, &bad_request),
        (&[("authorization", "Bearer \u{e9}")], 400, malformed, &bad_request),
    ] {
        let answer = seen(backend.get("/me", headers).await).await;
        assert_eq!(answer, (status, Some(challenge.to_owned()), body.clone()), "{headers:?}");
    }
    let query = format!("/me?access_token={}", &good["Bearer ".len()..]);
    assert_eq!(backend.get(&query, &[]).await.status(), StatusCode::UNAUTHORIZED);

    let forbidden = json!({ "type": "about:blank", "title": "Forbidden", "status": 403 });
    let mismatch = seen(backend.get("/orgs/globex/me", &[("authorization", &good)]).await).await;
    assert_eq!(mismatch, (403, None, forbidden.clone()));

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let lacking = client
        .delete(format!("{}/orgs/acme/notes", backend.url))
        .header("authorization", good.to_lowercase()[..6].to_owned() + &good[6..]);
    let lacking = seen(lacking.send().await.unwrap()).await;
    assert_eq!(lacking, (403, Some("Bearer error=\"insufficient_scope\"".to_owned()), forbidden));
}

#[tokio::test]
async fn without_keys_the_answer_is_unavailable_and_never_a_pass() {
    let backend = backend().await;
    backend.issuer.set(|published| published.status = Some(StatusCode::INTERNAL_SERVER_ERROR));
    assert_eq!(backend.status("/orgs/acme/notes", &[]).await, 503);
}

#[tokio::test]
async fn a_dpop_bound_token_is_no_bearer_token_even_where_bound_tokens_are_accepted() {
    let backend =
        Backend::start(|issuer| Arc::new(issuer.builder().allow_sender_constrained().build().unwrap())).await;
    for (member, status) in [("jkt", 401), ("x5t#S256", 200)] {
        let token = backend.issuer.token_with(&backend.key, "cnf", json!({ member: "abc" }));
        let response = backend.get("/me", &[("authorization", &format!("Bearer {token}"))]).await;
        assert_eq!(response.status(), status, "{member}");
    }
}
