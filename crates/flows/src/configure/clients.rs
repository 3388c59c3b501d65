//! Clients, their keys, and who may use which.

use std::collections::{BTreeMap, BTreeSet};

use orgate_domain::audit::{Action, Event};
use orgate_domain::clients::{Audience, Client, ClientIssuer, ClientSettings};
use orgate_domain::ids::{ClientId, OrgId, RoleId};
use orgate_domain::names::Slug;
use orgate_protocol::jose::SigningAlgorithm;
use orgate_storage::{ClientChange, OrgTx};

use super::{Author, Mark};
use crate::{Env, Failure};

/// In what a client differs from what is stored; whether its roles and its secret do, is said.
pub(crate) fn changes_of(
    (wanted, stored): (&Client, &Client),
    (roles, secret): (bool, bool),
) -> Option<Mark> {
    let uris = |client: &Client| -> BTreeSet<String> {
        client.redirect_uris.iter().map(ToString::to_string).collect()
    };
    let held = &stored.settings;
    // Taken apart, so that no setting is forgotten here.
    let ClientSettings {
        authentication,
        keys,
        grants,
        scopes,
        resources,
        lifetimes,
        profile,
        require_pushed_authorization_requests,
        require_pkce,
        dpop_bound_access_tokens,
        party,
        issuer,
        userinfo_signing_algorithm,
        backchannel_logout_uri,
        frontchannel_logout_uri,
        claims,
        claims_budget,
    } = &wanted.settings;
    Mark::of([
        ("name", wanted.name != stored.name),
        ("type", wanted.kind != stored.kind),
        ("audience", wanted.audience != stored.audience),
        ("status", wanted.status != stored.status),
        ("redirect_uris", uris(wanted) != uris(stored)),
        ("post_logout_redirect_uris", wanted.post_logout_redirect_uris != stored.post_logout_redirect_uris),
        ("home_url", wanted.home_url != stored.home_url),
        ("initiate_login_uri", wanted.initiate_login_uri != stored.initiate_login_uri),
        ("resource", wanted.resource != stored.resource),
        ("signing_algorithm", wanted.signing_algorithm != stored.signing_algorithm),
        ("permissions", wanted.permissions != stored.permissions),
        ("authentication", *authentication != held.authentication),
        ("jwks", *keys != held.keys),
        ("grants", *grants != held.grants),
        ("scopes", *scopes != held.scopes),
        ("resources", *resources != held.resources),
        ("lifetimes", *lifetimes != held.lifetimes),
        ("profile", *profile != held.profile),
        (
            "require_pushed_authorization_requests",
            *require_pushed_authorization_requests != held.require_pushed_authorization_requests,
        ),
        ("require_pkce", *require_pkce != held.require_pkce),
        ("dpop_bound_access_tokens", *dpop_bound_access_tokens != held.dpop_bound_access_tokens),
        ("party", *party != held.party),
        ("issuer", *issuer != held.issuer),
        ("userinfo_signing_algorithm", *userinfo_signing_algorithm != held.userinfo_signing_algorithm),
        ("backchannel_logout_uri", *backchannel_logout_uri != held.backchannel_logout_uri),
        ("frontchannel_logout_uri", *frontchannel_logout_uri != held.frontchannel_logout_uri),
        ("claims", *claims != held.claims),
        ("claims_budget_bytes", *claims_budget != held.claims_budget),
        ("roles", roles),
        ("client_secret", secret),
    ])
}

/// Has the keys made that a client asks for, so that they are published before anything is signed with them:
/// the shared issuer's, and its owner's own if that issues to it and nobody else does.
pub(crate) async fn provide_keys(env: &Env, client: &Client) -> Result<(), Failure> {
    let userinfo = client.settings.userinfo_signing_algorithm;
    for algorithm in userinfo.into_iter().chain([client.signing_algorithm]) {
        provide(env, client, algorithm).await?;
    }
    Ok(())
}

async fn provide(env: &Env, client: &Client, algorithm: SigningAlgorithm) -> Result<(), Failure> {
    env.keys.prepare(env, env.issuer.as_str(), algorithm).await?;
    if client.audience == Audience::Owner && client.settings.issuer == ClientIssuer::Organization {
        env.keys.prepare(env, env.issuer.of(client.owner).as_str(), algorithm).await?;
    }
    Ok(())
}

impl Author {
    /// An event of theirs about a client, which it names; by which application they did it is told beside it.
    pub(crate) fn of_client(&self, (client, client_id): ((OrgId, ClientId), &str), event: Event) -> Event {
        let by = self.client.map(|(_, id)| ("application", id.to_string()));
        let mut detail = event.detail;
        detail.push(("client_id", client_id.to_owned()));
        detail.extend(by);
        Event { client: Some(client), detail, actor: self.actor, session_id: self.session_id, ..event }
    }
}

/// Writes a client, and the roles that it holds in its owner's organization where they are said.
pub(crate) async fn save_client(
    env: &Env,
    tx: &mut OrgTx,
    (author, mark): (&Author, &Mark),
    (client, roles): (&Client, Option<&BTreeMap<Slug, RoleId>>),
) -> Result<(), Failure> {
    // What the change is silent about, or says as it was, stays as it is by now.
    let with_status = *mark == Mark::Created || mark.touches("status");
    tx.clients().save(&ClientChange { client, with_status, at: env.clock.now() }).await?;
    let event = author.done(env, Action::ClientConfigured, mark)?;
    let mut event = author.of_client((client.key(), &client.client_id), event);
    event.detail.extend([
        ("audience", client.audience.as_str().to_owned()),
        ("status", client.status.as_str().to_owned()),
    ]);
    if let Some(roles) = roles {
        let ids: Vec<_> = roles.values().copied().collect();
        tx.clients().replace_roles(client.key(), &ids, env.clock.now()).await?;
        let slugs: Vec<_> = roles.keys().map(Slug::as_str).collect();
        event.detail.push(("roles", slugs.join(" ")));
    }
    Ok(tx.audit().insert(&event).await?)
}

/// Lets the organization use another's client, of audience `granted`, or not any more; nothing, if it is so already.
pub(crate) async fn save_access(
    env: &Env,
    tx: &mut OrgTx,
    (author, mark): (&Author, &Mark),
    (client, client_id): ((OrgId, ClientId), &str),
) -> Result<(), Failure> {
    let changed = if *mark == Mark::Removed {
        tx.clients().delete_access(client).await?
    } else {
        tx.clients().insert_access(client, env.clock.now()).await?
    };
    if !changed {
        return Ok(());
    }
    let event = author.done(env, Action::ClientConfigured, mark)?;
    let mut event = author.of_client((client, client_id), event);
    event.detail.push(("part", "access".to_owned()));
    Ok(tx.audit().insert(&event).await?)
}
