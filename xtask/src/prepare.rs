//! `cargo xtask prepare`: what checks the queries of `storage` where there is no database.
//!
//! sqlx's macros, given a database and `SQLX_OFFLINE_DIR`, write there what they learn of each query.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context as _, Result, ensure};

use crate::check::{self, Outcome};
use crate::cluster::Cluster;
use crate::query::Session;
use crate::{migrations, workspace};

/// The crate that has the queries.
const PACKAGE: &str = "orgate-storage";
const ROOT_MODULE: &str = "crates/storage/src/lib.rs";
const DATA: &str = "crates/storage/.sqlx";

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    if workspace::wants_check(arguments)? {
        lint()?;
        return Ok(ExitCode::SUCCESS);
    }
    let fresh = describe_queries()?;
    if read(Path::new(DATA))? != fresh {
        replace(Path::new(DATA), &fresh)?;
        // Nothing tells cargo that what was compiled with the old data is not up to date.
        File::options().append(true).open(ROOT_MODULE)?.set_modified(SystemTime::now())?;
    }
    println!("{} queries in {DATA}", fresh.len());
    Ok(ExitCode::SUCCESS)
}

/// Fails if the data is not what the queries and the schema say.
pub(crate) fn lint() -> Result<Outcome> {
    check::verdict(&differences(&read(Path::new(DATA))?, &describe_queries()?))
}

/// Names of files and what is in them.
type Files = BTreeMap<OsString, Vec<u8>>;

fn differences(committed: &Files, fresh: &Files) -> Vec<String> {
    let missing = fresh.keys().filter(|name| !committed.contains_key(*name)).map(|name| (name, "missing"));
    let others = committed.iter().filter_map(|(name, text)| match fresh.get(name) {
        None => Some((name, "of no query any more")),
        Some(expected) if expected != text => Some((name, "not what the schema says")),
        Some(_) => None,
    });
    let describe = |(name, problem): (&OsString, &str)| {
        format!("{DATA}/{} is {problem}: cargo xtask prepare", name.to_string_lossy())
    };
    missing.chain(others).map(describe).collect()
}

/// Has every query checked by a database that has the migrations, and returns what is then known of each.
fn describe_queries() -> Result<Files> {
    let cluster = Cluster::start()?;
    let described = migrate(&cluster.url()).and_then(|()| compile_against(&cluster.url()));
    cluster.stop()?;
    described
}

fn compile_against(url: &str) -> Result<Files> {
    let directory = workspace::target_dir()?.join("prepare");
    replace(&directory, &Files::new())?;
    let mut cargo = workspace::cargo(["check", "--package", PACKAGE, "--all-targets"]);
    cargo.env("DATABASE_URL", url).env("SQLX_OFFLINE", "false").env("SQLX_OFFLINE_DIR", &directory);
    let changed = Changed::pretend(Path::new(ROOT_MODULE))?;
    let checked = workspace::run(&mut cargo);
    changed.restore()?;
    checked?;

    let found = read(&directory)?;
    ensure!(
        !found.is_empty(),
        "{PACKAGE} has no checked queries, or sqlx no longer writes what it learns of them"
    );
    Ok(found)
}

fn migrate(url: &str) -> Result<()> {
    let mut session = Session::connect(url)?;
    for path in migrations::files()? {
        let sql = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        session.run(&sql).with_context(|| format!("cannot apply {}", path.display()))?;
    }
    Ok(())
}

/// A file that seems changed to cargo, which else would not compile it again.
struct Changed {
    file: File,
    path: PathBuf,
    before: SystemTime,
    pretended: SystemTime,
}

impl Changed {
    fn pretend(path: &Path) -> Result<Self> {
        let file = File::options()
            .append(true)
            .open(path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        let before = file.metadata()?.modified()?;
        file.set_modified(SystemTime::now())?;
        let pretended = file.metadata()?.modified()?;
        Ok(Self { file, path: path.to_owned(), before, pretended })
    }

    /// Spares other builds from compiling it again, unless it did change meanwhile.
    fn restore(self) -> Result<()> {
        if fs::metadata(&self.path)?.modified()? == self.pretended {
            self.file.set_modified(self.before)?;
        }
        Ok(())
    }
}

/// The files of a directory, which need not exist.
fn read(directory: &Path) -> Result<Files> {
    if !directory.exists() {
        return Ok(Files::new());
    }
    let entries = fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let file = |entry: fs::DirEntry| Ok((entry.file_name(), fs::read(entry.path())?));
    entries.map(|entry| file(entry?)).collect()
}

/// Makes a directory hold these files and no others.
fn replace(directory: &Path, files: &Files) -> Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory).with_context(|| format!("cannot remove {}", directory.display()))?;
    }
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    for (name, text) in files {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_a_superfluous_and_a_changed_file_are_named() {
        let files = |entries: &[(&str, &str)]| -> Files {
            entries.iter().map(|(name, text)| (OsString::from(name), text.as_bytes().to_vec())).collect()
        };
        let committed = files(&[("old", "1"), ("same", "2"), ("changed", "3")]);
        let fresh = files(&[("new", "1"), ("same", "2"), ("changed", "4")]);

        let found = differences(&committed, &fresh);

        let problems: Vec<_> = found.iter().filter_map(|line| line.strip_prefix(DATA)).collect();
        assert_eq!(
            problems,
            [
                "/new is missing: cargo xtask prepare",
                "/changed is not what the schema says: cargo xtask prepare",
                "/old is of no query any more: cargo xtask prepare",
            ]
        );
    }
}
