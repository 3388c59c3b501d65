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
    "device_user_codes: the primary key does not begin with org_id",
    "organization_slugs: the primary key does not begin with org_id",
    "verified_domains: the primary key does not begin with org_id",
    // Nobody shares a domain that is another's alone: this is the key that says so.
    "verified_domains: the unique index verified_domains_exclusive_key does not begin with org_id",
    "shared_domains: (domain, exclusive) refers to verified_domains (domain, exclusive)",
    // A domain is handed to another organization, which has accepted.
    "domain_transfers: (successor_org_id) refers to organizations (org_id)",
    "verified_domains: (successor_org_id) refers to organizations (org_id)",
    // There is one operator organization, and everybody may know.
    "organizations: the unique index organizations_operator_key does not begin with org_id",
    // What an operator calls an organization is one organization's, and nobody else says it.
    "organizations: the unique index organizations_external_id_key does not begin with org_id",
    // A client is used in organizations that do not own it, once it is admitted.
    "client_directory: the policy admit admits organizations to more",
    "api_keys: (client_org_id, client_id) refers to client_directory (org_id, id)",
    "authorization_codes: (client_org_id, client_id) refers to client_directory (org_id, id)",
    "authorization_requests: (client_org_id, client_id) refers to client_directory (org_id, id)",
    "client_access: (client_org_id, client_id) refers to client_directory (org_id, id)",
    "client_roles: (client_org_id, client_id) refers to client_directory (org_id, id)",
    "consents: (client_org_id, client_id) refers to client_directory (org_id, id)",
    "event_streams: (client_org_id, client_id) refers to client_directory (org_id, id)",
    "grants: (client_org_id, client_id) refers to client_directory (org_id, id)",
    "invitations: (client_org_id, client_id) refers to client_directory (org_id, id)",
    "join_requests: (client_org_id, client_id) refers to client_directory (org_id, id)",
    // The tree of organizations.
    "organization_ancestors: (ancestor_id) refers to organizations (org_id)",
    "organizations: (parent_id) refers to organizations (org_id)",
    // What an event tells of may be gone; a code names the family that it is going to start; and who is expected, or in
    // which session a device is approved, is compared with who comes. The device is the client's owner's.
    "audit_events: client_id refers to something, but by no foreign key",
    "audit_events: client_org_id refers to something, but by no foreign key",
    "audit_events: session_id refers to something, but by no foreign key",
    "audit_events: user_id refers to something, but by no foreign key",
    "authorization_codes: grant_id refers to something, but by no foreign key",
    "authorization_requests: device_id refers to something, but by no foreign key",
    "authorization_requests: expected_user refers to something, but by no foreign key",
    "authorization_requests: session_id refers to something, but by no foreign key",
    // A device is its client's owner's, and is let in to any organization: where its code waits, and whose approval
    // issued it, is for the server to find it by.
    "device_requests: answered_by refers to something, but by no foreign key",
    "device_requests: answered_in refers to something, but by no foreign key",
    "device_requests: called refers to something, but by no foreign key",
    // Is whatever a request made, which may be gone.
    "idempotency_keys: made refers to something, but by no foreign key",
    // Is the organization whose issuer was called, and the row its client's owner's.
    "pushed_requests: called refers to something, but by no foreign key",
    // Up to whom something was told, whether or not there still is such a user.
    "signals: told_to refers to something, but by no foreign key",
    // Is written by the same statement as the event, which moves to another partition when one is made.
    "signals: audit_event refers to something, but by no foreign key",
    // Written once the event is committed, which moves to another partition when one is made; with a webhook of the
    // operator's that tells of all organizations, it is another one's.
    "event_positions: audit_event refers to something, but by no foreign key",
    "webhook_deliveries: audit_event refers to something, but by no foreign key",
    "webhook_deliveries: event_org refers to something, but by no foreign key",
    // Says up to where all that was written is in order, and nothing of anybody.
    "event_sequencer: no column org_id uuid not null default current_org_id()",
    "event_sequencer: the policy org_isolation is missing, or another",
    "event_sequencer: the primary key does not begin with org_id",
    // The same, of what was counted.
    "sign_in_tally: no column org_id uuid not null default current_org_id()",
    "sign_in_tally: the policy org_isolation is missing, or another",
    "sign_in_tally: the primary key does not begin with org_id",
    // Names of tables, and nothing of anybody; the role that erases reads it, and nobody else.
    "erased_tables: no column org_id uuid not null default current_org_id()",
    "erased_tables: the policy known admits organizations to more",
    "erased_tables: the policy org_isolation is missing, or another",
    "erased_tables: the primary key does not begin with org_id",
    // Makes a table, which no role may. It takes a date and touches no row.
    "ensure_audit_partition(date): runs as its owner",
];

/// What breaks a rule, and the line that says so.
const BREACHES: &[(&str, &str)] = &[
    ("create table notes (id uuid primary key)", "notes: row-level security is not enabled"),
    ("alter table users disable row level security", "users: row-level security is not enabled"),
    ("alter table users no force row level security", "users: row-level security is not forced"),
    (
        "alter table audit_events_default no force row level security",
        "audit_events_default: row-level security is not forced",
    ),
    ("drop policy org_isolation on groups", "groups: the policy org_isolation is missing, or another"),
    (
        "alter policy org_isolation on groups with check (true)",
        "groups: the policy org_isolation is missing, or another",
    ),
    (
        "alter policy org_isolation on groups to public",
        "groups: the policy org_isolation is missing, or another",
    ),
    (
        "create policy wide on groups to orgate_app using (true)",
        "groups: the policy wide admits organizations to more",
    ),
    ("create policy wide on groups using (true)", "groups: the policy wide admits organizations to more"),
    (
        "drop policy admit on client_directory",
        "not needed any more: client_directory: the policy admit admits organizations to more",
    ),
    (
        "alter table roles alter org_id drop default",
        "roles: no column org_id uuid not null default current_org_id()",
    ),
    (
        "alter table policies drop constraint policies_pkey, alter org_id drop not null",
        "policies: no column org_id uuid not null default current_org_id()",
    ),
    (
        "alter table outbox drop constraint outbox_pkey, add primary key (id, org_id)",
        "outbox: the primary key does not begin with org_id",
    ),
    ("alter table users alter org_id reset (n_distinct)", "users: the planner may take org_id for a key"),
    (
        "create unique index users_by_email on users (email_normalized, org_id)",
        "users: the unique index users_by_email does not begin with org_id",
    ),
    (
        "create unique index users_by_name on users (lower(name))",
        "users: the unique index users_by_name does not begin with org_id",
    ),
    (
        "alter table users add unique (id); alter table groups add foreign key (id) references users (id)",
        "groups: (id) refers to users (id)",
    ),
    (
        "alter table users add unique (id, org_id); alter table groups add foreign key (org_id, id) references users (id, org_id)",
        "groups: (org_id, id) refers to users (id, org_id)",
    ),
    ("create view members as select * from users", "members: a view that is not security_invoker"),
    ("alter table groups add owner_id uuid", "groups: owner_id refers to something, but by no foreign key"),
    (
        "create materialized view members as select * from users",
        "members: a relation that row-level security cannot protect",
    ),
    (
        "create function all_users() returns bigint language sql security definer as 'select count(*) from users'",
        "all_users(): runs as its owner",
    ),
    ("alter role orgate_app login", "orgate_app: the role can log in"),
    ("alter role orgate_app bypassrls", "orgate_app: the role is above row-level security"),
    ("alter role orgate_app createrole", "orgate_app: the role can make roles, databases or copies"),
    ("grant orgate_clean to orgate_app", "orgate_app: the role is a member of orgate_clean"),
    ("alter table users owner to orgate_app", "orgate_app: the role owns something"),
    ("grant create on schema public to orgate_app", "orgate_app: the role can make tables"),
    ("grant select on users to public", "users: everybody has the privilege to select"),
];

/// Whatever breaks a rule, and is not deliberate; and what is called deliberate, and breaks none.
pub(super) async fn violations(conn: &mut PgConnection) -> Vec<String> {
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

    for (breach, line) in BREACHES {
        let mut tx = conn.begin().await.expect("a transaction");
        sqlx::raw_sql(AssertSqlSafe(*breach)).execute(&mut *tx).await.expect(breach);

        let violations = violations(&mut tx).await;

        assert!(violations.iter().any(|found| found == line), "after `{breach}` only {violations:#?}");
        tx.rollback().await.expect("a rollback");
    }
}

/// What each role may do, a line for each relation.
pub(super) async fn privileges(database: &Database) -> Vec<String> {
    let lines = sqlx::query_scalar(include_str!("privileges.sql")).fetch_all(database.superuser()).await;
    lines.expect("the catalog")
}

/// A role that can do more than its one piece of work can be used for more.
#[tokio::test]
async fn each_role_may_do_this_and_nothing_else() {
    let database = Database::fresh().await;

    let mut lines = privileges(&database).await;
    // So uniform that `erasure.rs` says it as a rule.
    lines.retain(|line| !line.starts_with("orgate_erase: "));

    assert_snapshot!(lines.join("\n"), @"
    orgate_app: admitted_clients: select
    orgate_app: api_keys: insert, select, update
    orgate_app: audit_events: insert, select
    orgate_app: audit_writings: usage
    orgate_app: authorization_codes: insert, select, update
    orgate_app: authorization_requests: insert, select, update
    orgate_app: client_access: delete, insert, select
    orgate_app: client_directory: insert, select, update
    orgate_app: client_directory: rows: ((audience = 'all'::text) OR ((audience = 'granted'::text) AND (EXISTS ( SELECT FROM client_access access WHERE ((access.org_id = current_org_id()) AND (access.client_org_id = client_directory.org_id) AND (access.client_id = client_directory.id))))))
    orgate_app: client_documents: insert, select, update
    orgate_app: client_permissions: delete, insert, select
    orgate_app: client_registrations: delete, insert, select, update (removed_at)
    orgate_app: client_roles: delete, insert, select
    orgate_app: client_secrets: delete, insert, select, update (expires_at)
    orgate_app: clients: insert, select, update
    orgate_app: connection_domains: delete, insert, select
    orgate_app: connection_keys: delete, insert, select, update
    orgate_app: connection_pilots: delete, insert, select
    orgate_app: connection_refreshes: insert, select, update
    orgate_app: connection_users: select
    orgate_app: connection_versions: insert, select, update (activated_at)
    orgate_app: connections: insert, select, update
    orgate_app: consents: delete, insert, select, update
    orgate_app: consumed_assertions: insert, select
    orgate_app: consumed_ids: insert, select
    orgate_app: data_keys: delete, insert, select, update (wrapped_key)
    orgate_app: delegations: delete, insert, select, update
    orgate_app: device_requests: insert, select, update (status, answered_by, answered_in, interval_secs, polled_at)
    orgate_app: device_user_codes: delete, insert, select
    orgate_app: discovery_challenges: insert, select, update
    orgate_app: domain_transfers: delete, insert, select, update
    orgate_app: domains: delete, insert, select, update
    orgate_app: email_index: delete, insert, select
    orgate_app: erase_some(integer): execute
    orgate_app: erase_user(uuid): execute
    orgate_app: event_positions: select
    orgate_app: event_streams: delete, insert, select, update
    orgate_app: folded(text): execute
    orgate_app: grants: insert, select, update
    orgate_app: group_ancestors: delete, insert, select
    orgate_app: group_members: delete, insert, select
    orgate_app: group_parents: delete, insert, select
    orgate_app: group_roles: delete, insert, select
    orgate_app: groups: delete, insert, select, update
    orgate_app: idempotency_keys: delete, insert, select
    orgate_app: identity_links: delete, insert, select, update
    orgate_app: invitation_groups: insert, select
    orgate_app: invitation_roles: insert, select
    orgate_app: invitations: insert, select, update
    orgate_app: join_requests: delete, insert, select, update
    orgate_app: joining: insert, select, update
    orgate_app: joining_roles: delete, insert, select
    orgate_app: key_rings: insert, select, update
    orgate_app: listed_sessions: select
    orgate_app: mail_templates: delete, insert, select, update
    orgate_app: mapped_groups: delete, insert, select
    orgate_app: mapped_roles: delete, insert, select
    orgate_app: memberships: select
    orgate_app: open_sessions: select
    orgate_app: organization_ancestors: delete, insert, select
    orgate_app: organization_slugs: insert, select
    orgate_app: organizations: insert, select, update
    orgate_app: outbox: insert, select, update
    orgate_app: password_credentials: delete, insert, select, update
    orgate_app: permissions: delete, insert, select
    orgate_app: person_links: delete, insert, select
    orgate_app: persons: insert
    orgate_app: persons: rows: none
    orgate_app: policies: insert, select, update
    orgate_app: pushed_requests: insert, select
    orgate_app: quotas: delete, insert, select, update
    orgate_app: recovery_codes: delete, insert, select, update
    orgate_app: refresh_tokens: insert, select, update
    orgate_app: registration_tokens: insert, select, update
    orgate_app: revoked_tokens: insert, select
    orgate_app: role_assignments: delete, insert, select
    orgate_app: role_blueprints: delete, insert, select, update
    orgate_app: role_permissions: delete, insert, select
    orgate_app: roles: delete, insert, select, update
    orgate_app: roles_held: select
    orgate_app: schema public: usage
    orgate_app: session_standings: select
    orgate_app: sessions: insert, select, update
    orgate_app: setup_links: insert, select, update
    orgate_app: shared_domains: delete, insert, select, update
    orgate_app: sign_in_days: select
    orgate_app: sign_in_throttles: delete, insert, select, update
    orgate_app: sign_in_traces: insert, select
    orgate_app: signals: delete, insert, select, update (told_to)
    orgate_app: signing_keys: insert, select, update
    orgate_app: sought_word(text): execute
    orgate_app: standing_api_keys: select
    orgate_app: standing_grants: select
    orgate_app: standings: select
    orgate_app: stream_events: delete, insert, select
    orgate_app: stream_exclusions: delete, insert, select
    orgate_app: upstream_requests: insert, select, update
    orgate_app: upstream_sessions: delete, insert, select, update
    orgate_app: user_activity: insert, select, update
    orgate_app: user_words: delete, insert, select
    orgate_app: users: insert, select, update
    orgate_app: verified_domains: insert, select, update
    orgate_app: webhook_deliveries: insert, select, update
    orgate_app: webhooks: delete, insert, select, update
    orgate_app: words_of(text,text): execute
    orgate_arrange: organization_ancestors: delete, insert, select
    orgate_arrange: organization_ancestors: rows: true
    orgate_arrange: organizations: select (org_id, status, parent_id), update (parent_id, updated_at)
    orgate_arrange: organizations: rows: true
    orgate_arrange: schema public: usage
    orgate_choose: organizations: select (org_id, slug, name, status, logo_url, primary_color)
    orgate_choose: organizations: rows: true
    orgate_choose: person_links: select (org_id, user_id, person_id)
    orgate_choose: person_links: rows: true
    orgate_choose: schema public: usage
    orgate_choose: sessions: select (org_id, id, user_id, token_hash, auth_time, amr, last_seen_at, expires_at, ended_at, method, connection_id)
    orgate_choose: sessions: rows: true
    orgate_choose: users: select (org_id, id, email, email_verified, name, status)
    orgate_choose: users: rows: true
    orgate_clean: api_keys: delete, select (org_id, id, expires_at, revoked_at)
    orgate_clean: api_keys: rows: true
    orgate_clean: authorization_codes: delete, select (org_id, code_hash, session_id, client_org_id, client_id, expires_at)
    orgate_clean: authorization_codes: rows: true
    orgate_clean: authorization_requests: delete, select (org_id, id, client_org_id, client_id, expires_at, consent_session_id)
    orgate_clean: authorization_requests: rows: true
    orgate_clean: client_access: select (client_org_id, client_id)
    orgate_clean: client_access: rows: true
    orgate_clean: client_directory: delete, select (org_id, id, status, party)
    orgate_clean: client_directory: rows: true
    orgate_clean: client_documents: delete, select (org_id, client_id, fetched_at)
    orgate_clean: client_documents: rows: true
    orgate_clean: client_roles: select (client_org_id, client_id)
    orgate_clean: client_roles: rows: true
    orgate_clean: clients: delete, select (org_id, id)
    orgate_clean: clients: rows: true
    orgate_clean: consents: select (client_org_id, client_id)
    orgate_clean: consents: rows: true
    orgate_clean: consumed_assertions: delete, select (org_id, connection_id, assertion_id, expires_at)
    orgate_clean: consumed_assertions: rows: true
    orgate_clean: consumed_ids: delete, select (org_id, kind, id_hash, expires_at)
    orgate_clean: consumed_ids: rows: true
    orgate_clean: device_requests: delete, select (org_id, id, client_id, expires_at)
    orgate_clean: device_requests: rows: true
    orgate_clean: ensure_audit_partition(date): execute
    orgate_clean: event_streams: select (client_org_id, client_id)
    orgate_clean: event_streams: rows: true
    orgate_clean: grants: delete, select (org_id, id, session_id, client_org_id, client_id, expires_at, revoked_at)
    orgate_clean: grants: rows: true
    orgate_clean: idempotency_keys: delete, select (org_id, key_hash, created_at)
    orgate_clean: idempotency_keys: rows: true
    orgate_clean: invitations: delete, select (org_id, id, expires_at, accepted_at, revoked_at)
    orgate_clean: invitations: rows: true
    orgate_clean: join_requests: delete, select (org_id, id, expires_at)
    orgate_clean: join_requests: rows: true
    orgate_clean: outbox: delete, select (org_id, id, delivered_at, failed_at)
    orgate_clean: outbox: rows: true
    orgate_clean: pushed_requests: delete, select (org_id, handle_hash, client_id, expires_at)
    orgate_clean: pushed_requests: rows: true
    orgate_clean: refresh_tokens: delete, select (org_id, token_hash, grant_id, expires_at)
    orgate_clean: refresh_tokens: rows: true
    orgate_clean: revoked_tokens: delete, select (org_id, jti, expires_at)
    orgate_clean: revoked_tokens: rows: true
    orgate_clean: schema public: usage
    orgate_clean: sessions: delete, select (org_id, id, expires_at, ended_at)
    orgate_clean: sessions: rows: true
    orgate_clean: sign_in_days: delete, select (org_id, day, outcome, method)
    orgate_clean: sign_in_days: rows: true
    orgate_clean: sign_in_throttles: delete, select (org_id, account, window_started_at)
    orgate_clean: sign_in_throttles: rows: true
    orgate_clean: sign_in_traces: delete, select (org_id, id, occurred_at)
    orgate_clean: sign_in_traces: rows: true
    orgate_clean: upstream_requests: delete, select (org_id, state_hash, expires_at)
    orgate_clean: upstream_requests: rows: true
    orgate_clean: webhook_deliveries: delete, select (org_id, webhook_id, audit_event, status, tried_at)
    orgate_clean: webhook_deliveries: rows: true
    orgate_deliver: event_streams: select (org_id, id, client_org_id, client_id, due_at, leased_until, endpoint_host), update (leased_until)
    orgate_deliver: event_streams: rows: true
    orgate_deliver: outbox: select (org_id, id, kind, available_at, attempts, delivered_at, failed_at), update (available_at, attempts)
    orgate_deliver: outbox: rows: true
    orgate_deliver: schema public: usage
    orgate_deliver: signals: select (org_id, position)
    orgate_deliver: signals: rows: true
    orgate_deliver: webhooks: select (org_id, id, host, status, due_at, leased_until), update (leased_until)
    orgate_deliver: webhooks: rows: true
    orgate_discover: email_index: select (org_id, email_hash)
    orgate_discover: email_index: rows: true
    orgate_discover: organizations: select (org_id, slug, name, status)
    orgate_discover: organizations: rows: true
    orgate_discover: schema public: usage
    orgate_inherit: organization_ancestors: select
    orgate_inherit: organization_ancestors: rows: true
    orgate_inherit: policies: select
    orgate_inherit: policies: rows: true
    orgate_inherit: schema public: usage
    orgate_journal: audit_events: insert
    orgate_journal: audit_events: rows: none
    orgate_journal: audit_writings: usage
    orgate_journal: schema public: usage
    orgate_observe: connection_refreshes: select (due_at)
    orgate_observe: connection_refreshes: rows: true
    orgate_observe: domains: select (due_at)
    orgate_observe: domains: rows: true
    orgate_observe: event_positions: select (place, occurred_at)
    orgate_observe: event_positions: rows: true
    orgate_observe: event_streams: select (due_at)
    orgate_observe: event_streams: rows: true
    orgate_observe: key_rings: select (due_at)
    orgate_observe: key_rings: rows: true
    orgate_observe: organizations: select (status, erase_after, erased_at)
    orgate_observe: organizations: rows: true
    orgate_observe: outbox: select (kind, created_at, delivered_at, failed_at)
    orgate_observe: outbox: rows: true
    orgate_observe: schema public: usage
    orgate_observe: sign_in_tally: select (place)
    orgate_observe: sign_in_tally: rows: true
    orgate_observe: webhooks: select (due_at)
    orgate_observe: webhooks: rows: true
    orgate_operate: delegations: select
    orgate_operate: delegations: rows: true
    orgate_operate: organizations: select (org_id, slug, name, status, parent_id, is_operator, created_at, updated_at, external_id, erase_after, erasing_since)
    orgate_operate: organizations: rows: true
    orgate_operate: schema public: usage
    orgate_refresh: connection_refreshes: select (org_id, connection_id, due_at, noticed_days), update (due_at)
    orgate_refresh: connection_refreshes: rows: true
    orgate_refresh: domains: select (org_id, id, due_at), update (due_at)
    orgate_refresh: domains: rows: true
    orgate_refresh: key_rings: select, update (due_at)
    orgate_refresh: key_rings: rows: true
    orgate_refresh: organizations: select (org_id, status, erase_after, erasing_since, erased_at)
    orgate_refresh: organizations: rows: true
    orgate_refresh: schema public: usage
    orgate_resolve: client_directory: select
    orgate_resolve: client_directory: rows: true
    orgate_resolve: device_user_codes: select
    orgate_resolve: device_user_codes: rows: true
    orgate_resolve: organization_slugs: select
    orgate_resolve: organization_slugs: rows: true
    orgate_resolve: organizations: select (org_id, slug, status, is_operator, erasing_since)
    orgate_resolve: organizations: rows: true
    orgate_resolve: schema public: usage
    orgate_resolve: shared_domains: select
    orgate_resolve: shared_domains: rows: true
    orgate_resolve: verified_domains: select
    orgate_resolve: verified_domains: rows: true
    orgate_sequence: audit_events: select (org_id, occurred_at, id, written_by, written_as)
    orgate_sequence: audit_events: rows: true
    orgate_sequence: event_positions: insert, select
    orgate_sequence: event_positions: rows: true
    orgate_sequence: event_sequencer: select, update (seen, last_place)
    orgate_sequence: event_sequencer: rows: true
    orgate_sequence: schema public: usage
    orgate_sequence: sequence_events(integer,timestamp with time zone): execute
    orgate_sequence: webhooks: select (org_id, id, scope, status, retry_at, due_at), update (due_at)
    orgate_sequence: webhooks: rows: true
    orgate_tally: audit_events: select (org_id, occurred_at, id, action, user_id, detail)
    orgate_tally: audit_events: rows: true
    orgate_tally: event_positions: select
    orgate_tally: event_positions: rows: true
    orgate_tally: organizations: select (org_id, erasing_since)
    orgate_tally: organizations: rows: true
    orgate_tally: schema public: usage
    orgate_tally: sign_in_days: insert, select, update (number)
    orgate_tally: sign_in_days: rows: true
    orgate_tally: sign_in_tally: select, update (place)
    orgate_tally: sign_in_tally: rows: true
    orgate_tally: tally_sign_ins(text[],text[],integer): execute
    orgate_tally: tally_sign_ins(text[],text[],text[],integer): execute
    orgate_tally: user_activity: select, update (signed_in_at, active_at)
    orgate_tally: user_activity: rows: true
    orgate_transfer: schema public: usage
    orgate_transfer: verified_domains: select (domain, org_id, active, successor_org_id), update (org_id, successor_org_id)
    orgate_transfer: verified_domains: rows: (successor_org_id IS NOT NULL)
    orgate_transfer: verified_domains: rows: true
    orgate_watch: audit_events: select (org_id, occurred_at, id, action, outcome, reason, actor_kind, actor_id, user_id, session_id, client_id, address, user_agent, request_id, detail)
    orgate_watch: audit_events: rows: true
    orgate_watch: event_positions: select
    orgate_watch: event_positions: rows: true
    orgate_watch: organizations: select (org_id, is_operator)
    orgate_watch: organizations: rows: true
    orgate_watch: schema public: usage
    orgate_watch: webhooks: select (org_id, id, scope)
    orgate_watch: webhooks: rows: true
    ");
}
