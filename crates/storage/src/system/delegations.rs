//! Where an organization is let act by others.

use std::collections::BTreeSet;

use orgate_domain::ids::OrgId;
use orgate_domain::names::Slug;

use super::{OrgHint, SystemReason, crossing};
use crate::pool::ask;
use crate::row::parsed;
use crate::{OrgScope, Page, PageOf, StorageError, Store};

/// An organization that lets another one act in it.
#[derive(Debug, Clone)]
pub struct DelegatedOrganization {
    /// Its id.
    pub id: OrgId,
    /// Its slug.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// What may be done there.
    pub permissions: BTreeSet<String>,
}

impl Store {
    /// The active organization below `delegate` that is called this and lets it in, and what may be done there. One round trip,
    /// whether there is such an organization or not.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn find_delegated(
        &self,
        delegate: &OrgScope,
        called: OrgHint<'_>,
    ) -> Result<Option<(OrgScope, Vec<String>)>, StorageError> {
        let (id, slug, _) = called.parts();
        crossing(SystemReason::Operate);
        let question = sqlx::query!(
            r#"select found_id as "id!", found_allowed as "allowed!" from find_delegated($1, $2, $3)"#,
            delegate.org_id().as_uuid(),
            id,
            slug,
        );
        let row =
            ask(&self.connections, async |connection| question.fetch_optional(connection).await).await?;
        Ok(row.map(|row| (OrgScope::resolved(row.id), row.allowed)))
    }

    /// A page of the active organizations that let `delegate` in, in the order of their making.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn list_delegated(
        &self,
        delegate: &OrgScope,
        page: PageOf<OrgId>,
    ) -> Result<Page<DelegatedOrganization, OrgId>, StorageError> {
        let mut tx = self.begin_system(SystemReason::Operate).await?;
        let rows = sqlx::query!(
            "select organization.org_id, organization.slug, organization.name, delegation.allowed
             from delegations delegation
             join organizations organization on organization.org_id = delegation.org_id
             where delegation.delegate_id = $1 and delegation.org_id > $2 and organization.status = 'active'
             order by delegation.org_id limit $3",
            delegate.org_id().as_uuid(),
            page.after.map_or(uuid::Uuid::nil(), OrgId::as_uuid),
            page.rows(),
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        let organizations = rows.into_iter().map(|row| {
            Ok(DelegatedOrganization {
                id: OrgId::from_uuid(row.org_id),
                slug: parsed(Slug::parse(&row.slug).ok(), "organizations", "slug")?,
                name: row.name,
                permissions: row.allowed.into_iter().collect(),
            })
        });
        let organizations: Result<Vec<_>, StorageError> = organizations.collect();
        Ok(page.cut(organizations?, |organization| organization.id))
    }
}
