//! Letting an organization above in no more: asked once more.

use axum::response::Response;
use orgate_domain::ids::OrgId;
use orgate_flows::manage::delegations::{OrganizationAbove, end_delegation, find_above};

use super::answers::{Answer, Instead};
use super::change::{Refusal, done, refusal};
use super::confirm::{Question, check_word};
use super::delegations::path;
use super::frame::Part;
use super::{Admin, Named, Submitted, entry};

/// `GET …/delegations/{delegate}/end`.
pub(crate) async fn get(admin: Admin, Named(id): Named<OrgId>) -> Answer {
    let above = find(&admin, id).await?;
    Ok(ask(&admin, &above, None))
}

/// `POST …/delegations/{delegate}/end`: once its short name was typed.
pub(crate) async fn post(Named(id): Named<OrgId>, Submitted { admin, form }: Submitted) -> Answer {
    let above = find(&admin, id).await?;
    let ended = match check_word(form.text("word"), above.slug.as_str()) {
        Ok(()) => end_delegation(&admin.env, &admin.caller, id).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(()) => Ok(done(&admin, Part::Delegations.shown(), "ended")),
        Err(error) => Ok(ask(&admin, &above, Some(refusal(&admin, &error)?))),
    }
}

/// The organization, if it is let in.
async fn find(admin: &Admin, id: OrgId) -> Result<OrganizationAbove, Instead> {
    let reader = admin.reading(Part::Delegations.permission())?;
    let above = admin.found(find_above(&admin.env, &reader, id).await)?;
    above.delegation.map(|_| above.organization).ok_or_else(|| entry::missing(admin).into())
}

fn ask(admin: &Admin, above: &OrganizationAbove, refusal: Option<Refusal>) -> Response {
    let points = [
        "Its people can do nothing here from now on.",
        "Invitations that they made and that nobody accepted, and their set-up links, open nothing any more.",
        "What else they made stays. The log says what that is.",
        "You can let it in again. Those invitations and links do not come back.",
    ];
    let question = Question {
        at: (Part::Delegations, path(above.id), "/end"),
        name: &above.name,
        before: "End the access of".to_owned(),
        after: "",
        points: points.iter().map(|&point| point.to_owned()).collect(),
        word: Some(("its short name", above.slug.as_str())),
        version: None,
        verb: "End its access".to_owned(),
        refused: "Nothing was changed",
    };
    question.ask(admin, refusal)
}
