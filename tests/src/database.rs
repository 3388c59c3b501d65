//! A database for each test, copied from a template that is migrated once.
//!
//! The cluster is the one that `ORGATE_TEST_DATABASE_URL` names (a superuser's URL), or one that this process starts
//! and that ends with it. The schema belongs to a role that is neither superuser nor exempt from row-level security;
//! as that role the store connects.
//!
//! **Invariant:** no two tests share a database, and none outlives its run by more than the next one: a run holds an
//! advisory lock on its number, and who starts drops the databases of every number that nobody holds.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;
use std::{env, fs, thread};

use aws_lc_rs::digest::{SHA256, SHA384, digest};
use orgate_embedded_postgres::{Config, Durability, Error, Postgres};
use orgate_storage::{PoolSettings, Store};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};
use tokio::runtime::{Builder, Runtime};
use url::Url;
use uuid::Uuid;

/// Owns the schema, as whom a careful operator would let Orgate connect.
const OWNER: &str = "orgate_test_owner";

/// The advisory locks' first keys: of a run, beside its number, and of the templates.
const RUN: i32 = 0x6f72_6701;
const TEMPLATES: i32 = 0x6f72_6702;

/// A migrated, empty database. Dropped, it is gone.
#[derive(Debug)]
pub struct Database {
    name: String,
    url: Url,
    superuser: PgPool,
}

impl Database {
    /// A database of the caller's own.
    pub async fn fresh() -> Self {
        let made = tokio::task::spawn_blocking(|| on_caretaker(Caretaker::make_database)).await;
        let (name, url) =
            made.ok().flatten().expect("the caretaker of the databases has said why it gave up");
        let superuser = PgPoolOptions::new().max_connections(2).connect_lazy(url.as_str());
        Self { name, superuser: superuser.expect("the URL is the caretaker's"), url: as_owner(url) }
    }

    /// The URL to connect Orgate with.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// A store with a pool of its own, large enough for a race.
    pub fn store(&self) -> Store {
        self.store_of(10)
    }

    /// A store with a pool of this many connections.
    pub fn store_of(&self, max_connections: u32) -> Store {
        connect(self.url(), max_connections)
    }

    /// A look behind the scenes, past row-level security.
    pub fn superuser(&self) -> &PgPool {
        &self.superuser
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        // What cannot be dropped is left to the next run.
        on_caretaker(move |caretaker| caretaker.drop_database(&name));
    }
}

fn connect(url: &str, max_connections: u32) -> Store {
    let settings = PoolSettings {
        url: url.to_owned(),
        max_connections,
        acquire_timeout: Duration::from_secs(30),
        statement_timeout: Duration::from_secs(30),
    };
    Store::connect(&settings).expect("the URL parses")
}

/// The same URL, for a session that begins as [`OWNER`].
fn as_owner(mut url: Url) -> Url {
    url.query_pairs_mut().append_pair("options", &format!("-c role={OWNER}"));
    url
}

type Work = Box<dyn FnOnce(&mut Caretaker) + Send>;

/// Has the caretaker do it, and waits. `None` if it could not.
fn on_caretaker<T: Send + 'static>(work: impl FnOnce(&mut Caretaker) -> T + Send + 'static) -> Option<T> {
    static CARETAKER: LazyLock<Sender<Work>> = LazyLock::new(|| {
        let (orders, work) = mpsc::channel::<Work>();
        thread::spawn(move || {
            let mut caretaker = Caretaker::start();
            for work in work {
                work(&mut caretaker);
            }
        });
        orders
    });
    let (report, done) = mpsc::channel();
    let order = move |caretaker: &mut Caretaker| {
        let _ = report.send(work(caretaker));
    };
    CARETAKER.send(Box::new(order)).ok()?;
    done.recv().ok()
}

/// Makes and drops the databases of a run, on a thread and a connection of its own, so that no test's runtime, which
/// ends with the test, is needed for it.
struct Caretaker {
    runtime: Runtime,
    /// Holds the lock of the run.
    connection: PgConnection,
    cluster: Url,
    run: i32,
    made: u32,
    template: String,
}

impl Caretaker {
    fn start() -> Self {
        let cluster = cluster_url();
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let connection = runtime.block_on(PgConnection::connect(cluster.as_str()));
        let mut caretaker = Self {
            connection: connection
                .expect("ORGATE_TEST_DATABASE_URL, if set, is a superuser's, of a running server"),
            runtime,
            cluster,
            run: 0,
            made: 0,
            template: String::new(),
        };
        caretaker.take_number();
        caretaker.sweep();
        caretaker.template = format!("orgate_template_{}", fingerprint(&caretaker.month()));
        caretaker
    }

    fn make_database(&mut self) -> (String, Url) {
        self.made += 1;
        let name = format!("orgate_test_{:08x}_{}", self.run, self.made);
        self.lock_template();
        self.execute(&format!("create database {name} template {} owner {OWNER}", self.template));
        self.execute(&format!("select pg_advisory_unlock_shared({TEMPLATES}, 0)"));
        let url = self.url_of(&name);
        (name, url)
    }

    fn drop_database(&mut self, name: &str) {
        self.execute(&format!("drop database if exists {name} with (force)"));
    }

    /// Takes a number that no other run has.
    fn take_number(&mut self) {
        while self.run == 0 {
            let number =
                i32::from_ne_bytes(*Uuid::now_v7().as_bytes().last_chunk().expect("16 bytes")) & i32::MAX;
            if self.scalar::<bool>(&format!("select pg_try_advisory_lock({RUN}, {number})")) {
                self.run = number;
            }
        }
    }

    /// Drops what runs that were killed have left.
    fn sweep(&mut self) {
        let names = self.scalars(r"select datname from pg_database where datname like 'orgate\_test\_%\_%'");
        for name in names {
            let number = name.split('_').nth(2).and_then(|digits| i32::from_str_radix(digits, 16).ok());
            let Some(number) = number.filter(|number| *number != self.run) else { continue };
            if self.scalar::<bool>(&format!("select pg_try_advisory_lock({RUN}, {number})")) {
                self.drop_database(&name);
                self.execute(&format!("select pg_advisory_unlock({RUN}, {number})"));
            }
        }
    }

    /// Returns with the template there and shared: nobody drops it until the lock is given back.
    fn lock_template(&mut self) {
        loop {
            self.execute(&format!("select pg_advisory_lock_shared({TEMPLATES}, 0)"));
            let exists =
                format!("select exists (select from pg_database where datname = '{}')", self.template);
            if self.scalar::<bool>(&exists) {
                return;
            }
            self.execute(&format!("select pg_advisory_unlock_shared({TEMPLATES}, 0)"));
            self.execute(&format!("select pg_advisory_lock({TEMPLATES}, 0)"));
            if !self.scalar::<bool>(&exists) {
                self.make_template();
            }
            self.execute(&format!("select pg_advisory_unlock({TEMPLATES}, 0)"));
        }
    }

    /// Migrates, as the owner, under another name: what has the template's name is complete.
    fn make_template(&mut self) {
        for stale in self.scalars(r"select datname from pg_database where datname like 'orgate\_template\_%'")
        {
            self.drop_database(&stale);
        }
        self.make_owner();
        let unfinished = format!("{}_unfinished", self.template);
        self.execute(&format!("create database {unfinished} owner {OWNER}"));
        let url = self.url_of(&unfinished);
        let store_url = as_owner(url.clone());
        self.runtime.block_on(async {
            let mut connection = PgConnection::connect(url.as_str()).await.expect("a new database");
            let owned = format!("alter schema public owner to {OWNER}");
            connection.execute(AssertSqlSafe(owned)).await.expect("a superuser may");
            connection.close().await.expect("an open connection");
            let store = connect(store_url.as_str(), 1);
            store.migrate().await.expect("the migrations apply");
            store.close().await;
        });
        self.check_migrations(&unfinished);
        self.execute(&format!("alter database {unfinished} rename to {}", self.template));
    }

    /// What was applied is what the storage crate was built with. If that is not what is there now, the template
    /// would have the name of the one and be the other.
    fn check_migrations(&mut self, database: &str) {
        let url = self.url_of(database);
        let applied: Vec<Vec<u8>> = self.runtime.block_on(async {
            let mut connection = PgConnection::connect(url.as_str()).await.expect("the template");
            let checksums = sqlx::query_scalar("select checksum from _sqlx_migrations order by version");
            let checksums = checksums.fetch_all(&mut connection).await.expect("the table that sqlx keeps");
            connection.close().await.expect("an open connection");
            checksums
        });
        let files = migrations().into_iter().map(|text| digest(&SHA384, &text).as_ref().to_vec());
        assert!(files.eq(applied), "the migrations changed after orgate-storage was built: touch its lib.rs");
    }

    /// A role that sees and does nothing by being a member of Orgate's roles, so that only a transaction that takes
    /// one gets anywhere. Those belong to the cluster, and another database's migration, run by another role, may have
    /// made them: then only a superuser can let the owner take them.
    fn make_owner(&mut self) {
        self.execute(&format!(
            r"do $$
            declare
                name text;
            begin
                if not exists (select from pg_roles where rolname = '{OWNER}') then
                    create role {OWNER} nologin noinherit createrole;
                end if;
                for name in select rolname from pg_roles where rolname like 'orgate\_%' and rolname <> '{OWNER}' loop
                    execute format('grant %I to {OWNER}', name);
                end loop;
            end
            $$"
        ));
    }

    /// The migrations make partitions for this month and the next two.
    fn month(&mut self) -> String {
        self.scalar("select to_char(current_date, 'YYYYMM')")
    }

    fn url_of(&self, database: &str) -> Url {
        let mut url = self.cluster.clone();
        url.set_path(database);
        url
    }

    fn execute(&mut self, statement: &str) {
        let done = self.runtime.block_on(self.connection.execute(AssertSqlSafe(statement.to_owned())));
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    fn scalar<T>(&mut self, query: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let query = sqlx::query_scalar(AssertSqlSafe(query.to_owned()));
        self.runtime.block_on(query.fetch_one(&mut self.connection)).expect("one value")
    }

    fn scalars(&mut self, query: &str) -> Vec<String> {
        let query = sqlx::query_scalar(AssertSqlSafe(query.to_owned()));
        self.runtime.block_on(query.fetch_all(&mut self.connection)).expect("values")
    }
}

/// What the template depends on, as a name.
fn fingerprint(month: &str) -> String {
    let names = paths().into_iter().map(|path| path.to_string_lossy().into_owned()).collect::<String>();
    let text = migrations().concat();
    let hash = digest(&SHA256, &[month.as_bytes(), names.as_bytes(), text.as_slice()].concat());
    hash.as_ref().iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The migrations' texts, in order.
fn migrations() -> Vec<Vec<u8>> {
    paths().iter().map(|path| fs::read(path).expect("a migration")).collect()
}

/// The migrations, in order: their names are their versions.
fn paths() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let entries = fs::read_dir(directory).expect("the directory of migrations");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn cluster_url() -> Url {
    let given = env::var("ORGATE_TEST_DATABASE_URL").ok().filter(|url| !url.is_empty());
    let url = given.unwrap_or_else(|| own_cluster().url("postgres"));
    url.parse().expect("ORGATE_TEST_DATABASE_URL is a postgres:// URL")
}

/// Never dropped: it ends with the process. Its data stays, and so does the template for the next run.
fn own_cluster() -> &'static Postgres {
    static POSTGRES: OnceLock<Postgres> = OnceLock::new();
    POSTGRES.get_or_init(|| {
        let parent = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-postgres");
        let started = (0..8).find_map(|number| {
            let mut config = Config::new(parent.join(number.to_string()), |message| eprintln!("{message}"));
            config.durability = Durability::Volatile;
            match Postgres::start(&config) {
                Err(Error::AlreadyRunning { .. }) => None, // another run's
                started => Some(started),
            }
        });
        let started = started.expect("fewer than eight runs at once");
        started.unwrap_or_else(|error| panic!("{error}"))
    })
}
