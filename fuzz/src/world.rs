//! The identity provider, the service provider and the moment that the corpus of `orgate-saml` was made for, and
//! whom its good messages name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use chrono::{DateTime, Duration, Utc};
use orgate_saml::certificate::Certificate;
use orgate_saml::key::KeyPair;
use orgate_saml::logout::LogoutCheck;
use orgate_saml::response::{Authentication, InResponseTo, Options, ResponseCheck};
use serde_json::Value;

use crate::Violation;

pub(crate) const IDP: &str = "https://idp.example.test/saml";
pub(crate) const SP: &str = "https://sso.example.test/saml/sp";
pub(crate) const ACS: &str = "https://sso.example.test/saml/acs/1";
pub(crate) const SLO: &str = "https://sso.example.test/saml/slo/1";
pub(crate) const REQUEST: &str = "_req-0123456789abcdef0123456789abcdef";

/// Whom a message names, and by which assertion.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    name_id: String,
    format: Option<String>,
    session_index: Option<String>,
    assertion_id: String,
    attributes: BTreeMap<String, Vec<String>>,
}

/// Keys, and what was signed with them on purpose.
pub(crate) struct World {
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) keys: Vec<KeyPair>,
    /// Entity ids of identity providers; all of them sign with the same keys.
    pub(crate) issuers: Vec<String>,
    /// Whom the corpus' good messages name.
    pub(crate) identities: Vec<Identity>,
    /// Queries of the corpus whose signature is genuine, whatever else is wrong with them.
    pub(crate) signed_queries: Vec<String>,
    pub(crate) now: DateTime<Utc>,
}

static WORLD: LazyLock<Result<World, Violation>> = LazyLock::new(World::read);

impl World {
    /// The world, read once.
    pub(crate) fn get() -> Result<&'static Self, Violation> {
        WORLD.as_ref().map_err(Clone::clone)
    }

    fn read() -> Result<Self, Violation> {
        let certificates =
            ["idp", "idp-next", "idp-ec"].map(certificate).into_iter().collect::<Result<_, _>>()?;
        let keys = ["sp", "sp-next"].map(key).into_iter().collect::<Result<_, _>>()?;
        let (mut issuers, mut identities) = (vec![IDP.to_owned()], Vec::new());
        for folder in ["valid", "libraries", "vendors"] {
            let cases = manifest(folder)?;
            issuers.extend(cases.iter().filter_map(|case| text(case.get("entity_id"))));
            identities.extend(cases.iter().filter_map(|case| Identity::read(case.get("identity")?)));
        }
        let logouts = manifest("logout")?;
        // The signature is good, or something else is found wrong after it was.
        let genuine = |case: &&Value| {
            !matches!(
                case.get("expect").and_then(Value::as_str),
                Some(
                    "message_signature" | "signature_algorithm" | "signing_certificate" | "decoded" | "size"
                )
            )
        };
        let signed_queries =
            logouts.iter().filter(genuine).filter_map(|case| text(case.get("query"))).collect();
        let now = DateTime::from_timestamp(1_772_366_400, 0).ok_or_else(|| broken("the present"))?;
        Ok(Self { certificates, keys, issuers, identities, signed_queries, now })
    }

    /// What a response of `issuer` is held against.
    pub(crate) fn response_check<'a>(
        &'a self,
        issuer: &'a str,
        in_response_to: InResponseTo<'a>,
    ) -> ResponseCheck<'a> {
        ResponseCheck {
            idp_entity_id: issuer,
            sp_entity_id: SP,
            acs_url: ACS,
            in_response_to,
            now: self.now,
            clock_skew: Duration::minutes(2),
            signing_certificates: &self.certificates,
            decryption_keys: &self.keys,
            // The laxest there is: what holds for it holds for all.
            options: Options { allow_cbc_without_signed_response: true, ..Options::default() },
        }
    }

    /// What a logout message is held against.
    pub(crate) fn logout_check(&self) -> LogoutCheck<'_> {
        LogoutCheck {
            idp_entity_id: IDP,
            slo_url: SLO,
            now: self.now,
            clock_skew: Duration::minutes(2),
            max_age: Duration::minutes(10),
            signing_certificates: &self.certificates,
            decryption_keys: &self.keys,
        }
    }
}

impl Identity {
    /// Reads one of a manifest. `None` where the library that made the message drew its ids at random.
    fn read(value: &Value) -> Option<Self> {
        let attributes = value.get("attributes")?.as_object()?.iter();
        let values = |value: &Value| Some(value.as_array()?.iter().filter_map(|v| text(Some(v))).collect());
        Some(Self {
            name_id: text(value.get("name_id"))?,
            format: text(value.get("format")),
            session_index: text(value.get("session_index")),
            assertion_id: text(value.get("assertion_id"))?,
            attributes: attributes.filter_map(|(name, list)| Some((name.clone(), values(list)?))).collect(),
        })
    }
}

impl From<&Authentication> for Identity {
    fn from(found: &Authentication) -> Self {
        let mut attributes = BTreeMap::<String, Vec<String>>::new();
        for attribute in &found.attributes {
            attributes.entry(attribute.name.clone()).or_default().extend(attribute.values.iter().cloned());
        }
        Self {
            name_id: found.name_id.value.clone(),
            format: found.name_id.format.clone(),
            session_index: found.session_index.clone(),
            assertion_id: found.assertion_id.clone(),
            attributes,
        }
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    value?.as_str().map(str::to_owned)
}

fn broken(what: &str) -> Violation {
    Violation(format!("the fixtures are not usable: {what}"))
}

fn read(name: &str) -> Result<String, Violation> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/saml/tests/corpus").join(name);
    fs::read_to_string(path).map_err(|error| broken(&format!("{name}: {error}")))
}

fn manifest(folder: &str) -> Result<Vec<Value>, Violation> {
    let name = format!("{folder}/cases.json");
    serde_json::from_str(&read(&name)?).map_err(|error| broken(&format!("{name}: {error}")))
}

fn certificate(name: &str) -> Result<Certificate, Violation> {
    Certificate::parse(&read(&format!("keys/{name}.crt"))?)
        .map_err(|error| broken(&format!("{name}: {error}")))
}

fn key(name: &str) -> Result<KeyPair, Violation> {
    let (key, certificate) = (read(&format!("keys/{name}.key"))?, read(&format!("keys/{name}.crt"))?);
    KeyPair::from_pem(&key, &certificate).map_err(|error| broken(&format!("{name}: {error}")))
}
