//! A user is erased.

use orgate_domain::ids::UserId;

use super::Users;
use crate::StorageError;

impl Users<'_> {
    /// Erases a user for good, with all that is theirs but what the log says of them. Their sessions are to be ended before, or
    /// nobody is told. `false` if there is no such user: of two racing calls, one wins.
    pub async fn erase(&mut self, id: UserId) -> Result<bool, StorageError> {
        let erased = sqlx::query_scalar!(r#"select erase_user($1) as "erased!""#, id.as_uuid())
            .fetch_one(&mut *self.conn)
            .await?;
        Ok(erased)
    }
}
