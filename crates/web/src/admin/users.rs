//! The organization's users: who they are, and whether they may sign in.

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::email::Email;
use orgate_domain::ids::UserId;
use orgate_domain::permissions::OrgatePermission;
use orgate_domain::standing::UserStatus;
use orgate_flows::manage::users::{UserFilter, list_users};
use orgate_flows::manage::{ListedUser, PageOf};

use super::Admin;
use super::answers::Answer;
use super::frame::{Frame, Pager, Part};
use crate::form::LinkQuery;
use crate::page::Page;

/// Users on one page.
const ON_A_PAGE: usize = 50;

/// `templates/admin/users.html`.
#[derive(Template)]
#[template(path = "admin/users.html")]
struct UsersTemplate {
    page: Page,
    frame: Frame,
    /// Where the form that looks for somebody goes.
    here: String,
    /// The address that is looked for.
    email: Option<String>,
    email_error: Option<&'static str>,
    users: Vec<UserLine>,
    pager: Pager,
    invite: Option<String>,
}

/// One user.
struct UserLine {
    href: String,
    name: String,
    initial: String,
    email: Option<String>,
    roles: String,
    is_active: bool,
    is_me: bool,
}

impl UserLine {
    fn of(admin: &Admin, user: &ListedUser) -> Self {
        Self {
            href: admin.href(&format!("/users/{}", user.id)),
            name: user.profile.name.clone(),
            initial: crate::page::Org::named(&user.profile.name, None).monogram,
            email: user.profile.email.clone().filter(|email| *email != user.profile.name),
            roles: user.roles.join(", "),
            is_active: user.profile.status == UserStatus::Active,
            is_me: admin.caller.user_id() == Some(user.id),
        }
    }
}

/// `GET …/users`: a page of them, or whoever has the address that is looked for.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let (asked, email_error) = match params.get("email").map(|text| Email::parse(text.trim())) {
        None => (None, None),
        Some(Ok(email)) => (Some(email), None),
        Some(Err(_)) => (None, Some("Enter a whole address, like name@example.com.")),
    };
    let after = params.get("after").and_then(|text| text.parse::<UserId>().ok());
    let filter = UserFilter { email: asked, external_id: None };
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = admin.read(list_users(&admin.env, &admin.caller, (&filter, page)).await)?;
    let here = admin.href("/users");
    let invite = admin.caller.asking(OrgatePermission::InvitationsManage);
    let template = UsersTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Users),
        email: params.get("email").map(str::to_owned),
        email_error,
        users: found.items.iter().map(|user| UserLine::of(&admin, user)).collect(),
        pager: Pager {
            first: after.map(|_| here.clone()),
            next: found.next.map(|after| format!("{here}?after={after}")),
        },
        invite: invite.map(|_| admin.href("/invitations/new")),
        here,
    };
    let status = if email_error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(admin.render(status, &template))
}
