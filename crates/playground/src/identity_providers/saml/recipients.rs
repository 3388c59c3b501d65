//! Who may be told who signed in, and where.
//!
//! **Invariant:** a [`Recipient`] is a service provider of the configuration, at an address of the configuration.

use url::Url;

use super::PageError;
use crate::identity_providers::ServiceProviders;

pub(super) struct Recipients(Vec<ServiceProviders>);

/// Where an assertion may go.
pub(super) struct Recipient<'a> {
    entity_id: &'a str,
    acs_url: &'a str,
}

impl<'a> Recipient<'a> {
    pub(super) fn entity_id(&self) -> &'a str {
        self.entity_id
    }

    /// The assertion consumer service.
    pub(super) fn acs_url(&self) -> &'a str {
        self.acs_url
    }

    pub(super) fn origin(&self) -> String {
        self.acs_url.parse::<Url>().map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }
}

impl Recipients {
    pub(super) fn new(service_providers: Vec<ServiceProviders>) -> Self {
        Self(service_providers)
    }

    pub(super) fn check<'a>(&self, entity_id: &'a str, acs_url: &'a str) -> Result<Recipient<'a>, PageError> {
        if !self.of_entity(entity_id).any(|known| is_below(acs_url, &known.acs_url_prefix)) {
            return Err(if self.of_entity(entity_id).next().is_some() {
                PageError::UnknownAcs(acs_url.to_owned())
            } else {
                PageError::UnknownServiceProvider(entity_id.to_owned())
            });
        }
        Ok(Recipient { entity_id, acs_url })
    }

    /// Where the answer to a logout request of the service provider goes.
    pub(super) fn slo_url(&self, entity_id: &str) -> Result<Url, PageError> {
        let reference = self.of_entity(entity_id).find_map(|known| known.slo_url.as_deref());
        let url = reference.and_then(|reference| entity_id.parse::<Url>().ok()?.join(reference).ok());
        url.ok_or_else(|| PageError::UnknownServiceProvider(entity_id.to_owned()))
    }

    fn of_entity(&self, entity_id: &str) -> impl Iterator<Item = &ServiceProviders> {
        self.0.iter().filter(move |known| is_below(entity_id, &known.entity_id_prefix))
    }
}

/// Whether it is that URL or one below it. Both are compared as parsed, so that neither `..` nor a longer host name or
/// port passes.
pub(in crate::identity_providers) fn is_below(url: &str, prefix: &Url) -> bool {
    let Ok(url) = url.parse::<Url>() else { return false };
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let rest = url.path().strip_prefix(prefix.path().trim_end_matches('/'));
    let is_same_origin = url.origin() == prefix.origin() && url.scheme() == prefix.scheme() && url.has_host();
    is_plain && is_same_origin && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_looks_like_it_is_not_below() {
        let prefix = "http://localhost:8080/saml".parse().unwrap();
        for below in ["http://localhost:8080/saml", "http://localhost:8080/saml/con_1/acs?x=1"] {
            assert!(is_below(below, &prefix), "{below}");
        }
        for foreign in [
            "",
            "/saml",
            "http://localhost:80801/saml",
            "http://localhost:8080.evil.test/saml",
            "http://localhost:8080@evil.test/saml",
            "http://x@localhost:8080/saml",
            "http://localhost:8080/samlx",
            "http://localhost:8080/saml/../x",
            "http://localhost:8080/saml/%2e%2e/x",
            "http://localhost:8080/saml#x",
            "https://localhost:8080/saml",
            "javascript:alert(1)//http://localhost:8080/saml",
        ] {
            assert!(!is_below(foreign, &prefix), "{foreign}");
        }
    }

    #[test]
    fn a_prefix_may_be_a_whole_site() {
        assert!(is_below("http://localhost:8080/a", &"http://localhost:8080/".parse().unwrap()));
    }
}
