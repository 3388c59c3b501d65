//! What is around every page: whose it is, who is signed in, and where one can go.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::organizations::Organization;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::administration::PATH;
use orgate_flows::bootstrap::OPERATOR_SLUG;

pub(crate) use super::part::Part;
use super::part::Section;
use super::{Admin, sign_in};
use crate::account;
use crate::frame::{Destination, Destinations, Visit};
pub(crate) use crate::frame::{Frame, Pager};
use crate::page::{Link, Page, render, render_live};

impl Part {
    /// Whether there is one about the organization that is looked at, for whoever looks.
    fn is_open(self, admin: &Admin) -> bool {
        let is_there = match (self, self.section()) {
            (_, Section::Service) => admin.is_operators(),
            (Self::Delegations | Self::Suborganizations, _) => !admin.is_operators(),
            _ => true,
        };
        is_there
            && (self.is_of_others() || admin.signed_in.from.is_none())
            && admin.caller.may(self.permission())
    }

    /// Those of a section that are.
    fn open(admin: &Admin, section: Section) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |part| part.section() == section && part.is_open(admin))
    }

    fn destination(self, admin: &Admin, current: Self) -> Destination {
        Destination {
            label: self.label().into(),
            href: admin.href(self.path()),
            is_current: self == current,
            icon: self.icon(),
        }
    }
}

/// `templates/signed_oneself_out.html`.
#[derive(Template)]
#[template(path = "signed_oneself_out.html")]
struct SignedOutTemplate {
    page: Page,
    again: &'static str,
}

/// `templates/admin/done.html`.
#[derive(Template)]
#[template(path = "admin/done.html")]
struct DoneTemplate {
    page: Page,
    frame: Frame,
}

impl Frame {
    /// Around a page of this part.
    pub(crate) fn of(admin: &Admin, part: Part) -> Self {
        let organization = &admin.signed_in.organization;
        let (name, email) = (&admin.signed_in.name, &admin.signed_in.email);
        let own = admin.signed_in.from.as_ref().unwrap_or(organization);
        let destinations = Section::ALL.into_iter().map(|section| Destinations {
            label: section.label(),
            open: Part::open(admin, section).map(|other| other.destination(admin, part)).collect(),
        });
        let leaving = sign_in::leaving(own.slug.as_str());
        let csrf = admin.env.vault.form_token(&admin.cookies.browser.binding, &leaving);
        Self {
            home: admin.href(""),
            sign_out: admin.home_href("/sign-out"),
            carried: vec![("csrf", csrf)],
            account: Some(format!("{}?organization={}", account::PATH, own.id)),
            destinations: destinations.filter(|section| !section.open.is_empty()).collect(),
            visit: admin.signed_in.from.as_ref().map(|own| Visit::of(admin, (own, part))),
            ..Self::new("Administration", organization, (name, email.as_deref()))
        }
    }

    /// The same, of whoever may open the first page of its part; of anybody else, around a page that has none above.
    pub(crate) fn below_if_open(admin: &Admin, part: Part) -> Self {
        if admin.caller.asking(part.permission()).is_some() {
            Self::below(admin, part, Vec::new())
        } else {
            Self::of(admin, part)
        }
    }

    /// Below the first page of its part, and these.
    pub(crate) fn below(admin: &Admin, part: Part, above: Vec<Link>) -> Self {
        let first = Link { label: part.label().to_owned(), href: admin.href(part.path()) };
        let crumbs = std::iter::once(first).chain(above).collect();
        Self { crumbs, ..Self::of(admin, part) }
    }
}

impl Visit {
    fn of(admin: &Admin, (own, part): (&Organization, Part)) -> Self {
        let is_standing = part == Part::Organizations;
        let operates = own.slug.as_str() == OPERATOR_SLUG;
        let manages = operates && admin.caller.may(OrgatePermission::OrganizationsManage);
        Self {
            from: own.name.as_str().to_owned(),
            reason: admin.caller.reason().map(str::to_owned),
            leave: admin.home_href(if operates { "/organizations" } else { "" }),
            standing: (manages && !is_standing).then(|| admin.href("/standing")),
            only_reads: !is_standing,
        }
    }
}

impl Admin {
    /// Whether the organization that is looked at is the operator's.
    pub(crate) fn is_operators(&self) -> bool {
        self.signed_in.organization.slug.as_str() == OPERATOR_SLUG
    }

    /// The address of a page that takes this; of the first one, for whoever may not see that.
    pub(crate) fn href_if_open(&self, (path, takes): (&str, OrgatePermission)) -> String {
        self.href(if self.caller.asking(takes).is_some() { path } else { "" })
    }

    /// What all pages share.
    pub(crate) fn page(&self) -> Page {
        Page::branded(&self.env, &self.signed_in.organization)
    }

    /// That something was done, for whoever may not read what came of it.
    pub(crate) fn done(&self) -> Response {
        let template = DoneTemplate { page: self.page(), frame: Frame::of(self, Part::Overview) };
        self.render(StatusCode::OK, &template)
    }

    /// What comes of ending one's own session: nothing is around it any more, and whatever comes next is by a link.
    pub(crate) fn signed_out(&self) -> Response {
        render(StatusCode::OK, &SignedOutTemplate { page: self.page(), again: PATH }, None)
    }

    /// Renders a page, with the cookie that its forms are bound to.
    pub(crate) fn render(&self, status: StatusCode, template: &impl Template) -> Response {
        let mut response = render(status, template, None);
        self.cookies.bind(response.headers_mut());
        response
    }

    /// The same of a page whose script asks for another page of ours.
    pub(crate) fn render_live(&self, status: StatusCode, template: &impl Template) -> Response {
        let mut response = render_live(status, template);
        self.cookies.bind(response.headers_mut());
        response
    }
}
