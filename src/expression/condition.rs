//! Conditions: what a route's `when:` says.

use minijinja::Expression;

use super::form::Conjunct;
use super::path::Plain;
use super::{CONDITIONS, Error, Path, Subject, check};

/// A `when:`: an expression over the event alone, where what is missing is false.
#[derive(Debug)]
pub struct Condition {
    /// Asked first: each takes nanoseconds, the engine a few hundred of them.
    leading: Vec<Term>,
    /// The whole, where there is more than those.
    expression: Option<Expression<'static, 'static>>,
    guards: Vec<Path>,
    paths: Vec<Path>,
}

/// A path that must be there, or be equal to a text.
#[derive(Debug)]
struct Term {
    path: Plain,
    text: Option<Box<str>>,
}

impl From<Conjunct> for Term {
    fn from(conjunct: Conjunct) -> Self {
        match conjunct {
            Conjunct::There(path) => Self { path: Plain::new(path), text: None },
            Conjunct::Equal(path, text) => Self { path: Plain::new(path), text: Some(text.into()) },
        }
    }
}

impl Condition {
    /// Compiles a condition.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    pub fn compile(source: &str) -> Result<Self, Error> {
        let found = check::condition(source)?;
        let whole = || CONDITIONS.compile_expression_owned(source.to_owned());
        Ok(Self {
            leading: found.leading.into_iter().map(Term::from).collect(),
            expression: found.more.then(whole).transpose()?,
            guards: found.guards,
            paths: found.paths,
        })
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
        let holds = |it: &Term| match &it.text {
            Some(text) => it.path.is(subject, text),
            None => it.path.holds(subject),
        };
        if !self.leading.iter().all(holds) {
            return Ok(false);
        }
        let Some(expression) = &self.expression else { return Ok(true) };
        // The engine sorts what is missing before every number.
        if self.guards.iter().any(|it| it.value(subject).is_undefined()) {
            return Ok(false);
        }
        Ok(expression.eval(subject.context())?.is_true())
    }
}
