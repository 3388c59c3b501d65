//! Which organizations there are, for operators; and whether one may be signed in to.

use orgate_domain::audit::Action;
use orgate_domain::ids::OrgId;
use orgate_domain::names::{DisplayName, ExternalId, Slug};
use orgate_domain::organizations::{Branding, OrgStatus};
use orgate_domain::permissions::OrgatePermission::{OrganizationsAct, PoliciesManage};
use orgate_storage::system::{ListedOrganization, OrgHint, OrgName, OrganizationFilter};
use orgate_storage::{
    Delegation, EXTERNAL_ID_OF_ORGANIZATION, MAX_LINE, Moved, OrgScope, OrgTx, Page, PageOf, StorageError,
};

use super::change::Change;
use super::organization::{DescribedOrganization, describe};
use super::{Caller, ChangeError, Once};
use crate::bootstrap::OPERATOR_SLUG;
use crate::configure::{
    Author, Mark, OrganizationState, blueprints_in, delegation_event, new_roles, save_organization, save_role,
};
use crate::way_in::{check_way_in, enforcement_in};
use crate::{Env, Failure};

/// An organization as wanted.
#[derive(Debug)]
pub struct WantedOrganization {
    /// Its short name, which is its own for ever.
    pub slug: Slug,
    /// Its name.
    pub name: DisplayName,
    /// What it is called in a system of the operator's own.
    pub external_id: Option<ExternalId>,
    /// The organization above it, by its id or slug.
    pub parent: Option<String>,
}

/// A page of the organizations that fit, in the order in which they were made.
///
/// # Errors
/// [`Failure`].
pub async fn list_organizations(
    env: &Env,
    _operator: &Caller,
    (filter, page): (OrganizationFilter<'_>, PageOf<OrgId>),
) -> Result<Page<ListedOrganization, OrgId>, Failure> {
    Ok(env.store.survey_organizations(filter, page).await?)
}

/// Makes an organization, with the roles that each begins with.
///
/// # Errors
/// [`ChangeError`].
pub async fn create_organization(
    env: &Env,
    operator: &Caller,
    wanted: WantedOrganization,
    once: Option<&Once>,
) -> Result<DescribedOrganization, ChangeError> {
    let change = async {
        let (operator, _turn) = Change::begin(env, operator, async |_| Ok(())).await?.hand_over().await?;
        let operator = &operator;
        let parent = match &wanted.parent {
            Some(text) => Some(above(env, text).await?.org_id()),
            None => None,
        };
        let fresh = OrgId::from_uuid(env.random.uuid(env.clock.now())?);
        let id = match once {
            Some(once) => claim(env, operator, once, fresh).await?,
            None => fresh,
        };
        match make(env, operator, (id, parent), wanted).await {
            // It was this request that made it: before, or at this moment.
            Err(_) if env.store.resolve(OrgHint::Id(id)).await?.is_some() => find_by_id(env, id).await,
            Err(refused) => {
                // What failed may be in force all the same: the same request finds out.
                if let (Some(once), false) = (once, matches!(refused, ChangeError::Failure(_))) {
                    release(env, operator, (once, fresh)).await?;
                }
                Err(refused)
            }
            made => made,
        }
    };
    operator.conclude(env, change).await
}

/// The id that the organization of a request has: kept in the operator's own organization before it is made, so that the same
/// request makes the same one, if what follows is lost.
async fn claim(env: &Env, operator: &Caller, once: &Once, fresh: OrgId) -> Result<OrgId, ChangeError> {
    let mut tx = env.store.begin(&operator.home).await?;
    let before = operator.claim(env, &mut tx, Some(once), fresh.as_uuid()).await?;
    tx.commit().await?;
    Ok(before.map_or(fresh, OrgId::from_uuid))
}

/// What was refused keeps no key: that which this very request gave it, and not that of one like it.
async fn release(env: &Env, operator: &Caller, (once, fresh): (&Once, OrgId)) -> Result<(), ChangeError> {
    let mut tx = env.store.begin(&operator.home).await?;
    operator.own(once).release(&mut tx, fresh.as_uuid()).await?;
    Ok(tx.commit().await?)
}

async fn make(
    env: &Env,
    operator: &Caller,
    (id, parent): (OrgId, Option<OrgId>),
    wanted: WantedOrganization,
) -> Result<DescribedOrganization, ChangeError> {
    let taken = ("/slug", "the slug is, or was, another organization's, and is never given to another");
    let in_words = |failure| match failure {
        Failure::Storage(StorageError::Conflict { constraint })
            if constraint == EXTERNAL_ID_OF_ORGANIZATION =>
        {
            called_alike(StorageError::Conflict { constraint })
        }
        failure => ChangeError::taken(failure, taken),
    };
    let scope = env.store.found(id).await.map_err(|error| in_words(error.into()))?;
    let state = OrganizationState {
        parent,
        name: wanted.name,
        branding: Branding::default(),
        status: OrgStatus::Active,
        contact: None,
        attributes: None,
        external_id: wanted.external_id,
        policy: None,
    };
    let detail = [vec![("operator", operator.id())], operator.trace()].concat();
    let client = Some(operator.client);
    let author = Author { client, origin: operator.origin.clone(), detail, ..Author::operator() };
    let by = (&author, &Mark::Created);
    let roles = new_roles(env, blueprints_in(env, &operator.home).await?)?;
    let mut tx = env.store.begin(&scope).await?;
    save_organization(env, &mut tx, by, (&wanted.slug, &state)).await.map_err(in_words)?;
    for role in roles {
        save_role(env, &mut tx, by, &role).await?;
    }
    let made = describe(&mut tx).await?.ok_or(ChangeError::Missing)?;
    tx.commit().await?;
    Ok(made)
}

async fn find_by_id(env: &Env, id: OrgId) -> Result<DescribedOrganization, ChangeError> {
    let made = env.store.resolve(OrgHint::Id(id)).await?.ok_or(ChangeError::Missing)?;
    let mut tx = env.store.begin(&made.scope).await?;
    let found = describe(&mut tx).await?.ok_or(ChangeError::Missing)?;
    tx.commit().await?;
    Ok(found)
}

/// The organization that another is put below; there are not too many above it already.
async fn above(env: &Env, text: &str) -> Result<OrgScope, ChangeError> {
    let name = OrgName::parse(text).ok_or_else(no_parent)?;
    let found = env.store.resolve(name.hint()).await?;
    let found = found.filter(|found| found.status != OrgStatus::Deleted).ok_or_else(no_parent)?;
    if env.store.ancestors(&found.scope).await?.len() >= MAX_LINE {
        return Err(too_deep());
    }
    Ok(found.scope)
}

fn no_parent() -> ChangeError {
    ChangeError::invalid("/parent", "there is no such organization")
}

fn too_deep() -> ChangeError {
    ChangeError::invalid("/parent", format!("at most {MAX_LINE} organizations are one above the other"))
}

/// Puts the organization that is called about below another one, or below none, with all that is below it: what those above it
/// set holds there from now on. Its users, roles and sessions stay its own.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::InUse`] for the operator's own, and where nobody could sign in any more.
pub async fn move_organization(
    env: &Env,
    operator: &Caller,
    parent: Option<&str>,
) -> Result<DescribedOrganization, ChangeError> {
    let change = async {
        let parent = match parent {
            Some(text) => Some(above(env, text).await?),
            None => None,
        };
        let settings = match &parent {
            Some(parent) => env.store.inherit(parent).await?,
            None => Vec::new(),
        };
        let lock = async |tx: &mut OrgTx| {
            tx.users().seize(None).await?; // before anything that a sign-in may wait for
            tx.organization().lock().await
        };
        let mut change = Change::begin(env, operator, lock).await?;
        let Change { tx, caller: operator, .. } = &mut change;
        // What is set above it holds there no more, or does from now on.
        if !(operator.may(OrganizationsAct) && operator.may(PoliciesManage)) {
            let detail = "it takes orgate:organizations:act and orgate:policies:manage too: other policies hold there then";
            return Err(ChangeError::above("", detail));
        }
        let before = describe(tx).await?.ok_or(ChangeError::Missing)?;
        let parent = parent.map(|parent| parent.org_id());
        if before.record.parent == parent {
            return Ok(before);
        }
        if before.organization.slug.as_str() == OPERATOR_SLUG {
            return Err(ChangeError::InUse("the operator organization is below none".to_owned()));
        }
        let let_in = tx.delegations().list().await?;
        match tx.organization().move_below(parent, env.clock.now()).await? {
            Moved::Done => {}
            Moved::Circle => {
                return Err(ChangeError::invalid("/parent", "it would be below itself"));
            }
            Moved::Gone => return Err(no_parent()),
            Moved::TooDeep => return Err(too_deep()),
        }
        let enforcement = enforcement_in(tx, &settings).await?;
        check_way_in(tx, enforcement).await?.map_err(|none| ChangeError::InUse(none.to_string()))?;
        let state = OrganizationState { parent, ..OrganizationState::of(&before.organization) };
        let by = (&operator.author(), &Mark::Changed(vec!["parent"]));
        save_organization(env, tx, by, (&before.organization.slug, &state)).await?;
        tell_ended(env, tx, &operator.author(), &let_in).await?;
        let after = describe(tx).await?.ok_or(ChangeError::Missing)?;
        change.commit().await?;
        env.configuration.forget();
        Ok(after)
    };
    operator.conclude(env, change).await
}

/// An event for each delegation that a move ended.
async fn tell_ended(
    env: &Env,
    tx: &mut OrgTx,
    author: &Author,
    let_in: &[Delegation],
) -> Result<(), ChangeError> {
    let left = tx.delegations().list().await?;
    for delegation in let_in.iter().filter(|ended| !left.contains(ended)) {
        let event = delegation_event(env, (author, &Mark::Removed), delegation)?;
        tx.audit().insert(&event).await?;
    }
    Ok(())
}

/// Says what the organization that is called about is called in a system of the operator's own.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::Taken`] if another organization is called so.
pub async fn set_external_id(
    env: &Env,
    operator: &Caller,
    external_id: Option<&ExternalId>,
) -> Result<DescribedOrganization, ChangeError> {
    let change = async {
        let mut change = Change::begin(env, operator, async |tx| tx.organization().lock().await).await?;
        let Change { tx, caller: operator, .. } = &mut change;
        let before = describe(tx).await?.ok_or(ChangeError::Missing)?;
        if before.record.external_id.as_ref() == external_id {
            return Ok(before);
        }
        let saved = tx.organization().update_external_id(external_id, env.clock.now()).await;
        saved.map_err(called_alike)?;
        let mark = Mark::Changed(vec!["external_id"]);
        let event = operator.author().done(env, Action::OrganizationConfigured, &mark)?;
        tx.audit().insert(&event).await?;
        let after = describe(tx).await?.ok_or(ChangeError::Missing)?;
        change.commit().await?;
        Ok(after)
    };
    operator.conclude(env, change).await
}

/// A broken constraint of uniqueness, in words.
fn called_alike(error: StorageError) -> ChangeError {
    ChangeError::taken(error.into(), ("/external_id", "another organization has this external id"))
}

/// Whether an organization may be deleted, or restored, where it is in the tree: none is below one that was deleted.
async fn check_neighbours(
    tx: &mut OrgTx,
    (before, after): (OrgStatus, OrgStatus),
) -> Result<(), ChangeError> {
    if before != OrgStatus::Deleted && after != OrgStatus::Deleted {
        return Ok(());
    }
    let around = tx.organization().find_neighbours().await?;
    let why = if after == OrgStatus::Deleted && around.live_below {
        "organizations are below it; move or delete them first"
    } else if after != OrgStatus::Deleted && around.gone_above {
        "the organization above it was deleted; restore that first"
    } else {
        return Ok(());
    };
    Err(ChangeError::InUse(why.to_owned()))
}

/// Suspends, deletes or restores the organization that is called about: nobody is signed in to one that is not active. Nothing in
/// it goes until the time to restore one that was deleted is over; its slug and its domains stay its own for ever.
///
/// `seen`: what it was where somebody decided this; if it is something else by now, they decide anew.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::InUse`] for the operator's own, for one with others below it that is to be deleted, and for
/// one to be restored below one that was deleted.
pub async fn change_status(
    env: &Env,
    operator: &Caller,
    (seen, status): (Option<OrgStatus>, OrgStatus),
) -> Result<DescribedOrganization, ChangeError> {
    let change = async {
        let tells = status == OrgStatus::Deleted && {
            let mut tx = env.store.begin(&operator.scope).await?;
            let changes = may_become(&mut tx, (seen, status)).await?.is_some();
            tx.commit().await?;
            changes
        };
        if tells {
            tell_at_home(env, operator).await?;
        }
        let lock = async |tx: &mut OrgTx| {
            tx.users().seize(None).await?; // before anything that a sign-in may wait for
            tx.organization().lock().await
        };
        let mut change = Change::begin(env, operator, lock).await?;
        let Change { tx, caller: operator, .. } = &mut change;
        let Some(before) = may_become(tx, (seen, status)).await? else {
            return describe(tx).await?.ok_or(ChangeError::Missing);
        };
        if status == OrgStatus::Deleted && !tells {
            return Err(ChangeError::Stale); // somebody restored it just now, and nothing was told at home
        }
        let organization = &before.organization;
        let state = OrganizationState { status, ..OrganizationState::of(organization) };
        let mark = Mark::Changed(vec!["status"]);
        save_organization(env, tx, (&operator.author(), &mark), (&organization.slug, &state)).await?;
        let after = describe(tx).await?.ok_or(ChangeError::Missing)?;
        change.commit().await?;
        Ok(after)
    };
    operator.conclude(env, change).await
}

/// The organization as it is, if it is to become this, and can; `None` if it is so already.
async fn may_become(
    tx: &mut OrgTx,
    (seen, status): (Option<OrgStatus>, OrgStatus),
) -> Result<Option<DescribedOrganization>, ChangeError> {
    let before = describe(tx).await?.ok_or(ChangeError::Missing)?;
    if seen.is_some_and(|seen| seen != before.organization.status) {
        return Err(ChangeError::Stale);
    }
    if before.organization.status == status {
        return Ok(None);
    }
    if before.organization.slug.as_str() == OPERATOR_SLUG {
        return Err(ChangeError::InUse("the operator organization is always active".to_owned()));
    }
    check_neighbours(tx, (before.organization.status, status)).await?;
    Ok(Some(before))
}

/// Says in the operator's own log who is about to delete an organization, and why: that one's log goes with it.
async fn tell_at_home(env: &Env, operator: &Caller) -> Result<(), ChangeError> {
    let mut event = operator.done(env, Action::OrganizationConfigured)?;
    event.detail.extend([("change", "deleting".to_owned()), ("organization", operator.org_id().to_string())]);
    Ok(env.journal.record(env, operator.home.org_id(), event).await?)
}
