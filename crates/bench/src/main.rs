//! `cargo xtask bench`: what operations cost on a release build, beside the same work done bare.
//!
//! Costs are processor time, as the operating system counts it, of the server and of every process of
//! Postgres: that holds on a noisy machine, where requests a second do not. `docs/PERFORMANCE.md` says how
//! it is measured.
//!
//! **Invariant:** the server runs as it is shipped, with Postgres's `fsync` on; no path of it knows that it is
//! measured.

mod bare_saml;
mod beside;
mod connections;
mod crowd;
mod federation;
mod http;
mod identity_providers;
mod load;
mod measure;
mod process;
mod proxy;
mod reference;
mod report;
mod run;
mod seed;
mod server;
mod statistics;
mod workloads;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Parser, Subcommand};
use orgate_embedded_postgres::{Config, Durability, Postgres};
use orgate_flows::random::Random;
use orgate_flows::vault::MasterKey;
use tokio::signal::unix::{SignalKind, signal};

use crate::measure::Operation;
use crate::report::Report;
use crate::run::{Plan, Results};
use crate::server::Orgate;

/// What a database of a hundred thousand organizations would be given, instead of what a developer's is.
const SHARED_BUFFERS_MIB: u32 = 1024;

/// Measures a release build of Orgate
#[derive(Debug, Parser)]
struct Arguments {
    /// More organizations, more rounds, longer windows
    #[arg(long)]
    long: bool,
    /// Organizations in the larger database [default: 2000; with --long: 100000]
    #[arg(long)]
    organizations: Option<usize>,
    /// SAML connections whose metadata is refreshed [default: 2000; with --long: 10000]
    #[arg(long)]
    connections: Option<usize>,
    /// Users in the organization whose users are listed [default: 20000; with --long: 100000]
    #[arg(long)]
    users: Option<usize>,
    /// Rounds, of which medians are taken [default: 3; with --long: 5]
    #[arg(long)]
    rounds: Option<usize>,
    /// How long an operation is measured in each round [default: 2; with --long: 4]
    #[arg(long)]
    window_secs: Option<u64>,
    /// Measure this operation only, for a profiler: a name as in the JSON file
    #[arg(long, value_name = "OPERATION", value_parser = parse_operation)]
    only: Option<Operation>,
    /// The program to measure
    #[arg(long, env = "ORGATE_BIN", value_name = "FILE")]
    orgate: Option<PathBuf>,
    /// The script that serves `oidc-provider`, whose packages are installed; without it, Orgate is measured alone
    #[arg(long, env = "OIDC_PROVIDER", value_name = "FILE")]
    oidc_provider: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the reference handlers
    #[command(hide = true)]
    Reference { listen: SocketAddr, document_bytes: usize },
}

impl Arguments {
    fn plan(&self) -> Plan {
        let either = |short, long| if self.long { long } else { short };
        Plan {
            many: self.organizations.unwrap_or(either(2000, 100_000)).max(run::FEW),
            connections: self.connections.unwrap_or(either(2000, 10_000)).max(1),
            users: self.users.unwrap_or(either(20_000, 100_000)).max(100),
            rounds: self.rounds.unwrap_or(either(3, 5)).max(1),
            window: Duration::from_secs(self.window_secs.unwrap_or(either(2, 4) as u64).max(1)),
            only: self.only,
        }
    }
}

fn parse_operation(key: &str) -> Result<Operation, String> {
    let keys = Operation::ALL.map(Operation::key).join(", ");
    Operation::from_key(key).ok_or_else(|| format!("one of {keys}"))
}

fn main() -> ExitCode {
    match start(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> Result<()> {
    if let Some(Command::Reference { listen, document_bytes }) = arguments.command {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        return runtime.block_on(reference::serve(listen, document_bytes));
    }
    let program = arguments.orgate.clone().context("name the program to measure: --orgate FILE")?;
    ensure!(program.is_file(), "there is no {}", program.display());
    let directory = run::directory()?;
    forget(&directory)?;
    fs::create_dir_all(&directory)?;
    let master_key = MasterKey::from_bytes(Random::default().bytes()?).to_text().to_string();
    let orgate = Orgate { program, master_key, directory: directory.clone() };
    let oidc_provider = arguments.oidc_provider.as_deref();

    let mut config = Config::new(directory.join("postgres"), |message| eprintln!("{message}"));
    config.durability = Durability::Durable;
    config.shared_buffers_mib = SHARED_BUFFERS_MIB;
    let postgres = Postgres::start(&config)?;
    let (version, data) = (postgres.version().to_owned(), postgres.data_dir().to_owned());
    let results = measure((&orgate, oidc_provider), &postgres, arguments.plan());
    postgres.stop()?;
    forget(&data)?;

    let report = Report { results: results?, postgres: version };
    let file = directory.join("results.json");
    fs::write(&file, format!("{:#}\n", report.json()))?;
    println!("{}", report.text());
    eprintln!("the same as JSON: {}", file.display());
    Ok(())
}

/// Runs until it is done, or until it is told to stop: dropped, it ends every process that it started.
fn measure(programs: (&Orgate, Option<&Path>), postgres: &Postgres, plan: Plan) -> Result<Results> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let url = |database: &str| postgres.url(database);
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            results = run::run(programs, postgres.pid(), &url, plan) => results,
            _ = terminate.recv() => bail!("terminated"),
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                bail!("interrupted")
            }
        }
    })
}

fn forget(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", directory.display()))
        }
        _ => Ok(()),
    }
}
