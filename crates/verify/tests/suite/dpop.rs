//! Tokens that are bound to a key, and the proofs that they are presented with (RFC 9449).

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, Method},
    routing::get,
};
use orgate_verify::{
    AccessToken, Dpop, ProofError, ProofId, Reason, Rejection, Remembering, ReplayCache, ReplayCacheError,
    ReplayMemory, RequestHead, RequestOrg, Resource, Verifier, VerifyError,
};
use serde_json::{Value, json};

use crate::issuer::{Issuer, NOW, SigningKey, encode};

const API: &str = "https://api.example.com/v1";
const PATH: &str = "/orgs/acme/notes";
const BEARER: HeaderName = HeaderName::from_static("authorization");
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// A client with a key, and a backend that its token is for.
struct Client {
    issuer: Issuer,
    issuer_key: SigningKey,
    key: SigningKey,
    verifier: Arc<Verifier>,
    token: String,
}

async fn client(key: SigningKey, dpop: Dpop) -> Client {
    let issuer_key = SigningKey::es256("k1");
    let issuer = Issuer::start(&[&issuer_key]).await;
    let verifier = Arc::new(issuer.builder().resource(Resource::at(API)).dpop(dpop).build().unwrap());
    let token = issuer.token_with(&issuer_key, "cnf", json!({ "jkt": thumbprint(&key) }));
    Client { issuer, issuer_key, key, verifier, token }
}

async fn with_a_key() -> Client {
    client(SigningKey::es256("client"), Dpop::new()).await
}

fn sha256(text: &str) -> String {
    encode(digest(&SHA256, text.as_bytes()))
}

/// The members that a proof shows: the public key alone.
fn public(key: &SigningKey) -> Value {
    let mut jwk = key.jwk();
    jwk.as_object_mut().unwrap().retain(|member, _| !["kid", "use", "alg"].contains(&member.as_str()));
    jwk
}

/// RFC 7638: `serde_json` keeps members in the order of their names.
fn thumbprint(key: &SigningKey) -> String {
    sha256(&public(key).to_string())
}

impl Client {
    fn claims(&self) -> Value {
        json!({
            "jti": "proof-1", "htm": "GET", "htu": format!("{API}{PATH}"), "iat": NOW, "ath": sha256(&self.token),
        })
    }

    fn header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": self.key.alg, "jwk": public(&self.key) })
    }

    fn proof(&self, header: &Value, claims: &Value) -> String {
        self.key.sign_raw(&header.to_string(), claims.to_string().as_bytes())
    }

    /// A good proof but for one claim.
    fn proof_with(&self, claim: &str, value: Value) -> String {
        let mut claims = self.claims();
        claims[claim] = value;
        self.proof(&self.header(), &claims)
    }

    async fn send(&self, headers: &[(HeaderName, &str)]) -> Result<AccessToken, Rejection> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        let request = RequestHead { method: &Method::GET, path: PATH, headers: &map };
        self.verifier.authorize(&request).await
    }

    async fn present(&self, proof: &str) -> Result<AccessToken, Rejection> {
        self.send(&[(BEARER, &format!("DPoP {}", self.token)), (DPOP, proof)]).await
    }

    async fn refusal(&self, proof: &str) -> ProofError {
        match self.present(proof).await.expect_err("refused").reason() {
            Reason::InvalidProof(error) => *error,
            other => panic!("{other:?}"),
        }
    }
}

fn challenge(rejection: &Rejection) -> Vec<String> {
    let headers = rejection.headers();
    headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_bound_token_is_accepted_with_a_proof_by_its_key_of_every_algorithm() {
    for key in [
        SigningKey::es256("c"),
        SigningKey::eddsa("c"),
        SigningKey::rsa("c", "PS256"),
        SigningKey::rsa("c", "RS256"),
    ] {
        let client = client(key, Dpop::new()).await;

        let token = client.present(&client.proof(&client.header(), &client.claims())).await.unwrap();

        assert_eq!(token.org_name(), "acme");
        let lacking = token.require_permission("notes:close").unwrap_err();
        assert!(challenge(&lacking)[0].starts_with("DPoP error=\"insufficient_scope\", algs=\"ES256 "));
    }
}

#[tokio::test]
async fn a_proof_is_for_one_method_target_token_and_minute() {
    let client = with_a_key().await;
    for (claim, values) in [
        ("jti", vec![json!(null), json!(""), json!(7), json!("j".repeat(257))]),
        ("htm", vec![json!(null), json!("POST"), json!("get"), json!(["GET"])]),
        (
            "htu",
            vec![
                json!(null),
                json!(PATH),
                json!(format!("{API}/orgs/globex/notes")),
                json!(format!("https://evil.example/v1{PATH}")),
                json!(format!("https://api.example.com{PATH}")),
            ],
        ),
        ("iat", vec![json!(null), json!(NOW.to_string()), json!(1.5), json!(-1)]),
        ("ath", vec![json!(null), json!(sha256("other")), json!(client.token), json!("")]),
        ("nonce", vec![json!(null), json!(1)]),
    ] {
        for value in values {
            let refused = client.refusal(&client.proof_with(claim, value.clone())).await;
            assert_eq!(refused, ProofError::Claim(claim), "{claim}: {value}");
        }
        let mut claims = client.claims();
        if claims.as_object_mut().unwrap().remove(claim).is_some() {
            let refused = client.refusal(&client.proof(&client.header(), &claims)).await;
            assert_eq!(refused, ProofError::Claim(claim));
        }
    }
    for (iat, jti) in [(NOW - 91, "a"), (NOW + 31, "b"), (0, "c"), (253_402_300_799, "d")] {
        let mut claims = client.claims();
        (claims["iat"], claims["jti"]) = (json!(iat), json!(jti));
        assert_eq!(
            client.refusal(&client.proof(&client.header(), &claims)).await,
            ProofError::Stale,
            "{iat}"
        );
    }
    for (iat, jti) in [(NOW - 90, "a"), (NOW + 30, "b")] {
        let mut claims = client.claims();
        (claims["iat"], claims["jti"]) = (json!(iat), json!(jti));
        assert!(client.present(&client.proof(&client.header(), &claims)).await.is_ok(), "{iat}");
    }
}

#[tokio::test]
async fn a_proof_is_signed_by_the_public_key_in_it_which_is_the_tokens() {
    let client = with_a_key().await;
    let thief = SigningKey::es256("thief");
    let claims = client.claims().to_string();

    let own_key = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": public(&thief) });
    let stolen = thief.sign_raw(&own_key.to_string(), claims.as_bytes());
    let borrowed = thief.sign_raw(&client.header().to_string(), claims.as_bytes());

    assert_eq!(client.refusal(&stolen).await, ProofError::OtherKey);
    let forged = ProofError::Malformed(VerifyError::InvalidSignature);
    assert_eq!(client.refusal(&borrowed).await, forged);
    let mut private = public(&client.key);
    private["d"] = json!("AA");
    let mut other_alg = public(&client.key);
    other_alg["alg"] = json!("ES384");
    for (parameter, value, expected) in [
        ("jwk", private, ProofError::Key),
        ("jwk", other_alg, ProofError::Key),
        ("jwk", json!({ "kty": "oct", "k": "AA" }), ProofError::Key),
        ("jwk", json!({}), ProofError::Key),
        ("jwk", json!("x"), ProofError::Malformed(VerifyError::InvalidHeader("jwk"))),
        ("typ", json!("JWT"), ProofError::Malformed(VerifyError::WrongType)),
        ("typ", json!("at+jwt"), ProofError::Malformed(VerifyError::WrongType)),
        ("alg", json!("none"), ProofError::Malformed(VerifyError::AlgorithmNotAllowed)),
        ("alg", json!("HS256"), ProofError::Malformed(VerifyError::AlgorithmNotAllowed)),
        ("alg", json!("EdDSA"), ProofError::Key),
        ("crit", json!(["b64"]), ProofError::Malformed(VerifyError::InvalidHeader("crit"))),
        ("jku", json!("https://evil.example"), ProofError::Malformed(VerifyError::InvalidHeader("jku"))),
    ] {
        let mut header = client.header();
        header[parameter] = value.clone();
        let refused = client.refusal(&client.proof(&header, &client.claims())).await;
        assert_eq!(refused, expected, "{parameter}: {value}");
    }
    let doubled = client.header().to_string().replacen('{', r#"{"alg":"ES256","#, 1);
    let doubled = client.key.sign_raw(&doubled, claims.as_bytes());
    assert_eq!(client.refusal(&doubled).await, ProofError::Malformed(VerifyError::Malformed));
}

#[tokio::test]
async fn a_proof_counts_once_however_many_present_it_and_then_is_too_old() {
    let client = with_a_key().await;
    let proof = client.proof(&client.header(), &client.claims());

    let present = || client.present(&proof);
    let (a, b, c, d) = tokio::join!(present(), present(), present(), present());

    let accepted = [a, b, c, d].into_iter().flatten().count();
    assert_eq!(accepted, 1);
    assert_eq!(client.refusal(&proof).await, ProofError::Replayed);
    client.issuer.clock.advance(90);
    assert_eq!(client.refusal(&proof).await, ProofError::Replayed, "remembered as long as it is recent");
    client.issuer.clock.advance(1);
    assert_eq!(client.refusal(&proof).await, ProofError::Stale);
}

#[tokio::test]
async fn another_clients_proof_of_the_same_name_is_another_proof() {
    let client = with_a_key().await;
    let proof = client.proof(&client.header(), &client.claims());
    assert!(client.present(&proof).await.is_ok());
    let key = SigningKey::es256("second");
    let token = client.issuer.token_with(&client.issuer_key, "cnf", json!({ "jkt": thumbprint(&key) }));
    let verifier = Arc::clone(&client.verifier);
    let second = Client { key, verifier, token, ..with_a_key().await };

    assert!(second.present(&second.proof(&second.header(), &second.claims())).await.is_ok());
}

#[tokio::test]
async fn the_scheme_is_the_one_that_the_token_is_for_and_there_is_one_proof() {
    let client = with_a_key().await;
    let proof = client.proof(&client.header(), &client.claims());
    let (bound, plain) = (client.token.clone(), client.issuer_key.sign(&client.issuer.claims()));
    let reason = async |headers: &[(HeaderName, &str)]| {
        client.send(headers).await.map_err(|rejection| rejection.reason().clone()).err()
    };
    let [dpop_bound, dpop_plain, bearer_bound, bearer_plain] =
        [("DPoP", &bound), ("DPoP", &plain), ("Bearer", &bound), ("Bearer", &plain)]
            .map(|(scheme, token)| format!("{scheme} {token}"));

    let bound_to_key = Some(Reason::InvalidToken(VerifyError::SenderConstrained));
    let invalid = |error| Some(Reason::InvalidProof(error));
    for (headers, expected) in [
        (&[(BEARER, bearer_bound.as_str())][..], bound_to_key),
        (&[(BEARER, &bearer_bound), (DPOP, &proof)], invalid(ProofError::Unbound)),
        (&[(BEARER, &bearer_plain), (DPOP, &proof)], invalid(ProofError::Unbound)),
        (&[(BEARER, &dpop_plain), (DPOP, &proof)], invalid(ProofError::Unbound)),
        (&[(BEARER, &dpop_plain)], invalid(ProofError::Missing)),
        (&[(BEARER, &dpop_bound)], invalid(ProofError::Missing)),
        (&[(BEARER, &dpop_bound), (DPOP, &proof), (DPOP, &proof)], invalid(ProofError::Several)),
        (&[(BEARER, &dpop_bound), (BEARER, &bearer_plain)], Some(Reason::InvalidRequest)),
        (&[(DPOP, &proof)], Some(Reason::TokenMissing)),
        (&[(BEARER, &bearer_plain)], None),
        (&[(BEARER, &dpop_bound.replace("DPoP", "dpop")), (DPOP, &proof)], None),
    ] {
        assert_eq!(reason(headers).await, expected, "{headers:?}");
    }
}

#[tokio::test]
async fn a_binding_that_nobody_checks_is_no_binding_to_accept() {
    let mut client = with_a_key().await;
    let jkt = thumbprint(&client.key);
    for (scheme, cnf) in [
        ("Bearer", json!({ "x5t#S256": "abc" })),
        ("Bearer", json!({})),
        ("DPoP", json!({ "jkt": jkt, "x5t#S256": "abc" })),
    ] {
        client.token = client.issuer.token_with(&client.issuer_key, "cnf", cnf.clone());
        let (authorization, proof) =
            (format!("{scheme} {}", client.token), client.proof(&client.header(), &client.claims()));
        let headers = [(BEARER, authorization.as_str()), (DPOP, proof.as_str())];
        let headers = if scheme == "Bearer" { &headers[..1] } else { &headers };

        let refused = client.send(headers).await.unwrap_err();

        assert_eq!(refused.reason(), &Reason::InvalidToken(VerifyError::SenderConstrained), "{cnf}");
    }
    client.token = client.issuer.token_with(&client.issuer_key, "cnf", json!({ "jkt": 7 }));
    let refused = client.present(&client.proof(&client.header(), &client.claims())).await.unwrap_err();
    assert_eq!(refused.reason(), &Reason::InvalidToken(VerifyError::InvalidClaim("cnf")));
}

#[tokio::test]
async fn refusals_are_those_of_rfc_9449_and_lead_to_the_metadata() {
    let client = with_a_key().await;
    let algs = "algs=\"ES256 EdDSA PS256 RS256\"";
    let leads = "resource_metadata=\"https://api.example.com/.well-known/oauth-protected-resource/v1\"";

    let none = client.send(&[]).await.unwrap_err();
    let bearer = client.send(&[(BEARER, &format!("Bearer {}", client.token))]).await.unwrap_err();
    let unproven = client.send(&[(BEARER, &format!("DPoP {}", client.token))]).await.unwrap_err();

    assert_eq!(challenge(&none), [format!("Bearer {leads}"), format!("DPoP {algs}, {leads}")]);
    assert_eq!(challenge(&bearer), [format!("DPoP error=\"invalid_token\", {algs}, {leads}")]);
    assert_eq!(challenge(&unproven), [format!("DPoP error=\"invalid_dpop_proof\", {algs}, {leads}")]);
    assert_eq!(none.status(), 401);
    let document = client.verifier.resource_metadata().unwrap().document();
    assert_eq!(document["dpop_signing_alg_values_supported"], json!(["ES256", "EdDSA", "PS256", "RS256"]));
    assert_eq!(document["dpop_bound_access_tokens_required"], json!(false));
}

#[tokio::test]
async fn a_backend_may_take_bound_tokens_only() {
    let client = client(SigningKey::es256("c"), Dpop::new().required()).await;
    let plain = client.issuer_key.sign(&client.issuer.claims());

    let refused = client.send(&[(BEARER, &format!("Bearer {plain}"))]).await.unwrap_err();

    assert_eq!(refused.reason(), &Reason::TokenMissing);
    assert!(challenge(&refused)[0].starts_with("DPoP algs="));
    assert!(client.present(&client.proof(&client.header(), &client.claims())).await.is_ok());
    let document = client.verifier.resource_metadata().unwrap().document();
    assert_eq!(document["dpop_bound_access_tokens_required"], json!(true));
}

#[tokio::test]
async fn a_nonce_is_demanded_given_and_good_for_minutes() {
    let client = client(SigningKey::es256("c"), Dpop::new().nonces()).await;

    let refused = client.present(&client.proof(&client.header(), &client.claims())).await.unwrap_err();

    assert_eq!(refused.reason(), &Reason::InvalidProof(ProofError::Nonce));
    assert!(challenge(&refused)[0].starts_with("DPoP error=\"use_dpop_nonce\""));
    let nonce = refused.headers()["dpop-nonce"].to_str().unwrap().to_owned();
    assert_eq!(client.verifier.dpop_nonce(), Some(nonce.clone()));
    assert!(client.present(&client.proof_with("nonce", json!(nonce))).await.is_ok());
    assert_eq!(client.refusal(&client.proof_with("nonce", json!("made-up"))).await, ProofError::Nonce);
    client.issuer.clock.advance(240);
    let mut late = client.claims();
    (late["nonce"], late["iat"]) = (json!(nonce), json!(NOW + 240));
    assert_eq!(client.refusal(&client.proof(&client.header(), &late)).await, ProofError::Nonce);
}

/// Remembers nothing, or says that it cannot.
struct Store(Arc<Mutex<Vec<ProofId>>>);

impl ReplayCache for Store {
    fn remember(&self, proof: ProofId, now: SystemTime, until: SystemTime) -> Remembering<'_> {
        assert_eq!(until.duration_since(now).unwrap(), Duration::from_secs(90));
        Box::pin(async move {
            let mut seen = self.0.lock().unwrap();
            if seen.len() == 1 {
                return Err(ReplayCacheError("the store is away".into()));
            }
            seen.push(proof);
            Ok(true)
        })
    }
}

#[tokio::test]
async fn proofs_are_remembered_where_the_backend_says_and_none_is_accepted_where_they_cannot_be() {
    let seen = Arc::default();
    let client = client(SigningKey::es256("c"), Dpop::new().replay_cache(Store(Arc::clone(&seen)))).await;
    let proof = client.proof(&client.header(), &client.claims());

    assert!(client.present(&proof).await.is_ok());
    let away = client.present(&client.proof_with("jti", json!("proof-2"))).await.unwrap_err();

    assert_eq!(
        (away.status().as_u16(), &away.headers()["retry-after"]),
        (503, &HeaderValue::from_static("10"))
    );
    assert_eq!(seen.lock().unwrap().len(), 1, "nothing but what was accepted");
}

#[tokio::test]
async fn a_full_memory_accepts_nothing_rather_than_forget() {
    let memory = ReplayMemory::with_capacity(1);
    let client = client(SigningKey::es256("c"), Dpop::new().replay_cache(memory)).await;
    let proof = client.proof(&client.header(), &client.claims());
    assert!(client.present(&proof).await.is_ok());

    let second = client.present(&client.proof_with("jti", json!("proof-2"))).await.unwrap_err();

    assert_eq!(second.reason(), &Reason::Unavailable);
    assert_eq!(client.refusal(&proof).await, ProofError::Replayed);
}

#[tokio::test]
async fn the_organization_of_the_route_is_compared_with_a_bound_token_too_and_a_nest_is_part_of_the_target() {
    let mut client = with_a_key().await;
    let read = async |RequestOrg(token): RequestOrg| token.org_id().to_string();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let builder = client.issuer.builder().resource(Resource::at(&url)).dpop(Dpop::new());
    client.verifier = Arc::new(builder.build().unwrap());
    let orgs = Router::new().route("/{org}/notes", get(read));
    let router = Router::new().nest("/orgs", orgs).merge(client.verifier.metadata_router());
    let router = router.with_state(Arc::clone(&client.verifier));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let status = async |target: &str, sent_to: &str| {
        let mut claims = client.claims();
        (claims["htu"], claims["jti"]) =
            (json!(format!("{url}{target}")), json!(format!("{target} {sent_to}")));
        let request =
            http.get(format!("{url}{sent_to}")).header("dpop", client.proof(&client.header(), &claims));
        let request = request.header("authorization", format!("DPoP {}", client.token));
        request.send().await.unwrap().status().as_u16()
    };

    assert_eq!(status("/orgs/acme/notes", "/orgs/acme/notes?page=2").await, 200);
    assert_eq!(status("/acme/notes", "/orgs/acme/notes").await, 401);
    assert_eq!(status("/orgs/acme/notes", "/orgs/globex/notes").await, 401);
    assert_eq!(status("/orgs/globex/notes", "/orgs/globex/notes").await, 403);
    let anonymous = http.get(format!("{url}/orgs/acme/notes")).send().await.unwrap();
    assert_eq!(anonymous.headers().get_all("www-authenticate").iter().count(), 2, "both schemes");
    let metadata = http.get(format!("{url}/.well-known/oauth-protected-resource")).send().await.unwrap();
    assert_eq!(metadata.headers()["content-type"], "application/json");
    assert_eq!(
        metadata.text().await.unwrap(),
        client.verifier.resource_metadata().unwrap().document().to_string()
    );
}

#[tokio::test]
async fn any_changed_byte_breaks_a_proof() {
    let client = with_a_key().await;
    let proof = client.proof(&client.header(), &client.claims());

    for position in 0..proof.len() {
        let mut bytes = proof.clone().into_bytes();
        bytes[position] ^= 0x01;
        let altered = String::from_utf8(bytes).unwrap();
        // What a header cannot carry does not arrive.
        if HeaderValue::from_str(&altered).is_ok() {
            assert!(client.present(&altered).await.is_err(), "{position}");
        }
    }
    assert!(client.present(&proof).await.is_ok());
}
