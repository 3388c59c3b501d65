//! Streams of security events: what of the audit log receivers hear, and what a stream may hold.

use chrono::Duration;
use orgate_protocol::ssf::EventType;

use crate::audit::Action;
use crate::ids::{SessionId, UserId};

/// Streams that one receiver may have in an organization.
pub const MAX_STREAMS: i64 = 10;

/// Events that wait in one stream. One that is full is paused, and says so.
pub const MAX_WAITING: i64 = 10_000;

/// Subjects that one stream may be told to pass over.
pub const MAX_EXCLUSIONS: i64 = 10_000;

/// Between two verifications that a receiver asks for.
pub const MIN_VERIFICATION_INTERVAL: Duration = Duration::seconds(30);

/// A receiver that takes nothing for this long has its stream paused.
pub const DELIVERY_LIMIT: Duration = Duration::hours(24);

/// The reason of a stream that was paused because it was full: what came after is lost to it.
pub const QUEUE_FULL: &str = "queue_full";

/// The reason of a stream that was paused because its receiver took nothing for [`DELIVERY_LIMIT`].
pub const RECEIVER_UNREACHABLE: &str = "receiver_unreachable";

/// The part of a subject that is the organization itself.
const TENANT: &str = "tenant";

impl Action {
    /// What receivers hear of it, if it was done. The database signals those for which there is something
    /// (`signal_streams`), and a test compares; what is added to the log is decided about here.
    #[expect(clippy::too_many_lines, reason = "each action has a line")]
    pub const fn signals(self) -> &'static [EventType] {
        match self {
            Self::SessionEnded => &[EventType::SessionRevoked],
            Self::RecoveryCodesCreated => &[EventType::CredentialChange],
            // With an identity, its connection's roles come.
            Self::IdentityLinked | Self::UserConfigured => {
                &[EventType::CredentialChange, EventType::TokenClaimsChange]
            }
            Self::GroupConfigured | Self::RoleConfigured => &[EventType::TokenClaimsChange],
            // In a session that was proven otherwise before.
            Self::SignInSucceeded => &[EventType::AssuranceLevelChange],
            // Sessions end one by one, each with its event.
            Self::OrganizationConfigured
            | Self::UpstreamLogout
            // A session begins, or goes on: nobody relied on it yet.
            | Self::AuthorizationIssued
            | Self::AuthorizationPushed
            | Self::AuthorizationRefused
            | Self::BreakGlassUsed
            | Self::DeviceAnswered
            | Self::DeviceApproved
            | Self::DeviceDenied
            | Self::DeviceRefused
            | Self::DeviceRequested
            | Self::OrganizationResolved
            | Self::SessionRefused
            | Self::SignInFailed
            | Self::UpstreamRefused
            | Self::UpstreamRequested
            // Tokens come and go; the session stays.
            | Self::AssertionRedeemed
            | Self::AssertionRefused
            | Self::CodeRedeemed
            | Self::CodeRefused
            | Self::CodeReplayed
            | Self::RefreshRefused
            | Self::RefreshReused
            | Self::RefreshRotated
            | Self::TokenExchanged
            | Self::TokenIssued
            | Self::TokenRefused
            | Self::TokenRevoked
            // About the installation, not about anybody's session.
            | Self::ClientConfigured
            | Self::ClientDisabled
            | Self::ClientEnabled
            | Self::ClientRefused
            | Self::ClientRegistered
            | Self::ClientRemoved
            | Self::ConsentDenied
            | Self::ConsentGiven
            | Self::ConsentRevoked
            | Self::RegistrationRefused
            | Self::RegistrationTokenCreated
            | Self::RegistrationTokenRevoked
            | Self::ClientSecretRotated
            | Self::ClientToldOfLogout
            | Self::ConnectionActivated
            | Self::ConnectionConfigured
            | Self::ConnectionTested
            | Self::ConnectionWatched
            | Self::DataKeyCreated
            | Self::DiscoveryProven
            | Self::DiscoveryRefused
            | Self::DiscoveryRequested
            | Self::DomainClaimed
            | Self::DomainConfigured
            | Self::DomainFailing
            | Self::DomainLapsed
            | Self::DomainRefused
            | Self::DomainReleased
            | Self::DomainTransfer
            | Self::DomainVerified
            | Self::KeyCreated
            | Self::DataKeyRewrapped
            | Self::KeyErased
            | Self::KeyImported
            | Self::KeyPromoted
            | Self::KeyRetired
            | Self::KeyRevoked
            | Self::SetupLinkCreated
            | Self::SetupLinkOpened
            | Self::SetupLinkRefused
            | Self::SetupLinkRevoked
            | Self::StreamConfigured
            | Self::StreamEventRefused
            | Self::StreamStatusChanged
            | Self::StreamVerificationRequested => &[],
        }
    }

    /// The action of a stored event.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == text)
    }
}

/// What an event is about, besides the organization that it is always about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventSubject {
    /// The user.
    pub user: Option<UserId>,
    /// The session.
    pub session: Option<SessionId>,
}

/// What a receiver does not want to hear of, in one spelling.
///
/// It covers an event that says all that it says: who removes a user hears no more of their sessions either, and who
/// removes one session still hears of the user's others. The framework's own matching (SSF §8.1.3.1) would have the
/// end of every session in an organization passed over because one user was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion(String);

impl Exclusion {
    /// The organization, if `tenant` is there, with a user and a session, as far as they are; `None` of nothing.
    pub fn new(tenant: Option<()>, subject: EventSubject) -> Option<Self> {
        let parts = [tenant.map(|()| TENANT.to_owned()), spelled_user(&subject), spelled_session(&subject)];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| Self(parts.join(" ")))
    }

    /// The spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl EventSubject {
    /// The spelling of every exclusion that covers it.
    pub fn exclusions(&self) -> Vec<String> {
        let mut found = vec![String::new()];
        for part in [Some(TENANT.to_owned()), spelled_user(self), spelled_session(self)].into_iter().flatten()
        {
            let with: Vec<_> =
                found.iter().map(|before| format!("{before} {part}").trim_start().to_owned()).collect();
            found.extend(with);
        }
        found.retain(|spelling| !spelling.is_empty());
        found
    }
}

fn spelled_user(subject: &EventSubject) -> Option<String> {
    subject.user.map(|user| format!("user:{user}"))
}

fn spelled_session(subject: &EventSubject) -> Option<String> {
    subject.session.map(|session| format!("session:{session}"))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// Of the user with this number, in the session with that.
    fn about(user: Option<u128>, session: Option<u128>) -> EventSubject {
        EventSubject {
            user: user.map(|n| UserId::from_uuid(Uuid::from_u128(n))),
            session: session.map(|n| SessionId::from_uuid(Uuid::from_u128(n))),
        }
    }

    fn covers(tenant: Option<()>, excluded: EventSubject, event: EventSubject) -> bool {
        let exclusion = Exclusion::new(tenant, excluded).expect("something");
        event.exclusions().iter().any(|spelling| spelling == exclusion.as_str())
    }

    #[test]
    fn an_exclusion_covers_what_says_all_that_it_says() {
        let (of_user, of_session) = (about(Some(1), None), about(Some(1), Some(2)));
        let of_all = EventSubject::default();

        assert!(covers(None, of_user, of_user) && covers(None, of_user, of_session));
        assert!(covers(Some(()), of_user, of_session));
        assert!(covers(None, about(None, Some(2)), of_session));
        assert!(covers(Some(()), of_all, of_session) && covers(Some(()), of_all, of_all));
        assert!(!covers(None, of_user, of_all), "one user's removal hides nothing that is about everybody");
        assert!(!covers(None, of_session, of_user));
        assert!(!covers(None, about(Some(3), None), of_session));
        assert_eq!(Exclusion::new(None, of_all), None);
    }

    #[test]
    fn an_action_is_found_by_its_text() {
        for action in Action::ALL {
            assert_eq!(Action::from_text(action.as_str()), Some(*action));
        }
    }
}
