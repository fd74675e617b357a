//! Conditions: what a route's `when:` says.

use std::sync::Arc;

use minijinja::Expression;
use regex::Regex;

use super::check::Sees;
use super::form::Conjunct;
use super::path::Plain;
use super::{CONDITIONS, Error, Path, Subject, check, test};

/// A `when:`: an expression over the event alone, where what is missing is false.
#[derive(Debug)]
pub struct Condition {
    /// Asked first: each takes nanoseconds, the engine a few hundred of them.
    leading: Vec<Term>,
    /// The whole, where there is more than those.
    expression: Option<Expression<'static, 'static>>,
    guards: Vec<Path>,
    paths: Vec<Path>,
    lookups: Vec<Path>,
}

/// What a path must be.
#[derive(Debug)]
struct Term {
    path: Plain,
    wanted: Wanted,
}

#[derive(Debug)]
enum Wanted {
    There,
    Equal(Box<str>),
    Matching(Arc<Regex>),
}

impl Term {
    fn new(conjunct: Conjunct) -> Result<Self, Error> {
        let (path, wanted) = match conjunct {
            Conjunct::There(path) => (path, Wanted::There),
            Conjunct::Equal(path, text) => (path, Wanted::Equal(text.into())),
            Conjunct::Matching(path, pattern) => {
                let regex = test::regex(&pattern).map_err(|it| Error {
                    message: it.to_string(),
                    hint: None,
                    range: None,
                })?;
                (path, Wanted::Matching(regex))
            }
        };
        Ok(Self { path: Plain::new(path), wanted })
    }

    fn holds(&self, subject: &Subject) -> bool {
        match &self.wanted {
            Wanted::There => self.path.holds(subject),
            Wanted::Equal(text) => self.path.is(subject, |it| *it == **text),
            Wanted::Matching(regex) => self.path.is(subject, |it| regex.is_match(it)),
        }
    }
}

impl Condition {
    /// Compiles a condition.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    pub fn compile(source: &str) -> Result<Self, Error> {
        Self::seeing(source, Sees::Event)
    }

    /// Compiles a condition on how the conversation stands: an `unless:`.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    pub fn on_state(source: &str) -> Result<Self, Error> {
        Self::seeing(source, Sees::State)
    }

    fn seeing(source: &str, sees: Sees) -> Result<Self, Error> {
        let found = check::condition(source, sees)?;
        let whole = || CONDITIONS.compile_expression_owned(source.to_owned());
        Ok(Self {
            leading: found.leading.into_iter().map(Term::new).collect::<Result<_, _>>()?,
            expression: found.more.then(whole).transpose()?,
            guards: found.guards,
            paths: found.paths,
            lookups: found.lookups,
        })
    }

    /// The paths it reads, in the order of the source.
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// The paths below `lookup` that it reads, in the order of the source.
    pub fn lookups(&self) -> &[Path] {
        &self.lookups
    }

    /// Whether it holds for a subject.
    ///
    /// # Errors
    /// Why it could not be evaluated.
    pub fn holds(&self, subject: &Subject) -> Result<bool, Error> {
        if !self.leading.iter().all(|it| it.holds(subject)) {
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
