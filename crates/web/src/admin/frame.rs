//! What is around every page: whose it is, who is signed in, and where one can go.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::administration::PATH;

use super::{Admin, sign_in};
use crate::page::{Link, Org, Page, render};

/// A part of the administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Overview,
    Users,
    Invitations,
    Connections,
    Domains,
    Audit,
}

/// Where one can go.
pub(crate) struct Destination {
    pub(crate) label: &'static str,
    pub(crate) href: String,
    pub(crate) is_current: bool,
    /// Which one it is.
    pub(crate) part: Part,
}

/// `templates/admin/layout.html`.
pub(crate) struct Frame {
    pub(crate) org: Org,
    /// The address of the first page.
    pub(crate) home: String,
    /// Who is signed in.
    pub(crate) user: String,
    pub(crate) user_initial: String,
    /// Their address, where it says more than the name.
    pub(crate) user_email: Option<String>,
    pub(crate) sign_out: String,
    pub(crate) sign_out_csrf: String,
    pub(crate) destinations: Vec<Destination>,
    /// The pages above this one.
    pub(crate) crumbs: Vec<Link>,
    /// What was done just now.
    pub(crate) done: Option<&'static str>,
}

/// `templates/admin/pager.html`: to other pages of a list.
pub(crate) struct Pager {
    /// The first page, if this is another one.
    pub(crate) first: Option<String>,
    pub(crate) next: Option<String>,
}

impl Part {
    const ALL: [Self; 6] =
        [Self::Overview, Self::Users, Self::Invitations, Self::Connections, Self::Domains, Self::Audit];

    const fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Users => "Users",
            Self::Invitations => "Invitations",
            Self::Connections => "Identity providers",
            Self::Domains => "Domains",
            Self::Audit => "Audit log",
        }
    }

    /// Below the organization's first page.
    const fn path(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Users => "/users",
            Self::Invitations => "/invitations",
            Self::Connections => "/connections",
            Self::Domains => "/domains",
            Self::Audit => "/audit",
        }
    }

    /// What its first page takes.
    const fn permission(self) -> OrgatePermission {
        match self {
            Self::Overview => OrgatePermission::OrganizationRead,
            Self::Users => OrgatePermission::UsersRead,
            Self::Invitations => OrgatePermission::InvitationsRead,
            Self::Connections => OrgatePermission::ConnectionsRead,
            Self::Domains => OrgatePermission::DomainsRead,
            Self::Audit => OrgatePermission::AuditRead,
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
        let slug = organization.slug.as_str();
        let open = Part::ALL.into_iter().filter(|part| admin.caller.asking(part.permission()).is_some());
        let destinations = open.map(|other| Destination {
            label: other.label(),
            href: admin.href(other.path()),
            is_current: other == part,
            part: other,
        });
        Self {
            org: Org::of(organization),
            home: admin.href(""),
            user_initial: Org::named(name, None).monogram,
            user: name.clone(),
            user_email: email.clone().filter(|email| email != name),
            sign_out: admin.href("/sign-out"),
            sign_out_csrf: admin
                .env
                .vault
                .form_token(&admin.cookies.browser.binding, &sign_in::leaving(slug)),
            destinations: destinations.collect(),
            crumbs: Vec::new(),
            done: None,
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

    /// Saying what was done.
    pub(crate) fn saying(self, done: Option<&'static str>) -> Self {
        Self { done, ..self }
    }
}

impl Admin {
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
}
