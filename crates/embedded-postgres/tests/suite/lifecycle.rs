//! Servers start, keep their data, and end with their supervisor, on every installation at hand.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use orgate_embedded_postgres::{Durability, Error, Postgres};

use crate::support::{
    Client, Supervisor, TempDir, await_until, config, installations, kill_9, nowhere, processes_in, skip,
};

/// The server takes a fraction of a second to notice; the rest is for busy machines.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_second_start_finds_the_data_of_the_first() {
    for binaries in installations() {
        let dir = TempDir::new();
        let config = config(&dir.join("pg"), binaries);

        let first = Postgres::start(&config).unwrap();
        Client::connect(&first.url("postgres")).query("create table t as select 'kept' as word");
        let pid = first.pid();
        first.stop().unwrap();
        let still_there = fs::exists(format!("/proc/{pid}")).unwrap();
        let second = Postgres::start(&config).unwrap();

        assert!(!still_there);
        assert_eq!(Client::connect(&second.url("postgres")).query("select word from t"), ["kept"]);
        assert_eq!(second.version(), binaries.version());
    }
}

#[test]
fn the_server_has_the_settings_that_were_asked_for() {
    for binaries in installations() {
        let dir = TempDir::new();
        let mut config = config(&dir.join("pg"), binaries);
        config.durability = Durability::Durable;
        config.max_connections = 30;

        let postgres = Postgres::start(&config).unwrap();

        let mut client = Client::connect(&postgres.url("postgres"));
        let mut show = |setting: &str| client.query(&format!("show {setting}")).remove(0);
        assert_eq!(show("max_connections"), "30");
        assert_eq!(show("fsync"), "on");
        assert_eq!(show("listen_addresses"), "");
        assert_eq!(show("server_encoding"), "UTF8");
        assert!(show("server_version").starts_with(postgres.version()));
    }
}

#[test]
fn a_server_outlives_the_thread_that_started_it_and_stops_when_dropped() {
    let dir = TempDir::new();
    let config = config(&dir.join("pg"), &installations()[0]);

    let postgres = thread::spawn(move || Postgres::start(&config).unwrap()).join().unwrap();
    let url = postgres.url("postgres");
    thread::sleep(Duration::from_millis(300)); // a signal at the thread's end would have stopped it
    let answer = Client::connect(&url).query("select 1");
    drop(postgres);

    assert_eq!(answer, ["1"]);
    assert_eq!(processes_in(&dir.join("pg/data")), []);
    assert!(Client::try_connect(&url).is_err());
}

#[test]
fn a_killed_supervisor_takes_the_server_with_it_and_loses_no_commit() {
    for binaries in installations() {
        let dir = TempDir::new();
        let mut supervisor = Supervisor::start(binaries, &dir.join("pg"));
        supervisor.connect().query("create table t (n int)");
        let committed = Arc::new(AtomicUsize::new(0));
        let writers = [1, 2, 3].map(|writer| {
            let (mut client, committed) = (supervisor.connect(), committed.clone());
            thread::spawn(move || {
                while client.try_query(&format!("insert into t values ({writer})")).is_ok() {
                    committed.fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        await_until(Duration::from_mins(1), "some commits", || committed.load(Ordering::SeqCst) > 100);

        supervisor.kill();

        await_until(SOON, "the server's end", || processes_in(&dir.join("pg/data")).is_empty());
        let writers = writers.map(|writer| writer.join().unwrap()).len();
        let restarted = Supervisor::start(binaries, &dir.join("pg"));
        let found: usize = restarted.connect().query("select count(*) from t")[0].parse().unwrap();
        let committed = committed.load(Ordering::SeqCst);
        // Each writer's last commit may have been made and not been answered.
        assert!((committed..=committed + writers).contains(&found), "{found} of {committed}");
    }
}

#[test]
fn a_server_killed_together_with_its_supervisor_starts_again() {
    for binaries in installations() {
        let dir = TempDir::new();
        let mut supervisor = Supervisor::start(binaries, &dir.join("pg"));
        supervisor.connect().query("create table t as select 'kept' as word");
        let mut busy = supervisor.connect();
        let backend: u32 = busy.query("select pg_backend_pid()")[0].parse().unwrap();
        busy.keep_busy();

        kill_9(supervisor.postmaster());
        supervisor.kill();
        let orphans = processes_in(&dir.join("pg/data"));
        let restarted = Supervisor::start(binaries, &dir.join("pg"));

        assert!(orphans.contains(&backend), "without an orphan this test tests nothing: {orphans:?}");
        assert!(!processes_in(&dir.join("pg/data")).contains(&backend));
        assert_eq!(restarted.connect().query("select word from t"), ["kept"]);
    }
}

#[test]
fn a_killed_server_leaves_no_session_behind_when_its_supervisor_stops() {
    let dir = TempDir::new();
    let postgres = Postgres::start(&config(&dir.join("pg"), &installations()[0])).unwrap();
    let mut busy = Client::connect(&postgres.url("postgres"));
    busy.keep_busy();

    kill_9(postgres.pid());
    postgres.stop().unwrap();

    assert_eq!(processes_in(&dir.join("pg/data")), []);
}

#[test]
fn a_directory_that_is_in_use_is_refused_and_left_alone() {
    let dir = TempDir::new();
    let binaries = &installations()[0];
    let supervisor = Supervisor::start(binaries, &dir.join("pg"));
    let mut client = supervisor.connect();

    let error = Postgres::start(&config(&dir.join("pg"), binaries)).unwrap_err();

    let pid = supervisor.pid().to_string();
    assert!(
        error.to_string().contains(&format!("already running on this data directory (pid {pid})")),
        "{error}"
    );
    assert_eq!(client.query("select 1"), ["1"]);
}

#[test]
fn an_initdb_that_was_interrupted_is_begun_again() {
    for binaries in installations() {
        let dir = TempDir::new();
        let mut command = Command::new(Supervisor::program());
        command
            .arg(dir.join("pg"))
            .env("ORGATE_PG_BIN", binaries.dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let mut interrupted = command.spawn().unwrap();
        await_until(Duration::from_mins(1), "half a cluster", || dir.join("pg/data.new/base/1").exists());

        interrupted.kill().unwrap();
        interrupted.wait().unwrap();
        let before = [dir.join("pg/data.new").exists(), dir.join("pg/data").exists()];
        let supervisor = Supervisor::start(binaries, &dir.join("pg"));

        assert_eq!(before, [true, false], "initdb had ended, so that this tested nothing");
        assert!(!dir.join("pg/data.new").exists());
        assert_eq!(supervisor.connect().query("select 1"), ["1"]);
    }
}

#[test]
fn a_pid_file_that_names_another_process_by_now_is_no_obstacle() {
    let dir = TempDir::new();
    let [mine, others] = ["pg", "other"].map(|name| config(&dir.join(name), &installations()[0]));
    Postgres::start(&mine).unwrap().stop().unwrap();
    // As after a restart of a container, where numbers are few and soon used again.
    let other = Postgres::start(&others).unwrap();
    let pid_file = fs::read_to_string(dir.join("other/data/postmaster.pid")).unwrap();
    fs::write(dir.join("pg/data/postmaster.pid"), pid_file).unwrap();

    let postgres = Postgres::start(&mine).unwrap();

    assert_eq!(Client::connect(&postgres.url("postgres")).query("select 1"), ["1"]);
    assert_eq!(Client::connect(&other.url("postgres")).query("select 1"), ["1"]);
}

#[test]
fn a_data_directory_may_have_a_path_of_any_length() {
    for binaries in installations() {
        let dir = TempDir::new();
        let long = dir.path().join("a name with spaces, and 'quotes' ".repeat(6)).join("long ".repeat(40));

        let postgres = Postgres::start(&config(&long, binaries)).unwrap();

        assert!(postgres.data_dir().as_os_str().as_bytes().len() > 400);
        assert_eq!(Client::connect(&postgres.url("postgres")).query("select 1"), ["1"]);
    }
}

#[test]
fn a_server_that_cannot_start_tells_why() {
    let dir = TempDir::new();
    let config = config(&dir.join("pg"), &installations()[0]);
    Postgres::start(&config).unwrap().stop().unwrap();
    fs::write(dir.join("pg/data/postgresql.auto.conf"), "no_such_setting = 1\n").unwrap();

    let error = Postgres::start(&config).unwrap_err();

    assert!(matches!(&error, Error::Program { program, .. } if program == "postgres"), "{error}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[test]
fn a_directory_of_something_else_is_not_touched() {
    let dir = TempDir::new();
    fs::create_dir_all(dir.join("pg/data")).unwrap();
    fs::write(dir.join("pg/data/thesis.txt"), "42").unwrap();

    let error = Postgres::start(&config(&dir.join("pg"), &installations()[0])).unwrap_err();

    assert!(matches!(error, Error::NotACluster(_)), "{error}");
    assert_eq!(fs::read_to_string(dir.join("pg/data/thesis.txt")).unwrap(), "42");
}

#[test]
fn a_cluster_is_opened_by_the_version_that_made_it_or_not_at_all() {
    let [older, newer] = installations() else {
        return skip("needs PostgreSQL 15 and 18");
    };
    let dir = TempDir::new();
    Postgres::start(&config(&dir.join("pg"), older)).unwrap().stop().unwrap();
    let mut both = config(&dir.join("pg"), newer);
    both.search = nowhere();
    both.search.path = vec![newer.dir().to_owned(), older.dir().to_owned()];

    let preferred = Postgres::start(&both).map(|postgres| postgres.version().to_owned()).unwrap();
    both.search.path.pop();
    let error = Postgres::start(&both).unwrap_err();

    assert_eq!(preferred, older.version());
    assert!(
        error.to_string().starts_with("no PostgreSQL 15, which made the data directory, was found"),
        "{error}"
    );
}
