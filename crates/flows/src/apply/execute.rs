//! Carrying a plan out: a transaction a step, and each change's audit event in it.

use orgate_domain::audit::{Action, Event};
use orgate_domain::clients::{Client, ClientStatus};
use orgate_domain::connections::ConnectionState;
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{ConnectionId, UserId};
use orgate_domain::names::Slug;
use orgate_domain::permissions::EVERYTHING;
use orgate_protocol::webhooks::SigningSecret;
use orgate_storage::{
    Connection, EXTERNAL_ID_OF_ORGANIZATION, EXTERNAL_ID_OF_USER, Group, OrgScope, OrgTx, Role, StorageError,
    WebhookScope,
};

use super::connections::WantedState;
use super::plan::{Change, SecretChange, Step, Subject, Why, without_path};
use super::prune::Pruning;
use super::wanted::Secret;
use super::{Applied, ApplyError, GeneratedSecret};
use crate::client_status::save_client_status;
use crate::configure::{
    Author, Mark, provide_keys, save_access, save_blueprint, save_client, save_delegation, save_domain,
    save_group, save_joining, save_mail_template, save_organization, save_quotas, save_role, save_user,
    seal_webhook_secret, seize_quotas,
};
use crate::end_sessions::{CONNECTION_DISABLED, end_shut_out};
use crate::invitations::seats::hold_seats;
use crate::{Env, Failure};

/// What a change needs that is not made inside a transaction.
#[derive(Default)]
struct Made {
    /// The hash of a user's new password.
    phc: Option<String>,
    /// A client's new secret, or a webhook's.
    secret: Option<Secret>,
    /// A connection's secrets, or a webhook's, encrypted.
    sealed: Option<Vec<u8>>,
    /// Where the log of all organizations is.
    place: Option<i64>,
}

/// Carries out a step, and adds it to what was applied.
pub(super) async fn execute(
    env: &Env,
    (step, pruning): (&Step, Pruning),
    applied: &mut Applied,
) -> Result<(), ApplyError> {
    if step.changes.iter().any(|change| matches!(change.subject, Subject::Invitation(_))) {
        super::invitations::send(env, step).await?;
        applied.changes += step.changes.len();
        return Ok(());
    }
    let mut changes = Vec::with_capacity(step.changes.len());
    for change in &step.changes {
        changes.push((change, make(env, &step.scope, &change.subject).await?));
    }
    let mut tx = env.store.begin(&step.scope).await.map_err(Failure::from)?;
    if step.changes.iter().any(|change| shuts_out(&change.subject)) {
        tx.users().seize(None).await.map_err(Failure::from)?; // before anything that a sign-in may wait for
    }
    let gives_rights = step.changes.iter().any(|change| gives_rights(&change.subject));
    if gives_rights {
        tx.roles().seize().await.map_err(Failure::from)?; // as programs do that change these
    }
    if step.changes.iter().any(|change| matches!(change.subject, Subject::Joining(_))) {
        tx.joining().seize().await.map_err(Failure::from)?; // before seats, as whoever joins does
    }
    // Before the organization's row, as everybody who takes seats does.
    if step.changes.iter().any(|change| matches!(change.subject, Subject::Quotas(_))) {
        seize_quotas(&mut tx).await.map_err(Failure::from)?;
    } else if step.changes.iter().any(|change| matches!(change.subject, Subject::User { .. })) {
        hold_seats(&mut tx).await?;
    }
    let keeps_owner = gives_rights && pruning == Pruning::On;
    let had_owner = keeps_owner && tx.roles().is_held(EVERYTHING).await.map_err(Failure::from)?;
    for (change, made) in &changes {
        match write(env, &mut tx, (&step.slug, change), made).await {
            Err(Failure::Storage(StorageError::Conflict { constraint })) => {
                return Err(ApplyError::Taken(taken(&step.slug, (&change.subject, &constraint))));
            }
            written => written?,
        }
    }
    if had_owner && !tx.roles().is_held(EVERYTHING).await.map_err(Failure::from)? {
        return Err(ApplyError::LastOwner(step.slug.to_string()));
    }
    // Before the commit: if its answer is lost the secret may be in force, and is known here only.
    let generated = changes.iter().filter_map(|(change, made)| generated(&step.slug, (change, made)));
    applied.generated_secrets.extend(generated);
    tx.commit().await.map_err(Failure::from)?;
    applied.changes += changes.len();
    Ok(())
}

/// Whether it says who may do what.
const fn gives_rights(subject: &Subject) -> bool {
    matches!(
        subject,
        Subject::Delegation(..)
            | Subject::Group(_)
            | Subject::Joining(_)
            | Subject::Role(_)
            | Subject::User { .. }
    )
}

/// Whether sessions of anybody may have to end for it.
fn shuts_out(subject: &Subject) -> bool {
    match subject {
        Subject::Connection(state) => state.connection.state != ConnectionState::Active,
        Subject::Organization(state) => state.shuts_out(),
        _ => false,
    }
}

async fn make(env: &Env, scope: &OrgScope, subject: &Subject) -> Result<Made, Failure> {
    let mut made = Made::default();
    match subject {
        Subject::User { password: Some(password), .. } => {
            made.phc = Some(env.passwords.hash(scope.org_id(), password.reveal()).await?);
        }
        Subject::Connection(state) => {
            if let Some((_, secrets)) = &state.version {
                made.sealed = secrets.seal(env, scope, state.connection.id).await?;
            }
        }
        Subject::Client { client, secret, .. } => {
            provide_keys(env, client).await?;
            made.secret = match secret {
                SecretChange::Generate => Some(env.random.client_secret()?),
                SecretChange::Set(secret) => Some(secret.clone()),
                SecretChange::Keep | SecretChange::Remove => None,
            };
        }
        Subject::Webhook(state, change) => {
            let secret = match change {
                SecretChange::Generate => Some(SigningSecret::from_bytes(env.random.bytes::<32>()?.to_vec())),
                // It was looked at when the file was read.
                SecretChange::Set(secret) => SigningSecret::parse(secret.reveal()).ok(),
                SecretChange::Keep | SecretChange::Remove => None,
            };
            if let Some(secret) = secret {
                made.sealed = Some(seal_webhook_secret(env, scope, (state.id, &secret)).await?);
                made.secret = Some(Secret::new(secret.to_text().to_string()));
            }
            if state.scope == WebhookScope::All {
                made.place = Some(env.store.find_place(None).await?);
            }
        }
        _ => {}
    }
    Ok(made)
}

fn generated(slug: &Slug, (change, made): (&Change, &Made)) -> Option<GeneratedSecret> {
    let of = match &change.subject {
        Subject::Client { client, secret: SecretChange::Generate, .. } => client.client_id.clone(),
        Subject::Webhook(state, SecretChange::Generate) => {
            format!("the webhook {} of {slug}", without_path(&state.terms.url))
        }
        _ => return None,
    };
    made.secret.clone().map(|secret| GeneratedSecret { of, secret })
}

async fn write(
    env: &Env,
    tx: &mut OrgTx,
    (slug, change): (&Slug, &Change),
    made: &Made,
) -> Result<(), Failure> {
    let mark = &change.mark;
    let by = (&Author::operator(), mark);
    match &change.subject {
        Subject::Client { client, .. } if change.why == Why::Pruned => {
            let (of, status) = ((client.key(), client.client_id.as_str()), ClientStatus::Disabled);
            save_client_status(env, tx, (&Author::operator(), of), status).await.map(drop)
        }
        Subject::Connection(state) if change.why == Why::Pruned => {
            switch_off(env, tx, (mark, state.connection.id)).await
        }
        Subject::Access { client, client_id } => save_access(env, tx, by, (*client, client_id)).await,
        Subject::Client { client, secret, roles } => {
            save_client(env, tx, by, (client, roles.as_ref())).await?;
            save_secret(env, tx, client, (secret, made)).await
        }
        Subject::Connection(state) => {
            super::connections::save(env, tx, (mark, state), made.sealed.as_deref()).await?;
            save_connection_event(env, tx, mark, state).await
        }
        Subject::Blueprint(blueprint) => save_blueprint(env, tx, by, blueprint).await,
        Subject::Delegation(delegation, _) => {
            if save_delegation(env, tx, by, delegation).await? || *mark == Mark::Removed {
                return Ok(());
            }
            // Somebody moved it since the plan.
            Err(StorageError::Conflict { constraint: "what is above an organization".to_owned() }.into())
        }
        Subject::Domain(domain) => save_domain(env, tx, by, domain).await,
        Subject::Group(group) if *mark == Mark::Removed => dissolve_group(env, tx, group).await,
        Subject::Group(group) if save_group(env, tx, by, group).await? => Ok(()),
        // Somebody else made it one since the plan.
        Subject::Group(_) => {
            Err(StorageError::Conflict { constraint: "a circle of groups".to_owned() }.into())
        }
        Subject::MailTemplate(template) => save_mail_template(env, tx, by, template).await,
        Subject::Joining(joining) => save_joining(env, tx, &Author::operator(), joining).await,
        Subject::Organization(state) => save_organization(env, tx, by, (slug, state)).await,
        Subject::Quotas(quotas) => save_quotas(env, tx, &Author::operator(), quotas).await,
        Subject::Role(role) if *mark == Mark::Removed => dissolve_role(env, tx, role).await,
        Subject::Role(role) => save_role(env, tx, by, role).await,
        Subject::User { state, .. } => save_user(env, tx, by, (state, made.phc.as_deref())).await,
        Subject::Webhook(state, _) => {
            super::webhooks::save(env, tx, (change, state), (made.sealed.as_deref(), made.place)).await
        }
        // They are a step of their own, which is carried out at once.
        Subject::Invitation(_) => Ok(()),
    }
}

/// An event of a change that the operator made.
fn done(env: &Env, action: Action, mark: &Mark) -> Result<Event, Failure> {
    Ok(Author::operator().done(env, action, mark)?)
}

/// Switches a connection off as it is by now: since the plan was shown, somebody may have changed it.
async fn switch_off(env: &Env, tx: &mut OrgTx, (mark, id): (&Mark, ConnectionId)) -> Result<(), Failure> {
    tx.connections().lock(id).await?;
    let Some(connection) = tx.connections().find(id).await? else { return Ok(()) };
    let connection = Connection { state: ConnectionState::Disabled, ..connection };
    tx.connections().update(&connection, env.clock.now()).await?;
    let state = WantedState { connection, version: None, domains: None, pilots: None };
    save_connection_event(env, tx, mark, &state).await
}

/// Takes a group away, from everybody who is in it.
async fn dissolve_group(env: &Env, tx: &mut OrgTx, group: &Group) -> Result<(), Failure> {
    tx.groups().seize().await?;
    let members = tx.groups().clear(group.id).await?;
    tell_each(env, tx, &members, ("groups", "group_removed", ("left", group.slug.as_str()))).await?;
    if save_group(env, tx, (&Author::operator(), &Mark::Removed), group).await? {
        return Ok(());
    }
    Err(StorageError::Conflict { constraint: "a group that was changed meanwhile".to_owned() }.into())
}

/// Takes a role away, from everybody and everything that has it.
async fn dissolve_role(env: &Env, tx: &mut OrgTx, role: &Role) -> Result<(), Failure> {
    let holders = tx.roles().release(role.id).await?;
    tell_each(env, tx, &holders, ("roles", "role_removed", ("role", role.slug.as_str()))).await?;
    save_role(env, tx, (&Author::operator(), &Mark::Removed), role).await
}

/// An event for each user that something was taken from.
async fn tell_each(
    env: &Env,
    tx: &mut OrgTx,
    users: &[UserId],
    (part, reason, detail): (&'static str, &'static str, (&'static str, &str)),
) -> Result<(), Failure> {
    for user in users {
        let mut event = done(env, Action::UserConfigured, &Mark::Changed(vec![part]))?;
        event.detail.push((detail.0, detail.1.to_owned()));
        tx.audit().insert(&Event { user_id: Some(*user), reason: Some(reason), ..event }).await?;
    }
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
    end_shut_out(env, tx, connection.id, Author::operator().because(CONNECTION_DISABLED)).await
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

/// Why a unique name could not be used.
fn taken(org: &Slug, (subject, constraint): (&Subject, &str)) -> String {
    let name = match subject {
        Subject::Organization(_) if constraint == EXTERNAL_ID_OF_ORGANIZATION => {
            return format!("the external_id of {org} is another organization's");
        }
        Subject::User { email, .. } if constraint == EXTERNAL_ID_OF_USER => {
            return format!("the external_id of {} in {org} is another user's", email.as_str());
        }
        Subject::Access { client_id, .. } => return since(&format!("the access of {org} to {client_id}")),
        Subject::Blueprint(blueprint) => return since(&format!("the blueprint {}", blueprint.slug)),
        Subject::Quotas(_) => return since(&format!("the quotas of {org}")),
        Subject::Connection(state) => {
            return since(&format!("the connection {} in {org}", state.connection.slug));
        }
        Subject::Delegation(_, delegate) => {
            return format!("{delegate} is not above {org} any more; apply again");
        }
        Subject::Group(group) => return since(&format!("the group {} in {org}", group.slug)),
        Subject::MailTemplate(template) => {
            return since(&format!("the mail {} ({}) of {org}", template.kind, template.locale));
        }
        Subject::Invitation(wanted) => {
            return since(&format!("the invitation of {} to {org}", wanted.email.as_str()));
        }
        Subject::Webhook(state, _) => {
            let url = without_path(&state.terms.url);
            return format!("the webhook {url} of {org}: there is {constraint}; apply again");
        }
        Subject::Joining(_) => return since(&format!("the joining of {org}")),
        Subject::Role(role) => return since(&format!("the role {} in {org}", role.slug)),
        Subject::User { email, .. } => return since(&format!("the user {} in {org}", email.as_str())),
        Subject::Client { client, .. } => format!("the client_id {}", client.client_id),
        Subject::Domain(domain) => format!("the domain {domain}"),
        Subject::Organization(_) => format!("the slug {org}"),
    };
    format!("{name} is, or was, another organization's")
}

fn since(what: &str) -> String {
    format!("{what} was made by someone else in the meantime; apply again")
}
