//! Letting somebody in who asked: with which roles.

use askama::Template;
use orgate_domain::ids::JoinRequestId;
use orgate_domain::invitations::DEFAULT_LIFETIME;
use orgate_domain::names::Slug;
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::join_requests::{Approval, approve_join_request, find_join_request};

use super::answers::Answer;
use super::change::{Refusal, Wrongs, done, refusal};
use super::frame::{Frame, Part};
use super::join_requests::{RequestLine, SHOWN};
use super::role_boxes::{RoleBox, role_boxes};
use super::{Admin, Named, Submitted};
use crate::fields::Form;
use crate::page::{Link, Page};
use crate::present::see_other;

/// `templates/admin/join_request.html`.
#[derive(Template)]
#[template(path = "admin/join_request.html")]
struct JoinRequestTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    back: String,
    request: RequestLine,
    /// Days that their invitation is good for.
    days: i64,
    /// Those that may be given.
    roles: Vec<RoleBox>,
    wrongs: Wrongs,
}

/// `GET …/join-requests/{join_request}/approve`.
pub(crate) async fn get(admin: Admin, Named(id): Named<JoinRequestId>) -> Answer {
    show(&admin, id, None).await
}

/// `POST …/join-requests/{join_request}/approve`.
pub(crate) async fn post(Named(id): Named<JoinRequestId>, Submitted { admin, form }: Submitted) -> Answer {
    let approved = match approval(&form) {
        Ok(approval) => approve_join_request(&admin.env, &admin.caller, (id, approval), None).await,
        Err(error) => Err(error),
    };
    match approved {
        Ok(_) => Ok(done(&admin, SHOWN, "approved")),
        Err(error) => show(&admin, id, Some((&form, refusal(&admin, &error)?))).await,
    }
}

/// What the form gives.
fn approval(form: &Form) -> Result<Approval, ChangeError> {
    let roles: Result<Vec<Slug>, _> = form.all("role").map(Slug::parse).collect();
    let roles = roles.map_err(|error| ChangeError::invalid("/roles", error.to_string()))?;
    Ok(Approval { roles, groups: Vec::new() })
}

async fn show(admin: &Admin, id: JoinRequestId, refused: Option<(&Form, Refusal)>) -> Answer {
    let reader = admin.reading(SHOWN.1)?;
    let request = admin.found(find_join_request(&admin.env, &reader, id).await)?;
    let request = RequestLine::of(&request, admin.env.clock.now());
    let back = admin.href(SHOWN.0);
    if !request.is_open && refused.is_none() {
        return Ok(see_other(&admin.env.issuer.at(&format!("{back}?show=all")))); // somebody was first
    }
    let (form, refusal) = refused.unzip();
    let (status, wrongs) = Wrongs::of(refusal, &["roles"]);
    let roles = admin.read(role_boxes(admin, form, |role| admin.caller.may_assign(role)).await)?;
    let list = Link { label: "Requests to join".to_owned(), href: back.clone() };
    let template = JoinRequestTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Joining, vec![list]),
        csrf: admin.token(),
        here: admin.href(&format!("{}/{id}/approve", SHOWN.0)),
        back,
        request,
        days: DEFAULT_LIFETIME.num_days(),
        roles,
        wrongs,
    };
    Ok(admin.render(status, &template))
}
