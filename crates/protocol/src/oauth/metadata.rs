//! The provider's description of itself (RFC 8414 §2, OIDC Discovery §3): one document for both.

use serde::Serialize;
use url::Url;

use super::Acr;
use super::authorize::{Prompt, ResponseMode};
use super::token::GrantType;
use crate::jose::SigningAlgorithm;

/// `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderMetadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    device_authorization_endpoint: String,
    pushed_authorization_request_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    userinfo_endpoint: String,
    jwks_uri: String,
    end_session_endpoint: String,
    registration_endpoint: String,
    scopes_supported: &'static [&'static str],
    response_types_supported: &'static [&'static str],
    response_modes_supported: Vec<&'static str>,
    grant_types_supported: Vec<&'static str>,
    subject_types_supported: &'static [&'static str],
    id_token_signing_alg_values_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: &'static [&'static str],
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: &'static [&'static str],
    introspection_signing_alg_values_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: &'static [&'static str],
    userinfo_signing_alg_values_supported: Vec<&'static str>,
    request_object_signing_alg_values_supported: Vec<&'static str>,
    dpop_signing_alg_values_supported: Vec<&'static str>,
    code_challenge_methods_supported: &'static [&'static str],
    prompt_values_supported: Vec<&'static str>,
    acr_values_supported: Vec<&'static str>,
    claims_supported: &'static [&'static str],
    ui_locales_supported: &'static [&'static str],
    #[serde(flatten)]
    flags: Flags,
}

/// What is said even where it is off: an absent `request_uri_parameter_supported` would mean true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the document is a list of booleans")]
struct Flags {
    authorization_response_iss_parameter_supported: bool,
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
    frontchannel_logout_supported: bool,
    frontchannel_logout_session_supported: bool,
    claims_parameter_supported: bool,
    client_id_metadata_document_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
}

impl ProviderMetadata {
    /// The document of `issuer`, whose endpoints are all below it.
    pub fn new(issuer: &Url) -> Self {
        let issuer = issuer_identifier(issuer);
        let endpoint = |path| format!("{issuer}{path}");
        Self {
            authorization_endpoint: endpoint("/authorize"),
            token_endpoint: endpoint("/token"),
            device_authorization_endpoint: endpoint("/device_authorization"),
            pushed_authorization_request_endpoint: endpoint("/par"),
            introspection_endpoint: endpoint("/introspect"),
            revocation_endpoint: endpoint("/revoke"),
            userinfo_endpoint: endpoint("/userinfo"),
            jwks_uri: endpoint("/jwks.json"),
            end_session_endpoint: endpoint("/logout"),
            registration_endpoint: endpoint("/register"),
            scopes_supported: &["openid", "profile", "email", "offline_access"],
            response_types_supported: &["code"],
            response_modes_supported: ResponseMode::ALL.map(ResponseMode::as_str).to_vec(),
            grant_types_supported: GrantType::ALL.map(GrantType::as_str).to_vec(),
            subject_types_supported: &["public"],
            id_token_signing_alg_values_supported: algorithms(),
            token_endpoint_auth_methods_supported: &AUTH_METHODS,
            token_endpoint_auth_signing_alg_values_supported: algorithms(),
            introspection_endpoint_auth_methods_supported: confidential(),
            introspection_signing_alg_values_supported: algorithms(),
            revocation_endpoint_auth_methods_supported: &AUTH_METHODS,
            userinfo_signing_alg_values_supported: algorithms(),
            request_object_signing_alg_values_supported: algorithms(),
            dpop_signing_alg_values_supported: algorithms(),
            code_challenge_methods_supported: &["S256"],
            prompt_values_supported: Prompt::ALL.map(Prompt::as_str).to_vec(),
            acr_values_supported: Acr::ALL.map(Acr::as_str).to_vec(),
            claims_supported: &CLAIMS,
            ui_locales_supported: UI_LOCALES,
            flags: Flags {
                authorization_response_iss_parameter_supported: true,
                backchannel_logout_supported: true,
                backchannel_logout_session_supported: true,
                frontchannel_logout_supported: true,
                frontchannel_logout_session_supported: true,
                claims_parameter_supported: true,
                client_id_metadata_document_supported: true,
                request_parameter_supported: true,
                request_uri_parameter_supported: false,
            },
            issuer,
        }
    }
}

/// What tokens and userinfo may say.
const CLAIMS: [&str; 22] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "sid",
    "org_id",
    "org_name",
    "roles",
    "permissions",
    "session_expiry",
    "tenant",
    "name",
    "email",
    "email_verified",
    "locale",
];

/// The languages of the hosted pages.
const UI_LOCALES: &[&str] = &["en", "de", "fr", "es"];

/// How clients prove who they are, `none` last.
const AUTH_METHODS: [&str; 4] = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];

fn confidential() -> &'static [&'static str] {
    AUTH_METHODS.split_last().map_or(&[], |(_, proving)| proving)
}

fn algorithms() -> Vec<&'static str> {
    SigningAlgorithm::ALL.map(SigningAlgorithm::as_str).to_vec()
}

/// The text of `iss`, everywhere: the URL without a trailing slash. Clients compare it as a text (OIDC
/// Discovery §4.3).
pub fn issuer_identifier(issuer: &Url) -> String {
    issuer.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "a snapshot of the whole document")]
    fn the_document_describes_what_is_served() {
        let metadata = ProviderMetadata::new(&Url::parse("https://id.test").unwrap());

        insta::assert_json_snapshot!(metadata, @r#"
        {
          "issuer": "https://id.test",
          "authorization_endpoint": "https://id.test/authorize",
          "token_endpoint": "https://id.test/token",
          "device_authorization_endpoint": "https://id.test/device_authorization",
          "pushed_authorization_request_endpoint": "https://id.test/par",
          "introspection_endpoint": "https://id.test/introspect",
          "revocation_endpoint": "https://id.test/revoke",
          "userinfo_endpoint": "https://id.test/userinfo",
          "jwks_uri": "https://id.test/jwks.json",
          "end_session_endpoint": "https://id.test/logout",
          "registration_endpoint": "https://id.test/register",
          "scopes_supported": [
            "openid",
            "profile",
            "email",
            "offline_access"
          ],
          "response_types_supported": [
            "code"
          ],
          "response_modes_supported": [
            "query",
            "form_post"
          ],
          "grant_types_supported": [
            "authorization_code",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:token-exchange"
          ],
          "subject_types_supported": [
            "public"
          ],
          "id_token_signing_alg_values_supported": [
            "ES256",
            "RS256",
            "PS256",
            "EdDSA"
          ],
          "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
            "none"
          ],
          "token_endpoint_auth_signing_alg_values_supported": [
            "ES256",
            "RS256",
            "PS256",
            "EdDSA"
          ],
          "introspection_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt"
          ],
          "introspection_signing_alg_values_supported": [
            "ES256",
            "RS256",
            "PS256",
            "EdDSA"
          ],
          "revocation_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
            "none"
          ],
          "userinfo_signing_alg_values_supported": [
            "ES256",
            "RS256",
            "PS256",
            "EdDSA"
          ],
          "request_object_signing_alg_values_supported": [
            "ES256",
            "RS256",
            "PS256",
            "EdDSA"
          ],
          "dpop_signing_alg_values_supported": [
            "ES256",
            "RS256",
            "PS256",
            "EdDSA"
          ],
          "code_challenge_methods_supported": [
            "S256"
          ],
          "prompt_values_supported": [
            "none",
            "login",
            "consent",
            "select_account"
          ],
          "acr_values_supported": [
            "urn:orgate:acr:single-factor",
            "urn:orgate:acr:multi-factor"
          ],
          "claims_supported": [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "acr",
            "amr",
            "azp",
            "at_hash",
            "sid",
            "org_id",
            "org_name",
            "roles",
            "permissions",
            "session_expiry",
            "tenant",
            "name",
            "email",
            "email_verified",
            "locale"
          ],
          "ui_locales_supported": [
            "en",
            "de",
            "fr",
            "es"
          ],
          "authorization_response_iss_parameter_supported": true,
          "backchannel_logout_supported": true,
          "backchannel_logout_session_supported": true,
          "frontchannel_logout_supported": true,
          "frontchannel_logout_session_supported": true,
          "claims_parameter_supported": true,
          "client_id_metadata_document_supported": true,
          "request_parameter_supported": true,
          "request_uri_parameter_supported": false
        }
        "#);
    }

    #[test]
    fn an_issuer_may_have_a_path() {
        for text in ["https://id.test/o/org_1", "https://id.test/o/org_1/"] {
            let metadata = ProviderMetadata::new(&Url::parse(text).unwrap());

            assert_eq!(metadata.issuer, "https://id.test/o/org_1");
            assert_eq!(metadata.jwks_uri, "https://id.test/o/org_1/jwks.json");
        }
    }
}
