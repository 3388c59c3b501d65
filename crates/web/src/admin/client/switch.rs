//! Switching a client off, which is asked once more, and on again.

use orgate_domain::clients::{Audience, Client, ClientStatus};
use orgate_domain::ids::ClientId;
use orgate_flows::manage::clients::{DescribedClient, update_client};
use orgate_protocol::oauth::redirect_uri::ClientKind;

use super::{READ, find, path};
use crate::admin::answers::Answer;
use crate::admin::change::{Refusal, answer, done, refusal};
use crate::admin::confirm::{Question, check_word};
use crate::admin::frame::Part;
use crate::admin::{Admin, Named, Submitted};
use crate::present::see_other;

/// `GET …/clients/{client}/switch-off`.
pub(crate) async fn get_off(admin: Admin, Named(id): Named<ClientId>) -> Answer {
    ask(&admin, id, None).await
}

/// `POST …/clients/{client}/switch-off`: once its name was typed.
pub(crate) async fn post_off(Named(id): Named<ClientId>, Submitted { admin, form }: Submitted) -> Answer {
    admin.reading(READ)?;
    let edit = |now: &DescribedClient| {
        check_word(form.text("word"), now.client.name.as_str())?;
        Ok(Client { status: ClientStatus::Disabled, ..now.client.clone() })
    };
    match Box::pin(update_client(&admin.env, &admin.caller, id, edit)).await {
        Ok(_) => Ok(done(&admin, (&path(id), READ), "off")),
        Err(error) => ask(&admin, id, Some(refusal(&admin, &error)?)).await,
    }
}

/// `POST …/clients/{client}/switch-on`.
pub(crate) async fn post_on(Named(id): Named<ClientId>, Submitted { admin, .. }: Submitted) -> Answer {
    let edit = |now: &DescribedClient| Ok(Client { status: ClientStatus::Active, ..now.client.clone() });
    let switched = Box::pin(update_client(&admin.env, &admin.caller, id, edit)).await.map(drop);
    answer(&admin, switched, (&path(id), READ), "on")
}

async fn ask(admin: &Admin, id: ClientId, refused: Option<Refusal>) -> Answer {
    let client = find(admin, id).await?.client;
    if client.status == ClientStatus::Disabled && refused.is_none() {
        return Ok(see_other(&admin.env.issuer.at(&admin.href(&path(id)))));
    }
    let question = Question {
        at: (Part::Clients, path(id), "/switch-off"),
        name: client.name.as_str(),
        before: "Switch off".to_owned(),
        after: "",
        points: points(&client).into_iter().map(str::to_owned).collect(),
        word: Some(("its name", client.name.as_str())),
        version: None,
        verb: "Switch off".to_owned(),
        refused: "Nothing was changed",
    };
    Ok(question.ask(admin, refused))
}

/// What follows from it.
fn points(client: &Client) -> Vec<&'static str> {
    let mut points = Vec::new();
    if client.is_built_in() {
        points.push(
            "It is what these pages sign in by: nobody opens them, in any organization, until it is switched on again by the \
             management API.",
        );
    }
    points.push(if client.kind == ClientKind::Machine {
        "It gets no tokens any more."
    } else {
        "Nobody signs in to it, and it gets no tokens any more."
    });
    if client.audience != Audience::Owner {
        points.push("That is so in every organization that uses it.");
    }
    points.push(
        "Orgate takes its tokens no more. Where somebody else checks them without asking Orgate, they count until they lapse, \
         within an hour.",
    );
    points.push("Its settings and secrets are kept. You can switch it on again at any time.");
    points
}
