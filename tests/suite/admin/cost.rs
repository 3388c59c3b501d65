//! What a page costs: questions to the database, and bytes to the browser.

use std::collections::BTreeMap;

use orgate_tests::app::{App, Page, SAMPLES};
use orgate_tests::openid_provider::OpenIdProvider;
use orgate_web::{ADMIN_PAGES, About};

use super::console::{look, operator};
use super::join_requests::ask;
use super::{administrator, send};

/// Questions of one page at most, beside those that begin and end transactions.
const QUESTIONS: usize = 5;

/// Those that a page about an organization of others takes besides: whose pages these are, which one it is, and to tell it.
const ELSEWHERE: usize = 4;

/// Those of a file of the log: what is on several of its pages, and that it was taken along.
const OF_A_FILE: usize = 6;

/// Bytes of one page at most, with all that it loads.
const BYTES: usize = 100_000;

/// An id of what a path names, as the page that lists those shows it.
fn id(list: &Page, prefix: &str) -> String {
    let (_, rest) = list.body.split_once(prefix).unwrap_or_else(|| panic!("no {prefix} in {}", list.body));
    let id = rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>();
    format!("{prefix}{id}")
}

/// Puts an organization above another one, which lets it in: its id.
async fn put_above(app: &App, above: &str, below: &str) -> String {
    for question in [
        "insert into organization_ancestors (org_id, ancestor_id, depth) values ($1, $2, 1)",
        "insert into delegations (org_id, delegate_id, allowed, created_at, updated_at)
         values ($1, $2, '{orgate:users:read}', now(), now())",
    ] {
        sqlx::query(question)
            .bind(app.org(below).await.org_id().as_uuid())
            .bind(app.org(above).await.org_id().as_uuid())
            .execute(app.database.superuser())
            .await
            .expect("put there");
    }
    app.org(above).await.org_id().to_string()
}

#[tokio::test]
async fn no_page_asks_the_database_much_or_weighs_much() {
    let provider = OpenIdProvider::start().await;
    let (app, wire) = App::start_on_a_wire(|settings| settings.outgoing.allow_private_addresses = true).await;
    let user = |number| format!("      - {{ email: user{number}@acme.test, name: User {number} }}\n");
    let more = (0..60).map(user).collect::<String>();
    let invited = (0..60).map(|number| format!("{{ email: new{number}@acme.test, roles: [viewer] }}, "));
    let invited = format!("    invitations: [{}]\n", invited.collect::<String>());
    let groups = "    groups: [{ slug: crew, name: Crew, roles: [viewer] }]\n";
    let hook = "    webhooks: [{ url: \"http://localhost:9/\", events: [group.*] }]\n";
    let words =
        "    mail_templates: [{ mail: invitation, locale: default, subject: Come, text: Come in. }]\n";
    let samples = SAMPLES.replacen(
        "  - slug: globex",
        &format!("{more}{invited}{groups}{hook}{words}  - slug: globex"),
        1,
    );
    app.apply(&samples).await;
    let connection = provider.connection("workforce", "acme.test", "");
    let connected = "organizations:\n  - slug: acme\n    name: Acme Inc\n    connections:\n";
    app.apply(&format!("{connected}{connection}")).await;
    let acme = app.org("acme").await.org_id().to_string();
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let ruth = operator(&app).await;
    let lists = [
        ("user", "users", "usr_"),
        ("invitation", "invitations", "inv_"),
        ("role", "roles", "rol_"),
        ("group", "groups", "grp_"),
        ("client", "clients", "cli_"),
        ("connection", "connections", "con_"),
        ("domain", "domains", "dom_"),
        ("webhook", "webhooks", "whk_"),
    ];
    let mail = [("mail", "invitation".to_owned()), ("locale", "default".to_owned())];
    let mut named = BTreeMap::from([("other", acme.clone())]);
    named.extend(mail);
    for (name, list, prefix) in lists {
        named.insert(name, id(&ada.get(format!("/admin/acme/{list}")).await, prefix));
    }
    let hook = format!("/admin/acme/webhooks/{}", named["webhook"]);
    let tested = send(&ada, &ada.get(&hook).await, &format!("{hook}/test"), &[]).await;
    named.insert("event", id(&ada.follow(tested).await, "evt_"));
    let asked = ask(&app, "acme", ("asker@partner.test", None)).await;
    named.insert("join_request", asked.rsplit('/').next().expect("an id").to_owned());
    named.insert("delegate", put_above(&app, "globex", "acme").await);
    let blueprint = "/admin/operator/new-role-blueprint";
    send(&ruth, &ruth.get(blueprint).await, blueprint, &[("name", "Archivist")]).await;
    named.insert("blueprint", "archivist".to_owned());
    look(&ruth, &acme, "TICKET-7").await;

    let mut costly = Vec::new();
    for page in ADMIN_PAGES.iter().filter(|page| page.method == "GET") {
        let mut below = page.path.to_owned();
        for (name, id) in &named {
            below = below.replace(&format!("{{{name}}}"), id);
        }
        assert!(!below.contains('{'), "{below}: say which one");
        let of_acme = (&ada, format!("/admin/acme{below}"), QUESTIONS);
        let elsewhere =
            (&ruth, format!("/admin/operator/organizations/{acme}{below}"), QUESTIONS + ELSEWHERE);
        let places = match page.about {
            About::All => vec![(&ruth, format!("/admin/operator{below}"), QUESTIONS)],
            About::Other => vec![(&ruth, format!("/admin/operator{below}"), QUESTIONS + ELSEWHERE)],
            About::Own if page.is_shown_of_others() => vec![of_acme, elsewhere],
            About::Own => vec![of_acme],
        };
        for (browser, path, most) in places {
            browser.get(&path).await; // what is kept from then on is
            wire.take();
            let shown = browser.get(&path).await;
            let asked = wire.take();
            let expected = match shown.status.as_u16() {
                // What is so already is shown.
                303 => path.ends_with("/reactivate") || path.ends_with("/switch-on"),
                other => other == 200,
            };
            assert!(expected, "{path}: {} {}", shown.status, shown.body);
            let bytes = browser.weight(&shown).await;
            let is_file = page.path.ends_with("/export");
            let most = if is_file { most + OF_A_FILE } else { most };
            if asked.len() > most || (bytes > BYTES && !is_file) {
                let asked = format!("{} questions\n  {}", asked.len(), asked.join("\n  "));
                costly.push(format!("{path}: {bytes} bytes, {asked}"));
            }
        }
    }

    assert!(costly.is_empty(), "{}", costly.join("\n"));
}
