//! The corpus, replayed: what is valid is accepted and names who it should, what is hostile is refused by the
//! check that should.

use std::collections::HashSet;

use orgate_saml::check::{Check, Outcome};
use orgate_saml::response::{Validation, peek, validate};

use crate::support::{Case, Identity};

fn run(case: &Case) -> Validation {
    let keys = case.keys();
    validate(&case.check(&keys), &case.xml())
}

fn replay(folder: &str) {
    let mut wrong = Vec::new();
    for case in Case::all(folder) {
        let validation = run(&case);
        let found = validation.result.as_ref().map(Identity::from).map_err(|r| r.check.name().to_owned());
        let expected = match (&case.expect, &case.identity) {
            (Some(check), None) => Err(check.clone()),
            (None, Some(_)) => Ok(case.identity.as_ref()),
            _ => panic!("{}: either a check or an identity", case.name),
        };
        let same = match (&found, &expected) {
            (Ok(found), Ok(expected)) => Some(found) == *expected,
            (Err(found), Err(expected)) => found == expected,
            _ => false,
        };
        if !same {
            wrong.push(format!(
                "{} ({}): expected {expected:?}, found {found:?}, {:?}",
                case.name,
                case.note,
                validation.result.err()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {folder}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_valid_is_accepted() {
    replay("valid");
}
