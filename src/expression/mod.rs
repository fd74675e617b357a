//! Conditions and templates: one language, Jinja, over one subject, the event. Pure.

mod subject;

pub use subject::Subject;

use std::sync::LazyLock;

use minijinja::{Environment, Expression, UndefinedBehavior, Value};

/// Why a condition or template does not compile, or did not evaluate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where in the source it is wrong, in bytes.
    pub range: Option<std::ops::Range<usize>>,
}

impl From<minijinja::Error> for Error {
    fn from(error: minijinja::Error) -> Self {
        let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        Self { message, hint: None, range: error.range() }
    }
}

static CONDITIONS: LazyLock<Environment<'static>> =
    LazyLock::new(|| environment(UndefinedBehavior::Chainable));
static TEMPLATES: LazyLock<Environment<'static>> =
    LazyLock::new(|| environment(UndefinedBehavior::Strict));

fn environment(undefined: UndefinedBehavior) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(undefined);
    environment.set_fuel(Some(50_000));
    environment
}

/// A `when:`: an expression over the event alone, where what is missing is false.
pub struct Condition {
    expression: Expression<'static, 'static>,
}

impl Condition {
    /// Compiles a condition.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    pub fn compile(source: &str) -> Result<Self, Error> {
        Ok(Self { expression: CONDITIONS.compile_expression_owned(source.to_owned())? })
    }

    /// Whether it holds for a subject.
    ///
    /// # Errors
    /// Why it could not be evaluated.
    pub fn holds(&self, subject: &Subject) -> Result<bool, Error> {
        Ok(self.expression.eval(subject.context())?.is_true())
    }
}

/// The name of a template within its environment.
const TEXT: &str = "template";

/// A string of the configuration that may hold `{{ … }}`.
pub struct Template {
    parts: Parts,
}

enum Parts {
    /// No markup: the string itself.
    Literal(String),
    /// Exactly one `{{ … }}`: keeps its native type.
    Native(Expression<'static, 'static>),
    /// Text with markup in it: always a string. Compiled once, the only one of its environment.
    Text(Environment<'static>),
}

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    pub fn compile(source: &str) -> Result<Self, Error> {
        if !["{{", "{%", "{#"].iter().any(|it| source.contains(it)) {
            return Ok(Self { parts: Parts::Literal(source.to_owned()) });
        }
        let mut text = TEMPLATES.clone();
        text.add_template_owned(TEXT, source.to_owned())?;
        let inner = source.trim().strip_prefix("{{").and_then(|it| it.strip_suffix("}}"));
        if let Some(inner) = inner
            && let Ok(expression) = TEMPLATES.compile_expression_owned(inner.to_owned())
        {
            return Ok(Self { parts: Parts::Native(expression) });
        }
        Ok(Self { parts: Parts::Text(text) })
    }

    /// The value for a subject: of its native type where the template is one expression.
    ///
    /// # Errors
    /// Why it could not be rendered; something missing is an error here.
    pub fn render(&self, subject: &Subject) -> Result<serde_json::Value, Error> {
        match &self.parts {
            Parts::Literal(text) => Ok(text.clone().into()),
            Parts::Native(expression) => {
                let value = expression.eval(subject.context())?;
                serde_json::to_value(&value).map_err(|it| Error {
                    message: it.to_string(),
                    hint: None,
                    range: None,
                })
            }
            Parts::Text(text) => Ok(text.get_template(TEXT)?.render(subject.context())?.into()),
        }
    }

    /// The value for a subject, as text.
    ///
    /// # Errors
    /// Why it could not be rendered; something missing is an error here.
    pub fn render_text(&self, subject: &Subject) -> Result<String, Error> {
        match &self.parts {
            Parts::Literal(text) => Ok(text.clone()),
            Parts::Native(expression) => {
                let value: Value = expression.eval(subject.context())?;
                Ok(value.to_string())
            }
            Parts::Text(text) => Ok(text.get_template(TEXT)?.render(subject.context())?),
        }
    }
}
