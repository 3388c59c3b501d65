//! The plan Config OP.

use openidconnect::core::CoreProviderMetadata;
use orgate_protocol::oauth::authorize::ResponseMode;
use orgate_tests::app::client;
use serde_json::{Value, json};

use super::relying_party::{RelyingParty, asks};

/// What OIDC Discovery §3 and RFC 8414 §2 require.
const REQUIRED: [&str; 7] = [
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "response_types_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
];

/// OIDC Discovery §3 and §4: the document has what it must have, and promises nothing that is not there.
#[tokio::test]
async fn oidcc_discovery_endpoint_verification() {
    let rp = RelyingParty::start(ResponseMode::Query).await;
    let reply = rp.app.get("/.well-known/openid-configuration").await;
    assert_eq!(
        (reply.status, &reply.headers["content-type"]),
        (200, &"application/json".parse().expect("a header"))
    );
    let document = reply.body;
    let issuer = rp.app.base.as_str().trim_end_matches('/');

    assert_eq!(document["issuer"], json!(issuer), "§4.3: the very text that was asked for");
    for (name, value) in document.as_object().expect("an object") {
        let nothing = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        assert!(!nothing, "§4.2: {name} is left out where there is nothing to say");
    }
    for name in REQUIRED {
        assert!(document.get(name).is_some(), "{name}");
    }
    assert!(listed(&document, "id_token_signing_alg_values_supported").contains(&"RS256".to_owned()), "§3");
    assert!(listed(&document, "scopes_supported").contains(&"openid".to_owned()), "§3");
    serde_json::from_value::<CoreProviderMetadata>(document.clone()).expect("a foreign reader reads it");
    let elsewhere = rp.app.get("/other/.well-known/openid-configuration").await;
    assert_eq!(elsewhere.status, 404, "it is one issuer's");
    assert_endpoints_answer(&document, issuer).await;
    assert_lists_hold(&rp, &document).await;
}

fn listed(document: &Value, name: &str) -> Vec<String> {
    let values = document[name].as_array().unwrap_or_else(|| panic!("{name} is a list"));
    values.iter().map(|value| value.as_str().expect("text").to_owned()).collect()
}

/// Each address is the issuer's, and something is there.
async fn assert_endpoints_answer(document: &Value, issuer: &str) {
    let members = document.as_object().expect("an object").iter();
    let addresses: Vec<_> =
        members.filter(|(name, _)| name.ends_with("_endpoint") || name.ends_with("_uri")).collect();
    assert!(addresses.len() >= 5, "{addresses:?}");
    for (name, address) in addresses {
        let address = address.as_str().unwrap_or_else(|| panic!("{name} is an address"));
        assert!(address.starts_with(&format!("{issuer}/")), "{name}: {address}");
        let (get, post) = (client().get(address).send().await, client().post(address).send().await);
        let answers = [get, post].map(|answer| answer.expect("answered").status().as_u16());
        assert!(!answers.contains(&404) && answers.iter().all(|status| *status < 500), "{name}: {answers:?}");
        assert!(answers.iter().any(|status| *status != 405), "{name}: {answers:?}");
    }
}

/// What a list promises is served, and what it leaves out is refused.
async fn assert_lists_hold(rp: &RelyingParty, document: &Value) {
    let tokens = rp.tokens(&[]).await;
    let supported = listed(document, "claims_supported");
    for token in ["id_token", "access_token"] {
        let claims = tokens.claims(token);
        let of_jwt = ["client_id", "scope", "jti"]; // about the access token (RFC 9068 §2.2), not the user
        for name in claims.as_object().expect("claims").keys().filter(|name| !of_jwt.contains(&name.as_str()))
        {
            assert!(supported.contains(name), "{name} of the {token} is in claims_supported");
        }
    }
    let acr = tokens.claims("id_token")["acr"].as_str().expect("acr").to_owned();
    assert!(listed(document, "acr_values_supported").contains(&acr));
    let scopes = listed(document, "scopes_supported").join(" ");
    let granted = rp.redeem(&rp.ask(&[("scope", &format!("{scopes} unheard-of"))]).await).await.text("scope");
    let sorted = |text: &str| text.split(' ').map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(sorted(&granted), sorted(&scopes), "each scope is granted, and no other");
    for prompt in listed(document, "prompt_values_supported") {
        let page = rp.authorize(&[("prompt", &prompt)]).await;
        assert!(asks(&page) || page.leads_to() == "/choose" || !page.answer("code").is_empty(), "{prompt}");
    }
    assert_eq!(rp.ask(&[("prompt", "create")]).await["error"], "invalid_request");
    assert_eq!(listed(document, "response_modes_supported"), ["query", "form_post"]);
    assert_eq!(rp.ask(&[("response_mode", "fragment")]).await["error"], "invalid_request");
    for grant_type in listed(document, "grant_types_supported") {
        let reply = rp.app.token(&[("grant_type", &grant_type)]).await;
        assert_ne!(reply.text("error"), "unsupported_grant_type", "{grant_type}");
    }
    assert_eq!(rp.app.token(&[("grant_type", "password")]).await.text("error"), "unsupported_grant_type");
    for (flag, parameter) in
        [("request_parameter_supported", "request"), ("request_uri_parameter_supported", "request_uri")]
    {
        let answer = rp.ask(&[(parameter, "urn:x")]).await;
        let unsupported = answer["error"] == format!("{parameter}_not_supported");
        assert_eq!(document[flag], json!(!unsupported), "{flag}: {answer:?}");
    }
    let claims = json!({ "userinfo": { "email": null } }).to_string();
    let asked = rp.redeem(&rp.ask(&[("claims", &claims), ("scope", "openid")]).await).await;
    assert_eq!(
        document["claims_parameter_supported"],
        json!(rp.userinfo(&asked).await.get("email").is_some())
    );
}
