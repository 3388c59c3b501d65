//! Actions by what they are about: what somebody looks for in a log of thousands of events.
//!
//! **Invariant:** every action is of one family.

use super::Action;

/// What actions are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Applications, their secrets, API keys, and what users let applications have.
    Applications,
    /// Connections to identity providers, domains, and set-up links.
    Connections,
    /// Sign-ins that failed.
    FailedSignIns,
    /// Roles, and groups.
    Roles,
    /// What happens by itself all day: codes, tokens, and what applications ask for.
    Routine,
    /// The organization itself, and whom it tells of what.
    Settings,
    /// Sign-ins that succeeded.
    SignIns,
    /// Sessions that ended.
    SignOuts,
    /// Users, invitations, and requests to join.
    Users,
}

impl Family {
    /// Each of them.
    pub const ALL: [Self; 9] = [
        Self::FailedSignIns,
        Self::SignIns,
        Self::SignOuts,
        Self::Users,
        Self::Roles,
        Self::Connections,
        Self::Applications,
        Self::Settings,
        Self::Routine,
    ];

    /// Those of what somebody decides.
    pub const CHANGES: [Self; 5] =
        [Self::Users, Self::Roles, Self::Connections, Self::Applications, Self::Settings];

    /// Its actions.
    pub fn actions(self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |action| action.family() == self)
    }
}

impl Action {
    /// What it is about.
    pub const fn family(self) -> Family {
        match self {
            // Also what was stolen, or looks like it: somebody came with what was used before.
            Self::CodeReplayed
            | Self::DeviceRefused
            | Self::DiscoveryRefused
            | Self::RefreshReused
            | Self::SignInFailed
            | Self::UpstreamRefused => Family::FailedSignIns,
            Self::BreakGlassUsed | Self::DelegateEntered | Self::OperatorEntered | Self::SignInSucceeded => {
                Family::SignIns
            }
            Self::ClientToldOfLogout | Self::SessionEnded | Self::UpstreamLogout => Family::SignOuts,
            Self::IdentityLinked
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
            | Self::RecoveryCodesCreated
            | Self::UserConfigured
            | Self::UserDeleted => Family::Users,
            Self::GroupConfigured | Self::RoleBlueprintConfigured | Self::RoleConfigured => Family::Roles,
            other => other.family_of_the_rest(),
        }
    }

    const fn family_of_the_rest(self) -> Family {
        match self {
            Self::ConnectionActivated
            | Self::ConnectionConfigured
            | Self::ConnectionTested
            | Self::ConnectionWatched
            | Self::DomainClaimed
            | Self::DomainConfigured
            | Self::DomainFailing
            | Self::DomainLapsed
            | Self::DomainRefused
            | Self::DomainReleased
            | Self::DomainTransfer
            | Self::DomainVerified
            | Self::SetupLinkCreated
            | Self::SetupLinkOpened
            | Self::SetupLinkRefused
            | Self::SetupLinkRevoked => Family::Connections,
            Self::ApiKeyCreated
            | Self::ApiKeyRevoked
            | Self::ClientConfigured
            | Self::ClientDisabled
            | Self::ClientEnabled
            | Self::ClientRegistered
            | Self::ClientRemoved
            | Self::ClientSecretRotated
            | Self::ConsentDenied
            | Self::ConsentGiven
            | Self::ConsentRevoked
            | Self::RegistrationRefused
            | Self::RegistrationTokenCreated
            | Self::RegistrationTokenRevoked => Family::Applications,
            Self::DataKeyCreated
            | Self::DataKeyRewrapped
            | Self::DelegationConfigured
            | Self::JoiningConfigured
            | Self::KeyCreated
            | Self::KeyErased
            | Self::KeyImported
            | Self::KeyPromoted
            | Self::KeyRetired
            | Self::KeyRevoked
            | Self::MailTemplateConfigured
            | Self::MailTemplateFailed
            | Self::OrganizationConfigured
            | Self::OrganizationErased
            | Self::StreamConfigured
            | Self::StreamStatusChanged
            | Self::WebhookConfigured
            | Self::WebhookDisabled
            | Self::WebhookRedelivered
            | Self::WebhookReplayed
            | Self::WebhookSecretRotated
            | Self::WebhookTested => Family::Settings,
            _ => Family::Routine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_found_in_one_family() {
        let found: usize = Family::ALL.iter().map(|family| family.actions().count()).sum();

        assert_eq!(found, Action::ALL.len());
        assert!(Family::ALL.iter().all(|family| family.actions().next().is_some()));
    }

    #[test]
    fn what_somebody_configures_is_no_routine() {
        let routine: Vec<_> = Family::Routine.actions().map(Action::as_str).collect();

        assert!(routine.iter().all(|text| !text.ends_with("configured")), "{routine:?}");
    }
}
