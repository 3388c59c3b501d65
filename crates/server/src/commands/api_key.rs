//! `orgate api-key`.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::Subcommand;
use orgate_domain::api_keys::ApiKey;
use orgate_domain::ids::ApiKeyId;
use orgate_domain::roles::Permission;
use orgate_flows::api_keys::{list_keys, revoke_key};

use super::daily::{Output, show};
use super::in_organization::InOrganization;

#[derive(Debug, Subcommand)]
pub(super) enum ApiKeyCommand {
    /// List an organization's API keys, without their secrets
    List {
        #[command(flatten)]
        of: InOrganization,
        /// How they are shown
        #[arg(long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Take an API key back: it is worth nothing from now on
    Revoke {
        /// The key, by its id, as `list` shows it
        #[arg(value_name = "KEY")]
        key: String,
        #[command(flatten)]
        of: InOrganization,
    },
}

const COLUMNS: [&str; 7] = ["id", "state", "name", "created_by", "until", "last_used", "permissions"];

impl ApiKeyCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { of, output } => {
                let (env, scope) = of.open().await?;
                let (keys, now) = (list_keys(&env, &scope).await?, env.clock.now());
                show(output, &COLUMNS, &keys.iter().map(|key| row(key, now)).collect::<Vec<_>>());
                Ok(())
            }
            Self::Revoke { key, of } => {
                let id: ApiKeyId = key.parse().with_context(|| format!("{key:?}"))?;
                let (env, scope) = of.open().await?;
                let done = revoke_key(&env, &scope, id).await?;
                anyhow::ensure!(done, "{} has no such API key, or it was taken back before", of.org);
                println!("{id} is worth nothing any more.");
                Ok(())
            }
        }
    }
}

fn row(key: &ApiKey, now: DateTime<Utc>) -> Vec<String> {
    let state = match key.revoked_at {
        Some(_) => "revoked",
        None if now >= key.expires_at => "expired",
        None => "good",
    };
    let time = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M UTC").to_string();
    let permissions: Vec<_> = key.permissions.iter().map(Permission::as_str).collect();
    vec![
        key.id.to_string(),
        state.to_owned(),
        key.name.clone(),
        key.maker.id(),
        time(key.expires_at),
        key.last_used_at.map(time).unwrap_or_default(),
        permissions.join(" "),
    ]
}
