//! The crate against messages that other software made: see `tests/corpus/generate.py`.

mod agreement;
mod corpus;
mod limits;
mod logout;
mod metadata;
mod properties;
mod requests;
mod support;
mod vendors;
