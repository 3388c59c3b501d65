//! What is read in the very transaction that issues or refreshes, never from a cache (DESIGN:
//! removal is immediate).

use chrono::{DateTime, Duration, Utc};

use crate::clients::claims::ClaimValues;
use crate::clients::{ClientStatus, Party};
use crate::connections::{ConnectionState, EntryPath, Piloted};
use crate::ids::OrgId;
use crate::names::Slug;
use crate::organizations::OrgStatus;
use crate::policies::Policy;
use crate::sessions::{Session, SignInMethod};

/// A session's user, organization and rights, as of now.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The session.
    pub session: Session,
    /// When the identity provider that vouches for the session ends it, if it says so.
    pub ends_by: Option<DateTime<Utc>>,
    /// The organization's short name: the claim `org_name`.
    pub org_slug: Slug,
    /// The organization's status.
    pub org_status: OrgStatus,
    /// The user.
    pub user: UserProfile,
    /// Slugs of the roles that the user holds, directly or through a group; sorted.
    pub roles: Vec<String>,
    /// The permissions that those roles bundle; sorted.
    pub permissions: Vec<String>,
    /// The connection that the session began through, as of now; `None` for any other session.
    pub connection: Option<(ConnectionState, Piloted)>,
    /// What the policy on SSO needs to know of the user.
    pub sso: SsoSubject,
    /// The client's status as its owner's directory entry says; `None` where the organization is
    /// not admitted to the client.
    pub client: Option<ClientStatus>,
}

/// A machine client's rights in the organization that it acts in, as of now.
#[derive(Debug, Clone)]
pub struct ClientStanding {
    /// The organization.
    pub org_id: OrgId,
    /// Its short name: the claim `org_name`.
    pub org_slug: Slug,
    /// Its status.
    pub org_status: OrgStatus,
    /// What claims of the client's own may say: of the organization alone.
    pub known: ClaimValues,
    /// Slugs of the roles that the client holds there; sorted.
    pub roles: Vec<String>,
    /// The permissions that those roles bundle; sorted.
    pub permissions: Vec<String>,
    /// See [`Standing::client`].
    pub client: Option<ClientStatus>,
}

impl ClientStanding {
    /// Refuses unless organization and client stand, and the organization's policy admits clients of this party.
    ///
    /// # Errors
    /// The first [`StandingRefusal`], the organization's first.
    pub fn check(&self, policy: &Policy, party: Party) -> Result<(), StandingRefusal> {
        if self.org_status != OrgStatus::Active {
            return Err(StandingRefusal::OrganizationInactive);
        }
        match self.client {
            None => Err(StandingRefusal::ClientNotAdmitted),
            Some(ClientStatus::Disabled) => Err(StandingRefusal::ClientDisabled),
            Some(ClientStatus::Active) if !policy.admits(party) => Err(StandingRefusal::ThirdPartyForbidden),
            Some(ClientStatus::Active) => Ok(()),
        }
    }
}

/// What the policy on SSO needs to know of a user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SsoSubject {
    /// Whether their address is of a domain that the organization has verified.
    pub of_verified_domain: bool,
    /// Whether they are exempt, with a recovery credential.
    pub break_glass: bool,
}

/// How a user signed in for what goes on since: a session, or an API key that was made in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Began {
    /// By which method.
    pub method: SignInMethod,
    /// See [`Standing::connection`].
    pub connection: Option<(ConnectionState, Piloted)>,
    /// What the policy on SSO needs to know of the user.
    pub sso: SsoSubject,
}

impl Began {
    /// Refuses unless the connection still admits its user, and the policy allows how they signed in.
    ///
    /// # Errors
    /// [`StandingRefusal::ConnectionInactive`], [`StandingRefusal::SsoRequired`].
    pub fn check(&self, policy: &Policy) -> Result<(), StandingRefusal> {
        let admitted = match (self.method, self.connection) {
            (SignInMethod::Connection(_), Some((state, piloted))) => {
                state.admits(EntryPath::Continue, piloted).is_ok()
            }
            (SignInMethod::Connection(_), None) => false,
            (SignInMethod::Password | SignInMethod::Recovery, _) => true,
        };
        if !admitted {
            return Err(StandingRefusal::ConnectionInactive);
        }
        if !policy.sso_enforcement.allows(self.method, self.sso) {
            return Err(StandingRefusal::SsoRequired);
        }
        Ok(())
    }
}

/// What tokens may say of a user.
#[derive(Debug, Clone)]
pub struct UserProfile {
    /// The address, as written; `None` for a user whose identity provider asserts none of the
    /// organization's domains.
    pub email: Option<String>,
    /// Whether it was proven in this organization.
    pub email_verified: bool,
    /// The name for people.
    pub name: String,
    /// The preferred language (BCP 47).
    pub locale: Option<String>,
    /// Whether the user may sign in.
    pub status: UserStatus,
}

impl UserProfile {
    /// What the user is called where one line has to do: their address, or their name.
    pub fn label(&self) -> &str {
        self.email.as_deref().unwrap_or(&self.name)
    }
}

/// Whether a user may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserStatus {
    /// They may.
    Active,
    /// They may not; their history stays.
    Deactivated,
}

/// Why nothing is issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StandingRefusal {
    /// The client is disabled.
    #[error("client_disabled")]
    ClientDisabled,
    /// The organization may not use the client.
    #[error("client_not_admitted")]
    ClientNotAdmitted,
    /// The organization is suspended or deleted.
    #[error("organization_inactive")]
    OrganizationInactive,
    /// The connection that the session began through no longer admits its user.
    #[error("connection_inactive")]
    ConnectionInactive,
    /// The user does not let the client have it, or no more.
    #[error("consent_missing")]
    ConsentMissing,
    /// SSO is enforced, and the session began otherwise.
    #[error("sso_required")]
    SsoRequired,
    /// The session was ended.
    #[error("session_ended")]
    SessionEnded,
    /// The organization admits no third-party clients.
    #[error("third_party_forbidden")]
    ThirdPartyForbidden,
    /// The user is deactivated.
    #[error("user_deactivated")]
    UserDeactivated,
}

impl Standing {
    /// Refuses unless organization, user, session, connection and client all stand, the policy admits
    /// clients of this party, and, last, it allows how the session began. A session that has merely lapsed in the browser
    /// does not end what was granted in it; one that was ended does, here or by its identity provider's word.
    ///
    /// # Errors
    /// The first [`StandingRefusal`], the organization's first.
    pub fn check(&self, policy: &Policy, party: Party, now: DateTime<Utc>) -> Result<(), StandingRefusal> {
        if self.org_status != OrgStatus::Active {
            return Err(StandingRefusal::OrganizationInactive);
        }
        match self.client {
            None => return Err(StandingRefusal::ClientNotAdmitted),
            Some(ClientStatus::Disabled) => return Err(StandingRefusal::ClientDisabled),
            Some(ClientStatus::Active) if !policy.admits(party) => {
                return Err(StandingRefusal::ThirdPartyForbidden);
            }
            Some(ClientStatus::Active) => {}
        }
        if self.user.status != UserStatus::Active {
            return Err(StandingRefusal::UserDeactivated);
        }
        if self.session.ended_at.is_some() || self.ends_by.is_some_and(|ends_by| now >= ends_by) {
            return Err(StandingRefusal::SessionEnded);
        }
        Began { method: self.session.method, connection: self.connection, sso: self.sso }.check(policy)
    }

    /// A lifetime that begins now, cut to what the identity provider vouches for.
    pub fn bound(&self, lifetime: Duration, now: DateTime<Utc>) -> Duration {
        self.ends_by.map_or(lifetime, |ends_by| lifetime.min(ends_by - now)).max(Duration::zero())
    }

    /// Whether the session may still sign its browser in at `now`. What the policy says of a client is for
    /// whoever answers that client.
    pub fn is_live(&self, now: DateTime<Utc>, policy: &Policy) -> bool {
        self.check(policy, Party::First, now).is_ok() && self.session.is_live(now, policy.session_idle)
    }
}

impl StandingRefusal {
    /// The reason as events carry it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientDisabled => "client_disabled",
            Self::ClientNotAdmitted => "client_not_admitted",
            Self::OrganizationInactive => "organization_inactive",
            Self::ConnectionInactive => "connection_inactive",
            Self::ConsentMissing => "consent_missing",
            Self::SsoRequired => "sso_required",
            Self::SessionEnded => "session_ended",
            Self::ThirdPartyForbidden => "third_party_forbidden",
            Self::UserDeactivated => "user_deactivated",
        }
    }
}

impl UserStatus {
    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivated => "deactivated",
        }
    }

    /// Reads [`UserStatus::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Active, Self::Deactivated].into_iter().find(|status| status.as_str() == text)
    }
}
