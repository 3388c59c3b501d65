//! Which organizations there are, for operators; and whether one may be signed in to.

use orgate_domain::ids::OrgId;
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::organizations::{Branding, OrgStatus};
use orgate_storage::system::{ListedOrganization, OrgHint, OrgName};
use orgate_storage::{OrgScope, Page, PageOf};

use super::organization::DescribedOrganization;
use super::{Caller, ChangeError, Once};
use crate::bootstrap::OPERATOR_SLUG;
use crate::configure::{Author, Mark, OrganizationState, ready_roles, save_organization, save_role};
use crate::{Env, Failure};

/// An organization as wanted.
#[derive(Debug)]
pub struct WantedOrganization {
    /// Its short name, which is its own for ever.
    pub slug: Slug,
    /// Its name.
    pub name: DisplayName,
    /// The organization above it, by its id or slug.
    pub parent: Option<String>,
}

/// A page of all organizations, in the order in which they were made.
///
/// # Errors
/// [`Failure`].
pub async fn list_organizations(
    env: &Env,
    _operator: &Caller,
    page: PageOf<OrgId>,
) -> Result<Page<ListedOrganization, OrgId>, Failure> {
    Ok(env.store.survey_organizations(page).await?)
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
    let ancestors = match &wanted.parent {
        Some(text) => line_of(env, text).await?,
        None => Vec::new(),
    };
    let fresh = OrgId::from_uuid(env.random.uuid(env.clock.now())?);
    // In the operator's own organization first: if what follows is lost, the same request makes the same organization.
    let mut tx = env.store.begin(&operator.home).await?;
    let before = operator.claim(env, &mut tx, once, fresh.as_uuid()).await?.map(OrgId::from_uuid);
    tx.commit().await?;
    if let Some(before) = before
        && let Some(made) = env.store.resolve(OrgHint::Id(before)).await?
    {
        return find(env, &made.scope).await;
    }
    let scope = env.store.found(before.unwrap_or(fresh)).await?;
    let state = OrganizationState {
        ancestors,
        name: wanted.name,
        branding: Branding::default(),
        status: OrgStatus::Active,
        contact: None,
        attributes: None,
        policy: None,
    };
    let detail = vec![("operator", operator.id())];
    let author = Author { origin: operator.origin.clone(), detail, ..Author::operator() };
    let by = (&author, &Mark::Created);
    let taken = ("/slug", "the slug is, or was, another organization's, and is never given to another");
    let mut tx = env.store.begin(&scope).await?;
    save_organization(env, &mut tx, by, (&wanted.slug, &state))
        .await
        .map_err(|failure| ChangeError::taken(failure, taken))?;
    for role in ready_roles(env)? {
        save_role(env, &mut tx, by, &role).await?;
    }
    tx.commit().await?;
    find(env, &scope).await
}

/// An organization and those above it, itself first.
async fn line_of(env: &Env, text: &str) -> Result<Vec<OrgId>, ChangeError> {
    let unknown = || ChangeError::invalid("/parent", "there is no such organization");
    let name = OrgName::parse(text).ok_or_else(unknown)?;
    let found = env.store.resolve(name.hint()).await?;
    let found = found.filter(|found| found.status != OrgStatus::Deleted).ok_or_else(unknown)?;
    Ok(env.store.ancestors(&found.scope).await?)
}

async fn find(env: &Env, scope: &OrgScope) -> Result<DescribedOrganization, ChangeError> {
    let mut tx = env.store.begin(scope).await?;
    let organization = tx.organization().find().await?.ok_or(ChangeError::Missing)?;
    let attributes = tx.attributes().find_of_organization().await?;
    tx.commit().await?;
    Ok(DescribedOrganization { organization, attributes })
}

/// Suspends, deletes or restores the organization that is called about: nobody is signed in to one that is not active.
/// Nothing in it goes; its slug and its domains stay its own.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::InUse`] for the operator's own.
pub async fn change_status(
    env: &Env,
    operator: &Caller,
    status: OrgStatus,
) -> Result<DescribedOrganization, ChangeError> {
    let mut tx = env.store.begin(&operator.scope).await?;
    tx.users().seize(None).await?; // before anything that a sign-in may wait for
    tx.organization().lock().await?;
    let mut organization = tx.organization().find().await?.ok_or(ChangeError::Missing)?;
    let attributes = tx.attributes().find_of_organization().await?;
    if organization.status == status {
        return Ok(DescribedOrganization { organization, attributes });
    }
    if organization.slug.as_str() == OPERATOR_SLUG {
        return Err(ChangeError::InUse("the operator organization is always active".to_owned()));
    }
    let state = OrganizationState {
        ancestors: Vec::new(),
        name: organization.name.clone(),
        branding: organization.branding.clone(),
        status,
        contact: organization.contact.clone(),
        attributes: None,
        policy: None,
    };
    let mark = Mark::Changed(vec!["status"]);
    save_organization(env, &mut tx, (&operator.author(), &mark), (&organization.slug, &state)).await?;
    tx.commit().await?;
    organization.status = status;
    Ok(DescribedOrganization { organization, attributes })
}
