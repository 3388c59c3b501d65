//! Audit events: the one record of what happened in an organization.
//!
//! **Invariant:** the list of actions is this enum; a detail holds no secret.

mod families;

use std::net::IpAddr;

use chrono::{DateTime, Utc};

pub use families::Family;

use crate::ids::{ClientId, EventId, OrgId, SessionId, SetupLinkId, UserId};

/// Where a request came from, as far as the events about it need to say.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// Its `User-Agent`, cut at 256 characters.
    pub user_agent: Option<String>,
    /// The id that the answer and the log lines carry too.
    pub request_id: Option<String>,
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
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
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
        }
    };
}

actions! {
    /// An API key was made.
    ApiKeyCreated = "api_key.created";
    /// An API key was taken back.
    ApiKeyRevoked = "api_key.revoked";
    /// A request to the management API was refused.
    ApiRefused = "api.refused";
    /// An identity provider's assertion was redeemed for a token.
    AssertionRedeemed = "assertion.redeemed";
    /// An assertion was refused.
    AssertionRefused = "assertion.refused";
    /// An authorization request was answered with a code in an existing session.
    AuthorizationIssued = "authorization.issued";
    /// A client pushed an authorization request.
    AuthorizationPushed = "authorization.pushed";
    /// An authorization request was refused.
    AuthorizationRefused = "authorization.refused";
    /// A client was created or changed.
    ClientConfigured = "client.configured";
    /// A client was switched off.
    ClientDisabled = "client.disabled";
    /// A client was switched on again.
    ClientEnabled = "client.enabled";
    /// A client registered itself.
    ClientRegistered = "client.registered";
    /// A client that had registered itself removed itself.
    ClientRemoved = "client.removed";
    /// A client was told that a session ended.
    ClientToldOfLogout = "client.told_of_logout";
    /// A client's secret was replaced.
    ClientSecretRotated = "client.secret_rotated";
    /// A client failed to prove itself.
    ClientRefused = "client.refused";
    /// A code was redeemed.
    CodeRedeemed = "code.redeemed";
    /// A code was refused.
    CodeRefused = "code.refused";
    /// A code was presented a second time; what it granted was revoked.
    CodeReplayed = "code.replayed";
    /// A user refused an application what it asked for.
    ConsentDenied = "consent.denied";
    /// A user let an application have what it asked for.
    ConsentGiven = "consent.given";
    /// What a user let an application have was taken back; what was granted by it was revoked.
    ConsentRevoked = "consent.revoked";
    /// A version of a connection went live, or an earlier one again.
    ConnectionActivated = "connection.activated";
    /// A connection was created or changed.
    ConnectionConfigured = "connection.configured";
    /// Something was seen of a connection that somebody may have to act on: its certificate expires, or
    /// its provider's metadata changed or cannot be had.
    ConnectionWatched = "connection.watched";
    /// A test went through a connection, or failed.
    ConnectionTested = "connection.tested";
    /// The key under which the organization's secrets rest was made.
    DataKeyCreated = "data_key.created";
    /// That key was brought under another master key.
    DataKeyRewrapped = "data_key.rewrapped";
    /// Somebody of an organization above this one came in, as this one lets them.
    DelegateEntered = "delegate.entered";
    /// An organization above this one is let act in it, or otherwise than before, or no more.
    DelegationConfigured = "delegation.configured";
    /// A device's request was answered by someone: approved or denied.
    DeviceAnswered = "device.answered";
    /// A user let a device in.
    DeviceApproved = "device.approved";
    /// A user turned a device away.
    DeviceDenied = "device.denied";
    /// A device's request, or a code that was typed for one, was refused.
    DeviceRefused = "device.refused";
    /// A device asked for a sign-in.
    DeviceRequested = "device.requested";
    /// A discovery mail was asked for.
    DiscoveryRequested = "discovery.requested";
    /// A discovery code was accepted.
    DiscoveryProven = "discovery.proven";
    /// A discovery code was refused.
    DiscoveryRefused = "discovery.refused";
    /// A domain was claimed.
    DomainClaimed = "domain.claimed";
    /// A domain was assigned, or what it reaches was changed.
    DomainConfigured = "domain.configured";
    /// The record that proves a domain is gone.
    DomainFailing = "domain.failing";
    /// A domain counts as proven no more.
    DomainLapsed = "domain.lapsed";
    /// A domain could not be proven.
    DomainRefused = "domain.refused";
    /// A domain was given up.
    DomainReleased = "domain.released";
    /// A transfer of a domain was offered, accepted, withdrawn, or took effect.
    DomainTransfer = "domain.transfer";
    /// A domain was proven.
    DomainVerified = "domain.verified";
    /// A signing key was made, and published.
    KeyCreated = "key.created";
    /// A retired signing key was dropped, and its private key erased.
    KeyErased = "key.erased";
    /// A signing key that was made elsewhere was taken over, and published.
    KeyImported = "key.imported";
    /// A signing key began to sign.
    KeyPromoted = "key.promoted";
    /// A signing key stopped signing; what it signed still counts.
    KeyRetired = "key.retired";
    /// A signing key was withdrawn: nothing that it signed counts.
    KeyRevoked = "key.revoked";
    /// A mail was worded by its organization, or otherwise than before, or no more.
    MailTemplateConfigured = "mail_template.configured";
    /// An organization's own words for a mail could not be used: it went out in Orgate's.
    MailTemplateFailed = "mail_template.failed";
    /// An organization was created or changed.
    OrganizationConfigured = "organization.configured";
    /// An organization that was deleted, and not restored in time, was erased: in the operator's log, of any.
    OrganizationErased = "organization.erased";
    /// The organization of an authorization request was decided.
    OrganizationResolved = "organization.resolved";
    /// An operator began to do something in an organization that is not theirs, for a reason that they gave.
    OperatorEntered = "operator.entered";
    /// A password that another system had hashed was hashed anew, as its user signed in with it.
    PasswordRehashed = "password.rehashed";
    /// A browser was sent to an identity provider.
    UpstreamRequested = "upstream.requested";
    /// An identity provider's answer, or logout, was refused.
    UpstreamRefused = "upstream.refused";
    /// An identity provider ended sessions.
    UpstreamLogout = "upstream.logout";
    /// An identity was linked to a user.
    IdentityLinked = "identity.linked";
    /// Somebody who was invited became a user.
    InvitationAccepted = "invitation.accepted";
    /// An invitation was made, and its mail ordered.
    InvitationCreated = "invitation.created";
    /// An invitation's link was refused.
    InvitationRefused = "invitation.refused";
    /// An invitation got another link, and its mail was ordered again.
    InvitationResent = "invitation.resent";
    /// An invitation was taken back.
    InvitationRevoked = "invitation.revoked";
    /// A request to join was approved, and whoever made it invited.
    JoinApproved = "join.approved";
    /// Somebody wants to join: a mail that proves their address was ordered.
    JoinBegun = "join.begun";
    /// A request to join was denied; whoever made it is not told.
    JoinDenied = "join.denied";
    /// A link that proves an address, or a wish to join, was refused.
    JoinRefused = "join.refused";
    /// Somebody who proved their address asks to join.
    JoinRequested = "join.requested";
    /// It was said who may join without an invitation, or ask to.
    JoiningConfigured = "joining.configured";
    /// A refresh token was refused.
    RefreshRefused = "refresh_token.refused";
    /// A refresh token was presented after its successor had been used; the family was revoked.
    RefreshReused = "refresh_token.reused";
    /// A refresh token was rotated.
    RefreshRotated = "refresh_token.rotated";
    /// A registration of a client was refused.
    RegistrationRefused = "registration.refused";
    /// A token with which clients may register themselves was made.
    RegistrationTokenCreated = "registration_token.created";
    /// A token to register clients with was taken back.
    RegistrationTokenRevoked = "registration_token.revoked";
    /// A group was created or changed.
    GroupConfigured = "group.configured";
    /// New organizations begin with another role, or with one less.
    RoleBlueprintConfigured = "role_blueprint.configured";
    /// A role was created or changed.
    RoleConfigured = "role.configured";
    /// A session was ended.
    SessionEnded = "session.ended";
    /// A session cookie was refused.
    SessionRefused = "session.refused";
    /// A set-up link was made.
    SetupLinkCreated = "setup_link.created";
    /// A set-up link was opened in a browser.
    SetupLinkOpened = "setup_link.opened";
    /// A set-up link was refused.
    SetupLinkRefused = "setup_link.refused";
    /// A set-up link was taken back.
    SetupLinkRevoked = "setup_link.revoked";
    /// A sign-in failed.
    SignInFailed = "sign_in.failed";
    /// A sign-in succeeded.
    SignInSucceeded = "sign_in.succeeded";
    /// A receiver's stream of security events was made, changed or deleted.
    StreamConfigured = "stream.configured";
    /// A receiver refused a security event.
    StreamEventRefused = "stream.event_refused";
    /// A stream was enabled, paused or disabled, by its receiver or because events could not be kept or delivered.
    StreamStatusChanged = "stream.status_changed";
    /// A receiver asked for a verification event.
    StreamVerificationRequested = "stream.verification_requested";
    /// A break-glass user signed in past enforced SSO.
    BreakGlassUsed = "break_glass.used";
    /// Recovery codes were made for a break-glass user.
    RecoveryCodesCreated = "recovery_codes.created";
    /// An access token was issued to a machine client.
    TokenIssued = "token.issued";
    /// A token was exchanged for another one.
    TokenExchanged = "token.exchanged";
    /// A machine client was refused a token.
    TokenRefused = "token.refused";
    /// A token was revoked by the client that it was issued to.
    TokenRevoked = "token.revoked";
    /// A user was created or changed.
    UserConfigured = "user.configured";
    /// A user was erased, with all that was theirs.
    UserDeleted = "user.deleted";
    /// A webhook was made, changed or deleted.
    WebhookConfigured = "webhook.configured";
    /// An event is sent to a webhook again, because somebody asked for it.
    WebhookRedelivered = "webhook.redelivered";
    /// A webhook goes through what happened again, or passes some of it over.
    WebhookReplayed = "webhook.replayed";
    /// A webhook's signing secret was replaced.
    WebhookSecretRotated = "webhook.secret_rotated";
    /// A webhook was disabled because its receiver said so, or took nothing for days.
    WebhookDisabled = "webhook.disabled";
    /// A webhook is tried out: its receiver is sent this very event.
    WebhookTested = "webhook.tested";
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
