//! Events of authorization requests that are refused, folded where anyone can provoke them.

use orgate_domain::audit::{Action, Event};
use orgate_domain::clients::Client;
use orgate_storage::OrgScope;
use orgate_storage::system::OrgHint;

use crate::{Browser, Env, Failure, events};

/// What happens before an organization is known is an event of the operator organization.
pub(super) async fn record_unresolved(
    env: &Env,
    reason: &'static str,
    client: Option<&Client>,
    browser: &Browser,
) -> Result<(), Failure> {
    let Some(operator) = env.store.resolve(OrgHint::Operator).await? else { return Ok(()) };
    let event = events::refused(env, Action::AuthorizationRefused, reason, &browser.origin)?;
    let event = Event { client: client.map(Client::key), ..event };
    env.refusals.record(env, &operator.scope, event).await?;
    Ok(())
}

/// A session cookie that names one organization and is kept under another's name was put there by
/// someone. It counts for nothing; the organization that it names learns of it.
pub(super) async fn record_misplaced(env: &Env, browser: &Browser) -> Result<(), Failure> {
    let Some(cookie) = browser.misplaced.first() else { return Ok(()) };
    let event = events::refused(env, Action::SessionRefused, "other_organization", &browser.origin)?;
    env.refusals.record(env, &OrgScope::of_credential(cookie), event).await?;
    Ok(())
}

/// A refusal that anyone can provoke as often as they like: folded, so that it cannot fill the log.
pub(super) async fn record(
    env: &Env,
    scope: &OrgScope,
    (reason, client): (&'static str, &Client),
    browser: &Browser,
) -> Result<(), Failure> {
    let event = events::refused(env, Action::AuthorizationRefused, reason, &browser.origin)?;
    let event = Event { client: Some(client.key()), ..event };
    env.refusals.record(env, scope, event).await?;
    Ok(())
}
