//! Token families and the refresh tokens they live through.

use chrono::{DateTime, Utc};
use orgate_domain::audit::{Event, Origin};
use orgate_domain::clients::Party;
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{ClientId, GrantId, OrgId, SessionId};
use orgate_domain::sessions::Session;
use orgate_domain::standing::Standing;
use orgate_domain::tokens::{AuthorizationCode, RefreshState, RefreshVerdict};
use orgate_protocol::oauth::{ClaimsRequest, ScopeSet};
use sqlx::types::Json;

use crate::audit::detail;
use crate::row::{self, claims, consented, parsed, standing};
use crate::scope::repository;
use crate::{StorageError, UpstreamEnd};

repository! {
    /// The organization's token families.
    Grants,
    /// The organization's token families.
    grants
}

/// A family about to be started by redeeming a code.
#[derive(Debug)]
pub struct NewGrant<'a> {
    /// The code that starts it.
    pub code: &'a AuthorizationCode,
    /// Whose its client is. A third party's is started only while the user's consent stands.
    pub party: Party,
    /// The issuer it keeps to its end.
    pub issuer: &'a str,
    /// The thumbprint of the key that its refresh tokens are bound to: a public client's (RFC 9449 §5).
    pub dpop_jkt: Option<&'a str>,
    /// When it dies at the latest.
    pub expires_at: DateTime<Utc>,
    /// Its first refresh token and when that lapses; `None` without `offline_access`.
    pub refresh_token: Option<(SecretHash, DateTime<Utc>)>,
}

/// A session of no browser, and the family of its one token: what an identity provider's assertion gives.
#[derive(Debug)]
pub struct AssertedGrant<'a> {
    /// The session.
    pub session: &'a Session,
    /// The hash of a cookie that nobody has.
    pub token: SecretHash,
    /// Where the client's request came from.
    pub origin: &'a Origin,
    /// Who the user is at the provider.
    pub upstream: &'a UpstreamEnd,
    /// The family. It dies with the session.
    pub id: GrantId,
    /// The client.
    pub client: (OrgId, ClientId),
    /// What was granted.
    pub scope: &'a ScopeSet,
    /// The issuer.
    pub issuer: &'a str,
}

/// A refresh token that was found, with all that its rotation depends on.
#[derive(Debug)]
pub struct PresentedRefreshToken {
    /// Its family.
    pub grant_id: GrantId,
    /// The owner of the family's client.
    pub client_owner: OrgId,
    /// The family's client.
    pub client_id: ClientId,
    /// What was granted.
    pub scope: ScopeSet,
    /// What was asked for beside it, claim by claim.
    pub claims: ClaimsRequest,
    /// The issuer that the family began with.
    pub issuer: String,
    /// What the family's tokens are for (RFC 8707); `None`: the client's own resource.
    pub resource: Option<String>,
    /// The thumbprint of the key that the family is bound to.
    pub dpop_jkt: Option<String>,
    /// When the family dies.
    pub grant_expires_at: DateTime<Utc>,
    /// When the family was revoked, if it was.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When this token lapses.
    pub expires_at: DateTime<Utc>,
    /// Where it is in its life.
    pub state: RefreshState,
    /// The hash of the token that took its place, if one did.
    pub successor: Option<SecretHash>,
    /// The session, its user and the client, as of now.
    pub standing: Standing,
    /// What the user lets the client have, as of now.
    pub consented: Option<ScopeSet>,
}

impl PresentedRefreshToken {
    /// Whether it could be exchanged at `now`, by its client.
    pub fn is_usable(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none()
            && now < self.expires_at
            && now < self.grant_expires_at
            && self.state.judge(now) != RefreshVerdict::Reuse
    }
}

/// A family that stands, as an access token of it leads to.
#[derive(Debug)]
pub struct LiveGrant {
    /// The owner of the family's client.
    pub client_owner: OrgId,
    /// The family's client.
    pub client_id: ClientId,
    /// What was granted.
    pub scope: ScopeSet,
    /// What was asked for beside it, claim by claim.
    pub claims: ClaimsRequest,
    /// The session, its user and the client, as of now.
    pub standing: Standing,
}

/// One rotation.
#[derive(Debug)]
pub struct Rotation {
    /// The token that was presented.
    pub presented: SecretHash,
    /// The token that takes its place.
    pub successor: SecretHash,
    /// When that one lapses.
    pub expires_at: DateTime<Utc>,
}

impl Grants<'_> {
    /// Everything about a presented refresh token, in one statement.
    pub async fn find_by_refresh_token(
        &mut self,
        hash: &SecretHash,
    ) -> Result<Option<PresentedRefreshToken>, StorageError> {
        let row = sqlx::query!(
            r#"select family.id as grant_id, family.client_org_id, family.client_id, family.scope, family.issuer,
                      family.resource, family.dpop_jkt,
                      family.expires_at as grant_expires_at, family.revoked_at,
                      family.claims as "claims: Json<ClaimsRequest>",
                      token.expires_at as token_expires_at, token.rotated_at, token.successor,
                      exists (select from refresh_tokens next
                              where next.org_id = token.org_id and next.token_hash = token.successor
                                and next.rotated_at is not null) as "successor_used!",
                      standing.org_id as "org_id!", standing.session_id as "session_id!",
                      standing.user_id as "user_id!", standing.auth_time as "auth_time!", standing.amr as "amr!",
                      standing.last_seen_at as "last_seen_at!", standing.expires_at as "expires_at!",
                      standing.ended_at, standing.org_slug as "org_slug!", standing.org_status as "org_status!",
                      standing.email, standing.email_verified as "email_verified!",
                      standing.name as "name!", standing.locale, standing.user_status as "user_status!",
                      standing.roles as "roles!", standing.permissions as "permissions!",
                      standing.method as "method!", standing.connection_id, standing.connection_state,
                      standing.piloted, standing.break_glass as "break_glass!",
                      standing.domain_verified as "domain_verified!", standing.ends_by,
                      client.status as "client_status?", consent.scope as "consented?"
               from refresh_tokens token
               join grants family on family.org_id = token.org_id and family.id = token.grant_id
               join standings standing on standing.org_id = family.org_id and standing.session_id = family.session_id
               left join admitted_clients client
                    on client.org_id = family.org_id and client.client_org_id = family.client_org_id
                       and client.client_id = family.client_id
               left join consents consent
                    on consent.org_id = family.org_id and consent.user_id = family.user_id
                       and consent.client_org_id = family.client_org_id and consent.client_id = family.client_id
               where token.org_id = $1 and token.token_hash = $2"#,
            self.org_id,
            hash.as_bytes(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let standing = standing!(row)?;
        let successor = row.successor.map(|bytes| row::hash(&bytes, "refresh_tokens", "successor"));
        Ok(Some(PresentedRefreshToken {
            grant_id: GrantId::from_uuid(row.grant_id),
            client_owner: OrgId::from_uuid(row.client_org_id),
            client_id: ClientId::from_uuid(row.client_id),
            scope: parsed(ScopeSet::parse(&row.scope).ok(), "grants", "scope")?,
            claims: claims(row.claims),
            issuer: row.issuer,
            resource: row.resource,
            dpop_jkt: row.dpop_jkt,
            grant_expires_at: row.grant_expires_at,
            revoked_at: row.revoked_at,
            expires_at: row.token_expires_at,
            state: row.rotated_at.map_or(RefreshState::Current, |at| RefreshState::Rotated {
                at,
                successor_used: row.successor_used,
            }),
            successor: successor.transpose()?,
            standing,
            consented: consented(row.consented)?,
        }))
    }

    /// Rotates a refresh token and writes the event, in one statement, in which the mark on the
    /// presented token decides. `false`, with nothing done, if another call rotated it first, or revoked
    /// the family.
    pub async fn rotate(&mut self, rotation: &Rotation, event: &Event) -> Result<bool, StorageError> {
        let done = sqlx::query_scalar!(
            r#"with rotated as (
                   update refresh_tokens set rotated_at = $3, successor = $4
                   where org_id = $1 and token_hash = $2 and rotated_at is null
                     and exists (select from grants family
                                 where family.org_id = $1 and family.id = refresh_tokens.grant_id
                                   and family.revoked_at is null)
                   returning org_id, grant_id
               ), next as (
                   insert into refresh_tokens (org_id, token_hash, grant_id, issued_at, expires_at)
                   select org_id, $4, grant_id, $3, $5 from rotated
               ), logged as (
                   insert into audit_events
                       (org_id, occurred_at, id, action, outcome, actor_kind, actor_id, user_id, session_id,
                        client_org_id, client_id, address, user_agent, request_id, detail)
                   select org_id, $3, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18 from rotated
               )
               select count(*) as "count!" from rotated"#,
            self.org_id,
            rotation.presented.as_bytes(),
            event.occurred_at,
            rotation.successor.as_bytes(),
            rotation.expires_at,
            event.id.as_uuid(),
            event.action.as_str(),
            event.outcome.as_str(),
            event.actor.kind(),
            event.actor.id(),
            event.user_id.map(orgate_domain::ids::UserId::as_uuid),
            event.session_id.map(SessionId::as_uuid),
            event.client.map(|(owner, _)| owner.as_uuid()),
            event.client.map(|(_, client)| client.as_uuid()),
            event.origin.address.map(ipnet::IpNet::from),
            event.origin.user_agent,
            event.origin.request_id,
            detail(event),
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(done == 1)
    }

    /// Keeps a refresh token that does not rotate for longer, until `expires_at`. `false` if its family was
    /// revoked meanwhile.
    pub async fn renew(
        &mut self,
        token: &SecretHash,
        expires_at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update refresh_tokens set expires_at = $3
             where org_id = $1 and token_hash = $2
               and exists (select from grants family
                           where family.org_id = $1 and family.id = refresh_tokens.grant_id
                             and family.revoked_at is null)",
            self.org_id,
            token.as_bytes(),
            expires_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Revokes a family. `false` if there is none or it was revoked before.
    pub async fn revoke(&mut self, id: GrantId, now: DateTime<Utc>) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update grants set revoked_at = $3 where org_id = $1 and id = $2 and revoked_at is null",
            self.org_id,
            id.as_uuid(),
            now,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The clients that got tokens in a session, and whose: the issuers'.
    pub async fn list_clients(
        &mut self,
        session_id: SessionId,
    ) -> Result<Vec<((OrgId, ClientId), String)>, StorageError> {
        let rows = sqlx::query!(
            "select distinct client_org_id, client_id, issuer from grants where org_id = $1 and session_id = $2",
            self.org_id,
            session_id.as_uuid(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                ((OrgId::from_uuid(row.client_org_id), ClientId::from_uuid(row.client_id)), row.issuer)
            })
            .collect())
    }

    /// Whether a client that got tokens in a session may still have others in their place.
    pub async fn is_renewable(
        &mut self,
        session_id: SessionId,
        client: (OrgId, ClientId),
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        Ok(sqlx::query_scalar!(
            r#"select exists (select from grants family
                              where family.org_id = $1 and family.session_id = $2 and family.client_org_id = $3
                                and family.client_id = $4 and family.revoked_at is null and family.expires_at > $5
                                and exists (select from refresh_tokens token
                                            where token.org_id = family.org_id and token.grant_id = family.id
                                              and token.rotated_at is null and token.expires_at > $5)) as "is!""#,
            self.org_id,
            session_id.as_uuid(),
            client.0.as_uuid(),
            client.1.as_uuid(),
            now,
        )
        .fetch_one(&mut *self.conn)
        .await?)
    }

    /// What stands behind an access token of this family, unless the family or the token was revoked.
    pub async fn find_live(&mut self, id: GrantId, jti: &str) -> Result<Option<LiveGrant>, StorageError> {
        let row = sqlx::query!(
            r#"select family.client_org_id, family.client_id, family.scope,
                      family.claims as "claims: Json<ClaimsRequest>", standing.org_id as "org_id!", standing.session_id as "session_id!",
                      standing.user_id as "user_id!", standing.auth_time as "auth_time!", standing.amr as "amr!",
                      standing.last_seen_at as "last_seen_at!", standing.expires_at as "expires_at!",
                      standing.ended_at, standing.org_slug as "org_slug!", standing.org_status as "org_status!",
                      standing.email, standing.email_verified as "email_verified!",
                      standing.name as "name!", standing.locale, standing.user_status as "user_status!",
                      standing.roles as "roles!", standing.permissions as "permissions!",
                      standing.method as "method!", standing.connection_id, standing.connection_state,
                      standing.piloted, standing.break_glass as "break_glass!",
                      standing.domain_verified as "domain_verified!", standing.ends_by,
                      client.status as "client_status?"
               from grants family
               join standings standing on standing.org_id = family.org_id and standing.session_id = family.session_id
               left join admitted_clients client
                    on client.org_id = family.org_id and client.client_org_id = family.client_org_id
                       and client.client_id = family.client_id
               where family.org_id = $1 and family.id = $2 and family.revoked_at is null
                 and not exists (select from revoked_tokens revoked
                                 where revoked.org_id = family.org_id and revoked.jti = $3)"#,
            self.org_id,
            id.as_uuid(),
            jti,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let standing = standing!(row)?;
        Ok(Some(LiveGrant {
            client_owner: OrgId::from_uuid(row.client_org_id),
            client_id: ClientId::from_uuid(row.client_id),
            scope: parsed(ScopeSet::parse(&row.scope).ok(), "grants", "scope")?,
            claims: claims(row.claims),
            standing,
        }))
    }

    /// Revokes one access token, which lapses at `expires_at`. `false` if that was done before.
    pub async fn revoke_token(
        &mut self,
        jti: &str,
        expires_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "insert into revoked_tokens (org_id, jti, revoked_at, expires_at) values ($1, $2, $3, $4)
             on conflict do nothing",
            self.org_id,
            jti,
            now,
            expires_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether an access token was revoked by itself.
    pub async fn is_revoked(&mut self, jti: &str) -> Result<bool, StorageError> {
        let revoked = sqlx::query_scalar!(
            r#"select exists (select from revoked_tokens where org_id = $1 and jti = $2) as "revoked!""#,
            self.org_id,
            jti,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(revoked)
    }

    /// Begins a session with its family, and writes the event; all in one statement.
    pub async fn begin_asserted(
        &mut self,
        new: &AssertedGrant<'_>,
        event: &Event,
    ) -> Result<(), StorageError> {
        let session = new.session;
        sqlx::query!(
            "with begun as (
                 insert into sessions
                     (org_id, id, user_id, token_hash, auth_time, amr, created_at, last_seen_at, expires_at, address,
                      user_agent, method, connection_id)
                 values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $11, $12)
             ), other_end as (
                 insert into upstream_sessions
                     (org_id, session_id, connection_id, subject, upstream_sid, logout, provider, identity)
                 values ($1, $2, $12, $13, $14, $15, $28, $29)
             ), family as (
                 insert into grants (org_id, id, user_id, session_id, client_org_id, client_id, scope, issuer,
                                     created_at, expires_at)
                 values ($1, $16, $3, $2, $17, $18, $19, $20, $7, $8)
             )
             insert into audit_events
                 (org_id, occurred_at, id, action, outcome, actor_kind, actor_id, user_id, session_id,
                  client_org_id, client_id, address, user_agent, request_id, detail)
             values ($1, $7, $21, $22, $23, $24, $25, $3, $2, $17, $18, $9, $10, $26, $27)",
            self.org_id,
            session.id.as_uuid(),
            session.user_id.as_uuid(),
            new.token.as_bytes(),
            session.auth_time,
            &session.amr,
            event.occurred_at,
            session.expires_at,
            new.origin.address.map(ipnet::IpNet::from),
            new.origin.user_agent,
            session.method.as_str(),
            session.method.connection().map(orgate_domain::ids::ConnectionId::as_uuid),
            new.upstream.subject,
            new.upstream.sid,
            new.upstream.logout,
            new.id.as_uuid(),
            new.client.0.as_uuid(),
            new.client.1.as_uuid(),
            new.scope.to_string(),
            new.issuer,
            event.id.as_uuid(),
            event.action.as_str(),
            event.outcome.as_str(),
            event.actor.kind(),
            event.actor.id(),
            event.origin.request_id,
            detail(event),
            new.upstream.provider(),
            new.upstream.identity(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
