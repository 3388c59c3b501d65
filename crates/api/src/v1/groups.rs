//! `/organizations/{organization}/groups`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::ids::{GroupId, UserId};
use orgate_domain::names::Slug;
use orgate_flows::Env;
use orgate_flows::manage::groups::{
    GroupSettings, add_member, create_group, delete_group, find_group, list_groups, list_members,
    remove_member, update_group,
};
use orgate_flows::manage::{ChangeError, Group, Member};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Named, NamedPair, Private, private};
use super::change::{IfMatch, New, Patch, Tagged, created};
use super::organizations::{name, slug};
use super::page::{PageQuery, Paged, page};
use super::problem::Problem;

/// A group: its members have its roles, and those of the groups that it is inside of.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Group)]
pub(crate) struct View {
    /// Its id.
    id: String,
    /// Its short name: what connections call it.
    slug: String,
    #[serde(flatten)]
    settings: Settings,
    /// Slugs of the roles that its members have by groups that it is inside of.
    inherited_roles: Vec<String>,
}

/// What of a group may be changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = GroupSettings)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Its name for people: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Slugs of the roles that its members have by it.
    #[serde(default)]
    #[schema(max_items = 50)]
    roles: Vec<String>,
    /// Slugs of the groups that it is inside of: its members are in these too.
    #[serde(default)]
    #[schema(max_items = 20)]
    parents: Vec<String>,
}

/// A group as wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewGroup)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Its short name: 1 to 63 lower-case letters, digits and inner hyphens. It stays as it is.
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    slug: String,
    /// Its name for people: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Slugs of the roles that its members have by it: roles that you could give them.
    #[serde(default)]
    #[schema(max_items = 50)]
    roles: Vec<String>,
    /// Slugs of the groups that it is inside of.
    #[serde(default)]
    #[schema(max_items = 20)]
    parents: Vec<String>,
}

/// Somebody who was put into a group.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GroupMember)]
pub(crate) struct MemberView {
    /// The user's id.
    user_id: String,
    /// Their address, if they have one of their own.
    email: Option<String>,
    /// Their name.
    name: String,
}

impl From<&Group> for Settings {
    fn from(group: &Group) -> Self {
        Self {
            name: group.name.as_str().to_owned(),
            roles: group.roles.keys().map(Slug::to_string).collect(),
            parents: group.parents.keys().map(Slug::to_string).collect(),
        }
    }
}

impl From<&Group> for View {
    fn from(group: &Group) -> Self {
        Self {
            id: group.id.to_string(),
            slug: group.slug.to_string(),
            settings: group.into(),
            inherited_roles: group.inherited.iter().cloned().collect(),
        }
    }
}

impl From<Group> for View {
    fn from(group: Group) -> Self {
        (&group).into()
    }
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self { user_id: member.user_id.to_string(), email: member.email, name: member.name }
    }
}

impl TryFrom<Settings> for GroupSettings {
    type Error = ChangeError;

    fn try_from(settings: Settings) -> Result<Self, ChangeError> {
        let slugs = |pointer: &str, texts: &[String]| {
            let each = texts.iter().enumerate();
            each.map(|(place, text)| slug(&format!("{pointer}/{place}"), text)).collect::<Result<_, _>>()
        };
        Ok(Self {
            name: name("/name", &settings.name)?,
            roles: slugs("/roles", &settings.roles)?,
            parents: slugs("/parents", &settings.parents)?,
        })
    }
}

page! {
    /// A page of groups.
    Groups as GroupPage of View
}

page! {
    /// A page of members.
    Members as GroupMemberPage of MemberView
}

/// List the groups of an organization, in the order in which they were made.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/groups",
    tag = "Groups",
    operation_id = "listGroups",
    params(PageQuery),
    responses((status = 200, description = "A page of them", body = Groups)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Paged(page): Paged<GroupId>,
) -> Result<Private<Groups>, Problem> {
    Ok(Private(list_groups(&env, &caller, page).await?.into()))
}

/// Make a group, with roles that you could give.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/groups",
    tag = "Groups",
    operation_id = "createGroup",
    request_body = Wanted,
    responses((status = 201, description = "The group", body = View)),
)]
pub(crate) async fn post(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    New(wanted, once): New<Wanted>,
) -> Result<Response, Problem> {
    let short = slug("/slug", &wanted.slug)?;
    let settings = Settings { name: wanted.name, roles: wanted.roles, parents: wanted.parents };
    let made = create_group(&env, &caller, (short, settings.try_into()?), once.as_ref()).await?;
    let at = format!("{}/organizations/{}/groups/{}", super::PATH, caller.org_id(), made.id);
    Ok(created(env.issuer.at(&at), Tagged(View::from(made))))
}

/// Read a group.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/groups/{group}",
    tag = "Groups",
    operation_id = "getGroup",
    params(("group" = String, Path, description = "Its id")),
    responses((status = 200, description = "The group", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<GroupId>,
) -> Result<Tagged<View>, Problem> {
    let group = find_group(&env, &caller, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Tagged(group.into()))
}

/// Change a group: whoever is in it, or in one inside of it, has what it gives from now on.
#[utoipa::path(
    patch,
    path = "/organizations/{organization}/groups/{group}",
    tag = "Groups",
    operation_id = "updateGroup",
    params(("group" = String, Path, description = "Its id")),
    request_body(content = Settings, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The group", body = View)),
)]
pub(crate) async fn patch(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<GroupId>,
    patch: Patch,
) -> Result<Tagged<View>, Problem> {
    let edit = |now: &Group| patch.onto::<Settings>(&View::from(now), &now.into())?.try_into();
    Ok(Tagged(update_group(&env, &caller, id, edit).await?.into()))
}

/// Take a group away that nobody is in, and no group is inside of.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/groups/{group}",
    tag = "Groups",
    operation_id = "deleteGroup",
    params(("group" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is gone")),
)]
pub(crate) async fn delete(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<GroupId>,
    only: IfMatch,
) -> Result<Response, Problem> {
    delete_group(&env, &caller, id, |group| only.check(&View::from(group))).await?;
    Ok(private(StatusCode::NO_CONTENT))
}

/// List whoever was put into a group. Connections put others into it, at each of their sign-ins.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/groups/{group}/members",
    tag = "Groups",
    operation_id = "listGroupMembers",
    params(("group" = String, Path, description = "Its id"), PageQuery),
    responses((status = 200, description = "A page of them", body = Members)),
)]
pub(crate) async fn list_of_group(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<GroupId>,
    Paged(page): Paged<UserId>,
) -> Result<Private<Members>, Problem> {
    Ok(Private(list_members(&env, &caller, (id, page)).await?.into()))
}

/// Put a user into a group. To do it again changes nothing.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/groups/{group}/members/{user}",
    tag = "Groups",
    operation_id = "addGroupMember",
    params(("group" = String, Path, description = "Its id"), ("user" = String, Path, description = "Their id")),
    responses((status = 204, description = "They are in it")),
)]
pub(crate) async fn put_member(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    NamedPair(group, user): NamedPair<GroupId, UserId>,
) -> Result<Response, Problem> {
    add_member(&env, &caller, (group, user)).await?;
    Ok(private(StatusCode::NO_CONTENT))
}

/// Take a user out who was put into a group. To do it again changes nothing.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/groups/{group}/members/{user}",
    tag = "Groups",
    operation_id = "removeGroupMember",
    params(("group" = String, Path, description = "Its id"), ("user" = String, Path, description = "Their id")),
    responses((status = 204, description = "They are not in it by hand")),
)]
pub(crate) async fn delete_member(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    NamedPair(group, user): NamedPair<GroupId, UserId>,
) -> Result<Response, Problem> {
    remove_member(&env, &caller, (group, user)).await?;
    Ok(private(StatusCode::NO_CONTENT))
}
