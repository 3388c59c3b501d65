//! A SAML provider's side: its metadata, pasted, uploaded, fetched or typed in.

use orgate_domain::audit::Origin;
use orgate_domain::connections::{ProviderSettings, SamlBinding, SamlSettings};
use orgate_saml::metadata::{IdpMetadata, MetadataError};
use url::Url;

use super::super::connections::{Detail, NewSettings, save_settings};
use super::super::saved::typed_before;
use super::super::{Setup, SetupError, certificates, unsolicited};
use super::{secrets_of, settings_with};
use crate::federation::Version;
use crate::federation::saml_metadata::follow;
use crate::limits::Limited;
use crate::{Env, Failure, sentence};

/// Bytes of pasted or uploaded metadata at most.
pub const MAX_METADATA: usize = 512 * 1024;

/// Where a SAML provider's side comes from.
#[derive(Debug)]
pub enum SamlSource {
    /// Metadata itself; the field of the form that it came in.
    Document(Vec<u8>, &'static str),
    /// The address of metadata, which is then followed.
    Address(String),
    /// Nowhere: what was saved stays.
    Kept,
    /// Typed in.
    Typed {
        /// Its entity id.
        entity_id: String,
        /// Where requests go.
        sso_url: String,
        /// Its certificates: PEM, or one as base64.
        certificates: String,
    },
}

/// Everything that the form has room for, of which one is to be used.
#[derive(Debug, Default)]
pub struct SamlGiven {
    /// A file.
    pub file: Option<Vec<u8>>,
    /// The address of metadata.
    pub address: Option<String>,
    /// Metadata itself.
    pub text: Option<String>,
    /// Entity id, address for sign-ins, and certificates.
    pub typed: [String; 3],
}

impl SamlGiven {
    /// The one that is used; what was typed counts only if it was changed.
    ///
    /// # Errors
    /// [`SetupError::Invalid`] if there are several.
    pub fn source(self, detail: &Detail) -> Result<SamlSource, SetupError> {
        let before = typed_before(detail).unwrap_or_default();
        let same = self.typed.iter().zip(&before).all(|(now, before)| certificates::is_same(now, before));
        let is_empty = self.typed.iter().all(|text| text.trim().is_empty());
        let [entity_id, sso_url, certificates] = self.typed;
        let typed = (!same && !is_empty).then_some(SamlSource::Typed { entity_id, sso_url, certificates });
        let ways = [
            self.file.map(|bytes| SamlSource::Document(bytes, "file")),
            self.address.map(SamlSource::Address),
            self.text.map(|text| SamlSource::Document(text.into_bytes(), "metadata")),
            typed,
        ];
        let mut given = ways.into_iter().flatten();
        match (given.next(), given.next()) {
            (None, _) => Ok(SamlSource::Kept),
            (Some(source), None) => Ok(source),
            (Some(_), Some(_)) => {
                let why = "Use one of the ways only: leave the others as they were.";
                Err(SetupError::invalid("metadata_url", why))
            }
        }
    }
}

/// A SAML provider as the form says it.
#[derive(Debug)]
pub struct SamlInput {
    /// From where.
    pub source: SamlSource,
    /// Which one, where the metadata has several.
    pub entity_id: Option<String>,
    /// Whether requests are signed.
    pub sign_requests: bool,
    /// Whether the provider asks its user again at each sign-in.
    pub force_authn: bool,
    /// The `client_id` of the application that sign-ins may begin at the provider for.
    pub unsolicited: Option<String>,
}

/// Takes over a SAML provider's side.
///
/// # Errors
/// [`SetupError`].
pub async fn save_saml(
    env: &Env,
    setup: &Setup,
    (detail, seen): (&Detail, i32),
    input: SamlInput,
    origin: &Origin,
) -> Result<bool, SetupError> {
    let saml = provided(env, setup, detail.latest.as_deref(), input, origin).await?;
    let new = NewSettings {
        id: detail.connection.id,
        seen,
        settings: settings_with(detail, ProviderSettings::Saml(saml)),
        secrets: secrets_of(detail.latest.as_deref()),
        changed: &["provider"],
    };
    save_settings(env, setup, &new, origin).await
}

/// The provider as its form and its metadata say it; `latest` is the version before.
pub(crate) async fn provided(
    env: &Env,
    setup: &Setup,
    latest: Option<&Version>,
    input: SamlInput,
    origin: &Origin,
) -> Result<SamlSettings, SetupError> {
    let base = match latest.map(|version| &version.settings.provider) {
        Some(ProviderSettings::Saml(saml)) => saml.clone(),
        _ => blank(),
    };
    let base = SamlSettings { sign_requests: input.sign_requests, force_authn: input.force_authn, ..base };
    let saml = match input.source {
        SamlSource::Document(bytes, field) => {
            let metadata = read_metadata(env, bytes, (input.entity_id, field)).await?;
            SamlSettings { metadata_url: None, ..followed(&base, &metadata, field)? }
        }
        SamlSource::Address(address) => {
            env.limits.take(Limited::Pages, origin.address).map_err(Failure::from)?;
            let bytes = fetch(env, &address).await?;
            let metadata = read_metadata(env, bytes, (input.entity_id, "metadata_url")).await?;
            SamlSettings { metadata_url: Some(address), ..followed(&base, &metadata, "metadata_url")? }
        }
        SamlSource::Kept if latest.is_some() => base,
        SamlSource::Kept => {
            let why = "Give the provider's metadata in one of these ways.";
            return Err(SetupError::invalid("metadata", why));
        }
        SamlSource::Typed { entity_id, sso_url, certificates } => {
            let certificates = certificates::read(env, certificates).await?;
            let sso_binding = if sso_url == base.sso_url { base.sso_binding } else { SamlBinding::Redirect };
            // Another provider has its own way out: nobody's name is sent to the one before.
            let base = if entity_id == base.entity_id { base } else { without_logout(base) };
            SamlSettings { entity_id, sso_url, sso_binding, certificates, metadata_url: None, ..base }
        }
    };
    unsolicited::allowed(env, setup, saml, input.unsolicited.as_deref()).await
}

fn without_logout(settings: SamlSettings) -> SamlSettings {
    SamlSettings { slo_url: None, slo_response_url: None, ..settings }
}

async fn fetch(env: &Env, address: &str) -> Result<Vec<u8>, SetupError> {
    let refused = |why: String| SetupError::invalid("metadata_url", why);
    let url = Url::parse(address)
        .map_err(|_| refused("Paste the whole address, beginning with https://.".to_owned()))?;
    let accept = "application/samlmetadata+xml, application/xml;q=0.9, */*;q=0.1";
    let reply = env
        .outgoing
        .get(&url, accept)
        .await
        .map_err(|error| refused(format!("The address gave no metadata: {error}.")))?;
    if !reply.status.is_success() {
        return Err(refused(format!("The address answers {} instead of metadata.", reply.status.as_u16())));
    }
    Ok(reply.body)
}

async fn read_metadata(
    env: &Env,
    bytes: Vec<u8>,
    (entity_id, field): (Option<String>, &'static str),
) -> Result<IdpMetadata, SetupError> {
    if bytes.len() > MAX_METADATA {
        return Err(SetupError::invalid(field, "The metadata is longer than 512 KiB."));
    }
    let now = env.clock.now();
    let read = env.heavy.run(move || IdpMetadata::parse(&bytes, entity_id.as_deref())).await;
    let metadata = read.map_err(Failure::from)?.map_err(|error| {
        let place = if matches!(error, MetadataError::Ambiguous(_)) { "entity" } else { field };
        SetupError::invalid(place, sentence(&error.to_string()))
    })?;
    if metadata.has_expired(now) {
        return Err(SetupError::invalid(
            field,
            "This metadata says itself that it has expired. Export it anew.",
        ));
    }
    Ok(metadata)
}

fn followed(
    base: &SamlSettings,
    metadata: &IdpMetadata,
    field: &'static str,
) -> Result<SamlSettings, SetupError> {
    follow(base, metadata).map_err(|error| SetupError::invalid(field, sentence(&error.to_string())))
}

pub(super) const fn blank() -> SamlSettings {
    SamlSettings {
        entity_id: String::new(),
        sso_url: String::new(),
        sso_binding: SamlBinding::Redirect,
        slo_url: None,
        slo_response_url: None,
        slo_binding: SamlBinding::Redirect,
        certificates: Vec::new(),
        metadata_url: None,
        sign_requests: true,
        force_authn: false,
        authn_context: None,
        name_id_format: None,
        allow_unsolicited: false,
        unsolicited_client: None,
        require_encryption: false,
        allow_unauthenticated_cbc: false,
    }
}
