//! What the pages of one connection share: whose it is, where one is, and what to know.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use orgate_domain::connections::{ConnectionProtocol, ConnectionState};
use orgate_domain::ids::ConnectionId;
use orgate_flows::setup::connections::Detail;
use orgate_flows::setup::{Problem, SetupError, Stale, VersionSummary};

use super::{OfConnection, Open, refusals};
use crate::page::Page;

/// A step of the set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Vendor,
    Values,
    Provider,
    Mapping,
    Domains,
    Test,
    Pilot,
    Activate,
}

/// A step in the list of them.
pub(crate) struct StepLink {
    pub(crate) label: &'static str,
    pub(crate) href: Option<String>,
    pub(crate) is_done: bool,
    pub(crate) is_current: bool,
}

/// Something to know before going on.
pub(crate) struct Notice {
    /// The class of its look: `bad`.
    pub(crate) kind: &'static str,
    pub(crate) title: String,
    pub(crate) text: String,
}

/// `templates/setup/frame.html`.
pub(crate) struct Frame {
    pub(crate) organization: String,
    pub(crate) csrf: String,
    pub(crate) expires: String,
    /// Back to the pages that whoever came from there runs the organization by.
    pub(crate) administration: Option<String>,
    pub(crate) is_inner: bool,
    pub(crate) connection: Option<Heading>,
    pub(crate) steps: Vec<StepLink>,
    pub(crate) notices: Vec<Notice>,
    /// Where to look at what the connection's metadata proposes.
    pub(crate) waiting: Option<String>,
}

/// The connection that a page is about.
pub(crate) struct Heading {
    pub(crate) name: String,
    pub(crate) state: &'static str,
    pub(crate) is_open: bool,
}

impl Step {
    const ALL: [Self; 8] = [
        Self::Vendor,
        Self::Values,
        Self::Provider,
        Self::Mapping,
        Self::Domains,
        Self::Test,
        Self::Pilot,
        Self::Activate,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Vendor => "Provider",
            Self::Values => "Values to enter",
            Self::Provider => "Its metadata",
            Self::Mapping => "Attributes and roles",
            Self::Domains => "Domains",
            Self::Test => "Test",
            Self::Pilot => "Pilot",
            Self::Activate => "Activate",
        }
    }

    const fn path(self) -> Option<&'static str> {
        match self {
            Self::Vendor => None,
            Self::Values => Some("values"),
            Self::Provider => Some("provider"),
            Self::Mapping => Some("mapping"),
            Self::Domains => Some("domains"),
            Self::Test => Some("test"),
            Self::Pilot => Some("pilot"),
            Self::Activate => Some("activate"),
        }
    }

    /// Its address.
    pub(crate) fn href(self, detail: &Detail) -> String {
        let base = base(detail);
        self.path().map_or_else(|| base.clone(), |path| format!("{base}/{path}"))
    }

    fn is_done(self, detail: &Detail) -> bool {
        let connection = &detail.connection;
        let has_settings = connection.latest_version > 0;
        match self {
            Self::Vendor => true,
            Self::Values | Self::Provider => has_settings,
            Self::Mapping => {
                let saved = |changed: &String| changed == "mapping";
                let mapped = detail.versions.iter().any(|version| version.changed.iter().any(saved));
                mapped || (has_settings && connection.tested_version == Some(connection.latest_version))
            }
            Self::Domains => !connection.domains.is_empty(),
            Self::Test => has_settings && connection.tested_version == Some(connection.latest_version),
            Self::Pilot => {
                matches!(connection.state, ConnectionState::Pilot | ConnectionState::Active)
                    && connection.live_version == Some(connection.latest_version)
            }
            Self::Activate => {
                connection.state == ConnectionState::Active
                    && connection.live_version == Some(connection.latest_version)
            }
        }
    }
}

fn base(detail: &Detail) -> String {
    format!("/setup/connections/{}", detail.connection.id)
}

/// Where to look at what a connection's metadata proposes.
pub(crate) fn proposal_href(id: ConnectionId) -> String {
    format!("/setup/connections/{id}/proposal")
}

/// A state for people.
pub(crate) const fn state_name(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Draft => "Draft",
        ConnectionState::Tested => "Tested, not live",
        ConnectionState::Pilot => "Live for its pilot",
        ConnectionState::Active => "Live",
        ConnectionState::Disabled => "Switched off",
    }
}

/// A protocol for people.
pub(crate) const fn protocol_name(protocol: ConnectionProtocol) -> &'static str {
    match protocol {
        ConnectionProtocol::Oidc => "OpenID Connect",
        ConnectionProtocol::Saml => "SAML 2.0",
    }
}

/// A day for people.
pub(crate) fn day(at: DateTime<Utc>) -> String {
    at.format("%-d %B %Y").to_string()
}

/// A time for people, in the one zone that is everybody's.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.format("%-d %B %Y, %H:%M UTC").to_string()
}

/// Who wrote a version, as far as people here may know.
pub(crate) fn author(open: &Open, version: &VersionSummary) -> String {
    let mine = open.link.id.to_string();
    match (version.author.0.as_str(), version.author.1.as_deref()) {
        ("setup_link", Some(id)) if id == mine => "this link".to_owned(),
        ("setup_link", _) => "another set-up link".to_owned(),
        ("user", _) => "an administrator".to_owned(),
        ("system", _) => "the identity provider’s own metadata".to_owned(),
        _ => "the operator of this service".to_owned(),
    }
}

impl Notice {
    /// It did not.
    pub(crate) fn bad(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind: "bad", title: title.into(), text: text.into() }
    }
}

impl Frame {
    /// Around a page that is about no connection.
    pub(crate) fn of(open: &Open) -> Self {
        Self {
            organization: open.organization.name.as_str().to_owned(),
            csrf: open.token(),
            expires: time(open.link.expires_at),
            administration: open.administration(),
            is_inner: true,
            connection: None,
            steps: Vec::new(),
            notices: Vec::new(),
            waiting: None,
        }
    }

    /// Around a step.
    pub(crate) fn of_step(of: &OfConnection, current: Step) -> Self {
        let waiting = of.detail.proposal.as_ref().map(|_| proposal_href(of.detail.connection.id));
        Self { waiting, ..Self::around(of, Some(current)) }
    }

    /// Around a page of a connection that is no step.
    pub(crate) fn beside(of: &OfConnection) -> Self {
        Self::around(of, None)
    }

    fn around(of: &OfConnection, current: Option<Step>) -> Self {
        let detail = &of.detail;
        let steps = Step::ALL.map(|step| StepLink {
            label: step.label(),
            href: step.path().map(|_| step.href(detail)),
            is_done: step.is_done(detail),
            is_current: current == Some(step),
        });
        Self { connection: Some(heading(detail)), steps: steps.into(), ..Self::of(&of.open) }
    }

    /// Around the first step, before there is a connection.
    pub(crate) fn of_new(open: &Open) -> Self {
        let steps = Step::ALL.map(|step| StepLink {
            label: step.label(),
            href: None,
            is_done: false,
            is_current: step == Step::Vendor,
        });
        Self { steps: steps.into(), ..Self::of(open) }
    }

    /// With notices.
    pub(crate) fn with(mut self, notices: Vec<Notice>) -> Self {
        self.notices.extend(notices);
        self
    }
}

fn heading(detail: &Detail) -> Heading {
    let connection = &detail.connection;
    Heading {
        name: connection.name.as_str().to_owned(),
        state: state_name(connection.state),
        is_open: matches!(connection.state, ConnectionState::Pilot | ConnectionState::Active),
    }
}

/// The shared fields of a page here, in the organization's colour.
pub(crate) fn page(open: &Open) -> Page {
    Page::branded(&open.env, &open.organization)
}

/// What a form says again when it was not taken: its problems, and what is to be known of others' changes.
pub(crate) struct Retry {
    pub(crate) status: StatusCode,
    pub(crate) notice: Notice,
    pub(crate) problems: Vec<Problem>,
    /// Whoever saw the notice has seen this version.
    pub(crate) seen: Option<i32>,
}

/// How a form is shown again; `Err` where only a page of its own can say it.
pub(crate) fn retry(open: &Open, error: SetupError) -> Result<Retry, Box<Response>> {
    let (status, notice, problems, seen) = match error {
        SetupError::Invalid(problems) => {
            let text = problems.iter().map(|problem| problem.why.as_str()).collect::<Vec<_>>().join(" ");
            (
                StatusCode::UNPROCESSABLE_ENTITY,
                Notice::bad("Please check and try again", text),
                problems,
                None,
            )
        }
        SetupError::Stale(stale) => {
            let seen = stale.latest.as_ref().map(|version| version.version);
            (StatusCode::CONFLICT, changed(open, &stale), Vec::new(), seen)
        }
        SetupError::NotYet(why) => {
            let notice = Notice::bad("That is not possible yet", refusals::not_yet(why));
            (StatusCode::CONFLICT, notice, Vec::new(), None)
        }
        other => return Err(Box::new(open.refuse(&other))),
    };
    Ok(Retry { status, notice, problems, seen })
}

/// Who changed what meanwhile, and that nothing is lost.
fn changed(open: &Open, stale: &Stale) -> Notice {
    let what = match &stale.latest {
        None => "The list was changed since you opened this page.".to_owned(),
        Some(version) => {
            let who = if stale.by_this_link {
                "This link, in another window or by somebody else who has it,".to_owned()
            } else {
                let who = author(open, version);
                who.chars().take(1).flat_map(char::to_uppercase).chain(who.chars().skip(1)).collect()
            };
            let changed = match version.changed.first().map(String::as_str) {
                Some("mapping") => "attributes and roles",
                Some("provider") => "the identity provider’s side",
                _ => "the settings",
            };
            format!("{who} saved version {} ({changed}) on {}.", version.version, time(version.created_at))
        }
    };
    let text = format!(
        "{what} Nothing of yours is lost: it is in the form below. Save again to put it on top of that."
    );
    Notice::bad("Somebody changed this meanwhile", text)
}
