//! What becomes of organizations, roles, groups and connections of another system.
//!
//! **Invariant:** nobody comes to rights over Orgate by a name: what is imported has no permission of Orgate's own, and a role
//! that is there and has one is given only where whoever runs the import says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orgate_domain::connections::{
    AttributeMapping, Attributes, ConnectionSettings, ConnectionState, Jit, OidcAuthentication,
    ProviderSettings, Vendor,
};
use orgate_domain::email::DomainName;
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::organizations::{Branding, OrgStatus};
use orgate_domain::permissions::is_reserved;
use orgate_domain::roles::Permission;
use orgate_saml::certificate::Certificate;
use orgate_storage::system::OrgHint;
use orgate_storage::{Group, OrgScope, Role};

use crate::apply::{
    Kind, Place, Placed, Secret, Wanted, WantedConnection, WantedGroup, WantedOrganization, WantedRole,
};
use crate::configure::{find_blueprints, first_roles};
use crate::{Env, Failure};

/// An organization of another system.
#[derive(Debug, Default)]
pub struct ForeignOrganization {
    /// What it is called by programs.
    pub name: String,
    /// What it is called by people.
    pub display_name: Option<String>,
    /// Whether its people may sign in.
    pub enabled: bool,
    /// Its look.
    pub branding: Option<Branding>,
    /// What is kept about it.
    pub attributes: Attributes,
    /// E-mail domains that it proved there.
    pub domains: Vec<String>,
    /// The names of the roles that its people have.
    pub roles: BTreeSet<String>,
    /// Its groups, by name.
    pub groups: BTreeMap<String, ForeignGroup>,
    /// Its identity providers.
    pub connections: Vec<ForeignConnection>,
}

/// A group of another system.
#[derive(Debug, Default, Clone)]
pub struct ForeignGroup {
    /// What it is called by people.
    pub name: String,
    /// The group that it is inside of.
    pub parent: Option<String>,
    /// The names of the roles that its members have by it.
    pub roles: BTreeSet<String>,
}

/// A role of another system.
#[derive(Debug, Default, Clone)]
pub struct ForeignRole {
    /// The permissions that it bundles, as far as they are known.
    pub permissions: BTreeSet<String>,
}

/// An identity provider of an organization of another system.
#[derive(Debug, Clone)]
pub struct ForeignConnection {
    /// What it is called by programs.
    pub name: String,
    /// What it is called by people.
    pub display_name: Option<String>,
    /// Who is at the other end.
    pub vendor: Vendor,
    /// Whether it was in use.
    pub enabled: bool,
    /// The provider, as far as it is known; or why nothing can be made of it.
    pub provider: Result<ProviderSettings, String>,
    /// The secret at it.
    pub secret: Option<Secret>,
}

/// What roles of another system are called here; one that is not named is called as it was there.
#[derive(Debug, Default)]
pub struct RoleNames(BTreeMap<String, Slug>);

/// What there will be.
#[derive(Debug, Default)]
pub struct Translation {
    /// The wanted state.
    pub wanted: Wanted,
    /// What is otherwise than it was, one a line.
    pub notes: Vec<String>,
    /// What stands in the way, one a line.
    pub problems: Vec<String>,
    /// Roles that new organizations begin with.
    first: BTreeSet<Slug>,
}

impl RoleNames {
    /// Of what the import was told.
    pub fn new(names: impl IntoIterator<Item = (String, Slug)>) -> Self {
        Self(names.into_iter().collect())
    }

    /// What a role is called here; `None` if its name leaves nothing to call it by.
    pub fn slug(&self, name: &str) -> Option<Slug> {
        self.0.get(name).cloned().or_else(|| slug(name))
    }
}

/// A short name out of any: lower-case letters, digits, and hyphens for everything else.
pub fn slug(name: &str) -> Option<Slug> {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            text.push(c.to_ascii_lowercase());
        } else if !text.is_empty() && !text.ends_with('-') {
            text.push('-');
        }
    }
    let cut: String = text.chars().take(63).collect();
    Slug::parse(cut.trim_end_matches('-')).ok()
}

/// Says what becomes of organizations, by the roles that they have in common there. Changes nothing.
///
/// # Errors
/// [`Failure`].
pub async fn translate(
    env: &Env,
    organizations: Vec<ForeignOrganization>,
    (roles, names): (&BTreeMap<String, ForeignRole>, &RoleNames),
) -> Result<Translation, Failure> {
    let first = first_roles(find_blueprints(env).await?)?;
    let first = first.into_iter().map(|role| role.blueprint.slug).collect();
    let mut translation = Translation { first, ..Translation::default() };
    let mut slugs: BTreeMap<Slug, String> = BTreeMap::new();
    for organization in organizations {
        let Some(slug) = slug(&organization.name) else {
            translation
                .problems
                .push(format!("the organization {:?}: its name makes no slug", organization.name));
            continue;
        };
        if let Some(other) = slugs.insert(slug.clone(), organization.name.clone()) {
            let text =
                format!("the organizations {other:?} and {:?} would both be {slug}", organization.name);
            translation.problems.push(text);
            continue;
        }
        let there = There::read(env, &slug).await?;
        translation.organization(&slug, organization, (roles, names, &there));
    }
    Ok(translation)
}

/// What is there already: it stays as it is.
#[derive(Default)]
struct There {
    name: Option<DisplayName>,
    roles: Vec<Role>,
    groups: Vec<Group>,
    connections: BTreeSet<Slug>,
    vouched: Vec<DomainName>,
    domains: BTreeSet<String>,
}

impl There {
    async fn read(env: &Env, slug: &Slug) -> Result<Self, Failure> {
        match env.store.resolve(OrgHint::Slug(slug)).await? {
            Some(found) if found.slug == *slug => Self::of(env, &found.scope).await,
            _ => Ok(Self::default()),
        }
    }

    async fn of(env: &Env, scope: &OrgScope) -> Result<Self, Failure> {
        let mut tx = env.store.begin(scope).await?;
        let domains = tx.domains().list().await?;
        let there = Self {
            name: tx.organization().find().await?.map(|organization| organization.name),
            roles: tx.roles().list().await?,
            groups: tx.groups().list().await?,
            connections: tx.connections().list().await?.into_iter().map(|one| one.slug).collect(),
            domains: domains.iter().map(|domain| domain.name.to_string()).collect(),
            vouched: domains
                .into_iter()
                .filter(|domain| domain.challenge.is_none() && domain.verified_at.is_some())
                .map(|domain| domain.name)
                .collect(),
        };
        tx.commit().await?;
        Ok(there)
    }

    /// Whether members of a group have rights over Orgate by it.
    fn gives_reserved(&self, group: &Group) -> bool {
        let slugs = group.role_slugs();
        let given = self.roles.iter().filter(|role| slugs.contains(role.slug.as_str()));
        given.flat_map(|role| &role.permissions).any(|permission| is_reserved(permission))
    }

    const fn is_there(&self) -> bool {
        self.name.is_some()
    }
}

type Given<'a> = (&'a BTreeMap<String, ForeignRole>, &'a RoleNames, &'a There);

impl Translation {
    fn organization(&mut self, slug: &Slug, foreign: ForeignOrganization, (roles, names, there): Given<'_>) {
        let called = foreign.display_name.as_deref().unwrap_or(&foreign.name);
        let Some(name) = there.name.clone().or_else(|| DisplayName::parse(called).ok()) else {
            self.problems.push(format!("the organization {slug}: its name is no name: {called:?}"));
            return;
        };
        let is_new = !there.is_there();
        let held: BTreeSet<&String> =
            foreign.roles.iter().chain(foreign.groups.values().flat_map(|group| &group.roles)).collect();
        let wanted_roles = self.roles(slug, &held, (roles, names, there));
        let wanted_groups = self.groups(slug, &foreign.groups, (names, there));
        let domains = self.domains(slug, &foreign.domains, there);
        let connections = foreign.connections.into_iter();
        let connections: Vec<_> =
            connections.filter_map(|connection| self.connection(slug, connection, there)).collect();
        let status = if foreign.enabled { OrgStatus::Active } else { OrgStatus::Suspended };
        self.wanted.organizations.push(WantedOrganization {
            slug: placed(slug.clone()),
            name,
            parent: None,
            status: is_new.then(|| placed(status)),
            contact: None,
            domains,
            joining: None,
            delegations: None,
            mail_templates: None,
            branding: foreign.branding.filter(|_| is_new),
            attributes: is_new.then_some(foreign.attributes),
            external_id: None,
            policy: None,
            quotas: None,
            blueprints: None,
            ready_roles: true,
            lists: BTreeSet::<Kind>::new(),
            roles: wanted_roles,
            groups: wanted_groups,
            users: Vec::new(),
            connections,
            webhooks: Vec::new(),
            invitations: Vec::new(),
        });
    }

    /// Roles that are there stay as they are; the others are made with what they bundled there.
    fn roles(
        &mut self,
        org: &Slug,
        held: &BTreeSet<&String>,
        (roles, names, there): Given<'_>,
    ) -> Vec<WantedRole> {
        let mut wanted: BTreeMap<Slug, WantedRole> = BTreeMap::new();
        for &name in held {
            let Some(slug) = names.slug(name) else {
                self.problems
                    .push(format!("the role {name:?} of {org}: its name makes no slug; name it with --role"));
                continue;
            };
            let told = names.0.contains_key(name);
            let ready = self.first.contains(&slug);
            if let Some(known) = there.roles.iter().find(|role| role.slug == slug) {
                let reserved = known.permissions.iter().any(|text| is_reserved(text));
                if reserved && !told {
                    self.problems.push(format!(
                        "the role {name:?}: {slug} is there in {org} and gives rights over Orgate; \
                         say with --role {name}={slug} that it is meant, or name another"
                    ));
                }
                continue;
            }
            if ready && told {
                continue; // it is made with the organization
            }
            if ready {
                self.notes.push(format!(
                    "{org}: {slug} is the role that it was there, without rights over Orgate; the one that organizations begin with is not made"
                ));
            }
            let permissions = roles.get(name).map(|role| self.permissions(name, role)).unwrap_or_default();
            let role = wanted.entry(slug.clone()).or_insert_with(|| WantedRole {
                slug: placed(slug),
                name: DisplayName::parse(name).ok(),
                permissions: Some(BTreeSet::new()),
            });
            role.permissions.get_or_insert_default().extend(permissions);
        }
        wanted.into_values().collect()
    }

    /// Those that can be permissions here.
    fn permissions(&mut self, name: &str, role: &ForeignRole) -> BTreeSet<String> {
        let mut permissions = BTreeSet::new();
        for text in &role.permissions {
            match Permission::parse(text) {
                Ok(permission) if !permission.is_reserved() => {
                    permissions.insert(permission.to_string());
                }
                _ => {
                    let note = format!("the role {name:?}: {text:?} is no permission here, and left out");
                    if !self.notes.contains(&note) {
                        self.notes.push(note);
                    }
                }
            }
        }
        permissions
    }

    fn groups(
        &mut self,
        org: &Slug,
        foreign: &BTreeMap<String, ForeignGroup>,
        (names, there): (&RoleNames, &There),
    ) -> Vec<WantedGroup> {
        let mut wanted: BTreeMap<Slug, WantedGroup> = BTreeMap::new();
        for (path, group) in foreign {
            let Some(own) = slug(path) else {
                self.problems.push(format!("the group {path:?} of {org}: its name makes no slug"));
                continue;
            };
            if let Some(known) = there.groups.iter().find(|group| group.slug == own) {
                if there.gives_reserved(known) {
                    self.problems.push(format!(
                        "the group {path:?}: {own} is there in {org} and gives rights over Orgate; call one of them otherwise"
                    ));
                }
                continue;
            }
            let roles = group.roles.iter().filter_map(|role| names.slug(role)).map(placed).collect();
            let parents = group.parent.as_deref().and_then(slug).map(placed).into_iter().collect();
            let made = WantedGroup {
                slug: placed(own.clone()),
                name: DisplayName::parse(&group.name).ok(),
                roles: Some(roles),
                parents: Some(parents),
            };
            if wanted.insert(own.clone(), made).is_some() {
                self.problems.push(format!("two groups of {org} would both be {own}"));
            }
        }
        wanted.into_values().collect()
    }

    /// Those that it has, and those that it had there; `None`: they stay as they are.
    fn domains(&mut self, org: &Slug, foreign: &[String], there: &There) -> Option<Vec<Placed<DomainName>>> {
        let mut domains: Vec<_> = there.vouched.iter().cloned().map(placed).collect();
        let before = domains.len();
        for text in foreign {
            match DomainName::parse(text) {
                Ok(domain) if there.domains.contains(domain.as_str()) => {}
                Ok(domain) => domains.push(placed(domain)),
                Err(_) => self.notes.push(format!("{org}: {text:?} is no domain, and left out")),
            }
        }
        (domains.len() > before).then_some(domains)
    }

    /// One that is complete is in use as it was there; any other waits as a draft for whoever completes it.
    fn connection(
        &mut self,
        org: &Slug,
        foreign: ForeignConnection,
        there: &There,
    ) -> Option<WantedConnection> {
        let Some(slug) = slug(&foreign.name) else {
            self.notes.push(format!(
                "the connection {:?} of {org}: its name makes no slug; left out",
                foreign.name
            ));
            return None;
        };
        if there.connections.contains(&slug) {
            return None;
        }
        let provider = match foreign.provider {
            Ok(provider) => provider,
            Err(why) => {
                self.notes.push(format!("the connection {slug} of {org} is left out: {why}"));
                return None;
            }
        };
        let mapping = AttributeMapping::preset(foreign.vendor, provider.protocol());
        let (rules, jit) = (Vec::new(), Jit::default());
        let settings = ConnectionSettings { provider, mapping, rules, jit, trusts_addresses: false };
        if let Err(problem) = settings.check() {
            self.notes.push(format!("the connection {slug} of {org} is left out: {problem}"));
            return None;
        }
        let missing = match &settings.provider {
            ProviderSettings::Oidc(oidc) if oidc.authentication == OidcAuthentication::PrivateKeyJwt => {
                Some("its provider does not know our key yet")
            }
            ProviderSettings::Oidc(_) if foreign.secret.is_none() => Some("the export has no secret of it"),
            ProviderSettings::Saml(saml)
                if saml.certificates.iter().any(|text| Certificate::parse(text).is_err()) =>
            {
                Some("a certificate of its provider cannot be read")
            }
            ProviderSettings::Oidc(_) | ProviderSettings::Saml(_) => None,
        };
        let state = match (missing, foreign.enabled) {
            (Some(missing), _) => {
                self.notes.push(format!("the connection {slug} of {org} is a draft: {missing}"));
                ConnectionState::Draft
            }
            (None, true) => ConnectionState::Active,
            (None, false) => ConnectionState::Disabled,
        };
        let secret = foreign.secret.filter(|_| settings.provider.takes_secret());
        Some(WantedConnection {
            slug: placed(slug),
            name: foreign.display_name.as_deref().and_then(|name| DisplayName::parse(name).ok()),
            vendor: Some(foreign.vendor),
            state: Some(state),
            position: None,
            icon_url: None,
            domains: None,
            pilots: None,
            secret,
            settings: placed(settings),
        })
    }
}

/// A value that stands in no file.
fn placed<T>(value: T) -> Placed<T> {
    Placed { value, place: Place { file: Arc::from("import"), line: 1, column: 1 } }
}
