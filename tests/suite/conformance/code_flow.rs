//! The modules of the plans Basic OP and Form Post OP, whose tests differ in how the answer travels.

use orgate_tests::app::CALLBACK;

mod answers;
mod claims;
mod requests;
mod sessions;
mod tokens;

pub(super) use answers::*;
pub(super) use claims::*;
pub(super) use requests::*;
pub(super) use sessions::*;
pub(super) use tokens::*;

/// Declares `notes` anew, with this line more.
fn notes(line: &str) -> String {
    format!(
        "clients:
  - client_id: notes
    organization: operator
    name: Notes
    type: web
    audience: all
    client_secret: \"${{SECRET}}\"
    redirect_uris: [\"{CALLBACK}\"]
    resource: notes
    {line}"
    )
}

/// A test for each module, in the response mode that is named.
macro_rules! tests_in {
    ($mode:expr) => {
        crate::conformance::code_flow::tests! {
            $mode;
            oidcc_server
            oidcc_response_type_missing
            oidcc_idtoken_signature
            oidcc_idtoken_unsigned
            oidcc_userinfo_get
            oidcc_userinfo_post_header
            oidcc_userinfo_post_body
            oidcc_ensure_request_without_nonce_succeeds_for_code_flow
            oidcc_scope_profile
            oidcc_scope_email
            oidcc_scope_address
            oidcc_scope_phone
            oidcc_scope_all
            oidcc_alternate_happy_flow
            oidcc_display_page
            oidcc_display_popup
            oidcc_prompt_login
            oidcc_prompt_none_not_logged_in
            oidcc_prompt_none_logged_in
            oidcc_max_age_1
            oidcc_max_age_10000
            oidcc_ensure_request_with_unknown_parameter_succeeds
            oidcc_id_token_hint
            oidcc_login_hint
            oidcc_ui_locales
            oidcc_claims_locales
            oidcc_ensure_request_with_acr_values_succeeds
            oidcc_codereuse
            oidcc_codereuse_30seconds
            oidcc_ensure_registered_redirect_uri
            oidcc_ensure_post_request_succeeds
            oidcc_server_client_secret_post
            oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported
            oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported
            oidcc_claims_essential
            oidcc_ensure_request_object_with_redirect_uri
            oidcc_refresh_token
            oidcc_ensure_request_with_valid_pkce_succeeds
        }
    };
}

macro_rules! tests {
    ($mode:expr; $($module:ident)*) => {
        /// Their names.
        pub(super) const TESTS: &[&str] = &[$(stringify!($module)),*];

        $(
            #[tokio::test]
            async fn $module() {
                let rp = crate::conformance::relying_party::RelyingParty::start($mode).await;
                crate::conformance::code_flow::$module(rp).await;
            }
        )*
    };
}

pub(super) use {tests, tests_in};
