//! `orgate break-glass`.

use anyhow::Context as _;
use clap::Args;
use orgate_domain::email::Email;
use orgate_flows::recover::make_codes;

use super::ConfigFile;
use super::in_organization::opened_in;

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
        let email = Email::parse(&self.user).with_context(|| format!("--user {:?}", self.user))?;
        let (env, scope) = opened_in(&self.org, &self.config).await?;
        let codes = make_codes(&env, &scope, &email).await?;
        println!(
            "Recovery codes of {} in {}. Each works once; earlier ones no longer do.",
            email.as_str(),
            self.org
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
