//! English.

use super::Language;

pub(super) static ENGLISH: Language = Language {
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
