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

/// Keywords that say something to people alone.
const PROSE: [&str; 2] = ["title", "description"];

/// A promise may be added to an object, or its list of required members grow; anything else is another promise.
fn compare(at: &str, (released, now): (&Value, &Value), broken: &mut Vec<String>) {
    match (released, now) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in before.iter().filter(|(name, _)| !PROSE.contains(&name.as_str())) {
                let here = format!("{at}/{name}");
                match after.get(name) {
                    None => broken.push(format!("{here} is gone")),
                    Some(_) if name == "$id" => {}
                    Some(kept) if name == "required" => {
                        let kept = kept.as_array().map(Vec::as_slice).unwrap_or_default();
                        for member in value.as_array().map(Vec::as_slice).unwrap_or_default() {
                            if !kept.contains(member) {
                                broken.push(format!("{here}: {member} may be missing"));
                            }
                        }
                    }
                    Some(kept) => compare(&here, (value, kept), broken),
                }
            }
            // Where members are listed, more may come; elsewhere a new keyword narrows, which no reader minds.
        }
        _ if released == now => {}
        _ => broken.push(format!("{at} was {released} and is {now}")),
    }
}
