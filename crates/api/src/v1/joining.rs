//! `/organizations/{organization}/joining`.

use axum::extract::State;
use chrono::{DateTime, Utc};
use orgate_domain::joining::{Entry, Joining};
use orgate_flows::Env;
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::joining::{JoiningTerms, find_joining, update_joining};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::change::{Patch, Tagged};
use super::organizations::slug;
use super::problem::Problem;

/// Who may join an organization without an invitation, and what they are given.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Joining)]
pub(crate) struct View {
    #[serde(flatten)]
    own: Settings,
    /// Who vouches for the roles, and could still give them when somebody joins: an id, or `operator`. Null: nobody has said
    /// anything yet.
    set_by: Option<String>,
    /// When they said so.
    set_at: Option<DateTime<Utc>>,
}

/// What is allowed.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = JoiningSettings)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Whoever has an address of a domain that the organization has verified.
    domains: EntryView,
    /// Whoever has another address: `closed` or `request`.
    others: EntryView,
    /// Slugs of roles that you could give: whoever joins gets them. If whoever said so could not give them any more, whoever
    /// could join asks instead.
    #[schema(max_items = 50)]
    roles: Vec<String>,
}

/// What somebody may do once their address is proven: nothing, ask an administrator, or join.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = Entry)]
#[serde(rename_all = "snake_case")]
enum EntryView {
    #[default]
    Closed,
    Request,
    Automatic,
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        match entry {
            Entry::Closed => Self::Closed,
            Entry::Request => Self::Request,
            Entry::Automatic => Self::Automatic,
        }
    }
}

impl From<EntryView> for Entry {
    fn from(entry: EntryView) -> Self {
        match entry {
            EntryView::Closed => Self::Closed,
            EntryView::Request => Self::Request,
            EntryView::Automatic => Self::Automatic,
        }
    }
}

impl From<&Joining> for Settings {
    fn from(joining: &Joining) -> Self {
        Self {
            domains: joining.domains.into(),
            others: joining.others.into(),
            roles: joining.roles.iter().cloned().collect(),
        }
    }
}

impl From<Option<&Joining>> for View {
    fn from(joining: Option<&Joining>) -> Self {
        Self {
            own: joining.map(Settings::from).unwrap_or_default(),
            set_by: joining.map(|joining| joining.set_by.clone()),
            set_at: joining.map(|joining| joining.set_at),
        }
    }
}

impl TryFrom<Settings> for JoiningTerms {
    type Error = ChangeError;

    fn try_from(settings: Settings) -> Result<Self, ChangeError> {
        let roles = settings.roles.iter().enumerate();
        let roles = roles.map(|(place, text)| slug(&format!("/roles/{place}"), text));
        Ok(Self {
            domains: settings.domains.into(),
            others: settings.others.into(),
            roles: roles.collect::<Result<_, _>>()?,
        })
    }
}

/// Read who may join an organization without an invitation.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/joining",
    tag = "Joining",
    operation_id = "getJoining",
    responses((status = 200, description = "Who may join", body = View)),
)]
pub(crate) async fn get(State(env): State<Env>, Admitted(caller): Admitted) -> Result<Tagged<View>, Problem> {
    Ok(Tagged(find_joining(&env, &caller).await?.as_ref().into()))
}

/// Say who may join an organization without an invitation, and with which roles. You vouch for these from now on. A link that
/// somebody got by what was said before opens nothing any more.
#[utoipa::path(
    patch,
    path = "/organizations/{organization}/joining",
    tag = "Joining",
    operation_id = "updateJoining",
    request_body(content = Settings, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "Who may join", body = View)),
)]
pub(crate) async fn patch(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    patch: Patch,
) -> Result<Tagged<View>, Problem> {
    let edit = |now: Option<&Joining>| {
        let settings = now.map(Settings::from).unwrap_or_default();
        patch.onto::<Settings>(&View::from(now), &settings)?.try_into()
    };
    Ok(Tagged(Some(&update_joining(&env, &caller, edit).await?).into()))
}
