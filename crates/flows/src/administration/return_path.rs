//! The page that somebody wanted before they were asked to sign in.

use std::fmt;

use url::Url;

use super::PATH;

/// Bytes of one at most: it travels in a cookie, beside others, and a server in front takes only so much of them. Of a longer one
/// the organization's first page is good enough.
const MAX_BYTES: usize = 256;

/// A path below [`PATH`], with its query. No other address can be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnPath(String);

impl ReturnPath {
    /// Reads one, as a browser would: what leads out of the pages, by whatever spelling, is none.
    pub fn parse(text: &str) -> Option<Self> {
        let base = Url::parse("https://orgate.invalid").ok()?;
        let url = base.join(text).ok().filter(|url| url.origin() == base.origin())?;
        let below = url.path().strip_prefix(PATH)?;
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let stays = text.starts_with('/') && (below.is_empty() || below.starts_with('/'));
        (stays && !path.contains("//") && path.len() <= MAX_BYTES).then_some(Self(path))
    }

    /// The first page of an organization; of what names none, where its name is asked for.
    pub fn of(organization: &str) -> Self {
        Self::parse(&format!("{PATH}/{organization}")).unwrap_or_else(|| Self(PATH.to_owned()))
    }

    /// The same page of an organization, by its slug, if it is of that one; else its first page.
    #[must_use]
    pub fn within(&self, slug: &str, id: &str) -> Self {
        let rest = self.0.strip_prefix(PATH).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (organization, page) = rest.split_at(end);
        if organization == slug || organization == id {
            Self(format!("{PATH}/{slug}{page}"))
        } else {
            Self::of(slug)
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReturnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_path_stays_below_the_pages() {
        for good in ["/admin", "/admin/acme", "/admin/acme/users?after=usr_1&status=active"] {
            assert_eq!(ReturnPath::parse(good).expect(good).as_str(), good);
        }
        for bad in [
            "",
            "/",
            "admin",
            "/administrator",
            "/sign-in",
            "//evil.test/admin",
            "/\\evil.test/admin",
            "/admin//evil.test",
            "/admin/../logout",
            "/admin/%2e%2e/logout",
            "/admin/acme/..%2f..",
            "https://evil.test/admin",
            "javascript:alert(1)",
            "\t/admin",
        ] {
            let left = ReturnPath::parse(bad).filter(|path| !path.as_str().starts_with("/admin/acme/"));
            assert_eq!(left, None, "{bad}");
        }
        let of_bytes = |bytes: usize| format!("/admin/acme?{}", "a".repeat(bytes - "/admin/acme?".len()));
        assert!(ReturnPath::parse(&of_bytes(256)).is_some());
        assert_eq!(ReturnPath::parse(&of_bytes(257)), None);
    }

    #[test]
    fn a_return_path_leads_to_the_organization_that_was_signed_in_to() {
        let of = |text| ReturnPath::parse(text).expect("a path").within("acme", "org_1").to_string();

        assert_eq!(of("/admin/acme/users?after=1"), "/admin/acme/users?after=1");
        assert_eq!(of("/admin/org_1/users"), "/admin/acme/users");
        assert_eq!(of("/admin/globex/users"), "/admin/acme");
        assert_eq!(of("/admin?organization=acme"), "/admin/acme");
        assert_eq!(of("/admin"), "/admin/acme");
        assert_eq!(ReturnPath::of("../logout").as_str(), "/admin");
    }
}
