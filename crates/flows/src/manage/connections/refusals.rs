//! What a set-up is refused, in terms of the request.

use crate::manage::ChangeError;
use crate::setup::{NotYet, SetupError};

impl From<SetupError> for ChangeError {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Closed(_) => Self::above("", "you may not set this up any more"),
            SetupError::Missing => Self::Missing,
            SetupError::Failure(failure) => Self::Failure(failure),
            SetupError::Invalid(problems) => {
                let first = problems.first().map(|problem| pointer(problem.field)).unwrap_or_default();
                let all = problems.into_iter().map(|problem| problem.why).collect::<Vec<_>>();
                Self::invalid(first, all.join(" "))
            }
            SetupError::NotYet(why) => why.into(),
            SetupError::Stale(_) => Self::Stale,
        }
    }
}

impl From<NotYet> for ChangeError {
    fn from(why: NotYet) -> Self {
        match why {
            NotYet::BeyondLink => Self::above("", "the connection gives roles that are not yours to give"),
            NotYet::NeverLive => Self::invalid("/version", "it was never live"),
            NotYet::NoSettings => Self::invalid("/state", "it has no settings yet"),
            NotYet::OtherPurpose => Self::Missing,
            NotYet::State => {
                Self::invalid("/state", "a connection does not become this from the state that it is in")
            }
            NotYet::NoRoom(full) => full.into(),
            NotYet::WayIn(why) => Self::InUse(why.to_string()),
            NotYet::Untested => {
                let detail = "the latest version was not tested to its end; test it through a set-up link, or say \
                              \"untested\": true to have people sign in by it all the same";
                Self::invalid("/untested", detail)
            }
        }
    }
}

/// Where a field of the set-up's forms, or of the document, is in a request.
fn pointer(field: &str) -> String {
    match field {
        "name" | "pilots" | "client_secret" => format!("/{field}"),
        "domain" => "/domains".to_owned(),
        "authentication" | "issuer" => format!("/settings/provider/oidc/{field}"),
        "certificate" => "/settings/provider/saml/certificates".to_owned(),
        "entity" => "/settings/provider/saml/entity_id".to_owned(),
        "metadata" | "metadata_url" | "unsolicited_client" => format!("/settings/provider/saml/{field}"),
        _ => format!("/settings/{}", field.replace('.', "/")),
    }
}
