//! What a page costs: questions to the database, and bytes to the browser.

use std::fmt::Write as _;

use orgate_tests::app::{App, SAMPLES};
use orgate_tests::openid_provider::OpenIdProvider;

use super::SignedIn;
use super::pages::PAGES;

/// Questions of one page at most, beside those that begin and end transactions.
const QUESTIONS: usize = 5;

/// Of what is taken along: it is all that the other pages show.
const OF_THE_EXPORT: usize = 8;

/// Those that a page takes besides whose applications are not known yet: where the owners of these are, and what is theirs.
const UNKNOWN: usize = 8;

/// Bytes of one page at most, with all that it loads.
const BYTES: usize = 100_000;

/// The samples with many applications: of the product's, of the organization's, and of others' that casey lets act for them.
fn crowded() -> String {
    let mut samples = SAMPLES.to_owned();
    for number in 0..40 {
        for (owner, party) in [("operator", "first"), ("acme", "first"), ("operator", "third")] {
            let audience = if owner == "acme" { "owner" } else { "all" };
            writeln!(
                samples,
                "  - {{ client_id: {owner}-{party}-{number}, organization: {owner}, name: {owner} {party} {number}, type: spa, \
                 audience: {audience}, party: {party}, redirect_uris: [\"http://localhost:9/callback\"], \
                 home_url: \"http://localhost:9/{owner}/{number}\" }}"
            )
            .expect("written");
        }
    }
    samples
}

#[tokio::test]
async fn no_page_asks_the_database_much_or_weighs_much() {
    let provider = OpenIdProvider::start().await;
    let (app, wire) = App::start_on_a_wire(|settings| settings.outgoing.allow_private_addresses = true).await;
    app.apply(&crowded()).await;
    let connection = provider.connection("workforce", "acme.test", "");
    app.apply(&format!("organizations:\n  - slug: acme\n    name: Acme Inc\n    connections:\n{connection}"))
        .await;
    let mine = SignedIn::of(&app, "acme", "casey@consult.test").await;
    for _ in 0..3 {
        SignedIn::of(&app, "acme", "casey@consult.test").await;
    }
    let consented = "insert into consents (org_id, user_id, client_org_id, client_id, scope, created_at, updated_at)
                     select member.org_id, member.id, entry.org_id, entry.id, 'openid', now(), now()
                     from users member join organizations org on org.org_id = member.org_id and org.slug = 'acme',
                          client_directory entry
                     where member.email = 'casey@consult.test' and entry.party = 'third'";
    sqlx::query(consented).execute(app.database.superuser()).await.expect("written");

    let (mut costly, named) = (Vec::new(), format!("?organization={}", app.org("acme").await.org_id()));
    for path in PAGES {
        for path in [path.to_owned(), format!("{path}{named}")] {
            let most = if path.contains("/export") { OF_THE_EXPORT } else { QUESTIONS };
            for (is_known, most) in [(false, most + UNKNOWN), (true, most)] {
                if !is_known {
                    app.env.configuration.forget();
                }
                wire.take();
                let shown = mine.browser.get(&path).await;
                let asked = wire.take();
                assert_eq!(shown.status, 200, "{path}: {}", shown.body);
                let bytes = mine.browser.weight(&shown).await;
                if asked.len() > most || bytes > BYTES {
                    let asked = format!("{} questions\n  {}", asked.len(), asked.join("\n  "));
                    costly.push(format!("{path}, known: {is_known}: {bytes} bytes, {asked}"));
                }
            }
        }
    }

    assert!(costly.is_empty(), "{}", costly.join("\n"));
}
