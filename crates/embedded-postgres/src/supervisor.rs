//! Starts a server, answers for it, stops it.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use crate::binaries::{Binaries, Needs};
use crate::config::{Config, Durability};
use crate::error::Error;
use crate::home::{Home, Lock};
use crate::system::{self, Signal};
use crate::{process, socket};

/// How long a server may take to accept connections: recovery after a crash included.
const READY_LIMIT: Duration = Duration::from_mins(2);

/// How long each way of asking a server to stop has: in order, then at once.
const STOP_STEPS: [(Signal, Duration); 2] =
    [(Signal::Interrupt, Duration::from_secs(10)), (Signal::Quit, Duration::from_secs(10))];

/// A running server. Dropped, it stops.
#[derive(Debug)]
pub struct Postgres {
    child: Child,
    home: Home,
    binaries: Binaries,
    socket_dir: PathBuf,
    progress: fn(&str),
    /// Held until the server has stopped.
    _lock: Lock,
    /// Ends the thread that started the server, which the kernel takes for its parent.
    _parent: Sender<Infallible>,
}

impl Postgres {
    /// Starts a server and returns when it accepts connections. Makes the cluster, and installs Postgres, if
    /// there is none; that takes seconds, up to minutes.
    ///
    /// Any thread may call it, and end: the server belongs to the process.
    pub fn start(config: &Config) -> Result<Self, Error> {
        let home = Home::settle(&config.data_dir, config.progress)?;
        let lock = home.lock()?;
        home.clear_leftovers()?;

        let needs = Needs { major: home.cluster_version()?, identity: home.identity };
        let binaries = Binaries::find_or_install(&config.search, &needs, config.progress)?;
        if needs.major.is_none() {
            let (version, dir) = (binaries.version(), home.dir.display());
            (config.progress)(&format!("making a PostgreSQL {version} database in {dir}"));
            home.make_cluster(&binaries)?;
        }

        let socket_dir = socket::make_directory(&home.data(), home.identity)?;
        let program = binaries.program("postgres");
        let command = command(&program, &home, &socket_dir, config)?;
        let (child, parent) = spawn_from_own_thread(command).map_err(Error::io("run", &program))?;
        let progress = config.progress;
        let mut postgres = Self { child, home, binaries, socket_dir, progress, _lock: lock, _parent: parent };
        postgres.wait_until_ready()?;
        Ok(postgres)
    }

    /// The URL of a database on this server, for sqlx. `postgres` exists always.
    pub fn url(&self, database: &str) -> String {
        socket::url(&self.socket_dir, database)
    }

    /// The server's process, the postmaster.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The server's version, such as `15.13`.
    pub fn version(&self) -> &str {
        self.binaries.version()
    }

    /// Where everything lies: the directory asked for, unless Postgres's user could not enter it.
    pub fn data_dir(&self) -> &Path {
        &self.home.dir
    }

    /// Stops the server and waits until it has: in order if it can within 10 s, else at once, which costs no
    /// data but a recovery at the next start.
    ///
    /// # Errors
    ///
    /// [`Error::StillRunning`] if it does not stop; it is never killed.
    pub fn stop(mut self) -> Result<(), Error> {
        self.shut_down()
    }

    fn shut_down(&mut self) -> Result<(), Error> {
        let pid = self.child.id();
        let status = self.end_child().map_err(Error::io("stop", self.binaries.program("postgres")))?;
        match status {
            None => return Err(Error::StillRunning(vec![pid])),
            Some(status) if status.success() => {}
            // It crashed or was killed, and its sessions may not have noticed.
            Some(_) => process::end_all_in(&[self.home.data()], self.home.identity)?,
        }
        // What cannot be removed is checked, and used again, at the next start.
        let _ = fs::remove_dir_all(&self.socket_dir);
        Ok(())
    }

    fn end_child(&mut self) -> io::Result<Option<ExitStatus>> {
        for (signal, patience) in STOP_STEPS {
            // Until its status was taken, the number cannot be another process's.
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            system::send(signal, self.child.id())?;
            if let Some(status) = process::wait(&mut self.child, patience)? {
                return Ok(Some(status));
            }
        }
        Ok(None)
    }

    fn wait_until_ready(&mut self) -> Result<(), Error> {
        let (program, log) = (self.binaries.program("postgres"), self.home.log());
        let pid_file = self.home.data().join("postmaster.pid");
        let pid = self.child.id().to_string();
        let ready = process::poll(READY_LIMIT, || {
            if let Some(status) = self.child.try_wait().map_err(Error::io("wait for", &program))? {
                return Err(process::failure(&program, process::ended(status), &log));
            }
            // It is written line by line, so that it may be missing or incomplete.
            let text = fs::read_to_string(&pid_file).unwrap_or_default();
            let mut lines = text.lines().map(str::trim);
            Ok((lines.next() == Some(&*pid) && lines.nth(6) == Some("ready")).then_some(()))
        })?;
        ready.ok_or_else(|| process::failure(&program, process::took_longer_than(READY_LIMIT), &log))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Err(error) = self.shut_down() {
            (self.progress)(&error.to_string());
        }
    }
}

fn command(program: &Path, home: &Home, socket_dir: &Path, config: &Config) -> Result<Command, Error> {
    let data = home.data();
    let mut command = process::server_command(program, home.identity, &data);
    command.arg("-D").arg(&data).arg("-k").arg(socket_dir).args(["-p", "5432"]);
    let mut set = |setting: &str| {
        command.args(["-c", setting]);
    };
    set("listen_addresses=");
    set("unix_socket_permissions=0700");
    set(&format!("max_connections={}", config.max_connections));
    set(&format!("shared_buffers={}MB", config.shared_buffers_mib));
    set("jit=off");
    // Else recovery opens and syncs a thousand files one by one. The system call is Linux's.
    #[cfg(target_os = "linux")]
    set("recovery_init_sync_method=syncfs");
    if config.durability == Durability::Volatile {
        // Not synchronous_commit: without it, commits would not survive the server's own crash either.
        set("fsync=off");
        set("full_page_writes=off");
    }
    process::log_to(&mut command, &home.log())?;
    Ok(command)
}

/// Starts the child from a thread that lives as long as the sender, or the process.
///
/// The kernel means the *thread* when it signals a parent's death, and a caller's may be a test's, or one of an
/// async runtime's.
fn spawn_from_own_thread(mut command: Command) -> io::Result<(Child, Sender<Infallible>)> {
    let (report, spawned) = mpsc::channel();
    let (keep, kept) = mpsc::channel();
    thread::Builder::new().name("postgres-parent".into()).spawn(move || {
        let _ = report.send(command.spawn());
        // Nothing can be sent: this returns when the sender is dropped.
        let _ = kept.recv();
    })?;
    let child = spawned.recv().map_err(io::Error::other)??;
    Ok((child, keep))
}
