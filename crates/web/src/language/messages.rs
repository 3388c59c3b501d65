//! What pages say: the messages of `locales`.
//!
//! **Invariant:** a message holds no markup, and what is put into one is never read as one, nor as markup.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::sync::LazyLock;

use askama::filters::{Escaper as _, Html, HtmlSafe};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

use super::Language;
use crate::moment::Moment;

type Bundle = FluentBundle<FluentResource>;

static DE: LazyLock<Bundle> = LazyLock::new(|| Language::De.read());
static EN: LazyLock<Bundle> = LazyLock::new(|| Language::En.read());
static ES: LazyLock<Bundle> = LazyLock::new(|| Language::Es.read());
static FR: LazyLock<Bundle> = LazyLock::new(|| Language::Fr.read());

/// The name of a message. A test holds that all there are exist, in every language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message(pub(crate) &'static str);

impl From<&'static str> for Message {
    fn from(id: &'static str) -> Self {
        Self(id)
    }
}

/// What is put into a sentence, and the elements around it.
pub(crate) struct Part<'a> {
    name: &'a str,
    text: &'a str,
    opening: Cow<'static, str>,
    closing: &'static str,
}

impl<'a> Part<'a> {
    /// Text from elsewhere, which may run the other way.
    pub(crate) const fn bdi(name: &'a str, text: &'a str) -> Self {
        Self { name, text, opening: Cow::Borrowed("<bdi>"), closing: "</bdi>" }
    }

    /// The same, and what the sentence is about.
    pub(crate) const fn strong(name: &'a str, text: &'a str) -> Self {
        Self { name, text, opening: Cow::Borrowed("<strong><bdi>"), closing: "</bdi></strong>" }
    }

    /// Words of ours, with emphasis.
    pub(crate) const fn em(name: &'a str, text: &'a str) -> Self {
        Self { name, text, opening: Cow::Borrowed("<em>"), closing: "</em>" }
    }

    /// How long ago something was, and when.
    pub(crate) fn time(name: &'a str, at: &'a Moment) -> Self {
        let mut opening = "<time datetime=\"".to_owned();
        // Nothing fails that writes into a string.
        let _ = Html.write_escaped_str(&mut opening, &at.stamp);
        opening.push_str("\" title=\"");
        let _ = Html.write_escaped_str(&mut opening, &at.exact);
        opening.push_str("\">");
        Self { name, text: &at.ago, opening: Cow::Owned(opening), closing: "</time>" }
    }
}

/// A sentence with elements in it: all else is escaped.
pub(crate) struct Markup(String);

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Markup {}

impl Language {
    const fn file(self) -> &'static str {
        match self {
            Self::De => include_str!("../../locales/de.ftl"),
            Self::En => include_str!("../../locales/en.ftl"),
            Self::Es => include_str!("../../locales/es.ftl"),
            Self::Fr => include_str!("../../locales/fr.ftl"),
        }
    }

    fn read(self) -> Bundle {
        let resource =
            FluentResource::try_new(self.file().to_owned()).unwrap_or_else(|(readable, errors)| {
                tracing::error!(?errors, "messages cannot be read"); // a test holds that it does not happen
                readable
            });
        let mut bundle = Bundle::new_concurrent(vec![self.tag().parse().unwrap_or_default()]);
        // Pages isolate what comes from elsewhere with elements; in titles and attributes, marks would be in the way.
        bundle.set_use_isolating(false);
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(?errors, "a message is there twice");
        }
        bundle
    }

    fn bundle(self) -> &'static Bundle {
        match self {
            Self::De => &DE,
            Self::En => &EN,
            Self::Es => &ES,
            Self::Fr => &FR,
        }
    }

    /// A sentence.
    pub(crate) fn say(self, message: impl Into<Message>) -> String {
        self.say_with(message, &[])
    }

    /// A sentence with these in it, as they are.
    pub(crate) fn say_with(self, message: impl Into<Message>, with: &[(&str, &str)]) -> String {
        self.say_numbers(message, &[], with)
    }

    /// A sentence that says how many: `$count`.
    pub(crate) fn count(self, message: impl Into<Message>, count: i64) -> String {
        self.say_numbers(message, &[("count", count)], &[])
    }

    /// What belongs to a message: the sentences of a page that it is the headline of.
    pub(crate) fn say_more(self, (message, more): (Message, &str), with: &[(&str, &str)]) -> String {
        self.spoken((message, Some(more)), &strings(with))
    }

    pub(super) fn say_numbers(
        self,
        message: impl Into<Message>,
        numbers: &[(&str, i64)],
        with: &[(&str, &str)],
    ) -> String {
        let mut arguments = strings(with);
        for (name, number) in numbers {
            arguments.set(*name, *number);
        }
        self.spoken((message.into(), None), &arguments)
    }

    /// A sentence with elements around what is put into it.
    pub(crate) fn marked(self, message: impl Into<Message>, parts: &[Part<'_>]) -> Markup {
        // Each part is a single character while the sentence is made, one that no message has: what a part says is never
        // looked at but to be escaped.
        let mut arguments = FluentArgs::with_capacity(parts.len());
        for (place, part) in (PLACES..).zip(parts) {
            arguments.set(part.name, char::from_u32(place).map(String::from).unwrap_or_default());
        }
        let mut html = String::new();
        for letter in self.spoken((message.into(), None), &arguments).chars() {
            // Nothing fails that writes into a string.
            let _ = match part_at(parts, letter) {
                Some(part) => html
                    .write_str(&part.opening)
                    .and_then(|()| Html.write_escaped_str(&mut html, part.text))
                    .and_then(|()| html.write_str(part.closing)),
                None => Html.write_escaped_char(&mut html, letter),
            };
        }
        Markup(html)
    }

    /// In this language, or in English: a page is never without its words.
    fn spoken(self, message: (Message, Option<&str>), arguments: &FluentArgs<'_>) -> String {
        let said = self.find(message, arguments).or_else(|| Self::En.find(message, arguments));
        debug_assert!(said.is_some(), "there is no message {message:?}");
        said.unwrap_or_default()
    }

    fn find(self, (message, more): (Message, Option<&str>), arguments: &FluentArgs<'_>) -> Option<String> {
        let found = self.bundle().get_message(message.0)?;
        let pattern = match more {
            Some(more) => found.get_attribute(more)?.value(),
            None => found.value()?,
        };
        let mut errors = Vec::new();
        let said = self.bundle().format_pattern(pattern, Some(arguments), &mut errors);
        debug_assert!(errors.is_empty(), "{message:?} in {self:?}: {errors:?}");
        Some(said.into_owned())
    }
}

/// Where Unicode leaves room for private use.
const PLACES: u32 = 0xE000;

fn part_at<'p, 'a>(parts: &'p [Part<'a>], letter: char) -> Option<&'p Part<'a>> {
    let place = u32::from(letter).checked_sub(PLACES)?;
    parts.get(usize::try_from(place).ok()?)
}

fn strings<'a>(with: &[(&'a str, &'a str)]) -> FluentArgs<'a> {
    with.iter().copied().collect()
}

#[cfg(test)]
mod tests;
