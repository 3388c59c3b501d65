//! API keys: what programs call the management API by that ask for no tokens first.
//!
//! **Invariant:** a key does what it was made for and its maker may do at that moment, and nothing else.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use crate::ids::{ApiKeyId, ClientId, OrgId, UserId};
use crate::roles::Permission;

/// A key lives this long unless its maker says otherwise.
pub const DEFAULT_LIFETIME: Duration = Duration::days(90);

/// And no longer than this, whatever they say.
pub const MAX_LIFETIME: Duration = Duration::days(366);

/// Keys of one maker that are good, at most.
pub const MAX_KEYS_OF_MAKER: i64 = 10;

/// Permissions that one key names at most.
pub const MAX_PERMISSIONS: usize = 50;

/// Characters of a key's name at most.
pub const MAX_NAME: usize = 100;

/// How exactly it is known when a key was last used: nothing is written at each use.
pub const USE_NOTED_EVERY: Duration = Duration::hours(1);

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, by which it is revoked and by which events name it.
    pub id: ApiKeyId,
    /// What it is called.
    pub name: String,
    /// What it may do at most: permissions of Orgate's own, and wildcards of them; not empty.
    pub permissions: BTreeSet<Permission>,
    /// Who made it, and for whom it acts.
    pub maker: KeyMaker,
    /// The client with which they made it: the maker itself, where that is a machine.
    pub client: (OrgId, ClientId),
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it is worth nothing.
    pub expires_at: DateTime<Utc>,
    /// When it was last used, to [`USE_NOTED_EVERY`].
    pub last_used_at: Option<DateTime<Utc>>,
    /// When somebody took it back.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// For whom a key acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMaker {
    /// A machine client.
    Client(ClientId),
    /// A user of the organization.
    User(UserId),
}

impl KeyMaker {
    /// Whoever made a key: its user, or without one its client.
    pub const fn of(user: Option<UserId>, client: (OrgId, ClientId)) -> Self {
        match user {
            Some(user) => Self::User(user),
            None => Self::Client(client.1),
        }
    }

    /// The user, if it is one.
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::Client(_) => None,
            Self::User(id) => Some(id),
        }
    }

    /// The id, as text.
    pub fn id(self) -> String {
        match self {
            Self::Client(id) => id.to_string(),
            Self::User(id) => id.to_string(),
        }
    }
}

impl ApiKey {
    /// Whether it is to be noted that it is used now.
    pub fn is_use_due(&self, now: DateTime<Utc>) -> bool {
        self.last_used_at.is_none_or(|last| now - last >= USE_NOTED_EVERY)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_use_is_noted_once_an_hour() {
        let now = DateTime::<Utc>::UNIX_EPOCH + Duration::days(1);
        let client = (OrgId::from_uuid(Uuid::nil()), ClientId::from_uuid(Uuid::nil()));
        let used = |last_used_at| ApiKey {
            id: ApiKeyId::from_uuid(Uuid::nil()),
            name: "Nightly".to_owned(),
            permissions: BTreeSet::new(),
            maker: KeyMaker::of(None, client),
            client,
            created_at: now,
            expires_at: now + DEFAULT_LIFETIME,
            last_used_at,
            revoked_at: None,
        };

        assert!(used(None).is_use_due(now));
        assert!(!used(Some(now - Duration::minutes(59))).is_use_due(now));
        assert!(used(Some(now - USE_NOTED_EVERY)).is_use_due(now));
    }
}
