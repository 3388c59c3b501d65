//! What a client is set to, for people: what its form does not show can be read, and is changed by the management API.

use chrono::Duration;
use orgate_domain::clients::{
    Client, ClientAuthentication, ClientIssuer, ClientKeySource, ClientSecret, ClientSettings, Party, Profile,
};
use orgate_protocol::jose::SigningAlgorithm;
use orgate_protocol::oauth::token::GrantType;
use url::Url;

use super::fields::Field;
use crate::setup::time;

/// A setting: what it is, as people and as the management API call it, and to what it is set.
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) name: &'static str,
    pub(super) value: String,
}

/// How a client proves who it is.
pub(super) const fn proof(authentication: ClientAuthentication) -> &'static str {
    match authentication {
        ClientAuthentication::None => "It does not: it is public",
        ClientAuthentication::PrivateKeyJwt => "By an assertion that it signs",
        ClientAuthentication::Secret => "By a secret",
        ClientAuthentication::SecretBasic => "By a secret, in the header",
        ClientAuthentication::SecretPost => "By a secret, in the form",
    }
}

/// Whose a client is.
pub(super) const fn party(party: Party) -> &'static str {
    match party {
        Party::First => "The product’s own: people are not asked",
        Party::Third => "Somebody else’s: people are asked before it acts for them",
        Party::Unregistered => "Nobody registered it: people are asked each time",
    }
}

/// How long a secret proves anything.
pub(super) fn life(secret: &ClientSecret) -> String {
    secret
        .expires_at
        .map_or_else(|| "Good until it is replaced".to_owned(), |end| format!("Good until {}", time(end)))
}

/// What these fields say of a client.
pub(super) fn of_fields(client: &Client, fields: &[Field]) -> Vec<Fact> {
    let fact = |field: &Field| Fact {
        label: field.label(),
        name: field.name(),
        value: said(field.text(client).lines()),
    };
    fields.iter().map(fact).collect()
}

/// Everything else.
pub(super) fn others(client: &Client, fields: &[Field]) -> Vec<Fact> {
    let ClientSettings { lifetimes, .. } = &client.settings;
    let settings = &client.settings;
    let (keys, at) = match &settings.keys {
        None => ("", None),
        Some(ClientKeySource::Inline(_)) => ("Written out", None),
        Some(ClientKeySource::Url(url)) => ("", Some(url)),
    };
    let address = |url: Option<&Url>| url.map(Url::to_string).unwrap_or_default();
    let secs = |life: Option<Duration>| {
        life.map_or_else(
            || "As the organization has it".to_owned(),
            |life| format!("{} seconds", life.num_seconds()),
        )
    };
    let signed = settings.userinfo_signing_algorithm.map_or("Not signed", SigningAlgorithm::as_str);
    let rows: [(&str, &str, String); 19] = [
        ("Audience of access tokens", "resource", client.resource.clone()),
        (
            "Permissions that its resource knows",
            "permissions",
            said(client.permissions.iter().map(String::as_str)),
        ),
        ("Grants", "grants", said(settings.grants.iter().map(|grant: &GrantType| grant.as_str()))),
        ("Its public keys", "jwks", said([keys])),
        ("Where its public keys are", "jwks_uri", said([address(at).as_str()])),
        ("Signature of its tokens", "signing_algorithm", client.signing_algorithm.as_str().to_owned()),
        ("Signature of its userinfo", "userinfo_signing_algorithm", signed.to_owned()),
        ("Profile", "profile", profile(settings.profile).to_owned()),
        ("Who issues its tokens", "issuer", issuer(settings.issuer).to_owned()),
        ("Pushed requests", "require_pushed_authorization_requests", demanded(settings.must_push())),
        ("PKCE", "require_pkce", demanded(settings.must_use_pkce())),
        ("Tokens bound to a key (DPoP)", "dpop_bound_access_tokens", demanded(settings.must_bind_tokens())),
        (
            "Front-channel logout URI",
            "frontchannel_logout_uri",
            said([address(settings.frontchannel_logout_uri.as_ref()).as_str()]),
        ),
        ("Access and ID tokens are good for", "access_token_secs", secs(lifetimes.access_token)),
        ("Unused refresh tokens are good for", "refresh_idle_secs", secs(lifetimes.refresh_idle)),
        ("Refresh tokens are good for", "refresh_absolute_secs", secs(lifetimes.refresh_absolute)),
        ("Unused sessions count for", "session_idle_secs", secs(lifetimes.session_idle)),
        ("Sessions count for", "session_absolute_secs", secs(lifetimes.session_absolute)),
        ("Claims of its own", "claims", said(settings.claims.iter().map(|claim| claim.name.as_str()))),
    ];
    let unshown =
        [Field::PostLogoutRedirectUris, Field::HomeUrl, Field::InitiateLoginUri, Field::BackchannelLogoutUri];
    let unshown: Vec<_> = unshown
        .into_iter()
        .filter(|field| !fields.contains(field) && !field.text(client).is_empty())
        .collect();
    let rows = rows.into_iter().map(|(label, name, value)| Fact { label, name, value });
    of_fields(client, &unshown).into_iter().chain(rows).collect()
}

fn said<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<_> = texts.into_iter().filter(|text| !text.is_empty()).collect();
    if texts.is_empty() { "None".to_owned() } else { texts.join(", ") }
}

fn demanded(is_demanded: bool) -> String {
    if is_demanded { "Demanded" } else { "Not demanded" }.to_owned()
}

const fn profile(profile: Profile) -> &'static str {
    match profile {
        Profile::Fapi2 => "FAPI 2.0 Security Profile",
        Profile::OAuth => "OAuth 2.1 and OpenID Connect",
    }
}

const fn issuer(issuer: ClientIssuer) -> &'static str {
    match issuer {
        ClientIssuer::Organization => "Each organization itself",
        ClientIssuer::Shared => "One issuer for all organizations",
    }
}
