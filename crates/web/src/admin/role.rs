//! One role, or a new one: what it lets its holders do.

mod save;

use std::collections::BTreeSet;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::ids::RoleId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::manage::Role;
use orgate_flows::manage::applications::list_declared;
use orgate_flows::manage::roles::find_role;

use super::change::Refusal;
use super::frame::{Frame, Part};
use super::matrix::Matrix;
use super::meanwhile::Meanwhile;
use super::roles::{origin, purpose};
use super::{Admin, Named, entry};
use crate::form::LinkQuery;
use crate::page::{Page, failed};

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
    refusal: Option<Refusal>,
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
    refused: Refused,
}

/// Why a form is shown once more.
enum Refused {
    /// It is shown for the first time.
    No,
    /// Something is wrong, with the permission that is named, if it is with one.
    For(Refusal, Option<String>),
    /// Somebody else changed the role: what was there when the form was made.
    Meanwhile(String, BTreeSet<String>),
}

impl RoleTemplate {
    /// What is wrong with a field.
    fn wrong(&self, field: &str) -> Option<&str> {
        let wrong = self.refusal.as_ref().map(|refusal| &refusal.wrong);
        wrong.filter(|wrong| wrong.field == field).map(|wrong| wrong.why.as_str())
    }

    /// What is wrong, and the field that the summary leads to, if there is one.
    fn summary(&self) -> Option<(&str, Option<&str>)> {
        let wrong = &self.refusal.as_ref()?.wrong;
        Some((wrong.why.as_str(), Some(wrong.field.as_str()).filter(|field| !field.is_empty())))
    }
}

/// `GET …/roles/new`.
pub(crate) async fn get_new(admin: Admin) -> Response {
    show_new(&admin, None).await
}

/// `GET …/roles/{role}`.
pub(crate) async fn get(admin: Admin, Named(id): Named<RoleId>, LinkQuery(params): LinkQuery) -> Response {
    let done = match params.get("done") {
        Some("made") => Some("The role is made. Nobody has it yet: give it on a user’s page, or to a group."),
        Some("saved") => Some("The role is saved, and counts at once for whoever has it."),
        _ => None,
    };
    show(&admin, id, (done, None)).await
}

async fn show_new(admin: &Admin, asked: Option<Asked>) -> Response {
    match page(admin, None, (None, asked)).await {
        Ok((status, template)) => admin.render(status, &template),
        Err(failure) => failed(&admin.env, &admin.cookies.browser.origin, &failure),
    }
}

async fn show(admin: &Admin, id: RoleId, said: (Option<&'static str>, Option<Asked>)) -> Response {
    let Some(reader) = admin.caller.asking(OrgatePermission::RolesRead) else {
        return entry::lacks(admin, OrgatePermission::RolesRead);
    };
    let shown = match find_role(&admin.env, &reader, id).await {
        Ok(Some(role)) => page(admin, Some(&role), said).await,
        Ok(None) => return entry::missing(admin),
        Err(failure) => Err(failure),
    };
    match shown {
        Ok((status, template)) => admin.render(status, &template),
        Err(failure) => failed(&admin.env, &admin.cookies.browser.origin, &failure),
    }
}

async fn page(
    admin: &Admin,
    role: Option<&Role>,
    (done, asked): (Option<&'static str>, Option<Asked>),
) -> Result<(StatusCode, RoleTemplate), Failure> {
    let manager = admin.caller.asking(OrgatePermission::RolesManage);
    let lock = role.filter(|_| manager.is_some()).and_then(|role| lock(admin, role));
    let edits = manager.is_some() && lock.is_none();
    let status = asked.as_ref().map_or(StatusCode::OK, |asked| asked.refused.status());
    let asked = asked.unwrap_or_else(|| Asked::as_is(role));
    let meanwhile = match (&asked.refused, role) {
        (Refused::Meanwhile(name, before), Some(role)) => {
            Some(save::meanwhile(admin, role, (name, before)).await?)
        }
        _ => None,
    };
    let declared = match admin.caller.asking(OrgatePermission::ClientsRead).filter(|_| edits) {
        Some(caller) => list_declared(&admin.env, &caller).await?,
        None => Vec::new(),
    };
    let matrix = asked.matrix(admin, (role, edits), &declared);
    let refusal = asked.refused.located(&matrix);
    let path = role.map_or_else(|| "/roles/new".to_owned(), |role| format!("/roles/{}", role.id));
    let up = admin.caller.asking(OrgatePermission::RolesRead).map_or("", |_| "/roles");
    let template = RoleTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Roles, Vec::new()).saying(done),
        csrf: admin.token(),
        here: admin.href(&path),
        back: admin.href(up),
        role: role.map(|role| Shown::of(admin, role, (lock, edits))),
        name: asked.name,
        slug: asked.slug,
        edits,
        matrix,
        more: asked.more.join(" "),
        refusal,
        meanwhile,
    };
    Ok((status, template))
}

/// What is in a role that the reader may not give, and so not take either.
fn lock(admin: &Admin, role: &Role) -> Option<String> {
    role.permissions.iter().find(|text| !admin.caller.may_give_permission(text)).cloned()
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
