//! The built program, run as its users run it.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{env, fs};

use uuid::Uuid;

/// A cold start makes a cluster, on a machine that runs the rest of the suite.
const PATIENCE: Duration = Duration::from_mins(2);

/// `orgate`, as `ORGATE_BIN` names it or as cargo has built it beside this test, without the settings of whoever
/// runs the suite.
pub fn orgate() -> Command {
    let program = env::var_os("ORGATE_BIN").map_or_else(built_beside_this, PathBuf::from);
    assert!(
        program.is_file(),
        "{} is not there: run `cargo build --bin orgate` first, or `cargo xtask test`, which does",
        program.display()
    );
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let is_setting = text.starts_with("ORGATE_") && text != "ORGATE_PG_BIN";
        if is_setting || ["DATABASE_URL", "RUST_LOG"].contains(&text.as_ref()) {
            command.env_remove(&name);
        }
    }
    command.stdin(Stdio::null());
    command
}

fn built_beside_this() -> PathBuf {
    let this = env::current_exe().expect("the path of this test");
    this.ancestors().nth(2).expect("target/debug").join("orgate")
}

/// What a program that ended has said.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Ended {
    /// Runs it to its end, which it is expected to come to by itself.
    pub fn of(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
        let pid = child.id();
        let (report, ended) = mpsc::channel();
        thread::spawn(move || report.send(child.wait_with_output()));
        let output = ended.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            signal("-KILL", pid);
            panic!("it did not end by itself: {command:?}")
        });
        let output = output.expect("its output");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Both streams, to look for what must be in neither.
    pub fn everything(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// A program that runs. Dropped, it is interrupted and waited for.
#[derive(Debug)]
pub struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Running {
    /// Starts it and returns when it has said `ready`.
    pub fn start(command: &mut Command, ready: &str) -> Self {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
        let said = Arc::default();
        let (stdout, stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let readers = vec![collect(stdout, &said), collect(stderr, &said)];
        let mut running = Self { child, said, readers };
        let deadline = Instant::now() + PATIENCE;
        while !running.said().contains(ready) {
            let ended = running.child.try_wait().expect("a child");
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "not ready ({ended:?}): {}",
                running.said()
            );
            thread::sleep(Duration::from_millis(20));
        }
        running
    }

    /// What it has said so far, on both streams.
    pub fn said(&self) -> String {
        lock(&self.said).clone()
    }

    /// What it has said, once that is `enough`: what a program prints arrives here a little after what it answers.
    pub async fn says(&self, enough: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let said = self.said();
            if enough(&said) {
                return said;
            }
            assert!(Instant::now() < deadline, "something is missing: {said}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Presses Ctrl-C, and waits for the end; how it ended, how long that took and all it said.
    pub fn interrupt(mut self) -> (ExitStatus, Duration, String) {
        let begun = Instant::now();
        let status = self.end().expect("it ends when interrupted");
        (status, begun.elapsed(), self.said())
    }

    /// Ends it at once, by `SIGKILL`: it finishes nothing.
    pub fn kill(mut self) {
        self.child.kill().expect("a child");
        self.child.wait().expect("its end");
    }

    fn end(&mut self) -> Option<ExitStatus> {
        if let Some(status) = self.child.try_wait().ok()? {
            return Some(status);
        }
        signal("-INT", self.child.id());
        // Whoever started the tests in the background of a shell has them, and what they start, ignore that.
        let patience = Instant::now() + Duration::from_mins(1);
        let status = loop {
            match self.child.try_wait().ok()? {
                Some(status) => break Some(status),
                None if Instant::now() > patience => {
                    self.child.kill().ok()?;
                    break self.child.wait().ok();
                }
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        for reader in self.readers.drain(..) {
            reader.join().ok()?;
        }
        status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

fn signal(signal: &str, pid: u32) {
    // It may have ended by now.
    let _ = Command::new("kill").args([signal, &pid.to_string()]).status();
}

fn collect(stream: impl Read + Send + 'static, said: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let said = Arc::clone(said);
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let _ = writeln!(lock(&said), "{line}");
        }
    })
}

fn lock(said: &Mutex<String>) -> MutexGuard<'_, String> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A directory of the caller's own. Dropped, it is gone.
#[derive(Debug)]
pub struct Directory(PathBuf);

impl Directory {
    /// An empty one.
    pub fn fresh() -> Self {
        let path = env::temp_dir().join(format!("orgate-test-{}", Uuid::now_v7().simple()));
        fs::create_dir(&path).expect("a directory");
        Self(path)
    }

    /// A path in it.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    /// A file in it.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("a file");
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed is left to the system.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Ports that nothing listened on a moment ago.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}
