//! `/organizations/{organization}/webhooks/{webhook}/deliveries`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use orgate_domain::ids::{EventId, WebhookId};
use orgate_flows::Env;
use orgate_flows::manage::webhooks::{
    find_delivery, list_deliveries, redeliver as redeliver_event, test_webhook,
};
use orgate_flows::manage::{DeliveryStatus, WebhookDelivery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::admitted::Admitted;
use super::body::{Body, Named, NamedPair, Private, found, private};
use super::change::New;
use super::page::{Filtered, PageQuery, page};
use super::problem::Problem;

/// What became of an event at a webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub(crate) struct View {
    /// The event's id: what its message is called.
    event_id: String,
    /// In whose log it is.
    org_id: String,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// `delivered`, `waiting` if it is tried again, or `dead` if it is not.
    status: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// The status that was answered last.
    http_status: Option<u16>,
    /// Why it was not taken. What the receiver said is not kept.
    failure: Option<String>,
    /// When it was last tried.
    tried_at: Option<DateTime<Utc>>,
    /// When it is tried again.
    next_try_at: Option<DateTime<Utc>>,
}

/// Which deliveries are listed.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `list` reads")]
pub(crate) struct DeliveryQuery {
    /// What became of them: `delivered`, `waiting` or `dead`.
    #[param(pattern = "^(delivered|waiting|dead)$")]
    status: Option<String>,
}

/// Nothing is to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Nothing)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl From<WebhookDelivery> for View {
    fn from(delivery: WebhookDelivery) -> Self {
        Self {
            event_id: delivery.key.place.id.to_string(),
            org_id: delivery.key.org_id.to_string(),
            occurred_at: delivery.key.place.at,
            status: delivery.status.as_str(),
            attempts: delivery.attempts,
            http_status: delivery.http_status,
            failure: delivery.failure,
            tried_at: (delivery.attempts > 0).then_some(delivery.tried_at),
            next_try_at: delivery.next_try_at,
        }
    }
}

page! {
    /// A page of deliveries.
    Deliveries as WebhookDeliveryPage of View
}

/// List what became of events at a webhook in the last thirty days, the latest first. An event that is still tried in order is not
/// among them.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/webhooks/{webhook}/deliveries",
    tag = "Webhooks",
    operation_id = "listWebhookDeliveries",
    params(("webhook" = String, Path, description = "Its id"), PageQuery, DeliveryQuery),
    responses((status = 200, description = "A page of them", body = Deliveries)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<WebhookId>,
    asked: Filtered<EventId>,
) -> Result<Private<Deliveries>, Problem> {
    let mut status = None;
    let page = asked.read(&["status"], |_, value| {
        let known = DeliveryStatus::from_text(value);
        status = Some(known.ok_or("status is delivered, waiting or dead")?);
        Ok(())
    })?;
    let listed = list_deliveries(&env, &caller, (id, status), page).await?;
    let (_, deliveries) = listed.ok_or_else(Problem::not_found)?;
    Ok(Private(deliveries.into()))
}

/// Read what became of an event at a webhook.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/webhooks/{webhook}/deliveries/{event}",
    tag = "Webhooks",
    operation_id = "getWebhookDelivery",
    params(
        ("webhook" = String, Path, description = "The webhook's id"),
        ("event" = String, Path, description = "The event's id"),
    ),
    responses((status = 200, description = "What became of it", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    NamedPair(webhook, event): NamedPair<WebhookId, EventId>,
) -> Result<Private<View>, Problem> {
    found(find_delivery(&env, &caller, (webhook, event)).await?)
}

/// Send an event to a webhook again, as if it had never been tried. It keeps its id.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/webhooks/{webhook}/deliveries/{event}/redeliver",
    tag = "Webhooks",
    operation_id = "redeliverWebhookEvent",
    params(
        ("webhook" = String, Path, description = "The webhook's id"),
        ("event" = String, Path, description = "The event's id"),
    ),
    request_body = Nothing,
    responses((status = 200, description = "It is sent in a moment", body = View)),
)]
pub(crate) async fn redeliver(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    NamedPair(webhook, event): NamedPair<WebhookId, EventId>,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Private<View>, Problem> {
    Ok(Private(redeliver_event(&env, &caller, (webhook, event)).await?.into()))
}

/// Try a webhook out: it is sent the event `webhook.tested`, whatever else it tells of.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/webhooks/{webhook}/test",
    tag = "Webhooks",
    operation_id = "testWebhook",
    params(("webhook" = String, Path, description = "Its id")),
    request_body = Nothing,
    responses((status = 201, description = "It is sent in a moment", body = View)),
)]
pub(crate) async fn test(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<WebhookId>,
    New(Nothing {}, once): New<Nothing>,
) -> Result<Response, Problem> {
    let delivery = View::from(test_webhook(&env, &caller, id, once.as_ref()).await?);
    let at = format!(
        "{}/organizations/{}/webhooks/{id}/deliveries/{}",
        super::PATH,
        caller.org_id(),
        delivery.event_id
    );
    Ok(private((StatusCode::CREATED, [(header::LOCATION, env.issuer.at(&at))], Json(delivery))))
}
