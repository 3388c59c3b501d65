//! What a provider's metadata proposes, looked at and taken over by a link.

use std::time::Duration;

use orgate_domain::audit::Actor;
use orgate_domain::ids::ConnectionId;
use orgate_domain::setup::SetupPurpose;
use orgate_flows::federation::refresh::refresh_due;
use orgate_flows::setup::links::revoke_link;
use orgate_flows::{Clock as _, SystemClock};
use orgate_saml::certificate::Certificate;
use orgate_saml::key::KeyPair;
use orgate_tests::app::Page;
use orgate_tests::saml_provider::{SamlProvider, Served, new_key};
use serde_json::json;

use super::world::{Wizard, World, check};

/// A provider's own page writes a fingerprint like this.
pub(super) fn fingerprint(certificate: &Certificate) -> String {
    let text = certificate.fingerprint().to_uppercase();
    let pairs: Vec<&str> =
        text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("text")).collect();
    pairs.join(":")
}

fn key() -> KeyPair {
    new_key(SystemClock.now() + chrono::Duration::days(365))
}

/// A provider whose metadata a connection follows, with the page of what it proposes.
struct Followed {
    idp: SamlProvider,
    base: String,
    page: String,
    id: ConnectionId,
}

impl Followed {
    /// A live connection that this link's holder set up.
    async fn by(world: &World, wizard: &Wizard) -> Self {
        let idp = SamlProvider::start().await;
        idp.serve(Served::Document(idp.metadata(&idp.entity_id(), &[idp.key()], None)));
        let base = wizard.create("saml").await;
        let fields = [("seen", "0"), ("metadata_url", &idp.entity_id()), ("sign_requests", "1")];
        let saved = wizard.post(&format!("{base}/provider"), &fields).await;
        assert_eq!(saved.leads_to(), format!("{base}/mapping"), "{}", saved.body);
        world.run("update connections set state = 'active', live_version = 1, tested_version = 1").await;
        Self::at(idp, base)
    }

    fn at(idp: SamlProvider, base: String) -> Self {
        let id = base.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
        Self { idp, page: format!("{base}/proposal"), base, id }
    }

    /// The metadata names these keys alone, and nobody vouches for them.
    async fn names(&self, world: &World, keys: &[&KeyPair]) {
        self.idp.serve(Served::Document(self.idp.metadata(&self.idp.entity_id(), keys, None)));
        let began = std::time::Instant::now();
        loop {
            world.run("update connection_refreshes set due_at = now() - interval '1 day'").await;
            refresh_due(&world.app.env).await.expect("refreshed");
            let proposed =
                "select coalesce(proposed::text, '') from connection_refreshes where connection_id = $1";
            let proposed: String = sqlx::query_scalar(proposed)
                .bind(self.id.as_uuid())
                .fetch_one(world.app.database.superuser())
                .await
                .expect("a schedule");
            if keys.iter().all(|key| proposed.contains(&key.certificate().base64())) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "nothing is proposed: {proposed}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The certificates by which people sign in now.
    async fn live(&self, world: &World) -> String {
        let live =
            "select version.settings #>> '{provider,saml,certificates}' from connection_versions version
             join connections connection on connection.id = version.connection_id
                 and connection.live_version = version.version
             where connection.id = $1";
        let live = sqlx::query_scalar(live).bind(self.id.as_uuid());
        live.fetch_one(world.app.database.superuser()).await.expect("a live version")
    }

    async fn approve(&self, wizard: &Wizard, digest: &str) -> Page {
        wizard.post(&self.page, &[("proposal", digest)]).await
    }
}

/// Acme's connection, and somebody with a link for `viewer`.
async fn followed() -> (World, Wizard, Followed) {
    let world = World::start().await;
    let wizard = world.open(&world.link("acme", &["viewer"]).await).await;
    let followed = Followed::by(&world, &wizard).await;
    (world, wizard, followed)
}

/// Events of approvals, as `actor organization`.
async fn approvals(world: &World) -> Vec<String> {
    let query = "select event.actor_kind || ' ' || event.actor_id || ' ' || organization.slug || ' ' || (event.address is not null)
         from audit_events event join organizations organization on organization.org_id = event.org_id
         where event.action = 'connection.configured' and event.detail ->> 'change' = 'metadata_approved'";
    sqlx::query_scalar(query).fetch_all(world.app.database.superuser()).await.expect("the log")
}

/// What the events of approvals tell.
async fn details(world: &World) -> Vec<serde_json::Value> {
    let query = "select detail from audit_events where detail ->> 'change' = 'metadata_approved'";
    sqlx::query_scalar(query).fetch_all(world.app.database.superuser()).await.expect("the log")
}

#[tokio::test]
async fn what_metadata_proposes_is_shown_and_taken_over_as_it_was_shown() {
    let world = World::start().await;
    let link = world.link("acme", &["viewer"]).await;
    let wizard = world.open(&link).await;
    let followed = Followed::by(&world, &wizard).await;
    let quiet = wizard.browser.get(&followed.page).await;
    let (old, new) = (followed.idp.key(), key());
    followed.names(&world, &[&new]).await;

    let overview = wizard.browser.get("/setup/connections").await;
    let step = wizard.browser.get(format!("{}/test", followed.base)).await;
    let shown = wizard.browser.get(&followed.page).await;
    let taken = followed.approve(&wizard, &shown.field("proposal")).await;
    let done = wizard.browser.follow(taken).await;

    check(&quiet, 200, "No new settings wait");
    for page in [&overview, &step] {
        check(page, 200, &format!("href=\"{}\"", followed.page));
    }
    let until = (SystemClock.now() + chrono::Duration::days(365)).format("until %-d %B %Y").to_string();
    for text in [&fingerprint(new.certificate()), &fingerprint(old.certificate()), &until] {
        check(&shown, 200, text);
    }
    check(&shown, 200, &format!("Read from <bdi class=\"anywhere\">{}", followed.idp.entity_id()));
    check(&done, 200, "The new settings are in force");
    let live = followed.live(&world).await;
    assert_eq!(live, format!("[\"{}\"]", new.certificate().base64()));
    assert_eq!(approvals(&world).await, [format!("setup_link {} acme true", link.id)]);
    assert_eq!(
        details(&world).await,
        [json!({
            "connection": followed.id.to_string(), "change": "metadata_approved", "version": "2",
            "fields": "certificates", "trusted": new.certificate().fingerprint(),
            "distrusted": old.certificate().fingerprint(),
        })]
    );
    let overview = wizard.browser.get("/setup/connections").await;
    assert!(!overview.body.contains(&followed.page), "{}", overview.body);
    assert_eq!(world.connection("(live_version || ' ' || tested_version)").await, "2 2");
    let ceiling = "select array_to_string(role_ceiling, ' ') from connection_versions where version = 2";
    let ceiling: String =
        sqlx::query_scalar(ceiling).fetch_one(world.app.database.superuser()).await.expect("a version");
    assert_eq!(ceiling, "viewer");
}

#[tokio::test]
async fn what_was_changed_since_it_was_shown_is_shown_again_and_not_taken_over() {
    let (world, wizard, followed) = followed().await;
    let (first, second) = (key(), key());
    followed.names(&world, &[&first]).await;
    let shown = wizard.browser.get(&followed.page).await.field("proposal");
    followed.names(&world, &[&second]).await;
    let before = followed.live(&world).await;

    let other_keys = followed.approve(&wizard, &shown).await;
    let shown = other_keys.field("proposal");
    world.run("insert into connection_versions (org_id, connection_id, version, settings, created_at, author_kind)
               select org_id, connection_id, 2, jsonb_set(settings, '{provider,saml,sso_url}', '\"https://elsewhere.test/\"'),
                      created_at, 'operator'
               from connection_versions;
               update connections set live_version = 2").await;
    let other_base = followed.approve(&wizard, &shown).await;

    for page in [&other_keys, &other_base] {
        check(page, 409, "It is not what you looked at any more");
        check(page, 409, &fingerprint(second.certificate()));
    }
    check(&other_base, 409, "https://elsewhere.test/");
    assert_eq!(followed.live(&world).await, before);
    assert!(approvals(&world).await.is_empty());
    let taken = followed.approve(&wizard, &other_base.field("proposal")).await;
    assert_eq!(taken.status, 303, "{}", taken.body);
    let nothing = followed.approve(&wizard, &other_base.field("proposal")).await;
    check(&nothing, 409, "what you looked at waits no more");
}

#[tokio::test]
async fn nothing_but_this_connections_own_proposal_is_taken_over_by_a_link_for_it() {
    let (world, wizard, first) = followed().await;
    let second = Followed::by(&world, &wizard).await;
    let globex = world.open(&world.link("globex", &[]).await).await;
    let domains = world.open(&world.link_for("acme", &["viewer"], &[SetupPurpose::Domains]).await).await;
    let (one, other) = (key(), key());
    first.names(&world, &[&one]).await;
    second.names(&world, &[&other]).await;
    let before = (first.live(&world).await, second.live(&world).await);
    let digest = wizard.browser.get(&first.page).await.field("proposal");

    let elsewhere = second.approve(&wizard, &digest).await;
    let guessed = [first.approve(&wizard, "").await, first.approve(&wizard, "guessed").await];
    let foreign = [globex.browser.get(&first.page).await, first.approve(&globex, &digest).await];
    let purpose = first.approve(&domains, &digest).await;
    let forged = wizard.browser.post(&first.page, &[("csrf", "forged"), ("proposal", &digest)]).await;

    check(&elsewhere, 409, &fingerprint(other.certificate()));
    for page in &guessed {
        check(page, 409, "It is not what you looked at any more");
    }
    for page in &foreign {
        assert_eq!(page.status, 404);
        assert!(!page.body.contains(&fingerprint(one.certificate())), "{}", page.body);
    }
    check(&purpose, 409, "Your link is for something else");
    assert!(!domains.browser.get("/setup/connections").await.body.contains("/proposal"));
    assert_eq!(forged.status, 403, "{}", forged.body);
    assert_eq!((first.live(&world).await, second.live(&world).await), before);
    assert!(approvals(&world).await.is_empty());
}

#[tokio::test]
async fn a_link_takes_nothing_over_for_a_connection_that_gives_more_than_it_may() {
    let world = World::start().await;
    let idp = SamlProvider::start().await;
    let url = format!("              metadata_url: \"{}\"\n", idp.entity_id());
    let admins = "          rules: [{ value: it, roles: [admin] }]\n";
    let connection = idp.connection("directory", "acme.test", (&url, admins));
    let file = format!("organizations:\n  - slug: acme\n    name: Acme Inc\n    connections:\n{connection}");
    world.app.apply(&file).await;
    let id: uuid::Uuid = sqlx::query_scalar("select id from connections")
        .fetch_one(world.app.database.superuser())
        .await
        .expect("a connection");
    let id = ConnectionId::from_uuid(id);
    let followed = Followed::at(idp, format!("/setup/connections/{id}"));
    let new = key();
    followed.names(&world, &[&new]).await;
    let (weak, strong) = (world.link("acme", &["viewer"]).await, world.link("acme", &["admin"]).await);
    let (weak, strong) = (world.open(&weak).await, world.open(&strong).await);
    let before = followed.live(&world).await;

    let shown = strong.browser.get(&followed.page).await.field("proposal");
    let page = weak.browser.get(&followed.page).await;
    let refused = followed.approve(&weak, &shown).await;

    check(&page, 200, "This connection gives what your link may not: admin");
    assert!(!page.body.contains("name=\"proposal\""), "{}", page.body);
    check(&refused, 409, "gives roles that your link may not give");
    let events = world.app.events("acme").await;
    assert_eq!(
        events.last().map(String::as_str),
        Some("connection.configured refused beyond_link"),
        "{events:?}"
    );
    assert_eq!(followed.live(&world).await, before);
    let taken = followed.approve(&strong, &shown).await;
    assert_eq!(taken.status, 303, "{}", taken.body);
    // What the file says is in force already, but for what the metadata led to.
    world.app.apply(&file).await;
    assert!(followed.live(&world).await.contains(&new.certificate().base64()));
}

#[tokio::test]
async fn of_eight_who_take_it_over_at_once_one_does() {
    let (world, wizard, followed) = followed().await;
    let new = key();
    followed.names(&world, &[&new]).await;
    let digest = wizard.browser.get(&followed.page).await.field("proposal");
    let csrf = wizard.csrf().await;

    let posts = (0..8).map(|_| {
        let (browser, page, csrf, digest) =
            (wizard.browser.clone(), followed.page.clone(), csrf.clone(), digest.clone());
        tokio::spawn(async move { browser.post(page, &[("csrf", &csrf), ("proposal", &digest)]).await })
    });
    let mut statuses = Vec::new();
    for post in posts.collect::<Vec<_>>() {
        statuses.push(post.await.expect("answered").status.as_u16());
    }

    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!(approvals(&world).await.len(), 1);
    assert_eq!(world.connection("(select max(version) from connection_versions)").await, "2");
}

#[tokio::test]
async fn a_link_that_was_taken_back_takes_nothing_over() {
    let world = World::start().await;
    let link = world.link("acme", &["viewer"]).await;
    let wizard = world.open(&link).await;
    let followed = Followed::by(&world, &wizard).await;
    followed.names(&world, &[&key()]).await;
    let digest = wizard.browser.get(&followed.page).await.field("proposal");
    let csrf = wizard.csrf().await;
    let scope = world.app.org("acme").await;
    revoke_link(&world.app.env, &scope, link.id, Actor::Operator).await.expect("revoked");

    let refused = wizard.browser.post(&followed.page, &[("csrf", &csrf), ("proposal", &digest)]).await;

    assert_eq!(refused.status, 410, "{}", refused.body);
    assert!(approvals(&world).await.is_empty());
}

#[tokio::test]
async fn what_metadata_says_is_shown_as_text() {
    let (world, wizard, followed) = followed().await;
    followed.names(&world, &[&key()]).await;
    let address = "update connection_versions set settings = replace(settings::text, '/metadata\"', '/metadata?<script>alert(1)</script>\"')::jsonb;
         update connection_refreshes set proposed = replace(proposed::text, '/metadata\"', '/metadata?<script>alert(1)</script>\"')::jsonb";
    world.run(address).await;

    let shown = wizard.browser.get(&followed.page).await;

    check(&shown, 200, "alert(1)");
    assert!(!shown.body.contains("<script>alert"), "{}", shown.body);
}
