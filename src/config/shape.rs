//! Compares a tree with a JSON schema, and turns it into the JSON that the schema describes.
//!
//! The schemas come from the types that are read afterwards, so whatever passes here deserialises.
//! Every problem is told; the walk does not stop at the first.

use serde_json::{Map, Value as Json};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::yaml::{Entry, Kind, Node, Plain, Span, Value};
use super::{suggest, words};

/// Turns a node into JSON. `None` if it does not fit; the diagnostics say why.
///
/// `place` is where a problem of the node as a whole is shown, such as a missing setting.
pub(super) fn fit(
    node: &Node,
    place: Span,
    schema: &Json,
    diagnostics: &mut Diagnostics,
) -> Option<Json> {
    Walk { root: schema, diagnostics }.node(node, place, schema)
}

struct Walk<'a> {
    root: &'a Json,
    diagnostics: &'a mut Diagnostics,
}

impl<'a> Walk<'a> {
    fn node(&mut self, node: &Node, place: Span, schema: &'a Json) -> Option<Json> {
        if matches!(node.value, Value::Unknown) {
            return None;
        }
        let schema = resolve(schema, self.root);
        if schema["writeOnly"] == true {
            self.diagnostics.hide([node.span]);
        }
        if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            return self.choose(node, place, choices);
        }
        let types = types(schema);
        if types.is_empty() && schema["const"].is_null() {
            return Some(node.to_json());
        }
        let word = schema["enum"].is_array() || schema["const"].is_string();
        let Some(kind) = accept(node, &types, word) else {
            self.wrong_kind(node, place, &types);
            return None;
        };
        match (kind, &node.value) {
            (Kind::Map, Value::Map(entries)) => self.map(entries, place, schema),
            (Kind::List, Value::List(nodes)) => {
                if nodes.is_empty() && schema["minItems"].as_u64().is_some_and(|it| it > 0) {
                    let message = "expected at least one element";
                    let hint = "name one, or leave the setting out";
                    self.diagnostics.push(Diagnostic::error(node.span, message).hint(hint));
                    return None;
                }
                let items: Vec<_> =
                    nodes.iter().map(|it| self.node(it, it.span, &schema["items"])).collect();
                items.into_iter().collect()
            }
            (Kind::Text, Value::Scalar(scalar)) => self.text(node, &scalar.text, schema),
            (_, Value::Scalar(scalar)) => match scalar.resolve() {
                Plain::Null => Some(Json::Null),
                Plain::Bool(it) => Some(it.into()),
                Plain::Int(it) => self.number(node, it, schema),
                Plain::Float(it) => Some(it.into()),
                Plain::Text => None,
            },
            _ => None,
        }
    }

    /// One of several schemas: the one that takes this kind of value, or the first that fits.
    fn choose(&mut self, node: &Node, place: Span, choices: &'a [Json]) -> Option<Json> {
        let choices: Vec<&Json> = choices.iter().map(|it| resolve(it, self.root)).collect();
        let constants: Vec<&str> = choices.iter().filter_map(|it| it["const"].as_str()).collect();
        if constants.len() == choices.len() {
            let text = node.text().unwrap_or_default();
            if constants.contains(&text) {
                return Some(text.into());
            }
            self.unknown_word(node, &constants);
            return None;
        }
        let fitting: Vec<&Json> = choices
            .iter()
            .copied()
            .filter(|it| {
                let types = types(it);
                types.is_empty() || accept(node, &types, false).is_some()
            })
            .collect();
        match &*fitting {
            [] => {
                let all: Vec<Kind> = choices.iter().flat_map(|it| types(it)).collect();
                self.wrong_kind(node, place, &all);
                None
            }
            [only] => self.node(node, place, only),
            [first, ..] => {
                let fits = fitting.iter().find_map(|it| {
                    let mut trial = self.diagnostics.fresh();
                    let json =
                        Walk { root: self.root, diagnostics: &mut trial }.node(node, place, it);
                    json.filter(|_| !trial.has_errors())
                });
                fits.or_else(|| self.node(node, place, first))
            }
        }
    }

    fn map(&mut self, entries: &[Entry], place: Span, schema: &'a Json) -> Option<Json> {
        let none = Map::new();
        let properties = schema["properties"].as_object();
        let others = &schema["additionalProperties"];
        let mut map = Map::new();
        let mut fits = true;
        for Entry { key, key_span, value } in entries {
            let property = properties.and_then(|it| it.get(key));
            let schema = match property {
                Some(schema) => schema,
                None if others.is_object() => others,
                None if properties.is_none() && *others != false => others,
                None => {
                    let known = properties.unwrap_or(&none).keys().map(String::as_str);
                    let hint = suggest::hint(key, known);
                    let message = format!("unknown setting `{key}`");
                    self.diagnostics.push(Diagnostic::error(*key_span, message).hint(hint));
                    fits = false;
                    continue;
                }
            };
            match self.node(value, *key_span, schema) {
                Some(json) => drop(map.insert(key.clone(), json)),
                None => fits = false,
            }
        }
        for required in schema["required"].as_array().into_iter().flatten() {
            let Some(name) = required.as_str() else { continue };
            if !entries.iter().any(|it| it.key == name) {
                let mut diagnostic = Diagnostic::error(place, format!("`{name}` is missing"));
                let described = properties.and_then(|it| it.get(name)).map(|it| &it["description"]);
                if let Some(sentence) = described.and_then(Json::as_str) {
                    diagnostic = diagnostic.hint(format!("`{name}`: {}", first_sentence(sentence)));
                }
                self.diagnostics.push(diagnostic);
                fits = false;
            }
        }
        fits.then_some(Json::Object(map))
    }

    fn text(&mut self, node: &Node, text: &str, schema: &Json) -> Option<Json> {
        let words: Vec<&str> = match &schema["const"] {
            Json::String(word) => vec![word],
            _ => schema["enum"].as_array().into_iter().flatten().filter_map(Json::as_str).collect(),
        };
        if !words.is_empty() && !words.contains(&text) {
            self.unknown_word(node, &words);
            return None;
        }
        let problem = schema["format"].as_str().and_then(|it| words::problem(it, text));
        if let Some(problem) = problem {
            self.diagnostics.error(node.span, problem);
            return None;
        }
        Some(text.into())
    }

    fn number(&mut self, node: &Node, number: i64, schema: &Json) -> Option<Json> {
        #[expect(clippy::cast_precision_loss, reason = "a bound is far from where it is lost")]
        let value = number as f64;
        let below = schema["minimum"].as_f64().filter(|it| value < *it);
        let above = schema["maximum"].as_f64().filter(|it| value > *it);
        let limit = match schema["format"].as_str() {
            Some("uint8") => f64::from(u8::MAX),
            Some("uint16") => f64::from(u16::MAX),
            Some("uint32") => f64::from(u32::MAX),
            Some("int32") => f64::from(i32::MAX),
            _ => f64::MAX,
        };
        let message = match (below, above.or((value > limit).then_some(limit))) {
            (Some(least), _) => format!("expected at least {least}"),
            (_, Some(most)) => format!("expected at most {most}"),
            _ => return Some(number.into()),
        };
        self.diagnostics.error(node.span, message);
        None
    }

    fn unknown_word(&mut self, node: &Node, known: &[&str]) {
        let message = match node.text() {
            Some(text) if !node.is_interpolated() => format!("`{text}` is not possible here"),
            _ => "this value is not possible here".to_owned(),
        };
        let hint = suggest::hint(node.text().unwrap_or_default(), known.iter().copied());
        self.diagnostics.push(Diagnostic::error(node.span, message).hint(hint));
    }

    fn wrong_kind(&mut self, node: &Node, place: Span, expected: &[Kind]) {
        // A template that lost its quotes was reported when it was read.
        if is_template(node, self.diagnostics.text()) {
            return;
        }
        let mut words: Vec<&str> = expected.iter().map(|it| it.describe()).collect();
        words.dedup();
        words.retain(|it| *it != Kind::Nothing.describe());
        let found = node.kind();
        let span = if found == Kind::Nothing { place } else { node.span };
        let message = format!("expected {}, found {}", words.join(" or "), found.describe());
        let diagnostic = Diagnostic::error(span, message);
        let hint = match (expected.first(), found) {
            (Some(Kind::List), Kind::Map) => Some("put `- ` in front of each element"),
            (Some(Kind::List), Kind::Nothing) => Some("write `[]` for an empty list"),
            (Some(Kind::List), _) => Some("put it in brackets: `[…]`"),
            (_, Kind::Nothing) => Some("give it a value, or leave it out"),
            (Some(Kind::Map), _) => Some("write `name: value`, one below the other or in `{…}`"),
            (Some(Kind::Boolean), _) => Some("write `true` or `false`"),
            (Some(Kind::Integer | Kind::Number), _) => Some("write it in digits, as in `20`"),
            _ => None,
        };
        self.diagnostics.push(match hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        });
    }
}

/// What a `$ref` leads to; the schema itself if it is none.
pub(super) fn resolve<'a>(schema: &'a Json, root: &'a Json) -> &'a Json {
    let mut schema = schema;
    while let Some(name) = schema["$ref"].as_str().and_then(|it| it.strip_prefix("#/$defs/")) {
        schema = &root["$defs"][name];
    }
    schema
}

/// Whether a map is a template that lost its quotes.
pub(super) fn is_template(node: &Node, text: &str) -> bool {
    text[node.span.start..].starts_with("{{")
}

/// The kinds of value a schema takes.
fn types(schema: &Json) -> Vec<Kind> {
    let kind = |it: &str| match it {
        "null" => Kind::Nothing,
        "boolean" => Kind::Boolean,
        "integer" => Kind::Integer,
        "number" => Kind::Number,
        "array" => Kind::List,
        "object" => Kind::Map,
        _ => Kind::Text,
    };
    match &schema["type"] {
        Json::String(one) => vec![kind(one)],
        Json::Array(several) => several.iter().filter_map(Json::as_str).map(kind).collect(),
        _ if schema["const"].is_string() || schema["enum"].is_array() => vec![Kind::Text],
        _ => Vec::new(),
    }
}

/// As which of the expected kinds a node is read. Text takes every scalar as it was typed, but
/// nothing at all only where a `${…}` left nothing.
fn accept(node: &Node, expected: &[Kind], word: bool) -> Option<Kind> {
    let found = node.kind();
    // A setting that was left empty is a slip, also where it could be left out.
    if found != Kind::Nothing && expected.contains(&found) {
        return Some(found);
    }
    if found == Kind::Integer && expected.contains(&Kind::Number) {
        return Some(Kind::Number);
    }
    let scalar = node.text().is_some();
    let text = scalar && (found != Kind::Nothing || node.is_interpolated() || word);
    (text && expected.contains(&Kind::Text)).then_some(Kind::Text)
}

/// A description up to its first full stop.
pub(super) fn first_sentence(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.find(". ") {
        Some(end) => text[..=end].to_owned(),
        None => text,
    }
}
