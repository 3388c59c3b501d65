//! The applications that a user can go on to.

use orgate_domain::clients::{ADMINISTRATION, Client};
use url::Url;

use super::Own;
use crate::initiate::initiation;
use crate::{Env, Failure};

/// Applications that are looked at: the first ones by name that the organization may use.
const LOOKED_AT: i64 = 200;

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
    let keys = env.read(&own.scope, async |tx| tx.clients().list_first_party(LOOKED_AT).await).await?;
    let clients = env.configuration.clients_by_id(&env.store, &keys).await?;
    Ok(keys.iter().filter_map(|key| opened(env, own, clients.get(key)?)).collect())
}

fn opened(env: &Env, own: &Own, client: &Client) -> Option<OpenApplication> {
    let home = client.home_url.as_ref().map(Url::to_string);
    let href = initiation(env, &own.scope, client).or(home).filter(|_| client.client_id != ADMINISTRATION)?;
    let url = Url::parse(&href).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some(OpenApplication { name: client.name.as_str().to_owned(), host: url.host_str()?.to_owned(), href })
}
