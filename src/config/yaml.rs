//! YAML with positions: a tree that remembers where everything stands and how it was written.
//!
//! Types are not decided here. A plain scalar keeps its text until somebody asks for a type, so
//! that a phone number stays as it was typed wherever text is expected.

mod builder;
mod mistake;
mod scalar;

use serde_json::Value as Json;

use super::diagnostic::Diagnostics;
pub(super) use scalar::Plain;

/// The largest file that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// The most nodes of a file, counting what an alias repeats.
const MAX_NODES: usize = 20_000;
/// How deep collections may stand in each other.
const MAX_DEPTH: usize = 32;

/// A piece of the file, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A value of the file.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Where it stands.
    pub(super) span: Span,
    /// What it is.
    pub(super) value: Value,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// A scalar whose `${…}` could not be replaced. That was reported; nobody complains again.
    Unknown,
}

/// One line of a map.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Span,
    pub(super) value: Node,
}

/// A single value, as text.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    /// The text, without quotes and escapes.
    pub(super) text: String,
    /// Written without quotes, so that it may be a number, `true` or nothing at all.
    pub(super) plain: bool,
    /// A `${…}` was replaced in it: the text is not for other eyes.
    pub(super) interpolated: bool,
}

/// What a node is, in the words of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nothing,
    Boolean,
    Integer,
    Number,
    Text,
    List,
    Map,
}

impl Kind {
    /// With its article, as it stands in a sentence.
    pub(super) const fn describe(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Boolean => "true or false",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Text => "text",
            Self::List => "a list",
            Self::Map => "a map of settings",
        }
    }
}

impl Node {
    /// What it is, plain scalars as YAML 1.2 reads them.
    pub(super) fn kind(&self) -> Kind {
        match &self.value {
            Value::Scalar(scalar) => match scalar.resolve() {
                Plain::Null => Kind::Nothing,
                Plain::Bool(_) => Kind::Boolean,
                Plain::Int(_) => Kind::Integer,
                Plain::Float(_) => Kind::Number,
                Plain::Text => Kind::Text,
            },
            Value::Unknown => Kind::Text,
            Value::List(_) => Kind::List,
            Value::Map(_) => Kind::Map,
        }
    }

    /// The lines of a map; none for anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    /// The elements of a list; anything else counts as a list of itself.
    pub(super) fn elements(&self) -> &[Self] {
        if let Value::List(nodes) = &self.value { nodes } else { std::slice::from_ref(self) }
    }

    /// The value under a key of a map.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|it| it.key == key).map(|it| &it.value)
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        if let Value::Scalar(scalar) = &self.value { Some(&scalar.text) } else { None }
    }

    /// The text of a scalar that is not nothing.
    pub(super) fn word(&self) -> Option<&str> {
        self.text().filter(|_| self.kind() != Kind::Nothing)
    }

    /// Whether a `${…}` was replaced in this scalar.
    pub(super) fn is_interpolated(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.interpolated)
    }

    /// The node without some keys, if it is a map.
    pub(super) fn without(&self, keys: &[&str]) -> Self {
        let mut node = self.clone();
        if let Value::Map(entries) = &mut node.value {
            entries.retain(|it| !keys.contains(&&*it.key));
        }
        node
    }

    /// The value where no type is expected: as YAML 1.2 reads it, except that what came from
    /// `${…}` is text.
    pub(super) fn to_json(&self) -> Json {
        match &self.value {
            Value::Scalar(scalar) if scalar.interpolated => scalar.text.clone().into(),
            Value::Scalar(scalar) => match scalar.resolve() {
                Plain::Null => Json::Null,
                Plain::Bool(it) => it.into(),
                Plain::Int(it) => it.into(),
                Plain::Float(it) => it.into(),
                Plain::Text => scalar.text.clone().into(),
            },
            Value::Unknown => Json::Null,
            Value::List(nodes) => nodes.iter().map(Self::to_json).collect(),
            Value::Map(entries) => Json::Object(
                entries.iter().map(|it| (it.key.clone(), it.value.to_json())).collect(),
            ),
        }
    }

    /// Where a range of a scalar's text stands in the file; the whole scalar if that is not known,
    /// because an escape or a replaced `${…}` lies before it.
    pub(super) fn locate(&self, range: std::ops::Range<usize>, file: &str) -> Span {
        let Some(text) = self.text() else { return self.span };
        scalar::locate(text, &range, file, self.span).unwrap_or(self.span)
    }
}

/// Reads a file. `None` if it is no YAML at all; the diagnostics say why.
pub(super) fn parse(text: &str, diagnostics: &mut Diagnostics) -> Option<Node> {
    if text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes; at most {MAX_BYTES} are read", text.len());
        diagnostics.error(Span::default(), message);
        return None;
    }
    builder::build(text, diagnostics)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn read(text: &str) -> Result<Json, String> {
        let mut diagnostics = Diagnostics::new("a.yaml", text);
        let node = parse(text, &mut diagnostics);
        if diagnostics.is_empty() {
            Ok(node.expect("no diagnostics means a tree").to_json())
        } else {
            Err(diagnostics.messages().join("; "))
        }
    }

    #[test]
    fn plain_scalars_have_the_types_of_the_core_schema() {
        let cases = [
            ("a: 1", r#"{"a":1}"#),
            ("a: -0x1", r#"{"a":"-0x1"}"#),
            ("a: 0x1F", r#"{"a":31}"#),
            ("a: 0o17", r#"{"a":15}"#),
            ("a: 1.5e3", r#"{"a":1500.0}"#),
            ("a: 1_000", r#"{"a":"1_000"}"#),
            ("a: yes", r#"{"a":"yes"}"#),
            ("a: True", r#"{"a":true}"#),
            ("a: ~", r#"{"a":null}"#),
            ("a:", r#"{"a":null}"#),
            ("a: []", r#"{"a":[]}"#),
            ("a: '1'", r#"{"a":"1"}"#),
            ("a: !!str 1", r#"{"a":"1"}"#),
            ("a: |\n  x\n  y\n", r#"{"a":"x\ny\n"}"#),
            ("a: &x [1]\nb: *x", r#"{"a":[1],"b":[1]}"#),
            ("1: x", r#"{"1":"x"}"#),
            ("a: 1\r\nb: x\r\n", r#"{"a":1,"b":"x"}"#),
            ("\u{feff}a: 1", r#"{"a":1}"#),
            ("", "{}"),
            ("# nothing\n", "{}"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).expect(text).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_strict_is_refused() {
        let cases = [
            ("a: 1\na: 2", "`a` stands here twice"),
            ("a: !foo 1", "unknown tag `!foo`"),
            ("<<: {}", "merge keys are not supported"),
            ("a: 1\n---\nb: 2", "a second document"),
            ("a: &x [*x]", "an alias inside its own anchor"),
            ("a: {{ x }}", "a template without quotes"),
            ("? [a]\n: 1", "a key must be text"),
            ("a:\n\tb: 1", "a tab"),
            ("%YAML 1.2\n---\na: 1", "directive"),
        ];
        for (text, expected) in cases {
            let message = read(text).expect_err(text);
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn a_bomb_is_defused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = level - 1;
            let aliases = vec![format!("*a{below}"); 9].join(", ");
            let _ = writeln!(bomb, "a{level}: &a{level} [{aliases}]");
        }
        assert!(read(&bomb).expect_err("a bomb").contains("too many values"));
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert!(read(&deep).expect_err("a well").contains("too deep"));
        assert!(read(&"#".repeat(2 << 20)).expect_err("a giant").contains("at most"));
    }

    #[test]
    fn a_place_in_a_scalar_is_found_in_the_file() {
        let cases = [
            ("a: one two", "two"),
            ("a: 'one two'", "two"),
            ("a: \"one \\\"x\\\" two\"", "two"),
            ("a: 'it''s two'", "two"),
            ("a: |\n    one\n    two\n", "two"),
            ("a: >-\n  one\n  two\n", "two"),
        ];
        for (text, word) in cases {
            let mut diagnostics = Diagnostics::new("a.yaml", text);
            let root = parse(text, &mut diagnostics).expect(text);
            let node = root.get("a").expect(text);
            let start = node.text().expect(text).find(word).expect(text);
            let span = node.locate(start..start + word.len(), text);
            assert_eq!(&text[span.start..span.end], word, "{text}");
        }
    }
}
