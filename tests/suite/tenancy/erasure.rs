//! What is left of an organization that was erased, and of all others: a row of each in every table, made from the catalog.

use orgate_tests::database::Database;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use super::catalog::privileges;
use super::rows;

const ACME: Uuid = Uuid::from_u128(0xacce);
const GLOBEX: Uuid = Uuid::from_u128(0x610b);

/// What stays: that there was one of this id, and names that are never given to another.
const STAYS: &[&str] = &[
    "client_directory",
    "organization_ancestors",
    "organization_slugs",
    "organizations",
    "verified_domains",
];

/// One batch, as the store takes it.
async fn erase_some(conn: &mut PgConnection, org_id: Uuid) -> i64 {
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query("select set_config('role', 'orgate_app', true), set_config('orgate.org_id', $1, true)")
        .bind(org_id.to_string())
        .execute(&mut *tx)
        .await
        .expect("a role and an organization");
    let erased = sqlx::query_scalar("select erase_some(1)").fetch_one(&mut *tx).await.expect("erased");
    tx.commit().await.expect("a commit");
    erased
}

#[tokio::test]
async fn all_of_one_organization_is_erased_and_nothing_of_another() {
    let database = Database::fresh().await;
    let mut conn = database.superuser().acquire().await.expect("a connection");
    let tables = rows::tables(&mut conn).await;
    for org_id in [ACME, GLOBEX] {
        rows::fill(&mut conn, &tables, org_id).await;
    }
    let isolated = rows::isolated_tables(database.superuser()).await;
    let others = rows::hashes(database.superuser(), &isolated, GLOBEX).await;
    let whole = rows::hashes(database.superuser(), &isolated, ACME).await;

    assert_eq!(erase_some(&mut conn, ACME).await, 0, "one that is in use");
    assert_eq!(rows::hashes(database.superuser(), &isolated, ACME).await, whole);
    let begun = "update organizations set status = 'deleted', erase_after = now(), erasing_since = now() where org_id = $1";
    sqlx::query(begun).bind(ACME).execute(database.superuser()).await.expect("begun");
    let mut batches = 0;
    while erase_some(&mut conn, ACME).await > 0 {
        batches += 1;
        assert!(batches < 1_000, "it does not end");
    }

    assert!(batches > 50, "{batches} batches: of each table at least one");
    let mut left = Vec::new();
    for table in &isolated {
        let rows = format!("select count(*) from {table} where org_id = '{ACME}'");
        let rows: i64 =
            sqlx::query_scalar(AssertSqlSafe(rows)).fetch_one(database.superuser()).await.expect("counted");
        if rows > 0 {
            left.push(table.as_str());
        }
    }
    left.sort_unstable();
    assert_eq!(left, STAYS);
    assert_eq!(rows::hashes(database.superuser(), &isolated, GLOBEX).await, others);
}

/// Whoever can delete everything can do nothing else, and in one organization alone.
#[tokio::test]
async fn the_role_that_erases_reads_nothing_but_keys_of_the_organization_of_the_transaction() {
    let database = Database::fresh().await;
    let keys = [
        "ctid",
        "org_id",
        "id",
        "user_id",
        "consent_session_id",
        "occurred_at",
        "erasing_since",
        "erased_at",
    ];
    let lines = privileges(&database).await;
    let mut told = 0;

    let lines = lines.iter().filter_map(|line| line.strip_prefix("orgate_erase: "));
    // Which tables there are to erase.
    for line in lines.filter(|line| !line.starts_with("erased_tables: ")) {
        let (table, may) = line.split_once(": ").expect("what, and what of it");
        told += 1;
        if let Some(rows) = may.strip_prefix("rows: ") {
            assert_eq!(rows, "(org_id = current_org_id())", "{table}");
            continue;
        }
        let may = may.strip_prefix("delete, ").unwrap_or(may);
        let read = may.strip_prefix("select (").and_then(|columns| columns.strip_suffix(')'));
        let read: Vec<_> = read.map(|columns| columns.split(", ").collect()).unwrap_or_default();
        assert!(read.iter().all(|column| keys.contains(column)), "{line}");
        assert_eq!(read.is_empty(), line == "schema public: usage", "{line}");
        assert!(table != "organizations" || !line.contains("delete"), "{line}");
    }

    assert!(told > 100, "{told}");
}
