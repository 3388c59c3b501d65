//! A SAML identity provider: the sample one of the playground, whose signatures a library of its own makes.

use std::net::SocketAddr;

use orgate_domain::ids::{ConnectionId, OrgId};
use orgate_playground::{
    IdentityProvidersConfig, OpenIdProviderConfig, SamlProviderConfig, SampleUser, ServiceProviders,
    saml_metadata, serve_identity_providers,
};
use orgate_tests::app::{App, Browser, Page};
use orgate_tests::program::Directory;
use reqwest::redirect::Policy;
use tokio::net::TcpListener;
use url::Url;

/// Orgate, two organizations that sign in through one SAML identity provider, each by a connection of its own.
struct World {
    app: App,
    idp: Url,
    _directory: Directory,
}

impl World {
    async fn start() -> Self {
        let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let idp = Url::parse(&format!("http://localhost:{}/", address.port())).expect("an address");
        let directory = Directory::fresh();
        let user = |username: &str, domain: &str| SampleUser {
            username: username.to_owned(),
            name: format!("Name of {username}"),
            email: format!("{username}@{domain}"),
            groups: vec!["staff".to_owned()],
        };
        let config = IdentityProvidersConfig {
            base_url: idp.clone(),
            oidc: OpenIdProviderConfig { name: "Unused".to_owned(), users: Vec::new(), clients: Vec::new() },
            saml: SamlProviderConfig {
                name: "Directory".to_owned(),
                users: vec![user("vito", "acme.test"), user("guest", "elsewhere.test")],
                service_providers: vec![ServiceProviders {
                    entity_id_prefix: app.base.clone(),
                    acs_url_prefix: app.base.clone(),
                    slo_url: Some("slo".to_owned()),
                }],
                tiles: Vec::new(),
                key_file: Some(directory.path("idp.pem")),
            },
        };
        let metadata = saml_metadata(&config).expect("metadata");
        tokio::spawn(serve_identity_providers(config, listener, std::future::pending()));
        let certificate = metadata.split("X509Certificate>").nth(1).and_then(|rest| rest.split('<').next());
        let certificate: String = certificate.expect("a certificate").split_whitespace().collect();
        let base = idp.as_str().trim_end_matches('/');
        let connection = |slug: &str, domain: &str| {
            format!(
                "      - slug: {slug}
        domains: [{domain}]
        settings:
          provider:
            saml:
              entity_id: \"{base}/saml/metadata\"
              sso_url: \"{base}/saml/sso\"
              slo_url: \"{base}/saml/slo\"
              metadata_url: \"{base}/saml/metadata\"
              certificates: [\"{certificate}\"]
          trusts_addresses: true
          jit: {{ enabled: true, default_roles: [] }}
          rules: [{{ value: staff, roles: [admin] }}]
"
            )
        };
        let file = format!(
            "organizations:
  - slug: acme
    name: Acme Inc
    policy: {{ sso_enforcement: organization }}
    connections:
{}  - slug: globex
    name: Globex Corporation
    policy: {{ sso_enforcement: organization }}
    connections:
{}",
            connection("directory", "acme.test"),
            connection("globex-directory", "globex.test")
        );
        app.apply(&file).await;
        Self { app, idp, _directory: directory }
    }

    async fn place(&self, slug: &str) -> (OrgId, ConnectionId) {
        let row: (uuid::Uuid, uuid::Uuid) =
            sqlx::query_as("select org_id, id from connections where slug = $1")
                .bind(slug)
                .fetch_one(self.app.database.superuser())
                .await
                .expect("the connection");
        (OrgId::from_uuid(row.0), ConnectionId::from_uuid(row.1))
    }

    async fn depart(&self, browser: &Browser, organization: &str) -> Url {
        let page = browser.follow(browser.authorize(&[("organization", organization)]).await).await;
        page.location().unwrap_or_else(|| panic!("no departure: {} {}", page.status, page.body))
    }

    /// What the provider has the browser post: where to, and the response.
    async fn respond(&self, departure: &Url, username: &str) -> (Url, String) {
        let person = reqwest::Client::builder()
            .cookie_store(true)
            .no_proxy()
            .redirect(Policy::none())
            .build()
            .expect("a client");
        let page =
            person.get(departure.clone()).send().await.expect("answered").text().await.expect("a page");
        let unescape = |text: &str| {
            text.replace("&#38;", "&")
                .replace("&amp;", "&")
                .replace("&#34;", "\"")
                .replace("&#60;", "<")
                .replace("&#62;", ">")
        };
        let mut fields: Vec<(String, String)> =
            hidden(&page).into_iter().map(|(n, v)| (n, unescape(&v))).collect();
        fields.push(("username".to_owned(), username.to_owned()));
        let action = page.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a form");
        let action = self.idp.join(&unescape(action)).expect("an action");
        let answer =
            person.post(action).form(&fields).send().await.expect("answered").text().await.expect("a page");
        let to = answer.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a form");
        let to = Url::parse(&unescape(to)).expect("an address");
        let response =
            hidden(&answer).into_iter().find(|(name, _)| name == "SAMLResponse").expect("a response").1;
        (to, unescape(&response))
    }

    async fn sign_in(&self, organization: &str, username: &str) -> (Browser, Page) {
        let browser = self.app.browser();
        let departure = self.depart(&browser, organization).await;
        let (to, response) = self.respond(&departure, username).await;
        let posted = browser.post(to.as_str(), &[("SAMLResponse", &response)]).await;
        let arrived = browser.follow(posted).await;
        (browser, arrived)
    }
}

/// The hidden fields of a page's first form.
fn hidden(page: &str) -> Vec<(String, String)> {
    let inputs = page.split("<input ").skip(1).filter(|input| input.contains("type=\"hidden\""));
    let attribute = |input: &str, name: &str| {
        input
            .split(&format!("{name}=\""))
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap_or_default()
            .to_owned()
    };
    inputs.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect()
}

#[tokio::test]
async fn a_user_signs_in_by_saml_and_is_found_again() {
    let world = World::start().await;

    let (_, first) = world.sign_in("acme", "vito").await;
    let (_, second) = world.sign_in("acme", "vito").await;
    let (_, guest) = world.sign_in("acme", "guest").await;

    let first = world.app.redeem(&first.answer("code")).await.claims("id_token");
    let second = world.app.redeem(&second.answer("code")).await;
    let guest = world.app.redeem(&guest.answer("code")).await.claims("id_token");
    assert_eq!(first["sub"], second.claims("id_token")["sub"]);
    assert_eq!(first["email"], "vito@acme.test");
    assert_eq!(second.claims("access_token")["roles"], serde_json::json!(["admin"]));
    assert!(guest.get("email").is_none(), "an address outside of the domains is not theirs");
}

#[tokio::test]
async fn an_assertion_for_acme_is_nothing_to_globex_and_is_taken_once() {
    let world = World::start().await;
    let browser = world.app.browser();
    let departure = world.depart(&browser, "acme").await;
    let (to, response) = world.respond(&departure, "vito").await;
    let (globex, theirs) = world.place("globex-directory").await;
    let (acme, _) = world.place("directory").await;
    let post = async |to: &str, response: &str| {
        browser.post(to, &[("SAMLResponse", response)]).await.status.as_u16()
    };

    let at_globex = post(&format!("/sso/{globex}/{theirs}/acs"), &response).await;
    let mixed = post(&format!("/sso/{acme}/{theirs}/acs"), &response).await;
    let first = post(to.as_str(), &response).await;
    let again = post(to.as_str(), &response).await;
    let unsolicited = world.app.browser().post(to.as_str(), &[("SAMLResponse", "bm9uc2Vuc2U=")]).await;

    assert_eq!((at_globex, mixed, first, again), (400, 400, 303, 400));
    assert_eq!(unsolicited.status, 403);
    let events = world.app.events("globex").await;
    assert!(events.contains(&"upstream.refused refused other_organization".to_owned()), "{events:?}");
    let events = world.app.events("acme").await;
    assert!(events.contains(&"upstream.refused refused replayed_response".to_owned()), "{events:?}");
}

#[tokio::test]
async fn what_was_kept_is_for_the_browser_that_asked() {
    let world = World::start().await;
    let (attacker, victim) = (world.app.browser(), world.app.browser());
    let departure = world.depart(&attacker, "acme").await;
    world.depart(&victim, "acme").await;
    let (to, response) = world.respond(&departure, "guest").await;
    let posted = attacker.post(to.as_str(), &[("SAMLResponse", &response)]).await;
    let finish = posted.location().expect("a way on");

    let tricked = victim.get(finish.as_str()).await;
    let own = attacker.get(finish.as_str()).await;
    let again = attacker.get(finish.as_str()).await;

    assert_eq!((tricked.status.as_u16(), tricked.cookies().len()), (400, 0));
    assert!(!own.answer("code").is_empty());
    assert_eq!(again.status, 400);
}

#[tokio::test]
async fn a_changed_response_is_refused_and_ends_nothing_of_another() {
    let world = World::start().await;
    let browser = world.app.browser();
    let departure = world.depart(&browser, "acme").await;
    let (to, response) = world.respond(&departure, "vito").await;
    let xml = decode(&response).replace("vito@acme.test", "ada@acme.test");

    let stranger = world.app.browser();
    let changed = stranger.post(to.as_str(), &[("SAMLResponse", &encode(&xml))]).await;
    let told = stranger.follow(changed).await;
    let right = browser.follow(browser.post(to.as_str(), &[("SAMLResponse", &response)]).await).await;

    assert_eq!((told.status.as_u16(), told.cookies().len()), (400, 0), "{}", told.body);
    assert!(!right.answer("code").is_empty(), "whoever posts something bad cannot end another's sign-in");
}

#[tokio::test]
async fn whose_response_is_refused_may_choose_another_way() {
    let world = World::start().await;
    let browser = world.app.browser();
    let departure = world.depart(&browser, "acme").await;
    let (to, response) = world.respond(&departure, "vito").await;
    let xml = decode(&response).replace("vito@acme.test", "ada@acme.test");

    let changed = browser.post(to.as_str(), &[("SAMLResponse", &encode(&xml))]).await;
    let way_on = changed.location().expect("a way on");
    let told = browser.get(way_on.as_str()).await;
    let again = browser.get(way_on.as_str()).await;

    assert_eq!((told.status.as_u16(), again.status.as_u16()), (403, 400), "{}", told.body);
    assert!(told.body.contains("req_") && told.body.contains("Choose how to sign in"), "{}", told.body);
    assert!(!told.body.contains("ada@acme.test"));
}

fn decode(response: &str) -> String {
    use base64::Engine as _;
    String::from_utf8(base64::prelude::BASE64_STANDARD.decode(response).expect("base64")).expect("text")
}

fn encode(xml: &str) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(xml)
}

#[tokio::test]
async fn metadata_is_published_with_current_and_next_keys_and_followed_on_schedule() {
    let world = World::start().await;
    let (org, connection) = world.place("directory").await;

    let document = world.app.browser().get(format!("/sso/{org}/{connection}/metadata")).await;
    let scope = world.app.org("acme").await;
    let actor = orgate_domain::audit::Actor::Operator;
    orgate_flows::federation::saml_keys::rotate(&world.app.env, &scope, connection, actor)
        .await
        .expect("rotated");
    world.app.env.configuration.forget();
    let rotated = world.app.browser().get(format!("/sso/{org}/{connection}/metadata")).await;
    orgate_flows::federation::refresh::refresh_due(&world.app.env).await.expect("refreshed");
    let errors: Vec<Option<String>> = sqlx::query_scalar("select last_error from connection_refreshes")
        .fetch_all(world.app.database.superuser())
        .await
        .expect("the schedule");

    assert_eq!(document.status, 200);
    assert_eq!(document.body.matches("X509Certificate>").count(), 8, "{}", document.body);
    let certificates = |page: &Page| {
        let found = page.body.split("X509Certificate>").filter(|text| text.starts_with("MII"));
        found.map(|text| text.split('<').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let (before, after) = (certificates(&document), certificates(&rotated));
    assert_eq!(before[1], after[0], "the next key is the current one now");
    assert!(!before.contains(&after[1]));
    assert!(errors.iter().all(Option::is_none), "{errors:?}");
    assert_eq!(world.app.browser().get(format!("/sso/{org}/{org}/metadata")).await.status, 404);
}

#[tokio::test]
async fn signing_out_goes_by_the_provider_and_comes_back() {
    let world = World::start().await;
    let (browser, arrived) = world.sign_in("acme", "vito").await;
    let tokens = world.app.redeem(&arrived.answer("code")).await;
    let hint = tokens.text("id_token");

    let address =
        format!("/logout?id_token_hint={hint}&post_logout_redirect_uri=http://localhost:9/&state=s");
    let page = browser.get(address).await;

    assert_eq!(page.status, 200);
    let slo = world.idp.join("saml/slo").expect("an address");
    assert!(page.body.contains(slo.as_str()) && page.body.contains("SAMLRequest="), "{}", page.body);
    assert_eq!(world.app.refresh(&tokens.text("refresh_token")).await.outcome(), "400 invalid_grant");
    let back = browser.get("/sso/signed-out").await;
    assert_eq!(back.location().map(String::from).as_deref(), Some("http://localhost:9/?state=s"));
    let elsewhere = world.app.browser().get("/sso/signed-out").await;
    assert_eq!(elsewhere.status, 200, "nobody else is sent anywhere");
}
