//! Asking whoever runs a command, once they have seen what it would do.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Args;

/// Whether what was shown is agreed to.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Agreement {
    /// Do what was shown without asking
    #[arg(long)]
    yes: bool,
}

impl Agreement {
    /// Asks at a terminal. Where nobody can be asked, only `--yes` agrees.
    ///
    /// # Errors
    /// If nobody agreed: nothing is to be changed.
    pub(super) fn ask(self, question: &str) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            anyhow::bail!("nothing was changed: {question} Say so with --yes");
        }
        eprint!("{question} [y/N] ");
        std::io::stderr().flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if matches!(answer.trim(), "y" | "Y" | "yes") {
            return Ok(());
        }
        anyhow::bail!("nothing was changed")
    }
}
