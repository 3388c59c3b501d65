//! API keys of an organization, as whoever runs the server looks at them and takes them back; administrators do it by
//! [`crate::manage::api_keys`].

use orgate_domain::api_keys::ApiKey;
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::clients::{Client, Party};
use orgate_domain::ids::ApiKeyId;
use orgate_storage::{MAX_PAGE, OrgScope, OrgTx, PageOf, StorageError};

use crate::{Env, Failure, events};

/// Every key of the organization, latest first, whatever became of it.
///
/// # Errors
/// [`Failure`].
pub async fn list_keys(env: &Env, scope: &OrgScope) -> Result<Vec<ApiKey>, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let (mut keys, mut after) = (Vec::new(), None);
    loop {
        let page = tx.api_keys().list(PageOf { after, limit: MAX_PAGE }).await?;
        keys.extend(page.items);
        after = page.next;
        if after.is_none() {
            tx.commit().await?;
            return Ok(keys);
        }
    }
}

/// Takes a key back: it is worth nothing from now on. `false` if there is none, or it was before.
///
/// # Errors
/// [`Failure`].
pub async fn revoke_key(env: &Env, scope: &OrgScope, id: ApiKeyId) -> Result<bool, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let Some(key) = tx.api_keys().find(id).await? else { return Ok(false) };
    let event = events::done(env, Action::ApiKeyRevoked, &Origin::default())?;
    let revoked = revoke_in(env, &mut tx, (&key, Event { actor: Actor::Operator, ..event })).await?;
    tx.commit().await?;
    Ok(revoked)
}

/// The same in a transaction, with the event that says who did it.
pub(crate) async fn revoke_in(
    env: &Env,
    tx: &mut OrgTx,
    (key, event): (&ApiKey, Event),
) -> Result<bool, StorageError> {
    if !tx.api_keys().revoke(key.id, env.clock.now()).await? {
        return Ok(false);
    }
    tx.audit().insert(&about(key, event)).await?;
    Ok(true)
}

/// An event about a key, and so about whoever it acts for.
pub(crate) fn about(key: &ApiKey, event: Event) -> Event {
    let detail = [vec![("api_key", key.id.to_string())], event.detail].concat();
    Event { user_id: key.maker.user(), detail, ..event }
}

/// Whether whoever uses this client may have keys: they outlive its tokens, are bound to nothing, and are for what it may ask
/// tokens for.
pub(crate) fn may_have_keys(client: &Client, api: &str) -> bool {
    let settings = &client.settings;
    settings.party == Party::First && !settings.must_bind_tokens() && client.audience_for(Some(api)).is_ok()
}
