//! Languages, as people name them to one another (BCP 47).

use std::fmt;
use std::str::FromStr;

/// Characters of a language tag at most.
const MAX_LOCALE: usize = 35;

/// A language, spelled as it usually is (RFC 5646 §2.1.1), so that there is one spelling of each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locale(String);

/// Text that names no language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a language tag (BCP 47), like de or pt-BR")]
pub struct InvalidLocale;

impl Locale {
    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language alone, wherever it is spoken.
    pub fn language(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Locale {
    type Err = InvalidLocale;

    fn from_str(text: &str) -> Result<Self, InvalidLocale> {
        if !is_locale(text) {
            return Err(InvalidLocale);
        }
        let mut spelled: Vec<String> = Vec::new();
        for (place, part) in text.to_ascii_lowercase().split('-').enumerate() {
            let after_single = spelled.last().is_some_and(|before| before.len() == 1);
            spelled.push(match part.len() {
                2 if place > 0 && !after_single => part.to_ascii_uppercase(),
                4 if place > 0 && !after_single => {
                    let (first, rest) = part.split_at(1);
                    first.to_ascii_uppercase() + rest
                }
                _ => part.to_owned(),
            });
        }
        Ok(Self(spelled.join("-")))
    }
}

/// Whether this text could name a language.
pub fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    let plain = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    text.len() <= MAX_LOCALE
        && (2..=8).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_from_other_text() {
        for (text, is) in
            [("de", true), ("pt-BR", true), ("zh-Hant-TW", true), ("", false), ("d", false), ("de_DE", false)]
        {
            assert_eq!(is_locale(text), is, "{text:?}");
            assert_eq!(text.parse::<Locale>().is_ok(), is, "{text:?}");
        }
    }

    #[test]
    fn each_has_one_spelling() {
        for (text, spelled) in
            [("DE-at", "de-AT"), ("zh-hANT-tw", "zh-Hant-TW"), ("en-U-CA-buddhist", "en-u-ca-buddhist")]
        {
            assert_eq!(text.parse::<Locale>().map(|locale| locale.to_string()), Ok(spelled.to_owned()));
        }
    }
}
