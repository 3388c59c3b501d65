//! The organization that a command works in.

use anyhow::Context as _;
use clap::Args;
use orgate_domain::ids::UserId;
use orgate_domain::names::Slug;
use orgate_flows::Env;
use orgate_flows::sessions::find_user;
use orgate_storage::OrgScope;
use orgate_storage::system::OrgHint;

use super::{ConfigFile, opened};

#[derive(Debug, Args)]
pub(super) struct InOrganization {
    /// The organization, by its slug
    #[arg(long, value_name = "SLUG")]
    org: String,
    #[command(flatten)]
    config: ConfigFile,
}

impl InOrganization {
    pub(super) async fn open(&self) -> anyhow::Result<(Env, OrgScope)> {
        let slug = Slug::parse(&self.org).with_context(|| format!("--org {:?}", self.org))?;
        let env = opened(&self.config).await?;
        let found = env.store.resolve(OrgHint::Slug(&slug)).await?;
        let organization = found.with_context(|| format!("there is no organization {slug}"))?;
        Ok((env, organization.scope))
    }

    pub(super) async fn user(&self, env: &Env, scope: &OrgScope, text: &str) -> anyhow::Result<UserId> {
        let found = find_user(env, scope, text).await?;
        found.with_context(|| format!("there is no user {text:?} in {}", self.org))
    }
}
