//! Consent: a third-party client gets what its user lets it have, organization by organization (OIDC Core §3.1.2.4).

use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::clients::{Client, Party};
use orgate_domain::consents::{is_given, needed};
use orgate_domain::ids::UserId;
use orgate_domain::organizations::Organization;
use orgate_domain::standing::Standing;
use orgate_protocol::oauth::authorize::Prompt;
use orgate_protocol::oauth::{ErrorCode, RequestError};
use orgate_storage::OrgTx;
use orgate_storage::system::OrgHint;

use crate::authorize::{Answer, Pending, issue_code, still_suffices};
use crate::waiting::{Waiting, WaitingError, take_up};
use crate::{Browser, Env, Failure, events};

/// What the page shows.
#[derive(Debug)]
pub struct ConsentPage {
    /// The request.
    pub waiting: Waiting,
    /// The organization that it is in.
    pub organization: Organization,
    /// Who is asked: their address, else their name.
    pub user: String,
    /// What for.
    pub asks: Asks,
}

/// What a page asks a person to let a client have.
#[derive(Debug)]
pub struct Asks {
    /// What they have not consented to yet. With claims that are asked for by themselves it may be more than a
    /// request can name.
    pub new: Vec<String>,
    /// What they have.
    pub known: Vec<String>,
    /// Who says what the client is called.
    pub named_by: NamedBy,
    /// Whether it is the operator's.
    pub by_operator: bool,
}

/// Who says what a client is called and where it is at home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// Whoever administers the organization that owns it.
    Administrators,
    /// Itself, to an organization that lets clients register themselves.
    Itself,
    /// Itself, in the document at its address.
    Document,
}

/// What the request asks of the user, and what of it they have consented to.
pub(crate) async fn asks(env: &Env, waiting: &Waiting, user_id: UserId) -> Result<Asks, Failure> {
    let mut tx = env.store.begin(&waiting.scope).await?;
    let consent = tx.consents().find(user_id, waiting.client().key()).await?;
    tx.commit().await?;
    let had = consent.map(|consent| consent.scope).unwrap_or_default();
    let asked = needed(&waiting.asked().scope, &waiting.asked().claims);
    let (known, new) = asked.iter().map(str::to_owned).partition(|scope| had.contains(scope));
    let client = waiting.client();
    let operator = env.store.resolve(OrgHint::Operator).await?;
    let by_operator = operator.is_some_and(|operator| operator.scope.org_id() == client.owner);
    Ok(Asks { new, known, named_by: named_by(env, client).await?, by_operator })
}

async fn named_by(env: &Env, client: &Client) -> Result<NamedBy, Failure> {
    match client.settings.party {
        Party::First => return Ok(NamedBy::Administrators),
        Party::Unregistered => return Ok(NamedBy::Document),
        Party::Third => {}
    }
    let Some(owner) = env.store.resolve(OrgHint::Id(client.owner)).await? else {
        return Ok(NamedBy::Itself);
    };
    let mut tx = env.store.begin(&owner.scope).await?;
    let itself = tx.registrations().is_registered(client.id).await?;
    tx.commit().await?;
    Ok(if itself { NamedBy::Itself } else { NamedBy::Administrators })
}

/// What the person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The client may have all of it, the device come in.
    Allow,
    /// Neither.
    Deny,
}

/// Whether the client may have what it asks for without asking the user again.
pub(crate) async fn is_consented(
    tx: &mut OrgTx,
    pending: &Pending,
    user_id: UserId,
) -> Result<bool, Failure> {
    let Pending { client, asked, .. } = pending;
    if client.settings.party == Party::First {
        return Ok(true);
    }
    if client.settings.party == Party::Unregistered {
        return Ok(false); // who it is, only its address says: a person looks at it each time
    }
    let consent = tx.consents().find(user_id, client.key()).await?;
    let consented = consent.as_ref().map(|consent| &consent.scope);
    let needed = needed(&asked.scope, &asked.claims);
    Ok(!asked.prompt.contains(&Prompt::Consent) && is_given(client, consented, &needed))
}

/// Loads what the page shows.
///
/// # Errors
/// [`WaitingError::Over`] also for a request that waits for something else, or in whose session this browser is not.
pub async fn consent_page(env: &Env, handle: &str, browser: &Browser) -> Result<ConsentPage, WaitingError> {
    let waiting = take_up(env, handle, browser).await?;
    let mut tx = env.store.begin(&waiting.scope).await.map_err(Failure::from)?;
    let standing = asked_user(env, &mut tx, &waiting, browser).await?.ok_or(WaitingError::Over)?;
    tx.commit().await.map_err(Failure::from)?;
    let organization = waiting.organization.clone().ok_or(WaitingError::Over)?;
    let asks = asks(env, &waiting, standing.session.user_id).await?;
    let user = standing.user.label().to_owned();
    Ok(ConsentPage { waiting, organization, user, asks })
}

/// Whoever is asked: the user of the session that the request waits in, if this browser proves it and it stands.
async fn asked_user(
    env: &Env,
    tx: &mut OrgTx,
    waiting: &Waiting,
    browser: &Browser,
) -> Result<Option<Standing>, Failure> {
    let (Some(session), Some(cookie)) =
        (waiting.asked().consent_session, browser.session_of(waiting.scope.org_id()))
    else {
        return Ok(None);
    };
    let policy = env.configuration.policy(&env.store, &waiting.scope).await?;
    let standing = tx.sessions().find_by_cookie(&cookie.hash(), Some(waiting.client().key())).await?;
    let standing = standing.filter(|standing| standing.session.id == session);
    Ok(standing.filter(|standing| still_suffices(env, (waiting.client(), &policy), standing)))
}

/// Answers the request as the person says: consent, code, events and the end of the request in one transaction.
///
/// # Errors
/// [`WaitingError`].
pub async fn consent(
    env: &Env,
    waiting: &Waiting,
    said: Decision,
    browser: &Browser,
) -> Result<Answer, WaitingError> {
    let mut tx = env.store.begin(&waiting.scope).await.map_err(Failure::from)?;
    let standing = asked_user(env, &mut tx, waiting, browser).await?.ok_or(WaitingError::Over)?;
    let now = env.clock.now();
    let request = waiting.asked().id;
    if !tx.authorization_requests().consume(request, now).await.map_err(Failure::from)? {
        return Err(WaitingError::Over);
    }
    let policy = env.configuration.policy(&env.store, &waiting.scope).await.map_err(Failure::from)?;
    let admitted = policy.admits(waiting.client().settings.party);
    let answer = match (admitted, said) {
        (true, Decision::Allow) => allow(env, &mut tx, (waiting, &standing), browser).await?,
        (true, Decision::Deny) => {
            let why = "the user did not consent to what the application asks for";
            deny(env, &mut tx, (waiting, &standing), (None, why), browser).await?
        }
        (false, _) => {
            let why = "the organization does not admit the application";
            deny(env, &mut tx, (waiting, &standing), (Some("third_party_forbidden"), why), browser).await?
        }
    };
    tx.commit().await.map_err(Failure::from)?;
    Ok(answer)
}

async fn allow(
    env: &Env,
    tx: &mut OrgTx,
    (waiting, standing): (&Waiting, &Standing),
    browser: &Browser,
) -> Result<Answer, WaitingError> {
    let asked = waiting.asked();
    keep(env, tx, (waiting, standing), browser).await?;
    let event = events::done(env, Action::AuthorizationIssued, &browser.origin).map_err(Failure::from)?;
    let resolved_by = asked.resolved_by.map(|reason| ("resolved_by", reason.as_str().to_owned()));
    let issued = Event { detail: resolved_by.into_iter().collect(), ..about(waiting, standing, event) };
    let code = issue_code(env, tx, &waiting.pending, (&standing.session, &issued))
        .await?
        .ok_or(WaitingError::Over)?;
    Ok(waiting.pending.answer(Ok(code.reveal().to_owned())))
}

/// Keeps what the user of the session lets a third-party client have, with the event that says so.
pub(crate) async fn keep(
    env: &Env,
    tx: &mut OrgTx,
    (waiting, standing): (&Waiting, &Standing),
    browser: &Browser,
) -> Result<(), Failure> {
    let (client, asked, user_id) = (waiting.client(), waiting.asked(), standing.session.user_id);
    if client.settings.party == Party::First {
        return Ok(());
    }
    let scope = needed(&asked.scope, &asked.claims);
    tx.consents().save(user_id, client.key(), &scope, env.clock.now()).await?;
    let event = events::done(env, Action::ConsentGiven, &browser.origin)?;
    let given = Event { detail: vec![("scope", scope.to_string())], ..about(waiting, standing, event) };
    Ok(tx.audit().insert(&given).await?)
}

/// Whatever the client may have already, it keeps.
async fn deny(
    env: &Env,
    tx: &mut OrgTx,
    (waiting, standing): (&Waiting, &Standing),
    (reason, why): (Option<&'static str>, &'static str),
    browser: &Browser,
) -> Result<Answer, WaitingError> {
    let reason = reason.unwrap_or("denied");
    let event =
        events::refused(env, Action::ConsentDenied, reason, &browser.origin).map_err(Failure::from)?;
    tx.audit().insert(&about(waiting, standing, event)).await.map_err(Failure::from)?;
    Ok(waiting.pending.refuse(RequestError::new(ErrorCode::AccessDenied, why)))
}

fn about(waiting: &Waiting, standing: &Standing, event: Event) -> Event {
    Event {
        actor: Actor::User(standing.session.user_id),
        user_id: Some(standing.session.user_id),
        session_id: Some(standing.session.id),
        client: Some(waiting.client().key()),
        ..event
    }
}
