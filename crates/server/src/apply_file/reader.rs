//! Reading values: parsed, filled in where variables are allowed, and everything wrong collected.

use std::fmt::Display;
use std::sync::Arc;

use orgate_flows::apply::{Place, Placed, Problems, Secret};
use serde_saphyr::{Location, Spanned};

use super::Variables;
use super::format::Text;

/// Reads one file's values. A value with a problem is `None`, and reading goes on.
pub(super) struct Reader<'a> {
    pub(super) file: Arc<str>,
    pub(super) variables: Variables<'a>,
    pub(super) problems: Problems,
}

impl Reader<'_> {
    /// Notes what is wrong at `at`.
    pub(super) fn refuse<T>(&mut self, at: &Location, text: impl Into<String>) -> Option<T> {
        self.problems.add(&self.place(at), text);
        None
    }

    pub(super) fn place(&self, at: &Location) -> Place {
        Place { file: Arc::clone(&self.file), line: at.line(), column: at.column() }
    }

    /// Parses text that stands for itself, but that `$${` stands for `${` here too.
    pub(super) fn plain<T, E: Display>(
        &mut self,
        key: &str,
        text: &Text,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        // What is left must not run together: `$$${{` is `$${{`.
        if text.value.replace("$${", "\n").contains("${") {
            return self.refuse(
                &text.referenced,
                format!(
                    "{key}: variables are filled in only in secrets and in addresses of clients and webhooks"
                ),
            );
        }
        match parse(&text.value.replace("$${", "${")) {
            Ok(value) => Some(value),
            Err(error) => self.refuse(&text.referenced, format!("{key} {:?}: {error}", text.value)),
        }
    }

    /// Like [`Reader::plain`], with its place.
    pub(super) fn placed<T, E: Display>(
        &mut self,
        key: &str,
        text: &Text,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Placed<T>> {
        let value = self.plain(key, text, parse)?;
        Some(Placed { value, place: self.place(&text.referenced) })
    }

    /// Parses text after its variables were filled in. A problem shows it as it is written, not
    /// what the variables hold.
    pub(super) fn filled<T, E: Display>(
        &mut self,
        key: &str,
        text: &Text,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let filled = self.fill(key, text)?;
        match parse(&filled) {
            Ok(value) => Some(value),
            Err(error) => self.refuse(&text.referenced, format!("{key} {:?}: {error}", text.value)),
        }
    }

    /// Reads a secret, which no problem shows.
    pub(super) fn secret(
        &mut self,
        key: &str,
        text: &Text,
        check: impl FnOnce(&str) -> Result<(), String>,
    ) -> Option<Secret> {
        let secret = Secret::new(self.fill(key, text)?);
        match check(secret.reveal()) {
            Ok(()) => Some(secret),
            Err(error) => self.refuse(&text.referenced, format!("{key}: {error}")),
        }
    }

    /// Reads one of a few words.
    pub(super) fn choice<T: Copy>(&mut self, key: &str, text: &Text, allowed: &[(&str, T)]) -> Option<T> {
        let found = allowed.iter().find(|(word, _)| *word == text.value);
        if let Some((_, value)) = found {
            return Some(*value);
        }
        let words: Vec<_> = allowed.iter().map(|(word, _)| *word).collect();
        self.refuse(&text.referenced, format!("{key} {:?}: one of {}", text.value, words.join(", ")))
    }

    /// Reads a whole number within limits.
    pub(super) fn number(
        &mut self,
        key: &str,
        number: &Spanned<i64>,
        (least, most): (i64, i64),
    ) -> Option<i64> {
        if (least..=most).contains(&number.value) {
            return Some(number.value);
        }
        self.refuse(&number.referenced, format!("{key} {}: from {least} to {most}", number.value))
    }

    /// Reads what may be left out: `Some(None)` if it was.
    #[expect(clippy::option_option, reason = "left out and refused are different things")]
    pub(super) fn optional<V, T>(
        &mut self,
        value: Option<V>,
        read: impl FnOnce(&mut Self, V) -> Option<T>,
    ) -> Option<Option<T>> {
        value.map_or(Some(None), |value| read(self, value).map(Some))
    }

    /// Reads every element, also after one with a problem.
    pub(super) fn each<V, T, C: FromIterator<T>>(
        &mut self,
        values: &[V],
        mut read: impl FnMut(&mut Self, &V) -> Option<T>,
    ) -> Option<C> {
        let values: Vec<_> = values.iter().map(|value| read(self, value)).collect();
        values.into_iter().collect()
    }

    fn fill(&mut self, key: &str, text: &Text) -> Option<String> {
        self.fill_at(key, &text.referenced, &text.value)
    }

    /// Fills variables in, in a text that stands at `at`.
    pub(super) fn fill_at(&mut self, key: &str, at: &Location, text: &str) -> Option<String> {
        match fill(text, self.variables) {
            Ok(filled) => Some(filled),
            Err(error) => self.refuse(at, format!("{key}: {error}")),
        }
    }
}

/// Puts the values of variables for each `${NAME}`; `$${` stands for `${`. A value is put in as it
/// is, whatever it holds.
fn fill(text: &str, variables: Variables<'_>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            filled.push_str(before);
            filled.push_str("${");
            rest = after;
            continue;
        }
        let (name, after) = after
            .split_once('}')
            .ok_or("`${` has no `}` after it; `$${` stands for the characters themselves")?;
        let first = |b: u8| b.is_ascii_alphabetic() || b == b'_';
        if !name.bytes().next().is_some_and(first) || !name.bytes().all(|b| first(b) || b.is_ascii_digit()) {
            return Err("`${…}` holds a variable's name: letters, digits and `_`".to_owned());
        }
        filled.push_str(before);
        filled.push_str(&variables(name).ok_or_else(|| format!("the variable {name} is not set"))?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_once_and_can_be_escaped() {
        let variables = |name: &str| match name {
            "A" => Some("1".to_owned()),
            "B_2" => Some("${A}".to_owned()),
            _ => None,
        };
        let fill = |text| fill(text, &variables);

        assert_eq!(fill("x${A}y${B_2}$z").as_deref(), Ok("x1y${A}$z"));
        assert_eq!(fill("$${A} $A {A}").as_deref(), Ok("${A} $A {A}"));
        assert_eq!(fill("${C}"), Err("the variable C is not set".to_owned()));
        for bad in ["${", "${A", "${}", "${A-b}", "${2}", "${ A }"] {
            assert!(fill(bad).is_err(), "{bad}");
        }
    }
}
