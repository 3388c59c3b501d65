//! A SAML identity provider that says whatever a test wants, and signs it or has a stranger sign it.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bergshamra::dsig::sign::sign_owned;
use bergshamra::keys::loader::load_rsa_private_pem;
use bergshamra::{DsigContext, KeysManager};
use chrono::{DateTime, Duration, Utc};
use orgate_flows::{Clock as _, SystemClock};
use orgate_saml::key::{KeyPair, KeySize};
use orgate_saml::logout::{LogoutRequest, LogoutResponse, LogoutStatus};
use orgate_saml::response::NameId;
use tokio::net::TcpListener;
use url::Url;

/// What the metadata's address does.
#[derive(Debug, Clone, Default)]
pub enum Served {
    /// It answers with this.
    Document(String),
    /// It takes the request and never answers.
    Hangs,
    /// It answers with more than anybody should read.
    Huge,
    /// It sends whoever asks to another of its addresses, which answers with this.
    Redirects(String),
    /// There is nothing.
    #[default]
    Nothing,
}

struct Provider {
    base: String,
    key: Arc<KeyPair>,
    foreign: KeyPair,
    served: Mutex<Served>,
}

/// A running provider.
#[derive(Clone)]
pub struct SamlProvider(Arc<Provider>);

impl std::fmt::Debug for SamlProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SamlProvider")
    }
}

/// A key, and a certificate that lasts until then.
pub fn new_key(expires_at: DateTime<Utc>) -> KeyPair {
    let from = SystemClock.now() - Duration::days(400);
    KeyPair::generate(KeySize::Rsa2048, "idp.example.test", from, expires_at).expect("a key")
}

/// A new id of a message.
pub fn new_id() -> String {
    format!("_{}", uuid::Uuid::now_v7().simple())
}

/// What a response says.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Where it is posted.
    pub acs: String,
    /// Whom it is for.
    pub audience: String,
    /// The request that it answers; `None`: nobody asked.
    pub in_response_to: Option<String>,
    /// Who it is.
    pub name_id: String,
    /// Their address.
    pub email: String,
    /// The session's name.
    pub sid: String,
    /// When it is made.
    pub issued_at: DateTime<Utc>,
}

/// A request to end sessions.
#[derive(Debug, Clone)]
pub struct Logout {
    /// Its id.
    pub id: String,
    /// Whom it says that it is for.
    pub destination: String,
    /// Who says it.
    pub issuer: String,
    /// Whose sessions.
    pub name_id: String,
    /// Which of them; none: all.
    pub sids: Vec<String>,
    /// When it is made.
    pub issued_at: DateTime<Utc>,
}

impl SamlProvider {
    /// Starts it on a port of its own, with a key that lasts; it ends with the test.
    pub async fn start() -> Self {
        Self::lasting_until(SystemClock.now() + Duration::days(3650)).await
    }

    /// The same, with a certificate that expires then.
    pub async fn lasting_until(expires_at: DateTime<Utc>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let provider = Arc::new(Provider {
            base: format!("http://{address}"),
            key: Arc::new(new_key(expires_at)),
            foreign: new_key(expires_at),
            served: Mutex::default(),
        });
        let router = Router::new()
            .route("/metadata", get(metadata))
            .route("/elsewhere", get(elsewhere))
            .with_state(Arc::clone(&provider));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self(provider)
    }

    /// Its entity id, which is where its metadata are.
    pub fn entity_id(&self) -> String {
        format!("{}/metadata", self.0.base)
    }

    /// Where it takes requests.
    pub fn sso_url(&self) -> String {
        format!("{}/sso", self.0.base)
    }

    /// Where it takes logout messages.
    pub fn slo_url(&self) -> String {
        format!("{}/slo", self.0.base)
    }

    /// What it signs with.
    pub fn key(&self) -> &KeyPair {
        &self.0.key
    }

    /// A key that is not its.
    pub fn foreign(&self) -> &KeyPair {
        &self.0.foreign
    }

    /// What its metadata's address does from now on.
    pub fn serve(&self, served: Served) {
        *self.0.served.lock().unwrap_or_else(PoisonError::into_inner) = served;
    }

    /// A connection to it, as a file declares one; `saml` are further lines of the provider's settings, `more` of the
    /// connection's.
    pub fn connection(&self, slug: &str, domain: &str, (saml, more): (&str, &str)) -> String {
        let (entity_id, base) = (self.entity_id(), &self.0.base);
        let certificate = self.key().certificate().base64();
        format!(
            "      - slug: {slug}
        domains: [{domain}]
        settings:
          provider:
            saml:
              entity_id: \"{entity_id}\"
              sso_url: \"{base}/sso\"
              slo_url: \"{base}/slo\"
              certificates: [\"{certificate}\"]
{saml}          trusts_addresses: true
{more}"
        )
    }

    /// A response whose assertion it signed.
    pub fn respond(&self, answer: &Answer) -> String {
        sign(self.response(answer), self.key())
    }

    /// A response before it is signed.
    pub fn response(&self, answer: &Answer) -> String {
        let Answer { acs, issued_at, .. } = answer;
        let (id, now, issuer) = (new_id(), instant(*issued_at), self.entity_id());
        let to =
            answer.in_response_to.as_ref().map(|id| format!(" InResponseTo=\"{id}\"")).unwrap_or_default();
        let assertion = self.assertion(answer);
        format!(
            "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{now}\" \
             Destination=\"{acs}\"{to}><saml:Issuer>{issuer}</saml:Issuer><samlp:Status><samlp:StatusCode \
             Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>{assertion}</samlp:Response>"
        )
    }

    fn assertion(&self, answer: &Answer) -> String {
        let Answer { acs, audience, name_id, email, sid, issued_at, .. } = answer;
        let (id, now, issuer) = (new_id(), instant(*issued_at), self.entity_id());
        let (begin, end) =
            (instant(*issued_at - Duration::minutes(1)), instant(*issued_at + Duration::minutes(5)));
        let to =
            answer.in_response_to.as_ref().map(|id| format!(" InResponseTo=\"{id}\"")).unwrap_or_default();
        let signature = signature_over(&id);
        format!(
            "<saml:Assertion ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{now}\"><saml:Issuer>{issuer}</saml:Issuer>\
             {signature}<saml:Subject><saml:NameID>{name_id}</saml:NameID><saml:SubjectConfirmation \
             Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData Recipient=\"{acs}\" \
             NotOnOrAfter=\"{end}\"{to}/></saml:SubjectConfirmation></saml:Subject><saml:Conditions \
             NotBefore=\"{begin}\" NotOnOrAfter=\"{end}\"><saml:AudienceRestriction><saml:Audience>{audience}\
             </saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant=\"{now}\" \
             SessionIndex=\"{sid}\"><saml:AuthnContext><saml:AuthnContextClassRef>\
             urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef></saml:AuthnContext>\
             </saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name=\"email\"><saml:AttributeValue>{email}\
             </saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>"
        )
    }

    /// Its metadata with these keys, signed by one if a key is given.
    pub fn metadata(&self, entity_id: &str, keys: &[&KeyPair], signer: Option<&KeyPair>) -> String {
        let (id, base) = (new_id(), &self.0.base);
        let signature = signer.map(|_| signature_over(&id)).unwrap_or_default();
        let described = keys.iter().map(|key| key_descriptor(key)).collect::<Vec<_>>().concat();
        let redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
        let xml = format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
             xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" ID=\"{id}\" entityID=\"{entity_id}\">{signature}\
             <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{described}\
             <md:SingleLogoutService Binding=\"{redirect}\" Location=\"{base}/slo\"/>\
             <md:SingleSignOnService Binding=\"{redirect}\" Location=\"{base}/sso\"/></md:IDPSSODescriptor>\
             </md:EntityDescriptor>"
        );
        signer.map_or(xml.clone(), |key| sign(xml, key))
    }

    /// Its answer to a logout request of ours, by redirect.
    pub fn logout_response(&self, destination: &str, in_response_to: &str, relay_state: Option<&str>) -> Url {
        let response = LogoutResponse {
            id: &new_id(),
            issue_instant: SystemClock.now(),
            destination,
            issuer: &self.entity_id(),
            in_response_to,
            status: LogoutStatus::Success,
        };
        let url = response.redirect_url(relay_state, self.key()).expect("signed");
        Url::parse(&url).expect("an address")
    }
}

impl Logout {
    /// The query of a redirect, signed with `key`.
    pub fn query(&self, relay_state: Option<&str>, key: &KeyPair) -> String {
        let url = self.with(|request| request.redirect_url(relay_state, key).expect("signed"));
        url.split_once('?').expect("a query").1.to_owned()
    }

    /// The form's `SAMLRequest`, signed with `key`.
    pub fn form(&self, key: &KeyPair) -> String {
        self.with(|request| request.post_form(key).expect("signed").value)
    }

    fn with<T>(&self, make: impl FnOnce(&LogoutRequest<'_>) -> T) -> T {
        let name_id = NameId {
            value: self.name_id.clone(),
            format: None,
            name_qualifier: None,
            sp_name_qualifier: None,
        };
        make(&LogoutRequest {
            id: &self.id,
            issue_instant: self.issued_at,
            not_on_or_after: Some(self.issued_at + Duration::minutes(5)),
            destination: &self.destination,
            issuer: &self.issuer,
            name_id: &name_id,
            session_indexes: &self.sids,
        })
    }
}

/// Fills in the empty signature of a document.
pub fn sign(xml: String, key: &KeyPair) -> String {
    let body = BASE64_STANDARD.encode(key.pkcs8());
    let mut lines = String::new();
    for (n, character) in body.chars().enumerate() {
        if n % 64 == 0 {
            lines.push('\n');
        }
        lines.push(character);
    }
    let pem = format!("-----BEGIN PRIVATE KEY-----{lines}\n-----END PRIVATE KEY-----\n");
    let mut signer = load_rsa_private_pem(pem.as_bytes()).expect("an RSA key");
    signer.x509_chain = vec![key.certificate().der().to_vec()];
    let mut keys = KeysManager::new();
    keys.add_key(signer);
    sign_owned(&DsigContext::new(keys), xml).expect("signed")
}

fn key_descriptor(key: &KeyPair) -> String {
    let certificate = key.certificate().base64();
    format!(
        "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )
}

fn signature_over(id: &str) -> String {
    format!(
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo><ds:CanonicalizationMethod \
         Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/><ds:SignatureMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/><ds:Reference URI=\"#{id}\">\
         <ds:Transforms><ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
         <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms><ds:DigestMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue></ds:DigestValue></ds:Reference>\
         </ds:SignedInfo><ds:SignatureValue></ds:SignatureValue><ds:KeyInfo><ds:X509Data></ds:X509Data>\
         </ds:KeyInfo></ds:Signature>"
    )
}

fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

async fn metadata(State(provider): State<Arc<Provider>>) -> Response {
    let served = provider.served.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match served {
        Served::Document(xml) => xml.into_response(),
        Served::Hangs => std::future::pending().await,
        Served::Huge => vec![b' '; 3 * 1024 * 1024].into_response(),
        Served::Redirects(_) => Redirect::temporary(&format!("{}/elsewhere", provider.base)).into_response(),
        Served::Nothing => axum::http::StatusCode::NOT_FOUND.into_response(),
    }
}

async fn elsewhere(State(provider): State<Arc<Provider>>) -> String {
    match provider.served.lock().unwrap_or_else(PoisonError::into_inner).clone() {
        Served::Redirects(xml) => xml,
        _ => String::new(),
    }
}
