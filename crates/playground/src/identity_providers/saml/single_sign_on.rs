//! The single sign-on service (SAML Profiles §4.1), and signing in without having been asked.

use std::sync::Arc;

use axum::{
    Form,
    extract::{
        Query, State,
        rejection::{FormRejection, QueryRejection},
    },
    http::{HeaderMap, header::SET_COOKIE},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    OwnForm, PageError, Recipient, SamlProvider,
    assertion::{NameIdFormat, Question, Refusal, refuse, respond},
    message::{AuthnRequest, decode_post, decode_redirect},
    post_page,
};
use crate::identity_providers::sign_in_page::{Protocol, SignInPage};

/// Both bindings. A signature that comes along is not looked at.
#[derive(Deserialize)]
pub(super) struct Params {
    #[serde(rename = "SAMLRequest")]
    saml_request: String,
    #[serde(rename = "RelayState")]
    relay_state: Option<String>,
}

/// What an answer needs to know. The sign-in form carries it: nothing in it is trusted.
#[derive(Deserialize)]
pub(super) struct Request {
    entity_id: String,
    acs_url: String,
    in_response_to: Option<String>,
    name_id_format: Option<String>,
    relay_state: Option<String>,
}

/// Whether whoever asks wants the person to be asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Interaction {
    Allowed,
    /// `ForceAuthn`
    Forced,
    /// `IsPassive`
    Forbidden,
}

pub(super) async fn get(
    State(provider): State<Arc<SamlProvider>>,
    headers: HeaderMap,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, PageError> {
    let Query(params) = params.map_err(|_| PageError::MalformedRequest)?;
    let xml = decode_redirect(&params.saml_request)?;
    answer(&provider, &headers, &xml, params.relay_state).await
}

pub(super) async fn post(
    State(provider): State<Arc<SamlProvider>>,
    headers: HeaderMap,
    params: Result<Form<Params>, FormRejection>,
) -> Result<Response, PageError> {
    let Form(params) = params.map_err(|_| PageError::MalformedRequest)?;
    let xml = decode_post(&params.saml_request)?;
    answer(&provider, &headers, &xml, params.relay_state).await
}

async fn answer(
    provider: &SamlProvider,
    headers: &HeaderMap,
    xml: &str,
    relay_state: Option<String>,
) -> Result<Response, PageError> {
    let asked = AuthnRequest::parse(xml, &provider.sso_url)?;
    let interaction = match (asked.is_passive, asked.force_authn) {
        (true, _) => Interaction::Forbidden,
        (false, true) => Interaction::Forced,
        (false, false) => Interaction::Allowed,
    };
    let request = Request {
        entity_id: asked.issuer,
        acs_url: asked.acs_url,
        in_response_to: Some(asked.id),
        name_id_format: asked.name_id_format,
        relay_state,
    };
    sign_on(provider, headers, &request, interaction).await
}

/// What the provider's own page offers.
#[derive(Deserialize)]
pub(super) struct StartQuery {
    entity_id: String,
    acs_url: String,
    relay_state: Option<String>,
}

/// Signs in to a service provider that has not asked.
pub(super) async fn start(
    State(provider): State<Arc<SamlProvider>>,
    headers: HeaderMap,
    query: Result<Query<StartQuery>, QueryRejection>,
) -> Result<Response, PageError> {
    let Query(StartQuery { entity_id, acs_url, relay_state }) =
        query.map_err(|_| PageError::MalformedRequest)?;
    let relay_state = relay_state.filter(|relay_state| !relay_state.is_empty());
    let request = Request { entity_id, acs_url, in_response_to: None, name_id_format: None, relay_state };
    sign_on(&provider, &headers, &request, Interaction::Allowed).await
}

#[derive(Deserialize)]
pub(super) struct SignInForm {
    username: String,
    #[serde(flatten)]
    request: Request,
}

/// Somebody has said who they are.
pub(super) async fn sign_in(
    State(provider): State<Arc<SamlProvider>>,
    headers: HeaderMap,
    OwnForm(SignInForm { username, request }): OwnForm<SignInForm>,
) -> Result<Response, PageError> {
    let recipient = provider.recipients.check(&request.entity_id, &request.acs_url)?;
    let name_id_format = NameIdFormat::parse(request.name_id_format.as_deref());
    let name_id_format = name_id_format.ok_or(PageError::MalformedRequest)?;
    let user = provider.accounts.find_user(&username).ok_or(PageError::UnknownUser(username))?;
    let signed_in = provider.accounts.sign_in(&headers, user).await?;
    let in_response_to = request.in_response_to.as_deref();
    let question = Question { recipient: &recipient, in_response_to, name_id_format };
    let xml = respond(&provider, &question, &signed_in.session)?;
    let page = post_page::show(&provider, &recipient, request.relay_state.as_deref(), &xml)?;
    Ok(([(SET_COOKIE, signed_in.set_cookie)], page).into_response())
}

/// Answers at once if somebody is signed in, and asks otherwise.
async fn sign_on(
    provider: &SamlProvider,
    headers: &HeaderMap,
    request: &Request,
    interaction: Interaction,
) -> Result<Response, PageError> {
    let recipient = provider.recipients.check(&request.entity_id, &request.acs_url)?;
    let in_response_to = request.in_response_to.as_deref();
    let relay_state = request.relay_state.as_deref();
    let Some(name_id_format) = NameIdFormat::parse(request.name_id_format.as_deref()) else {
        let xml = refuse(provider, &recipient, in_response_to, Refusal::InvalidNameIdPolicy)?;
        return post_page::show(provider, &recipient, relay_state, &xml);
    };
    let session = provider.accounts.session(headers).await;
    let xml = match session.filter(|_| interaction != Interaction::Forced) {
        Some(session) => {
            let question = Question { recipient: &recipient, in_response_to, name_id_format };
            respond(provider, &question, &session)?
        }
        None if interaction == Interaction::Forbidden => {
            refuse(provider, &recipient, in_response_to, Refusal::NoPassive)?
        }
        None => return Ok(ask(provider, request, &recipient)),
    };
    post_page::show(provider, &recipient, relay_state, &xml)
}

fn ask(provider: &SamlProvider, request: &Request, recipient: &Recipient<'_>) -> Response {
    let page = SignInPage {
        protocol: Protocol::Saml,
        provider: &provider.name,
        users: provider.accounts.list(None),
        hinted: None,
        destination: recipient.origin(),
        fields: request.fields(),
    };
    page.show()
}

impl Request {
    fn fields(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("entity_id", Some(self.entity_id.as_str())),
            ("acs_url", Some(&self.acs_url)),
            ("in_response_to", self.in_response_to.as_deref()),
            ("name_id_format", self.name_id_format.as_deref()),
            ("relay_state", self.relay_state.as_deref()),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
