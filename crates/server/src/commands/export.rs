//! `orgate export`.

use clap::{Args, ValueEnum};
use orgate_flows::export::{self, Secrets};

use super::in_organization::opened_in;
use super::progress::Progress;
use super::{ConfigFile, opened};
use crate::apply_file;

/// What every file begins with.
const HEADER: &str = "\
# What `orgate export` read; `orgate apply` takes it. Secrets and passwords are not in here: where a key such as
# `client_secret` is missing, applying keeps the one that is there. On a server that has none yet, the plan tells what is
# missing.
";

#[derive(Debug, Args)]
#[group(id = "what", required = true, multiple = false, args = ["org", "all"])]
pub(super) struct Export {
    /// The organization, by its slug
    #[arg(long, value_name = "SLUG")]
    org: Option<String>,
    /// Every organization, the operator's too
    #[arg(long)]
    all: bool,
    /// What it is written as
    #[arg(long = "as", value_enum, default_value_t = Format::Yaml)]
    format: Format,
    /// How the file speaks of the secrets of connections and clients
    #[arg(long, value_enum, default_value_t = ShownSecrets::Keep)]
    secrets: ShownSecrets,
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// The files of `orgate apply`
    Yaml,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ShownSecrets {
    /// Not at all: applying the file keeps those that are there
    Keep,
    /// As `${NAME}`: applying the file takes each from the environment, and asks for those that are not there
    Variables,
}

impl Export {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let secrets = match self.secrets {
            ShownSecrets::Keep => Secrets::Kept,
            ShownSecrets::Variables => Secrets::Named,
        };
        let description = if let Some(org) = &self.org {
            let (env, scope) = opened_in(org, &self.config).await?;
            export::organization(&env, &scope, secrets).await?
        } else {
            let env = opened(&self.config).await?;
            let mut progress = Progress::new(("organizations", "read"), None);
            let described = export::installation(&env, secrets, || progress.advance(1)).await;
            progress.clear();
            described?
        };
        for line in &description.left_out {
            eprintln!("left out: {line}");
        }
        let Format::Yaml = self.format;
        print!("{HEADER}{}", apply_file::write(&description.wanted)?);
        Ok(())
    }
}
