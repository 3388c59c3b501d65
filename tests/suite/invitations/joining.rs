//! Joining without an invitation, as whoever comes meets it: by an address at one of the organization's domains.

use chrono::Duration;
use orgate_tests::app::{App, Browser, Page};
use serde_json::{Value, json};

use super::{CHOSEN, World, all};

const USERS: &str = "select count(*) from users where email = 'new@acme.test'";
const ADDRESSES: &str = "select count(*) from join_requests";

/// The form of a browser that is on the way to an application.
pub(super) struct Form {
    pub(super) browser: Browser,
    request: String,
    csrf: String,
}

impl World {
    /// Acme, which lets whoever has such addresses join, or ask.
    pub(super) async fn joined(settings: Value) -> Self {
        let world = Self::of(App::start_without_jobs(|_| {}).await).await;
        let said = world.call(("PATCH", "/joining"), &settings).await;
        assert_eq!(said.status, 200, "{:?}", said.body);
        world.app.env.configuration.forget();
        world
    }

    /// The form that the sign-in page leads to.
    pub(super) async fn form(&self, browser: Browser) -> Form {
        let page = browser.authorize(&[("organization", "acme")]).await;
        let page = browser.follow(page).await;
        let href = page.body.split("href=\"").find(|part| part.starts_with("/join?")).expect("a link");
        let href = href.split('"').next().unwrap_or_default().to_owned();
        let page = browser.get(&href).await;
        assert_eq!(page.status, 200, "{}", page.body);
        Form { request: page.field("request"), csrf: page.field("csrf"), browser }
    }

    /// Types an address, from a browser that is new.
    pub(super) async fn ask(&self, email: &str) -> (Form, Page) {
        let form = self.form(self.app.browser()).await;
        let answer = form.send(email, "Nora New", "").await;
        (form, answer)
    }

    /// The links that were mailed to an address, newest first.
    pub(super) async fn links(&self, email: &str) -> Vec<String> {
        while self.mailbox.collect(&self.app).await > 0 {}
        let mails = self.mailbox.mails().await;
        let mails = mails.iter().filter(|mail| mail["to"].to_string().contains(email));
        let texts = mails.filter_map(|mail| mail["text"].as_str());
        let links = texts.filter_map(|text| text.split_whitespace().find(|word| word.starts_with("http://")));
        links.map(str::to_owned).collect()
    }

    /// Confirms the address by the newest link that was mailed to it.
    pub(super) async fn confirm(&self, browser: &Browser, email: &str) -> Page {
        let links = self.links(email).await;
        let link = links.first().expect("a mail");
        let page = browser.get(link).await;
        assert_eq!(page.status, 200, "{}", page.body);
        confirm(browser, &page).await
    }

    async fn events_of(&self, kind: &str) -> Vec<String> {
        let events = self.app.events("acme").await;
        events.into_iter().filter(|event| event.starts_with(kind)).collect()
    }
}

impl Form {
    pub(super) async fn send(&self, email: &str, name: &str, message: &str) -> Page {
        let fields = [
            ("request", self.request.as_str()),
            ("csrf", self.csrf.as_str()),
            ("email", email),
            ("name", name),
            ("message", message),
        ];
        self.browser.post("/join", &fields).await
    }
}

/// Presses the button of the page that the link of the mail opens.
pub(super) async fn confirm(browser: &Browser, page: &Page) -> Page {
    let fields = ["join", "request", "csrf"].map(|name| (name, page.field(name)));
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    browser.post("/join/confirm", &fields).await
}

/// Chooses a password at the invitation that a confirmed address leads to.
async fn choose(browser: &Browser, confirmed: &Page) -> Page {
    assert_eq!(confirmed.status, 303, "{}", confirmed.body);
    let page = browser.get(confirmed.location().expect("on").as_str()).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let fields = ["invitation", "request", "csrf"].map(|name| (name, page.field(name)));
    let mut fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fields.extend([("name", "Nora New"), ("password", CHOSEN), ("again", CHOSEN)]);
    browser.post("/invitations/accept", &fields).await
}

/// What an answer says, but for what was typed and what is new each time.
fn said(page: &Page, email: &str) -> (u16, String) {
    let handle = page.body.split("request=").nth(1).and_then(|rest| rest.split('"').next());
    let body = page.body.replace(email, "ADDRESS").replace(handle.unwrap_or_default(), "HANDLE");
    (page.status.as_u16(), body)
}

#[tokio::test]
async fn whoever_has_an_address_at_the_domain_joins_and_lands_in_the_application() {
    let world = World::joined(json!({ "domains": "automatic", "roles": ["viewer"] })).await;

    let (form, answer) = world.ask("new@acme.test").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("If you can join"), "{}", answer.body);
    let confirmed = world.confirm(&form.browser, "new@acme.test").await;
    assert_eq!(world.count(USERS).await, 0);
    let joined = choose(&form.browser, &confirmed).await;

    assert_eq!(joined.status, 200, "{}", joined.body);
    let onward = joined.body.split("href=\"").find(|part| part.starts_with("/join/continue")).expect("a way");
    let onward = onward.split('"').next().unwrap_or_default();
    let answered = form.browser.get(onward).await;
    let tokens = world.app.redeem(&answered.answer("code")).await;
    assert_eq!(tokens.claims("access_token")["roles"], json!(["viewer"]));
    let user = world.user("new@acme.test").await;
    assert_eq!((&user["email_verified"], &user["name"]), (&json!(true), &json!("Nora New")));
    assert_eq!(form.browser.get(onward).await.status, 400, "once");
    assert_eq!(world.events_of("join").await, ["joining.configured success", "join.begun success"]);
    let listed = world.call(("GET", "/join-requests"), &json!({})).await;
    assert_eq!(listed.body["items"], json!([]), "nobody has anything to decide");
}

/// It is closed until somebody opens it: no link, and no page behind it.
#[tokio::test]
async fn nobody_joins_an_organization_that_does_not_say_so() {
    let world = World::start().await;
    let browser = world.app.browser();
    let page = browser.authorize(&[("organization", "acme")]).await;
    let page = browser.follow(page).await;
    assert!(!page.body.contains("/join"), "{}", page.body);
    let handle = page.field("request");

    let closed = browser.get(format!("/join?request={handle}")).await;
    let sent = browser.post("/join", &[("request", &handle), ("csrf", ""), ("email", "new@acme.test")]).await;

    assert_eq!((closed.status.as_u16(), sent.status.as_u16()), (400, 400));
    assert_eq!(world.count(ADDRESSES).await, 0);
    let read = world.call(("GET", "/joining"), &json!({})).await;
    assert_eq!((&read.body["domains"], &read.body["set_by"]), (&json!("closed"), &Value::Null));
}

/// Whoever types an address learns nothing of it: not whether it is a user's, nor whether it can join; and as much is stored.
#[tokio::test]
async fn the_answer_is_the_same_for_whichever_address() {
    let world = World::joined(json!({ "domains": "automatic" })).await;
    world.run("update users set status = 'deactivated' where email = 'vic@acme.test'").await;
    let addresses =
        ["new@acme.test", "ada@acme.test", "vic@acme.test", "gus@globex.test", "eve@elsewhere.test"];

    let mut answers = Vec::new();
    for email in addresses {
        let (_, answer) = world.ask(email).await;
        answers.push(said(&answer, email));
    }

    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0].0, 200);
    assert_eq!(world.count(ADDRESSES).await, 5);
    assert_eq!(world.count("select count(*) from outbox where kind = 'join'").await, 5);
    for (email, mails) in addresses.into_iter().zip([1, 0, 0, 0, 0]) {
        assert_eq!(world.links(email).await.len(), mails, "{email}");
    }
    assert_eq!(world.events_of("join.").await, vec!["join.begun success"; 5]);
}

/// The link is used once, whoever opens it how often at once; and to look uses nothing up.
#[tokio::test]
async fn a_link_is_used_once() {
    let world = World::joined(json!({ "domains": "automatic" })).await;
    let (form, _) = world.ask("new@acme.test").await;
    let link = world.links("new@acme.test").await.pop().expect("a mail");
    let mut pages = Vec::new();
    for _ in 0..4 {
        pages.push(form.browser.get(&link).await);
    }

    let answers = all(pages.iter().map(|page| confirm(&form.browser, page))).await;

    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 410, 410, 410]);
    assert_eq!(world.count("select count(*) from invitations").await, 1);
    assert_eq!(form.browser.get(&link).await.status, 410);
    assert!(world.events_of("join.refused").await.contains(&"join.refused refused used_link".to_owned()));
    let forged = format!("{}x", link.split('&').next().unwrap_or_default());
    assert_eq!(form.browser.get(&forged).await.status, 404);
}

/// What counts is what is true when something is used: domain, setting, and what whoever set it could give.
#[tokio::test]
async fn a_link_falls_with_the_domain_the_setting_and_whoever_set_it() {
    let world = World::joined(json!({ "domains": "automatic", "roles": ["admin"] })).await;
    let lose = "update domains set verified_at = null where domain = 'acme.test'";
    // As it was: a domain that is verified after the setting is not what the setting is about.
    let regain = "update domains set verified_at = created_at where domain = 'acme.test'";
    let (form, _) = world.ask("new@acme.test").await;
    let link = world.links("new@acme.test").await.pop().expect("a mail");
    let page = form.browser.get(&link).await;

    world.run(lose).await;
    assert_eq!(form.browser.get(&link).await.status, 410);
    assert_eq!(confirm(&form.browser, &page).await.status, 410, "also where the page was open");
    let (_, unsent) = world.ask("two@acme.test").await;
    assert_eq!((unsent.status.as_u16(), world.links("two@acme.test").await.len()), (200, 0));
    world.run(regain).await;
    let confirmed = confirm(&form.browser, &page).await;
    let invitation = confirmed.location().expect("an invitation");

    world.run(lose).await;
    assert_eq!(form.browser.get(invitation.as_str()).await.status, 410);
    world.run(regain).await;
    assert_eq!(form.browser.get(invitation.as_str()).await.status, 200);
    let demote = "update client_roles held set role_id = role.id from roles role, client_directory client
                  where role.org_id = held.org_id and role.slug = 'viewer' and client.id = held.client_id
                    and client.client_id = 'inviter'";
    world.run(demote).await;
    let fallen = form.browser.get(invitation.as_str()).await;
    assert_eq!(fallen.status, 410, "{}", fallen.body);
    assert_eq!(world.count(USERS).await, 0);
    // Whoever could join asks instead.
    let (late, _) = world.ask("late@acme.test").await;
    let asked = world.confirm(&late.browser, "late@acme.test").await;
    assert!(asked.body.contains("Your request was sent"), "{}", asked.body);
}

#[tokio::test]
async fn a_link_falls_when_the_organization_says_otherwise() {
    let world = World::joined(json!({ "domains": "automatic", "roles": ["viewer"] })).await;
    let (form, _) = world.ask("new@acme.test").await;
    let confirmed = world.confirm(&form.browser, "new@acme.test").await;
    let invitation = confirmed.location().expect("an invitation");
    world.app.clock.advance(Duration::seconds(1));

    let same = world.call(("PATCH", "/joining"), &json!({ "domains": "automatic" })).await;
    assert_eq!(same.status, 200);
    assert_eq!(form.browser.get(invitation.as_str()).await.status, 200, "nothing was changed");
    world.call(("PATCH", "/joining"), &json!({ "roles": [] })).await;

    let fallen = form.browser.get(invitation.as_str()).await;
    assert_eq!(fallen.status, 410);
    assert!(fallen.body.contains("invitation_joining_changed"), "{}", fallen.body);
    // They ask anew, and are invited anew.
    let (form, _) = world.ask("new@acme.test").await;
    let confirmed = world.confirm(&form.browser, "new@acme.test").await;
    assert_eq!(choose(&form.browser, &confirmed).await.status, 200);
    assert_eq!(world.user("new@acme.test").await["roles"], json!([]));
}

#[tokio::test]
async fn a_suspended_organization_takes_nobody() {
    let world = World::joined(json!({ "domains": "automatic" })).await;
    let (form, _) = world.ask("new@acme.test").await;
    let link = world.links("new@acme.test").await.pop().expect("a mail");

    world.run("update organizations set status = 'suspended' where slug = 'acme'").await;

    assert_eq!(form.browser.get(&link).await.status, 403);
    assert_eq!(form.send("two@acme.test", "", "").await.status, 400);
    world.run("update organizations set status = 'deleted' where slug = 'acme'").await;
    assert_eq!(form.browser.get(&link).await.status, 404);
}

/// An address that nobody has proven takes no seat; one that is proven takes one like any other invitation.
#[tokio::test]
async fn only_proven_addresses_take_seats() {
    let world = World::joined(json!({ "domains": "automatic" })).await;
    world.run("update organizations set seats = 4 where slug = 'acme'").await;
    let (one, _) = world.ask("one@acme.test").await;
    let (two, _) = world.ask("two@acme.test").await;
    let seats = world.call(("GET", "/seats"), &json!({})).await;
    assert_eq!(seats.body["invitations"], json!(0));

    let first = world.confirm(&one.browser, "one@acme.test").await;
    let second = world.confirm(&two.browser, "two@acme.test").await;

    assert_eq!((first.status.as_u16(), second.status.as_u16()), (303, 409));
    world.run("update organizations set seats = 5 where slug = 'acme'").await;
    let later = world.confirm(&two.browser, "two@acme.test").await;
    assert_eq!(later.status, 303, "the link was kept");
}

/// Nobody fills a mailbox, or an organization's log of addresses.
#[tokio::test]
async fn mails_to_one_address_are_bounded() {
    let world = World::joined(json!({ "domains": "automatic" })).await;
    let form = world.form(world.app.browser()).await;

    for _ in 0..5 {
        assert_eq!(form.send("new@acme.test", "", "").await.status, 200, "and nobody is told");
    }
    assert_eq!(world.links("new@acme.test").await.len(), 3);
    assert!(
        world.events_of("join.refused").await.contains(&"join.refused refused too_many_mails".to_owned())
    );
    world.app.clock.advance(Duration::hours(25));
    let form = world.form(world.app.browser()).await;
    form.send("new@acme.test", "", "").await;
    assert_eq!(world.links("new@acme.test").await.len(), 4);
}

/// A form of another browser, or of another site, orders nothing, and one of the mail's page uses nothing up.
#[tokio::test]
async fn only_forms_of_this_browser_count_and_what_was_typed_stays() {
    let world = World::joined(json!({ "domains": "automatic" })).await;
    let form = world.form(world.app.browser()).await;
    let forged = Form { browser: form.browser.clone(), request: form.request.clone(), csrf: "x".to_owned() };
    let other = Form { browser: world.app.browser(), request: form.request.clone(), csrf: form.csrf.clone() };

    let answer = forged.send("new@acme.test", "Nora <b>", "Hello").await;
    assert_eq!(answer.status, 403);
    assert!(
        answer.body.contains("value=\"new@acme.test\"") && answer.body.contains("Hello"),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("<b>"));
    assert_eq!(other.send("new@acme.test", "", "").await.status, 400, "the request is of another browser");
    let wrong = form.send("nobody", "Nora", &"x".repeat(501)).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("email-error") && wrong.body.contains("message-error"), "{}", wrong.body);
    assert_eq!(world.count(ADDRESSES).await, 0);

    let mailed = form.send("new@acme.test", "", "Hello,\r\n\u{7}let me in.").await;
    assert_eq!(mailed.status, 200, "{}", mailed.body);
    let link = world.links("new@acme.test").await.pop().expect("a mail");
    let page = form.browser.get(&link).await;
    assert!(page.body.contains("Hello,\nlet me in."), "{}", page.body);
    let smuggled = form.send("new@acme.test\r\nBcc: all@acme.test", "No\nra", "").await;
    assert!(
        smuggled.body.contains("email-error") && smuggled.body.contains("name-error"),
        "{}",
        smuggled.body
    );
    let elsewhere = confirm(&world.app.browser(), &page).await;
    assert_eq!(elsewhere.status, 403);
    assert_eq!(world.count("select count(*) from join_requests where proven_at is not null").await, 0);
}

/// A foreign organization's domain is elsewhere, and its links are its own.
#[tokio::test]
async fn an_address_at_a_foreign_domain_is_nobodys_word() {
    let world = World::joined(json!({ "domains": "automatic", "others": "request" })).await;

    let (form, _) = world.ask("new@globex.test").await;
    let answer = world.confirm(&form.browser, "new@globex.test").await;

    assert!(answer.body.contains("Your request was sent"), "{}", answer.body);
    assert_eq!(world.count("select count(*) from invitations").await, 0);
    let refused = world.call(("PATCH", "/joining"), &json!({ "others": "automatic" })).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.body["errors"][0]["pointer"], "/others");
}

/// Whoever was deactivated does not come back by it; whoever was erased is nobody.
#[tokio::test]
async fn whoever_was_deactivated_stays_away() {
    let world = World::joined(json!({ "domains": "automatic" })).await;
    let (form, _) = world.ask("new@acme.test").await;
    let link = world.links("new@acme.test").await.pop().expect("a mail");
    let confirmed = world.confirm(&form.browser, "new@acme.test").await;
    choose(&form.browser, &confirmed).await;
    let id = world.user("new@acme.test").await["id"].as_str().expect("a user").to_owned();
    let at = format!("/users/{id}");
    let gone = world.call(("PATCH", &at), &json!({ "status": "deactivated" })).await;
    assert_eq!(gone.status, 200, "{:?}", gone.body);

    world.ask("new@acme.test").await;
    assert_eq!(world.links("new@acme.test").await, [link]);
    assert_eq!(world.call(("DELETE", &at), &json!({})).await.status, 204);

    assert_eq!(
        world.count("select count(*) from join_requests").await,
        0,
        "what they asked for went with them"
    );
    let (form, _) = world.ask("new@acme.test").await;
    assert_eq!(world.confirm(&form.browser, "new@acme.test").await.status, 303);
}

/// Addresses that were typed lately, as many as `number`, each another one unless `email` says which; from elsewhere, or from
/// where the tests are.
async fn fill(world: &World, number: i32, email: Option<&str>, here: bool) {
    let statement = format!(
        "insert into join_requests (org_id, id, token_hash, email, email_normalized, source, created_at, expires_at)
         select org_id, gen_random_uuid(), sha256(gen_random_uuid()::text::bytea), address, address, source, now(),
                now() + interval '1 day'
         from organizations,
              lateral (select coalesce((select source from join_requests where {here} and source <> '' limit 1), '') as source) place,
              generate_series(1, {number}) n, lateral (select coalesce({email}, n || '@filled.test') as address) typed
         where slug = 'acme'",
        email = email.map_or("null".to_owned(), |email| format!("'{email}'")),
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(world.app.database.superuser())
        .await
        .expect("filled");
}

/// Each bound by itself: of one address from everywhere, of one place, and of the organization.
#[tokio::test]
async fn mails_are_bounded_by_address_by_place_and_in_all() {
    let world = World::joined(json!({ "others": "request" })).await;
    let form = world.form(world.app.browser()).await;
    let is_mailed = async |email: &str| {
        let before = world.count(ADDRESSES).await;
        assert_eq!(form.send(email, "", "").await.status, 200, "and nobody is told");
        world.count(ADDRESSES).await > before
    };

    fill(&world, 9, Some("a@partner.test"), false).await;
    assert!(is_mailed("a@partner.test").await, "the tenth");
    assert!(!is_mailed("a@partner.test").await, "the eleventh, from wherever");

    fill(&world, 98, None, true).await;
    assert!(is_mailed("b@partner.test").await, "the hundredth from here");
    assert!(!is_mailed("c@partner.test").await);

    world.run("delete from join_requests").await;
    fill(&world, 19_999, None, false).await;
    assert!(is_mailed("d@partner.test").await, "the last of the organization");
    assert!(!is_mailed("e@partner.test").await);
}

/// A link is good for a day, and says so afterwards.
#[tokio::test]
async fn a_link_lapses_and_says_what_to_do() {
    let world = World::joined(json!({ "domains": "automatic" })).await;
    let (form, _) = world.ask("new@acme.test").await;
    let link = world.links("new@acme.test").await.pop().expect("a mail");
    let page = form.browser.get(&link).await;
    assert_eq!(page.status, 200);

    world.app.clock.advance(Duration::hours(24));

    for lapsed in [form.browser.get(&link).await, confirm(&form.browser, &page).await] {
        assert_eq!(lapsed.status, 410);
        assert!(lapsed.body.contains("This link has expired"), "{}", lapsed.body);
        assert!(lapsed.body.contains("ask to join once more"), "{}", lapsed.body);
    }
    assert_eq!(world.count("select count(*) from invitations").await, 0);
}

/// Others than whoever set joining prove domains: of one that came later, or of what is below one, people ask.
#[tokio::test]
async fn what_was_set_is_of_the_domains_that_there_were() {
    let world = World::joined(json!({ "domains": "automatic", "roles": ["viewer"] })).await;
    world.app.clock.advance(Duration::seconds(1));
    world.app.apply("organizations: [{ slug: acme, name: Acme Inc, domains: [acme.test, late.test] }]").await;
    world.run("update domains set subdomains = true where domain = 'acme.test'").await;
    let proven = async |email: &str| {
        let form = world.form(world.app.browser()).await;
        form.send(email, "", "").await;
        world.confirm(&form.browser, email).await.body
    };

    for email in ["eve@late.test", "eve@sub.acme.test"] {
        assert!(proven(email).await.contains("Your request was sent"), "{email}");
    }
    assert_eq!(world.count("select count(*) from invitations").await, 0);

    // Whoever could set it says it of these, too.
    assert_eq!(world.call(("PATCH", "/joining"), &json!({})).await.status, 200);
    assert!(!proven("nora@late.test").await.contains("Your request was sent"));
    assert_eq!(world.count("select count(*) from invitations where joins").await, 1);
}
