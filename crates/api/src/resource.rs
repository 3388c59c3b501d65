//! What protected resources share: how a token is presented to one, and how it asks for another (RFC 6750 §3, RFC 9449
//! §7.1).

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orgate_flows::Called;
use orgate_flows::dpop::PresentedProof;
use orgate_protocol::bearer::{self, Challenge, Scheme};
use orgate_protocol::oauth::{ErrorCode, RequestError, ScopeSet};
use orgate_protocol::params::Params;

/// A protected resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resource {
    pub(crate) realm: &'static str,
    /// The scope that it needs.
    pub(crate) scope: &'static str,
}

/// A token, as it is presented.
pub(crate) struct Shown<'a> {
    pub(crate) scheme: Scheme,
    pub(crate) token: &'a str,
    pub(crate) proof: Option<PresentedProof<'a>>,
}

impl Resource {
    /// The token of a request, in its header or `form`, with its proof. The error is the whole answer.
    pub(crate) fn read<'a>(
        self,
        called: Called,
        (headers, method, path): (&'a HeaderMap, &'a str, &'a str),
        form: Option<&'a Params>,
    ) -> Result<Shown<'a>, Box<Response>> {
        let authorization = headers.get(header::AUTHORIZATION);
        let authorization = authorization.map(|value| value.to_str().unwrap_or_default());
        let presented = match bearer::parse(authorization, form) {
            Ok(Some(presented)) => presented,
            Ok(None) => return Err(Box::new(self.challenge(StatusCode::UNAUTHORIZED, Scheme::Bearer, None))),
            Err(error) => {
                return Err(Box::new(self.challenge(StatusCode::BAD_REQUEST, Scheme::Bearer, Some(&error))));
            }
        };
        let mut proofs = headers.get_all("dpop").iter();
        let proof = match (presented.scheme, proofs.next(), proofs.next()) {
            (Scheme::Dpop, Some(proof), None) => {
                Some(PresentedProof { proof: proof.to_str().unwrap_or_default(), method, called, path })
            }
            (Scheme::Dpop, _, _) => return Err(Box::new(self.invalid_proof(Scheme::Dpop))),
            (Scheme::Bearer, _, _) => None,
        };
        Ok(Shown { scheme: presented.scheme, token: presented.token, proof })
    }

    /// The token is bound to a key, and not presented so.
    pub(crate) fn invalid_proof(self, scheme: Scheme) -> Response {
        self.proof_needed(match scheme {
            Scheme::Dpop => ErrorCode::InvalidDpopProof,
            Scheme::Bearer => ErrorCode::InvalidToken,
        })
    }

    /// The proof needs this nonce.
    pub(crate) fn nonce_needed(self, nonce: &str) -> Response {
        let mut response = self.proof_needed(ErrorCode::UseDpopNonce);
        if let Ok(nonce) = HeaderValue::from_str(nonce) {
            response.headers_mut().insert("dpop-nonce", nonce);
        }
        response
    }

    /// The token is nobody's.
    pub(crate) fn invalid_token(self, scheme: Scheme) -> Response {
        let error = RequestError::new(ErrorCode::InvalidToken, "the access token is not valid");
        self.challenge(StatusCode::UNAUTHORIZED, scheme, Some(&error))
    }

    /// The token is not for this.
    pub(crate) fn insufficient_scope(self, scheme: Scheme) -> Response {
        let description = format!("the scope {} is needed", self.scope);
        let error = RequestError::new(ErrorCode::InsufficientScope, description);
        self.challenge(StatusCode::FORBIDDEN, scheme, Some(&error))
    }

    fn proof_needed(self, code: ErrorCode) -> Response {
        let error = RequestError::new(code, "the access token needs a DPoP proof of its key");
        self.challenge(StatusCode::UNAUTHORIZED, Scheme::Dpop, Some(&error))
    }

    /// RFC 6750 §3: with no token given, the challenge says nothing more.
    fn challenge(self, status: StatusCode, scheme: Scheme, error: Option<&RequestError>) -> Response {
        let needed = ScopeSet::parse(self.scope).ok();
        let scope = needed.as_ref().filter(|_| status == StatusCode::FORBIDDEN);
        let challenge = Challenge { scheme, realm: self.realm, error, scope }.to_string();
        let value = HeaderValue::from_str(&challenge).unwrap_or(HeaderValue::from_static("Bearer"));
        let no_store = HeaderValue::from_static("no-store");
        let headers = [(header::WWW_AUTHENTICATE, value), (header::CACHE_CONTROL, no_store)];
        match error {
            Some(error) => (status, headers, Json(error.clone())).into_response(),
            None => (status, headers).into_response(),
        }
    }
}
