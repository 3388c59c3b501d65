//! Whoever wants to join opens the link that was mailed to them: their address is proven, and they join, or ask to.

use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::credentials::{Credential, InvitationLink, JoinLink};
use orgate_domain::email::Email;
use orgate_domain::ids::JoinRequestId;
use orgate_domain::invitations::InvitationBasis;
use orgate_domain::joining::{DECIDED_KEPT, Entry, JOIN_LIFETIME, Joining, REQUEST_LIFETIME};
use orgate_domain::names::Slug;
use orgate_domain::organizations::{OrgStatus, Organization};
use orgate_storage::{OrgScope, OrgTx, Settled, StorageError, StoredJoinRequest};

use super::entry_of;
use crate::configure::Author;
use crate::initiate::is_open;
use crate::invitations::find_good;
use crate::invitations::make::{Draft, FaultKind, Maker, WantedInvitation, event_of, invite, prepare_unsent};
use crate::limits::Limited;
use crate::{Browser, Env, Failure, events};

/// A link that is good, as its page shows it.
#[derive(Debug)]
pub struct Opened {
    /// The way in.
    pub scope: OrgScope,
    /// Whose user they want to become.
    pub organization: Organization,
    /// What was asked for.
    pub request: StoredJoinRequest,
}

/// What came of a proven address.
#[derive(Debug)]
pub enum Proven {
    /// An administrator decides. Whoever has asked before, or was denied, reads the same.
    Asked(Box<Organization>),
    /// They may join: by this invitation, which is in no mail.
    Invited(Credential<InvitationLink>),
}

/// Why a link opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinClosed {
    /// Its time is over.
    Expired,
    /// As many wait to be decided as may.
    Full,
    /// An invitation by somebody of the organization is in their mailbox.
    Invited,
    /// There is no seat left, or too many were invited.
    NoSeat,
    /// The organization does not let whoever has this address join, nor ask.
    NotOpen,
    /// The organization is suspended.
    Suspended,
    /// A user of the organization has the address.
    Taken,
    /// There is none: one answer for whatever else is wrong.
    Unknown,
    /// It was used.
    Used,
}

/// Why nobody joins.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// See [`JoinClosed`].
    #[error("the link opens nothing")]
    Closed(JoinClosed),
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StorageError> for JoinError {
    fn from(error: StorageError) -> Self {
        Self::Failure(error.into())
    }
}

impl JoinClosed {
    /// The reason as events carry it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired_link",
            Self::Full => "too_many_requests",
            Self::Invited => "invited_already",
            Self::NoSeat => "no_seat",
            Self::NotOpen => "joining_closed",
            Self::Suspended => "organization_suspended",
            Self::Taken => "address_taken",
            Self::Unknown => "unknown_link",
            Self::Used => "used_link",
        }
    }
}

/// What somebody may do, as the deciding transaction knows it.
type Judged = Result<(Entry, Joining), JoinClosed>;

/// Looks at what a link leads to, and nothing else: mail scanners look too, and use up nothing.
///
/// # Errors
/// [`JoinError::Closed`].
pub async fn look(env: &Env, text: &str, origin: &Origin) -> Result<Opened, JoinError> {
    env.limits.take(Limited::Pages, origin.address).map_err(Failure::from)?;
    let Ok(secret) = Credential::<JoinLink>::parse(text) else {
        env.limits.take(Limited::Refusals, origin.address).map_err(Failure::from)?;
        return Err(JoinError::Closed(JoinClosed::Unknown));
    };
    let scope = OrgScope::of_credential(&secret);
    let mut tx = env.store.begin(&scope).await?;
    let request = tx.join_requests().find_by_token(&secret.hash()).await?;
    let organization = tx.organization().find().await?;
    let Some((request, organization)) = request.zip(organization) else {
        drop(tx);
        return Err(refuse(env, &scope, (JoinClosed::Unknown, None), origin).await?);
    };
    let judged = judge(env, &mut tx, (&request, &organization)).await?;
    tx.commit().await?;
    match judged {
        Ok(_) => Ok(Opened { scope, organization, request }),
        Err(closed) => Err(refuse(env, &scope, (closed, Some(request.id)), origin).await?),
    }
}

/// Whether a link is good, and what it lets its holder do.
async fn judge(
    env: &Env,
    tx: &mut OrgTx,
    (request, organization): (&StoredJoinRequest, &Organization),
) -> Result<Judged, StorageError> {
    match organization.status {
        OrgStatus::Active => {}
        OrgStatus::Suspended => return Ok(Err(JoinClosed::Suspended)),
        OrgStatus::Deleted => return Ok(Err(JoinClosed::Unknown)),
    }
    if request.proven_at.is_some() {
        return Ok(Err(JoinClosed::Used));
    }
    if env.clock.now() >= request.expires_at {
        return Ok(Err(JoinClosed::Expired));
    }
    if tx.users().find_by_email(&request.email).await?.is_some() {
        return Ok(Err(JoinClosed::Taken));
    }
    Ok(match entry_of(tx, &request.email).await? {
        None | Some((Entry::Closed, _)) => Err(JoinClosed::NotOpen),
        Some(allowed) => Ok(allowed),
    })
}

/// Uses the link: whoever holds it has the address. They are invited at once, or an administrator is asked.
///
/// # Errors
/// [`JoinError`].
pub async fn prove(env: &Env, text: &str, browser: &Browser) -> Result<Proven, JoinError> {
    env.limits.take(Limited::Credentials, browser.origin.address).map_err(Failure::from)?;
    let Opened { scope, organization, request } = look(env, text, &browser.origin).await?;
    let client_id = landing_of(env, &scope, request.client).await?;
    let wanted = WantedInvitation {
        email: request.email.clone(),
        name: request.name.clone(),
        locale: None,
        client_id,
        roles: Vec::new(),
        groups: Vec::new(),
        lifetime: JOIN_LIFETIME,
    };
    let (draft, secret) = prepare_unsent(env, &scope, wanted).await?;
    let mut tx = env.store.begin(&scope).await?;
    tx.organization().hold().await?; // before it is looked at who may
    tx.joining().seize().await?; // what is said meanwhile closes what is made by what was said before
    tx.invitations().seize().await?;
    tx.join_requests().seize().await?;
    let decided = decide(env, &mut tx, (&request, draft), &browser.origin).await?;
    match decided {
        Ok(entry) => {
            tx.commit().await?;
            Ok(match entry {
                Entry::Automatic => Proven::Invited(secret),
                Entry::Closed | Entry::Request => Proven::Asked(Box::new(organization)),
            })
        }
        Err(closed) => {
            drop(tx);
            Err(refuse(env, &scope, (closed, Some(request.id)), &browser.origin).await?)
        }
    }
}

/// The application that they were on the way to, if whoever joins can be sent there.
pub(crate) async fn landing_of(
    env: &Env,
    scope: &OrgScope,
    client: Option<(orgate_domain::ids::OrgId, orgate_domain::ids::ClientId)>,
) -> Result<Option<String>, Failure> {
    let Some(key) = client else { return Ok(None) };
    let Some(client) = env.configuration.client_by_id(&env.store, key).await? else { return Ok(None) };
    let lands = client.initiate_login_uri.is_some() && is_open(env, scope, &client).await?;
    Ok(lands.then(|| client.client_id.clone()))
}

/// Everything that decides, once it is this one's turn: whoever raced for the same link sees here that it was used.
async fn decide(
    env: &Env,
    tx: &mut OrgTx,
    (request, draft): (&StoredJoinRequest, Draft),
    origin: &Origin,
) -> Result<Result<Entry, JoinClosed>, Failure> {
    let organization = tx.organization().find().await?;
    let now = tx.join_requests().find_by_id(request.id).await?;
    let Some((now, organization)) = now.zip(organization) else { return Ok(Err(JoinClosed::Unknown)) };
    let (entry, joining) = match judge(env, tx, (&now, &organization)).await? {
        Ok(allowed) => allowed,
        Err(closed) => return Ok(Err(closed)),
    };
    let settled = find_settled(env, tx, &request.email).await?;
    if entry == Entry::Automatic && settled == Some(Settled::Denied) {
        return Ok(Err(JoinClosed::NotOpen));
    }
    let good = find_good(env, tx, &request.email).await?.is_some();
    let open = tx.invitations().find_open(&request.email).await?;
    if let Some(before) = open.filter(|open| open.by == InvitationBasis::Joining || !good) {
        // One that they got by joining, and did not use, or that opens nothing: this one takes its place.
        tx.invitations().revoke(before.id, env.clock.now()).await?;
        let author = author(request.id, origin);
        tx.audit().insert(&event_of(env, &author, (Action::InvitationRevoked, before.id))?).await?;
    } else if good {
        return Ok(Err(JoinClosed::Invited));
    }
    let done = match entry {
        Entry::Closed => Err(JoinClosed::NotOpen),
        Entry::Request => record(env, tx, request, origin).await?,
        Entry::Automatic => admit(env, tx, (request, draft, &joining), origin).await?,
    };
    Ok(done.map(|()| entry))
}

/// What became of what this address asked for before.
pub(super) async fn find_settled(
    env: &Env,
    tx: &mut OrgTx,
    email: &Email,
) -> Result<Option<Settled>, StorageError> {
    tx.join_requests().find_settled(email, env.clock.now()).await
}

/// Has the request wait for an administrator. One that is open already, or was denied, stays as it is.
async fn record(
    env: &Env,
    tx: &mut OrgTx,
    request: &StoredJoinRequest,
    origin: &Origin,
) -> Result<Result<(), JoinClosed>, Failure> {
    let now = env.clock.now();
    if find_settled(env, tx, &request.email).await?.is_some() {
        return Ok(Ok(()));
    }
    if !tx.join_requests().has_room(now).await? {
        return Ok(Err(JoinClosed::Full));
    }
    if !tx.join_requests().prove(request.id, (now, now + REQUEST_LIFETIME)).await? {
        return Ok(Err(JoinClosed::Used));
    }
    let event = events::done(env, Action::JoinRequested, origin)?;
    let detail = vec![("join_request", request.id.to_string())];
    tx.audit().insert(&Event { client: request.client, detail, ..event }).await?;
    Ok(Ok(()))
}

/// Invites them, by the word of whoever set what joining gives.
async fn admit(
    env: &Env,
    tx: &mut OrgTx,
    (request, mut draft, joining): (&StoredJoinRequest, Draft, &Joining),
    origin: &Origin,
) -> Result<Result<(), JoinClosed>, Failure> {
    let now = env.clock.now();
    draft.wanted.roles = joining.roles.iter().filter_map(|slug| Slug::parse(slug).ok()).collect();
    // That they could give it was asked just now.
    let maker = Maker {
        author: author(request.id, origin),
        id: joining.set_by.clone(),
        gives: (true, true),
        may_give: Box::new(|_| true),
    };
    let made = invite(env, tx, &maker, &[draft]).await?.pop();
    let id = match made {
        Some(Ok(id)) => id,
        Some(Err(fault)) => {
            return Ok(Err(match fault.kind {
                FaultKind::Above | FaultKind::Invalid => JoinClosed::NotOpen,
                FaultKind::Known => JoinClosed::Invited,
                FaultKind::Limit => JoinClosed::NoSeat,
            }));
        }
        None => return Ok(Err(JoinClosed::Unknown)),
    };
    // What waited for somebody to decide waits no more.
    for asked in tx.join_requests().settle(&request.email, (id, now, now + DECIDED_KEPT)).await? {
        let author = author(asked, origin);
        tx.audit().insert(&event_of(env, &author, (Action::JoinApproved, id))?).await?;
    }
    let used = tx.join_requests().admit(request.id, (id, now, now + DECIDED_KEPT)).await?;
    Ok(if used { Ok(()) } else { Err(JoinClosed::Used) })
}

/// Whoever wants to join, of whom nothing is known but that they have the address.
fn author(id: JoinRequestId, origin: &Origin) -> Author {
    let detail = vec![("join_request", id.to_string())];
    Author { origin: origin.clone(), detail, ..Author::of(Actor::Anonymous) }
}

/// The refusal, with its event.
async fn refuse(
    env: &Env,
    scope: &OrgScope,
    (closed, id): (JoinClosed, Option<JoinRequestId>),
    origin: &Origin,
) -> Result<JoinError, Failure> {
    env.limits.take(Limited::Refusals, origin.address)?;
    let event = events::refused(env, Action::JoinRefused, closed.as_str(), origin)?;
    let detail = id.map(|id| ("join_request", id.to_string())).into_iter().collect();
    env.refusals.record(env, scope, Event { detail, ..event }).await?;
    Ok(JoinError::Closed(closed))
}
