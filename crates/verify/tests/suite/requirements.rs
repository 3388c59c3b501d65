//! Permissions, roles, scope and step-up: what is demanded, and how a refusal says what would do.

use orgate_verify::{AccessToken, Reason, Rejection, Requirements, Resource};
use serde_json::{Value, json};

use crate::issuer::{ACME, GLOBEX, Issuer, NOW, SigningKey};

/// A token with these claims changed.
async fn token(changes: Value) -> AccessToken {
    let key = SigningKey::es256("k1");
    let issuer = Issuer::start(&[&key]).await;
    let mut claims = issuer.claims();
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    issuer.verifier().verify(&key.sign(&claims)).await.unwrap()
}

/// The status, and the challenge.
fn answer(checked: Result<(), Rejection>) -> Option<(u16, String)> {
    let rejection = checked.err()?;
    let challenge = rejection.headers()["www-authenticate"].to_str().unwrap().to_owned();
    Some((rejection.status().as_u16(), challenge))
}

#[tokio::test]
async fn what_a_token_lacks_is_forbidden_and_the_challenge_says_which_scope_would_do() {
    let token = token(json!({})).await;
    let forbidden = || Some((403, "Bearer error=\"insufficient_scope\"".to_owned()));

    assert_eq!(answer(token.require_permission("notes:read")), None);
    assert_eq!(answer(token.require_role("editor")), None);
    assert_eq!(answer(token.require_scope("notes")), None);
    for near in ["notes:delete", "notes:*", "notes", "Notes:read", "notes:read ", ""] {
        assert_eq!(answer(token.require_permission(near)), forbidden(), "{near:?}");
    }
    assert_eq!(answer(token.require_role("admin")), forbidden());
    let scope = "Bearer error=\"insufficient_scope\", scope=\"notes admin\"".to_owned();
    let both = Requirements::new().scope("notes").scope("admin");
    assert_eq!(answer(token.require(&both)), Some((403, scope)));
}

#[tokio::test]
async fn a_sign_in_that_is_too_weak_or_too_old_is_asked_for_again_in_one_challenge() {
    let token = token(json!({ "auth_time": NOW - 330 })).await;
    let again = |parameters: &str| {
        Some((401, format!("Bearer error=\"insufficient_user_authentication\", {parameters}")))
    };

    assert_eq!(answer(token.require_acr(&["urn:orgate:other", "urn:orgate:mfa"])), None);
    assert_eq!(answer(token.require_acr(&["urn:orgate", "b"])), again("acr_values=\"urn:orgate b\""));
    assert_eq!(answer(token.require_max_age(300)), None, "30 seconds of leeway");
    assert_eq!(answer(token.require_max_age(299)), again("max_age=\"299\""));
    let strong_and_old = Requirements::new().acr(["urn:orgate:mfa"]).max_age(10);
    let both = again("acr_values=\"urn:orgate:mfa\", max_age=\"10\"");
    assert_eq!(answer(token.require(&strong_and_old)), both);
}

#[tokio::test]
async fn a_sign_in_that_says_neither_when_nor_how_and_a_machine_never_suffice() {
    let key = SigningKey::es256("k1");
    let issuer = Issuer::start(&[&key]).await;
    let verifier = issuer.verifier();
    let mut vague = issuer.claims();
    vague.as_object_mut().unwrap().retain(|claim, _| !["auth_time", "acr"].contains(&claim.as_str()));

    for claims in [vague, issuer.machine_claims()] {
        let token = verifier.verify(&key.sign(&claims)).await.unwrap();
        assert!(token.require_max_age(u64::MAX).is_err());
        assert!(token.require_acr(&["urn:orgate:mfa"]).is_err());
        assert!(token.require(&Requirements::new()).is_ok());
    }
}

#[tokio::test]
async fn all_of_what_is_demanded_is_needed_and_rights_are_told_before_step_up() {
    let token = token(json!({})).await;
    let all = || {
        let rights = Requirements::new().permission("notes:read").role("editor").scope("notes");
        rights.acr(["urn:orgate:mfa"]).max_age(300)
    };

    assert!(token.require(&all()).is_ok());
    for (needed, reason) in [
        (all().permission("notes:close"), Reason::MissingPermission("notes:close".to_owned())),
        (all().role("admin"), Reason::MissingRole("admin".to_owned())),
        (all().scope("admin"), Reason::MissingScope("notes admin".to_owned())),
        (all().max_age(0).role("admin"), Reason::MissingRole("admin".to_owned())),
    ] {
        assert_eq!(token.require(&needed).unwrap_err().reason(), &reason);
    }
}

#[tokio::test]
async fn the_organization_is_compared_without_axum_too() {
    let token = token(json!({})).await;

    for own in [ACME, "acme"] {
        assert!(token.require_organization(own).is_ok());
    }
    for foreign in [GLOBEX, "globex", "", "ACME"] {
        let refused = token.require_organization(foreign).unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.reason()), (403, &Reason::OrganizationMismatch));
        assert!(refused.headers().is_empty(), "another token of this organization would not help");
    }
}

#[tokio::test]
async fn a_backend_describes_itself_and_its_challenges_lead_there() {
    let key = SigningKey::es256("k1");
    let issuer = Issuer::start(&[&key]).await;
    let resource = Resource::at("https://api.example.com/v1/").scopes(["notes"]).name("Notes");
    let verifier =
        issuer.builder().resource(resource.documentation("https://docs.example.com")).build().unwrap();

    let metadata = verifier.resource_metadata().unwrap();

    assert_eq!(metadata.path(), "/.well-known/oauth-protected-resource/v1");
    assert_eq!(metadata.url(), "https://api.example.com/.well-known/oauth-protected-resource/v1");
    let document = json!({
        "resource": "https://api.example.com/v1/",
        "authorization_servers": [issuer.url],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["notes"],
        "resource_name": "Notes",
        "resource_documentation": "https://docs.example.com",
    });
    assert_eq!(metadata.document(), &document);
    let token = verifier.verify(&key.sign(&issuer.claims())).await.unwrap();
    let leads = "resource_metadata=\"https://api.example.com/.well-known/oauth-protected-resource/v1\"";
    let challenge = format!("Bearer error=\"insufficient_scope\", {leads}");
    assert_eq!(answer(token.require_role("admin")), Some((403, challenge)));
    assert!(issuer.verifier().resource_metadata().is_none());
}
