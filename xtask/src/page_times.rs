//! `cargo xtask page-times`: how long the server takes for each hosted page of an organization with very much in it.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::{browser, workspace};

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    if arguments.iter().any(|argument| argument != "--long") {
        bail!("--long, and nothing else");
    }
    let orgate = workspace::build_orgate()?;
    let mut node = browser::program("times.mjs")?;
    node.args(arguments).env("ORGATE_BIN", orgate);
    workspace::run(&mut node)?;
    Ok(ExitCode::SUCCESS)
}
