//! The plan FAPI 2.0 Security Profile (Final), with `private_key_jwt` and DPoP, plain responses and requests that
//! are pushed; the modules about signed requests are about request objects that are pushed.

mod bank;
mod flow;
mod issuer;
mod races;
mod requests;
mod tokens;

use std::collections::BTreeSet;

use super::tests_of;

pub(super) fn tests() -> BTreeSet<&'static str> {
    let sources =
        [include_str!("fapi2/flow.rs"), include_str!("fapi2/requests.rs"), include_str!("fapi2/tokens.rs")];
    sources.into_iter().flat_map(tests_of).collect()
}

/// Their names in the suite, without `fapi2-security-profile-final-`, which each of them begins with.
pub(super) const MODULES: [&str; 63] = [
    "access-token-type-header-case-sensitivity",
    "attempt-reuse-authorization-code-after-one-second",
    "check-dpop-proof-nbf-exp",
    "discovery-end-point-verification",
    "dpop-negative-tests",
    "ensure-authorization-request-with-64-char-nonce-success",
    "ensure-authorization-request-with-long-nonce",
    "ensure-authorization-request-with-long-state",
    "ensure-authorization-request-without-nonce-success",
    "ensure-authorization-request-without-state-success",
    "ensure-different-nonce-inside-and-outside-request-object",
    "ensure-different-state-inside-and-outside-request-object",
    "ensure-dpop-auth-code-binding-success",
    "ensure-dpopproof-at-par-endpoint-binding-success",
    "ensure-dpopproof-with-iat-10seconds-after-succeeds",
    "ensure-dpopproof-with-iat-10seconds-before-succeeds",
    "ensure-expired-request-object-fails",
    "ensure-holder-of-key-required",
    "ensure-matching-key-in-authorization-request",
    "ensure-mismatched-dpop-jkt-fails",
    "ensure-other-scope-order-succeeds",
    "ensure-pkce-code-verifier-required",
    "ensure-redirect-uri-in-authorization-request",
    "ensure-registered-redirect-uri",
    "ensure-request-object-signature-algorithm-is-not-none",
    "ensure-request-object-with-bad-aud-fails",
    "ensure-request-object-with-exp-over-60-fails",
    "ensure-request-object-with-invalid-signature-fails",
    "ensure-request-object-with-multiple-aud-succeeds",
    "ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted",
    "ensure-request-object-with-nbf-over-60-fails",
    "ensure-request-object-without-exp-fails",
    "ensure-request-object-without-nbf-fails",
    "ensure-request-object-without-redirect-uri-fails",
    "ensure-response-type-code-idtoken-fails",
    "ensure-response-type-token-fails",
    "ensure-server-handles-non-matching-intent-id",
    "ensure-signed-request-object-with-RS256-fails",
    "ensure-token-endpoint-fails-with-expired-auth-code",
    "ensure-token-endpoint-fails-with-mismatched-dpop-jkt",
    "ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt",
    "ensure-unsigned-authorization-request-without-using-par-fails",
    "ensure-unsigned-request-at-par-endpoint-fails",
    "happy-flow",
    "incorrect-pkce-code-verifier-rejected",
    "par-attempt-invalid-http-method",
    "par-attempt-reuse-request_uri",
    "par-attempt-to-use-expired-request_uri",
    "par-authorization-request-containing-request_uri",
    "par-authorization-request-containing-request_uri-form-param",
    "par-ensure-pkce-required",
    "par-ensure-reused-request-uri-prior-to-auth-completion-succeeds",
    "par-plain-pkce-rejected",
    "par-test-array-as-audience-fails",
    "par-test-par-endpoint-url-as-audience-fails",
    "par-test-token-endpoint-url-as-audience-fails",
    "par-without-duplicate-parameters",
    "plain-fapi-tolerate-unregistered-redirect-uri",
    "refresh-token",
    "state-only-outside-request-object-not-used",
    "test-claims-parameter-identity-claims",
    "test-essential-acr-sca-claim",
    "user-rejects-authentication",
];
