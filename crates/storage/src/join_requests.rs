//! Requests to join, and the links that prove their addresses.

use chrono::{DateTime, Utc};
use orgate_domain::credentials::SecretHash;
use orgate_domain::email::Email;
use orgate_domain::ids::{ClientId, InvitationId, JoinRequestId, OrgId};
use orgate_domain::joining::{
    JoinRequest, JoinRequestState, MAX_FROM_ONE_PLACE, MAX_MAILS, MAX_OF_ONE_PLACE, MAX_OPEN, MAX_TO_ONE,
};
use orgate_domain::names::DisplayName;
use uuid::Uuid;

use crate::row::parsed;
use crate::scope::repository;
use crate::{Page, PageOf, StorageError};

repository! {
    /// The organization's requests to join.
    JoinRequests,
    /// The organization's requests to join.
    join_requests
}

/// An address that somebody typed, about to be mailed a link.
#[derive(Debug)]
pub struct NewJoinRequest<'a> {
    /// Its id.
    pub id: JoinRequestId,
    /// The hash of the link's secret.
    pub token: SecretHash,
    /// The address.
    pub email: &'a Email,
    /// A keyed hash of where it was typed.
    pub source: SecretHash,
    /// What they call themselves.
    pub name: Option<&'a DisplayName>,
    /// What they have to say.
    pub message: Option<&'a str>,
    /// The application that they are on the way to.
    pub client: (OrgId, ClientId),
    /// When.
    pub at: DateTime<Utc>,
    /// When the link lapses.
    pub expires_at: DateTime<Utc>,
}

/// A request, as whoever holds its link meets it.
#[derive(Debug)]
pub struct StoredJoinRequest {
    /// Its id.
    pub id: JoinRequestId,
    /// The address.
    pub email: Email,
    /// What they call themselves.
    pub name: Option<DisplayName>,
    /// What they have to say.
    pub message: Option<String>,
    /// The application that they were on the way to.
    pub client: Option<(OrgId, ClientId)>,
    /// From when on its link, or it, counts no more.
    pub expires_at: DateTime<Utc>,
    /// When the link was used.
    pub proven_at: Option<DateTime<Utc>>,
}

/// What became of what an address asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It was denied.
    Denied,
    /// It waits to be decided.
    Open,
}

struct Row {
    id: Uuid,
    email: String,
    name: Option<String>,
    message: Option<String>,
    client_org_id: Option<Uuid>,
    client_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    proven_at: Option<DateTime<Utc>>,
    decided_at: Option<DateTime<Utc>>,
    decision: Option<String>,
    decided_by: Option<String>,
    invitation_id: Option<Uuid>,
    expires_at: DateTime<Utc>,
}

const TABLE: &str = "join_requests";

impl Row {
    fn name(&self) -> Result<Option<DisplayName>, StorageError> {
        let name = self.name.as_ref().map(|text| parsed(DisplayName::parse(text).ok(), TABLE, "name"));
        name.transpose()
    }

    fn client(&self) -> Option<(OrgId, ClientId)> {
        let (owner, id) = self.client_org_id.zip(self.client_id)?;
        Some((OrgId::from_uuid(owner), ClientId::from_uuid(id)))
    }

    fn email(&self) -> Result<Email, StorageError> {
        parsed(Email::stored(&self.email).ok(), TABLE, "email")
    }

    /// As administrators see it at this moment.
    fn seen(self, now: DateTime<Utc>) -> Result<JoinRequest, StorageError> {
        let row = self;
        let invitation = row.invitation_id.map(InvitationId::from_uuid);
        let state = match (row.decision.as_deref(), row.decided_at, invitation) {
            (None, None, _) if row.expires_at <= now => JoinRequestState::Lapsed,
            (None, None, _) => JoinRequestState::Open,
            (Some("approved"), Some(at), Some(invitation)) => JoinRequestState::Approved(at, invitation),
            (Some("denied"), Some(at), _) => JoinRequestState::Denied(at),
            _ => return Err(StorageError::Corrupt { table: TABLE, column: "decision" }),
        };
        Ok(JoinRequest {
            id: JoinRequestId::from_uuid(row.id),
            email: row.email()?,
            name: row.name()?,
            client: row.client(),
            requested_at: row.proven_at.unwrap_or(row.created_at),
            expires_at: row.expires_at,
            state,
            message: row.message,
            decided_by: row.decided_by,
        })
    }
}

impl TryFrom<Row> for StoredJoinRequest {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            id: JoinRequestId::from_uuid(row.id),
            email: row.email()?,
            name: row.name()?,
            client: row.client(),
            message: row.message,
            expires_at: row.expires_at,
            proven_at: row.proven_at,
        })
    }
}

/// Requests by a condition on `asked`, whose first parameter is the organization.
macro_rules! select {
    ($which:tt, $($argument:expr),+) => {
        sqlx::query_as!(
            Row,
            "select asked.id, asked.email, asked.name, asked.message, asked.client_org_id, asked.client_id, asked.created_at,
                    asked.proven_at, asked.decided_at, asked.decision, asked.decided_by, asked.invitation_id, asked.expires_at
             from join_requests asked
             where asked.org_id = $1 and " + $which,
            $($argument),+
        )
    };
}

impl JoinRequests<'_> {
    /// Has others who ask to join wait for this transaction.
    pub async fn seize(&mut self) -> Result<(), StorageError> {
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended('join ' || $1::uuid::text, 0))",
            self.org_id
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Keeps an address that is to be proven, unless it, whoever typed it, or the organization had as many mails since `since` as
    /// they may. `false` if so, with nothing done.
    pub async fn insert(
        &mut self,
        new: &NewJoinRequest<'_>,
        since: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        self.seize().await?; // or several at once would each find room
        let done = sqlx::query!(
            "insert into join_requests (org_id, id, token_hash, email, email_normalized, source, name, message, client_org_id,
                                        client_id, created_at, expires_at)
             select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
             where (select count(*) from join_requests recent
                    where recent.org_id = $1 and recent.email_normalized = $5 and recent.created_at > $13) < $14::bigint
               and (select count(*) from join_requests here
                    where here.org_id = $1 and here.email_normalized = $5 and here.source = $6
                      and here.created_at > $13) < $15::bigint
               and (select count(*) from join_requests place
                    where place.org_id = $1 and place.source = $6 and place.created_at > $13) < $16::bigint
               and (select count(*) from join_requests every
                    where every.org_id = $1 and every.created_at > $13) < $17::bigint",
            self.org_id,
            new.id.as_uuid(),
            new.token.as_bytes(),
            new.email.as_str(),
            new.email.normalized(),
            new.source.as_bytes(),
            new.name.map(DisplayName::as_str),
            new.message,
            new.client.0.as_uuid(),
            new.client.1.as_uuid(),
            new.at,
            new.expires_at,
            since,
            MAX_TO_ONE,
            MAX_FROM_ONE_PLACE,
            MAX_OF_ONE_PLACE,
            MAX_MAILS,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The request with this secret, whatever became of it.
    pub async fn find_by_token(
        &mut self,
        token: &SecretHash,
    ) -> Result<Option<StoredJoinRequest>, StorageError> {
        let row = select!("asked.token_hash = $2", self.org_id, token.as_bytes().as_slice())
            .fetch_optional(&mut *self.conn)
            .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// The same, by its id.
    pub async fn find_by_id(&mut self, id: JoinRequestId) -> Result<Option<StoredJoinRequest>, StorageError> {
        let row = select!("asked.id = $2", self.org_id, id.as_uuid()).fetch_optional(&mut *self.conn).await?;
        row.map(TryInto::try_into).transpose()
    }

    /// What became of what this address asked for, as long as it counts: another request changes nothing then.
    pub async fn find_settled(
        &mut self,
        email: &Email,
        now: DateTime<Utc>,
    ) -> Result<Option<Settled>, StorageError> {
        let row = sqlx::query!(
            r#"select coalesce(bool_or(asked.decided_at is null), false) as "open!",
                      coalesce(bool_or(asked.decision = 'denied'), false) as "denied!"
               from join_requests asked
               where asked.org_id = $1 and asked.email_normalized = $2 and asked.proven_at is not null
                 and asked.expires_at > $3"#,
            self.org_id,
            email.normalized(),
            now,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(match (row.denied, row.open) {
            (true, _) => Some(Settled::Denied),
            (false, true) => Some(Settled::Open),
            (false, false) => None,
        })
    }

    /// Approves what this address asked for, as it may join by now without anybody's word. Which requests these were.
    pub async fn settle(
        &mut self,
        email: &Email,
        (invitation, at, until): (InvitationId, DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<JoinRequestId>, StorageError> {
        let settled = sqlx::query_scalar!(
            "update join_requests
             set decided_at = $4, decision = 'approved', invitation_id = $3, expires_at = $5
             where org_id = $1 and email_normalized = $2 and proven_at is not null and decided_at is null and expires_at > $4
             returning id",
            self.org_id,
            email.normalized(),
            invitation.as_uuid(),
            at,
            until,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(settled.into_iter().map(JoinRequestId::from_uuid).collect())
    }

    /// Uses a link up: the address is proven. `false` if it was used before, or has lapsed: of two racing calls, one wins. The
    /// request is open then, until `until`.
    pub async fn prove(
        &mut self,
        id: JoinRequestId,
        (at, until): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<bool, StorageError> {
        // One that lapsed makes room: there is one open request of an address.
        sqlx::query!(
            "delete from join_requests before using join_requests proving
             where before.org_id = $1 and proving.org_id = $1 and proving.id = $2
               and before.email_normalized = proving.email_normalized and before.proven_at is not null
               and before.decided_at is null and before.expires_at <= $3",
            self.org_id,
            id.as_uuid(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        let done = sqlx::query!(
            "update join_requests set proven_at = $3, expires_at = $4
             where org_id = $1 and id = $2 and proven_at is null and expires_at > $3",
            self.org_id,
            id.as_uuid(),
            at,
            until,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Uses a link up by what the organization allows: nobody else has to decide. `false` as of [`JoinRequests::prove`].
    pub async fn admit(
        &mut self,
        id: JoinRequestId,
        (invitation, at, until): (InvitationId, DateTime<Utc>, DateTime<Utc>),
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update join_requests
             set proven_at = $3, decided_at = $3, decision = 'automatic', invitation_id = $4, expires_at = $5
             where org_id = $1 and id = $2 and proven_at is null and expires_at > $3",
            self.org_id,
            id.as_uuid(),
            at,
            invitation.as_uuid(),
            until,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether there is room for one more that waits to be decided.
    pub async fn has_room(&mut self, now: DateTime<Utc>) -> Result<bool, StorageError> {
        let open = sqlx::query_scalar!(
            r#"select count(*) as "open!" from join_requests
               where org_id = $1 and proven_at is not null and decided_at is null and expires_at > $2"#,
            self.org_id,
            now,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(open < MAX_OPEN)
    }

    /// A page of the requests of proven addresses that somebody decides, or decided; latest first.
    pub async fn list(
        &mut self,
        page: PageOf<JoinRequestId>,
        now: DateTime<Utc>,
    ) -> Result<Page<JoinRequest, JoinRequestId>, StorageError> {
        let rows = select!(
            "asked.proven_at is not null and asked.decision is distinct from 'automatic' and asked.id < $2
             order by asked.id desc limit $3",
            self.org_id,
            page.after.map_or(Uuid::max(), JoinRequestId::as_uuid),
            page.rows()
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let requests: Result<Vec<JoinRequest>, _> = rows.into_iter().map(|row| row.seen(now)).collect();
        Ok(page.cut(requests?, |request| request.id))
    }

    /// A page of those that wait to be decided, latest first.
    pub async fn list_open(
        &mut self,
        page: PageOf<JoinRequestId>,
        now: DateTime<Utc>,
    ) -> Result<Page<JoinRequest, JoinRequestId>, StorageError> {
        let rows = select!(
            "asked.proven_at is not null and asked.decided_at is null and asked.expires_at > $4 and asked.id < $2
             order by asked.id desc limit $3",
            self.org_id,
            page.after.map_or(Uuid::max(), JoinRequestId::as_uuid),
            page.rows(),
            now
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let requests: Result<Vec<JoinRequest>, _> = rows.into_iter().map(|row| row.seen(now)).collect();
        Ok(page.cut(requests?, |request| request.id))
    }

    /// One of these, whatever became of it.
    pub async fn find(
        &mut self,
        id: JoinRequestId,
        now: DateTime<Utc>,
    ) -> Result<Option<JoinRequest>, StorageError> {
        let row = select!(
            "asked.proven_at is not null and asked.decision is distinct from 'automatic' and asked.id = $2",
            self.org_id,
            id.as_uuid()
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(|row| row.seen(now)).transpose()
    }

    /// Approves an open request: this invitation comes of it. `false` if it is not open: of two racing calls, one wins.
    pub async fn approve(
        &mut self,
        id: JoinRequestId,
        (invitation, by): (InvitationId, &str),
        (at, until): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update join_requests
             set decided_at = $5, decision = 'approved', invitation_id = $3, decided_by = $4, expires_at = $6
             where org_id = $1 and id = $2 and proven_at is not null and decided_at is null and expires_at > $5",
            self.org_id,
            id.as_uuid(),
            invitation.as_uuid(),
            by,
            at,
            until,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Denies an open request. `false` as of [`JoinRequests::approve`].
    pub async fn deny(
        &mut self,
        id: JoinRequestId,
        by: &str,
        (at, until): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update join_requests set decided_at = $4, decision = 'denied', decided_by = $3, expires_at = $5
             where org_id = $1 and id = $2 and proven_at is not null and decided_at is null and expires_at > $4",
            self.org_id,
            id.as_uuid(),
            by,
            at,
            until,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets what was asked for with an address: whose it is, is erased. How many there were.
    pub async fn delete_of(&mut self, email: &Email) -> Result<u64, StorageError> {
        let done = sqlx::query!(
            "delete from join_requests where org_id = $1 and email_normalized = $2",
            self.org_id,
            email.normalized(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected())
    }
}
