//! `orgate apply`.

use std::path::PathBuf;

use clap::Args;
use orgate_flows::apply;

use super::{ConfigFile, connected};
use crate::apply_file;

#[derive(Debug, Args)]
pub(super) struct Apply {
    /// A YAML file; may be given several times
    #[arg(short, long = "file", required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    config: ConfigFile,
}

impl Apply {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let wanted = apply_file::load(&self.files, &|name| std::env::var(name).ok())?;
        let env = connected(&self.config).await?;
        let plan = apply::plan(&env, &wanted).await?;
        print!("{plan}");
        if self.dry_run {
            println!("Nothing was changed: this was a dry run.");
            return Ok(());
        }
        let applied = apply::execute(&env, plan).await?;
        for made in &applied.generated_secrets {
            println!("The secret of {}, shown only now: {}", made.client_id, made.secret.reveal());
        }
        Ok(())
    }
}
