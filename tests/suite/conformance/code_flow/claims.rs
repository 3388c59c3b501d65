//! What is said of the user: by scope, by the parameter `claims`, and to whom.

use orgate_tests::app::{Reply, claims as claims_of};
use serde_json::{Value, json};

use crate::conformance::relying_party::RelyingParty;

const SINGLE: &str = "urn:orgate:acr:single-factor";
const MULTI: &str = "urn:orgate:acr:multi-factor";

/// The members of `claims` that are about the user, or were asked for by a specification that Orgate has no data for.
fn about_the_user(claims: &Value) -> Vec<&str> {
    let always = [
        "iss",
        "sub",
        "aud",
        "iat",
        "exp",
        "auth_time",
        "nonce",
        "at_hash",
        "acr",
        "amr",
        "sid",
        "org_id",
        "org_name",
        "tenant",
        "session_expiry",
    ];
    let names = claims.as_object().expect("claims").keys().map(String::as_str);
    names.filter(|name| !always.contains(name)).collect()
}

/// The names of the claims about the user at `/userinfo`, which the ID token repeats.
async fn given(rp: &RelyingParty, scope: &str) -> (String, Vec<String>) {
    let answer = rp.authorize(&[("scope", scope), ("prompt", "login")]).await;
    let tokens = rp.redeem(&rp.prove(answer).await).await;
    let userinfo = rp.userinfo(&tokens).await;
    assert_eq!(about_the_user(&tokens.claims("id_token")), about_the_user(&userinfo));
    let names = about_the_user(&userinfo).into_iter().map(str::to_owned).collect();
    (tokens.text("scope"), names)
}

async fn speak_german(rp: &RelyingParty) {
    let change = "update users set locale = 'de-CH' where email = 'ada@acme.test'";
    sqlx::raw_sql(change).execute(rp.app.database.superuser()).await.expect("changed");
}

/// OIDC Core §5.4: `profile` gives those of its claims that are known.
pub(crate) async fn oidcc_scope_profile(rp: RelyingParty) {
    let unknown = given(&rp, "openid profile").await;
    speak_german(&rp).await;

    let known = given(&rp, "openid profile").await;

    assert_eq!(unknown, ("openid profile".to_owned(), vec!["name".to_owned()]));
    assert_eq!(known.1, ["locale", "name"]);
    assert!(given(&rp, "openid").await.1.is_empty(), "without it nothing is said");
}

/// OIDC Core §5.4: `email` gives the address, and whether it was proven.
pub(crate) async fn oidcc_scope_email(rp: RelyingParty) {
    let (scope, names) = given(&rp, "openid email").await;

    assert_eq!((scope.as_str(), names), ("email openid", vec!["email".into(), "email_verified".into()]));
    let userinfo = rp.userinfo(&rp.redeem(&rp.ask(&[("scope", "openid email")]).await).await).await;
    assert_eq!((&userinfo["email"], &userinfo["email_verified"]), (&json!("ada@acme.test"), &json!(true)));
    assert!(given(&rp, "openid").await.1.is_empty(), "without it nothing is said");
}

/// OIDC Core §5.4: nobody's address is known, so the scope is not granted and gives nothing.
pub(crate) async fn oidcc_scope_address(rp: RelyingParty) {
    assert_eq!(given(&rp, "openid address").await, ("openid".to_owned(), Vec::new()));
    assert_not_promised(&rp, "address").await;
}

/// OIDC Core §5.4: nobody's phone number is known, so the scope is not granted and gives nothing.
pub(crate) async fn oidcc_scope_phone(rp: RelyingParty) {
    assert_eq!(given(&rp, "openid phone").await, ("openid".to_owned(), Vec::new()));
    assert_not_promised(&rp, "phone").await;
}

async fn assert_not_promised(rp: &RelyingParty, scope: &str) {
    let document = rp.app.get("/.well-known/openid-configuration").await.body;
    assert!(!document["scopes_supported"].as_array().expect("scopes").contains(&json!(scope)));
}

/// OIDC Core §5.4: every scope at once gives what each gives, and the answer says which were granted (RFC 6749
/// §5.1).
pub(crate) async fn oidcc_scope_all(rp: RelyingParty) {
    speak_german(&rp).await;

    let (scope, names) = given(&rp, "phone openid address email profile offline_access admin").await;

    assert_eq!(scope, "email offline_access openid profile");
    assert_eq!(names, ["email", "email_verified", "locale", "name"]);
    let without_openid = rp.redeem(&rp.ask(&[("scope", "profile email")]).await).await;
    assert_eq!(without_openid.text("id_token"), "", "§3.1.2.1: without openid it is OAuth 2.0");
    assert_eq!(rp.app.userinfo(&without_openid.text("access_token")).await.status, 403);
}

/// OIDC Core §5.5.1.1: `acr_values` are a wish. The ID token says what was done, not what was wished for; a demand
/// is an essential claim, and one that is not met is no success.
pub(crate) async fn oidcc_ensure_request_with_acr_values_succeeds(rp: RelyingParty) {
    for acr_values in [MULTI, "1 2", &format!("{MULTI} {SINGLE}")] {
        let wished = rp.tokens(&[("acr_values", acr_values), ("prompt", "login")]).await;
        assert_eq!(wished.claims("id_token")["acr"], json!(SINGLE), "{acr_values}");
        assert_eq!(wished.claims("access_token")["acr"], json!(SINGLE), "{acr_values}");
    }
    let document = rp.app.get("/.well-known/openid-configuration").await.body;
    assert_eq!(document["acr_values_supported"], json!([SINGLE, MULTI]));

    let demanding = |acr: Value| json!({ "id_token": { "acr": acr } }).to_string();
    let wish = demanding(json!({ "values": [MULTI] }));
    assert!(rp.ask(&[("claims", &wish)]).await.contains_key("code"), "a wish, in its other form");
    let met = demanding(json!({ "essential": true, "values": [MULTI, SINGLE] }));
    assert!(rp.ask(&[("claims", &met), ("prompt", "none")]).await.contains_key("code"));
    let unmet = demanding(json!({ "essential": true, "values": [MULTI] }));
    let silent = rp.ask(&[("claims", &unmet), ("prompt", "none")]).await;
    assert_eq!(silent["error"], "login_required", "the session is too weak");
    let answer = rp.sign_in(&[("claims", &unmet)]).await; // it asks, although there is a session
    assert_eq!(answer["error"], "unmet_authentication_requirements", "and a password is too weak, too");
    let unknown = demanding(json!({ "essential": true, "value": "urn:mace:incommon:iap:silver" }));
    let answer = rp.ask(&[("claims", &unknown)]).await;
    assert_eq!(answer["error"], "unmet_authentication_requirements", "nobody is asked in vain");
}

/// OIDC Core §5.5: claims are given one by one, where they were asked for, whatever the scope; what is essential and
/// not known is left out without an error (§5.5.1).
pub(crate) async fn oidcc_claims_essential(rp: RelyingParty) {
    let claims = json!({
        "userinfo": {
            "name": { "essential": true },
            "given_name": { "essential": true },
            "phone_number": { "essential": true },
            "roles": { "essential": true },
        },
        "id_token": {
            "email": { "essential": true },
            "auth_time": { "essential": true },
            "org_id": { "value": "org_x" },
        },
    })
    .to_string();
    let asked = [("claims", claims.as_str()), ("scope", "openid offline_access")];

    let tokens = rp.tokens(&asked).await;

    let userinfo = async |tokens: &Reply| about_the_user(&rp.userinfo(tokens).await).join(" ");
    assert_eq!(about_the_user(&tokens.claims("id_token")), ["email"]);
    assert!(tokens.claims("id_token")["auth_time"].is_i64(), "§5.5.1");
    assert_eq!(userinfo(&tokens).await, "name");
    assert_ne!(tokens.claims("id_token")["org_id"], json!("org_x"), "no request sets an organization");
    let renewed = rp.app.refresh(&tokens.text("refresh_token")).await;
    assert_eq!(about_the_user(&renewed.claims("id_token")), ["email"], "for as long as the grant lives");
    assert_eq!(userinfo(&renewed).await, "name");
    let form = [("grant_type", "refresh_token"), ("scope", "openid")];
    let refresh_token = renewed.text("refresh_token");
    let narrower = rp.app.token(&[&form[..], &[("refresh_token", &refresh_token)]].concat()).await;
    assert_eq!(userinfo(&narrower).await, "", "a token that was narrowed says no more than its scope");
    let plain = rp.redeem(&rp.ask(&[("scope", "openid")]).await).await;
    assert_eq!(userinfo(&plain).await, "", "the next request has not asked for them");

    rp.app.apply(&super::notes("scopes: [openid, profile]")).await;
    let bounded = rp.redeem(&rp.ask(&asked).await).await;
    assert!(
        about_the_user(&bounded.claims("id_token")).is_empty(),
        "nor is what it may not ask for by scope"
    );
    assert_eq!(userinfo(&bounded).await, "name");

    let sub = tokens.claims("id_token")["sub"].as_str().expect("a subject").to_owned();
    let other = claims_of(&rp.app.sign_in("acme", "vic@acme.test").await.text("id_token"))["sub"].clone();
    let with_sub = |sub: &Value| json!({ "id_token": { "sub": { "value": sub } } }).to_string();
    let same = rp.ask(&[("claims", &with_sub(&json!(sub))), ("prompt", "none")]).await;
    assert!(same.contains_key("code"), "§3.1.2.2: {same:?}");
    for sub in [other.clone(), json!("nobody")] {
        let silent = rp.ask(&[("claims", &with_sub(&sub)), ("prompt", "none")]).await;
        assert_eq!(silent["error"], "login_required", "§3.1.2.2: no answer for another user");
    }
    let page = rp.sign_in(&[("claims", &with_sub(&other))]).await;
    assert_eq!(page["error"], "login_required", "nor if another signs in");
    let nested = format!("{{\"x\":{}{}}}", "[".repeat(64), "]".repeat(64));
    let long = json!({ "x": "x".repeat(5000) }).to_string();
    for malformed in [
        "nonsense",
        "[]",
        "{\"userinfo\":[]}",
        "{\"id_token\":{\"name\":1}}",
        "{\"id_token\":{\"name\":{\"value\":\"\\u0000\"}}}",
        &nested,
        &long,
    ] {
        assert_eq!(rp.ask(&[("claims", malformed)]).await["error"], "invalid_request", "{malformed}");
    }
}

/// OIDC Core §5.3.1, RFC 6750 §2.1: by GET, with the token in the header, and in the query never (RFC 9700 §4.3.2).
pub(crate) async fn oidcc_userinfo_get(rp: RelyingParty) {
    let tokens = rp.tokens(&[]).await;
    let token = tokens.text("access_token");

    let (status, _, claims) = rp.call_userinfo(|http, url| http.get(url).bearer_auth(&token)).await;

    assert_eq!((status, &claims["sub"]), (200, &tokens.claims("id_token")["sub"]), "§5.3.2");
    let (status, challenge, _) = rp.call_userinfo(reqwest::Client::get).await;
    assert_eq!((status, challenge.as_deref()), (401, Some("Bearer realm=\"userinfo\"")), "RFC 6750 §3");
    let in_query = rp.call_userinfo(|http, url| http.get(url).query(&[("access_token", &token)])).await;
    assert_eq!(in_query.0, 401);
    let id_token = tokens.text("id_token");
    let (status, challenge, _) = rp.call_userinfo(|http, url| http.get(url).bearer_auth(id_token)).await;
    assert_eq!(status, 401, "an ID token is no access token");
    assert!(challenge.expect("RFC 6750 §3").contains("error=\"invalid_token\""));
}

/// OIDC Core §5.3.1, RFC 6750 §2.1: by POST, with the token in the header.
pub(crate) async fn oidcc_userinfo_post_header(rp: RelyingParty) {
    let tokens = rp.tokens(&[]).await;
    let token = tokens.text("access_token");

    let (status, _, claims) = rp.call_userinfo(|http, url| http.post(url).bearer_auth(&token)).await;

    assert_eq!((status, &claims["sub"]), (200, &tokens.claims("id_token")["sub"]));
    assert_eq!(claims["email"], json!("ada@acme.test"));
    let scheme = format!("Token {token}");
    let other = rp.call_userinfo(|http, url| http.post(url).header("authorization", scheme)).await;
    assert_eq!(other.0, 401, "another scheme presents no token");
    let forged = format!("{}A", &token[..token.len() - 1]);
    let forged = if forged == token { format!("{}B", &token[..token.len() - 1]) } else { forged };
    assert_eq!(rp.call_userinfo(|http, url| http.post(url).bearer_auth(forged)).await.0, 401);
}

/// OIDC Core §5.3.1, RFC 6750 §2.2: by POST, with the token in a form, and in one place only.
pub(crate) async fn oidcc_userinfo_post_body(rp: RelyingParty) {
    let tokens = rp.tokens(&[]).await;
    let token = tokens.text("access_token");
    let form = [("access_token", token.as_str())];

    let (status, _, claims) = rp.call_userinfo(|http, url| http.post(url).form(&form)).await;

    assert_eq!((status, &claims["sub"]), (200, &tokens.claims("id_token")["sub"]));
    let both = rp.call_userinfo(|http, url| http.post(url).bearer_auth(&token).form(&form)).await;
    assert_eq!((both.0, &both.2["error"]), (400, &json!("invalid_request")), "RFC 6750 §2");
    let json = rp.call_userinfo(|http, url| http.post(url).json(&json!({ "access_token": token }))).await;
    assert_eq!(json.0, 401, "RFC 6750 §2.2: a form and nothing else");
    assert_eq!(rp.call_userinfo(|http, url| http.get(url).form(&form)).await.0, 401, "and by POST alone");
}
