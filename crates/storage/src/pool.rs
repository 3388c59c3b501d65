//! The pool, and what it is told of connections.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};

use crate::StorageError;

/// A connection that was idle for longer is asked for a sign of life before it is used.
const REST: Duration = Duration::from_secs(1);

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// A `postgres://` address.
    pub url: String,
    /// Connections at most.
    pub max_connections: u32,
    /// A request waits this long for a connection, then answers 503.
    pub acquire_timeout: Duration,
    /// No statement runs longer.
    pub statement_timeout: Duration,
}

/// The database. Its pool is private: the way in is a transaction of one organization
/// ([`Store::begin`]) or one of the functions in [`crate::system`].
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) pool: PgPool,
}

/// The migrations of this release. Later ones in the database are left alone: a node must be able to
/// restart while a newer one runs beside it, and a migration is a change that old code survives.
fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("../../migrations");
    migrator.set_ignore_missing(true);
    migrator
}

impl Store {
    /// Opens the pool. Connects lazily, so that a server can start before its database.
    ///
    /// # Errors
    /// [`StorageError::Address`].
    pub fn connect(settings: &PoolSettings) -> Result<Self, StorageError> {
        let options = settings
            .url
            .parse::<PgConnectOptions>()
            .map_err(StorageError::Address)?
            .application_name("orgate")
            .options([("statement_timeout", format!("{}ms", settings.statement_timeout.as_millis()))])
            // Every statement looks rows up by key, so one plan fits all values; planning the wide
            // ones again at each execution would cost more than running them.
            .options([("plan_cache_mode", "force_generic_plan")]);
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(settings.acquire_timeout)
            // Asked only after a rest: one in steady use needs no round trip more, and one that died
            // resting, as when Postgres restarts, must not fail a request.
            .test_before_acquire(false)
            .before_acquire(|connection, usage| {
                Box::pin(async move {
                    if usage.idle_for > REST {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Ok(Self { pool })
    }

    /// Brings the schema up to date, under an advisory lock, and makes the partitions that the
    /// audit log needs for this month and the two after it. On a connection of its own, without a
    /// limit of time: a migration of much data, or of another node that holds the lock, takes what
    /// it takes.
    ///
    /// # Errors
    /// [`StorageError::Migrate`]: nothing, or a prefix of the migrations, was applied.
    /// [`StorageError::Unavailable`].
    pub async fn migrate(&self) -> Result<(), StorageError> {
        let options =
            PgConnectOptions::clone(&self.pool.connect_options()).options([("statement_timeout", "0")]);
        let patience = self.pool.options().get_acquire_timeout();
        let connecting = tokio::time::timeout(patience, PgConnection::connect_with(&options));
        let mut connection = connecting.await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        migrator().run(&mut connection).await?;
        connection.close().await?;
        self.ensure_audit_partitions().await
    }

    /// Whether every migration of this release is applied; those of a later one do no harm.
    pub async fn is_migrated(&self) -> Result<bool, StorageError> {
        let exists = sqlx::query_scalar::<_, Option<String>>("select to_regclass('_sqlx_migrations')::text")
            .fetch_one(&self.pool)
            .await?;
        if exists.is_none() {
            return Ok(false);
        }
        let latest = migrator().iter().map(|migration| migration.version).max();
        let applied =
            sqlx::query_scalar::<_, Option<i64>>("select max(version) from _sqlx_migrations where success")
                .fetch_one(&self.pool)
                .await?;
        Ok(applied >= latest)
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] or whatever it answers instead.
    pub async fn ping(&self) -> Result<(), StorageError> {
        sqlx::query_scalar::<_, i32>("select 1").fetch_one(&self.pool).await?;
        Ok(())
    }

    /// Waits for changes of configuration and calls `changed` with `table:organization` for each;
    /// with `None` after (re)connecting, when anything may have been missed. Never returns
    /// unless the connection cannot be kept.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the connection is lost and cannot be made again.
    pub async fn listen(&self, changed: impl Fn(Option<&str>) + Send) -> Result<(), StorageError> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen("orgate_configuration").await?;
        changed(None);
        loop {
            match listener.try_recv().await? {
                Some(notification) => changed(Some(notification.payload())),
                None => changed(None),
            }
        }
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
