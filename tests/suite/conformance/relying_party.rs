//! A relying party at `CALLBACK`, and one browser between it and Orgate.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use openidconnect::core::{
    CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm,
};
use openidconnect::{ClaimsVerificationError, ClientId, ClientSecret, IssuerUrl, Nonce};
use orgate_protocol::oauth::authorize::ResponseMode;
use orgate_tests::app::{App, Browser, CALLBACK, PASSWORD, Page, Reply, SECRET, client};
use serde_json::Value;

/// Who signs in.
pub(super) const ADA: &str = "ada@acme.test";

/// An answer at the redirect URI.
pub(super) type Answer = BTreeMap<String, String>;

/// The client `notes`, whose answers come in one mode.
pub(super) struct RelyingParty {
    pub(super) app: App,
    pub(super) browser: Browser,
    pub(super) mode: ResponseMode,
}

impl RelyingParty {
    pub(super) async fn start(mode: ResponseMode) -> Self {
        let app = App::start().await;
        let browser = app.browser();
        Self { app, browser, mode }
    }

    /// A request for Acme, with `changes` as [`Browser::authorize`] has them.
    pub(super) fn request<'a>(&self, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let mode = match self.mode {
            ResponseMode::Query => "", // the default of the code flow
            ResponseMode::FormPost => "form_post",
        };
        [&[("organization", "acme"), ("response_mode", mode)], changes].concat()
    }

    /// Sends the browser to the authorization endpoint.
    pub(super) async fn authorize(&self, changes: &[(&str, &str)]) -> Page {
        self.browser.authorize(&self.request(changes)).await
    }

    /// The same; the answer, which comes without anybody being asked.
    pub(super) async fn ask(&self, changes: &[(&str, &str)]) -> Answer {
        self.answer(&self.authorize(changes).await)
    }

    /// The same, where the page asks who it is, and Ada signs in.
    pub(super) async fn sign_in(&self, changes: &[(&str, &str)]) -> Answer {
        let page = self.authorize(changes).await;
        self.prove(page).await
    }

    /// Ada signs in on the page that this leads to.
    pub(super) async fn prove(&self, page: Page) -> Answer {
        assert!(asks(&page), "{} {:?}", page.status, page.location());
        self.answer(&self.browser.sign_in(page, ADA, PASSWORD).await)
    }

    /// The tokens of a sign-in.
    pub(super) async fn tokens(&self, changes: &[(&str, &str)]) -> Reply {
        let answer = self.sign_in(changes).await;
        self.redeem(&answer).await
    }

    /// The tokens that an answer's code is redeemed for.
    pub(super) async fn redeem(&self, answer: &Answer) -> Reply {
        let code = answer.get("code").unwrap_or_else(|| panic!("no code: {answer:?}"));
        let tokens = self.app.redeem(code).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        tokens
    }

    /// What a page hands to the redirect URI in this relying party's mode, and in no other.
    pub(super) fn answer(&self, page: &Page) -> Answer {
        self.answer_at(CALLBACK, page)
    }

    /// The same, at another redirect URI.
    pub(super) fn answer_at(&self, redirect_uri: &str, page: &Page) -> Answer {
        let answer = match self.mode {
            ResponseMode::Query => redirected(redirect_uri, page),
            ResponseMode::FormPost => posted(redirect_uri, page),
        };
        assert_eq!(page.headers["cache-control"], "no-store");
        assert_ne!(answer.contains_key("code"), answer.contains_key("error"), "{answer:?}");
        answer
    }

    /// Verifies an ID token of `notes` by a library that nobody here wrote, with the keys that are published.
    pub(super) async fn verify(
        &self,
        id_token: &str,
        nonce: &str,
    ) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
        self.verify_as("notes", id_token, nonce).await
    }

    /// The same, as another client.
    pub(super) async fn verify_as(
        &self,
        client_id: &str,
        id_token: &str,
        nonce: &str,
    ) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
        let keys = self.app.get("/jwks.json").await.body;
        let keys: CoreJsonWebKeySet = serde_json::from_value(keys).expect("a JWK set");
        let issuer = self.app.base.as_str().trim_end_matches('/').to_owned();
        let verifier = CoreIdTokenVerifier::new_confidential_client(
            ClientId::new(client_id.to_owned()),
            ClientSecret::new(SECRET.to_owned()),
            IssuerUrl::new(issuer).expect("an issuer"),
            keys,
        )
        .set_allowed_algs([
            CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            CoreJwsSigningAlgorithm::EdDsa,
            CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        ]);
        let id_token = CoreIdToken::from_str(id_token).expect("a JWT");
        id_token.claims(&verifier, &Nonce::new(nonce.to_owned())).cloned()
    }

    /// Claims of `/userinfo`.
    pub(super) async fn userinfo(&self, tokens: &Reply) -> Value {
        let reply = self.app.userinfo(&tokens.text("access_token")).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    }

    /// Calls `/userinfo` as the caller says.
    pub(super) async fn call_userinfo(
        &self,
        call: impl FnOnce(&reqwest::Client, url::Url) -> reqwest::RequestBuilder,
    ) -> (u16, Option<String>, Value) {
        let answer = call(&client(), self.app.at("/userinfo")).send().await.expect("answered");
        let challenge = answer.headers().get("www-authenticate");
        let challenge = challenge.map(|value| value.to_str().expect("text").to_owned());
        (answer.status().as_u16(), challenge, answer.json().await.unwrap_or_default())
    }
}

/// Whether a page leads to the one that asks who it is.
pub(super) fn asks(page: &Page) -> bool {
    page.leads_to() == "/sign-in"
}

/// RFC 6749 §4.1.2: in the query, by a redirect.
fn redirected(redirect_uri: &str, page: &Page) -> Answer {
    assert_eq!(page.status, 303, "{}", page.body);
    let to = page.location().unwrap_or_else(|| panic!("no redirect: {}", page.body));
    let (uri, query) = to.as_str().split_once('?').expect("a query");
    let (expected, own) = redirect_uri.split_once('?').unwrap_or((redirect_uri, ""));
    assert_eq!((uri, to.fragment()), (expected, None));
    assert!(query.starts_with(own), "{query} keeps {own}");
    let own: Vec<_> = url::form_urlencoded::parse(own.as_bytes()).collect();
    distinct(
        to.query_pairs().filter(|pair| !own.contains(pair)).map(|(name, value)| (name.into(), value.into())),
    )
}

/// Form Post Response Mode §2: in a form that is posted there, and nowhere else in the answer.
fn posted(redirect_uri: &str, page: &Page) -> Answer {
    assert_eq!((page.status.as_u16(), page.location()), (200, None), "{}", page.body);
    let content_type = page.headers["content-type"].to_str().expect("text");
    assert!(content_type.starts_with("text/html"), "{content_type}");
    let form = format!("<form id=\"form-post\" method=\"post\" action=\"{redirect_uri}\">");
    let (_, form) = page.body.split_once(&form).unwrap_or_else(|| panic!("no such form: {}", page.body));
    let (form, _) = form.split_once("</form>").expect("its end");
    let fields = form.split("<input type=\"hidden\" name=\"").skip(1);
    distinct(fields.map(|field| {
        let (name, rest) = field.split_once("\" value=\"").expect("a value");
        (unescaped(name), unescaped(rest.split('"').next().unwrap_or_default()))
    }))
}

/// RFC 6749 §3.1: no parameter twice.
fn distinct(pairs: impl Iterator<Item = (String, String)>) -> Answer {
    let mut answer = Answer::new();
    for (name, value) in pairs {
        assert_eq!(answer.insert(name.clone(), value), None, "{name} twice");
    }
    answer
}

fn unescaped(html: &str) -> String {
    let entities = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    entities.iter().fold(html.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}
