//! `orgate client registration-token`.

use anyhow::{Context as _, bail};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use orgate_domain::audit::Actor;
use orgate_domain::ids::RegistrationTokenId;
use orgate_flows::registration_tokens::{create_token, list_tokens, revoke_token};

use super::ConfigFile;
use super::in_organization::{InOrganization, opened_in};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct RegistrationToken {
    #[command(subcommand)]
    command: Option<Verb>,
    /// The organization, by its slug: makes a token
    #[arg(long, value_name = "SLUG")]
    org: Option<String>,
    /// How many applications it registers
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=200))]
    uses: u16,
    /// For how long, in hours
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=2160))]
    expires_in_hours: u16,
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List an organization's tokens that register applications yet, and those that have
    List(InOrganization),
    /// Take a token back: it registers nothing from now on. What it registered stays; `orgate client disable` ends that
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Revoke {
    /// The token's id, as `list` shows it
    #[arg(value_name = "REGISTRATION_TOKEN")]
    id: RegistrationTokenId,
    #[command(flatten)]
    of: InOrganization,
}

impl RegistrationToken {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self.command {
            Some(Verb::List(of)) => list(&of).await,
            Some(Verb::Revoke(revocation)) => revoke(&revocation).await,
            None => {
                let org = self
                    .org
                    .as_deref()
                    .context("--org says which organization's applications it registers")?;
                create(org, &self.config, (self.uses, self.expires_in_hours)).await
            }
        }
    }
}

async fn create(org: &str, config: &ConfigFile, (uses, hours): (u16, u16)) -> anyhow::Result<()> {
    let (env, scope) = opened_in(org, config).await?;
    let made = create_token(&env, &scope, (uses, Duration::hours(hours.into())), Actor::Operator).await?;
    println!("The token, shown only now: {}", made.token.reveal());
    println!(
        "It registers {uses} application(s) at {}, until {}. It is called {}.",
        env.issuer.at("/register"),
        exact(made.expires_at),
        made.id,
    );
    if !made.usable {
        println!(
            "Nobody can use it yet: the organization's policy forbids it (`client_registration`, `third_party_clients`)."
        );
    }
    Ok(())
}

async fn list(of: &InOrganization) -> anyhow::Result<()> {
    let (env, scope) = of.open().await?;
    let tokens = list_tokens(&env, &scope).await?;
    if tokens.is_empty() {
        println!("No token registers applications of {}, and none has.", of.org);
    }
    for token in tokens {
        let left = if token.expires_at > env.clock.now() { token.uses_left } else { 0 };
        println!(
            "{}  made {}, until {}: {left} use(s) left, {} active application(s)",
            token.id,
            exact(token.created_at),
            exact(token.expires_at),
            token.clients,
        );
    }
    Ok(())
}

async fn revoke(Revoke { id, of }: &Revoke) -> anyhow::Result<()> {
    let (env, scope) = of.open().await?;
    if !revoke_token(&env, &scope, *id, Actor::Operator).await? {
        bail!("{} has no token {id} that registers anything", of.org);
    }
    println!("{id} registers nothing any more.");
    Ok(())
}

fn exact(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
