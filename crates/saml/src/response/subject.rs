//! Reading the subject of an assertion, and how it is confirmed (SAML core §2.4, SAML profiles §4.1.4.2).
//!
//! **Invariant:** an identifier is the whole text of its element. Comments and CDATA sections do not split it,
//! and an element inside it makes it be refused.

use chrono::{DateTime, Utc};

use super::{NameId, ResponseCheck, envelope};
use crate::check::{Check, Rejection, Trace};
use crate::clock::{Clock, optional, required};
use crate::encryption::{self, Encrypted, Origin};
use crate::key::KeyPair;
use crate::names::{BEARER, SAML};
use crate::tree::Element;

/// The longest identifier, in bytes.
const MAX_NAME_ID: usize = 1024;
/// How many confirmations are looked at.
const MAX_CONFIRMATIONS: usize = 8;

/// Who, and until when that is confirmed.
pub(super) struct Subject {
    pub(super) name_id: NameId,
    /// The latest moment that any bearer confirmation in the assertion allows.
    pub(super) confirmed_until: DateTime<Utc>,
}

pub(super) fn read(
    request: &ResponseCheck<'_>,
    clock: &Clock,
    assertion: Element<'_>,
    trace: &mut Trace,
) -> Result<Subject, Rejection> {
    let subject = assertion
        .child(SAML, "Subject")
        .map_err(|_| Rejection::new(Check::NameId, "more than one Subject"))?
        .ok_or_else(|| Rejection::new(Check::NameId, "there is no Subject"))?;
    let name_id = name_id(subject, request.decryption_keys)?;
    trace.pass(Check::NameId, name_id.format.as_deref().unwrap_or("no format"));
    let confirmed_until = confirmation(request, clock, subject, trace)?;
    Ok(Subject { name_id, confirmed_until })
}

/// The only identifier in `holder`: `NameID`, or `EncryptedID` that is opened with one of `keys`.
pub(crate) fn name_id(holder: Element<'_>, keys: &[KeyPair]) -> Result<NameId, Rejection> {
    let names = ["NameID", "EncryptedID", "BaseID"];
    let mut found = holder.children().filter(|child| names.iter().any(|name| child.is(SAML, name)));
    match (found.next(), found.next()) {
        (Some(plain), None) if plain.is(SAML, "NameID") => plain_name_id(plain),
        (Some(encrypted), None) if encrypted.is(SAML, "EncryptedID") => {
            let document = Encrypted::read(encrypted, Origin::Signed)?.open(keys)?;
            let tree = encryption::parse(&document)?;
            plain_name_id(encryption::opened(tree.root()?, SAML, "NameID")?)
        }
        (None, _) => Err(Rejection::new(Check::NameId, "there is no NameID")),
        _ => Err(Rejection::new(Check::NameId, "there is not exactly one NameID")),
    }
}

fn plain_name_id(element: Element<'_>) -> Result<NameId, Rejection> {
    let value = element.trimmed().ok_or_else(|| Rejection::new(Check::NameId, "an element in NameID"))?;
    if value.is_empty() || value.len() > MAX_NAME_ID {
        return Err(Rejection::new(Check::NameId, format!("a NameID of {} bytes", value.len())));
    }
    if value.chars().any(char::is_control) {
        return Err(Rejection::new(Check::NameId, "a NameID with control characters"));
    }
    let text = |name: &str| element.attribute(name).map(str::to_owned);
    Ok(NameId {
        value,
        format: text("Format"),
        name_qualifier: text("NameQualifier"),
        sp_name_qualifier: text("SPNameQualifier"),
    })
}

/// One bearer confirmation must hold in full. Returns until when any of them could.
fn confirmation(
    request: &ResponseCheck<'_>,
    clock: &Clock,
    subject: Element<'_>,
    trace: &mut Trace,
) -> Result<DateTime<Utc>, Rejection> {
    let all: Vec<_> = subject.children_named(SAML, "SubjectConfirmation").take(MAX_CONFIRMATIONS).collect();
    let bearers: Vec<_> =
        all.iter().filter(|confirmation| confirmation.attribute("Method") == Some(BEARER)).collect();
    if bearers.is_empty() {
        let found = all.first().and_then(|confirmation| confirmation.attribute("Method"));
        return Err(Rejection::differs(Check::SubjectConfirmation, BEARER, found));
    }
    let mut first_failure = None;
    let mut holds = false;
    let mut latest: Option<DateTime<Utc>> = None;
    for bearer in bearers {
        match bearer_holds(request, clock, bearer) {
            Ok(()) => holds = true,
            Err(rejection) => {
                first_failure.get_or_insert(rejection);
            }
        }
        let data = bearer.first(SAML, "SubjectConfirmationData");
        let end = data.and_then(|data| crate::instant::parse(data.attribute("NotOnOrAfter")?));
        latest = latest.max(end);
    }
    match (holds, latest, first_failure) {
        (true, Some(latest), _) => {
            for check in [
                Check::SubjectConfirmation,
                Check::Recipient,
                Check::ConfirmationTime,
                Check::ConfirmationInResponseTo,
            ] {
                trace.pass(check, "");
            }
            Ok(latest)
        }
        (_, _, Some(failure)) => Err(failure),
        _ => Err(Rejection::new(Check::SubjectConfirmation, "no confirmation holds")),
    }
}

fn bearer_holds(
    request: &ResponseCheck<'_>,
    clock: &Clock,
    confirmation: &Element<'_>,
) -> Result<(), Rejection> {
    let data = confirmation
        .child(SAML, "SubjectConfirmationData")
        .map_err(|_| Rejection::new(Check::SubjectConfirmation, "more than one SubjectConfirmationData"))?
        .ok_or_else(|| Rejection::new(Check::SubjectConfirmation, "there is no SubjectConfirmationData"))?;
    let recipient = data.attribute("Recipient");
    if recipient != Some(request.acs_url) {
        return Err(Rejection::differs(Check::Recipient, request.acs_url, recipient));
    }
    let check = Check::ConfirmationTime;
    let end = required(check, "NotOnOrAfter", data.attribute("NotOnOrAfter"))?;
    let start = optional(check, "NotBefore", data.attribute("NotBefore"))?;
    if clock.has_ended(end) {
        return Err(Rejection::new(check, format!("confirmed until {end}, now {}", clock.text())));
    }
    if let Some(start) = start.filter(|&start| clock.is_ahead(start)) {
        return Err(Rejection::new(check, format!("confirmed from {start}, now {}", clock.text())));
    }
    envelope::answers(Check::ConfirmationInResponseTo, request.in_response_to, data.attribute("InResponseTo"))
}
