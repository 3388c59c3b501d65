//! What became of one event at a webhook, such as of the one that tries it out.

use askama::Template;
use axum::http::StatusCode;
use chrono::{DateTime, Duration, Utc};
use orgate_domain::ids::{EventId, WebhookId};
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::audit::list_events;
use orgate_flows::manage::webhooks::{find_delivery, find_webhook, missing_right, redeliver, test_webhook};
use orgate_flows::manage::{
    ChangeError, DeliveryStatus, PageOf, Period, Webhook, WebhookDelivery, WebhookStatus,
};
use orgate_flows::{Failure, sentence};

use super::answers::Answer;
use super::change::{done, not_done, refusal};
use super::frame::{Frame, Part};
use super::webhooks::{self, called};
use super::{Admin, Named, NamedPair, Submitted};
use crate::form::LinkQuery;
use crate::moment::Moment;
use crate::page::{Link, Page};
use crate::setup::time;
use crate::words::words;

/// Events of one moment among which one is looked for.
const SAME_MOMENT: usize = 50;

/// `templates/admin/webhook_delivery.html`.
#[derive(Template)]
#[template(path = "admin/webhook_delivery.html")]
struct DeliveryTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    back: String,
    delivery: DeliveryLine,
    /// What happened, for whoever may read the log: in words, and as the log calls it.
    what: Option<(String, String)>,
    /// In whose log it is, if that is another organization's.
    elsewhere: Option<String>,
    /// Where the event is sent.
    url: String,
    /// Whether they may have it sent again.
    sends: bool,
}

/// What became of an event.
pub(super) struct DeliveryLine {
    pub(super) id: String,
    pub(super) href: String,
    pub(super) label: &'static str,
    /// The class of its badge.
    pub(super) look: &'static str,
    pub(super) is_delivered: bool,
    pub(super) happened: Moment,
    /// What came back the last time: a status, or why nothing did.
    pub(super) answer: Option<String>,
    pub(super) attempts: u32,
    pub(super) tried: Option<Moment>,
    /// When it is tried again, if it is.
    pub(super) next: Option<String>,
}

impl DeliveryLine {
    pub(super) fn of(
        admin: &Admin,
        (webhook, delivery): (WebhookId, &WebhookDelivery),
        now: DateTime<Utc>,
    ) -> Self {
        let is_tried = delivery.attempts > 0;
        let (label, look) = match delivery.status {
            DeliveryStatus::Dead => ("Given up", "refused"),
            DeliveryStatus::Delivered => ("Delivered", "recent"),
            DeliveryStatus::Waiting if is_tried => ("To be tried again", "refused"),
            DeliveryStatus::Waiting => ("Being sent", ""),
        };
        let event = delivery.key.place.id;
        // Of a status, the sentence says no more than the number.
        let answer = match (delivery.http_status, &delivery.failure) {
            (Some(status), _) => Some(format!("Status {status}")),
            (None, failure) => failure.as_deref().map(sentence),
        };
        Self {
            id: event.to_string(),
            href: admin.href(&path((webhook, event))),
            label,
            look,
            is_delivered: delivery.status == DeliveryStatus::Delivered,
            happened: Moment::of(delivery.key.place.at, now),
            answer,
            attempts: delivery.attempts,
            tried: is_tried.then(|| Moment::of(delivery.tried_at, now)),
            next: delivery.next_try_at.filter(|_| is_tried).map(time),
        }
    }
}

/// The page of an event at a webhook, below the organization's first one.
fn path((webhook, event): (WebhookId, EventId)) -> String {
    format!("{}/deliveries/{event}", webhooks::path(webhook))
}

/// Whether somebody may have events sent to a webhook that is there for them.
pub(super) fn sends(admin: &Admin, webhook: &Webhook) -> bool {
    webhook.status == WebhookStatus::Enabled
        && admin.caller.asking(OrgatePermission::WebhooksManage).is_some()
        && missing_right(&admin.caller, webhook.scope).is_none()
}

/// `GET …/webhooks/{webhook}/deliveries/{event}`.
pub(crate) async fn get(
    admin: Admin,
    NamedPair(id, event): NamedPair<WebhookId, EventId>,
    LinkQuery(params): LinkQuery,
) -> Answer {
    let said = match params.get("done") {
        Some("sent") => Some("The event is sent again, under the same id."),
        Some("tested") => Some("The test event is on its way."),
        _ => None,
    };
    let webhook = admin.found(find_webhook(&admin.env, &admin.caller, id).await)?;
    let delivery = admin.found(find_delivery(&admin.env, &admin.caller, (id, event)).await)?;
    let own = delivery.key.org_id == admin.caller.org_id();
    let what = if own { admin.read(happened(&admin, &delivery).await)? } else { None };
    let (above, now) = (admin.href(&webhooks::path(id)), admin.env.clock.now());
    let template = DeliveryTemplate {
        page: admin.page(),
        csrf: admin.token(),
        here: admin.href(&path((id, event))),
        frame: Frame::below(
            &admin,
            Part::Webhooks,
            vec![Link { label: called(&webhook), href: above.clone() }],
        )
        .saying(said),
        back: above,
        delivery: DeliveryLine::of(&admin, (id, &delivery), now),
        what,
        elsewhere: (!own && missing_right(&admin.caller, webhook.scope).is_none())
            .then(|| delivery.key.org_id.to_string()),
        sends: sends(&admin, &webhook),
        url: webhook.terms.url,
    };
    Ok(admin.render(StatusCode::OK, &template))
}

/// What the log says of the event, as far as it may be read.
async fn happened(admin: &Admin, delivery: &WebhookDelivery) -> Result<Option<(String, String)>, Failure> {
    let Some(reader) = admin.caller.asking(OrgatePermission::AuditRead) else { return Ok(None) };
    let place = delivery.key.place;
    let period = Period { from: Some(place.at), until: Some(place.at + Duration::microseconds(1)) };
    let page = PageOf { after: None, limit: SAME_MOMENT };
    let found = list_events(&admin.env, &reader, (period, page)).await?;
    let event = found.items.into_iter().find(|event| event.place.id == place.id);
    Ok(event.map(|event| (words(&event.action), event.action)))
}

/// `POST …/webhooks/{webhook}/test`: leads to what comes back.
pub(crate) async fn post_test(Named(id): Named<WebhookId>, Submitted { admin, .. }: Submitted) -> Answer {
    let sent = test_webhook(&admin.env, &admin.caller, id, None).await;
    shown(&admin, (id, sent), "tested")
}

/// `POST …/webhooks/{webhook}/deliveries/{event}/redeliver`.
pub(crate) async fn post_redeliver(
    NamedPair(id, event): NamedPair<WebhookId, EventId>,
    Submitted { admin, .. }: Submitted,
) -> Answer {
    let sent = redeliver(&admin.env, &admin.caller, (id, event)).await;
    shown(&admin, (id, sent), "sent")
}

/// What comes of sending an event.
fn shown(admin: &Admin, (id, sent): (WebhookId, Result<WebhookDelivery, ChangeError>), said: &str) -> Answer {
    match sent {
        Ok(delivery) => {
            let path = path((id, delivery.key.place.id));
            Ok(done(admin, (&path, Part::Webhooks.permission()), said))
        }
        Err(error) => Err(not_done(admin, &refusal(admin, &error)?)),
    }
}
