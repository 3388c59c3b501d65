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

/// An index is used only where its question leaves out the very same.
#[tokio::test]
async fn what_happens_by_itself_is_left_out_of_a_users_log_and_of_its_index() {
    let fixture = Fixture::new().await;
    let named = |text: &str| -> std::collections::BTreeSet<String> {
        text.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let by_itself = Action::BY_ITSELF.iter().map(|action| action.as_str().to_owned()).collect();

    let index: String = sqlx::query_scalar("select pg_get_indexdef('audit_events_by_user'::regclass)")
        .fetch_one(fixture.database.superuser())
        .await
        .expect("the index");
    let sources = super::queries::sources();
    let (_, source) = sources.iter().find(|(name, _)| name == "audit.rs").expect("the source");
    let (_, question) = source.split_once("fn list_of_user").expect("the question");
    let (_, question) = question.split_once("action not in (").expect("what it leaves out");

    assert_eq!(named(&index), by_itself, "{index}");
    assert_eq!(named(question.split(')').next().unwrap_or_default()), by_itself);
}
