//! Sign-in through an organization's own identity provider.

mod attacks;
mod bounds;
mod client_authentication;
mod enforcement;
mod forms;
mod hostile;
mod identity_assertions;
mod link;
mod link_pages;
mod logout_messages;
mod logout_posts;
mod logout_tokens;
mod matrix;
mod matrix_ways;
mod metadata;
mod nodes;
mod oidc;
mod providers;
mod saml;
mod saml_world;
mod signals;
mod step_up;
mod suspended;
mod tenants;
mod unsolicited;
mod world;
