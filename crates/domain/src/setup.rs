//! Set-up links: how an organization's IT sets up its sign-in without an account here.
//!
//! **Invariant:** whether a link is good is decided in one place, [`SetupLink::check`], and asked of what
//! the transaction that acts on it has read.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use crate::connections::RoleSlugs;
use crate::ids::{ClientId, OrgId, SessionId, SetupLinkId, UserId};
use crate::permissions::{Held, OrgatePermission, is_reserved};

/// A link lives this long unless its maker says otherwise: a weekend, and a day on either side.
pub const DEFAULT_LIFETIME: Duration = Duration::hours(72);

/// And no longer than this, whatever they say.
pub const MAX_LIFETIME: Duration = Duration::days(30);

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetupPurpose {
    /// Connections to identity providers.
    Sso,
    /// E-mail domains.
    Domains,
}

/// A link, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupLink {
    /// Its id, by which it is revoked and by which events name it.
    pub id: SetupLinkId,
    /// What it is for; not empty.
    pub purposes: BTreeSet<SetupPurpose>,
    /// Slugs of the roles that what it sets up may give.
    pub role_ceiling: RoleSlugs,
    /// Who made it: `operator`, or a user's or a client's id.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// From when on it is worth nothing.
    pub expires_at: DateTime<Utc>,
    /// The session of whoever made it for themselves: it is worth nothing once that ends.
    pub session: Option<SessionId>,
    /// When somebody took it back.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When something was last done with it.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Who made a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkMaker {
    /// A machine client.
    Client(ClientId),
    /// Somebody of an organization above, as long as that is let in.
    Delegate(OrgId),
    /// Whoever runs the server.
    Operator,
    /// A user of the organization.
    User(UserId),
}

/// Why a link is worth nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetupLinkRefusal {
    /// Its time is over.
    #[error("expired_link")]
    Expired,
    /// Whoever made it could not make it any more: it gives nothing that they do not have.
    #[error("maker_fallen")]
    MakerFallen,
    /// It was taken back.
    #[error("revoked_link")]
    Revoked,
}

impl SetupLinkRefusal {
    /// The reason as events carry it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired_link",
            Self::MakerFallen => "maker_fallen",
            Self::Revoked => "revoked_link",
        }
    }
}

impl LinkMaker {
    /// Reads what is kept of one: `operator`, or an id.
    pub fn from_text(text: &str) -> Option<Self> {
        let user = text.parse().map(Self::User);
        let client = text.parse().map(Self::Client);
        let delegate = text.parse().map(Self::Delegate);
        user.or(client).or(delegate).ok().or((text == "operator").then_some(Self::Operator))
    }
}

impl SetupPurpose {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Sso, Self::Domains];

    /// The stored text, which commands take too.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sso => "sso",
            Self::Domains => "domains",
        }
    }

    /// What whoever makes a link for it holds themselves.
    pub const fn permission(self) -> OrgatePermission {
        match self {
            Self::Sso => OrgatePermission::ConnectionsManage,
            Self::Domains => OrgatePermission::DomainsManage,
        }
    }

    /// Reads [`SetupPurpose::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

impl SetupLink {
    /// Whether it is good at `now`, whoever made it.
    ///
    /// # Errors
    /// [`SetupLinkRefusal`].
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), SetupLinkRefusal> {
        if self.revoked_at.is_some() {
            Err(SetupLinkRefusal::Revoked)
        } else if now >= self.expires_at {
            Err(SetupLinkRefusal::Expired)
        } else {
            Ok(())
        }
    }

    /// Who made it, as far as that can be read.
    pub fn maker(&self) -> Option<LinkMaker> {
        LinkMaker::from_text(&self.created_by)
    }

    /// Whether whoever made it could still make it, by what they hold: nothing, if they do not stand. `ceiling` is what the
    /// roles of its ceiling bundle. What the operator made stands by itself.
    ///
    /// # Errors
    /// [`SetupLinkRefusal::MakerFallen`].
    pub fn check_maker<'a>(
        &self,
        held: &Held,
        ceiling: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), SetupLinkRefusal> {
        if self.maker() == Some(LinkMaker::Operator) {
            return Ok(());
        }
        let takes = self.purposes.iter().map(|purpose| purpose.permission());
        let mut takes = takes.chain([OrgatePermission::SetupLinksManage]);
        let gives_any = held.has(OrgatePermission::ApplicationsGrant);
        let mut given = ceiling.into_iter();
        let could = takes.all(|permission| held.has(permission))
            && given.all(|text| held.covers(text) || (gives_any && !is_reserved(text)));
        if could { Ok(()) } else { Err(SetupLinkRefusal::MakerFallen) }
    }

    /// Whether it is for `purpose`.
    pub fn is_for(&self, purpose: SetupPurpose) -> bool {
        self.purposes.contains(&purpose)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_link_is_good_until_its_time_is_over_or_it_is_taken_back() {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let link = SetupLink {
            id: SetupLinkId::from_uuid(Uuid::nil()),
            purposes: BTreeSet::from([SetupPurpose::Sso]),
            role_ceiling: RoleSlugs::new(),
            created_by: "operator".to_owned(),
            created_at: now,
            expires_at: now + DEFAULT_LIFETIME,
            session: None,
            revoked_at: None,
            last_used_at: None,
        };
        let revoked = SetupLink { revoked_at: Some(now), ..link.clone() };

        assert_eq!(link.check(now), Ok(()));
        assert_eq!(link.check(link.expires_at), Err(SetupLinkRefusal::Expired));
        assert_eq!(revoked.check(now), Err(SetupLinkRefusal::Revoked));
        assert!(!link.is_for(SetupPurpose::Domains));
    }
}
