//! The token endpoint, and what comes from it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::Duration;
use openidconnect::ClaimsVerificationError;
use orgate_server::apply_file;
use orgate_tests::app::{CALLBACK, Reply, SECRET, VERIFIER};
use serde_json::{Value, json};

use super::notes;
use crate::conformance::relying_party::{Answer, RelyingParty};

fn header_of(token: &str) -> Value {
    let header = token.split('.').next().expect("a header");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).expect("base64url")).expect("JSON")
}

/// OIDC Core §2 and §3.1.3.7: signed with the algorithm that the client registered, by a key that is published.
pub(crate) async fn oidcc_idtoken_signature(rp: RelyingParty) {
    let document = rp.app.get("/.well-known/openid-configuration").await.body;
    let supported = document["id_token_signing_alg_values_supported"].as_array().expect("a list");
    assert!(supported.contains(&json!("RS256")), "OIDC Discovery §3");
    for algorithm in supported.iter().filter_map(Value::as_str) {
        rp.app.apply(&notes(&format!("signing_algorithm: {algorithm}"))).await;

        let id_token = rp.tokens(&[("prompt", "login")]).await.text("id_token");

        assert_eq!(header_of(&id_token)["alg"], json!(algorithm));
        let keys = rp.app.get("/jwks.json").await.body;
        let named = keys["keys"].as_array().expect("keys").iter();
        let named: Vec<_> = named.filter(|key| key["kid"] == header_of(&id_token)["kid"]).collect();
        assert_eq!(named.len(), 1, "§10.1: kid names one key");
        assert_eq!((&named[0]["use"], &named[0]["alg"]), (&json!("sig"), &json!(algorithm)));
        rp.verify(&id_token, "the-nonce").await.expect("the signature verifies");
        let parts: Vec<&str> = id_token.split('.').collect();
        let mut signature = BASE64_URL_SAFE_NO_PAD.decode(parts[2]).expect("base64url");
        signature[0] ^= 1;
        let forged = format!("{}.{}.{}", parts[0], parts[1], BASE64_URL_SAFE_NO_PAD.encode(signature));
        let refused = rp.verify(&forged, "the-nonce").await;
        assert!(matches!(refused, Err(ClaimsVerificationError::SignatureVerification(_))), "{refused:?}");
    }
}

/// OIDC Core §2: ID tokens are signed. `none` would be a client's to register; here none can.
pub(crate) async fn oidcc_idtoken_unsigned(rp: RelyingParty) {
    let document = rp.app.get("/.well-known/openid-configuration").await.body;
    assert!(!document["id_token_signing_alg_values_supported"].to_string().contains("none"));
    let secret = |name: &str| (name == "SECRET").then(|| SECRET.to_owned());
    let unsigned = apply_file::load_str("test.yaml", &notes("signing_algorithm: none"), &secret);
    assert!(unsigned.is_err_and(|problems| problems.to_string().contains("signing_algorithm")));

    let tokens = rp.tokens(&[("id_token_signed_response_alg", "none")]).await;

    let id_token = tokens.text("id_token");
    assert_eq!(header_of(&id_token)["alg"], json!("ES256"));
    let payload = id_token.split('.').nth(1).expect("a payload");
    for header in
        [json!({ "alg": "none" }), json!({ "alg": "none", "typ": "JWT", "kid": header_of(&id_token)["kid"] })]
    {
        let unsigned = format!("{}.{payload}.", BASE64_URL_SAFE_NO_PAD.encode(header.to_string()));
        let hinted = rp.ask(&[("id_token_hint", &unsigned)]).await;
        assert_eq!(hinted["error"], "invalid_request", "nor is one taken");
        assert_eq!(rp.app.userinfo(&unsigned).await.status, 401);
    }
}

/// OIDC Core §3.1.2.1: in the code flow `nonce` is optional. One that was sent is in the ID token, and no other.
pub(crate) async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow(rp: RelyingParty) {
    let without = rp.tokens(&[("nonce", "")]).await;

    assert!(without.claims("id_token").get("nonce").is_none());
    let with = rp.redeem(&rp.ask(&[("nonce", "n-0S6_WzA2Mj")]).await).await;
    assert_eq!(with.claims("id_token")["nonce"], json!("n-0S6_WzA2Mj"));
    let next = rp.redeem(&rp.ask(&[("nonce", "")]).await).await;
    assert!(next.claims("id_token").get("nonce").is_none(), "a nonce is its request's, not the session's");
}

/// RFC 6749 §4.1.2, OIDC Core §3.1.3.2: a code is good once; the second time, what it granted is taken back.
pub(crate) async fn oidcc_codereuse(rp: RelyingParty) {
    reuse(&rp, Duration::zero()).await;
}

/// RFC 6749 §4.1.2: and so it stays, while the code is remembered.
pub(crate) async fn oidcc_codereuse_30seconds(rp: RelyingParty) {
    reuse(&rp, Duration::seconds(30)).await;
    reuse(&rp, Duration::seconds(90)).await; // past the life of the code itself
}

async fn reuse(rp: &RelyingParty, after: Duration) {
    let answer = rp.sign_in(&[("prompt", "login")]).await;
    let others = rp.redeem(&rp.ask(&[]).await).await;
    let tokens = rp.redeem(&answer).await;
    rp.app.clock.advance(after);
    assert_eq!(rp.app.userinfo(&tokens.text("access_token")).await.status, 200);

    let again = rp.app.redeem(&answer["code"]).await;

    assert_eq!(again.outcome(), "400 invalid_grant");
    assert_eq!(again.text("access_token"), "");
    assert_eq!(rp.app.userinfo(&tokens.text("access_token")).await.status, 401);
    assert_eq!(rp.app.refresh(&tokens.text("refresh_token")).await.outcome(), "400 invalid_grant");
    let other = rp.app.userinfo(&others.text("access_token")).await;
    assert_eq!(other.status, 200, "what another code granted stays");
}

fn exchange<'a>(answer: &'a Answer, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let form =
        [("grant_type", "authorization_code"), ("code", answer["code"].as_str()), ("redirect_uri", CALLBACK)];
    [&form, more].concat()
}

/// OIDC Core §9 (`client_secret_post`), RFC 6749 §2.3.1: in the body, by one method at a time, never in the query.
pub(crate) async fn oidcc_server_client_secret_post(rp: RelyingParty) {
    let answer = rp.sign_in(&[]).await;
    let proof = |secret| [("client_id", "notes"), ("client_secret", secret), ("code_verifier", VERIFIER)];
    let document = rp.app.get("/.well-known/openid-configuration").await.body;
    let methods = document["token_endpoint_auth_methods_supported"].as_array().expect("methods");
    assert!(methods.contains(&json!("client_secret_post")));

    let wrong = rp.app.post("/token", &exchange(&answer, &proof("wrong"))).await;
    let none = [("client_id", "notes"), ("code_verifier", VERIFIER)];
    let without = rp.app.post("/token", &exchange(&answer, &none)).await;
    let in_query = format!("/token?client_id=notes&client_secret={SECRET}");
    let in_query = rp.app.post(&in_query, &exchange(&answer, &[("code_verifier", VERIFIER)])).await;
    let twice = rp.app.token(&exchange(&answer, &proof(SECRET))).await;
    let right = rp.app.post("/token", &exchange(&answer, &proof(SECRET))).await;

    for refused in [&wrong, &without, &in_query] {
        assert_eq!(refused.outcome(), "401 invalid_client");
    }
    assert_eq!(twice.outcome(), "400 invalid_request", "RFC 6749 §2.3: two methods");
    assert_eq!(right.status, 200, "{}", right.body);
    assert!(rp.verify(&right.text("id_token"), "the-nonce").await.is_ok());
}

/// OIDC Core §12: renewed tokens are about the same sign-in, and a refresh token is its client's (RFC 6749 §6).
pub(crate) async fn oidcc_refresh_token(rp: RelyingParty) {
    let online = rp.tokens(&[("scope", "openid")]).await;
    assert_eq!(online.text("refresh_token"), "", "§11: it is asked for by offline_access");
    let tokens = rp.redeem(&rp.ask(&[]).await).await;
    let presented = tokens.text("refresh_token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", presented.as_str())];
    let stolen = rp.app.token_as("granted", SECRET, &form).await;
    assert_eq!(stolen.outcome(), "400 invalid_grant", "it is its client's");
    let wider = rp.app.token(&[&form[..], &[("scope", "openid profile email phone")]].concat()).await;
    assert_eq!(wider.outcome(), "400 invalid_scope");
    rp.app.clock.advance(Duration::seconds(2));

    let renewed = rp.app.refresh(&presented).await;

    let (before, after) = (tokens.claims("id_token"), renewed.claims("id_token"));
    for claim in ["iss", "sub", "aud", "auth_time", "azp"] {
        assert_eq!(before.get(claim), after.get(claim), "§12.2: {claim}");
    }
    assert!(after["iat"].as_i64() > before["iat"].as_i64(), "§12.2");
    assert!(after.get("nonce").is_none(), "§12.2");
    assert_eq!(rp.userinfo(&renewed).await["sub"], before["sub"]);
    let next = rp.app.refresh(&renewed.text("refresh_token")).await;
    assert_eq!(next.status, 200, "{}", next.body);
    assert_eq!(
        rp.app.refresh(&presented).await.outcome(),
        "400 invalid_grant",
        "RFC 9700 §4.14.2: it rotates"
    );
    assert_eq!(rp.app.refresh(&next.text("refresh_token")).await.outcome(), "400 invalid_grant");
}

/// RFC 7636 §4: the code is whose verifier hashes to the challenge. Every request has one.
pub(crate) async fn oidcc_ensure_request_with_valid_pkce_succeeds(rp: RelyingParty) {
    let answer = rp.sign_in(&[]).await;

    let missing = rp.app.token(&exchange(&answer, &[])).await;
    let wrong = "x".repeat(43);
    let wrong = rp.app.token(&exchange(&answer, &[("code_verifier", &wrong)])).await;
    let right: Reply = rp.app.token(&exchange(&answer, &[("code_verifier", VERIFIER)])).await;

    assert_eq!(missing.outcome(), "400 invalid_grant", "§4.6");
    assert_eq!(wrong.outcome(), "400 invalid_grant", "§4.6");
    assert_eq!(right.status, 200, "{}", right.body);
    for change in [
        [("code_challenge", ""), ("code_challenge_method", "")],
        [("code_challenge", VERIFIER), ("code_challenge_method", "plain")],
        [("code_challenge", VERIFIER), ("code_challenge_method", "")],
        [("code_challenge", "short"), ("code_challenge_method", "S256")],
    ] {
        assert_eq!(rp.ask(&change).await["error"], "invalid_request", "{change:?}");
    }
    let document = rp.app.get("/.well-known/openid-configuration").await.body;
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
}
