//! `/organizations/{organization}/setup-links`.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Duration, Utc};
use orgate_domain::ids::SetupLinkId;
use orgate_domain::setup::{DEFAULT_LIFETIME, SetupLink, SetupPurpose};
use orgate_flows::Env;
use orgate_flows::manage::setup_links::{
    create_setup_link, find_setup_link, list_setup_links, revoke_setup_link,
};
use orgate_flows::setup::links::WantedLink;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Named, Private, found, private};
use super::change::New;
use super::page::{PageQuery, Paged, page};
use super::problem::Problem;

/// A set-up link, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SetupLink)]
pub(crate) struct View {
    /// Its id.
    id: String,
    /// What whoever has it can set up.
    purposes: BTreeSet<Purpose>,
    /// Slugs of the roles that what is set up may give.
    roles: BTreeSet<String>,
    /// Who made it: an id, or `operator`.
    created_by: String,
    /// When.
    created_at: DateTime<Utc>,
    /// From when on it opens nothing.
    expires_at: DateTime<Utc>,
    /// When it was taken back.
    revoked_at: Option<DateTime<Utc>>,
    /// When something was last done with it.
    last_used_at: Option<DateTime<Utc>>,
}

/// A set-up link that was made just now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedSetupLink)]
pub(crate) struct CreatedView {
    #[serde(flatten)]
    link: View,
    /// Its address, which is shown only now: whoever has it can set up what it is for. Null in answer to a request that was
    /// answered before.
    url: Option<String>,
    /// Those of its roles that administer the organization itself.
    administrative_roles: Vec<String>,
}

/// What a set-up link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(as = SetupPurpose)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// E-mail domains.
    Domains,
    /// Connections to identity providers.
    Sso,
}

/// A set-up link as wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewSetupLink)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// What it is for. Its maker holds what that takes: `orgate:connections:manage` for `sso`,
    /// `orgate:domains:manage` for `domains`.
    #[schema(min_items = 1)]
    purposes: BTreeSet<Purpose>,
    /// Slugs of the roles that what is set up may give: each of them gives nothing that its maker does not hold.
    #[serde(default)]
    roles: BTreeSet<String>,
    /// Hours that it is good for: 1 to 720.
    #[serde(default = "default_hours")]
    #[schema(minimum = 1, maximum = 720, default = 72)]
    expires_in_hours: u32,
}

fn default_hours() -> u32 {
    u32::try_from(DEFAULT_LIFETIME.num_hours()).unwrap_or(1)
}

impl From<Purpose> for SetupPurpose {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Domains => Self::Domains,
            Purpose::Sso => Self::Sso,
        }
    }
}

impl From<SetupLink> for View {
    fn from(link: SetupLink) -> Self {
        let purpose = |purpose: &SetupPurpose| match purpose {
            SetupPurpose::Domains => Purpose::Domains,
            SetupPurpose::Sso => Purpose::Sso,
        };
        Self {
            id: link.id.to_string(),
            purposes: link.purposes.iter().map(purpose).collect(),
            roles: link.role_ceiling.into_iter().collect(),
            created_by: link.created_by,
            created_at: link.created_at,
            expires_at: link.expires_at,
            revoked_at: link.revoked_at,
            last_used_at: link.last_used_at,
        }
    }
}

page! {
    /// A page of set-up links.
    Links as SetupLinkPage of View
}

/// List the set-up links of an organization, latest first.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/setup-links",
    tag = "Set-up links",
    operation_id = "listSetupLinks",
    params(PageQuery),
    responses((status = 200, description = "A page of them", body = Links)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Paged(page): Paged<SetupLinkId>,
) -> Result<Private<Links>, Problem> {
    Ok(Private(list_setup_links(&env, &caller, page).await?.into()))
}

/// Make a set-up link, for somebody without an account to set up sign-in.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/setup-links",
    tag = "Set-up links",
    operation_id = "createSetupLink",
    request_body = Wanted,
    responses((
        status = 201,
        description = "The link, with its address",
        body = CreatedView,
    )),
)]
pub(crate) async fn post(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    New(wanted, once): New<Wanted>,
) -> Result<Response, Problem> {
    let wanted = WantedLink {
        purposes: wanted.purposes.into_iter().map(Into::into).collect(),
        roles: wanted.roles.into_iter().collect(),
        lifetime: Duration::hours(wanted.expires_in_hours.into()),
    };
    let made = create_setup_link(&env, &caller, &wanted, once.as_ref()).await?;
    let at = format!("{}/organizations/{}/setup-links/{}", super::PATH, caller.org_id(), made.link.id);
    let view =
        CreatedView { link: made.link.into(), url: made.url, administrative_roles: made.administrative };
    Ok(private((StatusCode::CREATED, [(header::LOCATION, env.issuer.at(&at))], Json(view))))
}

/// Read a set-up link.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/setup-links/{setup_link}",
    tag = "Set-up links",
    operation_id = "getSetupLink",
    params(("setup_link" = String, Path, description = "Its id")),
    responses((status = 200, description = "The link, without its address", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<SetupLinkId>,
) -> Result<Private<View>, Problem> {
    found(find_setup_link(&env, &caller, id).await?)
}

/// Take a set-up link back: it opens nothing from now on. To do it again changes nothing.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/setup-links/{setup_link}",
    tag = "Set-up links",
    operation_id = "revokeSetupLink",
    params(("setup_link" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is taken back")),
)]
pub(crate) async fn delete(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<SetupLinkId>,
) -> Result<Response, Problem> {
    revoke_setup_link(&env, &caller, id).await?;
    Ok(private(StatusCode::NO_CONTENT))
}
