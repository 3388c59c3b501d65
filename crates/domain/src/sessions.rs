//! Sessions: one user, one browser, one organization.

use chrono::{DateTime, Duration, Utc};
use orgate_protocol::oauth::Acr;

use crate::ids::{ConnectionId, OrgId, SessionId, UserId};

/// How many organizations one browser may be signed in to at a time. It bounds the cookies that
/// every request carries; the session used least recently makes room.
pub const MAX_PER_BROWSER: usize = 8;

/// How a session's user proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInMethod {
    /// The organization's own password.
    Password,
    /// A break-glass user's recovery code.
    Recovery,
    /// The organization's identity provider.
    Connection(ConnectionId),
}

/// A [`SignInMethod`], whichever connection it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignInKind {
    /// The organization's identity provider.
    Connection,
    /// The organization's own password.
    Password,
    /// A break-glass user's recovery code.
    Recovery,
}

impl SignInKind {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Connection, Self::Password, Self::Recovery];

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Password => "password",
            Self::Recovery => "recovery",
        }
    }

    /// Reads [`SignInKind::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl SignInMethod {
    /// Which kind it is of.
    pub const fn kind(self) -> SignInKind {
        match self {
            Self::Password => SignInKind::Password,
            Self::Recovery => SignInKind::Recovery,
            Self::Connection(_) => SignInKind::Connection,
        }
    }

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        self.kind().as_str()
    }

    /// Reads [`SignInMethod::as_str`] back, with the connection beside it.
    pub fn from_parts(text: &str, connection: Option<ConnectionId>) -> Option<Self> {
        match (SignInKind::from_text(text)?, connection) {
            (SignInKind::Password, None) => Some(Self::Password),
            (SignInKind::Recovery, None) => Some(Self::Recovery),
            (SignInKind::Connection, Some(connection)) => Some(Self::Connection(connection)),
            _ => None,
        }
    }

    /// The connection, if it was one.
    pub const fn connection(self) -> Option<ConnectionId> {
        match self {
            Self::Connection(connection) => Some(connection),
            Self::Password | Self::Recovery => None,
        }
    }
}

/// A session as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id: the claim `sid`.
    pub id: SessionId,
    /// Its organization.
    pub org_id: OrgId,
    /// Its user.
    pub user_id: UserId,
    /// When the user last proved who they are: the claim `auth_time`.
    pub auth_time: DateTime<Utc>,
    /// How (RFC 8176): the claim `amr`.
    pub amr: Vec<String>,
    /// By what the policy on SSO judges it.
    pub method: SignInMethod,
    /// When it was last used.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// When it was ended, if it was.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Session {
    /// Whether it may be used at `now` under an idle limit of `idle`.
    pub fn is_live(&self, now: DateTime<Utc>, idle: Duration) -> bool {
        self.ended_at.is_none() && now < self.expires_at && now < self.last_seen_at + idle
    }

    /// How strongly its user proved who they are: the claim `acr`.
    pub fn acr(&self) -> Acr {
        acr_of(&self.amr)
    }

    /// Whether the last authentication is recent enough for `max_age` seconds (OIDC Core §3.1.2.1).
    pub fn satisfies_max_age(&self, max_age: Option<u32>, now: DateTime<Utc>) -> bool {
        max_age.is_none_or(|seconds| now - self.auth_time <= Duration::seconds(i64::from(seconds)))
    }
}

/// What one knows, has, and is (RFC 8176 §2). What is of none of these kinds proves no factor: `user` says that
/// somebody was there, `wia` and `fed` what carried the proof.
const FACTORS: [&[&str]; 3] = [
    &["kba", "pin", "pwd"],
    &["hwk", "otp", "sc", "sms", "swk", "tel"],
    &["face", "fpt", "iris", "retina", "vbm"],
];

/// How strong the means of an authentication are together. Whoever says `mfa` has counted; otherwise factors of
/// two kinds are counted here. Two of one kind are one: what takes the first takes the second.
pub fn acr_of(amr: &[String]) -> Acr {
    let used = |kind: &&&[&str]| amr.iter().any(|means| kind.contains(&means.as_str()));
    let kinds = FACTORS.iter().filter(used).count();
    if kinds > 1 || amr.iter().any(|means| means == "mfa") { Acr::MultiFactor } else { Acr::SingleFactor }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn factors_of_two_kinds_are_more_than_one_and_two_of_one_kind_are_not() {
        let acr = |amr: &str| acr_of(&amr.split(' ').map(str::to_owned).collect::<Vec<_>>());

        for amr in ["mfa", "pwd mfa", "pwd otp", "otp pwd", "hwk pin", "hwk user fpt", "sms pwd", "face pwd"]
        {
            assert_eq!(acr(amr), Acr::MultiFactor, "{amr}");
        }
        for amr in ["", "pwd", "otp", "hwk", "hwk user", "wia", "fed", "pwd pin", "otp sms", "pwd wia", "MFA"]
        {
            assert_eq!(acr(amr), Acr::SingleFactor, "{amr}");
        }
    }

    #[test]
    fn a_session_ends_by_idleness_by_age_and_by_hand() {
        let start = DateTime::UNIX_EPOCH;
        let session = Session {
            id: SessionId::from_uuid(Uuid::nil()),
            org_id: OrgId::from_uuid(Uuid::nil()),
            user_id: UserId::from_uuid(Uuid::nil()),
            auth_time: start,
            amr: vec!["pwd".to_owned()],
            method: SignInMethod::Password,
            last_seen_at: start + Duration::hours(1),
            expires_at: start + Duration::hours(3),
            ended_at: None,
        };
        let idle = Duration::hours(1);

        assert!(session.is_live(start + Duration::minutes(119), idle));
        assert!(!session.is_live(start + Duration::hours(2), idle));
        assert!(!session.is_live(start + Duration::hours(3), Duration::hours(9)));
        assert!(!Session { ended_at: Some(start), ..session.clone() }.is_live(start, idle));
        assert!(session.satisfies_max_age(Some(60), start + Duration::seconds(60)));
        assert!(!session.satisfies_max_age(Some(60), start + Duration::seconds(61)));
    }
}
