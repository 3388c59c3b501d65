//! The facts that organization resolution decides on, looked up in its order and no further than
//! it needs.

use orgate_domain::clients::{Audience, Client, Party};
use orgate_domain::email::{DomainName, Email};
use orgate_domain::ids::{OrgId, UserId};
use orgate_domain::organizations::OrgStatus;
use orgate_domain::resolution::{Asking, Facts, KnownSession, Membership, Named};
use orgate_protocol::oauth::authorize::{AuthorizationRequest, Prompt};
use orgate_protocol::oauth::{ErrorCode, RequestError};
use orgate_storage::OrgScope;
use orgate_storage::system::{OrgName, ProvenSession, ResolvedOrg};

use crate::authorize::owner_only;
use crate::{Browser, Env, Failure, hints};

/// What a request says of its organization, looked up.
#[derive(Debug)]
pub struct Known {
    /// For the decision.
    pub facts: Facts,
    /// The user of a verified `id_token_hint`, or the one that `claims` asks for.
    pub(crate) expected_user: Option<UserId>,
    /// Scopes met on the way, so that the organization that is decided need not be resolved again.
    pub(crate) scopes: Vec<OrgScope>,
}

/// Looks up what `request` says. The inner error is the client's to hear.
pub(crate) async fn gather(
    env: &Env,
    request: &AuthorizationRequest,
    (client, host): (&Client, Option<OrgId>),
    browser: &Browser,
) -> Result<Result<Known, RequestError>, Failure> {
    let hint = match &request.id_token_hint {
        Some(token) => read_hint(env, token).await?,
        None => None,
    };
    if request.id_token_hint.is_some() && hint.is_none() {
        let text = "id_token_hint is not an ID token of this issuer";
        return Ok(Err(RequestError::invalid_request(text)));
    }
    let (id_token_hint, hinted) = hint.unzip();
    let expected_user = match expected_user(request, hinted) {
        Ok(expected) => expected,
        Err(error) => return Ok(Err(error)),
    };
    let named = match &request.organization {
        Some(text) => env.configuration.organization(&env.store, text).await?,
        None => None,
    };
    let mut scopes = Vec::from_iter(named);
    let mut facts = Facts {
        host,
        client: owner_only(client),
        parameter: match (&request.organization, named) {
            (None, _) => Named::Nothing,
            (Some(_), None) => Named::Unknown,
            (Some(_), Some(scope)) => Named::Organization(scope.org_id()),
        },
        id_token_hint,
        asking: asking(request),
        ..Facts::default()
    };
    let bound = facts.host.or(facts.client).or(facts.id_token_hint).is_some();
    if !bound && facts.parameter == Named::Nothing {
        scopes = look_further(env, request, &mut facts, (client, browser)).await?;
    }
    Ok(Ok(Known { facts, expected_user, scopes }))
}

/// Sources 5 and 6, asked only where the first four are silent.
async fn look_further(
    env: &Env,
    request: &AuthorizationRequest,
    facts: &mut Facts,
    (client, browser): (&Client, &Browser),
) -> Result<Vec<OrgScope>, Failure> {
    let domain = request.domain_hint.as_deref().and_then(|text| DomainName::parse(text).ok());
    let by_domain = owners_of(env, domain, client).await?;
    let address = request.login_hint.as_deref().and_then(|text| Email::parse(text).ok());
    let by_address = owners_of(env, address.map(|address| address.domain()), client).await?;
    if by_domain.len() > 1 || by_address.len() > 1 {
        // Several share the domain, and no session says which of them is meant now: the person is asked.
        return Ok(Vec::new());
    }
    let (by_domain, by_address) = (by_domain.into_iter().next(), by_address.into_iter().next());
    facts.domain_hint = by_domain.map(|scope| scope.org_id());
    facts.login_hint = by_address.map(|scope| scope.org_id());
    if by_domain.or(by_address).is_some() {
        return Ok(by_domain.into_iter().chain(by_address).collect());
    }
    let sessions = usable_sessions(env, client, browser).await?;
    for session in &sessions {
        let membership =
            if sessions.len() == 1 { membership(env, session).await? } else { Membership::Several };
        facts.sessions.push(KnownSession { org_id: session.session.org_id, membership });
    }
    Ok(sessions.iter().map(|session| session.scope).collect())
}

/// The organization and the user of an `id_token_hint`.
async fn read_hint(env: &Env, token: &str) -> Result<Option<(OrgId, UserId)>, Failure> {
    let claims = hints::read(env, token).await?;
    Ok(claims.and_then(|claims| Some((claims.org_id.parse().ok()?, claims.sub.parse().ok()?))))
}

/// Whoever else signs in, is not whom the client asked for (OIDC Core §3.1.2.2).
fn expected_user(
    request: &AuthorizationRequest,
    hinted: Option<UserId>,
) -> Result<Option<UserId>, RequestError> {
    let Some(subject) = request.claims.subject() else { return Ok(hinted) };
    match subject.parse::<UserId>() {
        Ok(user) if hinted.is_none_or(|hinted| hinted == user) => Ok(Some(user)),
        _ => {
            Err(RequestError::new(ErrorCode::LoginRequired, "claims asks for a user who cannot sign in here"))
        }
    }
}

/// The organization that `text`, an id or a slug, names.
pub(crate) async fn find_organization(env: &Env, text: &str) -> Result<Option<ResolvedOrg>, Failure> {
    let Some(name) = OrgName::parse(text) else { return Ok(None) };
    Ok(env.store.resolve(name.hint()).await?)
}

/// The organizations that verified a domain and could be entered with this client: what a hint
/// leads to must not tell who else is a customer.
async fn owners_of(env: &Env, domain: Option<DomainName>, client: &Client) -> Result<Vec<OrgScope>, Failure> {
    let Some(domain) = domain else { return Ok(Vec::new()) };
    let mut open = Vec::new();
    for owner in env.store.resolve_domain(&domain).await? {
        if owner.status != OrgStatus::Deleted && admits(env, client, &owner.scope).await? {
            open.push(owner.scope);
        }
    }
    Ok(open)
}

fn asking(request: &AuthorizationRequest) -> Asking {
    if request.prompt.contains(&Prompt::None) {
        Asking::Forbidden
    } else if request.prompt.contains(&Prompt::SelectAccount) {
        Asking::Demanded
    } else {
        Asking::Allowed
    }
}

/// The sessions that this browser proves, that are live, and whose organizations may use `client`.
pub(crate) async fn usable_sessions(
    env: &Env,
    client: &Client,
    browser: &Browser,
) -> Result<Vec<ProvenSession>, Failure> {
    let mut usable = Vec::new();
    for proven in live_sessions(env, browser).await? {
        if admits(env, client, &proven.scope).await? {
            usable.push(proven);
        }
    }
    Ok(usable)
}

/// The sessions that this browser proves, and that are live; the last used first.
pub(crate) async fn live_sessions(env: &Env, browser: &Browser) -> Result<Vec<ProvenSession>, Failure> {
    let now = env.clock.now();
    let mut live = Vec::new();
    for proven in env.store.choose(&browser.session_hashes()).await? {
        let idle = env.configuration.policy(&env.store, &proven.scope).await?.session_idle;
        let may = proven.user_active && proven.org_status == OrgStatus::Active;
        if may && proven.session.is_live(now, idle) {
            live.push(proven);
        }
    }
    Ok(live)
}

/// Whether the organization may use the client, and wants to.
async fn admits(env: &Env, client: &Client, scope: &OrgScope) -> Result<bool, Failure> {
    if !welcomes(env, client, scope).await? {
        return Ok(false);
    }
    if client.audience == Audience::All {
        return Ok(true);
    }
    let mut tx = env.store.begin(scope).await?;
    let admission = tx.clients().find_admission(client.key()).await?;
    tx.commit().await?;
    Ok(admission.is_some())
}

/// Whether the organization's policy admits clients like this one. It is read for third-party clients only.
pub(crate) async fn welcomes(env: &Env, client: &Client, scope: &OrgScope) -> Result<bool, Failure> {
    let party = client.settings.party;
    Ok(party == Party::First || env.configuration.policy(&env.store, scope).await?.admits(party))
}

/// Whether the session's user is known in other organizations: by a person link, or because their
/// address is verified there too.
async fn membership(env: &Env, proven: &ProvenSession) -> Result<Membership, Failure> {
    if proven.linked_elsewhere {
        return Ok(Membership::Several);
    }
    if !proven.email_verified {
        return Ok(Membership::Single); // an address that nobody proved reveals no membership
    }
    let Some(address) = proven.email.as_deref().and_then(|email| Email::stored(email).ok()) else {
        return Ok(Membership::Several);
    };
    let elsewhere = env.store.discover(&env.vault.email_hashes(&address)).await?;
    let several = elsewhere.iter().any(|org| org.scope.org_id() != proven.session.org_id);
    Ok(if several { Membership::Several } else { Membership::Single })
}
