//! Who is to be invited, as a CSV file says it (RFC 4180): a header row, then one row for each.
//!
//! **Invariant:** bounded in rows, and each row by itself: one that cannot be read is a fault of its own, and the others are
//! not worse for it.

use std::collections::HashMap;

use chrono::Duration;
use csv::{ReaderBuilder, StringRecord, Trim};
use orgate_domain::email::Email;
use orgate_domain::invitations::DEFAULT_LIFETIME;
use orgate_domain::names::{DisplayName, Slug};

use super::make::{Fault, FaultKind, WantedInvitation};

/// Rows of a file at most.
pub const MAX_ROWS: usize = 10_000;

/// Bytes of a file at most.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The columns that there are; the first is needed.
pub const COLUMNS: [&str; 7] =
    ["email", "name", "roles", "groups", "locale", "client_id", "expires_in_hours"];

/// A row: who is to be invited, or why that cannot be read.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its number: the first one after the header is 1.
    pub number: usize,
    /// What it says.
    pub wanted: Result<WantedInvitation, Fault>,
}

/// A file of which no row can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// There are too many rows.
    #[error("a file has up to {MAX_ROWS} rows; split it")]
    TooLong,
    /// The first row does not name the columns.
    #[error("the first row names the columns: email, and of {} any", COLUMNS[1..].join(", "))]
    Header,
    /// A column is named that there is not, or twice.
    #[error("there is no column {name:?} here, or it is there twice; there are {}", COLUMNS.join(", "))]
    Column {
        /// Its name.
        name: String,
    },
}

/// Reads a file. A byte order mark is skipped; several roles or groups are separated by spaces or semicolons.
///
/// # Errors
/// [`FileFault`].
pub fn read(file: &[u8]) -> Result<Vec<Row>, FileFault> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut reader = ReaderBuilder::new().trim(Trim::All).flexible(true).from_reader(file);
    let headers = reader.headers().map_err(|_| FileFault::Header)?.clone();
    let mut columns = HashMap::new();
    for (place, name) in headers.iter().enumerate() {
        let name = name.to_lowercase();
        let known = COLUMNS.into_iter().find(|known| *known == name);
        let known = known.ok_or_else(|| FileFault::Column { name: name.chars().take(40).collect() })?;
        if columns.insert(known, place).is_some() {
            return Err(FileFault::Column { name });
        }
    }
    if !columns.contains_key("email") {
        return Err(FileFault::Header);
    }
    let mut rows: Vec<Row> = Vec::new();
    let mut first = HashMap::new();
    for (number, record) in (1..).zip(reader.records()) {
        if number > MAX_ROWS {
            return Err(FileFault::TooLong);
        }
        let wanted = match record {
            Ok(record) if record.len() == headers.len() => {
                Columns { columns: &columns, record: &record }.wanted()
            }
            Ok(record) => {
                let detail = format!("it has {} fields, and the header {}", record.len(), headers.len());
                Err(Fault::invalid("", detail))
            }
            Err(_) => Err(Fault::invalid("", "it is not UTF-8, or its quotes do not match")),
        };
        let wanted = wanted.and_then(|wanted| {
            let before = *first.entry(wanted.email.normalized().to_owned()).or_insert(number);
            let again =
                || Fault::new(FaultKind::Invalid, "email", format!("the address is in row {before} already"));
            if before == number { Ok(wanted) } else { Err(again()) }
        });
        rows.push(Row { number, wanted });
    }
    Ok(rows)
}

/// A record, by the names of its columns.
struct Columns<'a> {
    columns: &'a HashMap<&'static str, usize>,
    record: &'a StringRecord,
}

impl Columns<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let place = self.columns.get(name)?;
        self.record.get(*place).filter(|text| !text.is_empty())
    }

    fn slugs(&self, field: &'static str) -> Result<Vec<Slug>, Fault> {
        let texts = self.get(field).unwrap_or_default().split([' ', ';']).filter(|text| !text.is_empty());
        texts
            .map(|text| Slug::parse(text).map_err(|error| Fault::invalid(field, error.to_string())))
            .collect()
    }

    fn wanted(&self) -> Result<WantedInvitation, Fault> {
        let email = self.get("email").ok_or_else(|| Fault::invalid("email", "there is none"))?;
        let email = Email::parse(email)
            .map_err(|error| Fault::invalid("email", format!("{error}, like name@example.com")))?;
        let name = self.get("name").map(DisplayName::parse).transpose();
        let name = name.map_err(|error| Fault::invalid("name", error.to_string()))?;
        let hours = self.get("expires_in_hours").map(str::parse::<u32>).transpose();
        let hours = hours.map_err(|_| Fault::invalid("expires_in_hours", "a number of hours"))?;
        Ok(WantedInvitation {
            email,
            name,
            locale: self.get("locale").map(str::to_owned),
            client_id: self.get("client_id").map(str::to_owned),
            roles: self.slugs("roles")?,
            groups: self.slugs("groups")?,
            lifetime: hours.map_or(DEFAULT_LIFETIME, |hours| Duration::hours(hours.into())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(file: &str) -> Vec<(usize, String)> {
        let rows = read(file.as_bytes()).expect("a file").into_iter();
        rows.filter_map(|row| Some((row.number, row.wanted.err()?.field))).collect()
    }

    #[test]
    fn a_row_that_cannot_be_read_is_a_fault_of_its_own() {
        let file = "\u{feff}email, name, Roles\r\n\
                    ada@acme.test,\"Ada, Countess\", editor viewer\r\n\
                    nobody,,\r\n\
                    ADA@acme.test,,\r\n\
                    two@acme.test,one\r\n\
                    bob@acme.test,,No_Slug\r\n\
                    eve@acme.test,,a;b\r\n";

        let rows = read(file.as_bytes()).expect("a file");

        let ada = rows[0].wanted.as_ref().expect("right");
        assert_eq!(ada.name.as_ref().map(DisplayName::as_str), Some("Ada, Countess"));
        assert_eq!(ada.roles.iter().map(Slug::as_str).collect::<Vec<_>>(), ["editor", "viewer"]);
        assert_eq!(rows[5].wanted.as_ref().expect("right").roles.len(), 2);
        let of = |number, field: &str| (number, field.to_owned());
        assert_eq!(faults(file), [of(2, "email"), of(3, "email"), of(4, ""), of(5, "roles")]);
    }

    #[test]
    fn a_file_says_what_its_columns_are() {
        let fault = |file: &str| read(file.as_bytes()).err();

        assert_eq!(fault(""), Some(FileFault::Header));
        assert_eq!(fault("name\nAda"), Some(FileFault::Header));
        assert_eq!(fault("email,admin\na@b.test,x"), Some(FileFault::Column { name: "admin".to_owned() }));
        assert_eq!(fault("email,email\na@b.test,x"), Some(FileFault::Column { name: "email".to_owned() }));
        assert_eq!(fault(&format!("email\n{}", "x\n".repeat(MAX_ROWS + 1))), Some(FileFault::TooLong));
        assert!(read(b"email\n\xff\xfe\n").expect("a file")[0].wanted.is_err());
    }
}
