//! `/organizations/{organization}/api-keys`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Duration, Utc};
use orgate_domain::api_keys::{ApiKey, DEFAULT_LIFETIME};
use orgate_domain::ids::ApiKeyId;
use orgate_domain::roles::Permission;
use orgate_flows::Env;
use orgate_flows::manage::api_keys::{
    WantedKey, create_api_key, find_api_key, list_api_keys, revoke_api_key,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Named, Private, found, private};
use super::change::New;
use super::page::{PageQuery, Paged, page};
use super::problem::Problem;

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct View {
    /// Its id.
    id: String,
    /// What it is called.
    name: String,
    /// What it may do, as far as whoever made it may at that moment.
    permissions: Vec<String>,
    /// Who made it, and for whom it acts: a user's or a machine's id.
    created_by: String,
    /// When.
    created_at: DateTime<Utc>,
    /// From when on it is worth nothing.
    expires_at: DateTime<Utc>,
    /// When it was last used, to the hour.
    last_used_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    revoked_at: Option<DateTime<Utc>>,
}

/// An API key that was made just now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
pub(crate) struct CreatedView {
    #[serde(flatten)]
    about: View,
    /// The key, which is shown only now. Null in answer to a request that was answered before.
    key: Option<String>,
}

/// An API key as wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewApiKey)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// What it is called.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it may do: permissions of Orgate's own, or wildcards of them as in roles, and none that its maker does not hold.
    #[schema(min_items = 1, max_items = 50)]
    permissions: Vec<String>,
    /// Days that it is good for: 1 to 366.
    #[serde(default = "default_days")]
    #[schema(minimum = 1, maximum = 366, default = 90)]
    expires_in_days: u32,
}

fn default_days() -> u32 {
    u32::try_from(DEFAULT_LIFETIME.num_days()).unwrap_or(1)
}

impl From<ApiKey> for View {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            permissions: key.permissions.iter().map(Permission::to_string).collect(),
            created_by: key.maker.id(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
        }
    }
}

page! {
    /// A page of API keys.
    Keys as ApiKeyPage of View
}

/// List the API keys of an organization, latest first.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/api-keys",
    tag = "API keys",
    operation_id = "listApiKeys",
    params(PageQuery),
    responses((status = 200, description = "A page of them", body = Keys)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Paged(page): Paged<ApiKeyId>,
) -> Result<Private<Keys>, Problem> {
    Ok(Private(list_api_keys(&env, &caller, page).await?.into()))
}

/// Make an API key, which acts for whoever makes it: by an access token, and in their own organization.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/api-keys",
    tag = "API keys",
    operation_id = "createApiKey",
    request_body = Wanted,
    responses((status = 201, description = "The key", body = CreatedView)),
)]
pub(crate) async fn post(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    New(wanted, once): New<Wanted>,
) -> Result<Response, Problem> {
    let wanted = WantedKey {
        name: wanted.name,
        permissions: wanted.permissions,
        lifetime: Duration::days(wanted.expires_in_days.into()),
    };
    let made = create_api_key(&env, &caller, wanted, once.as_ref()).await?;
    let at = format!("{}/organizations/{}/api-keys/{}", super::PATH, caller.org_id(), made.key.id);
    let key = made.secret.map(|secret| secret.reveal().to_owned());
    let view = CreatedView { about: made.key.into(), key };
    Ok(private((StatusCode::CREATED, [(header::LOCATION, env.issuer.at(&at))], Json(view))))
}

/// Read an API key.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/api-keys/{api_key}",
    tag = "API keys",
    operation_id = "getApiKey",
    params(("api_key" = String, Path, description = "Its id")),
    responses((status = 200, description = "The key, without its secret", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<ApiKeyId>,
) -> Result<Private<View>, Problem> {
    found(find_api_key(&env, &caller, id).await?)
}

/// Take an API key back, whoever made it: it is worth nothing from now on. To do it again changes nothing.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/api-keys/{api_key}",
    tag = "API keys",
    operation_id = "revokeApiKey",
    params(("api_key" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is taken back")),
)]
pub(crate) async fn delete(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<ApiKeyId>,
) -> Result<Response, Problem> {
    revoke_api_key(&env, &caller, id).await?;
    Ok(private(StatusCode::NO_CONTENT))
}
