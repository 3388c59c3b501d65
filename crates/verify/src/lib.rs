#![cfg_attr(feature = "axum", doc = include_str!("../README.md"))]
//!
//! **Invariant:** an [`AccessToken`] exists only for a token whose signature, issuer, audience, times and
//! organization [`Verifier::verify`] has checked; there is no other way to make one.

mod access_token;
mod authorize;
mod builder;
mod client;
mod clock;
mod dpop;
#[cfg(feature = "axum")]
mod extract;
mod fetch;
mod introspection;
mod json;
mod jwk;
mod jws;
mod key_cache;
mod nonce;
mod org_id;
mod rejection;
mod replay;
mod requirements;
mod resource;
mod subject;
mod verifier;

pub use access_token::AccessToken;
pub use authorize::RequestHead;
pub use builder::{BuildError, VerifierBuilder};
pub use client::InvalidKey;
pub use clock::{Clock, SystemClock};
pub use dpop::{Dpop, ProofError};
#[cfg(feature = "axum")]
pub use extract::{OrgToken, RequestOrg};
pub use fetch::FetchError;
pub use introspection::{Freshness, Introspection};
pub use org_id::{InvalidOrgId, OrgId};
pub use rejection::{Reason, Rejection};
pub use replay::{ProofId, Remembering, ReplayCache, ReplayCacheError, ReplayMemory};
pub use requirements::Requirements;
pub use resource::{Resource, ResourceMetadata};
pub use subject::Subject;
pub use verifier::{Verifier, VerifyError};
