//! The life of a signing key: published, signing, retired, dropped. What is due is a pure function of what
//! happened and of the time.
//!
//! **Invariant:** a key is published before it signs, and stays published until nothing that it signed is
//! valid any more. Only a key that somebody withdrew is dropped sooner.

use chrono::{DateTime, Duration, Utc};
use orgate_protocol::jose::SigningAlgorithm;

use crate::policies::LONGEST_TOKEN;

/// How long nodes and verifiers may lag behind: a node that has not heard of a rotation goes on signing with
/// the retired key for as long as it keeps its keys, which is minutes.
pub const KEY_MARGIN: Duration = Duration::hours(1);

/// A retired key stays published this long: until the last token that it signed has expired, and a margin.
pub const RETIRED_KEPT: Duration = Duration::seconds(LONGEST_TOKEN.num_seconds() + KEY_MARGIN.num_seconds());

/// ID tokens that a dropped key signed are read as hints this long after it was retired: they prove nothing,
/// and a session outlives the ID token that names it (OIDC RP-Initiated Logout 1.0 §4).
pub const HINTS_KEPT: Duration = Duration::days(400);

/// A ring is looked after at least this often, so that another schedule is followed within a day.
const LOOK_AFTER: Duration = Duration::days(1);

/// What happened to a signing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLife {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// When it was published first.
    pub published_at: DateTime<Utc>,
    /// When it began to sign.
    pub promoted_at: Option<DateTime<Utc>>,
    /// When it stopped signing.
    pub retired_at: Option<DateTime<Utc>>,
    /// When nothing that it signed is valid any more; set when it is retired.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was withdrawn.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When its private key was erased.
    pub erased_at: Option<DateTime<Utc>>,
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Published, so that everyone knows it by the time it signs.
    Next,
    /// It signs.
    Current,
    /// It signs no more; what it signed still counts.
    Retired,
    /// Published no more.
    Dropped,
    /// Withdrawn: nothing that it signed counts.
    Revoked,
}

/// When keys are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySchedule {
    /// A key signs this long; `None`: until somebody replaces it.
    pub rotate_every: Option<Duration>,
    /// A key is published this long before it signs.
    pub publish_before: Duration,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStep<'a> {
    /// Erase the private key, and publish the key no more.
    Erase(&'a KeyLife),
    /// Let the key sign in the place of the one that does.
    Promote(&'a KeyLife),
    /// Make the key that signs next, and publish it.
    Publish(SigningAlgorithm),
}

impl KeyLife {
    /// Where it is in its life.
    pub fn state(&self, now: DateTime<Utc>) -> KeyState {
        let over = self.erased_at.is_some() || self.expires_at.is_some_and(|end| end <= now);
        match (self.revoked_at, self.retired_at, self.promoted_at) {
            (Some(_), ..) => KeyState::Revoked,
            _ if over => KeyState::Dropped,
            (None, Some(_), _) => KeyState::Retired,
            (None, None, Some(_)) => KeyState::Current,
            (None, None, None) => KeyState::Next,
        }
    }

    /// Whether an ID token that it signed is still read as a hint.
    pub fn vouches_for_hints(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.retired_at.is_none_or(|at| now < at + HINTS_KEPT)
    }
}

impl KeyState {
    /// As operators read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Retired => "retired",
            Self::Dropped => "dropped",
            Self::Revoked => "revoked",
        }
    }
}

impl KeySchedule {
    /// What is due by `now` of an organization's keys.
    pub fn due<'a>(&self, keys: &'a [KeyLife], now: DateTime<Utc>) -> Vec<KeyStep<'a>> {
        let steps = keys.iter().filter_map(|key| self.next_step(key, keys));
        steps.filter(|(_, at)| *at <= now).map(|(step, _)| step).collect()
    }

    /// When to look again.
    pub fn next_look(&self, keys: &[KeyLife], now: DateTime<Utc>) -> DateTime<Utc> {
        let steps = keys.iter().filter_map(|key| self.next_step(key, keys));
        steps.map(|(_, at)| at).fold(now + LOOK_AFTER, DateTime::min)
    }

    /// What comes next for one key, and when.
    fn next_step<'a>(&self, key: &'a KeyLife, all: &'a [KeyLife]) -> Option<(KeyStep<'a>, DateTime<Utc>)> {
        match *key {
            KeyLife { erased_at: Some(_), .. } => None,
            KeyLife { expires_at: Some(end), .. } => Some((KeyStep::Erase(key), end)),
            KeyLife { promoted_at: None, published_at, .. } => {
                Some((KeyStep::Promote(key), published_at + self.publish_before))
            }
            KeyLife { promoted_at: Some(since), algorithm, .. } => {
                let waits = all.iter().any(|other| {
                    other.algorithm == algorithm && other.promoted_at.is_none() && other.retired_at.is_none()
                });
                let every = self.rotate_every.filter(|_| !waits)?;
                Some((KeyStep::Publish(algorithm), since + every - self.publish_before))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCHEDULE: KeySchedule =
        KeySchedule { rotate_every: Some(Duration::days(90)), publish_before: Duration::hours(24) };

    fn key(kid: &str, published_at: DateTime<Utc>) -> KeyLife {
        KeyLife {
            kid: kid.to_owned(),
            algorithm: SigningAlgorithm::Es256,
            published_at,
            promoted_at: None,
            retired_at: None,
            expires_at: None,
            revoked_at: None,
            erased_at: None,
        }
    }

    /// What the storage does for a step.
    fn perform(keys: &[KeyLife], step: KeyStep<'_>, now: DateTime<Utc>) -> Vec<KeyLife> {
        let mut keys = keys.to_vec();
        match step {
            KeyStep::Publish(_) => keys.push(key(&format!("k{}", keys.len()), now)),
            KeyStep::Promote(next) => {
                for key in &mut keys {
                    if key.kid == next.kid {
                        key.promoted_at = Some(now);
                    } else if key.retired_at.is_none() {
                        (key.retired_at, key.expires_at) = (Some(now), Some(now + RETIRED_KEPT));
                    }
                }
            }
            KeyStep::Erase(old) => {
                let erased = keys.iter_mut().filter(|key| key.kid == old.kid);
                erased.for_each(|key| key.erased_at = Some(now));
            }
        }
        keys
    }

    proptest! {
        /// However irregularly somebody looks: there is always one key that signs, it was published long
        /// enough before, and what a retired key signed can be verified as long as it is valid.
        #[test]
        fn a_key_signs_only_when_known_and_is_known_while_its_tokens_live(
            looks in prop::collection::vec(1_i64..40 * 24 * 60, 1..200),
        ) {
            let start = DateTime::UNIX_EPOCH;
            let first = KeyLife { promoted_at: Some(start), ..key("k0", start) };
            let (mut keys, mut now) = (vec![first], start);
            for minutes in looks {
                now += Duration::minutes(minutes);
                for _ in 0..4 {
                    let before = keys.clone();
                    let Some(step) = SCHEDULE.due(&before, now).into_iter().next() else { break };
                    if let KeyStep::Promote(next) = step {
                        prop_assert!(now - next.published_at >= SCHEDULE.publish_before);
                    }
                    if let KeyStep::Erase(old) = step {
                        prop_assert!(old.retired_at.is_some_and(|at| now - at >= LONGEST_TOKEN + KEY_MARGIN));
                    }
                    keys = perform(&before, step, now);
                }
                let states = |wanted| keys.iter().filter(|key| key.state(now) == wanted).count();
                prop_assert_eq!(states(KeyState::Current), 1);
                prop_assert!(states(KeyState::Next) <= 1);
                prop_assert!(SCHEDULE.due(&keys, now).is_empty());
                prop_assert!(SCHEDULE.next_look(&keys, now) > now);
            }
        }
    }

    #[test]
    fn without_a_schedule_a_key_signs_until_somebody_publishes_another() {
        let schedule = KeySchedule { rotate_every: None, ..SCHEDULE };
        let (start, later) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + Duration::days(10_000));
        let current = KeyLife { promoted_at: Some(start), ..key("current", start) };
        let next = key("next", later);

        assert_eq!(schedule.due(std::slice::from_ref(&current), later), []);
        let both = [current, next];
        assert_eq!(schedule.due(&both, later + schedule.publish_before), [KeyStep::Promote(&both[1])]);
    }

    #[test]
    fn a_withdrawn_key_vouches_for_nothing_and_a_dropped_one_for_hints() {
        let (start, end) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + RETIRED_KEPT);
        let retired = KeyLife { retired_at: Some(start), expires_at: Some(end), ..key("old", start) };
        let revoked = KeyLife { revoked_at: Some(start), ..retired.clone() };

        assert_eq!(retired.state(start), KeyState::Retired);
        assert_eq!(retired.state(end), KeyState::Dropped);
        assert!(retired.vouches_for_hints(end) && !retired.vouches_for_hints(start + HINTS_KEPT));
        assert_eq!(revoked.state(start), KeyState::Revoked);
        assert!(!revoked.vouches_for_hints(start));
    }
}
