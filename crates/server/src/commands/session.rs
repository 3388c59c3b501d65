//! `orgate session`.

use clap::{Args, Subcommand};
use orgate_domain::audit::{Actor, Origin};
use orgate_domain::ids::{SessionId, UserId};
use orgate_domain::user_agents::describe;
use orgate_flows::Env;
use orgate_flows::sessions::{Which, end_sessions_of, list_sessions};
use orgate_storage::OrgScope;

use super::in_organization::InOrganization;

#[derive(Debug, Subcommand)]
pub(super) enum SessionCommand {
    /// List the sessions by which an organization's users are signed in, the last used first
    List(List),
    /// End sessions: their refresh tokens are revoked, and applications are told
    End(End),
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    of: InOrganization,
    /// Only this user's, by their address or id
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct End {
    #[command(flatten)]
    of: InOrganization,
    #[command(flatten)]
    which: Ending,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Ending {
    /// One, by its id
    #[arg(long, value_name = "ID")]
    session: Option<SessionId>,
    /// All of a user, by their address or id
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// All of everybody in the organization
    #[arg(long)]
    all: bool,
}

impl SessionCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(List { of, user }) => {
                let (env, scope) = of.open().await?;
                let user = match user {
                    Some(text) => Some(of.user(&env, &scope, &text).await?),
                    None => None,
                };
                print(&env, &scope, user).await
            }
            Self::End(End { of, which }) => {
                let (env, scope) = of.open().await?;
                let which = match (which.session, which.user) {
                    (Some(id), _) => Which::One(id),
                    (None, Some(text)) => Which::Of(of.user(&env, &scope, &text).await?),
                    (None, None) => Which::All,
                };
                let by = (Actor::Operator, &Origin::default());
                match end_sessions_of(&env, &scope, which, by).await? {
                    0 => println!("There was no such session."),
                    1 => println!("1 session ended."),
                    count => println!("{count} sessions ended."),
                }
                Ok(())
            }
        }
    }
}

async fn print(env: &Env, scope: &OrgScope, user: Option<UserId>) -> anyhow::Result<()> {
    let sessions = list_sessions(env, scope, user).await?;
    if sessions.is_empty() {
        println!("Nobody is signed in.");
        return Ok(());
    }
    println!(
        "{:<30} {:<30} {:<17} {:<17} {:<22} {:<16} APPLICATIONS",
        "SESSION", "USER", "SIGNED IN", "USED", "DEVICE", "ADDRESS"
    );
    for session in sessions {
        let at = |time: chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%d %H:%MZ").to_string();
        println!(
            "{:<30} {:<30} {:<17} {:<17} {:<22} {:<16} {}",
            session.id,
            session.user,
            at(session.signed_in_at),
            at(session.last_seen_at),
            describe(session.user_agent.as_deref()),
            session.address.map_or_else(|| "-".to_owned(), |address| address.to_string()),
            session.clients.join(", "),
        );
    }
    Ok(())
}
