//! The flow as a whole, and what the authorization endpoint answers to.

use orgate_tests::app::{CALLBACK, PASSWORD, SECRET, VERIFIER, authorization_url, client};
use serde_json::json;

use crate::conformance::relying_party::{ADA, RelyingParty, asks};

/// OIDC Core §3.1: code, tokens and claims, each of this request alone.
pub(crate) async fn oidcc_server(rp: RelyingParty) {
    let answer = rp.sign_in(&[]).await;
    assert_eq!(answer["state"], "the-state");
    assert_eq!(answer["iss"], rp.app.base.as_str().trim_end_matches('/'), "RFC 9207 §2");
    let tokens = rp.redeem(&answer).await;

    assert_eq!(tokens.text("token_type"), "Bearer");
    assert_eq!(tokens.headers["cache-control"], "no-store", "§3.1.3.3");
    let claims = rp.verify(&tokens.text("id_token"), "the-nonce").await.expect("§3.1.3.7 holds");
    assert_eq!(claims.subject().as_str(), rp.userinfo(&tokens).await["sub"]);
    let of_another = rp.verify(&tokens.text("id_token"), "another-nonce").await;
    assert!(of_another.is_err(), "it answers one request");
    let for_another = rp.verify_as("granted", &tokens.text("id_token"), "the-nonce").await;
    assert!(for_another.is_err(), "it is for one client");
    let granted = [
        ("grant_type", "authorization_code"),
        ("code", &rp.ask(&[]).await["code"]),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let stolen = rp.app.token_as("granted", SECRET, &granted).await;
    assert_eq!(stolen.outcome(), "400 invalid_grant", "§3.1.3.2: a code is its client's");
}

/// OIDC Core §3.1.2.1, RFC 6749 §3.1.1: `response_type` is required, and the code flow's is the only one.
pub(crate) async fn oidcc_response_type_missing(rp: RelyingParty) {
    rp.sign_in(&[]).await;

    for (response_type, error) in [
        ("", "invalid_request"),
        ("token", "unsupported_response_type"),
        ("id_token", "unsupported_response_type"),
        ("code id_token", "unsupported_response_type"),
        ("code token", "unsupported_response_type"),
    ] {
        let answer = rp.ask(&[("response_type", response_type)]).await;
        assert_eq!((answer["error"].as_str(), answer["state"].as_str()), (error, "the-state"));
    }
}

/// RFC 6749 §3.1.2 and §3.3, OIDC Core §3.1.2.1: a request may name its scopes in any order, have no state, and
/// be of a client that has several redirect URIs, one of them with a query, which is kept.
pub(crate) async fn oidcc_alternate_happy_flow(rp: RelyingParty) {
    let with_query = "http://localhost:9/other?tenant=a%20b";
    rp.app
        .apply(&format!(
            "clients:
  - client_id: notes
    organization: operator
    name: Notes
    type: web
    audience: all
    client_secret: \"${{SECRET}}\"
    redirect_uris: [\"{CALLBACK}\", \"{with_query}\"]
    resource: notes"
        ))
        .await;
    let changes = [("redirect_uri", with_query), ("scope", "email openid"), ("state", "")];
    let page = rp.authorize(&changes).await;

    let answer = rp.answer_at(with_query, &rp.browser.sign_in(page, ADA, PASSWORD).await);

    assert!(!answer.contains_key("state"), "none was sent: {answer:?}");
    let redeem = async |redirect_uri| {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", answer["code"].as_str()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        rp.app.token(&form).await
    };
    assert_eq!(redeem(CALLBACK).await.outcome(), "400 invalid_grant", "a code is its redirect URI's");
    assert_eq!(redeem("http://localhost:9/other").await.outcome(), "400 invalid_grant");
    let tokens = redeem(with_query).await;
    assert_eq!(tokens.text("scope"), "email openid");
    assert_eq!(tokens.claims("id_token")["email"], json!(ADA));
}

/// OIDC Core §3.1.2.1: the redirect URI is compared as text with those registered; there is no answer to another.
pub(crate) async fn oidcc_ensure_registered_redirect_uri(rp: RelyingParty) {
    rp.sign_in(&[]).await;

    for redirect_uri in [
        "",
        "http://localhost:9/callback/",
        "http://localhost:9/callback?code=x",
        "http://localhost:9/callback#x",
        "http://localhost:9/Callback",
        "http://localhost:9/../callback",
        "http://localhost:9/%63allback",
        "http://localhost:9",
        "http://localhost/callback",
        "http://LOCALHOST:9/callback",
        "http://127.0.0.1:9/callback",
        "http://localhost:9@evil.test/callback",
        "https://localhost:9/callback",
        "//localhost:9/callback",
    ] {
        for prompt in ["", "none"] {
            let page = rp.authorize(&[("redirect_uri", redirect_uri), ("prompt", prompt)]).await;
            assert_eq!((page.status.as_u16(), page.location()), (400, None), "{redirect_uri}");
            assert!(!page.body.contains("ogac_") && !page.body.contains("<form"), "{redirect_uri}");
        }
    }
}

/// OIDC Core §3.1.2.1: the endpoint takes GET and POST, whose parameters are form-encoded in the body (§13.2).
pub(crate) async fn oidcc_ensure_post_request_succeeds(rp: RelyingParty) {
    let url = authorization_url(&rp.app.base, &rp.request(&[]));
    let form: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // A post comes from another site, without cookies: the browser repeats it as a GET.
    let repeated = rp.browser.post("/authorize", &form).await;
    assert_eq!(repeated.leads_to(), "/authorize");
    let page = rp.browser.get(repeated.location().expect("the same request")).await;

    let tokens = rp.redeem(&rp.prove(page).await).await;

    assert!(rp.verify(&tokens.text("id_token"), "the-nonce").await.is_ok());
    let silent = [&form[..], &[("prompt", "none")]].concat();
    let silent = rp.browser.follow(rp.browser.post("/authorize", &silent).await).await;
    assert!(rp.answer(&silent).contains_key("code"));
    let nothing = rp.browser.follow(rp.browser.post("/authorize", &[]).await).await;
    assert_eq!((nothing.status.as_u16(), nothing.location()), (400, None));
    let json = client().post(rp.app.at("/authorize")).json(&json!({ "client_id": "notes" })).send().await;
    assert_eq!(json.expect("answered").status(), 415);
    let put = client().put(url).send().await.expect("answered");
    assert_eq!(put.status(), 405);
}

/// OIDC Core §3.1.2.1: parameters that are not understood are ignored. Given twice they are an error all the same
/// (RFC 6749 §3.1).
pub(crate) async fn oidcc_ensure_request_with_unknown_parameter_succeeds(rp: RelyingParty) {
    let unknown = [("extra", "foobar"), ("is_admin", "true"), ("org_id", "org_x")];

    let answer = rp.sign_in(&unknown).await;

    let names: Vec<&str> = answer.keys().map(String::as_str).collect();
    assert_eq!(names, ["code", "iss", "state"]);
    let claims = rp.redeem(&answer).await.claims("id_token");
    assert!(unknown.iter().all(|(name, value)| claims.get(name) != Some(&json!(value))), "{claims}");
    let url = authorization_url(&rp.app.base, &rp.request(&unknown));
    let twice = rp.answer(&rp.browser.get(format!("{url}&extra=foobar")).await);
    assert_eq!(twice["error"], "invalid_request");
}

/// OIDC Core §3.1.2.1: a page, which is what there is anyway.
pub(crate) async fn oidcc_display_page(rp: RelyingParty) {
    display(rp, "page").await;
}

/// OIDC Core §3.1.2.1: a popup window, which the pages fit into.
pub(crate) async fn oidcc_display_popup(rp: RelyingParty) {
    display(rp, "popup").await;
}

/// How something is displayed is a wish; it neither fails the request nor answers it.
async fn display(rp: RelyingParty, display: &str) {
    let page = rp.authorize(&[("display", display)]).await;
    assert!(asks(&page));
    let form = rp.browser.follow(page.clone()).await;
    assert!(form.body.contains("Sign in to <bdi>Acme Inc</bdi>"));
    let silent = rp.ask(&[("display", display), ("prompt", "none")]).await;
    assert_eq!(silent["error"], "login_required", "it takes the place of no sign-in");

    let answer = rp.prove(page).await;

    assert!(!answer["code"].is_empty());
}
