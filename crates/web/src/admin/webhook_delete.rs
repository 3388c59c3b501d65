//! Deleting a webhook: asked once more.

use orgate_domain::ids::WebhookId;
use orgate_flows::manage::Webhook;
use orgate_flows::manage::webhooks::{delete_webhook, find_webhook};

use super::answers::Answer;
use super::change::{Refusal, done, refusal};
use super::confirm::{Question, check_word};
use super::frame::Part;
use super::webhooks::{called, host, path};
use super::{Admin, Named, Submitted};

/// `GET …/webhooks/{webhook}/delete`.
pub(crate) async fn get(admin: Admin, Named(id): Named<WebhookId>) -> Answer {
    show(&admin, id, None).await
}

/// `POST …/webhooks/{webhook}/delete`: once its host was typed.
pub(crate) async fn post(Named(id): Named<WebhookId>, Submitted { admin, form }: Submitted) -> Answer {
    let check = |webhook: &Webhook| check_word(form.text("word"), &host(webhook));
    match delete_webhook(&admin.env, &admin.caller, id, check).await {
        Ok(()) => Ok(done(&admin, Part::Webhooks.shown(), "deleted")),
        Err(error) => show(&admin, id, Some(refusal(&admin, &error)?)).await,
    }
}

async fn show(admin: &Admin, id: WebhookId, refusal: Option<Refusal>) -> Answer {
    let reader = admin.reading(Part::Webhooks.permission())?;
    let webhook = admin.found(find_webhook(&admin.env, &reader, id).await)?;
    let (name, host) = (called(&webhook), host(&webhook));
    let points = [
        "Nothing is sent to its address any more, also not what was still to be tried again.",
        "Its signing secret is gone for good. Another webhook has another one.",
        "To have it be silent for a while, switch it off instead: nothing is lost by that.",
    ];
    let called = ("webhook", name.as_str(), host.as_str());
    let question = Question::delete((Part::Webhooks, path(id)), called, &points);
    Ok(Question { word: Some(("its host", &host)), ..question }.ask(admin, refusal))
}
