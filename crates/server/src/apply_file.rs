//! The files of `orgate apply`: YAML to the typed wanted state.
//!
//! Everything wrong in every file is reported at once, with file, line, column and what is allowed.
//! `${NAME}` is filled in from the environment in `password`, `client_secret`, `redirect_uris`,
//! `post_logout_redirect_uris` and `home_url`; `$${` stands for `${`.
//!
//! **Invariant:** a [`Wanted`] that is returned has no problem that can be seen without a database;
//! no problem shows a secret, or what a variable holds.

mod addresses;
mod clients;
mod format;
mod organizations;
mod reader;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use orgate_flows::apply::{Place, Problem, Problems, Wanted};
use serde_saphyr::{DefaultMessageFormatter, MessageFormatter as _};

use self::format::File;
use self::reader::Reader;

/// Looks a variable up.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why files could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Something in them is wrong.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// A file cannot be read.
    #[error("{}: cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Loads files, which together describe one wanted state.
///
/// # Errors
/// [`LoadError`].
pub fn load(paths: &[PathBuf], variables: Variables<'_>) -> Result<Wanted, LoadError> {
    let texts = paths.iter().map(|path| Ok((path.to_string_lossy(), read(path)?)));
    let texts = texts.collect::<Result<Vec<_>, LoadError>>()?;
    Ok(load_all(texts.iter().map(|(name, text)| (name.as_ref(), text.as_str())), variables)?)
}

/// Loads one text; `name` is what problems call it.
///
/// # Errors
/// Every [`Problem`].
pub fn load_str(name: &str, text: &str, variables: Variables<'_>) -> Result<Wanted, Problems> {
    load_all([(name, text)], variables)
}

fn read(path: &Path) -> Result<String, LoadError> {
    std::fs::read_to_string(path)
        .map_err(|source| LoadError::Unreadable { path: path.to_owned(), source })
}

fn load_all<'a>(
    texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    variables: Variables<'_>,
) -> Result<Wanted, Problems> {
    let mut wanted = Wanted::default();
    let mut problems = Problems::default();
    for (name, text) in texts {
        let mut reader = Reader { file: name.into(), variables, problems: Problems::default() };
        match parse(&reader.file, text) {
            Ok(file) => {
                wanted.organizations.extend(file.organizations.iter().filter_map(|org| reader.organization(org)));
                wanted.clients.extend(file.clients.iter().filter_map(|client| reader.client(client)));
                problems.0.append(&mut reader.problems.0);
            }
            Err(problem) => problems.0.push(problem),
        }
    }
    if let Err(mut more) = wanted.check() {
        problems.0.append(&mut more.0);
    }
    problems.or(wanted)
}

/// Parses YAML into the shape of the format. Its errors are shown without the lines around them,
/// which may hold secrets.
fn parse(file: &Arc<str>, text: &str) -> Result<File, Problem> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location();
        let place = Place {
            file: Arc::clone(file),
            line: place.map_or(1, |place| place.line()),
            column: place.map_or(1, |place| place.column()),
        };
        Problem { place, text: describe(&error) }
    })
}

fn describe(error: &serde_saphyr::Error) -> String {
    match error {
        serde_saphyr::Error::NullIntoString { .. } => {
            "a key has no value here (a value that begins with # is put in quotes)".to_owned()
        }
        error => DefaultMessageFormatter.format_message(error).escape_debug().to_string(),
    }
}
