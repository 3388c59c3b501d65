//! Reading the assertion (SAML core §2.3.3, SAML profiles §4.1.4.2).
//!
//! **Invariant:** the element comes from bytes that a pinned key signed.

use chrono::{DateTime, Utc};

use super::{Attribute, Authentication, MAX_AGE, ResponseCheck, envelope, subject};
use crate::check::{Check, Rejection, Trace};
use crate::clock::{Clock, MAX_SKEW, optional, required};
use crate::encryption::{self, Encrypted, Origin};
use crate::names::SAML;
use crate::signature;
use crate::tree::Element;

/// The namespace of `xsi:nil`.
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// What the authentication statement says.
struct Authn {
    instant: DateTime<Utc>,
    session_index: Option<String>,
    session_end: Option<DateTime<Utc>>,
    context: Option<String>,
}

/// Checks the assertion, and returns who it says signed in.
pub(super) fn read(
    request: &ResponseCheck<'_>,
    clock: &Clock,
    assertion: Element<'_>,
    trace: &mut Trace,
) -> Result<Authentication, Rejection> {
    envelope::version(&assertion)?;
    envelope::check_issuer(Check::AssertionIssuer, &assertion, request.idp_entity_id)?;
    trace.pass(Check::AssertionIssuer, request.idp_entity_id);
    let max_age = request.options.max_age.min(MAX_AGE);
    let text = assertion.attribute("IssueInstant");
    let issued = clock.recent(Check::AssertionIssueInstant, text, max_age)?;
    trace.pass(Check::AssertionIssueInstant, text.unwrap_or_default());

    let subject = subject::read(request, clock, assertion, trace)?;
    let conditions_end = conditions(request, clock, assertion, trace)?;
    let authn = authn_statement(request, clock, assertion, trace)?;
    let attributes = attributes(request, assertion)?;
    trace.pass(Check::Attributes, format!("{} attributes", attributes.len()));

    let ends = [conditions_end, issued.checked_add_signed(MAX_AGE)].into_iter().flatten();
    let end = ends.fold(subject.confirmed_until, DateTime::min);
    Ok(Authentication {
        issuer: request.idp_entity_id.to_owned(),
        assertion_id: signature::id(&assertion)?.to_owned(),
        name_id: subject.name_id,
        session_index: authn.session_index,
        session_not_on_or_after: authn.session_end,
        authn_instant: authn.instant,
        authn_context: authn.context,
        attributes,
        valid_until: end.checked_add_signed(MAX_SKEW).unwrap_or(end),
    })
}

/// Checks `Conditions` (SAML core §2.5.1), and returns when they end.
fn conditions(
    request: &ResponseCheck<'_>,
    clock: &Clock,
    assertion: Element<'_>,
    trace: &mut Trace,
) -> Result<Option<DateTime<Utc>>, Rejection> {
    let conditions = assertion
        .child(SAML, "Conditions")
        .map_err(|_| Rejection::new(Check::Conditions, "more than one Conditions"))?
        .ok_or_else(|| Rejection::new(Check::Conditions, "there are no Conditions"))?;
    for condition in conditions.children() {
        let known = ["AudienceRestriction", "OneTimeUse", "ProxyRestriction"];
        if !known.iter().any(|name| condition.is(SAML, name)) {
            let detail = format!("the condition <{}> is not understood", condition.local());
            return Err(Rejection::new(Check::Conditions, detail));
        }
    }
    trace.pass(Check::Conditions, "");

    let start = optional(Check::ConditionsTime, "NotBefore", conditions.attribute("NotBefore"))?;
    let end = optional(Check::ConditionsTime, "NotOnOrAfter", conditions.attribute("NotOnOrAfter"))?;
    let now = clock.text();
    if let Some(start) = start.filter(|&start| clock.is_ahead(start)) {
        return Err(Rejection::new(Check::ConditionsTime, format!("valid from {start}, now {now}")));
    }
    if let Some(end) = end.filter(|&end| clock.has_ended(end)) {
        return Err(Rejection::new(Check::ConditionsTime, format!("valid until {end}, now {now}")));
    }
    trace.pass(Check::ConditionsTime, now);
    audience(request, conditions)?;
    trace.pass(Check::Audience, request.sp_entity_id);
    Ok(end)
}

/// There must be a restriction, and each must allow us: several are a conjunction (SAML core §2.5.1.4).
fn audience(request: &ResponseCheck<'_>, conditions: Element<'_>) -> Result<(), Rejection> {
    let mut restrictions = conditions.children_named(SAML, "AudienceRestriction").peekable();
    if restrictions.peek().is_none() {
        return Err(Rejection::differs(Check::Audience, request.sp_entity_id, None));
    }
    for restriction in restrictions {
        let audiences: Vec<_> = restriction
            .children_named(SAML, "Audience")
            .map(|audience| audience.trimmed().unwrap_or_default())
            .collect();
        if !audiences.iter().any(|audience| audience == request.sp_entity_id) {
            let found = audiences.join(" ");
            return Err(Rejection::differs(Check::Audience, request.sp_entity_id, Some(&found)));
        }
    }
    Ok(())
}

/// Checks the authentication statements (SAML core §2.7.2). The first one speaks; the earliest end counts.
fn authn_statement(
    request: &ResponseCheck<'_>,
    clock: &Clock,
    assertion: Element<'_>,
    trace: &mut Trace,
) -> Result<Authn, Rejection> {
    let statements: Vec<_> = assertion.children_named(SAML, "AuthnStatement").collect();
    let Some(statement) = statements.first() else {
        return Err(Rejection::new(Check::AuthnStatement, "there is no AuthnStatement"));
    };
    let name = "AuthnInstant";
    let instant = required(Check::AuthnStatement, name, statement.attribute(name))?;
    if clock.is_ahead(instant) {
        let detail = format!("authenticated at {instant}, now {}", clock.text());
        return Err(Rejection::new(Check::AuthnStatement, detail));
    }
    trace.pass(Check::AuthnStatement, statement.attribute(name).unwrap_or_default());

    let mut session_end = None;
    for statement in &statements {
        let name = "SessionNotOnOrAfter";
        let Some(end) = optional(Check::Session, name, statement.attribute(name))? else { continue };
        if clock.has_ended(end) {
            let detail = format!("the session ended at {end}, now {}", clock.text());
            return Err(Rejection::new(Check::Session, detail));
        }
        session_end = session_end.map_or(Some(end), |earlier: DateTime<Utc>| Some(earlier.min(end)));
    }
    trace.pass(Check::Session, session_end.map_or("no end stated".to_owned(), crate::instant::format));

    let class = statement
        .first(SAML, "AuthnContext")
        .and_then(|context| context.first(SAML, "AuthnContextClassRef")?.trimmed())
        .filter(|class| !class.is_empty());
    let accepted = request.options.required_authn_context;
    if !accepted.is_empty() && !class.as_ref().is_some_and(|class| accepted.contains(class)) {
        return Err(Rejection::differs(Check::AuthnContext, &accepted.join(" "), class.as_deref()));
    }
    trace.pass(Check::AuthnContext, class.as_deref().unwrap_or("none stated"));
    let session_index = statement.attribute("SessionIndex").map(str::to_owned);
    Ok(Authn { instant, session_index, session_end, context: class })
}

fn attributes(request: &ResponseCheck<'_>, assertion: Element<'_>) -> Result<Vec<Attribute>, Rejection> {
    let mut attributes = Vec::new();
    for statement in assertion.children_named(SAML, "AttributeStatement") {
        for child in statement.children() {
            if child.is(SAML, "Attribute") {
                attributes.push(attribute(child)?);
            } else if child.is(SAML, "EncryptedAttribute") {
                let document = Encrypted::read(child, Origin::Signed)?.open(request.decryption_keys)?;
                let tree = encryption::parse(&document)?;
                attributes.push(attribute(encryption::opened(tree.root()?, SAML, "Attribute")?)?);
            } else {
                let detail = format!("<{}> in the attribute statement", child.local());
                return Err(Rejection::new(Check::Attributes, detail));
            }
        }
    }
    Ok(attributes)
}

fn attribute(element: Element<'_>) -> Result<Attribute, Rejection> {
    let name = element.attribute("Name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Rejection::new(Check::Attributes, "an attribute without a name"))?;
    let mut values = Vec::new();
    for value in element.children() {
        if !value.is(SAML, "AttributeValue") {
            let detail = format!("<{}> in the attribute {name:?}", value.local());
            return Err(Rejection::new(Check::Attributes, detail));
        }
        if value.attribute_in(XSI, "nil").is_none_or(|nil| !matches!(nil, "true" | "1")) {
            values.push(attribute_value(name, value)?);
        }
    }
    let text = |attribute: &str| element.attribute(attribute).map(str::to_owned);
    let (friendly_name, name_format) = (text("FriendlyName"), text("NameFormat"));
    Ok(Attribute { name: name.to_owned(), friendly_name, name_format, values })
}

/// The whole text of a value, or of the only `NameID` in it, as `eduPersonTargetedID` has it.
fn attribute_value(name: &str, value: Element<'_>) -> Result<String, Rejection> {
    let mut children = value.children();
    let text = match (children.next(), children.next()) {
        (None, _) => value.text(),
        (Some(only), None) if only.is(SAML, "NameID") => only.trimmed(),
        _ => None,
    };
    text.ok_or_else(|| {
        let detail = format!("the attribute {name:?} has a value that is not plain text");
        Rejection::new(Check::Attributes, detail)
    })
}
