//! The sample identity providers on loopback, and a browser.

use std::{future::pending, path::PathBuf};

use orgate_playground::{
    IdentityProvidersConfig, OpenIdClient, OpenIdProviderConfig, SamlProviderConfig, SamlTile, SampleUser,
    ServiceProviders, serve_identity_providers,
};
use reqwest::{Client, StatusCode, header::HeaderMap, redirect::Policy};
use tokio::net::TcpListener;
use url::Url;

pub(crate) const CLIENT_ID: &str = "orgate:upstream";
pub(crate) const CLIENT_SECRET: &str = "s%cret+&=é";
pub(crate) const CALLBACK: &str = "http://orgate.test/callback?con=1";
pub(crate) const SIGNED_OUT: &str = "http://orgate.test/signed-out";
pub(crate) const ENTITY_ID: &str = "http://orgate.test/saml/con_1/metadata";
pub(crate) const ACS: &str = "http://orgate.test/saml/con_1/acs";

/// A browser that follows no redirect by itself.
pub(crate) struct Browser {
    pub(crate) http: Client,
    pub(crate) base: Url,
}

#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<Url>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Page {
    /// Where it redirects to, and the query of that.
    pub(crate) fn answer(&self) -> (String, Vec<(String, String)>) {
        let mut url = self.location.clone().unwrap_or_else(|| panic!("no redirect: {}", self.body));
        let pairs = url.query_pairs().into_owned().collect();
        url.set_query(None);
        (url.into(), pairs)
    }

    /// A parameter of the redirect.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.answer().1.into_iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    /// The hidden fields of its forms.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let inputs = self.body.split("<input type=\"hidden\" name=\"").skip(1);
        let field = |input: &str| {
            let (name, rest) = input.split_once("\" value=\"").unwrap();
            (name.to_owned(), unescape(rest.split('"').next().unwrap()))
        };
        inputs.map(field).collect()
    }

    pub(crate) fn field(&self, name: &str) -> Option<String> {
        self.fields().into_iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    pub(crate) fn asks_who(&self) -> bool {
        self.status == StatusCode::OK && self.body.contains("Continue as <strong>Ada Lovelace</strong>")
    }
}

fn unescape(text: &str) -> String {
    let text = text.replace("&#38;", "&").replace("&#60;", "<").replace("&#62;", ">");
    text.replace("&#34;", "\"").replace("&#39;", "'")
}

impl Browser {
    pub(crate) fn new(base: &Url) -> Self {
        let http = Client::builder().cookie_store(true).redirect(Policy::none()).no_proxy().build().unwrap();
        Self { http, base: base.clone() }
    }

    pub(crate) async fn get(&self, url: impl AsRef<str>) -> Page {
        self.send(self.http.get(self.base.join(url.as_ref()).unwrap())).await
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(String, String)]) -> Page {
        self.send(self.http.post(self.base.join(path).unwrap()).form(fields)).await
    }

    /// Presses a user's button on a sign-in page.
    pub(crate) async fn continue_as(&self, page: &Page, username: &str) -> Page {
        assert!(page.asks_who(), "{page:?}");
        let (_, rest) = page.body.split_once("<form method=\"post\" action=\"").unwrap();
        let action = rest.split('"').next().unwrap();
        let mut fields = page.fields();
        fields.push(("username".into(), username.into()));
        self.post(action, &fields).await
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Page {
        let response = request.send().await.unwrap();
        let headers = response.headers().clone();
        let location = headers.get("location").map(|to| response.url().join(to.to_str().unwrap()).unwrap());
        Page { status: response.status(), location, headers, body: response.text().await.unwrap() }
    }
}

fn user(username: &str, name: &str, groups: &[&str]) -> SampleUser {
    SampleUser {
        username: username.into(),
        name: name.into(),
        email: format!("{username}@globex.test"),
        groups: groups.iter().map(|&group| group.into()).collect(),
    }
}

pub(crate) fn config(base_url: Url) -> IdentityProvidersConfig {
    let users =
        vec![user("ada", "Ada Lovelace", &["engineering", "R&D <lab>"]), user("grace", "Grace Hopper", &[])];
    IdentityProvidersConfig {
        base_url,
        oidc: OpenIdProviderConfig {
            name: "Globex Workforce".into(),
            users: users.clone(),
            clients: vec![OpenIdClient {
                client_id: CLIENT_ID.into(),
                client_secret: CLIENT_SECRET.into(),
                redirect_uris: vec![CALLBACK.into()],
                redirect_uri_prefix: None,
                post_logout_redirect_uris: vec![SIGNED_OUT.into()],
                backchannel_logout_uri: None,
            }],
        },
        saml: SamlProviderConfig {
            name: "Initech Directory".into(),
            users,
            service_providers: vec![ServiceProviders {
                entity_id_prefix: "http://orgate.test/saml".parse().unwrap(),
                acs_url_prefix: "http://orgate.test/saml".parse().unwrap(),
                slo_url: Some("slo".into()),
            }],
            tiles: vec![SamlTile {
                name: "Orgate".into(),
                entity_id: ENTITY_ID.into(),
                acs_url: ACS.into(),
                relay_state: Some("tile & co".into()),
            }],
            key_file: None,
        },
    }
}

/// Starts both, with a change to the configuration.
pub(crate) async fn start_with(change: impl FnOnce(&mut IdentityProvidersConfig)) -> Browser {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let mut config = config(base.clone());
    change(&mut config);
    tokio::spawn(serve_identity_providers(config, listener, pending()));
    Browser::new(&base)
}

pub(crate) async fn start() -> Browser {
    start_with(|_| ()).await
}

/// An empty directory.
pub(crate) fn directory(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

#[tokio::test]
async fn the_first_page_says_what_to_enter_elsewhere_and_no_secret() {
    let browser = start().await;

    let page = browser.get("/").await;

    for words in ["Globex Workforce", "Initech Directory", "/oidc/.well-known/openid-configuration"] {
        assert!(page.body.contains(words), "{words}");
    }
    for words in ["/saml/metadata", CLIENT_ID, CALLBACK, "ada@globex.test", "R&#38;D &#60;lab&#62;"] {
        assert!(page.body.contains(words), "{words}");
    }
    assert!(!page.body.contains("s%cret"));
    assert_eq!(
        page.headers["content-security-policy"],
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    for path in ["/oidc", "/saml", "/identity-providers.css", "/identity-providers.svg"] {
        assert_eq!(browser.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(browser.get("/none").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn another_sites_page_can_sign_nobody_in_or_out() {
    let browser = start().await;

    for path in ["/oidc/sign-in", "/saml/sign-in", "/oidc/sign-out", "/saml/sign-out"] {
        for site in ["cross-site", "same-site", "none"] {
            let request = browser.http.post(browser.base.join(path).unwrap()).header("sec-fetch-site", site);
            let page = browser.send(request.form(&[("username", "ada")])).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} {site}");
        }
    }
}
