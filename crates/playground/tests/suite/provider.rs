//! The provider's side of OIDC, as small as it can be, and able to misbehave.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

pub(crate) const CLIENT_ID: &str = "notes:app";
pub(crate) const CLIENT_SECRET: &str = "s%cret+&=é";
pub(crate) const AUDIENCE: &str = "https://api.notes.test";
pub(crate) const ACME: &str = "org_01acme";
pub(crate) const GLOBEX: &str = "org_01globex";

type Params = HashMap<String, String>;

/// How the provider departs from what is right. Claims are replaced, or removed where the value is null.
#[derive(Clone, Default)]
pub(crate) struct Mischief {
    pub(crate) discovery: Value,
    /// Parameters of the authorization response.
    pub(crate) answer: Value,
    pub(crate) id_token: Value,
    pub(crate) id_token_type: Option<&'static str>,
    pub(crate) access_token: Value,
    pub(crate) foreign_key: bool,
    /// The error of the token endpoint.
    pub(crate) token_error: Option<&'static str>,
}

#[derive(Clone)]
pub(crate) struct Provider(Arc<Inner>);

struct Inner {
    issuer: String,
    key: SigningKey,
    foreign_key: SigningKey,
    mischief: Mutex<Mischief>,
    /// The authorization requests, by code and by refresh token.
    grants: Mutex<HashMap<String, Params>>,
    refreshed: Mutex<usize>,
}

struct SigningKey {
    private: EncodingKey,
    jwk: Value,
}

impl SigningKey {
    fn generate() -> Self {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let jwk =
            json!({ "kty": "EC", "crv": "P-256", "kid": "1", "use": "sig", "alg": "ES256", "x": x, "y": y });
        Self { private: EncodingKey::from_ec_der(pkcs8.as_ref()), jwk }
    }
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Inner {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            key: SigningKey::generate(),
            foreign_key: SigningKey::generate(),
            mischief: Mutex::default(),
            grants: Mutex::default(),
            refreshed: Mutex::default(),
        };
        let provider = Self(Arc::new(inner));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        provider
    }

    pub(crate) fn issuer(&self) -> Url {
        self.0.issuer.parse().unwrap()
    }

    pub(crate) fn misbehave(&self, mischief: Mischief) {
        *self.0.mischief.lock().unwrap() = mischief;
    }

    /// How often tokens were refreshed.
    pub(crate) fn refreshed(&self) -> usize {
        *self.0.refreshed.lock().unwrap()
    }

    fn mischief(&self) -> Mischief {
        self.0.mischief.lock().unwrap().clone()
    }

    fn grant(&self, prefix: &str, request: Params) -> String {
        let mut grants = self.0.grants.lock().unwrap();
        let credential = format!("{prefix}{}", grants.len());
        grants.insert(credential.clone(), request);
        credential
    }

    fn sign(&self, typ: &str, claims: &Value, changes: &Value) -> String {
        let header = Header { typ: Some(typ.into()), kid: Some("1".into()), ..Header::new(Algorithm::ES256) };
        let foreign = self.mischief().foreign_key;
        let key = if foreign { &self.0.foreign_key } else { &self.0.key };
        encode(&header, &changed(claims, changes), &key.private).unwrap()
    }
}

fn changed(value: &Value, changes: &Value) -> Value {
    let mut map: Map<String, Value> = value.as_object().unwrap().clone();
    for (name, change) in changes.as_object().into_iter().flatten() {
        if change.is_null() {
            map.remove(name);
        } else {
            map.insert(name.clone(), change.clone());
        }
    }
    Value::Object(map)
}

async fn discovery(State(provider): State<Provider>) -> Json<Value> {
    let issuer = &provider.0.issuer;
    let metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "end_session_endpoint": format!("{issuer}/logout"),
    });
    Json(changed(&metadata, &provider.mischief().discovery))
}

async fn jwks(State(provider): State<Provider>) -> Json<Value> {
    Json(json!({ "keys": [provider.0.key.jwk] }))
}

async fn authorize(State(provider): State<Provider>, Query(request): Query<Params>) -> Redirect {
    assert_eq!(request["response_type"], "code");
    assert_eq!(request["client_id"], CLIENT_ID);
    assert_eq!(request["scope"], "openid profile email offline_access");
    assert_eq!(request["code_challenge_method"], "S256");
    let mut redirect_uri: Url = request["redirect_uri"].parse().unwrap();
    let state = request["state"].clone();
    let code = provider.grant("code", request);
    let answer = json!({ "code": code, "state": state, "iss": provider.0.issuer });
    for (name, value) in changed(&answer, &provider.mischief().answer).as_object().unwrap() {
        redirect_uri.query_pairs_mut().append_pair(name, value.as_str().unwrap());
    }
    Redirect::to(redirect_uri.as_str())
}

async fn token(State(provider): State<Provider>, headers: HeaderMap, Form(form): Form<Params>) -> Response {
    assert_eq!(basic_credentials(&headers), (CLIENT_ID.to_owned(), CLIENT_SECRET.to_owned()));
    if let Some(error) = provider.mischief().token_error {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    }
    let by_code = form["grant_type"] == "authorization_code";
    let used = if by_code { &form["code"] } else { &form["refresh_token"] };
    let Some(request) = provider.0.grants.lock().unwrap().remove(used) else {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    };
    if by_code {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, form["code_verifier"].as_bytes()));
        assert_eq!(
            (&challenge, &form["redirect_uri"]),
            (&request["code_challenge"], &request["redirect_uri"])
        );
    } else {
        *provider.0.refreshed.lock().unwrap() += 1;
    }
    Json(tokens(&provider, request)).into_response()
}

fn tokens(provider: &Provider, request: Params) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let (org_id, org_name, sub, roles, permissions) = match request.get("organization").map(String::as_str) {
        Some("globex" | GLOBEX) => (GLOBEX, "globex", "usr_01bob", json!(["viewer"]), json!(["notes:read"])),
        _ => (ACME, "acme", "usr_01ann", json!(["admin"]), json!(["notes:read", "notes:write"])),
    };
    let common = json!({
        "iss": provider.0.issuer, "sub": sub, "iat": now, "exp": now + 600, "org_id": org_id, "org_name": org_name,
    });
    let id_token = json!({
        "aud": CLIENT_ID, "nonce": request["nonce"], "name": "Ann <Example>", "email": "ann@acme.test",
    });
    let access_token = json!({
        "aud": AUDIENCE, "client_id": CLIENT_ID, "jti": "1", "scope": "openid", "roles": roles,
        "permissions": permissions, "sid": "ses_01s", "auth_time": now, "acr": "urn:orgate:acr:single-factor",
        "amr": ["pwd"],
    });
    let mischief = provider.mischief();
    json!({
        "token_type": "Bearer",
        "expires_in": 600,
        "id_token": provider.sign(
            mischief.id_token_type.unwrap_or("JWT"),
            &changed(&common, &id_token),
            &mischief.id_token,
        ),
        "access_token": provider.sign("at+jwt", &changed(&common, &access_token), &mischief.access_token),
        "refresh_token": provider.grant("refresh", request),
    })
}

/// RFC 6749 §2.3.1: each half is form-encoded.
fn basic_credentials(headers: &HeaderMap) -> (String, String) {
    let value = headers["authorization"].to_str().unwrap().strip_prefix("Basic ").unwrap();
    let text = String::from_utf8(STANDARD.decode(value).unwrap()).unwrap();
    let (id, secret) = text.split_once(':').unwrap();
    let decode = |text: &str| form_urlencoded::parse(text.as_bytes()).next().unwrap().0.into_owned();
    (decode(id), decode(secret))
}
