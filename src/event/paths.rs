//! The names expressions know, per kind, each with its place on the wire.
//!
//! Nothing here is written by hand but the short names: the rest is read from the schema of
//! [`Facts`], so that a new fact can be used in a condition the moment it exists.

use std::fmt;
use std::sync::LazyLock;

use serde_json::Value;

use super::{Facts, Kind};

/// One name that expressions know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// As written in an expression: `event.contact.name`. `[]` stands for an element of a list.
    pub name: String,
    /// Where the same value stands on the wire: `data.contact.name`.
    pub wire: String,
    /// The section a kind must carry to have it; `None`: every kind has it.
    pub section: Option<String>,
    /// Anything may stand below it: the provider's own JSON.
    pub open: bool,
    /// The journal gives it, so a condition cannot see it.
    pub journal: bool,
}

/// Names that stand beside the sections: in an expression, on the wire, its section, whether the
/// journal gives it.
const SHORT: &[(&str, &str, Option<&str>, bool)] = &[
    ("event", "", None, false),
    ("event.kind", "type", None, false),
    ("event.source", "sourcename", None, false),
    ("event.text", "data.message.text", Some("message"), false),
    ("event.provider", "data.channel.provider", None, false),
    ("event.account", "data.channel.account", None, false),
    ("event.time", "time", None, false),
    ("event.historical", "historical", None, false),
    ("event.id", "id", None, true),
    ("event.sequence", "sequence", None, true),
    ("event.received", "receivedtime", None, true),
    ("event.correlation", "correlationid", None, true),
    ("event.cause", "causationid", None, true),
    ("event.hops", "hops", None, true),
    ("event.conversation.id", "data.conversation.id", Some("conversation"), true),
];

static TABLE: LazyLock<Vec<Path>> = LazyLock::new(|| {
    let mut table: Vec<Path> = SHORT
        .iter()
        .map(|&(name, wire, section, journal)| Path {
            name: name.into(),
            wire: wire.into(),
            section: section.map(str::to_owned),
            open: false,
            journal,
        })
        .collect();
    let schema = schemars::schema_for!(Facts).to_value();
    for (section, below) in properties(&schema) {
        // Every event has a channel, whatever its kind.
        let needs = (section != "channel").then(|| section.clone());
        let start = Path {
            name: format!("event.{section}"),
            wire: format!("data.{section}"),
            section: needs,
            open: false,
            journal: false,
        };
        grow(&mut table, &schema, below, start);
    }
    table.push(Path {
        name: "event.raw".into(),
        wire: "data.raw".into(),
        section: None,
        open: true,
        journal: false,
    });
    table
});

/// Every name, in the order of `docs/events.md`.
pub fn all() -> &'static [Path] {
    &TABLE
}

/// Whether a kind can have what a name stands for.
fn carries(kind: &Kind, path: &Path) -> bool {
    let Some(section) = &path.section else { return true };
    // A kind outside the catalogue that is no `unmapped` is some source's own: it may carry
    // anything.
    let own = kind.entry().is_none() && !kind.as_str().ends_with(".unmapped");
    own || kind.sections().contains(&section.as_str())
}

/// Why an expression cannot use a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The path as it was written.
    pub path: String,
    /// The journal gives it after routing.
    pub journal: bool,
    /// The nearest name there is.
    pub suggestion: Option<String>,
    /// Kinds that do have it.
    pub kinds: Vec<Kind>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        if self.journal {
            write!(f, "`{path}` is not known to a condition: the journal gives it after routing")
        } else if self.kinds.is_empty() {
            write!(f, "there is no `{path}`")
        } else {
            write!(f, "no kind this route takes has `{path}`")
        }
    }
}

impl std::error::Error for Unknown {}

impl Unknown {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        if let Some(suggestion) = &self.suggestion {
            return Some(format!("did you mean `{suggestion}`?"));
        }
        let (first, rest) = self.kinds.split_at(self.kinds.len().min(3));
        let names: Vec<String> = first.iter().map(|it| format!("`{it}`")).collect();
        let more = if rest.is_empty() { "" } else { ", …" };
        (!names.is_empty()).then(|| format!("it belongs to {}{more}", names.join(", ")))
    }
}

/// Whether a template can use a path when the event may be of any of these kinds; no kinds: of
/// any kind there is.
///
/// # Errors
/// The path is not one of ours, or none of the kinds has it.
pub fn exists(path: &str, kinds: &[Kind]) -> Result<(), Unknown> {
    let Some(found) = find(path) else {
        let names = TABLE.iter().filter(|it| !it.name.contains("[]")).map(|it| &*it.name);
        return Err(Unknown {
            path: path.to_owned(),
            journal: false,
            suggestion: nearest(path, names).map(str::to_owned),
            kinds: Vec::new(),
        });
    };
    if kinds.is_empty() || kinds.iter().any(|it| carries(it, found)) {
        return Ok(());
    }
    let catalogue = super::kind::CATALOGUE.iter().map(|it| &it.kind);
    Err(Unknown {
        path: path.to_owned(),
        journal: false,
        suggestion: None,
        kinds: catalogue.filter(|it| carries(it, found)).cloned().collect(),
    })
}

/// Like [`exists`], for a condition: it is asked before the journal has given its part.
///
/// # Errors
/// As [`exists`], and for what only the journal knows.
pub fn exists_in_condition(path: &str, kinds: &[Kind]) -> Result<(), Unknown> {
    exists(path, kinds)?;
    if find(path).is_some_and(|it| it.journal) {
        return Err(Unknown {
            path: path.to_owned(),
            journal: true,
            suggestion: None,
            kinds: Vec::new(),
        });
    }
    Ok(())
}

/// The table's line for a path, whose list elements are numbers: `event.status.errors.0.code`.
fn find(path: &str) -> Option<&'static Path> {
    TABLE.iter().find(|it| {
        let mut given = path.split('.');
        let all = it.name.split('.').all(|step| match given.next() {
            Some(word) if step == "[]" => word.bytes().all(|byte| byte.is_ascii_digit()),
            Some(word) => word == step,
            None => false,
        });
        all && (it.open || given.next().is_none())
    })
}

/// The name that a mistyped one was probably meant to be, if one is near.
pub fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Longer words are never meant, and the comparison costs their square.
    if word.len() > 64 {
        return None;
    }
    let plain = |it: &str| it.to_lowercase().replace('-', "_");
    let most = (word.chars().count() / 3).clamp(1, 3);
    let word = plain(word);
    names
        .map(|it| (strsim::damerau_levenshtein(&word, &plain(it)), it))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, it)| it)
}

/// Adds a path and everything below it.
fn grow(table: &mut Vec<Path>, root: &Value, schema: &Value, mut path: Path) {
    let schema = resolve(root, schema);
    let below = |step: &str| Path {
        name: format!("{}.{step}", path.name),
        wire: format!("{}.{step}", path.wire),
        ..path.clone()
    };
    let children: Vec<(Path, &Value)> = match schema.get("items") {
        Some(items) => vec![(below("[]"), items)],
        None => properties(schema).map(|(name, it)| (below(name), it)).collect(),
    };
    // Anything at all, or a map of it.
    let is_map = schema.get("additionalProperties").is_some_and(|it| *it != Value::Bool(false));
    path.open = children.is_empty() && (schema.get("type").is_none() || is_map);
    table.push(path);
    for (path, schema) in children {
        grow(table, root, schema, path);
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

/// Follows a reference, and the one alternative of an `Option` that is not null.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let target = name.strip_prefix('#').and_then(|it| root.pointer(it));
        return target.map_or(schema, |it| resolve(root, it));
    }
    let some = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    let null = Some(&Value::from("null"));
    some.into_iter().find(|it| it.get("type") != null).map_or(schema, |it| resolve(root, it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_wire_path_once() {
        for (name, wire) in [
            ("event.kind", "type"),
            ("event.source", "sourcename"),
            ("event.text", "data.message.text"),
            ("event.contact.name", "data.contact.name"),
            ("event.channel.account", "data.channel.account"),
            ("event.message.type", "data.message.type"),
            ("event.status.errors.[].code", "data.status.errors.[].code"),
            ("event.unmapped.reason", "data.unmapped.reason"),
        ] {
            let found: Vec<_> = all().iter().filter(|it| it.name == name).collect();
            assert_eq!(found.len(), 1, "{name}");
            assert_eq!(found[0].wire, wire, "{name}");
        }
        let mut names: Vec<_> = all().iter().map(|it| &it.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all().len());
    }

    #[test]
    fn a_path_must_belong_to_a_kind_the_route_takes() {
        let ok = |path, kinds: &[Kind]| exists(path, kinds).is_ok();
        let received = &[Kind::MESSAGE_RECEIVED];
        assert!(ok("event.text", received));
        assert!(ok("event.message.location.latitude", received));
        assert!(ok("event.message.order.items.0.price", received));
        assert!(!ok("event.message.order.items.first.price", received));
        assert!(!ok("event.text.length", received));
        assert!(!ok("event.status.pricing", received));
        assert!(ok("event.status.pricing", &[Kind::MESSAGE_RECEIVED, Kind::MESSAGE_STATUS]));
        assert!(ok("event.status.pricing", &[]));
        assert!(ok("event.status.pricing.category", &[Kind::MESSAGE_STATUS]));
        assert!(ok("event.message.contacts.0.name.first", received));
        assert!(ok("event.message.interactive.response.city", received));
        assert!(ok("event.lead.fields.product.name", &[Kind::LEAD_RECEIVED]));
        assert!(ok("event.fields.total", &[Kind::EVENT_RECEIVED]));
        assert!(ok("event.fields.total", &[Kind::parse("order.created")]));
        assert!(!ok("event.fields.total", received));
        assert!(ok("event.raw.entry.0.id", &[Kind::GROUP_STATUS]));
        assert!(ok("event.channel.provider", &[Kind::GROUP_STATUS]));
        assert!(ok("event.text", &[Kind::parse("agent.replied")]));
        assert!(!ok("event.text", &[Kind::parse("whatsapp.unmapped")]));
        assert!(ok("event.unmapped.reason", &[Kind::parse("whatsapp.unmapped")]));
    }

    #[test]
    fn an_unknown_path_says_what_would_be_right() {
        let unknown = exists("event.contact.nmae", &[]).unwrap_err();
        assert_eq!(unknown.to_string(), "there is no `event.contact.nmae`");
        assert_eq!(unknown.hint().unwrap(), "did you mean `event.contact.name`?");
        let unknown = exists("event.call.duration", &[Kind::MESSAGE_RECEIVED]).unwrap_err();
        assert_eq!(unknown.to_string(), "no kind this route takes has `event.call.duration`");
        assert_eq!(
            unknown.hint().unwrap(),
            "it belongs to `call.created`, `call.connected`, `call.ended`, …"
        );
    }

    #[test]
    fn what_the_journal_gives_is_not_known_to_a_condition() {
        for path in ["event.id", "event.sequence", "event.received", "event.conversation.id"] {
            assert!(exists(path, &[Kind::MESSAGE_RECEIVED]).is_ok(), "{path}");
            let unknown = exists_in_condition(path, &[Kind::MESSAGE_RECEIVED]).unwrap_err();
            assert!(unknown.journal, "{path}");
        }
        assert!(exists_in_condition("event.conversation.group", &[]).is_ok());
    }
}
