//! Sessions.

mod shut_out;

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use orgate_domain::audit::{Event, Origin};
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{AuthorizationRequestId, ClientId, ConnectionId, EventId, OrgId, SessionId, UserId};
use orgate_domain::sessions::{Session, SignInMethod};
use orgate_domain::standing::Standing;
use uuid::Uuid;

use crate::audit::detail;
use crate::row::{StandingRow, method};
use crate::scope::repository;
use crate::{Page, PageOf, StorageError};

pub use shut_out::CountedSessions;

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
    /// The identity that the user is bound by: the provider, and the subject as it is mapped. `None` in sessions of
    /// releases before.
    pub identity: Option<(String, String)>,
    /// What the session is called there.
    pub sid: Option<String>,
    /// What logging out there takes; encrypted.
    pub logout: Option<Vec<u8>>,
}

impl UpstreamEnd {
    pub(crate) fn provider(&self) -> Option<&str> {
        self.identity.as_ref().map(|(provider, _)| provider.as_str())
    }

    pub(crate) fn identity(&self) -> Option<&str> {
        self.identity.as_ref().map(|(_, subject)| subject.as_str())
    }
}

/// A session by which somebody is signed in, as people are shown it.
#[derive(Debug, Clone)]
pub struct OpenSession {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// Their address, or their name.
    pub user: String,
    /// How they proved who they are.
    pub method: SignInMethod,
    /// When.
    pub signed_in_at: DateTime<Utc>,
    /// When the browser, or an application, used it last.
    pub last_seen_at: DateTime<Utc>,
    /// From where it began.
    pub address: Option<IpAddr>,
    /// The browser it began in, as that says.
    pub user_agent: Option<String>,
    /// The names of the applications that got tokens in it.
    pub clients: Vec<String>,
}

struct ListedRow {
    session_id: Uuid,
    user_id: Uuid,
    user_label: String,
    method: String,
    connection_id: Option<Uuid>,
    auth_time: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    address: Option<IpNet>,
    user_agent: Option<String>,
    clients: Vec<String>,
}

impl TryFrom<ListedRow> for OpenSession {
    type Error = StorageError;

    fn try_from(row: ListedRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: SessionId::from_uuid(row.session_id),
            user_id: UserId::from_uuid(row.user_id),
            user: row.user_label,
            method: method(&row.method, row.connection_id)?,
            signed_in_at: row.auth_time,
            last_seen_at: row.last_seen_at,
            address: row.address.map(|address| address.addr()),
            user_agent: row.user_agent,
            clients: row.clients,
        })
    }
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
                   insert into upstream_sessions (org_id, session_id, connection_id, subject, upstream_sid, logout, provider, identity)
                   select org_id, $4, $14, $16, $17, $18, $19, $20 from begun where $16::text is not null
                   on conflict (org_id, session_id) do update
                       set connection_id = excluded.connection_id, subject = excluded.subject,
                           upstream_sid = excluded.upstream_sid, logout = excluded.logout,
                           provider = excluded.provider, identity = excluded.identity
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
            new.upstream.and_then(UpstreamEnd::provider),
            new.upstream.and_then(UpstreamEnd::identity),
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(begun == 1)
    }

    /// Begins a session that no authorization request asked for, with its other end, if it has one.
    pub async fn insert(&mut self, new: &NewSession<'_>, now: DateTime<Utc>) -> Result<(), StorageError> {
        let session = new.session;
        sqlx::query!(
            "with begun as (
                 insert into sessions
                     (org_id, id, user_id, token_hash, auth_time, amr, created_at, last_seen_at, expires_at, address,
                      user_agent, browser_hash, method, connection_id, ends_by)
                 values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $11, $12, $13, $14)
                 returning org_id
             )
             insert into upstream_sessions (org_id, session_id, connection_id, subject, upstream_sid, logout, provider, identity)
             select org_id, $2, $13, $15, $16, $17, $18, $19 from begun where $15::text is not null",
            self.org_id,
            session.id.as_uuid(),
            session.user_id.as_uuid(),
            new.token.as_bytes(),
            session.auth_time,
            &session.amr,
            now,
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
            new.upstream.and_then(UpstreamEnd::provider),
            new.upstream.and_then(UpstreamEnd::identity),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// The session that a cookie proves, with its user and, where an application is involved, whether that may be used here;
    /// **without roles and permissions**, which a browser is asked for in no place: tokens read them anew.
    pub async fn find_by_cookie(
        &mut self,
        token: &SecretHash,
        client: Option<(OrgId, ClientId)>,
    ) -> Result<Option<Standing>, StorageError> {
        let row = sqlx::query_as!(
            StandingRow,
            r#"select standing.org_id as "org_id!", standing.session_id as "session_id!",
                      standing.user_id as "user_id!", standing.auth_time as "auth_time!", standing.amr as "amr!",
                      standing.last_seen_at as "last_seen_at!", standing.expires_at as "expires_at!",
                      standing.ended_at, standing.org_slug as "org_slug!", standing.org_status as "org_status!",
                      standing.email, standing.email_verified as "email_verified!",
                      standing.name as "name!", standing.locale, standing.user_status as "user_status!",
                      '{}'::text[] as "roles!", '{}'::text[] as "permissions!",
                      standing.method as "method!", standing.connection_id, standing.connection_state,
                      standing.piloted, standing.break_glass as "break_glass!",
                      standing.domain_verified as "domain_verified!", standing.ends_by,
                      client.status as "client_status?"
               from sessions proven
               join session_standings standing on standing.org_id = proven.org_id and standing.session_id = proven.id
               left join admitted_clients client
                    on client.org_id = proven.org_id and client.client_org_id = $3 and client.client_id = $4
               where proven.org_id = $1 and proven.token_hash = $2"#,
            self.org_id,
            token.as_bytes(),
            client.map(|(owner, _)| owner.as_uuid()),
            client.map(|(_, id)| id.as_uuid()),
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

    /// The sessions that nobody has ended, whether or not a browser is still signed in by them: of a user, or of everybody.
    pub async fn list_open(&mut self, user: Option<UserId>) -> Result<Vec<SessionId>, StorageError> {
        let ids = sqlx::query_scalar!(
            "select id from sessions
             where org_id = $1 and ($2::uuid is null or user_id = $2) and ended_at is null",
            self.org_id,
            user.map(UserId::as_uuid),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(ids.into_iter().map(SessionId::from_uuid).collect())
    }

    /// The sessions by which a user is signed in at `now`, or everybody, in a browser that was there since `idle_since` or in
    /// an application that can still refresh its tokens: the last used first, at most 500.
    pub async fn list(
        &mut self,
        user: Option<UserId>,
        (now, idle_since): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<OpenSession>, StorageError> {
        let rows = sqlx::query_as!(
            ListedRow,
            r#"select session_id as "session_id!", user_id as "user_id!", user_label as "user_label!", method as "method!",
                      connection_id, auth_time as "auth_time!", last_seen_at as "last_seen_at!", address, user_agent,
                      client_names as "clients!"
               from listed_sessions session
               where session.org_id = $1 and ($2::uuid is null or session.user_id = $2)
                 and session.ended_at is null and (session.ends_by is null or session.ends_by > $3)
                 and (session.expires_at > $3 and session.browser_seen_at > $4 or session.used_until > $3)
               order by session.last_seen_at desc, session.session_id
               limit 500"#,
            self.org_id,
            user.map(UserId::as_uuid),
            now,
            idle_since,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A page of those sessions of everybody, those that began last first.
    pub async fn list_page(
        &mut self,
        page: PageOf<SessionId>,
        (now, idle_since): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Page<OpenSession, SessionId>, StorageError> {
        let rows = sqlx::query_as!(
            ListedRow,
            r#"select session_id as "session_id!", user_id as "user_id!", user_label as "user_label!", method as "method!",
                      connection_id, auth_time as "auth_time!", last_seen_at as "last_seen_at!", address, user_agent,
                      client_names as "clients!"
               from listed_sessions session
               where session.org_id = $1 and session.session_id < $2
                 and session.ended_at is null and (session.ends_by is null or session.ends_by > $3)
                 and (session.expires_at > $3 and session.browser_seen_at > $4 or session.used_until > $3)
               order by session.session_id desc
               limit $5"#,
            self.org_id,
            page.after.map_or(Uuid::max(), SessionId::as_uuid),
            now,
            idle_since,
            page.rows(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let sessions: Result<Vec<OpenSession>, _> = rows.into_iter().map(TryInto::try_into).collect();
        Ok(page.cut(sessions?, |session| session.id))
    }

    /// Begins another session in the place of an open one, proven by another cookie, with the same other end: whoever has the former
    /// is to end it, and with it whatever was granted by its cookie, also what is being granted meanwhile. `false` if it has ended.
    pub async fn succeed(
        &mut self,
        former: SessionId,
        (id, token): (SessionId, &SecretHash),
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let begun = sqlx::query_scalar!(
            r#"with former as (
                   select user_id, auth_time, amr, expires_at, address, user_agent, browser_hash, method, connection_id, ends_by
                   from sessions where org_id = $1 and id = $2 and ended_at is null for update
               ), begun as (
                   insert into sessions (org_id, id, user_id, token_hash, auth_time, amr, created_at, last_seen_at, expires_at,
                                         address, user_agent, browser_hash, method, connection_id, ends_by)
                   select $1, $3, user_id, $4, auth_time, amr, $5, $5, expires_at,
                          address, user_agent, browser_hash, method, connection_id, ends_by
                   from former
                   returning id
               ), other_end as (
                   insert into upstream_sessions
                       (org_id, session_id, connection_id, subject, upstream_sid, logout, provider, identity)
                   select $1, begun.id, other.connection_id, other.subject, other.upstream_sid, other.logout,
                          other.provider, other.identity
                   from begun join upstream_sessions other on other.org_id = $1 and other.session_id = $2
               )
               select count(*) as "count!" from begun"#,
            self.org_id,
            former.as_uuid(),
            id.as_uuid(),
            token.as_bytes(),
            now,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(begun == 1)
    }

    /// Whose a session is, ended or not.
    pub async fn find_user(&mut self, id: SessionId) -> Result<Option<UserId>, StorageError> {
        let user = sqlx::query_scalar!(
            "select user_id from sessions where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(user.map(UserId::from_uuid))
    }

    /// Ends those of these sessions that nobody has ended yet, each with an event of its own, like `event` but for id,
    /// user and session; all in one statement. How many it were: of racing calls, each session has one.
    ///
    /// What was granted in a session is revoked, and its clients are told, by the trigger `end_session`.
    pub async fn end(
        &mut self,
        sessions: &[(SessionId, EventId)],
        event: &Event,
    ) -> Result<u64, StorageError> {
        let ids: Vec<Uuid> = sessions.iter().map(|(id, _)| id.as_uuid()).collect();
        let events: Vec<Uuid> = sessions.iter().map(|(_, id)| id.as_uuid()).collect();
        // Locked against whoever is about to begin a family in one of them, who then sees that it ended; in one order.
        let done = sqlx::query!(
            "with open as (
                 select session.id, asked.event_id
                 from unnest($2::uuid[], $3::uuid[]) as asked (id, event_id)
                 join sessions session on session.org_id = $1 and session.id = asked.id and session.ended_at is null
                 order by session.id
                 for update of session
             ), ended as (
                 update sessions session set ended_at = $4
                 from open
                 where session.org_id = $1 and session.id = open.id and session.ended_at is null
                 returning session.id, session.user_id, open.event_id
             )
             insert into audit_events
                 (org_id, occurred_at, id, action, outcome, reason, actor_kind, actor_id, user_id, session_id,
                  address, user_agent, request_id, detail)
             select $1, $4, event_id, $5, $6, $7, $8, $9, user_id, id, $10, $11, $12, $13 from ended",
            self.org_id,
            &ids,
            &events,
            event.occurred_at,
            event.action.as_str(),
            event.outcome.as_str(),
            event.reason,
            event.actor.kind(),
            event.actor.id(),
            event.origin.address.map(ipnet::IpNet::from),
            event.origin.user_agent,
            event.origin.request_id,
            detail(event),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected())
    }
}
