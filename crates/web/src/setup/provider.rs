//! Step 3: the identity provider's metadata, or its issuer and credentials.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::connections::{ConnectionProtocol, ProviderSettings, Vendor};
use orgate_flows::setup::provider::{OidcInput, SamlInput, SamlSource, save_oidc, save_saml, summary};
use orgate_flows::setup::{Problem, SetupError};

use super::form::Form;
use super::frame::{Frame, Notice, Step, page, retry};
use super::{OfConnection, Submitted};
use crate::page::{Page, render};
use crate::present::see_other;

/// `templates/setup/provider_saml.html`.
#[derive(Template)]
#[template(path = "setup/provider_saml.html")]
struct SamlPage {
    page: Page,
    frame: Frame,
    seen: i32,
    saved: Vec<(&'static str, String)>,
    typed: TypedSaml,
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
}

/// `templates/setup/provider_oidc.html`.
#[derive(Template)]
#[template(path = "setup/provider_oidc.html")]
struct OidcPage {
    page: Page,
    frame: Frame,
    seen: i32,
    saved: Vec<(&'static str, String)>,
    typed: TypedOidc,
    has_secret: bool,
    asks_tenants: bool,
    asks_domains: bool,
    errors: Errors,
}

#[derive(Default)]
struct TypedOidc {
    issuer: String,
    client_id: String,
    tenants: String,
    hosted_domains: String,
}

/// Problems by the field of the form.
pub(crate) struct Errors(Vec<Problem>);

impl Errors {
    pub(crate) const fn new(problems: Vec<Problem>) -> Self {
        Self(problems)
    }

    /// The problem of a field, whether named as in the form or as in the document.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        let found = self.0.iter().find(|problem| problem.field.rsplit('.').next() == Some(field));
        found.map(|problem| problem.why.as_str())
    }
}

/// Shows what is saved, and asks for more.
pub(crate) async fn get(of: OfConnection) -> Response {
    let seen = of.detail.connection.latest_version;
    show(&of, (StatusCode::OK, seen), None, (Vec::new(), Vec::new()))
}

/// Takes it over.
pub(crate) async fn post(submitted: Submitted<OfConnection>) -> Response {
    let Submitted { of, mut form } = submitted;
    let seen = form.number("seen");
    let saved = match of.detail.connection.protocol {
        ConnectionProtocol::Oidc => {
            let input = oidc_input(&form);
            save_oidc(&of.open.env, &of.open.setup, (&of.detail, seen), input, of.open.origin()).await
        }
        ConnectionProtocol::Saml => match saml_input(&mut form) {
            Ok(input) => {
                save_saml(&of.open.env, &of.open.setup, (&of.detail, seen), input, of.open.origin()).await
            }
            Err(error) => Err(error),
        },
    };
    let Err(error) = saved else {
        return see_other(&of.open.env.issuer.at(&Step::Mapping.href(&of.detail)));
    };
    match retry(&of.open, error) {
        Ok(again) => {
            let place = (again.status, again.seen.unwrap_or(seen));
            show(&of, place, Some(&form), (vec![again.notice], again.problems))
        }
        Err(response) => *response,
    }
}

fn oidc_input(form: &Form) -> OidcInput {
    OidcInput {
        issuer: form.text("issuer").to_owned(),
        client_id: form.text("client_id").to_owned(),
        client_secret: form.get("client_secret").map(str::to_owned),
        tenants: form.words("tenants"),
        hosted_domains: form.words("hosted_domains"),
    }
}

fn saml_input(form: &mut Form) -> Result<SamlInput, SetupError> {
    let mut sources = Vec::new();
    if let Some(bytes) = form.take_file() {
        sources.push(SamlSource::Document(bytes, "file"));
    }
    if let Some(url) = form.get("metadata_url") {
        sources.push(SamlSource::Address(url.to_owned()));
    }
    if let Some(text) = form.get("metadata") {
        sources.push(SamlSource::Document(text.as_bytes().to_vec(), "metadata"));
    }
    if ["entity_id", "sso_url", "certificate"].iter().any(|name| form.get(name).is_some()) {
        sources.push(SamlSource::Typed {
            entity_id: form.text("entity_id").to_owned(),
            sso_url: form.text("sso_url").to_owned(),
            certificate: form.text("certificate").to_owned(),
        });
    }
    if sources.len() > 1 {
        let why = "Use one of the ways only: the others must be empty.".to_owned();
        return Err(SetupError::Invalid(vec![Problem { field: "metadata_url", why }]));
    }
    Ok(SamlInput {
        source: sources.pop().unwrap_or(SamlSource::Kept),
        entity_id: form.get("entity").map(str::to_owned),
        sign_requests: form.is_ticked("sign_requests"),
        force_authn: form.is_ticked("force_authn"),
    })
}

fn show(
    of: &OfConnection,
    (status, seen): (StatusCode, i32),
    form: Option<&Form>,
    (notices, problems): (Vec<Notice>, Vec<Problem>),
) -> Response {
    let mut problems = problems;
    if form.is_some_and(|form| form.get("client_secret").is_some()) {
        let why = "Enter the secret once more: what was typed is not shown again.".to_owned();
        problems.push(Problem { field: "client_secret", why });
    }
    let frame = Frame::of_step(of, Step::Provider).with(notices);
    let saved = of.detail.latest.as_ref().map(|version| summary(&version.settings)).unwrap_or_default();
    let (page, errors) = (page(&of.open), Errors::new(problems));
    match of.detail.connection.protocol {
        ConnectionProtocol::Saml => {
            let typed = form.map_or_else(|| kept_saml(of), typed_saml);
            render(status, &SamlPage { page, frame, seen, saved, typed, errors }, None)
        }
        ConnectionProtocol::Oidc => {
            let typed = form.map_or_else(|| kept_oidc(of), typed_oidc);
            let vendor = of.detail.connection.vendor;
            let template = OidcPage {
                page,
                frame,
                seen,
                saved,
                has_secret: of
                    .detail
                    .latest
                    .as_ref()
                    .is_some_and(|version| version.secrets.client_secret.is_some()),
                asks_tenants: typed.issuer.contains("{tenantid}") || !typed.tenants.is_empty(),
                asks_domains: vendor == Vendor::Google || typed.issuer == "https://accounts.google.com",
                typed,
                errors,
            };
            render(status, &template, None)
        }
    }
}

fn kept_saml(of: &OfConnection) -> TypedSaml {
    let kept = of.detail.latest.as_ref().and_then(|version| match &version.settings.provider {
        ProviderSettings::Saml(saml) => Some((saml.sign_requests, saml.force_authn)),
        ProviderSettings::Oidc(_) => None,
    });
    let (sign_requests, force_authn) = kept.unwrap_or((true, false));
    TypedSaml { sign_requests, force_authn, ..TypedSaml::default() }
}

fn typed_saml(form: &Form) -> TypedSaml {
    let text = |name| form.text(name).to_owned();
    TypedSaml {
        metadata_url: text("metadata_url"),
        metadata: text("metadata"),
        entity: text("entity"),
        entity_id: text("entity_id"),
        sso_url: text("sso_url"),
        certificate: text("certificate"),
        sign_requests: form.is_ticked("sign_requests"),
        force_authn: form.is_ticked("force_authn"),
    }
}

fn kept_oidc(of: &OfConnection) -> TypedOidc {
    let kept = of.detail.latest.as_ref().map(|version| &version.settings.provider);
    match kept {
        Some(ProviderSettings::Oidc(oidc)) => TypedOidc {
            issuer: oidc.issuer.clone(),
            client_id: oidc.client_id.clone(),
            tenants: oidc.tenants.join(", "),
            hosted_domains: oidc.hosted_domains.join(", "),
        },
        _ => TypedOidc {
            issuer: match of.detail.connection.vendor {
                Vendor::Google => "https://accounts.google.com".to_owned(),
                Vendor::JumpCloud => "https://oauth.id.jumpcloud.com/".to_owned(),
                _ => String::new(),
            },
            hosted_domains: of.detail.domains.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            ..TypedOidc::default()
        },
    }
}

fn typed_oidc(form: &Form) -> TypedOidc {
    let text = |name| form.text(name).to_owned();
    TypedOidc {
        issuer: text("issuer"),
        client_id: text("client_id"),
        tenants: text("tenants"),
        hosted_domains: text("hosted_domains"),
    }
}
