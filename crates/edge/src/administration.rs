//! The cookies of the administration: one sign-in an organization, under whose pages alone it is sent, and whatever is under way.
//!
//! **Invariant:** as of [`crate::browser`], but for the path; so their names are `__Secure-` and not `__Host-` ones, and what is
//! in them counts only if it was sealed for this browser.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use cookie::time::Duration;
use cookie::{Cookie, SameSite};

use crate::AppState;
use crate::browser::{BINDING_LIFETIME, append};

const SESSION: &str = "orgate_admin_";
const SIGN_IN: &str = "orgate_admin_sign_in_";
const SECURE_PREFIX: &str = "__Secure-";

/// The path below which all of them are.
const PATH: &str = "/admin";

/// Bytes of a cookie's value: with its name it has to stay below what every browser takes, 4096.
const PART: usize = 3_800;

/// Of these, what is left for the sign-in itself: the first one says how many there are, in a digit and a dot.
const DATA: usize = PART - 2;

/// Cookies that one sign-in is spread over, at most; a digit.
const PARTS: usize = 3;

/// Sign-ins under way at once: a tab each.
const SIGN_INS: usize = 3;

/// How long one may be under way.
const SIGN_IN_LIFETIME: Duration = Duration::minutes(30);

/// That a sign-in was finished a moment ago.
const ARRIVED: &str = "orgate_admin_arrived";

/// How long a browser takes from there to the page at most.
const ARRIVAL: Duration = Duration::seconds(10);

/// Why somebody looks at an organization that is not theirs.
const REASON: &str = "orgate_admin_reason";

/// How long that counts.
const REASON_LIFETIME: Duration = Duration::hours(1);

/// What a browser keeps for the administration, well formed but not opened.
#[derive(Debug)]
pub struct AdministrationCookies {
    secure: bool,
    /// The parts of the sign-in of the organization whose page is asked for.
    session: BTreeMap<usize, String>,
    /// By their state, the oldest first.
    sign_ins: Vec<(String, String)>,
    arrived: bool,
    reason: Option<String>,
}

impl FromRequestParts<AppState> for AdministrationCookies {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self::read(&parts.headers, state.env.issuer.is_https()))
    }
}

impl AdministrationCookies {
    fn read(headers: &HeaderMap, secure: bool) -> Self {
        let mut read =
            Self { secure, session: BTreeMap::new(), sign_ins: Vec::new(), arrived: false, reason: None };
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        for cookie in lines.flat_map(Cookie::split_parse).filter_map(Result::ok) {
            let (name, prefixed) = match cookie.name().strip_prefix(SECURE_PREFIX) {
                Some(name) => (name, true),
                None => (cookie.name(), false),
            };
            if prefixed != secure || cookie.value().len() > PART {
                continue;
            }
            if let Some(state) = name.strip_prefix(SIGN_IN) {
                read.sign_ins.push((state.to_owned(), cookie.value().to_owned()));
            } else if name == ARRIVED {
                read.arrived = true;
            } else if name == REASON {
                read.reason.get_or_insert_with(|| cookie.value().to_owned());
            } else if let Some(part) = name.strip_prefix(SESSION).and_then(|part| part.parse().ok()) {
                // Browsers send that of the longest path first: none of a path above counts.
                read.session.entry(part).or_insert_with(|| cookie.value().to_owned());
            }
        }
        read
    }

    /// The sign-in to the organization whose page is asked for, if all of its parts were sent. The first part says how many these
    /// are: one that was left over by a larger sign-in is none.
    pub fn session(&self) -> Option<String> {
        let (count, first) = self.session.get(&0)?.split_once('.')?;
        let count = count.parse().ok().filter(|count| (1..=PARTS).contains(count))?;
        let others = (1..count).map(|part| self.session.get(&part).map(String::as_str));
        std::iter::once(Some(first)).chain(others).collect()
    }

    /// Whether anything was sent in the place of a sign-in to the organization whose page is asked for.
    pub fn sent_session(&self) -> bool {
        !self.session.is_empty()
    }

    /// Keeps the sign-in to an organization, by its slug. `false`, with nothing kept, if there is no room for it in cookies.
    #[must_use]
    pub fn set_session(&self, headers: &mut HeaderMap, organization: &str, sealed: &str) -> bool {
        let parts: Vec<_> = sealed.as_bytes().chunks(DATA).map(String::from_utf8_lossy).collect();
        if parts.len() > PARTS {
            return false;
        }
        for part in 0..PARTS {
            match parts.get(part) {
                Some(data) if part == 0 => {
                    let value = format!("{}.{data}", parts.len());
                    append(headers, &self.of_session(organization, part, (value, BINDING_LIFETIME)));
                }
                Some(data) => {
                    let kept = (data.to_string(), BINDING_LIFETIME);
                    append(headers, &self.of_session(organization, part, kept));
                }
                // Whether there is one is not known where none of them is sent: at the callback.
                None => self.drop_part(headers, organization, part),
            }
        }
        true
    }

    /// Drops the sign-in to an organization.
    pub fn drop_session(&self, headers: &mut HeaderMap, organization: &str) {
        for part in 0..PARTS {
            self.drop_part(headers, organization, part);
        }
    }

    fn drop_part(&self, headers: &mut HeaderMap, organization: &str, part: usize) {
        append(headers, &self.of_session(organization, part, (String::new(), Duration::ZERO)));
    }

    fn of_session(&self, organization: &str, part: usize, content: (String, Duration)) -> Cookie<'static> {
        self.cookie(format!("{SESSION}{part}"), format!("{PATH}/{organization}"), content)
    }

    /// What the browser keeps for the sign-in of this state.
    pub fn sign_in(&self, state: &str) -> Option<&str> {
        self.sign_ins.iter().find(|(known, _)| known == state).map(|(_, sealed)| sealed.as_str())
    }

    /// Keeps a sign-in that begins; of more than there may be, the oldest are dropped.
    pub fn set_sign_in(&self, headers: &mut HeaderMap, state: &str, sealed: String) {
        let over = (self.sign_ins.len() + 1).saturating_sub(SIGN_INS);
        for (old, _) in self.sign_ins.iter().take(over) {
            self.drop_sign_in(headers, old);
        }
        append(headers, &self.of_sign_in(state, (sealed, SIGN_IN_LIFETIME)));
    }

    /// Drops the sign-in of this state.
    pub fn drop_sign_in(&self, headers: &mut HeaderMap, state: &str) {
        append(headers, &self.of_sign_in(state, (String::new(), Duration::ZERO)));
    }

    fn of_sign_in(&self, state: &str, content: (String, Duration)) -> Cookie<'static> {
        self.cookie(format!("{SIGN_IN}{state}"), PATH.to_owned(), content)
    }

    /// Whether a sign-in was finished a moment ago: whoever is not signed in by it then will not be by another one.
    pub const fn arrived(&self) -> bool {
        self.arrived
    }

    /// Says so, to the page that comes next.
    pub fn set_arrived(&self, headers: &mut HeaderMap) {
        append(headers, &self.cookie(ARRIVED.to_owned(), PATH.to_owned(), ("1".to_owned(), ARRIVAL)));
    }

    /// It is over.
    pub fn drop_arrived(&self, headers: &mut HeaderMap) {
        append(headers, &self.cookie(ARRIVED.to_owned(), PATH.to_owned(), (String::new(), Duration::ZERO)));
    }

    /// Why somebody looks at another organization, as it was given to [`AdministrationCookies::set_reason`].
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Keeps why somebody of an organization looks at another one, for as long as that counts: one at a time.
    pub fn set_reason(&self, headers: &mut HeaderMap, own: &str, reason: String) {
        let path = format!("{PATH}/{own}/organizations");
        append(headers, &self.cookie(REASON.to_owned(), path, (reason, REASON_LIFETIME)));
    }

    /// Drops it, whether there is one or not: it is not sent to where people sign in and out.
    pub fn drop_reason(&self, headers: &mut HeaderMap, own: &str) {
        let path = format!("{PATH}/{own}/organizations");
        append(headers, &self.cookie(REASON.to_owned(), path, (String::new(), Duration::ZERO)));
    }

    fn cookie(&self, name: String, path: String, (value, lifetime): (String, Duration)) -> Cookie<'static> {
        let name = if self.secure { format!("{SECURE_PREFIX}{name}") } else { name };
        Cookie::build((name, value))
            .path(path)
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .max_age(lifetime)
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(cookies: &str) -> AdministrationCookies {
        let headers = HeaderMap::from_iter([(header::COOKIE, cookies.parse().expect("a header"))]);
        AdministrationCookies::read(&headers, false)
    }

    fn set(cookies: &AdministrationCookies, sealed: &str) -> Option<Vec<String>> {
        let mut headers = HeaderMap::new();
        let kept = cookies.set_session(&mut headers, "acme", sealed);
        let lines = headers.get_all(header::SET_COOKIE).iter();
        kept.then(|| lines.map(|line| line.to_str().expect("text").to_owned()).collect())
    }

    #[test]
    fn a_large_sign_in_is_spread_and_put_together_again() {
        let sealed = "a".repeat(DATA) + &"b".repeat(DATA) + "c";

        let lines = set(&with(""), &sealed).expect("kept");
        let sent: Vec<_> = lines.iter().map(|line| line.split(';').next().expect("a cookie")).collect();

        assert_eq!(with(&sent.join("; ")).session(), Some(sealed));
        assert_eq!(with(&sent[..2].join("; ")).session(), None, "a part is missing");
        assert!(lines.iter().all(|line| line.contains("Path=/admin/acme") && line.contains("HttpOnly")));
        assert!(lines.iter().all(|line| line.contains("SameSite=Lax") && line.len() < 4096));
        assert_eq!(set(&with(""), &"a".repeat(3 * DATA + 1)), None);
    }

    #[test]
    fn parts_that_a_larger_sign_in_left_over_are_dropped_unseen_and_count_for_nothing() {
        let lines = set(&with(""), "c").expect("kept");

        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("orgate_admin_0=1.c;"), "{lines:?}");
        for (part, line) in lines.iter().enumerate().skip(1) {
            assert!(line.starts_with(&format!("orgate_admin_{part}=;")), "{line}");
            assert!(line.contains("Max-Age=0") && line.contains("Path=/admin/acme"), "{line}");
        }
        let stale = with("orgate_admin_0=1.c; orgate_admin_1=b");
        assert_eq!(stale.session(), Some("c".to_owned()));
        for none in ["c", "0.c", "2.c", "4.c", "x.c", ""] {
            let sent = with(&format!("orgate_admin_0={none}"));
            assert_eq!((sent.session(), sent.sent_session()), (None, true), "{none}");
        }
        assert!(!with("orgate_browser=x").sent_session());
    }

    #[test]
    fn of_sign_ins_under_way_the_oldest_go() {
        let open: Vec<_> = (0..4).map(|state| format!("orgate_admin_sign_in_{state}=x")).collect();
        let cookies = with(&open.join("; "));
        let mut headers = HeaderMap::new();

        cookies.set_sign_in(&mut headers, "new", "y".to_owned());

        let lines: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(cookies.sign_in("3"), Some("x"));
        assert_eq!(cookies.sign_in("new"), None);
        assert_eq!(cookies.session(), None);
    }
}
