//! What is around every page: whose it is, who is signed in, and where one can go.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::organizations::Organization;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::administration::PATH;
use orgate_flows::bootstrap::OPERATOR_SLUG;

use super::{Admin, sign_in};
use crate::account;
use crate::page::{Link, Org, Page, render, render_live};

/// A part of the administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Overview,
    Users,
    Groups,
    Roles,
    Invitations,
    Connections,
    Domains,
    Look,
    Policies,
    Audit,
    Organizations,
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
    /// Their own account in the organization.
    pub(crate) account: String,
    pub(crate) sign_out: String,
    pub(crate) sign_out_csrf: String,
    pub(crate) destinations: Vec<Destination>,
    /// The pages above this one.
    pub(crate) crumbs: Vec<Link>,
    /// What was done just now.
    pub(crate) done: Option<&'static str>,
    /// Of an organization that is not theirs.
    pub(crate) visit: Option<Visit>,
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

impl Part {
    const ALL: [Self; 11] = [
        Self::Overview,
        Self::Users,
        Self::Groups,
        Self::Roles,
        Self::Invitations,
        Self::Connections,
        Self::Domains,
        Self::Look,
        Self::Policies,
        Self::Audit,
        Self::Organizations,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Users => "Users",
            Self::Groups => "Groups",
            Self::Roles => "Roles",
            Self::Invitations => "Invitations",
            Self::Connections => "Identity providers",
            Self::Domains => "Domains",
            Self::Look => "Look",
            Self::Policies => "Policies",
            Self::Audit => "Audit log",
            Self::Organizations => "Organizations",
        }
    }

    /// Where its first page is, and what that takes.
    pub(crate) const fn shown(self) -> (&'static str, OrgatePermission) {
        (self.path(), self.permission())
    }

    /// Below the organization's first page.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Users => "/users",
            Self::Groups => "/groups",
            Self::Roles => "/roles",
            Self::Invitations => "/invitations",
            Self::Connections => "/connections",
            Self::Domains => "/domains",
            Self::Look => "/look",
            Self::Policies => "/policies",
            Self::Audit => "/audit",
            Self::Organizations => "/organizations",
        }
    }

    /// What its first page takes.
    pub(crate) const fn permission(self) -> OrgatePermission {
        match self {
            Self::Overview | Self::Look => OrgatePermission::OrganizationRead,
            Self::Users => OrgatePermission::UsersRead,
            Self::Groups => OrgatePermission::GroupsRead,
            Self::Roles => OrgatePermission::RolesRead,
            Self::Invitations => OrgatePermission::InvitationsRead,
            Self::Connections => OrgatePermission::ConnectionsRead,
            Self::Domains => OrgatePermission::DomainsRead,
            Self::Policies => OrgatePermission::PoliciesRead,
            Self::Audit => OrgatePermission::AuditRead,
            Self::Organizations => OrgatePermission::OrganizationsRead,
        }
    }

    /// Whether there is one about the organization that is looked at, for whoever looks.
    fn is_open(self, admin: &Admin) -> bool {
        let is_there = match self {
            Self::Organizations => admin.signed_in.from.is_none() && admin.is_operators(),
            _ => true,
        };
        is_there && admin.caller.may(self.permission())
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
        let open = Part::ALL.into_iter().filter(|part| part.is_open(admin));
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
            account: format!("{}?organization={}", account::PATH, own.id),
            sign_out: admin.home_href("/sign-out"),
            sign_out_csrf: admin
                .env
                .vault
                .form_token(&admin.cookies.browser.binding, &sign_in::leaving(own.slug.as_str())),
            destinations: destinations.collect(),
            crumbs: Vec::new(),
            done: None,
            visit: admin.signed_in.from.as_ref().map(|own| Visit::of(admin, (own, part))),
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
