//! Fuzz targets: what strangers send, held against what must be true of every answer.
//!
//! A target takes bytes and says whether they were accepted; a [`Violation`] is a bug, and so is a panic or a long
//! wait. The fuzzer (`cargo xtask fuzz TARGET`) and the replay of the corpora (`tests/suite/replay.rs`) call the same
//! functions, so what one of them finds the other keeps found.
//!
//! **Invariant:** a target depends on nothing but its input and committed files: no clock, no network, no chance.

pub mod id_token;
pub mod redirect_query;
pub mod saml_logout;
pub mod saml_metadata;
pub mod saml_response;

mod credulous;
mod world;

/// What became of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken for genuine, or, where nothing vouches for it, for well-formed.
    Accepted,
    /// It was refused.
    Refused,
}

/// Something that must never be true was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation(pub String);

/// What a target finds.
pub type Finding = Result<Verdict, Violation>;

/// A target: its name, which is that of its corpus, and what it does.
pub type Target = (&'static str, fn(&[u8]) -> Finding);

/// All of them.
pub const TARGETS: [Target; 5] = [
    ("id_token", id_token::run),
    ("redirect_query", redirect_query::run),
    ("saml_logout", saml_logout::run),
    ("saml_metadata", saml_metadata::run),
    ("saml_response", saml_response::run),
];

/// Demands what must be true.
fn demand(holds: bool, what: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation(what())) }
}
