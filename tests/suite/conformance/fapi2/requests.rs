//! What a client may push, and what a browser may bring (FAPI 2.0 §5.3.2.2; RFC 9126; RFC 9101).

use chrono::Duration;
use orgate_protocol::jose::SigningKey;
use orgate_tests::app::{App, CALLBACK};
use orgate_tests::signer::Signer;
use serde_json::{Value, json};

use super::super::relying_party::asks;
use super::bank::{Bank, CLIENT, parameter, proven};

/// What pushing a request object with these changes comes to.
async fn outcome(header: Value, claims: Value) -> String {
    let bank = Bank::start().await;
    bank.par_object(&bank.object((&header, &claims))).await.outcome()
}

/// RFC 9101 §4: `exp` in the past.
#[tokio::test]
async fn ensure_expired_request_object_fails() {
    let now = Bank::start().await.now();
    assert_eq!(
        outcome(json!({}), json!({ "exp": now - 300, "nbf": now - 600 })).await,
        "400 invalid_request_object"
    );
}

/// FAPI 2.0 Message Signing §5.3.1, 4: an hour at most from `nbf` to `exp`.
#[tokio::test]
async fn ensure_request_object_with_exp_over_60_fails() {
    let now = Bank::start().await.now();
    assert_eq!(outcome(json!({}), json!({ "exp": now + 4200 })).await, "400 invalid_request_object");
}

/// FAPI 2.0 Message Signing §5.3.1, 3: `nbf` no longer than an hour ago.
#[tokio::test]
async fn ensure_request_object_with_nbf_over_60_fails() {
    let now = Bank::start().await.now();
    assert_eq!(outcome(json!({}), json!({ "nbf": now - 4200 })).await, "400 invalid_request_object");
}

/// FAPI 2.0 Message Signing §5.3.1, 4.
#[tokio::test]
async fn ensure_request_object_without_exp_fails() {
    assert_eq!(outcome(json!({}), json!({ "exp": null })).await, "400 invalid_request_object");
}

/// FAPI 2.0 Message Signing §5.3.1, 3.
#[tokio::test]
async fn ensure_request_object_without_nbf_fails() {
    assert_eq!(outcome(json!({}), json!({ "nbf": null })).await, "400 invalid_request_object");
}

/// FAPI 2.0 §5.3.2.1, 13: clocks may differ by ten seconds.
#[tokio::test]
async fn ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted() {
    let bank = Bank::start().await;
    let object = bank.object((&json!({}), &json!({ "nbf": bank.now() + 8 })));

    assert_eq!(bank.par_object(&object).await.status, 201);
}

/// FAPI 2.0 Message Signing §5.3.1, 2: `aud` is the issuer.
#[tokio::test]
async fn ensure_request_object_with_bad_aud_fails() {
    for aud in
        [json!("https://elsewhere.example.test"), json!(["https://elsewhere.example.test"]), Value::Null]
    {
        assert_eq!(outcome(json!({}), json!({ "aud": aud })).await, "400 invalid_request_object", "{aud}");
    }
}

/// RFC 9101 §4: `aud` may be a list, and we are in it.
#[tokio::test]
async fn ensure_request_object_with_multiple_aud_succeeds() {
    let bank = Bank::start().await;
    let aud = json!([bank.issuer(), "https://elsewhere.example.test"]);

    assert_eq!(bank.par_object(&bank.object((&json!({}), &json!({ "aud": aud })))).await.status, 201);
}

/// RFC 9101 §10.2, FAPI 2.0 §5.4.1: never unsigned.
#[tokio::test]
async fn ensure_request_object_signature_algorithm_is_not_none() {
    let bank = Bank::start().await;
    let object = bank.object((&json!({ "alg": "none" }), &json!({})));
    let (message, _) = object.rsplit_once('.').expect("a JWT");

    for unsigned in [object.clone(), format!("{message}.")] {
        assert_eq!(bank.par_object(&unsigned).await.outcome(), "400 invalid_request_object");
    }
}

/// RFC 9101 §6.2: the signature is one of the client's keys'.
#[tokio::test]
async fn ensure_request_object_with_invalid_signature_fails() {
    let bank = Bank::start().await;
    let object = bank.object((&json!({}), &json!({})));
    let (message, signature) = object.rsplit_once('.').expect("a JWT");
    let flipped = signature.chars().rev().collect::<String>();

    let forged = bank.par_object(&format!("{message}.{flipped}")).await;
    let other = bank.object((&json!({}), &json!({ "state": "another" })));
    let (other, _) = other.rsplit_once('.').expect("a JWT");
    let moved = bank.par_object(&format!("{other}.{signature}")).await;

    assert_eq!(forged.outcome(), "400 invalid_request_object");
    assert_eq!(moved.outcome(), "400 invalid_request_object");
}

/// RFC 9101 §6.2, FAPI 2.0 §5.3.2.1, 5: a key that the client did not register proves nothing, neither the request
/// nor the client.
#[tokio::test]
async fn ensure_matching_key_in_authorization_request() {
    let bank = Bank::start().await;
    let stranger = Signer::default();
    let header = json!({ "alg": "ES256", "kid": "own" });
    let object = stranger.sign(&header, &bank.object_claims(&json!({})));
    let now = bank.now();
    let claims = json!({ "iss": CLIENT, "sub": CLIENT, "aud": bank.issuer(), "exp": now + 60, "jti": "1" });
    let assertion = stranger.sign(&header, &claims);

    let request = bank.par_object(&object).await;
    let client = bank.post("/par", &[], &[Bank::request(&[]), proven(&assertion).to_vec()].concat()).await;

    assert_eq!(request.outcome(), "400 invalid_request_object");
    assert_eq!(client.outcome(), "401 invalid_client");
}

/// FAPI 2.0 §5.4.1, 1: PS256, ES256 or EdDSA, also where a key for RS256 is registered.
#[tokio::test]
async fn ensure_signed_request_object_with_rs256_fails() {
    let bank = Bank::start().await;
    let sign = |key: &SigningKey, claims: Value| {
        key.sign("oauth-authz-req+jwt", claims.to_string().as_bytes()).expect("signed")
    };

    let reply = bank.par_object(&sign(&bank.rsa, bank.object_claims(&json!({})))).await;

    assert_eq!(reply.outcome(), "400 invalid_request_object");
}

/// FAPI 2.0 §5.3.2.2, 9: the request says where its answer goes.
#[tokio::test]
async fn ensure_request_object_without_redirect_uri_fails() {
    assert_eq!(outcome(json!({}), json!({ "redirect_uri": null })).await, "400 invalid_request");
}

/// RFC 9101 §6.3: what stands outside of the object counts for nothing.
#[tokio::test]
async fn ensure_different_nonce_inside_and_outside_request_object() {
    let bank = Bank::start().await;
    let object = bank.object((&json!({}), &json!({ "nonce": "inside" })));
    let form = [("client_id", CLIENT), ("request", object.as_str()), ("nonce", "outside")];
    let pushed = bank.call("/par", &[], &form).await.text("request_uri");
    let params = [("client_id", CLIENT), ("request_uri", pushed.as_str()), ("nonce", "outside")];
    let page = bank.authorize_with(&params).await;
    assert!(asks(&page));

    let code = parameter(&bank.answer(&pushed).await, "code");
    let tokens = bank.redeem(&code, &[&bank.proof("/token")]).await;

    assert_eq!(tokens.claims("id_token")["nonce"], json!("inside"));
}

/// RFC 9101 §6.3.
#[tokio::test]
async fn ensure_different_state_inside_and_outside_request_object() {
    let bank = Bank::start().await;
    let object = bank.object((&json!({}), &json!({ "state": "inside" })));
    let form = [("client_id", CLIENT), ("request", object.as_str()), ("state", "outside")];
    let pushed = bank.call("/par", &[], &form).await.text("request_uri");

    assert_eq!(parameter(&bank.answer(&pushed).await, "state"), "inside");
}

/// RFC 9101 §6.3: a state that is not in the object is none.
#[tokio::test]
async fn state_only_outside_request_object_not_used() {
    let bank = Bank::start().await;
    let object = bank.object((&json!({}), &json!({ "state": null })));
    let form = [("client_id", CLIENT), ("request", object.as_str()), ("state", "outside")];
    let pushed = bank.call("/par", &[], &form).await.text("request_uri");

    let to = bank.answer(&pushed).await;

    assert!(!to.as_str().contains("state="), "{to}");
}

/// FAPI 2.0 §5.3.2.2, 1: `code`, and no other response type.
#[tokio::test]
async fn ensure_response_type_code_idtoken_fails() {
    let bank = Bank::start().await;
    assert_eq!(
        bank.par(&[("response_type", "code id_token")]).await.outcome(),
        "400 unsupported_response_type"
    );
}

/// FAPI 2.0 §5.3.2.2, 1.
#[tokio::test]
async fn ensure_response_type_token_fails() {
    let bank = Bank::start().await;
    assert_eq!(bank.par(&[("response_type", "token")]).await.outcome(), "400 unsupported_response_type");
}

/// FAPI 2.0 §5.3.2.2, 9.
#[tokio::test]
async fn ensure_redirect_uri_in_authorization_request() {
    let bank = Bank::start().await;
    assert_eq!(bank.par(&[("redirect_uri", "")]).await.outcome(), "400 invalid_request");
}

/// OAuth 2.0 Security BCP (RFC 9700) §2.1.
#[tokio::test]
async fn ensure_registered_redirect_uri() {
    let bank = Bank::start().await;
    for other in
        ["https://elsewhere.example.test/", "http://localhost:9/callback/", "http://localhost:9/callback?x"]
    {
        assert_eq!(bank.par(&[("redirect_uri", other)]).await.outcome(), "400 invalid_request", "{other}");
    }
}

/// RFC 9126 §2.4 lets a server take an address that is not registered; this one does not.
#[tokio::test]
async fn plain_fapi_tolerate_unregistered_redirect_uri() {
    let bank = Bank::start().await;

    let reply = bank.par(&[("redirect_uri", "https://fresh.example.test/callback")]).await;

    assert_eq!(reply.outcome(), "400 invalid_request");
    assert_eq!(reply.text("error_description"), "redirect_uri is not registered for this client");
}

/// FAPI 2.0 §5.3.2.2, 2 and 3: only what was pushed counts.
#[tokio::test]
async fn ensure_unsigned_authorization_request_without_using_par_fails() {
    let bank = Bank::start().await;

    let page = bank.authorize_with(&Bank::request(&[])).await;
    let signed = bank.object((&json!({}), &json!({})));
    let object = bank.authorize_with(&[("client_id", CLIENT), ("request", &signed)]).await;

    assert_eq!(page.answer("error"), "invalid_request");
    assert_eq!((object.status.as_u16(), object.location()), (400, None), "not even a signed one");
}

/// RFC 9101 §10.2: a request object that nobody signed is refused where it is pushed.
#[tokio::test]
async fn ensure_unsigned_request_at_par_endpoint_fails() {
    let bank = Bank::start().await;
    let object = bank.object((&json!({ "alg": "none" }), &json!({})));
    let (message, _) = object.rsplit_once('.').expect("a JWT");
    let form = [Bank::request(&[]), vec![("request", message)]].concat();

    assert_eq!(bank.call("/par", &[], &form).await.outcome(), "400 invalid_request_object");
}

/// RFC 9126 §2.3: anything but POST is 405.
#[tokio::test]
async fn par_attempt_invalid_http_method() {
    let app = App::start().await;
    let client = orgate_tests::app::client();

    for request in [client.get(app.at("/par")), client.put(app.at("/par")), client.delete(app.at("/par"))] {
        assert_eq!(request.send().await.expect("answered").status(), 405);
    }
}

/// RFC 9126 §4, §7.3: good for one sign-in.
#[tokio::test]
async fn par_attempt_reuse_request_uri() {
    let bank = Bank::start().await;
    let pushed = bank.push(&[]).await;
    parameter(&bank.answer(&pushed).await, "code");

    let again = bank.answer(&pushed).await;

    assert_eq!(parameter(&again, "error"), "invalid_request_uri");
    let elsewhere = bank.app.browser();
    let mut url = bank.app.at("/authorize");
    url.query_pairs_mut().extend_pairs([("client_id", CLIENT), ("request_uri", &pushed)]);
    let other = elsewhere.get(url).await;
    assert_eq!(other.answer("error"), "invalid_request_uri", "in no other browser either");
}

/// RFC 9126 §4: a page that is loaded again asks again.
#[tokio::test]
async fn par_ensure_reused_request_uri_prior_to_auth_completion_succeeds() {
    let bank = Bank::start().await;
    let pushed = bank.push(&[]).await;
    assert!(asks(&bank.authorize(&pushed).await));
    assert!(asks(&bank.authorize(&pushed).await));

    parameter(&bank.answer(&pushed).await, "code");
}

/// RFC 9126 §2.2: it lapses.
#[tokio::test]
async fn par_attempt_to_use_expired_request_uri() {
    let bank = Bank::start().await;
    let reply = bank.par(&[]).await;
    let lasts = reply.body["expires_in"].as_i64().expect("a number");
    assert!((5..600).contains(&lasts), "FAPI 2.0 §5.3.2.2, 11: {lasts}");
    bank.app.clock.advance(Duration::seconds(lasts + 1));

    let page = bank.authorize(&reply.text("request_uri")).await;

    assert_eq!((page.status.as_u16(), page.location()), (400, None));
    assert!(page.body.contains("invalid_request_uri"), "{}", page.body);
}

/// RFC 9126 §2.1: a `request_uri` cannot be pushed.
#[tokio::test]
async fn par_authorization_request_containing_request_uri() {
    let bank = Bank::start().await;
    let pushed = bank.push(&[]).await;
    let object = bank.object((&json!({}), &json!({ "request_uri": pushed })));

    assert_eq!(bank.par_object(&object).await.outcome(), "400 invalid_request_object");
}

/// RFC 9126 §2.1.
#[tokio::test]
async fn par_authorization_request_containing_request_uri_form_param() {
    let bank = Bank::start().await;
    let pushed = bank.push(&[]).await;

    assert_eq!(bank.par(&[("request_uri", &pushed)]).await.outcome(), "400 invalid_request");
}

/// FAPI 2.0 §5.3.2.2, 5.
#[tokio::test]
async fn par_ensure_pkce_required() {
    let bank = Bank::start().await;
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    assert_eq!(bank.par(&without).await.outcome(), "400 invalid_request");
}

/// FAPI 2.0 §5.3.2.2, 5: `S256`.
#[tokio::test]
async fn par_plain_pkce_rejected() {
    let bank = Bank::start().await;
    assert_eq!(bank.par(&[("code_challenge_method", "plain")]).await.outcome(), "400 invalid_request");
}

/// FAPI 2.0 §5.3.2.1, 6: the audience of an assertion is the issuer, as one text.
#[tokio::test]
async fn par_test_array_as_audience_fails() {
    refuses_audience(|bank| json!([bank.issuer()])).await;
}

/// FAPI 2.0 §5.3.2.1, 6: or it could have been made for another server's endpoint.
#[tokio::test]
async fn par_test_par_endpoint_url_as_audience_fails() {
    refuses_audience(|bank| json!(bank.app.at("/par"))).await;
}

/// FAPI 2.0 §5.3.2.1, 6.
#[tokio::test]
async fn par_test_token_endpoint_url_as_audience_fails() {
    refuses_audience(|bank| json!(bank.app.at("/token"))).await;
}

async fn refuses_audience(aud: impl FnOnce(&Bank) -> Value) {
    let bank = Bank::start().await;
    let assertion = bank.assertion(&json!({ "aud": aud(&bank) }));

    let reply = bank.post("/par", &[], &[Bank::request(&[]), proven(&assertion).to_vec()].concat()).await;

    assert_eq!(reply.outcome(), "401 invalid_client");
    let good = bank.assertion(&json!({}));
    let form = [Bank::request(&[]), proven(&good).to_vec()].concat();
    assert_eq!(bank.post("/par", &[], &form).await.status, 201);
    assert_eq!(
        bank.post("/par", &[], &form).await.outcome(),
        "401 invalid_client",
        "an assertion is good once"
    );
}

/// RFC 9126 §4: the browser brings client and `request_uri`, and nothing twice.
#[tokio::test]
async fn par_without_duplicate_parameters() {
    let bank = Bank::start().await;
    let pushed = bank.push(&[]).await;

    let to = bank.answer(&pushed).await;

    assert!(to.as_str().starts_with(CALLBACK));
    assert_eq!(
        (parameter(&to, "state"), parameter(&to, "iss")),
        ("the-state".to_owned(), bank.issuer().to_owned())
    );
    // Another client's is nobody's.
    let pushed = bank.push(&[]).await;
    let page = bank.authorize_with(&[("client_id", "notes"), ("request_uri", &pushed)]).await;
    assert_eq!((page.status.as_u16(), page.location()), (400, None));
}
