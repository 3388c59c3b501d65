//! `/organizations/{organization}/connections`.

mod settings;
mod view;

use axum::extract::State;
use axum::response::Response;
use orgate_domain::connections::{ConnectionState, Vendor};
use orgate_domain::email::{DomainName, Email};
use orgate_domain::ids::ConnectionId;
use orgate_flows::Env;
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::connections::{
    Profile, Proof, ShownConnection, WantedConnection, WantedState, create_connection, find_connection,
    list_connections, move_connection, set_connection, update_connection,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Body, Named, Private};
use super::change::{New, Patch, Tagged, created};
use super::organizations::name;
use super::page::{PageQuery, Paged, page};
use super::problem::Problem;
use settings::Settings;
use view::{State as StateName, Summary, View};

/// What of a connection may be changed at any time, and makes no new version of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ConnectionProfile)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profiled {
    /// Its name on the sign-in page: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The domains that it serves: each one that the organization has verified.
    #[schema(max_items = 100)]
    domains: Vec<String>,
    /// The addresses that its pilot lists.
    #[schema(max_items = 500)]
    pilots: Vec<String>,
}

/// A connection as wanted.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewConnection)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Its name on the sign-in page: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Who is at the other end: what is left out of its settings is as suits them.
    #[serde(default = "custom")]
    #[schema(pattern = "^[a-z]+$", default = "custom", example = "okta")]
    vendor: String,
    /// What it is set to.
    settings: Settings,
    /// The client secret at an OpenID provider. It is kept encrypted, and never shown.
    #[schema(min_length = 1, max_length = 1024)]
    client_secret: Option<String>,
}

fn custom() -> String {
    Vendor::Custom.as_str().to_owned()
}

/// What a connection is to be set to: a new version of it.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewConnectionVersion)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedVersion {
    /// Its `latest_version`, as you read it: if there is a later one, nothing is changed.
    version: i32,
    /// What it is set to: all of it.
    settings: Settings,
    /// The client secret at an OpenID provider. Left out, the one that there is stays, for the same application at the same
    /// provider.
    #[schema(min_length = 1, max_length = 1024)]
    client_secret: Option<String>,
}

/// Where a connection is to be in its life.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ConnectionStateChange)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedPlace {
    /// `pilot` and `active` make its latest version live, for the addresses of its pilot or for all; `disabled` switches it
    /// off; `draft` takes one that is off up again.
    state: StateName,
    /// Its `latest_version`, as you read it: the one that goes live. If there is a later one, nothing is changed.
    version: i32,
    /// Whether to make it live though no test of that version went through. The audit log keeps it.
    #[serde(default)]
    untested: bool,
}

page! {
    /// A page of connections.
    Connections as ConnectionPage of Summary
}

/// List the connections of an organization, in the order in which they were made.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/connections",
    tag = "Connections",
    operation_id = "listConnections",
    params(PageQuery),
    responses((status = 200, description = "A page of them", body = Connections)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Paged(page): Paged<ConnectionId>,
) -> Result<Private<Connections>, Problem> {
    Ok(Private(list_connections(&env, &caller, page).await?.into()))
}

/// Make a connection to an identity provider, with its settings: a draft, by which nobody signs in yet. The provider is asked
/// for its discovery document, or for its metadata.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/connections",
    tag = "Connections",
    operation_id = "createConnection",
    request_body = Wanted,
    responses((status = 201, description = "The connection, and what its provider has to be told", body = View)),
)]
pub(crate) async fn post(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    New(wanted, once): New<Wanted>,
) -> Result<Response, Problem> {
    let vendor = Vendor::from_text(&wanted.vendor).ok_or_else(|| {
        let known = Vendor::ALL.map(Vendor::as_str).join(", ");
        Problem::fault("/vendor", format!("one of {known}"))
    })?;
    let connection = WantedConnection {
        name: name("/name", &wanted.name)?,
        vendor,
        settings: wanted.settings.read(wanted.client_secret)?,
    };
    let made = create_connection(&env, &caller, connection, once.as_ref()).await?;
    let at = format!("{}/organizations/{}/connections/{}", super::PATH, caller.org_id(), made.connection.id);
    Ok(created(env.issuer.at(&at), Tagged(View::from(&made))))
}

/// Read a connection. Secrets are in it nowhere.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/connections/{connection}",
    tag = "Connections",
    operation_id = "getConnection",
    params(("connection" = String, Path, description = "Its id")),
    responses((status = 200, description = "The connection, and what its provider has to be told", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<ConnectionId>,
) -> Result<Tagged<View>, Problem> {
    let found = find_connection(&env, &caller, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Tagged((&found).into()))
}

/// Change a connection's name, the domains that it serves, or the addresses of its pilot. Sessions that it lets in no more end.
#[utoipa::path(
    patch,
    path = "/organizations/{organization}/connections/{connection}",
    tag = "Connections",
    operation_id = "updateConnection",
    params(("connection" = String, Path, description = "Its id")),
    request_body(content = Profiled, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The connection", body = View)),
)]
pub(crate) async fn patch(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<ConnectionId>,
    patch: Patch,
) -> Result<Tagged<View>, Problem> {
    let edit = |now: &ShownConnection| patch.onto::<Profiled>(&View::from(now), &now.into())?.try_into();
    Ok(Tagged((&update_connection(&env, &caller, id, edit).await?).into()))
}

/// Set a connection to something else: a new version, by which nobody signs in before it is made live. It gives no more than
/// you may.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/connections/{connection}/settings",
    tag = "Connections",
    operation_id = "setConnection",
    params(("connection" = String, Path, description = "Its id")),
    request_body = WantedVersion,
    responses((status = 200, description = "The connection", body = View)),
)]
pub(crate) async fn put_settings(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<ConnectionId>,
    Body(wanted): Body<WantedVersion>,
) -> Result<Tagged<View>, Problem> {
    let settings = wanted.settings.read(wanted.client_secret)?;
    Ok(Tagged((&set_connection(&env, &caller, (id, wanted.version), settings).await?).into()))
}

/// Make the latest version of a connection live, or switch the connection off. To do it again changes nothing. Sessions that
/// it lets in no more end.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/connections/{connection}/state",
    tag = "Connections",
    operation_id = "moveConnection",
    params(("connection" = String, Path, description = "Its id")),
    request_body = WantedPlace,
    responses((status = 200, description = "The connection", body = View)),
)]
pub(crate) async fn put_state(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<ConnectionId>,
    Body(wanted): Body<WantedPlace>,
) -> Result<Tagged<View>, Problem> {
    let state = WantedState {
        state: ConnectionState::from(wanted.state),
        version: wanted.version,
        proof: if wanted.untested { Proof::Word } else { Proof::Tested },
    };
    Ok(Tagged((&move_connection(&env, &caller, id, state).await?).into()))
}

impl From<&ShownConnection> for Profiled {
    fn from(shown: &ShownConnection) -> Self {
        Self {
            name: shown.connection.name.as_str().to_owned(),
            domains: shown.connection.domains.iter().map(ToString::to_string).collect(),
            pilots: shown.pilots.clone(),
        }
    }
}

impl TryFrom<Profiled> for Profile {
    type Error = ChangeError;

    fn try_from(wanted: Profiled) -> Result<Self, ChangeError> {
        let domain = |(place, text): (usize, &String)| {
            DomainName::parse(text)
                .map_err(|error| ChangeError::invalid(format!("/domains/{place}"), error.to_string()))
        };
        let pilot = |(place, text): (usize, &String)| {
            Email::parse(text)
                .map_err(|error| ChangeError::invalid(format!("/pilots/{place}"), error.to_string()))
        };
        Ok(Self {
            name: name("/name", &wanted.name)?,
            domains: wanted.domains.iter().enumerate().map(domain).collect::<Result<_, _>>()?,
            pilots: wanted.pilots.iter().enumerate().map(pilot).collect::<Result<_, _>>()?,
        })
    }
}
