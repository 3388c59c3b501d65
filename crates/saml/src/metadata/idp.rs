//! Reading the metadata of an identity provider.
//!
//! **Invariant:** addresses are `https` or `http` without user information or fragment, and there is at least one
//! certificate to verify signatures with.

use chrono::{DateTime, Duration, Utc};

use crate::certificate::{Certificate, CertificateError};
use crate::check::Rejection;
use crate::crypto::{self, SignatureCore as _};
use crate::names::{BINDING_POST, BINDING_REDIRECT, DS, MD, MDUI, SAMLP};
use crate::tree::{Element, Tree};
use crate::{instant, scan, signature};

/// The namespace of `xml:lang`.
const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The longest address and the longest entity id (SAML core §8.3.6), in bytes.
const MAX_URL: usize = 2048;
const MAX_ENTITY_ID: usize = 1024;
/// How many certificates are kept.
const MAX_CERTIFICATES: usize = 16;

/// Why metadata cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// There are several identity providers, and none was chosen.
    #[error("the metadata describes several identity providers: choose one by its entity id ({})", .0.join(", "))]
    Ambiguous(Vec<String>),
    /// The entity id is missing or too long.
    #[error("the metadata has no entity id of at most 1024 bytes")]
    EntityId,
    /// The chosen entity is not there, or there is no identity provider at all.
    #[error("the metadata describes no SAML 2.0 identity provider of that name")]
    NoIdentityProvider,
    /// There is no certificate to verify signatures with.
    #[error("the metadata has no signing certificate that can be used{}", reason(.0.as_ref()))]
    NoSigningCertificate(Option<CertificateError>),
    /// There is no single sign-on address for the redirect or POST binding.
    #[error("the metadata has no single sign-on address for the redirect or POST binding")]
    NoSingleSignOn,
    /// The document is not acceptable XML, or not metadata.
    #[error("the metadata cannot be read: {0}")]
    Unreadable(#[from] Rejection),
    /// The metadata is not signed by any of the given certificates.
    #[error("the metadata is not signed with a certificate that is trusted for it: {0}")]
    Untrusted(Rejection),
}

fn reason(error: Option<&CertificateError>) -> String {
    error.map(|error| format!(": {error}")).unwrap_or_default()
}

/// How messages are sent to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// In the query of an address.
    Redirect,
    /// In a form.
    Post,
}

impl Binding {
    /// The URI of the binding.
    pub fn uri(self) -> &'static str {
        match self {
            Self::Redirect => BINDING_REDIRECT,
            Self::Post => BINDING_POST,
        }
    }
}

/// An address that takes messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// How.
    pub binding: Binding,
    /// Where.
    pub location: String,
    /// Where responses go, if elsewhere.
    pub response_location: Option<String>,
}

/// An identity provider, as its metadata describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdpMetadata {
    /// Its entity id.
    pub entity_id: String,
    /// Its single sign-on addresses, in the order of the metadata; at least one.
    pub sso: Vec<Endpoint>,
    /// Its single logout addresses.
    pub slo: Vec<Endpoint>,
    /// Its signing certificates, each once; at least one.
    pub signing_certificates: Vec<Certificate>,
    /// What is wrong with certificates that were left out.
    pub ignored_certificates: Vec<CertificateError>,
    /// Whether it takes only signed requests.
    pub want_authn_requests_signed: bool,
    /// The identifier formats that it knows.
    pub name_id_formats: Vec<String>,
    /// When the metadata ceases to be valid.
    pub valid_until: Option<DateTime<Utc>>,
    /// How long the metadata may be kept without looking again.
    pub cache_duration: Option<Duration>,
    /// Its name for people: English if there is one.
    pub display_name: Option<String>,
}

impl IdpMetadata {
    /// Reads metadata whose origin the caller vouches for.
    ///
    /// `entity_id` chooses among several identity providers; it may be `None` if there is one. One byte order mark
    /// before the document is tolerated, because the files that ADFS serves have one.
    pub fn parse(xml: &[u8], entity_id: Option<&str>) -> Result<Self, MetadataError> {
        let text = scan::scan(xml.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(xml))?;
        read(&Tree::parse(text)?, entity_id)
    }

    /// Reads metadata that one of `certificates` must have signed as a whole. What is read is what was signed.
    pub fn parse_signed(
        xml: &[u8],
        entity_id: Option<&str>,
        certificates: &[Certificate],
    ) -> Result<Self, MetadataError> {
        let text = scan::scan(xml.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(xml))?;
        let bytes = signed_bytes(text, certificates).map_err(MetadataError::Untrusted)?;
        read(&Tree::parse(scan::scan(&bytes)?)?, entity_id)
    }

    /// Whether the metadata says that it is no longer valid.
    pub fn has_expired(&self, now: DateTime<Utc>) -> bool {
        self.valid_until.is_some_and(|end| now >= end)
    }

    /// The address for single sign-on: by redirect if there is one.
    pub fn preferred_sso(&self) -> Option<&Endpoint> {
        preferred(&self.sso)
    }

    /// The address for single logout: by redirect if there is one.
    pub fn preferred_slo(&self) -> Option<&Endpoint> {
        preferred(&self.slo)
    }
}

fn preferred(endpoints: &[Endpoint]) -> Option<&Endpoint> {
    endpoints.iter().find(|endpoint| endpoint.binding == Binding::Redirect).or_else(|| endpoints.first())
}

fn signed_bytes(text: &str, certificates: &[Certificate]) -> Result<Vec<u8>, Rejection> {
    use crate::check::Check;

    let tree = Tree::parse(text)?;
    let root = tree.root()?;
    signature::unique_ids(root)?;
    let signatures = signature::placed(root, &[root])?;
    let signature = signatures
        .first()
        .copied()
        .ok_or_else(|| Rejection::new(Check::SignaturePresent, "the metadata is not signed"))?;
    signature::shape(signature)?;
    let method = signature::algorithms(signature)?;
    let usable = signature::usable(certificates, &[method])?;
    crypto::DEFAULT
        .verify(text, signature::id(&root)?, &usable)
        .map_err(|error| Rejection::new(Check::SignatureValid, error.to_string()))
}

/// An entity with its identity provider role.
struct Provider<'t> {
    entity: Element<'t>,
    role: Element<'t>,
}

fn read(tree: &Tree<'_>, entity_id: Option<&str>) -> Result<IdpMetadata, MetadataError> {
    let Provider { entity, role } = choose(tree.root()?, entity_id)?;
    let id = entity.attribute("entityID").map(str::trim);
    let id = id.filter(|id| !id.is_empty() && id.len() <= MAX_ENTITY_ID).ok_or(MetadataError::EntityId)?;
    let sso = endpoints(role, "SingleSignOnService");
    if sso.is_empty() {
        return Err(MetadataError::NoSingleSignOn);
    }
    let (signing_certificates, ignored_certificates) = certificates(role);
    if signing_certificates.is_empty() {
        return Err(MetadataError::NoSigningCertificate(ignored_certificates.into_iter().next()));
    }
    let scopes = || ancestors(role);
    Ok(IdpMetadata {
        entity_id: id.to_owned(),
        sso,
        slo: endpoints(role, "SingleLogoutService"),
        signing_certificates,
        ignored_certificates,
        want_authn_requests_signed: matches!(
            role.attribute("WantAuthnRequestsSigned").map(str::trim),
            Some("true" | "1")
        ),
        name_id_formats: role
            .children_named(MD, "NameIDFormat")
            .filter_map(|format| format.trimmed())
            .filter(|format| !format.is_empty())
            .collect(),
        valid_until: scopes().filter_map(|e| instant::parse(e.attribute("validUntil")?)).min(),
        cache_duration: scopes().filter_map(|e| instant::parse_duration(e.attribute("cacheDuration")?)).min(),
        display_name: display_name(entity, role),
    })
}

/// The element and those around it, whose validity it shares.
fn ancestors(element: Element<'_>) -> impl Iterator<Item = Element<'_>> {
    std::iter::successors(Some(element), Element::parent)
}

fn choose<'t>(root: Element<'t>, entity_id: Option<&str>) -> Result<Provider<'t>, MetadataError> {
    if !(root.is(MD, "EntityDescriptor") || root.is(MD, "EntitiesDescriptor")) {
        return Err(MetadataError::NoIdentityProvider);
    }
    let named = |entity: &Element<'t>| entity.attribute("entityID").map(str::trim);
    let providers = root
        .descendants()
        .filter(|element| element.is(MD, "EntityDescriptor"))
        .filter_map(|entity| identity_provider(entity).map(|role| Provider { entity, role }));
    let mut providers: Vec<_> =
        providers.filter(|provider| entity_id.is_none() || named(&provider.entity) == entity_id).collect();
    let found = providers.pop().ok_or(MetadataError::NoIdentityProvider)?;
    if providers.is_empty() {
        return Ok(found);
    }
    providers.push(found);
    let ids = providers.iter().filter_map(|provider| named(&provider.entity));
    Err(MetadataError::Ambiguous(ids.take(10).map(str::to_owned).collect()))
}

/// The role that speaks SAML 2.0: others, such as those of WS-Federation, are passed over.
fn identity_provider(entity: Element<'_>) -> Option<Element<'_>> {
    entity.children_named(MD, "IDPSSODescriptor").find(|role| {
        let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default();
        protocols.split_ascii_whitespace().any(|protocol| protocol == SAMLP)
    })
}

fn endpoints(role: Element<'_>, name: &str) -> Vec<Endpoint> {
    let read = |element: Element<'_>| {
        let binding = match element.attribute("Binding")?.trim() {
            BINDING_REDIRECT => Binding::Redirect,
            BINDING_POST => Binding::Post,
            _ => return None,
        };
        let location = location(element.attribute("Location")?)?;
        let response_location = element.attribute("ResponseLocation").and_then(self::location);
        Some(Endpoint { binding, location, response_location })
    };
    role.children_named(MD, name).filter_map(read).collect()
}

/// An absolute `https` or `http` address that a browser may be sent to.
fn location(text: &str) -> Option<String> {
    let text = text.trim();
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?']).next()?;
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '<' | '>' | '\\' | '`' | '#');
    let ok = text.len() <= MAX_URL
        && text.chars().all(plain)
        && !authority.contains('@')
        && authority.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    ok.then(|| text.to_owned())
}

/// The certificates of key descriptors for signing, or for no stated use, which means any (§2.4.1.1).
fn certificates(role: Element<'_>) -> (Vec<Certificate>, Vec<CertificateError>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let descriptors = role
        .children_named(MD, "KeyDescriptor")
        .filter(|descriptor| matches!(descriptor.attribute("use").map(str::trim), None | Some("signing")));
    let texts = descriptors
        .flat_map(|descriptor| descriptor.children_named(DS, "KeyInfo"))
        .flat_map(|info| info.children_named(DS, "X509Data"))
        .flat_map(|data| data.children_named(DS, "X509Certificate"));
    for text in texts.take(MAX_CERTIFICATES) {
        match Certificate::parse(&text.text().unwrap_or_default()) {
            Ok(certificate) if good.contains(&certificate) => {}
            Ok(certificate) => good.push(certificate),
            Err(error) => bad.push(error),
        }
    }
    (good, bad)
}

fn display_name(entity: Element<'_>, role: Element<'_>) -> Option<String> {
    let ui = role.first(MD, "Extensions").and_then(|extensions| extensions.first(MDUI, "UIInfo"));
    let ui_names = ui.into_iter().flat_map(|ui| ui.children_named(MDUI, "DisplayName"));
    let organizations = [role, entity].into_iter().filter_map(|element| element.first(MD, "Organization"));
    let organization_names =
        organizations.flat_map(|organization| organization.children_named(MD, "OrganizationDisplayName"));
    let mut names: Vec<_> = ui_names.collect();
    if names.is_empty() {
        names = organization_names.collect();
    }
    let english =
        names.iter().find(|name| name.attribute_in(XML, "lang").is_some_and(|l| l.starts_with("en")));
    let name = english.or(names.first())?.trimmed()?;
    let short: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
    (!short.is_empty()).then_some(short)
}
