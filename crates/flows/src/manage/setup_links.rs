//! Set-up links, made by administrators themselves.

use chrono::Duration;
use orgate_domain::audit::Action;
use orgate_domain::ids::SetupLinkId;
use orgate_domain::setup::{MAX_LIFETIME, SetupLink};
use orgate_storage::{Page, PageOf, Role};

use super::change::Change;
use super::{Caller, ChangeError, Once};
use crate::setup::links::{
    CreateLinkError, CreatedLink, Maker, WantedLink, administrative, create_link_as, revoke_link_as,
};
use crate::{Env, Failure};

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
    caller.conclude(env, create(env, caller, wanted, once)).await
}

async fn create(
    env: &Env,
    caller: &Caller,
    wanted: &WantedLink,
    once: Option<&Once>,
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
    match create_link_as(env, &caller.scope, wanted, Maker { event, may_give: &may_give, once }).await {
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
