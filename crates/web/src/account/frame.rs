//! What is around every page: whose account it is, and where one can go.

use super::Member;
use crate::page::Org;

/// A part of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Profile,
    Sessions,
    SignIn,
    Applications,
    Activity,
    Organizations,
}

/// Where one can go.
pub(super) struct Destination {
    pub(super) label: &'static str,
    pub(super) href: String,
    pub(super) is_current: bool,
    /// Which one it is.
    pub(super) part: Part,
}

/// `templates/account/frame.html`.
pub(super) struct Frame {
    pub(super) org: Org,
    /// The address of the first page.
    pub(super) home: String,
    /// Who is signed in.
    pub(super) user: String,
    pub(super) user_initial: String,
    /// Their address, where it says more than the name.
    pub(super) user_email: Option<String>,
    /// What every form carries.
    pub(super) csrf: String,
    pub(super) organization: String,
    /// Where the organization is administered, if they may see that.
    pub(super) administration: Option<String>,
    pub(super) destinations: Vec<Destination>,
    /// What was done just now.
    pub(super) done: Option<&'static str>,
}

/// `templates/admin/pager.html`: to other pages of a list.
pub(super) struct Pager {
    /// The first page, if this is another one.
    pub(super) first: Option<String>,
    pub(super) next: Option<String>,
}

impl Part {
    const ALL: [Self; 6] = [
        Self::Profile,
        Self::Sessions,
        Self::SignIn,
        Self::Applications,
        Self::Activity,
        Self::Organizations,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Profile => "Profile",
            Self::Sessions => "Sessions",
            Self::SignIn => "Ways to sign in",
            Self::Applications => "Applications",
            Self::Activity => "Activity",
            Self::Organizations => "Organizations",
        }
    }

    /// Below the first page.
    const fn path(self) -> &'static str {
        match self {
            Self::Profile => "",
            Self::Sessions => "/sessions",
            Self::SignIn => "/sign-in",
            Self::Applications => "/applications",
            Self::Activity => "/activity",
            Self::Organizations => "/organizations",
        }
    }
}

impl Frame {
    /// Around a page of this part.
    pub(super) fn of(member: &Member, part: Part) -> Self {
        let (organization, user) = (&member.own.organization, &member.own.user);
        let destinations = Part::ALL.into_iter().map(|other| Destination {
            label: other.label(),
            href: member.href(other.path()),
            is_current: other == part,
            part: other,
        });
        let administration = || format!("{}/{}", orgate_flows::administration::PATH, organization.slug);
        Self {
            org: Org::of(organization),
            home: member.href(""),
            user_initial: Org::named(&user.name, None).monogram,
            user: user.name.clone(),
            user_email: user.email.clone().filter(|email| *email != user.name),
            csrf: member.token(),
            organization: organization.id.to_string(),
            administration: member.own.administers.then(administration),
            destinations: destinations.collect(),
            done: None,
        }
    }

    /// Saying what was done.
    pub(super) fn saying(self, done: Option<&'static str>) -> Self {
        Self { done, ..self }
    }
}
