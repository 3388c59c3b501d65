//! Streams of security events: what of the audit log receivers hear, and what a stream may hold.

use chrono::Duration;
use orgate_protocol::ssf::EventType;

use crate::audit::Action;
use crate::email::Email;
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

/// The reason of a stream that was paused because it was full: what came after is lost to it. And of the event that is
/// where that is missing.
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
            // What a connection gives goes with it, and comes back.
            Self::ConnectionActivated
            | Self::ConnectionConfigured
            | Self::GroupConfigured
            | Self::RoleConfigured => &[EventType::TokenClaimsChange],
            // In a session that was proven otherwise before.
            Self::SignInSucceeded => &[EventType::AssuranceLevelChange],
            // Sessions end one by one, each with its event.
            Self::ApiRefused
            | Self::MailTemplateConfigured
            | Self::MailTemplateFailed
            | Self::OrganizationConfigured
            | Self::OrganizationErased
            | Self::UpstreamLogout
            | Self::UserDeleted
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
            | Self::DelegateEntered
            | Self::DelegationConfigured
            | Self::OperatorEntered
            | Self::OrganizationResolved
            | Self::PasswordRehashed
            | Self::RoleBlueprintConfigured
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
            | Self::AuditLogExported
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
            | Self::InvitationAccepted
            | Self::InvitationCreated
            | Self::InvitationRefused
            | Self::InvitationResent
            | Self::InvitationRevoked
            | Self::JoinApproved
            | Self::JoinBegun
            | Self::JoinDenied
            | Self::JoinRefused
            | Self::JoinRequested
            | Self::JoiningConfigured
            | Self::ApiKeyCreated
            | Self::ApiKeyRevoked
            | Self::SetupLinkCreated
            | Self::SetupLinkOpened
            | Self::SetupLinkRefused
            | Self::SetupLinkRevoked
            | Self::StreamConfigured
            | Self::StreamEventRefused
            | Self::StreamStatusChanged
            | Self::StreamVerificationRequested
            | Self::WebhookConfigured
            | Self::WebhookDisabled
            | Self::WebhookRedelivered
            | Self::WebhookReplayed
            | Self::WebhookSecretRotated
            | Self::WebhookTested => &[],
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

/// Which user an exclusion says.
///
/// An address is kept as it was said and compared with events' users later: who looked it up would answer, or count, in one way
/// for members and in another for strangers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExcludedUser {
    /// Whoever has this address then.
    Address(Email),
    /// This one.
    Id(UserId),
}

/// What an exclusion says, part by part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExcludedSubject {
    /// The organization.
    pub tenant: Option<()>,
    /// The user.
    pub user: Option<ExcludedUser>,
    /// The session.
    pub session: Option<SessionId>,
}

impl Exclusion {
    /// One that says this; `None` of nothing.
    pub fn new(subject: &ExcludedSubject) -> Option<Self> {
        let user = subject.user.as_ref().map(|user| match user {
            ExcludedUser::Address(email) => spelled_address(email.normalized()),
            ExcludedUser::Id(id) => spelled_user(*id),
        });
        let parts = [subject.tenant.map(|()| TENANT.to_owned()), user, subject.session.map(spelled_session)];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| Self(parts.join(" ")))
    }

    /// The spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl EventSubject {
    /// The spelling of every exclusion that covers it; its user has this address, in one spelling.
    pub fn exclusions(&self, address: Option<&str>) -> Vec<String> {
        let user = [self.user.map(spelled_user), self.user.and(address).map(spelled_address)];
        let parts = [
            vec![TENANT.to_owned()],
            user.into_iter().flatten().collect(),
            self.session.map(spelled_session).into_iter().collect(),
        ];
        let mut found = vec![String::new()];
        for part in parts {
            let with = |said: &String| {
                found
                    .iter()
                    .map(|before| format!("{before} {said}").trim_start().to_owned())
                    .collect::<Vec<_>>()
            };
            let with: Vec<_> = part.iter().flat_map(with).collect();
            found.extend(with);
        }
        found.retain(|spelling| !spelling.is_empty());
        found
    }
}

fn spelled_address(normalized: &str) -> String {
    format!("email:{normalized}")
}

fn spelled_user(user: UserId) -> String {
    format!("user:{user}")
}

fn spelled_session(session: SessionId) -> String {
    format!("session:{session}")
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

    fn excluded(tenant: Option<()>, about: EventSubject) -> ExcludedSubject {
        ExcludedSubject { tenant, user: about.user.map(ExcludedUser::Id), session: about.session }
    }

    fn covers(excluded: &ExcludedSubject, event: EventSubject) -> bool {
        let exclusion = Exclusion::new(excluded).expect("something");
        event.exclusions(Some("ada@acme.test")).iter().any(|spelling| spelling == exclusion.as_str())
    }

    #[test]
    fn an_exclusion_covers_what_says_all_that_it_says() {
        let (of_user, of_session) = (about(Some(1), None), about(Some(1), Some(2)));
        let of_all = EventSubject::default();
        let covers_of =
            |tenant, about: EventSubject, event: EventSubject| covers(&excluded(tenant, about), event);

        assert!(covers_of(None, of_user, of_user) && covers_of(None, of_user, of_session));
        assert!(covers_of(Some(()), of_user, of_session));
        assert!(covers_of(None, about(None, Some(2)), of_session));
        assert!(covers_of(Some(()), of_all, of_session) && covers_of(Some(()), of_all, of_all));
        assert!(
            !covers_of(None, of_user, of_all),
            "one user's removal hides nothing that is about everybody"
        );
        assert!(!covers_of(None, of_session, of_user));
        assert!(!covers_of(None, about(Some(3), None), of_session));
        assert_eq!(Exclusion::new(&ExcludedSubject::default()), None);
    }

    #[test]
    fn an_address_covers_what_is_about_whoever_has_it() {
        let of = |text: &str| {
            let user = ExcludedUser::Address(Email::parse(text).expect("an address"));
            ExcludedSubject { user: Some(user), ..ExcludedSubject::default() }
        };
        let (of_user, of_session) = (about(Some(1), None), about(Some(1), Some(2)));
        let within = ExcludedSubject { tenant: Some(()), session: of_session.session, ..of("ada@acme.test") };

        assert!(covers(&of("Ada@ACME.test"), of_user) && covers(&of("ada@acme.test"), of_session));
        assert!(covers(&within, of_session) && !covers(&within, of_user));
        assert!(!covers(&of("vic@acme.test"), of_user));
        assert!(!covers(&of("ada@acme.test"), EventSubject::default()), "it is about nobody");
    }

    #[test]
    fn an_action_is_found_by_its_text() {
        for action in Action::ALL {
            assert_eq!(Action::from_text(action.as_str()), Some(*action));
        }
    }
}
