//! Mails of an organization to people of its own, in its words or in ours.
//!
//! **Invariant:** an organization words subject and text, and nothing else: what frames them, and the link, is Orgate's. A mail
//! goes out whatever is wrong with its words.

mod languages;
mod templates;

use askama::Template;
use chrono::{DateTime, Utc};
use lettre::Message;
use lettre::message::{Mailbox, MultiPart};
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::locales::Locale;
use orgate_domain::mail_templates::{
    MAX_LINES, MAX_SUBJECT, MAX_TEXT, MailKind, MailLocale, MailTemplate, Wording,
};
use orgate_domain::names::overrides_direction;
use orgate_storage::OrgScope;

use self::languages::{LANGUAGES, Language};
use self::templates::{TemplateError, Values, render};
use crate::{Env, Failure, events};

/// Why a mail is sent, and to whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion<'a> {
    pub(crate) about: About<'a>,
    /// What its reader speaks (BCP 47), if that is known; else it is in the organization's language.
    pub(crate) locale: Option<&'a str>,
    /// The organization's name.
    pub(crate) organization: &'a str,
    /// The reader's name, if that is known.
    pub(crate) name: Option<&'a str>,
    /// The address that it goes to.
    pub(crate) email: &'a str,
}

/// What a mail is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum About<'a> {
    /// It goes to the former address of a user.
    AddressChanged,
    /// Somebody is invited.
    Invitation {
        /// The name of the user who invites, where it is one.
        inviter: Option<&'a str>,
        /// The link.
        url: &'a str,
        /// Until when it is good.
        expires_at: DateTime<Utc>,
    },
}

impl About<'_> {
    const fn kind(&self) -> MailKind {
        match self {
            Self::AddressChanged => MailKind::AddressChanged,
            Self::Invitation { .. } => MailKind::Invitation,
        }
    }
}

/// A mail as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// Its subject.
    pub subject: String,
    /// Its plain part.
    pub text: String,
    /// Its other part.
    pub html: String,
}

/// What is wrong with the words of an organization.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct WordingError {
    /// Where: `subject` or `text`.
    pub field: &'static str,
    /// What.
    pub detail: String,
}

/// What the layout puts together.
struct Laid<'a> {
    language: &'a Language,
    /// The language of what a template said; empty if it is unknown.
    lang: &'a str,
    subject: String,
    paragraphs: Vec<Vec<String>>,
    link: Option<Link<'a>>,
    closing: String,
    secured: String,
}

struct Link<'a> {
    url: &'a str,
    once: String,
}

#[derive(Template)]
#[template(path = "mail/organization.txt")]
struct TextPart<'a> {
    mail: &'a Laid<'a>,
}

#[derive(Template)]
#[template(path = "mail/organization.html")]
struct HtmlPart<'a> {
    mail: &'a Laid<'a>,
}

/// A mail in the words of the organization that fit its reader best, or else in ours. Words that cannot be used are noted, once.
///
/// # Errors
/// [`Failure`].
pub(crate) async fn compose(
    env: &Env,
    scope: &OrgScope,
    occasion: &Occasion<'_>,
) -> Result<Option<Composed>, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let of_organization = match occasion.locale {
        Some(_) => None,
        None => tx.organization().find().await?.and_then(|organization| organization.branding.locale),
    };
    let locale = occasion.locale.or(of_organization.as_ref().map(Locale::as_str));
    let occasion = &Occasion { locale, ..*occasion };
    let locales = MailLocale::candidates(locale);
    let template = tx.mail_templates().find_first(occasion.about.kind(), &locales).await?;
    tx.commit().await?;
    let Some(template) = template else { return Ok(in_our_words(env, occasion)) };
    match in_words_of(env, occasion, (&template.locale, &template.wording)) {
        Ok(composed) => Ok(Some(composed)),
        Err(error) => {
            note(env, scope, (&template, &error)).await?;
            Ok(in_our_words(env, occasion))
        }
    }
}

/// A mail in these words.
///
/// # Errors
/// [`WordingError`].
pub(crate) fn in_words_of(
    env: &Env,
    occasion: &Occasion<'_>,
    (locale, wording): (&MailLocale, &Wording),
) -> Result<Composed, WordingError> {
    // In the language of the words, if there is one, so that a mail is in one.
    let spoken = occasion.locale.and_then(|tag| tag.parse().ok());
    let language = Language::of(if locale.is_fallback() { spoken.as_ref() } else { Some(locale) });
    let lang = if locale.is_fallback() { "" } else { locale.as_str() };
    lay(env, occasion, (language, lang), (&wording.subject, &wording.text))
}

/// A mail as Orgate words it; `None`, which a test rules out, if it cannot be.
pub(crate) fn in_our_words(env: &Env, occasion: &Occasion<'_>) -> Option<Composed> {
    let spoken = occasion.locale.and_then(|tag| tag.parse().ok());
    let language = Language::of(spoken.as_ref());
    lay(env, occasion, (language, language.tag), language.wording(occasion.about.kind())).ok()
}

/// The languages that Orgate speaks.
pub(crate) fn languages() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().map(|language| language.tag)
}

/// How Orgate words a mail for these people.
pub(crate) fn standard(kind: MailKind, locale: &MailLocale) -> Wording {
    let (subject, text) = Language::of(Some(locale)).wording(kind);
    Wording { subject: subject.to_owned(), text: text.to_owned() }
}

/// Whether an organization may word a mail like this.
///
/// # Errors
/// [`WordingError`].
pub(crate) fn check(env: &Env, kind: MailKind, wording: &Wording) -> Result<(), WordingError> {
    let wrong = |field, detail: String| Err(WordingError { field, detail });
    if !(1..=MAX_SUBJECT).contains(&wording.subject.chars().count())
        || wording.subject.contains(|c: char| c.is_control() || overrides_direction(c))
    {
        return wrong("subject", format!("one line of 1 to {MAX_SUBJECT} characters"));
    }
    let is_odd = |c: char| (c.is_control() && !matches!(c, '\n' | '\r' | '\t')) || overrides_direction(c);
    if !(1..=MAX_TEXT).contains(&wording.text.len()) || wording.text.contains(is_odd) {
        let detail = format!("1 to {MAX_TEXT} bytes, without control characters and overrides of direction");
        return wrong("text", detail);
    }
    if wording.text.lines().count() > MAX_LINES {
        return wrong("text", format!("up to {MAX_LINES} lines"));
    }
    // With all that can be said, and with nothing that may be missing.
    for occasion in [Sample::full(env), Sample::bare(env)] {
        let locale = MailLocale::fallback();
        in_words_of(env, &occasion.of(kind, "Example", None), (&locale, wording))?;
    }
    Ok(())
}

/// An occasion that did not arise, to show what a mail looks like.
pub(crate) struct Sample {
    url: String,
    expires_at: DateTime<Utc>,
    names: Option<(&'static str, &'static str)>,
}

impl Sample {
    /// One with everything.
    pub(crate) fn full(env: &Env) -> Self {
        Self { names: Some(("Ada Lovelace", "Grace Hopper")), ..Self::bare(env) }
    }

    fn bare(env: &Env) -> Self {
        let expires_at = env.clock.now() + orgate_domain::invitations::DEFAULT_LIFETIME;
        Self { url: env.issuer.at("/invitations?invitation=example"), expires_at, names: None }
    }

    /// The occasion, in an organization.
    pub(crate) fn of<'a>(
        &'a self,
        kind: MailKind,
        organization: &'a str,
        locale: Option<&'a str>,
    ) -> Occasion<'a> {
        let inviter = self.names.map(|(inviter, _)| inviter);
        let about = match kind {
            MailKind::AddressChanged => About::AddressChanged,
            MailKind::Invitation => {
                About::Invitation { inviter, url: &self.url, expires_at: self.expires_at }
            }
        };
        Occasion {
            about,
            locale,
            organization,
            name: self.names.map(|(_, name)| name),
            email: "grace@example.com",
        }
    }
}

fn lay(
    env: &Env,
    occasion: &Occasion<'_>,
    (language, lang): (&Language, &str),
    (subject, text): (&str, &str),
) -> Result<Composed, WordingError> {
    let moment = |at: DateTime<Utc>| at.format(language.moment).to_string();
    let (inviter, expires, url) = match occasion.about {
        About::AddressChanged => (None, String::new(), None),
        About::Invitation { inviter, url, expires_at } => (inviter, moment(expires_at), Some(url)),
    };
    let values: &Values<'_> = &[
        ("organization", occasion.organization),
        ("inviter", inviter.unwrap_or_default()),
        ("name", occasion.name.unwrap_or_default()),
        ("email", occasion.email),
        ("expires", &expires),
    ];
    let wrong = |field| move |error: TemplateError| WordingError { field, detail: error.to_string() };
    let nothing =
        |field| WordingError { field, detail: "it says nothing, where a name is missing".to_owned() };
    let subject = one_line(&render(occasion.about.kind(), subject, values).map_err(wrong("subject"))?);
    let paragraphs = paragraphs(&render(occasion.about.kind(), text, values).map_err(wrong("text"))?);
    if subject.is_empty() {
        return Err(nothing("subject"));
    }
    if paragraphs.is_empty() {
        return Err(nothing("text"));
    }
    let host = env.issuer.url().host_str().unwrap_or_default();
    let closing = match occasion.about {
        About::AddressChanged => language.former_address,
        About::Invitation { .. } => language.unexpected,
    };
    let closing = closing.replace("{}", occasion.organization);
    let once = |url| Link { url, once: language.once.replace("{}", &expires) };
    let link = url.map(once);
    let secured = language.secured.replace("{}", host);
    let mail = &Laid { language, lang, subject, paragraphs, link, closing, secured };
    let rendered = TextPart { mail }.render().and_then(|text| Ok((text, HtmlPart { mail }.render()?)));
    let (text, html) = rendered.map_err(|error| WordingError { field: "text", detail: error.to_string() })?;
    Ok(Composed { subject: mail.subject.clone(), text, html })
}

/// A header's line: whatever its parts hold.
fn one_line(text: &str) -> String {
    let between = |c: char| c.is_whitespace() || c.is_control() || overrides_direction(c);
    let words: Vec<_> = text.split(between).filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(MAX_SUBJECT).collect()
}

/// Paragraphs of lines.
fn paragraphs(text: &str) -> Vec<Vec<String>> {
    let mut paragraphs = vec![Vec::new()];
    for line in text.lines() {
        let line = line.replace('\t', " ").replace(char::is_control, "");
        let line = line.trim_end();
        match paragraphs.last_mut() {
            Some(last) if !line.is_empty() => last.push(line.to_owned()),
            Some(last) if last.is_empty() => {}
            _ => paragraphs.push(Vec::new()),
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

/// Notes that words cannot be used, if that is not known.
async fn note(
    env: &Env,
    scope: &OrgScope,
    (template, error): (&MailTemplate, &WordingError),
) -> Result<(), Failure> {
    let mut tx = env.store.begin(scope).await?;
    if tx.mail_templates().fail(template, env.clock.now()).await? {
        let event = events::done(env, Action::MailTemplateFailed, &Origin::default())?;
        let detail = vec![
            ("mail", template.kind.to_string()),
            ("locale", template.locale.to_string()),
            ("field", error.field.to_owned()),
            ("problem", error.detail.clone()),
        ];
        tx.audit().insert(&Event { actor: Actor::System, detail, ..event }).await?;
    }
    Ok(tx.commit().await?)
}

impl Composed {
    /// To be sent.
    pub(crate) fn message(self, from: &Mailbox, to: &str) -> Option<Message> {
        Message::builder()
            .from(from.clone())
            .to(to.parse().ok()?)
            .subject(self.subject)
            .multipart(MultiPart::alternative_plain_html(self.text, self.html))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line_whatever_comes_of_it() {
        assert_eq!(one_line(" Hi\r\nBcc: eve@evil.test\u{2028}\u{0}x\t y "), "Hi Bcc: eve@evil.test x y");
        assert_eq!(one_line(&"ä".repeat(300)).chars().count(), MAX_SUBJECT);
        assert_eq!(one_line("\r\n"), "");
    }

    #[test]
    fn paragraphs_are_what_stands_between_empty_lines() {
        let read = paragraphs("\n\nHello,\r\n\r\n\r\nfirst\tline  \nsecond\u{7}\n \n");

        assert_eq!(read, [vec!["Hello,"], vec!["first line", "second"]]);
    }

    #[test]
    fn all_words_of_ours_can_be_used() {
        let full: &Values<'_> = &[
            ("organization", "Acme"),
            ("inviter", "Ada"),
            ("name", "Grace"),
            ("email", "g@x.test"),
            ("expires", "then"),
        ];
        let bare: Vec<_> = full.iter().map(|(name, _)| (*name, "")).collect();
        for language in LANGUAGES {
            for ours in [language.unexpected, language.former_address, language.once, language.secured] {
                assert_eq!(ours.matches("{}").count(), 1, "{}: {ours}", language.tag);
            }
            for kind in MailKind::ALL {
                let (subject, text) = language.wording(kind);
                for values in [full, &bare] {
                    assert!(render(kind, subject, values).is_ok(), "{}: {subject}", language.tag);
                    assert!(render(kind, text, values).is_ok(), "{}: {text}", language.tag);
                }
            }
        }
    }
}
