//! OAuth 2.0 and `OpenID` Connect messages.

mod acr;
pub mod authorize;
mod claims_request;
pub mod client_assertion;
pub mod client_auth;
mod error;
pub mod introspection;
pub mod logout;
pub mod metadata;
pub mod pkce;
pub mod redirect_uri;
pub mod registration;
pub mod request_object;
pub mod response;
mod scope;
pub mod token;
pub mod token_exchange;

pub use acr::Acr;
pub use claims_request::{ClaimsRequest, RequestedClaims};
pub use error::{ErrorCode, RequestError};
pub use scope::{InvalidScope, ScopeSet};

use crate::params::Params;

/// RFC 6749 §3.1: no parameter twice. RFC 8707 §2 would allow several `resource`s; one is served.
fn check_duplicates(params: &Params) -> Result<(), RequestError> {
    match params.duplicated() {
        None => Ok(()),
        Some("resource") => {
            Err(RequestError::new(ErrorCode::InvalidTarget, "only one resource may be asked for"))
        }
        Some(name) => Err(RequestError::invalid_request(format!("{name} is given more than once"))),
    }
}

/// An optional parameter of at most `max` bytes.
fn check_length(params: &Params, name: &'static str, max: usize) -> Result<Option<String>, RequestError> {
    match params.get(name) {
        Some(value) if value.len() > max => {
            Err(RequestError::invalid_request(format!("{name} is longer than {max} bytes")))
        }
        value => Ok(value.map(str::to_owned)),
    }
}

fn check_required(params: &Params, name: &'static str) -> Result<String, RequestError> {
    let missing = || RequestError::invalid_request(format!("{name} is missing"));
    params.get(name).map(str::to_owned).ok_or_else(missing)
}

/// RFC 6749 §3.3. Absent reads as empty: what that means is the client's registration to say.
fn check_scope(params: &Params) -> Result<Option<ScopeSet>, RequestError> {
    let scope = params.get("scope").map(ScopeSet::parse).transpose();
    scope.map_err(|error| RequestError::new(ErrorCode::InvalidScope, error.to_string()))
}

/// RFC 8707 §2: an absolute URI without a fragment.
fn check_resource(params: &Params) -> Result<Option<String>, RequestError> {
    let Some(resource) = params.get("resource") else { return Ok(None) };
    let plain = resource.len() <= 2048 && resource.bytes().all(|byte| byte.is_ascii_graphic());
    if plain && !resource.contains('#') && url::Url::parse(resource).is_ok() {
        Ok(Some(resource.to_owned()))
    } else {
        Err(RequestError::new(ErrorCode::InvalidTarget, "resource is not an absolute URI without a fragment"))
    }
}

/// An organization's id or slug, under any of its names; at most 128 bytes.
fn check_organization(params: &Params) -> Result<Option<String>, RequestError> {
    let mut named = None;
    for name in ["organization", "organization_id", "tenant"] {
        let Some(text) = check_length(params, name, 128)? else { continue };
        match (name, text.as_str()) {
            // Enterprise Extensions §3.2: whichever organization the account is of.
            ("tenant", "organization") => continue,
            ("tenant", "personal") => {
                return Err(RequestError::invalid_request(
                    "every account is an organization's, none is personal",
                ));
            }
            _ => {}
        }
        if named.get_or_insert_with(|| text.clone()) != &text {
            let text = "organization, organization_id and tenant name the same thing, and differ";
            return Err(RequestError::new(ErrorCode::OrganizationMismatch, text));
        }
    }
    Ok(named)
}

/// Whether this has the form of a language tag (BCP 47), of 35 characters at most.
pub fn is_language_tag(text: &str) -> bool {
    (1..=35).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// OIDC Core §3.1.2.1: language tags in order of preference. A wish, so what is no tag is passed over.
pub fn check_ui_locales(params: &Params) -> Vec<String> {
    let tags = params.get("ui_locales").unwrap_or_default().split(' ').filter(|tag| is_language_tag(tag));
    tags.take(16).map(str::to_owned).collect()
}
