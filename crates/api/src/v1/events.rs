//! `/organizations/{organization}/events`: the audit log in the order of commits, for programs that go on from where they were.

use axum::extract::State;
use orgate_domain::webhooks::{EventFilter, MAX_FILTERS};
use orgate_edge::{ParamsRejection, QueryParams};
use orgate_flows::Env;
use orgate_flows::manage::follow::{Asked, FollowError, follow_events};
use orgate_flows::manage::{EventCursor, FollowedEvent, MAX_PAGE};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::admitted::Admitted;
use super::audit_events::View as AuditEvent;
use super::body::Private;
use super::problem::Problem;

/// Events of an answer, if nobody says how many.
const DEFAULT_LIMIT: i64 = 50;

/// An event, and where to go on after it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct View {
    /// What to ask with for what comes after it.
    cursor: String,
    /// In whose log it is.
    org_id: String,
    #[serde(flatten)]
    event: AuditEvent,
}

/// What happened since.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventStream)]
pub(crate) struct Events {
    /// The events, in the order of commits: none will ever appear before one of them.
    items: Vec<View>,
    /// What to ask with the next time, also where nothing has happened.
    next_cursor: String,
    /// Whether there may be more already.
    has_more: bool,
}

/// What can be asked.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `read` reads")]
pub(crate) struct EventsQuery {
    /// Where to go on: a `cursor` or the `next_cursor` of an answer before. Without it, from the beginning.
    #[param(min_length = 1)]
    after: Option<String>,
    /// Events at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
    /// Which events: actions, or all of a noun's as `user.*`, separated by commas.
    #[param(min_length = 1)]
    action: Option<String>,
}

impl From<FollowedEvent> for View {
    fn from(followed: FollowedEvent) -> Self {
        Self {
            cursor: EventCursor::Organization(followed.at).to_string(),
            org_id: followed.org_id.to_string(),
            event: followed.event.into(),
        }
    }
}

impl From<FollowError> for Problem {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Failure(failure) => failure.into(),
            FollowError::Ahead | FollowError::Foreign => Self::parameter(format!("after: {error}")),
        }
    }
}

/// Read what happened in an organization after a cursor, in the order in which it was committed: whoever goes on from cursor to
/// cursor misses nothing.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/events",
    tag = "Events",
    operation_id = "followEvents",
    params(EventsQuery),
    responses((status = 200, description = "What happened since", body = Events)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    params: Result<QueryParams, ParamsRejection>,
) -> Result<Private<Events>, Problem> {
    let followed = follow_events(&env, &caller, &read(&params?)?).await?;
    Ok(Private(Events {
        items: followed.events.into_iter().map(View::from).collect(),
        next_cursor: EventCursor::Organization(followed.up_to).to_string(),
        has_more: followed.more,
    }))
}

fn read(QueryParams(params): &QueryParams) -> Result<Asked, Problem> {
    let mut asked = Asked { after: None, filters: Vec::new(), limit: DEFAULT_LIMIT };
    for (name, value) in params.iter() {
        if params.duplicated() == Some(name) {
            return Err(Problem::parameter(format!("{name} is given more than once")));
        }
        match name {
            "after" => {
                let cursor = value
                    .parse()
                    .map_err(|_| Problem::parameter("after is not a cursor that an answer gave"));
                asked.after = Some(cursor?);
            }
            "limit" => {
                let limit = value.parse::<usize>().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
                let limit = limit.and_then(|limit| i64::try_from(limit).ok());
                asked.limit = limit
                    .ok_or_else(|| Problem::parameter(format!("limit is a number from 1 to {MAX_PAGE}")))?;
            }
            "action" => asked.filters = read_filters(value)?,
            _ => {
                return Err(Problem::parameter("the parameters here are after, limit, action, and no other"));
            }
        }
    }
    Ok(asked)
}

fn read_filters(text: &str) -> Result<Vec<EventFilter>, Problem> {
    let filters =
        text.split(',').take(MAX_FILTERS + 1).map(EventFilter::parse).collect::<Result<Vec<_>, _>>();
    let filters = filters.map_err(|error| Problem::parameter(format!("action: {error}")))?;
    if filters.len() > MAX_FILTERS {
        return Err(Problem::parameter(format!("action: at most {MAX_FILTERS}")));
    }
    Ok(filters)
}
