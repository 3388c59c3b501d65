//! Set-up links, made by administrators themselves.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use orgate_domain::audit::Action;
use orgate_domain::ids::{SessionId, SetupLinkId};
use orgate_domain::policies::Policy;
use orgate_domain::setup::{MAX_LIFETIME, SetupLink, SetupPurpose};
use orgate_storage::{Page, PageOf, Role};

use super::change::Change;
use super::{Caller, ChangeError, Once};
use crate::setup::links::{
    CreateLinkError, CreatedLink, Maker, WantedLink, administrative, close_own_link, create_link_as,
    find_own_link, open_own_link, revoke_link_as,
};
use crate::{Browser, Env, Failure};

/// How long a set-up is open that an administrator opened for themselves: a morning.
const OWN_LIFETIME: Duration = Duration::hours(4);

/// Which part of it is left at least when it is gone on with.
const OWN_REST: i32 = 4;

/// A link that was made.
#[derive(Debug)]
pub struct CreatedSetupLink {
    /// What is known of it.
    pub link: SetupLink,
    /// Its address, secret and all: shown once. `None`: the same request was answered before.
    pub url: Option<String>,
    /// Those of its roles that administer the organization itself.
    pub administrative: Vec<String>,
}

/// Makes a link: for nothing that the caller may not do, and with no role that is not theirs to give.
///
/// # Errors
/// [`ChangeError`].
pub async fn create_setup_link(
    env: &Env,
    caller: &Caller,
    wanted: &WantedLink,
    once: Option<&Once>,
) -> Result<CreatedSetupLink, ChangeError> {
    caller.conclude(env, create(env, caller, wanted, (once, None))).await
}

async fn create(
    env: &Env,
    caller: &Caller,
    wanted: &WantedLink,
    (once, session): (Option<&Once>, Option<SessionId>),
) -> Result<CreatedSetupLink, ChangeError> {
    let wanted = &caller.shortened(wanted);
    let (caller, _turn) = Change::begin(env, caller, async |_| Ok(())).await?.hand_over().await?;
    let beyond = wanted.purposes.iter().find(|purpose| !caller.may(purpose.permission()));
    if let Some(purpose) = beyond {
        let (needed, purpose) = (purpose.permission().as_str(), purpose.as_str());
        let detail = format!("the permission {needed} is needed for a link that is for {purpose}");
        return Err(ChangeError::above("/purposes", detail));
    }
    let event = caller.done(env, Action::SetupLinkCreated)?;
    let may_give = |role: &Role| caller.may_give(role);
    let once = once.map(|once| caller.own(once));
    match create_link_as(env, &caller.scope, wanted, Maker { event, may_give: &may_give, once, session })
        .await
    {
        Ok(made) => {
            let CreatedLink { link, url, administrative } = made;
            Ok(CreatedSetupLink { link, url: Some(url), administrative })
        }
        Err(CreateLinkError::MadeBefore(id)) => {
            let mut tx = env.store.begin(&caller.scope).await?;
            let link = tx.setup_links().find(id).await?.ok_or(ChangeError::Gone)?;
            let administrative = administrative(&tx.roles().list().await?, &link);
            tx.commit().await?;
            Ok(CreatedSetupLink { link, url: None, administrative })
        }
        Err(error) => Err(error.into()),
    }
}

impl From<CreateLinkError> for ChangeError {
    fn from(error: CreateLinkError) -> Self {
        let text = error.to_string();
        match error {
            CreateLinkError::Failure(failure) => Self::Failure(failure),
            CreateLinkError::KeyReused(reused) => Self::KeyReused(reused),
            CreateLinkError::Lifetime => Self::invalid("/expires_in_hours", text),
            CreateLinkError::MadeBefore(_) => Self::Missing,
            CreateLinkError::Purpose => Self::invalid("/purposes", text),
            CreateLinkError::RoleAbove(_) => Self::above("/roles", text),
            CreateLinkError::TooMany => Self::TooMany(text),
            CreateLinkError::UnknownRole(_) => Self::invalid("/roles", text),
        }
    }
}

impl Caller {
    /// What is wanted; in an organization that lets them act in it, for a day at most: nobody there sees who leaves theirs.
    fn shortened(&self, wanted: &WantedLink) -> WantedLink {
        let shortened = self.is_delegate() && wanted.lifetime <= MAX_LIFETIME;
        let lifetime = if shortened { wanted.lifetime.min(Duration::days(1)) } else { wanted.lifetime };
        WantedLink { lifetime, ..wanted.clone() }
    }
}

/// A set-up that an administrator opened in their own browser.
#[derive(Debug)]
pub struct OwnSetup {
    /// What the browser is to keep for it; `None`: what it has goes on.
    pub cookie: Option<String>,
    /// Until when it is open.
    pub expires_at: DateTime<Utc>,
}

/// Opens the set-up in the caller's own browser, for all that they may set up and with each role that they may give: by a link of
/// theirs that is made as any other, that nobody is shown, and that is worth nothing once their session ends. One that this browser has open goes on if it is still the same,
/// so that whoever goes to and fro makes no heap of them.
///
/// # Errors
/// [`ChangeError`].
pub async fn open_own_setup(
    env: &Env,
    caller: &Caller,
    (browser, kept): (&Browser, Option<&str>),
) -> Result<OwnSetup, ChangeError> {
    let roles = caller.read(env, async |tx| tx.roles().list().await).await?;
    let policy = env.configuration.policy(&env.store, &caller.scope).await?;
    let lifetime = own_lifetime(&policy);
    let wanted = WantedLink {
        purposes: SetupPurpose::ALL.into_iter().filter(|purpose| caller.may(purpose.permission())).collect(),
        roles: givable(caller, &roles),
        lifetime,
    };
    if let Some(kept) = kept
        && let Some(link) = find_own_link(env, &caller.scope, (kept, browser)).await?
        && link.created_by == caller.id()
        && link.session == caller.session_id()
        && (&link.purposes, &link.role_ceiling) == (&wanted.purposes, &wanted.roles)
        && link.expires_at - env.clock.now() >= lifetime / OWN_REST
    {
        return Ok(OwnSetup { cookie: None, expires_at: link.expires_at });
    }
    if !wanted.purposes.contains(&SetupPurpose::Sso) {
        let needed = SetupPurpose::Sso.permission().as_str();
        let detail = format!("the permission {needed} is needed to set up identity providers");
        return caller.conclude(env, async { Err(ChangeError::above("", detail)) }).await;
    }
    // What it had open is of another session, or for something else.
    if let Some(kept) = kept {
        close_own_link(env, kept, browser).await?;
    }
    let made = create(env, caller, &wanted, (None, caller.session_id()));
    let made = caller.conclude(env, made).await?;
    let cookie = open_own_link(env, (&caller.scope, made.link.id), browser).await?;
    Ok(OwnSetup { cookie: Some(cookie), expires_at: made.link.expires_at })
}

/// How long a set-up is open at most: nobody who left it would still be signed in after that.
fn own_lifetime(policy: &Policy) -> Duration {
    policy.session_idle.max(policy.refresh_idle).min(OWN_LIFETIME)
}

/// Slugs of the roles of these that a link of the caller's may give.
fn givable(caller: &Caller, roles: &[Role]) -> BTreeSet<String> {
    roles.iter().filter(|role| caller.may_give(role)).map(|role| role.slug.to_string()).collect()
}

/// A page of the organization's links, latest first.
///
/// # Errors
/// [`Failure`].
pub async fn list_setup_links(
    env: &Env,
    caller: &Caller,
    page: PageOf<SetupLinkId>,
) -> Result<Page<SetupLink, SetupLinkId>, Failure> {
    caller.read(env, async |tx| tx.setup_links().list(page).await).await
}

/// One link, whatever became of it; `None` if the organization has none of this id.
///
/// # Errors
/// [`Failure`].
pub async fn find_setup_link(
    env: &Env,
    caller: &Caller,
    id: SetupLinkId,
) -> Result<Option<SetupLink>, Failure> {
    caller.read(env, async |tx| tx.setup_links().find(id).await).await
}

/// Takes a link back: it opens nothing from now on. To do it again changes nothing.
///
/// # Errors
/// [`ChangeError::Missing`] if the organization has none of this id.
pub async fn revoke_setup_link(env: &Env, caller: &Caller, id: SetupLinkId) -> Result<(), ChangeError> {
    let change = async {
        let (caller, _turn) = Change::begin(env, caller, async |_| Ok(())).await?.hand_over().await?;
        let event = caller.done(env, Action::SetupLinkRevoked)?;
        let revoked = revoke_link_as(env, &caller.scope, id, event).await?;
        if revoked || find_setup_link(env, &caller, id).await?.is_some() {
            Ok(())
        } else {
            Err(ChangeError::Missing)
        }
    };
    caller.conclude(env, change).await
}
