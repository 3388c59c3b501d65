//! Validating a response: who signed in, if the message is what it claims (SAML profiles §4.1.4).
//!
//! **Invariant:** every value of an [`Authentication`] was read from bytes that a pinned key signed: the bytes
//! themselves, as they were digested, are parsed again and read. What no signature covers can only make a
//! response be refused.

mod assertion;
mod envelope;
mod subject;

pub(crate) use envelope::{check_issuer, version as check_version};
pub(crate) use subject::name_id as read_name_id;

use std::fmt;

use chrono::{DateTime, Duration, Utc};

use crate::certificate::Certificate;
use crate::check::{Check, Rejection, Trace};
use crate::clock::Clock;
use crate::crypto::{self, SignatureCore};
use crate::encryption::{self, Encrypted, Origin};
use crate::key::KeyPair;
use crate::names::{SAML, SAMLP};
use crate::tree::{Element, Tree};
use crate::{scan, signature};

/// The largest [`Options::max_age`].
pub const MAX_AGE: Duration = Duration::hours(1);
/// The longest text of [`Validation::pretty_xml`], in characters.
pub const MAX_PRETTY: usize = 128 * 1024;

/// What a response is held against.
#[derive(Debug, Clone, Copy)]
pub struct ResponseCheck<'a> {
    /// The entity id of the identity provider: what `Issuer` must say.
    pub idp_entity_id: &'a str,
    /// Our entity id: what every `Audience` restriction must allow.
    pub sp_entity_id: &'a str,
    /// The address at which the response arrived: what `Destination` and `Recipient` must say, exactly.
    pub acs_url: &'a str,
    /// Which request is answered.
    pub in_response_to: InResponseTo<'a>,
    /// The present.
    pub now: DateTime<Utc>,
    /// How far the identity provider's clock may be off, at most five minutes.
    pub clock_skew: Duration,
    /// The identity provider's certificates; several while it changes them. Without one, nothing is accepted.
    pub signing_certificates: &'a [Certificate],
    /// Our keys; several while we change them.
    pub decryption_keys: &'a [KeyPair],
    /// What the connection demands or allows.
    pub options: Options<'a>,
}

/// Which request a response must answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InResponseTo<'a> {
    /// The request with this id.
    Exactly(&'a str),
    /// None: the identity provider began. The response must not name any.
    Unsolicited,
}

/// What a connection demands or allows.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Whether AES-CBC is accepted though the response is not signed as a whole. CBC does not authenticate: a
    /// stranger who may try often can use the answers to decrypt what was meant for us.
    pub allow_cbc_without_signed_response: bool,
    /// Whether the assertion must be encrypted.
    pub require_encrypted: bool,
    /// How old a response and its assertion may be, at most [`MAX_AGE`].
    pub max_age: Duration,
    /// The authentication context classes of which the assertion must name one; none for any.
    pub required_authn_context: &'a [String],
}

impl Default for Options<'_> {
    /// Ten minutes, any authentication context, encryption optional, CBC only when signed.
    fn default() -> Self {
        Self {
            allow_cbc_without_signed_response: false,
            require_encrypted: false,
            max_age: Duration::minutes(10),
            required_authn_context: &[],
        }
    }
}

/// A name identifier (SAML core §2.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameId {
    /// The identifier, without white space around it; never empty.
    pub value: String,
    /// Its format; absent means unspecified.
    pub format: Option<String>,
    /// The domain that qualifies it.
    pub name_qualifier: Option<String>,
    /// The service provider that qualifies it.
    pub sp_name_qualifier: Option<String>,
}

/// One attribute (SAML core §2.7.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub friendly_name: Option<String>,
    /// How the name is to be understood.
    pub name_format: Option<String>,
    /// Its values, as they were sent.
    pub values: Vec<String>,
}

/// Who signed in, as the identity provider said and signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentication {
    /// The entity id of the identity provider.
    pub issuer: String,
    /// The id of the assertion. Accept each only once, until [`Authentication::valid_until`].
    pub assertion_id: String,
    /// Who.
    pub name_id: NameId,
    /// The session at the identity provider, which a logout request names.
    pub session_index: Option<String>,
    /// When the session at the identity provider ends.
    pub session_not_on_or_after: Option<DateTime<Utc>>,
    /// When the user authenticated.
    pub authn_instant: DateTime<Utc>,
    /// By what class of means.
    pub authn_context: Option<String>,
    /// What else is said of the user.
    pub attributes: Vec<Attribute>,
    /// The moment from which this assertion is refused because of its age, whatever the options: until then the
    /// caller must remember that it was used.
    pub valid_until: DateTime<Utc>,
}

/// The verdict on a response, and how it came about.
#[derive(Clone)]
pub struct Validation {
    /// Who signed in, or why nobody did.
    pub result: Result<Authentication, Rejection>,
    /// Every check.
    pub trace: Trace,
    message: Option<String>,
    decrypted: Option<String>,
}

/// Without the message, which would fill a log with personal data.
impl fmt::Debug for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validation").field("result", &self.result).finish_non_exhaustive()
    }
}

impl Validation {
    /// The message as indented text, and what was encrypted in it after that. For the eyes of an administrator of
    /// the connection: it holds personal data. At most [`MAX_PRETTY`] characters; empty if it is not XML.
    pub fn pretty_xml(&self) -> String {
        let documents = self.message.iter().chain(&self.decrypted);
        let pretty = documents.filter_map(|text| Tree::parse(text).ok().map(|tree| tree.pretty()));
        let whole = pretty.collect::<Vec<_>>().join("\n");
        whole.chars().take(MAX_PRETTY).collect()
    }
}

/// Unverified hints of a message, for finding the connection that can verify it. Anyone may have written them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peek {
    /// The local name of the message: `Response`, `LogoutRequest`, `LogoutResponse`.
    pub kind: String,
    /// Who claims to have sent it.
    pub issuer: Option<String>,
    /// The request that it claims to answer.
    pub in_response_to: Option<String>,
    /// The address that it claims to be meant for.
    pub destination: Option<String>,
}

/// Reads what a message says about itself, verifying nothing.
///
/// `None` if it is no SAML protocol message or fails the scan.
pub fn peek(xml: &[u8]) -> Option<Peek> {
    let text = scan::scan(xml).ok()?;
    let tree = Tree::parse(text).ok()?;
    let root = tree.root().ok()?;
    if !root.is_in(SAMLP) {
        return None;
    }
    let bounded = |text: &str| text.chars().take(1024).collect::<String>();
    let attribute = |name: &str| root.attribute(name).map(bounded);
    let assertion = root.first(SAML, "Assertion");
    let issuer = root.first(SAML, "Issuer").or_else(|| assertion?.first(SAML, "Issuer"));
    Some(Peek {
        kind: bounded(root.local()),
        issuer: issuer.and_then(|issuer| issuer.trimmed()).map(|text| bounded(&text)),
        in_response_to: attribute("InResponseTo"),
        destination: attribute("Destination"),
    })
}

/// Validates a response with the core in use. Replay is for the caller to refuse: see
/// [`Authentication::assertion_id`].
pub fn validate(request: &ResponseCheck<'_>, xml: &[u8]) -> Validation {
    validate_with(&crypto::DEFAULT, request, xml)
}

/// [`validate`], with a core of choice.
pub fn validate_with(core: &dyn SignatureCore, request: &ResponseCheck<'_>, xml: &[u8]) -> Validation {
    let clock = Clock::new(request.now, request.clock_skew);
    let mut run = Run { core, request, clock, trace: Trace::default(), message: None, decrypted: None };
    let result = run.response(xml);
    run.trace.finish(result.as_ref().err(), Check::RESPONSE);
    Validation { result, trace: run.trace, message: run.message, decrypted: run.decrypted }
}

struct Run<'r> {
    core: &'r dyn SignatureCore,
    request: &'r ResponseCheck<'r>,
    clock: Clock,
    trace: Trace,
    message: Option<String>,
    decrypted: Option<String>,
}

/// Signatures that have the right form, and the certificates to verify them with.
struct Signed<'t, 'r> {
    signatures: Vec<Element<'t>>,
    certificates: Vec<&'r Certificate>,
}

impl<'r> Run<'r> {
    fn response(&mut self, xml: &[u8]) -> Result<Authentication, Rejection> {
        let text = scan::scan(xml)?;
        let tree = Tree::parse(text)?;
        self.message = Some(text.to_owned());
        self.trace.pass(Check::Size, format!("{} bytes", text.len()));
        for check in [Check::Encoding, Check::Doctype, Check::ProcessingInstruction, Check::Complexity] {
            self.trace.pass(check, "");
        }
        self.trace.pass(Check::WellFormed, "");
        let response = envelope::check(self.request, &self.clock, tree.root()?, &mut self.trace)?;
        let (assertion, encrypted) = envelope::assertion(response)?;
        self.trace.pass(Check::OneAssertion, assertion.local());
        if encrypted {
            self.trace.pass(Check::EncryptionRequired, "the assertion is encrypted");
            self.encrypted(text, response, assertion)
        } else {
            self.plain(text, response, assertion)
        }
    }

    fn plain(
        &mut self,
        text: &str,
        response: Element<'_>,
        assertion: Element<'_>,
    ) -> Result<Authentication, Rejection> {
        if self.request.options.require_encrypted {
            return Err(Rejection::new(Check::EncryptionRequired, "the assertion is not encrypted"));
        }
        self.trace.skip(Check::EncryptionRequired, "the connection does not demand it");
        let signed = self.forms(response, &[response, assertion])?;
        for check in [Check::EncryptionShape, Check::EncryptionAlgorithm, Check::Decryption] {
            self.trace.skip(check, "the assertion is not encrypted");
        }
        self.present(&signed.signatures)?;
        let target = if signed.covers(response) { response } else { assertion };
        let bytes = self.verify(text, target, &signed.certificates)?;
        let tree = parse_signed(&bytes)?;
        let root = same(tree.root()?, target)?;
        let assertion =
            if target.same(&response) { same(envelope::assertion(root)?.0, assertion)? } else { root };
        self.read(assertion)
    }

    fn encrypted(
        &mut self,
        text: &str,
        response: Element<'_>,
        holder: Element<'_>,
    ) -> Result<Authentication, Rejection> {
        let signed = self.forms(response, &[response])?;
        if signed.signatures.is_empty() {
            let cbc = self.request.options.allow_cbc_without_signed_response;
            let origin = if cbc { Origin::UnsignedCbcAllowed } else { Origin::Unsigned };
            return self.open(holder, origin);
        }
        let bytes = self.verify(text, response, &signed.certificates)?;
        let tree = parse_signed(&bytes)?;
        let (holder, encrypted) = envelope::assertion(same(tree.root()?, response)?)?;
        if !encrypted {
            return Err(Rejection::new(Check::SignatureValid, "the signed response is another"));
        }
        self.open(holder, Origin::Signed)
    }

    fn open(&mut self, holder: Element<'_>, origin: Origin) -> Result<Authentication, Rejection> {
        let encrypted = Encrypted::read(holder, origin)?;
        self.trace.pass(Check::EncryptionShape, "");
        self.trace.pass(Check::EncryptionAlgorithm, encrypted.algorithm());
        let document = encrypted.open(self.request.decryption_keys)?;
        let tree = encryption::parse(&document)?;
        let assertion = encryption::opened(tree.root()?, SAML, "Assertion")?;
        self.trace.pass(Check::Decryption, "");
        self.decrypted = Some(document.clone());

        signature::unique_ids(assertion)?;
        envelope::only(assertion)?;
        let signed = self.forms(assertion, &[assertion])?;
        if signed.signatures.is_empty() && origin == Origin::Signed {
            return self.read(assertion);
        }
        self.present(&signed.signatures)?;
        let bytes = self.verify(&document, assertion, &signed.certificates)?;
        let tree = parse_signed(&bytes)?;
        self.read(same(tree.root()?, assertion)?)
    }

    /// Checks where signatures stand, what they look like, and that there are keys for them.
    fn forms<'t>(&mut self, root: Element<'t>, places: &[Element<'t>]) -> Result<Signed<'t, 'r>, Rejection> {
        let signatures = signature::placed(root, places)?;
        self.trace.pass(Check::SignaturePlacement, format!("{} in place", signatures.len()));
        for &signature in &signatures {
            signature::shape(signature)?;
        }
        self.trace.pass(Check::SignatureShape, "");
        let methods: Result<Vec<_>, _> = signatures.iter().copied().map(signature::algorithms).collect();
        let methods = methods?;
        self.trace.pass(Check::SignatureAlgorithm, methods.join(" "));
        let certificates = signature::usable(self.request.signing_certificates, &methods)?;
        let prints: Vec<_> = certificates.iter().map(|certificate| certificate.fingerprint()).collect();
        self.trace.pass(Check::SigningCertificate, prints.join(" "));
        Ok(Signed { signatures, certificates })
    }

    fn present(&mut self, signatures: &[Element<'_>]) -> Result<(), Rejection> {
        if signatures.is_empty() {
            return Err(Rejection::new(
                Check::SignaturePresent,
                "neither the response nor the assertion is signed",
            ));
        }
        let names = signatures.iter().filter_map(Element::parent).map(|parent| parent.local());
        self.trace.pass(Check::SignaturePresent, names.collect::<Vec<_>>().join(" "));
        Ok(())
    }

    fn verify(
        &mut self,
        document: &str,
        target: Element<'_>,
        certificates: &[&Certificate],
    ) -> Result<Vec<u8>, Rejection> {
        let bytes = self
            .core
            .verify(document, signature::id(&target)?, certificates)
            .map_err(|error| Rejection::new(Check::SignatureValid, error.to_string()))?;
        self.trace.pass(Check::SignatureValid, format!("read from the signed <{}>", target.local()));
        self.trace.pass(Check::SignaturePresent, "");
        Ok(bytes)
    }

    fn read(&mut self, assertion: Element<'_>) -> Result<Authentication, Rejection> {
        assertion::read(self.request, &self.clock, assertion, &mut self.trace)
    }
}

impl Signed<'_, '_> {
    fn covers(&self, element: Element<'_>) -> bool {
        let mut parents = self.signatures.iter().filter_map(Element::parent);
        parents.any(|parent| parent.same(&element))
    }
}

/// Parses bytes that were digested.
fn parse_signed(bytes: &[u8]) -> Result<Tree<'_>, Rejection> {
    Tree::parse(scan::scan(bytes)?)
}

/// `found`, if it is the element that was meant: the same kind, with the same id.
fn same<'t>(found: Element<'t>, meant: Element<'_>) -> Result<Element<'t>, Rejection> {
    let saml = found.is_in(SAMLP) == meant.is_in(SAMLP) && found.is_in(SAML) == meant.is_in(SAML);
    if saml && found.local() == meant.local() && signature::id(&found)? == signature::id(&meant)? {
        return Ok(found);
    }
    Err(Rejection::new(Check::SignatureValid, "the signed element is another"))
}
