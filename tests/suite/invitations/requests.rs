//! Requests to join: made by whoever proves their address, decided by the organization's administrators.

use chrono::Duration;
use serde_json::{Value, json};

use super::joining::confirm;
use super::{CHOSEN, World, all};

const MAILS: &str = "select count(*) from outbox where kind = 'invitation'";

impl World {
    /// Somebody asks, and proves that the address is theirs; the request, as administrators see it.
    async fn request(&self, email: &str, message: &str) -> Value {
        let form = self.form(self.app.browser()).await;
        form.send(email, "Nora <b>New</b>", message).await;
        let asked = self.confirm(&form.browser, email).await;
        assert!(asked.body.contains("Your request was sent"), "{}", asked.body);
        self.requests().await.first().cloned().unwrap_or_default()
    }

    async fn requests(&self) -> Vec<Value> {
        let listed = self.call(("GET", "/join-requests"), &json!({})).await;
        listed.body["items"].as_array().cloned().unwrap_or_default()
    }

    async fn decide(&self, request: &Value, how: &str, body: Value) -> (u16, Value) {
        let path = format!("/join-requests/{}/{how}", request["id"].as_str().unwrap_or_default());
        let answer = self.call(("POST", &path), &body).await;
        (answer.status, answer.body)
    }
}

#[tokio::test]
async fn somebody_asks_and_an_administrator_lets_them_in() {
    let world = World::joined(json!({ "others": "request", "roles": ["admin"] })).await;

    let form = world.form(world.app.browser()).await;
    form.send("new@partner.test", "Nora New", "I work with <b>Ada</b>").await;
    assert_eq!(world.requests().await, [] as [Value; 0], "not before the address is proven");
    let link = world.links("new@partner.test").await.pop().expect("a mail");
    let mails = world.mailbox.mails().await;
    assert!(!mails[0].to_string().contains("Ada"), "nothing that was typed is mailed: {mails:?}");
    let page = form.browser.get(&link).await;
    assert!(page.body.contains("I work with &#60;b&#62;Ada"), "{}", page.body);
    let asked = confirm(&form.browser, &page).await;
    assert!(asked.body.contains("Your request was sent"), "{}", asked.body);

    let request = world.requests().await.remove(0);
    assert_eq!(
        (&request["email"], &request["name"], &request["message"], &request["status"]),
        (&json!("new@partner.test"), &json!("Nora New"), &json!("I work with <b>Ada</b>"), &json!("open"))
    );
    let (status, approved) = world.decide(&request, "approve", json!({ "roles": ["viewer"] })).await;
    assert_eq!((status, &approved["status"]), (200, &json!("approved")), "{approved}");
    let invitation = world.links("new@partner.test").await.remove(0);
    assert!(invitation.contains("/invitations?"), "{invitation}");
    let joined = world.accept(&world.app.browser(), &invitation).await;
    assert_eq!(joined.status, 200, "{}", joined.body);
    let user = world.user("new@partner.test").await;
    assert_eq!(user["roles"], json!(["viewer"]), "what the approval says, and not what joining gives");
    assert_eq!(world.decide(&request, "approve", json!({})).await.0, 409);
    assert_eq!(world.decide(&request, "deny", json!({})).await.0, 409);
    let events = world.app.events("acme").await;
    for expected in ["join.requested success", "join.approved success", "invitation.created success"] {
        assert!(events.contains(&expected.to_owned()), "{expected}: {events:?}");
    }
}

/// Nobody tells whoever was denied, and their next mails come to nothing for thirty days.
#[tokio::test]
async fn whoever_was_denied_is_not_told_and_asks_again_later() {
    let world = World::joined(json!({ "others": "request" })).await;
    let (late, _) = world.ask("new@partner.test").await;
    let request = world.request("new@partner.test", "").await;
    let links = world.links("new@partner.test").await;

    let (status, denied) = world.decide(&request, "deny", json!({})).await;
    assert_eq!((status, &denied["status"]), (200, &json!("denied")));
    assert_eq!(world.decide(&request, "deny", json!({})).await.0, 200);
    assert_eq!(world.decide(&request, "approve", json!({})).await.0, 409);
    assert_eq!(world.count(MAILS).await, 0);
    // Another link, from before: it reads as if it were the first.
    let page = late.browser.get(links.last().expect("the first mail")).await;
    assert!(confirm(&late.browser, &page).await.body.contains("Your request was sent"));
    assert_eq!(world.requests().await.len(), 1);
    world.ask("new@partner.test").await;
    assert_eq!(world.links("new@partner.test").await.len(), links.len(), "and no other is sent");

    world.app.clock.advance(Duration::days(31));
    let again = world.request("new@partner.test", "").await;
    assert_eq!(again["status"], "open");
}

#[tokio::test]
async fn an_address_has_one_open_request_and_it_lapses() {
    let world = World::joined(json!({ "others": "request" })).await;
    let (one, _) = world.ask("new@partner.test").await;
    let (two, _) = world.ask("New@partner.test").await;
    let links = world.links("@partner.test").await;
    let pages = [one.browser.get(&links[1]).await, two.browser.get(&links[0]).await];

    let answers = all([confirm(&one.browser, &pages[0]), confirm(&two.browser, &pages[1])]).await;

    assert!(answers.iter().all(|answer| answer.body.contains("Your request was sent")));
    let requests = world.requests().await;
    assert_eq!(requests.len(), 1);
    world.app.clock.advance(Duration::days(31));
    assert_eq!(world.requests().await[0]["status"], "lapsed");
    for how in ["approve", "deny"] {
        let (status, refused) = world.decide(&requests[0], how, json!({})).await;
        assert_eq!(status, 409, "it counts no more");
        assert!(refused["detail"].to_string().contains("ask again"), "{refused}");
    }
    let again = world.request("new@partner.test", "").await;
    assert_eq!(again["status"], "open");
    assert_eq!(world.requests().await.len(), 1, "which takes the other one's place");
}

/// Two who decide at once: one does. And nobody gives what is not theirs.
#[tokio::test]
async fn one_decides_and_gives_what_they_may() {
    let world = World::joined(json!({ "others": "request" })).await;
    let request = world.request("new@partner.test", "").await;
    world
        .app
        .apply("organizations: [{ slug: acme, name: Acme Inc, roles: [{ slug: foreign, permissions: [\"billing:write\"] }] }]")
        .await;
    let demote = "update client_roles held set role_id = role.id from roles role, client_directory client
                  where role.org_id = held.org_id and role.slug = 'lesser' and client.id = held.client_id
                    and client.client_id = 'inviter'";
    world
        .app
        .apply("organizations: [{ slug: acme, name: Acme Inc, roles: [{ slug: lesser, permissions: [\"orgate:invitations:*\", \"orgate:roles:assign\"] }] }]")
        .await;
    world.run(demote).await;

    let (status, above) = world.decide(&request, "approve", json!({ "roles": ["foreign"] })).await;
    assert_eq!((status, &above["errors"][0]["pointer"]), (403, &json!("/roles/0")), "{above}");
    let (status, unknown) = world.decide(&request, "approve", json!({ "roles": ["none"] })).await;
    assert_eq!((status, &unknown["errors"][0]["pointer"]), (422, &json!("/roles/0")), "{unknown}");
    let setting =
        world.call(("PATCH", "/joining"), &json!({ "domains": "automatic", "roles": ["foreign"] })).await;
    assert_eq!(setting.status, 403, "nor by what joining gives");
    let planted =
        world.call(("PATCH", "/joining"), &json!({ "domains": "request", "roles": ["foreign"] })).await;
    assert_eq!(planted.status, 403, "nor for somebody else to let it be given");
    let decisions = all((0..4).map(|_| world.decide(&request, "approve", json!({})))).await;

    let mut statuses: Vec<_> = decisions.iter().map(|(status, _)| *status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409]);
    assert_eq!(world.count(MAILS).await, 1);
}

/// Who is a user, or invited, by now is not invited again; what waits to be decided is bounded.
#[tokio::test]
async fn what_changed_meanwhile_counts() {
    let world = World::joined(json!({ "others": "request" })).await;
    let request = world.request("new@partner.test", "").await;
    let full = "insert into join_requests (org_id, id, token_hash, email, email_normalized, source, created_at, proven_at, expires_at)
                select org_id, gen_random_uuid(), sha256(n::text::bytea), n || '@full.test', n || '@full.test', '', now(), now(),
                       now() + interval '10 years'
                from organizations, generate_series(1, 999) n where slug = 'acme'";
    world.run(full).await;
    let (form, _) = world.ask("two@partner.test").await;
    let page = world.confirm(&form.browser, "two@partner.test").await;
    assert_eq!(page.status, 409, "{}", page.body);
    world.run("delete from join_requests where email = '1@full.test'").await;
    let page = world.confirm(&form.browser, "two@partner.test").await;
    assert_eq!(page.status, 200, "its link was kept");

    let link = world.invite(json!({ "email": "new@partner.test" })).await;
    let (status, taken) = world.decide(&request, "approve", json!({})).await;
    assert_eq!(status, 409, "{taken}");
    world.accept(&world.app.browser(), &link).await;
    assert_eq!(world.decide(&request, "approve", json!({})).await.0, 409);
    let other = world.app.browser();
    let page = other.authorize(&[("organization", "acme")]).await;
    assert!(!other.sign_in(page, "new@partner.test", CHOSEN).await.answer("code").is_empty());
}

/// Whoever asked, and may join by now, joins; what they asked for waits no more.
#[tokio::test]
async fn what_waits_is_settled_once_whoever_asked_may_join() {
    let world = World::joined(json!({ "domains": "request", "roles": ["viewer"] })).await;
    assert_eq!(world.request("new@acme.test", "").await["status"], "open");
    let opened = world.call(("PATCH", "/joining"), &json!({ "domains": "automatic" })).await;
    assert_eq!(opened.status, 200, "{:?}", opened.body);
    world.app.env.configuration.forget();

    let (form, _) = world.ask("new@acme.test").await;
    let confirmed = world.confirm(&form.browser, "new@acme.test").await;

    assert!(!confirmed.body.contains("Your request was sent"), "{}", confirmed.body);
    let statuses: Vec<_> = world.requests().await.iter().map(|request| request["status"].clone()).collect();
    assert_eq!(statuses, ["approved"], "by what the organization allows by now");
    assert_eq!(world.count("select count(*) from invitations where joins").await, 1);
}

/// Somebody approves what somebody else denies in the same moment: it is one of both.
#[tokio::test]
async fn what_is_approved_is_not_denied() {
    let world = World::joined(json!({ "others": "request" })).await;
    for round in 0..4 {
        let request = world.request(&format!("new{round}@partner.test"), "").await;
        let before = world.count(MAILS).await;

        let (first, second) = if round % 2 == 0 { ("approve", "deny") } else { ("deny", "approve") };
        let decided =
            all([world.decide(&request, first, json!({})), world.decide(&request, second, json!({}))]).await;

        let done: Vec<_> = decided.iter().filter(|(status, _)| *status == 200).collect();
        assert_eq!(done.len(), 1, "{decided:?}");
        let status = world.requests().await[0]["status"].clone();
        assert_eq!(done[0].1["status"], status);
        assert_eq!(world.count(MAILS).await - before, i64::from(status == "approved"));
    }
}

/// What somebody asked for with an address goes when it is theirs no more.
#[tokio::test]
async fn a_former_address_is_kept_nowhere() {
    let world = World::joined(json!({ "others": "request" })).await;
    let request = world.request("new@partner.test", "It is me").await;
    assert_eq!(world.decide(&request, "deny", json!({})).await.0, 200);
    let user = world.call(("POST", "/users"), &json!({ "email": "new@partner.test", "name": "Nora" })).await;
    let path = format!("/users/{}", user.text("id"));

    let changed = world.call(("PATCH", &path), &json!({ "email": "nora@partner.test" })).await;

    assert_eq!(changed.status, 200, "{:?}", changed.body);
    assert_eq!(world.count("select count(*) from join_requests").await, 0);
}
