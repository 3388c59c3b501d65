//! Signing keys: by which the organization's own issuer signs, or, in the operator's organization, the shared one.

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::keys::{KeyLife, KeyState};
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::keys::Replacement;
use orgate_flows::manage::signing_keys::{WantedRotation, list_signing_keys, rotate_signing_keys};

use super::answers::Answer;
use super::change::answer;
use super::frame::{Frame, Part};
use super::{Admin, Submitted};
use crate::form::LinkQuery;
use crate::page::Page;
use crate::setup::day;

/// `templates/admin/signing_keys.html`.
#[derive(Template)]
#[template(path = "admin/signing_keys.html")]
struct SigningKeysTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    keys: Vec<KeyLine>,
    /// Where everyone reads them.
    document: String,
    /// Where the next ones are published, if they may do that.
    rotate: Option<String>,
}

/// One key.
struct KeyLine {
    kid: String,
    algorithm: &'static str,
    state: &'static str,
    /// Whether it signs.
    signs: bool,
    /// What happened last, or happens next, and when.
    note: String,
}

impl KeyLine {
    fn of((key, state): (KeyLife, KeyState)) -> Self {
        let signs = state == KeyState::Current;
        let since = |at: Option<_>| day(at.unwrap_or(key.published_at));
        let (state, note) = match state {
            KeyState::Next => {
                ("Next", format!("Published since {}, signs once everyone knows it", since(None)))
            }
            KeyState::Current => ("Signs", format!("Since {}", since(key.promoted_at))),
            KeyState::Retired | KeyState::Dropped | KeyState::Revoked => {
                let until = key.expires_at.map(|until| format!(", published until {}", day(until)));
                ("Retired", format!("Since {}{}", since(key.retired_at), until.unwrap_or_default()))
            }
        };
        Self { algorithm: key.algorithm.as_str(), signs, kid: key.kid, state, note }
    }
}

/// `GET …/signing-keys`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let said = (params.get("done") == Some("rotated")).then_some(
        "The next keys are published. Each begins to sign by itself, once everyone has had time to read it.",
    );
    let keys = admin.read(list_signing_keys(&admin.env, &admin.caller).await)?;
    let document = if admin.is_operators() {
        "/jwks.json".to_owned()
    } else {
        format!("/o/{}/jwks.json", admin.signed_in.organization.id)
    };
    let may_rotate = admin.caller.asking(OrgatePermission::SigningKeysManage).is_some() && !keys.is_empty();
    let template = SigningKeysTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::SigningKeys).saying(said),
        csrf: admin.token(),
        document: admin.env.issuer.at(&document),
        rotate: may_rotate.then(|| admin.href("/signing-keys/rotate")),
        keys: keys.into_iter().map(KeyLine::of).collect(),
    };
    Ok(admin.render(StatusCode::OK, &template))
}

/// `POST …/signing-keys/rotate`: of every algorithm that signs, on schedule. To have them sign at once is for an emergency, and for
/// whoever runs the server.
pub(crate) async fn post_rotate(Submitted { admin, .. }: Submitted) -> Answer {
    let wanted = WantedRotation { algorithm: None, how: Replacement::Scheduled };
    let done = rotate_signing_keys(&admin.env, &admin.caller, wanted, None).await.map(|_| ());
    answer(&admin, done, Part::SigningKeys.shown(), "rotated")
}
