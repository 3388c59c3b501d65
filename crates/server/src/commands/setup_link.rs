//! `orgate setup-link`.

use std::collections::BTreeSet;

use anyhow::Context as _;
use chrono::Duration;
use clap::{Args, Subcommand, ValueEnum};
use orgate_domain::audit::Actor;
use orgate_domain::ids::SetupLinkId;
use orgate_domain::setup::{DEFAULT_LIFETIME, SetupLink, SetupPurpose};
use orgate_flows::setup::links::{CreatedLink, WantedLink, create_link, list_links, revoke_link};

use super::ConfigFile;
use super::in_organization::opened_in;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct SetupLinkCommand {
    #[command(subcommand)]
    command: Option<Verb>,
    /// The organization, by its slug: makes a link, as `create` does
    #[arg(long, value_name = "SLUG")]
    org: Option<String>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a link, and print it: it is shown only now
    Create(Create),
    /// List an organization's links, without their secrets
    List(Which),
    /// Take a link back: it opens nothing from now on
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Create {
    /// The organization, by its slug
    #[arg(long, value_name = "SLUG")]
    org: String,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Args)]
struct Options {
    /// What the link is for, separated by commas
    #[arg(
        long = "for",
        value_enum,
        value_delimiter = ',',
        default_value = "sso,domains",
        value_name = "WHAT"
    )]
    purposes: Vec<Purpose>,
    /// How long the link is good for: 1 hour to 30 days
    #[arg(long, value_name = "HOURS", default_value_t = DEFAULT_LIFETIME.num_hours())]
    expires_in_hours: i64,
    /// A role that what is set up may give, by its slug; may be given several times. Without any, it
    /// gives no roles
    #[arg(long = "role", value_name = "SLUG")]
    roles: Vec<String>,
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Args)]
struct Which {
    /// The organization, by its slug
    #[arg(long, value_name = "SLUG")]
    org: String,
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Args)]
struct Revoke {
    #[command(flatten)]
    which: Which,
    /// The link, by its id, as `list` shows it
    #[arg(value_name = "LINK")]
    link: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Purpose {
    /// Connections to identity providers
    Sso,
    /// E-mail domains
    Domains,
}

impl SetupLinkCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match (self.command, self.org) {
            (Some(Verb::Create(Create { org, options })), _) => options.create(&org).await,
            (Some(Verb::List(which)), _) => list(&which).await,
            (Some(Verb::Revoke(revoke)), _) => revoke.run().await,
            (None, Some(org)) => self.options.create(&org).await,
            (None, None) => anyhow::bail!("name the organization: orgate setup-link --org SLUG"),
        }
    }
}

impl Options {
    async fn create(self, org: &str) -> anyhow::Result<()> {
        let (env, scope) = opened_in(org, &self.config).await?;
        let purpose = |purpose: &Purpose| match purpose {
            Purpose::Sso => SetupPurpose::Sso,
            Purpose::Domains => SetupPurpose::Domains,
        };
        let wanted = WantedLink {
            purposes: self.purposes.iter().map(purpose).collect(),
            roles: self.roles.iter().cloned().collect(),
            lifetime: Duration::try_hours(self.expires_in_hours).unwrap_or_default(),
        };
        let made = create_link(&env, &scope, &wanted, Actor::Operator).await?;
        print_made(org, &made);
        Ok(())
    }
}

fn print_made(org: &str, made: &CreatedLink) {
    let link = &made.link;
    println!("{}", made.url);
    println!();
    println!("It sets up {} of {org} until {}, by whoever has it.", purposes(link), time(link));
    println!("It is shown only now. To take it back: orgate setup-link revoke --org {org} {}", link.id);
    if link.role_ceiling.is_empty() {
        println!("What is set up gives no roles; --role names those that it may give.");
    } else {
        println!("What is set up may give these roles: {}.", roles(link));
    }
    if !made.administrative.is_empty() {
        println!(
            "Note that {} administers the organization itself: whoever is mapped to it does.",
            made.administrative.join(", ")
        );
    }
}

fn purposes(link: &SetupLink) -> String {
    link.purposes.iter().map(|purpose| purpose.as_str()).collect::<Vec<_>>().join(" and ")
}

fn roles(link: &SetupLink) -> String {
    link.role_ceiling.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn time(link: &SetupLink) -> String {
    link.expires_at.format("%Y-%m-%d %H:%M UTC").to_string()
}

async fn list(which: &Which) -> anyhow::Result<()> {
    let (env, scope) = opened_in(&which.org, &which.config).await?;
    let links = list_links(&env, &scope).await?;
    if links.is_empty() {
        println!("{} has no set-up links.", which.org);
        return Ok(());
    }
    println!("{:<30}  {:<8}  {:<20}  {:<20}  {:<16}  ROLES", "LINK", "STATE", "UNTIL", "LAST USED", "FOR");
    for (link, good) in links {
        let state = match good {
            Ok(()) => "open",
            Err(orgate_domain::setup::SetupLinkRefusal::Expired) => "expired",
            Err(orgate_domain::setup::SetupLinkRefusal::MakerFallen) => "fallen",
            Err(orgate_domain::setup::SetupLinkRefusal::Revoked) => "revoked",
        };
        let used = link
            .last_used_at
            .map_or_else(|| "-".to_owned(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string());
        let names: BTreeSet<_> = link.purposes.iter().map(|purpose| purpose.as_str()).collect();
        println!(
            "{:<30}  {state:<8}  {:<20}  {used:<20}  {:<16}  {}",
            link.id.to_string(),
            time(&link),
            names.into_iter().collect::<Vec<_>>().join(","),
            roles(&link)
        );
    }
    Ok(())
}

impl Revoke {
    async fn run(self) -> anyhow::Result<()> {
        let id: SetupLinkId = self.link.parse().with_context(|| format!("{:?}", self.link))?;
        let (env, scope) = opened_in(&self.which.org, &self.which.config).await?;
        let done = revoke_link(&env, &scope, id, Actor::Operator).await?;
        anyhow::ensure!(done, "{} has no such link, or it was taken back before", self.which.org);
        println!("{id} opens nothing any more.");
        Ok(())
    }
}
