//! What is under way with an identity provider: browsers sent there, answers taken once, and the
//! other end of the sessions that they began.

use chrono::{DateTime, Utc};
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{ConnectionId, InvitationId, SessionId, TraceId, UserId};
use serde_json::Value;

use crate::row::{hash, parsed};
use crate::scope::repository;
use crate::{StorageError, UpstreamEnd};

repository! {
    /// The organization's traffic with its identity providers.
    Upstream,
    /// The organization's traffic with its identity providers.
    upstream
}

/// What a browser was sent to an identity provider for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamPurpose {
    /// To answer the authorization request with this handle.
    SignIn(SecretHash),
    /// To try the connection out.
    Test,
    /// To link an identity to this user.
    Link(UserId),
    /// To prove that they are who was invited.
    Invitation(InvitationId),
}

/// A browser that was sent to an identity provider.
#[derive(Debug, Clone)]
pub struct UpstreamRequest {
    /// The hash of what it brings back.
    pub state: SecretHash,
    /// Through which connection.
    pub connection_id: ConnectionId,
    /// In which version.
    pub version: i32,
    /// What for.
    pub purpose: UpstreamPurpose,
    /// The browser.
    pub browser: SecretHash,
    /// Names the master key that its secrets are derived by; empty: the release before did not say.
    pub derived_by: Vec<u8>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

/// One that was found.
#[derive(Debug, Clone)]
pub struct StoredUpstreamRequest {
    /// What was stored.
    pub request: UpstreamRequest,
    /// The accepted assertion that waits for the browser; encrypted.
    pub answer: Option<Vec<u8>>,
    /// When it was answered for good, if it was.
    pub consumed_at: Option<DateTime<Utc>>,
}

/// What came of a sign-in through a connection.
#[derive(Debug)]
pub struct NewTrace<'a> {
    /// Its id.
    pub id: TraceId,
    /// The connection.
    pub connection_id: ConnectionId,
    /// Its version.
    pub version: i32,
    /// `sign_in`, `test`, `link`, `invitation` or `unsolicited`.
    pub purpose: &'a str,
    /// The check that failed; `None`: none did.
    pub failed_check: Option<&'a str>,
    /// The id on the page that the person saw.
    pub request_id: Option<&'a str>,
    /// Every check, and what was asserted; without secrets.
    pub trace: &'a Value,
    /// When.
    pub at: DateTime<Utc>,
}

/// A kept trace.
#[derive(Debug, Clone)]
pub struct StoredTrace {
    /// Its id.
    pub id: TraceId,
    /// The connection's version.
    pub version: i32,
    /// What the sign-in was for.
    pub purpose: String,
    /// The check that failed, if one did.
    pub failed_check: Option<String>,
    /// The id on the page that the person saw.
    pub request_id: Option<String>,
    /// Every check, and what was asserted.
    pub trace: Value,
    /// When.
    pub at: DateTime<Utc>,
}

const TABLE: &str = "upstream_requests";

impl UpstreamPurpose {
    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn(_) => "sign_in",
            Self::Test => "test",
            Self::Link(_) => "link",
            Self::Invitation(_) => "invitation",
        }
    }

    fn from_parts(
        text: &str,
        request: Option<SecretHash>,
        (user, invitation): (Option<UserId>, Option<InvitationId>),
    ) -> Option<Self> {
        match (text, request, user, invitation) {
            ("sign_in", Some(request), None, None) => Some(Self::SignIn(request)),
            ("test", None, None, None) => Some(Self::Test),
            ("link", None, Some(user), None) => Some(Self::Link(user)),
            ("invitation", None, None, Some(invitation)) => Some(Self::Invitation(invitation)),
            _ => None,
        }
    }
}

impl Upstream<'_> {
    /// Stores a request.
    pub async fn insert(&mut self, new: &UpstreamRequest) -> Result<(), StorageError> {
        let (request, user, invitation) = match &new.purpose {
            UpstreamPurpose::SignIn(handle) => (Some(handle.as_bytes().as_slice()), None, None),
            UpstreamPurpose::Test => (None, None, None),
            UpstreamPurpose::Link(user) => (None, Some(user.as_uuid()), None),
            UpstreamPurpose::Invitation(id) => (None, None, Some(id.as_uuid())),
        };
        sqlx::query!(
            "insert into upstream_requests
                 (org_id, state_hash, connection_id, version, purpose, request_handle, user_id,
                  browser_hash, created_at, expires_at, derived_by, invitation_id)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            self.org_id,
            new.state.as_bytes(),
            new.connection_id.as_uuid(),
            new.version,
            new.purpose.as_str(),
            request,
            user,
            new.browser.as_bytes(),
            new.created_at,
            new.expires_at,
            new.derived_by,
            invitation,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// The request with this state, whether or not it still waits.
    pub async fn find(&mut self, state: &SecretHash) -> Result<Option<StoredUpstreamRequest>, StorageError> {
        let row = sqlx::query!(
            "select connection_id, version, purpose, request_handle, user_id, browser_hash, created_at,
                    expires_at, answer, consumed_at, derived_by, invitation_id
             from upstream_requests where org_id = $1 and state_hash = $2",
            self.org_id,
            state.as_bytes(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let purpose = UpstreamPurpose::from_parts(
            &row.purpose,
            row.request_handle.map(|bytes| hash(&bytes, TABLE, "request_handle")).transpose()?,
            (row.user_id.map(UserId::from_uuid), row.invitation_id.map(InvitationId::from_uuid)),
        );
        let request = UpstreamRequest {
            state: *state,
            connection_id: ConnectionId::from_uuid(row.connection_id),
            version: row.version,
            purpose: parsed(purpose, TABLE, "purpose")?,
            browser: hash(&row.browser_hash, TABLE, "browser_hash")?,
            derived_by: row.derived_by.unwrap_or_default(),
            created_at: row.created_at,
            expires_at: row.expires_at,
        };
        Ok(Some(StoredUpstreamRequest { request, answer: row.answer, consumed_at: row.consumed_at }))
    }

    /// Keeps an accepted assertion for the browser that asked for it. `false` if the request was
    /// answered before, or lapsed: of two racing answers, one wins.
    pub async fn answer(
        &mut self,
        state: &SecretHash,
        answer: &[u8],
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update upstream_requests set answer = $3, answered_at = $4
             where org_id = $1 and state_hash = $2 and answered_at is null and consumed_at is null
               and expires_at > $4",
            self.org_id,
            state.as_bytes(),
            answer,
            now,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes the request's one use, and erases the answer that waited. `false` if it was taken
    /// before, or the request lapsed.
    pub async fn consume(&mut self, state: &SecretHash, now: DateTime<Utc>) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update upstream_requests set consumed_at = $3, answer = null
             where org_id = $1 and state_hash = $2 and consumed_at is null and expires_at > $3",
            self.org_id,
            state.as_bytes(),
            now,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// [`Upstream::consume`] and [`crate::Organizations::hold`] in one statement: for whoever is about to begin a session.
    pub async fn consume_and_hold(
        &mut self,
        state: &SecretHash,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let held = sqlx::query_scalar!(
            r#"update upstream_requests set consumed_at = $3, answer = null
               where org_id = $1 and state_hash = $2 and consumed_at is null and expires_at > $3
               returning pg_advisory_xact_lock_shared(hashtextextended('sessions ' || $1::uuid::text, 0))::text as held"#,
            self.org_id,
            state.as_bytes(),
            now,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(held.is_some())
    }

    /// Takes an assertion's one use. `false` if it was taken before: a replay.
    pub async fn consume_assertion(
        &mut self,
        connection: ConnectionId,
        assertion_id: &str,
        expires_at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "insert into consumed_assertions (org_id, connection_id, assertion_id, expires_at)
             values ($1, $2, $3, $4) on conflict do nothing",
            self.org_id,
            connection.as_uuid(),
            assertion_id,
            expires_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The other end of a session, with the connection that leads to it.
    pub async fn find_session(
        &mut self,
        id: SessionId,
    ) -> Result<Option<(ConnectionId, UpstreamEnd)>, StorageError> {
        let row = sqlx::query!(
            "select connection_id, subject, upstream_sid, logout, provider, identity from upstream_sessions
             where org_id = $1 and session_id = $2",
            self.org_id,
            id.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(row.map(|row| {
            let end = UpstreamEnd {
                subject: row.subject,
                identity: row.provider.zip(row.identity),
                sid: row.upstream_sid,
                logout: row.logout,
            };
            (ConnectionId::from_uuid(row.connection_id), end)
        }))
    }

    /// The live sessions that a logout of `subject`, or of some of its sessions there, is about; at
    /// most 1,000.
    pub async fn list_sessions(
        &mut self,
        connection: ConnectionId,
        subject: Option<&str>,
        upstream_sids: &[String],
    ) -> Result<Vec<SessionId>, StorageError> {
        let ids = sqlx::query_scalar!(
            "select session.id
             from upstream_sessions other
             join sessions session on session.org_id = other.org_id and session.id = other.session_id
             where other.org_id = $1 and other.connection_id = $2 and session.ended_at is null
               and ($3::text is null or other.subject = $3)
               and (cardinality($4::text[]) = 0 or other.upstream_sid = any($4))
               and ($3::text is not null or cardinality($4::text[]) > 0)
             order by session.id
             limit 1000",
            self.org_id,
            connection.as_uuid(),
            subject,
            upstream_sids,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(ids.into_iter().map(SessionId::from_uuid).collect())
    }

    /// Keeps a trace.
    pub async fn insert_trace(&mut self, new: &NewTrace<'_>) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into sign_in_traces
                 (org_id, id, connection_id, version, purpose, outcome, failed_check, request_id, trace, occurred_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            self.org_id,
            new.id.as_uuid(),
            new.connection_id.as_uuid(),
            new.version,
            new.purpose,
            if new.failed_check.is_none() { "success" } else { "refused" },
            new.failed_check,
            new.request_id,
            new.trace,
            new.at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// One trace.
    pub async fn find_trace(
        &mut self,
        id: TraceId,
    ) -> Result<Option<(ConnectionId, StoredTrace)>, StorageError> {
        let row = sqlx::query!(
            "select connection_id, version, purpose, failed_check, request_id, trace, occurred_at
             from sign_in_traces where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(row.map(|row| {
            let trace = StoredTrace {
                id,
                version: row.version,
                purpose: row.purpose,
                failed_check: row.failed_check,
                request_id: row.request_id,
                trace: row.trace,
                at: row.occurred_at,
            };
            (ConnectionId::from_uuid(row.connection_id), trace)
        }))
    }

    /// The latest traces of a connection, latest first, at most `limit`.
    pub async fn list_traces(
        &mut self,
        connection: ConnectionId,
        limit: i64,
    ) -> Result<Vec<StoredTrace>, StorageError> {
        let rows = sqlx::query!(
            "select id, version, purpose, failed_check, request_id, trace, occurred_at from sign_in_traces
             where org_id = $1 and connection_id = $2 order by occurred_at desc, id desc limit $3",
            self.org_id,
            connection.as_uuid(),
            limit,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| StoredTrace {
                id: TraceId::from_uuid(row.id),
                version: row.version,
                purpose: row.purpose,
                failed_check: row.failed_check,
                request_id: row.request_id,
                trace: row.trace,
                at: row.occurred_at,
            })
            .collect())
    }
}
