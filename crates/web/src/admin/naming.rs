//! What somebody calls what they make, and who that was.

use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::permissions::OrgatePermission;
use orgate_domain::setup::LinkMaker;
use orgate_flows::manage::ChangeError;

use super::Admin;
use crate::fields::Form;

/// Whoever made something, in a few words; and their page, if it may be opened.
pub(super) fn maker(admin: &Admin, maker: Option<LinkMaker>) -> (&'static str, Option<String>) {
    let (who, user) = match maker {
        Some(LinkMaker::Client(_)) => ("An application", None),
        Some(LinkMaker::Delegate(_)) => ("An organization above yours", None),
        Some(LinkMaker::Operator) => ("The operator of this service", None),
        Some(LinkMaker::User(id)) if admin.caller.user_id() == Some(id) => ("You", None),
        Some(LinkMaker::User(id)) => ("A user", Some(id)),
        None => ("Somebody", None),
    };
    let user = user.filter(|_| admin.caller.asking(OrgatePermission::UsersRead).is_some());
    (who, user.map(|id| admin.href(&format!("/users/{id}"))))
}

/// The name in a form.
pub(super) fn display_name(form: &Form) -> Result<DisplayName, ChangeError> {
    DisplayName::parse(form.text("name")).map_err(|error| ChangeError::invalid("/name", error.to_string()))
}

/// The short name in a form; made of the name where it is left empty.
pub(super) fn slug_for(form: &Form) -> Result<Slug, ChangeError> {
    let slug = form.get("slug").map_or_else(|| short(form.text("name")), str::to_owned);
    Slug::parse(&slug).map_err(|error| ChangeError::invalid("/slug", error.to_string()))
}

/// "Support lead" is "support-lead".
fn short(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join("-");
    let cut: String = joined.chars().take(63).collect();
    cut.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_made_of_a_name() {
        assert_eq!(short("Support lead"), "support-lead");
        assert_eq!(short(" R&D (Berlin) "), "r-d-berlin");
        assert_eq!(short("経理"), "");
        assert!(Slug::parse(&short(&"ab ".repeat(60))).is_ok());
    }
}
