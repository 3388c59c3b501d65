//! Finds an installation of Postgres that will do, or has one installed.

use std::cmp::Reverse;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::home::ROOT_DIR;
use crate::identity::Identity;
use crate::install::Installer;
use crate::system;

/// What Orgate's SQL needs.
const OLDEST: u32 = 15;

/// Where systems put installations: a directory, and what stands before the version in the names in it.
const SYSTEM_PLACES: [(&str, &str); 5] = [
    ("usr/lib/postgresql", ""),
    ("usr", "pgsql-"),
    ("opt/homebrew/opt", "postgresql@"),
    ("usr/local/opt", "postgresql@"),
    ("home/linuxbrew/.linuxbrew/opt", "postgresql@"),
];

/// Where binaries may be, in the order in which they are preferred.
#[derive(Debug, Clone)]
pub struct Search {
    /// The one place to look at, if given: `ORGATE_PG_BIN`.
    pub explicit: Option<PathBuf>,
    /// Directories of programs: `PATH`. Links in them are followed.
    pub path: Vec<PathBuf>,
    /// Where the file system that holds the systems' usual places begins: `/`.
    pub root: PathBuf,
    /// Where pip and npm install to. None: they are not used.
    pub private_dir: Option<PathBuf>,
    /// What may be used to install Postgres when there is none, in this order.
    pub installers: Vec<Installer>,
}

impl Search {
    /// `ORGATE_PG_BIN`, `PATH`, the usual places, and a private directory of the user's (for root, one that
    /// other users can enter); all installers.
    pub fn from_environment() -> Self {
        let private_dir = if system::effective_uid() == 0 {
            Some(Path::new(ROOT_DIR).join("postgres"))
        } else {
            let home = env::home_dir().filter(|home| home.is_absolute());
            home.map(|home| home.join(".local/share/orgate/postgres"))
        };
        let path = env::var_os("PATH").unwrap_or_default();
        Self {
            explicit: env::var_os("ORGATE_PG_BIN").filter(|dir| !dir.is_empty()).map(PathBuf::from),
            // A relative entry would let the current directory decide what runs.
            path: env::split_paths(&path).filter(|dir| dir.is_absolute()).collect(),
            root: PathBuf::from("/"),
            private_dir,
            installers: vec![Installer::Pip, Installer::Npm, Installer::Apt],
        }
    }

    /// Every directory that has a `postgres`.
    fn candidates(&self) -> Vec<PathBuf> {
        // A link in PATH says nothing of where initdb and the libraries are.
        let path = self.path.iter().filter_map(|dir| dir.join("postgres").canonicalize().ok());
        let mut dirs: Vec<_> = path.filter_map(|program| Some(program.parent()?.to_owned())).collect();
        for (place, prefix) in SYSTEM_PLACES {
            dirs.extend(newest_first(&self.root.join(place), prefix).map(|found| found.join("bin")));
        }
        if let Some(private_dir) = &self.private_dir {
            dirs.extend(
                [Installer::Pip, Installer::Npm].into_iter().filter_map(|from| from.bin(private_dir)),
            );
        }
        dirs.retain(|dir| dir.join("postgres").is_file());
        dirs.dedup();
        dirs
    }
}

fn newest_first(place: &Path, prefix: &str) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path()))
        })
        .collect();
    found.sort_by_key(|(version, _)| Reverse(*version));
    found.into_iter().map(|(_, path)| path)
}

/// What an installation must be like.
#[derive(Debug)]
pub(crate) struct Needs {
    /// The major version that made the existing cluster, which no other can open.
    pub(crate) major: Option<u32>,
    /// Who is to run it.
    pub(crate) identity: Identity,
}

/// An installation of Postgres that will do.
#[derive(Debug, Clone)]
pub struct Binaries {
    dir: PathBuf,
    version: String,
}

impl Binaries {
    /// Finds an installation for a new cluster, and installs one if there is none.
    pub fn locate(search: &Search, progress: fn(&str)) -> Result<Self, Error> {
        let identity = Identity::for_new_cluster()?;
        Self::find_or_install(search, &Needs { major: None, identity }, progress)
    }

    /// The directory of its programs.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its version, such as `15.13`.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn find_or_install(search: &Search, needs: &Needs, progress: fn(&str)) -> Result<Self, Error> {
        if let Some(dir) = &search.explicit {
            return Self::inspect(dir, needs)
                .map_err(|reason| Error::ChosenBinaries { dir: dir.clone(), reason });
        }
        let mut failed = Vec::new();
        let mut installers = search.installers.iter();
        loop {
            let mut tried = Vec::new();
            for dir in search.candidates() {
                match Self::inspect(&dir, needs) {
                    Ok(found) => return Ok(found),
                    Err(reason) => tried.push(format!("{} {reason}", dir.display())),
                }
            }
            let Some(installer) = installers.next() else {
                let wanted = needs.major.map_or(format!("PostgreSQL {OLDEST} or newer"), |major| {
                    format!("PostgreSQL {major}, which made the data directory,")
                });
                tried.append(&mut failed);
                return Err(Error::NoBinaries { wanted, tried });
            };
            if let Err(reason) = installer.run(search, needs.major, progress) {
                failed.push(format!("{installer}: {reason}"));
            }
        }
    }

    /// Whether the installation in `dir` will do, and if not, why: a clause that `dir` is the subject of.
    fn inspect(dir: &Path, needs: &Needs) -> Result<Self, String> {
        let dir = dir.canonicalize().map_err(|error| format!("cannot be opened ({error})"))?;
        for program in ["initdb", "postgres"] {
            let program_path = dir.join(program).canonicalize();
            let program_path = program_path.map_err(|error| format!("has no usable {program} ({error})"))?;
            if !needs.identity.reaches(&program_path) {
                return Err(format!("is not open to user {}, who has to run it", needs.identity.uid));
            }
        }
        let output = Command::new(dir.join("postgres")).arg("--version").stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("has a postgres that does not run ({error})"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let (version, major) = parse_version(&text).ok_or("has a postgres that does not tell its version")?;
        match needs.major {
            Some(needed) if major != needed => {
                Err(format!("has version {version}, and the data needs {needed}"))
            }
            None if major < OLDEST => Err(format!("has version {version}")),
            _ => Ok(Self { dir, version: version.to_owned() }),
        }
    }
}

/// Reads `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`.
fn parse_version(text: &str) -> Option<(&str, u32)> {
    let version = text.strip_prefix("postgres (PostgreSQL) ")?.split_whitespace().next()?;
    let major = version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some((version, major))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_however_it_is_packaged() {
        let debian = "postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n";

        assert_eq!(parse_version(debian), Some(("15.13", 15)));
        assert_eq!(parse_version("postgres (PostgreSQL) 18.6\n"), Some(("18.6", 18)));
        assert_eq!(parse_version("postgres (PostgreSQL) 19beta1\n"), Some(("19beta1", 19)));
        assert_eq!(parse_version("postgres (EnterpriseDB) 9\n"), None);
    }
}
