//! How connections do: what administrators look at, read at once.

use chrono::{DateTime, Utc};
use orgate_domain::connections::{ConnectionSettings, ConnectionState};
use orgate_domain::ids::ConnectionId;
use sqlx::types::Json;

use super::Connections;
use crate::StorageError;
use crate::row::parsed;

/// How a connection does.
#[derive(Debug, Clone)]
pub struct ConnectionCondition {
    /// The connection.
    pub id: ConnectionId,
    /// Its name on the sign-in page.
    pub name: String,
    /// Where it is in its life.
    pub state: ConnectionState,
    /// What people sign in by, or, before anybody does, its latest version; `None` before there is one.
    pub settings: Option<ConnectionSettings>,
    /// The addresses that its pilot lists, in order.
    pub pilots: Vec<String>,
    /// The last test, among its latest traces.
    pub tested: Option<LastTrace>,
    /// The last sign-in that failed, among the same.
    pub failed: Option<LastTrace>,
}

/// What came of something last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastTrace {
    /// When.
    pub at: DateTime<Utc>,
    /// Of which version.
    pub version: i32,
    /// The check that failed, if one did.
    pub failed_check: Option<String>,
}

impl LastTrace {
    fn of((at, version, failed_check): (Option<DateTime<Utc>>, Option<i32>, Option<String>)) -> Option<Self> {
        Some(Self { at: at?, version: version?, failed_check })
    }
}

impl Connections<'_> {
    /// How every connection does, or one.
    pub async fn list_conditions(
        &mut self,
        only: Option<ConnectionId>,
    ) -> Result<Vec<ConnectionCondition>, StorageError> {
        // Of a connection that many use, no more traces are looked through than the set-up shows.
        let rows = sqlx::query!(
            r#"select connection.id, connection.name, connection.state,
                      (select version.settings from connection_versions version
                       where version.org_id = connection.org_id and version.connection_id = connection.id
                       order by (version.version = connection.live_version) desc nulls last, version.version desc
                       limit 1) as "settings?: Json<ConnectionSettings>",
                      array(select pilot.email_normalized from connection_pilots pilot
                            where pilot.org_id = connection.org_id and pilot.connection_id = connection.id
                            order by pilot.email_normalized) as "pilots!",
                      test.occurred_at as "tested_at?", test.version as "tested_version?",
                      test.failed_check as "tested_failed?",
                      failure.occurred_at as "failed_at?", failure.version as "failed_version?",
                      failure.failed_check as "failed_failed?"
               from connections connection
               left join lateral (
                   select recent.occurred_at, recent.version, recent.failed_check
                   from (select trace.occurred_at, trace.version, trace.failed_check, trace.purpose
                         from sign_in_traces trace
                         where trace.org_id = connection.org_id and trace.connection_id = connection.id
                         order by trace.occurred_at desc limit 50) recent
                   where recent.purpose = 'test' order by recent.occurred_at desc limit 1
               ) test on true
               left join lateral (
                   select recent.occurred_at, recent.version, recent.failed_check
                   from (select trace.occurred_at, trace.version, trace.failed_check, trace.purpose
                         from sign_in_traces trace
                         where trace.org_id = connection.org_id and trace.connection_id = connection.id
                         order by trace.occurred_at desc limit 50) recent
                   where recent.purpose <> 'test' and recent.failed_check is not null
                   order by recent.occurred_at desc limit 1
               ) failure on true
               where connection.org_id = $1 and ($2::uuid is null or connection.id = $2)
               order by connection.id"#,
            self.org_id,
            only.map(ConnectionId::as_uuid),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let conditions = rows.into_iter().map(|row| {
            Ok(ConnectionCondition {
                id: ConnectionId::from_uuid(row.id),
                name: row.name,
                state: parsed(ConnectionState::from_text(&row.state), "connections", "state")?,
                settings: row.settings.map(|settings| settings.0),
                pilots: row.pilots,
                tested: LastTrace::of((row.tested_at, row.tested_version, row.tested_failed)),
                failed: LastTrace::of((row.failed_at, row.failed_version, row.failed_failed)),
            })
        });
        conditions.collect()
    }
}
