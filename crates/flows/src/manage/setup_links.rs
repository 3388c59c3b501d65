//! Set-up links, made by administrators themselves.

use orgate_domain::audit::Action;
use orgate_domain::ids::SetupLinkId;
use orgate_domain::permissions::OrgatePermission;
use orgate_domain::setup::{SetupLink, SetupPurpose};
use orgate_storage::{Page, PageOf, Role};

use super::Caller;
use crate::setup::links::{CreateLinkError, CreatedLink, Maker, WantedLink, create_link_as, revoke_link_as};
use crate::{Env, Failure};

/// Why none is made.
#[derive(Debug, thiserror::Error)]
pub enum CreateSetupLinkError {
    /// Nobody gives others what they may not do themselves.
    #[error("the permission {} is needed for a link that is for {}", .needed.as_str(), .purpose.as_str())]
    NotTheirs {
        /// What the link would be for.
        purpose: SetupPurpose,
        /// What that takes.
        needed: OrgatePermission,
    },
    /// See [`CreateLinkError`].
    #[error(transparent)]
    Refused(#[from] CreateLinkError),
}

/// Makes a link: for nothing that the caller may not do, and with no role that is not theirs to give.
///
/// # Errors
/// [`CreateSetupLinkError`].
pub async fn create_setup_link(
    env: &Env,
    caller: &Caller,
    wanted: &WantedLink,
) -> Result<CreatedLink, CreateSetupLinkError> {
    for purpose in &wanted.purposes {
        let needed = purpose.permission();
        if !caller.may(needed) {
            let about = ("permission_missing", ("permission", needed.as_str()));
            caller.record_refusal(env, about).await.map_err(CreateLinkError::from)?;
            return Err(CreateSetupLinkError::NotTheirs { purpose: *purpose, needed });
        }
    }
    let event =
        caller.done(env, Action::SetupLinkCreated).map_err(|error| CreateLinkError::Failure(error.into()))?;
    let may_give = |role: &Role| caller.may_give(role);
    let maker = Maker { event, may_give: &may_give };
    let made = create_link_as(env, &caller.scope, wanted, maker).await;
    if let Err(CreateLinkError::RoleAbove(role)) = &made {
        let about = ("role_above", ("role", role.as_str()));
        caller.record_refusal(env, about).await.map_err(CreateLinkError::from)?;
    }
    Ok(made?)
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
    let mut tx = env.store.begin(&caller.scope).await?;
    let links = tx.setup_links().list(page).await?;
    tx.commit().await?;
    Ok(links)
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
    let mut tx = env.store.begin(&caller.scope).await?;
    let link = tx.setup_links().find(id).await?;
    tx.commit().await?;
    Ok(link)
}

/// Takes a link back: it opens nothing from now on. To do it again changes nothing. `false` if the organization has
/// none of this id.
///
/// # Errors
/// [`Failure`].
pub async fn revoke_setup_link(env: &Env, caller: &Caller, id: SetupLinkId) -> Result<bool, Failure> {
    let event = caller.done(env, Action::SetupLinkRevoked)?;
    Ok(revoke_link_as(env, &caller.scope, id, event).await?
        || find_setup_link(env, caller, id).await?.is_some())
}
