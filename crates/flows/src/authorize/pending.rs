//! An authorization request that is under way.

use std::sync::Arc;

use orgate_domain::clients::{Client, RegisteredUri};
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::AuthorizationRequestId;
use orgate_domain::policies::REQUEST_LIFETIME;
use orgate_protocol::oauth::RequestError;
use orgate_protocol::oauth::authorize::AuthorizationRequest;
use orgate_protocol::oauth::response::AuthorizationResponse;
use orgate_storage::NewAuthorizationRequest;

use crate::authorize::Answer;
use crate::random::NoRandomness;
use crate::{Browser, Env, Issuer};

/// What is asked for, by which client.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) client: Arc<Client>,
    pub(crate) to: RegisteredUri,
    pub(crate) asked: NewAuthorizationRequest,
    /// Who answers (RFC 9207): the issuer that was called, or, once the organization is decided, the one that the
    /// client's tokens in it come from.
    pub(crate) issuer: Issuer,
}

impl Pending {
    pub(crate) fn answer(&self, outcome: Result<String, RequestError>) -> Answer {
        let iss = self.issuer.as_str().to_owned();
        let response = AuthorizationResponse { outcome, state: self.asked.state.clone(), iss };
        Answer {
            to: self.to.clone(),
            mode: self.asked.response_mode,
            client: Arc::clone(&self.client),
            response,
        }
    }

    pub(crate) fn refuse(&self, error: RequestError) -> Answer {
        self.answer(Err(error))
    }
}

/// A request that was just parsed.
pub(super) fn pending(
    env: &Env,
    browser: &Browser,
    (client, to): (Arc<Client>, RegisteredUri),
    request: &AuthorizationRequest,
) -> Result<Pending, NoRandomness> {
    let now = env.clock.now();
    let asked = NewAuthorizationRequest {
        id: AuthorizationRequestId::from_uuid(env.random.uuid(now)?),
        handle: SecretHash::from_bytes([0; 32]), // replaced when it is stored
        browser: browser.binding,
        client_owner: client.owner,
        client_id: client.id,
        resolved_by: None,
        proven_address: None,
        expected_user: None,
        redirect_uri: to.as_str().to_owned(),
        response_mode: request.response_mode,
        scope: client.settings.grantable(&request.scope),
        state: request.state.clone(),
        nonce: request.nonce.clone(),
        code_challenge: request.code_challenge,
        resource: request.resource.clone(),
        dpop_jkt: request.dpop_jkt.clone(),
        pushed: None,
        prompt: request.prompt.clone(),
        max_age: request.max_age,
        claims: client.settings.grantable_claims(&request.claims),
        acr_values: request.acr_values.clone(),
        login_hint: request.login_hint.clone(),
        ui_locales: request.ui_locales.clone(),
        created_at: now,
        expires_at: now + REQUEST_LIFETIME,
    };
    Ok(Pending { client, to, asked, issuer: env.issuer.clone() })
}
