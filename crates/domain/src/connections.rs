//! Connections: how an organization's users sign in through its own identity provider.
//!
//! **Invariant:** whether a connection may be used is decided in one place, [`ConnectionState::admits`],
//! for every path that leads through it; a path that is not listed there does not exist.

use std::collections::{BTreeMap, BTreeSet};

mod ceiling;
mod checks;
mod identity;
mod presets;
mod settings;

pub use ceiling::{GroupRoles, Withheld, lowered};
pub use identity::{AddressVerdict, Asserted, Mapped, NoSubject};
pub use settings::{
    AttributeMapping, ConnectionSettings, Jit, MAX_CERTIFICATES, MAX_RULES, OidcAuthentication, OidcSettings,
    ProviderSettings, RoleRule, SamlBinding, SamlSettings, SettingsProblem, Vendor,
};

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionProtocol {
    /// OpenID Connect.
    Oidc,
    /// SAML 2.0.
    Saml,
}

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnectionState {
    /// Being set up: nobody signs in through it.
    Draft,
    /// A test went through: still nobody signs in through it.
    Tested,
    /// Listed users sign in through it.
    Pilot,
    /// Everybody may.
    Active,
    /// Switched off: nobody, not even as a test.
    Disabled,
}

/// A way that leads through a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryPath {
    /// Begun here, answered there.
    SignIn,
    /// Begun at the identity provider.
    Unsolicited,
    /// A signed-in user links an identity.
    Link,
    /// A session or a token family that began through the connection goes on.
    Continue,
    /// A dry run by whoever sets the connection up.
    Test,
}

/// Why a connection is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionRefusal {
    /// It is disabled, or not set up to its end.
    #[error("connection_inactive")]
    Inactive,
    /// It is in its pilot, and this user is not listed.
    #[error("not_in_pilot")]
    NotInPilot,
}

impl ConnectionState {
    /// Every state, in the order of a connection's life.
    pub const ALL: [Self; 5] = [Self::Draft, Self::Tested, Self::Pilot, Self::Active, Self::Disabled];

    /// Whether a user takes `path` through a connection in this state; `piloted` says whether its
    /// pilot lists them.
    ///
    /// # Errors
    /// [`ConnectionRefusal`].
    pub const fn admits(self, path: EntryPath, piloted: Piloted) -> Result<(), ConnectionRefusal> {
        match (self, path, piloted) {
            (Self::Draft | Self::Tested | Self::Pilot | Self::Active, EntryPath::Test, _)
            | (Self::Active, _, _)
            | (Self::Pilot, _, Piloted::Listed) => Ok(()),
            (Self::Pilot, _, Piloted::NotListed) => Err(ConnectionRefusal::NotInPilot),
            (Self::Draft | Self::Tested | Self::Disabled, _, _) => Err(ConnectionRefusal::Inactive),
        }
    }

    /// Whether an administrator may move a connection from this state to `next`. A test moves it
    /// from draft to tested; nothing else does.
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Tested, Self::Pilot | Self::Active | Self::Draft)
                | (Self::Pilot, Self::Active | Self::Tested | Self::Disabled)
                | (Self::Active, Self::Pilot | Self::Disabled)
                | (Self::Disabled, Self::Draft | Self::Tested | Self::Pilot | Self::Active)
                | (Self::Draft, Self::Disabled)
        )
    }

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Tested => "tested",
            Self::Pilot => "pilot",
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// Reads [`ConnectionState::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Whether a connection's pilot lists a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Piloted {
    /// It does.
    Listed,
    /// It does not.
    NotListed,
}

impl From<bool> for Piloted {
    fn from(listed: bool) -> Self {
        if listed { Self::Listed } else { Self::NotListed }
    }
}

impl EntryPath {
    /// Every path.
    pub const ALL: [Self; 5] = [Self::SignIn, Self::Unsolicited, Self::Link, Self::Continue, Self::Test];
}

impl ConnectionProtocol {
    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oidc => "oidc",
            Self::Saml => "saml",
        }
    }

    /// Reads [`ConnectionProtocol::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Oidc, Self::Saml].into_iter().find(|protocol| protocol.as_str() == text)
    }
}

impl ConnectionRefusal {
    /// The reason as events carry it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "connection_inactive",
            Self::NotInPilot => "not_in_pilot",
        }
    }
}

/// Claims or attributes by name; each has any number of values.
pub type Attributes = BTreeMap<String, Vec<String>>;

/// Slugs of roles.
pub type RoleSlugs = BTreeSet<String>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_active_connection_and_a_pilot_for_its_users_let_anyone_in() {
        for state in ConnectionState::ALL {
            for path in EntryPath::ALL {
                for piloted in [Piloted::Listed, Piloted::NotListed] {
                    let expected = match (state, path) {
                        (ConnectionState::Disabled, _) => false,
                        (_, EntryPath::Test) | (ConnectionState::Active, _) => true,
                        (ConnectionState::Pilot, _) => piloted == Piloted::Listed,
                        (ConnectionState::Draft | ConnectionState::Tested, _) => false,
                    };
                    assert_eq!(
                        state.admits(path, piloted).is_ok(),
                        expected,
                        "{state:?} {path:?} {piloted:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn nothing_goes_live_from_a_draft() {
        assert!(!ConnectionState::Draft.may_become(ConnectionState::Active));
        assert!(!ConnectionState::Draft.may_become(ConnectionState::Pilot));
        assert!(!ConnectionState::Draft.may_become(ConnectionState::Tested));
    }
}
