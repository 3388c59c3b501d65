//! axum extractors that demand the organization.
//!
//! **Invariant:** a handler that takes one of them runs only for a verified token, and for no organization but the
//! token's: where the request names one, in its path or in a header, every mention must agree.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRef, FromRequestParts, OriginalUri, RawPathParams, rejection::RawPathParamsRejection},
    http::{HeaderName, header::CONTENT_TYPE, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;

use crate::{
    access_token::AccessToken,
    authorize::RequestHead,
    builder::VerifierBuilder,
    rejection::{Reason, Rejection},
    verifier::Verifier,
};

/// Where a request may name an organization.
#[derive(Clone, Debug)]
pub(crate) struct OrganizationPlaces {
    path_parameters: Vec<String>,
    headers: Vec<HeaderName>,
}

impl Default for OrganizationPlaces {
    fn default() -> Self {
        Self {
            path_parameters: ["org", "org_id", "organization", "organization_id"].map(str::to_owned).to_vec(),
            headers: ["orgate-organization", "x-org-id"].map(HeaderName::from_static).to_vec(),
        }
    }
}

impl VerifierBuilder {
    /// Which path parameters name an organization, by id or slug; `org`, `org_id`, `organization` and
    /// `organization_id` unless told.
    pub fn organization_path_parameters<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.places.path_parameters = names.into_iter().map(Into::into).collect();
        self
    }

    /// Which headers name an organization, by id or slug; `Orgate-Organization` and `X-Org-Id` unless told.
    pub fn organization_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.places.headers = names.into_iter().collect();
        self
    }
}

/// A request with a verified access token. It need not name an organization; if it does, it is the token's.
///
/// Path parameters are seen in handlers and in middleware added to a `Router`, not in a service around one.
#[derive(Clone, Debug)]
pub struct OrgToken(pub AccessToken);

/// A request with a verified access token that names the token's organization, in its path or in a header.
#[derive(Clone, Debug)]
pub struct RequestOrg(pub AccessToken);

impl<S> FromRequestParts<S> for OrgToken
where
    S: Send + Sync,
    Arc<Verifier>: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let (token, _) = authorize(parts, &Arc::from_ref(state)).await?;
        Ok(Self(token))
    }
}

impl<S> FromRequestParts<S> for RequestOrg
where
    S: Send + Sync,
    Arc<Verifier>: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        match authorize(parts, &Arc::from_ref(state)).await? {
            (token, Mention::Matching) => Ok(Self(token)),
            (token, Mention::None) => Err(token.reject(Reason::OrganizationMissing)),
        }
    }
}

/// How a request speaks of the token's organization.
enum Mention {
    Matching,
    None,
}

async fn authorize(parts: &mut Parts, verifier: &Verifier) -> Result<(AccessToken, Mention), Rejection> {
    // A nested router takes its own part off the path; a proof is made for the whole.
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |OriginalUri(uri)| uri);
    let request = RequestHead { method: &parts.method, path: uri.path(), headers: &parts.headers };
    let token = verifier.authorize(&request).await?;
    let mentioned = mentioned_organizations(parts, &verifier.places).await;
    let mentioned = mentioned.map_err(|reason| token.reject(reason))?;
    mentioned.iter().try_for_each(|organization| token.require_organization(organization))?;
    Ok((token, if mentioned.is_empty() { Mention::None } else { Mention::Matching }))
}

/// Every organization that the request names, by id or slug.
async fn mentioned_organizations(
    parts: &mut Parts,
    places: &OrganizationPlaces,
) -> Result<Vec<String>, Reason> {
    let mut mentioned = Vec::new();
    for value in places.headers.iter().flat_map(|name| parts.headers.get_all(name)) {
        mentioned.push(value.to_str().map_err(|_| Reason::OrganizationMismatch)?.to_owned());
    }
    match RawPathParams::from_request_parts(parts, &()).await {
        Ok(parameters) => {
            let named = |name: &str| places.path_parameters.iter().any(|known| known == name);
            mentioned
                .extend(parameters.iter().filter(|(name, _)| named(name)).map(|(_, value)| value.to_owned()));
        }
        // Not matched by a route: there is no path to have parameters.
        Err(RawPathParamsRejection::MissingPathParams(_)) => {}
        Err(_) => return Err(Reason::InvalidRequest),
    }
    Ok(mentioned)
}

/// A problem document (RFC 9457) that says no more than the status.
impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let status = self.status();
        let title = status.canonical_reason().unwrap_or_default();
        let body = json!({ "type": "about:blank", "title": title, "status": status.as_u16() }).to_string();
        (status, self.headers(), [(CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}

impl Verifier {
    /// A router that serves the backend's metadata (RFC 9728) at its well-known path, to be merged into the
    /// outermost one; an empty router unless a [`Resource`](crate::Resource) was given.
    pub fn metadata_router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let Some(metadata) = self.resource_metadata() else { return Router::new() };
        let document = Json(metadata.document().clone());
        Router::new().route(metadata.path(), get(async move || document.clone()))
    }
}
