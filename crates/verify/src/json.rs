//! Strict JSON: whatever two parsers could read differently is refused.
//!
//! **Invariant:** no object in a parsed document, however deep, names a member twice (RFC 8725 §2.4 and RFC 7515
//! §4 leave the choice of the winner to the parser, and an attacker to the choice).

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// The year 9999: later times are mistakes or attacks, and sums with any earlier one cannot overflow.
const MAX_NUMERIC_DATE: u64 = 253_402_300_799;

/// A JSON object whose members are taken out one by one, each in the one shape that is understood.
#[derive(Clone)]
pub(crate) struct Object(Map<String, Value>);

/// A member is present but not of the shape that its name calls for; `null` is no exception.
pub(crate) struct WrongShape(pub(crate) &'static str);

type Taken<T> = Result<Option<T>, WrongShape>;

impl Object {
    /// Parses one object, with no duplicate member in it or below it and nothing after it.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice::<UniqueMembers>(bytes)?;
        serde_json::from_slice(bytes).map(Self)
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// A string that is not empty.
    pub(crate) fn take_string(&mut self, name: &'static str) -> Taken<String> {
        self.take(name).map(|value| string(value).ok_or(WrongShape(name))).transpose()
    }

    /// An array of strings, none of them empty.
    pub(crate) fn take_strings(&mut self, name: &'static str) -> Taken<Vec<String>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let Value::Array(items) = value else { return Err(WrongShape(name)) };
        items.into_iter().map(string).collect::<Option<_>>().map(Some).ok_or(WrongShape(name))
    }

    /// A string or an array of strings, none of them empty.
    pub(crate) fn take_one_or_more(&mut self, name: &'static str) -> Taken<Vec<String>> {
        match self.0.get(name) {
            Some(Value::String(_)) => self.take_string(name).map(|one| one.map(|one| vec![one])),
            _ => self.take_strings(name),
        }
    }

    pub(crate) fn take_object(&mut self, name: &'static str) -> Taken<Map<String, Value>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(WrongShape(name)),
        }
    }

    /// A time in whole seconds since the epoch, between 1970 and 9999 (`NumericDate`, RFC 7519 §2, which would
    /// also allow fractions).
    pub(crate) fn take_numeric_date(&mut self, name: &'static str) -> Taken<u64> {
        let Some(value) = self.take(name) else { return Ok(None) };
        value.as_u64().filter(|time| *time <= MAX_NUMERIC_DATE).map(Some).ok_or(WrongShape(name))
    }

    /// The members that nobody took.
    pub(crate) fn into_rest(self) -> Map<String, Value> {
        self.0
    }
}

impl From<Map<String, Value>> for Object {
    fn from(members: Map<String, Value>) -> Self {
        Self(members)
    }
}

fn string(value: Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// Walks a document for duplicate members and keeps nothing of it.
///
/// A pass of its own, rather than a `Value` built by hand, because the way `serde_json` hands over numbers changes
/// with a feature that any other crate in the build may switch on.
struct UniqueMembers;

impl<'de> Deserialize<'de> for UniqueMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = UniqueMembers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate members")
    }

    fn visit_bool<E>(self, _: bool) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }

    fn visit_f64<E>(self, _: f64) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }

    fn visit_i64<E>(self, _: i64) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UniqueMembers, A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name) {
                return Err(A::Error::custom("duplicate member"));
            }
            map.next_value::<UniqueMembers>()?;
        }
        Ok(UniqueMembers)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<UniqueMembers, A::Error> {
        while seq.next_element::<UniqueMembers>()?.is_some() {}
        Ok(UniqueMembers)
    }

    fn visit_str<E>(self, _: &str) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }

    fn visit_u64<E>(self, _: u64) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }

    fn visit_unit<E>(self) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn duplicate_members_are_refused_at_every_depth_and_in_every_spelling() {
        for duplicate in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"x":{"a":1,"b":2,"a":1}}"#,
            r#"{"x":[[{"a":null,"a":null}]]}"#,
        ] {
            assert!(Object::parse(duplicate.as_bytes()).is_err(), "{duplicate}");
        }
        assert!(Object::parse(br#"{"a":{"a":[{"a":-1.5},{"a":true}]},"b":"a"}"#).is_ok());
    }

    #[test]
    fn only_one_bounded_object_is_a_document() {
        let deep = format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
        for bad in ["", "[]", "1", "null", "{} {}", "{}x", r#"{"a":1e400}"#, r#"{"a":1,}"#, "{'a':1}", &deep]
        {
            assert!(Object::parse(bad.as_bytes()).is_err(), "{bad:.40}");
        }
        assert!(Object::parse(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn a_time_is_a_whole_number_of_seconds_within_reach() {
        let time = |text: &str| {
            Object::parse(format!("{{\"exp\":{text}}}").as_bytes()).ok()?.take_numeric_date("exp").ok()?
        };
        assert_eq!(time("0"), Some(0));
        assert_eq!(time("253402300799"), Some(MAX_NUMERIC_DATE));
        for bad in [
            "253402300800",
            "18446744073709551615",
            "18446744073709551616",
            "-1",
            "1.5",
            "1e9",
            "\"1\"",
            "null",
        ] {
            assert_eq!(time(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Object::parse(&bytes);
        }
    }
}
