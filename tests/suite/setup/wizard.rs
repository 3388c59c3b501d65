//! The steps of the wizard, driven as its forms drive them.

use orgate_playground::{IdentityProvidersConfig, OpenIdProviderConfig, SamlProviderConfig, saml_metadata};
use orgate_tests::openid_provider::{CLIENT_ID, CLIENT_SECRET};
use orgate_tests::program::Directory;
use reqwest::StatusCode;
use serde_json::json;
use url::Url;

use super::world::{World, check, member};

/// Who did what, as the log keeps it.
async fn actors(world: &World) -> Vec<String> {
    let query = "select distinct action || ' ' || actor_kind from audit_events
                 where action like 'connection.%' order by 1";
    sqlx::query_scalar(query).fetch_all(world.app.database.superuser()).await.expect("the log")
}

#[tokio::test]
async fn from_the_link_to_a_live_connection() {
    let world = World::start().await;
    let (wizard, base) = world.draft(&["viewer"]).await;
    let values = wizard.browser.get(format!("{base}/values")).await;
    check(&values, 200, "/callback</code>");
    let saved = wizard.save_mapping(&base, &[("rule.0.value", "staff"), ("rule.0.role", "viewer")]).await;
    assert_eq!(saved.leads_to(), format!("{base}/domains"), "{}", saved.body);
    wizard.serve_acme(&base).await;

    let trace = world.test(&wizard, &base, member("ada", &["staff"])).await;
    check(&trace, 200, "The test passed");
    check(&trace, 200, "ada@acme.test");
    let sessions: i64 = sqlx::query_scalar("select count(*) from sessions")
        .fetch_one(world.app.database.superuser())
        .await
        .expect("counted");
    assert_eq!(sessions, 0, "a test signs nobody in");
    let preview = wizard.browser.get(format!("{base}/mapping")).await;
    check(&preview, 200, "Name of ada");
    let started = wizard.post(&format!("{base}/pilot"), &[("action", "start"), ("version", "2")]).await;
    assert_eq!(started.leads_to(), format!("{base}/pilot"), "{}", started.body);
    assert_eq!(world.connection("state").await, "pilot");
    let live = wizard.activate(&base, "2").await;
    assert_eq!(live.leads_to(), format!("{base}/activate"), "{}", live.body);

    assert_eq!(world.connection("state").await, "active");
    // Ada's own roles, and the one that the rule gives.
    assert_eq!(world.roles_of(member("ada", &["staff"])).await, json!(["admin", "viewer"]));
    assert_eq!(world.roles_of(member("newcomer", &["staff"])).await, json!(["viewer"]));
    assert_eq!(
        actors(&world).await,
        [
            "connection.activated setup_link",
            "connection.configured setup_link",
            "connection.tested anonymous"
        ]
    );
}

#[tokio::test]
async fn no_role_beyond_the_ceiling_is_offered_saved_or_given() {
    let world = World::start().await;
    let (wizard, base) = world.draft(&["viewer"]).await;

    let page = wizard.browser.get(format!("{base}/mapping")).await;
    assert!(
        page.body.contains("value=\"viewer\"") && !page.body.contains("value=\"admin\""),
        "{}",
        page.body
    );
    for fields in [
        [("rule.0.value", "staff"), ("rule.0.role", "admin")],
        [("default_role", "admin"), ("rule.0.value", "")],
        [("rule.0.value", "staff"), ("rule.0.group", "bosses")],
    ] {
        let refused = wizard.save_mapping(&base, &fields).await;
        check(&refused, 422, "may not give");
    }
    assert_eq!(world.connection("(select max(version) from connection_versions)").await, "1");

    // However the rule comes there: the ceiling is the version's, and asked at every sign-in.
    wizard.save_mapping(&base, &[("rule.0.value", "staff"), ("rule.0.role", "viewer")]).await;
    sqlx::query(
        r#"update connection_versions
           set settings = jsonb_set(settings, '{rules}', '[{"value":"staff","roles":["admin","viewer"]}]')
           where version = 2"#,
    )
    .execute(world.app.database.superuser())
    .await
    .expect("changed");
    wizard.serve_acme(&base).await;
    let trace = world.test(&wizard, &base, member("newcomer", &["staff"])).await;
    check(&trace, 200, "Not given");
    check(&trace, 200, "not given, because whoever set this up may not give them: roles admin");
    wizard.activate(&base, "2").await;
    assert_eq!(world.roles_of(member("newcomer", &["staff"])).await, json!(["viewer"]));
}

#[tokio::test]
async fn nothing_goes_live_that_was_not_tested_as_it_is() {
    let world = World::start().await;
    let (wizard, base) = world.draft(&[]).await;

    check(&wizard.activate(&base, "1").await, 409, "Test the latest version first");
    let pilot = wizard.post(&format!("{base}/pilot"), &[("action", "start"), ("version", "1")]).await;
    check(&pilot, 409, "Test the latest version first");
    assert_eq!(world.connection("state").await, "draft");

    world.test(&wizard, &base, member("ada", &[])).await;
    assert_eq!(world.connection("state").await, "tested");
    wizard.save_mapping(&base, &[("trusts_addresses", "1")]).await;
    assert_eq!(world.connection("state").await, "draft", "a new version is an untested one");
    check(&wizard.activate(&base, "1").await, 409, "changed this meanwhile");
    check(&wizard.activate(&base, "2").await, 409, "Test the latest version first");
    assert_eq!(world.connection("live_version").await, "");
}

#[tokio::test]
async fn a_failed_test_says_which_check_and_tells_no_secret() {
    let world = World::start().await;
    let (wizard, base) = world.draft(&[]).await;
    world.provider.fault(|faults| {
        faults.claims = Some(std::sync::Arc::new(|claims| {
            claims.insert("aud".to_owned(), "somebody else".into());
        }));
    });

    let trace = world.test(&wizard, &base, member("ada", &[])).await;

    check(&trace, 200, "It failed at: Aud");
    check(&trace, 200, "somebody else");
    check(&trace, 200, "Name of ada");
    check(&trace, 200, "Compare the client id");
    let code = format!("code for {}", world.provider.last("nonce").expect("a nonce"));
    for secret in ["ogus_0", &code, CLIENT_SECRET] {
        assert!(!trace.body.contains(secret), "{secret}: {}", trace.body);
    }
    assert_eq!(world.connection("tested_version").await, "");
    let list = wizard.browser.get(format!("{base}/test")).await;
    check(&list, 200, "Failed: Aud");
}

#[tokio::test]
async fn an_earlier_version_that_was_live_is_live_again() {
    let world = World::start().await;
    let (wizard, base) = world.draft(&["viewer"]).await;
    wizard.save_mapping(&base, &[("default_role", "viewer")]).await;
    world.test(&wizard, &base, member("ada", &[])).await;
    wizard.activate(&base, "2").await;
    wizard.save_mapping(&base, &[]).await;
    world.test(&wizard, &base, member("ada", &[])).await;
    wizard.activate(&base, "3").await;
    assert_eq!(world.connection("live_version").await, "3");

    let never = wizard.post(&format!("{base}/roll-back"), &[("version", "3"), ("to", "1")]).await;
    check(&never, 409, "live before");
    let done = wizard.post(&format!("{base}/roll-back"), &[("version", "3"), ("to", "2")]).await;

    assert_eq!(done.leads_to(), format!("{base}/activate"), "{}", done.body);
    assert_eq!(world.connection("live_version").await, "2");
    assert_eq!(world.connection("state").await, "active");
    world.roles_of(member("ada", &[])).await;
    check(&wizard.browser.get(format!("{base}/activate")).await, 200, "Version 2 is live; version 3");
    let off = wizard.post(&format!("{base}/switch"), &[("version", "3"), ("to", "off")]).await;
    check(&off, 422, "Tick the box");
    wizard.post(&format!("{base}/switch"), &[("version", "3"), ("to", "off"), ("sure", "1")]).await;
    assert_eq!(world.connection("state").await, "disabled");
    let events = world.app.events("acme").await;
    let ended = events.iter().filter(|event| *event == "session.ended success connection_disabled").count();
    assert_eq!(ended, 1, "and so does the session that began through it: {events:?}");
}

#[tokio::test]
async fn a_stale_form_says_who_changed_what_and_loses_nothing() {
    let world = World::start().await;
    let (first, base) = world.draft(&["viewer"]).await;
    let second = world.open(&world.link("acme", &[]).await).await;
    second.save_mapping(&base, &[]).await;

    let stale = first.save_provider_on(&base, "1", (world.provider.issuer(), "what-i-typed")).await;

    check(&stale, 409, "Another set-up link saved version 2 (attributes and roles)");
    check(&stale, 409, "value=\"what-i-typed\"");
    assert_eq!(stale.field("seen"), "2");
    let count = "(select max(version) from connection_versions)";
    assert_eq!(world.connection(count).await, "2");
    let again = first.save_provider_on(&base, "2", (world.provider.issuer(), "what-i-typed")).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    assert_eq!(world.connection(count).await, "3");

    let seen = first.browser.get(format!("{base}/pilot")).await.field("seen");
    let pilots = |wizard: &super::world::Wizard, typed: &'static str| {
        let (browser, base, seen) = (wizard.browser.clone(), base.clone(), seen.clone());
        async move {
            let csrf = browser.get("/setup/connections").await.field("csrf");
            let fields = [("csrf", csrf.as_str()), ("action", "list"), ("seen", &seen), ("pilots", typed)];
            browser.post(format!("{base}/pilot"), &fields).await
        }
    };
    assert_eq!(pilots(&second, "vic@acme.test").await.status, StatusCode::SEE_OTHER);
    let stale = pilots(&first, "ada@acme.test").await;
    check(&stale, 409, "changed this meanwhile");
    check(&stale, 409, "ada@acme.test");
}

#[tokio::test]
async fn the_preflight_names_who_would_lose_access() {
    let world = World::start().await;
    let (wizard, base) = world.draft(&[]).await;
    let page = || wizard.browser.get(format!("{base}/activate"));

    let unserved = page().await;
    wizard.serve_acme(&base).await;
    let served = page().await;
    world
        .app
        .apply(
            "organizations:\n  - { slug: acme, name: Acme Inc, policy: { sso_enforcement: organization } }\n",
        )
        .await;
    let enforced = page().await;
    let seen = wizard.browser.get(format!("{base}/pilot")).await.field("seen");
    let listed = [("action", "list"), ("seen", seen.as_str()), ("pilots", "ada@acme.test")];
    wizard.post(&format!("{base}/pilot"), &listed).await;
    let pilot = wizard.browser.get(format!("{base}/pilot")).await;

    check(&unserved, 200, "2 people would lose access if this became the only way");
    check(&served, 200, "Nobody would lose access; 2 people have yet to sign in this way");
    assert!(!served.body.contains("casey@consult.test"), "passwords go on working");
    check(&enforced, 200, "One person would lose access");
    check(&enforced, 200, "casey@consult.test");
    check(&pilot, 200, "2 people would lose access");
    check(&pilot, 200, "Not in the pilot");
}

#[tokio::test]
async fn whom_another_connection_knows_has_a_way_in_as_long_as_it_leads_to_the_same_provider() {
    let world = World::start().await;
    let (wizard, base) = world.draft(&[]).await;
    let other = world.provider.connection("other", "acme.test", "");
    let enforced = format!(
        "organizations:
  - slug: acme
    name: Acme Inc
    policy: {{ sso_enforcement: organization }}
    connections:
{other}"
    );
    world.app.apply(&enforced).await;
    let run = async |statement: &'static str| {
        sqlx::raw_sql(statement).execute(world.app.database.superuser()).await.expect("a superuser may");
    };
    run("insert into identity_links (org_id, connection_id, provider, subject, user_id, linked_at, last_used_at)
         select member.org_id, version.connection_id, version.settings #>> '{provider,oidc,issuer}', 'casey', member.id,
                now(), now()
         from users member
         join connections connection on connection.org_id = member.org_id and connection.slug = 'other'
         join connection_versions version on version.connection_id = connection.id
         where member.email = 'casey@consult.test'")
    .await;
    let page = || wizard.browser.get(format!("{base}/activate"));

    let known = page().await;
    run("update identity_links set provider = 'https://idp.before.test'").await;
    let forgotten = page().await;

    assert!(!known.body.contains("casey@consult.test"), "{}", known.body);
    check(&forgotten, 200, "casey@consult.test");
}

/// Metadata of a real provider.
fn metadata() -> String {
    let directory = Directory::fresh();
    let config = IdentityProvidersConfig {
        base_url: Url::parse("http://localhost:9/").expect("an address"),
        oidc: OpenIdProviderConfig { name: String::new(), users: Vec::new(), clients: Vec::new() },
        saml: SamlProviderConfig {
            name: "Directory".to_owned(),
            users: Vec::new(),
            service_providers: Vec::new(),
            tiles: Vec::new(),
            key_file: Some(directory.path("idp.pem")),
        },
    };
    saml_metadata(&config).expect("metadata")
}

/// The same, under a name that is no name.
fn hostile_metadata() -> String {
    let metadata = metadata();
    let entity = "http://localhost:9/saml/metadata";
    assert!(metadata.contains(entity), "{metadata}");
    metadata.replace(entity, "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;")
}

#[tokio::test]
async fn a_connection_begins_with_the_names_of_its_vendor() {
    let world = World::start().await;
    let wizard = world.open(&world.link("acme", &[]).await).await;
    let fields = [("vendor", "onelogin"), ("protocol", "saml"), ("name", "Workforce")];
    let made = wizard.post("/setup/new", &fields).await.leads_to();
    let base = made.strip_suffix("/values").expect("made").to_owned();
    let page = || wizard.browser.get(format!("{base}/mapping"));
    let metadata = metadata();
    let fields = [("seen", "0"), ("metadata", metadata.as_str()), ("sign_requests", "1")];
    let provider = wizard.post(&format!("{base}/provider"), &fields).await;
    assert_eq!(provider.leads_to(), format!("{base}/mapping"), "{}", provider.body);

    let begun = page().await;
    let refused = wizard.save_mapping(&base, &[("groups_separator", "semicolon")]).await;
    let saved = wizard.save_mapping(&base, &[("groups_separator", "|")]).await;
    let changed = page().await;

    check(&begun, 200, "value=\"User.email, email\"");
    check(&begun, 200, "name=\"groups\" type=\"text\" value=\"memberOf, groups\"");
    check(&begun, 200, "name=\"groups_separator\" type=\"text\" value=\";\"");
    check(&refused, 422, "<p class=\"wrong\">groups_separator is 1 to 8 bytes");
    assert_eq!(saved.leads_to(), format!("{base}/domains"), "{}", saved.body);
    check(&changed, 200, "name=\"groups_separator\" type=\"text\" value=\"|\"");
}

#[tokio::test]
async fn what_strangers_write_is_shown_as_text() {
    let world = World::start().await;
    let wizard = world.open(&world.link("acme", &[]).await).await;
    let base = wizard.create("saml").await;
    let metadata = hostile_metadata();
    let fields = [("seen", "0"), ("metadata", metadata.as_str()), ("sign_requests", "1")];
    let saved = wizard.post(&format!("{base}/provider"), &fields).await;
    assert_eq!(saved.leads_to(), format!("{base}/mapping"), "{}", saved.body);

    let schedule = "(select count(*) from connection_refreshes)";
    assert_eq!(world.connection(schedule).await, "1", "its metadata is looked after");

    let provider = wizard.browser.get(format!("{base}/provider")).await;
    check(&provider, 200, "script");
    assert!(!provider.body.contains("<script>alert"), "{}", provider.body);

    let world = World::start().await;
    let (wizard, base) = world.draft(&[]).await;
    let claims = json!({
        "sub": "\"><script>alert(1)</script>", "email": "ada@acme.test", "email_verified": true,
        "name": "<img src=x onerror=alert(1)>", "<script>alert(2)</script>": "<script>alert(3)</script>",
        "groups": ["</dd><script>alert(4)</script>"],
    });
    let trace = world.test(&wizard, &base, claims).await;
    let preview = wizard.browser.get(format!("{base}/mapping")).await;
    for page in [trace, preview] {
        assert!(page.body.contains("alert(3)"), "{}", page.body);
        assert!(!page.body.contains("<script>alert") && !page.body.contains("<img src=x"), "{}", page.body);
        let policy = page.headers["content-security-policy"].to_str().expect("text");
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_said_beside_its_field() {
    let world = World::start().await;
    let (wizard, base) = world.draft(&["viewer"]).await;
    let saml = wizard.create("saml").await;
    let issuer = world.provider.issuer().to_owned();

    check(&wizard.save_provider(&base, &format!("{issuer}/other"), CLIENT_ID).await, 422, "issuer-error");
    check(&wizard.save_provider(&base, "idp", CLIENT_ID).await, 422, "whole address");
    let domain = async |name: &str| wizard.post("/setup/domains", &[("domain", name)]).await;
    check(&domain("gmail.com").await, 422, "get an address at gmail.com");
    check(&domain("github.io").await, 422, "register names below github.io");
    let post = async |fields: &[(&str, &str)]| wizard.post(&format!("{saml}/provider"), fields).await;
    check(&post(&[("seen", "0")]).await, 422, "in one of these ways");
    check(&post(&[("seen", "0"), ("metadata", "<a/>")]).await, 422, "metadata-error");
    check(
        &post(&[("seen", "0"), ("metadata", "<a/>"), ("metadata_url", "https://idp.test")]).await,
        422,
        "one of the ways",
    );
    let typed =
        [("seen", "0"), ("entity_id", "urn:idp"), ("sso_url", "https://idp.test"), ("certificate", "x")];
    check(&post(&typed).await, 422, "certificate-error");
    let long = "x".repeat(513 * 1024);
    check(&post(&[("seen", "0"), ("metadata", &long)]).await, 422, "512 KiB");
    let longer = "x".repeat(600 * 1024);
    assert_eq!(post(&[("seen", "0"), ("metadata", &longer)]).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let other = [("seen", ""), ("domain", "globex.test")];
    assert_eq!(wizard.post(&format!("{base}/domains"), &other).await.status, StatusCode::CONFLICT);
    let seen = wizard.browser.get(format!("{base}/domains")).await.field("seen");
    let foreign =
        wizard.post(&format!("{base}/domains"), &[("seen", &seen), ("domain", "globex.test")]).await;
    check(&foreign, 422, "not verified by your organization");
}
