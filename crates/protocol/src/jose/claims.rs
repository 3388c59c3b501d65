//! What the tokens say. Times are seconds since 1970, UTC.
//!
//! **Invariant:** `org_id` and `org_name` are not optional: a token without an organization cannot be written.

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SigningAlgorithm;
use crate::oauth::ScopeSet;

/// `typ` of an access token (RFC 9068 §2.1).
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";
/// `typ` of a signed userinfo answer: not the ID token's, so that neither is taken for the other.
pub const USERINFO_TYPE: &str = "userinfo+jwt";
/// `typ` of an assertion for another authorization server.
pub const IDENTITY_ASSERTION_TYPE: &str = "oauth-id-jag+jwt";
/// `typ` of a logout token (Back-Channel Logout §2.4).
pub const LOGOUT_TOKEN_TYPE: &str = "logout+jwt";
/// `typ` of an ID token.
pub const ID_TOKEN_TYPE: &str = "JWT";

/// An access token (RFC 9068 §2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The user; of a machine client's token, the client's id.
    pub sub: String,
    /// The resource.
    pub aud: String,
    /// The client.
    pub client_id: String,
    /// Issued.
    pub iat: i64,
    /// Expires.
    pub exp: i64,
    /// The token's id.
    pub jti: String,
    /// What was granted.
    pub scope: ScopeSet,
    /// The user's sign-in; `None` in a machine client's token.
    #[serde(flatten)]
    pub sign_in: Option<SignInClaims>,
    /// The organization.
    pub org_id: String,
    /// The organization's slug.
    pub org_name: String,
    /// The user's roles in it, by slug.
    pub roles: Vec<String>,
    /// What these permit.
    pub permissions: Vec<String>,
    /// Who acts for the user (RFC 8693 §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// The key that it is bound to (RFC 7800).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// What the client maps beside; never a name from above.
    #[serde(flatten)]
    pub own: Map<String, Value>,
}

/// The sign-in that an access token of a user stands on (RFC 9068 §2.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInClaims {
    /// The session.
    pub sid: String,
    /// When the user authenticated.
    pub auth_time: i64,
    /// How strongly.
    pub acr: String,
    /// By what means (RFC 8176).
    pub amr: Vec<String>,
}

/// An ID token (OIDC Core §2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The user.
    pub sub: String,
    /// The client.
    pub aud: String,
    /// Issued.
    pub iat: i64,
    /// Expires.
    pub exp: i64,
    /// When the user authenticated.
    pub auth_time: i64,
    /// The request's nonce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Binds the access token: see [`at_hash`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// How strongly.
    pub acr: String,
    /// By what means (RFC 8176).
    pub amr: Vec<String>,
    /// The session.
    pub sid: String,
    /// The organization.
    pub org_id: String,
    /// The organization's slug.
    pub org_name: String,
    /// The organization once more, under the name that Enterprise Extensions §2.2 gives it, for clients that
    /// know only that; `None` where the issuer is the organization's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// When the session ends at the latest.
    pub session_expiry: i64,
    /// The client, where it is not the audience.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azp: Option<String>,
    /// About the user, as far as the scope allows.
    #[serde(flatten)]
    pub profile: ProfileClaims,
    /// What the client maps beside; never a name from above.
    #[serde(flatten)]
    pub own: Map<String, Value>,
}

/// The answer of `/userinfo` (OIDC Core §5.3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserinfoClaims {
    /// The user.
    pub sub: String,
    /// The organization.
    pub org_id: String,
    /// The organization's slug.
    pub org_name: String,
    /// About the user, as far as the scope allows.
    #[serde(flatten)]
    pub profile: ProfileClaims,
    /// What the client maps beside; never a name from above.
    #[serde(flatten)]
    pub own: Map<String, Value>,
}

/// The same, signed (OIDC Core §5.3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedUserinfo {
    /// The issuer.
    pub iss: String,
    /// The client.
    pub aud: String,
    /// What is told.
    #[serde(flatten)]
    pub claims: UserinfoClaims,
}

/// A logout token (Back-Channel Logout §2.4). It has no nonce, so that it is taken for no ID token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The user.
    pub sub: String,
    /// The client.
    pub aud: String,
    /// Issued.
    pub iat: i64,
    /// Expires.
    pub exp: i64,
    /// The token's id.
    pub jti: String,
    /// The session that ended.
    pub sid: String,
    /// The organization.
    pub org_id: String,
    /// The organization's slug.
    pub org_name: String,
    /// What it is: see [`LogoutTokenClaims::events`].
    pub events: Value,
}

impl LogoutTokenClaims {
    /// The one event.
    pub fn events() -> Value {
        serde_json::json!({ "http://schemas.openid.net/event/backchannel-logout": {} })
    }
}

/// Standard claims about a user (OIDC Core §5.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileClaims {
    /// Full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the address was proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// Language tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

/// Who acts for the subject (RFC 8693 §4.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The acting user, or the client.
    pub sub: String,
    /// Who acted before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Actor>>,
}

impl Actor {
    /// How many stand behind one another.
    pub fn depth(&self) -> usize {
        1 + self.act.as_ref().map_or(0, |before| before.depth())
    }
}

/// An assertion for another authorization server (Identity Assertion Authorization Grant §3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityAssertionClaims {
    /// The issuer.
    pub iss: String,
    /// The user.
    pub sub: String,
    /// The other server's issuer.
    pub aud: String,
    /// The client, as the other server knows it too.
    pub client_id: String,
    /// The assertion's id.
    pub jti: String,
    /// Issued.
    pub iat: i64,
    /// Expires.
    pub exp: i64,
    /// What is to be called there (RFC 8707).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What is asked for there.
    pub scope: ScopeSet,
    /// When the user authenticated.
    pub auth_time: i64,
    /// How strongly.
    pub acr: String,
    /// By what means (RFC 8176).
    pub amr: Vec<String>,
    /// The organization.
    pub org_id: String,
    /// The organization's slug.
    pub org_name: String,
    /// The user's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// The key that a token is bound to (RFC 9449 §6.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The thumbprint of the key (RFC 7638).
    pub jkt: String,
}

/// The left half of the access token's hash, in base64url (OIDC Core §3.1.3.6), for an ID token that is signed
/// with `algorithm`. `EdDSA` names no hash: the one that Ed25519 itself uses counts (RFC 8032 §5.1; issue 1125
/// of the `OpenID` Connect working group).
pub fn at_hash(access_token: &str, algorithm: SigningAlgorithm) -> String {
    let hash = match algorithm {
        SigningAlgorithm::Es256 | SigningAlgorithm::Ps256 | SigningAlgorithm::Rs256 => &SHA256,
        SigningAlgorithm::EdDsa => &SHA512,
    };
    let hash = digest(hash, access_token.as_bytes());
    let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    BASE64_URL_SAFE_NO_PAD.encode(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_oidc_core_a_3_has_its_at_hash() {
        let access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";

        for algorithm in [SigningAlgorithm::Rs256, SigningAlgorithm::Ps256, SigningAlgorithm::Es256] {
            assert_eq!(at_hash(access_token, algorithm), "77QmUPtjPfzWtF2AnpK9RQ");
        }
        // The same text hashed with SHA-512.
        assert_eq!(
            at_hash(access_token, SigningAlgorithm::EdDsa),
            "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM"
        );
    }

    fn access_token() -> AccessTokenClaims {
        AccessTokenClaims {
            iss: "https://id.test".to_owned(),
            sub: "usr_1".to_owned(),
            aud: "https://api.test".to_owned(),
            client_id: "notes".to_owned(),
            iat: 1_700_000_000,
            exp: 1_700_000_600,
            jti: "1".to_owned(),
            scope: ScopeSet::parse("openid email").unwrap(),
            sign_in: Some(SignInClaims {
                sid: "ses_1".to_owned(),
                auth_time: 1_700_000_000,
                acr: "1".to_owned(),
                amr: vec!["pwd".to_owned()],
            }),
            org_id: "org_1".to_owned(),
            org_name: "acme".to_owned(),
            roles: vec!["admin".to_owned()],
            permissions: vec!["notes:read".to_owned()],
            act: None,
            cnf: None,
            own: Map::new(),
        }
    }

    #[test]
    fn an_access_token_says_the_organization() {
        insta::assert_json_snapshot!(access_token(), @r#"
        {
          "iss": "https://id.test",
          "sub": "usr_1",
          "aud": "https://api.test",
          "client_id": "notes",
          "iat": 1700000000,
          "exp": 1700000600,
          "jti": "1",
          "scope": "email openid",
          "sid": "ses_1",
          "auth_time": 1700000000,
          "acr": "1",
          "amr": [
            "pwd"
          ],
          "org_id": "org_1",
          "org_name": "acme",
          "roles": [
            "admin"
          ],
          "permissions": [
            "notes:read"
          ]
        }
        "#);
    }

    #[test]
    fn an_id_token_says_the_organization_and_what_the_scope_allows() {
        let claims = IdTokenClaims {
            iss: "https://id.test".to_owned(),
            sub: "usr_1".to_owned(),
            aud: "notes".to_owned(),
            iat: 1_700_000_000,
            exp: 1_700_000_600,
            auth_time: 1_700_000_000,
            nonce: Some("n".to_owned()),
            at_hash: Some("h".to_owned()),
            acr: "1".to_owned(),
            amr: vec!["pwd".to_owned()],
            sid: "ses_1".to_owned(),
            org_id: "org_1".to_owned(),
            org_name: "acme".to_owned(),
            tenant: Some("org_1".to_owned()),
            session_expiry: 1_700_040_000,
            azp: None,
            profile: ProfileClaims { email: Some("a@acme.test".to_owned()), ..ProfileClaims::default() },
            own: [("urn:plan".to_owned(), "pro".into())].into_iter().collect(),
        };

        insta::assert_json_snapshot!(claims, @r#"
        {
          "iss": "https://id.test",
          "sub": "usr_1",
          "aud": "notes",
          "iat": 1700000000,
          "exp": 1700000600,
          "auth_time": 1700000000,
          "nonce": "n",
          "at_hash": "h",
          "acr": "1",
          "amr": [
            "pwd"
          ],
          "sid": "ses_1",
          "org_id": "org_1",
          "org_name": "acme",
          "tenant": "org_1",
          "session_expiry": 1700040000,
          "email": "a@acme.test",
          "urn:plan": "pro"
        }
        "#);
        let json = serde_json::to_string(&claims).unwrap();
        assert_eq!(serde_json::from_str::<IdTokenClaims>(&json).unwrap(), claims);
    }

    #[test]
    fn a_token_without_an_organization_is_not_read() {
        for name in ["org_id", "org_name"] {
            let mut claims = serde_json::to_value(access_token()).unwrap();
            assert!(serde_json::from_value::<AccessTokenClaims>(claims.clone()).is_ok());
            claims.as_object_mut().unwrap().remove(name);
            assert!(serde_json::from_value::<AccessTokenClaims>(claims).is_err(), "{name}");
        }
    }
}
