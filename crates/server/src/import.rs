//! Exports of other systems, read.
//!
//! Files of users may be of any size: they are read as a stream, twice, once to check and once to import. Everything else
//! that an export says (organizations, roles, groups, connections) is read at once.

pub mod auth0;
pub mod csv;
mod json;
pub mod keycloak;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use orgate_domain::connections::{OidcAuthentication, OidcSettings, SamlBinding, SamlSettings};
use orgate_domain::email::Email;
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::standing::UserStatus;
use orgate_flows::import::foreign::{ForeignOrganization, ForeignRole, RoleNames};
use orgate_flows::import::{ImportedUser, Row};

/// What an export says besides its users.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// Its organizations.
    pub organizations: Vec<ForeignOrganization>,
    /// The roles that these have in common.
    pub roles: BTreeMap<String, ForeignRole>,
    /// What is not imported, one a line.
    pub notes: Vec<String>,
}

/// An export whose users can be read any number of times.
pub trait Source: Send + Sync {
    /// Reads the users, in the order of the export, until `each` answers that nobody listens.
    ///
    /// # Errors
    /// [`ReadError`].
    fn rows(&self, each: &mut dyn FnMut(Row) -> Listening) -> Result<(), ReadError>;
}

/// Whether somebody wants more rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listening {
    /// They do.
    On,
    /// The import ended: nobody does.
    Over,
}

/// Why an export cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not what it should be.
    #[error("{}: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
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

impl ReadError {
    fn malformed(path: &Path, why: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_owned(), why: why.into() }
    }

    fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Unreadable { path, source }
    }
}

/// What every kind of export says of a user, in words.
#[derive(Debug, Default)]
struct Said {
    email: Option<String>,
    verified: bool,
    /// Names, the best first.
    names: Vec<String>,
    disabled: bool,
}

/// The parts of a user that do not depend on their organization.
struct Person {
    email: Email,
    name: DisplayName,
    status: UserStatus,
    verified: bool,
}

impl Person {
    fn read(said: Said) -> Result<Self, String> {
        let text = said.email.filter(|text| !text.trim().is_empty()).ok_or("there is no e-mail address")?;
        let email = Email::parse(text.trim())
            .map_err(|error| format!("email {:?}: {error}, like name@example.com", shortened(&text)))?;
        let local = text.trim().split('@').next().unwrap_or_default().to_owned();
        let name = said.names.into_iter().find(|name| !name.trim().is_empty()).unwrap_or(local);
        let name =
            DisplayName::parse(&name).map_err(|error| format!("name {:?}: {error}", shortened(&name)))?;
        let status = if said.disabled { UserStatus::Deactivated } else { UserStatus::Active };
        Ok(Self { email, name, status, verified: said.verified })
    }

    fn in_organization(&self, organization: &Slug) -> ImportedUser {
        ImportedUser {
            organization: organization.clone(),
            email: self.email.clone(),
            verified: self.verified,
            name: self.name.clone(),
            status: self.status,
            password: None,
            roles: BTreeSet::new(),
            groups: BTreeSet::new(),
            attributes: orgate_domain::connections::Attributes::new(),
        }
    }
}

/// Roles by their names there.
fn role_slugs<'a>(
    names: &RoleNames,
    roles: impl IntoIterator<Item = &'a String>,
) -> Result<BTreeSet<Slug>, String> {
    let slug = |name: &String| names.slug(name).ok_or_else(|| format!("the role {name:?} makes no slug"));
    roles.into_iter().map(slug).collect()
}

/// Text of a file as far as a report shows it.
fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The file's own name, for places.
fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Hands over what one entry of an export came to: one row for each organization, or one for what is wrong.
fn send(
    place: &str,
    users: Result<Vec<ImportedUser>, String>,
    each: &mut dyn FnMut(Row) -> Listening,
) -> Listening {
    let rows: Vec<_> = match users {
        Ok(users) => users.into_iter().map(|user| Ok(Box::new(user))).collect(),
        Err(why) => vec![Err(why)],
    };
    for user in rows {
        if each(Row { place: place.to_owned(), user }) == Listening::Over {
            return Listening::Over;
        }
    }
    Listening::On
}

/// How a connection proved itself there.
fn client_authentication(method: Option<&str>) -> OidcAuthentication {
    match method {
        Some("client_secret_post") => OidcAuthentication::ClientSecretPost,
        Some("private_key_jwt") => OidcAuthentication::PrivateKeyJwt,
        _ => OidcAuthentication::ClientSecretBasic,
    }
}

/// Scopes with spaces between them; `openid` is always among them.
fn scopes(text: Option<&str>) -> Vec<String> {
    let mut scopes: Vec<String> = text.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    if scopes.is_empty() {
        return OidcSettings::default_scopes();
    }
    if !scopes.iter().any(|scope| scope == "openid") {
        scopes.insert(0, "openid".to_owned());
    }
    scopes
}

/// A certificate without what PEM puts around it.
fn certificate(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect()
}

/// A SAML provider of which nothing else is known.
fn saml(sso_url: String) -> SamlSettings {
    SamlSettings {
        entity_id: String::new(),
        sso_url,
        sso_binding: SamlBinding::default(),
        slo_url: None,
        slo_response_url: None,
        slo_binding: SamlBinding::default(),
        certificates: Vec::new(),
        metadata_url: None,
        sign_requests: true,
        force_authn: false,
        authn_context: None,
        name_id_format: None,
        allow_unsolicited: false,
        unsolicited_client: None,
        require_encryption: false,
        allow_unauthenticated_cbc: false,
    }
}
