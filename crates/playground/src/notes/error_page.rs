//! What goes wrong, told to the person in front of the browser: what happened, and what to do.

use askama::Template;
use aws_lc_rs::error::Unspecified;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use orgate_verify::{MissingPermission, VerifyError};

use super::{id_token::IdTokenError, provider::ProviderError};
use crate::http::page;

/// Why there is an error page instead of the one that was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    #[error("the access token was refused")]
    AccessToken(#[from] VerifyError),
    #[error("the answer is from another issuer")]
    ForeignAnswer,
    #[error("the form is not from a page of this session")]
    ForeignForm,
    #[error("the ID token was refused")]
    IdToken(#[from] IdTokenError),
    #[error("a form or link was malformed")]
    MalformedForm,
    #[error(transparent)]
    MissingPermission(#[from] MissingPermission),
    #[error("there is no ID token")]
    NoIdToken,
    #[error("there is no session")]
    NotSignedIn,
    #[error("the tokens are for another organization than was asked for")]
    OtherOrganization,
    #[error("the provider failed")]
    Provider(#[from] ProviderError),
    #[error("there are no random numbers")]
    Random(#[from] Unspecified),
    #[error("the provider renews the session no more")]
    SessionEnded,
    /// The provider's error (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6).
    #[error("the provider refused to sign in: {error}")]
    SignInRefused { error: String, description: Option<String> },
    #[error("the tokens are not of one user in one organization")]
    TokensDiffer,
    #[error("the answer is for no sign-in that this browser has under way")]
    UnexpectedAnswer,
}

/// `templates/notes/error.html`.
#[derive(Template)]
#[template(path = "notes/error.html")]
struct ErrorPage<'a> {
    title: &'a str,
    /// For developers: what exactly.
    detail: Option<String>,
    /// For the person: what now.
    advice: &'a str,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        tracing::warn!(error = &self as &dyn std::error::Error, "Notes answers with an error page");
        let (status, title, advice) = self.presentation();
        (status, page(&ErrorPage { title, detail: self.detail(), advice })).into_response()
    }
}

pub(super) async fn not_found() -> Response {
    let page = page(&ErrorPage { title: "No such page", detail: None, advice: "Notes has only one page." });
    (StatusCode::NOT_FOUND, page).into_response()
}

impl PageError {
    fn presentation(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::AccessToken(_) | Self::IdToken(_) | Self::NoIdToken | Self::TokensDiffer => (
                StatusCode::BAD_GATEWAY,
                "The provider's tokens cannot be accepted",
                "You are not signed in. If it happens again, Notes and its provider do not fit together: compare \
                 the issuer, the client and the audience that both are configured with.",
            ),
            Self::ForeignAnswer => (
                StatusCode::BAD_REQUEST,
                "This answer is from somebody else",
                "You are not signed in. Somebody may have tried to mix up two providers; begin again from here.",
            ),
            Self::ForeignForm => (
                StatusCode::FORBIDDEN,
                "This form is out of date",
                "Nothing was changed. You have signed in anew since the page was opened, or it is not a page of \
                 Notes at all. Go back to Notes and try again.",
            ),
            Self::MalformedForm => (
                StatusCode::BAD_REQUEST,
                "This cannot be understood",
                "Nothing was changed. A note has between 1 and 500 characters.",
            ),
            Self::MissingPermission(_) => (
                StatusCode::FORBIDDEN,
                "Your roles do not allow this",
                "Nothing was changed. Ask an administrator of your organization for a role that does.",
            ),
            Self::NotSignedIn => {
                (StatusCode::FORBIDDEN, "You are not signed in", "Nothing was changed. Sign in, and try again.")
            }
            Self::OtherOrganization => (
                StatusCode::BAD_GATEWAY,
                "That was another organization",
                "You are not signed in: the provider signed you in to another organization than the one you chose.",
            ),
            Self::Provider(_) => (
                StatusCode::BAD_GATEWAY,
                "The provider does not answer as it should",
                "Wait a moment and try again. If you run it yourself, look whether it is up.",
            ),
            Self::Random(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Something is wrong with Notes", "Try again."),
            Self::SessionEnded => (
                StatusCode::FORBIDDEN,
                "Your session has ended",
                "Your organization's provider does not renew it any more: you signed out elsewhere, or your access \
                 was changed. Sign in again.",
            ),
            Self::SignInRefused { error, .. } => {
                (StatusCode::BAD_REQUEST, "You could not be signed in", sign_in_advice(error))
            }
            Self::UnexpectedAnswer => (
                StatusCode::BAD_REQUEST,
                "This sign-in is not yours, or is over",
                "You are not signed in by it. Begin again from here, and finish in the same browser.",
            ),
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::AccessToken(error) => Some(format!("The access token was refused: {error}.")),
            Self::IdToken(error) => Some(format!("The ID token was refused: {error}.")),
            Self::SignInRefused { error, description: Some(description) } => Some(format!("{error}: {description}")),
            Self::SignInRefused { error, description: None } => Some(error.clone()),
            Self::Provider(error) => Some(format!("{error}.")),
            Self::MissingPermission(_) | Self::NoIdToken | Self::TokensDiffer => Some(format!("{self}.")),
            Self::ForeignAnswer
            | Self::ForeignForm
            | Self::MalformedForm
            | Self::NotSignedIn
            | Self::OtherOrganization
            | Self::Random(_)
            | Self::SessionEnded
            | Self::UnexpectedAnswer => None,
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
        "account_selection_required" | "interaction_required" | "login_required" | "organization_required" => {
            "Signing in needs an answer from you. Sign in again, and choose your organization when asked."
        }
        "organization_mismatch" => {
            "The request named two different organizations. Sign in again, and choose one of them."
        }
        "server_error" | "temporarily_unavailable" => "The provider has a problem. Wait a moment and try again.",
        _ => {
            "Notes' request was not accepted, so trying again will hardly help: compare how Notes is registered with \
             the provider."
        }
    }
}
