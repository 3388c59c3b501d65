//! `orgate invite`: one, or whoever a file lists.

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;

use super::Installation;

async fn counts(installation: &Installation) -> (i64, i64, i64) {
    let counts = "select (select count(distinct email_normalized) from invitations),
                         (select count(*) from outbox where kind = 'invitation'),
                         (select count(*) from audit_events where action = 'invitation.created')";
    sqlx::query_as(counts).fetch_one(installation.database.superuser()).await.expect("counted")
}

async fn ready() -> Installation {
    let installation = Installation::new().await;
    installation.done(&["migrate"]);
    installation.done(&["apply", "-f", "samples.yaml"]);
    installation
}

#[tokio::test]
async fn somebody_is_invited_and_a_file_is_reported_row_by_row() {
    let installation = ready().await;
    let people =
        "email,roles\none@many.test,viewer\nnobody,viewer\ntwo@many.test,no-such-role\nthree@many.test,\n";
    installation.directory.file("people.csv", people);

    let one = installation.done(&["invite", "--org", "acme", "ada@many.test", "--role", "viewer"]);
    let dry = installation.run(&["invite", "--org", "acme", "--file", "people.csv", "--dry-run"]);
    let atomic = installation.run(&["invite", "--org", "acme", "--file", "people.csv", "--atomic"]);
    let nothing = counts(&installation).await;
    let rows = installation.run(&["invite", "--org", "acme", "--file", "people.csv"]);

    assert!(one.contains("1 invited, 0 were users or invited before."), "{one}");
    assert_eq!((dry.code, atomic.code, rows.code), (Some(1), Some(1), Some(1)));
    assert!(dry.stdout.contains("2 would be invited"), "{dry:?}");
    assert!(atomic.stdout.contains("Nothing was done: all rows, or none."), "{atomic:?}");
    assert_eq!(nothing, (1, 1, 1));
    assert!(rows.stdout.contains("row 2 email: not an e-mail address"), "{rows:?}");
    assert!(rows.stdout.contains("row 3 roles/0: the organization has no role no-such-role"), "{rows:?}");
    assert!(rows.stdout.contains("2 invited"), "{rows:?}");
    assert!(rows.stderr.contains("2 of 4 rows are wrong"), "{rows:?}");
    assert_eq!(counts(&installation).await, (3, 3, 3));
    let unknown = installation.refused(&["invite", "--org", "acme", "--file", "none.csv"]);
    assert!(unknown.contains("none.csv"), "{unknown}");
}

/// Whenever it is killed, each invitation has its mail and its event; the same file again does the rest, and nothing twice.
#[tokio::test]
async fn an_import_that_is_killed_again_and_again_loses_nobody_and_doubles_nobody() {
    let installation = ready().await;
    let mut people = "email,roles\n".to_owned();
    for row in 0..3_000 {
        writeln!(people, "person{row}@many.test,viewer").expect("written");
    }
    installation.directory.file("people.csv", &people);
    let arguments = ["invite", "--org", "acme", "--file", "people.csv"];
    let mut seen = Vec::new();

    for round in 0..8_u64 {
        let mut command = installation.command(&arguments);
        let mut running = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started");
        tokio::time::sleep(Duration::from_millis(300 + 173 * round)).await;
        running.kill().expect("killed");
        running.wait().expect("ended");
        // What it was about to commit may still come about.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (invited, mails, events) = counts(&installation).await;
        assert_eq!((invited, invited), (mails, events), "round {round}");
        seen.push(invited);
    }
    let done = installation.done(&arguments);

    assert!(seen.is_sorted(), "{seen:?}");
    assert!(done.contains("were users or invited before."), "{done}");
    assert_eq!(counts(&installation).await, (3_000, 3_000, 3_000), "{seen:?}");
}
