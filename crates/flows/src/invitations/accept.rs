//! Whoever is invited accepts: with a password that they choose, or at the organization's identity provider.

use orgate_domain::ids::{ConnectionId, InvitationId};
use orgate_domain::invitations::{Invitation, MIN_PASSWORD};
use orgate_domain::names::DisplayName;
use orgate_domain::organizations::Organization;
use orgate_domain::sessions::SignInMethod;
use orgate_domain::standing::SsoSubject;
use orgate_storage::{OrgScope, OrgTx, UpstreamPurpose};

use super::{AcceptError, Closed, Invited, Newcomer, Problem, Wrong, look, redeem, refuse};
use crate::arrive::{Arrival, Arrived};
use crate::complete::Proven;
use crate::federation::begin::{BeginError, Departure, begin_for};
use crate::initiate::{initiation, is_open};
use crate::limits::Limited;
use crate::passwords::{MAX_PASSWORD_BYTES, PasswordError};
use crate::waiting::WaitingError;
use crate::{Browser, Env, Failure};

/// What whoever is invited typed.
#[derive(Clone, Copy)]
pub struct Chosen<'a> {
    /// Their name.
    pub name: &'a str,
    /// The password that they chose.
    pub password: &'a str,
    /// The same, once more.
    pub again: &'a str,
}

/// An invitation that was used.
#[derive(Debug)]
pub struct Joined {
    /// The way in.
    pub scope: OrgScope,
    /// Whose user they are.
    pub organization: Organization,
    /// What the browser holds.
    pub arrived: Arrived,
    /// Where they go on: to the application that the invitation names, if it is open to them.
    pub landing: Option<String>,
    /// The language that whoever invited them said they read.
    pub locale: Option<String>,
}

/// Applications that the last page names at most.
const MAX_APPLICATIONS: i64 = 8;

/// Uses an invitation, with a password: the link proves the address.
///
/// # Errors
/// [`AcceptError`].
pub async fn accept(
    env: &Env,
    text: &str,
    chosen: Chosen<'_>,
    browser: &Browser,
) -> Result<Joined, AcceptError> {
    env.limits.take(Limited::Credentials, browser.origin.address).map_err(Failure::from)?;
    let invited = look(env, text, &browser.origin).await?;
    if !invited.methods.password {
        return Err(AcceptError::SsoRequired);
    }
    let name = check(&chosen)?;
    let Invited { scope, invitation, organization, .. } = invited;
    let phc = match env.passwords.hash(scope.org_id(), chosen.password).await {
        Ok(phc) => phc,
        Err(PasswordError::TooLong) => return Err(AcceptError::Invalid(vec![too_long()])),
        Err(error) => return Err(Failure::from(error).into()),
    };
    let arrival = Arrival::prepare(env, &scope, browser).await?;
    let mut tx = env.store.begin(&scope).await?;
    tx.organization().hold().await?; // before it is looked at who may
    if !password_allowed(&mut tx, &arrival, &invitation).await? {
        return Err(AcceptError::SsoRequired);
    }
    let newcomer = Newcomer { name: Some(name), phc: Some(&phc), origin: &browser.origin };
    let user_id = match redeem(env, &mut tx, invitation.id, &newcomer).await? {
        Ok(user_id) => user_id,
        Err(closed) => {
            drop(tx);
            return Err(refuse(env, &scope, (closed, Some(invitation.id)), &browser.origin).await?);
        }
    };
    let proven = Proven {
        user_id,
        method: SignInMethod::Password,
        amr: vec!["pwd".to_owned()],
        auth_time: env.clock.now(),
        ends_by: None,
        upstream: None,
    };
    let arrived = arrival.finish(tx, proven, detail_of(invitation.id)).await?;
    let landing = landing(env, &scope, &invitation).await?;
    Ok(Joined { scope, organization, arrived, landing, locale: invitation.locale })
}

pub(crate) fn detail_of(id: InvitationId) -> Vec<(&'static str, String)> {
    vec![("invitation", id.to_string())]
}

async fn password_allowed(
    tx: &mut OrgTx,
    arrival: &Arrival<'_>,
    invitation: &Invitation,
) -> Result<bool, Failure> {
    let of_verified_domain = tx.invitations().is_of_verified_domain(&invitation.email).await?;
    let subject = SsoSubject { of_verified_domain, break_glass: false };
    Ok(arrival.policy.sso_enforcement.allows(SignInMethod::Password, subject))
}

fn too_long() -> Problem {
    Problem { field: "password", why: Wrong::PasswordLong }
}

fn check(chosen: &Chosen<'_>) -> Result<DisplayName, AcceptError> {
    let mut problems = Vec::new();
    let name = DisplayName::parse(chosen.name);
    if name.is_err() {
        problems.push(Problem { field: "name", why: Wrong::Name });
    }
    problems.extend(check_password(chosen.password, chosen.again));
    match name {
        Ok(name) if problems.is_empty() => Ok(name),
        _ => Err(AcceptError::Invalid(problems)),
    }
}

/// What is wrong with a password that is chosen, wherever that is.
pub(crate) fn check_password(password: &str, again: &str) -> Option<Problem> {
    if password.chars().count() < MIN_PASSWORD {
        Some(Problem { field: "password", why: Wrong::PasswordShort })
    } else if password.len() > MAX_PASSWORD_BYTES {
        Some(too_long())
    } else if password != again {
        Some(Problem { field: "again", why: Wrong::Again })
    } else {
        None
    }
}

/// Where somebody goes on who has become a user.
pub(crate) async fn landing(
    env: &Env,
    scope: &OrgScope,
    invitation: &Invitation,
) -> Result<Option<String>, Failure> {
    let Some(key) = invitation.client else { return Ok(None) };
    let Some(client) = env.configuration.client_by_id(&env.store, key).await? else { return Ok(None) };
    Ok(if is_open(env, scope, &client).await? { initiation(env, scope, &client) } else { None })
}

/// The name and the address of each application that users of the organization can go on to.
///
/// # Errors
/// [`Failure`].
pub async fn applications(env: &Env, joined: &Joined) -> Result<Vec<(String, String)>, Failure> {
    let scope = &joined.scope;
    let mut tx = env.store.begin(scope).await?;
    let admitted = tx.clients().list_initiating(MAX_APPLICATIONS).await?;
    tx.commit().await?;
    let mut found = Vec::new();
    for key in admitted {
        let Some(client) = env.configuration.client_by_id(&env.store, key).await? else { continue };
        // Few of those who join may open a page of the administration, and those are told where it is.
        if let Some(to) = initiation(env, scope, &client).filter(|_| !client.is_built_in())
            && is_open(env, scope, &client).await?
        {
            found.push((client.name.as_str().to_owned(), to));
        }
    }
    found.sort();
    Ok(found)
}

/// Why nobody is sent to the identity provider.
#[derive(Debug, thiserror::Error)]
pub enum ThroughError {
    /// See [`AcceptError`].
    #[error(transparent)]
    Accept(#[from] AcceptError),
    /// See [`BeginError`].
    #[error(transparent)]
    Begin(#[from] BeginError),
}

/// Sends the browser of whoever is invited to an identity provider of the organization. Nothing is used up before they are
/// back.
///
/// # Errors
/// [`ThroughError`].
pub async fn accept_through(
    env: &Env,
    (text, connection): (&str, ConnectionId),
    browser: &Browser,
) -> Result<Departure, ThroughError> {
    let invited = look(env, text, &browser.origin).await?;
    let offered = invited.methods.connections.iter().find(|offered| offered.id == connection);
    let live = offered.and_then(|offered| offered.live_version);
    let Some(version) = live else {
        return Err(BeginError::Waiting(WaitingError::Over).into());
    };
    let purpose = UpstreamPurpose::Invitation(invited.invitation.id);
    let hint = Some(invited.invitation.email.as_str());
    Ok(begin_for(env, (&invited.scope, (connection, version)), (purpose, hint), browser).await?)
}

/// What the page says of a link that was refused while its holder was at the identity provider.
pub(crate) async fn refuse_late(
    env: &Env,
    scope: &OrgScope,
    (closed, id): (Closed, InvitationId),
    browser: &Browser,
) -> Result<(), Failure> {
    refuse(env, scope, (closed, Some(id)), &browser.origin).await.map(drop)
}
