//! What readers of tokens may rely on, judged by somebody else's validator.

use std::sync::LazyLock;

use jsonschema::Validator;
use orgate_protocol::schemas;
use serde_json::Value;

/// Panics unless `claims` are as the published schema says, by the name it is served under.
pub fn assert_contract(name: &str, claims: &Value) {
    static VALIDATORS: LazyLock<Vec<(&str, Validator)>> = LazyLock::new(|| {
        let compile = |(name, text): (&'static str, &str)| {
            let schema = serde_json::from_str(text).expect("JSON");
            let options = jsonschema::draft202012::options().should_validate_formats(true);
            (name, options.build(&schema).expect("a schema"))
        };
        schemas::V1.into_iter().map(compile).collect()
    });
    let (_, validator) =
        VALIDATORS.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no schema {name}"));
    let broken: Vec<String> =
        validator.iter_errors(claims).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(broken.is_empty(), "{name} breaks its contract: {broken:?} in {claims}");
}

/// What `now` no longer promises of what `released` did: a reader of the one may trip over the other.
pub fn broken_promises(released: &Value, now: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    compare("", (released, now), &mut broken);
    broken
}

/// Keywords that say something to people alone, or name the document.
const PROSE: [&str; 3] = ["$id", "description", "title"];

/// A schema may say more of a member, list more members, and demand more of them: whoever read what was there reads
/// on. Anything else is another promise, and below `if` and `not` so is more.
fn compare(at: &str, (released, now): (&Value, &Value), broken: &mut Vec<String>) {
    let (Value::Object(before), Value::Object(after)) = (released, now) else {
        return same(at, (released, now), broken);
    };
    for (keyword, value) in before.iter().filter(|(keyword, _)| !PROSE.contains(&keyword.as_str())) {
        let here = format!("{at}/{keyword}");
        let Some(kept) = after.get(keyword) else {
            broken.push(format!("{here} is gone"));
            continue;
        };
        match keyword.as_str() {
            "properties" | "$defs" => members(&here, (value, kept), broken),
            "items" | "then" | "additionalProperties" => compare(&here, (value, kept), broken),
            "required" => {
                let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
                for member in list(value).iter().filter(|member| !list(kept).contains(member)) {
                    broken.push(format!("{here}: {member} may be missing"));
                }
            }
            _ => same(&here, (value, kept), broken),
        }
    }
}

/// Schemas by name.
fn members(at: &str, (released, now): (&Value, &Value), broken: &mut Vec<String>) {
    for (name, schema) in released.as_object().into_iter().flatten() {
        match now.get(name) {
            Some(kept) => compare(&format!("{at}/{name}"), (schema, kept), broken),
            None => broken.push(format!("{at}/{name} is gone")),
        }
    }
}

fn same(at: &str, (released, now): (&Value, &Value), broken: &mut Vec<String>) {
    if released != now {
        broken.push(format!("{at} was {released} and is {now}"));
    }
}
