//! Verifying an ID token (OIDC Core §3.1.3.7).
//!
//! **Invariant:** an [`IdToken`] exists only for a token that the provider signed for this client and this sign-in.

use jsonwebtoken::{
    Algorithm, DecodingKey, Header, Validation, decode, decode_header,
    jwk::{Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;

use crate::browser::is_same_secret;

/// What is accepted; a key's own `alg` narrows it down. `none` and HMAC are not in it.
const ALGORITHMS: [Algorithm; 4] = [Algorithm::ES256, Algorithm::EdDSA, Algorithm::PS256, Algorithm::RS256];
/// How far clocks may differ, in seconds.
const LEEWAY: u64 = 30;

/// Who signed in, and to which organization.
#[derive(Debug)]
pub(super) struct IdToken {
    /// As it was sent, for `id_token_hint`.
    pub(super) jwt: String,
    pub(super) sub: String,
    pub(super) org_id: String,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
}

/// What the token must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
}

/// Why an ID token was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum IdTokenError {
    #[error("it is for another application")]
    Audience,
    #[error("its header cannot be accepted")]
    Header,
    #[error("it is from another issuer")]
    Issuer,
    #[error("it belongs to another sign-in")]
    Nonce,
    /// Malformed, expired or not signed by that key.
    #[error("{0}")]
    Refused(#[from] jsonwebtoken::errors::Error),
    #[error("the provider has no such key")]
    UnknownKey,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    nonce: Option<String>,
    org_id: String,
    name: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    /// More than one would name audiences that are not trusted here.
    ListOfOne([String; 1]),
}

impl IdToken {
    pub(super) fn verify(jwt: String, keys: &JwkSet, expected: &Expected<'_>) -> Result<Self, IdTokenError> {
        let header = decode_header(&jwt)?;
        check_header(&header)?;
        let key = find_key(keys, &header).ok_or(IdTokenError::UnknownKey)?;
        let claims: Claims =
            decode(&jwt, &DecodingKey::from_jwk(key)?, &signature_and_expiry(header.alg))?.claims;
        check_iss(&claims, expected)?;
        check_aud(&claims, expected)?;
        check_nonce(&claims, expected)?;
        Ok(Self { jwt, sub: claims.sub, org_id: claims.org_id, name: claims.name, email: claims.email })
    }
}

/// No extension is understood, so none may be critical (RFC 7515 §4.1.11); an access token is no ID token (RFC 9068
/// §2.1).
fn check_header(header: &Header) -> Result<(), IdTokenError> {
    let is_jwt = header.typ.as_deref().is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
    let accepted = is_jwt && header.crit.is_none() && ALGORITHMS.contains(&header.alg);
    if accepted { Ok(()) } else { Err(IdTokenError::Header) }
}

fn find_key<'k>(keys: &'k JwkSet, header: &Header) -> Option<&'k Jwk> {
    let key = keys.find(header.kid.as_deref()?)?;
    let signs = matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let same_algorithm = key.common.key_algorithm.is_none_or(|alg| alg == KeyAlgorithm::from(header.alg));
    (signs && same_algorithm).then_some(key)
}

/// The library would also accept a list of issuers, or of audiences, that has the right one in it: these two are
/// checked here.
fn signature_and_expiry(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.leeway = LEEWAY;
    validation.validate_nbf = true;
    validation.validate_aud = false;
    validation
}

fn check_iss(claims: &Claims, expected: &Expected<'_>) -> Result<(), IdTokenError> {
    if claims.iss == expected.issuer { Ok(()) } else { Err(IdTokenError::Issuer) }
}

fn check_aud(claims: &Claims, expected: &Expected<'_>) -> Result<(), IdTokenError> {
    let (Audience::One(aud) | Audience::ListOfOne([aud])) = &claims.aud;
    let authorized = claims.azp.as_ref().is_none_or(|azp| azp == expected.client_id);
    if aud == expected.client_id && authorized { Ok(()) } else { Err(IdTokenError::Audience) }
}

fn check_nonce(claims: &Claims, expected: &Expected<'_>) -> Result<(), IdTokenError> {
    let matches = claims.nonce.as_deref().is_some_and(|nonce| is_same_secret(nonce, expected.nonce));
    if matches { Ok(()) } else { Err(IdTokenError::Nonce) }
}
