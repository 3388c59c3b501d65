//! SAML 2.0 for a service provider: metadata, requests, responses and logout.
//!
//! ```text
//! bytes ─ scan ─ tree ─ shape ─ verify ─ the digested bytes ─ tree ─ read ─ Authentication
//!                                        (decrypt, scan, tree, shape, verify …)
//! ```
//!
//! Whoever writes a message is a stranger until a pinned key says otherwise, so a message first passes a
//! [scan](MAX_BYTES) that bounds everything a parser could stumble over, then a check of where signatures stand
//! and what they cover, then verification by a library ([`crypto`]). What is read afterwards is neither the
//! message nor a tree of it, but the bytes that the signature digested, parsed once more: whatever else the message
//! holds cannot be taken for signed.
//!
//! | to do | see |
//! |---|---|
//! | read an identity provider's metadata, write ours | [`metadata`] |
//! | ask for a sign-in | [`authn_request`] |
//! | find the connection that a message belongs to | [`response::peek`] |
//! | validate a response, and show how it fared | [`response`], [`check`] |
//! | ask for, take and answer logout | [`logout`] |
//! | decode a form field or a query | [`binding`] |
//! | make or take keys | [`key`], [`certificate`] |
//!
//! **Invariant:** pure. Nothing here reads a clock, a socket or a file; the present and random ids are given by the
//! caller, and randomness of the libraries is used only to make keys and signatures. Every parser is bounded and
//! total: any input gives a value or an error. Replay is the caller's to refuse: an assertion id is good once, and
//! must be remembered until [`valid_until`](response::Authentication::valid_until).

pub mod authn_request;
pub mod binding;
pub mod certificate;
pub mod check;
pub mod crypto;
pub mod key;
pub mod logout;
pub mod metadata;
pub mod response;

mod clock;
mod encryption;
mod instant;
mod names;
mod scan;
mod signature;
mod signing;
mod tree;
mod writer;

pub use clock::MAX_SKEW;
pub use scan::{MAX_ATTRIBUTES, MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS};
