//! What is around every page of the account: where one can go.

use super::{Member, PATH};
use crate::frame::{Destination, Destinations, Frame};
use crate::language::Message;

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

impl Part {
    const ALL: [Self; 6] = [
        Self::Profile,
        Self::Sessions,
        Self::SignIn,
        Self::Applications,
        Self::Activity,
        Self::Organizations,
    ];

    const fn label(self) -> Message {
        match self {
            Self::Profile => Message("account-profile"),
            Self::Sessions => Message("account-sessions"),
            Self::SignIn => Message("account-sign-in"),
            Self::Applications => Message("account-applications"),
            Self::Activity => Message("account-activity"),
            Self::Organizations => Message("account-organizations"),
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

    /// What is in its picture, of 24 by 24.
    const fn icon(self) -> &'static str {
        match self {
            Self::Profile => {
                r#"<circle cx="12" cy="8" r="3.75"/><path d="M4.75 20c.75-3.7 3.5-5.75 7.25-5.75s6.5 2.05 7.25 5.75"/>"#
            }
            Self::Sessions => {
                r#"<path d="M12.5 15.5h-8a1.75 1.75 0 0 1-1.75-1.75v-7.5A1.75 1.75 0 0 1 4.5 4.5h11a1.75 1.75 0 0 1 1.75 1.75V8M6 19.5h6.5"/><rect x="15.25" y="10.75" width="6" height="9.25" rx="1.5"/>"#
            }
            Self::SignIn => {
                r#"<circle cx="8" cy="15.5" r="4.25"/><path d="m11 12.5 8.5-8.5M15.5 8l3 3M18 5.5l2.5 2.5"/>"#
            }
            Self::Applications => {
                r#"<rect x="3.75" y="3.75" width="6.5" height="6.5" rx="1.75"/><rect x="13.75" y="3.75" width="6.5" height="6.5" rx="1.75"/><rect x="3.75" y="13.75" width="6.5" height="6.5" rx="1.75"/><path d="M17 13.75v6.5M13.75 17h6.5"/>"#
            }
            Self::Activity => r#"<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5l3.25 2"/>"#,
            Self::Organizations => {
                r#"<path d="M4 20.25V5.5A1.75 1.75 0 0 1 5.75 3.75h6.5A1.75 1.75 0 0 1 14 5.5v14.75M14 10h4.25A1.75 1.75 0 0 1 20 11.75v8.5M2.5 20.25h19M7.5 8h3M7.5 12h3M7.5 16h3"/>"#
            }
        }
    }
}

impl Member {
    /// What is around a page of this part.
    pub(super) fn frame(&self, part: Part) -> Frame {
        let (organization, user, language) = (&self.own.organization, &self.own.user, self.language());
        let destinations = Part::ALL.into_iter().map(|other| Destination {
            label: language.say(other.label()).into(),
            href: self.href(other.path()),
            is_current: other == part,
            icon: other.icon(),
        });
        let administration = || format!("{}/{}", orgate_flows::administration::PATH, organization.slug);
        Frame {
            home: self.href(""),
            sign_out: format!("{PATH}/sign-out"),
            carried: [("csrf", self.token()), ("organization", organization.id.to_string())]
                .into_iter()
                .chain(self.asked.map(|asked| ("ui_locales", asked.tag().to_owned())))
                .collect(),
            destinations: vec![Destinations { label: None, open: destinations.collect() }],
            administration: self.own.administers.then(administration),
            ..Frame::new(language.say("frame-account"), organization, (&user.name, user.email.as_deref()))
        }
    }
}
