//! `orgate import`.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use orgate_domain::names::Slug;
use orgate_flows::Env;
use orgate_flows::apply::{self, Wanted};
use orgate_flows::import::foreign::{RoleNames, Translation, translate};
use orgate_flows::import::{BATCH, Importer, Mode, Row, Tally};
use tokio::sync::mpsc;

use super::confirm::Agreement;
use super::progress::Progress;
use super::{ConfigFile, opened, prepared};
use crate::import::auth0::Tenant;
use crate::import::csv::Table;
use crate::import::keycloak::Realm;
use crate::import::{Listening, ReadError, Source, Surroundings};

#[derive(Debug, Subcommand)]
pub(super) enum Import {
    /// Users, members, roles and connections of an Auth0 tenant, out of a directory of what its API answers
    Auth0(Foreign),
    /// Users of a table with a line each
    Csv(OfTable),
    /// Organizations, users, roles, groups and identity providers of a Keycloak realm, out of its export
    Keycloak(Foreign),
}

#[derive(Debug, Args)]
pub(super) struct Foreign {
    /// The export: a directory, or for Keycloak also a file
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Where users come to who are a member of no organization there
    #[arg(long, value_name = "SLUG")]
    org: Option<String>,
    /// What a role is called here that was called otherwise there
    #[arg(long = "role", value_name = "NAME=SLUG", value_parser = renamed)]
    roles: Vec<(String, Slug)>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
pub(super) struct OfTable {
    /// The table, with the names of its columns in the first line
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// Where users come to, unless a column `organization` says it
    #[arg(long, value_name = "SLUG")]
    org: Option<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct How {
    /// Say what would be imported, and import nothing
    #[arg(long)]
    dry_run: bool,
    /// Import nothing, if anything cannot be imported
    #[arg(long)]
    atomic: bool,
    #[command(flatten)]
    agreement: Agreement,
    #[command(flatten)]
    config: ConfigFile,
}

fn renamed(text: &str) -> Result<(String, Slug), String> {
    let (name, slug) = text.rsplit_once('=').ok_or("written NAME=SLUG")?;
    Ok((name.to_owned(), Slug::parse(slug).map_err(|error| error.to_string())?))
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Auth0(Foreign { path, org, roles, how }) => {
                let (org, names) = (fallback(org)?, RoleNames::new(roles.clone()));
                let mut tenant = read(move || Tenant::open(&path, org, names)).await?;
                let surroundings = tenant.surroundings();
                import(how, Arc::new(tenant), (surroundings, RoleNames::new(roles))).await
            }
            Self::Csv(OfTable { path, org, how }) => {
                let org = fallback(org)?;
                let table = read(move || Table::open(&path, org)).await?;
                import(how, Arc::new(table), (Surroundings::default(), RoleNames::default())).await
            }
            Self::Keycloak(Foreign { path, org, roles, how }) => {
                let (org, names) = (fallback(org)?, RoleNames::new(roles.clone()));
                let mut realm = read(move || Realm::open(&path, org, names)).await?;
                let surroundings = realm.surroundings();
                import(how, Arc::new(realm), (surroundings, RoleNames::new(roles))).await
            }
        }
    }
}

fn fallback(org: Option<String>) -> anyhow::Result<Option<Slug>> {
    org.map(|org| Slug::parse(&org).with_context(|| format!("--org {org:?}"))).transpose()
}

async fn read<T: Send + 'static>(
    open: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> anyhow::Result<T> {
    Ok(tokio::task::spawn_blocking(open).await??)
}

/// Checks and reports, asks, and imports.
async fn import(
    how: How,
    source: Arc<dyn Source>,
    (surroundings, names): (Surroundings, RoleNames),
) -> anyhow::Result<()> {
    let How { dry_run, atomic, agreement, config } = how;
    let env = if dry_run { opened(&config).await? } else { prepared(&config).await? };
    let Surroundings { organizations, roles, notes } = surroundings;
    let Translation { wanted, notes: others, problems, .. } =
        translate(&env, organizations, (&roles, &names)).await?;
    for note in notes.iter().chain(&others) {
        println!("! {note}");
    }
    if !problems.is_empty() {
        anyhow::bail!("nothing was imported:\n{}", problems.join("\n"));
    }
    let plan = apply::plan(&env, &wanted).await?;
    if !wanted.organizations.is_empty() {
        print!("{plan}");
    }
    let checked = run(&env, Mode::Check, (&source, &wanted)).await?;
    println!("{}", told(checked, "to be made"));
    if atomic && checked.refused > 0 {
        anyhow::bail!(
            "nothing was imported: with --atomic, {} rows that cannot be are too many",
            checked.refused
        );
    }
    if dry_run {
        println!("Nothing was changed: this was a dry run.");
        return Ok(());
    }
    if plan.changes() + checked.made > 0 {
        agreement.ask(&format!("Import {} users, and what is listed above?", checked.made))?;
    }
    super::apply::execute(&env, plan).await?;
    let mode = if atomic { Mode::Whole } else { Mode::Stream };
    let done = run(&env, mode, (&source, &wanted)).await?;
    println!("{}", told(done, "made"));
    match done.refused {
        0 => Ok(()),
        _ if atomic => anyhow::bail!("no user was imported: {} rows cannot be any more", done.refused),
        refused => anyhow::bail!("{refused} rows were not imported; all others are there"),
    }
}

fn told(tally: Tally, made: &str) -> String {
    let Tally { made: count, there, refused } = tally;
    format!("users: {count} {made}, {there} there already, {refused} refused")
}

/// Reads the source on a thread of its own, and takes what it reads batch by batch. What is refused is told when it is
/// checked; afterwards it would be told twice.
async fn run(env: &Env, mode: Mode, (source, wanted): (&Arc<dyn Source>, &Wanted)) -> anyhow::Result<Tally> {
    let (sender, mut rows) = mpsc::channel::<Row>(2 * BATCH);
    let reading = Arc::clone(source);
    let reader = tokio::task::spawn_blocking(move || {
        reading.rows(&mut |row| {
            if sender.blocking_send(row).is_ok() { Listening::On } else { Listening::Over }
        })
    });
    let mut importer = Importer::new(env, mode, wanted);
    let mut progress =
        Progress::new(("rows", if mode == Mode::Check { "checked" } else { "imported" }), None);
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        if rows.recv_many(&mut batch, BATCH).await == 0 {
            break;
        }
        let count = batch.len();
        for refused in importer.take(batch).await? {
            if mode == Mode::Check {
                progress.clear();
                println!("{}: {}", refused.place, refused.why);
            }
        }
        progress.advance(count);
    }
    drop(rows);
    let read = reader.await?;
    let tally = match read {
        Ok(()) => importer.finish().await?,
        Err(error) => {
            progress.clear();
            return Err(error.into());
        }
    };
    progress.clear();
    Ok(tally)
}
