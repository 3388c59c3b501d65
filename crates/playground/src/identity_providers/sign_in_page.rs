//! The page on which somebody says who they are.

use askama::Template;
use axum::response::Response;

use super::SampleUser;
use crate::http::page;

/// Whose page it is: decides how it looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Oidc,
    Saml,
}

impl Protocol {
    /// Where the provider's pages are, and the class of their style.
    pub(super) fn slug(self) -> &'static str {
        match self {
            Self::Oidc => "oidc",
            Self::Saml => "saml",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Oidc => "OpenID Connect",
            Self::Saml => "SAML 2.0",
        }
    }
}

/// `templates/identity_providers/sign_in.html`.
#[derive(Template)]
#[template(path = "identity_providers/sign_in.html")]
pub(super) struct SignInPage<'a> {
    pub(super) protocol: Protocol,
    pub(super) provider: &'a str,
    pub(super) users: Vec<&'a SampleUser>,
    /// Whom the one who asks expects.
    pub(super) hinted: Option<&'a SampleUser>,
    /// Where the answer goes: scheme, host and port.
    pub(super) destination: String,
    /// What the form carries along.
    pub(super) fields: Vec<(&'static str, &'a str)>,
}

impl SignInPage<'_> {
    pub(super) fn show(&self) -> Response {
        page(self)
    }

    fn is_hinted(&self, user: &SampleUser) -> bool {
        self.hinted.is_some_and(|hinted| hinted.username == user.username)
    }
}
