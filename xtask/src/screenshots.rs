//! `cargo xtask screenshots`: pictures of every hosted page, to be looked at.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::{browser, workspace};

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let (options, names): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| argument.starts_with('-'));
    if options.iter().any(|option| *option != "--long") || names.len() > 1 {
        bail!("--long, and one part of a page's path at most");
    }
    let orgate = workspace::build_orgate()?;
    let directory = workspace::target_dir()?.join("screenshots");
    if names.is_empty() && directory.exists() {
        fs::remove_dir_all(&directory).context("cannot remove the old pictures")?;
    }
    let mut node = browser::program("screenshots.mjs")?;
    node.args(arguments).env("ORGATE_BIN", orgate).env("SCREENSHOTS", &directory);
    workspace::run(&mut node)?;
    Ok(ExitCode::SUCCESS)
}
