//! What a SAML provider's metadata proposes: both sides, and the word for it.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::connections::ConnectionState;
use orgate_edge::{ParamsRejection, QueryParams};
use orgate_flows::setup::connections::detail;
use orgate_flows::setup::proposals::{self, Compared, Difference, Fate, Proposal};

use super::frame::{Frame, Notice, Step, day, page, proposal_href};
use super::{OfConnection, Submitted};
use crate::page::{Page, render};
use crate::present::see_other;

/// `templates/setup/proposal.html`.
#[derive(Template)]
#[template(path = "setup/proposal.html")]
struct ProposalPage {
    page: Page,
    frame: Frame,
    shown: Option<Shown>,
    /// What waited was just taken over.
    is_done: bool,
    /// It takes effect for people at once.
    is_live: bool,
    back: String,
    test: String,
}

/// A proposal, as it is shown.
struct Shown {
    digest: String,
    /// Where the metadata is.
    address: String,
    differences: Vec<Difference>,
    certificates: Vec<Certificate>,
    /// Some certificate comes or goes.
    changes_keys: bool,
    /// Slugs of what the connection gives and the link may not.
    beyond: String,
}

struct Certificate {
    fate: &'static str,
    is_added: bool,
    is_removed: bool,
    fingerprint: String,
    from: String,
    until: String,
    is_over: bool,
}

/// Shows it.
pub(crate) async fn get(of: OfConnection, query: Result<QueryParams, ParamsRejection>) -> Response {
    let is_done = query.is_ok_and(|QueryParams(params)| params.get("done").is_some());
    show(&of, (StatusCode::OK, is_done), Vec::new())
}

/// Takes over what was shown; if that is not what waits any more, shows what does.
pub(crate) async fn post(submitted: Submitted<OfConnection>) -> Response {
    let Submitted { of, form } = submitted;
    let (open, id) = (&of.open, of.detail.connection.id);
    match proposals::approve(&open.env, &open.setup, (id, form.text("proposal")), open.origin()).await {
        Ok(true) => see_other(&open.env.issuer.at(&format!("{}?done=yes", proposal_href(id)))),
        Ok(false) => {
            let again = match detail(&open.env, &open.setup, id).await {
                Ok(detail) => OfConnection { open: of.open, detail },
                Err(error) => return open.refuse(&error),
            };
            let text = if again.detail.proposal.is_some() {
                "Nothing was changed. What waits now is below: look at it again."
            } else {
                "Nothing was changed: what you looked at waits no more."
            };
            let notice = Notice::bad("It is not what you looked at any more", text);
            show(&again, (StatusCode::CONFLICT, false), vec![notice])
        }
        Err(error) => open.refuse(&error),
    }
}

fn show(of: &OfConnection, (status, is_done): (StatusCode, bool), notices: Vec<Notice>) -> Response {
    let connection = &of.detail.connection;
    let template = ProposalPage {
        page: page(&of.open),
        frame: Frame::beside(of).with(notices),
        shown: of.detail.proposal.as_ref().map(|proposal| shown(of, proposal)),
        is_done,
        is_live: matches!(connection.state, ConnectionState::Pilot | ConnectionState::Active),
        back: Step::Provider.href(&of.detail),
        test: Step::Test.href(&of.detail),
    };
    render(status, &template, None)
}

fn shown(of: &OfConnection, proposal: &Proposal) -> Shown {
    let now = of.open.env.clock.now();
    let beyond = proposals::beyond(&of.open.setup, &of.detail);
    let certificate = |certificate: Compared| Certificate {
        fate: match certificate.fate {
            Fate::Added => "New",
            Fate::Kept => "Stays",
            Fate::Removed => "Goes",
        },
        is_added: certificate.fate == Fate::Added,
        is_removed: certificate.fate == Fate::Removed,
        from: day(certificate.not_before),
        until: day(certificate.not_after),
        is_over: certificate.not_after <= now,
        fingerprint: certificate.fingerprint,
    };
    let certificates = proposals::certificates(proposal);
    Shown {
        digest: proposal.digest(),
        address: proposal.present.metadata_url.clone().unwrap_or_default(),
        differences: proposals::differences(proposal),
        changes_keys: certificates.iter().any(|certificate| certificate.fate != Fate::Kept),
        certificates: certificates.into_iter().map(certificate).collect(),
        beyond: beyond.roles.union(&beyond.groups).map(String::as_str).collect::<Vec<_>>().join(", "),
    }
}
