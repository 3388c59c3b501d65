//! Connections and their versions.

mod conditions;

use chrono::{DateTime, Utc};
use orgate_domain::audit::Actor;
use orgate_domain::connections::{
    ConnectionProtocol, ConnectionSettings, ConnectionState, RoleSlugs, Vendor,
};
use orgate_domain::domains::VerifiedDomain;
use orgate_domain::email::{DomainName, Email};
use orgate_domain::ids::ConnectionId;
use orgate_domain::names::{DisplayName, Slug};
use sqlx::types::Json;

pub use conditions::{ConnectionCondition, LastTrace};

use crate::StorageError;
use crate::row::parsed;
use crate::scope::repository;

repository! {
    /// The organization's connections.
    Connections,
    /// The organization's connections.
    connections
}

/// A connection, without its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Its short name, by which files and commands name it.
    pub slug: Slug,
    /// Its name on the sign-in page.
    pub name: DisplayName,
    /// Who is at the other end.
    pub vendor: Vendor,
    /// What it speaks.
    pub protocol: ConnectionProtocol,
    /// Where it is in its life.
    pub state: ConnectionState,
    /// Its place on the sign-in page, lowest first.
    pub position: i32,
    /// The icon of its button.
    pub icon_url: Option<String>,
    /// The version that sign-ins use.
    pub live_version: Option<i32>,
    /// The last version that a test went through.
    pub tested_version: Option<i32>,
    /// The latest version: what tests use.
    pub latest_version: i32,
    /// The verified domains whose addresses it may assert, in order.
    pub domains: Vec<VerifiedDomain>,
}

/// What a connection was set to at one time.
#[derive(Debug, Clone)]
pub struct ConnectionVersion {
    /// The document.
    pub settings: ConnectionSettings,
    /// Its secrets, encrypted.
    pub secrets: Option<Vec<u8>>,
    /// Slugs of the roles that it may give; `None`: any.
    pub role_ceiling: Option<RoleSlugs>,
}

/// Who wrote a version, and with what right.
#[derive(Debug, Clone, Copy)]
pub struct Authorship<'a> {
    /// Who.
    pub actor: Actor,
    /// Slugs of the roles that they could give away; `None`: any.
    pub role_ceiling: Option<&'a RoleSlugs>,
    /// What they changed, in words of [`VersionSummary::changed`].
    pub changed: &'a [&'static str],
}

/// A version, without what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionSummary {
    /// Its number.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Who made it: the kind of an [`Actor`], and the id of one that has one.
    pub author: (String, Option<String>),
    /// What they changed: `provider`, `mapping`; empty where nobody said.
    pub changed: Vec<String>,
    /// When it last went live, if it ever did.
    pub activated_at: Option<DateTime<Utc>>,
}

/// A new version of a connection.
#[derive(Debug)]
pub struct NewConnectionVersion<'a> {
    /// Its number: one more than the latest.
    pub version: i32,
    /// The document.
    pub settings: &'a ConnectionSettings,
    /// Its secrets, encrypted.
    pub secrets: Option<&'a [u8]>,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: Authorship<'a>,
}

const TABLE: &str = "connections";

struct VersionRow {
    version: i32,
    created_at: DateTime<Utc>,
    author_kind: String,
    author_id: Option<String>,
    changed: Vec<String>,
    activated_at: Option<DateTime<Utc>>,
}

impl From<VersionRow> for VersionSummary {
    fn from(row: VersionRow) -> Self {
        Self {
            version: row.version,
            created_at: row.created_at,
            author: (row.author_kind, row.author_id),
            changed: row.changed,
            activated_at: row.activated_at,
        }
    }
}

struct Row {
    id: uuid::Uuid,
    slug: String,
    name: String,
    vendor: String,
    protocol: String,
    state: String,
    position: i32,
    icon_url: Option<String>,
    live_version: Option<i32>,
    tested_version: Option<i32>,
    latest_version: i32,
    domains: Vec<String>,
    subdomains: Vec<bool>,
}

impl TryFrom<Row> for Connection {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let domains = row.domains.iter().zip(row.subdomains).map(|(text, subdomains)| {
            let name = parsed(DomainName::parse(text).ok(), "domains", "domain")?;
            Ok::<_, StorageError>(VerifiedDomain { name, subdomains })
        });
        Ok(Self {
            id: ConnectionId::from_uuid(row.id),
            slug: parsed(Slug::parse(&row.slug).ok(), TABLE, "slug")?,
            name: parsed(DisplayName::parse(&row.name).ok(), TABLE, "name")?,
            vendor: Vendor::from_text(&row.vendor).unwrap_or(Vendor::Custom),
            protocol: parsed(ConnectionProtocol::from_text(&row.protocol), TABLE, "protocol")?,
            state: parsed(ConnectionState::from_text(&row.state), TABLE, "state")?,
            position: row.position,
            icon_url: row.icon_url,
            live_version: row.live_version,
            tested_version: row.tested_version,
            latest_version: row.latest_version,
            domains: domains.collect::<Result<_, _>>()?,
        })
    }
}

impl Connections<'_> {
    /// Every connection, in the order of the sign-in page.
    pub async fn list(&mut self) -> Result<Vec<Connection>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            r#"select connection.id, connection.slug, connection.name, connection.vendor, connection.protocol,
                      connection.state, connection.position, connection.icon_url, connection.live_version,
                      connection.tested_version,
                      (select coalesce(max(settings.version), 0) from connection_versions settings
                       where settings.org_id = connection.org_id and settings.connection_id = connection.id)
                          as "latest_version!",
                      array(select owned.domain from connection_domains served
                            join domains owned on owned.org_id = served.org_id and owned.id = served.domain_id
                            where served.org_id = connection.org_id and served.connection_id = connection.id
                              and owned.verified_at is not null
                            order by owned.domain) as "domains!",
                      array(select owned.subdomains from connection_domains served
                            join domains owned on owned.org_id = served.org_id and owned.id = served.domain_id
                            where served.org_id = connection.org_id and served.connection_id = connection.id
                              and owned.verified_at is not null
                            order by owned.domain) as "subdomains!"
               from connections connection
               where connection.org_id = $1
               order by connection.position, connection.name, connection.id"#,
            self.org_id,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One connection.
    pub async fn find(&mut self, id: ConnectionId) -> Result<Option<Connection>, StorageError> {
        let row = sqlx::query_as!(
            Row,
            r#"select connection.id, connection.slug, connection.name, connection.vendor, connection.protocol,
                      connection.state, connection.position, connection.icon_url, connection.live_version,
                      connection.tested_version,
                      (select coalesce(max(settings.version), 0) from connection_versions settings
                       where settings.org_id = connection.org_id and settings.connection_id = connection.id)
                          as "latest_version!",
                      array(select owned.domain from connection_domains served
                            join domains owned on owned.org_id = served.org_id and owned.id = served.domain_id
                            where served.org_id = connection.org_id and served.connection_id = connection.id
                              and owned.verified_at is not null
                            order by owned.domain) as "domains!",
                      array(select owned.subdomains from connection_domains served
                            join domains owned on owned.org_id = served.org_id and owned.id = served.domain_id
                            where served.org_id = connection.org_id and served.connection_id = connection.id
                              and owned.verified_at is not null
                            order by owned.domain) as "subdomains!"
               from connections connection
               where connection.org_id = $1 and connection.id = $2"#,
            self.org_id,
            id.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// Whether the connection's pilot lists an address.
    pub async fn is_piloted(&mut self, id: ConnectionId, email: &Email) -> Result<bool, StorageError> {
        let listed = sqlx::query_scalar!(
            r#"select exists (select from connection_pilots
                              where org_id = $1 and connection_id = $2 and email_normalized = $3) as "listed!""#,
            self.org_id,
            id.as_uuid(),
            email.normalized(),
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(listed)
    }

    /// Makes a connection, in its first state and without a version.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if the slug is another connection's of this organization.
    pub async fn insert(
        &mut self,
        id: ConnectionId,
        (slug, protocol): (&Slug, ConnectionProtocol),
        (name, vendor): (&DisplayName, Vendor),
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into connections (org_id, id, slug, protocol, name, vendor, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $7)",
            self.org_id,
            id.as_uuid(),
            slug.as_str(),
            protocol.as_str(),
            name.as_str(),
            vendor.as_str(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Brings everything but id, slug and protocol to what `connection` says.
    pub async fn update(&mut self, connection: &Connection, at: DateTime<Utc>) -> Result<(), StorageError> {
        sqlx::query!(
            "update connections
             set name = $3, vendor = $4, state = $5, position = $6, icon_url = $7, live_version = $8,
                 tested_version = $9, updated_at = $10
             where org_id = $1 and id = $2",
            self.org_id,
            connection.id.as_uuid(),
            connection.name.as_str(),
            connection.vendor.as_str(),
            connection.state.as_str(),
            connection.position,
            connection.icon_url,
            connection.live_version,
            connection.tested_version,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Serves exactly these of the organization's verified domains; others are passed over.
    pub async fn replace_domains(
        &mut self,
        id: ConnectionId,
        domains: &[DomainName],
    ) -> Result<(), StorageError> {
        let wanted: Vec<String> = domains.iter().map(|domain| domain.as_str().to_owned()).collect();
        sqlx::query!(
            "with wanted as (
                 select owned.id from domains owned
                 where owned.org_id = $1 and owned.verified_at is not null and owned.domain = any($3)
             ), dropped as (
                 delete from connection_domains
                 where org_id = $1 and connection_id = $2 and domain_id not in (select wanted.id from wanted)
             )
             insert into connection_domains (org_id, connection_id, domain_id)
             select $1, $2, wanted.id from wanted
             on conflict do nothing",
            self.org_id,
            id.as_uuid(),
            &wanted,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// The addresses that its pilot lists, in order.
    pub async fn list_pilots(&mut self, id: ConnectionId) -> Result<Vec<String>, StorageError> {
        Ok(sqlx::query_scalar!(
            "select email_normalized from connection_pilots
             where org_id = $1 and connection_id = $2 order by email_normalized",
            self.org_id,
            id.as_uuid(),
        )
        .fetch_all(&mut *self.conn)
        .await?)
    }

    /// Lists exactly these addresses.
    pub async fn replace_pilots(&mut self, id: ConnectionId, emails: &[Email]) -> Result<(), StorageError> {
        let wanted: Vec<String> = emails.iter().map(|email| email.normalized().to_owned()).collect();
        sqlx::query!(
            "with dropped as (
                 delete from connection_pilots
                 where org_id = $1 and connection_id = $2 and email_normalized <> all($3)
             )
             insert into connection_pilots (org_id, connection_id, email_normalized)
             select $1, $2, wanted.email from unnest($3::text[]) as wanted (email)
             on conflict do nothing",
            self.org_id,
            id.as_uuid(),
            &wanted,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Adds a version. It is used by nobody until a test or an activation names it.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if another call took the number first.
    pub async fn insert_version(
        &mut self,
        id: ConnectionId,
        new: &NewConnectionVersion<'_>,
    ) -> Result<(), StorageError> {
        let ceiling: Option<Vec<String>> = new.by.role_ceiling.map(|slugs| slugs.iter().cloned().collect());
        let changed: Vec<String> = new.by.changed.iter().map(|what| (*what).to_owned()).collect();
        sqlx::query!(
            "insert into connection_versions
                 (org_id, connection_id, version, settings, secrets, created_at, role_ceiling, author_kind,
                  author_id, changed)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            self.org_id,
            id.as_uuid(),
            new.version,
            Json(new.settings) as _,
            new.secrets,
            new.at,
            ceiling.as_deref(),
            new.by.actor.kind(),
            new.by.actor.id(),
            &changed,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// One version.
    pub async fn find_version(
        &mut self,
        id: ConnectionId,
        version: i32,
    ) -> Result<Option<ConnectionVersion>, StorageError> {
        let row = sqlx::query!(
            r#"select settings as "settings: Json<ConnectionSettings>", secrets, role_ceiling
               from connection_versions where org_id = $1 and connection_id = $2 and version = $3"#,
            self.org_id,
            id.as_uuid(),
            version,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(row.map(|row| ConnectionVersion {
            settings: row.settings.0,
            secrets: row.secrets,
            role_ceiling: row.role_ceiling.map(|slugs| slugs.into_iter().collect()),
        }))
    }

    /// Every version, latest first.
    pub async fn list_versions(&mut self, id: ConnectionId) -> Result<Vec<VersionSummary>, StorageError> {
        let rows = sqlx::query_as!(
            VersionRow,
            "select version, created_at, author_kind, author_id, changed, activated_at
             from connection_versions
             where org_id = $1 and connection_id = $2 order by version desc",
            self.org_id,
            id.as_uuid(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Notes that a version goes live.
    pub async fn save_activated(
        &mut self,
        id: ConnectionId,
        version: i32,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update connection_versions set activated_at = $4
             where org_id = $1 and connection_id = $2 and version = $3",
            self.org_id,
            id.as_uuid(),
            version,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Takes a connection for this transaction: whoever reads it after this and then writes it back
    /// loses nobody's change. `false` if there is none. What refers to it can be written meanwhile: a sign-in that
    /// waits for it would be waited for in turn by whoever is about to end sessions.
    pub async fn lock(&mut self, id: ConnectionId) -> Result<bool, StorageError> {
        let found = sqlx::query_scalar!(
            "select id from connections where org_id = $1 and id = $2 for no key update",
            self.org_id,
            id.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(found.is_some())
    }
}
