//! The cryptographic core: verifying and making XML signatures, and opening XML encryption.
//!
//! Everything cryptographic is done by libraries behind [`SignatureCore`]; this crate decides what they are
//! asked, and reads only what they answer. [`Bergshamra`] is the default. With the feature `xmlsec` a second,
//! independent implementation is there, and [`Agreement`] demands that both say the same.
//!
//! **Invariant:** a core is given only documents whose signatures have passed the strict shape check of this
//! crate, and only keys that the caller pinned. Keys in the message are never used.

mod bergshamra;
#[cfg(feature = "xmlsec")]
mod xmlsec;

pub use bergshamra::Bergshamra;
#[cfg(feature = "xmlsec")]
pub use xmlsec::XmlSec;

pub use bergshamra::SigningFailed;
pub(crate) use bergshamra::{decrypt, method_for, sign_bytes, sign_document, verify_bytes};

use crate::certificate::Certificate;

/// A signature that does not verify. There is nothing to say about why that would help its honest maker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signature is not valid under any certificate of the connection")]
pub struct NotVerified;

/// An implementation of XML signature verification.
pub trait SignatureCore: Send + Sync {
    /// A name for logs.
    fn name(&self) -> &'static str;

    /// Verifies every signature in `document`, and returns the bytes that the signature of the element with the
    /// id `target` digested: the canonical form of that element without the signature.
    ///
    /// Each signature must verify with one of `certificates`, and refer to its parent element.
    ///
    /// # Errors
    ///
    /// [`NotVerified`] if any signature does not verify, or none refers to `target`.
    fn verify(
        &self,
        document: &str,
        target: &str,
        certificates: &[&Certificate],
    ) -> Result<Vec<u8>, NotVerified>;
}

/// Two cores that must agree: both verify, and both digested the same bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Agreement<A, B>(pub A, pub B);

impl<A: SignatureCore, B: SignatureCore> SignatureCore for Agreement<A, B> {
    fn name(&self) -> &'static str {
        "agreement"
    }

    fn verify(
        &self,
        document: &str,
        target: &str,
        certificates: &[&Certificate],
    ) -> Result<Vec<u8>, NotVerified> {
        let one = self.0.verify(document, target, certificates)?;
        let other = self.1.verify(document, target, certificates)?;
        if one == other { Ok(one) } else { Err(NotVerified) }
    }
}

/// The core in use: with the feature `xmlsec`, both in agreement.
#[cfg(not(feature = "xmlsec"))]
pub(crate) const DEFAULT: Bergshamra = Bergshamra;
/// The core in use: both in agreement.
#[cfg(feature = "xmlsec")]
pub(crate) const DEFAULT: Agreement<Bergshamra, XmlSec> = Agreement(Bergshamra, XmlSec);
