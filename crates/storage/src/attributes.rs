//! What an organization keeps about itself and its users for claims, and what a token may say by it.

use std::collections::BTreeSet;

use orgate_domain::clients::claims::{ClaimValues, UserValues};
use orgate_domain::connections::Attributes;
use orgate_domain::ids::{SessionId, UserId};
use sqlx::types::Json;

use crate::StorageError;
use crate::scope::repository;

repository! {
    /// Attributes of the organization and of whoever is in it.
    AttributeSets,
    /// The attributes of the organization and of whoever is in it.
    attributes
}

impl AttributeSets<'_> {
    /// The organization's own.
    pub async fn find_of_organization(&mut self) -> Result<Attributes, StorageError> {
        let found = sqlx::query_scalar!(
            r#"select attributes as "attributes: Json<Attributes>" from organizations where org_id = $1"#,
            self.org_id,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(found.map(|found| found.0).unwrap_or_default())
    }

    /// Replaces the organization's own.
    pub async fn save_of_organization(&mut self, attributes: &Attributes) -> Result<(), StorageError> {
        sqlx::query!(
            "update organizations set attributes = $2 where org_id = $1",
            self.org_id,
            Json(attributes) as _,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Those of a user.
    pub async fn find_of_user(&mut self, id: UserId) -> Result<Attributes, StorageError> {
        let found = sqlx::query_scalar!(
            r#"select attributes as "attributes: Json<Attributes>" from users where org_id = $1 and id = $2"#,
            self.org_id,
            id.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(found.map(|found| found.0).unwrap_or_default())
    }

    /// Replaces those of a user.
    pub async fn save_of_user(&mut self, id: UserId, attributes: &Attributes) -> Result<(), StorageError> {
        sqlx::query!(
            "update users set attributes = $3 where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
            Json(attributes) as _,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// What a token of a user, in a session if in one, may say, in one statement. What the session's connection says is said of the
    /// identity that began it; where that is not known, of the one that was used last.
    pub async fn find_claim_values_of_user(
        &mut self,
        user_id: UserId,
        session: Option<SessionId>,
    ) -> Result<ClaimValues, StorageError> {
        let row = sqlx::query!(
            r#"select organization.name as organization_name,
                      organization.attributes as "organization_attributes: Json<Attributes>",
                      member.name, member.email, member.email_verified, member.locale,
                      member.attributes as "attributes: Json<Attributes>",
                      array(select member_of.slug from memberships held
                            join groups member_of on member_of.org_id = held.org_id and member_of.id = held.group_id
                            where held.org_id = member.org_id and held.user_id = member.id
                            order by member_of.slug) as "groups!",
                      connection.slug as "connection_slug?", connection.name as "connection_name?",
                      (select link.attributes from identity_links link
                       where link.org_id = member.org_id and link.user_id = member.id
                         and link.connection_id = session.connection_id
                         and (other_end.identity is null
                              or link.provider = other_end.provider and link.subject = other_end.identity)
                       order by link.last_used_at desc limit 1) as "asserted?: Json<Attributes>",
                      (select version.settings #> '{mapping,keep}' from connection_versions version
                       where version.org_id = connection.org_id and version.connection_id = connection.id
                         and version.version = connection.live_version) as "kept?: Json<BTreeSet<String>>"
               from users member
               join organizations organization on organization.org_id = member.org_id
               left join sessions session
                    on session.org_id = member.org_id and session.user_id = member.id and session.id = $3
               left join upstream_sessions other_end
                    on other_end.org_id = session.org_id and other_end.session_id = session.id
               left join connections connection
                    on connection.org_id = session.org_id and connection.id = session.connection_id
               where member.org_id = $1 and member.id = $2"#,
            self.org_id,
            user_id.as_uuid(),
            session.map(SessionId::as_uuid),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(row.map_or_else(ClaimValues::default, |row| ClaimValues {
            user: Some(UserValues {
                name: row.name,
                email: row.email.filter(|_| row.email_verified),
                locale: row.locale,
                attributes: row.attributes.0,
                groups: row.groups,
                connection: row.connection_slug.zip(row.connection_name),
                connection_attributes: still_kept(row.asserted, row.kept),
            }),
            organization_name: row.organization_name,
            organization_attributes: row.organization_attributes.0,
        }))
    }
}

/// What was kept and is not to be any more is told no longer, also before the user comes back.
fn still_kept(asserted: Option<Json<Attributes>>, kept: Option<Json<BTreeSet<String>>>) -> Attributes {
    let kept = kept.map(|kept| kept.0).unwrap_or_default();
    let asserted = asserted.map(|asserted| asserted.0).unwrap_or_default();
    asserted.into_iter().filter(|(name, _)| kept.contains(name)).collect()
}
