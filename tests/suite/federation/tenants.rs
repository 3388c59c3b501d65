//! Issuers that vouch for the people of many: Entra ID's tenants and Google's domains. Whoever is not of those that
//! the connection names is a stranger, however well the token is signed.

use std::sync::Arc;

use orgate_tests::app::App;
use orgate_tests::openid_provider::{CLIENT_ID, CLIENT_SECRET, OpenIdProvider};
use orgate_tests::registered_client::{Proof, RegisteredClient};
use serde_json::{Map, Value, json};

use super::world::{JIT, World, acme};

/// Tenants that the connection names.
const OWN: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
/// See [`OWN`].
const SUBSIDIARY: &str = "3aa4a235-b6e2-48d5-9195-7fcf05b459b0";
/// Everybody's who is nobody's: personal accounts.
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// Acme with a connection to `issuer`, `more` being further settings of its provider.
async fn configure(world: &World, issuer: &str, more: &str) {
    let connection = format!(
        "      - slug: workforce
        domains: [acme.test]
        settings:
          provider: {{ oidc: {{ issuer: {}, client_id: {CLIENT_ID}, {more} }} }}
{JIT}",
        json!(issuer)
    );
    let secret = format!("        client_secret: {CLIENT_SECRET}\n        settings:");
    let by_assertion = more.contains("private_key_jwt");
    let connection = if by_assertion { connection } else { connection.replace("        settings:", &secret) };
    world.app.apply(&acme("", &connection)).await;
}

async fn start() -> World {
    let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
    World { app, provider: OpenIdProvider::start().await }
}

/// The issuer as a provider of many tenants writes it.
fn template(world: &World) -> String {
    format!("{}/{{tenantid}}/v2.0", world.provider.issuer())
}

fn issuer_of(world: &World, tenant: &str) -> String {
    template(world).replace("{tenantid}", tenant)
}

/// A provider of many tenants, of which Acme's connection names two.
async fn entra() -> World {
    let world = start().await;
    let issuer = template(&world);
    world.provider.fault(|says| says.issuer = Some(issuer.clone()));
    configure(&world, &issuer, &format!("tenants: [{OWN}, {SUBSIDIARY}]")).await;
    world
}

/// What a tenant says of somebody.
fn person(world: &World, tenant: &str, (sub, oid): (&str, &str)) -> Value {
    json!({ "iss": issuer_of(world, tenant), "tid": tenant, "sub": sub, "oid": oid,
            "email": format!("{oid}@acme.test"), "email_verified": true, "name": "Somebody" })
}

/// Tokens with these claims sign nobody in, and the administrators are told by this name why.
async fn is_refused(world: &World, claims: Value, check: &str) {
    world.provider.user(claims.clone());
    let page = world.arrive(&world.app.browser()).await;

    assert_eq!((page.status.as_u16(), page.cookies().len()), (403, 0), "{claims}: {}", page.body);
    assert_eq!(world.failed_check().await.as_deref(), Some(check), "{claims}");
    assert_eq!(world.last_event().await, format!("sign_in.failed refused {check}"), "{claims}");
}

fn changed(claims: &Value, change: impl FnOnce(&mut Map<String, Value>)) -> Value {
    let mut claims = claims.as_object().expect("claims").clone();
    change(&mut claims);
    claims.into()
}

#[tokio::test]
async fn a_tenant_that_is_named_signs_its_people_in_and_no_other_does() {
    let world = entra().await;
    let own = person(&world, OWN, ("ada", "ada"));
    let foreign = person(&world, PERSONAL, ("ada", "ada"));
    let with = |name: &str, value: Value| changed(&own, |claims| drop(claims.insert(name.to_owned(), value)));
    let without_tid = |iss: String| {
        changed(&own, |claims| {
            claims.remove("tid");
            claims.insert("iss".to_owned(), iss.into());
        })
    };
    let of = |tenant: &str| person(&world, tenant, ("ada", "ada"));

    for (claims, check) in [
        (foreign.clone(), "tid"),
        (with("tid", json!(PERSONAL)), "iss"),
        (with("tid", json!(SUBSIDIARY)), "iss"),
        (with("iss", foreign["iss"].clone()), "iss"),
        (with("iss", json!(world.provider.issuer())), "iss"),
        (with("tid", json!([OWN])), "iss"),
        (without_tid(issuer_of(&world, OWN)), "iss"),
        (without_tid(issuer_of(&world, "")), "tid"),
        (without_tid(template(&world)), "iss"),
        (of("{tenantid}"), "tid"),
        (of("organizations"), "tid"),
        (of(&OWN.to_uppercase()), "tid"),
        (of(&format!("{OWN}/../{PERSONAL}")), "tid"),
    ] {
        is_refused(&world, claims, check).await;
    }
    assert_eq!(world.sessions().await, 0);
    let signed_in = world.sign_in(own).await;

    assert_eq!(signed_in.claims("id_token")["email"], "ada@acme.test");
    assert_eq!(world.sessions().await, 1);
}

#[tokio::test]
async fn somebody_is_who_they_are_in_their_tenant_whatever_an_application_is_told() {
    let world = entra().await;
    let sub = async |tenant: &str, ids: (&str, &str)| {
        let mut claims = person(&world, tenant, ids);
        claims["email"] = json!(format!("{}@elsewhere.test", ids.1));
        world.sign_in(claims).await.claims("id_token")["sub"].clone()
    };

    let first = sub(OWN, ("for-one-application", "object")).await;
    let again = sub(OWN, ("for-another", "object")).await;
    let namesake = sub(SUBSIDIARY, ("for-one-application", "object")).await;

    assert_eq!(first, again);
    assert_ne!(first, namesake, "an object is only unique inside of its tenant");
}

#[tokio::test]
async fn an_issuer_of_one_tenant_is_held_to_the_tenants_that_are_named_too() {
    let world = start().await;
    let issuer = world.provider.issuer().to_owned();
    configure(&world, &issuer, &format!("tenants: [{OWN}]")).await;
    let says = |tid: Option<&str>| {
        let mut claims = json!({ "sub": "new", "email": "new@acme.test", "name": "New" });
        claims["tid"] = tid.map_or(Value::Null, Value::from);
        claims
    };

    for tid in [None, Some(""), Some(PERSONAL)] {
        is_refused(&world, says(tid), "tid").await;
    }

    assert_eq!(world.sessions().await, 0);
    world.sign_in(says(Some(OWN))).await;
}

#[tokio::test]
async fn a_document_that_names_one_tenant_is_not_that_of_an_issuer_of_many() {
    let world = entra().await;
    let own = issuer_of(&world, OWN);
    world.provider.fault(|says| says.issuer = Some(own.clone()));

    let browser = world.app.browser();
    let page = browser.follow(browser.authorize(&[("organization", "acme")]).await).await;
    let left = browser.follow(browser.get(super::world::button(&page)).await).await;

    assert_eq!((left.status.as_u16(), left.location()), (502, None), "{}", left.body);
    assert!(left.body.contains("does not answer"), "{}", left.body);
}

#[tokio::test]
async fn entra_is_told_its_token_endpoint_by_a_client_assertion() {
    let world = entra().await;
    let tenants = format!("authentication: private_key_jwt, tenants: [{OWN}]");
    configure(&world, &template(&world), &tenants).await;
    let (org, connection) = (world.app.org("acme").await.org_id(), world.connection("workforce").await);
    let keys = world.app.at(&format!("/sso/{org}/{connection}/jwks"));
    let audience = format!("{}/token", world.provider.issuer());
    let client = Arc::new(RegisteredClient::new(CLIENT_ID, Proof::PrivateKeyJwt { audience, keys }));
    world.provider.register(&client);

    world.sign_in(person(&world, OWN, ("ada", "ada"))).await;

    assert_eq!(client.verdicts(), [Ok(())]);
}

#[tokio::test]
async fn an_account_of_a_workspace_domain_that_is_named_signs_in_and_no_other_does() {
    let world = start().await;
    let issuer = world.provider.issuer().to_owned();
    configure(&world, &issuer, "hosted_domains: [acme.test]").await;
    let account = |hd: Value| {
        let mut claims =
            json!({ "sub": "ada", "email": "ada@acme.test", "email_verified": true, "name": "Ada" });
        claims["hd"] = hd;
        claims
    };
    let no_domain = changed(&account(Value::Null), |claims| drop(claims.remove("hd")));

    let departure = world.depart(&world.app.browser()).await;
    // The address is Acme's all the same: a personal account may have any.
    for claims in [
        no_domain,
        account(Value::Null),
        account(json!("")),
        account(json!("globex.test")),
        account(json!("sub.acme.test")),
        account(json!("acme.test.evil.test")),
        account(json!("acme.test ")),
        account(json!(["acme.test"])),
        account(json!(true)),
    ] {
        is_refused(&world, claims, "hd").await;
    }
    assert_eq!(world.sessions().await, 0);
    for hd in ["acme.test", "Acme.Test"] {
        world.sign_in(account(json!(hd))).await;
    }
    configure(&world, &issuer, "hosted_domains: [globex.test, acme.test]").await;
    let of_two = world.depart(&world.app.browser()).await;
    world.sign_in(account(json!("acme.test"))).await;

    let asked =
        |url: &url::Url| url.query_pairs().find(|(name, _)| name == "hd").map(|(_, hd)| hd.into_owned());
    assert_eq!((asked(&departure).as_deref(), asked(&of_two)), (Some("acme.test"), None));
}

#[tokio::test]
async fn userinfo_puts_nobody_into_a_domain() {
    let world = start().await;
    let issuer = world.provider.issuer().to_owned();
    configure(&world, &issuer, "hosted_domains: [acme.test]").await;
    world.provider.user(json!({ "sub": "ada" }));
    world.provider.userinfo(json!({ "sub": "ada", "hd": "acme.test", "email": "ada@acme.test" }));

    let page = world.arrive(&world.app.browser()).await;

    assert_eq!((page.status.as_u16(), world.failed_check().await.as_deref()), (403, Some("hd")));
}
