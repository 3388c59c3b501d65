//! Work that crosses organizations, each piece with its reason and its own database role.
//!
//! **Invariant:** the variants of [`SystemReason`] are the list of all such work; every function
//! returns one fixed, minimal type; its role may read those columns and nothing else.

use chrono::{DateTime, Utc};
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{ClientId, DeviceRequestId, MessageId, OrgId, SessionId, UserId};
use orgate_domain::names::Slug;
use orgate_domain::organizations::OrgStatus;
use orgate_domain::policies::PolicySettings;
use orgate_domain::sessions::Session;
use sqlx::types::Json;
use uuid::Uuid;

mod backlog;
mod delegations;
mod domains;
mod journal;
mod keys;
mod organizations;
mod places;
mod refreshes;
mod streams;
mod webhooks;

pub use crate::clean::{Cleaned, Outdated};
pub use backlog::Waiting;
pub use delegations::DelegatedOrganization;
pub use organizations::{ListedOrganization, OrganizationAbove, OrganizationFilter};
pub use places::ClientPlace;

use crate::pool::ask;
use crate::row::{PolicyRow, method, parsed};
use crate::transaction::Transaction;
use crate::{OrgScope, StorageError, Store};

/// Why a piece of work crosses organizations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemReason {
    /// Puts an organization below another one, with all that is below it.
    Arrange,
    /// Lists the sessions that one browser proves.
    Choose,
    /// Deletes what has expired.
    Clean,
    /// Claims messages of any organization's outbox, and streams of security events and webhooks that are due.
    Deliver,
    /// Finds the organizations of a proven address.
    Discover,
    /// Reads the settings of an organization's ancestors.
    Inherit,
    /// Writes events of any organization that change nothing but its log.
    Journal,
    /// Counts what waits to be done in the background, for whoever runs the installation.
    Observe,
    /// Lists which organizations there are, for whoever runs the installation; and finds those that let another one act in them, and what those above an organization are called.
    Operate,
    /// Claims connections, domains and signing keys of any organization that are due to be looked after, finds deleted
    /// organizations that are due to be erased, and goes through all organizations when the master key changes.
    Refresh,
    /// Finds the organization that a slug, domain, id, client id or user code leads to, and whether an origin leads to
    /// any.
    Resolve,
    /// Gives events of all organizations their positions in the order of commits.
    Sequence,
    /// Counts how often people sign in, in all organizations.
    Tally,
    /// Gives a domain that was handed over to its successor.
    Transfer,
    /// Reads what happens in all organizations, for a webhook of the operator's.
    Watch,
}

/// How a request names an organization.
#[derive(Debug, Clone, Copy)]
pub enum OrgHint<'a> {
    /// By its id.
    Id(OrgId),
    /// As the operator's own.
    Operator,
    /// By a slug, current or former.
    Slug(&'a Slug),
}

/// What an organization is called by whoever may know it: its id or a slug, current or former.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrgName {
    /// Its id.
    Id(OrgId),
    /// A slug.
    Slug(Slug),
}

impl OrgName {
    /// Reads either; `None` if it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().map(Self::Id).ok().or_else(|| Slug::parse(text).map(Self::Slug).ok())
    }

    /// What to ask the resolver.
    pub const fn hint(&self) -> OrgHint<'_> {
        match self {
            Self::Id(id) => OrgHint::Id(*id),
            Self::Slug(slug) => OrgHint::Slug(slug),
        }
    }
}

/// What the resolver says of an organization.
#[derive(Debug, Clone)]
pub struct ResolvedOrg {
    /// The way in.
    pub scope: OrgScope,
    /// Its current slug.
    pub slug: Slug,
    /// Its status, as of now.
    pub status: OrgStatus,
}

/// What the resolver says of a client: where to load it.
#[derive(Debug, Clone, Copy)]
pub struct ResolvedClient {
    /// Its owner's scope.
    pub owner: OrgScope,
    /// Its id there.
    pub id: ClientId,
}

/// A session that a browser's cookie proves, with what the chooser shows of it.
#[derive(Debug, Clone)]
pub struct ProvenSession {
    /// The way in.
    pub scope: OrgScope,
    /// The session, ended or not.
    pub session: Session,
    /// The organization's slug.
    pub org_slug: Slug,
    /// Its name.
    pub org_name: String,
    /// Its status.
    pub org_status: OrgStatus,
    /// Its logo.
    pub logo_url: Option<String>,
    /// The user's address, if they have one of their own.
    pub email: Option<String>,
    /// The user's name.
    pub user_name: String,
    /// Whether the address was proven in this organization.
    pub email_verified: bool,
    /// Whether the user is active.
    pub user_active: bool,
    /// Whether the user's person has users in other organizations.
    pub linked_elsewhere: bool,
}

/// An organization of a proven address.
#[derive(Debug, Clone)]
pub struct DiscoveredOrg {
    /// The way in.
    pub scope: OrgScope,
    /// Its slug.
    pub slug: Slug,
    /// Its name.
    pub name: String,
}

impl ProvenSession {
    /// What the user is called where they choose: their address, or their name.
    pub fn label(&self) -> &str {
        self.email.as_deref().unwrap_or(&self.user_name)
    }
}

struct ResolvedRow {
    org_id: uuid::Uuid,
    slug: String,
    status: String,
}

impl TryFrom<ResolvedRow> for ResolvedOrg {
    type Error = StorageError;

    fn try_from(row: ResolvedRow) -> Result<Self, StorageError> {
        Ok(Self {
            scope: OrgScope::resolved(row.org_id),
            slug: parsed(Slug::parse(&row.slug).ok(), "organizations", "slug")?,
            status: parsed(OrgStatus::from_text(&row.status), "organizations", "status")?,
        })
    }
}

pub(crate) struct SystemTx {
    pub(crate) transaction: Transaction,
}

impl OrgHint<'_> {
    /// What it says: an id, a slug, or that it is the operator's own.
    pub(crate) fn parts(&self) -> (Option<Uuid>, Option<&str>, bool) {
        match self {
            Self::Id(id) => (Some(id.as_uuid()), None, false),
            Self::Slug(slug) => (None, Some(slug.as_str()), false),
            Self::Operator => (None, None, true),
        }
    }
}

impl SystemReason {
    pub(crate) const fn role(self) -> &'static str {
        match self {
            Self::Arrange => "orgate_arrange",
            Self::Choose => "orgate_choose",
            Self::Clean => "orgate_clean",
            Self::Deliver => "orgate_deliver",
            Self::Discover => "orgate_discover",
            Self::Inherit => "orgate_inherit",
            Self::Journal => "orgate_journal",
            Self::Observe => "orgate_observe",
            Self::Operate => "orgate_operate",
            Self::Refresh => "orgate_refresh",
            Self::Resolve => "orgate_resolve",
            Self::Sequence => "orgate_sequence",
            Self::Tally => "orgate_tally",
            Self::Transfer => "orgate_transfer",
            Self::Watch => "orgate_watch",
        }
    }
}

/// Says why a piece of work crosses organizations.
pub(crate) fn crossing(reason: SystemReason) {
    tracing::trace!(system.reason = ?reason, "crossing organizations");
}

/// The settings of a line of organizations, of which some have none.
pub(crate) fn settings(chain: Vec<Option<PolicyRow>>) -> Result<Vec<PolicySettings>, StorageError> {
    chain.into_iter().map(|row| row.unwrap_or_default().try_into()).collect()
}

impl Store {
    pub(crate) async fn begin_system(&self, reason: SystemReason) -> Result<SystemTx, StorageError> {
        crossing(reason);
        Ok(SystemTx { transaction: Transaction::open(&self.connections, reason.role(), None).await? })
    }

    /// The organization that `hint` leads to, whatever its status: one round trip.
    pub async fn resolve(&self, hint: OrgHint<'_>) -> Result<Option<ResolvedOrg>, StorageError> {
        let (id, slug, is_operator) = hint.parts();
        crossing(SystemReason::Resolve);
        let question = sqlx::query_as!(
            ResolvedRow,
            r#"select found_id as "org_id!", found_slug as "slug!", found_status as "status!"
               from resolve_organization($1, $2, $3)"#,
            id,
            slug,
            is_operator,
        );
        let row =
            ask(&self.connections, async |connection| question.fetch_optional(connection).await).await?;
        row.map(ResolvedOrg::try_from).transpose()
    }

    /// Where the client with this public id lives: one round trip.
    pub async fn resolve_client(&self, client_id: &str) -> Result<Option<ResolvedClient>, StorageError> {
        crossing(SystemReason::Resolve);
        let question = sqlx::query!(
            r#"select found_org_id as "org_id!", found_id as "id!" from resolve_client($1)"#,
            client_id,
        );
        let row =
            ask(&self.connections, async |connection| question.fetch_optional(connection).await).await?;
        Ok(row.map(|row| ResolvedClient {
            owner: OrgScope::resolved(row.org_id),
            id: ClientId::from_uuid(row.id),
        }))
    }

    /// The device that shows the user code with this keyed hash, and whose client's it is.
    pub async fn resolve_user_code(
        &self,
        code: &SecretHash,
    ) -> Result<Option<(OrgScope, DeviceRequestId)>, StorageError> {
        let mut tx = self.begin_system(SystemReason::Resolve).await?;
        let row = sqlx::query!(
            "select org_id, device_id from device_user_codes where code_hash = $1",
            code.as_bytes(),
        )
        .fetch_optional(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(row.map(|row| (OrgScope::resolved(row.org_id), DeviceRequestId::from_uuid(row.device_id))))
    }

    /// Whether scripts of this origin are a client that may be used, whoever owns it. It does not say whose: a
    /// browser asks before it says which client it is about.
    pub async fn admits_origin(&self, origin: &str) -> Result<bool, StorageError> {
        let mut tx = self.begin_system(SystemReason::Resolve).await?;
        let admitted = sqlx::query_scalar!(
            r#"select exists (
                   select from client_directory where origins @> array[$1::text] and status = 'active'
               ) as "admitted!""#,
            origin,
        )
        .fetch_one(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(admitted)
    }

    /// The sessions behind a browser's cookies: pairs of the organization that a cookie names and
    /// the hash of its value. A pair that matches nothing is not in the answer.
    pub async fn choose(&self, cookies: &[(OrgId, SecretHash)]) -> Result<Vec<ProvenSession>, StorageError> {
        if cookies.is_empty() {
            return Ok(Vec::new());
        }
        let orgs: Vec<Uuid> = cookies.iter().map(|(org_id, _)| org_id.as_uuid()).collect();
        let hashes: Vec<Vec<u8>> = cookies.iter().map(|(_, hash)| hash.as_bytes().to_vec()).collect();
        let mut tx = self.begin_system(SystemReason::Choose).await?;
        let rows = sqlx::query!(
            r#"select session.org_id, session.id, session.user_id, session.auth_time, session.amr,
                      session.last_seen_at, session.expires_at, session.ended_at, session.method, session.connection_id,
                      organization.slug, organization.name, organization.status as org_status,
                      organization.logo_url, member.email, member.name as user_name, member.email_verified, member.status as user_status,
                      exists (
                          select from person_links mine
                          join person_links other on other.person_id = mine.person_id and other.org_id <> mine.org_id
                          where mine.org_id = session.org_id and mine.user_id = session.user_id
                      ) as "linked_elsewhere!"
               from unnest($1::uuid[], $2::bytea[]) as cookie (org_id, token_hash)
               join sessions session on session.org_id = cookie.org_id and session.token_hash = cookie.token_hash
               join organizations organization on organization.org_id = session.org_id
               join users member on member.org_id = session.org_id and member.id = session.user_id
               order by session.last_seen_at desc"#,
            &orgs,
            &hashes,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        rows.into_iter()
            .map(|row| {
                Ok(ProvenSession {
                    scope: OrgScope::resolved(row.org_id),
                    session: Session {
                        id: SessionId::from_uuid(row.id),
                        org_id: OrgId::from_uuid(row.org_id),
                        user_id: UserId::from_uuid(row.user_id),
                        auth_time: row.auth_time,
                        amr: row.amr,
                        method: method(&row.method, row.connection_id)?,
                        last_seen_at: row.last_seen_at,
                        expires_at: row.expires_at,
                        ended_at: row.ended_at,
                    },
                    org_slug: parsed(Slug::parse(&row.slug).ok(), "organizations", "slug")?,
                    org_name: row.name,
                    org_status: parsed(OrgStatus::from_text(&row.org_status), "organizations", "status")?,
                    logo_url: row.logo_url,
                    email: row.email,
                    user_name: row.user_name,
                    email_verified: row.email_verified,
                    user_active: row.user_status == "active",
                    linked_elsewhere: row.linked_elsewhere,
                })
            })
            .collect()
    }

    /// The active organizations in which the address with one of these keyed hashes is verified, at most 50.
    pub async fn discover(&self, email_hashes: &[SecretHash]) -> Result<Vec<DiscoveredOrg>, StorageError> {
        let hashes: Vec<Vec<u8>> = email_hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect();
        let mut tx = self.begin_system(SystemReason::Discover).await?;
        let rows = sqlx::query!(
            "select organization.org_id, organization.slug, organization.name
             from email_index entry
             join organizations organization on organization.org_id = entry.org_id
             where entry.email_hash = any($1) and organization.status = 'active'
             order by organization.name, organization.org_id
             limit 50",
            &hashes,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        rows.into_iter()
            .map(|row| {
                Ok(DiscoveredOrg {
                    scope: OrgScope::resolved(row.org_id),
                    slug: parsed(Slug::parse(&row.slug).ok(), "organizations", "slug")?,
                    name: row.name,
                })
            })
            .collect()
    }

    /// The settings from the root of the tree down to the organization itself: one round trip.
    pub async fn inherit(&self, scope: &OrgScope) -> Result<Vec<PolicySettings>, StorageError> {
        crossing(SystemReason::Inherit);
        let question = sqlx::query_scalar!(
            r#"select inherit_policies($1) as "chain: Json<Vec<Option<PolicyRow>>>""#,
            scope.org_id().as_uuid(),
        );
        let chain = ask(&self.connections, async |connection| question.fetch_one(connection).await).await?;
        chain.map_or_else(|| Ok(Vec::new()), |Json(chain)| settings(chain))
    }

    /// The ancestors of an organization, its parent first; for the children made under it.
    pub async fn ancestors(&self, scope: &OrgScope) -> Result<Vec<OrgId>, StorageError> {
        let mut tx = self.begin_system(SystemReason::Inherit).await?;
        let rows = sqlx::query_scalar!(
            "select ancestor_id from organization_ancestors where org_id = $1 order by depth",
            scope.org_id().as_uuid(),
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(rows.into_iter().map(OrgId::from_uuid).collect())
    }

    /// The scope of an organization about to be made. Nothing can be inserted into it before the
    /// organization itself.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if there is an organization of this id: its scope is the
    /// resolver's to give.
    pub async fn found(&self, org_id: OrgId) -> Result<OrgScope, StorageError> {
        match self.resolve(OrgHint::Id(org_id)).await? {
            None => Ok(OrgScope::resolved(org_id.as_uuid())),
            Some(_) => Err(StorageError::Conflict { constraint: "organizations_pkey".to_owned() }),
        }
    }

    /// Claims up to `limit` messages of these kinds, due at `now`, until `until`: another node does not get them
    /// before. Each is then read and sent in its own organization.
    pub async fn claim_messages(
        &self,
        kinds: &[&str],
        (now, until): (DateTime<Utc>, DateTime<Utc>),
        limit: i64,
    ) -> Result<Vec<(OrgScope, MessageId)>, StorageError> {
        let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let mut tx = self.begin_system(SystemReason::Deliver).await?;
        let rows = sqlx::query!(
            "update outbox message
             set available_at = $2, attempts = message.attempts + 1
             from (
                 select waiting.org_id, waiting.id from outbox waiting
                 where waiting.delivered_at is null and waiting.failed_at is null and waiting.available_at <= $1
                   and waiting.kind = any($4)
                 order by waiting.available_at
                 limit $3
                 for update skip locked
             ) due
             where message.org_id = due.org_id and message.id = due.id
             returning message.org_id, message.id",
            now,
            until,
            limit,
            &kinds,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(rows
            .into_iter()
            .map(|row| (OrgScope::resolved(row.org_id), MessageId::from_uuid(row.id)))
            .collect())
    }

    /// Makes the audit log's partitions for this month and the two after it.
    pub async fn ensure_audit_partitions(&self) -> Result<(), StorageError> {
        let mut tx = self.begin_system(SystemReason::Clean).await?;
        sqlx::query_scalar!(
            r#"select ensure_audit_partition((current_date + make_interval(months => ahead))::date)::text as "made"
               from generate_series(0, 2) as ahead"#,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(())
    }
}
