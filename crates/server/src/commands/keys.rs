//! `orgate keys`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use orgate_domain::keys::{KeyLife, KeyState};
use orgate_flows::Env;
use orgate_flows::keys::{self, Replaced, Replacement};
use orgate_protocol::jose::SigningAlgorithm;
use orgate_storage::OrgScope;
use orgate_storage::system::OrgHint;
use serde_json::json;
use zeroize::Zeroizing;

use super::in_organization::opened_in;
use super::{ConfigFile, opened};

/// A private key's file is a few kilobytes; what is larger is another file.
const MAX_FILE_BYTES: u64 = 64 * 1024;

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// List signing keys, and where each is in its life
    List(List),
    /// Replace signing keys: the next ones are published now, and sign when everyone knows them
    Rotate(Rotate),
    /// Bring everything under the current master key that rests under `secrets.previous_master_key`. It may be
    /// stopped, and run again
    Rewrap(ConfigFile),
    /// Take a private key over that was made elsewhere, to sign next
    Import(Import),
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// The organization whose own issuer signs with them, by its slug; without it, those of the shared issuer
    #[arg(long, value_name = "SLUG")]
    org: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    which: Which,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    which: Which,
    /// The algorithm whose key is replaced; without it, those of all keys that sign
    #[arg(long, value_name = "ALGORITHM", value_parser = algorithm)]
    algorithm: Option<SigningAlgorithm>,
    /// Let the next keys sign at once. Backends that do not fetch keys again when a token names one that they do
    /// not know refuse tokens until they do
    #[arg(long)]
    now: bool,
    /// Withdraw the old keys as well, as when one was stolen: every access and ID token that they signed dies;
    /// sessions and refresh tokens live on, and give new ones
    #[arg(long, requires = "now")]
    revoke_old: bool,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(flatten)]
    which: Which,
    /// What the key signs with: ES256, RS256, PS256 or EdDSA
    #[arg(long, value_name = "ALGORITHM", value_parser = algorithm)]
    algorithm: SigningAlgorithm,
    /// The private key: PKCS#8 in PEM, unencrypted (`BEGIN PRIVATE KEY`)
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Let it sign at once, in the place of the key that does; see `orgate keys rotate --now`
    #[arg(long)]
    now: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Table,
    /// For programs
    Json,
}

fn algorithm(text: &str) -> Result<SigningAlgorithm, String> {
    SigningAlgorithm::from_text(text).ok_or_else(|| {
        let known = SigningAlgorithm::ALL.map(SigningAlgorithm::as_str).join(", ");
        format!("no signing algorithm; there are {known}")
    })
}

impl KeysCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(list) => list.run().await,
            Self::Rotate(rotate) => rotate.run().await,
            Self::Rewrap(config) => rewrap(&config).await,
            Self::Import(import) => import.run().await,
        }
    }
}

async fn rewrap(config: &ConfigFile) -> anyhow::Result<()> {
    let env = opened(config).await?;
    anyhow::ensure!(
        env.vault.accepts_another(),
        "secrets.previous_master_key is not set: there is nothing to bring over"
    );
    let done = orgate_flows::rewrap::rewrap(&env, |done| {
        eprintln!(
            "{} organizations, {} data keys, {} addresses",
            done.organizations, done.data_keys, done.addresses
        );
    })
    .await?;
    let (data_keys, addresses) = (done.data_keys, done.addresses);
    println!("{data_keys} data keys were wrapped anew, and {addresses} addresses hashed anew.");
    if let Some(lost) = done.lost.first() {
        anyhow::bail!(
            "the data keys of {} organizations open under neither master key, of {lost} for one: keep \
             secrets.previous_master_key until the right one is found",
            done.lost.len()
        );
    }
    if data_keys + addresses == 0 {
        println!(
            "Nothing is left under the previous one: take secrets.previous_master_key out of the configuration."
        );
    } else {
        println!("Run it once more, an hour after the last node was restarted: nothing is to be left then.");
    }
    Ok(())
}

impl Which {
    async fn open(&self) -> anyhow::Result<(Env, OrgScope)> {
        if let Some(org) = &self.org {
            return opened_in(org, &self.config).await;
        }
        let env = opened(&self.config).await?;
        let found = env.store.resolve(OrgHint::Operator).await?;
        Ok((env, found.context("there is no operator organization")?.scope))
    }

    /// Whose keys they are, in a sentence.
    fn whose(&self) -> &str {
        self.org.as_deref().unwrap_or("the shared issuer")
    }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let (env, scope) = self.which.open().await?;
        let listed = keys::list(&env, &scope).await?;
        let now = env.clock.now();
        match self.output {
            Output::Json => {
                let listed: Vec<_> = listed.iter().map(|key| described(&env, key, now)).collect();
                println!("{}", serde_json::to_string_pretty(&listed)?);
            }
            Output::Table if listed.is_empty() => {
                println!("{} has no keys: the first are made when it signs.", self.which.whose());
            }
            Output::Table => {
                println!("{:<43}  {:<9}  {:<7}  {:<16}  NEXT", "KEY", "ALGORITHM", "STATE", "PUBLISHED");
                for key in &listed {
                    println!(
                        "{:<43}  {:<9}  {:<7}  {:<16}  {}",
                        key.kid,
                        key.algorithm.as_str(),
                        key.state(now).as_str(),
                        time(key.published_at),
                        upcoming(&env, key, now)
                    );
                }
            }
        }
        Ok(())
    }
}

fn described(env: &Env, key: &KeyLife, now: DateTime<Utc>) -> serde_json::Value {
    json!({
        "kid": key.kid,
        "algorithm": key.algorithm.as_str(),
        "state": key.state(now).as_str(),
        "published_at": key.published_at,
        "signs_at": key.promoted_at.unwrap_or(key.published_at + env.key_schedule.publish_before),
        "retired_at": key.retired_at,
        "published_until": key.erased_at.or(key.expires_at),
        "revoked_at": key.revoked_at,
    })
}

/// What becomes of a key.
fn upcoming(env: &Env, key: &KeyLife, now: DateTime<Utc>) -> String {
    let schedule = env.key_schedule;
    match (key.state(now), key.promoted_at, schedule.rotate_every) {
        (KeyState::Next, ..) => format!("signs from {}", time(key.published_at + schedule.publish_before)),
        (KeyState::Current, Some(since), Some(every)) => format!("signs until {}", time(since + every)),
        (KeyState::Current, ..) => "signs until somebody replaces it".to_owned(),
        (KeyState::Retired, ..) => {
            format!("published until {}", key.expires_at.map_or_else(String::new, time))
        }
        (KeyState::Dropped | KeyState::Revoked, ..) => "-".to_owned(),
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

impl Rotate {
    async fn run(self) -> anyhow::Result<()> {
        let (env, scope) = self.which.open().await?;
        let now = env.clock.now();
        let signing = keys::list(&env, &scope).await?;
        let signing = signing.iter().filter(|key| key.state(now) == KeyState::Current);
        let mut algorithms: BTreeSet<_> = match self.algorithm {
            Some(algorithm) => BTreeSet::from([algorithm]),
            None => signing.map(|key| key.algorithm).collect(),
        };
        if algorithms.is_empty() {
            algorithms.insert(SigningAlgorithm::Es256); // an organization's first
        }
        let how = if self.now { Replacement::Now } else { Replacement::Scheduled };
        for algorithm in algorithms {
            let replaced = if self.revoke_old {
                keys::revoke(&env, &scope, algorithm).await?
            } else {
                keys::replace(&env, &scope, algorithm, how).await?
            };
            report(&env, (algorithm, self.which.whose()), &replaced);
            for kid in &replaced.revoked {
                println!("  withdrawn: {kid}");
            }
        }
        if self.revoke_old {
            println!(
                "\nAccess and ID tokens that withdrawn keys signed are dead: here at once, at backends when they fetch \
                 keys again, which they may do for five minutes from a cache. People stay signed in, and applications \
                 get new tokens by their refresh tokens. Until then a sign-out with an old ID token is refused."
            );
        }
        Ok(())
    }
}

fn report(env: &Env, (algorithm, whose): (SigningAlgorithm, &str), replaced: &Replaced) {
    let (algorithm, kid) = (algorithm.as_str(), &replaced.kid);
    if replaced.signs_at <= env.clock.now() {
        println!("{algorithm}: {kid} signs for {whose} now.");
    } else {
        let (published, signs) = (time(replaced.published_at), time(replaced.signs_at));
        println!(
            "{algorithm}: {kid} is published since {published}, and signs for {whose} from {signs} UTC."
        );
    }
}

impl Import {
    async fn run(self) -> anyhow::Result<()> {
        let pem = read(&self.file)?;
        let (env, scope) = self.which.open().await?;
        let how = if self.now { Replacement::Now } else { Replacement::Scheduled };
        let imported = keys::import(&env, &scope, self.algorithm, (&pem, how)).await?;
        report(&env, (self.algorithm, self.which.whose()), &imported);
        println!("The next key after it is made here, as for any other: see `orgate keys list`.");
        Ok(())
    }
}

fn read(file: &Path) -> anyhow::Result<Zeroizing<String>> {
    let cannot = || format!("cannot read {}", file.display());
    let size = std::fs::metadata(file).with_context(cannot)?.len();
    anyhow::ensure!(size <= MAX_FILE_BYTES, "{} is no private key: it is too large", file.display());
    Ok(Zeroizing::new(std::fs::read_to_string(file).with_context(cannot)?))
}
