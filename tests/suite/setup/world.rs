//! Acme, its OpenID provider, and a browser with a set-up link.

use std::collections::BTreeSet;

use chrono::Duration;
use orgate_domain::audit::Actor;
use orgate_domain::ids::SetupLinkId;
use orgate_domain::setup::SetupPurpose;
use orgate_flows::setup::links::{WantedLink, create_link};
use orgate_tests::app::{App, Browser, Page};
use orgate_tests::openid_provider::{CLIENT_ID, CLIENT_SECRET, OpenIdProvider};
use serde_json::{Value, json};

/// Orgate, and an OpenID provider to set up.
pub(super) struct World {
    pub(super) app: App,
    pub(super) provider: OpenIdProvider,
}

/// A link that was made.
pub(super) struct Link {
    pub(super) id: SetupLinkId,
    pub(super) url: String,
}

/// A browser that opened a link.
pub(super) struct Wizard {
    pub(super) browser: Browser,
}

impl World {
    pub(super) async fn start() -> Self {
        let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
        Self { app, provider: OpenIdProvider::start().await }
    }

    /// A link of an organization's, that may give these roles.
    pub(super) async fn link(&self, organization: &str, roles: &[&str]) -> Link {
        self.link_for(organization, roles, &SetupPurpose::ALL).await
    }

    /// A link of an organization's, for these purposes alone.
    pub(super) async fn link_for(
        &self,
        organization: &str,
        roles: &[&str],
        purposes: &[SetupPurpose],
    ) -> Link {
        let scope = self.app.org(organization).await;
        let wanted = WantedLink {
            purposes: purposes.iter().copied().collect(),
            roles: roles.iter().map(|slug| (*slug).to_owned()).collect::<BTreeSet<_>>(),
            lifetime: Duration::hours(72),
        };
        let made = create_link(&self.app.env, &scope, &wanted, Actor::Operator).await.expect("a link");
        Link { id: made.link.id, url: made.url }
    }

    /// Opens a link in a browser of its own.
    pub(super) async fn open(&self, link: &Link) -> Wizard {
        let browser = self.app.browser();
        let opened = open_in(&browser, link).await;
        assert_eq!(opened.leads_to(), "/setup/connections", "{}", opened.body);
        Wizard { browser }
    }

    /// A connection to the provider with its side saved, in a browser with a link for these roles.
    pub(super) async fn draft(&self, roles: &[&str]) -> (Wizard, String) {
        let wizard = self.open(&self.link("acme", roles).await).await;
        let base = wizard.create("oidc").await;
        let saved = wizard.save_provider(&base, self.provider.issuer(), CLIENT_ID).await;
        assert_eq!(saved.leads_to(), format!("{base}/mapping"), "{}", saved.body);
        (wizard, base)
    }

    /// Tests a connection as this user; the page of its trace.
    pub(super) async fn test(&self, wizard: &Wizard, base: &str, user: Value) -> Page {
        self.provider.user(user);
        let step = wizard.browser.get(format!("{base}/test")).await;
        let begin = step.body.split("href=\"").find(|rest| rest.contains("/test/begin?token="));
        let begin =
            begin.unwrap_or_else(|| panic!("no test: {}", step.body)).split('"').next().expect("an address");
        let departure = wizard.browser.get(begin).await.location().expect("on the way to the provider");
        let back = wizard.browser.get(self.provider.answer(&departure)).await;
        assert!(back.leads_to().starts_with("/setup/test/trc_"), "{} {}", back.status, back.body);
        wizard.browser.follow(back).await
    }

    /// One value of the only connection that was set up.
    pub(super) async fn connection(&self, column: &str) -> String {
        let query = format!("select coalesce({column}::text, '') from connections");
        sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .fetch_one(self.app.database.superuser())
            .await
            .expect("a connection")
    }

    /// Changes something by hand.
    pub(super) async fn run(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(self.app.database.superuser()).await.expect("a superuser may");
        self.app.env.configuration.forget();
    }

    /// Signs this user in to the application through the provider; the roles in the token.
    pub(super) async fn roles_of(&self, user: Value) -> Value {
        self.provider.user(user);
        self.app.env.configuration.forget();
        let browser = self.app.browser();
        let page = browser.follow(browser.authorize(&[("organization", "acme")]).await).await;
        let departure = if let Some(away) = page.location() {
            away
        } else {
            let button = page.body.split("href=\"/sign-in/connection").nth(1).expect("a button");
            let query = button.split('"').next().unwrap_or_default().replace("&#38;", "&");
            let left = browser.get(format!("/sign-in/connection{query}")).await;
            left.location().expect("on the way to the provider")
        };
        let back = browser.get(self.provider.answer(&departure)).await;
        let tokens = self.app.redeem(&back.answer("code")).await;
        tokens.claims("access_token")["roles"].clone()
    }
}

/// Fails the test unless the page says so.
pub(super) fn check(page: &Page, status: u16, text: &str) {
    assert_eq!(page.status.as_u16(), status, "{}", page.body);
    assert!(page.body.contains(text), "no {text:?}: {}", page.body);
}

/// Looks at a link and begins.
pub(super) async fn open_in(browser: &Browser, link: &Link) -> Page {
    let landing = browser.get(&link.url).await;
    assert_eq!(landing.status, 200, "{}", landing.body);
    let (secret, csrf) = (landing.field("link"), landing.field("csrf"));
    browser.post("/setup/begin", &[("link", &secret), ("csrf", &csrf)]).await
}

/// Somebody with an address of Acme's.
pub(super) fn member(sub: &str, groups: &[&str]) -> Value {
    json!({
        "sub": sub, "email": format!("{sub}@acme.test"), "email_verified": true,
        "name": format!("Name of {sub}"), "groups": groups,
    })
}

impl Wizard {
    /// The token of this browser's forms.
    pub(super) async fn csrf(&self) -> String {
        self.browser.get("/setup/connections").await.field("csrf")
    }

    /// Posts a form with its token.
    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.csrf().await;
        self.browser.post(path, &[&[("csrf", csrf.as_str())], fields].concat()).await
    }

    /// Begins a connection; the address of its pages.
    pub(super) async fn create(&self, protocol: &str) -> String {
        let fields = [("vendor", "custom"), ("protocol", protocol), ("name", "Workforce")];
        let made = self.post("/setup/new", &fields).await.leads_to();
        made.strip_suffix("/values").unwrap_or_else(|| panic!("not made: {made}")).to_owned()
    }

    /// Saves the provider's side on top of what is there.
    pub(super) async fn save_provider(&self, base: &str, issuer: &str, client_id: &str) -> Page {
        let page = format!("{base}/provider");
        let seen = self.browser.get(&page).await.field("seen");
        self.save_provider_on(base, &seen, (issuer, client_id)).await
    }

    /// The same on top of what was seen.
    pub(super) async fn save_provider_on(
        &self,
        base: &str,
        seen: &str,
        (issuer, client_id): (&str, &str),
    ) -> Page {
        let fields =
            [("seen", seen), ("issuer", issuer), ("client_id", client_id), ("client_secret", CLIENT_SECRET)];
        self.post(&format!("{base}/provider"), &fields).await
    }

    /// Saves a mapping with the usual names and these fields.
    pub(super) async fn save_mapping(&self, base: &str, fields: &[(&str, &str)]) -> Page {
        let page = format!("{base}/mapping");
        let seen = self.browser.get(&page).await.field("seen");
        let usual = [
            ("seen", seen.as_str()),
            ("action", "save"),
            ("email", "email"),
            ("name", "name"),
            ("groups", "groups"),
            ("jit", "1"),
        ];
        self.post(&page, &[&usual, fields].concat()).await
    }

    /// Serves acme.test.
    pub(super) async fn serve_acme(&self, base: &str) {
        let page = format!("{base}/domains");
        let seen = self.browser.get(&page).await.field("seen");
        let saved = self.post(&page, &[("seen", &seen), ("domain", "acme.test")]).await;
        assert_eq!(saved.leads_to(), format!("{base}/test"), "{}", saved.body);
    }

    /// Makes a version live for everybody.
    pub(super) async fn activate(&self, base: &str, version: &str) -> Page {
        self.post(&format!("{base}/activate"), &[("version", version)]).await
    }
}
