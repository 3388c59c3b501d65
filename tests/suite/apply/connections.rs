//! Connections that files describe, and that nobody could sign in through.

use orgate_tests::app::App;

/// Acme with a connection that has this certificate.
fn acme(state: &str, certificate: &str) -> String {
    format!(
        "organizations:
  - slug: acme
    name: Acme Inc
    connections:
      - slug: directory
        state: {state}
        settings:
          provider:
            saml: {{ entity_id: idp, sso_url: https://idp.test/sso, certificates: [\"{certificate}\"] }}
"
    )
}

/// An empty variable is one, and half of what was copied.
#[tokio::test]
async fn a_certificate_is_one() {
    let app = App::start().await;
    let refusal = async |certificate: &str| {
        app.plan(&acme("active", certificate)).await.expect_err("refused").to_string()
    };

    let refused = [refusal("").await, refusal("MIIC").await, refusal("-----BEGIN CERTIFICATE-----").await];
    let draft = app.plan(&acme("draft", "MIIC")).await.expect("planned").to_string();

    insta::assert_snapshot!(refused.join("\n"), @"
    test.yaml:8:11: provider.saml.certificates, number 1: this is no X.509 certificate
    test.yaml:8:11: provider.saml.certificates, number 1: this is no X.509 certificate
    test.yaml:8:11: provider.saml.certificates, number 1: the certificate is neither PEM nor base64
    ");
    assert!(draft.starts_with("+ connection directory of acme (draft)"), "{draft}");
}
