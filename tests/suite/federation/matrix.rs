//! Connection state × entry path × user × policy: what each cell comes to, held against a small oracle.

use orgate_domain::audit::Origin;
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::ConnectionId;
use orgate_flows::federation::begin::{Departure, begin_test};
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
    /// The browser's session, which began through the connection, answers an application.
    Silent,
    /// A code that the session gave is redeemed.
    Redeem,
    /// Userinfo is asked with an access token of the session.
    Userinfo,
    /// Whoever sets the connection up is about to try it out.
    TestBegin,
    /// They come back; they were sent while the connection was active.
    TestReturn,
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

/// What should come of it: whether it leads on.
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
        Path::Refresh | Path::Silent | Path::Redeem | Path::Userinfo => open && who != Who::Deactivated,
        // A dry run signs nobody in, so that it asks of nobody who they are.
        Path::TestBegin | Path::TestReturn => state != "disabled",
    }
}

/// The cookie of whoever sets the connection up, and the browser that has it.
const ADMINISTRATOR: &str = "the-cookie-of-whoever-sets-connections-up-x";

fn administrator() -> orgate_flows::Browser {
    orgate_flows::Browser {
        binding: SecretHash::of(ADMINISTRATOR.as_bytes()),
        sessions: Vec::new(),
        misplaced: Vec::new(),
        origin: Origin::default(),
    }
}

/// What somebody who is known has from a sign-in while everything was open.
struct Held {
    browser: Browser,
    refresh_token: String,
    access_token: String,
}

/// One user under one policy, in every state of the connection.
struct Row<'a> {
    world: &'a World,
    connection: ConnectionId,
    who: Who,
    jit: bool,
    enforced: bool,
    wrong: Vec<String>,
    cells: usize,
}

impl Row<'_> {
    async fn run(&mut self) {
        let policy = if self.enforced { "organization" } else { "\"off\"" };
        let policy = format!("    policy: {{ sso_enforcement: {policy} }}\n");
        self.world.configure(&policy, if self.jit { "          jit: { enabled: true }\n" } else { "" }).await;
        self.open().await;
        self.world.provider.user(member(self.who.email(), self.who.email()));
        let mut held = self.sign_in().await;
        for state in STATES {
            self.open().await;
            self.cell(state, held.as_mut()).await;
            forget_stranger(self.world).await;
        }
    }

    /// Whoever is known signed in once, while everything was open.
    async fn sign_in(&self) -> Option<Held> {
        if self.who == Who::Stranger {
            return None;
        }
        let browser = self.world.app.browser();
        let departure = self.begin(&browser).await.expect("it is active");
        let code = browser.get(self.world.provider.answer(&departure)).await.answer("code");
        let tokens = self.world.app.redeem(&code).await;
        let (refresh_token, access_token) = (tokens.text("refresh_token"), tokens.text("access_token"));
        Some(Held { browser, refresh_token, access_token })
    }

    async fn open(&self) {
        set_status(self.world, "active").await;
        self.world.set_state("active").await;
    }

    async fn cell(&mut self, state: &str, held: Option<&mut Held>) {
        let (world, app) = (self.world, &self.world.app);
        let returning = app.browser();
        let departure = self.begin(&returning).await.expect("it is active");
        let test = self.begin_test().await.expect("it is active");
        let silent = [("organization", "acme"), ("prompt", "none")];
        let pending = match &held {
            Some(held) => held.browser.authorize(&silent).await.answer("code"),
            None => String::new(),
        };
        world.set_state(state).await;
        if self.who == Who::Deactivated {
            set_status(world, "deactivated").await;
        }

        let began = self.begin(&app.browser()).await.is_some();
        self.held_against(state, Path::Begin, began);
        let page = returning.get(world.provider.answer(&departure)).await;
        self.held_against(state, Path::Return, has_code(&page));
        if let Some(held) = held {
            self.held_against(state, Path::Redeem, app.redeem(&pending).await.status == 200);
            self.held_against(state, Path::Silent, has_code(&held.browser.authorize(&silent).await));
            let known = app.userinfo(&held.access_token).await.status == 200;
            self.held_against(state, Path::Userinfo, known);
            let reply = app.refresh(&held.refresh_token).await;
            self.held_against(state, Path::Refresh, reply.status == 200);
            if reply.status == 200 {
                held.refresh_token = reply.text("refresh_token");
            }
        }
        let sessions = world.sessions().await;
        let began = self.begin_test().await.is_some();
        self.held_against(state, Path::TestBegin, began);
        let tester = app.browser_with(&format!("orgate_browser={ADMINISTRATOR}"));
        let page = tester.get(world.provider.answer(&test)).await; // the last: it may make a draft a tested one
        self.held_against(state, Path::TestReturn, page.leads_to().starts_with("/setup/test/"));
        if !page.cookies().is_empty() || world.sessions().await != sessions {
            self.wrong.push(format!("{state}: a test signs {:?} in", self.who));
        }
    }

    fn held_against(&mut self, state: &str, path: Path, outcome: bool) {
        self.cells += 1;
        if outcome != expected(state, path, self.who, self.jit) {
            let (who, jit, enforced) = (self.who, self.jit, self.enforced);
            self.wrong.push(format!("{state} {path:?} {who:?} jit={jit} enforced={enforced}: {outcome}"));
        }
    }

    /// Where a browser is sent to, if it is sent to the provider.
    async fn begin(&self, browser: &Browser) -> Option<Url> {
        let page = browser.follow(browser.authorize(&[("organization", "acme")]).await).await;
        if let Some(away) = page.location() {
            return Some(away); // nothing else was allowed
        }
        let connection = self.connection;
        let address = format!("/sign-in/connection?request={}&connection={connection}", request_of(&page));
        let left = browser.get(address).await;
        left.location().filter(|to| to.as_str().starts_with(self.world.provider.issuer()))
    }

    async fn begin_test(&self) -> Option<Url> {
        let scope = self.world.app.org("acme").await;
        match begin_test(&self.world.app.env, &scope, self.connection, &administrator()).await {
            Ok(Departure::Redirect(to)) => Some(Url::parse(&to).expect("an address")),
            Ok(Departure::Post { .. }) | Err(_) => None,
        }
    }
}

fn has_code(page: &Page) -> bool {
    page.location().is_some_and(|to| to.as_str().contains("code=ogac_"))
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
    let connection = world.connection("workforce").await;
    world
        .run(
            "insert into connection_pilots (org_id, connection_id, email_normalized)
             select org_id, id, 'ada@acme.test' from connections where slug = 'workforce'",
        )
        .await;
    let (mut wrong, mut cells) = (Vec::new(), 0);

    for (jit, enforced) in [(true, false), (false, false), (false, true), (true, true)] {
        for who in Who::ALL {
            let mut row = Row { world: &world, connection, who, jit, enforced, wrong: Vec::new(), cells: 0 };
            row.run().await;
            wrong.append(&mut row.wrong);
            cells += row.cells;
        }
    }

    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(cells, 4 * 5 * (3 * 8 + 4));
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
