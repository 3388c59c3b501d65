//! `orgate explain`.

use clap::Subcommand;
use orgate_domain::resolution::{Decision, Facts, Named};
use orgate_flows::explain::{Explanation, explain};

use super::{ConfigFile, connected};

#[derive(Debug, Subcommand)]
pub(super) enum Explain {
    /// Say which organization an authorization request is for, and why
    Authorize {
        /// The address of the request, or its query
        url: String,
        #[command(flatten)]
        file: ConfigFile,
    },
}

impl Explain {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Self::Authorize { url, file } = self;
        let env = connected(&file).await?;
        let query = url.split_once('?').map_or(url.as_str(), |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        match explain(&env, query).await? {
            Explanation::Page(why) => println!("An error page, and no redirect: {why}."),
            Explanation::Client(error) => println!("An error at the redirect URI: {error}."),
            Explanation::Decision(facts, decision) => {
                print_facts(&facts);
                println!("\n{}", sentence(&decision));
            }
        }
        Ok(())
    }
}

fn print_facts(facts: &Facts) {
    let id = |id: Option<orgate_domain::ids::OrgId>| id.map_or("-".to_owned(), |id| id.to_string());
    let parameter = match facts.parameter {
        Named::Nothing => "-".to_owned(),
        Named::Unknown => "names no organization".to_owned(),
        Named::Organization(org_id) => org_id.to_string(),
    };
    println!("1  host           {}", id(facts.host));
    println!("2  client         {}", id(facts.client));
    println!("3  organization   {parameter}");
    println!("4  id_token_hint  {}", id(facts.id_token_hint));
    println!("5  domain_hint    {}", id(facts.domain_hint));
    println!("   login_hint     {}", id(facts.login_hint));
    println!("6  sessions       unknown here: as if the browser were signed in nowhere");
}

fn sentence(decision: &Decision) -> String {
    match decision {
        Decision::Organization { org_id, reason } => {
            format!("The organization is {org_id}, because of {}.", reason.as_str())
        }
        Decision::Choose => "The person is asked to choose among their organizations.".to_owned(),
        Decision::Discover => "The person is asked where they work.".to_owned(),
        Decision::Mismatch(one, other) => format!(
            "The request is refused with organization_mismatch: {} and {} name different organizations.",
            one.as_str(),
            other.as_str()
        ),
        Decision::Unknown => {
            "A page says that the organization cannot be used: the parameter names none.".to_owned()
        }
    }
}
