//! Hints, languages and request objects.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use orgate_tests::app::{CALLBACK, CHALLENGE};
use serde_json::{Value, json};

use crate::conformance::relying_party::{ADA, RelyingParty, asks};

/// OIDC Core §3.1.2.1: the address that the application knows stands in the form, and proves nothing.
pub(crate) async fn oidcc_login_hint(rp: RelyingParty) {
    let page = rp.authorize(&[("login_hint", ADA)]).await;
    let form = rp.browser.follow(page.clone()).await;
    let field = format!("name=\"email\" type=\"email\" value=\"{ADA}\"");
    assert!(form.body.contains(&field), "{}", form.body);
    let silent = rp.ask(&[("login_hint", ADA), ("prompt", "none")]).await;
    assert_eq!(silent["error"], "login_required");
    let hostile = "\"><script>alert(1)</script>";
    let hostile = rp.browser.follow(rp.authorize(&[("login_hint", hostile)]).await).await;
    assert!(!hostile.body.contains("<script>alert"), "{}", hostile.body);

    let answer = rp.prove(page).await;

    let claims = rp.redeem(&answer).await.claims("id_token");
    assert_eq!(claims["email"], json!(ADA));
}

/// OIDC Core §3.1.2.1: languages are a wish: the first that there is, else English, and never an error.
pub(crate) async fn oidcc_ui_locales(rp: RelyingParty) {
    let wishes = [
        ("se", "en"),
        ("fr-CA fr en", "fr"),
        ("se DE-at es", "de"),
        ("<b> ../../etc --- es-419", "es"),
        (&"de ".repeat(200), "de"),
    ];
    for (ui_locales, language) in wishes {
        let page = rp.browser.follow(rp.authorize(&[("ui_locales", ui_locales)]).await).await;
        assert_eq!(page.status, 200, "{ui_locales}");
        assert!(page.body.contains(&format!("<html lang=\"{language}\"")), "{ui_locales}");
        assert!(!page.body.contains("<b>") && !page.body.contains("/etc"), "{ui_locales}");
    }

    let answer = rp.sign_in(&[("ui_locales", "se")]).await;

    assert!(!answer["code"].is_empty());
}

/// OIDC Core §5.2: claims in these languages are a wish. There is one name, and it has no language.
pub(crate) async fn oidcc_claims_locales(rp: RelyingParty) {
    let tokens = rp.tokens(&[("claims_locales", "se ja-Kana-JP")]).await;

    let userinfo = rp.userinfo(&tokens).await;
    assert_eq!(userinfo["name"], json!("Ada Adler"));
    let tagged = |claims: &Value| claims.as_object().expect("claims").keys().any(|name| name.contains('#'));
    assert!(!tagged(&userinfo) && !tagged(&tokens.claims("id_token")));
}

/// OIDC Core §6.2: what is not supported is said to be. Nothing is fetched, and nobody is asked.
pub(crate) async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(
    rp: RelyingParty,
) {
    rp.sign_in(&[]).await;

    for request_uri in ["https://rp.test/request.jwt", "http://localhost:9/request.jwt#x", "urn:x"] {
        let answer = rp.ask(&[("request_uri", request_uri)]).await;
        let refused = ["request_uri_not_supported", "invalid_request_uri"];
        assert!(refused.contains(&answer["error"].as_str()), "{request_uri}: {answer:?}");
        assert_eq!(answer["state"], "the-state");
    }
}

/// OIDC Core §6.1: what is not supported is said to be; an object that nobody signed proves no request.
pub(crate) async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
    rp: RelyingParty,
) {
    rp.sign_in(&[]).await;
    let claims = json!({
        "iss": "notes", "aud": rp.app.base.as_str().trim_end_matches('/'), "client_id": "notes",
        "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid", "state": "of-the-object",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256", "organization": "acme",
    });

    for algorithm in ["none", "None", "NONE"] {
        let answer = rp.ask(&[("request", &unsigned(algorithm, &claims))]).await;
        assert_refused(&answer["error"]);
        assert_eq!(answer["state"], "the-state", "nothing of the object counts");
    }
}

/// OIDC Core §6.1: an object says where the answer goes only if it is taken, and nobody signed this one.
pub(crate) async fn oidcc_ensure_request_object_with_redirect_uri(rp: RelyingParty) {
    rp.sign_in(&[]).await;

    for elsewhere in ["http://localhost:9/evil", "https://evil.test/callback"] {
        let object = unsigned("none", &json!({ "client_id": "notes", "redirect_uri": elsewhere }));
        let answer = rp.ask(&[("request", &object)]).await; // at the redirect URI that is registered
        assert_refused(&answer["error"]);
        let alone = rp.authorize(&[("request", &object), ("redirect_uri", "")]).await;
        assert_eq!((alone.status.as_u16(), alone.location()), (400, None), "{elsewhere}");
    }
}

fn assert_refused(error: &str) {
    assert!(["request_not_supported", "invalid_request_object"].contains(&error), "{error}");
}

/// A request object that is signed by nobody.
fn unsigned(algorithm: &str, claims: &Value) -> String {
    let encode = |json: Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.", encode(json!({ "alg": algorithm })), encode(claims.clone()))
}

/// OIDC Core §3.1.2.1: the hint says whom the client means. Nobody else will do.
pub(crate) async fn oidcc_id_token_hint(rp: RelyingParty) {
    let first = rp.tokens(&[]).await;
    let hint = first.text("id_token");

    let second = rp.redeem(&rp.ask(&[("prompt", "none"), ("id_token_hint", &hint)]).await).await;

    assert_eq!(second.claims("id_token")["sub"], first.claims("id_token")["sub"]);
    let of_vic = rp.app.sign_in("acme", "vic@acme.test").await.text("id_token");
    let silent = rp.ask(&[("prompt", "none"), ("id_token_hint", &of_vic)]).await;
    assert_eq!(silent["error"], "login_required", "another user is signed in");
    let asked = rp.authorize(&[("id_token_hint", &of_vic)]).await;
    assert!(asks(&asked), "nor is anybody answered in the session of another");
    assert_eq!(rp.prove(asked).await["error"], "login_required", "nor if another signs in");
    let expired = {
        rp.app.clock.advance(chrono::Duration::hours(1));
        rp.ask(&[("prompt", "none"), ("id_token_hint", &hint)]).await
    };
    assert!(expired.contains_key("code"), "an ID token that has expired is a hint still");
    let access_token = first.text("access_token");
    let unsigned = unsigned("none", &first.claims("id_token"));
    for forged in [&access_token, &unsigned, &tampered(&hint), "nonsense"] {
        let answer = rp.ask(&[("prompt", "none"), ("id_token_hint", forged)]).await;
        assert_eq!(answer["error"], "invalid_request", "{forged}");
    }
}

/// The same token, saying something else.
fn tampered(token: &str) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let payload = BASE64_URL_SAFE_NO_PAD.decode(parts[1]).expect("base64url");
    let payload = String::from_utf8(payload).expect("text").replace("\"acme\"", "\"acmf\"");
    format!("{}.{}.{}", parts[0], BASE64_URL_SAFE_NO_PAD.encode(payload), parts[2])
}
