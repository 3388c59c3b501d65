//! What the suite stands on: a database for each test, and verbs that fill it.
//!
//! A harness that cannot do its work has nothing to hand on: it panics and says why, and the test fails.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a harness fails its test where it fails itself"
)]

mod answers;
pub mod app;
mod browser;
pub mod client_document;
pub mod clock;
pub mod contract;
pub mod database;
pub mod event_receiver;
pub mod federated;
pub mod fixture;
pub mod logout_receiver;
pub mod mailbox;
pub mod name_server;
pub mod node;
pub mod openid_provider;
pub mod program;
pub mod registered_client;
pub mod saml_provider;
pub mod signer;
pub mod webhook_receiver;
pub mod wire;
