//! `/organizations/{organization}`.

use axum::extract::State;
use orgate_domain::organizations::{OrgStatus, Organization};
use orgate_flows::Env;
use orgate_flows::manage::organization::find_organization;
use serde::Serialize;
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Private, found};
use super::problem::Problem;

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Organization)]
pub(crate) struct View {
    /// Its id, which is never another's.
    id: String,
    /// Its short name, in addresses and tokens (`org_name`).
    slug: String,
    /// Its name for people.
    name: String,
    /// Whether its users can sign in.
    status: Status,
    /// Its logo.
    logo_url: Option<String>,
    /// The colour of its pages.
    primary_color: Option<String>,
    /// Where notices to it go.
    contact_email: Option<String>,
}

/// The status of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrganizationStatus)]
#[serde(rename_all = "snake_case")]
enum Status {
    Active,
    Deleted,
    Suspended,
}

impl From<Organization> for View {
    fn from(organization: Organization) -> Self {
        Self {
            id: organization.id.to_string(),
            slug: organization.slug.to_string(),
            name: organization.name.as_str().to_owned(),
            status: match organization.status {
                OrgStatus::Active => Status::Active,
                OrgStatus::Deleted => Status::Deleted,
                OrgStatus::Suspended => Status::Suspended,
            },
            logo_url: organization.branding.logo_url.map(Into::into),
            primary_color: organization.branding.primary_color.map(|color| color.to_string()),
            contact_email: organization.contact.map(|contact| contact.as_str().to_owned()),
        }
    }
}

/// Read an organization.
#[utoipa::path(
    get,
    path = "/organizations/{organization}",
    tag = "Organizations",
    operation_id = "getOrganization",
    responses((status = 200, description = "The organization", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
) -> Result<Private<View>, Problem> {
    found(find_organization(&env, &caller).await?)
}
