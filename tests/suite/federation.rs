//! Sign-in through an organization's own identity provider.

mod attacks;
mod enforcement;
mod matrix;
mod oidc;
mod saml;
mod world;
