//! Whether a user may sign in: asked once more before it is changed.

use orgate_domain::ids::UserId;
use orgate_domain::standing::UserStatus;
use orgate_flows::manage::ListedUser;
use orgate_flows::manage::users::{Touched, UserSettings, find_user, update_user};

use super::answers::Answer;
use super::change::{Refusal, done, refusal};
use super::confirm::{Question, check_word};
use super::frame::Part;
use super::{Admin, Named, Submitted};
use crate::present::see_other;

/// `GET …/deactivate`.
pub(crate) async fn get_deactivate(admin: Admin, Named(id): Named<UserId>) -> Answer {
    show(&admin, (id, UserStatus::Deactivated), None).await
}

/// `GET …/reactivate`.
pub(crate) async fn get_reactivate(admin: Admin, Named(id): Named<UserId>) -> Answer {
    show(&admin, (id, UserStatus::Active), None).await
}

/// `POST …/deactivate`: once their address was typed.
pub(crate) async fn post_deactivate(
    Named(id): Named<UserId>,
    Submitted { admin, form }: Submitted,
) -> Answer {
    admin.reading(Part::Users.permission())?;
    change(&admin, (id, UserStatus::Deactivated), Some(form.text("word"))).await
}

/// `POST …/reactivate`.
pub(crate) async fn post_reactivate(Named(id): Named<UserId>, Submitted { admin, .. }: Submitted) -> Answer {
    change(&admin, (id, UserStatus::Active), None).await
}

/// What names them to whoever is about to shut them out, and what that is.
pub(super) fn word(user: &ListedUser) -> (&'static str, &str) {
    match &user.profile.email {
        Some(email) => ("their address", email),
        None => ("their name", &user.profile.name),
    }
}

async fn change(admin: &Admin, (id, status): (UserId, UserStatus), typed: Option<&str>) -> Answer {
    let touched = Touched { email: false, status: true };
    let edit = |user: &ListedUser| {
        if let Some(typed) = typed {
            check_word(typed, word(user).1)?;
        }
        Ok(UserSettings { status, ..user.try_into()? })
    };
    if let Err(error) = update_user(&admin.env, &admin.caller, (id, touched), edit).await {
        return show(admin, (id, status), Some(refusal(admin, &error)?)).await;
    }
    // As of whoever ends their own session.
    if status == UserStatus::Deactivated && admin.caller.user_id() == Some(id) {
        return Ok(admin.signed_out());
    }
    let said = if status == UserStatus::Deactivated { "deactivated" } else { "reactivated" };
    Ok(done(admin, (&format!("/users/{id}"), Part::Users.permission()), said))
}

async fn show(admin: &Admin, (id, wanted): (UserId, UserStatus), refusal: Option<Refusal>) -> Answer {
    let reader = admin.reading(Part::Users.permission())?;
    let user = admin.found(find_user(&admin.env, &reader, id).await)?;
    if user.profile.status == wanted {
        let page = admin.href(&format!("/users/{id}"));
        return Ok(see_other(&admin.env.issuer.at(&page))); // somebody was first
    }
    let question = match wanted {
        UserStatus::Active => reactivate(&user),
        UserStatus::Deactivated => deactivate(&user, admin.caller.user_id() == Some(id)),
    };
    Ok(question.ask(admin, refusal))
}

fn deactivate(user: &ListedUser, is_me: bool) -> Question<'_> {
    let whom = if is_me { ": that is you" } else { "" };
    Question {
        at: (Part::Users, format!("/users/{}", user.id), "/deactivate"),
        name: &user.profile.name,
        before: "Deactivate".to_owned(),
        after: "",
        points: vec![
            format!("They cannot sign in from now on{whom}."),
            "Their sessions end, and applications are told within seconds.".to_owned(),
            "Their API keys stop working for good.".to_owned(),
            "Nothing of theirs is deleted, and they can be let in again.".to_owned(),
        ],
        word: Some(word(user)),
        version: None,
        verb: "Deactivate".to_owned(),
        refused: "Nothing was changed",
    }
}

fn reactivate(user: &ListedUser) -> Question<'_> {
    Question {
        at: (Part::Users, format!("/users/{}", user.id), "/reactivate"),
        name: &user.profile.name,
        before: "Let".to_owned(),
        after: " in again",
        points: vec![
            "They can sign in as before, with the roles that they have.".to_owned(),
            "API keys that they had do not come back.".to_owned(),
        ],
        word: None,
        version: None,
        verb: "Let them in again".to_owned(),
        refused: "Nothing was changed",
    }
}
