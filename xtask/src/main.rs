//! Developer commands; `cargo xtask help` lists them.
//!
//! Each starts what it needs and leaves nothing running. Everything but `dev` runs in the workspace's root,
//! whatever directory it is called from.

mod apt;
mod browser;
mod check;
mod cluster;
mod commands;
mod fuzz;
mod generate;
mod migrations;
mod page_times;
mod prepare;
mod programs;
mod query;
mod screenshots;
mod size;
mod tally;
mod test;
mod workspace;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};

use crate::commands::COMMANDS;

fn main() -> ExitCode {
    match dispatch(env::args_os().skip(1)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: impl Iterator<Item = OsString>) -> Result<ExitCode> {
    let text =
        |argument: OsString| argument.into_string().map_err(|raw| anyhow!("{} is not UTF-8", raw.display()));
    let arguments = arguments.map(text).collect::<Result<Vec<_>>>()?;
    let wants_help =
        arguments.iter().take_while(|argument| *argument != "--").any(|argument| is_help(argument));
    let Some((name, rest)) = arguments.split_first().filter(|(name, _)| !is_help(name)) else {
        commands::print_overview();
        return Ok(ExitCode::SUCCESS);
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        commands::print_overview();
        bail!("there is no command `{name}`");
    };
    if wants_help {
        command.print_help();
        return Ok(ExitCode::SUCCESS);
    }
    // What `orgate dev` is given may be relative to where its user is.
    if command.name != "dev" {
        workspace::enter_root()?;
    }
    (command.run)(rest)
}

fn is_help(argument: &str) -> bool {
    matches!(argument, "help" | "-h" | "--help")
}
