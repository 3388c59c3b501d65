//! The catalog walk: rules that every table, index, view, function and role keeps.

use insta::assert_snapshot;
use orgate_tests::database::Database;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// What breaks a rule on purpose.
const DELIBERATE: &[&str] = &[
    // A person is nothing but the link between users of several organizations: it belongs to none. Organizations
    // can make one and read none.
    "persons: no column org_id uuid not null default current_org_id()",
    "persons: the policy found admits organizations to more",
    "persons: the policy org_isolation is missing, or another",
    "persons: the primary key does not begin with org_id",
    "person_links: (person_id) refers to persons (id)",
    // Resolver tables: a name leads to one organization, and once used to no other, ever.
    "client_directory: the primary key does not begin with org_id",
    "organization_slugs: the primary key does not begin with org_id",
    "verified_domains: the primary key does not begin with org_id",
    // There is one operator organization, and everybody may know.
    "organizations: the unique index organizations_operator_key does not begin with org_id",
    // A client is used in organizations that do not own it, once it is admitted.
    "client_directory: the policy admit admits organizations to more",
    "authorization_codes: (client_org_id, client_id) refers to client_directory (org_id, id)",
    "authorization_requests: (client_org_id, client_id) refers to client_directory (org_id, id)",
    "client_access: (client_org_id, client_id) refers to client_directory (org_id, id)",
    "grants: (client_org_id, client_id) refers to client_directory (org_id, id)",
    // The tree of organizations.
    "organization_ancestors: (ancestor_id) refers to organizations (org_id)",
    "organizations: (parent_id) refers to organizations (org_id)",
    // Makes a table, which no role may. It takes a date and touches no row.
    "ensure_audit_partition(date): runs as its owner",
];

/// Whatever breaks a rule, and is not deliberate; and what is called deliberate, and breaks none.
async fn violations(conn: &mut PgConnection) -> Vec<String> {
    let found = sqlx::query_scalar::<_, String>(include_str!("catalog.sql")).fetch_all(conn).await;
    let found = found.expect("the catalog");
    let unneeded = DELIBERATE.iter().filter(|line| !found.iter().any(|found| found == *line));
    let unneeded = unneeded.map(|line| format!("not needed any more: {line}"));
    found.iter().filter(|line| !DELIBERATE.contains(&line.as_str())).cloned().chain(unneeded).collect()
}

#[tokio::test]
async fn every_table_keeps_its_organizations_apart() {
    let database = Database::fresh().await;
    let mut conn = database.superuser().acquire().await.expect("a connection");

    let violations = violations(&mut conn).await;

    assert_eq!(violations, [] as [&str; 0]);
}

#[tokio::test]
async fn whoever_breaks_a_rule_is_noticed() {
    let database = Database::fresh().await;
    let mut conn = database.superuser().acquire().await.expect("a connection");
    let breaches = [
        ("create table notes (id uuid primary key)", "notes: row-level security is not enabled"),
        ("alter table users disable row level security", "users: row-level security is not enabled"),
        ("alter table users no force row level security", "users: row-level security is not forced"),
        ("alter table audit_events_default no force row level security", "audit_events_default: row-level security is not forced"),
        ("drop policy org_isolation on groups", "groups: the policy org_isolation is missing, or another"),
        ("alter policy org_isolation on groups with check (true)", "groups: the policy org_isolation is missing, or another"),
        ("alter policy org_isolation on groups to public", "groups: the policy org_isolation is missing, or another"),
        ("create policy wide on groups to orgate_app using (true)", "groups: the policy wide admits organizations to more"),
        ("create policy wide on groups using (true)", "groups: the policy wide admits organizations to more"),
        ("drop policy admit on client_directory", "not needed any more: client_directory: the policy admit admits organizations to more"),
        ("alter table roles alter org_id drop default", "roles: no column org_id uuid not null default current_org_id()"),
        ("alter table policies drop constraint policies_pkey, alter org_id drop not null", "policies: no column org_id uuid not null default current_org_id()"),
        ("alter table outbox drop constraint outbox_pkey, add primary key (id, org_id)", "outbox: the primary key does not begin with org_id"),
        ("create unique index users_by_email on users (email_normalized, org_id)", "users: the unique index users_by_email does not begin with org_id"),
        ("create unique index users_by_name on users (lower(name))", "users: the unique index users_by_name does not begin with org_id"),
        ("alter table users add unique (id); alter table groups add foreign key (id) references users (id)", "groups: (id) refers to users (id)"),
        ("alter table users add unique (id, org_id); alter table groups add foreign key (org_id, id) references users (id, org_id)", "groups: (org_id, id) refers to users (id, org_id)"),
        ("create view members as select * from users", "members: a view that is not security_invoker"),
        ("create materialized view members as select * from users", "members: a relation that row-level security cannot protect"),
        ("create function all_users() returns bigint language sql security definer as 'select count(*) from users'", "all_users(): runs as its owner"),
        ("alter role orgate_app login", "orgate_app: the role can log in"),
        ("alter role orgate_app bypassrls", "orgate_app: the role is above row-level security"),
        ("alter role orgate_app createrole", "orgate_app: the role can make roles, databases or copies"),
        ("grant orgate_clean to orgate_app", "orgate_app: the role is a member of orgate_clean"),
        ("alter table users owner to orgate_app", "orgate_app: the role owns something"),
        ("grant create on schema public to orgate_app", "orgate_app: the role can make tables"),
        ("grant select on users to public", "users: everybody has the privilege to select"),
    ];

    for (breach, line) in breaches {
        let mut tx = conn.begin().await.expect("a transaction");
        sqlx::raw_sql(AssertSqlSafe(breach)).execute(&mut *tx).await.expect(breach);

        let violations = violations(&mut tx).await;

        assert!(violations.iter().any(|found| found == line), "after `{breach}` only {violations:#?}");
        tx.rollback().await.expect("a rollback");
    }
}
