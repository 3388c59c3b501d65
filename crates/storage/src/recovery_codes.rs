//! Recovery codes of break-glass users.

use chrono::{DateTime, Utc};
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::UserId;

use crate::StorageError;
use crate::scope::repository;

repository! {
    /// The organization's recovery codes.
    RecoveryCodes,
    /// The organization's recovery codes.
    recovery_codes
}

impl RecoveryCodes<'_> {
    /// Puts these codes in the place of all that the user had.
    pub async fn replace(
        &mut self,
        user_id: UserId,
        codes: &[SecretHash],
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let hashes: Vec<Vec<u8>> = codes.iter().map(|hash| hash.as_bytes().to_vec()).collect();
        sqlx::query!(
            "with dropped as (
                 delete from recovery_codes where org_id = $1 and user_id = $2
             )
             insert into recovery_codes (org_id, code_hash, user_id, created_at)
             select $1, fresh.hash, $2, $4 from unnest($3::bytea[]) as fresh (hash)",
            self.org_id,
            user_id.as_uuid(),
            &hashes,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Takes a code's one use, for the user whose it is, and says how many are left. `None` if there is
    /// no such code of theirs, or it was used.
    pub async fn consume(
        &mut self,
        user_id: UserId,
        code: &SecretHash,
        now: DateTime<Utc>,
    ) -> Result<Option<u64>, StorageError> {
        let left = sqlx::query_scalar!(
            r#"with used as (
                   update recovery_codes set used_at = $4
                   where org_id = $1 and user_id = $2 and code_hash = $3 and used_at is null
                   returning org_id
               )
               select (select count(*) from recovery_codes other
                       where other.org_id = $1 and other.user_id = $2 and other.used_at is null) - 1 as "left!"
               from used"#,
            self.org_id,
            user_id.as_uuid(),
            code.as_bytes(),
            now,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(left.map(|left| u64::try_from(left).unwrap_or_default()))
    }
}
