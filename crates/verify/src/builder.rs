//! Configuring a verifier.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc, time::Duration};

use reqwest::Url;

use crate::{
    clock::{Clock, SystemClock},
    dpop::{Demand, Dpop, Proofs},
    fetch::{Discovery, Http, KeyEndpoint, Location},
    introspection::{Connection, Freshness, Introspection, Introspector},
    key_cache::{KeyCache, Timing},
    rejection::{Challenges, Scheme},
    resource::Resource,
    verifier::{SenderConstrained, Verifier},
};

/// More clock skew than this is a broken clock, not a skewed one.
const MAX_LEEWAY: Duration = Duration::from_mins(2);

/// A proof is made for one request: an older one was kept for something.
const MAX_PROOF_AGE: Duration = Duration::from_mins(5);

/// Configures a [`Verifier`]. An audience is required; every other default is meant for production.
#[must_use]
pub struct VerifierBuilder {
    issuer: String,
    audiences: BTreeSet<String>,
    jwks_uri: Option<String>,
    origins: Vec<String>,
    plain_http: PlainHttp,
    sender_constrained: SenderConstrained,
    dpop: Option<Dpop>,
    resource: Option<Resource>,
    freshness: Freshness,
    introspection: Option<Introspection>,
    leeway: Duration,
    timeout: Duration,
    timing: Timing,
    clock: Arc<dyn Clock>,
    #[cfg(feature = "axum")]
    pub(crate) places: crate::extract::OrganizationPlaces,
}

#[derive(Clone, Copy)]
enum PlainHttp {
    Anywhere,
    Loopback,
}

impl VerifierBuilder {
    pub(crate) fn new(issuer: String) -> Self {
        Self {
            issuer,
            audiences: BTreeSet::new(),
            jwks_uri: None,
            origins: Vec::new(),
            plain_http: PlainHttp::Loopback,
            sender_constrained: SenderConstrained::Refused,
            dpop: None,
            resource: None,
            freshness: Freshness::Offline,
            introspection: None,
            leeway: Duration::from_secs(30),
            timeout: Duration::from_secs(5),
            timing: Timing {
                refresh_after: Duration::from_mins(5),
                max_staleness: Duration::from_hours(1),
                cool_down: Duration::from_secs(10),
            },
            clock: Arc::new(SystemClock),
            #[cfg(feature = "axum")]
            places: crate::extract::OrganizationPlaces::default(),
        }
    }

    /// Accepts tokens for `audience`, the backend's name at the issuer. Called again, for that one too.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.insert(audience.into());
        self
    }

    /// Takes the keys from this URL, without discovery.
    pub fn jwks_uri(mut self, url: impl Into<String>) -> Self {
        self.jwks_uri = Some(url.into());
        self
    }

    /// Allows discovered endpoints on this origin too (`https://keys.example.com`), besides the issuer's.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Allows `http` URLs on hosts other than loopback. Whoever controls the network then controls the keys:
    /// for development, or a network that is encrypted underneath.
    pub fn allow_http(mut self) -> Self {
        self.plain_http = PlainHttp::Anywhere;
        self
    }

    /// Accepts tokens that are bound to a client's certificate (RFC 8705) or in other ways. The caller must then
    /// compare [`cnf`](crate::AccessToken::cnf) with a proof of possession that it checked itself. A key's thumbprint
    /// (RFC 9449) is not among them where a request is at hand: [`authorize`](Verifier::authorize) checks proofs of
    /// that by itself, if [`dpop`](Self::dpop) says how, and accepts no such token without.
    pub fn allow_sender_constrained(mut self) -> Self {
        self.sender_constrained = SenderConstrained::Accepted;
        self
    }

    /// Says where clients reach the backend, and what it offers: each challenge then leads to its metadata
    /// (RFC 9728), which is for the caller to serve.
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resource = Some(resource);
        self
    }

    /// Accepts tokens that are bound to a key, with a proof of possession (RFC 9449). Needs a
    /// [`resource`](Self::resource): its URL is what proofs are made for.
    pub fn dpop(mut self, dpop: Dpop) -> Self {
        self.dpop = Some(dpop);
        self
    }

    /// How sure the backend has to be that a token was not revoked; [`Freshness::Offline`] unless told.
    pub fn freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = freshness;
        self
    }

    /// How the issuer is asked, if [`freshness`](Self::freshness) says that it is.
    pub fn introspection(mut self, introspection: Introspection) -> Self {
        self.introspection = Some(introspection);
        self
    }

    /// How far clocks may differ, in whole seconds; 30 s unless told, at most 120 s.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// How long fetching the keys, or introspecting a token, may take, discovery included; 5 s unless told.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// After what age keys are fetched again, in the background; 5 min unless told. This is how long a key that
    /// the issuer withdrew may still be accepted while the issuer can be reached.
    pub fn refresh_after(mut self, age: Duration) -> Self {
        self.timing.refresh_after = age;
        self
    }

    /// Until what age keys are used while the issuer cannot be reached; 1 h unless told. Then every token is
    /// refused.
    pub fn max_staleness(mut self, age: Duration) -> Self {
        self.timing.max_staleness = age;
        self
    }

    /// Least time between two fetches that tokens cause; 10 s unless told.
    pub fn cool_down(mut self, pause: Duration) -> Self {
        self.timing.cool_down = pause;
        self
    }

    /// Replaces the clock, for tests.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Builds the verifier. Nothing is fetched yet: a backend may start before its issuer.
    ///
    /// # Errors
    /// [`BuildError`] names what is missing or not allowed.
    pub fn build(mut self) -> Result<Verifier, BuildError> {
        if self.audiences.is_empty() || self.audiences.contains("") {
            return Err(BuildError::NoAudience);
        }
        if self.leeway > MAX_LEEWAY {
            return Err(BuildError::LeewayTooLong);
        }
        let http = Http::new(self.timeout).map_err(BuildError::client)?;
        let location = self.location(self.jwks_uri.as_deref(), "jwks_uri")?;
        let endpoint = KeyEndpoint { http: http.clone(), location };
        let keys = Arc::new(KeyCache::new(endpoint, Arc::clone(&self.clock), self.timing));
        let dpop = self.dpop.as_ref().map(|dpop| dpop.demand);
        let resource = self.resource.take().map(|resource| self.check_resource(resource)).transpose()?;
        let metadata = resource.as_ref().map(|(resource, url)| resource.describe(url, &self.issuer, dpop));
        let challenges = Challenges {
            resource_metadata: metadata.as_ref().map(|metadata| metadata.url().to_owned()),
            schemes: match dpop {
                None => vec![Scheme::Bearer],
                Some(Demand::Accepted) => vec![Scheme::Bearer, Scheme::Dpop],
                Some(Demand::Required) => vec![Scheme::Dpop],
            },
        };
        Ok(Verifier {
            proofs: self.proofs(resource.map(|(_, url)| url))?,
            introspector: self.introspector(&http, &keys)?,
            keys,
            issuer: self.issuer,
            audiences: self.audiences,
            leeway: self.leeway,
            sender_constrained: self.sender_constrained,
            clock: self.clock,
            challenges: Arc::new(challenges),
            metadata,
            #[cfg(feature = "axum")]
            places: self.places,
        })
    }

    fn check_resource(&self, resource: Resource) -> Result<(Resource, Url), BuildError> {
        let url = self.check_url(&resource.url)?;
        if url.query().is_some() {
            return Err(BuildError::InvalidUrl(resource.url));
        }
        Ok((resource, url))
    }

    fn proofs(&mut self, resource: Option<Url>) -> Result<Option<Proofs>, BuildError> {
        let Some(dpop) = self.dpop.take() else { return Ok(None) };
        if dpop.max_age > MAX_PROOF_AGE {
            return Err(BuildError::ProofAgeTooLong);
        }
        let resource = resource.ok_or(BuildError::NoResource)?;
        dpop.into_proofs(resource, self.leeway).map(Some).ok_or(BuildError::NoRandomness)
    }

    fn introspector(
        &mut self,
        http: &Http,
        keys: &Arc<KeyCache>,
    ) -> Result<Option<Introspector>, BuildError> {
        let Freshness::Introspect { max_age } = self.freshness else { return Ok(None) };
        let introspection = self.introspection.take().ok_or(BuildError::NoIntrospection)?;
        let connection = Connection {
            issuer: self.issuer.clone(),
            http: http.clone(),
            location: self.location(introspection.endpoint.as_deref(), "introspection_endpoint")?,
            keys: Arc::clone(keys),
            clock: Arc::clone(&self.clock),
            leeway: self.leeway,
            max_age,
        };
        Ok(Some(introspection.into_introspector(connection)))
    }

    /// Where an endpoint is: at the URL that was given, or where the discovery document says.
    fn location(&self, given: Option<&str>, member: &'static str) -> Result<Location, BuildError> {
        let issuer = self.check_url(&self.issuer)?;
        if issuer.query().is_some() {
            return Err(BuildError::InvalidUrl(self.issuer.clone()));
        }
        if let Some(url) = given {
            return self.check_url(url).map(Location::Given);
        }
        // OpenID Connect Discovery §4.1: a slash at the end is taken off first.
        let document = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let document = self.check_url(&document)?;
        let mut origins = vec![issuer];
        for origin in &self.origins {
            origins.push(self.check_url(origin)?);
        }
        Ok(Location::Discovered(Discovery { issuer: self.issuer.clone(), document, origins }, member))
    }

    fn check_url(&self, text: &str) -> Result<Url, BuildError> {
        let invalid = || BuildError::InvalidUrl(text.to_owned());
        let url = Url::parse(text).map_err(|_| invalid())?;
        let host = url.host_str().ok_or_else(invalid)?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(invalid());
        }
        match (url.scheme(), self.plain_http) {
            ("https", _) | ("http", PlainHttp::Anywhere) => Ok(url),
            ("http", PlainHttp::Loopback) if is_loopback(host) => Ok(url),
            ("http", PlainHttp::Loopback) => Err(BuildError::PlainHttp(text.to_owned())),
            _ => Err(invalid()),
        }
    }
}

/// `localhost` may be resolved to nothing else (RFC 6761 §6.3).
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Why a verifier cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Not a URL, or one with a scheme, credentials, a query or a fragment that it must not have.
    #[error("{0} is not a usable URL")]
    InvalidUrl(String),
    /// More than 120 seconds.
    #[error("a leeway of more than 120 seconds is not allowed")]
    LeewayTooLong,
    /// No audience, or an empty one.
    #[error("an audience is required")]
    NoAudience,
    /// Tokens are to be introspected, and nothing says how.
    #[error("introspecting tokens takes an introspection client")]
    NoIntrospection,
    /// The operating system gives no random numbers.
    #[error("there is no randomness")]
    NoRandomness,
    /// Proofs are to be checked, and nothing says for which URL they are made.
    #[error("checking proofs takes a resource")]
    NoResource,
    /// `http` on a host that is not loopback.
    #[error("{0} must be https")]
    PlainHttp(String),
    /// More than five minutes.
    #[error("proofs of more than five minutes ago are not allowed")]
    ProofAgeTooLong,
}

impl BuildError {
    fn client(error: reqwest::Error) -> Self {
        Self::Client(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(issuer: &str) -> Result<Verifier, BuildError> {
        Verifier::builder(issuer).audience("notes").build()
    }

    #[test]
    fn only_a_safe_issuer_is_accepted() {
        for good in [
            "https://a.example",
            "https://a.example/o/org_1/",
            "http://127.0.0.1:1",
            "http://[::1]",
            "http://localhost:1",
        ] {
            assert!(build(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a.example",
            "ftp://a.example",
            "https://u@a.example",
            "https://a.example?x",
            "https://a.example#x",
        ] {
            assert!(matches!(build(bad), Err(BuildError::InvalidUrl(_))), "{bad}");
        }
        for plain in [
            "http://a.example",
            "http://127.0.0.1.a.example",
            "http://localhost.a.example",
            "http://10.0.0.1",
        ] {
            assert!(matches!(build(plain), Err(BuildError::PlainHttp(_))), "{plain}");
            assert!(Verifier::builder(plain).audience("notes").allow_http().build().is_ok());
        }
    }

    #[test]
    fn what_belongs_together_is_demanded_together() {
        let builder = || Verifier::builder("https://a.example").audience("notes");
        let introspect = Freshness::Introspect { max_age: Duration::ZERO };
        let at = |url: &str| builder().resource(Resource::at(url));
        assert!(matches!(builder().dpop(Dpop::new()).build(), Err(BuildError::NoResource)));
        assert!(matches!(builder().freshness(introspect).build(), Err(BuildError::NoIntrospection)));
        assert!(matches!(at("https://b.example/?q").build(), Err(BuildError::InvalidUrl(_))));
        assert!(matches!(at("http://b.example").build(), Err(BuildError::PlainHttp(_))));
        let old = Dpop::new().max_age(MAX_PROOF_AGE + Duration::from_secs(1));
        assert!(matches!(at("https://b.example").dpop(old).build(), Err(BuildError::ProofAgeTooLong)));
        assert!(at("https://b.example").dpop(Dpop::new().max_age(MAX_PROOF_AGE)).build().is_ok());
        let elsewhere = Introspection::with_secret("notes", "s").endpoint("http://b.example/introspect");
        let elsewhere = builder().freshness(introspect).introspection(elsewhere).build();
        assert!(matches!(elsewhere, Err(BuildError::PlainHttp(_))));
    }

    #[test]
    fn audience_leeway_and_key_urls_are_checked() {
        let builder = || Verifier::builder("https://a.example");
        assert!(matches!(builder().build(), Err(BuildError::NoAudience)));
        assert!(matches!(builder().audience("").build(), Err(BuildError::NoAudience)));
        let builder = || builder().audience("notes");
        assert!(builder().leeway(MAX_LEEWAY).build().is_ok());
        let too_long = builder().leeway(MAX_LEEWAY + Duration::from_millis(1));
        assert!(matches!(too_long.build(), Err(BuildError::LeewayTooLong)));
        assert!(matches!(builder().jwks_uri("http://a.example").build(), Err(BuildError::PlainHttp(_))));
        assert!(matches!(builder().allow_origin("http://k.example").build(), Err(BuildError::PlainHttp(_))));
    }
}
