//! The settings of a policy as people read and type them: lengths of time in the unit that fits, words for choices.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::Duration;
use orgate_domain::policies::{
    Allowance, LOCKOUT_TRIES, LONGEST_SECS, Policy, PolicySettings, SsoEnforcement, TOKEN_SECS,
};
use orgate_flows::manage::policy::SHORTEST;

use super::change::{Wrong, Wrongs};
use crate::fields::Form;

/// Units, the smallest first: as forms name them, and how many seconds each is.
const UNITS: [(&str, i64); 4] = [("seconds", 1), ("minutes", 60), ("hours", 60 * 60), ("days", 24 * 60 * 60)];

/// A year, which nobody types.
const YEAR: i64 = 365 * 24 * 60 * 60;

/// One setting.
pub(crate) struct Setting {
    /// As the management API calls it.
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    /// What it does.
    pub(crate) says: &'static str,
    pub(crate) kind: Kind,
}

/// What a setting is made of, and where it stands.
pub(crate) enum Kind {
    /// Whether something may be.
    Allowance(fn(&mut PolicySettings) -> &mut Option<Allowance>, fn(&Policy) -> Allowance),
    /// For whom SSO is enforced.
    Enforcement,
    /// A length of time.
    Length(fn(&mut PolicySettings) -> &mut Option<Duration>, fn(&Policy) -> Duration),
    /// Of access tokens, which are short.
    Tokens,
    /// So many tries.
    Tries,
}

/// Settings that belong together.
pub(crate) struct Group {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) settings: &'static [Setting],
}

/// All of them.
pub(crate) static GROUPS: [Group; 4] = [
    Group {
        id: "signing-in",
        title: "Signing in",
        settings: &[
            Setting {
                name: "sso_enforcement",
                label: "Who must sign in through your identity provider",
                says: "Whoever must cannot use a password any more, and sessions that began with one end at once.",
                kind: Kind::Enforcement,
            },
            Setting {
                name: "lockout_attempts",
                label: "Wrong passwords before a pause",
                says: "So many within 15 minutes, for one account from one network address, and further tries are refused for a while.",
                kind: Kind::Tries,
            },
        ],
    },
    Group {
        id: "sessions",
        title: "Sessions in browsers",
        settings: &[
            Setting {
                name: "session_idle_secs",
                label: "Signed out after no use for",
                says: "Whoever comes back to a browser later than that signs in again.",
                kind: Kind::Length(|own| &mut own.session_idle, |policy| policy.session_idle),
            },
            Setting {
                name: "session_absolute_secs",
                label: "Signed in for at most",
                says: "Counted from the sign-in, however busy somebody is. A change counts for sign-ins after it.",
                kind: Kind::Length(|own| &mut own.session_absolute, |policy| policy.session_absolute),
            },
        ],
    },
    Group {
        id: "tokens",
        title: "Access of applications",
        settings: &[
            Setting {
                name: "access_token_secs",
                label: "A token is good for",
                says: "Applications renew it by themselves. The shorter it is, the sooner they all notice that somebody was shut out.",
                kind: Kind::Tokens,
            },
            Setting {
                name: "refresh_idle_secs",
                label: "Renewed without a sign-in, after no use for",
                says: "An application that was not used for longer sends its user to sign in. A change counts from the next renewal.",
                kind: Kind::Length(|own| &mut own.refresh_idle, |policy| policy.refresh_idle),
            },
            Setting {
                name: "refresh_absolute_secs",
                label: "Renewed without a sign-in, for at most",
                says: "Counted from the sign-in, however busy somebody is. A change counts for sign-ins after it.",
                kind: Kind::Length(|own| &mut own.refresh_absolute, |policy| policy.refresh_absolute),
            },
        ],
    },
    Group {
        id: "applications",
        title: "Which applications may be used",
        settings: &[
            Setting {
                name: "third_party_clients",
                label: "Other people’s applications",
                says: "Forbidden, none that belongs to somebody else can be used here, and what they have stops working at once.",
                kind: Kind::Allowance(
                    |own| &mut own.third_party_clients,
                    |policy| policy.third_party_clients,
                ),
            },
            Setting {
                name: "client_registration",
                label: "Applications that register themselves",
                says: "Allowed, whoever has a token for it, which an operator makes, can register an application here.",
                kind: Kind::Allowance(
                    |own| &mut own.client_registration,
                    |policy| policy.client_registration,
                ),
            },
            Setting {
                name: "client_id_metadata",
                label: "Applications that nobody registered",
                says: "Allowed, those that describe themselves at an address of theirs can be used, if the operator says so too.",
                kind: Kind::Allowance(|own| &mut own.client_id_metadata, |policy| policy.client_id_metadata),
            },
        ],
    },
];

/// Every setting.
pub(crate) fn settings() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|group| group.settings)
}

/// What stands in the fields of a form, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Typed(BTreeMap<String, String>);

impl Setting {
    /// The name of the field for the unit of a length.
    pub(crate) fn unit_name(&self) -> String {
        format!("{}_unit", self.name)
    }

    /// The seconds that a length of time can have; `None`: it is none.
    fn seconds(&self) -> Option<RangeInclusive<i64>> {
        match self.kind {
            Kind::Length(..) => Some(1..=LONGEST_SECS), // how short it may be, the use case says
            Kind::Tokens => Some(TOKEN_SECS),
            Kind::Allowance(..) | Kind::Enforcement | Kind::Tries => None,
        }
    }

    /// What can be set.
    pub(crate) fn bounds(&self) -> Option<String> {
        match self.kind {
            Kind::Length(..) => {
                let longest = Duration::seconds(LONGEST_SECS);
                Some(format!("From {} to {}", length_of(SHORTEST), length_of(longest)))
            }
            Kind::Tokens => {
                let [shortest, longest] =
                    [TOKEN_SECS.start(), TOKEN_SECS.end()].map(|secs| Duration::seconds(*secs));
                Some(format!("From {} to {}", length_of(shortest), length_of(longest)))
            }
            Kind::Tries => Some(format!("From {} to {}", LOCKOUT_TRIES.start(), LOCKOUT_TRIES.end())),
            Kind::Allowance(..) | Kind::Enforcement => None,
        }
    }

    /// What can be chosen, the loosest first, as a machine writes it; of what is typed, nothing.
    pub(crate) fn options(&self) -> Vec<&'static str> {
        match self.kind {
            Kind::Allowance(..) => Allowance::ALL.map(Allowance::as_str).to_vec(),
            Kind::Enforcement => SsoEnforcement::ALL.map(SsoEnforcement::as_str).to_vec(),
            Kind::Length(..) | Kind::Tokens | Kind::Tries => Vec::new(),
        }
    }

    /// The units that a length can be typed in; of what is none, nothing.
    pub(crate) fn units(&self, typed: &Typed) -> Vec<&'static str> {
        let fits = |unit: &str| match self.kind {
            Kind::Length(..) => unit != "seconds",
            Kind::Tokens => unit != "days",
            Kind::Allowance(..) | Kind::Enforcement | Kind::Tries => false,
        };
        let typed = typed.get(&self.unit_name());
        let units = UNITS.into_iter().map(|(unit, _)| unit);
        units.filter(|unit| fits(unit) || *unit == typed).collect()
    }

    /// The organization's own, as a machine writes it; `None`: it has none of its own.
    pub(crate) fn own(&self, own: &PolicySettings) -> Option<String> {
        let mut own = *own;
        match self.kind {
            Kind::Allowance(of, _) => of(&mut own).map(|allowance| allowance.as_str().to_owned()),
            Kind::Enforcement => own.sso_enforcement.map(|enforcement| enforcement.as_str().to_owned()),
            Kind::Length(of, _) => of(&mut own).map(|length| length.num_seconds().to_string()),
            Kind::Tokens => own.access_token.map(|length| length.num_seconds().to_string()),
            Kind::Tries => own.lockout_attempts.map(|tries| tries.to_string()),
        }
    }

    /// Sets what [`Self::own`] wrote; what is no such text sets none.
    pub(crate) fn set(&self, own: &mut PolicySettings, text: Option<&str>) {
        let length = || text.and_then(|text| text.parse().ok()).and_then(Duration::try_seconds);
        match self.kind {
            Kind::Allowance(of, _) => *of(own) = text.and_then(Allowance::from_text),
            Kind::Enforcement => own.sso_enforcement = text.and_then(SsoEnforcement::from_text),
            Kind::Length(of, _) => *of(own) = length(),
            Kind::Tokens => own.access_token = length(),
            Kind::Tries => own.lockout_attempts = text.and_then(|text| text.parse().ok()),
        }
    }

    /// The same, as a machine writes it, of what is in force.
    pub(crate) fn in_force(&self, policy: &Policy) -> String {
        match self.kind {
            Kind::Allowance(_, of) => of(policy).as_str().to_owned(),
            Kind::Enforcement => policy.sso_enforcement.as_str().to_owned(),
            Kind::Length(_, of) => of(policy).num_seconds().to_string(),
            Kind::Tokens => policy.access_token.num_seconds().to_string(),
            Kind::Tries => policy.lockout_attempts.to_string(),
        }
    }

    /// What a machine wrote, in words.
    pub(crate) fn words(&self, text: &str) -> String {
        match self.kind {
            Kind::Allowance(..) => {
                Allowance::from_text(text).map(allowance_words).unwrap_or_default().to_owned()
            }
            Kind::Enforcement => {
                SsoEnforcement::from_text(text).map(enforcement_words).unwrap_or_default().to_owned()
            }
            Kind::Length(..) | Kind::Tokens => {
                let length = text.parse().ok().and_then(Duration::try_seconds);
                length.map(length_of).unwrap_or_default()
            }
            Kind::Tries => text.to_owned(),
        }
    }

    /// Reads what was typed into `own`.
    fn read(&self, typed: &Typed, own: &mut PolicySettings) -> Result<(), Wrong> {
        let text = typed.get(self.name);
        if text.is_empty() {
            self.set(own, None);
            return Ok(());
        }
        let wrong = || {
            let bounds = self.bounds().unwrap_or_else(|| "One of these".to_owned());
            Wrong { field: self.name.to_owned(), why: format!("{bounds}, as a whole number; or nothing.") }
        };
        let read = match (&self.kind, self.seconds()) {
            (_, Some(bounds)) => {
                let unit = UNITS.into_iter().find(|(unit, _)| *unit == typed.get(&self.unit_name()));
                let seconds = text.parse().ok().and_then(|number: i64| number.checked_mul(unit?.1));
                seconds.filter(|seconds| bounds.contains(seconds)).map(|seconds| seconds.to_string())
            }
            (Kind::Tries, None) => {
                let tries = text.parse().ok().filter(|tries: &u32| LOCKOUT_TRIES.contains(tries));
                tries.map(|tries| tries.to_string())
            }
            (_, None) => Some(text.to_owned()).filter(|text| !self.words(text).is_empty()),
        };
        self.set(own, Some(&read.ok_or_else(wrong)?));
        Ok(())
    }
}

impl Typed {
    /// What stands in the fields of these settings. A length that is not set has the unit of what is in force without it.
    pub(crate) fn of(own: &PolicySettings, inherited: &Policy) -> Self {
        let mut typed = BTreeMap::new();
        for setting in settings() {
            let text = setting.own(own);
            if setting.seconds().is_some() {
                let usual = setting.in_force(inherited);
                let seconds = text.as_ref().unwrap_or(&usual).parse().unwrap_or_default();
                let (number, unit) = in_unit(seconds);
                typed.insert(setting.unit_name(), unit.to_owned());
                typed.insert(setting.name.to_owned(), text.map(|_| number.to_string()).unwrap_or_default());
            } else {
                typed.insert(setting.name.to_owned(), text.unwrap_or_default());
            }
        }
        Self(typed)
    }

    /// What a form brought.
    pub(crate) fn read(form: &Form) -> Self {
        let names = settings().flat_map(|setting| [setting.name.to_owned(), setting.unit_name()]);
        Self(names.filter_map(|name| form.get(&name).map(|text| (name.clone(), text.to_owned()))).collect())
    }

    /// What stands in a field.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Every field that anything stands in.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// What it asks for, or everything that is wrong.
    pub(crate) fn parse(&self) -> Result<PolicySettings, Wrongs> {
        let mut own = PolicySettings::default();
        let wrongs: Vec<_> = settings().filter_map(|setting| setting.read(self, &mut own).err()).collect();
        if wrongs.is_empty() { Ok(own) } else { Err(Wrongs(wrongs)) }
    }
}

/// Settings as a form keeps them that were seen when it was shown.
pub(crate) fn seen_text(own: &PolicySettings) -> String {
    let pairs = settings().filter_map(|setting| Some(format!("{}={}", setting.name, setting.own(own)?)));
    pairs.collect::<Vec<_>>().join(" ")
}

/// Reads [`seen_text`] back.
pub(crate) fn read_seen(text: &str) -> PolicySettings {
    let mut own = PolicySettings::default();
    for (name, value) in text.split(' ').filter_map(|pair| pair.split_once('=')) {
        if let Some(setting) = settings().find(|setting| setting.name == name) {
            setting.set(&mut own, Some(value));
        }
    }
    own
}

/// Who must.
const fn enforcement_words(enforcement: SsoEnforcement) -> &'static str {
    match enforcement {
        SsoEnforcement::Off => "Nobody has to",
        SsoEnforcement::Domains => "Whoever has an address of a domain that you proved",
        SsoEnforcement::Organization => "Everybody",
    }
}

const fn allowance_words(allowance: Allowance) -> &'static str {
    match allowance {
        Allowance::Allowed => "Allowed",
        Allowance::Forbidden => "Forbidden",
    }
}

/// A length of time in the largest unit of which it is a whole number.
fn in_unit(seconds: i64) -> (i64, &'static str) {
    let fits = UNITS.into_iter().rev().find(|(_, size)| seconds % size == 0);
    fits.map_or((seconds, "seconds"), |(unit, size)| (seconds / size, unit))
}

/// The same in words: `12 hours`.
pub(crate) fn length_of(length: Duration) -> String {
    let seconds = length.num_seconds();
    let (number, unit) =
        if seconds > 0 && seconds % YEAR == 0 { (seconds / YEAR, "years") } else { in_unit(seconds) };
    if number == 1 { format!("1 {}", unit.trim_end_matches('s')) } else { format!("{number} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_said_in_the_largest_unit_that_it_is_a_whole_number_of() {
        let said = [1, 90, 300, 3600, 43_200, 86_400, 1_209_600, LONGEST_SECS]
            .map(|seconds| length_of(Duration::seconds(seconds)));

        let expected =
            ["1 second", "90 seconds", "5 minutes", "1 hour", "12 hours", "1 day", "14 days", "10 years"];
        assert_eq!(said, expected.map(str::to_owned));
    }

    #[test]
    fn what_is_set_stands_in_the_form_and_is_read_back_and_so_is_what_was_seen() {
        let own = PolicySettings {
            session_idle: Some(Duration::seconds(5400)),
            access_token: Some(Duration::seconds(90)),
            lockout_attempts: Some(3),
            sso_enforcement: Some(SsoEnforcement::Domains),
            third_party_clients: Some(Allowance::Forbidden),
            ..PolicySettings::default()
        };

        let typed = Typed::of(&own, &Policy::default());

        assert_eq!((typed.get("session_idle_secs"), typed.get("session_idle_secs_unit")), ("90", "minutes"));
        assert_eq!((typed.get("refresh_idle_secs"), typed.get("refresh_idle_secs_unit")), ("", "days"));
        assert_eq!(typed.parse().ok(), Some(own));
        assert_eq!(read_seen(&seen_text(&own)), own);
        assert_eq!(read_seen("nonsense=1 x session_idle_secs=y"), PolicySettings::default());
    }

    #[test]
    fn what_is_out_of_bounds_is_told_with_them_each() {
        let typed = |name: &str, text: &str, unit: &str| {
            Typed([(name.to_owned(), text.to_owned()), (format!("{name}_unit"), unit.to_owned())].into())
        };
        for (name, text, unit) in [
            ("session_idle_secs", "a while", "hours"),
            ("session_idle_secs", "1", "fortnights"),
            ("session_idle_secs", "3651", "days"),
            ("session_idle_secs", "9223372036854775807", "days"),
            ("session_idle_secs", "-1", "hours"),
            ("access_token_secs", "2", "hours"),
            ("lockout_attempts", "0", ""),
            ("sso_enforcement", "always", ""),
        ] {
            let wrongs = typed(name, text, unit).parse().expect_err(text);
            assert!(wrongs.0.len() == 1 && wrongs.0[0].field == name, "{text}: {wrongs:?}");
        }
        assert!(typed("access_token_secs", "1", "hours").parse().is_ok());
    }
}
