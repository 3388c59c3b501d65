//! What the tests share: installations to run them on, directories, a supervisor that can be killed, a client.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use orgate_embedded_postgres::{Binaries, Config, Durability, Installer, Search};

/// Says so past the test runner, which shows no output of tests that pass.
pub(crate) fn skip(why: &str) {
    let _ = writeln!(io::stderr(), "SKIPPED: {}: {why}", thread::current().name().unwrap_or("?"));
}

pub(crate) fn is_root() -> bool {
    // The process's own directory belongs to its effective user.
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// The installations that tests run on, found or made once: Debian's 15 and the pip wheel's 18. There is at
/// least one.
pub(crate) fn installations() -> &'static [Binaries] {
    static FOUND: OnceLock<Vec<Binaries>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let system = Search { explicit: Some("/usr/lib/postgresql/15/bin".into()), ..nowhere() };
        let private_dir = Search::from_environment().private_dir;
        let pip = Search { private_dir, installers: vec![Installer::Pip], ..nowhere() };
        let mut found = Vec::new();
        for (name, search) in [("15", system), ("18 by pip", pip)] {
            match Binaries::locate(&search, |message| println!("{message}")) {
                Ok(binaries) => found.push(binaries),
                Err(error) => skip(&format!("PostgreSQL {name}: {error}")),
            }
        }
        if found.is_empty() {
            found.push(
                Binaries::locate(&Search::from_environment(), |message| println!("{message}")).unwrap(),
            );
        }
        found
    })
}

/// A search that finds nothing.
pub(crate) fn nowhere() -> Search {
    Search {
        explicit: None,
        path: Vec::new(),
        root: "/nonexistent".into(),
        private_dir: None,
        installers: Vec::new(),
    }
}

/// A configuration for this installation, with nothing to wait for but what the test is about.
pub(crate) fn config(dir: &Path, binaries: &Binaries) -> Config {
    let mut config = Config::new(dir, |message| println!("{message}"));
    config.search = Search { explicit: Some(binaries.dir().to_owned()), ..nowhere() };
    config.durability = Durability::Volatile;
    config
}

/// A directory that everyone may enter, removed in the end.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // Not env::temp_dir(): where that is private to a user, root's server cannot get there.
        let path = PathBuf::from(format!("/tmp/orgate-test-{}-{count}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// The example `supervise` in a process of its own. Dropped, it stops its server.
pub(crate) struct Supervisor {
    process: Child,
    /// What it said: the last line of each kind.
    said: HashMap<String, String>,
}

impl Supervisor {
    /// The program, which ends with the test: its input does.
    pub(crate) fn program() -> PathBuf {
        let tests = std::env::current_exe().unwrap();
        let program = tests.parent().unwrap().parent().unwrap().join("examples/supervise");
        assert!(
            program.is_file(),
            "build the example first: cargo test -p orgate-embedded-postgres --examples"
        );
        program
    }

    pub(crate) fn start(binaries: &Binaries, data_dir: &Path) -> Self {
        Self::start_by(Command::new(Self::program()).arg(data_dir), binaries)
    }

    /// Starts it by a command that ends in the program's name and argument.
    pub(crate) fn start_by(command: &mut Command, binaries: &Binaries) -> Self {
        let supervisor = Self::try_start_by(command.env("ORGATE_PG_BIN", binaries.dir()));
        assert!(supervisor.said.contains_key("ready"), "{:?}", supervisor.said);
        supervisor
    }

    /// Returns once the server is ready, or the program has ended.
    pub(crate) fn try_start_by(command: &mut Command) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = HashMap::new();
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            println!("{line}");
            if let Some((kind, text)) = line.split_once(' ') {
                said.insert(kind.to_owned(), text.to_owned());
            }
            if said.contains_key("ready") {
                break;
            }
        }
        Self { process, said }
    }

    pub(crate) fn said(&self, kind: &str) -> &str {
        self.said.get(kind).map_or("", String::as_str)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn postmaster(&self) -> u32 {
        self.said("ready").parse().unwrap()
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.said("url"))
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }
}

pub(crate) fn kill_9(pid: u32) {
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
}

/// Waits for what must come; fails if it does not within `limit`.
#[track_caller]
pub(crate) fn await_until(limit: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The processes that work in a directory.
pub(crate) fn processes_in(dir: &Path) -> Vec<u32> {
    let pids =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == dir)).collect()
}

/// One session, over the socket that a URL names. Speaks as much of the protocol as a query needs.
pub(crate) struct Client(UnixStream);

impl Client {
    pub(crate) fn connect(url: &str) -> Self {
        Self::try_connect(url).unwrap()
    }

    pub(crate) fn try_connect(url: &str) -> io::Result<Self> {
        let host = url.strip_prefix("postgres://postgres@localhost:5432/postgres?host=").unwrap();
        let stream = UnixStream::connect(format!("{}/.s.PGSQL.5432", host.replace("%2F", "/")))?;
        let mut client = Self(stream);
        let startup = b"\x00\x03\x00\x00user\0postgres\0database\0postgres\0\0";
        client.0.write_all(&(u32::try_from(startup.len()).unwrap() + 4).to_be_bytes())?;
        client.0.write_all(startup)?;
        client.read_answer()?;
        Ok(client)
    }

    /// The first column of each row.
    pub(crate) fn query(&mut self, sql: &str) -> Vec<String> {
        self.try_query(sql).unwrap()
    }

    pub(crate) fn try_query(&mut self, sql: &str) -> io::Result<Vec<String>> {
        self.send(sql)?;
        self.read_answer()
    }

    fn send(&mut self, sql: &str) -> io::Result<()> {
        let length = u32::try_from(sql.len() + 5).unwrap();
        self.0.write_all(&[b"Q", &length.to_be_bytes()[..], sql.as_bytes(), b"\0"].concat())
    }

    /// Has the session work on after its server's death, for a minute: it looks up only between statements.
    pub(crate) fn keep_busy(&mut self) {
        let until = "clock_timestamp() > transaction_timestamp() + interval '1 minute'";
        self.send(&format!("do $$ begin loop exit when {until}; end loop; end $$")).unwrap();
    }

    /// Reads messages until the server is ready for the next query.
    fn read_answer(&mut self) -> io::Result<Vec<String>> {
        let mut rows = Vec::new();
        loop {
            let mut head = [0; 5];
            self.0.read_exact(&mut head)?;
            let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize - 4;
            let mut body = vec![0; length];
            self.0.read_exact(&mut body)?;
            match head[0] {
                // After the number of columns, the first one's length (-1 for null) and text.
                b'D' => {
                    let length =
                        usize::try_from(i32::from_be_bytes(body[2..6].try_into().unwrap())).unwrap_or(0);
                    rows.push(String::from_utf8(body[6..6 + length].to_vec()).unwrap());
                }
                b'E' => return Err(io::Error::other(String::from_utf8_lossy(&body).replace('\0', " "))),
                b'Z' => return Ok(rows),
                _ => {}
            }
        }
    }
}
