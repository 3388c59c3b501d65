//! `/organizations/{organization}/seats`.

use axum::extract::State;
use orgate_flows::Env;
use orgate_flows::manage::seats::{Seats, find_seats, set_seats};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Body, Private};
use super::problem::Problem;

/// How many active users and open invitations an organization may have together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Seats)]
pub(crate) struct View {
    /// How many; null: there is no end of them.
    seats: Option<u32>,
    /// Active users.
    users: i64,
    /// Open invitations.
    invitations: i64,
}

/// How many seats an organization is to have.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SeatsChange)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// How many; null: no end of them.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required, maximum = 2_147_483_647)]
    seats: Option<u32>,
}

impl From<Seats> for View {
    fn from(Seats { limit, users, invitations }: Seats) -> Self {
        Self { seats: limit, users, invitations }
    }
}

/// Read how many seats an organization has, and who takes them.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/seats",
    tag = "Organizations",
    operation_id = "getSeats",
    responses((status = 200, description = "Its seats", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
) -> Result<Private<View>, Problem> {
    Ok(Private(find_seats(&env, &caller).await?.into()))
}

/// Say how many seats an organization has. Whoever has one keeps it, if there are fewer from now on. For operators.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/seats",
    tag = "Organizations",
    operation_id = "setSeats",
    request_body = Wanted,
    responses((status = 200, description = "Its seats", body = View)),
)]
pub(crate) async fn put(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Body(wanted): Body<Wanted>,
) -> Result<Private<View>, Problem> {
    Ok(Private(set_seats(&env, &caller, wanted.seats).await?.into()))
}
