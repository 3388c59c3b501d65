//! `cargo xtask check`: the linters, as CI runs them.

mod dependencies;
mod text;
mod tools;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::{generate, migrations, prepare, size, workspace};

/// What a linter came to; what it found wrong is an error instead.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Clean,
    /// It could not be run, and why.
    Skipped(String),
}

type Linter = (&'static str, fn() -> Result<Outcome>);

const LINTERS: [Linter; 11] = [
    ("fmt", || cargo(&["fmt", "--all", "--check"])),
    ("clippy", || cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])),
    ("doc", doc),
    ("size", size::lint),
    ("migrations", migrations::lint),
    ("dependencies", dependencies::lint),
    ("text", text::lint),
    ("prepare", prepare::lint),
    ("generate", generate::lint),
    ("deny", tools::deny),
    ("typos", tools::typos),
];

pub(crate) fn run(names: &[String]) -> Result<ExitCode> {
    let mut failed = Vec::new();
    for (name, lint) in selected(names)? {
        println!("== {name}");
        let start = Instant::now();
        let result = lint();
        let seconds = start.elapsed().as_secs_f64();
        match result {
            Ok(Outcome::Clean) => println!("== {name}: clean ({seconds:.1} s)"),
            Ok(Outcome::Skipped(why)) => println!("== {name}: SKIPPED: {why}"),
            Err(error) => {
                println!("== {name}: FAILED: {error:#} ({seconds:.1} s)");
                failed.push(name);
            }
        }
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("failed: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

fn selected(names: &[String]) -> Result<Vec<Linter>> {
    if names.is_empty() {
        return Ok(LINTERS.to_vec());
    }
    let find = |name: &String| {
        let linter = LINTERS.into_iter().find(|(known, _)| known == name);
        linter.with_context(|| format!("there is no linter `{name}`; `cargo xtask check --help` lists them"))
    };
    names.iter().map(find).collect()
}

fn cargo(arguments: &[&str]) -> Result<Outcome> {
    workspace::run(&mut workspace::cargo(arguments.iter().copied())).map(|()| Outcome::Clean)
}

fn doc() -> Result<Outcome> {
    let mut cargo = workspace::cargo(["doc", "--workspace", "--no-deps", "--document-private-items"]);
    workspace::run(cargo.env("RUSTDOCFLAGS", "-D warnings")).map(|()| Outcome::Clean)
}

/// Prints what is wrong, a line each, and fails if anything is.
pub(crate) fn verdict(violations: &[String]) -> Result<Outcome> {
    for violation in violations {
        println!("  {violation}");
    }
    match violations.len() {
        0 => Ok(Outcome::Clean),
        1 => bail!("1 violation"),
        count => bail!("{count} violations"),
    }
}
