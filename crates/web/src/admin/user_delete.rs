//! Deleting a user for good: asked once more.

use orgate_domain::ids::UserId;
use orgate_flows::manage::ListedUser;
use orgate_flows::manage::users::{delete_user, find_user};

use super::answers::Answer;
use super::change::{Refusal, done, refusal};
use super::confirm::{Question, check_word};
use super::frame::Part;
use super::user_status::word;
use super::{Admin, Named, Submitted};

/// `GET …/users/{user}/delete`.
pub(crate) async fn get(admin: Admin, Named(id): Named<UserId>) -> Answer {
    show(&admin, id, None).await
}

/// `POST …/users/{user}/delete`: once their address was typed.
pub(crate) async fn post(Named(id): Named<UserId>, Submitted { admin, form }: Submitted) -> Answer {
    admin.reading(Part::Users.permission())?;
    let check = |user: &ListedUser| check_word(form.text("word"), word(user).1);
    match delete_user(&admin.env, &admin.caller, id, check).await {
        Ok(()) => Ok(done(&admin, Part::Users.shown(), "deleted")),
        Err(error) => show(&admin, id, Some(refusal(&admin, &error)?)).await,
    }
}

async fn show(admin: &Admin, id: UserId, refusal: Option<Refusal>) -> Answer {
    let reader = admin.reading(Part::Users.permission())?;
    let user = admin.found(find_user(&admin.env, &reader, id).await)?;
    let points = [
        "They are signed out everywhere first, and applications are told within seconds.",
        "Their profile, roles, groups and ways to sign in are gone for good, and so are their API keys.",
        "What the audit log says of them stays. It knows them by their id.",
        "Whoever can still sign in through an identity provider may come back as somebody new. To keep somebody out, deactivate them instead.",
    ];
    let question = Question {
        at: (Part::Users, format!("/users/{id}"), "/delete"),
        name: &user.profile.name,
        before: "Delete".to_owned(),
        after: " for good",
        points: points.map(str::to_owned).into(),
        word: Some(word(&user)),
        version: None,
        verb: "Delete for good".to_owned(),
        refused: "Nothing was deleted",
    };
    Ok(question.ask(admin, refusal))
}
