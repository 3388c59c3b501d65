//! What Orgate itself says in mails of organizations, in each language that it speaks.

use orgate_domain::mail_templates::{MailKind, MailLocale};

/// A language. In its lines stands `{}` where something is put.
#[derive(Debug, PartialEq, Eq)]
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

static ENGLISH: Language = Language {
    tag: "en",
    invitation: (
        "Your invitation to {{ organization }}",
        "Hello,\n\n{% if inviter %}{{ inviter }} invites you to {{ organization }}.{% else %}You are invited to \
         {{ organization }}.{% endif %}",
    ),
    address_changed: (
        "The address of your account at {{ organization }} was changed",
        "Hello,\n\nWhoever manages the users of {{ organization }} gave your account there another address. This one is your \
         account’s no more.\n\nIf this is a surprise to you, ask whoever administers {{ organization }}.",
    ),
    open: "Open this link to accept:",
    button: "Look at the invitation",
    otherwise: "If the button does not work, open this address:",
    once: "It works once, for you alone, until {}. Do not pass it on.",
    unexpected: "If you did not expect an invitation to {}, you need not do anything: nothing happens without you.",
    former_address: "You get this because it was the address of your account at {}.",
    secured: "{}, secured by Orgate",
    moment: "%-d %B %Y, %H:%M UTC",
};

static FRENCH: Language = Language {
    tag: "fr",
    invitation: (
        "Votre invitation à rejoindre {{ organization }}",
        "Bonjour,\n\n{% if inviter %}{{ inviter }} vous invite à rejoindre {{ organization }}.{% else %}Vous recevez une invitation à \
         rejoindre {{ organization }}.{% endif %}",
    ),
    address_changed: (
        "L’adresse de votre compte chez {{ organization }} a été modifiée",
        "Bonjour,\n\nLa personne qui gère les utilisateurs de {{ organization }} a donné une autre adresse à votre compte. \
         Celle-ci n’est plus celle de votre compte.\n\nSi cela vous surprend, adressez-vous à l’administrateur de \
         {{ organization }}.",
    ),
    open: "Ouvrez ce lien pour accepter :",
    button: "Voir l’invitation",
    otherwise: "Si le bouton ne fonctionne pas, ouvrez cette adresse :",
    once: "Ce lien ne fonctionne qu’une fois, pour vous uniquement, jusqu’au {}. Ne le transmettez à personne.",
    unexpected: "Si vous n’attendiez pas d’invitation à rejoindre {}, vous n’avez rien à faire : rien ne se passe sans vous.",
    former_address: "Vous recevez ce message parce que c’était l’adresse de votre compte chez {}.",
    secured: "{}, sécurisé par Orgate",
    moment: "%d/%m/%Y, %H:%M UTC",
};

static GERMAN: Language = Language {
    tag: "de",
    invitation: (
        "Ihre Einladung zu {{ organization }}",
        "Guten Tag,\n\n{% if inviter %}{{ inviter }} lädt Sie zu {{ organization }} ein.{% else %}Sie sind zu \
         {{ organization }} eingeladen.{% endif %}",
    ),
    address_changed: (
        "Die Adresse Ihres Kontos bei {{ organization }} wurde geändert",
        "Guten Tag,\n\nwer die Benutzer von {{ organization }} verwaltet, hat Ihrem Konto dort eine andere Adresse gegeben. \
         Diese gehört nicht mehr zu Ihrem Konto.\n\nFalls Sie das überrascht, fragen Sie, wer {{ organization }} verwaltet.",
    ),
    open: "Öffnen Sie diesen Link, um anzunehmen:",
    button: "Einladung ansehen",
    otherwise: "Falls die Schaltfläche nicht funktioniert, öffnen Sie diese Adresse:",
    once: "Der Link gilt einmal, für Sie allein, bis {}. Geben Sie ihn nicht weiter.",
    unexpected: "Falls Sie keine Einladung zu {} erwartet haben, müssen Sie nichts tun: Ohne Sie geschieht nichts.",
    former_address: "Sie erhalten dies, weil es die Adresse Ihres Kontos bei {} war.",
    secured: "{}, gesichert durch Orgate",
    moment: "%d.%m.%Y, %H:%M UTC",
};

static SPANISH: Language = Language {
    tag: "es",
    invitation: (
        "Su invitación a {{ organization }}",
        "Hola:\n\n{% if inviter %}{{ inviter }} le invita a unirse a {{ organization }}.{% else %}Ha recibido una invitación \
         para unirse a {{ organization }}.{% endif %}",
    ),
    address_changed: (
        "Se ha cambiado la dirección de su cuenta en {{ organization }}",
        "Hola:\n\nQuien administra los usuarios de {{ organization }} ha asignado otra dirección a su cuenta. Esta ya no es la \
         dirección de su cuenta.\n\nSi esto le sorprende, pregunte a quien administra {{ organization }}.",
    ),
    open: "Abra este enlace para aceptar:",
    button: "Ver la invitación",
    otherwise: "Si el botón no funciona, abra esta dirección:",
    once: "Sirve una sola vez, solo para usted, hasta el {}. No lo comparta.",
    unexpected: "Si no esperaba una invitación a {}, no tiene que hacer nada: no ocurre nada sin usted.",
    former_address: "Recibe este mensaje porque era la dirección de su cuenta en {}.",
    secured: "{}, protegido por Orgate",
    moment: "%d/%m/%Y, %H:%M UTC",
};
