//! The wanted state as a file: what [`load_str`](super::load_str) reads back as the same.

use orgate_domain::clients::{ClientKeySource, ClientSettings};
use orgate_domain::connections::{Attributes, ConnectionSettings};
use orgate_domain::organizations::Branding;
use orgate_domain::policies::PolicySettings;
use orgate_domain::quotas::Quota;
use orgate_flows::apply::{
    Kind, Placed, QuotaSettings, Secret, Wanted, WantedClient, WantedConnection, WantedDelegation,
    WantedGroup, WantedJoining, WantedMailTemplate, WantedOrganization, WantedRole, WantedUser,
    WantedWebhook,
};
use orgate_flows::invitations::make::WantedInvitation;
use orgate_flows::manage::WebhookScope;
use serde_json::Value;
use serde_saphyr::{Location, Spanned};

use super::format::{self, Text};

/// Why a state could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the state cannot be written as YAML: {0}")]
pub struct WriteError(String);

/// Writes a state. A secret in it is written as it is: it is a reference to a variable.
///
/// # Errors
/// What cannot be said in a file.
pub fn write(wanted: &Wanted) -> Result<String, WriteError> {
    let clients = wanted.clients.iter().map(client).collect::<Result<Vec<_>, _>>()?;
    let file = format::File {
        organizations: wanted.organizations.iter().map(organization).collect::<Result<_, _>>()?,
        clients: wanted.lists_clients.then_some(clients),
    };
    // Everything in quotes: nothing is read back as a number, a truth value or nothing at all.
    let options = serde_saphyr::ser_options! { quote_all: true, prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(&file, options).map_err(|error| WriteError(error.to_string()))
}

fn organization(wanted: &WantedOrganization) -> Result<format::Organization, WriteError> {
    let lists = |kind| wanted.lists.contains(&kind);
    let connections = wanted.connections.iter().map(connection).collect::<Result<Vec<_>, _>>()?;
    let users: Vec<_> = wanted.users.iter().map(user).collect();
    let (roles, groups): (Vec<_>, Vec<_>) =
        (wanted.roles.iter().map(role).collect(), wanted.groups.iter().map(group).collect());
    Ok(format::Organization {
        slug: text(&wanted.slug.value),
        name: text(&wanted.name.as_str()),
        parent: wanted.parent.as_ref().map(|parent| text(&parent.value)),
        status: wanted.status.as_ref().map(|status| text(&status.value.as_str())),
        external_id: wanted.external_id.as_ref().map(|id| text(&id.as_str())),
        contact: wanted.contact.as_ref().map(|contact| text(&contact.as_str())),
        attributes: wanted.attributes.as_ref().map(attributes),
        domains: wanted.domains.as_deref().map(texts),
        delegations: wanted.delegations.as_ref().map(|list| list.iter().map(delegation).collect()),
        branding: wanted.branding.as_ref().map(branding),
        mail_templates: wanted.mail_templates.as_ref().map(|list| list.iter().map(mail_template).collect()),
        policy: wanted.policy.as_ref().map(policy),
        quotas: wanted.quotas.as_ref().map(quotas),
        role_blueprints: wanted.blueprints.as_ref().map(|list| list.iter().map(role).collect()),
        joining: wanted.joining.as_ref().map(joining),
        ready_roles: (!wanted.ready_roles).then_some(false),
        roles: lists(Kind::Roles).then_some(roles),
        groups: lists(Kind::Groups).then_some(groups),
        users: lists(Kind::Users).then_some(users),
        connections: lists(Kind::Connections).then_some(connections),
        webhooks: lists(Kind::Webhooks).then(|| wanted.webhooks.iter().map(webhook).collect()),
        invitations: wanted.invitations.iter().map(|placed| invitation(&placed.value)).collect(),
    })
}

fn webhook(wanted: &WantedWebhook) -> format::Webhook {
    format::Webhook {
        url: text(&wanted.url.value),
        scope: (wanted.scope != WebhookScope::Organization).then(|| text(&wanted.scope.as_str())),
        description: wanted.description.as_ref().map(text),
        events: wanted.events.as_ref().map(|events| events.iter().map(text).collect()),
        status: wanted.status.map(|status| text(&status.as_str())),
        secret: wanted.secret.as_ref().map(reference),
    }
}

fn invitation(wanted: &WantedInvitation) -> format::Invitation {
    format::Invitation {
        email: text(&wanted.email.as_str()),
        name: wanted.name.as_ref().map(|name| text(&name.as_str())),
        locale: wanted.locale.as_ref().map(text),
        client_id: wanted.client_id.as_ref().map(text),
        roles: wanted.roles.iter().map(text).collect(),
        groups: wanted.groups.iter().map(text).collect(),
        expires_in_hours: Some(spanned(wanted.lifetime.num_hours())),
    }
}

fn quotas(wanted: &QuotaSettings) -> format::Quotas {
    let number = |limit: u32| spanned(i64::from(limit));
    let of = |quota| wanted.limits.get(&quota).copied().map(number);
    format::Quotas {
        seats: wanted.seats.map(number),
        api_keys: of(Quota::ApiKeys),
        clients: of(Quota::Clients),
        connections: of(Quota::Connections),
        domains: of(Quota::Domains),
        groups: of(Quota::Groups),
        roles: of(Quota::Roles),
        webhooks: of(Quota::Webhooks),
    }
}

fn branding(wanted: &Branding) -> format::Branding {
    format::Branding {
        logo_url: wanted.logo_url.as_ref().map(text),
        primary_color: wanted.primary_color.as_ref().map(text),
        locale: wanted.locale.as_ref().map(text),
    }
}

fn policy(wanted: &PolicySettings) -> format::Policy {
    // Taken apart, so that no setting is forgotten here.
    let PolicySettings {
        session_idle,
        session_absolute,
        access_token,
        refresh_idle,
        refresh_absolute,
        lockout_attempts,
        sso_enforcement,
        third_party_clients,
        client_registration,
        client_id_metadata,
    } = wanted;
    format::Policy {
        session_idle_secs: seconds(*session_idle),
        session_absolute_secs: seconds(*session_absolute),
        access_token_secs: seconds(*access_token),
        refresh_idle_secs: seconds(*refresh_idle),
        refresh_absolute_secs: seconds(*refresh_absolute),
        lockout_attempts: lockout_attempts.map(|tries| spanned(i64::from(tries))),
        sso_enforcement: sso_enforcement.map(|enforcement| text(&enforcement.as_str())),
        third_party_clients: third_party_clients.map(|allowance| text(&allowance.as_str())),
        client_registration: client_registration.map(|allowance| text(&allowance.as_str())),
        client_id_metadata: client_id_metadata.map(|allowance| text(&allowance.as_str())),
    }
}

fn joining(wanted: &WantedJoining) -> format::Joining {
    format::Joining {
        domains: Some(text(&wanted.domains.as_str())),
        others: Some(text(&wanted.others.as_str())),
        roles: Some(wanted.roles.iter().map(|role| text(&role.value)).collect()),
    }
}

fn delegation(wanted: &WantedDelegation) -> format::Delegation {
    format::Delegation {
        organization: text(&wanted.organization.value),
        permissions: wanted.permissions.iter().map(text).collect(),
    }
}

fn mail_template(wanted: &WantedMailTemplate) -> format::MailTemplate {
    format::MailTemplate {
        mail: text(&wanted.kind.value),
        locale: text(&wanted.locale),
        subject: text(&wanted.wording.subject),
        text: text(&wanted.wording.text),
    }
}

fn role(wanted: &WantedRole) -> format::Role {
    format::Role {
        slug: text(&wanted.slug.value),
        name: wanted.name.as_ref().map(|name| text(&name.as_str())),
        permissions: wanted.permissions.as_ref().map(|permissions| permissions.iter().map(text).collect()),
    }
}

fn group(wanted: &WantedGroup) -> format::Group {
    format::Group {
        slug: text(&wanted.slug.value),
        name: wanted.name.as_ref().map(|name| text(&name.as_str())),
        roles: wanted.roles.as_deref().map(texts),
        parents: wanted.parents.as_deref().map(texts),
    }
}

fn user(wanted: &WantedUser) -> format::User {
    format::User {
        email: text(&wanted.email.value.as_str()),
        name: text(&wanted.name.as_str()),
        email_verified: (!wanted.vouched).then_some(false),
        external_id: wanted.external_id.as_ref().map(|id| text(&id.as_str())),
        status: wanted.status.map(|status| text(&status.as_str())),
        password: wanted.password.as_ref().map(reference),
        break_glass: wanted.break_glass,
        attributes: wanted.attributes.as_ref().map(attributes),
        roles: wanted.roles.as_deref().map(texts),
        groups: wanted.groups.as_deref().map(texts),
    }
}

fn connection(wanted: &WantedConnection) -> Result<format::Connection, WriteError> {
    Ok(format::Connection {
        slug: text(&wanted.slug.value),
        name: wanted.name.as_ref().map(|name| text(&name.as_str())),
        vendor: wanted.vendor.map(|vendor| text(&vendor.as_str())),
        state: wanted.state.map(|state| text(&state.as_str())),
        position: wanted.position.map(|position| spanned(i64::from(position))),
        icon_url: wanted.icon_url.as_ref().map(text),
        domains: wanted.domains.as_deref().map(texts),
        pilots: wanted
            .pilots
            .as_ref()
            .map(|list| list.iter().map(|email| text(&email.value.as_str())).collect()),
        secret: wanted.secret.as_ref().map(reference),
        settings: spanned(settings(&wanted.settings.value)?),
    })
}

/// The document, without what it is silent about, and with nothing that would be taken for a variable.
fn settings(settings: &ConnectionSettings) -> Result<Value, WriteError> {
    let mut document = serde_json::to_value(settings).map_err(|error| WriteError(error.to_string()))?;
    tidy(&mut document);
    Ok(document)
}

fn tidy(value: &mut Value) {
    match value {
        Value::String(text) => *text = escaped(text),
        Value::Array(list) => list.iter_mut().for_each(tidy),
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(tidy);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn client(wanted: &WantedClient) -> Result<format::Client, WriteError> {
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
    let (jwks, jwks_uri) = keys_of(keys.as_ref())?;
    Ok(format::Client {
        id: text(&wanted.client_id.value),
        organization: text(&wanted.organization.value),
        name: text(&wanted.name.as_str()),
        kind: text(&wanted.kind.as_str()),
        audience: text(&wanted.audience.as_str()),
        status: wanted.status.map(|status| text(&status.as_str())),
        secret: wanted.secret.as_ref().map(reference),
        redirect_uris: wanted.redirect_uris.iter().map(|uri| text(&uri.as_str())).collect(),
        post_logout_redirect_uris: wanted.post_logout_redirect_uris.iter().map(text).collect(),
        home_url: wanted.home_url.as_ref().map(text),
        initiate_login_uri: wanted.initiate_login_uri.as_ref().map(text),
        resource: Some(text(&wanted.resource)),
        signing_algorithm: Some(text(&wanted.signing_algorithm.as_str())),
        permissions: wanted.permissions.iter().map(text).collect(),
        granted_to: wanted.granted_to.as_deref().map(texts),
        authentication: Some(text(&authentication.as_str())),
        jwks,
        jwks_uri,
        grants: Some(grants.iter().map(|grant| text(&grant.as_str())).collect()),
        scopes: scopes.as_ref().map(|scopes| scopes.iter().map(text).collect()),
        resources: resources.iter().map(text).collect(),
        access_token_secs: seconds(lifetimes.access_token),
        refresh_idle_secs: seconds(lifetimes.refresh_idle),
        refresh_absolute_secs: seconds(lifetimes.refresh_absolute),
        session_idle_secs: seconds(lifetimes.session_idle),
        session_absolute_secs: seconds(lifetimes.session_absolute),
        profile: Some(text(&profile.as_str())),
        require_pushed_authorization_requests: Some(*require_pushed_authorization_requests),
        require_pkce: Some(*require_pkce),
        dpop_bound_access_tokens: Some(*dpop_bound_access_tokens),
        party: Some(text(&party.as_str())),
        issuer: Some(text(&issuer.as_str())),
        userinfo_signing_algorithm: userinfo_signing_algorithm.map(|algorithm| text(&algorithm.as_str())),
        backchannel_logout_uri: backchannel_logout_uri.as_ref().map(text),
        frontchannel_logout_uri: frontchannel_logout_uri.as_ref().map(text),
        claims: claims.iter().map(document).collect::<Result<_, _>>()?,
        claims_budget_bytes: i64::try_from(*claims_budget).ok().map(spanned),
        roles: wanted.roles.as_deref().map(texts),
    })
}

/// A client's keys: written out, or where they are.
fn keys_of(keys: Option<&ClientKeySource>) -> Result<(Option<Spanned<Value>>, Option<Text>), WriteError> {
    Ok(match keys {
        Some(ClientKeySource::Inline(keys)) => {
            let keys = serde_json::from_str(keys).map_err(|error| WriteError(error.to_string()))?;
            (Some(spanned(keys)), None)
        }
        Some(ClientKeySource::Url(url)) => (None, Some(text(url))),
        None => (None, None),
    })
}

fn document(value: &impl serde::Serialize) -> Result<Spanned<Value>, WriteError> {
    serde_json::to_value(value).map(spanned).map_err(|error| WriteError(error.to_string()))
}

fn attributes(wanted: &Attributes) -> Spanned<Value> {
    let members = wanted.iter().map(|(name, values)| (name.clone(), Value::from(values.clone())));
    spanned(Value::Object(members.collect()))
}

fn seconds(limit: Option<chrono::Duration>) -> Option<Spanned<i64>> {
    limit.map(|limit| spanned(limit.num_seconds()))
}

fn texts<T: ToString>(list: &[Placed<T>]) -> Vec<Text> {
    list.iter().map(|placed| text(&placed.value)).collect()
}

/// Text that stands for itself.
fn text(value: &impl ToString) -> Text {
    spanned(escaped(&value.to_string()))
}

fn reference(secret: &Secret) -> Text {
    spanned(secret.reveal().to_owned())
}

fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}

const fn spanned<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Location::UNKNOWN, Location::UNKNOWN)
}
