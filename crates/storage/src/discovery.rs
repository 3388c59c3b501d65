//! Discovery challenges: a mailed code that proves an address.

use chrono::{DateTime, Utc};
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{AuthorizationRequestId, DiscoveryId};

use crate::StorageError;
use crate::row::hash;
use crate::scope::repository;

repository! {
    /// The challenges that wait in this organization, the client's owner.
    DiscoveryChallenges,
    /// The challenges that wait in this organization, the client's owner.
    discovery_challenges
}

/// A challenge about to be made, for a known and an unknown address alike.
#[derive(Debug)]
pub struct NewDiscoveryChallenge {
    /// Its id.
    pub id: DiscoveryId,
    /// The request it belongs to.
    pub request_id: AuthorizationRequestId,
    /// The keyed hash of the address.
    pub email: SecretHash,
    /// The same by the other master key that is accepted, while it changes.
    pub other_email: Option<SecretHash>,
    /// The keyed hash of the address and of where it was asked from.
    pub source: SecretHash,
    /// The keyed hash of the code.
    pub code: SecretHash,
    /// How often a code may be typed.
    pub tries: i32,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

/// A challenge that was found and had a try left, which is now spent.
#[derive(Debug)]
pub struct DiscoveryChallenge {
    /// Its id.
    pub id: DiscoveryId,
    /// The address.
    pub address: ProvenAddress,
    /// The keyed hash of the code.
    pub code: SecretHash,
}

/// An address that somebody proves, as it is kept: by its keyed hash under each master key that was accepted then,
/// since the index of addresses has it under one or the other while the key changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProvenAddress {
    /// The hash under the key that was current.
    pub hash: SecretHash,
    /// The hash under the other one, if there was one.
    pub other: Option<SecretHash>,
}

impl ProvenAddress {
    /// Every hash.
    pub fn hashes(&self) -> Vec<SecretHash> {
        std::iter::once(self.hash).chain(self.other).collect()
    }
}

impl DiscoveryChallenges<'_> {
    /// Makes a challenge, unless the address had `limit` of them from the same source since `since`,
    /// or four times as many from everywhere, or the request did. `false` if so, with nothing done.
    pub async fn insert(
        &mut self,
        new: &NewDiscoveryChallenge,
        limit: i64,
        since: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        // One at a time for an address, and for a request, or several at once would each find room.
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended(encode($1, 'hex'), 0)) as address,
                    pg_advisory_xact_lock(hashtextextended($2::uuid::text, 0)) as request",
            new.email.as_bytes(),
            new.request_id.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        let done = sqlx::query!(
            "insert into discovery_challenges
                 (org_id, id, request_id, email_hash, code_hash, tries_left, created_at, expires_at, source_hash,
                  other_email_hash)
             select $1, $2, $3, $4, $5, $6, $7, $8, $11, $12
             where (select count(*) from discovery_challenges recent
                    where recent.org_id = $1 and recent.email_hash = $4 and recent.created_at > $10) < $9::bigint * 4
               and (select count(*) from discovery_challenges here
                    where here.org_id = $1 and here.email_hash = $4 and here.source_hash = $11
                      and here.created_at > $10) < $9::bigint
               and (select count(*) from discovery_challenges same
                    where same.org_id = $1 and same.request_id = $3) < $9::bigint",
            self.org_id,
            new.id.as_uuid(),
            new.request_id.as_uuid(),
            new.email.as_bytes(),
            new.code.as_bytes(),
            new.tries,
            new.created_at,
            new.expires_at,
            limit,
            since,
            new.source.as_bytes(),
            new.other_email.as_ref().map(|hash| hash.as_bytes().as_slice()),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Spends a try on the latest challenge of a request. `None` if there is none, it lapsed or no
    /// try is left.
    pub async fn take_try(
        &mut self,
        request_id: AuthorizationRequestId,
        now: DateTime<Utc>,
    ) -> Result<Option<DiscoveryChallenge>, StorageError> {
        let row = sqlx::query!(
            "update discovery_challenges set tries_left = tries_left - 1
             where org_id = $1 and tries_left > 0 and consumed_at is null and expires_at > $3
               and id = (select latest.id from discovery_challenges latest
                         where latest.org_id = $1 and latest.request_id = $2
                         order by latest.created_at desc, latest.id desc limit 1)
             returning id, email_hash, other_email_hash, code_hash",
            self.org_id,
            request_id.as_uuid(),
            now,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(|row| {
            Ok(DiscoveryChallenge {
                id: DiscoveryId::from_uuid(row.id),
                address: ProvenAddress {
                    hash: hash(&row.email_hash, "discovery_challenges", "email_hash")?,
                    other: row
                        .other_email_hash
                        .map(|bytes| hash(&bytes, "discovery_challenges", "other_email_hash"))
                        .transpose()?,
                },
                code: hash(&row.code_hash, "discovery_challenges", "code_hash")?,
            })
        })
        .transpose()
    }

    /// Marks the challenge answered. `false` if it was before: of two racing calls, one wins.
    pub async fn consume(&mut self, id: DiscoveryId, now: DateTime<Utc>) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update discovery_challenges set consumed_at = $3
             where org_id = $1 and id = $2 and consumed_at is null",
            self.org_id,
            id.as_uuid(),
            now,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
