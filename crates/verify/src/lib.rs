#![cfg_attr(feature = "axum", doc = include_str!("../README.md"))]
//!
//! **Invariant:** an [`AccessToken`] exists only for a token whose signature, issuer, audience, times and
//! organization [`Verifier::verify`] has checked; there is no other way to make one.

mod access_token;
mod builder;
mod clock;
#[cfg(feature = "axum")]
mod extract;
mod fetch;
mod json;
mod jwk;
mod jws;
mod key_cache;
mod org_id;
mod verifier;

pub use access_token::{AccessToken, MissingPermission};
pub use builder::{BuildError, VerifierBuilder};
pub use clock::{Clock, SystemClock};
#[cfg(feature = "axum")]
pub use extract::{OrgToken, Rejection, RequestOrg};
pub use fetch::FetchError;
pub use org_id::{InvalidOrgId, OrgId};
pub use verifier::{Verifier, VerifyError};
