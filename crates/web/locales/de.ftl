# What the hosted pages say, in German. en.ftl explains each message.
#
# "Sie"; Anwendung (client), Identitätsanbieter (identity provider), Administratoren, Konto (account).

## What many pages say

layout-secured = Gesichert durch Orgate
layout-request = Anfrage { $id }
error-prefix = Fehler:
check-and-try-again = Bitte prüfen Sie Ihre Angaben
continue = Weiter
sign-in = Anmelden
continue-with = Weiter mit{ "\u00A0" }{ $provider }
or = oder
email = E-Mail-Adresse
back-to = Zurück zu { $client }
lead-continue = weiter zu { $client }
old-page = Diese Seite war zu lange geöffnet. Bitte versuchen Sie es noch einmal.
enter-email-in-full = Geben Sie Ihre vollständige E-Mail-Adresse ein, zum Beispiel ada@example.com.
provider-required = In Ihrer Organisation meldet man sich über deren eigenen Identitätsanbieter an. Machen Sie dort weiter; ein Passwort brauchen Sie hier nicht.
check-your-mail = Sehen Sie in Ihr Postfach
join-org = { $org } beitreten
can-close = Sie können diese Seite schließen.
moment = { $day }. { $month ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
} { $year }, { $time } Uhr UTC

## The address itself, for who types it

home-title = Anmeldedienst
home-headline = Hier melden Sie sich bei Ihren Anwendungen an
home-lead = Auf dieser Seite selbst gibt es nichts zu tun. Öffnen Sie die Anwendung, die Sie nutzen möchten: Sie bringt Sie hierher, wenn sie wissen muss, wer Sie sind.

## Discovery: nothing says which organization somebody signs in to

discover-headline = Wo arbeiten Sie?
discover-label = Geschäftliche E-Mail-Adresse oder Name der Organisation
discover-hint = Zum Beispiel ana@acme.com oder einfach acme. Wir finden damit nur heraus, wo man sich in Ihrer Organisation anmeldet.
discover-missing = Geben Sie Ihre geschäftliche E-Mail-Adresse oder den Namen Ihrer Organisation ein.
discover-not-found = Eine Organisation dieses Namens gibt es hier nicht. Prüfen Sie die Schreibweise oder geben Sie stattdessen Ihre geschäftliche E-Mail-Adresse ein.

discover-sent-lead = Wenn { $email } zu einer Organisation hier gehört, ist eine E-Mail mit einem Code und den Links zur Anmeldung unterwegs.
discover-sent-your-address = Ihre Adresse
discover-sent-label = Code aus der E-Mail
discover-sent-hint = 8 Buchstaben und Ziffern, zum Beispiel ABCD-EFGH. { $count } Minuten gültig.
discover-sent-wrong = Dieser Code stimmt nicht oder gilt nicht mehr. Vergleichen Sie ihn mit der E-Mail oder fordern Sie einen neuen an.
discover-sent-nothing = Nach ein paar Minuten noch nichts da? Sehen Sie im Spam-Ordner nach, prüfen Sie dann die Adresse und senden Sie sie noch einmal.
discover-sent-back = Zurück und noch einmal senden

discover-several-headline = Welche Organisation?
discover-several-lead = { $address } kann zu jeder von diesen gehören; danach geht es weiter zu { $client }
discover-several-other = Andere Adresse verwenden

## Signing in to one organization

sign-in-headline = Bei { $org } anmelden
sign-in-password = Passwort
sign-in-nothing = Zurzeit kann man sich bei { $org } nicht anmelden. Bitten Sie die Administratoren, eine Anmeldung einzuschalten.
sign-in-out-of-reach = Ist der Identitätsanbieter nicht erreichbar?
sign-in-use-recovery = Wiederherstellungscode verwenden
sign-in-no-account = Noch kein Konto?
sign-in-join = Mit geschäftlicher E-Mail-Adresse beitreten
sign-in-cancel = Abbrechen
sign-in-cancel-and-return = Abbrechen und zurück zu { $client }
sign-in-email-missing = Geben Sie Ihre E-Mail-Adresse ein.
sign-in-password-missing = Geben Sie Ihr Passwort ein.
sign-in-wrong = Die E-Mail-Adresse oder das Passwort stimmt nicht.
sign-in-outage = Der Identitätsanbieter antwortet nicht. Versuchen Sie es in einer Minute noch einmal oder melden Sie sich auf andere Weise an.
sign-in-closed = Dieser Weg zur Anmeldung steht Ihnen zurzeit nicht offen. Wählen Sie einen anderen.
sign-in-too-many = Für diese Adresse gab es zu viele erfolglose Anmeldungen. Warten Sie { $count } Minuten und versuchen Sie es dann noch einmal.
sign-in-busy = Zurzeit versuchen zu viele Menschen, sich hier anzumelden. Warten Sie eine Minute und versuchen Sie es dann noch einmal. In einem Browser, in dem Sie sich schon einmal angemeldet haben, brauchen Sie nicht zu warten.
sign-in-provider-closed = In Ihrer Organisation meldet man sich über deren eigenen Identitätsanbieter an, der zurzeit nicht verfügbar ist. Fragen Sie Ihre Administratoren.

## Signing in with a recovery code, while the identity provider is out of reach

recovery-title = Wiederherstellungscode für { $org }
recovery-lead = um sich bei { $org } anzumelden, solange der Identitätsanbieter nicht erreichbar ist. Die Administratoren sehen, dass Sie es getan haben.
recovery-label = Wiederherstellungscode
recovery-hint = Er beginnt mit { $prefix }. Jeder gilt einmal.
recovery-back = Zurück zur Anmeldung
recovery-wrong = Die E-Mail-Adresse oder der Code stimmt nicht, oder der Code wurde schon verwendet. Solche Codes haben nur Personen, die Ihre Organisation für Notfälle benannt hat.
recovery-too-many = Es gab zu viele Versuche. Warten Sie { $count } Minuten und versuchen Sie es dann noch einmal.

## The chooser: organizations that this browser is signed in to, or could be

choose-headline = Organisation auswählen
choose-last-used = Zuletzt verwendet
choose-signed-in = Angemeldet
choose-other = Andere Organisation verwenden
choose-asks-provider = Weiter mit { $provider }
choose-asks-password = Fragt nach Ihrem Passwort
choose-asks-sign-in = Dazu melden Sie sich an

## Consent: whether an application of somebody else's may have what it asks for

consent-headline = { $client } bittet um Zugriff
consent-lead = Sie sind bei { $org } als { $email } angemeldet.
consent-able = Wenn Sie es erlauben, kann die Anwendung
consent-may-openid = erfahren, wer Sie hier sind
consent-may-profile = Ihren Namen und Ihre Sprache sehen
consent-may-email = Ihre E-Mail-Adresse sehen
consent-may-offline = angemeldet bleiben, während Sie nicht da sind
consent-may-org = sehen, dass Sie zu { $org } gehören und welche Rollen Sie dort haben
consent-before = (das haben Sie schon erlaubt)
consent-destination = Danach geht es weiter zu { $destination }.
consent-this-device = einer Anwendung auf diesem Gerät
consent-allow = Erlauben
consent-deny = Nicht erlauben
consent-registered = Diese Anwendung wurde registriert von { $owner ->
    [operator] den Betreibern dieses Anmeldedienstes
    [another] einer anderen Organisation, die diesen Anmeldedienst nutzt
   *[own] { $org }
}.
consent-registered-home = Diese Anwendung wurde registriert von { $owner ->
    [operator] den Betreibern dieses Anmeldedienstes
    [another] einer anderen Organisation, die diesen Anmeldedienst nutzt
   *[own] { $org }
}; zu Hause ist sie unter { $home }.
consent-registered-itself = Diese Anwendung hat sich selbst registriert bei { $owner ->
    [operator] den Betreibern dieses Anmeldedienstes
    [another] einer anderen Organisation, die diesen Anmeldedienst nutzt
   *[own] { $org }
}; ihren Namen hat niemand geprüft.
consent-registered-itself-home = Diese Anwendung hat sich selbst registriert bei { $owner ->
    [operator] den Betreibern dieses Anmeldedienstes
    [another] einer anderen Organisation, die diesen Anmeldedienst nutzt
   *[own] { $org }
}; ihren Namen hat niemand geprüft. Zu Hause ist sie unter { $home }.
consent-document = Niemand hat diese Anwendung hier registriert. Was sie ist, sagt sie selbst, unter { $home }.

## On the way to an application or an identity provider

form-post-headline = Wir bringen Sie zu { $client }
form-post-lead = Das dauert einen Moment. Wenn nichts geschieht, drücken Sie „Weiter“.
departure-title = Weiter zu Ihrem Identitätsanbieter
departure-headline = Noch ein Schritt
onward-headline = Wir bringen Sie zu Ihrem Identitätsanbieter
toward-sign-in = Sie sind auf dem Weg zum Identitätsanbieter Ihrer Organisation, um sich anzumelden.
    .onward = Sie sind auf dem Weg zur Anmeldung. Wenn nichts geschieht, drücken Sie „Weiter“.
toward-sign-out = Sie sind auf dem Weg zum Identitätsanbieter Ihrer Organisation, um sich auch dort abzumelden.
    .onward = Sie werden auch dort abgemeldet. Wenn nichts geschieht, drücken Sie „Weiter“.
toward-signed-out = Sie sind auf dem Weg zum Identitätsanbieter Ihrer Organisation, um die Abmeldung abzuschließen.
    .onward = Ihre Abmeldung wird abgeschlossen. Wenn nichts geschieht, drücken Sie „Weiter“.
toward-invitation = Sie sind auf dem Weg zum Identitätsanbieter Ihrer Organisation, um Ihre Einladung anzunehmen.
    .onward = Sie sind dabei, Ihre Einladung anzunehmen. Wenn nichts geschieht, drücken Sie „Weiter“.
toward-proof = Sie sind auf dem Weg zum Identitätsanbieter Ihrer Organisation, um dort nachzuweisen, wer Sie sind.
    .onward = Dort weisen Sie nach, wer Sie sind. Wenn nichts geschieht, drücken Sie „Weiter“.
toward-trial = Sie sind auf dem Weg zum Identitätsanbieter Ihrer Organisation, um die Verbindung auszuprobieren.
    .onward = Sie sind dabei, die Verbindung auszuprobieren. Wenn nichts geschieht, drücken Sie „Weiter“.

## Signing out

sign-out-headline = Bei { $org } abmelden?
sign-out-lead = Sie sind als { $email } angemeldet.
sign-out-others-stay = Bei anderen Organisationen bleiben Sie in diesem Browser angemeldet.
sign-out = Abmelden
signed-out-headline = Sie sind abgemeldet
signed-out-ended = Ihre Sitzung in diesem Browser ist beendet.
signed-out-onward = Gleich geht es weiter.
signing-out = Abmeldung

## A device that shows a code

device-headline = Auf einem Gerät anmelden
device-enter = Geben Sie den Code ein, den Ihr Gerät anzeigt.
device-compare = Vergewissern Sie sich, dass Ihr Gerät genau diesen Code anzeigt.
device-label = Code auf dem Gerät
device-hint = 8 Buchstaben, zum Beispiel WDJB-MJHT. { $count } Minuten gültig.
device-warning = Hat Ihnen jemand einen Code geschickt oder einen Link mit einem Code? Dann schließen Sie diese Seite: Wenn Sie weitermachen, wird { $them } unter Ihrem Namen angemeldet.
device-warning-them = diese Person
device-denied = Sie haben sich nicht angemeldet, deshalb wurde nichts erlaubt. Sie können mit demselben Code noch einmal beginnen.
device-not-as-asked = Sie konnten nicht so angemeldet werden, wie das Gerät es verlangt, deshalb wurde nichts erlaubt. Beginnen Sie auf dem Gerät noch einmal.
device-unknown = Diesen Code zeigt zurzeit kein Gerät an. Prüfen Sie ihn oder lassen Sie sich vom Gerät einen neuen anzeigen.

device-found-headline = Bei { $client } auf einem anderen Gerät anmelden?
device-found-lead = Jemand meldet sich { $elsewhere } an, das diesen Code anzeigt:
device-found-elsewhere = auf einem anderen Gerät
device-found-application = Anwendung
device-found-organization = Organisation
device-found-warning = Machen Sie nur weiter, wenn Sie das selbst begonnen haben und das Gerät vor Ihnen denselben Code anzeigt.
device-found-other = Es zeigt einen anderen Code an

device-approve-headline = Das Gerät anmelden?
device-approve-lead = { $client } wird auf einem anderen Gerät bei { $org } als { $user } angemeldet.
device-approve-lead-home = { $client } ({ $home }) wird auf einem anderen Gerät bei { $org } als { $user } angemeldet.
device-approve-able = Das Gerät kann dann
device-approve-warning = Erlauben Sie das nur, wenn das Gerät vor Ihnen denselben Code anzeigt.
device-approve-deny = Ablehnen
device-approve-not-you = Sind Sie das nicht?
device-approve-other = Als jemand anderes anmelden

device-allowed-headline = Das Gerät ist angemeldet
device-allowed-lead = { $client } macht dort in wenigen Sekunden weiter, bei { $org } als { $user }. Sie können diese Seite schließen.
device-denied-headline = Das Gerät wurde abgewiesen
device-denied-lead = { $client } wurde nicht angemeldet. Wenn Ihnen jemand den Code gegeben hat, geben Sie keinen weiteren von dieser Person ein. Sie können diese Seite schließen.

## Linking another way to sign in

link-headline = { $provider } verknüpfen
link-lead = Sie sind bei { $org } als { $user } angemeldet. Nach dem Verknüpfen können Sie sich auch über { $provider } als diese Person anmelden.
link-how = Sie weisen bei { $provider } nach, wer Sie sind, und kommen dann hierher zurück.
link-outage = Der Identitätsanbieter antwortet nicht. Versuchen Sie es in einer Minute noch einmal.
link-closed = Die Verbindung ist zurzeit nicht verfügbar. Fragen Sie Ihre Administratoren.
linked-headline = { $provider } ist verknüpft
linked-lead = Von jetzt an können Sie sich darüber anmelden. Sie können diese Seite schließen.

## Joining an organization without an invitation

join-lead = um { $client } zu nutzen. Zuerst stellen wir sicher, dass Ihre E-Mail-Adresse Ihnen gehört.
join-email = Geschäftliche E-Mail-Adresse
join-name = Ihr Name (freiwillig)
join-message = Nachricht an die Administratoren (freiwillig)
join-message-hint = Sie wird gelesen, wenn jemand entscheiden muss. Höchstens { $count } Zeichen.
join-have-account = Haben Sie schon ein Konto?
join-name-wrong = Geben Sie Ihren Namen mit höchstens 200 Buchstaben ein oder lassen Sie das Feld leer.
join-message-wrong = Kürzen Sie die Nachricht: Sie darf höchstens { $count } Zeichen haben.

join-sent-lead = Wenn Sie { $org } mit { $email } beitreten können, haben wir eine E-Mail dorthin geschickt. Öffnen Sie deren Link in diesem Browser, um weiterzumachen.
join-sent-nothing = Nach ein paar Minuten noch nichts da? Sehen Sie im Spam-Ordner nach und prüfen Sie dann die Adresse. Wenn Sie schon ein Konto haben, kommt keine E-Mail: Melden Sie sich an.
join-sent-other = Andere Adresse versuchen

join-confirm-lead = mit { $email }
join-confirm-typed = Das wurde mit der Adresse eingegeben und kann von den Administratoren gelesen werden:
join-confirm-name = Name
join-confirm-message = Nachricht
join-confirm-button = Das ist meine Adresse: beitreten
join-confirm-not-you = Waren Sie das nicht? Schließen Sie diese Seite: Dann geschieht nichts.

join-asked-headline = Ihre Anfrage wurde gesendet
join-asked-lead = Die Administratoren von { $org } entscheiden, ob Sie beitreten. Wenn sie zustimmen, erhalten Sie eine E-Mail mit einer Einladung.

## An invitation

invitation-lead = Das ist eine Einladung für { $email }.
invitation-lead-by = { $inviter } lädt { $email } ein.
invitation-accept-with = Annehmen mit{ "\u00A0" }{ $provider }
invitation-name = Ihr Name
invitation-password = Wählen Sie ein Passwort
invitation-password-hint = Mindestens { $count } Zeichen. Am besten sind ein paar Wörter, die Sie sich merken können.
invitation-again = Dasselbe Passwort noch einmal
invitation-accept = Einladung annehmen
invitation-nothing = Zurzeit kann man { $org } nicht beitreten. Bitten Sie die Person, die Sie eingeladen hat, einen Weg dafür einschalten zu lassen.
invitation-good = Die Einladung gilt einmal, bis zum { $expires }, für jeden, der diesen Link hat: Geben Sie ihn nicht weiter.
invitation-name-wrong = Geben Sie Ihren Namen so ein, wie andere ihn hier lesen sollen.
invitation-password-short = Wählen Sie ein Passwort mit mindestens { $count } Zeichen; ein paar Wörter genügen.
invitation-password-long = Wählen Sie ein kürzeres Passwort: Es hat höchstens { $count } Bytes.
password-same = Wählen Sie ein anderes Passwort als das bisherige.
invitation-again-wrong = Geben Sie dasselbe Passwort ein zweites Mal ein.
invitation-outage = Der Identitätsanbieter antwortet nicht. Versuchen Sie es in einer Minute noch einmal oder wählen Sie einen anderen Weg.
invitation-way-closed = Dieser Weg steht Ihnen zurzeit nicht offen. Wählen Sie einen anderen.

joined-headline = Sie sind { $org } beigetreten
joined-onward = Sie sind angemeldet und auf dem Weg zur Anwendung. Wenn nichts geschieht, drücken Sie „Weiter“.
joined-alone = Sie sind angemeldet. Öffnen Sie die Anwendung, die Sie nutzen möchten; diese Seite können Sie schließen.
joined-applications = Sie sind angemeldet. Hier geht es weiter:

## What is around every page of somebody who is signed in

frame-skip = Zum Inhalt springen
frame-menu = Menü
frame-account = Ihr Konto
frame-administration = Verwaltung
pager = Seiten
pager-first = Erste Seite
pager-next = Nächste Seite
ago-now = gerade eben
ago-minutes = { $count ->
    [one] vor 1 Minute
   *[other] vor { $count } Minuten
}
ago-hours = { $count ->
    [one] vor 1 Stunde
   *[other] vor { $count } Stunden
}
ago-days = { $count ->
    [one] vor 1 Tag
   *[other] vor { $count } Tagen
}
software = { $known ->
    [both] { $program } auf { $system }
    [program] { $program }
    [system] Unbekannter Browser auf { $system }
   *[neither] Unbekanntes Gerät
}

## One's account in an organization

account-which-headline = Welches Konto?
account-which-lead = Dieser Browser ist bei mehreren Organisationen angemeldet. Bei welcher möchten Sie Ihr Konto sehen?
account-again = Zu Ihrem Konto

account-profile = Profil
account-sessions = Sitzungen
account-sign-in = Arten der Anmeldung
account-applications = Anwendungen
account-activity = Aktivität
account-organizations = Organisationen

account-in = bei { $org }
account-address = Adresse
account-proven = Bestätigt
account-not-proven = Nicht bestätigt
account-no-address = Keine eigene
account-language = Sprache
account-organization = Organisation
account-roles = Rollen
account-groups = Gruppen
account-none = Keine
account-since = Dabei seit
account-id = Kennung
account-profile-kept = Diese Angaben führt Ihre Organisation. Wenn etwas nicht stimmt, wenden Sie sich an einen ihrer Administratoren.
account-data = Ihre Daten
account-data-lead = Ihr Profil, Ihre Sitzungen und Arten der Anmeldung, was Sie erlaubt haben und was mit Ihrem Konto geschehen ist: in einer Datei, die Sie und Programme lesen können.
account-data-download = Ihre Daten herunterladen

account-sessions-headline = Wo Sie angemeldet sind
account-devices = Sitzungen und Geräte
account-this-browser = Dieser Browser
account-session-times = Zuletzt genutzt { $used }, angemeldet { $since }
account-session-times-from = Zuletzt genutzt { $used }, angemeldet { $since } von { $address }
account-session-which = { $device }, zuletzt genutzt { $used }
account-sessions-more = { $count ->
    [one] Und eine weitere, deren Nutzung länger her ist. Wenn Sie sich überall sonst abmelden, endet auch diese.
   *[other] Und { $count } weitere, deren Nutzung länger her ist. Wenn Sie sich überall sonst abmelden, enden auch diese.
}
account-end-others = Überall sonst abmelden
account-no-others = Sie sind hier angemeldet und nirgends sonst.
account-ended = Abgemeldet. Die Anwendungen werden benachrichtigt.

account-access = Anwendungen mit Zugriff
account-access-lead = Diesen Anwendungen Dritter haben Sie erlaubt, bei { $org } für Sie zu handeln.
account-access-lead-back = Diesen Anwendungen Dritter haben Sie erlaubt, bei { $org } für Sie zu handeln. Eine Anwendung, der Sie die Erlaubnis entziehen, wird benachrichtigt und hat keinen Zugriff mehr.
account-access-none = Keine. Wenn eine Anwendung Dritter bei { $org } für Sie handeln möchte und Sie es erlauben, finden Sie sie hier und können die Erlaubnis zurücknehmen.
account-access-at = unter { $hosts }
account-access-may = Darf: { $may }
account-access-given = Erlaubt { $given }
account-take-back = Zurücknehmen
account-take-back-which = was { $client } darf
account-access-more = { $count ->
    [one] Und eine weitere, die Sie vor längerer Zeit erlaubt haben. Sie erscheint hier, sobald Sie einer anderen den Zugriff entziehen.
   *[other] Und { $count } weitere, die Sie vor längerer Zeit erlaubt haben. Sie erscheinen hier, sobald Sie anderen den Zugriff entziehen.
}
account-access-all = { $count ->
    [one] Alle Anwendungen, darunter eine weitere mit Zugriff
   *[other] Alle Anwendungen, darunter { $count } weitere mit Zugriff
}
account-access-gone = Die Anwendung hat keinen Zugriff mehr.
account-open = Ihre Anwendungen
account-open-none = Keine Anwendung Ihrer Organisation gibt an, wo sie beginnt. Öffnen Sie eine dort, wo Sie sie kennen; angemeldet sind Sie schon.

account-organizations-here = In diesem Browser
account-here = Sie sind hier
account-open-this = Öffnen
account-open-which = Ihr Konto bei { $org }
account-organizations-hint = Bei jeder Organisation haben Sie ein eigenes Konto, und keine erfährt von den anderen. Eine Organisation steht hier, sobald Sie sich in diesem Browser bei ihr angemeldet haben, von einer ihrer Anwendungen aus.

account-not-changed = Nicht geändert:
account-password-not-changed = Ihr Passwort wurde nicht geändert
account-password = Passwort
account-password-set = Sie haben hier ein Passwort, festgelegt { $since }.
account-password-instead = Ihre Organisation verlangt stattdessen die Anmeldung über ihren Identitätsanbieter.
account-password-none = Sie haben hier kein Passwort: Sie melden sich über den Identitätsanbieter Ihrer Organisation an.
account-password-current = Ihr aktuelles Passwort
account-password-new = Ein neues Passwort
account-password-change = Passwort ändern
account-password-ends = Hier bleiben Sie angemeldet, überall sonst werden Sie abgemeldet.
account-password-wrong = Das ist nicht Ihr aktuelles Passwort.
account-password-busy = Zurzeit versuchen zu viele Personen, sich hier anzumelden. Warten Sie eine Minute und versuchen Sie es dann noch einmal.
account-password-changed = Ihr Passwort ist geändert. Hier sind Sie angemeldet, überall sonst wurden Sie abgemeldet; Anwendungen bitten Sie, sich neu anzumelden. API-Schlüssel, die Sie angelegt haben, gelten weiter.
account-providers = Identitätsanbieter
account-providers-none = Ihre Organisation hat keinen verbunden. Sobald sie das tut, können Sie sich mit Ihrem dortigen Konto anmelden.
account-provider-off = Abgeschaltet
account-provider-linked = Verknüpft
account-provider-as = als { $email }
account-provider-times = Verknüpft { $since }, zuletzt genutzt { $used }
account-provider-unused = Darüber haben Sie sich noch nicht angemeldet.
account-provider-link = Verknüpfen
account-link-stale = Um einen weiteren zu verknüpfen, melden Sie sich zuerst noch einmal an: Die Anmeldung darf höchstens zehn Minuten her sein.
account-recovery = Wiederherstellungscodes
account-recovery-empty = Sie dürfen sich mit einem Wiederherstellungscode anmelden, wenn der Identitätsanbieter ausfällt, aber { $none }. Bitten Sie die Betreiber dieses Dienstes um neue, bevor Sie sie brauchen.
account-recovery-none = Sie haben keinen mehr
account-recovery-left = { $count ->
    [one] Sie haben noch 1 Wiederherstellungscode für den Tag, an dem der Identitätsanbieter ausfällt. Er gilt einmal, und seine Verwendung löst einen Alarm aus.
   *[other] Sie haben noch { $count } Wiederherstellungscodes für den Tag, an dem der Identitätsanbieter ausfällt. Jeder gilt einmal, und jede Verwendung löst einen Alarm aus.
}

account-activity-lead = Ihre Anmeldungen und was bei { $org } an Ihrem Konto geändert wurde. Wenn etwas nicht von Ihnen war, beenden Sie die Sitzung und sagen Sie es einem Administrator.
account-activity-none = Hier steht noch nichts
account-activity-none-lead = Hier werden Ihre Anmeldungen festgehalten und was bei { $org } an Ihrem Konto geändert wird; niemand kann das nachträglich ändern.
event-refused = Abgelehnt
event-this-session = Diese Sitzung
event-from = von { $from }
event-by = { $kind ->
    [another] Ein Benutzer
    [application] Eine Anwendung
    [delegate] Eine übergeordnete Organisation
    [operator] Die Betreiber dieses Dienstes
    [own] Sie
    [setup_link] Jemand mit einem Einrichtungslink
    [system] Orgate
    [user] Jemand aus Ihrer Organisation
   *[other] Jemand, der nicht angemeldet war
}
account-event = { $action ->
    [api_key-created] Ein API-Schlüssel wurde angelegt
    [api_key-revoked] Ein API-Schlüssel wurde zurückgenommen
    [api-refused] Eine Anfrage von Ihnen wurde abgelehnt
    [assertion-redeemed] Eine Anwendung hat eine Bescheinigung eingelöst
    [assertion-refused] Die Bescheinigung einer Anwendung wurde abgelehnt
    [authorization-refused] Die Anfrage einer Anwendung wurde abgelehnt
    [break_glass-used] Sie haben sich mit einem Wiederherstellungscode angemeldet
    [code-refused] Ein Anmeldecode wurde abgelehnt
    [code-replayed] Eine Anmeldung wurde zweimal vorgelegt und beendet
    [consent-denied] Sie haben einer Anwendung den Zugriff verweigert
    [consent-given] Sie haben einer Anwendung Zugriff gegeben
    [consent-revoked] Einer Anwendung wurde der Zugriff entzogen
    [device-approved] Sie haben ein Gerät angemeldet
    [device-denied] Sie haben ein Gerät abgewiesen
    [device-refused] Ein Gerät wurde abgewiesen
    [identity-linked] Eine weitere Art der Anmeldung wurde verknüpft
    [invitation-accepted] Sie sind der Organisation beigetreten
    [password-rehashed] Ihr Passwort wird jetzt sicherer aufbewahrt
    [recovery_codes-created] Für Sie wurden neue Wiederherstellungscodes angelegt
    [refresh_token-refused] Eine Anwendung konnte ihren Zugriff nicht verlängern
    [refresh_token-reused] Eine Anwendung wurde abgemeldet, weil ihr Token zweimal verwendet wurde
    [session-ended] Eine Sitzung endete
    [sign_in-failed] Eine Anmeldung schlug fehl
    [sign_in-succeeded] Sie haben sich angemeldet
    [token-refused] Ein Token wurde abgelehnt
    [token-revoked] Ein Token wurde zurückgenommen
    [user-configured] An Ihrem Konto wurde etwas geändert
   *[other] { $words }
}
account-event-made = Ihr Konto wurde angelegt
account-event-changed = An Ihrem Konto geändert: { $parts }
account-part = { $part ->
    [attributes] Attribute
    [break_glass] Anmeldung im Notfall
    [email] Adresse
    [external_id] externe Kennung
    [groups] Gruppen
    [locale] Sprache
    [name] Name
    [password] Passwort
    [roles] Rollen
    [status] ob Sie Zugang haben
    [verified] ob Ihre Adresse bestätigt ist
   *[other] { $words }
}
account-reason = { $reason ->
    [acr_unmet] Die verlangte Art der Anmeldung fehlte
    [already_redeemed] Schon verwendet
    [another_user] Es war jemand anderes
    [beyond_ceiling] Mehr, als die Verbindung vergeben darf
    [by_address] Anhand der bestätigten Adresse
    [by_user] Von Ihnen
    [cancelled] Abgebrochen
    [changed_by_user] Von Ihnen geändert
    [changed_meanwhile] Inzwischen geändert
    [client_disabled] Die Anwendung ist abgeschaltet
    [client_not_admitted] Die Anwendung ist nicht zugelassen
    [connection_disabled] Die Verbindung ist abgeschaltet
    [connection_inactive] Die Verbindung ist abgeschaltet
    [consent_missing] Ohne Ihre Erlaubnis
    [denied] Von Ihnen abgelehnt
    [displaced] Zu viele Organisationen in diesem Browser
    [ended_by_admin] Von einem Administrator beendet
    [ended_by_user] Von Ihnen anderswo beendet
    [expired] Abgelaufen
    [family_revoked] Alle Token dieser Anmeldung wurden zurückgenommen
    [first_sign_in] Bei der ersten Anmeldung
    [given_again] Noch einmal gegeben
    [group_removed] Die Gruppe gibt es nicht mehr
    [key_mismatch] Mit einem anderen Schlüssel
    [malformed_code] Das war kein Code
    [mapped] Nach Auskunft Ihres Identitätsanbieters
    [master_key_changed] Der Dienst hat neue Schlüssel
    [no_password] Es gibt kein Passwort
    [not_break_glass] Nicht für Notfälle benannt
    [organization_deleted] Die Organisation wurde gelöscht
    [organization_inactive] Die Organisation ist gesperrt
    [organization_suspended] Die Organisation wurde gesperrt
    [organization_throttled] Zu viele Anmeldungen bei der Organisation
    [other_client] Von einer anderen Anwendung
    [other_resource] Für eine andere Anwendung
    [password_changed] Das Passwort wurde geändert
    [permission_missing] Die Berechtigung fehlt
    [permission_newer] Die Berechtigung ist neuer als die Anmeldung
    [pkce_mismatch] Von einem anderen Programm
    [redirect_uri_mismatch] Für eine andere Adresse
    [replaced] Jemand anderes hat sich in demselben Browser angemeldet
    [revoked] Zurückgenommen
    [role_removed] Die Rolle gibt es nicht mehr
    [scope_too_wide] Mehr verlangt als erlaubt
    [session_ended] Die Sitzung ist beendet
    [signed_out] Sie haben sich abgemeldet
    [sso_enforced] Die Anmeldung geht über den Identitätsanbieter
    [sso_required] Die Anmeldung geht über den Identitätsanbieter
    [third_party_forbidden] Anwendungen Dritter sind nicht zugelassen
    [throttled] Zu viele Versuche
    [upstream_logout] Vom Identitätsanbieter abgemeldet
    [user_deactivated] Das Konto wurde deaktiviert
    [user_deleted] Das Konto wurde gelöscht
    [wrong_code] Falscher Code
    [wrong_password] Falsches Passwort
   *[other] { $words }
}

## What goes wrong: a headline, what happened, and what can be done

error-next = Was Sie tun können
error-details = Technische Einzelheiten, für den Support
error-code = Fehler
error-request = Anfrage

problem-too-many = Das ging ein wenig zu schnell
    .happened = Aus Ihrem Netz kamen zu viele Anfragen.
    .next = Warten Sie eine Minute und laden Sie diese Seite dann neu.
problem-unavailable = Wir können gerade nicht antworten
    .happened = Der Anmeldedienst ist ausgelastet oder startet neu.
    .next = Warten Sie eine Minute und laden Sie diese Seite dann neu.
problem-failed = Bei uns ist etwas schiefgegangen
    .happened = Der Anmeldedienst konnte Ihre Anfrage nicht zu Ende bringen.
    .next = Bitte versuchen Sie es noch einmal. Wenn es wieder geschieht, schicken Sie die Nummer der Anfrage von hier unten an die Betreiber dieses Dienstes.
problem-over = Diese Anmeldung ist vorbei
    .happened = Sie wurde abgeschlossen, hat zu lange gedauert oder wurde in einem anderen Browser begonnen.
    .next = Gehen Sie zurück zu der Anwendung, die Sie nutzen möchten, und melden Sie sich von dort aus an.
problem-unreadable = Diese Anfrage ist nicht lesbar
    .happened = Was Ihr Browser gesendet hat, konnte nicht gelesen werden: { $why }.
    .next = Gehen Sie zurück zu der Anwendung, die Sie nutzen möchten, und melden Sie sich von dort aus an.
problem-nowhere = Diese Seite gibt es nicht
    .happened = Vielleicht ist die Adresse falsch geschrieben, oder die Seite ist umgezogen.
    .next = Gehen Sie zurück zu der Anwendung, die Sie nutzen möchten, und beginnen Sie dort.

problem-link-request = Dieser Link zur Anmeldung funktioniert nicht
    .happened = Die Anfrage der Anwendung, Sie anzumelden, ist abgelaufen, oder wir können ihr nicht folgen.
    .next = Öffnen Sie Ihre Anwendung unter ihrer eigenen Adresse und melden Sie sich von dort aus an. Wenn es wieder geschieht, wenden Sie sich an deren Support und schicken Sie die Einzelheiten von hier unten mit.
problem-link-client = Dieser Link zur Anmeldung funktioniert nicht
    .happened = Der Link, der Sie hergebracht hat, nennt eine Anwendung, die bei uns nicht registriert ist.
    .next = Öffnen Sie Ihre Anwendung unter ihrer eigenen Adresse und melden Sie sich von dort aus an. Wenn es wieder geschieht, wenden Sie sich an deren Support und schicken Sie die Einzelheiten von hier unten mit.
problem-link-address = Dieser Link zur Anmeldung funktioniert nicht
    .happened = Die Anwendung wollte, dass wir Sie zu einer Adresse schicken, die sie nicht registriert hat. Zu Ihrer Sicherheit haben wir hier angehalten.
    .next = Öffnen Sie Ihre Anwendung unter ihrer eigenen Adresse und melden Sie sich von dort aus an. Wenn es wieder geschieht, wenden Sie sich an deren Support und schicken Sie die Einzelheiten von hier unten mit.
problem-link-untold = Dieser Link zur Anmeldung funktioniert nicht
    .happened = Wir können der Anfrage nicht nachkommen, und hier steht niemand für die Anwendung ein, von der sie kommt. Deshalb haben wir hier angehalten und Sie nicht zu deren Adresse geschickt.
    .next = Wenn Sie sich anmelden wollten, öffnen Sie die Anwendung noch einmal und nennen Sie dort Ihre Organisation.

problem-client-off = { $client } ist abgeschaltet
    .happened = Zurzeit kann sich niemand bei { $client } anmelden.
    .next = Fragen Sie die Betreiber von { $client }, wann die Anwendung wieder da ist.
problem-not-admitted = Diese Organisation kann { $client } nicht nutzen
    .happened = Es gibt keine Organisation dieses Namens, die sich bei { $client } anmelden darf.
    .next = Prüfen Sie den Link oder den Namen, den Sie bekommen haben, oder bitten Sie Ihren Administrator, für die Zulassung der Organisation zu sorgen.
problem-suspended = { $org } ist gesperrt
    .happened = Die Anmeldung bei { $org } wurde gestoppt. Es wurden keine Daten gelöscht.
    .next = Bitten Sie Ihren Administrator oder die Betreiber von { $client }, die Sperre aufzuheben.

problem-sso-outage = { $provider } antwortet nicht
    .happened = Wir konnten den Identitätsanbieter { $known ->
        [yes] von { $org }
       *[no] Ihrer Organisation
    } nicht erreichen.
    .next = Versuchen Sie es in einer Minute noch einmal oder wählen Sie eine andere Art der Anmeldung. Wenn es so bleibt, sagen Sie es den Administratoren { $known ->
        [yes] von { $org }
       *[no] Ihrer Organisation
    }.
problem-sso = Diese Anmeldung hat nicht funktioniert
    .happened = Wir konnten nicht annehmen, was { $provider } uns geschickt hat. Deshalb wurde niemand angemeldet.
    .next = Versuchen Sie es noch einmal. Wenn es wieder geschieht, schicken Sie die Nummer der Anfrage von hier unten an die Administratoren { $known ->
        [yes] von { $org }
       *[no] Ihrer Organisation
    }: Sie führt zum Grund.
problem-sso-user = Ihr Zugang wurde abgeschaltet
    .happened = { $known ->
        [yes] { $org }
       *[no] Ihre Organisation
    } hat Ihren Zugang deaktiviert.
    .next = { problem-sso.next }
problem-sso-invited = Eingeladen wurde jemand anderes
    .happened = Nach Auskunft von { $provider } haben Sie eine andere Adresse als die eingeladene, oder { $known ->
        [yes] { $org }
       *[no] Ihre Organisation
    } kann sich auf diese Auskunft nicht verlassen. Deshalb wurde nichts angenommen.
    .next = { problem-sso.next }
problem-sso-seat = Zurzeit ist kein Platz für Sie frei
    .happened = Sie haben nachgewiesen, wer Sie sind, aber { $known ->
        [yes] { $org }
       *[no] Ihre Organisation
    } hat schon so viele Benutzer, wie sie haben darf.
    .next = { problem-sso.next }
problem-sso-unknown = Sie haben noch keinen Zugang
    .happened = Sie haben nachgewiesen, wer Sie sind, aber { $known ->
        [yes] { $org }
       *[no] Ihre Organisation
    } hat Ihnen über { $provider } keinen Zugang gegeben.
    .next = { problem-sso.next }
problem-sso-choose = Art der Anmeldung wählen

problem-no-connection = Diese Verbindung gibt es nicht
    .happened = Vielleicht ist die Adresse falsch geschrieben, oder die Verbindung wurde woanders eingerichtet.
    .next = Vergleichen Sie die Adresse mit der auf der Einrichtungsseite der Verbindung.
problem-logout = Diese Abmeldung konnten wir nicht ausführen
    .happened = Was der Identitätsanbieter geschickt hat, passt nicht zu der Verbindung, über die es kam. Deshalb wurde daraufhin nichts beendet.
    .next = Melden Sie sich in der Anwendung selbst ab und schließen Sie an einem gemeinsam genutzten Computer den Browser.
problem-sign-out = Wir konnten Sie nicht abmelden
    .happened = Die Anfrage der Anwendung war nicht richtig: { $why }.
    .next = Sie sind noch angemeldet. Melden Sie sich in der Anwendung noch einmal ab; wenn auch das nicht gelingt, wenden Sie sich an deren Support und schicken Sie die Einzelheiten von hier unten mit.

problem-link-again = Melden Sie sich zuerst an
    .happened = Um eine weitere Art der Anmeldung zu verknüpfen, müssen Sie sich in den letzten zehn Minuten in diesem Browser bei Ihrer Organisation angemeldet haben.
    .next = Melden Sie sich in Ihrer Anwendung ab und wieder an, und öffnen Sie dann diese Seite noch einmal.
problem-link-nothing = Hier gibt es nichts zu verknüpfen
    .happened = Ihre Organisation hat keinen solchen Identitätsanbieter, oder er steht Ihnen nicht offen.
    .next = Fragen Sie Ihre Administratoren nach der richtigen Adresse.

problem-join-expired = Dieser Link ist abgelaufen
    .happened = Links, die eine Adresse bestätigen, gelten einen Tag lang.
    .next = Öffnen Sie die Anwendung und bitten Sie noch einmal um den Beitritt.
problem-join-full = Zurzeit ist kein Platz für Sie frei
    .happened = Die Organisation nimmt im Moment niemanden mehr auf. Ihr Link bleibt erhalten.
    .next = Sagen Sie es einem Administrator der Organisation und öffnen Sie den Link noch einmal, wenn Platz geschaffen wurde.
problem-join-invited = Sie sind schon eingeladen
    .happened = In Ihrem Postfach liegt eine E-Mail der Organisation mit einer Einladung.
    .next = Öffnen Sie deren Link. Wenn Sie die E-Mail nicht finden, bitten Sie einen Administrator der Organisation, sie noch einmal zu senden.
problem-join-closed = Mit dieser Adresse können Sie nicht beitreten
    .happened = Die Organisation nimmt niemanden mit einer solchen Adresse auf, oder nicht mehr.
    .next = Bitten Sie einen Administrator der Organisation um eine Einladung.
problem-join-suspended = Diese Organisation ist gesperrt
    .happened = Zurzeit kann ihr niemand beitreten.
    .next = Öffnen Sie den Link später noch einmal.
problem-join-taken = Sie haben schon ein Konto
    .happened = Jemand mit Ihrer Adresse gehört der Organisation bereits an.
    .next = Melden Sie sich wie sonst bei der Anwendung an. Wenn das nicht geht, fragen Sie einen Administrator der Organisation.
problem-join-unknown = Dieser Link öffnet hier nichts
    .happened = Vielleicht ist er unvollständig.
    .next = Öffnen Sie den ganzen Link aus der E-Mail, die Sie bekommen haben. Wenn er nicht funktioniert, bitten Sie noch einmal um den Beitritt.
problem-join-used = Dieser Link wurde schon verwendet
    .happened = Er gilt einmal, und das war schon. Wenn Sie um den Beitritt gebeten haben, wissen die Administratoren davon.
    .next = Wenn Sie gerade beitreten wollten und nicht fertig geworden sind, bitten Sie noch einmal um den Beitritt.

problem-invitation-seat = Zurzeit ist kein Platz für Sie frei
    .happened = Die Organisation hat schon so viele Benutzer, wie sie haben darf. Ihre Einladung bleibt erhalten.
    .next = Sagen Sie es einem Administrator der Organisation und öffnen Sie den Link noch einmal, wenn Platz geschaffen wurde.
problem-invitation-suspended = Diese Organisation ist gesperrt
    .happened = Zurzeit kann ihr niemand beitreten.
    .next = Öffnen Sie den Link später noch einmal oder fragen Sie jemanden aus der Organisation.
problem-invitation-taken = Sie haben schon ein Konto
    .happened = Jemand mit Ihrer Adresse gehört der Organisation bereits an, es gibt also nichts anzunehmen.
    .next = Melden Sie sich wie sonst bei der Anwendung an. Wenn das nicht geht, fragen Sie einen Administrator der Organisation.
problem-invitation-unknown = Dieser Link öffnet hier nichts
    .happened = Vielleicht ist er unvollständig, oder eine neuere E-Mail enthält einen anderen.
    .next = Öffnen Sie den ganzen Link aus der letzten E-Mail, die Sie bekommen haben. Wenn er nicht funktioniert, bitten Sie um eine neue Einladung.
problem-invitation-used = Diese Einladung wurde schon verwendet
    .happened = Eine Einladung gilt einmal, und diese wurde angenommen.
    .next = Wenn Sie das waren, melden Sie sich so bei der Anwendung an, wie Sie es gewählt haben. Wenn nicht, sagen Sie es einem Administrator der Organisation.
problem-invitation-expired = Diese Einladung ist abgelaufen
    .happened = Eine Einladung gilt so lange, wie es in der E-Mail steht; für alle, die von sich aus beitreten, einen Tag lang.
    .next = Bitten Sie die Person, die Sie eingeladen hat, um eine neue Einladung. Wenn niemand Sie eingeladen hat, öffnen Sie die Anwendung und bitten Sie noch einmal um den Beitritt.
problem-invitation-changed = So können Sie nicht mehr beitreten
    .happened = Die Organisation hat geändert, wer ihr beitreten kann, oder Ihre Adresse gehört nicht mehr zu einer ihrer Domains.
    .next = Bitten Sie einen Administrator der Organisation um eine Einladung.
problem-invitation-fallen = Diese Einladung gilt nicht mehr
    .happened = Wer sie ausgestellt hat, darf Sie so nicht mehr einladen.
    .next = Bitten Sie einen Administrator der Organisation um eine neue.
problem-invitation-revoked = Diese Einladung wurde zurückgezogen
    .happened = Sie öffnet nichts mehr. Wenn Sie noch einmal eingeladen wurden, liegt eine neuere in Ihrem Postfach.
    .next = Bitten Sie die Person, die Sie eingeladen hat, um eine neue Einladung. Wenn niemand Sie eingeladen hat, öffnen Sie die Anwendung und bitten Sie noch einmal um den Beitritt.

problem-account-sign-in = Melden Sie sich zuerst an
    .happened = Dieser Browser ist nicht bei der Organisation angemeldet, deren Konto Sie sehen möchten.
    .next = Melden Sie sich in diesem Browser bei einer der Anwendungen Ihrer Organisation an und öffnen Sie dann diese Seite noch einmal.
problem-account-old-page = Diese Seite war zu alt
    .happened = Was Sie gesendet haben, kam nicht von einer Seite, die Ihnen in dieser Sitzung gezeigt wurde. Deshalb wurde nichts geändert.
    .next = Gehen Sie zurück zu Ihrem Konto und tun Sie es dort noch einmal.
problem-account-no-password = Sie haben kein Passwort, das sich ändern ließe
    .happened = Sie melden sich hier zurzeit nicht mit einem Passwort an. Deshalb wurde nichts geändert.
    .next = Wenn Sie sich über einen Identitätsanbieter anmelden, ändern Sie das Passwort, das Sie dort haben.
problem-account-changed = Ihr Konto wurde gerade geändert
    .happened = In eben diesem Augenblick geschah etwas anderes mit Ihrem Konto. Wenn Sie den Knopf zweimal gedrückt haben, gilt Ihr neues Passwort.
    .next = Sehen Sie Ihr Konto noch einmal an. Wenn Sie abgemeldet sind, melden Sie sich mit dem neuen Passwort an; wenn das nicht stimmt, mit dem bisherigen.
