//! Who Postgres runs as: this user, or, since it refuses to run as root, one that root becomes.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt as _, lchown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::system;

/// The user and group of a cluster's files and processes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Identity {
    /// Who runs the cluster in `data`, which need not exist yet. For root it is the owner of what is there, so
    /// that it stays usable when a better user appears.
    pub(crate) fn for_cluster(data: &Path) -> Result<Self, Error> {
        let owner = fs::symlink_metadata(data).ok().map(|data| Self { uid: data.uid(), gid: data.gid() });
        match owner.filter(|owner| owner.uid != 0 && system::effective_uid() == 0) {
            Some(owner) => Ok(owner),
            None => Self::for_new_cluster(),
        }
    }

    /// Who runs a new cluster: this user; for root `postgres`, else `nobody`.
    pub(crate) fn for_new_cluster() -> Result<Self, Error> {
        let uid = system::effective_uid();
        if uid != 0 {
            return Ok(Self { uid, gid: id("-g", None).unwrap_or(uid) });
        }
        Self::named("postgres").or_else(|| Self::named("nobody")).ok_or(Error::NoServiceUser)
    }

    fn named(name: &str) -> Option<Self> {
        Some(Self { uid: id("-u", Some(name))?, gid: id("-g", Some(name))? })
    }

    /// Whether it is the current user, who needs no change and knows by trying what it may do.
    fn is_current(self) -> bool {
        self.uid == system::effective_uid()
    }

    /// Has `command` run as this user. std clears the supplementary groups when root does so.
    pub(crate) fn assume(self, command: &mut Command) {
        if !self.is_current() {
            command.uid(self.uid).gid(self.gid);
        }
    }

    /// Makes this user the owner of what was just made. Follows no link.
    pub(crate) fn own(self, path: &Path) -> io::Result<()> {
        if self.is_current() { Ok(()) } else { lchown(path, Some(self.uid), Some(self.gid)) }
    }

    /// Whether this user can get to `path`, whose links are resolved, and enter or execute it. What does not
    /// exist yet is no obstacle: it will be made passable.
    pub(crate) fn reaches(self, path: &Path) -> bool {
        self.is_current()
            || path.ancestors().filter_map(|part| fs::metadata(part).ok()).all(|part| self.may_pass(&part))
    }

    fn may_pass(self, part: &Metadata) -> bool {
        let bit = if part.uid() == self.uid {
            0o100
        } else if part.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        part.mode() & bit != 0
    }

    /// Access rights of a directory that this user has to get through: when root makes it, for everyone.
    pub(crate) fn directory_mode(self) -> u32 {
        if self.is_current() { 0o700 } else { 0o755 }
    }

    /// initdb wants the name of the user it runs as; without one it fails with less of an explanation.
    pub(crate) fn check_has_entry(self) -> Result<(), Error> {
        let name = Command::new("id").arg("-un").stdout(Stdio::null()).stderr(Stdio::null()).status();
        match name {
            Ok(status) if self.is_current() && !status.success() => Err(Error::NoUserEntry(self.uid)),
            // Root's choice has an entry or owns a cluster. Where there is no `id`, initdb has to speak.
            _ => Ok(()),
        }
    }
}

/// Asks `id`, which knows users from wherever the system has them (files, LDAP, macOS' directory).
fn id(option: &str, user: Option<&str>) -> Option<u32> {
    let output = Command::new("id").arg(option).args(user).stderr(Stdio::null()).output().ok()?;
    str::from_utf8(&output.stdout).ok().filter(|_| output.status.success())?.trim().parse().ok()
}
