//! Clients that nobody registered: their `client_id` is the https address of a document that says what they are
//! (draft-ietf-oauth-client-id-metadata-document).
//!
//! What the document says is kept with the operator's clients, since rows of organizations refer to a client; it is
//! fetched anew where a sign-in begins.
//!
//! **Invariant:** nothing is fetched before the operator's organization allows such clients, and none of them gets
//! further than that in an organization that does not. Whoever serves documents decides what they say, and nothing
//! else: not whether the client is disabled, nor how often something is written or told to other nodes.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::clients::{Audience, Client, Party};
use orgate_domain::credentials::{SecretHash, base32};
use orgate_domain::ids::ClientId;
use orgate_protocol::oauth::registration::{self, document_url};
use orgate_storage::system::{OrgHint, ResolvedOrg};
use orgate_storage::{
    ClientChange, DocumentBounds, KeptDocument, NewClientDocument, OrgScope, OrgTx, StorageError,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use crate::limits::{Limited, TooMany};
use crate::outgoing::{Hosts, OutgoingError};
use crate::register_client::as_client;
use crate::{Env, Failure, events};

/// Documents that are kept: what strangers can fill the operator's organization with. One host takes few of them, and
/// one that nobody uses goes ([`orgate_storage::Store::clean`]).
pub const BOUNDS: DocumentBounds = DocumentBounds { all: 10_000, of_a_host: 20 };

/// A document is good for this long without being fetched again, on any node.
pub const FRESH: Duration = Duration::from_mins(5);

/// Documents that were fetched lately, on this node. Failures are not kept: the draft forbids it.
#[derive(Debug)]
pub struct ClientDocuments {
    fresh: Cache<String, Arc<Client>>,
    /// Turns to fetch, by host, and of all.
    hosts: Hosts,
    fetching: Arc<Semaphore>,
}

impl Default for ClientDocuments {
    fn default() -> Self {
        Self {
            fresh: Cache::builder().max_capacity(2_000).time_to_live(FRESH_HERE).build(),
            hosts: Hosts::new(FETCHING_OF_A_HOST),
            fetching: Arc::new(Semaphore::new(FETCHING)),
        }
    }
}

impl ClientDocuments {
    /// Looks at the database again for everything, and fetches what is not fresh there.
    pub fn forget(&self) {
        self.fresh.invalidate_all();
    }

    /// A turn to fetch from this host; it ends when it is dropped.
    async fn turn(&self, url: &Url) -> Result<[OwnedSemaphorePermit; 2], TooMany> {
        // By the name alone: whoever has one has all its ports.
        let of_host = self.hosts.turns(url.host_str().unwrap_or_default().to_owned()).await;
        let both = async {
            let turn = of_host.acquire_owned().await.ok()?;
            Some([turn, Arc::clone(&self.fetching).acquire_owned().await.ok()?])
        };
        let turn = tokio::time::timeout(PATIENCE, both).await.ok().flatten();
        turn.ok_or(TooMany { retry_after: PATIENCE })
    }

    /// The same as [`ClientDocuments::forget`], for one client.
    pub async fn forget_client(&self, client_id: &str) {
        self.fresh.invalidate(client_id).await;
    }
}

/// A node looks at the database again after this long, for whether the document is fresh still.
const FRESH_HERE: Duration = Duration::from_secs(30);

/// Documents that a node fetches at once from one host. Strangers say from where: of the requests that a host is sent at
/// once, those that somebody depends on must keep the most; and a host that hangs holds up its own documents alone.
const FETCHING_OF_A_HOST: usize = 2;

/// The same of all hosts: more than the budget of one address can hold up.
const FETCHING: usize = 64;

/// Where no turn can be had, what a document said within this long counts still: strangers may keep all turns taken, and must
/// not shut out whoever is known.
const KNOWN: Duration = Duration::from_hours(1);

/// How long a fetch waits for its turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// How sure it has to be that the document still says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It said so within [`FRESH`]: a person is about to be sent somewhere.
    Fresh,
    /// It said so once: the client proves itself, or what it holds.
    Known,
}

/// Why a document makes no client.
#[derive(Debug, thiserror::Error)]
enum DocumentError {
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error("as many documents are kept as may be")]
    Full,
    #[error("the address answers with status {0}")]
    Status(u16),
    #[error("too many documents are new")]
    TooMany(#[from] TooMany),
    #[error(transparent)]
    Unreachable(#[from] OutgoingError),
    #[error("the document is not accepted: {0}")]
    Unusable(#[from] orgate_protocol::oauth::RequestError),
}

impl From<StorageError> for DocumentError {
    fn from(error: StorageError) -> Self {
        Self::Failure(error.into())
    }
}

/// The client with this `client_id`: one that is registered, or one whose document is at it.
///
/// # Errors
/// [`Failure`].
pub(crate) async fn find_client(
    env: &Env,
    client_id: &str,
    wanted: Wanted,
    origin: &Origin,
) -> Result<Option<Arc<Client>>, Failure> {
    let Some(url) = document_url(client_id) else {
        return Ok(env.configuration.client(&env.store, client_id).await?);
    };
    let Some(operator) = env.store.resolve(OrgHint::Operator).await? else { return Ok(None) };
    if !env.configuration.policy(&env.store, &operator.scope).await?.admits(Party::Unregistered) {
        return Ok(None);
    }
    if wanted == Wanted::Known {
        if let Some(known) = env.configuration.client(&env.store, client_id).await? {
            return Ok(Some(known));
        }
        env.limits.take(Limited::Pages, origin.address)?; // who begins a sign-in has spent it already
    }
    if let Some(known) = env.client_documents.fresh.get(client_id).await {
        return Ok(Some(known));
    }
    // Before anything is fetched: whoever asks for one after the other that is none is stopped, and not the hosts.
    env.limits.take(Limited::Refusals, origin.address)?;
    let fetching = Box::pin(fetch(env, &operator, &url, origin.address)); // rare, and large
    let fetched = env.client_documents.fresh.try_get_with(client_id.to_owned(), fetching).await;
    match fetched.as_ref().map_err(|error| &**error) {
        Ok(client) => Ok(Some(Arc::clone(client))),
        Err(DocumentError::TooMany(too_many)) => Err((*too_many).into()),
        Err(error) => {
            tracing::info!(
                client.id = client_id,
                error = error as &dyn std::error::Error,
                "no client document"
            );
            Ok(None)
        }
    }
}

/// Fetches the document and keeps what it says, unless it is known what it said within [`FRESH`].
async fn fetch(
    env: &Env,
    operator: &ResolvedOrg,
    url: &Url,
    by: Option<IpAddr>,
) -> Result<Arc<Client>, DocumentError> {
    let kept = find_kept(env, url).await?;
    if let Some((_, client)) = kept.as_ref().filter(|(kept, _)| is_younger(env, kept, FRESH)) {
        return Ok(Arc::new(client.clone()));
    }
    let turn = match env.client_documents.turn(url).await {
        Ok(turn) => turn,
        Err(too_many) => {
            let known = kept.filter(|(kept, _)| is_younger(env, kept, KNOWN));
            return known.map(|(_, client)| Arc::new(client)).ok_or(too_many.into());
        }
    };
    let reply = env.outgoing.get(url, "application/json").await?;
    drop(turn);
    if reply.status != 200 {
        return Err(DocumentError::Status(reply.status.as_u16()));
    }
    let asked = registration::parse_document(url, &reply.body)?;
    let said = Said { url, asked: &asked, hash: SecretHash::of(&reply.body), by };
    // Of two nodes that see it for the first time, one is second.
    for _ in 0..2 {
        match keep(env, &operator.scope, &said).await {
            Ok(client) => return Ok(Arc::new(client)),
            Err(DocumentError::Failure(Failure::Storage(StorageError::Conflict { .. }))) => {}
            Err(error) => return Err(error),
        }
    }
    Err(DocumentError::Full)
}

/// The client as its document said it was when any node fetched it last.
async fn find_kept(env: &Env, url: &Url) -> Result<Option<(KeptDocument, Client)>, DocumentError> {
    let Some(place) = env.store.resolve_client(url.as_str()).await? else { return Ok(None) };
    let mut tx = env.store.begin(&place.owner).await?;
    let kept = tx.registrations().find_document(place.id).await?;
    let client = if kept.is_some() { tx.clients().find(place.id).await? } else { None };
    tx.commit().await?;
    Ok(kept.zip(client))
}

fn is_younger(env: &Env, kept: &KeptDocument, limit: Duration) -> bool {
    let age = (env.clock.now() - kept.fetched_at).to_std();
    age.is_ok_and(|age| age < limit)
}

/// The operator's, for every organization that lets it in; known by its own address, and at home there.
fn as_document_client(
    id: ClientId,
    (operator, url): (&OrgScope, &Url),
    asked: &registration::ClientMetadata,
) -> Result<Client, orgate_protocol::oauth::RequestError> {
    let host = url.host_str().unwrap_or_default();
    let client = as_client(id, operator, (host, asked))?;
    let mut settings = client.settings;
    settings.party = Party::Unregistered;
    Ok(Client {
        client_id: url.as_str().to_owned(),
        resource: url.as_str().to_owned(),
        home_url: url.join("/").ok(),
        audience: Audience::All,
        settings,
        ..client
    })
}

/// What a document says, and who made us fetch it.
struct Said<'a> {
    url: &'a Url,
    asked: &'a registration::ClientMetadata,
    hash: SecretHash,
    by: Option<IpAddr>,
}

/// Keeps what the document says, if nobody has kept what it said within [`FRESH`], and it has changed.
async fn keep(env: &Env, operator: &OrgScope, said: &Said<'_>) -> Result<Client, DocumentError> {
    let now = env.clock.now();
    let place = env.store.resolve_client(said.url.as_str()).await?;
    let id = match &place {
        Some(place) => place.id,
        None => ClientId::from_uuid(env.random.uuid(now).map_err(Failure::from)?),
    };
    let mut tx = env.store.begin(operator).await?;
    let kept = tx.registrations().find_document(id).await?;
    let known = if place.is_some() { tx.clients().find(id).await? } else { None };
    let client = match (known, kept) {
        (Some(known), Some(kept)) if is_younger(env, &kept, FRESH) => known,
        (Some(known), Some(kept)) if kept.complete && kept.hash.matches(&said.hash) => {
            tx.registrations().update_document_fetched(id, now).await?;
            known
        }
        (known, _) => {
            let mut client = as_document_client(id, (operator, said.url), said.asked)?;
            client.status = known.map_or(client.status, |known| known.status); // that is the operator's to say
            return write(env, (tx, operator), client, said).await;
        }
    };
    tx.commit().await?;
    Ok(client)
}

/// Writes what is new. Who asks for it, and the host that says it, have not many new things written in a minute.
async fn write(
    env: &Env,
    (mut tx, operator): (OrgTx, &OrgScope),
    client: Client,
    said: &Said<'_>,
) -> Result<Client, DocumentError> {
    let host = said.url.host_str().unwrap_or_default();
    env.limits.take_document(said.by, host)?;
    let at = env.clock.now();
    tx.clients().save(&ClientChange { client: &client, with_status: false, at }).await?;
    let new = NewClientDocument { client_id: client.id, host, hash: said.hash, at };
    if !tx.registrations().save_document(&new, BOUNDS).await? {
        return Err(DocumentError::Full);
    }
    let event = events::done(env, Action::ClientConfigured, &Origin::default()).map_err(Failure::from)?;
    let hash = base32::encode(said.hash.as_bytes());
    let detail = vec![("client_id", client.client_id.clone()), ("document", hash)];
    let event = Event { actor: Actor::System, client: Some(client.key()), detail, ..event };
    env.refusals.record_in(env, (tx, operator), event).await?;
    env.configuration.forget_client(client.id, &client.client_id).await;
    Ok(client)
}
