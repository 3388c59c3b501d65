//! What a client says of itself, as a client of ours.

use std::collections::BTreeSet;

use orgate_domain::clients::{
    Audience, Client, ClientAuthentication, ClientKeySource, ClientSettings, ClientStatus, Party,
    STANDARD_SCOPES,
};
use orgate_domain::ids::ClientId;
use orgate_domain::names::DisplayName;
use orgate_protocol::oauth::registration::{ClientMetadata, RegisteredAuthMethod, RegisteredKeys, invalid};
use orgate_protocol::oauth::{RequestError, ScopeSet};
use orgate_storage::OrgScope;

/// The client: the organization's, used there alone, and somebody else's. `called` is its name if it gives itself none.
pub(crate) fn as_client(
    id: ClientId,
    scope: &OrgScope,
    (called, asked): (&str, &ClientMetadata),
) -> Result<Client, RequestError> {
    let client_id = id.to_string();
    let name = DisplayName::parse(asked.name.as_deref().unwrap_or(called))
        .map_err(|error| invalid(format!("client_name: {error}")))?;
    Ok(Client {
        id,
        owner: scope.org_id(),
        name,
        kind: asked.kind,
        audience: Audience::Owner,
        status: ClientStatus::Active,
        redirect_uris: asked.redirect_uris.clone(),
        post_logout_redirect_uris: asked.post_logout_redirect_uris.clone(),
        home_url: asked.client_uri.clone(),
        initiate_login_uri: None,
        resource: client_id.clone(),
        signing_algorithm: asked.signing_algorithm,
        permissions: [].into(),
        settings: settings(asked),
        secrets: Vec::new(),
        client_id,
    })
}

/// Of the scopes that it wants, those that mean something to everybody: what an application's own mean, its
/// organization's administrators say, and nobody by themselves.
fn settings(asked: &ClientMetadata) -> ClientSettings {
    let wanted = |scope: &&str| asked.scope.as_ref().is_none_or(|wanted| wanted.contains(scope));
    ClientSettings {
        authentication: match asked.authentication {
            RegisteredAuthMethod::None => ClientAuthentication::None,
            RegisteredAuthMethod::PrivateKeyJwt => ClientAuthentication::PrivateKeyJwt,
            RegisteredAuthMethod::SecretBasic => ClientAuthentication::SecretBasic,
            RegisteredAuthMethod::SecretPost => ClientAuthentication::SecretPost,
        },
        keys: asked.keys.clone().map(|keys| match keys {
            RegisteredKeys::Inline(text) => ClientKeySource::Inline(text),
            RegisteredKeys::Url(url) => ClientKeySource::Url(url),
        }),
        grants: asked.grants.clone(),
        scopes: Some(STANDARD_SCOPES.into_iter().filter(wanted).map(str::to_owned).collect()),
        require_pushed_authorization_requests: asked.require_pushed_authorization_requests,
        dpop_bound_access_tokens: asked.dpop_bound_access_tokens,
        party: Party::Third,
        backchannel_logout_uri: asked.backchannel_logout_uri.clone(),
        ..ClientSettings::of(asked.kind)
    }
}

/// What a registered client becomes by asking to be something else. What only an administrator sets stays as it is, and
/// so does what is stricter already, whoever made it so: a client never loosens what it must prove.
pub(super) fn overlaid(
    before: &Client,
    (asked, scope): (Client, Option<&ScopeSet>),
) -> Result<Client, RequestError> {
    let (known, wanted) = (&before.settings, asked.settings);
    let settings = ClientSettings {
        authentication: wanted.authentication,
        keys: wanted.keys,
        grants: wanted.grants.intersection(&known.grants).copied().collect(),
        scopes: narrowed(known.scopes.as_ref(), scope).or(wanted.scopes),
        require_pushed_authorization_requests: known.require_pushed_authorization_requests
            || wanted.require_pushed_authorization_requests,
        dpop_bound_access_tokens: known.dpop_bound_access_tokens || wanted.dpop_bound_access_tokens,
        backchannel_logout_uri: wanted.backchannel_logout_uri,
        ..known.clone()
    };
    if strength(settings.authentication) < strength(known.authentication) {
        return Err(invalid("token_endpoint_auth_method: a client proves itself by no less than before"));
    }
    if settings.is_fapi() && settings.authentication != ClientAuthentication::PrivateKeyJwt {
        return Err(invalid("token_endpoint_auth_method is private_key_jwt: the client follows FAPI 2.0"));
    }
    if !settings.algorithms().contains(&asked.signing_algorithm) {
        return Err(invalid(
            "id_token_signed_response_alg is PS256, ES256 or EdDSA: the client follows FAPI 2.0",
        ));
    }
    if !settings.require_pkce && !settings.authentication.is_confidential() {
        return Err(invalid(
            "token_endpoint_auth_method: the client proves itself by it, in the place of PKCE",
        ));
    }
    Ok(Client {
        name: asked.name,
        kind: asked.kind,
        redirect_uris: asked.redirect_uris,
        post_logout_redirect_uris: asked.post_logout_redirect_uris,
        home_url: asked.home_url,
        signing_algorithm: asked.signing_algorithm,
        settings,
        ..before.clone()
    })
}

/// How well a client proves itself by it: not, by what it sends, by what it never sends.
const fn strength(authentication: ClientAuthentication) -> u8 {
    match authentication {
        ClientAuthentication::None => 0,
        ClientAuthentication::Secret
        | ClientAuthentication::SecretBasic
        | ClientAuthentication::SecretPost => 1,
        ClientAuthentication::PrivateKeyJwt => 2,
    }
}

/// Of the scopes that a client may ask for, those that it still wants. Another one only an administrator gives it.
fn narrowed(may: Option<&BTreeSet<String>>, wants: Option<&ScopeSet>) -> Option<BTreeSet<String>> {
    let is_wanted = |scope: &&String| wants.is_none_or(|wants| wants.contains(scope));
    may.map(|may| may.iter().filter(is_wanted).cloned().collect())
}

/// Whether it proves itself by a secret.
pub(super) const fn secret_needed(client: &Client) -> bool {
    client.settings.authentication.uses_secret()
}
