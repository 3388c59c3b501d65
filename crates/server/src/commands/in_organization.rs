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
    pub(super) org: String,
    #[command(flatten)]
    config: ConfigFile,
}

impl InOrganization {
    pub(super) async fn open(&self) -> anyhow::Result<(Env, OrgScope)> {
        opened_in(&self.org, &self.config).await
    }

    pub(super) async fn user(&self, env: &Env, scope: &OrgScope, text: &str) -> anyhow::Result<UserId> {
        let found = find_user(env, scope, text).await?;
        found.with_context(|| format!("there is no user {text:?} in {}", self.org))
    }
}

/// The installation, and the organization with this slug.
pub(super) async fn opened_in(org: &str, config: &ConfigFile) -> anyhow::Result<(Env, OrgScope)> {
    let slug = Slug::parse(org).with_context(|| format!("--org {org:?}"))?;
    let env = opened(config).await?;
    let found = env.store.resolve(OrgHint::Slug(&slug)).await?;
    let organization = found.with_context(|| format!("there is no organization {slug}"))?;
    Ok((env, organization.scope))
}
