//! A directory with what Auth0's Management API and its exports of users answer.
//!
//! | file | what it is |
//! |---|---|
//! | `organizations.json` | `GET /api/v2/organizations` |
//! | `members/NAME.json` | `GET /api/v2/organizations/{id}/members?fields=user_id,email,name,roles` |
//! | `enabled_connections/NAME.json` | `GET /api/v2/organizations/{id}/enabled_connections` |
//! | `roles.json` | `GET /api/v2/roles` |
//! | `permissions/ROLE.json` | `GET /api/v2/roles/{id}/permissions` |
//! | `connections.json` | `GET /api/v2/connections` |
//! | `users.json`, `users.ndjson` | the job of `POST /api/v2/jobs/users-exports`, or a file of a bulk import |
//! | `password-hashes.ndjson` | the export of password hashes, as Auth0's support gives it |
//!
//! `NAME` is the name or the id of an organization, `ROLE` of a role. A list may stand alone or in a page
//! (`{"organizations": […], "total": …}`).

mod shapes;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use orgate_domain::connections::{Attributes, OidcSettings, ProviderSettings, SamlSettings, Vendor};
use orgate_domain::names::Slug;
use orgate_domain::organizations::{Branding, Color, parse_logo_url};
use orgate_flows::apply::Secret;
use orgate_flows::import::foreign::{ForeignConnection, ForeignOrganization, ForeignRole, RoleNames, slug};
use orgate_flows::import::{ImportedUser, Row};
use orgate_flows::passwords::ForeignHash;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use self::shapes::{
    Bundled, Connection, CustomHash, EnabledConnection, Encoded, Member, Named, Organization, User,
};
use super::{
    Listening, Person, ReadError, Said, Source, Surroundings, file_name, json, role_slugs, shortened,
};

/// What ids of users of Auth0's own database begin with.
const OWN_USERS: &str = "auth0|";

/// An export of a tenant. Nothing prints it: it holds hashes of passwords.
pub struct Tenant {
    files: Vec<PathBuf>,
    /// Memberships by id of the user, and by address where there is none.
    memberships: HashMap<String, Vec<Membership>>,
    /// Hashes by id of the user, without what it begins with.
    hashes: HashMap<String, String>,
    fallback: Option<Slug>,
    names: RoleNames,
    surroundings: Surroundings,
}

#[derive(Debug, Clone)]
struct Membership {
    organization: Slug,
    roles: BTreeSet<String>,
}

impl Tenant {
    /// Opens a directory, and reads everything but the users.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn open(path: &Path, fallback: Option<Slug>, names: RoleNames) -> Result<Self, ReadError> {
        let file = |name: &str| Some(path.join(name)).filter(|file| file.is_file());
        let hashes = ["password-hashes.ndjson", "password-hashes.json"].into_iter().find_map(file);
        let mut files: Vec<_> = ["users.ndjson", "users.json"].into_iter().filter_map(file).collect();
        if files.is_empty() {
            files.extend(hashes.clone()); // which names its users too
        }
        if files.is_empty() {
            return Err(ReadError::malformed(path, "there is neither a users.ndjson nor a users.json in it"));
        }
        let mut tenant = Self {
            files,
            memberships: HashMap::new(),
            hashes: HashMap::new(),
            fallback,
            names,
            surroundings: Surroundings::default(),
        };
        if let Some(hashes) = hashes {
            tenant.read_hashes(&hashes)?;
        }
        tenant.read_roles(path)?;
        let connections: Vec<Connection> = listed(&path.join("connections.json"), "connections")?;
        let organizations: Vec<Organization> = listed(&path.join("organizations.json"), "organizations")?;
        for organization in organizations {
            tenant.organization(path, organization, &connections)?;
        }
        if let Some(fallback) = tenant.fallback.clone() {
            tenant.read_fallback(&fallback);
        }
        Ok(tenant)
    }

    /// What it says besides its users.
    pub fn surroundings(&mut self) -> Surroundings {
        std::mem::take(&mut self.surroundings)
    }

    fn read_hashes(&mut self, path: &Path) -> Result<(), ReadError> {
        json::list_or_lines::<User>(path, &mut |_, user| {
            if let Ok(User { object_id: Some(id), password_hash: Some(hash), .. }) = user {
                self.hashes.insert(id.oid, hash);
            }
            Listening::On
        })
    }

    fn read_roles(&mut self, path: &Path) -> Result<(), ReadError> {
        for role in listed::<Named>(&path.join("roles.json"), "roles")? {
            let bundled = named_file(&path.join("permissions"), &role.name, role.id.as_deref());
            let bundled: Vec<Bundled> = match bundled {
                Some(file) => listed(&file, "permissions")?,
                None => Vec::new(),
            };
            let permissions = bundled.into_iter().map(|bundled| bundled.permission_name).collect();
            self.surroundings.roles.insert(role.name, ForeignRole { permissions });
        }
        Ok(())
    }

    fn organization(
        &mut self,
        path: &Path,
        organization: Organization,
        connections: &[Connection],
    ) -> Result<(), ReadError> {
        let file = |kind: &str| named_file(&path.join(kind), &organization.name, organization.id.as_deref());
        let members: Vec<Member> = match file("members") {
            Some(file) => listed(&file, "members")?,
            None => Vec::new(),
        };
        let enabled: Vec<EnabledConnection> = match file("enabled_connections") {
            Some(file) => listed(&file, "enabled_connections")?,
            None => Vec::new(),
        };
        let mut roles = BTreeSet::new();
        if let Some(slug) = slug(&organization.name) {
            for member in members {
                let held: BTreeSet<_> = member.roles.into_iter().map(|role| role.name).collect();
                roles.extend(held.iter().cloned());
                let Some(key) = member.user_id.or_else(|| member.email.map(|email| email.to_lowercase()))
                else {
                    continue;
                };
                let membership = Membership { organization: slug.clone(), roles: held };
                self.memberships.entry(key).or_default().push(membership);
            }
        }
        let is_enabled = |connection: &&Connection| {
            enabled.iter().any(|one| {
                one.connection_id.is_some() && one.connection_id == connection.id
                    || one.connection.as_ref().is_some_and(|named| named.name == connection.name)
            })
        };
        let enterprise = connections.iter().filter(is_enabled).filter(|one| one.strategy != "auth0");
        let branding = Branding {
            logo_url: organization.branding.logo_url.and_then(|text| parse_logo_url(&text).ok()),
            primary_color: organization
                .branding
                .colors
                .and_then(|colors| colors.primary)
                .and_then(|text| Color::parse(&text).ok()),
            locale: None,
        };
        self.surroundings.organizations.push(ForeignOrganization {
            name: organization.name,
            display_name: organization.display_name.filter(|name| !name.is_empty()),
            enabled: true,
            branding: Some(branding),
            attributes: scalars(&organization.metadata),
            domains: Vec::new(),
            roles,
            groups: BTreeMap::new(),
            connections: enterprise.map(Connection::read).collect(),
        });
        Ok(())
    }

    fn read_fallback(&mut self, fallback: &Slug) {
        let is_known =
            self.surroundings.organizations.iter().any(|one| slug(&one.name).as_ref() == Some(fallback));
        if !is_known {
            self.surroundings.organizations.push(ForeignOrganization {
                name: fallback.to_string(),
                enabled: true,
                ..ForeignOrganization::default()
            });
        }
    }

    fn users(&self, user: User) -> Result<Vec<ImportedUser>, String> {
        let id =
            user.id.clone().or_else(|| user.object_id.as_ref().map(|id| format!("{OWN_USERS}{}", id.oid)));
        let memberships = self.memberships_of(id.as_deref(), user.email.as_deref());
        let password = self.password(id.as_deref(), &user);
        let given = [user.given_name.as_deref(), user.family_name.as_deref()];
        let given = given.into_iter().flatten().collect::<Vec<_>>().join(" ");
        // Auth0 says the address where it knows no name.
        let name = user.name.filter(|name| Some(name) != user.email.as_ref());
        let names = [name, Some(given), user.nickname, user.username].into_iter().flatten().collect();
        let said = Said { email: user.email, verified: user.email_verified, names, disabled: user.blocked };
        let person = Person::read(said)?;
        let password = password.map_err(|why| format!("password: {why}"))?;
        if memberships.is_empty() {
            return Err("a member of no organization: name one for them with --org".to_owned());
        }
        let attributes = user.app_metadata.as_ref().map(scalars).unwrap_or_default();
        let users = memberships.into_iter().map(|membership| {
            Ok(ImportedUser {
                password: password.clone(),
                roles: role_slugs(&self.names, &membership.roles)?,
                attributes: attributes.clone(),
                ..person.in_organization(&membership.organization)
            })
        });
        users.collect()
    }

    fn memberships_of(&self, id: Option<&str>, email: Option<&str>) -> Vec<Membership> {
        let by_id = id.and_then(|id| {
            self.memberships.get(id).or_else(|| self.memberships.get(&format!("{OWN_USERS}{id}")))
        });
        let found = by_id.or_else(|| self.memberships.get(&email?.to_lowercase()));
        match (found, &self.fallback) {
            (Some(found), _) => found.clone(),
            (None, Some(fallback)) => {
                vec![Membership { organization: fallback.clone(), roles: BTreeSet::new() }]
            }
            (None, None) => Vec::new(),
        }
    }

    fn password(&self, id: Option<&str>, user: &User) -> Result<Option<ForeignHash>, String> {
        let apart = id.and_then(|id| self.hashes.get(id.strip_prefix(OWN_USERS).unwrap_or(id)));
        let bcrypt = user.password_hash.as_ref().or(apart);
        match (&user.custom_password_hash, bcrypt) {
            (Some(custom), _) => custom.read().map(Some),
            (None, Some(hash)) => ForeignHash::parse(hash).map(Some).map_err(|error| error.to_string()),
            (None, None) => Ok(None),
        }
    }
}

impl Source for Tenant {
    fn rows(&self, each: &mut dyn FnMut(Row) -> Listening) -> Result<(), ReadError> {
        for path in &self.files {
            let file = file_name(path);
            let mut listening = Listening::On;
            json::list_or_lines::<User>(path, &mut |number, user| {
                let place = format!("{file}:{number}");
                listening = super::send(&place, user.and_then(|user| self.users(user)), each);
                listening
            })?;
            if listening == Listening::Over {
                break;
            }
        }
        Ok(())
    }
}

impl CustomHash {
    fn read(&self) -> Result<ForeignHash, String> {
        let encoding = self.password.as_ref().and_then(|password| password.encoding.as_deref());
        if !matches!(encoding, None | Some("utf8")) {
            return Err("passwords were not hashed as UTF-8".to_owned());
        }
        let hash = match self.algorithm.as_str() {
            "argon2" | "bcrypt" | "pbkdf2" => ForeignHash::parse(&self.hash.value),
            "scrypt" => {
                let salt = self.salt.as_ref().ok_or("its salt is missing")?.bytes()?;
                let hash = self.hash.bytes()?;
                if self.keylen.is_some_and(|length| length != hash.len()) {
                    return Err("its hash is not as long as `keylen` says".to_owned());
                }
                // What Node's crypto.scrypt takes where it is told nothing.
                let (n, r) = (self.cost.unwrap_or(16384), self.block_size.unwrap_or(8));
                ForeignHash::scrypt((n, r, self.parallelization.unwrap_or(1)), (&salt, &hash))
            }
            other => {
                return Err(format!("{:?} is none of bcrypt, scrypt, argon2 and pbkdf2", shortened(other)));
            }
        };
        hash.map_err(|error| error.to_string())
    }
}

impl Encoded {
    fn bytes(&self) -> Result<Vec<u8>, String> {
        let failed = || "its hash or salt is not in the encoding that it says".to_owned();
        match self.encoding.as_deref() {
            Some("hex") => hex(&self.value).ok_or_else(failed),
            Some("base64") => {
                let text = self.value.trim_end_matches('=');
                STANDARD_NO_PAD
                    .decode(text)
                    .or_else(|_| STANDARD.decode(&self.value))
                    .or_else(|_| URL_SAFE_NO_PAD.decode(text))
                    .map_err(|_| failed())
            }
            None | Some("utf8") => Ok(self.value.as_bytes().to_vec()),
            Some(_) => Err(failed()),
        }
    }
}

impl Connection {
    fn read(&self) -> ForeignConnection {
        let secret = self.text("client_secret").map(Secret::new);
        let vendor = match self.strategy.as_str() {
            "waad" => Vendor::Entra,
            "okta" => Vendor::Okta,
            "google-apps" => Vendor::Google,
            "adfs" => Vendor::Adfs,
            "pingfederate" => Vendor::Ping,
            _ => Vendor::Custom,
        };
        ForeignConnection {
            name: self.name.clone(),
            display_name: self.display_name.clone().filter(|name| !name.is_empty()),
            vendor,
            enabled: true,
            provider: self.provider(),
            secret,
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        self.options.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    fn provider(&self) -> Result<ProviderSettings, String> {
        let needed = |name: &str| self.text(name).ok_or_else(|| format!("the export has no {name} of it"));
        match self.strategy.as_str() {
            "oidc" => self.oidc(self.issuer().ok_or("the export has no issuer of it")?),
            "okta" => self.oidc(format!("https://{}", needed("domain")?)),
            "waad" => match self.text("tenant_domain").or_else(|| self.text("tenantId")) {
                Some(tenant) => self.oidc(format!("https://login.microsoftonline.com/{tenant}/v2.0")),
                None => Err("the export has no tenant of it".to_owned()),
            },
            "google-apps" => {
                let provider = self.oidc("https://accounts.google.com".to_owned())?;
                let ProviderSettings::Oidc(oidc) = provider else { return Ok(provider) };
                let hosted_domains =
                    self.text("tenant_domain").or_else(|| self.text("domain")).into_iter().collect();
                Ok(ProviderSettings::Oidc(OidcSettings { hosted_domains, ..oidc }))
            }
            "samlp" | "pingfederate" | "adfs" => {
                let certificate = self.text("signingCert").or_else(|| self.text("cert"));
                let certificate = certificate.ok_or("the export has no certificate of it")?;
                // In base64 once more, where the API answers it.
                let pem = STANDARD.decode(&certificate).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                let certificate = pem.filter(|pem| pem.contains("BEGIN CERTIFICATE")).unwrap_or(certificate);
                Ok(ProviderSettings::Saml(SamlSettings {
                    entity_id: self
                        .text("issuer")
                        .or_else(|| self.text("entityId"))
                        .ok_or("the export has no issuer of it")?,
                    slo_url: self.text("signOutEndpoint"),
                    certificates: vec![super::certificate(&certificate)],
                    ..super::saml(needed("signInEndpoint")?)
                }))
            }
            other => Err(format!("{other:?} is neither OpenID Connect nor SAML")),
        }
    }

    fn issuer(&self) -> Option<String> {
        let metadata = self.options.get("oidc_metadata").and_then(|metadata| metadata.get("issuer"));
        let told = metadata.and_then(Value::as_str).map(str::to_owned).or_else(|| self.text("issuer"));
        told.or_else(|| {
            let discovery = self.text("discovery_url")?;
            Some(discovery.strip_suffix("/.well-known/openid-configuration")?.to_owned())
        })
    }

    fn oidc(&self, issuer: String) -> Result<ProviderSettings, String> {
        let method = self.text("token_endpoint_auth_method");
        Ok(ProviderSettings::Oidc(OidcSettings {
            issuer,
            client_id: self.text("client_id").ok_or("the export has no client_id of it")?,
            authentication: super::client_authentication(method.as_deref()),
            scopes: super::scopes(self.text("scope").as_deref()),
            algorithms: OidcSettings::default_algorithms(),
            tenants: Vec::new(),
            hosted_domains: Vec::new(),
        }))
    }
}

/// A list that stands alone, or in a page of the API under `key`; nothing, where there is no such file.
fn listed<T: DeserializeOwned>(path: &Path, key: &str) -> Result<Vec<T>, ReadError> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let list = match json::whole(path)? {
        Value::Object(mut page) => page.remove(key).unwrap_or_default(),
        list => list,
    };
    serde_json::from_value(list).map_err(|_| {
        ReadError::malformed(path, format!("it is no list of {key}, as the Management API answers it"))
    })
}

/// `NAME.json` or `ID.json` of a directory. A name is one of the API's, and leads nowhere else.
fn named_file(directory: &Path, name: &str, id: Option<&str>) -> Option<PathBuf> {
    let names = [Some(name), id].into_iter().flatten();
    let plain = names.filter(|name| !name.contains(['/', '\\', '\0']) && !name.starts_with('.'));
    plain.map(|name| directory.join(format!("{name}.json"))).find(|file| file.is_file())
}

/// Of metadata, what has one value, or a list of such: attributes are no more.
fn scalars(metadata: &Map<String, Value>) -> Attributes {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let values = |value: &Value| match value {
        Value::Array(list) => list.iter().map(text).collect::<Option<Vec<_>>>(),
        one => text(one).map(|text| vec![text]),
    };
    metadata.iter().filter_map(|(name, value)| Some((name.clone(), values(value)?))).collect()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? * 16 + digit(*low)?),
            _ => None,
        })
        .collect()
}
