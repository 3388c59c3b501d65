//! Step 3: the identity provider's metadata, or its issuer and credentials.

mod oidc;
mod saml;

use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::connections::ConnectionProtocol;
use orgate_flows::setup::{Problem, SetupError};

use super::frame::{Frame, Notice, Step, retry};
use super::{OfConnection, Submitted};
use crate::fields::Form;
use crate::present::see_other;

/// Problems by the field of the form.
pub(crate) struct Errors(Vec<Problem>);

/// The form again: what was typed, the version that it is now made of, and what to say about it.
struct Again<'a> {
    status: StatusCode,
    seen: i32,
    form: Option<&'a Form>,
    notices: Vec<Notice>,
    problems: Vec<Problem>,
}

impl Errors {
    pub(crate) const fn new(problems: Vec<Problem>) -> Self {
        Self(problems)
    }

    /// The problem of a field, whether named as in the form or as in the document.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|problem| problem.is_of(field));
        found.next().map(|problem| problem.why.as_str())
    }

    /// Every problem of a field.
    fn all<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self.0.iter().filter(move |problem| problem.is_of(field));
        found.map(|problem| problem.why.as_str())
    }
}

/// Shows what is saved, and asks for more.
pub(crate) async fn get(of: OfConnection) -> Response {
    let seen = of.detail.connection.latest_version;
    let (notices, problems) = (Vec::new(), Vec::new());
    show(&of, Again { status: StatusCode::OK, seen, form: None, notices, problems }).await
}

/// Takes it over.
pub(crate) async fn post(submitted: Submitted<OfConnection>) -> Response {
    let Submitted { of, mut form } = submitted;
    let seen = form.number("seen");
    let saved = match of.detail.connection.protocol {
        ConnectionProtocol::Oidc => oidc::save(&of, seen, &form).await,
        ConnectionProtocol::Saml => saml::save(&of, seen, &mut form).await,
    };
    let error = match saved {
        Ok(onward) => return see_other(&of.open.env.issuer.at(&onward)),
        Err(error) => error,
    };
    let form = Some(&form);
    match retry(&of.open, error) {
        Ok(again) => {
            let (status, seen) = (again.status, again.seen.unwrap_or(seen));
            let (notices, problems) = (vec![again.notice], again.problems);
            show(&of, Again { status, seen, form, notices, problems }).await
        }
        Err(response) => *response,
    }
}

async fn show(of: &OfConnection, mut again: Again<'_>) -> Response {
    let frame = Frame::of_step(of, Step::Provider).with(std::mem::take(&mut again.notices));
    let shown: Result<Response, SetupError> = match of.detail.connection.protocol {
        ConnectionProtocol::Oidc => Ok(oidc::show(of, frame, again)),
        ConnectionProtocol::Saml => saml::show(of, frame, again).await,
    };
    shown.unwrap_or_else(|error| of.open.refuse(&error))
}
