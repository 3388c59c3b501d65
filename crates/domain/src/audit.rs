//! Audit events: the one record of what happened in an organization.
//!
//! **Invariant:** the list of actions is this enum; a detail holds no secret.

mod families;

use std::net::IpAddr;

use chrono::{DateTime, Utc};

pub use families::Family;

use crate::ids::{ClientId, EventId, OrgId, SessionId, SetupLinkId, UserId};

/// Where a request came from, as far as the events about it need to say, and in which languages it can be answered.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// Its `User-Agent`, cut at 256 characters.
    pub user_agent: Option<String>,
    /// The id that the answer and the log lines carry too.
    pub request_id: Option<String>,
    /// The languages that count for more than what the browser says, best first: those that an application asked for, and those that
    /// whoever sent it and their organization are known to speak. In no event.
    pub ui_locales: Vec<String>,
    /// Those that its browser says, best first. In no event.
    pub accept_language: Vec<String>,
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Someone who has not proven who they are.
    Anonymous,
    /// An application.
    Application(ClientId),
    /// Somebody of an organization above this one, which lets that act in it.
    Delegate(OrgId),
    /// Whoever runs the server, by file or command.
    Operator,
    /// Whoever holds a set-up link.
    SetupLink(SetupLinkId),
    /// Orgate itself: a job.
    System,
    /// A user of this organization.
    User(UserId),
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was refused.
    Refused,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $family:ident;)+) => {
        /// What happened: `noun.verb`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[$doc])* $name,)+ }

        impl Action {
            /// Every action, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable text.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// What it is about.
            pub const fn family(self) -> Family {
                match self { $(Self::$name => Family::$family,)+ }
            }
        }
    };
}

actions! {
    /// An API key was made.
    ApiKeyCreated = "api_key.created", Applications;
    /// An API key was taken back.
    ApiKeyRevoked = "api_key.revoked", Applications;
    /// A request to the management API was refused.
    ApiRefused = "api.refused", Routine;
    /// An identity provider's assertion was redeemed for a token.
    AssertionRedeemed = "assertion.redeemed", Routine;
    /// An assertion was refused.
    AssertionRefused = "assertion.refused", Routine;
    /// Events of this log were taken along in a file.
    AuditLogExported = "audit_log.exported", Routine;
    /// An authorization request was answered with a code in an existing session.
    AuthorizationIssued = "authorization.issued", Routine;
    /// A client pushed an authorization request.
    AuthorizationPushed = "authorization.pushed", Routine;
    /// An authorization request was refused.
    AuthorizationRefused = "authorization.refused", Routine;
    /// A client was created or changed.
    ClientConfigured = "client.configured", Applications;
    /// A client was switched off.
    ClientDisabled = "client.disabled", Applications;
    /// A client was switched on again.
    ClientEnabled = "client.enabled", Applications;
    /// A client registered itself.
    ClientRegistered = "client.registered", Applications;
    /// A client that had registered itself removed itself.
    ClientRemoved = "client.removed", Applications;
    /// A client was told that a session ended.
    ClientToldOfLogout = "client.told_of_logout", SignOuts;
    /// A client's secret was replaced.
    ClientSecretRotated = "client.secret_rotated", Applications;
    /// A client failed to prove itself.
    ClientRefused = "client.refused", Routine;
    /// A code was redeemed.
    CodeRedeemed = "code.redeemed", Routine;
    /// A code was refused.
    CodeRefused = "code.refused", Routine;
    /// A code was presented a second time; what it granted was revoked.
    CodeReplayed = "code.replayed", FailedSignIns;
    /// A user refused an application what it asked for.
    ConsentDenied = "consent.denied", Applications;
    /// A user let an application have what it asked for.
    ConsentGiven = "consent.given", Applications;
    /// What a user let an application have was taken back; what was granted by it was revoked.
    ConsentRevoked = "consent.revoked", Applications;
    /// A version of a connection went live, or an earlier one again.
    ConnectionActivated = "connection.activated", Connections;
    /// A connection was created or changed.
    ConnectionConfigured = "connection.configured", Connections;
    /// Something was seen of a connection that somebody may have to act on: its certificate expires, or
    /// its provider's metadata changed or cannot be had.
    ConnectionWatched = "connection.watched", Connections;
    /// A test went through a connection, or failed.
    ConnectionTested = "connection.tested", Connections;
    /// The key under which the organization's secrets rest was made.
    DataKeyCreated = "data_key.created", Settings;
    /// That key was brought under another master key.
    DataKeyRewrapped = "data_key.rewrapped", Settings;
    /// Somebody of an organization above this one came in, as this one lets them.
    DelegateEntered = "delegate.entered", SignIns;
    /// An organization above this one is let act in it, or otherwise than before, or no more.
    DelegationConfigured = "delegation.configured", Settings;
    /// A device's request was answered by someone: approved or denied.
    DeviceAnswered = "device.answered", Routine;
    /// A user let a device in.
    DeviceApproved = "device.approved", SignIns;
    /// A user turned a device away.
    DeviceDenied = "device.denied", FailedSignIns;
    /// A device's request, or a code that was typed for one, was refused.
    DeviceRefused = "device.refused", FailedSignIns;
    /// A device asked for a sign-in.
    DeviceRequested = "device.requested", Routine;
    /// A discovery mail was asked for.
    DiscoveryRequested = "discovery.requested", Routine;
    /// A discovery code was accepted.
    DiscoveryProven = "discovery.proven", Routine;
    /// A discovery code was refused.
    DiscoveryRefused = "discovery.refused", FailedSignIns;
    /// A domain was claimed.
    DomainClaimed = "domain.claimed", Connections;
    /// A domain was assigned, or what it reaches was changed.
    DomainConfigured = "domain.configured", Connections;
    /// The record that proves a domain is gone.
    DomainFailing = "domain.failing", Connections;
    /// A domain counts as proven no more.
    DomainLapsed = "domain.lapsed", Connections;
    /// A domain could not be proven.
    DomainRefused = "domain.refused", Connections;
    /// A domain was given up.
    DomainReleased = "domain.released", Connections;
    /// A transfer of a domain was offered, accepted, withdrawn, or took effect.
    DomainTransfer = "domain.transfer", Connections;
    /// A domain was proven.
    DomainVerified = "domain.verified", Connections;
    /// A signing key was made, and published.
    KeyCreated = "key.created", Settings;
    /// A retired signing key was dropped, and its private key erased.
    KeyErased = "key.erased", Settings;
    /// A signing key that was made elsewhere was taken over, and published.
    KeyImported = "key.imported", Settings;
    /// A signing key began to sign.
    KeyPromoted = "key.promoted", Settings;
    /// A signing key stopped signing; what it signed still counts.
    KeyRetired = "key.retired", Settings;
    /// A signing key was withdrawn: nothing that it signed counts.
    KeyRevoked = "key.revoked", Settings;
    /// A mail was worded by its organization, or otherwise than before, or no more.
    MailTemplateConfigured = "mail_template.configured", Settings;
    /// An organization's own words for a mail could not be used: it went out in Orgate's.
    MailTemplateFailed = "mail_template.failed", Settings;
    /// An organization was created or changed.
    OrganizationConfigured = "organization.configured", Settings;
    /// An organization that was deleted, and not restored in time, was erased: in the operator's log, of any.
    OrganizationErased = "organization.erased", Settings;
    /// The organization of an authorization request was decided.
    OrganizationResolved = "organization.resolved", Routine;
    /// An operator began to do something in an organization that is not theirs, for a reason that they gave.
    OperatorEntered = "operator.entered", SignIns;
    /// A password that another system had hashed was hashed anew, as its user signed in with it.
    PasswordRehashed = "password.rehashed", Routine;
    /// A browser was sent to an identity provider.
    UpstreamRequested = "upstream.requested", Routine;
    /// An identity provider's answer, or logout, was refused.
    UpstreamRefused = "upstream.refused", FailedSignIns;
    /// An identity provider ended sessions.
    UpstreamLogout = "upstream.logout", SignOuts;
    /// An identity was linked to a user.
    IdentityLinked = "identity.linked", Users;
    /// Somebody who was invited became a user.
    InvitationAccepted = "invitation.accepted", Users;
    /// An invitation was made, and its mail ordered.
    InvitationCreated = "invitation.created", Users;
    /// An invitation's link was refused.
    InvitationRefused = "invitation.refused", Users;
    /// An invitation got another link, and its mail was ordered again.
    InvitationResent = "invitation.resent", Users;
    /// An invitation was taken back.
    InvitationRevoked = "invitation.revoked", Users;
    /// A request to join was approved, and whoever made it invited.
    JoinApproved = "join.approved", Users;
    /// Somebody wants to join: a mail that proves their address was ordered.
    JoinBegun = "join.begun", Users;
    /// A request to join was denied; whoever made it is not told.
    JoinDenied = "join.denied", Users;
    /// A link that proves an address, or a wish to join, was refused.
    JoinRefused = "join.refused", Users;
    /// Somebody who proved their address asks to join.
    JoinRequested = "join.requested", Users;
    /// It was said who may join without an invitation, or ask to.
    JoiningConfigured = "joining.configured", Settings;
    /// A refresh token was refused.
    RefreshRefused = "refresh_token.refused", Routine;
    /// A refresh token was presented after its successor had been used; the family was revoked.
    RefreshReused = "refresh_token.reused", FailedSignIns;
    /// A refresh token was rotated.
    RefreshRotated = "refresh_token.rotated", Routine;
    /// A registration of a client was refused.
    RegistrationRefused = "registration.refused", Applications;
    /// A token with which clients may register themselves was made.
    RegistrationTokenCreated = "registration_token.created", Applications;
    /// A token to register clients with was taken back.
    RegistrationTokenRevoked = "registration_token.revoked", Applications;
    /// A group was created or changed.
    GroupConfigured = "group.configured", Roles;
    /// New organizations begin with another role, or with one less.
    RoleBlueprintConfigured = "role_blueprint.configured", Roles;
    /// A role was created or changed.
    RoleConfigured = "role.configured", Roles;
    /// A session was ended.
    SessionEnded = "session.ended", SignOuts;
    /// A session cookie was refused.
    SessionRefused = "session.refused", Routine;
    /// A set-up link was made.
    SetupLinkCreated = "setup_link.created", Connections;
    /// A set-up link was opened in a browser.
    SetupLinkOpened = "setup_link.opened", Connections;
    /// A set-up link was refused.
    SetupLinkRefused = "setup_link.refused", Connections;
    /// A set-up link was taken back.
    SetupLinkRevoked = "setup_link.revoked", Connections;
    /// A sign-in failed.
    SignInFailed = "sign_in.failed", FailedSignIns;
    /// A sign-in succeeded.
    SignInSucceeded = "sign_in.succeeded", SignIns;
    /// A receiver's stream of security events was made, changed or deleted.
    StreamConfigured = "stream.configured", Settings;
    /// A receiver refused a security event.
    StreamEventRefused = "stream.event_refused", Routine;
    /// A stream was enabled, paused or disabled, by its receiver or because events could not be kept or delivered.
    StreamStatusChanged = "stream.status_changed", Settings;
    /// A receiver asked for a verification event.
    StreamVerificationRequested = "stream.verification_requested", Routine;
    /// A break-glass user signed in past enforced SSO.
    BreakGlassUsed = "break_glass.used", SignIns;
    /// Recovery codes were made for a break-glass user.
    RecoveryCodesCreated = "recovery_codes.created", Users;
    /// An access token was issued to a machine client.
    TokenIssued = "token.issued", Routine;
    /// A token was exchanged for another one.
    TokenExchanged = "token.exchanged", Routine;
    /// A machine client was refused a token.
    TokenRefused = "token.refused", Routine;
    /// A token was revoked by the client that it was issued to.
    TokenRevoked = "token.revoked", Routine;
    /// A user was created or changed.
    UserConfigured = "user.configured", Users;
    /// A user was erased, with all that was theirs.
    UserDeleted = "user.deleted", Users;
    /// A webhook was made, changed or deleted.
    WebhookConfigured = "webhook.configured", Settings;
    /// An event is sent to a webhook again, because somebody asked for it.
    WebhookRedelivered = "webhook.redelivered", Settings;
    /// A webhook goes through what happened again, or passes some of it over.
    WebhookReplayed = "webhook.replayed", Settings;
    /// A webhook's signing secret was replaced.
    WebhookSecretRotated = "webhook.secret_rotated", Settings;
    /// A webhook was disabled because its receiver said so, or took nothing for days.
    WebhookDisabled = "webhook.disabled", Settings;
    /// A webhook is tried out: its receiver is sent this very event.
    WebhookTested = "webhook.tested", Settings;
}

impl Action {
    /// What happens all day without anybody doing anything: it is in the log, and not worth a page that people look at in passing. The index
    /// `audit_events_by_user` leaves out the same.
    pub const BY_ITSELF: [Self; 7] = [
        Self::AuthorizationIssued,
        Self::ClientToldOfLogout,
        Self::CodeRedeemed,
        Self::OrganizationResolved,
        Self::RefreshRotated,
        Self::TokenExchanged,
        Self::TokenIssued,
    ];
}

/// One event, ready to be written.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// What happened.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, from a closed list of the action's own.
    pub reason: Option<&'static str>,
    /// Who did it.
    pub actor: Actor,
    /// The user it was about.
    pub user_id: Option<UserId>,
    /// The session it was in.
    pub session_id: Option<SessionId>,
    /// The application it was for.
    pub client: Option<(OrgId, ClientId)>,
    /// Where it came from.
    pub origin: Origin,
    /// More about it, without secrets.
    pub detail: Vec<(&'static str, String)>,
}

impl Outcome {
    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
        }
    }
}

impl Actor {
    /// The stored text of its type.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Application(_) => "application",
            Self::Delegate(_) => "delegate",
            Self::Operator => "operator",
            Self::SetupLink(_) => "setup_link",
            Self::System => "system",
            Self::User(_) => "user",
        }
    }

    /// Its id, where it has one.
    pub fn id(self) -> Option<String> {
        match self {
            Self::Anonymous | Self::Operator | Self::System => None,
            Self::Application(id) => Some(id.to_string()),
            Self::Delegate(id) => Some(id.to_string()),
            Self::SetupLink(id) => Some(id.to_string()),
            Self::User(id) => Some(id.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_a_noun_and_a_verb_and_there_is_one_of_each() {
        let mut texts: Vec<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        texts.sort_unstable();
        let count = texts.len();
        texts.dedup();

        assert_eq!(texts.len(), count);
        assert!(texts.iter().all(|text| text.split('.').count() == 2));
    }
}
