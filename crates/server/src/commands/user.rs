//! `orgate user`.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use orgate_domain::email::Email;
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::standing::UserStatus;
use orgate_flows::apply::{WantedOrganization, WantedUser};
use orgate_flows::export::{self, Secrets};

use super::daily::{Output, bring, given, show, silent, silent_user};
use super::in_organization::InOrganization;

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// List an organization's users
    List {
        #[command(flatten)]
        of: InOrganization,
        /// How they are shown
        #[arg(long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Show a user
    Show {
        #[command(flatten)]
        of: Whom,
        /// How they are shown
        #[arg(long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Make a user, who signs in through a connection, or once they have a password
    Create {
        #[command(flatten)]
        of: Whom,
        /// Their name
        #[arg(long)]
        name: String,
        /// A role that they get, by its slug
        #[arg(long = "role", value_name = "SLUG")]
        roles: Vec<String>,
    },
    /// Deactivate a user: sessions and refresh tokens end at once
    Deactivate(Whom),
    /// Let a deactivated user in again
    Reactivate(Whom),
}

#[derive(Debug, Args)]
pub(super) struct Whom {
    /// Their address
    email: String,
    #[command(flatten)]
    of: InOrganization,
}

const COLUMNS: [&str; 6] = ["email", "name", "status", "email_verified", "roles", "groups"];

impl UserCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { of, output } => {
                let (env, scope) = of.open().await?;
                let said = export::organization(&env, &scope, Secrets::Kept).await?;
                for line in said.left_out.iter().filter(|line| line.contains("without an address")) {
                    eprintln!("left out: {line}");
                }
                let users = said.wanted.organizations.iter().flat_map(|found| &found.users);
                show(output, &COLUMNS, &users.map(row).collect::<Vec<_>>());
                Ok(())
            }
            Self::Show { of, output } => {
                let (_, _, user) = of.find().await?;
                show(output, &COLUMNS, &[row(&user)]);
                Ok(())
            }
            Self::Create { of, name, roles } => {
                let name = DisplayName::parse(&name).with_context(|| format!("--name {name:?}"))?;
                let roles = roles
                    .iter()
                    .map(|role| Slug::parse(role).map(given).with_context(|| format!("--role {role:?}")))
                    .collect::<anyhow::Result<_>>()?;
                let (env, mut organization) = of.organization().await?;
                let email = of.email()?;
                let is_there =
                    organization.users.iter().any(|user| user.email.value.normalized() == email.normalized());
                anyhow::ensure!(!is_there, "there is a user {:?} in {} already", of.email, of.of.org);
                organization = silent(organization.slug.value, organization.name);
                organization.users.push(WantedUser { roles: Some(roles), ..silent_user(email, name) });
                bring(&env, organization).await
            }
            Self::Deactivate(of) => of.set(UserStatus::Deactivated).await,
            Self::Reactivate(of) => of.set(UserStatus::Active).await,
        }
    }
}

fn row(user: &WantedUser) -> Vec<String> {
    let slugs = |list: &Option<Vec<orgate_flows::apply::Placed<Slug>>>| {
        list.iter().flatten().map(|slug| slug.value.to_string()).collect::<Vec<_>>().join(" ")
    };
    vec![
        user.email.value.as_str().to_owned(),
        user.name.as_str().to_owned(),
        user.status.map(UserStatus::as_str).unwrap_or_default().to_owned(),
        user.vouched.to_string(),
        slugs(&user.roles),
        slugs(&user.groups),
    ]
}

impl Whom {
    fn email(&self) -> anyhow::Result<Email> {
        Email::parse(&self.email).with_context(|| format!("{:?}", self.email))
    }

    async fn organization(&self) -> anyhow::Result<(orgate_flows::Env, WantedOrganization)> {
        let (env, scope) = self.of.open().await?;
        let said = export::organization(&env, &scope, Secrets::Kept).await?;
        let found = said.wanted.organizations.into_iter().next().context("the organization is gone")?;
        Ok((env, found))
    }

    /// The user, and the organization without what is in it.
    async fn find(&self) -> anyhow::Result<(orgate_flows::Env, WantedOrganization, WantedUser)> {
        let email = self.email()?;
        let (env, found) = self.organization().await?;
        let user = found.users.into_iter().find(|user| user.email.value.normalized() == email.normalized());
        let user = user.with_context(|| format!("there is no user {:?} in {}", self.email, self.of.org))?;
        Ok((env, silent(found.slug.value, found.name), user))
    }

    async fn set(self, status: UserStatus) -> anyhow::Result<()> {
        let (env, mut organization, user) = self.find().await?;
        let wanted = silent_user(user.email.value, user.name);
        organization.users.push(WantedUser { status: Some(status), ..wanted });
        bring(&env, organization).await
    }
}
