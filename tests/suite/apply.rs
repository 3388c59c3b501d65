//! `orgate apply`: files in, the wanted state out, and nothing in between.

mod connections;

use orgate_domain::permissions::READY_ROLES;
use orgate_flows::apply::{self, Applied, ApplyError, Plan, Wanted};
use orgate_server::apply_file;
use orgate_tests::app::{App, PASSWORD, SAMPLES, SECRET};

fn wanted(yaml: &str) -> Wanted {
    let lookup = |name: &str| match name {
        "PASSWORD" => Some(PASSWORD.to_owned()),
        "SECRET" => Some(SECRET.to_owned()),
        _ => None,
    };
    apply_file::load_str("test.yaml", yaml, &lookup).expect("the file is right")
}

async fn plan(app: &App, yaml: &str) -> Plan {
    apply::plan(&app.env, &wanted(yaml)).await.expect("planned")
}

async fn execute(app: &App, yaml: &str) -> Applied {
    let applied = apply::execute(&app.env, plan(app, yaml).await, |_| ()).await.expect("applied");
    app.env.configuration.forget(); // as the notice of it does, within a second
    applied
}

/// What a file is silent about stays as it is by then, also where something else is said of the same.
#[tokio::test]
async fn who_was_deactivated_and_what_was_suspended_since_it_was_planned_stays_so() {
    let app = App::start().await;
    let renamed =
        "organizations: [{ slug: acme, name: Acme Anew, users: [{ email: vic@acme.test, name: Victor }] }]";
    let planned = plan(&app, renamed).await;
    for change in [
        "update users set status = 'deactivated' where email = 'vic@acme.test'",
        "update organizations set status = 'suspended' where slug = 'acme'",
    ] {
        sqlx::query(change).execute(app.database.superuser()).await.expect("changed");
    }

    apply::execute(&app.env, planned, |_| ()).await.expect("applied");

    let now: (String, String, String, String) = sqlx::query_as(
        "select member.name, member.status, organization.name, organization.status from users member
         join organizations organization on organization.org_id = member.org_id where email = 'vic@acme.test'",
    )
    .fetch_one(app.database.superuser())
    .await
    .expect("a user");
    let as_it_was = ("Victor", "deactivated", "Acme Anew", "suspended");
    assert_eq!((&*now.0, &*now.1, &*now.2, &*now.3), as_it_was);
}

/// Between the plan and its execution there are passwords to hash, and other organizations.
#[tokio::test]
async fn what_was_switched_off_since_it_was_planned_stays_off() {
    let app = App::start().await;
    let renamed = SAMPLES.replace("name: Granted\n", "name: Granted Anew\n");
    assert_ne!(renamed, SAMPLES);
    let planned = plan(&app, &renamed).await;
    let disable = "update client_directory set status = 'disabled' where client_id = 'granted'";
    sqlx::query(disable).execute(app.database.superuser()).await.expect("disabled");

    apply::execute(&app.env, planned, |_| ()).await.expect("applied");

    let now = "select name || ' ' || status from client_directory where client_id = 'granted'";
    let now: String = sqlx::query_scalar(now).fetch_one(app.database.superuser()).await.expect("a client");
    assert_eq!(now, "Granted Anew disabled");
}

async fn refusal(app: &App, yaml: &str) -> String {
    match apply::plan(&app.env, &wanted(yaml)).await {
        Err(ApplyError::Invalid(problems)) => problems.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

/// Rows that anything applied would add to.
async fn rows(app: &App) -> i64 {
    let count = "select (select count(*) from organizations) + (select count(*) from users)
                      + (select count(*) from client_directory) + (select count(*) from audit_events)";
    sqlx::query_scalar(count).fetch_one(app.database.superuser()).await.expect("counted")
}

/// The details of an organization's events of one action, oldest first.
async fn details(app: &App, slug: &str, action: &str) -> Vec<serde_json::Value> {
    let org = app.org(slug).await.org_id().as_uuid();
    sqlx::query_scalar(
        "select detail from audit_events
         where org_id = $1 and action = $2 and actor_kind = 'operator' order by occurred_at, id",
    )
    .bind(org)
    .bind(action)
    .fetch_all(app.database.superuser())
    .await
    .expect("the log can be read")
}

#[tokio::test]
async fn no_client_declares_or_learns_of_permissions_of_orgates_own() {
    let app = App::start().await;
    let yaml = "clients: [{ client_id: greedy, organization: acme, name: Greedy, type: machine, audience: owner, permissions: [\"orgate:users:read\"] }]";
    let declared = apply_file::load_str("test.yaml", yaml, &|_: &str| None).expect_err("refused").to_string();
    app.apply(
        "organizations:
  - slug: acme
    name: Acme Inc
    roles: [{ slug: chief, permissions: [\"orgate:*\", \"notes:read\"] }]
    users: [{ email: chief@acme.test, name: Chief, password: \"${PASSWORD}\", roles: [chief] }]",
    )
    .await;

    let tokens = app.sign_in("acme", "chief@acme.test").await;

    assert!(declared.contains("Orgate's own"), "{declared}");
    let claims = tokens.claims("access_token");
    assert_eq!(claims["roles"], serde_json::json!(["chief"]));
    assert_eq!(claims["permissions"], serde_json::json!(["notes:read"]));
}

const INITECH: &str = "
organizations:
  - slug: initech
    name: Initech
    domains: [initech.test]
    policy: { session_idle_secs: 600 }
    roles:
      - { slug: admin, permissions: [\"notes:read\"] }
    users:
      - { email: ada@initech.test, name: Ada, password: \"${PASSWORD}\", roles: [admin] }
      - { email: bob@initech.test, name: Bob }
clients:
  - client_id: reports
    organization: initech
    name: Reports
    type: machine
    audience: owner
";

#[tokio::test]
async fn applying_the_same_state_again_changes_nothing() {
    let app = App::start().await;
    let before = rows(&app).await;

    let plan = plan(&app, SAMPLES).await;

    assert_eq!(plan.changes(), 0);
    insta::assert_snapshot!(plan, @"
    no changes
    = 17 unchanged
    ");
    let applied = apply::execute(&app.env, plan, |_| ()).await.expect("applied");
    assert!(applied.changes == 0 && applied.generated_secrets.is_empty());
    assert_eq!(rows(&app).await, before);
}

#[tokio::test]
async fn a_plan_says_what_it_would_change_and_changes_nothing() {
    let app = App::start().await;
    let before = rows(&app).await;

    let plan = plan(&app, INITECH).await;

    insta::assert_snapshot!(plan, @r#"
    + organization initech "Initech"
    + domain initech.test of initech
    + role admin in initech
    + role owner in initech
    + role user-manager in initech
    + role sso-manager in initech
    + role help-desk in initech
    + role auditor in initech
    + role reader in initech
    + user ada@initech.test in initech
    + user bob@initech.test in initech (no password: cannot sign in yet)
    + client reports of initech (its secret will be generated)
    = 0 unchanged
    "#);
    assert!(!format!("{plan:?}").contains(PASSWORD));
    assert_eq!(rows(&app).await, before);
}

#[tokio::test]
async fn what_is_applied_is_there_and_in_the_log() {
    let app = App::start().await;

    execute(&app, INITECH).await;

    let tokens = app.sign_in("initech", "ada@initech.test").await;
    assert_eq!(tokens.claims("access_token")["roles"], serde_json::json!(["admin"]));
    assert_eq!(details(&app, "initech", "organization.configured").await.len(), 1);
    assert_eq!(details(&app, "initech", "domain.configured").await.len(), 1);
    assert_eq!(details(&app, "initech", "user.configured").await.len(), 2);
    let roles = details(&app, "initech", "role.configured").await;
    assert_eq!(roles.len(), READY_ROLES.len(), "its own, and those that every organization begins with");
    let own = serde_json::json!({ "change": "created", "role": "admin", "permissions": "notes:read" });
    assert!(roles.contains(&own), "the file's word is the last one: {roles:?}");
    assert_eq!(plan(&app, INITECH).await.changes(), 0);
}

#[tokio::test]
async fn only_what_differs_changes_and_what_the_file_is_silent_about_stays() {
    let app = App::start().await;
    execute(&app, INITECH).await;
    let changed = "
organizations:
  - slug: initech
    name: Initech Limited
    domains: [initech.example]
    roles:
      - { slug: admin, name: Administrator, permissions: [\"notes:write\"] }
      - { slug: viewer }
    users:
      - { email: ADA@initech.test, name: Ada, roles: [viewer] }
clients:
  - client_id: reports
    organization: initech
    name: Reports
    type: web
    audience: all
    redirect_uris: [\"https://reports.test/callback\"]
";

    let plan = plan(&app, changed).await;

    insta::assert_snapshot!(plan, @"
~ organization initech: name
- domain initech.test of initech
+ domain initech.example of initech
~ role admin in initech: name, permissions
+ role viewer in initech
~ user ADA@initech.test in initech: roles
~ client reports of initech: type, audience, redirect_uris, grants
= 0 unchanged
");
    apply::execute(&app.env, plan, |_| ()).await.expect("applied");
    let tokens = app.sign_in("initech", "ada@initech.test").await;
    assert_eq!(tokens.claims("access_token")["roles"], serde_json::json!(["viewer"]));
    let after = self::plan(&app, changed).await;
    assert_eq!(after.changes(), 0, "{after}");
}

#[tokio::test]
async fn a_deactivated_user_and_one_with_a_new_password_lose_their_sessions() {
    let app = App::start().await;
    let vic = app.sign_in("acme", "vic@acme.test").await;
    let ada = app.sign_in("acme", "ada@acme.test").await;

    let applied = execute(
        &app,
        "
organizations:
  - slug: acme
    name: Acme Inc
    users:
      - { email: vic@acme.test, name: Vic Viewer, status: deactivated }
      - { email: ada@acme.test, name: Ada Adler, password: another password }
",
    )
    .await;

    assert_eq!(applied.changes, 2);
    assert_eq!(app.refresh(&vic.text("refresh_token")).await.outcome(), "400 invalid_grant");
    assert_eq!(app.refresh(&ada.text("refresh_token")).await.outcome(), "400 invalid_grant");
    let events = app.events("acme").await;
    assert!(events.contains(&"session.ended success user_deactivated".to_owned()), "{events:?}");
    assert!(events.contains(&"session.ended success password_changed".to_owned()), "{events:?}");
    assert_eq!(details(&app, "acme", "session.ended").await, [serde_json::json!({}), serde_json::json!({})]);
}

#[tokio::test]
async fn one_problem_anywhere_and_nothing_is_changed() {
    let app = App::start().await;
    let before = rows(&app).await;

    let text = refusal(
        &app,
        r#"
organizations:
  - { slug: initech, name: Initech, parent: nowhere }
  - slug: umbrella
    name: Umbrella
    domains: [globex.test]
    users:
      - { email: eve@umbrella.test, name: Eve, roles: [boss] }
    groups: [{ slug: ops, roles: [boss] }]
  - { slug: alpha, name: Alpha, parent: beta }
  - { slug: beta, name: Beta, parent: alpha }
  - { slug: acme, name: Acme Inc, parent: globex }
  - slug: globex
    name: Globex Corporation
    delegations: [{ organization: acme, permissions: ["orgate:users:read"] }]
clients:
  - { client_id: notes, organization: acme, name: Notes, type: machine, audience: all }
  - { client_id: less, organization: initech, name: Less, type: machine, audience: owner }
  - { client_id: more, organization: acme, name: More, type: machine, audience: granted, granted_to: [gone] }
"#,
    )
    .await;

    insta::assert_snapshot!(text, @"
    test.yaml:3:45: there is no organization nowhere, neither in these files nor in the database
    test.yaml:6:15: the domain globex.test is, or was, the organization globex's, and a domain is never given to another
    test.yaml:8:56: umbrella has no role boss; it has admin, auditor, help-desk, owner, reader, sso-manager, user-manager
    test.yaml:9:35: umbrella has no role boss; it has admin, auditor, help-desk, owner, reader, sso-manager, user-manager
    test.yaml:10:13: the parents of alpha lead in a circle
    test.yaml:11:13: the parents of beta lead in a circle
    test.yaml:12:43: an organization keeps the parent that it was made with
    test.yaml:15:35: acme is not above globex, and only what is can be let in
    test.yaml:17:18: the client notes is the organization operator's, and a client_id is never given to another
    test.yaml:19:18: a machine client belongs to one organization: audience is owner
    test.yaml:19:103: there is no organization gone, neither in these files nor in the database
    ");
    assert_eq!(rows(&app).await, before);
}

#[tokio::test]
async fn a_domain_that_was_an_organizations_is_never_anothers() {
    let app = App::start().await;
    execute(&app, "organizations: [{ slug: acme, name: Acme Inc, domains: [] }]").await;

    let text = refusal(&app, "organizations: [{ slug: globex, name: Globex, domains: [acme.test] }]").await;

    insta::assert_snapshot!(text, @"test.yaml:1:57: the domain acme.test is, or was, the organization acme's, and a domain is never given to another");
    let again = execute(&app, "organizations: [{ slug: acme, name: Acme Inc, domains: [acme.test] }]").await;
    assert_eq!(again.changes, 1);
}

#[tokio::test]
async fn a_generated_secret_is_shown_once_and_proves_the_client() {
    let app = App::start().await;
    let reports = "
clients:
  - client_id: reports
    organization: operator
    name: Reports
    type: web
    audience: all
    redirect_uris: [\"https://reports.test/callback\"]
";

    let applied = execute(&app, reports).await;

    let [made] = applied.generated_secrets.as_slice() else { panic!("one secret: {applied:?}") };
    let secret = made.secret.reveal();
    assert!(made.of == "reports" && secret.starts_with("ogcs_") && secret.len() == 57, "{made:?}");
    assert!(!format!("{applied:?}").contains(secret));
    let form = [("grant_type", "refresh_token"), ("refresh_token", "none")];
    assert_eq!(app.token_as("reports", secret, &form).await.outcome(), "400 invalid_grant");
    assert_eq!(app.token_as("reports", "wrong", &form).await.outcome(), "401 invalid_client");
    let again = execute(&app, reports).await;
    assert!(again.changes == 0 && again.generated_secrets.is_empty());
    let given = format!("{reports}    client_secret: \"${{SECRET}}\"\n");
    assert_eq!(execute(&app, &given).await.changes, 1);
    assert_eq!(app.token_as("reports", secret, &form).await.outcome(), "401 invalid_client");
    assert_eq!(app.token_as("reports", SECRET, &form).await.outcome(), "400 invalid_grant");
}

#[tokio::test]
async fn grants_are_what_the_list_says_for_the_organizations_it_can_mean() {
    let app = App::start().await;
    let moved = SAMPLES.replace("granted_to: [acme]", "granted_to: [globex]");

    let plan = plan(&app, &moved).await;

    insta::assert_snapshot!(plan, @"
    - access of acme to client granted
    + access of globex to client granted
    = 16 unchanged
    ");
    apply::execute(&app.env, plan, |_| ()).await.expect("applied");
    assert_eq!(self::plan(&app, &moved).await.changes(), 0);
    let silent = moved.replace("    granted_to: [globex]\n", "");
    assert_eq!(self::plan(&app, &silent).await.changes(), 0);
}

#[tokio::test]
async fn a_child_may_stand_before_its_parent() {
    let app = App::start().await;
    let tree = "
organizations:
  - { slug: team, name: Team, parent: unit }
  - { slug: unit, name: Unit, parent: acme, policy: { access_token_secs: 120 } }
";

    execute(&app, tree).await;

    let line = app.env.store.ancestors(&app.org("team").await).await.expect("ancestors");
    let (team, unit, acme) = (app.org("team").await, app.org("unit").await, app.org("acme").await);
    assert_eq!(line, [team.org_id(), unit.org_id(), acme.org_id()]);
    let policy = app.env.configuration.policy(&app.env.store, &team).await.expect("a policy");
    assert_eq!(policy.access_token.num_seconds(), 120);
    assert_eq!(plan(&app, tree).await.changes(), 0);
}

#[tokio::test]
async fn an_external_id_is_one_things_and_whose_it_is_already_is_told() {
    let app = App::start().await;
    execute(&app, "organizations: [{ slug: one, name: One, external_id: X, users: [{ email: a@one.test, name: A, external_id: Y }] }]").await;

    let taken = async |file: &str| {
        let plan = plan(&app, file).await;
        match apply::execute(&app.env, plan, |_| ()).await {
            Err(ApplyError::Interrupted { cause, .. }) => cause.to_string(),
            other => panic!("not refused: {other:?}"),
        }
    };
    let organization = taken("organizations: [{ slug: two, name: Two, external_id: X }]").await;
    let user = taken(
        "organizations: [{ slug: one, name: One, users: [{ email: b@one.test, name: B, external_id: Y }] }]",
    )
    .await;

    insta::assert_snapshot!([organization, user].join("\n"), @"
    the external_id of two is another organization's
    the external_id of b@one.test in one is another user's
    ");
}

#[tokio::test]
async fn who_above_is_let_in_is_what_the_list_says() {
    let app = App::start().await;
    let file = |delegations: &str| {
        format!(
            "organizations:\n  - {{ slug: unit, name: Unit, parent: acme, delegations: {delegations} }}\n"
        )
    };
    let may = async || {
        let mut tx = app.env.store.begin(&app.org("unit").await).await.expect("a transaction");
        let standing =
            tx.delegations().find_standing(app.org("acme").await.org_id()).await.expect("an answer");
        tx.commit().await.expect("a commit");
        standing.map(|standing| standing.permissions)
    };

    let all = file(r#"[{ organization: acme, permissions: ["orgate:users:*"] }]"#);
    assert_eq!(execute(&app, &all).await.changes, 9, "the organization, its ready roles, and who is let in");
    assert_eq!(may().await, Some(["orgate:users:*".to_owned()].into()));
    assert_eq!(plan(&app, &all).await.changes(), 0);
    let less = file(r#"[{ organization: acme, permissions: ["orgate:users:read"] }]"#);
    assert_eq!(
        plan(&app, &less).await.to_string(),
        "~ delegation of unit to acme: permissions\n= 1 unchanged\n"
    );
    execute(&app, &less).await;
    assert_eq!(may().await, Some(["orgate:users:read".to_owned()].into()));
    let silent = "organizations:\n  - { slug: unit, name: Unit }\n";
    assert_eq!(plan(&app, silent).await.changes(), 0);
    assert_eq!(plan(&app, &file("[]")).await.to_string(), "- delegation of unit to acme\n= 1 unchanged\n");
    execute(&app, &file("[]")).await;
    assert_eq!(may().await, None);
}

#[tokio::test]
async fn mails_are_worded_as_the_list_says_or_not_at_all() {
    let app = App::start().await;
    let file = |list: &str| {
        format!("organizations:\n  - {{ slug: acme, name: Acme Inc, mail_templates: [{list}] }}\n")
    };
    let words = |locale: &str, text: &str| {
        format!("{{ mail: invitation, locale: {locale}, subject: Hi, text: \"{text}\" }}")
    };
    let (german, other) = (words("de", "Hallo {{ name }}"), words("default", "Hello"));

    assert_eq!(execute(&app, &file(&format!("{german}, {other}"))).await.changes, 2);
    assert_eq!(plan(&app, &file(&format!("{other}, {german}"))).await.changes(), 0);
    assert_eq!(plan(&app, "organizations: [{ slug: acme, name: Acme Inc }]").await.changes(), 0);
    assert_eq!(
        plan(&app, &file(&words("de", "Moin"))).await.to_string(),
        "~ mail invitation (de) of acme: text\n- mail invitation (default) of acme\n= 1 unchanged\n"
    );
    let twice = file(&format!("{german}, {}", words("DE", "Moin")));
    let twice = apply_file::load_str("test.yaml", &twice, &|_| None).expect_err("one of each");
    assert!(twice.to_string().ends_with("the mail invitation (de) was already described"), "{twice}");
    let wrong = refusal(&app, &file(&words("de", "{{ secret }}"))).await;
    assert!(wrong.contains(": text: line 1: there is no secret here"), "{wrong}");
}

#[tokio::test]
async fn an_interrupted_run_keeps_its_finished_steps_and_can_be_finished() {
    let app = App::start().await;
    let both = INITECH.replace("clients:", "  - { slug: umbrella, name: Umbrella }\nclients:");
    let plan = plan(&app, &both).await;
    execute(&app, "organizations: [{ slug: umbrella, name: Umbrella Corporation }]").await;

    let stopped = apply::execute(&app.env, plan, |_| ()).await;

    let Err(ApplyError::Interrupted { applied, cause }) = stopped else { panic!("not stopped: {stopped:?}") };
    assert_eq!(cause.to_string(), "the slug umbrella is, or was, another organization's");
    assert_eq!((applied.changes, applied.generated_secrets.len()), (12, 1));
    insta::assert_snapshot!(self::plan(&app, &both).await, @r"
    ~ organization umbrella: name
    = 6 unchanged
    ");
    assert_eq!(execute(&app, &both).await.changes, 1);
    assert_eq!(self::plan(&app, &both).await.changes(), 0);
}
