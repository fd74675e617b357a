//! Lookups of routes: each is read by what its `kind` says, and its templates at their places.

use super::Compiler;
use crate::config::diagnostic::Diagnostic;
use crate::config::yaml::{Entry, Node, Span};
use crate::config::{LookupConfig, shape, suggest};
use crate::event::Kind;
use crate::event::paths;
use crate::expression::{Path, Template};
use crate::lookup::{self, Wording};

impl Compiler<'_> {
    /// Reads what stands under `lookup`, and remembers its names: expressions of the route see them.
    pub(super) fn lookups(&mut self, node: Option<&Node>, route: &str, kinds: &[Kind]) {
        let entries = node.map(Node::entries).unwrap_or_default();
        self.looked = entries.iter().map(|it| it.key.clone()).collect();
        for entry in entries {
            self.lookup(entry, route, kinds);
        }
    }

    fn lookup(&mut self, Entry { key, key_span, value }: &Entry, route: &str, kinds: &[Kind]) {
        self.lookup_name(key, *key_span);
        let known = || lookup::REGISTRY.iter().map(|it| it.kind);
        let Some(word) = value.get("kind") else {
            let missing = Diagnostic::error(*key_span, format!("`{key}`: `kind` is missing"));
            self.diagnostics.push(missing.hint(suggest::hint("", known())));
            return;
        };
        let text = word.text().unwrap_or_default();
        let Some(entry) = lookup::find(text) else {
            let message = if word.is_interpolated() || text.is_empty() {
                "no such kind of lookup".to_owned()
            } else {
                format!("no kind of lookup is called `{text}`")
            };
            let hint = suggest::hint(text, known());
            self.diagnostics.push(Diagnostic::error(word.span, message).hint(hint));
            return;
        };
        let schema = entry.schema();
        for setting in value.entries() {
            if schema["properties"][&setting.key]["format"] == Wording::FORMAT {
                self.wording(&setting.value, kinds);
            }
        }
        let settings = value.without(&["kind"]);
        let Some(settings) = shape::fit(&settings, *key_span, &schema, self.diagnostics) else {
            return;
        };
        self.lookups.push(LookupConfig {
            route: route.to_owned(),
            name: key.clone(),
            kind: entry.kind,
            settings,
            span: *key_span,
        });
    }

    /// A name stands in expressions: `lookup.customer`.
    fn lookup_name(&mut self, name: &str, span: Span) {
        let fits = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
        let first = name.bytes().next();
        // An empty key was reported when it was read.
        if first.is_some_and(|it| !it.is_ascii_lowercase()) || !name.bytes().all(fits) {
            let hint = "a lower-case letter, then lower-case letters, digits and `_`";
            let message = format!("`{name}` cannot stand in `lookup.{name}`");
            self.diagnostics.push(Diagnostic::error(span, message).hint(hint));
        }
    }

    /// A template over the event alone.
    fn wording(&mut self, node: &Node, kinds: &[Kind]) {
        let Some(text) = node.text() else { return };
        match Template::compile(text) {
            Ok(template) => self.paths(node, template.paths(), |it| paths::exists(it, kinds)),
            Err(error) => self.expression(node, error),
        }
    }

    /// Refuses `lookup.name` where the route has no lookup of that name.
    pub(super) fn looked_up(&mut self, node: &Node, paths: &[Path]) {
        for path in paths {
            let Some(name) = path.name.split('.').nth(1) else { continue };
            if !self.looked.iter().any(|it| it == name) {
                let hint = match &*self.looked {
                    [] => "say what is asked: `lookup: { … }` beside `to`".to_owned(),
                    known => suggest::hint(name, known.iter().map(String::as_str)),
                };
                let text = self.diagnostics.text();
                let span = node.locate(path.range.clone(), text);
                let message = format!("this route has no lookup called `{name}`");
                self.diagnostics.push(Diagnostic::error(span, message).hint(hint));
            }
        }
    }
}
