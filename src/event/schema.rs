//! The JSON Schema of every kind; what `dataschema` points at.

use serde_json::{Value, json};

use super::{Facts, Kind};

/// The schema of a kind's `data`; `None` for a kind that the catalogue does not know, unless it
/// is a provider's `unmapped`.
pub fn of(name: &str) -> Option<Value> {
    let kind = Kind::parse(name);
    if kind.entry().is_none() && !name.ends_with(".unmapped") {
        return None;
    }
    let summary = kind.entry().map_or("A payload that has no kind of its own.", |it| it.summary);
    let facts = schemars::schema_for!(Facts).to_value();
    let mut properties = serde_json::Map::new();
    for section in ["channel"].iter().chain(kind.sections()) {
        properties.insert((*section).to_owned(), facts["properties"][section].clone());
    }
    properties.insert(
        "raw".to_owned(),
        json!({ "description": "The provider's own fragment, verbatim." }),
    );
    Some(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "description": summary,
        "type": "object",
        "properties": properties,
        "required": ["channel", "raw"],
        "$defs": facts["$defs"],
    }))
}
