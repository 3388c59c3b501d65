//! Codes and refresh tokens: who may redeem them, when, and what a second presentation means.

use chrono::{DateTime, Utc};
use orgate_protocol::oauth::pkce::{CodeChallenge, CodeVerifier};
use orgate_protocol::oauth::{ClaimsRequest, ScopeSet};

use crate::ids::{ClientId, GrantId, OrgId, SessionId, UserId};
use crate::policies::REFRESH_GRACE;

/// Who presents a code, and with what proof.
#[derive(Debug, Clone, Copy)]
pub struct Presentation<'a> {
    /// The authenticated client's owner.
    pub client_owner: OrgId,
    /// The authenticated client.
    pub client_id: ClientId,
    /// The redirect URI it repeats (RFC 6749 §4.1.3).
    pub redirect_uri: &'a str,
    /// The PKCE verifier (RFC 7636 §4.5), if it has one.
    pub verifier: Option<&'a CodeVerifier>,
    /// The thumbprint of the key that it proves (RFC 9449).
    pub key: Option<&'a str>,
    /// What it wants the tokens for (RFC 8707); `None`: what the code is for.
    pub resource: Option<&'a str>,
}

/// What an authorization code stands for.
#[derive(Debug, Clone)]
pub struct AuthorizationCode {
    /// The family that its redemption starts.
    pub grant_id: GrantId,
    /// The user who signed in.
    pub user_id: UserId,
    /// The session it was issued in.
    pub session_id: SessionId,
    /// The owner of the client it was issued to.
    pub client_owner: OrgId,
    /// The client it was issued to.
    pub client_id: ClientId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// The challenge it is bound to; `None` for a client that is exempt.
    pub code_challenge: Option<CodeChallenge>,
    /// What its tokens are for (RFC 8707); `None`: the client's own resource.
    pub resource: Option<String>,
    /// The thumbprint of the key it is bound to (RFC 9449 §10).
    pub dpop_jkt: Option<String>,
    /// Who issues its tokens; `None`: the shared issuer.
    pub issuer: Option<String>,
    /// What was granted.
    pub scope: ScopeSet,
    /// What was asked for beside it, claim by claim.
    pub claims: ClaimsRequest,
    /// Returned in the ID token.
    pub nonce: Option<String>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

/// Why a code is not accepted. In every case the client learns `invalid_grant` and no more than it
/// already knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeRefusal {
    /// It has lapsed.
    #[error("the code has expired")]
    Expired,
    /// It is bound to another key.
    #[error("the code is bound to another key")]
    KeyMismatch,
    /// It was issued to another client.
    #[error("the code was issued to another client")]
    OtherClient,
    /// It was issued for another resource.
    #[error("the code was issued for another resource")]
    OtherResource,
    /// The verifier does not match the challenge.
    #[error("code_verifier does not match")]
    PkceMismatch,
    /// It was sent to another redirect URI.
    #[error("redirect_uri does not match")]
    RedirectUriMismatch,
}

impl CodeRefusal {
    /// The reason as events carry it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::KeyMismatch => "key_mismatch",
            Self::OtherClient => "other_client",
            Self::OtherResource => "other_resource",
            Self::PkceMismatch => "pkce_mismatch",
            Self::RedirectUriMismatch => "redirect_uri_mismatch",
        }
    }
}

impl AuthorizationCode {
    /// Checks everything but whether it was used, which only the statement that uses it can say.
    ///
    /// # Errors
    /// The first [`CodeRefusal`], the client's identity first.
    pub fn accept(&self, by: &Presentation<'_>, now: DateTime<Utc>) -> Result<(), CodeRefusal> {
        if (self.client_owner, self.client_id) != (by.client_owner, by.client_id) {
            return Err(CodeRefusal::OtherClient);
        }
        if self.redirect_uri != by.redirect_uri {
            return Err(CodeRefusal::RedirectUriMismatch);
        }
        // Also refused: a verifier where no challenge was (RFC 9700 §4.8.2).
        let bound = match (&self.code_challenge, by.verifier) {
            (Some(challenge), Some(verifier)) => challenge.matches(verifier),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !bound {
            return Err(CodeRefusal::PkceMismatch);
        }
        if self.dpop_jkt.is_some() && self.dpop_jkt.as_deref() != by.key {
            return Err(CodeRefusal::KeyMismatch);
        }
        if now >= self.expires_at {
            return Err(CodeRefusal::Expired);
        }
        if by.resource.is_some() && self.resource.is_some() && self.resource.as_deref() != by.resource {
            return Err(CodeRefusal::OtherResource);
        }
        Ok(())
    }
}

/// The life of one refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshState {
    /// It was not used yet.
    Current,
    /// It was exchanged for its successor.
    Rotated {
        /// When.
        at: DateTime<Utc>,
        /// Whether the successor was used in turn, which proves that its answer arrived.
        successor_used: bool,
    },
}

/// What presenting a refresh token means (RFC 9700 §4.14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshVerdict {
    /// Exchange it.
    Rotate,
    /// The answer was lost, or two tabs asked at once: give the same successor again.
    Regive,
    /// Two parties hold it: the family dies.
    Reuse,
}

impl RefreshState {
    /// Judges a presentation at `now`.
    pub fn judge(self, now: DateTime<Utc>) -> RefreshVerdict {
        match self {
            Self::Current => RefreshVerdict::Rotate,
            Self::Rotated { at, successor_used: false } if now - at <= REFRESH_GRACE => {
                RefreshVerdict::Regive
            }
            Self::Rotated { .. } => RefreshVerdict::Reuse,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_rotated_token_whose_successor_was_used_is_never_accepted(after in 0_i64..10_000) {
            let at = DateTime::UNIX_EPOCH;
            let state = RefreshState::Rotated { at, successor_used: true };

            prop_assert_eq!(state.judge(at + Duration::seconds(after)), RefreshVerdict::Reuse);
        }

        #[test]
        fn a_lost_answer_is_given_again_only_inside_the_grace_window(after in 0_i64..10_000) {
            let at = DateTime::UNIX_EPOCH;
            let state = RefreshState::Rotated { at, successor_used: false };
            let inside = Duration::seconds(after) <= REFRESH_GRACE;
            let expected = if inside { RefreshVerdict::Regive } else { RefreshVerdict::Reuse };

            prop_assert_eq!(state.judge(at + Duration::seconds(after)), expected);
        }
    }
}
