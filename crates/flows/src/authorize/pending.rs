//! An authorization request that is under way.

use std::sync::Arc;

use orgate_domain::clients::{Client, RegisteredUri};
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{AuthorizationRequestId, DeviceRequestId};
use orgate_domain::locales::Locale;
use orgate_domain::policies::REQUEST_LIFETIME;
use orgate_protocol::oauth::RequestError;
use orgate_protocol::oauth::authorize::AuthorizationRequest;
use orgate_protocol::oauth::response::AuthorizationResponse;
use orgate_storage::{ForDevice, NewAuthorizationRequest};

use crate::authorize::Answer;
use crate::random::NoRandomness;
use crate::{Browser, Env, Issuer};

/// What stands in for the redirect URI of a device, which has none.
pub(crate) const DEVICE_REDIRECT_URI: &str = "";

/// Where the answer to a request goes.
#[derive(Debug, Clone)]
pub enum Destination {
    /// To the client, at an address that it registered.
    Client(RegisteredUri),
    /// To a page of ours: the client is a device, which asks for itself what came of it.
    Device(DeviceRequestId),
}

/// What is asked for, by which client.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) client: Arc<Client>,
    pub(crate) to: Destination,
    pub(crate) asked: NewAuthorizationRequest,
    /// Who answers (RFC 9207): the issuer that was called, or, once the organization is decided, the one that the
    /// client's tokens in it come from.
    pub(crate) issuer: Issuer,
    /// The organization's language, once it is decided.
    pub(crate) locale: Option<Locale>,
}

impl Destination {
    /// Where the answer to a stored request goes; `None` if the client has given that address up.
    pub(crate) fn of(client: &Client, asked: &NewAuthorizationRequest) -> Option<Self> {
        match asked.device {
            Some(device) => Some(Self::Device(device.id)),
            None => client.redirect_uri(&asked.redirect_uri).ok().map(Self::Client),
        }
    }

    /// The address as a code is bound to it. That of a device is empty, which no request at the token
    /// endpoint can repeat: its code is redeemed by the device's own grant, or not at all.
    fn redirect_uri(&self) -> &str {
        match self {
            Self::Client(to) => to.as_str(),
            Self::Device(_) => DEVICE_REDIRECT_URI,
        }
    }
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
            ui_locales: self.languages(),
        }
    }

    /// The languages that count for more than what the browser says: what the application asked for, then the organization's.
    pub(crate) fn languages(&self) -> Vec<String> {
        let of_organization = self.locale.as_ref().map(ToString::to_string);
        self.asked.ui_locales.iter().cloned().chain(of_organization).collect()
    }

    pub(crate) fn refuse(&self, error: RequestError) -> Answer {
        self.answer(Err(error))
    }
}

/// A request that was just parsed.
pub(crate) fn pending(
    env: &Env,
    browser: &Browser,
    (client, to): (Arc<Client>, Destination),
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
        consent_session: None,
        expected_user: None,
        redirect_uri: to.redirect_uri().to_owned(),
        response_mode: request.response_mode,
        scope: client.settings.grantable(&request.scope),
        state: request.state.clone(),
        nonce: request.nonce.clone(),
        code_challenge: request.code_challenge,
        resource: request.resource.clone(),
        dpop_jkt: request.dpop_jkt.clone(),
        pushed: None,
        prompt: request.prompt.clone(),
        max_age: client.settings.max_age(request.max_age),
        claims: client.settings.grantable_claims(&request.claims),
        acr_values: request.acr_values.clone(),
        login_hint: request.login_hint.clone(),
        ui_locales: request.ui_locales.clone(),
        device: match to {
            Destination::Client(_) => None,
            Destination::Device(id) => Some(ForDevice { id, session: None }),
        },
        created_at: now,
        expires_at: now + REQUEST_LIFETIME,
    };
    Ok(Pending { client, to, asked, issuer: env.issuer.clone(), locale: None })
}
