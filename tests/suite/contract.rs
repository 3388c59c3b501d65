//! The token contract: what is published holds of every token, and a published version only grows.
//!
//! Every answer of `/token` and `/userinfo`, every logout token and every security event token that a test of this suite
//! reads is held to the schema (see `Reply::claims`); here is what that would not catch.

use std::collections::BTreeSet;

use orgate_domain::clients::claims::{RESERVED, STANDARD};
use orgate_protocol::schemas;
use orgate_tests::app::App;
use orgate_tests::contract::{assert_contract, broken_promises};
use serde_json::{Value, json};

use crate::signals;

/// As they were released. Changed when a version is released, and never to have a test pass.
const RELEASED: [(&str, &str); 5] = [
    ("access-token.json", include_str!("../contract/v1/access-token.json")),
    ("id-token.json", include_str!("../contract/v1/id-token.json")),
    ("logout-token.json", include_str!("../contract/v1/logout-token.json")),
    ("security-event-token.json", include_str!("../contract/v1/security-event-token.json")),
    ("userinfo.json", include_str!("../contract/v1/userinfo.json")),
];

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn members(schema: &Value) -> BTreeSet<String> {
    schema["properties"].as_object().expect("properties").keys().cloned().collect()
}

#[test]
fn a_published_version_only_grows() {
    for ((name, released), (served, now)) in RELEASED.into_iter().zip(schemas::V1) {
        assert_eq!(name, served);
        assert_eq!(broken_promises(&parsed(released), &parsed(now)), [""; 0], "{name}");
    }
}

#[test]
fn what_would_break_a_reader_is_noticed() {
    let released = parsed(RELEASED[0].1);
    let change = |pointer: &str, value: Value| {
        let mut now = released.clone();
        *now.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        broken_promises(&released, &now)
    };
    let mut without = released.clone();
    without["properties"].as_object_mut().expect("properties").remove("roles");
    let mut grown = released.clone();
    grown["properties"]["entitlements"] = json!({ "type": "array" });
    grown["properties"]["sub"]["description"] = json!("other words");
    grown["required"].as_array_mut().expect("required").push(json!("acr"));

    assert_eq!(broken_promises(&released, &grown), [""; 0]);
    assert_eq!(broken_promises(&released, &without), ["/properties/roles is gone"]);
    assert_eq!(change("/properties/exp/type", json!("string")).len(), 1);
    assert_eq!(change("/properties/org_id/pattern", json!("^org_")).len(), 1);
    assert_eq!(
        change("/properties/roles/items", json!({ "type": "object" })),
        ["/properties/roles/items/type was \"string\" and is \"object\""]
    );
    assert_eq!(change("/required", json!(["iss"])).len(), 11);
    assert_eq!(change("/if/properties/sub", json!({ "pattern": "^usr_", "minLength": 99 })).len(), 1);
    assert_eq!(change("/properties/cnf/properties", json!({})), ["/properties/cnf/properties/jkt is gone"]);
    assert_eq!(change("/then/required", json!([])).len(), 4);
    assert_eq!(change("/$defs/actor/required", json!([])), ["/$defs/actor/required: \"sub\" may be missing"]);
}

/// No client can map a claim that the contract gives a meaning.
#[test]
fn every_claim_of_the_contract_is_reserved() {
    for (name, schema) in schemas::V1 {
        for claim in members(&parsed(schema)) {
            assert!(RESERVED.contains(&claim.as_str()), "{claim} of {name} is free for the taking");
        }
    }
    assert!(STANDARD.iter().all(|name| !RESERVED.contains(name)));
}

/// What Orgate says of its own accord is in the contract, and so is what it says only at times.
#[tokio::test]
async fn tokens_say_nothing_that_the_contract_leaves_out() {
    let app = App::start().await;
    let tokens = app.sign_in("acme", "ada@acme.test").await;
    let userinfo = app.userinfo(&tokens.text("access_token")).await;

    for (name, claims) in [
        ("access-token.json", tokens.claims("access_token")),
        ("id-token.json", tokens.claims("id_token")),
        ("userinfo.json", userinfo.body),
    ] {
        let schema = app.get(&format!("/schemas/v1/{name}")).await;
        assert_eq!(schema.headers["content-type"], "application/schema+json");
        let told: BTreeSet<String> = claims.as_object().expect("claims").keys().cloned().collect();
        let known = members(&schema.body);
        let left_out: Vec<&String> = told.difference(&known).collect();
        assert_eq!(left_out, [""; 0], "{name}");
    }
}

/// The validator refuses what the contract refuses.
#[tokio::test]
async fn a_token_without_its_organization_breaks_the_contract() {
    let app = App::start().await;
    let whole = app.sign_in("acme", "ada@acme.test").await.claims("access_token");

    for (claim, value) in [
        ("org_id", None),
        ("org_name", None),
        ("sid", None),
        ("amr", None),
        ("exp", Some(json!("soon"))),
        ("org_id", Some(json!("acme"))),
        ("sub", Some(json!("ada@acme.test"))),
        ("roles", Some(json!("admin"))),
        ("cnf", Some(json!({}))),
        ("act", Some(json!({ "act": {} }))),
    ] {
        let mut broken = whole.clone();
        let members = broken.as_object_mut().expect("claims");
        match &value {
            Some(value) => members.insert(claim.to_owned(), value.clone()),
            None => members.remove(claim),
        };
        let judged = std::panic::catch_unwind(|| assert_contract("access-token.json", &broken));
        assert!(judged.is_err(), "{claim} {value:?}");
    }
}

#[tokio::test]
async fn a_security_event_is_told_with_its_organization_and_is_taken_for_no_other_token() {
    let app = signals::app().await;
    let siem = signals::Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;
    siem.post("/ssf/verify", &json!({ "stream_id": stream })).await;
    signals::signed_out(&app, "ada@acme.test").await;
    let sets = siem.wait(&stream, 2).await;
    let schema = app.get("/schemas/v1/security-event-token.json").await.body;
    let broken = |claims: &Value, (pointer, value): (&str, Option<Value>)| {
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        let mut broken = claims.clone();
        let members = broken.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
        match value {
            Some(value) => members.insert(name.to_owned(), value),
            None => members.remove(name),
        };
        std::panic::catch_unwind(|| assert_contract("security-event-token.json", &broken)).is_err()
    };

    for set in &sets {
        let told: BTreeSet<String> = set.claims.as_object().expect("claims").keys().cloned().collect();
        assert!(told.is_subset(&members(&schema)), "{told:?}");
        let of_stream = set.kind == signals::VERIFICATION;
        let part = if of_stream { "/sub_id/id" } else { "/sub_id/tenant" };
        for (pointer, value) in [
            ("/org_id", None),
            ("/org_name", None),
            ("/aud", None),
            ("/sub", Some(json!("usr_x"))),
            ("/exp", Some(json!(1))),
            ("/sub_id", None),
            (part, None),
            ("/events", Some(json!({}))),
        ] {
            assert!(broken(&set.claims, (pointer, value)), "{pointer} of {}", set.kind);
        }
        if !of_stream {
            let mut unexplained = set.claims.clone();
            let event = unexplained["events"][&set.kind].as_object_mut().expect("an event");
            event.remove("reason_admin");
            assert!(broken(&unexplained, ("/org_name", Some(json!("acme")))), "it says why");
            assert!(broken(&set.claims, ("/txn", None)), "and by what");
        }
    }
}

#[tokio::test]
async fn another_schema_is_not_there() {
    let app = App::start().await;

    assert_eq!(app.get("/schemas/v1/refresh-token.json").await.status, 404);
    assert_eq!(app.get("/schemas/v2/access-token.json").await.status, 404);
}
