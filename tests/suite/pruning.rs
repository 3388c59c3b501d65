//! `orgate apply --prune`: what the files do not name goes, when whoever runs it has seen what that is.

use crate::command_line::Installation;

/// Acme with one of everything, and Globex.
const BEFORE: &str = "
organizations:
  - slug: acme
    name: Acme Inc
    ready_roles: false
    roles:
      - { slug: admin, permissions: [\"orgate:*\"] }
      - { slug: viewer, permissions: [\"notes:read\"] }
      - { slug: editor, permissions: [\"notes:write\"] }
    groups:
      - { slug: staff, roles: [viewer] }
      - { slug: sales, roles: [editor], parents: [staff] }
    users:
      - { email: ada@acme.test, name: Ada, roles: [admin] }
      - { email: vic@acme.test, name: Vic, roles: [viewer, editor], groups: [sales] }
      - { email: eve@acme.test, name: Eve, roles: [editor], groups: [staff] }
    connections:
      - slug: okta
        client_secret: a-secret
        settings: { provider: { oidc: { issuer: \"https://acme.okta.test\", client_id: orgate } } }
    webhooks: [{ url: \"https://hooks.acme.test/orgate\" }]
  - slug: globex
    name: Globex
    users: [{ email: gus@globex.test, name: Gus }]
clients:
  - { client_id: robot, organization: acme, name: Robot, type: machine, audience: owner, roles: [editor] }
  - { client_id: other, organization: globex, name: Other, type: machine, audience: owner }
";

/// What Acme is to be: no groups, connections or clients are listed with `more` empty.
fn acme(more: &str) -> String {
    format!(
        "organizations:
  - slug: acme
    name: Acme Inc
    roles: [{{ slug: admin }}, {{ slug: viewer }}]
    users: [{{ email: ada@acme.test, name: Ada, roles: [admin] }}, {{ email: eve@acme.test, name: Eve }}]
{more}"
    )
}

async fn installation() -> Installation {
    let installation = Installation::new().await;
    installation.done(&["migrate"]);
    installation.directory.file("before.yaml", BEFORE);
    installation.done(&["apply", "-f", "before.yaml"]);
    installation
}

#[tokio::test]
async fn what_the_files_do_not_name_goes_after_it_was_shown_and_agreed_to() {
    let installation = installation().await;
    let more = "    groups: []\n    connections: []\n    webhooks: []\nclients: []\n";
    installation.directory.file("after.yaml", &acme(more));
    let globex = installation.done(&["export", "--org", "globex"]);

    let never = installation.done(&["apply", "-f", "after.yaml"]);
    let shown = installation.done(&["apply", "-f", "after.yaml", "--prune", "--dry-run"]);
    let before = installation.done(&["export", "--org", "acme"]);
    let unasked = installation.run(&["apply", "-f", "after.yaml", "--prune"]);
    let untouched = installation.done(&["export", "--org", "acme"]);
    let done = installation.done(&["apply", "-f", "after.yaml", "--prune", "--yes"]);
    let after = installation.done(&["export", "--org", "acme"]);
    let again = installation.done(&["apply", "-f", "after.yaml", "--prune"]);

    assert!(never.starts_with("no changes\n"), "never by default: {never}");
    insta::assert_snapshot!(shown, @"
    - webhook https://hooks.acme.test/… of acme (not in the files: disabled)
    - connection okta of acme (disabled) (not in the files: disabled)
    - user vic@acme.test in acme (not in the files: deactivated, without roles and groups; ends their sessions)
    - group sales in acme (not in the files: removed)
    - group staff in acme (not in the files: removed)
    - role editor in acme (not in the files: removed)
    - client robot of acme (not in the files: disabled)
    = 5 unchanged
    Nothing was changed: this was a dry run.
    ");
    assert_eq!(unasked.code, Some(1), "{unasked:?}");
    assert!(unasked.stderr.contains("Take away the 7 things that the files do not name?"), "{unasked:?}");
    assert_eq!(untouched, before);
    assert!(shown.starts_with(&done), "{done}");
    for gone in ["editor", "staff", "sales", "state: 'active'"] {
        assert!(before.contains(gone) && !after.contains(gone), "{gone}: {after}");
    }
    assert!(after.contains("status: 'deactivated'") && after.contains("state: 'disabled'"), "{after}");
    assert!(after.contains("status: 'disabled'"), "the client: {after}");
    assert!(again.starts_with("no changes\n"), "{again}");
    assert_eq!(installation.done(&["export", "--org", "globex"]), globex, "nobody else's");
    let told = "select array_agg(distinct detail ->> 'change') from audit_events where reason in ('role_removed', 'group_removed')";
    let told: Vec<String> =
        sqlx::query_scalar(told).fetch_one(installation.database.superuser()).await.expect("read");
    assert_eq!(told, ["groups", "roles"], "of whom something was taken, the log says so");
}

#[tokio::test]
async fn only_what_the_files_list_is_pruned() {
    let installation = installation().await;
    installation.directory.file("after.yaml", "organizations: [{ slug: acme, name: Acme Inc }]\n");

    let said = installation.done(&["apply", "-f", "after.yaml", "--prune"]);

    assert!(said.starts_with("no changes\n"), "{said}");
}

#[tokio::test]
async fn the_last_owner_is_never_pruned() {
    let installation = installation().await;
    let without_users = "organizations: [{ slug: acme, name: Acme Inc, users: [] }]\n";
    let without_role = "organizations: [{ slug: acme, name: Acme Inc, roles: [{ slug: viewer }] }]\n";
    let demoted = "organizations: [{ slug: acme, name: Acme Inc, users: [{ email: ada@acme.test, name: Ada, roles: [viewer] }] }]\n";
    let replaced = "organizations: [{ slug: acme, name: Acme Inc, users: [{ email: eve@acme.test, name: Eve, roles: [admin] }] }]\n";
    let before = installation.done(&["export", "--org", "acme"]);

    for (name, file) in [("users", without_users), ("role", without_role), ("demoted", demoted)] {
        installation.directory.file("after.yaml", file);
        let refused = installation.refused(&["apply", "-f", "after.yaml", "--prune", "--yes"]);
        assert!(refused.contains("acme would be left without an owner"), "{name}: {refused}");
    }
    assert_eq!(installation.done(&["export", "--org", "acme"]), before);
    installation.directory.file("after.yaml", replaced);
    let said = installation.done(&["apply", "-f", "after.yaml", "--prune", "--yes"]);

    assert!(said.contains("- user ada@acme.test in acme (not in the files: deactivated"), "{said}");
}
