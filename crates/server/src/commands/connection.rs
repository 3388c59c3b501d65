//! `orgate connection`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use orgate_domain::audit::Actor;
use orgate_domain::connections::ConnectionProtocol;
use orgate_flows::Env;
use orgate_flows::federation::{address, refresh, saml, saml_keys};
use orgate_storage::{Connection, KeyPurpose, OrgScope};

use super::in_organization::InOrganization;

#[derive(Debug, Subcommand)]
pub(super) enum ConnectionCommand {
    /// List an organization's connections
    List(InOrganization),
    /// Print what the identity provider of a connection is told: addresses, or SAML metadata
    Show(One),
    /// Put the next keys of a SAML connection in the place of the current ones
    RotateKeys(One),
    /// Put a key of your own in the place of a SAML connection's next one
    ///
    /// It is in the connection's metadata from then on. Once the identity provider knows it, rotate-keys puts it
    /// in the place of the current one.
    ImportKey(ImportKey),
    /// Show what a SAML connection's metadata proposes, and with --yes take it over
    ///
    /// Metadata that names other keys, and that no known key signed, changes nothing by itself. Compare the
    /// fingerprints with the identity provider's own pages first.
    Approve(Approval),
}

#[derive(Debug, Args)]
pub(super) struct One {
    #[command(flatten)]
    which: InOrganization,
    /// The connection, by its slug
    #[arg(value_name = "CONNECTION")]
    connection: String,
}

#[derive(Debug, Args)]
pub(super) struct ImportKey {
    #[command(flatten)]
    one: One,
    /// What it is for
    #[arg(long = "for", value_enum)]
    purpose: KeyUse,
    /// The RSA private key, without a password
    #[arg(long, value_name = "PEM")]
    key: PathBuf,
    /// Its certificate
    #[arg(long, value_name = "PEM")]
    certificate: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KeyUse {
    /// Signing requests
    Signing,
    /// Decrypting assertions
    Encryption,
}

#[derive(Debug, Args)]
pub(super) struct Approval {
    #[command(flatten)]
    one: One,
    /// Take it over
    #[arg(long)]
    yes: bool,
}

impl ConnectionCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(which) => list(&which).await,
            Self::Show(one) => show(&one).await,
            Self::RotateKeys(one) => {
                let (env, scope, connection) = find(&one).await?;
                anyhow::ensure!(
                    connection.protocol == ConnectionProtocol::Saml,
                    "{} is an OpenID Connect connection: it has no keys that its provider pins",
                    connection.slug
                );
                saml_keys::rotate(&env, &scope, connection.id, Actor::Operator).await?;
                println!("The keys of {} were rotated. New next ones are in its metadata.", connection.slug);
                Ok(())
            }
            Self::ImportKey(import) => import_key(&import).await,
            Self::Approve(approval) => approve(&approval).await,
        }
    }
}

async fn find(one: &One) -> anyhow::Result<(Env, OrgScope, Connection)> {
    let (env, scope) = one.which.open().await?;
    let mut tx = env.store.begin(&scope).await?;
    let connections = tx.connections().list().await?;
    tx.commit().await?;
    let slugs: Vec<_> = connections.iter().map(|connection| connection.slug.to_string()).collect();
    let found = connections.into_iter().find(|connection| connection.slug.as_str() == one.connection);
    let found = found.with_context(|| {
        let (org, wanted) = (&one.which.org, &one.connection);
        format!("{org} has no connection {wanted}; it has: {}", slugs.join(", "))
    })?;
    Ok((env, scope, found))
}

async fn import_key(import: &ImportKey) -> anyhow::Result<()> {
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let pair = (read(&import.key)?, read(&import.certificate)?);
    let (env, scope, connection) = find(&import.one).await?;
    anyhow::ensure!(
        connection.protocol == ConnectionProtocol::Saml,
        "{} is an OpenID Connect connection: it has no keys that its provider pins",
        connection.slug
    );
    let purpose = match import.purpose {
        KeyUse::Signing => KeyPurpose::Signing,
        KeyUse::Encryption => KeyPurpose::Encryption,
    };
    saml_keys::bring(&env, &scope, (connection.id, purpose), pair, Actor::Operator).await?;
    println!("It is the next key of {}, and in its metadata within half a minute.", connection.slug);
    println!("When the identity provider knows it: orgate connection rotate-keys");
    Ok(())
}

async fn approve(approval: &Approval) -> anyhow::Result<()> {
    let (env, scope, connection) = find(&approval.one).await?;
    let proposal = refresh::find_proposal(&env, &scope, connection.id).await?;
    let proposal = proposal.with_context(|| format!("nothing waits for approval in {}", connection.slug))?;
    for change in &proposal.changes {
        println!("{}", change.field);
        for text in change.before.split_whitespace() {
            println!("  - {text}");
        }
        for text in change.after.split_whitespace() {
            println!("  + {text}");
        }
    }
    if !approval.yes {
        println!("\nNothing was changed. If the identity provider's own pages say the same, add --yes.");
        return Ok(());
    }
    let done = refresh::approve(&env, &scope, (connection.id, &proposal), Actor::Operator).await?;
    anyhow::ensure!(done, "{} was changed meanwhile: look at it again, without --yes", connection.slug);
    println!("\nThe metadata of {} was taken over.", connection.slug);
    Ok(())
}

async fn list(which: &InOrganization) -> anyhow::Result<()> {
    let (env, scope) = which.open().await?;
    let mut tx = env.store.begin(&scope).await?;
    let connections = tx.connections().list().await?;
    tx.commit().await?;
    if connections.is_empty() {
        println!("{} has no connections.", which.org);
        return Ok(());
    }
    println!("{:<20} {:<6} {:<9} {:>4} {:>6}  DOMAINS", "CONNECTION", "KIND", "STATE", "LIVE", "LATEST");
    for connection in connections {
        let domains: Vec<_> = connection.domains.iter().map(|reach| reach.name.to_string()).collect();
        println!(
            "{:<20} {:<6} {:<9} {:>4} {:>6}  {}",
            connection.slug.as_str(),
            connection.protocol.as_str(),
            connection.state.as_str(),
            connection.live_version.map_or_else(|| "-".to_owned(), |version| version.to_string()),
            connection.latest_version,
            domains.join(" "),
        );
    }
    Ok(())
}

async fn show(one: &One) -> anyhow::Result<()> {
    let (env, scope, connection) = find(one).await?;
    let at = |endpoint| address(&env, &scope, connection.id, endpoint);
    match connection.protocol {
        ConnectionProtocol::Oidc => {
            println!("Redirect URI                {}", at("/callback"));
            println!("Back-channel logout URI     {}", at("/backchannel-logout"));
            println!("Post-logout redirect URI    {}", env.issuer.at("/sso/signed-out"));
            println!("JWKS URI (private_key_jwt)  {}", at("/jwks"));
        }
        ConnectionProtocol::Saml => {
            println!("Entity ID, metadata URL         {}", saml::entity_id(&env, &scope, connection.id));
            println!("Assertion consumer service URL  {}", at("/acs"));
            println!("Single logout URL               {}", at("/slo"));
            println!();
            println!("{}", saml::metadata(&env, &scope, connection.id).await?.unwrap_or_default());
        }
    }
    Ok(())
}
