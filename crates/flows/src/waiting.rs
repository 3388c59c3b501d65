//! A stored authorization request, taken up again by the page it waits on.

use std::sync::Arc;

use orgate_domain::clients::Client;
use orgate_domain::credentials::{Credential, RequestHandle, SecretHash};
use orgate_domain::organizations::Organization;
use orgate_storage::{NewAuthorizationRequest, OrgScope, OrgTx, StoredAuthorizationRequest};

use crate::authorize::{Destination, Pending, issuer_of};
use crate::limits::Limited;
use crate::{Browser, Env, Failure};

/// Why a page cannot go on. The person starts again from the application.
#[derive(Debug, thiserror::Error)]
pub enum WaitingError {
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
    /// It lapsed, was answered already, belongs to another browser or never was: one answer for all.
    #[error("the sign-in is over")]
    Over,
}

/// A request that still waits, in this browser.
#[derive(Debug)]
pub struct Waiting {
    /// The organization it is in: the client's owner, while nobody has said which.
    pub(crate) scope: OrgScope,
    /// Its name, look and status; `None` if it does not exist.
    pub(crate) organization: Option<Organization>,
    pub(crate) pending: Pending,
}

impl Waiting {
    /// The application.
    pub fn client(&self) -> &Arc<Client> {
        &self.pending.client
    }

    /// The organization it is in.
    pub fn scope(&self) -> &OrgScope {
        &self.scope
    }

    /// What it asks for.
    pub fn asked(&self) -> &NewAuthorizationRequest {
        &self.pending.asked
    }

    /// The languages that its pages are in, the first that they speak: what the application asked for, then the organization's.
    pub fn languages(&self) -> Vec<String> {
        self.pending.languages()
    }

    /// Whether its organization is decided.
    pub fn is_resolved(&self) -> bool {
        self.pending.asked.resolved_by.is_some()
    }
}

/// Finds the request behind `handle`, unless it is over. A handle works only in the browser that
/// began the request.
///
/// # Errors
/// [`WaitingError`].
pub async fn take_up(env: &Env, handle: &str, browser: &Browser) -> Result<Waiting, WaitingError> {
    env.limits.take(Limited::Pages, browser.origin.address).map_err(Failure::from)?;
    let handle = Credential::<RequestHandle>::parse(handle).map_err(|_| WaitingError::Over)?;
    take_up_in(env, OrgScope::of_credential(&handle), &handle.hash(), browser).await
}

/// The same, for a request whose handle is known by its hash.
async fn take_up_in(
    env: &Env,
    scope: OrgScope,
    handle: &SecretHash,
    browser: &Browser,
) -> Result<Waiting, WaitingError> {
    let mut tx = env.store.begin(&scope).await.map_err(Failure::from)?;
    let found = Found::read(&mut tx, handle).await?;
    tx.commit().await.map_err(Failure::from)?;
    found.take_up(env, scope, browser).await
}

/// What a handle leads to, for [`Found::take_up`] to judge.
#[derive(Debug)]
pub(crate) struct Found {
    stored: Option<StoredAuthorizationRequest>,
    organization: Option<Organization>,
}

impl Found {
    /// Reads it in a transaction that reads other things as well.
    pub(crate) async fn read(tx: &mut OrgTx, handle: &SecretHash) -> Result<Self, Failure> {
        let stored = tx.authorization_requests().find(handle).await?;
        Ok(Self { stored, organization: tx.organization().find().await? })
    }

    /// The request, unless it is over; `scope` is the one that it was read in.
    pub(crate) async fn take_up(
        self,
        env: &Env,
        scope: OrgScope,
        browser: &Browser,
    ) -> Result<Waiting, WaitingError> {
        let stored = self
            .stored
            .filter(|stored| stored.consumed_at.is_none() && env.clock.now() < stored.asked.expires_at)
            .filter(|stored| stored.asked.browser.matches(&browser.binding))
            .ok_or(WaitingError::Over)?;
        let asked = stored.asked;
        let client = env
            .configuration
            .client_by_id(&env.store, (asked.client_owner, asked.client_id))
            .await
            .map_err(Failure::from)?
            .ok_or(WaitingError::Over)?;
        let to = Destination::of(&client, &asked).ok_or(WaitingError::Over)?;
        let issuer = match asked.resolved_by {
            Some(reason) => issuer_of(env, &client, scope.org_id(), reason),
            None => env.issuer.clone(),
        };
        // Whoever has not said which is in the client owner's, which says nothing of them.
        let decided = self.organization.as_ref().filter(|_| asked.resolved_by.is_some());
        let locale = decided.and_then(Organization::spoken).cloned();
        let pending = Pending { client, to, asked, issuer, locale };
        Ok(Waiting { scope, organization: self.organization, pending })
    }
}
