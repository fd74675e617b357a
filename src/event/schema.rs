//! The JSON Schema of every kind; what `dataschema` points at.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{Facts, Kind};

/// The schema of a kind's `data`; `None` for what is no kind. A kind that the catalogue does not
/// know is a provider's `unmapped`, or one that a source names itself.
pub fn of(name: &str) -> Option<Value> {
    let kind = Kind::parse(name);
    let summary = match kind.entry() {
        Some(entry) => entry.summary,
        None if name.ends_with(".unmapped") => "A payload that has no kind of its own.",
        None if is_kind(name) => "What a source's own mapping makes of a payload.",
        None => return None,
    };
    let facts = facts();
    let mut properties = Map::new();
    for section in ["channel"].iter().chain(kind.sections()) {
        properties.insert((*section).to_owned(), facts["properties"][section].clone());
    }
    properties.insert(
        "raw".to_owned(),
        json!({ "description": "The provider's own fragment, verbatim." }),
    );
    let properties = Value::from(properties);
    let mut definitions = Map::new();
    adopt(&properties, &facts, &mut definitions);
    Some(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "description": summary,
        "type": "object",
        "properties": properties,
        "required": ["channel", "raw"],
        "$defs": definitions,
    }))
}

/// Two lower-case words with a dot between them.
fn is_kind(name: &str) -> bool {
    let letter = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
    let word = |it: &str| !it.is_empty() && it.bytes().all(letter);
    name.split_once('.').is_some_and(|(left, right)| word(left) && word(right))
}

/// Every section as the wire has it: what is always written is required, what is not known is left
/// out and never null, and a conversation has the id that the journal gave it.
pub fn facts() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut facts = settings.into_generator().into_root_schema_for::<Facts>().to_value();
    never_null(&mut facts);
    let description = "The conversation, and what the provider stated about it.";
    facts["properties"]["conversation"]["description"] = description.into();
    let conversation = &mut facts["$defs"]["Conversation"];
    conversation["description"] = description.into();
    conversation["properties"]["id"] = json!({
        "description": "Our id of the conversation: the same as `subject`. It outlives a change of \
                        the contact's number.",
        "type": "string",
        "format": "uuid",
    });
    conversation["required"] = json!(["id"]);
    facts
}

/// Takes away what serves reading alone: defaults, and null where there is a value to expect.
fn never_null(schema: &mut Value) {
    let null = Value::from("null");
    match schema {
        Value::Object(fields) => {
            // A property may be called `default`; its schema is an object with a type.
            if fields.contains_key("type") || fields.contains_key("$ref") {
                fields.remove("default");
            }
            if let Some(Value::Array(types)) = fields.get_mut("type") {
                types.retain(|it| *it != null);
                if let [only] = &types[..] {
                    let only = only.clone();
                    fields.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
                choices.retain(|it| it["type"] != null);
                if let [Value::Object(only)] = &choices[..] {
                    let only = only.clone();
                    fields.remove("anyOf");
                    fields.extend(only);
                }
            }
            fields.values_mut().for_each(never_null);
        }
        Value::Array(items) => items.iter_mut().for_each(never_null),
        _ => {}
    }
}

/// Takes over every definition that a schema refers to, directly or not.
fn adopt(schema: &Value, root: &Value, definitions: &mut Map<String, Value>) {
    let mut found = BTreeSet::new();
    references(schema, &mut found);
    for name in found {
        if !definitions.contains_key(name) {
            let definition = &root["$defs"][name];
            definitions.insert(name.to_owned(), definition.clone());
            adopt(definition, root, definitions);
        }
    }
}

fn references<'a>(schema: &'a Value, found: &mut BTreeSet<&'a str>) {
    match schema {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            found.extend(reference.and_then(|it| it.strip_prefix("#/$defs/")));
            fields.values().for_each(|it| references(it, found));
        }
        Value::Array(items) => items.iter().for_each(|it| references(it, found)),
        _ => {}
    }
}
