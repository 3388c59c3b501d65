//! Whether something is to be deleted, asked once more: whoever does it types what it is called.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_flows::manage::ChangeError;

use super::Admin;
use super::frame::{Frame, Part};
use crate::page::{Link, Page};

/// What would be deleted.
pub(crate) struct Doomed<'a> {
    /// Of which part it is, and what one of that is called.
    pub(crate) of: (Part, &'static str),
    /// Its page, below the organization's first one.
    pub(crate) path: String,
    pub(crate) name: &'a str,
    /// What has to be typed.
    pub(crate) slug: &'a str,
    /// What follows from it.
    pub(crate) points: &'static [&'static str],
}

/// `templates/admin/delete.html`.
#[derive(Template)]
#[template(path = "admin/delete.html")]
struct DeleteTemplate<'a> {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    back: String,
    what: &'static str,
    name: &'a str,
    slug: &'a str,
    points: &'static [&'static str],
    error: Option<String>,
}

/// The page that asks.
pub(crate) fn ask(admin: &Admin, doomed: &Doomed<'_>, said: Option<(StatusCode, String)>) -> Response {
    let back = admin.href(&doomed.path);
    let above = Link { label: doomed.name.to_owned(), href: back.clone() };
    let (part, what) = doomed.of;
    let (status, error) = said.map_or((StatusCode::OK, None), |(status, error)| (status, Some(error)));
    let template = DeleteTemplate {
        page: admin.page(),
        frame: Frame::below(admin, part, vec![above]),
        csrf: admin.token(),
        here: format!("{back}/delete"),
        back,
        what,
        name: doomed.name,
        slug: doomed.slug,
        points: doomed.points,
        error,
    };
    admin.render(status, &template)
}

/// Whether what was typed is what something is called, as a page shows that: in whatever case, and with whatever space between words.
pub(crate) fn check_word(typed: &str, name: &str) -> Result<(), ChangeError> {
    let shown = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    if shown(typed) == shown(name) {
        Ok(())
    } else {
        Err(ChangeError::invalid("/word", "type it as it stands above"))
    }
}
