//! What becomes of a change: done, or refused where the form says it.

use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::ChangeError;
use orgate_flows::sentence;

use super::{Admin, entry};
use crate::page::{Problem, failed};
use crate::present::see_other;

/// Something that is wrong with what a form brought.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// The field, as the management API calls it; empty: no one of them.
    pub(crate) field: String,
    /// What is wrong, in a sentence.
    pub(crate) why: String,
}

/// Why a change was not made, where its form can say so.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) wrong: Wrong,
}

impl Wrong {
    /// What a use case says of what stands here (RFC 6901): of a list, of the list.
    fn at(pointer: &str, detail: &str) -> Self {
        let field = pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
        Self { field: field.to_owned(), why: sentence(detail) }
    }
}

/// What a form says of an error; `Err`: the page that says it instead.
pub(crate) fn refusal(admin: &Admin, error: &ChangeError) -> Result<Refusal, Box<Response>> {
    let text = error.to_string();
    let (status, pointer) = match error {
        ChangeError::Failure(failure) => {
            return Err(Box::new(failed(&admin.env, &admin.cookies.browser.origin, failure)));
        }
        ChangeError::Missing | ChangeError::Gone => return Err(Box::new(entry::missing(admin))),
        ChangeError::Above { pointer, .. } => (StatusCode::FORBIDDEN, pointer.as_str()),
        ChangeError::Invalid { pointer, .. } => (StatusCode::UNPROCESSABLE_ENTITY, pointer.as_str()),
        ChangeError::Taken { pointer, .. } => (StatusCode::CONFLICT, pointer.as_str()),
        ChangeError::InUse(_)
        | ChangeError::KeyReused(_)
        | ChangeError::LastOwner
        | ChangeError::Stale
        | ChangeError::TooMany(_) => (StatusCode::CONFLICT, ""),
    };
    Ok(Refusal { status, wrong: Wrong::at(pointer, &text) })
}

/// Where something that was done leads: to the page below the organization's that shows it, if they may read what that shows,
/// and to one that says no more than that it was done, if not.
pub(crate) fn done(admin: &Admin, (to, takes): (&str, OrgatePermission), said: &str) -> Response {
    if admin.caller.asking(takes).is_some() {
        return see_other(&admin.env.issuer.at(&format!("{}?done={said}", admin.href(to))));
    }
    admin.done()
}

/// Where a form without fields leads: to what was done, or to a page that says why it was not.
pub(crate) fn answer(
    admin: &Admin,
    result: Result<(), ChangeError>,
    (to, takes): (&str, OrgatePermission),
    said: &str,
) -> Response {
    let Err(error) = result else { return done(admin, (to, takes), said) };
    let refusal = match refusal(admin, &error) {
        Ok(refusal) => refusal,
        Err(response) => return *response,
    };
    let what = Problem {
        status: refusal.status,
        code: "not_done",
        headline: "That was not done",
        what_happened: &refusal.wrong.why,
        what_next: "Nothing was changed. Look at how things are now, and decide anew.",
        client: None,
    };
    entry::refused(admin, &what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_use_case_says_becomes_a_sentence_beside_its_field() {
        let wrong = Wrong::at("/roles/0", "the role owner is not yours to give");

        assert_eq!(
            (wrong.field.as_str(), wrong.why.as_str()),
            ("roles", "The role owner is not yours to give.")
        );
    }
}
