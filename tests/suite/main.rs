//! Everything that Orgate promises, tried from outside.

#![expect(clippy::too_many_lines, reason = "a table is as long as what it lists")]

#[cfg(test)]
mod account;
#[cfg(test)]
mod admin;
#[cfg(test)]
mod api_docs;
#[cfg(test)]
mod apply;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod client_documents;
#[cfg(test)]
mod client_keys;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod consents;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod cors;
#[cfg(test)]
mod daily;
#[cfg(test)]
mod dev;
#[cfg(test)]
mod device;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod domains;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod exports;
#[cfg(test)]
mod federation;
#[cfg(test)]
mod headers;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod introspection;
#[cfg(test)]
mod invitations;
#[cfg(test)]
mod issuers;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod languages;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod logouts;
#[cfg(test)]
mod machines;
#[cfg(test)]
mod management;
#[cfg(test)]
mod openid_connect;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod page_list;
#[cfg(test)]
mod pruning;
#[cfg(test)]
mod registrations;
#[cfg(test)]
mod resolution;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod tenancy;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod verify;
#[cfg(test)]
mod webhooks;
