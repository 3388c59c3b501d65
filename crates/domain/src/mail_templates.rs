//! Mails that an organization words itself.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::locales::Locale;

/// Templates of an organization at most.
pub const MAX_TEMPLATES: usize = 64;

/// Characters of a subject at most.
pub const MAX_SUBJECT: usize = 200;

/// Bytes of a text at most.
pub const MAX_TEXT: usize = 16 * 1024;

/// Lines of a text at most.
pub const MAX_LINES: usize = 100;

/// Which mail it is. All are an organization's own, to people of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MailKind {
    /// To the former address of a user who was given another one.
    AddressChanged,
    /// To somebody who is invited.
    Invitation,
}

/// For whom a template is: people of a language, or all that no other is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailLocale(String);

/// What a mail says: two templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// Its subject, a line.
    pub subject: String,
    /// Its text: paragraphs, with an empty line between two.
    pub text: String,
}

/// A mail as an organization words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailTemplate {
    /// Which mail.
    pub kind: MailKind,
    /// For whom.
    pub locale: MailLocale,
    /// What it says.
    pub wording: Wording,
    /// When it was first worded.
    pub created_at: DateTime<Utc>,
    /// When that was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it first could not be used as it is now, and a mail went out in Orgate's own words.
    pub failed_at: Option<DateTime<Utc>>,
}

/// No such mail, or no such language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a mail is one of address_changed and invitation, and its locale a language tag (BCP 47), like de or pt-BR, or default"
)]
pub struct UnknownMail;

impl MailKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::AddressChanged, Self::Invitation];

    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AddressChanged => "address_changed",
            Self::Invitation => "invitation",
        }
    }

    /// What its templates may name. A link is not among them: it is put where no template reaches it.
    pub const fn variables(self) -> &'static [&'static str] {
        match self {
            Self::AddressChanged => &["organization", "name", "email"],
            Self::Invitation => &["organization", "inviter", "name", "email", "expires"],
        }
    }
}

impl fmt::Display for MailKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MailKind {
    type Err = UnknownMail;

    fn from_str(text: &str) -> Result<Self, UnknownMail> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownMail)
    }
}

impl MailLocale {
    const DEFAULT: &str = "default";

    /// For all that no other is for.
    pub fn fallback() -> Self {
        Self(Self::DEFAULT.to_owned())
    }

    /// Whether it is for all that no other is for.
    pub fn is_fallback(&self) -> bool {
        self.0 == Self::DEFAULT
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language alone.
    pub fn language(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// For whom templates may be, of whoever speaks this: the closest first (RFC 4647 §3.4), and at last the one for all.
    pub fn candidates(spoken: Option<&str>) -> Vec<Self> {
        let spoken = spoken.and_then(|tag| Self::from_str(tag).ok()).filter(|tag| !tag.is_fallback());
        let spoken = spoken.map(|tag| tag.0).unwrap_or_default();
        let mut parts: Vec<_> = spoken.split('-').filter(|part| !part.is_empty()).collect();
        let mut candidates = Vec::new();
        while !parts.is_empty() {
            candidates.push(Self(parts.join("-")));
            parts.pop();
            // What introduces an extension says nothing alone.
            if parts.last().is_some_and(|part| part.len() == 1) {
                parts.pop();
            }
        }
        candidates.push(Self::fallback());
        candidates
    }
}

impl fmt::Display for MailLocale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for MailLocale {
    type Err = UnknownMail;

    fn from_str(text: &str) -> Result<Self, UnknownMail> {
        if text == Self::DEFAULT {
            return Ok(Self::fallback());
        }
        let locale: Locale = text.parse().map_err(|_| UnknownMail)?;
        // As a tag it would be taken for the one of all that no other is for.
        if locale.as_str() == Self::DEFAULT { Err(UnknownMail) } else { Ok(Self(locale.to_string())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(spoken: Option<&str>) -> String {
        MailLocale::candidates(spoken).iter().map(MailLocale::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_closest_language_comes_first_and_the_one_for_all_last() {
        assert_eq!(candidates(Some("de-AT")), "de-AT de default");
        assert_eq!(candidates(Some("ZH-hant-tw")), "zh-Hant-TW zh-Hant zh default");
        assert_eq!(candidates(Some("en-u-ca-buddhist")), "en-u-ca-buddhist en-u-ca en default");
        assert_eq!(candidates(None), "default");
        assert_eq!(candidates(Some("default")), "default");
        assert_eq!(candidates(Some("../../etc")), "default");
    }

    #[test]
    fn a_language_has_one_spelling() {
        for (text, spelled) in
            [("DE", "de"), ("pt-br", "pt-BR"), ("ZH-HANT", "zh-Hant"), ("default", "default")]
        {
            assert_eq!(text.parse::<MailLocale>().map(|locale| locale.0), Ok(spelled.to_owned()));
        }
        for wrong in ["", "d", "de_AT", "Default", "de-", "de\r\n"] {
            assert!(wrong.parse::<MailLocale>().is_err(), "{wrong:?}");
        }
    }
}
