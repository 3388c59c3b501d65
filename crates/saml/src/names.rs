//! Names that the standards fix: namespaces, algorithms, statuses, formats and bindings.

/// SAML assertions (SAML core §2).
pub(crate) const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// SAML protocol (SAML core §3).
pub(crate) const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// SAML metadata (SAML metadata §2).
pub(crate) const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// SAML metadata extensions for user interfaces.
pub(crate) const MDUI: &str = "urn:oasis:names:tc:SAML:metadata:ui";
/// XML signatures.
pub(crate) const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
/// XML encryption.
pub(crate) const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
/// XML encryption 1.1.
pub(crate) const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";
/// Exclusive canonicalization, as a namespace.
pub(crate) const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// Exclusive canonicalization with comments.
pub(crate) const EXC_C14N_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
/// Inclusive canonicalization.
pub(crate) const C14N: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
/// Inclusive canonicalization with comments.
pub(crate) const C14N_COMMENTS: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments";
/// The enveloped signature transform.
pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// The digests that a reference may use.
pub(crate) const DIGESTS: &[&str] = &[
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
];
/// SHA-256, the digest of what we sign.
pub(crate) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// RSA with PKCS #1 v1.5 padding and SHA-256.
pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
/// ECDSA with SHA-256, SHA-384 and SHA-512.
pub(crate) const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
pub(crate) const ECDSA_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
pub(crate) const ECDSA_SHA512: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512";
/// The RSA signature methods that are accepted.
pub(crate) const RSA_SIGNATURES: &[&str] = &[
    RSA_SHA256,
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
];
/// The ECDSA signature methods that are accepted.
pub(crate) const ECDSA_SIGNATURES: &[&str] = &[ECDSA_SHA256, ECDSA_SHA384, ECDSA_SHA512];

/// AES in Galois counter mode.
pub(crate) const AES_GCM: &[&str] =
    &["http://www.w3.org/2009/xmlenc11#aes128-gcm", "http://www.w3.org/2009/xmlenc11#aes256-gcm"];
/// AES in cipher block chaining mode, which does not authenticate.
pub(crate) const AES_CBC: &[&str] =
    &["http://www.w3.org/2001/04/xmlenc#aes128-cbc", "http://www.w3.org/2001/04/xmlenc#aes256-cbc"];
/// RSA-OAEP: with MGF1 and SHA-1, and with parameters.
pub(crate) const RSA_OAEP: &[&str] =
    &["http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2009/xmlenc11#rsa-oaep"];
/// The digests of RSA-OAEP. SHA-1 is sound there: nothing rests on its collisions.
pub(crate) const OAEP_DIGESTS: &[&str] = &[
    "http://www.w3.org/2000/09/xmldsig#sha1",
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
];
/// The mask generation functions of RSA-OAEP, in the order of [`OAEP_DIGESTS`].
pub(crate) const OAEP_MGFS: &[&str] = &[
    "http://www.w3.org/2009/xmlenc11#mgf1sha1",
    "http://www.w3.org/2009/xmlenc11#mgf1sha256",
    "http://www.w3.org/2009/xmlenc11#mgf1sha384",
    "http://www.w3.org/2009/xmlenc11#mgf1sha512",
];
/// The type of encrypted data that holds an element.
pub(crate) const XENC_ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";

/// Success (SAML core §3.2.2.2).
pub(crate) const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
/// The bearer confirmation method (SAML profiles §3.3).
pub(crate) const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
/// The name of an entity (SAML core §8.3.6).
pub(crate) const FORMAT_ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";

/// The HTTP redirect binding (SAML bindings §3.4).
pub(crate) const BINDING_REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
/// The HTTP POST binding (SAML bindings §3.5).
pub(crate) const BINDING_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
