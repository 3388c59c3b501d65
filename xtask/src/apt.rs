//! Debian packages of what tests run beside Orgate, for root.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::workspace;

/// Whether we are root where there is apt.
pub(crate) fn may_install() -> Result<bool> {
    Ok(workspace::find_program(&["apt-get"]).is_some()
        && workspace::output(Command::new("id").arg("-u"))?.trim() == "0")
}

/// What Debian asks before a package's server is started: no.
const SERVICE_POLICY: &str = "/usr/sbin/policy-rc.d";

/// Installs packages; what servers they bring, such as Apache with SimpleSAMLphp, are not started.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    println!("installing {}", packages.join(", "));
    let asks_us = !Path::new(SERVICE_POLICY).exists();
    if asks_us {
        let mut policy = OpenOptions::new();
        let mut policy = policy.write(true).create_new(true).mode(0o755).open(SERVICE_POLICY)?;
        policy.write_all(b"#!/bin/sh\nexit 101\n")?;
    }
    let options = ["install", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold"];
    let installed = apt_get(&["update"]).and_then(|()| apt_get(&[&options, packages].concat()));
    if asks_us {
        fs::remove_file(SERVICE_POLICY)?;
    }
    installed
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut apt = Command::new("apt-get");
    apt.args(["-qq", "-o", "Acquire::Retries=3"]).args(arguments);
    workspace::run(apt.env("DEBIAN_FRONTEND", "noninteractive"))
}
