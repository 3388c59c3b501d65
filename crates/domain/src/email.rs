//! E-mail addresses and domains, in the one form they are compared in.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

use crate::names::is_misleading;

/// Characters in an address (RFC 5321 §4.5.3.1.3).
pub const MAX_LENGTH: usize = 254;

/// A plausible e-mail address, as it was written.
///
/// Compared by [`Email::normalized`]: NFKC, lower case. Sub-addresses (`+tag`) and dots are kept:
/// what they mean is the mail server's business, and folding them would let one person claim
/// another's address.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    written: String,
    normalized: String,
}

/// A DNS domain in lower-case ASCII.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(String);

/// Text that is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct InvalidEmail;

/// Text that is not a domain name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a domain name")]
pub struct InvalidDomain;

impl Email {
    /// Reads an address: `local@domain`, no spaces, no control characters, none that turns what is around it, a valid domain.
    ///
    /// # Errors
    /// [`InvalidEmail`].
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        if text.trim().contains(is_misleading) { Err(InvalidEmail) } else { Self::stored(text) }
    }

    /// Reads an address that was let in before, when characters that turn what is around them still were.
    ///
    /// # Errors
    /// [`InvalidEmail`].
    pub fn stored(text: &str) -> Result<Self, InvalidEmail> {
        let written = text.trim();
        let normalized = written.nfkc().collect::<String>().to_lowercase();
        let (local, domain) = normalized.rsplit_once('@').ok_or(InvalidEmail)?;
        let forbidden = |c: char| c.is_whitespace() || c.is_control() || "@<>(),;:\\\"[]".contains(c);
        if written.len() > MAX_LENGTH || local.is_empty() || local.len() > 64 || local.contains(forbidden) {
            return Err(InvalidEmail);
        }
        let domain = DomainName::parse(domain).map_err(|InvalidDomain| InvalidEmail)?;
        let normalized = format!("{local}@{domain}");
        Ok(Self { written: written.to_owned(), normalized })
    }

    /// As it was written, for mails and pages.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The form that is compared and indexed.
    pub fn normalized(&self) -> &str {
        &self.normalized
    }

    /// The part after the `@`.
    pub fn domain(&self) -> DomainName {
        DomainName(self.normalized.rsplit_once('@').map_or_else(String::new, |(_, domain)| domain.to_owned()))
    }
}

impl fmt::Debug for Email {
    /// Personal data: never printed by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

impl DomainName {
    /// Reads a domain: at least two labels of letters, digits and inner hyphens; international
    /// names in Unicode or in their ASCII form.
    ///
    /// # Errors
    /// [`InvalidDomain`].
    pub fn parse(text: &str) -> Result<Self, InvalidDomain> {
        let text = text.trim().trim_end_matches('.');
        let Ok(url::Host::Domain(ascii)) = url::Host::parse(text) else { return Err(InvalidDomain) };
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if ascii.len() > 253 || !ascii.contains('.') || !ascii.split('.').all(label) {
            return Err(InvalidDomain);
        }
        Ok(Self(ascii))
    }

    /// The domain in lower-case ASCII.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain, then what it lies below, down to two labels.
    pub fn and_above(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.as_str()), |name| name.split_once('.').map(|(_, above)| above))
            .take_while(|name| name.contains('.'))
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_compare_without_regard_to_case_or_width() {
        let written = Email::parse(" Ａlice@Acme.TEST ").expect("an address");

        assert_eq!(written.normalized(), "alice@acme.test");
        assert_eq!(written.domain().as_str(), "acme.test");
    }

    #[test]
    fn an_address_of_before_is_still_read_and_no_new_one_is_like_it() {
        let before = "ali\u{202e}ce@acme.test";

        assert_eq!(
            Email::stored(before).map(|email| email.as_str().to_owned()).ok().as_deref(),
            Some(before)
        );
        assert!(Email::parse(before).is_err() && Email::stored("ali\rce@acme.test").is_err());
        assert!(Email::parse("alice@acme.test\n").is_ok(), "a line's end is none of it");
    }

    #[test]
    fn what_could_break_a_header_or_name_two_mailboxes_is_refused() {
        for bad in [
            "",
            "alice",
            "@acme.test",
            "alice@",
            "a b@acme.test",
            "alice@acme",
            "alice@acme.test\r\nBcc: x@y.z",
            "alice@x@acme.test",
            "\"a\"@acme.test",
            "alice@[127.0.0.1]",
            "alice@-acme.test",
            "<alice@acme.test>",
            "ali\u{202e}ce@acme.test",
            "\u{200f}alice@acme.test",
        ] {
            assert_eq!(Email::parse(bad).err(), Some(InvalidEmail), "{bad:?}");
        }
    }

    #[test]
    fn an_international_domain_has_one_form() {
        assert_eq!(DomainName::parse("BÜCHER.example"), DomainName::parse("xn--bcher-kva.example"));
        assert!(DomainName::parse("10.0.0.1").is_err());
    }
}
