//! `/backlog`.

use axum::extract::State;
use chrono::{DateTime, Utc};
use orgate_flows::Env;
use orgate_flows::manage::backlog::{Backlog, list_backlog};
use serde::Serialize;
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::Private;
use super::problem::Problem;

/// A kind of work that is done in the background.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Backlog)]
pub(crate) struct View {
    /// Which: `mails`, `logouts`, `webhooks`, `event_streams`, `connections`, `domains`, `signing_keys`, `erasures` or
    /// `sign_in_counts`. There may be more.
    work: String,
    /// How much is due, or, of messages, not sent yet; 10000 at most.
    #[schema(maximum = 10000)]
    due: u32,
    /// Since when the first of it is, or was written; `null` if there is none.
    since: Option<DateTime<Utc>>,
    /// Whether that is longer ago than it should be: more than five minutes.
    late: bool,
}

/// Every kind of work that is done in the background.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Backlogs)]
pub(crate) struct Views {
    items: Vec<View>,
}

impl From<Backlog> for View {
    fn from(Backlog { work, due, since, is_late }: Backlog) -> Self {
        Self { work, due, since, late: is_late }
    }
}

/// List what waits to be done in the background, of all organizations: how much, and since when. For operators.
#[utoipa::path(
    get,
    path = "/backlog",
    tag = "Backlog",
    operation_id = "listBacklog",
    responses((status = 200, description = "Every kind of work", body = Views)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
) -> Result<Private<Views>, Problem> {
    let items = list_backlog(&env, &caller).await?.into_iter().map(View::from).collect();
    Ok(Private(Views { items }))
}
