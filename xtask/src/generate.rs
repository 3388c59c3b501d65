//! `cargo xtask generate`: the pages of `docs/reference` that the code itself knows.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::check::{self, Outcome};
use crate::workspace;

const DIRECTORY: &str = "docs/reference";

/// What `orgate reference` can print, each a page.
const PAGES: [&str; 4] = ["cli", "config", "events", "permissions"];

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    if workspace::wants_check(arguments)? {
        lint()?;
        return Ok(ExitCode::SUCCESS);
    }
    fs::create_dir_all(DIRECTORY).with_context(|| format!("cannot make {DIRECTORY}"))?;
    for (path, text) in pages()? {
        fs::write(&path, text).with_context(|| format!("cannot write {path}"))?;
        println!("wrote {path}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Fails if a page is not what the code says.
pub(crate) fn lint() -> Result<Outcome> {
    let stale = |(path, text): &(String, String)| fs::read_to_string(path).ok().as_ref() != Some(text);
    let stale = pages()?.into_iter().filter(stale);
    let violations: Vec<_> =
        stale.map(|(path, _)| format!("{path} is out of date: cargo xtask generate")).collect();
    check::verdict(&violations)
}

/// The path and the text of each page.
fn pages() -> Result<Vec<(String, String)>> {
    let orgate = workspace::build_orgate()?;
    PAGES.iter().map(|page| Ok((format!("{DIRECTORY}/{page}.md"), print(&orgate, page)?))).collect()
}

fn print(orgate: &Path, page: &str) -> Result<String> {
    workspace::output(Command::new(orgate).args(["reference", page]))
}
