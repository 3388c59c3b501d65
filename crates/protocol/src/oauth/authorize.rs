//! The authorization request (RFC 6749 §4.1.1, OIDC Core §3.1.2.1).
//!
//! `client_id` and `redirect_uri` are read before, straight from [`Params`]: until both are proven, an error
//! has no client to go to.

use std::collections::BTreeSet;

use super::pkce::CodeChallenge;
use super::{
    ClaimsRequest, check_duplicates, check_length, check_organization, check_resource, check_scope,
    check_ui_locales,
};
use crate::params::Params;

pub use super::{ErrorCode, RequestError, ScopeSet};

/// What a client asks for. `response_type` is `code`, the only one served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// How the answer travels.
    pub response_mode: ResponseMode,
    /// Empty if absent.
    pub scope: ScopeSet,
    /// Given back as it came; at most 2048 bytes.
    pub state: Option<String>,
    /// For the ID token; at most 512 bytes.
    pub nonce: Option<String>,
    /// `None` only as [`PkceRule::OrNonce`] allows.
    pub code_challenge: Option<CodeChallenge>,
    /// [`Prompt::None`] is alone if present.
    pub prompt: BTreeSet<Prompt>,
    /// Most seconds since the user authenticated.
    pub max_age: Option<u32>,
    /// At most 320 bytes: an e-mail address.
    pub login_hint: Option<String>,
    /// At most 253 bytes: a domain.
    pub domain_hint: Option<String>,
    /// Language tags, best first.
    pub ui_locales: Vec<String>,
    /// Unverified; at most 16 KiB.
    pub id_token_hint: Option<String>,
    /// `organization`, or its aliases `organization_id` and `tenant`: an id or a slug, at most 128 bytes.
    pub organization: Option<String>,
    /// Best first. A wish (OIDC Core §5.5.1.1), which may go unmet.
    pub acr_values: Vec<String>,
    /// Empty if absent; at most 4 KiB.
    pub claims: ClaimsRequest,
    /// An absolute URI (RFC 8707).
    pub resource: Option<String>,
    /// The thumbprint of the key that the code is to be bound to (RFC 9449 §10).
    pub dpop_jkt: Option<String>,
}

/// A value of `prompt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Prompt {
    /// Ask for consent.
    Consent,
    /// Authenticate again.
    Login,
    /// Ask nothing: answer or fail.
    None,
    /// Let the person choose.
    SelectAccount,
}

impl Prompt {
    /// Every value.
    pub const ALL: [Self; 4] = [Self::None, Self::Login, Self::Consent, Self::SelectAccount];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Login => "login",
            Self::None => "none",
            Self::SelectAccount => "select_account",
        }
    }

    /// Reads [`Prompt::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|prompt| prompt.as_str() == text)
    }
}

/// How the answer travels to the client. `fragment` is not served: fragments leak into scripts and histories
/// (RFC 9700 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResponseMode {
    /// A form that posts itself (OAuth 2.0 Form Post Response Mode).
    FormPost,
    /// In the redirect URI's query.
    #[default]
    Query,
}

impl ResponseMode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Query, Self::FormPost];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FormPost => "form_post",
            Self::Query => "query",
        }
    }

    /// Reads [`ResponseMode::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }

    /// The mode in which a request that does not parse is answered: the one it asks for, if that is one.
    pub fn of(params: &Params) -> Self {
        check_response_mode(params).unwrap_or_default()
    }
}

/// What binds a code to who asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PkceRule {
    /// A nonce will do where there is no challenge (RFC 9700 §2.1.1): for a confidential client that was
    /// exempted.
    OrNonce,
    /// A challenge, always.
    Required,
}

/// Reads an authorization request whose client and redirect URI are proven.
pub fn parse(params: &Params, pkce: PkceRule) -> Result<AuthorizationRequest, RequestError> {
    check_duplicates(params)?;
    check_request_objects(params)?;
    check_response_type(params)?;
    Ok(AuthorizationRequest {
        scope: check_scope(params)?.unwrap_or_default(),
        state: check_length(params, "state", 2048)?,
        response_mode: check_response_mode(params)?,
        nonce: check_length(params, "nonce", 512)?,
        code_challenge: check_pkce(params, pkce)?,
        prompt: check_prompt(params)?,
        max_age: check_max_age(params)?,
        ui_locales: check_ui_locales(params),
        id_token_hint: check_length(params, "id_token_hint", 16 * 1024)?,
        login_hint: check_length(params, "login_hint", 320)?,
        domain_hint: check_length(params, "domain_hint", 253)?,
        claims: check_claims(params)?,
        acr_values: check_acr_values(params),
        resource: check_resource(params)?,
        dpop_jkt: check_dpop_jkt(params)?,
        organization: check_organization(params)?,
    })
}

/// What of a device's request is read, and so kept.
pub const DEVICE_PARAMETERS: [&str; 7] =
    ["scope", "resource", "organization", "organization_id", "tenant", "acr_values", "max_age"];

/// Reads a device authorization request (RFC 8628 §3.1): it asks for what any other asks for, and names
/// no address for the answer.
pub fn parse_device(params: &Params) -> Result<AuthorizationRequest, RequestError> {
    check_duplicates(params)?;
    Ok(AuthorizationRequest {
        scope: check_scope(params)?.unwrap_or_default(),
        max_age: check_max_age(params)?,
        acr_values: check_acr_values(params),
        resource: check_resource(params)?,
        organization: check_organization(params)?,
        response_mode: ResponseMode::default(),
        state: None,
        nonce: None,
        code_challenge: None,
        prompt: BTreeSet::new(),
        ui_locales: Vec::new(),
        id_token_hint: None,
        login_hint: None,
        domain_hint: None,
        claims: ClaimsRequest::default(),
        dpop_jkt: None,
    })
}

/// OIDC Core §6 and §7.2.1: to be refused where unsupported, never ignored. What is read here is the request
/// itself: an object that was taken apart holds no other.
fn check_request_objects(params: &Params) -> Result<(), RequestError> {
    let refuse = |name, code, description| match params.get(name) {
        Some(_) => Err(RequestError::new(code, description)),
        None => Ok(()),
    };
    refuse("request", ErrorCode::RequestNotSupported, "request objects are not supported")?;
    refuse("request_uri", ErrorCode::RequestUriNotSupported, "request_uri is not supported")?;
    refuse("registration", ErrorCode::RegistrationNotSupported, "registration is not supported")
}

fn check_response_type(params: &Params) -> Result<(), RequestError> {
    match params.get("response_type") {
        Some("code") => Ok(()),
        Some(_) => Err(RequestError::new(ErrorCode::UnsupportedResponseType, "response_type is not code")),
        None => Err(RequestError::invalid_request("response_type is missing")),
    }
}

fn check_response_mode(params: &Params) -> Result<ResponseMode, RequestError> {
    let Some(text) = params.get("response_mode") else { return Ok(ResponseMode::default()) };
    let unknown = || RequestError::invalid_request("response_mode is neither query nor form_post");
    ResponseMode::from_text(text).ok_or_else(unknown)
}

/// RFC 7636 §4.3: an absent method means `plain`, which is refused as `plain` is.
fn check_pkce(params: &Params, rule: PkceRule) -> Result<Option<CodeChallenge>, RequestError> {
    let Some(challenge) = params.get("code_challenge") else {
        return match rule {
            // Only an ID token brings the nonce back.
            PkceRule::OrNonce if params.get("nonce").is_some() && asks_for_id_token(params) => Ok(None),
            PkceRule::OrNonce => Err(RequestError::invalid_request(
                "nonce or the scope openid is missing: without PKCE they tie the answer to its request",
            )),
            PkceRule::Required => {
                Err(RequestError::invalid_request("code_challenge is missing: PKCE is required"))
            }
        };
    };
    if params.get("code_challenge_method") != Some("S256") {
        return Err(RequestError::invalid_request("code_challenge_method is not S256"));
    }
    let challenge = CodeChallenge::parse(challenge);
    challenge.map(Some).map_err(|error| RequestError::invalid_request(error.to_string()))
}

fn asks_for_id_token(params: &Params) -> bool {
    params.get("scope").is_some_and(|scope| scope.split(' ').any(|token| token == "openid"))
}

/// RFC 9449 §10: a SHA-256 thumbprint in base64url, which takes 43 characters.
fn check_dpop_jkt(params: &Params) -> Result<Option<String>, RequestError> {
    let Some(text) = params.get("dpop_jkt") else { return Ok(None) };
    let is_thumbprint =
        text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let malformed = || RequestError::invalid_request("dpop_jkt is not a thumbprint");
    is_thumbprint.then(|| Some(text.to_owned())).ok_or_else(malformed)
}

fn check_prompt(params: &Params) -> Result<BTreeSet<Prompt>, RequestError> {
    let mut prompts = BTreeSet::new();
    for text in params.get("prompt").unwrap_or_default().split(' ').filter(|text| !text.is_empty()) {
        let unknown = || RequestError::invalid_request("prompt has an unknown value");
        prompts.insert(Prompt::from_text(text).ok_or_else(unknown)?);
    }
    if prompts.contains(&Prompt::None) && prompts.len() > 1 {
        return Err(RequestError::invalid_request("prompt none stands alone"));
    }
    Ok(prompts)
}

fn check_max_age(params: &Params) -> Result<Option<u32>, RequestError> {
    let Some(text) = params.get("max_age") else { return Ok(None) };
    let seconds = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    seconds.map(Some).ok_or_else(|| RequestError::invalid_request("max_age is not a number of seconds"))
}

fn check_claims(params: &Params) -> Result<ClaimsRequest, RequestError> {
    params.get("claims").map_or_else(|| Ok(ClaimsRequest::default()), ClaimsRequest::parse)
}

fn check_acr_values(params: &Params) -> Vec<String> {
    let values = params.get("acr_values").unwrap_or_default().split(' ');
    values.filter(|value| (1..=255).contains(&value.len())).take(16).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINIMAL: &str = "response_type=code&code_challenge_method=S256\
                           &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn read(more: &str) -> Result<AuthorizationRequest, RequestError> {
        parse(&Params::parse(&format!("{MINIMAL}&{more}")).unwrap(), PkceRule::Required)
    }

    /// The minimal request without the parameter `name`, and with `more`.
    fn read_without(name: &str, more: &str) -> Result<AuthorizationRequest, RequestError> {
        let rest: Vec<_> = MINIMAL.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
        parse(&Params::parse(&format!("{}&{more}", rest.join("&"))).unwrap(), PkceRule::Required)
    }

    #[test]
    fn a_minimal_request_has_defaults() {
        let request = read("").unwrap();

        assert_eq!(request.response_mode, ResponseMode::Query);
        assert!(request.scope.is_empty() && request.prompt.is_empty());
        assert_eq!((request.state, request.max_age, request.organization), (None, None, None));
    }

    #[test]
    fn a_full_request_is_read_in_full() {
        let request = read(
            "scope=openid+email&state=%C3%A9%3D&response_mode=form_post&nonce=n&prompt=login+select_account\
             &max_age=0&ui_locales=de-CH+%3Cb%3E+en&id_token_hint=a.b.c&login_hint=a%40acme.test\
             &domain_hint=acme.test&acr_values=mfa+pwd&organization=acme&organization_id=acme\
             &resource=https%3A%2F%2Fapi.test%2F&display=popup&claims=%7B%7D",
        )
        .unwrap();

        insta::assert_debug_snapshot!(request, @r#"
        AuthorizationRequest {
            response_mode: FormPost,
            scope: email openid,
            state: Some(
                "é=",
            ),
            nonce: Some(
                "n",
            ),
            code_challenge: Some(
                E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM,
            ),
            prompt: {
                Login,
                SelectAccount,
            },
            max_age: Some(
                0,
            ),
            login_hint: Some(
                "a@acme.test",
            ),
            domain_hint: Some(
                "acme.test",
            ),
            ui_locales: [
                "de-CH",
                "en",
            ],
            id_token_hint: Some(
                "a.b.c",
            ),
            organization: Some(
                "acme",
            ),
            acr_values: [
                "mfa",
                "pwd",
            ],
            claims: ClaimsRequest {
                userinfo: {},
                id_token: {},
            },
            resource: Some(
                "https://api.test/",
            ),
            dpop_jkt: None,
        }
        "#);
    }

    #[test]
    fn a_bad_parameter_gets_the_error_of_its_specification() {
        let long = |name: &str, length| format!("{name}={}", "x".repeat(length));
        for (more, code) in [
            ("scope=%22", ErrorCode::InvalidScope),
            ("response_mode=fragment", ErrorCode::InvalidRequest),
            ("response_mode=query.jwt", ErrorCode::InvalidRequest),
            ("prompt=none+login", ErrorCode::InvalidRequest),
            ("prompt=create", ErrorCode::InvalidRequest),
            ("max_age=-1", ErrorCode::InvalidRequest),
            ("max_age=%2B1", ErrorCode::InvalidRequest),
            ("max_age=4294967296", ErrorCode::InvalidRequest),
            ("max_age=1e3", ErrorCode::InvalidRequest),
            ("request=eyJ9", ErrorCode::RequestNotSupported),
            ("request_uri=urn%3Ax", ErrorCode::RequestUriNotSupported),
            ("registration=%7B%7D", ErrorCode::RegistrationNotSupported),
            ("organization=acme&organization_id=globex", ErrorCode::OrganizationMismatch),
            ("organization=acme&organization_id=ACME", ErrorCode::OrganizationMismatch),
            ("organization=acme&tenant=globex", ErrorCode::OrganizationMismatch),
            ("tenant=personal", ErrorCode::InvalidRequest),
            ("resource=api", ErrorCode::InvalidTarget),
            ("resource=https%3A%2F%2Fapi.test%2F%23x", ErrorCode::InvalidTarget),
            ("resource=https%3A%2F%2Fapi.test%2F+", ErrorCode::InvalidTarget),
            ("resource=a%3Ab&resource=a%3Ac", ErrorCode::InvalidTarget),
            ("claims=%5B%5D", ErrorCode::InvalidRequest),
            ("foo=1&foo=1", ErrorCode::InvalidRequest),
            ("state=a&state=b", ErrorCode::InvalidRequest),
            (&long("state", 2049), ErrorCode::InvalidRequest),
            (&long("nonce", 513), ErrorCode::InvalidRequest),
            (&long("login_hint", 321), ErrorCode::InvalidRequest),
            (&long("domain_hint", 254), ErrorCode::InvalidRequest),
            (&long("organization", 129), ErrorCode::InvalidRequest),
            (&long("organization_id", 129), ErrorCode::InvalidRequest),
            (&long("tenant", 129), ErrorCode::InvalidRequest),
        ] {
            assert_eq!(read(more).unwrap_err().code, code, "{more}");
        }
    }

    #[test]
    fn only_the_response_type_code_is_served() {
        let cases = [("", "invalid_request"), ("response_type=token", "unsupported_response_type")];
        for (more, code) in cases {
            assert_eq!(read_without("response_type", more).unwrap_err().code.as_str(), code);
        }
        let hybrid = read_without("response_type", "response_type=code+id_token").unwrap_err();
        assert_eq!(hybrid.code, ErrorCode::UnsupportedResponseType);
    }

    #[test]
    fn pkce_is_demanded_and_cannot_be_downgraded() {
        for (name, more) in [
            ("code_challenge", ""),
            ("code_challenge", "code_challenge="),
            ("code_challenge", "code_challenge=short"),
            ("code_challenge_method", ""),
            ("code_challenge_method", "code_challenge_method=plain"),
            ("code_challenge_method", "code_challenge_method=s256"),
        ] {
            assert_eq!(
                read_without(name, more).unwrap_err().code,
                ErrorCode::InvalidRequest,
                "{name} {more}"
            );
        }
    }

    #[test]
    fn a_request_that_does_not_parse_is_answered_in_the_mode_it_asks_for() {
        let mode = |query| ResponseMode::of(&Params::parse(query).unwrap());

        assert_eq!(mode("response_mode=form_post&prompt=x"), ResponseMode::FormPost);
        assert_eq!(mode("response_mode=fragment"), ResponseMode::Query);
        assert_eq!(mode("response_mode=form_post&response_mode=form_post"), ResponseMode::Query);
    }

    proptest! {
        #[test]
        fn any_values_are_parsed_or_refused(
            pairs in proptest::collection::vec(
                ("(scope|state|prompt|max_age|ui_locales|acr_values|resource|organization)", any::<String>()),
                0..9,
            ),
        ) {
            let query = form_urlencoded::Serializer::new(MINIMAL.to_owned()).extend_pairs(pairs).finish();
            if let Ok(params) = Params::parse(&query) {
                let _ = parse(&params, PkceRule::OrNonce);
            }
        }
    }
}
