//! Devices that have their sign-in done elsewhere (RFC 8628): the code that a person types, and what
//! a device hears while it waits.

use std::fmt;

use chrono::{DateTime, Duration, Utc};

use crate::ids::{AuthorizationRequestId, ClientId, DeviceRequestId, OrgId};

/// A person approves a device within this time.
pub const DEVICE_LIFETIME: Duration = Duration::minutes(10);

/// A device waits this long between two questions (RFC 8628 §3.2), and this much longer each time
/// that it does not (§3.5).
pub const DEVICE_INTERVAL: Duration = Duration::seconds(5);

/// No device is made to wait longer than this.
const LONGEST_INTERVAL: Duration = Duration::minutes(1);

/// A question comes earlier than it was sent late: the network is not the device's fault.
const JITTER: Duration = Duration::seconds(1);

/// The letters of a user code (RFC 8628 §6.1): no vowels, so that no word comes of them.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// What a person types: eight letters, 34 bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UserCode([u8; 8]);

/// What a device asked for.
#[derive(Debug, Clone)]
pub struct DeviceRequest {
    /// Its id.
    pub id: DeviceRequestId,
    /// The client that asked; the request is its owner's.
    pub client_id: ClientId,
    /// What is asked for, form-encoded.
    pub parameters: String,
    /// The thumbprint of the key that the request proved.
    pub dpop_jkt: Option<String>,
    /// Names the master key that what the device shows is derived by; empty where there was one only.
    pub derived_by: Vec<u8>,
    /// The organization whose issuer the device called; `None`: the shared one.
    pub called: Option<OrgId>,
    /// What came of it.
    pub status: DeviceStatus,
    /// How long the device is to wait between two questions.
    pub interval: Duration,
    /// When it last asked.
    pub polled_at: Option<DateTime<Utc>>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

/// What came of a device's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceStatus {
    /// Someone let it in.
    Approved {
        /// The authorization request that was answered so.
        by: AuthorizationRequestId,
        /// The organization it was in, where the code is.
        within: OrgId,
    },
    /// Someone turned it away.
    Denied,
    /// Nobody has said.
    Pending,
}

/// What a device hears when it asks (RFC 8628 §3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DevicePoll {
    /// There is a code for it.
    Approved {
        /// The authorization request that was answered so.
        by: AuthorizationRequestId,
        /// The organization it was in, where the code is.
        within: OrgId,
    },
    /// It was turned away.
    Denied,
    /// It waited too long.
    Expired,
    /// Not yet.
    Pending,
    /// Not yet, and it asks too often.
    TooOften,
}

impl DeviceRequest {
    /// Whether a person can still answer it.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        self.status == DeviceStatus::Pending && now < self.expires_at
    }

    /// Whether the authorization request `by` can answer it: nobody has, or it has begun to itself.
    pub fn is_open_to(&self, by: AuthorizationRequestId, now: DateTime<Utc>) -> bool {
        let open = match self.status {
            DeviceStatus::Pending => true,
            DeviceStatus::Approved { by: begun, .. } => begun == by,
            DeviceStatus::Denied => false,
        };
        open && now < self.expires_at
    }

    /// What the device hears at `now`, and how long it is to wait from then on. Who asks twice at once
    /// is told to slow down before anything is given, so that only one of the two takes it.
    pub fn poll(&self, now: DateTime<Utc>) -> (DevicePoll, Duration) {
        let early = self.polled_at.is_some_and(|before| now - before < self.interval - JITTER);
        match self.status {
            DeviceStatus::Denied => (DevicePoll::Denied, self.interval),
            DeviceStatus::Pending if now >= self.expires_at => (DevicePoll::Expired, self.interval),
            DeviceStatus::Pending | DeviceStatus::Approved { .. } if early => {
                (DevicePoll::TooOften, (self.interval + DEVICE_INTERVAL).min(LONGEST_INTERVAL))
            }
            DeviceStatus::Pending => (DevicePoll::Pending, self.interval),
            DeviceStatus::Approved { by, within } => (DevicePoll::Approved { by, within }, self.interval),
        }
    }
}

impl UserCode {
    /// The code that these bytes, which nobody else knows, come to.
    pub fn of(secret: &[u8; 32]) -> Self {
        let (head, _) = secret.split_at(16);
        let mut rest = head.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        // 128 bits are so many more than 34 that no letter is likelier than another.
        Self(std::array::from_fn(|_| {
            let letter = usize::try_from(rest % 20).unwrap_or_default();
            rest /= 20;
            LETTERS.get(letter).copied().unwrap_or(b'B')
        }))
    }

    /// What was typed, read kindly: case, spaces and dashes carry no meaning, and what looks like one of
    /// the letters stands for it.
    pub fn parse(typed: &str) -> Option<Self> {
        let is_filler = |letter: &char| letter.is_whitespace() || "-‐‑–—._".contains(*letter);
        let mut letters = typed.chars().filter(|letter| !is_filler(letter)).map(|letter| {
            let letter = match letter.to_ascii_uppercase() {
                '1' | 'I' => 'L',
                '2' => 'Z',
                '5' => 'S',
                '6' => 'G',
                '8' => 'B',
                'U' => 'V',
                other => other,
            };
            u8::try_from(letter).ok().filter(|letter| LETTERS.contains(letter))
        });
        let mut code = [0; 8];
        for letter in &mut code {
            *letter = letters.next()??;
        }
        letters.next().is_none().then_some(Self(code))
    }
}

/// As it is shown: two groups of four.
impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, letter) in self.0.iter().enumerate() {
            let dash = if place == 4 { "-" } else { "" };
            write!(f, "{dash}{}", char::from(*letter))?;
        }
        Ok(())
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn asked(status: DeviceStatus, polled: Option<i64>) -> DeviceRequest {
        DeviceRequest {
            id: DeviceRequestId::from_uuid(Uuid::from_u128(1)),
            client_id: ClientId::from_uuid(Uuid::from_u128(2)),
            parameters: String::new(),
            dpop_jkt: None,
            derived_by: Vec::new(),
            called: None,
            status,
            interval: DEVICE_INTERVAL,
            polled_at: polled.map(at),
            expires_at: at(600),
        }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::seconds(seconds)
    }

    fn approved() -> DeviceStatus {
        let by = AuthorizationRequestId::from_uuid(Uuid::from_u128(3));
        DeviceStatus::Approved { by, within: OrgId::from_uuid(Uuid::from_u128(4)) }
    }

    #[test]
    fn a_device_hears_what_the_rfc_says() {
        for (status, polled, now, expected) in [
            (DeviceStatus::Pending, None, 0, DevicePoll::Pending),
            (DeviceStatus::Pending, Some(0), 3, DevicePoll::TooOften),
            (DeviceStatus::Pending, Some(0), 4, DevicePoll::Pending),
            (DeviceStatus::Pending, Some(599), 600, DevicePoll::Expired),
            (DeviceStatus::Denied, Some(0), 1, DevicePoll::Denied),
            (DeviceStatus::Denied, Some(0), 700, DevicePoll::Denied),
            (approved(), Some(0), 1, DevicePoll::TooOften),
        ] {
            assert_eq!(asked(status, polled).poll(at(now)).0, expected, "{status:?} {polled:?} {now}");
        }
        for now in [5, 700] {
            assert!(matches!(asked(approved(), Some(0)).poll(at(now)).0, DevicePoll::Approved { .. }));
        }
    }

    #[test]
    fn a_device_is_open_until_it_is_answered_or_lapses() {
        let mine = AuthorizationRequestId::from_uuid(Uuid::from_u128(3));
        let other = AuthorizationRequestId::from_uuid(Uuid::from_u128(5));
        for (status, now, open, to_mine, to_other) in [
            (DeviceStatus::Pending, 599, true, true, true),
            (DeviceStatus::Pending, 600, false, false, false),
            (approved(), 599, false, true, false),
            (approved(), 600, false, false, false),
            (DeviceStatus::Denied, 0, false, false, false),
        ] {
            let request = asked(status, None);
            let seen = (
                request.is_open(at(now)),
                request.is_open_to(mine, at(now)),
                request.is_open_to(other, at(now)),
            );
            assert_eq!(seen, (open, to_mine, to_other), "{status:?} {now}");
        }
    }

    #[test]
    fn who_asks_too_often_waits_longer_and_never_more_than_a_minute() {
        let mut request = asked(DeviceStatus::Pending, Some(0));
        let mut waits = Vec::new();
        for _ in 0..13 {
            request.interval = request.poll(at(1)).1;
            waits.push(request.interval.num_seconds());
        }

        assert_eq!(waits[..3], [10, 15, 20]);
        assert_eq!(waits[10..], [60, 60, 60]);
        assert_eq!(request.poll(at(59)).1.num_seconds(), 60, "who waits is not punished further");
    }

    #[test]
    fn a_code_is_typed_as_people_type() {
        let code = UserCode::parse("WDJB-MJHT").expect("the example of RFC 8628 §3.2");

        for typed in ["wdjbmjht", " WDJB MJHT ", "w-d-j-b m.j.h.t", "WDJ8–MJHT", "wdj8\u{a0}mjht"] {
            assert_eq!(UserCode::parse(typed), Some(code), "{typed}");
        }
        for other in ["", "WDJB-MJH", "WDJB-MJHTT", "WDJB-MJHA", "WDJB-MJHÄ", "WDJB-MJH0"] {
            assert_eq!(UserCode::parse(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_code_that_is_shown_is_read_back(secret: [u8; 32]) {
            let code = UserCode::of(&secret);

            prop_assert_eq!(code.to_string().len(), 9);
            prop_assert_eq!(UserCode::parse(&code.to_string()), Some(code));
        }

        #[test]
        fn what_is_typed_never_panics(typed: String) {
            let _ = UserCode::parse(&typed);
        }
    }
}
