//! Inviting somebody: an address, a name, roles.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::email::Email;
use orgate_domain::invitations::DEFAULT_LIFETIME;
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::invitations::make::WantedInvitation;
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::invitations::create_invitation;
use orgate_flows::manage::roles::list_all_roles;

use super::change::{Refusal, done, refusal};
use super::frame::{Frame, Part};
use super::invitations::SHOWN;
use super::{Admin, Submitted};
use crate::fields::Form;
use crate::page::{Page, failed};

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
    refusal: Option<Refusal>,
}

/// A role in the form.
struct RoleBox {
    slug: String,
    name: String,
    is_ticked: bool,
}

impl InviteTemplate {
    /// What is wrong with a field.
    fn wrong(&self, field: &str) -> Option<&str> {
        self.refusal
            .as_ref()
            .filter(|refusal| refusal.wrong.field == field)
            .map(|refusal| refusal.wrong.why.as_str())
    }

    /// What is wrong, and the field that the summary leads to.
    fn summary(&self) -> Option<(&str, &str)> {
        let wrong = &self.refusal.as_ref()?.wrong;
        let known = ["email", "name", "roles"].contains(&wrong.field.as_str());
        Some((wrong.why.as_str(), if known { &wrong.field } else { "email" }))
    }
}

/// `GET …/invitations/new`.
pub(crate) async fn get(admin: Admin) -> Response {
    show(&admin, &Form::default(), None).await
}

/// `POST …/invitations/new`.
pub(crate) async fn post(Submitted { admin, form }: Submitted) -> Response {
    let made = match wanted(&form) {
        Ok(wanted) => create_invitation(&admin.env, &admin.caller, wanted, None).await,
        Err(error) => Err(error),
    };
    let Err(error) = made else {
        return done(&admin, SHOWN, "invited");
    };
    match refusal(&admin, &error) {
        Ok(refusal) => show(&admin, &form, Some(refusal)).await,
        Err(response) => *response,
    }
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

async fn show(admin: &Admin, form: &Form, refusal: Option<Refusal>) -> Response {
    let status = refusal.as_ref().map_or(StatusCode::OK, |refusal| refusal.status);
    let roles = match roles(admin, form).await {
        Ok(roles) => roles,
        Err(failure) => return failed(&admin.env, &admin.cookies.browser.origin, &failure),
    };
    let template = InviteTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Invitations, Vec::new()),
        csrf: admin.token(),
        here: admin.href("/invitations/new"),
        back: admin.href(if admin.caller.asking(SHOWN.1).is_some() { SHOWN.0 } else { "" }),
        days: DEFAULT_LIFETIME.num_days(),
        email: form.text("email").to_owned(),
        name: form.text("name").to_owned(),
        roles,
        refusal,
    };
    admin.render(status, &template)
}

/// The roles that may be given, as far as they may be seen.
async fn roles(admin: &Admin, form: &Form) -> Result<Vec<RoleBox>, Failure> {
    let Some(caller) = admin.caller.asking(OrgatePermission::RolesRead) else { return Ok(Vec::new()) };
    let roles = list_all_roles(&admin.env, &caller).await?;
    let open = roles.into_iter().filter(|role| admin.caller.may_assign(role));
    let boxed = open.map(|role| RoleBox {
        is_ticked: form.all("role").any(|slug| slug == role.slug.as_str()),
        name: role.name.as_str().to_owned(),
        slug: role.slug.to_string(),
    });
    Ok(boxed.collect())
}
