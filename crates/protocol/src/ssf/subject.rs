//! Subject identifiers (RFC 9493), and the framework's complex subjects (SSF §3).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::check_text;
use crate::oauth::RequestError;

/// Bytes of a text in an identifier.
const MAX_TEXT: usize = 512;

/// One thing, by one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    /// An address.
    Email(String),
    /// A subject of an issuer.
    IssSub {
        /// The issuer.
        iss: String,
        /// Its subject.
        sub: String,
    },
    /// Only whoever gave it out knows.
    Opaque(String),
    /// Well-formed, and nothing that Orgate names things by.
    Other,
}

/// What an event, or a receiver's wish, is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// One thing.
    Simple(Identifier),
    /// Where several meet: a user in a session, an organization.
    Complex(BTreeMap<String, Identifier>),
}

impl Identifier {
    fn parse(members: &Map<String, Value>) -> Result<Self, RequestError> {
        let text = |name: &'static str| -> Result<String, RequestError> {
            let missing = || RequestError::invalid_request(format!("subject: {name} is missing"));
            let value = members.get(name).and_then(Value::as_str).ok_or_else(missing)?;
            check_text(value, (name, MAX_TEXT))?;
            Ok(value.to_owned())
        };
        Ok(match text("format")?.as_str() {
            "email" => Self::Email(text("email")?),
            "iss_sub" => Self::IssSub { iss: text("iss")?, sub: text("sub")? },
            "opaque" => Self::Opaque(text("id")?),
            "account" | "uri" => text("uri").map(|_| Self::Other)?,
            "did" => text("url").map(|_| Self::Other)?,
            "phone_number" => text("phone_number").map(|_| Self::Other)?,
            _ => Self::Other,
        })
    }

    /// As on the wire; `None` for [`Identifier::Other`].
    pub fn to_json(&self) -> Option<Value> {
        Some(match self {
            Self::Email(email) => json!({ "format": "email", "email": email }),
            Self::IssSub { iss, sub } => json!({ "format": "iss_sub", "iss": iss, "sub": sub }),
            Self::Opaque(id) => json!({ "format": "opaque", "id": id }),
            Self::Other => return None,
        })
    }
}

impl Subject {
    /// Reads a subject.
    ///
    /// # Errors
    /// `invalid_request` for what has no format, or not what its format demands.
    pub fn parse(value: &Value) -> Result<Self, RequestError> {
        let refuse = |text| RequestError::invalid_request(text);
        let members = value.as_object().ok_or_else(|| refuse("subject is not an object"))?;
        if members.get("format").and_then(Value::as_str) != Some("complex") {
            return Identifier::parse(members).map(Self::Simple);
        }
        let mut parts = BTreeMap::new();
        for (name, value) in members.iter().filter(|(name, _)| *name != "format") {
            let part = value.as_object().ok_or_else(|| refuse("subject: a member is not an object"))?;
            parts.insert(name.clone(), Identifier::parse(part)?);
        }
        if parts.is_empty() || parts.len() > 16 {
            return Err(refuse("a complex subject has from 1 to 16 members"));
        }
        Ok(Self::Complex(parts))
    }

    /// As on the wire.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Simple(identifier) => identifier.to_json().unwrap_or_default(),
            Self::Complex(parts) => {
                let named = parts.iter().filter_map(|(name, part)| Some((name.clone(), part.to_json()?)));
                let format = [("format".to_owned(), Value::from("complex"))];
                Value::Object(format.into_iter().chain(named).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_survives_its_text_form() {
        let subject = json!({
            "format": "complex",
            "user": { "format": "iss_sub", "iss": "https://id.test", "sub": "usr_1" },
            "tenant": { "format": "opaque", "id": "org_1" },
        });

        assert_eq!(Subject::parse(&subject).unwrap().to_json(), subject);
    }

    #[test]
    fn what_its_format_demands_is_there() {
        for subject in [
            json!("usr_1"),
            json!({}),
            json!({ "format": "email" }),
            json!({ "format": "iss_sub", "iss": "https://id.test" }),
            json!({ "format": "opaque", "id": 1 }),
            json!({ "format": "complex" }),
            json!({ "format": "complex", "user": "usr_1" }),
            json!({ "format": "complex", "user": { "format": "complex", "user": "x" }, "tenant": {} }),
            json!({ "format": "email", "email": "a\nb" }),
        ] {
            assert!(Subject::parse(&subject).is_err(), "{subject}");
        }
        let phone = json!({ "format": "phone_number", "phone_number": "+12065550123" });
        assert_eq!(Subject::parse(&phone), Ok(Subject::Simple(Identifier::Other)));
    }
}
