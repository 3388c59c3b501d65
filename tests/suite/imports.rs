//! `orgate import`: who comes from another system signs in with the password that they had there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use orgate_tests::app::{Browser, PASSWORD, authorization_url};
use orgate_tests::program::{Ended, Running};
use url::Url;

use crate::command_line::Installation;

fn fixture(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/import").join(name);
    path.display().to_string()
}

/// One with the samples: Acme, Globex and the application that everybody may use.
async fn installation() -> Installation {
    let installation = Installation::new().await;
    installation.done(&["migrate"]);
    installation.done(&["apply", "-f", "samples.yaml"]);
    installation
}

/// What is kept of a user's password.
async fn kept(installation: &Installation, org: &str, email: &str) -> String {
    sqlx::query_scalar(
        "select password.phc from password_credentials password
         join users member on member.org_id = password.org_id and member.id = password.user_id
         join organizations organization on organization.org_id = member.org_id
         where organization.slug = $1 and member.email = $2",
    )
    .bind(org)
    .bind(email)
    .fetch_one(installation.database.superuser())
    .await
    .expect("a password")
}

async fn count(installation: &Installation, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(installation.database.superuser()).await.expect("counted")
}

/// Signs each in, to an organization, with a password: whether they got in.
async fn sign_in(installation: &Installation, who: &[(&str, &str, &str)]) -> Vec<bool> {
    let running = Running::start(&mut installation.command(&["serve"]), "ready");
    let base = Url::parse(&format!("http://localhost:{}", installation.port)).expect("an address");
    let mut got_in = Vec::new();
    for (org, email, password) in who {
        let browser = Browser::at(&base);
        let page = browser.get(authorization_url(&base, &[("organization", org)])).await;
        let page = browser.sign_in(page, email, password).await;
        let answered = page.location().is_some_and(|to| to.query_pairs().any(|(name, _)| name == "code"));
        got_in.push(answered);
    }
    tokio::task::spawn_blocking(|| running.interrupt()).await.expect("it ends");
    got_in
}

const OWN: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

#[tokio::test]
async fn users_of_an_auth0_tenant_sign_in_with_their_old_passwords() {
    let installation = installation().await;
    let export = fixture("auth0");

    let dry = installation.run(&["import", "auth0", &export, "--dry-run"]);
    let made_dry = count(&installation, "select count(*) from users").await;
    let unasked = installation.run(&["import", "auth0", &export]);
    let done = installation.run(&["import", "auth0", &export, "--yes"]);
    let people = [
        ("northwind", "nora@northwind.test", "$2b$10$"),
        ("northwind", "sam@northwind.test", "$scrypt$ln=14,r=8,p=1$"),
        ("northwind", "cleo@consult.test", "$pbkdf2-sha512$i=100000"),
        ("contoso", "cleo@consult.test", "$pbkdf2-sha512$i=100000"),
        ("contoso", "pia@contoso.test", "$2a$10$"),
    ];
    for (org, email, form) in people {
        let kept = kept(&installation, org, email).await;
        assert!(kept.starts_with(form), "{email}: {kept}");
    }
    let wrong: Vec<_> = people.iter().map(|(org, email, _)| (*org, *email, "a wrong password")).collect();
    let right: Vec<_> = people.iter().map(|(org, email, _)| (*org, *email, PASSWORD)).collect();
    let blocked = ("northwind", "ivan@northwind.test", PASSWORD);
    let got_in = sign_in(&installation, &[&wrong[..], &right, &[blocked]].concat()).await;

    let expected: Vec<_> = (0..11).map(|place| (5..10).contains(&place)).collect();
    assert_eq!(
        got_in, expected,
        "nobody with another password, everybody with theirs, but who was blocked there"
    );
    for (org, email, _) in people {
        let kept = kept(&installation, org, email).await;
        assert!(kept.starts_with(OWN), "hashed anew: {email}: {kept}");
    }
    let still = kept(&installation, "northwind", "ivan@northwind.test").await;
    assert!(still.starts_with("$argon2id$v=19$m=4096,t=3,p=1$"), "{still}");
    let rehashed =
        "select count(*) from audit_events where action = 'password.rehashed' and actor_kind = 'user'";
    assert_eq!(count(&installation, rehashed).await, 5);

    assert!(dry.stdout.contains("users: 6 to be made, 0 there already, 1 refused"), "{dry:?}");
    assert!(dry.stdout.ends_with("Nothing was changed: this was a dry run.\n"), "{dry:?}");
    assert_eq!((dry.code, made_dry), (Some(0), 5));
    assert_eq!(unasked.code, Some(1), "{unasked:?}");
    assert!(
        unasked.stderr.contains("nothing was changed") && unasked.stderr.contains("--yes"),
        "{unasked:?}"
    );
    assert_eq!(done.code, Some(1), "one row was refused: {done:?}");
    assert!(
        done.stdout
            .contains("users.ndjson:6: password: \"md5\" is none of bcrypt, scrypt, argon2 and pbkdf2"),
        "{done:?}"
    );
    assert!(done.stdout.contains("users: 6 made, 0 there already, 1 refused"), "{done:?}");
    for told in [
        "+ organization northwind \"Northwind Traders\"",
        "+ connection northwind-okta of northwind (active)",
        "+ connection contoso-saml of contoso (active)",
        "+ connection contoso-oidc of contoso (draft)",
        "the connection contoso-oidc of contoso is a draft: the export has no secret of it",
        "\"orgate:users:manage\" is no permission here, and left out",
    ] {
        assert!(done.stdout.contains(told), "{told}: {}", done.stdout);
    }
    for secret in ["a-secret-of-northwinds-okta", "$2b$10$", "$argon2"] {
        assert!(!done.everything().contains(secret), "{secret}: {done:?}");
    }
}

/// Of those who sign in at once, the first replaces the hash that the others were compared with.
#[tokio::test]
async fn who_signs_in_several_times_at_once_gets_in_every_time() {
    let installation = installation().await;
    installation.run(&["import", "auth0", &fixture("auth0"), "--yes"]);
    let running = Running::start(&mut installation.command(&["serve"]), "ready");
    let base = Url::parse(&format!("http://localhost:{}", installation.port)).expect("an address");
    let attempt = || async {
        let browser = Browser::at(&base);
        let page = browser.get(authorization_url(&base, &[("organization", "northwind")])).await;
        let page = browser.sign_in(page, "cleo@consult.test", PASSWORD).await;
        page.location().is_some_and(|to| to.query_pairs().any(|(name, _)| name == "code"))
    };

    let got_in: [bool; 4] = tokio::join!(attempt(), attempt(), attempt(), attempt()).into();

    assert_eq!(got_in, [true; 4]);
    assert!(kept(&installation, "northwind", "cleo@consult.test").await.starts_with(OWN));
    let rehashed = "select count(*) from audit_events where action = 'password.rehashed'";
    assert_eq!(count(&installation, rehashed).await, 1, "once, whoever was first");
    tokio::task::spawn_blocking(|| running.interrupt()).await.expect("it ends");
}

#[tokio::test]
async fn what_was_a_role_elsewhere_gives_no_rights_over_orgate() {
    let installation = installation().await;

    installation.run(&["import", "auth0", &fixture("auth0"), "--yes"]);

    let permissions = "select coalesce(string_agg(bundled.permission, ' '), '') from role_permissions bundled
         join roles role on role.org_id = bundled.org_id and role.id = bundled.role_id
         join organizations organization on organization.org_id = role.org_id
         where organization.slug = 'northwind' and role.slug = 'admin'";
    let permissions: String =
        sqlx::query_scalar(permissions).fetch_one(installation.database.superuser()).await.expect("a role");
    assert_eq!(permissions, "notes:manage");
    // Where a role of that name is there and has such rights, it has to be meant.
    installation.directory.file(
        "there.yaml",
        "organizations: [{ slug: tailspin, name: Ours, roles: [{ slug: admin, permissions: [\"orgate:*\"] }] }]",
    );
    installation.done(&["apply", "-f", "there.yaml"]);
    let realm = fixture("keycloak/company-realm.json");
    let refused = installation.run(&["import", "keycloak", &realm, "--yes"]);
    let made = count(&installation, "select count(*) from users where email like '%tailspin.test'").await;
    let elsewhere = installation.run(&["import", "keycloak", &realm, "--role", "admin=notes-admin", "--yes"]);

    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("the role \"admin\": admin is there in tailspin and gives rights over Orgate"),
        "{refused:?}"
    );
    assert_eq!(made, 0);
    assert!(elsewhere.stdout.contains("+ role notes-admin in tailspin"), "{elsewhere:?}");
    let admins = "select count(*) from role_assignments assignment join roles role on role.org_id = assignment.org_id
                  and role.id = assignment.role_id join organizations organization on organization.org_id = role.org_id
                  where organization.slug = 'tailspin' and role.slug = 'admin'";
    assert_eq!(count(&installation, admins).await, 0);
    let name = "select count(*) from organizations where slug = 'tailspin' and name = 'Ours'";
    assert_eq!(count(&installation, name).await, 1, "what is there stays as it is");
}

#[tokio::test]
async fn users_of_a_keycloak_realm_sign_in_with_their_old_passwords() {
    let installation = installation().await;
    let export = fixture("keycloak/company-realm.json");

    let done = installation.run(&["import", "keycloak", &export, "--yes"]);
    let again = installation.run(&["import", "keycloak", &export, "--yes"]);
    let people = [
        ("tailspin", "ada@tailspin.test", "$argon2id$v=19$m=7168,t=5,p=1$"),
        ("tailspin", "bela@tailspin.test", "$pbkdf2-sha512$i=210000$"),
        ("tailspin", "carl@consult.test", "$pbkdf2-sha256$i=27500$"),
        ("wingtip", "carl@consult.test", "$pbkdf2-sha256$i=27500$"),
    ];
    for (org, email, form) in people {
        let kept = kept(&installation, org, email).await;
        assert!(kept.starts_with(form), "{email}: {kept}");
    }
    let right: Vec<_> = people.iter().map(|(org, email, _)| (*org, *email, PASSWORD)).collect();
    let got_in = sign_in(&installation, &right).await;

    assert_eq!(got_in, [true; 4], "{done:?}");
    for (org, email, _) in people {
        let kept = kept(&installation, org, email).await;
        assert!(kept.starts_with(OWN), "hashed anew: {email}: {kept}");
    }
    assert!(done.stdout.contains("users: 5 made, 0 there already, 2 refused"), "{done:?}");
    assert!(again.stdout.contains("users: 0 made, 5 there already, 2 refused"), "{again:?}");
    assert!(again.stdout.contains("no changes"), "{again:?}");
    for told in [
        "company-realm.json: user 5 (costly): password: its parameters cost more than a sign-in may: pbkdf2 has 1500000",
        "company-realm.json: user 6 (nobody): there is no e-mail address",
        "+ group staff-berlin in tailspin",
        "+ connection wingtip-saml of wingtip (active)",
        "+ connection tailspin-oidc of tailspin (draft)",
        "+ domain tailspin.test of tailspin",
        "tailspin: the domain tailspin.example was not verified there; left out",
        "the identity provider github: it is no organization's; left out",
    ] {
        assert!(done.stdout.contains(told), "{told}: {}", done.stdout);
    }
    let exported = installation.done(&["export", "--org", "tailspin"]);
    assert!(exported.contains("- 'R&D'") && exported.contains("slug: 'notes-write'"), "{exported}");
}

#[tokio::test]
async fn a_table_of_users_is_imported_with_what_it_says_of_them() {
    let installation = installation().await;

    let said = installation.done(&["import", "csv", &fixture("csv/users.csv"), "--org", "acme", "--yes"]);
    let right = ["lena@acme.test", "marc@acme.test", "nils@acme.test"].map(|email| ("acme", email, PASSWORD));
    let got_in = sign_in(&installation, &right).await;

    assert!(said.ends_with("users: 3 made, 0 there already, 0 refused\n"), "{said}");
    assert_eq!(got_in, [true, true, false]);
    let exported = installation.done(&["export", "--org", "acme"]);
    assert!(exported.contains("name: 'Nils \"N.\" Noor'") && exported.contains("- 'Sales'"), "{exported}");
    let events =
        "select count(*) from audit_events where action = 'user.configured' and detail ->> 'by' = 'import'";
    assert_eq!(count(&installation, events).await, 3);
    assert_eq!(
        count(
            &installation,
            "select count(*) from email_index entry join users member on member.id = entry.user_id
                                     where member.email = 'lena@acme.test'"
        )
        .await,
        1,
        "an address that was proven there is"
    );
    // A column that means nothing, or an organization that nobody named.
    installation.directory.file("odd.csv", "email,colour\na@acme.test,red\n");
    let odd = installation.refused(&["import", "csv", "odd.csv", "--org", "acme", "--yes"]);
    assert!(odd.contains("odd.csv: unknown column \"colour\"; the columns are email, name"), "{odd}");
    let homeless = installation.refused(&["import", "csv", &fixture("csv/users.csv"), "--yes"]);
    assert!(homeless.contains("--org"), "{homeless}");
}

/// Ten thousand lines, of which seven are no users.
fn many() -> String {
    let mut table = "email,name,organization,roles,password_hash\n".to_owned();
    for number in 0..10_000 {
        let bcrypt = "$2b$10$ekxvKLAzG.e9l7o/tjnB1OrfjRyj5k.zyiu48VKS4qcknegvuFAjO";
        match number {
            17 => table.push_str("not an address,A,acme,,\n"),
            400 => table.push_str("a@many.test,A,nowhere,,\n"),
            2_000 => table.push_str("b@many.test,B,acme,ruler,\n"),
            2_001 => table.push_str("user3@MANY.test,Twice,acme,,\n"),
            5_000 => table.push_str(
                "c@many.test,C,acme,,$2b$31$ekxvKLAzG.e9l7o/tjnB1OrfjRyj5k.zyiu48VKS4qcknegvuFAjO\n",
            ),
            7_777 => table.push_str("d@many.test,D,acme,,5f4dcc3b5aa765d61d8327deb882cf99\n"),
            9_999 => table.push_str("e@many.test,E,acme\n"),
            _ => {
                writeln!(table, "user{number}@many.test,User {number},acme,viewer,{bcrypt}")
                    .expect("written");
            }
        }
    }
    table
}

#[tokio::test]
async fn of_ten_thousand_rows_with_seven_bad_ones_all_others_are_imported_and_the_seven_are_told() {
    let installation = installation().await;
    installation.directory.file("many.csv", &many());
    let made = "select count(*) from users where email_normalized like '%@many.test'";

    let atomic = installation.run(&["import", "csv", "many.csv", "--atomic", "--yes"]);
    let made_atomically = count(&installation, made).await;
    let done = installation.run(&["import", "csv", "many.csv", "--yes"]);

    assert_eq!((atomic.code, made_atomically), (Some(1), 0), "{atomic:?}");
    assert!(atomic.stderr.contains("nothing was imported: with --atomic"), "{atomic:?}");
    assert_eq!(done.code, Some(1), "{done:?}");
    assert_eq!(count(&installation, made).await, 9_993);
    assert_eq!(done.stderr, "orgate: 7 rows were not imported; all others are there\n");
    insta::assert_snapshot!(done.stdout, @r#"
    many.csv:19: email "not an address": not an e-mail address, like name@example.com
    many.csv:402: there is no organization nowhere
    many.csv:2002: acme has no role ruler
    many.csv:2003: user3@MANY.test comes to acme by an earlier row
    many.csv:5002: password_hash: its parameters cost more than a sign-in may: bcrypt's cost is 14 at most
    many.csv:7779: password_hash: its algorithm is none of bcrypt, scrypt, argon2 and pbkdf2
    many.csv:10001: it has 3 values under 5 columns
    users: 9993 to be made, 0 there already, 7 refused
    users: 9993 made, 0 there already, 7 refused
    "#);
}

#[tokio::test]
async fn with_atomic_and_nothing_bad_everything_is_imported() {
    let installation = installation().await;
    installation.directory.file("few.csv", "email,organization\na@few.test,acme\nb@few.test,globex\n");

    let said = installation.done(&["import", "csv", "few.csv", "--atomic", "--yes"]);

    assert!(said.ends_with("users: 2 made, 0 there already, 0 refused\n"), "{said}");
    assert_eq!(
        count(&installation, "select count(*) from users where email_normalized like '%@few.test'").await,
        2
    );
}

#[tokio::test]
async fn an_import_that_was_killed_is_finished_by_running_it_again_and_makes_nobody_twice() {
    let installation = installation().await;
    installation.directory.file("many.csv", &many());
    let made = "select count(*) from users where email_normalized like '%@many.test'";

    let mut killed = installation.command(&["import", "csv", "many.csv", "--yes"]).spawn().expect("it runs");
    while count(&installation, made).await < 500 {
        assert!(killed.try_wait().expect("asked").is_none(), "it ended before it was killed");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    killed.kill().expect("killed");
    killed.wait().expect("it ends");
    let made_before = count(&installation, made).await;
    let ended = Ended::of(&mut installation.command(&["import", "csv", "many.csv", "--yes"]));

    assert!((500..9_993).contains(&made_before), "{made_before}");
    assert_eq!(count(&installation, made).await, 9_993, "{ended:?}");
    let there: i64 = ended
        .stdout
        .lines()
        .last()
        .and_then(|line| line.split(", ").find_map(|part| part.strip_suffix(" there already")))
        .and_then(|text| text.parse().ok())
        .expect("a tally");
    assert!(there >= made_before, "{ended:?}");
    let whole = "select count(*) from users member
                 where email_normalized like '%@many.test'
                   and exists (select from password_credentials password where password.user_id = member.id)
                   and exists (select from role_assignments assignment where assignment.user_id = member.id)
                   and exists (select from audit_events event where event.user_id = member.id
                               and event.action = 'user.configured')";
    assert_eq!(count(&installation, whole).await, 9_993, "nobody is half there");
}
