//! The organization's roles: what each is for.

use std::collections::BTreeSet;

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::ids::RoleId;
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::permissions::{EVERYTHING, OrgatePermission, READY_ROLES, ReadyRole};
use orgate_flows::manage::roles::list_roles;
use orgate_flows::manage::{PageOf, Role, RoleBlueprint};

use super::Admin;
use super::answers::Answer;
use super::frame::{Frame, Pager, Part};
use super::matrix::summary;
use crate::form::LinkQuery;
use crate::page::Page;

/// Roles on one page.
const ON_A_PAGE: usize = 50;

/// What the roles are for that Orgate comes with.
const READY: [(&str, &str); 7] = [
    ("owner", "Does everything, and gives everything to others"),
    ("admin", "Runs the organization from day to day"),
    ("user-manager", "Invites people, and manages users, groups and sessions"),
    ("sso-manager", "Connects identity providers and domains"),
    ("help-desk", "Looks users up, and ends their sessions"),
    ("auditor", "Sees everything, and changes nothing"),
    ("reader", "Sees users, groups, roles and invitations"),
];

/// `templates/admin/roles.html`.
#[derive(Template)]
#[template(path = "admin/roles.html")]
struct RolesTemplate {
    page: Page,
    frame: Frame,
    roles: Vec<RoleLine>,
    pager: Pager,
    /// Where to make one, if they may.
    new: Option<String>,
}

/// One role.
struct RoleLine {
    href: String,
    name: String,
    slug: String,
    /// What it is for.
    purpose: String,
    /// How much is in it.
    count: String,
    origin: Option<&'static str>,
    is_mine: bool,
}

impl RoleLine {
    fn of(admin: &Admin, role: &Role) -> Self {
        let told = Told::from(role);
        Self {
            href: admin.href(&format!("/roles/{}", role.id)),
            name: role.name.as_str().to_owned(),
            slug: role.slug.to_string(),
            purpose: told.purpose(),
            count: told.count(),
            origin: told.origin(),
            is_mine: admin.caller.has_role(role),
        }
    }
}

/// What there is to tell of a role, and of what one begins as.
pub(super) struct Told<'a> {
    pub(super) slug: &'a Slug,
    pub(super) name: &'a DisplayName,
    pub(super) permissions: &'a BTreeSet<String>,
}

impl<'a> From<&'a Role> for Told<'a> {
    fn from(role: &'a Role) -> Self {
        Self { slug: &role.slug, name: &role.name, permissions: &role.permissions }
    }
}

impl<'a> From<&'a RoleBlueprint> for Told<'a> {
    fn from(blueprint: &'a RoleBlueprint) -> Self {
        Self { slug: &blueprint.slug, name: &blueprint.name, permissions: &blueprint.permissions }
    }
}

impl Told<'_> {
    /// What it is for.
    pub(super) fn purpose(&self) -> String {
        let ready = self.ready().filter(|ready| self.is_as_ready(ready));
        let said = ready.and_then(|ready| READY.iter().find(|(slug, _)| *slug == ready.slug));
        said.map_or_else(|| summary(self.permissions), |(_, purpose)| (*purpose).to_owned())
    }

    /// Whether it is one that Orgate comes with.
    pub(super) fn origin(&self) -> Option<&'static str> {
        let ready = self.ready()?;
        Some(if self.is_as_ready(ready) { "Ready-made" } else { "Ready-made, changed" })
    }

    /// How much is in it.
    pub(super) fn count(&self) -> String {
        match self.permissions.len() {
            _ if self.permissions.contains(EVERYTHING) => "All".to_owned(),
            0 => "None".to_owned(),
            count => count.to_string(),
        }
    }

    fn ready(&self) -> Option<&'static ReadyRole> {
        let is_it = |ready: &&ReadyRole| ready.slug == self.slug.as_str() && ready.name == self.name.as_str();
        READY_ROLES.iter().find(is_it)
    }

    fn is_as_ready(&self, ready: &ReadyRole) -> bool {
        ready.permissions.len() == self.permissions.len()
            && ready.permissions.iter().all(|permission| self.permissions.contains(*permission))
    }
}

/// `GET …/roles`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let done = (params.get("done") == Some("deleted")).then_some("The role is gone.");
    let after = params.get("after").and_then(|text| text.parse::<RoleId>().ok());
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = admin.read(list_roles(&admin.env, &admin.caller, page).await)?;
    let here = admin.href("/roles");
    let makes = admin.caller.asking(OrgatePermission::RolesManage);
    let template = RolesTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Roles).saying(done),
        roles: found.items.iter().map(|role| RoleLine::of(&admin, role)).collect(),
        pager: Pager::of(&here, after.is_some(), found.next),
        new: makes.map(|_| admin.href("/roles/new")),
    };
    Ok(admin.render(StatusCode::OK, &template))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(slug: &str, name: &str, permissions: &[&str]) -> Role {
        Role {
            id: "rol_00000000000000000000000000".parse().expect("an id"),
            slug: Slug::parse(slug).expect("a slug"),
            name: DisplayName::parse(name).expect("a name"),
            permissions: permissions.iter().map(|&text| text.to_owned()).collect(),
        }
    }

    #[test]
    fn every_role_that_orgate_comes_with_is_said_to_be_so_and_what_it_is_for() {
        for ready in READY_ROLES {
            let role = role(ready.slug, ready.name, ready.permissions);

            let told = Told::from(&role);
            assert_eq!(told.origin(), Some("Ready-made"), "{}", ready.slug);
            assert!(
                READY.iter().any(|(slug, said)| *slug == ready.slug && *said == told.purpose()),
                "{}",
                ready.slug
            );
        }
    }

    #[test]
    fn one_that_was_changed_is_said_by_what_is_in_it_and_anothers_of_its_name_is_none() {
        let changed = role("reader", "Reader", &["orgate:users:read"]);
        let own = role("admin", "Boss", &["orgate:*"]);
        let (changed, own) = (Told::from(&changed), Told::from(&own));

        assert_eq!(
            (changed.origin(), changed.purpose()),
            (Some("Ready-made, changed"), "Sees users".to_owned())
        );
        assert_eq!(
            (own.origin(), own.purpose(), own.count()),
            (None, "Everything here".to_owned(), "All".to_owned())
        );
    }
}
