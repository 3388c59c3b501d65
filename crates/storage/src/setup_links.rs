//! Set-up links.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{SessionId, SetupLinkId};
use orgate_domain::setup::{SetupLink, SetupPurpose};
use uuid::Uuid;

use crate::row::parsed;
use crate::scope::repository;
use crate::{Page, PageOf, StorageError};

repository! {
    /// The organization's set-up links.
    SetupLinks,
    /// The organization's set-up links.
    setup_links
}

/// A link about to be made.
#[derive(Debug)]
pub struct NewSetupLink<'a> {
    /// What is known of it.
    pub link: &'a SetupLink,
    /// The hash of its secret.
    pub token: SecretHash,
}

struct Row {
    id: Uuid,
    purposes: Vec<String>,
    role_ceiling: Vec<String>,
    created_by: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    session_id: Option<Uuid>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for SetupLink {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let purpose = |text: &String| parsed(SetupPurpose::from_text(text), "setup_links", "purposes");
        Ok(Self {
            id: SetupLinkId::from_uuid(row.id),
            purposes: row.purposes.iter().map(purpose).collect::<Result<BTreeSet<_>, _>>()?,
            role_ceiling: row.role_ceiling.into_iter().collect(),
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            session: row.session_id.map(SessionId::from_uuid),
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
        })
    }
}

impl SetupLinks<'_> {
    /// Keeps a link.
    pub async fn insert(&mut self, new: &NewSetupLink<'_>) -> Result<(), StorageError> {
        let link = new.link;
        let purposes: Vec<String> = link.purposes.iter().map(|purpose| purpose.as_str().to_owned()).collect();
        let ceiling: Vec<String> = link.role_ceiling.iter().cloned().collect();
        sqlx::query!(
            "insert into setup_links
                 (org_id, id, token_hash, purposes, role_ceiling, created_by, created_at, expires_at, session_id)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            self.org_id,
            link.id.as_uuid(),
            new.token.as_bytes(),
            &purposes,
            &ceiling,
            link.created_by,
            link.created_at,
            link.expires_at,
            link.session.map(SessionId::as_uuid),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// A page of the links, latest first.
    pub async fn list(
        &mut self,
        page: PageOf<SetupLinkId>,
    ) -> Result<Page<SetupLink, SetupLinkId>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            "select id, purposes, role_ceiling, created_by, created_at, expires_at, session_id, revoked_at, last_used_at
             from setup_links where org_id = $1 and id < $2 order by id desc limit $3",
            self.org_id,
            page.after.map_or(Uuid::max(), SetupLinkId::as_uuid),
            page.rows(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let links: Result<Vec<SetupLink>, _> = rows.into_iter().map(TryInto::try_into).collect();
        Ok(page.cut(links?, |link| link.id))
    }

    /// One link, whatever became of it.
    pub async fn find(&mut self, id: SetupLinkId) -> Result<Option<SetupLink>, StorageError> {
        let row = sqlx::query_as!(
            Row,
            "select id, purposes, role_ceiling, created_by, created_at, expires_at, session_id, revoked_at, last_used_at
             from setup_links where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// The link with this secret, whatever became of it.
    pub async fn find_by_token(&mut self, token: &SecretHash) -> Result<Option<SetupLink>, StorageError> {
        let row = sqlx::query_as!(
            Row,
            "select id, purposes, role_ceiling, created_by, created_at, expires_at, session_id, revoked_at, last_used_at
             from setup_links where org_id = $1 and token_hash = $2",
            self.org_id,
            token.as_bytes(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// How many links were made since `since`, whatever became of them: for themselves by whoever is signed in by this session;
    /// `None`: for others.
    pub async fn count_made(
        &mut self,
        since: DateTime<Utc>,
        session: Option<SessionId>,
    ) -> Result<i64, StorageError> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from setup_links
               where org_id = $1 and created_at >= $2 and session_id is not distinct from $3"#,
            self.org_id,
            since,
            session.map(SessionId::as_uuid),
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(count)
    }

    /// Takes a link back. `false` if there is none, or it was taken back before.
    pub async fn revoke(&mut self, id: SetupLinkId, at: DateTime<Utc>) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update setup_links set revoked_at = $3 where org_id = $1 and id = $2 and revoked_at is null",
            self.org_id,
            id.as_uuid(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes that something was done with a link.
    pub async fn update_last_used(&mut self, id: SetupLinkId, at: DateTime<Utc>) -> Result<(), StorageError> {
        sqlx::query!(
            "update setup_links set last_used_at = $3 where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
