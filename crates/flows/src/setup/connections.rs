//! The connections of an organization as its set-up sees them, and new versions of them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use orgate_domain::audit::{Action, Origin};
use orgate_domain::connections::{
    ConnectionProtocol, ConnectionRefusal, ConnectionSettings, ConnectionState, Vendor,
};
use orgate_domain::domains::{OrgDomain, VerifiedDomain};
use orgate_domain::ids::ConnectionId;
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::policies::SsoEnforcement;
use orgate_domain::quotas::Quota;
use orgate_domain::setup::SetupPurpose;
use orgate_storage::{
    Authorship, Connection, Group, NewConnectionVersion, OrgTx, Role, StorageError, StoredTrace,
    VersionSummary,
};

use super::proposals::{Proposal, waiting};
use super::{NotYet, Setup, SetupError, Stale};
use crate::federation::begin::{BeginError, Departure, begin_test};
use crate::federation::refresh::proposal_in;
use crate::federation::{ConnectionSecrets, Version, version_of};
use crate::limits::Limited;
use crate::quotas::check_room;
use crate::{Browser, Env, Failure};

/// Traces that are looked through for the last test.
const RECENT: i64 = 50;

/// Everything that the pages of one connection show.
#[derive(Debug)]
pub struct Detail {
    /// The connection.
    pub connection: Connection,
    /// Its latest version, once there is one.
    pub latest: Option<Arc<Version>>,
    /// Every version, latest first.
    pub versions: Vec<VersionSummary>,
    /// The addresses that its pilot lists.
    pub pilots: Vec<String>,
    /// The organization's verified domains.
    pub domains: Vec<VerifiedDomain>,
    /// The organization's roles.
    pub roles: Vec<Role>,
    /// The organization's groups.
    pub groups: Vec<Group>,
    /// Who must sign in through a connection.
    pub enforcement: SsoEnforcement,
    /// Recent traces, latest first.
    pub traces: Vec<StoredTrace>,
    /// What its metadata proposes and nobody took over yet.
    pub proposal: Option<Proposal>,
}

/// What the start shows.
#[derive(Debug)]
pub struct Overview {
    /// The connections.
    pub connections: Vec<Connection>,
    /// Those whose metadata proposes something.
    pub waiting: Vec<ConnectionId>,
    /// The organization's verified domains.
    pub domains: Vec<VerifiedDomain>,
}

/// A new version of a connection, on top of the one that the form was made of.
#[derive(Debug)]
pub struct NewSettings {
    /// The connection.
    pub id: ConnectionId,
    /// The latest version when the form was made.
    pub seen: i32,
    /// What it is to be.
    pub settings: ConnectionSettings,
    /// With which secrets.
    pub secrets: ConnectionSecrets,
    /// What changes: `provider`, `mapping`.
    pub changed: &'static [&'static str],
}

/// A connection that is made with its first settings.
pub(crate) struct NewConnection<'a> {
    pub(crate) id: ConnectionId,
    pub(crate) name: &'a DisplayName,
    pub(crate) vendor: Vendor,
    pub(crate) settings: &'a ConnectionSettings,
    /// Its secrets, encrypted.
    pub(crate) secrets: Option<&'a [u8]>,
}

/// Every domain of the organization, claimed or verified, whatever the link is for.
///
/// # Errors
/// [`SetupError`].
pub async fn org_domains(env: &Env, setup: &Setup) -> Result<Vec<OrgDomain>, SetupError> {
    let mut tx = env.store.begin(&setup.scope).await?;
    let domains = tx.domains().list().await?;
    tx.commit().await?;
    Ok(domains)
}

/// The organization's connections and domains.
///
/// # Errors
/// [`SetupError`].
pub async fn overview(env: &Env, setup: &Setup) -> Result<Overview, SetupError> {
    let mut tx = env.store.begin(&setup.scope).await?;
    let domains = tx.domains().list_verified().await?;
    let (connections, waiting) = if setup.is_for(SetupPurpose::Sso) {
        (tx.connections().list().await?, waiting(&mut tx).await?)
    } else {
        (Vec::new(), Vec::new())
    };
    tx.commit().await?;
    Ok(Overview { connections, waiting, domains })
}

/// One connection with everything about it.
///
/// # Errors
/// [`SetupError::Missing`].
pub async fn detail(env: &Env, setup: &Setup, id: ConnectionId) -> Result<Detail, SetupError> {
    let mut tx = setup.begin(env, SetupPurpose::Sso).await?;
    let connection = tx.connections().find(id).await?.ok_or(SetupError::Missing)?;
    let versions = tx.connections().list_versions(id).await?;
    let pilots = tx.connections().list_pilots(id).await?;
    let domains = tx.domains().list_verified().await?;
    let (roles, groups) = (tx.roles().list().await?, tx.groups().list().await?);
    let traces = tx.upstream().list_traces(id, RECENT).await?;
    let proposal = proposal_in(&mut tx, id).await?;
    tx.commit().await?;
    let enforcement = env.configuration.policy(&env.store, &setup.scope).await?.sso_enforcement;
    let latest = match connection.latest_version {
        0 => None,
        version => Some(version_of(env, &setup.scope, (id, version)).await?),
    };
    Ok(Detail { connection, latest, versions, pilots, domains, roles, groups, enforcement, traces, proposal })
}

/// Begins a connection: a draft without settings.
///
/// # Errors
/// [`SetupError`].
pub async fn create_draft(
    env: &Env,
    setup: &Setup,
    (vendor, protocol): (Vendor, ConnectionProtocol),
    name: &str,
    origin: &Origin,
) -> Result<ConnectionId, SetupError> {
    let name = DisplayName::parse(name).map_err(|error| SetupError::invalid("name", error.to_string()))?;
    let now = env.clock.now();
    let id = ConnectionId::from_uuid(env.random.uuid(now).map_err(Failure::from)?);
    let mut tx = setup.begin(env, SetupPurpose::Sso).await?;
    let detail = insert_draft(&mut tx, id, ((&name, vendor), protocol), now).await?;
    setup.commit((env, origin), tx, (Action::ConnectionConfigured, id), detail).await?;
    Ok(id)
}

/// Makes a connection with its first settings, still a draft, and commits.
pub(crate) async fn create(
    (env, origin): (&Env, &Origin),
    setup: &Setup,
    mut tx: OrgTx,
    new: &NewConnection<'_>,
) -> Result<(), SetupError> {
    let now = env.clock.now();
    let kind = ((new.name, new.vendor), new.settings.protocol());
    let mut detail = insert_draft(&mut tx, new.id, kind, now).await?;
    let ceiling = setup.ceiling_in(env, &mut tx).await?;
    let by =
        Authorship { actor: setup.actor(), role_ceiling: Some(&ceiling), changed: &["provider", "mapping"] };
    let first =
        NewConnectionVersion { version: 1, settings: new.settings, secrets: new.secrets, at: now, by };
    insert_version(&mut tx, new.id, &first).await?;
    detail.push(("version", "1".to_owned()));
    setup.commit((env, origin), tx, (Action::ConnectionConfigured, new.id), detail).await
}

/// Puts a draft where there is room for it; what its event says.
async fn insert_draft(
    tx: &mut OrgTx,
    id: ConnectionId,
    ((name, vendor), protocol): ((&DisplayName, Vendor), ConnectionProtocol),
    now: DateTime<Utc>,
) -> Result<Vec<(&'static str, String)>, SetupError> {
    // Two who make one at once would each find room, and the same name.
    tx.organization().lock().await?;
    let known = tx.connections().list().await?;
    check_room(tx, Quota::Connections, known.len())
        .await?
        .map_err(|full| SetupError::NotYet(NotYet::NoRoom(full)))?;
    let slug = free_slug(vendor, &known)?;
    tx.connections().insert(id, (&slug, protocol), (name, vendor), now).await?;
    Ok(vec![
        ("change", "created".to_owned()),
        ("slug", slug.to_string()),
        ("vendor", vendor.as_str().to_owned()),
        ("protocol", protocol.as_str().to_owned()),
    ])
}

/// Adds a version; metadata that it says where to find is looked at soon.
async fn insert_version(
    tx: &mut OrgTx,
    id: ConnectionId,
    new: &NewConnectionVersion<'_>,
) -> Result<(), SetupError> {
    tx.connections().insert_version(id, new).await?;
    if new.settings.protocol() == ConnectionProtocol::Saml {
        tx.refreshes().hasten(id, new.at).await?;
    }
    Ok(())
}

/// The vendor's name, with a number where it is taken.
fn free_slug(vendor: Vendor, known: &[Connection]) -> Result<Slug, SetupError> {
    let base = match vendor {
        Vendor::Custom => "sso",
        vendor => vendor.as_str(),
    };
    let corrupt = StorageError::Corrupt { table: "connections", column: "slug" };
    let numbered = (2..).map(|number: u32| format!("{base}-{number}"));
    let mut free = std::iter::once(base.to_owned())
        .chain(numbered)
        .filter(|text| known.iter().all(|connection| connection.slug.as_str() != text));
    free.next().and_then(|text| Slug::parse(&text).ok()).ok_or_else(|| corrupt.into())
}

/// Adds a version. Nobody signs in by it until it was tested and went live; `false` if there is nothing new
/// in it.
///
/// # Errors
/// [`SetupError`]; [`SetupError::Stale`] if there is a later version than the form was made of.
pub async fn save_settings(
    env: &Env,
    setup: &Setup,
    new: &NewSettings,
    origin: &Origin,
) -> Result<bool, SetupError> {
    new.settings.check()?;
    let mut tx = setup.begin(env, SetupPurpose::Sso).await?;
    take((env, setup), &mut tx, (new.id, new.seen)).await?;
    tx.commit().await?;
    let unchanged = new.seen > 0 && {
        let before = version_of(env, &setup.scope, (new.id, new.seen)).await?;
        before.settings == new.settings && before.secrets == new.secrets
    };
    let sealed = new.secrets.seal(env, &setup.scope, new.id).await.map_err(Failure::from)?;
    let now = env.clock.now();
    let mut tx = setup.begin(env, SetupPurpose::Sso).await?;
    let mut connection = take((env, setup), &mut tx, (new.id, new.seen)).await?;
    if connection.protocol != new.settings.protocol() {
        return Err(SetupError::NotYet(NotYet::State));
    }
    if unchanged {
        return Ok(false);
    }
    let version = new.seen + 1;
    let ceiling = setup.ceiling_in(env, &mut tx).await?;
    let by = Authorship { actor: setup.actor(), role_ceiling: Some(&ceiling), changed: new.changed };
    let secrets = sealed.as_deref();
    let written = NewConnectionVersion { version, settings: &new.settings, secrets, at: now, by };
    insert_version(&mut tx, new.id, &written).await?;
    if connection.state == ConnectionState::Tested {
        connection.state = ConnectionState::Draft;
    }
    tx.connections().update(&connection, now).await?;
    let detail = vec![("change", new.changed.join(" ")), ("version", version.to_string())];
    setup.commit((env, origin), tx, (Action::ConnectionConfigured, new.id), detail).await?;
    Ok(true)
}

/// The connection, for this transaction alone, if `seen` is still its latest version.
pub(super) async fn take(
    (env, setup): (&Env, &Setup),
    tx: &mut OrgTx,
    (id, seen): (ConnectionId, i32),
) -> Result<Connection, SetupError> {
    if !tx.connections().lock(id).await? {
        return Err(SetupError::Missing);
    }
    setup.recheck(env, tx).await?;
    let connection = tx.connections().find(id).await?.ok_or(SetupError::Missing)?;
    if connection.latest_version != seen {
        let latest = tx.connections().list_versions(id).await?.into_iter().next();
        let by_this_link = latest.as_ref().is_some_and(|version| setup.wrote(version));
        return Err(SetupError::Stale(Box::new(Stale { latest, by_this_link })));
    }
    Ok(connection)
}

/// Sends the browser to the identity provider for a dry run of the latest version.
///
/// # Errors
/// [`SetupError`], or what [`begin_test`] says.
pub async fn test(
    env: &Env,
    setup: &Setup,
    id: ConnectionId,
    browser: &Browser,
) -> Result<Result<Departure, BeginError>, SetupError> {
    env.limits.take(Limited::Pages, browser.origin.address).map_err(Failure::from)?;
    let mut tx = setup.begin(env, SetupPurpose::Sso).await?;
    let connection = tx.connections().find(id).await?.ok_or(SetupError::Missing)?;
    setup.note_use(env, &mut tx).await?;
    tx.commit().await?;
    if connection.latest_version == 0 {
        return Err(SetupError::NotYet(NotYet::NoSettings));
    }
    if connection.state == ConnectionState::Disabled {
        return Ok(Err(BeginError::Refused(ConnectionRefusal::Inactive)));
    }
    Ok(begin_test(env, &setup.scope, id, browser).await)
}
