//! What of an organization's log receivers hear, and how it reads (CAEP 1.0).

use std::collections::BTreeSet;

use insta::assert_json_snapshot;
use orgate_domain::audit::Action;
use orgate_domain::email::Email;
use orgate_flows::recover::make_codes;
use orgate_protocol::ssf::EventType;
use orgate_tests::app::{App, SECRET};
use orgate_tests::event_receiver::EventReceiver;
use serde_json::json;
use sqlx::AssertSqlSafe;

use super::{CLAIMS_CHANGE, CREDENTIAL_CHANGE, Receiver, SESSION_REVOKED, Set, app, signed_out};

async fn acme(app: &App, users: &str) {
    app.apply(&format!("organizations:\n  - slug: acme\n    name: Acme Inc\n{users}")).await;
}

#[tokio::test]
async fn the_end_of_a_session_is_told_with_its_user_and_its_organization() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;

    let sid = signed_out(&app, "ada@acme.test").await;

    let [set] = siem.wait(&stream, 1).await.try_into().expect("one");
    assert_eq!(set.kind, SESSION_REVOKED);
    assert_eq!(set.subject("session"), &json!({ "format": "opaque", "id": sid }));
    assert_json_snapshot!(set.claims, {
        ".iss" => "…", ".jti" => "…", ".iat" => 0, ".txn" => "evt_…", ".org_id" => "org_…",
        ".sub_id.session.id" => "ses_…", ".sub_id.user.sub" => "usr_…", ".sub_id.user.iss" => "…",
        ".sub_id.tenant.id" => "org_…", ".events.*.event_timestamp" => 0,
    }, @r#"
    {
      "aud": "siem",
      "events": {
        "https://schemas.openid.net/secevent/caep/event-type/session-revoked": {
          "event_timestamp": 0,
          "initiating_entity": "user",
          "reason_admin": {
            "en": "The user signed out"
          }
        }
      },
      "iat": 0,
      "iss": "…",
      "jti": "…",
      "org_id": "org_…",
      "org_name": "acme",
      "sub_id": {
        "format": "complex",
        "session": {
          "format": "opaque",
          "id": "ses_…"
        },
        "tenant": {
          "format": "opaque",
          "id": "org_…"
        },
        "user": {
          "format": "iss_sub",
          "iss": "…",
          "sub": "usr_…"
        }
      },
      "txn": "evt_…"
    }
    "#);
}

#[tokio::test]
async fn a_deactivated_users_sessions_end_one_by_one() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;
    let mut sids = Vec::new();
    for email in ["vic@acme.test", "vic@acme.test", "ada@acme.test"] {
        sids.push(app.sign_in("acme", email).await.claims("id_token")["sid"].clone());
    }

    acme(&app, "    users: [{ email: vic@acme.test, name: Vic Viewer, status: deactivated }]").await;

    let sets = siem.wait(&stream, 2).await;
    let sets: Vec<&Set> = sets.iter().filter(|set| set.kind == SESSION_REVOKED).collect();
    let told: BTreeSet<_> = sets.iter().map(|set| set.subject("session")["id"].to_string()).collect();
    assert_eq!(told, sids[..2].iter().map(ToString::to_string).collect(), "theirs, and nobody else's");
    for set in sets {
        assert_eq!(set.event["initiating_entity"], "admin");
        assert_eq!(set.event["reason_admin"]["en"], "The user was deactivated");
        assert_eq!(set.event["reason_user"]["en"], "Your account was deactivated.");
    }
}

#[tokio::test]
async fn a_suspended_organization_still_says_that_its_sessions_ended() {
    let app = app().await;
    let endpoint = EventReceiver::start().await;
    let saas = Receiver::within(&app, "saas", Some("acme")).await;
    saas.push_stream(&endpoint).await;
    app.sign_in("acme", "ada@acme.test").await;

    app.apply("organizations: [{ slug: acme, name: Acme Inc, status: suspended }]").await;

    let [pushed] = endpoint.wait(1).await.try_into().expect("one");
    let set = Set::read(&app, &pushed.token).await;
    assert_eq!(set.event["reason_admin"]["en"], "The organization was suspended");
}

#[tokio::test]
async fn a_new_password_or_recovery_codes_are_a_change_of_credentials() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;

    acme(
        &app,
        "    users: [{ email: vic@acme.test, name: Vic Viewer, password: another password of theirs }]",
    )
    .await;
    acme(&app, "    users: [{ email: ada@acme.test, name: Ada Adler, break_glass: true }]").await;
    let ada = Email::parse("ada@acme.test").expect("an address");
    make_codes(&app.env, &app.org("acme").await, &ada).await.expect("made");

    let sets = siem.settled(&stream).await;
    assert!(sets.iter().all(|set| set.kind == CREDENTIAL_CHANGE && set.subject("session").is_null()));
    let said: BTreeSet<_> = sets
        .iter()
        .map(|set| format!("{} {}", set.event["credential_type"], set.event["change_type"]))
        .collect();
    assert_eq!(said, ["\"password\" \"update\"", "\"recovery-codes\" \"create\""].map(str::to_owned).into());
}

#[tokio::test]
async fn what_tokens_say_of_whoever_is_signed_in_is_told_when_it_changes() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;
    let vic = app.sign_in("acme", "vic@acme.test").await.claims("access_token")["sub"].clone();

    // Of Vic, who is signed in, and of Ada, who is not.
    let users = "    users:
      - { email: vic@acme.test, name: Victor, roles: [admin] }
      - { email: ada@acme.test, name: Ada Adler, roles: [viewer] }\n";
    acme(&app, users).await;
    let [set] = siem.settled(&stream).await.try_into().expect("one");
    assert_eq!((set.kind.as_str(), &set.subject("user")["sub"]), (CLAIMS_CHANGE, &vic));
    assert_eq!(
        set.event["claims"],
        json!({ "name": "Victor", "roles": ["admin"], "permissions": ["notes:read", "notes:write"] }),
        "and nothing of Orgate's own",
    );
    siem.poll(&stream, &json!({ "ack": [set.jti], "maxEvents": 0 })).await;

    // A role that they have, and one that nobody has.
    let roles = "    roles:
      - { slug: admin, permissions: [\"orgate:*\", \"notes:read\"] }
      - { slug: idle, permissions: [\"notes:read\"] }\n";
    acme(&app, roles).await;
    let [set] = siem.settled(&stream).await.try_into().expect("one");
    assert_eq!(set.event["claims"], json!({ "permissions": ["notes:read"] }));
    siem.poll(&stream, &json!({ "ack": [set.jti], "maxEvents": 0 })).await;

    // A name that no token says.
    acme(&app, "    roles: [{ slug: admin, name: Boss, permissions: [\"orgate:*\", \"notes:read\"] }]").await;
    assert!(siem.settled(&stream).await.is_empty());

    // A browser that is signed out by now, and an application that goes on; then neither.
    for (lapsed, told) in [("sessions", 1), ("grants", 0)] {
        let lapse = format!("update {lapsed} set expires_at = now() - interval '1 hour'");
        sqlx::raw_sql(AssertSqlSafe(lapse)).execute(app.database.superuser()).await.expect("lapsed");
        let permission = format!("{lapsed}:read");
        acme(&app, &format!("    roles: [{{ slug: admin, permissions: [\"orgate:*\", \"{permission}\"] }}]"))
            .await;
        let sets = siem.settled(&stream).await;
        assert_eq!(sets.len(), told, "{lapsed}");
        for set in sets {
            assert_eq!(set.event["claims"], json!({ "permissions": [permission] }));
            siem.poll(&stream, &json!({ "ack": [set.jti], "maxEvents": 0 })).await;
        }
    }
}

#[tokio::test]
async fn a_receiver_hears_of_the_permissions_that_its_resource_knows_and_of_no_others() {
    let app = app().await;
    app.apply(&format!(
        "clients:
  - {{ client_id: siem, organization: acme, name: SIEM, type: machine, audience: owner, client_secret: \"{SECRET}\",
      scopes: [ssf.read, ssf.manage], permissions: [\"notes:read\"] }}"
    ))
    .await;
    let (siem, other) = (Receiver::of(&app, "siem").await, Receiver::of(&app, "other").await);
    let streams = (siem.poll_stream().await, other.poll_stream().await);
    app.sign_in("acme", "vic@acme.test").await;
    let said = async |permissions: &str| {
        acme(&app, &format!("    roles: [{{ slug: viewer, permissions: [{permissions}] }}]\n")).await;
        let mut said = Vec::new();
        for (receiver, stream) in [(&siem, &streams.0), (&other, &streams.1)] {
            let sets = receiver.settled(stream).await;
            let jtis: Vec<_> = sets.iter().map(|set| set.jti.clone()).collect();
            receiver.poll(stream, &json!({ "ack": jtis, "maxEvents": 0 })).await;
            said.push(sets.iter().map(|set| set.event["claims"].clone()).collect::<Vec<_>>());
        }
        <[_; 2]>::try_from(said).expect("of both")
    };

    let [of_siem, of_other] = said("\"notes:read\", \"billing:pay\"").await;
    assert!(of_siem.is_empty(), "nothing that it knows has changed: {of_siem:?}");
    assert_eq!(of_other, [json!({ "permissions": ["billing:pay", "notes:read"] })]);

    let [of_siem, of_other] = said("\"billing:pay\"").await;
    assert_eq!(of_siem, [json!({ "permissions": [] })], "and nothing of the others");
    assert_eq!(of_other, [json!({ "permissions": ["billing:pay"] })]);

    app.apply(
        "organizations:
  - slug: acme
    name: Acme Inc
    users: [{ email: vic@acme.test, name: Vic Viewer, roles: [admin] }]",
    )
    .await;
    let [set] = siem.settled(&streams.0).await.try_into().expect("one");
    assert_eq!(set.event["claims"], json!({ "roles": ["admin"], "permissions": ["notes:read"] }));
}

#[tokio::test]
async fn a_stream_gets_what_it_asked_for_of_whom_it_did_not_remove() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let everything = siem.poll_stream().await;
    let credentials = siem.create(&json!({ "events_requested": [CREDENTIAL_CHANGE] })).await;
    let without_ada = siem.poll_stream().await;
    let ada = json!({ "format": "email", "email": "Ada@ACME.test" });
    let subject = |subject: &serde_json::Value| json!({ "stream_id": without_ada, "subject": subject });
    assert_eq!(siem.post("/ssf/subjects/remove", &subject(&ada)).await.status, 204);

    let of_ada = signed_out(&app, "ada@acme.test").await;
    let of_vic = signed_out(&app, "vic@acme.test").await;

    let sessions = async |stream: &str| {
        let sets = siem.settled(stream).await;
        sets.iter()
            .map(|set| set.subject("session")["id"].as_str().expect("text").to_owned())
            .collect::<BTreeSet<_>>()
    };
    let both: BTreeSet<String> = [of_ada, of_vic.clone()].into();
    assert_eq!(sessions(&everything).await, both);
    assert_eq!(sessions(&credentials).await, BTreeSet::new());
    assert_eq!(sessions(&without_ada).await, [of_vic].into());

    assert_eq!(siem.post("/ssf/subjects/add", &subject(&ada)).await.status, 200);
    let again = signed_out(&app, "ada@acme.test").await;
    assert!(sessions(&without_ada).await.contains(&again), "and hears of her again");
}

#[tokio::test]
async fn the_organization_itself_can_be_removed_and_a_subject_that_is_nobody_is_answered_alike() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let (silent, stream) = (siem.poll_stream().await, siem.poll_stream().await);
    let acme = app.org("acme").await.org_id().to_string();
    let globex = app.org("globex").await.org_id().to_string();
    let tenant = |id: &str| json!({ "format": "complex", "tenant": { "format": "opaque", "id": id } });
    siem.post("/ssf/subjects/remove", &json!({ "stream_id": silent, "subject": tenant(&acme) })).await;
    let mut answers = BTreeSet::new();
    for subject in [
        tenant(&globex),
        json!({ "format": "email", "email": "gus@globex.test" }),
        json!({ "format": "email", "email": "nobody@acme.test" }),
        json!({ "format": "email", "email": "vic@acme.test" }),
        json!({ "format": "opaque", "id": "x" }),
        json!({ "format": "phone_number", "phone_number": "+12065550123" }),
    ] {
        let body = json!({ "stream_id": stream, "subject": subject });
        let reply = siem.post("/ssf/subjects/remove", &body).await;
        answers.insert(format!("{} {}", reply.status, reply.body));
    }
    assert_eq!(answers, ["204 null".to_owned()].into(), "it tells nothing of who is there");

    signed_out(&app, "ada@acme.test").await;

    assert_eq!(siem.settled(&stream).await.len(), 1, "Globex' tenant is not Acme's");
    assert!(siem.waiting(&silent).await.is_empty());
}

#[tokio::test]
async fn every_action_that_receivers_hear_of_is_signalled_by_the_database_and_no_other() {
    let app = app().await;

    let definition: String = sqlx::query_scalar(
        "select pg_get_triggerdef(oid) from pg_trigger where tgname = 'signal_streams' and tgparentid = 0",
    )
    .fetch_one(app.database.superuser())
    .await
    .expect("the trigger");

    for action in Action::ALL {
        let signalled = definition.contains(&format!("'{}'::text", action.as_str()));
        assert_eq!(signalled, !action.signals().is_empty(), "{}", action.as_str());
    }
}

/// The guide's table, as `action → event types`.
#[test]
fn the_guide_maps_every_action_that_receivers_hear_of() {
    let guide = include_str!("../../../docs/guides/shared-signals.md");
    let name = |event: &EventType| event.uri().rsplit('/').next().expect("a name").to_owned();
    for action in Action::ALL {
        let row = guide.lines().find(|line| line.starts_with(&format!("| `{}` |", action.as_str())));
        let told: Vec<_> = action.signals().iter().map(name).collect();
        let documented = row.map(|row| {
            let events = row.split('|').nth(2).expect("a cell").split('`').skip(1).step_by(2);
            events.map(str::to_owned).collect::<Vec<_>>()
        });
        assert_eq!(documented.unwrap_or_default(), told, "{}", action.as_str());
    }
}
