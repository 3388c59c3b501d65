//! `orgate reference`: the parts of the reference that are generated from code.

use clap::{CommandFactory as _, ValueEnum};
use orgate_api::v1::{OPERATIONS, PATH};
use orgate_domain::audit::Action;
use orgate_domain::permissions::{OrgatePermission, READY_ROLES};
use orgate_flows::manage::access::Holder;

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
    /// Every permission of Orgate's own, and what it takes to do what by the management API
    Permissions,
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
            Self::Permissions => permissions(),
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
        "# Audit events\n\nEach is written in the transaction of the change that it tells of; what changes nothing is written by \
                    itself, and alike refusals are counted by the minute. Of an organization's deletion and erasure, the \
                    operator's log has events of its own: the one is written before it, the other when nothing is left.\n\n"
            .to_owned();
    for action in Action::ALL {
        text.extend(["- `", action.as_str(), "`\n"]);
    }
    text
}

fn permissions() -> String {
    let mut text = "# Permissions\n\nOrgate's own permissions begin with `orgate:`. Roles hold them, and no client and no \
                    organization declares others. `orgate:*` is all of them, `orgate:users:*` all about users.\n\n\
                    | permission | lets its holder |\n|---|---|\n"
        .to_owned();
    for permission in OrgatePermission::ALL {
        let meaning = permission.meaning().trim_end_matches('.');
        text.extend(["| `", permission.as_str(), "` | ", meaning, " |\n"]);
    }
    text.push_str("\n## Roles of new organizations\n\n| role | permissions |\n|---|---|\n");
    for role in READY_ROLES {
        let permissions = role.permissions.iter().map(|permission| format!("`{permission}`"));
        let permissions = permissions.collect::<Vec<_>>().join(", ");
        text.extend(["| `", role.slug, "` | ", &permissions, " |\n"]);
    }
    text.push_str("\n## What the management API takes\n\n| operation | permission |\n|---|---|\n");
    for operation in OPERATIONS {
        let holder = match operation.holder {
            Holder::Organization => "",
            Holder::Operator => ", in the operator's organization",
        };
        let line = format!(
            "| `{} {PATH}{}` | `{}`{holder} |\n",
            operation.method,
            operation.path,
            operation.permission.as_str()
        );
        text.push_str(&line);
    }
    text
}
