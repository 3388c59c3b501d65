//! The organization's users: who they are, and whether they may sign in.

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::email::Email;
use orgate_domain::ids::UserId;
use orgate_domain::permissions::OrgatePermission;
use orgate_domain::standing::UserStatus;
use orgate_flows::manage::users::{INACTIVE_DAYS, MAX_SEARCH, UserFilter, UserQuery, list_users};
use orgate_flows::manage::{ListedUser, PageOf};

use super::Admin;
use super::answers::Answer;
use super::frame::{Frame, Pager, Part};
use crate::form::LinkQuery;
use crate::moment::Moment;
use crate::page::Page;

/// Users on one page.
const ON_A_PAGE: usize = 50;

/// `templates/admin/users.html`.
#[derive(Template)]
#[template(path = "admin/users.html")]
struct UsersTemplate {
    page: Page,
    frame: Frame,
    /// Where the form that looks for somebody goes.
    here: String,
    /// What is looked for.
    search: String,
    search_error: Option<String>,
    /// Characters of it at most.
    max_search: usize,
    /// Who is shown, of all whom the form offers.
    shown: Vec<Choice>,
    /// Whether not everybody is.
    is_narrowed: bool,
    users: Vec<UserLine>,
    pager: Pager,
    invite: Option<String>,
}

/// Some of the users.
struct Choice {
    value: &'static str,
    label: String,
    is_chosen: bool,
}

/// Whom a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Show {
    Everybody,
    Active,
    Inactive,
    Deactivated,
}

impl Show {
    const ALL: [Self; 4] = [Self::Everybody, Self::Active, Self::Inactive, Self::Deactivated];

    const fn value(self) -> &'static str {
        match self {
            Self::Everybody => "",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Deactivated => "deactivated",
        }
    }

    fn label(self) -> String {
        match self {
            Self::Everybody => "Everybody".to_owned(),
            Self::Active => "Whoever may sign in".to_owned(),
            Self::Inactive => format!("Not signed in for {INACTIVE_DAYS} days"),
            Self::Deactivated => "Deactivated".to_owned(),
        }
    }

    /// Those of them who are called so.
    fn who_are(self, search: &str) -> UserFilter {
        UserFilter::Those(UserQuery {
            search: search.to_owned(),
            status: match self {
                Self::Active => Some(UserStatus::Active),
                Self::Deactivated => Some(UserStatus::Deactivated),
                Self::Everybody | Self::Inactive => None,
            },
            inactive_days: (self == Self::Inactive).then_some(INACTIVE_DAYS),
        })
    }
}

/// One user.
struct UserLine {
    href: String,
    name: String,
    initial: String,
    email: Option<String>,
    roles: String,
    /// When they last signed in, where that is known.
    seen: Option<Moment>,
    is_active: bool,
    is_me: bool,
}

impl UserLine {
    fn of(admin: &Admin, user: &ListedUser) -> Self {
        let now = admin.env.clock.now();
        Self {
            href: admin.href(&format!("/users/{}", user.id)),
            name: user.profile.name.clone(),
            initial: crate::page::Org::named(&user.profile.name, None).monogram,
            email: user.profile.email.clone().filter(|email| *email != user.profile.name),
            roles: user.roles.join(", "),
            seen: user.signed_in_at.map(|at| Moment::of(at, now)),
            is_active: user.profile.status == UserStatus::Active,
            is_me: admin.caller.user_id() == Some(user.id),
        }
    }
}

/// `GET …/users`: a page of them, or of those who are looked for.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let search = params.get("search").unwrap_or_default().trim();
    let asked = params.get("show").unwrap_or_default();
    let show = Show::ALL.into_iter().find(|show| show.value() == asked).unwrap_or(Show::Everybody);
    let is_long = search.chars().count() > MAX_SEARCH;
    // An address is kept as it is compared: of a domain in another script, that is not as it is written.
    let address = Email::stored(search).ok();
    let looked_for = address.as_ref().map_or(search, Email::normalized);
    let filter = show.who_are(if is_long { "" } else { looked_for });
    let after = params.get("after").and_then(|text| text.parse::<UserId>().ok());
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = admin.read(list_users(&admin.env, &admin.caller, (&filter, page)).await)?;
    let here = admin.href("/users");
    let narrowed: Vec<_> = [("search", search), ("show", show.value())]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let link = |after: Option<UserId>| {
        let after = after.map(|after| after.to_string());
        let pairs = narrowed.iter().copied().chain(after.as_deref().map(|after| ("after", after)));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        if query.is_empty() { here.clone() } else { format!("{here}?{query}") }
    };
    let invite = admin.caller.asking(OrgatePermission::InvitationsManage);
    let done = (params.get("done") == Some("deleted")).then_some("The user is gone for good.");
    let template = UsersTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Users).saying(done),
        search: search.to_owned(),
        search_error: is_long.then(|| format!("Enter fewer characters: {MAX_SEARCH} at most.")),
        max_search: MAX_SEARCH,
        shown: Show::ALL
            .map(|one| Choice { value: one.value(), label: one.label(), is_chosen: one == show })
            .into(),
        is_narrowed: !narrowed.is_empty(),
        users: found.items.iter().map(|user| UserLine::of(&admin, user)).collect(),
        pager: Pager { first: after.map(|_| link(None)), next: found.next.map(|after| link(Some(after))) },
        invite: invite.map(|_| admin.href("/invitations/new")),
        here,
    };
    let status = if is_long { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(admin.render_live(status, &template))
}
