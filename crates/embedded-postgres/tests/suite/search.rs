//! Binaries are found where they are, installed where they are not, or asked for.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use orgate_embedded_postgres::{Binaries, Error, Installer, Postgres, Search};

use crate::support::{Client, TempDir, config, installations, nowhere, skip};

fn locate(search: &Search) -> Result<Binaries, Error> {
    Binaries::locate(search, |message| println!("{message}"))
}

#[test]
fn without_binaries_the_error_names_every_way_out() {
    let dir = TempDir::new();
    let mut config = config(&dir.join("pg"), &installations()[0]);
    config.search = nowhere();

    let error = Postgres::start(&config).unwrap_err().to_string();

    for way_out in [
        "PostgreSQL 15 or newer",
        "package manager",
        "pip",
        "npm",
        "apt-get",
        "ORGATE_PG_BIN",
        "DATABASE_URL",
    ] {
        assert!(error.contains(way_out), "{way_out} is missing: {error}");
    }
}

#[test]
fn what_was_found_and_will_not_do_is_named_with_the_reason() {
    let dir = TempDir::new();
    let bin = dir.join("usr/lib/postgresql/14/bin");
    fs::create_dir_all(&bin).unwrap();
    for program in ["initdb", "postgres"] {
        script(&bin.join(program), "postgres (PostgreSQL) 14.1");
    }

    let error = locate(&Search { root: dir.path().to_owned(), ..nowhere() }).unwrap_err().to_string();
    let chosen = locate(&Search { explicit: Some(bin.clone()), ..nowhere() }).unwrap_err().to_string();

    assert!(error.contains(&format!("{} has version 14.1", bin.display())), "{error}");
    assert!(chosen.contains("ORGATE_PG_BIN") && chosen.contains("has version 14.1"), "{chosen}");
}

#[test]
fn a_link_in_path_leads_to_the_whole_installation() {
    let dir = TempDir::new();
    let binaries = &installations()[0];
    symlink(binaries.dir().join("postgres"), dir.join("postgres")).unwrap();

    let found = locate(&Search { path: vec![dir.path().to_owned()], ..nowhere() }).unwrap();

    assert_eq!(found.dir(), binaries.dir());
}

#[test]
fn of_the_systems_versions_the_newest_is_taken() {
    let dir = TempDir::new();
    for version in ["9", "15", "16"] {
        let bin = dir.path().join("usr/lib/postgresql").join(version).join("bin");
        fs::create_dir_all(&bin).unwrap();
        for program in ["initdb", "postgres"] {
            script(&bin.join(program), &format!("postgres (PostgreSQL) {version}.1"));
        }
    }

    let found = locate(&Search { root: dir.path().to_owned(), ..nowhere() }).unwrap();

    assert_eq!(found.version(), "16.1");
}

#[test]
fn pip_and_npm_install_a_server_that_works_once_for_all() {
    for (installer, tool) in [(Installer::Pip, "python3 -m pip"), (Installer::Npm, "npm")] {
        let there = Command::new("sh").args(["-c", &format!("{tool} --version")]).output().unwrap();
        if !there.status.success() {
            skip(&format!("there is no {tool}"));
            continue;
        }
        let dir = TempDir::new();
        let search =
            Search { private_dir: Some(dir.join("private")), installers: vec![installer], ..nowhere() };
        let binaries = locate(&search).unwrap();

        let mut config = config(&dir.join("pg"), &binaries);
        config.search = Search { installers: Vec::new(), ..search };
        let postgres = Postgres::start(&config).unwrap();

        assert!(postgres.version().starts_with("18."), "{}", postgres.version());
        assert_eq!(Client::connect(&postgres.url("postgres")).query("select 1"), ["1"]);
    }
}

/// Makes a program that prints one line.
fn script(path: &Path, line: &str) {
    fs::write(path, format!("#!/bin/sh\necho '{line}'\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
