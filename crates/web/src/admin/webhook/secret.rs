//! The smaller forms of a webhook's page: another secret, which is shown once, and to go through events again.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Datelike as _, NaiveDateTime, Utc};
use orgate_domain::ids::WebhookId;
use orgate_flows::manage::webhooks::{Shown, Since, replay, rotate_secret};
use orgate_flows::manage::{ChangeError, Webhook};

use super::{Said, Small, show};
use crate::admin::answers::Answer;
use crate::admin::change::{done, once, refusal_on};
use crate::admin::frame::{Frame, Part};
use crate::admin::webhooks::{called, path};
use crate::admin::{Admin, Named, Submitted};
use crate::page::{Link, Page};
use crate::setup::time;

/// How long a secret that is replaced may go on signing: hours, how they read, and whether they are what is offered first.
pub(super) const OVERLAPS: [(u32, &str, bool); 5] = [
    (0, "Not at all", false),
    (1, "For an hour", false),
    (24, "For a day", true),
    (72, "For three days", false),
    (168, "For a week", false),
];

/// `templates/admin/webhook_secret.html`.
#[derive(Template)]
#[template(path = "admin/webhook_secret.html")]
struct SecretTemplate {
    page: Page,
    frame: Frame,
    heading: &'static str,
    secret: String,
    name: String,
    url: String,
    /// Until when the one before it signs as well.
    previous: Option<String>,
    /// Where to go on.
    onward: String,
}

/// Why a secret is shown.
#[derive(Debug, Clone, Copy)]
pub(super) enum Why {
    Made,
    Replaced,
}

/// The page that shows a secret; of one that was shown already, the webhook's.
pub(super) fn shown(admin: &Admin, (webhook, secret): (Webhook, Shown), why: Why) -> Response {
    let Some(secret) = secret else {
        return done(admin, (&path(webhook.id), Part::Webhooks.permission()), "already");
    };
    let (name, now) = (called(&webhook), admin.env.clock.now());
    let reads = admin.caller.asking(Part::Webhooks.permission()).is_some();
    let onward = admin.href_if_open((&path(webhook.id), Part::Webhooks.permission()));
    let frame = match why {
        Why::Replaced if reads => {
            Frame::below(admin, Part::Webhooks, vec![Link { label: name.clone(), href: onward.clone() }])
        }
        _ => Frame::below_if_open(admin, Part::Webhooks),
    };
    let template = SecretTemplate {
        page: admin.page(),
        frame,
        heading: match why {
            Why::Made => "The webhook is made",
            Why::Replaced => "The secret is replaced",
        },
        secret: secret.to_string(),
        name,
        previous: webhook.secrets.previous.map(|(_, until)| until).filter(|until| *until > now).map(time),
        url: webhook.terms.url,
        onward,
    };
    admin.render(StatusCode::OK, &template)
}

/// `POST …/webhooks/{webhook}/rotate-secret`: shows the new one, which nobody sees again.
pub(crate) async fn post_rotate(Named(id): Named<WebhookId>, Submitted { admin, form }: Submitted) -> Answer {
    // Of what is no number of hours, the use case says so.
    let hours = form.text("overlap_hours").parse().unwrap_or(u32::MAX);
    let once = once(&form, &format!("replace the secret of {id}"));
    match rotate_secret(&admin.env, &admin.caller, (id, hours), once.as_ref()).await {
        Ok(made) => Ok(shown(&admin, made, Why::Replaced)),
        Err(error) => again(&admin, id, ("The secret was not replaced", &error, "")).await,
    }
}

/// `POST …/webhooks/{webhook}/replay`.
pub(crate) async fn post_replay(Named(id): Named<WebhookId>, Submitted { admin, form }: Submitted) -> Answer {
    let since = form.text("since");
    let replayed = match moment(since) {
        Some(moment) => replay(&admin.env, &admin.caller, id, Since::Moment(moment)).await,
        None => Err(ChangeError::invalid("/since", "a day and a time in UTC, like 2026-11-26T09:30")),
    };
    match replayed {
        Ok(_) => Ok(done(&admin, (&path(id), Part::Webhooks.permission()), "replayed")),
        Err(error) => again(&admin, id, ("Nothing is sent again", &error, since)).await,
    }
}

async fn again(
    admin: &Admin,
    id: WebhookId,
    (headline, error, since): (&'static str, &ChangeError, &str),
) -> Answer {
    let refusal = refusal_on(Part::Webhooks.permission(), admin, error)?;
    let small = Some(Small { headline, refusal, since: since.to_owned() });
    show(admin, id, Said { small, ..Said::default() }).await
}

/// A moment as a browser writes it, and as the database can compare it.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let moment = forms.into_iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    (1970..=9998).contains(&moment.year()).then(|| moment.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_browsers_write_it() {
        assert_eq!(moment("2026-11-26T09:30"), "2026-11-26T09:30:00Z".parse().ok());
        assert_eq!(moment("2026-11-26T09:30:15"), "2026-11-26T09:30:15Z".parse().ok());
        for text in
            ["", "yesterday", "2026-11-26", "2026-11-26 09:30", "0001-01-01T00:00", "+12026-11-26T00:00"]
        {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
