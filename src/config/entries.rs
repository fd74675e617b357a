//! `sources:` and `destinations:`: each entry is read by what its `provider` or `kind` says.

use serde_json::Value as Json;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::yaml::{Entry, Node, Span};
use super::{DestinationConfig, SourceConfig, shape, suggest};
use crate::destination;
use crate::event::GATEWAY;
use crate::provider;

/// The longest name. It stands in URLs, metrics and routing keys.
const MAX_NAME: usize = 64;

/// An entry whose settings fit their schema.
struct Checked {
    name: String,
    word: &'static str,
    settings: Json,
    span: Span,
}

/// Reads `sources:`.
pub(super) fn sources(node: Option<&Node>, diagnostics: &mut Diagnostics) -> Vec<SourceConfig> {
    let find = |word: &str| provider::find(word).map(|it| (it.name, (it.schema)().to_value()));
    let known: Vec<&str> = provider::REGISTRY.iter().map(|it| it.name).collect();
    let entry = |it: Checked| SourceConfig {
        name: it.name,
        provider: it.word,
        settings: it.settings,
        span: it.span,
    };
    section(node, "provider", &find, &known, diagnostics).into_iter().map(entry).collect()
}

/// Reads `destinations:`.
pub(super) fn destinations(
    node: Option<&Node>,
    diagnostics: &mut Diagnostics,
) -> Vec<DestinationConfig> {
    let find = |word: &str| destination::find(word).map(|it| (it.kind, it.schema()));
    let known: Vec<&str> = destination::REGISTRY.iter().map(|it| it.kind).collect();
    let entry = |it: Checked| DestinationConfig {
        name: it.name,
        kind: it.word,
        settings: it.settings,
        span: it.span,
    };
    section(node, "kind", &find, &known, diagnostics).into_iter().map(entry).collect()
}

type Find<'a> = &'a dyn Fn(&str) -> Option<(&'static str, Json)>;

fn section(
    node: Option<&Node>,
    selector: &str,
    find: Find<'_>,
    known: &[&str],
    diagnostics: &mut Diagnostics,
) -> Vec<Checked> {
    let entries = node.map(Node::entries).unwrap_or_default();
    entries
        .iter()
        .filter_map(|Entry { key, key_span, value }| {
            check_name(key, *key_span, diagnostics);
            let message = |it: &str| format!("`{key}`: {it}");
            let Some(word) = value.get(selector) else {
                let hint = suggest::hint("", known.iter().copied());
                let missing = message(&format!("`{selector}` is missing"));
                diagnostics.push(Diagnostic::error(*key_span, missing).hint(hint));
                return None;
            };
            let Some((word, schema)) = word.text().and_then(find) else {
                let text = word.text().unwrap_or_default();
                let hint = suggest::hint(text, known.iter().copied());
                let unknown = if word.is_interpolated() || text.is_empty() {
                    format!("no such {selector}")
                } else {
                    format!("no {selector} is called `{text}`")
                };
                diagnostics.push(Diagnostic::error(word.span, unknown).hint(hint));
                return None;
            };
            let settings = value.without(&[selector]);
            let settings = shape::fit(&settings, *key_span, &schema, diagnostics)?;
            Some(Checked { name: key.clone(), word, settings, span: *key_span })
        })
        .collect()
}

fn check_name(name: &str, span: Span, diagnostics: &mut Diagnostics) {
    let fits = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"_-".contains(&it);
    let digits = name.bytes().all(|it| it.is_ascii_digit());
    if name.is_empty() {
        // Reported when the key was read.
    } else if name == GATEWAY {
        let message = format!("`{name}` is the source of what the gateway itself tells");
        diagnostics.push(Diagnostic::error(span, message).hint("call it otherwise"));
    } else if digits {
        let message = format!("`{name}` looks like an account");
        diagnostics.push(Diagnostic::error(span, message).hint("put a letter in the name"));
    } else if name.len() > MAX_NAME || !name.bytes().all(fits) {
        let hint = format!("lower-case letters, digits, `_` and `-`, at most {MAX_NAME}");
        diagnostics.push(Diagnostic::error(span, format!("`{name}` is not a name")).hint(hint));
    }
}

/// Sources and destinations share one namespace.
pub(super) fn check_shared_names(
    sources: Option<&Node>,
    destinations: Option<&Node>,
    diagnostics: &mut Diagnostics,
) {
    for it in destinations.map(Node::entries).unwrap_or_default() {
        let source = sources.map(Node::entries).unwrap_or_default();
        if let Some(source) =
            source.iter().find(|source| source.key == it.key && !it.key.is_empty())
        {
            diagnostics.push(
                Diagnostic::error(it.key_span, format!("`{}` is a source already", it.key))
                    .related(source.key_span, "the source")
                    .hint("a destination that replies is a source of its name: call one of them otherwise"),
            );
        }
    }
}
