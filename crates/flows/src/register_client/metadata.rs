//! What a client says of itself, as a client of ours.

use orgate_domain::clients::{
    Audience, Client, ClientAuthentication, ClientKeySource, ClientSettings, ClientStatus, Party,
    STANDARD_SCOPES,
};
use orgate_domain::ids::ClientId;
use orgate_domain::names::DisplayName;
use orgate_protocol::oauth::RequestError;
use orgate_protocol::oauth::registration::{ClientMetadata, RegisteredAuthMethod, RegisteredKeys, invalid};
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

/// Whether it proves itself by a secret.
pub(super) const fn secret_needed(client: &Client) -> bool {
    client.settings.authentication.uses_secret()
}
