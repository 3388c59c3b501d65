//! An organization that was deleted is erased.

use chrono::{DateTime, Utc};
use orgate_domain::names::Slug;

use super::Organizations;
use crate::StorageError;
use crate::row::parsed;
use crate::system::{SystemReason, crossing};

/// What is around an organization in the tree, as far as its end depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbours {
    /// One that was not deleted is below it.
    pub live_below: bool,
    /// The one above it was deleted.
    pub gone_above: bool,
}

/// An erasure that has begun, and has not ended.
#[derive(Debug, Clone)]
pub struct Erasure {
    /// What the organization was called.
    pub slug: Slug,
    /// Since when nobody finds it.
    pub since: DateTime<Utc>,
    /// Whether it begins by this.
    pub is_new: bool,
}

impl Organizations<'_> {
    /// What is around it. Whoever moves organizations, or makes one below it, waits for this transaction.
    pub async fn find_neighbours(&mut self) -> Result<Neighbours, StorageError> {
        crossing(SystemReason::Arrange);
        let row = sqlx::query!(
            r#"select live_below as "live_below!", gone_above as "gone_above!" from look_around($1)"#,
            self.org_id,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(Neighbours { live_below: row.live_below, gone_above: row.gone_above })
    }

    /// Begins to erase the organization, or goes on: it was deleted, and the time to restore it is over. What it says of itself
    /// goes at once, and nobody finds it any more. `None` if it is not to be erased, or was.
    pub async fn begin_erasure(&mut self, now: DateTime<Utc>) -> Result<Option<Erasure>, StorageError> {
        let row = sqlx::query!(
            r#"update organizations
               set erasing_since = coalesce(erasing_since, $2), name = slug, logo_url = null, primary_color = null, locale = null,
                   contact_email = null, attributes = '{}', external_id = null, seats = null
               where org_id = $1 and status = 'deleted' and erase_after <= $2 and erased_at is null
               returning slug, erasing_since as "since!", erasing_since = $2 as "is_new!""#,
            self.org_id,
            now,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(row) = row else { return Ok(None) };
        if row.is_new {
            // What leads to it stays, so that it never leads to another.
            sqlx::query!("update verified_domains set active = false where org_id = $1", self.org_id)
                .execute(&mut *self.conn)
                .await?;
            sqlx::query!(
                "update client_directory
                 set status = 'disabled', name = client_id, redirect_uris = '{}', origins = '{}', backchannel_logout = false
                 where org_id = $1",
                self.org_id,
            )
            .execute(&mut *self.conn)
            .await?;
            // Every node forgets where its id and its slug led.
            sqlx::query!(
                "select pg_notify('orgate_configuration', 'organizations:' || $1::uuid::text)",
                self.org_id,
            )
            .execute(&mut *self.conn)
            .await?;
        }
        let slug = parsed(Slug::parse(&row.slug).ok(), "organizations", "slug")?;
        Ok(Some(Erasure { slug, since: row.since, is_new: row.is_new }))
    }

    /// Erases up to this many rows of the organization, which is being erased; how many. 0: none is left.
    pub async fn erase_some(&mut self, most: i32) -> Result<i64, StorageError> {
        let erased = sqlx::query_scalar!(r#"select erase_some($1) as "erased!""#, most)
            .fetch_one(&mut *self.conn)
            .await?;
        Ok(erased)
    }

    /// Has it left alone until then, at least.
    pub async fn postpone_erasure(&mut self, until: DateTime<Utc>) -> Result<(), StorageError> {
        sqlx::query!(
            "update organizations set erase_after = greatest(erase_after, $2)
             where org_id = $1 and status = 'deleted' and erase_after is not null and erased_at is null",
            self.org_id,
            until,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Says that nothing is left of it. `false` if that was said before.
    pub async fn end_erasure(&mut self, now: DateTime<Utc>) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update organizations set erased_at = $2
             where org_id = $1 and erasing_since is not null and erased_at is null",
            self.org_id,
            now,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
