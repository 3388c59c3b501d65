//! The transmitter's description of itself (SSF §7.1).

use serde::Serialize;
use url::Url;

use super::{POLL, PUSH};
use crate::oauth::metadata::issuer_identifier;

/// `/.well-known/ssf-configuration`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransmitterMetadata {
    spec_version: &'static str,
    issuer: String,
    jwks_uri: String,
    delivery_methods_supported: [&'static str; 2],
    configuration_endpoint: String,
    status_endpoint: String,
    add_subject_endpoint: String,
    remove_subject_endpoint: String,
    verification_endpoint: String,
    critical_subject_members: [&'static str; 3],
    authorization_schemes: [AuthorizationScheme; 1],
    default_subjects: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct AuthorizationScheme {
    spec_urn: &'static str,
}

impl TransmitterMetadata {
    /// The document of `issuer`, whose endpoints are all below it.
    pub fn new(issuer: &Url) -> Self {
        let issuer = issuer_identifier(issuer);
        let endpoint = |path| format!("{issuer}{path}");
        Self {
            spec_version: "1_0",
            jwks_uri: endpoint("/jwks.json"),
            delivery_methods_supported: [PUSH, POLL],
            configuration_endpoint: endpoint("/ssf/streams"),
            status_endpoint: endpoint("/ssf/status"),
            add_subject_endpoint: endpoint("/ssf/subjects/add"),
            remove_subject_endpoint: endpoint("/ssf/subjects/remove"),
            verification_endpoint: endpoint("/ssf/verify"),
            // A receiver that passed over one of them would do too much, or in another organization.
            critical_subject_members: ["user", "session", "tenant"],
            authorization_schemes: [AuthorizationScheme { spec_urn: "urn:ietf:rfc:6749" }],
            default_subjects: "ALL",
            issuer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_says_what_is_served() {
        let metadata = TransmitterMetadata::new(&Url::parse("https://id.test").unwrap());

        insta::assert_json_snapshot!(metadata, @r#"
        {
          "spec_version": "1_0",
          "issuer": "https://id.test",
          "jwks_uri": "https://id.test/jwks.json",
          "delivery_methods_supported": [
            "urn:ietf:rfc:8935",
            "urn:ietf:rfc:8936"
          ],
          "configuration_endpoint": "https://id.test/ssf/streams",
          "status_endpoint": "https://id.test/ssf/status",
          "add_subject_endpoint": "https://id.test/ssf/subjects/add",
          "remove_subject_endpoint": "https://id.test/ssf/subjects/remove",
          "verification_endpoint": "https://id.test/ssf/verify",
          "critical_subject_members": [
            "user",
            "session",
            "tenant"
          ],
          "authorization_schemes": [
            {
              "spec_urn": "urn:ietf:rfc:6749"
            }
          ],
          "default_subjects": "ALL"
        }
        "#);
    }
}
