//! Comparing an organization's connections. An operator's word counts as a test.

use std::collections::BTreeSet;

use orgate_domain::audit::Actor;
use orgate_domain::connections::{
    ConnectionProtocol, ConnectionSettings, ConnectionState, OidcAuthentication, ProviderSettings, Vendor,
};
use orgate_domain::domains::VerifiedDomain;
use orgate_domain::email::{DomainName, Email};
use orgate_domain::ids::ConnectionId;
use orgate_domain::names::{DisplayName, Slug};
use orgate_saml::certificate::Certificate;
use orgate_storage::{Authorship, Connection, NewConnectionVersion, OrgScope, OrgTx};

use super::plan::Subject;
use super::planner::{Known, Planner};
use super::wanted::{Placed, Secret, WantedConnection, WantedOrganization};
use crate::configure::Mark;
use crate::federation::saml::settings_of;
use crate::federation::saml_metadata::lead;
use crate::federation::{ConnectionSecrets, Version, version_of};
use crate::vault::VaultError;
use crate::{Env, Failure};

/// A connection as wanted.
#[derive(Debug)]
pub(super) struct WantedState {
    pub(super) connection: Connection,
    /// Its settings and secrets, if they change: a new version.
    pub(super) version: Option<(ConnectionSettings, ConnectionSecrets)>,
    pub(super) domains: Option<Vec<DomainName>>,
    pub(super) pilots: Option<Vec<Email>>,
}

impl WantedState {
    /// Whether the new version proves itself by a secret that it does not have.
    pub(super) fn lacks_secret(&self) -> bool {
        self.version.as_ref().is_some_and(|(settings, secrets)| {
            settings.provider.takes_secret() && secrets.client_secret.is_none()
        })
    }
}

/// A connection that is there, with its latest version.
struct Stored {
    connection: Connection,
    settings: ConnectionSettings,
    secrets: ConnectionSecrets,
    pilots: Vec<String>,
    /// What somebody wrote last, where metadata was followed since.
    written: Option<ConnectionSettings>,
    /// What sign-ins use, where there is a later version that nobody made live.
    live: Option<std::sync::Arc<Version>>,
}

impl Stored {
    /// Whether this is what sign-ins use; what somebody prepares beside it is left to them.
    fn is_live(&self, settings: &ConnectionSettings, secret: Option<&Secret>) -> bool {
        self.live.as_ref().is_some_and(|live| {
            let known = live.secrets.client_secret.as_deref();
            live.settings == *settings && secret.is_none_or(|secret| known == Some(secret.reveal()))
        })
    }
}

/// The slugs of the organization's roles, and of its groups.
pub(super) type Names<'a> = (&'a BTreeSet<&'a Slug>, &'a BTreeSet<&'a Slug>);

impl Planner<'_> {
    /// Compares the connections of an entry with those that are there; those that it does not
    /// name stay as they are.
    pub(super) async fn connections(
        &mut self,
        wanted: &WantedOrganization,
        known: &Known,
        names: Names<'_>,
    ) -> Result<(), Failure> {
        if wanted.connections.is_empty() {
            return Ok(());
        }
        let stored = if known.is_new { Vec::new() } else { read(self.env, &known.scope).await? };
        let mut subjects = Vec::new();
        for connection in &wanted.connections {
            self.check_connection(wanted, connection, names);
            self.check_certificates(connection);
            let stored = stored.iter().find(|stored| stored.connection.slug == connection.slug.value);
            let (mark, state) = match stored {
                Some(stored) => self.changed_connection(connection, stored)?,
                None => (Some(Mark::Created), self.new_connection(connection)?),
            };
            subjects.push((mark, Subject::Connection(Box::new(state))));
        }
        // In a transaction of their own: their secrets rest under a key that is the organization's,
        // which must be there before it.
        self.note_apart((&wanted.slug.value, known.scope), subjects);
        Ok(())
    }

    fn check_connection(
        &mut self,
        org: &WantedOrganization,
        wanted: &WantedConnection,
        (roles, groups): Names<'_>,
    ) {
        let settings = &wanted.settings.value;
        let named = settings.rules.iter().flat_map(|rule| &rule.roles).chain(&settings.jit.default_roles);
        let named = named.map(|role| ("role", role, roles));
        let grouped =
            settings.rules.iter().flat_map(|rule| &rule.groups).map(|group| ("group", group, groups));
        for (what, slug, known) in named.chain(grouped) {
            if !known.iter().any(|known| known.as_str() == slug) {
                let text = format!("{} has no {what} {slug}", org.slug.value);
                self.problems.add(&wanted.settings.place, text);
            }
        }
        for domain in wanted.domains.iter().flatten() {
            let described = org.domains.as_ref();
            if described.is_some_and(|list| list.iter().all(|known| known.value != domain.value)) {
                let text = format!("{} has not the domain {}", org.slug.value, domain.value);
                self.problems.add(&domain.place, text);
            }
        }
    }

    /// Whether signatures could be verified. A draft is nobody's way in: what is missing can be told its setting later.
    fn check_certificates(&mut self, wanted: &WantedConnection) {
        let ProviderSettings::Saml(saml) = &wanted.settings.value.provider else { return };
        if wanted.state == Some(ConnectionState::Draft) {
            return;
        }
        for (place, text) in saml.certificates.iter().enumerate() {
            if let Err(error) = Certificate::parse(text) {
                let text = format!("provider.saml.certificates, number {}: {error}", place + 1);
                self.problems.add(&wanted.settings.place, text);
            }
        }
    }

    fn new_connection(&self, wanted: &WantedConnection) -> Result<WantedState, Failure> {
        let state = wanted.state.unwrap_or(ConnectionState::Active);
        let settings = wanted.settings.value.clone();
        let live = (state != ConnectionState::Draft).then_some(1);
        let connection = Connection {
            id: ConnectionId::from_uuid(self.env.random.uuid(self.env.clock.now())?),
            slug: wanted.slug.value.clone(),
            name: name_of(wanted)?,
            vendor: wanted.vendor.unwrap_or(Vendor::Custom),
            protocol: settings.protocol(),
            state,
            position: wanted.position.unwrap_or_default(),
            icon_url: wanted.icon_url.clone(),
            live_version: live,
            tested_version: live,
            latest_version: 1,
            domains: Vec::new(),
        };
        let secrets = secrets_of(wanted, &settings, ConnectionSecrets::default())?;
        Ok(WantedState {
            connection,
            version: Some((settings, secrets)),
            domains: wanted.domains.as_ref().map(|list| values(list)),
            pilots: wanted.pilots.as_ref().map(|list| values(list)),
        })
    }

    fn changed_connection(
        &mut self,
        wanted: &WantedConnection,
        stored: &Stored,
    ) -> Result<(Option<Mark>, WantedState), Failure> {
        let now = &stored.connection;
        let settings = led(&wanted.settings.value, stored);
        if settings.protocol() != now.protocol {
            let text = "a connection keeps its protocol; describe another connection, and disable this one";
            self.problems.add(&wanted.settings.place, text);
        }
        // What somebody prepares beside what is live, and its secret, is not what the file goes on from.
        let before = match &stored.live {
            Some(live) if settings != stored.settings => live.secrets.clone(),
            _ => stored.secrets.clone(),
        };
        let secrets = secrets_of(wanted, &settings, before)?;
        let stays = stored.is_live(&settings, wanted.secret.as_ref());
        let changes = !stays && (settings != stored.settings || secrets != stored.secrets);
        let latest_version = now.latest_version + i32::from(changes);
        let state = wanted.state.unwrap_or(now.state);
        // A draft is nobody's way in, and so is what was switched off before it ever was one.
        let goes_live = matches!(state, ConnectionState::Active | ConnectionState::Pilot)
            || now.live_version.is_some()
            || (changes && state != ConnectionState::Draft);
        let (live_version, tested_version) = if stays || !goes_live {
            (now.live_version, now.tested_version)
        } else {
            (Some(latest_version), Some(latest_version))
        };
        let connection = Connection {
            name: name_of(wanted)?,
            vendor: wanted.vendor.unwrap_or(now.vendor),
            state,
            position: wanted.position.unwrap_or(now.position),
            icon_url: wanted.icon_url.clone().or_else(|| now.icon_url.clone()),
            live_version,
            tested_version,
            latest_version,
            ..now.clone()
        };
        let differing = |wanted: &Option<Vec<String>>, stored: &[String]| {
            wanted.as_ref().is_some_and(|wanted| wanted.as_slice() != stored)
        };
        let domains = wanted.domains.as_ref().map(|list| values(list));
        let pilots = wanted.pilots.as_ref().map(|list| values(list));
        let text = |list: &Vec<DomainName>| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let names =
            |list: &[VerifiedDomain]| list.iter().map(|reach| reach.name.to_string()).collect::<Vec<_>>();
        let normalized = |list: &Vec<Email>| sorted(list.iter().map(|email| email.normalized().to_owned()));
        let mark = Mark::of([
            ("name", connection.name != now.name),
            ("vendor", connection.vendor != now.vendor),
            ("state", connection.state != now.state),
            ("position", connection.position != now.position),
            ("icon", connection.icon_url != now.icon_url),
            ("settings", changes || now.live_version != live_version),
            ("domains", differing(&domains.as_ref().map(|list| sorted(text(list))), &names(&now.domains))),
            ("pilots", differing(&pilots.as_ref().map(normalized), &stored.pilots)),
        ]);
        let version = changes.then_some((settings, secrets));
        Ok((mark, WantedState { connection, version, domains, pilots }))
    }
}

fn name_of(wanted: &WantedConnection) -> Result<DisplayName, Failure> {
    let corrupt = orgate_storage::StorageError::Corrupt { table: "connections", column: "name" };
    match &wanted.name {
        Some(name) => Ok(name.clone()),
        None => Ok(DisplayName::parse(wanted.slug.value.as_str()).map_err(|_| corrupt)?),
    }
}

fn sorted(values: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut values: Vec<String> = values.into_iter().collect();
    values.sort_unstable();
    values.dedup();
    values
}

fn values<T: Clone>(list: &[Placed<T>]) -> Vec<T> {
    list.iter().map(|placed| placed.value.clone()).collect()
}

/// The secrets of the wanted version: what the file says, over what there was.
fn secrets_of(
    wanted: &WantedConnection,
    settings: &ConnectionSettings,
    before: ConnectionSecrets,
) -> Result<ConnectionSecrets, VaultError> {
    let mut secrets = before;
    if let Some(secret) = &wanted.secret {
        secrets.client_secret = Some(secret.reveal().to_owned());
    }
    let by_assertion = matches!(&settings.provider, ProviderSettings::Oidc(oidc)
        if oidc.authentication == OidcAuthentication::PrivateKeyJwt);
    if by_assertion {
        secrets.ensure_assertion_key()?;
    }
    Ok(secrets)
}

/// What a file wants, with what metadata led to since it was applied: a file that says the same as then takes
/// nothing back.
fn led(wanted: &ConnectionSettings, stored: &Stored) -> ConnectionSettings {
    let ProviderSettings::Saml(saml) = &wanted.provider else { return wanted.clone() };
    let written = stored.written.as_ref().and_then(|written| settings_of(&written.provider));
    let (Some(written), Some(now)) = (written, settings_of(&stored.settings.provider)) else {
        return wanted.clone();
    };
    if saml.metadata_url != now.metadata_url || lead(saml, written) != *saml {
        return wanted.clone();
    }
    ConnectionSettings { provider: ProviderSettings::Saml(lead(saml, now)), ..wanted.clone() }
}

/// The last version that was not made by following metadata, if later ones were.
async fn find_written(tx: &mut OrgTx, id: ConnectionId) -> Result<Option<ConnectionSettings>, Failure> {
    let versions = tx.connections().list_versions(id).await?;
    let followed = versions.iter().take_while(|version| version.author.0 == Actor::System.kind()).count();
    match versions.get(followed) {
        Some(written) if followed > 0 => {
            let found = tx.connections().find_version(id, written.version).await?;
            Ok(found.map(|version| version.settings))
        }
        _ => Ok(None),
    }
}

async fn read(env: &Env, scope: &OrgScope) -> Result<Vec<Stored>, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let mut found = Vec::new();
    for connection in tx.connections().list().await? {
        let pilots = tx.connections().list_pilots(connection.id).await?;
        let written = find_written(&mut tx, connection.id).await?;
        found.push((connection, pilots, written));
    }
    tx.commit().await?;
    let mut stored = Vec::with_capacity(found.len());
    for (connection, pilots, written) in found {
        if connection.latest_version == 0 {
            continue; // never set up: the file does that now, under another slug
        }
        let version = version_of(env, scope, (connection.id, connection.latest_version)).await?;
        let (settings, secrets) = (version.settings.clone(), version.secrets.clone());
        let live = match connection.live_version {
            Some(live) if live != connection.latest_version => {
                Some(version_of(env, scope, (connection.id, live)).await?)
            }
            _ => None,
        };
        stored.push(Stored { connection, settings, secrets, pilots, written, live });
    }
    Ok(stored)
}

/// Writes a connection; `sealed` are the secrets of its new version.
pub(super) async fn save(
    env: &Env,
    tx: &mut OrgTx,
    (mark, state): (&Mark, &WantedState),
    sealed: Option<&[u8]>,
) -> Result<(), Failure> {
    let (connection, at) = (&state.connection, env.clock.now());
    if *mark == Mark::Created {
        let kind = (&connection.slug, connection.protocol);
        tx.connections().insert(connection.id, kind, (&connection.name, connection.vendor), at).await?;
    }
    if let Some((settings, _)) = &state.version {
        let by = Authorship { actor: Actor::Operator, role_ceiling: None, changed: &[] };
        let new =
            NewConnectionVersion { version: connection.latest_version, settings, secrets: sealed, at, by };
        tx.connections().insert_version(connection.id, &new).await?;
    }
    tx.connections().update(connection, at).await?;
    if let Some(live) = connection.live_version {
        tx.connections().save_activated(connection.id, live, at).await?;
    }
    if connection.protocol == ConnectionProtocol::Saml {
        tx.refreshes().hasten(connection.id, at).await?;
    }
    if let Some(domains) = &state.domains {
        tx.connections().replace_domains(connection.id, domains).await?;
    }
    if let Some(pilots) = &state.pilots {
        tx.connections().replace_pilots(connection.id, pilots).await?;
    }
    Ok(())
}

impl WantedConnection {
    /// A secret that nobody asked for would be kept without use.
    pub(super) const fn takes_secret(&self) -> bool {
        self.settings.value.provider.takes_secret()
    }

    /// The secret, for the check above.
    pub(super) const fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }
}
