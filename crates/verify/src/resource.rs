//! What the backend says of itself: OAuth 2.0 Protected Resource Metadata (RFC 9728).

use reqwest::Url;
use serde_json::{Map, Value, json};

use crate::{dpop::Demand, jwk::Algorithm};

/// The backend as its clients reach it. Given to [`VerifierBuilder::resource`](crate::VerifierBuilder::resource).
#[derive(Clone, Debug)]
#[must_use]
pub struct Resource {
    pub(crate) url: String,
    scopes: Vec<String>,
    name: Option<String>,
    documentation: Option<String>,
}

impl Resource {
    /// At this `https` URL, without query or fragment: its identifier, and what proofs of possession are made for.
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), scopes: Vec::new(), name: None, documentation: None }
    }

    /// The scopes that clients may ask for.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Its name, for people.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Where developers read about it.
    pub fn documentation(mut self, url: impl Into<String>) -> Self {
        self.documentation = Some(url.into());
        self
    }

    pub(crate) fn describe(&self, url: &Url, issuer: &str, dpop: Option<Demand>) -> ResourceMetadata {
        // RFC 9728 §3.1: the path of the identifier, less a slash at its end, follows the well-known one.
        let path = format!("/.well-known/oauth-protected-resource{}", url.path().trim_end_matches('/'));
        let mut document = Map::from_iter([
            ("resource".to_owned(), json!(self.url)),
            ("authorization_servers".to_owned(), json!([issuer])),
            ("bearer_methods_supported".to_owned(), json!(["header"])),
        ]);
        let algorithms = dpop.map(|_| json!(Algorithm::ALL.map(Algorithm::name)));
        let optional = [
            ("scopes_supported", (!self.scopes.is_empty()).then(|| json!(self.scopes))),
            ("resource_name", self.name.as_ref().map(|name| json!(name))),
            ("resource_documentation", self.documentation.as_ref().map(|url| json!(url))),
            ("dpop_signing_alg_values_supported", algorithms),
            ("dpop_bound_access_tokens_required", dpop.map(|demand| json!(demand == Demand::Required))),
        ];
        document.extend(optional.into_iter().filter_map(|(member, value)| Some((member.to_owned(), value?))));
        let document = Value::Object(document);
        ResourceMetadata { url: format!("{}{path}", url.origin().ascii_serialization()), path, document }
    }
}

/// The metadata document of a backend: serve it, as `application/json`, at its path.
#[derive(Clone, Debug)]
pub struct ResourceMetadata {
    url: String,
    path: String,
    document: Value,
}

impl ResourceMetadata {
    /// Where clients look for it. Every challenge names it as `resource_metadata`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The path of that: `/.well-known/oauth-protected-resource`, and the resource's own path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The document.
    pub fn document(&self) -> &Value {
        &self.document
    }
}
