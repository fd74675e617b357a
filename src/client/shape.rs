//! Whether two JSON values are of one shape: for tests that hold a simulator against an example.

use serde_json::Value;

/// Where the shapes differ; empty when they do not. Values may differ, and a null stands for
/// anything: an example shows one state of many. Lists are held against the example's first
/// element, so an empty one says nothing.
pub(super) fn differences(example: &Value, found: &Value) -> Vec<String> {
    let mut list = Vec::new();
    compare(example, found, "", &mut list);
    list
}

fn compare(example: &Value, found: &Value, at: &str, list: &mut Vec<String>) {
    match (example, found) {
        (Value::Object(example), Value::Object(found)) => {
            for (key, value) in example {
                match found.get(key) {
                    Some(other) => compare(value, other, &format!("{at}/{key}"), list),
                    None => list.push(format!("{at}/{key} is missing")),
                }
            }
            let strange = found.keys().filter(|it| !example.contains_key(*it));
            list.extend(strange.map(|key| format!("{at}/{key} is not in the example")));
        }
        (Value::Array(example), Value::Array(found)) => {
            let Some(first) = example.first() else { return };
            for (index, other) in found.iter().enumerate() {
                compare(first, other, &format!("{at}/{index}"), list);
            }
        }
        (Value::Null, _)
        | (_, Value::Null)
        | (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => {}
        (example, found) => list.push(format!("{at}: {example} became {found}")),
    }
}
