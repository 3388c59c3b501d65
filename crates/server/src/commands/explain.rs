//! `orgate explain`.

use clap::Subcommand;
use orgate_domain::ids::OrgId;
use orgate_domain::resolution::{Asking, Decision, Named};
use orgate_flows::authorize::RefusedBecause;
use orgate_flows::explain::{Explained, Explanation, explain};

use super::{ConfigFile, opened};

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
        let query = query_of(&url)?;
        let env = opened(&file).await?;
        match explain(&env, query, called_in(&url)).await? {
            Explanation::Page(why) => println!("An error page, and no redirect: {why}."),
            Explanation::Client(error) => println!("An error at the redirect URI: {error}."),
            Explanation::Decision(explained) => {
                print_facts(&explained);
                println!("\n{}", sentence(&explained));
            }
        }
        Ok(())
    }
}

/// The query of an address, or a query as it is.
fn query_of(text: &str) -> anyhow::Result<&str> {
    let query = text.split_once('?').map_or(text, |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    anyhow::ensure!(
        query.contains('='),
        "{text:?} is no authorization request: give its whole address, in quotes, or its query, \
         as in 'client_id=notes&redirect_uri=https://…'"
    );
    Ok(query)
}

/// The organization whose issuer the address is of.
fn called_in(text: &str) -> Option<OrgId> {
    let (address, _) = text.split_once('?')?;
    let (_, organization) = address.strip_suffix("/authorize")?.rsplit_once("/o/")?;
    organization.parse().ok()
}

fn print_facts(explained: &Explained) {
    let facts = &explained.facts;
    let name = |id: Option<OrgId>| id.map_or("-".to_owned(), |id| name(explained, id));
    let parameter = match facts.parameter {
        Named::Nothing => "-".to_owned(),
        Named::Unknown => "names no organization".to_owned(),
        Named::Organization(org_id) => name(Some(org_id)),
    };
    println!("1  host           {}", name(facts.host));
    println!("2  client         {}", name(facts.client));
    println!("3  organization   {parameter}");
    println!("4  id_token_hint  {}", name(facts.id_token_hint));
    println!("5  domain_hint    {}", name(facts.domain_hint));
    println!("   login_hint     {}", name(facts.login_hint));
    println!("6  sessions       unknown here: as if the browser were signed in nowhere");
}

/// An organization's slug and id.
fn name(explained: &Explained, org_id: OrgId) -> String {
    let slug = explained.slugs.get(&org_id);
    slug.map_or_else(|| org_id.to_string(), |slug| format!("{slug} ({org_id})"))
}

fn sentence(explained: &Explained) -> String {
    let silent = explained.facts.asking == Asking::Forbidden;
    let told = |error: &str| format!("prompt=none: the client is told {error}.");
    match &explained.decision {
        Decision::Organization { org_id, reason } => {
            let organization = name(explained, *org_id);
            let because = format!("The organization is {organization}, because of {}", reason.as_str());
            match explained.refused {
                None => format!("{because}."),
                Some(_) if silent => format!("{because}, and it refuses. {}", told("access_denied")),
                Some(why) => format!("{because}. A page says that {}.", reason_not(why)),
            }
        }
        Decision::Choose if silent => told("account_selection_required"),
        Decision::Choose => "The person is asked to choose among their organizations.".to_owned(),
        Decision::Discover if silent => told("interaction_required"),
        Decision::Discover => "The person is asked where they work.".to_owned(),
        Decision::Mismatch(one, other) => format!(
            "The request is refused with organization_mismatch: {} and {} name different organizations.",
            one.as_str(),
            other.as_str()
        ),
        Decision::Unknown if silent => told("access_denied"),
        Decision::Unknown => {
            "A page says that the organization cannot be used: the parameter names none.".to_owned()
        }
    }
}

const fn reason_not(why: RefusedBecause) -> &'static str {
    match why {
        RefusedBecause::ClientDisabled => "the application is disabled",
        RefusedBecause::OrganizationUnavailable => {
            "the organization cannot be used: the client is not admitted to it, or it was deleted"
        }
        RefusedBecause::NotTold => "nobody here answers for the application, so it is not told",
        RefusedBecause::OrganizationSuspended => "the organization is suspended",
        RefusedBecause::ThirdPartyForbidden => {
            "the policy of the organization, or of one above it, forbids third-party clients"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_its_query_are_understood_and_nothing_else() {
        assert_eq!(query_of("https://id.test/authorize?a=b&c=d#e").expect("a query"), "a=b&c=d");
        assert_eq!(query_of("a=b").expect("a query"), "a=b");
        for text in ["hello", "", "https://id.test/authorize", "https://id.test/?#a=b"] {
            assert!(query_of(text).is_err(), "{text}");
        }
    }
}
