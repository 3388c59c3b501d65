//! Whether an organization may be signed in to, and how much it may have: the operator's to say.

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::organizations::OrgStatus;
use orgate_domain::quotas::Quota;
use orgate_flows::manage::organizations::{change_status, list_organizations};
use orgate_flows::manage::quotas::{QuotaState, list_quotas};
use orgate_flows::manage::seats::{LimitChanges, Moved, Seats, find_seats, set_limits};
use orgate_flows::manage::{ChangeError, ListedOrganization, OrganizationFilter, PageOf};

use super::answers::Answer;
use super::change::{Refusal, Wrong, Wrongs, refusal};
use super::confirm::check_word;
use super::frame::{Frame, Part};
use super::{Admin, Submitted, entry};
use crate::fields::Form;
use crate::form::LinkQuery;
use crate::moment::Moment;
use crate::page::Page;
use crate::present::see_other;

/// `templates/admin/standing.html`.
#[derive(Template)]
#[template(path = "admin/standing.html")]
struct StandingTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    name: String,
    slug: String,
    id: String,
    external_id: Option<String>,
    status: OrgStatus,
    made: Moment,
    /// Until when it can be restored, if it was deleted.
    erased_after: Option<String>,
    is_operators: bool,
    seats: SeatLine,
    limits: Vec<LimitLine>,
    wrongs: Wrongs,
}

/// How many seats there are.
struct SeatLine {
    /// As it is typed; empty: no end of them.
    limit: String,
    /// What it is.
    was: String,
    used: i64,
}

/// How many of a kind there may be.
struct LimitLine {
    field: &'static str,
    label: &'static str,
    /// As it is typed; empty: as many as usual.
    limit: String,
    /// What it is.
    was: String,
    usual: u32,
    used: i64,
}

/// `GET …/organizations/{other}/standing`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let done = match params.get("done") {
        Some("limits") => Some("The limits are saved."),
        Some("status") => Some("The status is changed."),
        _ => None,
    };
    show(&admin, (done, None), None).await
}

/// `POST …/standing/status`: suspends, deletes or restores it; what shuts people out once its slug was typed.
pub(crate) async fn post_status(Submitted { admin, form }: Submitted) -> Answer {
    let Some(status) = OrgStatus::from_text(form.text("status")) else {
        return Err(entry::old_page(&admin).into());
    };
    let typed = check_word(form.text("word"), admin.signed_in.organization.slug.as_str()).is_ok();
    if status != OrgStatus::Active && !typed {
        let why = "Type it as it stands above.".to_owned();
        let field = if status == OrgStatus::Deleted { "delete-word" } else { "suspend-word" };
        let refusal = Refusal {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            wrong: Wrong { field: field.to_owned(), why },
        };
        return show(&admin, (None, Some(refusal)), Some(&form)).await;
    }
    let Some(seen) = OrgStatus::from_text(form.text("was")) else {
        return Err(entry::old_page(&admin).into());
    };
    let changed = change_status(&admin.env, &admin.caller, (Some(seen), status)).await.map(drop);
    concluded(&admin, changed, (&form, "status")).await
}

/// `POST …/standing/limits`: saves those that are not as they were shown.
pub(crate) async fn post_limits(Submitted { admin, form }: Submitted) -> Answer {
    let changed = save_limits(&admin, &form).await;
    concluded(&admin, changed, (&form, "limits")).await
}

/// What a form makes of a limit; `None`: nothing else than it was.
fn moved(form: &Form, field: &str) -> Result<Option<Moved>, ChangeError> {
    let (was, now) = (form.get(&format!("was-{field}")), form.get(field));
    if was == now {
        return Ok(None);
    }
    let invalid = |_| ChangeError::invalid(format!("/{field}"), "a number, like 25; or nothing");
    let read = |text: Option<&str>| text.map(|text| text.parse::<u32>().map_err(invalid)).transpose();
    Ok(Some(Moved { from: read(was)?, to: read(now)? }))
}

async fn save_limits(admin: &Admin, form: &Form) -> Result<(), ChangeError> {
    let mut changes = LimitChanges { seats: moved(form, "seats")?, ..LimitChanges::default() };
    for quota in Quota::ALL {
        if let Some(moved) = moved(form, quota.as_str())? {
            changes.quotas.insert(quota, moved);
        }
    }
    set_limits(&admin.env, &admin.caller, &changes).await
}

async fn concluded(admin: &Admin, changed: Result<(), ChangeError>, (form, said): (&Form, &str)) -> Answer {
    let Err(error) = changed else {
        return Ok(see_other(&admin.env.issuer.at(&format!("{}?done={said}", admin.href("/standing")))));
    };
    let refusal = refusal(admin, &error)?;
    show(admin, (None, Some(refusal)), Some(form)).await
}

/// What the page shows of the organization.
struct Standing {
    listed: ListedOrganization,
    seats: Seats,
    quotas: Vec<QuotaState>,
}

async fn read(admin: &Admin) -> Result<Option<Standing>, orgate_flows::Failure> {
    let (env, caller) = (&admin.env, &admin.caller);
    let id = Some(admin.signed_in.organization.id);
    let filter = OrganizationFilter { id, ..OrganizationFilter::default() };
    let listed = list_organizations(env, caller, (filter, PageOf { after: None, limit: 1 })).await?;
    let Some(listed) = listed.items.into_iter().next() else { return Ok(None) };
    let (seats, quotas) = (find_seats(env, caller).await?, list_quotas(env, caller).await?);
    Ok(Some(Standing { listed, seats, quotas }))
}

async fn show(
    admin: &Admin,
    (done, refusal): (Option<&'static str>, Option<Refusal>),
    form: Option<&Form>,
) -> Answer {
    let Standing { listed, seats, quotas } = admin.found(read(admin).await)?;
    let mut fields = vec!["seats", "suspend-word", "delete-word"];
    fields.extend(Quota::ALL.iter().map(|quota| quota.as_str()));
    let (status, wrongs) = Wrongs::of(refusal, &fields);
    let text = |limit: Option<u32>| limit.map_or_else(String::new, |limit| limit.to_string());
    let typed = |field: &str, was: &str| match form {
        Some(form) if form.is_ticked(field) => form.text(field).to_owned(),
        _ => was.to_owned(),
    };
    let limits = quotas.iter().map(|state| (state, text((!state.is_usual).then_some(state.limit))));
    let limits = limits.map(|(state, was)| LimitLine {
        field: state.quota.as_str(),
        label: label(state.quota),
        limit: typed(state.quota.as_str(), &was),
        was,
        usual: state.quota.usual(),
        used: state.used,
    });
    let template = StandingTemplate {
        page: admin.page(),
        frame: Frame::of(admin, Part::Organizations).saying(done),
        csrf: admin.token(),
        here: admin.href("/standing"),
        seats: SeatLine {
            limit: typed("seats", &text(seats.limit)),
            was: text(seats.limit),
            used: seats.users + seats.invitations,
        },
        limits: limits.collect(),
        name: listed.name,
        slug: listed.slug.to_string(),
        id: listed.id.to_string(),
        external_id: listed.external_id.map(|id| id.as_str().to_owned()),
        status: listed.status,
        made: Moment::of(listed.created_at, admin.env.clock.now()),
        erased_after: listed.erase_after.map(|at| at.format("%-d %B %Y").to_string()),
        is_operators: admin.is_operators(),
        wrongs,
    };
    Ok(admin.render(status, &template))
}

/// A kind of thing, as the page names it.
const fn label(quota: Quota) -> &'static str {
    match quota {
        Quota::ApiKeys => "API keys",
        Quota::Clients => "Applications",
        Quota::Connections => "Identity providers",
        Quota::Domains => "Domains",
        Quota::Groups => "Groups",
        Quota::Roles => "Roles",
        Quota::Webhooks => "Webhooks",
    }
}
