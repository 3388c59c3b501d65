//! Whoever shows an API key.
//!
//! **Invariant:** nothing is told of a key that is not good, whatever became of it: there is one answer.

use std::sync::Arc;

use orgate_domain::api_keys::USE_NOTED_EVERY;
use orgate_domain::audit::Origin;
use orgate_domain::clients::Client;
use orgate_domain::credentials::{ApiKeySecret, Credential};
use orgate_domain::ids::ApiKeyId;
use orgate_domain::permissions::Held;
use orgate_domain::policies::Policy;
use orgate_domain::roles::Permission;
use orgate_storage::{OrgScope, StandingApiKey};

use super::{Access, Admission, Asked, check};
use crate::api_keys::may_have_keys;
use crate::dpop::PresentedProof;
use crate::manage::{By, Caller, Lent};
use crate::{Env, Failure};

/// Checks a key by what it stands on now. Keys of one maker have one budget; whose it is, only a look at the key says.
pub(super) async fn admit(
    env: &Env,
    (secret, proof): (&Credential<ApiKeySecret>, Option<&PresentedProof<'_>>),
    asked: Asked<'_>,
    origin: &Origin,
) -> Result<Admission, Failure> {
    let nobodys = Admission { access: Access::InvalidToken, budget: None };
    if proof.is_some() {
        return Ok(nobodys); // a key is bound to nothing
    }
    let scope = OrgScope::of_credential(secret);
    let Some((found, client, policy)) = find(env, &scope, secret).await? else { return Ok(nobodys) };
    let StandingApiKey { key, org_slug, held, .. } = found;
    let (organization, maker) = (scope.org_id().to_string(), key.maker.id());
    let budget = Some(env.limits.take_api((&organization, "api_key", &maker))?);
    if key.is_use_due(env.clock.now()) {
        note_use(env, &scope, key.id).await?;
    }
    let caller = Caller {
        scope,
        home: scope,
        by: By::Key(key.id, key.maker, policy),
        client: key.client,
        roles: held.roles,
        holds: Held::of(held.permissions.iter().map(String::as_str)),
        lent: Lent {
            scope: askable(&client),
            permissions: Held::of(key.permissions.iter().map(Permission::as_str)),
            delegated: None,
        },
        asked: asked.permission,
        also: None,
        reason: None,
        origin: origin.clone(),
    };
    Ok(Admission { access: check(env, (caller, &org_slug), asked).await?, budget })
}

/// The key, if it is good, the client that it was made with, and what its organization allows.
async fn find(
    env: &Env,
    scope: &OrgScope,
    secret: &Credential<ApiKeySecret>,
) -> Result<Option<(StandingApiKey, Arc<Client>, Policy)>, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let found = tx.api_keys().find_standing(&secret.hash(), env.clock.now()).await?;
    tx.commit().await?;
    let Some(found) = found else { return Ok(None) };
    // As when it was made: see `manage::api_keys`.
    let client = env.configuration.client_by_id(&env.store, found.key.client).await?;
    let policy = env.configuration.policy(&env.store, scope).await?;
    let client = client.filter(|client| may_have_keys(client, &env.issuer.api()));
    let stands = found.began.is_none_or(|began| began.check(&policy).is_ok());
    Ok(client.filter(|_| stands).map(|client| (found, client, policy)))
}

async fn note_use(env: &Env, scope: &OrgScope, key: ApiKeyId) -> Result<(), Failure> {
    let now = env.clock.now();
    let mut tx = env.store.begin(scope).await?;
    tx.api_keys().update_last_used(key, (now, now - USE_NOTED_EVERY)).await?;
    Ok(tx.commit().await?)
}

/// What a token could be asked for by this client now: no key does more.
fn askable(client: &Client) -> Held {
    // Without a list, a machine gets none, and people grant none that nobody lists.
    Held::of(client.settings.scopes.iter().flatten().map(String::as_str))
}
