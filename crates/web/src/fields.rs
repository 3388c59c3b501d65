//! What larger forms bring: text of several lines, lists, a file.
//!
//! **Invariant:** bounded in bytes by the route, in fields here; text is UTF-8.

use std::collections::BTreeSet;

use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::{StatusCode, header};

/// Fields of one form: a mapping with all its rules has some hundreds.
const MAX_FIELDS: usize = 2_000;

/// A form.
#[derive(Debug, Default)]
pub(crate) struct Form {
    fields: Vec<(String, String)>,
    file: Option<Vec<u8>>,
}

/// One that cannot be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unreadable(pub(crate) StatusCode);

impl Form {
    /// Reads a body, whichever way it is encoded.
    pub(crate) async fn read(request: Request) -> Result<Self, Unreadable> {
        let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.unwrap_or_default().to_ascii_lowercase();
        if media.starts_with("multipart/form-data") {
            let multipart = Multipart::from_request(request, &()).await;
            return Self::read_parts(multipart.map_err(|rejection| Unreadable(rejection.status()))?).await;
        }
        if !media.starts_with("application/x-www-form-urlencoded") {
            return Err(Unreadable(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let body = axum::body::Bytes::from_request(request, &()).await;
        let body = body.map_err(|rejection| Unreadable(rejection.status()))?;
        let fields: Vec<_> = form_urlencoded::parse(&body)
            .take(MAX_FIELDS + 1)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        Self { fields, file: None }.bounded()
    }

    async fn read_parts(mut parts: Multipart) -> Result<Self, Unreadable> {
        let mut form = Self::default();
        let unreadable = |error: axum::extract::multipart::MultipartError| Unreadable(error.status());
        while let Some(part) = parts.next_field().await.map_err(unreadable)? {
            let name = part.name().unwrap_or_default().to_owned();
            let is_file = part.file_name().is_some();
            let bytes = part.bytes().await.map_err(unreadable)?;
            if is_file {
                // A browser sends an empty one where none was chosen.
                form.file = Some(bytes.to_vec()).filter(|bytes| !bytes.is_empty());
            } else {
                let text = String::from_utf8(bytes.to_vec());
                form.fields.push((name, text.map_err(|_| Unreadable(StatusCode::BAD_REQUEST))?));
            }
            if form.fields.len() > MAX_FIELDS {
                break;
            }
        }
        form.bounded()
    }

    fn bounded(self) -> Result<Self, Unreadable> {
        if self.fields.len() > MAX_FIELDS { Err(Unreadable(StatusCode::PAYLOAD_TOO_LARGE)) } else { Ok(self) }
    }

    /// A field's text, without the space around it; `None` if it is empty or not there.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// A field's text; empty if it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Every value of a field.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.trim())
    }

    /// Every value of a field, once.
    pub(crate) fn set(&self, name: &str) -> BTreeSet<String> {
        self.all(name).map(str::to_owned).collect()
    }

    /// Whether a box is ticked.
    pub(crate) fn is_ticked(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known == name)
    }

    /// A number; 0 if it is none.
    pub(crate) fn number(&self, name: &str) -> i32 {
        self.text(name).parse().unwrap_or_default()
    }

    /// The words of a field, separated by commas or white space.
    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        let words = self.text(name).split(|c: char| c == ',' || c.is_whitespace());
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    /// All of its fields, as a body.
    pub(crate) fn encoded(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.fields).finish()
    }

    /// The file that was chosen.
    pub(crate) fn take_file(&mut self) -> Option<Vec<u8>> {
        self.file.take()
    }
}
