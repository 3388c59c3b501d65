//! The plan: what has to change, in the order in which it can be.
//!
//! **Invariant:** a step is one transaction of one organization, and whatever a step refers to is
//! made by a step before it.

use std::collections::BTreeMap;
use std::fmt;

use orgate_domain::clients::Client;
use orgate_domain::email::{DomainName, Email};
use orgate_domain::ids::{ClientId, OrgId, RoleId};
use orgate_domain::joining::Joining;
use orgate_domain::mail_templates::MailTemplate;
use orgate_domain::names::Slug;
use orgate_storage::{Connection, Delegation, Group, OrgScope, Role, RoleBlueprint};
use url::Url;

use super::connections::WantedState;
use super::prune::Pruning;
use super::wanted::Secret;
use crate::configure::{Mark, OrganizationState, QuotaSettings, UserState, WebhookState};
use crate::invitations::make::WantedInvitation;

/// What has to change, made by [`super::plan()`]. Shown one change a line: `+` made, `~` changed, `-`
/// removed, `=` how much is as wanted already; the last line ends too.
#[derive(Debug)]
pub struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) unchanged: usize,
    /// Whether it was made for pruning: an organization that has an owner keeps one then.
    pub(super) pruning: Pruning,
}

/// What changes in one organization, in one transaction.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) scope: OrgScope,
    pub(super) slug: Slug,
    pub(super) changes: Vec<Change>,
}

/// One change, and so one audit event.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) mark: Mark,
    pub(super) subject: Subject,
    pub(super) why: Why,
}

/// Why something changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The files do not name it.
    Pruned,
    /// The files say so.
    Wanted,
}

/// What changes, in its wanted state.
#[derive(Debug)]
pub(super) enum Subject {
    Blueprint(RoleBlueprint),
    Access {
        client: (OrgId, ClientId),
        client_id: String,
    },
    /// With the roles that it holds in its owner's organization, if they change.
    Client {
        client: Box<Client>,
        secret: SecretChange,
        roles: Option<BTreeMap<Slug, RoleId>>,
    },
    Connection(Box<WantedState>),
    /// With the slug of the organization above.
    Delegation(Delegation, Slug),
    Domain(DomainName),
    Group(Group),
    MailTemplate(MailTemplate),
    /// Whoever is invited, by an invitation that takes the place of one that is open.
    Invitation(Box<WantedInvitation>),
    Joining(Joining),
    Organization(Box<OrganizationState>),
    Quotas(QuotaSettings),
    Role(Role),
    /// Named by their address, with their new password, if that changes.
    User {
        email: Email,
        state: Box<UserState>,
        password: Option<Secret>,
    },
    Webhook(Box<WebhookState>, SecretChange),
}

/// What happens to a client's secrets, or a webhook's.
#[derive(Debug)]
pub(super) enum SecretChange {
    /// A fresh one takes their place.
    Generate,
    /// Nothing.
    Keep,
    /// They go: the client is a public one.
    Remove,
    /// This one takes their place.
    Set(Secret),
}

impl Plan {
    /// How many things change.
    pub fn changes(&self) -> usize {
        self.steps.iter().map(|step| step.changes.len()).sum()
    }

    /// How many things go because the files do not name them.
    pub fn pruned(&self) -> usize {
        let changes = self.steps.iter().flat_map(|step| &step.changes);
        changes.filter(|change| change.why == Why::Pruned).count()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            for change in &step.changes {
                change.write(&step.slug, f)?;
            }
        }
        if self.steps.is_empty() {
            f.write_str("no changes\n")?;
        }
        writeln!(f, "= {} unchanged", self.unchanged)
    }
}

impl Change {
    fn write(&self, org: &Slug, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let created = self.mark == Mark::Created;
        f.write_str(match self.mark {
            _ if self.why == Why::Pruned => "- ",
            Mark::Changed(_) => "~ ",
            Mark::Created => "+ ",
            Mark::Removed => "- ",
        })?;
        match &self.subject {
            Subject::Blueprint(RoleBlueprint { slug, .. }) => write!(f, "blueprint of the role {slug}")?,
            Subject::Access { client_id, .. } => write!(f, "access of {org} to client {client_id}")?,
            Subject::Client { client, .. } => write!(f, "client {} of {org}", client.client_id)?,
            Subject::Connection(state) => {
                let Connection { slug, state, .. } = &state.connection;
                write!(f, "connection {slug} of {org} ({})", state.as_str())?;
            }
            Subject::Delegation(_, delegate) => write!(f, "delegation of {org} to {delegate}")?,
            Subject::Domain(domain) => write!(f, "domain {domain} of {org}")?,
            Subject::Group(group) => write!(f, "group {} in {org}", group.slug)?,
            Subject::MailTemplate(template) => {
                write!(f, "mail {} ({}) of {org}", template.kind, template.locale)?;
            }
            Subject::Invitation(wanted) => write!(f, "invitation of {} to {org}", wanted.email.as_str())?,
            Subject::Joining(_) => write!(f, "joining of {org}")?,
            Subject::Organization(state) if created => {
                write!(f, "organization {org} {:?}", state.name.as_str())?;
            }
            Subject::Organization(_) => write!(f, "organization {org}")?,
            Subject::Quotas(_) => write!(f, "quotas of {org}")?,
            Subject::Role(role) => write!(f, "role {} in {org}", role.slug)?,
            Subject::User { email, .. } => write!(f, "user {} in {org}", email.as_str())?,
            Subject::Webhook(state, _) => write!(f, "webhook {} of {org}", without_path(&state.terms.url))?,
        }
        if self.why == Why::Pruned {
            return writeln!(f, " (not in the files: {})", self.subject.fate());
        }
        if let Mark::Changed(parts) = &self.mark {
            write!(f, ": {}", parts.join(", "))?;
        }
        f.write_str(self.subject.remark(created))?;
        f.write_str("\n")
    }
}

/// An address without what may be a secret in it.
pub(super) fn without_path(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) if url.path() == "/" && url.query().is_none() => url.origin().ascii_serialization(),
        Ok(url) => format!("{}/…", url.origin().ascii_serialization()),
        Err(_) => "…".to_owned(),
    }
}

impl Subject {
    /// What becomes of what is pruned.
    const fn fate(&self) -> &'static str {
        match self {
            Self::Client { .. } | Self::Connection(_) | Self::Webhook(..) => "disabled",
            Self::User { .. } => "deactivated, without roles and groups; ends their sessions",
            _ => "removed",
        }
    }

    /// What the person who applies it should know.
    fn remark(&self, created: bool) -> &'static str {
        match self {
            Self::Client { secret: SecretChange::Generate, .. }
            | Self::Webhook(_, SecretChange::Generate) => " (its secret will be generated)",
            Self::Connection(state) if state.lacks_secret() => {
                " (no client secret: nobody can sign in through it yet)"
            }
            Self::Invitation(_) if created => " (a mail will be sent)",
            Self::Invitation(_) => " (another mail will be sent; the former link opens nothing any more)",
            Self::User { password: None, .. } if created => " (no password: cannot sign in yet)",
            Self::User { state, .. } if state.ends_sessions.is_some() => " (ends their sessions)",
            _ => "",
        }
    }
}
