//! The clean-up: what has expired is deleted, what refers before what it refers to.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::system::{SystemReason, SystemTx};
use crate::{StorageError, Store};

/// How many rows a clean-up deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Authorization requests.
    pub requests: u64,
    /// Authorization codes.
    pub codes: u64,
    /// Refresh tokens.
    pub refresh_tokens: u64,
    /// Token families.
    pub grants: u64,
    /// Sessions.
    pub sessions: u64,
    /// Messages, delivered or given up.
    pub messages: u64,
    /// Counts of failed sign-ins.
    pub throttles: u64,
    /// Browsers that were sent to an identity provider.
    pub upstream_requests: u64,
    /// Ids of assertions that nobody could replay any more.
    pub assertions: u64,
    /// Traces of sign-ins through a connection.
    pub traces: u64,
    /// Revocations of tokens that have expired.
    pub revocations: u64,
    /// Requests that clients pushed.
    pub pushed: u64,
    /// What devices asked for.
    pub devices: u64,
    /// Ids of what clients signed, and nobody could replay any more.
    pub consumed: u64,
    /// Clients that nobody registered, and nobody uses.
    pub documents: u64,
    /// What requests with a key of their own made.
    pub idempotency_keys: u64,
    /// What became of events at webhooks, long ago.
    pub webhook_deliveries: u64,
    /// Invitations that were used, taken back, or lapsed.
    pub invitations: u64,
    /// Requests to join that count no more, and links that proved no address.
    pub join_requests: u64,
    /// API keys that were taken back, or lapsed.
    pub api_keys: u64,
    /// Counts of sign-ins of days that nobody can ask for any more.
    pub sign_in_days: u64,
}

impl Cleaned {
    /// Rows of the kind that there were most of: as many as the limit, and more may be waiting.
    pub fn most(&self) -> u64 {
        let Self { requests, codes, refresh_tokens, grants, sessions, messages, throttles, .. } = *self;
        let Self {
            upstream_requests,
            assertions,
            traces,
            revocations,
            consumed,
            pushed,
            devices,
            documents,
            idempotency_keys,
            webhook_deliveries,
            invitations,
            join_requests,
            api_keys,
            sign_in_days,
            ..
        } = *self;
        let others = [codes, refresh_tokens, grants, sessions, messages, throttles, upstream_requests];
        others
            .into_iter()
            .chain([assertions, traces, revocations, consumed, pushed, devices, documents, idempotency_keys])
            .chain([webhook_deliveries])
            .chain([invitations, join_requests, api_keys, sign_in_days])
            .fold(requests, u64::max)
    }
}

/// What the clean-up deletes.
#[derive(Debug, Clone, Copy)]
pub struct Outdated {
    /// What expired, was delivered or began to be counted before this.
    pub expired_before: DateTime<Utc>,
    /// Sessions and token families that ended before this, and that nothing refers to any more.
    pub ended_before: DateTime<Utc>,
}

/// Runs one statement of the clean-up, and says how many rows it deleted.
macro_rules! delete {
    ($tx:ident, $before:ident, $limit:ident, $statement:literal) => {
        sqlx::query!($statement, $before, $limit).execute(&mut *$tx.transaction).await?.rows_affected()
    };
}

impl Store {
    /// Deletes what is outdated, at most `limit` rows of each kind. What refers goes before what it
    /// refers to.
    pub async fn clean(&self, outdated: Outdated, limit: i64) -> Result<Cleaned, StorageError> {
        let Outdated { expired_before, ended_before } = outdated;
        let mut tx = self.begin_system(SystemReason::Clean).await?;
        let cleaned = Self::clean_upstream(&mut tx, outdated, limit).await?;
        let cleaned = Self::clean_told(&mut tx, outdated, limit, cleaned).await?;
        let cleaned = Cleaned {
            requests: delete!(tx, expired_before, limit,
                "delete from authorization_requests lapsed
                 using (select org_id, id from authorization_requests where expires_at < $1 order by expires_at limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.id = due.id"),
            codes: delete!(tx, expired_before, limit,
                "delete from authorization_codes lapsed
                 using (select org_id, code_hash from authorization_codes where expires_at < $1 order by expires_at limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.code_hash = due.code_hash"),
            refresh_tokens: delete!(tx, expired_before, limit,
                "delete from refresh_tokens lapsed
                 using (select org_id, token_hash from refresh_tokens where expires_at < $1 order by expires_at limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.token_hash = due.token_hash"),
            grants: delete!(tx, ended_before, limit,
                "delete from grants lapsed
                 using (select family.org_id, family.id from grants family
                        where least(family.expires_at, family.revoked_at) < $1
                          and not exists (select from refresh_tokens token
                                          where token.org_id = family.org_id and token.grant_id = family.id)
                        order by least(family.expires_at, family.revoked_at) limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.id = due.id"),
            sessions: delete!(tx, ended_before, limit,
                "delete from sessions lapsed
                 using (select session.org_id, session.id from sessions session
                        where least(session.expires_at, session.ended_at) < $1
                          and not exists (select from grants family
                                          where family.org_id = session.org_id and family.session_id = session.id)
                          and not exists (select from authorization_codes code
                                          where code.org_id = session.org_id and code.session_id = session.id)
                          and not exists (select from authorization_requests request
                                          where request.org_id = session.org_id and request.consent_session_id = session.id)
                        order by least(session.expires_at, session.ended_at) limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.id = due.id"),
            messages: delete!(tx, expired_before, limit,
                "delete from outbox lapsed
                 using (select org_id, id from outbox where coalesce(delivered_at, failed_at) < $1
                        order by coalesce(delivered_at, failed_at) limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.id = due.id"),
            throttles: delete!(tx, expired_before, limit,
                "delete from sign_in_throttles lapsed
                 using (select org_id, account from sign_in_throttles where window_started_at < $1
                        order by window_started_at limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.account = due.account and lapsed.window_started_at < $1"),
            ..cleaned
        };
        tx.transaction.commit().await?;
        let documents = self.clean_documents(outdated, limit).await?;
        Ok(Cleaned { documents, ..cleaned })
    }

    /// Clients that nobody registered, whose documents nobody asked for lately, and that nothing refers to: their
    /// addresses are theirs again when somebody does. One that was disabled stays, or that would enable it.
    async fn clean_documents(&self, outdated: Outdated, limit: i64) -> Result<u64, StorageError> {
        // By itself: a client that is taken up just now keeps its row, and everything else is deleted nonetheless.
        let mut tx = self.begin_system(SystemReason::Clean).await?;
        let due = sqlx::query!(
            r#"select kept.org_id, kept.client_id from client_documents kept
               join client_directory entry on entry.org_id = kept.org_id and entry.id = kept.client_id
               where kept.fetched_at < $1 and entry.party = 'unregistered' and entry.status = 'active'
                 and not exists (select from authorization_requests one
                                 where one.client_org_id = kept.org_id and one.client_id = kept.client_id)
                 and not exists (select from authorization_codes one
                                 where one.client_org_id = kept.org_id and one.client_id = kept.client_id)
                 and not exists (select from grants one
                                 where one.client_org_id = kept.org_id and one.client_id = kept.client_id)
                 and not exists (select from consents one
                                 where one.client_org_id = kept.org_id and one.client_id = kept.client_id)
                 and not exists (select from client_access one
                                 where one.client_org_id = kept.org_id and one.client_id = kept.client_id)
                 and not exists (select from client_roles one
                                 where one.client_org_id = kept.org_id and one.client_id = kept.client_id)
                 and not exists (select from event_streams one
                                 where one.client_org_id = kept.org_id and one.client_id = kept.client_id)
                 and not exists (select from pushed_requests one
                                 where one.org_id = kept.org_id and one.client_id = kept.client_id)
                 and not exists (select from device_requests one
                                 where one.org_id = kept.org_id and one.client_id = kept.client_id)
               order by kept.fetched_at limit $2"#,
            outdated.expired_before,
            limit,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        let (orgs, clients): (Vec<_>, Vec<_>) =
            due.into_iter().map(|row| (row.org_id, row.client_id)).unzip();
        let gone = sqlx::query!(
            "delete from client_documents unused using unnest($1::uuid[], $2::uuid[]) as due (org_id, id)
             where unused.org_id = due.org_id and unused.client_id = due.id and unused.fetched_at < $3
             returning unused.org_id, unused.client_id",
            &orgs,
            &clients,
            outdated.expired_before,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        // But for those that somebody took up meanwhile.
        let gone: Vec<_> = gone.into_iter().map(|row| (row.org_id, row.client_id)).collect();
        if !delete_clients(&mut tx, &gone).await? {
            return Ok(0); // one was disabled just now: nothing was deleted, and it is not due the next time
        }
        tx.transaction.commit().await?;
        Ok(u64::try_from(gone.len()).unwrap_or_default())
    }

    /// What is good once, and what sign-ins through identity providers leave behind.
    async fn clean_upstream(
        tx: &mut SystemTx,
        outdated: Outdated,
        limit: i64,
    ) -> Result<Cleaned, StorageError> {
        let Outdated { expired_before, ended_before } = outdated;
        Ok(Cleaned {
            revocations: delete!(tx, expired_before, limit,
                "delete from revoked_tokens lapsed
                 using (select org_id, jti from revoked_tokens where expires_at < $1 order by expires_at limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.jti = due.jti"),
            pushed: delete!(tx, expired_before, limit,
                "delete from pushed_requests lapsed
                 using (select org_id, handle_hash from pushed_requests where expires_at < $1 order by expires_at limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.handle_hash = due.handle_hash"),
            devices: delete!(tx, expired_before, limit,
                "delete from device_requests lapsed
                 using (select org_id, id from device_requests where expires_at < $1 order by expires_at limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.id = due.id"),
            idempotency_keys: delete!(tx, expired_before, limit,
                "delete from idempotency_keys lapsed
                 using (select org_id, key_hash from idempotency_keys where created_at < $1 order by created_at limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.key_hash = due.key_hash"),
            invitations: delete!(tx, ended_before, limit,
                "delete from invitations lapsed
                 using (select org_id, id from invitations where coalesce(accepted_at, revoked_at, expires_at) < $1
                        order by coalesce(accepted_at, revoked_at, expires_at) limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.id = due.id"),
            join_requests: delete!(tx, expired_before, limit,
                "delete from join_requests lapsed
                 using (select org_id, id from join_requests where expires_at < $1 order by expires_at limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.id = due.id"),
            api_keys: delete!(tx, ended_before, limit,
                "delete from api_keys lapsed
                 using (select org_id, id from api_keys where least(expires_at, revoked_at) < $1
                        order by least(expires_at, revoked_at) limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.id = due.id"),
            consumed: delete!(tx, expired_before, limit,
                "delete from consumed_ids lapsed
                 using (select org_id, kind, id_hash from consumed_ids where expires_at < $1 order by expires_at limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.kind = due.kind and lapsed.id_hash = due.id_hash"),
            upstream_requests: delete!(tx, expired_before, limit,
                "delete from upstream_requests lapsed
                 using (select org_id, state_hash from upstream_requests where expires_at < $1 order by expires_at limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.state_hash = due.state_hash"),
            assertions: delete!(tx, expired_before, limit,
                "delete from consumed_assertions lapsed
                 using (select org_id, connection_id, assertion_id from consumed_assertions
                        where expires_at < $1 order by expires_at limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.connection_id = due.connection_id
                   and lapsed.assertion_id = due.assertion_id"),
            traces: delete!(tx, ended_before, limit,
                "delete from sign_in_traces lapsed
                 using (select org_id, id from sign_in_traces where occurred_at < $1 order by occurred_at limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.id = due.id"),
            ..Cleaned::default()
        })
    }

    /// What was told of the log, long ago.
    async fn clean_told(
        tx: &mut SystemTx,
        outdated: Outdated,
        limit: i64,
        cleaned: Cleaned,
    ) -> Result<Cleaned, StorageError> {
        let Outdated { expired_before, ended_before } = outdated;
        Ok(Cleaned {
            sign_in_days: delete!(tx, expired_before, limit,
                "delete from sign_in_days lapsed
                 using (select org_id, day, outcome, method from sign_in_days
                        where day < ($1::timestamptz at time zone 'UTC')::date - 400 order by day limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.day = due.day and lapsed.outcome = due.outcome
                   and lapsed.method = due.method"),
            webhook_deliveries: delete!(tx, ended_before, limit,
                "delete from webhook_deliveries lapsed
                 using (select org_id, webhook_id, audit_event from webhook_deliveries
                        where status <> 'waiting' and tried_at < $1 order by tried_at limit $2) due
                 where lapsed.org_id = due.org_id and lapsed.webhook_id = due.webhook_id
                   and lapsed.audit_event = due.audit_event and lapsed.status <> 'waiting'"),
            ..cleaned
        })
    }
}

/// Deletes these clients; `false` if one of them is not active any more.
async fn delete_clients(tx: &mut SystemTx, clients: &[(Uuid, Uuid)]) -> Result<bool, StorageError> {
    let (orgs, ids): (Vec<_>, Vec<_>) = clients.iter().copied().unzip();
    let settings = sqlx::query!(
        "delete from clients unused using unnest($1::uuid[], $2::uuid[]) as due (org_id, id)
         where unused.org_id = due.org_id and unused.id = due.id",
        &orgs,
        &ids,
    );
    settings.execute(&mut *tx.transaction).await?;
    let entries = sqlx::query!(
        "delete from client_directory unused using unnest($1::uuid[], $2::uuid[]) as due (org_id, id)
         where unused.org_id = due.org_id and unused.id = due.id and unused.status = 'active'",
        &orgs,
        &ids,
    );
    let deleted = entries.execute(&mut *tx.transaction).await?.rows_affected();
    Ok(usize::try_from(deleted) == Ok(clients.len()))
}
