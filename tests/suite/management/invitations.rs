//! Invitations, made, sent again and taken back by an organization's own administrators.

use std::fmt::Write as _;

use chrono::Duration;
use orgate_tests::app::{App, client};
use orgate_tests::mailbox::Mailbox;
use serde_json::{Value, json};

use super::{app, call, token_of, token_of_user};

const INVITATIONS: &str = "/organizations/acme/invitations";

async fn invite(app: &App, token: &str, wanted: &Value) -> orgate_tests::app::Reply {
    call(app, Some(token), ("POST", INVITATIONS), Some(wanted)).await
}

async fn count(app: &App, what: &'static str) -> i64 {
    sqlx::query_scalar(what).fetch_one(app.database.superuser()).await.expect("counted")
}

/// The link in the newest mail to this address.
pub(super) async fn link_to(mailbox: &Mailbox, email: &str) -> String {
    let mails = mailbox.mails().await;
    let to_them = |mail: &&Value| mail["to"].to_string().contains(email);
    let mail = mails.iter().find(to_them).expect("a mail to them");
    let text = mail["text"].as_str().expect("a text");
    let from = text.find("http://").expect("a link");
    text[from..].split_whitespace().next().expect("a link").to_owned()
}

#[tokio::test]
async fn an_administrator_invites_somebody_and_the_link_is_in_the_mail_and_nowhere_else() {
    let app = app().await;
    let mailbox = Mailbox::open().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let wanted = json!({
        "email": "new@acme.test", "name": "Nora New", "roles": ["viewer"], "locale": "de", "expires_in_hours": 24,
    });

    let made = invite(&app, &ada, &wanted).await;

    assert_eq!(made.status, 201, "{:?}", made.body);
    insta::assert_json_snapshot!(made.body, {
        ".id" => "inv_…", ".created_at" => "…", ".expires_at" => "…", ".sent_at" => "…", ".invited_by" => "usr_…",
    }, @r#"
    {
      "accepted_at": null,
      "created_at": "…",
      "email": "new@acme.test",
      "expires_at": "…",
      "groups": [],
      "id": "inv_…",
      "invited_by": "usr_…",
      "locale": "de",
      "name": "Nora New",
      "revoked_at": null,
      "roles": [
        "viewer"
      ],
      "sends": 1,
      "sent_at": "…",
      "status": "open",
      "user_id": null
    }
    "#);
    let sealed = "select count(*) from outbox where kind = 'invitation'
                  and position(convert_to('ogin_', 'utf8') in payload) > 0";
    assert_eq!(count(&app, sealed).await, 0, "it waits encrypted");
    while mailbox.collect(&app).await > 0 {}
    let link = link_to(&mailbox, "new@acme.test").await;
    assert!(link.contains("/invitations?invitation=ogin_"), "{link}");
    let left = "select count(*) from outbox where kind = 'invitation' and payload is not null";
    assert_eq!(count(&app, left).await, 0, "it is erased with its delivery");
    let at = made.headers["location"].to_str().expect("an address").to_owned();
    let path = at.split_once("/api/v1").expect("the API").1.to_owned();
    let read = call(&app, Some(&ada), ("GET", &path), None).await;
    assert_eq!(read.body, made.body);
    let listed = call(&app, Some(&ada), ("GET", &format!("{INVITATIONS}?email=NEW@acme.test")), None).await;
    assert_eq!(listed.body["items"], json!([made.body]));
    let others = call(&app, Some(&ada), ("GET", &format!("{INVITATIONS}?email=other@acme.test")), None).await;
    assert_eq!(others.body["items"], json!([]));

    let again = invite(&app, &ada, &wanted).await;
    assert_eq!((again.status, again.text("type").as_str()), (409, "urn:orgate:problem:taken"));
    assert!(again.text("detail").contains("open already"), "{:?}", again.body);
    let user = invite(&app, &ada, &json!({ "email": "VIC@acme.test" })).await;
    assert_eq!((user.status, user.body["errors"][0]["pointer"].as_str()), (409, Some("/email")));
    assert!(user.text("detail").contains("a user of the organization"), "{:?}", user.body);

    for _ in 0..2 {
        assert_eq!(call(&app, Some(&ada), ("DELETE", &path), None).await.status, 204);
    }
    assert_eq!(app.browser().get(&link).await.status, 410);
    assert_eq!(invite(&app, &ada, &wanted).await.status, 201, "there is room for another");
    let about = |event: &String| event.starts_with("invitation");
    let events: Vec<String> = app.events("acme").await.into_iter().filter(about).collect();
    assert_eq!(
        events,
        [
            "invitation.created success",
            "invitation.revoked success",
            "invitation.refused refused revoked_invitation",
            "invitation.created success",
        ]
    );
}

/// The same request twice makes one invitation, and orders one mail.
#[tokio::test]
async fn a_request_that_is_sent_again_invites_nobody_twice() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let body = json!({ "email": "new@acme.test" });
    let ask = async || {
        let path = app.at(&format!("/api/v1{INVITATIONS}"));
        let request = client().post(path).bearer_auth(&token).header("idempotency-key", "one").json(&body);
        orgate_tests::app::Reply::of(request.send().await.expect("answered")).await
    };

    let (first, second) = (ask().await, ask().await);

    assert_eq!((first.status, second.status), (201, 201), "{:?}", second.body);
    assert_eq!(first.body, second.body);
    assert_eq!(count(&app, "select count(*) from outbox where kind = 'invitation'").await, 1);
}

/// Somebody else's mailbox is not filled by taking back and inviting anew.
#[tokio::test]
async fn an_address_is_written_to_so_often_and_no_more_whatever_becomes_of_the_invitations() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let wanted = json!({ "email": "victim@elsewhere.test" });
    let mut last = String::new();

    for _ in 0..10 {
        let made = invite(&app, &token, &wanted).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        last = format!("{INVITATIONS}/{}", made.text("id"));
        assert_eq!(call(&app, Some(&token), ("DELETE", &last), None).await.status, 204);
    }
    let refused = invite(&app, &token, &wanted).await;

    assert_eq!((refused.status, refused.text("type").as_str()), (409, "urn:orgate:problem:limit_reached"));
    assert!(refused.text("detail").contains("tomorrow"), "{:?}", refused.body);
    assert_eq!(call(&app, Some(&token), ("GET", &last), None).await.status, 200);
    assert_eq!(invite(&app, &token, &json!({ "email": "other@elsewhere.test" })).await.status, 201);
    app.clock.advance(Duration::days(2));
    let token = token_of(&app, "all").await;
    assert_eq!(invite(&app, &token, &wanted).await.status, 201);
}

/// Nor by sending the same one again and again.
#[tokio::test]
async fn each_mail_to_an_address_counts_whichever_invitation_it_is_of() {
    let app = app().await;
    let wanted = json!({ "email": "victim@elsewhere.test" });
    let resend = async |path: &str| {
        app.clock.advance(Duration::minutes(2));
        let token = token_of(&app, "all").await;
        let reply = call(&app, Some(&token), ("POST", &format!("{path}/resend")), None).await;
        (reply.status, reply.text("type"))
    };
    let take_back = async |path: &str| {
        let token = token_of(&app, "all").await;
        assert_eq!(call(&app, Some(&token), ("DELETE", path), None).await.status, 204);
    };
    let send_five_times = async || {
        let made = invite(&app, &token_of(&app, "all").await, &wanted).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        let path = format!("{INVITATIONS}/{}", made.text("id"));
        for _ in 0..4 {
            assert_eq!(resend(&path).await.0, 200);
        }
        path
    };
    let first = send_five_times().await;
    take_back(&first).await;
    let second = send_five_times().await;

    let again = resend(&second).await;

    let limit = "urn:orgate:problem:limit_reached".to_owned();
    assert_eq!(again, (409, limit.clone()), "it was sent five times, and they were written to ten times");
    take_back(&second).await;
    let anew = invite(&app, &token_of(&app, "all").await, &wanted).await;
    assert_eq!((anew.status, anew.text("type")), (409, limit));
    assert_eq!(count(&app, "select count(*) from outbox where kind = 'invitation'").await, 10);
    let other = json!({ "email": "other@elsewhere.test" });
    assert_eq!(invite(&app, &token_of(&app, "all").await, &other).await.status, 201);
    app.clock.advance(Duration::days(2));
    assert_eq!(invite(&app, &token_of(&app, "all").await, &wanted).await.status, 201);
}

#[tokio::test]
async fn a_resent_invitation_has_another_link_and_whoever_resends_it_vouches_for_it() {
    let app = app().await;
    let mailbox = Mailbox::open().await;
    let (ada, machine) =
        (token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await, token_of(&app, "all").await);
    let made = invite(&app, &ada, &json!({ "email": "new@acme.test", "roles": ["admin"] })).await;
    let path = format!("{INVITATIONS}/{}", made.text("id"));
    let resend = format!("{path}/resend");
    while mailbox.collect(&app).await > 0 {}
    let first = link_to(&mailbox, "new@acme.test").await;

    let hasty = call(&app, Some(&machine), ("POST", &resend), None).await;
    app.clock.advance(Duration::minutes(2));
    let machine = token_of(&app, "all").await;
    let sent = call(&app, Some(&machine), ("POST", &resend), None).await;

    assert_eq!((hasty.status, hasty.text("type").as_str()), (409, "urn:orgate:problem:limit_reached"));
    assert_eq!((sent.status, sent.body["sends"].as_u64()), (200, Some(2)), "{:?}", sent.body);
    assert!(sent.text("invited_by").starts_with("cli_"), "{:?}", sent.body);
    while mailbox.collect(&app).await > 0 {}
    let second = link_to(&mailbox, "new@acme.test").await;
    assert_ne!(first, second);
    assert_eq!(app.browser().get(&first).await.status, 404, "the former one opens nothing");
    assert_eq!(app.browser().get(&second).await.status, 200);

    // It lapses, is sent again, and is good.
    app.clock.advance(Duration::days(8));
    assert_eq!(app.browser().get(&second).await.status, 410);
    let machine = token_of(&app, "all").await;
    assert_eq!(call(&app, Some(&machine), ("POST", &resend), None).await.status, 200);
    while mailbox.collect(&app).await > 0 {}
    assert_eq!(app.browser().get(link_to(&mailbox, "new@acme.test").await).await.status, 200);
}

/// Nobody gets a mail with a link that leads nowhere.
#[tokio::test]
async fn what_was_taken_back_before_its_mail_was_sent_is_not_sent() {
    let app = App::start_without_jobs(|_| {}).await;
    app.apply(&super::machines(&app)).await;
    let mailbox = Mailbox::open().await;
    let token = token_of(&app, "all").await;
    let made = invite(&app, &token, &json!({ "email": "new@acme.test" })).await;
    let path = format!("{INVITATIONS}/{}", made.text("id"));
    assert_eq!(call(&app, Some(&token), ("DELETE", &path), None).await.status, 204);

    assert_eq!(mailbox.collect(&app).await, 1);

    assert_eq!(mailbox.mails().await, [] as [Value; 0]);
    assert_eq!(count(&app, "select count(*) from outbox where delivered_at is null").await, 0);
}

/// DESIGN 3.8: nobody gives by an invitation what they may not give, by a role or by a group.
#[tokio::test]
async fn nobody_invites_with_what_is_not_theirs_to_give() {
    let app = app().await;
    let api = app.env.issuer.api();
    app.apply(&format!(
        "organizations:\n  - slug: acme\n    name: Acme Inc\n    roles:\n      \
         - {{ slug: inviter, permissions: [\"orgate:invitations:manage\", \"orgate:roles:assign\", \"orgate:groups:manage\", \"notes:read\"] }}\n      \
         - {{ slug: plain-inviter, permissions: [\"orgate:invitations:manage\"] }}\n      \
         - {{ slug: reader, permissions: [\"notes:read\"] }}\n    \
         groups:\n      - {{ slug: chiefs, roles: [admin] }}\n      - {{ slug: inviters, roles: [inviter] }}\n\
         clients:\n  - {{ client_id: inviter, organization: acme, name: Inviter, type: machine, audience: owner, \
         client_secret: \"${{SECRET}}\", resources: [\"{api}\"], scopes: [\"orgate:*\", notes], roles: [inviter] }}\n  \
         - {{ client_id: plain-inviter, organization: acme, name: Plain, type: machine, audience: owner, \
         client_secret: \"${{SECRET}}\", resources: [\"{api}\"], scopes: [\"orgate:*\"], roles: [plain-inviter] }}\n"
    ))
    .await;
    let (inviter, plain) = (token_of(&app, "inviter").await, token_of(&app, "plain-inviter").await);
    let ask = async |token: &str, roles: &[&str], groups: &[&str]| {
        let wanted = json!({ "email": "new@acme.test", "roles": roles, "groups": groups });
        let reply = invite(&app, token, &wanted).await;
        (reply.status, reply.body["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned())
    };
    let at = |status, pointer: &str| (status, pointer.to_owned());

    assert_eq!(ask(&inviter, &["admin"], &[]).await, at(403, "/roles/0"));
    assert_eq!(ask(&inviter, &["inviter", "reader"], &[]).await, at(403, "/roles/1"), "of another name");
    assert_eq!(ask(&inviter, &[], &["inviters", "chiefs"]).await, at(403, "/groups/1"), "by a group");
    assert_eq!(ask(&inviter, &["nobody"], &[]).await, at(422, "/roles/0"));
    assert_eq!(ask(&inviter, &[], &["nobody"]).await, at(422, "/groups/0"));
    assert_eq!(ask(&plain, &["plain-inviter"], &[]).await, at(403, "/roles"), "who may not assign");
    assert_eq!(ask(&plain, &[], &["inviters"]).await, at(403, "/groups"));
    assert_eq!(count(&app, "select count(*) from invitations").await, 0);
    assert_eq!(count(&app, "select count(*) from outbox where kind = 'invitation'").await, 0);
    assert!(app.events("acme").await.contains(&"api.refused refused beyond_caller".to_owned()));

    let made = invite(
        &app,
        &inviter,
        &json!({ "email": "new@acme.test", "roles": ["inviter"], "groups": ["inviters"] }),
    )
    .await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    // To send it again is to give what it gives.
    app.clock.advance(Duration::minutes(2));
    let plain = token_of(&app, "plain-inviter").await;
    let path = format!("{INVITATIONS}/{}/resend", made.text("id"));
    assert_eq!(call(&app, Some(&plain), ("POST", &path), None).await.status, 403);
}

#[tokio::test]
async fn what_cannot_be_is_told_with_its_place() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let mut seen = String::new();

    for wanted in [
        json!({}),
        json!({ "email": "nobody" }),
        json!({ "email": "new@acme.test", "name": "" }),
        json!({ "email": "new@acme.test", "locale": "de_DE" }),
        json!({ "email": "new@acme.test", "expires_in_hours": 0 }),
        json!({ "email": "new@acme.test", "expires_in_hours": 721 }),
        json!({ "email": "new@acme.test", "client_id": "nobody" }),
        json!({ "email": "new@acme.test", "client_id": "notes" }),
        json!({ "email": "new@acme.test", "roles": ["No Slug"] }),
        json!({ "email": "new@acme.test", "admin": true }),
    ] {
        let reply = invite(&app, &token, &wanted).await;
        let pointer = reply.body["errors"][0]["pointer"].as_str().unwrap_or("-");
        writeln!(seen, "{} {pointer} {}", reply.status, reply.text("detail")).expect("written");
    }

    insta::assert_snapshot!(seen, @"
    422  missing field `email` at line 1 column 2
    422 /email not an e-mail address, like name@example.com
    422 /name a name is 1 to 200 characters without control or direction-changing characters
    422 /locale a language tag (BCP 47), like de or pt-BR
    422 /expires_in_hours an invitation is good for one hour to 30 days
    422 /expires_in_hours an invitation is good for one hour to 30 days
    422 /client_id no application of this client_id is open to the organization and begins sign-ins at an address of its own (initiate_login_uri)
    422 /client_id no application of this client_id is open to the organization and begins sign-ins at an address of its own (initiate_login_uri)
    422 /roles/0 a slug is 1 to 63 lower-case letters, digits and inner hyphens, and does not start with `org_`
    422 /admin unknown field `admin`, expected one of `email`, `name`, `locale`, `roles`, `groups`, `client_id`, `expires_in_hours` at line 1 column 8
    ");
}

/// An administrator of another organization learns nothing, and changes nothing.
#[tokio::test]
async fn an_invitation_is_of_one_organization() {
    let app = app().await;
    let (acme, globex) = (token_of(&app, "all").await, token_of(&app, "globex-all").await);
    let id = invite(&app, &acme, &json!({ "email": "new@acme.test" })).await.text("id");
    let theirs = format!("/organizations/globex/invitations/{id}");

    let read = call(&app, Some(&globex), ("GET", &theirs), None).await;
    let revoked = call(&app, Some(&globex), ("DELETE", &theirs), None).await;
    let resent = call(&app, Some(&globex), ("POST", &format!("{theirs}/resend")), None).await;
    let listed = call(&app, Some(&globex), ("GET", "/organizations/globex/invitations"), None).await;
    let same = json!({ "email": "new@acme.test" });
    let own = call(&app, Some(&globex), ("POST", "/organizations/globex/invitations"), Some(&same)).await;

    assert_eq!((read.status, revoked.status, resent.status), (404, 404, 404));
    assert_eq!(listed.body["items"], json!([]));
    assert_eq!(own.status, 201, "the same address is another one's there");
    assert_eq!(count(&app, "select count(*) from invitations where revoked_at is null").await, 2);
}
