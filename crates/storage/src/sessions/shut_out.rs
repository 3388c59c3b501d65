//! Sessions that a connection, or a policy on SSO, admits no more.

use chrono::{DateTime, Utc};
use orgate_domain::ids::{ConnectionId, SessionId};
use orgate_domain::sessions::SignInMethod;
use orgate_domain::standing::SsoSubject;

use super::Sessions;
use crate::StorageError;
use crate::row::method;

/// Sessions of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedSessions {
    /// How they began.
    pub method: SignInMethod,
    /// What a policy needs to know of whoever is signed in by them.
    pub subject: SsoSubject,
    /// How many there are.
    pub count: i64,
    /// Whether the one that was named is among them.
    pub has_own: bool,
}

impl Sessions<'_> {
    /// The sessions that nobody has ended, that are good for something at `now`, in a browser or in an application, and
    /// that began through a connection which does not let their users in any more: it is not in force, or its pilot does
    /// not list them.
    pub async fn list_shut_out(
        &mut self,
        connection: ConnectionId,
        now: DateTime<Utc>,
    ) -> Result<Vec<SessionId>, StorageError> {
        let ids = sqlx::query_scalar!(
            r#"select session.session_id as "id!"
               from open_sessions session
               where session.org_id = $1 and session.connection_id = $2 and session.good_until > $3
                 and not exists (select from connection_users let_in
                                 where let_in.org_id = $1 and let_in.connection_id = $2
                                   and let_in.user_id = session.user_id)"#,
            self.org_id,
            connection.as_uuid(),
            now,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(ids.into_iter().map(SessionId::from_uuid).collect())
    }

    /// The sessions that nobody has ended, that are good for something at `now`, in a browser or in an application, and
    /// that began otherwise than through a connection, with what a policy on SSO needs to know of each.
    pub async fn list_without_sso(
        &mut self,
        now: DateTime<Utc>,
    ) -> Result<Vec<(SessionId, SignInMethod, SsoSubject)>, StorageError> {
        let rows = sqlx::query!(
            r#"select standing.session_id as "session_id!", standing.method as "method!",
                      standing.break_glass as "break_glass!", standing.domain_verified as "domain_verified!"
               from open_sessions session
               join session_standings standing on standing.org_id = $1 and standing.session_id = session.session_id
               where session.org_id = $1 and session.connection_id is null and session.good_until > $2"#,
            self.org_id,
            now,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter()
            .map(|row| {
                let subject =
                    SsoSubject { of_verified_domain: row.domain_verified, break_glass: row.break_glass };
                Ok((SessionId::from_uuid(row.session_id), method(&row.method, None)?, subject))
            })
            .collect()
    }

    /// How many of the same there are, of each kind that a policy on SSO tells apart, and whether this one is among them.
    pub async fn count_without_sso(
        &mut self,
        now: DateTime<Utc>,
        own: Option<SessionId>,
    ) -> Result<Vec<CountedSessions>, StorageError> {
        let rows = sqlx::query!(
            r#"select standing.method as "method!", standing.break_glass as "break_glass!",
                      standing.domain_verified as "domain_verified!", count(*) as "count!",
                      bool_or(session.session_id is not distinct from $3) as "has_own!"
               from open_sessions session
               join session_standings standing on standing.org_id = $1 and standing.session_id = session.session_id
               where session.org_id = $1 and session.connection_id is null and session.good_until > $2
               group by standing.method, standing.break_glass, standing.domain_verified"#,
            self.org_id,
            now,
            own.map(SessionId::as_uuid),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter()
            .map(|row| {
                let subject =
                    SsoSubject { of_verified_domain: row.domain_verified, break_glass: row.break_glass };
                let method = method(&row.method, None)?;
                Ok(CountedSessions { method, subject, count: row.count, has_own: row.has_own })
            })
            .collect()
    }
}
