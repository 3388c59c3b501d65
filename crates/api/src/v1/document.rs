//! `/openapi.json`: what the operations are, in the words of the code that does them (`OpenAPI` 3.1).

use std::sync::LazyLock;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use orgate_flows::Env;
use serde_json::{Map, Value, json};
use utoipa::OpenApi as _;

use super::operations::{Described, OPERATIONS, Operation};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = serde_json::to_value(Described::openapi()).unwrap_or_default();
    for operation in OPERATIONS {
        let (path, method) = (operation.path.replace('/', "~1"), operation.method.to_ascii_lowercase());
        let described = document.pointer_mut(&format!("/paths/{path}/{method}"));
        if let Some(described) = described.and_then(Value::as_object_mut) {
            complete(described, operation);
        }
    }
    if let Some(components) = document.pointer_mut("/components").and_then(Value::as_object_mut) {
        let scheme = json!({
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An access token for the resource `{issuer}/api`. One that is bound to a key is presented by DPoP.",
        });
        components.insert("securitySchemes".to_owned(), json!({ "access_token": scheme }));
    }
    document
});

/// Adds what all operations have: who may call, about which organization, and what goes wrong.
fn complete(described: &mut Map<String, Value>, operation: &Operation) {
    let takes = operation.permission.as_str();
    described.insert("security".to_owned(), json!([{ "access_token": [takes] }]));
    let organization = json!({
        "name": "organization", "in": "path", "required": true, "schema": { "type": "string" },
        "description": "Its id or slug",
    });
    match described.get_mut("parameters").and_then(Value::as_array_mut) {
        Some(parameters) => parameters.insert(0, organization),
        None => _ = described.insert("parameters".to_owned(), json!([organization])),
    }
    let problem = json!({
        "description": "A problem: see its `type`",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        "headers": {
            "www-authenticate": { "description": "Of 401 and 403: which token is needed", "schema": { "type": "string" } },
            "retry-after": { "description": "Of 429 and 503: seconds", "schema": { "type": "integer" } },
        },
    });
    if let Some(responses) = described.get_mut("responses").and_then(Value::as_object_mut) {
        responses.insert("default".to_owned(), problem);
    }
}

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
