//! Keys, the manifest of the corpus, and what every case is held against.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Duration, Utc};
use orgate_saml::certificate::Certificate;
use orgate_saml::key::KeyPair;
use orgate_saml::response::{Authentication, InResponseTo, Options, ResponseCheck};
use serde::Deserialize;

pub(crate) const IDP: &str = "https://idp.example.test/saml";
pub(crate) const SP: &str = "https://sso.example.test/saml/sp";
pub(crate) const ACS: &str = "https://sso.example.test/saml/acs/1";
pub(crate) const SLO: &str = "https://sso.example.test/saml/slo/1";
pub(crate) const REQUEST: &str = "_req-0123456789abcdef0123456789abcdef";
const NOW: &str = "2026-03-01T12:00:00Z";

pub(crate) fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

pub(crate) fn now() -> DateTime<Utc> {
    time(NOW)
}

pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name)
}

pub(crate) fn read(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(crate) fn text(name: &str) -> String {
    String::from_utf8(read(name)).expect("UTF-8")
}

pub(crate) fn certificate(name: &str) -> Certificate {
    Certificate::parse(&text(&format!("keys/{name}.crt"))).expect("a certificate")
}

pub(crate) fn key(name: &str) -> KeyPair {
    let (key, certificate) = (text(&format!("keys/{name}.key")), text(&format!("keys/{name}.crt")));
    KeyPair::from_pem(&key, &certificate).expect("a key pair")
}

/// The identity provider's certificates as the connection has them, and our keys.
pub(crate) struct Keys {
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) keys: Vec<KeyPair>,
}

impl Keys {
    pub(crate) fn standard() -> Self {
        Self::named(&["idp", "idp-next", "idp-ec"], &["sp", "sp-next"])
    }

    pub(crate) fn named<S: AsRef<str>>(certificates: &[S], keys: &[S]) -> Self {
        Self {
            certificates: certificates.iter().map(|name| certificate(name.as_ref())).collect(),
            keys: keys.iter().map(|name| key(name.as_ref())).collect(),
        }
    }

    /// What a response is held against unless a case says otherwise.
    pub(crate) fn check(&self) -> ResponseCheck<'_> {
        ResponseCheck {
            idp_entity_id: IDP,
            sp_entity_id: SP,
            acs_url: ACS,
            in_response_to: InResponseTo::Exactly(REQUEST),
            now: now(),
            clock_skew: Duration::minutes(2),
            signing_certificates: &self.certificates,
            decryption_keys: &self.keys,
            options: Options::default(),
        }
    }
}

/// One line of a manifest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) note: String,
    /// The name of the check that refuses it; none if it must be accepted.
    pub(crate) expect: Option<String>,
    pub(crate) identity: Option<Identity>,
    #[serde(default)]
    in_response_to: Answers,
    now: Option<String>,
    #[serde(default)]
    allow_cbc: bool,
    #[serde(default)]
    require_encrypted: bool,
    #[serde(default)]
    authn_context: Vec<String>,
    certificates: Option<Vec<String>>,
    keys: Option<Vec<String>>,
    #[serde(skip)]
    pub(crate) folder: String,
}

/// Which request a case answers: the usual one where the manifest says nothing, none where it says `null`.
#[derive(Default)]
enum Answers {
    #[default]
    Usual,
    None,
    Other(String),
}

impl<'de> Deserialize<'de> for Answers {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::None, Self::Other))
    }
}

/// Whom an accepted message names.
#[derive(Deserialize, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    pub(crate) name_id: String,
    pub(crate) format: Option<String>,
    /// None in a case where the library that made the message drew it at random and hid it.
    pub(crate) assertion_id: Option<String>,
    pub(crate) session_index: Option<String>,
    pub(crate) attributes: std::collections::BTreeMap<String, Vec<String>>,
}

impl From<&Authentication> for Identity {
    fn from(found: &Authentication) -> Self {
        let mut attributes = std::collections::BTreeMap::<String, Vec<String>>::new();
        for attribute in &found.attributes {
            attributes.entry(attribute.name.clone()).or_default().extend(attribute.values.iter().cloned());
        }
        Self {
            name_id: found.name_id.value.clone(),
            format: found.name_id.format.clone(),
            assertion_id: Some(found.assertion_id.clone()),
            session_index: found.session_index.clone(),
            attributes,
        }
    }
}

impl Identity {
    /// Whether what was found is what was meant; libraries draw ids of their own.
    pub(crate) fn names(&self, found: &Self, drawn: bool) -> bool {
        let same_ids = (self.assertion_id == found.assertion_id && self.session_index == found.session_index)
            || (drawn && (self.assertion_id.is_none() || self.assertion_id == found.assertion_id));
        same_ids
            && self.name_id == found.name_id
            && self.format == found.format
            && self.attributes == found.attributes
    }
}

impl Case {
    /// The cases of a folder.
    pub(crate) fn all(folder: &str) -> Vec<Self> {
        let mut cases: Vec<Self> =
            serde_json::from_slice(&read(&format!("{folder}/cases.json"))).expect("a manifest");
        assert!(!cases.is_empty(), "{folder} is empty");
        for case in &mut cases {
            folder.clone_into(&mut case.folder);
        }
        cases
    }

    pub(crate) fn xml(&self) -> Vec<u8> {
        read(&format!("{}/{}.xml", self.folder, self.name))
    }

    pub(crate) fn keys(&self) -> Keys {
        let standard = Keys::standard();
        let certificates = self.certificates.as_ref();
        let keys = self.keys.as_ref();
        Keys {
            certificates: certificates
                .map_or(standard.certificates, |names| names.iter().map(|name| certificate(name)).collect()),
            keys: keys.map_or(standard.keys, |names| names.iter().map(|name| key(name)).collect()),
        }
    }

    pub(crate) fn check<'a>(&'a self, keys: &'a Keys) -> ResponseCheck<'a> {
        let mut check = keys.check();
        match &self.in_response_to {
            Answers::Usual => {}
            Answers::None => check.in_response_to = InResponseTo::Unsolicited,
            Answers::Other(id) => check.in_response_to = InResponseTo::Exactly(id),
        }
        if let Some(now) = &self.now {
            check.now = time(now);
        }
        check.options.allow_cbc_without_signed_response = self.allow_cbc;
        check.options.require_encrypted = self.require_encrypted;
        check.options.required_authn_context = &self.authn_context;
        check
    }
}
