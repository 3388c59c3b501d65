//! Inviting somebody: an address, a name, roles.

use askama::Template;
use orgate_domain::email::Email;
use orgate_domain::invitations::DEFAULT_LIFETIME;
use orgate_domain::names::{DisplayName, Slug};
use orgate_flows::invitations::make::WantedInvitation;
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::invitations::create_invitation;

use super::answers::Answer;
use super::change::{Refusal, Wrongs, done, refusal};
use super::frame::{Frame, Part};
use super::invitations::SHOWN;
use super::role_boxes::{RoleBox, role_boxes};
use super::{Admin, Submitted};
use crate::fields::Form;
use crate::page::Page;

/// `templates/admin/invite.html`.
#[derive(Template)]
#[template(path = "admin/invite.html")]
struct InviteTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    back: String,
    /// Days that it is good for.
    days: i64,
    email: String,
    name: String,
    /// Those that they may give.
    roles: Vec<RoleBox>,
    wrongs: Wrongs,
}

/// `GET …/invitations/new`.
pub(crate) async fn get(admin: Admin) -> Answer {
    show(&admin, &Form::default(), None).await
}

/// `POST …/invitations/new`.
pub(crate) async fn post(Submitted { admin, form }: Submitted) -> Answer {
    let made = match wanted(&form) {
        Ok(wanted) => create_invitation(&admin.env, &admin.caller, wanted, None).await,
        Err(error) => Err(error),
    };
    let Err(error) = made else {
        return Ok(done(&admin, SHOWN, "invited"));
    };
    let refusal = refusal(&admin, &error)?;
    show(&admin, &form, Some(refusal)).await
}

/// What the form asks for.
fn wanted(form: &Form) -> Result<WantedInvitation, ChangeError> {
    let email = Email::parse(form.text("email"))
        .map_err(|error| ChangeError::invalid("/email", format!("{error}, like name@example.com")))?;
    let name = form.get("name").map(DisplayName::parse).transpose();
    let roles: Result<Vec<Slug>, _> = form.all("role").map(Slug::parse).collect();
    Ok(WantedInvitation {
        email,
        name: name.map_err(|error| ChangeError::invalid("/name", error.to_string()))?,
        locale: None,
        client_id: None,
        roles: roles.map_err(|error| ChangeError::invalid("/roles", error.to_string()))?,
        groups: Vec::new(),
        lifetime: DEFAULT_LIFETIME,
    })
}

async fn show(admin: &Admin, form: &Form, refusal: Option<Refusal>) -> Answer {
    let (status, wrongs) = Wrongs::of(refusal, &["email", "name", "roles"]);
    let roles = admin.read(role_boxes(admin, Some(form), |role| admin.caller.may_assign(role)).await)?;
    let template = InviteTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Invitations, Vec::new()),
        csrf: admin.token(),
        here: admin.href("/invitations/new"),
        back: admin.href_if_open(SHOWN),
        days: DEFAULT_LIFETIME.num_days(),
        email: form.text("email").to_owned(),
        name: form.text("name").to_owned(),
        roles,
        wrongs,
    };
    Ok(admin.render(status, &template))
}
