//! The directory of a server's socket, and the URL that leads to it.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::home::{hash, unless_absent};
use crate::identity::Identity;
use crate::system;

/// Makes, or checks, the socket directory of the cluster in `data`.
///
/// A socket's path holds at most 103 bytes on some systems, while a data directory's may be of any length:
/// hence a short name in `/tmp`, made from the data directory's. Others can take that name first, but not
/// pretend to be us: whoever else owns it, it is refused.
pub(crate) fn make_directory(data: &Path, identity: Identity) -> Result<PathBuf, Error> {
    let name = [data.as_os_str().as_bytes(), &identity.uid.to_le_bytes()].concat();
    let path = PathBuf::from(format!("/tmp/orgate-{:016x}", hash(&name)));
    match DirBuilder::new().mode(0o700).create(&path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(Error::io("make", &path)(error));
        }
        _ => {}
    }
    let found = fs::symlink_metadata(&path).map_err(Error::io("read", &path))?;
    let ours = [identity.uid, system::effective_uid()].contains(&found.uid());
    let problem = match (found.is_dir(), ours, found.mode() & 0o077) {
        (true, true, 0) => None,
        (false, _, _) => Some("is not a directory"),
        (true, false, _) => Some("belongs to another user"),
        (true, true, _) => Some("is open to other users"),
    };
    if let Some(problem) = problem {
        return Err(Error::SocketDirectory { path, problem });
    }
    identity.own(&path).map_err(Error::io("change the owner of", &path))?;
    // The cluster has no processes, but the number in a lock that one left may be that of another's, or of its
    // own remains: one that nobody has waited for seems alive.
    let lock = path.join(".s.PGSQL.5432.lock");
    unless_absent(fs::remove_file(&lock)).map_err(Error::io("remove", &lock))?;
    Ok(path)
}

/// The URL of a database behind the socket, in the form that sqlx reads.
pub(crate) fn url(directory: &Path, database: &str) -> String {
    let mut url = String::from("postgres://postgres@localhost:5432/");
    push_encoded(&mut url, database.as_bytes());
    url.push_str("?host=");
    push_encoded(&mut url, directory.as_os_str().as_bytes());
    url
}

/// Percent-encodes all but the unreserved characters (RFC 3986 §2.3).
fn push_encoded(url: &mut String, bytes: &[u8]) {
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            url.push(char::from(*byte));
        } else {
            let _ = write!(url, "%{byte:02X}"); // cannot fail
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_names_apart_from_syntax() {
        assert_eq!(
            url(Path::new("/tmp/orgate-1"), "a/b?c=ü"),
            "postgres://postgres@localhost:5432/a%2Fb%3Fc%3D%C3%BC?host=%2Ftmp%2Forgate-1"
        );
    }
}
