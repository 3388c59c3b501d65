//! Cached configuration: clients and effective policies.
//!
//! **Invariant:** what is cached decides how, never whether: status and admission are read in the
//! transaction that issues. Every change is notified at once; the time limit is the net under it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use orgate_domain::clients::Client;
use orgate_domain::ids::{ClientId, OrgId};
use orgate_domain::policies::Policy;
use orgate_storage::system::OrgHint;
use orgate_storage::{OrgScope, StorageError, Store};

const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Clients by their public id, and policies by organization.
#[derive(Debug)]
pub struct Configuration {
    clients: Cache<String, Arc<Client>>,
    clients_by_id: Cache<ClientId, Arc<Client>>,
    policies: Cache<OrgId, Policy>,
    /// Counts the times that everything was forgotten: what was read before must not be kept after.
    forgotten: AtomicU64,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            clients: Cache::builder().max_capacity(10_000).time_to_live(TIME_LIMIT).build(),
            clients_by_id: Cache::builder().max_capacity(10_000).time_to_live(TIME_LIMIT).build(),
            policies: Cache::builder().max_capacity(10_000).time_to_live(TIME_LIMIT).build(),
            forgotten: AtomicU64::new(0),
        }
    }
}

impl Configuration {
    /// The client with this `client_id`.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn client(&self, store: &Store, client_id: &str) -> Result<Option<Arc<Client>>, StorageError> {
        if let Some(known) = self.clients.get(client_id).await {
            return Ok(Some(known));
        }
        let read_in = self.forgotten.load(Ordering::SeqCst);
        let Some(place) = store.resolve_client(client_id).await? else { return Ok(None) };
        let mut tx = store.begin(&place.owner).await?;
        let client = tx.clients().find(place.id).await?.map(Arc::new);
        tx.commit().await?;
        if let Some(client) = &client
            && self.is_still(read_in)
        {
            self.clients.insert(client_id.to_owned(), Arc::clone(client)).await;
        }
        Ok(client)
    }

    /// The client that a stored request names.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn client_by_id(
        &self,
        store: &Store,
        (owner, id): (OrgId, ClientId),
    ) -> Result<Option<Arc<Client>>, StorageError> {
        if let Some(known) = self.clients_by_id.get(&id).await {
            return Ok(Some(known).filter(|client| client.owner == owner));
        }
        let read_in = self.forgotten.load(Ordering::SeqCst);
        let Some(owner) = store.resolve(OrgHint::Id(owner)).await? else { return Ok(None) };
        let mut tx = store.begin(&owner.scope).await?;
        let client = tx.clients().find(id).await?.map(Arc::new);
        tx.commit().await?;
        if let Some(client) = &client
            && self.is_still(read_in)
        {
            self.clients_by_id.insert(id, Arc::clone(client)).await;
        }
        Ok(client)
    }

    /// The effective policy of an organization; `None` if there is no such organization, which is
    /// not remembered.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn find_policy(&self, store: &Store, scope: &OrgScope) -> Result<Option<Policy>, StorageError> {
        if let Some(known) = self.policies.get(&scope.org_id()).await {
            return Ok(Some(known));
        }
        let read_in = self.forgotten.load(Ordering::SeqCst);
        let chain = store.inherit(scope).await?;
        if chain.is_empty() {
            return Ok(None); // every organization is its own first ancestor
        }
        let policy = Policy::effective(&chain);
        if self.is_still(read_in) {
            self.policies.insert(scope.org_id(), policy).await;
        }
        Ok(Some(policy))
    }

    /// The effective policy of an organization that is known to exist.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn policy(&self, store: &Store, scope: &OrgScope) -> Result<Policy, StorageError> {
        Ok(self.find_policy(store, scope).await?.unwrap_or_default())
    }

    /// Forgets everything: something changed, and a parent's change reaches its children.
    pub fn forget(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.clients.invalidate_all();
        self.clients_by_id.invalidate_all();
        self.policies.invalidate_all();
    }

    fn is_still(&self, read_in: u64) -> bool {
        self.forgotten.load(Ordering::SeqCst) == read_in
    }
}
