//! The mails that the organization sends: in whose words, and in which languages.

use std::fmt::Display;

use askama::Template;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use orgate_domain::locales::InvalidLocale;
use orgate_domain::mail_templates::{MailKind, MailLocale, MailTemplate, UnknownMail};
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::mail_templates::{languages, list_mail_templates};
use orgate_flows::sentence;
use orgate_protocol::params::Params;

use super::Admin;
use super::answers::Answer;
use super::frame::{Frame, Part};
use super::mail::path;
use crate::form::LinkQuery;
use crate::language::called;
use crate::moment::Moment;
use crate::page::Page;
use crate::present::see_other;

/// `templates/admin/mails.html`.
#[derive(Template)]
#[template(path = "admin/mails.html")]
struct MailsTemplate {
    page: Page,
    frame: Frame,
    here: String,
    mails: Vec<Mail>,
    /// Whether they may word mails.
    manages: bool,
    /// What was asked for that is no language, of which mail, and why not.
    language: String,
    error: Option<String>,
}

/// One mail.
struct Mail {
    value: &'static str,
    name: &'static str,
    when: &'static str,
    is_asked: bool,
    lines: Vec<Line>,
}

/// The same for people of one language.
struct Line {
    href: String,
    language: String,
    tag: String,
    words: &'static str,
    is_own: bool,
    saved: Option<Moment>,
    /// Since when their own words cannot be used.
    failed: Option<Moment>,
}

/// What people call a mail, and when it goes out.
pub(super) const fn described(kind: MailKind) -> (&'static str, &'static str) {
    match kind {
        MailKind::AddressChanged => (
            "Change of address",
            "To the former address of a user who was given another one, so that nobody loses an account unnoticed.",
        ),
        MailKind::Invitation => (
            "Invitation",
            "To somebody who is invited. Orgate puts the link below what you write, and until when it is good.",
        ),
    }
}

/// For whom words are: people of a language, or all that no others are for.
pub(super) fn language(locale: &MailLocale) -> String {
    if locale.is_fallback() { "All other languages".to_owned() } else { called(locale.as_str()) }
}

/// `GET …/mails`: the list, or the page of the language that was asked for.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let done = (params.get("done") == Some("reset")).then_some(
        "Your words are gone. The mail is in Orgate’s own again, or in yours for all other languages.",
    );
    let error = match asked(&params) {
        Some(Ok((kind, locale))) => {
            let page = admin.href(&path(kind, &locale));
            return Ok(see_other(&admin.env.issuer.at(&page)));
        }
        Some(Err(error)) => Some(error),
        None => None,
    };
    let own = admin.read(list_mail_templates(&admin.env, &admin.caller).await)?;
    let (now, wanted) = (admin.env.clock.now(), params.get("mail").unwrap_or_default());
    let mails = MailKind::ALL.into_iter().rev().map(|kind| {
        let (name, when) = described(kind);
        let lines = lines(&admin, (kind, &own), now);
        Mail { value: kind.as_str(), name, when, is_asked: kind.as_str() == wanted, lines }
    });
    let template = MailsTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Mails).saying(done),
        here: admin.href(Part::Mails.path()),
        mails: mails.collect(),
        manages: admin.caller.asking(OrgatePermission::OrganizationManage).is_some(),
        language: params.get("language").unwrap_or_default().to_owned(),
        error: error.clone(),
    };
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(admin.render(status, &template))
}

/// Which mail is asked for, in which language, or why there is none; `None`: nothing is asked.
fn asked(params: &Params) -> Option<Result<(MailKind, MailLocale), String>> {
    let language = params.get("language")?.trim();
    let why = |error: &dyn Display| sentence(&error.to_string());
    let kind = params.get("mail").unwrap_or_default().parse().map_err(|error: UnknownMail| why(&error));
    // One for all others is a choice of the list's.
    let locale = language.parse().map_err(|_: UnknownMail| why(&InvalidLocale));
    Some(kind.and_then(|kind| Ok((kind, locale?))))
}

/// The languages that Orgate speaks, and those that the organization does.
fn lines(admin: &Admin, (kind, own): (MailKind, &[MailTemplate]), now: DateTime<Utc>) -> Vec<Line> {
    let own = || own.iter().filter(move |one| one.kind == kind);
    let mut locales = vec![MailLocale::fallback()];
    locales.extend(languages().filter_map(|tag| tag.parse().ok()));
    for one in own() {
        if !locales.contains(&one.locale) {
            locales.push(one.locale.clone());
        }
    }
    let line = |locale: MailLocale| {
        let mine = own().find(|one| one.locale == locale);
        let words = match mine {
            Some(_) => "Yours",
            None if own().any(|one| one.locale.is_fallback()) => "Yours for all other languages",
            None => "Orgate’s",
        };
        Line {
            href: admin.href(&path(kind, &locale)),
            language: language(&locale),
            tag: locale.to_string(),
            words,
            is_own: mine.is_some(),
            saved: mine.map(|one| Moment::of(one.updated_at, now)),
            failed: mine.and_then(|one| one.failed_at).map(|at| Moment::of(at, now)),
        }
    };
    locales.into_iter().map(line).collect()
}
