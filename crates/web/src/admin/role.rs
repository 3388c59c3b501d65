//! One role, or a new one: what it lets its holders do. What roles of new organizations begin as is shown alike.

mod save;

use std::collections::BTreeSet;

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::audit::Action;
use orgate_domain::ids::RoleId;
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::manage::Role;
use orgate_flows::manage::applications::list_declared;
use orgate_flows::manage::roles::{find_role, not_theirs};

use super::answers::Answer;
use super::change::{Refused, Wrongs};
use super::frame::{Frame, Part};
use super::matrix::Matrix;
use super::meanwhile::Meanwhile;
use super::roles::Told;
use super::{Admin, Named};
use crate::form::LinkQuery;
use crate::page::Page;

pub(super) use save::Sent;
pub(crate) use save::{post, post_new};

/// `templates/admin/role.html`.
#[derive(Template)]
#[template(path = "admin/role.html")]
struct RoleTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    words: &'static Words,
    /// Where the form goes.
    here: String,
    back: String,
    /// What it is, unless it is a new one.
    role: Option<Shown>,
    name: String,
    slug: String,
    /// Whether anything can be changed.
    edits: bool,
    matrix: Matrix,
    /// What was typed, and is no permission.
    more: String,
    wrongs: Wrongs,
    meanwhile: Option<Meanwhile>,
}

/// What is said of roles, and of what they begin as.
pub(super) struct Words {
    pub(super) part: Part,
    /// What it takes to change one.
    pub(super) manage: OrgatePermission,
    /// What the log says of a change.
    pub(super) changed: Action,
    /// Where one is made.
    pub(super) new: &'static str,
    /// What one is.
    pub(super) it: &'static str,
    pub(super) make: &'static str,
    pub(super) make_it: &'static str,
    /// Whether it counts in other organizations than the one whose page it is.
    pub(super) is_of_others: bool,
}

const ROLE: Words = Words {
    part: Part::Roles,
    manage: OrgatePermission::RolesManage,
    changed: Action::RoleConfigured,
    new: "/roles/new",
    it: "role",
    make: "Make a role",
    make_it: "Make the role",
    is_of_others: false,
};

/// A role as it is now, or what one begins as.
pub(super) struct Existing {
    pub(super) path: String,
    pub(super) id: Option<RoleId>,
    pub(super) slug: Slug,
    pub(super) name: DisplayName,
    pub(super) permissions: BTreeSet<String>,
    pub(super) origin: Option<&'static str>,
    /// What else there is to say of it.
    pub(super) note: Option<&'static str>,
    /// Whether nobody can change it.
    pub(super) is_fixed: bool,
    /// How it is done away with, if it can be.
    pub(super) deletion: Option<Deletion>,
}

/// How something is done away with.
pub(super) struct Deletion {
    pub(super) headline: &'static str,
    pub(super) hint: &'static str,
    pub(super) verb: &'static str,
}

/// The same on its page.
struct Shown {
    id: Option<String>,
    slug: String,
    /// Its name, and what is in it, for whether it is still so once the form comes back.
    name: String,
    base: String,
    purpose: String,
    origin: Option<&'static str>,
    note: Option<&'static str>,
    /// Why whoever may change roles may not change this one: what is in it that they do not hold.
    lock: Option<String>,
    /// Where it is deleted, and what is said of that.
    delete: Option<(String, Deletion)>,
}

/// What a form asks for, and what came of it.
pub(super) struct Asked {
    name: String,
    slug: String,
    ticked: BTreeSet<String>,
    /// What was typed, and is no permission.
    more: Vec<String>,
    /// The permission that something is wrong with, if it is with one.
    wrong: Option<String>,
    /// What it was called, and what was in it, when the form was made.
    refused: Refused<(String, BTreeSet<String>)>,
}

impl From<Role> for Existing {
    fn from(role: Role) -> Self {
        Self {
            path: format!("/roles/{}", role.id),
            id: Some(role.id),
            origin: Told::from(&role).origin(),
            slug: role.slug,
            name: role.name,
            permissions: role.permissions,
            note: None,
            is_fixed: false,
            deletion: Some(Deletion {
                headline: "Delete it",
                hint: "A role can be deleted once nobody and nothing has it.",
                verb: "Delete",
            }),
        }
    }
}

/// `GET …/roles/new`.
pub(crate) async fn get_new(admin: Admin) -> Answer {
    show_new(&admin, &ROLE, None).await
}

/// `GET …/roles/{role}`.
pub(crate) async fn get(admin: Admin, Named(id): Named<RoleId>, LinkQuery(params): LinkQuery) -> Answer {
    let done = match params.get("done") {
        Some("made") => Some("The role is made. Nobody has it yet: give it on a user’s page, or to a group."),
        Some("saved") => Some("The role is saved, and counts at once for whoever has it."),
        _ => None,
    };
    show(&admin, id, (done, None)).await
}

/// The form of a new one.
pub(super) async fn show_new(admin: &Admin, words: &'static Words, asked: Option<Asked>) -> Answer {
    let (status, template) = admin.read(page(admin, words, (None, (None, asked))).await)?;
    Ok(admin.render(status, &template))
}

async fn show(admin: &Admin, id: RoleId, said: (Option<&'static str>, Option<Asked>)) -> Answer {
    let reader = admin.reading(OrgatePermission::RolesRead)?;
    let role = admin.found(find_role(&admin.env, &reader, id).await)?;
    show_existing(admin, &ROLE, (role.into(), said)).await
}

/// The page of one that there is.
pub(super) async fn show_existing(
    admin: &Admin,
    words: &'static Words,
    (existing, said): (Existing, (Option<&'static str>, Option<Asked>)),
) -> Answer {
    let (status, template) = admin.read(page(admin, words, (Some(existing), said)).await)?;
    Ok(admin.render(status, &template))
}

async fn page(
    admin: &Admin,
    words: &'static Words,
    (existing, (done, asked)): (Option<Existing>, (Option<&'static str>, Option<Asked>)),
) -> Result<(StatusCode, RoleTemplate), Failure> {
    let manager = admin
        .caller
        .asking(words.manage)
        .filter(|_| !existing.as_ref().is_some_and(|existing| existing.is_fixed));
    let lock = existing
        .as_ref()
        .filter(|_| manager.is_some())
        .and_then(|existing| not_theirs(&admin.caller, &existing.permissions))
        .cloned();
    let edits = manager.is_some() && lock.is_none();
    let status = asked.as_ref().map_or(StatusCode::OK, |asked| asked.refused.status());
    let asked = asked.unwrap_or_else(|| Asked::as_is(existing.as_ref()));
    let meanwhile = match (&asked.refused, &existing) {
        (Refused::Meanwhile((name, before)), Some(existing)) => {
            Some(save::meanwhile(admin, words, (existing, name, before)).await?)
        }
        _ => None,
    };
    let declared = match admin.caller.asking(OrgatePermission::ClientsRead).filter(|_| edits) {
        Some(caller) => list_declared(&admin.env, &caller).await?,
        None => Vec::new(),
    };
    let matrix = asked.matrix(admin, words, (existing.as_ref(), edits), &declared);
    let refusal = matrix.locate(asked.refused.refusal(), (asked.wrong.as_deref(), "more"));
    let wrongs = Wrongs::of(refusal, &["name", "slug", "more", "wrong-permission"]).1;
    let template = RoleTemplate {
        page: admin.page(),
        frame: Frame::below(admin, words.part, Vec::new()).saying(done),
        csrf: admin.token(),
        words,
        here: admin.href(existing.as_ref().map_or(words.new, |existing| &existing.path)),
        back: admin.href_if_open(words.part.shown()),
        role: existing.map(|existing| Shown::of(admin, existing, (lock, edits))),
        name: asked.name,
        slug: asked.slug,
        edits,
        matrix,
        more: asked.more.join(" "),
        wrongs,
        meanwhile,
    };
    Ok((status, template))
}

impl Existing {
    fn purpose(&self) -> String {
        Told { slug: &self.slug, name: &self.name, permissions: &self.permissions }.purpose()
    }
}

impl Shown {
    fn of(admin: &Admin, existing: Existing, (lock, edits): (Option<String>, bool)) -> Self {
        let delete = admin.href(&format!("{}/delete", existing.path));
        Self {
            id: existing.id.map(|id| id.to_string()),
            slug: existing.slug.to_string(),
            name: existing.name.as_str().to_owned(),
            base: existing.permissions.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
            purpose: existing.purpose(),
            origin: existing.origin,
            note: existing.note,
            lock,
            delete: existing.deletion.filter(|_| edits).map(|deletion| (delete, deletion)),
        }
    }
}
