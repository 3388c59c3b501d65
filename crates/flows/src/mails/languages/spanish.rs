//! Spanish.

use super::Language;

pub(super) static SPANISH: Language = Language {
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
