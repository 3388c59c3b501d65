//! The few system calls that std does not offer.
//!
//! **Invariant:** all `unsafe` code of the workspace is here, and each function is sound for every argument.

use std::io;
use std::process::Command;

/// How a process of Postgres's is asked to end. There is no `SIGKILL`: it would leave shared memory and
/// orphans behind.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signal {
    /// `SIGINT`: end all sessions and shut down in order.
    Interrupt,
    /// `SIGQUIT`: end at once, and recover at the next start.
    Quit,
}

/// Sends a signal to one process, which the caller knows to be Postgres's.
pub(crate) fn send(signal: Signal, pid: u32) -> io::Result<()> {
    // 0 and negative numbers mean groups of processes, 1 is init.
    let pid = i32::try_from(pid).ok().filter(|pid| *pid > 1).ok_or(io::ErrorKind::InvalidInput)?;
    let signal = match signal {
        Signal::Interrupt => libc::SIGINT,
        Signal::Quit => libc::SIGQUIT,
    };
    // SAFETY: takes numbers only, and touches no memory of this process.
    if unsafe { libc::kill(pid, signal) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The user whose rights this process has.
pub(crate) fn effective_uid() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// Has the kernel interrupt the process that `command` starts when the thread that started it ends; the
/// process that has died in between starts nothing.
#[cfg(target_os = "linux")]
pub(crate) fn end_with_parent(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;

    let parent = std::process::id();
    let in_child = move || {
        let signal = libc::c_ulong::from(libc::SIGINT.unsigned_abs());
        // SAFETY: takes numbers only. Runs after the change of user, which would undo it.
        if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal) } == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: takes nothing and cannot fail.
        if u32::try_from(unsafe { libc::getppid() }) == Ok(parent) {
            Ok(())
        } else {
            Err(io::Error::from_raw_os_error(libc::ESRCH))
        }
    };
    // SAFETY: between fork and exec the closure makes two async-signal-safe calls and allocates nothing.
    unsafe { command.pre_exec(in_child) };
}

/// Other systems cannot tell: there, the next start ends what a killed supervisor left running.
#[cfg(not(target_os = "linux"))]
pub(crate) fn end_with_parent(_command: &mut Command) {}

/// Runs `read` with the user's and group's view of files, on this thread only.
///
/// Root needs it in containers without `CAP_SYS_PTRACE`, where only a process's own user may look at it.
#[cfg(target_os = "linux")]
pub(crate) fn with_files_of<T>((uid, gid): (u32, u32), read: impl FnOnce() -> T) -> T {
    struct Restore(u32, u32);
    impl Drop for Restore {
        fn drop(&mut self) {
            set_file_identity(self.0, self.1);
        }
    }

    let (uid, gid) = set_file_identity(uid, gid);
    let _restore = Restore(uid, gid);
    read()
}

/// Returns the identity until now. What is not allowed changes nothing.
#[cfg(target_os = "linux")]
fn set_file_identity(uid: u32, gid: u32) -> (u32, u32) {
    // SAFETY: both take a number and return the one before. The group goes first, since only root may set it,
    // and a file identity that is not root's does not take that right away (it is no file capability).
    let (gid, uid) = unsafe { (libc::setfsgid(gid), libc::setfsuid(uid)) };
    (uid.cast_unsigned(), gid.cast_unsigned())
}
