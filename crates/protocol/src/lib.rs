//! Wire formats of OAuth 2.0, `OpenID` Connect and JOSE.
//!
//! **Invariant:** pure. Nothing here reads a clock, a socket or a file, and randomness is used only to
//! generate and use keys; every parser is bounded and total: any input gives a value or an error.

pub mod bearer;
pub mod jose;
pub mod oauth;
pub mod params;
pub mod schemas;
pub mod ssf;
pub mod webhooks;
