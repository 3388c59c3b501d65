//! What holds the files of messages together, and the pages with them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::*;

/// By message, and by `message.attribute`: the names of its variables.
type Messages = BTreeMap<String, BTreeSet<String>>;

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(text.len());
    &text[..end]
}

/// What a file has, by its lines: a message begins at the margin, an attribute with a point.
fn messages(language: Language) -> Messages {
    let mut found = Messages::new();
    let (mut message, mut place) = (String::new(), String::new());
    for line in language.file().lines().filter(|line| !line.starts_with('#')) {
        let name = word(line);
        if !name.is_empty() {
            name.clone_into(&mut message);
            name.clone_into(&mut place);
            assert!(found.insert(place.clone(), BTreeSet::new()).is_none(), "{place} is there twice");
        } else if let Some(attribute) = line.trim_start().strip_prefix('.') {
            place = format!("{message}.{}", word(attribute));
            found.insert(place.clone(), BTreeSet::new());
        }
        let variables = line.split('$').skip(1).map(|rest| word(rest).to_owned());
        if let Some(known) = found.get_mut(&place) {
            known.extend(variables);
        }
    }
    found
}

/// Everything of this crate that can say a message: sources and templates.
fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if !path.ends_with("language/messages/tests.rs") {
                let text = std::fs::read_to_string(&path).expect("text");
                found.push((path, text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("src"), &mut found);
    walk(&root.join("templates"), &mut found);
    found
}

/// What is said: by which call, which message, and with which variables, where the call lists them.
fn said(text: &str) -> Vec<(&str, &str, BTreeSet<String>)> {
    let mut found = Vec::new();
    for call in ["say(", "say_with(", "count(", "marked(", "Message("] {
        for (at, _) in text.match_indices(call) {
            let rest = text[at + call.len()..].trim_start();
            let Some((id, rest)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) else {
                continue;
            };
            let list = rest.split_once(']').map_or("", |(list, _)| list);
            let named = match call {
                "count(" => BTreeSet::from(["count".to_owned()]),
                "say_with(" | "marked(" => {
                    let names = list.match_indices("(\"").filter(|(at, _)| !list[..*at].ends_with("say"));
                    names.map(|(at, _)| word(&list[at + 2..]).to_owned()).collect()
                }
                _ => BTreeSet::new(),
            };
            found.push((call, id, named));
        }
    }
    found
}

#[test]
fn every_language_has_the_same_messages_with_the_same_variables() {
    let english = messages(Language::En);
    assert!(english.len() > 300, "{}", english.len());

    for language in Language::ALL {
        let resource = FluentResource::try_new(language.file().to_owned());
        assert!(resource.is_ok(), "{language:?}: {:?}", resource.err().map(|(_, errors)| errors));
        assert_eq!(messages(language), english, "{language:?}");
        for place in english.keys() {
            let (id, attribute) =
                place.split_once('.').map_or((place.as_str(), None), |(id, more)| (id, Some(more)));
            let found = language.bundle().get_message(id).expect("a message");
            assert!(
                attribute.is_none_or(|name| found.get_attribute(name).is_some()),
                "{language:?}: {place}"
            );
        }
    }
}

#[test]
fn every_message_that_is_said_exists_and_every_one_is_said() {
    let english = messages(Language::En);
    let sources = sources();
    let mut used = BTreeSet::new();

    for (path, text) in &sources {
        for (call, id, named) in said(text) {
            let Some(variables) = english.get(id) else {
                panic!("{}: there is no message {id}", path.display())
            };
            used.insert(id.to_owned());
            match call {
                // What is put into these is said elsewhere.
                "Message(" => {}
                _ => assert_eq!(&named, variables, "{}: {call} {id}", path.display()),
            }
        }
    }

    let unused: Vec<_> = english.keys().filter(|id| !id.contains('.') && !used.contains(*id)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn what_went_wrong_is_said_with_what_happened_and_what_can_be_done() {
    let english = messages(Language::En);

    let problems: Vec<_> = english
        .keys()
        .filter(|id| id.starts_with("problem-") && !id.contains('.') && *id != "problem-sso-choose")
        .collect();

    assert!(problems.len() > 30);
    for id in problems {
        assert!(english.contains_key(&format!("{id}.happened")), "{id}");
        assert!(english.contains_key(&format!("{id}.next")), "{id}");
    }
}

#[test]
fn messages_hold_no_markup_and_no_character_that_stands_for_a_part() {
    for language in Language::ALL {
        for line in language.file().lines().filter(|line| !line.starts_with('#')) {
            let markup = line.contains(['<', '>', '&']) && !line.ends_with("->");
            assert!(!markup, "{language:?}: {line}");
            assert!(!line.chars().any(|c| (0xE000..=0xF8FF).contains(&u32::from(c))), "{language:?}: {line}");
        }
    }
}

#[test]
fn french_breaks_no_line_before_its_punctuation() {
    for line in Language::Fr.file().lines().filter(|line| !line.starts_with('#')) {
        for breaking in [" ?", " !", " :", " ;", " »", "« "] {
            assert!(!line.contains(breaking), "{line}");
        }
        assert!(!line.contains('\''), "{line}");
    }
}

#[test]
fn what_is_put_into_a_sentence_is_neither_read_as_a_message_nor_as_markup() {
    let hostile = "{ $org } <script>\u{E000}\u{E001}</script> { sign-in } &amp;";

    let plain = Language::De.say_with("sign-in-headline", &[("org", hostile)]);
    let marked = Language::De.marked("sign-in-headline", &[Part::bdi("org", hostile)]);

    assert_eq!(plain, format!("Bei {hostile} anmelden"));
    let escaped = "{ $org } &#60;script&#62;\u{E000}\u{E001}&#60;/script&#62; { sign-in } &#38;amp;";
    assert_eq!(marked.to_string(), format!("Bei <bdi>{escaped}</bdi> anmelden"));
}

#[test]
fn parts_are_in_the_order_of_the_language() {
    let parts = || [Part::bdi("address", "a@acme.test"), Part::strong("client", "Notes")];

    let said = Language::Es.marked("discover-several-lead", &parts()).to_string();

    let expected = "<bdi>a@acme.test</bdi> puede ser de cualquiera de estas, para continuar en \
                    <strong><bdi>Notes</bdi></strong>";
    assert_eq!(said, expected);
}

#[test]
fn a_sentence_of_one_s_own_organization_is_chosen_by_what_is_known() {
    let said = |known: &str| {
        let with = [("known", known), ("org", "Acme"), ("provider", "Okta")];
        Language::De.say_more((Message("problem-sso-user"), "next"), &with)
    };

    assert!(said("yes").contains("an die Administratoren von Acme: Sie"), "{}", said("yes"));
    assert!(said("no").contains("an die Administratoren Ihrer Organisation: Sie"), "{}", said("no"));
}
