//! A client that follows the FAPI 2.0 Security Profile: it proves itself by a key, pushes its requests, and
//! holds tokens that are bound to another.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use orgate_protocol::jose::{SigningAlgorithm, SigningKey};
use orgate_tests::app::{App, Browser, CALLBACK, CHALLENGE, PASSWORD, Page, Reply, VERIFIER, client};
use orgate_tests::signer::{Signer, proof_claims};
use serde_json::{Map, Value, json};
use url::Url;

use super::super::relying_party::{ADA, asks};

pub(super) const CLIENT: &str = "bank";

/// Members of `base`, replaced by those of `changes`; null takes one away.
pub(super) fn changed(mut base: Value, changes: &Value) -> Value {
    let members: &mut Map<String, Value> = base.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    base
}

/// The client, its keys, and a browser.
pub(super) struct Bank {
    pub(super) app: App,
    pub(super) browser: Browser,
    /// Whom it has to do with.
    issuer: String,
    /// Proves the client, and signs its request objects.
    pub(super) own: Signer,
    /// What tokens are bound to.
    pub(super) bound: Signer,
    /// A registered key of an algorithm that the profile does not allow.
    pub(super) rsa: SigningKey,
}

impl Bank {
    pub(super) async fn start() -> Self {
        let app = App::start().await;
        let (own, bound) = (Signer::default(), Signer::default());
        let rsa = SigningKey::generate(SigningAlgorithm::Rs256).expect("a key");
        let ec = changed(own.jwk.clone(), &json!({ "kid": "own", "use": "sig" }));
        let keys = json!({ "keys": [ec, rsa.public_jwk()] });
        app.apply(&format!(
            "clients:
  - client_id: {CLIENT}
    organization: operator
    name: Bank
    type: web
    audience: all
    profile: fapi2
    authentication: private_key_jwt
    jwks: {keys}
    redirect_uris: [\"{CALLBACK}\"]
    resource: notes
"
        ))
        .await;
        let browser = app.browser();
        let issuer = app.env.issuer.as_str().to_owned();
        Self { app, browser, issuer, own, bound, rsa }
    }

    /// The same, at the issuer of an organization.
    pub(super) async fn start_at(organization: &str) -> Self {
        let bank = Self::start().await;
        let org_id = bank.app.org(organization).await.org_id();
        Self { issuer: bank.app.env.issuer.of(org_id).as_str().to_owned(), ..bank }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The address of an endpoint.
    fn at(&self, path: &str) -> Url {
        Url::parse(&format!("{}{path}", self.issuer)).expect("an address")
    }

    pub(super) fn now(&self) -> i64 {
        self.app.env.clock.now().timestamp()
    }

    /// A client assertion, with claims changed.
    pub(super) fn assertion(&self, changes: &Value) -> String {
        let now = self.now();
        let claims = json!({
            "iss": CLIENT, "sub": CLIENT, "aud": self.issuer(), "iat": now, "exp": now + 60,
            "jti": uuid::Uuid::now_v7().to_string(),
        });
        self.own.sign(&json!({ "alg": "ES256", "kid": "own" }), &changed(claims, changes))
    }

    /// A proof of `key` for a request, with header and claims changed.
    pub(super) fn proof_by(&self, key: &Signer, path: &str, (header, claims): (&Value, &Value)) -> String {
        let body = proof_claims(("POST", &self.at(path)), self.now());
        key.sign(&changed(key.proof_header(), header), &changed(body, claims))
    }

    /// A proof that is right but for the algorithm, which the profile does not allow.
    pub(super) fn proof_by_rsa(&self, path: &str) -> String {
        let header = json!({ "typ": "dpop+jwt", "alg": "RS256", "jwk": self.rsa.public_jwk().key });
        let claims = json!({
            "jti": uuid::Uuid::now_v7().to_string(), "htm": "POST", "htu": self.app.at(path), "iat": self.now(),
        });
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(&header), encode(&claims));
        let pair = RsaKeyPair::from_pkcs8(&self.rsa.to_pkcs8().expect("PKCS#8")).expect("a key");
        let mut signature = vec![0; pair.public_modulus_len()];
        let signed = pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature);
        signed.expect("a signature");
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    pub(super) fn proof(&self, path: &str) -> String {
        self.proof_by(&self.bound, path, (&json!({}), &json!({})))
    }

    /// Posts a form with these headers named `DPoP`.
    pub(super) async fn post(&self, path: &str, proofs: &[&str], form: &[(&str, &str)]) -> Reply {
        let mut request = client().post(self.at(path)).form(form);
        for proof in proofs {
            request = request.header("DPoP", *proof);
        }
        Reply::of(request.send().await.expect("answered")).await
    }

    /// The form of a call that the client proves.
    pub(super) async fn call(&self, path: &str, proofs: &[&str], form: &[(&str, &str)]) -> Reply {
        let assertion = self.assertion(&json!({}));
        let form = [form, &proven(&assertion)].concat();
        self.post(path, proofs, &form).await
    }

    /// The parameters of a request, changed as in [`Browser::authorize`].
    pub(super) fn request<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let usual = [
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", CALLBACK),
            ("scope", "openid email offline_access"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("organization", "acme"),
        ];
        let kept = usual.into_iter().filter(|(name, _)| !changes.iter().any(|(other, _)| other == name));
        kept.chain(changes.iter().copied()).filter(|(_, value)| !value.is_empty()).collect()
    }

    /// Pushes a request.
    pub(super) async fn par(&self, changes: &[(&str, &str)]) -> Reply {
        self.call("/par", &[], &Self::request(changes)).await
    }

    /// Pushes a request; what it is called.
    pub(super) async fn push(&self, changes: &[(&str, &str)]) -> String {
        let reply = self.par(changes).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.text("request_uri")
    }

    /// Sends the browser with what was pushed.
    pub(super) async fn authorize(&self, request_uri: &str) -> Page {
        self.authorize_with(&[("client_id", CLIENT), ("request_uri", request_uri)]).await
    }

    pub(super) async fn authorize_with(&self, params: &[(&str, &str)]) -> Page {
        let mut url = self.at("/authorize");
        url.query_pairs_mut().extend_pairs(params);
        self.browser.get(url).await
    }

    /// The answer to a pushed request, in which Ada signs in if she is asked to.
    pub(super) async fn answer(&self, request_uri: &str) -> Url {
        let page = self.authorize(request_uri).await;
        let page = if asks(&page) { self.browser.sign_in(page, ADA, PASSWORD).await } else { page };
        let to = page.location().unwrap_or_else(|| panic!("no redirect: {} {}", page.status, page.body));
        assert!(to.as_str().starts_with(CALLBACK), "{to}");
        to
    }

    /// The code of a request.
    pub(super) async fn code(&self, changes: &[(&str, &str)]) -> String {
        parameter(&self.answer(&self.push(changes).await).await, "code")
    }

    /// Redeems a code with these proofs.
    pub(super) async fn redeem(&self, code: &str, proofs: &[&str]) -> Reply {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.call("/token", proofs, &form).await
    }

    /// The tokens of a request.
    pub(super) async fn tokens(&self, changes: &[(&str, &str)]) -> Reply {
        let reply = self.redeem(&self.code(changes).await, &[&self.proof("/token")]).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply
    }

    /// Asks for userinfo with a token and a proof.
    pub(super) async fn userinfo(&self, scheme: &str, token: &str) -> Reply {
        let proof = self.bound.proof(("GET", &self.at("/userinfo")), self.now(), Some(token));
        let request = client().get(self.at("/userinfo")).header("authorization", format!("{scheme} {token}"));
        Reply::of(request.header("DPoP", proof).send().await.expect("answered")).await
    }

    /// A request object, with header and claims changed.
    pub(super) fn object(&self, (header, claims): (&Value, &Value)) -> String {
        let header = changed(json!({ "alg": "ES256", "kid": "own", "typ": "oauth-authz-req+jwt" }), header);
        self.own.sign(&header, &self.object_claims(claims))
    }

    pub(super) fn object_claims(&self, changes: &Value) -> Value {
        let now = self.now();
        let mut claims = json!({ "iss": CLIENT, "aud": self.issuer(), "nbf": now, "exp": now + 300 });
        for (name, value) in Self::request(&[]) {
            claims[name] = value.into();
        }
        changed(claims, changes)
    }

    /// Pushes a request object and nothing else.
    pub(super) async fn par_object(&self, object: &str) -> Reply {
        self.call("/par", &[], &[("client_id", CLIENT), ("request", object)]).await
    }
}

/// The parameters by which an assertion proves a client.
pub(super) fn proven(assertion: &str) -> [(&str, &str); 2] {
    [
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ]
}

/// A parameter of an answer.
pub(super) fn parameter(to: &Url, name: &str) -> String {
    let found = to.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    found.unwrap_or_else(|| panic!("no {name} in {to}"))
}
