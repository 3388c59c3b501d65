//! Giving a domain up: asked once more before it is done.

use orgate_domain::domains::OrgDomain;
use orgate_domain::ids::DomainId;
use orgate_flows::manage::domains::{find_domain, release_domain};

use super::answers::Answer;
use super::change::{Refusal, done, refusal};
use super::confirm::{Question, check_word};
use super::frame::Part;
use super::{Admin, Named, Submitted};

/// `GET …/give-up`.
pub(crate) async fn get(admin: Admin, Named(id): Named<DomainId>) -> Answer {
    show(&admin, id, None).await
}

/// `POST …/give-up`: once its name was typed.
pub(crate) async fn post(Named(id): Named<DomainId>, Submitted { admin, form }: Submitted) -> Answer {
    admin.reading(Part::Domains.permission())?;
    let check = |domain: &OrgDomain| check_word(form.text("word"), domain.name.as_str());
    match release_domain(&admin.env, &admin.caller, id, check).await {
        Ok(()) => Ok(done(&admin, Part::Domains.shown(), "given-up")),
        Err(error) => show(&admin, id, Some(refusal(&admin, &error)?)).await,
    }
}

async fn show(admin: &Admin, id: DomainId, refusal: Option<Refusal>) -> Answer {
    let reader = admin.reading(Part::Domains.permission())?;
    let domain = admin.found(find_domain(&admin.env, &reader, id).await)?;
    let points: &[&str] = if domain.verified_at.is_some() {
        &[
            "Whoever types an address of it is not led to your organization any more.",
            "No identity provider of yours may speak for its addresses.",
            "Users stay as they are. Another organization can claim and prove it then.",
            "You can claim it again, with another record.",
        ]
    } else {
        &[
            "It is on your list no more, and its record proves nothing.",
            "You can claim it again, with another record.",
        ]
    };
    let question = Question {
        at: (Part::Domains, format!("/domains/{id}"), "/give-up"),
        name: domain.name.as_str(),
        before: "Give up".to_owned(),
        after: "",
        points: points.iter().map(|&point| point.to_owned()).collect(),
        word: Some(("the domain", domain.name.as_str())),
        version: None,
        verb: "Give up the domain".to_owned(),
        refused: "Nothing was changed",
    };
    Ok(question.ask(admin, refusal))
}
