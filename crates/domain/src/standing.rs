//! What is read in the very transaction that issues or refreshes, never from a cache (DESIGN:
//! removal is immediate).

use chrono::{DateTime, Utc};

use crate::clients::ClientStatus;
use crate::names::Slug;
use crate::organizations::OrgStatus;
use crate::sessions::Session;

/// A session's user, organization and rights, as of now.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The session.
    pub session: Session,
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
    /// The client's status as its owner's directory entry says; `None` where the organization is
    /// not admitted to the client.
    pub client: Option<ClientStatus>,
}

/// What tokens may say of a user.
#[derive(Debug, Clone)]
pub struct UserProfile {
    /// The address, as written.
    pub email: String,
    /// Whether it was proven in this organization.
    pub email_verified: bool,
    /// The name for people.
    pub name: String,
    /// The preferred language (BCP 47).
    pub locale: Option<String>,
    /// Whether the user may sign in.
    pub status: UserStatus,
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
    /// The session was ended.
    #[error("session_ended")]
    SessionEnded,
    /// The user is deactivated.
    #[error("user_deactivated")]
    UserDeactivated,
}

impl Standing {
    /// Refuses unless organization, user, session and client all stand. A session that has merely
    /// lapsed in the browser does not end what was granted in it; one that was ended does.
    ///
    /// # Errors
    /// The first [`StandingRefusal`], the organization's first.
    pub fn check(&self) -> Result<(), StandingRefusal> {
        if self.org_status != OrgStatus::Active {
            return Err(StandingRefusal::OrganizationInactive);
        }
        match self.client {
            None => return Err(StandingRefusal::ClientNotAdmitted),
            Some(ClientStatus::Disabled) => return Err(StandingRefusal::ClientDisabled),
            Some(ClientStatus::Active) => {}
        }
        if self.user.status != UserStatus::Active {
            return Err(StandingRefusal::UserDeactivated);
        }
        if self.session.ended_at.is_some() {
            return Err(StandingRefusal::SessionEnded);
        }
        Ok(())
    }

    /// Whether the session may still sign its browser in at `now`.
    pub fn is_live(&self, now: DateTime<Utc>, idle: chrono::Duration) -> bool {
        self.check().is_ok() && self.session.is_live(now, idle)
    }
}

impl StandingRefusal {
    /// The reason as events carry it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientDisabled => "client_disabled",
            Self::ClientNotAdmitted => "client_not_admitted",
            Self::OrganizationInactive => "organization_inactive",
            Self::SessionEnded => "session_ended",
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
