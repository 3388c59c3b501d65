//! Who is asked, and when they last proved who they are.

use chrono::Duration;
use orgate_tests::app::{PASSWORD, Reply};

use crate::conformance::relying_party::{ADA, RelyingParty, asks};

fn auth_time(tokens: &Reply) -> i64 {
    tokens.claims("id_token")["auth_time"].as_i64().expect("auth_time")
}

/// OIDC Core §3.1.2.1: who is signed in has to prove it again, and `auth_time` says so.
pub(crate) async fn oidcc_prompt_login(rp: RelyingParty) {
    let first = rp.tokens(&[]).await;
    rp.app.clock.advance(Duration::seconds(5));
    let silent = rp.redeem(&rp.ask(&[]).await).await;
    assert_eq!(auth_time(&silent), auth_time(&first), "without it nobody is asked");

    let page = rp.authorize(&[("prompt", "login")]).await;

    assert!(asks(&page));
    let refused = rp.browser.sign_in(page.clone(), ADA, "wrong").await;
    assert_eq!((refused.status.as_u16(), refused.location()), (422, None), "the session is no proof");
    let second = rp.redeem(&rp.prove(page).await).await;
    assert!(auth_time(&second) >= auth_time(&first) + 5, "{} {}", auth_time(&second), auth_time(&first));
    assert_eq!(second.claims("id_token")["sub"], first.claims("id_token")["sub"]);
}

/// OIDC Core §3.1.2.6: nobody is asked, and the client learns why it has no code.
pub(crate) async fn oidcc_prompt_none_not_logged_in(rp: RelyingParty) {
    let answer = rp.ask(&[("prompt", "none")]).await;

    assert_eq!((answer["error"].as_str(), answer["state"].as_str()), ("login_required", "the-state"));
    let both = rp.ask(&[("prompt", "none login")]).await;
    assert_eq!(both["error"], "invalid_request", "§3.1.2.1: none stands alone");
    rp.browser.sign_in_to("globex", "gus@globex.test").await;
    let elsewhere = rp.ask(&[("prompt", "none")]).await;
    assert_eq!(elsewhere["error"], "login_required", "another organization's session is none");
}

/// OIDC Core §3.1.2.3: who is signed in is not asked, and proves nothing anew.
pub(crate) async fn oidcc_prompt_none_logged_in(rp: RelyingParty) {
    let first = rp.tokens(&[]).await;
    rp.app.clock.advance(Duration::seconds(5));

    let answer = rp.ask(&[("prompt", "none"), ("nonce", "second")]).await;

    let second = rp.redeem(&answer).await;
    for claim in ["sub", "auth_time", "sid", "org_id"] {
        assert_eq!(second.claims("id_token")[claim], first.claims("id_token")[claim], "{claim}");
    }
    assert_eq!(second.claims("id_token")["nonce"], "second");
    let confirmed = format!("/logout?id_token_hint={}", second.text("id_token"));
    rp.browser.get(confirmed).await;
    let after = rp.ask(&[("prompt", "none")]).await;
    assert_eq!(after["error"], "login_required", "once the session has ended they are asked again");
}

/// OIDC Core §3.1.2.1: an authentication that is older is repeated, and `auth_time` is of the new one.
pub(crate) async fn oidcc_max_age_1(rp: RelyingParty) {
    let first = rp.tokens(&[]).await;
    rp.app.clock.advance(Duration::seconds(3));
    let silent = rp.ask(&[("max_age", "1"), ("prompt", "none")]).await;
    assert_eq!(silent["error"], "login_required");

    let second = rp.tokens(&[("max_age", "1")]).await;

    let claims = second.claims("id_token");
    assert!(auth_time(&second) >= auth_time(&first) + 3);
    assert!(claims["iat"].as_i64().expect("iat") - auth_time(&second) <= 1, "{claims}");
    assert_eq!(claims["sub"], first.claims("id_token")["sub"]);
    let nonsense = rp.ask(&[("max_age", "-1")]).await;
    assert_eq!(nonsense["error"], "invalid_request");
}

/// OIDC Core §3.1.2.1: one that is recent enough will do, and the ID token says when it was (§2).
pub(crate) async fn oidcc_max_age_10000(rp: RelyingParty) {
    let first = rp.tokens(&[("max_age", "10000")]).await;
    rp.app.clock.advance(Duration::seconds(9_990));

    let second = rp.redeem(&rp.ask(&[("max_age", "10000")]).await).await;

    assert_eq!(auth_time(&second), auth_time(&first));
    rp.app.clock.advance(Duration::seconds(20));
    let page = rp.authorize(&[("max_age", "10000")]).await;
    assert!(asks(&page), "ten seconds too old");
    let third = rp.answer(&rp.browser.sign_in(page, ADA, PASSWORD).await);
    assert!(auth_time(&rp.redeem(&third).await) >= auth_time(&first) + 10_000);
}
