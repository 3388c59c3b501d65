//! `orgate break-glass`.

use anyhow::Context as _;
use clap::Args;
use orgate_domain::email::Email;
use orgate_domain::names::Slug;
use orgate_flows::recover::make_codes;
use orgate_storage::system::OrgHint;

use super::{ConfigFile, opened};

#[derive(Debug, Args)]
pub(super) struct BreakGlass {
    /// The organization, by its slug
    #[arg(long, value_name = "SLUG")]
    org: String,
    /// The user, by their address; they must be named `break_glass: true`
    #[arg(long, value_name = "EMAIL")]
    user: String,
    #[command(flatten)]
    config: ConfigFile,
}

impl BreakGlass {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let slug = Slug::parse(&self.org).with_context(|| format!("--org {:?}", self.org))?;
        let email = Email::parse(&self.user).with_context(|| format!("--user {:?}", self.user))?;
        let env = opened(&self.config).await?;
        let found = env.store.resolve(OrgHint::Slug(&slug)).await?;
        let organization = found.with_context(|| format!("there is no organization {slug}"))?;
        let codes = make_codes(&env, &organization.scope, &email).await?;
        println!(
            "Recovery codes of {} in {slug}. Each works once; earlier ones no longer do.",
            email.as_str()
        );
        println!(
            "They are shown only now: print them, and keep them where your identity provider is not needed."
        );
        println!();
        for code in codes {
            println!("  {}", code.reveal());
        }
        Ok(())
    }
}
