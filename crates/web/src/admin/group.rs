//! One group, or a new one: what its members have by it, and who they are.

mod boxes;
mod members;
mod save;

use std::collections::BTreeSet;

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::ids::{GroupId, UserId};
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::manage::groups::{GroupAround, find_group_around, list_all_groups, not_theirs};
use orgate_flows::manage::roles::list_all_roles;
use orgate_flows::manage::{Group, Page as Listed, PageOf};

use self::boxes::Boxes;
use self::members::Members;
use super::answers::Answer;
use super::change::{Refusal, Refused, Wrongs};
use super::choice::Choice;
use super::frame::{Frame, Part};
use super::meanwhile::Meanwhile;
use super::{Admin, Named};
use crate::form::LinkQuery;
use crate::page::{Link, Page};

pub(crate) use members::{post_add, post_remove};
pub(crate) use save::{post, post_new};

/// Members on one page.
const ON_A_PAGE: usize = 50;

/// `templates/admin/group.html`.
#[derive(Template)]
#[template(path = "admin/group.html")]
struct GroupTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    /// Where the form goes.
    here: String,
    back: String,
    /// What it is, unless it is a new one.
    group: Option<Shown>,
    name: String,
    slug: String,
    /// Whether anything can be changed.
    edits: bool,
    /// The organization's roles, if they may be seen.
    roles: Option<Vec<Choice>>,
    parents: Vec<Choice>,
    members: Option<Members>,
    wrongs: Wrongs,
    meanwhile: Option<Meanwhile>,
}

/// A group as it is now.
struct Shown {
    id: String,
    slug: String,
    /// Its name, roles and parents, for whether they are still so once the form comes back.
    name: String,
    base_roles: String,
    base_parents: String,
    /// The same two, for people.
    roles: String,
    parents: String,
    /// Slugs of the roles that its members have by groups that it is inside of.
    inherited: String,
    /// The groups that are inside of it.
    children: Vec<Link>,
    /// Why whoever may change groups may not change this one: a role that is not theirs to give.
    lock: Option<String>,
    /// Where it is deleted, if it may be.
    delete: Option<String>,
}

/// What a form asks for, and what came of it.
struct Asked {
    name: String,
    slug: String,
    roles: BTreeSet<String>,
    parents: BTreeSet<String>,
    refused: Refused<Base>,
}

/// A group, for whether it is still as it was.
#[derive(Clone, PartialEq, Eq)]
struct Base {
    name: String,
    roles: BTreeSet<String>,
    parents: BTreeSet<String>,
}

/// What the page says besides.
#[derive(Default)]
struct Said {
    done: Option<&'static str>,
    asked: Option<Asked>,
    /// An address that is not in the group now, and why.
    member: Option<(String, Refusal)>,
    /// After whom the page of members begins.
    after: Option<UserId>,
}

impl Base {
    fn of(group: &Group) -> Self {
        Self {
            name: group.name.as_str().to_owned(),
            roles: group.roles.keys().map(ToString::to_string).collect(),
            parents: group.parents.keys().map(ToString::to_string).collect(),
        }
    }
}

/// `GET …/groups/new`.
pub(crate) async fn get_new(admin: Admin) -> Answer {
    show_new(&admin, None).await
}

/// `GET …/groups/{group}`.
pub(crate) async fn get(admin: Admin, Named(id): Named<GroupId>, LinkQuery(params): LinkQuery) -> Answer {
    let done = match params.get("done") {
        Some("added") => Some("They are in the group, and have its roles from now on."),
        Some("made") => Some("The group is made. Nobody is in it yet: add them below."),
        Some("removed") => Some("They are out of the group, and have its roles no more."),
        Some("saved") => Some("The group is saved, and counts at once for whoever is in it."),
        _ => None,
    };
    let after = params.get("after").and_then(|text| text.parse().ok());
    show(&admin, id, Said { done, after, ..Said::default() }).await
}

async fn show_new(admin: &Admin, asked: Option<Asked>) -> Answer {
    // To say what it is inside of, they have to be seen.
    let groups = match admin.caller.asking(OrgatePermission::GroupsRead) {
        Some(caller) => admin.read(list_all_groups(&admin.env, &caller).await)?,
        None => Vec::new(),
    };
    let said = Said { asked, ..Said::default() };
    let (status, template) = admin.read(page(admin, (None, &groups), said).await)?;
    Ok(admin.render(status, &template))
}

async fn show(admin: &Admin, id: GroupId, said: Said) -> Answer {
    let reader = admin.reading(OrgatePermission::GroupsRead)?;
    let members = PageOf { after: said.after, limit: ON_A_PAGE };
    let found = find_group_around(&admin.env, &reader, (id, members)).await;
    let GroupAround { group, others, members } = admin.found(found)?;
    let (status, template) = admin.read(page(admin, (Some((&group, members)), &others), said).await)?;
    Ok(admin.render(status, &template))
}

/// A group, and a page of whoever is in it.
type Found<'a> = (&'a Group, Listed<orgate_flows::manage::Member, UserId>);

async fn page(
    admin: &Admin,
    (found, others): (Option<Found<'_>>, &[Group]),
    said: Said,
) -> Result<(StatusCode, GroupTemplate), Failure> {
    let group = found.as_ref().map(|(group, _)| *group);
    let roles = match admin.caller.asking(OrgatePermission::RolesRead) {
        Some(caller) => Some(list_all_roles(&admin.env, &caller).await?),
        None => None,
    };
    let manages = admin.caller.asking(OrgatePermission::GroupsManage).is_some();
    // As far as they may see it.
    let lock = group
        .filter(|_| manages)
        .zip(roles.as_deref())
        .and_then(|(group, roles)| not_theirs(&admin.caller, group, roles));
    let lock = lock.map(|role| role.name.as_str().to_owned());
    let edits = manages && lock.is_none();
    let status = said.status();
    let asked = said.asked.unwrap_or_else(|| Asked::as_is(group));
    let meanwhile = match (&asked.refused, group) {
        (Refused::Meanwhile(base), Some(group)) => Some(save::meanwhile(admin, group, base).await?),
        _ => None,
    };
    let boxes = Boxes { admin, asked: &asked, group, edits };
    let (roles, parents) = (roles.map(|roles| boxes.roles(&roles)), boxes.parents(others));
    let path = group.map_or_else(|| "/groups/new".to_owned(), |group| format!("/groups/{}", group.id));
    let here = admin.href(&path);
    let shown = group.map(|group| Shown::of(admin, (group, others), (lock, edits)));
    let members =
        found.map(|(_, members)| Members::of(admin, (&here, members, said.after), (edits, said.member)));
    let template = GroupTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Groups, Vec::new()).saying(said.done),
        csrf: admin.token(),
        back: admin.href_if_open(Part::Groups.shown()),
        group: shown,
        edits,
        roles,
        parents,
        members,
        meanwhile,
        name: asked.name,
        slug: asked.slug,
        wrongs: Wrongs::of(asked.refused.refusal(), &["name", "slug", "roles", "parents"]).1,
        here,
    };
    Ok((status, template))
}

impl Shown {
    fn of(admin: &Admin, (group, others): (&Group, &[Group]), (lock, edits): (Option<String>, bool)) -> Self {
        let Base { name, roles, parents } = Base::of(group);
        let words = |texts| Vec::from_iter(texts).join(" ");
        let said = |texts: &BTreeSet<String>| texts.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let inside = others.iter().filter(|other| other.parents.contains_key(&group.slug));
        let children = inside.map(|other| Link {
            label: other.name.as_str().to_owned(),
            href: admin.href(&format!("/groups/{}", other.id)),
        });
        Self {
            id: group.id.to_string(),
            slug: group.slug.to_string(),
            name,
            roles: said(&roles),
            parents: said(&parents),
            base_roles: words(roles),
            base_parents: words(parents),
            inherited: group.inherited.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
            children: children.collect(),
            lock,
            delete: edits.then(|| admin.href(&format!("/groups/{}/delete", group.id))),
        }
    }
}
