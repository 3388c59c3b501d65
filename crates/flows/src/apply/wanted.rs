//! The wanted state: what an operator's files say, parsed, each thing with its place in its file.
//!
//! **Invariant:** `None` means that the files are silent, and what is silent stays as it is. A
//! secret prints as `Secret(…)`.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use orgate_domain::clients::{Audience, ClientSettings, ClientStatus};
use orgate_domain::connections::{Attributes, ConnectionSettings, ConnectionState, Vendor};
use orgate_domain::email::{DomainName, Email};
use orgate_domain::joining;
use orgate_domain::mail_templates::{MailKind, MailLocale, Wording};
use orgate_domain::names::{DisplayName, ExternalId, Slug};
use orgate_domain::organizations::{Branding, OrgStatus};
use orgate_domain::policies::PolicySettings;
use orgate_domain::standing::UserStatus;
use orgate_protocol::jose::SigningAlgorithm;
use orgate_protocol::oauth::redirect_uri::{ClientKind, RegisteredRedirectUri};
use orgate_storage::{WebhookScope, WebhookStatus};
use url::Url;
use zeroize::Zeroizing;

use crate::configure::QuotaSettings;
use crate::invitations::make::WantedInvitation;

/// Everything that the files say.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Organizations, in the order of the files.
    pub organizations: Vec<WantedOrganization>,
    /// Clients, in the order of the files.
    pub clients: Vec<WantedClient>,
    /// Whether the files list clients, be the list empty: what pruning looks at.
    pub lists_clients: bool,
}

/// What files list of an organization, each by its name there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Its roles.
    Roles,
    /// Its groups.
    Groups,
    /// Its users.
    Users,
    /// Its connections.
    Connections,
    /// Its webhooks.
    Webhooks,
}

/// An organization.
#[derive(Debug)]
pub struct WantedOrganization {
    /// Its short name, by which it is found.
    pub slug: Placed<Slug>,
    /// Its name.
    pub name: DisplayName,
    /// Its parent. Decided when the organization is made.
    pub parent: Option<Placed<Slug>>,
    /// Its status.
    pub status: Option<Placed<OrgStatus>>,
    /// Where notices to it go.
    pub contact: Option<Email>,
    /// Exactly the domains that an operator vouches for; what the organization proves itself is apart.
    pub domains: Option<Vec<Placed<DomainName>>>,
    /// Its whole look.
    pub branding: Option<Branding>,
    /// What is kept about it for claims.
    pub attributes: Option<Attributes>,
    /// What it is called in a system of the operator's own.
    pub external_id: Option<ExternalId>,
    /// All of its own settings.
    pub policy: Option<PolicySettings>,
    /// All of its word on who may join.
    pub joining: Option<WantedJoining>,
    /// Exactly the organizations above that may act in it.
    pub delegations: Option<Vec<WantedDelegation>>,
    /// All that is said of how much it may have.
    pub quotas: Option<QuotaSettings>,
    /// Exactly the blueprints of roles that operators keep: of the operator's organization alone.
    pub blueprints: Option<Vec<WantedRole>>,
    /// Exactly the mails that it words itself.
    pub mail_templates: Option<Vec<WantedMailTemplate>>,
    /// Whether it gets the roles that organizations begin with, when it is made.
    pub ready_roles: bool,
    /// What the files list of it, be the list empty: what pruning looks at.
    pub lists: BTreeSet<Kind>,
    /// Some of its roles.
    pub roles: Vec<WantedRole>,
    /// Some of its groups.
    pub groups: Vec<WantedGroup>,
    /// Some of its users.
    pub users: Vec<WantedUser>,
    /// Some of its connections.
    pub connections: Vec<WantedConnection>,
    /// Some of its webhooks.
    pub webhooks: Vec<WantedWebhook>,
    /// Whom it invites: those who are no users of it by then, and have no invitation like this.
    pub invitations: Vec<Placed<WantedInvitation>>,
}

/// A webhook of an organization. Described in full: only status and secret stay as they are where the files are silent.
#[derive(Debug)]
pub struct WantedWebhook {
    /// Where it is, by which it is found.
    pub url: Placed<String>,
    /// Of whom it tells.
    pub scope: WebhookScope,
    /// For people.
    pub description: Option<String>,
    /// What it tells of; `None`: whatever happens.
    pub events: Option<Vec<String>>,
    /// Whether it is sent anything; a new one is.
    pub status: Option<WebhookStatus>,
    /// By what it signs; `None`: of a new one, a secret that is made.
    pub secret: Option<Secret>,
}

/// A connection of an organization. Its settings are described in full.
#[derive(Debug)]
pub struct WantedConnection {
    /// Its short name, by which it is found.
    pub slug: Placed<Slug>,
    /// Its name on the sign-in page.
    pub name: Option<DisplayName>,
    /// Who is at the other end.
    pub vendor: Option<Vendor>,
    /// Its state; a new one is active.
    pub state: Option<ConnectionState>,
    /// Its place on the sign-in page.
    pub position: Option<i32>,
    /// The icon of its button.
    pub icon_url: Option<String>,
    /// Exactly the domains whose addresses it may assert.
    pub domains: Option<Vec<Placed<DomainName>>>,
    /// Exactly the addresses that its pilot lists.
    pub pilots: Option<Vec<Placed<Email>>>,
    /// The client secret at its provider.
    pub secret: Option<Secret>,
    /// Everything else.
    pub settings: Placed<ConnectionSettings>,
}

/// Who may join an organization without an invitation.
#[derive(Debug)]
pub struct WantedJoining {
    /// Whoever has an address of a domain that it has verified.
    pub domains: joining::Entry,
    /// Whoever has another one.
    pub others: joining::Entry,
    /// Exactly the roles that whoever joins is given.
    pub roles: Vec<Placed<Slug>>,
}

/// What an organization above is let do.
#[derive(Debug)]
pub struct WantedDelegation {
    /// The organization above.
    pub organization: Placed<Slug>,
    /// Exactly the permissions of Orgate's own that it may use.
    pub permissions: BTreeSet<String>,
}

/// A mail that an organization words itself.
#[derive(Debug)]
pub struct WantedMailTemplate {
    /// Which one.
    pub kind: Placed<MailKind>,
    /// For whom.
    pub locale: MailLocale,
    /// What it says.
    pub wording: Wording,
}

/// A role of an organization.
#[derive(Debug)]
pub struct WantedRole {
    /// Its short name, by which it is found.
    pub slug: Placed<Slug>,
    /// Its name; a new role without one is called by its slug.
    pub name: Option<DisplayName>,
    /// Exactly the permissions it bundles.
    pub permissions: Option<BTreeSet<String>>,
}

/// A group of an organization. Its members are whom connections put into it.
#[derive(Debug)]
pub struct WantedGroup {
    /// Its short name, by which it is found.
    pub slug: Placed<Slug>,
    /// Its name; a new group without one is called by its slug.
    pub name: Option<DisplayName>,
    /// Exactly the roles that its members have by it.
    pub roles: Option<Vec<Placed<Slug>>>,
    /// Exactly the groups that it is inside of.
    pub parents: Option<Vec<Placed<Slug>>>,
}

/// A user of an organization.
#[derive(Debug)]
pub struct WantedUser {
    /// The address, by which the user is found.
    pub email: Placed<Email>,
    /// The name.
    pub name: DisplayName,
    /// Whether an operator's word counts as proof of the address; otherwise it stays proven or not.
    pub vouched: bool,
    /// Whether they may sign in.
    pub status: Option<UserStatus>,
    /// The password.
    pub password: Option<Secret>,
    /// Whether they are exempt from enforced SSO, with a recovery code.
    pub break_glass: Option<bool>,
    /// What is kept about them for claims.
    pub attributes: Option<Attributes>,
    /// What they are called in a system of the organization's own.
    pub external_id: Option<ExternalId>,
    /// Exactly the roles assigned to the user directly.
    pub roles: Option<Vec<Placed<Slug>>>,
    /// Exactly the groups that somebody put them into.
    pub groups: Option<Vec<Placed<Slug>>>,
}

/// A client. Described in full: only status, secret and grants stay as they are where the files
/// are silent.
#[derive(Debug)]
pub struct WantedClient {
    /// Its public id, by which it is found.
    pub client_id: Placed<String>,
    /// The slug of the organization that owns it.
    pub organization: Placed<Slug>,
    /// Its name.
    pub name: DisplayName,
    /// What it is.
    pub kind: ClientKind,
    /// Which organizations may use it.
    pub audience: Audience,
    /// Whether it may be used at all.
    pub status: Option<ClientStatus>,
    /// Its secret, for a confidential client.
    pub secret: Option<Secret>,
    /// Where answers may go to.
    pub redirect_uris: Vec<RegisteredRedirectUri>,
    /// Where a sign-out may lead to.
    pub post_logout_redirect_uris: BTreeSet<String>,
    /// The page of the application itself.
    pub home_url: Option<Url>,
    /// Where it begins a sign-in that somebody else thought of.
    pub initiate_login_uri: Option<Url>,
    /// The `aud` of its access tokens.
    pub resource: String,
    /// How its tokens are signed.
    pub signing_algorithm: SigningAlgorithm,
    /// The permissions that its resource knows; empty: all of them.
    pub permissions: BTreeSet<String>,
    /// How it may ask for tokens.
    pub settings: ClientSettings,
    /// The roles that a machine client holds in its owner's organization; `None` leaves them.
    pub roles: Option<Vec<Placed<Slug>>>,
    /// Organizations that may use it, where its audience is `granted`. Of those that the files
    /// describe or this list names, exactly these.
    pub granted_to: Option<Vec<Placed<Slug>>>,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

/// A place in a file, shown as `file:line:column`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's name.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
}

/// Something that cannot be applied: where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands.
    pub place: Place,
    /// What is wrong and what is allowed, without secrets.
    pub text: String,
}

/// Everything that is wrong; shown one a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

/// A password or client secret. Erased from memory when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Problems {
    /// Adds one.
    pub fn add(&mut self, place: &Place, text: impl Into<String>) {
        self.0.push(Problem { place: place.clone(), text: text.into() });
    }

    /// `done` if nothing is wrong.
    ///
    /// # Errors
    /// `self` in the order of the files, not empty.
    pub fn or<T>(mut self, done: T) -> Result<T, Self> {
        if self.0.is_empty() {
            return Ok(done);
        }
        let place = |problem: &Problem| {
            let Place { file, line, column } = &problem.place;
            (Arc::clone(file), *line, *column)
        };
        self.0.sort_by_key(place);
        Err(self)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            let separator = if n == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
