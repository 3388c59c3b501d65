//! What entering an organization would still ask of a person: said before they choose it.
//!
//! It changes nothing and allows nothing: [`super::enter`] decides, once they did.

use orgate_domain::email::Email;
use orgate_domain::names::DisplayName;
use orgate_storage::OrgScope;

use super::Pending;
use super::suffices::suffices;
use crate::federation::methods::find_methods;
use crate::{Browser, Env, Failure};

/// What an organization asks, under its own policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needed {
    /// A sign-in at this identity provider.
    IdentityProvider(DisplayName),
    /// Nothing: the session that is there will do.
    Nothing,
    /// The organization's own password.
    Password,
    /// A sign-in, in one of several ways.
    SignIn,
}

/// What the browser needs to enter an organization with a request that was resolved to it. `address` is that of the user
/// whose session it has there, if it has one.
pub(crate) async fn needed(
    env: &Env,
    pending: &Pending,
    (scope, address): (&OrgScope, Option<&Email>),
    browser: &Browser,
) -> Result<Needed, Failure> {
    let policy = pending.client.settings.tighten(&env.configuration.policy(&env.store, scope).await?);
    let mut before = None;
    if let Some(cookie) = browser.session_of(scope.org_id()) {
        let mut tx = env.store.begin(scope).await?;
        let standing = tx.sessions().find_by_cookie(&cookie.hash(), Some(pending.client.key())).await?;
        tx.commit().await?;
        before = standing.as_ref().and_then(|standing| standing.session.method.connection());
        let live = standing.filter(|standing| standing.is_live(env.clock.now(), &policy));
        if live.is_some_and(|live| suffices(env, pending, &live)) {
            return Ok(Needed::Nothing);
        }
    }
    let methods = find_methods(env, scope, address).await?;
    let again = methods.connections.iter().find(|connection| Some(connection.id) == before);
    Ok(match (again, methods.connections.as_slice(), methods.password) {
        (Some(connection), _, _) | (None, [connection], false) => {
            Needed::IdentityProvider(connection.name.clone())
        }
        (None, [], true) => Needed::Password,
        _ => Needed::SignIn,
    })
}
