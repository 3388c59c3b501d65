//! Whether a token's family still stands: the question that is asked most often, answered in one round trip. The statement takes role and
//! organization for itself, and is a transaction.

use orgate_domain::ids::{ClientId, GrantId, OrgId};
use orgate_domain::standing::Standing;

use crate::pool::ask;
use crate::row::standing;
use crate::{OrgScope, StorageError, Store};

/// A family that was not revoked, and what it stands on.
#[derive(Debug)]
pub struct StandingGrant {
    /// The owner of the family's client.
    pub client_owner: OrgId,
    /// The family's client.
    pub client_id: ClientId,
    /// The session, its user and the client, as of now; **without roles and permissions**, which decide nothing here
    /// and cost as much again.
    pub standing: Standing,
}

impl Store {
    /// What stands behind an access token of this family, unless the family or the token was revoked: one round trip.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn find_standing_grant(
        &self,
        scope: &OrgScope,
        id: GrantId,
        jti: &str,
    ) -> Result<Option<StandingGrant>, StorageError> {
        scope.tell_span();
        let statement = sqlx::query!(
            r#"select org_id as "org_id!", client_org_id as "client_org_id!", client_id as "client_id!",
                      session_id as "session_id!", user_id as "user_id!", auth_time as "auth_time!", amr as "amr!",
                      last_seen_at as "last_seen_at!", expires_at as "expires_at!", ended_at, org_slug as "org_slug!",
                      org_status as "org_status!", email, email_verified as "email_verified!", name as "name!", locale,
                      user_status as "user_status!", '{}'::text[] as "roles!", '{}'::text[] as "permissions!",
                      method as "method!", connection_id, connection_state, piloted, break_glass as "break_glass!",
                      domain_verified as "domain_verified!", ends_by, client_status
               from find_standing_grant($1, $2, $3)"#,
            scope.org_id().as_uuid(),
            id.as_uuid(),
            jti,
        );
        let found =
            ask(&self.connections, async |connection| statement.fetch_optional(connection).await).await?;
        let Some(row) = found else { return Ok(None) };
        let standing = standing!(row)?;
        Ok(Some(StandingGrant {
            client_owner: OrgId::from_uuid(row.client_org_id),
            client_id: ClientId::from_uuid(row.client_id),
            standing,
        }))
    }
}
