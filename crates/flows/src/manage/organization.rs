//! The organization itself.

use orgate_domain::connections::Attributes;
use orgate_domain::email::Email;
use orgate_domain::names::DisplayName;
use orgate_domain::organizations::{Branding, Organization};
use orgate_storage::{OrgTx, OrganizationRecord, StorageError};

use super::change::Change;
use super::{Caller, ChangeError};
use crate::configure::{Mark, OrganizationState, save_organization};
use crate::{Env, Failure};

/// An organization, with what is kept about it for claims.
#[derive(Debug, Clone)]
pub struct DescribedOrganization {
    /// The organization.
    pub organization: Organization,
    /// What is kept about it, which applications are told: the operator's to say.
    pub attributes: Attributes,
    /// The organization above it, and when it was made and last changed.
    pub record: OrganizationRecord,
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
}

/// The organization; `None` if it is gone.
///
/// # Errors
/// [`Failure`].
pub async fn find_organization(env: &Env, caller: &Caller) -> Result<Option<DescribedOrganization>, Failure> {
    caller.read(env, async |tx| describe(tx).await).await
}

/// The organization of a transaction.
pub(super) async fn describe(tx: &mut OrgTx) -> Result<Option<DescribedOrganization>, StorageError> {
    let Some(organization) = tx.organization().find().await? else { return Ok(None) };
    let Some(record) = tx.organization().find_record().await? else { return Ok(None) };
    let attributes = tx.attributes().find_of_organization().await?;
    Ok(Some(DescribedOrganization { organization, attributes, record }))
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
    let change = async {
        let mut change = Change::begin(env, caller, async |tx| tx.organization().lock().await).await?;
        let Change { tx, caller, .. } = &mut change;
        let before = describe(tx).await?.ok_or(ChangeError::Missing)?;
        let wanted = edit(&before)?;
        let now = &before.organization;
        let mark = Mark::of([
            ("name", wanted.name != now.name),
            ("branding", wanted.branding != now.branding),
            ("contact", wanted.contact != now.contact),
        ]);
        let Some(mark) = mark else { return Ok(before) };
        let OrganizationSettings { name, branding, contact } = wanted;
        let state = OrganizationState { name, branding, contact, ..OrganizationState::of(now) };
        save_organization(env, tx, (&caller.author(), &mark), (&now.slug, &state)).await?;
        let after = describe(tx).await?.ok_or(ChangeError::Missing)?;
        change.commit().await?;
        Ok(after)
    };
    caller.conclude(env, change).await
}
