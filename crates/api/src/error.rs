//! One table from what use cases refuse to what the protocol says (RFC 6749 §5.2).

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orgate_edge::ParamsRejection;
use orgate_flows::Failure;
use orgate_flows::client_credentials::MachineToken;
use orgate_flows::device::Polled;
use orgate_flows::exchange_token::Exchanged;
use orgate_flows::redeem_assertion::Asserted;
use orgate_flows::redeem_code::Redemption;
use orgate_flows::refresh::{RefreshRefusal, Refreshed};
use orgate_flows::token::TokenOutcome;
use orgate_flows::{Env, IssuedTokens};
use orgate_protocol::oauth::client_auth::BASIC_CHALLENGE;
use orgate_protocol::oauth::token_exchange::TokenTypeId;
use orgate_protocol::oauth::{ErrorCode, RequestError};

/// An error of the token endpoint.
#[derive(Debug)]
pub(crate) struct OAuthError {
    status: StatusCode,
    error: RequestError,
    retry_after: Option<u64>,
    /// A nonce for the next proof (RFC 9449 §8).
    nonce: Option<String>,
}

impl OAuthError {
    pub(crate) fn invalid_client() -> Self {
        RequestError::new(ErrorCode::InvalidClient, "client authentication failed").into()
    }

    /// A refusal that says which nonce the next proof needs.
    pub(crate) fn with_nonce(env: &Env, error: RequestError) -> Self {
        Self { nonce: Some(env.vault.dpop_nonce(env.clock.now())), ..error.into() }
    }

    /// A refusal that no other request could avoid.
    pub(crate) fn forbidden(error: RequestError) -> Self {
        Self { status: StatusCode::FORBIDDEN, ..error.into() }
    }

    /// An answer for which the status says more than the code.
    pub(crate) fn with_status(status: StatusCode, code: ErrorCode, description: &'static str) -> Self {
        Self { status, ..RequestError::new(code, description).into() }
    }

    /// Not now.
    pub(crate) fn too_early(retry_after: u64) -> Self {
        let (status, code) = (StatusCode::TOO_MANY_REQUESTS, ErrorCode::TemporarilyUnavailable);
        Self { retry_after: Some(retry_after), ..Self::with_status(status, code, "too many requests") }
    }

    fn invalid_grant(description: &'static str) -> Self {
        RequestError::new(ErrorCode::InvalidGrant, description).into()
    }
}

impl From<RequestError> for OAuthError {
    fn from(error: RequestError) -> Self {
        let status = match error.code {
            ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        };
        Self { status, error, retry_after: None, nonce: None }
    }
}

impl From<ParamsRejection> for OAuthError {
    fn from(rejection: ParamsRejection) -> Self {
        let error = RequestError::invalid_request(rejection.to_string());
        Self { status: rejection.status(), error, retry_after: None, nonce: None }
    }
}

impl From<Failure> for OAuthError {
    fn from(failure: Failure) -> Self {
        let retry_after = failure.retry_after();
        let (status, code, description) = match (&failure, retry_after) {
            (Failure::TooMany(_), _) => {
                (StatusCode::TOO_MANY_REQUESTS, ErrorCode::TemporarilyUnavailable, "too many requests")
            }
            (_, Some(_)) => {
                (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::TemporarilyUnavailable, "try again in a moment")
            }
            (_, None) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                ErrorCode::ServerError,
                "the request could not be answered",
            ),
        };
        if status.is_server_error() {
            tracing::error!(error = &failure as &dyn std::error::Error, "a request failed");
        }
        Self { status, error: RequestError::new(code, description), retry_after, nonce: None }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(BASIC_CHALLENGE));
        }
        if let Some(nonce) = self.nonce.and_then(|nonce| HeaderValue::from_str(&nonce).ok()) {
            headers.insert("dpop-nonce", nonce);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        (self.status, headers, Json(self.error)).into_response()
    }
}

/// What the client hears of a call to the token endpoint.
pub(crate) fn of_token(outcome: TokenOutcome) -> Result<(IssuedTokens, Option<TokenTypeId>), OAuthError> {
    let tokens = match outcome {
        TokenOutcome::Code(redemption) => of_redemption(redemption),
        TokenOutcome::Device(polled) => of_poll(polled),
        TokenOutcome::Exchange(Exchanged::Granted(tokens, kind)) => return Ok((tokens, Some(kind))),
        TokenOutcome::Machine(machine) => of_machine(machine),
        TokenOutcome::Refresh(refreshed) => of_refresh(refreshed),
        TokenOutcome::Assertion(Asserted::Granted(tokens)) => Ok(tokens),
        TokenOutcome::Assertion(Asserted::Rejected) => {
            Err(OAuthError::invalid_grant("the assertion is not accepted"))
        }
        TokenOutcome::Refused(error)
        | TokenOutcome::Assertion(Asserted::Refused(error))
        | TokenOutcome::Exchange(Exchanged::Refused(error)) => Err(error.into()),
    };
    Ok((tokens?, None))
}

/// What a machine hears.
fn of_machine(machine: MachineToken) -> Result<IssuedTokens, OAuthError> {
    match machine {
        MachineToken::Granted(tokens) => Ok(tokens),
        MachineToken::Refused(error) => Err(error.into()),
        MachineToken::Fallen => Err(RequestError::new(
            ErrorCode::UnauthorizedClient,
            "the client may not act in this organization",
        )
        .into()),
    }
}

/// What a device hears (RFC 8628 §3.5).
fn of_poll(polled: Polled) -> Result<IssuedTokens, OAuthError> {
    let (code, description) = match polled {
        Polled::Redeemed(redemption) => return of_redemption(redemption),
        Polled::Unknown => (ErrorCode::InvalidGrant, "unknown device code"),
        Polled::Denied => (ErrorCode::AccessDenied, "the sign-in was refused"),
        Polled::Expired => (ErrorCode::ExpiredToken, "the device code has expired"),
        Polled::Pending => (ErrorCode::AuthorizationPending, "nobody has approved the device yet"),
        Polled::TooOften => (ErrorCode::SlowDown, "wait 5 seconds longer between two requests"),
    };
    Err(RequestError::new(code, description).into())
}

/// What the client hears of a code.
fn of_redemption(redemption: Redemption) -> Result<IssuedTokens, OAuthError> {
    use orgate_flows::redeem_code::CodeRefusal;
    match redemption {
        Redemption::Granted(tokens) => Ok(tokens),
        Redemption::Unknown => Err(OAuthError::invalid_grant("unknown authorization code")),
        Redemption::Replayed => Err(OAuthError::invalid_grant("the code was already used")),
        Redemption::Fallen(_) => Err(OAuthError::invalid_grant("the sign-in is no longer valid")),
        Redemption::Refused(CodeRefusal::Expired) => Err(OAuthError::invalid_grant("the code has expired")),
        Redemption::Refused(CodeRefusal::PkceMismatch) => {
            Err(OAuthError::invalid_grant("code_verifier does not match"))
        }
        Redemption::Refused(CodeRefusal::KeyMismatch) => {
            Err(OAuthError::invalid_grant("the code is bound to another key"))
        }
        Redemption::Refused(CodeRefusal::OtherResource) => {
            Err(RequestError::new(ErrorCode::InvalidTarget, "the code is for another resource").into())
        }
        Redemption::Refused(CodeRefusal::OtherClient | CodeRefusal::RedirectUriMismatch) => {
            Err(OAuthError::invalid_grant("the code was not issued for this request"))
        }
    }
}

/// What the client hears of a refresh token.
fn of_refresh(refreshed: Refreshed) -> Result<IssuedTokens, OAuthError> {
    match refreshed {
        Refreshed::Granted(tokens) => Ok(tokens),
        Refreshed::Unknown | Refreshed::Refused(RefreshRefusal::OtherClient) => {
            Err(OAuthError::invalid_grant("unknown refresh token"))
        }
        Refreshed::Refused(RefreshRefusal::Expired) => {
            Err(OAuthError::invalid_grant("the refresh token has expired"))
        }
        Refreshed::Refused(RefreshRefusal::Revoked) | Refreshed::Reused => {
            Err(OAuthError::invalid_grant("the refresh token was revoked"))
        }
        Refreshed::Refused(RefreshRefusal::KeyMismatch) => {
            Err(OAuthError::invalid_grant("the refresh token is bound to another key"))
        }
        Refreshed::Refused(RefreshRefusal::OtherResource) => {
            Err(RequestError::new(ErrorCode::InvalidTarget, "the refresh token is for another resource")
                .into())
        }
        Refreshed::Refused(RefreshRefusal::ScopeTooWide) => {
            Err(RequestError::new(ErrorCode::InvalidScope, "more is asked for than was granted").into())
        }
        Refreshed::Fallen(_) => Err(OAuthError::invalid_grant("the sign-in is no longer valid")),
    }
}
