# What the hosted pages say, in English: https://projectfluent.org says how messages are written.
#
# Every language has a file with these messages, these attributes and these variables; tests hold them together, and the code
# with them. No message holds markup: an element around a variable is the page's. A sentence below a headline may end without
# a full stop, as a continuation of it.
#
# Whoever translates: plain words and short sentences, as one would say them to a guest. A "client" is an application that
# somebody signs in to; $client, $org and $provider are names.

## What many pages say

# At the foot of each page.
layout-secured = Secured by Orgate
# The number of a request, for support.
layout-request = Request { $id }
# Before the title of a page whose form has to be sent again.
error-prefix = Error:
# Above the list of what is wrong in a form.
check-and-try-again = Please check and try again
# A button.
continue = Continue
# A button, and a link.
sign-in = Sign in
# A button: with the organization's identity provider.
continue-with = Continue with{ "\u00A0" }{ $provider }
# Between two ways to sign in.
or = or
# The label of a field.
email = E-mail
# A button: the way back to an application.
back-to = Back to { $client }
# Below the headline of a page that somebody sees on the way to an application.
lead-continue = to continue to { $client }
# A form was sent that was not made for this browser, or long ago.
old-page = This page had grown old. Please try again.
enter-email-in-full = Enter your e-mail address in full, like ada@example.com.
provider-required = Your organization signs in through its own identity provider. Continue there; no password is needed here.
check-your-mail = Check your mail
join-org = Join { $org }
can-close = You can close this page.
# A day and a time. $month is a number.
moment = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $year }, { $time } UTC

## The address itself, for who types it

home-title = Sign-in service
home-headline = Your applications sign you in here
home-lead = There is nothing to do on this page by itself. Open the application that you want to use: it brings you here when it needs to know who you are.

## Discovery: nothing says which organization somebody signs in to

discover-headline = Where do you work?
discover-label = Work e-mail or organization name
discover-hint = For example ana@acme.com, or just acme. We use it only to find where your organization signs in.
discover-missing = Enter your work e-mail or the name of your organization.
discover-not-found = There is no organization of this name here. Check the spelling, or enter your work e-mail instead.

# A mail with a code is on its way; the page says so whether or not it is.
discover-sent-lead = If { $email } belongs to an organization here, a mail with a code and the links to sign in is on its way.
# Stands for the address where it is not known, as in "If your address belongs to…".
discover-sent-your-address = your address
discover-sent-label = Code from the mail
# $count: minutes.
discover-sent-hint = 8 letters and digits, like ABCD-EFGH. Good for { $count } minutes.
discover-sent-wrong = This code is not right, or no longer good. Check it against the mail, or ask for a new one.
discover-sent-nothing = Nothing after a few minutes? Look in your spam folder, then check the address and send it again.
discover-sent-back = Go back and send again

# Several organizations have the domain of what was typed.
discover-several-headline = Which organization?
discover-several-lead = { $address } can be of any of these, to continue to { $client }
discover-several-other = Use another address

## Signing in to one organization

sign-in-headline = Sign in to { $org }
sign-in-password = Password
sign-in-nothing = There is no way to sign in to { $org } at the moment. Ask its administrators to switch one on.
# A question, and the link that answers it.
sign-in-out-of-reach = Is the identity provider out of reach?
sign-in-use-recovery = Use a recovery code
# A question, and the link that answers it.
sign-in-no-account = No account yet?
sign-in-join = Join with your work e-mail
sign-in-cancel = Cancel
sign-in-cancel-and-return = Cancel and return to { $client }
sign-in-email-missing = Enter your e-mail address.
sign-in-password-missing = Enter your password.
sign-in-wrong = The e-mail address or the password is not right.
sign-in-outage = The identity provider does not answer. Try again in a minute, or sign in another way.
sign-in-closed = That way to sign in is not open to you at the moment. Choose another.
# $count: minutes.
sign-in-too-many = There were too many failed sign-ins for this address. Wait { $count } minutes, then try again.
sign-in-busy = Too many people are trying to sign in here at the moment. Wait a minute, then try again. In a browser that you have signed in with before, you need not wait.
sign-in-provider-closed = Your organization signs in through its own identity provider, which is not open at the moment. Ask your administrators.

## Signing in with a recovery code, while the identity provider is out of reach

recovery-title = Recovery code for { $org }
recovery-lead = to sign in to { $org } while its identity provider is out of reach. Its administrators will see that you did.
recovery-label = Recovery code
# $prefix: the first letters of every code.
recovery-hint = It begins with { $prefix }. Each works once.
recovery-back = Back to signing in
recovery-wrong = The e-mail address or the code is not right, or the code was used before. Only users whom your organization has named for emergencies have such codes.
# $count: minutes.
recovery-too-many = There were too many tries. Wait { $count } minutes, then try again.

## The chooser: organizations that this browser is signed in to, or could be

choose-headline = Choose an organization
# Labels beside an organization.
choose-last-used = Last used
choose-signed-in = Signed in
choose-other = Use another organization
# What choosing an organization will ask for.
choose-asks-provider = Continue with { $provider }
choose-asks-password = Asks for your password
choose-asks-sign-in = Sign in to go on

## Consent: whether an application of somebody else's may have what it asks for

consent-headline = { $client } asks for access
consent-lead = You are signed in to { $org } as { $email }.
# Above a list, whose items go on with the sentence: consent-may-….
consent-able = If you allow it, it will be able to
consent-may-openid = know who you are here
consent-may-profile = see your name and your language
consent-may-email = see your e-mail address
consent-may-offline = stay signed in while you are away
consent-may-org = see that you belong to { $org }, and which roles you have there
# Beside an item.
consent-before = (you allowed this before)
# Where the answer goes: a host, or consent-this-device.
consent-destination = You go on to { $destination }.
consent-this-device = an application on this device
consent-allow = Allow
consent-deny = Do not allow
# Whose the application is. $owner: "operator", whoever runs the sign-in service; "another", another organization than one's
# own; "own", one's own, which is called $org. $home is the host that the application is at home at.
consent-registered = It was registered by { $owner ->
    [operator] the people who run this sign-in service
    [another] another organization that uses this sign-in service
   *[own] { $org }
}.
consent-registered-home = It was registered by { $owner ->
    [operator] the people who run this sign-in service
    [another] another organization that uses this sign-in service
   *[own] { $org }
}, and its home is { $home }.
consent-registered-itself = It registered itself with { $owner ->
    [operator] the people who run this sign-in service
    [another] another organization that uses this sign-in service
   *[own] { $org }
}, and nobody has checked its name.
consent-registered-itself-home = It registered itself with { $owner ->
    [operator] the people who run this sign-in service
    [another] another organization that uses this sign-in service
   *[own] { $org }
}, and nobody has checked its name. Its home is { $home }.
consent-document = Nobody registered it here. It says of itself what it is, at { $home }.

## On the way to an application or an identity provider

form-post-headline = Taking you to { $client }
form-post-lead = This takes a moment. If nothing happens, press Continue.
departure-title = Continue to your identity provider
departure-headline = One more step
onward-headline = Taking you to your identity provider
# What for. The attribute is for a page that goes on by itself.
toward-sign-in = You are on your way to your organization’s identity provider to sign in.
    .onward = You are on your way to sign in. If nothing happens, press Continue.
toward-sign-out = You are on your way to your organization’s identity provider to sign out there as well.
    .onward = You are on your way to sign out there as well. If nothing happens, press Continue.
toward-signed-out = You are on your way to your organization’s identity provider to finish signing out.
    .onward = You are on your way to finish signing out. If nothing happens, press Continue.
toward-invitation = You are on your way to your organization’s identity provider to accept your invitation.
    .onward = You are on your way to accept your invitation. If nothing happens, press Continue.
toward-proof = You are on your way to your organization’s identity provider to prove who you are there.
    .onward = You are on your way to prove who you are there. If nothing happens, press Continue.
toward-trial = You are on your way to your organization’s identity provider to try the connection out.
    .onward = You are on your way to try the connection out. If nothing happens, press Continue.

## Signing out

sign-out-headline = Sign out of { $org }?
sign-out-lead = You are signed in as { $email }.
sign-out-others-stay = Other organizations in this browser stay signed in.
sign-out = Sign out
signed-out-headline = You are signed out
signed-out-ended = Your session in this browser has ended.
signed-out-onward = We are taking you on in a moment.
# The title of a frame that nobody sees.
signing-out = Signing out

## A device that shows a code

device-headline = Sign in on a device
device-enter = Enter the code that your device shows.
device-compare = Make sure that your device shows this very code.
device-label = Code on the device
# $count: minutes.
device-hint = 8 letters, like WDJB-MJHT. Good for { $count } minutes.
# A warning. $them stands for device-warning-them, with emphasis.
device-warning = Did somebody send you a code, or a link with one? Then close this page: going on would sign { $them } in as you.
device-warning-them = them
device-denied = You did not sign in, so nothing was approved. You can begin again with the same code.
device-not-as-asked = You could not be signed in as the device asked, so nothing was approved. Begin again on the device.
device-unknown = No device shows this code now. Check it, or have the device show you a new one.

device-found-headline = Sign in to { $client } on another device?
# $elsewhere stands for device-found-elsewhere, with emphasis.
device-found-lead = Somebody is signing in { $elsewhere }, which shows this code:
device-found-elsewhere = on another device
device-found-application = Application
device-found-organization = Organization
device-found-warning = Go on only if you began this yourself, and the device in front of you shows the same code.
device-found-other = It shows another code

device-approve-headline = Let the device in?
device-approve-lead = { $client } on another device will be signed in to { $org } as { $user }.
# The same, of an application that is at home at an address.
device-approve-lead-home = { $client } ({ $home }) on another device will be signed in to { $org } as { $user }.
# Above a list, whose items go on with the sentence: consent-may-….
device-approve-able = The device will be able to
device-approve-warning = Allow this only if the device in front of you shows the same code.
device-approve-deny = Deny
# A question, and the link that answers it.
device-approve-not-you = Not you?
device-approve-other = Sign in as somebody else

device-allowed-headline = The device is signed in
device-allowed-lead = { $client } goes on there in a few seconds, in { $org } as { $user }. You may close this page.
device-denied-headline = The device was turned away
device-denied-lead = { $client } was not signed in. If somebody gave you the code, do not enter another one of theirs. You may close this page.

## Linking another way to sign in

link-headline = Link { $provider }
link-lead = You are signed in to { $org } as { $user }. Once it is linked, you can sign in as this user through { $provider } as well.
link-how = You prove who you are at { $provider }, then come back here.
link-outage = The identity provider does not answer. Try again in a minute.
link-closed = The connection is not open at the moment. Ask your administrators.
linked-headline = { $provider } is linked
linked-lead = You can sign in through it from now on. You may close this page.

## Joining an organization without an invitation

join-lead = to use { $client }. First we make sure that your e-mail address is yours.
join-email = Work e-mail
join-name = Your name (optional)
join-message = Message to the administrators (optional)
# $count: characters.
join-message-hint = They read it if they have to decide. At most { $count } characters.
# A question, and the link that answers it.
join-have-account = You have an account already?
join-name-wrong = Enter your name in at most 200 letters, or nothing.
# $count: characters.
join-message-wrong = Make it shorter: a message has at most { $count } characters.

# A mail is on its way; the page says so whether or not it is.
join-sent-lead = If you can join { $org } with { $email }, we have sent a mail to it. Open its link in this browser to go on.
join-sent-nothing = Nothing after a few minutes? Look in your spam folder, then check the address. If you have an account already, there is no mail: sign in.
join-sent-other = Try another address

# The link of the mail was opened.
join-confirm-lead = with { $email }
join-confirm-typed = This was typed with the address, and is what the administrators may read:
join-confirm-name = Name
join-confirm-message = Message
join-confirm-button = This is my address: join
join-confirm-not-you = It was not you who asked? Close this page: nothing happens.

join-asked-headline = Your request was sent
join-asked-lead = The administrators of { $org } decide whether you join. If they let you in, you get a mail with an invitation.

## An invitation

invitation-lead = This is an invitation for { $email }.
invitation-lead-by = { $inviter } invites { $email }.
invitation-accept-with = Accept with{ "\u00A0" }{ $provider }
invitation-name = Your name
invitation-password = Choose a password
# $count: characters.
invitation-password-hint = At least { $count } characters. A few words that you will remember are best.
invitation-again = The same password again
invitation-accept = Accept the invitation
invitation-nothing = There is no way to join { $org } at the moment. Ask whoever invited you to have one switched on.
invitation-good = The invitation is good once, until { $expires }, for whoever has this link: do not pass it on.
invitation-name-wrong = Enter your name, as others here should read it.
# $count: characters.
invitation-password-short = Choose a password of at least { $count } characters; a few words will do.
# $count: bytes.
invitation-password-long = Choose a shorter password: one has at most { $count } bytes.
password-same = Choose another password than the one before.
invitation-again-wrong = Type the same password a second time.
invitation-outage = The identity provider does not answer. Try again in a minute, or choose another way.
invitation-way-closed = That way is not open to you at the moment. Choose another.

joined-headline = You have joined { $org }
joined-onward = You are signed in, and on your way to the application. If nothing happens, press Continue.
joined-alone = You are signed in. Open the application that you want to use; you may close this page.
joined-applications = You are signed in. Go on to:

## What is around every page of somebody who is signed in

frame-skip = Skip to content
frame-menu = Menu
frame-account = Your account
frame-administration = Administration
# The name of the links to other pages of a list.
pager = Pages
pager-first = First page
pager-next = Next page
# How long ago something was.
ago-now = just now
# $count: minutes.
ago-minutes = { $count ->
    [one] 1 minute ago
   *[other] { $count } minutes ago
}
# $count: hours.
ago-hours = { $count ->
    [one] 1 hour ago
   *[other] { $count } hours ago
}
# $count: days.
ago-days = { $count ->
    [one] 1 day ago
   *[other] { $count } days ago
}
# What somebody uses: $program is a browser or another program, $system what it runs on. $known: which of the two are known.
software = { $known ->
    [both] { $program } on { $system }
    [program] { $program }
    [system] Unknown browser on { $system }
   *[neither] Unknown device
}

## One's account in an organization

account-which-headline = Which account?
account-which-lead = This browser is signed in to several organizations. In which do you want to see your account?
# A button, on a page that says what went wrong.
account-again = To your account

# Pages of the account, as links and as headlines.
account-profile = Profile
account-sessions = Sessions
account-sign-in = Ways to sign in
account-applications = Applications
account-activity = Activity
account-organizations = Organizations

# Who one is in the organization.
account-in = in { $org }
account-address = Address
# Beside an address.
account-proven = Proven
account-not-proven = Not proven
account-no-address = None of your own
account-language = Language
account-organization = Organization
account-roles = Roles
account-groups = Groups
account-none = None
account-since = User since
account-id = Id
account-profile-kept = Your organization keeps this. If something is wrong, tell one of its administrators.
account-data = Your data
account-data-lead = Your profile, sessions, ways to sign in, what you allowed and what happened with your account, as one file that you and programs can read.
account-data-download = Download your data

# Where one is signed in.
account-sessions-headline = Where you are signed in
account-devices = Sessions and devices
# A label.
account-this-browser = This browser
account-session-times = Used { $used }, signed in { $since }
account-session-times-from = Used { $used }, signed in { $since } from { $address }
# What is read out after the button "Sign out".
account-session-which = { $device }, used { $used }
account-sessions-more = { $count ->
    [one] And 1 more, used longer ago. Whoever signs out everywhere else ends this one too.
   *[other] And { $count } more, used longer ago. Whoever signs out everywhere else ends these too.
}
account-end-others = Sign out everywhere else
account-no-others = You are signed in here, and nowhere else.
account-ended = Signed out. The applications are being told.

# Applications of somebody else's that act for one.
account-access = Applications with access
account-access-lead = You allowed these applications of other people’s to act for you in { $org }.
account-access-lead-back = You allowed these applications of other people’s to act for you in { $org }. One that you take that back from is told, and has no access any more.
account-access-none = None. When an application of other people’s asks to act for you in { $org } and you allow it, you find it here, and can take that back.
# Below the name of an application: the hosts that it is at.
account-access-at = at { $hosts }
# $may: what is allowed, with commas: consent-may-….
account-access-may = May { $may }
account-access-given = Allowed { $given }
account-take-back = Take back
# What is read out after the button "Take back".
account-take-back-which = what { $client } may
account-access-more = { $count ->
    [one] And 1 more, allowed longer ago. It comes up here as you take back from another.
   *[other] And { $count } more, allowed longer ago. They come up here as you take back from others.
}
account-access-all = All applications, with { $count } more that have access
account-access-gone = The application has no access any more.
account-open = Yours to open
account-open-none = No application of your organization says where it begins. Open one from where you know it; you are signed in already.

# The organizations that this browser is signed in to.
account-organizations-here = In this browser
# A label.
account-here = You are here
account-open-this = Open
# What is read out after the link "Open".
account-open-which = your account in { $org }
account-organizations-hint = You have an account of its own in each organization, and none of them learns of another. One is listed here once you have signed in to it in this browser, from one of its applications.

# How one can sign in. Before the title of a page whose form has to be sent again.
account-not-changed = Not changed:
account-password-not-changed = Your password was not changed
account-password = Password
account-password-set = You have a password here, set { $since }.
account-password-instead = Your organization has you sign in through its identity provider instead.
account-password-none = You have no password here: you sign in through your organization’s identity provider.
account-password-current = Your current password
account-password-new = A new password
account-password-change = Change the password
account-password-ends = You stay signed in here, and are signed out everywhere else.
account-password-wrong = This is not your current password.
account-password-busy = Too many people are trying to sign in here at the moment. Wait a minute, then try again.
account-password-changed = Your password is changed. You are signed in here, and were signed out everywhere else; applications ask for you anew. API keys that you made go on working.
account-providers = Identity providers
account-providers-none = Your organization has connected none. Once it does, you can sign in with the account that you have there.
# Labels beside an identity provider.
account-provider-off = Switched off
account-provider-linked = Linked
account-provider-as = as { $email }
account-provider-times = Linked { $since }, used { $used }
account-provider-unused = You have not signed in through it yet.
# A link, with the name read out after it.
account-provider-link = Link
account-link-stale = To link another one, sign in again first: that takes a sign-in within the last ten minutes.
account-recovery = Recovery codes
# $none stands for account-recovery-none, with emphasis.
account-recovery-empty = You may sign in with a recovery code when the identity provider fails, but { $none }. Ask whoever runs this service for new ones, before you need them.
account-recovery-none = you have none left
account-recovery-left = { $count ->
    [one] You have 1 recovery code left, for the day that the identity provider fails. It works once, and its use raises an alert.
   *[other] You have { $count } recovery codes left, for the day that the identity provider fails. Each works once, and each use raises an alert.
}

# What happened with one's account.
account-activity-lead = Your sign-ins, and what was changed about you in { $org }. If something was not you, end that session, and tell an administrator.
account-activity-none = Nothing here
account-activity-none-lead = Your sign-ins, and whatever is changed about you in { $org }, are written here, and nobody can change it afterwards.
# Labels beside an event.
event-refused = Refused
event-this-session = This session
# Where something came from: a device, an address.
event-from = from { $from }
# Who did something.
event-by = { $kind ->
    [another] A user
    [application] An application
    [delegate] An organization above yours
    [operator] The operator of this service
    [own] You
    [setup_link] Whoever had a set-up link
    [system] Orgate
    [user] Somebody of your organization
   *[other] Somebody who was not signed in
}
# What happened. $words: its name, in English.
account-event = { $action ->
    [api-refused] A request of yours was refused
    [break_glass-used] You signed in with a recovery code
    [code-replayed] A sign-in was presented twice, and ended
    [consent-denied] You refused an application access
    [consent-given] You let an application have access
    [consent-revoked] An application’s access was taken back
    [device-approved] You let a device in
    [device-denied] You turned a device away
    [identity-linked] Another way to sign in was linked
    [invitation-accepted] You joined the organization
    [password-rehashed] Your password is stored more safely now
    [recovery_codes-created] New recovery codes were made for you
    [refresh_token-reused] An application was signed out: its token was used twice
    [session-ended] A session ended
    [sign_in-failed] A sign-in failed
    [sign_in-succeeded] You signed in
    [user-configured] Something about you was changed
   *[other] { $words }
}
account-event-made = You were made a user
# $parts: what was changed, with commas: account-part.
account-event-changed = Changed about you: { $parts }
# What of a user is changed. $words: its name, in English.
account-part = { $part ->
    [break_glass] signing in in an emergency
    [status] whether you are let in
    [verified] whether your address is proven
   *[other] { $words }
}
# Why something happened. $words: its name, in English.
account-reason = { $reason ->
    [changed_by_user] You changed it
    [denied] You did not allow it
    [ended_by_admin] An administrator ended it
    [ended_by_user] You ended it elsewhere
    [mapped] As your identity provider says
    [password_changed] The password was changed
    [signed_out] You signed out
   *[other] { $words }
}

## What goes wrong: a headline, what happened, and what can be done

error-next = What you can do
error-details = Technical details, for support
error-code = Error
error-request = Request

problem-too-many = That was a little too fast
    .happened = There were too many requests from your network.
    .next = Wait a minute, then reload this page.
problem-unavailable = We cannot answer just now
    .happened = The sign-in service is busy or restarting.
    .next = Wait a minute, then reload this page.
problem-failed = Something went wrong on our side
    .happened = The sign-in service could not finish your request.
    .next = Please try again. If it happens once more, send the request number below to whoever runs this service.
problem-over = This sign-in is over
    .happened = It was finished, took too long, or was begun in another browser.
    .next = Go back to the application that you want to use and sign in from there.
# $why is technical, and in English.
problem-unreadable = This request cannot be read
    .happened = What your browser sent could not be read: { $why }.
    .next = Go back to the application that you want to use and sign in from there.
problem-nowhere = There is no such page
    .happened = The address may be mistyped, or the page has moved.
    .next = Go back to the application that you want to use and start from there.

problem-link-request = This sign-in link does not work
    .happened = The application’s request to sign you in has lapsed, or is not one that we can follow.
    .next = Open your application from its own address and sign in from there. If it happens again, tell its support and send the details below.
problem-link-client = This sign-in link does not work
    .happened = The link that brought you here names an application that is not registered with us.
    .next = Open your application from its own address and sign in from there. If it happens again, tell its support and send the details below.
problem-link-address = This sign-in link does not work
    .happened = The application asked us to send you to an address that it has not registered, so we stopped here to keep you safe.
    .next = Open your application from its own address and sign in from there. If it happens again, tell its support and send the details below.
problem-link-untold = This sign-in link does not work
    .happened = The request cannot be followed, and nobody here answers for the application that made it, so we stopped here and did not send you on to its address.
    .next = If you were about to sign in, open the application again and name your organization there.

problem-client-off = { $client } is switched off
    .happened = Nobody can sign in to { $client } at the moment.
    .next = Ask whoever runs { $client } when it will be back.
problem-not-admitted = This organization cannot use { $client }
    .happened = There is no organization of this name that may sign in to { $client }.
    .next = Check the link or the name you were given, or ask your administrator to have the organization admitted.
problem-suspended = { $org } is suspended
    .happened = Sign-in for { $org } has been stopped. No data was deleted.
    .next = Ask your administrator, or the people who run { $client }, to lift the suspension.

# What an identity provider sent was not accepted. $known: "yes" where the organization has a name, $org.
problem-sso-outage = { $provider } does not answer
    .happened = We could not reach the identity provider of { $known ->
        [yes] { $org }
       *[no] your organization
    }.
    .next = Try again in a minute, or choose another way to sign in. If it goes on, tell the administrators of { $known ->
        [yes] { $org }
       *[no] your organization
    }.
problem-sso = That sign-in did not work
    .happened = We could not accept what { $provider } sent us, so nobody was signed in.
    .next = Try once more. If it happens again, send the request number below to the administrators of { $known ->
        [yes] { $org }
       *[no] your organization
    }: it leads them to the reason.
problem-sso-user = Your access has been switched off
    .happened = { $known ->
        [yes] { $org }
       *[no] Your organization
    } has deactivated your user.
    .next = { problem-sso.next }
problem-sso-invited = Somebody else was invited
    .happened = { $provider } says that you have another address than the one that was invited, or { $known ->
        [yes] { $org }
       *[no] your organization
    } cannot take its word for it, so nothing was accepted.
    .next = { problem-sso.next }
problem-sso-seat = There is no room for you at the moment
    .happened = You proved who you are, but { $known ->
        [yes] { $org }
       *[no] your organization
    } has as many users as it may have.
    .next = { problem-sso.next }
problem-sso-unknown = You have no access yet
    .happened = You proved who you are, but { $known ->
        [yes] { $org }
       *[no] your organization
    } has not given you access by { $provider }.
    .next = { problem-sso.next }
# A button.
problem-sso-choose = Choose how to sign in

problem-no-connection = There is no such connection
    .happened = The address may be mistyped, or the connection was set up elsewhere.
    .next = Compare the address with the one in the connection’s set-up page.
problem-logout = This sign-out could not be followed
    .happened = What the identity provider sent does not fit the connection it came by, so nothing was ended on its word.
    .next = Sign out in the application itself, and close your browser on a shared computer.
# $why is technical, and in English.
problem-sign-out = We could not sign you out
    .happened = The application’s request was not right: { $why }.
    .next = You are still signed in. Sign out from the application again; if that fails too, tell its support and send the details below.

problem-link-again = Sign in first
    .happened = To link another way of signing in, you must have signed in to your organization within the last ten minutes, in this browser.
    .next = Sign out of your application, sign in again, and then open this page once more.
problem-link-nothing = There is nothing to link here
    .happened = Your organization has no such identity provider, or it is not open to you.
    .next = Ask your administrators for the right address.

problem-join-expired = This link has expired
    .happened = Links to confirm an address are good for a day.
    .next = Open the application, and ask to join once more.
problem-join-full = There is no room for you at the moment
    .happened = The organization takes nobody else for now. Your link is kept.
    .next = Tell an administrator of the organization, and open the link again when they have made room.
problem-join-invited = You are invited already
    .happened = A mail with an invitation from the organization is in your mailbox.
    .next = Open its link. If you cannot find it, ask an administrator of the organization to send it again.
problem-join-closed = You cannot join with this address
    .happened = The organization does not take in people with such an address, or not any more.
    .next = Ask an administrator of the organization for an invitation.
problem-join-suspended = This organization is suspended
    .happened = Nobody can join it at the moment.
    .next = Open the link again later.
problem-join-taken = You have an account already
    .happened = Somebody with your address is a user of the organization.
    .next = Sign in to the application as you always do. If you cannot, ask an administrator of the organization.
problem-join-unknown = This link opens nothing here
    .happened = It may be incomplete.
    .next = Open the whole link from the mail that you got. If it does not work, ask to join once more.
problem-join-used = This link was used
    .happened = It works once, and has. If you asked to join, the administrators know.
    .next = If you were about to join and did not finish, ask to join once more.

problem-invitation-seat = There is no room for you at the moment
    .happened = The organization has as many users as it may have. Your invitation is kept.
    .next = Tell an administrator of the organization, and open the link again when they have made room.
problem-invitation-suspended = This organization is suspended
    .happened = Nobody can join it at the moment.
    .next = Open the link again later, or ask somebody of the organization.
problem-invitation-taken = You have an account already
    .happened = Somebody with your address is a user of the organization, so there is nothing to accept.
    .next = Sign in to the application as you always do. If you cannot, ask an administrator of the organization.
problem-invitation-unknown = This link opens nothing here
    .happened = It may be incomplete, or a newer mail has another one.
    .next = Open the whole link from the latest mail that you got. If it does not work, ask for a new invitation.
problem-invitation-used = This invitation was used
    .happened = An invitation works once, and this one has.
    .next = If it was you, sign in to the application as you chose to. If it was not, tell an administrator of the organization.
problem-invitation-expired = This invitation has expired
    .happened = An invitation is good until the time that its mail says, and one of whoever joins by themselves for a day.
    .next = Ask whoever invited you for a new invitation. If nobody did, open the application, and ask to join once more.
problem-invitation-changed = You cannot join like this any more
    .happened = The organization has changed who may join it, or your address is not at one of its domains any more.
    .next = Ask an administrator of the organization for an invitation.
problem-invitation-fallen = This invitation is good no more
    .happened = Whoever made it may not invite you like this any more.
    .next = Ask an administrator of the organization for a new one.
problem-invitation-revoked = This invitation was taken back
    .happened = It opens nothing any more. If you were invited again, a newer one is in your mailbox.
    .next = Ask whoever invited you for a new invitation. If nobody did, open the application, and ask to join once more.

problem-account-sign-in = Sign in first
    .happened = This browser is not signed in to the organization whose account you want to see.
    .next = Sign in to one of your organization’s applications in this browser, and then open this page once more.
problem-account-old-page = This page had grown old
    .happened = What you sent did not come from a page that you were shown in this session, so nothing was changed.
    .next = Go back to your account, and do it again from there.
problem-account-no-password = You have no password to change
    .happened = You do not sign in here with a password at the moment, so nothing was changed.
    .next = If you sign in through an identity provider, change the password that you have there.
problem-account-changed = Your account was changed just now
    .happened = Something else was done with your account in this very moment. If you pressed the button twice, your new password is set.
    .next = Look at your account once more. If you are signed out, sign in with the new password; if that is not right, with the one before.
