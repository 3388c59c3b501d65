//! The languages of hosted pages: which there are, and which of them a page is in.

mod messages;

use chrono::{DateTime, Datelike as _, Utc};
use orgate_domain::audit::Origin;
use orgate_domain::locales::Locale;
use orgate_domain::organizations::Organization;
use orgate_domain::user_agents::Software;

pub(crate) use messages::{Markup, Message, Part};

/// A language that pages can be in. Each has a file of messages, `locales/{tag}.ftl`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Language {
    De,
    #[default]
    En,
    Es,
    Fr,
}

impl Language {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::De, Self::En, Self::Es, Self::Fr];

    /// BCP 47.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::De => "de",
            Self::En => "en",
            Self::Es => "es",
            Self::Fr => "fr",
        }
    }

    /// What whoever sent this reads: what the application asked for, else what their browser says, else English. In an
    /// organization, see [`Self::in_organization`].
    pub(crate) fn of(origin: &Origin) -> Self {
        Self::between(origin, None)
    }

    /// What whoever sent this reads on a page of an organization, whose language counts for more than what the browser says.
    pub(crate) fn in_organization(origin: &Origin, organization: &Organization) -> Self {
        Self::between(origin, organization.spoken().map(Locale::as_str))
    }

    /// What whoever sent this reads, where something else is known that counts for more than what the browser says.
    pub(crate) fn between(origin: &Origin, known: Option<&str>) -> Self {
        let asked = origin.ui_locales.iter().map(String::as_str);
        let said = origin.accept_language.iter().map(String::as_str);
        asked.chain(known).chain(said).find_map(Self::spoken_as).unwrap_or_default()
    }

    /// The first of these tags that there is.
    pub(crate) fn first_of(tags: &[String]) -> Option<Self> {
        tags.iter().find_map(|tag| Self::spoken_as(tag))
    }

    /// The language of a tag, wherever it is spoken: `de` for `de-CH` (RFC 4647 §3.4).
    fn spoken_as(tag: &str) -> Option<Self> {
        let language = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|known| known.tag().eq_ignore_ascii_case(language))
    }

    /// A day and a time of it.
    pub(crate) fn moment(self, at: DateTime<Utc>) -> String {
        let numbers = [("day", at.day().into()), ("month", at.month().into())];
        let (year, time) = (at.format("%Y").to_string(), at.format("%H:%M").to_string());
        self.say_numbers(Message("moment"), &numbers, &[("year", &year), ("time", &time)])
    }

    /// What is behind a `User-Agent`: "Firefox on Windows".
    pub(crate) fn software(self, user_agent: Option<&str>) -> String {
        let Software { program, system } = Software::of(user_agent);
        let known = match (&program, system) {
            (Some(_), Some(_)) => "both",
            (Some(_), None) => "program",
            (None, Some(_)) => "system",
            (None, None) => "neither",
        };
        let (program, system) = (program.unwrap_or_default(), system.unwrap_or_default());
        self.say_with("software", &[("known", known), ("program", &program), ("system", system)])
    }

    /// Who did something: of the kind that the log has; `own` for the reader, `another` for another user, who is linked to.
    pub(crate) fn actor(self, kind: &str) -> String {
        self.say_with("event-by", &[("kind", kind)])
    }
}

/// What a language of this tag (BCP 47) is called in English; of one that is rarely used, its tag.
pub(crate) fn called(tag: &str) -> String {
    let language = tag.split('-').next().unwrap_or_default();
    let known = match language {
        "ar" => "Arabic",
        "cs" => "Czech",
        "da" => "Danish",
        "de" => "German",
        "en" => "English",
        "es" => "Spanish",
        "fi" => "Finnish",
        "fr" => "French",
        "it" => "Italian",
        "ja" => "Japanese",
        "ko" => "Korean",
        "nb" | "no" => "Norwegian",
        "nl" => "Dutch",
        "pl" => "Polish",
        "pt" => "Portuguese",
        "sv" => "Swedish",
        "tr" => "Turkish",
        "uk" => "Ukrainian",
        "zh" => "Chinese",
        _ => return tag.to_owned(),
    };
    if tag == language { known.to_owned() } else { format!("{known} ({tag})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(ui_locales: &[&str], accept_language: &[&str]) -> Origin {
        let owned = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
        Origin { ui_locales: owned(ui_locales), accept_language: owned(accept_language), ..Origin::default() }
    }

    #[test]
    fn what_the_application_asks_for_comes_first_and_the_browser_last() {
        let of = |asked: &[&str], known, said: &[&str]| Language::between(&origin(asked, said), known);

        assert_eq!(of(&["de"], Some("fr"), &["es"]), Language::De);
        assert_eq!(of(&["se", "es-MX"], Some("fr"), &["de"]), Language::Es);
        assert_eq!(of(&["se"], Some("fr"), &["es"]), Language::Fr);
        assert_eq!(of(&[], Some("nl"), &["pt-BR", "es"]), Language::Es);
        assert_eq!(of(&[], None, &[]), Language::En);
        assert_eq!(of(&["en"], Some("de"), &["de"]), Language::En);
    }

    #[test]
    fn a_language_is_known_by_the_first_part_of_a_tag_alone() {
        for (tag, language) in [
            ("de-Latn-CH-1996", Some(Language::De)),
            ("FR-ca", Some(Language::Fr)),
            ("es-419", Some(Language::Es)),
            ("den", None),
            ("d", None),
            ("", None),
            ("x-de", None),
        ] {
            assert_eq!(Language::spoken_as(tag), language, "{tag}");
        }
    }

    #[test]
    fn a_moment_is_said_as_people_write_it() {
        let said = |language: Language, text: &str| language.moment(text.parse().expect("a time"));

        assert_eq!(said(Language::En, "2026-11-07T09:05:00Z"), "7 November 2026, 09:05 UTC");
        assert_eq!(said(Language::De, "2026-03-07T09:05:00Z"), "7. März 2026, 09:05 Uhr UTC");
        assert_eq!(said(Language::Fr, "2026-08-01T09:05:00Z"), "1er août 2026, 09:05 UTC");
        assert_eq!(said(Language::Fr, "2026-08-21T19:05:00Z"), "21 août 2026, 19:05 UTC");
        assert_eq!(said(Language::Es, "2026-12-31T23:59:00Z"), "31 de diciembre de 2026, 23:59 UTC");
    }
}
