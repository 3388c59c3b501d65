//! The server: configuration, wiring, listeners, jobs, commands.

pub mod apply_file;
pub mod commands;
pub mod http;
pub mod import;
mod issuers;
pub mod jobs;
pub mod settings;
pub mod wiring;
