//! The plan Front-Channel Logout OP (OIDC Front-Channel Logout 1.0).

use orgate_tests::app::{App, CALLBACK, Page, SECRET};
use serde_json::json;

/// Front-Channel Logout §3: what is served is announced.
#[tokio::test]
async fn oidcc_frontchannel_logout_discovery_endpoint_verification() {
    let document = App::start().await.get("/.well-known/openid-configuration").await.body;

    assert_eq!(document["frontchannel_logout_supported"], json!(true));
    assert_eq!(document["frontchannel_logout_session_supported"], json!(true));
    assert!(document["end_session_endpoint"].is_string(), "RP-Initiated Logout §2.1");
}

/// Front-Channel Logout §2: the browser loads the application's address with `iss` and `sid`, then goes on.
#[tokio::test]
async fn oidcc_frontchannel_rp_initiated_logout() {
    let app = App::start().await;
    app.apply(&format!(
        "clients:
  - client_id: notes
    organization: operator
    name: Notes
    type: web
    audience: all
    client_secret: \"{SECRET}\"
    redirect_uris: [\"{CALLBACK}\"]
    post_logout_redirect_uris: [\"http://localhost:9/\"]
    home_url: \"http://localhost:9/\"
    resource: notes
    frontchannel_logout_uri: \"https://notes.example.test/signed-out?a=b\"
"
    ))
    .await;
    let browser = app.browser();
    let tokens = app.redeem(&browser.sign_in_to("acme", "ada@acme.test").await).await;
    let hint = tokens.text("id_token");
    let mut logout = app.at("/logout");
    logout
        .query_pairs_mut()
        .append_pair("id_token_hint", &hint)
        .append_pair("post_logout_redirect_uri", "http://localhost:9/")
        .append_pair("state", "the state");

    let page = browser.get(logout).await;

    assert_eq!((page.status.as_u16(), page.location()), (200, None), "{}", page.body);
    let frame = between(&page, "<iframe hidden src=\"", "\"");
    let frame = url::Url::parse(&frame).expect("an address");
    let pairs: Vec<(String, String)> = frame.query_pairs().into_owned().collect();
    let sid = tokens.claims("id_token")["sid"].as_str().expect("sid").to_owned();
    let expected = [("a", "b"), ("iss", app.env.issuer.as_str()), ("sid", sid.as_str())];
    assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(frame.path(), "/signed-out");
    let policy = page.headers["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("frame-src https://notes.example.test"), "{policy}");
    assert!(!policy.contains("frame-src *"), "{policy}");
    let onward = between(&page, "content=\"2;url=", "\"");
    assert_eq!(onward, "http://localhost:9/?state=the+state", "also without script");
    assert_eq!(app.refresh(&tokens.text("refresh_token")).await.outcome(), "400 invalid_grant");
    // Whoever has nothing to tell is redirected at once.
    let plain = app.browser();
    let tokens = app.token_as("acme-only", SECRET, &[]).await;
    assert_eq!(tokens.status, 400);
    let page = plain.get(app.at("/logout")).await;
    assert!(!page.body.contains("<iframe"), "{}", page.body);
}

fn between(page: &Page, before: &str, after: &str) -> String {
    let (_, rest) = page.body.split_once(before).unwrap_or_else(|| panic!("no {before}: {}", page.body));
    let (found, _) = rest.split_once(after).expect("its end");
    found.replace("&#38;", "&").replace("&amp;", "&")
}
