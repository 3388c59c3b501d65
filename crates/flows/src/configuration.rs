//! Cached configuration: clients and effective policies.
//!
//! **Invariant:** what is cached decides how, never whether: status and admission are read in the
//! transaction that issues (of a machine client, at most a second before). Every change is notified at once; the time limit is the net under it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use orgate_domain::clients::Client;
use orgate_domain::ids::{ClientId, ConnectionId, OrgId};
use orgate_domain::policies::Policy;
use orgate_domain::standing::ClientStanding;
use orgate_storage::system::{ClientPlace, OrgHint, OrgName};
use orgate_storage::{OrgScope, StorageError, Store};

use crate::federation::Version;
use crate::federation::methods::SignInConfiguration;
use crate::federation::saml_keys::SamlKeys;

const TIME_LIMIT: Duration = Duration::from_secs(30);

/// What a machine client may do is read again after this long: the one status that is not read in the
/// transaction that issues, because a machine's token outlives a second anyway.
const STANDING_LIMIT: Duration = Duration::from_secs(1);

/// A version of a connection that nobody used for this long is read again; its secrets are not kept
/// in memory for longer.
const VERSION_LIMIT: Duration = Duration::from_mins(10);

/// Clients by their public id, and policies by organization.
#[derive(Debug)]
pub struct Configuration {
    clients: Cache<String, Arc<Client>>,
    clients_by_id: Cache<ClientId, Arc<Client>>,
    /// Organizations by id or slug. Either leads to one organization for ever.
    organizations: Cache<String, OrgScope>,
    /// Origins, and whether scripts of theirs are a client, of anybody's or at an organization's issuer. Those of
    /// strangers are kept too.
    origins: Cache<(Option<OrgId>, String), bool>,
    /// By the organization, and the client with its owner.
    client_standings: Cache<(OrgId, (OrgId, ClientId)), Arc<ClientStanding>>,
    policies: Cache<OrgId, Policy>,
    sign_ins: Cache<OrgId, Arc<SignInConfiguration>>,
    saml_keys: Cache<(OrgId, ConnectionId), Arc<SamlKeys>>,
    /// Versions never change, so they are never forgotten for a change's sake.
    versions: Cache<(OrgId, ConnectionId, i32), Arc<Version>>,
    /// Counts the times that everything was forgotten: what was read before must not be kept after.
    forgotten: AtomicU64,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            clients: Cache::builder().max_capacity(10_000).time_to_live(TIME_LIMIT).build(),
            clients_by_id: Cache::builder().max_capacity(10_000).time_to_live(TIME_LIMIT).build(),
            organizations: Cache::builder().max_capacity(10_000).time_to_live(TIME_LIMIT).build(),
            origins: Cache::builder().max_capacity(10_000).time_to_live(TIME_LIMIT).build(),
            client_standings: Cache::builder().max_capacity(50_000).time_to_live(STANDING_LIMIT).build(),
            policies: Cache::builder().max_capacity(10_000).time_to_live(TIME_LIMIT).build(),
            sign_ins: Cache::builder().max_capacity(10_000).time_to_live(TIME_LIMIT).build(),
            saml_keys: Cache::builder().max_capacity(2_000).time_to_live(VERSION_LIMIT).build(),
            versions: Cache::builder().max_capacity(2_000).time_to_idle(VERSION_LIMIT).build(),
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
        key: (OrgId, ClientId),
    ) -> Result<Option<Arc<Client>>, StorageError> {
        Ok(self.clients_by_id(store, &[key]).await?.remove(&key))
    }

    /// The clients of these owners and ids: those that are not known yet are read at once, of each owner.
    ///
    /// # Errors
    /// [`StorageError`].
    pub(crate) async fn clients_by_id(
        &self,
        store: &Store,
        keys: &[(OrgId, ClientId)],
    ) -> Result<BTreeMap<(OrgId, ClientId), Arc<Client>>, StorageError> {
        let (mut found, mut unknown) = (BTreeMap::new(), BTreeMap::<OrgId, Vec<ClientId>>::new());
        for (owner, id) in keys {
            match self.clients_by_id.get(id).await {
                Some(known) if known.owner == *owner => drop(found.insert((*owner, *id), known)),
                Some(_) => {}
                None => unknown.entry(*owner).or_default().push(*id),
            }
        }
        for (owner, ids) in unknown {
            let read_in = self.forgotten.load(Ordering::SeqCst);
            let Some(scope) = self.organization(store, &owner.to_string()).await? else { continue };
            let mut tx = store.begin(&scope).await?;
            let clients = tx.clients().list_whole(&ids).await?;
            tx.commit().await?;
            for client in clients.into_iter().map(Arc::new) {
                if self.is_still(read_in) {
                    self.clients_by_id.insert(client.id, Arc::clone(&client)).await;
                }
                found.insert(client.key(), client);
            }
        }
        Ok(found)
    }

    /// The organization that an id or a slug leads to, whatever its status.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn organization(&self, store: &Store, text: &str) -> Result<Option<OrgScope>, StorageError> {
        if let Some(known) = self.organizations.get(text).await {
            return Ok(Some(known));
        }
        let Some(name) = OrgName::parse(text) else { return Ok(None) };
        let Some(found) = store.resolve(name.hint()).await? else { return Ok(None) };
        self.organizations.insert(text.to_owned(), found.scope).await;
        Ok(Some(found.scope))
    }

    /// The same, for a program that is about to act there: policy and standing, for which the next question will be, are read
    /// with it.
    ///
    /// # Errors
    /// [`StorageError`].
    pub(crate) async fn organization_for(
        &self,
        store: &Store,
        (text, client): (&str, (OrgId, ClientId)),
    ) -> Result<Option<OrgScope>, StorageError> {
        if let Some(known) = self.organizations.get(text).await
            && self.policies.contains_key(&known.org_id())
        {
            return Ok(Some(known));
        }
        let read_in = self.forgotten.load(Ordering::SeqCst);
        let Some(name) = OrgName::parse(text) else { return Ok(None) };
        let found = store.find_client_place(name.hint(), client).await?;
        let Some(ClientPlace { scope, inherited, standing }) = found else { return Ok(None) };
        self.organizations.insert(text.to_owned(), scope).await;
        if self.is_still(read_in) {
            self.policies.insert(scope.org_id(), Policy::effective(&inherited)).await;
            self.client_standings.insert((scope.org_id(), client), Arc::new(standing)).await;
        }
        Ok(Some(scope))
    }

    /// Whether scripts of this origin are a client, of anybody's or of an organization's; `None` if that is not known
    /// here and has to be read.
    pub(crate) async fn known_origin(&self, (org_id, origin): (Option<OrgId>, &str)) -> Option<bool> {
        self.origins.get(&(org_id, origin.to_owned())).await
    }

    /// Keeps whether they are, as it was read after [`Configuration::read_in`].
    pub(crate) async fn keep_origin(
        &self,
        (org_id, origin): (Option<OrgId>, &str),
        admitted: bool,
        read_in: u64,
    ) {
        if self.is_still(read_in) {
            self.origins.insert((org_id, origin.to_owned()), admitted).await;
        }
    }

    /// What a machine client may do in an organization, as of at most a second ago; `None` if there is
    /// no such organization.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn client_standing(
        &self,
        store: &Store,
        place: &OrgScope,
        client: (OrgId, ClientId),
    ) -> Result<Option<Arc<ClientStanding>>, StorageError> {
        let key = (place.org_id(), client);
        if let Some(known) = self.client_standings.get(&key).await {
            return Ok(Some(known));
        }
        let read_in = self.forgotten.load(Ordering::SeqCst);
        let found = store.find_client_place(OrgHint::Id(place.org_id()), client).await?;
        let Some(ClientPlace { inherited, standing, .. }) = found else { return Ok(None) };
        let standing = Arc::new(standing);
        if self.is_still(read_in) {
            self.policies.insert(place.org_id(), Policy::effective(&inherited)).await;
            self.client_standings.insert(key, Arc::clone(&standing)).await;
        }
        Ok(Some(standing))
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

    /// How one can sign in to an organization.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn sign_in(
        &self,
        store: &Store,
        scope: &OrgScope,
    ) -> Result<Arc<SignInConfiguration>, StorageError> {
        if let Some(known) = self.sign_ins.get(&scope.org_id()).await {
            return Ok(known);
        }
        let read_in = self.forgotten.load(Ordering::SeqCst);
        let mut tx = store.begin(scope).await?;
        let connections = tx.connections().list().await?;
        let domains = tx.domains().list_verified().await?;
        let joins = tx.joining().find().await?.is_some_and(|joining| joining.is_open());
        tx.commit().await?;
        let found = Arc::new(SignInConfiguration { connections, domains, joins });
        if self.is_still(read_in) {
            self.sign_ins.insert(scope.org_id(), Arc::clone(&found)).await;
        }
        Ok(found)
    }

    pub(crate) async fn saml_keys(&self, key: (OrgId, ConnectionId)) -> Option<Arc<SamlKeys>> {
        self.saml_keys.get(&key).await
    }

    /// Keeps keys, unless something changed since `read_in`.
    pub(crate) async fn keep_saml_keys(&self, key: (OrgId, ConnectionId), keys: Arc<SamlKeys>, read_in: u64) {
        if self.is_still(read_in) {
            self.saml_keys.insert(key, keys).await;
        }
    }

    /// What [`Configuration::keep_origin`] and [`Configuration::keep_saml_keys`] want to know of the time before the reading.
    pub(crate) fn read_in(&self) -> u64 {
        self.forgotten.load(Ordering::SeqCst)
    }

    pub(crate) async fn version(&self, key: (OrgId, ConnectionId, i32)) -> Option<Arc<Version>> {
        self.versions.get(&key).await
    }

    pub(crate) async fn keep_version(&self, key: (OrgId, ConnectionId, i32), version: Arc<Version>) {
        self.versions.insert(key, version).await;
    }

    /// Forgets everything: something changed, and a parent's change reaches its children.
    pub fn forget(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.clients.invalidate_all();
        self.clients_by_id.invalidate_all();
        self.origins.invalidate_all();
        self.client_standings.invalidate_all();
        self.policies.invalidate_all();
        self.sign_ins.invalidate_all();
        self.saml_keys.invalidate_all();
    }

    /// Forgets one client: nothing else has changed.
    pub async fn forget_client(&self, id: ClientId, client_id: &str) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.clients.invalidate(client_id).await;
        self.clients_by_id.invalidate(&id).await;
    }

    fn is_still(&self, read_in: u64) -> bool {
        self.forgotten.load(Ordering::SeqCst) == read_in
    }
}
