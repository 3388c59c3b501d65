//! A response as it is posted by a browser: [`validate`].
//!
//! Nobody but those whom the corpus' good messages name ever signs in, and what comes after the signature, which
//! a credulous core lets anything reach, keeps to its own rules.

use orgate_saml::check::{Check, MAX_DETAIL, Outcome};
use orgate_saml::response::{
    Authentication, InResponseTo, MAX_PRETTY, ResponseCheck, Validation, peek, validate, validate_with,
};

use crate::credulous::Credulous;
use crate::world::{IDP, Identity, REQUEST, World};
use crate::{Finding, Verdict, Violation, demand};

/// Validates a response, and again with signatures believed.
pub fn run(input: &[u8]) -> Finding {
    let world = World::get()?;
    let hints = peek(input);
    let issuer = hints.as_ref().and_then(|hints| hints.issuer.as_ref());
    let issuer = issuer.filter(|issuer| world.issuers.contains(issuer)).map_or(IDP, String::as_str);
    let answers = hints.as_ref().is_none_or(|hints| hints.in_response_to.is_some());
    let in_response_to = if answers { InResponseTo::Exactly(REQUEST) } else { InResponseTo::Unsolicited };
    let check = world.response_check(issuer, in_response_to);

    let validation = validate(&check, input);
    demand_order(&validation)?;
    match &validation.result {
        Ok(found) => {
            demand_known(world, found)?;
            demand_rules(&check, found)?;
            Ok(Verdict::Accepted)
        }
        Err(rejection) => {
            if rejection.check == Check::SignatureValid {
                after_signature(&check, input)?;
            }
            Ok(Verdict::Refused)
        }
    }
}

fn demand_known(world: &World, found: &Authentication) -> Result<(), Violation> {
    let identity = Identity::from(found);
    demand(world.identities.contains(&identity), || format!("nobody vouched for {identity:?}"))
}

fn after_signature(check: &ResponseCheck<'_>, input: &[u8]) -> Result<(), Violation> {
    let validation = validate_with(&Credulous, check, input);
    demand_order(&validation)?;
    validation.result.as_ref().map_or(Ok(()), |found| demand_rules(check, found))
}

/// The trace tells every check once, and of failures the one that refused.
fn demand_order(validation: &Validation) -> Result<(), Violation> {
    let steps = validation.trace.steps();
    demand(steps.iter().map(|step| step.check).eq(Check::RESPONSE.iter().copied()), || {
        "the trace is not the list of checks".to_owned()
    })?;
    let failed = steps.iter().filter(|step| step.outcome == Outcome::Failed).map(|step| step.check);
    let refused = validation.result.as_ref().err().map(|rejection| rejection.check);
    demand(failed.eq(refused), || {
        format!("the trace does not fail where the response was refused: {refused:?}")
    })?;
    let bounded = steps.iter().all(|step| step.detail.chars().count() <= MAX_DETAIL);
    demand(bounded, || "a detail is longer than it may be".to_owned())?;
    demand(validation.pretty_xml().chars().count() <= MAX_PRETTY, || "the text is too long".to_owned())
}

fn demand_rules(check: &ResponseCheck<'_>, found: &Authentication) -> Result<(), Violation> {
    demand(found.issuer == check.idp_entity_id, || format!("issued by {}", found.issuer))?;
    let name = &found.name_id.value;
    demand(!name.is_empty() && name.trim() == name, || format!("a subject {name:?}"))?;
    demand(!found.assertion_id.is_empty(), || "an assertion without an id".to_owned())?;
    demand(found.valid_until > check.now, || format!("accepted, and of no use since {}", found.valid_until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_a_violation_once_signatures_are_believed() {
        let path =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/saml/tests/corpus/valid/assertion-signed.xml");
        let good = std::fs::read_to_string(path).unwrap();
        let world = World::get().unwrap();
        let check = world.response_check(IDP, InResponseTo::Exactly(REQUEST));
        let believed = |xml: &str| validate_with(&Credulous, &check, xml.as_bytes()).result.unwrap();

        let alice = believed(&good);
        let mallory = believed(&good.replace("alice@", "mallory@"));

        assert_eq!(run(good.as_bytes()), Ok(Verdict::Accepted));
        assert_eq!(demand_known(world, &alice), Ok(()));
        assert!(demand_known(world, &mallory).is_err());
    }
}
