//! The same at the issuer of an organization.

use serde_json::json;

use super::bank::{Bank, proven};
use super::flow::follow;

/// Assertions, proofs and request objects are for the issuer that they are brought to, and for no other.
#[tokio::test]
async fn happy_flow_at_the_issuer_of_an_organization() {
    let bank = Bank::start_at("acme").await;

    follow(&bank).await;

    let shared = bank.app.env.issuer.as_str();
    let pushed = bank.par_object(&bank.object((&json!({}), &json!({})))).await;
    let elsewhere = bank.par_object(&bank.object((&json!({}), &json!({ "aud": shared })))).await;
    let assertion = bank.assertion(&json!({ "aud": shared }));
    let form = [Bank::request(&[]), proven(&assertion).to_vec()].concat();
    let foreign = bank.post("/par", &[], &form).await;
    let code = bank.code(&[]).await;
    let htu = json!({ "htu": format!("{shared}/token") });
    let unproven = bank.redeem(&code, &[&bank.proof_by(&bank.bound, "/token", (&json!({}), &htu))]).await;
    assert_eq!((pushed.status, elsewhere.outcome()), (201, "400 invalid_request_object".to_owned()));
    assert_eq!(foreign.outcome(), "401 invalid_client");
    assert_eq!(unproven.outcome(), "400 invalid_dpop_proof");
}
