//! What a setting of `map` asks for: a value of the payload, a header, or a text around them.

use serde_json::{Map, Value};

use crate::lenient::text;
use crate::provider::Headers;

/// One value that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A value as it stands there.
    One(Reference),
    /// A text with values in it.
    Text(Vec<Part>),
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Reference(Reference),
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// A JSON pointer into the element.
    Element(String),
    /// A JSON pointer into the whole body.
    Body(String),
    /// A header, in lower case.
    Header(Box<str>),
}

/// What references are looked up in.
pub(super) struct Place<'a> {
    /// The element: the body itself, where no list is mapped.
    pub(super) element: &'a Value,
    /// The whole body; of a `CloudEvent`, its data.
    pub(super) body: &'a Value,
    /// The attributes of a `CloudEvent`.
    pub(super) attributes: &'a Map<String, Value>,
    /// The headers of the request.
    pub(super) headers: &'a Headers,
}

impl Wanted {
    /// Reads what stands under a setting of `map`.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(super) fn parse(setting: &str, written: &str) -> Result<Self, String> {
        if let Some(reference) = Reference::parse(setting, written)? {
            return Ok(Self::One(reference));
        }
        let mut parts = Vec::new();
        let mut fixed = String::new();
        let mut rest = written;
        while let Some(at) = rest.find(['{', '}']) {
            fixed.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                fixed.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                fixed.push('}');
                continue;
            }
            let Some((name, after)) = rest.split_once('}') else {
                return Err(format!("`{setting}` has a `{{` without a `}}`; `{{{{` is a brace"));
            };
            let Some(reference) = Reference::parse(setting, name)? else {
                return Err(format!(
                    "`{setting}` cannot hold `{{{name}}}`; there are {{/pointer}}, \
                     {{body:/pointer}} and {{header:X-Name}}, and `{{{{` is a brace"
                ));
            };
            if !fixed.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut fixed)));
            }
            parts.push(Part::Reference(reference));
            rest = after;
        }
        fixed.push_str(rest);
        if !fixed.is_empty() {
            parts.push(Part::Text(fixed));
        }
        Ok(Self::Text(parts))
    }

    /// Every reference in it.
    pub(super) fn references(&self) -> impl Iterator<Item = &Reference> {
        let (one, parts) = match self {
            Self::One(it) => (Some(it), &[][..]),
            Self::Text(parts) => (None, &**parts),
        };
        one.into_iter().chain(parts.iter().filter_map(|it| match it {
            Part::Reference(it) => Some(it),
            Part::Text(_) => None,
        }))
    }

    /// The text, if it is the same for every request.
    pub(super) fn fixed(&self) -> Option<String> {
        let Self::Text(parts) = self else { return None };
        let part = |it: &Part| match it {
            Part::Text(it) => Some(it.clone()),
            Part::Reference(_) => None,
        };
        parts.iter().map(part).collect()
    }

    /// The value, as JSON; a text with values in it where one of them is there.
    pub(super) fn value(&self, place: &Place<'_>) -> Option<Value> {
        match self {
            Self::One(it) => it.find(place),
            Self::Text(_) => self.text(place).map(Value::String),
        }
    }

    /// The value as a text. What is not there is left out, unless nothing is there.
    pub(super) fn text(&self, place: &Place<'_>) -> Option<String> {
        self.rendered(place, false)
    }

    /// The value as a text, where all of it is there.
    pub(super) fn whole(&self, place: &Place<'_>) -> Option<String> {
        self.rendered(place, true)
    }

    fn rendered(&self, place: &Place<'_>, all: bool) -> Option<String> {
        let parts = match self {
            Self::One(it) => return it.find(place).as_ref().and_then(shown),
            Self::Text(parts) => parts,
        };
        let mut written = String::new();
        let (mut wanted, mut found) = (0, 0);
        for part in parts {
            match part {
                Part::Text(it) => written.push_str(it),
                Part::Reference(it) => {
                    wanted += 1;
                    if let Some(it) = it.find(place).as_ref().and_then(shown) {
                        found += 1;
                        written.push_str(&it);
                    }
                }
            }
        }
        let enough = if all { found == wanted } else { found > 0 || wanted == 0 };
        // Of `{/first} {/last}`, one may not be there.
        let written = if found < wanted { written.trim() } else { &*written };
        Some(written.to_owned()).filter(|it| enough && !it.is_empty())
    }
}

impl Reference {
    fn parse(setting: &str, written: &str) -> Result<Option<Self>, String> {
        Ok(Some(if written.starts_with('/') {
            Self::Element(pointer(setting, written)?)
        } else if let Some(it) = written.strip_prefix("body:") {
            Self::Body(pointer(setting, it)?)
        } else if let Some(name) = written.strip_prefix("header:") {
            let fits = |it: u8| it.is_ascii_alphanumeric() || b"-_".contains(&it);
            if name.is_empty() || !name.bytes().all(fits) {
                return Err(format!("`{setting}`: `{written}` names no header"));
            }
            Self::Header(name.to_ascii_lowercase().into())
        } else {
            return Ok(None);
        }))
    }

    /// The value that stands there, if it is one.
    pub(super) fn find(&self, place: &Place<'_>) -> Option<Value> {
        let found = match self {
            Self::Element(pointer) => find(place.element, pointer),
            Self::Body(pointer) => find(place.body, pointer),
            Self::Header(name) => name
                .strip_prefix("ce-")
                .and_then(|it| place.attributes.get(it).cloned())
                .or_else(|| place.headers.get(name).map(Value::from)),
        };
        found.filter(|it| !it.is_null())
    }
}

/// A JSON pointer as RFC 6901 has it.
pub(super) fn pointer(setting: &str, written: &str) -> Result<String, String> {
    let escapes = written.split('~').skip(1).all(|it| it.starts_with(['0', '1']));
    if !written.starts_with('/') || !escapes {
        return Err(format!(
            "`{setting}`: `{written}` is no JSON pointer; write `/a/b` for `b` within `a`, and \
             `/items/0` for the first of `items`"
        ));
    }
    Ok(written.to_owned())
}

/// What a pointer leads to. JSON within a string is looked into: Amazon SNS and forms send it so.
pub(super) fn find(value: &Value, pointer: &str) -> Option<Value> {
    if let Some(found) = value.pointer(pointer) {
        return Some(found.clone());
    }
    let mut at = value;
    let mut rest = pointer;
    while !rest.is_empty() {
        if let Value::String(json) = at {
            return find(&serde_json::from_str(json).ok()?, rest);
        }
        let length = rest[1..].find('/').map_or(rest.len(), |it| it + 1);
        at = at.pointer(&rest[..length])?;
        rest = &rest[length..];
    }
    None
}

/// A value as people read it; objects and lists as JSON.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Bool(it) => Some(it.to_string()),
        Value::Array(_) | Value::Object(_) => Some(value.to_string()),
        other => text(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(written: &str) -> (Option<String>, Option<String>) {
        let element = json!({
            "id": 7, "name": "Jane", "none": null, "flag": true, "a/b": {"m~n": "x"},
            "list": [{"sku": "A1"}], "json": "{\"deep\":{\"er\":5}}", "empty": "",
        });
        let body = json!({"shop": "north"});
        let headers = Headers::from_iter([("X-Event", "push"), ("ce-type", "header")]);
        let attributes = json!({"type": "attribute"});
        let place = Place {
            element: &element,
            body: &body,
            attributes: attributes.as_object().unwrap(),
            headers: &headers,
        };
        let wanted = Wanted::parse("map.text", written).unwrap();
        (wanted.text(&place), wanted.whole(&place))
    }

    #[test]
    fn a_value_is_pointed_at_or_written_around() {
        for (written, text, whole) in [
            ("/id", Some("7"), Some("7")),
            ("/flag", Some("true"), Some("true")),
            ("/a~1b/m~0n", Some("x"), Some("x")),
            ("/list/0/sku", Some("A1"), Some("A1")),
            ("/json/deep/er", Some("5"), Some("5")),
            ("/list", Some(r#"[{"sku":"A1"}]"#), Some(r#"[{"sku":"A1"}]"#)),
            ("/none", None, None),
            ("/empty", None, None),
            ("/name/first", None, None),
            ("body:/shop", Some("north"), Some("north")),
            ("header:X-EVENT", Some("push"), Some("push")),
            ("header:ce-type", Some("attribute"), Some("attribute")),
            ("Order {/id} of {/name}", Some("Order 7 of Jane"), Some("Order 7 of Jane")),
            ("{/id} {/none}", Some("7"), None),
            ("{/none}!", None, None),
            ("{{/id}} {body:/shop}}}", Some("{/id} north}"), Some("{/id} north}")),
            ("plain } text", Some("plain } text"), Some("plain } text")),
        ] {
            let expected = (text.map(str::to_owned), whole.map(str::to_owned));
            assert_eq!(rendered(written), expected, "{written}");
        }
    }

    #[test]
    fn what_cannot_be_looked_up_is_refused() {
        for (written, reason) in [
            ("{id}", "`map.text` cannot hold `{id}`; there are {/pointer}"),
            ("{ /id }", "cannot hold `{ /id }`"),
            ("{/id", "`{` without a `}`"),
            ("/a~2", "is no JSON pointer"),
            ("body:shop", "`shop` is no JSON pointer"),
            ("header:", "names no header"),
            ("{header:X Event}", "names no header"),
        ] {
            let error = Wanted::parse("map.text", written).unwrap_err();
            assert!(error.contains(reason), "{written}: {error}");
        }
    }
}
