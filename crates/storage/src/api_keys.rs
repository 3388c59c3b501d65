//! API keys.
//!
//! **Invariant:** whoever asks by a key's secret is told of it only while it, its maker, the client that it was made with and the
//! organization stand.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use orgate_domain::api_keys::{ApiKey, KeyMaker};
use orgate_domain::connections::ConnectionState;
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{ApiKeyId, ClientId, OrgId, SessionId, UserId};
use orgate_domain::roles::Permission;
use orgate_domain::standing::{Began, SsoSubject};
use uuid::Uuid;

use crate::row::{method, parsed};
use crate::scope::repository;
use crate::{HeldRights, Page, PageOf, StorageError};

repository! {
    /// The organization's API keys.
    ApiKeys,
    /// The organization's API keys.
    api_keys
}

/// A key about to be made.
#[derive(Debug)]
pub struct NewApiKey<'a> {
    /// What is known of it.
    pub key: &'a ApiKey,
    /// The hash of its secret.
    pub secret: SecretHash,
    /// The session in which its user makes it.
    pub session: Option<SessionId>,
}

/// How many keys there may be that are good.
#[derive(Debug, Clone, Copy)]
pub struct KeyRoom {
    /// In the organization.
    pub all: i64,
    /// Of one maker.
    pub of_maker: i64,
}

/// A key that is good, and what it stands on.
#[derive(Debug)]
pub struct StandingApiKey {
    /// The key.
    pub key: ApiKey,
    /// The organization's slug.
    pub org_slug: String,
    /// What its maker holds at this moment.
    pub held: HeldRights,
    /// How they had signed in, if they are a user.
    pub began: Option<Began>,
}

struct Row {
    id: Uuid,
    name: String,
    permitted: Vec<String>,
    user_id: Option<Uuid>,
    client_org_id: Uuid,
    client_id: Uuid,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for ApiKey {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let permission = |text: &String| parsed(Permission::parse(text).ok(), "api_keys", "permitted");
        let client = (OrgId::from_uuid(row.client_org_id), ClientId::from_uuid(row.client_id));
        Ok(Self {
            id: ApiKeyId::from_uuid(row.id),
            name: row.name,
            permissions: row.permitted.iter().map(permission).collect::<Result<BTreeSet<_>, _>>()?,
            maker: KeyMaker::of(row.user_id.map(UserId::from_uuid), client),
            client,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        })
    }
}

/// Keys, with a clause that says which.
macro_rules! select {
    ($which:tt, $($argument:expr),+) => {
        sqlx::query_as!(
            Row,
            "select id, name, permitted, user_id, client_org_id, client_id, created_at, expires_at, last_used_at, revoked_at
             from api_keys where org_id = $1 and " + $which,
            $($argument),+
        )
    };
}

impl ApiKeys<'_> {
    /// Keeps a key, unless there are as many that are good as there may be; whether it did.
    pub async fn insert(&mut self, new: &NewApiKey<'_>, room: KeyRoom) -> Result<bool, StorageError> {
        let key = new.key;
        let permitted: Vec<String> = key.permissions.iter().map(Permission::to_string).collect();
        // One at a time, or two would both be the last that fits.
        sqlx::query!("select org_id from organizations where org_id = $1 for no key update", self.org_id)
            .fetch_optional(&mut *self.conn)
            .await?;
        let done = sqlx::query!(
            "insert into api_keys (org_id, id, key_hash, name, permitted, user_id, client_org_id, client_id, created_at,
                                   expires_at, method, connection_id)
             select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, session.method, session.connection_id
             from (select count(*) as every, count(*) filter (
                              where user_id is not distinct from $6
                                and ($6 is not null or (client_org_id = $7 and client_id = $8))) as own
                   from api_keys where org_id = $1 and revoked_at is null and expires_at > $9) good
             left join sessions session on session.org_id = $1 and session.id = $13
             where good.every < $11 and good.own < $12",
            self.org_id,
            key.id.as_uuid(),
            new.secret.as_bytes(),
            key.name,
            &permitted,
            key.maker.user().map(UserId::as_uuid),
            key.client.0.as_uuid(),
            key.client.1.as_uuid(),
            key.created_at,
            key.expires_at,
            room.all,
            room.of_maker,
            new.session.map(SessionId::as_uuid),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// A page of the keys, latest first, whatever became of them.
    pub async fn list(&mut self, page: PageOf<ApiKeyId>) -> Result<Page<ApiKey, ApiKeyId>, StorageError> {
        let after = page.after.map_or(Uuid::max(), ApiKeyId::as_uuid);
        let rows = select!("id < $2 order by id desc limit $3", self.org_id, after, page.rows())
            .fetch_all(&mut *self.conn)
            .await?;
        let keys: Result<Vec<ApiKey>, _> = rows.into_iter().map(TryInto::try_into).collect();
        Ok(page.cut(keys?, |key| key.id))
    }

    /// One key, whatever became of it.
    pub async fn find(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StorageError> {
        let row = select!("id = $2", self.org_id, id.as_uuid()).fetch_optional(&mut *self.conn).await?;
        row.map(TryInto::try_into).transpose()
    }

    /// The key with this secret, if it and all that it stands on stand at this time.
    pub async fn find_standing(
        &mut self,
        secret: &SecretHash,
        at: DateTime<Utc>,
    ) -> Result<Option<StandingApiKey>, StorageError> {
        let row = sqlx::query!(
            r#"select id as "id!", name as "name!", permitted as "permitted!", user_id, client_org_id as "client_org_id!",
                      client_id as "client_id!", created_at as "created_at!", expires_at as "expires_at!", last_used_at,
                      org_slug as "org_slug!", held_roles as "held_roles!", held_permissions as "held_permissions!",
                      method, connection_id, connection_state, piloted, break_glass as "break_glass!",
                      domain_verified as "domain_verified!"
               from standing_api_keys where org_id = $1 and key_hash = $2 and expires_at > $3"#,
            self.org_id,
            secret.as_bytes(),
            at,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(found) = row else { return Ok(None) };
        let row = Row {
            id: found.id,
            name: found.name,
            permitted: found.permitted,
            user_id: found.user_id,
            client_org_id: found.client_org_id,
            client_id: found.client_id,
            created_at: found.created_at,
            expires_at: found.expires_at,
            last_used_at: found.last_used_at,
            revoked_at: None,
        };
        let held = HeldRights { roles: found.held_roles, permissions: found.held_permissions };
        let began = began(
            (found.method, found.connection_id),
            (found.connection_state, found.piloted),
            SsoSubject { of_verified_domain: found.domain_verified, break_glass: found.break_glass },
        )?;
        Ok(Some(StandingApiKey { key: row.try_into()?, org_slug: found.org_slug, held, began }))
    }

    /// Takes a key back. `false` if there is none, or it was taken back before.
    pub async fn revoke(&mut self, id: ApiKeyId, at: DateTime<Utc>) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update api_keys set revoked_at = $3 where org_id = $1 and id = $2 and revoked_at is null",
            self.org_id,
            id.as_uuid(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes back all keys of a user that are good at this time; those.
    pub async fn revoke_of_user(
        &mut self,
        user: UserId,
        at: DateTime<Utc>,
    ) -> Result<Vec<ApiKey>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            "update api_keys set revoked_at = $3
             where org_id = $1 and user_id = $2 and revoked_at is null and expires_at > $3
             returning id, name, permitted, user_id, client_org_id, client_id, created_at, expires_at, last_used_at, revoked_at",
            self.org_id,
            user.as_uuid(),
            at,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Notes that a key is used, unless somebody noted it since `unless_since`.
    pub async fn update_last_used(
        &mut self,
        id: ApiKeyId,
        (at, unless_since): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update api_keys set last_used_at = $3
             where org_id = $1 and id = $2 and (last_used_at is null or last_used_at <= $4)",
            self.org_id,
            id.as_uuid(),
            at,
            unless_since,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}

/// How a key's maker had signed in when they made it; `None` for a machine.
pub(crate) fn began(
    (by, connection_id): (Option<String>, Option<Uuid>),
    (state, piloted): (Option<String>, Option<bool>),
    sso: SsoSubject,
) -> Result<Option<Began>, StorageError> {
    let Some(by) = by else { return Ok(None) };
    let method = method(&by, connection_id)?;
    let state =
        state.map(|text| parsed(ConnectionState::from_text(&text), "connections", "state")).transpose()?;
    let connection = state.map(|state| (state, piloted.unwrap_or_default().into()));
    Ok(Some(Began { method, connection, sso }))
}
