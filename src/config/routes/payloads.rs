//! Payloads of routes: every template in them, at its place.

use super::Compiler;
use crate::config::diagnostic::Diagnostic;
use crate::config::shape;
use crate::config::yaml::{Node, Value};
use crate::event::Kind;
use crate::event::paths;
use crate::expression::{Payload, Template};

impl Compiler<'_> {
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
                Ok(template) => {
                    self.paths(node, template.paths(), |it| paths::exists(it, kinds));
                    self.looked_up(node, template.lookups());
                }
                Err(error) => self.expression(node, error),
            },
        }
    }
}
