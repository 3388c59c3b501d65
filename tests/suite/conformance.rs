//! What the OpenID Foundation's conformance suite looks for in a provider: a test for each of its modules, by the
//! module's name, of the requirement behind the name. `docs/conformance.md` is the table.

use std::collections::BTreeSet;

mod backchannel_logout;
mod basic;
mod code_flow;
mod config;
mod fapi2;
mod form_post;
mod frontchannel_logout;
mod relying_party;
mod rp_initiated_logout;

/// A plan of the conformance suite.
struct Plan {
    /// As the suite and the table call it.
    name: &'static str,
    /// The Rust module that its tests are in.
    tests_in: &'static str,
    /// The suite's modules.
    modules: &'static [&'static str],
    /// The names of its tests.
    tests: BTreeSet<&'static str>,
}

fn plans() -> [Plan; 7] {
    [
        Plan {
            name: "Basic OP",
            tests_in: "basic",
            modules: &CODE_FLOW,
            tests: basic::TESTS.iter().copied().collect(),
        },
        Plan {
            name: "Form Post OP",
            tests_in: "form_post",
            modules: &CODE_FLOW,
            tests: form_post::TESTS.iter().copied().collect(),
        },
        Plan {
            name: "Config OP",
            tests_in: "config",
            modules: &["oidcc-discovery-endpoint-verification"],
            tests: tests_of(include_str!("conformance/config.rs")),
        },
        Plan {
            name: "RP-Initiated Logout OP",
            tests_in: "rp_initiated_logout",
            modules: &RP_INITIATED_LOGOUT,
            tests: tests_of(include_str!("conformance/rp_initiated_logout.rs")),
        },
        Plan {
            name: "Back-Channel Logout OP",
            tests_in: "backchannel_logout",
            modules: &[
                "oidcc-backchannel-logout-discovery-endpoint-verification",
                "oidcc-backchannel-rp-initiated-logout",
            ],
            tests: tests_of(include_str!("conformance/backchannel_logout.rs")),
        },
        Plan {
            name: "Front-Channel Logout OP",
            tests_in: "frontchannel_logout",
            modules: &[
                "oidcc-frontchannel-logout-discovery-endpoint-verification",
                "oidcc-frontchannel-rp-initiated-logout",
            ],
            tests: tests_of(include_str!("conformance/frontchannel_logout.rs")),
        },
        Plan {
            name: "FAPI 2.0 Security Profile Final",
            tests_in: "fapi2",
            modules: &fapi2::MODULES,
            tests: fapi2::tests(),
        },
    ]
}

const CODE_FLOW: [&str; 38] = [
    "oidcc-server",
    "oidcc-response-type-missing",
    "oidcc-idtoken-signature",
    "oidcc-idtoken-unsigned",
    "oidcc-userinfo-get",
    "oidcc-userinfo-post-header",
    "oidcc-userinfo-post-body",
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow",
    "oidcc-scope-profile",
    "oidcc-scope-email",
    "oidcc-scope-address",
    "oidcc-scope-phone",
    "oidcc-scope-all",
    "oidcc-alternate-happy-flow",
    "oidcc-display-page",
    "oidcc-display-popup",
    "oidcc-prompt-login",
    "oidcc-prompt-none-not-logged-in",
    "oidcc-prompt-none-logged-in",
    "oidcc-max-age-1",
    "oidcc-max-age-10000",
    "oidcc-ensure-request-with-unknown-parameter-succeeds",
    "oidcc-id-token-hint",
    "oidcc-login-hint",
    "oidcc-ui-locales",
    "oidcc-claims-locales",
    "oidcc-ensure-request-with-acr-values-succeeds",
    "oidcc-codereuse",
    "oidcc-codereuse-30seconds",
    "oidcc-ensure-registered-redirect-uri",
    "oidcc-ensure-post-request-succeeds",
    "oidcc-server-client-secret-post",
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
    "oidcc-claims-essential",
    "oidcc-ensure-request-object-with-redirect-uri",
    "oidcc-refresh-token",
    "oidcc-ensure-request-with-valid-pkce-succeeds",
];

const RP_INITIATED_LOGOUT: [&str; 11] = [
    "oidcc-rp-initiated-logout-discovery-endpoint-verification",
    "oidcc-rp-initiated-logout",
    "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri",
    "oidcc-rp-initiated-logout-modified-id-token-hint",
    "oidcc-rp-initiated-logout-no-id-token-hint",
    "oidcc-rp-initiated-logout-no-params",
    "oidcc-rp-initiated-logout-no-post-logout-redirect-uri",
    "oidcc-rp-initiated-logout-no-state",
    "oidcc-rp-initiated-logout-only-state",
    "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri",
    "oidcc-rp-initiated-logout-bad-id-token-hint",
];

/// The table that readers are shown.
const TABLE: &str = include_str!("../../docs/conformance.md");

/// The names of the tests in a file.
fn tests_of(source: &'static str) -> BTreeSet<&'static str> {
    let tests = source.split("#[tokio::test]\nasync fn ").skip(1);
    tests.filter_map(|rest| rest.split('(').next()).collect()
}

/// The name of a module's test.
fn test_of(module: &str) -> String {
    module.replace('-', "_").to_lowercase()
}

/// A row of the table: plan, module, test, section, what is deliberately stricter.
fn row(line: &str) -> Option<[&str; 5]> {
    let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").map(str::trim).collect();
    cells.try_into().ok()
}

#[test]
fn every_module_of_every_plan_has_a_test_and_a_row_in_the_table() {
    let rows: Vec<[&str; 5]> = TABLE.lines().filter_map(row).collect();
    let mut expected = BTreeSet::new();
    for plan in plans() {
        let modules: BTreeSet<String> = plan.modules.iter().map(|module| test_of(module)).collect();
        let tests: BTreeSet<String> = plan.tests.iter().map(|&test| test.to_owned()).collect();
        assert_eq!(tests, modules, "{}: its tests are its modules", plan.name);
        for module in plan.modules {
            let test = format!("`{}::{}`", plan.tests_in, test_of(module));
            expected.insert((plan.name, format!("`{module}`"), test));
        }
    }
    let described: Vec<_> = rows
        .iter()
        .filter(|[plan, ..]| plans().iter().any(|known| known.name == *plan))
        .map(|[plan, module, test, section, _]| {
            assert!(section.contains('§'), "{module} cites no section: {section:?}");
            (*plan, (*module).to_owned(), (*test).to_owned())
        })
        .collect();
    assert_eq!(described.len(), expected.len(), "a row a module");
    assert_eq!(described.into_iter().collect::<BTreeSet<_>>(), expected);
}
