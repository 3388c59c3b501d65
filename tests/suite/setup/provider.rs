//! The provider's side, as the form takes it: certificates by hand, sign-ins that begin there, keys without a secret.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use orgate_flows::{Clock as _, SystemClock};
use orgate_protocol::jose::{Jwk, KeySet, VerifyingKey, verify};
use orgate_saml::key::KeyPair;
use orgate_tests::app::Page;
use orgate_tests::openid_provider::{CLIENT_ID, CLIENT_SECRET, OpenIdProvider};
use orgate_tests::saml_provider::{Answer, SamlProvider, new_key};
use serde_json::{Value, json};

use super::proposals::fingerprint;
use super::world::{Wizard, World, check, member};

const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END PRIVATE KEY-----\n";

/// Applications: of everybody, of another organization, switched off. `notes`, of the samples, has no such address.
const CLIENTS: &str = r#"clients:
  - { client_id: portal, organization: operator, name: Portal, type: web, audience: all, client_secret: "${SECRET}", redirect_uris: ["http://localhost:9/callback"], initiate_login_uri: "http://localhost:9/login" }
  - { client_id: wiki, organization: operator, name: Wiki, type: web, audience: all, client_secret: "${SECRET}", redirect_uris: ["http://localhost:9/callback"], initiate_login_uri: "http://localhost:9/wiki" }
  - { client_id: theirs, organization: operator, name: Theirs, type: web, audience: granted, granted_to: [globex], client_secret: "${SECRET}", redirect_uris: ["http://localhost:9/callback"], initiate_login_uri: "http://localhost:9/login" }
  - { client_id: switched-off, organization: operator, name: Off, type: web, audience: all, status: disabled, client_secret: "${SECRET}", redirect_uris: ["http://localhost:9/callback"], initiate_login_uri: "http://localhost:9/login" }
"#;

fn key() -> KeyPair {
    new_key(SystemClock.now() + chrono::Duration::days(365))
}

/// Saves what was typed by hand on top of what is there, with further fields.
async fn save(wizard: &Wizard, base: &str, certificates: &str, more: &[(&str, &str)]) -> Page {
    let page = format!("{base}/provider");
    let seen = wizard.browser.get(&page).await.field("seen");
    let typed = [
        ("seen", seen.as_str()),
        ("entity_id", "urn:idp"),
        ("sso_url", "https://idp.test/sso"),
        ("certificate", certificates),
        ("sign_requests", "1"),
    ];
    wizard.post(&page, &[&typed, more].concat()).await
}

/// What the latest version says at this path of its SAML settings.
async fn saml(world: &World, field: &str) -> Value {
    let query = "select version.settings #> array['provider', 'saml', $1] from connection_versions version
                 order by version.version desc limit 1";
    let value: Option<Value> =
        sqlx::query_scalar(query).bind(field).fetch_one(world.app.database.superuser()).await.expect("read");
    value.unwrap_or_default()
}

async fn versions(world: &World) -> String {
    world.connection("(select max(version) from connection_versions)").await
}

#[tokio::test]
async fn several_certificates_are_typed_in_listed_and_taken_out_again() {
    let world = World::start().await;
    let wizard = world.open(&world.link("acme", &[]).await).await;
    let base = wizard.create("saml").await;
    let (present, next) = (key(), key());
    let (first, second) = (present.certificate().pem(), next.certificate().pem());
    // As openssl writes it, with a remark, and one of them twice.
    let both = format!("subject=CN = idp\r\n{}\n{second}{first}", first.replace('\n', "\r\n"));

    let saved = save(&wizard, &base, &both, &[]).await;
    let page = wizard.browser.get(format!("{base}/provider")).await;
    let unchanged = save(&wizard, &base, &format!("{first}\n{second}"), &[]).await;
    let kept = saml(&world, "certificates").await;
    let one = save(&wizard, &base, &second, &[]).await;

    assert_eq!(saved.leads_to(), format!("{base}/mapping"), "{}", saved.body);
    check(&page, 200, "Its 2 certificates");
    for certificate in [present.certificate(), next.certificate()] {
        check(&page, 200, &fingerprint(certificate));
        check(&page, 200, &certificate.not_after().format("Until %-d %B %Y").to_string());
    }
    check(&page, 200, "value=\"https://idp.test/sso\"");
    assert_eq!(page.body.matches("-----BEGIN CERTIFICATE-----\n").count(), 2, "they can be changed by hand");
    assert_eq!(unchanged.status, 303, "{}", unchanged.body);
    assert_eq!(kept, json!([present.certificate().base64(), next.certificate().base64()]));
    assert_eq!(one.status, 303, "{}", one.body);
    assert_eq!(saml(&world, "certificates").await, json!([next.certificate().base64()]));
    assert_eq!(versions(&world).await, "2", "what was saved unchanged is no version");
    world.app.clock.advance(chrono::Duration::days(400));
    let late = world.open(&world.link("acme", &[]).await).await;
    check(&late.browser.get(format!("{base}/provider")).await, 200, "Expired</b> on");
}

#[tokio::test]
async fn each_certificate_that_cannot_be_is_named() {
    let world = World::start().await;
    let wizard = world.open(&world.link("acme", &[]).await).await;
    let base = wizard.create("saml").await;
    let good = key().certificate().pem();
    let block = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    let large = block(&BASE64_STANDARD.encode(vec![0_u8; 17 * 1024]));
    let larger = block(&"A".repeat(100_000));
    let stripped: String = good.lines().filter(|line| !line.starts_with('-')).collect::<Vec<_>>().join("\n");

    for (text, expected) in [
        (String::new(), "certificate-error"),
        ("x".to_owned(), "neither PEM nor base64"),
        (format!("{good}{}", block("!")), "Certificate 2: the certificate is neither PEM nor base64."),
        (format!("{}{good}{}", block("AAAA"), block("BBBB")), "Certificate 3: this is no X.509"),
        (format!("{good}{large}"), "Certificate 2: the certificate is larger than 16 KiB."),
        (format!("{good}{larger}"), "Certificate 2: the certificate is larger than 16 KiB."),
        (
            format!("{good}-----BEGIN CERTIFICATE-----\n{stripped}"),
            "Certificate 2 has no line -----END CERTIFICATE-----.",
        ),
        (format!("-----BEGIN CERTIFICATE-----\n{stripped}{good}"), "Certificate 1 has no line"),
        (format!("{good}{stripped}"), "After certificate 1 stands what looks like another one"),
        (good.replace("CERTIFICATE", "PKCS7"), "Block 1 is no certificate"),
        (format!("{good}{PRIVATE_KEY}"), "This holds a private key"),
        (good.repeat(11), "These are 11 certificates: at most 10."),
    ] {
        let refused = save(&wizard, &base, &text, &[]).await;

        check(&refused, 422, expected.split('"').next().expect("text"));
        check(&refused, 422, "id=\"certificate-error\"");
        assert!(!refused.body.contains("MIIEvQIBADANBgkq"), "a private key is shown: {}", refused.body);
    }

    assert_eq!(versions(&world).await, "");
    let oversize = save(&wizard, &base, &good.repeat(700), &[]).await;
    assert_eq!(oversize.status, 413, "{}", oversize.body);
    let single = save(&wizard, &base, &stripped, &[]).await;
    assert_eq!(single.status, 303, "bare base64 is one certificate: {}", single.body);
}

#[tokio::test]
async fn what_was_typed_by_hand_stands_in_the_form_and_other_ways_can_be_used_all_the_same() {
    let world = World::start().await;
    let wizard = world.open(&world.link("acme", &[]).await).await;
    let base = wizard.create("saml").await;
    let (typed, idp) = (key().certificate().pem(), SamlProvider::start().await);
    save(&wizard, &base, &typed, &[]).await;
    let metadata = idp.metadata(&idp.entity_id(), &[idp.key()], None);

    let both = save(&wizard, &base, &key().certificate().pem(), &[("metadata", &metadata)]).await;
    let other = save(&wizard, &base, &typed, &[("metadata", &metadata)]).await;

    check(&both, 422, "one of the ways");
    assert_eq!(other.status, 303, "{}", other.body);
    assert_eq!(saml(&world, "entity_id").await, json!(idp.entity_id()));
}

#[tokio::test]
async fn sign_ins_begin_at_the_provider_only_once_somebody_says_so_and_for_which_application() {
    let world = World::start().await;
    let wizard = world.open(&world.link("acme", &[]).await).await;
    let base = wizard.create("saml").await;
    let idp = SamlProvider::start().await;
    let metadata = idp.metadata(&idp.entity_id(), &[idp.key()], None);
    let post = async |seen: &str, fields: &[(&str, &str)]| {
        let usual = [("seen", seen), ("sign_requests", "1")];
        wizard.post(&format!("{base}/provider"), &[&usual, fields].concat()).await
    };
    let arrive = async || {
        world.run("update connections set state = 'active', live_version = (select max(version) from connection_versions)").await;
        let (org, id) = (world.app.org("acme").await.org_id(), base.rsplit('/').next().expect("an id"));
        let at = |endpoint: &str| world.app.at(&format!("/sso/{org}/{id}/{endpoint}")).to_string();
        let answer = Answer {
            acs: at("acs"),
            audience: at("metadata"),
            in_response_to: None,
            name_id: "ada".to_owned(),
            email: "ada@acme.test".to_owned(),
            sid: "1".to_owned(),
            issued_at: world.app.env.clock.now(),
        };
        let response = BASE64_STANDARD.encode(idp.respond(&answer));
        world.app.browser().post(at("acs"), &[("SAMLResponse", &response)]).await
    };

    let nowhere = wizard.browser.get(format!("{base}/provider")).await;
    world.app.apply(CLIENTS).await;
    let offered = wizard.browser.get(format!("{base}/provider")).await;
    let first = post("0", &[("metadata", &metadata)]).await;
    let refused = arrive().await;
    let on = post("1", &[("unsolicited", "1"), ("unsolicited_client", "portal")]).await;
    let begun = arrive().await;
    let page = wizard.browser.get(format!("{base}/provider")).await;
    let off = post("2", &[("unsolicited_client", "portal")]).await;

    assert!(!nowhere.body.contains("name=\"unsolicited\""), "no application could go on: {}", nowhere.body);
    check(&offered, 200, "name=\"unsolicited\" value=\"1\"><span>");
    check(
        &offered,
        200,
        "<option value=\"portal\">Portal</option>\n<option value=\"wiki\">Wiki</option>\n\n</select>",
    );
    for page in [&first, &on, &off] {
        assert_eq!(page.leads_to(), format!("{base}/mapping"), "{}", page.body);
    }
    assert_eq!((refused.status.as_u16(), refused.location()), (403, None));
    let begun = begun.location().expect("on the way to the application");
    assert!(begun.as_str().starts_with("http://localhost:9/login?iss="), "{begun}");
    check(&page, 200, "name=\"unsolicited\" value=\"1\" checked");
    check(&page, 200, "<option value=\"portal\" selected>");
    assert_eq!(saml(&world, "allow_unsolicited").await, json!(false));
}

#[tokio::test]
async fn no_application_is_named_that_could_not_go_on() {
    let world = World::start().await;
    world.app.apply(CLIENTS).await;
    let wizard = world.open(&world.link("acme", &[]).await).await;
    let base = wizard.create("saml").await;
    let certificate = key().certificate().pem();

    for client in ["", "notes", "theirs", "switched-off", "no-such", "<script>alert(1)</script>"] {
        let fields = [("unsolicited", "1"), ("unsolicited_client", client)];
        let refused = save(&wizard, &base, &certificate, &fields).await;
        check(&refused, 422, "unsolicited_client-error");
        assert!(
            !refused.body.contains("<script>alert") && !refused.body.contains("Theirs"),
            "{}",
            refused.body
        );
    }

    assert_eq!(versions(&world).await, "");
}

/// However many applications there are beside those that sign-ins begin at.
#[tokio::test]
async fn an_application_is_offered_however_many_others_there_are() {
    let world = World::start().await;
    world.run(
        "with operator as (select org_id from organizations where slug = 'operator'),
         many as (select lpad(number::text, 32, '0')::uuid as id, operator.org_id from operator, generate_series(1, 250) number),
         listed as (
             insert into client_directory (org_id, id, client_id, name, audience, redirect_uris)
             select org_id, id, id::text, 'x', 'all', '{}' from many
         )
         insert into clients (org_id, id, kind, post_logout_redirect_uris, resource, signing_algorithm, created_at, updated_at)
         select org_id, id, 'web', '{}', 'x', 'ES256', now(), now() from many",
    )
    .await;
    world.app.apply(CLIENTS).await;
    let wizard = world.open(&world.link("acme", &[]).await).await;
    let base = wizard.create("saml").await;
    world.run(
        "with theirs as (update clients set party = 'unregistered' where initiate_login_uri like '%/wiki')
         update client_directory set party = 'unregistered' where client_id = 'wiki'",
    )
    .await;

    let offered = wizard.browser.get(format!("{base}/provider")).await;

    check(&offered, 200, "name=\"unsolicited_client\" value=\"portal\"");
    assert!(!offered.body.contains("Wiki"), "nobody registered it: {}", offered.body);
}

/// Saves the provider with a proof of who we are.
async fn prove(wizard: &Wizard, base: &str, issuer: &str, (proof, secret): (&str, &str)) -> Page {
    let page = format!("{base}/provider");
    let seen = wizard.browser.get(&page).await.field("seen");
    let fields = [
        ("seen", seen.as_str()),
        ("issuer", issuer),
        ("client_id", CLIENT_ID),
        ("authentication", proof),
        ("client_secret", secret),
    ];
    wizard.post(&page, &fields).await
}

/// Where a page leads to, up to the part of the page.
fn fragment(page: &Page) -> String {
    let to = page.location().unwrap_or_else(|| panic!("no redirect: {} {}", page.status, page.body));
    format!("{}#{}", to.path(), to.fragment().unwrap_or_default())
}

/// The keys that anybody may fetch, and that the provider was told of.
async fn published(world: &World, page: &Page) -> Vec<Jwk> {
    let uri =
        page.body.split("id=\"jwks-uri\">").nth(1).expect("an address").split('<').next().expect("text");
    let reply =
        world.app.get(uri.strip_prefix(world.app.at("").as_str().trim_end_matches('/')).expect("ours")).await;
    assert_eq!(reply.status, 200);
    serde_json::from_value(reply.body["keys"].clone()).expect("keys")
}

#[tokio::test]
async fn a_private_key_stands_in_the_place_of_a_secret() {
    let world = World::start().await;
    let wizard = world.open(&world.link("acme", &[]).await).await;
    let base = wizard.create("oidc").await;
    let issuer = world.provider.issuer().to_owned();

    let saved = prove(&wizard, &base, &issuer, ("key", "")).await;
    let page = wizard.browser.get(format!("{base}/provider")).await;
    let keys = published(&world, &page).await;
    let trace = world.test(&wizard, &base, member("ada", &[])).await;
    let again = prove(&wizard, &base, &issuer, ("key", "")).await;

    assert_eq!(fragment(&saved), format!("{base}/provider#key"), "what has to be registered comes first");
    check(&page, 200, "value=\"key\" checked");
    check(&page, 200, &format!("&#34;kid&#34;: &#34;{}&#34;", keys[0].kid));
    assert!(!page.body.contains("&#34;d&#34;"), "the private half is shown: {}", page.body);
    check(&trace, 200, "The test passed");
    let assertion = world.provider.redeemed("client_assertion").expect("an assertion");
    assert_eq!(world.provider.redeemed("client_secret"), None);
    let known: KeySet = keys.iter().map(|key| VerifyingKey::from_jwk(key).expect("a key")).collect();
    let claims: Value = verify(&assertion, &known, "JWT").expect("signed by the published key");
    assert_eq!(
        (&claims["iss"], &claims["sub"], &claims["aud"]),
        (&json!(CLIENT_ID), &json!(CLIENT_ID), &json!(issuer))
    );
    assert_eq!(again.leads_to(), format!("{base}/mapping"), "the key stays: {}", again.body);
    assert_eq!(versions(&world).await, "1");
}

#[tokio::test]
async fn the_key_that_people_sign_in_by_stays_published_while_something_else_is_tried() {
    let world = World::start().await;
    let wizard = world.open(&world.link("acme", &[]).await).await;
    let base = wizard.create("oidc").await;
    let (issuer, other) = (world.provider.issuer().to_owned(), OpenIdProvider::start().await);
    prove(&wizard, &base, &issuer, ("key", "")).await;
    let page = wizard.browser.get(format!("{base}/provider")).await;
    let first = published(&world, &page).await;
    world.test(&wizard, &base, member("ada", &[])).await;
    wizard.activate(&base, "1").await;

    let secret = prove(&wizard, &base, &issuer, ("secret", CLIENT_SECRET)).await;
    let during = published(&world, &page).await;
    let elsewhere = prove(&wizard, &base, other.issuer(), ("key", "")).await;
    let both = published(&world, &page).await;

    assert_eq!(secret.leads_to(), format!("{base}/mapping"), "{}", secret.body);
    assert_eq!(during, first);
    assert_eq!(fragment(&elsewhere), format!("{base}/provider#key"), "{}", elsewhere.body);
    assert_eq!((both.len(), both[0] == first[0]), (2, true), "another provider is told another key");
    assert_eq!(world.connection("live_version").await, "1");
}

#[tokio::test]
async fn a_provider_that_takes_no_private_keys_says_so_before_anybody_is_locked_out() {
    let world = World::start().await;
    let wizard = world.open(&world.link("acme", &[]).await).await;
    let base = wizard.create("oidc").await;
    for (name, value, expected) in [
        (
            "token_endpoint_auth_methods_supported",
            json!(["client_secret_post"]),
            "does not say that it takes private_key_jwt",
        ),
        ("token_endpoint_auth_signing_alg_values_supported", json!(["RS256"]), "no keys for ES256"),
    ] {
        let provider = OpenIdProvider::start().await;
        provider.fault(|faults| {
            faults.more.insert(name.to_owned(), value);
        });

        let refused = prove(&wizard, &base, provider.issuer(), ("key", "")).await;

        check(&refused, 422, expected);
        check(&refused, 422, "value=\"key\" checked");
    }
    let missing = prove(&wizard, &base, world.provider.issuer(), ("secret", "")).await;
    check(&missing, 422, "Paste the client secret");
    let fields = [("vendor", "google"), ("protocol", "oidc"), ("name", "Google")];
    let google = wizard.post("/setup/new", &fields).await.leads_to().replace("/values", "/provider");
    assert!(!wizard.browser.get(google).await.body.contains("name=\"authentication\""));
    assert_eq!(versions(&world).await, "");
}
