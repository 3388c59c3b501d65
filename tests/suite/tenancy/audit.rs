//! What cannot be logged does not happen; what can is kept.

use chrono::{Duration, Months};
use orgate_domain::audit::{Action, Event};
use orgate_domain::ids::SessionId;
use orgate_storage::{Rotation, StorageError};
use orgate_tests::fixture::{self, Fixture, hash, new_grant, now};
use sqlx::{AssertSqlSafe, PgPool};

use super::rows;

/// From now on the log of this database takes no event.
async fn close_log(superuser: &PgPool) {
    let statements = "create function refuse() returns trigger language plpgsql
                          as $$ begin raise exception 'the log is full'; end $$;
                      create trigger refuse before insert on audit_events for each row execute function refuse()";
    sqlx::raw_sql(statements).execute(superuser).await.expect("a trigger");
}

#[tokio::test]
async fn a_change_that_cannot_be_logged_does_not_happen() {
    let fixture = Fixture::new().await;
    let made = fixture.acme.everything().await;
    let behind = fixture.database.superuser();
    let before = rows::hashes(behind, fixture.acme.id().as_uuid()).await;
    close_log(behind).await;

    let mut tx = fixture.acme.begin().await;
    let grant = new_grant(&made.code.code, hash());
    let redeemed = tx.codes().redeem(&made.code.hash, &grant, &fixture::event(Action::CodeRedeemed)).await;
    let redeemed = (redeemed, tx.commit().await);

    let mut tx = fixture.acme.begin().await;
    let rotation =
        Rotation { presented: made.grant.refresh_token, successor: hash(), expires_at: now() + Duration::days(1) };
    let rotated = tx.grants().rotate(&rotation, &fixture::event(Action::RefreshRotated)).await;
    let rotated = (rotated, tx.commit().await);

    // Even whoever does not look at the answer cannot commit what came before.
    let mut tx = fixture.acme.begin().await;
    let ended = tx.sessions().end(made.signed_in.session.id, now()).await;
    let logged = tx.audit().insert(&fixture::event(Action::SessionEnded)).await;
    let ended = (ended, logged, tx.commit().await);

    assert!(matches!(redeemed, (Err(StorageError::Database(_)), _)), "{redeemed:?}");
    assert!(matches!(rotated, (Err(StorageError::Database(_)), _)), "{rotated:?}");
    assert!(matches!(ended, (Ok(true), Err(StorageError::Database(_)), _)), "{ended:?}");
    assert_eq!(rows::hashes(behind, fixture.acme.id().as_uuid()).await, before);
}
