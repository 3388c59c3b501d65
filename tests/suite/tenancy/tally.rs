//! Sign-ins are counted once, by however many nodes, and whoever is changed meanwhile.

use std::cell::Cell;
use std::pin::Pin;
use std::time::{Duration, Instant};

use orgate_domain::audit::{Action, Event};
use orgate_domain::ids::UserId;
use orgate_domain::standing::UserStatus;
use orgate_storage::{OrgTx, StorageError, Store, Tallied};
use orgate_tests::fixture::{Fixture, Org, event, name, now};
use sqlx::PgPool;

use super::races::all;

const NODES: usize = 4;

/// What is done beside others.
type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// What a sign-in by password leaves in the log.
async fn sign_in(org: &Org, user: UserId) {
    let detail = vec![("method", "password".to_owned())];
    let mut tx = org.begin().await;
    tx.audit()
        .insert(&Event { user_id: Some(user), detail, ..event(Action::SignInSucceeded) })
        .await
        .expect("written");
    tx.commit().await.expect("a commit");
}

/// Counts as the job does, at most so many events at once.
async fn tally(store: &Store, most: i32) -> Result<bool, StorageError> {
    let tallied = Tallied {
        succeeded: &[Action::SignInSucceeded],
        refused: &[Action::SignInFailed],
        refused_of_providers: &[],
    };
    store.tally_sign_ins(&tallied, most).await
}

/// Puts what is committed in order.
async fn sequence(store: &Store) {
    while store.sequence_events(1_000, now()).await.expect("sequenced") >= 1_000 {}
}

/// Sign-ins by password that were counted in an organization.
async fn counted(superuser: &PgPool, org: &Org) -> i64 {
    let sum = "select coalesce(sum(number), 0)::bigint from sign_in_days
               where org_id = $1 and outcome = 'success' and method = 'password'";
    sqlx::query_scalar(sum).bind(org.id().as_uuid()).fetch_one(superuser).await.expect("a sum")
}

/// Whether it is known that a user signed in, and whether they may; nothing, once there is no such user.
async fn activity(superuser: &PgPool, user: UserId) -> Option<(bool, bool)> {
    sqlx::query_as(
        "select signed_in_at is not null, active_at is not null from user_activity where user_id = $1",
    )
    .bind(user.as_uuid())
    .fetch_optional(superuser)
    .await
    .expect("read")
}

/// Erases a user, or sees to it that they may not sign in any more.
async fn change(tx: &mut OrgTx, user: UserId, erases: bool) {
    if erases {
        assert!(tx.users().erase(user).await.expect("erased"));
    } else {
        let status = Some(UserStatus::Deactivated);
        tx.users().update(user, &name("Changed"), status, now()).await.expect("changed");
    }
}

#[tokio::test]
async fn nodes_that_count_at_once_while_people_sign_in_count_each_sign_in_once() {
    const EACH: usize = 40;
    let fixture = Fixture::new().await;
    let (acme, globex) = (&fixture.acme, &fixture.globex);
    let people = [
        (acme, acme.user("alice").await),
        (acme, acme.user("bob").await),
        (globex, globex.user("gus").await),
    ];
    let signing_in = Cell::new(people.len());
    let stores: Vec<_> = (0..NODES).map(|_| fixture.database.store_of(2)).collect();

    let signing = people.iter().map(|(org, user)| -> Task<'_> {
        Box::pin(async {
            for _ in 0..EACH {
                sign_in(org, user.id).await;
            }
            signing_in.set(signing_in.get() - 1);
        })
    });
    let counting = stores.iter().map(|store| -> Task<'_> {
        Box::pin(async {
            while signing_in.get() > 0 {
                sequence(store).await;
                tally(store, 3).await.expect("counted, or another node does");
            }
        })
    });
    all(signing.chain(counting)).await;
    let meanwhile = counted(fixture.database.superuser(), acme).await;
    sequence(&fixture.store).await;
    let last = stores.iter().map(async |store| while tally(store, 3).await.expect("counted") {});
    all(last).await;
    while tally(&fixture.store, 3).await.expect("counted") {}

    assert!(meanwhile > 0, "they counted meanwhile");
    let superuser = fixture.database.superuser();
    let each = i64::try_from(EACH).expect("few");
    assert_eq!((counted(superuser, acme).await, counted(superuser, globex).await), (2 * each, each));
    for (_, user) in &people {
        assert_eq!(activity(superuser, user.id).await, Some((true, true)));
    }
}

/// Whoever changes a user comes first: who counts waits for a moment, gives up, and counts later.
#[tokio::test]
async fn who_is_deactivated_or_erased_meanwhile_holds_up_the_count_and_nothing_is_lost_or_doubled() {
    for erases in [false, true] {
        let fixture = Fixture::new().await;
        let (acme, superuser) = (&fixture.acme, fixture.database.superuser());
        let (alice, bob) = (acme.user("alice").await.id, acme.user("bob").await.id);
        for user in [alice, bob, alice] {
            sign_in(acme, user).await;
        }
        sequence(&fixture.store).await;

        let mut tx = acme.begin().await;
        change(&mut tx, alice, erases).await;
        let begun = Instant::now();
        let held_up = tally(&fixture.store, 1_000).await;
        let waited = begun.elapsed();
        let meanwhile = (counted(superuser, acme).await, activity(superuser, bob).await);
        tx.commit().await.expect("nobody is held up by who counts");
        let more = tally(&fixture.store, 1_000).await;
        let again = tally(&fixture.store, 1_000).await;

        assert!(held_up.is_err(), "erases {erases}: {held_up:?}");
        assert!(waited < Duration::from_secs(5), "erases {erases}: {waited:?}");
        assert_eq!(meanwhile, (0, Some((false, true))), "erases {erases}: nothing by halves");
        assert_eq!((more.expect("counted"), again.expect("nothing is left")), (false, false));
        assert_eq!(counted(superuser, acme).await, 3, "erases {erases}");
        let of_alice = if erases { None } else { Some((true, false)) };
        assert_eq!(
            (activity(superuser, alice).await, activity(superuser, bob).await),
            (of_alice, Some((true, true)))
        );
    }
}

/// It waits for a moment: who is changed within that is counted as they are then.
#[tokio::test]
async fn who_is_counted_while_they_are_deactivated_or_erased_is_counted_as_they_are_after_that() {
    for erases in [false, true] {
        let fixture = Fixture::new().await;
        let (acme, superuser) = (&fixture.acme, fixture.database.superuser());
        let (alice, bob) = (acme.user("alice").await.id, acme.user("bob").await.id);
        for user in [alice, bob] {
            sign_in(acme, user).await;
        }
        sequence(&fixture.store).await;

        let mut tx = acme.begin().await;
        change(&mut tx, alice, erases).await;
        let mut counting = Box::pin(tally(&fixture.store, 1_000));
        let early = tokio::time::timeout(Duration::from_millis(50), &mut counting).await;
        tx.commit().await.expect("a commit");
        let _ = counting.await; // it may have given up: this machine may be slow
        while tally(&fixture.store, 1_000).await.expect("counted") {}

        assert!(early.is_err(), "erases {erases}: it waits");
        assert_eq!(counted(superuser, acme).await, 2, "erases {erases}");
        let of_alice = if erases { None } else { Some((true, false)) };
        let found = (activity(superuser, alice).await, activity(superuser, bob).await);
        assert_eq!(found, (of_alice, Some((true, true))), "erases {erases}");
    }
}
