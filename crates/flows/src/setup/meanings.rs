//! What each check means to an administrator, and how a failure is mended.

use orgate_saml::check::Check as SamlCheck;

/// What is checked, as a sentence; and what mends it, where the trace does not say so itself.
#[derive(Debug, Clone, Copy)]
pub struct Meaning {
    /// The sentence.
    pub meaning: &'static str,
    /// What to do.
    pub remedy: Option<&'static str>,
}

/// The checks that are not SAML's own: name, meaning, remedy.
const OTHERS: &[(&str, &str, &str)] = &[
    (
        "alg",
        "The ID token is signed with an algorithm that the connection accepts.",
        "Save the issuer again, so that the provider’s algorithms are looked up.",
    ),
    (
        "aud",
        "The ID token is meant for this application alone.",
        "Compare the client id with the one at the provider.",
    ),
    (
        "auth_time",
        "The sign-in was as fresh as it was asked for.",
        "Sign in anew at the provider; if it does not say when that was, have it send auth_time (at Entra ID an optional claim).",
    ),
    (
        "azp",
        "The ID token was given to this application.",
        "Compare the client id with the one at the provider.",
    ),
    (
        "client_authentication",
        "The application can prove itself to the provider.",
        "Save the client secret again.",
    ),
    ("connection_changed", "The connection is as it was when the sign-in began.", "Begin the sign-in again."),
    ("connection_inactive", "The connection is live.", "Activate it."),
    (
        "discovery",
        "The provider’s discovery document can be read, and names this issuer.",
        "Compare the issuer with the provider’s own page, to the letter.",
    ),
    ("exp", "The ID token has not expired.", "Check the clock of the provider."),
    (
        "hd",
        "The Google account is of one of your Workspace domains.",
        "Sign in with an account of your organization, or add its domain on the page of the credentials.",
    ),
    ("iat", "The ID token was issued just now.", "Check the clock of the provider."),
    (
        "id_token",
        "The provider sent an ID token.",
        "Allow the scope openid for the application at the provider.",
    ),
    (
        "identity_changed",
        "The identity belongs to this user.",
        "If it is the same person, have them sign in another way and link the new identity.",
    ),
    ("identity_taken", "The identity is nobody else’s.", "Sign in with your own account at the provider."),
    (
        "iss",
        "The ID token is of this issuer.",
        "Compare the issuer with the provider’s own page, to the letter.",
    ),
    (
        "iss_parameter",
        "The answer is of this issuer.",
        "Compare the issuer with the provider’s own page, to the letter.",
    ),
    ("link_session", "The user is signed in here, freshly.", "Sign in again, then link."),
    ("nbf", "The ID token is valid already.", "Check the clock of the provider."),
    ("nonce", "The ID token answers this very request.", "Start the sign-in again."),
    (
        "not_in_pilot",
        "The user is in the pilot, or everybody may sign in.",
        "Add their address to the pilot, exactly as the provider sends it, or activate the connection.",
    ),
    (
        "provider_answer",
        "The provider answered with a code.",
        "Look at the provider whether the person is assigned to the application, and whether the redirect URI is the one shown here.",
    ),
    (
        "provider_unavailable",
        "The provider could be asked.",
        "See whether the provider works, and whether it can be reached from here.",
    ),
    (
        "role_ceiling",
        "Roles and groups that whoever set this up may not give were left out.",
        "Ask whoever sent the set-up link for one that may give them.",
    ),
    (
        "signature",
        "The ID token carries the provider’s signature.",
        "Compare the issuer: the keys are looked up there.",
    ),
    ("sub", "The ID token says who it is about.", "Have the provider send the claim sub."),
    (
        "subject",
        "There is one identifier for the person.",
        "Choose another attribute as the identifier, or have the provider send it.",
    ),
    ("tid", "The account is of an allowed tenant.", "Add the tenant id on the page of the credentials."),
    (
        "token_endpoint",
        "The provider exchanged the code for tokens.",
        "Compare client id and secret with those at the provider; a secret may have expired.",
    ),
    ("unsolicited", "A sign-in that begins at the provider is allowed.", "Begin at the application."),
    ("user", "The user may sign in, or is made.", "Have an administrator reactivate the user."),
    (
        "user_unknown",
        "There is such a user, or one may be made.",
        "Invite the person, or let first sign-ins make users, under attributes and roles.",
    ),
    (
        "userinfo",
        "The provider’s userinfo is about the same person.",
        "The ID token was used alone; have the provider put what you map into it.",
    ),
];

/// The meaning of a check, by its stable name.
pub fn meaning(name: &str) -> Option<Meaning> {
    let saml = SamlCheck::ALL.iter().find(|check| check.name() == name);
    let saml = saml.map(|check| Meaning { meaning: check.meaning(), remedy: None });
    saml.or_else(|| {
        let other = OTHERS.iter().find(|(known, ..)| *known == name)?;
        Some(Meaning { meaning: other.1, remedy: Some(other.2) })
    })
}
