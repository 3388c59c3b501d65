//! Users as a table: one line a user, under names of columns.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use csv::{Reader, ReaderBuilder, StringRecord, Trim};
use orgate_domain::names::Slug;
use orgate_flows::import::{ImportedUser, Row};
use orgate_flows::passwords::ForeignHash;

use super::{Listening, Person, ReadError, Said, Source, file_name, shortened};

/// What a column begins with that is kept about users for claims.
const ATTRIBUTE: &str = "attributes.";

/// The columns, but those of attributes.
const COLUMNS: [&str; 8] =
    ["email", "name", "organization", "roles", "groups", "status", "email_verified", "password_hash"];

/// A file of users.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    /// Where users come to that the table says nothing else of.
    organization: Option<Slug>,
    columns: Columns,
}

/// Where in a line which value is.
#[derive(Debug, Default)]
struct Columns {
    known: [Option<usize>; COLUMNS.len()],
    attributes: Vec<(usize, String)>,
}

impl Table {
    /// Opens a file, and looks at its first line.
    ///
    /// # Errors
    /// [`ReadError`]: also of a column that means nothing, or is missing.
    pub fn open(path: &Path, organization: Option<Slug>) -> Result<Self, ReadError> {
        let mut reader = reader(path)?;
        let header = reader.headers().map_err(|error| ReadError::malformed(path, told(&error)))?;
        let columns = Columns::read(header).map_err(|why| ReadError::malformed(path, why))?;
        if columns.known.get(2).copied().flatten().is_none() && organization.is_none() {
            let why = "there is no column `organization`: name the organization with --org";
            return Err(ReadError::malformed(path, why));
        }
        Ok(Self { path: path.to_owned(), organization, columns })
    }

    fn user(&self, record: &StringRecord) -> Result<Box<ImportedUser>, String> {
        let columns = &self.columns;
        let text = |name| columns.text(record, name);
        let disabled = match text("status") {
            None | Some("active") => false,
            Some("deactivated") => true,
            Some(other) => return Err(format!("status {:?}: one of active, deactivated", shortened(other))),
        };
        let verified = match text("email_verified") {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => return Err(format!("email_verified {:?}: one of true, false", shortened(other))),
        };
        let names = text("name").map(str::to_owned).into_iter().collect();
        let email = text("email").map(str::to_owned);
        let person = Person::read(Said { email, verified, names, disabled })?;
        let organization = match (text("organization"), &self.organization) {
            (Some(text), _) => {
                Slug::parse(text).map_err(|error| format!("organization {:?}: {error}", shortened(text)))?
            }
            (None, Some(organization)) => organization.clone(),
            (None, None) => return Err("the organization is missing".to_owned()),
        };
        let password = text("password_hash").map(ForeignHash::parse).transpose();
        let attributes = columns.attributes.iter().filter_map(|(at, name)| {
            let value = record.get(*at).filter(|value| !value.is_empty())?;
            Some((name.clone(), vec![value.to_owned()]))
        });
        Ok(Box::new(ImportedUser {
            password: password.map_err(|error| format!("password_hash: {error}"))?,
            roles: slugs("roles", text("roles"))?,
            groups: slugs("groups", text("groups"))?,
            attributes: attributes.collect(),
            ..person.in_organization(&organization)
        }))
    }
}

impl Source for Table {
    fn rows(&self, each: &mut dyn FnMut(Row) -> Listening) -> Result<(), ReadError> {
        let mut reader = reader(&self.path)?;
        let file = file_name(&self.path);
        let mut record = StringRecord::new();
        loop {
            let line = reader.position().line();
            let (line, user) = match reader.read_record(&mut record) {
                Ok(false) => return Ok(()),
                Ok(true) => (record.position().map_or(line, csv::Position::line), self.user(&record)),
                Err(error) if error.is_io_error() => {
                    let source = std::io::Error::other(error.to_string());
                    return Err(ReadError::unreadable(&self.path)(source));
                }
                Err(error) => (line, Err(told(&error))),
            };
            if each(Row { place: format!("{file}:{line}"), user }) == Listening::Over {
                return Ok(());
            }
        }
    }
}

impl Columns {
    fn read(header: &StringRecord) -> Result<Self, String> {
        let mut columns = Self::default();
        for (at, name) in header.iter().enumerate() {
            let name = name.trim_start_matches('\u{feff}');
            if let Some(attribute) = name.strip_prefix(ATTRIBUTE).filter(|attribute| !attribute.is_empty()) {
                columns.attributes.push((at, attribute.to_owned()));
                continue;
            }
            let known = COLUMNS.iter().position(|column| *column == name);
            let Some(place) = known.and_then(|place| columns.known.get_mut(place)) else {
                return Err(format!(
                    "unknown column {:?}; the columns are {} and {ATTRIBUTE}NAME",
                    shortened(name),
                    COLUMNS.join(", ")
                ));
            };
            if place.replace(at).is_some() {
                return Err(format!("the column {name} is here twice"));
            }
        }
        if columns.known.first().copied().flatten().is_none() {
            return Err("there is no column `email`".to_owned());
        }
        Ok(columns)
    }

    /// The value of a column; `None` if it is empty or there is none.
    fn text<'r>(&self, record: &'r StringRecord, name: &str) -> Option<&'r str> {
        let place = COLUMNS.iter().position(|column| *column == name)?;
        let at = self.known.get(place).copied().flatten()?;
        record.get(at).filter(|text| !text.is_empty())
    }
}

/// Slugs, with spaces, commas or semicolons between them.
fn slugs(column: &str, text: Option<&str>) -> Result<BTreeSet<Slug>, String> {
    let words = text.unwrap_or_default().split([' ', ',', ';']).filter(|word| !word.is_empty());
    words
        .map(|word| Slug::parse(word).map_err(|error| format!("{column} {:?}: {error}", shortened(word))))
        .collect()
}

/// A line that cannot be read, without what is on it.
fn told(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} values under {expected_len} columns")
        }
        _ => "it cannot be read".to_owned(),
    }
}

fn reader(path: &Path) -> Result<Reader<File>, ReadError> {
    let file = File::open(path).map_err(ReadError::unreadable(path))?;
    Ok(ReaderBuilder::new().trim(Trim::All).from_reader(file))
}
