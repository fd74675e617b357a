//! Conditions and templates: one language, Jinja, over one subject, the event. Pure.
//!
//! Everything that can be known of a source is said when it is compiled (`check`); what a source
//! may cost when it is evaluated is bounded (`limit`).

mod condition;
mod template;
mod payload;
mod subject;
mod state;
mod path;
mod check;
mod form;
mod syntax;
mod vocabulary;
mod filter;
mod test;
mod limit;
#[cfg(test)]
mod tests;

pub use condition::Condition;
pub use path::Path;
pub use payload::Payload;
pub use state::{State, TakenOver, Window};
pub use subject::Subject;
pub use template::Template;
pub use vocabulary::{Role, VOCABULARY, Word};

use std::ops::Range;
use std::sync::LazyLock;

use minijinja::{Environment, ErrorKind, UndefinedBehavior};

/// Why a condition or template does not compile, or did not evaluate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where in the source it is wrong, in bytes.
    pub range: Option<Range<usize>>,
}

impl Error {
    fn at(message: impl Into<String>, range: Range<usize>) -> Self {
        Self { message: message.into(), hint: None, range: Some(range) }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Something a template needs is not there.
    fn missing(name: &str, range: Option<Range<usize>>) -> Self {
        let hint = "give it a default (`… | default('')`), or let `when:` ask for it first";
        Self { message: format!("`{name}` is missing"), hint: Some(hint.into()), range }
    }

    fn too_long() -> Self {
        Self { message: "the result is longer than 1 MiB".into(), hint: None, range: None }
    }
}

impl From<minijinja::Error> for Error {
    fn from(error: minijinja::Error) -> Self {
        let message = match error.kind() {
            ErrorKind::OutOfFuel => "the expression takes too many steps".to_owned(),
            ErrorKind::WriteFailure => return Self::too_long(),
            kind => error.detail().map_or_else(|| kind.to_string(), str::to_owned),
        };
        Self { message, hint: None, range: error.range() }
    }
}

/// What is missing is false.
static CONDITIONS: LazyLock<Environment<'static>> =
    LazyLock::new(|| environment(UndefinedBehavior::Chainable));
/// What is missing may be asked about, but not used.
static TEMPLATES: LazyLock<Environment<'static>> =
    LazyLock::new(|| environment(UndefinedBehavior::SemiStrict));

fn environment(undefined: UndefinedBehavior) -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(undefined);
    environment.set_fuel(Some(limit::FUEL));
    environment.set_debug(false);
    environment.set_syntax(check::jinja());
    for word in VOCABULARY {
        (word.register)(&mut environment, word.name);
    }
    environment
}
