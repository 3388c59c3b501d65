//! `orgate apply`.

use std::path::PathBuf;

use clap::Args;
use orgate_flows::Env;
use orgate_flows::apply::{self, ApplyError, Plan, Pruning};

use super::confirm::Agreement;
use super::progress::Progress;
use super::{ConfigFile, opened, prepared};
use crate::apply_file;

#[derive(Debug, Args)]
pub(super) struct Apply {
    /// YAML files, applied as one
    #[arg(short, long = "file", required = true, value_name = "FILE", num_args = 1..)]
    files: Vec<PathBuf>,
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Take away what the files do not name, of the kinds that they list: roles and groups are removed, users deactivated,
    /// connections, webhooks and clients disabled
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    agreement: Agreement,
    #[command(flatten)]
    config: ConfigFile,
}

impl Apply {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let wanted = apply_file::load(&self.files, &|name| std::env::var(name).ok())?;
        let env = if self.dry_run { opened(&self.config).await? } else { prepared(&self.config).await? };
        let pruning = if self.prune { Pruning::On } else { Pruning::Off };
        let plan = apply::plan_pruning(&env, &wanted, pruning).await?;
        print!("{plan}");
        if self.dry_run {
            println!("Nothing was changed: this was a dry run.");
            return Ok(());
        }
        if plan.pruned() > 0 {
            self.agreement
                .ask(&format!("Take away the {} things that the files do not name?", plan.pruned()))?;
        }
        execute(&env, plan).await
    }
}

/// Carries a plan out and prints the secrets that it made, also when it could not be carried out to
/// its end: they are in force, and kept nowhere else.
pub(super) async fn execute(env: &Env, plan: Plan) -> anyhow::Result<()> {
    let mut progress = Progress::new(("changes", "made"), Some(plan.changes()));
    let result = apply::execute(env, plan, |changes| progress.advance(changes)).await;
    progress.clear();
    if let Ok(applied) | Err(ApplyError::Interrupted { applied, .. }) = &result {
        for made in &applied.generated_secrets {
            println!("The secret of {}, shown only now: {}", made.of, made.secret.reveal());
        }
    }
    result.map(|_| ()).map_err(Into::into)
}
