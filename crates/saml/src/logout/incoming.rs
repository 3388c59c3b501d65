//! Receiving logout messages.

use chrono::{DateTime, Duration, Utc};

use super::PARTIAL;
use crate::binding::{MessageKind, RedirectQuery};
use crate::certificate::Certificate;
use crate::check::{Check, Rejection};
use crate::clock::{Clock, optional};
use crate::crypto::{self, SignatureCore as _};
use crate::key::KeyPair;
use crate::names::{SAMLP, SUCCESS};
use crate::response::{MAX_AGE, NameId, check_issuer, check_version, read_name_id};
use crate::tree::{Element, Tree};
use crate::{scan, signature};

/// How many session indexes are read.
const MAX_SESSIONS: usize = 256;

/// What a logout message is held against.
#[derive(Debug, Clone, Copy)]
pub struct LogoutCheck<'a> {
    /// The entity id of the identity provider.
    pub idp_entity_id: &'a str,
    /// The address at which the message arrived: what `Destination` must say, exactly.
    pub slo_url: &'a str,
    /// The present.
    pub now: DateTime<Utc>,
    /// How far the identity provider's clock may be off, at most five minutes.
    pub clock_skew: Duration,
    /// How old a message may be, at most an hour.
    pub max_age: Duration,
    /// The identity provider's certificates.
    pub signing_certificates: &'a [Certificate],
    /// Our keys, for an encrypted identifier.
    pub decryption_keys: &'a [KeyPair],
}

/// A logout message, by the binding through which it came.
#[derive(Debug, Clone, Copy)]
pub enum IncomingLogout<'a> {
    /// By POST: the XML, decoded.
    Post(&'a [u8]),
    /// By redirect.
    Redirect(&'a RedirectQuery),
}

/// A verified request to end sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedLogoutRequest {
    /// Its id, which the answer must name. Accept each only once.
    pub id: String,
    /// Whose sessions.
    pub name_id: NameId,
    /// Which sessions; none means all of them.
    pub session_indexes: Vec<String>,
}

/// A verified answer to our request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedLogoutResponse {
    /// Its id.
    pub id: String,
    /// How it went at the identity provider.
    pub outcome: LogoutOutcome,
}

/// How logging out went at the identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogoutOutcome {
    /// Every session is ended.
    Success,
    /// Some sessions live on, at other service providers.
    Partial,
    /// It failed, with this status.
    Failed(String),
}

/// Verifies a request for logout and reads it.
pub fn receive_request(
    check: &LogoutCheck<'_>,
    message: IncomingLogout<'_>,
) -> Result<ReceivedLogoutRequest, Rejection> {
    let bytes = verified(check, message, MessageKind::Request, "LogoutRequest")?;
    let tree = Tree::parse(scan::scan(&bytes)?)?;
    let root = tree.root()?;
    let clock = head(check, &root, "LogoutRequest")?;
    let name = "NotOnOrAfter";
    let end = optional(Check::NotOnOrAfter, name, root.attribute(name))?;
    if let Some(end) = end.filter(|&end| clock.has_ended(end)) {
        let detail = format!("expired at {end}, now {}", clock.text());
        return Err(Rejection::new(Check::NotOnOrAfter, detail));
    }
    let mut session_indexes = Vec::new();
    for index in root.children_named(SAMLP, "SessionIndex").take(MAX_SESSIONS) {
        let index = index.trimmed().filter(|index| !index.is_empty());
        session_indexes.push(index.ok_or_else(|| Rejection::new(Check::Session, "a bad SessionIndex"))?);
    }
    Ok(ReceivedLogoutRequest {
        id: signature::id(&root)?.to_owned(),
        name_id: read_name_id(root, check.decryption_keys)?,
        session_indexes,
    })
}

/// Verifies an answer to the request with the id `in_response_to`, or, where that is not known, to any; and reads
/// it.
pub fn receive_response(
    check: &LogoutCheck<'_>,
    in_response_to: Option<&str>,
    message: IncomingLogout<'_>,
) -> Result<ReceivedLogoutResponse, Rejection> {
    let bytes = verified(check, message, MessageKind::Response, "LogoutResponse")?;
    let tree = Tree::parse(scan::scan(&bytes)?)?;
    let root = tree.root()?;
    head(check, &root, "LogoutResponse")?;
    let found = root.attribute("InResponseTo");
    if let Some(expected) = in_response_to
        && (expected.is_empty() || found != Some(expected))
    {
        return Err(Rejection::differs(Check::InResponseTo, expected, found));
    }
    Ok(ReceivedLogoutResponse { id: signature::id(&root)?.to_owned(), outcome: outcome(&root)? })
}

/// The bytes of the message that a pinned key signed.
fn verified(
    check: &LogoutCheck<'_>,
    message: IncomingLogout<'_>,
    kind: MessageKind,
    name: &str,
) -> Result<Vec<u8>, Rejection> {
    match message {
        IncomingLogout::Post(xml) => {
            let text = scan::scan(xml)?;
            let tree = Tree::parse(text)?;
            let root = tree.root()?;
            named(&root, name)?;
            signature::unique_ids(root)?;
            let signatures = signature::placed(root, &[root])?;
            let Some(&signature) = signatures.first() else {
                return Err(Rejection::new(Check::MessageSignature, "the message is not signed"));
            };
            signature::shape(signature)?;
            let method = signature::algorithms(signature)?;
            let certificates = signature::usable(check.signing_certificates, &[method])?;
            crypto::DEFAULT
                .verify(text, signature::id(&root)?, &certificates)
                .map_err(|error| Rejection::new(Check::MessageSignature, error.to_string()))
        }
        IncomingLogout::Redirect(query) => {
            if query.kind() != kind {
                let found = query.kind().parameter();
                return Err(Rejection::differs(Check::RootElement, kind.parameter(), Some(found)));
            }
            let bytes = query.verify(check.signing_certificates)?.to_vec();
            let tree = Tree::parse(scan::scan(&bytes)?)?;
            signature::unique_ids(tree.root()?)?;
            Ok(bytes)
        }
    }
}

fn named(root: &Element<'_>, name: &str) -> Result<(), Rejection> {
    if root.is(SAMLP, name) {
        return Ok(());
    }
    Err(Rejection::differs(Check::RootElement, name, Some(root.local())))
}

/// What requests and responses have in common.
fn head(check: &LogoutCheck<'_>, root: &Element<'_>, name: &str) -> Result<Clock, Rejection> {
    named(root, name)?;
    check_version(root)?;
    check_issuer(Check::Issuer, root, check.idp_entity_id)?;
    let destination = root.attribute("Destination");
    if destination != Some(check.slo_url) {
        return Err(Rejection::differs(Check::Destination, check.slo_url, destination));
    }
    let clock = Clock::new(check.now, check.clock_skew);
    clock.recent(Check::IssueInstant, root.attribute("IssueInstant"), check.max_age.min(MAX_AGE))?;
    Ok(clock)
}

fn outcome(root: &Element<'_>) -> Result<LogoutOutcome, Rejection> {
    let status = root.child(SAMLP, "Status").ok().flatten();
    let code = status.and_then(|status| status.child(SAMLP, "StatusCode").ok().flatten());
    let code = code.ok_or_else(|| Rejection::new(Check::Status, "there is not exactly one Status"))?;
    let value = code.attribute("Value").unwrap_or_default();
    let second = code.first(SAMLP, "StatusCode").and_then(|code| code.attribute("Value"));
    Ok(match (value, second) {
        (PARTIAL, _) | (_, Some(PARTIAL)) => LogoutOutcome::Partial,
        (SUCCESS, _) => LogoutOutcome::Success,
        (other, _) => LogoutOutcome::Failed(other.chars().take(200).collect()),
    })
}
