//! Webhooks: where what happens is told, of what, and whether it is taken.

use askama::Template;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use orgate_domain::ids::WebhookId;
use orgate_domain::permissions::OrgatePermission;
use orgate_domain::webhooks::{FAILING, GONE};
use orgate_flows::manage::webhooks::list_webhooks;
use orgate_flows::manage::{PageOf, Webhook, WebhookScope, WebhookStatus};
use url::Url;

use super::Admin;
use super::answers::Answer;
use super::frame::{Frame, Pager, Part};
use crate::form::LinkQuery;
use crate::moment::Moment;
use crate::page::Page;

/// Webhooks on one page.
const ON_A_PAGE: usize = 50;

/// Kinds of events that a line names; of more, it says how many.
const NAMED: usize = 3;

/// `templates/admin/webhooks.html`.
#[derive(Template)]
#[template(path = "admin/webhooks.html")]
struct WebhooksTemplate {
    page: Page,
    frame: Frame,
    webhooks: Vec<WebhookLine>,
    pager: Pager,
    /// Where to make one, if they may.
    new: Option<String>,
}

/// One webhook.
struct WebhookLine {
    href: String,
    name: String,
    url: String,
    events: String,
    state: WebhookState,
}

/// Whether a webhook is sent anything, and takes it.
pub(super) struct WebhookState {
    pub(super) label: &'static str,
    /// The class of its badge.
    pub(super) look: &'static str,
    /// Why it is so, if there is more to say.
    pub(super) why: Option<&'static str>,
    /// Since when it fails.
    pub(super) since: Option<Moment>,
}

impl WebhookState {
    pub(super) fn of(webhook: &Webhook, now: DateTime<Utc>) -> Self {
        let since = webhook.failing_since.map(|at| Moment::of(at, now));
        let state = |label, look, why| Self { label, look, why, since: None };
        match (webhook.status, webhook.status_reason.as_deref()) {
            (WebhookStatus::Disabled, None) => state("Switched off", "", None),
            (WebhookStatus::Disabled, Some(GONE)) => {
                state("Switched off", "refused", Some("Its receiver answered that it is gone (status 410)."))
            }
            (WebhookStatus::Disabled, Some(FAILING)) => {
                state("Switched off", "refused", Some("Its receiver took nothing for days."))
            }
            (WebhookStatus::Disabled, Some(_)) => state("Switched off", "refused", None),
            (WebhookStatus::Enabled, _) if since.is_some() => Self {
                since,
                ..state("Failing", "refused", Some("Its receiver takes nothing. It is tried again."))
            },
            (WebhookStatus::Enabled, _) => state("On", "recent", None),
        }
    }
}

impl WebhookLine {
    fn of(admin: &Admin, webhook: &Webhook, now: DateTime<Utc>) -> Self {
        Self {
            href: admin.href(&path(webhook.id)),
            name: called(webhook),
            url: webhook.terms.url.clone(),
            events: told(webhook),
            state: WebhookState::of(webhook, now),
        }
    }
}

/// The page of a webhook, below the organization's first one.
pub(super) fn path(id: WebhookId) -> String {
    format!("{}/{id}", Part::Webhooks.path())
}

/// What people call a webhook: as it is described, or else by its host.
pub(super) fn called(webhook: &Webhook) -> String {
    webhook.terms.description.clone().unwrap_or_else(|| host(webhook))
}

/// The host that a webhook is at.
pub(super) fn host(webhook: &Webhook) -> String {
    let url = Url::parse(&webhook.terms.url).ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| webhook.terms.url.clone())
}

/// What a webhook tells of, in short.
fn told(webhook: &Webhook) -> String {
    let events = match &webhook.terms.events {
        None => "Everything".to_owned(),
        Some(events) => {
            let named = events.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            match events.len().saturating_sub(NAMED) {
                0 => named,
                more => format!("{named} and {more} more"),
            }
        }
    };
    match webhook.scope {
        WebhookScope::All => format!("{events}, of all organizations"),
        WebhookScope::Organization => events,
    }
}

/// `GET …/webhooks`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let done = (params.get("done") == Some("deleted"))
        .then_some("The webhook is gone. Nothing is sent to its address any more.");
    let after = params.get("after").and_then(|text| text.parse::<WebhookId>().ok());
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = admin.read(list_webhooks(&admin.env, &admin.caller, page).await)?;
    let (here, now) = (admin.href(Part::Webhooks.path()), admin.env.clock.now());
    let makes = admin.caller.asking(OrgatePermission::WebhooksManage);
    let template = WebhooksTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Webhooks).saying(done),
        webhooks: found.items.iter().map(|webhook| WebhookLine::of(&admin, webhook, now)).collect(),
        pager: Pager::of(&here, after.is_some(), found.next),
        new: makes.map(|_| admin.href("/webhooks/new")),
    };
    Ok(admin.render(StatusCode::OK, &template))
}
