//! What both HTTP channels share: where a request came from, what its browser proves, its id, its
//! bounds.
//!
//! **Invariant:** no address, link or cookie is made of a request's `Host` or `X-Forwarded-*`
//! header; the client's address is taken from a forwarding header only behind a trusted proxy.

mod address;
pub mod administration;
pub mod browser;
mod issuer;
mod languages;
mod params;
mod request_id;
mod state;

pub use address::RequestOrigin;
pub use administration::AdministrationCookies;
pub use browser::BrowserCookies;
pub use issuer::CalledIssuer;
pub use params::{FormParams, ParamsRejection, QueryParams};
pub use request_id::{RequestId, observe};
pub use state::{AppState, HttpSettings};
