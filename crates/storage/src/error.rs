//! What can go wrong between Orgate and its database.

use sqlx::migrate::MigrateError;

/// A failure of storage. Absence is not one: it is `None`.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database's address does not parse.
    #[error("the database's address does not parse")]
    Address(#[source] sqlx::Error),
    /// A stored value does not parse: a bug, or a hand in the database.
    #[error("{table}.{column} holds a value that does not parse")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The statement broke a constraint by name.
    #[error("the value is already taken ({constraint})")]
    Conflict {
        /// The constraint.
        constraint: String,
    },
    /// The statement would have left a reference to what is not there: it refers to nothing, or takes away what something
    /// else refers to.
    #[error("a reference leads to what is not there ({constraint})")]
    Reference {
        /// The constraint.
        constraint: String,
    },
    /// Migrating failed.
    #[error("migrating the database failed")]
    Migrate(#[source] MigrateError),
    /// The database cannot be reached, or not in time. Trying again later may help.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// The database refused a statement.
    #[error("the database refused a statement")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(cause) if cause.is_unique_violation() => {
                Self::Conflict { constraint: cause.constraint().unwrap_or_default().to_owned() }
            }
            sqlx::Error::Database(cause) if cause.is_foreign_key_violation() => {
                Self::Reference { constraint: cause.constraint().unwrap_or_default().to_owned() }
            }
            _ if is_unavailable(&error) => Self::Unavailable(error),
            _ => Self::Database(error),
        }
    }
}

impl From<MigrateError> for StorageError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)
                if is_unavailable(&cause) =>
            {
                Self::Unavailable(cause)
            }
            error => Self::Migrate(error),
        }
    }
}

fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        // Class 57: an operator stopped the server; 53: it is out of connections or memory; 08: connection.
        sqlx::Error::Database(cause) => cause
            .code()
            .is_some_and(|code| code.starts_with("57P") || code.starts_with("53") || code.starts_with("08")),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}
