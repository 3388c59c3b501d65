//! The chooser: which of the organizations that this browser, or a proven address, belongs to.

use orgate_domain::email::Email;
use orgate_domain::ids::OrgId;
use orgate_domain::organizations::OrgStatus;
use orgate_domain::resolution::Reason;
use orgate_storage::system::{OrgHint, ResolvedOrg};
use orgate_storage::{OrgScope, ProvenAddress};

use crate::authorize::{Needed, Next, enter, needed, usable_sessions, welcomes};
use crate::waiting::{Waiting, WaitingError};
use crate::{Browser, Env, Failure};

/// One line of the chooser.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The organization.
    pub scope: OrgScope,
    /// Its name.
    pub name: String,
    /// Its logo.
    pub logo_url: Option<String>,
    /// Who is signed in to it here; `None` if it is listed because of a proven address.
    pub signed_in_as: Option<String>,
}

/// What may be chosen: the browser's live sessions, the one used last first, then the
/// organizations of the address that was proven on the way.
///
/// # Errors
/// [`Failure`].
pub async fn choices(env: &Env, waiting: &Waiting, browser: &Browser) -> Result<Vec<Choice>, Failure> {
    let mut choices: Vec<Choice> = usable_sessions(env, waiting.client(), browser)
        .await?
        .into_iter()
        .map(|proven| Choice {
            scope: proven.scope,
            signed_in_as: Some(proven.label().to_owned()),
            name: proven.org_name,
            logo_url: proven.logo_url,
        })
        .collect();
    if let Some(address) = &waiting.asked().proven_address {
        for choice in of_address(env, waiting, address).await? {
            if choices.iter().all(|known| known.scope != choice.scope) {
                choices.push(choice);
            }
        }
    }
    Ok(choices)
}

/// The same, each with what it would ask.
///
/// # Errors
/// [`Failure`].
pub async fn choices_and_needs(
    env: &Env,
    waiting: &Waiting,
    browser: &Browser,
) -> Result<Vec<(Choice, Needed)>, Failure> {
    let mut lines = Vec::new();
    for choice in choices(env, waiting, browser).await? {
        let mut pending = waiting.pending.clone();
        pending.asked.resolved_by = Some(choice.reason());
        let address = choice.signed_in_as.as_deref().and_then(|label| Email::stored(label).ok());
        let needed = needed(env, &pending, (&choice.scope, address.as_ref()), browser).await?;
        lines.push((choice, needed));
    }
    Ok(lines)
}

impl Choice {
    /// How the organization is resolved by choosing it.
    const fn reason(&self) -> Reason {
        if self.signed_in_as.is_some() { Reason::Chosen } else { Reason::Discovered }
    }
}

/// The organizations in which an address is verified and which may use the client.
pub(crate) async fn of_address(
    env: &Env,
    waiting: &Waiting,
    address: &ProvenAddress,
) -> Result<Vec<Choice>, Failure> {
    let mut choices = Vec::new();
    for org in env.store.discover(&address.hashes()).await? {
        let mut tx = env.store.begin(&org.scope).await?;
        let client = waiting.client().key();
        let (organization, admission) = tx.organization().find_with(client).await?;
        tx.commit().await?;
        let admitted = admission.is_some() && welcomes(env, waiting.client(), &org.scope).await?;
        choices.extend(organization.filter(|_| admitted).map(|organization| Choice {
            scope: org.scope,
            name: organization.name.as_str().to_owned(),
            logo_url: organization.branding.logo_url.map(Into::into),
            signed_in_as: None,
        }));
    }
    Ok(choices)
}

/// Goes on in the chosen organization: one of [`choices`], and no other.
///
/// # Errors
/// [`WaitingError::Over`] also if it is not one of them.
pub async fn choose(
    env: &Env,
    waiting: Waiting,
    org_id: OrgId,
    browser: &Browser,
) -> Result<Next, WaitingError> {
    let offered =
        choices(env, &waiting, browser).await?.into_iter().find(|choice| choice.scope.org_id() == org_id);
    let choice = offered.ok_or(WaitingError::Over)?;
    let reason = choice.reason();
    let resolved = env.store.resolve(OrgHint::Id(org_id)).await.map_err(Failure::from)?;
    settle(env, waiting, (&resolved.ok_or(WaitingError::Over)?, reason), browser).await
}

/// Ends the unresolved request, once, and makes its successor in the organization that was decided.
///
/// # Errors
/// [`WaitingError::Over`] if another call was first.
pub(crate) async fn settle(
    env: &Env,
    waiting: Waiting,
    (resolved, reason): (&ResolvedOrg, Reason),
    browser: &Browser,
) -> Result<Next, WaitingError> {
    if waiting.is_resolved() {
        return Err(WaitingError::Over);
    }
    renew(env, waiting, (&resolved.scope, reason), browser).await
}

/// Ends a request, once, and makes it anew in this organization.
///
/// # Errors
/// [`WaitingError::Over`] if another call was first.
pub(crate) async fn renew(
    env: &Env,
    waiting: Waiting,
    (scope, reason): (&OrgScope, Reason),
    browser: &Browser,
) -> Result<Next, WaitingError> {
    let mut tx = env.store.begin(&waiting.scope).await.map_err(Failure::from)?;
    let now = env.clock.now();
    if !tx.authorization_requests().consume(waiting.asked().id, now).await.map_err(Failure::from)? {
        return Err(WaitingError::Over);
    }
    tx.commit().await.map_err(Failure::from)?;
    Ok(enter(env, waiting.pending, (scope, reason), browser).await?)
}

/// Whether an organization can be entered with the request's client: what an unknown name and an
/// organization without access have in common is that it cannot.
pub(crate) async fn is_open(env: &Env, waiting: &Waiting, resolved: &ResolvedOrg) -> Result<bool, Failure> {
    let mut tx = env.store.begin(&resolved.scope).await?;
    let client = waiting.client().key();
    let admitted = tx.clients().find_admission(client).await?.is_some();
    tx.commit().await?;
    let admitted = admitted && welcomes(env, waiting.client(), &resolved.scope).await?;
    Ok(admitted && resolved.status != OrgStatus::Deleted)
}
