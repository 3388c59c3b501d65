//! Redirect URIs: what may be registered, and what matches it.
//!
//! **Invariant:** a registered URI is already in the form to which a URL parser would bring it, so the text
//! that was compared and the address that a browser goes to are one. Comparison is of texts (RFC 9700 §4.1.3).

use std::fmt;

use url::Url;

/// The kind of a client: where it runs, and so which redirect URIs fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientKind {
    /// On a server, for no person: it receives no redirect.
    Machine,
    /// On a device (RFC 8252).
    Native,
    /// In a browser's script.
    Spa,
    /// On a server.
    Web,
}

impl ClientKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Machine, Self::Native, Self::Spa, Self::Web];

    /// As in files and in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Native => "native",
            Self::Spa => "spa",
            Self::Web => "web",
        }
    }

    /// Reads [`ClientKind::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A redirect URI fit to be registered.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RegisteredRedirectUri {
    uri: String,
    any_port: Option<AnyPort>,
}

/// A native client's loopback address (RFC 8252 §7.3): what stands before and after the port.
#[derive(Clone, PartialEq, Eq, Hash)]
struct AnyPort {
    origin: &'static str,
    rest: String,
}

/// Why a redirect URI cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedirectUri {
    /// Has a fragment (RFC 6749 §3.1.2).
    #[error("a redirect URI has no fragment")]
    Fragment,
    /// `http` to another host than `localhost`, `127.0.0.1` or `[::1]`.
    #[error("a redirect URI uses http only for localhost, 127.0.0.1 or [::1]")]
    Insecure,
    /// For a machine client.
    #[error("a machine client has no redirect URI")]
    Machine,
    /// Not an absolute URI of at most 2048 printable ASCII characters.
    #[error("a redirect URI is absolute, of at most 2048 printable ASCII characters")]
    Malformed,
    /// Not what a URL parser would make of it: dot segments, upper-case host, default port, encoded host …
    #[error(
        "a redirect URI is written in its normal form: lower-case host, no default port, no dot segments"
    )]
    NotNormal,
    /// Has a query parameter that the answer uses.
    #[error("a redirect URI's query has none of the names that the answer uses")]
    ReservedQuery,
    /// Neither `https`, nor, for a native client, a private-use scheme with a dot (RFC 8252 §7.1).
    #[error("a redirect URI uses https; one of a native client may use a reverse-domain scheme")]
    Scheme,
    /// Has `*`, `\` or an encoded slash, backslash or dot in its path.
    #[error("a redirect URI has no wildcard, backslash, or encoded slash, backslash or dot in its path")]
    Trick,
    /// Has a user name or password.
    #[error("a redirect URI has no user name or password")]
    UserInfo,
}

impl RegisteredRedirectUri {
    /// Reads a URI for registration.
    pub fn parse(text: &str, client: ClientKind) -> Result<Self, InvalidRedirectUri> {
        if text.len() > 2048 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidRedirectUri::Malformed);
        }
        let url = Url::parse(text).map_err(|_| InvalidRedirectUri::Malformed)?;
        check_scheme(&url, client)?;
        check_text(text, &url)?;
        check_query(&url)?;
        Ok(Self { uri: text.to_owned(), any_port: AnyPort::of(text, &url, client) })
    }

    /// As registered.
    pub fn as_str(&self) -> &str {
        &self.uri
    }

    /// The origin of the pages that it leads to (RFC 6454 §6.2), as a browser writes it; `None` for a private-use
    /// scheme, which has none.
    pub fn origin(&self) -> Option<String> {
        let origin = Url::parse(&self.uri).ok()?.origin();
        origin.is_tuple().then(|| origin.ascii_serialization())
    }

    /// Whether `requested` is this URI: the same text, a native client's loopback port aside.
    pub fn matches(&self, requested: &str) -> bool {
        requested == self.uri || self.any_port.as_ref().is_some_and(|any_port| any_port.matches(requested))
    }
}

impl fmt::Display for RegisteredRedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri)
    }
}

impl fmt::Debug for RegisteredRedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.uri, f)
    }
}

fn check_scheme(url: &Url, client: ClientKind) -> Result<(), InvalidRedirectUri> {
    match url.scheme() {
        _ if client == ClientKind::Machine => Err(InvalidRedirectUri::Machine),
        "https" => Ok(()),
        "http" if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) => Ok(()),
        "http" => Err(InvalidRedirectUri::Insecure),
        private if client == ClientKind::Native && private.contains('.') && !url.cannot_be_a_base() => Ok(()),
        _ => Err(InvalidRedirectUri::Scheme),
    }
}

fn check_text(text: &str, url: &Url) -> Result<(), InvalidRedirectUri> {
    let path = url.path().to_ascii_lowercase();
    if text.contains('#') {
        Err(InvalidRedirectUri::Fragment)
    } else if !url.username().is_empty() || url.password().is_some() {
        Err(InvalidRedirectUri::UserInfo)
    } else if text.contains(['*', '\\']) || ["%2f", "%5c", "%2e"].iter().any(|code| path.contains(code)) {
        Err(InvalidRedirectUri::Trick)
    } else if url.as_str() != text && url.as_str().strip_suffix('/') != Some(text) {
        // Only the slash of an empty path may be left out.
        Err(InvalidRedirectUri::NotNormal)
    } else {
        Ok(())
    }
}

/// Or the client would find `code` or `state` twice in the answer, and could take the wrong one.
fn check_query(url: &Url) -> Result<(), InvalidRedirectUri> {
    const RESERVED: [&str; 8] =
        ["code", "error", "error_description", "error_uri", "iss", "response", "session_state", "state"];
    let reserved = url.query_pairs().any(|(name, _)| RESERVED.contains(&name.as_ref()));
    if reserved { Err(InvalidRedirectUri::ReservedQuery) } else { Ok(()) }
}

impl AnyPort {
    fn of(text: &str, url: &Url, client: ClientKind) -> Option<Self> {
        let origin = match (client, url.scheme(), url.host_str()?) {
            (ClientKind::Native, "http", "127.0.0.1") => "http://127.0.0.1",
            (ClientKind::Native, "http", "[::1]") => "http://[::1]",
            _ => return None,
        };
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let rest = text.strip_prefix(origin)?.strip_prefix(&port)?.to_owned();
        Some(Self { origin, rest })
    }

    fn matches(&self, requested: &str) -> bool {
        let Some(tail) = requested.strip_prefix(self.origin).and_then(|tail| tail.strip_suffix(&self.rest))
        else {
            return false;
        };
        match tail.strip_prefix(':') {
            Some(port) => port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port),
            None => tail.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::InvalidRedirectUri as E;
    use super::*;

    fn register(text: &str, client: ClientKind) -> Result<(), InvalidRedirectUri> {
        RegisteredRedirectUri::parse(text, client).map(|_| ())
    }

    #[test]
    fn each_kind_of_client_registers_what_fits_it() {
        for text in [
            "https://app.test/callback",
            "https://app.test",
            "https://app.test/",
            "https://app.test:8443/cb?tenant=1&next=%2Fhome",
            "https://xn--bcher-kva.test/cb",
            "https://app.test/a%20b",
            "http://localhost:8090/callback",
            "http://127.0.0.1/cb",
            "http://[::1]:3000/cb",
        ] {
            for client in [ClientKind::Web, ClientKind::Spa, ClientKind::Native] {
                assert_eq!(register(text, client), Ok(()), "{text} {client:?}");
            }
            assert_eq!(register(text, ClientKind::Machine), Err(InvalidRedirectUri::Machine));
        }
        for text in ["com.example.app:/callback", "com.example.app://callback"] {
            assert_eq!(register(text, ClientKind::Native), Ok(()), "{text}");
            assert_eq!(register(text, ClientKind::Web), Err(InvalidRedirectUri::Scheme), "{text}");
            assert_eq!(register(text, ClientKind::Spa), Err(InvalidRedirectUri::Scheme), "{text}");
        }
    }

    const TRICKS: &[(&str, E)] = &[
        ("", E::Malformed),
        ("/callback", E::Malformed),
        ("//app.test/callback", E::Malformed),
        ("app.test/callback", E::Malformed),
        ("https://", E::Malformed),
        ("https://app.test/a b", E::Malformed),
        ("https://app.test/\tcb", E::Malformed),
        ("https://app.test/cb\n", E::Malformed),
        ("https://app.test/\0", E::Malformed),
        ("https://äpp.test/cb", E::Malformed),
        ("https://app.test/cb\u{202e}", E::Malformed),
        ("https://app.test:99999/", E::Malformed),
        ("http://app.test/cb", E::Insecure),
        ("http://127.0.0.2/cb", E::Insecure),
        ("http://0.0.0.0/cb", E::Insecure),
        ("http://localhost.evil.test/cb", E::Insecure),
        ("http://localhost./cb", E::Insecure),
        ("http://127.0.0.1.evil.test/cb", E::Insecure),
        ("http://[::ffff:127.0.0.1]/cb", E::Insecure),
        ("javascript:alert(1)", E::Scheme),
        ("javascript://app.test/%0aalert(1)", E::Scheme),
        ("data:text/html,x", E::Scheme),
        ("vbscript:x", E::Scheme),
        ("file:///etc/passwd", E::Scheme),
        ("ftp://app.test/", E::Scheme),
        ("blob:https://app.test/x", E::Scheme),
        ("myapp:/callback", E::Scheme),
        ("com.example.app:callback", E::Scheme),
        ("https://app.test/cb#", E::Fragment),
        ("https://app.test/cb#x", E::Fragment),
        ("com.example.app:/cb#x", E::Fragment),
        ("https://user@app.test/cb", E::UserInfo),
        ("https://user:pw@app.test/cb", E::UserInfo),
        ("https://app.test@evil.test/cb", E::UserInfo),
        ("http://localhost:80@evil.test/cb", E::Insecure),
        ("https://@app.test/cb", E::NotNormal),
        ("https://*.app.test/cb", E::Trick),
        ("https://app.test/*", E::Trick),
        ("https://app.test\\@evil.test/cb", E::Trick),
        ("https:\\\\app.test\\cb", E::Trick),
        ("https://app.test/a%2f..%2fb", E::Trick),
        ("https://app.test/a%5Cb", E::Trick),
        ("https://app.test/a%2eb", E::Trick),
        ("https://app.test/a/../b", E::NotNormal),
        ("https://app.test/./b", E::NotNormal),
        ("https://app.test/a/..", E::NotNormal),
        ("https://app.test/a/%2e%2e/b", E::NotNormal),
        ("com.example.app:/a/../b", E::NotNormal),
        ("https:app.test/cb", E::NotNormal),
        ("https:/app.test/cb", E::NotNormal),
        ("https:///app.test/cb", E::NotNormal),
        ("HTTPS://app.test/cb", E::NotNormal),
        ("https://App.test/cb", E::NotNormal),
        ("https://app.test:443/cb", E::NotNormal),
        ("https://app.test:/cb", E::NotNormal),
        ("https://ex%61mple.test/cb", E::NotNormal),
        ("http://2130706433/cb", E::NotNormal),
        ("http://0x7f.1/cb", E::NotNormal),
        ("http://127.1/cb", E::NotNormal),
        ("http://[0:0:0:0:0:0:0:1]/cb", E::NotNormal),
        ("https://app.test/cb?code=1", E::ReservedQuery),
        ("https://app.test/cb?a=1&st%61te=1", E::ReservedQuery),
        ("https://app.test/cb?iss", E::ReservedQuery),
    ];

    #[test]
    fn tricks_cannot_be_registered() {
        for (text, error) in TRICKS {
            assert_eq!(register(text, ClientKind::Native), Err(*error), "{text:?}");
        }
        let long = format!("https://app.test/{}", "a".repeat(2048));
        assert_eq!(register(&long, ClientKind::Native), Err(E::Malformed));
    }

    #[test]
    fn only_the_registered_text_matches() {
        let registered = RegisteredRedirectUri::parse("https://app.test/cb?a=1", ClientKind::Web).unwrap();

        assert!(registered.matches("https://app.test/cb?a=1"));
        for requested in [
            "https://app.test/cb",
            "https://app.test/cb?a=1&b=2",
            "https://app.test/cb?a=1#",
            "https://app.test/cb?a=1#x",
            "https://app.test/cb/?a=1",
            "https://app.test/CB?a=1",
            "https://APP.test/cb?a=1",
            "https://app.test:443/cb?a=1",
            "https://app.test./cb?a=1",
            "https://user@app.test/cb?a=1",
            "https://app.test/x/../cb?a=1",
            "https://app.test/%63b?a=1",
            "https://app.test%2Fcb?a=1",
            "https://app.test/cb?a=%31",
            "http://app.test/cb?a=1",
            "https://evil.test/cb?a=1",
            "https://app.test.evil.test/cb?a=1",
            " https://app.test/cb?a=1",
            "https://app.test/cb?a=1\n",
            "",
        ] {
            assert!(!registered.matches(requested), "{requested:?}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port_as_a_browser_writes_them() {
        for (text, origin) in [
            ("https://app.test/cb?a=1", Some("https://app.test")),
            ("https://app.test", Some("https://app.test")),
            ("https://app.test:8443/cb", Some("https://app.test:8443")),
            ("http://localhost:8090/cb", Some("http://localhost:8090")),
            ("http://[::1]:3000/cb", Some("http://[::1]:3000")),
            ("com.example.app:/callback", None),
        ] {
            let registered = RegisteredRedirectUri::parse(text, ClientKind::Native).unwrap();
            assert_eq!(registered.origin().as_deref(), origin, "{text}");
        }
    }

    #[test]
    fn a_native_client_may_choose_its_loopback_port() {
        for registered in ["http://127.0.0.1/cb", "http://127.0.0.1:7777/cb"] {
            let registered = RegisteredRedirectUri::parse(registered, ClientKind::Native).unwrap();
            for requested in ["http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb"] {
                assert!(registered.matches(requested), "{registered} {requested}");
            }
        }
        let v6 = RegisteredRedirectUri::parse("http://[::1]", ClientKind::Native).unwrap();
        assert!(v6.matches("http://[::1]:4711") && !v6.matches("http://[::1]:4711/"));
    }

    #[test]
    fn nothing_but_the_loopback_port_may_differ() {
        let registered =
            RegisteredRedirectUri::parse("http://127.0.0.1:7777/cb", ClientKind::Native).unwrap();
        for requested in [
            "http://127.0.0.1:80x/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:080/cb",
            "http://127.0.0.1:+80/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:80/evil/cb",
            "http://127.0.0.1:80@evil.test/cb",
            "http://127.0.0.1@evil.test/cb",
            "http://127.0.0.1.evil.test/cb",
            "http://127.0.0.1:80/cb?x=1",
            "http://127.0.0.1:80/cb#",
            "https://127.0.0.1:80/cb",
            "http://localhost:80/cb",
            "http://[::1]:80/cb",
        ] {
            assert!(!registered.matches(requested), "{requested:?}");
        }
        for (text, client, requested) in [
            ("http://localhost:7777/cb", ClientKind::Native, "http://localhost:80/cb"),
            ("http://127.0.0.1:7777/cb", ClientKind::Web, "http://127.0.0.1:80/cb"),
            ("https://127.0.0.1:7777/cb", ClientKind::Native, "https://127.0.0.1:80/cb"),
        ] {
            assert!(!RegisteredRedirectUri::parse(text, client).unwrap().matches(requested), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_registered_or_refused(
            text in "(https://|http://127.0.0.1|com\\.x:)?\\PC{0,30}", other in any::<String>(),
        ) {
            if let Ok(registered) = RegisteredRedirectUri::parse(&text, ClientKind::Native) {
                prop_assert!(registered.matches(&text));
                prop_assert_eq!(registered.matches(&other), other == text);
                // A browser goes to the very text.
                let browsed = Url::parse(&text).unwrap().to_string();
                prop_assert!(browsed == text || browsed == text.clone() + "/");
            }
        }
    }
}
