//! What an organization allows, and for how long. A sub-organization may only tighten.

use std::ops::RangeInclusive;

use chrono::Duration;

use crate::clients::Party;
use crate::sessions::SignInMethod;
use crate::standing::SsoSubject;

/// The settings of one organization; `None` leaves a setting to its parent and, at the top, to
/// [`Policy::default`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PolicySettings {
    /// Ends a session this long after its last use.
    pub session_idle: Option<Duration>,
    /// Ends a session this long after sign-in.
    pub session_absolute: Option<Duration>,
    /// Access tokens and ID tokens live this long.
    pub access_token: Option<Duration>,
    /// A refresh token dies this long after it was issued, unless used.
    pub refresh_idle: Option<Duration>,
    /// A token family dies this long after sign-in.
    pub refresh_absolute: Option<Duration>,
    /// Wrong passwords for one account, within [`LOCKOUT_WINDOW`], before further tries are refused.
    pub lockout_attempts: Option<u32>,
    /// Who must sign in through the organization's identity provider.
    pub sso_enforcement: Option<SsoEnforcement>,
    /// Whether other people's applications may be used at all.
    pub third_party_clients: Option<Allowance>,
    /// Whether clients may register themselves, with a token that the organization was given.
    pub client_registration: Option<Allowance>,
    /// Whether clients that nobody registered may be used: those that are known by a document.
    pub client_id_metadata: Option<Allowance>,
}

/// Who must sign in through the organization's identity provider. Later ones are tighter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SsoEnforcement {
    /// Nobody.
    #[default]
    Off,
    /// Users with an address of a domain that the organization has verified.
    Domains,
    /// Every user of the organization.
    Organization,
}

/// Whether something may be. The later one is tighter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Allowance {
    /// It may.
    Allowed,
    /// It may not.
    Forbidden,
}

/// The longest lifetime that can be set: ten years, in seconds.
pub const LONGEST_SECS: i64 = 10 * 365 * 24 * 60 * 60;

/// Seconds that access and ID tokens can be set to live.
pub const TOKEN_SECS: RangeInclusive<i64> = 30..=3600;

/// Wrong passwords that can be set to be too many.
pub const LOCKOUT_TRIES: RangeInclusive<u32> = 1..=1000;

/// How long failed sign-ins count, and how long a locked account refuses.
pub const LOCKOUT_WINDOW: Duration = Duration::minutes(15);

/// A lost answer to a refresh may be asked for again for this long.
pub const REFRESH_GRACE: Duration = Duration::seconds(30);

/// An authorization code is redeemed within this time (RFC 6749 §4.1.2 says ten minutes at most).
pub const CODE_LIFETIME: Duration = Duration::seconds(60);

/// No access or ID token lives longer, whatever a policy says: keys stay published for as long.
pub const LONGEST_TOKEN: Duration = Duration::hours(1);

/// A person completes a sign-in within this time.
pub const REQUEST_LIFETIME: Duration = Duration::minutes(30);

/// An identity provider's answer arrives within this time.
pub const UPSTREAM_LIFETIME: Duration = Duration::minutes(15);

/// The code in a discovery mail is typed within this time.
pub const DISCOVERY_LIFETIME: Duration = Duration::minutes(15);

/// The effective policy of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// See [`PolicySettings::session_idle`].
    pub session_idle: Duration,
    /// See [`PolicySettings::session_absolute`].
    pub session_absolute: Duration,
    /// See [`PolicySettings::access_token`].
    pub access_token: Duration,
    /// See [`PolicySettings::refresh_idle`].
    pub refresh_idle: Duration,
    /// See [`PolicySettings::refresh_absolute`].
    pub refresh_absolute: Duration,
    /// See [`PolicySettings::lockout_attempts`].
    pub lockout_attempts: u32,
    /// See [`PolicySettings::sso_enforcement`].
    pub sso_enforcement: SsoEnforcement,
    /// See [`PolicySettings::third_party_clients`].
    pub third_party_clients: Allowance,
    /// See [`PolicySettings::client_registration`].
    pub client_registration: Allowance,
    /// See [`PolicySettings::client_id_metadata`].
    pub client_id_metadata: Allowance,
}

impl PolicySettings {
    /// Each setting by its name, as text; `None` where it is left to the parent.
    fn described(&self) -> [(&'static str, Option<String>); 10] {
        let seconds = |limit: Option<Duration>| limit.map(|limit| limit.num_seconds().to_string());
        let allowance =
            |allowance: Option<Allowance>| allowance.map(|allowance| allowance.as_str().to_owned());
        let enforcement = self.sso_enforcement.map(|enforcement| enforcement.as_str().to_owned());
        [
            ("session_idle_secs", seconds(self.session_idle)),
            ("session_absolute_secs", seconds(self.session_absolute)),
            ("access_token_secs", seconds(self.access_token)),
            ("refresh_idle_secs", seconds(self.refresh_idle)),
            ("refresh_absolute_secs", seconds(self.refresh_absolute)),
            ("lockout_attempts", self.lockout_attempts.map(|tries| tries.to_string())),
            ("sso_enforcement", enforcement),
            ("third_party_clients", allowance(self.third_party_clients)),
            ("client_registration", allowance(self.client_registration)),
            ("client_id_metadata", allowance(self.client_id_metadata)),
        ]
    }

    /// What differs from settings before, one after the other: `sso_enforcement=off`; nothing after the sign where it is left
    /// to the parent.
    pub fn differences(&self, before: &Self) -> String {
        let pairs = self.described().into_iter().zip(before.described());
        let changed = pairs.filter(|(now, before)| now != before);
        let words = changed.map(|((name, value), _)| format!("{name}={}", value.unwrap_or_default()));
        words.collect::<Vec<_>>().join(" ")
    }
}

impl SsoEnforcement {
    /// Each of them, loosest first.
    pub const ALL: [Self; 3] = [Self::Off, Self::Domains, Self::Organization];

    /// Whether `user` may sign in, or stay signed in, by `method`. The last word on any credential:
    /// a password, or whatever else a user still has, is worth nothing where this says no.
    pub const fn allows(self, method: SignInMethod, user: SsoSubject) -> bool {
        let bound = match self {
            Self::Off => false,
            Self::Domains => user.of_verified_domain,
            Self::Organization => true,
        };
        match method {
            SignInMethod::Connection(_) => true,
            // Exempt is the user, but not their password.
            SignInMethod::Recovery => user.break_glass,
            SignInMethod::Password => !bound,
        }
    }

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Domains => "domains",
            Self::Organization => "organization",
        }
    }

    /// Reads [`SsoEnforcement::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|enforcement| enforcement.as_str() == text)
    }
}

impl Allowance {
    /// Each of them, loosest first.
    pub const ALL: [Self; 2] = [Self::Allowed, Self::Forbidden];

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Forbidden => "forbidden",
        }
    }

    /// Reads [`Allowance::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|allowance| allowance.as_str() == text)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            session_idle: Duration::hours(12),
            session_absolute: Duration::days(7),
            access_token: Duration::minutes(10),
            refresh_idle: Duration::days(14),
            refresh_absolute: Duration::days(90),
            lockout_attempts: 10,
            sso_enforcement: SsoEnforcement::Off,
            // One is here only because the operator or the organization registered it, and gets nothing of a
            // user who does not consent.
            third_party_clients: Allowance::Allowed,
            client_registration: Allowance::Forbidden,
            client_id_metadata: Allowance::Forbidden,
        }
    }
}

impl Policy {
    /// The policy of an organization whose chain of settings, from the root down to itself, is
    /// `chain`. The root may set anything; every organization below it can only lower a limit.
    pub fn effective<'a>(chain: impl IntoIterator<Item = &'a PolicySettings>) -> Self {
        let mut chain = chain.into_iter();
        let root = chain.next().map_or_else(Self::default, |settings| Self::default().replaced_by(settings));
        chain.fold(root, Self::tightened_by)
    }

    /// Whether clients of this party may be used.
    pub fn admits(&self, party: Party) -> bool {
        match party {
            Party::First => true,
            Party::Third => self.third_party_clients == Allowance::Allowed,
            Party::Unregistered => self.admits(Party::Third) && self.client_id_metadata == Allowance::Allowed,
        }
    }

    /// Whether clients may register themselves: they are third parties.
    pub fn lets_register(&self) -> bool {
        self.client_registration == Allowance::Allowed && self.admits(Party::Third)
    }

    fn replaced_by(self, by: &PolicySettings) -> Self {
        Self {
            session_idle: by.session_idle.unwrap_or(self.session_idle),
            session_absolute: by.session_absolute.unwrap_or(self.session_absolute),
            access_token: by.access_token.unwrap_or(self.access_token),
            refresh_idle: by.refresh_idle.unwrap_or(self.refresh_idle),
            refresh_absolute: by.refresh_absolute.unwrap_or(self.refresh_absolute),
            lockout_attempts: by.lockout_attempts.unwrap_or(self.lockout_attempts),
            sso_enforcement: by.sso_enforcement.unwrap_or(self.sso_enforcement),
            third_party_clients: by.third_party_clients.unwrap_or(self.third_party_clients),
            client_registration: by.client_registration.unwrap_or(self.client_registration),
            client_id_metadata: by.client_id_metadata.unwrap_or(self.client_id_metadata),
        }
    }

    /// This, and no looser than settings say: never looser than it was.
    #[must_use]
    pub fn tightened_by(self, by: &PolicySettings) -> Self {
        let wanted = self.replaced_by(by);
        Self {
            session_idle: self.session_idle.min(wanted.session_idle),
            session_absolute: self.session_absolute.min(wanted.session_absolute),
            access_token: self.access_token.min(wanted.access_token),
            refresh_idle: self.refresh_idle.min(wanted.refresh_idle),
            refresh_absolute: self.refresh_absolute.min(wanted.refresh_absolute),
            lockout_attempts: self.lockout_attempts.min(wanted.lockout_attempts),
            sso_enforcement: self.sso_enforcement.max(wanted.sso_enforcement),
            third_party_clients: self.third_party_clients.max(wanted.third_party_clients),
            client_registration: self.client_registration.max(wanted.client_registration),
            client_id_metadata: self.client_id_metadata.max(wanted.client_id_metadata),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sub_organization_can_only_tighten() {
        let parent = PolicySettings { session_idle: Some(Duration::hours(1)), ..PolicySettings::default() };
        let looser = PolicySettings { session_idle: Some(Duration::hours(9)), ..PolicySettings::default() };
        let tighter =
            PolicySettings { session_idle: Some(Duration::minutes(5)), ..PolicySettings::default() };

        assert_eq!(Policy::effective([&parent, &looser]).session_idle, Duration::hours(1));
        assert_eq!(Policy::effective([&parent, &tighter]).session_idle, Duration::minutes(5));
        assert_eq!(Policy::effective([&parent, &tighter, &looser]).session_idle, Duration::minutes(5));
    }

    #[test]
    fn what_a_parent_forbids_no_sub_organization_allows() {
        let says =
            |allowance| PolicySettings { third_party_clients: Some(allowance), ..PolicySettings::default() };
        let (allows, forbids) = (says(Allowance::Allowed), says(Allowance::Forbidden));
        let admits = |chain: [&PolicySettings; 2]| Policy::effective(chain).admits(Party::Third);

        assert!(admits([&allows, &allows]) && !admits([&allows, &forbids]));
        assert!(!admits([&forbids, &allows]) && !admits([&forbids, &PolicySettings::default()]));
        assert!(Policy::effective([&forbids]).admits(Party::First));
    }
}
