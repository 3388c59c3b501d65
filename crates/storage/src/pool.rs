//! The pools, and what they are told of connections.
//!
//! Transactions have a pool of their own, which takes a connection back without a round trip: sqlx's asks it for a
//! sign of life each time. That a connection is fit for another transaction is what [`Transaction`] sees to.
//!
//! [`Transaction`]: crate::transaction::Transaction

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};

use crate::StorageError;
use crate::system::SystemReason;
use crate::transaction::PATIENCE;

/// A connection that was taken longer ago is asked for a sign of life before it is used again.
const REST: Duration = Duration::from_secs(1);

/// A connection that gives no sign of life for so long is dead, and the next one is asked.
const SIGN_OF_LIFE: Duration = Duration::from_millis(500);

/// A connection that nobody has used for so long is closed, where [`Store::close_idle`] is called.
const IDLE: Duration = Duration::from_mins(10);

/// No connection is used again that is as old: what Postgres keeps for each of them only grows.
const AGE: Duration = Duration::from_mins(30);

/// Connections of the listener, which keeps it.
const LISTENERS: u32 = 1;

/// Connections of whoever does nothing but write to the log, which it does one batch after another.
const JOURNALS: usize = 1;

/// Lends connections, for transactions or for statements of their own.
#[derive(Debug, Clone)]
pub(crate) struct Lender {
    pool: Pool<Connector>,
    patience: Duration,
}

/// One of them. It returns to its pool when it is dropped.
pub(crate) type Pooled = Object<Connector>;

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

/// The database. Its pools are private: the way in is a transaction of one organization
/// ([`Store::begin`]) or one of the functions in [`crate::system`].
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) connections: Lender,
    /// As `orgate_journal` from the start: each statement is a transaction.
    pub(crate) journal: Lender,
    listener: PgPool,
}

/// Makes connections.
#[derive(Debug)]
pub(crate) struct Connector(PgConnectOptions);

impl Manager for Connector {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<PgConnection, sqlx::Error> {
        Box::pin(PgConnection::connect_with(&self.0)).await // kept out of every request's future
    }

    /// Whoever used it last has ended their transaction. Asked only after a rest: a connection in steady use
    /// needs no round trip more, and one that died resting, as when Postgres restarts, must not fail a request.
    async fn recycle(&self, connection: &mut PgConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() > AGE {
            return Err(RecycleError::message("it is old"));
        }
        if metrics.last_used() > REST {
            Box::pin(connection.ping()).await?;
        }
        Ok(())
    }
}

impl Lender {
    fn new(options: PgConnectOptions, most: usize, patience: Duration) -> Result<Self, StorageError> {
        let pool = Pool::builder(Connector(options))
            .max_size(most)
            // Those that are not needed rest, and are closed in the end.
            .queue_mode(QueueMode::Lifo)
            .recycle_timeout(Some(SIGN_OF_LIFE))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| StorageError::Unavailable(sqlx::Error::PoolClosed))?;
        Ok(Self { pool, patience })
    }

    /// A connection: one that rests or a new one, or whichever comes back first. Patience is for all of it together,
    /// however many have died resting.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`].
    pub(crate) async fn get(&self) -> Result<Pooled, StorageError> {
        let lent = tokio::time::timeout(self.patience, self.pool.get()).await;
        Ok(lent.map_err(|_| sqlx::Error::PoolTimedOut)??)
    }
}

/// Asks one question, outside of any transaction: it is one.
///
/// # Errors
/// [`StorageError`].
pub(crate) async fn ask<T>(
    connections: &Lender,
    question: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
) -> Result<T, StorageError> {
    let mut lent = Lent(Some(connections.get().await?));
    let Some(connection) = &mut lent.0 else { unreachable!("it was lent just now") };
    let answer = question(connection).await?;
    drop(lent.0.take());
    Ok(answer)
}

/// A connection on which a statement is under way. Dropped with it, because the statement failed or nobody waits
/// for it any more, it comes back when what is still to come on it has come, which must be nobody's answer; or is closed,
/// if that takes too long. To close it at once would let whoever hangs up have all of them made anew.
struct Lent(Option<Pooled>);

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(mut connection) = self.0.take() else { return };
        tokio::spawn(async move {
            if !matches!(tokio::time::timeout(PATIENCE, connection.ping()).await, Ok(Ok(()))) {
                drop(Pooled::take(connection));
            }
        });
    }
}

impl From<PoolError<sqlx::Error>> for StorageError {
    fn from(error: PoolError<sqlx::Error>) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            PoolError::Closed => Self::Unavailable(sqlx::Error::PoolClosed),
            PoolError::Timeout(_) | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Self::Unavailable(sqlx::Error::PoolTimedOut)
            }
        }
    }
}

/// The migrations of this release. Later ones in the database are left alone: a node must be able to
/// restart while a newer one runs beside it, and a migration is a change that old code survives.
fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("../../migrations");
    migrator.set_ignore_missing(true);
    migrator
}

impl Store {
    /// Opens the pools. Connects lazily, so that a server can start before its database.
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
        let most = usize::try_from(settings.max_connections).unwrap_or(usize::MAX);
        let connections = Lender::new(options.clone(), most, settings.acquire_timeout)?;
        let of_journal = options.clone().options([("role", SystemReason::Journal.role())]);
        let journal = Lender::new(of_journal, JOURNALS, settings.acquire_timeout)?;
        let listener = PgPoolOptions::new()
            .max_connections(LISTENERS)
            .acquire_timeout(settings.acquire_timeout)
            .connect_lazy_with(options);
        Ok(Self { connections, journal, listener })
    }

    /// Closes connections that have not been used for ten minutes.
    pub fn close_idle(&self) {
        for connections in [&self.connections, &self.journal] {
            connections.pool.retain(|_, metrics| metrics.last_used() < IDLE);
        }
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
            PgConnectOptions::clone(&self.listener.connect_options()).options([("statement_timeout", "0")]);
        let patience = self.listener.options().get_acquire_timeout();
        let connecting = tokio::time::timeout(patience, PgConnection::connect_with(&options));
        let mut connection = connecting.await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        migrator().run(&mut connection).await?;
        connection.close().await?;
        self.ensure_audit_partitions().await
    }

    /// Whether every migration of this release is applied; those of a later one do no harm.
    pub async fn is_migrated(&self) -> Result<bool, StorageError> {
        let exists = sqlx::query_scalar::<_, Option<String>>("select to_regclass('_sqlx_migrations')::text");
        if ask(&self.connections, async |connection| exists.fetch_one(connection).await).await?.is_none() {
            return Ok(false);
        }
        let latest = migrator().iter().map(|migration| migration.version).max();
        let applied =
            sqlx::query_scalar::<_, Option<i64>>("select max(version) from _sqlx_migrations where success");
        Ok(ask(&self.connections, async |connection| applied.fetch_one(connection).await).await? >= latest)
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] or whatever it answers instead.
    pub async fn ping(&self) -> Result<(), StorageError> {
        let sign = sqlx::query_scalar::<_, i32>("select 1");
        ask(&self.connections, async |connection| sign.fetch_one(connection).await).await?;
        Ok(())
    }

    /// Waits for changes of configuration and calls `changed` with `table:organization` for each;
    /// with `None` after (re)connecting, when anything may have been missed. Never returns
    /// unless the connection cannot be kept.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the connection is lost and cannot be made again.
    pub async fn listen(&self, changed: impl Fn(Option<&str>) + Send) -> Result<(), StorageError> {
        let mut listener = PgListener::connect_with(&self.listener).await?;
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
        self.connections.pool.close();
        self.journal.pool.close();
        self.listener.close().await;
    }
}
