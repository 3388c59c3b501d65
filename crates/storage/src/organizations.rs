//! The organization itself.

use chrono::{DateTime, Utc};
use orgate_domain::clients::ClientStatus;
use orgate_domain::email::Email;
use orgate_domain::ids::{ClientId, OrgId, UserId};
use orgate_domain::locales::Locale;
use orgate_domain::names::{DisplayName, ExternalId, Slug};
use orgate_domain::organizations::{Branding, Color, OrgStatus, Organization};
use orgate_domain::policies::{Allowance, PolicySettings, SsoEnforcement};
use url::Url;

mod erasure;

pub use erasure::{Erasure, Neighbours};

use crate::StorageError;
use crate::row::{PolicyRow, parsed};
use crate::scope::repository;
use crate::system::{SystemReason, crossing};

repository! {
    /// The organization's own row, its place in the tree, and its settings.
    Organizations,
    /// The organization itself.
    organization
}

/// An organization about to be made.
#[derive(Debug)]
pub struct NewOrganization<'a> {
    /// Its slug.
    pub slug: &'a Slug,
    /// Its name.
    pub name: &'a DisplayName,
    /// The organization above it.
    pub parent: Option<OrgId>,
    /// Whether it is the operator's own.
    pub is_operator: bool,
    /// When.
    pub at: DateTime<Utc>,
}

/// The wanted look and name of an organization.
#[derive(Debug)]
pub struct OrganizationChange<'a> {
    /// Its name.
    pub name: &'a DisplayName,
    /// Its look.
    pub branding: &'a Branding,
    /// Its status, if it is to have another; and until when one that is deleted can be restored.
    pub status: Option<(OrgStatus, DateTime<Utc>)>,
    /// Where notices to it go.
    pub contact: Option<&'a Email>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Where an organization stands in the tree, what the operator calls it, and when it was made and last changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationRecord {
    /// The organization above it.
    pub parent: Option<OrgId>,
    /// What it is called in a system of the operator's own.
    pub external_id: Option<ExternalId>,
    /// Until when it can be restored, if it was deleted.
    pub erase_after: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// The organization in a row that has its columns.
macro_rules! organization {
    ($row:expr, $org_id:expr) => {{
        let row = $row;
        let logo_url = row.logo_url.map(|text| parsed(Url::parse(&text).ok(), "organizations", "logo_url"));
        let color = row.primary_color;
        let color = color.map(|text| parsed(Color::parse(&text).ok(), "organizations", "primary_color"));
        let locale = row.locale.map(|text| parsed(text.parse().ok(), "organizations", "locale"));
        let contact = row.contact_email;
        let contact = contact.map(|text| parsed(Email::stored(&text).ok(), "organizations", "contact_email"));
        Ok::<_, StorageError>(Organization {
            id: OrgId::from_uuid($org_id),
            slug: parsed(Slug::parse(&row.slug).ok(), "organizations", "slug")?,
            name: parsed(DisplayName::parse(&row.name).ok(), "organizations", "name")?,
            status: parsed(OrgStatus::from_text(&row.status), "organizations", "status")?,
            branding: Branding {
                logo_url: logo_url.transpose()?,
                primary_color: color.transpose()?,
                locale: locale.transpose()?,
            },
            contact: contact.transpose()?,
        })
    }};
}

/// The constraint that one external id is one organization's.
pub const EXTERNAL_ID_OF_ORGANIZATION: &str = "organizations_external_id_key";

/// Organizations one above the other at most; `move_organization` counts them.
pub const MAX_LINE: usize = 10;

/// How a move ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It would be below itself.
    Circle,
    /// It is where it was to be.
    Done,
    /// The one that it was to be below was deleted.
    Gone,
    /// More than [`MAX_LINE`] would be one above the other.
    TooDeep,
}

impl Organizations<'_> {
    /// Makes the organization that this transaction was opened for.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if the slug is, or was, another organization's.
    pub async fn insert(&mut self, new: &NewOrganization<'_>) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into organizations (org_id, slug, name, is_operator, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $5)",
            self.org_id,
            new.slug.as_str(),
            new.name.as_str(),
            new.is_operator,
            new.at,
        )
        .execute(&mut *self.conn)
        .await?;
        sqlx::query!(
            "insert into organization_slugs (org_id, slug) values ($1, $2)",
            self.org_id,
            new.slug.as_str(),
        )
        .execute(&mut *self.conn)
        .await?;
        sqlx::query!(
            "insert into organization_ancestors (org_id, ancestor_id, depth) values ($1, $1, 0)",
            self.org_id,
        )
        .execute(&mut *self.conn)
        .await?;
        match new.parent {
            Some(parent) => match self.move_below(Some(parent), new.at).await? {
                Moved::Done => Ok(()),
                Moved::Circle => {
                    Err(StorageError::Conflict { constraint: "a circle of organizations".to_owned() })
                }
                Moved::Gone => {
                    Err(StorageError::Conflict { constraint: "a deleted organization above".to_owned() })
                }
                Moved::TooDeep => {
                    Err(StorageError::Conflict { constraint: "too many organizations above".to_owned() })
                }
            },
            None => Ok(()),
        }
    }

    /// Puts the organization below another one, or below none, with all that is below it. Others that are moved or made below
    /// another wait for this transaction.
    pub async fn move_below(
        &mut self,
        parent: Option<OrgId>,
        at: DateTime<Utc>,
    ) -> Result<Moved, StorageError> {
        crossing(SystemReason::Arrange);
        let said = sqlx::query_scalar!(
            r#"select move_organization($1, $2, $3) as "said!""#,
            self.org_id,
            parent.map(OrgId::as_uuid),
            at,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        match said.as_str() {
            "moved" => Ok(Moved::Done),
            "circle" => Ok(Moved::Circle),
            "deep" => Ok(Moved::TooDeep),
            "gone" => Ok(Moved::Gone),
            _ => Err(StorageError::Corrupt { table: "organization_ancestors", column: "depth" }),
        }
    }

    /// The organization; `None` only for a scope whose organization was never made.
    pub async fn find(&mut self) -> Result<Option<Organization>, StorageError> {
        let row = sqlx::query!(
            "select slug, name, status, logo_url, primary_color, locale, contact_email from organizations where org_id = $1",
            self.org_id,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(|row| organization!(row, self.org_id)).transpose()
    }

    /// Where it stands, and since when; `None` also of one that is being erased.
    pub async fn find_record(&mut self) -> Result<Option<OrganizationRecord>, StorageError> {
        let row = sqlx::query!(
            "select parent_id, external_id, erase_after, created_at, updated_at
             from organizations where org_id = $1 and erasing_since is null",
            self.org_id,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let external_id =
            row.external_id.map(|text| parsed(ExternalId::parse(&text).ok(), "organizations", "external_id"));
        Ok(Some(OrganizationRecord {
            parent: row.parent_id.map(OrgId::from_uuid),
            external_id: external_id.transpose()?,
            erase_after: row.erase_after,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }))
    }

    /// Keeps what the organization is called in a system of the operator's own.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if another organization is called so.
    pub async fn update_external_id(
        &mut self,
        external_id: Option<&ExternalId>,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update organizations set external_id = $2, updated_at = $3 where org_id = $1",
            self.org_id,
            external_id.map(ExternalId::as_str),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// The organization, and the status of a client in it: `None` unless the client is admitted, by its audience or
    /// by a grant.
    pub async fn find_with(
        &mut self,
        client: (OrgId, ClientId),
    ) -> Result<(Option<Organization>, Option<ClientStatus>), StorageError> {
        let row = sqlx::query!(
            r#"select organization.slug, organization.name, organization.status, organization.logo_url,
                      organization.primary_color, organization.locale, organization.contact_email, client.status as "client_status?"
               from organizations organization
               left join admitted_clients client
                    on client.org_id = organization.org_id and client.client_org_id = $2 and client.client_id = $3
               where organization.org_id = $1"#,
            self.org_id,
            client.0.as_uuid(),
            client.1.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(row) = row else { return Ok((None, None)) };
        let status = row.client_status.as_deref();
        let status = status
            .map(|text| parsed(ClientStatus::from_text(text), "client_directory", "status"))
            .transpose()?;
        Ok((Some(organization!(row, self.org_id)?), status))
    }

    /// The organization, and what a user of it is called: the name and the address. `None` if either is not there.
    pub async fn find_around(
        &mut self,
        user: UserId,
    ) -> Result<Option<(Organization, String, Option<String>)>, StorageError> {
        let row = sqlx::query!(
            r#"select organization.slug, organization.name, organization.status, organization.logo_url,
                      organization.primary_color, organization.locale, organization.contact_email, member.name as user_name,
                      member.email as "user_email?"
               from organizations organization
               join users member on member.org_id = organization.org_id and member.id = $2
               where organization.org_id = $1"#,
            self.org_id,
            user.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (name, email) = (row.user_name.clone(), row.user_email.clone());
        Ok(Some((organization!(row, self.org_id)?, name, email)))
    }

    /// The organization, and those of Orgate's own permissions that a user holds in it, sorted.
    pub async fn find_with_rights(
        &mut self,
        user: UserId,
    ) -> Result<Option<(Organization, Vec<String>)>, StorageError> {
        let row = sqlx::query!(
            r#"select organization.slug, organization.name, organization.status, organization.logo_url,
                      organization.primary_color, organization.locale, organization.contact_email,
                      array(select distinct bundled.permission from roles_held held
                            join role_permissions bundled
                                on bundled.org_id = held.org_id and bundled.role_id = held.role_id
                            where held.org_id = organization.org_id and held.user_id = $2
                              and bundled.permission like 'orgate:%'
                            order by bundled.permission) as "permissions!"
               from organizations organization
               where organization.org_id = $1"#,
            self.org_id,
            user.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(mut row) = row else { return Ok(None) };
        let permissions = std::mem::take(&mut row.permissions);
        Ok(Some((organization!(row, self.org_id)?, permissions)))
    }

    /// Has a change that ends sessions of anybody ([`Users::seize`]) wait for this transaction, which is about to begin
    /// one; or waits for that change, which the next statement then sees.
    ///
    /// [`Users::seize`]: crate::Users::seize
    pub async fn hold(&mut self) -> Result<(), StorageError> {
        sqlx::query!(
            "select pg_advisory_xact_lock_shared(hashtextextended('sessions ' || $1::uuid::text, 0))",
            self.org_id
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Has other changes of the organization itself, or of its settings, wait for this transaction; or waits for them,
    /// which the next statement then sees.
    pub async fn lock(&mut self) -> Result<(), StorageError> {
        sqlx::query!("select org_id from organizations where org_id = $1 for no key update", self.org_id)
            .fetch_optional(&mut *self.conn)
            .await?;
        Ok(())
    }

    /// Changes name, look, status and contact.
    pub async fn update(&mut self, change: &OrganizationChange<'_>) -> Result<(), StorageError> {
        sqlx::query!(
            "update organizations
             set name = $2, logo_url = $3, primary_color = $4, status = coalesce($5, status), contact_email = $6, updated_at = $7,
                 locale = $9, erase_after = case when $5 = 'deleted' then $8 when $5 is null then erase_after end
             where org_id = $1 and erasing_since is null",
            self.org_id,
            change.name.as_str(),
            change.branding.logo_url.as_ref().map(Url::as_str),
            change.branding.primary_color.map(|color| color.to_string()),
            change.status.map(|(status, _)| status.as_str()),
            change.contact.map(Email::as_str),
            change.at,
            change.status.map(|(_, erase_after)| erase_after),
            change.branding.locale.as_ref().map(Locale::as_str),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// The organization's own settings.
    pub async fn find_policy(&mut self) -> Result<Option<PolicySettings>, StorageError> {
        let row = sqlx::query_as!(
            PolicyRow,
            "select session_idle_secs, session_absolute_secs, access_token_secs, refresh_idle_secs,
                    refresh_absolute_secs, lockout_attempts, sso_enforcement, third_party_clients, client_registration,
                    client_id_metadata
             from policies where org_id = $1",
            self.org_id,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(PolicySettings::try_from).transpose()
    }

    /// Replaces the organization's own settings.
    pub async fn save_policy(
        &mut self,
        settings: &PolicySettings,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let seconds = |limit: Option<chrono::Duration>| limit.map(|limit| limit.num_seconds());
        sqlx::query!(
            "insert into policies (org_id, session_idle_secs, session_absolute_secs, access_token_secs,
                                   refresh_idle_secs, refresh_absolute_secs, lockout_attempts, updated_at,
                                   sso_enforcement, third_party_clients, client_registration, client_id_metadata)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             on conflict (org_id) do update
                 set session_idle_secs = excluded.session_idle_secs,
                     session_absolute_secs = excluded.session_absolute_secs,
                     access_token_secs = excluded.access_token_secs,
                     refresh_idle_secs = excluded.refresh_idle_secs,
                     refresh_absolute_secs = excluded.refresh_absolute_secs,
                     lockout_attempts = excluded.lockout_attempts, updated_at = excluded.updated_at,
                     sso_enforcement = excluded.sso_enforcement,
                     third_party_clients = excluded.third_party_clients,
                     client_registration = excluded.client_registration,
                     client_id_metadata = excluded.client_id_metadata
                 where policies.org_id = excluded.org_id",
            self.org_id,
            seconds(settings.session_idle),
            seconds(settings.session_absolute),
            seconds(settings.access_token),
            seconds(settings.refresh_idle),
            seconds(settings.refresh_absolute),
            settings.lockout_attempts.and_then(|tries| i32::try_from(tries).ok()),
            at,
            settings.sso_enforcement.map(SsoEnforcement::as_str),
            settings.third_party_clients.map(Allowance::as_str),
            settings.client_registration.map(Allowance::as_str),
            settings.client_id_metadata.map(Allowance::as_str),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
