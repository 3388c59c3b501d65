//! `orgate domain`.

use clap::{Args, Subcommand};
use orgate_domain::domains::{OrgDomain, TRANSFER_OFFER};
use orgate_domain::email::DomainName;
use orgate_flows::Env;
use orgate_flows::domains::{self, By};
use orgate_storage::{DomainTerms, OrgScope};

use super::in_organization::InOrganization;

#[derive(Debug, Subcommand)]
pub(super) enum DomainCommand {
    /// List an organization's domains, and what proves them
    List(InOrganization),
    /// Claim a domain, and print the DNS record that proves it
    Claim(One),
    /// Look for the record of a claimed domain, and verify the domain
    Verify(WithTerms),
    /// Change what a verified domain reaches, and who else may have it
    Set(WithTerms),
    /// Give a domain up; no other organization gets it
    Release(One),
    /// Offer a domain to another organization, and print the code that it needs
    Offer(One),
    /// Take an offer back, until it has taken effect
    Withdraw(One),
    /// Accept another organization's offer, by its code
    Accept(Accept),
}

#[derive(Debug, Args)]
pub(super) struct One {
    #[command(flatten)]
    which: InOrganization,
    /// The domain
    #[arg(value_name = "DOMAIN")]
    domain: String,
}

#[derive(Debug, Args)]
pub(super) struct WithTerms {
    #[command(flatten)]
    one: One,
    /// Other organizations may prove the domain too: people are asked which one they mean
    #[arg(long)]
    shared: bool,
    /// Everything below the domain belongs to it
    #[arg(long)]
    subdomains: bool,
}

#[derive(Debug, Args)]
pub(super) struct Accept {
    #[command(flatten)]
    which: InOrganization,
    /// The code that the other organization was given
    #[arg(value_name = "CODE")]
    code: String,
}

impl DomainCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(which) => list(&which).await,
            Self::Claim(one) => {
                let (env, scope, name) = one.open().await?;
                let domain = domains::claim(&env, By::operator(&scope), &name).await?;
                explain(&domain);
                Ok(())
            }
            Self::Verify(WithTerms { one, shared, subdomains }) => {
                let (env, scope, name) = one.open().await?;
                let terms = DomainTerms { shared, subdomains };
                domains::verify(&env, By::operator(&scope), &name, terms).await?;
                println!("{name} is verified: it leads to {}.", one.which.org);
                Ok(())
            }
            Self::Set(WithTerms { one, shared, subdomains }) => {
                let (env, scope, name) = one.open().await?;
                let terms = DomainTerms { shared, subdomains };
                domains::configure(&env, By::operator(&scope), &name, terms).await?;
                println!("{name} is {}.", describe(shared, subdomains));
                Ok(())
            }
            Self::Release(one) => {
                let (env, scope, name) = one.open().await?;
                domains::release(&env, By::operator(&scope), &name).await?;
                println!("{name} leads nobody to {} any more.", one.which.org);
                Ok(())
            }
            Self::Offer(one) => {
                let (env, scope, name) = one.open().await?;
                let code = domains::offer(&env, By::operator(&scope), &name).await?;
                println!("{}", code.reveal());
                eprintln!(
                    "Whoever has this code can have {name} for their organization, for {} days: \
                     orgate domain accept --org THEIRS CODE",
                    TRANSFER_OFFER.num_days()
                );
                Ok(())
            }
            Self::Withdraw(one) => {
                let (env, scope, name) = one.open().await?;
                domains::withdraw(&env, By::operator(&scope), &name).await?;
                println!("{name} stays with {}.", one.which.org);
                Ok(())
            }
            Self::Accept(Accept { which, code }) => {
                let (env, scope) = which.open().await?;
                let (domain, due) = domains::accept(&env, By::operator(&scope), &code).await?;
                println!("{} can be taken over from {} on.", domain.name, due.to_rfc3339());
                explain(&domain);
                Ok(())
            }
        }
    }
}

impl One {
    async fn open(&self) -> anyhow::Result<(Env, OrgScope, DomainName)> {
        let name = DomainName::parse(&self.domain)
            .map_err(|error| anyhow::anyhow!("{:?}: {error}, like example.com", self.domain))?;
        let (env, scope) = self.which.open().await?;
        Ok((env, scope, name))
    }
}

fn explain(domain: &OrgDomain) {
    if domain.verified_at.is_some() {
        println!("{} is verified.", domain.name);
    } else if let Some(text) = domain.record_text() {
        println!("Add this record to the zone of {}, then verify the domain:", domain.name);
        println!();
        println!("  Name   {}", domain.record_name());
        println!("  Type   TXT");
        println!("  Value  {text}");
    }
}

fn describe(shared: bool, subdomains: bool) -> String {
    let who = if shared { "shared" } else { "exclusive" };
    let reach = if subdomains { "with everything below it" } else { "without what is below it" };
    format!("{who}, {reach}")
}

async fn list(which: &InOrganization) -> anyhow::Result<()> {
    let (env, scope) = which.open().await?;
    let mut tx = env.store.begin(&scope).await?;
    let domains = tx.domains().list().await?;
    tx.commit().await?;
    if domains.is_empty() {
        println!("{} has no domains.", which.org);
        return Ok(());
    }
    println!("{:<30} {:<9} {:<40} PROOF", "DOMAIN", "STATE", "REACH");
    for domain in domains {
        let state = match (domain.verified_at, domain.failing_since) {
            (None, _) => "claimed",
            (Some(_), None) => "verified",
            (Some(_), Some(_)) => "failing",
        };
        println!(
            "{:<30} {state:<9} {:<40} {}",
            domain.name.as_str(),
            describe(domain.shared, domain.subdomains),
            domain.record_text().map_or_else(
                || "the operator’s word".to_owned(),
                |text| format!("{} TXT {text}", domain.record_name())
            ),
        );
    }
    Ok(())
}
