//! `/organizations/{organization}/users`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use orgate_domain::email::{Email, InvalidEmail};
use orgate_domain::ids::{RoleId, UserId};
use orgate_domain::locales::is_locale;
use orgate_domain::names::{ExternalId, Slug};
use orgate_domain::standing::UserStatus;
use orgate_flows::Env;
use orgate_flows::manage::users::{
    MAX_INACTIVE_DAYS, MAX_SEARCH, Touched, UserFilter, UserQuery as Those, UserSettings, WantedUser,
    assign_role, create_user, delete_user, find_user, list_users, unassign_role, update_user,
};
use orgate_flows::manage::{ChangeError, ListedUser};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::admitted::Admitted;
use super::body::{Named, NamedPair, Private, private};
use super::change::{IfMatch, New, Patch, TaggedBy, created};
use super::organizations::{name, slug};
use super::page::{Filtered, PageQuery, page};
use super::problem::Problem;

/// What of a user changes only if somebody changes it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettledUser)]
pub(crate) struct Settled {
    /// Their id: the `sub` of their tokens.
    id: String,
    /// Whether they have proven their address in this organization.
    email_verified: bool,
    #[serde(flatten)]
    settings: Settings,
    /// Slugs of the roles that are assigned to them. Groups and connections may give them more.
    roles: Vec<String>,
    /// When they were made.
    created_at: DateTime<Utc>,
    /// When they were last changed.
    updated_at: DateTime<Utc>,
}

/// What of a user may be changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = UserSettings)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Their address, if they have one of their own. One that is new is not proven until they prove it, and nothing that was
    /// sent to the former one counts any more; it can be replaced, and not taken away. Whoever has it may become them, so that
    /// it takes that you could give all roles that are theirs.
    #[serde(default)]
    email: Option<String>,
    /// Their name: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Their language (BCP 47).
    #[serde(default)]
    #[schema(max_length = 35)]
    locale: Option<String>,
    /// What they are called in a system of the organization's own: 1 to 255 characters, and no other user's.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 255)]
    external_id: Option<String>,
    /// Whether they may sign in. Whoever may not is signed out everywhere.
    status: Status,
}

/// The status of a user.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = UserStatus)]
#[serde(rename_all = "snake_case")]
enum Status {
    Active,
    Deactivated,
}

/// A user as wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewUser)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Their address, which no other user of the organization has.
    email: String,
    /// Their name: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Their language (BCP 47).
    #[schema(max_length = 35)]
    locale: Option<String>,
    /// What they are called in a system of the organization's own: 1 to 255 characters, and no other user's.
    #[schema(min_length = 1, max_length = 255)]
    external_id: Option<String>,
    /// Slugs of roles that you could give them.
    #[serde(default)]
    #[schema(max_items = 100)]
    roles: Vec<String>,
}

/// Which users are listed.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `list` reads")]
pub(crate) struct UserQuery {
    /// Only whoever has this address.
    email: Option<String>,
    /// Only whoever is called this in a system of the organization's own.
    #[param(min_length = 1, max_length = 255)]
    external_id: Option<String>,
    /// Only those of whose name, or of whose address before its `@`, each of these words begins a part, in whatever case: `ada lo`
    /// finds Ada Lovelace. Of more than five words, the first five count.
    #[param(min_length = 1, max_length = 200)]
    search: Option<String>,
    /// Only those who may sign in (`active`), or may not (`deactivated`).
    #[param(example = "active")]
    status: Option<String>,
    /// Only those who may sign in, and have not done so for this many days, nor were made or let in again.
    #[param(minimum = 1, maximum = 3650)]
    inactive_days: Option<u16>,
}

/// Roles that a user is made with at most.
const MAX_ROLES: usize = 100;

impl From<&ListedUser> for Settings {
    fn from(user: &ListedUser) -> Self {
        let status = match user.profile.status {
            UserStatus::Active => Status::Active,
            UserStatus::Deactivated => Status::Deactivated,
        };
        Self {
            email: user.profile.email.clone(),
            name: user.profile.name.clone(),
            locale: user.profile.locale.clone(),
            external_id: user.external_id.as_ref().map(|id| id.as_str().to_owned()),
            status,
        }
    }
}

impl From<&ListedUser> for Settled {
    fn from(user: &ListedUser) -> Self {
        Self {
            id: user.id.to_string(),
            email_verified: user.profile.email_verified,
            settings: user.into(),
            roles: user.roles.clone(),
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

impl TryFrom<Settings> for UserSettings {
    type Error = ChangeError;

    fn try_from(settings: Settings) -> Result<Self, ChangeError> {
        let status = match settings.status {
            Status::Active => UserStatus::Active,
            Status::Deactivated => UserStatus::Deactivated,
        };
        Ok(Self {
            // Whether a new one may be is looked at once it is known to be one.
            email: settings.email.as_deref().map(|text| email(text, Email::stored)).transpose()?,
            name: name("/name", &settings.name)?,
            locale: locale(settings.locale)?,
            external_id: external_id(settings.external_id.as_deref())?,
            status,
        })
    }
}

/// An address.
fn email(text: &str, parse: fn(&str) -> Result<Email, InvalidEmail>) -> Result<Email, ChangeError> {
    parse(text).map_err(|error| ChangeError::invalid("/email", format!("{error}, like name@example.com")))
}

/// A language.
fn locale(text: Option<String>) -> Result<Option<String>, ChangeError> {
    match text {
        Some(text) if !is_locale(&text) => {
            Err(ChangeError::invalid("/locale", "it names no language (BCP 47), like de-CH"))
        }
        text => Ok(text),
    }
}

/// What something is called elsewhere.
pub(super) fn external_id(text: Option<&str>) -> Result<Option<ExternalId>, ChangeError> {
    let parsed = text.map(ExternalId::parse).transpose();
    parsed.map_err(|error| ChangeError::invalid("/external_id", error.to_string()))
}

impl TryFrom<Wanted> for WantedUser {
    type Error = ChangeError;

    fn try_from(wanted: Wanted) -> Result<Self, ChangeError> {
        if wanted.roles.len() > MAX_ROLES {
            return Err(ChangeError::invalid("/roles", format!("at most {MAX_ROLES}")));
        }
        let roles = wanted.roles.iter().enumerate();
        let roles: Result<Vec<Slug>, _> =
            roles.map(|(place, text)| slug(&format!("/roles/{place}"), text)).collect();
        Ok(Self {
            email: email(&wanted.email, Email::parse)?,
            name: name("/name", &wanted.name)?,
            locale: locale(wanted.locale)?,
            external_id: external_id(wanted.external_id.as_deref())?,
            roles: roles?,
        })
    }
}

/// A user: a principal inside one organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct View {
    #[serde(flatten)]
    user: Settled,
    /// When they last signed in, a few seconds ago or more; null: not since this is kept.
    signed_in_at: Option<DateTime<Utc>>,
}

impl From<ListedUser> for View {
    fn from(user: ListedUser) -> Self {
        Self { signed_in_at: user.signed_in_at, user: (&user).into() }
    }
}

/// A user, with the tag of what does not change by itself.
fn tagged(user: ListedUser) -> TaggedBy<Settled, View> {
    TaggedBy((&user).into(), user.into())
}

page! {
    /// A page of users.
    Users as UserPage of View
}

/// List the users of an organization, in the order in which they were made.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/users",
    tag = "Users",
    operation_id = "listUsers",
    params(PageQuery, UserQuery),
    responses((status = 200, description = "A page of them", body = Users)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    asked: Filtered<UserId>,
) -> Result<Private<Users>, Problem> {
    let (mut email, mut external_id, mut those) = (None, None, None::<Those>);
    let filters = ["email", "external_id", "search", "status", "inactive_days"];
    let page = asked.read(&filters, |name, value| {
        match name {
            "email" => email = Some(Email::parse(value).map_err(|error| format!("email: {error}"))?),
            "external_id" => {
                let parsed = ExternalId::parse(value).map_err(|error| format!("external_id: {error}"))?;
                external_id = Some(parsed);
            }
            _ => narrow(those.get_or_insert_default(), name, value)?,
        }
        Ok(())
    })?;
    let filter = match (email, external_id, those) {
        (None, None, those) => UserFilter::Those(those.unwrap_or_default()),
        (email, external_id, None) => UserFilter::One { email, external_id },
        _ => {
            let detail = "email and external_id name one user, and are not narrowed further";
            return Err(Problem::parameter(detail.to_owned()));
        }
    };
    Ok(Private(list_users(&env, &caller, (&filter, page)).await?.into()))
}

/// Takes one more parameter to what is asked for.
fn narrow(those: &mut Those, name: &str, value: &str) -> Result<(), String> {
    match name {
        "search" => {
            if value.trim().is_empty() || value.chars().count() > MAX_SEARCH {
                return Err(format!("search is 1 to {MAX_SEARCH} characters"));
            }
            value.clone_into(&mut those.search);
        }
        "status" => {
            let status = UserStatus::from_text(value);
            those.status = Some(status.ok_or("status is active or deactivated")?);
        }
        _ => {
            let days = value.parse().ok().filter(|days| (1..=MAX_INACTIVE_DAYS).contains(days));
            let days =
                days.ok_or_else(|| format!("inactive_days is a number from 1 to {MAX_INACTIVE_DAYS}"))?;
            those.inactive_days = Some(days);
        }
    }
    Ok(())
}

/// Make a user. They sign in through a connection that vouches for their address; whoever is to choose a password is
/// invited instead.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/users",
    tag = "Users",
    operation_id = "createUser",
    request_body = Wanted,
    responses((status = 201, description = "The user", body = View)),
)]
pub(crate) async fn post(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    New(wanted, once): New<Wanted>,
) -> Result<Response, Problem> {
    let made = create_user(&env, &caller, wanted.try_into()?, once.as_ref()).await?;
    let at = format!("{}/organizations/{}/users/{}", super::PATH, caller.org_id(), made.id);
    Ok(created(env.issuer.at(&at), tagged(made)))
}

/// Read a user.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/users/{user}",
    tag = "Users",
    operation_id = "getUser",
    params(("user" = String, Path, description = "Their id")),
    responses((status = 200, description = "The user", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<UserId>,
) -> Result<TaggedBy<Settled, View>, Problem> {
    let user = find_user(&env, &caller, id).await?.ok_or_else(Problem::not_found)?;
    Ok(tagged(user))
}

/// Change a user: their name, address, language or external id, or whether they may sign in.
#[utoipa::path(
    patch,
    path = "/organizations/{organization}/users/{user}",
    tag = "Users",
    operation_id = "updateUser",
    params(("user" = String, Path, description = "Their id")),
    request_body(content = Settings, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The user", body = View)),
)]
pub(crate) async fn patch(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<UserId>,
    patch: Patch,
) -> Result<TaggedBy<Settled, View>, Problem> {
    let edit = |now: &ListedUser| patch.onto::<Settings>(&Settled::from(now), &now.into())?.try_into();
    let touched = Touched { email: patch.names("email"), status: patch.names("status") };
    let user = update_user(&env, &caller, (id, touched), edit).await?;
    Ok(tagged(user))
}

/// Erase a user for good, with all that is theirs: they are signed out everywhere first. What the audit log says of them stays,
/// and knows them by their id, which is never another's.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/users/{user}",
    tag = "Users",
    operation_id = "deleteUser",
    params(("user" = String, Path, description = "Their id")),
    responses((status = 204, description = "They are gone")),
)]
pub(crate) async fn delete(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<UserId>,
    only: IfMatch,
) -> Result<Response, Problem> {
    delete_user(&env, &caller, id, |user| only.check(&Settled::from(user))).await?;
    Ok(private(StatusCode::NO_CONTENT))
}

/// Assign a role to a user. To do it again changes nothing.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/users/{user}/roles/{role}",
    tag = "Users",
    operation_id = "assignRole",
    params(("user" = String, Path, description = "Their id"), ("role" = String, Path, description = "Its id")),
    responses((status = 204, description = "They have it")),
)]
pub(crate) async fn put_role(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    NamedPair(user, role): NamedPair<UserId, RoleId>,
) -> Result<Response, Problem> {
    assign_role(&env, &caller, (user, role)).await?;
    Ok(private(StatusCode::NO_CONTENT))
}

/// Take a role that was assigned to a user away. To do it again changes nothing.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/users/{user}/roles/{role}",
    tag = "Users",
    operation_id = "unassignRole",
    params(("user" = String, Path, description = "Their id"), ("role" = String, Path, description = "Its id")),
    responses((status = 204, description = "They do not have it by assignment")),
)]
pub(crate) async fn delete_role(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    NamedPair(user, role): NamedPair<UserId, RoleId>,
) -> Result<Response, Problem> {
    unassign_role(&env, &caller, (user, role)).await?;
    Ok(private(StatusCode::NO_CONTENT))
}
