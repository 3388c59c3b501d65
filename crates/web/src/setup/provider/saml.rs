//! A SAML provider's metadata, or what there is instead.

use askama::Template;
use axum::response::Response;
use orgate_domain::connections::{ProviderSettings, SamlSettings};
use orgate_flows::setup::SetupError;
use orgate_flows::setup::certificates::is_private;
use orgate_flows::setup::provider::{SamlGiven, SamlInput, save_saml};
use orgate_flows::setup::saved::{SavedCertificate, saved_certificates, summary, typed_before};
use orgate_flows::setup::unsolicited::{Application, applications};

use super::super::OfConnection;
use super::super::frame::{Frame, Step, day, page};
use super::{Again, Errors};
use crate::fields::Form;
use crate::page::{Page, render};

/// `templates/setup/provider_saml.html`.
#[derive(Template)]
#[template(path = "setup/provider_saml.html")]
struct SamlPage {
    page: Page,
    frame: Frame,
    seen: i32,
    saved: Vec<(&'static str, String)>,
    certificates: Vec<Certificate>,
    typed: TypedSaml,
    /// The way by hand is unfolded.
    by_hand: bool,
    /// Applications that sign-ins may begin at the provider for, and whether each is chosen.
    applications: Vec<(Application, bool)>,
    errors: Errors,
}

#[derive(Default)]
struct TypedSaml {
    metadata_url: String,
    metadata: String,
    entity: String,
    entity_id: String,
    sso_url: String,
    certificate: String,
    sign_requests: bool,
    force_authn: bool,
    unsolicited: bool,
    unsolicited_client: String,
}

struct Certificate {
    fingerprint: String,
    until: String,
    is_over: bool,
}

impl From<SavedCertificate> for Certificate {
    fn from(saved: SavedCertificate) -> Self {
        Self { fingerprint: saved.fingerprint, until: day(saved.not_after), is_over: saved.is_over }
    }
}

/// Saves it; where to go on.
pub(super) async fn save(of: &OfConnection, seen: i32, form: &mut Form) -> Result<String, SetupError> {
    let text = |name| form.text(name).to_owned();
    let typed = [text("entity_id"), text("sso_url"), text("certificate")];
    let given = SamlGiven {
        address: form.get("metadata_url").map(str::to_owned),
        text: form.get("metadata").map(str::to_owned),
        typed,
        file: form.take_file(),
    };
    let input = SamlInput {
        source: given.source(&of.detail)?,
        entity_id: form.get("entity").map(str::to_owned),
        sign_requests: form.is_ticked("sign_requests"),
        force_authn: form.is_ticked("force_authn"),
        unsolicited: form.is_ticked("unsolicited").then(|| form.text("unsolicited_client").to_owned()),
    };
    save_saml(&of.open.env, &of.open.setup, (&of.detail, seen), input, of.open.origin()).await?;
    Ok(Step::Mapping.href(&of.detail))
}

pub(super) async fn show(of: &OfConnection, frame: Frame, again: Again<'_>) -> Result<Response, SetupError> {
    let Again { status, seen, form, problems, .. } = again;
    let typed = form.map_or_else(|| kept(of), typed);
    let latest = of.detail.latest.as_ref().map(|version| &version.settings);
    let certificates = latest.map(|settings| saved_certificates(&of.open.env, settings)).unwrap_or_default();
    let template = SamlPage {
        page: page(&of.open),
        frame,
        seen,
        saved: latest.map(summary).unwrap_or_default(),
        certificates: certificates.into_iter().map(Certificate::from).collect(),
        by_hand: [&typed.entity_id, &typed.sso_url, &typed.certificate].iter().any(|text| !text.is_empty()),
        applications: choices(of, &typed).await?,
        typed,
        errors: Errors::new(problems),
    };
    Ok(render(status, &template, None))
}

/// What may be chosen; what is saved stays a choice, though it could not be chosen any more.
async fn choices(of: &OfConnection, typed: &TypedSaml) -> Result<Vec<(Application, bool)>, SetupError> {
    let mut known = applications(&of.open.env, &of.open.setup).await?;
    let saved = latest(of).and_then(|saml| saml.unsolicited_client.clone());
    if let Some(client_id) = saved.filter(|saved| known.iter().all(|known| known.client_id != *saved)) {
        known.push(Application { name: client_id.clone(), client_id });
    }
    let choice = |known: Application| {
        let is_chosen = known.client_id == typed.unsolicited_client;
        (known, is_chosen)
    };
    Ok(known.into_iter().map(choice).collect())
}

fn latest(of: &OfConnection) -> Option<&SamlSettings> {
    match &of.detail.latest.as_ref()?.settings.provider {
        ProviderSettings::Saml(saml) => Some(saml),
        ProviderSettings::Oidc(_) => None,
    }
}

fn kept(of: &OfConnection) -> TypedSaml {
    let Some(saml) = latest(of) else {
        return TypedSaml { sign_requests: true, ..TypedSaml::default() };
    };
    let [entity_id, sso_url, certificate] = typed_before(&of.detail).unwrap_or_default();
    TypedSaml {
        entity_id,
        sso_url,
        certificate,
        sign_requests: saml.sign_requests,
        force_authn: saml.force_authn,
        unsolicited: saml.allow_unsolicited,
        unsolicited_client: saml.unsolicited_client.clone().unwrap_or_default(),
        ..TypedSaml::default()
    }
}

fn typed(form: &Form) -> TypedSaml {
    let text = |name| form.text(name).to_owned();
    TypedSaml {
        metadata_url: text("metadata_url"),
        metadata: text("metadata"),
        entity: text("entity"),
        entity_id: text("entity_id"),
        sso_url: text("sso_url"),
        // A private key that went astray is not shown again.
        certificate: form.get("certificate").filter(|text| !is_private(text)).unwrap_or_default().to_owned(),
        sign_requests: form.is_ticked("sign_requests"),
        force_authn: form.is_ticked("force_authn"),
        unsolicited: form.is_ticked("unsolicited"),
        unsolicited_client: text("unsolicited_client"),
    }
}
