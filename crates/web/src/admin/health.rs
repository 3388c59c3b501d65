//! Health: whether what is done in the background is done, for the operator's people.

use std::time::Instant;

use askama::Template;
use axum::http::StatusCode;
use orgate_flows::manage::backlog::{Backlog, LATE_AFTER, MOST_COUNTED, list_backlog};

use super::Admin;
use super::answers::Answer;
use super::frame::{Frame, Part};
use crate::moment::Moment;
use crate::page::Page;

/// `templates/admin/health.html`.
#[derive(Template)]
#[template(path = "admin/health.html")]
struct HealthTemplate {
    page: Page,
    frame: Frame,
    here: String,
    /// How long the database took to say all this, in milliseconds.
    took: u128,
    /// How many kinds of work are late, and after how many minutes they are.
    late: usize,
    late_after: i64,
    work: Vec<WorkLine>,
}

/// A kind of work.
struct WorkLine {
    name: String,
    /// What it is, and what it means if it is late.
    about: &'static str,
    due: String,
    since: Option<Moment>,
    is_late: bool,
}

impl WorkLine {
    fn of(admin: &Admin, backlog: Backlog) -> Self {
        let (name, about) = described(&backlog.work);
        Self {
            name: name.map_or(backlog.work, str::to_owned),
            about,
            due: match backlog.due {
                MOST_COUNTED.. => format!("{MOST_COUNTED} or more"),
                due => due.to_string(),
            },
            since: backlog.since.map(|since| Moment::of(since, admin.env.clock.now())),
            is_late: backlog.is_late,
        }
    }
}

/// What a kind of work is called, and what it is about.
fn described(work: &str) -> (Option<&'static str>, &'static str) {
    let (name, about) = match work {
        "mails" => ("Mails", "Invitations, codes and notices that the mail server has not taken yet."),
        "logouts" => {
            ("Back-channel logouts", "Applications that have not been told yet that a session ended.")
        }
        "webhooks" => ("Webhooks", "Those that have not been sent what happened."),
        "event_streams" => {
            ("Event streams", "Receivers of shared signals that have not been pushed what happened.")
        }
        "connections" => (
            "Identity providers",
            "Connections whose metadata, keys and certificates are due to be looked at.",
        ),
        "domains" => ("Domains", "Proofs that are due to be looked up again."),
        "signing_keys" => ("Signing keys", "Issuers whose next key is due to be published, or to sign."),
        "erasures" => (
            "Erasures",
            "Deleted organizations whose time to be restored is over, and that are not erased yet.",
        ),
        "sign_in_counts" => {
            ("Sign-in counts", "Events that the figures of the overviews do not know of yet.")
        }
        _ => return (None, ""),
    };
    (Some(name), about)
}

/// `GET …/health`.
pub(crate) async fn get(admin: Admin) -> Answer {
    let asked = Instant::now();
    let backlog = admin.read(list_backlog(&admin.env, &admin.caller).await)?;
    let took = asked.elapsed().as_millis();
    let template = HealthTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Health),
        here: admin.href(Part::Health.path()),
        took,
        late: backlog.iter().filter(|backlog| backlog.is_late).count(),
        late_after: LATE_AFTER.num_minutes(),
        work: backlog.into_iter().map(|backlog| WorkLine::of(&admin, backlog)).collect(),
    };
    Ok(admin.render(StatusCode::OK, &template))
}
