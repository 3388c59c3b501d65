//! Carrying a plan out: a transaction a step, and each change's audit event in it.

use std::collections::BTreeMap;

use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::clients::{Audience, Client, ClientIssuer};
use orgate_domain::connections::ConnectionState;
use orgate_domain::credentials::SecretHash;
use orgate_domain::email::DomainName;
use orgate_domain::ids::{ClientId, DomainId, OrgId, RoleId, UserId};
use orgate_domain::names::Slug;
use orgate_domain::organizations::OrgStatus;
use orgate_domain::policies::SsoEnforcement;
use orgate_protocol::jose::SigningAlgorithm;
use orgate_storage::{
    ClientChange, Group, NewOrganization, NewUser, OrgScope, OrgTx, OrganizationChange, Role, StorageError,
};

use super::connections::WantedState;
use super::plan::{Change, Mark, OrganizationState, SecretChange, Step, Subject, UserState};
use super::wanted::Secret;
use super::{Applied, ApplyError, GeneratedSecret};
use crate::end_sessions::{Because, CONNECTION_DISABLED, end_sessions, end_shut_out};
use crate::{Env, Failure, events};

/// What a change needs that is not made inside a transaction.
#[derive(Default)]
struct Made {
    /// The hash of a user's new password.
    phc: Option<String>,
    /// A client's new secret.
    secret: Option<Secret>,
    /// A connection's secrets, encrypted.
    sealed: Option<Vec<u8>>,
}

/// Carries out a step, and adds it to what was applied.
pub(super) async fn execute(env: &Env, step: &Step, applied: &mut Applied) -> Result<(), ApplyError> {
    let mut changes = Vec::with_capacity(step.changes.len());
    for change in &step.changes {
        changes.push((change, make(env, &step.scope, &change.subject).await?));
    }
    let mut tx = env.store.begin(&step.scope).await.map_err(Failure::from)?;
    if step.changes.iter().any(|change| shuts_out(&change.subject)) {
        tx.users().seize(None).await.map_err(Failure::from)?; // before anything that a sign-in may wait for
    }
    for (change, made) in &changes {
        match write(env, &mut tx, (&step.slug, change), made).await {
            Err(Failure::Storage(StorageError::Conflict { .. })) => {
                return Err(ApplyError::Taken(taken(&step.slug, &change.subject)));
            }
            written => written?,
        }
    }
    // Before the commit: if its answer is lost the secret may be in force, and is known here only.
    applied.generated_secrets.extend(changes.iter().filter_map(|(change, made)| generated(change, made)));
    tx.commit().await.map_err(Failure::from)?;
    applied.changes += changes.len();
    Ok(())
}

/// Whether sessions of anybody may have to end for it.
fn shuts_out(subject: &Subject) -> bool {
    match subject {
        Subject::Connection(state) => state.connection.state != ConnectionState::Active,
        Subject::Organization(state) => {
            state.status == OrgStatus::Suspended || enforcement(state) != SsoEnforcement::Off
        }
        _ => false,
    }
}

/// What an organization's entry says of SSO.
fn enforcement(state: &OrganizationState) -> SsoEnforcement {
    state.policy.as_ref().and_then(|policy| policy.sso_enforcement).unwrap_or_default()
}

async fn make(env: &Env, scope: &OrgScope, subject: &Subject) -> Result<Made, Failure> {
    let mut made = Made::default();
    match subject {
        Subject::User(user) => {
            if let Some(password) = &user.password {
                made.phc = Some(env.passwords.hash(scope.org_id(), password.reveal()).await?);
            }
        }
        Subject::Connection(state) => {
            if let Some((_, secrets)) = &state.version {
                made.sealed = secrets.seal(env, scope, state.connection.id).await?;
            }
        }
        Subject::Client { client, secret, .. } => {
            let userinfo = client.settings.userinfo_signing_algorithm;
            for algorithm in userinfo.into_iter().chain([client.signing_algorithm]) {
                provide(env, client, algorithm).await?;
            }
            made.secret = match secret {
                SecretChange::Generate => Some(env.random.client_secret()?),
                SecretChange::Set(secret) => Some(secret.clone()),
                SecretChange::Keep | SecretChange::Remove => None,
            };
        }
        _ => {}
    }
    Ok(made)
}

/// Has the keys made that a client asks for, so that they are published before anything is signed with them:
/// the shared issuer's, and its owner's own if that issues to it and nobody else does.
async fn provide(env: &Env, client: &Client, algorithm: SigningAlgorithm) -> Result<(), Failure> {
    env.keys.prepare(env, env.issuer.as_str(), algorithm).await?;
    if client.audience == Audience::Owner && client.settings.issuer == ClientIssuer::Organization {
        env.keys.prepare(env, env.issuer.of(client.owner).as_str(), algorithm).await?;
    }
    Ok(())
}

fn generated(change: &Change, made: &Made) -> Option<GeneratedSecret> {
    match (&change.subject, &made.secret) {
        (Subject::Client { client, secret: SecretChange::Generate, .. }, Some(secret)) => {
            Some(GeneratedSecret { client_id: client.client_id.clone(), secret: secret.clone() })
        }
        _ => None,
    }
}

async fn write(
    env: &Env,
    tx: &mut OrgTx,
    (slug, change): (&Slug, &Change),
    made: &Made,
) -> Result<(), Failure> {
    let mark = &change.mark;
    match &change.subject {
        Subject::Access { client, client_id } => access(env, tx, mark, (*client, client_id)).await,
        Subject::Client { client, secret, roles } => {
            save_client(env, tx, mark, (client, roles.as_ref())).await?;
            save_secret(env, tx, client, (secret, made)).await
        }
        Subject::Connection(state) => {
            super::connections::save(env, tx, (mark, state), made.sealed.as_deref()).await?;
            save_connection_event(env, tx, mark, state).await
        }
        Subject::Domain(domain) => save_domain(env, tx, mark, domain).await,
        Subject::Group(group) => save_group(env, tx, mark, group).await,
        Subject::Organization(state) => organization(env, tx, (slug, mark), state).await,
        Subject::Role(role) => save_role(env, tx, mark, role).await,
        Subject::User(user) => save_user(env, tx, mark, (user, made.phc.as_deref())).await,
    }
}

/// An event of a change that the operator made.
fn done(env: &Env, action: Action, mark: &Mark) -> Result<Event, Failure> {
    let event = events::done(env, action, &Origin::default())?;
    Ok(Event { actor: Actor::Operator, detail: vec![("change", mark.detail())], ..event })
}

async fn organization(
    env: &Env,
    tx: &mut OrgTx,
    (slug, mark): (&Slug, &Mark),
    state: &OrganizationState,
) -> Result<(), Failure> {
    let OrganizationState { ancestors, name, branding, status, contact, attributes, policy } = state;
    let at = env.clock.now();
    if *mark == Mark::Created {
        let new = NewOrganization { slug, name, ancestors, is_operator: false, at };
        tx.organization().insert(&new).await?;
    }
    let contact = contact.as_ref();
    tx.organization().update(&OrganizationChange { name, branding, status: *status, contact, at }).await?;
    if let Some(attributes) = attributes {
        tx.attributes().save_of_organization(attributes).await?;
    }
    if let Some(policy) = policy {
        tx.organization().save_policy(policy, at).await?;
    }
    let mut event = done(env, Action::OrganizationConfigured, mark)?;
    event.detail.extend([("slug", slug.to_string()), ("status", status.as_str().to_owned())]);
    tx.audit().insert(&event).await?;
    if *status == OrgStatus::Suspended {
        return end(env, tx, None, "organization_suspended").await;
    }
    match enforcement(state) {
        SsoEnforcement::Off => Ok(()),
        enforced => end_without_sso(env, tx, enforced).await,
    }
}

/// Ends the sessions that a policy on SSO admits no more.
async fn end_without_sso(env: &Env, tx: &mut OrgTx, enforcement: SsoEnforcement) -> Result<(), Failure> {
    let open = tx.sessions().list_without_sso(env.clock.now()).await?;
    let shut_out = open.into_iter().filter(|(_, method, user)| !enforcement.allows(*method, *user));
    let because = Because { actor: Actor::Operator, reason: "sso_enforced", origin: &Origin::default() };
    end_sessions(env, tx, shut_out.map(|(session, ..)| session), because).await?;
    Ok(())
}

async fn save_connection_event(
    env: &Env,
    tx: &mut OrgTx,
    mark: &Mark,
    state: &WantedState,
) -> Result<(), Failure> {
    let connection = &state.connection;
    let mut event = done(env, Action::ConnectionConfigured, mark)?;
    event.detail.extend([
        ("connection", connection.id.to_string()),
        ("slug", connection.slug.to_string()),
        ("state", connection.state.as_str().to_owned()),
        ("version", connection.latest_version.to_string()),
    ]);
    tx.audit().insert(&event).await?;
    if connection.state == ConnectionState::Active {
        return Ok(()); // it lets everybody in
    }
    let origin = Origin::default();
    let because = Because { actor: Actor::Operator, reason: CONNECTION_DISABLED, origin: &origin };
    end_shut_out(env, tx, connection.id, because).await
}

async fn save_domain(env: &Env, tx: &mut OrgTx, mark: &Mark, domain: &DomainName) -> Result<(), Failure> {
    let at = env.clock.now();
    if *mark == Mark::Removed {
        tx.domains().delete(domain).await?;
    } else {
        tx.domains().save_vouched(DomainId::from_uuid(env.random.uuid(at)?), domain, at).await?;
    }
    let mut event = done(env, Action::DomainConfigured, mark)?;
    event.detail.push(("domain", domain.to_string()));
    Ok(tx.audit().insert(&event).await?)
}

async fn save_group(env: &Env, tx: &mut OrgTx, mark: &Mark, group: &Group) -> Result<(), Failure> {
    let removed = tx.groups().save(group, env.clock.now()).await?;
    let roles: Vec<_> = group.roles.keys().map(Slug::as_str).collect();
    let mut event = done(env, Action::GroupConfigured, mark)?;
    event.detail.extend([("group", group.slug.to_string()), ("roles", roles.join(" "))]);
    tx.audit().insert(&event).await?;
    // Of those who are in it no more, nobody could say afterwards that they were.
    for user in removed {
        let event = done(env, Action::UserConfigured, &Mark::Changed(vec!["roles"]))?;
        let detail = [event.detail, vec![("group", group.slug.to_string())]].concat();
        let event = Event { user_id: Some(user), reason: Some("beyond_ceiling"), detail, ..event };
        tx.audit().insert(&event).await?;
    }
    Ok(())
}

async fn save_role(env: &Env, tx: &mut OrgTx, mark: &Mark, role: &Role) -> Result<(), Failure> {
    let before = tx.roles().list().await?.into_iter().find(|before| before.id == role.id);
    let had = before.map(|before| before.permissions).unwrap_or_default();
    tx.roles().save(role, env.clock.now()).await?;
    let changed: Vec<_> = role.permissions.symmetric_difference(&had).map(String::as_str).collect();
    let permissions: Vec<_> = role.permissions.iter().map(String::as_str).collect();
    let mut event = done(env, Action::RoleConfigured, mark)?;
    event.detail.extend([("role", role.slug.to_string()), ("permissions", permissions.join(" "))]);
    if *mark != Mark::Created {
        event.detail.push(("changed_permissions", changed.join(" ")));
    }
    Ok(tx.audit().insert(&event).await?)
}

async fn save_user(
    env: &Env,
    tx: &mut OrgTx,
    mark: &Mark,
    (user, phc): (&UserState, Option<&str>),
) -> Result<(), Failure> {
    let UserState { id, email, name, status, .. } = user;
    let at = env.clock.now();
    let verified = env.vault.email_hash(email);
    if *mark == Mark::Created {
        tx.users().insert(&NewUser { id: *id, email, verified: Some(verified), name, at }).await?;
    } else if mark.touches("verified") {
        tx.users().update_email_verified(*id, &verified, at).await?;
    }
    tx.users().update(*id, name, *status, at).await?;
    tx.users().update_break_glass(*id, user.break_glass, at).await?;
    if let Some(attributes) = &user.attributes {
        tx.attributes().save_of_user(*id, attributes).await?;
    }
    if let Some(phc) = phc {
        tx.users().save_password(*id, phc, at).await?;
    }
    let mut event = Event { user_id: Some(*id), ..done(env, Action::UserConfigured, mark)? };
    event.detail.push(("status", status.as_str().to_owned()));
    if let Some(roles) = &user.roles {
        let ids: Vec<_> = roles.values().copied().collect();
        tx.users().replace_roles(*id, &ids, at).await?;
        let slugs: Vec<_> = roles.keys().map(Slug::as_str).collect();
        event.detail.push(("roles", slugs.join(" ")));
    }
    tx.audit().insert(&event).await?;
    match user.ends_sessions {
        Some(reason) => end(env, tx, Some(*id), reason).await,
        None => Ok(()),
    }
}

/// Of a user, or of everybody.
async fn end(env: &Env, tx: &mut OrgTx, user: Option<UserId>, reason: &'static str) -> Result<(), Failure> {
    tx.users().seize(user).await?;
    let open = tx.sessions().list_open(user).await?;
    let because = Because { actor: Actor::Operator, reason, origin: &Origin::default() };
    end_sessions(env, tx, open, because).await?;
    Ok(())
}

async fn save_client(
    env: &Env,
    tx: &mut OrgTx,
    mark: &Mark,
    (client, roles): (&Client, Option<&BTreeMap<Slug, RoleId>>),
) -> Result<(), Failure> {
    // What the file is silent about, or says as it was, stays as it is by now.
    let with_status = *mark == Mark::Created || mark.touches("status");
    tx.clients().save(&ClientChange { client, with_status, at: env.clock.now() }).await?;
    let mut event = done(env, Action::ClientConfigured, mark)?;
    event.client = Some(client.key());
    event.detail.extend([
        ("client_id", client.client_id.clone()),
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

/// Part of the change that [`save_client`] writes the event of.
async fn save_secret(
    env: &Env,
    tx: &mut OrgTx,
    client: &Client,
    (change, made): (&SecretChange, &Made),
) -> Result<(), Failure> {
    if let Some(secret) = &made.secret {
        let hash = SecretHash::of(secret.reveal().as_bytes());
        tx.clients().replace_secrets(client.id, &hash, env.clock.now()).await?;
    } else if matches!(change, SecretChange::Remove) {
        tx.clients().delete_secrets(client.id).await?;
    }
    Ok(())
}

async fn access(
    env: &Env,
    tx: &mut OrgTx,
    mark: &Mark,
    (client, client_id): ((OrgId, ClientId), &str),
) -> Result<(), Failure> {
    if *mark == Mark::Removed {
        tx.clients().delete_access(client).await?;
    } else {
        tx.clients().insert_access(client, env.clock.now()).await?;
    }
    let mut event = done(env, Action::ClientConfigured, mark)?;
    event.client = Some(client);
    event.detail.extend([("client_id", client_id.to_owned()), ("part", "access".to_owned())]);
    Ok(tx.audit().insert(&event).await?)
}

/// Why a unique name could not be used.
fn taken(org: &Slug, subject: &Subject) -> String {
    let name = match subject {
        Subject::Access { client_id, .. } => return since(&format!("the access of {org} to {client_id}")),
        Subject::Connection(state) => {
            return since(&format!("the connection {} in {org}", state.connection.slug));
        }
        Subject::Group(group) => return since(&format!("the group {} in {org}", group.slug)),
        Subject::Role(role) => return since(&format!("the role {} in {org}", role.slug)),
        Subject::User(user) => return since(&format!("the user {} in {org}", user.email.as_str())),
        Subject::Client { client, .. } => format!("the client_id {}", client.client_id),
        Subject::Domain(domain) => format!("the domain {domain}"),
        Subject::Organization(_) => format!("the slug {org}"),
    };
    format!("{name} is, or was, another organization's")
}

fn since(what: &str) -> String {
    format!("{what} was made by someone else in the meantime; apply again")
}
