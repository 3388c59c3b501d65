//! The parts of the administration, and where the navigation has them.

use orgate_domain::permissions::OrgatePermission;

/// A part of the administration: what one entry of the navigation leads to, and what is below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Overview,
    Users,
    Invitations,
    Joining,
    Groups,
    Roles,
    Connections,
    Domains,
    Policies,
    Look,
    Mails,
    Applications,
    Clients,
    ApiKeys,
    Webhooks,
    SigningKeys,
    Audit,
    Delegations,
    Suborganizations,
    Organizations,
    Blueprints,
    Health,
}

/// What parts have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// The first page, which is above all sections.
    First,
    People,
    SignIn,
    Integrations,
    Oversight,
    /// The operator's: the console.
    Service,
}

/// What there is to say of a part.
struct Described {
    section: Section,
    label: &'static str,
    /// Below the organization's first page.
    path: &'static str,
    /// What its first page takes.
    permission: OrgatePermission,
    /// What is in its picture, of 24 by 24.
    icon: &'static str,
}

impl Section {
    pub(crate) const ALL: [Self; 6] =
        [Self::First, Self::People, Self::SignIn, Self::Integrations, Self::Oversight, Self::Service];

    pub(crate) const fn label(self) -> Option<&'static str> {
        match self {
            Self::First => None,
            Self::People => Some("People"),
            Self::SignIn => Some("Sign-in"),
            Self::Integrations => Some("Integrations"),
            Self::Oversight => Some("Oversight"),
            Self::Service => Some("This service"),
        }
    }
}

impl Part {
    /// All of them, in the navigation's order.
    pub(crate) const ALL: [Self; 22] = [
        Self::Overview,
        Self::Users,
        Self::Invitations,
        Self::Joining,
        Self::Groups,
        Self::Roles,
        Self::Connections,
        Self::Domains,
        Self::Policies,
        Self::Look,
        Self::Mails,
        Self::Applications,
        Self::Clients,
        Self::ApiKeys,
        Self::Webhooks,
        Self::SigningKeys,
        Self::Audit,
        Self::Delegations,
        Self::Suborganizations,
        Self::Organizations,
        Self::Blueprints,
        Self::Health,
    ];

    #[expect(clippy::too_many_lines, reason = "each part has some lines")]
    const fn described(self) -> Described {
        match self {
            Self::Overview => Described {
                section: Section::First,
                label: "Overview",
                path: "",
                permission: OrgatePermission::OrganizationRead,
                icon: r#"<rect x="3.5" y="3.5" width="7" height="8" rx="1.75"/><rect x="13.5" y="3.5" width="7" height="5" rx="1.75"/><rect x="3.5" y="14.5" width="7" height="6" rx="1.75"/><rect x="13.5" y="11.5" width="7" height="9" rx="1.75"/>"#,
            },
            Self::Users => Described {
                section: Section::People,
                label: "Users",
                path: "/users",
                permission: OrgatePermission::UsersRead,
                icon: r#"<circle cx="9" cy="8" r="3.5"/><path d="M2.75 19.5c.6-3.4 3-5.25 6.25-5.25s5.65 1.85 6.25 5.25M15.5 4.9a3.5 3.5 0 0 1 0 6.2M18 14.6c1.8.8 2.95 2.4 3.3 4.9"/>"#,
            },
            Self::Invitations => Described {
                section: Section::People,
                label: "Invitations",
                path: "/invitations",
                permission: OrgatePermission::InvitationsRead,
                icon: r#"<rect x="3" y="5" width="18" height="14" rx="2.5"/><path d="m3.75 7.5 8.25 6 8.25-6"/>"#,
            },
            Self::Joining => Described {
                section: Section::People,
                label: "Joining",
                path: "/joining",
                permission: OrgatePermission::InvitationsRead,
                icon: r#"<path d="M11 3.5h6.5a2 2 0 0 1 2 2v13a2 2 0 0 1-2 2H11M3.5 12h11M10.75 8.25 14.5 12l-3.75 3.75"/>"#,
            },
            Self::Groups => Described {
                section: Section::People,
                label: "Groups",
                path: "/groups",
                permission: OrgatePermission::GroupsRead,
                icon: r#"<circle cx="12" cy="7" r="3"/><circle cx="5.75" cy="10.5" r="2.25"/><circle cx="18.25" cy="10.5" r="2.25"/><path d="M7 19.5c.5-3.3 2.4-5.25 5-5.25s4.5 1.95 5 5.25M2.5 18c.25-1.9 1.2-3 2.75-3.25M21.5 18c-.25-1.9-1.2-3-2.75-3.25"/>"#,
            },
            Self::Roles => Described {
                section: Section::People,
                label: "Roles",
                path: "/roles",
                permission: OrgatePermission::RolesRead,
                icon: r#"<path d="M12 3.5 5 6v5.5c0 4.2 2.8 7.3 7 9 4.2-1.7 7-4.8 7-9V6z"/><path d="m9 11.75 2.25 2.25L15.25 10"/>"#,
            },
            Self::Connections => Described {
                section: Section::SignIn,
                label: "Identity providers",
                path: "/connections",
                permission: OrgatePermission::ConnectionsRead,
                icon: r#"<path d="M9.5 14.5l5-5M11 6.5l1.8-1.8a4.6 4.6 0 0 1 6.5 6.5L17.5 13M13 17.5l-1.8 1.8a4.6 4.6 0 0 1-6.5-6.5L6.5 11"/>"#,
            },
            Self::Domains => Described {
                section: Section::SignIn,
                label: "Domains",
                path: "/domains",
                permission: OrgatePermission::DomainsRead,
                icon: r#"<circle cx="12" cy="12" r="8.5"/><path d="M3.5 12h17M12 3.5c2.4 2.5 3.5 5.3 3.5 8.5s-1.1 6-3.5 8.5c-2.4-2.5-3.5-5.3-3.5-8.5s1.1-6 3.5-8.5"/>"#,
            },
            Self::Policies => Described {
                section: Section::SignIn,
                label: "Policies",
                path: "/policies",
                permission: OrgatePermission::PoliciesRead,
                icon: r#"<path d="M12 3.5 5 6v5.5c0 4.2 2.9 7.2 7 9 4.1-1.8 7-4.8 7-9V6zM9 12l2.2 2.2L15.25 10"/>"#,
            },
            Self::Look => Described {
                section: Section::SignIn,
                label: "Look",
                path: "/look",
                permission: OrgatePermission::OrganizationRead,
                icon: r#"<path d="M12 3.5a8.5 8.5 0 0 0 0 17c1.4 0 2-.9 2-1.9 0-1.3-1-1.6-1-2.7 0-.9.7-1.6 1.7-1.6h2c2.2 0 3.8-1.6 3.8-3.8 0-4-3.8-7-8.5-7zM7.75 12.25v.01M9.75 8.25v.01M14.25 8.25v.01"/>"#,
            },
            Self::Mails => Described {
                section: Section::SignIn,
                label: "Mails",
                path: "/mails",
                permission: OrgatePermission::OrganizationRead,
                icon: r#"<path d="M20.5 10.5v-3A2.5 2.5 0 0 0 18 5H6a2.5 2.5 0 0 0-2.5 2.5v9A2.5 2.5 0 0 0 6 19h4.5M4.25 7.5l7.75 5.75 7.75-5.75M14 19.5l.65-2.65 4.5-4.5 2 2-4.5 4.5z"/>"#,
            },
            Self::Applications => Described {
                section: Section::Integrations,
                label: "Applications",
                path: "/applications",
                permission: OrgatePermission::ClientsRead,
                icon: r#"<rect x="3.5" y="3.5" width="7" height="7" rx="1.75"/><rect x="13.5" y="3.5" width="7" height="7" rx="1.75"/><rect x="3.5" y="13.5" width="7" height="7" rx="1.75"/><rect x="13.5" y="13.5" width="7" height="7" rx="1.75"/>"#,
            },
            Self::Clients => Described {
                section: Section::Integrations,
                label: "Own applications",
                path: "/clients",
                permission: OrgatePermission::ClientsRead,
                icon: r#"<rect x="3" y="4.5" width="18" height="15" rx="2.5"/><path d="M3 9h18M6.5 6.75v.01M9.5 6.75v.01M9.5 12 7 14.25l2.5 2.25M14.5 12l2.5 2.25-2.5 2.25"/>"#,
            },
            Self::ApiKeys => Described {
                section: Section::Integrations,
                label: "API keys",
                path: "/api-keys",
                permission: OrgatePermission::ApiKeysRead,
                icon: r#"<circle cx="7.75" cy="15.75" r="4.25"/><path d="m11 12.5 8.5-8.5M16 7.5l3 3M13.5 10l2 2"/>"#,
            },
            Self::Webhooks => Described {
                section: Section::Integrations,
                label: "Webhooks",
                path: "/webhooks",
                permission: OrgatePermission::WebhooksRead,
                icon: r#"<circle cx="12" cy="6.5" r="3"/><circle cx="6" cy="17" r="3"/><circle cx="18" cy="17" r="3"/><path d="M10.5 9.1 7.5 14.4M13.5 9.1l3 5.3M9 17h6"/>"#,
            },
            Self::SigningKeys => Described {
                section: Section::Integrations,
                label: "Signing keys",
                path: "/signing-keys",
                permission: OrgatePermission::SigningKeysRead,
                icon: r#"<path d="M3.5 17.5c2-1.5 3.2-5.9 4.4-9.6.6-1.9 2.6-1.6 2.4.4-.3 2.8-1.6 6.2-1.3 7.7.3 1.3 1.6.8 2.2-.4.5-1 1.4-2.6 2.2-2.4.8.2.1 2.1 1 2.5.8.3 1.2-1.1 2-1.1.9 0 .9 1.1 1.9 1.1h2.2M3.5 20.5h17"/>"#,
            },
            Self::Audit => Described {
                section: Section::Oversight,
                label: "Audit log",
                path: "/audit",
                permission: OrgatePermission::AuditRead,
                icon: r#"<path d="M6 3.5h8.5L19 8v12.5H6zM14 3.5V8.5h5M9 12.5h7M9 16.5h5"/>"#,
            },
            Self::Delegations => Described {
                section: Section::Oversight,
                label: "Access from above",
                path: "/delegations",
                permission: OrgatePermission::DelegationsRead,
                icon: r#"<rect x="8.75" y="15.5" width="6.5" height="5" rx="1.5"/><rect x="2.75" y="3.5" width="6.5" height="5" rx="1.5"/><rect x="14.75" y="3.5" width="6.5" height="5" rx="1.5"/><path d="M6 8.5V12h12V8.5M12 12v3.5"/>"#,
            },
            Self::Suborganizations => Described {
                section: Section::Oversight,
                label: "Sub-organizations",
                path: "/suborganizations",
                permission: OrgatePermission::SuborganizationsAct,
                icon: r#"<rect x="8.75" y="3.5" width="6.5" height="5" rx="1.5"/><rect x="2.75" y="15.5" width="6.5" height="5" rx="1.5"/><rect x="14.75" y="15.5" width="6.5" height="5" rx="1.5"/><path d="M12 8.5V12M6 15.5V12h12v3.5"/>"#,
            },
            Self::Organizations => Described {
                section: Section::Service,
                label: "Organizations",
                path: "/organizations",
                permission: OrgatePermission::OrganizationsRead,
                icon: r#"<path d="M4 20.5v-15l8-2v17M12 8.5l8 2v10M2.5 20.5h19M8 8v.01M8 12v.01M8 16v.01M16 13.5v.01M16 17v.01"/>"#,
            },
            Self::Blueprints => Described {
                section: Section::Service,
                label: "Role blueprints",
                path: "/role-blueprints",
                permission: OrgatePermission::OrganizationsRead,
                icon: r#"<rect x="3.5" y="4" width="17" height="16" rx="2.5"/><path d="M3.5 9h17M9 9v11M12.5 13h5M12.5 16.5h3"/>"#,
            },
            Self::Health => Described {
                section: Section::Service,
                label: "Health",
                path: "/health",
                permission: OrgatePermission::OrganizationsRead,
                icon: r#"<path d="M3 12.5h4l2.5-7 4.5 13 2.5-6H21"/>"#,
            },
        }
    }

    pub(crate) const fn section(self) -> Section {
        self.described().section
    }

    pub(crate) const fn label(self) -> &'static str {
        self.described().label
    }

    /// Where its first page is, and what that takes.
    pub(crate) const fn shown(self) -> (&'static str, OrgatePermission) {
        (self.path(), self.permission())
    }

    /// Below the organization's first page.
    pub(crate) const fn path(self) -> &'static str {
        self.described().path
    }

    /// What is in its picture, of 24 by 24.
    pub(crate) const fn icon(self) -> &'static str {
        self.described().icon
    }

    /// What its first page takes.
    pub(crate) const fn permission(self) -> OrgatePermission {
        self.described().permission
    }

    /// Whether there is one of other organizations as well, for whoever may look at them from their own.
    pub(crate) const fn is_of_others(self) -> bool {
        !matches!((self, self.section()), (Self::Suborganizations, _) | (_, Section::Service))
    }
}
