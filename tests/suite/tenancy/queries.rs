//! Every checked query says `org_id`: of each organization's table that it names, so that the clause holds where
//! row-level security does not.

use std::fs;
use std::path::PathBuf;

use orgate_tests::database::Database;

use super::clauses::loose_ends;
use super::rows;

/// Queries that cross organizations, by their beginning: all of them in `system.rs` and below it, under roles of their own.
const CROSSING: &[&str] = &[
    // Resolve: from a name to the one organization it leads to. An id, a slug and a client id are asked of functions, which
    // `pool.rs` knows by name.
    "select org_id, device_id from device_user_codes where code_hash = $1",
    "select exists ( select from client_directory where origins @> array[$1::text]",
    "select org_id from verified_domains where domain = $1",
    "with proven as ( select org_id, domain from verified_domains where domain = any($1) and active",
    "with proven as ( select org_id, domain, subdomains, active from verified_domains",
    // Transfer: a domain that was handed over.
    "update verified_domains set org_id = $2, successor_org_id = null where domain = $1 and successor_org_id = $2",
    // Choose: the sessions whose cookies a browser shows.
    "select session.org_id, session.id, session.user_id, session.auth_time",
    // Discover: the organizations of an address that was proven.
    "select organization.org_id, organization.slug, organization.name from email_index entry",
    // Deliver: messages that are due, of whomever.
    "update outbox message set available_at = $2, attempts = message.attempts + 1 from",
    // Deliver: organizations whose streams are to be given events, and streams that are due, of whomever.
    "with recursive first as ( (select signal.org_id, signal.position from signals signal",
    "update event_streams stream set leased_until = $2 from",
    // Deliver: webhooks that are due, of whomever.
    "update webhooks hook set leased_until = $2 from",
    // Watch: what happens in all organizations, for a webhook of the operator's.
    "select count(*) as \"looked!\", max(span.place) as last from (select place from event_positions where place > $1",
    "select place.place as at, event.org_id, event.occurred_at",
    "select coalesce( (select min(place) - 1 from event_positions where occurred_at >= $1)",
    // Clean: what has expired, of whomever.
    "delete from api_keys lapsed",
    "delete from webhook_deliveries lapsed",
    "select kept.org_id, kept.client_id from client_documents kept",
    "delete from client_documents unused",
    "delete from client_directory unused",
    "delete from clients unused",
    "delete from authorization_requests lapsed",
    "delete from authorization_codes lapsed",
    "delete from device_requests lapsed",
    "delete from grants lapsed",
    "delete from idempotency_keys lapsed",
    "delete from invitations lapsed",
    "delete from join_requests lapsed",
    "delete from outbox lapsed",
    "delete from refresh_tokens lapsed",
    "delete from sessions lapsed",
    "delete from sign_in_throttles lapsed",
    "delete from consumed_assertions lapsed",
    "delete from consumed_ids lapsed",
    "delete from pushed_requests lapsed",
    "delete from revoked_tokens lapsed",
    "delete from sign_in_days lapsed",
    "delete from sign_in_traces lapsed",
    "delete from upstream_requests lapsed",
    // Refresh: domains that are due, of whomever.
    "update domains schedule set due_at = $2 from",
    // Refresh: all organizations, when the master key changes.
    "select org_id from organizations where $1::uuid is null or org_id > $1",
    // Observe: how much waits to be done.
    "select 'mails' as \"work!\", count(*)",
    // Operate: which organizations there are.
    "select org_id, slug, name, status, external_id, erase_after, parent_id, created_at, updated_at from organizations",
    // Operate: what those above an organization are called.
    "select org_id, slug, name, status from organizations where org_id = any($1)",
    // Operate: who lets an organization above act in them.
    "select organization.org_id, organization.slug, organization.name, delegation.allowed",
    // Refresh: deleted organizations whose time to be restored is over.
    "select org_id from organizations where status = 'deleted' and erase_after <= $1",
    // Refresh: signing keys that are due, of whomever.
    "update key_rings schedule set due_at = $2 from",
    // Refresh: connections that are due, of whomever; and how many have a certificate that expires.
    "update connection_refreshes schedule set due_at = $2 from",
    "select count(*) as \"count!\" from connection_refreshes where noticed_days <= $1",
];

#[tokio::test]
async fn every_query_says_org_id_of_every_table_it_names() {
    let database = Database::fresh().await;
    let (tables, views) =
        (rows::isolated_tables(database.superuser()).await, rows::views(database.superuser()).await);
    let isolated = tables.into_iter().chain(views).collect();
    let queries = checked_queries();

    let loose: Vec<_> = queries.iter().filter(|query| !loose_ends(query, &isolated).is_empty()).collect();
    let undeclared: Vec<_> =
        loose.iter().filter(|query| !CROSSING.iter().any(|known| query.starts_with(known))).collect();
    let unneeded: Vec<_> =
        CROSSING.iter().filter(|known| !loose.iter().any(|query| query.starts_with(**known))).collect();

    assert!(undeclared.is_empty(), "{undeclared:#?}");
    assert!(unneeded.is_empty(), "these do not cross organizations any more: {unneeded:#?}");
    assert!(queries.len() > 50, "the queries were not found");
}

/// Or the next on the connection would have them.
#[test]
fn a_role_and_an_organization_are_taken_for_one_transaction() {
    let sources = sources();
    let lines = sources.iter().flat_map(|(_, text)| text.lines());
    let taking: Vec<_> = lines.filter(|line| line.contains("\"begin;")).collect();

    for opening in &taking {
        assert_eq!(opening.matches("set_config(").count(), 2, "role and organization: {opening}");
        assert_eq!(opening.matches(", true)").count(), 2, "{opening}");
    }
    assert_eq!(taking.len(), 1, "every transaction begins alike: {taking:?}");
    // sqlx's own would leave an open transaction behind (issue 4385), or end the outer one.
    assert!(!sources.iter().any(|(_, text)| text.contains(".begin()") || text.contains(".begin_with(")));
    assert!(!checked_queries().iter().any(|query| query.contains("set_config(")));
}

/// What the compiler does not check, `.sqlx` does not list.
#[test]
fn no_query_is_left_unchecked_where_it_could_touch_an_organization() {
    let is_unchecked = |line: &str| {
        let forms = ["raw_sql(", "QueryBuilder", "AssertSqlSafe", ".execute(\""];
        let is_function = |rest: &str| {
            !rest
                .trim_start_matches(|letter: char| letter.is_ascii_lowercase() || letter == '_')
                .starts_with('!')
        };
        line.split("sqlx::query").skip(1).any(is_function) || forms.iter().any(|form| line.contains(form))
    };

    let mut found = Vec::new();
    for (file, text) in sources() {
        found.extend(
            text.lines().filter(|line| is_unchecked(line)).map(|line| format!("{file}: {}", line.trim())),
        );
    }

    insta::assert_snapshot!(found.join("\n"), @r#"
    pool.rs: let exists = sqlx::query_scalar::<_, Option<String>>("select to_regclass('_sqlx_migrations')::text");
    pool.rs: sqlx::query_scalar::<_, Option<i64>>("select max(version) from _sqlx_migrations where success");
    pool.rs: let sign = sqlx::query_scalar::<_, i32>("select 1");
    transaction.rs: use sqlx::{AssertSqlSafe, PgConnection};
    transaction.rs: sqlx::raw_sql(AssertSqlSafe(opening)).execute(&mut *transaction).await?;
    transaction.rs: sqlx::raw_sql("set constraints all immediate; commit").execute(&mut *self).await?;
    transaction.rs: let rollback = sqlx::raw_sql("rollback").execute(&mut *connection);
    "#);
}

fn storage() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates/storage")
}

/// The texts of the checked queries, each on one line.
fn checked_queries() -> Vec<String> {
    let files = fs::read_dir(storage().join(".sqlx")).expect("the offline data");
    let text = |path: PathBuf| {
        let json = fs::read(path).expect("a query");
        let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        json["query"].as_str().expect("its text").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    files.map(|file| text(file.expect("a file").path())).collect()
}

/// The storage crate, file by file.
pub(super) fn sources() -> Vec<(String, String)> {
    let mut sources = Vec::new();
    let mut folders = vec![storage().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(storage().join("src")).expect("below it").display().to_string();
            sources.push((name, fs::read_to_string(&path).expect("a source")));
        }
    }
    sources.sort();
    sources
}
