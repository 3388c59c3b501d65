//! Another master key: what rests under the one before is brought under the current one, organization by
//! organization ([ADR 23](../../../docs/adr/0023-changing-the-master-key.md)).
//!
//! Harmless to repeat, and to stop anywhere: what was brought over is left alone.

use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::email::Email;
use orgate_domain::ids::{OrgId, UserId};
use orgate_storage::{IndexedAddress, OrgScope};

use crate::vault::VaultError;
use crate::{Env, Failure, events};

/// Organizations that are listed at once.
const ORGANIZATIONS: i64 = 500;

/// Addresses that one transaction hashes anew.
const ADDRESSES: i64 = 1_000;

/// What was done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// Organizations that were looked at.
    pub organizations: usize,
    /// Data keys that were wrapped anew.
    pub data_keys: usize,
    /// Addresses that were hashed anew.
    pub addresses: usize,
    /// Organizations whose data key opens under neither master key.
    pub lost: Vec<OrgId>,
}

/// Brings everything over, and tells `progress` after each page of organizations.
///
/// # Errors
/// [`Failure`]: what was done until then is done.
pub async fn rewrap(env: &Env, mut progress: impl FnMut(&Rewrapped)) -> Result<Rewrapped, Failure> {
    let (mut done, mut after) = (Rewrapped::default(), None);
    loop {
        let page = env.store.list_organizations(after, ORGANIZATIONS).await?;
        let Some(last) = page.last() else { return Ok(done) };
        after = Some(last.org_id());
        for scope in &page {
            match rewrap_data_key(env, scope).await {
                Ok(rewrapped) => done.data_keys += usize::from(rewrapped),
                Err(Failure::Vault(VaultError::Ciphertext)) => done.lost.push(scope.org_id()),
                Err(failure) => return Err(failure),
            }
            done.addresses += rehash_addresses(env, scope).await?;
            done.organizations += 1;
        }
        progress(&done);
    }
}

async fn rewrap_data_key(env: &Env, scope: &OrgScope) -> Result<bool, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let Some(kept) = tx.keys().find_data_key().await? else { return Ok(false) };
    let Some(wrapped) = env.vault.rewrap(scope.org_id(), &kept)? else { return Ok(false) };
    let event = events::done(env, Action::DataKeyRewrapped, &Origin::default())?;
    let rewrapped = tx.keys().update_data_key(&kept, &wrapped).await?;
    if rewrapped {
        tx.audit().insert(&Event { actor: Actor::Operator, ..event }).await?;
    }
    tx.commit().await?;
    Ok(rewrapped)
}

/// Hashes the proven addresses of an organization's users anew; how many.
async fn rehash_addresses(env: &Env, scope: &OrgScope) -> Result<usize, Failure> {
    let (mut count, mut after): (_, Option<UserId>) = (0, None);
    loop {
        let mut tx = env.store.begin(scope).await?;
        let page = tx.users().list_indexed(after, ADDRESSES).await?;
        let Some(last) = page.last() else { return Ok(count) };
        after = Some(last.user_id);
        let rehashed = |indexed: &IndexedAddress| {
            let hash = env.vault.email_hash(&Email::stored(&indexed.email).ok()?);
            (hash != indexed.hash).then_some((indexed.user_id, indexed.hash, hash))
        };
        let changes: Vec<_> = page.iter().filter_map(rehashed).collect();
        if !changes.is_empty() {
            count += tx.users().rehash(&changes).await?;
        }
        tx.commit().await?;
    }
}
