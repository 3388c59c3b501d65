//! Mails that the organization words itself.

use orgate_domain::mail_templates::{MAX_TEMPLATES, MailKind, MailLocale, MailTemplate, Wording};

use super::change::Change;
use super::{Caller, ChangeError};
use crate::configure::{Mark, save_mail_template};
pub use crate::mails::Composed;
use crate::mails::{self, Sample, WordingError};
use crate::{Env, Failure};

/// Which template.
pub type MailKey = (MailKind, MailLocale);

impl From<WordingError> for ChangeError {
    fn from(error: WordingError) -> Self {
        Self::invalid(format!("/{}", error.field), error.detail)
    }
}

/// The languages that Orgate's own words are in (BCP 47).
pub fn languages() -> impl Iterator<Item = &'static str> {
    mails::languages()
}

/// Orgate's own words for a mail, as templates: in this language, or else in English.
pub fn standard_wording((kind, locale): &MailKey) -> Wording {
    mails::standard(*kind, locale)
}

/// The organization's templates, by kind and locale.
///
/// # Errors
/// [`Failure`].
pub async fn list_mail_templates(env: &Env, caller: &Caller) -> Result<Vec<MailTemplate>, Failure> {
    caller.read(env, async |tx| tx.mail_templates().list().await).await
}

/// One template; `None` if the organization leaves that mail to Orgate.
///
/// # Errors
/// [`Failure`].
pub async fn find_mail_template(
    env: &Env,
    caller: &Caller,
    (kind, locale): &MailKey,
) -> Result<Option<MailTemplate>, Failure> {
    caller.read(env, async |tx| tx.mail_templates().find((*kind, locale)).await).await
}

/// Words a mail; `check` is shown how it was worded.
///
/// # Errors
/// [`ChangeError`], also what `check` says.
pub async fn set_mail_template(
    env: &Env,
    caller: &Caller,
    (kind, locale): MailKey,
    (wording, check): (Wording, impl FnOnce(Option<&MailTemplate>) -> Result<(), ChangeError>),
) -> Result<MailTemplate, ChangeError> {
    let change = async {
        mails::check(env, kind, &wording)?;
        let mut change = Change::begin(env, caller, async |tx| tx.organization().lock().await).await?;
        let Change { tx, caller, .. } = &mut change;
        let all = tx.mail_templates().list().await?;
        let before = all.iter().find(|one| (one.kind, &one.locale) == (kind, &locale));
        check(before)?;
        let mark = match before {
            None if all.len() >= MAX_TEMPLATES => {
                let detail = format!("an organization has up to {MAX_TEMPLATES} templates");
                return Err(ChangeError::TooMany(detail));
            }
            None => Mark::Created,
            // One that failed is tried again.
            Some(before) if before.wording == wording && before.failed_at.is_none() => {
                return Ok(before.clone());
            }
            Some(before) => changed(before, &wording),
        };
        let now = env.clock.now();
        let created_at = before.map_or(now, |before| before.created_at);
        let after = MailTemplate { kind, locale, wording, created_at, updated_at: now, failed_at: None };
        save_mail_template(env, tx, (&caller.author(), &mark), &after).await?;
        let after =
            tx.mail_templates().find((after.kind, &after.locale)).await?.ok_or(ChangeError::Missing)?;
        change.commit().await?;
        Ok(after)
    };
    caller.conclude(env, change).await
}

fn changed(before: &MailTemplate, after: &Wording) -> Mark {
    let parts = [
        ("subject", before.wording.subject != after.subject),
        ("text", before.wording.text != after.text),
        ("failed_at", before.failed_at.is_some()),
    ];
    Mark::of(parts).unwrap_or(Mark::Changed(Vec::new()))
}

/// Leaves a mail to Orgate's words again; `check` is shown how it was worded.
///
/// # Errors
/// [`ChangeError`], also what `check` says.
pub async fn delete_mail_template(
    env: &Env,
    caller: &Caller,
    (kind, locale): MailKey,
    check: impl FnOnce(&MailTemplate) -> Result<(), ChangeError>,
) -> Result<(), ChangeError> {
    let change = async {
        let mut change = Change::begin(env, caller, async |tx| tx.organization().lock().await).await?;
        let Change { tx, caller, .. } = &mut change;
        let before = tx.mail_templates().find((kind, &locale)).await?.ok_or(ChangeError::Missing)?;
        check(&before)?;
        save_mail_template(env, tx, (&caller.author(), &Mark::Removed), &before).await?;
        change.commit().await
    };
    caller.conclude(env, change).await
}

/// What a mail would look like, in these words, or in those that go out now; nothing is sent.
///
/// # Errors
/// [`ChangeError::Invalid`], where the words cannot be used.
pub async fn preview_mail(
    env: &Env,
    caller: &Caller,
    (kind, locale): MailKey,
    wording: Option<Wording>,
) -> Result<Composed, ChangeError> {
    let locales = MailLocale::candidates(Some(locale.as_str()));
    let found = caller.read(env, async |tx| {
        let organization = tx.organization().find().await?;
        Ok((organization, tx.mail_templates().find_first(kind, &locales).await?))
    });
    let (organization, stored) = found.await?;
    let organization = organization.ok_or(ChangeError::Missing)?;
    let sample = Sample::full(env);
    let spoken = (!locale.is_fallback()).then_some(locale.as_str());
    let occasion = sample.of(kind, organization.name.as_str(), spoken);
    if let Some(wording) = wording {
        mails::check(env, kind, &wording)?;
        return Ok(mails::in_words_of(env, &occasion, (&locale, &wording))?);
    }
    let stored = stored.and_then(|one| mails::in_words_of(env, &occasion, (&one.locale, &one.wording)).ok());
    stored.or_else(|| mails::in_our_words(env, &occasion)).ok_or(ChangeError::Missing)
}
