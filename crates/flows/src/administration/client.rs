//! The application that the pages are: made on first use, and kept as this release wants it.

use std::sync::Once;

use orgate_domain::audit::Actor;
use orgate_domain::clients::{ADMINISTRATION, Audience, Client, ClientSettings, ClientStatus, Lifetimes};
use orgate_domain::ids::{ClientId, OrgId};
use orgate_domain::names::DisplayName;
use orgate_protocol::jose::SigningAlgorithm;
use orgate_protocol::oauth::redirect_uri::{ClientKind, RegisteredRedirectUri};
use orgate_storage::system::OrgHint;
use orgate_storage::{OrgScope, StorageError};
use url::Url;

use crate::configure::{Author, Mark, changes_of, save_client};
use crate::{Env, Failure};

/// The path below which the pages are.
pub const PATH: &str = "/admin";

/// What it asks for: who signs in, to stay signed in, and whatever they may do.
pub(super) const SCOPES: [&str; 3] = ["openid", "offline_access", "orgate:*"];

/// Where answers go, below the issuer; and below no organization: no slug is a hyphen.
pub const CALLBACK: &str = "/admin/-/callback";

/// Where answers go.
pub(super) fn redirect_uri(env: &Env) -> String {
    env.issuer.at(CALLBACK)
}

/// The operator's organization, which owns it.
pub(super) async fn owner(env: &Env) -> Result<OrgScope, Failure> {
    let operator = env.store.resolve(OrgHint::Operator).await?;
    let corrupt = StorageError::Corrupt { table: "organizations", column: "is_operator" };
    Ok(operator.ok_or(corrupt)?.scope)
}

/// Finds or makes the application; its owner. Whether it may be used is an operator's to say; all else is the release's, and what
/// somebody changed of it, or another address of the installation, is set right. `None` if another application has its name, from
/// before that was Orgate's: that one is left as it is.
///
/// # Errors
/// [`Failure`].
pub(super) async fn provide(env: &Env) -> Result<Option<OrgScope>, Failure> {
    let owner = owner(env).await?;
    let stored = env.configuration.client(&env.store, ADMINISTRATION).await?;
    let (id, status) = match &stored {
        Some(stored) => (stored.id, stored.status),
        None => (ClientId::from_uuid(env.random.uuid(env.clock.now())?), ClientStatus::Active),
    };
    let wanted = Client { status, ..wanted(env, (owner.org_id(), id))? };
    let mark = match &stored {
        None => Some(Mark::Created),
        Some(stored) if is_ours(stored, &owner) => changes_of((&wanted, stored), (false, false)),
        Some(stored) => {
            // Once: whoever asks, asks again.
            static SAID: Once = Once::new();
            let (id, of) = (stored.id, stored.owner);
            SAID.call_once(|| {
                tracing::error!(client.id = %id, org.id = %of, "another application is called orgate-admin: nobody can administer in a browser");
            });
            return Ok(None);
        }
    };
    if let Some(mark) = mark {
        save(env, (&owner, &wanted), &mark).await?;
    }
    Ok(Some(owner))
}

/// Whether it was made here, by whatever release and at whatever address: nobody else takes answers at this path.
fn is_ours(stored: &Client, owner: &OrgScope) -> bool {
    let is_callback = |uri: &RegisteredRedirectUri| {
        Url::parse(uri.as_str()).is_ok_and(|uri| uri.path().ends_with(CALLBACK))
    };
    stored.owner == owner.org_id() && stored.redirect_uris.iter().any(is_callback)
}

async fn save(env: &Env, (owner, wanted): (&OrgScope, &Client), mark: &Mark) -> Result<(), Failure> {
    let mut tx = env.store.begin(owner).await?;
    match save_client(env, &mut tx, (&Author::of(Actor::System), mark), (wanted, None)).await {
        Ok(()) => tx.commit().await?,
        // Another node was first.
        Err(Failure::Storage(StorageError::Conflict { .. })) => drop(tx),
        Err(failure) => return Err(failure),
    }
    env.configuration.forget_client(wanted.id, ADMINISTRATION).await;
    Ok(())
}

fn corrupt(column: &'static str) -> StorageError {
    StorageError::Corrupt { table: "client_directory", column }
}

/// What it is in this release, at this installation's address. A public client: its code is redeemed here, by nobody who could
/// keep a secret better than the code's verifier is kept.
fn wanted(env: &Env, (owner, id): (OrgId, ClientId)) -> Result<Client, StorageError> {
    let kind = ClientKind::Spa;
    let redirect_uri = RegisteredRedirectUri::parse(&redirect_uri(env), kind);
    let home = Url::parse(&env.issuer.at(PATH)).map_err(|_| corrupt("redirect_uris"))?;
    Ok(Client {
        id,
        owner,
        client_id: ADMINISTRATION.to_owned(),
        name: DisplayName::parse("Administration").map_err(|_| corrupt("name"))?,
        kind,
        audience: Audience::All,
        status: ClientStatus::Active,
        redirect_uris: vec![redirect_uri.map_err(|_| corrupt("redirect_uris"))?],
        post_logout_redirect_uris: [].into(),
        home_url: Some(home.clone()),
        initiate_login_uri: Some(home),
        resource: env.issuer.api(),
        signing_algorithm: SigningAlgorithm::Es256,
        permissions: [].into(),
        settings: ClientSettings {
            scopes: Some(SCOPES.map(str::to_owned).into()),
            lifetimes: Lifetimes::default(),
            ..ClientSettings::of(kind)
        },
        secrets: Vec::new(),
    })
}
