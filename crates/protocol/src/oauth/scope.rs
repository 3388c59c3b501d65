//! Scope sets (RFC 6749 §3.3).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A set of scope tokens; on the wire one text, separated by spaces.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(BTreeSet<String>);

/// Text that is no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("scope is not at most 64 tokens of at most 128 characters each")]
pub struct InvalidScope;

impl ScopeSet {
    /// Most tokens.
    pub const MAX_TOKENS: usize = 64;
    /// Longest token, in bytes.
    pub const MAX_TOKEN_BYTES: usize = 128;

    /// Most tokens of what several scopes add up to.
    pub const MAX_UNION_TOKENS: usize = 256;

    /// Reads a scope. Order, repetition and extra spaces carry no meaning.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        Self::parse_bounded(text, Self::MAX_TOKENS)
    }

    /// Reads what several scopes add up to.
    pub fn parse_union(text: &str) -> Result<Self, InvalidScope> {
        Self::parse_bounded(text, Self::MAX_UNION_TOKENS)
    }

    fn parse_bounded(text: &str, most: usize) -> Result<Self, InvalidScope> {
        let mut tokens = BTreeSet::new();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            if !is_scope_token(token) {
                return Err(InvalidScope);
            }
            tokens.insert(token.to_owned());
            if tokens.len() > most {
                return Err(InvalidScope);
            }
        }
        Ok(Self(tokens))
    }

    /// Whether `token` is in the set.
    pub fn contains(&self, token: &str) -> bool {
        self.0.contains(token)
    }

    /// Whether every token of `self` is in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// The tokens in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// Whether it has no token.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tokens, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Tokens that were read before.
impl<'a> FromIterator<&'a str> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = &'a str>>(tokens: I) -> Self {
        let tokens = tokens.into_iter().filter(|token| !token.is_empty() && is_scope_token(token));
        Self(tokens.take(Self::MAX_TOKENS).map(str::to_owned).collect())
    }
}

/// `1*( %x21 / %x23-5B / %x5D-7E )`: printable, but neither space, quote nor backslash.
fn is_scope_token(token: &str) -> bool {
    token.len() <= ScopeSet::MAX_TOKEN_BYTES
        && token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, token) in self.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

impl fmt::Debug for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope(text: &str) -> ScopeSet {
        ScopeSet::parse(text).unwrap()
    }

    #[test]
    fn a_scope_is_a_set() {
        assert_eq!(scope(" openid  email openid "), scope("email openid"));
        assert_eq!(scope("openid email").to_string(), "email openid");
        assert!(scope("").is_empty());
        assert!(scope("openid").contains("openid") && !scope("openid").contains("OpenID"));
        assert!(scope("a b").is_subset(&scope("c b a")) && !scope("a d").is_subset(&scope("a b c")));
    }

    #[test]
    fn what_the_grammar_forbids_is_refused() {
        let (long, many) = ("a".repeat(129), (0..65).map(|i| format!("s{i}")).collect::<Vec<_>>().join(" "));
        for text in ["a\"b", "a\\b", "a\tb", "é", "a\u{a0}b", "a\nb", &long, &many] {
            assert_eq!(ScopeSet::parse(text), Err(InvalidScope), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused_and_what_is_parsed_reads_back(text in any::<String>()) {
            if let Ok(parsed) = ScopeSet::parse(&text) {
                prop_assert_eq!(scope(&parsed.to_string()), parsed);
            }
        }

        #[test]
        fn an_intersection_is_in_both(a in "([a-f] ){0,6}", b in "([a-f] ){0,6}") {
            let (a, b) = (scope(&a), scope(&b));
            let both = a.intersection(&b);
            prop_assert!(both.is_subset(&a) && both.is_subset(&b));
            prop_assert!(a.iter().all(|token| both.contains(token) == b.contains(token)));
        }
    }
}
