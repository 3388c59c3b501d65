//! Whether something is to be done, asked once more: whoever does what cannot just be undone types what it is called.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_flows::manage::ChangeError;

use super::Admin;
use super::change::Refusal;
use super::frame::{Frame, Part};
use crate::page::{Link, Page};

/// What is asked.
pub(crate) struct Question<'a> {
    /// The page of what it is about, below the organization's first one: of which part, and where. Below that, where it is asked.
    pub(crate) at: (Part, String, &'static str),
    pub(crate) name: &'a str,
    /// The question, around the name.
    pub(crate) before: String,
    pub(crate) after: &'static str,
    /// What follows from it.
    pub(crate) points: Vec<String>,
    /// What has to be typed: what that is called, and how it reads.
    pub(crate) word: Option<(&'static str, &'a str)>,
    /// Which version of it is shown.
    pub(crate) version: Option<String>,
    /// What the button says.
    pub(crate) verb: String,
    /// What is said where it was not done.
    pub(crate) refused: &'static str,
}

/// `templates/admin/confirm.html`.
#[derive(Template)]
#[template(path = "admin/confirm.html")]
struct ConfirmTemplate<'a> {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    back: String,
    asks: Question<'a>,
    error: Option<String>,
}

impl<'a> Question<'a> {
    /// Whether something is to be deleted, by its short name.
    pub(crate) fn delete(
        (part, path): (Part, String),
        (what, name, slug): (&str, &'a str, &'a str),
        points: &[&str],
    ) -> Self {
        Self {
            at: (part, path, "/delete"),
            name,
            before: format!("Delete the {what}"),
            after: "",
            points: points.iter().map(|&point| point.to_owned()).collect(),
            word: Some(("its short name", slug)),
            version: None,
            verb: format!("Delete the {what}"),
            refused: "Nothing was deleted",
        }
    }

    /// The page that asks, and says why it was not done.
    pub(crate) fn ask(self, admin: &Admin, refusal: Option<Refusal>) -> Response {
        let (part, path, below) = &self.at;
        let back = admin.href(path);
        let above = Link { label: self.name.to_owned(), href: back.clone() };
        let status = refusal.as_ref().map_or(StatusCode::OK, |refusal| refusal.status);
        let template = ConfirmTemplate {
            page: admin.page(),
            frame: Frame::below(admin, *part, vec![above]),
            csrf: admin.token(),
            here: format!("{back}{below}"),
            back,
            error: refusal.map(|refusal| refusal.wrong.why),
            asks: self,
        };
        admin.render(status, &template)
    }
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
