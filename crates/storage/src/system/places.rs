//! Where machines act: from what a request names to all that is asked of it there.

use orgate_domain::clients::ClientStatus;
use orgate_domain::clients::claims::ClaimValues;
use orgate_domain::connections::Attributes;
use orgate_domain::ids::{ClientId, OrgId};
use orgate_domain::names::Slug;
use orgate_domain::organizations::OrgStatus;
use orgate_domain::policies::PolicySettings;
use orgate_domain::standing::ClientStanding;
use sqlx::types::Json;

use super::{OrgHint, SystemReason, crossing, settings};
use crate::pool::ask;
use crate::row::{PolicyRow, parsed};
use crate::{OrgScope, StorageError, Store};

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
