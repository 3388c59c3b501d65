//! What a form says of a webhook: made, changed, switched on or off, or shown once more.

use orgate_domain::audit::Action;
use orgate_domain::ids::WebhookId;
use orgate_flows::Failure;
use orgate_flows::manage::webhooks::{WebhookSettings, create_webhook, update_webhook};
use orgate_flows::manage::{ChangeError, Webhook, WebhookStatus};

use super::fields::{Base, Typed};
use super::{Asked, Said, secret, show, show_new};
use crate::admin::answers::Answer;
use crate::admin::change::{Refused, answer, done, once, refusal, refusal_on};
use crate::admin::frame::Part;
use crate::admin::meanwhile::Meanwhile;
use crate::admin::webhooks::path;
use crate::admin::{Admin, Named, Submitted};

/// `POST …/webhooks/new`: shows the secret, which nobody sees again.
pub(crate) async fn post_new(Submitted { admin, form }: Submitted) -> Answer {
    let typed = Typed::read(&form);
    let once = once(&form, "make a webhook");
    match create_webhook(&admin.env, &admin.caller, (typed.scope(), &typed.terms()), once.as_ref()).await {
        Ok((webhook, made)) => Ok(secret::shown(&admin, (webhook, made), secret::Why::Made)),
        Err(error) => {
            let refusal = refusal(&admin, &typed.named(error))?;
            Ok(show_new(&admin, Some((typed, refusal))))
        }
    }
}

/// `POST …/webhooks/{webhook}`: saves what the form shows, unless somebody else changed the webhook since.
pub(crate) async fn post(Named(id): Named<WebhookId>, Submitted { admin, form }: Submitted) -> Answer {
    let (typed, base) = (Typed::read(&form), Base::brought(&form));
    let edit = |now: &Webhook| {
        if Base::of(now) != base {
            return Err(ChangeError::Stale);
        }
        Ok(WebhookSettings { terms: typed.terms(), status: now.status })
    };
    let shown = path(id);
    let Err(error) = update_webhook(&admin.env, &admin.caller, id, edit).await else {
        return Ok(done(&admin, (&shown, Part::Webhooks.permission()), "saved"));
    };
    let error = typed.named(error);
    let refusal = refusal_on(Part::Webhooks.permission(), &admin, &error)?;
    let refused = Refused::by(&error, refusal, base);
    show(&admin, id, Said { asked: Some(Asked { typed, refused }), ..Said::default() }).await
}

/// `POST …/webhooks/{webhook}/switch-off`.
pub(crate) async fn post_off(named: Named<WebhookId>, submitted: Submitted) -> Answer {
    switch(named, submitted, (WebhookStatus::Disabled, "off")).await
}

/// `POST …/webhooks/{webhook}/switch-on`: it goes on where it was.
pub(crate) async fn post_on(named: Named<WebhookId>, submitted: Submitted) -> Answer {
    switch(named, submitted, (WebhookStatus::Enabled, "on")).await
}

async fn switch(
    Named(id): Named<WebhookId>,
    Submitted { admin, .. }: Submitted,
    (status, said): (WebhookStatus, &str),
) -> Answer {
    let edit = |now: &Webhook| Ok(WebhookSettings { terms: now.terms.clone(), status });
    let switched = update_webhook(&admin.env, &admin.caller, id, edit).await.map(|_| ());
    answer(&admin, switched, (&path(id), Part::Webhooks.permission()), said)
}

/// Who changed a webhook, and what, since a form was made of it.
pub(super) async fn meanwhile(admin: &Admin, webhook: &Webhook, base: &Base) -> Result<Meanwhile, Failure> {
    let changes = base.changes(&Base::of(webhook));
    let id = webhook.id.to_string();
    Meanwhile::find(admin, (Action::WebhookConfigured, &[("webhook", &id)]), changes).await
}
