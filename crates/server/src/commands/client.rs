//! `orgate client`.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use chrono::Duration;
use clap::{Args, Subcommand};
use orgate_domain::audit::Actor;
use orgate_domain::clients::ClientStatus;
use orgate_domain::clients::claims::ClaimName;
use orgate_flows::client_status::{StatusChange, change_client_status};
use orgate_flows::preview_claims::{ClaimsPreview, preview_claims};
use orgate_flows::rotate_secret::{SecretRotation, rotate_secret};

use orgate_protocol::oauth::ScopeSet;

use super::in_organization::InOrganization;
use super::registration_token::RegistrationToken;
use super::{ConfigFile, opened};
use crate::apply_file;

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Switch an application off, whoever registered it, and if nobody did. A file that says `status: active` switches it on
    /// again when it is applied
    Disable(WhichClient),
    /// Switch an application on again
    Enable(WhichClient),
    /// Make a token with which somebody may register applications of an organization by themselves, list them, take one
    /// back
    RegistrationToken(RegistrationToken),
    /// Give a client a new secret; the one before it works for a while yet
    RotateSecret(RotateSecret),
    /// Show which claims of its own a client's tokens would have for a user, before anybody signs in
    Claims(Claims),
}

#[derive(Debug, Args)]
pub(super) struct WhichClient {
    /// The client
    #[arg(value_name = "CLIENT_ID")]
    client_id: String,
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Args)]
pub(super) struct RotateSecret {
    /// The client
    #[arg(value_name = "CLIENT_ID")]
    client_id: String,
    /// How long secrets that were given before are still accepted, in hours: the time to bring the new one to every
    /// server. 0 ends them at once, as after a leak
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u16).range(0..=2160))]
    overlap_hours: u16,
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Args)]
pub(super) struct Claims {
    /// The client
    #[arg(value_name = "CLIENT_ID")]
    client_id: String,
    #[command(flatten)]
    of: InOrganization,
    /// The user, by their address or id. None: the client's own token, as a machine
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// What is granted, separated by spaces
    #[arg(long, value_name = "SCOPES", default_value = "openid profile email")]
    scope: String,
    /// Take the client's `claims` from these files, which are not applied
    #[arg(short, long = "file", value_name = "FILE", num_args = 1..)]
    files: Vec<PathBuf>,
}

impl Claims {
    async fn run(self) -> anyhow::Result<()> {
        let Self { client_id, of, user, scope: granted, files } = self;
        let granted = ScopeSet::parse(&granted).context("--scope")?;
        let (env, scope) = of.open().await?;
        let settings = if files.is_empty() {
            let client = env.configuration.client(&env.store, &client_id).await?;
            client.with_context(|| format!("there is no client {client_id}"))?.settings.clone()
        } else {
            let wanted = apply_file::load(&files, &|name| std::env::var(name).ok())?;
            let mut clients = wanted.clients.into_iter();
            let client = clients.find(|client| client.client_id.value == client_id);
            client.with_context(|| format!("the files describe no client {client_id}"))?.settings
        };
        let user = match user {
            Some(text) => Some(of.user(&env, &scope, &text).await?),
            None => None,
        };
        let granted = settings.grantable(&granted);
        print(&preview_claims(&env, &scope, &settings, (user, &granted)).await?, settings.claims_budget)
    }
}

fn print(preview: &ClaimsPreview, budget: usize) -> anyhow::Result<()> {
    let places = [
        ("access token", Some(&preview.access_token)),
        ("ID token", preview.id_token.as_ref()),
        ("/userinfo", preview.userinfo.as_ref()),
    ];
    for (place, mapped) in places {
        let Some(mapped) = mapped else { continue };
        let bytes = serde_json::to_string(&mapped.told)?.len();
        match place {
            "/userinfo" => println!("{place}: {bytes} bytes"),
            _ => println!("{place}: {bytes} of {budget} bytes"),
        }
        println!("{}", serde_json::to_string_pretty(&mapped.told)?);
        let omitted: Vec<&str> = mapped.omitted.iter().map(ClaimName::as_str).collect();
        if !omitted.is_empty() {
            println!("no room for {}: /userinfo has them", omitted.join(", "));
        }
    }
    Ok(())
}

impl ClientCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Claims(claims) => claims.run().await,
            Self::Disable(which) => which.make(ClientStatus::Disabled).await,
            Self::Enable(which) => which.make(ClientStatus::Active).await,
            Self::RegistrationToken(token) => token.run().await,
            Self::RotateSecret(rotation) => rotation.run().await,
        }
    }
}

impl WhichClient {
    async fn make(self, status: ClientStatus) -> anyhow::Result<()> {
        let Self { client_id, config } = self;
        let env = opened(&config).await?;
        let changed = change_client_status(&env, &client_id, status, Actor::Operator).await?;
        match (changed, status) {
            (StatusChange::Changed, ClientStatus::Disabled) => {
                println!("{client_id} is answered nothing any more.");
            }
            (StatusChange::Changed, ClientStatus::Active) => println!("{client_id} is answered again."),
            (StatusChange::Unchanged, _) => println!("{client_id} is {} already.", status.as_str()),
            (StatusChange::Unknown, _) => bail!("there is no client {client_id}"),
        }
        Ok(())
    }
}

impl RotateSecret {
    async fn run(self) -> anyhow::Result<()> {
        let Self { client_id, overlap_hours, config } = self;
        let env = opened(&config).await?;
        match rotate_secret(&env, &client_id, Duration::hours(overlap_hours.into())).await? {
            SecretRotation::Rotated(secret) => {
                println!("The new secret of {client_id}, shown only now: {}", secret.reveal());
                match overlap_hours {
                    0 => println!("Former secrets are not accepted any more."),
                    hours => println!("Former secrets are accepted for {hours} hours more."),
                }
                Ok(())
            }
            SecretRotation::Secretless => bail!(
                "{client_id} has no secret: its `authentication` is none or private_key_jwt. Change that with `orgate apply`"
            ),
            SecretRotation::Unknown => {
                bail!("there is no client {client_id}; clients are made with `orgate apply`")
            }
        }
    }
}
