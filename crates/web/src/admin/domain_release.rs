//! Giving a domain up: asked once more before it is done.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::domains::OrgDomain;
use orgate_domain::ids::DomainId;
use orgate_flows::manage::domains::{find_domain, release_domain};

use super::change::{done, refusal};
use super::delete::check_word;
use super::domains::SHOWN;
use super::frame::{Frame, Part};
use super::{Admin, Named, Submitted, entry};
use crate::page::{Link, Page, failed};

/// `templates/admin/domain_release.html`.
#[derive(Template)]
#[template(path = "admin/domain_release.html")]
struct ReleaseTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    /// Back to the domain.
    back: String,
    name: String,
    is_verified: bool,
    error: Option<String>,
}

/// `GET …/give-up`.
pub(crate) async fn get(admin: Admin, Named(id): Named<DomainId>) -> Response {
    match find(&admin, id).await {
        Ok(domain) => page(&admin, &domain, None),
        Err(response) => *response,
    }
}

/// `POST …/give-up`: once its name was typed.
pub(crate) async fn post(Named(id): Named<DomainId>, Submitted { admin, form }: Submitted) -> Response {
    let domain = match find(&admin, id).await {
        Ok(domain) => domain,
        Err(response) => return *response,
    };
    if check_word(form.text("word"), domain.name.as_str()).is_err() {
        let error = (StatusCode::UNPROCESSABLE_ENTITY, "Type it as it stands above.".to_owned());
        return page(&admin, &domain, Some(error));
    }
    let Err(error) = release_domain(&admin.env, &admin.caller, id, |_| Ok(())).await else {
        return done(&admin, SHOWN, "given-up");
    };
    match refusal(&admin, &error) {
        Ok(refusal) => page(&admin, &domain, Some((refusal.status, refusal.wrong.why))),
        Err(response) => *response,
    }
}

/// The domain, for whoever may read of domains: to give one up is another permission.
async fn find(admin: &Admin, id: DomainId) -> Result<OrgDomain, Box<Response>> {
    let Some(reader) = admin.caller.asking(SHOWN.1) else {
        return Err(Box::new(entry::lacks(admin, SHOWN.1)));
    };
    match find_domain(&admin.env, &reader, id).await {
        Ok(Some(domain)) => Ok(domain),
        Ok(None) => Err(Box::new(entry::missing(admin))),
        Err(failure) => Err(Box::new(failed(&admin.env, &admin.cookies.browser.origin, &failure))),
    }
}

fn page(admin: &Admin, domain: &OrgDomain, said: Option<(StatusCode, String)>) -> Response {
    let back = admin.href(&format!("/domains/{}", domain.id));
    let above = Link { label: domain.name.to_string(), href: back.clone() };
    let (status, error) = said.map_or((StatusCode::OK, None), |(status, error)| (status, Some(error)));
    let template = ReleaseTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Domains, vec![above]),
        csrf: admin.token(),
        here: format!("{back}/give-up"),
        back,
        name: domain.name.to_string(),
        is_verified: domain.verified_at.is_some(),
        error,
    };
    admin.render(status, &template)
}
