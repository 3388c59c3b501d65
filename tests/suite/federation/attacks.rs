//! Attacks on the way to an identity provider and back.

use chrono::Duration;
use orgate_domain::credentials::{Credential, UpstreamState};
use orgate_domain::ids::{ConnectionId, OrgId};
use orgate_tests::openid_provider::OpenIdProvider;

use super::world::{JIT, World, acme, button, member};

/// Acme as in [`World`], and Globex with a provider of its own.
async fn two() -> (World, OpenIdProvider) {
    let world = World::start().await;
    world.provider.user(member("ada", "ada@acme.test"));
    let other = OpenIdProvider::start().await;
    let connection =
        other.connection("globex-workforce", "globex.test", "          jit: { enabled: true }\n");
    let globex = format!(
        "organizations:
  - slug: globex
    name: Globex Corporation
    connections:
{connection}"
    );
    world.app.apply(&globex).await;
    (world, other)
}

/// Everything in the log of an organization.
async fn log_of(world: &World, slug: &str) -> String {
    let rows =
        "select coalesce(string_agg(event::text, E'\\n'), '') from audit_events event where org_id = $1";
    let id = world.app.org(slug).await.org_id().as_uuid();
    sqlx::query_scalar(rows).bind(id).fetch_one(world.app.database.superuser()).await.expect("the log")
}

/// A state that is well made for this organization, and was never given out.
fn made_up(org: OrgId, n: u8) -> String {
    Credential::<UpstreamState>::new(org, &[n; 32]).reveal().to_owned()
}

#[tokio::test]
async fn an_answer_means_nothing_at_another_organizations_address() {
    let (world, _) = two().await;
    let (acme, globex) = (world.app.org("acme").await.org_id(), world.app.org("globex").await.org_id());
    let own = world.connection("workforce").await;
    let theirs = world.connection("globex-workforce").await;
    let browser = world.app.browser();
    let departure = world.depart(&browser).await;
    let answer = world.provider.answer(&departure);
    let query = answer.query().expect("a query");

    let mut refusals = Vec::new();
    for (org, connection) in [(globex, theirs), (globex, own), (acme, theirs)] {
        let page = browser.get(format!("/sso/{org}/{connection}/callback?{query}")).await;
        refusals.push((page.status.as_u16(), page.body.contains("This sign-in is over")));
        assert!(!page.body.contains("Acme") && !page.body.contains("Globex"), "{}", page.body);
    }
    let right = browser.get(answer).await;

    assert_eq!(refusals, [(400, true); 3]);
    assert!(!right.answer("code").is_empty(), "what was refused elsewhere is not used up");
    let events = world.app.events("acme").await;
    assert!(events.contains(&"upstream.refused refused other_connection".to_owned()), "{events:?}");
    assert!(!world.app.events("globex").await.iter().any(|event| event.starts_with("sign_in.succeeded")));
    let (acmes, globexs) = (log_of(&world, "acme").await, log_of(&world, "globex").await);
    for (log, org, connection) in [(&acmes, globex, theirs), (&globexs, acme, own)] {
        for id in [org.to_string(), org.as_uuid().to_string(), connection.to_string()] {
            assert!(!log.contains(&id), "{id} is another organization's: {log}");
        }
    }
}

#[tokio::test]
async fn an_answer_means_nothing_at_another_connection_of_its_organization() {
    let (world, other) = two().await;
    let second = other.connection("second", "acme.test", JIT);
    let second = second.replace("slug: second\n", "slug: second\n        position: 1\n");
    world
        .app
        .apply(&acme("", &format!("{}{second}", world.provider.connection("workforce", "acme.test", JIT))))
        .await;
    let (org, second) = (world.app.org("acme").await.org_id(), world.connection("second").await);
    let browser = world.app.browser();
    let answer = world.provider.answer(&world.depart(&browser).await);

    let query = answer.query().expect("a query");
    let crossed = browser.get(format!("/sso/{org}/{second}/callback?{query}")).await;
    let right = browser.get(answer).await;

    assert_eq!((crossed.status.as_u16(), crossed.cookies().len()), (400, 0));
    assert_eq!((other.asked().tokens, other.asked().discovery), (0, 0), "no provider is told another's code");
    assert!(!right.answer("code").is_empty());
}

#[tokio::test]
async fn an_answer_belongs_to_the_browser_that_asked() {
    let (world, _) = two().await;
    let (attacker, victim) = (world.app.browser(), world.app.browser());
    let answer = world.provider.answer(&world.depart(&attacker).await);
    world.depart(&victim).await; // so that it has a cookie of its own

    let tricked = victim.get(answer.clone()).await;
    let own = attacker.get(answer.clone()).await;
    let again = attacker.get(answer).await;

    assert_eq!((tricked.status.as_u16(), tricked.cookies().len()), (400, 0));
    assert!(!own.answer("code").is_empty());
    assert_eq!(again.status, 400, "an answer is taken once");
    let events = world.app.events("acme").await;
    for reason in ["other_browser", "replayed_state"] {
        assert!(events.contains(&format!("upstream.refused refused {reason}")), "{events:?}");
    }
    assert_eq!(world.sessions().await, 1);
}

#[tokio::test]
async fn an_answer_that_is_late_unknown_or_said_twice_is_refused() {
    let (world, _) = two().await;
    let browser = world.app.browser();
    let answer = world.provider.answer(&world.depart(&browser).await);
    let mut twice = answer.clone();
    twice.query_pairs_mut().append_pair("code", "another");
    let mut unknown = answer.clone();
    let forged = made_up(world.app.org("acme").await.org_id(), 7);
    unknown.query_pairs_mut().clear().append_pair("code", "x").append_pair("state", &forged);

    let twice = browser.get(twice).await;
    let unknown = browser.get(unknown).await;
    world.app.clock.advance(Duration::minutes(16));
    let late = browser.get(answer).await;

    assert_eq!([&twice, &unknown, &late].map(|page| page.status.as_u16()), [400; 3]);
    assert_eq!(world.provider.asked().tokens, 0, "nobody asked the provider");
    assert_eq!(world.sessions().await, 0);
}

#[tokio::test]
async fn another_organizations_connection_is_as_good_as_none() {
    let (world, _) = two().await;
    let browser = world.app.browser();
    let page = browser.follow(browser.authorize(&[("organization", "acme")]).await).await;
    let request = page.field("request");
    let theirs = world.connection("globex-workforce").await;
    let nobody = ConnectionId::from_uuid(uuid::Uuid::now_v7());

    let begin = async |connection| {
        let address = format!("/sign-in/connection?request={request}&connection={connection}");
        let page = browser.follow(browser.get(address).await).await;
        (page.status.as_u16(), page.body.contains("is not open to you"))
    };

    assert_eq!(begin(theirs).await, (403, true));
    assert_eq!(begin(theirs).await, begin(nobody).await);
}

#[tokio::test]
async fn nobody_is_sent_away_or_signed_in_where_no_one_may_be_asked() {
    let (world, _) = two().await;
    world.configure("    policy: { sso_enforcement: organization }\n", JIT).await;

    let silent = world.app.browser().authorize(&[("organization", "acme"), ("prompt", "none")]).await;
    let mut silents = Vec::new();
    for (name, value) in
        [("login_hint", "ada@acme.test"), ("domain_hint", "acme.test"), ("acr_values", "mfa")]
    {
        let silent = [("organization", "acme"), ("prompt", "none"), (name, value)];
        silents.push(world.app.browser().authorize(&silent).await.answer("error"));
    }
    let asked = world.app.browser().authorize(&[("organization", "acme")]).await;
    let sign_in = world.app.browser();
    let direct = sign_in.follow(sign_in.authorize(&[("organization", "acme")]).await).await;

    assert_eq!(silent.answer("error"), "login_required");
    assert_eq!(silents, ["login_required"; 3]);
    assert_eq!(world.provider.asked().discovery, 1, "for the one who may be asked");
    assert_eq!(asked.leads_to(), "/sign-in");
    let away = direct.location().expect("a redirect at once");
    assert!(away.as_str().starts_with(world.provider.issuer()), "{away}");
}

#[tokio::test]
async fn another_user_than_the_hinted_one_is_told_to_the_application() {
    let (world, _) = two().await;
    let vic = world.sign_in(member("vic", "vic@acme.test")).await.text("id_token");
    world.provider.user(member("ada", "ada@acme.test"));
    let browser = world.app.browser();

    let departure = world.depart_with(&browser, &[("id_token_hint", &vic)]).await;
    let page = browser.get(world.provider.answer(&departure)).await;

    assert_eq!(page.answer("error"), "login_required");
    assert!(page.cookies().is_empty());
}

#[tokio::test]
async fn a_parameter_that_is_said_twice_is_no_answer() {
    let (world, _) = two().await;
    let browser = world.app.browser();
    let answer = world.provider.answer(&world.depart(&browser).await);

    for (name, value) in
        [("code", "another"), ("state", "another"), ("state", ""), ("iss", "x"), ("error", "x")]
    {
        let mut twice = answer.clone();
        twice.query_pairs_mut().append_pair(name, value).append_pair(name, value);
        let page = browser.get(twice).await;
        assert_eq!((page.status.as_u16(), page.cookies().len()), (400, 0), "{name}");
    }
    let without = browser.get(answer.as_str().split('?').next().expect("a path")).await;
    let right = browser.get(answer).await;

    assert_eq!(without.status, 400);
    assert!(!right.answer("code").is_empty(), "nothing was used up");
    assert_eq!(world.provider.asked().tokens, 1);
}

#[tokio::test]
async fn an_error_ends_the_sign_in_of_the_browser_that_brings_it_and_no_other() {
    let (world, _) = two().await;
    let denied = |answer: &url::Url| {
        let state = answer.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
        let mut denied = answer.clone();
        denied
            .query_pairs_mut()
            .clear()
            .append_pair("state", &state)
            .append_pair("error", "access_denied")
            .append_pair("error_description", "<script>alert(1)</script>");
        denied
    };
    let (browser, own) = (world.app.browser(), world.app.browser());
    let answer = world.provider.answer(&world.depart(&browser).await);

    let elsewhere = world.app.browser().get(denied(&answer)).await;
    let right = browser.get(answer).await;
    let answer = world.provider.answer(&world.depart(&own).await);
    let refused = own.get(denied(&answer)).await;
    let late = own.get(answer).await;

    assert_eq!((elsewhere.status.as_u16(), elsewhere.cookies().len()), (400, 0));
    assert!(!right.answer("code").is_empty());
    assert_eq!((refused.status.as_u16(), late.status.as_u16()), (403, 400));
    assert!(!refused.body.contains("alert(1)"), "{}", refused.body);
    assert_eq!(world.failed_check().await.as_deref(), Some("provider_answer"));
}

#[tokio::test]
async fn made_up_states_are_one_event_and_a_count_and_name_nobodys_connection() {
    let (world, _) = two().await;
    let (org, theirs) = (world.app.org("acme").await.org_id(), world.connection("globex-workforce").await);
    let browser = world.app.browser();

    for n in 0..50 {
        // Whoever floods may vary whatever is theirs to choose.
        let nobodys = ConnectionId::from_uuid(uuid::Uuid::now_v7());
        let at = if n % 2 == 0 { theirs } else { nobodys };
        let page = browser.get(format!("/sso/{org}/{at}/callback?code=x&state={}", made_up(org, n))).await;
        assert_eq!(page.status, 400);
    }
    world.app.clock.advance(Duration::minutes(2));
    world.app.env.refusals.flush(&world.app.env).await.expect("flushed");

    let events = world.app.events("acme").await;
    let seen = events.iter().filter(|event| *event == "upstream.refused refused unknown_state").count();
    assert_eq!(seen, 2, "one at once, and one that says how many followed: {events:?}");
    let log = log_of(&world, "acme").await;
    assert!(!log.contains(&theirs.to_string()), "{log}");
    let rows: i64 = sqlx::query_scalar("select count(*) from sign_in_traces")
        .fetch_one(world.app.database.superuser())
        .await
        .expect("a count");
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn what_a_link_says_leads_nowhere_else_and_is_no_markup() {
    let (world, _) = two().await;
    let browser = world.app.browser();
    let page = browser.follow(browser.authorize(&[("organization", "acme")]).await).await;
    let (request, departure) = (page.field("request"), button(&page));
    let tricks = [
        "https://evil.test/",
        "//evil.test",
        "javascript:alert(1)",
        "\"><script>alert(1)</script>",
        "ada@acme.test&redirect_uri=https://evil.test/",
    ];

    for trick in tricks {
        let encoded: String = url::form_urlencoded::byte_serialize(trick.as_bytes()).collect();
        let failed = browser.get(format!("/sign-in?request={request}&failed={encoded}")).await;
        let next =
            ["next", "return_to", "redirect_uri", "post_login"].map(|name| format!("&{name}={encoded}"));
        let left = browser.get(format!("{departure}&login_hint={encoded}{}", next.concat())).await;
        let hinted = world.app.browser();
        let asked = hinted.authorize(&[("organization", "acme"), ("login_hint", trick)]).await;
        let shown = hinted.follow(asked).await;

        assert_eq!(failed.status, 200);
        assert!(!failed.body.contains("evil.test") && !failed.body.contains("alert(1)"), "{}", failed.body);
        let to = left.location().expect("a departure");
        assert!(to.as_str().starts_with(world.provider.issuer()), "{to}");
        let said = |name: &str| {
            to.query_pairs()
                .filter(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(said("login_hint"), [trick]);
        assert!(
            matches!(said("redirect_uri").as_slice(), [back] if back.starts_with(world.app.base.as_str()))
        );
        assert!(!shown.body.contains("<script>alert"), "{}", shown.body);
    }
    let split = "outage%0d%0aLocation:%20https://evil.test/";
    let failed = browser.get(format!("/sign-in?request={request}&failed={split}")).await;
    let left = browser.get(format!("{departure}&login_hint={split}")).await;
    assert_eq!(
        [&failed, &left].map(|page| (page.status.as_u16(), page.location())),
        [(400, None), (400, None)]
    );
    let nobodys = browser
        .get(format!(
            "/sign-in/connection?request=https://evil.test/&connection={}",
            world.connection("workforce").await
        ))
        .await;
    assert_eq!((nobodys.status.as_u16(), nobodys.location()), (400, None));
}
