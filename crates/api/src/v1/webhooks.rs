//! `/organizations/{organization}/webhooks`.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use orgate_domain::ids::WebhookId;
use orgate_flows::Env;
use orgate_flows::manage::webhooks::{
    Shown, Since, WebhookSettings, create_webhook, cursor_of, delete_webhook, find_webhook, list_webhooks,
    replay as replay_webhook, rotate_secret as rotate, update_webhook,
};
use orgate_flows::manage::{ChangeError, Webhook, WebhookScope, WebhookStatus, WebhookTerms};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Body, Named, Private, private};
use super::change::{IfMatch, New, Patch, TaggedBy};
use super::page::{PageQuery, Paged, page};
use super::problem::Problem;

/// Hours that a replaced secret goes on signing, if nobody says how many.
const DEFAULT_OVERLAP: u32 = 24;

/// A webhook, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct View {
    #[serde(flatten)]
    settled: Settled,
    /// Why it was disabled, if nobody did: `gone` if its receiver answered 410, `failing` if it took nothing for five days.
    disabled_reason: Option<String>,
    /// Until when the secret before this one signs too.
    previous_secret_expires_at: Option<DateTime<Utc>>,
    /// Up to where events were delivered, or set aside to be tried again.
    cursor: String,
    /// Since when nothing was taken.
    failing_since: Option<DateTime<Utc>>,
    /// When the next event in order is tried again, after a failure.
    retry_at: Option<DateTime<Utc>>,
}

/// What of a webhook changes only if somebody changes it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettledWebhook)]
pub(crate) struct Settled {
    /// Its id.
    id: String,
    /// Of whom it tells.
    scope: Scope,
    #[serde(flatten)]
    settings: Settings,
    /// When it was made.
    created_at: DateTime<Utc>,
}

/// What of a webhook may be changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookSettings)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Where events are sent: a public https address.
    #[schema(max_length = 2000, example = "https://example.com/orgate")]
    url: String,
    /// For people.
    #[serde(default)]
    #[schema(max_length = 200)]
    description: Option<String>,
    /// Which events: actions such as `user.configured`, or all of a noun's as `user.*`. Null: whatever happens.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 50)]
    events: Option<Vec<String>>,
    /// Whether it is sent anything. One that is enabled again goes on where it was.
    enabled: bool,
}

/// A webhook as wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewWebhook)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Where events are sent: a public https address.
    #[schema(max_length = 2000, example = "https://example.com/orgate")]
    url: String,
    /// For people.
    #[serde(default)]
    #[schema(max_length = 200)]
    description: Option<String>,
    /// Which events: see `Webhook`.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 50)]
    events: Option<Vec<String>>,
    /// Of whom it tells: `all` takes `orgate:organizations:act` in the operator's organization. It stays as it is.
    #[serde(default)]
    scope: Scope,
}

/// Of whom a webhook tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookScope)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// Of all organizations: the operator's alone.
    All,
    /// Of its own organization.
    #[default]
    Organization,
}

/// A webhook with the secret that it signs by.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookWithSecret)]
pub(crate) struct WithSecret {
    #[serde(flatten)]
    webhook: View,
    /// The secret, which is shown only now. Null in answer to a request that was answered before.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: Option<String>,
}

/// How a secret is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SecretRotation)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    /// Hours that both secrets sign: 0 to 168.
    #[serde(default = "default_overlap")]
    #[schema(maximum = 168, default = 24)]
    overlap_hours: u32,
}

/// Where a webhook is to go on: one of these.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = WebhookReplay)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replay {
    /// After what was read up to this cursor.
    #[serde(default)]
    after: Option<String>,
    /// With what happened from this moment on.
    #[serde(default)]
    since: Option<DateTime<Utc>>,
}

const fn default_overlap() -> u32 {
    DEFAULT_OVERLAP
}

impl From<Scope> for WebhookScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::All => Self::All,
            Scope::Organization => Self::Organization,
        }
    }
}

impl From<&Webhook> for Settings {
    fn from(webhook: &Webhook) -> Self {
        let WebhookTerms { url, description, events } = webhook.terms.clone();
        Self { url, description, events, enabled: webhook.status == WebhookStatus::Enabled }
    }
}

impl From<Settings> for WebhookSettings {
    fn from(settings: Settings) -> Self {
        let Settings { url, description, events, enabled } = settings;
        let status = if enabled { WebhookStatus::Enabled } else { WebhookStatus::Disabled };
        Self { terms: WebhookTerms { url, description, events }, status }
    }
}

impl From<&Webhook> for Settled {
    fn from(webhook: &Webhook) -> Self {
        let scope = match webhook.scope {
            WebhookScope::All => Scope::All,
            WebhookScope::Organization => Scope::Organization,
        };
        Self { id: webhook.id.to_string(), scope, settings: webhook.into(), created_at: webhook.created_at }
    }
}

impl From<Webhook> for View {
    fn from(webhook: Webhook) -> Self {
        Self {
            settled: (&webhook).into(),
            cursor: cursor_of(&webhook).to_string(),
            previous_secret_expires_at: webhook.secrets.previous.map(|(_, until)| until),
            disabled_reason: webhook.status_reason,
            failing_since: webhook.failing_since,
            retry_at: webhook.retry_at,
        }
    }
}

/// A webhook, with the tag of what may be changed of it.
fn tagged(webhook: Webhook) -> TaggedBy<Settled, View> {
    TaggedBy((&webhook).into(), webhook.into())
}

fn with_secret((webhook, secret): (Webhook, Shown)) -> TaggedBy<Settled, WithSecret> {
    let settled = (&webhook).into();
    TaggedBy(settled, WithSecret { webhook: webhook.into(), secret: secret.map(|secret| secret.to_string()) })
}

page! {
    /// A page of webhooks.
    WebhookList as WebhookPage of View
}

/// List the webhooks of an organization, in the order in which they were made.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/webhooks",
    tag = "Webhooks",
    operation_id = "listWebhooks",
    params(PageQuery),
    responses((status = 200, description = "A page of them", body = WebhookList)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Paged(page): Paged<WebhookId>,
) -> Result<Private<WebhookList>, Problem> {
    Ok(Private(list_webhooks(&env, &caller, page).await?.into()))
}

/// Make a webhook: it is told what happens from now on, signed as Standard Webhooks says. It takes `orgate:audit:read` as well.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/webhooks",
    tag = "Webhooks",
    operation_id = "createWebhook",
    request_body = Wanted,
    responses((status = 201, description = "The webhook, and its secret", body = WithSecret)),
)]
pub(crate) async fn post(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    New(wanted, once): New<Wanted>,
) -> Result<Response, Problem> {
    let Wanted { url, description, events, scope } = wanted;
    let terms = WebhookTerms { url, description, events };
    let made = create_webhook(&env, &caller, (scope.into(), &terms), once.as_ref()).await?;
    let at = format!("{}/organizations/{}/webhooks/{}", super::PATH, caller.org_id(), made.0.id);
    let at = [(header::LOCATION, env.issuer.at(&at))];
    Ok((StatusCode::CREATED, at, with_secret(made)).into_response())
}

/// Read a webhook.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/webhooks/{webhook}",
    tag = "Webhooks",
    operation_id = "getWebhook",
    params(("webhook" = String, Path, description = "Its id")),
    responses((status = 200, description = "The webhook, without its secret", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<WebhookId>,
) -> Result<TaggedBy<Settled, View>, Problem> {
    find_webhook(&env, &caller, id).await?.map(tagged).ok_or_else(Problem::not_found)
}

/// Change a webhook. It takes `orgate:audit:read` as well, but for disabling it.
#[utoipa::path(
    patch,
    path = "/organizations/{organization}/webhooks/{webhook}",
    tag = "Webhooks",
    operation_id = "updateWebhook",
    params(("webhook" = String, Path, description = "Its id")),
    request_body(content = Settings, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The webhook", body = View)),
)]
pub(crate) async fn patch(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<WebhookId>,
    patch: Patch,
) -> Result<TaggedBy<Settled, View>, Problem> {
    let edit = |now: &Webhook| Ok(patch.onto::<Settings>(&Settled::from(now), &now.into())?.into());
    Ok(tagged(update_webhook(&env, &caller, id, edit).await?))
}

/// Delete a webhook, with what it had still to tell.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/webhooks/{webhook}",
    tag = "Webhooks",
    operation_id = "deleteWebhook",
    params(("webhook" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is gone")),
)]
pub(crate) async fn delete(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<WebhookId>,
    only: IfMatch,
) -> Result<Response, Problem> {
    delete_webhook(&env, &caller, id, |webhook| only.check(&Settled::from(webhook))).await?;
    Ok(private(StatusCode::NO_CONTENT))
}

/// Have a webhook go through what happened again, from a cursor or a moment on. Events keep their ids.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/webhooks/{webhook}/replay",
    tag = "Webhooks",
    operation_id = "replayWebhook",
    params(("webhook" = String, Path, description = "Its id")),
    request_body = Replay,
    responses((status = 200, description = "The webhook, where it is now", body = View)),
)]
pub(crate) async fn replay(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<WebhookId>,
    Body(wanted): Body<Replay>,
) -> Result<TaggedBy<Settled, View>, Problem> {
    let since = match (wanted.after, wanted.since) {
        (Some(cursor), None) => {
            let cursor = cursor.parse().map_err(|_| ChangeError::invalid("/after", "not a cursor"))?;
            Since::Cursor(cursor)
        }
        (None, Some(moment)) => Since::Moment(moment),
        _ => return Err(Problem::fault("", "one of after and since says where to go on")),
    };
    Ok(tagged(replay_webhook(&env, &caller, id, since).await?))
}

/// Replace a webhook's secret. The one before signs as well for a while, so that its receiver can change to the new one.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/webhooks/{webhook}/rotate-secret",
    tag = "Webhooks",
    operation_id = "rotateWebhookSecret",
    params(("webhook" = String, Path, description = "Its id")),
    request_body = Rotation,
    responses((status = 200, description = "The webhook, and its new secret", body = WithSecret)),
)]
pub(crate) async fn rotate_secret(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<WebhookId>,
    New(wanted, once): New<Rotation>,
) -> Result<TaggedBy<Settled, WithSecret>, Problem> {
    Ok(with_secret(rotate(&env, &caller, (id, wanted.overlap_hours), once.as_ref()).await?))
}
