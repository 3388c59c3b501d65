//! The facts that organization resolution decides on, looked up in its order and no further than
//! it needs.

use orgate_domain::clients::{Audience, Client};
use orgate_domain::email::{DomainName, Email};
use orgate_domain::ids::OrgId;
use orgate_domain::names::Slug;
use orgate_domain::organizations::OrgStatus;
use orgate_domain::resolution::{Asking, Facts, KnownSession, Membership, Named};
use orgate_protocol::jose::claims::{ID_TOKEN_TYPE, IdTokenClaims};
use orgate_protocol::oauth::RequestError;
use orgate_protocol::oauth::authorize::{AuthorizationRequest, Prompt};
use orgate_storage::system::{OrgHint, ProvenSession};

use crate::authorize::owner_only;
use crate::{Browser, Env, Failure};

/// What a request says of its organization, looked up.
#[derive(Debug)]
pub struct Known {
    /// For the decision.
    pub facts: Facts,
    /// The `sub` of a verified `id_token_hint`.
    pub expected_user: Option<String>,
}

/// Looks up what `request` says. The inner error is the client's to hear.
pub(crate) async fn gather(
    env: &Env,
    request: &AuthorizationRequest,
    (client, host): (&Client, Option<OrgId>),
    browser: &Browser,
) -> Result<Result<Known, RequestError>, Failure> {
    let hint = match request.id_token_hint.as_deref().map(|token| read_hint(env, token)).transpose() {
        Ok(hint) => hint,
        Err(error) => return Ok(Err(error)),
    };
    let (id_token_hint, expected_user) = hint.unzip();
    let parameter = named(env, request.organization.as_deref()).await?;
    let mut facts = Facts {
        host,
        client: owner_only(client),
        parameter,
        id_token_hint,
        asking: asking(request),
        ..Facts::default()
    };
    let bound = facts.host.or(facts.client).or(facts.id_token_hint).is_some();
    if !bound && facts.parameter == Named::Nothing {
        look_further(env, request, &mut facts, (client, browser)).await?;
    }
    Ok(Ok(Known { facts, expected_user }))
}

/// Sources 5 and 6, asked only where the first four are silent.
async fn look_further(
    env: &Env,
    request: &AuthorizationRequest,
    facts: &mut Facts,
    (client, browser): (&Client, &Browser),
) -> Result<(), Failure> {
    let domain = request.domain_hint.as_deref().and_then(|text| DomainName::parse(text).ok());
    facts.domain_hint = owner_of(env, domain).await?;
    let address = request.login_hint.as_deref().and_then(|text| Email::parse(text).ok());
    facts.login_hint = owner_of(env, address.map(|address| address.domain())).await?;
    if facts.domain_hint.or(facts.login_hint).is_some() {
        return Ok(());
    }
    let sessions = usable_sessions(env, client, browser).await?;
    for session in &sessions {
        let membership =
            if sessions.len() == 1 { membership(env, session).await? } else { Membership::Several };
        facts.sessions.push(KnownSession { org_id: session.session.org_id, membership });
    }
    Ok(())
}

/// An `id_token_hint` that this issuer signed, expired or not (OIDC Core §3.1.2.1): its
/// organization and its user.
fn read_hint(env: &Env, token: &str) -> Result<(OrgId, String), RequestError> {
    let refused = || RequestError::invalid_request("id_token_hint is not an ID token of this issuer");
    let claims: IdTokenClaims = env.keys.verify(token, ID_TOKEN_TYPE).map_err(|_| refused())?;
    if claims.iss != env.issuer.as_str() {
        return Err(refused());
    }
    let org_id = claims.org_id.parse().map_err(|_| refused())?;
    Ok((org_id, claims.sub))
}

async fn named(env: &Env, organization: Option<&str>) -> Result<Named, Failure> {
    let Some(text) = organization else { return Ok(Named::Nothing) };
    let resolved = match (text.parse::<OrgId>(), Slug::parse(text)) {
        (Ok(id), _) => env.store.resolve(OrgHint::Id(id)).await?,
        (_, Ok(slug)) => env.store.resolve(OrgHint::Slug(&slug)).await?,
        _ => None,
    };
    Ok(resolved.map_or(Named::Unknown, |org| Named::Organization(org.scope.org_id())))
}

async fn owner_of(env: &Env, domain: Option<DomainName>) -> Result<Option<OrgId>, Failure> {
    let Some(domain) = domain else { return Ok(None) };
    Ok(env.store.resolve(OrgHint::Domain(&domain)).await?.map(|org| org.scope.org_id()))
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
    let now = env.clock.now();
    let mut usable = Vec::new();
    for proven in env.store.choose(&browser.session_hashes()).await? {
        let idle = env.configuration.policy(&env.store, &proven.scope).await?.session_idle;
        let live = proven.session.is_live(now, idle) && proven.user_active;
        if live && proven.org_status == OrgStatus::Active && admits(env, client, &proven).await? {
            usable.push(proven);
        }
    }
    Ok(usable)
}

async fn admits(env: &Env, client: &Client, proven: &ProvenSession) -> Result<bool, Failure> {
    if client.audience == Audience::All {
        return Ok(true);
    }
    let mut tx = env.store.begin(&proven.scope).await?;
    let admission = tx.clients().find_admission(client.key()).await?;
    tx.commit().await?;
    Ok(admission.is_some())
}

/// Whether the session's user is known in other organizations: by a person link, or because their
/// address is verified there too.
async fn membership(env: &Env, proven: &ProvenSession) -> Result<Membership, Failure> {
    if proven.linked_elsewhere {
        return Ok(Membership::Several);
    }
    let Ok(address) = Email::parse(&proven.email) else { return Ok(Membership::Several) };
    let elsewhere = env.store.discover(&env.vault.email_hash(&address)).await?;
    let several = elsewhere.iter().any(|org| org.scope.org_id() != proven.session.org_id);
    Ok(if several { Membership::Several } else { Membership::Single })
}
