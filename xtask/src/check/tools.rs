//! Linters that are programs of others: cargo-deny and typos.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::Outcome;
use crate::workspace;

/// Pinned: each release knows more words.
const TYPOS: &str = "typos==1.52.0";

/// Licences, sources and banned crates. Advisories are not asked for here: they are fetched from a code host.
pub(crate) fn deny() -> Result<Outcome> {
    if workspace::find_program(&["cargo-deny"]).is_none() {
        return Ok(Outcome::Skipped(
            "there is no cargo-deny: `cargo install cargo-deny --locked` makes it".into(),
        ));
    }
    super::cargo(&["deny", "--workspace", "--all-features", "check", "bans", "licenses", "sources"])
}

/// Misspelt words. In CI it is not skipped.
pub(crate) fn typos() -> Result<Outcome> {
    let directory = workspace::target_dir()?.join("tools").join(TYPOS);
    let program = match install_typos(&directory) {
        Ok(program) => program,
        Err(error) if workspace::is_ci() => return Err(error),
        Err(error) => return Ok(Outcome::Skipped(format!("typos cannot be installed by pip: {error:#}"))),
    };
    workspace::run(Command::new(program).args(["--hidden", "--format", "brief"])).map(|()| Outcome::Clean)
}

/// Installs it by pip into a directory of its own, once.
fn install_typos(directory: &Path) -> Result<PathBuf> {
    let program = directory.join("bin/typos");
    if !program.is_file() {
        workspace::pip_install(directory, &["--no-deps", TYPOS])?;
    }
    Ok(program)
}
