//! What cannot be logged does not happen.

use chrono::Duration;
use orgate_domain::audit::Action;
use orgate_domain::ids::EventId;
use orgate_storage::{Rotation, StorageError};
use orgate_tests::fixture::{self, Fixture, hash, new_grant, now, uuid};

use super::rows;

#[tokio::test]
async fn a_change_that_cannot_be_logged_does_not_happen() {
    let fixture = Fixture::new().await;
    let (acme, behind) = (&fixture.acme, fixture.database.superuser());
    let made = acme.everything().await;
    let tables = rows::isolated_tables(behind).await;
    let before = rows::hashes(behind, &tables, acme.id().as_uuid()).await;
    let full = "create function refuse() returns trigger language plpgsql
                    as $$ begin raise exception 'the log is full'; end $$;
                create trigger refuse before insert on audit_events for each row execute function refuse()";
    sqlx::raw_sql(full).execute(behind).await.expect("a trigger");

    let mut commits = Vec::new();
    let mut tx = acme.begin().await;
    let (grant, event) = (new_grant(&made.code.code, hash()), fixture::event(Action::CodeRedeemed));
    let redeemed = tx.codes().redeem(&made.code.hash, &grant, &event).await;
    commits.push(tx.commit().await);

    let mut tx = acme.begin().await;
    let expires_at = now() + Duration::days(1);
    let rotation = Rotation { presented: made.grant.refresh_token, successor: hash(), expires_at };
    let rotated = tx.grants().rotate(&rotation, &fixture::event(Action::RefreshRotated)).await;
    commits.push(tx.commit().await);

    let mut tx = acme.begin().await;
    let session = [(made.signed_in.session.id, EventId::from_uuid(uuid()))];
    let ended = tx.sessions().end(&session, &fixture::event(Action::SessionEnded)).await;
    commits.push(tx.commit().await);

    for refused in [redeemed, rotated, ended.map(|count| count == 1)] {
        assert!(matches!(refused, Err(StorageError::Database(_))), "{refused:?}");
    }
    assert!(
        commits.iter().all(Result::is_err),
        "whoever forgets that a statement failed hears of it: {commits:?}"
    );
    assert_eq!(rows::hashes(behind, &tables, acme.id().as_uuid()).await, before);
}
