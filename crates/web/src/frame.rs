//! What is around every page of somebody who is signed in: whose it is, who they are, and where they can go.

use std::borrow::Cow;
use std::fmt::Display;

use orgate_domain::organizations::Organization;

use crate::page::{Link, Org};

/// `templates/frame.html`.
pub(crate) struct Frame {
    /// What these pages are: "Administration".
    pub(crate) what: Cow<'static, str>,
    pub(crate) org: Org,
    /// The address of the first page.
    pub(crate) home: String,
    /// Who is signed in.
    pub(crate) user: String,
    pub(crate) user_initial: String,
    /// Their address, where it says more than the name.
    pub(crate) user_email: Option<String>,
    pub(crate) sign_out: String,
    /// What the form that signs out carries, and of the account every form.
    pub(crate) carried: Vec<(&'static str, String)>,
    /// Their own account in the organization, on pages of anything else.
    pub(crate) account: Option<String>,
    pub(crate) destinations: Vec<Destinations>,
    /// Where the organization is administered, on pages of their account, if they may see that.
    pub(crate) administration: Option<String>,
    /// The pages above this one.
    pub(crate) crumbs: Vec<Link>,
    /// What was done just now.
    pub(crate) done: Option<Cow<'static, str>>,
    /// Of an organization that is not theirs.
    pub(crate) visit: Option<Visit>,
}

/// Where one can go that has something in common.
pub(crate) struct Destinations {
    /// What that is; of those that are above all others, none.
    pub(crate) label: Option<&'static str>,
    pub(crate) open: Vec<Destination>,
}

/// Where one can go.
pub(crate) struct Destination {
    pub(crate) label: Cow<'static, str>,
    pub(crate) href: String,
    pub(crate) is_current: bool,
    /// What is in its picture: markup of ours.
    pub(crate) icon: &'static str,
}

/// Somebody looks at an organization that is not theirs.
pub(crate) struct Visit {
    /// Their own.
    pub(crate) from: String,
    /// Why they do.
    pub(crate) reason: Option<String>,
    /// Back to their own.
    pub(crate) leave: String,
    /// Where its status and limits are, if they may change these, and are not there.
    pub(crate) standing: Option<String>,
    /// Whether nothing can be changed on the page.
    pub(crate) only_reads: bool,
}

/// `templates/admin/pager.html`: to other pages of a list.
pub(crate) struct Pager {
    /// The first page, if this is another one.
    pub(crate) first: Option<String>,
    pub(crate) next: Option<String>,
}

impl Pager {
    /// Of a list at `here`, of which a later page is shown or not, and another one follows or not.
    pub(crate) fn of(here: &str, is_later: bool, next: Option<impl Display>) -> Self {
        Self {
            first: is_later.then(|| here.to_owned()),
            next: next.map(|after| format!("{here}?after={after}")),
        }
    }
}

impl Frame {
    /// Around pages that are called this, about an organization, for somebody of this name and address. It leads nowhere yet.
    pub(crate) fn new(
        what: impl Into<Cow<'static, str>>,
        organization: &Organization,
        (name, email): (&str, Option<&str>),
    ) -> Self {
        Self {
            what: what.into(),
            org: Org::of(organization),
            home: String::new(),
            user: name.to_owned(),
            user_initial: Org::named(name, None).monogram,
            user_email: email.filter(|email| *email != name).map(str::to_owned),
            sign_out: String::new(),
            carried: Vec::new(),
            account: None,
            destinations: Vec::new(),
            administration: None,
            crumbs: Vec::new(),
            done: None,
            visit: None,
        }
    }

    /// Saying what was done.
    pub(crate) fn saying(self, done: Option<impl Into<Cow<'static, str>>>) -> Self {
        Self { done: done.map(Into::into), ..self }
    }
}
