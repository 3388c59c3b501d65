//! Nonces that proofs must carry (RFC 9449 §9): what a client cannot have signed ahead of time.
//!
//! A nonce is the MAC of a span of time, so that nothing is kept: every process with the key accepts what another
//! gave out. It is not bound to a client: its holder learns nothing but that it is recent.

use std::time::Duration;

use aws_lc_rs::{
    hmac::{HMAC_SHA256, Key, sign, verify},
    rand::SystemRandom,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// For how long a nonce is given out; it is accepted for as long again.
const SPAN: Duration = Duration::from_mins(2);

/// Makes nonces, and knows its own.
pub(crate) struct Nonces(Key);

impl Nonces {
    /// With a key that dies with the process; `None` without a source of randomness.
    pub(crate) fn random() -> Option<Self> {
        Key::generate(HMAC_SHA256, &SystemRandom::new()).ok().map(Self)
    }

    pub(crate) fn shared(key: &[u8; 32]) -> Self {
        Self(Key::new(HMAC_SHA256, key))
    }

    /// The nonce of the span that `now`, in seconds, falls in.
    pub(crate) fn current(&self, now: u64) -> String {
        URL_SAFE_NO_PAD.encode(sign(&self.0, &message(now / SPAN.as_secs())))
    }

    /// Whether it is of this span or the last.
    pub(crate) fn accepts(&self, nonce: &str, now: u64) -> bool {
        let span = now / SPAN.as_secs();
        let is_of = |tag: &[u8], span: u64| verify(&self.0, &message(span), tag).is_ok();
        URL_SAFE_NO_PAD
            .decode(nonce)
            .is_ok_and(|tag| is_of(&tag, span) || span.checked_sub(1).is_some_and(|last| is_of(&tag, last)))
    }
}

/// What is authenticated, said so that the key could serve something else as well.
fn message(span: u64) -> Vec<u8> {
    [b"orgate-verify DPoP nonce ".as_slice(), &span.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_for_its_span_and_the_next_with_its_key_only() {
        let nonces = Nonces::shared(&[7; 32]);
        let nonce = nonces.current(1000 * SPAN.as_secs());
        let at = |spans: u64| spans * SPAN.as_secs();

        assert!(nonces.accepts(&nonce, at(1000)) && nonces.accepts(&nonce, at(1002) - 1));
        assert!(!nonces.accepts(&nonce, at(1002)) && !nonces.accepts(&nonce, at(1000) - 1));
        assert!(Nonces::shared(&[7; 32]).accepts(&nonce, at(1000)), "another process with the key");
        assert!(!Nonces::shared(&[8; 32]).accepts(&nonce, at(1000)));
        assert!(!Nonces::random().unwrap().accepts(&nonce, at(1000)));
        for other in ["", "AA", &nonce[1..], &format!("{nonce}=")] {
            assert!(!nonces.accepts(other, at(1000)), "{other}");
        }
    }
}
