//! Who still stands: the questions that are asked most often, answered in one round trip. The statement takes role and
//! organization for itself, and is a transaction.

use orgate_domain::clients::ClientStatus;
use orgate_domain::clients::claims::ClaimValues;
use orgate_domain::connections::Attributes;
use orgate_domain::ids::{ClientId, GrantId, OrgId};
use orgate_domain::names::Slug;
use orgate_domain::organizations::OrgStatus;
use orgate_domain::policies::PolicySettings;
use orgate_domain::standing::{ClientStanding, Standing};
use sqlx::types::Json;

use crate::pool::ask;
use crate::row::{PolicyRow, parsed, standing};
use crate::system::{OrgHint, SystemReason, crossing, settings};
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

/// Where a machine acts.
#[derive(Debug)]
pub struct ClientPlace {
    /// The way in.
    pub scope: OrgScope,
    /// The settings from the root of the tree down to the organization itself.
    pub inherited: Vec<PolicySettings>,
    /// What the client holds there.
    pub standing: ClientStanding,
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

    /// Where a machine's request leads, whatever the organization's status, the settings that hold there, and what the
    /// client holds there: one round trip.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn find_client_place(
        &self,
        hint: OrgHint<'_>,
        client: (OrgId, ClientId),
    ) -> Result<Option<ClientPlace>, StorageError> {
        crossing(SystemReason::Resolve);
        crossing(SystemReason::Inherit);
        let (id, slug, is_operator) = hint.parts();
        let question = sqlx::query!(
            r#"select place_id as "place_id!", inherited as "inherited!: Json<Vec<Option<PolicyRow>>>",
                      org_slug as "org_slug!", org_status as "org_status!", org_name as "org_name!",
                      org_attributes as "org_attributes!: Json<Attributes>", client_status, held_roles as "roles!",
                      held_permissions as "permissions!"
               from find_client_place($1, $2, $3, $4, $5)"#,
            id,
            slug,
            is_operator,
            client.0.as_uuid(),
            client.1.as_uuid(),
        );
        let found =
            ask(&self.connections, async |connection| question.fetch_optional(connection).await).await?;
        let Some(row) = found else { return Ok(None) };
        let scope = OrgScope::resolved(row.place_id);
        scope.tell_span();
        let status = row.client_status.map(|text| ClientStatus::from_text(&text));
        let standing = ClientStanding {
            org_id: scope.org_id(),
            org_slug: parsed(Slug::parse(&row.org_slug).ok(), "organizations", "slug")?,
            org_status: parsed(OrgStatus::from_text(&row.org_status), "organizations", "status")?,
            known: ClaimValues {
                user: None,
                organization_name: row.org_name,
                organization_attributes: row.org_attributes.0,
            },
            roles: row.roles,
            permissions: row.permissions,
            client: status.map(|status| parsed(status, "client_directory", "status")).transpose()?,
        };
        Ok(Some(ClientPlace { scope, inherited: settings(row.inherited.0)?, standing }))
    }
}
