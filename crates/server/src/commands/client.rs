//! `orgate client`.

use anyhow::bail;
use chrono::Duration;
use clap::{Args, Subcommand};
use orgate_flows::rotate_secret::{SecretRotation, rotate_secret};

use super::{ConfigFile, opened};

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Give a client a new secret; the one before it works for a while yet
    RotateSecret(RotateSecret),
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

impl ClientCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Self::RotateSecret(RotateSecret { client_id, overlap_hours, config }) = self;
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
