//! Setting up an organization's sign-in by a link: what the link opens, and what it never does.

mod crossed;
mod limits;
mod links;
mod proposals;
mod provider;
mod wizard;
mod world;
