//! A SAML identity provider's metadata, fetched on schedule: what it may change by itself, and what it may not.

use std::time::Duration;

use chrono::{DateTime, Utc};
use orgate_domain::audit::Actor;
use orgate_flows::federation::refresh::{self, find_proposal, refresh_due};
use orgate_flows::federation::saml_keys::{self, BroughtKeyError, bring};
use orgate_flows::{Clock as _, SystemClock};
use orgate_saml::binding::RedirectQuery;
use orgate_saml::key::{KeyError, KeyPair};
use orgate_storage::{KeyPurpose, OrgScope};
use orgate_tests::app::{App, Page};
use orgate_tests::mailbox::Mailbox;
use orgate_tests::saml_provider::{SamlProvider, Served, new_key, sign};

use super::saml_world::{JIT, SamlWorld};

/// Longer than a fetch may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that follows its provider's metadata.
async fn following() -> SamlWorld {
    let world = SamlWorld::start().await;
    let url = format!("              metadata_url: \"{}\"\n", world.idp.entity_id());
    world.configure(&url, JIT).await;
    world
}

fn in_a_year() -> DateTime<Utc> {
    SystemClock.now() + chrono::Duration::days(365)
}

/// What is known of the last refresh of `directory`.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
struct Known {
    due_at: DateTime<Utc>,
    last_error: Option<String>,
    proposed: Option<String>,
}

async fn known(app: &App) -> Known {
    let row = "select due_at, last_error, proposed::text from connection_refreshes refresh
         join connections connection on connection.id = refresh.connection_id where connection.slug = 'directory'";
    sqlx::query_as(row).fetch_one(app.database.superuser()).await.expect("a schedule")
}

/// Looks after `directory`, which is due, once; what is known then.
async fn look(app: &App) -> Known {
    let due = "update connection_refreshes set due_at = now() - interval '1 day'";
    sqlx::raw_sql(due).execute(app.database.superuser()).await.expect("changed");
    refresh_due(&app.env).await.expect("refreshed");
    app.env.configuration.forget();
    // If the job was faster it may still be at it; what it has claimed is due again within minutes.
    let began = std::time::Instant::now();
    loop {
        let known = known(app).await;
        if known.due_at > app.env.clock.now() + chrono::Duration::minutes(10) {
            return known;
        }
        assert!(began.elapsed() < PATIENCE, "it is not looked after: {known:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The settings that are in force.
async fn live(app: &App) -> String {
    let settings = "select version.settings::text from connection_versions version
         join connections connection on connection.id = version.connection_id
             and connection.live_version = version.version
         where connection.slug = 'directory'";
    sqlx::query_scalar(settings).fetch_one(app.database.superuser()).await.expect("a live version")
}

/// Whether somebody signs in by an assertion that this key signed.
async fn signs_in(world: &SamlWorld, key: &KeyPair) -> bool {
    let (browser, place) = (world.app.browser(), world.place("directory").await);
    let request = world.depart(&browser, "acme", &place).await;
    let xml = sign(world.idp.response(&world.answer(&place, Some(&request), "ada")), key);
    let page: Page = browser.follow(world.post(&browser, &place, &xml).await).await;
    page.location().is_some_and(|to| to.as_str().contains("code=ogac_"))
}

/// How often something was noted.
async fn noted(app: &App, reason: &str) -> usize {
    let event = format!("connection.watched success {reason}");
    app.events("acme").await.iter().filter(|found| **found == event).count()
}

#[tokio::test]
async fn new_keys_that_nobody_vouched_for_wait_for_approval() {
    let world = following().await;
    let (app, idp, next) = (&world.app, &world.idp, new_key(in_a_year()));
    idp.serve(Served::Document(idp.metadata(&idp.entity_id(), &[&next], None)));

    let before = live(app).await;
    let seen = look(app).await;
    let again = look(app).await;
    let unchanged = live(app).await;
    let waiting = (signs_in(&world, idp.key()).await, signs_in(&world, &next).await);
    let scope = app.org("acme").await;
    let connection = world.place("directory").await.id;
    let globex = app.org("globex").await;
    let proposal = find_proposal(&app.env, &scope, connection).await.expect("asked").expect("a proposal");
    let nothing = find_proposal(&app.env, &globex, connection).await.expect("asked");
    let approve = async |scope: &OrgScope| {
        refresh::approve(&app.env, scope, (connection, &proposal), Actor::Operator).await.expect("asked")
    };
    let (by_globex, approved, twice) = (approve(&globex).await, approve(&scope).await, approve(&scope).await);
    app.env.configuration.forget();

    assert_eq!(before, unchanged);
    assert!(seen.proposed.is_some_and(|text| text.contains(&next.certificate().base64())));
    assert!(again.proposed.is_some());
    assert_eq!((waiting, noted(app, "metadata_proposed").await), ((true, false), 1));
    let fields: Vec<&str> = proposal.changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!((fields, nothing.is_none()), (vec!["certificates"], true));
    assert_eq!((by_globex, approved, twice), (false, true, false));
    assert_eq!((signs_in(&world, idp.key()).await, signs_in(&world, &next).await), (false, true));
    assert_eq!((known(app).await.proposed, noted(app, "metadata_followed").await), (None, 0));
}

#[tokio::test]
async fn what_was_changed_since_it_was_looked_at_is_not_approved() {
    let world = following().await;
    let (app, idp, next) = (&world.app, &world.idp, new_key(in_a_year()));
    idp.serve(Served::Document(idp.metadata(&idp.entity_id(), &[&next], None)));
    look(app).await;
    let (scope, connection) = (app.org("acme").await, world.place("directory").await.id);
    let seen = find_proposal(&app.env, &scope, connection).await.expect("asked").expect("a proposal");

    idp.serve(Served::Document(idp.metadata(&idp.entity_id(), &[&new_key(in_a_year())], None)));
    look(app).await;
    let approved =
        refresh::approve(&app.env, &scope, (connection, &seen), Actor::Operator).await.expect("asked");

    assert!(!approved, "the provider names other keys again");
    assert!(signs_in(&world, idp.key()).await);
    assert!(known(app).await.proposed.is_some());
}

#[tokio::test]
async fn new_keys_that_a_trusted_key_signed_for_are_followed() {
    let world = following().await;
    let (app, idp, next) = (&world.app, &world.idp, new_key(in_a_year()));
    let both = [idp.key(), &next];
    idp.serve(Served::Document(idp.metadata(&idp.entity_id(), &both, Some(idp.key()))));

    let seen = look(app).await;
    look(app).await;

    assert_eq!((seen.last_error, seen.proposed), (None, None));
    assert_eq!((signs_in(&world, idp.key()).await, signs_in(&world, &next).await), (true, true));
    assert_eq!((noted(app, "metadata_followed").await, noted(app, "metadata_proposed").await), (1, 0));
}

#[tokio::test]
async fn a_file_that_is_applied_again_takes_back_nothing_that_was_followed() {
    let world = following().await;
    let (app, idp, next) = (&world.app, &world.idp, new_key(in_a_year()));
    let url = format!("              metadata_url: \"{}\"\n", idp.entity_id());
    idp.serve(Served::Document(idp.metadata(&idp.entity_id(), &[&next], Some(idp.key()))));
    look(app).await;
    let followed = live(app).await;

    world.configure(&url, JIT).await;
    let same = live(app).await;
    world.configure(&url, "          jit: { enabled: false }\n").await;
    let other = live(app).await;

    assert!(followed.contains(&next.certificate().base64()));
    assert_eq!(same, followed);
    assert!(other.contains("\"enabled\": false") && other.contains(&next.certificate().base64()), "{other}");
    world.configure("", JIT).await;
    assert!(
        live(app).await.contains(&idp.key().certificate().base64()),
        "another word about the provider counts"
    );
}

#[tokio::test]
async fn a_signature_of_the_new_keys_own_or_over_something_else_vouches_for_nothing() {
    let world = following().await;
    let (app, idp, next) = (&world.app, &world.idp, new_key(in_a_year()));
    let entity_id = idp.entity_id();
    let genuine = idp.metadata(&entity_id, &[idp.key()], Some(idp.key()));
    let certificates = (idp.key().certificate().base64(), next.certificate().base64());
    let (head, body) = genuine.split_once("<md:IDPSSODescriptor").expect("a descriptor");
    let altered = format!("{head}<md:IDPSSODescriptor{}", body.replace(&certificates.0, &certificates.1));
    let before = live(app).await;

    for (what, document) in [
        ("its own", idp.metadata(&entity_id, &[&next], Some(&next))),
        ("a stranger's", idp.metadata(&entity_id, &[&next], Some(idp.foreign()))),
        ("altered", altered),
    ] {
        idp.serve(Served::Document(document));
        let seen = look(app).await;
        assert!(seen.proposed.is_some() || seen.last_error.is_some(), "{what}: {seen:?}");
        assert_eq!(live(app).await, before, "{what}");
    }

    assert_eq!((signs_in(&world, idp.key()).await, signs_in(&world, &next).await), (true, false));
    assert_eq!(noted(app, "metadata_followed").await, 0);
}

#[tokio::test]
async fn metadata_that_cannot_be_used_changes_nothing_and_says_why() {
    let world = following().await;
    let (app, idp, next) = (&world.app, &world.idp, new_key(in_a_year()));
    let entity_id = idp.entity_id();
    let signed = idp.metadata(&entity_id, &[idp.key(), &next], Some(idp.key()));
    let plain = idp.metadata(&entity_id, &[&next], None);
    let past = plain.replacen(" entityID=", " validUntil=\"2025-01-01T00:00:00Z\" entityID=", 1);
    let no_sso = format!(
        "{}</md:IDPSSODescriptor></md:EntityDescriptor>",
        plain.split("<md:SingleSignOnService").next().expect("a start")
    );
    let before = live(app).await;

    for (what, served) in [
        ("another entity", Served::Document(idp.metadata("https://evil.test/", &[&next], Some(idp.key())))),
        ("no certificates", Served::Document(idp.metadata(&entity_id, &[], Some(idp.key())))),
        ("lapsed", Served::Document(past)),
        ("no address", Served::Document(no_sso)),
        ("a doctype", Served::Document(format!("<!DOCTYPE x [<!ENTITY a \"b\">]>{plain}"))),
        ("garbage", Served::Document("<html>503</html>".to_owned())),
        ("empty", Served::Document(String::new())),
        ("gone", Served::Nothing),
        ("huge", Served::Huge),
        ("a redirect", Served::Redirects(signed)),
        ("silence", Served::Hangs),
    ] {
        idp.serve(served);
        let (known, told) = (known(app).await.last_error, noted(app, "metadata_failed").await);
        let seen = look(app).await;
        let is_news = usize::from(seen.last_error != known);
        assert_eq!(noted(app, "metadata_failed").await, told + is_news, "{what}: an event for each reason");
        assert!(seen.last_error.as_ref().is_some_and(|why| why.len() < 500), "{what}: {seen:?}");
        assert_eq!((seen.proposed, live(app).await), (None, before.clone()), "{what}");
    }
    assert!(signs_in(&world, idp.key()).await);
    assert!(!signs_in(&world, &next).await);
    assert!(noted(app, "metadata_failed").await > 5, "most reasons differ");
    idp.serve(Served::Document(idp.metadata(&entity_id, &[idp.key()], None)));
    let recovered = look(app).await;

    assert_eq!((recovered.last_error, recovered.proposed), (None, None), "an error goes with its cause");
}

#[tokio::test]
async fn metadata_at_a_private_address_is_not_fetched() {
    let app = App::start().await;
    let idp = SamlProvider::start().await;
    let next = new_key(in_a_year());
    idp.serve(Served::Document(idp.metadata(&idp.entity_id(), &[idp.key(), &next], Some(idp.key()))));
    let port = idp.entity_id().split(':').nth(2).expect("a port").to_owned();

    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"] {
        for scheme in ["http", "https"] {
            let url = format!("              metadata_url: \"{scheme}://{host}:{port}\"\n");
            let connection = idp.connection("directory", "acme.test", (&url, JIT));
            app.apply(&format!(
                "organizations:\n  - slug: acme\n    name: Acme Inc\n    connections:\n{connection}"
            ))
            .await;
            let before = live(&app).await;

            let seen = look(&app).await;

            assert!(seen.last_error.is_some(), "{scheme}://{host}: {seen:?}");
            assert_eq!((seen.proposed, live(&app).await), (None, before), "{scheme}://{host}");
        }
    }
}

/// Acme with somebody to write to, and a connection whose certificate lasts for a month and a day.
async fn expiring(contact: &str) -> App {
    let app = App::start().await;
    let idp = SamlProvider::lasting_until(SystemClock.now() + chrono::Duration::hours(31 * 24 + 1)).await;
    let connection = idp.connection("directory", "acme.test", ("", JIT));
    let file = format!(
        "organizations:\n  - slug: acme\n    name: Acme Inc\n{contact}    connections:\n{connection}"
    );
    app.apply(&file).await;
    app
}

#[tokio::test]
async fn a_certificate_that_expires_is_told_once_a_month_a_week_and_a_day_before() {
    let (app, mailbox) = (expiring("    contact: it@acme.test\n").await, Mailbox::open().await);
    let mut told = Vec::new();

    // So many hours later each time.
    for hours in [0, 26, 1, 24 * 22, 24, 1, 24 * 5, 26, 2, 1] {
        app.clock.advance(chrono::Duration::hours(hours));
        look(&app).await;
        while mailbox.collect(&app).await > 0 {}
        told.push((noted(&app, "certificate_expiring").await, mailbox.mails().await.len()));
    }

    let expected = [(0, 0), (1, 1), (1, 1), (1, 1), (2, 2), (2, 2), (2, 2), (3, 3), (3, 3), (3, 3)];
    assert_eq!(told, expected);
    let mails = mailbox.mails().await;
    for (mail, when) in mails.iter().zip(["expires", "expires in 6 days", "expires in 29 days"]) {
        let mail = mail.to_string();
        assert!(mail.contains("it@acme.test") && mail.contains(when), "{when}: {mail}");
    }
}

#[tokio::test]
async fn without_a_contact_only_the_log_says_that_a_certificate_expires() {
    let (app, mailbox) = (expiring("").await, Mailbox::open().await);

    app.clock.advance(chrono::Duration::days(25));
    look(&app).await;
    mailbox.collect(&app).await;

    assert_eq!((noted(&app, "certificate_expiring").await, mailbox.mails().await.len()), (1, 0));
}

/// A key as a file has it.
fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::prelude::BASE64_STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[tokio::test]
async fn a_key_that_is_brought_is_published_first_and_signs_after_the_next_rotation() {
    let world = SamlWorld::start().await;
    let (app, place, own) = (&world.app, world.place("directory").await, new_key(in_a_year()));
    let scope = app.org("acme").await;
    let at = (place.id, KeyPurpose::Signing);
    let pair = |key: &KeyPair, of: &KeyPair| {
        (pem("PRIVATE KEY", key.pkcs8()), pem("CERTIFICATE", of.certificate().der()))
    };
    let published = async || {
        app.env.configuration.forget();
        let page = app.browser().get(place.at("metadata")).await.body;
        let signing = page.split("use=\"encryption\"").next().unwrap_or_default().to_owned();
        signing.matches(&own.certificate().base64()).count()
    };

    let foreign = bring(&app.env, &scope, at, pair(&own, &new_key(in_a_year())), Actor::Operator).await;
    let over = new_key(SystemClock.now() - chrono::Duration::days(1));
    let over = bring(&app.env, &scope, at, pair(&over, &over), Actor::Operator).await;
    bring(&app.env, &scope, at, pair(&own, &own), Actor::Operator).await.expect("brought");
    let before = published().await;
    let request = departure(&world).await;
    let early = request.verify(&[own.certificate().clone()]).is_ok();
    saml_keys::rotate(&app.env, &scope, place.id, Actor::Operator).await.expect("rotated");
    let after = published().await;
    let request = departure(&world).await;

    assert!(matches!(foreign, Err(BroughtKeyError::Key(KeyError::Mismatch))), "{foreign:?}");
    assert!(matches!(over, Err(BroughtKeyError::Ended(_))), "{over:?}");
    assert_eq!((before, after, early), (1, 1, false));
    assert!(request.verify(&[own.certificate().clone()]).is_ok());
}

/// Our request, as the browser takes it to the provider.
async fn departure(world: &SamlWorld) -> RedirectQuery {
    let (browser, place) = (world.app.browser(), world.place("directory").await);
    let page = browser.follow(browser.authorize(&[("organization", "acme")]).await).await;
    let request = page.field("request");
    let address = format!("/sign-in/connection?request={request}&connection={}", place.id);
    let left = browser.get(address).await.location().expect("a departure");
    RedirectQuery::parse(left.query().expect("a query")).expect("a request")
}
