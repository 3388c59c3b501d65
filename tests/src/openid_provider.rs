//! An OpenID provider that says whatever a test wants: for faults that no real one can be brought to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use orgate_flows::{Clock as _, SystemClock};
use orgate_protocol::jose::{SigningAlgorithm, SigningKey};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use url::Url;

use crate::registered_client::RegisteredClient;

/// What it calls Orgate, and the secret between them.
pub const CLIENT_ID: &str = "orgate-at-the-provider";
/// See [`CLIENT_ID`].
pub const CLIENT_SECRET: &str = "a-secret-between-orgate-and-the-provider";

/// Changes the claims of ID tokens.
type Change = Arc<dyn Fn(&mut Map<String, Value>) + Send + Sync>;

/// What an endpoint does instead of its work.
#[derive(Debug, Clone, PartialEq)]
pub enum Failing {
    /// It takes the request and never answers.
    Hangs,
    /// It answers with more than anybody should read.
    Huge,
    /// It sends whoever asks to another of its addresses.
    Redirects,
    /// It answers this.
    Says(u16, Value),
    /// It repeats in its error whatever secret it was told (the token endpoint).
    Repeats,
}

/// What it does wrong at the moment.
#[derive(Clone, Default)]
pub struct Faults {
    /// Changes the claims of ID tokens.
    pub claims: Option<Change>,
    /// The header of ID tokens, instead of the right one.
    pub header: Option<Value>,
    /// Signs with a key that it does not publish, under the name of the one that it does.
    pub foreign_key: bool,
    /// The payload of ID tokens as text, instead of the claims.
    pub payload: Option<String>,
    /// What the discovery document's address does.
    pub discovery: Option<Failing>,
    /// What the key set's address does.
    pub keys: Option<Failing>,
    /// What the token endpoint does.
    pub token: Option<Failing>,
    /// What userinfo does.
    pub userinfo: Option<Failing>,
    /// Discovery names this issuer.
    pub issuer: Option<String>,
    /// Userinfo is about this subject.
    pub userinfo_sub: Option<String>,
    /// Discovery promises `iss` in answers.
    pub promises_iss: bool,
    /// More of the discovery document.
    pub more: Map<String, Value>,
}

/// How often each document was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// Discovery documents.
    pub discovery: usize,
    /// Key sets.
    pub keys: usize,
    /// Codes redeemed.
    pub tokens: usize,
    /// Userinfo.
    pub userinfo: usize,
    /// Where its redirects lead.
    pub elsewhere: usize,
}

struct Provider {
    issuer: String,
    algorithm: SigningAlgorithm,
    keys: Mutex<Arc<SigningKey>>,
    foreign: SigningKey,
    faults: Mutex<Faults>,
    /// Who signs in next: claims of the ID token, and of userinfo.
    user: Mutex<(Value, Value)>,
    asked: Mutex<Asked>,
    /// What the last request asked for.
    last: Mutex<Map<String, Value>>,
    /// What the last code was redeemed with.
    redeemed: Mutex<Map<String, Value>>,
    /// Whom it has prove themselves at the token endpoint; nobody: it takes everybody for [`CLIENT_ID`].
    client: Mutex<Option<Arc<RegisteredClient>>>,
}

/// A running provider.
#[derive(Clone)]
pub struct OpenIdProvider(Arc<Provider>);

impl std::fmt::Debug for OpenIdProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenIdProvider")
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn new_key(algorithm: SigningAlgorithm) -> SigningKey {
    SigningKey::generate(algorithm).expect("a key")
}

impl OpenIdProvider {
    /// Starts it on a port of its own; it ends with the test.
    pub async fn start() -> Self {
        Self::signing_with(SigningAlgorithm::Es256).await
    }

    /// The same, with another algorithm: ES256 or RS256.
    pub async fn signing_with(algorithm: SigningAlgorithm) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let provider = Arc::new(Provider {
            issuer: format!("http://{address}"),
            algorithm,
            keys: Mutex::new(Arc::new(new_key(algorithm))),
            foreign: new_key(algorithm),
            faults: Mutex::default(),
            user: Mutex::new((json!({ "sub": "ada" }), json!({ "sub": "ada" }))),
            asked: Mutex::default(),
            last: Mutex::default(),
            redeemed: Mutex::default(),
            client: Mutex::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            // Where Entra ID keeps the document of all its tenants.
            .route("/organizations/v2.0/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .route("/elsewhere", get(elsewhere).post(elsewhere))
            .with_state(Arc::clone(&provider));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self(provider)
    }

    /// Its issuer.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Signs this user in from now on.
    pub fn user(&self, claims: Value) {
        *locked(&self.0.user) = (claims.clone(), claims);
    }

    /// What userinfo says beside it.
    pub fn userinfo(&self, claims: Value) {
        locked(&self.0.user).1 = claims;
    }

    /// Does these things wrong from now on.
    pub fn fault(&self, change: impl FnOnce(&mut Faults)) {
        let mut faults = Faults::default();
        change(&mut faults);
        *locked(&self.0.faults) = faults;
    }

    /// Has this client prove itself from now on; its tokens are for it.
    pub fn register(&self, client: &Arc<RegisteredClient>) {
        *locked(&self.0.client) = Some(Arc::clone(client));
    }

    /// A new key in the place of the old one.
    pub fn rotate(&self) {
        *locked(&self.0.keys) = Arc::new(new_key(self.0.algorithm));
    }

    /// A token of it; what `header` does not say is right.
    pub fn token(&self, header: &Value, claims: &Value) -> String {
        let faults = locked(&self.0.faults).clone();
        compact(&self.0, &faults, (Some(header), &claims.to_string()))
    }

    /// How often each document was asked for.
    pub fn asked(&self) -> Asked {
        *locked(&self.0.asked)
    }

    /// A parameter of the last authorization request.
    pub fn last(&self, name: &str) -> Option<String> {
        locked(&self.0.last).get(name).and_then(Value::as_str).map(str::to_owned)
    }

    /// A parameter that the last code was redeemed with.
    pub fn redeemed(&self, name: &str) -> Option<String> {
        locked(&self.0.redeemed).get(name).and_then(Value::as_str).map(str::to_owned)
    }

    /// A connection to it, as a file declares one; `more` are further lines of its settings.
    pub fn connection(&self, slug: &str, domain: &str, more: &str) -> String {
        let (issuer, algorithm) = (self.issuer(), self.0.algorithm.as_str());
        format!(
            "      - slug: {slug}
        name: Provider of {slug}
        domains: [{domain}]
        client_secret: {CLIENT_SECRET}
        settings:
          provider: {{ oidc: {{ issuer: \"{issuer}\", client_id: {CLIENT_ID}, algorithms: [{algorithm}] }} }}
{more}"
        )
    }

    /// Takes the browser's departure and says where it is sent back to.
    pub fn answer(&self, departure: &Url) -> Url {
        let query: Map<String, Value> = departure
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
            .collect();
        locked(&self.0.last).clone_from(&query);
        let text = |name: &str| query.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut back = Url::parse(&text("redirect_uri")).expect("a redirect URI");
        back.query_pairs_mut()
            .append_pair("code", &format!("code for {}", text("nonce")))
            .append_pair("state", &text("state"));
        back
    }
}

/// What an endpoint that fails answers; `None`: it works.
async fn failing(provider: &Provider, how: Option<Failing>) -> Option<Response> {
    Some(match how? {
        Failing::Hangs => std::future::pending().await,
        Failing::Huge => vec![b' '; 3 * 1024 * 1024].into_response(),
        Failing::Redirects => Redirect::temporary(&format!("{}/elsewhere", provider.issuer)).into_response(),
        Failing::Says(status, body) => {
            (StatusCode::from_u16(status).expect("a status"), Json(body)).into_response()
        }
        Failing::Repeats => return None,
    })
}

async fn elsewhere(State(provider): State<Arc<Provider>>) -> StatusCode {
    locked(&provider.asked).elsewhere += 1;
    StatusCode::OK
}

async fn discovery(State(provider): State<Arc<Provider>>) -> Response {
    locked(&provider.asked).discovery += 1;
    let how = locked(&provider.faults).discovery.clone();
    if let Some(response) = failing(&provider, how).await {
        return response;
    }
    // Long enough for others to come meanwhile.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let (issuer, faults) = (&provider.issuer, locked(&provider.faults).clone());
    let mut document = json!({
        "issuer": faults.issuer.as_ref().unwrap_or(issuer),
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [provider.algorithm.as_str()],
        "authorization_response_iss_parameter_supported": faults.promises_iss,
    });
    if let Some(members) = document.as_object_mut() {
        members.extend(faults.more);
    }
    Json(document).into_response()
}

async fn keys(State(provider): State<Arc<Provider>>) -> Response {
    locked(&provider.asked).keys += 1;
    let how = locked(&provider.faults).keys.clone();
    if let Some(response) = failing(&provider, how).await {
        return response;
    }
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let key = Arc::clone(&*locked(&provider.keys));
    Json(json!({ "keys": [key.public_jwk()] })).into_response()
}

async fn authorize(
    State(provider): State<Arc<Provider>>,
    Query(query): Query<Map<String, Value>>,
) -> StatusCode {
    *locked(&provider.last) = query;
    StatusCode::OK
}

async fn token(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    Form(form): Form<Map<String, Value>>,
) -> Response {
    locked(&provider.asked).tokens += 1;
    locked(&provider.redeemed).clone_from(&form);
    let client = locked(&provider.client).clone();
    if let Some(client) = &client
        && !client.authenticate(&headers, &form).await
    {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_client" }))).into_response();
    }
    let faults = locked(&provider.faults).clone();
    if let Some(response) = failing(&provider, faults.token.clone()).await {
        return response;
    }
    let text = |name: &str| form.get(name).and_then(Value::as_str).unwrap_or_default();
    let code = text("code");
    if faults.token == Some(Failing::Repeats) {
        let said = format!("not {code} with {} of {CLIENT_SECRET}", text("code_verifier"));
        let error = json!({ "error": "invalid_grant", "error_description": said });
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    let nonce = code.strip_prefix("code for ").unwrap_or_default();
    let id_token = id_token(&provider, &faults, nonce);
    Json(json!({ "access_token": "opaque", "token_type": "Bearer", "expires_in": 60, "id_token": id_token }))
        .into_response()
}

fn id_token(provider: &Provider, faults: &Faults, nonce: &str) -> String {
    let now = SystemClock.now().timestamp();
    let client = locked(&provider.client).clone();
    let audience = client.as_ref().map_or(CLIENT_ID, |client| &client.client_id);
    let mut claims = json!({
        "iss": provider.issuer, "aud": audience, "iat": now, "exp": now + 300, "nonce": nonce,
    });
    let user = locked(&provider.user).0.clone();
    if let (Some(claims), Some(user)) = (claims.as_object_mut(), user.as_object()) {
        claims.extend(user.clone());
        if let Some(change) = &faults.claims {
            change(claims);
        }
    }
    let payload = faults.payload.clone().unwrap_or_else(|| claims.to_string());
    // A payload that is written out has to answer this request all the same.
    let payload = payload.replace("{nonce}", nonce).replace("{iss}", &provider.issuer);
    compact(provider, faults, (faults.header.as_ref(), &payload))
}

/// A token; what `header` does not say is right.
fn compact(provider: &Provider, faults: &Faults, (header, payload): (Option<&Value>, &str)) -> String {
    let key = Arc::clone(&*locked(&provider.keys));
    let mut says = json!({ "alg": provider.algorithm.as_str(), "kid": key.kid(), "typ": "JWT" });
    if let (Some(says), Some(given)) = (says.as_object_mut(), header.and_then(Value::as_object)) {
        says.extend(given.clone());
    }
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let message = format!("{}.{}", encode(says.to_string().as_bytes()), encode(payload.as_bytes()));
    let signer = if faults.foreign_key { &provider.foreign } else { &*key };
    format!("{message}.{}", encode(&sign(signer, message.as_bytes())))
}

/// The bare signature: `SigningKey` makes its own header, which is what is to be wrong here.
fn sign(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let pkcs8 = key.to_pkcs8().expect("a private key");
    if key.algorithm() == SigningAlgorithm::Rs256 {
        let pair = RsaKeyPair::from_pkcs8(&pkcs8).expect("a key");
        let mut signature = vec![0; pair.public_modulus_len()];
        let signed = pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        signed.expect("a signature");
        return signature;
    }
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).expect("a key");
    pair.sign(&SystemRandom::new(), message).expect("a signature").as_ref().to_vec()
}

async fn userinfo(State(provider): State<Arc<Provider>>) -> Response {
    locked(&provider.asked).userinfo += 1;
    let how = locked(&provider.faults).userinfo.clone();
    if let Some(response) = failing(&provider, how).await {
        return response;
    }
    let mut claims = locked(&provider.user).1.clone();
    if let (Some(claims), Some(sub)) = (claims.as_object_mut(), &locked(&provider.faults).userinfo_sub) {
        claims.insert("sub".to_owned(), sub.clone().into());
    }
    Json(claims).into_response()
}
