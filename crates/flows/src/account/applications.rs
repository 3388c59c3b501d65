//! The applications that a user can go on to.

use orgate_domain::clients::{ADMINISTRATION, ClientStatus, Party};
use orgate_storage::{ListedClient, PageOf};
use url::Url;

use super::Own;
use crate::initiate::initiation;
use crate::{Env, Failure};

/// Applications that are looked at: the first ones of their making that the organization may use.
const LOOKED_AT: usize = 50;

/// An application that somebody can open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenApplication {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub host: String,
    /// Where it begins: with a sign-in to this organization, if it says where; else at its home.
    pub href: String,
}

/// The applications of the organization's and of the product's that a user can open, by name. Those that nobody here answers for
/// are left out: none of our pages leads, under a name, to an address that somebody else chose.
///
/// # Errors
/// [`Failure`].
pub async fn list_applications(env: &Env, own: &Own) -> Result<Vec<OpenApplication>, Failure> {
    let page = PageOf { after: None, limit: LOOKED_AT };
    let admitted = own.read(env, async |tx| tx.clients().list_admitted(page).await).await?;
    let is_open = |listed: &ListedClient| {
        listed.status == ClientStatus::Active
            && listed.party == Party::First
            && listed.client_id != ADMINISTRATION
    };
    let mut found = Vec::new();
    for listed in admitted.items.into_iter().filter(is_open) {
        let key = (listed.owner, listed.id);
        let Some(client) = env.configuration.client_by_id(&env.store, key).await? else { continue };
        let home = client.home_url.as_ref().map(Url::to_string);
        let Some(href) = initiation(env, &own.scope, &client).or(home) else { continue };
        let url = Url::parse(&href).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(host) = url.and_then(|url| url.host_str().map(str::to_owned)) else { continue };
        found.push(OpenApplication { name: client.name.as_str().to_owned(), host, href });
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}
