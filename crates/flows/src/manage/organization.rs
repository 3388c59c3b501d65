//! The organization itself.

use orgate_domain::connections::Attributes;
use orgate_domain::email::Email;
use orgate_domain::names::DisplayName;
use orgate_domain::organizations::{Branding, Organization};

use super::{Caller, ChangeError};
use crate::configure::{Mark, OrganizationState, save_organization};
use crate::{Env, Failure};

/// An organization, with what is kept about it for claims.
#[derive(Debug, Clone)]
pub struct DescribedOrganization {
    /// The organization.
    pub organization: Organization,
    /// What is kept about it.
    pub attributes: Attributes,
}

/// What an organization says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationSettings {
    /// Its name.
    pub name: DisplayName,
    /// Its look.
    pub branding: Branding,
    /// Where notices to it go.
    pub contact: Option<Email>,
    /// What is kept about it for claims.
    pub attributes: Attributes,
}

/// The organization; `None` if it is gone.
///
/// # Errors
/// [`Failure`].
pub async fn find_organization(env: &Env, caller: &Caller) -> Result<Option<DescribedOrganization>, Failure> {
    let mut tx = env.store.begin(&caller.scope).await?;
    let found = tx.organization().find().await?;
    let attributes = tx.attributes().find_of_organization().await?;
    tx.commit().await?;
    Ok(found.map(|organization| DescribedOrganization { organization, attributes }))
}

/// Changes what the organization says of itself: `edit` is shown what it is, and says what it is to be.
///
/// # Errors
/// [`ChangeError`], also what `edit` says.
pub async fn update_organization(
    env: &Env,
    caller: &Caller,
    edit: impl FnOnce(&DescribedOrganization) -> Result<OrganizationSettings, ChangeError>,
) -> Result<DescribedOrganization, ChangeError> {
    let mut tx = env.store.begin(&caller.scope).await?;
    tx.users().seize(None).await?; // before anything that a sign-in may wait for
    tx.organization().lock().await?;
    let organization = tx.organization().find().await?.ok_or(ChangeError::Missing)?;
    let attributes = tx.attributes().find_of_organization().await?;
    let before = DescribedOrganization { organization, attributes };
    let wanted = edit(&before)?;
    let now = &before.organization;
    let mark = Mark::of([
        ("name", wanted.name != now.name),
        ("branding", wanted.branding != now.branding),
        ("contact", wanted.contact != now.contact),
        ("attributes", wanted.attributes != before.attributes),
    ]);
    let Some(mark) = mark else { return Ok(before) };
    let OrganizationSettings { name, branding, contact, attributes } = wanted;
    let organization = Organization { name, branding, contact, ..before.organization };
    let state = OrganizationState {
        ancestors: Vec::new(),
        name: organization.name.clone(),
        branding: organization.branding.clone(),
        status: organization.status,
        contact: organization.contact.clone(),
        attributes: Some(attributes.clone()),
        policy: None,
    };
    save_organization(env, &mut tx, (&caller.author(), &mark), (&organization.slug, &state)).await?;
    tx.commit().await?;
    Ok(DescribedOrganization { organization, attributes })
}
