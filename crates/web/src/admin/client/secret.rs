//! Another secret for a client: the ones before it are good for a while yet, so that it can be brought to every server first.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{Duration, Utc};
use orgate_domain::clients::Client;
use orgate_domain::ids::ClientId;
use orgate_flows::apply::Secret;
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::clients::{WithSecret, rotate_client_secret};

use super::{READ, find, path};
use crate::admin::answers::Answer;
use crate::admin::change::{Refusal, Wrongs, done, not_done, once, refusal};
use crate::admin::frame::{Frame, Part};
use crate::admin::{Admin, Named, Submitted};
use crate::page::{Link, Page};
use crate::present::see_other;
use crate::setup::time;

/// How long those before it are good, in seconds.
const OVERLAPS: [(i32, &str); 6] = [
    (0, "Not at all: as after a leak"),
    (3_600, "An hour"),
    (86_400, "A day"),
    (604_800, "A week"),
    (2_592_000, "30 days"),
    (7_776_000, "90 days"),
];

/// The one that is chosen at first, as the management API has it.
const USUAL: i32 = 86_400;

/// `templates/admin/client_secret.html`.
#[derive(Template)]
#[template(path = "admin/client_secret.html")]
struct SecretTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    once: String,
    here: String,
    back: String,
    name: String,
    /// How long each secret that it has is good; none: it is given its first one.
    secrets: Vec<String>,
    overlaps: Vec<(i32, &'static str, bool)>,
    wrongs: Wrongs,
}

/// `templates/admin/client_made.html`.
#[derive(Template)]
#[template(path = "admin/client_made.html")]
struct MadeTemplate {
    page: Page,
    frame: Frame,
    headline: &'static str,
    secret: String,
    name: String,
    client_id: String,
    issuer: String,
    /// Until when the secrets before it are good.
    former: Option<String>,
    is_machine: bool,
    /// Where to go on.
    onward: String,
}

/// `GET …/clients/{client}/secret`.
pub(crate) async fn get_secret(admin: Admin, Named(id): Named<ClientId>) -> Answer {
    ask(&admin, id, (USUAL, None)).await
}

/// `POST …/clients/{client}/secret`: shows the secret, which nobody sees again.
pub(crate) async fn post_secret(Named(id): Named<ClientId>, Submitted { admin, form }: Submitted) -> Answer {
    admin.reading(READ)?;
    let overlap = form.get("overlap_secs").and_then(|text| text.parse::<i32>().ok());
    let overlap = overlap.filter(|chosen| OVERLAPS.iter().any(|(secs, _)| secs == chosen));
    let Some(overlap) = overlap else {
        let error = ChangeError::invalid("/overlap_secs", "choose one of these");
        return ask(&admin, id, (USUAL, Some(refusal(&admin, &error)?))).await;
    };
    let lasting = Duration::seconds(overlap.into());
    let once = once(&form, &format!("give {id} another secret"));
    match rotate_client_secret(&admin.env, &admin.caller, (id, lasting), once.as_ref()).await {
        Ok(WithSecret { described, secret: Some(secret) }) => {
            Ok(shown(&admin, (&described.client, &secret), "The secret is made"))
        }
        Ok(_) => Ok(done(&admin, (&path(id), READ), "already")),
        Err(error) => ask(&admin, id, (overlap, Some(refusal(&admin, &error)?))).await,
    }
}

async fn ask(admin: &Admin, id: ClientId, (chosen, refused): (i32, Option<Refusal>)) -> Answer {
    let client = find(admin, id).await?.client;
    let back = admin.href(&path(id));
    if !client.settings.authentication.uses_secret() {
        return match refused {
            Some(refusal) => Err(not_done(admin, &refusal)),
            None => Ok(see_other(&admin.env.issuer.at(&back))),
        };
    }
    let above = Link { label: client.name.as_str().to_owned(), href: back.clone() };
    let (status, wrongs) = Wrongs::of(refused, &["overlap_secs"]);
    let template = SecretTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Clients, vec![above]),
        csrf: admin.token(),
        once: admin.once(),
        here: format!("{back}/secret"),
        back,
        name: client.name.as_str().to_owned(),
        secrets: client.secrets.iter().map(super::facts::life).collect(),
        overlaps: OVERLAPS.iter().map(|(secs, label)| (*secs, *label, *secs == chosen)).collect(),
        wrongs,
    };
    Ok(admin.render(status, &template))
}

/// The page that shows a secret.
pub(super) fn shown(admin: &Admin, (client, secret): (&Client, &Secret), headline: &'static str) -> Response {
    let described = super::Described::of(admin, client);
    let template = MadeTemplate {
        page: admin.page(),
        frame: Frame::below_if_open(admin, Part::Clients),
        headline,
        secret: secret.reveal().to_owned(),
        name: described.name,
        client_id: described.client_id,
        issuer: described.issuer,
        former: former(client, admin.env.clock.now()),
        is_machine: described.is_machine,
        onward: admin.href_if_open((&path(client.id), READ)),
    };
    admin.render(StatusCode::OK, &template)
}

/// Until when the last of the secrets is good that were there before.
fn former(client: &Client, now: chrono::DateTime<Utc>) -> Option<String> {
    let ends = client.secrets.iter().filter_map(|secret| secret.expires_at);
    ends.filter(|end| *end > now).max().map(time)
}
