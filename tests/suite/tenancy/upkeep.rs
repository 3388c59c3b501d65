//! The database looked after by its owner, who is no superuser: migrating, making room, deleting what has expired.

use chrono::{Duration, Months};
use orgate_domain::audit::{Action, Event};
use orgate_domain::connections::ConnectionSettings;
use orgate_domain::ids::{EventId, WebhookId};
use orgate_storage::system::{Cleaned, Outdated};
use orgate_storage::{
    Attempt, DeliveryKey, DeliveryStatus, EventPlace, KeyRoom, NewApiKey, NewWebhook, PoolSettings, Refresh,
    Store, WebhookScope, WebhookTerms,
};
use orgate_tests::database::Database;
use orgate_tests::fixture::{self, Everything, Fixture, Org, api_key, hash, now, uuid};
use sqlx::{AssertSqlSafe, PgPool};
use url::Url;

use super::rows;

async fn run(superuser: &PgPool, statements: String) {
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(superuser).await.expect("a superuser may");
}

#[tokio::test]
async fn an_owner_who_may_make_roles_and_no_more_migrates_and_serves() {
    let database = Database::fresh().await;
    let behind = database.superuser();
    let owner = format!("owner_{}", uuid().simple());
    let version = "select current_setting('server_version_num')::integer";
    let version: i32 = sqlx::query_scalar(version).fetch_one(behind).await.expect("a version");
    // What a role's maker is given: since 16 it may hand the role out, and not take it.
    let as_maker = if version < 160_000 { "" } else { "with admin true, inherit false, set false" };
    let all = "orgate_app, orgate_resolve, orgate_discover, orgate_choose, orgate_inherit, orgate_deliver, orgate_clean, \
               orgate_refresh, orgate_transfer, orgate_journal, orgate_operate, orgate_arrange, orgate_erase, \
               orgate_sequence, orgate_watch, orgate_tally";
    let unmigrated = format!(
        "create role {owner} login createrole password '{owner}'; grant {all} to {owner} {as_maker};
         drop schema public cascade; create schema public authorization {owner}"
    );
    run(behind, unmigrated).await;
    let store = connect_as(&owner, &database);

    store.migrate().await.expect("the owner may");
    let acme = Org::found(&store, "acme").await;
    acme.everything().await;
    let found = acme.begin().await.organization().find().await.expect("an answer");

    assert!(found.is_some() && store.is_migrated().await.expect("an answer"));
    store.close().await;
    run(behind, format!("drop owned by {owner} cascade; drop role {owner}")).await;
}

/// The role's name is its password, where one is asked for.
fn connect_as(role: &str, database: &Database) -> Store {
    let mut url = Url::parse(database.url()).expect("a URL");
    let others: Vec<_> = url.query_pairs().into_owned().filter(|(name, _)| name != "options").collect();
    url.query_pairs_mut().clear().extend_pairs(others);
    url.set_username(role).and_then(|()| url.set_password(Some(role))).expect("a URL with a host");
    let second = std::time::Duration::from_secs(1);
    let settings = PoolSettings {
        url: url.into(),
        max_connections: 2,
        acquire_timeout: 30 * second,
        statement_timeout: 30 * second,
    };
    Store::connect(&settings).expect("a URL")
}

/// A job that did not run for months leaves events in the default partition.
#[tokio::test]
async fn an_event_that_was_early_for_its_month_moves_there() {
    let fixture = Fixture::new().await;
    let behind = fixture.database.superuser();
    let month = now() + Months::new(2);
    let partition = format!("audit_events_{}", month.format("%Y%m"));
    run(behind, format!("drop table {partition}")).await;
    let mut tx = fixture.acme.begin().await;
    let event = Event { occurred_at: month, ..fixture::event(Action::SignInSucceeded) };
    tx.audit().insert(&event).await.expect("an event");
    tx.commit().await.expect("a commit");
    let place = "select tableoid::regclass::text from audit_events where id = $1";
    let place = async || {
        let place = sqlx::query_scalar::<_, String>(place).bind(event.id.as_uuid()).fetch_one(behind);
        place.await.expect("an event")
    };
    assert_eq!(place().await, "audit_events_default");

    fixture.store.ensure_audit_partitions().await.expect("room for it");

    assert_eq!(place().await, partition);
    let violations = super::catalog::violations(&mut behind.acquire().await.expect("a connection")).await;
    assert_eq!(violations, [] as [&str; 0]);
}

#[tokio::test]
async fn what_has_expired_is_deleted_and_nothing_else() {
    let fixture = Fixture::new().await;
    let behind = fixture.database.superuser();
    let tables = rows::isolated_tables(behind).await;
    let made = fixture.acme.everything().await;
    fixture.acme.federated(&made).await;
    deliver(&fixture.acme).await;
    keep_key(&fixture.acme, &made).await;
    count_sign_ins(behind, &fixture.acme).await;
    let before = rows::hashes(behind, &tables, fixture.acme.id().as_uuid()).await;

    let until = |at| Outdated { expired_before: at, ended_before: at };

    let nothing = fixture.store.clean(until(now() - Duration::minutes(30)), 100).await.expect("cleaned");
    let after = rows::hashes(behind, &tables, fixture.acme.id().as_uuid()).await;
    let cleaned = fixture.store.clean(until(now() + Duration::days(365)), 100).await.expect("cleaned");

    assert_eq!((nothing, after), (Cleaned::default(), before));
    // The message has not been delivered yet. A request waits; two were answered with the session.
    let all = Cleaned {
        upstream_requests: 1,
        assertions: 1,
        traces: 1,
        revocations: 1,
        consumed: 1,
        pushed: 1,
        devices: 1,
        documents: 0, // the client that the document is of was registered
        requests: 3,
        codes: 2,
        refresh_tokens: 1,
        grants: 1,
        sessions: 1,
        messages: 0,
        throttles: 1,
        idempotency_keys: 1,
        webhook_deliveries: 1, // another one waits
        invitations: 1,
        join_requests: 1,
        api_keys: 1,
        sign_in_days: 1, // of the other one, somebody can still ask
    };
    assert_eq!(cleaned, all);
    let mut tx = fixture.acme.begin().await;
    let challenge = tx.discovery_challenges().take_try(made.request.id, now()).await.expect("an answer");
    assert!(challenge.is_none(), "it goes with its request");
    assert!(tx.users().find_by_email(&made.user.email).await.expect("an answer").is_some());
}

/// Sign-ins of today, and of a day that will be long ago.
async fn count_sign_ins(behind: &PgPool, org: &Org) {
    let count = format!(
        "insert into sign_in_days (org_id, day, outcome, method, number)
         select '{}', (now() at time zone 'UTC')::date - ago, 'success', 'password', 1 from unnest(array[0, 100]) ago",
        org.id().as_uuid()
    );
    run(behind, count).await;
}

/// A key that lapses.
async fn keep_key(org: &Org, made: &Everything) {
    let (key, secret) = (api_key(made), hash());
    let new = NewApiKey { key: &key, secret, session: Some(made.signed_in.session.id) };
    let mut tx = org.begin().await;
    assert!(tx.api_keys().insert(&new, KeyRoom { all: 1, of_maker: 1 }).await.expect("kept"));
    tx.commit().await.expect("a commit");
}

/// One event was delivered to a webhook, and one is tried again.
async fn deliver(org: &Org) {
    let (id, at) = (WebhookId::from_uuid(uuid()), now());
    let terms = &WebhookTerms { url: "https://acme.test/".to_owned(), description: None, events: None };
    let new =
        NewWebhook { id, scope: WebhookScope::Organization, terms, secret: b"sealed", last_position: 0 };
    let mut tx = org.begin().await;
    assert!(tx.webhooks().insert(&new, (10, at)).await.expect("a webhook"));
    for status in [DeliveryStatus::Delivered, DeliveryStatus::Waiting] {
        let place = EventPlace { at, id: EventId::from_uuid(uuid()) };
        let key = DeliveryKey { org_id: org.id(), place };
        let next_try_at = (status == DeliveryStatus::Waiting).then_some(at);
        let attempt = Attempt { key, status, attempts: 1, http_status: None, failure: None, at, next_try_at };
        tx.webhook_deliveries().upsert(id, &attempt).await.expect("kept");
    }
    tx.commit().await.expect("a commit");
}

#[tokio::test]
async fn what_was_proposed_meanwhile_goes_on_waiting() {
    let fixture = Fixture::new().await;
    let made = fixture.acme.everything().await;
    let federated = fixture.acme.federated(&made).await;
    let (id, seen) = (federated.connection.id, federated.settings);
    let newer = ConnectionSettings { trusts_addresses: !seen.trusts_addresses, ..seen.clone() };
    let mut tx = fixture.acme.begin().await;
    let refresh = tx.refreshes().find(id).await.expect("an answer").expect("a schedule");
    tx.refreshes().save(id, &Refresh { proposed: Some(newer.clone()), ..refresh }).await.expect("a proposal");

    tx.refreshes().settle(id, &seen).await.expect("settled");
    let other = tx.refreshes().find(id).await.expect("an answer").and_then(|refresh| refresh.proposed);
    tx.refreshes().settle(id, &newer).await.expect("settled");
    let same = tx.refreshes().find(id).await.expect("an answer").and_then(|refresh| refresh.proposed);

    assert_eq!((other, same), (Some(newer), None));
}

/// What has lapsed is nobody's way in, and nobody is told that it ended: there may be any number of it.
#[tokio::test]
async fn a_session_that_lapsed_with_all_that_was_granted_in_it_is_not_ended_again() {
    let fixture = Fixture::new().await;
    fixture.acme.everything().await;
    let open = async || {
        let found = fixture.acme.begin().await.sessions().list_without_sso(now()).await;
        found.expect("an answer").len()
    };
    let behind = fixture.database.superuser();

    let before = open().await;
    run(behind, "update sessions set expires_at = now() - interval '1 hour'".to_owned()).await;
    let granted = open().await;
    run(behind, "update grants set expires_at = now() - interval '1 hour'".to_owned()).await;

    assert!(before >= granted && granted > 0, "what was granted goes on: {before}, {granted}");
    assert_eq!(open().await, 0);
}
