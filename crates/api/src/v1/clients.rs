//! `/organizations/{organization}/clients`.

mod settings;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Duration, Utc};
use orgate_domain::clients::{Client, ClientSecret, parse_client_id};
use orgate_domain::ids::{ClientId, RoleId};
use orgate_domain::names::{DisplayName, Slug};
use orgate_flows::Env;
use orgate_flows::manage::clients::{
    DescribedClient, ListedClient, WithSecret, assign_client_role, create_client, find_client, list_clients,
    rotate_client_secret, unassign_client_role, update_client,
};
use orgate_flows::manage::{Caller, ChangeError};
use orgate_protocol::oauth::redirect_uri::ClientKind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Named, NamedPair, Private, private};
use super::change::{New, Patch, Tagged, merged};
use super::page::{PageQuery, Paged, page};
use super::problem::Problem;
use settings::Settings;

/// An application or a machine of the organization's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Client)]
pub(crate) struct View {
    /// Its id.
    id: String,
    /// Its public `client_id`.
    client_id: String,
    /// What it is.
    #[serde(rename = "type")]
    #[schema(pattern = "^(machine|native|spa|web)$")]
    kind: &'static str,
    #[serde(flatten)]
    settings: Settings,
    /// Slugs of the roles that it has, if it is a machine.
    roles: Vec<String>,
    /// The secrets that it may prove itself by.
    secrets: Vec<SecretView>,
}

/// A secret, of which nobody knows more than this.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClientSecret)]
struct SecretView {
    /// From when on it proves nothing; null: nobody has said.
    expires_at: Option<DateTime<Utc>>,
}

/// An application, and the secret that it was given just now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClientWithSecret)]
pub(crate) struct WithSecretView {
    #[serde(flatten)]
    client: View,
    /// Its secret, which is shown only now. Null if it proves itself otherwise, or in answer to a request that was answered
    /// before.
    client_secret: Option<String>,
}

/// An application, in short.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClientSummary)]
pub(crate) struct Summary {
    /// Its id.
    id: String,
    /// Its public `client_id`.
    client_id: String,
    /// Its name for people.
    name: String,
    /// Which organizations may use it.
    #[schema(pattern = "^(all|granted|owner)$")]
    audience: &'static str,
    /// Whether it may be used.
    #[schema(pattern = "^(active|disabled)$")]
    status: &'static str,
    /// Whose it is.
    #[schema(pattern = "^(first|third)$")]
    party: &'static str,
    /// Whether it is the organization's own, or another's that it may use.
    own: bool,
}

impl Summary {
    pub(super) fn of(client: ListedClient, caller: &Caller) -> Self {
        Self {
            id: client.id.to_string(),
            client_id: client.client_id,
            name: client.name.as_str().to_owned(),
            audience: client.audience.as_str(),
            status: client.status.as_str(),
            party: client.party.as_str(),
            own: client.owner == caller.org_id(),
        }
    }
}

/// An application as wanted.
#[derive(Serialize, ToSchema)]
#[schema(as = NewClient)]
pub(crate) struct Wanted {
    /// What it is: an application on a server, in a browser alone, on a device, or a machine that signs nobody in. It stays so.
    #[serde(rename = "type")]
    #[schema(pattern = "^(machine|native|spa|web)$")]
    kind: String,
    /// Its public `client_id`: 1 to 100 letters, digits, `.`, `_` and `-`. Only the operator organization's clients have one
    /// that is chosen.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,100}$")]
    client_id: Option<String>,
    #[serde(flatten)]
    settings: Settings,
}

/// Another secret as wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewClientSecret)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedSecret {
    /// Seconds that those before it are still accepted: the time to bring the new one to every server. 0 ends them at once, as
    /// after a leak.
    #[serde(default = "a_day")]
    #[schema(minimum = 0, maximum = 7_776_000, default = 86_400)]
    overlap_secs: u32,
}

const fn a_day() -> u32 {
    86_400
}

impl From<&DescribedClient> for View {
    fn from(described: &DescribedClient) -> Self {
        let client = &described.client;
        let secret = |secret: &ClientSecret| SecretView { expires_at: secret.expires_at };
        Self {
            id: client.id.to_string(),
            client_id: client.client_id.clone(),
            kind: client.kind.as_str(),
            settings: client.into(),
            roles: described.roles.iter().map(Slug::to_string).collect(),
            secrets: client.secrets.iter().map(secret).collect(),
        }
    }
}

impl From<&WithSecret> for WithSecretView {
    fn from(made: &WithSecret) -> Self {
        let client_secret = made.secret.as_ref().map(|secret| secret.reveal().to_owned());
        Self { client: (&made.described).into(), client_secret }
    }
}

page! {
    /// A page of applications.
    Clients as ClientPage of Summary
}

/// List the applications and machines that an organization owns, in the order in which they were made.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/clients",
    tag = "Clients",
    operation_id = "listClients",
    params(PageQuery),
    responses((status = 200, description = "A page of them", body = Clients)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Paged(page): Paged<ClientId>,
) -> Result<Private<Clients>, Problem> {
    let page = list_clients(&env, &caller, page).await?;
    Ok(Private(page.map(|client| Summary::of(client, &caller)).into()))
}

/// Make an application or a machine. One that proves itself by a secret is given one, which is shown only now.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/clients",
    tag = "Clients",
    operation_id = "createClient",
    request_body = Wanted,
    responses((status = 201, description = "The application, and its secret", body = WithSecretView)),
)]
pub(crate) async fn post(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    New(mut wanted, once): New<Map<String, Value>>,
) -> Result<Response, Problem> {
    let kind = wanted.remove("type").and_then(|kind| ClientKind::from_text(kind.as_str()?));
    let kind = kind.ok_or_else(|| Problem::fault("/type", "one of machine, native, spa and web"))?;
    let client_id = match wanted.remove("client_id") {
        None | Some(Value::Null) => None,
        Some(text) => {
            let read = parse_client_id(text.as_str().unwrap_or_default());
            Some(read.map_err(|error| Problem::fault("/client_id", error))?)
        }
    };
    let draft = |id| {
        let blank = blank(id, (kind, client_id), &caller)?;
        let usual = serde_json::to_value(Settings::from(&blank)).unwrap_or_default();
        let usual = leave_name_out(usual);
        merged::<Settings>(usual, Value::Object(wanted))?.onto(&blank)
    };
    let made = create_client(&env, &caller, draft, once.as_ref()).await?;
    Ok(told(&env, &caller, &made))
}

/// A client of this type of which nothing else is said.
fn blank(
    id: ClientId,
    (kind, client_id): (ClientKind, Option<String>),
    caller: &Caller,
) -> Result<Client, ChangeError> {
    let client_id = client_id.unwrap_or_else(|| id.to_string());
    let name = DisplayName::parse(kind.as_str())
        .map_err(|error| ChangeError::invalid("/name", error.to_string()))?;
    Ok(Client::new((caller.org_id(), id), kind, (client_id, name)))
}

/// Nobody is called what they did not say.
fn leave_name_out(mut usual: Value) -> Value {
    if let Some(usual) = usual.as_object_mut() {
        usual.remove("name");
    }
    usual
}

fn told(env: &Env, caller: &Caller, made: &WithSecret) -> Response {
    let id = made.described.client.id;
    let at = format!("{}/organizations/{}/clients/{id}", super::PATH, caller.org_id());
    let location = [(header::LOCATION, env.issuer.at(&at))];
    private((StatusCode::CREATED, location, Json(WithSecretView::from(made))))
}

/// Read an application or a machine.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/clients/{client}",
    tag = "Clients",
    operation_id = "getClient",
    params(("client" = String, Path, description = "Its id")),
    responses((status = 200, description = "The application", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<ClientId>,
) -> Result<Tagged<View>, Problem> {
    let client = find_client(&env, &caller, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Tagged((&client).into()))
}

/// Change an application or a machine, or switch it off. One that proves itself by a secret from now on is given one apart.
#[utoipa::path(
    patch,
    path = "/organizations/{organization}/clients/{client}",
    tag = "Clients",
    operation_id = "updateClient",
    params(("client" = String, Path, description = "Its id")),
    request_body(content = Settings, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The application", body = View)),
)]
pub(crate) async fn patch(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<ClientId>,
    patch: Patch,
) -> Result<Tagged<View>, Problem> {
    let edit = |now: &DescribedClient| {
        let settings = Settings::from(&now.client);
        patch.onto::<Settings>(&View::from(now), &settings)?.onto(&now.client)
    };
    let changed = Box::pin(update_client(&env, &caller, id, edit)).await?;
    Ok(Tagged((&changed).into()))
}

/// Give an application or a machine another secret, which is shown only now. Those before it are accepted for a while yet.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/clients/{client}/secrets",
    tag = "Clients",
    operation_id = "rotateClientSecret",
    params(("client" = String, Path, description = "Its id")),
    request_body = WantedSecret,
    responses((status = 201, description = "The application, and its secret", body = WithSecretView)),
)]
pub(crate) async fn post_secret(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<ClientId>,
    New(wanted, once): New<WantedSecret>,
) -> Result<Response, Problem> {
    let overlap = Duration::seconds(wanted.overlap_secs.into());
    let made = rotate_client_secret(&env, &caller, (id, overlap), once.as_ref()).await?;
    Ok(told(&env, &caller, &made))
}

/// Give a machine a role. To do it again changes nothing.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/clients/{client}/roles/{role}",
    tag = "Clients",
    operation_id = "assignClientRole",
    params(("client" = String, Path, description = "Its id"), ("role" = String, Path, description = "Its id")),
    responses((status = 204, description = "It has it")),
)]
pub(crate) async fn put_role(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    NamedPair(client, role): NamedPair<ClientId, RoleId>,
) -> Result<Response, Problem> {
    assign_client_role(&env, &caller, (client, role)).await?;
    Ok(private(StatusCode::NO_CONTENT))
}

/// Take a role away from a machine. To do it again changes nothing.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/clients/{client}/roles/{role}",
    tag = "Clients",
    operation_id = "unassignClientRole",
    params(("client" = String, Path, description = "Its id"), ("role" = String, Path, description = "Its id")),
    responses((status = 204, description = "It does not have it")),
)]
pub(crate) async fn delete_role(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    NamedPair(client, role): NamedPair<ClientId, RoleId>,
) -> Result<Response, Problem> {
    unassign_client_role(&env, &caller, (client, role)).await?;
    Ok(private(StatusCode::NO_CONTENT))
}
