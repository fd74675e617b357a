//! The conditions of a route: compiled, and checked against what its kinds have.

use super::super::diagnostic::Diagnostic;
use super::super::yaml::Node;
use super::Compiler;
use crate::event::Kind;
use crate::event::paths::{self, Unknown};
use crate::expression::{Condition, Error, Path};

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
                self.looked_up(node, condition.lookups());
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
    pub(super) fn paths(
        &mut self,
        node: &Node,
        paths: &[Path],
        check: impl Fn(&str) -> Result<(), Unknown>,
    ) {
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
    pub(super) fn expression(&mut self, node: &Node, error: Error) {
        let text = self.diagnostics.text();
        let span = error.range.map_or(node.span, |it| node.locate(it, text));
        let diagnostic = Diagnostic::error(span, error.message);
        self.diagnostics.push(match error.hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        });
    }
}
