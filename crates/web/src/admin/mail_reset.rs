//! Leaving a mail to Orgate's words again: asked once more.

use orgate_domain::mail_templates::MailTemplate;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::mail_templates::{MailKey, delete_mail_template, find_mail_template};

use super::answers::Answer;
use super::change::{Refusal, done, refusal};
use super::confirm::Question;
use super::frame::Part;
use super::mail::{key, path, version};
use super::mails::{described, language};
use super::{Admin, NamedPair, Submitted};

/// `GET …/mails/{mail}/{locale}/reset`.
pub(crate) async fn get(admin: Admin, named: NamedPair<String, String>) -> Answer {
    let key = key(&admin, &named)?;
    show(&admin, &key, None).await
}

/// `POST …/mails/{mail}/{locale}/reset`.
pub(crate) async fn post(named: NamedPair<String, String>, Submitted { admin, form }: Submitted) -> Answer {
    let key = key(&admin, &named)?;
    let check = |now: &MailTemplate| {
        if version(now) == form.text("version") { Ok(()) } else { Err(ChangeError::Stale) }
    };
    match delete_mail_template(&admin.env, &admin.caller, key.clone(), check).await {
        Ok(()) => Ok(done(&admin, Part::Mails.shown(), "reset")),
        Err(error) => show(&admin, &key, Some(refusal(&admin, &error)?)).await,
    }
}

async fn show(admin: &Admin, key: &MailKey, refusal: Option<Refusal>) -> Answer {
    let reader = admin.reading(OrgatePermission::OrganizationRead)?;
    let own = admin.found(find_mail_template(&admin.env, &reader, key).await)?;
    let (kind, locale) = key;
    let name = format!("{}, {}", described(*kind).0, language(locale));
    let question = Question {
        at: (Part::Mails, path(key.0, &key.1), "/reset"),
        name: &name,
        before: "Go back to Orgate’s words for".to_owned(),
        after: "",
        points: vec![
            "Your subject and your text are gone for good: copy them first if you may want them again.".to_owned(),
            "From now on the mail is in your words for all other languages, if there are any, and in Orgate’s if not."
                .to_owned(),
        ],
        word: None,
        version: Some(version(&own)),
        verb: "Go back to Orgate’s words".to_owned(),
        refused: "Nothing was changed",
    };
    Ok(question.ask(admin, refusal))
}
