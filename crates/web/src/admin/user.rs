//! One user: who they are, what they may do, and where they are signed in.

use std::collections::BTreeSet;

use askama::Template;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use orgate_domain::ids::{RoleId, SessionId, UserId};
use orgate_domain::permissions::OrgatePermission;
use orgate_domain::standing::UserStatus;
use orgate_flows::Failure;
use orgate_flows::manage::roles::list_all_roles;
use orgate_flows::manage::sessions::{end_session, end_sessions_of, list_sessions_of_found};
use orgate_flows::manage::users::{RoleChanges, change_roles, find_user};
use orgate_flows::manage::{ChangeError, ListedUser, OpenSession, Role};

use super::answers::Answer;
use super::change::{Refusal, answer, done, refusal_on};
use super::frame::{Frame, Part};
use super::role_boxes::HeldRole;
use super::{Admin, Named, Submitted};
use crate::form::LinkQuery;
use crate::language::Language;
use crate::moment::Moment;
use crate::page::{Org, Page};

/// `templates/admin/user.html`.
#[derive(Template)]
#[template(path = "admin/user.html")]
struct UserTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    /// The address of this page.
    here: String,
    user: Profile,
    /// The organization's roles, if they may be seen.
    roles: Option<Vec<HeldRole>>,
    roles_error: Option<String>,
    /// Whether any of the boxes can be changed.
    assigns: bool,
    /// Where the groups are that they are in, if these may be seen.
    groups: Option<String>,
    /// If they may be seen.
    sessions: Option<Vec<SessionLine>>,
    ends: bool,
    /// Whether the user can be deactivated, or let in again.
    manages: bool,
    /// What they did, if that may be seen.
    log: Option<String>,
}

/// Who they are.
struct Profile {
    id: String,
    name: String,
    initial: String,
    email: Option<String>,
    is_verified: bool,
    locale: Option<String>,
    external_id: Option<String>,
    is_active: bool,
    is_me: bool,
    created: Moment,
}

/// A session.
struct SessionLine {
    id: String,
    device: String,
    address: Option<String>,
    clients: String,
    signed_in: Moment,
    last_seen: Moment,
}

impl Profile {
    fn of(admin: &Admin, user: &ListedUser, now: DateTime<Utc>) -> Self {
        let profile = &user.profile;
        Self {
            id: user.id.to_string(),
            name: profile.name.clone(),
            initial: Org::named(&profile.name, None).monogram,
            email: profile.email.clone(),
            is_verified: profile.email_verified,
            locale: profile.locale.clone(),
            external_id: user.external_id.as_ref().map(|id| id.as_str().to_owned()),
            is_active: profile.status == UserStatus::Active,
            is_me: admin.caller.user_id() == Some(user.id),
            created: Moment::of(user.created_at, now),
        }
    }
}

impl SessionLine {
    fn of(session: &OpenSession, now: DateTime<Utc>) -> Self {
        Self {
            id: session.id.to_string(),
            device: Language::En.software(session.user_agent.as_deref()),
            address: session.address.map(|address| address.to_string()),
            clients: session.clients.join(", "),
            signed_in: Moment::of(session.signed_in_at, now),
            last_seen: Moment::of(session.last_seen_at, now),
        }
    }
}

/// `GET …/users/{user}`.
pub(crate) async fn get(admin: Admin, Named(id): Named<UserId>, LinkQuery(params): LinkQuery) -> Answer {
    let done = match params.get("done") {
        Some("profile") => Some("The profile is saved."),
        Some("roles") => Some("The roles are saved, and count at once."),
        Some("session") => Some("The session has ended. The applications are being told."),
        Some("sessions") => Some("All their sessions have ended. The applications are being told."),
        Some("deactivated") => Some("They are deactivated, and signed out everywhere."),
        Some("reactivated") => Some("They may sign in again."),
        _ => None,
    };
    show(&admin, id, (done, None)).await
}

/// A change of roles that was refused, and what was ticked.
type Refused = (Refusal, BTreeSet<RoleId>);

async fn show(admin: &Admin, id: UserId, said: (Option<&'static str>, Option<Refused>)) -> Answer {
    let status = said.1.as_ref().map_or(StatusCode::OK, |(refusal, _)| refusal.status);
    let template = admin.found(page(admin, id, said).await)?;
    Ok(admin.render(status, &template))
}

async fn page(
    admin: &Admin,
    id: UserId,
    (done, refused): (Option<&'static str>, Option<Refused>),
) -> Result<Option<UserTemplate>, Failure> {
    let (env, caller, now) = (&admin.env, &admin.caller, admin.env.clock.now());
    let Some(reader) = caller.asking(OrgatePermission::UsersRead) else { return Ok(None) };
    let Some(user) = find_user(env, &reader, id).await? else { return Ok(None) };
    let roles = match caller.asking(OrgatePermission::RolesRead) {
        Some(caller) => Some(list_all_roles(env, &caller).await?),
        None => None,
    };
    let ticked = refused.as_ref().map(|(_, ticked)| ticked);
    let boxed = |role: &Role| {
        let is_held = user.roles.iter().any(|slug| slug == role.slug.as_str());
        HeldRole::of(admin, (role, is_held), ticked)
    };
    let roles: Option<Vec<HeldRole>> = roles.map(|roles| roles.iter().map(boxed).collect());
    let sessions = match caller.asking(OrgatePermission::SessionsRead) {
        Some(caller) => Some(list_sessions_of_found(env, &caller, &user).await?),
        None => None,
    };
    Ok(Some(UserTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Users, Vec::new()).saying(done),
        csrf: admin.token(),
        here: admin.href(&format!("/users/{id}")),
        user: Profile::of(admin, &user, now),
        assigns: roles.iter().flatten().any(|role| role.is_open),
        roles,
        roles_error: refused.map(|(refusal, _)| refusal.wrong.why),
        groups: caller
            .asking(OrgatePermission::GroupsRead)
            .map(|_| admin.href(&format!("/users/{id}/groups"))),
        sessions: sessions.map(|all| all.iter().map(|session| SessionLine::of(session, now)).collect()),
        ends: caller.asking(OrgatePermission::SessionsManage).is_some(),
        manages: caller.asking(OrgatePermission::UsersManage).is_some(),
        log: caller.asking(OrgatePermission::AuditRead).map(|_| admin.href(&format!("/audit?user={id}"))),
    }))
}

/// `POST …/users/{user}/roles`: gives the roles that are ticked now and were not, and takes the others; what the form did not show
/// stays.
pub(crate) async fn post_roles(Named(id): Named<UserId>, Submitted { admin, form }: Submitted) -> Answer {
    let roles = |field| form.all(field).filter_map(|text| text.parse().ok()).collect::<BTreeSet<RoleId>>();
    let (wanted, held) = (roles("role"), roles("held"));
    let changes = RoleChanges { given: &wanted - &held, taken: &held - &wanted };
    let shown = format!("/users/{id}");
    let Err(error) = change_roles(&admin.env, &admin.caller, id, &changes).await else {
        return Ok(done(&admin, (&shown, OrgatePermission::UsersRead), "roles"));
    };
    let refusal = refusal_on(OrgatePermission::UsersRead, &admin, &error)?;
    show(&admin, id, (None, Some((refusal, wanted)))).await
}

/// `POST …/users/{user}/sessions`: ends one, or all of them.
pub(crate) async fn post_sessions(Named(id): Named<UserId>, Submitted { admin, form }: Submitted) -> Answer {
    let one = form.get("session").map(str::parse::<SessionId>);
    // The browser's way on would be to sign in, wherever that is: a form may not lead there, and a link may.
    let is_own = match one {
        Some(Ok(session)) => admin.caller.session_id() == Some(session),
        Some(Err(_)) => false,
        None => admin.caller.user_id() == Some(id),
    };
    let (result, said) = match one {
        Some(Ok(session)) => (end_session(&admin.env, &admin.caller, session).await, "session"),
        Some(Err(_)) => (Err(ChangeError::Missing), ""),
        None => (end_sessions_of(&admin.env, &admin.caller, id).await, "sessions"),
    };
    if is_own && result.is_ok() {
        return Ok(admin.signed_out());
    }
    answer(&admin, result, (&format!("/users/{id}"), OrgatePermission::UsersRead), said)
}
