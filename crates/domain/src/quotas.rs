//! Quotas: how many things of a kind an organization may have. The operator may set each of them.

/// A kind of thing that an organization may have so many of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quota {
    /// API keys that are good still.
    ApiKeys,
    /// Applications and machines that it made.
    Clients,
    /// Connections to identity providers.
    Connections,
    /// Domains, proven or claimed.
    Domains,
    /// Groups.
    Groups,
    /// Roles.
    Roles,
    /// Webhooks.
    Webhooks,
}

/// An organization has as many of a kind as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the organization has up to {limit} {}; its operator can allow more", quota.words())]
pub struct NoRoom {
    /// Of which kind.
    pub quota: Quota,
    /// How many that is.
    pub limit: u32,
}

impl Quota {
    /// Each of them, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::ApiKeys,
        Self::Clients,
        Self::Connections,
        Self::Domains,
        Self::Groups,
        Self::Roles,
        Self::Webhooks,
    ];

    /// As it is stored, and named by programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKeys => "api_keys",
            Self::Clients => "clients",
            Self::Connections => "connections",
            Self::Domains => "domains",
            Self::Groups => "groups",
            Self::Roles => "roles",
            Self::Webhooks => "webhooks",
        }
    }

    /// The one of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|quota| quota.as_str() == text)
    }

    /// For people.
    const fn words(self) -> &'static str {
        match self {
            Self::ApiKeys => "API keys",
            Self::Clients => "applications",
            other => other.as_str(),
        }
    }

    /// How many there may be where the operator says nothing.
    pub const fn usual(self) -> u32 {
        match self {
            Self::ApiKeys => 50,
            Self::Clients | Self::Roles => 500,
            Self::Connections | Self::Webhooks => 20,
            Self::Domains => 100,
            Self::Groups => 1_000,
        }
    }

    /// How many the operator may allow: what pages and plans read at once stays bounded.
    pub const fn most(self) -> u32 {
        self.usual() * 10
    }
}
