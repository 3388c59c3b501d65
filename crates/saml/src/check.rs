//! The list of checks, what each one means to an administrator, and the record of how a message fared.
//!
//! **Invariant:** a [`Trace`] holds no key material and no more than [`MAX_DETAIL`] characters of text for a
//! check, so that it may be shown and stored.

use std::fmt;

/// The longest detail that a trace or a rejection carries, in characters.
pub const MAX_DETAIL: usize = 300;

macro_rules! checks {
    ($( $variant:ident $name:literal $meaning:literal $remedy:literal; )*) => {
        /// One rule that a message from an identity provider must satisfy.
        ///
        /// The name ([`Check::name`]) is stable: it may be stored and matched on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Check {
            $( #[doc = $meaning] $variant, )*
        }

        impl Check {
            /// Every check.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )*];

            /// The stable name, in snake case.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )* }
            }

            /// What is checked, as one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $( Self::$variant => $meaning, )* }
            }

            /// How an administrator mends a failure, as one sentence.
            pub const fn remedy(self) -> &'static str {
                match self { $( Self::$variant => $remedy, )* }
            }
        }
    };
}

checks! {
    Decoded "decoded"
        "The message is base64, and compressed where its binding says so."
        "Send the message exactly as the binding prescribes; something between the two sides has altered it.";
    Size "size"
        "The message is no larger than 512 KiB."
        "Send fewer attributes: groups are most often what makes a message large.";
    Encoding "encoding"
        "The message is UTF-8 without a byte order mark."
        "Have the identity provider write its messages as UTF-8.";
    Doctype "doctype"
        "The message declares no document type and uses no entity of its own."
        "No identity provider sends these; treat the message as an attack.";
    ProcessingInstruction "processing_instruction"
        "The message holds no processing instruction."
        "No identity provider sends these; treat the message as an attack.";
    Complexity "complexity"
        "Elements are nested at most 48 deep, carry at most 64 attributes, and number at most 16,384 with comments and CDATA sections."
        "Send fewer attribute values; if the message is not unusually large, treat it as an attack.";
    WellFormed "well_formed"
        "The message is one well-formed XML document with declared namespaces."
        "The message was cut short or altered on its way; have the identity provider send it again.";
    RootElement "root_element"
        "The document is the kind of message that is expected here."
        "Check that the identity provider sends to the address meant for this kind of message.";
    UniqueIds "unique_ids"
        "No two elements share an id."
        "No identity provider sends these; treat the message as an attack.";
    Version "version"
        "The message and the assertion are of SAML version 2.0."
        "Configure the connection as SAML 2.0 at the identity provider.";
    Destination "destination"
        "The message was sent to this very address."
        "Set the assertion consumer service address at the identity provider to the one shown here, exactly.";
    ResponseIssuer "response_issuer"
        "The response comes from the identity provider of this connection."
        "Compare the identity provider's entity id with the one saved in this connection.";
    ResponseInResponseTo "response_in_response_to"
        "The response answers the request that was sent from this browser."
        "Start the sign-in again; if it came from the identity provider's own portal, that must be allowed first.";
    IssueInstant "issue_instant"
        "The message was issued a short time ago."
        "Check the clock of the identity provider, and that the page was not left open for long.";
    Status "status"
        "The identity provider reports success."
        "Look for the reason in the identity provider's own log; often the user is not assigned to this application.";
    OneAssertion "one_assertion"
        "The response holds exactly one assertion, in its proper place."
        "Have the identity provider send one assertion a response; more than one is a sign of an attack.";
    EncryptionRequired "encryption_required"
        "The assertion is encrypted, as this connection demands."
        "Turn on assertion encryption at the identity provider, with the certificate shown here.";
    SignaturePlacement "signature_placement"
        "Signatures stand only where the standard puts them."
        "No identity provider sends these; treat the message as an attack.";
    SignatureShape "signature_shape"
        "Each signature covers exactly the element that it stands in, by the plain transforms."
        "Have the identity provider sign the response or the assertion as a whole, with default settings.";
    SignatureAlgorithm "signature_algorithm"
        "Signatures use RSA or ECDSA with SHA-256, SHA-384 or SHA-512."
        "Set the signature algorithm at the identity provider to RSA-SHA256.";
    SigningCertificate "signing_certificate"
        "The connection holds a certificate that fits the signature."
        "Import the identity provider's metadata again, or paste its current signing certificate.";
    SignaturePresent "signature_present"
        "The response, or the assertion in it, is signed."
        "Turn on signing of assertions or of responses at the identity provider.";
    SignatureValid "signature_valid"
        "Every signature is valid under a certificate saved in this connection."
        "Compare certificates: the identity provider may have changed its own; import its metadata again.";
    EncryptionShape "encryption_shape"
        "The encrypted element has the plain form: encrypted data and keys, inline."
        "Have the identity provider encrypt the assertion with default settings.";
    EncryptionAlgorithm "encryption_algorithm"
        "Encryption uses AES-128 or AES-256 with an RSA-OAEP key; CBC modes only inside a signed response."
        "Set encryption at the identity provider to AES-256-GCM with RSA-OAEP, or have it sign the response too.";
    Decryption "decryption"
        "The encrypted element opens with a key of this connection."
        "Give the identity provider the encryption certificate that is shown here.";
    AssertionIssuer "assertion_issuer"
        "The assertion comes from the identity provider of this connection."
        "Compare the identity provider's entity id with the one saved in this connection.";
    AssertionIssueInstant "assertion_issue_instant"
        "The assertion was issued a short time ago."
        "Check the clock of the identity provider, and that the page was not left open for long.";
    NameId "name_id"
        "The assertion names its subject by one identifier, in plain text."
        "Have the identity provider send a NameID that is not empty.";
    SubjectConfirmation "subject_confirmation"
        "The subject is confirmed by the bearer method."
        "Use the identity provider's web browser single sign-on profile.";
    Recipient "recipient"
        "The assertion was made for this very address."
        "Set recipient and assertion consumer service address at the identity provider to the one shown here.";
    ConfirmationTime "confirmation_time"
        "The subject confirmation is valid now."
        "Check the clock of the identity provider, and start the sign-in again.";
    ConfirmationInResponseTo "confirmation_in_response_to"
        "The assertion answers the request that was sent from this browser."
        "Start the sign-in again; if it came from the identity provider's own portal, that must be allowed first.";
    Conditions "conditions"
        "The assertion states its conditions, and all of them are understood."
        "Have the identity provider send a Conditions element with the standard content.";
    ConditionsTime "conditions_time"
        "The conditions hold now."
        "Check the clock of the identity provider, and start the sign-in again.";
    Audience "audience"
        "The assertion is meant for this service provider."
        "Set audience (or entity id) at the identity provider to the entity id shown here, exactly.";
    AuthnStatement "authn_statement"
        "The assertion states that the user authenticated."
        "Have the identity provider send an AuthnStatement; without one this is no sign-in.";
    Session "session"
        "The session at the identity provider has not ended."
        "Sign in again at the identity provider.";
    AuthnContext "authn_context"
        "The user authenticated by a method that this connection accepts."
        "Enable that method at the identity provider, or accept the one it used.";
    Attributes "attributes"
        "Attributes are names with plain text values."
        "Map attributes at the identity provider to plain text.";
    Issuer "issuer"
        "The message comes from the identity provider of this connection."
        "Compare the identity provider's entity id with the one saved in this connection.";
    MessageSignature "message_signature"
        "The message is signed with a certificate saved in this connection."
        "Turn on signing of logout messages at the identity provider, or import its metadata again.";
    InResponseTo "in_response_to"
        "The message answers the request that was sent."
        "Start signing out again.";
    NotOnOrAfter "not_on_or_after"
        "The message has not expired."
        "Check the clock of the identity provider.";
}

impl Check {
    /// The checks of a response, in the order in which they are made.
    pub const RESPONSE: &'static [Self] = &[
        Self::Size,
        Self::Encoding,
        Self::Doctype,
        Self::ProcessingInstruction,
        Self::Complexity,
        Self::WellFormed,
        Self::RootElement,
        Self::UniqueIds,
        Self::Version,
        Self::Destination,
        Self::ResponseIssuer,
        Self::ResponseInResponseTo,
        Self::IssueInstant,
        Self::Status,
        Self::OneAssertion,
        Self::EncryptionRequired,
        Self::SignaturePlacement,
        Self::SignatureShape,
        Self::SignatureAlgorithm,
        Self::SigningCertificate,
        Self::EncryptionShape,
        Self::EncryptionAlgorithm,
        Self::Decryption,
        Self::SignaturePresent,
        Self::SignatureValid,
        Self::AssertionIssuer,
        Self::AssertionIssueInstant,
        Self::NameId,
        Self::SubjectConfirmation,
        Self::Recipient,
        Self::ConfirmationTime,
        Self::ConfirmationInResponseTo,
        Self::Conditions,
        Self::ConditionsTime,
        Self::Audience,
        Self::AuthnStatement,
        Self::Session,
        Self::AuthnContext,
        Self::Attributes,
    ];
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a message is refused: the first check that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{check}: {detail}")]
pub struct Rejection {
    /// The check that failed.
    pub check: Check,
    /// What was expected and what was found, at most [`MAX_DETAIL`] characters. May quote the message, which a
    /// stranger may have written.
    pub detail: String,
}

impl Rejection {
    /// A rejection whose detail is cut to size.
    pub(crate) fn new(check: Check, detail: impl AsRef<str>) -> Self {
        Self { check, detail: bounded(detail.as_ref()) }
    }

    /// A rejection because of a value that differs from the only acceptable one.
    pub(crate) fn differs(check: Check, expected: &str, found: Option<&str>) -> Self {
        Self::new(check, difference(expected, found))
    }
}

/// How one check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The message satisfies it.
    Passed,
    /// The message was refused because of it.
    Failed,
    /// It does not apply to this message.
    Skipped,
    /// The message was refused before.
    NotReached,
}

/// One line of a [`Trace`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The check.
    pub check: Check,
    /// How it went.
    pub outcome: Outcome,
    /// What was seen, at most [`MAX_DETAIL`] characters; may be empty.
    pub detail: String,
}

/// How a message fared at every check, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    steps: Vec<Step>,
}

impl Trace {
    /// The steps, in the order of the checks.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub(crate) fn pass(&mut self, check: Check, detail: impl AsRef<str>) {
        self.record(check, Outcome::Passed, detail.as_ref());
    }

    pub(crate) fn skip(&mut self, check: Check, detail: impl AsRef<str>) {
        self.record(check, Outcome::Skipped, detail.as_ref());
    }

    /// Adds the failure, if any, and what it kept from being reached; puts the steps in the order of the plan.
    pub(crate) fn finish(&mut self, failure: Option<&Rejection>, plan: &[Check]) {
        if let Some(rejection) = failure {
            self.record(rejection.check, Outcome::Failed, &rejection.detail);
        }
        for &check in plan {
            if !self.steps.iter().any(|step| step.check == check) {
                self.record(check, Outcome::NotReached, "");
            }
        }
        let place = |check: Check| plan.iter().position(|&planned| planned == check);
        self.steps.sort_by_key(|step| place(step.check).unwrap_or(usize::MAX));
    }

    /// The last word on a check counts.
    fn record(&mut self, check: Check, outcome: Outcome, detail: &str) {
        self.steps.retain(|step| step.check != check);
        self.steps.push(Step { check, outcome, detail: bounded(detail) });
    }
}

/// "expected …, found …".
pub(crate) fn difference(expected: &str, found: Option<&str>) -> String {
    let quote = |text: &str| bounded(text).chars().take(120).collect::<String>();
    match found {
        Some(found) => format!("expected {:?}, found {:?}", quote(expected), quote(found)),
        None => format!("expected {:?}, found nothing", quote(expected)),
    }
}

/// Text without control characters, cut to [`MAX_DETAIL`] characters.
fn bounded(text: &str) -> String {
    let mut short: String =
        text.chars().take(MAX_DETAIL).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
    if text.chars().nth(MAX_DETAIL).is_some() {
        short.pop();
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_in_snake_case() {
        let names: HashSet<_> = Check::ALL.iter().map(|check| check.name()).collect();

        assert_eq!(names.len(), Check::ALL.len());
        assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_')));
    }

    #[test]
    fn details_are_bounded_and_printable() {
        let rejection = Rejection::new(Check::Size, format!("a\u{1b}[2J{}", "x".repeat(10_000)));

        assert_eq!(rejection.detail.chars().count(), MAX_DETAIL);
        assert!(!rejection.detail.chars().any(char::is_control));
    }

    #[test]
    fn a_failure_leaves_the_rest_not_reached() {
        let mut trace = Trace::default();
        trace.pass(Check::Size, "");

        trace.finish(Some(&Rejection::new(Check::Encoding, "x")), Check::RESPONSE);

        let outcomes: Vec<_> = trace.steps().iter().map(|step| step.outcome).take(3).collect();
        assert_eq!(outcomes, [Outcome::Passed, Outcome::Failed, Outcome::NotReached]);
        assert_eq!(trace.steps().len(), Check::RESPONSE.len());
    }
}
