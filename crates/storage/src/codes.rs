//! Authorization codes.

use orgate_domain::audit::Event;
use orgate_domain::clients::Party;
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{ClientId, GrantId, OrgId, SessionId, UserId};
use orgate_domain::standing::Standing;
use orgate_domain::tokens::AuthorizationCode;
use orgate_protocol::oauth::pkce::CodeChallenge;
use orgate_protocol::oauth::{ClaimsRequest, ScopeSet};
use sqlx::types::Json;

use crate::audit::detail;
use crate::row::{claims, consented, parsed, standing, stored};
use crate::scope::repository;
use crate::{ConsumedKind, NewGrant, StorageError};

repository! {
    /// The organization's authorization codes.
    Codes,
    /// The organization's authorization codes.
    codes
}

/// A code about to be issued.
#[derive(Debug)]
pub struct NewCode<'a> {
    /// The hash of its text.
    pub hash: SecretHash,
    /// What it stands for.
    pub code: &'a AuthorizationCode,
    /// The pushed request that it answers, which is used up with it.
    pub pushed: Option<SecretHash>,
}

/// A code that was found, with all that its redemption depends on.
#[derive(Debug)]
pub struct RedeemableCode {
    /// What it stands for.
    pub code: AuthorizationCode,
    /// Whether it was redeemed when this was read; only [`Codes::redeem`] decides.
    pub redeemed: bool,
    /// The session, its user and the client, as of now.
    pub standing: Standing,
    /// What the user lets the client have, as of now.
    pub consented: Option<ScopeSet>,
}

impl Codes<'_> {
    /// Issues a code in a session: stores it, marks the session used, and writes the event; all in one statement.
    /// `false`, with nothing done, if the session has ended, or the pushed request was answered before; or if the user
    /// was deactivated or the organization suspended while this transaction began the session, and waited for that
    /// ([`crate::Users::seize`]).
    pub async fn issue(&mut self, new: &NewCode<'_>, event: &Event) -> Result<bool, StorageError> {
        let code = new.code;
        let issued = sqlx::query_scalar!(
            r#"with once as (
                   insert into consumed_ids (org_id, kind, id_hash, expires_at)
                   select $1, $25, $26, $12::timestamptz + interval '1 hour' where $26::bytea is not null
                     and exists (select from sessions live
                                 where live.org_id = $1 and live.id = $5 and live.ended_at is null)
                   on conflict do nothing returning org_id
               ), issued as (
                   insert into authorization_codes
                       (org_id, code_hash, grant_id, user_id, session_id, client_org_id, client_id, redirect_uri,
                        code_challenge, scope, nonce, created_at, expires_at, resource, dpop_jkt, claims, issuer)
                   select live.org_id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $23, $24, $27, $28 from sessions live
                   join users member on member.org_id = live.org_id and member.id = live.user_id and member.status = 'active'
                   join organizations around on around.org_id = live.org_id and around.status = 'active'
                   where live.org_id = $1 and live.id = $5 and live.ended_at is null
                     and ($26::bytea is null or exists (select from once)) returning org_id
               ), seen as (
                   update sessions set last_seen_at = $12 where org_id = $1 and id = $5 and ended_at is null and last_seen_at < $12
               ), logged as (
                   insert into audit_events
                       (org_id, occurred_at, id, action, outcome, actor_kind, actor_id, user_id, session_id,
                        client_org_id, client_id, address, user_agent, request_id, detail)
                   select org_id, $12, $14, $15, $16, $17, $18, $4, $5, $6, $7, $19, $20, $21, $22 from issued
               )
               select count(*) as "count!" from issued"#,
            self.org_id,
            new.hash.as_bytes(),
            code.grant_id.as_uuid(),
            code.user_id.as_uuid(),
            code.session_id.as_uuid(),
            code.client_owner.as_uuid(),
            code.client_id.as_uuid(),
            code.redirect_uri,
            code.code_challenge.map(|challenge| challenge.to_string()),
            code.scope.to_string(),
            code.nonce,
            event.occurred_at,
            code.expires_at,
            event.id.as_uuid(),
            event.action.as_str(),
            event.outcome.as_str(),
            event.actor.kind(),
            event.actor.id(),
            event.origin.address.map(ipnet::IpNet::from),
            event.origin.user_agent,
            event.origin.request_id,
            detail(event),
            code.resource,
            code.dpop_jkt,
            ConsumedKind::PushedRequest.as_str(),
            new.pushed.as_ref().map(|hash| hash.as_bytes().as_slice()),
            stored(&code.claims) as _,
            code.issuer,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(issued == 1)
    }

    /// Everything about a code, in one statement.
    pub async fn find(&mut self, hash: &SecretHash) -> Result<Option<RedeemableCode>, StorageError> {
        let row = sqlx::query!(
            r#"select code.grant_id, code.client_org_id, code.client_id, code.redirect_uri, code.code_challenge,
                      code.scope, code.nonce, code.expires_at as code_expires_at, code.redeemed_at,
                      code.resource, code.dpop_jkt, code.issuer,
                      code.claims as "claims: Json<ClaimsRequest>",
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
               from authorization_codes code
               join standings standing on standing.org_id = code.org_id and standing.session_id = code.session_id
               left join admitted_clients client
                    on client.org_id = code.org_id and client.client_org_id = code.client_org_id
                       and client.client_id = code.client_id
               left join consents consent
                    on consent.org_id = code.org_id and consent.user_id = code.user_id
                       and consent.client_org_id = code.client_org_id and consent.client_id = code.client_id
               where code.org_id = $1 and code.code_hash = $2"#,
            self.org_id,
            hash.as_bytes(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let standing = standing!(row)?;
        let challenge = row
            .code_challenge
            .map(|text| parsed(CodeChallenge::parse(&text).ok(), "authorization_codes", "code_challenge"));
        let code = AuthorizationCode {
            grant_id: GrantId::from_uuid(row.grant_id),
            user_id: UserId::from_uuid(row.user_id),
            session_id: SessionId::from_uuid(row.session_id),
            client_owner: OrgId::from_uuid(row.client_org_id),
            client_id: ClientId::from_uuid(row.client_id),
            redirect_uri: row.redirect_uri,
            code_challenge: challenge.transpose()?,
            resource: row.resource,
            dpop_jkt: row.dpop_jkt,
            issuer: row.issuer,
            scope: parsed(ScopeSet::parse(&row.scope).ok(), "authorization_codes", "scope")?,
            claims: claims(row.claims),
            nonce: row.nonce,
            expires_at: row.code_expires_at,
        };
        let consented = consented(row.consented)?;
        Ok(Some(RedeemableCode { code, redeemed: row.redeemed_at.is_some(), standing, consented }))
    }

    /// Redeems the code: marks it, starts its token family with the first refresh token, and writes
    /// the event; all in one statement, in which the mark decides. `false`, with nothing done, if it
    /// was redeemed before or lapsed, its session ended, or its user's consent was just taken back: of two racing
    /// calls, one wins, and no client gets tokens in a session of whose end it was not told.
    pub async fn redeem(
        &mut self,
        hash: &SecretHash,
        grant: &NewGrant<'_>,
        event: &Event,
    ) -> Result<bool, StorageError> {
        let code = grant.code;
        let done = sqlx::query_scalar!(
            r#"with live as (
                   select org_id from sessions
                   where org_id = $1 and id = $6 and ended_at is null
                   for key share
               ), redeemed as (
                   update authorization_codes code set redeemed_at = $3
                   from live
                   where code.org_id = $1 and code.code_hash = $2 and code.redeemed_at is null and code.expires_at > $3
                     and (not $25 or exists (select from consents consent
                                             where consent.org_id = $1 and consent.user_id = $5
                                               and consent.client_org_id = $7 and consent.client_id = $8
                                             for share))
                   returning code.org_id, code.claims
               ), family as (
                   insert into grants (org_id, id, user_id, session_id, client_org_id, client_id, scope, issuer,
                                       created_at, expires_at, resource, dpop_jkt, claims)
                   select org_id, $4, $5, $6, $7, $8, $9, $10, $3, $11, $23, $24, claims from redeemed
               ), token as (
                   insert into refresh_tokens (org_id, token_hash, grant_id, issued_at, expires_at)
                   select org_id, $12, $4, $3, $13 from redeemed where $12::bytea is not null
               ), logged as (
                   insert into audit_events
                       (org_id, occurred_at, id, action, outcome, actor_kind, actor_id, user_id, session_id,
                        client_org_id, client_id, address, user_agent, request_id, detail)
                   select org_id, $3, $14, $15, $16, $17, $18, $5, $6, $7, $8, $19, $20, $21, $22 from redeemed
               )
               select count(*) as "count!" from redeemed"#,
            self.org_id,
            hash.as_bytes(),
            event.occurred_at,
            code.grant_id.as_uuid(),
            code.user_id.as_uuid(),
            code.session_id.as_uuid(),
            code.client_owner.as_uuid(),
            code.client_id.as_uuid(),
            code.scope.to_string(),
            grant.issuer,
            grant.expires_at,
            grant.refresh_token.map(|(hash, _)| hash.as_bytes().to_vec()),
            grant.refresh_token.map(|(_, expires_at)| expires_at),
            event.id.as_uuid(),
            event.action.as_str(),
            event.outcome.as_str(),
            event.actor.kind(),
            event.actor.id(),
            event.origin.address.map(ipnet::IpNet::from),
            event.origin.user_agent,
            event.origin.request_id,
            detail(event),
            code.resource,
            grant.dpop_jkt,
            grant.party != Party::First,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(done == 1)
    }
}
