//! Connection state × entry path × user × policy: what each cell comes to, held against a small oracle, which is the
//! same whatever the provider speaks.

use orgate_domain::audit::Origin;
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::ConnectionId;
use orgate_tests::app::{App, Browser, Page};

use super::matrix_ways::{Oidc, Saml};

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
    /// The provider says who it is, and nobody asked.
    Unsolicited,
}

/// Who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
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

    pub(super) fn email(self) -> &'static str {
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
        // Who it will be is not known yet: a pilot is closed on return. An answer that nobody asked for signs nobody
        // in either: the application begins.
        Path::Begin | Path::Unsolicited => matches!(state, "active" | "pilot"),
        Path::Return => open && (who != Who::Stranger || jit) && who != Who::Deactivated,
        Path::Refresh | Path::Silent | Path::Redeem | Path::Userinfo => open && who != Who::Deactivated,
        // A dry run signs nobody in, so that it asks of nobody who they are.
        Path::TestBegin | Path::TestReturn => state != "disabled",
    }
}

/// The cookie of whoever sets the connection up, and the browser that has it.
pub(super) const ADMINISTRATOR: &str = "the-cookie-of-whoever-sets-connections-up-x";

pub(super) fn administrator() -> orgate_flows::Browser {
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

/// What leads through one connection of Acme, `workforce`, by one protocol.
pub(super) trait Ways {
    /// What a browser took along that was sent to the provider.
    type Departed;

    fn app(&self) -> &App;

    /// Describes Acme again; the lines are of it, and of its connection's settings.
    async fn configure(&self, policy: &str, settings: &str);

    /// Sends a browser to the provider from the page where it signs in; nothing if it is not sent.
    async fn depart(&self, browser: &Browser, page: Page) -> Option<Self::Departed>;

    /// Sends whoever sets the connection up there.
    async fn depart_to_test(&self) -> Option<Self::Departed>;

    /// What the browser gets that comes back as this user.
    async fn come_back(&self, browser: &Browser, departed: &Self::Departed, who: Who) -> Page;

    /// Whether an answer that nobody asked for leads on; nothing where there is no such thing.
    async fn unsolicited(&self, who: Who) -> Option<bool>;
}

/// One user under one policy, in every state of the connection.
struct Row<'a, W> {
    ways: &'a W,
    who: Who,
    jit: bool,
    enforced: bool,
    wrong: Vec<String>,
    cells: usize,
}

impl<W: Ways> Row<'_, W> {
    async fn run(&mut self) {
        let policy = if self.enforced { "organization" } else { "\"off\"" };
        let policy = format!("    policy: {{ sso_enforcement: {policy} }}\n");
        self.ways.configure(&policy, if self.jit { "          jit: { enabled: true }\n" } else { "" }).await;
        self.open().await;
        let mut held = self.sign_in().await;
        for state in STATES {
            self.open().await;
            self.cell(state, held.as_mut()).await;
            forget_stranger(self.ways.app()).await;
        }
    }

    /// Whoever is known signed in once, while everything was open.
    async fn sign_in(&self) -> Option<Held> {
        if self.who == Who::Stranger {
            return None;
        }
        let browser = self.ways.app().browser();
        let departed = self.begin(&browser).await.expect("it is active");
        let code = self.ways.come_back(&browser, &departed, self.who).await.answer("code");
        let tokens = self.ways.app().redeem(&code).await;
        let (refresh_token, access_token) = (tokens.text("refresh_token"), tokens.text("access_token"));
        Some(Held { browser, refresh_token, access_token })
    }

    async fn open(&self) {
        set_status(self.ways.app(), "active").await;
        set_state(self.ways.app(), "active").await;
    }

    async fn cell(&mut self, state: &str, held: Option<&mut Held>) {
        let (ways, who) = (self.ways, self.who);
        let app = ways.app();
        let returning = app.browser();
        let departed = self.begin(&returning).await.expect("it is active");
        let test = ways.depart_to_test().await.expect("it is active");
        let silent = [("organization", "acme"), ("prompt", "none")];
        let pending = match &held {
            Some(held) => held.browser.authorize(&silent).await.answer("code"),
            None => String::new(),
        };
        set_state(app, state).await;
        if who == Who::Deactivated {
            set_status(app, "deactivated").await;
        }

        let began = self.begin(&app.browser()).await.is_some();
        self.held_against(state, Path::Begin, began);
        let page = ways.come_back(&returning, &departed, who).await;
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
        let before = sessions(app).await;
        if let Some(led_on) = ways.unsolicited(who).await {
            self.held_against(state, Path::Unsolicited, led_on);
        }
        let began = ways.depart_to_test().await.is_some();
        self.held_against(state, Path::TestBegin, began);
        let tester = app.browser_with(&format!("orgate_browser={ADMINISTRATOR}"));
        let page = ways.come_back(&tester, &test, who).await; // the last: it may make a draft a tested one
        self.held_against(state, Path::TestReturn, page.leads_to().starts_with("/setup/test/"));
        if !page.cookies().is_empty() || sessions(app).await != before {
            self.wrong.push(format!("{state}: a test, or an answer that nobody asked for, signs {who:?} in"));
        }
    }

    fn held_against(&mut self, state: &str, path: Path, outcome: bool) {
        self.cells += 1;
        if outcome != expected(state, path, self.who, self.jit) {
            let (who, jit, enforced) = (self.who, self.jit, self.enforced);
            self.wrong.push(format!("{state} {path:?} {who:?} jit={jit} enforced={enforced}: {outcome}"));
        }
    }

    /// A browser that is on its way to the provider, if it is sent there.
    async fn begin(&self, browser: &Browser) -> Option<W::Departed> {
        let page = browser.follow(browser.authorize(&[("organization", "acme")]).await).await;
        self.ways.depart(browser, page).await
    }
}

fn has_code(page: &Page) -> bool {
    page.location().is_some_and(|to| to.as_str().contains("code=ogac_"))
}

/// The connection's button on the page where a browser signs in.
pub(super) async fn press(browser: &Browser, page: Page, app: &App) -> Page {
    if page.location().is_some() {
        return page; // nothing else was allowed
    }
    let found =
        page.body.split("request=").nth(1).or_else(|| page.body.split("name=\"request\" value=\"").nth(1));
    let rest = found.unwrap_or_else(|| panic!("no request: {}", page.body));
    let request = rest.split(['"', '&']).next().unwrap_or_default();
    let id = connection(app).await;
    browser.get(format!("/sign-in/connection?request={request}&connection={id}")).await
}

/// The id of the connection.
pub(super) async fn connection(app: &App) -> ConnectionId {
    let id = sqlx::query_scalar("select id from connections where slug = 'workforce'");
    ConnectionId::from_uuid(id.fetch_one(app.database.superuser()).await.expect("the connection"))
}

/// Everything that leads through a connection; how many cells there were.
async fn hold<W: Ways>(ways: &W) -> usize {
    let app = ways.app();
    app.apply("organizations:\n  - slug: acme\n    name: Acme Inc\n    users: [{ email: gone@acme.test, name: Gone }]\n").await;
    ways.configure("", "").await;
    let list = "insert into connection_pilots (org_id, connection_id, email_normalized)
                select org_id, id, 'ada@acme.test' from connections where slug = 'workforce'";
    sqlx::raw_sql(list).execute(app.database.superuser()).await.expect("listed");
    let (mut wrong, mut cells) = (Vec::new(), 0);

    for (jit, enforced) in [(true, false), (false, false), (false, true), (true, true)] {
        for who in Who::ALL {
            let mut row = Row { ways, who, jit, enforced, wrong: Vec::new(), cells: 0 };
            row.run().await;
            wrong.append(&mut row.wrong);
            cells += row.cells;
        }
    }

    assert!(wrong.is_empty(), "{wrong:#?}");
    cells
}

#[tokio::test]
async fn every_cell_comes_to_what_it_should() {
    assert_eq!(hold(&Oidc::start().await).await, 4 * 5 * (3 * 8 + 4));
}

#[tokio::test]
async fn every_cell_comes_to_what_it_should_by_saml_too() {
    assert_eq!(hold(&Saml::start().await).await, 4 * 5 * (3 * 9 + 5));
}

async fn set_status(app: &App, status: &str) {
    let change = sqlx::query("update users set status = $1 where email = 'gone@acme.test'");
    change.bind(status).execute(app.database.superuser()).await.expect("changed");
}

/// Puts the connection into a state, as its administrators would.
async fn set_state(app: &App, state: &str) {
    let change = sqlx::query("update connections set state = $1 where slug = 'workforce'");
    change.bind(state).execute(app.database.superuser()).await.expect("changed");
    app.env.configuration.forget();
}

async fn sessions(app: &App) -> i64 {
    let count = sqlx::query_scalar("select count(*) from sessions where ended_at is null");
    count.fetch_one(app.database.superuser()).await.expect("a count")
}

/// Whoever was made by a first sign-in is nobody again.
async fn forget_stranger(app: &App) {
    let forget = "update identity_links set subject = subject || ' of ' || gen_random_uuid()
                  where subject = 'stranger@acme.test';
                  delete from email_index where user_id in (select id from users where email = 'stranger@acme.test');
                  update users set email = null, email_normalized = null, email_verified = false
                  where email = 'stranger@acme.test'";
    sqlx::raw_sql(forget).execute(app.database.superuser()).await.expect("forgotten");
}
