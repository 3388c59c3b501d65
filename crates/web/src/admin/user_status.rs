//! Whether a user may sign in: asked once more before it is changed.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::ids::UserId;
use orgate_domain::permissions::OrgatePermission;
use orgate_domain::standing::UserStatus;
use orgate_flows::manage::ListedUser;
use orgate_flows::manage::users::{Touched, UserSettings, find_user, update_user};

use super::change::{done, refusal};
use super::delete::check_word;
use super::frame::{Frame, Part};
use super::{Admin, Named, Submitted, entry};
use crate::page::{Link, Page, failed};
use crate::present::see_other;

/// `templates/admin/user_status.html`.
#[derive(Template)]
#[template(path = "admin/user_status.html")]
struct StatusTemplate<'a> {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    /// Back to the user.
    back: String,
    name: &'a str,
    /// What has to be typed, of who is deactivated: their address, or their name.
    word: Option<&'a str>,
    word_is_email: bool,
    is_me: bool,
    error: Option<String>,
}

/// `GET …/deactivate`.
pub(crate) async fn get_deactivate(admin: Admin, Named(id): Named<UserId>) -> Response {
    ask(&admin, (id, UserStatus::Deactivated), None).await
}

/// `GET …/reactivate`.
pub(crate) async fn get_reactivate(admin: Admin, Named(id): Named<UserId>) -> Response {
    ask(&admin, (id, UserStatus::Active), None).await
}

/// `POST …/deactivate`: once their address was typed.
pub(crate) async fn post_deactivate(
    Named(id): Named<UserId>,
    Submitted { admin, form }: Submitted,
) -> Response {
    let user = match find(&admin, id).await {
        Ok(user) => user,
        Err(response) => return *response,
    };
    if check_word(form.text("word"), word(&user)).is_err() {
        let error = (StatusCode::UNPROCESSABLE_ENTITY, "Type it as it stands above.".to_owned());
        return page(&admin, (&user, UserStatus::Deactivated), Some(error));
    }
    change(&admin, (id, UserStatus::Deactivated), "deactivated").await
}

/// `POST …/reactivate`.
pub(crate) async fn post_reactivate(
    Named(id): Named<UserId>,
    Submitted { admin, .. }: Submitted,
) -> Response {
    change(&admin, (id, UserStatus::Active), "reactivated").await
}

/// What names them to whoever is about to shut them out.
fn word(user: &ListedUser) -> &str {
    user.profile.email.as_deref().unwrap_or(&user.profile.name)
}

/// The user, for whoever may read of users: to change them is another permission.
async fn find(admin: &Admin, id: UserId) -> Result<ListedUser, Box<Response>> {
    let Some(reader) = admin.caller.asking(OrgatePermission::UsersRead) else {
        return Err(Box::new(entry::lacks(admin, OrgatePermission::UsersRead)));
    };
    match find_user(&admin.env, &reader, id).await {
        Ok(Some(user)) => Ok(user),
        Ok(None) => Err(Box::new(entry::missing(admin))),
        Err(failure) => Err(Box::new(failed(&admin.env, &admin.cookies.browser.origin, &failure))),
    }
}

async fn ask(
    admin: &Admin,
    (id, wanted): (UserId, UserStatus),
    said: Option<(StatusCode, String)>,
) -> Response {
    match find(admin, id).await {
        Ok(user) => page(admin, (&user, wanted), said),
        Err(response) => *response,
    }
}

fn page(
    admin: &Admin,
    (user, wanted): (&ListedUser, UserStatus),
    said: Option<(StatusCode, String)>,
) -> Response {
    let back = admin.href(&format!("/users/{}", user.id));
    if user.profile.status == wanted {
        return see_other(&admin.env.issuer.at(&back)); // somebody was first
    }
    let above = Link { label: user.profile.name.clone(), href: back.clone() };
    let verb = if wanted == UserStatus::Deactivated { "deactivate" } else { "reactivate" };
    let (status, error) = said.map_or((StatusCode::OK, None), |(status, error)| (status, Some(error)));
    let template = StatusTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Users, vec![above]),
        csrf: admin.token(),
        here: format!("{back}/{verb}"),
        back,
        name: &user.profile.name,
        word: (wanted == UserStatus::Deactivated).then(|| word(user)),
        word_is_email: user.profile.email.is_some(),
        is_me: admin.caller.user_id() == Some(user.id),
        error,
    };
    admin.render(status, &template)
}

async fn change(admin: &Admin, (id, status): (UserId, UserStatus), said: &str) -> Response {
    let touched = Touched { email: false, status: true };
    let edit = |user: &ListedUser| Ok(UserSettings { status, ..user.try_into()? });
    let Err(error) = update_user(&admin.env, &admin.caller, (id, touched), edit).await else {
        // As of whoever ends their own session.
        if status == UserStatus::Deactivated && admin.caller.user_id() == Some(id) {
            return admin.signed_out();
        }
        return done(admin, (&format!("/users/{id}"), OrgatePermission::UsersRead), said);
    };
    match refusal(admin, &error) {
        Ok(refusal) => ask(admin, (id, status), Some((refusal.status, refusal.wrong.why))).await,
        Err(response) => *response,
    }
}
