//! Clients: the organization's own applications and machines.
//!
//! **Invariant:** whoever sets a client up gets nothing by it that they could not give: what of Orgate's own it may ask for,
//! and the roles that a machine has, are asked about before and after every change, and before anybody is told a secret.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;
use orgate_domain::clients::claims::MAX_MAPPINGS;
use orgate_domain::clients::{Audience, Client, Party};
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{ClientId, RoleId};
use orgate_domain::names::Slug;
use orgate_domain::permissions::OrgatePermission::{ApplicationsGrant, AuditRead, OrganizationsAct};
use orgate_domain::permissions::is_reserved;
use orgate_domain::quotas::Quota;
use orgate_protocol::oauth::redirect_uri::ClientKind;
use orgate_protocol::oauth::token::GrantType;
use orgate_protocol::ssf::{MANAGE_SCOPE, READ_SCOPE};
pub use orgate_storage::ListedClient;
use orgate_storage::{OrgTx, Page, PageOf, Role, StorageError};

use super::access::is_operator;
use super::change::{Change, ChangeOfRights};
use super::users::{RoleChanges, check_gift};
use super::{Caller, ChangeError, Once};
use crate::apply::Secret;
use crate::configure::{Mark, changes_of, provide_keys, save_client};
use crate::quotas::check_room;
use crate::rotate_secret::add_secret;
use crate::{Env, Failure};

/// Entries of each of a client's lists at most.
pub const MAX_ENTRIES: usize = 100;

/// Scopes of what hears of everybody's security events.
const RECEIVER_SCOPES: [&str; 2] = [MANAGE_SCOPE, READ_SCOPE];

/// How long secrets may be accepted beside the one that replaces them, at most.
pub const LONGEST_OVERLAP: Duration = Duration::days(90);

/// Secrets of a client that are accepted at once, at most.
pub const MAX_SECRETS: usize = 10;

/// A client, and slugs of the roles that it has in its owner's organization.
#[derive(Debug, Clone)]
pub struct DescribedClient {
    /// The client.
    pub client: Client,
    /// What it has, if it is a machine.
    pub roles: Vec<Slug>,
}

/// A client that was made, or given another secret.
#[derive(Debug)]
pub struct WithSecret {
    /// The client, with its secrets as hashes.
    pub described: DescribedClient,
    /// Its new secret, shown once; `None` if it proves itself otherwise, or the same request was answered before.
    pub secret: Option<Secret>,
}

/// A page of the organization's clients, in the order in which they were made.
///
/// # Errors
/// [`Failure`].
pub async fn list_clients(
    env: &Env,
    caller: &Caller,
    page: PageOf<ClientId>,
) -> Result<Page<ListedClient, ClientId>, Failure> {
    caller.read(env, async |tx| tx.clients().list_page(page).await).await
}

/// The same page, with all that each of them is set to.
///
/// # Errors
/// [`Failure`].
pub async fn list_whole_clients(
    env: &Env,
    caller: &Caller,
    page: PageOf<ClientId>,
) -> Result<Page<Client, ClientId>, Failure> {
    let read = async |tx: &mut OrgTx| {
        let listed = tx.clients().list_page(page).await?;
        let ids: Vec<_> = listed.items.iter().map(|client| client.id).collect();
        let mut items = tx.clients().list_whole(&ids).await?;
        items.sort_by_key(|client| client.id);
        Ok(Page { items, next: listed.next })
    };
    caller.read(env, read).await
}

/// One client of the organization's; `None` if it owns none of this id.
///
/// # Errors
/// [`Failure`].
pub async fn find_client(
    env: &Env,
    caller: &Caller,
    id: ClientId,
) -> Result<Option<DescribedClient>, Failure> {
    caller.read(env, async |tx| describe(tx, id).await).await
}

async fn describe(tx: &mut OrgTx, id: ClientId) -> Result<Option<DescribedClient>, StorageError> {
    let client = tx.clients().find(id).await?;
    // Nobody's here: the document at its address says what it is.
    let Some(client) = client.filter(|client| client.settings.party != Party::Unregistered) else {
        return Ok(None);
    };
    let roles = tx.clients().list_roles(client.key()).await?;
    Ok(Some(DescribedClient { client, roles }))
}

/// Makes a client. `draft` is told its id and owner, and says all else of it; a machine has no role to begin with.
///
/// # Errors
/// [`ChangeError`], also what `draft` says.
pub async fn create_client(
    env: &Env,
    caller: &Caller,
    draft: impl FnOnce(ClientId) -> Result<Client, ChangeError>,
    once: Option<&Once>,
) -> Result<WithSecret, ChangeError> {
    caller.conclude(env, create(env, caller, draft, once)).await
}

async fn create(
    env: &Env,
    caller: &Caller,
    draft: impl FnOnce(ClientId) -> Result<Client, ChangeError>,
    once: Option<&Once>,
) -> Result<WithSecret, ChangeError> {
    let id = ClientId::from_uuid(env.random.uuid(env.clock.now())?);
    let client = Client { id, owner: caller.org_id(), ..draft(id)? };
    let is_operator = is_operator(env, &caller.scope).await?;
    if !is_operator && client.client_id != id.to_string() {
        // Whether it is free would tell of other organizations' clients.
        let detail = "the operator organization's clients alone have one that is chosen; leave it out";
        return Err(ChangeError::invalid("/client_id", detail));
    }
    check(&client, is_operator)?;
    provide_keys(env, &client).await?;
    let mut change = Change::begin(env, caller, async |tx| tx.organization().lock().await).await?;
    let Change { tx, caller, .. } = &mut change;
    if let Some(before) = caller.claim(env, tx, once, id.as_uuid()).await? {
        let before = describe(tx, ClientId::from_uuid(before)).await?.ok_or(ChangeError::Gone)?;
        return Ok(WithSecret { described: before, secret: None });
    }
    check_reach(caller, (&client, &[]))?;
    let have = usize::try_from(tx.clients().count().await?).unwrap_or(usize::MAX);
    check_room(tx, Quota::Clients, have).await??;
    let taken =
        ("/client_id", "another client has, or had, this client_id, and it is never given to another");
    save_client(env, tx, (&caller.author(), &Mark::Created), (&client, None))
        .await
        .map_err(|failure| ChangeError::taken(failure, taken))?;
    let secret = if client.settings.authentication.uses_secret() {
        Some(give_secret(env, tx, id).await?)
    } else {
        None
    };
    let described = describe(tx, id).await?.ok_or(ChangeError::Missing)?;
    change.commit().await?;
    Ok(WithSecret { described, secret })
}

async fn give_secret(env: &Env, tx: &mut OrgTx, id: ClientId) -> Result<Secret, Failure> {
    let secret = env.random.client_secret()?;
    let hash = SecretHash::of(secret.reveal().as_bytes());
    tx.clients().replace_secrets(id, &hash, env.clock.now()).await?;
    Ok(secret)
}

/// Changes a client: `edit` is shown what it is, and says what it is to be; asked once more in the transaction that changes
/// it. One that proves itself otherwise from now on
/// has no secret any more; one that proves itself by a secret from now on has none until it is given one.
///
/// # Errors
/// [`ChangeError`], also what `edit` says; [`ChangeError::Above`] for one that reaches beyond the caller.
pub async fn update_client(
    env: &Env,
    caller: &Caller,
    id: ClientId,
    edit: impl Fn(&DescribedClient) -> Result<Client, ChangeError>,
) -> Result<DescribedClient, ChangeError> {
    caller.conclude(env, update(env, caller, id, edit)).await
}

async fn update(
    env: &Env,
    caller: &Caller,
    id: ClientId,
    edit: impl Fn(&DescribedClient) -> Result<Client, ChangeError>,
) -> Result<DescribedClient, ChangeError> {
    let is_operator = is_operator(env, &caller.scope).await?;
    // Its keys are there before it asks for a signature, and are made in transactions of their own.
    let found = find_client(env, caller, id).await?.ok_or(ChangeError::Missing)?;
    let planned = edit(&found)?;
    check_built_in((&planned, &found.client))?;
    check(&planned, is_operator)?;
    provide_keys(env, &planned).await?;
    let mut change = ChangeOfRights::begin(env, caller).await?;
    let before = reached(&mut change, id).await?;
    let client = edit(&before)?;
    let Change { tx, caller, .. } = &mut *change;
    check_built_in((&client, &before.client))?;
    check(&client, is_operator)?;
    check_reach(caller, (&client, &[]))?;
    let secretless = !client.settings.authentication.uses_secret() && !before.client.secrets.is_empty();
    let Some(mark) = changes_of((&client, &before.client), (false, secretless)) else { return Ok(before) };
    save_client(env, tx, (&caller.author(), &mark), (&client, None)).await?;
    if secretless {
        tx.clients().delete_secrets(id).await?;
    }
    let after = describe(tx, id).await?.ok_or(ChangeError::Missing)?;
    change.commit().await?;
    env.configuration.forget_client(id, &client.client_id).await;
    Ok(after)
}

/// Whether what is changed of Orgate's own application is nobody's but the release's, which would set it right with the next
/// sign-in: only its status is not.
fn check_built_in((wanted, before): (&Client, &Client)) -> Result<(), ChangeError> {
    if !before.is_built_in() || *wanted == (Client { status: wanted.status, ..before.clone() }) {
        return Ok(());
    }
    let detail = "orgate-admin is Orgate's own application: of it, only `status` can be changed";
    Err(ChangeError::invalid("", detail))
}

/// A client that the caller may change: one that reaches no further than they do.
async fn reached(change: &mut ChangeOfRights, id: ClientId) -> Result<DescribedClient, ChangeError> {
    let Change { tx, caller, .. } = &mut **change;
    let described = describe(tx, id).await?.ok_or(ChangeError::Missing)?;
    let held: Vec<Role> = held(&described.roles, tx.roles().list().await?);
    check_reach(caller, (&described.client, &held))?;
    Ok(described)
}

fn held(slugs: &[Slug], all: Vec<Role>) -> Vec<Role> {
    all.into_iter().filter(|role| slugs.contains(&role.slug)).collect()
}

/// Why a client, a machine with these roles, is not the caller's to change, as far as that can be told before they do.
pub fn out_of_reach(caller: &Caller, client: &Client, roles: &[Role]) -> Option<String> {
    check_reach(caller, (client, roles)).err().map(|error| error.to_string())
}

/// Whether a client gets no further than the caller: by what of Orgate's own it may ask for of people, by what it hears, by
/// what it is told of people unasked, or by its roles.
fn check_reach(caller: &Caller, (client, roles): (&Client, &[Role])) -> Result<(), ChangeError> {
    let scopes = client.settings.scopes.iter().flatten();
    if let Some(scope) =
        scopes.filter(|scope| is_reserved(scope)).find(|scope| !caller.may_give_permission(scope))
    {
        let detail =
            format!("the application may ask for {scope}, which you do not hold; who does can set it up");
        return Err(ChangeError::above("/scopes", detail));
    }
    let hears =
        client.settings.scopes.iter().flatten().any(|scope| RECEIVER_SCOPES.contains(&scope.as_str()));
    let elsewhere = client.audience != Audience::Owner;
    if hears && !(caller.may(AuditRead) && (!elsewhere || caller.may(OrganizationsAct))) {
        let needed = if elsewhere { OrganizationsAct } else { AuditRead };
        let detail = format!("what hears of security events takes {}", needed.as_str());
        return Err(ChangeError::above("/scopes", detail));
    }
    // Its tokens say all that whoever signs in may do in applications, and nobody is asked.
    let signs_in = client.kind != ClientKind::Machine && client.settings.party == Party::First;
    if signs_in && !caller.may(ApplicationsGrant) {
        let detail = "an application of the product's own, which people are not asked about, takes orgate:applications:grant; \
                      make it a third party's";
        return Err(ChangeError::above("/party", detail));
    }
    if roles.iter().all(|role| caller.may_give(role)) {
        return Ok(());
    }
    Err(ChangeError::above("", "the machine has a role that is not yours to give"))
}

/// What of a client is not its settings' to say.
fn check(client: &Client, is_operator: bool) -> Result<(), ChangeError> {
    let at = |key: &str| format!("/{key}");
    client
        .settings
        .check(client.kind, client.signing_algorithm)
        .map_err(|problem| ChangeError::invalid(at(problem.key), problem.text))?;
    if client.audience != Audience::Owner && !is_operator {
        let detail = "owner: only the operator organization's applications are other organizations' too";
        return Err(ChangeError::invalid("/audience", detail));
    }
    let redirected = client.settings.grants.contains(&GrantType::AuthorizationCode);
    if redirected && client.redirect_uris.is_empty() {
        let detail = format!("a {} client has at least one", client.kind.as_str());
        return Err(ChangeError::invalid("/redirect_uris", detail));
    }
    let settings = &client.settings;
    let lengths = [
        ("redirect_uris", client.redirect_uris.len()),
        ("post_logout_redirect_uris", client.post_logout_redirect_uris.len()),
        ("permissions", client.permissions.len()),
        ("scopes", settings.scopes.as_ref().map_or(0, BTreeSet::len)),
        ("resources", settings.resources.len()),
    ];
    let limits = lengths.map(|(key, length)| (key, length, MAX_ENTRIES));
    let claims = ("claims", settings.claims.len(), MAX_MAPPINGS);
    match limits.into_iter().chain([claims]).find(|(_, length, limit)| length > limit) {
        Some((key, _, limit)) => Err(ChangeError::invalid(at(key), format!("at most {limit}"))),
        None => Ok(()),
    }
}

/// Gives a client a new secret; those before it are accepted for `overlap` more.
///
/// # Errors
/// [`ChangeError`], as for more than [`LONGEST_OVERLAP`]; [`ChangeError::InUse`] for a client that proves itself otherwise.
pub async fn rotate_client_secret(
    env: &Env,
    caller: &Caller,
    (id, overlap): (ClientId, Duration),
    once: Option<&Once>,
) -> Result<WithSecret, ChangeError> {
    let change = async {
        if !(Duration::zero()..=LONGEST_OVERLAP).contains(&overlap) {
            let detail = format!("0 to {}", LONGEST_OVERLAP.num_seconds());
            return Err(ChangeError::invalid("/overlap_secs", detail));
        }
        let mut change = ChangeOfRights::begin(env, caller).await?;
        let described = reached(&mut change, id).await?;
        let Change { tx, caller, .. } = &mut *change;
        let request = env.random.uuid(env.clock.now())?;
        if caller.claim(env, tx, once, request).await?.is_some() {
            return Ok(WithSecret { described, secret: None });
        }
        if !described.client.settings.authentication.uses_secret() {
            return Err(ChangeError::InUse(
                "the client proves itself without a secret, and has none".to_owned(),
            ));
        }
        let now = env.clock.now();
        let good =
            described.client.secrets.iter().filter(|one| one.expires_at.is_none_or(|end| end > now)).count();
        if good >= MAX_SECRETS && !overlap.is_zero() {
            let detail =
                format!("the client has {good} secrets that are accepted: end them, by an overlap of 0");
            return Err(ChangeError::TooMany(detail));
        }
        let secret = add_secret(env, tx, (&caller.author(), &described.client), overlap).await?;
        let described = describe(tx, id).await?.ok_or(ChangeError::Missing)?;
        change.commit().await?;
        env.configuration.forget_client(id, &described.client.client_id).await;
        Ok(WithSecret { described, secret: Some(secret) })
    };
    caller.conclude(env, change).await
}

/// Gives a machine a role in the organization that owns it; to do it again changes nothing.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::InUse`] for what is no machine.
pub async fn assign_client_role(
    env: &Env,
    caller: &Caller,
    (client, role): (ClientId, RoleId),
) -> Result<(), ChangeError> {
    let changes = RoleChanges { given: [role].into(), ..RoleChanges::default() };
    change_client_roles(env, caller, client, &changes).await
}

/// Takes a role away from a machine; to do it again changes nothing.
///
/// # Errors
/// [`ChangeError`].
pub async fn unassign_client_role(
    env: &Env,
    caller: &Caller,
    (client, role): (ClientId, RoleId),
) -> Result<(), ChangeError> {
    let changes = RoleChanges { taken: [role].into(), ..RoleChanges::default() };
    change_client_roles(env, caller, client, &changes).await
}

/// Gives a machine roles and takes others away, all of it or nothing; to do it again changes nothing.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::InUse`] for what is no machine.
pub async fn change_client_roles(
    env: &Env,
    caller: &Caller,
    client: ClientId,
    changes: &RoleChanges,
) -> Result<(), ChangeError> {
    caller.conclude(env, change_roles(env, caller, client, changes)).await
}

async fn change_roles(
    env: &Env,
    caller: &Caller,
    client: ClientId,
    changes: &RoleChanges,
) -> Result<(), ChangeError> {
    let mut change = ChangeOfRights::begin(env, caller).await?;
    let Change { tx, caller, .. } = &mut *change;
    let described = describe(tx, client).await?.ok_or(ChangeError::Missing)?;
    let all = tx.roles().list().await?;
    let (mut given, mut taken) = (Vec::new(), Vec::new());
    for (ids, roles) in [(&changes.given, &mut given), (&changes.taken, &mut taken)] {
        for id in ids {
            let role = all.iter().find(|role| role.id == *id).ok_or(ChangeError::Missing)?;
            check_gift(caller, role, "")?;
            roles.push(role);
        }
    }
    let client = &described.client;
    if client.kind != ClientKind::Machine {
        return Err(ChangeError::InUse("only a machine has roles of its own".to_owned()));
    }
    let held = all.iter().filter(|role| described.roles.contains(&role.slug));
    let before: BTreeMap<Slug, RoleId> = held.map(|role| (role.slug.clone(), role.id)).collect();
    let mut roles = before.clone();
    roles.extend(given.into_iter().map(|role| (role.slug.clone(), role.id)));
    roles.retain(|slug, _| !taken.iter().any(|role| role.slug == *slug));
    if roles == before {
        return Ok(());
    }
    let mark = Mark::Changed(vec!["roles"]);
    save_client(env, tx, (&caller.author(), &mark), (client, Some(&roles))).await?;
    change.commit().await
}
