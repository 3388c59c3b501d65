//! `orgate org`.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::organizations::OrgStatus;
use orgate_flows::export::{self, Secrets};
use orgate_storage::system::OrganizationFilter;
use orgate_storage::{MAX_PAGE, PageOf};

use super::daily::{Output, bring, given, show, silent};
use super::in_organization::opened_in;
use super::{ConfigFile, opened, prepared};

#[derive(Debug, Subcommand)]
pub(super) enum OrgCommand {
    /// List all organizations
    List {
        /// How they are shown
        #[arg(long, value_enum, default_value_t = Output::Table)]
        output: Output,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Show an organization
    Show {
        #[command(flatten)]
        of: Named,
        /// How it is shown
        #[arg(long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Make an organization
    Create {
        #[command(flatten)]
        of: Named,
        /// Its name for people
        #[arg(long)]
        name: String,
        /// The organization that it is below, by its slug
        #[arg(long, value_name = "SLUG")]
        parent: Option<String>,
    },
    /// Suspend an organization: nobody signs in, and sessions and refresh tokens end
    Suspend(Named),
    /// Let a suspended organization's people in again
    Reactivate(Named),
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// Its slug
    slug: String,
    #[command(flatten)]
    config: ConfigFile,
}

const COLUMNS: [&str; 4] = ["slug", "name", "status", "id"];

impl OrgCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { output, config } => list(output, &config).await,
            Self::Show { of, output } => {
                let (env, scope) = opened_in(&of.slug, &of.config).await?;
                let said = export::organization(&env, &scope, Secrets::Kept).await?;
                let found = said.wanted.organizations.first().context("the organization is gone")?;
                let status = found.status.as_ref().map(|status| status.value.as_str()).unwrap_or_default();
                let (slug, name) = (found.slug.value.to_string(), found.name.as_str().to_owned());
                let counts =
                    [found.users.len(), found.roles.len(), found.groups.len(), found.connections.len()];
                let parent = found.parent.as_ref().map(|parent| parent.value.to_string());
                let domains = found.domains.iter().flatten().map(|domain| domain.value.to_string());
                let row =
                    [slug, name, status.to_owned(), scope.org_id().to_string(), parent.unwrap_or_default()]
                        .into_iter()
                        .chain([domains.collect::<Vec<_>>().join(" ")])
                        .chain(counts.map(|count| count.to_string()));
                let more = ["parent", "domains", "users", "roles", "groups", "connections"];
                show(output, &[&COLUMNS[..], &more].concat(), &[row.collect()]);
                Ok(())
            }
            Self::Create { of, name, parent } => {
                let slug = Slug::parse(&of.slug).with_context(|| format!("{:?}", of.slug))?;
                let name = DisplayName::parse(&name).with_context(|| format!("--name {name:?}"))?;
                let parent = parent
                    .map(|parent| Slug::parse(&parent).with_context(|| format!("--parent {parent:?}")))
                    .transpose()?;
                let env = prepared(&of.config).await?;
                let known = env.store.resolve(orgate_storage::system::OrgHint::Slug(&slug)).await?;
                anyhow::ensure!(known.is_none(), "the slug {slug} is, or was, an organization's");
                let mut wanted = silent(slug, name);
                wanted.parent = parent.map(given);
                bring(&env, wanted).await
            }
            Self::Suspend(of) => set(of, OrgStatus::Suspended).await,
            Self::Reactivate(of) => set(of, OrgStatus::Active).await,
        }
    }
}

async fn list(output: Output, config: &ConfigFile) -> anyhow::Result<()> {
    let env = opened(config).await?;
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = env
            .store
            .survey_organizations(OrganizationFilter::default(), PageOf { after, limit: MAX_PAGE })
            .await?;
        rows.extend(page.items.into_iter().map(|found| {
            vec![found.slug.to_string(), found.name, found.status.as_str().to_owned(), found.id.to_string()]
        }));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    show(output, &COLUMNS, &rows);
    Ok(())
}

async fn set(of: Named, status: OrgStatus) -> anyhow::Result<()> {
    let (env, scope) = opened_in(&of.slug, &of.config).await?;
    let said = export::organization(&env, &scope, Secrets::Kept).await?;
    let found = said.wanted.organizations.into_iter().next().context("the organization is gone")?;
    let mut wanted = silent(found.slug.value, found.name);
    wanted.status = Some(given(status));
    bring(&env, wanted).await
}
