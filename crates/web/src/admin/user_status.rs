//! Whether a user may sign in: asked once more before it is changed.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::email::Email;
use orgate_domain::ids::UserId;
use orgate_domain::names::DisplayName;
use orgate_domain::standing::UserStatus;
use orgate_flows::manage::users::{Touched, UserSettings, find_user, update_user};
use orgate_flows::manage::{ChangeError, ListedUser};

use super::change::refusal;
use super::frame::{Frame, Part};
use super::user::Named;
use super::{Admin, Submitted, entry};
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
pub(crate) async fn get_deactivate(admin: Admin, Named(id): Named) -> Response {
    ask(&admin, (id, UserStatus::Deactivated), None).await
}

/// `GET …/reactivate`.
pub(crate) async fn get_reactivate(admin: Admin, Named(id): Named) -> Response {
    ask(&admin, (id, UserStatus::Active), None).await
}

/// `POST …/deactivate`: once their address was typed.
pub(crate) async fn post_deactivate(Named(id): Named, Submitted { admin, form }: Submitted) -> Response {
    let user = match find_user(&admin.env, &admin.caller, id).await {
        Ok(Some(user)) => user,
        Ok(None) => return entry::missing(&admin),
        Err(failure) => return failed(&admin.env, &admin.cookies.browser.origin, &failure),
    };
    if !form.text("word").eq_ignore_ascii_case(word(&user).trim()) {
        let error = (StatusCode::UNPROCESSABLE_ENTITY, "Type it as it stands above.".to_owned());
        return ask(&admin, (id, UserStatus::Deactivated), Some(error)).await;
    }
    change(&admin, (id, UserStatus::Deactivated), "deactivated").await
}

/// `POST …/reactivate`.
pub(crate) async fn post_reactivate(Named(id): Named, Submitted { admin, .. }: Submitted) -> Response {
    change(&admin, (id, UserStatus::Active), "reactivated").await
}

/// What names them to whoever is about to shut them out.
fn word(user: &ListedUser) -> &str {
    user.profile.email.as_deref().unwrap_or(&user.profile.name)
}

async fn ask(
    admin: &Admin,
    (id, wanted): (UserId, UserStatus),
    said: Option<(StatusCode, String)>,
) -> Response {
    let user = match find_user(&admin.env, &admin.caller, id).await {
        Ok(Some(user)) => user,
        Ok(None) => return entry::missing(admin),
        Err(failure) => return failed(&admin.env, &admin.cookies.browser.origin, &failure),
    };
    let back = admin.href(&format!("/users/{id}"));
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
        word: (wanted == UserStatus::Deactivated).then(|| word(&user)),
        word_is_email: user.profile.email.is_some(),
        is_me: admin.caller.user_id() == Some(id),
        error,
    };
    admin.render(status, &template)
}

async fn change(admin: &Admin, (id, status): (UserId, UserStatus), said: &str) -> Response {
    let touched = Touched { email: false, status: true };
    let edit = |user: &ListedUser| Ok(UserSettings { status, ..settings(user)? });
    let Err(error) = update_user(&admin.env, &admin.caller, (id, touched), edit).await else {
        // As of whoever ends their own session.
        if status == UserStatus::Deactivated && admin.caller.user_id() == Some(id) {
            return admin.signed_out();
        }
        return see_other(&admin.env.issuer.at(&admin.href(&format!("/users/{id}?done={said}"))));
    };
    match refusal(admin, &error) {
        Ok(refusal) => ask(admin, (id, status), Some((refusal.status, refusal.wrong.why))).await,
        Err(response) => *response,
    }
}

/// What they are, to be changed in part.
fn settings(user: &ListedUser) -> Result<UserSettings, ChangeError> {
    let email = user.profile.email.as_deref().map(Email::parse).transpose();
    Ok(UserSettings {
        email: email.map_err(|error| ChangeError::invalid("/email", error.to_string()))?,
        name: DisplayName::parse(&user.profile.name)
            .map_err(|error| ChangeError::invalid("/name", error.to_string()))?,
        locale: user.profile.locale.clone(),
        external_id: user.external_id.clone(),
        status: user.profile.status,
    })
}
