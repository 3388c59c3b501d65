//! Step 2: what to enter at the identity provider.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_flows::federation::{address, saml};

use super::OfConnection;
use super::frame::{Frame, Step, page};
use super::guides::{Field, Value, guide};
use crate::page::{Page, render};

/// `templates/setup/values.html`.
#[derive(Template)]
#[template(path = "setup/values.html")]
struct ValuesPage {
    page: Page,
    frame: Frame,
    vendor: &'static str,
    steps: Vec<Told>,
    bring: Vec<Part>,
    /// The step that comes next.
    next: String,
    /// This address has to be reachable from the provider: here it is not, most likely.
    is_local: bool,
}

struct Told {
    parts: Vec<Part>,
    fields: Vec<Given>,
}

/// Text, some of which is read on the provider's pages.
struct Part {
    is_theirs: bool,
    text: &'static str,
}

struct Given {
    id: String,
    label: &'static str,
    value: String,
}

fn parts(text: &'static str) -> Vec<Part> {
    let split = text.split('*').enumerate();
    split.map(|(place, text)| Part { is_theirs: place % 2 == 1, text }).collect()
}

/// Shows the guide of the vendor.
pub(crate) async fn get(of: OfConnection) -> Response {
    let connection = &of.detail.connection;
    let guide = guide(connection.vendor, connection.protocol);
    let mut count = 0;
    let mut given = |field: &Field| {
        count += 1;
        Given { id: format!("value-{count}"), label: field.label, value: value_of(&of, field.value) }
    };
    let steps = guide
        .steps
        .iter()
        .map(|step| Told { parts: parts(step.text), fields: step.fields.iter().map(&mut given).collect() })
        .collect();
    let host = of.open.env.issuer.url().host_str().unwrap_or_default();
    let template = ValuesPage {
        page: page(&of.open),
        frame: Frame::of_step(&of, Step::Values),
        vendor: connection.vendor.name(),
        steps,
        bring: parts(guide.bring),
        next: Step::Provider.href(&of.detail),
        is_local: host == "localhost" || host.starts_with("127."),
    };
    render(StatusCode::OK, &template, None)
}

fn value_of(of: &OfConnection, value: Value) -> String {
    let (env, scope, id) = (&of.open.env, &of.open.setup.scope, of.detail.connection.id);
    match value {
        Value::AcsUrl => address(env, scope, id, "/acs"),
        Value::BackchannelUri => address(env, scope, id, "/backchannel-logout"),
        Value::EntityId | Value::MetadataUrl => saml::entity_id(env, scope, id),
        Value::PostLogoutUri => env.issuer.at("/sso/signed-out"),
        Value::RedirectUri => address(env, scope, id, "/callback"),
        Value::SloUrl => address(env, scope, id, "/slo"),
        Value::Text(text) => text.to_owned(),
    }
}
