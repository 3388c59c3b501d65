//! One mail for people of one language: its words, what can be put into them, and what becomes of that.

use std::str::FromStr as _;

use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};
use orgate_domain::audit::Action;
use orgate_domain::mail_templates::{MAX_LINES, MAX_SUBJECT, MailKind, MailLocale, MailTemplate, Wording};
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::mail_templates::{
    Composed, MailKey, find_mail_template, preview_mail, set_mail_template, standard_wording,
};

use super::answers::{Answer, Instead};
use super::change::{Refused, Wrongs, done, refusal, refusal_on};
use super::frame::{Frame, Part};
use super::mails::{described, language};
use super::meanwhile::Meanwhile;
use super::{Admin, NamedPair, Submitted, entry};
use crate::fields::Form;
use crate::form::LinkQuery;
use crate::moment::Moment;
use crate::page::Page;

/// `templates/admin/mail.html`.
#[derive(Template)]
#[template(path = "admin/mail.html")]
struct MailTemplatePage {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    name: &'static str,
    when: &'static str,
    language: String,
    /// Of the text, in HTML; empty: it is unknown.
    lang: String,
    /// What stands in the fields.
    typed: Wording,
    /// Which words were there when the form was shown: when they were saved; empty: none of their own.
    seen: String,
    /// When their own words were saved.
    saved: Option<Moment>,
    /// Since when they cannot be used.
    failed: Option<Moment>,
    placeholders: Vec<(String, &'static str)>,
    max_subject: usize,
    max_lines: usize,
    edits: bool,
    wrongs: Wrongs,
    meanwhile: Option<Meanwhile>,
    preview: Preview,
}

/// `templates/admin/mail_preview.html`.
enum Preview {
    /// What goes out, or would: its subject and its text.
    Mail { subject: String, text: String, is_draft: bool },
    /// Why there is none.
    Not(String),
}

/// A form that was not saved.
struct Unsaved {
    typed: Wording,
    seen: String,
    refused: Refused<()>,
    preview: Preview,
}

/// What the two names of a path name; a path that names no mail leads nowhere.
pub(super) fn key(
    admin: &Admin,
    NamedPair(kind, locale): &NamedPair<String, String>,
) -> Result<MailKey, Instead> {
    let key = MailKind::from_str(kind).ok().zip(MailLocale::from_str(locale).ok());
    // There is one address of each.
    let key = key.filter(|(_, spelled)| spelled.as_str() == locale);
    key.ok_or_else(|| entry::missing(admin).into())
}

/// Below the organization's first page.
pub(super) fn path(kind: MailKind, locale: &MailLocale) -> String {
    format!("/mails/{kind}/{locale}")
}

/// `GET …/mails/{mail}/{locale}`.
pub(crate) async fn get(
    admin: Admin,
    named: NamedPair<String, String>,
    LinkQuery(params): LinkQuery,
) -> Answer {
    let key = key(&admin, &named)?;
    let done = (params.get("done") == Some("saved"))
        .then_some("The mail is saved. It goes out like this from now on.");
    show(&admin, &key, (done, None)).await
}

/// `POST …/mails/{mail}/{locale}`: saves it, or shows what it would look like.
pub(crate) async fn post(named: NamedPair<String, String>, Submitted { admin, form }: Submitted) -> Answer {
    let key = key(&admin, &named)?;
    let (typed, seen) = (wording(&form), form.text("seen").to_owned());
    let check = |before: Option<&MailTemplate>| {
        if before.map(version).unwrap_or_default() == seen { Ok(()) } else { Err(ChangeError::Stale) }
    };
    let mut refused = Refused::No;
    if form.text("action") == "save" {
        let saved = set_mail_template(&admin.env, &admin.caller, key.clone(), (typed.clone(), check)).await;
        let Err(error) = saved else {
            return Ok(done(&admin, (&path(key.0, &key.1), OrgatePermission::OrganizationRead), "saved"));
        };
        refused = Refused::by(&error, refusal_on(OrgatePermission::OrganizationRead, &admin, &error)?, ());
    }
    let drafted = preview_mail(&admin.env, &admin.caller, key.clone(), Some(typed.clone())).await;
    let preview = match drafted {
        Ok(Composed { subject, text, .. }) => Preview::Mail { subject, text, is_draft: true },
        Err(error) => {
            let unusable = refusal_on(OrgatePermission::OrganizationRead, &admin, &error)?;
            let preview = Preview::Not(unusable.wrong.why.clone());
            if matches!(refused, Refused::No) {
                refused = Refused::For(unusable);
            }
            preview
        }
    };
    show(&admin, &key, (None, Some(Unsaved { typed, seen, refused, preview }))).await
}

/// The words of a form: browsers end lines in their own way.
fn wording(form: &Form) -> Wording {
    let text = |name| form.text(name).replace("\r\n", "\n");
    Wording { subject: text("subject"), text: text("text") }
}

/// Which words these are.
pub(super) fn version(template: &MailTemplate) -> String {
    let at: DateTime<Utc> = template.updated_at;
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

async fn show(
    admin: &Admin,
    key: &MailKey,
    (done, unsaved): (Option<&'static str>, Option<Unsaved>),
) -> Answer {
    let reader = admin.reading(OrgatePermission::OrganizationRead)?;
    let own = admin.read(find_mail_template(&admin.env, &reader, key).await)?;
    let now = own.as_ref().map(version).unwrap_or_default();
    let shown = match unsaved {
        Some(unsaved) => unsaved,
        None => as_is(admin, (key, own.as_ref()), &now).await?,
    };
    let meanwhile = match shown.refused {
        Refused::Meanwhile(()) => Some(meanwhile(admin, (key, own.as_ref()), &shown.typed).await?),
        Refused::For(_) | Refused::No => None,
    };
    let status = shown.refused.status();
    let wrongs = Wrongs::of(shown.refused.refusal(), &["subject", "text"]).1;
    let clock = admin.env.clock.now();
    let (kind, locale) = key;
    let (name, when) = described(*kind);
    let template = MailTemplatePage {
        page: admin.page(),
        frame: Frame::below(admin, Part::Mails, Vec::new()).saying(done),
        csrf: admin.token(),
        here: admin.href(&path(key.0, &key.1)),
        name,
        when,
        language: language(locale),
        lang: if locale.is_fallback() { String::new() } else { locale.to_string() },
        typed: shown.typed,
        // To save it once more is to have it so.
        seen: if meanwhile.is_some() { now } else { shown.seen },
        saved: own.as_ref().map(|own| Moment::of(own.updated_at, clock)),
        failed: own.as_ref().and_then(|own| own.failed_at).map(|at| Moment::of(at, clock)),
        placeholders: placeholders(*kind),
        max_subject: MAX_SUBJECT,
        max_lines: MAX_LINES,
        edits: admin.caller.asking(OrgatePermission::OrganizationManage).is_some(),
        wrongs,
        preview: shown.preview,
        meanwhile,
    };
    Ok(admin.render_live(status, &template))
}

/// What the page shows first: the words that are there, or Orgate's to begin with, and what goes out now.
async fn as_is(
    admin: &Admin,
    (key, own): (&MailKey, Option<&MailTemplate>),
    now: &str,
) -> Result<Unsaved, Instead> {
    let reader = admin.reading(OrgatePermission::OrganizationRead)?;
    let preview = match preview_mail(&admin.env, &reader, key.clone(), None).await {
        Ok(Composed { subject, text, .. }) => Preview::Mail { subject, text, is_draft: false },
        Err(error) => Preview::Not(refusal(admin, &error)?.wrong.why),
    };
    Ok(Unsaved {
        typed: own.map_or_else(|| standard_wording(key), |own| own.wording.clone()),
        seen: now.to_owned(),
        refused: Refused::No,
        preview,
    })
}

/// Who worded a mail, and how, since a form was made of it.
async fn meanwhile(
    admin: &Admin,
    ((kind, locale), own): (&MailKey, Option<&MailTemplate>),
    typed: &Wording,
) -> Result<Meanwhile, Instead> {
    let changes = match own {
        None => vec![("It is now in", "Orgate’s words".to_owned())],
        Some(MailTemplate { wording, .. }) => {
            let all = [
                ("Its subject is now", &wording.subject, &typed.subject),
                ("Its text is now", &wording.text, &typed.text),
            ];
            let changed = all.into_iter().filter(|(_, now, typed)| now != typed);
            changed.map(|(what, now, _)| (what, now.clone())).collect()
        }
    };
    let named = [("mail", kind.as_str()), ("locale", locale.as_str())];
    let found = Meanwhile::find(admin, (Action::MailTemplateConfigured, &named), changes).await;
    admin.read(found)
}

/// What can be put into a mail: how it is written, and what it stands for.
fn placeholders(kind: MailKind) -> Vec<(String, &'static str)> {
    let named = kind.variables().iter().map(|name| {
        let meaning = match *name {
            "email" => "The address that the mail goes to.",
            "expires" => "Until when the link is good: a day and a time.",
            "inviter" => "The name of whoever invites. Empty where a program does.",
            "name" => "The name of whoever reads it. Empty where nobody said it.",
            "organization" => "The name of your organization.",
            _ => "What the guide says.",
        };
        (format!("{{{{ {name} }}}}"), meaning)
    });
    let condition = (
        "{% if name %}…{% else %}…{% endif %}".to_owned(),
        "One text where there is a name, another where it is empty.",
    );
    named.chain([condition]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_put_into_a_mail_is_explained() {
        for kind in MailKind::ALL {
            for (placeholder, meaning) in placeholders(kind) {
                assert!(!meaning.contains("guide"), "{placeholder}");
            }
        }
    }
}
