//! What goes wrong, told to the person in front of the browser: what happened, and what to do.

use askama::Template;
use aws_lc_rs::error::Unspecified;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use orgate_verify::{Rejection, VerifyError};

use super::{id_token::IdTokenError, provider::ProviderError};
use crate::http::page;

/// Why there is an error page instead of the one that was asked for. The text is shown to developers.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    #[error("the access token was refused: {0}")]
    AccessToken(#[from] VerifyError),
    #[error("the answer is not from the provider (iss)")]
    ForeignAnswer,
    #[error("the form is not from a page of this session (csrf_token)")]
    ForeignForm,
    #[error("the ID token was refused: {0}")]
    IdToken(#[from] IdTokenError),
    #[error("the form or link is malformed")]
    MalformedForm,
    #[error("there is no ID token")]
    NoIdToken,
    #[error(transparent)]
    NotAllowed(#[from] Rejection),
    #[error("there is no such page")]
    NotFound,
    #[error("the browser has no session")]
    NotSignedIn,
    #[error("the tokens are for another organization than was asked for")]
    OtherOrganization,
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error("there are no random numbers")]
    Random(#[from] Unspecified),
    #[error("the provider does not renew the tokens")]
    SessionEnded,
    /// The provider's error (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6).
    #[error("{error}: {}", description.as_deref().unwrap_or("no description"))]
    SignInRefused { error: String, description: Option<String> },
    #[error("the tokens are not of one user in one organization")]
    TokensDiffer,
    #[error("the answer is for no sign-in that this browser has under way (state)")]
    UnexpectedAnswer,
}

/// `templates/notes/error.html`.
#[derive(Template)]
#[template(path = "notes/error.html")]
struct ErrorPage<'a> {
    title: &'a str,
    error: &'a PageError,
    advice: &'a str,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        tracing::warn!(error = &self as &dyn std::error::Error, "Notes answers with an error page");
        let (status, title, advice) = self.presentation();
        (status, page(&ErrorPage { title, error: &self, advice })).into_response()
    }
}

impl PageError {
    fn presentation(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::AccessToken(_)
            | Self::IdToken(_)
            | Self::NoIdToken
            | Self::OtherOrganization
            | Self::TokensDiffer => (
                StatusCode::BAD_GATEWAY,
                "The provider's tokens cannot be accepted",
                "They changed nothing. If it happens again, Notes and the provider do not fit together: compare the \
                 issuer, the client and the audience that both are configured with.",
            ),
            Self::ForeignAnswer | Self::UnexpectedAnswer => (
                StatusCode::BAD_REQUEST,
                "This sign-in is not yours, or is over",
                "It changed nothing. Begin again from here, and finish in the same browser.",
            ),
            Self::ForeignForm | Self::NotSignedIn => (
                StatusCode::FORBIDDEN,
                "This page is out of date",
                "Nothing was changed: you have signed in or out since it was opened. Go back to Notes and try again.",
            ),
            Self::MalformedForm => (
                StatusCode::BAD_REQUEST,
                "This cannot be understood",
                "Nothing was changed. A note has between 1 and 500 characters.",
            ),
            Self::NotAllowed(_) => (
                StatusCode::FORBIDDEN,
                "Your roles do not allow this",
                "Nothing was changed. Ask an administrator of your organization for a role that does.",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "No such page", "Notes has only one."),
            Self::Provider(_) | Self::Random(_) => (
                StatusCode::BAD_GATEWAY,
                "Notes cannot do this at the moment",
                "Wait a moment and try again. If you run the provider yourself, look whether it is up.",
            ),
            Self::SessionEnded => (
                StatusCode::FORBIDDEN,
                "Your session has ended",
                "You have signed out elsewhere, or your access was changed. Sign in again.",
            ),
            Self::SignInRefused { error, .. } => {
                (StatusCode::BAD_REQUEST, "You could not be signed in", sign_in_advice(error))
            }
        }
    }
}

/// By error code (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6, and Orgate's own).
fn sign_in_advice(error: &str) -> &'static str {
    match error {
        "access_denied" => {
            "Signing in was cancelled, or your organization does not allow it. Try again, or ask an administrator of \
             your organization."
        }
        "account_selection_required" | "interaction_required" | "login_required" => {
            "Signing in needs an answer from you. Sign in again, and choose your organization when asked."
        }
        "organization_mismatch" => {
            "The request named two different organizations. Sign in again, and choose one of them."
        }
        "server_error" | "temporarily_unavailable" => {
            "The provider has a problem. Wait a moment and try again."
        }
        _ => {
            "Notes' request was not accepted, so trying again will hardly help: compare how Notes is registered with \
             the provider."
        }
    }
}
