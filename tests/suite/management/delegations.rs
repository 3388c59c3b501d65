//! Organizations above others act in them, as far as these let them.

use std::fmt::Write as _;

use orgate_tests::app::{App, Reply};
use orgate_tests::mailbox::Mailbox;
use serde_json::{Value, json};

use super::invitations::link_to;
use super::rights::{hold_rights, let_go};
use super::{app, call, token_of, token_of_user};

/// Below Acme: east, below that its desk, and west, each with a machine that may everything in it, and a user; and a machine of
/// Acme's that may everything but act below.
async fn tree(app: &App) {
    let operator = token_of(app, "operator-all").await;
    let api = app.env.issuer.api();
    let mut clients = "clients:\n".to_owned();
    for (slug, parent) in [("east", "acme"), ("desk", "east"), ("west", "acme")] {
        let wanted = json!({ "slug": slug, "name": slug, "parent": parent });
        let made = call(app, Some(&operator), ("POST", "/organizations"), Some(&wanted)).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        writeln!(
            clients,
            "  - {{ client_id: {slug}-all, organization: {slug}, name: {slug}, type: machine, audience: owner, \
             client_secret: \"${{SECRET}}\", resources: [\"{api}\"], scopes: [\"orgate:*\"], roles: [owner] }}"
        )
        .expect("written");
    }
    app.apply(&clients).await;
}

async fn id_of(app: &App, slug: &str) -> String {
    app.org(slug).await.org_id().to_string()
}

/// Whoever has everything in `organization` lets another one do this there.
async fn let_in(app: &App, organization: &str, delegate: &str, permissions: &[&str]) -> Reply {
    let token = token_of(app, &format!("{organization}-all")).await;
    let path = format!("/organizations/{organization}/delegations/{}", id_of(app, delegate).await);
    call(app, Some(&token), ("PUT", &path), Some(&json!({ "permissions": permissions }))).await
}

#[tokio::test]
async fn who_is_above_acts_below_as_they_are_let_and_hold_at_home_and_in_no_other_direction() {
    let app = app().await;
    tree(&app).await;
    let acme = token_of(&app, "all").await;
    let get = async |token: &str, path: &str| call(&app, Some(token), ("GET", path), None).await;
    let nowhere = get(&acme, "/organizations/nowhere/users").await;
    let same = |one: &Reply| (one.status, one.body.to_string()) == (nowhere.status, nowhere.body.to_string());
    assert!(same(&get(&acme, "/organizations/east/users").await), "not unless it is said");

    let made = let_in(&app, "east", "acme", &["orgate:users:*", "orgate:roles:read"]).await;

    assert_eq!(made.status, 200, "{:?}", made.body);
    assert_eq!(made.body["permissions"], json!(["orgate:roles:read", "orgate:users:*"]));
    assert_eq!(get(&acme, "/organizations/east/users").await.status, 200);
    let by_id = format!("/organizations/{}/roles", id_of(&app, "east").await);
    assert_eq!(get(&acme, &by_id).await.status, 200);
    let new = json!({ "email": "new@east.test", "name": "New" });
    let user = call(&app, Some(&acme), ("POST", "/organizations/east/users"), Some(&new)).await;
    assert_eq!(user.status, 201, "{:?}", user.body);
    // What it does not let, and what is not its to let.
    let refused = get(&acme, "/organizations/east/sessions").await;
    assert_eq!((refused.status, refused.text("type").as_str()), (403, "urn:orgate:problem:forbidden"));
    let status = json!({ "status": "suspended" });
    assert!(same(&call(&app, Some(&acme), ("PUT", "/organizations/east/status"), Some(&status)).await));
    // Nor whoever may not act below, or not do it at home.
    let but_act = token_of(&app, "but-orgate-suborganizations-act").await;
    assert!(same(&get(&but_act, "/organizations/east/users").await));
    let only_act = token_of(&app, "only-orgate-suborganizations-act").await;
    assert_eq!(get(&only_act, "/organizations/east/users").await.status, 403);
    // Neither sideways, nor upwards, nor further down.
    for token in ["west-all", "desk-all", "globex-all"] {
        let token = token_of(&app, token).await;
        assert!(same(&get(&token, "/organizations/east/users").await), "{token}");
    }
    for path in ["/organizations/desk/users", "/organizations/west/users", "/organizations/globex/users"] {
        assert!(same(&get(&acme, path).await), "{path}");
    }
    let east = token_of(&app, "east-all").await;
    assert!(same(&get(&east, "/organizations/acme/users").await));
    // There are as many as let it.
    let below = get(&acme, "/organizations/acme/suborganizations").await;
    assert_eq!(below.body["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&below.body["items"][0]["slug"], &below.body["items"][0]["permissions"][0]),
        (&json!("east"), &json!("orgate:roles:read"))
    );

    let told: Vec<(String, Option<String>, Value)> = sqlx::query_as(
        "select action, actor_id, detail from audit_events event
         join organizations organization on organization.org_id = event.org_id
         where slug = 'east' and actor_kind = 'delegate' order by event.occurred_at, event.id",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the log");
    let actions: Vec<_> = told.iter().map(|(action, ..)| action.as_str()).collect();
    assert_eq!(actions, ["delegate.entered", "delegate.entered", "delegate.entered", "user.configured"]);
    let acme_id = id_of(&app, "acme").await;
    for (_, actor, detail) in told {
        assert_eq!(actor.as_ref(), Some(&acme_id));
        assert_eq!(detail["delegate_reason"], "to try what happens");
        assert!(detail["delegate"].as_str().is_some_and(|id| id.starts_with("cli_")));
    }
}

#[tokio::test]
async fn it_ends_when_it_is_said_when_it_is_suspended_and_when_the_other_is_above_no_more() {
    let app = app().await;
    tree(&app).await;
    let (acme, east) = (token_of(&app, "all").await, token_of(&app, "east-all").await);
    let operator = token_of(&app, "operator-all").await;
    let users = async || call(&app, Some(&acme), ("GET", "/organizations/east/users"), None).await.status;
    let put = async |what: &str, body: Value| {
        let path = format!("/organizations/east/{what}");
        call(&app, Some(&operator), ("PUT", &path), Some(&body)).await.status
    };
    let path = format!("/organizations/east/delegations/{}", id_of(&app, "acme").await);
    assert_eq!(let_in(&app, "east", "acme", &["orgate:users:read"]).await.status, 200);
    assert_eq!(users().await, 200);

    let desk = async |token: &str| {
        call(&app, Some(token), ("GET", "/organizations/east/suborganizations"), None).await.status
    };
    assert_eq!((desk(&east).await, desk(&acme).await), (200, 403), "nobody goes further down");
    assert_eq!(put("status", json!({ "status": "suspended" })).await, 200);
    assert_eq!(users().await, 404);
    assert_eq!(put("status", json!({ "status": "active" })).await, 200);
    assert_eq!(users().await, 200);

    assert_eq!(call(&app, Some(&east), ("DELETE", &path), None).await.status, 204);
    assert_eq!(users().await, 404);
    assert_eq!(call(&app, Some(&east), ("DELETE", &path), None).await.status, 404);

    assert_eq!(let_in(&app, "east", "acme", &["orgate:users:read"]).await.status, 200);
    assert_eq!(put("parent", json!({ "parent": "globex" })).await, 200);
    assert_eq!(users().await, 404);
    assert_eq!(put("parent", json!({ "parent": "acme" })).await, 200);
    assert_eq!(users().await, 404, "not even when it is above again");
    let listed = call(&app, Some(&east), ("GET", "/organizations/east/delegations"), None).await;
    assert_eq!(listed.body["items"], json!([]));
    let ended: i64 = sqlx::query_scalar(
        "select count(*) from audit_events where action = 'delegation.configured' and detail ->> 'change' = 'removed'",
    )
    .fetch_one(app.database.superuser())
    .await
    .expect("counted");
    assert_eq!(ended, 2, "by its own people, and by the move");
}

#[tokio::test]
async fn nobody_lets_in_whom_or_for_what_is_not_theirs_to_say() {
    let app = app().await;
    tree(&app).await;
    let east = token_of(&app, "east-all").await;
    let path =
        async |delegate: &str| format!("/organizations/east/delegations/{}", id_of(&app, delegate).await);
    let put = async |token: &str, path: String, permissions: Value| {
        call(&app, Some(token), ("PUT", &path), Some(&json!({ "permissions": permissions }))).await
    };
    let read = json!(["orgate:users:read"]);
    let nobody = "/organizations/east/delegations/org_00000000000000000000000000".to_owned();
    let absent = put(&east, nobody, read.clone()).await;
    assert_eq!(absent.status, 404);
    for stranger in ["globex", "west", "desk", "east"] {
        let refused = put(&east, path(stranger).await, read.clone()).await;
        assert_eq!((refused.status, refused.body.to_string()), (404, absent.body.to_string()), "{stranger}");
    }
    for wrong in [json!([]), json!(["notes:read"]), json!(["orgate:users:fly"]), json!(["*"])] {
        assert_eq!(put(&east, path("acme").await, wrong.clone()).await.status, 422, "{wrong}");
    }
    // What they do not hold: somebody of the help desk who may say who is let in.
    let api = app.env.issuer.api();
    app.apply(&format!(
        "organizations:
  - slug: east
    name: east
    roles:
      - {{ slug: porter, permissions: [\"orgate:delegations:*\", \"orgate:users:read\"] }}
clients:
  - {{ client_id: east-porter, organization: east, name: Porter, type: machine, audience: owner, client_secret: \"${{SECRET}}\", resources: [\"{api}\"], scopes: [\"orgate:*\"], roles: [porter] }}\n"
    ))
    .await;
    let porter = token_of(&app, "east-porter").await;
    assert_eq!(put(&porter, path("acme").await, json!(["orgate:users:*"])).await.status, 403);
    assert_eq!(put(&porter, path("acme").await, read.clone()).await.status, 200);
    assert_eq!(put(&east, path("acme").await, json!(["orgate:*"])).await.status, 200);
    assert_eq!(put(&porter, path("acme").await, read).await.status, 403, "nor what they could not give back");
    assert_eq!(call(&app, Some(&porter), ("DELETE", &path("acme").await), None).await.status, 403);
}

/// By `orgate:*` below, one would otherwise have at once what one does not have above.
#[tokio::test]
async fn who_acts_below_gives_no_more_than_they_hold_above_and_are_let() {
    let app = app().await;
    tree(&app).await;
    let permissions = ["orgate:roles:*", "orgate:users:*"];
    assert_eq!(let_in(&app, "east", "acme", &permissions).await.status, 200);
    let acme = token_of(&app, "all").await;
    let role = async |token: &str, slug: &str, permissions: Value| {
        let wanted = json!({ "slug": slug, "name": slug, "permissions": permissions });
        call(&app, Some(token), ("POST", "/organizations/east/roles"), Some(&wanted)).await.status
    };

    assert_eq!(role(&acme, "users", json!(["orgate:users:read"])).await, 201);
    assert_eq!(role(&acme, "all", json!(["orgate:*"])).await, 403);
    assert_eq!(role(&acme, "log", json!(["orgate:audit:read"])).await, 403);
    assert_eq!(
        role(&acme, "notes", json!(["notes:read"])).await,
        403,
        "what they hold of Acme's applications is Acme's"
    );
    let but_read = token_of(&app, "but-orgate-users-read").await;
    assert_eq!(role(&but_read, "users-too", json!(["orgate:users:read"])).await, 403);
    // And takes nothing from whoever holds more.
    let owner = json!({ "email": "owner@east.test", "name": "Owner", "roles": ["owner"] });
    let east = token_of(&app, "east-all").await;
    let owner = call(&app, Some(&east), ("POST", "/organizations/east/users"), Some(&owner)).await.text("id");
    let path = format!("/organizations/east/users/{owner}");
    let off = json!({ "status": "deactivated" });
    assert_eq!(call(&app, Some(&acme), ("PATCH", &path), Some(&off)).await.status, 403);
}

#[tokio::test]
async fn an_invitation_of_somebody_above_falls_with_what_they_were_let() {
    let app = app().await;
    tree(&app).await;
    let mailbox = Mailbox::open().await;
    let permissions =
        ["orgate:invitations:*", "orgate:roles:assign", "orgate:users:read", "orgate:applications:grant"];
    assert_eq!(let_in(&app, "east", "acme", &permissions).await.status, 200);
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let invite = async |email: &str| {
        let wanted = json!({ "email": email });
        let made = call(&app, Some(&ada), ("POST", "/organizations/east/invitations"), Some(&wanted)).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        while mailbox.collect(&app).await > 0 {}
        link_to(&mailbox, email).await
    };
    let (first, second) = (invite("first@partner.test").await, invite("second@partner.test").await);
    let status = async |link: &str| app.browser().get(link).await.status;
    assert_eq!(status(&first).await, 200);

    assert_eq!(let_in(&app, "east", "acme", &["orgate:users:read"]).await.status, 200);
    assert_eq!(status(&second).await, 410, "what it is let do no more");
    assert_eq!(let_in(&app, "east", "acme", &permissions).await.status, 200);
    assert_eq!(status(&second).await, 200, "it was let in all the while");

    let operator = token_of(&app, "operator-all").await;
    let put = async |to: &str| {
        let to = json!({ "status": to });
        call(&app, Some(&operator), ("PUT", "/organizations/acme/status"), Some(&to)).await.status
    };
    assert_eq!(put("suspended").await, 200);
    assert_eq!(status(&second).await, 410, "while whoever vouches is suspended");
    assert_eq!(put("active").await, 200);
    assert_eq!(status(&second).await, 200);

    let east = token_of(&app, "east-all").await;
    let path = format!("/organizations/east/delegations/{}", id_of(&app, "acme").await);
    assert_eq!(call(&app, Some(&east), ("DELETE", &path), None).await.status, 204);
    assert_eq!(let_in(&app, "east", "acme", &permissions).await.status, 200);
    for link in [&first, &second] {
        assert_eq!(status(link).await, 410, "what fell stays down");
    }
}

#[tokio::test]
async fn a_set_up_link_of_somebody_above_is_good_for_a_day_at_most() {
    let app = app().await;
    tree(&app).await;
    assert_eq!(let_in(&app, "east", "acme", &["orgate:setup_links:*", "orgate:domains:*"]).await.status, 200);
    let acme = token_of(&app, "all").await;
    let wanted = json!({ "purposes": ["domains"], "expires_in_hours": 100 });

    let made = call(&app, Some(&acme), ("POST", "/organizations/east/setup-links"), Some(&wanted)).await;

    assert_eq!(made.status, 201, "{:?}", made.body);
    let time = |name: &str| made.text(name).parse::<chrono::DateTime<chrono::Utc>>().expect("a time");
    assert_eq!((time("expires_at") - time("created_at")).num_hours(), 24);
    assert_eq!(app.browser().get(&made.text("url")).await.status, 200);
}

/// What is decided is decided by what they are let then: both changes wait, and theirs is the second.
#[tokio::test]
async fn a_change_of_somebody_above_that_waits_is_not_made_if_it_was_ended_or_narrowed_meanwhile() {
    let app = app().await;
    tree(&app).await;
    let (acme, east) = (token_of(&app, "all").await, token_of(&app, "east-all").await);
    let path = format!("/organizations/east/delegations/{}", id_of(&app, "acme").await);
    let users = ("POST", "/organizations/east/users");
    let late = json!({ "email": "late@east.test", "name": "Late" });
    let narrowed = json!({ "permissions": ["orgate:users:read"] });
    let let_go_on = json!({ "permissions": ["orgate:users:*", "orgate:roles:read"] });
    let cases = [
        (("DELETE", None), 204, 403),
        (("PUT", Some(&narrowed)), 200, 403),
        (("PUT", Some(&let_go_on)), 200, 201),
    ];

    for ((method, body), changed, expected) in cases {
        assert_eq!(let_in(&app, "east", "acme", &["orgate:users:*"]).await.status, 200);
        let holding = hold_rights(&app, "east").await;
        let theirs = async {
            app.blocked().await;
            call(&app, Some(&acme), users, Some(&late)).await
        };
        let go = async {
            app.blocked_by(2).await;
            let_go(holding).await;
        };
        let (first, second, ()) = tokio::join!(call(&app, Some(&east), (method, &path), body), theirs, go);

        assert_eq!((first.status, second.status), (changed, expected), "{method}: {:?}", second.body);
        let made = "select count(*) from users where email = 'late@east.test'";
        let made: i64 = sqlx::query_scalar(made).fetch_one(app.database.superuser()).await.expect("counted");
        assert_eq!(made, i64::from(expected == 201), "{method}");
    }
}
