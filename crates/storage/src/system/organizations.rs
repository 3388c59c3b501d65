//! Which organizations there are.

use chrono::{DateTime, Utc};
use orgate_domain::ids::OrgId;
use orgate_domain::names::{ExternalId, Slug};
use orgate_domain::organizations::OrgStatus;

use super::SystemReason;
use crate::row::parsed;
use crate::{OrgScope, Page, PageOf, StorageError, Store};

/// An organization, as lists of all of them show it.
#[derive(Debug, Clone)]
pub struct ListedOrganization {
    /// Its id.
    pub id: OrgId,
    /// Its slug.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// What it is called in a system of the operator's own.
    pub external_id: Option<ExternalId>,
    /// Its status.
    pub status: OrgStatus,
    /// Until when it can be restored, if it was deleted.
    pub erase_after: Option<DateTime<Utc>>,
    /// The organization above it.
    pub parent: Option<OrgId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// An organization above another one, as that one sees it.
#[derive(Debug, Clone)]
pub struct OrganizationAbove {
    /// Its id.
    pub id: OrgId,
    /// Its slug.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: OrgStatus,
}

/// Which organizations are listed: those that all of this fits.
#[derive(Debug, Clone, Copy, Default)]
pub struct OrganizationFilter<'a> {
    /// The one that is called so in a system of the operator's own.
    pub external_id: Option<&'a ExternalId>,
    /// This one.
    pub id: Option<OrgId>,
    /// Those whose name or slug has this in it, in whatever case, and the one whose id or external id it is. It takes a look at each
    /// organization: some tens of milliseconds for a hundred thousand.
    pub text: Option<&'a str>,
}

impl Store {
    /// A page of the organizations that fit, without those that are being erased, in the order of their making.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn survey_organizations(
        &self,
        filter: OrganizationFilter<'_>,
        page: PageOf<OrgId>,
    ) -> Result<Page<ListedOrganization, OrgId>, StorageError> {
        let mut tx = self.begin_system(SystemReason::Operate).await?;
        let rows = sqlx::query!(
            "select org_id, slug, name, status, external_id, erase_after, parent_id, created_at, updated_at
             from organizations
             where org_id > $1 and erasing_since is null and ($3::text is null or external_id = $3)
               and ($4::text is null or position($4 in lower(name)) > 0 or position($4 in slug) > 0
                    or lower(external_id) = $4 or org_id in ($5))
               and ($6::uuid is null or org_id in ($6))
             order by org_id limit $2",
            page.after.map_or(uuid::Uuid::nil(), OrgId::as_uuid),
            page.rows(),
            filter.external_id.map(ExternalId::as_str),
            filter.text.map(str::to_lowercase),
            filter.text.and_then(|text| text.parse::<OrgId>().ok()).map(OrgId::as_uuid),
            filter.id.map(OrgId::as_uuid),
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        let organizations = rows.into_iter().map(|row| {
            let external_id = row.external_id;
            let external_id =
                external_id.map(|text| parsed(ExternalId::parse(&text).ok(), "organizations", "external_id"));
            Ok(ListedOrganization {
                id: OrgId::from_uuid(row.org_id),
                slug: parsed(Slug::parse(&row.slug).ok(), "organizations", "slug")?,
                name: row.name,
                external_id: external_id.transpose()?,
                status: parsed(OrgStatus::from_text(&row.status), "organizations", "status")?,
                erase_after: row.erase_after,
                parent: row.parent_id.map(OrgId::from_uuid),
                created_at: row.created_at,
                updated_at: row.updated_at,
            })
        });
        let organizations: Result<Vec<_>, StorageError> = organizations.collect();
        Ok(page.cut(organizations?, |organization| organization.id))
    }

    /// The organizations above one, the nearest first; of those that are deleted, and can be restored, these.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn list_above(
        &self,
        scope: &OrgScope,
        also_deleted: &[OrgId],
    ) -> Result<Vec<OrganizationAbove>, StorageError> {
        let mut above = self.ancestors(scope).await?;
        above.retain(|id| *id != scope.org_id());
        if above.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = above.iter().map(|id| id.as_uuid()).collect();
        let mut tx = self.begin_system(SystemReason::Operate).await?;
        let rows = sqlx::query!(
            "select org_id, slug, name, status from organizations
             where org_id = any($1) and (status <> 'deleted' or org_id = any($2)) order by array_position($1, org_id)",
            &ids,
            &also_deleted.iter().map(|id| id.as_uuid()).collect::<Vec<_>>(),
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        let organizations = rows.into_iter().map(|row| {
            Ok(OrganizationAbove {
                id: OrgId::from_uuid(row.org_id),
                slug: parsed(Slug::parse(&row.slug).ok(), "organizations", "slug")?,
                name: row.name,
                status: parsed(OrgStatus::from_text(&row.status), "organizations", "status")?,
            })
        });
        organizations.collect()
    }

    /// Organizations whose time to be restored is over, and of which something is left, those that nothing was done about first; at
    /// most `limit`.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn list_to_erase(&self, now: DateTime<Utc>, limit: i64) -> Result<Vec<OrgScope>, StorageError> {
        let mut tx = self.begin_system(SystemReason::Refresh).await?;
        let ids = sqlx::query_scalar!(
            "select org_id from organizations
             where status = 'deleted' and erase_after <= $1 and erased_at is null
             order by erasing_since nulls first, erase_after limit $2",
            now,
            limit,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(ids.into_iter().map(OrgScope::resolved).collect())
    }
}
