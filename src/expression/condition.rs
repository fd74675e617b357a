//! Conditions: what a route's `when:` says.

use minijinja::Expression;

use super::path::Plain;
use super::{CONDITIONS, Error, Path, Subject, check};

/// A `when:`: an expression over the event alone, where what is missing is false.
#[derive(Debug)]
pub struct Condition {
    form: Form,
    paths: Vec<Path>,
    guards: Vec<Path>,
}

#[derive(Debug)]
enum Form {
    /// One path: read without the engine.
    Plain(Plain),
    Expression(Expression<'static, 'static>),
}

impl Condition {
    /// Compiles a condition.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    pub fn compile(source: &str) -> Result<Self, Error> {
        let found = check::condition(source)?;
        let form = match found.plain {
            Some(path) => Form::Plain(Plain::new(path)),
            None => Form::Expression(CONDITIONS.compile_expression_owned(source.to_owned())?),
        };
        Ok(Self { form, paths: found.paths, guards: found.guards })
    }

    /// The paths it reads, in the order of the source.
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// Whether it holds for a subject.
    ///
    /// # Errors
    /// Why it could not be evaluated.
    pub fn holds(&self, subject: &Subject) -> Result<bool, Error> {
        match &self.form {
            Form::Plain(path) => Ok(path.holds(subject)),
            Form::Expression(expression) => {
                // The engine sorts what is missing before every number.
                if self.guards.iter().any(|it| it.value(subject).is_undefined()) {
                    return Ok(false);
                }
                Ok(expression.eval(subject.context())?.is_true())
            }
        }
    }
}
