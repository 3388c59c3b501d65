//! API keys: made by users and machines of an organization for themselves, and taken back by whoever manages keys.
//!
//! **Invariant:** nobody makes a key for what they may not do at that moment, nor by a key, nor away from home.

use std::collections::BTreeSet;

use chrono::Duration;
use orgate_domain::api_keys::{ApiKey, KeyMaker, MAX_KEYS_OF_MAKER, MAX_LIFETIME, MAX_NAME, MAX_PERMISSIONS};
use orgate_domain::audit::Action;
use orgate_domain::credentials::{ApiKeySecret, Credential};
use orgate_domain::ids::ApiKeyId;
use orgate_domain::names::DisplayName;
use orgate_domain::permissions::parse_own;
use orgate_domain::quotas::Quota;
use orgate_domain::roles::Permission;
use orgate_storage::{KeyRoom, NewApiKey, Page, PageOf};

use super::change::Change;
use super::{By, Caller, ChangeError, Once};
use crate::api_keys::{about, may_have_keys, revoke_in};
use crate::{Env, Failure};

/// A key as wanted.
#[derive(Debug, Clone)]
pub struct WantedKey {
    /// What it is called.
    pub name: String,
    /// What it is for: permissions of Orgate's own, and wildcards of them.
    pub permissions: Vec<String>,
    /// How long it is good for.
    pub lifetime: Duration,
}

/// A key that was made.
#[derive(Debug)]
pub struct CreatedKey {
    /// What is known of it.
    pub key: ApiKey,
    /// The key itself, which is shown once. `None`: the same request was answered before.
    pub secret: Option<Credential<ApiKeySecret>>,
}

/// A page of the organization's keys, latest first.
///
/// # Errors
/// [`Failure`].
pub async fn list_api_keys(
    env: &Env,
    caller: &Caller,
    page: PageOf<ApiKeyId>,
) -> Result<Page<ApiKey, ApiKeyId>, Failure> {
    caller.read(env, async |tx| tx.api_keys().list(page).await).await
}

/// One key, whatever became of it; `None` if the organization has none of this id.
///
/// # Errors
/// [`Failure`].
pub async fn find_api_key(env: &Env, caller: &Caller, id: ApiKeyId) -> Result<Option<ApiKey>, Failure> {
    caller.read(env, async |tx| tx.api_keys().find(id).await).await
}

/// Makes a key that acts for the caller, for nothing that they may not do.
///
/// # Errors
/// [`ChangeError`].
pub async fn create_api_key(
    env: &Env,
    caller: &Caller,
    wanted: WantedKey,
    once: Option<&Once>,
) -> Result<CreatedKey, ChangeError> {
    caller.conclude(env, create(env, caller, wanted, once)).await
}

async fn create(
    env: &Env,
    caller: &Caller,
    wanted: WantedKey,
    once: Option<&Once>,
) -> Result<CreatedKey, ChangeError> {
    let (name, permissions) = (check_name(&wanted.name)?, check_permissions(&wanted.permissions)?);
    if wanted.lifetime <= Duration::zero() || wanted.lifetime > MAX_LIFETIME {
        let detail = format!("days that it is good for: 1 to {}", MAX_LIFETIME.num_days());
        return Err(ChangeError::invalid("/expires_in_days", detail));
    }
    let maker = check_maker(env, caller).await?;
    let now = env.clock.now();
    let key = ApiKey {
        id: ApiKeyId::from_uuid(env.random.uuid(now)?),
        name,
        permissions,
        maker,
        client: caller.client,
        created_at: now,
        expires_at: now + wanted.lifetime,
        last_used_at: None,
        revoked_at: None,
    };
    let secret = env.random.credential::<ApiKeySecret>(caller.org_id())?;
    let mut change = Change::begin(env, caller, async |_| Ok(())).await?;
    let Change { tx, caller, .. } = &mut change;
    if let Some(before) = caller.claim(env, tx, once, key.id.as_uuid()).await? {
        let found = tx.api_keys().find(ApiKeyId::from_uuid(before)).await?;
        return Ok(CreatedKey { key: found.ok_or(ChangeError::Gone)?, secret: None });
    }
    check_gift(caller, &wanted.permissions)?;
    let new = NewApiKey { key: &key, secret: secret.hash(), session: caller.by.session() };
    tx.organization().lock().await?; // whoever says how many there may be is waited for
    let limit = tx.quotas().find_limit(Quota::ApiKeys).await?;
    let room = KeyRoom { all: limit.into(), of_maker: MAX_KEYS_OF_MAKER };
    if !tx.api_keys().insert(&new, room).await? {
        let detail = format!(
            "the organization has up to {limit} API keys, and each of its users and machines {MAX_KEYS_OF_MAKER}; \
             take one back, or ask the operator for more"
        );
        return Err(ChangeError::TooMany(detail));
    }
    let permissions: Vec<&str> = key.permissions.iter().map(Permission::as_str).collect();
    let mut event = caller.done(env, Action::ApiKeyCreated)?;
    event.detail.push(("permissions", permissions.join(" ")));
    tx.audit().insert(&about(&key, event)).await?;
    change.commit().await?;
    Ok(CreatedKey { key, secret: Some(secret) })
}

/// Takes a key back: it is worth nothing from now on. To do it again changes nothing.
///
/// # Errors
/// [`ChangeError::Missing`] if the organization has none of this id.
pub async fn revoke_api_key(env: &Env, caller: &Caller, id: ApiKeyId) -> Result<(), ChangeError> {
    let change = async {
        let mut change = Change::begin(env, caller, async |_| Ok(())).await?;
        let Change { tx, caller, .. } = &mut change;
        let key = tx.api_keys().find(id).await?.ok_or(ChangeError::Missing)?;
        let event = caller.done(env, Action::ApiKeyRevoked)?;
        revoke_in(env, tx, (&key, event)).await?;
        change.commit().await
    };
    caller.conclude(env, change).await
}

fn check_name(text: &str) -> Result<String, ChangeError> {
    let name = DisplayName::parse(text).ok().filter(|name| name.as_str().chars().count() <= MAX_NAME);
    let name = name.map(|name| name.as_str().to_owned());
    let detail =
        format!("a name is 1 to {MAX_NAME} characters without control or direction-changing characters");
    name.ok_or_else(|| ChangeError::invalid("/name", detail))
}

/// What a key is for: Orgate's own alone, as applications' permissions count for nothing here.
fn check_permissions(texts: &[String]) -> Result<BTreeSet<Permission>, ChangeError> {
    if texts.is_empty() || texts.len() > MAX_PERMISSIONS {
        let detail = format!("1 to {MAX_PERMISSIONS} permissions");
        return Err(ChangeError::invalid("/permissions", detail));
    }
    let read = texts.iter().enumerate().map(|(place, text)| {
        let wrong = |detail: String| ChangeError::invalid(format!("/permissions/{place}"), detail);
        parse_own(text).map_err(|problem| wrong(problem.to_string()))
    });
    read.collect()
}

/// For whom a key acts that the caller makes. One outlives the token that it is made by, so it is made by whoever it acts for,
/// in a client of the product's own: what is consented to is taken back by the consent.
async fn check_maker(env: &Env, caller: &Caller) -> Result<KeyMaker, ChangeError> {
    let refused = |detail: &str| Err(ChangeError::above("", detail));
    if !caller.is_at_home() {
        return refused("a key is made in one's own organization, for oneself");
    }
    let maker = match caller.by {
        By::Key(..) => return refused("a key makes no keys; use an access token"),
        // Another machine's token was exchanged.
        By::Client(id) if id != caller.client.1 => return refused("a machine makes its keys itself"),
        By::Client(_) | By::User(..) => caller.by.maker(),
    };
    let client = env.configuration.client_by_id(&env.store, caller.client).await.map_err(Failure::from)?;
    if client.is_some_and(|client| may_have_keys(&client, &env.issuer.api())) {
        Ok(maker)
    } else {
        refused(
            "an application of a third party makes no keys, and none whose tokens are bound to a key of its own",
        )
    }
}

/// Whether they may do themselves all that a key is for.
fn check_gift(caller: &Caller, permissions: &[String]) -> Result<(), ChangeError> {
    match permissions.iter().position(|permission| !caller.may_give_permission(permission)) {
        None => Ok(()),
        Some(place) => {
            let detail = "you do not hold this, or your token does not lend it";
            Err(ChangeError::above(format!("/permissions/{place}"), detail))
        }
    }
}
