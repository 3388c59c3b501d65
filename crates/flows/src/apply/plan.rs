//! The plan: what has to change, in the order in which it can be.
//!
//! **Invariant:** a step is one transaction of one organization, and whatever a step refers to is
//! made by a step before it.

use std::collections::BTreeMap;
use std::fmt;

use orgate_domain::clients::Client;
use orgate_domain::connections::Attributes;
use orgate_domain::email::{DomainName, Email};
use orgate_domain::ids::{ClientId, OrgId, RoleId, UserId};
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::organizations::{Branding, OrgStatus};
use orgate_domain::policies::PolicySettings;
use orgate_domain::standing::UserStatus;
use orgate_storage::{Connection, Group, OrgScope, Role};

use super::connections::WantedState;
use super::wanted::Secret;

/// What has to change, made by [`super::plan()`]. Shown one change a line: `+` made, `~` changed, `-`
/// removed, `=` how much is as wanted already; the last line ends too.
#[derive(Debug)]
pub struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) unchanged: usize,
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
}

/// What happens to a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    /// These parts of it change.
    Changed(Vec<&'static str>),
    /// It is made.
    Created,
    /// It is taken away.
    Removed,
}

/// What changes, in its wanted state.
#[derive(Debug)]
pub(super) enum Subject {
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
    Domain(DomainName),
    Group(Group),
    Organization(Box<OrganizationState>),
    Role(Role),
    User(Box<UserState>),
}

/// What happens to a client's secrets.
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

/// An organization as wanted.
#[derive(Debug)]
pub(super) struct OrganizationState {
    /// Its ancestors, parent first; for one that is made.
    pub(super) ancestors: Vec<OrgId>,
    pub(super) name: DisplayName,
    pub(super) branding: Branding,
    pub(super) status: OrgStatus,
    pub(super) contact: Option<Email>,
    /// What is kept about it, if that changes.
    pub(super) attributes: Option<Attributes>,
    /// Its settings, if they change.
    pub(super) policy: Option<PolicySettings>,
}

/// A user as wanted; `None` where nothing changes.
#[derive(Debug)]
pub(super) struct UserState {
    pub(super) id: UserId,
    pub(super) email: Email,
    pub(super) name: DisplayName,
    pub(super) status: UserStatus,
    pub(super) password: Option<Secret>,
    pub(super) roles: Option<BTreeMap<Slug, RoleId>>,
    pub(super) break_glass: bool,
    /// What is kept about them, if that changes.
    pub(super) attributes: Option<Attributes>,
    /// Why their sessions end.
    pub(super) ends_sessions: Option<&'static str>,
}

impl Plan {
    /// How many things change.
    pub fn changes(&self) -> usize {
        self.steps.iter().map(|step| step.changes.len()).sum()
    }
}

impl Mark {
    /// The names of the parts that differ, as a change; `None` if none does.
    pub(super) fn of<const N: usize>(parts: [(&'static str, bool); N]) -> Option<Self> {
        let differing: Vec<_> =
            parts.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
        (!differing.is_empty()).then_some(Self::Changed(differing))
    }

    /// Whether this part changes.
    pub(super) fn touches(&self, part: &str) -> bool {
        matches!(self, Self::Changed(parts) if parts.contains(&part))
    }

    /// The text of events.
    pub(super) fn detail(&self) -> String {
        match self {
            Self::Changed(parts) => parts.join(" "),
            Self::Created => "created".to_owned(),
            Self::Removed => "removed".to_owned(),
        }
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
            Mark::Changed(_) => "~ ",
            Mark::Created => "+ ",
            Mark::Removed => "- ",
        })?;
        match &self.subject {
            Subject::Access { client_id, .. } => write!(f, "access of {org} to client {client_id}")?,
            Subject::Client { client, .. } => write!(f, "client {} of {org}", client.client_id)?,
            Subject::Connection(state) => {
                let Connection { slug, state, .. } = &state.connection;
                write!(f, "connection {slug} of {org} ({})", state.as_str())?;
            }
            Subject::Domain(domain) => write!(f, "domain {domain} of {org}")?,
            Subject::Group(group) => write!(f, "group {} in {org}", group.slug)?,
            Subject::Organization(state) if created => {
                write!(f, "organization {org} {:?}", state.name.as_str())?;
            }
            Subject::Organization(_) => write!(f, "organization {org}")?,
            Subject::Role(role) => write!(f, "role {} in {org}", role.slug)?,
            Subject::User(user) => write!(f, "user {} in {org}", user.email.as_str())?,
        }
        if let Mark::Changed(parts) = &self.mark {
            write!(f, ": {}", parts.join(", "))?;
        }
        f.write_str(self.subject.remark(created))?;
        f.write_str("\n")
    }
}

impl Subject {
    /// What the person who applies it should know.
    fn remark(&self, created: bool) -> &'static str {
        match self {
            Self::Client { secret: SecretChange::Generate, .. } => " (its secret will be generated)",
            Self::User(user) if created && user.password.is_none() => " (no password: cannot sign in yet)",
            Self::User(user) if user.ends_sessions.is_some() => " (ends their sessions)",
            _ => "",
        }
    }
}
