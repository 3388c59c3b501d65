//! Somebody who is invited is back from the organization's identity provider.
//!
//! **Invariant:** an invitation is used by whoever the provider says has the invited address; where SSO is enforced for that
//! address, only if the organization verified its domain and the connection serves it, so that the provider's word is proof.

use orgate_domain::connections::{ConnectionState, EntryPath, Mapped};
use orgate_domain::email::Email;
use orgate_domain::ids::{InvitationId, UserId};
use orgate_domain::invitations::Invitation;
use orgate_domain::organizations::Organization;
use orgate_domain::sessions::SignInMethod;
use orgate_domain::standing::SsoSubject;
use orgate_storage::{Connection, IdentityKey, OrgTx, UpstreamEnd};

use super::UpstreamIdentity;
use super::callback::{Returned, Returning};
use super::trace::{Rejection, Trace};
use crate::Failure;
use crate::arrive::Arrival;
use crate::complete::Proven;
use crate::invitations::accept::{Joined, detail_of, landing, refuse_late};
use crate::invitations::{Closed, Newcomer, redeem};
use crate::waiting::WaitingError;

/// What was decided.
struct Decided {
    user_id: UserId,
    connection: Connection,
    mapped: Mapped,
    invitation: Invitation,
    organization: Organization,
}

/// Why nobody becomes a user.
enum Refused {
    Closed(Closed),
    Rejected(Rejection),
}

/// Uses the invitation, if it is still good and they are who was invited.
pub(super) async fn finish_invitation(
    returning: &Returning<'_>,
    id: InvitationId,
    identity: UpstreamIdentity,
    mut trace: Trace,
) -> Result<Returned, WaitingError> {
    let (env, scope, browser) = (returning.env, &returning.scope, returning.browser);
    let arrival = Arrival::prepare(env, scope, browser).await?;
    let logout = returning.seal_logout(&identity).await?;
    let mut tx = returning.begin().await?;
    if !tx
        .upstream()
        .consume_and_hold(&returning.request.request.state, env.clock.now())
        .await
        .map_err(Failure::from)?
    {
        return Err(WaitingError::Over);
    }
    let decided = match decide(returning, &mut tx, (id, &identity, &arrival), &mut trace).await? {
        Ok(decided) => decided,
        Err(Refused::Rejected(rejection)) => {
            drop(tx);
            return returning.reject(rejection, trace).await;
        }
        Err(Refused::Closed(closed)) => {
            drop(tx);
            refuse_late(env, scope, (closed, id), browser).await?;
            return Ok(Returned::InvitationClosed(closed));
        }
    };
    let proven = Proven {
        user_id: decided.user_id,
        method: SignInMethod::Connection(decided.connection.id),
        amr: identity.amr,
        auth_time: identity.auth_time.unwrap_or_else(|| env.clock.now()),
        ends_by: identity.ends_by,
        upstream: Some(UpstreamEnd {
            subject: identity.named,
            identity: Some((
                returning.version.settings.provider.identifier().to_owned(),
                decided.mapped.subject,
            )),
            sid: identity.sid,
            logout,
        }),
    };
    let arrived = arrival.finish(tx, proven, detail_of(id)).await?;
    let landing = landing(env, scope, &decided.invitation).await?;
    let (scope, organization, locale) = (*scope, decided.organization, decided.invitation.locale);
    Ok(Returned::Joined(Box::new(Joined { scope, organization, arrived, landing, locale })))
}

/// Everything that decides, in the transaction in which the invitation is used.
async fn decide(
    returning: &Returning<'_>,
    tx: &mut OrgTx,
    (id, identity, arrival): (InvitationId, &UpstreamIdentity, &Arrival<'_>),
    trace: &mut Trace,
) -> Result<Result<Decided, Refused>, WaitingError> {
    let (env, rejected) = (returning.env, |rejection| Ok(Err(Refused::Rejected(rejection))));
    let connection = returning.connection(tx).await?;
    let mapped = match returning.map(tx, &connection, identity, trace).await? {
        Ok(mapped) => mapped,
        Err(rejection) => return rejected(rejection),
    };
    let in_pilot = connection.state == ConnectionState::Pilot;
    let piloted = match mapped.address.own().filter(|_| in_pilot) {
        Some(email) => tx.connections().is_piloted(connection.id, email).await.map_err(Failure::from)?,
        None => false,
    };
    if let Err(refusal) = connection.state.admits(EntryPath::SignIn, piloted.into()) {
        let why = "the connection is not active, or this user is not in its pilot";
        return rejected(trace.fail(refusal.as_str(), why));
    }
    if let Err(rejection) = returning.check_current(&connection, trace) {
        return rejected(rejection);
    }
    let invitation = tx.invitations().find(id).await.map_err(Failure::from)?;
    let organization = tx.organization().find().await.map_err(Failure::from)?;
    let Some((invitation, organization)) = invitation.zip(organization) else {
        return Ok(Err(Refused::Closed(Closed::Unknown)));
    };
    if let Err(rejection) = check_address(tx, (&invitation, &mapped), arrival, trace).await? {
        return rejected(rejection);
    }
    let key = IdentityKey {
        connection: connection.id,
        provider: returning.version.settings.provider.identifier(),
        subject: &mapped.subject,
    };
    if tx.identities().find_user(key).await.map_err(Failure::from)?.is_some() {
        return rejected(trace.fail("identity_taken", "the identity is linked to a user already"));
    }
    let newcomer = Newcomer { name: mapped.name.clone(), phc: None, origin: &returning.browser.origin };
    let user_id = match redeem(env, tx, id, &newcomer).await? {
        Ok(user_id) => user_id,
        Err(closed) => return Ok(Err(Refused::Closed(closed))),
    };
    let asserted = mapped.address.email().map(Email::as_str);
    let kept = (asserted, &mapped.kept);
    let linked =
        tx.identities().save_link(key, user_id, kept, env.clock.now()).await.map_err(Failure::from)?;
    if !linked {
        return rejected(trace.fail("identity_taken", "the identity was linked to another user meanwhile"));
    }
    let by = (connection.id, user_id);
    tx.identities().replace_mapped(by, &mapped.roles, &mapped.groups).await.map_err(Failure::from)?;
    Ok(Ok(Decided { user_id, connection, mapped, invitation, organization }))
}

/// Whether they are who was invited.
async fn check_address(
    tx: &mut OrgTx,
    (invitation, mapped): (&Invitation, &Mapped),
    arrival: &Arrival<'_>,
    trace: &mut Trace,
) -> Result<Result<(), Rejection>, Failure> {
    let of_verified_domain = tx.invitations().is_of_verified_domain(&invitation.email).await?;
    let subject = SsoSubject { of_verified_domain, break_glass: false };
    let enforced = !arrival.policy.sso_enforcement.allows(SignInMethod::Password, subject);
    let is_invited = |email: &Email| email.normalized() == invitation.email.normalized();
    let asserted = mapped.address.email().is_some_and(is_invited);
    let own = mapped.address.own().is_some_and(is_invited);
    Ok(trace.check("invited_address", asserted && (own || !enforced), || {
        if asserted {
            "the address is the invited one, but the provider's word for it is no proof: its domain is not verified, or \
             the connection does not serve it"
                .to_owned()
        } else {
            "another address was invited than the identity provider says they have".to_owned()
        }
    }))
}
