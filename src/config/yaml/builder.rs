//! From the parser's events to the tree.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag, options};

use super::{Entry, MAX_DEPTH, MAX_NODES, Node, Scalar, Span, Value, mistake};
use crate::config::diagnostic::{Diagnostic, Diagnostics};

/// A collection that is still open.
struct Open {
    start: Span,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(String, Span)> },
}

struct Builder<'a> {
    text: &'a str,
    diagnostics: &'a mut Diagnostics,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
}

/// Builds the tree. `None` if the file cannot be read on; the diagnostics say why.
pub(super) fn build(text: &str, diagnostics: &mut Diagnostics) -> Option<Node> {
    let options = options! {
        disallow_directives: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut builder = Builder {
        text,
        diagnostics,
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        root: None,
    };
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => {
                let tag = span.tag_span().map(|it| bytes(&it, text));
                builder.take(event, bytes(&span, text), tag)?;
            }
            Err(error) => {
                let diagnostic = mistake::explain(&error, text);
                builder.diagnostics.push(diagnostic);
                return None;
            }
        }
    }
    let empty = Node { span: Span::default(), value: Value::Map(Vec::new()) };
    Some(builder.root.unwrap_or(empty))
}

/// The bytes of an event, without the line breaks and blanks behind it.
fn bytes(span: &granit_parser::Span, text: &str) -> Span {
    let range = span.byte_range().unwrap_or_default();
    let end = text.get(range.clone()).map_or(range.end, |it| range.start + it.trim_end().len());
    Span { start: range.start, end }
}

impl Builder<'_> {
    /// Takes one event; `None` stops the reading.
    fn take(&mut self, event: Event<'_>, span: Span, tag_span: Option<Span>) -> Option<()> {
        let place = tag_span.unwrap_or(span);
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                let message = "a second document begins here; only one is read";
                self.diagnostics.push(
                    Diagnostic::error(span, message).hint("remove the `---` and what follows it"),
                );
                None
            }
            Event::Scalar(text, style, anchor, tag) => {
                let text_tag = self.tag(tag.as_deref(), place);
                let plain = style == ScalarStyle::Plain && !text_tag;
                // The parser writes `~` where nothing stands.
                let empty = plain && span.start >= span.end;
                let text = if empty { String::new() } else { text.into_owned() };
                let scalar = Scalar { text, plain, interpolated: false };
                self.count(1, span)?;
                self.add(Node { span, value: Value::Scalar(scalar) }, anchor);
                Some(())
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), place);
                self.enter(Content::List(Vec::new()), anchor, span)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), place);
                self.enter(Content::Map { entries: Vec::new(), key: None }, anchor, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave(span),
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id) else {
                    self.diagnostics.error(span, "an alias inside its own anchor");
                    return None;
                };
                // Counted before it is copied: a bomb must not go off first.
                let size = size(node);
                self.count(size, span)?;
                let node = self.anchors.get(&id)?.clone();
                self.add(node, 0);
                Some(())
            }
            _ => Some(()),
        }
    }

    /// Whether the tag says "text". Every other tag is refused.
    fn tag(&mut self, tag: Option<&Tag>, span: Span) -> bool {
        let Some(tag) = tag else { return false };
        if tag.is_yaml_core_schema_tag("str") {
            return true;
        }
        let message = format!("unknown tag `{}`", tag.original());
        self.diagnostics.push(
            Diagnostic::error(span, message).hint("leave the tag out; only `!!str` is understood"),
        );
        false
    }

    fn enter(&mut self, content: Content, anchor: usize, start: Span) -> Option<()> {
        if self.open.len() >= MAX_DEPTH {
            self.diagnostics.error(start, format!("too deep: at most {MAX_DEPTH} levels are read"));
            return None;
        }
        self.open.push(Open { start, anchor, content });
        Some(())
    }

    fn leave(&mut self, end: Span) -> Option<()> {
        let Open { start, anchor, content } = self.open.pop()?;
        let value = match content {
            Content::List(nodes) => Value::List(nodes),
            Content::Map { entries, .. } => Value::Map(entries),
        };
        let last = match &value {
            Value::List(nodes) => nodes.last().map(|it| it.span.end),
            Value::Map(entries) => entries.last().map(|it| it.value.span.end.max(it.key_span.end)),
            Value::Scalar(_) | Value::Unknown => None,
        };
        // A block collection has no end of its own: it ends where its last element does.
        let flow = self.text[start.start..].starts_with(['[', '{']);
        let end = if flow { end.end } else { last.unwrap_or(end.end) };
        let span = Span { start: start.start, end: end.max(start.start) };
        self.count(1, span)?;
        self.add(Node { span, value }, anchor);
        Some(())
    }

    fn count(&mut self, nodes: usize, span: Span) -> Option<()> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            let message = format!("too many values: at most {MAX_NODES} are read");
            self.diagnostics.error(span, message);
            return None;
        }
        Some(())
    }

    /// Puts a finished node into the collection around it.
    fn add(&mut self, node: Node, anchor: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(around) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut around.content {
            Content::List(nodes) => nodes.push(node),
            Content::Map { entries, key } => match key.take() {
                None => *key = Some(read_key(node, self.text, self.diagnostics)),
                // A key that is none was reported, and takes its value with it.
                Some((key, _)) if key.is_empty() => {}
                Some((key, key_span)) => match entries.iter().find(|it| it.key == key) {
                    None => entries.push(Entry { key, key_span, value: node }),
                    Some(first) => self.diagnostics.push(
                        Diagnostic::error(key_span, format!("`{key}` stands here twice"))
                            .related(first.key_span, "first here")
                            .hint("keep one of the two"),
                    ),
                },
            },
        }
    }
}

/// The text of a key. A key that is none is reported and reads as empty.
fn read_key(node: Node, text: &str, diagnostics: &mut Diagnostics) -> (String, Span) {
    let span = node.span;
    let template = text[..span.start].ends_with('{') && text[span.start..].starts_with('{');
    let (message, hint) = match node.value {
        Value::Scalar(scalar) if scalar.plain && scalar.text == "<<" => (
            "merge keys are not supported",
            "write the settings out, or share a whole value with `&name` and `*name`",
        ),
        Value::Scalar(scalar) if !scalar.text.is_empty() => return (scalar.text, span),
        _ if template => ("a template without quotes", "put quotes around it: `\"{{ … }}\"`"),
        _ => ("a key must be text", "write it as `key: value`"),
    };
    diagnostics.push(Diagnostic::error(span, message).hint(hint));
    (String::new(), span)
}

/// How many nodes a tree has.
fn size(node: &Node) -> usize {
    match &node.value {
        Value::Scalar(_) | Value::Unknown => 1,
        Value::List(nodes) => 1 + nodes.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|it| size(&it.value)).sum::<usize>(),
    }
}
