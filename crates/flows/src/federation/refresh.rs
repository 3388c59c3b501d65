//! Looking after SAML connections: their identity providers' metadata on schedule, and the expiry of
//! their certificates.
//!
//! **Invariant:** metadata alone never changes whom a connection trusts: new keys are taken over only
//! where a key that is trusted already signed the metadata, or somebody approved them.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::connections::{
    ConnectionSettings, ConnectionState, GroupRoles, ProviderSettings, RoleSlugs, SamlSettings, Withheld,
    lowered,
};
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::ConnectionId;
use orgate_saml::certificate::Certificate;
use orgate_saml::metadata::IdpMetadata;
use orgate_storage::{Authorship, Connection, NewConnectionVersion, OrgScope, OrgTx, Refresh, StorageError};
use url::Url;

use super::identify::connection_of;
use super::saml::{certificates_of, settings_of};
use super::saml_metadata::{MetadataChange, changes_trust, diff, follow, lead};
use super::version_of;
use crate::notices::{Notice, prepare};
use crate::sealed::Sealed;
use crate::{Env, Failure, events};

/// Metadata is fetched again after this long.
const PAUSE: Duration = Duration::hours(6);

/// After a failure it is tried again after this long.
const RETRY: Duration = Duration::hours(1);

/// A claimed connection is another node's to look after when this much time has passed.
const LEASE: Duration = Duration::minutes(5);

/// Connections that one call looks after.
const BATCH: i64 = 20;

/// Days before a certificate expires at which the organization is told.
const NOTICES: [i64; 3] = [30, 7, 1];

/// Looks after what is due, one connection after the other, so that a schedule of thousands costs the
/// server little and sign-ins nothing; how many there were.
///
/// # Errors
/// [`Failure`], for the claim only: what goes wrong with one connection is kept with it.
pub async fn refresh_due(env: &Env) -> Result<usize, Failure> {
    let now = env.clock.now();
    let due = env.store.claim_refreshes(now, now + LEASE, BATCH).await?;
    for (scope, id) in &due {
        if let Err(failure) = refresh_one(env, scope, *id).await {
            tracing::warn!(connection.id = %id, error = &failure as &dyn std::error::Error, "a connection could not be looked after");
        }
    }
    for days in NOTICES {
        let count = env.store.count_expiring(i32::try_from(days).unwrap_or(i32::MAX)).await?;
        #[expect(clippy::cast_precision_loss, reason = "a count of connections")]
        metrics::gauge!("orgate_connections_with_expiring_certificate", "within_days" => days.to_string())
            .set(count as f64);
    }
    Ok(due.len())
}

/// Looks after one connection.
async fn refresh_one(env: &Env, scope: &OrgScope, id: ConnectionId) -> Result<(), Failure> {
    let mut tx = env.store.begin(scope).await?;
    let connection = tx.connections().find(id).await?;
    let known = tx.refreshes().find(id).await?;
    tx.commit().await?;
    let Some(connection) = connection else { return Ok(()) };
    let mut refresh =
        known.unwrap_or(Refresh { due_at: env.clock.now(), last_error: None, proposed: None, noticed: None });
    let version_number = connection.live_version.unwrap_or(connection.latest_version);
    let idle = connection.state == ConnectionState::Disabled || version_number == 0;
    refresh.due_at = env.clock.now() + PAUSE;
    if idle {
        refresh.noticed = None; // nobody waits for its certificate
        return save(env, scope, (id, &refresh), (Vec::new(), None)).await;
    }
    let version = version_of(env, scope, (id, version_number)).await?;
    let ProviderSettings::Saml(settings) = &version.settings.provider else { return Ok(()) };
    let mut noted = Vec::new();
    let mut current = settings.clone();
    if !refresh.proposed.as_ref().is_some_and(|proposed| is_of(proposed, settings)) {
        refresh.proposed = None;
    }
    if let Some(url) = &settings.metadata_url {
        match fetch(env, url, settings).await {
            Ok(fetched) => {
                let change = Change { env, scope, id, base: version_number, settings: &version.settings };
                current = change.consider(settings, fetched, &mut refresh, &mut noted).await?;
            }
            Err(why) => {
                refresh.due_at = env.clock.now() + RETRY;
                note_failure(&mut refresh, &mut noted, why);
            }
        }
    }
    let expiring = forecast(env, &current, &mut refresh, &mut noted);
    let notice = match expiring {
        Some(expiry) => {
            let told = Notice::certificate_expiring(connection.name.as_str(), expiry, env.clock.now());
            prepare(env, scope, told).await?
        }
        None => None,
    };
    save(env, scope, (id, &refresh), (noted, notice)).await
}

/// Keeps why metadata could not be followed, and notes it once, however often it happens.
fn note_failure(refresh: &mut Refresh, noted: &mut Vec<(&'static str, String)>, why: String) {
    if refresh.last_error.as_ref() != Some(&why) {
        noted.push(("metadata_failed", why.clone()));
    }
    refresh.last_error = Some(why);
}

/// Metadata, and whether a key that is trusted already signed it.
struct Fetched {
    metadata: IdpMetadata,
    is_vouched: bool,
}

async fn fetch(env: &Env, url: &str, settings: &SamlSettings) -> Result<Fetched, String> {
    let url = Url::parse(url).map_err(|_| "the metadata's address does not parse".to_owned())?;
    let reply = env
        .outgoing
        .get(&url, "application/samlmetadata+xml, application/xml;q=0.9, */*;q=0.1")
        .await
        .map_err(|error| error.to_string())?;
    if !reply.status.is_success() {
        return Err(format!("the metadata's address answers {}", reply.status.as_u16()));
    }
    let (certificates, entity_id) = (certificates_of(settings), settings.entity_id.clone());
    let read = move || {
        if let Ok(metadata) = IdpMetadata::parse_signed(&reply.body, Some(&entity_id), &certificates) {
            return Ok(Fetched { metadata, is_vouched: true });
        }
        let metadata =
            IdpMetadata::parse(&reply.body, Some(&entity_id)).map_err(|error| error.to_string())?;
        Ok(Fetched { metadata, is_vouched: false })
    };
    let fetched = env.heavy.run(read).await.map_err(|busy| busy.to_string())?;
    fetched.and_then(|fetched| {
        if fetched.metadata.has_expired(env.clock.now()) {
            return Err("the metadata has expired (validUntil)".to_owned());
        }
        Ok(fetched)
    })
}

/// A connection whose metadata was fetched.
struct Change<'a> {
    env: &'a Env,
    scope: &'a OrgScope,
    id: ConnectionId,
    /// The version that it was compared with.
    base: i32,
    settings: &'a ConnectionSettings,
}

impl Change<'_> {
    /// Takes changes over, or proposes them; the settings that are in force afterwards.
    async fn consider(
        &self,
        settings: &SamlSettings,
        fetched: Fetched,
        refresh: &mut Refresh,
        noted: &mut Vec<(&'static str, String)>,
    ) -> Result<SamlSettings, Failure> {
        let wanted = match follow(settings, &fetched.metadata) {
            Ok(wanted) => wanted,
            Err(error) => {
                note_failure(refresh, noted, error.to_string());
                return Ok(settings.clone());
            }
        };
        let provider = ProviderSettings::Saml(wanted.clone());
        let document = ConnectionSettings { provider, ..self.settings.clone() };
        if let Err(error) = document.check() {
            note_failure(refresh, noted, error.to_string());
            return Ok(settings.clone());
        }
        refresh.last_error = None;
        let changes = diff(settings, &wanted);
        if changes.is_empty() {
            refresh.proposed = None;
            return Ok(settings.clone());
        }
        let fields: Vec<&str> = changes.iter().map(|change| change.field.as_str()).collect();
        if changes_trust(settings, &wanted) && !fetched.is_vouched {
            if refresh.proposed.as_ref() != Some(&document) {
                noted.push(("metadata_proposed", fields.join(" ")));
            }
            refresh.proposed = Some(document);
            return Ok(settings.clone());
        }
        refresh.proposed = None;
        let mut tx = self.env.store.begin(self.scope).await?;
        if take_over(self.env, &mut tx, (self.id, self.base, &document), None).await?.is_none() {
            return Ok(settings.clone()); // it was changed while the metadata was fetched: the next time
        }
        tx.commit().await?;
        noted.push(("metadata_followed", fields.join(" ")));
        Ok(wanted)
    }
}

/// Whether a proposal is still of the address that the settings follow.
fn is_of(proposed: &ConnectionSettings, settings: &SamlSettings) -> bool {
    settings_of(&proposed.provider).is_some_and(|proposed| {
        proposed.metadata_url.is_some() && proposed.metadata_url == settings.metadata_url
    })
}

/// A new version with these settings, live at once where the connection is: what was tested before goes
/// on being what it was, with the provider's own changes. A later version that waits to go live stays the latest.
/// Its number; `None`, with nothing done, if `base` is not what the connection goes by any more.
async fn take_over(
    env: &Env,
    tx: &mut OrgTx,
    (id, base, document): (ConnectionId, i32, &ConnectionSettings),
    bound: Option<&RoleSlugs>,
) -> Result<Option<i32>, Failure> {
    tx.connections().lock(id).await?;
    let Some(mut connection) = tx.connections().find(id).await? else { return Ok(None) };
    if connection.live_version.unwrap_or(connection.latest_version) != base {
        return Ok(None);
    }
    let waiting = connection.latest_version;
    let Some(before) = tx.connections().find_version(id, base).await? else { return Ok(None) };
    let (version, at) = (connection.latest_version + 1, env.clock.now());
    let secrets = before.secrets.as_deref();
    // What it may give stays bound by whoever wrote what it follows.
    let ceiling = before.role_ceiling;
    let ceiling = bound.map(|bound| lowered(ceiling.as_ref(), bound)).or(ceiling);
    // Whoever approved it is in the event: files are compared with what somebody wrote, and not with what was followed.
    let by = Authorship { actor: Actor::System, role_ceiling: ceiling.as_ref(), changed: &["provider"] };
    tx.connections()
        .insert_version(id, &NewConnectionVersion { version, settings: document, secrets, at, by })
        .await?;
    if connection.live_version.is_some() {
        connection.live_version = Some(version);
        tx.connections().save_activated(id, version, at).await?;
    }
    if connection.tested_version == Some(base) {
        connection.tested_version = Some(version);
    }
    if waiting != base {
        repeat(tx, &mut connection, (waiting, version + 1), at).await?;
    }
    tx.connections().update(&connection, at).await?;
    Ok(Some(version))
}

/// Writes a version again under the next number.
async fn repeat(
    tx: &mut OrgTx,
    connection: &mut Connection,
    (from, to): (i32, i32),
    at: DateTime<Utc>,
) -> Result<(), Failure> {
    let Some(same) = tx.connections().find_version(connection.id, from).await? else { return Ok(()) };
    let by = Authorship { actor: Actor::System, role_ceiling: same.role_ceiling.as_ref(), changed: &[] };
    let (settings, secrets) = (&same.settings, same.secrets.as_deref());
    let again = NewConnectionVersion { version: to, settings, secrets, at, by };
    tx.connections().insert_version(connection.id, &again).await?;
    if connection.tested_version == Some(from) {
        connection.tested_version = Some(to);
    }
    Ok(())
}

/// What waits for approval.
#[derive(Debug)]
pub struct Proposal {
    /// What it changes.
    pub changes: Vec<MetadataChange>,
    /// The provider's side that is in force.
    pub present: SamlSettings,
    /// What it would be.
    pub wanted: SamlSettings,
    id: ConnectionId,
    base: i32,
    document: ConnectionSettings,
    role_ceiling: Option<RoleSlugs>,
    /// As it is stored.
    stored: ConnectionSettings,
}

impl Proposal {
    /// Names this proposal alone: another connection's, or this one's once either side of it was changed, has
    /// another digest.
    pub fn digest(&self) -> String {
        let named = serde_json::json!([self.id.to_string(), self.base, self.document]);
        BASE64_URL_SAFE_NO_PAD.encode(SecretHash::of(named.to_string().as_bytes()).as_bytes())
    }

    /// What the connection gives now and would not give if somebody approved who may give `bound` alone.
    pub fn lost_below(&self, bound: &RoleSlugs, known: &GroupRoles) -> Withheld {
        self.document.lost_below(self.role_ceiling.as_ref(), bound, known)
    }

    /// What the log says of its approval: who is trusted from then on, and who no more, to the certificate.
    fn detail(&self, version: i32) -> Vec<(&'static str, String)> {
        let fields: Vec<_> = self.changes.iter().map(|change| change.field.as_str()).collect();
        let only = |these: &SamlSettings, others: &SamlSettings| {
            let only = these.certificates.iter().filter(|text| !others.certificates.contains(text));
            let read = only.filter_map(|text| Certificate::parse(text).ok());
            read.map(|certificate| certificate.fingerprint()).collect::<Vec<_>>().join(" ")
        };
        vec![
            ("change", "metadata_approved".to_owned()),
            ("version", version.to_string()),
            ("fields", fields.join(" ")),
            ("trusted", only(&self.wanted, &self.present)),
            ("distrusted", only(&self.present, &self.wanted)),
        ]
    }
}

/// Finds what waits for approval, as it would change the connection now.
///
/// # Errors
/// [`Failure`].
pub async fn find_proposal(
    env: &Env,
    scope: &OrgScope,
    id: ConnectionId,
) -> Result<Option<Proposal>, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let proposal = proposal_in(&mut tx, id).await?;
    tx.commit().await?;
    Ok(proposal)
}

/// The same, in a transaction that goes on.
pub(crate) async fn proposal_in(tx: &mut OrgTx, id: ConnectionId) -> Result<Option<Proposal>, StorageError> {
    let proposed = tx.refreshes().find(id).await?.and_then(|refresh| refresh.proposed);
    let Some(proposed) = proposed else { return Ok(None) };
    let Some(connection) = tx.connections().find(id).await? else { return Ok(None) };
    let base = connection.live_version.unwrap_or(connection.latest_version);
    let Some(version) = tx.connections().find_version(id, base).await? else { return Ok(None) };
    let role_ceiling = version.role_ceiling;
    let (ProviderSettings::Saml(present), Some(followed)) =
        (version.settings.provider.clone(), settings_of(&proposed.provider))
    else {
        return Ok(None);
    };
    let wanted = lead(&present, followed);
    let changes = diff(&present, &wanted);
    if !is_of(&proposed, &present) || changes.is_empty() {
        return Ok(None);
    }
    let document =
        ConnectionSettings { provider: ProviderSettings::Saml(wanted.clone()), ..version.settings };
    Ok(Some(Proposal { changes, present, wanted, id, base, document, role_ceiling, stored: proposed }))
}

/// Takes over what waits for approval, if it is what was looked at.
///
/// # Errors
/// [`Failure`]. `false`, with nothing done, if the connection or the proposal was changed meanwhile.
pub async fn approve(
    env: &Env,
    scope: &OrgScope,
    (id, proposal): (ConnectionId, &Proposal),
    actor: Actor,
) -> Result<bool, Failure> {
    let event = events::done(env, Action::ConnectionConfigured, &Origin::default())?;
    let mut tx = env.store.begin(scope).await?;
    let Some(found) = find_seen(&mut tx, (id, &proposal.digest())).await? else { return Ok(false) };
    let Some(detail) = accept(env, &mut tx, &found, None).await? else { return Ok(false) };
    let detail = [connection_of(id), detail].concat();
    tx.audit().insert(&Event { actor, detail, ..event }).await?;
    Ok(tx.commit().await.map(|()| true)?)
}

/// What waits for approval, if it is what was looked at: `seen` is its [`Proposal::digest`]. The connection stays as
/// it is until the transaction ends.
pub(crate) async fn find_seen(
    tx: &mut OrgTx,
    (id, seen): (ConnectionId, &str),
) -> Result<Option<Proposal>, StorageError> {
    tx.connections().lock(id).await?;
    Ok(proposal_in(tx, id).await?.filter(|found| found.digest() == seen))
}

/// Puts what waits in the place of what is in force; from then on the connection gives nothing beyond `bound`. What the
/// event says, which the caller writes; `None` if it is of something that is not in force any more.
pub(crate) async fn accept(
    env: &Env,
    tx: &mut OrgTx,
    proposal: &Proposal,
    bound: Option<&RoleSlugs>,
) -> Result<Option<Vec<(&'static str, String)>>, Failure> {
    let about = (proposal.id, proposal.base, &proposal.document);
    let Some(version) = take_over(env, tx, about, bound).await? else { return Ok(None) };
    tx.refreshes().settle(proposal.id, &proposal.stored).await?;
    Ok(Some(proposal.detail(version)))
}

/// Notes a certificate that expires soon, once for each of [`NOTICES`]: when it does.
fn forecast(
    env: &Env,
    settings: &SamlSettings,
    refresh: &mut Refresh,
    noted: &mut Vec<(&'static str, String)>,
) -> Option<DateTime<Utc>> {
    let certificates = settings.certificates.iter().filter_map(|text| Certificate::parse(text).ok());
    // While there is a later one, the earlier one is on its way out and nobody has to act.
    let expiry: DateTime<Utc> = certificates.map(|certificate| certificate.not_after()).max()?;
    let left = expiry - env.clock.now();
    let due = NOTICES.into_iter().rev().find(|days| left <= Duration::days(*days));
    let Some(days) = due.and_then(|days| i32::try_from(days).ok()) else {
        refresh.noticed = None;
        return None;
    };
    let given = refresh.noticed.filter(|(_, of)| *of == expiry).map(|(days, _)| days);
    if given.is_none_or(|given| days < given) {
        refresh.noticed = Some((days, expiry));
        noted.push(("certificate_expiring", format!("{} on {}", days, expiry.format("%Y-%m-%d"))));
        return Some(expiry);
    }
    None
}

async fn save(
    env: &Env,
    scope: &OrgScope,
    (id, refresh): (ConnectionId, &Refresh),
    (noted, notice): (Vec<(&'static str, String)>, Option<Sealed>),
) -> Result<(), Failure> {
    let mut tx = env.store.begin(scope).await?;
    tx.refreshes().save(id, refresh).await?;
    if let Some(notice) = notice {
        notice.send(&mut tx).await?;
    }
    for (reason, what) in noted {
        let event = events::done(env, Action::ConnectionWatched, &Origin::default())?;
        let detail = [connection_of(id), vec![("what", what)]].concat();
        tx.audit().insert(&Event { actor: Actor::System, reason: Some(reason), detail, ..event }).await?;
        metrics::counter!("orgate_connection_notices_total", "reason" => reason).increment(1);
    }
    Ok(tx.commit().await?)
}
