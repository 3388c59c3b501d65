//! A request, as far as its right to be answered goes: RFC 6750 §2.1 and RFC 9449 §7.
//!
//! **Invariant:** a token that is bound to a key is accepted with a proof of that key, in the scheme `DPoP`, and in
//! no other way; a token that is not, never with a proof.

use http::{HeaderMap, HeaderName, Method, header::AUTHORIZATION};

use crate::{
    access_token::AccessToken,
    dpop::{Presentation, ProofError, Proofs},
    rejection::{Reason, Rejection, Scheme},
    verifier::{SenderConstrained, Verifier, VerifyError},
};

/// RFC 9449 §4.1.
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// What of a request says whether it may be answered.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'r> {
    /// Its method.
    pub method: &'r Method,
    /// Its path as it was received, before any routing takes a part off, and without the query.
    pub path: &'r str,
    /// Its headers. A token elsewhere, in the query or the body, is not seen.
    pub headers: &'r HeaderMap,
}

/// The access token of a request, not looked at yet.
struct Credentials<'r> {
    scheme: Scheme,
    token: &'r str,
}

impl<'r> Credentials<'r> {
    /// Those of the one `Authorization` header, if its scheme is one of ours.
    fn of(headers: &'r HeaderMap) -> Result<Self, Reason> {
        let value = sole(headers, &AUTHORIZATION).map_err(|NotSole| Reason::InvalidRequest)?;
        let value = value.ok_or(Reason::TokenMissing)?;
        let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Scheme::Bearer,
            "dpop" => Scheme::Dpop,
            _ => return Err(Reason::TokenMissing),
        };
        match token.trim_start_matches(' ') {
            "" => Err(Reason::InvalidRequest),
            token => Ok(Self { scheme, token }),
        }
    }
}

/// Not one, or not text.
struct NotSole;

/// The value of a header that may be there once.
fn sole<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Result<Option<&'r str>, NotSole> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(NotSole);
    }
    value.to_str().map(Some).map_err(|_| NotSole)
}

impl Verifier {
    /// Verifies the access token that a request presents, and the proof of possession if the token is bound to a
    /// key. What the request is about, and whether its token may do that, is for the caller to check:
    /// [`AccessToken::require_organization`] first.
    ///
    /// # Errors
    /// A [`Rejection`] that is the answer to give.
    pub async fn authorize(&self, request: &RequestHead<'_>) -> Result<AccessToken, Rejection> {
        let credentials = Credentials::of(request.headers).and_then(|credentials| {
            let accepted = self.challenges.schemes.contains(&credentials.scheme);
            accepted.then_some(credentials).ok_or(Reason::TokenMissing)
        });
        let credentials = credentials.map_err(|reason| self.challenges.reject_any(reason))?;
        let authorized = match credentials.scheme {
            Scheme::Bearer => self.authorize_bearer(request, credentials.token).await,
            Scheme::Dpop => self.authorize_proven(request, credentials.token).await,
        };
        authorized.map_err(|reason| self.reject(credentials.scheme, reason))
    }

    async fn authorize_bearer(&self, request: &RequestHead<'_>, token: &str) -> Result<AccessToken, Reason> {
        if self.proofs.is_some() && request.headers.contains_key(DPOP) {
            return Err(Reason::InvalidProof(ProofError::Unbound));
        }
        let token = self.check_token(token).await.map_err(reason)?;
        // RFC 9449 §7.2: not even where bound tokens are accepted.
        if token.jkt().is_some() {
            return Err(Reason::InvalidToken(VerifyError::SenderConstrained));
        }
        self.check_other_bindings(&token)?;
        Ok(token)
    }

    async fn authorize_proven(&self, request: &RequestHead<'_>, token: &str) -> Result<AccessToken, Reason> {
        let proofs = self.proofs.as_ref().ok_or(Reason::TokenMissing)?;
        let proof =
            sole(request.headers, &DPOP).map_err(|NotSole| Reason::InvalidProof(ProofError::Several))?;
        let proof = proof.ok_or(Reason::InvalidProof(ProofError::Missing))?;
        let verified = self.check_token(token).await.map_err(reason)?;
        let jkt = verified.jkt().ok_or(Reason::InvalidProof(ProofError::Unbound))?;
        self.check_other_bindings(&verified)?;
        let (method, path, now) = (request.method, request.path, self.clock.now());
        proofs.check(proof, &Presentation { method, path, token, jkt, now }).await?;
        Ok(verified)
    }

    /// Bindings to anything but a key by its thumbprint are the caller's to check (RFC 8705).
    fn check_other_bindings(&self, token: &AccessToken) -> Result<(), Reason> {
        let other = token.cnf().is_some_and(|cnf| cnf.keys().any(|member| member != "jkt") || cnf.is_empty());
        match self.sender_constrained {
            SenderConstrained::Refused if other => Err(Reason::InvalidToken(VerifyError::SenderConstrained)),
            SenderConstrained::Accepted | SenderConstrained::Refused => Ok(()),
        }
    }

    fn reject(&self, scheme: Scheme, reason: Reason) -> Rejection {
        // A bound token in the wrong scheme is challenged in its own.
        let scheme = match reason {
            Reason::InvalidToken(VerifyError::SenderConstrained) | Reason::InvalidProof(_)
                if self.proofs.is_some() =>
            {
                Scheme::Dpop
            }
            _ => scheme,
        };
        let wants_nonce = reason == Reason::InvalidProof(ProofError::Nonce);
        self.challenges.reject(scheme, reason).with_nonce(self.dpop_nonce().filter(|_| wants_nonce))
    }

    /// The nonce that the next proof should carry, for the header `DPoP-Nonce` of any answer (RFC 9449 §8.2): a
    /// client that has it in time is spared a refusal. `None` unless nonces are demanded.
    pub fn dpop_nonce(&self) -> Option<String> {
        self.proofs.as_ref().and_then(|proofs: &Proofs| proofs.nonce(self.clock.now()))
    }
}

fn reason(error: VerifyError) -> Reason {
    match error {
        VerifyError::IntrospectionUnavailable | VerifyError::KeysUnavailable => Reason::Unavailable,
        error => Reason::InvalidToken(error),
    }
}
