//! `/openapi.json`: what the operations are, in the words of the code that does them (`OpenAPI` 3.1).

use std::sync::LazyLock;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use orgate_flows::Env;
use orgate_flows::manage::access::MAX_REASON;
use serde_json::{Map, Value, json};
use utoipa::OpenApi as _;

use super::change::MAX_KEY;
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
    add_patches(&mut document);
    if let Some(components) = document.pointer_mut("/components").and_then(Value::as_object_mut) {
        let scheme = json!({
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An access token for the resource `{issuer}/api`. One that is bound to a key is presented by DPoP.",
        });
        let key = json!({
            "type": "http", "scheme": "bearer",
            "description": "An API key of the organization, with what an operation takes among its permissions.",
        });
        let schemes = json!({ "access_token": scheme, "api_key": key });
        components.insert("securitySchemes".to_owned(), schemes);
    }
    document
});

/// Adds what all operations have: who may call, about which organization, and what goes wrong.
fn complete(described: &mut Map<String, Value>, operation: &Operation) {
    let takes = operation.permission.as_str();
    let mut security = vec![json!({ "access_token": [takes] })];
    security.extend(operation.takes_keys.then(|| json!({ "api_key": [takes] })));
    described.insert("security".to_owned(), Value::from(security));
    let parameters = described.entry("parameters").or_insert_with(|| json!([]));
    if let Some(parameters) = parameters.as_array_mut() {
        add_parameters(parameters, operation);
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
        for (status, response) in responses.iter_mut() {
            if let Some(response) = response.as_object_mut() {
                response.insert("headers".to_owned(), headers(status, operation));
            }
        }
        responses.insert("default".to_owned(), problem);
    }
}

/// What an operation is asked for besides what is its own.
fn add_parameters(parameters: &mut Vec<Value>, operation: &Operation) {
    let header = |name: &str, schema: Value, description: &str| {
        json!({
            "name": name, "in": "header", "required": false, "description": description, "schema": schema,
        })
    };
    let up_to = |longest: usize| json!({ "type": "string", "minLength": 1, "maxLength": longest });
    if operation.path.contains("{organization}") {
        let organization = json!({
            "name": "organization", "in": "path", "required": true, "schema": { "type": "string" },
            "description": "Its id or slug",
        });
        parameters.insert(0, organization);
        let why =
            "Why an operator asks about an organization that is not theirs: it keeps that in its audit log";
        parameters.push(header("Orgate-Reason", up_to(MAX_REASON), why));
    }
    if operation.method == "POST" {
        let once = "A key of this request's own: sent again with it within a day, it makes nothing twice";
        parameters.push(header("Idempotency-Key", up_to(MAX_KEY), once));
    }
    if operation.is_conditional {
        let only = "An ETag: done only if it is still what was read";
        parameters.push(header("If-Match", json!({ "type": "string" }), only));
    }
}

/// What answers say beside their body.
fn headers(status: &str, operation: &Operation) -> Value {
    let text = |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    let mut headers = json!({
        "ratelimit": text("What is left of your requests, and in how many seconds all of them are there again"),
        "ratelimit-policy": text("How many requests you have"),
        "x-request-id": text("In the log and in the audit events too"),
    });
    if let Some(headers) = headers.as_object_mut() {
        if status == "201" {
            headers.insert("location".to_owned(), text("Where it is read"));
        }
        if operation.is_tagged {
            headers.insert("etag".to_owned(), text("The state that is shown, for `If-Match`"));
        }
    }
    headers
}

/// Describes partial updates: what they may change, and nothing that they must; null takes away what need not be there. And
/// what answers show of the same: more than what may be changed.
fn add_patches(document: &mut Value) {
    let mut patches = Vec::new();
    for operation in OPERATIONS.iter().filter(|operation| operation.method == "PATCH") {
        let path = operation.path.replace('/', "~1");
        let Some(content) = document.pointer_mut(&format!("/paths/{path}/patch/requestBody/content")) else {
            continue;
        };
        let place = content.pointer_mut("/application~1merge-patch+json/schema/$ref");
        let Some(reference) = place else { continue };
        let whole = reference.as_str().unwrap_or_default().to_owned();
        *reference = Value::from(format!("{whole}Patch"));
        let same = content.get("application/merge-patch+json").cloned().unwrap_or_default();
        if let Some(content) = content.as_object_mut() {
            content.insert("application/json".to_owned(), same);
        }
        patches.push(whole.trim_start_matches("#/components/schemas/").to_owned());
    }
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else {
        return;
    };
    for name in patches {
        let mut patch = schemas.get(&name).cloned().unwrap_or_default();
        loosen(&mut patch);
        schemas.insert(format!("{name}Patch"), patch);
        let shown = schemas.get_mut(&name).and_then(Value::as_object_mut);
        shown.map(|shown| shown.remove("additionalProperties"));
    }
}

/// A schema of settings as one of their merge patch (RFC 7396).
fn loosen(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    let required = schema.remove("required").unwrap_or_default();
    let required: Vec<&str> = required.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    let optional = properties.iter_mut().filter(|(name, _)| !required.contains(&name.as_str()));
    for (_, property) in optional {
        if let Some(values) = property.get_mut("additionalProperties") {
            *values = or_null(values);
        }
        if property.get("type").is_some_and(Value::is_string) {
            *property = or_null(property);
        }
    }
}

fn or_null(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
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
