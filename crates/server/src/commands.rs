//! The command line.

mod api_key;
mod apply;
mod break_glass;
mod client;
mod confirm;
mod connection;
mod daily;
mod dev;
mod doctor;
mod domain;
mod explain;
mod export;
mod import;
mod in_organization;
mod invite;
mod keys;
mod org;
mod progress;
mod reference;
mod registration_token;
mod serve;
mod session;
mod setup_link;
mod user;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use orgate_flows::keys::KeyError;
use orgate_flows::vault::VaultError;
use orgate_flows::{Env, Failure, SystemClock, bootstrap};
use orgate_storage::StorageError;

use crate::settings::{Log, LogFormat, Settings};
use crate::wiring;

pub use dev::Dev;

/// Orgate decides which organization someone signs in to, then how, then issues tokens that say so.
#[derive(Debug, Parser)]
#[command(name = "orgate", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start Orgate, a database, a sample application and a mailbox, for trying out
    Dev(Dev),
    /// Run the server
    Serve(ConfigFile),
    /// Bring the database's schema up to date, and stop
    Migrate(ConfigFile),
    /// Bring organizations, users, roles and clients to the state that files describe
    Apply(apply::Apply),
    /// Write what is there as a file that `apply` takes
    Export(export::Export),
    /// Bring organizations and users from another system, with their passwords
    Import {
        #[command(subcommand)]
        source: import::Import,
    },
    /// Make recovery codes for a user who is exempt from enforced SSO
    BreakGlass(break_glass::BreakGlass),
    /// Look after clients: switch one off or on, give it a new secret, let others register, look at its claims
    Client {
        #[command(subcommand)]
        command: client::ClientCommand,
    },
    /// Look at an organization's connections, rotate their keys, approve changes of their metadata
    Connection {
        #[command(subcommand)]
        command: connection::ConnectionCommand,
    },
    /// Look at an organization's domains; claim, verify, share or hand over one
    Domain {
        #[command(subcommand)]
        command: domain::DomainCommand,
    },
    /// Look at the configuration
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Say why the server would do what it does
    Explain {
        #[command(subcommand)]
        command: explain::Explain,
    },
    /// Look at an organization's API keys; take one back
    ApiKey {
        #[command(subcommand)]
        command: api_key::ApiKeyCommand,
    },
    /// Invite somebody to an organization, or whoever a file lists
    Invite(invite::Invite),
    /// Look at signing keys; replace them, or bring one's own
    Keys {
        #[command(subcommand)]
        command: keys::KeysCommand,
    },
    /// List and end sessions
    Session {
        #[command(subcommand)]
        command: session::SessionCommand,
    },
    /// Make a link by which an organization sets up its own sign-in, without an account
    SetupLink(setup_link::SetupLinkCommand),
    /// Look at organizations; make, suspend and reactivate one
    Org {
        #[command(subcommand)]
        command: org::OrgCommand,
    },
    /// Look at an organization's users; make, deactivate and reactivate one
    User {
        #[command(subcommand)]
        command: user::UserCommand,
    },
    /// Check that the server could run: configuration, database, keys, mail
    Doctor(ConfigFile),
    /// Print what has a shell complete this command line
    Completions {
        /// Of which shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print a part of the reference as Markdown
    Reference {
        /// Which part
        #[arg(value_enum)]
        part: reference::Part,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Say what is wrong with the configuration, if anything
    Check(ConfigFile),
}

/// Which configuration to use.
#[derive(Debug, Clone, Args)]
pub struct ConfigFile {
    /// The configuration file (TOML); without it, defaults and environment only
    #[arg(long, value_name = "FILE", env = "ORGATE_CONFIG")]
    config: Option<PathBuf>,
}

/// Runs the command line. The embedded database is started before the runtime and stopped after it.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Dev(dev) => dev.run(),
        Command::Serve(file) => block_on(serve::serve(file)),
        Command::Migrate(file) => block_on(migrate(file)),
        Command::Apply(apply) => block_on(apply.run()),
        Command::Export(command) => block_on(command.run()),
        Command::Import { source } => block_on(source.run()),
        Command::BreakGlass(command) => block_on(command.run()),
        Command::Client { command } => block_on(command.run()),
        Command::Connection { command } => block_on(command.run()),
        Command::Domain { command } => block_on(command.run()),
        Command::ApiKey { command } => block_on(command.run()),
        Command::Invite(command) => block_on(command.run()),
        Command::Config { command: ConfigCommand::Check(file) } => block_on(check(file)),
        Command::Explain { command } => block_on(command.run()),
        Command::Session { command } => block_on(command.run()),
        Command::Org { command } => block_on(command.run()),
        Command::User { command } => block_on(command.run()),
        Command::Keys { command } => block_on(command.run()),
        Command::SetupLink(command) => block_on(command.run()),
        Command::Doctor(file) => block_on(doctor::doctor(file)),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "orgate", &mut std::io::stdout());
            Ok(())
        }
        Command::Reference { part } => {
            part.print();
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("orgate: {}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes, each said once: some libraries' messages hold that of their cause.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |mut text, cause| {
        if !text.contains(&cause) {
            text.extend([if text.is_empty() { "" } else { ": " }, &cause]);
        }
        text
    })
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("the runtime could not be started")?.block_on(work)
}

/// Looks at everything that needs no connection.
async fn check(file: ConfigFile) -> anyhow::Result<()> {
    let settings = Settings::load(file.config.as_deref())?;
    wiring::store(&settings)?.close().await;
    wiring::mailer(&settings)?;
    wiring::master_key(&settings)?;
    wiring::previous_master_key(&settings)?;
    println!("The configuration is complete.");
    Ok(())
}

async fn migrate(file: ConfigFile) -> anyhow::Result<()> {
    let settings = Settings::load(file.config.as_deref())?;
    let store = wiring::store(&settings)?;
    store.migrate().await.map_err(explained)?;
    println!("The schema is up to date.");
    Ok(())
}

/// The surroundings for a command that works on a database which is up to date.
async fn connected(file: &ConfigFile) -> anyhow::Result<Env> {
    let settings = Settings::load(file.config.as_deref())?;
    let store = wiring::store(&settings)?;
    if !store.is_migrated().await.map_err(explained)? {
        anyhow::bail!("the database's schema is not up to date: run `orgate migrate` first");
    }
    Ok(wiring::env(&settings, store, Arc::new(SystemClock))?)
}

/// The same for a command that only reads: it makes nothing, not even what is missing.
async fn opened(file: &ConfigFile) -> anyhow::Result<Env> {
    let env = connected(file).await?;
    if bootstrap::open(&env).await.map_err(unopened)?.is_none() {
        anyhow::bail!(
            "there is nothing in this database yet: the first `orgate serve` or `orgate apply` prepares it"
        );
    }
    Ok(env)
}

/// The same for a command that may be the first on this database.
async fn prepared(file: &ConfigFile) -> anyhow::Result<Env> {
    let env = connected(file).await?;
    bootstrap::bootstrap(&env).await.map_err(unopened)?;
    Ok(env)
}

/// A storage error with what to do about it.
fn explained(error: StorageError) -> anyhow::Error {
    let unreachable = matches!(error, StorageError::Unavailable(_));
    let error = anyhow::Error::new(error);
    if unreachable {
        error.context("the database cannot be reached; check database.url, and that PostgreSQL runs there")
    } else {
        error
    }
}

/// Why the signing keys could not be loaded, with what to do about it.
fn unopened(failure: Failure) -> anyhow::Error {
    match failure {
        Failure::Storage(error)
        | Failure::Key(KeyError::Storage(error) | KeyError::Vault(VaultError::Storage(error))) => {
            explained(error)
        }
        other => anyhow::Error::new(other).context(
            "the signing keys could not be loaded; is the master key the one they were encrypted under?",
        ),
    }
}

/// Starts logging, once.
fn log(log: &Log) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&log.filter).context("log.filter")?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Text => lines.with_target(false).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging could not be started: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow::anyhow!("no such file").context("cannot read a: no such file").context("apply");

        assert_eq!(told(&error), "apply: cannot read a: no such file");
    }
}
