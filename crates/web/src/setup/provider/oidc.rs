//! An OpenID provider's issuer and credentials.

use askama::Template;
use axum::response::Response;
use orgate_domain::connections::{ProviderSettings, Vendor};
use orgate_flows::federation::address;
use orgate_flows::setup::provider::{ClientProof, OidcInput, save_oidc, takes_keys};
use orgate_flows::setup::saved::{proof_of, public_keys, summary};
use orgate_flows::setup::{Problem, SetupError};

use super::super::OfConnection;
use super::super::frame::{Frame, Step, page};
use super::{Again, Errors};
use crate::fields::Form;
use crate::page::{Page, render};

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
    asks: Asks,
    key: Option<Key>,
    errors: Errors,
}

/// What some providers need, or can do.
struct Asks {
    tenants: bool,
    domains: bool,
    /// The provider can be told a key of ours, or knows one.
    key: bool,
}

#[derive(Default)]
struct TypedOidc {
    issuer: String,
    client_id: String,
    by_key: bool,
    tenants: String,
    hosted_domains: String,
}

/// What the provider has to be told.
struct Key {
    jwks_uri: String,
    /// The same as text.
    jwks: String,
    /// The step after this one.
    next: String,
}

/// Saves it; where to go on.
pub(super) async fn save(of: &OfConnection, seen: i32, form: &Form) -> Result<String, SetupError> {
    let input = OidcInput {
        issuer: form.text("issuer").to_owned(),
        client_id: form.text("client_id").to_owned(),
        proof: match form.text("authentication") {
            "key" => Some(ClientProof::Key),
            "secret" => Some(ClientProof::Secret),
            _ => None,
        },
        client_secret: form.get("client_secret").map(str::to_owned),
        tenants: form.words("tenants"),
        hosted_domains: form.words("hosted_domains"),
        scopes: None,
        algorithms: None,
    };
    let made = save_oidc(&of.open.env, &of.open.setup, (&of.detail, seen), input, of.open.origin()).await?;
    Ok(if made {
        format!("{}#key", Step::Provider.href(&of.detail)) // the provider has to know it before the test
    } else {
        Step::Mapping.href(&of.detail)
    })
}

pub(super) fn show(of: &OfConnection, frame: Frame, again: Again<'_>) -> Response {
    let Again { status, seen, form, mut problems, .. } = again;
    if form.is_some_and(|form| form.get("client_secret").is_some()) {
        let why = "Enter the secret once more: what was typed is not shown again.".to_owned();
        problems.push(Problem { field: "client_secret", why });
    }
    let typed = form.map_or_else(|| kept(of), typed);
    let latest = of.detail.latest.as_ref();
    let vendor = of.detail.connection.vendor;
    let template = OidcPage {
        page: page(&of.open),
        frame,
        seen,
        saved: latest.map(|version| summary(&version.settings)).unwrap_or_default(),
        has_secret: latest.is_some_and(|version| version.secrets.client_secret.is_some()),
        asks: Asks {
            tenants: typed.issuer.contains("{tenantid}") || !typed.tenants.is_empty(),
            domains: vendor == Vendor::Google || typed.issuer == "https://accounts.google.com",
            key: takes_keys(vendor) || typed.by_key,
        },
        key: key(of),
        typed,
        errors: Errors::new(problems),
    };
    render(status, &template, None)
}

fn key(of: &OfConnection) -> Option<Key> {
    let (env, scope, id) = (&of.open.env, &of.open.setup.scope, of.detail.connection.id);
    public_keys(&of.detail).map(|jwks| Key {
        jwks_uri: address(env, scope, id, "/jwks"),
        jwks,
        next: Step::Mapping.href(&of.detail),
    })
}

fn kept(of: &OfConnection) -> TypedOidc {
    let by_key = proof_of(&of.detail) == Some(ClientProof::Key);
    match of.detail.latest.as_ref().map(|version| &version.settings.provider) {
        Some(ProviderSettings::Oidc(oidc)) => TypedOidc {
            issuer: oidc.issuer.clone(),
            client_id: oidc.client_id.clone(),
            by_key,
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

fn typed(form: &Form) -> TypedOidc {
    let text = |name| form.text(name).to_owned();
    TypedOidc {
        issuer: text("issuer"),
        client_id: text("client_id"),
        by_key: form.text("authentication") == "key",
        tenants: text("tenants"),
        hosted_domains: text("hosted_domains"),
    }
}
