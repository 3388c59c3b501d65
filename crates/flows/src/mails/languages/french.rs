//! French.

use super::Language;

pub(super) static FRENCH: Language = Language {
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
