//! Where a sign-in to an application begins that somebody else than the application suggests.

use std::sync::Arc;

use orgate_domain::clients::Client;
use orgate_storage::OrgScope;

use crate::authorize::refusal;
use crate::{Called, Env, Failure};

/// Whether users of this organization may sign in to the application now.
pub(crate) async fn is_open(env: &Env, scope: &OrgScope, client: &Arc<Client>) -> Result<bool, Failure> {
    let policy = env.configuration.policy(&env.store, scope).await?;
    let mut tx = env.store.begin(scope).await?;
    let (organization, admission) = tx.organization().find_with(client.key()).await?;
    tx.commit().await?;
    Ok(refusal(client, &policy, (organization, admission)).is_none())
}

/// The application's address to begin a sign-in at, if it has one (OIDC Core §4 and Enterprise Extensions §4), with the
/// organization that it is for, and nothing of whoever is sent there.
pub(crate) fn initiation(env: &Env, scope: &OrgScope, client: &Client) -> Option<String> {
    let mut login = client.initiate_login_uri.clone()?;
    let org_id = scope.org_id();
    let organization = org_id.to_string();
    login
        .query_pairs_mut()
        .append_pair("iss", env.issuer.to_client(client, org_id, Called(None)).as_str())
        .append_pair("client_id", &client.client_id)
        .append_pair("organization", &organization)
        .append_pair("tenant", &organization);
    Some(login.into())
}
