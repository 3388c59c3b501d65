//! Making, listing, opening and taking back set-up links.

use std::collections::BTreeSet;

use chrono::Duration;
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::connections::RoleSlugs;
use orgate_domain::credentials::{Credential, SecretHash, SetupCookie, SetupLink as LinkSecret};
use orgate_domain::ids::{SessionId, SetupLinkId};
use orgate_domain::organizations::{OrgStatus, Organization};
use orgate_domain::permissions::{Held, is_reserved};
use orgate_domain::setup::{LinkMaker, MAX_LIFETIME, SetupLink, SetupLinkRefusal, SetupPurpose};
use orgate_storage::{MAX_PAGE, NewSetupLink, OrgScope, OrgTx, PageOf, Role, StorageError};

use super::ground::Ground;
use super::{Closed, Opened, Setup, SetupError};
use crate::limits::Limited;
use crate::manage::change::{KeyReused, Once};
use crate::{Browser, Env, Failure, events};

/// How the cookie ends of a set-up that an administrator opened for themselves, from the pages that they run the organization by.
const OWN: &str = ".own";

/// Links that an organization makes itself within the longest life of one: none of those that are good is older.
const MAX_MADE: i64 = 500;

/// Links for themselves that somebody makes in one session: they keep nobody else from making any.
const MAX_OWN: i64 = 100;

/// A link as wanted.
#[derive(Debug, Clone)]
pub struct WantedLink {
    /// What it is for.
    pub purposes: BTreeSet<SetupPurpose>,
    /// Slugs of the roles that what it sets up may give.
    pub roles: RoleSlugs,
    /// How long it is good for.
    pub lifetime: Duration,
}

/// A link that was made.
#[derive(Debug)]
pub struct CreatedLink {
    /// What is known of it.
    pub link: SetupLink,
    /// Its address, secret and all: shown once.
    pub url: String,
    /// Those of its roles that administer the organization itself.
    pub administrative: Vec<String>,
}

/// Why none is made.
#[derive(Debug, thiserror::Error)]
pub enum CreateLinkError {
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
    /// See [`KeyReused`].
    #[error(transparent)]
    KeyReused(#[from] KeyReused),
    /// It would live too long, or not at all.
    #[error("a link lives for one hour to {} days", MAX_LIFETIME.num_days())]
    Lifetime,
    /// The same request made this one before.
    #[error("it was made before: {0}")]
    MadeBefore(SetupLinkId),
    /// It would be for nothing.
    #[error("say what the link is for: sso, domains, or both")]
    Purpose,
    /// It would give others what its maker could not give them.
    #[error("the role {0} is not yours to give")]
    RoleAbove(String),
    /// The organization had as many made as it may.
    #[error(
        "the organization made {MAX_MADE} set-up links within {} days; wait until the first of them is older, or ask the operator",
        MAX_LIFETIME.num_days()
    )]
    TooMany,
    /// The organization has no such role.
    #[error("the organization has no role {0}")]
    UnknownRole(String),
}

impl From<StorageError> for CreateLinkError {
    fn from(error: StorageError) -> Self {
        Self::Failure(error.into())
    }
}

/// Who makes a link.
pub(crate) struct Maker<'a> {
    /// That it was made, by whom.
    pub(crate) event: Event,
    /// Whether they could give others this role.
    pub(crate) may_give: &'a (dyn Fn(&Role) -> bool + Sync),
    /// By which the request is told from others.
    pub(crate) once: Option<Once>,
    /// The session of whoever makes it for themselves.
    pub(crate) session: Option<SessionId>,
}

/// Makes a link for whoever runs the server: with whatever roles.
///
/// # Errors
/// [`CreateLinkError`].
pub async fn create_link(
    env: &Env,
    scope: &OrgScope,
    wanted: &WantedLink,
    actor: Actor,
) -> Result<CreatedLink, CreateLinkError> {
    let event = events::done(env, Action::SetupLinkCreated, &Origin::default()).map_err(Failure::from)?;
    create_link_as(
        env,
        scope,
        wanted,
        Maker { event: Event { actor, ..event }, may_give: &|_| true, once: None, session: None },
    )
    .await
}

/// Makes a link.
///
/// # Errors
/// [`CreateLinkError`].
pub(crate) async fn create_link_as(
    env: &Env,
    scope: &OrgScope,
    wanted: &WantedLink,
    Maker { event, may_give, once, session }: Maker<'_>,
) -> Result<CreatedLink, CreateLinkError> {
    let least = if session.is_some() { Duration::zero() } else { Duration::hours(1) };
    if wanted.lifetime < least || wanted.lifetime > MAX_LIFETIME {
        return Err(CreateLinkError::Lifetime);
    }
    if wanted.purposes.is_empty() {
        return Err(CreateLinkError::Purpose);
    }
    let now = env.clock.now();
    let id = SetupLinkId::from_uuid(env.random.uuid(now).map_err(Failure::from)?);
    let secret = env.random.credential::<LinkSecret>(scope.org_id()).map_err(Failure::from)?;
    let link = SetupLink {
        id,
        purposes: wanted.purposes.clone(),
        role_ceiling: wanted.roles.clone(),
        created_by: event.actor.id().unwrap_or_else(|| event.actor.kind().to_owned()),
        created_at: now,
        expires_at: now + wanted.lifetime,
        session,
        revoked_at: None,
        last_used_at: None,
    };
    let mut tx = env.store.begin(scope).await?;
    if let Some(once) = once
        && let Some(before) = once.claim(env, &mut tx, id.as_uuid()).await??
    {
        return Err(CreateLinkError::MadeBefore(SetupLinkId::from_uuid(before)));
    }
    let roles = tx.roles().list().await?;
    let unknown = wanted.roles.iter().find(|wanted| roles.iter().all(|role| role.slug.as_str() != *wanted));
    if let Some(unknown) = unknown {
        return Err(CreateLinkError::UnknownRole(unknown.clone()));
    }
    let mut given = roles.iter().filter(|role| wanted.roles.contains(role.slug.as_str()));
    if let Some(above) = given.find(|role| !may_give(role)) {
        return Err(CreateLinkError::RoleAbove(above.slug.to_string()));
    }
    let bounded = event.actor != Actor::Operator; // who is not shut out by what an organization does to itself
    let most = if session.is_some() { MAX_OWN } else { MAX_MADE };
    if bounded && tx.setup_links().count_made(now - MAX_LIFETIME, session).await? >= most {
        return Err(CreateLinkError::TooMany);
    }
    tx.setup_links().insert(&NewSetupLink { link: &link, token: secret.hash() }).await?;
    let detail = [detail_of(&link), event.detail.clone()].concat();
    tx.audit().insert(&Event { detail, ..event }).await?;
    tx.commit().await?;
    let url = env.issuer.at(&format!("/setup?link={}", secret.reveal()));
    Ok(CreatedLink { administrative: administrative(&roles, &link), url, link })
}

/// Those of a link's roles that administer the organization itself.
pub(crate) fn administrative(roles: &[Role], link: &SetupLink) -> Vec<String> {
    let administers = |permissions: &BTreeSet<String>| permissions.iter().any(|text| is_reserved(text));
    let given = roles.iter().filter(|role| link.role_ceiling.contains(role.slug.as_str()));
    given.filter(|role| administers(&role.permissions)).map(|role| role.slug.to_string()).collect()
}

fn detail_of(link: &SetupLink) -> Vec<(&'static str, String)> {
    let words = |words: Vec<&str>| words.join(" ");
    vec![
        ("setup_link", link.id.to_string()),
        ("for", words(link.purposes.iter().map(|purpose| purpose.as_str()).collect())),
        ("role_ceiling", words(link.role_ceiling.iter().map(String::as_str).collect())),
        ("expires_at", link.expires_at.to_rfc3339()),
    ]
}

/// Every link of the organization, latest first, and whether it opens anything.
///
/// # Errors
/// [`Failure`].
pub async fn list_links(
    env: &Env,
    scope: &OrgScope,
) -> Result<Vec<(SetupLink, Result<(), SetupLinkRefusal>)>, Failure> {
    let ground = Ground::of(env, scope).await?;
    let mut tx = env.store.begin(scope).await?;
    let (mut links, mut after) = (Vec::new(), None);
    loop {
        let page = tx.setup_links().list(PageOf { after, limit: MAX_PAGE }).await?;
        for link in page.items {
            let good = check_link(env, &mut tx, (&link, &ground)).await?;
            links.push((link, good));
        }
        after = page.next;
        if after.is_none() {
            tx.commit().await?;
            return Ok(links);
        }
    }
}

/// Takes a link back: it opens nothing from now on. `false` if there is none, or it was before.
///
/// # Errors
/// [`Failure`].
pub async fn revoke_link(
    env: &Env,
    scope: &OrgScope,
    id: SetupLinkId,
    actor: Actor,
) -> Result<bool, Failure> {
    let event = events::done(env, Action::SetupLinkRevoked, &Origin::default())?;
    revoke_link_as(env, scope, id, Event { actor, ..event }).await
}

/// The same, with the event that says who did it.
pub(crate) async fn revoke_link_as(
    env: &Env,
    scope: &OrgScope,
    id: SetupLinkId,
    event: Event,
) -> Result<bool, Failure> {
    let mut tx = env.store.begin(scope).await?;
    if !tx.setup_links().revoke(id, env.clock.now()).await? {
        return Ok(false);
    }
    let detail = [vec![("setup_link", id.to_string())], event.detail.clone()].concat();
    tx.audit().insert(&Event { detail, ..event }).await?;
    tx.commit().await?;
    Ok(true)
}

/// What a link leads to, looked at only: mail scanners look too, and spend nothing.
///
/// # Errors
/// [`SetupError::Closed`].
pub async fn look_at_link(env: &Env, text: &str, origin: &Origin) -> Result<Opened, SetupError> {
    env.limits.take(Limited::Pages, origin.address).map_err(Failure::from)?;
    let Ok(secret) = Credential::<LinkSecret>::parse(text) else {
        env.limits.take(Limited::Refusals, origin.address).map_err(Failure::from)?;
        return Err(SetupError::Closed(Closed::Unknown));
    };
    let scope = OrgScope::of_credential(&secret);
    let ground = Ground::of(env, &scope).await?;
    let mut tx = env.store.begin(&scope).await?;
    let link = tx.setup_links().find_by_token(&secret.hash()).await?;
    let found = judged(env, tx, (link, ground)).await?;
    admit(env, (scope, found), origin).await
}

/// Opens a link in this browser; what its cookie is to hold from now on.
///
/// # Errors
/// [`SetupError::Closed`].
pub async fn open_link(env: &Env, text: &str, browser: &Browser) -> Result<(Opened, String), SetupError> {
    let opened = look_at_link(env, text, &browser.origin).await?;
    let cookie = bind_link(env, &opened, (browser, &browser.binding)).await?;
    Ok((opened, cookie))
}

/// Opens a link in the browser of whoever has just made it; nobody is shown its secret.
pub(crate) async fn open_own_link(
    env: &Env,
    (scope, id): (&OrgScope, SetupLinkId),
    browser: &Browser,
) -> Result<String, SetupError> {
    env.limits.take(Limited::Pages, browser.origin.address).map_err(Failure::from)?;
    let ground = Ground::of(env, scope).await?;
    let mut tx = env.store.begin(scope).await?;
    let link = tx.setup_links().find(id).await?;
    let found = judged(env, tx, (link, ground)).await?;
    let opened = admit(env, (*scope, found), &browser.origin).await?;
    let cookie = bind_link(env, &opened, (browser, &own_binding(browser))).await?;
    Ok(format!("{cookie}{OWN}"))
}

/// What cookies of their own are bound to: nobody makes one out of another.
fn own_binding(browser: &Browser) -> SecretHash {
    SecretHash::of(&[browser.binding.as_bytes().as_slice(), OWN.as_bytes()].concat())
}

/// Notes that a link was opened; what the cookie holds that opens it in this browser.
async fn bind_link(
    env: &Env,
    opened: &Opened,
    (browser, binding): (&Browser, &SecretHash),
) -> Result<String, SetupError> {
    let (setup, link) = (&opened.setup, &opened.link);
    let event = events::done(env, Action::SetupLinkOpened, &browser.origin).map_err(Failure::from)?;
    let detail = vec![("setup_link", link.id.to_string())];
    let mut tx = env.store.begin(&setup.scope).await?;
    tx.audit().insert(&Event { actor: setup.actor(), detail, ..event }).await?;
    tx.setup_links().update_last_used(link.id, env.clock.now()).await?;
    tx.commit().await?;
    let cookie = env.vault.setup_cookie(setup.scope.org_id(), link.id, binding);
    Ok(format!("{}.{}", link.id, cookie.reveal()))
}

/// Whether a browser says that what it has open was opened by an administrator for themselves: enough to say where they can open
/// it again, and for nothing else.
pub fn is_own(cookie: &str) -> bool {
    cookie.ends_with(OWN)
}

/// The link of an administrator's own that this browser has open in the organization, if it is good.
pub(crate) async fn find_own_link(
    env: &Env,
    scope: &OrgScope,
    (cookie, browser): (&str, &Browser),
) -> Result<Option<SetupLink>, Failure> {
    let proven = prove(env, cookie, browser).filter(|(opened, _)| is_own(cookie) && opened == scope);
    let Some((_, id)) = proven else { return Ok(None) };
    let ground = Ground::of(env, scope).await?;
    let mut tx = env.store.begin(scope).await?;
    let found = tx.setup_links().find(id).await?;
    let good = match &found {
        Some(link) => check_link(env, &mut tx, (link, &ground)).await?.is_ok(),
        None => false,
    };
    tx.commit().await?;
    Ok(found.filter(|_| good))
}

/// Takes back the link of an administrator's own that this browser has open, if it has one: whoever leaves leaves nothing open
/// behind. `false` if it has none.
///
/// # Errors
/// [`Failure`].
pub async fn close_own_link(env: &Env, cookie: &str, browser: &Browser) -> Result<bool, Failure> {
    let proven = prove(env, cookie, browser).filter(|_| is_own(cookie));
    let Some((scope, id)) = proven else { return Ok(false) };
    let event = events::done(env, Action::SetupLinkRevoked, &browser.origin)?;
    revoke_link_as(env, &scope, id, Event { actor: Actor::SetupLink(id), ..event }).await?;
    Ok(true)
}

/// Takes up a set-up that this browser opened.
///
/// # Errors
/// [`SetupError::Closed`].
pub async fn resume(env: &Env, cookie: &str, browser: &Browser) -> Result<Opened, SetupError> {
    let Some((scope, id)) = prove(env, cookie, browser) else {
        env.limits.take(Limited::Refusals, browser.origin.address).map_err(Failure::from)?;
        return Err(SetupError::Closed(Closed::Unknown));
    };
    let ground = Ground::of(env, &scope).await?;
    let mut tx = env.store.begin(&scope).await?;
    let link = tx.setup_links().find(id).await?;
    let found = judged(env, tx, (link, ground)).await?;
    let opened = admit(env, (scope, found), &browser.origin).await?;
    Ok(Opened { is_own: is_own(cookie), ..opened })
}

/// The link of a cookie that is this browser's, before any query.
fn prove(env: &Env, cookie: &str, browser: &Browser) -> Option<(OrgScope, SetupLinkId)> {
    let (cookie, binding) = match cookie.strip_suffix(OWN) {
        Some(cookie) => (cookie, own_binding(browser)),
        None => (cookie, browser.binding),
    };
    let (id, secret) = cookie.split_once('.')?;
    let (id, secret) = (id.parse().ok()?, Credential::<SetupCookie>::parse(secret).ok()?);
    let opened = env.vault.check_setup_cookie(&secret, id, &binding);
    opened.then(|| (OrgScope::of_credential(&secret), id))
}

/// A link with its organization, and whether it is good.
struct Judged {
    link: SetupLink,
    organization: Organization,
    good: Result<(), SetupLinkRefusal>,
    ground: Ground,
}

/// Ends the transaction in which a link was read, with the rest that decides of it.
async fn judged(
    env: &Env,
    mut tx: OrgTx,
    (link, ground): (Option<SetupLink>, Ground),
) -> Result<Option<Judged>, StorageError> {
    let organization = tx.organization().find().await?;
    let judged = match (link, organization) {
        (Some(link), Some(organization)) => {
            let good = check_link(env, &mut tx, (&link, &ground)).await?;
            Some(Judged { link, organization, good, ground })
        }
        _ => None,
    };
    tx.commit().await?;
    Ok(judged)
}

/// Whether a link is good, by itself and by whoever made it, who may have lost since what it gives; and by their session, if
/// they made it for themselves.
pub(super) async fn check_link(
    env: &Env,
    tx: &mut OrgTx,
    (link, ground): (&SetupLink, &Ground),
) -> Result<Result<(), SetupLinkRefusal>, StorageError> {
    if let Err(refusal) = link.check(env.clock.now()) {
        return Ok(Err(refusal));
    }
    let held = match (link.session, link.maker()) {
        (Some(session), Some(LinkMaker::User(user))) => ground.find_held(env, tx, (user, session)).await?,
        (None, Some(maker)) => tx.rights().find_of_maker((maker, link.created_at)).await?.permissions,
        (Some(_), _) | (None, None) => Vec::new(),
    };
    let roles = if link.role_ceiling.is_empty() { Vec::new() } else { tx.roles().list().await? };
    let given = roles.iter().filter(|role| link.role_ceiling.contains(role.slug.as_str()));
    let given = given.flat_map(|role| role.permissions.iter().map(String::as_str));
    Ok(link.check_maker(&Held::of(held.iter().map(String::as_str)), given))
}

/// What was read, if it opens something; else the refusal's event.
async fn admit(
    env: &Env,
    (scope, found): (OrgScope, Option<Judged>),
    origin: &Origin,
) -> Result<Opened, SetupError> {
    let found = found.filter(|found| found.organization.status != OrgStatus::Deleted);
    let Some(Judged { link, organization, good, ground }) = found else {
        return refuse(env, scope, (Closed::Unknown, "unknown_link", None), origin).await;
    };
    if let Err(refusal) = good {
        let closed = (Closed::Link(refusal), refusal.as_str(), Some(link.id));
        return refuse(env, scope, closed, origin).await;
    }
    if organization.status == OrgStatus::Suspended {
        let closed = (Closed::Suspended, "organization_suspended", Some(link.id));
        return refuse(env, scope, closed, origin).await;
    }
    Ok(Opened { setup: Setup::of_link(scope, &link, ground), link, organization, is_own: false })
}

async fn refuse<T>(
    env: &Env,
    scope: OrgScope,
    (closed, reason, link): (Closed, &'static str, Option<SetupLinkId>),
    origin: &Origin,
) -> Result<T, SetupError> {
    env.limits.take(Limited::Refusals, origin.address).map_err(Failure::from)?;
    let event = events::refused(env, Action::SetupLinkRefused, reason, origin).map_err(Failure::from)?;
    let detail = link.map(|id| ("setup_link", id.to_string())).into_iter().collect();
    env.refusals.record(env, &scope, Event { detail, ..event }).await?;
    Err(SetupError::Closed(closed))
}
