//! Which tokens are accepted.

use aws_lc_rs::hmac;
use orgate_verify::{Subject, Verifier, VerifyError};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use crate::issuer::{ACME, GLOBEX, Issuer, NOW, SigningKey, encode};

async fn refusal(verifier: &Verifier, token: &str) -> Option<VerifyError> {
    verifier.verify(token).await.err()
}

async fn acme() -> (SigningKey, Issuer) {
    let key = SigningKey::es256("k1");
    let issuer = Issuer::start(&[&key]).await;
    (key, issuer)
}

#[tokio::test]
async fn every_algorithm_is_verified_and_every_claim_is_read() {
    let keys = [
        SigningKey::es256("es"),
        SigningKey::eddsa("ed"),
        SigningKey::rsa("rs", "RS256"),
        SigningKey::rsa("ps", "PS256"),
    ];
    let issuer = Issuer::start(&keys.each_ref()).await;
    let verifier = issuer.verifier();
    let mut claims = issuer.claims();
    claims["act"] = json!({ "sub": "usr_operator" });
    claims["nbf"] = json!(NOW);
    claims["plan"] = json!({ "seats": 5 });

    for key in &keys {
        let token =
            verifier.verify(&key.sign(&claims)).await.unwrap_or_else(|error| panic!("{}: {error}", key.alg));

        assert_eq!(token.iss(), issuer.url);
        assert_eq!(token.sub(), "usr_01jd8zk6v8e5wsm3r1q2t4y6x9");
        assert_eq!(token.aud(), ["notes"]);
        assert_eq!(token.client_id(), "cli_01jd8zk6v8e5wsm3r1q2t4y6xa");
        assert_eq!((token.exp(), token.iat(), token.nbf()), (NOW + 600, NOW, Some(NOW)));
        assert_eq!(token.jti(), "jti-1");
        assert_eq!((token.org_id().as_str(), token.org_name()), (ACME, "acme"));
        let Subject::User { id, sid, auth_time, acr, amr, .. } = token.subject() else { panic!("a user") };
        assert_eq!((id.as_str(), sid.as_str()), (token.sub(), "ses_01jd8zk6v8e5wsm3r1q2t4y6xb"));
        assert_eq!((*auth_time, acr.as_deref()), (Some(NOW - 60), Some("urn:orgate:mfa")));
        assert_eq!(amr, &["pwd", "otp"]);
        assert_eq!(token.scope().iter().collect::<Vec<_>>(), ["notes", "openid"]);
        assert_eq!(token.roles().iter().collect::<Vec<_>>(), ["editor"]);
        assert_eq!(token.permissions().iter().collect::<Vec<_>>(), ["notes:read", "notes:write"]);
        assert_eq!(token.act().map(|act| act["sub"].clone()), Some(json!("usr_operator")));
        assert!(token.cnf().is_none());
        assert_eq!(Value::Object(token.extra().clone()), json!({ "plan": { "seats": 5 } }));
        assert!(token.require_permission("notes:read").is_ok());
        assert!(token.require_permission("notes:*").is_err());
    }
}

#[tokio::test]
async fn a_required_claim_is_never_missing_null_or_empty() {
    let (key, issuer) = acme().await;
    let verifier = issuer.verifier();

    for claim in ["iss", "sub", "aud", "client_id", "exp", "iat", "jti", "org_id", "org_name"] {
        let mut claims = issuer.claims();
        claims.as_object_mut().unwrap().remove(claim);
        let missing = refusal(&verifier, &key.sign(&claims)).await;
        assert_eq!(missing, Some(VerifyError::MissingClaim(claim)));
        for value in [json!(null), json!(""), json!({}), json!([""]), json!(true)] {
            let malformed = refusal(&verifier, &issuer.token_with(&key, claim, value.clone())).await;
            assert_eq!(malformed, Some(VerifyError::InvalidClaim(claim)), "{claim}: {value}");
        }
    }
}

#[tokio::test]
async fn an_optional_claim_has_its_own_shape_or_is_absent() {
    let (key, issuer) = acme().await;
    let verifier = issuer.verifier();

    for claim in ["scope", "roles", "permissions", "auth_time", "acr", "amr", "act", "cnf", "nbf"] {
        for value in [json!(null), json!(-1), json!([1]), json!([["notes:read"]]), json!(true)] {
            let malformed = refusal(&verifier, &issuer.token_with(&key, claim, value.clone())).await;
            assert_eq!(malformed, Some(VerifyError::InvalidClaim(claim)), "{claim}: {value}");
        }
        let mut claims = issuer.claims();
        claims.as_object_mut().unwrap().remove(claim);
        assert!(verifier.verify(&key.sign(&claims)).await.is_ok(), "without {claim}");
    }
}

#[tokio::test]
async fn a_machine_is_a_client_without_a_session_and_not_a_user_who_lost_theirs() {
    let (key, issuer) = acme().await;
    let verifier = issuer.verifier();
    let machine = issuer.machine_claims();

    let token = verifier.verify(&key.sign(&machine)).await.unwrap();

    let Subject::Client { id, .. } = token.subject() else { panic!("a client") };
    assert_eq!((id.as_str(), token.sub()), ("cli_01jd8zk6v8e5wsm3r1q2t4y6xa", id.as_str()));
    assert_eq!((token.org_id().as_str(), token.org_name()), (ACME, "acme"));
    assert!(token.require_permission("notes:read").is_ok());
    let user = issuer.claims();
    for (claims, change, refused) in [
        (&machine, json!({ "org_id": null }), "org_id"),
        (&machine, json!({ "org_name": null }), "org_name"),
        (&machine, json!({ "sub": user["sub"] }), "sub"),
        (&machine, json!({ "sid": user["sid"] }), "sub"),
        (&machine, json!({ "sid": null }), "sid"),
        (&machine, json!({ "auth_time": NOW }), "auth_time"),
        (&machine, json!({ "acr": "urn:orgate:mfa" }), "acr"),
        (&machine, json!({ "amr": [] }), "amr"),
        (&user, json!({ "sub": machine["sub"] }), "sub"),
        (&user, json!({ "sid": "" }), "sid"),
    ] {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let refusal = refusal(&verifier, &key.sign(&claims)).await;
        assert_eq!(refusal, Some(VerifyError::InvalidClaim(refused)), "{change}");
    }
    let mut lost = user.clone();
    lost.as_object_mut().unwrap().remove("sid");
    assert_eq!(refusal(&verifier, &key.sign(&lost)).await, Some(VerifyError::InvalidClaim("sub")));
}

#[tokio::test]
async fn another_issuer_audience_or_organization_shape_is_refused() {
    let (key, issuer) = acme().await;
    let verifier = issuer.verifier();
    let slash = format!("{}/", issuer.url);
    let upper = issuer.url.to_uppercase();

    for (claim, value, expected) in [
        ("iss", json!("https://evil.example"), Some(VerifyError::Issuer)),
        ("iss", json!(slash), Some(VerifyError::Issuer)),
        ("iss", json!(upper), Some(VerifyError::Issuer)),
        ("iss", json!([issuer.url]), Some(VerifyError::InvalidClaim("iss"))),
        ("aud", json!("billing"), Some(VerifyError::Audience)),
        ("aud", json!("notes2"), Some(VerifyError::Audience)),
        ("aud", json!("Notes"), Some(VerifyError::Audience)),
        ("aud", json!([]), Some(VerifyError::Audience)),
        ("aud", json!(["billing", "notes"]), None),
        ("aud", json!(["notes", 1]), Some(VerifyError::InvalidClaim("aud"))),
        ("org_id", json!("acme"), Some(VerifyError::InvalidClaim("org_id"))),
        ("org_id", json!("org_"), Some(VerifyError::InvalidClaim("org_id"))),
        ("org_id", json!("usr_1"), Some(VerifyError::InvalidClaim("org_id"))),
        ("org_id", json!([ACME, GLOBEX]), Some(VerifyError::InvalidClaim("org_id"))),
        ("org_id", json!(GLOBEX), None),
    ] {
        let token = issuer.token_with(&key, claim, value.clone());
        assert_eq!(refusal(&verifier, &token).await, expected, "{claim}: {value}");
    }
}

#[tokio::test]
async fn times_are_checked_to_the_second_with_the_leeway_and_never_overflow() {
    let (key, issuer) = acme().await;
    let verifier = issuer.verifier();

    for (claim, value, expected) in [
        ("exp", json!(NOW - 29), None),
        ("exp", json!(NOW - 30), Some(VerifyError::Expired)),
        ("exp", json!(0), Some(VerifyError::Expired)),
        ("nbf", json!(NOW + 30), None),
        ("nbf", json!(NOW + 31), Some(VerifyError::NotYetValid)),
        ("nbf", json!(253_402_300_799_u64), Some(VerifyError::NotYetValid)),
        ("iat", json!(NOW + 30), None),
        ("iat", json!(NOW + 31), Some(VerifyError::IssuedInFuture)),
        ("exp", json!(253_402_300_799_u64), None),
        ("exp", json!(253_402_300_800_u64), Some(VerifyError::InvalidClaim("exp"))),
        ("exp", json!(u64::MAX), Some(VerifyError::InvalidClaim("exp"))),
        ("exp", json!(-1), Some(VerifyError::InvalidClaim("exp"))),
        ("exp", json!(1.9e9), Some(VerifyError::InvalidClaim("exp"))),
        ("exp", json!("1900000000"), Some(VerifyError::InvalidClaim("exp"))),
    ] {
        let token = issuer.token_with(&key, claim, value.clone());
        assert_eq!(refusal(&verifier, &token).await, expected, "{claim}: {value}");
    }
    let huge = issuer.claims().to_string().replace(&(NOW + 600).to_string(), "1e999");
    assert_eq!(
        refusal(&verifier, &key.sign_raw(&key.header().to_string(), huge.as_bytes())).await,
        Some(VerifyError::Malformed)
    );

    issuer.clock.set(0);
    assert_eq!(
        refusal(&issuer.verifier(), &key.sign(&issuer.claims())).await,
        Some(VerifyError::IssuedInFuture)
    );
}

#[tokio::test]
async fn what_is_properly_signed_but_not_a_plain_access_token_is_refused() {
    let (key, issuer) = acme().await;
    let verifier = issuer.verifier();
    let claims = issuer.claims().to_string();

    for (parameter, value, expected) in [
        ("typ", json!("JWT"), VerifyError::WrongType), // an ID token, for one
        ("typ", json!("logout+jwt"), VerifyError::WrongType),
        ("crit", json!(["b64"]), VerifyError::InvalidHeader("crit")),
        ("jwk", key.jwk(), VerifyError::InvalidHeader("jwk")),
        ("jku", json!(format!("{}/jwks", issuer.url)), VerifyError::InvalidHeader("jku")),
        ("x5u", json!("https://evil.example"), VerifyError::InvalidHeader("x5u")),
        ("x5c", json!(["AA"]), VerifyError::InvalidHeader("x5c")),
        ("kid", json!(null), VerifyError::InvalidHeader("kid")),
        ("kid", json!("k".repeat(257)), VerifyError::InvalidHeader("kid")),
        ("kid", json!("../../dev/null"), VerifyError::UnknownKey),
        ("alg", json!("none"), VerifyError::AlgorithmNotAllowed),
        ("alg", json!("RS256"), VerifyError::AlgorithmMismatch),
    ] {
        let mut header = key.header();
        header[parameter] = value;
        let token = key.sign_raw(&header.to_string(), claims.as_bytes());
        assert_eq!(refusal(&verifier, &token).await, Some(expected), "{parameter}");
    }
    for typ in ["application/at+jwt", "AT+JWT"] {
        let header = json!({ "typ": typ, "alg": "ES256", "kid": "k1", "unknown": [1] });
        assert!(verifier.verify(&key.sign_raw(&header.to_string(), claims.as_bytes())).await.is_ok());
    }
}

#[tokio::test]
async fn duplicate_members_are_refused_in_header_and_payload() {
    let (key, issuer) = acme().await;
    let verifier = issuer.verifier();
    let header = key.header().to_string();
    let claims = issuer.claims().to_string();
    let twice = |json: &str, member: &str| json.replacen('{', &format!("{{{member},"), 1);

    for payload in [
        twice(&claims, &format!(r#""org_id":"{GLOBEX}""#)),
        twice(&claims, &format!(r#""org\u005fid":"{GLOBEX}""#)),
        twice(&claims, r#""x":{"a":1,"a":2}"#),
    ] {
        let token = key.sign_raw(&header, payload.as_bytes());
        assert_eq!(refusal(&verifier, &token).await, Some(VerifyError::Malformed), "{payload}");
    }
    let token = key.sign_raw(&twice(&header, r#""alg":"ES256""#), claims.as_bytes());
    assert_eq!(refusal(&verifier, &token).await, Some(VerifyError::Malformed));
}

#[tokio::test]
async fn a_public_key_is_no_hmac_secret_and_unsigned_is_not_signed() {
    let key = SigningKey::rsa("rs", "RS256");
    let issuer = Issuer::start(&[&key]).await;
    let verifier = issuer.verifier();
    let claims = issuer.claims().to_string();

    for secret in
        [SigningKey::public_der(), key.jwk()["n"].as_str().unwrap().into(), key.jwk().to_string().into()]
    {
        for (alg, expected) in
            [("HS256", VerifyError::AlgorithmNotAllowed), ("RS256", VerifyError::InvalidSignature)]
        {
            let input = format!(
                "{}.{}",
                encode(json!({ "typ": "at+jwt", "alg": alg, "kid": "rs" }).to_string()),
                encode(&claims)
            );
            let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), input.as_bytes());
            assert_eq!(refusal(&verifier, &format!("{input}.{}", encode(mac))).await, Some(expected));
        }
    }
    let (signed, _) =
        key.sign(&issuer.claims()).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_eq!(refusal(&verifier, &format!("{signed}.")).await, Some(VerifyError::InvalidSignature));
    assert_eq!(refusal(&verifier, &signed).await, Some(VerifyError::Malformed));
}

#[tokio::test]
async fn a_key_is_used_with_its_own_algorithm_only() {
    let pinned = SigningKey::rsa("pinned", "RS256");
    let issuer = Issuer::start(&[&pinned]).await;
    let mut open = SigningKey::rsa("open", "RS256").jwk();
    open.as_object_mut().unwrap().remove("alg");
    issuer.set(|published| published.keys.push(open));
    let verifier = issuer.verifier();
    let claims = issuer.claims();

    let other_padding = SigningKey::rsa("pinned", "PS256").sign(&claims);
    assert_eq!(refusal(&verifier, &other_padding).await, Some(VerifyError::AlgorithmMismatch));
    for alg in ["PS256", "RS256"] {
        assert!(verifier.verify(&SigningKey::rsa("open", alg).sign(&claims)).await.is_ok(), "{alg}");
    }
}

#[tokio::test]
async fn a_foreign_key_under_a_known_name_is_refused() {
    let (_, issuer) = acme().await;
    let forged = SigningKey::es256("k1").sign(&issuer.claims());
    assert_eq!(refusal(&issuer.verifier(), &forged).await, Some(VerifyError::InvalidSignature));
}

#[tokio::test]
async fn a_bound_token_is_refused_unless_the_caller_checks_the_proof() {
    let (key, issuer) = acme().await;
    let bound = issuer.token_with(&key, "cnf", json!({ "x5t#S256": "abc" }));
    assert_eq!(refusal(&issuer.verifier(), &bound).await, Some(VerifyError::SenderConstrained));

    let opted_in = issuer.builder().allow_sender_constrained().build().unwrap();
    let token = opted_in.verify(&bound).await.unwrap();
    assert_eq!(token.cnf().map(|cnf| cnf["x5t#S256"].clone()), Some(json!("abc")));
}

#[tokio::test]
async fn any_changed_byte_breaks_a_token() {
    for key in [SigningKey::es256("k1"), SigningKey::eddsa("k1"), SigningKey::rsa("k1", "RS256")] {
        let issuer = Issuer::start(&[&key]).await;
        // Every altered `kid` is unknown, and none is worth a fetch.
        let verifier = issuer.verifier();
        let token = key.sign(&issuer.claims());
        assert!(verifier.verify(&token).await.is_ok());

        for position in 0..token.len() {
            for flip in [0x01, 0x02, 0x04, 0x10, 0x20] {
                let mut bytes = token.clone().into_bytes();
                bytes[position] ^= flip;
                let altered = String::from_utf8(bytes).unwrap();
                assert!(verifier.verify(&altered).await.is_err(), "{} {position} {flip:#x}", key.alg);
            }
            let (before, after) = token.split_at(position);
            assert!(
                verifier.verify(&format!("{before}{}", &after[1..])).await.is_err(),
                "without {position}"
            );
            assert!(verifier.verify(&format!("{before}A{after}")).await.is_err(), "A at {position}");
        }
        assert_eq!(issuer.fetches(), 1);
    }
}

/// Any JSON, three levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(".{0,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[test]
fn whatever_is_signed_or_sent_is_accepted_or_refused_without_a_panic() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (key, issuer) = runtime.block_on(acme());
    let verifier = issuer.builder().allow_sender_constrained().build().unwrap();
    let mut names: Vec<_> = issuer.claims().as_object().unwrap().keys().cloned().collect();
    names.extend(["act", "cnf", "nbf", "sid"].map(str::to_owned));
    let verify = |token: &str| runtime.block_on(verifier.verify(token));
    let run = |cases| TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });

    run(300)
        .run(&(any::<Vec<u8>>(), ".{0,300}"), |(payload, text)| {
            let three_parts = format!("{}.{}.{}", encode(&payload), encode(&text), encode(&payload));
            for token in [key.sign_raw(&key.header().to_string(), &payload), text, three_parts] {
                prop_assert!(verify(&token).is_err());
            }
            Ok(())
        })
        .unwrap();
    run(1000)
        .run(&(proptest::sample::select(names), any_json()), |(name, value)| {
            if let Ok(token) = verify(&issuer.token_with(&key, &name, value)) {
                prop_assert_eq!(token.iss(), &issuer.url);
                prop_assert!(token.aud().contains(&"notes".to_owned()));
                prop_assert_eq!(token.org_id().as_str(), ACME);
                prop_assert!(token.iat() <= NOW + 30 && token.exp() > NOW - 30);
            }
            Ok(())
        })
        .unwrap();
}

/// Below `/o/<org id>`, an issuer is one organization's. Whoever has its keys speaks for that one.
#[tokio::test]
async fn an_organizations_issuer_speaks_for_no_other_organization() {
    let (key, issuer) = acme().await;
    let own = format!("{}/o/{ACME}", issuer.url);
    let jwks = format!("{}/jwks", issuer.url);
    let verifier = Verifier::builder(&own).audience("notes").clock(issuer.clock.clone()).jwks_uri(jwks);
    let verifier = verifier.build().unwrap();
    let mut claims = issuer.claims();
    claims["iss"] = json!(own);

    assert_eq!(refusal(&verifier, &key.sign(&claims)).await, None);
    claims["org_id"] = json!(GLOBEX);
    assert_eq!(refusal(&verifier, &key.sign(&claims)).await, Some(VerifyError::Organization));
    claims["iss"] = json!(issuer.url);
    assert_eq!(refusal(&verifier, &key.sign(&claims)).await, Some(VerifyError::Issuer));
    assert_eq!(refusal(&issuer.verifier(), &key.sign(&claims)).await, None, "the shared one speaks for all");
}
