//! The directory of one cluster: where it lies, who holds it, what an earlier run left in it.
//!
//! **Invariant:** nothing in the directory is changed without [`Home::lock`]. What root makes belongs to root,
//! the cluster apart, so that the server's user can put nothing in the place of what root opens.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::binaries::Binaries;
use crate::error::Error;
use crate::identity::Identity;
use crate::process;

/// Where root keeps what the server's user cannot reach where it was wanted.
pub(crate) const ROOT_DIR: &str = "/var/lib/orgate";

/// Making a cluster takes seconds; on the slowest of disks, a minute.
const INITDB_LIMIT: Duration = Duration::from_mins(3);

/// A cluster's directory and the user that runs the cluster.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) dir: PathBuf,
    pub(crate) identity: Identity,
}

/// A directory taken: until this is dropped, or the process ends.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Drop for Lock {
    /// Closing alone would leave it to a child that another thread is just starting, until that is its
    /// program.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl Home {
    /// Finds, and makes, the directory: the requested one unless Postgres's user cannot get there.
    pub(crate) fn settle(requested: &Path, progress: fn(&str)) -> Result<Self, Error> {
        let dir = std::path::absolute(requested).and_then(|path| resolve(&path));
        let dir = dir.map_err(Error::io("find", requested))?;
        let mut home = Self { identity: Identity::for_cluster(&dir.join("data"))?, dir };
        if !home.identity.reaches(&home.dir) {
            let name = format!("{:016x}", hash(home.dir.as_os_str().as_bytes()));
            let fallback = Path::new(ROOT_DIR).join(name);
            progress(&format!(
                "PostgreSQL refuses to run as root, and user {} cannot enter {}: the data is in {} instead",
                home.identity.uid,
                home.dir.display(),
                fallback.display()
            ));
            home = Self { identity: Identity::for_cluster(&fallback.join("data"))?, dir: fallback };
        }
        make_dirs(&home.dir, home.identity.directory_mode()).map_err(Error::io("make", &home.dir))?;
        if home.identity.reaches(&home.dir) {
            Ok(home)
        } else {
            Err(Error::Unreachable { path: home.dir, uid: home.identity.uid })
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn unfinished(&self) -> PathBuf {
        self.dir.join("data.new")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join("postgres.log")
    }

    /// Takes the directory for this process.
    pub(crate) fn lock(&self) -> Result<Lock, Error> {
        let path = self.dir.join("lock");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        let lock = match file.try_lock() {
            Ok(()) => Lock(file),
            Err(TryLockError::WouldBlock) => {
                let pid = fs::read_to_string(&path).unwrap_or_default().trim().to_owned();
                return Err(Error::AlreadyRunning { data_dir: self.dir.clone(), pid });
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
        };
        // As long as any other, so that a reader never sees an empty or a mixed one.
        let pid = format!("{:<10}\n", std::process::id());
        lock.0.write_all_at(pid.as_bytes(), 0).map_err(Error::io("write", &path))?;
        Ok(lock)
    }

    /// Clears away what a supervisor that was killed left: processes, a half-made cluster, a pid file.
    pub(crate) fn clear_leftovers(&self) -> Result<(), Error> {
        process::end_all_in(&[self.data(), self.unfinished()], self.identity)?;
        // Its number may by now be that of any process, which would keep the server from starting.
        let pid_file = self.data().join("postmaster.pid");
        unless_absent(fs::remove_file(&pid_file)).map_err(Error::io("remove", &pid_file))?;
        let unfinished = self.unfinished();
        unless_absent(fs::remove_dir_all(&unfinished)).map_err(Error::io("remove", &unfinished))
    }

    /// The major version that made the cluster; `None` if there is no cluster yet.
    pub(crate) fn cluster_version(&self) -> Result<Option<u32>, Error> {
        let data = self.data();
        let path = data.join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(version) => version.trim().parse().map(Some).map_err(|_| Error::NotACluster(data)),
            Err(error) if error.kind() == ErrorKind::NotFound => match fs::remove_dir(&data) {
                Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Err(Error::NotACluster(data)),
                removed => {
                    unless_absent(removed).map(|()| None).map_err(Error::io("remove the empty", &data))
                }
            },
            Err(error) => Err(Error::io("read", &path)(error)),
        }
    }

    /// Makes the cluster. It appears under its name only when it is complete.
    pub(crate) fn make_cluster(&self, binaries: &Binaries) -> Result<(), Error> {
        self.identity.check_has_entry()?;
        let unfinished = self.unfinished();
        DirBuilder::new()
            .mode(0o700)
            .create(&unfinished)
            .and_then(|()| self.identity.own(&unfinished))
            .map_err(Error::io("make", &unfinished))?;

        let mut initdb = process::server_command(&binaries.program("initdb"), self.identity, &unfinished);
        initdb.arg("-D").arg(&unfinished);
        initdb.args(["-U", "postgres", "-E", "UTF8", "--no-locale", "-A", "trust"]);
        // --no-clean: an initdb that is told to end must not delete what the next start makes in its place.
        initdb.args(["--no-sync", "--no-clean", "--no-instructions"]);
        process::run(initdb, &self.log(), INITDB_LIMIT)?;

        fs::rename(&unfinished, self.data()).map_err(Error::io("rename", &unfinished))
    }
}

/// Makes a directory and its parents with exactly these access rights, whatever the umask.
pub(crate) fn make_dirs(path: &Path, mode: u32) -> io::Result<()> {
    match (DirBuilder::new().mode(mode).create(path), path.parent()) {
        (Ok(()), _) => fs::set_permissions(path, Permissions::from_mode(mode)),
        (Err(error), Some(parent)) if error.kind() == ErrorKind::NotFound => {
            make_dirs(parent, mode)?;
            make_dirs(path, mode)
        }
        (Err(error), _) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        (Err(error), _) => Err(error),
    }
}

/// FNV-1a, 64 bits: the same in every build, since names of directories come from it. No secret depends on it.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Takes "not found" for done: what is to go is not there.
pub(crate) fn unless_absent(done: io::Result<()>) -> io::Result<()> {
    done.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// The absolute path without links, of which the end need not exist.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Err(error), Some(parent), Some(name)) if error.kind() == ErrorKind::NotFound => {
            Ok(resolve(parent)?.join(name))
        }
        (resolved, ..) => resolved,
    }
}
