//! What the response says around its assertion (SAML core §3.2.2, §3.3.3).
//!
//! It is read before any signature is verified, from text that anyone may have written.
//!
//! **Invariant:** nothing here is kept; it can only make the response be refused.

use super::{InResponseTo, MAX_AGE, ResponseCheck};
use crate::check::{Check, Rejection, Trace, difference};
use crate::clock::Clock;
use crate::names::{DS, FORMAT_ENTITY, SAML, SAMLP, SUCCESS};
use crate::signature;
use crate::tree::Element;

/// Checks the response up to its status, and returns it.
pub(super) fn check<'t>(
    request: &ResponseCheck<'_>,
    clock: &Clock,
    root: Element<'t>,
    trace: &mut Trace,
) -> Result<Element<'t>, Rejection> {
    if !root.is(SAMLP, "Response") {
        return Err(Rejection::differs(Check::RootElement, "Response", Some(root.local())));
    }
    trace.pass(Check::RootElement, "Response");
    signature::unique_ids(root)?;
    signature::id(&root)?;
    trace.pass(Check::UniqueIds, "");
    version(&root)?;
    trace.pass(Check::Version, "2.0");
    destination(request, &root, trace)?;
    issuer(request, &root, trace)?;
    answers(Check::ResponseInResponseTo, request.in_response_to, root.attribute("InResponseTo"))?;
    trace.pass(Check::ResponseInResponseTo, root.attribute("InResponseTo").unwrap_or("unsolicited"));
    let max_age = request.options.max_age.min(MAX_AGE);
    clock.recent(Check::IssueInstant, root.attribute("IssueInstant"), max_age)?;
    trace.pass(Check::IssueInstant, root.attribute("IssueInstant").unwrap_or_default());
    status(&root)?;
    trace.pass(Check::Status, "Success");
    Ok(root)
}

/// `Version` must be 2.0 (SAML core §2.3.3, §3.2.1).
pub(crate) fn version(element: &Element<'_>) -> Result<(), Rejection> {
    match element.attribute("Version") {
        Some("2.0") => Ok(()),
        found => Err(Rejection::differs(Check::Version, "2.0", found)),
    }
}

/// `Destination` must be this address; it may be absent only where no signature covers it (bindings §3.5.5.2).
fn destination(request: &ResponseCheck<'_>, root: &Element<'_>, trace: &mut Trace) -> Result<(), Rejection> {
    match root.attribute("Destination") {
        Some(found) if found == request.acs_url => trace.pass(Check::Destination, found),
        None if root.first(DS, "Signature").is_none() => trace.skip(Check::Destination, "absent"),
        found => return Err(Rejection::differs(Check::Destination, request.acs_url, found)),
    }
    Ok(())
}

/// `Issuer` must be the identity provider; it may be absent where the response is neither signed nor holds an
/// encrypted assertion (SAML profiles §4.1.4.2).
fn issuer(request: &ResponseCheck<'_>, root: &Element<'_>, trace: &mut Trace) -> Result<(), Rejection> {
    let child = |namespace: &str, name: &str| root.first(namespace, name).is_some();
    let needed = child(DS, "Signature") || child(SAML, "EncryptedAssertion");
    if !needed && !child(SAML, "Issuer") {
        trace.skip(Check::ResponseIssuer, "absent");
        return Ok(());
    }
    check_issuer(Check::ResponseIssuer, root, request.idp_entity_id)?;
    trace.pass(Check::ResponseIssuer, request.idp_entity_id);
    Ok(())
}

/// The only `Issuer` child must name `expected` (SAML core §2.2.5).
pub(crate) fn check_issuer(check: Check, element: &Element<'_>, expected: &str) -> Result<(), Rejection> {
    let issuer = element
        .child(SAML, "Issuer")
        .map_err(|_| Rejection::new(check, "more than one Issuer"))?
        .ok_or_else(|| Rejection::differs(check, expected, None))?;
    if issuer.attribute("Format").is_some_and(|format| format != FORMAT_ENTITY) {
        return Err(Rejection::differs(check, FORMAT_ENTITY, issuer.attribute("Format")));
    }
    let found = issuer.trimmed();
    if found.as_deref() != Some(expected) {
        return Err(Rejection::differs(check, expected, found.as_deref()));
    }
    Ok(())
}

/// `InResponseTo` must name the request, or be absent if there was none.
pub(super) fn answers(
    check: Check,
    expected: InResponseTo<'_>,
    found: Option<&str>,
) -> Result<(), Rejection> {
    match (expected, found) {
        (InResponseTo::Exactly(id), Some(found)) if id == found && !id.is_empty() => Ok(()),
        (InResponseTo::Unsolicited, None) => Ok(()),
        (InResponseTo::Exactly(id), found) => Err(Rejection::differs(check, id, found)),
        (InResponseTo::Unsolicited, Some(found)) => {
            let detail = format!("expected none, found {found:?}");
            Err(Rejection::new(check, detail))
        }
    }
}

/// `Status` must be success (SAML core §3.2.2.1).
fn status(root: &Element<'_>) -> Result<(), Rejection> {
    let status = root
        .child(SAMLP, "Status")
        .map_err(|_| Rejection::new(Check::Status, "more than one Status"))?
        .ok_or_else(|| Rejection::new(Check::Status, "there is no Status"))?;
    let code = status
        .child(SAMLP, "StatusCode")
        .map_err(|_| Rejection::new(Check::Status, "more than one StatusCode"))?;
    let value = code.and_then(|code| code.attribute("Value"));
    if value == Some(SUCCESS) {
        return Ok(());
    }
    let second = code.and_then(|code| code.first(SAMLP, "StatusCode")?.attribute("Value"));
    let message = status.first(SAMLP, "StatusMessage").and_then(|message| message.trimmed());
    let mut detail = difference(SUCCESS, value);
    for more in [second, message.as_deref()].into_iter().flatten() {
        detail.push_str("; ");
        detail.push_str(more);
    }
    Err(Rejection::new(Check::Status, detail))
}

/// The only assertion in the document, which is a child of the response, and whether it is encrypted.
pub(super) fn assertion(response: Element<'_>) -> Result<(Element<'_>, bool), Rejection> {
    let is_assertion =
        |element: &Element<'_>| element.is(SAML, "Assertion") || element.is(SAML, "EncryptedAssertion");
    let count = response.descendants().filter(is_assertion).count();
    if count != 1 {
        return Err(Rejection::new(Check::OneAssertion, format!("{count} assertions in the document")));
    }
    let found = response.children().find(is_assertion);
    let found = found.ok_or_else(|| Rejection::new(Check::OneAssertion, "the assertion is out of place"))?;
    if found.is(SAML, "Assertion") {
        signature::id(&found)?;
    }
    Ok((found, found.is(SAML, "EncryptedAssertion")))
}

/// Refuses assertions inside an assertion.
pub(super) fn only(assertion: Element<'_>) -> Result<(), Rejection> {
    let nested =
        |element: &Element<'_>| element.is(SAML, "Assertion") || element.is(SAML, "EncryptedAssertion");
    match assertion.descendants().filter(nested).count() {
        1 => Ok(()),
        count => Err(Rejection::new(Check::OneAssertion, format!("{count} assertions in the document"))),
    }
}
