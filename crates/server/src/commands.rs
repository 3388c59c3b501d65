//! The command line.

mod apply;
mod dev;
mod doctor;
mod explain;
mod reference;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use orgate_flows::{Env, SystemClock};

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
    /// Show everything on this machine: a database, sample organizations, a sample application
    Dev(Dev),
    /// Run the server
    Serve(ConfigFile),
    /// Bring the database's schema up to date, and stop
    Migrate(ConfigFile),
    /// Bring organizations, users, roles and clients to the state that files describe
    Apply(apply::Apply),
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
    /// Check that the server could run: configuration, database, keys, mail
    Doctor(ConfigFile),
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
        Command::Config { command: ConfigCommand::Check(file) } => check(&file),
        Command::Explain { command } => block_on(command.run()),
        Command::Doctor(file) => block_on(doctor::doctor(file)),
        Command::Reference { part } => {
            part.print();
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("orgate: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("the runtime could not be started")?.block_on(work)
}

fn check(file: &ConfigFile) -> anyhow::Result<()> {
    let settings = Settings::load(file.config.as_deref())?;
    settings.database_url()?;
    wiring::mailer(&settings)?;
    orgate_flows::vault::MasterKey::parse(settings.master_key()?.reveal())?;
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
    let env = wiring::env(&settings, store, Arc::new(SystemClock))?;
    orgate_flows::bootstrap::bootstrap(&env).await.map_err(|failure| match failure {
        orgate_flows::Failure::Storage(error) => explained(error),
        other => anyhow::Error::new(other).context("the signing keys could not be loaded"),
    })?;
    Ok(env)
}

/// A storage error with what to do about it.
fn explained(error: orgate_storage::StorageError) -> anyhow::Error {
    let unreachable = matches!(error, orgate_storage::StorageError::Unavailable(_));
    let error = anyhow::Error::new(error);
    if unreachable {
        error.context("the database cannot be reached; check database.url, and that PostgreSQL runs there")
    } else {
        error
    }
}

/// Starts logging, once.
fn log(log: &Log) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&log.filter).context("log.filter")?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Text => lines.with_target(false).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging could not be started: {error}"))
}
