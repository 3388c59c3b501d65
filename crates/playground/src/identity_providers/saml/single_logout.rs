//! The single logout service (SAML Profiles §4.4), by the redirect binding (SAML Bindings §3.4).

use std::{io::Write as _, sync::Arc};

use askama::Template;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, header::SET_COOKIE},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::DeflateEncoder};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::{
    PageError, SamlProvider, Session,
    assertion::{NameIdFormat, name_id, new_id},
    message::{LogoutRequest, decode_redirect},
};
use crate::timestamp::Timestamp;

const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

#[derive(Deserialize)]
pub(super) struct Params {
    #[serde(rename = "SAMLRequest")]
    saml_request: String,
    #[serde(rename = "RelayState")]
    relay_state: Option<String>,
}

/// `templates/identity_providers/saml/logout_response.xml`.
#[derive(Template)]
#[template(path = "identity_providers/saml/logout_response.xml")]
struct LogoutResponse<'a> {
    id: &'a str,
    issuer: &'a str,
    destination: &'a str,
    in_response_to: &'a str,
    now: &'a str,
}

/// Ends the session, if it is of the user that the request names, and says so to the service provider. That it is not
/// or no longer there is as good.
pub(super) async fn get(
    State(provider): State<Arc<SamlProvider>>,
    headers: HeaderMap,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, PageError> {
    let Query(params) = params.map_err(|_| PageError::MalformedRequest)?;
    let request = LogoutRequest::parse(&decode_redirect(&params.saml_request)?, &provider.slo_url)?;
    let destination = provider.recipients.slo_url(&request.issuer)?;
    let url = answer(&provider, &request, destination, params.relay_state.as_deref())?;
    let redirect = Redirect::to(url.as_str());
    match provider.accounts.session(&headers).await {
        Some(session) if is_named(&provider, &session, &request) => {
            let (_, set_cookie) = provider.accounts.sign_out(&headers).await;
            Ok(([(SET_COOKIE, set_cookie)], redirect).into_response())
        }
        _ => Ok(redirect.into_response()),
    }
}

fn is_named(provider: &SamlProvider, session: &Session, request: &LogoutRequest) -> bool {
    [NameIdFormat::Persistent, NameIdFormat::EmailAddress]
        .into_iter()
        .any(|format| name_id(provider, session, &request.issuer, format) == request.name_id)
}

/// What is signed is the query as it is sent, up to the signature.
fn answer(
    provider: &SamlProvider,
    request: &LogoutRequest,
    mut destination: Url,
    relay_state: Option<&str>,
) -> Result<Url, PageError> {
    let response = LogoutResponse {
        id: &new_id()?,
        issuer: &provider.entity_id,
        destination: destination.as_str(),
        in_response_to: &request.id,
        now: &Timestamp::now().rfc3339(),
    };
    let xml = response.render().map_err(|error| PageError::Signing(error.to_string()))?;
    let message = deflate(&xml).map_err(|error| PageError::Signing(error.to_string()))?;
    let signed = form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLResponse", &STANDARD.encode(message))
        .extend_pairs(relay_state.map(|relay_state| ("RelayState", relay_state)))
        .append_pair("SigAlg", RSA_SHA256)
        .finish();
    let signature: String =
        form_urlencoded::byte_serialize(provider.key.sign_query(&signed)?.as_bytes()).collect();
    let before = destination.query().map(|query| format!("{query}&")).unwrap_or_default();
    destination.set_query(Some(&format!("{before}{signed}&Signature={signature}")));
    Ok(destination)
}

fn deflate(xml: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(xml.as_bytes())?;
    encoder.finish()
}
