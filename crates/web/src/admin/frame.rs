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
use crate::frame::{Destination, Visit};
pub(crate) use crate::frame::{Frame, Pager};
use crate::page::{Link, Page, render, render_live};

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
    Applications,
    ApiKeys,
    Look,
    Policies,
    SigningKeys,
    Audit,
    Suborganizations,
    Organizations,
}

impl Part {
    pub(crate) const ALL: [Self; 15] = [
        Self::Overview,
        Self::Users,
        Self::Groups,
        Self::Roles,
        Self::Invitations,
        Self::Connections,
        Self::Domains,
        Self::Applications,
        Self::ApiKeys,
        Self::Look,
        Self::Policies,
        Self::SigningKeys,
        Self::Audit,
        Self::Suborganizations,
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
            Self::Applications => "Applications",
            Self::ApiKeys => "API keys",
            Self::Look => "Look",
            Self::Policies => "Policies",
            Self::SigningKeys => "Signing keys",
            Self::Audit => "Audit log",
            Self::Organizations => "Organizations",
            Self::Suborganizations => "Sub-organizations",
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
            Self::Applications => "/applications",
            Self::ApiKeys => "/api-keys",
            Self::Look => "/look",
            Self::Policies => "/policies",
            Self::SigningKeys => "/signing-keys",
            Self::Audit => "/audit",
            Self::Organizations => "/organizations",
            Self::Suborganizations => "/suborganizations",
        }
    }

    /// What is in its picture, of 24 by 24.
    const fn icon(self) -> &'static str {
        match self {
            Self::Overview => {
                r#"<rect x="3.5" y="3.5" width="7" height="8" rx="1.75"/><rect x="13.5" y="3.5" width="7" height="5" rx="1.75"/><rect x="3.5" y="14.5" width="7" height="6" rx="1.75"/><rect x="13.5" y="11.5" width="7" height="9" rx="1.75"/>"#
            }
            Self::Users => {
                r#"<circle cx="9" cy="8" r="3.5"/><path d="M2.75 19.5c.6-3.4 3-5.25 6.25-5.25s5.65 1.85 6.25 5.25M15.5 4.9a3.5 3.5 0 0 1 0 6.2M18 14.6c1.8.8 2.95 2.4 3.3 4.9"/>"#
            }
            Self::Groups => {
                r#"<circle cx="12" cy="7" r="3"/><circle cx="5.75" cy="10.5" r="2.25"/><circle cx="18.25" cy="10.5" r="2.25"/><path d="M7 19.5c.5-3.3 2.4-5.25 5-5.25s4.5 1.95 5 5.25M2.5 18c.25-1.9 1.2-3 2.75-3.25M21.5 18c-.25-1.9-1.2-3-2.75-3.25"/>"#
            }
            Self::Roles => {
                r#"<path d="M12 3.5 5 6v5.5c0 4.2 2.8 7.3 7 9 4.2-1.7 7-4.8 7-9V6z"/><path d="m9 11.75 2.25 2.25L15.25 10"/>"#
            }
            Self::Invitations => {
                r#"<rect x="3" y="5" width="18" height="14" rx="2.5"/><path d="m3.75 7.5 8.25 6 8.25-6"/>"#
            }
            Self::Connections => {
                r#"<path d="M9.5 14.5l5-5M11 6.5l1.8-1.8a4.6 4.6 0 0 1 6.5 6.5L17.5 13M13 17.5l-1.8 1.8a4.6 4.6 0 0 1-6.5-6.5L6.5 11"/>"#
            }
            Self::Domains => {
                r#"<circle cx="12" cy="12" r="8.5"/><path d="M3.5 12h17M12 3.5c2.4 2.5 3.5 5.3 3.5 8.5s-1.1 6-3.5 8.5c-2.4-2.5-3.5-5.3-3.5-8.5s1.1-6 3.5-8.5"/>"#
            }
            Self::Applications => {
                r#"<rect x="3.5" y="3.5" width="7" height="7" rx="1.75"/><rect x="13.5" y="3.5" width="7" height="7" rx="1.75"/><rect x="3.5" y="13.5" width="7" height="7" rx="1.75"/><rect x="13.5" y="13.5" width="7" height="7" rx="1.75"/>"#
            }
            Self::ApiKeys => {
                r#"<circle cx="7.75" cy="15.75" r="4.25"/><path d="m11 12.5 8.5-8.5M16 7.5l3 3M13.5 10l2 2"/>"#
            }
            Self::Look => {
                r#"<path d="M12 3.5a8.5 8.5 0 0 0 0 17c1.4 0 2-.9 2-1.9 0-1.3-1-1.6-1-2.7 0-.9.7-1.6 1.7-1.6h2c2.2 0 3.8-1.6 3.8-3.8 0-4-3.8-7-8.5-7zM7.75 12.25v.01M9.75 8.25v.01M14.25 8.25v.01"/>"#
            }
            Self::Policies => {
                r#"<path d="M12 3.5 5 6v5.5c0 4.2 2.9 7.2 7 9 4.1-1.8 7-4.8 7-9V6zM9 12l2.2 2.2L15.25 10"/>"#
            }
            Self::SigningKeys => {
                r#"<path d="M3.5 17.5c2-1.5 3.2-5.9 4.4-9.6.6-1.9 2.6-1.6 2.4.4-.3 2.8-1.6 6.2-1.3 7.7.3 1.3 1.6.8 2.2-.4.5-1 1.4-2.6 2.2-2.4.8.2.1 2.1 1 2.5.8.3 1.2-1.1 2-1.1.9 0 .9 1.1 1.9 1.1h2.2M3.5 20.5h17"/>"#
            }
            Self::Suborganizations => {
                r#"<rect x="8.75" y="3.5" width="6.5" height="5" rx="1.5"/><rect x="2.75" y="15.5" width="6.5" height="5" rx="1.5"/><rect x="14.75" y="15.5" width="6.5" height="5" rx="1.5"/><path d="M12 8.5V12M6 15.5V12h12v3.5"/>"#
            }
            Self::Audit => r#"<path d="M6 3.5h8.5L19 8v12.5H6zM14 3.5V8.5h5M9 12.5h7M9 16.5h5"/>"#,
            Self::Organizations => {
                r#"<path d="M4 20.5v-15l8-2v17M12 8.5l8 2v10M2.5 20.5h19M8 8v.01M8 12v.01M8 16v.01M16 13.5v.01M16 17v.01"/>"#
            }
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
            Self::Applications => OrgatePermission::ClientsRead,
            Self::ApiKeys => OrgatePermission::ApiKeysRead,
            Self::Policies => OrgatePermission::PoliciesRead,
            Self::SigningKeys => OrgatePermission::SigningKeysRead,
            Self::Audit => OrgatePermission::AuditRead,
            Self::Organizations => OrgatePermission::OrganizationsRead,
            Self::Suborganizations => OrgatePermission::SuborganizationsAct,
        }
    }

    /// Whether there is one of other organizations as well, for whoever may look at them from their own.
    pub(crate) const fn is_of_others(self) -> bool {
        !matches!(self, Self::Organizations | Self::Suborganizations)
    }

    /// Whether there is one about the organization that is looked at, for whoever looks.
    fn is_open(self, admin: &Admin) -> bool {
        let is_there = match self {
            Self::Organizations => admin.is_operators(),
            Self::Suborganizations => !admin.is_operators(),
            _ => true,
        };
        is_there
            && (self.is_of_others() || admin.signed_in.from.is_none())
            && admin.caller.may(self.permission())
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
            icon: other.icon(),
        });
        let leaving = sign_in::leaving(own.slug.as_str());
        let csrf = admin.env.vault.form_token(&admin.cookies.browser.binding, &leaving);
        Self {
            home: admin.href(""),
            sign_out: admin.home_href("/sign-out"),
            carried: vec![("csrf", csrf)],
            account: Some(format!("{}?organization={}", account::PATH, own.id)),
            destinations: destinations.collect(),
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
