//! Verifying an access token: RFC 9068 §4, and the organization on top.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use crate::{
    access_token::{AccessToken, Checked},
    builder::VerifierBuilder,
    clock::{Clock, seconds},
    dpop::Proofs,
    fetch::FetchError,
    introspection::Introspector,
    json::Object,
    jws::{CompactJws, Kind},
    key_cache::KeyCache,
    org_id::OrgId,
    rejection::Challenges,
    resource::ResourceMetadata,
};

/// Verifies the access tokens of one issuer for one backend. Share one in an [`Arc`]: it holds the cached keys, the
/// issuer's answers and the proofs that were seen.
pub struct Verifier {
    pub(crate) issuer: String,
    pub(crate) audiences: BTreeSet<String>,
    pub(crate) leeway: Duration,
    pub(crate) sender_constrained: SenderConstrained,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keys: Arc<KeyCache>,
    pub(crate) proofs: Option<Proofs>,
    pub(crate) introspector: Option<Introspector>,
    pub(crate) challenges: Arc<Challenges>,
    pub(crate) metadata: Option<ResourceMetadata>,
    #[cfg(feature = "axum")]
    pub(crate) places: crate::extract::OrganizationPlaces,
}

/// What becomes of tokens that are bound to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SenderConstrained {
    Accepted,
    Refused,
}

impl Verifier {
    /// Begins a verifier for tokens whose `iss` is exactly `issuer`, an `https` URL.
    pub fn builder(issuer: impl Into<String>) -> VerifierBuilder {
        VerifierBuilder::new(issuer.into())
    }

    /// Verifies a compact JWT access token, wherever it comes from. A backend that has a request in hand calls
    /// [`authorize`](Self::authorize), which sees proofs of possession too.
    ///
    /// Waits for the network only if the token names a key that the cached set does not have, or the policy is to
    /// introspect it, and then at most for the configured timeout.
    ///
    /// # Errors
    /// [`VerifyError::KeysUnavailable`] or [`VerifyError::IntrospectionUnavailable`] if the issuer is out of reach,
    /// which says nothing about the token; every other variant says why the token is refused.
    pub async fn verify(&self, token: &str) -> Result<AccessToken, VerifyError> {
        let token = self.check_token(token).await?;
        self.check_cnf(&token)?;
        Ok(token)
    }

    /// Everything but whether the token's holder has the key that it is bound to.
    pub(crate) async fn check_token(&self, text: &str) -> Result<AccessToken, VerifyError> {
        let mut jws = CompactJws::parse(text, Kind::AccessToken)?;
        let key = self.keys.find(&jws.kid()?, jws.algorithm).await?;
        let token = self.check_claims(jws.verify(&key.public)?)?;
        let Some(introspector) = &self.introspector else { return Ok(token) };
        // Only what the issuer has signed is asked about: strangers cannot make a backend ask.
        let confirmed = self.check_claims(introspector.ask(text).await?)?;
        if confirmed.is_same_as(&token) { Ok(confirmed) } else { Err(VerifyError::IntrospectionMismatch) }
    }

    /// What a token says, and an answer about it as well.
    fn check_claims(&self, claims: Object) -> Result<AccessToken, VerifyError> {
        let not_before = seconds(self.clock.now()).saturating_sub(self.leeway.as_secs());
        let checked = Checked { not_before, challenges: Arc::clone(&self.challenges) };
        let token = AccessToken::from_claims(claims, checked)?;
        self.check_iss(&token)?;
        self.check_aud(&token)?;
        self.check_times(&token)?;
        Ok(token)
    }

    /// Fetches the issuer's keys now, whether or not they are due. Worth calling at start-up, where a wrong
    /// issuer shows; a backend that does not is served by the first token.
    ///
    /// # Errors
    /// [`FetchError`] if they could not be fetched. Keys fetched before stay in use.
    pub async fn refresh(&self) -> Result<(), FetchError> {
        self.keys.refresh().await
    }

    /// What the backend says of itself, to be served at its well-known path (RFC 9728). `None` unless a
    /// [`Resource`](crate::Resource) was given.
    pub fn resource_metadata(&self) -> Option<&ResourceMetadata> {
        self.metadata.as_ref()
    }

    fn check_iss(&self, token: &AccessToken) -> Result<(), VerifyError> {
        if token.iss() != self.issuer {
            return Err(VerifyError::Issuer);
        }
        // An organization's own issuer speaks for no other, whoever may have its keys.
        let own = self.issuer.rsplit_once("/o/").and_then(|(_, id)| id.parse::<OrgId>().ok());
        if own.is_some_and(|own| own != *token.org_id()) { Err(VerifyError::Organization) } else { Ok(()) }
    }

    fn check_aud(&self, token: &AccessToken) -> Result<(), VerifyError> {
        let for_us = token.aud().iter().any(|audience| self.audiences.contains(audience));
        if for_us { Ok(()) } else { Err(VerifyError::Audience) }
    }

    /// RFC 7519 §4.1.4–6. No sum overflows: claims end in the year 9999, and the leeway at two minutes.
    fn check_times(&self, token: &AccessToken) -> Result<(), VerifyError> {
        let now = seconds(self.clock.now());
        let leeway = self.leeway.as_secs();
        if token.exp() + leeway <= now {
            return Err(VerifyError::Expired);
        }
        if token.nbf().is_some_and(|nbf| nbf > now.saturating_add(leeway)) {
            return Err(VerifyError::NotYetValid);
        }
        if token.iat() > now.saturating_add(leeway) {
            return Err(VerifyError::IssuedInFuture);
        }
        Ok(())
    }

    fn check_cnf(&self, token: &AccessToken) -> Result<(), VerifyError> {
        match (token.cnf(), self.sender_constrained) {
            (Some(_), SenderConstrained::Refused) => Err(VerifyError::SenderConstrained),
            _ => Ok(()),
        }
    }
}

/// Why a token was refused. No variant holds anything of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The key that the token names is for another algorithm.
    #[error("the key is for another algorithm")]
    AlgorithmMismatch,
    /// `alg` is not one of `ES256`, `EdDSA`, `PS256` and `RS256`.
    #[error("the signature algorithm is not allowed")]
    AlgorithmNotAllowed,
    /// `aud` names none of the verifier's audiences.
    #[error("the token is for another audience")]
    Audience,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// The issuer says that the token does not stand any more (RFC 7662 §2.2).
    #[error("the token was revoked")]
    Inactive,
    /// The issuer's answer is about another token.
    #[error("the issuer's answer is about another token")]
    IntrospectionMismatch,
    /// The issuer could not be asked whether the token still stands.
    #[error("the issuer cannot be asked about the token")]
    IntrospectionUnavailable,
    /// A claim is there in a shape it must not have.
    #[error("the claim {0} is malformed")]
    InvalidClaim(&'static str),
    /// A header parameter is missing, malformed, or one that is never accepted.
    #[error("the header parameter {0} is missing, malformed or refused")]
    InvalidHeader(&'static str),
    /// The signature is not the key's.
    #[error("the signature is not valid")]
    InvalidSignature,
    /// `iat` lies in the future.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// `iss` is another issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// The issuer's keys could not be fetched, or those cached are too old.
    #[error("the issuer's keys are not available")]
    KeysUnavailable,
    /// Not a compact JWS of JSON without duplicate members.
    #[error("the token is malformed")]
    Malformed,
    /// A required claim is missing.
    #[error("the claim {0} is missing")]
    MissingClaim(&'static str),
    /// `nbf` has not come yet.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is one organization's issuer, and `org_id` another organization.
    #[error("the token is from an issuer that does not speak for its organization")]
    Organization,
    /// The token is bound to a key (`cnf`), whose possession was not proven.
    #[error("the token is bound to a key")]
    SenderConstrained,
    /// More than 16 KiB.
    #[error("the token is too large")]
    TooLarge,
    /// The issuer has no key of that name.
    #[error("the token names a key that the issuer does not have")]
    UnknownKey,
    /// `typ` is not that of an access token.
    #[error("the token is not an access token")]
    WrongType,
}
