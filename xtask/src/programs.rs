//! Commands that are other programs'.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::{browser, workspace};

/// `orgate dev`, in this process's place: an interrupt is for it to handle.
pub(crate) fn dev(arguments: &[String]) -> Result<ExitCode> {
    let mut cargo = workspace::cargo(["run", "--package", "orgate-server", "--bin", "orgate", "--", "dev"]);
    become_program(cargo.args(arguments))
}

/// The benchmark, on a release build; beside npm's `oidc-provider`, where there is Node.
pub(crate) fn bench(arguments: &[String]) -> Result<ExitCode> {
    workspace::run(&mut workspace::cargo([
        "build",
        "--release",
        "--package",
        "orgate-server",
        "--package",
        "orgate-bench",
    ]))?;
    let release = workspace::target_dir()?.join("release");
    let mut bench = Command::new(release.join("orgate-bench"));
    bench.args(arguments).env("ORGATE_BIN", release.join("orgate"));
    match browser::measured_provider() {
        Ok(script) => _ = bench.env("OIDC_PROVIDER", script),
        Err(error) => eprintln!("SKIPPED: oidc-provider beside Orgate: {error:#}"),
    }
    become_program(&mut bench)
}

fn become_program(command: &mut Command) -> Result<ExitCode> {
    let error = command.exec(); // returns only if it fails
    Err(error).with_context(|| format!("cannot run {}", command.get_program().display()))
}
