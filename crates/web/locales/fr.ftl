# What the hosted pages say, in French. en.ftl explains each message.
#
# "Vous"; application (client), fournisseur d’identité (identity provider), administrateurs, compte (account). A space before
# ? ! : ; and inside « » does not break.

## What many pages say

layout-secured = Sécurisé par Orgate
layout-request = Requête { $id }
error-prefix = Erreur :
check-and-try-again = Vérifiez et réessayez
continue = Continuer
sign-in = Se connecter
continue-with = Continuer avec{ "\u00A0" }{ $provider }
or = ou
email = Adresse e-mail
back-to = Retour à { $client }
lead-continue = pour continuer vers { $client }
old-page = Cette page était ouverte depuis trop longtemps. Veuillez réessayer.
enter-email-in-full = Saisissez votre adresse e-mail complète, par exemple ada@example.com.
provider-required = Votre organisation se connecte par son propre fournisseur d’identité. Continuez de ce côté ; aucun mot de passe n’est nécessaire ici.
check-your-mail = Consultez votre messagerie
join-org = Rejoindre { $org }
can-close = Vous pouvez fermer cette page.
moment = { $day ->
    [1] 1er
   *[other] { $day }
} { $month ->
    [1] janvier
    [2] février
    [3] mars
    [4] avril
    [5] mai
    [6] juin
    [7] juillet
    [8] août
    [9] septembre
    [10] octobre
    [11] novembre
   *[12] décembre
} { $year }, { $time } UTC

## The address itself, for who types it

home-title = Service de connexion
home-headline = C’est ici que vous vous connectez à vos applications
home-lead = Il n’y a rien à faire sur cette page. Ouvrez l’application que vous voulez utiliser : elle vous amène ici quand elle a besoin de savoir qui vous êtes.

## Discovery: nothing says which organization somebody signs in to

discover-headline = Où travaillez-vous ?
discover-label = Adresse e-mail professionnelle ou nom de l’organisation
discover-hint = Par exemple ana@acme.com, ou simplement acme. Cela nous sert seulement à trouver où votre organisation se connecte.
discover-missing = Saisissez votre adresse e-mail professionnelle ou le nom de votre organisation.
discover-not-found = Il n’y a pas d’organisation de ce nom ici. Vérifiez l’orthographe, ou saisissez plutôt votre adresse e-mail professionnelle.

discover-sent-lead = Si { $email } appartient à une organisation ici, un e-mail avec un code et les liens de connexion est en route.
discover-sent-your-address = votre adresse
discover-sent-label = Code reçu par e-mail
discover-sent-hint = 8 lettres et chiffres, par exemple ABCD-EFGH. Valable { $count } minutes.
discover-sent-wrong = Ce code n’est pas le bon, ou n’est plus valable. Comparez-le avec l’e-mail, ou demandez-en un nouveau.
discover-sent-nothing = Toujours rien après quelques minutes ? Regardez dans vos courriers indésirables, puis vérifiez l’adresse et envoyez-la de nouveau.
discover-sent-back = Revenir et envoyer de nouveau

discover-several-headline = Quelle organisation ?
discover-several-lead = { $address } peut appartenir à n’importe laquelle de celles-ci, pour continuer vers { $client }
discover-several-other = Utiliser une autre adresse

## Signing in to one organization

sign-in-headline = Se connecter à { $org }
sign-in-password = Mot de passe
sign-in-nothing = Il n’y a pour le moment aucun moyen de se connecter à { $org }. Demandez à ses administrateurs d’en activer un.
sign-in-out-of-reach = Le fournisseur d’identité est-il injoignable ?
sign-in-use-recovery = Utiliser un code de secours
sign-in-no-account = Pas encore de compte ?
sign-in-join = Rejoindre l’organisation avec votre adresse e-mail professionnelle
sign-in-cancel = Annuler
sign-in-cancel-and-return = Annuler et revenir à { $client }
sign-in-email-missing = Saisissez votre adresse e-mail.
sign-in-password-missing = Saisissez votre mot de passe.
sign-in-wrong = L’adresse e-mail ou le mot de passe n’est pas correct.
sign-in-outage = Le fournisseur d’identité ne répond pas. Réessayez dans une minute, ou connectez-vous d’une autre façon.
sign-in-closed = Cette façon de se connecter ne vous est pas ouverte pour le moment. Choisissez-en une autre.
sign-in-too-many = Il y a eu trop de tentatives de connexion échouées pour cette adresse. Attendez { $count } minutes, puis réessayez.
sign-in-busy = Trop de personnes essaient de se connecter ici en ce moment. Attendez une minute, puis réessayez. Dans un navigateur où vous vous êtes déjà connecté, vous n’avez pas à attendre.
sign-in-provider-closed = Votre organisation se connecte par son propre fournisseur d’identité, qui n’est pas ouvert pour le moment. Adressez-vous à vos administrateurs.

## Signing in with a recovery code, while the identity provider is out of reach

recovery-title = Code de secours pour { $org }
recovery-lead = pour vous connecter à { $org } tant que son fournisseur d’identité est injoignable. Ses administrateurs verront que vous l’avez fait.
recovery-label = Code de secours
recovery-hint = Il commence par { $prefix }. Chaque code sert une seule fois.
recovery-back = Retour à la connexion
recovery-wrong = L’adresse e-mail ou le code n’est pas correct, ou le code a déjà servi. Seules les personnes que votre organisation a désignées pour les urgences ont de tels codes.
recovery-too-many = Il y a eu trop d’essais. Attendez { $count } minutes, puis réessayez.

## The chooser: organizations that this browser is signed in to, or could be

choose-headline = Choisissez une organisation
choose-last-used = Dernière utilisée
choose-signed-in = Connecté
choose-other = Utiliser une autre organisation
choose-asks-provider = Continuer avec { $provider }
choose-asks-password = Demande votre mot de passe
choose-asks-sign-in = Connectez-vous pour continuer

## Consent: whether an application of somebody else's may have what it asks for

consent-headline = { $client } demande un accès
consent-lead = Vous êtes connecté à { $org } en tant que { $email }.
consent-able = Si vous l’autorisez, l’application pourra
consent-may-openid = savoir qui vous êtes ici
consent-may-profile = voir votre nom et votre langue
consent-may-email = voir votre adresse e-mail
consent-may-offline = rester connectée pendant votre absence
consent-may-org = voir que vous appartenez à { $org }, et quels rôles vous y avez
consent-before = (vous l’avez déjà autorisé)
consent-destination = Vous continuez ensuite vers { $destination }.
consent-this-device = une application sur cet appareil
consent-allow = Autoriser
consent-deny = Ne pas autoriser
consent-registered = Elle a été enregistrée par { $owner ->
    [operator] les responsables de ce service de connexion
    [another] une autre organisation qui utilise ce service de connexion
   *[own] { $org }
}.
consent-registered-home = Elle a été enregistrée par { $owner ->
    [operator] les responsables de ce service de connexion
    [another] une autre organisation qui utilise ce service de connexion
   *[own] { $org }
}, et son site est { $home }.
consent-registered-itself = Elle s’est enregistrée elle-même auprès { $owner ->
    [operator] des responsables de ce service de connexion
    [another] d’une autre organisation qui utilise ce service de connexion
   *[own] de { $org }
}, et personne n’a vérifié son nom.
consent-registered-itself-home = Elle s’est enregistrée elle-même auprès { $owner ->
    [operator] des responsables de ce service de connexion
    [another] d’une autre organisation qui utilise ce service de connexion
   *[own] de { $org }
}, et personne n’a vérifié son nom. Son site est { $home }.
consent-document = Personne ne l’a enregistrée ici. Elle dit elle-même ce qu’elle est, sur { $home }.

## On the way to an application or an identity provider

form-post-headline = Nous vous amenons à { $client }
form-post-lead = Cela prend un instant. Si rien ne se passe, appuyez sur « Continuer ».
departure-title = Continuer vers votre fournisseur d’identité
departure-headline = Encore une étape
onward-headline = Nous vous amenons à votre fournisseur d’identité
toward-sign-in = Vous êtes en route vers le fournisseur d’identité de votre organisation pour vous connecter.
    .onward = Vous allez vous connecter. Si rien ne se passe, appuyez sur « Continuer ».
toward-sign-out = Vous êtes en route vers le fournisseur d’identité de votre organisation pour vous y déconnecter aussi.
    .onward = Vous allez vous y déconnecter aussi. Si rien ne se passe, appuyez sur « Continuer ».
toward-signed-out = Vous êtes en route vers le fournisseur d’identité de votre organisation pour terminer la déconnexion.
    .onward = Vous allez terminer la déconnexion. Si rien ne se passe, appuyez sur « Continuer ».
toward-invitation = Vous êtes en route vers le fournisseur d’identité de votre organisation pour accepter votre invitation.
    .onward = Vous allez accepter votre invitation. Si rien ne se passe, appuyez sur « Continuer ».
toward-proof = Vous êtes en route vers le fournisseur d’identité de votre organisation pour y prouver qui vous êtes.
    .onward = Vous allez y prouver qui vous êtes. Si rien ne se passe, appuyez sur « Continuer ».
toward-trial = Vous êtes en route vers le fournisseur d’identité de votre organisation pour essayer la connexion.
    .onward = Vous allez essayer la connexion. Si rien ne se passe, appuyez sur « Continuer ».

## Signing out

sign-out-headline = Se déconnecter de { $org } ?
sign-out-lead = Vous êtes connecté en tant que { $email }.
sign-out-others-stay = Dans ce navigateur, vous restez connecté aux autres organisations.
sign-out = Se déconnecter
signed-out-headline = Vous êtes déconnecté
signed-out-ended = Votre session dans ce navigateur est terminée.
signed-out-onward = Nous vous redirigeons dans un instant.
signing-out = Déconnexion

## A device that shows a code

device-headline = Se connecter sur un appareil
device-enter = Saisissez le code que votre appareil affiche.
device-compare = Assurez-vous que votre appareil affiche exactement ce code.
device-label = Code affiché sur l’appareil
device-hint = 8 lettres, par exemple WDJB-MJHT. Valable { $count } minutes.
device-warning = Quelqu’un vous a envoyé un code, ou un lien avec un code ? Alors fermez cette page : en continuant, vous connecteriez { $them } sous votre identité.
device-warning-them = cette personne
device-denied = Vous ne vous êtes pas connecté, donc rien n’a été autorisé. Vous pouvez recommencer avec le même code.
device-not-as-asked = Vous n’avez pas pu être connecté comme l’appareil le demandait, donc rien n’a été autorisé. Recommencez sur l’appareil.
device-unknown = Aucun appareil n’affiche ce code en ce moment. Vérifiez-le, ou demandez à l’appareil d’en afficher un nouveau.

device-found-headline = Se connecter à { $client } sur un autre appareil ?
device-found-lead = Quelqu’un se connecte { $elsewhere }, qui affiche ce code :
device-found-elsewhere = sur un autre appareil
device-found-application = Application
device-found-organization = Organisation
device-found-warning = Ne continuez que si vous avez vous-même commencé, et si l’appareil devant vous affiche le même code.
device-found-other = Il affiche un autre code

device-approve-headline = Connecter l’appareil ?
device-approve-lead = L’application { $client } sera connectée sur un autre appareil à { $org } en tant que { $user }.
device-approve-lead-home = L’application { $client } ({ $home }) sera connectée sur un autre appareil à { $org } en tant que { $user }.
device-approve-able = L’appareil pourra
device-approve-warning = N’autorisez cela que si l’appareil devant vous affiche le même code.
device-approve-deny = Refuser
device-approve-not-you = Ce n’est pas vous ?
device-approve-other = Se connecter avec un autre compte

device-allowed-headline = L’appareil est connecté
device-allowed-lead = { $client } y continue dans quelques secondes, dans { $org } en tant que { $user }. Vous pouvez fermer cette page.
device-denied-headline = L’appareil a été refusé
device-denied-lead = L’application { $client } n’a pas été connectée. Si quelqu’un vous a donné le code, n’en saisissez pas un autre de cette personne. Vous pouvez fermer cette page.

## Linking another way to sign in

link-headline = Associer { $provider }
link-lead = Vous êtes connecté à { $org } en tant que { $user }. Une fois la connexion associée, vous pourrez aussi vous connecter à ce compte par { $provider }.
link-how = Vous prouvez qui vous êtes auprès de { $provider }, puis vous revenez ici.
link-outage = Le fournisseur d’identité ne répond pas. Réessayez dans une minute.
link-closed = La connexion n’est pas ouverte pour le moment. Adressez-vous à vos administrateurs.
linked-headline = { $provider } est associé
linked-lead = Vous pouvez désormais vous connecter par ce moyen. Vous pouvez fermer cette page.

## Joining an organization without an invitation

join-lead = pour utiliser { $client }. Nous vérifions d’abord que votre adresse e-mail est bien la vôtre.
join-email = Adresse e-mail professionnelle
join-name = Votre nom (facultatif)
join-message = Message aux administrateurs (facultatif)
join-message-hint = Ils le lisent s’ils doivent décider. { $count } caractères au plus.
join-have-account = Vous avez déjà un compte ?
join-name-wrong = Saisissez votre nom en 200 lettres au plus, ou rien.
join-message-wrong = Raccourcissez le message : il peut avoir { $count } caractères au plus.

join-sent-lead = Si vous pouvez rejoindre { $org } avec { $email }, nous y avons envoyé un e-mail. Ouvrez son lien dans ce navigateur pour continuer.
join-sent-nothing = Toujours rien après quelques minutes ? Regardez dans vos courriers indésirables, puis vérifiez l’adresse. Si vous avez déjà un compte, il n’y a pas d’e-mail : connectez-vous.
join-sent-other = Essayer une autre adresse

join-confirm-lead = avec { $email }
join-confirm-typed = Voici ce qui a été saisi avec l’adresse, et que les administrateurs peuvent lire :
join-confirm-name = Nom
join-confirm-message = Message
join-confirm-button = C’est mon adresse : rejoindre l’organisation
join-confirm-not-you = Vous n’avez rien demandé ? Fermez cette page : il ne se passera rien.

join-asked-headline = Votre demande a été envoyée
join-asked-lead = Les administrateurs de { $org } décident si vous pouvez rejoindre l’organisation. S’ils acceptent, vous recevrez un e-mail avec une invitation.

## An invitation

invitation-lead = Voici une invitation pour { $email }.
invitation-lead-by = { $inviter } invite { $email }.
invitation-accept-with = Accepter avec{ "\u00A0" }{ $provider }
invitation-name = Votre nom
invitation-password = Choisissez un mot de passe
invitation-password-hint = Au moins { $count } caractères. Le mieux : quelques mots dont vous vous souviendrez.
invitation-again = Le même mot de passe encore une fois
invitation-accept = Accepter l’invitation
invitation-nothing = Il n’y a pour le moment aucun moyen de rejoindre { $org }. Demandez à la personne qui vous a invité d’en faire activer un.
invitation-good = L’invitation est valable une fois, jusqu’au { $expires }, pour toute personne qui a ce lien : ne le transmettez pas.
invitation-name-wrong = Saisissez votre nom, tel que les autres doivent le lire ici.
invitation-password-short = Choisissez un mot de passe d’au moins { $count } caractères ; quelques mots suffisent.
invitation-password-long = Choisissez un mot de passe plus court : il a { $count } octets au plus.
password-same = Choisissez un autre mot de passe que le précédent.
invitation-again-wrong = Saisissez le même mot de passe une seconde fois.
invitation-outage = Le fournisseur d’identité ne répond pas. Réessayez dans une minute, ou choisissez un autre moyen.
invitation-way-closed = Ce moyen ne vous est pas ouvert pour le moment. Choisissez-en un autre.

joined-headline = Vous avez rejoint { $org }
joined-onward = Vous êtes connecté, et en route vers l’application. Si rien ne se passe, appuyez sur « Continuer ».
joined-alone = Vous êtes connecté. Ouvrez l’application que vous voulez utiliser ; vous pouvez fermer cette page.
joined-applications = Vous êtes connecté. Continuez vers :

## What is around every page of somebody who is signed in

frame-skip = Aller au contenu
frame-menu = Menu
frame-account = Votre compte
frame-administration = Administration
pager = Pages
pager-first = Première page
pager-next = Page suivante
ago-now = à l’instant
ago-minutes = { $count ->
    [one] il y a { $count } minute
   *[other] il y a { $count } minutes
}
ago-hours = { $count ->
    [one] il y a { $count } heure
   *[other] il y a { $count } heures
}
ago-days = { $count ->
    [one] il y a { $count } jour
   *[other] il y a { $count } jours
}
software = { $known ->
    [both] { $program } sur { $system }
    [program] { $program }
    [system] Navigateur inconnu sur { $system }
   *[neither] Appareil inconnu
}

## One's account in an organization

account-which-headline = Quel compte ?
account-which-lead = Ce navigateur est connecté à plusieurs organisations. Dans laquelle voulez-vous voir votre compte ?
account-again = Vers votre compte

account-profile = Profil
account-sessions = Sessions
account-sign-in = Moyens de connexion
account-applications = Applications
account-activity = Activité
account-organizations = Organisations

account-in = chez { $org }
account-address = Adresse
account-proven = Confirmée
account-not-proven = Non confirmée
account-no-address = Vous n’en avez pas
account-language = Langue
account-organization = Organisation
account-roles = Rôles
account-groups = Groupes
account-none = Aucun
account-since = Membre depuis
account-id = Identifiant
account-profile-kept = C’est votre organisation qui tient ces informations. Si quelque chose n’est pas juste, dites-le à l’un de ses administrateurs.
account-data = Vos données
account-data-lead = Votre profil, vos sessions, vos moyens de connexion, ce que vous avez autorisé et ce qui s’est passé avec votre compte, en un seul fichier lisible par vous et par des programmes.
account-data-download = Télécharger vos données

account-sessions-headline = Où vous êtes connecté
account-devices = Sessions et appareils
account-this-browser = Ce navigateur
account-session-times = Utilisée { $used }, ouverte { $since }
account-session-times-from = Utilisée { $used }, ouverte { $since } depuis { $address }
account-session-which = { $device }, session utilisée { $used }
account-sessions-more = { $count ->
    [one] Et une autre, utilisée il y a plus longtemps. Se déconnecter partout ailleurs la ferme aussi.
   *[other] Et { $count } autres, utilisées il y a plus longtemps. Se déconnecter partout ailleurs les ferme aussi.
}
account-end-others = Se déconnecter partout ailleurs
account-no-others = Vous êtes connecté ici, et nulle part ailleurs.
account-ended = Déconnecté. Les applications en sont averties.

account-access = Applications autorisées
account-access-lead = Vous avez autorisé ces applications de tiers à agir pour vous chez { $org }.
account-access-lead-back = Vous avez autorisé ces applications de tiers à agir pour vous chez { $org }. Une application à laquelle vous retirez cette autorisation en est avertie et n’a plus d’accès.
account-access-none = Aucune. Quand une application de tiers demande à agir pour vous chez { $org } et que vous l’autorisez, vous la trouvez ici et pouvez lui retirer cette autorisation.
account-access-at = à l’adresse { $hosts }
account-access-may = Peut { $may }
account-access-given = Autorisée { $given }
account-take-back = Retirer
account-take-back-which = ce que { $client } peut faire
account-access-more = { $count ->
    [one] Et une autre, autorisée il y a plus longtemps. Elle apparaît ici quand vous en retirez une.
   *[other] Et { $count } autres, autorisées il y a plus longtemps. Elles apparaissent ici à mesure que vous en retirez.
}
account-access-all = { $count ->
    [one] Toutes les applications, dont une autre autorisée
   *[other] Toutes les applications, dont { $count } autres autorisées
}
account-access-gone = L’application n’a plus d’accès.
account-open = Vos applications
account-open-none = Aucune application de votre organisation n’indique où elle commence. Ouvrez-en une là où vous la connaissez ; vous êtes déjà connecté.

account-organizations-here = Dans ce navigateur
account-here = Vous êtes ici
account-open-this = Ouvrir
account-open-which = votre compte chez { $org }
account-organizations-hint = Vous avez un compte à part dans chaque organisation, et aucune n’apprend l’existence des autres. Une organisation figure ici dès que vous vous y êtes connecté dans ce navigateur, depuis l’une de ses applications.

account-not-changed = Non modifié :
account-password-not-changed = Votre mot de passe n’a pas été modifié
account-password = Mot de passe
account-password-set = Vous avez ici un mot de passe, choisi { $since }.
account-password-instead = Votre organisation vous demande de vous connecter plutôt par son fournisseur d’identité.
account-password-none = Vous n’avez pas de mot de passe ici : vous vous connectez par le fournisseur d’identité de votre organisation.
account-password-current = Votre mot de passe actuel
account-password-new = Un nouveau mot de passe
account-password-change = Modifier le mot de passe
account-password-ends = Vous restez connecté ici, et êtes déconnecté partout ailleurs.
account-password-wrong = Ce n’est pas votre mot de passe actuel.
account-password-busy = Trop de personnes essaient de se connecter ici en ce moment. Attendez une minute, puis réessayez.
account-password-changed = Votre mot de passe est modifié. Vous êtes connecté ici et avez été déconnecté partout ailleurs ; les applications vous demandent de vous reconnecter. Les clés d’API que vous avez créées restent valables.
account-providers = Fournisseurs d’identité
account-providers-none = Votre organisation n’en a relié aucun. Dès qu’elle le fera, vous pourrez vous connecter avec le compte que vous y avez.
account-provider-off = Désactivé
account-provider-linked = Associé
account-provider-as = en tant que { $email }
account-provider-times = Associé { $since }, utilisé { $used }
account-provider-unused = Vous ne vous êtes pas encore connecté par ce fournisseur.
account-provider-link = Associer
account-link-stale = Pour en associer un autre, connectez-vous de nouveau : il faut une connexion de moins de dix minutes.
account-recovery = Codes de secours
account-recovery-empty = Vous pouvez vous connecter avec un code de secours quand le fournisseur d’identité est en panne, mais { $none }. Demandez-en de nouveaux aux responsables de ce service, avant d’en avoir besoin.
account-recovery-none = il ne vous en reste aucun
account-recovery-left = { $count ->
    [one] Il vous reste { $count } code de secours pour le jour où le fournisseur d’identité sera en panne. Il sert une seule fois, et son utilisation déclenche une alerte.
   *[other] Il vous reste { $count } codes de secours pour le jour où le fournisseur d’identité sera en panne. Chacun sert une seule fois, et chaque utilisation déclenche une alerte.
}

account-activity-lead = Vos connexions et ce qui a été modifié vous concernant chez { $org }. Si quelque chose ne vient pas de vous, fermez cette session et dites-le à un administrateur.
account-activity-none = Rien pour le moment
account-activity-none-lead = Vos connexions et tout ce qui est modifié vous concernant chez { $org } sont inscrits ici, et personne ne peut le changer après coup.
event-refused = Refusé
event-this-session = Cette session
event-from = depuis { $from }
event-by = { $kind ->
    [another] Un utilisateur
    [application] Une application
    [delegate] Une organisation au-dessus de la vôtre
    [operator] Les responsables de ce service
    [own] Vous
    [setup_link] Quelqu’un avec un lien de configuration
    [system] Orgate
    [user] Quelqu’un de votre organisation
   *[other] Quelqu’un qui n’était pas connecté
}
account-event = { $action ->
    [api_key-created] Une clé d’API a été créée
    [api_key-revoked] Une clé d’API a été retirée
    [api-refused] Une de vos demandes a été refusée
    [assertion-redeemed] Une application a utilisé une attestation
    [assertion-refused] L’attestation d’une application a été refusée
    [authorization-refused] La demande d’une application a été refusée
    [break_glass-used] Vous vous êtes connecté avec un code de secours
    [code-refused] Un code de connexion a été refusé
    [code-replayed] Une connexion a été présentée deux fois, et a pris fin
    [consent-denied] Vous avez refusé l’accès à une application
    [consent-given] Vous avez donné accès à une application
    [consent-revoked] L’accès a été retiré à une application
    [device-approved] Vous avez autorisé un appareil
    [device-denied] Vous avez refusé un appareil
    [device-refused] Un appareil a été refusé
    [identity-linked] Un autre moyen de connexion a été associé
    [invitation-accepted] Vous avez rejoint l’organisation
    [password-rehashed] Votre mot de passe est désormais mieux protégé
    [recovery_codes-created] De nouveaux codes de secours ont été créés pour vous
    [refresh_token-refused] Une application n’a pas pu prolonger son accès
    [refresh_token-reused] Une application a été déconnectée : son jeton a servi deux fois
    [session-ended] Une session a pris fin
    [sign_in-failed] Une connexion a échoué
    [sign_in-succeeded] Vous vous êtes connecté
    [token-refused] Un jeton a été refusé
    [token-revoked] Un jeton a été retiré
    [user-configured] Quelque chose vous concernant a été modifié
   *[other] { $words }
}
account-event-made = Votre compte a été créé
account-event-changed = Modifications vous concernant : { $parts }
account-part = { $part ->
    [attributes] attributs
    [break_glass] connexion en cas d’urgence
    [email] adresse
    [external_id] identifiant externe
    [groups] groupes
    [locale] langue
    [name] nom
    [password] mot de passe
    [roles] rôles
    [status] si vous avez accès
    [verified] si votre adresse est confirmée
   *[other] { $words }
}
account-reason = { $reason ->
    [acr_unmet] Il manquait le moyen de connexion demandé
    [already_redeemed] Elle avait déjà servi
    [another_user] C’était quelqu’un d’autre
    [beyond_ceiling] Plus que la connexion ne peut donner
    [by_address] D’après l’adresse confirmée
    [by_user] Par vous
    [cancelled] Annulée
    [changed_by_user] Modifié par vous
    [changed_meanwhile] Modifié entre-temps
    [client_disabled] L’application est désactivée
    [client_not_admitted] L’application n’est pas admise
    [connection_disabled] La connexion est désactivée
    [connection_inactive] La connexion est désactivée
    [consent_missing] Sans votre autorisation
    [denied] Refusé par vous
    [displaced] Trop d’organisations dans ce navigateur
    [ended_by_admin] Fermée par un administrateur
    [ended_by_user] Fermée par vous depuis un autre endroit
    [expired] Expiré
    [family_revoked] Tous les jetons de cette connexion ont été retirés
    [first_sign_in] À la première connexion
    [given_again] Donné de nouveau
    [group_removed] Le groupe n’existe plus
    [key_mismatch] Avec une autre clé
    [malformed_code] Ce n’était pas un code
    [mapped] D’après votre fournisseur d’identité
    [master_key_changed] Le service a de nouvelles clés
    [no_password] Il n’y a pas de mot de passe
    [not_break_glass] Non désigné pour les urgences
    [organization_deleted] L’organisation a été supprimée
    [organization_inactive] L’organisation est suspendue
    [organization_suspended] L’organisation a été suspendue
    [organization_throttled] Trop de connexions à l’organisation
    [other_client] D’une autre application
    [other_resource] Pour une autre application
    [password_changed] Le mot de passe a été modifié
    [permission_missing] L’autorisation manque
    [permission_newer] L’autorisation est plus récente que la connexion
    [pkce_mismatch] D’un autre programme
    [redirect_uri_mismatch] Pour une autre adresse
    [replaced] Quelqu’un d’autre s’est connecté dans le même navigateur
    [revoked] Retiré
    [role_removed] Le rôle n’existe plus
    [scope_too_wide] Plus demandé que permis
    [session_ended] La session a pris fin
    [signed_out] Vous vous êtes déconnecté
    [sso_enforced] La connexion passe par le fournisseur d’identité
    [sso_required] La connexion passe par le fournisseur d’identité
    [third_party_forbidden] Les applications de tiers ne sont pas admises
    [throttled] Trop d’essais
    [upstream_logout] Déconnecté par le fournisseur d’identité
    [user_deactivated] Le compte a été désactivé
    [user_deleted] Le compte a été supprimé
    [wrong_code] Code incorrect
    [wrong_password] Mot de passe incorrect
   *[other] { $words }
}

## What goes wrong: a headline, what happened, and what can be done

error-next = Ce que vous pouvez faire
error-details = Détails techniques, pour l’assistance
error-code = Erreur
error-request = Requête

problem-too-many = C’était un peu trop rapide
    .happened = Trop de requêtes sont venues de votre réseau.
    .next = Attendez une minute, puis rechargez cette page.
problem-unavailable = Nous ne pouvons pas répondre pour l’instant
    .happened = Le service de connexion est occupé ou redémarre.
    .next = Attendez une minute, puis rechargez cette page.
problem-failed = Quelque chose s’est mal passé de notre côté
    .happened = Le service de connexion n’a pas pu terminer votre requête.
    .next = Veuillez réessayer. Si cela se reproduit, envoyez le numéro de requête ci-dessous aux responsables de ce service.
problem-over = Cette connexion est terminée
    .happened = Elle est achevée, a pris trop de temps, ou a été commencée dans un autre navigateur.
    .next = Retournez à l’application que vous voulez utiliser et connectez-vous depuis celle-ci.
problem-unreadable = Cette requête est illisible
    .happened = Ce que votre navigateur a envoyé n’a pas pu être lu : { $why }.
    .next = Retournez à l’application que vous voulez utiliser et connectez-vous depuis celle-ci.
problem-nowhere = Cette page n’existe pas
    .happened = L’adresse est peut-être mal saisie, ou la page a été déplacée.
    .next = Retournez à l’application que vous voulez utiliser et recommencez depuis celle-ci.

problem-link-request = Ce lien de connexion ne fonctionne pas
    .happened = La demande de l’application pour vous connecter a expiré, ou n’est pas de celles que nous pouvons suivre.
    .next = Ouvrez votre application à sa propre adresse et connectez-vous depuis celle-ci. Si cela se reproduit, prévenez son assistance et envoyez-lui les détails ci-dessous.
problem-link-client = Ce lien de connexion ne fonctionne pas
    .happened = Le lien qui vous a amené ici nomme une application qui n’est pas enregistrée chez nous.
    .next = Ouvrez votre application à sa propre adresse et connectez-vous depuis celle-ci. Si cela se reproduit, prévenez son assistance et envoyez-lui les détails ci-dessous.
problem-link-address = Ce lien de connexion ne fonctionne pas
    .happened = L’application nous a demandé de vous envoyer à une adresse qu’elle n’a pas enregistrée. Pour votre sécurité, nous nous sommes arrêtés ici.
    .next = Ouvrez votre application à sa propre adresse et connectez-vous depuis celle-ci. Si cela se reproduit, prévenez son assistance et envoyez-lui les détails ci-dessous.
problem-link-untold = Ce lien de connexion ne fonctionne pas
    .happened = La demande ne peut pas être suivie, et personne ici ne répond de l’application qui l’a faite. Nous nous sommes donc arrêtés ici, sans vous envoyer à son adresse.
    .next = Si vous vouliez vous connecter, rouvrez l’application et indiquez-y votre organisation.

problem-client-off = L’application { $client } est désactivée
    .happened = Personne ne peut se connecter à { $client } pour le moment.
    .next = Demandez aux responsables de { $client } quand le service reprendra.
problem-not-admitted = Cette organisation ne peut pas utiliser { $client }
    .happened = Il n’y a pas d’organisation de ce nom qui puisse se connecter à { $client }.
    .next = Vérifiez le lien ou le nom que l’on vous a donné, ou demandez à votre administrateur de faire admettre l’organisation.
problem-suspended = L’organisation { $org } est suspendue
    .happened = La connexion à { $org } a été arrêtée. Aucune donnée n’a été supprimée.
    .next = Demandez à votre administrateur, ou aux responsables de { $client }, de lever la suspension.

problem-sso-outage = { $provider } ne répond pas
    .happened = Nous n’avons pas pu joindre le fournisseur d’identité de { $known ->
        [yes] { $org }
       *[no] votre organisation
    }.
    .next = Réessayez dans une minute, ou choisissez une autre façon de vous connecter. Si cela continue, prévenez les administrateurs de { $known ->
        [yes] { $org }
       *[no] votre organisation
    }.
problem-sso = Cette connexion n’a pas fonctionné
    .happened = Nous n’avons pas pu accepter ce que { $provider } nous a envoyé, donc personne n’a été connecté.
    .next = Essayez encore une fois. Si cela se reproduit, envoyez le numéro de requête ci-dessous aux administrateurs de { $known ->
        [yes] { $org }
       *[no] votre organisation
    } : il les mène à la raison.
problem-sso-user = Votre accès a été désactivé
    .happened = { $known ->
        [yes] { $org }
       *[no] Votre organisation
    } a désactivé votre accès.
    .next = { problem-sso.next }
problem-sso-invited = Quelqu’un d’autre a été invité
    .happened = { $provider } dit que vous avez une autre adresse que celle qui a été invitée, ou { $known ->
        [yes] { $org }
       *[no] votre organisation
    } ne peut pas s’y fier, donc rien n’a été accepté.
    .next = { problem-sso.next }
problem-sso-seat = Il n’y a pas de place pour vous pour le moment
    .happened = Vous avez prouvé qui vous êtes, mais { $known ->
        [yes] { $org }
       *[no] votre organisation
    } a atteint son nombre maximal d’utilisateurs.
    .next = { problem-sso.next }
problem-sso-unknown = Vous n’avez pas encore accès
    .happened = Vous avez prouvé qui vous êtes, mais { $known ->
        [yes] { $org }
       *[no] votre organisation
    } ne vous a pas donné accès par { $provider }.
    .next = { problem-sso.next }
problem-sso-choose = Choisir comment se connecter

problem-no-connection = Cette connexion n’existe pas
    .happened = L’adresse est peut-être mal saisie, ou la connexion a été configurée ailleurs.
    .next = Comparez l’adresse avec celle de la page de configuration de la connexion.
problem-logout = Cette déconnexion n’a pas pu être suivie
    .happened = Ce que le fournisseur d’identité a envoyé ne correspond pas à la connexion par laquelle c’est arrivé, donc rien n’a été fermé sur sa parole.
    .next = Déconnectez-vous dans l’application elle-même, et fermez votre navigateur sur un ordinateur partagé.
problem-sign-out = Nous n’avons pas pu vous déconnecter
    .happened = La demande de l’application n’était pas correcte : { $why }.
    .next = Vous êtes encore connecté. Déconnectez-vous de nouveau depuis l’application ; si cela échoue aussi, prévenez son assistance et envoyez-lui les détails ci-dessous.

problem-link-again = Connectez-vous d’abord
    .happened = Pour associer une autre façon de vous connecter, vous devez vous être connecté à votre organisation dans les dix dernières minutes, dans ce navigateur.
    .next = Déconnectez-vous de votre application, reconnectez-vous, puis rouvrez cette page.
problem-link-nothing = Il n’y a rien à associer ici
    .happened = Votre organisation n’a pas ce fournisseur d’identité, ou il ne vous est pas ouvert.
    .next = Demandez la bonne adresse à vos administrateurs.

problem-join-expired = Ce lien a expiré
    .happened = Les liens qui confirment une adresse sont valables un jour.
    .next = Ouvrez l’application, et demandez encore une fois à rejoindre l’organisation.
problem-join-full = Il n’y a pas de place pour vous pour le moment
    .happened = L’organisation n’accueille plus personne pour l’instant. Votre lien est conservé.
    .next = Prévenez un administrateur de l’organisation, et rouvrez le lien quand une place aura été libérée.
problem-join-invited = Vous êtes déjà invité
    .happened = Un e-mail avec une invitation de l’organisation est dans votre messagerie.
    .next = Ouvrez son lien. Si vous ne le trouvez pas, demandez à un administrateur de l’organisation de l’envoyer de nouveau.
problem-join-closed = Vous ne pouvez pas rejoindre l’organisation avec cette adresse
    .happened = L’organisation n’accueille pas de personnes avec une telle adresse, ou plus maintenant.
    .next = Demandez une invitation à un administrateur de l’organisation.
problem-join-suspended = Cette organisation est suspendue
    .happened = Personne ne peut la rejoindre pour le moment.
    .next = Rouvrez le lien plus tard.
problem-join-taken = Vous avez déjà un compte
    .happened = Une personne avec votre adresse fait déjà partie de l’organisation.
    .next = Connectez-vous à l’application comme d’habitude. Si cela ne marche pas, adressez-vous à un administrateur de l’organisation.
problem-join-unknown = Ce lien n’ouvre rien ici
    .happened = Il est peut-être incomplet.
    .next = Ouvrez le lien entier de l’e-mail que vous avez reçu. S’il ne fonctionne pas, demandez encore une fois à rejoindre l’organisation.
problem-join-used = Ce lien a déjà servi
    .happened = Il sert une fois, et c’est fait. Si vous avez demandé à rejoindre l’organisation, les administrateurs le savent.
    .next = Si vous étiez en train de rejoindre l’organisation sans avoir terminé, demandez-le encore une fois.

problem-invitation-seat = Il n’y a pas de place pour vous pour le moment
    .happened = L’organisation a atteint son nombre maximal d’utilisateurs. Votre invitation est conservée.
    .next = Prévenez un administrateur de l’organisation, et rouvrez le lien quand une place aura été libérée.
problem-invitation-suspended = Cette organisation est suspendue
    .happened = Personne ne peut la rejoindre pour le moment.
    .next = Rouvrez le lien plus tard, ou adressez-vous à quelqu’un de l’organisation.
problem-invitation-taken = Vous avez déjà un compte
    .happened = Une personne avec votre adresse fait déjà partie de l’organisation, il n’y a donc rien à accepter.
    .next = Connectez-vous à l’application comme d’habitude. Si cela ne marche pas, adressez-vous à un administrateur de l’organisation.
problem-invitation-unknown = Ce lien n’ouvre rien ici
    .happened = Il est peut-être incomplet, ou un e-mail plus récent en contient un autre.
    .next = Ouvrez le lien entier du dernier e-mail que vous avez reçu. S’il ne fonctionne pas, demandez une nouvelle invitation.
problem-invitation-used = Cette invitation a déjà servi
    .happened = Une invitation sert une fois, et celle-ci a été acceptée.
    .next = Si c’était vous, connectez-vous à l’application comme vous l’avez choisi. Sinon, prévenez un administrateur de l’organisation.
problem-invitation-expired = Cette invitation a expiré
    .happened = Une invitation est valable jusqu’au moment indiqué dans l’e-mail, et un jour pour qui rejoint l’organisation de sa propre initiative.
    .next = Demandez une nouvelle invitation à la personne qui vous a invité. Si personne ne l’a fait, ouvrez l’application, et demandez encore une fois à rejoindre l’organisation.
problem-invitation-changed = Vous ne pouvez plus rejoindre l’organisation de cette façon
    .happened = L’organisation a changé qui peut la rejoindre, ou votre adresse ne relève plus d’un de ses domaines.
    .next = Demandez une invitation à un administrateur de l’organisation.
problem-invitation-fallen = Cette invitation n’est plus valable
    .happened = La personne qui l’a faite ne peut plus vous inviter de cette façon.
    .next = Demandez-en une nouvelle à un administrateur de l’organisation.
problem-invitation-revoked = Cette invitation a été retirée
    .happened = Elle n’ouvre plus rien. Si vous avez été invité de nouveau, une plus récente est dans votre messagerie.
    .next = Demandez une nouvelle invitation à la personne qui vous a invité. Si personne ne l’a fait, ouvrez l’application, et demandez encore une fois à rejoindre l’organisation.

problem-account-sign-in = Connectez-vous d’abord
    .happened = Ce navigateur n’est pas connecté à l’organisation dont vous voulez voir le compte.
    .next = Connectez-vous dans ce navigateur à l’une des applications de votre organisation, puis ouvrez de nouveau cette page.
problem-account-old-page = Cette page était trop ancienne
    .happened = Ce que vous avez envoyé ne venait pas d’une page qui vous a été montrée pendant cette session : rien n’a donc été modifié.
    .next = Revenez à votre compte et recommencez à partir de là.
problem-account-no-password = Vous n’avez pas de mot de passe à modifier
    .happened = En ce moment, vous ne vous connectez pas ici avec un mot de passe : rien n’a donc été modifié.
    .next = Si vous vous connectez par un fournisseur d’identité, modifiez le mot de passe que vous y avez.
problem-account-changed = Votre compte vient d’être modifié
    .happened = Quelque chose d’autre s’est passé avec votre compte à cet instant même. Si vous avez appuyé deux fois sur le bouton, votre nouveau mot de passe est valable.
    .next = Regardez de nouveau votre compte. Si vous êtes déconnecté, connectez-vous avec le nouveau mot de passe ; s’il n’est pas correct, avec le précédent.
