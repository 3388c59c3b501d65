//! Devices that have their sign-in done in a browser elsewhere (RFC 8628).

mod answers;
mod attacks;
mod issuers;
pub(crate) mod keys;
mod overlaps;
mod polls;
mod world;
