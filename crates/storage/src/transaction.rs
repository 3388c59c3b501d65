//! One transaction on a pooled connection.
//!
//! **Invariant:** whatever becomes of a request, its transaction is over before its connection serves
//! another. sqlx's own transaction does not hold that: a future dropped inside `begin` hands its
//! connection back with the transaction open (sqlx issue 4385), and an opening that fails, with the
//! transaction aborted.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use orgate_domain::ids::OrgId;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::StorageError;
use crate::pool::{Lender, Pooled};

/// A database that takes longer to roll back is not waited for: the connection is closed instead.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// A transaction. Dropped without [`Transaction::commit`], it rolls back.
#[derive(Debug)]
pub(crate) struct Transaction {
    /// `None` only once it was committed or dropped.
    connection: Option<Pooled>,
}

impl Transaction {
    /// Begins, and takes a role and an organization, or none, for this transaction alone: one round trip.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`].
    pub(crate) async fn open(
        pool: &Lender,
        role: &'static str,
        org_id: Option<OrgId>,
    ) -> Result<Self, StorageError> {
        let org_id = org_id.map(|org_id| org_id.as_uuid().to_string()).unwrap_or_default();
        // A select, because whoever counts statements by their text sees past its constants, and not past
        // those of a `set`: each organization would be a statement of its own.
        let opening = format!(
            "begin; select set_config('role', '{role}', true), set_config('orgate.org_id', '{org_id}', true)"
        );
        let mut transaction = Self { connection: Some(pool.get().await?) };
        sqlx::raw_sql(AssertSqlSafe(opening)).execute(&mut *transaction).await?;
        Ok(transaction)
    }

    /// Makes everything done in it last: one round trip.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`]; the outcome is then unknown. A transaction in which a statement failed:
    /// nothing lasts.
    pub(crate) async fn commit(mut self) -> Result<(), StorageError> {
        // To `commit` alone, after a statement failed, Postgres answers by rolling back, and without an error.
        sqlx::raw_sql("set constraints all immediate; commit").execute(&mut *self).await?;
        drop(self.connection.take());
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        tokio::spawn(async move {
            // Comes after whatever was sent before and is still being answered.
            let rollback = sqlx::raw_sql("rollback").execute(&mut *connection);
            if !matches!(tokio::time::timeout(PATIENCE, rollback).await, Ok(Ok(_))) {
                drop(Pooled::take(connection));
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
