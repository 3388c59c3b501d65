//! A Postgres for the time of one command.
//!
//! **Invariant:** it begins empty, no other run uses it, and nothing of it stays: if the command is killed, not
//! beyond the next run.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use orgate_embedded_postgres::{Config, Durability, Postgres};

use crate::workspace;

/// More runs than this at once would not fit the machine.
const SLOTS: u32 = 8;

/// A running Postgres.
pub(crate) struct Cluster {
    postgres: Postgres,
    slot: File,
}

impl Cluster {
    pub(crate) fn start() -> Result<Self> {
        let parent = workspace::target_dir()?.join("test-cluster");
        fs::create_dir_all(&parent).with_context(|| format!("cannot make {}", parent.display()))?;
        for number in 0..SLOTS {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(false);
            let slot = options.open(parent.join(format!("{number}.in-use")))?;
            if slot.try_lock().is_ok() {
                return Self::start_in(slot, &parent.join(number.to_string()));
            }
        }
        bail!("{SLOTS} other runs are using every place in {}", parent.display());
    }

    fn start_in(mut slot: File, dir: &Path) -> Result<Self> {
        let mut config = Config::new(dir, |message| println!("{message}"));
        config.durability = Durability::Volatile;
        let mut postgres = Postgres::start(&config)?;
        // Whoever stops in order empties the file again.
        if slot.read(&mut [0])? > 0 {
            remove(postgres)?;
            postgres = Postgres::start(&config)?;
        }
        slot.write_all(b"in use\n")?;
        Ok(Self { postgres, slot })
    }

    /// A superuser's URL of the database `postgres`, which is empty.
    pub(crate) fn url(&self) -> String {
        self.postgres.url("postgres")
    }

    /// Stops it and removes its data.
    pub(crate) fn stop(self) -> Result<()> {
        remove(self.postgres)?;
        self.slot.set_len(0).context("cannot empty the mark of a running Postgres")
    }
}

fn remove(postgres: Postgres) -> Result<()> {
    // Not the directory that was asked for, if Postgres's user cannot enter that.
    let dir = postgres.data_dir().to_owned();
    postgres.stop()?;
    fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))
}
