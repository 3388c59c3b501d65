//! One role, or a new one: what it lets its holders do.

mod save;

use std::collections::BTreeSet;

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::ids::RoleId;
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
use super::roles::{origin, purpose};
use super::{Admin, Named};
use crate::form::LinkQuery;
use crate::page::Page;

pub(crate) use save::{post, post_new};

/// `templates/admin/role.html`.
#[derive(Template)]
#[template(path = "admin/role.html")]
struct RoleTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
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

/// A role as it is now.
struct Shown {
    id: String,
    slug: String,
    /// Its name, and what is in it, for whether it is still so once the form comes back.
    name: String,
    base: String,
    purpose: String,
    origin: Option<&'static str>,
    /// Why whoever may change roles may not change this one: what is in it that they do not hold.
    lock: Option<String>,
    /// Where it is deleted, if it may be.
    delete: Option<String>,
}

/// What a form asks for, and what came of it.
struct Asked {
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

/// `GET …/roles/new`.
pub(crate) async fn get_new(admin: Admin) -> Answer {
    show_new(&admin, None).await
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

async fn show_new(admin: &Admin, asked: Option<Asked>) -> Answer {
    let (status, template) = admin.read(page(admin, None, (None, asked)).await)?;
    Ok(admin.render(status, &template))
}

async fn show(admin: &Admin, id: RoleId, said: (Option<&'static str>, Option<Asked>)) -> Answer {
    let reader = admin.reading(OrgatePermission::RolesRead)?;
    let role = admin.found(find_role(&admin.env, &reader, id).await)?;
    let (status, template) = admin.read(page(admin, Some(&role), said).await)?;
    Ok(admin.render(status, &template))
}

async fn page(
    admin: &Admin,
    role: Option<&Role>,
    (done, asked): (Option<&'static str>, Option<Asked>),
) -> Result<(StatusCode, RoleTemplate), Failure> {
    let manager = admin.caller.asking(OrgatePermission::RolesManage);
    let lock = role
        .filter(|_| manager.is_some())
        .and_then(|role| not_theirs(&admin.caller, &role.permissions))
        .cloned();
    let edits = manager.is_some() && lock.is_none();
    let status = asked.as_ref().map_or(StatusCode::OK, |asked| asked.refused.status());
    let asked = asked.unwrap_or_else(|| Asked::as_is(role));
    let meanwhile = match (&asked.refused, role) {
        (Refused::Meanwhile((name, before)), Some(role)) => {
            Some(save::meanwhile(admin, role, (name, before)).await?)
        }
        _ => None,
    };
    let declared = match admin.caller.asking(OrgatePermission::ClientsRead).filter(|_| edits) {
        Some(caller) => list_declared(&admin.env, &caller).await?,
        None => Vec::new(),
    };
    let matrix = asked.matrix(admin, (role, edits), &declared);
    let refusal = matrix.locate(asked.refused.refusal(), (asked.wrong.as_deref(), "more"));
    let wrongs = Wrongs::of(refusal, &["name", "slug", "more", "wrong-permission"]).1;
    let path = role.map_or_else(|| "/roles/new".to_owned(), |role| format!("/roles/{}", role.id));
    let template = RoleTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Roles, Vec::new()).saying(done),
        csrf: admin.token(),
        here: admin.href(&path),
        back: admin.href_if_open(Part::Roles.shown()),
        role: role.map(|role| Shown::of(admin, role, (lock, edits))),
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

impl Shown {
    fn of(admin: &Admin, role: &Role, (lock, edits): (Option<String>, bool)) -> Self {
        Self {
            id: role.id.to_string(),
            slug: role.slug.to_string(),
            name: role.name.as_str().to_owned(),
            base: role.permissions.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
            purpose: purpose(role),
            origin: origin(role),
            lock,
            delete: edits.then(|| admin.href(&format!("/roles/{}/delete", role.id))),
        }
    }
}
