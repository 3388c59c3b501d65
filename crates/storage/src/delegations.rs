//! Which organizations above this one are let act in it.
//!
//! **Invariant:** a delegation is to an organization above, and ends with that: a foreign key to the tree says so.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use orgate_domain::ids::OrgId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::StorageError;
use crate::scope::repository;

repository! {
    /// The organization's delegations.
    Delegations,
    /// The organization's delegations.
    delegations
}

/// What an organization above is let do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// The organization above.
    pub delegate: OrgId,
    /// Permissions of Orgate's own, or wildcards of some.
    pub permissions: BTreeSet<String>,
    /// When it was first let in.
    pub created_at: DateTime<Utc>,
    /// When that was last changed.
    pub updated_at: DateTime<Utc>,
}

struct Row {
    delegate_id: Uuid,
    allowed: Vec<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Row> for Delegation {
    fn from(row: Row) -> Self {
        Self {
            delegate: OrgId::from_uuid(row.delegate_id),
            permissions: row.allowed.into_iter().collect(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Delegations<'_> {
    /// All of them, in the order of the delegates' ids: no more than there are organizations above.
    pub async fn list(&mut self) -> Result<Vec<Delegation>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            "select delegate_id, allowed, created_at, updated_at
             from delegations where org_id = $1 order by delegate_id",
            self.org_id,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(rows.into_iter().map(Delegation::from).collect())
    }

    /// What an organization is let do, whatever their status is.
    pub async fn find(&mut self, delegate: OrgId) -> Result<Option<Delegation>, StorageError> {
        let row = sqlx::query_as!(
            Row,
            "select delegate_id, allowed, created_at, updated_at from delegations where org_id = $1 and delegate_id = $2",
            self.org_id,
            delegate.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(row.map(Delegation::from))
    }

    /// What an organization is let do now; `None` also while either of them is not active.
    pub async fn find_standing(&mut self, delegate: OrgId) -> Result<Option<Delegation>, StorageError> {
        find_standing(self.conn, (self.org_id, delegate)).await
    }

    /// Lets an organization do this, and nothing else: from now on, if it was not let in before. `false` if it is not above
    /// this one.
    pub async fn save(&mut self, delegation: &Delegation) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "insert into delegations (org_id, delegate_id, allowed, created_at, updated_at)
             select above.org_id, above.ancestor_id, $3, $4, $4
             from organization_ancestors above where above.org_id = $1 and above.ancestor_id = $2 and above.depth > 0
             on conflict (org_id, delegate_id)
             do update set allowed = excluded.allowed, updated_at = excluded.updated_at",
            self.org_id,
            delegation.delegate.as_uuid(),
            &delegation.permissions.iter().cloned().collect::<Vec<_>>(),
            delegation.updated_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Lets an organization in no more. `false` if it was not.
    pub async fn delete(&mut self, delegate: OrgId) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "delete from delegations where org_id = $1 and delegate_id = $2",
            self.org_id,
            delegate.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() > 0)
    }
}

/// See [`Delegations::find_standing`].
pub(crate) async fn find_standing(
    conn: &mut PgConnection,
    (org_id, delegate): (Uuid, OrgId),
) -> Result<Option<Delegation>, StorageError> {
    let row = sqlx::query_as!(
        Row,
        "select delegation.delegate_id, delegation.allowed, delegation.created_at, delegation.updated_at
         from delegations delegation
         join organizations organization on organization.org_id = delegation.org_id
         cross join lateral resolve_organization(delegation.delegate_id, null, false) above
         where delegation.org_id = $1 and delegation.delegate_id = $2 and organization.status = 'active'
           and above.found_status = 'active'",
        org_id,
        delegate.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Delegation::from))
}

/// What an organization is let do now, for what its people made at `made_at`: that falls with the delegation, and does not rise
/// with another one.
pub(crate) async fn find_standing_since(
    conn: &mut PgConnection,
    of: (Uuid, OrgId),
    made_at: DateTime<Utc>,
) -> Result<Option<BTreeSet<String>>, StorageError> {
    let standing = find_standing(conn, of).await?.filter(|standing| standing.created_at <= made_at);
    Ok(standing.map(|standing| standing.permissions))
}
