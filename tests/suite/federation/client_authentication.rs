//! How Orgate proves itself at an OpenID provider's token endpoint (OIDC Core §9).

use std::sync::Arc;

use orgate_tests::app::{App, Page};
use orgate_tests::openid_provider::OpenIdProvider;
use orgate_tests::registered_client::{Proof, RegisteredClient};
use serde_json::json;
use url::Url;

use super::world::{JIT, World, acme, member};

/// What forms, headers and base64 have to carry unharmed.
const CLIENT: &str = "orgate at:acme/100%+é&co=1";
/// See [`CLIENT`].
const KEPT: &str = "a+b c:d%2Fe&f=g/ü";

/// A connection of this client with these lines about how it proves itself.
fn connection(provider: &OpenIdProvider, method: &str, secret: Option<&str>) -> String {
    let secret =
        secret.map_or_else(String::new, |secret| format!("        client_secret: {}\n", json!(secret)));
    format!(
        "      - slug: workforce
        name: Workforce
        domains: [acme.test]
{secret}        settings:
          provider:
            oidc:
              issuer: \"{}\"
              client_id: {}
              authentication: {method}
{JIT}",
        provider.issuer(),
        json!(CLIENT),
    )
}

/// Acme, whose connection proves itself like this.
async fn world(method: &str, secret: Option<&str>) -> World {
    let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
    let provider = OpenIdProvider::start().await;
    provider.user(member("ada", "ada@acme.test"));
    app.apply(&acme("", &connection(&provider, method, secret))).await;
    World { app, provider }
}

/// The provider knows the client by this proof from now on.
fn registered(world: &World, proof: Proof) -> Arc<RegisteredClient> {
    let client = Arc::new(RegisteredClient::new(CLIENT, proof));
    world.provider.register(&client);
    client
}

/// Where the keys of the connection with this slug are published.
async fn keys_of(world: &World, organization: &str, slug: &str) -> Url {
    let (org, connection) = (world.app.org(organization).await.org_id(), world.connection(slug).await);
    world.app.at(&format!("/sso/{org}/{connection}/jwks"))
}

/// Ada in a browser of her own.
async fn ada(world: &World) -> Page {
    world.arrive(&world.app.browser()).await
}

/// Nobody was signed in, the administrators know why, and what is secret is nowhere.
async fn is_refused(world: &World, page: &Page, what: &str) {
    assert_eq!((page.status.as_u16(), page.cookies().len()), (403, 0), "{what}: {}", page.body);
    assert_eq!(world.failed_check().await.as_deref(), Some("token_endpoint"), "{what}");
    assert_eq!(world.last_event().await, "sign_in.failed refused token_endpoint", "{what}");
    assert_eq!(world.sessions().await, 0, "{what}");
    let traces = world.traces().await;
    for secret in [KEPT, "a%2Bb", "eyJ"] {
        assert!(!traces.contains(secret) && !page.body.contains(secret), "{what}: {secret}");
    }
}

#[tokio::test]
async fn a_client_secret_goes_where_the_connection_says_and_nowhere_else() {
    let world = world("client_secret_basic", Some(KEPT)).await;
    let proof = |method: &str, secret: &str| match method {
        "client_secret_basic" => Proof::Basic(secret.to_owned()),
        _ => Proof::Post(secret.to_owned()),
    };

    for (method, other) in
        [("client_secret_basic", "client_secret_post"), ("client_secret_post", "client_secret_basic")]
    {
        world.app.apply(&acme("", &connection(&world.provider, method, Some(KEPT)))).await;
        let wrong = registered(&world, proof(method, "another secret"));
        is_refused(&world, &ada(&world).await, method).await;
        let misplaced = registered(&world, proof(other, KEPT));
        is_refused(&world, &ada(&world).await, method).await;
        let right = registered(&world, proof(method, KEPT));
        let page = ada(&world).await;

        assert_eq!(right.verdicts(), [Ok(())], "{method}");
        assert!(!page.answer("code").is_empty());
        assert!(matches!(&wrong.verdicts()[..], [Err(why)] if why.contains("secret")), "{wrong:?}");
        assert!(
            matches!(&misplaced.verdicts()[..], [Err(why)] if why.contains("was agreed")),
            "{misplaced:?}"
        );
        world.run("update sessions set ended_at = now()").await;
    }
}

#[tokio::test]
async fn a_client_assertion_is_signed_by_the_key_that_the_connection_publishes_and_each_is_new() {
    // A secret that is left over from before is not sent along.
    let world = world("client_secret_basic", Some(KEPT)).await;
    world.app.apply(&acme("", &connection(&world.provider, "private_key_jwt", None))).await;
    let audience = world.provider.issuer().to_owned();
    let keys = keys_of(&world, "acme", "workforce").await;
    let client = registered(&world, Proof::PrivateKeyJwt { audience, keys });

    for _ in 0..3 {
        let page = ada(&world).await;
        assert!(page.location().is_some(), "{:?}: {}", client.verdicts(), page.body);
    }
    // Another version of the connection keeps the key: the provider need not be told again.
    let more =
        format!("{}          trusts_addresses: true\n", connection(&world.provider, "private_key_jwt", None));
    world.app.apply(&acme("", &more)).await;
    let again = ada(&world).await;

    assert!(!again.answer("code").is_empty());
    assert_eq!((client.verdicts(), client.assertions()), (vec![Ok(()); 4], 4));
    assert_eq!(world.sessions().await, 4);
}

#[tokio::test]
async fn a_client_assertion_for_another_audience_or_of_another_connection_is_refused() {
    let world = world("private_key_jwt", None).await;
    let own = connection(&world.provider, "private_key_jwt", None);
    let globex = acme("", &own).replace("acme", "globex").replace("Acme", "Globex");
    world.app.apply(&globex.replace("workforce", "theirs")).await;
    let audience = || world.provider.issuer().to_owned();
    let own = keys_of(&world, "acme", "workforce").await;
    let theirs = keys_of(&world, "globex", "theirs").await;
    let cases = [
        ("no such key", Proof::PrivateKeyJwt { audience: audience(), keys: theirs }),
        ("aud is", Proof::PrivateKeyJwt { audience: format!("{}/token", audience()), keys: own }),
        ("was agreed", Proof::Basic(KEPT.to_owned())),
        ("was agreed", Proof::Post(KEPT.to_owned())),
    ];

    for (why, proof) in cases {
        let client = registered(&world, proof);
        is_refused(&world, &ada(&world).await, why).await;
        assert!(matches!(&client.verdicts()[..], [Err(said)] if said.contains(why)), "{why}: {client:?}");
    }
}

#[tokio::test]
async fn the_keys_of_a_connection_are_found_at_its_own_address_alone() {
    let world = world("private_key_jwt", None).await;
    let (acme_id, globex_id) = (world.app.org("acme").await.org_id(), world.app.org("globex").await.org_id());
    let connection_id = world.connection("workforce").await;
    let at = async |org: String, connection: String| {
        let reply = world.app.get(&format!("/sso/{org}/{connection}/jwks")).await;
        (reply.status, reply.body)
    };

    let (status, keys) = at(acme_id.to_string(), connection_id.to_string()).await;
    let foreign = at(globex_id.to_string(), connection_id.to_string()).await;
    let nobodys = at(acme_id.to_string(), acme_id.to_string()).await;
    world
        .app
        .apply(&acme(
            "",
            &connection(&world.provider, "client_secret_basic", Some(KEPT)).replace("workforce", "secretive"),
        ))
        .await;
    let keyless = at(acme_id.to_string(), world.connection("secretive").await.to_string()).await;

    assert_eq!((status, keys["keys"].as_array().map(Vec::len)), (200, Some(1)), "{keys}");
    assert!(keys["keys"][0].get("d").is_none(), "{keys}");
    assert_eq!(foreign.0, 404);
    assert_eq!([&nobodys, &keyless], [&foreign; 2], "whether there is such a connection is not told");
}
