//! A user from end to end: another address, what others call them, and the end of all that is theirs.

use orgate_tests::app::{App, CALLBACK, PASSWORD, SECRET};
use orgate_tests::logout_receiver::LogoutReceiver;
use orgate_tests::mailbox::Mailbox;
use serde_json::{Value, json};

use super::changes::call_with;
use super::{app, call, token_of, token_of_user};

const USERS: &str = "/organizations/acme/users";

/// Acme's user with this address: their path.
async fn path_of(app: &App, token: &str, email: &str) -> String {
    let found = call(app, Some(token), ("GET", &format!("{USERS}?email={email}")), None).await;
    format!("{USERS}/{}", found.body["items"][0]["id"].as_str().expect("a user"))
}

async fn count(app: &App, question: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(question.to_owned()))
        .fetch_one(app.database.superuser())
        .await
        .expect("counted")
}

/// Tables with a row that names this user.
async fn tables_that_name(app: &App, user: &str) -> Vec<String> {
    let id: orgate_domain::ids::UserId = user.parse().expect("an id");
    let tables: Vec<(String, String)> = sqlx::query_as(
        "select table_name::text, column_name::text from information_schema.columns
         where table_schema = 'public' and data_type = 'uuid'
           and (column_name in ('user_id', 'told_to', 'answered_by') or (table_name = 'users' and column_name = 'id'))
           and table_name not in (select viewname from pg_views) order by 1",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the catalog");
    let mut named = Vec::new();
    for (table, column) in tables {
        let rows = format!("select count(*) from {table} where {column} = '{}'", id.as_uuid());
        if count(app, &rows).await > 0 {
            named.push(table);
        }
    }
    named
}

#[tokio::test]
async fn another_address_is_proven_by_nobody_and_the_former_one_is_told_and_free() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let vic = path_of(&app, &ada, "vic@acme.test").await;
    let tokens = app.sign_in("acme", "vic@acme.test").await;
    let read = call(&app, Some(&ada), ("GET", &vic), None).await;
    let tag = read.headers["etag"].to_str().expect("a tag").to_owned();
    let mailbox = Mailbox::open().await;

    let body = json!({ "email": "Victor@Acme.test", "locale": "de-CH" });
    let changed = call_with(&app, &ada, ("PATCH", &vic), (&[("if-match", &tag)], &body)).await;

    assert_eq!(changed.status, 200, "{:?}", changed.body);
    let shown = |reply: &orgate_tests::app::Reply| {
        (reply.text("email"), reply.body["email_verified"].as_bool(), reply.body["locale"].clone())
    };
    assert_eq!(shown(&changed), ("Victor@Acme.test".to_owned(), Some(false), json!("de-CH")));
    let stale = call_with(&app, &ada, ("PATCH", &vic), (&[("if-match", &tag)], &body)).await;
    assert_eq!(stale.status, 412);
    // Discovery finds the organization neither by the one nor by the other.
    let indexed = format!(
        "select count(*) from email_index where user_id = '{}'",
        vic.rsplit('/')
            .next()
            .expect("an id")
            .parse::<orgate_domain::ids::UserId>()
            .expect("an id")
            .as_uuid()
    );
    assert_eq!(count(&app, &indexed).await, 0);
    // They sign in with it, and what they are signed in to goes on.
    assert_eq!(app.userinfo(&tokens.text("access_token")).await.body["email"], "Victor@Acme.test");
    assert_eq!(app.refresh(&tokens.text("refresh_token")).await.status, 200);
    let browser = app.browser();
    let page = browser.authorize(&[("organization", "acme")]).await;
    assert_eq!(browser.sign_in(page, "vic@acme.test", PASSWORD).await.status, 422);
    app.sign_in("acme", "victor@acme.test").await;

    // The same in another spelling stays as proven as it is, and nobody is told.
    let spelled =
        call(&app, Some(&ada), ("PATCH", &vic), Some(&json!({ "email": "victor@acme.test" }))).await;
    assert_eq!(shown(&spelled).0, "victor@acme.test");
    let again = json!({ "email": "vic@acme.test", "name": "New Vic" });
    assert_eq!(call(&app, Some(&ada), ("POST", USERS), Some(&again)).await.status, 201, "it is free");
    for (wrong, status) in [
        (json!({ "email": "ada@acme.test" }), 409),
        (json!({ "email": null }), 422),
        (json!({ "email": "nothing" }), 422),
        (json!({ "locale": "not a language" }), 422),
        (json!({ "email_verified": true }), 422),
    ] {
        let refused = call(&app, Some(&ada), ("PATCH", &vic), Some(&wrong)).await;
        let pointer = format!("/{}", wrong.as_object().expect("one").keys().next().expect("one"));
        assert_eq!(
            (refused.status, &refused.body["errors"][0]["pointer"]),
            (status, &json!(pointer)),
            "{wrong}"
        );
    }
    let plain = call(&app, Some(&ada), ("PATCH", &vic), Some(&json!({ "locale": null }))).await;
    assert_eq!(plain.body["locale"], Value::Null);
    mailbox.collect(&app).await;
    let mails = mailbox.mails().await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(mails[0]["to"].to_string().contains("vic@acme.test"), "{mails:?}");
    let text = mails[0]["text"].as_str().expect("a text").replace('\n', " ");
    assert!(text.contains("gave your account there another address"), "{text}");
    assert!(!text.to_lowercase().contains("victor@acme.test"), "which one is nobody's business: {text}");
}

/// Whoever has the address may become them, by an identity provider's word.
#[tokio::test]
async fn nobody_gives_an_address_to_whoever_has_what_is_not_theirs_to_give() {
    let app = app().await;
    let owner = token_of(&app, "all").await;
    let manager = token_of(&app, "only-orgate-users-manage").await;
    let (vic, ada) =
        (path_of(&app, &owner, "vic@acme.test").await, path_of(&app, &owner, "ada@acme.test").await);
    let plain = json!({ "email": "plain@acme.test", "name": "Plain" });
    let plain = call(&app, Some(&owner), ("POST", USERS), Some(&plain)).await.text("id");
    let patch = async |path: &str, email: &str| {
        call(&app, Some(&manager), ("PATCH", path), Some(&json!({ "email": email }))).await
    };

    // An administrator, somebody with an application's role, and nobody in particular.
    assert_eq!(patch(&ada, "mine@acme.test").await.status, 403);
    assert_eq!(patch(&vic, "mine@acme.test").await.status, 403);
    assert_eq!(patch(&format!("{USERS}/{plain}"), "mine@acme.test").await.status, 200);

    let renamed = call(&app, Some(&manager), ("PATCH", &vic), Some(&json!({ "name": "Victor" }))).await;
    assert_eq!(renamed.status, 200, "their name may be changed");
    assert_eq!(count(&app, "select count(*) from users where email = 'mine@acme.test'").await, 1);
}

#[tokio::test]
async fn an_old_invitation_makes_nobody_of_whoever_has_the_former_address() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let invited = json!({ "email": "nina@acme.test", "roles": ["viewer"] });
    let invitation =
        call(&app, Some(&token), ("POST", "/organizations/acme/invitations"), Some(&invited)).await;
    assert_eq!(invitation.status, 201, "{:?}", invitation.body);
    let wanted = json!({ "email": "nina@acme.test", "name": "Nina" });
    let nina = call(&app, Some(&token), ("POST", USERS), Some(&wanted)).await;
    let nina = format!("{USERS}/{}", nina.text("id"));

    let changed = call(&app, Some(&token), ("PATCH", &nina), Some(&json!({ "email": "n@acme.test" }))).await;

    assert_eq!(changed.status, 200, "{:?}", changed.body);
    let path = format!("/organizations/acme/invitations/{}", invitation.text("id"));
    assert_eq!(call(&app, Some(&token), ("GET", &path), None).await.body["status"], "revoked");
}

#[tokio::test]
async fn what_others_call_somebody_is_theirs_alone_in_their_organization() {
    let app = app().await;
    let (acme, globex) = (token_of(&app, "all").await, token_of(&app, "globex-all").await);
    let one = json!({ "email": "one@acme.test", "name": "One", "external_id": "CRM/7 ü", "locale": "de" });
    let made = call(&app, Some(&acme), ("POST", USERS), Some(&one)).await;
    assert_eq!((made.status, made.text("external_id")), (201, "CRM/7 ü".to_owned()), "{:?}", made.body);
    let find = async |token: &str, query: &str| {
        let organization = if token == acme { "acme" } else { "globex" };
        let path = format!("/organizations/{organization}/users?{query}");
        call(&app, Some(token), ("GET", &path), None).await
    };

    let found = find(&acme, "external_id=CRM%2F7%20%C3%BC").await;
    assert_eq!(found.body["items"], json!([made.body]));
    assert_eq!(
        find(&acme, "external_id=crm%2F7%20%C3%BC").await.body["items"],
        json!([]),
        "as it is written"
    );
    assert_eq!(find(&globex, "external_id=CRM%2F7%20%C3%BC").await.body["items"], json!([]));
    let both = find(&acme, "external_id=CRM%2F7%20%C3%BC&email=vic@acme.test").await;
    assert_eq!(both.body["items"], json!([]));
    assert_eq!(find(&acme, "external_id=").await.status, 400);

    let vic = path_of(&app, &acme, "vic@acme.test").await;
    let taken = call(&app, Some(&acme), ("PATCH", &vic), Some(&json!({ "external_id": "CRM/7 ü" }))).await;
    assert_eq!((taken.status, &taken.body["errors"][0]["pointer"]), (409, &json!("/external_id")));
    let twice = json!({ "email": "two@acme.test", "name": "Two", "external_id": "CRM/7 ü" });
    let twice = call(&app, Some(&acme), ("POST", USERS), Some(&twice)).await;
    assert_eq!((twice.status, &twice.body["errors"][0]["pointer"]), (409, &json!("/external_id")));
    let elsewhere = json!({ "email": "one@globex.test", "name": "One", "external_id": "CRM/7 ü" });
    let elsewhere =
        call(&app, Some(&globex), ("POST", "/organizations/globex/users"), Some(&elsewhere)).await;
    assert_eq!(elsewhere.status, 201, "another organization's are its own: {:?}", elsewhere.body);

    let path = format!("{USERS}/{}", made.text("id"));
    let cleared = call(&app, Some(&acme), ("PATCH", &path), Some(&json!({ "external_id": null }))).await;
    assert_eq!((cleared.status, &cleared.body["external_id"]), (200, &Value::Null));
    let moved = call(&app, Some(&acme), ("PATCH", &vic), Some(&json!({ "external_id": "CRM/7 ü" }))).await;
    assert_eq!(moved.status, 200, "{:?}", moved.body);
    for wrong in ["", "a\nb", &"x".repeat(256)] {
        let refused = call(&app, Some(&acme), ("PATCH", &vic), Some(&json!({ "external_id": wrong }))).await;
        assert_eq!(refused.status, 422, "{wrong}");
    }
}

#[tokio::test]
async fn a_user_who_is_deleted_leaves_nothing_but_the_log() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let vic = path_of(&app, &ada, "vic@acme.test").await;
    let id = vic.rsplit('/').next().expect("an id").to_owned();
    let group = json!({ "slug": "staff", "name": "Staff" });
    let group = call(&app, Some(&ada), ("POST", "/organizations/acme/groups"), Some(&group)).await.text("id");
    let member = format!("/organizations/acme/groups/{group}/members/{id}");
    assert_eq!(call(&app, Some(&ada), ("PUT", &member), None).await.status, 204);
    let tokens = app.sign_in("acme", "vic@acme.test").await;
    let browser = app.browser();
    let page = browser.authorize(&[("organization", "acme")]).await;
    let code = browser.sign_in(page, "vic@acme.test", PASSWORD).await.answer("code");
    let read = call(&app, Some(&ada), ("GET", &vic), None).await;
    let tag = read.headers["etag"].to_str().expect("a tag").to_owned();

    let stale = call_with(&app, &ada, ("DELETE", &vic), (&[("if-match", "\"x\"")], &Value::Null)).await;
    assert_eq!(stale.status, 412);
    let gone = call_with(&app, &ada, ("DELETE", &vic), (&[("if-match", &tag)], &Value::Null)).await;

    assert_eq!(gone.status, 204, "{:?}", gone.body);
    assert_eq!(tables_that_name(&app, &id).await, audit_partitions(&app).await);
    assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 401);
    assert_eq!(app.refresh(&tokens.text("refresh_token")).await.status, 400);
    assert_eq!(app.redeem(&code).await.status, 400);
    for (method, path) in [("DELETE", &vic), ("GET", &vic)] {
        assert_eq!(call(&app, Some(&ada), (method, path), None).await.status, 404, "{method}");
    }
    let events = app.events("acme").await;
    let told = |event: &str| events.iter().any(|seen| seen.starts_with(event));
    assert!(told("session.ended success user_deleted") && told("user.deleted success"), "{events:?}");
    let again = json!({ "email": "vic@acme.test", "name": "Another Vic" });
    let again = call(&app, Some(&ada), ("POST", USERS), Some(&again)).await;
    assert_eq!(again.status, 201, "the address is free");
    assert_ne!(again.text("id"), id, "and the id is nobody's");
}

#[tokio::test]
async fn applications_hear_that_somebody_who_is_deleted_is_signed_out() {
    let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
    app.apply(&super::machines(&app)).await;
    let receiver = LogoutReceiver::start().await;
    app.apply(&format!(
        "clients: [{{ client_id: notes, organization: operator, name: Notes, type: web, audience: all, \
         client_secret: \"{SECRET}\", redirect_uris: [\"{CALLBACK}\"], resource: notes, \
         backchannel_logout_uri: \"{}\" }}]",
        receiver.url
    ))
    .await;
    let token = token_of(&app, "all").await;
    let vic = path_of(&app, &token, "vic@acme.test").await;
    let tokens = app.sign_in("acme", "vic@acme.test").await;

    assert_eq!(call(&app, Some(&token), ("DELETE", &vic), None).await.status, 204);

    let told = receiver.wait(1).await;
    let told = orgate_tests::app::claims(&told[0]);
    assert_eq!(told["sid"], tokens.claims("id_token")["sid"]);
    assert_eq!(told["sub"].as_str(), vic.rsplit('/').next());
}

/// The log, which keeps ids.
async fn audit_partitions(app: &App) -> Vec<String> {
    let mut seen: Vec<String> = sqlx::query_scalar(
        "select distinct tableoid::regclass::text from audit_events where action = 'user.deleted'",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the log");
    seen.insert(0, "audit_events".to_owned());
    seen
}

#[tokio::test]
async fn nobody_deletes_themselves_whoever_stands_above_them_or_the_last_owner() {
    let app = app().await;
    let owner = token_of(&app, "all").await;
    let manager = token_of(&app, "only-orgate-users-manage").await;
    let globex = token_of(&app, "globex-all").await;
    let ada = path_of(&app, &owner, "ada@acme.test").await;
    let vic = path_of(&app, &owner, "vic@acme.test").await;
    let own = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let delete = async |token: &str, path: &str| {
        let reply = call(&app, Some(token), ("DELETE", path), None).await;
        (reply.status, reply.body["type"].as_str().unwrap_or_default().replace("urn:orgate:problem:", ""))
    };

    assert_eq!(delete(&own, &ada).await, (409, "in_use".to_owned()));
    let wanted = json!({ "name": "Key", "permissions": ["orgate:*"] });
    let key =
        call(&app, Some(&own), ("POST", "/organizations/acme/api-keys"), Some(&wanted)).await.text("key");
    assert_eq!(delete(&key, &ada).await, (409, "in_use".to_owned()), "nor by a key of their own");
    assert_eq!(delete(&manager, &ada).await, (403, "forbidden".to_owned()));
    assert_eq!(delete(&globex, &vic).await, (404, "not_found".to_owned()));
    let foreign = vic.replace("/acme/", "/globex/");
    assert_eq!(delete(&globex, &foreign).await, (404, "not_found".to_owned()));
    assert_eq!(delete(&owner, &ada).await, (409, "last_owner".to_owned()));
    assert_eq!(delete(&manager, &vic).await.0, 204, "who holds nothing of Orgate's is not above them");
    assert_eq!(count(&app, "select count(*) from users where email = 'ada@acme.test'").await, 1);
}

/// Two owners, each of whom is deleted in the same moment: one stays.
#[tokio::test]
async fn of_two_owners_who_are_deleted_at_once_one_stays() {
    let app = app().await;
    app.apply(
        "organizations: [{ slug: acme, name: Acme Inc, users: [{ email: second@acme.test, name: Second, roles: [admin] }] }]",
    )
    .await;
    let token = token_of(&app, "all").await;
    let ada = path_of(&app, &token, "ada@acme.test").await;
    let second = path_of(&app, &token, "second@acme.test").await;

    let (one, other) = tokio::join!(
        call(&app, Some(&token), ("DELETE", &ada), None),
        call(&app, Some(&token), ("DELETE", &second), None),
    );

    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
}

/// Whoever signs in while they are deleted is signed in to nothing.
#[tokio::test]
async fn no_session_outlives_its_user() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let vic = path_of(&app, &token, "vic@acme.test").await;

    let sign_in = async {
        let browser = app.browser();
        let page = browser.authorize(&[("organization", "acme")]).await;
        browser.sign_in(page, "vic@acme.test", PASSWORD).await.status
    };
    let (status, deleted, again) = tokio::join!(
        sign_in,
        call(&app, Some(&token), ("DELETE", &vic), None),
        call(&app, Some(&token), ("DELETE", &vic), None),
    );

    let mut statuses = [deleted.status, again.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 404]);
    assert!(status.as_u16() < 500, "{status}");
    let left = "select count(*) from sessions session
                where not exists (select from users where users.org_id = session.org_id and users.id = session.user_id)";
    assert_eq!(count(&app, left).await, 0);
}
