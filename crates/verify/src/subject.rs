//! Whom a token speaks of: a person, or a program of its own accord.

use crate::{json::Object, verifier::VerifyError};

/// Who acts with the token, inside its organization.
///
/// The two are told apart by `sid`: a user is signed in by a session, a client that asked for itself
/// (`client_credentials`, RFC 6749 §4.4) has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A user of the organization.
    #[non_exhaustive]
    User {
        /// `usr_…`, stable inside the organization.
        id: String,
        /// The session, as in the ID token and in logout tokens: `ses_…`.
        sid: String,
        /// When the user last proved who they are.
        auth_time: Option<u64>,
        /// How strong that proof was.
        acr: Option<String>,
        /// By what methods it was given (RFC 8176).
        amr: Vec<String>,
    },
    /// A client, on nobody's behalf.
    #[non_exhaustive]
    Client {
        /// `cli_…`.
        id: String,
    },
}

impl Subject {
    /// A token of either shape. One that is neither, or a bit of both, is refused: taking a user for a machine, or
    /// the other way round, is how rights are confused.
    pub(crate) fn take(claims: &mut Object) -> Result<Self, VerifyError> {
        let id = claims.take_string("sub")?.ok_or(VerifyError::MissingClaim("sub"))?;
        let sid = claims.take_string("sid")?;
        let auth_time = claims.take_numeric_date("auth_time")?;
        let acr = claims.take_string("acr")?;
        let amr = claims.take_strings("amr")?;
        let invalid = |claim| Err(VerifyError::InvalidClaim(claim));
        match sid {
            Some(_) if !id.starts_with("usr_") => invalid("sub"),
            Some(sid) => Ok(Self::User { id, sid, auth_time, acr, amr: amr.unwrap_or_default() }),
            None if !id.starts_with("cli_") => invalid("sub"),
            None if auth_time.is_some() => invalid("auth_time"),
            None if acr.is_some() => invalid("acr"),
            None if amr.is_some() => invalid("amr"),
            None => Ok(Self::Client { id }),
        }
    }

    /// The id, of the user or of the client: the claim `sub`.
    pub fn id(&self) -> &str {
        match self {
            Self::User { id, .. } | Self::Client { id } => id,
        }
    }
}
