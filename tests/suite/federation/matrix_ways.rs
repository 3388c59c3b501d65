//! The two protocols by which the matrix's ways lead through a connection.

use orgate_flows::federation::begin::{Departure, begin_test};
use orgate_tests::app::{App, Browser, Page};
use orgate_tests::saml_provider::{Answer, SamlProvider};
use url::Url;

use super::matrix::{Ways, Who, administrator, connection, press};
use super::saml_world::{SamlWorld, request_id};
use super::unsolicited::{CLIENTS, allowing, begins};
use super::world::{World, acme, member};

/// By an OpenID provider.
pub(super) struct Oidc(World);

impl Oidc {
    pub(super) async fn start() -> Self {
        Self(World::start().await)
    }
}

impl Ways for Oidc {
    type Departed = Url;

    fn app(&self) -> &App {
        &self.0.app
    }

    async fn configure(&self, policy: &str, settings: &str) {
        self.0.configure(policy, settings).await;
    }

    async fn depart(&self, browser: &Browser, page: Page) -> Option<Url> {
        let to = press(browser, page, self.app()).await.location();
        to.filter(|to| to.as_str().starts_with(self.0.provider.issuer()))
    }

    async fn depart_to_test(&self) -> Option<Url> {
        depart_to_test(self.app()).await
    }

    async fn come_back(&self, browser: &Browser, departed: &Url, who: Who) -> Page {
        self.0.provider.user(member(who.email(), who.email()));
        browser.get(self.0.provider.answer(departed)).await
    }

    async fn unsolicited(&self, _: Who) -> Option<bool> {
        None
    }
}

/// By a SAML identity provider that may send its users unasked.
pub(super) struct Saml(SamlWorld);

impl Saml {
    pub(super) async fn start() -> Self {
        let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
        app.apply(CLIENTS).await;
        Self(SamlWorld { app, idp: SamlProvider::start().await })
    }

    async fn answer(&self, request: Option<&str>, who: Who) -> String {
        let place = self.0.place("workforce").await;
        let email = who.email().to_owned();
        let answer = self.0.answer(&place, request, who.email());
        self.0.idp.respond(&Answer { email, ..answer })
    }
}

impl Ways for Saml {
    /// The id of our request.
    type Departed = String;

    fn app(&self) -> &App {
        &self.0.app
    }

    async fn configure(&self, policy: &str, settings: &str) {
        let connection = self.0.idp.connection("workforce", "acme.test", (&allowing("portal"), settings));
        self.app().apply(&acme(policy, &connection)).await;
    }

    async fn depart(&self, browser: &Browser, page: Page) -> Option<String> {
        let to = press(browser, page, self.app()).await.location()?;
        to.as_str().starts_with(&self.0.idp.sso_url()).then(|| request_id(&to))
    }

    async fn depart_to_test(&self) -> Option<String> {
        depart_to_test(self.app()).await.as_ref().map(request_id)
    }

    async fn come_back(&self, browser: &Browser, request: &String, who: Who) -> Page {
        let place = self.0.place("workforce").await;
        let posted = self.0.post(browser, &place, self.answer(Some(request), who).await).await;
        // The provider's page made the browser post; what it gets for that is where its cookies count.
        match posted.location() {
            Some(on) if on.path().ends_with("/finish") => browser.get(on).await,
            _ => posted,
        }
    }

    async fn unsolicited(&self, who: Who) -> Option<bool> {
        let place = self.0.place("workforce").await;
        let browser = self.app().browser();
        let page = self.0.post(&browser, &place, self.answer(None, who).await).await;
        Some(begins(&page) && page.cookies().is_empty())
    }
}

/// Whoever sets the connection up is about to try it out.
async fn depart_to_test(app: &App) -> Option<Url> {
    let scope = app.org("acme").await;
    match begin_test(&app.env, &scope, connection(app).await, &administrator()).await {
        Ok(Departure::Redirect(to)) => Some(Url::parse(&to).expect("an address")),
        Ok(Departure::Post { .. }) | Err(_) => None,
    }
}
