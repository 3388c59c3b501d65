//! One organization above: what it is let do here.

use std::collections::BTreeSet;

use askama::Template;
use orgate_domain::audit::Action;
use orgate_domain::ids::OrgId;
use orgate_domain::permissions::{OrgatePermission, parse_for_delegate};
use orgate_flows::Failure;
use orgate_flows::manage::delegations::{Above, MAX_DELEGATED, find_above, set_delegation};
use orgate_flows::manage::roles::not_theirs;
use orgate_flows::manage::{ChangeError, Delegation};

use super::answers::Answer;
use super::change::{Refused, Wrongs, done, refusal_on};
use super::delegations::path;
use super::frame::{Frame, Part};
use super::matrix::{Matrix, Ticks, meant};
use super::meanwhile::{Meanwhile, moved};
use super::{Admin, Named, Submitted};
use crate::fields::Form;
use crate::form::LinkQuery;
use crate::moment::Moment;
use crate::page::Page;

/// Permissions of a form that are looked at: one more than there may be, so that the use case says how many there may be.
const MAX_READ: usize = MAX_DELEGATED + 1;

/// `templates/admin/delegation.html`.
#[derive(Template)]
#[template(path = "admin/delegation.html")]
struct DelegationTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    /// Where the form goes.
    here: String,
    back: String,
    name: String,
    slug: String,
    /// What it was let do when the form was made.
    base: String,
    /// Since when it is let in, if it is.
    since: Option<Moment>,
    /// Why whoever may change this cannot: what it is let do that they do not hold.
    lock: Option<String>,
    /// Whether anything can be changed.
    edits: bool,
    matrix: Matrix,
    wrongs: Wrongs,
    meanwhile: Option<Meanwhile>,
}

/// What a form asks for, and what came of it.
struct Asked {
    ticked: BTreeSet<String>,
    /// The permission that something is wrong with, if it is with one.
    wrong: Option<String>,
    refused: Refused<BTreeSet<String>>,
}

/// `GET …/delegations/{delegate}`.
pub(crate) async fn get(admin: Admin, Named(id): Named<OrgId>, LinkQuery(params): LinkQuery) -> Answer {
    let done = (params.get("done") == Some("saved"))
        .then_some("It is saved. Its people may do this from now on, as far as they may in their own.");
    show(&admin, id, (done, None)).await
}

/// `POST …/delegations/{delegate}`: lets it do what the form shows, unless somebody else changed that since.
pub(crate) async fn post(Named(id): Named<OrgId>, Submitted { admin, form }: Submitted) -> Answer {
    let (wanted, base) = (permissions(&form), form.words("base").into_iter().collect::<BTreeSet<_>>());
    let edit = |now: Option<&Delegation>| {
        let now = now.map(|now| &now.permissions);
        if now.unwrap_or(&BTreeSet::new()) != &base {
            return Err(ChangeError::Stale);
        }
        Ok(Vec::from_iter(wanted.clone()))
    };
    let Err(error) = set_delegation(&admin.env, &admin.caller, id, edit).await else {
        let shown = path(id);
        return Ok(done(&admin, (&shown, Part::Delegations.permission()), "saved"));
    };
    let refusal = refusal_on(Part::Delegations.permission(), &admin, &error)?;
    let wrong = meant(&error, &wanted);
    let asked = Asked { ticked: wanted, wrong, refused: Refused::by(&error, refusal, base) };
    show(&admin, id, (None, Some(asked))).await
}

/// What is ticked.
fn permissions(form: &Form) -> BTreeSet<String> {
    form.all("permission").map(str::to_owned).take(MAX_READ).collect()
}

async fn show(admin: &Admin, id: OrgId, (done, asked): (Option<&'static str>, Option<Asked>)) -> Answer {
    let reader = admin.reading(Part::Delegations.permission())?;
    let Above { organization, delegation } = admin.found(find_above(&admin.env, &reader, id).await)?;
    let since = delegation.as_ref().map(|found| Moment::of(found.created_at, admin.env.clock.now()));
    let held = delegation.map(|found| found.permissions).unwrap_or_default();
    let manager = admin.caller.asking(OrgatePermission::DelegationsManage);
    let lock = not_theirs(&admin.caller, &held).filter(|_| manager.is_some()).cloned();
    let edits = manager.is_some() && lock.is_none();
    let asked = asked.unwrap_or_else(|| Asked { ticked: held.clone(), wrong: None, refused: Refused::No });
    let meanwhile = match &asked.refused {
        Refused::Meanwhile(before) => Some(admin.read(meanwhile(admin, id, (before, &held)).await)?),
        Refused::For(_) | Refused::No => None,
    };
    let matrix = asked.matrix(admin, (&held, edits));
    let status = asked.refused.status();
    let template = DelegationTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Delegations, Vec::new()).saying(done),
        csrf: admin.token(),
        here: admin.href(&path(id)),
        back: admin.href(Part::Delegations.path()),
        name: organization.name,
        slug: organization.slug.to_string(),
        base: held.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
        since,
        lock,
        edits,
        wrongs: asked.located(&matrix),
        matrix,
        meanwhile,
    };
    Ok(admin.render(status, &template))
}

impl Asked {
    fn matrix(&self, admin: &Admin, (held, edits): (&BTreeSet<String>, bool)) -> Matrix {
        let changed = self.refused.changed(held, |before| before);
        let wrong = match &self.refused {
            Refused::For(refusal) => self.wrong.as_deref().zip(Some(refusal.wrong.why.as_str())),
            Refused::Meanwhile(_) | Refused::No => None,
        };
        let gives = |text: &str| admin.caller.may_give_permission(text) && parse_for_delegate(text).is_ok();
        let ticked = if edits { &self.ticked } else { held };
        let gives = edits.then_some(&gives as &dyn Fn(&str) -> bool);
        Matrix::of(&Ticks::of((ticked, &changed), wrong, gives), &[])
            .of_use(OrgatePermission::is_of_use_from_above)
    }

    /// What is wrong, where the page can say it: beside the box of a permission, or above them all.
    fn located(self, matrix: &Matrix) -> Wrongs {
        let refusal = matrix.locate(self.refused.refusal(), (self.wrong.as_deref(), "permissions"));
        Wrongs::of(refusal, &["permissions", "wrong-permission"]).1
    }
}

/// Who changed what it is let do since a form was made of it, and how.
async fn meanwhile(
    admin: &Admin,
    id: OrgId,
    (before, now): (&BTreeSet<String>, &BTreeSet<String>),
) -> Result<Meanwhile, Failure> {
    let changes = moved((before, now), ("It may now", "It may no more")).collect();
    let named = [("organization", &*id.to_string())];
    Meanwhile::find(admin, (Action::DelegationConfigured, &named), changes).await
}
