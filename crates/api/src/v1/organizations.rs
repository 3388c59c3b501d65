//! `/organizations`, and `/organizations/{organization}` itself.

use std::str::FromStr as _;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use orgate_domain::connections::Attributes;
use orgate_domain::email::Email;
use orgate_domain::ids::OrgId;
use orgate_domain::locales::Locale;
use orgate_domain::names::{DisplayName, ExternalId, Slug};
use orgate_domain::organizations::{Branding, Color, OrgStatus, parse_logo_url};
use orgate_flows::Env;
use orgate_flows::manage::organization::{
    DescribedOrganization, OrganizationSettings, find_organization, update_organization,
};
use orgate_flows::manage::organizations::{
    WantedOrganization, change_status, create_organization, list_organizations, move_organization,
    set_external_id,
};
use orgate_flows::manage::{ChangeError, ListedOrganization, OrganizationFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::admitted::Admitted;
use super::body::{Body, Private};
use super::change::{New, Patch, Tagged, created};
use super::page::{Filtered, PageQuery, page};
use super::problem::Problem;
use super::users::external_id;

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Organization)]
pub(crate) struct View {
    /// Its id, which is never another's.
    id: String,
    /// Its short name, in addresses and tokens (`org_name`).
    slug: String,
    /// Whether its users can sign in.
    status: Status,
    #[serde(flatten)]
    settings: Settings,
    /// What the operator keeps about it, for claims of applications.
    #[schema(value_type = std::collections::BTreeMap<String, Vec<String>>)]
    attributes: Attributes,
    /// What it is called in a system of the operator's own.
    external_id: Option<String>,
    /// Until when it can be restored, if it was deleted. Then it is erased.
    erase_after: Option<DateTime<Utc>>,
    /// The id of the organization above it.
    parent_id: Option<String>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was last changed.
    updated_at: DateTime<Utc>,
}

/// What of an organization its administrators may change.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = OrganizationSettings)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Its name for people: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Its logo: an https address.
    #[serde(default)]
    logo_url: Option<String>,
    /// The colour of its pages.
    #[serde(default)]
    #[schema(pattern = "^#[0-9a-fA-F]{6}$")]
    primary_color: Option<String>,
    /// The language of its pages and mails, for readers of whom nothing closer is known: a language tag (BCP 47).
    #[serde(default)]
    #[schema(max_length = 35)]
    locale: Option<String>,
    /// Where notices to it go.
    #[serde(default)]
    contact_email: Option<String>,
}

/// The status of an organization.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = OrganizationStatus)]
#[serde(rename_all = "snake_case")]
enum Status {
    Active,
    Deleted,
    Suspended,
}

/// An organization, as lists of all of them show it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrganizationSummary)]
pub(crate) struct Summary {
    /// Its id.
    id: String,
    /// Its short name.
    slug: String,
    /// Its name for people.
    name: String,
    /// Whether its users can sign in.
    status: Status,
    /// What it is called in a system of the operator's own.
    external_id: Option<String>,
    /// Until when it can be restored, if it was deleted. Then it is erased.
    erase_after: Option<DateTime<Utc>>,
    /// The id of the organization above it.
    parent_id: Option<String>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was last changed.
    updated_at: DateTime<Utc>,
}

/// An organization as wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewOrganization)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Its short name: 1 to 63 lower-case letters, digits and inner hyphens. It is its own for ever.
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    slug: String,
    /// Its name for people: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What it is called in a system of yours: 1 to 255 characters, and no other organization's.
    #[schema(min_length = 1, max_length = 255)]
    external_id: Option<String>,
    /// The organization above it, by its id or slug.
    parent: Option<String>,
}

/// What an organization is to be called.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = OrganizationExternalIdChange)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedExternalId {
    /// 1 to 255 characters, and no other organization's; null: nothing.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required, min_length = 1, max_length = 255)]
    external_id: Option<String>,
}

/// Which organizations are listed.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `list` reads")]
pub(crate) struct OrganizationQuery {
    /// Only the one that is called this in a system of yours.
    #[param(min_length = 1, max_length = 255)]
    external_id: Option<String>,
}

/// The wanted status of an organization.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = OrganizationStatusChange)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedStatus {
    status: Status,
}

/// Below which organization one is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = OrganizationParentChange)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedParent {
    /// Its id or slug; null: below none.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true)]
    parent: Option<String>,
}

impl From<OrgStatus> for Status {
    fn from(status: OrgStatus) -> Self {
        match status {
            OrgStatus::Active => Self::Active,
            OrgStatus::Deleted => Self::Deleted,
            OrgStatus::Suspended => Self::Suspended,
        }
    }
}

impl From<Status> for OrgStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Active => Self::Active,
            Status::Deleted => Self::Deleted,
            Status::Suspended => Self::Suspended,
        }
    }
}

impl From<&DescribedOrganization> for Settings {
    fn from(described: &DescribedOrganization) -> Self {
        let organization = &described.organization;
        Self {
            name: organization.name.as_str().to_owned(),
            logo_url: organization.branding.logo_url.as_ref().map(ToString::to_string),
            primary_color: organization.branding.primary_color.map(|color| color.to_string()),
            locale: organization.branding.locale.as_ref().map(ToString::to_string),
            contact_email: organization.contact.as_ref().map(|contact| contact.as_str().to_owned()),
        }
    }
}

impl From<&DescribedOrganization> for View {
    fn from(described: &DescribedOrganization) -> Self {
        Self {
            id: described.organization.id.to_string(),
            slug: described.organization.slug.to_string(),
            status: described.organization.status.into(),
            settings: described.into(),
            attributes: described.attributes.clone(),
            external_id: described.record.external_id.as_ref().map(|id| id.as_str().to_owned()),
            erase_after: described.record.erase_after,
            parent_id: described.record.parent.map(|parent| parent.to_string()),
            created_at: described.record.created_at,
            updated_at: described.record.updated_at,
        }
    }
}

impl From<ListedOrganization> for Summary {
    fn from(listed: ListedOrganization) -> Self {
        Self {
            id: listed.id.to_string(),
            slug: listed.slug.to_string(),
            name: listed.name,
            status: listed.status.into(),
            external_id: listed.external_id.map(|id| id.as_str().to_owned()),
            erase_after: listed.erase_after,
            parent_id: listed.parent.map(|parent| parent.to_string()),
            created_at: listed.created_at,
            updated_at: listed.updated_at,
        }
    }
}

impl TryFrom<Settings> for OrganizationSettings {
    type Error = ChangeError;

    fn try_from(settings: Settings) -> Result<Self, ChangeError> {
        let logo_url = settings.logo_url.map(|text| {
            parse_logo_url(&text).map_err(|error| ChangeError::invalid("/logo_url", error.to_string()))
        });
        let color = settings.primary_color.map(|text| {
            Color::parse(&text).map_err(|error| ChangeError::invalid("/primary_color", error.to_string()))
        });
        let locale = settings.locale.map(|text| {
            Locale::from_str(&text).map_err(|error| ChangeError::invalid("/locale", error.to_string()))
        });
        let contact = settings.contact_email.map(|text| {
            Email::parse(&text).map_err(|error| ChangeError::invalid("/contact_email", error.to_string()))
        });
        Ok(Self {
            name: name("/name", &settings.name)?,
            branding: Branding {
                logo_url: logo_url.transpose()?,
                primary_color: color.transpose()?,
                locale: locale.transpose()?,
            },
            contact: contact.transpose()?,
        })
    }
}

/// A name for people.
pub(super) fn name(pointer: &str, text: &str) -> Result<DisplayName, ChangeError> {
    DisplayName::parse(text).map_err(|error| ChangeError::invalid(pointer, error.to_string()))
}

/// A short name.
pub(super) fn slug(pointer: &str, text: &str) -> Result<Slug, ChangeError> {
    Slug::parse(text).map_err(|error| ChangeError::invalid(pointer, error.to_string()))
}

page! {
    /// A page of organizations.
    Organizations as OrganizationPage of Summary
}

/// List all organizations, in the order in which they were made. For operators.
#[utoipa::path(
    get,
    path = "/organizations",
    tag = "Organizations",
    operation_id = "listOrganizations",
    params(PageQuery, OrganizationQuery),
    responses((status = 200, description = "A page of them", body = Organizations)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    asked: Filtered<OrgId>,
) -> Result<Private<Organizations>, Problem> {
    let mut external_id = None;
    let page = asked.read(&["external_id"], |_, value| {
        external_id = Some(ExternalId::parse(value).map_err(|error| format!("external_id: {error}"))?);
        Ok(())
    })?;
    let filter = OrganizationFilter { external_id: external_id.as_ref(), ..OrganizationFilter::default() };
    Ok(Private(list_organizations(&env, &caller, (filter, page)).await?.into()))
}

/// Make an organization, with the roles that each begins with. For operators.
#[utoipa::path(
    post,
    path = "/organizations",
    tag = "Organizations",
    operation_id = "createOrganization",
    request_body = Wanted,
    responses((status = 201, description = "The organization", body = View)),
)]
pub(crate) async fn post(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    New(wanted, once): New<Wanted>,
) -> Result<Response, Problem> {
    let wanted = WantedOrganization {
        slug: slug("/slug", &wanted.slug)?,
        name: name("/name", &wanted.name)?,
        external_id: external_id(wanted.external_id.as_deref())?,
        parent: wanted.parent,
    };
    let made = create_organization(&env, &caller, wanted, once.as_ref()).await?;
    let at = env.issuer.at(&format!("{}/organizations/{}", super::PATH, made.organization.id));
    Ok(created(at, Tagged(View::from(&made))))
}

/// Read an organization.
#[utoipa::path(
    get,
    path = "/organizations/{organization}",
    tag = "Organizations",
    operation_id = "getOrganization",
    responses((status = 200, description = "The organization", body = View)),
)]
pub(crate) async fn get(State(env): State<Env>, Admitted(caller): Admitted) -> Result<Tagged<View>, Problem> {
    let found = find_organization(&env, &caller).await?.ok_or_else(Problem::not_found)?;
    Ok(Tagged((&found).into()))
}

/// Change an organization's name, look or contact.
#[utoipa::path(
    patch,
    path = "/organizations/{organization}",
    tag = "Organizations",
    operation_id = "updateOrganization",
    request_body(content = Settings, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The organization", body = View)),
)]
pub(crate) async fn patch(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    patch: Patch,
) -> Result<Tagged<View>, Problem> {
    let edit =
        |now: &DescribedOrganization| patch.onto::<Settings>(&View::from(now), &now.into())?.try_into();
    Ok(Tagged((&update_organization(&env, &caller, edit).await?).into()))
}

/// Say what an organization is called in a system of yours. For operators.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/external-id",
    tag = "Organizations",
    operation_id = "setOrganizationExternalId",
    request_body = WantedExternalId,
    responses((status = 200, description = "The organization", body = View)),
)]
pub(crate) async fn put_external_id(
    State(env): State<Env>,
    Admitted(operator): Admitted,
    Body(wanted): Body<WantedExternalId>,
) -> Result<Tagged<View>, Problem> {
    let external_id = external_id(wanted.external_id.as_deref())?;
    Ok(Tagged((&set_external_id(&env, &operator, external_id.as_ref()).await?).into()))
}

/// Suspend, delete or restore an organization: nobody is signed in to one that is not active. One that was deleted can be restored
/// until `erase_after`; then everything of it is erased for good. For operators.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/status",
    tag = "Organizations",
    operation_id = "setOrganizationStatus",
    request_body = WantedStatus,
    responses((status = 200, description = "The organization", body = View)),
)]
pub(crate) async fn put_status(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Body(wanted): Body<WantedStatus>,
) -> Result<Tagged<View>, Problem> {
    Ok(Tagged((&change_status(&env, &caller, (None, wanted.status.into())).await?).into()))
}

/// Put an organization below another one, or below none, with all that is below it: what the organizations above it set holds
/// there. Its users, roles and sessions stay its own. For operators.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/parent",
    tag = "Organizations",
    operation_id = "setOrganizationParent",
    request_body = WantedParent,
    responses((status = 200, description = "The organization", body = View)),
)]
pub(crate) async fn put_parent(
    State(env): State<Env>,
    Admitted(operator): Admitted,
    Body(wanted): Body<WantedParent>,
) -> Result<Tagged<View>, Problem> {
    Ok(Tagged((&move_organization(&env, &operator, wanted.parent.as_deref()).await?).into()))
}
