//! What Orgate is about: organizations, users, clients, sessions and the rules between them.
//!
//! **Invariant:** pure. Nothing here reads a clock, a socket, a file or a random number generator;
//! what is needed of them is an argument.

pub mod api_keys;
pub mod attributes;
pub mod audit;
pub mod clients;
pub mod connections;
pub mod consents;
pub mod credentials;
pub mod devices;
pub mod domains;
pub mod email;
pub mod groups;
pub mod ids;
pub mod invitations;
pub mod joining;
pub mod keys;
pub mod locales;
pub mod mail_templates;
pub mod names;
pub mod organizations;
pub mod permissions;
pub mod policies;
pub mod quotas;
pub mod resolution;
pub mod roles;
pub mod sessions;
pub mod setup;
pub mod standing;
pub mod streams;
pub mod tokens;
pub mod user_agents;
pub mod webhooks;
