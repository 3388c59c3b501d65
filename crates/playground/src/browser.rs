//! What ties a browser to its sign-ins and its session: cookies, and the secrets in them.

use aws_lc_rs::{constant_time::verify_slices_are_equal, error::Unspecified, rand};
use axum::http::{HeaderMap, header::COOKIE};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cookie::{Cookie, SameSite, time::Duration};
use url::Url;

/// 256 random bits as 43 characters that URLs, cookies and PKCE (RFC 7636 §4.1) allow.
pub(crate) fn random_token() -> Result<String, Unspecified> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Compares secrets in a time that does not tell where they differ.
pub(crate) fn is_same_secret(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

/// Cookies know no ports, so the names must differ from those of everything else on `localhost`.
#[derive(Clone, Copy)]
pub(crate) enum CookieName {
    /// Ties Notes' sign-ins that are under way to the browser that began them.
    NotesBrowser,
    /// Names the session at Notes.
    NotesSession,
    /// The `state` of the sign-out from Notes that is under way.
    NotesSignOut,
    /// Names the session at the sample `OpenID` provider.
    OidcSession,
    /// Names the session at the sample SAML identity provider.
    SamlSession,
}

impl CookieName {
    fn as_str(self) -> &'static str {
        match self {
            Self::NotesBrowser => "notes_browser",
            Self::NotesSession => "notes_session",
            Self::NotesSignOut => "notes_sign_out",
            Self::OidcSession => "sample_oidc_session",
            Self::SamlSession => "sample_saml_session",
        }
    }
}

/// Reads and writes the cookies. All end with the browser's session, are hidden from scripts and stay away from
/// other sites' subrequests and posts.
#[derive(Clone, Copy)]
pub(crate) struct Cookies {
    is_https: bool,
}

impl Cookies {
    pub(crate) fn for_url(base_url: &Url) -> Self {
        Self { is_https: base_url.scheme() == "https" }
    }

    pub(crate) fn find(self, headers: &HeaderMap, name: CookieName) -> Option<String> {
        let name = self.full_name(name);
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .find(|cookie| cookie.name() == name)
            .map(|cookie| cookie.value().to_owned())
    }

    /// The `Set-Cookie` that sets it.
    pub(crate) fn set(self, name: CookieName, value: &str) -> String {
        self.build(name, value).to_string()
    }

    /// The `Set-Cookie` that removes it.
    pub(crate) fn remove(self, name: CookieName) -> String {
        let mut cookie = self.build(name, "");
        cookie.set_max_age(Duration::ZERO);
        cookie.to_string()
    }

    fn build(self, name: CookieName, value: &str) -> Cookie<'_> {
        let cookie = Cookie::build((self.full_name(name), value));
        cookie.path("/").http_only(true).same_site(SameSite::Lax).secure(self.is_https).build()
    }

    /// Over HTTPS with the prefix that keeps other hosts of the domain from setting it (RFC 6265bis §4.1.3.2).
    fn full_name(self, name: CookieName) -> String {
        format!("{}{}", if self.is_https { "__Host-" } else { "" }, name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn over_https_cookies_belong_to_one_host() {
        let cookies = Cookies::for_url(&"https://notes.test/".parse().unwrap());

        assert_eq!(
            cookies.set(CookieName::NotesSession, "x"),
            "__Host-notes_session=x; HttpOnly; SameSite=Lax; Secure; Path=/"
        );
    }

    #[test]
    fn a_cookie_is_found_among_those_of_its_neighbours() {
        let cookies = Cookies::for_url(&"http://localhost:8090/".parse().unwrap());
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("orgate=1; notes_session=ours; notes_session_x=2"));

        assert_eq!(cookies.find(&headers, CookieName::NotesSession).as_deref(), Some("ours"));
        assert_eq!(cookies.find(&headers, CookieName::NotesBrowser), None);
    }

    #[test]
    fn random_tokens_differ() {
        let (one, other) = (random_token().unwrap(), random_token().unwrap());

        assert_eq!(one.len(), 43);
        assert!(is_same_secret(&one, &one) && !is_same_secret(&one, &other));
    }
}
