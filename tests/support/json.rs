//! Paths through JSON, and all the ways to spoil a leaf of it.

use serde_json::{Value, json};

/// The pointers that a pattern such as `/entry/*/changes` leads to in a value.
pub(crate) fn expand(value: &Value, pattern: &str) -> Vec<String> {
    let mut pointers = vec![String::new()];
    for token in pattern.split('/').skip(1) {
        let longer = |it: String| match (token, value.pointer(&it)) {
            ("*", Some(Value::Array(list))) => {
                (0..list.len()).map(|index| format!("{it}/{index}")).collect()
            }
            _ => vec![format!("{it}/{token}")],
        };
        pointers = pointers.into_iter().flat_map(longer).collect();
    }
    pointers.retain(|it| value.pointer(it).is_some());
    pointers
}

/// Every place in a value below its root, as pointers.
pub(crate) fn places(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(value, String::new(), &mut found);
    found.retain(|it| !it.is_empty());
    found
}

fn walk(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => {
            for (index, it) in list.iter().enumerate() {
                walk(it, format!("{at}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, it) in fields {
                walk(it, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        _ => {}
    }
    found.push(at);
}

/// Whether a value occurs anywhere in another.
pub(crate) fn contains(value: &Value, part: &Value) -> bool {
    value == part
        || match value {
            Value::Array(list) => list.iter().any(|it| contains(it, part)),
            Value::Object(fields) => fields.values().any(|it| contains(it, part)),
            _ => false,
        }
}

/// What a strange sender may write instead of the value that belongs there. `None`: nothing.
pub(crate) fn oddities() -> Vec<Option<Value>> {
    let odd = [
        json!(null),
        json!(true),
        json!(0),
        json!(-7),
        json!(1_697_043_223_000_i64),
        json!(u64::MAX),
        json!(1e300),
        json!(0.5),
        json!(""),
        json!("odd"),
        json!("US.134912"),
        json!("1697043223"),
        json!("\u{0}\u{202e}é😮"),
        json!([]),
        json!([[[]], 1, "a", null, {}]),
        json!({}),
        json!({"id": "odd", "type": {"type": []}, "": 1}),
    ];
    odd.into_iter().map(Some).chain([None]).collect()
}

/// Puts a value in a place, or takes the place away.
pub(crate) fn put(value: &mut Value, place: &str, odd: Option<Value>) {
    if let Some(odd) = odd {
        *value.pointer_mut(place).unwrap() = odd;
        return;
    }
    let (parent, token) = place.rsplit_once('/').unwrap();
    match value.pointer_mut(parent).unwrap() {
        Value::Array(list) => drop(list.remove(token.parse().unwrap())),
        Value::Object(fields) => {
            fields.remove(&token.replace("~1", "/").replace("~0", "~"));
        }
        _ => unreachable!("only lists and objects have places"),
    }
}
