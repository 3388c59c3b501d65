//! What browsers and clients get.

use reqwest::StatusCode;
use reqwest::header::{self, HeaderMap};
use serde_json::Value;
use url::Url;

use crate::app::CALLBACK;
use crate::contract::assert_contract;

/// What a browser got.
#[derive(Debug, Clone)]
pub struct Page {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
    url: Url,
}

impl Page {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        Self::try_of(Ok(response)).await.expect("a body")
    }

    pub(crate) async fn try_of(response: reqwest::Result<reqwest::Response>) -> Option<Self> {
        let response = response.ok()?;
        let (status, headers, url) = (response.status(), response.headers().clone(), response.url().clone());
        Some(Self { status, headers, url, body: response.text().await.ok()? })
    }

    /// Where it redirects to.
    pub fn location(&self) -> Option<Url> {
        let location = self.headers.get(header::LOCATION)?.to_str().ok()?;
        self.url.join(location).ok()
    }

    /// The path it redirects to, or nothing.
    pub fn leads_to(&self) -> String {
        self.location().map_or_else(String::new, |to| to.path().to_owned())
    }

    /// A parameter of the answer at the client's redirect URI. Fails the test if it is not there.
    pub fn answer(&self, name: &str) -> String {
        let to = self.location().unwrap_or_else(|| panic!("no redirect: {} {}", self.status, self.body));
        assert!(to.as_str().starts_with(CALLBACK), "redirected to {to}");
        let found = to.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        found.unwrap_or_else(|| panic!("no {name} in {to}"))
    }

    /// The value of a form's field.
    pub fn field(&self, name: &str) -> String {
        let marker = format!("name=\"{name}\" value=\"");
        let (_, rest) = self
            .body
            .split_once(&marker)
            .unwrap_or_else(|| panic!("no field {name}: {} {}", self.status, self.body));
        rest.split('"').next().unwrap_or_default().replace("&#38;", "&").replace("&amp;", "&")
    }

    /// The cookies it sets, as `name=value`.
    pub fn cookies(&self) -> Vec<String> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter();
        lines.filter_map(|line| line.to_str().ok()).map(str::to_owned).collect()
    }
}

/// What a client got.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The JSON body; null if there is none.
    pub body: Value,
}

impl Reply {
    /// What a client makes of an answer.
    pub async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.json().await.unwrap_or_default() }
    }

    /// A member of the body as text; empty if there is none.
    pub fn text(&self, name: &str) -> String {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// `status error`, as tests compare it.
    pub fn outcome(&self) -> String {
        format!("{} {}", self.status, self.text("error")).trim().to_owned()
    }

    /// The claims of a token in the body, unverified, but held to the published contract.
    pub fn claims(&self, name: &str) -> Value {
        let claims = claims(&self.text(name));
        match (name, self.body.get("issued_token_type").and_then(Value::as_str)) {
            ("access_token", None | Some("urn:ietf:params:oauth:token-type:access_token")) => {
                assert_contract("access-token.json", &claims);
            }
            ("id_token", _) => assert_contract("id-token.json", &claims),
            _ => {}
        }
        claims
    }
}

/// The claims of a token, unverified.
pub fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).unwrap_or_else(|| panic!("not a token: {token}"));
    let json = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&json).expect("JSON")
}
