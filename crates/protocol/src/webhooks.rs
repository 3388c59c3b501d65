//! Standard Webhooks 1.0.0: what is sent, and how it is signed.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

/// What a message is called: the same each time that it is sent.
pub const ID: &str = "webhook-id";

/// When it was sent, in seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";

/// By which its receiver knows that it is ours.
pub const SIGNATURE: &str = "webhook-signature";

/// What a signing secret begins with where people see it.
const PREFIX: &str = "whsec_";

/// A symmetric signing secret.
pub struct SigningSecret(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// Text that is no signing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing secret is {PREFIX}… with 24 to 64 bytes in base64")]
pub struct NoSigningSecret;

impl SigningSecret {
    /// Reads a secret as its receiver is told it.
    ///
    /// # Errors
    /// [`NoSigningSecret`].
    pub fn parse(text: &str) -> Result<Self, NoSigningSecret> {
        let bytes = text.strip_prefix(PREFIX).and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
        bytes.filter(|bytes| (24..=64).contains(&bytes.len())).map(Self::from_bytes).ok_or(NoSigningSecret)
    }

    /// The secret of these bytes: 24 to 64 of them, says the specification.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As its receiver is told it.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{PREFIX}{}", BASE64_STANDARD.encode(self.0.as_slice())))
    }

    /// The signature of a message: its id, when it is sent, and its body.
    fn sign(&self, (id, timestamp, body): (&str, i64, &[u8])) -> String {
        let mut signing = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.0));
        signing.update(format!("{id}.{timestamp}.").as_bytes());
        signing.update(body);
        format!("v1,{}", BASE64_STANDARD.encode(signing.sign()))
    }
}

/// The value of [`SIGNATURE`]: by each of these secrets, so that a receiver that has any of them can verify it.
pub fn signatures(secrets: &[SigningSecret], message: (&str, i64, &[u8])) -> String {
    let signatures: Vec<_> = secrets.iter().map(|secret| secret.sign(message)).collect();
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference implementations.
    #[test]
    fn a_message_is_signed_as_the_reference_implementations_do() {
        let bytes = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let secret = SigningSecret::from_bytes(bytes);
        let message = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#.as_slice());

        assert_eq!(&*secret.to_text(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        assert_eq!(signatures(&[secret], message), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_read_as_it_is_shown() {
        let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

        assert_eq!(
            SigningSecret::parse(text).map(|secret| secret.to_text().to_string()),
            Ok(text.to_owned())
        );
        let short = format!("whsec_{}", BASE64_STANDARD.encode([1; 23]));
        let long = format!("whsec_{}", BASE64_STANDARD.encode([1; 65]));
        for wrong in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%", &short, &long] {
            assert!(SigningSecret::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_secret_signs_by_itself() {
        let secrets = [SigningSecret::from_bytes(vec![1; 32]), SigningSecret::from_bytes(vec![2; 32])];
        let message = ("evt_1", 1, b"{}".as_slice());

        let both = signatures(&secrets, message);

        let each: Vec<_> = secrets.iter().map(|secret| secret.sign(message)).collect();
        assert_eq!(both, each.join(" "));
        assert_ne!(each[0], each[1]);
    }
}
