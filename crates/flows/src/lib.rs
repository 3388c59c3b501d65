//! Use cases: one function each, deciding inside one organization's transaction.
//!
//! **Invariant:** no hashing of passwords, no network call inside a transaction: read, work, then
//! one deciding transaction. A refusal after the organization is known is a committed outcome with
//! its audit event, not a rollback.

mod access_token;
pub mod apply;
pub mod authenticate_client;
pub mod authorize;
pub mod bootstrap;
pub mod cancel;
pub mod choose;
mod claim_values;
pub mod client_credentials;
pub mod client_documents;
pub mod client_keys;
pub mod client_status;
mod complete;
mod configuration;
mod configure;
pub mod consent;
pub mod consents;
pub mod deliver;
pub mod device;
pub mod discover;
pub mod dns;
pub mod domains;
pub mod dpop;
mod end_sessions;
pub mod env;
mod events;
pub mod exchange_token;
pub mod explain;
pub mod federation;
mod hints;
mod identity_assertion;
pub mod introspect;
mod issue;
pub mod journal;
pub mod keys;
pub mod limits;
mod logout_notice;
pub mod manage;
mod notices;
pub mod origins;
pub mod outgoing;
pub mod passwords;
pub mod preview_claims;
pub mod push_request;
pub mod random;
pub mod recover;
pub mod redeem_assertion;
pub mod redeem_code;
pub mod refresh;
pub mod refusals;
pub mod register_client;
pub mod registration_tokens;
pub mod revoke;
pub mod rewrap;
pub mod rotate_secret;
pub mod sessions;
pub mod setup;
pub mod sign_in;
pub mod sign_out;
pub mod ssf;
pub mod token;
pub mod userinfo;
pub mod vault;
pub mod waiting;
mod way_in;
pub mod webhooks;

pub use complete::SignedIn;
pub use configuration::Configuration;
pub use env::{Browser, Called, Clock, Env, Failure, Issuer, Surroundings, SystemClock};
pub use issue::IssuedTokens;
pub use way_in::NoWayIn;
