# What the hosted pages say, in Spanish. en.ftl explains each message.
#
# "Usted"; aplicación (client), proveedor de identidad (identity provider), administradores, cuenta (account).

## What many pages say

layout-secured = Protegido por Orgate
layout-request = Solicitud { $id }
error-prefix = Error:
check-and-try-again = Revise sus datos e inténtelo de nuevo
continue = Continuar
sign-in = Iniciar sesión
continue-with = Continuar con{ "\u00A0" }{ $provider }
or = o
email = Correo electrónico
back-to = Volver a { $client }
lead-continue = para continuar en { $client }
old-page = Esta página llevaba demasiado tiempo abierta. Inténtelo de nuevo.
enter-email-in-full = Escriba su dirección de correo completa, por ejemplo ada@example.com.
provider-required = En su organización se inicia sesión con su propio proveedor de identidad. Continúe allí; aquí no necesita contraseña.
check-your-mail = Revise su correo
join-org = Unirse a { $org }
can-close = Puede cerrar esta página.
moment = { $day } de { $month ->
    [1] enero
    [2] febrero
    [3] marzo
    [4] abril
    [5] mayo
    [6] junio
    [7] julio
    [8] agosto
    [9] septiembre
    [10] octubre
    [11] noviembre
   *[12] diciembre
} de { $year }, { $time } UTC

## The address itself, for who types it

home-title = Servicio de inicio de sesión
home-headline = Aquí inicia sesión en sus aplicaciones
home-lead = En esta página no hay nada que hacer. Abra la aplicación que quiere usar: le traerá aquí cuando necesite saber quién es usted.

## Discovery: nothing says which organization somebody signs in to

discover-headline = ¿Dónde trabaja?
discover-label = Correo del trabajo o nombre de la organización
discover-hint = Por ejemplo, ana@acme.com, o simplemente acme. Solo lo usamos para encontrar dónde inicia sesión su organización.
discover-missing = Escriba su correo del trabajo o el nombre de su organización.
discover-not-found = Aquí no hay ninguna organización con ese nombre. Revise cómo está escrito o escriba su correo del trabajo.

discover-sent-lead = Si { $email } pertenece a una organización de aquí, un correo con un código y los enlaces para iniciar sesión va en camino.
discover-sent-your-address = su dirección
discover-sent-label = Código del correo
discover-sent-hint = 8 letras y cifras, como ABCD-EFGH. Válido durante { $count } minutos.
discover-sent-wrong = Este código no es correcto o ya no es válido. Compárelo con el del correo o pida uno nuevo.
discover-sent-nothing = ¿No ha llegado nada después de unos minutos? Mire en la carpeta de correo no deseado, revise la dirección y envíela de nuevo.
discover-sent-back = Volver y enviar de nuevo

discover-several-headline = ¿Qué organización?
discover-several-lead = { $address } puede ser de cualquiera de estas, para continuar en { $client }
discover-several-other = Usar otra dirección

## Signing in to one organization

sign-in-headline = Iniciar sesión en { $org }
sign-in-password = Contraseña
sign-in-nothing = En este momento no hay ninguna forma de iniciar sesión en { $org }. Pida a sus administradores que activen una.
sign-in-out-of-reach = ¿No responde el proveedor de identidad?
sign-in-use-recovery = Usar un código de recuperación
sign-in-no-account = ¿Aún no tiene cuenta?
sign-in-join = Unirse con su correo del trabajo
sign-in-cancel = Cancelar
sign-in-cancel-and-return = Cancelar y volver a { $client }
sign-in-email-missing = Escriba su dirección de correo.
sign-in-password-missing = Escriba su contraseña.
sign-in-wrong = La dirección de correo o la contraseña no es correcta.
sign-in-outage = El proveedor de identidad no responde. Inténtelo de nuevo en un minuto o inicie sesión de otra forma.
sign-in-closed = Esa forma de iniciar sesión no está disponible para usted en este momento. Elija otra.
sign-in-too-many = Hubo demasiados intentos fallidos con esta dirección. Espere { $count } minutos e inténtelo de nuevo.
sign-in-busy = Demasiadas personas intentan iniciar sesión aquí en este momento. Espere un minuto e inténtelo de nuevo. En un navegador en el que ya haya iniciado sesión antes, no tiene que esperar.
sign-in-provider-closed = En su organización se inicia sesión con su propio proveedor de identidad, que no está disponible en este momento. Consulte a sus administradores.

## Signing in with a recovery code, while the identity provider is out of reach

recovery-title = Código de recuperación para { $org }
recovery-lead = para iniciar sesión en { $org } mientras su proveedor de identidad no esté disponible. Sus administradores verán que lo ha hecho.
recovery-label = Código de recuperación
recovery-hint = Empieza por { $prefix }. Cada uno sirve una sola vez.
recovery-back = Volver al inicio de sesión
recovery-wrong = La dirección de correo o el código no es correcto, o el código ya se usó. Solo tienen estos códigos las personas que su organización ha designado para emergencias.
recovery-too-many = Hubo demasiados intentos. Espere { $count } minutos e inténtelo de nuevo.

## The chooser: organizations that this browser is signed in to, or could be

choose-headline = Elija una organización
choose-last-used = Última usada
choose-signed-in = Sesión iniciada
choose-other = Usar otra organización
choose-asks-provider = Continuar con { $provider }
choose-asks-password = Pide su contraseña
choose-asks-sign-in = Inicie sesión para continuar

## Consent: whether an application of somebody else's may have what it asks for

consent-headline = { $client } pide acceso
consent-lead = Ha iniciado sesión en { $org } como { $email }.
consent-able = Si lo permite, la aplicación podrá
consent-may-openid = saber quién es usted aquí
consent-may-profile = ver su nombre y su idioma
consent-may-email = ver su dirección de correo
consent-may-offline = mantener la sesión iniciada cuando usted no esté
consent-may-org = ver que usted pertenece a { $org } y qué roles tiene allí
consent-before = (ya lo permitió antes)
consent-destination = Después continuará en { $destination }.
consent-this-device = una aplicación de este dispositivo
consent-allow = Permitir
consent-deny = No permitir
consent-registered = La registró { $owner ->
    [operator] el equipo responsable de este servicio de inicio de sesión
    [another] otra organización que usa este servicio de inicio de sesión
   *[own] { $org }
}.
consent-registered-home = La registró { $owner ->
    [operator] el equipo responsable de este servicio de inicio de sesión
    [another] otra organización que usa este servicio de inicio de sesión
   *[own] { $org }
}, y su sitio es { $home }.
consent-registered-itself = Se registró por sí misma en { $owner ->
    [operator] este servicio de inicio de sesión
    [another] otra organización que usa este servicio de inicio de sesión
   *[own] { $org }
}, y nadie ha comprobado su nombre.
consent-registered-itself-home = Se registró por sí misma en { $owner ->
    [operator] este servicio de inicio de sesión
    [another] otra organización que usa este servicio de inicio de sesión
   *[own] { $org }
}, y nadie ha comprobado su nombre. Su sitio es { $home }.
consent-document = Nadie la registró aquí. Ella misma dice qué es, en { $home }.

## On the way to an application or an identity provider

form-post-headline = Le llevamos a { $client }
form-post-lead = Esto tarda un momento. Si no ocurre nada, pulse «Continuar».
departure-title = Continuar a su proveedor de identidad
departure-headline = Un paso más
onward-headline = Le llevamos a su proveedor de identidad
toward-sign-in = Va de camino al proveedor de identidad de su organización para iniciar sesión.
    .onward = Está a punto de iniciar sesión. Si no ocurre nada, pulse «Continuar».
toward-sign-out = Va de camino al proveedor de identidad de su organización para cerrar sesión también allí.
    .onward = Está a punto de cerrar sesión también allí. Si no ocurre nada, pulse «Continuar».
toward-signed-out = Va de camino al proveedor de identidad de su organización para terminar de cerrar sesión.
    .onward = Está a punto de terminar de cerrar sesión. Si no ocurre nada, pulse «Continuar».
toward-invitation = Va de camino al proveedor de identidad de su organización para aceptar su invitación.
    .onward = Está a punto de aceptar su invitación. Si no ocurre nada, pulse «Continuar».
toward-proof = Va de camino al proveedor de identidad de su organización para demostrar allí quién es.
    .onward = Está a punto de demostrar allí quién es. Si no ocurre nada, pulse «Continuar».
toward-trial = Va de camino al proveedor de identidad de su organización para probar la conexión.
    .onward = Está a punto de probar la conexión. Si no ocurre nada, pulse «Continuar».

## Signing out

sign-out-headline = ¿Cerrar sesión en { $org }?
sign-out-lead = Ha iniciado sesión como { $email }.
sign-out-others-stay = En este navegador seguirá con la sesión iniciada en las demás organizaciones.
sign-out = Cerrar sesión
signed-out-headline = Ha cerrado sesión
signed-out-ended = Su sesión en este navegador ha terminado.
signed-out-onward = Le redirigimos en un momento.
signing-out = Cierre de sesión

## A device that shows a code

device-headline = Iniciar sesión en un dispositivo
device-enter = Escriba el código que muestra su dispositivo.
device-compare = Asegúrese de que su dispositivo muestra exactamente este código.
device-label = Código del dispositivo
device-hint = 8 letras, como WDJB-MJHT. Válido durante { $count } minutos.
device-warning = ¿Alguien le envió un código, o un enlace con uno? Entonces cierre esta página: si continúa, { $them } iniciará sesión como si fuera usted.
device-warning-them = esa persona
device-denied = No inició sesión, así que no se aprobó nada. Puede empezar de nuevo con el mismo código.
device-not-as-asked = No se pudo iniciar sesión como pedía el dispositivo, así que no se aprobó nada. Empiece de nuevo en el dispositivo.
device-unknown = Ningún dispositivo muestra este código ahora. Revíselo o haga que el dispositivo le muestre uno nuevo.

device-found-headline = ¿Iniciar sesión en { $client } en otro dispositivo?
device-found-lead = Alguien está iniciando sesión { $elsewhere }, que muestra este código:
device-found-elsewhere = en otro dispositivo
device-found-application = Aplicación
device-found-organization = Organización
device-found-warning = Continúe solo si fue usted quien empezó esto y el dispositivo que tiene delante muestra el mismo código.
device-found-other = Muestra otro código

device-approve-headline = ¿Dejar entrar al dispositivo?
device-approve-lead = { $client }, en otro dispositivo, iniciará sesión en { $org } como { $user }.
device-approve-lead-home = { $client } ({ $home }), en otro dispositivo, iniciará sesión en { $org } como { $user }.
device-approve-able = El dispositivo podrá
device-approve-warning = Permítalo solo si el dispositivo que tiene delante muestra el mismo código.
device-approve-deny = Denegar
device-approve-not-you = ¿No es usted?
device-approve-other = Iniciar sesión con otra cuenta

device-allowed-headline = El dispositivo ha iniciado sesión
device-allowed-lead = { $client } continuará allí en unos segundos, en { $org } como { $user }. Puede cerrar esta página.
device-denied-headline = Se rechazó el dispositivo
device-denied-lead = { $client } no ha iniciado sesión. Si alguien le dio el código, no escriba otro de esa persona. Puede cerrar esta página.

## Linking another way to sign in

link-headline = Vincular { $provider }
link-lead = Ha iniciado sesión en { $org } como { $user }. Una vez vinculada, también podrá iniciar sesión en esta cuenta con { $provider }.
link-how = Demuestra quién es en { $provider } y después vuelve aquí.
link-outage = El proveedor de identidad no responde. Inténtelo de nuevo en un minuto.
link-closed = La conexión no está disponible en este momento. Consulte a sus administradores.
linked-headline = { $provider } está vinculado
linked-lead = A partir de ahora puede iniciar sesión de esa forma. Puede cerrar esta página.

## Joining an organization without an invitation

join-lead = para usar { $client }. Primero comprobamos que su dirección de correo es suya.
join-email = Correo del trabajo
join-name = Su nombre (opcional)
join-message = Mensaje a los administradores (opcional)
join-message-hint = Lo leerán si tienen que decidir. Como máximo, { $count } caracteres.
join-have-account = ¿Ya tiene una cuenta?
join-name-wrong = Escriba su nombre con un máximo de 200 letras, o nada.
join-message-wrong = Acorte el mensaje: puede tener como máximo { $count } caracteres.

join-sent-lead = Si puede unirse a { $org } con { $email }, le hemos enviado un correo a esa dirección. Abra su enlace en este navegador para continuar.
join-sent-nothing = ¿No ha llegado nada después de unos minutos? Mire en la carpeta de correo no deseado y revise la dirección. Si ya tiene una cuenta, no hay correo: inicie sesión.
join-sent-other = Probar otra dirección

join-confirm-lead = con { $email }
join-confirm-typed = Esto se escribió con la dirección, y es lo que los administradores pueden leer:
join-confirm-name = Nombre
join-confirm-message = Mensaje
join-confirm-button = Es mi dirección: unirme
join-confirm-not-you = ¿No fue usted quien lo pidió? Cierre esta página: no ocurrirá nada.

join-asked-headline = Su solicitud se ha enviado
join-asked-lead = Los administradores de { $org } deciden si usted se une. Si lo aceptan, recibirá un correo con una invitación.

## An invitation

invitation-lead = Esta es una invitación para { $email }.
invitation-lead-by = { $inviter } invita a { $email }.
invitation-accept-with = Aceptar con{ "\u00A0" }{ $provider }
invitation-name = Su nombre
invitation-password = Elija una contraseña
invitation-password-hint = Al menos { $count } caracteres. Lo mejor son unas pocas palabras que recuerde.
invitation-again = La misma contraseña otra vez
invitation-accept = Aceptar la invitación
invitation-nothing = En este momento no hay ninguna forma de unirse a { $org }. Pida a quien le invitó que haga activar una.
invitation-good = La invitación vale una sola vez, hasta el { $expires }, para quien tenga este enlace: no lo comparta.
invitation-name-wrong = Escriba su nombre tal como los demás deben leerlo aquí.
invitation-password-short = Elija una contraseña de al menos { $count } caracteres; bastan unas pocas palabras.
invitation-password-long = Elija una contraseña más corta: tiene como máximo { $count } bytes.
password-same = Elija una contraseña distinta de la anterior.
invitation-again-wrong = Escriba la misma contraseña por segunda vez.
invitation-outage = El proveedor de identidad no responde. Inténtelo de nuevo en un minuto o elija otra forma.
invitation-way-closed = Esa forma no está disponible para usted en este momento. Elija otra.

joined-headline = Se ha unido a { $org }
joined-onward = Ha iniciado sesión y va de camino a la aplicación. Si no ocurre nada, pulse «Continuar».
joined-alone = Ha iniciado sesión. Abra la aplicación que quiere usar; puede cerrar esta página.
joined-applications = Ha iniciado sesión. Continúe en:

## What is around every page of somebody who is signed in

frame-skip = Ir al contenido
frame-menu = Menú
frame-account = Su cuenta
frame-administration = Administración
pager = Páginas
pager-first = Primera página
pager-next = Página siguiente
ago-now = ahora mismo
ago-minutes = { $count ->
    [one] hace 1 minuto
   *[other] hace { $count } minutos
}
ago-hours = { $count ->
    [one] hace 1 hora
   *[other] hace { $count } horas
}
ago-days = { $count ->
    [one] hace 1 día
   *[other] hace { $count } días
}
software = { $known ->
    [both] { $program } en { $system }
    [program] { $program }
    [system] Navegador desconocido en { $system }
   *[neither] Dispositivo desconocido
}

## One's account in an organization

account-which-headline = ¿Qué cuenta?
account-which-lead = Este navegador tiene sesión iniciada en varias organizaciones. ¿En cuál quiere ver su cuenta?
account-again = A su cuenta

account-profile = Perfil
account-sessions = Sesiones
account-sign-in = Formas de iniciar sesión
account-applications = Aplicaciones
account-activity = Actividad
account-organizations = Organizaciones

account-in = en { $org }
account-address = Dirección
account-proven = Confirmada
account-not-proven = Sin confirmar
account-no-address = Ninguna propia
account-language = Idioma
account-organization = Organización
account-roles = Roles
account-groups = Grupos
account-none = Ninguno
account-since = Usuario desde
account-id = Identificador
account-profile-kept = Estos datos los lleva su organización. Si algo no es correcto, dígaselo a uno de sus administradores.
account-data = Sus datos
account-data-lead = Su perfil, sus sesiones, sus formas de iniciar sesión, lo que ha permitido y lo que ha ocurrido con su cuenta, en un solo archivo que usted y los programas pueden leer.
account-data-download = Descargar sus datos

account-sessions-headline = Dónde tiene la sesión iniciada
account-devices = Sesiones y dispositivos
account-this-browser = Este navegador
account-session-times = Usada { $used }, iniciada { $since }
account-session-times-from = Usada { $used }, iniciada { $since } desde { $address }
account-session-which = { $device }, sesión usada { $used }
account-sessions-more = { $count ->
    [one] Y una más, usada hace más tiempo. Al cerrar las demás sesiones también se cierra esta.
   *[other] Y { $count } más, usadas hace más tiempo. Al cerrar las demás sesiones también se cierran estas.
}
account-end-others = Cerrar las demás sesiones
account-no-others = Tiene la sesión iniciada aquí y en ningún otro sitio.
account-ended = Sesión cerrada. Se está avisando a las aplicaciones.

account-access = Aplicaciones con acceso
account-access-lead = Ha permitido que estas aplicaciones de terceros actúen por usted en { $org }.
account-access-lead-back = Ha permitido que estas aplicaciones de terceros actúen por usted en { $org }. Si retira el permiso a una aplicación, se le avisa y deja de tener acceso.
account-access-none = Ninguna. Cuando una aplicación de terceros pida actuar por usted en { $org } y usted lo permita, la encontrará aquí y podrá retirarle el permiso.
account-access-at = en { $hosts }
account-access-may = Puede { $may }
account-access-given = Permitida { $given }
account-take-back = Retirar
account-take-back-which = lo que puede hacer { $client }
account-access-more = { $count ->
    [one] Y una más, permitida hace más tiempo. Aparece aquí cuando retira otra.
   *[other] Y { $count } más, permitidas hace más tiempo. Aparecen aquí a medida que retira otras.
}
account-access-all = { $count ->
    [one] Todas las aplicaciones, con una más que tiene acceso
   *[other] Todas las aplicaciones, con { $count } más que tienen acceso
}
account-access-gone = La aplicación ya no tiene acceso.
account-open = Sus aplicaciones
account-open-none = Ninguna aplicación de su organización indica dónde empieza. Ábrala desde donde la conoce; ya tiene la sesión iniciada.

account-organizations-here = En este navegador
account-here = Está aquí
account-open-this = Abrir
account-open-which = su cuenta en { $org }
account-organizations-hint = Tiene una cuenta aparte en cada organización, y ninguna sabe de las demás. Una organización aparece aquí cuando ha iniciado sesión en ella en este navegador, desde una de sus aplicaciones.

account-not-changed = Sin cambios:
account-password-not-changed = Su contraseña no se ha cambiado
account-password = Contraseña
account-password-set = Aquí tiene una contraseña, elegida { $since }.
account-password-instead = En su lugar, su organización le hace iniciar sesión con su proveedor de identidad.
account-password-none = Aquí no tiene contraseña: inicia sesión con el proveedor de identidad de su organización.
account-password-current = Su contraseña actual
account-password-new = Una contraseña nueva
account-password-change = Cambiar la contraseña
account-password-ends = Seguirá con la sesión iniciada aquí; las demás sesiones se cerrarán.
account-password-wrong = Esta no es su contraseña actual.
account-password-busy = Demasiadas personas intentan iniciar sesión aquí en este momento. Espere un minuto e inténtelo de nuevo.
account-password-changed = Su contraseña se ha cambiado. Su sesión sigue abierta aquí y las demás se han cerrado; las aplicaciones le pedirán que inicie sesión de nuevo. Las claves de API que creó siguen siendo válidas.
account-providers = Proveedores de identidad
account-providers-none = Su organización no ha conectado ninguno. Cuando lo haga, podrá iniciar sesión con la cuenta que tenga allí.
account-provider-off = Desactivado
account-provider-linked = Vinculado
account-provider-as = como { $email }
account-provider-times = Vinculado { $since }, usado { $used }
account-provider-unused = Todavía no ha iniciado sesión con él.
account-provider-link = Vincular
account-link-stale = Para vincular otro, inicie sesión de nuevo: hace falta un inicio de sesión de los últimos diez minutos.
account-recovery = Códigos de recuperación
account-recovery-empty = Puede iniciar sesión con un código de recuperación cuando falle el proveedor de identidad, pero { $none }. Pida otros nuevos a los responsables de este servicio antes de necesitarlos.
account-recovery-none = no le queda ninguno
account-recovery-left = { $count ->
    [one] Le queda 1 código de recuperación para el día en que falle el proveedor de identidad. Sirve una sola vez, y su uso genera una alerta.
   *[other] Le quedan { $count } códigos de recuperación para el día en que falle el proveedor de identidad. Cada uno sirve una sola vez, y cada uso genera una alerta.
}

account-activity-lead = Sus inicios de sesión y lo que se ha cambiado de su cuenta en { $org }. Si algo no fue cosa suya, cierre esa sesión y dígaselo a un administrador.
account-activity-none = Todavía no hay nada
account-activity-none-lead = Aquí se anotan sus inicios de sesión y lo que se cambia de su cuenta en { $org }, y nadie puede modificarlo después.
event-refused = Rechazado
event-this-session = Esta sesión
event-from = desde { $from }
event-by = { $kind ->
    [another] Un usuario
    [application] Una aplicación
    [delegate] Una organización por encima de la suya
    [operator] Los responsables de este servicio
    [own] Usted
    [setup_link] Alguien con un enlace de configuración
    [system] Orgate
    [user] Alguien de su organización
   *[other] Alguien que no tenía la sesión iniciada
}
account-event = { $action ->
    [api_key-created] Se creó una clave de API
    [api_key-revoked] Se retiró una clave de API
    [api-refused] Se rechazó una solicitud suya
    [assertion-redeemed] Una aplicación usó una acreditación
    [assertion-refused] Se rechazó la acreditación de una aplicación
    [authorization-refused] Se rechazó la solicitud de una aplicación
    [break_glass-used] Inició sesión con un código de recuperación
    [code-refused] Se rechazó un código de inicio de sesión
    [code-replayed] Un inicio de sesión se presentó dos veces y terminó
    [consent-denied] Negó el acceso a una aplicación
    [consent-given] Dio acceso a una aplicación
    [consent-revoked] Se retiró el acceso a una aplicación
    [device-approved] Autorizó un dispositivo
    [device-denied] Rechazó un dispositivo
    [device-refused] Se rechazó un dispositivo
    [identity-linked] Se vinculó otra forma de iniciar sesión
    [invitation-accepted] Se incorporó a la organización
    [password-rehashed] Su contraseña se guarda ahora de forma más segura
    [recovery_codes-created] Se crearon códigos de recuperación nuevos para usted
    [refresh_token-refused] Una aplicación no pudo prolongar su acceso
    [refresh_token-reused] Se cerró la sesión de una aplicación: su token se usó dos veces
    [session-ended] Se cerró una sesión
    [sign_in-failed] Falló un inicio de sesión
    [sign_in-succeeded] Inició sesión
    [token-refused] Se rechazó un token
    [token-revoked] Se retiró un token
    [user-configured] Se cambió algo de su cuenta
   *[other] { $words }
}
account-event-made = Se creó su cuenta
account-event-changed = Cambios en su cuenta: { $parts }
account-part = { $part ->
    [attributes] atributos
    [break_glass] inicio de sesión en una emergencia
    [email] dirección
    [external_id] identificador externo
    [groups] grupos
    [locale] idioma
    [name] nombre
    [password] contraseña
    [roles] roles
    [status] si tiene acceso
    [verified] si su dirección está confirmada
   *[other] { $words }
}
account-reason = { $reason ->
    [acr_unmet] Faltaba la forma de iniciar sesión pedida
    [already_redeemed] Ya se había usado
    [another_user] Era otra persona
    [beyond_ceiling] Más de lo que puede dar la conexión
    [by_address] Por la dirección confirmada
    [by_user] Por usted
    [cancelled] Cancelado
    [changed_by_user] La cambió usted
    [changed_meanwhile] Cambió mientras tanto
    [client_disabled] La aplicación está desactivada
    [client_not_admitted] La aplicación no está admitida
    [connection_disabled] La conexión está desactivada
    [connection_inactive] La conexión está desactivada
    [consent_missing] Sin su permiso
    [denied] Rechazado por usted
    [displaced] Demasiadas organizaciones en este navegador
    [ended_by_admin] La cerró un administrador
    [ended_by_user] La cerró usted desde otro sitio
    [expired] Caducado
    [family_revoked] Se retiraron todos los tokens de ese inicio de sesión
    [first_sign_in] En el primer inicio de sesión
    [given_again] Dado de nuevo
    [group_removed] El grupo ya no existe
    [key_mismatch] Con otra clave
    [malformed_code] Eso no era un código
    [mapped] Según su proveedor de identidad
    [master_key_changed] El servicio tiene claves nuevas
    [no_password] No hay contraseña
    [not_break_glass] No designado para emergencias
    [organization_deleted] Se eliminó la organización
    [organization_inactive] La organización está suspendida
    [organization_suspended] Se suspendió la organización
    [organization_throttled] Demasiados inicios de sesión en la organización
    [other_client] De otra aplicación
    [other_resource] Para otra aplicación
    [password_changed] Se cambió la contraseña
    [permission_missing] Falta el permiso
    [permission_newer] El permiso es más nuevo que el inicio de sesión
    [pkce_mismatch] De otro programa
    [redirect_uri_mismatch] Para otra dirección
    [replaced] Otra persona inició sesión en el mismo navegador
    [revoked] Retirado
    [role_removed] El rol ya no existe
    [scope_too_wide] Se pidió más de lo permitido
    [session_ended] La sesión está cerrada
    [signed_out] Cerró la sesión
    [sso_enforced] Se inicia sesión con el proveedor de identidad
    [sso_required] Se inicia sesión con el proveedor de identidad
    [third_party_forbidden] No se admiten aplicaciones de terceros
    [throttled] Demasiados intentos
    [upstream_logout] La cerró el proveedor de identidad
    [user_deactivated] Se desactivó la cuenta
    [user_deleted] Se eliminó la cuenta
    [wrong_code] Código incorrecto
    [wrong_password] Contraseña incorrecta
   *[other] { $words }
}

## What goes wrong: a headline, what happened, and what can be done

error-next = Qué puede hacer
error-details = Detalles técnicos, para el servicio de asistencia
error-code = Error
error-request = Solicitud

problem-too-many = Eso fue un poco rápido
    .happened = Llegaron demasiadas solicitudes desde su red.
    .next = Espere un minuto y vuelva a cargar esta página.
problem-unavailable = Ahora mismo no podemos responder
    .happened = El servicio de inicio de sesión está ocupado o se está reiniciando.
    .next = Espere un minuto y vuelva a cargar esta página.
problem-failed = Algo salió mal por nuestra parte
    .happened = El servicio de inicio de sesión no pudo terminar su solicitud.
    .next = Inténtelo de nuevo. Si vuelve a ocurrir, envíe el número de solicitud que aparece abajo a los responsables de este servicio.
problem-over = Este inicio de sesión ha terminado
    .happened = Se completó, tardó demasiado o se empezó en otro navegador.
    .next = Vuelva a la aplicación que quiere usar e inicie sesión desde allí.
problem-unreadable = No se puede leer esta solicitud
    .happened = No se pudo leer lo que envió su navegador: { $why }.
    .next = Vuelva a la aplicación que quiere usar e inicie sesión desde allí.
problem-nowhere = Esta página no existe
    .happened = Puede que la dirección esté mal escrita o que la página se haya movido.
    .next = Vuelva a la aplicación que quiere usar y empiece desde allí.

problem-link-request = Este enlace de inicio de sesión no funciona
    .happened = La solicitud de la aplicación para iniciar su sesión ha caducado o no es una que podamos seguir.
    .next = Abra su aplicación en su propia dirección e inicie sesión desde allí. Si vuelve a ocurrir, avise a su servicio de asistencia y envíe los detalles que aparecen abajo.
problem-link-client = Este enlace de inicio de sesión no funciona
    .happened = El enlace que le trajo aquí nombra una aplicación que no está registrada con nosotros.
    .next = Abra su aplicación en su propia dirección e inicie sesión desde allí. Si vuelve a ocurrir, avise a su servicio de asistencia y envíe los detalles que aparecen abajo.
problem-link-address = Este enlace de inicio de sesión no funciona
    .happened = La aplicación nos pidió que le enviáramos a una dirección que no ha registrado, así que nos detuvimos aquí por su seguridad.
    .next = Abra su aplicación en su propia dirección e inicie sesión desde allí. Si vuelve a ocurrir, avise a su servicio de asistencia y envíe los detalles que aparecen abajo.
problem-link-untold = Este enlace de inicio de sesión no funciona
    .happened = No se puede seguir la solicitud, y nadie aquí responde por la aplicación que la hizo, así que nos detuvimos aquí y no le enviamos a su dirección.
    .next = Si iba a iniciar sesión, abra de nuevo la aplicación e indique allí su organización.

problem-client-off = { $client } está desactivada
    .happened = En este momento nadie puede iniciar sesión en { $client }.
    .next = Pregunte a los responsables de { $client } cuándo volverá a funcionar.
problem-not-admitted = Esta organización no puede usar { $client }
    .happened = No hay ninguna organización con ese nombre que pueda iniciar sesión en { $client }.
    .next = Revise el enlace o el nombre que le dieron, o pida a su administrador que haga admitir la organización.
problem-suspended = { $org } está suspendida
    .happened = Se ha detenido el inicio de sesión en { $org }. No se borraron datos.
    .next = Pida a su administrador, o a los responsables de { $client }, que levanten la suspensión.

problem-sso-outage = { $provider } no responde
    .happened = No pudimos contactar con el proveedor de identidad de { $known ->
        [yes] { $org }
       *[no] su organización
    }.
    .next = Inténtelo de nuevo en un minuto o elija otra forma de iniciar sesión. Si continúa, avise a los administradores de { $known ->
        [yes] { $org }
       *[no] su organización
    }.
problem-sso = Ese inicio de sesión no funcionó
    .happened = No pudimos aceptar lo que nos envió { $provider }, así que no se inició ninguna sesión.
    .next = Inténtelo una vez más. Si vuelve a ocurrir, envíe el número de solicitud que aparece abajo a los administradores de { $known ->
        [yes] { $org }
       *[no] su organización
    }: les llevará a la causa.
problem-sso-user = Se ha desactivado su acceso
    .happened = { $known ->
        [yes] { $org }
       *[no] Su organización
    } ha desactivado su acceso.
    .next = { problem-sso.next }
problem-sso-invited = Se invitó a otra persona
    .happened = { $provider } dice que usted tiene otra dirección que la invitada, o { $known ->
        [yes] { $org }
       *[no] su organización
    } no puede fiarse de su palabra, así que no se aceptó nada.
    .next = { problem-sso.next }
problem-sso-seat = En este momento no hay sitio para usted
    .happened = Ha demostrado quién es, pero { $known ->
        [yes] { $org }
       *[no] su organización
    } ya tiene todos los usuarios que puede tener.
    .next = { problem-sso.next }
problem-sso-unknown = Todavía no tiene acceso
    .happened = Ha demostrado quién es, pero { $known ->
        [yes] { $org }
       *[no] su organización
    } no le ha dado acceso con { $provider }.
    .next = { problem-sso.next }
problem-sso-choose = Elegir cómo iniciar sesión

problem-no-connection = Esta conexión no existe
    .happened = Puede que la dirección esté mal escrita o que la conexión se haya configurado en otro lugar.
    .next = Compare la dirección con la de la página de configuración de la conexión.
problem-logout = No se pudo seguir este cierre de sesión
    .happened = Lo que envió el proveedor de identidad no corresponde a la conexión por la que llegó, así que no se cerró nada.
    .next = Cierre sesión en la propia aplicación y, en un ordenador compartido, cierre el navegador.
problem-sign-out = No pudimos cerrar su sesión
    .happened = La solicitud de la aplicación no era correcta: { $why }.
    .next = Su sesión sigue iniciada. Cierre sesión de nuevo desde la aplicación; si tampoco funciona, avise a su servicio de asistencia y envíe los detalles que aparecen abajo.

problem-link-again = Primero inicie sesión
    .happened = Para vincular otra forma de iniciar sesión, debe haber iniciado sesión en su organización en los últimos diez minutos, en este navegador.
    .next = Cierre sesión en su aplicación, inicie sesión de nuevo y vuelva a abrir esta página.
problem-link-nothing = Aquí no hay nada que vincular
    .happened = Su organización no tiene ese proveedor de identidad, o no está disponible para usted.
    .next = Pida la dirección correcta a sus administradores.

problem-join-expired = Este enlace ha caducado
    .happened = Los enlaces para confirmar una dirección son válidos durante un día.
    .next = Abra la aplicación y vuelva a pedir unirse.
problem-join-full = En este momento no hay sitio para usted
    .happened = La organización no admite a nadie más por ahora. Su enlace se conserva.
    .next = Avise a un administrador de la organización y abra el enlace de nuevo cuando haya sitio.
problem-join-invited = Ya tiene una invitación
    .happened = En su buzón hay un correo con una invitación de la organización.
    .next = Abra su enlace. Si no lo encuentra, pida a un administrador de la organización que lo envíe de nuevo.
problem-join-closed = No puede unirse con esta dirección
    .happened = La organización no admite a personas con una dirección así, o ya no.
    .next = Pida una invitación a un administrador de la organización.
problem-join-suspended = Esta organización está suspendida
    .happened = En este momento nadie puede unirse a ella.
    .next = Abra el enlace de nuevo más tarde.
problem-join-taken = Ya tiene una cuenta
    .happened = Alguien con su dirección ya pertenece a la organización.
    .next = Inicie sesión en la aplicación como siempre. Si no puede, consulte a un administrador de la organización.
problem-join-unknown = Este enlace no abre nada aquí
    .happened = Puede que esté incompleto.
    .next = Abra el enlace entero del correo que recibió. Si no funciona, vuelva a pedir unirse.
problem-join-used = Este enlace ya se usó
    .happened = Sirve una sola vez, y ya se ha usado. Si pidió unirse, los administradores lo saben.
    .next = Si estaba a punto de unirse y no terminó, vuelva a pedir unirse.

problem-invitation-seat = En este momento no hay sitio para usted
    .happened = La organización ya tiene todos los usuarios que puede tener. Su invitación se conserva.
    .next = Avise a un administrador de la organización y abra el enlace de nuevo cuando haya sitio.
problem-invitation-suspended = Esta organización está suspendida
    .happened = En este momento nadie puede unirse a ella.
    .next = Abra el enlace de nuevo más tarde o consulte a alguien de la organización.
problem-invitation-taken = Ya tiene una cuenta
    .happened = Alguien con su dirección ya pertenece a la organización, así que no hay nada que aceptar.
    .next = Inicie sesión en la aplicación como siempre. Si no puede, consulte a un administrador de la organización.
problem-invitation-unknown = Este enlace no abre nada aquí
    .happened = Puede que esté incompleto o que un correo más reciente tenga otro.
    .next = Abra el enlace entero del último correo que recibió. Si no funciona, pida una nueva invitación.
problem-invitation-used = Esta invitación ya se usó
    .happened = Una invitación sirve una sola vez, y esta ya se aceptó.
    .next = Si fue usted, inicie sesión en la aplicación como eligió. Si no, avise a un administrador de la organización.
problem-invitation-expired = Esta invitación ha caducado
    .happened = Una invitación es válida hasta el momento que indica su correo, y durante un día para quien se une por su cuenta.
    .next = Pida una nueva invitación a quien le invitó. Si nadie lo hizo, abra la aplicación y vuelva a pedir unirse.
problem-invitation-changed = Ya no puede unirse de esta forma
    .happened = La organización ha cambiado quién puede unirse a ella, o su dirección ya no es de uno de sus dominios.
    .next = Pida una invitación a un administrador de la organización.
problem-invitation-fallen = Esta invitación ya no es válida
    .happened = Quien la hizo ya no puede invitarle de esta forma.
    .next = Pida una nueva a un administrador de la organización.
problem-invitation-revoked = Esta invitación se retiró
    .happened = Ya no abre nada. Si le invitaron de nuevo, en su buzón hay una más reciente.
    .next = Pida una nueva invitación a quien le invitó. Si nadie lo hizo, abra la aplicación y vuelva a pedir unirse.

problem-account-sign-in = Inicie sesión primero
    .happened = Este navegador no tiene sesión iniciada en la organización cuya cuenta quiere ver.
    .next = Inicie sesión en este navegador en una de las aplicaciones de su organización y abra después esta página de nuevo.
problem-account-old-page = Esta página era demasiado antigua
    .happened = Lo que envió no procedía de una página que se le hubiera mostrado en esta sesión, así que no se cambió nada.
    .next = Vuelva a su cuenta y hágalo de nuevo desde allí.
problem-account-no-password = No tiene ninguna contraseña que cambiar
    .happened = En este momento no inicia sesión aquí con una contraseña, así que no se cambió nada.
    .next = Si inicia sesión con un proveedor de identidad, cambie la contraseña que tiene allí.
problem-account-changed = Su cuenta acaba de cambiar
    .happened = En este mismo momento ocurrió otra cosa con su cuenta. Si pulsó el botón dos veces, su contraseña nueva ya es válida.
    .next = Mire su cuenta otra vez. Si la sesión está cerrada, inicie sesión con la contraseña nueva; si no es correcta, con la anterior.
