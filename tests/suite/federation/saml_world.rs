//! Two organizations that trust the same SAML identity provider, each by connections of its own.

use orgate_domain::ids::{ConnectionId, OrgId};
use orgate_saml::binding::RedirectQuery;
use orgate_saml::certificate::Certificate;
use orgate_tests::app::{App, Browser, Page, Reply};
use orgate_tests::saml_provider::{Answer, Logout, SamlProvider, new_id};
use url::Url;

/// Whoever signs in for the first time becomes a user.
pub(super) const JIT: &str = "          jit: { enabled: true }\n";

/// Orgate, and the provider of everybody.
pub(super) struct SamlWorld {
    pub(super) app: App,
    pub(super) idp: SamlProvider,
}

/// A connection, and where it is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) org: OrgId,
    pub(super) id: ConnectionId,
    base: String,
}

impl Place {
    /// One of its addresses.
    pub(super) fn at(&self, endpoint: &str) -> String {
        format!("{}/{endpoint}", self.base)
    }
}

/// Somebody who signed in.
pub(super) struct Held {
    pub(super) browser: Browser,
    pub(super) tokens: Reply,
}

impl SamlWorld {
    /// Acme with two connections, `directory` and `second`; Globex with `globex-directory`.
    pub(super) async fn start() -> Self {
        Self::with("", JIT).await
    }

    /// The same; further lines of what `directory` says of its provider, and of itself.
    pub(super) async fn with(saml: &str, more: &str) -> Self {
        let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
        let world = Self { app, idp: SamlProvider::start().await };
        world.configure(saml, more).await;
        world
    }

    /// Describes both again.
    pub(super) async fn configure(&self, saml: &str, more: &str) {
        let first = self.idp.connection("directory", "acme.test", (saml, more));
        let second = self.idp.connection("second", "acme.test", ("", JIT));
        let second = second.replace("slug: second\n", "slug: second\n        position: 1\n");
        let globex = self.idp.connection("globex-directory", "globex.test", ("", JIT));
        let file = format!(
            "organizations:
  - slug: acme
    name: Acme Inc
    connections:
{first}{second}  - slug: globex
    name: Globex Corporation
    connections:
{globex}"
        );
        self.app.apply(&file).await;
    }

    pub(super) async fn place(&self, slug: &str) -> Place {
        let row: (uuid::Uuid, uuid::Uuid) =
            sqlx::query_as("select org_id, id from connections where slug = $1")
                .bind(slug)
                .fetch_one(self.app.database.superuser())
                .await
                .expect("the connection");
        let (org, id) = (OrgId::from_uuid(row.0), ConnectionId::from_uuid(row.1));
        Place { org, id, base: self.app.at(&format!("/sso/{org}/{id}")).into() }
    }

    /// Puts `directory` into a state.
    pub(super) async fn set_state(&self, state: &str) {
        let change = sqlx::query("update connections set state = $1 where slug = 'directory'");
        change.bind(state).execute(self.app.database.superuser()).await.expect("changed");
        self.app.env.configuration.forget();
    }

    /// Puts Acme into a state.
    pub(super) async fn set_organization(&self, status: &str) {
        let change = sqlx::query("update organizations set status = $1 where slug = 'acme'");
        change.bind(status).execute(self.app.database.superuser()).await.expect("changed");
        self.app.env.configuration.forget();
    }

    /// Sends a browser to the provider; the id of our request.
    pub(super) async fn depart(&self, browser: &Browser, organization: &str, place: &Place) -> String {
        let page = browser.follow(browser.authorize(&[("organization", organization)]).await).await;
        let request = page.field("request");
        let address = format!("/sign-in/connection?request={request}&connection={}", place.id);
        let left = browser.get(address).await.location().expect("a departure");
        request_id(&left)
    }

    /// A good answer.
    pub(super) fn answer(&self, place: &Place, request: Option<&str>, who: &str) -> Answer {
        Answer {
            acs: place.at("acs"),
            audience: place.at("metadata"),
            in_response_to: request.map(str::to_owned),
            name_id: who.to_owned(),
            email: format!("{who}@acme.test"),
            sid: format!("session of {who}"),
            issued_at: self.app.env.clock.now(),
        }
    }

    /// Posts a response.
    pub(super) async fn post(&self, browser: &Browser, place: &Place, xml: impl AsRef<[u8]>) -> Page {
        use base64::Engine as _;
        let value = base64::prelude::BASE64_STANDARD.encode(xml);
        browser.post(place.at("acs"), &[("SAMLResponse", &value)]).await
    }

    /// Signs somebody in; `sid` is what the provider calls the session.
    pub(super) async fn sign_in(&self, (organization, slug): (&str, &str), (who, sid): (&str, &str)) -> Held {
        let (browser, place) = (self.app.browser(), self.place(slug).await);
        let request = self.depart(&browser, organization, &place).await;
        let answer = Answer { sid: sid.to_owned(), ..self.answer(&place, Some(&request), who) };
        let posted = self.post(&browser, &place, self.idp.respond(&answer)).await;
        let code = browser.follow(posted).await.answer("code");
        let tokens = self.app.redeem(&code).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        Held { browser, tokens }
    }

    /// What the connection's metadata say that we sign with.
    pub(super) async fn certificate(&self, place: &Place) -> Certificate {
        let document = self.app.browser().get(place.at("metadata")).await.body;
        let certificate = document.split("X509Certificate>").find(|text| text.starts_with("MII"));
        let certificate = certificate.and_then(|text| text.split('<').next()).expect("a certificate");
        Certificate::parse(certificate).expect("a certificate")
    }

    /// The provider's wish to end a session.
    pub(super) fn logout(&self, place: &Place, who: &str, sids: &[&str]) -> Logout {
        Logout {
            id: new_id(),
            destination: place.at("slo"),
            issuer: self.idp.entity_id(),
            name_id: who.to_owned(),
            sids: sids.iter().map(|sid| (*sid).to_owned()).collect(),
            issued_at: self.app.env.clock.now(),
        }
    }

    /// Sessions that are live, as `connection sid`.
    pub(super) async fn sessions(&self) -> Vec<String> {
        let live = "select connection.slug || ' ' || other.upstream_sid from sessions session
             join upstream_sessions other on other.session_id = session.id
             join connections connection on connection.id = other.connection_id
             where session.ended_at is null order by 1";
        sqlx::query_scalar(live).fetch_all(self.app.database.superuser()).await.expect("the sessions")
    }

    /// The check that the last trace says failed.
    pub(super) async fn failed_check(&self) -> Option<String> {
        let last = sqlx::query_scalar(
            "select failed_check from sign_in_traces order by occurred_at desc, id desc limit 1",
        );
        last.fetch_optional(self.app.database.superuser()).await.expect("the traces").flatten()
    }
}

/// The id of a request of ours that a browser takes to the provider.
pub(super) fn request_id(departure: &Url) -> String {
    let query = RedirectQuery::parse(departure.query().expect("a query")).expect("a message");
    let xml = String::from_utf8(query.message().to_vec()).expect("text");
    let id = xml.split(" ID=\"").nth(1).and_then(|rest| rest.split('"').next());
    id.expect("an id").to_owned()
}
