//! Sign-in through an organization's own identity provider.

mod attacks;
mod bounds;
mod enforcement;
mod link;
mod matrix;
mod oidc;
mod providers;
mod saml;
mod world;
