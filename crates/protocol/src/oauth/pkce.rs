//! Proof key for code exchange (RFC 7636), method `S256` only: with `plain`, who reads the request can redeem
//! the code.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

/// An `S256` code challenge: a SHA-256 digest, on the wire 43 base64url characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CodeChallenge([u8; 32]);

/// A code verifier: 43 to 128 unreserved characters.
#[derive(Clone)]
pub struct CodeVerifier(String);

/// Text that is no `S256` code challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("code_challenge is not 43 base64url characters")]
pub struct InvalidCodeChallenge;

/// Text that is no code verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("code_verifier is not 43 to 128 unreserved characters")]
pub struct InvalidCodeVerifier;

impl CodeChallenge {
    /// Reads a challenge.
    pub fn parse(text: &str) -> Result<Self, InvalidCodeChallenge> {
        let digest = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCodeChallenge)?;
        digest.try_into().map(Self).map_err(|_| InvalidCodeChallenge)
    }

    /// The challenge of `verifier` (RFC 7636 §4.2).
    pub fn of(verifier: &CodeVerifier) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, verifier.0.as_bytes()).as_ref());
        Self(bytes)
    }

    /// A challenge that was stored as its 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest, for storing.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this is the challenge of `verifier` (RFC 7636 §4.6); takes the same time either way.
    pub fn matches(&self, verifier: &CodeVerifier) -> bool {
        self.0.ct_eq(&Self::of(verifier).0).into()
    }
}

impl fmt::Display for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl CodeVerifier {
    /// Reads a verifier.
    pub fn parse(text: &str) -> Result<Self, InvalidCodeVerifier> {
        let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if (43..=128).contains(&text.len()) && text.bytes().all(is_unreserved) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidCodeVerifier)
        }
    }
}

impl fmt::Debug for CodeVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeVerifier")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_rfc_7636_appendix_b_matches() {
        let verifier = CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        let challenge = CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();

        assert_eq!(CodeChallenge::of(&verifier), challenge);
        assert!(challenge.matches(&verifier));
    }

    #[test]
    fn a_challenge_is_43_base64url_characters_in_their_one_spelling() {
        let good = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let padded = format!("{good}=");
        let plus = good.replace('-', "+");
        // The last character carries two bits that must be zero: a lenient decoder reads `N` as `M`.
        let other_spelling = good.strip_suffix('M').unwrap().to_owned() + "N";
        let (short, long) = (&good[1..], format!("{good}A"));

        for text in ["", &padded, &plus, &other_spelling, short, &long] {
            assert_eq!(CodeChallenge::parse(text), Err(InvalidCodeChallenge), "{text}");
        }
        assert_eq!(CodeChallenge::parse(good).unwrap().to_string(), good);
    }

    #[test]
    fn a_verifier_is_43_to_128_unreserved_characters() {
        for length in [43, 128] {
            assert!(CodeVerifier::parse(&"~".repeat(length)).is_ok());
        }
        for text in ["a".repeat(42), "a".repeat(129), "a".repeat(42) + "+", "é".repeat(43), String::new()] {
            assert_eq!(CodeVerifier::parse(&text).unwrap_err(), InvalidCodeVerifier);
        }
    }

    proptest! {
        #[test]
        fn a_challenge_matches_its_verifier_and_no_other(
            verifier in "[A-Za-z0-9._~-]{43,128}", other in "[A-Za-z0-9._~-]{43,128}",
        ) {
            let challenge = CodeChallenge::of(&CodeVerifier::parse(&verifier).unwrap());
            prop_assert!(challenge.matches(&CodeVerifier::parse(&verifier).unwrap()));
            prop_assert_eq!(challenge.matches(&CodeVerifier::parse(&other).unwrap()), verifier == other);
        }
    }
}
