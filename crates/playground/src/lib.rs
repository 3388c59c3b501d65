//! What `orgate dev` shows beside the provider: Notes, a sample product that signs its users in with Orgate, and a
//! mailbox that shows what the provider mails.
//!
//! Both keep everything in memory and forget it when they stop. Notes is written to be read: it is what a product
//! has to do to use Orgate, checks included. The mailbox lets in whoever reaches its ports, so it belongs on
//! loopback.

mod browser;
mod http;
mod mailbox;
mod notes;
mod timestamp;

pub use mailbox::serve_mailbox;
pub use notes::{NotesConfig, serve_notes};
