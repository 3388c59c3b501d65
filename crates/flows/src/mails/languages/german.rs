//! German.

use super::Language;

pub(super) static GERMAN: Language = Language {
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
