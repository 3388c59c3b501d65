//! Permissions and the roles that bundle them, all inside one organization.

use std::fmt;

/// `resource:action`, or `resource:*` for every action on it. `orgate:` is Orgate's own and cannot
/// be declared by a client or an organization, only held.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission(String);

/// Text that is not a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a permission is written resource:action, in lower-case letters, digits, `_`, `-` and `.`, at most 100 characters"
)]
pub struct InvalidPermission;

impl Permission {
    /// Reads a permission.
    ///
    /// # Errors
    /// [`InvalidPermission`].
    pub fn parse(text: &str) -> Result<Self, InvalidPermission> {
        let word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.".contains(&b))
        };
        let mut words = text.split(':').peekable();
        let mut count = 0;
        while let Some(part) = words.next() {
            count += 1;
            let wildcard = part == "*" && words.peek().is_none() && count > 1;
            if !(word(part) || wildcard) {
                return Err(InvalidPermission);
            }
        }
        if text.len() > 100 || !(2..=3).contains(&count) {
            return Err(InvalidPermission);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one of Orgate's own.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with("orgate:")
    }

    /// Whether holding `self` is enough where `wanted` is demanded.
    pub fn covers(&self, wanted: &Self) -> bool {
        self.0 == wanted.0 || self.0.strip_suffix('*').is_some_and(|prefix| wanted.0.starts_with(prefix))
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_is_a_resource_and_an_action() {
        for good in ["notes:read", "orgate:*", "orgate:users:read", "orgate:users:*"] {
            assert!(Permission::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["", "*", "*:read", "notes", "notes:", "notes:*:read", "Notes:read", "a:b:c:d", "notes:re ad"]
        {
            assert_eq!(Permission::parse(bad), Err(InvalidPermission), "{bad}");
        }
    }

    #[test]
    fn a_wildcard_stops_at_its_own_resource() {
        let all = Permission::parse("notes:*").expect("valid");

        assert!(all.covers(&Permission::parse("notes:read").expect("valid")));
        assert!(!all.covers(&Permission::parse("notesx:read").expect("valid")));
    }
}
