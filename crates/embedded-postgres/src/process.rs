//! Starting, awaiting and ending Postgres's processes.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::home::unless_absent;
use crate::identity::Identity;
use crate::system::{self, Signal};

/// How often something is looked at that nothing announces.
const PAUSE: Duration = Duration::from_millis(10);

/// How long processes have to end at once, which is all that `SIGQUIT` leaves them to do.
const QUIT_LIMIT: Duration = Duration::from_secs(30);

/// What an error quotes of a log: its last lines.
const TAIL_LINES: usize = 15;

/// A program of Postgres's, run as `identity` in `dir`, by which [`end_all_in`] will know it.
pub(crate) fn server_command(program: &Path, identity: Identity, dir: &Path) -> Command {
    let mut command = dependent_command(program);
    identity.assume(&mut command);
    command.current_dir(dir);
    // No PG* variable may change what it does, and no secret of ours is its business.
    command.env_clear().env("LC_ALL", "C");
    for name in ["LD_LIBRARY_PATH", "PATH", "TZ"] {
        command.envs(env::var_os(name).map(|value| (name, value)));
    }
    command
}

/// A program that ends with this process, and gets neither input nor signals from its terminal.
pub(crate) fn dependent_command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).process_group(0);
    system::end_with_parent(&mut command);
    command
}

/// Runs the program to its end, its output going to `log`.
pub(crate) fn run(mut command: Command, log: &Path, limit: Duration) -> Result<(), Error> {
    log_to(&mut command, log)?;
    let program = PathBuf::from(command.get_program());
    let mut child = command.spawn().map_err(Error::io("run", &program))?;
    match wait(&mut child, limit).map_err(Error::io("wait for", &program))? {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(failure(&program, ended(status), log)),
        None => {
            // What does not end even now is not worth waiting for any longer.
            let _ = system::send(Signal::Quit, child.id()).and_then(|()| wait(&mut child, QUIT_LIMIT));
            Err(failure(&program, took_longer_than(limit), log))
        }
    }
}

/// Has the program write to a new log; the one before is kept beside it.
pub(crate) fn log_to(command: &mut Command, log: &Path) -> Result<(), Error> {
    unless_absent(fs::rename(log, log.with_extension("log.1"))).map_err(Error::io("rename", log))?;
    let new = OpenOptions::new().append(true).create_new(true).mode(0o600).open(log);
    let (out, err) = new.and_then(|file| Ok((file.try_clone()?, file))).map_err(Error::io("write", log))?;
    command.stdout(out).stderr(err);
    Ok(())
}

/// Waits for the child to end; `None` if it has not within `limit`.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    poll(limit, || child.try_wait())
}

/// Asks again and again until there is an answer; `None` if there was none within `limit`.
pub(crate) fn poll<T, E>(
    limit: Duration,
    mut ask: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let start = Instant::now();
    loop {
        let answer = ask()?;
        if answer.is_some() || start.elapsed() >= limit {
            return Ok(answer);
        }
        thread::sleep(PAUSE);
    }
}

/// The error for a program of which `outcome`, a verb, tells what it did wrong.
pub(crate) fn failure(program: &Path, outcome: String, log: &Path) -> Error {
    let program = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    Error::Program { program, outcome, log: log.to_owned(), tail: tail(log) }
}

/// The outcome of a program that ended when it should not have.
pub(crate) fn ended(status: ExitStatus) -> String {
    format!("ended with {status}")
}

/// The outcome of a program that was not done in time.
pub(crate) fn took_longer_than(limit: Duration) -> String {
    format!("took longer than {} s", limit.as_secs())
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n")
}

/// Ends every process of Postgres's that works in one of the directories, and waits until it is gone.
///
/// For processes without a supervisor: after a `kill -9` of the postmaster, its sessions go on, and the shared
/// memory that they hold keeps a new one from starting.
pub(crate) fn end_all_in(dirs: &[PathBuf], identity: Identity) -> Result<(), Error> {
    let mut told = Vec::new();
    let mut left = Vec::new();
    let gone = poll(QUIT_LIMIT, || {
        left = all_in(dirs, identity)?;
        for pid in &left {
            if !told.contains(pid) {
                told.push(*pid);
                // It may have ended by itself: then the next look does not find it.
                let _ = system::send(Signal::Quit, *pid);
            }
        }
        Ok(left.is_empty().then_some(()))
    });
    gone.map_err(Error::io("read", "/proc"))?.ok_or(Error::StillRunning(left))
}

/// Postgres's processes (the server's and initdb's) that work in one of the directories.
#[cfg(target_os = "linux")]
fn all_in(dirs: &[PathBuf], identity: Identity) -> io::Result<Vec<u32>> {
    use std::os::unix::fs::MetadataExt as _;

    // By inode: the path that the process knows may lead through other mounts.
    let place = |dir: &Path| fs::metadata(dir).map(|dir| (dir.dev(), dir.ino())).ok();
    let wanted: Vec<_> = dirs.iter().filter_map(|dir| place(dir)).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let is_wanted = |process: &Path| {
        let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
        (name.contains("postgres") || name.contains("initdb"))
            && place(&process.join("cwd")).is_some_and(|cwd| wanted.contains(&cwd))
    };
    let processes = fs::read_dir("/proc")?.filter_map(|entry| {
        let entry = entry.ok()?;
        Some((entry.file_name().to_str()?.parse().ok()?, entry.path()))
    });
    Ok(system::with_files_of((identity.uid, identity.gid), || {
        processes.filter(|(_, path)| is_wanted(path)).map(|(pid, _)| pid).collect()
    }))
}

/// The postmasters of clusters in the directories: elsewhere than on Linux, sessions that outlive theirs cannot
/// be told from other clusters'.
#[cfg(not(target_os = "linux"))]
fn all_in(dirs: &[PathBuf], _identity: Identity) -> io::Result<Vec<u32>> {
    let output = Command::new("ps").args(["-axo", "pid=,command="]).output()?;
    let dirs: Vec<_> = dirs.iter().map(|dir| format!(" -D {} ", dir.display())).collect();
    let text = String::from_utf8_lossy(&output.stdout);
    let pids = text.lines().filter(|line| dirs.iter().any(|dir| line.contains(dir))).filter_map(|line| {
        let (pid, command) = line.trim_start().split_once(' ')?;
        command.contains("postgres").then(|| pid.parse().ok())?
    });
    Ok(pids.collect())
}
