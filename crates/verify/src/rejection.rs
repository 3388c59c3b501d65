//! Why a request is not let through, and the answer that says so.
//!
//! **Invariant:** an answer tells a caller which step to take next, and nothing about the token that they do not
//! hold in their hands already.

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};

use crate::{dpop::ProofError, jwk::Algorithm, verifier::VerifyError};

/// Why a request is not let through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// 401 `insufficient_user_authentication` (RFC 9470 §3): the user has to prove who they are again, in one of
    /// these ways, or more recently.
    #[error("the user has to authenticate again")]
    InsufficientAuthentication {
        /// What would be strong enough; empty if the strength is not the trouble.
        acr_values: Vec<String>,
        /// How many seconds ago at most.
        max_age: Option<u64>,
    },
    /// 401 `invalid_dpop_proof`, or `use_dpop_nonce` (RFC 9449 §7.1 and §9).
    #[error("the DPoP proof is refused: {0}")]
    InvalidProof(ProofError),
    /// 400 `invalid_request`: several `Authorization` headers, an empty token, or a path that is not UTF-8.
    #[error("the request is malformed")]
    InvalidRequest,
    /// 401 `invalid_token`.
    #[error("the access token is refused: {0}")]
    InvalidToken(VerifyError),
    /// 403 `insufficient_scope`.
    #[error("the access token lacks the permission {0}")]
    MissingPermission(String),
    /// 403 `insufficient_scope`.
    #[error("the access token lacks the role {0}")]
    MissingRole(String),
    /// 403 `insufficient_scope`; all that is needed, separated by spaces.
    #[error("the access token lacks some of the scope {0}")]
    MissingScope(String),
    /// 403: the request names another organization than the token.
    #[error("the request is about another organization than its token")]
    OrganizationMismatch,
    /// 400: the request has to name an organization, and does not.
    #[error("the request names no organization")]
    OrganizationMissing,
    /// 401: no access token, or in a scheme that is not accepted.
    #[error("the request has no access token")]
    TokenMissing,
    /// 503: the issuer, or the memory of proofs, cannot be asked.
    #[error("access tokens cannot be verified at the moment")]
    Unavailable,
}

impl Reason {
    fn status(&self) -> StatusCode {
        match self {
            Self::InvalidRequest | Self::OrganizationMissing => StatusCode::BAD_REQUEST,
            Self::InsufficientAuthentication { .. }
            | Self::InvalidProof(_)
            | Self::InvalidToken(_)
            | Self::TokenMissing => StatusCode::UNAUTHORIZED,
            Self::MissingPermission(_)
            | Self::MissingRole(_)
            | Self::MissingScope(_)
            | Self::OrganizationMismatch => StatusCode::FORBIDDEN,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The parameters of the challenge; `None` where another token would not help.
    fn parameters(&self) -> Option<Vec<(&'static str, String)>> {
        let error = |code: &str| vec![("error", code.to_owned())];
        match self {
            Self::InsufficientAuthentication { acr_values, max_age } => {
                let mut parameters = error("insufficient_user_authentication");
                if !acr_values.is_empty() {
                    parameters.push(("acr_values", acr_values.join(" ")));
                }
                parameters.extend(max_age.map(|seconds| ("max_age", seconds.to_string())));
                Some(parameters)
            }
            Self::InvalidProof(ProofError::Nonce) => Some(error("use_dpop_nonce")),
            Self::InvalidProof(_) => Some(error("invalid_dpop_proof")),
            Self::InvalidRequest => Some(error("invalid_request")),
            Self::InvalidToken(_) => Some(error("invalid_token")),
            Self::MissingPermission(_) | Self::MissingRole(_) => Some(error("insufficient_scope")),
            Self::MissingScope(needed) => {
                Some([error("insufficient_scope"), vec![("scope", needed.clone())]].concat())
            }
            Self::OrganizationMismatch | Self::OrganizationMissing | Self::Unavailable => None,
            Self::TokenMissing => Some(Vec::new()),
        }
    }
}

/// A request that is not let through. With the feature `axum` it answers by itself, with a problem document
/// (RFC 9457) that says no more than the status; elsewhere send [`status`](Self::status) and
/// [`headers`](Self::headers).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Rejection {
    reason: Reason,
    challenges: Vec<String>,
    nonce: Option<String>,
}

impl Rejection {
    /// Why: for logs, and for answers of the backend's own.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The status that the answer must have.
    pub fn status(&self) -> StatusCode {
        self.reason.status()
    }

    /// What the answer must carry besides: `WWW-Authenticate` where a challenge is due, `DPoP-Nonce`,
    /// `Retry-After`.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let challenges = self.challenges.iter().map(|challenge| (WWW_AUTHENTICATE, challenge.as_str()));
        let nonce = self.nonce.iter().map(|nonce| (DPOP_NONCE, nonce.as_str()));
        let retry = (self.reason == Reason::Unavailable).then_some((RETRY_AFTER, "10"));
        for (name, value) in challenges.chain(nonce).chain(retry) {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.append(name, value);
            }
        }
        headers
    }

    pub(crate) fn with_nonce(self, nonce: Option<String>) -> Self {
        Self { nonce, ..self }
    }
}

/// RFC 9449 §8.2.
pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// How an access token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Bearer,
    Dpop,
}

/// What a backend's challenges have in common.
#[derive(Clone, Debug, Default)]
pub(crate) struct Challenges {
    pub(crate) resource_metadata: Option<String>,
    /// The schemes that tokens may be presented in.
    pub(crate) schemes: Vec<Scheme>,
}

impl Challenges {
    /// The refusal of a request whose token came in this scheme.
    pub(crate) fn reject(&self, scheme: Scheme, reason: Reason) -> Rejection {
        self.reject_with(&[scheme], reason)
    }

    /// The refusal of a request without a token.
    pub(crate) fn reject_any(&self, reason: Reason) -> Rejection {
        self.reject_with(&self.schemes, reason)
    }

    fn reject_with(&self, schemes: &[Scheme], reason: Reason) -> Rejection {
        tracing::debug!(error = &reason as &dyn std::error::Error, "a request was refused");
        let challenges = reason.parameters().map_or_else(Vec::new, |parameters| {
            schemes.iter().map(|scheme| self.challenge(*scheme, &parameters)).collect()
        });
        Rejection { reason, challenges, nonce: None }
    }

    /// RFC 9110 §11.6.1, with `algs` of RFC 9449 §7.1 and `resource_metadata` of RFC 9728 §5.1.
    fn challenge(&self, scheme: Scheme, parameters: &[(&str, String)]) -> String {
        let mut parameters: Vec<_> = parameters.iter().map(|(name, value)| parameter(name, value)).collect();
        let name = match scheme {
            Scheme::Bearer => "Bearer",
            Scheme::Dpop => {
                parameters.push(parameter("algs", &Algorithm::ALL.map(Algorithm::name).join(" ")));
                "DPoP"
            }
        };
        parameters.extend(self.resource_metadata.iter().map(|url| parameter("resource_metadata", url)));
        if parameters.is_empty() { name.to_owned() } else { format!("{name} {}", parameters.join(", ")) }
    }
}

/// A quoted string (RFC 9110 §5.6.4), of what a header may carry.
fn parameter(name: &str, value: &str) -> String {
    let visible = value.chars().filter(|char| *char == ' ' || char.is_ascii_graphic());
    let escaped =
        visible.flat_map(|char| ['\\'].into_iter().filter(move |_| matches!(char, '"' | '\\')).chain([char]));
    format!("{name}=\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_parameter_or_its_header() {
        let challenges = Challenges { resource_metadata: None, schemes: vec![Scheme::Bearer] };
        let acr_values = vec!["a\", error=\"x".to_owned(), "b\r\nSet-Cookie: c\\\u{e9}".to_owned()];

        let rejection =
            challenges.reject_any(Reason::InsufficientAuthentication { acr_values, max_age: Some(0) });

        let challenge = r#"Bearer error="insufficient_user_authentication", acr_values="a\", error=\"x bSet-Cookie: c\\", max_age="0""#;
        assert_eq!(rejection.headers()[WWW_AUTHENTICATE], challenge);
    }
}
