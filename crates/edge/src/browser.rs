//! A browser's cookies: one that ties pages to the browser, and one session an organization.
//!
//! **Invariant:** every cookie is `HttpOnly`, `SameSite=Lax`, host-only and, where the issuer is
//! https, `Secure` under a `__Host-` name, which no sub-domain can set.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use orgate_domain::credentials::{Credential, SecretHash, SessionCookie, base32};
use orgate_domain::ids::OrgId;
use orgate_domain::sessions::MAX_PER_BROWSER;
use orgate_flows::Browser;

use crate::{AppState, RequestOrigin};

const BINDING: &str = "orgate_browser";
const SESSION: &str = "orgate_session_";
const SETUP: &str = "orgate_setup";
const AFTER_LOGOUT: &str = "orgate_after_logout";
const HOST_PREFIX: &str = "__Host-";

/// A link's id and a credential.
const MAX_SETUP: usize = 200;

/// An address that a client registered, with its state, and a tag.
const MAX_AFTER_LOGOUT: usize = 4096;

/// How long an identity provider's logout may take.
const AFTER_LOGOUT_LIFETIME: Duration = Duration::minutes(10);

/// How long a browser is told apart. Longer than any sign-in takes.
pub(crate) const BINDING_LIFETIME: Duration = Duration::days(30);

/// What the browser proves, and what its cookies have to become.
#[derive(Debug)]
pub struct BrowserCookies {
    /// For the use cases.
    pub browser: Browser,
    /// What the browser keeps on its way past an identity provider's logout.
    pub after_logout: Option<String>,
    /// The set-up that the browser opened.
    pub setup: Option<String>,
    secure: bool,
    fresh_binding: Option<String>,
}

impl FromRequestParts<AppState> for BrowserCookies {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, StatusCode> {
        let Ok(RequestOrigin(origin)) = RequestOrigin::from_request_parts(parts, state).await;
        let secure = state.env.issuer.is_https();
        let given = Given::read(&parts.headers, secure);
        let (binding, fresh_binding) = if let Some(binding) = given.binding {
            (binding, None)
        } else {
            let random = state.env.random.bytes::<32>();
            let fresh = BASE64_URL_SAFE_NO_PAD.encode(random.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?);
            (fresh.clone(), Some(fresh))
        };
        let binding = SecretHash::of(binding.as_bytes());
        Ok(Self {
            browser: Browser { binding, sessions: given.sessions, misplaced: given.misplaced, origin },
            after_logout: given.after_logout,
            setup: given.setup,
            secure,
            fresh_binding,
        })
    }
}

#[derive(Default)]
struct Given {
    binding: Option<String>,
    sessions: Vec<Credential<SessionCookie>>,
    misplaced: Vec<Credential<SessionCookie>>,
    after_logout: Option<String>,
    setup: Option<String>,
}

impl Given {
    /// Reads the cookies that are ours; others, and what is malformed, do not exist for us. A
    /// session cookie whose name and value name different organizations is malformed.
    fn read(headers: &HeaderMap, secure: bool) -> Self {
        let mut given = Self::default();
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        for cookie in lines.flat_map(Cookie::split_parse).filter_map(Result::ok) {
            let (name, prefixed) = match cookie.name().strip_prefix(HOST_PREFIX) {
                Some(name) => (name, true),
                None => (cookie.name(), false),
            };
            if prefixed != secure {
                continue;
            }
            if name == BINDING && cookie.value().len() == 43 {
                given.binding.get_or_insert_with(|| cookie.value().to_owned());
            } else if name == AFTER_LOGOUT && cookie.value().len() <= MAX_AFTER_LOGOUT {
                given.after_logout = Some(cookie.value().to_owned());
            } else if name == SETUP && cookie.value().len() <= MAX_SETUP {
                given.setup = Some(cookie.value().to_owned());
            } else if let Some(org) = name.strip_prefix(SESSION) {
                given.add_session(org, cookie.value());
            }
        }
        given
    }

    fn add_session(&mut self, org: &str, value: &str) {
        let Ok(credential) = Credential::<SessionCookie>::parse(value) else { return };
        let known = self.sessions.iter().any(|other| other.org_id() == credential.org_id());
        if session_suffix(credential.org_id()) != org {
            self.misplaced = vec![credential]; // one is enough to tell of
        } else if !known && self.sessions.len() <= 2 * MAX_PER_BROWSER {
            self.sessions.push(credential);
        }
    }
}

impl BrowserCookies {
    /// Sets the cookie that ties pages to this browser, if it has none yet.
    pub fn bind(&self, headers: &mut HeaderMap) {
        if let Some(value) = &self.fresh_binding {
            append(headers, &self.cookie(BINDING.to_owned(), value.clone(), BINDING_LIFETIME));
        }
    }

    /// Sets an organization's session cookie for `lifetime` seconds.
    pub fn set_session(
        &self,
        headers: &mut HeaderMap,
        credential: &Credential<SessionCookie>,
        lifetime: i64,
    ) {
        let name = format!("{SESSION}{}", session_suffix(credential.org_id()));
        let value = credential.reveal().to_owned();
        append(headers, &self.cookie(name, value, Duration::seconds(lifetime)));
    }

    /// Drops an organization's session cookie.
    pub fn drop_session(&self, headers: &mut HeaderMap, org_id: OrgId) {
        let name = format!("{SESSION}{}", session_suffix(org_id));
        append(headers, &self.cookie(name, String::new(), Duration::ZERO));
    }

    /// Sets the set-up that the browser opened, for `lifetime` seconds.
    pub fn set_setup(&self, headers: &mut HeaderMap, value: &str, lifetime: i64) {
        append(headers, &self.cookie(SETUP.to_owned(), value.to_owned(), Duration::seconds(lifetime)));
    }

    /// Drops it.
    pub fn drop_setup(&self, headers: &mut HeaderMap) {
        append(headers, &self.cookie(SETUP.to_owned(), String::new(), Duration::ZERO));
    }

    /// Sets what the browser keeps on its way past an identity provider's logout.
    pub fn set_after_logout(&self, headers: &mut HeaderMap, value: &str) {
        append(headers, &self.cookie(AFTER_LOGOUT.to_owned(), value.to_owned(), AFTER_LOGOUT_LIFETIME));
    }

    /// Drops it.
    pub fn drop_after_logout(&self, headers: &mut HeaderMap) {
        append(headers, &self.cookie(AFTER_LOGOUT.to_owned(), String::new(), Duration::ZERO));
    }

    fn cookie(&self, name: String, value: String, lifetime: Duration) -> Cookie<'static> {
        let name = if self.secure { format!("{HOST_PREFIX}{name}") } else { name };
        Cookie::build((name, value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .max_age(lifetime)
            .build()
    }
}

/// The organization as a cookie's name carries it: its id without the prefix.
fn session_suffix(org_id: OrgId) -> String {
    base32::encode_u128(org_id.as_uuid().as_u128())
}

pub(crate) fn append(headers: &mut HeaderMap, cookie: &Cookie<'_>) {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        headers.append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookies.parse().expect("a header"));
        headers
    }

    fn org(byte: u8) -> OrgId {
        format!("org_{}", base32::encode_u128(u128::from(byte))).parse().expect("an id")
    }

    #[test]
    fn a_session_cookie_must_be_named_for_the_organization_in_its_value() {
        let acme = Credential::<SessionCookie>::new(org(1), &[7; 32]);
        let named = |id| format!("{SESSION}{}={}", session_suffix(id), acme.reveal());

        assert_eq!(Given::read(&headers(&named(org(1))), false).sessions.len(), 1);
        assert!(Given::read(&headers(&named(org(2))), false).sessions.is_empty());
    }

    #[test]
    fn over_https_only_host_prefixed_cookies_count() {
        let acme = Credential::<SessionCookie>::new(org(1), &[7; 32]);
        let plain = format!("{SESSION}{}={}", session_suffix(org(1)), acme.reveal());

        assert!(Given::read(&headers(&plain), true).sessions.is_empty());
        assert_eq!(Given::read(&headers(&format!("__Host-{plain}")), true).sessions.len(), 1);
    }
}
