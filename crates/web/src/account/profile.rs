//! The first page: who one is in the organization.

use askama::Template;
use axum::response::Response;
use orgate_flows::account::{OwnRecord, find_record};

use super::Member;
use super::frame::Part;
use crate::frame::Frame;
use crate::moment::Moment;
use crate::page::Page;

/// `templates/account/profile.html`.
#[derive(Template)]
#[template(path = "account/profile.html")]
struct ProfileTemplate {
    page: Page,
    frame: Frame,
    id: String,
    email: Option<String>,
    is_verified: bool,
    locale: Option<String>,
    record: OwnRecord,
    created: Moment,
    /// Where what is kept of them is downloaded.
    export: String,
}

/// `GET /account`.
pub(crate) async fn get(member: Member) -> Response {
    let record = match find_record(&member.env, &member.own).await {
        Ok(Some(record)) => record,
        Ok(None) => return member.not_signed_in(),
        Err(failure) => return member.failed(&failure),
    };
    let user = &member.own.user;
    let template = ProfileTemplate {
        page: member.page(),
        frame: member.frame(Part::Profile),
        id: member.own.session.user_id.to_string(),
        email: user.email.clone(),
        is_verified: user.email_verified,
        locale: user.locale.clone(),
        created: member.moment(record.created_at),
        record,
        export: member.href("/export"),
    };
    member.render(&template)
}
