//! CloudEvents, version 1.0, as HTTP carries them: structured, batched and binary.
//!
//! Source: the HTTP protocol binding and the JSON event format of the specification.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::lenient::text;
use crate::provider::Headers;

/// How a request carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The body is one event.
    Structured,
    /// The body is a list of events.
    Batched,
    /// The headers are the attributes; the body is the data.
    Binary,
}

/// How a request carries CloudEvents, if it does. `media` is its media type.
pub(super) fn mode(media: &str, headers: &Headers) -> Option<Mode> {
    match media {
        "application/cloudevents+json" => Some(Mode::Structured),
        "application/cloudevents-batch+json" => Some(Mode::Batched),
        _ => headers.get("ce-specversion").map(|_| Mode::Binary),
    }
}

/// The attributes of the binary mode: headers `ce-…`, what is no plain ASCII in them escaped.
pub(super) fn attributes(headers: &Headers) -> Map<String, Value> {
    let names = headers.iter().filter_map(|(name, _)| name.strip_prefix("ce-"));
    let value = |name: &str| headers.get(&format!("ce-{name}")).map(unescaped);
    names.filter_map(|it| Some((it.to_owned(), Value::from(value(it)?)))).collect()
}

/// The attributes of a structured event, and its data with the place where that stands.
pub(super) fn opened(
    event: Value,
    raw: &RawValue,
) -> (Map<String, Value>, Value, Option<&RawValue>) {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow, default)]
        data: Option<&'a RawValue>,
    }
    let Value::Object(mut attributes) = event else { return Default::default() };
    let encoded = attributes.remove("data_base64");
    let Some(data) = attributes.remove("data") else {
        let bytes = encoded.and_then(|it| STANDARD.decode(it.as_str()?).ok());
        let data = bytes.and_then(|it| serde_json::from_slice(&it).ok());
        return (attributes, data.unwrap_or_default(), None);
    };
    let place = serde_json::from_str::<Event<'_>>(raw.get()).ok().and_then(|it| it.data);
    (attributes, data, place)
}

/// What tells an event from every other: its source and its id.
pub(super) fn key(attributes: &Map<String, Value>) -> Option<String> {
    let id = text(attributes.get("id")?)?;
    let source = attributes.get("source").and_then(text).unwrap_or_default();
    // As a list, so that no source and id can be read as another pair.
    Some(format!("cloudevent:{}", Value::from(vec![source, id])))
}

/// A header with its percent-encoding undone, and the quotes around it taken off.
fn unescaped(value: &str) -> String {
    let quoted = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    let value = quoted.unwrap_or(value);
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = after.get(..2).filter(|_| *first == b'%');
        if let Some(byte) = escaped.and_then(|it| hex::decode(it).ok()) {
            bytes.extend(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_meant() {
        for (written, expected) in [
            ("plain", "plain"),
            ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
            ("\"quoted\"", "quoted"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%ff", "%ff"),
        ] {
            assert_eq!(unescaped(written), expected, "{written}");
        }
    }

    #[test]
    fn the_source_belongs_to_the_id() {
        let key = |source: &str, id: &str| {
            let attributes = serde_json::json!({"source": source, "id": id});
            key(attributes.as_object().unwrap())
        };
        assert_eq!(key("/a", "1"), key("/a", "1"));
        assert_ne!(key("/a", "1"), key("/b", "1"));
        assert_ne!(key("a\",\"b", "1"), key("a", "b\",\"1"));
        assert_eq!(key("/a", ""), None);
    }
}
