//! What a configuration may hold, for editors (`sluicegate schema`) and readers
//! (`docs/config.md`). Both come from the types that read it, and from their doc comments.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::{routes, settings, shape};
use crate::destination;
use crate::lookup;
use crate::provider;

/// The JSON schema of `routes.yaml`.
pub fn schema() -> Json {
    let mut definitions = Map::new();
    let mut root = adopt(settings::schema(), "", &mut definitions);
    let providers = provider::REGISTRY.iter();
    let providers = providers.map(|it| (it.name, it.summary, (it.schema)().to_value()));
    let kinds = destination::REGISTRY.iter().map(|it| (it.kind, it.summary, it.schema()));
    let lookups = lookup::REGISTRY.iter().map(|it| (it.kind, it.summary, it.schema()));
    let source = choose("provider", "provider", providers, &mut definitions);
    let destination = choose("kind", "kind", kinds, &mut definitions);
    let lookup = choose("kind", "lookup", lookups, &mut definitions);
    let mut route = adopt(routes::schema(), "route.", &mut definitions);
    route["properties"]["lookup"]["additionalProperties"] = lookup;
    root["properties"]["sources"] = json!({
        "description": "What sends us webhooks, by name. Each is reached at `/hooks/<name>`.",
        "type": "object", "additionalProperties": source,
    });
    root["properties"]["destinations"] = json!({
        "description": "Where events can go, by name.",
        "type": "object", "additionalProperties": destination,
    });
    root["properties"]["routes"] = json!({
        "description": "Which events go where. Every route is asked, in the order of the file.",
        "type": "array", "items": route,
    });
    root["title"] = "Sluicegate routes.yaml".into();
    root["description"] = "What comes in, where it can go, and which of it goes where.".into();
    root["$defs"] = definitions.into();
    root
}

type Registered = (&'static str, &'static str, Json);

/// An entry whose settings depend on one of them. Its definitions go under a prefix.
fn choose(
    selector: &str,
    prefix: &str,
    registered: impl Iterator<Item = Registered>,
    definitions: &mut Map<String, Json>,
) -> Json {
    let registered: Vec<Registered> = registered.collect();
    let names: Vec<&str> = registered.iter().map(|(name, ..)| *name).collect();
    let branches: Vec<Json> = registered
        .iter()
        .map(|(name, summary, schema)| {
            let prefix = format!("{prefix}.{name}.");
            let mut then = adopt(schema.clone(), &prefix, definitions);
            drop(then.as_object_mut().and_then(|it| it.remove("title")));
            then["description"] = (*summary).into();
            then["properties"][selector] = json!({"const": name, "description": summary});
            let condition =
                json!({"required": [selector], "properties": {selector: {"const": name}}});
            json!({"if": condition, "then": then})
        })
        .collect();
    json!({
        "type": "object",
        "required": [selector],
        "properties": {selector: {"enum": names}},
        "allOf": branches,
    })
}

/// Moves a schema into a larger one: its definitions go to the common ones under a prefix, and
/// what is no text may be a `${…}` too.
fn adopt(mut schema: Json, prefix: &str, definitions: &mut Map<String, Json>) -> Json {
    rewrite(&mut schema, prefix);
    if let Some(object) = schema.as_object_mut() {
        object.remove("$schema");
        if let Some(Json::Object(own)) = object.remove("$defs") {
            definitions.extend(own.into_iter().map(|(name, it)| (format!("{prefix}{name}"), it)));
        }
    }
    schema
}

fn rewrite(schema: &mut Json, prefix: &str) {
    match schema {
        Json::Object(object) => {
            if let Some(Json::String(reference)) = object.get_mut("$ref") {
                *reference = reference.replace("#/$defs/", &format!("#/$defs/{prefix}"));
            }
            let kind = object.get("type").and_then(Json::as_str).unwrap_or_default();
            if matches!(kind, "integer" | "number" | "boolean") {
                object.insert("type".into(), json!([kind, "string"]));
                object.insert("pattern".into(), r"^\$\{.*\}$".into());
            }
            object.values_mut().for_each(|it| rewrite(it, prefix));
        }
        Json::Array(items) => items.iter_mut().for_each(|it| rewrite(it, prefix)),
        _ => {}
    }
}

/// One setting, as the reference lists it.
struct Row {
    name: String,
    kind: String,
    default: String,
    text: String,
}

/// Every setting, as Markdown: the content of `docs/config.md`.
pub fn reference() -> String {
    let mut page = "# Settings of routes.yaml\n\n\
        Durations are `500ms`, `30s`, `5min`, `1h`, `8d`; sizes `512B`, `64KiB`, `3MiB`, `10GiB`; rates \
        `60/min`, `30/15min`.\n\n\
        Any value may hold `${NAME}`, `${NAME:-default}`, `${NAME:?message}` or `${file:/path}`, quoted or \
        not; `$${` stands for `${` itself.\n\n\
        `sluicegate schema` prints the JSON Schema of this file, for editors. It is also kept in \
        [routes.schema.json](routes.schema.json).\n"
        .to_owned();
    section(&mut page, "## The gateway", None, &settings::schema());
    page.push_str(
        "\n## Sources\n\nUnder `sources:`, by name. Each is reached at `/hooks/<name>`.\n",
    );
    for entry in provider::REGISTRY {
        let heading = format!("### `provider: {}`", entry.name);
        section(&mut page, &heading, Some(entry.summary), &(entry.schema)().to_value());
    }
    page.push_str(
        "\n## Destinations\n\nUnder `destinations:`, by name. No source has the same name.\n",
    );
    for entry in destination::REGISTRY {
        let heading = format!("### `kind: {}`", entry.kind);
        section(&mut page, &heading, Some(entry.summary), &(entry.own_schema)().to_value());
    }
    let summary = "How deliveries are made. What is left out is as the kind has it.";
    section(&mut page, "### Every destination", Some(summary), &destination::common_schema());
    let summary = "Under `routes:`, a list. Every route is asked, in the order of the file.";
    section(&mut page, "## Routes", Some(summary), &routes::schema());
    page.push_str("\n## Lookups\n\nUnder `lookup:` of a route, by name.\n");
    for entry in lookup::REGISTRY {
        let heading = format!("### Lookups of `kind: {}`", entry.kind);
        section(&mut page, &heading, Some(entry.summary), &(entry.own_schema)().to_value());
    }
    let summary = "How lookups are made.";
    section(&mut page, "### Every lookup", Some(summary), &lookup::common_schema());
    page
}

fn section(page: &mut String, heading: &str, summary: Option<&str>, schema: &Json) {
    let _ = write!(page, "\n{heading}\n\n");
    if let Some(summary) = summary {
        let _ = write!(page, "{summary}\n\n");
    }
    page.push_str(&table(schema));
}

/// The settings of a schema as a Markdown table: name, type, default, what it does. What is
/// required comes first.
pub fn table(schema: &Json) -> String {
    let mut rows = rows(schema, schema, "");
    rows.sort_by_key(|it| it.default != "required");
    if rows.is_empty() {
        return "It has no settings.\n".to_owned();
    }
    let mut table =
        "| Setting | Type | Default | What it does |\n| --- | --- | --- | --- |\n".to_owned();
    for Row { name, kind, default, text } in rows {
        let text = text.replace('|', "\\|");
        let _ = writeln!(table, "| `{name}` | {kind} | {default} | {text} |");
    }
    table
}

/// The settings of a schema; those of a group follow it, with its name before theirs.
fn rows(schema: &Json, root: &Json, group: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let target = shape::resolve(property, root);
        let name = format!("{group}{name}");
        let required = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|it| it.as_str().is_some_and(|it| name.strip_prefix(group) == Some(it)));
        let text = property["description"].as_str().unwrap_or_default();
        let is_group = target["properties"].is_object();
        let default = match &property["default"] {
            _ if required => "required".to_owned(),
            Json::Null => String::new(),
            _ if is_group => String::new(),
            Json::String(text) if text.is_empty() => String::new(),
            Json::Array(list) if list.is_empty() => String::new(),
            Json::Object(map) if map.is_empty() => String::new(),
            Json::String(text) => format!("`{text}`"),
            other => format!("`{other}`"),
        };
        rows.push(Row {
            kind: describe(target, root),
            default,
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
            name: name.clone(),
        });
        if is_group {
            rows.extend(self::rows(target, root, &format!("{name}.")));
        }
    }
    rows
}

/// The type of a setting, in words.
fn describe(schema: &Json, root: &Json) -> String {
    let schema = shape::resolve(schema, root);
    if schema["writeOnly"] == true {
        return "secret".into();
    }
    if let Some(word) = schema["const"].as_str() {
        return format!("`{word}`");
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<_> =
            words.iter().filter_map(Json::as_str).map(|it| format!("`{it}`")).collect();
        return words.join(" or ");
    }
    if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let choices = choices.iter().filter(|it| it["type"] != "null");
        return choices.map(|it| describe(it, root)).collect::<Vec<_>>().join(" or ");
    }
    let kind = match &schema["type"] {
        Json::Array(kinds) => kinds.iter().filter_map(Json::as_str).find(|it| *it != "null"),
        kind => kind.as_str(),
    };
    match kind {
        Some("array") => format!("list of {}", describe(&schema["items"], root)),
        Some("object") if schema["properties"].is_object() => "group".into(),
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("map of {}", describe(&schema["additionalProperties"], root))
        }
        Some("object") => "map".into(),
        Some("string") => schema["format"].as_str().unwrap_or("text").into(),
        Some("integer" | "number") => "number".into(),
        Some("boolean") => "`true` or `false`".into(),
        _ => "anything".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::conceal;

    fn every_schema() -> Vec<(&'static str, Json)> {
        let providers = provider::REGISTRY.iter().map(|it| (it.name, (it.schema)().to_value()));
        let kinds = destination::REGISTRY.iter().map(|it| (it.kind, it.schema()));
        let own = [("the gateway", settings::schema()), ("a route", routes::schema())];
        let lookups = lookup::REGISTRY.iter().map(|it| (it.kind, it.schema()));
        own.into_iter().chain(providers).chain(kinds).chain(lookups).collect()
    }

    #[test]
    fn every_setting_has_a_sentence() {
        for (owner, schema) in every_schema() {
            for row in rows(&schema, &schema, "") {
                let sentence = row.text.ends_with('.');
                assert!(
                    sentence,
                    "`{}` of {owner} needs a doc comment, with a full stop",
                    row.name
                );
            }
        }
    }

    #[test]
    fn unknown_settings_are_refused_everywhere() {
        for (owner, schema) in every_schema() {
            let closed = schema["additionalProperties"] == false;
            assert!(closed, "{owner} needs `#[serde(deny_unknown_fields)]`");
        }
    }

    #[test]
    fn a_secret_is_known_by_its_name() {
        // Where a file cannot be parsed, names are all there is to find secrets by.
        for (owner, schema) in every_schema() {
            for row in rows(&schema, &schema, "").iter().filter(|it| it.kind.contains("secret")) {
                assert!(
                    conceal::is_secret(&row.name),
                    "name `{}` of {owner} in `conceal`",
                    row.name
                );
            }
        }
    }

    #[test]
    fn the_schema_knows_every_provider_and_kind() {
        let schema = schema();
        let branches = |section: &str, selector: &str| -> Vec<String> {
            let entry = &schema["properties"][section]["additionalProperties"];
            let branches = entry["allOf"].as_array().unwrap().iter();
            let name =
                |it: &Json| it["if"]["properties"][selector]["const"].as_str().unwrap().to_owned();
            branches.map(name).collect()
        };
        assert!(branches("sources", "provider").contains(&"whatsapp".to_owned()));
        assert!(branches("destinations", "kind").contains(&"queue".to_owned()));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(schema: &Json, found: &mut Vec<String>) {
            match schema {
                Json::Object(object) => {
                    found.extend(object.get("$ref").and_then(Json::as_str).map(str::to_owned));
                    object.values().for_each(|it| references(it, found));
                }
                Json::Array(items) => items.iter().for_each(|it| references(it, found)),
                _ => {}
            }
        }
        let schema = schema();
        let mut found = Vec::new();
        references(&schema, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            let pointer = reference.trim_start_matches('#');
            assert!(schema.pointer(pointer).is_some(), "{reference}");
        }
    }
}
