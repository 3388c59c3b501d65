//! Keycloak's export of a realm: `kc.sh export --realm NAME`, into one file or a directory of several.

mod shapes;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orgate_domain::connections::{OidcSettings, ProviderSettings, SamlBinding, SamlSettings, Vendor};
use orgate_domain::names::Slug;
use orgate_flows::apply::Secret;
use orgate_flows::import::Row;
use orgate_flows::import::foreign::{
    ForeignConnection, ForeignGroup, ForeignOrganization, ForeignRole, RoleNames, slug,
};
use orgate_flows::passwords::{Digest, ForeignHash};

use self::shapes::{
    Credential, CredentialData, Group, IdentityProvider, Organization, RealmFile, Roles, SecretData, User,
};
use super::{Listening, Person, ReadError, Said, Source, Surroundings, file_name, json, role_slugs};

/// Roles that every realm has for itself.
const OWN_ROLES: [&str; 2] = ["offline_access", "uma_authorization"];
/// What the role that everybody has begins with.
const DEFAULT_ROLES: &str = "default-roles-";
/// Clients of Keycloak's own, whose roles are about Keycloak.
const OWN_CLIENTS: [&str; 5] =
    ["account", "account-console", "broker", "realm-management", "security-admin-console"];

/// An export of a realm.
#[derive(Debug)]
pub struct Realm {
    /// Files with users.
    files: Vec<PathBuf>,
    /// The organizations of each user, by name of the user.
    memberships: HashMap<String, Vec<Slug>>,
    /// Where users of no organization come to.
    fallback: Option<Slug>,
    names: RoleNames,
    /// What is imported of the groups of the realm, by path.
    groups: BTreeMap<String, ForeignGroup>,
    surroundings: Surroundings,
}

impl Realm {
    /// Opens a file, or a directory with one realm's files, and reads everything but the users.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn open(path: &Path, fallback: Option<Slug>, names: RoleNames) -> Result<Self, ReadError> {
        let files = files(path)?;
        let mut realm = Self {
            files,
            memberships: HashMap::new(),
            fallback,
            names,
            groups: BTreeMap::new(),
            surroundings: Surroundings::default(),
        };
        let mut organizations = Vec::new();
        let mut names = BTreeSet::new();
        for file in realm.files.clone() {
            let read: RealmFile = json::whole(&file)?;
            names.extend(read.realm);
            if names.len() > 1 {
                let why = "the files are of several realms; import them one by one";
                return Err(ReadError::malformed(path, why));
            }
            realm.roles(read.roles);
            for group in read.groups {
                realm.group(None, group, 0);
            }
            organizations.push((read.organizations, read.identity_providers));
        }
        let providers: BTreeMap<_, _> = organizations
            .iter()
            .flat_map(|(_, providers)| providers)
            .map(|provider| (provider.alias.clone(), provider.connection()))
            .collect();
        for organization in organizations.into_iter().flat_map(|(organizations, _)| organizations) {
            realm.organization(organization, &providers);
        }
        realm.unclaimed(providers);
        realm.collect_roles()?;
        Ok(realm)
    }

    /// What it says besides its users.
    pub fn surroundings(&mut self) -> Surroundings {
        std::mem::take(&mut self.surroundings)
    }

    fn roles(&mut self, roles: Roles) {
        for role in roles.realm.into_iter().filter(|role| !is_own(&role.name)) {
            let bundled = role.composites.client.iter().filter(|(client, _)| is_foreign(client));
            let permissions: BTreeSet<_> = bundled
                .flat_map(|(client, names)| names.iter().map(move |name| format!("{client}:{name}")))
                .collect();
            for inner in role.composites.realm.iter().filter(|inner| !is_own(inner)) {
                let note =
                    format!("the role {:?}: it includes {inner:?}, which is not imported with it", role.name);
                self.surroundings.notes.push(note);
            }
            self.surroundings.roles.insert(role.name, ForeignRole { permissions });
        }
        for (client, roles) in roles.client.into_iter().filter(|(client, _)| is_foreign(client)) {
            for role in roles {
                let permissions = [format!("{client}:{}", role.name)].into();
                self.surroundings.roles.insert(client_role(&client, &role.name), ForeignRole { permissions });
            }
        }
    }

    /// A group and those inside of it. Deeper than groups can be here they are not followed.
    fn group(&mut self, parent: Option<&str>, group: Group, depth: usize) {
        const DEEPEST: usize = 20;
        let path = format!("{}/{}", parent.unwrap_or_default(), group.name);
        let roles = named_roles(&group.realm_roles, &group.client_roles);
        let made = ForeignGroup { name: group.name, parent: parent.map(str::to_owned), roles };
        self.groups.insert(path.clone(), made);
        for inner in group.sub_groups {
            if depth < DEEPEST {
                self.group(Some(&path), inner, depth + 1);
            }
        }
    }

    fn organization(&mut self, organization: Organization, providers: &BTreeMap<String, ForeignConnection>) {
        let name = organization.alias.clone().unwrap_or_else(|| organization.name.clone());
        if let Some(slug) = slug(&name) {
            for member in organization.members.into_iter().filter_map(|member| member.username) {
                self.memberships.entry(member.to_lowercase()).or_default().push(slug.clone());
            }
        }
        let connections =
            organization.identity_providers.iter().filter_map(|linked| providers.get(&linked.alias));
        let (verified, claimed): (Vec<_>, Vec<_>) =
            organization.domains.into_iter().partition(|domain| domain.verified);
        for domain in claimed {
            self.surroundings
                .notes
                .push(format!("{name}: the domain {} was not verified there; left out", domain.name));
        }
        self.surroundings.organizations.push(ForeignOrganization {
            name,
            display_name: Some(organization.name),
            enabled: organization.enabled,
            branding: None,
            attributes: organization.attributes,
            domains: verified.into_iter().map(|domain| domain.name).collect(),
            roles: BTreeSet::new(),
            groups: BTreeMap::new(),
            connections: connections.cloned().collect(),
        });
    }

    /// The providers of no organization are those of whoever comes to the fallback.
    fn unclaimed(&mut self, providers: BTreeMap<String, ForeignConnection>) {
        let claimed: BTreeSet<_> = self
            .surroundings
            .organizations
            .iter()
            .flat_map(|organization| organization.connections.iter().map(|one| one.name.clone()))
            .collect();
        let unclaimed: Vec<_> = providers.into_values().filter(|one| !claimed.contains(&one.name)).collect();
        let Some(fallback) = &self.fallback else {
            for one in unclaimed {
                let note = format!("the identity provider {}: it is no organization's; left out", one.name);
                self.surroundings.notes.push(note);
            }
            return;
        };
        let known = |one: &&mut ForeignOrganization| slug(&one.name).as_ref() == Some(fallback);
        match self.surroundings.organizations.iter_mut().find(known) {
            Some(organization) => organization.connections.extend(unclaimed),
            None => self.surroundings.organizations.push(ForeignOrganization {
                name: fallback.to_string(),
                enabled: true,
                connections: unclaimed,
                ..ForeignOrganization::default()
            }),
        }
    }

    /// Looks at the users for the roles and groups that each organization needs.
    fn collect_roles(&mut self) -> Result<(), ReadError> {
        let mut needed: BTreeMap<Slug, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
        for file in &self.files {
            json::list_under::<User>(file, "users", &mut |_, user| {
                if let Ok(user) = user {
                    for organization in self.organizations_of(&user) {
                        let (roles, groups) = needed.entry(organization).or_default();
                        roles.extend(named_roles(&user.realm_roles, &user.client_roles));
                        groups.extend(user.groups.iter().flat_map(|path| lineage(path)));
                    }
                }
                Listening::On
            })?;
        }
        for organization in &mut self.surroundings.organizations {
            let slug = slug(&organization.name);
            let Some((roles, groups)) = slug.and_then(|slug| needed.remove(&slug)) else { continue };
            organization.roles = roles;
            let groups =
                groups.into_iter().filter_map(|path| Some((path.clone(), self.groups.get(&path)?.clone())));
            organization.groups = groups.collect();
        }
        Ok(())
    }

    fn organizations_of(&self, user: &User) -> Vec<Slug> {
        let name = user.username.as_deref().unwrap_or_default().to_lowercase();
        match self.memberships.get(&name) {
            Some(organizations) => organizations.clone(),
            None => self.fallback.clone().into_iter().collect(),
        }
    }

    fn users(&self, user: User) -> Result<Vec<orgate_flows::import::ImportedUser>, String> {
        let whole = [user.first_name.as_deref(), user.last_name.as_deref()];
        let whole = whole.into_iter().flatten().map(str::trim).filter(|part| !part.is_empty());
        let names = vec![whole.collect::<Vec<_>>().join(" "), user.username.clone().unwrap_or_default()];
        let organizations = self.organizations_of(&user);
        let said = Said { email: user.email, verified: user.email_verified, names, disabled: !user.enabled };
        let person = Person::read(said)?;
        if organizations.is_empty() {
            return Err("a member of no organization: name one for them with --org".to_owned());
        }
        let password = user.credentials.iter().find(|credential| credential.kind == "password");
        let password =
            password.map(Credential::hash).transpose().map_err(|why| format!("password: {why}"))?;
        let roles = role_slugs(&self.names, &named_roles(&user.realm_roles, &user.client_roles))?;
        let known = user.groups.iter().filter(|path| self.groups.contains_key(*path));
        let groups: BTreeSet<Slug> = known.filter_map(|path| slug(path)).collect();
        let users = organizations.iter().map(|organization| orgate_flows::import::ImportedUser {
            password: password.clone(),
            roles: roles.clone(),
            groups: groups.clone(),
            attributes: user.attributes.clone(),
            ..person.in_organization(organization)
        });
        Ok(users.collect())
    }
}

impl Source for Realm {
    fn rows(&self, each: &mut dyn FnMut(Row) -> Listening) -> Result<(), ReadError> {
        for path in &self.files {
            let file = file_name(path);
            let mut listening = Listening::On;
            json::list_under::<User>(path, "users", &mut |number, user| {
                let place = match &user {
                    Ok(User { username: Some(name), .. }) => {
                        format!("{file}: user {number} ({})", super::shortened(name))
                    }
                    _ => format!("{file}: user {number}"),
                };
                let users = match user {
                    // An application, not a person.
                    Ok(User { service_account_client_id: Some(_), .. }) => return Listening::On,
                    Ok(user) => self.users(user),
                    Err(why) => Err(why),
                };
                listening = super::send(&place, users, each);
                listening
            })?;
            if listening == Listening::Over {
                break;
            }
        }
        Ok(())
    }
}

impl Credential {
    /// Keycloak's credential data as a hash of ours to keep.
    fn hash(&self) -> Result<ForeignHash, String> {
        const UNREADABLE: &str = "its credential cannot be read";
        let secret = self.secret.as_deref().and_then(|text| serde_json::from_str::<SecretData>(text).ok());
        let data = self.data.as_deref().and_then(|text| serde_json::from_str::<CredentialData>(text).ok());
        let (Some(secret), Some(data)) = (secret, data) else { return Err(UNREADABLE.to_owned()) };
        if data.algorithm == "bcrypt" {
            return ForeignHash::parse(&secret.value).map_err(|error| error.to_string());
        }
        let bytes = |text: &str| STANDARD.decode(text).map_err(|_| UNREADABLE.to_owned());
        let (salt, hash) = (bytes(secret.salt.as_deref().unwrap_or_default())?, bytes(&secret.value)?);
        let rounds = u32::try_from(data.hash_iterations).map_err(|_| UNREADABLE.to_owned())?;
        let hash = if data.algorithm == "argon2" {
            argon2(&data, rounds, (&salt, &hash))?
        } else {
            let digest = Digest::ALL.into_iter().find(|digest| digest.name() == data.algorithm);
            let digest = digest.ok_or_else(|| {
                format!("the algorithm {:?} is not known", super::shortened(&data.algorithm))
            })?;
            ForeignHash::pbkdf2(digest, rounds, (&salt, &hash))
        };
        hash.map_err(|error| error.to_string())
    }
}

/// Keycloak's parameters of Argon2.
fn argon2(
    data: &CredentialData,
    passes: u32,
    (salt, hash): (&[u8], &[u8]),
) -> Result<Result<ForeignHash, orgate_flows::passwords::InvalidHash>, String> {
    let parameter = |name: &str| data.additional_parameters.get(name).and_then(|values| values.first());
    let number = |name: &str| parameter(name).and_then(|text| text.parse::<u32>().ok());
    let (Some(memory), Some(lanes)) = (number("memory"), number("parallelism")) else {
        return Err("its parameters of argon2 are missing".to_owned());
    };
    let kind = match parameter("type").map(String::as_str) {
        Some("d") => "argon2d",
        Some("i") => "argon2i",
        Some("id") | None => "argon2id",
        Some(_) => return Err("its type of argon2 is not known".to_owned()),
    };
    let version = match parameter("version").map(String::as_str) {
        Some("1.0") => 16,
        Some("1.3") | None => 19,
        Some(_) => return Err("its version of argon2 is not known".to_owned()),
    };
    let plain = base64::engine::general_purpose::STANDARD_NO_PAD;
    let (salt, hash) = (plain.encode(salt), plain.encode(hash));
    Ok(ForeignHash::parse(&format!("${kind}$v={version}$m={memory},t={passes},p={lanes}${salt}${hash}")))
}

impl IdentityProvider {
    fn connection(&self) -> ForeignConnection {
        let secret = self.config.get("clientSecret").filter(|secret| !is_masked(secret));
        ForeignConnection {
            name: self.alias.clone(),
            display_name: self.display_name.clone().filter(|name| !name.is_empty()),
            vendor: if self.provider_id == "keycloak-oidc" { Vendor::Keycloak } else { Vendor::Custom },
            enabled: self.enabled,
            provider: self.provider(),
            secret: secret.map(|secret| Secret::new(secret.clone())),
        }
    }

    fn provider(&self) -> Result<ProviderSettings, String> {
        let text = |name: &str| self.config.get(name).filter(|text| !text.is_empty()).cloned();
        let needed = |name: &str| text(name).ok_or_else(|| format!("the export has no {name} of it"));
        match self.provider_id.as_str() {
            "oidc" | "keycloak-oidc" => Ok(ProviderSettings::Oidc(OidcSettings {
                issuer: needed("issuer")?,
                client_id: needed("clientId")?,
                authentication: super::client_authentication(text("clientAuthMethod").as_deref()),
                scopes: super::scopes(text("defaultScope").as_deref()),
                algorithms: OidcSettings::default_algorithms(),
                tenants: Vec::new(),
                hosted_domains: Vec::new(),
            })),
            "saml" => {
                let certificates = needed("signingCertificate")?;
                let post = text("postBindingAuthnRequest").as_deref() == Some("true");
                Ok(ProviderSettings::Saml(SamlSettings {
                    entity_id: needed("idpEntityId")?,
                    sso_binding: if post { SamlBinding::Post } else { SamlBinding::Redirect },
                    slo_url: text("singleLogoutServiceUrl"),
                    certificates: certificates.split(',').map(super::certificate).collect(),
                    metadata_url: text("metadataDescriptorUrl"),
                    force_authn: text("forceAuthn").as_deref() == Some("true"),
                    name_id_format: text("nameIDPolicyFormat"),
                    ..super::saml(needed("singleSignOnServiceUrl")?)
                }))
            }
            other => Err(format!("{other:?} is neither OpenID Connect nor SAML")),
        }
    }
}

/// Keycloak writes stars for what it does not export, and the name of an entry of a vault.
fn is_masked(secret: &str) -> bool {
    secret.is_empty() || secret.chars().all(|c| c == '*') || secret.starts_with("${vault.")
}

fn is_own(role: &str) -> bool {
    OWN_ROLES.contains(&role) || role.starts_with(DEFAULT_ROLES)
}

fn is_foreign(client: &str) -> bool {
    !OWN_CLIENTS.contains(&client) && !client.ends_with("-realm")
}

/// What a role of a client is called: `notes-editor`.
fn client_role(client: &str, role: &str) -> String {
    format!("{client}-{role}")
}

fn named_roles(realm: &[String], client: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let of_realm = realm.iter().filter(|role| !is_own(role)).cloned();
    let of_clients = client.iter().filter(|(client, _)| is_foreign(client));
    let of_clients =
        of_clients.flat_map(|(client, roles)| roles.iter().map(|role| client_role(client, role)));
    of_realm.chain(of_clients).collect()
}

/// A path, and those that it is inside of: `/a/b` and `/a`.
fn lineage(path: &str) -> Vec<String> {
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
    ends.filter_map(|end| path.get(..end)).map(str::to_owned).collect()
}

/// The file itself, or the JSON files of a directory that are a realm's, in order.
fn files(path: &Path) -> Result<Vec<PathBuf>, ReadError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(ReadError::unreadable(path))? {
        let file = entry.map_err(ReadError::unreadable(path))?.path();
        let name = file_name(&file);
        let is_json = file.extension().is_some_and(|extension| extension == "json");
        if is_json && (name.ends_with("-realm.json") || name.contains("-users-")) {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(ReadError::malformed(
            path,
            "there is neither a NAME-realm.json nor a NAME-users-0.json in it",
        ));
    }
    files.sort();
    Ok(files)
}
