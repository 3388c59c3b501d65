//! What Orgate itself says in mails of organizations, in each language that it speaks.

mod english;
mod french;
mod german;
mod spanish;

use orgate_domain::mail_templates::{MailKind, MailLocale};

use self::english::ENGLISH;
use self::french::FRENCH;
use self::german::GERMAN;
use self::spanish::SPANISH;

/// A language. In its lines stands `{}` where something is put.
#[derive(Debug)]
pub(super) struct Language {
    /// Its tag (BCP 47).
    pub(super) tag: &'static str,
    /// Subject and text, of the mails that an organization can word itself: templates, as it would write them.
    invitation: (&'static str, &'static str),
    address_changed: (&'static str, &'static str),
    /// Above an invitation's link, where there are no buttons.
    pub(super) open: &'static str,
    /// On its button.
    pub(super) button: &'static str,
    /// Beside it.
    pub(super) otherwise: &'static str,
    /// Until when it is good.
    pub(super) once: &'static str,
    /// Of the organization's name, which so is in every invitation, however it is worded.
    pub(super) unexpected: &'static str,
    /// Why a mail comes to a former address; of the organization's name.
    pub(super) former_address: &'static str,
    /// Of the host that sends it.
    pub(super) secured: &'static str,
    /// A day and a time.
    pub(super) moment: &'static str,
}

impl Language {
    /// The one that somebody speaks, or else English.
    pub(super) fn of(spoken: Option<&MailLocale>) -> &'static Self {
        let found = spoken.and_then(|tag| LANGUAGES.iter().find(|language| language.tag == tag.language()));
        found.copied().unwrap_or(&ENGLISH)
    }

    /// A mail's subject and text: templates.
    pub(super) const fn wording(&self, kind: MailKind) -> (&'static str, &'static str) {
        match kind {
            MailKind::AddressChanged => self.address_changed,
            MailKind::Invitation => self.invitation,
        }
    }
}

/// All of them.
pub(super) static LANGUAGES: [&Language; 4] = [&ENGLISH, &FRENCH, &GERMAN, &SPANISH];
