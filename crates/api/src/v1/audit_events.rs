//! `/organizations/{organization}/audit-events`.

use axum::extract::State;
use chrono::{DateTime, Utc};
use orgate_flows::Env;
use orgate_flows::manage::audit::list_events;
use orgate_flows::manage::{EventPlace, Period, StoredEvent};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::admitted::Admitted;
use super::body::Private;
use super::page::{Filtered, PageQuery, page};
use super::problem::Problem;

/// Something that happened in an organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEvent)]
pub(crate) struct View {
    /// Its id.
    id: String,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// What happened: `noun.verb`, of the documented list.
    action: String,
    /// How it ended: `success` or `refused`.
    outcome: String,
    /// Why, from a closed list of the action's own.
    reason: Option<String>,
    /// Who did it.
    actor: ActorView,
    /// The user it was about.
    user_id: Option<String>,
    /// The session it was in.
    session_id: Option<String>,
    /// The application it was for.
    client_id: Option<String>,
    /// Where it came from.
    address: Option<String>,
    /// By which software.
    user_agent: Option<String>,
    /// In answer to which request: its `x-request-id`.
    request_id: Option<String>,
    /// More about it, by name.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    detail: Value,
}

/// Whoever did something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditActor)]
struct ActorView {
    /// What they are: `user`, `application`, `operator`, `setup_link`, `system` or `anonymous`.
    #[serde(rename = "type")]
    kind: String,
    /// Their id, where they have one.
    id: Option<String>,
}

/// Which events are listed.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `list` reads")]
pub(crate) struct EventQuery {
    /// From this moment on (RFC 3339).
    from: Option<DateTime<Utc>>,
    /// Before this moment (RFC 3339).
    until: Option<DateTime<Utc>>,
}

impl From<StoredEvent> for View {
    fn from(event: StoredEvent) -> Self {
        let (kind, id) = event.actor;
        Self {
            id: event.place.id.to_string(),
            occurred_at: event.place.at,
            action: event.action,
            outcome: event.outcome,
            reason: event.reason,
            actor: ActorView { kind, id },
            user_id: event.user_id.map(|id| id.to_string()),
            session_id: event.session_id.map(|id| id.to_string()),
            client_id: event.client_id.map(|id| id.to_string()),
            address: event.address.map(|address| address.to_string()),
            user_agent: event.user_agent,
            request_id: event.request_id,
            detail: event.detail,
        }
    }
}

page! {
    /// A page of events.
    Events as AuditEventPage of View
}

/// List what happened in an organization, latest first.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/audit-events",
    tag = "Audit log",
    operation_id = "listAuditEvents",
    params(PageQuery, EventQuery),
    responses((status = 200, description = "A page of them", body = Events)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    asked: Filtered<EventPlace>,
) -> Result<Private<Events>, Problem> {
    let mut period = Period::default();
    let page = asked.read(&["from", "until"], |name, value| {
        let moment = DateTime::parse_from_rfc3339(value)
            .map_err(|_| format!("{name} is a time like 2026-11-26T09:30:00Z"))?
            .with_timezone(&Utc);
        *(if name == "from" { &mut period.from } else { &mut period.until }) = Some(moment);
        Ok(())
    })?;
    Ok(Private(list_events(&env, &caller, (period, page)).await?.into()))
}
