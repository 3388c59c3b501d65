//! Finds and supervises a real Postgres (15 or newer) for `orgate dev`, the tests and xtask.
//!
//! **Invariant:** a server that this crate started ends with the process that started it, however that ends,
//! and nothing that was committed is lost: Postgres is asked to stop (`SIGINT`, then `SIGQUIT`), never
//! `SIGKILL`ed, and what a crash left behind is cleared away at the next start.
//!
//! The server listens on a Unix socket only, in a directory that no other user can enter; whoever can, is
//! trusted. That is right for development and tests and for nothing else.
//!
//! ```no_run
//! use orgate_embedded_postgres::{Config, Postgres};
//!
//! let config = Config::new(".orgate/postgres", |message| eprintln!("{message}"));
//! let postgres = Postgres::start(&config)?;
//! println!("Postgres {} at {}", postgres.version(), postgres.url("postgres"));
//! postgres.stop()?;
//! # Ok::<(), orgate_embedded_postgres::Error>(())
//! ```

mod binaries;
mod config;
mod error;
mod home;
mod identity;
mod install;
mod process;
mod socket;
mod supervisor;
#[expect(unsafe_code, reason = "system calls that std does not offer; nothing else is in there")]
mod system;

pub use binaries::{Binaries, Search};
pub use config::{Config, Durability};
pub use error::Error;
pub use install::Installer;
pub use supervisor::Postgres;
