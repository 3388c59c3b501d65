//! The end of a request, in a session: a code for the client; for a device, a last question.

use chrono::{DateTime, Utc};
use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::credentials::{AuthorizationCode as Code, Credential};
use orgate_domain::ids::GrantId;
use orgate_domain::organizations::OrgStatus;
use orgate_domain::policies::CODE_LIFETIME;
use orgate_domain::resolution::Reason;
use orgate_domain::sessions::Session;
use orgate_domain::standing::{Standing, UserStatus};
use orgate_domain::tokens::AuthorizationCode;
use orgate_storage::{ForDevice, NewCode, OrgTx};

use crate::authorize::{Destination, Next, Pending, Question, store};
use crate::consent::is_consented;
use crate::{Browser, Env, Failure, events};

/// `None` if the session ended meanwhile.
pub(super) async fn issue_in_session(
    env: &Env,
    tx: &mut OrgTx,
    (pending, standing, reason): (&Pending, &Standing, Reason),
    browser: &Browser,
) -> Result<Option<Next>, Failure> {
    let action = match pending.to {
        Destination::Client(_) if is_consented(tx, pending, standing.session.user_id).await? => {
            Action::AuthorizationIssued
        }
        // Nothing is issued before it is consented to, or approved.
        Destination::Client(_) | Destination::Device(_) => Action::OrganizationResolved,
    };
    let event = events::done(env, action, &browser.origin)?;
    let event = Event {
        actor: Actor::User(standing.session.user_id),
        user_id: Some(standing.session.user_id),
        session_id: Some(standing.session.id),
        client: Some(pending.client.key()),
        detail: vec![("resolved_by", reason.as_str().to_owned())],
        ..event
    };
    conclude(env, tx, pending, (&standing.session, &event)).await
}

/// Answers a request in a session, with the event that says so: the client gets a code; where it is a device, or
/// somebody else's and lacks the user's consent, the person is asked first: as another request, which this session
/// answers otherwise. `None` if the session has ended.
pub(crate) async fn conclude(
    env: &Env,
    tx: &mut OrgTx,
    pending: &Pending,
    (session, event): (&Session, &Event),
) -> Result<Option<Next>, Failure> {
    let mut asked = pending.asked.clone();
    let question = match pending.to {
        Destination::Client(_) if is_consented(tx, pending, session.user_id).await? => {
            let code = issue_code(env, tx, pending, (session, event)).await?;
            return Ok(code.map(|code| Next::Answer(pending.answer(Ok(code.reveal().to_owned())))));
        }
        Destination::Client(_) => {
            asked.consent_session = Some(session.id);
            Question::Consent
        }
        Destination::Device(id) => {
            asked.device = Some(ForDevice { id, session: Some(session.id) });
            Question::Approve
        }
    };
    // As the statement that issues a code does: a change that was to end the session may have been first.
    let standing = tx.sessions().find_standing(session.id, pending.client.key()).await?;
    let stands = |standing: &Standing| {
        standing.user.status == UserStatus::Active && standing.org_status == OrgStatus::Active
    };
    if !standing.as_ref().is_some_and(stands) {
        return Ok(None);
    }
    tx.audit().insert(event).await?;
    Ok(Some(Next::Ask(question, store(env, tx, &mut asked).await?)))
}

/// Issues a code for `pending` in the session, with the event that says so; `None` if the session has ended.
pub(crate) async fn issue_code(
    env: &Env,
    tx: &mut OrgTx,
    pending: &Pending,
    in_session: (&Session, &Event),
) -> Result<Option<Credential<Code>>, Failure> {
    let text = env.random.credential::<Code>(tx.org_id())?;
    let lapses = env.clock.now() + CODE_LIFETIME;
    Ok(issue(env, tx, pending, (&text, lapses), in_session).await?.then_some(text))
}

/// Issues the code with this text; `false` if the session has ended.
pub(crate) async fn issue(
    env: &Env,
    tx: &mut OrgTx,
    pending: &Pending,
    (text, lapses): (&Credential<Code>, DateTime<Utc>),
    (session, event): (&Session, &Event),
) -> Result<bool, Failure> {
    let asked = &pending.asked;
    let code = AuthorizationCode {
        grant_id: GrantId::from_uuid(env.random.uuid(env.clock.now())?),
        user_id: session.user_id,
        session_id: session.id,
        client_owner: asked.client_owner,
        client_id: asked.client_id,
        redirect_uri: asked.redirect_uri.clone(),
        code_challenge: asked.code_challenge,
        resource: asked.resource.clone(),
        dpop_jkt: asked.dpop_jkt.clone(),
        issuer: Some(pending.issuer.as_str().to_owned()),
        scope: asked.scope.clone(),
        claims: asked.claims.clone(),
        nonce: asked.nonce.clone(),
        expires_at: lapses,
    };
    let new = NewCode { hash: text.hash(), code: &code, pushed: asked.pushed };
    Ok(tx.codes().issue(&new, event).await?)
}
