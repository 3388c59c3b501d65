//! Mail to an organization's own contact, or to a user, about what they should act on.

use askama::Template;
use chrono::{DateTime, Utc};
use lettre::Message;
use lettre::message::{Mailbox, MultiPart};
use orgate_domain::domains::OrgDomain;
use orgate_domain::email::DomainName;
use orgate_domain::mail_templates::MailKind;
use orgate_storage::OrgScope;
use serde::{Deserialize, Serialize};

use crate::mails::{About, Occasion};
use crate::sealed::Sealed;
use crate::{Env, Failure, mails};

/// What the outbox calls a notice.
pub(crate) const NOTICE: &str = "notice";

/// What an organization is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Notice {
    /// The address of its contact; filled in by [`prepare`].
    #[serde(default)]
    to: String,
    /// The organization's name; filled in by [`prepare`].
    #[serde(default)]
    organization: String,
    subject: String,
    /// Paragraphs.
    says: Vec<String>,
    /// What to do about it.
    todo: String,
    /// Why it comes to this address, if that is not the contact's.
    #[serde(default)]
    why: Option<String>,
    /// What it is instead, if its organization may word it; what is said beside is for the release before.
    #[serde(default)]
    own: Option<OwnMail>,
}

/// A mail that an organization may word itself.
#[derive(Debug, Serialize, Deserialize)]
struct OwnMail {
    kind: String,
    name: String,
    locale: Option<String>,
}

#[derive(Template)]
#[template(path = "mail/notice.txt")]
struct NoticeText<'a> {
    notice: &'a Notice,
    host: &'a str,
}

#[derive(Template)]
#[template(path = "mail/notice.html")]
struct NoticeHtml<'a> {
    notice: &'a Notice,
    host: &'a str,
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%-d %B %Y").to_string()
}

impl Notice {
    fn new(subject: String, says: Vec<String>, todo: String) -> Self {
        Self { to: String::new(), organization: String::new(), subject, says, todo, why: None, own: None }
    }

    /// The record of a domain is gone.
    pub(crate) fn domain_failing(domain: &OrgDomain, until: DateTime<Utc>) -> Self {
        let name = &domain.name;
        let record = domain.record_text().unwrap_or_default();
        Self::new(
            format!("The proof of {name} is missing"),
            vec![
                format!("The DNS record that proves that {name} is yours cannot be found any more."),
                format!(
                    "Until {} nothing changes. After that, {name} leads nobody to you any more.",
                    day(until)
                ),
            ],
            format!("Add the TXT record {} with the text {record} again.", domain.record_name()),
        )
    }

    /// A domain is proven no more.
    pub(crate) fn domain_lapsed(domain: &OrgDomain) -> Self {
        let name = &domain.name;
        let record = domain.record_text().unwrap_or_default();
        Self::new(
            format!("{name} is not verified any more"),
            vec![
                format!("The DNS record that proves {name} has not been seen for a week or longer."),
                "Addresses of that domain lead nobody to you now, and your identity provider’s word for them is not \
                 taken. Nobody else can have the domain."
                    .to_owned(),
            ],
            format!("Add the TXT record {} with the text {record}, and verify the domain again.", domain.record_name()),
        )
    }

    /// Somebody accepted the offer of a domain.
    pub(crate) fn transfer_accepted(domain: &DomainName, due: DateTime<Utc>) -> Self {
        Self::new(
            format!("{domain} is about to be handed over"),
            vec![
                format!("An offer to hand {domain} over was made on your behalf, and has been accepted."),
                format!("It can take effect on {}. From then on {domain} leads nobody to you.", day(due)),
            ],
            "If nobody of you meant to do that, withdraw the offer before then.".to_owned(),
        )
    }

    /// The certificates of an identity provider expire.
    pub(crate) fn certificate_expiring(connection: &str, expiry: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let left = (expiry - now).num_days();
        let when = match left {
            i64::MIN..0 => "expired".to_owned(),
            0 => "expires today".to_owned(),
            1 => "expires tomorrow".to_owned(),
            days => format!("expires in {days} days"),
        };
        Self::new(
            format!("The certificate of {connection} {when}"),
            vec![
                format!(
                    "Sign-ins through {connection} are checked with its signing certificate, which {when}, on {}.",
                    day(expiry)
                ),
                "When your identity provider signs with a new one that is not known here, nobody can sign in through it."
                    .to_owned(),
            ],
            "Make the next certificate in your identity provider, and add it to the connection before you put it to \
             use."
                .to_owned(),
        )
    }

    /// A user's account has another address: to the former one.
    pub(crate) fn address_changed(organization: &str, (name, locale): (&str, Option<&str>)) -> Self {
        let says = format!(
            "Whoever manages the users of {organization} gave your account there another address. This one is your \
             account’s no more."
        );
        let todo = format!("If this is a surprise to you, ask whoever administers {organization}.");
        let why = format!("You get this because it was the address of your account at {organization}.");
        let subject = format!("The address of your account at {organization} was changed");
        let own = OwnMail {
            kind: MailKind::AddressChanged.to_string(),
            name: name.to_owned(),
            locale: locale.map(str::to_owned),
        };
        Self { why: Some(why), own: Some(own), ..Self::new(subject, vec![says], todo) }
    }

    /// A user changed their password: to them, in case it was somebody else.
    pub(crate) fn password_changed(organization: &str) -> Self {
        let says = [
            format!(
                "The password of your account at {organization} was changed, by whoever typed the one before it."
            ),
            "You stay signed in where that was done, and were signed out everywhere else.".to_owned(),
        ];
        let todo = format!("If that was not you, tell whoever administers {organization} now.");
        let why = format!("You get this because it is the address of your account at {organization}.");
        let subject = format!("Your password at {organization} was changed");
        Self { why: Some(why), ..Self::new(subject, says.into(), todo) }
    }

    /// Why it comes to this address.
    fn why(&self) -> String {
        let as_contact =
            || format!("You get this because {} gave this address as its contact.", self.organization);
        self.why.clone().unwrap_or_else(as_contact)
    }

    /// As it is sent; `None` if it cannot be.
    pub(crate) async fn compose(
        &self,
        env: &Env,
        scope: &OrgScope,
        from: &Mailbox,
    ) -> Result<Option<Message>, Failure> {
        let is_that = |own: &&OwnMail| own.kind == MailKind::AddressChanged.as_str();
        let Some(own) = self.own.as_ref().filter(is_that) else { return Ok(self.compose_ours(env, from)) };
        let occasion = Occasion {
            about: About::AddressChanged,
            locale: own.locale.as_deref(),
            organization: &self.organization,
            name: Some(&own.name),
            email: &self.to,
        };
        let composed = mails::compose(env, scope, &occasion).await?;
        Ok(composed.and_then(|composed| composed.message(from, &self.to)))
    }

    fn compose_ours(&self, env: &Env, from: &Mailbox) -> Option<Message> {
        let host = env.issuer.url().host_str().unwrap_or_default();
        let text = NoticeText { notice: self, host }.render().ok()?;
        let html = NoticeHtml { notice: self, host }.render().ok()?;
        Message::builder()
            .from(from.clone())
            .to(self.to.parse().ok()?)
            .subject(self.subject.clone())
            .multipart(MultiPart::alternative_plain_html(text, html))
            .ok()
    }
}

/// Addresses a notice to the organization's contact; `None` if it has none.
pub(crate) async fn prepare(env: &Env, scope: &OrgScope, notice: Notice) -> Result<Option<Sealed>, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let organization = tx.organization().find().await?;
    tx.commit().await?;
    let addressed = organization.and_then(|organization| Some((organization.contact?, organization.name)));
    let Some((contact, name)) = addressed else { return Ok(None) };
    let notice = Notice { to: contact.as_str().to_owned(), organization: name.as_str().to_owned(), ..notice };
    Sealed::of(env, scope, NOTICE, &notice).await.map(Some)
}

/// Addresses a notice to somebody else; `about` is told the organization's name.
pub(crate) async fn prepare_for(
    env: &Env,
    scope: &OrgScope,
    to: &str,
    about: impl FnOnce(&str) -> Notice,
) -> Result<Sealed, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let organization = tx.organization().find().await?;
    tx.commit().await?;
    let name = organization.map(|organization| organization.name.as_str().to_owned()).unwrap_or_default();
    let notice = about(&name);
    Sealed::of(env, scope, NOTICE, &Notice { to: to.to_owned(), organization: name, ..notice }).await
}
