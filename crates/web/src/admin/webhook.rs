//! One webhook, or a new one: where it is, what it tells of, and what became of that.

mod fields;
mod save;
mod secret;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::ids::{EventId, WebhookId};
use orgate_domain::permissions::OrgatePermission;
use orgate_domain::webhooks::{MAX_DESCRIPTION, MAX_FILTERS, PATIENCE};
use orgate_flows::manage::webhooks::{list_deliveries, missing_right};
use orgate_flows::manage::{
    DeliveryStatus, Page as Listed, PageOf, Webhook, WebhookDelivery, WebhookScope, WebhookStatus,
};

use self::fields::{Area, Base, Typed};
use self::secret::OVERLAPS;
use super::answers::Answer;
use super::change::{ALREADY, Refusal, Refused, Wrongs};
use super::frame::{Frame, Pager, Part};
use super::meanwhile::Meanwhile;
use super::webhook_delivery::{DeliveryLine, sends};
use super::webhooks::{WebhookState, called, path};
use super::{Admin, Named};
use crate::form::LinkQuery;
use crate::page::Page;
use crate::setup::time;

pub(crate) use save::{post, post_new, post_off, post_on};
pub(crate) use secret::{post_replay, post_rotate};

/// Deliveries on one page: fewer than elsewhere, as the form is on it as well.
const ON_A_PAGE: usize = 15;

/// Which deliveries can be looked at: as addresses name them, and people.
const SHOWN: [(&str, &str); 4] =
    [("", "All"), ("waiting", "To be tried again"), ("dead", "Given up"), ("delivered", "Delivered")];

/// `templates/admin/webhook.html`.
#[derive(Template)]
#[template(path = "admin/webhook.html")]
struct WebhookTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    once: String,
    /// Where the form goes.
    here: String,
    back: String,
    /// What it is, unless it is a new one.
    webhook: Option<Shown>,
    typed: Typed,
    areas: Vec<Area>,
    max_filters: usize,
    max_description: usize,
    /// Whether anything can be changed.
    edits: bool,
    /// Whether it can be of all organizations.
    offers_all: bool,
    /// That something was not done.
    headline: &'static str,
    wrongs: Wrongs,
    meanwhile: Option<Meanwhile>,
}

/// A webhook as it is now.
#[expect(clippy::struct_excessive_bools, reason = "what a page shows and what it does not")]
struct Shown {
    name: String,
    url: String,
    /// What it tells of, each by its name; empty: everything.
    events: Vec<String>,
    is_of_all: bool,
    is_on: bool,
    state: WebhookState,
    /// When the next event is tried, after a failure.
    retry: Option<String>,
    /// Days that it may fail before it is switched off.
    patience: i64,
    made: String,
    /// Until when the secret before this one signs as well.
    previous: Option<String>,
    base: Base,
    /// Whether they may switch it off, and delete it.
    manages: bool,
    /// The permission that they lack for anything else.
    lacks: Option<&'static str>,
    /// Whether they may have an event sent now.
    sends: bool,
    deliveries: Vec<DeliveryLine>,
    pager: Pager,
    /// Which deliveries are shown, and which others can be: label, address, whether it is these.
    kinds: Vec<(&'static str, String, bool)>,
    is_narrowed: bool,
    overlaps: Vec<(u32, &'static str, bool)>,
    /// What was typed, of where to go on.
    since: String,
}

/// What a form asks for, and what came of it.
struct Asked {
    typed: Typed,
    refused: Refused<Base>,
}

/// What the page says besides.
#[derive(Default)]
struct Said {
    done: Option<&'static str>,
    asked: Option<Asked>,
    /// Of one of the smaller forms, why it was not done.
    small: Option<Small>,
    /// After which event the page of deliveries begins, and which are shown.
    after: Option<EventId>,
    show: Option<DeliveryStatus>,
}

/// One of the smaller forms, which was refused.
struct Small {
    /// What was not done.
    headline: &'static str,
    refusal: Refusal,
    /// What was typed, of where to go on.
    since: String,
}

/// `GET …/webhooks/new`.
pub(crate) async fn get_new(admin: Admin) -> Answer {
    Ok(show_new(&admin, None))
}

/// `GET …/webhooks/{webhook}`.
pub(crate) async fn get(admin: Admin, Named(id): Named<WebhookId>, LinkQuery(params): LinkQuery) -> Answer {
    let done = match params.get("done") {
        Some("already") => Some(ALREADY),
        Some("off") => Some("The webhook is switched off. Once it is on again, it goes on where it was."),
        Some("on") => Some("The webhook is on. It goes on where it was."),
        Some("replayed") => Some("What happened from then on is sent again. Events keep their ids."),
        Some("saved") => Some("The webhook is saved, and counts for what is sent from now on."),
        _ => None,
    };
    let after = params.get("after").and_then(|text| text.parse().ok());
    let show_only = params.get("show").and_then(DeliveryStatus::from_text);
    show(&admin, id, Said { done, after, show: show_only, ..Said::default() }).await
}

fn show_new(admin: &Admin, asked: Option<(Typed, Refusal)>) -> Response {
    let (typed, refusal) = asked.map_or_else(Default::default, |(typed, refusal)| (typed, Some(refusal)));
    let (status, wrongs) = Wrongs::of(refusal, &["url", "description", "events", "scope"]);
    let template = WebhookTemplate {
        page: admin.page(),
        frame: Frame::below_if_open(admin, Part::Webhooks),
        csrf: admin.token(),
        once: admin.once(),
        here: admin.href("/webhooks/new"),
        back: admin.href_if_open(Part::Webhooks.shown()),
        webhook: None,
        areas: typed.areas(),
        typed,
        max_filters: MAX_FILTERS,
        max_description: MAX_DESCRIPTION,
        edits: true,
        offers_all: admin.is_operators() && missing_right(&admin.caller, WebhookScope::All).is_none(),
        headline: "The webhook was not made",
        wrongs,
        meanwhile: None,
    };
    admin.render(status, &template)
}

async fn show(admin: &Admin, id: WebhookId, said: Said) -> Answer {
    let reader = admin.reading(Part::Webhooks.permission())?;
    let page = PageOf { after: said.after, limit: ON_A_PAGE };
    let found = list_deliveries(&admin.env, &reader, (id, said.show), page).await;
    let (webhook, deliveries) = admin.found(found)?;
    let shown = Shown::of(admin, (&webhook, &deliveries), &said);
    let edits = shown.manages && shown.lacks.is_none();
    let Asked { typed, refused } =
        said.asked.unwrap_or_else(|| Asked { typed: Typed::of(&webhook), refused: Refused::No });
    let meanwhile = match &refused {
        Refused::Meanwhile(base) => Some(admin.read(save::meanwhile(admin, &webhook, base).await)?),
        Refused::For(_) | Refused::No => None,
    };
    let (headline, refusal) = match said.small {
        Some(small) => (small.headline, Some(small.refusal)),
        None => ("The webhook was not saved", refused.refusal()),
    };
    let fields = ["url", "description", "events", "overlap_hours", "since"];
    let (status, wrongs) = Wrongs::of(refusal, &fields);
    let status = if meanwhile.is_some() { StatusCode::CONFLICT } else { status };
    let template = WebhookTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Webhooks, Vec::new()).saying(said.done),
        csrf: admin.token(),
        once: admin.once(),
        here: admin.href(&path(id)),
        back: admin.href_if_open(Part::Webhooks.shown()),
        webhook: Some(shown),
        areas: if edits { typed.areas() } else { Vec::new() },
        typed,
        max_filters: MAX_FILTERS,
        max_description: MAX_DESCRIPTION,
        edits,
        offers_all: false,
        headline,
        wrongs,
        meanwhile,
    };
    Ok(admin.render(status, &template))
}

impl Shown {
    fn of(
        admin: &Admin,
        (webhook, deliveries): (&Webhook, &Listed<WebhookDelivery, EventId>),
        said: &Said,
    ) -> Self {
        let now = admin.env.clock.now();
        let here = admin.href(&path(webhook.id));
        let shown = said.show.map_or("", DeliveryStatus::as_str);
        let at = |show: &str, after: Option<EventId>| {
            let after = after.map(|after| ("after", after.to_string()));
            let show = Some(("show", show.to_owned())).filter(|(_, show)| !show.is_empty());
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(show)
                .extend_pairs(after)
                .finish();
            if query.is_empty() { here.clone() } else { format!("{here}?{query}") }
        };
        let previous = webhook.secrets.previous.as_ref().map(|(_, until)| *until);
        let manages = admin.caller.asking(OrgatePermission::WebhooksManage).is_some();
        let lines = deliveries.items.iter();
        Self {
            name: called(webhook),
            url: webhook.terms.url.clone(),
            events: webhook.terms.events.clone().unwrap_or_default(),
            is_of_all: webhook.scope == WebhookScope::All,
            is_on: webhook.status == WebhookStatus::Enabled,
            state: WebhookState::of(webhook, now),
            patience: PATIENCE.num_days(),
            retry: webhook.retry_at.filter(|_| webhook.failing_since.is_some()).map(time),
            made: time(webhook.created_at),
            previous: previous.filter(|until| *until > now).map(time),
            base: Base::of(webhook),
            manages,
            lacks: missing_right(&admin.caller, webhook.scope).map(OrgatePermission::as_str),
            sends: sends(admin, webhook),
            deliveries: lines.map(|one| DeliveryLine::of(admin, (webhook.id, one), now)).collect(),
            pager: Pager {
                first: said.after.map(|_| at(shown, None)),
                next: deliveries.next.map(|next| at(shown, Some(next))),
            },
            kinds: SHOWN.into_iter().map(|(value, label)| (label, at(value, None), value == shown)).collect(),
            is_narrowed: said.show.is_some(),
            overlaps: OVERLAPS.to_vec(),
            since: said.small.as_ref().map(|small| small.since.clone()).unwrap_or_default(),
        }
    }
}
