//! Step 7: who tries it first, and who would lose access.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::connections::ConnectionState;
use orgate_domain::policies::SsoEnforcement;
use orgate_flows::setup::preflight::{Preflight, Risk, preflight};
use orgate_flows::setup::rollout::{MAX_PILOTS, choose_pilots, fingerprint, go_live};

use super::frame::{Frame, Notice, Step, page, retry};
use super::{OfConnection, Submitted};
use crate::page::{Page, render};
use crate::present::see_other;

/// `templates/setup/pilot.html`.
#[derive(Template)]
#[template(path = "setup/pilot.html")]
struct PilotPage {
    page: Page,
    frame: Frame,
    seen: String,
    pilots: String,
    count: usize,
    most: usize,
    version: i32,
    is_tested: bool,
    is_running: bool,
    test_href: String,
    next: String,
    preflight: ShownPreflight,
}

/// A preflight for people: `templates/setup/preflight.html`.
pub(crate) struct ShownPreflight {
    pub(crate) headline: String,
    pub(crate) explanation: &'static str,
    pub(crate) is_bad: bool,
    pub(crate) users: Vec<(String, String, &'static str)>,
    /// Users beyond those that are listed.
    pub(crate) more: i64,
    pub(crate) withheld: String,
}

/// Asks and shows it.
pub(crate) async fn shown_preflight(
    of: &OfConnection,
    to: ConnectionState,
) -> Result<ShownPreflight, Response> {
    let found = preflight(&of.open.env, &of.open.setup, &of.detail, to).await;
    found.map(|found| shown(&found)).map_err(|error| of.open.refuse(&error))
}

fn shown(preflight: &Preflight) -> ShownPreflight {
    let losing = preflight.users.iter().filter(|(_, risk)| risk.is_loss()).count();
    let listed = i64::try_from(preflight.users.len()).unwrap_or(i64::MAX);
    let more = preflight.total - listed;
    let enforced = preflight.enforcement != SsoEnforcement::Off;
    let headline = match (losing, preflight.total) {
        (0, 0) => "Nobody would lose access".to_owned(),
        (0, 1) => "Nobody would lose access; one person has yet to sign in this way".to_owned(),
        (0, total) => format!("Nobody would lose access; {total} people have yet to sign in this way"),
        (1, _) if enforced => "One person would lose access".to_owned(),
        (losing, _) if enforced => format!("{losing} people would lose access"),
        (1, _) => "One person would lose access if this became the only way".to_owned(),
        (losing, _) => format!("{losing} people would lose access if this became the only way"),
    };
    let explanation = match preflight.enforcement {
        SsoEnforcement::Off => {
            "Passwords go on working for everybody: nobody has to sign in this way yet. Looked at are the people with an address of your verified domains."
        }
        SsoEnforcement::Domains => {
            "People with an address of your verified domains have to sign in this way: their passwords do not work."
        }
        SsoEnforcement::Organization => {
            "Everybody in your organization has to sign in this way: passwords do not work."
        }
    };
    let list = preflight.withheld.roles.iter().chain(&preflight.withheld.groups);
    ShownPreflight {
        headline,
        explanation,
        is_bad: losing > 0 && enforced,
        users: preflight
            .users
            .iter()
            .map(|(user, risk)| (user.name.clone(), user.email.clone().unwrap_or_default(), told(*risk)))
            .collect(),
        more,
        withheld: list.map(String::as_str).collect::<Vec<_>>().join(", "),
    }
}

const fn told(risk: Risk) -> &'static str {
    match risk {
        Risk::NotInPilot => "Not in the pilot: the sign-in is refused.",
        Risk::NotRecognized => {
            "Not recognized: the address is of no domain that this connection serves. Serve its domain, or have them link their identity first."
        }
        Risk::AddressNotTrusted => {
            "Not recognized: the provider’s word for addresses is not taken. See attributes and roles."
        }
        Risk::FirstSignIn => "Recognized at their first sign-in, if the provider sends exactly this address.",
    }
}

/// Shows the list and what it would mean.
pub(crate) async fn get(of: OfConnection) -> Response {
    let pilots = of.detail.pilots.join("\n");
    show(&of, pilots, (StatusCode::OK, Vec::new())).await
}

/// Changes the list, or begins the pilot.
pub(crate) async fn post(submitted: Submitted<OfConnection>) -> Response {
    let Submitted { of, form } = submitted;
    let (open, id) = (&of.open, of.detail.connection.id);
    let starts = form.text("action") == "start";
    let done = if starts {
        let at = (id, form.number("version"));
        go_live(&open.env, &open.setup, at, ConnectionState::Pilot, open.origin()).await
    } else {
        let at = (id, form.text("seen"));
        choose_pilots(&open.env, &open.setup, at, form.text("pilots"), open.origin()).await
    };
    match done.map_err(|error| retry(open, error)) {
        Ok(()) => see_other(&open.env.issuer.at(&Step::Pilot.href(&of.detail))),
        Err(Ok(again)) => {
            let typed = if starts { of.detail.pilots.join("\n") } else { form.text("pilots").to_owned() };
            show(&of, typed, (again.status, vec![again.notice])).await
        }
        Err(Err(response)) => *response,
    }
}

async fn show(of: &OfConnection, pilots: String, (status, notices): (StatusCode, Vec<Notice>)) -> Response {
    let preflight = match shown_preflight(of, ConnectionState::Pilot).await {
        Ok(preflight) => preflight,
        Err(response) => return response,
    };
    let connection = &of.detail.connection;
    let version = connection.latest_version;
    let template = PilotPage {
        page: page(&of.open),
        frame: Frame::of_step(of, Step::Pilot).with(notices),
        seen: fingerprint(&of.detail.pilots),
        count: of.detail.pilots.len(),
        most: MAX_PILOTS,
        pilots,
        version,
        is_tested: version > 0 && connection.tested_version == Some(version),
        is_running: connection.state == ConnectionState::Pilot && connection.live_version == Some(version),
        test_href: Step::Test.href(&of.detail),
        next: Step::Activate.href(&of.detail),
        preflight,
    };
    render(status, &template, None)
}
