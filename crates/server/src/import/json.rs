//! JSON of any length: the elements of one list of a document, one by one.

use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use super::{Listening, ReadError};

/// Bytes of one line of a file of lines, at most.
const LONGEST_LINE: u64 = 4 * 1024 * 1024;

/// Reads a whole file as one value.
pub(super) fn whole<T: DeserializeOwned>(path: &Path) -> Result<T, ReadError> {
    let file = File::open(path).map_err(ReadError::unreadable(path))?;
    serde_json::from_reader(BufReader::new(file)).map_err(|error| ReadError::malformed(path, told(&error)))
}

/// What is done with an element: its number in the list, from 1, and itself, or why it is not one.
pub(super) type Each<'a, T> = dyn FnMut(usize, Result<T, String>) -> Listening + 'a;

/// Reads a list, or one value a line (NDJSON), whichever the file holds.
pub(super) fn list_or_lines<T: DeserializeOwned>(
    path: &Path,
    each: &mut Each<'_, T>,
) -> Result<(), ReadError> {
    let file = File::open(path).map_err(ReadError::unreadable(path))?;
    let mut reader = BufReader::new(file);
    let first = loop {
        let buffer = reader.fill_buf().map_err(ReadError::unreadable(path))?;
        let Some(first) = buffer.first().copied() else { return Ok(()) };
        // A byte order mark is no part of the text.
        if first.is_ascii_whitespace() || [0xEF, 0xBB, 0xBF].contains(&first) {
            reader.consume(1);
        } else {
            break first;
        }
    };
    if first == b'[' { list(path, reader, each) } else { lines(path, reader, each) }
}

fn list<T: DeserializeOwned>(
    path: &Path,
    reader: impl Read,
    each: &mut Each<'_, T>,
) -> Result<(), ReadError> {
    let mut json = serde_json::Deserializer::from_reader(reader);
    let elements = Elements { each };
    match elements.deserialize(&mut json) {
        Ok(()) => Ok(()),
        Err(error) if error.to_string().starts_with(STOPPED) => Ok(()),
        Err(error) => Err(ReadError::malformed(path, told(&error))),
    }
}

fn lines<T: DeserializeOwned>(
    path: &Path,
    mut reader: BufReader<File>,
    each: &mut Each<'_, T>,
) -> Result<(), ReadError> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line);
        if read.map_err(ReadError::unreadable(path))? == 0 {
            break;
        }
        if !line.ends_with(b"\n") && line.len() as u64 >= LONGEST_LINE {
            return Err(ReadError::malformed(path, format!("line {number} is too long")));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let value = serde_json::from_slice(&line).map_err(|error| told(&error));
        if each(number, value) == Listening::Over {
            break;
        }
    }
    Ok(())
}

/// Reads the list under one key of an object, and passes over everything else.
pub(super) fn list_under<T: DeserializeOwned>(
    path: &Path,
    key: &'static str,
    each: &mut Each<'_, T>,
) -> Result<(), ReadError> {
    let file = File::open(path).map_err(ReadError::unreadable(path))?;
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(file));
    match (Under { key, each }).deserialize(&mut json) {
        Ok(()) => Ok(()),
        Err(error) if error.to_string().starts_with(STOPPED) => Ok(()),
        Err(error) => Err(ReadError::malformed(path, told(&error))),
    }
}

/// How a visitor says that nobody listens any more.
const STOPPED: &str = "nobody listens";

/// What is wrong, without the values, which may be secrets.
fn told(error: &serde_json::Error) -> String {
    let place = match (error.line(), error.column()) {
        (0, _) => String::new(),
        (line, column) => format!(" (line {line}, column {column})"),
    };
    match error.classify() {
        Category::Data => format!("a value in it is not of the kind that belongs there{place}"),
        Category::Eof => format!("it ends too early{place}"),
        Category::Io => "it cannot be read".to_owned(),
        Category::Syntax => format!("it is not JSON{place}"),
    }
}

struct Elements<'e, 'a, T> {
    each: &'e mut Each<'a, T>,
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Elements<'_, '_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Elements<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut number = 0;
        // As any JSON first, so that one element of another shape is told, and the others are read.
        while let Some(element) = list.next_element::<serde_json::Value>()? {
            number += 1;
            let value = serde_json::from_value(element).map_err(|error| told(&error));
            if (self.each)(number, value) == Listening::Over {
                return Err(serde::de::Error::custom(STOPPED));
            }
        }
        Ok(())
    }
}

struct Under<'e, 'a, T> {
    key: &'static str,
    each: &'e mut Each<'a, T>,
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Under<'_, '_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Under<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(key) = members.next_key::<String>()? {
            if key == self.key {
                members.next_value_seed(Elements { each: &mut *self.each })?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}
