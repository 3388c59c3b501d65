//! What a caller decides.

use std::path::PathBuf;

use crate::binaries::Search;

/// How to run a server. [`Config::new`] has the defaults.
#[derive(Debug, Clone)]
pub struct Config {
    /// Everything is kept below it: the cluster (`data`), its log, its lock. Made if missing.
    pub data_dir: PathBuf,
    /// Whether data survives a crash of the machine. Default: [`Durability::Durable`].
    pub durability: Durability,
    /// Connections that the server accepts at once. Default: 200.
    pub max_connections: u16,
    /// Memory that the server keeps pages in, in MiB; the system's cache serves the rest. Default: 64.
    pub shared_buffers_mib: u32,
    /// Where binaries are looked for. Default: [`Search::from_environment`].
    pub search: Search,
    /// Told, a sentence each, what takes its time and what is not done as it was asked.
    pub progress: fn(&str),
}

impl Config {
    /// The defaults of each field.
    pub fn new(data_dir: impl Into<PathBuf>, progress: fn(&str)) -> Self {
        Self {
            data_dir: data_dir.into(),
            durability: Durability::Durable,
            max_connections: 200,
            shared_buffers_mib: 64,
            search: Search::from_environment(),
            progress,
        }
    }
}

/// Which crashes committed data survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Every crash.
    Durable,
    /// Any crash but the machine's own: no `fsync`, hence much faster. For tests.
    Volatile,
}
