//! An organization's OpenID provider (OIDC Core §3.1): the request, and every check of the answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use chrono::Duration;
use oauth2::TokenResponse as _;
use openidconnect::core::{CoreAuthenticationFlow, CoreJwsSigningAlgorithm};
use openidconnect::{
    AsyncHttpClient, AuthType, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use orgate_domain::connections::{Asserted, OidcAuthentication, OidcSettings};
use orgate_domain::credentials::{Credential, UpstreamState};
use orgate_protocol::jose::Unverified;
use orgate_protocol::oauth::authorize::Prompt;
use orgate_storage::NewAuthorizationRequest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::claims::{self, Expected, attributes, is_address_verified, text, time};
use super::providers::{Provider, Signature};
use super::trace::{Rejection, Trace, quote, without};
use super::{UpstreamError, UpstreamIdentity, Version};
use crate::Env;
use crate::outgoing::OutgoingError;

/// A client assertion lives this long (RFC 7523 §3).
const ASSERTION_LIFETIME: Duration = Duration::minutes(1);

/// One request of one connection.
pub(super) struct Oidc<'a> {
    pub(super) env: &'a Env,
    pub(super) settings: &'a OidcSettings,
    pub(super) version: &'a Version,
    pub(super) state: &'a Credential<UpstreamState>,
    /// Names the master key that the state's secrets are derived by.
    pub(super) derived_by: &'a [u8],
    /// Where the answer comes to.
    pub(super) callback: String,
}

/// Why there is no identity: a failed check, or a provider that could not be asked.
pub(super) enum Refusal {
    Rejected(Rejection),
    Upstream(Arc<UpstreamError>),
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl Oidc<'_> {
    fn nonce(&self) -> String {
        self.env.vault.upstream_secret((self.state, self.derived_by), "nonce")
    }

    fn verifier(&self) -> PkceCodeVerifier {
        PkceCodeVerifier::new(self.env.vault.upstream_secret((self.state, self.derived_by), "verifier"))
    }

    async fn provider(&self) -> Result<Arc<Provider>, Arc<UpstreamError>> {
        self.env.providers.find(&self.env.outgoing, &self.settings.issuer).await
    }

    /// Where the browser goes to (OIDC Core §3.1.2.1), with what the application asked for.
    pub(super) async fn authorization_url(
        &self,
        asked: Option<&NewAuthorizationRequest>,
        login_hint: Option<&str>,
    ) -> Result<Url, Arc<UpstreamError>> {
        let provider = self.provider().await?;
        let client = self.client(&provider)?;
        let (state, nonce) = (CsrfToken::new(self.state.reveal().to_owned()), Nonce::new(self.nonce()));
        let mut request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || state, move || nonce)
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&self.verifier()));
        for scope in self.settings.scopes.iter().filter(|scope| *scope != "openid") {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        if let Some(hint) = login_hint {
            request = request.add_extra_param("login_hint", hint.to_owned());
        }
        if let [domain] = self.settings.hosted_domains.as_slice() {
            request = request.add_extra_param("hd", domain.clone());
        }
        if let Some(asked) = asked {
            let prompts = [Prompt::Login, Prompt::SelectAccount, Prompt::Consent];
            let prompts: Vec<&str> = prompts
                .into_iter()
                .filter(|prompt| asked.prompt.contains(prompt))
                .map(Prompt::as_str)
                .collect();
            if !prompts.is_empty() {
                request = request.add_extra_param("prompt", prompts.join(" "));
            }
            // Who is to sign in anew is to say when they did.
            if let Some(seconds) = asked.max_age.or_else(|| asked.demands_authentication().then_some(0)) {
                request = request.set_max_age(std::time::Duration::from_secs(seconds.into()));
            }
            if !asked.acr_values.is_empty() {
                request = request.add_extra_param("acr_values", asked.acr_values.join(" "));
            }
        }
        let (url, ..) = request.url();
        Ok(url)
    }

    /// Checks the answer (OIDC Core §3.1.2.7, RFC 9207), redeems the code, and checks the ID token.
    pub(super) async fn redeem(
        &self,
        answer: &Answer<'_>,
        max_age: Option<u32>,
        trace: &mut Trace,
    ) -> Result<UpstreamIdentity, Refusal> {
        if let Some(error) = answer.error {
            let said = answer.error_description.unwrap_or_default();
            return Err(trace.fail("provider_answer", format!("the provider says {error}: {said}")).into());
        }
        let provider = self.provider().await.map_err(Refusal::Upstream)?;
        trace.pass("discovery", &self.settings.issuer);
        self.check_issuer_parameter(&provider, answer, trace)?;
        let Some(code) = answer.code else {
            return Err(trace
                .fail("provider_answer", "the provider sent neither a code nor an error")
                .into());
        };
        let tokens = self.exchange(&provider, code, trace).await?;
        let Some(id_token) = tokens.extra_fields().id_token.clone() else {
            return Err(trace
                .fail("id_token", "the token endpoint gave no ID token; is `openid` allowed there?")
                .into());
        };
        let mut claims = self.verify(&provider, &id_token, trace).await?;
        trace.assert(&claims); // whatever a check finds wrong with them
        self.check_claims(&claims, max_age, trace)?;
        if is_thin(&claims, self.version) {
            self.add_userinfo(&provider, &tokens, &mut claims, trace).await;
            trace.assert(&claims);
        }
        Ok(self.identity(&claims, id_token))
    }

    fn check_issuer_parameter(
        &self,
        provider: &Provider,
        answer: &Answer<'_>,
        trace: &mut Trace,
    ) -> Result<(), Rejection> {
        let demanded = provider.document.additional_metadata().authorization_response_iss_parameter_supported;
        let holds = match answer.iss {
            // A multi-tenant issuer answers with the tenant's, which the ID token is held to.
            Some(_) if self.settings.is_multi_tenant() => true,
            Some(iss) => iss == self.settings.issuer,
            None => !demanded,
        };
        trace.check("iss_parameter", holds, || {
            let found = answer.iss.unwrap_or("none");
            format!("the answer is of the issuer {found}, not of {}", self.settings.issuer)
        })
    }

    fn client(&self, provider: &Provider) -> Result<ProviderClient, Arc<UpstreamError>> {
        let unusable = || {
            let (what, why) = ("discovery", "an endpoint in it is not an address".to_owned());
            Arc::new(UpstreamError::Unusable { what, why })
        };
        let document = &provider.document;
        let token_url = document.token_endpoint().cloned().ok_or_else(unusable)?;
        let callback = RedirectUrl::new(self.callback.clone()).map_err(|_| unusable())?;
        let auth_type = match self.settings.authentication {
            OidcAuthentication::ClientSecretBasic => AuthType::BasicAuth,
            OidcAuthentication::ClientSecretPost | OidcAuthentication::PrivateKeyJwt => AuthType::RequestBody,
        };
        let client = Client::new(
            ClientId::new(self.settings.client_id.clone()),
            document.issuer().clone(),
            openidconnect::JsonWebKeySet::default(),
        )
        .set_auth_uri(document.authorization_endpoint().clone())
        .set_token_uri(token_url)
        .set_redirect_uri(callback)
        .set_auth_type(auth_type);
        Ok(client)
    }

    /// The same, as far as redeeming goes: it gives the ID token as it is written.
    fn token_client(&self, provider: &Provider) -> Result<TokenClient, Arc<UpstreamError>> {
        let client = self.client(provider)?;
        let token_client = oauth2::Client::new(client.client_id().clone())
            .set_token_uri(client.token_uri().clone())
            .set_auth_type(client.auth_type().clone());
        let token_client = match client.redirect_uri() {
            Some(callback) => token_client.set_redirect_uri(callback.clone()),
            None => token_client,
        };
        Ok(match self.secret() {
            Some(secret) => token_client.set_client_secret(secret),
            None => token_client,
        })
    }

    fn secret(&self) -> Option<ClientSecret> {
        let secret = self.version.secrets.client_secret.clone();
        secret
            .filter(|_| self.settings.authentication != OidcAuthentication::PrivateKeyJwt)
            .map(ClientSecret::new)
    }

    async fn exchange(&self, provider: &Provider, code: &str, trace: &mut Trace) -> Result<Tokens, Refusal> {
        const WHAT: &str = "token endpoint";
        let client = self.token_client(provider).map_err(Refusal::Upstream)?;
        let mut request =
            client.exchange_code(AuthorizationCode::new(code.to_owned())).set_pkce_verifier(self.verifier());
        if self.settings.authentication == OidcAuthentication::PrivateKeyJwt {
            let Some(assertion) = self.client_assertion(provider) else {
                return Err(trace
                    .fail("client_authentication", "the connection has no key to sign with")
                    .into());
            };
            request = request
                .add_extra_param(
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                )
                .add_extra_param("client_assertion", assertion);
        }
        match request.request_async(&Http(self.env.clone())).await {
            Ok(tokens) => {
                trace.pass("token_endpoint", "");
                Ok(tokens)
            }
            Err(openidconnect::RequestTokenError::Request(error)) => {
                Err(Refusal::Upstream(Arc::new(UpstreamError::Unreachable { what: WHAT, error })))
            }
            Err(openidconnect::RequestTokenError::ServerResponse(error)) => {
                let secret = self.version.secrets.client_secret.as_deref().unwrap_or_default();
                let why = without(&error.to_string(), &[code, self.verifier().secret(), secret]);
                Err(trace.fail("token_endpoint", format!("the provider refused the code: {why}")).into())
            }
            Err(openidconnect::RequestTokenError::Parse(..) | openidconnect::RequestTokenError::Other(_)) => {
                Err(trace.fail("token_endpoint", "the provider's answer is not a token response").into())
            }
        }
    }

    /// RFC 7523 §3, for the issuer itself (as RFC 7523bis demands: never for one of its endpoints).
    fn client_assertion(&self, provider: &Provider) -> Option<String> {
        let key = self.version.secrets.assertion_key()?;
        let now = self.env.clock.now();
        let audience = if self.settings.is_multi_tenant() || self.settings.issuer.contains("microsoftonline")
        {
            provider.document.token_endpoint()?.as_str() // Entra ID knows no other
        } else {
            &self.settings.issuer
        };
        let claims = serde_json::json!({
            "iss": self.settings.client_id,
            "sub": self.settings.client_id,
            "aud": audience,
            "iat": now.timestamp(),
            "exp": (now + ASSERTION_LIFETIME).timestamp(),
            "jti": self.env.random.uuid(now).ok()?.to_string(),
        });
        key.sign("JWT", claims.to_string().as_bytes()).ok()
    }

    async fn verify(
        &self,
        provider: &Provider,
        token: &str,
        trace: &mut Trace,
    ) -> Result<Map<String, Value>, Refusal> {
        let parsed = match Unverified::parse(token) {
            Ok(parsed) => parsed,
            Err(error) => return Err(trace.fail("id_token", error.to_string()).into()),
        };
        check_signature(self, provider, &parsed, trace).await?;
        Ok(parsed.claims)
    }

    fn check_claims(
        &self,
        claims: &Map<String, Value>,
        max_age: Option<u32>,
        trace: &mut Trace,
    ) -> Result<(), Rejection> {
        let nonce = self.nonce();
        let (settings, now) = (self.settings, self.env.clock.now());
        claims::check(claims, &Expected { settings, nonce: &nonce, max_age, now }, trace)
    }

    /// Adds what userinfo says (OIDC Core §5.3.2) about the same subject; what the ID token says
    /// stays. A provider whose userinfo fails has said enough in the ID token to sign in.
    async fn add_userinfo(
        &self,
        provider: &Provider,
        tokens: &Tokens,
        claims: &mut Map<String, Value>,
        trace: &mut Trace,
    ) {
        let Some(endpoint) = provider.document.userinfo_endpoint() else { return };
        let request = openidconnect::http::Request::get(endpoint.as_str())
            .header("authorization", format!("Bearer {}", tokens.access_token().secret()))
            .header("accept", "application/json")
            .body(Vec::new());
        let Ok(request) = request else { return };
        let found = match self.env.outgoing.call(request).await {
            Ok(reply) if reply.status.is_success() => {
                serde_json::from_slice::<Map<String, Value>>(&reply.body).ok()
            }
            Ok(_) | Err(_) => None,
        };
        match found {
            // Another subject's claims must not be used.
            Some(found) if found.get("sub") == claims.get("sub") => {
                trace.pass("userinfo", "");
                super::claims::add(claims, found);
            }
            Some(_) => drop(trace.fail("userinfo", "it is about another subject and was not used")),
            None => drop(trace.fail("userinfo", "there was no usable answer; the ID token was used alone")),
        }
    }

    fn identity(&self, claims: &Map<String, Value>, id_token: String) -> UpstreamIdentity {
        let own = text(claims, "sub").unwrap_or_default();
        // Entra's `sub` differs by application, and `oid` is only unique inside of its tenant.
        let subject = match (text(claims, "tid"), text(claims, "oid")) {
            (Some(tenant), Some(object)) if self.settings.is_multi_tenant() => format!("{tenant}/{object}"),
            _ => own.to_owned(),
        };
        let attributes = attributes(claims);
        let address_verified = is_address_verified(claims, &attributes, &self.version.settings.mapping);
        let amr = match claims.get("amr") {
            Some(Value::Array(values)) => {
                values.iter().filter_map(Value::as_str).take(8).map(quote).collect()
            }
            _ => Vec::new(),
        };
        UpstreamIdentity {
            asserted: Asserted { subject, address_verified, attributes },
            named: own.to_owned(),
            sid: text(claims, "sid").filter(|sid| sid.len() <= 512).map(str::to_owned),
            logout: Some(id_token.into_bytes()),
            auth_time: time(claims, "auth_time"),
            amr,
            ends_by: time(claims, "session_expiry"),
        }
    }
}

/// The guarded client, as the library wants it.
struct Http(Env);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = OutgoingError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, OutgoingError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let reply = self.0.outgoing.call(request).await?;
            // It says nothing of the code: the provider is out of order.
            if reply.status.is_server_error() {
                return Err(OutgoingError::OutOfOrder(reply.status.as_u16()));
            }
            let mut response = HttpResponse::new(reply.body);
            (*response.status_mut(), *response.headers_mut()) = (reply.status, reply.headers);
            Ok(response)
        })
    }
}

/// What comes with an access token, as it is written: reading it strictly is ours.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct IdTokenField {
    id_token: Option<String>,
}

impl oauth2::ExtraTokenFields for IdTokenField {}

type Tokens = oauth2::StandardTokenResponse<IdTokenField, oauth2::basic::BasicTokenType>;

type TokenClient = oauth2::Client<
    oauth2::basic::BasicErrorResponse,
    Tokens,
    oauth2::basic::BasicTokenIntrospectionResponse,
    oauth2::StandardRevocableToken,
    oauth2::basic::BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

type ProviderClient = openidconnect::core::CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
    EndpointNotSet,
>;

/// The parameters that come back (RFC 6749 §4.1.2).
#[derive(Debug, Clone, Copy, Default)]
pub struct Answer<'a> {
    /// The code.
    pub code: Option<&'a str>,
    /// Or an error.
    pub error: Option<&'a str>,
    /// About it.
    pub error_description: Option<&'a str>,
    /// RFC 9207.
    pub iss: Option<&'a str>,
}

/// The algorithm is one of those that the connection allows, and the signature the provider's.
pub(super) async fn check_signature(
    oidc: &Oidc<'_>,
    provider: &Provider,
    token: &Unverified<'_>,
    trace: &mut Trace,
) -> Result<(), Refusal> {
    let allowed = oidc.settings.algorithms.contains(&token.algorithm);
    let algorithm = serde_json::from_value::<CoreJwsSigningAlgorithm>(token.algorithm.clone().into());
    let Some(algorithm) = algorithm.ok().filter(|_| allowed) else {
        let why = format!(
            "it is signed with {}; the connection allows {}",
            quote(&token.algorithm),
            oidc.settings.algorithms.join(", ")
        );
        return Err(trace.fail("alg", why).into());
    };
    trace.pass("alg", &token.algorithm);
    let verified = provider.verify(&oidc.env.outgoing, token, &algorithm).await;
    match verified.map_err(Refusal::Upstream)? {
        Signature::Valid => {
            trace.pass("signature", token.kid.as_deref().unwrap_or_default());
            Ok(())
        }
        Signature::UnknownKey => {
            let kid = token.kid.as_deref().unwrap_or("(none)");
            Err(trace.fail("signature", format!("the provider publishes no key {}", quote(kid))).into())
        }
        Signature::Invalid => Err(trace.fail("signature", "it is not the provider's signature").into()),
    }
}

/// Whether what the connection maps is not all in the ID token.
fn is_thin(claims: &Map<String, Value>, version: &Version) -> bool {
    let mapping = &version.settings.mapping;
    let lacks = |names: &[String]| !names.iter().any(|name| claims.contains_key(name));
    let by_group = version.settings.rules.iter().any(|rule| rule.attribute.is_none());
    lacks(&mapping.email)
        || (lacks(&mapping.name) && lacks(&mapping.first_name))
        || (by_group && lacks(&mapping.groups))
        || (!mapping.subject.is_empty() && lacks(&mapping.subject))
}
