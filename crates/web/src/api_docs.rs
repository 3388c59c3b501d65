//! `/api/docs`: the management API's description, to read.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use orgate_edge::AppState;
use orgate_flows::Env;
use serde_json::{Map, Value};

use crate::page::{Page, render};

/// Parameters that mean the same wherever they are: the page says it once.
const COMMON: [&str; 3] = ["organization", "Orgate-Reason", "Idempotency-Key"];

/// `templates/api_docs.html`.
#[derive(Template)]
#[template(path = "api_docs.html")]
struct ReferencePage<'a> {
    page: Page,
    base: &'a str,
    resource: &'a str,
    groups: &'a [Group],
    types: &'a [Type],
}

/// What there is to read.
struct Reference {
    base: String,
    groups: Vec<Group>,
    types: Vec<Type>,
}

/// Operations about one kind of thing.
struct Group {
    name: String,
    anchor: String,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    /// The permission that it takes.
    takes: String,
    parameters: Vec<Field>,
    /// The type of its body.
    body: Option<String>,
    answers: Vec<Answer>,
}

struct Answer {
    status: String,
    description: String,
    /// The type of its body.
    body: Option<String>,
}

/// The shape of a body, or of a part of one.
struct Type {
    name: String,
    description: String,
    fields: Vec<Field>,
    /// What it is, where it has no fields.
    shape: Option<String>,
}

struct Field {
    name: String,
    shape: String,
    /// The type that it refers to.
    refers: Option<String>,
    is_required: bool,
    description: String,
}

/// The route of the page about an API that `document` describes (`OpenAPI` 3.1).
pub fn api_docs(document: &Value) -> Router<AppState> {
    let reference = Arc::new(Reference::of(document));
    Router::new().route("/api/docs", get(async move |State(env): State<Env>| show(&env, &reference)))
}

fn show(env: &Env, reference: &Reference) -> Response {
    let Reference { base, groups, types } = reference;
    let resource = &env.issuer.api();
    render(StatusCode::OK, &ReferencePage { page: Page::new(env), base, resource, groups, types }, None)
}

impl Reference {
    fn of(document: &Value) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for (path, operations) in members(at(document, "/paths")) {
            for (method, described) in operations.as_object().into_iter().flatten() {
                let name = text(at(described, "/tags/0"));
                let operation = Operation::of((method, path), described);
                if let Some(group) = groups.iter_mut().find(|group| group.name == name) {
                    group.operations.push(operation);
                } else {
                    let anchor = name.to_lowercase().replace(' ', "-");
                    groups.push(Group { name, anchor, operations: vec![operation] });
                }
            }
        }
        groups.sort_by(|one, other| one.name.cmp(&other.name));
        let types = members(at(document, "/components/schemas")).map(|(name, schema)| Type::of(name, schema));
        Self { base: text(at(document, "/servers/0/url")), groups, types: types.collect() }
    }
}

impl Operation {
    fn of((method, path): (&str, &str), described: &Value) -> Self {
        let parameters = at(described, "/parameters").as_array().into_iter().flatten();
        let answers = members(at(described, "/responses")).filter(|(status, _)| *status != "default");
        Self {
            id: text(at(described, "/operationId")),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(described.get("summary").unwrap_or(at(described, "/description"))),
            takes: text(at(described, "/security/0/access_token/0")),
            parameters: parameters.map(parameter).filter(|field| !COMMON.contains(&&*field.name)).collect(),
            body: body(at(described, "/requestBody")),
            answers: answers
                .map(|(status, answer)| Answer {
                    status: status.to_owned(),
                    description: text(at(answer, "/description")),
                    body: body(answer),
                })
                .collect(),
        }
    }
}

fn parameter(described: &Value) -> Field {
    let (shape, refers) = shape(at(described, "/schema"));
    let place = text(at(described, "/in"));
    let shape = if place == "path" { shape } else { format!("{shape}, {place}") };
    Field {
        name: text(at(described, "/name")),
        shape,
        refers,
        is_required: at(described, "/required") == true,
        description: text(at(described, "/description")),
    }
}

impl Type {
    fn of(name: &str, schema: &Value) -> Self {
        let mut fields = Vec::new();
        // A type with all of another's fields is that and more.
        let parts = at(schema, "/allOf").as_array().map_or_else(|| vec![schema], |all| all.iter().collect());
        for part in &parts {
            if let Some(other) = at(part, "/$ref").as_str().map(referred) {
                let description = "All that is in it".to_owned();
                let (name, shape) = ("…".to_owned(), other.clone());
                fields.push(Field { name, shape, refers: Some(other), is_required: true, description });
            }
            fields.extend(fields_of(part));
        }
        let shape = fields.is_empty().then(|| shape(schema).0);
        Self { name: name.to_owned(), description: text(at(schema, "/description")), fields, shape }
    }
}

fn fields_of(schema: &Value) -> impl Iterator<Item = Field> {
    let required = at(schema, "/required");
    members(at(schema, "/properties")).map(move |(name, property)| {
        let (shape, refers) = shape(property);
        Field {
            name: name.to_owned(),
            shape,
            refers,
            is_required: required.as_array().is_some_and(|all| all.iter().any(|one| one == name)),
            description: text(at(property, "/description")),
        }
    })
}

/// What a schema is, in a few words, and the type that it refers to.
fn shape(schema: &Value) -> (String, Option<String>) {
    if let Some(name) = at(schema, "/$ref").as_str().map(referred) {
        return (name.clone(), Some(name));
    }
    let several = ["anyOf", "oneOf", "allOf"]
        .iter()
        .find_map(|key| schema.get(*key).unwrap_or(&Value::Null).as_array());
    if let Some(several) = several {
        let shapes: Vec<_> = several.iter().map(shape).collect();
        let words: Vec<_> = shapes.iter().map(|(words, _)| words.as_str()).collect();
        return (words.join(" or "), shapes.iter().find_map(|(_, refers)| refers.clone()));
    }
    let kinds: Vec<String> = match at(schema, "/type") {
        Value::Array(kinds) => kinds.iter().map(text).collect(),
        kind => vec![text(kind)],
    };
    if kinds.iter().any(|kind| kind == "array") {
        let (of, refers) = shape(at(schema, "/items"));
        return (format!("list of {of}"), refers);
    }
    if let Some(values) = at(schema, "/enum").as_array() {
        let values: Vec<_> = values.iter().map(text).collect();
        return (values.join(" | "), None);
    }
    (format!("{}{}", kinds.join(" or "), bounds(schema)), None)
}

/// Between what a number or the length of a text is.
fn bounds(schema: &Value) -> String {
    let range = |least: &str, most: &str| match (
        schema.get(least).unwrap_or(&Value::Null),
        schema.get(most).unwrap_or(&Value::Null),
    ) {
        (Value::Null, Value::Null) => String::new(),
        (Value::Null, most) => format!(", at most {most}"),
        (least, Value::Null) => format!(", at least {least}"),
        (least, most) => format!(", {least} to {most}"),
    };
    let length = range("minLength", "maxLength");
    let format = at(schema, "/format").as_str().filter(|format| format.starts_with("date"));
    let format = format.map_or_else(String::new, |format| format!(", {format}"));
    let unit = if length.is_empty() { "" } else { " characters" };
    [format, range("minimum", "maximum"), length, unit.to_owned()].concat()
}

fn body(described: &Value) -> Option<String> {
    let (_, content) = members(at(described, "/content")).next()?;
    at(content, "/schema/$ref").as_str().map(referred)
}

fn referred(reference: &str) -> String {
    reference.trim_start_matches("#/components/schemas/").to_owned()
}

/// What is at a place (RFC 6901); null if nothing is.
fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members = value.as_object().into_iter().flat_map(Map::iter);
    members.map(|(name, value)| (name.as_str(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shapes_are_told_in_a_few_words() {
        for (schema, words) in [
            (json!({ "type": "string", "minLength": 1, "maxLength": 200 }), "string, 1 to 200 characters"),
            (
                json!({ "type": ["integer", "null"], "minimum": 30, "maximum": 3600 }),
                "integer or null, 30 to 3600",
            ),
            (json!({ "type": "array", "items": { "$ref": "#/components/schemas/Role" } }), "list of Role"),
            (json!({ "type": "string", "enum": ["off", "domains"] }), "off | domains"),
            (json!({ "type": "string", "format": "date-time" }), "string, date-time"),
            (
                json!({ "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Role" }] }),
                "null or Role",
            ),
        ] {
            assert_eq!(shape(&schema).0, words);
        }
    }
}
