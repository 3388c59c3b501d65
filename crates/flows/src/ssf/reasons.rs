//! Why something happened, in words for people.

use orgate_protocol::ssf::EventType;

/// For administrators: never empty (CAEP Interoperability Profile §3.1).
pub(super) fn reason_for_admins(event: EventType, code: &str) -> &'static str {
    match (event, code) {
        (EventType::SessionRevoked, "connection_disabled") => {
            "The connection that the session began through does not let its user in any more"
        }
        (EventType::SessionRevoked, "displaced") => {
            "The browser is signed in to more organizations than it may be"
        }
        (EventType::SessionRevoked, "ended_by_admin") => "An administrator ended the session",
        (EventType::SessionRevoked, "ended_by_user") => "The user ended the session from another one",
        (EventType::SessionRevoked, "organization_suspended") => "The organization was suspended",
        (EventType::SessionRevoked, "password_changed") => "The password was changed",
        (EventType::SessionRevoked, "replaced") => "Somebody else signed in in the same browser",
        (EventType::SessionRevoked, "signed_out") => "The user signed out",
        (EventType::SessionRevoked, "sso_enforced") => {
            "The organization demands sign-in through its identity provider"
        }
        (EventType::SessionRevoked, "upstream_logout") => "The identity provider ended its session",
        (EventType::SessionRevoked, "user_deactivated") => "The user was deactivated",
        (EventType::SessionRevoked, "user_deleted") => "The user was deleted",
        (EventType::SessionRevoked, _) => "The session was ended",
        (EventType::CredentialChange, "by_address") => "An identity was linked by its verified address",
        (EventType::CredentialChange, "by_user") => "The user linked an identity",
        (EventType::CredentialChange, "changed_by_user") => "The user changed the password",
        (EventType::CredentialChange, _) => "An administrator changed the credential",
        (EventType::AssuranceLevelChange, _) => {
            "The user proved again who they are, by other means than before"
        }
        (EventType::TokenClaimsChange, "beyond_ceiling") => {
            "The group that the user is in by a connection has a role that the connection may not give"
        }
        (EventType::TokenClaimsChange, "mapped") => {
            "The identity provider says something else about the user"
        }
        (EventType::TokenClaimsChange, "by_user") => "An identity that the user linked brings roles",
        (EventType::TokenClaimsChange, _) => {
            "An administrator changed the user, or a group, role or connection that they have something by"
        }
        (EventType::StreamUpdated | EventType::Verification, _) => "The stream itself",
    }
}

/// For the user, where there is something to say to them.
pub(super) fn reason_for_users(event: EventType, code: &str) -> Option<&'static str> {
    Some(match (event, code) {
        (EventType::SessionRevoked, "connection_disabled") => {
            "The way in which you signed in is not open to you any more."
        }
        (EventType::SessionRevoked, "displaced") => {
            "You are signed in to too many organizations in this browser."
        }
        (EventType::SessionRevoked, "ended_by_admin") => "Your administrator ended this session.",
        (EventType::SessionRevoked, "ended_by_user") => "You ended this session from another device.",
        (EventType::SessionRevoked, "organization_suspended") => "Your organization is suspended.",
        (EventType::SessionRevoked, "password_changed") => "Your password was changed. Sign in again.",
        (EventType::SessionRevoked, "sso_enforced") => {
            "Your organization demands sign-in through its identity provider. Sign in again."
        }
        (EventType::SessionRevoked, "upstream_logout") => "You were signed out by your identity provider.",
        (EventType::SessionRevoked, "user_deactivated") => "Your account was deactivated.",
        (EventType::SessionRevoked, "user_deleted") => "Your account was deleted.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_always_gets_a_reason() {
        for event in EventType::SUPPORTED {
            for code in ["", "signed_out", "of a later release"] {
                assert!(!reason_for_admins(event, code).is_empty());
            }
        }
    }
}
