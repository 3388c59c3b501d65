//! Writing our own metadata.

use chrono::{DateTime, Utc};

use crate::certificate::Certificate;
use crate::crypto::SigningFailed;
use crate::key::KeyPair;
use crate::names::{AES_CBC, AES_GCM, BINDING_POST, BINDING_REDIRECT, DS, MD, OAEP_DIGESTS, RSA_OAEP, SAMLP};
use crate::writer::Writer;
use crate::{instant, signing};

/// The identifier is an e-mail address.
pub const NAME_ID_EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
/// The identifier is opaque and stays the same.
pub const NAME_ID_PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
/// The identifier is opaque and changes.
pub const NAME_ID_TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
/// The identifier is what the identity provider chooses.
pub const NAME_ID_UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";

/// What an identity provider must know of us.
#[derive(Debug, Clone, Copy)]
pub struct SpMetadata<'a> {
    /// Our entity id.
    pub entity_id: &'a str,
    /// Where responses are posted.
    pub acs_url: &'a str,
    /// Where logout messages go, by redirect and by POST.
    pub slo_url: Option<&'a str>,
    /// The identifier formats that we take, the most wanted first.
    pub name_id_formats: &'a [&'a str],
    /// What we sign with: the current certificate, then the next.
    pub signing_certificates: &'a [&'a Certificate],
    /// What to encrypt to: the current certificate, then the next. Only RSA keys are listed.
    pub encryption_certificates: &'a [&'a Certificate],
    /// Whether our requests are signed.
    pub authn_requests_signed: bool,
    /// Whether assertions must be signed even where the response is.
    pub want_assertions_signed: bool,
    /// When this ceases to be valid.
    pub valid_until: Option<DateTime<Utc>>,
}

impl SpMetadata<'_> {
    /// The metadata.
    pub fn to_xml(&self) -> String {
        self.xml(None)
    }

    /// The metadata, signed. `id` must be an `NCName`; it is what the signature refers to.
    pub fn to_signed_xml(&self, id: &str, key: &KeyPair) -> Result<String, SigningFailed> {
        signing::sign(self.xml(Some((id, key))), Some(key))
    }

    fn xml(&self, signer: Option<(&str, &KeyPair)>) -> String {
        let valid_until = self.valid_until.map(instant::format);
        let mut attributes = vec![("xmlns:md", MD), ("xmlns:ds", DS), ("entityID", self.entity_id)];
        attributes.extend(signer.iter().map(|(id, _)| ("ID", *id)));
        attributes.extend(valid_until.iter().map(|time| ("validUntil", time.as_str())));
        let mut writer = Writer::default();
        writer.open("md:EntityDescriptor", &attributes);
        if let Some((id, key)) = signer {
            writer.raw(&signing::template(id, key));
        }
        let truth = |value: bool| if value { "true" } else { "false" };
        writer.open(
            "md:SPSSODescriptor",
            &[
                ("AuthnRequestsSigned", truth(self.authn_requests_signed)),
                ("WantAssertionsSigned", truth(self.want_assertions_signed)),
                ("protocolSupportEnumeration", SAMLP),
            ],
        );
        for certificate in self.signing_certificates {
            key_descriptor(&mut writer, "signing", certificate);
            writer.close();
        }
        for certificate in self.encryption_certificates.iter().filter(|c| c.key_type().is_rsa()) {
            key_descriptor(&mut writer, "encryption", certificate);
            encryption_methods(&mut writer);
            writer.close();
        }
        self.services(&mut writer);
        writer.finish()
    }

    fn services(&self, writer: &mut Writer) {
        if let Some(url) = self.slo_url {
            for binding in [BINDING_REDIRECT, BINDING_POST] {
                writer.empty("md:SingleLogoutService", &[("Binding", binding), ("Location", url)]);
            }
        }
        for format in self.name_id_formats {
            writer.text("md:NameIDFormat", &[], format);
        }
        writer.empty(
            "md:AssertionConsumerService",
            &[("Binding", BINDING_POST), ("Location", self.acs_url), ("index", "0"), ("isDefault", "true")],
        );
    }
}

fn key_descriptor(writer: &mut Writer, usage: &str, certificate: &Certificate) {
    writer.open("md:KeyDescriptor", &[("use", usage)]).open("ds:KeyInfo", &[]).open("ds:X509Data", &[]);
    writer.text("ds:X509Certificate", &[], &certificate.base64()).close().close();
}

/// What we can open, the best first.
fn encryption_methods(writer: &mut Writer) {
    for algorithm in AES_GCM.iter().rev().chain(AES_CBC.iter().rev()) {
        writer.empty("md:EncryptionMethod", &[("Algorithm", algorithm)]);
    }
    for (algorithm, digest) in RSA_OAEP.iter().zip(OAEP_DIGESTS) {
        writer.open("md:EncryptionMethod", &[("Algorithm", algorithm)]);
        writer.empty("ds:DigestMethod", &[("Algorithm", digest)]).close();
    }
}
