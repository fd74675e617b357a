//! An event as a flat set of fields that never changes.
//!
//! "Only the fields present in the initial test will be read by Flow XO in the future"
//! (support.flowxo.com/article/22-webhooks): so every event has every field, and what it does not
//! know is empty. The names come from the table of paths: facts are only ever added.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::destination::Call;
use crate::event::paths;
use crate::lenient::text;

/// Each field's name, and where its value stands on the wire.
static FIELDS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let all = paths::all();
    // A list is one field, and so is whatever has nothing below it.
    let is_leaf = |name: &str| {
        let below = |it: &str| it.strip_prefix(name).is_some_and(|it| it.starts_with('.'));
        let mut below = all.iter().filter(|it| below(&it.name)).map(|it| &it.name[name.len()..]);
        below.all(|it| it.starts_with(".[]"))
    };
    let named = all.iter().filter_map(|it| Some((it, it.name.strip_prefix("event.")?)));
    let leaves = named.filter(|(it, name)| !name.contains("[]") && is_leaf(&it.name));
    let field = |(path, name): (&paths::Path, &str)| {
        (name.replace('.', "_"), format!("/{}", path.wire.replace('.', "/")))
    };
    leaves.map(field).collect()
});

/// The fields of a call: those of its newest event, the text of all of them, and the id that a
/// repetition has again.
pub(super) fn of(call: &Call, public_url: &str) -> Map<String, Value> {
    let wire: Value = serde_json::from_slice(&call.event().to_wire(public_url)).unwrap_or_default();
    let value = |place: &str| flat(wire.pointer(place).unwrap_or(&Value::Null)).into();
    let mut fields: Map<String, Value> =
        FIELDS.iter().map(|(name, place)| (name.clone(), value(place))).collect();
    fields.insert("text".to_owned(), call.text().into());
    fields.insert("delivery_id".to_owned(), call.id.to_string().into());
    fields
}

/// A value as text: nothing is empty, and what has parts is JSON.
pub(super) fn flat(value: &Value) -> String {
    match value {
        Value::Bool(it) => it.to_string(),
        Value::Object(_) | Value::Array(_) => value.to_string(),
        other => text(other).unwrap_or_default(),
    }
}
