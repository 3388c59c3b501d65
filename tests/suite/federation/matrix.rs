//! Connection state × entry path × user × policy: what each cell comes to, held against a small oracle.

use orgate_tests::app::{Browser, Page};
use url::Url;

use super::world::{World, member};

const STATES: [&str; 5] = ["draft", "tested", "pilot", "active", "disabled"];

/// A way that leads through the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    /// A browser is about to be sent to the provider.
    Begin,
    /// It comes back; it was sent while the connection was active.
    Return,
    /// What began through the connection is refreshed.
    Refresh,
}

/// Who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Known by their address, active, listed in the pilot.
    Listed,
    /// Known, active, not listed.
    Unlisted,
    /// Known and deactivated.
    Deactivated,
    /// Nobody yet.
    Stranger,
}

impl Who {
    const ALL: [Self; 4] = [Self::Listed, Self::Unlisted, Self::Deactivated, Self::Stranger];

    fn email(self) -> &'static str {
        match self {
            Self::Listed => "ada@acme.test",
            Self::Unlisted => "vic@acme.test",
            Self::Deactivated => "gone@acme.test",
            Self::Stranger => "stranger@acme.test",
        }
    }
}

/// What should come of it.
fn expected(state: &str, path: Path, who: Who, jit: bool) -> bool {
    let open = match state {
        "active" => true,
        "pilot" => who == Who::Listed,
        _ => false,
    };
    match path {
        // Who it will be is not known yet: a pilot is closed on return.
        Path::Begin => matches!(state, "active" | "pilot"),
        Path::Return => open && (who != Who::Stranger || jit) && who != Who::Deactivated,
        Path::Refresh => open && who != Who::Deactivated,
    }
}

async fn begin(world: &World, browser: &Browser, connection: &str) -> Option<Url> {
    let page = browser.follow(browser.authorize(&[("organization", "acme")]).await).await;
    if let Some(away) = page.location() {
        return Some(away); // nothing else was allowed
    }
    let request = page.location().map_or_else(|| request_of(&page), |to| to.to_string());
    let address = format!("/sign-in/connection?request={request}&connection={connection}");
    let left = browser.get(address).await;
    left.location().filter(|to| to.as_str().starts_with(world.provider.issuer()))
}

fn request_of(page: &Page) -> String {
    let found =
        page.body.split("request=").nth(1).or_else(|| page.body.split("name=\"request\" value=\"").nth(1));
    let rest = found.unwrap_or_else(|| panic!("no request: {}", page.body));
    rest.split(['"', '&']).next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn every_cell_comes_to_what_it_should() {
    let world = World::start().await;
    world.app.apply("organizations:\n  - slug: acme\n    name: Acme Inc\n    users: [{ email: gone@acme.test, name: Gone }]\n").await;
    let connection = world.connection("workforce").await.to_string();
    let behind = world.app.database.superuser();
    let listed = "insert into connection_pilots (org_id, connection_id, email_normalized)
                  select org_id, id, 'ada@acme.test' from connections where slug = 'workforce'";
    sqlx::query(listed).execute(behind).await.expect("listed");
    let mut wrong = Vec::new();
    let mut cells = 0;

    for (jit, enforced) in [(true, false), (false, false), (false, true), (true, true)] {
        let policy = if enforced { "organization" } else { "\"off\"" };
        let policy = format!("    policy: {{ sso_enforcement: {policy} }}\n");
        for who in Who::ALL {
            // Whoever is known signed in once, while everything was open.
            world.configure(&policy, if jit { "          jit: { enabled: true }\n" } else { "" }).await;
            set_status(&world, "active").await;
            world.set_state("active").await;
            let tokens = if who == Who::Stranger {
                None
            } else {
                Some(world.sign_in(member(who.email(), who.email())).await)
            };
            let mut refresh_token = tokens.map(|tokens| tokens.text("refresh_token"));
            for state in STATES {
                world.provider.user(member(who.email(), who.email()));
                world.set_state("active").await;
                set_status(&world, "active").await;
                let returning = world.app.browser();
                let departure = begin(&world, &returning, &connection).await.expect("it is active");
                world.set_state(state).await;
                if who == Who::Deactivated {
                    set_status(&world, "deactivated").await;
                }

                let began = begin(&world, &world.app.browser(), &connection).await.is_some();
                let page = returning.get(world.provider.answer(&departure)).await;
                let returned = page.location().is_some_and(|to| to.as_str().contains("code=ogac_"));
                let mut outcomes = vec![(Path::Begin, began), (Path::Return, returned)];
                if let Some(token) = &refresh_token {
                    let reply = world.app.refresh(token).await;
                    outcomes.push((Path::Refresh, reply.status == 200));
                    if reply.status == 200 {
                        refresh_token = Some(reply.text("refresh_token"));
                    }
                }

                for (path, outcome) in outcomes {
                    cells += 1;
                    if outcome != expected(state, path, who, jit) {
                        wrong.push(format!(
                            "{state} {path:?} {who:?} jit={jit} enforced={enforced}: {outcome}"
                        ));
                    }
                }
                forget_stranger(&world).await;
            }
        }
    }

    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(cells, 4 * (3 * 5 * 3 + 5 * 2));
}

async fn set_status(world: &World, status: &str) {
    let change = sqlx::query("update users set status = $1 where email = 'gone@acme.test'");
    change.bind(status).execute(world.app.database.superuser()).await.expect("changed");
}

/// Whoever was made by a first sign-in is nobody again.
async fn forget_stranger(world: &World) {
    let forget = "update identity_links set subject = subject || ' of ' || gen_random_uuid()
                  where subject = 'stranger@acme.test';
                  delete from email_index where user_id in (select id from users where email = 'stranger@acme.test');
                  update users set email = null, email_normalized = null, email_verified = false
                  where email = 'stranger@acme.test'";
    sqlx::raw_sql(forget).execute(world.app.database.superuser()).await.expect("forgotten");
}
