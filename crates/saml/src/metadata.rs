//! Metadata (SAML metadata §2): reading an identity provider's, writing ours.

mod idp;
mod sp;

pub use idp::{Binding, Endpoint, IdpMetadata, MetadataError};
pub use sp::{NAME_ID_EMAIL, NAME_ID_PERSISTENT, NAME_ID_TRANSIENT, NAME_ID_UNSPECIFIED, SpMetadata};
