//! From a pushed request to a resource (FAPI 2.0 §5.3.2.2).

use orgate_tests::app::client;
use serde_json::json;

use super::bank::{Bank, parameter};

/// FAPI 2.0 §5.3.2: everything together, and every answer says who gave it (RFC 9207).
#[tokio::test]
async fn happy_flow() {
    follow(&Bank::start().await).await;
}

pub(super) async fn follow(bank: &Bank) {
    let to = bank.answer(&bank.push(&[]).await).await;
    let tokens = bank.redeem(&parameter(&to, "code"), &[&bank.proof("/token")]).await;

    assert_eq!(
        (parameter(&to, "iss"), parameter(&to, "state")),
        (bank.issuer().to_owned(), "the-state".to_owned())
    );
    assert_eq!((tokens.status, tokens.text("token_type")), (200, "DPoP".to_owned()));
    let claims = tokens.claims("access_token");
    assert_eq!(claims["cnf"], json!({ "jkt": bank.bound.thumbprint() }));
    assert_eq!((&claims["org_name"], &claims["aud"]), (&json!("acme"), &json!("notes")));
    let userinfo = bank.userinfo("DPoP", &tokens.text("access_token")).await;
    assert_eq!((userinfo.status, &userinfo.body["email"]), (200, &json!("ada@acme.test")));
}

/// RFC 8414 §3.2, FAPI 2.0 §5.3.2.1, 2: what is demanded is also announced.
#[tokio::test]
async fn discovery_end_point_verification() {
    let bank = Bank::start().await;
    let document = bank.app.get("/.well-known/openid-configuration").await.body;
    let has =
        |name: &str, value: &str| document[name].as_array().is_some_and(|list| list.contains(&json!(value)));

    assert_eq!(document["issuer"], json!(bank.issuer()));
    for endpoint in
        ["pushed_authorization_request_endpoint", "token_endpoint", "authorization_endpoint", "jwks_uri"]
    {
        assert!(document[endpoint].as_str().is_some_and(|url| url.starts_with(bank.issuer())), "{endpoint}");
    }
    assert!(has("token_endpoint_auth_methods_supported", "private_key_jwt"));
    assert!(has("code_challenge_methods_supported", "S256"));
    assert!(has("response_types_supported", "code"));
    assert!(has("grant_types_supported", "authorization_code"));
    for list in [
        "token_endpoint_auth_signing_alg_values_supported",
        "dpop_signing_alg_values_supported",
        "request_object_signing_alg_values_supported",
    ] {
        assert!(
            has(list, "PS256") && has(list, "ES256") && !has(list, "none") && !has(list, "HS256"),
            "{list}"
        );
    }
    assert_eq!(document["authorization_response_iss_parameter_supported"], json!(true));
    // FAPI 2.0 §5.3.2.1, 16: nothing is sent on from the authorization endpoint by a status that keeps the body.
    let document = bank.app.get("/.well-known/oauth-authorization-server").await.body;
    assert_eq!(document["issuer"], json!(bank.issuer()));
}

/// OIDC Core §3.1.2.1: returned as it came.
#[tokio::test]
async fn ensure_authorization_request_with_64_char_nonce_success() {
    let bank = Bank::start().await;
    let nonce = "n".repeat(64);

    assert_eq!(bank.tokens(&[("nonce", &nonce)]).await.claims("id_token")["nonce"], json!(nonce));
}

/// OIDC Core §3.1.2.1: a long one too, or it is refused; never cut.
#[tokio::test]
async fn ensure_authorization_request_with_long_nonce() {
    let bank = Bank::start().await;
    let (nonce, longer) = ("n".repeat(512), "n".repeat(513));

    assert_eq!(bank.tokens(&[("nonce", &nonce)]).await.claims("id_token")["nonce"], json!(nonce));
    assert_eq!(bank.par(&[("nonce", &longer)]).await.outcome(), "400 invalid_request");
}

/// RFC 6749 §4.1.2: likewise.
#[tokio::test]
async fn ensure_authorization_request_with_long_state() {
    let bank = Bank::start().await;
    let (state, longer) = ("s".repeat(2048), "s".repeat(2049));

    let to = bank.answer(&bank.push(&[("state", &state)]).await).await;

    assert_eq!(parameter(&to, "state"), state);
    assert_eq!(bank.par(&[("state", &longer)]).await.outcome(), "400 invalid_request");
}

/// OIDC Core §3.1.2.1: optional, and absent from the ID token then.
#[tokio::test]
async fn ensure_authorization_request_without_nonce_success() {
    let bank = Bank::start().await;
    assert_eq!(bank.tokens(&[("nonce", "")]).await.claims("id_token").get("nonce"), None);
}

/// RFC 6749 §4.1.1: optional, and absent from the answer then.
#[tokio::test]
async fn ensure_authorization_request_without_state_success() {
    let bank = Bank::start().await;
    let to = bank.answer(&bank.push(&[("state", "")]).await).await;

    assert!(!to.as_str().contains("state="), "{to}");
    parameter(&to, "code");
}

/// RFC 6749 §3.3: the order of scopes means nothing.
#[tokio::test]
async fn ensure_other_scope_order_succeeds() {
    let bank = Bank::start().await;
    let tokens = bank.tokens(&[("scope", "offline_access email openid")]).await;

    assert_eq!(tokens.text("scope"), "email offline_access openid");
    assert!(!tokens.text("id_token").is_empty());
}

/// OIDC Core §5.5: a claim that nobody here knows is not answered, whatever value it is to have.
#[tokio::test]
async fn ensure_server_handles_non_matching_intent_id() {
    let bank = Bank::start().await;
    let claims =
        json!({ "id_token": { "openbanking_intent_id": { "value": "nobody's", "essential": true } } });

    let tokens = bank.tokens(&[("claims", &claims.to_string())]).await;

    assert_eq!(tokens.claims("id_token").get("openbanking_intent_id"), None);
}

/// OIDC Core §5.5: claims about who it is, one by one.
#[tokio::test]
async fn test_claims_parameter_identity_claims() {
    let bank = Bank::start().await;
    let claims = json!({ "id_token": { "email": { "essential": true } }, "userinfo": { "name": null } });

    let tokens = bank.tokens(&[("scope", "openid profile email"), ("claims", &claims.to_string())]).await;

    assert_eq!(tokens.claims("id_token")["email"], json!("ada@acme.test"));
    let userinfo = bank.userinfo("DPoP", &tokens.text("access_token")).await;
    assert_eq!(userinfo.body["name"], json!("Ada Adler"));
}

/// OIDC Core §5.5.1.1: an essential `acr` is met, or the request fails.
#[tokio::test]
async fn test_essential_acr_sca_claim() {
    let bank = Bank::start().await;
    let essential =
        |value: &str| json!({ "id_token": { "acr": { "essential": true, "values": [value] } } }).to_string();

    let met = bank.tokens(&[("claims", &essential("urn:orgate:acr:single-factor"))]).await;
    let unmet = bank.par(&[("claims", &essential("urn:openbanking:psd2:sca"))]).await;

    assert_eq!(met.claims("id_token")["acr"], json!("urn:orgate:acr:single-factor"));
    assert_eq!(unmet.outcome(), "400 unmet_authentication_requirements");
}

/// RFC 6749 §4.1.2.1: who does not want to sign in says so, and the client hears it.
#[tokio::test]
async fn user_rejects_authentication() {
    let bank = Bank::start().await;
    let page = bank.browser.follow(bank.authorize(&bank.push(&[]).await).await).await;
    let (request, csrf) = (page.field("request"), page.field("csrf"));

    let left = bank.browser.post("/sign-in/cancel", &[("request", &request), ("csrf", &csrf)]).await;

    let to = left.location().unwrap_or_else(|| panic!("{} {}", left.status, left.body));
    assert_eq!(
        (parameter(&to, "error"), parameter(&to, "state")),
        ("access_denied".to_owned(), "the-state".to_owned())
    );
    assert_eq!(parameter(&to, "iss"), bank.issuer());
    let again = bank.browser.post("/sign-in/cancel", &[("request", &request), ("csrf", &csrf)]).await;
    assert_eq!(again.location(), None, "the request is over");
    let events = bank.app.events("acme").await;
    assert!(events.contains(&"sign_in.failed refused cancelled".to_owned()), "{events:?}");
}

/// RFC 9110 §11.1: the scheme's name has no case; a token that is bound is no bearer's (RFC 9449 §7.2).
#[tokio::test]
async fn access_token_type_header_case_sensitivity() {
    let bank = Bank::start().await;
    let token = bank.tokens(&[]).await.text("access_token");

    for scheme in ["DPoP", "dpop", "DPOP", "dPoP"] {
        assert_eq!(bank.userinfo(scheme, &token).await.status, 200, "{scheme}");
    }
    let borne = client().get(bank.app.at("/userinfo")).bearer_auth(&token).send().await.expect("answered");
    assert_eq!(borne.status(), 401);
    let challenge = borne.headers()["www-authenticate"].to_str().expect("text");
    assert!(challenge.starts_with("DPoP "), "{challenge}");
}
