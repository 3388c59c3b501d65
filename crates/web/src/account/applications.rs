//! The applications that one can open, and those of other people's that have access.

use std::collections::BTreeSet;

use askama::Template;
use axum::response::Response;
use orgate_domain::clients::{Client, Party};
use orgate_flows::Failure;
use orgate_flows::account::{OpenApplication, list_applications};
use orgate_flows::consents::{GivenConsent, list_own, revoke_own};
use url::Url;

use super::frame::Part;
use super::{Member, Submitted};
use crate::consent::meaning;
use crate::frame::Frame;
use crate::moment::Moment;
use crate::page::Page;

/// `templates/account/applications.html`.
#[derive(Template)]
#[template(path = "account/applications.html")]
struct ApplicationsTemplate {
    page: Page,
    frame: Frame,
    open: Vec<OpenApplication>,
    allowed: Vec<Allowed>,
    /// How many there are beside those.
    allowed_more: usize,
}

/// Applications with access on the page: those that were allowed last.
const ALLOWED: usize = 100;

/// An application of somebody else's that has access: `templates/account/allowed.html`.
pub(super) struct Allowed {
    pub(super) client_id: String,
    pub(super) name: String,
    pub(super) hosts: String,
    pub(super) may: String,
    pub(super) given: Moment,
}

impl Allowed {
    pub(super) fn of(member: &Member, given: &GivenConsent) -> Self {
        let may = given.consent.scope.iter().map(|scope| meaning(member.language(), scope));
        Self {
            client_id: given.client.client_id.clone(),
            name: given.client.name.as_str().to_owned(),
            hosts: hosts(&given.client),
            may: may.collect::<Vec<_>>().join(", "),
            given: member.moment(given.consent.updated_at),
        }
    }
}

/// `GET /account/applications`.
pub(crate) async fn get(member: Member) -> Response {
    match page(&member).await {
        Ok(template) => member.render(&template),
        Err(failure) => member.failed(&failure),
    }
}

async fn page(member: &Member) -> Result<ApplicationsTemplate, Failure> {
    let (env, own) = (&member.env, &member.own);
    let said = member.params.get("done").map(|_| member.language().say("account-access-gone"));
    let given = list_own(env, own).await?;
    Ok(ApplicationsTemplate {
        page: member.page(),
        frame: member.frame(Part::Applications).saying(said),
        open: list_applications(env, own).await?,
        allowed: given.iter().take(ALLOWED).map(|given| Allowed::of(member, given)).collect(),
        allowed_more: given.len().saturating_sub(ALLOWED),
    })
}

/// `POST /account/applications`: takes back what an application may have. One that has no access any more is as good as that.
pub(crate) async fn post(Submitted { member, form }: Submitted) -> Response {
    let client = form.get("client").unwrap_or_default();
    // Two pages have the form, and each is where it leads back to.
    let shown = if form.get("from") == Some("applications") { "/applications" } else { "/sessions" };
    match revoke_own(&member.env, &member.own, client, &member.cookies.browser).await {
        Ok(_) => member.done(shown, "access"),
        Err(failure) => member.failed(&failure),
    }
}

/// Where a client is: the host of its document, or those that it has people sent to.
pub(super) fn hosts(client: &Client) -> String {
    if client.settings.party == Party::Unregistered {
        return client.home_url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
    }
    let urls = client.redirect_uris.iter().filter_map(|uri| Url::parse(uri.as_str()).ok());
    let hosts: BTreeSet<String> = urls.filter_map(|url| url.host_str().map(str::to_owned)).collect();
    hosts.into_iter().collect::<Vec<_>>().join(", ")
}
