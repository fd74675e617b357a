//! The expressions of a route: compiled, and checked against what its kinds have.

use super::super::diagnostic::Diagnostic;
use super::super::shape;
use super::super::yaml::{Node, Value};
use super::Compiler;
use crate::event::Kind;
use crate::event::paths::{self, Unknown};
use crate::expression::{Condition, Error, Path, Payload, Template};

impl Compiler<'_> {
    /// A condition: `when` sees the event alone, `unless` also how its conversation stands.
    pub(super) fn condition(
        &mut self,
        node: &Node,
        key: &str,
        kinds: &[Kind],
    ) -> Option<Condition> {
        let text = node.word()?;
        if text.trim_start().starts_with("{{") {
            self.diagnostics.push(
                Diagnostic::error(node.span, "a condition has no braces")
                    .hint(format!("write the expression alone: `{key}: event.text`")),
            );
            return None;
        }
        let state = key == "unless";
        let compiled = if state { Condition::on_state(text) } else { Condition::compile(text) };
        match compiled {
            Ok(condition) => {
                self.paths(node, condition.paths(), |it| {
                    if state {
                        paths::exists(it, kinds)
                    } else {
                        paths::exists_in_condition(it, kinds)
                    }
                });
                Some(condition)
            }
            Err(error) => {
                self.expression(node, error);
                None
            }
        }
    }

    /// Refuses the paths that no kind has that the route can match.
    fn paths(&mut self, node: &Node, paths: &[Path], check: impl Fn(&str) -> Result<(), Unknown>) {
        for path in paths {
            if let Err(unknown) = check(&path.name) {
                self.expression(
                    node,
                    Error {
                        message: unknown.to_string(),
                        hint: unknown.hint(),
                        range: Some(path.range.clone()),
                    },
                );
            }
        }
    }

    /// A compile error, at its place within the scalar.
    fn expression(&mut self, node: &Node, error: Error) {
        let text = self.diagnostics.text();
        let span = error.range.map_or(node.span, |it| node.locate(it, text));
        let diagnostic = Diagnostic::error(span, error.message);
        self.diagnostics.push(match error.hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        });
    }

    /// Compiles a payload. Its templates are compiled one by one first: that tells their places.
    pub(super) fn payload(&mut self, node: &Node, kinds: &[Kind]) -> Option<Payload> {
        self.templates(node, kinds);
        Payload::compile(&node.to_json()).ok()
    }

    /// Checks every template of a payload, and every number that may be a text.
    fn templates(&mut self, node: &Node, kinds: &[Kind]) {
        match &node.value {
            Value::Unknown => {}
            Value::Map(_) if shape::is_template(node, self.diagnostics.text()) => {}
            Value::List(nodes) => nodes.iter().for_each(|it| self.templates(it, kinds)),
            Value::Map(entries) => entries.iter().for_each(|it| self.templates(&it.value, kinds)),
            Value::Scalar(scalar) if scalar.is_lossy_number() && !scalar.interpolated => {
                let read = node.to_json();
                let message = if !read.is_number() {
                    format!("is `{text}` a text or a number?", text = scalar.text)
                } else if scalar.text.len() > 15 {
                    format!("as a number, `{}` loses digits where it is read", scalar.text)
                } else {
                    format!("YAML reads `{}` as the number {read}", scalar.text)
                };
                let text = &scalar.text;
                let hint = format!("quote it: `\"{text}\"`");
                self.diagnostics.push(Diagnostic::error(node.span, message).hint(hint));
            }
            Value::Scalar(scalar) => match Template::on_state(&scalar.text) {
                Ok(template) => self.paths(node, template.paths(), |it| paths::exists(it, kinds)),
                Err(error) => self.expression(node, error),
            },
        }
    }
}
