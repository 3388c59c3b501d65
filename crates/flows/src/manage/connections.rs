//! Connections, set up by administrators themselves: by the rules of [`crate::setup`].

mod condition;
mod refusals;

use std::collections::BTreeSet;
use std::sync::Arc;

use orgate_domain::connections::{
    AttributeMapping, ConnectionProtocol, ConnectionSettings, ConnectionState, Jit, ProviderSettings,
    RoleRule, SamlSettings, Vendor,
};
use orgate_domain::ids::ConnectionId;
use orgate_domain::names::DisplayName;
use orgate_domain::setup::SetupPurpose;
use orgate_storage::{Connection, Group, OrgTx, Page, PageOf, Role};

pub use condition::{Condition, find_condition, list_conditions};

use super::change::Change;
use super::{Caller, ChangeError, Once, paged};
use crate::federation::ceiling::group_roles;
use crate::federation::saml::{entity_id, settings_of};
use crate::federation::{ConnectionSecrets, Version, address, version_of};
use crate::setup::connections::{NewConnection, NewSettings, create, save_settings};
use crate::setup::provider::{
    OidcInput, SamlInput, SamlSource, first_settings, provided_oidc, provided_saml,
};
pub use crate::setup::rollout::{MAX_PILOTS, Profile, Proof};
use crate::setup::rollout::{save_profile, switch, take_live};
use crate::setup::{Setup, SetupError};
use crate::{Env, Failure};

/// Bytes of a client secret at most.
const MAX_SECRET: usize = 1024;

/// A connection, with all that may be seen of it.
#[derive(Debug)]
pub struct ShownConnection {
    /// What is no matter of versions.
    pub connection: Connection,
    /// The addresses that its pilot lists, in order.
    pub pilots: Vec<String>,
    /// Its latest version, once there is one.
    pub latest: Option<Arc<Version>>,
    /// What its provider has to be told.
    pub told: Told,
}

/// What an identity provider has to be told of a connection.
#[derive(Debug)]
pub struct Told {
    /// OpenID Connect: where its answers go.
    pub redirect_uri: String,
    /// OpenID Connect: where it says that somebody signed out.
    pub backchannel_logout_uri: String,
    /// OpenID Connect: the keys of `private_key_jwt`.
    pub jwks_uri: String,
    /// SAML: what we are called, and where our metadata is.
    pub entity_id: String,
    /// SAML: where its answers go.
    pub acs_url: String,
    /// SAML: where sign-outs go.
    pub slo_url: String,
}

/// A connection as wanted.
#[derive(Debug)]
pub struct WantedConnection {
    /// Its name on the sign-in page.
    pub name: DisplayName,
    /// Who is at the other end.
    pub vendor: Vendor,
    /// What it is to be set to.
    pub settings: WantedSettings,
}

/// What a connection is to be set to. What is left out is as suits the vendor.
#[derive(Debug)]
pub struct WantedSettings {
    /// The provider.
    pub provider: WantedProvider,
    /// Which attribute is what.
    pub mapping: Option<AttributeMapping>,
    /// Which values give what.
    pub rules: Vec<RoleRule>,
    /// Whether a first sign-in makes a user.
    pub jit: Option<Jit>,
    /// Whether the provider's word for addresses is taken.
    pub trusts_addresses: Option<bool>,
}

/// A provider as wanted.
#[derive(Debug)]
pub enum WantedProvider {
    /// An OpenID provider.
    Oidc(OidcInput),
    /// A SAML provider.
    Saml(Box<WantedSaml>),
}

/// A SAML provider as wanted.
#[derive(Debug)]
pub struct WantedSaml {
    /// Its side.
    pub input: SamlInput,
    /// The address that its metadata was taken from, as it was read before; `None`: from none.
    pub followed: Option<String>,
    /// Its entity id, where it signs in, and its certificates, as they were read before or are typed.
    pub typed: (Option<String>, Option<String>, Vec<String>),
    /// The authentication context that is asked for and demanded.
    pub authn_context: Option<String>,
    /// The format of `NameID` that is asked for.
    pub name_id_format: Option<String>,
    /// Whether assertions have to be encrypted.
    pub require_encryption: bool,
}

/// A state as wanted.
#[derive(Debug, Clone, Copy)]
pub struct WantedState {
    /// The state.
    pub state: ConnectionState,
    /// The latest version, as it was read: the one that goes live.
    pub version: i32,
    /// What says that it works.
    pub proof: Proof,
}

/// A page of the organization's connections, in the order in which they were made.
///
/// # Errors
/// [`Failure`].
pub async fn list_connections(
    env: &Env,
    caller: &Caller,
    page: PageOf<ConnectionId>,
) -> Result<Page<Connection, ConnectionId>, Failure> {
    let connections = caller.read(env, async |tx| tx.connections().list().await).await?;
    Ok(paged(connections, page, |connection| connection.id))
}

/// One connection; `None` if the organization has none of this id.
///
/// # Errors
/// [`Failure`].
pub async fn find_connection(
    env: &Env,
    caller: &Caller,
    id: ConnectionId,
) -> Result<Option<ShownConnection>, Failure> {
    let scope = &caller.scope;
    let mut tx = env.store.begin(scope).await?;
    let Some(connection) = tx.connections().find(id).await? else { return Ok(None) };
    let pilots = tx.connections().list_pilots(id).await?;
    tx.commit().await?;
    let latest = match connection.latest_version {
        0 => None,
        version => Some(version_of(env, scope, (id, version)).await?),
    };
    let at = |endpoint| address(env, scope, id, endpoint);
    let told = Told {
        redirect_uri: at("/callback"),
        backchannel_logout_uri: at("/backchannel-logout"),
        jwks_uri: at("/jwks"),
        entity_id: entity_id(env, scope, id),
        acs_url: at("/acs"),
        slo_url: at("/slo"),
    };
    Ok(Some(ShownConnection { connection, pilots, latest, told }))
}

/// Makes a connection with its settings: a draft, by which nobody signs in yet.
///
/// # Errors
/// [`ChangeError`].
pub async fn create_connection(
    env: &Env,
    caller: &Caller,
    wanted: WantedConnection,
    once: Option<&Once>,
) -> Result<ShownConnection, ChangeError> {
    let id = caller.conclude(env, Box::pin(make(env, caller, wanted, once))).await?;
    find_connection(env, caller, id).await?.ok_or(ChangeError::Missing)
}

async fn make(
    env: &Env,
    caller: &Caller,
    wanted: WantedConnection,
    once: Option<&Once>,
) -> Result<ConnectionId, ChangeError> {
    // Before anybody else is asked for it.
    if let Some(before) = caller.find_made(env, once).await? {
        return Ok(ConnectionId::from_uuid(before));
    }
    let WantedConnection { name, vendor, settings } = wanted;
    let rights = Rights::of(env, caller).await?;
    let (settings, secrets) = rights.settings(env, caller, (vendor, None), settings).await?;
    let id = ConnectionId::from_uuid(env.random.uuid(env.clock.now())?);
    let sealed = secrets.seal(env, &caller.scope, id).await.map_err(Failure::from)?;
    let mut tx = rights.setup.begin(env, SetupPurpose::Sso).await?;
    if let Some(before) = caller.claim(env, &mut tx, once, id.as_uuid()).await? {
        return Ok(ConnectionId::from_uuid(before));
    }
    let new = NewConnection { id, name: &name, vendor, settings: &settings, secrets: sealed.as_deref() };
    create((env, &caller.origin), &rights.setup, tx, &new).await?;
    Ok(id)
}

/// Sets a connection to something else: a new version, by which nobody signs in before it is made live. `seen` is the latest
/// version, as it was read.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::Stale`] if there is a later version.
pub async fn set_connection(
    env: &Env,
    caller: &Caller,
    (id, seen): (ConnectionId, i32),
    wanted: WantedSettings,
) -> Result<ShownConnection, ChangeError> {
    caller.conclude(env, Box::pin(set(env, caller, (id, seen), wanted))).await?;
    find_connection(env, caller, id).await?.ok_or(ChangeError::Missing)
}

async fn set(
    env: &Env,
    caller: &Caller,
    (id, seen): (ConnectionId, i32),
    wanted: WantedSettings,
) -> Result<(), ChangeError> {
    let shown = find_connection(env, caller, id).await?.ok_or(ChangeError::Missing)?;
    let connection = &shown.connection;
    if connection.latest_version != seen {
        return Err(ChangeError::Stale);
    }
    if wanted.provider.protocol() != connection.protocol {
        let detail = "a connection keeps its protocol; make another one, and disable this one";
        return Err(ChangeError::invalid("/settings/provider", detail));
    }
    let rights = Rights::of(env, caller).await?;
    let before = (connection.vendor, shown.latest.as_deref());
    let (settings, secrets) = rights.settings(env, caller, before, wanted).await?;
    let new = NewSettings { id, seen, settings, secrets, changed: &["provider", "mapping"] };
    save_settings(env, &rights.setup, &new, &caller.origin).await?;
    Ok(())
}

/// Changes what of a connection is no matter of versions: `edit` is shown what it is, and says what it is to be.
///
/// # Errors
/// [`ChangeError`], also what `edit` says.
pub async fn update_connection(
    env: &Env,
    caller: &Caller,
    id: ConnectionId,
    edit: impl FnOnce(&ShownConnection) -> Result<Profile, ChangeError>,
) -> Result<ShownConnection, ChangeError> {
    let change = async {
        let shown = find_connection(env, caller, id).await?.ok_or(ChangeError::Missing)?;
        let wanted = edit(&shown)?;
        let setup = caller.sets_up(BTreeSet::new()); // gives nothing
        save_profile(env, &setup, (&shown.connection, &shown.pilots), &wanted, &caller.origin).await?;
        find_connection(env, caller, id).await?.ok_or(ChangeError::Missing)
    };
    caller.conclude(env, change).await
}

/// Moves a connection on in its life, or switches it off; to do it again changes nothing.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::Stale`] if there is a later version than was read.
pub async fn move_connection(
    env: &Env,
    caller: &Caller,
    id: ConnectionId,
    WantedState { state, version, proof }: WantedState,
) -> Result<ShownConnection, ChangeError> {
    let change = async {
        let shown = find_connection(env, caller, id).await?.ok_or(ChangeError::Missing)?;
        let connection = &shown.connection;
        let is_live = matches!(state, ConnectionState::Pilot | ConnectionState::Active);
        let same = connection.state == state && connection.latest_version == version;
        if same && (!is_live || connection.live_version == Some(version)) {
            return Ok(shown);
        }
        let setup = caller.sets_up(BTreeSet::new()); // gives nothing: who wrote the version said what that gives
        let origin = &caller.origin;
        match state {
            ConnectionState::Active | ConnectionState::Pilot => {
                take_live(env, &setup, (id, version), (state, proof), origin).await?;
            }
            ConnectionState::Disabled | ConnectionState::Draft => {
                switch(env, &setup, (id, version), state, origin).await?;
            }
            ConnectionState::Tested => {
                return Err(ChangeError::invalid(
                    "/state",
                    "a test that goes through makes it so, and nothing else",
                ));
            }
        }
        find_connection(env, caller, id).await?.ok_or(ChangeError::Missing)
    };
    caller.conclude(env, change).await
}

/// What a caller may give by a connection.
struct Rights {
    setup: Setup,
    roles: Vec<Role>,
    groups: Vec<Group>,
}

impl Rights {
    async fn of(env: &Env, caller: &Caller) -> Result<Self, ChangeError> {
        let (caller, _turn) = Change::begin(env, caller, async |_| Ok(())).await?.hand_over().await?;
        let read = async |tx: &mut OrgTx| Ok((tx.roles().list().await?, tx.groups().list().await?));
        let (roles, groups) = caller.read(env, read).await?;
        let given = roles.iter().filter(|role| caller.may_give(role));
        let setup = caller.sets_up(given.map(|role| role.slug.to_string()).collect());
        Ok(Self { setup, roles, groups })
    }

    /// What is wanted as a document, with what is kept secret. Whoever is asked for it is asked outside of any transaction.
    async fn settings(
        &self,
        env: &Env,
        caller: &Caller,
        (vendor, before): (Vendor, Option<&Version>),
        wanted: WantedSettings,
    ) -> Result<(ConnectionSettings, ConnectionSecrets), ChangeError> {
        let WantedSettings { provider, mapping, rules, jit, trusts_addresses } = wanted;
        self.check(before, (&rules, jit.as_ref()))?;
        let (provider, secrets) = self.provider(env, caller, before, provider).await?;
        let first = first_settings(vendor, provider);
        let settings = ConnectionSettings {
            mapping: mapping.unwrap_or(first.mapping),
            rules,
            jit: jit.unwrap_or(first.jit),
            trusts_addresses: trusts_addresses.unwrap_or(first.trusts_addresses),
            provider: first.provider,
        };
        settings.check().map_err(SetupError::from)?;
        Ok((settings, secrets))
    }

    /// Whether what is given exists and is theirs to give. What stays as somebody else wrote it may stay: from now on it
    /// gives no more than they may.
    fn check(
        &self,
        before: Option<&Version>,
        (rules, jit): (&[RoleRule], Option<&Jit>),
    ) -> Result<(), ChangeError> {
        let known = group_roles(&self.groups);
        let defaults = jit.map(|jit| &jit.default_roles);
        let rules_stay = before.is_some_and(|version| version.settings.rules == rules);
        let defaults_stay = before.map(|version| &version.settings.jit.default_roles) == defaults;
        let in_rules = if rules_stay { &[] } else { rules };
        let in_defaults = defaults.filter(|_| !defaults_stay);
        let by_rule = in_rules.iter().flat_map(|rule| &rule.roles).map(|slug| ("/settings/rules", slug));
        let by_default = in_defaults.into_iter().flatten().map(|slug| ("/settings/jit/default_roles", slug));
        for (pointer, slug) in by_rule.chain(by_default) {
            if self.roles.iter().all(|role| role.slug.as_str() != *slug) {
                return Err(ChangeError::invalid(pointer, format!("the organization has no role {slug}")));
            }
            if !self.setup.ceiling().contains(slug) {
                let detail = format!("the role {slug} is not yours to give, or gives what you do not hold");
                return Err(ChangeError::above(pointer, detail));
            }
        }
        let pointer = "/settings/rules";
        for slug in in_rules.iter().flat_map(|rule| &rule.groups) {
            let Some(given) = known.get(slug) else {
                return Err(ChangeError::invalid(pointer, format!("the organization has no group {slug}")));
            };
            if !given.is_subset(self.setup.ceiling()) {
                let detail = format!("the group {slug} comes with roles that are not yours to give");
                return Err(ChangeError::above(pointer, detail));
            }
        }
        Ok(())
    }

    async fn provider(
        &self,
        env: &Env,
        caller: &Caller,
        before: Option<&Version>,
        wanted: WantedProvider,
    ) -> Result<(ProviderSettings, ConnectionSecrets), ChangeError> {
        match wanted {
            WantedProvider::Oidc(input) => {
                check_secret(input.client_secret.as_deref())?;
                if let Some(version) = before.filter(|version| is_as_before(&input, version)) {
                    return Ok((version.settings.provider.clone(), version.secrets.clone()));
                }
                let (oidc, secrets) = provided_oidc(env, before, input, &caller.origin).await?;
                Ok((ProviderSettings::Oidc(oidc), secrets))
            }
            WantedProvider::Saml(wanted) => {
                let saml = before.and_then(|version| settings_of(&version.settings.provider));
                let WantedSaml { input, authn_context, name_id_format, require_encryption, .. } =
                    wanted.chosen(saml)?;
                let saml = provided_saml(env, &self.setup, before, input, &caller.origin).await?;
                let saml = SamlSettings { authn_context, name_id_format, require_encryption, ..saml };
                Ok((ProviderSettings::Saml(saml), ConnectionSecrets::default()))
            }
        }
    }
}

fn check_secret(secret: Option<&str>) -> Result<(), ChangeError> {
    match secret {
        Some(secret) if secret.is_empty() || secret.len() > MAX_SECRET => {
            Err(ChangeError::invalid("/client_secret", format!("1 to {MAX_SECRET} bytes")))
        }
        _ => Ok(()),
    }
}

/// Whether the provider is wanted just as it was: nobody needs to be asked then.
fn is_as_before(input: &OidcInput, version: &Version) -> bool {
    let ProviderSettings::Oidc(oidc) = &version.settings.provider else { return false };
    let is_proven_so = input.proof.is_some_and(|proof| proof.authentication() == Some(oidc.authentication));
    input.client_secret.is_none()
        && is_proven_so
        && input.issuer == oidc.issuer
        && input.client_id == oidc.client_id
        && input.tenants == oidc.tenants
        && input.hosted_domains == oidc.hosted_domains
        && input.scopes.as_ref() == Some(&oidc.scopes)
        && input.algorithms.as_ref() == Some(&oidc.algorithms)
}

impl WantedProvider {
    const fn protocol(&self) -> ConnectionProtocol {
        match self {
            Self::Oidc(_) => ConnectionProtocol::Oidc,
            Self::Saml(_) => ConnectionProtocol::Saml,
        }
    }
}

impl WantedSaml {
    /// With the one way that its side is given by; as it was read before, it stays as it is.
    fn chosen(mut self, before: Option<&SamlSettings>) -> Result<Self, ChangeError> {
        let (entity_id, sso_url, certificates) = std::mem::take(&mut self.typed);
        let is_kept = before.is_some_and(|saml| {
            matches!(self.input.source, SamlSource::Kept)
                && self.followed == saml.metadata_url
                && entity_id.as_ref() == Some(&saml.entity_id)
                && sso_url.as_ref() == Some(&saml.sso_url)
                && certificates == saml.certificates
        });
        if is_kept {
            return Ok(self);
        }
        let at = |field: &str| format!("/settings/provider/saml/{field}");
        let is_document = matches!(self.input.source, SamlSource::Document(..));
        if is_document && self.followed.is_some() {
            return Err(ChangeError::invalid(at("metadata_url"), "leave it out beside metadata"));
        }
        if is_document || self.followed.is_some() {
            for (field, is_given) in
                [("sso_url", sso_url.is_some()), ("certificates", !certificates.is_empty())]
            {
                if is_given {
                    return Err(ChangeError::invalid(at(field), "leave it out: the metadata says it"));
                }
            }
            self.input.entity_id = entity_id;
            if let Some(address) = self.followed.take() {
                self.input.source = SamlSource::Address(address);
            }
            return Ok(self);
        }
        let needed = |field, value: Option<String>| {
            let detail = "give metadata_url, or metadata, or all of entity_id, sso_url and certificates";
            value.ok_or_else(|| ChangeError::invalid(at(field), detail))
        };
        self.input.source = SamlSource::Typed {
            entity_id: needed("entity_id", entity_id)?,
            sso_url: needed("sso_url", sso_url)?,
            certificates: needed("certificates", as_blocks(&certificates))?,
        };
        Ok(self)
    }
}

/// Certificates as one text; `None` if there is none.
fn as_blocks(certificates: &[String]) -> Option<String> {
    let block = |text: &String| {
        if text.contains("-----") {
            return text.clone();
        }
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----")
    };
    (!certificates.is_empty()).then(|| certificates.iter().map(block).collect::<Vec<_>>().join("\n"))
}
