//! Error codes of the protocol, and the error that a request gets.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// The value of `error`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)+
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// As on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

error_codes! {
    /// RFC 6749 §4.1.2.1.
    AccessDenied = "access_denied",
    /// OIDC Core §3.1.2.6: several accounts are possible and nothing may be asked.
    AccountSelectionRequired = "account_selection_required",
    /// RFC 8628 §3.5.
    AuthorizationPending = "authorization_pending",
    /// OIDC Core §3.1.2.6.
    ConsentRequired = "consent_required",
    /// RFC 8628 §3.5.
    ExpiredToken = "expired_token",
    /// RFC 6750 §3.1.
    InsufficientScope = "insufficient_scope",
    /// OIDC Core §3.1.2.6.
    InteractionRequired = "interaction_required",
    /// RFC 6749 §5.2.
    InvalidClient = "invalid_client",
    /// RFC 7591 §3.2.2.
    InvalidClientMetadata = "invalid_client_metadata",
    /// RFC 9449 §5.
    InvalidDpopProof = "invalid_dpop_proof",
    /// RFC 6749 §5.2.
    InvalidGrant = "invalid_grant",
    /// RFC 7591 §3.2.2.
    InvalidRedirectUri = "invalid_redirect_uri",
    /// RFC 6749 §4.1.2.1 and §5.2.
    InvalidRequest = "invalid_request",
    /// OIDC Core §3.1.2.6.
    InvalidRequestObject = "invalid_request_object",
    /// OIDC Core §3.1.2.6.
    InvalidRequestUri = "invalid_request_uri",
    /// RFC 6749 §4.1.2.1 and §5.2.
    InvalidScope = "invalid_scope",
    /// RFC 8707 §2.
    InvalidTarget = "invalid_target",
    /// RFC 6750 §3.1.
    InvalidToken = "invalid_token",
    /// OIDC Core §3.1.2.6.
    LoginRequired = "login_required",
    /// Ours: the request names organizations that contradict each other.
    OrganizationMismatch = "organization_mismatch",
    /// OIDC Core §7.2.1.
    RegistrationNotSupported = "registration_not_supported",
    /// OIDC Core §6.1.
    RequestNotSupported = "request_not_supported",
    /// OIDC Core §6.2.
    RequestUriNotSupported = "request_uri_not_supported",
    /// RFC 6749 §4.1.2.1.
    ServerError = "server_error",
    /// RFC 8628 §3.5.
    SlowDown = "slow_down",
    /// RFC 6749 §4.1.2.1.
    TemporarilyUnavailable = "temporarily_unavailable",
    /// RFC 6749 §4.1.2.1 and §5.2.
    UnauthorizedClient = "unauthorized_client",
    /// OIDC Core Unmet Authentication Requirements 1.0 §2.
    UnmetAuthenticationRequirements = "unmet_authentication_requirements",
    /// RFC 6749 §5.2.
    UnsupportedGrantType = "unsupported_grant_type",
    /// RFC 6749 §4.1.2.1.
    UnsupportedResponseType = "unsupported_response_type",
    /// RFC 9449 §8.
    UseDpopNonce = "use_dpop_nonce",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A refusal in the protocol's words; serialized, the body of RFC 6749 §5.2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{code}: {description}")]
pub struct RequestError {
    /// What a program acts on.
    #[serde(rename = "error")]
    pub code: ErrorCode,
    /// What a developer reads; public.
    #[serde(rename = "error_description")]
    pub description: Cow<'static, str>,
}

impl RequestError {
    /// A refusal. What RFC 6749 §5.2 does not allow in a description reads `?`.
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        let mut description = description.into();
        if !description.chars().all(is_description_char) {
            description = description.chars().map(|c| if is_description_char(c) { c } else { '?' }).collect();
        }
        Self { code, description }
    }

    /// A request that is malformed.
    pub fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }
}

fn is_description_char(c: char) -> bool {
    matches!(c, ' '..='~') && c != '"' && c != '\\'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_serializes_as_the_rfc_says() {
        let error = RequestError::new(ErrorCode::InvalidGrant, "the code has expired");

        insta::assert_json_snapshot!(error, @r#"
        {
          "error": "invalid_grant",
          "error_description": "the code has expired"
        }
        "#);
    }

    #[test]
    fn a_description_holds_only_what_the_rfc_allows() {
        let error = RequestError::invalid_request("a\"b\\c\nd\u{e9}~!".to_owned());

        assert_eq!(error.description, "a?b?c?d?~!");
    }

    #[test]
    fn every_code_has_its_own_text() {
        let texts: std::collections::BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();

        assert_eq!(texts.len(), ErrorCode::ALL.len());
    }
}
