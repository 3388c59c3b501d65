//! `orgate reference`: the parts of the reference that are generated from code.

use clap::{CommandFactory as _, ValueEnum};
use orgate_domain::audit::Action;

use super::Cli;
use crate::settings::DEFAULTS;

/// A part of the reference.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Part {
    /// Every command and option
    Cli,
    /// Every setting
    Config,
    /// Every audit event
    Events,
}

impl Part {
    pub(super) fn print(self) {
        print!("{}", self.to_markdown());
    }

    fn to_markdown(self) -> String {
        match self {
            Self::Cli => cli(),
            Self::Config => format!("# Configuration\n\n```toml\n{DEFAULTS}```\n"),
            Self::Events => events(),
        }
    }
}

fn cli() -> String {
    let mut text = "# Command line\n".to_owned();
    let mut root = Cli::command();
    root.build();
    describe(&mut root, &mut text);
    text
}

fn describe(command: &mut clap::Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or("orgate").to_owned();
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    text.extend(["\n## ", &name, "\n\n```text\n", lines.join("\n").trim_end(), "\n```\n"]);
    for sub in command.get_subcommands_mut().filter(|sub| sub.get_name() != "help") {
        describe(sub, text);
    }
}

fn events() -> String {
    let mut text =
        "# Audit events\n\nEach is written in the transaction of the change or refusal it tells of.\n\n"
            .to_owned();
    for action in Action::ALL {
        text.extend(["- `", action.as_str(), "`\n"]);
    }
    text
}
