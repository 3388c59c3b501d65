//! `orgate export`: what is there as a file, which changes nothing where it was written and makes the same elsewhere.

use orgate_tests::app::{HOOK, PASSWORD, SECRET};
use orgate_tests::program::Ended;

use crate::command_line::Installation;

/// A file with everything in it.
const RICH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/export/rich.yaml");

/// One that it was applied to.
async fn rich() -> Installation {
    let installation = Installation::new().await;
    installation.done(&["migrate"]);
    installation.done(&["apply", "-f", RICH]);
    installation
}

#[tokio::test]
async fn what_is_exported_changes_nothing_there_and_makes_the_same_elsewhere() {
    let (here, elsewhere) = (rich().await, Installation::new().await);
    elsewhere.done(&["migrate"]);

    let exported = here.done(&["export", "--all", "--as", "yaml"]);
    here.directory.file("exported.yaml", &exported);
    elsewhere.directory.file("exported.yaml", &exported);
    let planned = here.done(&["apply", "-f", "exported.yaml", "--dry-run"]);
    let made = Ended::of(&mut elsewhere.command(&["apply", "-f", "exported.yaml"]));
    let exported_again = elsewhere.done(&["export", "--all", "--as", "yaml"]);
    let exported_here_again = here.done(&["export", "--all", "--as", "yaml"]);

    assert!(planned.starts_with("no changes\n"), "{planned}\n{exported}");
    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!(exported_again, exported);
    assert_eq!(exported_here_again, exported);
    assert!(exported.contains("slug: 'acme'") && exported.contains("日本"), "{exported}");
    assert!(
        exported.contains("external_id: '0042'") && exported.contains("external_id: 'CRM: 42'"),
        "{exported}"
    );
    let joining = "  joining:\n    domains: 'automatic'\n    others: 'request'\n    roles:\n";
    assert!(exported.contains(joining), "{exported}");
    for secret in [PASSWORD, SECRET, HOOK, "$argon2id$", "ogcs_", "whsec_"] {
        assert!(!exported.contains(secret), "{secret} in {exported}");
    }
    // What only the first server knows is told where it is missing.
    for missing in [
        "client notes of operator (its secret will be generated)",
        "connection okta of acme (active) (no client secret: nobody can sign in through it yet)",
        "user Ada@acme.test in acme (no password: cannot sign in yet)",
        "webhook https://hooks.acme.test/… of acme (its secret will be generated)",
    ] {
        assert!(made.stdout.contains(missing), "{missing}: {}", made.stdout);
    }
}

#[tokio::test]
async fn one_organization_is_exported_with_what_it_owns_and_nothing_of_another() {
    let here = rich().await;

    let exported = here.done(&["export", "--org", "acme"]);
    here.directory.file("acme.yaml", &exported);
    let planned = here.done(&["apply", "-f", "acme.yaml", "--dry-run"]);

    assert!(planned.starts_with("no changes\n"), "{planned}");
    assert!(
        exported.contains("client_id: 'acme-robot'") && exported.contains("parent: 'holding'"),
        "{exported}"
    );
    assert!(!exported.contains("slug: 'holding'") && !exported.contains("'notes'\n"), "{exported}");
    assert!(here.refused(&["export", "--org", "nobody"]).contains("there is no organization nobody"));
    assert_eq!(here.run(&["export"]).code, Some(2), "which one, it has to be told");
}

#[tokio::test]
async fn secrets_are_exported_as_variables_that_another_server_asks_for() {
    let (here, elsewhere) = (rich().await, Installation::new().await);
    elsewhere.done(&["migrate"]);

    let exported = here.done(&["export", "--all", "--secrets", "variables"]);
    elsewhere.directory.file("exported.yaml", &exported);
    let asked = elsewhere.run(&["apply", "-f", "exported.yaml"]);
    let mut given = elsewhere.command(&["apply", "-f", "exported.yaml"]);
    for name in ["NOTES_CLIENT_SECRET", "ACME_ROBOT_CLIENT_SECRET", "ACME_OKTA_CLIENT_SECRET"] {
        given.env(name, SECRET);
    }
    // Two webhooks on one host: they are numbered by their addresses.
    let hooks = ["ACME_HOOKS_ACME_TEST_WEBHOOK_SECRET", "ACME_HOOKS_ACME_TEST_WEBHOOK_SECRET_2"];
    for name in hooks {
        given.env(name, HOOK);
    }
    let given = Ended::of(&mut given);

    assert!(exported.contains("client_secret: '${ACME_OKTA_CLIENT_SECRET}'"), "{exported}");
    assert_eq!(asked.code, Some(1), "{asked:?}");
    let named = ["NOTES_CLIENT_SECRET", "ACME_ROBOT_CLIENT_SECRET", "ACME_OKTA_CLIENT_SECRET"];
    for name in named.into_iter().chain(hooks) {
        assert!(asked.stderr.contains(&format!("the variable {name} is not set")), "{asked:?}");
    }
    assert_eq!(given.code, Some(0), "{given:?}");
    assert!(!given.stdout.contains("will be generated"), "{given:?}");
}
