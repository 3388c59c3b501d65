//! Who runs the server, and what that user must be able to reach. Most of it needs root to try.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use orgate_embedded_postgres::{Error, Postgres};

use crate::support::{Supervisor, TempDir, config, installations, is_root, kill_9, processes_in, skip};

const NOBODY: u32 = 65534;
const UNKNOWN: u32 = 54321;

fn uid_of(pid: u32) -> u32 {
    fs::metadata(format!("/proc/{pid}")).unwrap().uid()
}

/// The program where every user can run it.
fn program_for_all(dir: &TempDir) -> PathBuf {
    let program = dir.join("supervise");
    fs::copy(Supervisor::program(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

/// A directory that belongs to the user.
fn home_of(uid: u32, dir: &TempDir) -> PathBuf {
    let home = dir.join("home");
    DirBuilder::new().mode(0o700).create(&home).unwrap();
    chown(&home, Some(uid), Some(uid)).unwrap();
    home
}

#[test]
fn root_has_the_server_run_by_another_user_without_roots_groups() {
    if !is_root() {
        return skip("needs root");
    }
    for binaries in installations() {
        let dir = TempDir::new();

        let supervisor = Supervisor::start(binaries, &dir.join("pg"));

        let status = fs::read_to_string(format!("/proc/{}/status", supervisor.postmaster())).unwrap();
        let groups = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap();
        let environment = fs::read_to_string(format!("/proc/{}/environ", supervisor.postmaster())).unwrap();
        assert_ne!(uid_of(supervisor.postmaster()), 0);
        assert_eq!(groups.trim(), "");
        assert!(!environment.contains("ORGATE_PG_BIN"), "{environment}");
        assert_eq!(fs::metadata(dir.join("pg")).unwrap().uid(), 0);
    }
}

#[test]
fn where_there_is_no_user_postgres_root_takes_nobody() {
    if !is_root() {
        return skip("needs root");
    }
    let dir = TempDir::new();
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let users: Vec<_> = users.lines().filter(|line| !line.starts_with("postgres:")).collect();
    fs::write(dir.join("passwd"), users.join("\n") + "\n").unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", r#"mount --bind "$0" /etc/passwd && exec "$@""#])
        .arg(dir.join("passwd"));
    if !command.arg("true").output().is_ok_and(|output| output.status.success()) {
        return skip("cannot mount");
    }
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", r#"mount --bind "$0" /etc/passwd && exec "$@""#])
        .arg(dir.join("passwd"));
    command.arg(Supervisor::program()).arg(dir.join("pg"));

    let first = Supervisor::start_by(&mut command, &installations()[0]);
    let uid = uid_of(first.postmaster());
    drop(first);
    // By now the user postgres exists, but the cluster is nobody's.
    let second = Supervisor::start(&installations()[0], &dir.join("pg"));

    assert_eq!(uid, NOBODY);
    assert_eq!(uid_of(second.postmaster()), NOBODY);
}

#[test]
fn root_takes_another_directory_when_the_server_cannot_enter_the_one_asked_for() {
    if !is_root() {
        return skip("needs root");
    }
    let dir = TempDir::new();
    DirBuilder::new().mode(0o700).create(dir.join("private")).unwrap();

    let first = Supervisor::start(&installations()[0], &dir.join("private/pg"));
    first.connect().query("create table t as select 'kept' as word");
    let (taken, told) = (PathBuf::from(first.said("data_dir")), first.said("progress").to_owned());
    drop(first);
    let second = Supervisor::start(&installations()[0], &dir.join("private/pg"));
    let answer = second.connect().query("select word from t");
    let told_again = second.said("progress").to_owned();
    drop(second);
    fs::remove_dir_all(&taken).unwrap();

    assert_eq!(taken.parent(), Some(Path::new("/var/lib/orgate")));
    assert!(told.contains(taken.to_str().unwrap()), "{told}");
    assert!(told_again.contains("cannot enter"), "{told_again}");
    assert_eq!(answer, ["kept"]);
    assert!(!dir.join("private/pg").exists());
}

#[test]
fn binaries_that_the_server_cannot_reach_are_refused_with_the_reason() {
    if !is_root() {
        return skip("needs root");
    }
    let dir = TempDir::new();
    DirBuilder::new().mode(0o700).create(dir.join("private")).unwrap();
    for program in ["initdb", "postgres"] {
        fs::copy(installations()[0].dir().join(program), dir.join("private").join(program)).unwrap();
    }
    let mut config = config(&dir.join("pg"), &installations()[0]);
    config.search.explicit = Some(dir.join("private"));

    let error = Postgres::start(&config).unwrap_err();

    assert!(
        matches!(&error, Error::ChosenBinaries { reason, .. } if reason.contains("not open to user")),
        "{error}"
    );
}

#[test]
fn an_ordinary_user_runs_the_server_as_itself() {
    if !is_root() {
        return skip("needs root to become another user; the other tests run as this one");
    }
    for binaries in installations() {
        let dir = TempDir::new();
        let program = program_for_all(&dir);
        let data_dir = home_of(NOBODY, &dir).join("not/there/yet");
        let mut command = Command::new(&program);
        command.arg(&data_dir).uid(NOBODY).gid(NOBODY);

        let mut supervisor = Supervisor::start_by(&mut command, binaries);
        supervisor.connect().query("create table t as select 'kept' as word");
        let uid = uid_of(supervisor.postmaster());
        kill_9(supervisor.postmaster());
        supervisor.kill();
        let supervisor = Supervisor::start_by(&mut command, binaries);

        assert_eq!(uid, NOBODY);
        assert_eq!(supervisor.connect().query("select word from t"), ["kept"]);
    }
}

#[test]
fn a_user_without_an_entry_is_told_so() {
    if !is_root() {
        return skip("needs root to become another user");
    }
    let dir = TempDir::new();
    let program = program_for_all(&dir);
    let data_dir = home_of(UNKNOWN, &dir).join("pg");
    let mut command = Command::new(&program);
    command.arg(&data_dir).uid(UNKNOWN).gid(UNKNOWN).env("ORGATE_PG_BIN", installations()[0].dir());

    let refused = Supervisor::try_start_by(&mut command);

    assert!(
        refused.said("error").starts_with("user 54321 has no entry in /etc/passwd"),
        "{}",
        refused.said("error")
    );
}

#[test]
fn root_that_may_not_look_at_others_processes_still_finds_orphans() {
    let dir = TempDir::new();
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-sys_ptrace"]);
    if !is_root() || !command.arg("true").status().is_ok_and(|status| status.success()) {
        return skip("needs root, and setpriv");
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-sys_ptrace"]).arg(Supervisor::program()).arg(dir.join("pg"));
    let mut supervisor = Supervisor::start_by(&mut command, &installations()[0]);
    let mut busy = supervisor.connect();
    let backend: u32 = busy.query("select pg_backend_pid()")[0].parse().unwrap();
    busy.keep_busy();

    kill_9(supervisor.postmaster());
    supervisor.kill();
    let restarted = Supervisor::start_by(&mut command, &installations()[0]);

    assert!(!processes_in(&dir.join("pg/data")).contains(&backend));
    assert_eq!(restarted.connect().query("select 1"), ["1"]);
}

#[test]
fn a_socket_directory_that_someone_else_made_is_refused() {
    if !is_root() {
        return skip("needs root to make a directory of someone else's");
    }
    let dir = TempDir::new();
    let config = config(&dir.join("pg"), &installations()[0]);
    let postgres = Postgres::start(&config).unwrap();
    let url = postgres.url("postgres");
    postgres.stop().unwrap();
    let socket_dir = PathBuf::from(url.split_once("?host=").unwrap().1.replace("%2F", "/"));
    let victim = home_of(NOBODY, &dir);

    fs::create_dir(&socket_dir).unwrap();
    chown(&socket_dir, Some(UNKNOWN), Some(UNKNOWN)).unwrap();
    let foreign = Postgres::start(&config).unwrap_err();
    fs::remove_dir(&socket_dir).unwrap();
    std::os::unix::fs::symlink(&victim, &socket_dir).unwrap();
    let link = Postgres::start(&config).unwrap_err();
    fs::remove_file(&socket_dir).unwrap();

    assert!(
        matches!(foreign, Error::SocketDirectory { problem: "belongs to another user", .. }),
        "{foreign}"
    );
    assert!(matches!(link, Error::SocketDirectory { problem: "is not a directory", .. }), "{link}");
    assert_eq!(fs::metadata(&victim).unwrap().uid(), NOBODY);
}
