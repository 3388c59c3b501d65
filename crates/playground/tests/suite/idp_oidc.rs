//! The sample `OpenID` provider, seen by a foreign client.

use std::{pin::Pin, time::Duration};

use axum::{Form, Router, routing::post};
use openidconnect::{
    AsyncHttpClient, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EmptyAdditionalClaims,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, SubjectIdentifier,
    TokenResponse as _,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreGenderClaim, CoreProviderMetadata, CoreTokenResponse,
        CoreUserInfoClaims,
    },
};
use orgate_playground::OpenIdClient;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::{net::TcpListener, sync::mpsc, time::sleep};
use url::Url;

use crate::idp::{Browser, CALLBACK, CLIENT_ID, CLIENT_SECRET, Page, SIGNED_OUT, start, start_with};

/// The crate's HTTP, by the client that the rest of the suite uses.
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, reqwest::Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let response = self.0.execute(request.try_into()?).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let mut answer = HttpResponse::new(response.bytes().await?.to_vec());
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            Ok(answer)
        })
    }
}

type Foreign = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A client that discovered the provider.
struct Client {
    http: Http,
    foreign: Foreign,
    issuer: String,
}

/// A request, and what its answer will be held against.
struct Attempt {
    url: Url,
    nonce: Nonce,
    state: CsrfToken,
    verifier: PkceCodeVerifier,
}

impl Client {
    async fn discover(browser: &Browser) -> Self {
        Self::with_secret(browser, CLIENT_SECRET).await
    }

    async fn with_secret(browser: &Browser, secret: &str) -> Self {
        let http = Http(reqwest::Client::builder().no_proxy().build().unwrap());
        let issuer = format!("{}oidc", browser.base);
        let url = IssuerUrl::new(issuer.clone()).unwrap();
        let metadata = CoreProviderMetadata::discover_async(url, &http).await.unwrap();
        let (id, secret) = (ClientId::new(CLIENT_ID.into()), ClientSecret::new(secret.into()));
        let foreign = CoreClient::from_provider_metadata(metadata, id, Some(secret))
            .set_redirect_uri(RedirectUrl::new(CALLBACK.into()).unwrap());
        Self { http, foreign, issuer }
    }

    /// With parameters of its own.
    fn attempt(&self, parameters: &[(&str, &str)]) -> Attempt {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = self
            .foreign
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("profile".into()))
            .add_scope(Scope::new("email".into()))
            .set_pkce_challenge(challenge);
        for &(name, value) in parameters {
            request = request.add_extra_param(name, value);
        }
        let (url, state, nonce) = request.url();
        Attempt { url, nonce, state, verifier }
    }

    async fn redeem(&self, code: String, verifier: PkceCodeVerifier) -> Result<CoreTokenResponse, String> {
        let request = self.foreign.exchange_code(AuthorizationCode::new(code)).unwrap();
        let answer = request.set_pkce_verifier(verifier).request_async(&self.http).await;
        answer.map_err(|error| format!("{error:?}"))
    }

    async fn sign_in(&self, browser: &Browser, username: &str) -> CoreTokenResponse {
        let attempt = self.attempt(&[]);
        let page = browser.get(&attempt.url).await;
        let page = browser.continue_as(&page, username).await;
        self.redeem(page.parameter("code").unwrap(), attempt.verifier).await.unwrap()
    }
}

/// Leaves out a parameter, or gives it another value.
fn changed(url: &Url, name: &str, value: Option<&str>) -> Url {
    let mut changed = url.clone();
    let kept = url.query_pairs().filter(|(given, _)| given != name);
    changed.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(value.map(|value| (name, value)));
    changed
}

fn assert_refused(page: &Page, error: &str) {
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
    assert_eq!(page.parameter("error").as_deref(), Some(error), "{page:?}");
    assert!(page.parameter("state").is_some() && page.parameter("iss").is_some());
    assert_eq!(page.parameter("code"), None);
}

#[tokio::test]
async fn a_foreign_client_learns_who_signed_in() {
    let browser = start().await;
    let client = Client::discover(&browser).await;
    let attempt = client.attempt(&[("login_hint", "GRACE@globex.test")]);

    let page = browser.get(&attempt.url).await;
    let answer = browser.continue_as(&page, "ada").await;

    assert!(page.body.contains("Globex Workforce") && page.body.contains("http://orgate.test"));
    let (grace, ada) = (page.body.find("value=\"grace\"").unwrap(), page.body.find("value=\"ada\"").unwrap());
    assert!(grace < ada, "whom the hint means comes first");
    let (destination, pairs) = answer.answer();
    assert_eq!(destination, "http://orgate.test/callback");
    assert_eq!(pairs[0], ("con".into(), "1".into()));
    assert_eq!(answer.parameter("iss"), Some(client.issuer.clone()));
    assert_eq!(answer.parameter("state").as_ref(), Some(attempt.state.secret()));
    let tokens = client.redeem(answer.parameter("code").unwrap(), attempt.verifier).await.unwrap();
    let id_token = tokens.id_token().unwrap();
    let claims = id_token.claims(&client.foreign.id_token_verifier(), &attempt.nonce).unwrap();
    assert_eq!(claims.subject().as_str(), "ada");
    assert_eq!(claims.email().unwrap().as_str(), "ada@globex.test");
    assert_eq!(claims.email_verified(), Some(true));
    assert_eq!(claims.name().unwrap().get(None).unwrap().as_str(), "Ada Lovelace");
    assert_eq!(claims.given_name().unwrap().get(None).unwrap().as_str(), "Ada");
    assert_eq!(claims.family_name().unwrap().get(None).unwrap().as_str(), "Lovelace");
    assert!(claims.auth_time().is_some());
    let raw = payload(&id_token.to_string());
    assert_eq!(raw["groups"], serde_json::json!(["engineering", "R&D <lab>"]));
    assert!(raw["sid"].is_string() && raw.get("hd").is_none());
}

#[tokio::test]
async fn userinfo_is_for_those_with_a_token() {
    let browser = start().await;
    let client = Client::discover(&browser).await;
    let tokens = client.sign_in(&browser, "grace").await;

    let subject = SubjectIdentifier::new("grace".into());
    let request = client.foreign.user_info(tokens.access_token().clone(), Some(subject)).unwrap();
    let claims: openidconnect::UserInfoClaims<EmptyAdditionalClaims, CoreGenderClaim> =
        CoreUserInfoClaims::from(request.request_async(&client.http).await.unwrap());

    assert_eq!(claims.email().unwrap().as_str(), "grace@globex.test");
    let none = browser.get("/oidc/userinfo").await;
    assert_eq!(
        (none.status, &none.headers["www-authenticate"]),
        (StatusCode::UNAUTHORIZED, &"Bearer".parse().unwrap())
    );
    let userinfo = browser.base.join("oidc/userinfo").unwrap();
    let wrong = browser.send(browser.http.get(userinfo).bearer_auth("wrong")).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_wrong_nonce_is_noticed() {
    let browser = start().await;
    let client = Client::discover(&browser).await;
    let attempt = client.attempt(&[]);
    let page = browser.get(changed(&attempt.url, "nonce", Some("other"))).await;
    let answer = browser.continue_as(&page, "ada").await;

    let tokens = client.redeem(answer.parameter("code").unwrap(), attempt.verifier).await.unwrap();

    let verifier = client.foreign.id_token_verifier();
    assert!(tokens.id_token().unwrap().claims(&verifier, &attempt.nonce).is_err());
    assert!(tokens.id_token().unwrap().claims(&verifier, &Nonce::new("other".into())).is_ok());
}

#[tokio::test]
async fn a_code_is_good_once_and_for_who_asked() {
    let browser = start().await;
    let client = Client::discover(&browser).await;
    let page = browser.get(client.attempt(&[]).url).await;
    browser.continue_as(&page, "ada").await;
    let code = async |attempt: &Attempt| browser.get(&attempt.url).await.parameter("code").unwrap();

    let (attempt, other) = (client.attempt(&[]), client.attempt(&[]));
    let error = client.redeem(code(&attempt).await, other.verifier).await.unwrap_err();
    assert!(error.contains("invalid_grant") && error.contains("code_verifier"), "{error}");

    let attempt = client.attempt(&[]);
    let taken = code(&attempt).await;
    let verifier = || PkceCodeVerifier::new(attempt.verifier.secret().clone());
    assert!(client.redeem(taken.clone(), verifier()).await.is_ok());
    let error = client.redeem(taken, verifier()).await.unwrap_err();
    assert!(error.contains("invalid_grant"), "{error}");

    let attempt = client.attempt(&[]);
    let thief = Client::with_secret(&browser, "wrong").await;
    let error = thief.redeem(code(&attempt).await, attempt.verifier).await.unwrap_err();
    assert!(error.contains("invalid_client"), "{error}");
}

#[tokio::test]
async fn a_client_may_authenticate_in_the_form() {
    let browser = start().await;
    let client = Client::discover(&browser).await;
    let attempt = client.attempt(&[]);
    let page = browser.get(&attempt.url).await;
    let code = browser.continue_as(&page, "ada").await.parameter("code").unwrap();
    let form: Vec<(String, String)> = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", attempt.verifier.secret()),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();

    let page = browser.post("/oidc/token", &form).await;

    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert_eq!(page.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn a_request_that_cannot_be_answered_is_refused() {
    let browser = start().await;
    let client = Client::discover(&browser).await;
    let url = client.attempt(&[]).url;

    for (name, value, error) in [
        ("code_challenge", None, "invalid_request"),
        ("code_challenge_method", Some("plain"), "invalid_request"),
        ("code_challenge_method", None, "invalid_request"),
        ("response_type", Some("token"), "unsupported_response_type"),
        ("response_mode", Some("form_post"), "invalid_request"),
        ("scope", Some("profile"), "invalid_scope"),
        ("prompt", Some("none login"), "invalid_request"),
        ("prompt", Some("none"), "login_required"),
        ("max_age", Some("soon"), "invalid_request"),
        ("request", Some("x"), "request_not_supported"),
    ] {
        assert_refused(&browser.get(changed(&url, name, value)).await, error);
    }
    for (name, value) in [
        ("client_id", Some("other")),
        ("client_id", None),
        ("redirect_uri", None),
        ("redirect_uri", Some("http://orgate.test/callback")),
        ("redirect_uri", Some("http://evil.test/")),
    ] {
        let page = browser.get(changed(&url, name, value)).await;
        assert_eq!((page.status, page.location), (StatusCode::BAD_REQUEST, None), "{name} {value:?}");
    }
    let twice = format!("{url}&state=x");
    assert_eq!(browser.get(twice).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn who_is_signed_in_is_asked_again_only_on_request() {
    let browser = start().await;
    let client = Client::discover(&browser).await;
    client.sign_in(&browser, "ada").await;

    for parameters in
        [&[][..], &[("prompt", "none")], &[("max_age", "60")], &[("login_hint", "ada@globex.test")]]
    {
        assert!(
            browser.get(client.attempt(parameters).url).await.parameter("code").is_some(),
            "{parameters:?}"
        );
    }
    for parameters in
        [("prompt", "login"), ("prompt", "select_account"), ("max_age", "0"), ("login_hint", "grace")]
    {
        assert!(browser.get(client.attempt(&[parameters]).url).await.asks_who(), "{parameters:?}");
    }
    let none_for_grace = client.attempt(&[("prompt", "none"), ("login_hint", "grace")]);
    assert_refused(&browser.get(none_for_grace.url).await, "login_required");
    let (first, other) = (client.sid(&browser).await, Browser::new(&browser.base));
    let prompted = browser.get(client.attempt(&[("prompt", "login")]).url).await;
    browser.continue_as(&prompted, "ada").await;
    assert_eq!(client.sid(&browser).await, first, "it is still the same session");
    assert!(other.get(client.attempt(&[]).url).await.asks_who(), "another browser has none");
}

impl Client {
    /// The `sid` of the browser's session.
    async fn sid(&self, browser: &Browser) -> Value {
        let attempt = self.attempt(&[("prompt", "none")]);
        let code = browser.get(&attempt.url).await.parameter("code").unwrap();
        let tokens = self.redeem(code, attempt.verifier).await.unwrap();
        payload(&tokens.id_token().unwrap().to_string())["sid"].clone()
    }
}

fn payload(jwt: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// Keeps the logout tokens that it is sent.
async fn start_with_back_channel() -> (Browser, mpsc::UnboundedReceiver<String>) {
    let (tokens, received) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri: Url = format!("http://{}/logout", listener.local_addr().unwrap()).parse().unwrap();
    let take = async move |Form(form): Form<Vec<(String, String)>>| {
        assert_eq!(form[0].0, "logout_token");
        tokens.send(form[0].1.clone()).unwrap();
    };
    tokio::spawn(axum::serve(listener, Router::new().route("/logout", post(take))).into_future());
    let browser = start_with(|config| {
        let client: &mut OpenIdClient = &mut config.oidc.clients[0];
        client.backchannel_logout_uri = Some(uri);
    });
    (browser.await, received)
}

fn end_session(browser: &Browser, parameters: &[(&str, &str)]) -> Url {
    let mut url = browser.base.join("oidc/end-session").unwrap();
    url.query_pairs_mut().extend_pairs(parameters);
    url
}

#[tokio::test]
async fn signing_out_tells_the_client_and_leads_back_to_it() {
    let (browser, mut logout_tokens) = start_with_back_channel().await;
    let client = Client::discover(&browser).await;
    let tokens = client.sign_in(&browser, "ada").await;
    let hint = tokens.id_token().unwrap().to_string();
    let parameters =
        [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", SIGNED_OUT), ("state", "s")];

    let page = browser.get(end_session(&browser, &parameters)).await;

    assert_eq!(page.location.as_ref().map(Url::as_str), Some("http://orgate.test/signed-out?state=s"));
    assert!(browser.get(client.attempt(&[]).url).await.asks_who());
    let token = logout_tokens.recv().await.unwrap();
    let header = jsonwebtoken::decode_header(&token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("logout+jwt"));
    let jwks: jsonwebtoken::jwk::JwkSet =
        serde_json::from_str(&browser.get("/oidc/jwks").await.body).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(jwks.find(header.kid.as_ref().unwrap()).unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.set_audience(&[CLIENT_ID]);
    validation.set_issuer(&[&client.issuer]);
    let claims = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap().claims;
    assert_eq!((&claims["sub"], &claims["sid"]), (&"ada".into(), &payload(&hint)["sid"]));
    let events = claims["events"].as_object().unwrap();
    assert!(events.contains_key("http://schemas.openid.net/event/backchannel-logout"));
    assert!(claims.get("nonce").is_none() && claims["jti"].is_string());
}

#[tokio::test]
async fn without_its_id_token_a_sign_out_is_asked_about() {
    let (browser, mut logout_tokens) = start_with_back_channel().await;
    let client = Client::discover(&browser).await;
    client.sign_in(&browser, "ada").await;
    let parameters = [("client_id", CLIENT_ID), ("post_logout_redirect_uri", SIGNED_OUT)];

    let page = browser.get(end_session(&browser, &parameters)).await;

    assert!(page.status == StatusCode::OK && page.body.contains("signed in here as Ada Lovelace"));
    assert!(browser.get(client.attempt(&[]).url).await.parameter("code").is_some());
    let page = browser.post("/oidc/sign-out", &page.fields()).await;
    assert_eq!(page.location.as_ref().map(Url::as_str), Some(SIGNED_OUT));
    assert!(logout_tokens.recv().await.is_some());
    assert!(browser.get(client.attempt(&[]).url).await.asks_who());
}

#[tokio::test]
async fn a_sign_out_leads_nowhere_else() {
    let browser = start().await;
    let client = Client::discover(&browser).await;
    let hint = client.sign_in(&browser, "ada").await.id_token().unwrap().to_string();

    for parameters in [
        &[("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", "http://evil.test/")][..],
        &[("client_id", "other"), ("post_logout_redirect_uri", SIGNED_OUT)],
        &[("post_logout_redirect_uri", SIGNED_OUT)],
        &[("id_token_hint", "forged"), ("post_logout_redirect_uri", SIGNED_OUT)],
        &[("id_token_hint", hint.as_str()), ("client_id", "other")],
    ] {
        let page = browser.get(end_session(&browser, parameters)).await;
        assert_eq!((page.status, page.location), (StatusCode::BAD_REQUEST, None), "{parameters:?}");
    }
    assert!(browser.get(client.attempt(&[]).url).await.parameter("code").is_some());
    let page = browser.get(end_session(&browser, &[("id_token_hint", &hint)])).await;
    assert!(page.body.contains("You are signed out"));
}

#[tokio::test]
async fn somebody_else_in_the_same_browser_ends_the_session_before() {
    let (browser, mut logout_tokens) = start_with_back_channel().await;
    let client = Client::discover(&browser).await;
    client.sign_in(&browser, "ada").await;

    let page = browser.get(client.attempt(&[("prompt", "login")]).url).await;
    browser.continue_as(&page, "grace").await;

    assert_eq!(payload(&logout_tokens.recv().await.unwrap())["sub"], "ada");
    sleep(Duration::from_millis(50)).await;
    assert!(logout_tokens.try_recv().is_err());
}

#[tokio::test]
async fn who_is_not_known_is_not_signed_in() {
    let browser = start().await;
    let client = Client::discover(&browser).await;
    let page = browser.get(client.attempt(&[]).url).await;

    let refused = browser.continue_as(&page, "mallory").await;

    assert_eq!((refused.status, refused.location), (StatusCode::FORBIDDEN, None));
    assert!(browser.get(client.attempt(&[]).url).await.asks_who());
}
