//! `/openapi.json`: what the operations are, in the words of the code that does them (`OpenAPI` 3.1).

use std::sync::LazyLock;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use orgate_flows::Env;
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::operations::{OPERATIONS, Operation};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Orgate management API",
        version = "1",
        description = "Organizations are run by programs: each by whoever its administrators let. \
                       An access token for the resource `{issuer}/api` names the organization, and what may be done in it \
                       is what its subject holds there now, its scope and its permissions say.",
    ),
    paths(
        super::organizations::get,
        super::setup_links::list,
        super::setup_links::post,
        super::setup_links::get,
        super::setup_links::delete,
        super::users::list,
        super::users::get,
    )
)]
struct Described;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = serde_json::to_value(Described::openapi()).unwrap_or_default();
    for Operation { method, path, permission } in OPERATIONS {
        let at = format!("/paths/{}/{}", path.replace('/', "~1"), method.to_ascii_lowercase());
        let Some(operation) = document.pointer_mut(&at).and_then(Value::as_object_mut) else { continue };
        operation.insert("security".to_owned(), json!([{ "access_token": [permission.as_str()] }]));
    }
    if let Some(components) = document.pointer_mut("/components").and_then(Value::as_object_mut) {
        let scheme = json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT" });
        components.insert("securitySchemes".to_owned(), json!({ "access_token": scheme }));
    }
    document
});

/// The document, of a server at `base`.
pub fn document(base: &str) -> Value {
    let mut document = DOCUMENT.clone();
    if let Some(document) = document.as_object_mut() {
        document.insert("servers".to_owned(), json!([{ "url": base }]));
    }
    document
}

/// Answers with the document. Anyone may read it.
pub(crate) async fn get(State(env): State<Env>) -> Response {
    let document = document(&env.issuer.at(super::PATH));
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "max-age=300")];
    (StatusCode::OK, headers, document.to_string()).into_response()
}
