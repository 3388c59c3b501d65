//! Whether an organization can be entered with a client, and by which session of the browser.

use std::sync::Arc;

use orgate_domain::audit::{Action, Event};
use orgate_domain::clients::{Client, ClientStatus};
use orgate_domain::organizations::{OrgStatus, Organization};
use orgate_domain::policies::Policy;
use orgate_domain::standing::Standing;
use orgate_storage::OrgTx;

use super::{Refused, RefusedBecause};
use crate::{Browser, Env, Failure, events};

/// The session that this browser's cookie of the transaction's organization proves; one that proves none is an event.
pub(crate) async fn proven_session(
    env: &Env,
    tx: &mut OrgTx,
    client: &Client,
    browser: &Browser,
) -> Result<Option<Standing>, Failure> {
    let standing = find_session(tx, client, browser).await?;
    if standing.is_none() {
        record_unknown_session(env, tx, client, browser).await?;
    }
    Ok(standing)
}

pub(super) async fn find_session(
    tx: &mut OrgTx,
    client: &Client,
    browser: &Browser,
) -> Result<Option<Standing>, Failure> {
    let Some(cookie) = browser.session_of(tx.org_id()) else { return Ok(None) };
    Ok(tx.sessions().find_by_cookie(&cookie.hash(), Some(client.key())).await?)
}

/// Of a browser that has a cookie of the transaction's organization, which proved no session.
pub(super) async fn record_unknown_session(
    env: &Env,
    tx: &mut OrgTx,
    client: &Client,
    browser: &Browser,
) -> Result<(), Failure> {
    if browser.session_of(tx.org_id()).is_some() {
        let event = events::refused(env, Action::SessionRefused, "unknown_session", &browser.origin)?;
        tx.audit().insert(&Event { client: Some(client.key()), ..event }).await?;
    }
    Ok(())
}

/// Why the transaction's organization cannot be entered with the client, if it cannot; and whether there is one. A session
/// that was found says enough of it to be let in.
pub(super) async fn refusal_here(
    tx: &mut OrgTx,
    (client, policy): (&Arc<Client>, &Policy),
    standing: Option<&Standing>,
) -> Result<Option<(Refused, bool)>, Failure> {
    if let Some(standing) = standing
        && refused_because((client, policy), Some(standing.org_status), standing.client).is_none()
    {
        return Ok(None);
    }
    let (organization, admission) = tx.organization().find_with(client.key()).await?;
    let exists = organization.is_some();
    Ok(refusal(client, policy, (organization, admission)).map(|refused| (refused, exists)))
}

pub(crate) fn refusal(
    client: &Arc<Client>,
    policy: &Policy,
    (organization, admission): (Option<Organization>, Option<ClientStatus>),
) -> Option<Refused> {
    let status = organization.as_ref().map(|organization| organization.status);
    let why = refused_because((client, policy), status, admission)?;
    let known = !matches!(why, RefusedBecause::OrganizationUnavailable | RefusedBecause::ThirdPartyForbidden);
    let organization = organization.filter(|_| known);
    Some(Refused { why, client: Arc::clone(client), organization })
}

/// Why an organization cannot be entered with a client, if it cannot.
pub(crate) fn refused_because(
    (client, policy): (&Client, &Policy),
    organization: Option<OrgStatus>,
    admission: Option<ClientStatus>,
) -> Option<RefusedBecause> {
    match (organization, admission) {
        (None | Some(OrgStatus::Deleted), _) | (_, None) => Some(RefusedBecause::OrganizationUnavailable),
        (Some(OrgStatus::Active | OrgStatus::Suspended), _) if !policy.admits(client.settings.party) => {
            Some(RefusedBecause::ThirdPartyForbidden)
        }
        (Some(OrgStatus::Suspended), _) => Some(RefusedBecause::OrganizationSuspended),
        (Some(OrgStatus::Active), Some(ClientStatus::Disabled)) => Some(RefusedBecause::ClientDisabled),
        (Some(OrgStatus::Active), Some(ClientStatus::Active)) => None,
    }
}
