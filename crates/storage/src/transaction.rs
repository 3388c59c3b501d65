//! One transaction on a pooled connection.
//!
//! **Invariant:** whatever becomes of a request, its transaction is over before its connection serves
//! another. sqlx's own transaction does not hold that: a future dropped inside `begin` hands its
//! connection back with the transaction open (sqlx issue 4385), and an opening that fails, with the
//! transaction aborted.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres};

use crate::StorageError;

/// A transaction. Dropped without [`Transaction::commit`], it rolls back.
#[derive(Debug)]
pub(crate) struct Transaction {
    /// `None` only once it was committed or dropped.
    connection: Option<PoolConnection<Postgres>>,
}

impl Transaction {
    /// Runs `opening`, whose first statement is `begin`: one round trip. Its text holds nothing that
    /// a caller sent.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`].
    pub(crate) async fn open(pool: &PgPool, opening: String) -> Result<Self, StorageError> {
        let mut transaction = Self { connection: Some(pool.acquire().await?) };
        sqlx::raw_sql(AssertSqlSafe(opening)).execute(&mut *transaction).await?;
        Ok(transaction)
    }

    /// Makes everything done in it last: one round trip.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`]; the outcome is then unknown.
    pub(crate) async fn commit(mut self) -> Result<(), StorageError> {
        sqlx::raw_sql("commit").execute(&mut *self).await?;
        drop(self.connection.take());
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        tokio::spawn(async move {
            // Comes after whatever was sent before and is still being answered.
            if sqlx::raw_sql("rollback").execute(&mut *connection).await.is_err() {
                connection.close_on_drop();
            }
        });
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("a transaction that is over is not reachable"),
        }
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match &mut self.connection {
            Some(connection) => connection,
            None => unreachable!("a transaction that is over is not reachable"),
        }
    }
}
