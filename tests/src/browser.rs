//! A browser without script, and what asks without being one.

use std::collections::BTreeMap;

use reqwest::header::{ACCEPT_ENCODING, HeaderMap};
use reqwest::{Client, Method};
use url::Url;

use crate::answers::Page;
use crate::app::{CALLBACK, CHALLENGE, PASSWORD};

/// A client that follows no redirect and keeps no cookie.
pub fn client() -> Client {
    http_with(false, HeaderMap::new())
}

/// What the tests' browsers and clients say that they are.
pub const USER_AGENT: &str = "orgate-tests/1";

fn http_with(cookies: bool, headers: HeaderMap) -> Client {
    Client::builder()
        .default_headers(headers)
        .user_agent(USER_AGENT)
        .cookie_store(cookies)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client")
}

/// A browser without script: cookies, forms, and no redirect followed unless asked.
#[derive(Debug, Clone)]
pub struct Browser {
    http: Client,
    base: Url,
}

impl Browser {
    /// A browser without cookies, at an Orgate that runs on its own.
    pub fn at(base: &Url) -> Self {
        Self::with(base, true, HeaderMap::new())
    }

    /// A browser that keeps cookies or not, and whose requests have these headers.
    pub(crate) fn with(base: &Url, keeps: bool, says: HeaderMap) -> Self {
        Self { http: http_with(keeps, says), base: base.clone() }
    }

    /// Opens an address.
    pub async fn get(&self, url: impl AsRef<str>) -> Page {
        let url = self.base.join(url.as_ref()).expect("an address");
        Page::of(self.http.get(url).send().await.expect("answered")).await
    }

    /// Opens an address, and reads nothing of what comes but its head.
    pub async fn open(&self, url: impl AsRef<str>) -> reqwest::Response {
        let url = self.base.join(url.as_ref()).expect("an address");
        self.http.get(url).send().await.expect("answered")
    }

    /// Asks for an address as `method` does, led by a page of such a site (Fetch Metadata, `Sec-Fetch-Site`).
    pub async fn led(&self, (method, site): (Method, &str), url: impl AsRef<str>) -> Page {
        let url = self.base.join(url.as_ref()).expect("an address");
        let asked = self.http.request(method, url).header("sec-fetch-site", site);
        Page::of(asked.send().await.expect("answered")).await
    }

    /// Bytes of all that is sent for a page to a browser that has not seen it.
    pub async fn weight(&self, page: &Page) -> usize {
        let mut bytes = page.body.len();
        for part in page.body.split(['"', '\'']).filter(|text| text.starts_with("/assets/")) {
            let part = self.base.join(&part.replace("&amp;", "&")).expect("an address");
            let asked = self.http.get(part).header(ACCEPT_ENCODING, "gzip");
            bytes += asked.send().await.expect("answered").bytes().await.expect("sent").len();
        }
        bytes
    }

    /// Posts a form.
    pub async fn post(&self, url: impl AsRef<str>, form: &[(&str, &str)]) -> Page {
        let url = self.base.join(url.as_ref()).expect("an address");
        Page::of(self.http.post(url).form(form).send().await.expect("answered")).await
    }

    /// Opens an address of a node that may be killed meanwhile; `None` if no whole answer came.
    pub async fn try_get(&self, url: impl AsRef<str>) -> Option<Page> {
        let url = self.base.join(url.as_ref()).expect("an address");
        Page::try_of(self.http.get(url).send().await).await
    }

    /// Posts a form to a node that may be killed meanwhile; `None` if no whole answer came.
    pub async fn try_post(&self, url: impl AsRef<str>, form: &[(&str, &str)]) -> Option<Page> {
        let url = self.base.join(url.as_ref()).expect("an address");
        Page::try_of(self.http.post(url).form(form).send().await).await
    }

    /// Opens the authorization endpoint with the usual parameters, `changes` replacing them; an
    /// empty value takes a parameter away.
    pub async fn authorize(&self, changes: &[(&str, &str)]) -> Page {
        self.get(authorization_url(&self.base, changes)).await
    }

    /// Follows redirects as long as they stay at Orgate.
    pub async fn follow(&self, mut page: Page) -> Page {
        while let Some(to) = page.location().filter(|to| to.origin() == self.base.origin()) {
            page = self.get(to.as_str()).await;
        }
        page
    }

    /// Fills in the sign-in page that `page` is or leads to.
    pub async fn sign_in(&self, page: Page, email: &str, password: &str) -> Page {
        let form = self.follow(page).await;
        let (request, csrf) = (form.field("request"), form.field("csrf"));
        let fields = [
            ("request", request.as_str()),
            ("csrf", csrf.as_str()),
            ("email", email),
            ("password", password),
        ];
        self.post("/sign-in", &fields).await
    }

    /// Signs in to an organization with everything right; the code.
    pub async fn sign_in_to(&self, organization: &str, email: &str) -> String {
        let page = self.authorize(&[("organization", organization)]).await;
        self.sign_in(page, email, PASSWORD).await.answer("code")
    }
}

/// The address of an authorization request of the client `notes`.
pub fn authorization_url(base: &Url, changes: &[(&str, &str)]) -> Url {
    let mut params = BTreeMap::from([
        ("response_type", "code"),
        ("client_id", "notes"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid profile email offline_access"),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    params.extend(changes.iter().copied());
    params.retain(|_, value| !value.is_empty());
    let mut url = base.join("/authorize").expect("an address");
    url.query_pairs_mut().extend_pairs(params);
    url
}
