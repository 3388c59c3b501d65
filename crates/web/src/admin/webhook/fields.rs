//! What a form says of a webhook: where it is, and which events it tells of.

use std::collections::{BTreeMap, BTreeSet};

use orgate_domain::audit::{Action, Family};
use orgate_flows::manage::{ChangeError, Webhook, WebhookScope, WebhookTerms};

use crate::fields::Form;
use crate::words::words;

/// What events are about, in the order of the form.
const AREAS: [(&str, &[Family]); 5] = [
    ("Users and what they may do", &[Family::Users, Family::Roles]),
    ("Signing in and out", &[Family::FailedSignIns, Family::SignIns, Family::SignOuts]),
    ("Identity providers and domains", &[Family::Connections]),
    ("Applications and settings", &[Family::Applications, Family::Settings]),
    ("Tokens and requests, all day long", &[Family::Routine]),
];

/// What stands in the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) url: String,
    pub(super) description: String,
    /// Of all organizations, rather than of its own.
    pub(super) is_of_all: bool,
    /// Whether only some events are told.
    pub(super) is_chosen: bool,
    /// Nouns, all of whose events are, as `user.*`.
    pub(super) nouns: BTreeSet<String>,
    /// Other events, by their names.
    pub(super) more: String,
}

/// Events that are about something like.
pub(super) struct Area {
    pub(super) name: &'static str,
    pub(super) nouns: Vec<Noun>,
}

/// Events of one noun.
pub(super) struct Noun {
    /// `user.*`.
    pub(super) value: String,
    pub(super) label: String,
    /// Its events, by their names.
    pub(super) events: String,
    pub(super) is_ticked: bool,
}

impl Typed {
    pub(super) fn of(webhook: &Webhook) -> Self {
        let WebhookTerms { url, description, events } = webhook.terms.clone();
        let is_chosen = events.is_some();
        let (nouns, more): (Vec<_>, Vec<_>) =
            events.unwrap_or_default().into_iter().partition(|event| event.ends_with(".*"));
        Self {
            url,
            description: description.unwrap_or_default(),
            is_of_all: webhook.scope == WebhookScope::All,
            is_chosen,
            nouns: nouns.into_iter().collect(),
            more: more.join("\n"),
        }
    }

    pub(super) fn read(form: &Form) -> Self {
        Self {
            url: form.text("url").to_owned(),
            description: form.text("description").to_owned(),
            is_of_all: form.text("scope") == "all",
            is_chosen: form.text("which") == "chosen",
            nouns: form.all("noun").map(str::to_owned).collect(),
            more: form.text("more").to_owned(),
        }
    }

    pub(super) fn scope(&self) -> WebhookScope {
        if self.is_of_all { WebhookScope::All } else { WebhookScope::Organization }
    }

    /// What they ask for.
    pub(super) fn terms(&self) -> WebhookTerms {
        WebhookTerms {
            url: self.url.clone(),
            description: Some(self.description.clone()).filter(|text| !text.is_empty()),
            events: self.is_chosen.then(|| self.events()),
        }
    }

    /// What is ticked or named, for people.
    pub(super) fn chosen(&self) -> String {
        let events = self.events();
        if events.is_empty() { "none".to_owned() } else { events.join(", ") }
    }

    fn events(&self) -> Vec<String> {
        self.nouns.iter().cloned().chain(self.more.split_whitespace().map(str::to_owned)).collect()
    }

    /// What a use case says of these: it tells events by their place, and people by their names.
    pub(super) fn named(&self, error: ChangeError) -> ChangeError {
        let ChangeError::Invalid { pointer, detail } = error else { return error };
        let place = pointer.strip_prefix("/events/").and_then(|place| place.parse::<usize>().ok());
        match place.and_then(|place| self.events().into_iter().nth(place)) {
            Some(event) => ChangeError::invalid(pointer, format!("“{event}”: {detail}")),
            None => ChangeError::Invalid { pointer, detail },
        }
    }

    /// All nouns that there are, with those ticked that are in here.
    pub(super) fn areas(&self) -> Vec<Area> {
        let mut nouns = BTreeMap::<&str, (Family, Vec<&str>)>::new();
        for action in Action::ALL {
            let noun = action.as_str().split('.').next().unwrap_or_default();
            nouns.entry(noun).or_insert((action.family(), Vec::new())).1.push(action.as_str());
        }
        let areas = AREAS.into_iter().map(|(name, families)| {
            let within = nouns.iter().filter(|(_, (family, _))| families.contains(family));
            let nouns = within.map(|(noun, (_, events))| {
                let value = format!("{noun}.*");
                Noun {
                    is_ticked: self.nouns.contains(&value),
                    label: words(noun),
                    events: events.join(", "),
                    value,
                }
            });
            Area { name, nouns: nouns.collect() }
        });
        areas.collect()
    }
}

/// What a webhook was when its form was made, as the form keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) url: String,
    pub(super) description: String,
    /// Empty: all.
    pub(super) events: String,
}

impl Base {
    pub(super) fn of(webhook: &Webhook) -> Self {
        let WebhookTerms { url, description, events } = &webhook.terms;
        Self {
            url: url.clone(),
            // Of a text, what a form brings is without the space around it.
            description: description.as_deref().unwrap_or_default().trim().to_owned(),
            events: events.as_deref().unwrap_or_default().join(" "),
        }
    }

    pub(super) fn brought(form: &Form) -> Self {
        Self {
            url: form.text("base_url").to_owned(),
            description: form.text("base_description").to_owned(),
            events: form.text("base_events").to_owned(),
        }
    }

    /// What is otherwise now.
    pub(super) fn changes(&self, now: &Self) -> Vec<(&'static str, String)> {
        let said = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
        let all = [
            ("Its address is now", &self.url, &now.url, ""),
            ("It is described now", &self.description, &now.description, "by nothing"),
            ("It is told of now", &self.events, &now.events, "everything"),
        ];
        let changed = all.into_iter().filter(|(_, before, now, _)| before != now);
        changed.map(|(what, _, now, none)| (what, said(now, none))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_in_one_area_of_the_form() {
        let areas = Typed::default().areas();

        let nouns: Vec<_> = areas.iter().flat_map(|area| &area.nouns).collect();
        let events: usize = nouns.iter().map(|noun| noun.events.split(", ").count()).sum();
        assert_eq!(events, Action::ALL.len());
        assert!(areas.iter().all(|area| !area.nouns.is_empty()));
    }

    #[test]
    fn an_event_that_there_is_not_is_named() {
        let typed =
            Typed { nouns: ["user.*".to_owned()].into(), more: "user.flew".to_owned(), ..Typed::default() };

        let error = typed.named(ChangeError::invalid("/events/1", "there is no such event"));

        assert_eq!(error.to_string(), "“user.flew”: there is no such event");
    }
}
