//! Row-level security and the composite keys alone, without the clause `org_id = $1` that every query has besides.

use std::collections::BTreeMap;

use orgate_tests::database::Database;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::rows::{self, Reference, Table};

const ACME: Uuid = Uuid::from_u128(0xacce);
const GLOBEX: Uuid = Uuid::from_u128(0x610b);

/// A database in which each of these organizations has a row in every table.
struct Rows {
    tables: Vec<Table>,
    conn: PoolConnection<Postgres>,
    database: Database,
}

impl Rows {
    async fn of(organizations: &[Uuid]) -> Self {
        let database = Database::fresh().await;
        let mut conn = database.superuser().acquire().await.expect("a connection");
        let tables = rows::tables(&mut conn).await;
        for org_id in organizations {
            rows::fill(&mut conn, &tables, *org_id).await;
        }
        Self { tables, conn, database }
    }

    /// What an organization has of its own.
    fn isolated(&self) -> Vec<String> {
        self.tables.iter().filter(|table| table.is_isolated).map(|table| table.name.clone()).collect()
    }
}

/// A transaction as the store begins it.
async fn enter(conn: &mut PgConnection, org_id: Option<Uuid>) -> Transaction<'_, Postgres> {
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query("select set_config('role', 'orgate_app', true), set_config('orgate.org_id', $1, true)")
        .bind(org_id.map(|id| id.to_string()).unwrap_or_default())
        .execute(&mut *tx)
        .await
        .expect("a role and an organization");
    tx
}

/// The same, with every privilege: what is refused then, row-level security refuses.
async fn enter_privileged(conn: &mut PgConnection, org_id: Option<Uuid>) -> Transaction<'_, Postgres> {
    let mut tx = conn.begin().await.expect("a transaction");
    execute(&mut tx, "grant all on all tables in schema public to orgate_app").await.expect("a grant");
    execute(&mut tx, "set local role orgate_app").await.expect("the role");
    if let Some(org_id) = org_id {
        execute(&mut tx, &format!("set local orgate.org_id = '{org_id}'")).await.expect("the organization");
    }
    tx
}

/// How many rows it affected.
async fn execute(conn: &mut PgConnection, statement: &str) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(AssertSqlSafe(statement.to_owned())).execute(conn).await?;
    Ok(done.rows_affected())
}

/// The same, and the transaction goes on after a refusal.
async fn attempt(conn: &mut PgConnection, statement: &str) -> Result<u64, sqlx::Error> {
    let mut savepoint = conn.begin().await?;
    let affected = execute(&mut savepoint, statement).await?;
    savepoint.commit().await?;
    Ok(affected)
}

/// The relations among these in which there is a row to be seen, every privilege given.
async fn seen_by(org_id: Option<Uuid>, conn: &mut PgConnection, relations: &[String]) -> Vec<String> {
    let mut tx = enter_privileged(conn, org_id).await;
    let mut seen = Vec::new();
    for relation in relations {
        let any =
            sqlx::query_scalar::<_, bool>(AssertSqlSafe(format!("select exists (select from {relation})")));
        if any.fetch_one(&mut *tx).await.expect(relation) {
            seen.push(relation.clone());
        }
    }
    seen
}

/// The SQLSTATE of a refusal.
fn refusal<T>(result: Result<T, sqlx::Error>) -> String {
    let code = result.err().and_then(|error| Some(error.as_database_error()?.code()?.into_owned()));
    code.unwrap_or_else(|| "not refused".to_owned())
}

const INSUFFICIENT_PRIVILEGE: &str = "42501";

#[tokio::test]
async fn what_acme_has_is_empty_to_everyone_else() {
    let mut rows = Rows::of(&[ACME]).await;
    let relations = [rows.isolated(), rows::views(rows.database.superuser()).await].concat();
    // Whom it lets in is to be seen, and a row by itself lets nobody in.
    let in_use = "update connections set live_version = 1, state = 'active'";
    sqlx::query(in_use).execute(rows.database.superuser()).await.expect("in use");

    let before_any = seen_by(None, &mut rows.conn, &relations).await;
    let to_acme = seen_by(Some(ACME), &mut rows.conn, &relations).await;
    let to_globex = seen_by(Some(GLOBEX), &mut rows.conn, &relations).await;
    let after_one = seen_by(None, &mut rows.conn, &relations).await;

    assert_eq!(to_acme, relations);
    assert_eq!(to_globex, [] as [&str; 0]);
    assert_eq!((before_any, after_one), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn what_acme_has_nobody_else_changes_or_deletes() {
    let mut rows = Rows::of(&[ACME]).await;
    let tables = rows.isolated();

    for org_id in [Some(GLOBEX), None] {
        let mut tx = enter_privileged(&mut rows.conn, org_id).await;
        for table in &tables {
            let updated = execute(&mut tx, &format!("update {table} set org_id = org_id")).await;
            let deleted = execute(&mut tx, &format!("delete from {table}")).await;
            assert_eq!((updated.ok(), deleted.ok()), (Some(0), Some(0)), "{table}");
        }
    }
    let mut tx = enter_privileged(&mut rows.conn, Some(ACME)).await;
    for table in &tables {
        let updated = execute(&mut tx, &format!("update {table} set org_id = org_id")).await;
        assert!(updated.is_ok_and(|rows| rows > 0), "{table}: a statement that would have found something");
    }
}

#[tokio::test]
async fn nobody_else_writes_into_acme() {
    let mut rows = Rows::of(&[ACME, GLOBEX]).await;
    let mut tx = enter_privileged(&mut rows.conn, Some(GLOBEX)).await;

    for table in rows.tables.iter().filter(|table| table.is_isolated) {
        let mut savepoint = tx.begin().await.expect("a savepoint");
        let inserted = table.insert(&mut savepoint, ACME).await;
        savepoint.rollback().await.expect("a rollback");
        let moved = attempt(&mut tx, &format!("update {} set org_id = '{ACME}'", table.name)).await;
        let refusals = (refusal(inserted), refusal(moved));
        assert_eq!(
            refusals,
            (INSUFFICIENT_PRIVILEGE.into(), INSUFFICIENT_PRIVILEGE.into()),
            "{}",
            table.name
        );
    }
}

#[tokio::test]
async fn no_reference_to_acme_can_be_stored_in_globex() {
    let mut rows = Rows::of(&[ACME]).await;
    let mut tried = BTreeMap::new();

    let mut tx = rows.conn.begin().await.expect("a transaction");
    for table in rows.tables.iter().filter(|table| table.is_isolated && !table.is_partition) {
        // What Acme shares may be shared: `domains` tests that only that may.
        let own = |reference: &&Reference| {
            reference.is_composite() && reference.constraint != "shared_domains_domain_exclusive_fkey"
        };
        for reference in table.references.iter().filter(own) {
            let mut savepoint = tx.begin().await.expect("a savepoint");
            let stored = table.insert_crossing(&mut savepoint, GLOBEX, (reference, ACME)).await;
            savepoint.rollback().await.expect("a rollback");
            let error = stored.err();
            let cause = error
                .as_ref()
                .and_then(|error| error.as_database_error())
                .filter(|cause| cause.is_foreign_key_violation());
            let constraint = cause.and_then(|cause| cause.constraint()).map(str::to_owned);
            tried.insert(reference.constraint.clone(), constraint);
        }
        // That one is there already: it comes with its user's.
        execute(&mut tx, &format!("delete from user_activity where org_id = '{GLOBEX}'"))
            .await
            .expect("none");
        table.insert(&mut tx, GLOBEX).await.expect("a row that keeps to its organization");
    }

    for (reference, refused_by) in &tried {
        assert_eq!(refused_by.as_ref(), Some(reference));
    }
    assert!(tried.contains_key("sessions_org_id_user_id_fkey"), "{tried:?}");
}

#[tokio::test]
async fn an_audit_log_is_added_to_and_nothing_else() {
    let mut rows = Rows::of(&[ACME]).await;
    let partitions: Vec<_> =
        rows.tables.iter().filter(|table| table.is_partition).map(|table| table.name.clone()).collect();
    let mut tx = enter(&mut rows.conn, Some(ACME)).await;

    for log in ["audit_events".to_owned()].iter().chain(&partitions) {
        for change in [
            format!("update {log} set outcome = 'refused'"),
            format!("delete from {log}"),
            format!("truncate {log}"),
            format!("drop table {log}"),
            format!("alter table {log} disable row level security"),
        ] {
            assert_eq!(refusal(attempt(&mut tx, &change).await), INSUFFICIENT_PRIVILEGE, "{change}");
        }
    }
    for partition in &partitions {
        let read = attempt(&mut tx, &format!("select from {partition}")).await;
        assert_eq!(refusal(read), INSUFFICIENT_PRIVILEGE, "{partition}");
    }
    let all_but_two_columns =
        "insert into audit_events (occurred_at, id, action, outcome, actor_kind, detail)
                               values (now(), gen_random_uuid(), 'sample', 'success', 'system', '{}')";
    assert_eq!(attempt(&mut tx, all_but_two_columns).await.ok(), Some(1));
    assert!(partitions.len() >= 4, "{partitions:?}");
}

#[tokio::test]
async fn nobody_reads_who_is_a_person() {
    let mut rows = Rows::of(&[ACME]).await;
    let mut tx = enter(&mut rows.conn, Some(ACME)).await;

    let read = attempt(&mut tx, "select from persons").await;
    let found =
        attempt(&mut tx, "insert into persons (id, created_at) values (gen_random_uuid(), now())").await;

    assert_eq!((refusal(read), found.ok()), (INSUFFICIENT_PRIVILEGE.to_owned(), Some(1)));
}

#[tokio::test]
async fn a_client_is_seen_where_it_is_admitted_and_changed_nowhere_but_at_its_owner() {
    let mut rows = Rows::of(&[ACME, GLOBEX]).await;
    let grant = format!(
        "insert into client_access (org_id, client_org_id, client_id, granted_at)
         select '{GLOBEX}', org_id, id, now() from client_directory where org_id = '{ACME}'"
    );

    for (audience, granted, expected) in [
        ("owner", false, 0),
        ("owner", true, 0),
        ("granted", false, 0),
        ("granted", true, 1),
        ("all", false, 1),
    ] {
        let mut outer = rows.conn.begin().await.expect("a transaction");
        execute(&mut outer, &format!("update client_directory set audience = '{audience}'"))
            .await
            .expect(audience);
        if granted {
            execute(&mut outer, &grant).await.expect("access");
        }
        let mut tx = enter_privileged(&mut outer, Some(GLOBEX)).await;
        let of_acme = format!("from client_directory where org_id = '{ACME}'");
        let found = execute(&mut tx, &format!("select {of_acme}")).await;
        let changed =
            execute(&mut tx, &format!("update client_directory set name = 'Mine' where org_id = '{ACME}'"))
                .await;
        let deleted = execute(&mut tx, &format!("delete {of_acme}")).await;
        let secrets = execute(&mut tx, "select from client_secrets join clients using (org_id)").await;
        drop(tx);
        outer.rollback().await.expect("a rollback");

        let seen = (found.ok(), changed.ok(), deleted.ok(), secrets.ok());
        assert_eq!(seen, (Some(expected), Some(0), Some(0), Some(1)), "{audience} {granted}");
    }
}
