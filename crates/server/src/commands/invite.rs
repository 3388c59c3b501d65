//! `orgate invite`.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use chrono::Duration;
use clap::Args;
use orgate_domain::email::Email;
use orgate_domain::invitations::DEFAULT_LIFETIME;
use orgate_domain::names::{DisplayName, Slug};
use orgate_flows::invitations::make::WantedInvitation;
use orgate_flows::invitations::rows::{MAX_BYTES, Row, read};
use orgate_flows::manage::import::{ImportMode, ImportReport, import_as_operator};

use super::ConfigFile;
use super::in_organization::opened_in;

/// Rows of the report that are printed.
const SHOWN: usize = 50;

#[derive(Debug, Args)]
pub(super) struct Invite {
    /// The organization, by its slug
    #[arg(long, value_name = "SLUG")]
    org: String,
    /// Who is invited, by their address
    #[arg(value_name = "EMAIL", required_unless_present = "file", conflicts_with = "file")]
    email: Option<String>,
    /// Whoever a CSV file lists: columns `email`, and of `name`, `roles`, `groups`, `locale`, `client_id` and
    /// `expires_in_hours` any; up to 10,000 rows
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Their name
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    name: Option<String>,
    /// A role that they are given, by its slug; may be given several times
    #[arg(long = "role", value_name = "SLUG", conflicts_with = "file")]
    roles: Vec<String>,
    /// A group that they are put into, by its slug; may be given several times
    #[arg(long = "group", value_name = "SLUG", conflicts_with = "file")]
    groups: Vec<String>,
    /// The application that they are sent to
    #[arg(long, value_name = "CLIENT_ID", conflicts_with = "file")]
    client: Option<String>,
    /// How long the invitation is good for: 1 hour to 30 days
    #[arg(long, value_name = "HOURS", default_value_t = DEFAULT_LIFETIME.num_hours(), conflicts_with = "file")]
    expires_in_hours: i64,
    /// All rows, or none if one is wrong
    #[arg(long)]
    atomic: bool,
    /// Say what would come of it, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    config: ConfigFile,
}

impl Invite {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let rows = match &self.file {
            Some(path) => {
                let size = std::fs::metadata(path).with_context(|| path.display().to_string())?.len();
                anyhow::ensure!(
                    usize::try_from(size).is_ok_and(|size| size <= MAX_BYTES),
                    "{}: a file has up to {} MiB; split it",
                    path.display(),
                    MAX_BYTES / 1024 / 1024
                );
                let file = std::fs::read(path).with_context(|| path.display().to_string())?;
                read(&file).with_context(|| path.display().to_string())?
            }
            None => vec![Row { number: 1, wanted: Ok(self.one()?) }],
        };
        let (env, scope) = opened_in(&self.org, &self.config).await?;
        let mode = match (self.dry_run, self.atomic) {
            (true, _) => ImportMode::DryRun,
            (false, true) => ImportMode::Atomic,
            (false, false) => ImportMode::RowByRow,
        };
        let of = rows.len();
        let shows = std::io::stderr().is_terminal() && of > 1;
        let report = import_as_operator(&env, &scope, (rows, mode), |done| {
            if shows {
                eprint!("\r{done} of {of}");
                drop(std::io::stderr().flush());
            }
        })
        .await?;
        if shows {
            eprintln!();
        }
        print(&report, mode);
        anyhow::ensure!(
            report.faults.is_empty(),
            "{} of {} rows are wrong",
            report.faults.len(),
            report.rows
        );
        Ok(())
    }

    fn one(&self) -> anyhow::Result<WantedInvitation> {
        let email = self.email.as_deref().unwrap_or_default();
        let slugs = |texts: &[String]| -> anyhow::Result<Vec<Slug>> {
            texts.iter().map(|text| Slug::parse(text).with_context(|| format!("{text:?}"))).collect()
        };
        Ok(WantedInvitation {
            email: Email::parse(email).with_context(|| format!("{email:?}"))?,
            name: self.name.as_deref().map(DisplayName::parse).transpose()?,
            locale: None,
            client_id: self.client.clone(),
            roles: slugs(&self.roles)?,
            groups: slugs(&self.groups)?,
            lifetime: Duration::try_hours(self.expires_in_hours).unwrap_or_default(),
        })
    }
}

fn print(report: &ImportReport, mode: ImportMode) {
    for (number, fault) in report.faults.iter().take(SHOWN) {
        let place = if fault.field.is_empty() { String::new() } else { format!(" {}", fault.field) };
        println!("row {number}{place}: {}", fault.detail);
    }
    if let Some(more) = report.faults.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        println!("and {more} more");
    }
    let (invited, unchanged) = (report.invited, report.unchanged);
    match (mode, report.applied) {
        (_, true) => println!("{invited} invited, {unchanged} were users or invited before."),
        (ImportMode::DryRun, false) => {
            println!(
                "{invited} would be invited, {unchanged} are users or invited already. Nothing was done."
            );
        }
        (_, false) => println!("Nothing was done: all rows, or none."),
    }
}
