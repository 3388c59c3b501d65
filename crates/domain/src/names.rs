//! Slugs, display names, and what others call things.

use std::fmt;
use std::str::FromStr;

/// An organization's (or role's) short name in addresses, files and tokens: 1 to 63 lower-case
/// letters, digits and inner hyphens. Once used by an organization it is never another's.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

/// Text that is not a slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a slug is 1 to 63 lower-case letters, digits and inner hyphens, and does not start with `org_`")]
pub struct InvalidSlug;

impl Slug {
    /// Reads a slug.
    ///
    /// # Errors
    /// [`InvalidSlug`].
    pub fn parse(text: &str) -> Result<Self, InvalidSlug> {
        let alphabet = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let inner = !text.starts_with('-') && !text.ends_with('-');
        if (1..=63).contains(&text.len()) && text.bytes().all(alphabet) && inner {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSlug)
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, InvalidSlug> {
        Self::parse(text)
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name for people: 1 to 200 characters, no control or direction-changing characters, so that no
/// name can reorder the text around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

/// Text that is not a display name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 200 characters without control or direction-changing characters")]
pub struct InvalidName;

impl DisplayName {
    /// Reads a name; spaces around it are dropped.
    ///
    /// # Errors
    /// [`InvalidName`].
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > 200 || text.contains(is_misleading) {
            return Err(InvalidName);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character turns what is around it, whatever that is. Marks of direction (U+061C, U+200E, U+200F) do not.
pub const fn overrides_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character is a control character, or changes the direction of the text around it.
pub(crate) fn is_misleading(c: char) -> bool {
    c.is_control() || overrides_direction(c) || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
}

/// What something is called in a system of somebody else's: 1 to 255 characters, compared as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalId(String);

/// Text that is no external id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an external id is 1 to 255 characters without control or direction-changing characters")]
pub struct InvalidExternalId;

impl ExternalId {
    /// Reads one.
    ///
    /// # Errors
    /// [`InvalidExternalId`].
    pub fn parse(text: &str) -> Result<Self, InvalidExternalId> {
        if !(1..=255).contains(&text.chars().count()) || text.contains(is_misleading) {
            return Err(InvalidExternalId);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_cannot_be_taken_for_an_id_or_a_path() {
        for bad in ["", "-a", "a-", "A", "a.b", "a/b", "org_0", "é", &"a".repeat(64)] {
            assert_eq!(Slug::parse(bad), Err(InvalidSlug), "{bad}");
        }
        assert!(Slug::parse("acme-2").is_ok());
    }

    #[test]
    fn a_name_cannot_turn_the_text_around_it() {
        assert_eq!(DisplayName::parse("Acme \u{202e}cnI"), Err(InvalidName));
        assert_eq!(DisplayName::parse(" \n"), Err(InvalidName));
    }

    #[test]
    fn an_external_id_is_whatever_somebody_calls_it_and_no_longer_than_a_line() {
        for bad in ["", "a\nb", "a\0", "a\u{202e}b", &"ü".repeat(256)] {
            assert_eq!(ExternalId::parse(bad), Err(InvalidExternalId), "{bad}");
        }
        for good in ["42", " 42", "CRM/É 7", &"ü".repeat(255)] {
            assert_eq!(ExternalId::parse(good).expect(good).as_str(), good);
        }
    }
}
