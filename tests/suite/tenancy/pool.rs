//! A request that is dropped, wherever it is, leaves nothing behind for the next on its connection.
//!
//! sqlx (issue 4385) hands a connection back with an open transaction when a future is dropped inside `begin`.
//! The storage crate's own `Transaction` does not; with sqlx's, these tests fail.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use orgate_domain::audit::Action;
use orgate_domain::clients::ClientStatus;
use orgate_domain::ids::MessageId;
use orgate_storage::system::{ClientPlace, OrgHint};
use orgate_storage::{NewMessage, OrgTx, StorageError, Store};
use orgate_tests::fixture::{self, Fixture, Org, now, uuid};
use sqlx::{AssertSqlSafe, PgPool};

/// How many requests are dropped.
const DROPPED: usize = 400;

/// Polls the future at most so often, and drops it where it is then. Whether it was done before.
async fn poll_at_most<T>(polls: usize, future: impl Future<Output = T>) -> bool {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|context| {
        polled += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if polled == polls => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A request that changes something, with many places to be dropped at.
async fn change(store: &Store, org: &Org) -> Result<(), StorageError> {
    let mut tx = store.begin(&org.scope).await?;
    write(&mut tx).await?;
    tx.audit().insert(&fixture::event(Action::SignInSucceeded)).await?;
    tx.commit().await
}

async fn write(tx: &mut OrgTx) -> Result<(), StorageError> {
    let new = NewMessage {
        id: MessageId::from_uuid(uuid()),
        kind: "discovery_mail",
        payload: b"sealed",
        at: now(),
    };
    tx.outbox().insert(&new).await
}

/// What the pool's sessions are doing, once all have done what they were told.
async fn states(superuser: &PgPool) -> Vec<String> {
    let states = "select state from pg_stat_activity where datname = current_database() and application_name = 'orgate'";
    loop {
        let states: Vec<String> =
            sqlx::query_scalar(states).fetch_all(superuser).await.expect("the sessions");
        if !states.iter().any(|state| state == "active") {
            return states;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_request_dropped_anywhere_leaves_nothing_to_the_next() {
    let fixture = Fixture::new().await;
    let (acme, globex) = (&fixture.acme, &fixture.globex);
    let store = fixture.database.store_of(1);
    let behind = fixture.database.superuser();
    let (mut polls, mut furthest) = (0, 0);

    for _ in 0..DROPPED {
        polls += 1;
        furthest = furthest.max(polls);
        if poll_at_most(polls, change(&store, acme)).await {
            polls = 0;
        }

        // First outside of any transaction, as whoever asks whether the database is there; then in one.
        store.ping().await.expect("an answer");
        let states = states(behind).await;
        let mut tx = store.begin(&globex.scope).await.expect("a transaction");
        write(&mut tx).await.expect("a message");
        tx.commit().await.expect("a commit");

        assert!(states.iter().all(|state| state == "idle"), "dropped at {polls} of {furthest}: {states:?}");
    }

    // How many depends on how often an answer is there already when it is looked for.
    assert!(furthest > 2, "a change has places to be dropped at: {furthest}");
    let of = "select count(*) from outbox where org_id = $1";
    let kept: i64 =
        sqlx::query_scalar(of).bind(globex.id().as_uuid()).fetch_one(behind).await.expect("a count");
    assert_eq!(kept, i64::try_from(DROPPED).expect("a few"));
}

#[tokio::test]
async fn work_across_organizations_dropped_anywhere_shows_the_next_nothing() {
    let fixture = Fixture::new().await;
    let made = fixture.acme.everything().await;
    let store = fixture.database.store_of(1);
    let behind = fixture.database.superuser();
    let mut polls = 0;

    for _ in 0..DROPPED {
        polls += 1;
        if poll_at_most(polls, store.discover(std::slice::from_ref(&made.user.email_hash))).await {
            polls = 0;
        }

        store.ping().await.expect("an answer");
        let states = states(behind).await;
        let mut tx = store.begin(&fixture.globex.scope).await.expect("a transaction");
        let found = tx.users().find_by_email(&made.user.email).await.expect("an answer");

        assert!(states.iter().all(|state| state == "idle"), "dropped at {polls}: {states:?}");
        assert!(found.is_none());
    }
}

#[tokio::test]
async fn a_question_dropped_anywhere_is_answered_to_nobody_else() {
    let fixture = Fixture::new().await;
    let (acme, globex) = (fixture.acme.everything().await, fixture.globex.everything().await);
    let store = fixture.database.store_of(1);
    let behind = fixture.database.superuser();
    let connections = async || -> Vec<i32> {
        let pids = "select pid from pg_stat_activity
                    where datname = current_database() and application_name = 'orgate' order by pid";
        sqlx::query_scalar(pids).fetch_all(behind).await.expect("the sessions")
    };
    store.ping().await.expect("an answer");
    let (mut polls, before) = (0, connections().await);

    for _ in 0..DROPPED {
        polls += 1;
        if poll_at_most(polls, store.find_standing_grant(&fixture.acme.scope, acme.grant.id, "jti")).await {
            polls = 0;
        }

        let theirs = store.find_standing_grant(&fixture.globex.scope, globex.grant.id, "jti").await;
        let ours = store.find_standing_grant(&fixture.globex.scope, acme.grant.id, "jti").await;
        let states = states(behind).await;

        let theirs = theirs.expect("an answer").expect("it stands");
        assert_eq!(theirs.standing.session.org_id, fixture.globex.id());
        assert!(ours.expect("an answer").is_none(), "dropped at {polls}");
        assert!(states.iter().all(|state| state == "idle"), "dropped at {polls}: {states:?}");
    }

    let after = connections().await;
    let others = after.iter().filter(|pid| !before.contains(pid)).count();
    assert!(others <= 1, "whoever hangs up costs nobody a connection: {before:?} {after:?}");
}

/// They take an organization, or a role, where no transaction holds it: no other function does.
#[tokio::test]
async fn few_functions_of_the_database_take_an_organization_or_a_role() {
    let fixture = Fixture::new().await;
    let list = async |taking| -> Vec<String> {
        sqlx::query_scalar(taking).fetch_all(fixture.database.superuser()).await.expect("functions")
    };

    let organizations = list(
        "select proname::text from pg_proc
         where pronamespace = 'public'::regnamespace and prosrc like '%set_config%' order by 1",
    );
    let roles = list(
        "select concat(proname, ': ', array_to_string(proconfig, ', ')) from pg_proc
         where pronamespace = 'public'::regnamespace and array_to_string(proconfig, ' ') like '%role=%' order by 1",
    );

    assert_eq!(organizations.await, ["find_client_standing", "find_standing_grant"]);
    assert_eq!(
        roles.await,
        [
            "erase_some: role=orgate_erase",
            "erase_user: role=orgate_erase",
            "find_client_place: role=orgate_resolve",
            "find_client_standing: role=orgate_app",
            "find_delegated: role=orgate_operate",
            "find_standing_grant: role=orgate_app",
            "inherit_policies: role=orgate_inherit",
            "look_around: role=orgate_arrange",
            "move_organization: role=orgate_arrange",
            "resolve_client: role=orgate_resolve",
            "resolve_organization: role=orgate_resolve",
        ]
    );
}

/// The clause of the query alone: row-level security would hide that it is missing.
#[tokio::test]
async fn a_question_finds_nothing_of_another_organization_with_row_level_security_off() {
    let fixture = Fixture::new().await;
    let (acme, _) = (fixture.acme.everything().await, fixture.globex.everything().await);
    for table in [
        "grants",
        "sessions",
        "users",
        "organizations",
        "revoked_tokens",
        "client_roles",
        "roles",
        "role_permissions",
    ] {
        let statement = format!("alter table {table} disable row level security");
        let done = sqlx::query(AssertSqlSafe(statement)).execute(fixture.database.superuser()).await;
        done.expect("a superuser may");
    }
    let find = |scope| fixture.store.find_standing_grant(scope, acme.grant.id, "jti");
    let client = (fixture.acme.id(), acme.client.id);
    let held = async |scope| {
        let place = fixture.store.find_client_place(OrgHint::Id(scope), client).await.expect("an answer");
        place.map(|ClientPlace { standing, .. }| (standing.org_id, standing.roles.len(), standing.client))
    };

    assert!(find(&fixture.acme.scope).await.expect("an answer").is_some());
    assert!(find(&fixture.globex.scope).await.expect("an answer").is_none());
    let (acme_id, globex_id) = (fixture.acme.id(), fixture.globex.id());
    assert_eq!(held(acme_id).await, Some((acme_id, 1, Some(ClientStatus::Active))));
    assert_eq!(held(globex_id).await, Some((globex_id, 0, None)));
}
