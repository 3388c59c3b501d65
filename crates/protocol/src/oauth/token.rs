//! The token request and response (RFC 6749 §4.1.3, §5 and §6).

use std::fmt;

use serde::{Serialize, Serializer};

use super::pkce::CodeVerifier;
use super::token_exchange::{self, TokenExchange, TokenTypeId};
use super::{
    ErrorCode, ScopeSet, check_duplicates, check_organization, check_required, check_resource, check_scope,
};
use crate::params::Params;

pub use super::RequestError as TokenError;
pub use super::client_auth::PresentedClient;

/// What a client asks of the token endpoint; who it is, [`super::client_auth`] reads.
#[derive(Debug)]
pub struct TokenRequest {
    /// What it presents.
    pub grant: GrantRequest,
    /// An absolute URI (RFC 8707).
    pub resource: Option<String>,
}

/// The value of `grant_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// RFC 8628 §3.4.
    DeviceCode,
    /// RFC 7523.
    JwtBearer,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 8693.
    TokenExchange,
}

impl GrantType {
    /// Each of them.
    pub const ALL: [Self; 6] = [
        Self::AuthorizationCode,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::JwtBearer,
        Self::RefreshToken,
        Self::TokenExchange,
    ];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::RefreshToken => "refresh_token",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }

    /// Reads [`GrantType::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == text)
    }
}

/// The grant that is presented.
pub enum GrantRequest {
    /// `authorization_code`.
    AuthorizationCode {
        /// The code.
        code: String,
        /// To be the very text of the authorization request's.
        redirect_uri: String,
        /// The PKCE verifier.
        /// The PKCE verifier; a client that is exempt has none.
        code_verifier: Option<CodeVerifier>,
    },
    /// `client_credentials`.
    ClientCredentials {
        /// What is asked for; `None`: all that the client may have.
        scope: Option<ScopeSet>,
        /// The organization to act in, by id or slug, at most 128 bytes.
        organization: Option<String>,
    },
    /// `urn:ietf:params:oauth:grant-type:device_code`.
    DeviceCode {
        /// What the device polls with.
        device_code: String,
    },
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer`.
    JwtBearer {
        /// The assertion.
        assertion: String,
        /// Narrows the scope; `None` keeps what the assertion allows.
        scope: Option<ScopeSet>,
        /// The organization to act in, by id or slug, at most 128 bytes.
        organization: Option<String>,
    },
    /// `refresh_token`.
    RefreshToken {
        /// The refresh token.
        refresh_token: String,
        /// Narrows the scope; `None` keeps it.
        scope: Option<ScopeSet>,
    },
    /// `urn:ietf:params:oauth:grant-type:token-exchange`.
    TokenExchange(TokenExchange),
}

/// The kind only: the rest is secret.
impl fmt::Debug for GrantRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.grant_type())
    }
}

impl GrantRequest {
    /// Which grant it is.
    pub const fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            Self::ClientCredentials { .. } => GrantType::ClientCredentials,
            Self::DeviceCode { .. } => GrantType::DeviceCode,
            Self::JwtBearer { .. } => GrantType::JwtBearer,
            Self::RefreshToken { .. } => GrantType::RefreshToken,
            Self::TokenExchange(_) => GrantType::TokenExchange,
        }
    }
}

/// Reads a token request.
pub fn parse(params: &Params) -> Result<TokenRequest, TokenError> {
    check_duplicates(params)?;
    Ok(TokenRequest { grant: check_grant(params)?, resource: check_resource(params)? })
}

fn check_grant(params: &Params) -> Result<GrantRequest, TokenError> {
    let text = check_required(params, "grant_type")?;
    let unknown = || TokenError::new(ErrorCode::UnsupportedGrantType, "the grant_type is not served");
    match GrantType::from_text(&text).ok_or_else(unknown)? {
        GrantType::AuthorizationCode => Ok(GrantRequest::AuthorizationCode {
            code: check_required(params, "code")?,
            redirect_uri: check_required(params, "redirect_uri")?,
            code_verifier: check_code_verifier(params)?,
        }),
        GrantType::ClientCredentials => Ok(GrantRequest::ClientCredentials {
            scope: check_scope(params)?,
            organization: check_organization(params)?,
        }),
        GrantType::DeviceCode => {
            Ok(GrantRequest::DeviceCode { device_code: check_required(params, "device_code")? })
        }
        GrantType::JwtBearer => Ok(GrantRequest::JwtBearer {
            assertion: check_required(params, "assertion")?,
            scope: check_scope(params)?,
            organization: check_organization(params)?,
        }),
        GrantType::RefreshToken => Ok(GrantRequest::RefreshToken {
            refresh_token: check_required(params, "refresh_token")?,
            scope: check_scope(params)?,
        }),
        GrantType::TokenExchange => token_exchange::parse(params).map(GrantRequest::TokenExchange),
    }
}

/// A malformed verifier is a wrong one: it can be no challenge's (RFC 7636 §4.6).
fn check_code_verifier(params: &Params) -> Result<Option<CodeVerifier>, TokenError> {
    let verifier = params.get("code_verifier").map(CodeVerifier::parse).transpose();
    verifier.map_err(|error| TokenError::new(ErrorCode::InvalidGrant, error.to_string()))
}

/// The successful answer (RFC 6749 §5.1, OIDC Core §3.1.3.3). It has no `Debug`: it is made of secrets.
#[derive(Serialize)]
pub struct TokenResponse {
    /// The access token; after an exchange, whatever was asked for.
    pub access_token: String,
    /// What it is, after an exchange (RFC 8693 §2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<TokenTypeId>,
    /// How it is presented.
    pub token_type: TokenType,
    /// Seconds until it expires.
    pub expires_in: u32,
    /// The refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The ID token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// What was granted.
    pub scope: ScopeSet,
}

/// The value of `token_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// RFC 6750.
    Bearer,
    /// RFC 9449 §5.
    Dpop,
    /// RFC 8693 §2.2.1: it is no access token.
    NotApplicable,
}

impl TokenType {
    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
            Self::NotApplicable => "N_A",
        }
    }
}

impl Serialize for TokenType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn read(body: &str) -> Result<TokenRequest, TokenError> {
        parse(&Params::parse(body).unwrap())
    }

    #[test]
    fn a_code_is_redeemed_with_its_redirect_uri_and_verifier() {
        let body = format!(
            "grant_type=authorization_code&code=oac_1&redirect_uri=https%3A%2F%2Fapp.test%2Fcb\
             &code_verifier={VERIFIER}&resource=https%3A%2F%2Fapi.test"
        );

        let TokenRequest { grant, resource } = read(&body).unwrap();

        assert_eq!(resource.as_deref(), Some("https://api.test"));
        assert_eq!(format!("{grant:?}"), "AuthorizationCode");
        let GrantRequest::AuthorizationCode { code, redirect_uri, .. } = grant else { panic!("{grant:?}") };
        assert_eq!((code.as_str(), redirect_uri.as_str()), ("oac_1", "https://app.test/cb"));
    }

    #[test]
    fn a_refresh_may_narrow_the_scope() {
        for (more, expected) in
            [("", None), ("&scope=", None), ("&scope=openid", ScopeSet::parse("openid").ok())]
        {
            let request = read(&format!("grant_type=refresh_token&refresh_token=ort_1{more}")).unwrap();
            let GrantRequest::RefreshToken { refresh_token, scope } = request.grant else { panic!("{more}") };
            assert_eq!((refresh_token.as_str(), scope), ("ort_1", expected));
        }
    }

    #[test]
    fn a_bad_request_gets_the_error_of_the_rfc() {
        for (body, code) in [
            ("", ErrorCode::InvalidRequest),
            ("grant_type=password&username=a&password=b", ErrorCode::UnsupportedGrantType),
            ("grant_type=implicit", ErrorCode::UnsupportedGrantType),
            ("grant_type=refresh_token", ErrorCode::InvalidRequest),
            ("grant_type=refresh_token&refresh_token=a&refresh_token=a", ErrorCode::InvalidRequest),
            ("grant_type=refresh_token&refresh_token=a&scope=%22", ErrorCode::InvalidScope),
            ("grant_type=refresh_token&refresh_token=a&resource=x", ErrorCode::InvalidTarget),
            ("grant_type=authorization_code", ErrorCode::InvalidRequest),
            ("grant_type=urn:ietf:params:oauth:grant-type:device_code", ErrorCode::InvalidRequest),
            ("grant_type=authorization_code&code=a", ErrorCode::InvalidRequest),
            ("grant_type=authorization_code&code=a&redirect_uri=b&code_verifier=c", ErrorCode::InvalidGrant),
        ] {
            assert_eq!(read(body).unwrap_err().code, code, "{body}");
        }
    }

    #[test]
    fn a_response_has_the_members_of_the_rfc() {
        let response = TokenResponse {
            access_token: "at".to_owned(),
            issued_token_type: None,
            token_type: TokenType::Bearer,
            expires_in: 600,
            refresh_token: None,
            id_token: Some("it".to_owned()),
            scope: ScopeSet::parse("openid email").unwrap(),
        };

        insta::assert_json_snapshot!(response, @r#"
        {
          "access_token": "at",
          "token_type": "Bearer",
          "expires_in": 600,
          "id_token": "it",
          "scope": "email openid"
        }
        "#);
    }
}
