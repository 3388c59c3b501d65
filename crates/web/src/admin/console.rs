//! The console: all organizations, for the operator's people.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::ids::OrgId;
use orgate_domain::names::{DisplayName, ExternalId, Slug};
use orgate_domain::organizations::OrgStatus;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::administration::PATH;
use orgate_flows::bootstrap::OPERATOR_SLUG;
use orgate_flows::manage::organizations::{WantedOrganization, create_organization, list_organizations};
use orgate_flows::manage::{ChangeError, ListedOrganization, OrganizationFilter, PageOf};
use orgate_flows::{Env, sentence};

use super::answers::Answer;
use super::change::{Refusal, Wrongs, done, refusal};
use super::frame::{Frame, Pager, Part};
use super::{Admin, Submitted};
use crate::fields::Form;
use crate::form::LinkQuery;
use crate::moment::Moment;
use crate::page::{Org, Page};
use crate::present::see_other;

/// Organizations on one page.
const ON_A_PAGE: usize = 50;

/// Characters of what is looked for, at most.
const MAX_LOOKED_FOR: usize = 200;

/// `templates/admin/organizations.html`.
#[derive(Template)]
#[template(path = "admin/organizations.html")]
struct OrganizationsTemplate {
    page: Page,
    frame: Frame,
    here: String,
    /// What is looked for.
    find: String,
    organizations: Vec<OrganizationLine>,
    pager: Pager,
    /// Where to make one, if they may.
    new: Option<String>,
}

/// One organization.
struct OrganizationLine {
    name: String,
    initial: String,
    slug: String,
    external_id: Option<String>,
    status: OrgStatus,
    made: Moment,
    /// What its administrators see, if they may look.
    href: Option<String>,
    /// Its status and limits, if they may change these.
    standing: Option<String>,
}

/// `templates/admin/organization_new.html`.
#[derive(Template)]
#[template(path = "admin/organization_new.html")]
struct NewTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    back: String,
    name: String,
    slug: String,
    external_id: String,
    parent: String,
    wrongs: Wrongs,
}

impl OrganizationLine {
    fn of(admin: &Admin, listed: ListedOrganization) -> Self {
        let at = admin.href(&format!("/organizations/{}", listed.id));
        let is_own = listed.id == admin.signed_in.organization.id;
        let acts = admin.caller.may(OrgatePermission::OrganizationsAct)
            && admin.caller.may(OrgatePermission::OrganizationRead);
        let manages = admin.caller.may(OrgatePermission::OrganizationsManage);
        Self {
            initial: Org::named(&listed.name, None).monogram,
            href: if is_own { Some(admin.href("")) } else { acts.then(|| at.clone()) },
            standing: (manages && !is_own).then(|| format!("{at}/standing")),
            name: listed.name,
            slug: listed.slug.to_string(),
            external_id: listed.external_id.map(|id| id.as_str().to_owned()),
            status: listed.status,
            made: Moment::of(listed.created_at, admin.env.clock.now()),
        }
    }
}

/// `GET /console`: where operators are sent who type the address.
pub(crate) async fn lead(State(env): State<Env>) -> Response {
    see_other(&env.issuer.at(&format!("{PATH}/{OPERATOR_SLUG}/organizations")))
}

/// `GET …/organizations`: a page of them, or of those that have in them what is looked for.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let find: String = params.get("find").unwrap_or_default().trim().chars().take(MAX_LOOKED_FOR).collect();
    let after = params.get("after").and_then(|text| text.parse::<OrgId>().ok());
    let filter = OrganizationFilter {
        text: Some(find.as_str()).filter(|text| !text.is_empty()),
        ..OrganizationFilter::default()
    };
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = admin.read(list_organizations(&admin.env, &admin.caller, (filter, page)).await)?;
    let here = admin.href("/organizations");
    let with = |after: Option<OrgId>| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !find.is_empty() {
            query.append_pair("find", &find);
        }
        if let Some(after) = after {
            query.append_pair("after", &after.to_string());
        }
        format!("{here}?{}", query.finish())
    };
    let new = admin.caller.asking(OrgatePermission::OrganizationsManage);
    let template = OrganizationsTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Organizations).saying(match params.get("done") {
            Some("made") => {
                Some("The organization is there. Invite its first administrator from its own pages.")
            }
            _ => None,
        }),
        pager: Pager { first: after.map(|_| with(None)), next: found.next.map(|after| with(Some(after))) },
        organizations: found.items.into_iter().map(|listed| OrganizationLine::of(&admin, listed)).collect(),
        new: new.map(|_| admin.href("/organizations/new")),
        here: here.clone(),
        find: find.clone(),
    };
    Ok(admin.render_live(StatusCode::OK, &template))
}

/// `GET …/organizations/new`.
pub(crate) async fn get_new(admin: Admin) -> Response {
    show_new(&admin, &Form::default(), None)
}

/// `POST …/organizations/new`.
pub(crate) async fn post_new(Submitted { admin, form }: Submitted) -> Answer {
    let made = match wanted(&form) {
        Ok(wanted) => create_organization(&admin.env, &admin.caller, wanted, None).await,
        Err(error) => Err(error),
    };
    let Err(error) = made else {
        return Ok(done(&admin, ("/organizations", OrgatePermission::OrganizationsRead), "made"));
    };
    let refusal = refusal(&admin, &error)?;
    Ok(show_new(&admin, &form, Some(refusal)))
}

/// What the form asks for.
fn wanted(form: &Form) -> Result<WantedOrganization, ChangeError> {
    let invalid = |field: &str, error: String| ChangeError::invalid(format!("/{field}"), sentence(&error));
    let external_id = form.get("external_id").map(ExternalId::parse).transpose();
    Ok(WantedOrganization {
        name: DisplayName::parse(form.text("name")).map_err(|error| invalid("name", error.to_string()))?,
        slug: Slug::parse(form.text("slug")).map_err(|error| invalid("slug", error.to_string()))?,
        external_id: external_id.map_err(|error| invalid("external_id", error.to_string()))?,
        parent: form.get("parent").map(str::to_owned),
    })
}

fn show_new(admin: &Admin, form: &Form, refusal: Option<Refusal>) -> Response {
    let (status, wrongs) = Wrongs::of(refusal, &["name", "slug", "external_id", "parent"]);
    let template = NewTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Organizations, Vec::new()),
        csrf: admin.token(),
        here: admin.href("/organizations/new"),
        back: admin.href("/organizations"),
        name: form.text("name").to_owned(),
        slug: form.text("slug").to_owned(),
        external_id: form.text("external_id").to_owned(),
        parent: form.text("parent").to_owned(),
        wrongs,
    };
    admin.render(status, &template)
}
