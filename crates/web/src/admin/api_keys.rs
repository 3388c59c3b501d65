//! API keys: which there are, for what, and until when.

use askama::Template;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use orgate_domain::api_keys::{ApiKey, KeyMaker};
use orgate_domain::ids::ApiKeyId;
use orgate_domain::permissions::OrgatePermission;
use orgate_domain::roles::Permission;
use orgate_domain::setup::LinkMaker;
use orgate_flows::manage::PageOf;
use orgate_flows::manage::api_keys::{list_api_keys, revoke_api_key};

use super::answers::Answer;
use super::change::{ALREADY, answer};
use super::frame::{Frame, Pager, Part};
use super::naming::maker;
use super::{Admin, Named, Submitted};
use crate::form::LinkQuery;
use crate::moment::Moment;
use crate::page::Page;
use crate::setup::day;

/// Keys on one page.
const ON_A_PAGE: usize = 50;

/// `templates/admin/api_keys.html`.
#[derive(Template)]
#[template(path = "admin/api_keys.html")]
struct ApiKeysTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    keys: Vec<KeyLine>,
    pager: Pager,
    /// Where to make one, if they may.
    new: Option<String>,
    /// Whether they may take keys back.
    manages: bool,
}

/// One key.
struct KeyLine {
    id: String,
    name: String,
    permissions: String,
    who: &'static str,
    who_href: Option<String>,
    made: Moment,
    used: Option<Moment>,
    state: &'static str,
    /// Whether it is worth anything.
    is_good: bool,
    expires: String,
}

impl KeyLine {
    fn of(admin: &Admin, key: &ApiKey, now: DateTime<Utc>) -> Self {
        let (state, is_good) = match key.revoked_at {
            Some(_) => ("Taken back", false),
            None if key.expires_at <= now => ("Expired", false),
            None => ("Good", true),
        };
        let made_by = match key.maker {
            KeyMaker::Client(id) => LinkMaker::Client(id),
            KeyMaker::User(id) => LinkMaker::User(id),
        };
        let (who, who_href) = maker(admin, Some(made_by));
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            permissions: key.permissions.iter().map(Permission::as_str).collect::<Vec<_>>().join(", "),
            who,
            who_href,
            made: Moment::of(key.created_at, now),
            used: key.last_used_at.map(|at| Moment::of(at, now)),
            state,
            is_good,
            expires: day(key.expires_at),
        }
    }
}

/// `GET …/api-keys`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let said = match params.get("done") {
        Some("already") => Some(ALREADY),
        Some("revoked") => Some("The key is taken back. It is worth nothing any more."),
        _ => None,
    };
    let after = params.get("after").and_then(|text| text.parse::<ApiKeyId>().ok());
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = admin.read(list_api_keys(&admin.env, &admin.caller, page).await)?;
    let (here, now) = (admin.href(Part::ApiKeys.path()), admin.env.clock.now());
    let manages = admin.caller.asking(OrgatePermission::ApiKeysManage).is_some();
    let template = ApiKeysTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::ApiKeys).saying(said),
        csrf: admin.token(),
        keys: found.items.iter().map(|key| KeyLine::of(&admin, key, now)).collect(),
        pager: Pager::of(&here, after.is_some(), found.next),
        new: manages.then(|| admin.href("/api-keys/new")),
        manages,
        here,
    };
    Ok(admin.render(StatusCode::OK, &template))
}

/// `POST …/api-keys/{api_key}/revoke`.
pub(crate) async fn post_revoke(Named(id): Named<ApiKeyId>, Submitted { admin, .. }: Submitted) -> Answer {
    let done = revoke_api_key(&admin.env, &admin.caller, id).await;
    answer(&admin, done, Part::ApiKeys.shown(), "revoked")
}
