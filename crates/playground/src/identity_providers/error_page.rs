//! What goes wrong before there is anybody else to tell: the person in front of the browser is told.

use askama::Template;
use aws_lc_rs::error::Unspecified;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::saml::message::MessageError;
use crate::http::page;

/// Why there is an error page. The text is for developers.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    #[error("the form is not from a page of this provider")]
    ForeignForm,
    #[error("the id_token_hint is another client's")]
    ForeignHint,
    #[error("the request is malformed, or says something twice")]
    MalformedRequest,
    #[error("the SAML message was refused: {0}")]
    Message(#[from] MessageError),
    #[error("there is no such page")]
    NotFound,
    #[error("there are no random numbers, or the key cannot sign")]
    Random(#[from] Unspecified),
    #[error("the message could not be made: {0}")]
    Signing(String),
    #[error("the assertion consumer service {0:?} is not below one that is configured")]
    UnknownAcs(String),
    #[error("there is no client {0:?}")]
    UnknownClient(String),
    #[error("the redirect URI {0:?} is not registered for the client")]
    UnknownRedirectUri(String),
    #[error("the service provider {0:?} is not below one that is configured")]
    UnknownServiceProvider(String),
    #[error("there is no user {0:?}")]
    UnknownUser(String),
}

/// `templates/identity_providers/error.html`.
#[derive(Template)]
#[template(path = "identity_providers/error.html")]
struct ErrorPage<'a> {
    title: &'a str,
    error: &'a PageError,
    advice: &'a str,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        tracing::warn!(
            error = &self as &dyn std::error::Error,
            "a sample identity provider answers with an error page"
        );
        let (status, title, advice) = self.presentation();
        (status, page(&ErrorPage { title, error: &self, advice })).into_response()
    }
}

impl PageError {
    fn presentation(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::ForeignForm | Self::UnknownUser(_) => (
                StatusCode::FORBIDDEN,
                "This page is out of date",
                "Nobody was signed in or out. Go back to where you began, and try again.",
            ),
            Self::MalformedRequest | Self::Message(_) | Self::ForeignHint => (
                StatusCode::BAD_REQUEST,
                "This cannot be understood",
                "Nobody was signed in or out. Whoever sent you here has made a mistake: the text below says which.",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "No such page", "The first page lists what there is."),
            Self::Random(_) | Self::Signing(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "This does not work at the moment",
                "Wait a moment and try again.",
            ),
            Self::UnknownAcs(_)
            | Self::UnknownClient(_)
            | Self::UnknownRedirectUri(_)
            | Self::UnknownServiceProvider(_) => (
                StatusCode::BAD_REQUEST,
                "Whoever sent you here is not registered",
                "Nobody was signed in or out. Compare how it is registered with what it sends: the first page lists what \
                 is registered.",
            ),
        }
    }
}
