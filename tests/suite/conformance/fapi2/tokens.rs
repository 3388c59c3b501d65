//! The token endpoint: codes, keys and proofs (FAPI 2.0 §5.3.2.1; RFC 9449).

use chrono::Duration;
use orgate_tests::app::{CALLBACK, Reply};
use orgate_tests::signer::Signer;
use serde_json::{Value, json};

use super::bank::{Bank, parameter, proven};

/// RFC 6749 §4.1.2: a code is good once, and its reuse revokes what it gave.
#[tokio::test]
async fn attempt_reuse_authorization_code_after_one_second() {
    let bank = Bank::start().await;
    let code = bank.code(&[]).await;
    let tokens = bank.redeem(&code, &[&bank.proof("/token")]).await;
    assert_eq!(bank.userinfo("DPoP", &tokens.text("access_token")).await.status, 200);
    bank.app.clock.advance(Duration::seconds(1));

    let again = bank.redeem(&code, &[&bank.proof("/token")]).await;

    assert_eq!(again.outcome(), "400 invalid_grant");
    assert_eq!(bank.userinfo("DPoP", &tokens.text("access_token")).await.status, 401);
}

/// FAPI 2.0 §5.3.2.2, 10: a minute at most.
#[tokio::test]
async fn ensure_token_endpoint_fails_with_expired_auth_code() {
    let bank = Bank::start().await;
    let code = bank.code(&[]).await;
    bank.app.clock.advance(Duration::seconds(61));

    assert_eq!(bank.redeem(&code, &[&bank.proof("/token")]).await.outcome(), "400 invalid_grant");
}

/// RFC 7636 §4.6: no verifier is a wrong one.
#[tokio::test]
async fn ensure_pkce_code_verifier_required() {
    let bank = Bank::start().await;
    let code = bank.code(&[]).await;
    let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];

    assert_eq!(bank.call("/token", &[&bank.proof("/token")], &form).await.outcome(), "400 invalid_grant");
}

/// RFC 7636 §4.6.
#[tokio::test]
async fn incorrect_pkce_code_verifier_rejected() {
    let bank = Bank::start().await;
    let code = bank.code(&[]).await;
    let wrong = "w".repeat(43);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", &wrong),
    ];

    assert_eq!(bank.call("/token", &[&bank.proof("/token")], &form).await.outcome(), "400 invalid_grant");
}

/// FAPI 2.0 §5.3.2.1, 4: only tokens that are bound to a key.
#[tokio::test]
async fn ensure_holder_of_key_required() {
    let bank = Bank::start().await;
    let code = bank.code(&[]).await;

    assert_eq!(bank.redeem(&code, &[]).await.outcome(), "400 invalid_dpop_proof");
    let tokens = bank.redeem(&code, &[&bank.proof("/token")]).await;
    assert_eq!(tokens.status, 200, "a refusal spends nothing");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", &tokens.text("refresh_token"))];
    assert_eq!(bank.call("/token", &[], &refresh).await.outcome(), "400 invalid_dpop_proof");
}

/// RFC 9449 §4.3: every check, one by one.
#[tokio::test]
async fn dpop_negative_tests() {
    let bank = Bank::start().await;
    let code = bank.code(&[]).await;
    let now = bank.now();
    let none = json!({});
    let symmetric = json!({ "alg": "HS256", "jwk": { "kty": "oct", "k": "c2VjcmV0" } });
    let private = json!({ "jwk": { "kty": "EC", "crv": "P-256", "x": "a", "y": "b", "d": "c" } });
    for (header, claims) in [
        (json!({ "typ": "JWT" }), none.clone()),
        (json!({ "typ": null }), none.clone()),
        (json!({ "alg": "none" }), none.clone()),
        (json!({ "alg": "PS256" }), none.clone()),
        (symmetric, none.clone()),
        (private, none.clone()),
        (json!({ "jwk": null }), none.clone()),
        (json!({ "jwk": Signer::default().jwk }), none.clone()),
        (none.clone(), json!({ "htm": "GET" })),
        (none.clone(), json!({ "htm": null })),
        (none.clone(), json!({ "htu": bank.app.at("/par") })),
        (none.clone(), json!({ "htu": "https://elsewhere.example.test/token" })),
        (none.clone(), json!({ "htu": null })),
        (none.clone(), json!({ "jti": null })),
        (none.clone(), json!({ "iat": null })),
        (none.clone(), json!({ "iat": now - 3600 })),
        (none.clone(), json!({ "iat": now + 3600 })),
        (none.clone(), json!({ "nonce": "made up" })),
    ] {
        let proof = bank.proof_by(&bank.bound, "/token", (&header, &claims));
        let outcome = bank.redeem(&code, &[&proof]).await.outcome();
        let wants_nonce = claims.get("nonce").is_some();
        let expected = if wants_nonce { "400 use_dpop_nonce" } else { "400 invalid_dpop_proof" };
        assert_eq!(outcome, expected, "{header} {claims}");
    }
    let (one, two) = (bank.proof("/token"), bank.proof("/token"));
    assert_eq!(bank.redeem(&code, &[&one, &two]).await.outcome(), "400 invalid_dpop_proof", "one header");
    assert_eq!(bank.redeem(&code, &["x"]).await.outcome(), "400 invalid_dpop_proof");
    let rsa = bank.proof_by_rsa("/token");
    assert_eq!(bank.redeem(&code, &[&rsa]).await.outcome(), "400 invalid_dpop_proof", "FAPI 2.0 §5.4.1, 1");
    let twice = bank.proof("/token");
    assert_eq!(bank.redeem(&code, &[&twice]).await.status, 200);
    assert_eq!(
        bank.redeem(&code, &[&twice]).await.outcome(),
        "400 invalid_dpop_proof",
        "a proof is good once"
    );
}

/// RFC 7519 §4.1: not asked for in a proof, and not ignored either.
#[tokio::test]
async fn check_dpop_proof_nbf_exp() {
    let bank = Bank::start().await;
    let now = bank.now();

    for claims in [json!({ "exp": now - 300 }), json!({ "nbf": now + 300 })] {
        assert_eq!(redeem_with(&bank, &claims).await.outcome(), "400 invalid_dpop_proof", "{claims}");
    }
    assert_eq!(redeem_with(&bank, &json!({ "nbf": now, "exp": now + 60 })).await.status, 200);
}

/// FAPI 2.0 §5.3.2.1, 13: clocks may differ by ten seconds.
#[tokio::test]
async fn ensure_dpopproof_with_iat_10seconds_after_succeeds() {
    let bank = Bank::start().await;
    assert_eq!(redeem_with(&bank, &json!({ "iat": bank.now() + 10 })).await.status, 200);
}

/// FAPI 2.0 §5.3.2.1, 13.
#[tokio::test]
async fn ensure_dpopproof_with_iat_10seconds_before_succeeds() {
    let bank = Bank::start().await;
    assert_eq!(redeem_with(&bank, &json!({ "iat": bank.now() - 10 })).await.status, 200);
}

/// A fresh code, redeemed with a proof whose claims are changed.
async fn redeem_with(bank: &Bank, claims: &Value) -> Reply {
    let code = bank.code(&[]).await;
    bank.redeem(&code, &[&bank.proof_by(&bank.bound, "/token", (&json!({}), claims))]).await
}

/// RFC 9449 §10: a code that was asked for with a key's thumbprint is redeemed with that key.
#[tokio::test]
async fn ensure_dpop_auth_code_binding_success() {
    let bank = Bank::start().await;
    let code = bank.code(&[("dpop_jkt", &bank.bound.thumbprint())]).await;

    let tokens = bank.redeem(&code, &[&bank.proof("/token")]).await;

    assert_eq!(tokens.claims("access_token")["cnf"]["jkt"], json!(bank.bound.thumbprint()));
}

/// RFC 9449 §10: and with no other.
#[tokio::test]
async fn ensure_token_endpoint_fails_with_mismatched_dpop_jkt() {
    let bank = Bank::start().await;
    let code = bank.code(&[("dpop_jkt", &Signer::default().thumbprint())]).await;

    assert_eq!(bank.redeem(&code, &[&bank.proof("/token")]).await.outcome(), "400 invalid_grant");
}

/// RFC 9449 §10.1: a proof beside the pushed request binds the code as well.
#[tokio::test]
async fn ensure_dpopproof_at_par_endpoint_binding_success() {
    let bank = Bank::start().await;
    let pushed = bank.call("/par", &[&bank.proof("/par")], &Bank::request(&[])).await.text("request_uri");
    let code = parameter(&bank.answer(&pushed).await, "code");

    assert_eq!(bank.redeem(&code, &[&bank.proof("/token")]).await.status, 200);
}

/// RFC 9449 §10.1.
#[tokio::test]
async fn ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt() {
    let bank = Bank::start().await;
    let pushed = bank.call("/par", &[&bank.proof("/par")], &Bank::request(&[])).await.text("request_uri");
    let code = parameter(&bank.answer(&pushed).await, "code");
    let other = bank.proof_by(&Signer::default(), "/token", (&json!({}), &json!({})));

    assert_eq!(bank.redeem(&code, &[&other]).await.outcome(), "400 invalid_grant");
}

/// RFC 9449 §10.1: thumbprint and proof name one key.
#[tokio::test]
async fn ensure_mismatched_dpop_jkt_fails() {
    let bank = Bank::start().await;
    let other = Signer::default().thumbprint();
    let form = Bank::request(&[("dpop_jkt", &other)]);

    let reply = bank.call("/par", &[&bank.proof("/par")], &form).await;

    assert_eq!(reply.outcome(), "400 invalid_dpop_proof");
}

/// FAPI 2.0 §5.3.2.1, 9: a refresh token is not replaced; it is the client's own, by its key.
#[tokio::test]
async fn refresh_token() {
    let bank = Bank::start().await;
    let first = bank.tokens(&[]).await;
    let token = first.text("refresh_token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];

    let (second, third) = (
        bank.call("/token", &[&bank.proof("/token")], &form).await,
        bank.call("/token", &[&bank.proof("/token")], &form).await,
    );

    for reply in [&second, &third] {
        assert_eq!((reply.status, reply.text("refresh_token")), (200, token.clone()), "{}", reply.body);
        assert_eq!(reply.claims("access_token")["cnf"]["jkt"], json!(bank.bound.thumbprint()));
    }
    let stranger = Signer::default();
    let claims =
        json!({ "iss": "bank", "sub": "bank", "aud": bank.issuer(), "exp": bank.now() + 60, "jti": "1" });
    let assertion = stranger.sign(&json!({ "alg": "ES256", "kid": "own" }), &claims);
    let form = [form.to_vec(), proven(&assertion).to_vec()].concat();
    let stolen = bank.post("/token", &[&bank.proof("/token")], &form).await;
    assert_eq!(stolen.outcome(), "401 invalid_client");
}
