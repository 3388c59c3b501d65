//! The corpus, replayed: what is valid is accepted and names who it should, what is hostile is refused by the
//! check that should.

use std::collections::HashSet;

use orgate_saml::check::{Check, Outcome};
use orgate_saml::response::{Validation, peek, validate};

use crate::support::{Case, Identity};

pub(crate) const FOLDERS: [&str; 3] = ["valid", "libraries", "hostile"];

fn run(case: &Case) -> Validation {
    let keys = case.keys();
    validate(&case.check(&keys), &case.xml())
}

/// What is wrong with the verdict on a case.
pub(crate) fn complaint(case: &Case, validation: &Validation) -> Option<String> {
    let right = match (&validation.result, &case.expect, &case.identity) {
        (Ok(found), None, Some(expected)) => {
            expected.names(&Identity::from(found), case.folder == "libraries")
        }
        (Err(rejection), Some(expected), None) => rejection.check.name() == expected,
        (_, Some(_), Some(_)) | (_, None, None) => panic!("{}: either a check or an identity", case.name),
        _ => false,
    };
    let (expect, found) = (&case.expect, &validation.result);
    (!right).then(|| format!("{} ({}): expected {expect:?}, found {found:?}", case.name, case.note))
}

fn replay(folder: &str) {
    let wrong: Vec<_> = Case::all(folder).iter().filter_map(|case| complaint(case, &run(case))).collect();

    assert!(wrong.is_empty(), "{} of {folder}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_valid_is_accepted() {
    replay("valid");
}

#[test]
fn what_libraries_make_is_accepted() {
    replay("libraries");
}

#[test]
fn what_is_hostile_is_refused_by_the_right_check() {
    replay("hostile");
}

#[test]
fn the_corpus_reaches_every_check_of_a_response() {
    let expected: HashSet<_> = Case::all("hostile").into_iter().filter_map(|case| case.expect).collect();

    // Too large to be kept as files: see `limits`.
    let elsewhere = [Check::Size, Check::Complexity];
    for check in Check::RESPONSE {
        assert!(expected.contains(check.name()) || elsewhere.contains(check), "no case fails {check}");
    }
}

#[test]
fn a_trace_tells_every_check_in_order_and_no_secret() {
    for case in FOLDERS.iter().flat_map(|folder| Case::all(folder)) {
        let validation = run(&case);

        let steps = validation.trace.steps();
        let checks: Vec<_> = steps.iter().map(|step| step.check).collect();
        assert_eq!(checks, Check::RESPONSE, "{}", case.name);
        let failed: Vec<_> = steps.iter().filter(|step| step.outcome == Outcome::Failed).collect();
        match &validation.result {
            Ok(_) => assert!(failed.is_empty(), "{}", case.name),
            Err(rejection) => {
                assert_eq!(failed.len(), 1, "{}", case.name);
                assert_eq!((failed[0].check, &failed[0].detail), (rejection.check, &rejection.detail));
            }
        }
        assert!(steps.iter().all(|step| step.detail.chars().count() <= orgate_saml::check::MAX_DETAIL));
        if validation.result.is_ok() {
            assert!(steps.iter().all(|step| matches!(step.outcome, Outcome::Passed | Outcome::Skipped)));
        }
    }
}

#[test]
fn every_failure_of_decryption_reads_the_same() {
    let cases = Case::all("hostile").into_iter().filter(|case| case.expect.as_deref() == Some("decryption"));

    let texts: HashSet<_> = cases.map(|case| run(&case).result.expect_err("hostile").detail).collect();

    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[test]
fn the_message_is_shown_with_what_was_encrypted_in_it() {
    let case = |name: &str| Case::all("valid").into_iter().find(|case| case.name == name).expect("a case");

    let plain = run(&case("assertion-signed")).pretty_xml();
    let encrypted = run(&case("encrypted-gcm256")).pretty_xml();

    assert!(plain.contains("\n    <saml:Subject>"), "{plain}");
    assert!(encrypted.contains("EncryptedData") && encrypted.contains("alice@example.test"), "{encrypted}");
}

#[test]
fn hints_are_read_from_what_passes_the_scan() {
    let valid = Case::all("valid").into_iter().find(|case| case.name == "assertion-signed").expect("a case");

    let hints = peek(&valid.xml()).expect("hints");

    assert_eq!(hints.kind, "Response");
    assert_eq!(hints.issuer.as_deref(), Some(crate::support::IDP));
    assert_eq!(hints.in_response_to.as_deref(), Some(crate::support::REQUEST));
    assert_eq!(hints.destination.as_deref(), Some(crate::support::ACS));
    for case in Case::all("hostile") {
        let scanned =
            matches!(case.expect.as_deref(), Some("doctype" | "processing_instruction" | "encoding"));
        assert!(!scanned || peek(&case.xml()).is_none(), "{}", case.name);
    }
}
