//! For whom a connection is, and since when: domains, pilot, going live, going back, switching off.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use orgate_domain::audit::{Action, Origin};
use orgate_domain::connections::{ConnectionState, lowered};
use orgate_domain::credentials::SecretHash;
use orgate_domain::email::{DomainName, Email};
use orgate_domain::ids::ConnectionId;
use orgate_domain::names::DisplayName;
use orgate_domain::policies::PolicySettings;
use orgate_domain::setup::SetupPurpose;
use orgate_storage::{Authorship, Connection, NewConnectionVersion, OrgTx};

use super::connections::take;
use super::{NotYet, Setup, SetupError, Stale};
use crate::Env;
use crate::configure::Mark;
use crate::end_sessions::{CONNECTION_DISABLED, end_shut_out};
use crate::way_in::{check_way_in, enforcement_in, inherited};

/// Addresses that a pilot lists at most.
pub const MAX_PILOTS: usize = 500;

/// What a list was when its form was made.
pub fn fingerprint<T: AsRef<str>>(list: &[T]) -> String {
    let text = list.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("\n");
    let hash = SecretHash::of(text.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(hash.as_bytes().get(..12).unwrap_or_default())
}

/// The domains of a connection, as [`fingerprint`] takes them.
pub fn texts<D: fmt::Display>(domains: &[D]) -> Vec<String> {
    domains.iter().map(ToString::to_string).collect()
}

fn changed_meanwhile<T>() -> Result<T, SetupError> {
    Err(SetupError::Stale(Box::new(Stale { latest: None, by_this_link: false })))
}

/// Serves exactly these of the organization's verified domains.
///
/// # Errors
/// [`SetupError`].
pub async fn choose_domains(
    env: &Env,
    setup: &Setup,
    (id, seen): (ConnectionId, &str),
    domains: &[DomainName],
    origin: &Origin,
) -> Result<(), SetupError> {
    let mut tx = setup.begin(env, SetupPurpose::Sso).await?;
    tx.connections().lock(id).await?;
    setup.recheck(env, &mut tx).await?;
    let connection = tx.connections().find(id).await?.ok_or(SetupError::Missing)?;
    if fingerprint(&texts(&connection.domains)) != seen {
        return changed_meanwhile();
    }
    serve(&mut tx, id, domains).await?;
    let detail = vec![("change", "domains".to_owned()), ("domains", texts(domains).join(" "))];
    setup.commit((env, origin), tx, (Action::ConnectionConfigured, id), detail).await
}

async fn serve(tx: &mut OrgTx, id: ConnectionId, domains: &[DomainName]) -> Result<(), SetupError> {
    let verified = tx.domains().list_verified().await?;
    if let Some(other) = domains.iter().find(|domain| verified.iter().all(|owned| owned.name != **domain)) {
        return Err(SetupError::invalid("domain", format!("{other} is not verified by your organization.")));
    }
    Ok(tx.connections().replace_domains(id, domains).await?)
}

/// What of a connection is no matter of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name on the sign-in page.
    pub name: DisplayName,
    /// The verified domains that it serves.
    pub domains: Vec<DomainName>,
    /// The addresses that its pilot lists.
    pub pilots: Vec<Email>,
}

/// Changes what differs of a connection that is still as it was seen, with its pilot's addresses.
pub(crate) async fn save_profile(
    env: &Env,
    setup: &Setup,
    (seen, pilots): (&Connection, &[String]),
    wanted: &Profile,
    origin: &Origin,
) -> Result<(), SetupError> {
    let id = seen.id;
    if wanted.pilots.len() > MAX_PILOTS {
        return Err(SetupError::invalid("pilots", format!("A pilot lists at most {MAX_PILOTS} addresses.")));
    }
    let listed: BTreeSet<_> = wanted.pilots.iter().map(Email::normalized).collect();
    let mut tx = setup.begin(env, SetupPurpose::Sso).await?;
    if listed != pilots.iter().map(String::as_str).collect() {
        tx.users().seize(None).await?; // before the connection, which a sign-in may wait for
    }
    tx.connections().lock(id).await?;
    setup.recheck(env, &mut tx).await?;
    let now = tx.connections().find(id).await?.ok_or(SetupError::Missing)?;
    if now != *seen || tx.connections().list_pilots(id).await? != pilots {
        return changed_meanwhile();
    }
    let served: BTreeSet<_> = now.domains.iter().map(|domain| &domain.name).collect();
    let mark = Mark::of([
        ("name", wanted.name != now.name),
        ("domains", wanted.domains.iter().collect::<BTreeSet<_>>() != served),
        ("pilots", listed != pilots.iter().map(String::as_str).collect()),
    ]);
    let Some(mark) = mark else { return Ok(()) };
    let mut detail = vec![("change", mark.detail())];
    if mark.touches("name") {
        let renamed = Connection { name: wanted.name.clone(), ..now };
        tx.connections().update(&renamed, env.clock.now()).await?;
    }
    if mark.touches("domains") {
        serve(&mut tx, id, &wanted.domains).await?;
        detail.push(("domains", texts(&wanted.domains).join(" ")));
    }
    if mark.touches("pilots") {
        tx.connections().replace_pilots(id, &wanted.pilots).await?;
        end_shut_out(env, &mut tx, id, setup.because(CONNECTION_DISABLED, origin)).await?;
        detail.push(("pilots", listed.len().to_string()));
    }
    setup.commit((env, origin), tx, (Action::ConnectionConfigured, id), detail).await
}

/// Lists exactly these addresses in the pilot.
///
/// # Errors
/// [`SetupError`].
pub async fn choose_pilots(
    env: &Env,
    setup: &Setup,
    (id, seen): (ConnectionId, &str),
    typed: &str,
    origin: &Origin,
) -> Result<(), SetupError> {
    let emails = read_addresses(typed)?;
    let mut tx = setup.begin(env, SetupPurpose::Sso).await?;
    tx.users().seize(None).await?; // before the connection, which a sign-in may wait for
    if !tx.connections().lock(id).await? {
        return Err(SetupError::Missing);
    }
    setup.recheck(env, &mut tx).await?;
    if fingerprint(&tx.connections().list_pilots(id).await?) != seen {
        return changed_meanwhile();
    }
    tx.connections().replace_pilots(id, &emails).await?;
    end_shut_out(env, &mut tx, id, setup.because(CONNECTION_DISABLED, origin)).await?;
    let detail = vec![("change", "pilots".to_owned()), ("pilots", emails.len().to_string())];
    setup.commit((env, origin), tx, (Action::ConnectionConfigured, id), detail).await
}

fn read_addresses(typed: &str) -> Result<Vec<Email>, SetupError> {
    let words =
        typed.split(|c: char| c.is_whitespace() || c == ',' || c == ';').filter(|word| !word.is_empty());
    let mut emails: Vec<Email> = Vec::new();
    for word in words {
        let Ok(email) = Email::parse(word) else {
            let shown: String = word.chars().take(80).collect();
            return Err(SetupError::invalid("pilots", format!("{shown} is not an e-mail address.")));
        };
        if !emails.contains(&email) {
            emails.push(email);
        }
    }
    if emails.len() > MAX_PILOTS {
        return Err(SetupError::invalid("pilots", format!("A pilot lists at most {MAX_PILOTS} addresses.")));
    }
    Ok(emails)
}

/// Makes the latest version live, for the pilot's users or for all. It must be the one that the form
/// showed, and have been tested to its end.
///
/// # Errors
/// [`SetupError`].
pub async fn go_live(
    env: &Env,
    setup: &Setup,
    (id, version): (ConnectionId, i32),
    to: ConnectionState,
    origin: &Origin,
) -> Result<(), SetupError> {
    take_live(env, setup, (id, version), (to, Proof::Tested), origin).await
}

/// What says that a version works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A test that went through.
    Tested,
    /// The word of an administrator who cannot have it tested; the event says so.
    Word,
}

/// The same, also of a version that was not tested, where somebody may give their word for it.
pub(crate) async fn take_live(
    env: &Env,
    setup: &Setup,
    (id, version): (ConnectionId, i32),
    (to, proof): (ConnectionState, Proof),
    origin: &Origin,
) -> Result<(), SetupError> {
    if !matches!(to, ConnectionState::Pilot | ConnectionState::Active) {
        return Err(SetupError::NotYet(NotYet::State));
    }
    let above = inherited(env, &setup.scope).await?;
    let mut tx = setup.begin(env, SetupPurpose::Sso).await?;
    tx.users().seize(None).await?; // before the connection, which a sign-in may wait for
    let connection = take((env, setup), &mut tx, (id, version)).await?;
    if version == 0 {
        return Err(SetupError::NotYet(NotYet::NoSettings));
    }
    let untested = connection.tested_version != Some(version);
    if untested && !(proof == Proof::Word && setup.may_skip_test()) {
        return Err(SetupError::NotYet(NotYet::Untested));
    }
    // Their word counts as a test.
    let is_draft = untested && connection.state == ConnectionState::Draft;
    let from = if is_draft { ConnectionState::Tested } else { connection.state };
    if from != to && !from.may_become(to) {
        return Err(SetupError::NotYet(NotYet::State));
    }
    let before = connection.clone();
    let connection = Connection { state: to, live_version: Some(version), ..connection };
    tx.connections().update(&connection, env.clock.now()).await?;
    tx.connections().save_activated(id, version, env.clock.now()).await?;
    end_shut_out(env, &mut tx, id, setup.because(CONNECTION_DISABLED, origin)).await?;
    check_way_out(&mut tx, &above, (&before, &connection)).await?;
    let mut detail = moved(&before, &connection);
    if untested {
        detail.push(("untested", "true".to_owned()));
    }
    setup.commit((env, origin), tx, (Action::ConnectionActivated, id), detail).await
}

/// Makes an earlier version live again, which was before.
///
/// # Errors
/// [`SetupError`].
pub async fn roll_back(
    env: &Env,
    setup: &Setup,
    (id, seen): (ConnectionId, i32),
    to: i32,
    origin: &Origin,
) -> Result<(), SetupError> {
    let mut tx = setup.begin(env, SetupPurpose::Sso).await?;
    let connection = take((env, setup), &mut tx, (id, seen)).await?;
    if !matches!(connection.state, ConnectionState::Pilot | ConnectionState::Active) {
        return Err(SetupError::NotYet(NotYet::State));
    }
    let versions = tx.connections().list_versions(id).await?;
    if !versions.iter().any(|version| version.version == to && version.activated_at.is_some()) {
        return Err(SetupError::NotYet(NotYet::NeverLive));
    }
    let before = connection.clone();
    let connection = revive(env, setup, &mut tx, (connection, to)).await?;
    let detail = [vec![("change", "rolled_back".to_owned())], moved(&before, &connection)].concat();
    setup.commit((env, origin), tx, (Action::ConnectionActivated, id), detail).await
}

/// An earlier version, live; as a new one, with less to give, where it may give more than the link.
async fn revive(
    env: &Env,
    setup: &Setup,
    tx: &mut OrgTx,
    (mut connection, to): (Connection, i32),
) -> Result<Connection, SetupError> {
    let (id, at, ceiling) = (connection.id, env.clock.now(), setup.ceiling());
    let earlier =
        tx.connections().find_version(id, to).await?.ok_or(SetupError::NotYet(NotYet::NeverLive))?;
    let within = earlier.role_ceiling.as_ref().is_some_and(|given| given.is_subset(ceiling));
    let live = if within { to } else { connection.latest_version + 1 };
    if !within {
        let role_ceiling = lowered(earlier.role_ceiling.as_ref(), ceiling);
        let by = Authorship {
            actor: setup.actor(),
            role_ceiling: Some(&role_ceiling),
            changed: &["provider", "mapping"],
        };
        let (settings, secrets) = (&earlier.settings, earlier.secrets.as_deref());
        let new = NewConnectionVersion { version: live, settings, secrets, at, by };
        tx.connections().insert_version(id, &new).await?;
        (connection.latest_version, connection.tested_version) = (live, Some(live));
    }
    connection.live_version = Some(live);
    tx.connections().update(&connection, at).await?;
    tx.connections().save_activated(id, live, at).await?;
    Ok(connection)
}

/// Switches a connection off, or takes a switched-off one up again as a draft.
///
/// # Errors
/// [`SetupError`].
pub async fn switch(
    env: &Env,
    setup: &Setup,
    (id, seen): (ConnectionId, i32),
    to: ConnectionState,
    origin: &Origin,
) -> Result<(), SetupError> {
    let above = inherited(env, &setup.scope).await?;
    let mut tx = setup.begin(env, SetupPurpose::Sso).await?;
    tx.users().seize(None).await?; // before the connection, which a sign-in may wait for
    let connection = take((env, setup), &mut tx, (id, seen)).await?;
    let allowed = matches!(to, ConnectionState::Disabled | ConnectionState::Draft);
    if !allowed || !connection.state.may_become(to) {
        return Err(SetupError::NotYet(NotYet::State));
    }
    let before = connection.clone();
    let connection = Connection { state: to, ..connection };
    tx.connections().update(&connection, env.clock.now()).await?;
    end_shut_out(env, &mut tx, id, setup.because(CONNECTION_DISABLED, origin)).await?;
    check_way_out(&mut tx, &above, (&before, &connection)).await?;
    let detail = moved(&before, &connection);
    setup.commit((env, origin), tx, (Action::ConnectionConfigured, id), detail).await
}

/// Whether a connection that lets everybody in no more leaves a way in where SSO is enforced. Everybody's sign-ins wait.
async fn check_way_out(
    tx: &mut OrgTx,
    above: &[PolicySettings],
    (before, after): (&Connection, &Connection),
) -> Result<(), SetupError> {
    if before.state != ConnectionState::Active || after.state == ConnectionState::Active {
        return Ok(());
    }
    let enforcement = enforcement_in(tx, above).await?;
    let left = check_way_in(tx, enforcement).await?;
    left.map_err(|why| SetupError::NotYet(NotYet::WayIn(why)))
}

fn moved(before: &Connection, after: &Connection) -> Vec<(&'static str, String)> {
    let version = |version: Option<i32>| version.map_or_else(|| "none".to_owned(), |v| v.to_string());
    let mut detail = vec![
        ("state", format!("{} to {}", before.state.as_str(), after.state.as_str())),
        ("live_version", format!("{} to {}", version(before.live_version), version(after.live_version))),
    ];
    if before.state != after.state {
        detail.push(("change", "state".to_owned()));
    }
    detail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_however_they_are_separated_and_each_once() {
        let read = read_addresses(" ada@acme.test,\r\nBob@acme.test; ada@acme.test ").expect("addresses");

        assert_eq!(read.iter().map(Email::as_str).collect::<Vec<_>>(), ["ada@acme.test", "Bob@acme.test"]);
        assert!(read_addresses("ada").is_err());
        assert!(read_addresses("").expect("none").is_empty());
    }
}
