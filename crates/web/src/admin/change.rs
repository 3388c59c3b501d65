//! What becomes of a change: done, or refused where the form says it.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::{ChangeError, Once};
use orgate_flows::sentence;

use super::answers::{Answer, Instead};
use super::{Admin, entry};
use crate::fields::Form;
use crate::page::Problem;
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

/// Why a form is shown once more.
#[derive(Debug)]
pub(crate) enum Refused<Base> {
    /// It is shown for the first time.
    No,
    For(Refusal),
    /// Somebody else changed what it is about: what was there when the form was made.
    Meanwhile(Base),
}

/// Everything that is wrong with a form: nothing, where it is shown first.
#[derive(Debug, Default)]
pub(crate) struct Wrongs(pub(crate) Vec<Wrong>);

impl Wrongs {
    /// Of a form with these fields, with the status of its page: what is wrong with none of them is wrong with all of it.
    pub(crate) fn of(refusal: Option<Refusal>, fields: &[&str]) -> (StatusCode, Self) {
        let Some(Refusal { status, mut wrong }) = refusal else { return (StatusCode::OK, Self::default()) };
        if !fields.contains(&wrong.field.as_str()) {
            wrong.field.clear();
        }
        (status, Self(vec![wrong]))
    }

    /// What is wrong with a field.
    pub(crate) fn with(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|wrong| wrong.field == field).map(|wrong| wrong.why.as_str())
    }
}

impl<Base> Refused<Base> {
    /// The same, by what the use case said.
    pub(crate) fn by(error: &ChangeError, refusal: Refusal, base: Base) -> Self {
        if matches!(error, ChangeError::Stale) { Self::Meanwhile(base) } else { Self::For(refusal) }
    }

    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::For(refusal) => refusal.status,
            Self::Meanwhile(_) => StatusCode::CONFLICT,
            Self::No => StatusCode::OK,
        }
    }

    pub(crate) fn refusal(self) -> Option<Refusal> {
        match self {
            Self::For(refusal) => Some(refusal),
            Self::Meanwhile(_) | Self::No => None,
        }
    }

    /// What others changed since the form was made, of what is there now.
    pub(crate) fn changed(
        &self,
        now: &BTreeSet<String>,
        of: impl Fn(&Base) -> &BTreeSet<String>,
    ) -> BTreeSet<String> {
        match self {
            Self::Meanwhile(base) => of(base).symmetric_difference(now).cloned().collect(),
            Self::For(_) | Self::No => BTreeSet::new(),
        }
    }
}

impl Wrong {
    /// What is wrong with a field, said as a clause.
    pub(crate) fn with(field: &str, clause: &str) -> Self {
        Self { field: field.to_owned(), why: sentence(clause) }
    }

    /// What a use case says of what stands here (RFC 6901): of a list, of the list.
    fn at(pointer: &str, detail: &str) -> Self {
        let field = pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
        Self::with(field, detail)
    }
}

/// What a form says of an error; `Err`: the page that says it instead.
pub(crate) fn refusal(admin: &Admin, error: &ChangeError) -> Result<Refusal, Instead> {
    let text = error.to_string();
    let (status, pointer) = match error {
        ChangeError::Failure(failure) => return Err(admin.failed(failure)),
        ChangeError::Missing | ChangeError::Gone => return Err(entry::missing(admin).into()),
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

/// The same, for a form on a page that takes this to see: to change something is another permission. `Err` for whoever may not
/// see it as well.
pub(crate) fn refusal_on(
    takes: OrgatePermission,
    admin: &Admin,
    error: &ChangeError,
) -> Result<Refusal, Instead> {
    let refusal = refusal(admin, error)?;
    if admin.caller.asking(takes).is_some() { Ok(refusal) } else { Err(not_done(admin, &refusal)) }
}

/// What is said where a form came again that is answered with a secret: `done=already`.
pub(crate) const ALREADY: &str =
    "That was done already, and what came of it was shown then. If nobody kept that, make another one.";

/// A form that is answered with what is shown once: sent again, as by whoever reloads the answer, it makes nothing twice. `None`
/// of one that was not shown by a page.
pub(crate) fn once(form: &Form, operation: &str) -> Option<Once> {
    form.get("once")?;
    // With everything that it asks for: who goes back and asks for something else means that.
    Some(Once::new(&form.encoded(), operation, &[]))
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
    shown: (&str, OrgatePermission),
    said: &str,
) -> Answer {
    match result {
        Ok(()) => Ok(done(admin, shown, said)),
        Err(error) => Err(not_done(admin, &refusal(admin, &error)?)),
    }
}

/// That something was not done, and why.
pub(crate) fn not_done(admin: &Admin, refusal: &Refusal) -> Instead {
    let what = Problem {
        status: refusal.status,
        code: "not_done",
        headline: "That was not done",
        what_happened: &refusal.wrong.why,
        what_next: "Nothing was changed. Look at how things are now, and decide anew.",
    };
    entry::refused(admin, &what).into()
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
