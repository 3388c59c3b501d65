//! What `orgate dev` shows beside the provider: Notes, a sample product that signs its users in with Orgate; two sample
//! identity providers, such as an organization has already and signs in with at Orgate; and a mailbox that shows what
//! the provider mails.
//!
//! All keep everything in memory and forget it when they stop, apart from the key that a configuration may have kept.
//! Notes is written to be read: it is what a product has to do to use Orgate, checks included. The mailbox lets in
//! whoever reaches its ports, and the identity providers believe whoever reaches them, so they belong on loopback.

mod browser;
mod http;
mod identity_providers;
mod mailbox;
mod notes;
mod timestamp;

pub use identity_providers::{
    IdentityProvidersConfig, OpenIdClient, OpenIdProviderConfig, SamlProviderConfig, SamlTile, SampleUser,
    ServiceProviders, saml_metadata, serve_identity_providers,
};
pub use mailbox::serve_mailbox;
pub use notes::{NotesConfig, serve_notes};
