//! Sessions.

use chrono::{DateTime, Utc};
use orgate_domain::audit::Origin;
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{AuthorizationRequestId, ClientId, ConnectionId, OrgId, SessionId};
use orgate_domain::sessions::Session;
use orgate_domain::standing::Standing;

use crate::StorageError;
use crate::row::StandingRow;
use crate::scope::repository;

repository! {
    /// The organization's sessions.
    Sessions,
    /// The organization's sessions.
    sessions
}

/// A session about to begin, or an old one of the same user proven again.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// The session.
    pub session: &'a Session,
    /// When whoever vouches for it ends it.
    pub ends_by: Option<DateTime<Utc>>,
    /// The hash of its cookie, which is new at every sign-in.
    pub token: SecretHash,
    /// The browser it is in.
    pub browser: SecretHash,
    /// Where it is.
    pub origin: &'a Origin,
    /// Its other end, if an identity provider vouches for it: the session's method names the connection.
    pub upstream: Option<&'a UpstreamEnd>,
}

/// The other end of a session that an identity provider began.
#[derive(Debug, Clone)]
pub struct UpstreamEnd {
    /// Who the user is there.
    pub subject: String,
    /// What the session is called there.
    pub sid: Option<String>,
    /// What logging out there takes; encrypted.
    pub logout: Option<Vec<u8>>,
}

impl Sessions<'_> {
    /// Answers an authorization request with a session: the request is consumed, and the session stored, or, if it
    /// is an old one of the same user, given its new cookie and time of authentication; with its other end, if it
    /// has one. All in one statement, in which the request decides: `false` if it was answered before or lapsed, or the
    /// old session has ended; the transaction is then to be dropped. Of two racing calls, one wins.
    pub async fn begin(
        &mut self,
        request: AuthorizationRequestId,
        new: &NewSession<'_>,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let session = new.session;
        let begun = sqlx::query_scalar!(
            r#"with answered as (
                   update authorization_requests set consumed_at = $3
                   where org_id = $1 and id = $2 and consumed_at is null and expires_at > $3
                   returning org_id
               ), begun as (
                   insert into sessions
                       (org_id, id, user_id, token_hash, auth_time, amr, created_at, last_seen_at, expires_at, address,
                        user_agent, browser_hash, method, connection_id, ends_by)
                   select org_id, $4, $5, $6, $7, $8, $3, $3, $9, $10, $11, $12, $13, $14, $15 from answered
                   on conflict (org_id, id) do update
                       set token_hash = excluded.token_hash, auth_time = excluded.auth_time, amr = excluded.amr,
                           last_seen_at = excluded.last_seen_at, expires_at = excluded.expires_at,
                           address = excluded.address, user_agent = excluded.user_agent,
                           browser_hash = excluded.browser_hash, method = excluded.method,
                           connection_id = excluded.connection_id, ends_by = excluded.ends_by
                       where sessions.org_id = excluded.org_id and sessions.user_id = excluded.user_id
                         and sessions.ended_at is null
                   returning org_id
               ), other_end as (
                   insert into upstream_sessions (org_id, session_id, connection_id, subject, upstream_sid, logout)
                   select org_id, $4, $14, $16, $17, $18 from begun where $16::text is not null
                   on conflict (org_id, session_id) do update
                       set connection_id = excluded.connection_id, subject = excluded.subject,
                           upstream_sid = excluded.upstream_sid, logout = excluded.logout
                       where upstream_sessions.org_id = excluded.org_id
               )
               select count(*) as "count!" from begun"#,
            self.org_id,
            request.as_uuid(),
            now,
            session.id.as_uuid(),
            session.user_id.as_uuid(),
            new.token.as_bytes(),
            session.auth_time,
            &session.amr,
            session.expires_at,
            new.origin.address.map(ipnet::IpNet::from),
            new.origin.user_agent,
            new.browser.as_bytes(),
            session.method.as_str(),
            session.method.connection().map(ConnectionId::as_uuid),
            new.ends_by,
            new.upstream.map(|end| end.subject.as_str()),
            new.upstream.and_then(|end| end.sid.as_deref()),
            new.upstream.and_then(|end| end.logout.as_deref()),
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(begun == 1)
    }

    /// The session that a cookie proves, with its user and whether `client` may be used here.
    pub async fn find_by_cookie(
        &mut self,
        token: &SecretHash,
        client: (OrgId, ClientId),
    ) -> Result<Option<Standing>, StorageError> {
        let row = sqlx::query_as!(
            StandingRow,
            r#"select standing.org_id as "org_id!", standing.session_id as "session_id!",
                      standing.user_id as "user_id!", standing.auth_time as "auth_time!", standing.amr as "amr!",
                      standing.last_seen_at as "last_seen_at!", standing.expires_at as "expires_at!",
                      standing.ended_at, standing.org_slug as "org_slug!", standing.org_status as "org_status!",
                      standing.email, standing.email_verified as "email_verified!",
                      standing.name as "name!", standing.locale, standing.user_status as "user_status!",
                      standing.roles as "roles!", standing.permissions as "permissions!",
                      standing.method as "method!", standing.connection_id, standing.connection_state,
                      standing.piloted, standing.break_glass as "break_glass!",
                      standing.domain_verified as "domain_verified!", standing.ends_by,
                      client.status as "client_status?"
               from sessions proven
               join standings standing on standing.org_id = proven.org_id and standing.session_id = proven.id
               left join admitted_clients client
                    on client.org_id = proven.org_id and client.client_org_id = $3 and client.client_id = $4
               where proven.org_id = $1 and proven.token_hash = $2"#,
            self.org_id,
            token.as_bytes(),
            client.0.as_uuid(),
            client.1.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// The session with this id, with its user and whether `client` may be used here.
    pub async fn find_standing(
        &mut self,
        id: SessionId,
        client: (OrgId, ClientId),
    ) -> Result<Option<Standing>, StorageError> {
        let row = sqlx::query_as!(
            StandingRow,
            r#"select standing.org_id as "org_id!", standing.session_id as "session_id!",
                      standing.user_id as "user_id!", standing.auth_time as "auth_time!", standing.amr as "amr!",
                      standing.last_seen_at as "last_seen_at!", standing.expires_at as "expires_at!",
                      standing.ended_at, standing.org_slug as "org_slug!", standing.org_status as "org_status!",
                      standing.email, standing.email_verified as "email_verified!",
                      standing.name as "name!", standing.locale, standing.user_status as "user_status!",
                      standing.roles as "roles!", standing.permissions as "permissions!",
                      standing.method as "method!", standing.connection_id, standing.connection_state,
                      standing.piloted, standing.break_glass as "break_glass!",
                      standing.domain_verified as "domain_verified!", standing.ends_by,
                      client.status as "client_status?"
               from standings standing
               left join admitted_clients client
                    on client.org_id = standing.org_id and client.client_org_id = $3 and client.client_id = $4
               where standing.org_id = $1 and standing.session_id = $2"#,
            self.org_id,
            id.as_uuid(),
            client.0.as_uuid(),
            client.1.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// Ends the session. `false` if there is none or it was ended before: of two racing calls, one
    /// wins.
    pub async fn end(&mut self, id: SessionId, now: DateTime<Utc>) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update sessions set ended_at = $3 where org_id = $1 and id = $2 and ended_at is null",
            self.org_id,
            id.as_uuid(),
            now,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
